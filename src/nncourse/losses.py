"""Losses: how far predictions are from targets, and the gradient that says which way to go.

A loss belongs to one sample, a cost is the mean over a batch; the objective adds a penalty and is
in `nncourse.regularizers`. For classifiers the losses take scores (logits), not probabilities, so
that no logarithm of 0 is ever taken.

Every loss is used as ``value = loss.forward(predictions, targets)`` and then
``grad = loss.backward()``. What is done with the single numbers is said by `reduction`:

- ``"mean"`` (default): the mean over every number that "none" would return. For the regression
  losses and binary cross entropy that is all n · d entries, for softmax cross entropy the n rows.
- ``"sum"``: their sum.
- ``"none"``: all of them, as an array.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from nncourse.activations import log_softmax, sigmoid
from nncourse.arguments import (
    Array,
    check_array,
    describe,
    finite,
    fraction_below_one,
    number,
    one_of,
    positive,
    same_dtype,
    same_shape,
)
from nncourse.information import SUM_TOLERANCE

REDUCTIONS = ("mean", "sum", "none")


class Loss:
    """What all losses share: checks, reduction, and the order of forward and backward.

    Parameters
    ----------
    reduction : str
        "mean", "sum" or "none".

    Examples
    --------
    A loss of your own defines `values` and `slopes`, one per number, and has checks and reductions
    from here:

    >>> class LogCosh(Loss):
    ...     def values(self, predictions, targets):
    ...         return np.log(np.cosh(predictions - targets))
    ...
    ...     def slopes(self, predictions, targets):
    ...         return np.tanh(predictions - targets)
    >>> loss = LogCosh("sum")
    >>> round(loss.forward(np.array([[1.0, 2.0]]), np.array([[0.0, 2.0]])), 4)
    0.4338
    >>> loss.backward().round(4).tolist()
    [[0.7616, 0.0]]
    """

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = one_of("reduction", reduction, REDUCTIONS)
        self._values: Array | None = None

    def forward(self, predictions: Array, targets: npt.NDArray[Any]) -> float | Array:
        """Return the loss and remember what `backward` will need.

        Parameters
        ----------
        predictions : array of shape (n, ...), n at least 1
            What the network put out, float64 or float32.
        targets : array
            What it should have been; see the class.

        Returns
        -------
        float, or for reduction "none" an array

        Raises
        ------
        TypeError
            If an argument is not an array of the right dtype.
        ValueError
            If shapes do not fit, the batch is empty, a target is out of range, or something is
            NaN or infinite.
        """
        self._values = None  # so that nothing can go back through a forward that was refused
        check_array("predictions", predictions)
        if predictions.size == 0 or predictions.ndim == 0:
            raise ValueError(f"predictions should hold at least one row, but got shape {predictions.shape}.")
        self._predictions = predictions
        self._targets = self._prepare(predictions, targets)
        values = self.values(predictions, self._targets)
        total = float(values.sum())
        if not math.isfinite(total):  # NaN and infinity survive a sum
            finite("predictions", predictions)
            finite("targets", self._targets)
        self._values = values
        if self.reduction == "none":
            return values
        return total / values.size if self.reduction == "mean" else total

    def backward(self, grad: float | Array = 1.0) -> Array:
        """Return the gradient of the loss for the predictions, of their shape.

        Parameters
        ----------
        grad : float, or for reduction "none" optionally an array like the values
            ∂L/∂loss, if the loss is not the end of the calculation.

        Raises
        ------
        RuntimeError
            If `forward` was not called before.
        """
        if self._values is None:
            raise RuntimeError(
                f"{type(self).__name__}.backward needs a forward pass before it, but forward was not called."
            )
        if isinstance(grad, np.ndarray):
            grad = self._checked_grad(grad)
        else:
            grad = number("grad", grad)
        if self.reduction == "mean":
            grad = grad / self._values.size
        gradient = self.slopes(self._predictions, self._targets) * grad
        assert gradient.shape == self._predictions.shape
        return gradient

    def pieces(self) -> npt.NDArray[np.bool_] | None:
        """Return on which side of its kink each number was, if the loss has one."""
        return None

    def _checked_grad(self, grad: Array) -> Array:
        assert self._values is not None
        if self.reduction != "none":
            raise TypeError(
                f"grad should be a number for reduction {self.reduction!r}, but got {describe(grad)}."
            )
        same_shape("grad", grad, self._values.shape, "the values")
        same_dtype("grad", grad, self._values.dtype, "the values")
        missing_axes = self._predictions.ndim - grad.ndim
        return grad.reshape(grad.shape + (1,) * missing_axes)

    def _prepare(self, predictions: Array, targets: npt.NDArray[Any]) -> Array:
        """Check the targets and return them in the form the formulas use."""
        check_array("targets", targets)
        same_shape("targets", targets, predictions.shape, "predictions")
        same_dtype("targets", targets, predictions.dtype, "predictions")
        return targets

    def values(self, predictions: Array, targets: Array) -> Array:
        """Return one loss per entry (or per row)."""
        raise NotImplementedError(f"{type(self).__name__} has to define values(predictions, targets).")

    def slopes(self, predictions: Array, targets: Array) -> Array:
        """Return the derivative of each loss for each prediction, before reduction."""
        raise NotImplementedError(f"{type(self).__name__} has to define slopes(predictions, targets).")


class MeanSquaredError(Loss):
    """(prediction − target)², by default averaged over all entries: the MSE of regression.

    Targets have the shape and dtype of the predictions. The gradient is 2 (prediction − target),
    times 1/(n·d) for the mean.

    Parameters
    ----------
    reduction : str
        "mean", "sum" or "none".

    Examples
    --------
    >>> import numpy as np
    >>> MeanSquaredError().forward(np.array([[1.5, 1.5]]), np.array([[1.0, 2.0]]))
    0.25
    """

    def values(self, predictions: Array, targets: Array) -> Array:
        return (predictions - targets) ** 2

    def slopes(self, predictions: Array, targets: Array) -> Array:
        return 2 * (predictions - targets)


class MeanAbsoluteError(Loss):
    """``|prediction − target|``, by default averaged over all entries.

    The constant prediction that makes it smallest is a median of the targets. Targets have the
    shape and dtype of the predictions. The gradient is the sign of the difference, times 1/(n·d)
    for the mean; at a difference of 0, where there is none, 0.

    Parameters
    ----------
    reduction : str
        "mean", "sum" or "none".

    Examples
    --------
    >>> import numpy as np
    >>> MeanAbsoluteError().forward(np.array([[1.0, 5.0]]), np.array([[1.0, 2.0]]))
    1.5
    """

    def values(self, predictions: Array, targets: Array) -> Array:
        return np.abs(predictions - targets)

    def slopes(self, predictions: Array, targets: Array) -> Array:
        return np.sign(predictions - targets)

    def pieces(self) -> npt.NDArray[np.bool_] | None:
        """Return where the prediction was above the target."""
        return self._predictions > self._targets


class Huber(Loss):
    """Half the square near the target, linear far from it, with one tangent where they meet.

    With d = prediction − target: d²/2 where ``|d| ≤ δ``, else ``δ (|d| − δ/2)`` (Huber 1964).
    Targets have the shape and dtype of the predictions. The gradient is d, cut to [−δ, δ],
    divided for the mean by the number of entries.

    Parameters
    ----------
    delta : float
        δ above 0, in the unit of the targets.
    reduction : str
        "mean", "sum" or "none".

    Examples
    --------
    >>> import numpy as np
    >>> Huber(reduction="none").forward(np.array([0.5, 3.0]), np.array([0.0, 0.0])).tolist()
    [0.125, 2.5]
    """

    def __init__(self, delta: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.delta = positive("delta", delta)

    def values(self, predictions: Array, targets: Array) -> Array:
        distance = np.abs(predictions - targets)
        near = np.minimum(distance, self.delta)
        return near * (distance - 0.5 * near)

    def slopes(self, predictions: Array, targets: Array) -> Array:
        return np.clip(predictions - targets, -self.delta, self.delta)

    def pieces(self) -> npt.NDArray[np.bool_] | None:
        """Return where the prediction was within δ of the target."""
        return np.abs(self._predictions - self._targets) <= self.delta


class BinaryCrossEntropy(Loss):
    """Cross entropy of a yes/no label and σ(z), from the score z itself.

    −y log σ(z) − (1 − y) log(1 − σ(z)) = max(z, 0) − z y + log(1 + e^(−|z|)), where the right-hand
    side never overflows and never takes log 0. Targets y in [0, 1] have the shape and dtype of
    the scores. The gradient is σ(z) − y, for the mean divided by the number of entries.

    Parameters
    ----------
    reduction : str
        "mean" (over all entries), "sum" or "none".

    Examples
    --------
    >>> import numpy as np
    >>> round(BinaryCrossEntropy().forward(np.array([[0.0]]), np.array([[1.0]])), 4)  # log 2
    0.6931
    """

    def _prepare(self, predictions: Array, targets: npt.NDArray[Any]) -> Array:
        targets = super()._prepare(predictions, targets)
        if targets.min() < 0 or targets.max() > 1:
            raise ValueError(
                f"targets should be in [0, 1], but got values from {targets.min()} to {targets.max()}."
            )
        return targets

    def values(self, predictions: Array, targets: Array) -> Array:
        z = predictions
        return np.maximum(z, 0) - z * targets + np.log1p(np.exp(-np.abs(z)))

    def slopes(self, predictions: Array, targets: Array) -> Array:
        return sigmoid(predictions) - targets


class SoftmaxCrossEntropy(Loss):
    """Cross entropy of a label and softmax(z), from the scores z themselves.

    For the label distribution t the loss of one row is −Σ t log softmax(z), and its gradient is
    softmax(z) − t, for the mean divided by the number of rows. Predictions have shape (n, k).
    Targets are either

    - hard labels: whole numbers in 0 … k − 1, shape (n,); or
    - soft labels: rows of probabilities, shape (n, k), in the dtype of the scores.

    With label smoothing ε, t becomes (1 − ε) t + ε/k (Szegedy et al. 2016, section 7).

    Parameters
    ----------
    label_smoothing : float
        ε in [0, 1).
    reduction : str
        "mean" (over the rows), "sum" or "none" (one number per row).

    Examples
    --------
    >>> import numpy as np
    >>> loss = SoftmaxCrossEntropy()
    >>> scores = np.log([[0.05, 0.1, 0.7, 0.15]])
    >>> round(loss.forward(scores, np.array([2])), 4)         # -log 0.7
    0.3567
    >>> loss.backward().round(2).tolist()
    [[0.05, 0.1, -0.3, 0.15]]
    """

    def __init__(self, label_smoothing: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.label_smoothing = fraction_below_one("label_smoothing", label_smoothing)

    def _prepare(self, predictions: Array, targets: npt.NDArray[Any]) -> Array:
        if predictions.ndim != 2:
            raise ValueError(f"predictions should have the shape (n, k), but got {predictions.shape}.")
        if not isinstance(targets, np.ndarray):
            raise TypeError(f"targets should be an array of labels, but got {describe(targets)}.")
        hard = targets.dtype.kind in "iu"
        if hard == (targets.ndim != 1):
            raise TypeError(
                f"targets should be labels, whole numbers of shape (n,), or probabilities, floats of shape "
                f"(n, k), but got {describe(targets)}. For labels use targets[:, 0] or "
                f"targets.astype(int), for one-hot rows targets.astype(np.{predictions.dtype})."
            )
        labels = one_hot_like(predictions, targets) if hard else self._soft(predictions, targets)
        if self.label_smoothing:
            k = predictions.shape[1]
            labels = (1 - self.label_smoothing) * labels + self.label_smoothing / k
        return labels

    def _soft(self, predictions: Array, targets: npt.NDArray[Any]) -> Array:
        targets = super()._prepare(predictions, targets)
        finite("targets", targets)
        sums = targets.sum(axis=1)
        if targets.min() < 0 or np.abs(sums - 1).max() > SUM_TOLERANCE:
            raise ValueError(
                f"targets should be rows of probabilities that sum to 1, but got values from "
                f"{targets.min()} and sums from {sums.min()} to {sums.max()}."
            )
        return targets

    def values(self, predictions: Array, targets: Array) -> Array:
        # Class by class in memory, sums over a few classes run several times faster.
        self._log_probabilities = log_softmax(np.asfortranarray(predictions))
        losses: Array = -(targets * self._log_probabilities).sum(axis=1)
        return losses

    def slopes(self, predictions: Array, targets: Array) -> Array:
        return np.exp(self._log_probabilities) - targets


def one_hot_like(predictions: Array, labels: npt.NDArray[Any]) -> Array:
    """Return hard labels (n,) as rows of zeros with a one, in shape and dtype of (n, k) scores.

    Raises
    ------
    ValueError
        If there are not n labels or one is outside 0 … k − 1.
    """
    n, k = predictions.shape
    same_shape("targets", labels, (n,), "one label per row of predictions")
    hits = (np.arange(k)[:, None] == labels).T  # class by class in memory, as the loss has its scores
    if np.count_nonzero(hits) < n:
        raise ValueError(
            f"targets should be labels from 0 to {k - 1}, but got values from {labels.min()} "
            f"to {labels.max()}."
        )
    rows: Array = hits.astype(predictions.dtype)
    return rows
