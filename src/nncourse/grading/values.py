"""Values on their way between the judge and the sandbox: data only, and plain types on arrival.

Both sides use this module, but only the judge depends on it: what comes from a sandbox was written by
the learner's process, which may send anything. So nothing is unpickled or evaluated, sizes are checked
before memory is taken, and a value is built anew from numbers and text, never trusted for its type.
"""

from __future__ import annotations

import json
import math
import re
import struct
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

PREFIX = struct.Struct("<II")  # how many bytes of JSON and of arrays follow
MOST_TEXT = 1 << 20
WIDEST = 8  # bytes of a number once a check has turned an array into floats
MOST_ARRAYS = 1000
MOST_AXES = 32  # more than that, and even to count the values of an array would take the judge seconds
MOST_KEYS = 1000  # of a dict; numbers can be chosen so that all have one hash
_DTYPE = re.compile(r"\|b1|[<|][iu][1248]|<f[248]|<c(8|16)|<U[1-9]\d{0,5}")

Tree = Any  # what JSON can hold
Message = tuple[dict[str, Any], list[np.ndarray]]


class NotData(Exception):
    """A value cannot travel, or a message is not what it should be."""


def encode(value: object, arrays: list[np.ndarray]) -> Tree:
    """Return a value as a tree of JSON, and put its arrays into ``arrays``.

    Subclasses travel as the plain type that they extend, because only that arrives.

    Raises
    ------
    NotData
        If the value holds anything but None, numbers, text, lists, tuples, dicts and arrays of them.
    """
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        if array.dtype.byteorder == ">":
            array = array.astype(array.dtype.newbyteorder("<"))
        if not _DTYPE.fullmatch(array.dtype.str):
            raise NotData(f"an array of {array.dtype}")
        arrays.append(array)
        return ["array" if isinstance(value, np.ndarray) else "scalar", len(arrays) - 1]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, complex):
        return ["complex", value.real, value.imag]
    if isinstance(value, list | tuple):
        return ["tuple" if isinstance(value, tuple) else "list", *(encode(part, arrays) for part in value)]
    if isinstance(value, dict):
        pairs = ([encode(key, arrays), encode(part, arrays)] for key, part in value.items())
        return ["dict", *pairs]
    name = type(value).__name__
    raise NotData(f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}")


def decode(tree: Tree, arrays: Sequence[np.ndarray]) -> Any:
    """Return the value of a tree, made of plain types only.

    Each array has one place in the tree, as `encode` makes it. A short message that named a large array
    again and again would otherwise fill the memory of the judge with copies.

    Raises
    ------
    NotData
        If the tree is not one that `encode` makes.
    """
    try:
        return _decode(tree, dict(enumerate(arrays)))
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise NotData(f"a value of the wrong form ({type(error).__name__})") from None


def _decode(tree: Tree, arrays: dict[int, np.ndarray]) -> Any:
    """Build a value, and take out of ``arrays`` those that it uses."""
    if not isinstance(tree, list):
        if isinstance(tree, dict):
            raise ValueError("a bare JSON object")
        return tree
    kind, *parts = tree
    if kind == "list":
        return [_decode(part, arrays) for part in parts]
    if kind == "tuple":
        return tuple(_decode(part, arrays) for part in parts)
    if kind == "dict":
        if len(parts) > MOST_KEYS:
            raise ValueError("too many keys")
        return {_decode(key, arrays): _decode(part, arrays) for key, part in parts}
    if kind == "complex":
        real, imaginary = parts
        return complex(float(real), float(imaginary))
    if kind in ("array", "scalar"):
        (place,) = parts
        array = arrays.pop(place)
        return array.copy() if kind == "array" else array.reshape(())[()]
    raise ValueError(f"no kind {kind!r}")


def snapshot(value: object) -> bytes:
    """Return what a value looks like now, to tell later whether it has changed by more than rounding."""
    arrays: list[np.ndarray] = []
    try:
        tree = encode(value, arrays)
        with np.errstate(all="ignore"):
            arrays = [array.astype("f4") if array.dtype.kind == "f" else array for array in arrays]
        return pack({"value": tree}, arrays)
    except (NotData, ValueError, RecursionError):  # it has become something else than data
        return b""


def unfolded(dtype: np.dtype[Any], count: int) -> int:
    """Return how many bytes so many values may take in the judge, where small numbers grow."""
    return count * (dtype.itemsize if dtype.kind == "U" else max(dtype.itemsize, WIDEST))


def pack(header: dict[str, Any], arrays: Sequence[np.ndarray] = ()) -> bytes:
    """Write down a message: its size, its header as JSON, the bytes of its arrays."""
    described = {**header, "arrays": [[array.dtype.str, array.shape] for array in arrays]}
    text = json.dumps(described).encode()
    body = b"".join(array.tobytes() for array in arrays)
    return PREFIX.pack(len(text), len(body)) + text + body


def fits(message: bytes, arrays: Sequence[np.ndarray], most_bytes: int) -> bool:
    """Whether the other side will take this message, which holds these arrays."""
    text_size, _ = PREFIX.unpack_from(message)
    grown = sum(unfolded(array.dtype, array.size) for array in arrays)
    return bool(text_size <= MOST_TEXT and grown <= most_bytes)


def unpack(read: Callable[[int], bytes], most_bytes: int, most_text: int = MOST_TEXT) -> Message:
    """Read a message with ``read``, which returns exactly as many bytes as it is asked for.

    Raises
    ------
    NotData
        If the message is too large, or is not one that `pack` writes.
    """
    text_size, body_size = PREFIX.unpack(read(PREFIX.size))
    if text_size > most_text or body_size > most_bytes:
        raise NotData(f"a result of more than {max(most_bytes, MOST_TEXT) >> 20} MB")
    text, body = read(text_size), read(body_size)
    try:
        header = json.loads(text)
        described = header.pop("arrays")
        if len(described) > MOST_ARRAYS:
            raise ValueError("too many arrays")
        return header, _arrays(described, body, most_bytes)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise NotData(f"a reply that is not data ({type(error).__name__})") from None


def _arrays(described: list[Any], body: bytes, most_bytes: int) -> list[np.ndarray]:
    """Cut the body into the arrays that the header describes; not a byte may be left over."""
    arrays, start, grown = [], 0, 0
    for kind, shape in described:
        if len(shape) > MOST_AXES:
            raise ValueError("too many axes")
        if not _DTYPE.fullmatch(kind) or any(type(n) is not int or n < 0 for n in shape):
            raise ValueError("not an array of numbers or text")
        dtype = np.dtype(kind)
        count = math.prod(shape)
        end, grown = start + count * dtype.itemsize, grown + unfolded(dtype, count)
        if end > len(body) or grown > most_bytes:
            raise ValueError("an array larger than its message, or than a result may be")
        flat = np.frombuffer(body, dtype, count, start) if count else np.empty(0, dtype)
        if dtype.kind == "b":
            flat = flat.view(np.uint8) != 0  # a byte that is neither 0 nor 1 would be a third truth value
        elif dtype.kind == "U" and (flat.view("<u4") > sys.maxunicode).any():
            raise ValueError("not text")
        arrays.append(flat.reshape(shape))
        start = end
    if start != len(body):
        raise ValueError("bytes that belong to no array")
    return arrays
