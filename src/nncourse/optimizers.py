"""Optimizers: each turns gradients into a step that changes the parameters in place.

They know nothing about networks: ``optimizer.step(params, grads)`` takes two lists of arrays, so
the same object walks down a parabola, a ravine or a loss surface. Computing the gradients is not
their business.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from nncourse.arguments import (
    FLOAT_CHARS,
    Array,
    all_finite,
    describe,
    fraction_below_one,
    non_negative,
    positive,
)

State = dict[str, Array]
Kind = tuple[tuple[int, ...], np.dtype[Any]]


class NonFiniteGradient(FloatingPointError):
    """A gradient holds NaN or infinity; `position` says which one in the list."""

    def __init__(self, position: int, grad: Array) -> None:
        self.position = position
        super().__init__(
            f"grads[{position}] should hold finite numbers only, but got "
            f"{int(np.isnan(grad).sum())} NaN and {int(np.isinf(grad).sum())} infinite of "
            f"{grad.size} values. No parameter was changed; a smaller learning rate, scaled "
            f"inputs or gradient clipping usually helps."
        )


class Optimizer:
    """What all optimizers share: the step, the two kinds of weight decay, and the checks.

    With learning rate η, coupled L2 strength `l2` = λ and decoupled decay `weight_decay` = δ::

        g ← ∂L/∂w + λ w              (l2: the penalty λ/2 Σ w² joins the gradient)
        w ← (1 − η δ) w              (weight_decay: the weight shrinks by itself)
        w ← w − η · direction(g)     (what the subclass defines)

    For plain `SGD` the two decays are the same update. As soon as the direction is anything but g,
    as in `Momentum` and `Adam`, they differ (Loshchilov & Hutter 2019, "Decoupled weight decay
    regularization"). What PyTorch's SGD and Adam call `weight_decay` is our `l2`; its AdamW means
    what we mean. Both act on every array that is passed in, biases too; to spare some, step them
    with an optimizer of their own.

    Parameters
    ----------
    learning_rate : float
        η, at least 0. It can be set at any time, which is what a schedule does.
    l2 : float
        λ, at least 0: coupled L2.
    weight_decay : float
        δ, at least 0: decoupled weight decay.

    Attributes
    ----------
    num_steps : int
        How many steps were taken.
    state : list of dict
        Running averages, one dict per position in `params`; made at the first step.

    Examples
    --------
    An optimizer of your own defines `displacement`, and `new_state` if it remembers something; `step`
    checks, counts and decays:

    >>> class SignDescent(Optimizer):
    ...     def displacement(self, grad, state):
    ...         return self.learning_rate * np.sign(grad)
    >>> w = np.array([1.0, 1.0])
    >>> SignDescent(0.1).step([w], [np.array([5.0, -0.01])])
    >>> w.tolist()
    [0.9, 1.1]

    Raises
    ------
    TypeError, ValueError
        If an argument is not a number or outside its range.
    """

    def __init__(self, learning_rate: float, *, l2: float = 0.0, weight_decay: float = 0.0) -> None:
        self.learning_rate = learning_rate
        self.l2 = non_negative("l2", l2)
        self.weight_decay = non_negative("weight_decay", weight_decay)
        self.num_steps = 0
        self.state: list[State] = []
        self._kinds: list[Kind] = []

    @property
    def learning_rate(self) -> float:
        """The step size η, a float of at least 0."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._learning_rate = non_negative("learning_rate", value)

    def step(self, params: Sequence[Array], grads: Sequence[Array]) -> None:
        """Change every array of `params` in place by one step; `grads` is left alone.

        When it raises an error, nothing was changed.

        Parameters
        ----------
        params : sequence of arrays
            The parameters, float64 or float32, in the same order at every step.
        grads : sequence of arrays
            The gradient of each, of the same shape and dtype.

        Raises
        ------
        TypeError
            If something is not a float array, or a gradient's dtype is not its parameter's.
        ValueError
            If the lists differ in length, a gradient's shape is not its parameter's, or the
            shapes and dtypes are not those of the first step.
        NonFiniteGradient
            If a gradient holds NaN or infinity.
        """
        self._check(params, grads)
        self.num_steps += 1
        for param, grad, state in zip(params, grads, self.state, strict=True):
            if self.l2:
                grad = grad + self.l2 * param
            if self.weight_decay:
                param *= 1 - self.learning_rate * self.weight_decay
            param -= self.displacement(grad, state)

    def displacement(self, grad: Array, state: State) -> Array:
        """Return what is subtracted from one parameter, η · direction(g), and update its state.

        Parameters
        ----------
        grad : array
            The gradient of one parameter, with coupled L2 already added.
        state : dict of arrays
            What `new_state` made for this parameter, to be updated in place.
        """
        raise NotImplementedError(f"{type(self).__name__} has to define displacement(grad, state).")

    def new_state(self, param: Array) -> State:
        """Return the running averages of one parameter before the first step (none by default)."""
        return {}

    def reset(self) -> None:
        """Forget all steps and running averages; the settings stay."""
        self.num_steps = 0
        self.state = []
        self._kinds = []

    def _check(self, params: Sequence[Array], grads: Sequence[Array]) -> None:
        if len(params) != len(grads):
            raise ValueError(
                f"grads should have one array for each of the {len(params)} params, but got {len(grads)}."
            )
        fitting = list(map(_fits, params, grads))
        if not all(fitting):
            position = fitting.index(False)
            raise _misfit(position, params[position], grads[position])
        are_finite = list(map(all_finite, grads))
        if not all(are_finite):
            position = are_finite.index(False)
            raise NonFiniteGradient(position, grads[position])
        kinds = [(param.shape, param.dtype) for param in params]
        if not self._kinds:
            self._kinds = kinds
            self.state = [self.new_state(param) for param in params]
        elif kinds != self._kinds:
            raise ValueError(
                f"params should have the shapes and dtypes of the first step, {_listed(self._kinds)}, "
                f"but got {_listed(kinds)}. Call reset() or use a new optimizer for other parameters."
            )


def _listed(kinds: list[Kind]) -> str:
    return ", ".join(f"{shape} {dtype}" for shape, dtype in kinds)


def _fits(param: Array, grad: Array) -> bool:
    """Say whether both are float arrays of one shape and dtype."""
    return (
        isinstance(param, np.ndarray)
        and isinstance(grad, np.ndarray)
        and param.dtype.char in FLOAT_CHARS
        and param.dtype == grad.dtype
        and param.shape == grad.shape
        and param.flags.writeable
    )


def _misfit(position: int, param: Array, grad: Array) -> Exception:
    """Return the error that says why a gradient does not fit its parameter."""
    for name, value in (("params", param), ("grads", grad)):
        if not isinstance(value, np.ndarray) or value.dtype.char not in FLOAT_CHARS:
            return TypeError(
                f"{name}[{position}] should be an array of float64 or float32, which a step can change in "
                f"place, but got {describe(value)}."
            )
    if not param.flags.writeable:
        return ValueError(f"params[{position}] should be an array that can be changed, but it is read-only.")
    if grad.shape != param.shape:
        return ValueError(
            f"grads[{position}] should have the shape of params[{position}], {param.shape}, "
            f"but got {grad.shape}."
        )
    return TypeError(
        f"grads[{position}] should have the dtype of params[{position}], {param.dtype}, but got {grad.dtype}."
    )


class SGD(Optimizer):
    """Stochastic gradient descent: w ← w − η g.

    "Stochastic" is in the gradient, which comes from a batch; the step itself is the plain one of
    Cauchy (1847). With a noisy gradient in its place it goes back to Robbins & Monro (1951), who also
    let the steps shrink. Parameters as in `Optimizer`; for momentum there is `Momentum`.

    Examples
    --------
    The parabola y = 4x² has slope 8x. From x = 2 a learning rate of 1 overshoots:

    >>> import numpy as np
    >>> x = np.array([2.0])
    >>> sgd = SGD(learning_rate=1.0)
    >>> for _ in range(2):
    ...     sgd.step([x], [8 * x])
    ...     print(x)
    [-14.]
    [98.]
    """

    def displacement(self, grad: Array, state: State) -> Array:
        """Return η g."""
        return self.learning_rate * grad


class Momentum(Optimizer):
    """Gradient descent with a velocity that remembers: v ← μ v + g, w ← w − η v.

    Polyak (1964). As in PyTorch, the learning rate stands outside the velocity; Sutskever et al.
    (2013) have it inside. The two are the same while η is constant. After many equal gradients the
    step is η g / (1 − μ).

    Parameters
    ----------
    learning_rate, l2, weight_decay : float
        As in `Optimizer`.
    momentum : float
        μ in [0, 1); 0 is plain `SGD`.

    Examples
    --------
    >>> import numpy as np
    >>> w, heavy = np.array([0.0]), Momentum(learning_rate=1.0, momentum=0.5)
    >>> for _ in range(3):
    ...     heavy.step([w], [np.array([1.0])])
    >>> w.item()                             # -(1 + 1.5 + 1.75)
    -4.25
    """

    def __init__(
        self,
        learning_rate: float,
        momentum: float = 0.9,
        *,
        l2: float = 0.0,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(learning_rate, l2=l2, weight_decay=weight_decay)
        self.momentum = fraction_below_one("momentum", momentum)

    def new_state(self, param: Array) -> State:
        """Return a velocity of zeros."""
        return {"velocity": np.zeros_like(param)}

    def displacement(self, grad: Array, state: State) -> Array:
        """Return η v after v ← μ v + g."""
        velocity = state["velocity"]
        velocity *= self.momentum
        velocity += grad
        return self.learning_rate * velocity


class Nesterov(Momentum):
    """Momentum that looks ahead: v ← μ v + g, w ← w − η (g + μ v).

    Nesterov (1983), in the form of Sutskever et al. (2013) rewritten for the look-ahead point
    itself, which is what the parameters hold, as PyTorch has it. Parameters as in `Momentum`.

    Examples
    --------
    >>> import numpy as np
    >>> w, ahead = np.array([0.0]), Nesterov(learning_rate=1.0, momentum=0.5)
    >>> ahead.step([w], [np.array([1.0])])
    >>> w.item()                             # -(1 + 0.5 * 1)
    -1.5
    """

    def displacement(self, grad: Array, state: State) -> Array:
        """Return η (g + μ v) after v ← μ v + g."""
        velocity = state["velocity"]
        velocity *= self.momentum
        velocity += grad
        return self.learning_rate * (grad + self.momentum * velocity)


class RMSProp(Optimizer):
    """Divide each coordinate by the recent size of its gradient: s ← ρ s + (1 − ρ) g².

    The step is w ← w − η g / (√s + ε), without centering and without bias correction (Hinton,
    Coursera "Neural networks for machine learning", lecture 6e, 2012, with ρ = 0.9; 0.99 is PyTorch's).

    Parameters
    ----------
    learning_rate, l2, weight_decay : float
        As in `Optimizer`.
    decay : float
        ρ in [0, 1), how much of the average is kept.
    epsilon : float
        ε above 0, added to the root so that a gradient of 0 divides nothing by 0.

    Examples
    --------
    The first step is η / √(1 − ρ) in every coordinate whose gradient is far above ε, however large:

    >>> import numpy as np
    >>> w = np.zeros(2)
    >>> RMSProp(learning_rate=0.1, decay=0.99).step([w], [np.array([3.0, -400.0])])
    >>> w.round(6)
    array([-1.,  1.])
    """

    def __init__(
        self,
        learning_rate: float = 0.01,
        decay: float = 0.99,
        epsilon: float = 1e-8,
        *,
        l2: float = 0.0,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(learning_rate, l2=l2, weight_decay=weight_decay)
        self.decay = fraction_below_one("decay", decay)
        self.epsilon = positive("epsilon", epsilon)

    def new_state(self, param: Array) -> State:
        """Return a mean square of zeros."""
        return {"mean_square": np.zeros_like(param)}

    def displacement(self, grad: Array, state: State) -> Array:
        """Return η g / (√s + ε) after s ← ρ s + (1 − ρ) g²."""
        mean_square = state["mean_square"]
        mean_square *= self.decay
        mean_square += (1 - self.decay) * grad**2
        return self.learning_rate * grad / (np.sqrt(mean_square) + self.epsilon)


class Adam(Optimizer):
    """Momentum and RMSProp together, both corrected for having started at zero.

    At step t (Kingma & Ba 2015, algorithm 1)::

        m ← β₁ m + (1 − β₁) g          m̂ = m / (1 − β₁ᵗ)
        v ← β₂ v + (1 − β₂) g²         v̂ = v / (1 − β₂ᵗ)
        w ← w − η m̂ / (√v̂ + ε)

    Parameters
    ----------
    learning_rate, l2, weight_decay : float
        As in `Optimizer`.
    beta1, beta2 : float
        β₁ and β₂ in [0, 1).
    epsilon : float
        ε above 0.

    Examples
    --------
    The first step has length η in every coordinate whose gradient is far above ε, however large:

    >>> import numpy as np
    >>> w = np.zeros(2)
    >>> Adam(learning_rate=0.1).step([w], [np.array([3.0, -400.0])])
    >>> w.round(6)
    array([-0.1,  0.1])
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        *,
        l2: float = 0.0,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(learning_rate, l2=l2, weight_decay=weight_decay)
        self.beta1 = fraction_below_one("beta1", beta1)
        self.beta2 = fraction_below_one("beta2", beta2)
        self.epsilon = positive("epsilon", epsilon)

    def new_state(self, param: Array) -> State:
        """Return first and second moments of zeros."""
        return {"mean": np.zeros_like(param), "mean_square": np.zeros_like(param)}

    def displacement(self, grad: Array, state: State) -> Array:
        """Return η m̂ / (√v̂ + ε) after both averages took in g."""
        mean, mean_square = state["mean"], state["mean_square"]
        mean *= self.beta1
        mean += (1 - self.beta1) * grad
        mean_square *= self.beta2
        mean_square += (1 - self.beta2) * grad**2
        corrected_rate = self.learning_rate / (1 - self.beta1**self.num_steps)
        corrected_root = np.sqrt(mean_square) / math.sqrt(1 - self.beta2**self.num_steps)
        return corrected_rate * mean / (corrected_root + self.epsilon)


class AdamW(Adam):
    """Adam with decoupled weight decay, w ← (1 − η δ) w, switched on by default.

    Loshchilov & Hutter (2019), "Decoupled weight decay regularization", algorithm 2, with the decay
    scaled by the learning rate as PyTorch has it. It is `Adam` with ``weight_decay=0.01``.

    Examples
    --------
    With a gradient of 0 only the decay acts: 10 · (1 − 0.1 · 0.5)

    >>> import numpy as np
    >>> w = np.array([10.0])
    >>> AdamW(learning_rate=0.1, weight_decay=0.5).step([w], [np.array([0.0])])
    >>> w.item()
    9.5
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        *,
        weight_decay: float = 0.01,
        l2: float = 0.0,
    ) -> None:
        super().__init__(learning_rate, beta1, beta2, epsilon, l2=l2, weight_decay=weight_decay)


def global_norm(grads: Sequence[Array]) -> float:
    """Return the Euclidean norm of all arrays seen as one long vector.

    Squares that would overflow are avoided: everything is measured by the largest number first.

    >>> import numpy as np
    >>> global_norm([np.array([3.0]), np.array([[4.0]])])
    5.0
    """
    largest = max((float(np.abs(grad).max()) for grad in grads if grad.size), default=0.0)
    if largest == 0 or not math.isfinite(largest):
        return largest
    scaled = (grad.astype(np.float64) / largest for grad in grads)
    return largest * math.sqrt(sum(float(np.vdot(part, part)) for part in scaled))


def clip_by_norm(grads: Sequence[Array], max_norm: float) -> list[Array]:
    """Return the gradients, scaled down together if their global norm exceeds `max_norm`.

    The direction is kept (Pascanu, Mikolov & Bengio 2013, algorithm 1). The inputs are not
    changed; gradients that are short enough are returned as they are.

    Parameters
    ----------
    grads : sequence of arrays
        Gradients of any shapes.
    max_norm : float
        The longest norm allowed, above 0.

    Examples
    --------
    >>> import numpy as np
    >>> clip_by_norm([np.array([3.0, 4.0])], max_norm=1.0)
    [array([0.6, 0.8])]
    """
    max_norm = positive("max_norm", max_norm)
    norm = global_norm(grads)
    if norm <= max_norm or not math.isfinite(norm):
        return list(grads)  # NaN and infinity have no direction; the optimizer says where they are
    return [grad * (max_norm / norm) for grad in grads]


def clip_by_value(grads: Sequence[Array], max_value: float) -> list[Array]:
    """Return the gradients with every number cut to [−max_value, max_value].

    This changes the direction, unlike `clip_by_norm`. The inputs are not changed.

    Examples
    --------
    >>> import numpy as np
    >>> clip_by_value([np.array([3.0, -0.5])], max_value=1.0)
    [array([ 1. , -0.5])]
    """
    max_value = positive("max_value", max_value)
    return [np.clip(grad, -max_value, max_value) for grad in grads]
