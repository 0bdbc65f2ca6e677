"""Data: small sets to learn on, and what is done to data before a network sees it.

Everything is computed or ships with the package; nothing is downloaded. Points come as `X` of
shape (n, d), float64, and labels as `y` of shape (n,), whole numbers; for regression both are
float64 columns of shape (n, 1). Rows of different classes of the drawn sets are in blocks: shuffle or
`split` them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from nncourse.arguments import (
    Array,
    check_array,
    describe,
    finite,
    float_dtype,
    generator,
    non_negative,
    number,
    real_array,
    whole_number,
)

AnyArray = npt.NDArray[Any]
Labels = npt.NDArray[np.int64]
DIGIT_CITATION = (
    "E. Alpaydin and C. Kaynak (1998). Optical Recognition of Handwritten Digits [data set]. "
    "UCI Machine Learning Repository. https://doi.org/10.24432/C50P49 (CC BY 4.0)"
)


class Data(NamedTuple):
    """Inputs and targets that belong together, row by row.

    Attributes
    ----------
    X, y : arrays
        With as many rows.
    """

    X: Array
    y: AnyArray


def _noisy(X: Array, noise: float, rng: np.random.Generator) -> Array:
    return X + rng.normal(0.0, non_negative("noise", noise), X.shape)


def xor(num_per_corner: int = 1, noise: float = 0.0, *, rng: np.random.Generator) -> Data:
    """Return the four corners of the unit square, each `num_per_corner` times, labelled by XOR.

    Parameters
    ----------
    num_per_corner : int
        At least 1.
    noise : float
        Standard deviation of Gaussian noise on both coordinates.
    rng : numpy.random.Generator

    Returns
    -------
    Data with X of shape (4 · num_per_corner, 2)

    Examples
    --------
    >>> X, y = xor(rng=np.random.default_rng(0))
    >>> X.tolist(), y.tolist()
    ([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0])
    """
    generator("rng", rng)
    corners = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    repeats = whole_number("num_per_corner", num_per_corner)
    return Data(
        _noisy(np.repeat(corners, repeats, axis=0), noise, rng),
        np.repeat(np.array([0, 1, 1, 0]), repeats),
    )


def blobs(num_per_class: int, centers: npt.ArrayLike, std: float = 1.0, *, rng: np.random.Generator) -> Data:
    """Return a round Gaussian cloud around each center.

    Parameters
    ----------
    num_per_class : int
        Points per cloud, at least 1.
    centers : array of shape (k, d)
        Where the clouds are.
    std : float
        Their standard deviation in every direction, at least 0.
    rng : numpy.random.Generator

    Returns
    -------
    Data with X of shape (k · num_per_class, d) and labels 0 … k − 1
    """
    generator("rng", rng)
    places = real_array("centers", centers)
    if places.ndim != 2 or places.size == 0:
        raise ValueError(f"centers should have the shape (k, d), but got {places.shape}.")
    repeats = whole_number("num_per_class", num_per_class)
    X = np.repeat(places, repeats, axis=0)
    return Data(
        X + rng.normal(0.0, non_negative("std", std), X.shape),
        np.repeat(np.arange(len(places)), repeats),
    )


def moons(num_per_class: int, noise: float = 0.1, *, rng: np.random.Generator) -> Data:
    """Return two half circles of radius 1 that reach into each other; X of shape (2n, 2).

    The upper one is centred at (0, 0), the lower one at (1, 0.5), as in scikit-learn.
    `noise` is the standard deviation of Gaussian noise on both coordinates.
    """
    generator("rng", rng)
    angle = np.linspace(0, math.pi, whole_number("num_per_class", num_per_class))
    upper = np.column_stack([np.cos(angle), np.sin(angle)])
    lower = np.column_stack([1 - np.cos(angle), 0.5 - np.sin(angle)])
    return Data(_noisy(np.vstack([upper, lower]), noise, rng), np.repeat([0, 1], len(angle)))


def circles(
    num_per_class: int, noise: float = 0.1, inner_radius: float = 0.5, *, rng: np.random.Generator
) -> Data:
    """Return a circle of radius 1 (label 0) around a smaller one (label 1); X of shape (2n, 2).

    `noise` is the standard deviation of Gaussian noise on both coordinates.
    """
    generator("rng", rng)
    n = whole_number("num_per_class", num_per_class)
    angle = np.linspace(0, 2 * math.pi, n, endpoint=False)
    outer = np.column_stack([np.cos(angle), np.sin(angle)])
    inner = non_negative("inner_radius", inner_radius) * outer
    return Data(_noisy(np.vstack([outer, inner]), noise, rng), np.repeat([0, 1], n))


def spirals(
    num_per_class: int,
    noise: float = 0.05,
    *,
    num_classes: int = 2,
    turns: float = 1.0,
    rng: np.random.Generator,
) -> Data:
    """Return arms that wind around each other from radius 0.05 to 1.

    Parameters
    ----------
    num_per_class : int
        Points per arm, at least 1.
    noise : float
        Standard deviation of Gaussian noise on both coordinates.
    num_classes : int
        How many arms.
    turns : float
        Turns from radius 0 to 1, of which an arm covers 95 %.
    rng : numpy.random.Generator

    Returns
    -------
    Data with X of shape (num_classes · num_per_class, 2)
    """
    generator("rng", rng)
    n = whole_number("num_per_class", num_per_class)
    k = whole_number("num_classes", num_classes)
    radius = np.linspace(0.05, 1, n)
    start = 2 * math.pi * np.arange(k)[:, None] / k
    angle = start + 2 * math.pi * number("turns", turns) * radius
    X = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1).reshape(-1, 2)
    return Data(_noisy(X, noise, rng), np.repeat(np.arange(k), n))


def polynomial(
    num_samples: int,
    coefficients: Sequence[float],
    noise: float = 0.1,
    *,
    low: float = -1.0,
    high: float = 1.0,
    rng: np.random.Generator,
) -> Data:
    """Return evenly spaced x and y = c₀ + c₁x + c₂x² + … + noise, as columns (n, 1).

    Parameters
    ----------
    num_samples : int
        n, at least 1.
    coefficients : sequence of float
        c₀, c₁, … from the constant upwards.
    noise : float
        Standard deviation of Gaussian noise on y.
    low, high : float
        The first and the last x.
    rng : numpy.random.Generator

    Examples
    --------
    >>> polynomial(3, [1, 0, 2], noise=0.0, rng=np.random.default_rng(0)).y.ravel().tolist()
    [3.0, 1.0, 3.0]
    """
    generator("rng", rng)
    n = whole_number("num_samples", num_samples)
    x = np.linspace(number("low", low), number("high", high), n)[:, None]
    y = np.polynomial.polynomial.polyval(x, real_array("coefficients", coefficients))
    return Data(x, _noisy(y, noise, rng))


def ten_points(*, noise: float = 0.5, rng: np.random.Generator) -> tuple[Data, Data]:
    """Return ten points to train on and ten to test on: y = 1.5 x + noise, x evenly in [−1, 1].

    The regression of the weight-decay picture: a line that a wide network bends into a jagged
    curve through all ten points, unless its weights are kept small.

    Parameters
    ----------
    noise : float
        Standard deviation of Gaussian noise on y, in both sets.
    rng : numpy.random.Generator

    Returns
    -------
    train, test : Data
        Each with X and y of shape (10, 1).
    """
    return (
        polynomial(10, [0.0, 1.5], noise, rng=rng),
        polynomial(10, [0.0, 1.5], noise, rng=rng),
    )


def digits() -> Data:
    """Return 1797 handwritten digits of 8 × 8 pixels (see `DIGIT_CITATION` and the licence there).

    Returns
    -------
    Data
        X of shape (1797, 64), float64, grey values 0 … 16 row by row; y of shape (1797,), 0 … 9.

    Examples
    --------
    >>> X, y = digits()
    >>> X.shape, y[:5].tolist()
    ((1797, 64), [0, 1, 2, 3, 4])
    """
    with files("nncourse").joinpath("digits/digits.npz").open("rb") as stream:
        with np.load(stream, allow_pickle=False) as file:
            return Data(file["images"].astype(np.float64), file["labels"].astype(np.intp))


def same_length(X: AnyArray, y: AnyArray, names: str = "X and y") -> int:
    """Return how many rows both have, or refuse them."""
    given: tuple[object, object] = X, y
    for one in given:
        if not isinstance(one, np.ndarray):
            raise TypeError(f"{names} should be arrays, but got {describe(one)}. Use np.array(...).")
    if X.ndim == 0 or y.ndim == 0 or len(X) != len(y):
        raise ValueError(f"{names} should have as many rows, but got {X.shape} and {y.shape}.")
    if len(X) == 0:
        raise ValueError(f"{names} should have at least one row, but got shape {X.shape}.")
    return len(X)


def split(X: Array, y: AnyArray, fractions: Sequence[float], *, rng: np.random.Generator) -> list[Data]:
    """Shuffle the rows and cut them into parts.

    Parameters
    ----------
    X, y : arrays with n rows each
        Inputs and targets.
    fractions : sequence of float
        The size of each part, above 0; they sum to 1.
    rng : numpy.random.Generator

    Returns
    -------
    list of Data
        Copies, one per fraction; every row is in exactly one of them.

    Examples
    --------
    >>> train, valid, test = split(*digits(), [0.6, 0.2, 0.2], rng=np.random.default_rng(0))
    >>> len(train.X), len(valid.X), len(test.X)
    (1078, 360, 359)
    """
    n = same_length(X, y)
    shares = real_array("fractions", fractions)
    if shares.ndim != 1 or not (shares > 0).all() or not abs(shares.sum() - 1) <= 1e-9:
        raise ValueError(f"fractions should be above 0 and sum to 1, but got {shares.tolist()}.")
    cuts = np.rint(np.cumsum(shares)[:-1] * n).astype(int)
    parts = np.split(generator("rng", rng).permutation(n), cuts)
    if min(map(len, parts)) == 0:
        raise ValueError(
            f"fractions should leave at least one of the {n} rows to each part, but got {list(fractions)}."
        )
    return [Data(X[rows], y[rows]) for rows in parts]


class Standardizer:
    """Shift and scale every column to mean 0 and standard deviation 1 (by n) of the training data.

    The statistics come from the training data only; the same shift and scale are then applied to
    everything else, or the test data would have told the network about itself. A column that is
    constant in training is only shifted.

    Parameters
    ----------
    train : array of shape (n, ...)
        The training inputs, float64 or float32.

    Attributes
    ----------
    mean, std : arrays
        Per column.

    Examples
    --------
    >>> train, test = np.array([[1.0], [3.0]]), np.array([[4.0]])
    >>> standardize = Standardizer(train)
    >>> standardize(train).tolist(), standardize(test).tolist()
    ([[-1.0], [1.0]], [[2.0]])
    """

    def __init__(self, train: Array) -> None:
        check_array("train", train)
        if train.ndim < 2 or train.size == 0:
            raise ValueError(f"train should have the shape (n, d), but got {train.shape}.")
        finite("train", train)
        self.mean: Array = train.mean(axis=0)
        spread: Array = train.std(axis=0)
        # By round-off the spread of equal numbers need not be 0, and that of unequal ones may be.
        constant = (train.max(axis=0) == train.min(axis=0)) | (spread == 0)
        self.std: Array = np.where(constant, np.ones_like(spread), spread)

    def __call__(self, X: Array) -> Array:
        """Return (X − mean) / std, in the dtype of X."""
        self._check(X)
        return ((X - self.mean) / self.std).astype(X.dtype)

    def undo(self, X: Array) -> Array:
        """Return X · std + mean: the way back."""
        self._check(X)
        return (X * self.std + self.mean).astype(X.dtype)

    def _check(self, X: Array) -> None:
        check_array("X", X)
        if X.shape[1:] != self.mean.shape:
            wanted = ", ".join(["n", *map(str, self.mean.shape)])
            raise ValueError(f"X should have the shape ({wanted}), but got {X.shape}.")


def one_hot(labels: npt.ArrayLike, num_classes: int, dtype: npt.DTypeLike = np.float64) -> Array:
    """Return each label as a row of zeros with a one in its place.

    Parameters
    ----------
    labels : array of int, shape (n,)
        Whole numbers from 0 to num_classes − 1.
    num_classes : int
        k.
    dtype : dtype
        float64 (default) or float32.

    Returns
    -------
    array of shape (n, k)

    Examples
    --------
    >>> one_hot([2, 0], 3).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    k = whole_number("num_classes", num_classes)
    array = np.asarray(labels)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise TypeError(
            f"labels should be whole numbers of shape (n,), but got shape {array.shape} and "
            f"dtype {array.dtype}."
        )
    if array.size and (array.min() < 0 or array.max() >= k):
        raise ValueError(
            f"labels should be from 0 to {k - 1}, but got values from {array.min()} to {array.max()}."
        )
    rows = np.zeros((len(array), k), dtype=float_dtype("dtype", dtype))
    rows[np.arange(len(array)), array] = 1
    return rows


def batches(
    X: Array, y: AnyArray, batch_size: int | None, *, rng: np.random.Generator | None = None
) -> Iterator[Data]:
    """Cut the rows into batches, with `rng` in a new random order every time it is called.

    All rows are shuffled, not only the order of fixed batches, so that no two epochs see the
    same neighbours together. The last batch may be smaller.

    Parameters
    ----------
    X, y : arrays with n rows each
        Inputs and targets.
    batch_size : int or None
        Rows per batch, at least 1; None takes all in one batch.
    rng : numpy.random.Generator or None
        Where the order comes from; None keeps the order of the rows.

    Yields
    ------
    Data
        Every row exactly once over all batches.

    Examples
    --------
    >>> X, y = np.arange(5.0)[:, None], np.arange(5)
    >>> [batch.y.tolist() for batch in batches(X, y, 2)]
    [[0, 1], [2, 3], [4]]
    >>> [batch.y.tolist() for batch in batches(X, y, 2, rng=np.random.default_rng(0))]
    [[2, 4], [3, 0], [1]]
    """
    n = same_length(X, y)
    size = n if batch_size is None else whole_number("batch_size", batch_size)
    if rng is not None:
        order = generator("rng", rng).permutation(n)
        X, y = X[order], y[order]
    return (Data(X[i : i + size], y[i : i + size]) for i in range(0, n, size))
