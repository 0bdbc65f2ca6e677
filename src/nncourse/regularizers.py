"""Regularizers: what keeps weights small or training short, so that a network generalizes.

Penalties join the cost and become the objective; max-norm and early stopping act beside it. Dropout
is a layer and lives in `nncourse.dropout`.

Penalties and max-norm act on weights, the parameters called "W", and leave all others alone: biases
(Goodfellow, Bengio & Courville 2016, section 7.1), gamma and beta, and what you call otherwise.
They take the `params` of a network or of a layer: arrays by name, such as "linear1.W".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from nncourse.arguments import Array, non_negative, number, positive, whole_number
from nncourse.losses import Loss


def is_weight(name: str) -> bool:
    """Say whether a parameter of this name is a weight matrix.

    >>> is_weight("linear1.W"), is_weight("linear1.b"), is_weight("W")
    (True, False, True)
    """
    return name.rpartition(".")[2] == "W"


class Penalty:
    """What all penalties share: a value to add to the cost, and gradients to add to its own."""

    def value(self, params: Mapping[str, Array]) -> float:
        """Return the penalty on all weights, a number of at least 0."""
        return sum(self.of_weight(params[name]) for name in params if is_weight(name))

    def gradients(self, params: Mapping[str, Array]) -> dict[str, Array]:
        """Return the derivative of the penalty for every weight, by name; biases are absent."""
        return {name: self.slope(params[name]) for name in params if is_weight(name)}

    def of_weight(self, weight: Array) -> float:
        """Return the penalty on one array."""
        raise NotImplementedError(f"{type(self).__name__} has to define of_weight(weight).")

    def slope(self, weight: Array) -> Array:
        """Return the derivative of the penalty for one array, of its shape."""
        raise NotImplementedError(f"{type(self).__name__} has to define slope(weight).")


class ElasticNet(Penalty):
    """λ₁ Σ|w| + λ₂/2 Σw² (Zou & Hastie 2005, the half is ours); its slope is λ₁ sign(w) + λ₂ w.

    At w = 0, where ``|w|`` has no derivative, we choose 0.

    Parameters
    ----------
    l1, l2 : float
        λ₁ and λ₂, each at least 0.

    Examples
    --------
    >>> import numpy as np
    >>> ElasticNet(l1=1.0, l2=2.0).value({"W": np.array([[3.0, -1.0]])})   # 4 + 10
    14.0
    """

    def __init__(self, l1: float, l2: float) -> None:
        self.l1 = non_negative("l1", l1)
        self.l2 = non_negative("l2", l2)

    def of_weight(self, weight: Array) -> float:
        """Return λ₁ Σ|w| + λ₂/2 Σw²."""
        return self.l1 * float(np.abs(weight).sum()) + self.l2 / 2 * float((weight**2).sum())

    def slope(self, weight: Array) -> Array:
        """Return λ₁ sign(w) + λ₂ w."""
        return self.l1 * np.sign(weight) + self.l2 * weight


class L2(ElasticNet):
    """λ/2 Σw², whose slope λ w pulls every weight towards 0 in proportion to itself.

    The half makes the slope λ w, as in the source note. Parameter: strength, λ of at least 0.

    Examples
    --------
    >>> import numpy as np
    >>> L2(0.1).gradients({"W": np.array([[3.0]]), "b": np.array([5.0])})["W"].round(6).tolist()
    [[0.3]]
    """

    def __init__(self, strength: float) -> None:
        super().__init__(l1=0.0, l2=non_negative("strength", strength))


class L1(ElasticNet):
    """λ Σ|w|, whose slope λ sign(w) pulls with the same force however small a weight is.

    The minimum of the objective often has exact zeros. Gradient steps with this slope jump across 0 and only
    come near; a proximal step (soft threshold) gets there.

    Parameter: strength, λ of at least 0.

    Examples
    --------
    >>> import numpy as np
    >>> L1(0.5).gradients({"W": np.array([[3.0, -0.1, 0.0]])})["W"].tolist()
    [[0.5, -0.5, 0.0]]
    """

    def __init__(self, strength: float) -> None:
        super().__init__(l1=non_negative("strength", strength), l2=0.0)


class ObjectiveValue(NamedTuple):
    """The objective and the two terms it is the sum of.

    Attributes
    ----------
    objective, cost, penalty : float
    """

    objective: float
    cost: float
    penalty: float


class Objective:
    """objective = cost + penalty: what training makes small.

    It is there to look at; `nncourse.training.fit` takes the loss and the penalty themselves.

    Parameters
    ----------
    loss : Loss
        With reduction "mean" its value is the cost.
    penalty : Penalty or None
        What is added; None adds nothing.

    Examples
    --------
    >>> import numpy as np
    >>> from nncourse.losses import MeanSquaredError
    >>> objective = Objective(MeanSquaredError(), L2(2.0))
    >>> objective.value(np.array([[1.5]]), np.array([[1.0]]), {"W": np.array([[3.0]])})
    ObjectiveValue(objective=9.25, cost=0.25, penalty=9.0)
    """

    def __init__(self, loss: Loss, penalty: Penalty | None = None) -> None:
        if loss.reduction == "none":
            raise ValueError(
                "loss should have the reduction 'mean' or 'sum', so that the cost is one number, "
                "but got 'none'."
            )
        self.loss = loss
        self.penalty = penalty

    def value(
        self, predictions: Array, targets: npt.NDArray[Any], params: Mapping[str, Array]
    ) -> ObjectiveValue:
        """Return objective, cost and penalty; the arguments are those of the loss and `Penalty`."""
        cost = self.loss.forward(predictions, targets)
        assert isinstance(cost, float)
        penalty = self.penalty.value(params) if self.penalty else 0.0
        return ObjectiveValue(cost + penalty, cost, penalty)


class MaxNorm:
    """After a step, shorten the incoming weights of every unit whose norm is above a limit.

    The incoming weights of unit j are column j of W. Used with dropout by Srivastava et al. (2014),
    section 5.1.

    Parameters
    ----------
    limit : float
        The longest norm allowed, above 0.

    Examples
    --------
    >>> import numpy as np
    >>> params = {"W": np.array([[3.0, 0.3], [4.0, 0.4]])}
    >>> MaxNorm(1.0).apply(params)
    >>> params["W"].round(6).tolist()
    [[0.6, 0.3], [0.8, 0.4]]
    """

    def __init__(self, limit: float) -> None:
        self.limit = positive("limit", limit)

    def apply(self, params: Mapping[str, Array]) -> None:
        """Shorten the weights in `params` in place; biases are left alone."""
        for name, weight in params.items():
            if is_weight(name):
                norms = np.sqrt((weight**2).sum(axis=0))
                weight *= self.limit / np.maximum(norms, self.limit)


class HasWeights(Protocol):
    """Anything whose state can be taken and put back: a network."""

    def state(self) -> dict[str, Array]:
        """Return a copy of parameters and buffers by name."""
        ...

    def set_state(self, state: Mapping[str, Array]) -> None:
        """Put parameters and buffers back."""
        ...


class EarlyStopping:
    """Stop when the validation loss has not improved for a while, and restore the best weights.

    Prechelt (1998), "Early stopping, but when?"; Goodfellow et al. (2016), algorithm 7.1.

    Parameters
    ----------
    patience : int
        How many epochs without improvement to wait, at least 1.
    min_improvement : float
        By how much a loss must be below the best to count, at least 0.

    Attributes
    ----------
    best_value : float
        That of the best epoch: the last one below the best before it by more than `min_improvement`;
        infinite at first.
    best_epoch : int or None
        When it was seen, None at first.

    Examples
    --------
    >>> from nncourse.network import MLP
    >>> import numpy as np
    >>> network = MLP([2, 1], rng=np.random.default_rng(0))
    >>> stopping = EarlyStopping(patience=2)
    >>> [stopping.update(epoch, loss, network) for epoch, loss in enumerate([3.0, 1.0, 2.0, 1.5])]
    [False, False, False, True]
    >>> stopping.best_epoch, stopping.best_value
    (1, 1.0)
    """

    def __init__(self, patience: int = 10, min_improvement: float = 0.0) -> None:
        self.patience = whole_number("patience", patience)
        self.min_improvement = non_negative("min_improvement", min_improvement)
        self.reset()

    def reset(self) -> None:
        """Forget everything seen, for a new training."""
        self.best_value = math.inf
        self.best_epoch: int | None = None
        self._best_state: dict[str, Array] | None = None

    def update(self, epoch: int, value: float, network: HasWeights) -> bool:
        """Take note of an epoch and its validation loss; return whether it is time to stop."""
        value = number("value", value)
        if self.best_epoch is None or value < self.best_value - self.min_improvement:
            self.best_value, self.best_epoch = value, epoch
            self._best_state = network.state()
        return epoch - self.best_epoch >= self.patience

    def restore(self, network: HasWeights) -> None:
        """Give the network the weights of the best epoch.

        Raises
        ------
        RuntimeError
            If `update` was never called.
        """
        if self._best_state is None:
            raise RuntimeError("EarlyStopping.restore needs update before it, but there was none.")
        network.set_state(self._best_state)
