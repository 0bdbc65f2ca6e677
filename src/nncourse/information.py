"""Information: how surprising an event is, how uncertain a distribution, how far apart two are.

These are the quantities behind cross entropy, for distributions that are given as probabilities.
The losses that train a network start from scores instead and are in `nncourse.losses`.

Logarithms are natural, so the unit is the nat; pass ``base=2`` for bits. All functions work along
the last axis, which must sum to 1, and 0 · log 0 counts as 0, its limit. The formulas are those of
Shannon (1948), Kullback & Leibler (1951) and Cover & Thomas (2006), chapter 2.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from nncourse.arguments import Array, finite, number, real_array

SUM_TOLERANCE = 1e-6
"""How far from 1 the sum of a distribution may be."""


def distribution(name: str, value: npt.ArrayLike) -> Array:
    """Return `value` as an array of probabilities along the last axis, or refuse it.

    Raises
    ------
    TypeError
        If it does not hold real numbers.
    ValueError
        If it holds NaN, infinity or a negative number, or does not sum to 1 within 1e-6.
    """
    p = real_array(name, value)
    finite(name, p)
    if p.ndim == 0 or p.size == 0:
        raise ValueError(f"{name} should hold at least one distribution, but has shape {p.shape}.")
    if p.min() < 0:
        raise ValueError(f"{name} should hold no negative numbers, but got {p.min()}.")
    totals = p.sum(axis=-1)
    worst = float(np.ravel(totals)[np.argmax(np.abs(totals - 1))])
    if abs(worst - 1) > SUM_TOLERANCE:
        raise ValueError(f"{name} should sum to 1 along the last axis, but got {worst:.6g}.")
    return p


def _log(p: Array, base: float) -> Array:
    """Return the logarithm of p, −∞ for 0, without a warning."""
    if number("base", base) <= 1:
        raise ValueError(f"base should be a number above 1, but got {base}.")
    with np.errstate(divide="ignore"):
        return np.log(p) / math.log(base)


def self_information(p: npt.ArrayLike, base: float = math.e) -> Array:
    """Return −log p, the surprise at an event of probability p; it is infinite for p = 0.

    Examples
    --------
    >>> float(self_information(0.25, base=2))
    2.0
    """
    probability = real_array("p", p)
    finite("p", probability)
    if probability.size and (probability.min() < 0 or probability.max() > 1):
        raise ValueError(
            f"p should hold probabilities in [0, 1], but got values from {probability.min()} "
            f"to {probability.max()}."
        )
    return 0 - _log(probability, base)


def entropy(p: npt.ArrayLike, base: float = math.e) -> Array:
    """Return H(p) = −Σ p log p, the expected self-information: larger means more uncertain.

    Parameters
    ----------
    p : array of shape (..., k)
        Distributions along the last axis.
    base : float
        Of the logarithm, above 1.

    Returns
    -------
    array of shape (...)
        Between 0 (one outcome is certain) and log k (all are equal).

    Examples
    --------
    >>> float(entropy([0.5, 0.5], base=2))
    1.0
    """
    return cross_entropy(p, p, base)


def cross_entropy(p: npt.ArrayLike, q: npt.ArrayLike, base: float = math.e) -> Array:
    """Return H(p, q) = −Σ p log q, the expected surprise of someone who believes q when p holds.

    Parameters
    ----------
    p, q : array of shape (..., k)
        The true and the believed distribution.
    base : float
        Of the logarithm, above 1.

    Returns
    -------
    array of shape (...)
        At least H(p); infinite if q rules out something that p allows.

    Examples
    --------
    The source note's frog: the label is one-hot and the prediction gives it 0.7.

    >>> round(float(cross_entropy([0, 0, 1, 0], [0.05, 0.1, 0.7, 0.15])), 4)
    0.3567
    """
    p, q = distribution("p", p), distribution("q", q)
    if p.shape[-1] != q.shape[-1]:
        raise ValueError(f"q should have as many outcomes as p, {p.shape[-1]}, but got {q.shape[-1]}.")
    possible = p > 0
    log_q = np.where(possible, _log(q, base), 0)
    result: Array = 0 - (p * log_q).sum(axis=-1)
    return result


def kl_divergence(p: npt.ArrayLike, q: npt.ArrayLike, base: float = math.e) -> Array:
    """Return KL(p‖q) = Σ p log(p/q) = H(p, q) − H(p), at least 0; it is not symmetric.

    Parameters and units as in `cross_entropy`. 0 exactly when p = q (Gibbs' inequality).

    Examples
    --------
    >>> float(kl_divergence([1, 0], [0.5, 0.5], base=2))
    1.0
    >>> float(kl_divergence([0.5, 0.5], [1, 0], base=2))
    inf
    """
    gap = cross_entropy(p, q, base) - entropy(p, base)
    return np.maximum(gap, 0)  # rounding may leave −1e-17 when p = q
