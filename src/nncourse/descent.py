"""Gradient descent on functions that can be drawn: landscapes, and the path of iterates.

It is for looking at optimizers, one step after another. Networks are trained in `training`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nncourse.optimizers import Optimizer

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Landscape:
    """A function of one or more variables, with its gradient.

    Attributes
    ----------
    value : callable
        From points of shape (..., d) to heights of shape (...).
    gradient : callable
        From points of shape (..., d) to gradients of shape (..., d).
    """

    value: Callable[[Array], Array]
    gradient: Callable[[Array], Array]


def parabola(a: float = 4.0) -> Landscape:
    """Return f(x) = a x² with gradient 2 a x, for points of shape (..., 1).

    Examples
    --------
    >>> f = parabola(4.0)
    >>> point = np.array([2.0])
    >>> float(f.value(point)), f.gradient(point)
    (16.0, array([16.]))
    """
    return Landscape(lambda x: a * x[..., 0] ** 2, lambda x: 2 * a * x)


def ravine(condition: float) -> Landscape:
    """Return f(x, y) = ½ (x² / condition + y²), for points of shape (..., 2).

    Its second derivatives are 1 / condition along x and 1 along y, so `condition` is the ratio
    of the two: the condition number of the ravine. Plain gradient descent converges for
    learning rates below 2 whatever the condition, and the slower, the larger the condition number.

    Raises
    ------
    ValueError
        If `condition` is less than 1.
    """
    if condition < 1:
        raise ValueError(f"condition must be at least 1, got {condition}.")
    curvature = np.array([1 / condition, 1.0])
    return Landscape(lambda p: 0.5 * (curvature * p**2).sum(axis=-1), lambda p: curvature * p)


def hill(height: float = 4.0) -> Landscape:
    """Return f(x, y) = height · exp(−x²/4 − y²/2), for points of shape (..., 2)."""
    widths = np.array([4.0, 2.0])

    def value(p: Array) -> Array:
        return np.asarray(height * np.exp(-(p**2 / widths).sum(axis=-1)))

    return Landscape(value, lambda p: -2 * p / widths * value(p)[..., np.newaxis])


def descend(
    gradient: Callable[[Array], Array], start: ArrayLike, optimizer: Optimizer, num_steps: int
) -> Array:
    """Take steps and return every point on the way.

    Parameters
    ----------
    gradient : callable
        From a point of shape (d,) to the gradient there, of the same shape. It may be noisy.
    start : array_like, shape (d,)
        Where the path begins.
    optimizer : Optimizer
        Says how a gradient becomes a step.
    num_steps : int
        How many steps to take.

    Returns
    -------
    ndarray, shape (num_steps + 1, d)
        The start and the point after each step.

    Raises
    ------
    ValueError
        If `num_steps` is negative, or the gradient's shape is not the point's.

    Examples
    --------
    The example of the note that this book follows: learning rate 1 on y = 4x².

    >>> from nncourse.optimizers import SGD
    >>> descend(parabola().gradient, [2.0], SGD(1.0), 2).ravel()
    array([  2., -14.,  98.])
    """
    if num_steps < 0:
        raise ValueError(f"num_steps must not be negative, got {num_steps}.")
    point = np.array(start, dtype=np.float64)
    path = np.empty((num_steps + 1, *point.shape))
    path[0] = point
    for step in range(1, num_steps + 1):
        grad = gradient(point)
        if grad.shape != point.shape:
            raise ValueError(f"the gradient has shape {grad.shape}, the point {point.shape}.")
        optimizer.step([point], [grad])
        path[step] = point
    return path


def directional_derivative(gradient: ArrayLike, direction: ArrayLike) -> float:
    """Return the slope along a direction: the gradient's dot product with the unit vector.

    Parameters
    ----------
    gradient, direction : array_like, shape (d,)
        The direction's length does not matter, but it must not be zero.

    Raises
    ------
    ValueError
        If the direction is the zero vector.

    Examples
    --------
    >>> directional_derivative([3.0, 4.0], [0.0, 2.0])
    4.0
    """
    vector = np.asarray(direction, dtype=np.float64)
    length = float(np.linalg.norm(vector))
    if length == 0:
        raise ValueError("direction must not be the zero vector.")
    return float(np.asarray(gradient, dtype=np.float64) @ vector / length)


def difference_quotient(f: Callable[[float], float], x: float, h: float) -> float:
    """Return (f(x + h) − f(x)) / h, the slope of the secant from x to x + h.

    Raises
    ------
    ValueError
        If `h` is 0.

    Examples
    --------
    >>> difference_quotient(lambda x: 4 * x**2, 2.0, 0.5)
    18.0
    """
    if h == 0:
        raise ValueError("h must not be 0: a secant needs two points.")
    return (f(x + h) - f(x)) / h
