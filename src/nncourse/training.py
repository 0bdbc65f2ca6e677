"""Training: batches forward, gradients backward, steps downhill, and a history of how it went.

It puts network, loss and optimizer together and has no mathematics of its own. The same generator,
seeded the same, gives the same training, on the same machine and with the same NumPy to the last
digit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from nncourse.arguments import Array, all_finite, describe, generator, instance_of, positive, whole_number
from nncourse.data import batches, same_length
from nncourse.layers import Layer
from nncourse.losses import Loss
from nncourse.network import Sequential
from nncourse.optimizers import NonFiniteGradient, Optimizer, clip_by_norm
from nncourse.regularizers import EarlyStopping, MaxNorm, Objective, Penalty

AnyArray = npt.NDArray[Any]
Pair = tuple[Array, AnyArray]
Metric = Callable[[Array, AnyArray], float]


class TrainingDiverged(FloatingPointError):
    """Training met NaN or infinity; `place` names the layer or parameter where it appeared first.

    The parameters are those before the step that failed. `history` is, from `fit`, what had happened
    until then.
    """

    history: History | None = None

    def __init__(self, place: str, found: str) -> None:
        self.place = place
        super().__init__(
            f"Training stopped: {place} should be finite, but {found}. A smaller learning rate, "
            f"standardized inputs or gradient clipping usually helps."
        )


@dataclass
class History:
    """What happened in each epoch; every list has one entry per epoch.

    Attributes
    ----------
    loss : list of float
        The cost on the training batches, averaged over the rows, while the weights were moving.
    penalty : list of float
        The penalty after the epoch; 0 without one.
    learning_rate : list of float
        The learning rate of the last step of the epoch.
    validation_loss : list of float
        The cost on the validation data after the epoch; empty without such data.
    metrics : dict of str to list of float
        Each metric on the validation data (or, without, on the training data).
    best_epoch : int or None
        The epoch whose weights the network has now, counted from 0, if early stopping chose it.
    """

    loss: list[float] = field(default_factory=list)
    penalty: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    best_epoch: int | None = None


Callback = Callable[[int, Sequential, History], bool | None]


@dataclass
class Trainer:
    """Takes single steps: one batch forward, the gradient back, one step of the optimizer.

    Parameters
    ----------
    network : Sequential
        What is trained.
    loss : Loss
        With reduction "mean" or "sum".
    optimizer : Optimizer
        Who steps.
    penalty : Penalty or None
        Added to the cost, its slope to the gradient.
    schedule : callable or None
        Sets the learning rate from `num_steps`, before every step. An epoch has as many steps as it
        has batches.
    clip_norm : float or None
        The longest norm of the whole gradient.
    max_norm : MaxNorm or None
        Applied to the weights after every step.

    Attributes
    ----------
    num_steps : int
        How many steps were taken.
    """

    network: Sequential
    loss: Loss
    optimizer: Optimizer
    penalty: Penalty | None = None
    schedule: Callable[[int], float] | None = None
    clip_norm: float | None = None
    max_norm: MaxNorm | None = None
    num_steps: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        """Refuse what is not what it should be, and a loss that is not one number."""
        instance_of("network", self.network, Sequential, "MLP([2, 8, 2], rng=rng)")
        instance_of("loss", self.loss, Loss, "SoftmaxCrossEntropy()")
        instance_of("optimizer", self.optimizer, Optimizer, "SGD(0.1)")
        if self.penalty is not None:
            instance_of("penalty", self.penalty, Penalty, "L2(0.01)")
        if self.max_norm is not None:
            instance_of("max_norm", self.max_norm, MaxNorm, "MaxNorm(3.0)")
        if self.clip_norm is not None:
            self.clip_norm = positive("clip_norm", self.clip_norm)
        if self.schedule is not None and not callable(self.schedule):
            raise TypeError(
                f"schedule should be a callable such as StepDecay(0.1, every=100), but got "
                f"{describe(self.schedule)}."
            )
        Objective(self.loss, self.penalty)
        self._buffers = list(self.network.buffers.values())

    def step(self, X: Array, y: AnyArray) -> float:
        """Take one step on one batch and return the cost before it.

        Raises
        ------
        TrainingDiverged
            If an output, the loss or a gradient is NaN or infinite; the network is as before.
        """
        before = [buffer.copy() for buffer in self._buffers]
        try:
            return self._step(X, y)
        except TrainingDiverged:
            for buffer, was in zip(self._buffers, before, strict=True):
                buffer[...] = was
            raise

    def _step(self, X: Array, y: AnyArray) -> float:
        network = self.network
        outputs = network.forward(X)
        if not all_finite(outputs):
            raise TrainingDiverged(*first_non_finite(network))
        cost = float(self.loss.forward(outputs, y))
        if not math.isfinite(cost):
            raise TrainingDiverged("the loss", f"it is {cost}; {_largest_output(network)}")
        network.backward_params(self.loss.backward())
        params, grads = network.params, network.grads
        if self.penalty:
            for name, slope in self.penalty.gradients(params).items():
                grads[name] = grads[name] + slope
        self._update(params, grads)
        return cost

    def _update(self, params: dict[str, Array], grads: dict[str, Array]) -> None:
        if self.schedule:
            self.optimizer.learning_rate = self.schedule(self.num_steps)
        gradients = list(grads.values())
        if self.clip_norm is not None:
            gradients = clip_by_norm(gradients, self.clip_norm)
        try:
            self.optimizer.step(list(params.values()), gradients)
        except NonFiniteGradient as error:
            # Gradients come from the last layer to the first: it broke in the last one with NaN.
            broken = [name for name, grad in grads.items() if not all_finite(grad)]
            layer = broken[-1].rpartition(".")[0]
            name = next(name for name in broken if name.startswith(f"{layer}."))
            raise TrainingDiverged(f"the gradient of {name}", "it holds NaN or infinity") from error
        if self.max_norm:
            self.max_norm.apply(params)
        self.num_steps += 1

    def epoch(self, X: Array, y: AnyArray, batch_size: int | None, rng: np.random.Generator) -> float:
        """Take one step per batch, over all rows in a new order; return the cost per row."""
        total = 0.0
        with self.network.mode(training=True):
            for batch in batches(X, y, batch_size, rng=rng):
                weight = len(batch.X) if self.loss.reduction == "mean" else 1
                total += self.step(batch.X, batch.y) * weight
        return total / len(X)


def fit(
    network: Sequential,
    loss: Loss,
    optimizer: Optimizer,
    train: Pair,
    *,
    epochs: int,
    rng: np.random.Generator,
    batch_size: int | None = 32,
    validation: Pair | None = None,
    metrics: Mapping[str, Metric] | None = None,
    penalty: Penalty | None = None,
    schedule: Callable[[int], float] | None = None,
    clip_norm: float | None = None,
    max_norm: MaxNorm | None = None,
    early_stopping: EarlyStopping | None = None,
    callbacks: Iterable[Callback] = (),
    progress: bool = False,
) -> History:
    """Train a network and return how it went.

    Take a new optimizer for every training: running averages and the last learning rate of a schedule
    stay in it. A run whose loss grows without end, but slowly, is not stopped; it shows in
    ``history.loss``.

    Parameters
    ----------
    network, loss, optimizer, penalty, schedule, clip_norm, max_norm
        As in `Trainer`.
    train : (X, y)
        Training inputs of shape (n, ...) and targets.
    epochs : int
        How often to go over all rows, at least 1.
    rng : numpy.random.Generator
        Where the order of the rows comes from.
    batch_size : int or None
        Rows per step; None takes all at once.
    validation : (X, y) or None
        Data that is only looked at, in use mode, after every epoch.
    metrics : mapping of str to callable, or None
        ``metric(outputs, targets) -> float``, for example ``{"accuracy": accuracy}``.
    early_stopping : EarlyStopping or None
        Watches the validation loss, and restores the best weights at the end.
    callbacks : iterable of callable
        ``callback(epoch, network, history)`` after every epoch, counted from 0; returning True
        stops the training.
    progress : bool
        Show a progress bar (tqdm).

    Raises
    ------
    TrainingDiverged
        If NaN or infinity appears; the message names the layer.
    TypeError, ValueError
        If an argument is not what it should be, or early stopping has no validation data to watch.

    Examples
    --------
    >>> import numpy as np
    >>> from nncourse.data import xor
    >>> from nncourse.losses import SoftmaxCrossEntropy
    >>> from nncourse.metrics import accuracy
    >>> from nncourse.network import MLP
    >>> from nncourse.optimizers import Adam
    >>> rng = np.random.default_rng(0)
    >>> network = MLP([2, 8, 2], activation="tanh", rng=rng)
    >>> history = fit(network, SoftmaxCrossEntropy(), Adam(0.05), xor(rng=rng), epochs=100,
    ...               rng=rng, metrics={"accuracy": accuracy})
    >>> history.metrics["accuracy"][-1]
    1.0
    """
    if early_stopping and validation is None:
        raise ValueError("validation should be given for early stopping to watch, but got None.")
    whole_number("epochs", epochs)
    generator("rng", rng)
    _check_pair("train", train)
    if validation is not None:
        _check_pair("validation", validation)
    metrics = {} if metrics is None else metrics
    if not isinstance(metrics, Mapping) or not all(map(callable, metrics.values())):
        raise TypeError(
            f'metrics should be a dictionary of functions such as {{"accuracy": accuracy}}, '
            f"but got {describe(metrics)}."
        )
    if early_stopping is not None:
        instance_of("early_stopping", early_stopping, EarlyStopping, "EarlyStopping(patience=5)")
        early_stopping.reset()
    trainer = Trainer(network, loss, optimizer, penalty, schedule, clip_norm, max_norm)
    history = History()
    callbacks = tuple(callbacks)
    bar = _progress_bar(epochs, progress)
    for epoch in bar:
        try:
            with np.errstate(over="ignore", invalid="ignore"):  # the error says it better
                history.loss.append(trainer.epoch(*train, batch_size, rng))
                _look(history, trainer, train, validation, metrics)
        except TrainingDiverged as error:
            error.history = history
            error.add_note(
                f"It was in epoch {epoch}, counted from 0, after {trainer.num_steps} steps, at the "
                f"learning rate {optimizer.learning_rate:g}."
            )
            if early_stopping and early_stopping.best_epoch is not None:
                early_stopping.restore(network)
                history.best_epoch = early_stopping.best_epoch
            raise
        stops = [callback(epoch, network, history) for callback in callbacks]
        if early_stopping:
            stops.append(early_stopping.update(epoch, history.validation_loss[-1], network))
        if any(stops):
            break
    if early_stopping:
        early_stopping.restore(network)
        history.best_epoch = early_stopping.best_epoch
    return history


def evaluate(network: Sequential, loss: Loss, data: Pair) -> tuple[float, Array]:
    """Return the cost on some data in use mode, and the outputs it was computed from."""
    outputs = network.predict(data[0])
    if not all_finite(outputs):
        raise TrainingDiverged(*first_non_finite(network))
    cost = loss.forward(outputs, data[1])
    return float(cost), outputs


def _check_pair(name: str, data: Pair) -> None:
    """Refuse data that is not a pair of arrays with as many rows."""
    if not isinstance(data, tuple) or len(data) != 2:
        raise TypeError(f"{name} should be a pair of arrays (X, y), but got {describe(data)}.")
    same_length(*data, f"X and y of {name}")


def _look(
    history: History,
    trainer: Trainer,
    train: Pair,
    validation: Pair | None,
    metrics: Mapping[str, Metric],
) -> None:
    """Append to the history what can be seen after an epoch."""
    network, penalty = trainer.network, trainer.penalty
    history.penalty.append(penalty.value(network.params) if penalty else 0.0)
    history.learning_rate.append(trainer.optimizer.learning_rate)
    outputs = None
    if validation is not None:
        cost, outputs = evaluate(network, trainer.loss, validation)
        per_row = 1 if trainer.loss.reduction == "mean" else len(validation[0])
        history.validation_loss.append(cost / per_row)
    elif metrics:
        outputs = network.predict(train[0])
    for name, metric in metrics.items():
        assert outputs is not None
        targets = train[1] if validation is None else validation[1]
        history.metrics.setdefault(name, []).append(metric(outputs, targets))


def _progress_bar(epochs: int, progress: bool) -> Iterable[int]:
    if not progress:
        return range(epochs)
    from tqdm.auto import tqdm  # type: ignore[import-untyped]  # only when asked for: it is slow

    bar: Iterable[int] = tqdm(range(epochs), desc="epochs", unit="epoch")
    return bar


def first_non_finite(network: Sequential) -> tuple[str, str]:
    """Return where NaN or infinity first appeared in the last forward pass, and what it is."""
    for name, param in network.params.items():
        if not all_finite(param):
            return f"the parameter {name}", _count(param)
    for name, layer in network.layers.items():
        if not all_finite(_outputs(layer)):
            return f"the output of layer {name!r}", _count(_outputs(layer))
    return "the output of the network", "it is not, although what the layers kept is"


def _outputs(layer: Layer) -> Array:
    """Return what a layer put out last; 0 for one that does not keep it, as it should."""
    return np.asarray(getattr(layer, "outputs", 0.0))


def _largest_output(network: Sequential) -> str:
    """Say which layer had the largest number in its outputs."""
    sizes = {name: float(np.abs(_outputs(layer)).max()) for name, layer in network.layers.items()}
    largest = max(sizes, key=lambda name: sizes[name])
    return f"all outputs are finite; the largest, {sizes[largest]:.1e}, comes from layer {largest!r}"


def _count(values: Array) -> str:
    nan, inf = int(np.isnan(values).sum()), int(np.isinf(values).sum())
    return f"it holds {nan} NaN and {inf} infinite of {values.size} values"
