"""Initializers: each draws the first weights of a layer from a generator that is passed in.

They know shapes and nothing about layers; `initializer_for` says which one usually stands before
which activation.

A weight matrix has shape ``(fan_in, fan_out)``, because rows are samples: ``X @ W``. Arrays with
more axes, ``(fan_in, fan_out, ...)``, count the extra axes into both fans.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from nncourse.arguments import (
    Array,
    float_dtype,
    generator,
    non_negative,
    number,
    one_of,
    positive,
    whole_number,
)

FAN_MODES = ("fan_in", "fan_out", "fan_avg")
NONLINEARITIES = ("linear", "sigmoid", "tanh", "relu", "leaky_relu")


def gain(nonlinearity: str, slope: float = 0.01) -> float:
    """Return the factor by which the standard deviation of weights grows for a nonlinearity.

    It is √2 for ReLU and √(2/(1 + slope²)) for leaky ReLU, which follow from the second moment
    (He et al. 2015, equations 10 and 15), and 1 for none. 1 for sigmoid and 5/3 for tanh are
    conventions, PyTorch's, and no theorems: 5/3 holds the signal of a deep tanh net at a steady level
    where gain 1 lets it fade, but lets the gradient grow; no gain makes a deep stack of sigmoids good.

    Examples
    --------
    >>> round(gain("relu"), 4), round(gain("tanh"), 4)
    (1.4142, 1.6667)
    """
    one_of("nonlinearity", nonlinearity, NONLINEARITIES)
    if nonlinearity == "tanh":
        return 5 / 3
    if nonlinearity == "relu":
        return math.sqrt(2)
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + number("slope", slope) ** 2))
    return 1.0


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return how many numbers flow into one output and out of one input of such weights.

    >>> fans((4, 5))
    (4, 5)

    Raises
    ------
    ValueError
        If the shape has fewer than two axes.
    """
    if len(shape) < 2:
        raise ValueError(f"shape should have at least two axes, (fan_in, fan_out), but got {tuple(shape)}.")
    rest = math.prod(shape[2:])
    return shape[0] * rest, shape[1] * rest


class Initializer:
    """What all initializers share: called with a shape and a generator, they return an array.

    Called as ``initializer(shape, rng, dtype)``:

    Parameters
    ----------
    shape : tuple of int
        The shape of the parameter, each at least 1.
    rng : numpy.random.Generator
        Where the numbers come from; the ones without randomness ignore it.
    dtype : dtype
        float64 (default) or float32.

    Raises
    ------
    TypeError, ValueError
        If one of the arguments is something else.
    """

    def __call__(
        self,
        shape: tuple[int, ...],
        rng: np.random.Generator,
        dtype: npt.DTypeLike = np.float64,
    ) -> Array:
        """Return an array of this shape and dtype."""
        for size in shape:
            whole_number("every entry of shape", size)
        values = self.draw(shape, generator("rng", rng))
        return values.astype(float_dtype("dtype", dtype))

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float64]:
        """Return float64 numbers of this shape; what the subclass defines."""
        raise NotImplementedError(f"{type(self).__name__} has to define draw(shape, rng).")

    def __repr__(self) -> str:
        """Show the settings."""
        settings = ", ".join(f"{key}={value!r}" for key, value in vars(self).items())
        return f"{type(self).__name__}({settings})"


class Constant(Initializer):
    """The same number everywhere.

    In every layer of a network, with equal biases, it keeps the units of each hidden layer identical
    for ever (unless chance, as in dropout, tells them apart): same weights in, same weights out, same
    gradients.

    >>> import numpy as np
    >>> Constant(0.5)((1, 2), np.random.default_rng(0))
    array([[0.5, 0.5]])
    """

    def __init__(self, value: float) -> None:
        self.value = number("value", value)

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float64]:
        """Return an array filled with the value."""
        return np.full(shape, self.value)


class Zeros(Constant):
    """Zero everywhere: usual for biases.

    As the weights of all layers, with biases of 0, it is fatal with tanh or ReLU, since every weight's
    gradient is then 0; an output layer alone may start at zero.
    """

    def __init__(self) -> None:
        super().__init__(0.0)


class Normal(Initializer):
    """Gaussian numbers N(mean, std²); `std` is the standard deviation, not the variance."""

    def __init__(self, std: float = 0.01, mean: float = 0.0) -> None:
        self.std = non_negative("std", std)
        self.mean = number("mean", mean)

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float64]:
        """Return normal numbers."""
        return rng.normal(self.mean, self.std, shape)


class Uniform(Initializer):
    """Numbers spread evenly over [low, high); their standard deviation is (high − low)/√12."""

    def __init__(self, low: float = -0.05, high: float = 0.05) -> None:
        self.low = number("low", low)
        self.high = number("high", high)
        if self.low > self.high:
            raise ValueError(f"low should be at most high = {self.high}, but got {self.low}.")

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float64]:
        """Return uniform numbers."""
        return rng.uniform(self.low, self.high, shape)


class _ScaledByFan(Initializer):
    """A spread that follows from the fans: std = gain / √fan."""

    gain: float
    mode: str

    def std(self, shape: tuple[int, ...]) -> float:
        """Return the standard deviation for weights of this shape: gain / √fan."""
        fan_in, fan_out = fans(shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        return self.gain / math.sqrt(fan)

    def bound(self, shape: tuple[int, ...]) -> float:
        """Return the bound B for which U(−B, B) has that standard deviation: √3 · std."""
        return math.sqrt(3) * self.std(shape)


class _NormalByFan(_ScaledByFan):
    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float64]:
        """Return numbers from N(0, std²)."""
        return rng.normal(0.0, self.std(shape), shape)


class _UniformByFan(_ScaledByFan):
    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float64]:
        """Return numbers from U(−bound, bound)."""
        return rng.uniform(-self.bound(shape), self.bound(shape), shape)


class XavierNormal(_NormalByFan):
    """N(0, std²) with std = gain · √(2/(fan_in + fan_out)).

    The variance is that of Glorot & Bengio (2010), equation 12; their own numbers were uniform.

    Parameters
    ----------
    gain : float
        A factor on the standard deviation, above 0; `gain` the function proposes one.

    Examples
    --------
    >>> XavierNormal().std((3, 5))                # sqrt(2 / (3 + 5))
    0.5
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = positive("gain", gain)
        self.mode = "fan_avg"


class XavierUniform(_UniformByFan):
    """U(−B, B) with B = gain · √(6/(fan_in + fan_out)) (Glorot & Bengio 2010, equation 16).

    Its standard deviation is √((B − (−B))²/12) = gain · √(2/(fan_in + fan_out)).

    >>> round(XavierUniform().bound((2, 4)), 12)  # sqrt(6 / (2 + 4))
    1.0
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = positive("gain", gain)
        self.mode = "fan_avg"


class KaimingNormal(_NormalByFan):
    """N(0, std²) with std = gain / √fan; for ReLU √(2/fan_in) (He et al. 2015, equation 10).

    Parameters
    ----------
    nonlinearity : str
        "relu" (default), "leaky_relu", "tanh", "sigmoid" or "linear".
    mode : str
        "fan_in" keeps the size of the signal on the way forward, "fan_out" the size of the
        gradient on the way back, "fan_avg" is in between.
    slope : float
        The slope of the leaky ReLU left of 0.

    Examples
    --------
    >>> KaimingNormal().std((8, 3))               # sqrt(2 / 8)
    0.5
    """

    def __init__(self, nonlinearity: str = "relu", mode: str = "fan_in", slope: float = 0.01) -> None:
        self.gain = gain(nonlinearity, slope)
        self.mode = one_of("mode", mode, FAN_MODES)


class KaimingUniform(_UniformByFan):
    """U(−B, B) with B = gain · √(3/fan), which has the spread of `KaimingNormal`.

    Parameters as in `KaimingNormal`.

    >>> round(KaimingUniform().bound((6, 3)), 12) # sqrt(2) * sqrt(3 / 6)
    1.0
    """

    def __init__(self, nonlinearity: str = "relu", mode: str = "fan_in", slope: float = 0.01) -> None:
        self.gain = gain(nonlinearity, slope)
        self.mode = one_of("mode", mode, FAN_MODES)


def initializer_for(activation: str) -> Initializer:
    """Return the usual initializer before an activation of this name.

    Kaiming for ReLU and leaky ReLU; its √2 is borrowed for ELU, GELU and SiLU, where it does for
    shallow networks, while in deep ones GELU and SiLU fade. Xavier with the conventional `gain` for
    the rest.

    >>> initializer_for("relu")
    KaimingNormal(gain=1.4142135623730951, mode='fan_in')
    >>> initializer_for("tanh")
    XavierNormal(gain=1.6666666666666667, mode='fan_avg')
    """
    if activation in ("relu", "elu", "gelu", "silu"):
        return KaimingNormal("relu")
    if activation == "leaky_relu":
        return KaimingNormal("leaky_relu")
    nonlinearity = "linear" if activation in ("identity", "softmax") else activation
    return XavierNormal(gain(nonlinearity))
