"""Checks of arguments that answer in full sentences: which argument, what was expected, what came.

It holds no mathematics and never repairs a value: what is wrong is refused before anything changes.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.floating[Any]]
"""An array of floating-point numbers; float64 by default, float32 on request."""

FLOAT_DTYPES = (np.dtype(np.float64), np.dtype(np.float32))
FLOAT_CHARS = "".join(dtype.char for dtype in FLOAT_DTYPES)
"""NumPy's letters for the two. Checks that run in every step compare letters, which is faster."""


def describe(value: object) -> str:
    """Say in a few words what a value is, for the "but got …" part of a sentence.

    >>> import numpy as np
    >>> describe(np.zeros((3, 2)))
    'an array of shape (3, 2) and dtype float64'
    >>> describe("relu")
    "'relu' (str)"
    """
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    text = repr(value)
    shown = text if len(text) <= 60 else text[:57] + "..."
    return f"{shown} ({type(value).__name__})"


def number(name: str, value: object, expected: str = "a finite number") -> float:
    """Return `value` as a Python float, or refuse it.

    A Python float matters for float32: ``float32_array * np.float64(2)`` would be float64.

    Raises
    ------
    TypeError
        If `value` is not a number (True and False do not count as numbers here).
    ValueError
        If it is NaN or infinite.
    """
    if type(value) is float and math.isfinite(value):
        return value  # the usual case, and this runs in every step
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.number)):
        raise TypeError(f"{name} should be {expected}, but got {describe(value)}.")
    if isinstance(value, np.complexfloating):
        raise TypeError(f"{name} should be {expected}, but got {describe(value)}.")
    as_float = float(value)
    if not math.isfinite(as_float):
        raise ValueError(f"{name} should be {expected}, but got {as_float}.")
    return as_float


def non_negative(name: str, value: object) -> float:
    """Return `value` as a float of at least 0, or refuse it (see `number` for the errors)."""
    expected = "a finite number of at least 0"
    as_float = number(name, value, expected)
    if as_float < 0:
        raise ValueError(f"{name} should be {expected}, but got {as_float}.")
    return as_float


def positive(name: str, value: object) -> float:
    """Return `value` as a float above 0, or refuse it (see `number` for the errors)."""
    expected = "a finite number above 0"
    as_float = number(name, value, expected)
    if as_float <= 0:
        raise ValueError(f"{name} should be {expected}, but got {as_float}.")
    return as_float


def fraction_below_one(name: str, value: object) -> float:
    """Return `value` as a float in [0, 1), or refuse it (see `number` for the errors)."""
    expected = "a number in [0, 1)"
    as_float = number(name, value, expected)
    if not 0 <= as_float < 1:
        raise ValueError(f"{name} should be {expected}, but got {as_float}.")
    return as_float


def whole_number(name: str, value: object, at_least: int = 1) -> int:
    """Return `value` as an int of at least `at_least`, or refuse it.

    Raises
    ------
    TypeError
        If `value` is not an integer (2.0 is refused as well).
    ValueError
        If it is smaller than `at_least`.
    """
    expected = f"a whole number of at least {at_least}"
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} should be {expected}, but got {describe(value)}.")
    if value < at_least:
        raise ValueError(f"{name} should be {expected}, but got {value}.")
    return int(value)


def one_of(name: str, value: str, choices: Collection[str]) -> str:
    """Return `value` if it is among `choices`, or refuse it with a ValueError."""
    if value not in choices:
        listed = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"{name} should be one of {listed}, but got {value!r}.")
    return value


def generator(name: str, value: object) -> np.random.Generator:
    """Return `value` if it is a `numpy.random.Generator`, or refuse it with a TypeError.

    A seed is refused too: whoever makes the generator decides what is random together.
    """
    if not isinstance(value, np.random.Generator):
        raise TypeError(
            f"{name} should be a numpy.random.Generator such as np.random.default_rng(0), "
            f"but got {describe(value)}."
        )
    return value


def float_dtype(name: str, value: npt.DTypeLike) -> np.dtype[Any]:
    """Return `value` as the dtype float64 or float32, or refuse it with a TypeError."""
    dtype = np.dtype(value)
    if dtype not in FLOAT_DTYPES:
        raise TypeError(f"{name} should be float64 or float32, but got {dtype}.")
    return dtype


def real_array(name: str, value: npt.ArrayLike) -> Array:
    """Return `value` as a float array: float32 stays float32, everything else becomes float64.

    Lists and whole numbers are welcome; the array is not copied when it is a float array already.

    Raises
    ------
    TypeError
        If `value` does not hold real numbers.
    """
    array = np.asarray(value)
    if array.dtype in FLOAT_DTYPES:
        return array
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{name} should hold real numbers, but got {describe(value)}"
            f"{'' if isinstance(value, np.ndarray) else f', which has dtype {array.dtype}'}."
        )
    return array.astype(np.float64)


def all_finite(array: Array) -> bool:
    """Say whether an array has neither NaN nor infinity.

    One dot product answers for almost every array: NaN and infinity survive it. Only when it is
    not finite (perhaps it just overflowed) is every number looked at. On the small arrays of this
    book that is twice as fast as ``np.isfinite(array).all()``.
    """
    return math.isfinite(np.vdot(array, array)) or bool(np.isfinite(array).all())


def finite(name: str, array: Array) -> None:
    """Refuse an array that holds NaN or infinity with a ValueError that counts them."""
    if not all_finite(array):
        not_a_number = int(np.isnan(array).sum())
        infinite = int(np.isinf(array).sum())
        raise ValueError(
            f"{name} should hold finite numbers only, but got {not_a_number} NaN and "
            f"{infinite} infinite of {array.size} values."
        )


def instance_of(name: str, value: object, kind: type, example: str) -> None:
    """Refuse what is not an object of a class with a TypeError that shows how one is made."""
    if not isinstance(value, kind):
        raise TypeError(
            f"{name} should be of the class {kind.__name__}, such as {example}, but got {describe(value)}."
        )


def same_shape(name: str, array: Array, shape: tuple[int, ...], shape_of: str) -> None:
    """Refuse an array whose shape is not `shape`, the shape of the thing called `shape_of`."""
    if array.shape != shape:
        raise ValueError(f"{name} should have the shape of {shape_of}, {shape}, but got {array.shape}.")


def same_dtype(name: str, array: Array, dtype: np.dtype[Any], dtype_of: str) -> None:
    """Refuse an array whose dtype is not `dtype`: float32 and float64 are never silently mixed."""
    if array.dtype != dtype:
        raise TypeError(
            f"{name} should have the dtype of {dtype_of}, {dtype}, but got {array.dtype}. "
            f"Convert it with .astype(np.{dtype})."
        )


def check_array(name: str, value: object) -> None:
    """Refuse anything but an array of floats with a TypeError."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "biu":
        raise TypeError(
            f"{name} should be an array of float64 or float32, but got {describe(value)}. "
            f"Convert it with .astype(np.float64)."
        )
    if not isinstance(value, np.ndarray) or value.dtype.char not in FLOAT_CHARS:
        raise TypeError(f"{name} should be an array of float64 or float32, but got {describe(value)}.")


def check_batch(name: str, inputs: Array, shape: tuple[int | None, ...], dtype: np.dtype[Any]) -> None:
    """Refuse a batch of another dtype than the layer, or without rows, or with rows of another shape.

    A None in the shape stands for any length.
    """
    if isinstance(inputs, np.ndarray) and inputs.dtype == dtype and inputs.shape[1:] == shape and len(inputs):
        return  # the usual case, and this runs in every forward pass
    check_array(name, inputs)
    row = inputs.shape[1:]
    fits = len(row) == len(shape) and all(
        want is None or want == have for want, have in zip(shape, row, strict=True)
    )
    if inputs.ndim == 0 or not fits:
        wanted = ", ".join(["batch_size", *("any" if n is None else str(n) for n in shape)])
        raise ValueError(f"{name} should have the shape ({wanted}), but got {inputs.shape}.")
    if len(inputs) == 0:
        raise ValueError(f"{name} should have at least one row, but got shape {inputs.shape}.")
    same_dtype(name, inputs, dtype, "the layer")
