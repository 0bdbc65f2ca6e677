"""Single neurons as they came into the world: the McCulloch–Pitts unit and the perceptron.

They decide and, the perceptron, learn; they have no gradient. Networks that learn by gradients
start in `nncourse.layers`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nncourse.arguments import Array, finite, number, positive, real_array, whole_number

Labels = npt.NDArray[np.int64]


def _constant(values: npt.ArrayLike, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    array = np.array(values, dtype=dtype)
    array.flags.writeable = False
    return array


GATE_INPUTS: Array = _constant([[0, 0], [0, 1], [1, 0], [1, 1]], np.float64)
"""The four inputs of a gate with two inputs, shape (4, 2)."""

GATES: dict[str, Labels] = {
    "AND": _constant([0, 0, 0, 1], np.int64),
    "OR": _constant([0, 1, 1, 1], np.int64),
    "NAND": _constant([1, 1, 1, 0], np.int64),
    "NOR": _constant([1, 0, 0, 0], np.int64),
    "XOR": _constant([0, 1, 1, 0], np.int64),
    "XNOR": _constant([1, 0, 0, 1], np.int64),
}
"""The outputs of the six gates for the rows of `GATE_INPUTS`, each of shape (4,)."""


class McCullochPitts:
    """The neuron of McCulloch & Pitts (1943): fixed, binary, with a threshold and a veto.

    Inputs and output are 0 or 1. It fires if no inhibitory input is on and at least `threshold`
    excitatory inputs are. Nothing is learned, and an inhibitory input is an absolute veto rather
    than a negative weight.

    Parameters
    ----------
    threshold : int
        How many excitatory inputs it takes, at least 0. In the paper it is at least 1, so that no unit
        fires out of silence; 0 is our extension, and stands for an excitatory input that is always on.
    inhibitory : sequence of bool
        For each input, whether it is inhibitory.

    Examples
    --------
    >>> conjunction = McCullochPitts(threshold=2, inhibitory=[False, False])
    >>> conjunction.fire(GATE_INPUTS).tolist()
    [0, 0, 0, 1]
    >>> neither = McCullochPitts(threshold=0, inhibitory=[True, True])
    >>> neither.fire(GATE_INPUTS).tolist()
    [1, 0, 0, 0]
    """

    def __init__(self, threshold: int, inhibitory: Sequence[bool]) -> None:
        self.threshold = whole_number("threshold", threshold, at_least=0)
        self.inhibitory = np.array(inhibitory, dtype=bool)
        if self.inhibitory.ndim != 1 or self.inhibitory.size == 0:
            raise ValueError(f"inhibitory should have one entry per input, but got {inhibitory!r}.")

    def fire(self, inputs: npt.ArrayLike) -> Labels:
        """Return 1 for each row of inputs that makes the unit fire and 0 for the others.

        Parameters
        ----------
        inputs : array of shape (n, d)
            Zeros and ones, d as many as `inhibitory` has entries.

        Returns
        -------
        array of int, shape (n,)
        """
        x = _rows("inputs", inputs, len(self.inhibitory))
        if not np.isin(x, (0, 1)).all():
            raise ValueError("inputs should hold only 0 and 1, but got other numbers.")
        vetoed = x[:, self.inhibitory].any(axis=1)
        excitation = x[:, ~self.inhibitory].sum(axis=1)
        fires: Labels = (~vetoed & (excitation >= self.threshold)).astype(np.int64)
        return fires


@dataclass(frozen=True)
class PerceptronUpdate:
    """One presentation of a sample to a perceptron.

    Attributes
    ----------
    epoch, sample : int
        Which pass over the data and which row, both counted from 0.
    error : int
        Label minus output: 0 (nothing changed), 1 or −1.
    weights : tuple of float
        The weights after this sample.
    bias : float
        The bias after this sample.
    """

    epoch: int
    sample: int
    error: int
    weights: tuple[float, ...]
    bias: float


class Perceptron:
    """Rosenblatt's perceptron (1957–58): a weighted sum, a step, and a rule that learns from mistakes.

    The output is 1 if x · w + b > 0 and 0 otherwise. For every sample::

        error = label − output
        w ← w + η · error · x
        b ← b + η · error

    This is the error-correction rule (Rosenblatt 1962). On finitely many samples that a hyperplane
    separates it stops making mistakes after finitely many updates (Novikoff 1962). On others it
    never stops; the weights stay bounded (Block & Levin 1970), and with whole numbers as inputs, as
    in XOR, they come round again.

    Parameters
    ----------
    num_inputs : int
        d, at least 1.
    learning_rate : float
        η above 0. From zero weights it only scales w and b and changes no output, in exact arithmetic.
        On a computer take a power of two: with 0.1, a sum that should be 0 may be rounded to above it.

    Attributes
    ----------
    weights : array of shape (d,)
        w, zeros at first.
    bias : float
        b, 0 at first.
    history : list of PerceptronUpdate
        Every sample it was shown by `fit`, in order.

    Examples
    --------
    >>> unit = Perceptron(num_inputs=2)
    >>> unit.fit(GATE_INPUTS, GATES["OR"])
    True
    >>> unit.predict(GATE_INPUTS).tolist()
    [0, 1, 1, 1]
    >>> Perceptron(num_inputs=2).fit(GATE_INPUTS, GATES["XOR"])
    False
    """

    def __init__(self, num_inputs: int, learning_rate: float = 1.0) -> None:
        self.weights: Array = np.zeros(whole_number("num_inputs", num_inputs))
        self.bias = 0.0
        self.learning_rate = positive("learning_rate", learning_rate)
        self.history: list[PerceptronUpdate] = []

    def predict(self, inputs: npt.ArrayLike) -> Labels:
        """Return 1 where x · w + b > 0 and 0 elsewhere, for inputs of shape (n, d); shape (n,)."""
        x = _rows("inputs", inputs, len(self.weights))
        return (x @ self.weights + self.bias > 0).astype(np.int64)

    def learn(self, x: Array, label: int) -> int:
        """Show one sample of shape (d,) and apply the rule; return the error, −1, 0 or 1.

        Raises
        ------
        ValueError
            If the label is neither 0 nor 1.
        """
        x = np.asarray(x)
        if label not in (0, 1):
            raise ValueError(f"label should be 0 or 1, but got {label!r}.")
        error = int(label) - int(self.predict(x[None, :])[0])
        self.weights = self.weights + self.learning_rate * error * x
        self.bias += self.learning_rate * error
        return error

    def fit(self, inputs: npt.ArrayLike, labels: npt.ArrayLike, max_epochs: int = 100) -> bool:
        """Show all samples in order, again and again, until one whole pass has no mistake.

        Parameters
        ----------
        inputs : array of shape (n, d)
            Samples.
        labels : array of shape (n,)
            0 or 1 each.
        max_epochs : int
            After how many passes to give up.

        Returns
        -------
        bool
            Whether a pass without mistake was reached.
        """
        x = _rows("inputs", inputs, len(self.weights))
        y = np.asarray(labels)
        if y.shape != (len(x),) or not np.isin(y, (0, 1)).all():
            raise ValueError(
                f"labels should be {len(x)} zeros and ones, one per row of inputs, "
                f"but got {y.tolist() if y.size < 10 else y.shape}."
            )
        for epoch in range(whole_number("max_epochs", max_epochs)):
            num_mistakes = 0
            for sample, (row, label) in enumerate(zip(x, y, strict=True)):
                error = self.learn(row, label)
                num_mistakes += abs(error)
                weights = tuple(self.weights.tolist())
                self.history.append(PerceptronUpdate(epoch, sample, error, weights, self.bias))
            if num_mistakes == 0:
                return True
        return False


def separating_line(weights: npt.ArrayLike, bias: float, x0: npt.ArrayLike) -> Array:
    """Return x1 = −(w0/w1) x0 − b/w1, where a neuron with two inputs changes its mind.

    Parameters
    ----------
    weights : array of shape (2,)
        w0 and w1, with w1 ≠ 0 (otherwise the line is vertical).
    bias : float
        The bias b.
    x0 : array
        Where to evaluate it.

    Examples
    --------
    >>> separating_line([1.0, 1.0], -1.5, [0.0, 1.0]).tolist()
    [1.5, 0.5]
    """
    w = real_array("weights", weights)
    if w.shape != (2,) or w[1] == 0:
        raise ValueError(f"weights should be two numbers, the second not 0, but got {w.tolist()}.")
    slope, height = -float(w[0] / w[1]), -number("bias", bias) / float(w[1])
    return slope * real_array("x0", x0) + height


def _rows(name: str, inputs: npt.ArrayLike, num_inputs: int) -> Array:
    """Return inputs as an array of shape (n, num_inputs) with n at least 1, or refuse them."""
    x = real_array(name, inputs)
    if x.ndim != 2 or x.shape[1] != num_inputs or len(x) == 0:
        raise ValueError(
            f"{name} should have the shape (n, {num_inputs}) with n at least 1, but got {x.shape}."
        )
    finite(name, x)
    return x
