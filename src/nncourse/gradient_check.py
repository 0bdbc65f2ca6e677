"""Gradient check: compare a gradient that was derived with one that was measured.

The measured one is the central difference (f(w + ε) − f(w − ε)) / 2ε. Its error shrinks with ε² where
f is smooth, while round-off grows with 1/ε. It is slow, two evaluations per number, and has no place
in training.

A measurement is unfair in two cases, and both are taken care of. Across a kink, such as ReLU's at 0,
the difference mixes two slopes, and across a seam where only the curvature jumps, such as ELU's, its
error is no longer small enough: such steps are left out and counted, and where nothing is left, all
parameters are moved a little first. And a layer that draws a
new mask at every pass, such as dropout, would be a different function each time: its generator is
wound back before every pass. Afterwards network and generators are as they were.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nncourse.arguments import (
    Array,
    check_array,
    generator,
    instance_of,
    positive,
    real_array,
    same_shape,
    whole_number,
)
from nncourse.layers import Layer
from nncourse.losses import Loss
from nncourse.network import Sequential
from nncourse.regularizers import Objective, Penalty

TOLERANCE = 1e-7
"""The largest relative error that counts as agreement, in float64 with ε = 1e-5."""

NUDGE = 1e-2
"""By how much parameters are moved where every step crosses a kink."""

SMALLEST_SCALE = 1e-3
"""Gradients smaller than this are compared to it instead; below, round-off has the say."""

Pieces = tuple[bytes, ...]
Measured = tuple[float, Pieces]


@dataclass(frozen=True)
class ParameterCheck:
    """How well one gradient agrees.

    Attributes
    ----------
    name : str
        Of the parameter, for example "linear1.W", or "inputs".
    error : float
        The worst relative error, of elements and directions.
    where : tuple of int or None
        The element with the worst error; None if a direction was worse.
    derived, measured : float
        The two numbers there.
    compared, skipped : int
        How many comparisons were made, and left out because the step crosses a kink.
    """

    name: str
    error: float
    where: tuple[int, ...] | None
    derived: float
    measured: float
    compared: int
    skipped: int


@dataclass(frozen=True)
class GradientReport:
    """The outcome of a gradient check; print it, or use it as a truth value.

    Attributes
    ----------
    checks : tuple of ParameterCheck
        One per parameter, and one for the inputs.
    tolerance : float
        The largest relative error that counts as agreement.
    """

    checks: tuple[ParameterCheck, ...]
    tolerance: float

    @property
    def worst(self) -> ParameterCheck:
        """The parameter with the largest error."""
        return max(self.checks, key=lambda check: check.error)

    @property
    def passed(self) -> bool:
        """Whether every gradient agrees, and each was compared at least once."""
        return all(check.error <= self.tolerance and check.compared for check in self.checks)

    def __bool__(self) -> bool:
        """Return `passed`."""
        return self.passed

    def __str__(self) -> str:
        """Say in a few lines whether it passed, and where it is worst."""
        worst = self.worst
        place = "a random direction" if worst.where is None else f"element {list(worst.where)}"
        lines = [
            f"gradient check {'passed' if self.passed else 'FAILED'}: worst is {worst.name},\n"
            f"  relative error {worst.error:.1e} (tolerance {self.tolerance:.0e})"
        ]
        if not self.passed:
            lines.append(f"  in {place}: derived {worst.derived:.8g}, measured {worst.measured:.8g}")
        names = [check.name for check in self.checks]
        if "inputs" in names:
            count = len(names) - 1
            lines.append(f"  compared: {count} parameter{'' if count == 1 else 's'} and the inputs")
        if wrong := [check.name for check in self.checks if check.error > self.tolerance]:
            lines.append(f"  wrong: {', '.join(wrong)}")
        if blind := [check.name for check in self.checks if not check.compared]:
            lines.append(
                f"  nothing could be compared for {blind}: every step crosses a kink; "
                f"biases away from 0 or other inputs help"
            )
        if skipped := sum(check.skipped for check in self.checks):
            lines.append(f"  {skipped} steps were left out because they cross a kink")
        return "\n".join(lines)


def numerical_gradient(function: Callable[[Array], float], x: npt.ArrayLike, epsilon: float = 1e-5) -> Array:
    """Return the gradient of a function at x by central differences, element by element.

    Parameters
    ----------
    function : callable
        From an array of the shape of x to a number.
    x : array
        Where; it is copied, not changed.
    epsilon : float
        ε above 0.

    Returns
    -------
    array of the shape of x, float64

    Examples
    --------
    >>> numerical_gradient(lambda x: (x**2).sum(), [1.0, -3.0]).round(6).tolist()
    [2.0, -6.0]
    """
    epsilon = positive("epsilon", epsilon)
    point = real_array("x", x).astype(np.float64)
    gradient = np.zeros_like(point)
    for index in np.ndindex(point.shape):
        values = []
        for sign in (1, -1):
            moved = point.copy()
            moved[index] += sign * epsilon
            values.append(float(function(moved)))
        gradient[index] = (values[0] - values[1]) / (2 * epsilon)
    return gradient


def check_derivative(
    function: Callable[[Array], Array],
    derivative: Callable[[Array], Array],
    z: npt.ArrayLike,
    *,
    epsilon: float = 1e-5,
    tolerance: float = TOLERANCE,
) -> GradientReport:
    """Check the derivative of a function that works number by number, such as an activation.

    Choose z away from kinks: a plain function cannot say where it has one.

    Examples
    --------
    >>> print(check_derivative(np.sin, np.cos, np.linspace(-3, 3, 7)))  # doctest: +ELLIPSIS
    gradient check passed: worst is z,
      relative error ... (tolerance 1e-07)
    >>> check_derivative(np.sin, np.sin, np.linspace(-3, 3, 7)).passed
    False
    """
    epsilon = positive("epsilon", epsilon)
    point = real_array("z", z).astype(np.float64)
    derived = np.asarray(derivative(point.copy()))
    same_shape("the result of derivative", derived, point.shape, "z")
    rise = np.asarray(function(point + epsilon)) - np.asarray(function(point - epsilon))
    measured = rise / (2 * epsilon)
    check = _worst_element("z", derived, measured, np.ones(point.shape, bool))
    return GradientReport((check,), tolerance)


def check_layer(
    layer: Layer,
    inputs: Array,
    *,
    rng: np.random.Generator | None = None,
    epsilon: float = 1e-5,
    tolerance: float = TOLERANCE,
    directions: int = 3,
) -> GradientReport:
    """Check the backward pass of one layer against its forward pass, in one line.

    The loss is a random weighted sum of the outputs. Parameters as in `check_gradients`.

    Examples
    --------
    >>> from nncourse.layers import Linear
    >>> rng = np.random.default_rng(0)
    >>> bool(check_layer(Linear(3, 2, rng=rng), rng.normal(size=(4, 3))))
    True
    """
    rng = _own_generator(rng)
    network = Sequential({"layer": layer})
    with _unchanged(network):
        shape = network.forward(inputs).shape
    weights = rng.normal(size=shape)
    return check_gradients(
        network,
        _WeightedSum(),
        inputs,
        weights,
        rng=rng,
        epsilon=epsilon,
        tolerance=tolerance,
        directions=directions,
    )


def check_gradients(
    network: Sequential,
    loss: Loss,
    inputs: Array,
    targets: npt.NDArray[Any],
    *,
    penalty: Penalty | None = None,
    rng: np.random.Generator | None = None,
    epsilon: float = 1e-5,
    tolerance: float = TOLERANCE,
    directions: int = 3,
    per_element: bool = True,
) -> GradientReport:
    """Check every gradient of a network, its parameters' and its inputs', in one line.

    The error of an element is ``|derived − measured|`` relative to the largest element of the same
    gradient, the error of a direction relative to the gradient's norm; a scale below 1e-3 counts
    as 1e-3.

    Parameters
    ----------
    network : Sequential
        In float64, in whichever mode it is.
    loss : Loss
        With reduction "mean" or "sum".
    inputs, targets : arrays
        One batch.
    penalty : Penalty or None
        Whose slope is included.
    rng : numpy.random.Generator or None
        For the random directions; None takes a fixed one.
    epsilon : float
        ε above 0.
    tolerance : float
        The largest relative error that counts as agreement.
    directions : int
        How many random directions to try for each parameter.
    per_element : bool
        Whether to measure every single number too, which takes two passes each.

    Raises
    ------
    TypeError
        If something is not float64: float32 has too few digits to measure with.
    ValueError
        If a gradient has another shape than its parameter, or is another when `backward` is called
        again.

    Examples
    --------
    >>> from nncourse.losses import SoftmaxCrossEntropy
    >>> from nncourse.network import MLP
    >>> rng = np.random.default_rng(0)
    >>> network = MLP([4, 5, 3], rng=rng)
    >>> report = check_gradients(
    ...     network, SoftmaxCrossEntropy(), rng.normal(size=(6, 4)), np.array([0, 1, 2, 0, 1, 2])
    ... )
    >>> report.passed
    True
    """
    rng = _own_generator(rng)
    whole_number("directions", directions, at_least=0 if per_element else 1)
    positive("epsilon", epsilon)
    Objective(loss, penalty)
    instance_of("network", network, Sequential, "MLP([2, 8, 2], rng=rng)")
    check_array("inputs", inputs)
    values = {**network.params, "inputs": inputs.copy()}
    for name, value in values.items():
        if value.dtype != np.float64:
            raise TypeError(f"{name} should be float64 for a gradient check, got {value.dtype}.")
    with _unchanged(network) as rewind:

        def measure() -> Measured:
            rewind()
            cost = loss.forward(network.forward(values["inputs"]), targets)
            extra = penalty.value(network.params) if penalty else 0.0
            return float(cost) + extra, _pieces(network, loss)

        def compare(names: Iterable[str]) -> dict[str, ParameterCheck]:
            measure()
            derived = _backward(network, loss)
            for name, slope in (penalty.gradients(network.params) if penalty else {}).items():
                derived[name] = derived[name] + slope
            checks = {}
            for name in names:
                value = values[name]
                if name not in derived:
                    raise ValueError(f"grads should have a gradient for {name}, but there is none.")
                same_shape(f"the gradient of {name}", derived[name], value.shape, name)
                found = [
                    _check_direction(name, value, derived[name], measure, epsilon, rng)
                    for _ in range(directions)
                ]
                if per_element:
                    found.append(_check_elements(name, value, derived[name], measure, epsilon))
                checks[name] = _together(found)
            return checks

        checks = compare(values)
        if blind := [name for name, check in checks.items() if not check.compared]:
            # Biases of zero put units of ReLU exactly on their kink: compare a little beside it.
            with _moved(network.params.values(), rng):
                checks |= compare(blind)
    return GradientReport(tuple(checks.values()), tolerance)


def _own_generator(rng: np.random.Generator | None) -> np.random.Generator:
    """Return a generator that shares no numbers with one that the inputs or the masks come from."""
    return np.random.default_rng([1986, 8]) if rng is None else generator("rng", rng).spawn(1)[0]


@contextmanager
def _moved(params: Iterable[Array], rng: np.random.Generator) -> Iterator[None]:
    """Inside `with`, every parameter is a little elsewhere."""
    before = [(param, param.copy()) for param in params]
    for param, _ in before:
        param += NUDGE * rng.normal(size=param.shape)
    try:
        yield
    finally:
        for param, was in before:
            param[...] = was


def _backward(network: Sequential, loss: Loss) -> dict[str, Array]:
    """Return the gradients of all parameters and of the inputs, the same from two backward passes."""
    first, second = (
        {"inputs": network.backward(loss.backward()).copy()}
        | {name: np.array(grad) for name, grad in network.grads.items()}
        for _ in range(2)
    )
    for name, grad in first.items():
        if not np.array_equal(grad, second[name], equal_nan=True):
            raise ValueError(
                f"the gradient of {name} should be the same when backward is called again, but it changed: "
                f"backward should put new arrays in grads, not add to those of last time."
            )
    return first


def _check_elements(
    name: str, value: Array, derived: Array, measure: Callable[[], Measured], epsilon: float
) -> ParameterCheck:
    """Measure along every single element."""
    measured, fair = np.zeros_like(value), np.zeros(value.shape, bool)
    for index in np.ndindex(value.shape):
        step = np.zeros_like(value)
        step[index] = epsilon
        rise, fair[index] = _rise(value, step, measure)
        measured[index] = rise / (2 * epsilon)
    return _worst_element(name, derived, measured, fair)


def _check_direction(
    name: str,
    value: Array,
    derived: Array,
    measure: Callable[[], Measured],
    epsilon: float,
    rng: np.random.Generator,
) -> ParameterCheck:
    """Measure along one random direction of length 1."""
    direction = rng.normal(size=value.shape)
    direction /= np.linalg.norm(direction)
    rise, fair = _rise(value, epsilon * direction, measure)
    measured, expected = rise / (2 * epsilon), float((derived * direction).sum())
    scale = max(float(np.linalg.norm(derived)), abs(measured), SMALLEST_SCALE)
    error = abs(measured - expected) / scale if fair else 0.0
    error = math.inf if math.isnan(error) else error
    return ParameterCheck(name, error, None, expected, measured, int(fair), int(not fair))


def _rise(value: Array, step: Array, measure: Callable[[], Measured]) -> tuple[float, bool]:
    """Return f(value + step) − f(value − step), and whether no kink lies between."""
    original = value.copy()
    try:
        value += step
        above, pieces_above = measure()
        value[...] = original - step
        below, pieces_below = measure()
    finally:
        value[...] = original
    return above - below, pieces_above == pieces_below


def _worst_element(name: str, derived: Array, measured: Array, fair: npt.NDArray[np.bool_]) -> ParameterCheck:
    largest = max(np.abs(derived).max(), np.abs(np.where(fair, measured, 0)).max(), SMALLEST_SCALE)
    errors = np.where(fair, np.abs(derived - measured) / largest, 0)
    errors = np.where(np.isnan(errors), np.inf, errors)
    where = np.unravel_index(int(errors.argmax()), errors.shape)
    return ParameterCheck(
        name,
        float(errors[where]),
        tuple(int(i) for i in where),
        float(derived[where]),
        float(measured[where]),
        int(fair.sum()),
        int((~fair).sum()),
    )


def _together(found: list[ParameterCheck]) -> ParameterCheck:
    """Return the worst of several checks of one parameter, with all comparisons counted."""
    worst = max(found, key=lambda check: check.error)
    compared = sum(check.compared for check in found)
    skipped = sum(check.skipped for check in found)
    return ParameterCheck(
        worst.name, worst.error, worst.where, worst.derived, worst.measured, compared, skipped
    )


def _pieces(network: Sequential, loss: Loss) -> Pieces:
    """Return on which sides of all kinks the last pass was, in a form that compares fast."""
    found = [layer.pieces() for layer in network.layers.values()]
    return tuple(side.tobytes() for side in [*found, loss.pieces()] if side is not None)


class _unchanged:
    """Inside `with`, gives a function that winds all generators back; puts all back at the end."""

    def __init__(self, network: Sequential) -> None:
        self.buffers = [(buffer, buffer.copy()) for buffer in network.buffers.values()]
        owners = [getattr(layer, "rng", None) for layer in network.layers.values()]
        generators = [rng for rng in owners if isinstance(rng, np.random.Generator)]
        self.generators = [(rng, rng.bit_generator.state) for rng in generators]

    def __enter__(self) -> Callable[[], None]:
        return self.rewind

    def __exit__(self, *error: object) -> None:
        self.rewind()
        for buffer, before in self.buffers:
            buffer[...] = before

    def rewind(self) -> None:
        """Wind every generator back to where it was at the start."""
        for rng, state in self.generators:
            rng.bit_generator.state = state


class _WeightedSum(Loss):
    """Σ weights · outputs: turns the outputs of a layer into one number."""

    def __init__(self) -> None:
        super().__init__(reduction="sum")

    def values(self, predictions: Array, targets: Array) -> Array:
        return predictions * targets

    def slopes(self, predictions: Array, targets: Array) -> Array:
        return targets
