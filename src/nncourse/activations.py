"""Activation functions and their derivatives, as plain functions of the pre-activation z.

They are the mathematics only, safe for ``|z|`` up to 1e4 and beyond; the layers that use them
inside a network are in `nncourse.layers`.

Every function takes an array of any shape (or a number, or a list) and returns one of the same
shape. float32 stays float32; whole numbers and lists become float64. Every derivative is taken
with respect to z and is a function of z, never of the output.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nncourse.arguments import Array, number, positive, real_array

LEAKY_SLOPE = 0.01
"""The slope of `leaky_relu` left of 0 (Maas, Hannun & Ng 2013)."""


def identity(z: npt.ArrayLike) -> Array:
    """Return z itself: a layer without activation."""
    return real_array("z", z).copy()


def identity_derivative(z: npt.ArrayLike) -> Array:
    """Return 1 everywhere."""
    return np.ones_like(real_array("z", z))


def sigmoid(z: npt.ArrayLike) -> Array:
    """Return 1 / (1 + e⁻ᶻ), the logistic function with values in (0, 1), far out rounded to 0 and 1.

    It is computed from e^(−|z|), which never overflows: 1/(1 + e⁻ᶻ) for z ≥ 0 and the equal
    eᶻ/(1 + eᶻ) for z < 0.

    Examples
    --------
    >>> sigmoid([-1e4, 0, 1e4]).tolist()
    [0.0, 0.5, 1.0]
    """
    z = real_array("z", z)
    e: Array = np.exp(-np.abs(z))
    result: Array = np.where(z >= 0, 1, e) / (1 + e)
    return result


def sigmoid_derivative(z: npt.ArrayLike) -> Array:
    """Return σ'(z) = σ(z) (1 − σ(z)); largest at 0, where it is 1/4.

    Examples
    --------
    >>> float(sigmoid_derivative(0))
    0.25
    """
    s = sigmoid(z)
    return s * (1 - s)


def tanh(z: npt.ArrayLike) -> Array:
    """Return the hyperbolic tangent of z, with values in (−1, 1) and mean 0 for symmetric z."""
    return np.tanh(real_array("z", z))


def tanh_derivative(z: npt.ArrayLike) -> Array:
    """Return tanh'(z) = 1 − tanh(z)²; largest at 0, where it is 1."""
    return 1 - tanh(z) ** 2


def relu(z: npt.ArrayLike) -> Array:
    """Return max(0, z), the rectified linear unit.

    Fukushima (1969); in wide use since Nair & Hinton (2010).

    Examples
    --------
    >>> relu([-2, 0, 3]).tolist()
    [0.0, 0.0, 3.0]
    """
    z = real_array("z", z)
    result = np.zeros(z.shape, z.dtype)
    # In place of zeros: NumPy compares two arrays more than twice as fast as an array with 0.
    return np.maximum(z, result, out=result)


def relu_derivative(z: npt.ArrayLike) -> Array:
    """Return 1 where z > 0 and 0 elsewhere.

    At z = 0 there is no derivative; we choose 0, as most libraries do.
    """
    z = real_array("z", z)
    return (z > 0).astype(z.dtype)


def leaky_relu(z: npt.ArrayLike, slope: float = LEAKY_SLOPE) -> Array:
    """Return z where z > 0 and slope · z elsewhere (Maas, Hannun & Ng 2013)."""
    z, slope = real_array("z", z), number("slope", slope)
    return np.where(z > 0, z, slope * z)


def leaky_relu_derivative(z: npt.ArrayLike, slope: float = LEAKY_SLOPE) -> Array:
    """Return 1 where z > 0 and `slope` elsewhere; at 0, where there is none, `slope`."""
    z, slope = real_array("z", z), number("slope", slope)
    return np.where(z > 0, 1, slope).astype(z.dtype)


def elu(z: npt.ArrayLike, alpha: float = 1.0) -> Array:
    """Return z where z > 0 and α (eᶻ − 1) elsewhere (Clevert, Unterthiner & Hochreiter 2016)."""
    z, alpha = real_array("z", z), positive("alpha", alpha)
    return np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0)))


def elu_derivative(z: npt.ArrayLike, alpha: float = 1.0) -> Array:
    """Return 1 where z > 0 and α eᶻ elsewhere; continuous at 0 only for α = 1."""
    z, alpha = real_array("z", z), positive("alpha", alpha)
    return np.where(z > 0, 1, alpha * np.exp(np.minimum(z, 0)))


def normal_cdf(z: npt.ArrayLike) -> Array:
    """Return Φ(z) = ½ erfc(−z/√2), the probability that a standard normal number is below z.

    NumPy has no error function, so Python's is called number by number: exact, and slower than
    the rest of this module. The form with erfc keeps its digits far in the left tail.

    Examples
    --------
    The 3σ rule:

    >>> [round(100 * float(normal_cdf(k) - normal_cdf(-k)), 2) for k in (1, 2, 3)]
    [68.27, 95.45, 99.73]
    """
    z = real_array("z", z)
    scaled: list[float] = (-z.astype(np.float64) / math.sqrt(2)).ravel().tolist()
    values = np.fromiter(map(math.erfc, scaled), dtype=np.float64, count=z.size)
    probabilities: Array = (0.5 * values).reshape(z.shape).astype(z.dtype)
    return probabilities


def gelu(z: npt.ArrayLike) -> Array:
    """Return z Φ(z), the Gaussian error linear unit (Hendrycks & Gimpel 2016), exactly."""
    z = real_array("z", z)
    return z * normal_cdf(z)


def gelu_derivative(z: npt.ArrayLike) -> Array:
    """Return Φ(z) + z φ(z), where φ is the standard normal density."""
    z = real_array("z", z)
    density: Array = np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    return normal_cdf(z) + z * density


def silu(z: npt.ArrayLike) -> Array:
    """Return z σ(z), the SiLU, also called swish.

    Hendrycks & Gimpel (2016) and Elfwing, Uchibe & Doya (2018); "swish" is from Ramachandran, Zoph &
    Le (2017).
    """
    z = real_array("z", z)
    return z * sigmoid(z)


def silu_derivative(z: npt.ArrayLike) -> Array:
    """Return σ(z) (1 + z (1 − σ(z)))."""
    z = real_array("z", z)
    s = sigmoid(z)
    return s * (1 + z * (1 - s))


def logsumexp(z: npt.ArrayLike, axis: int = -1) -> Array:
    """Return log Σ exp(z) along an axis, which is kept with length 1.

    The largest z is taken out first, log Σ eᶻ = m + log Σ e^(z − m), so that nothing overflows.

    Examples
    --------
    >>> logsumexp([[1000.0, 1000.0]]).round(4).tolist()       # 1000 + log 2
    [[1000.6931]]
    """
    z = real_array("z", z)
    largest: Array = z.max(axis=axis, keepdims=True)
    total: Array = np.exp(z - largest).sum(axis=axis, keepdims=True)
    return largest + np.log(total)


def softmax(z: npt.ArrayLike, axis: int = -1) -> Array:
    """Return exp(z) / Σ exp(z) along an axis: non-negative numbers that sum to 1.

    Adding the same number to every score changes nothing, so the largest score is subtracted
    first and no exponential overflows (Goodfellow, Bengio & Courville 2016, section 4.1).

    Parameters
    ----------
    z : array of shape (..., k)
        Scores, any real numbers.
    axis : int
        The axis that sums to 1.

    Examples
    --------
    >>> softmax([2.0, 1.0, 0.1]).round(3).tolist()
    [0.659, 0.242, 0.099]
    """
    z = real_array("z", z)
    e: Array = np.exp(z - z.max(axis=axis, keepdims=True))
    total: Array = e.sum(axis=axis, keepdims=True)
    return e / total


def log_softmax(z: npt.ArrayLike, axis: int = -1) -> Array:
    """Return log softmax(z) without ever taking the logarithm of 0.

    The largest score is subtracted first, as in `softmax`, so one exponential in the sum is 1.
    """
    z = real_array("z", z)
    shifted: Array = z - z.max(axis=axis, keepdims=True)
    total: Array = np.exp(shifted).sum(axis=axis, keepdims=True)
    shifted -= np.log(total)
    return shifted


def softmax_derivative(z: npt.ArrayLike) -> Array:
    """Return the Jacobian ∂sᵢ/∂zⱼ = sᵢ (δᵢⱼ − sⱼ), since every output depends on every score.

    Parameters
    ----------
    z : array of shape (..., k)
        Scores.

    Returns
    -------
    array of shape (..., k, k)
        Its rows and its columns sum to 0.

    Examples
    --------
    >>> softmax_derivative([0.0, 0.0]).tolist()
    [[0.25, -0.25], [-0.25, 0.25]]
    """
    s = softmax(z)
    diagonal = s[..., :, None] * np.eye(s.shape[-1], dtype=s.dtype)
    return diagonal - s[..., :, None] * s[..., None, :]


class Activation(NamedTuple):
    """An elementwise activation.

    Attributes
    ----------
    function, derivative : callable
        From an array of z to an array of its shape.
    kinks : tuple of float
        Where the derivative jumps.
    """

    function: Callable[[npt.ArrayLike], Array]
    derivative: Callable[[npt.ArrayLike], Array]
    kinks: tuple[float, ...] = ()


ACTIVATIONS: dict[str, Activation] = {
    "identity": Activation(identity, identity_derivative),
    "sigmoid": Activation(sigmoid, sigmoid_derivative),
    "tanh": Activation(tanh, tanh_derivative),
    "relu": Activation(relu, relu_derivative, kinks=(0.0,)),
    "leaky_relu": Activation(leaky_relu, leaky_relu_derivative, kinks=(0.0,)),
    "elu": Activation(elu, elu_derivative),
    "gelu": Activation(gelu, gelu_derivative),
    "silu": Activation(silu, silu_derivative),
}
"""All elementwise activations by name, with the default slope and α."""
