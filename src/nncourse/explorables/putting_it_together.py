"""The figures of the last chapter: digits from loading to testing, and a playground."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nncourse.data import Data, Standardizer, batches, circles, digits, moons, spirals, split, xor
from nncourse.explore import (
    Axis,
    Choice,
    Column,
    Explorable,
    HeatMap,
    Line,
    Mark,
    Plot,
    Points,
    Say,
    Segments,
    Slider,
    Stepper,
    Table,
    Text,
    Toggle,
    number,
)
from nncourse.initializers import Zeros
from nncourse.layers import Softmax
from nncourse.losses import BinaryCrossEntropy, SoftmaxCrossEntropy
from nncourse.metrics import accuracy, confusion_matrix
from nncourse.network import MLP, Sequential
from nncourse.optimizers import Momentum
from nncourse.regularizers import L2, EarlyStopping
from nncourse.training import Trainer, TrainingDiverged, evaluate, fit

__all__ = [
    "confusion",
    "gallery",
    "learning_curves",
    "mistakes",
    "one_batch",
    "playground",
    "remedies",
    "search",
    "symptoms",
    "training_diary",
]

Array = NDArray[np.floating[Any]]


# ── The digits, and runs on them ────────────────────────────────────────────────────────────────

SEED = 0  # of the split: the one in the docstring of `split`
EPOCHS = 20
WIDTHS = (8, 32, 128)
RATES = (0.003, 0.01, 0.03, 0.1)
NUM_SEEDS = 8


class Parts(NamedTuple):
    """The digits in three parts, standardized by the training part; and the test images raw."""

    train: Data
    valid: Data
    test: Data
    test_images: Array


@cache
def parts() -> Parts:
    """Return 1078 digits to train on, 360 to validate and 359 to test."""
    train, valid, test = split(*digits(), [0.6, 0.2, 0.2], rng=np.random.default_rng(SEED))
    standardize = Standardizer(train.X)
    ready = [Data(standardize(part.X), part.y) for part in (train, valid, test)]
    return Parts(ready[0], ready[1], ready[2], test.X)


class Run(NamedTuple):
    """What was seen in a run; every array has one entry per epoch.

    Attributes
    ----------
    loss : array
        The mean loss on the training batches, while the weights were moving.
    valid_loss, valid : arrays
        Loss and accuracy on the validation data after the epoch.
    """

    loss: Array
    valid_loss: Array
    valid: Array


@cache
def run(
    width: int,
    rate: float,
    seed: int,
    *,
    weight_decay: float = 0.0,
    dropout: float = 0.0,
    patience: int = 0,
) -> Run:
    """Train 64–width–10 on the training digits with momentum 0.9, in batches of 32.

    With `patience`, early stopping watches the validation loss, and the last entry is the epoch
    that it goes back to.
    """
    rng = np.random.default_rng(seed)
    history = fit(
        MLP([64, width, 10], rng=rng, dropout=dropout),
        SoftmaxCrossEntropy(),
        Momentum(rate, 0.9, weight_decay=weight_decay),
        parts().train,
        epochs=EPOCHS,
        rng=rng,
        batch_size=32,
        validation=parts().valid,
        metrics={"accuracy": accuracy},
        early_stopping=EarlyStopping(patience) if patience else None,
    )
    end = len(history.loss) if history.best_epoch is None else history.best_epoch + 1
    seen = history.loss, history.validation_loss, history.metrics["accuracy"]
    return Run(*(np.array(values[:end]) for values in seen))


@cache
def accuracy_after(
    width: int, rate: float, seed: int, *, weight_decay: float = 0.0, dropout: float = 0.0
) -> float:
    """Return the last validation accuracy of `run`, without looking in between: that is quicker."""
    rng = np.random.default_rng(seed)
    network = MLP([64, width, 10], rng=rng, dropout=dropout)
    optimizer = Momentum(rate, 0.9, weight_decay=weight_decay)
    fit(network, SoftmaxCrossEntropy(), optimizer, parts().train, epochs=EPOCHS, rng=rng, batch_size=32)
    with network.mode(training=False):
        return in_pieces(network, parts().valid)[1]


def in_pieces(network: Sequential, data: Data) -> tuple[float, float]:
    """Return loss and accuracy in the network's present mode, computed 32 rows at a time.

    Matrix products that small stay on one core, so that a busy machine does not slow them down.
    """
    loss, right = 0.0, 0.0
    for batch in batches(data.X, data.y, 32):
        scores = network.forward(batch.X)
        loss += float(SoftmaxCrossEntropy(reduction="sum").forward(scores, batch.y))
        right += accuracy(scores, batch.y) * len(batch.y)
    return loss / len(data.X), right / len(data.X)


def last_accuracies(width: int, rate: float, num_seeds: int = NUM_SEEDS, **how: Any) -> Array:
    """Return the validation accuracy at the end of runs with the seeds 0, 1, …."""
    if how.get("patience"):
        return np.array([run(width, rate, seed, **how).valid[-1] for seed in range(num_seeds)])
    return np.array([accuracy_after(width, rate, seed, **how) for seed in range(num_seeds)])


def spread(values: Array) -> tuple[float, float]:
    """Return the mean of some runs and its standard error, std/√n with n − 1 in the std."""
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def _picture(image: Array) -> Array:
    """Return an image of 64 grey values as rows from the bottom."""
    return image.reshape(8, 8)[::-1]


def _mosaic(images: Array) -> Array:
    """Lay images of shape (n, 64) side by side, with a gap of one pixel around each."""
    grid = np.zeros((10, len(images) * 9 + 1))
    for k, image in enumerate(images):
        grid[1:9, 9 * k + 1 : 9 * k + 9] = _picture(image)
    return grid


def _captions(panel: str, words: Sequence[str], columns: int, pitch: float = 1.35) -> Text:
    """Write a word under each image that `_tiles` draws."""
    k = np.arange(len(words))
    bottom = (-(-len(words) // columns) - k // columns) * pitch - 1.02
    return Text(panel, k % columns + 0.5, bottom, list(words), anchor="middle", dy=-13)


def _tiles(panel: str, images: Array, columns: int, pitch: float = 1.35) -> list[Mark]:
    """Draw images of shape (n, 64) in rows `pitch` apart, with room for a caption under each."""
    rows = -(-len(images) // columns)
    marks: list[Mark] = []
    for row in range(rows):
        some = images[row * columns : (row + 1) * columns]
        grid = _mosaic(some)
        low = (rows - row) * pitch - 1.02
        marks.append(
            HeatMap(
                panel,
                grid,
                (0, len(some)),
                (low, low + 1.0),
                low=0,
                high=16,
                palette="sequential",
                smooth=False,
            )
        )
    return marks


def gallery() -> Explorable:
    """Draw the first twenty images with their labels; it has no controls."""
    X, y = digits()
    pitch = 1.7  # the captions stay clear of the images on a phone, too

    def images() -> list[Mark]:
        labels = [str(label) for label in y[:20]]
        return [*_tiles("images", X[:20], 10, pitch), _captions("images", labels, 10, pitch)]

    def describe() -> str:
        return (
            "The first twenty of 1797 images, with the label that each was given. They are coarse, and "
            "some could be read in two ways."
        )

    return Explorable(
        "putting_it_together.gallery",
        title="Which of these would you find hard to read?",
        controls=[],
        panels=[Plot("images", Axis("x", 0, 10), Axis("y", 0, 2 * pitch), ratio=0.2 * pitch, bare=True)],
        parts=[images],
        describe=describe,
    )


# ── One batch by heart ──────────────────────────────────────────────────────────────────────────


@cache
def one_batch_losses(broken: bool = False, num_steps: int = 60) -> Array:
    """Return the loss before every step on the first 32 training digits, again and again.

    Broken: the images were multiplied by zero on their way, so that all inputs are alike.
    """
    X, y = parts().train.X[:32], parts().train.y[:32]
    X = np.zeros_like(X) if broken else X
    network = MLP([64, 32, 10], rng=np.random.default_rng(0))
    trainer = Trainer(network, SoftmaxCrossEntropy(), Momentum(0.03, 0.9))
    return np.array([trainer.step(X, y) for _ in range(num_steps)])


def one_batch() -> Explorable:
    """Draw the loss on one batch, for a healthy program and a broken one; it has no controls."""
    steps = np.arange(60)

    def curves() -> list[Mark]:
        return [
            Line("loss", [0, 60], [np.log(10)] * 2, color="muted", width=1, dash=True),
            Text("loss", [60], [np.log(10)], ["guessing: ln 10"], color="muted", anchor="end", dy=6),
            Line("loss", steps, one_batch_losses(), label="healthy"),
            Line("loss", steps, one_batch_losses(True), color="orange", dash=True, label="inputs lost"),
        ]

    def describe() -> Say:
        good, bad = one_batch_losses()[-1], one_batch_losses(True)[-1]
        return Say(
            "After 60 steps on the same 32 images the loss of the healthy program is {}: it knows them by "
            "heart. Where the inputs are lost on the way it is still at {}.",
            float(f"{good:.2g}"),
            round(float(bad), 2),
        )

    return Explorable(
        "putting_it_together.one_batch",
        title="Can it learn 32 images by heart?",
        controls=[],
        panels=[
            Plot("loss", Axis("step", 0, 60), Axis("loss on the batch", 1e-3, 10, scale="log"), ratio=0.5)
        ],
        parts=[curves],
        describe=describe,
    )


# ── The first whole run ─────────────────────────────────────────────────────────────────────────


def learning_curves() -> Explorable:
    """Draw loss and accuracy of the first run; it has no controls."""
    epochs = np.arange(1, EPOCHS + 1)

    def curves() -> list[Mark]:
        found = run(32, 0.03, 0)
        best = int(found.valid_loss.argmin())
        return [
            Line("loss", epochs, found.loss, label="training"),
            Line("loss", epochs, found.valid_loss, color="orange", dash=True, label="validation"),
            Points("loss", epochs[[best]], found.valid_loss[[best]], color="orange", shape="ring", size=6),
            Line("accuracy", epochs, found.valid, color="orange", dash=True, label="validation"),
        ]

    def describe() -> Say:
        found = run(32, 0.03, 0)
        return Say(
            "The training loss falls to {}, the validation loss to {}; it is lowest after epoch {} (ring). "
            "Validation accuracy ends at {} %.",
            *(round(float(v), 3) for v in (found.loss[-1], found.valid_loss.min())),
            int(found.valid_loss.argmin()) + 1,
            round(100 * float(found.valid[-1]), 1),
        )

    return Explorable(
        "putting_it_together.learning_curves",
        title="The first run: what do the curves say?",
        controls=[],
        panels=[
            Plot("loss", Axis("epoch", 0, 20), Axis("loss", 3e-3, 3, scale="log")),
            Plot("accuracy", Axis("epoch", 0, 20), Axis("accuracy", 0.85, 1)),
        ],
        parts=[curves],
        describe=describe,
    )


# ── Search ──────────────────────────────────────────────────────────────────────────────────────

SETTINGS = tuple((width, rate) for width in WIDTHS for rate in RATES)


def search() -> Explorable:
    """Show validation accuracies of twelve settings, with one seed or more."""
    rows = np.array([-(k + 0.6 * (k // len(RATES))) for k in range(len(SETTINGS))])
    by_setting = np.array([last_accuracies(width, rate) for width, rate in SETTINGS])

    def runs(seeds: int) -> list[Mark]:
        found = 100 * by_setting[:, :seeds]
        means = found.mean(axis=1)
        best = int(means.argmax())
        ticks = np.column_stack([rows - 0.35, rows + 0.35, np.full(len(rows), np.nan)]).ravel()
        across = np.repeat(means, 3)
        return [
            Points("search", found.ravel(), np.repeat(rows, seeds), color="soft", label="one run each"),
            Line("search", across, ticks, color="blue", width=4, gaps=True, label="mean"),
            Points(
                "search",
                means[[best]],
                rows[[best]],
                color="orange",
                shape="ring",
                size=9,
                label="best mean",
            ),
        ]

    def said(seeds: int) -> Say:
        means = by_setting[:, :seeds].mean(axis=1)
        best = int(means.argmax())
        close = int((means > means[best] - 0.003).sum()) - 1
        template = "The best of the twelve, by the mean of {} runs each: {} units and rate {}, {} %."
        if seeds == 1:
            template = "The best of the twelve, by {} run each: {} units and rate {}, {} %."
        width, rate = SETTINGS[best]
        more = " Within 0.3 points of it, one image: {} of the other eleven."
        return Say(template + more, seeds, width, rate, round(100 * float(means[best]), 2), close)

    names = [f"{width} units, {rate:g}" for width, rate in SETTINGS]
    return Explorable(
        "putting_it_together.search",
        title="Who wins, and would the same setting win again?",
        controls=[
            Slider(
                name="seeds",
                label="runs with each setting",
                low=1,
                high=NUM_SEEDS,
                num=NUM_SEEDS,
                start=1,
                integer=True,
            )
        ],
        panels=[
            Plot(
                "search",
                Axis("validation accuracy, %", 79, 100),
                Axis(
                    "units, learning rate",
                    float(rows[-1]) - 0.7,
                    0.7,
                    ticks=[(float(y), name) for y, name in zip(rows, names, strict=True)],
                ),
                ratio=0.75,
            )
        ],
        parts=[runs],
        describe=said,
        seconds=120,  # about 5 on an idle core
    )


REMEDIES: Mapping[str, Mapping[str, Any]] = {
    "none": {},
    "decay 0.01": {"weight_decay": 0.01},
    "decay 0.03": {"weight_decay": 0.03},
    "decay 0.1": {"weight_decay": 0.1},
    "decay 0.3": {"weight_decay": 0.3},
    "dropout 0.1": {"dropout": 0.1},
    "dropout 0.3": {"dropout": 0.3},
    "early stopping": {"patience": 3},
}


def _copies(values: Array) -> Array:
    """Return for every value how many equal ones stand before it, so that none hides another."""
    same = np.isclose(values[:, None], values)
    return np.asarray(np.tril(same, -1).sum(axis=1), dtype=np.float64)


def remedies() -> Explorable:
    """Draw the validation accuracies with eight remedies, eight runs each; it has no controls."""
    names = list(REMEDIES)

    def found(name: str) -> Array:
        return 100 * last_accuracies(32, 0.03, **REMEDIES[name])

    def rows() -> list[Mark]:
        marks: list[Mark] = []
        height = len(names) - np.arange(len(names)) - 1.0
        values = np.array([found(name) for name in names])
        marks.append(
            Points(
                "runs",
                values.ravel(),
                np.repeat(height, NUM_SEEDS) - 0.2 - 0.13 * np.concatenate([_copies(v) for v in values]),
                color="soft",
                size=3.2,
                label="one run each",
            )
        )
        ends = np.array([spread(v) for v in values])
        low, high = ends[:, 0] - ends[:, 1], ends[:, 0] + ends[:, 1]
        x = np.column_stack([low, high, np.full(len(names), np.nan)]).ravel()
        marks.append(
            Line("runs", x, np.repeat(height, 3), width=4, gaps=True, label="mean ± one standard error")
        )
        return marks

    def describe() -> Say:
        means = {name: float(found(name).mean()) for name in names}
        best = max(means, key=lambda name: means[name])
        return Say(
            f"Without a remedy the mean of eight runs is {{}} %. The best mean has {best}: {{}} %.",
            round(means["none"], 2),
            round(means[best], 2),
        )

    ticks = [(len(names) - 1.0 - k, name) for k, name in enumerate(names)]
    return Explorable(
        "putting_it_together.remedies",
        title="Which remedies help beyond the spread?",
        controls=[],
        panels=[
            Plot(
                "runs", Axis("validation accuracy, %", 94.5, 99), Axis("", -0.6, 7.6, ticks=ticks), ratio=0.55
            )
        ],
        parts=[rows],
        describe=describe,
        seconds=120,  # about 3 on an idle core
    )


# ── The test ────────────────────────────────────────────────────────────────────────────────────

CHOSEN_DECAY = 0.01


@cache
def final_network() -> MLP:
    """Train the chosen setting on training and validation data together, with seed 0."""
    train, valid, *_ = parts()
    rng = np.random.default_rng(0)
    network = MLP([64, 32, 10], rng=rng)
    both = Data(np.vstack([train.X, valid.X]), np.concatenate([train.y, valid.y]))
    optimizer = Momentum(0.03, 0.9, weight_decay=CHOSEN_DECAY)
    fit(network, SoftmaxCrossEntropy(), optimizer, both, epochs=EPOCHS, rng=rng, batch_size=32)
    return network


@cache
def scores_on_test() -> Array:
    """Return the final network's scores on the test images, shape (359, 10)."""
    return final_network().predict(parts().test.X)


def confusion() -> Explorable:
    """Draw the confusion matrix of the test; it has no controls."""

    def cells() -> list[Mark]:
        counts = confusion_matrix(scores_on_test(), parts().test.y, 10)
        right = np.diag(np.diag(counts))
        shown = np.where(right > 0, 0.3, -np.minimum(counts, 3) / 5)  # right and wrong in two hues
        column, row = np.meshgrid(np.arange(10), np.arange(10))
        seen = counts > 0
        return [
            HeatMap("counts", shown[::-1], (-0.5, 9.5), (-0.5, 9.5), smooth=False),
            Text(
                "counts",
                column[seen],
                9 - row[seen],
                [str(v) for v in counts[seen]],
                anchor="middle",
                dy=-4,
                size=13,
            ),
        ]

    def describe() -> Say:
        counts = confusion_matrix(scores_on_test(), parts().test.y, 10)
        wrong = int(counts.sum() - np.trace(counts))
        return Say("Of {} test images, {} are read as another digit.", int(counts.sum()), wrong)

    ticks = [(float(k), str(k)) for k in range(10)]
    upwards = [(float(9 - k), str(k)) for k in range(10)]
    return Explorable(
        "putting_it_together.confusion",
        title="Which digit is taken for which?",
        controls=[],
        panels=[
            Plot(
                "counts",
                Axis("what the network says", -0.5, 9.5, ticks=ticks),
                Axis("what it is labelled", -0.5, 9.5, ticks=upwards),
                ratio=1.0,
                equal=True,
            )
        ],
        parts=[cells],
        describe=describe,
    )


class Mistake(NamedTuple):
    """A test image that was read wrongly: its place, label, prediction, and how sure it was."""

    place: int
    label: int
    predicted: int
    probability: float


@cache
def all_mistakes() -> tuple[Mistake, ...]:
    """Return the test images that were read wrongly, the surest mistake first."""
    probabilities = Softmax().forward(scores_on_test())
    labels, predicted = parts().test.y, probabilities.argmax(axis=1)
    found = [
        Mistake(int(k), int(labels[k]), int(predicted[k]), float(probabilities[k].max()))
        for k in np.flatnonzero(labels != predicted)
    ]
    return tuple(sorted(found, key=lambda mistake: -mistake.probability))


def mistakes() -> Explorable:
    """Show the test images that were read wrongly, and on request their labels and the answers."""
    columns = 4
    shown = all_mistakes()[: 2 * columns]

    def images() -> list[Mark]:
        return _tiles("images", parts().test_images[[m.place for m in shown]], columns)

    def captions(reveal: bool) -> Text:
        words = [f"{m.label} → {m.predicted}" if reveal else "?" for m in shown]
        return _captions("images", words, columns)

    def describe(reveal: bool) -> Say:
        found = all_mistakes()
        if not reveal:
            return Say("All {} mistakes. Read them yourself, then show the labels.", len(found))
        return Say(
            "All {} mistakes, label → answer, the surest first. The network was {} to {} % sure of them.",
            len(found),
            *(round(100 * m.probability) for m in (found[-1], found[0])),
        )

    rows = -(-len(shown) // columns)
    return Explorable(
        "putting_it_together.mistakes",
        title="What would you have read?",
        controls=[Toggle(name="reveal", label="show label → answer")],
        panels=[
            Plot(
                "images",
                Axis("x", 0, columns),
                Axis("y", 0, rows * 1.35),
                ratio=rows * 1.35 / columns,
                bare=True,
            )
        ],
        parts=[images, captions],
        describe=describe,
    )


# ── Symptoms ────────────────────────────────────────────────────────────────────────────────────

CASES = {
    "A": "labels one row off",
    "B": "learning rate 1000 × too small",
    "C": "nothing: this one is well",
    "D": "softmax applied twice",
    "E": "all weights start at zero",
    "F": "sorted, never shuffled",
    "G": "learning rate 10 × too large",
    "H": "dropout left on in use",
    "I": "inputs not standardized (0 to 255)",
    "J": "most ReLUs dead at the start",
}
HINTS = {
    "A": "Training creeps up, by heart, and validation stays at chance: there is nothing true to learn.",
    "B": "It improves at every step, and hardly moves.",
    "C": "It starts near ln 10, falls fast, and validation follows training.",
    "D": "The accuracy is good, and yet the loss does not fall below 1.46.",
    "E": "The loss starts at exactly ln 10 and both accuracies stay at one in ten.",
    "F": "At first the loss climbs above guessing: what was not seen just now is forgotten.",
    "G": "The loss grows faster and faster, although most images are still named rightly.",
    "H": "The same image gets another answer the second time, and the curves flicker.",
    "I": "The loss starts far above 2.3, the price of guessing, and the first steps kill every unit.",
    "J": "The start looks almost normal, but most units never speak, and the silent do not learn.",
}
_CASE_EPOCHS = 12


class Case(NamedTuple):
    """A run with something wrong, or nothing.

    Attributes
    ----------
    loss, train, valid : arrays of shape (13,)
        Training loss and accuracies in use mode, before training and after every epoch.
    silent : float
        The share of hidden units that are 0 for every training image, at the end.
    steady : bool
        Whether the same images got the same scores twice.
    """

    loss: Array
    train: Array
    valid: Array
    silent: float
    steady: bool


@cache
def case(letter: str) -> Case:
    """Run one of the `CASES`."""
    train, valid, *_ = parts()
    rate = 0.03
    dropout = 0.0
    if letter == "A":
        train = Data(train.X, np.roll(train.y, 1))
    if letter == "B":
        rate = 0.00003
    if letter == "F":
        order = np.argsort(train.y, kind="stable")
        train = Data(train.X[order], train.y[order])
    if letter == "G":
        rate = 0.3
    if letter == "H":
        dropout = 0.5
    if letter == "I":
        standardize = Standardizer(split(*digits(), [0.6, 0.2, 0.2], rng=np.random.default_rng(SEED))[0].X)
        train = Data(255 / 16 * standardize.undo(train.X), train.y)
        valid = Data(255 / 16 * standardize.undo(valid.X), valid.y)
    rng = np.random.default_rng(0)
    network: Sequential = MLP(
        [64, 32, 10], rng=rng, dropout=dropout, weight_init=Zeros() if letter == "E" else None
    )
    if letter == "J":
        network.params["linear1.b"][:] = -8.0
    if letter == "D":
        network = Sequential({**network.layers, "softmax": Softmax()})
    loss = SoftmaxCrossEntropy()
    trainer = Trainer(network, loss, Momentum(rate, 0.9))
    in_use = letter != "H"
    seen: list[tuple[float, float, float]] = []

    def look() -> None:
        with network.mode(training=not in_use):
            cost, right = in_pieces(network, train)
            seen.append((cost, right, in_pieces(network, valid)[1]))

    look()
    for _ in range(_CASE_EPOCHS):
        if letter == "F":
            _in_order(trainer, train)
        else:
            trainer.epoch(*train, 32, rng)
        look()
    with network.mode(training=not in_use):
        twice = [network.forward(valid.X[:8]) for _ in range(2)]
    linear = network.layers["linear1"]
    heard = [(linear.forward(batch.X) > 0).any(axis=0) for batch in batches(*train, 32)]
    silent = 1 - float(np.any(heard, axis=0).mean())
    losses, right_train, right_valid = np.array(seen).T
    return Case(losses, right_train, right_valid, silent, bool((twice[0] == twice[1]).all()))


def _in_order(trainer: Trainer, data: Data) -> None:
    """Take the steps of one epoch without shuffling."""
    for first in range(0, len(data.X), 32):
        trainer.step(data.X[first : first + 32], data.y[first : first + 32])


def symptoms() -> Explorable:
    """Show runs with one thing wrong each, beside a healthy one, and say on request what it is."""
    epochs = np.arange(_CASE_EPOCHS + 1)

    def healthy() -> list[Mark]:
        found = case("C")
        return [
            Line("loss", [0, _CASE_EPOCHS], [np.log(10)] * 2, color="muted", width=1, dash=True),
            Text("loss", [_CASE_EPOCHS], [np.log(10)], ["ln 10"], color="muted", anchor="end", dy=5),
            Line("loss", epochs, found.loss, color="soft", width=1, label="a healthy run"),
            Line("accuracy", epochs, found.valid, color="soft", width=1, label="healthy, validation"),
        ]

    def patient(letter: str) -> list[Mark]:
        found = case(letter)
        return [
            Line("loss", epochs, found.loss, label="this run, training"),
            Line("accuracy", epochs, found.train, label="this run, training"),
            Line("accuracy", epochs, found.valid, color="orange", dash=True, label="validation"),
        ]

    def chart(letter: str) -> list[Mark]:
        found = case(letter)
        rows = [
            number(float(f"{found.loss[0]:.4g}")),
            number(float(f"{found.loss[-1]:.3g}")),
            f"{found.train[-1]:.0%}",
            f"{found.valid[-1]:.0%}",
            f"{found.silent:.0%}",
            "yes" if found.steady else "no",
        ]
        names = ["first loss", "last loss", "acc. training", "acc. valid.", "silent units", "same twice"]
        return [Column("chart", 0, names), Column("chart", 1, rows)]

    def said(letter: str) -> Say:
        found = case(letter)
        return Say(
            f"Run {letter}. The training loss starts at {{}} and ends at {{}}; accuracy ends at {{}} % in "
            "training and {} % in validation.",
            float(f"{found.loss[0]:.3g}"),
            float(f"{found.loss[-1]:.3g}"),
            round(100 * float(found.train[-1])),
            round(100 * float(found.valid[-1])),
        )

    def answer(letter: str, reveal: bool) -> str:
        if not reveal:
            return "What is wrong with it? Decide, then switch the answer on."
        return f"The cause: {CASES[letter]}. {HINTS[letter]}"

    return Explorable(
        "putting_it_together.symptoms",
        title="Nine runs are ill and one is well: what is wrong with each?",
        controls=[
            Choice(name="letter", label="run", options=tuple(CASES)),
            Toggle(name="reveal", label="show the answer"),
        ],
        panels=[
            Plot("loss", Axis("epoch", 0, _CASE_EPOCHS), Axis("training loss", 5e-3, 1e4, scale="log")),
            Plot("accuracy", Axis("epoch", 0, _CASE_EPOCHS), Axis("accuracy", 0, 1)),
            Table("chart", ["", "this run"], 6),
        ],
        parts=[healthy, patient, chart, _answer_mark],
        describe=[said, answer],
    )


def _answer_mark(letter: str, reveal: bool) -> Text:
    """Write the cause above the curves, if the reader asked for it."""
    return Text("loss", [0.3], [2500.0], [CASES[letter] if reveal else "?"], bold=True, size=13)


# ── Playground ──────────────────────────────────────────────────────────────────────────────────

HIDDEN: Mapping[str, tuple[int, ...]] = {"2": (2,), "4": (4,), "6 + 4": (6, 4)}
_SLOTS = (6, 4)  # the most units that a hidden layer of the drawing has
LAST_STEP = 150
_EVERY = 30
_REACH = 2.4  # the plane is shown from −2.4 to 2.4
_FINE, _COARSE = 12, 5  # cells of the large map and of the small ones, along each side


def _centres(cells: int) -> Array:
    """Return the centres of a square grid of cells over the plane, shape (cells², 2)."""
    ticks = _REACH * (2 * (np.arange(cells) + 0.5) / cells - 1)
    return np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)


@cache
def plane_data(name: str) -> tuple[Data, Data]:
    """Return 100 training and 100 fresh points of a two-dimensional set, as columns of targets."""

    def draw(seed: int) -> Data:
        rng = np.random.default_rng(seed)
        if name == "xor":
            X, y = xor(25, 0.2, rng=rng)
            X = 2 * X - 1
        elif name == "circles":
            X, y = circles(50, 0.12, rng=rng)
        elif name == "spiral":
            X, y = spirals(50, 0.04, turns=0.9, rng=rng)
        else:
            X, y = moons(50, 0.25, rng=rng)
        return Data(X, y.astype(np.float64)[:, None])

    train, fresh = draw(1), draw(2)
    standardize = Standardizer(train.X)
    return Data(standardize(train.X), train.y), Data(standardize(fresh.X), fresh.y)


class Snapshot(NamedTuple):
    """The playground's network at one epoch.

    Attributes
    ----------
    plane : array of shape (12, 12)
        The hyperbolic tangent of the score over the plane: −1 and 1 mean sure of a class.
    units : tuple of arrays, each of shape (5, 5, width)
        What each hidden unit says over the plane, one array for each hidden layer.
    weights : tuple of arrays
        The weight matrices.
    losses, right : (float, float)
        Loss and accuracy on the training points and on fresh ones.
    """

    plane: Array
    units: tuple[Array, ...]
    weights: tuple[Array, ...]
    losses: tuple[float, float]
    right: tuple[float, float]


class PlaygroundRun(NamedTuple):
    """Losses of shape (31,), every fifth epoch, and the network itself every 30.

    The rows of `params` are all its parameters at each of the 151 epochs.
    """

    train: Array
    fresh: Array
    snapshots: tuple[Snapshot, ...]
    params: Array


@lru_cache(maxsize=256)  # a reader in a notebook may train thousands
def playground_run(data: str, hidden: str, activation: str, rate: float, strength: float) -> PlaygroundRun:
    """Train on all 100 points at once, with momentum 0.9 and an L2 penalty, for 150 epochs."""
    train, fresh = plane_data(data)
    network = _small_network(hidden, activation)
    loss = BinaryCrossEntropy()
    penalty = L2(strength) if strength else None
    trainer = Trainer(network, loss, Momentum(rate, 0.9), penalty)
    losses: list[tuple[float, float]] = []
    snapshots: list[Snapshot] = []
    params: list[Array] = []
    for step in range(LAST_STEP + 1):
        if step % 5 == 0:
            losses.append((evaluate(network, loss, train)[0], evaluate(network, loss, fresh)[0]))
        if step % _EVERY == 0:
            snapshots.append(_look(network, train, fresh))
        params.append(np.concatenate([p.ravel() for p in network.params.values()]))
        with suppress(TrainingDiverged):  # then the weights stay as they are
            trainer.step(*train)
    train_losses, fresh_losses = np.array(losses).T
    return PlaygroundRun(train_losses, fresh_losses, tuple(snapshots), np.array(params))


@lru_cache(maxsize=256)
def playground_snapshot(
    data: str, hidden: str, activation: str, rate: float, strength: float, epoch: int
) -> Snapshot:
    """Return what `playground_run` looked like at any epoch, also between its own snapshots."""
    found = playground_run(data, hidden, activation, rate, strength)
    if epoch % _EVERY == 0:
        return found.snapshots[epoch // _EVERY]
    network = _small_network(hidden, activation)
    params = list(network.params.values())
    pieces = np.split(found.params[epoch], np.cumsum([p.size for p in params])[:-1])
    for p, piece in zip(params, pieces, strict=True):
        p[:] = piece.reshape(p.shape)
    return _look(network, *plane_data(data))


def _small_network(hidden: str, activation: str) -> MLP:
    return MLP([2, *HIDDEN[hidden], 1], activation=activation, rng=np.random.default_rng(3))


def _look(network: MLP, train: Data, fresh: Data) -> Snapshot:
    scores = network.predict(_centres(_FINE)).reshape(_FINE, _FINE)
    layers = network.outputs_by_layer(_centres(_COARSE))
    hidden = [out for name, out in layers.items() if not name.startswith("linear")]
    units = tuple(out.reshape(_COARSE, _COARSE, -1) for out in hidden)
    weights = tuple(layer.params["W"].copy() for layer in network.layers.values() if layer.params)
    loss, right = zip(*(_loss_and_accuracy(network, d) for d in (train, fresh)), strict=True)
    return Snapshot(np.tanh(scores), units, weights, loss, right)


def _loss_and_accuracy(network: MLP, data: Data) -> tuple[float, float]:
    right = (network.predict(data.X) > 0) == (data.y > 0.5)
    return evaluate(network, BinaryCrossEntropy(), data)[0], float(right.mean())


def _steps(values: Array, per_unit: int) -> Array:
    """Round to so many steps per unit: what changes too little to be seen is not stored."""
    return np.round(values * per_unit) / per_unit


def _columns(sizes: Sequence[int]) -> list[tuple[float, Array]]:
    """Return for every layer its x and the heights of its units, between 0 and 1."""
    places = np.linspace(0, 3, len(sizes))
    return [(float(x), 1 - (np.arange(n) + 0.5) / n) for x, n in zip(places, sizes, strict=True)]


def _tile(x: float, y: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the outer edges of the small map that stands for a unit."""
    return (x - 0.21, x + 0.21), (y - 0.07, y + 0.07)


def playground() -> Explorable:
    """Show a small network while it learns four sets of points in the plane."""
    nowhere = (-9.0, -8.8), (-9.0, -8.8)  # where the units stand that a network does not have

    def plane(data: str, hidden: str, activation: str, rate: float, strength: float, epoch: int) -> HeatMap:
        z = playground_snapshot(data, hidden, activation, rate, strength, epoch).plane
        return HeatMap("plane", 0.8 * _steps(z, 5), (-_REACH, _REACH), (-_REACH, _REACH))

    def points(data: str) -> list[Mark]:
        X, y = plane_data(data)[0]
        one = y[:, 0] > 0.5
        return [
            Points("plane", X[one, 0], X[one, 1], color="blue", size=4, label="class 1"),
            Points("plane", X[~one, 0], X[~one, 1], color="orange", size=4, shape="square", label="class 0"),
        ]

    def edges(data: str, hidden: str, activation: str, rate: float, strength: float, epoch: int) -> Segments:
        weights = playground_snapshot(data, hidden, activation, rate, strength, epoch).weights
        layers = _columns([2, *HIDDEN[hidden], 1])
        pieces = []
        for (x, heights), (to_x, to_heights) in pairwise(layers):
            start, end = np.meshgrid(heights, to_heights, indexing="ij")
            flat = np.ones(start.size)
            pieces.append((x * flat, start.ravel(), to_x * flat, end.ravel()))
        x0, y0, x1, y1 = (np.concatenate(column) for column in zip(*pieces, strict=True))
        flat_weights = np.concatenate([w.ravel() for w in weights])
        shown = _steps(np.clip(0.5 * flat_weights, -1.75, 1.75), 4)
        return Segments("network", x0, y0, x1, y1, shown)

    def inputs(hidden: str) -> list[Mark]:
        ticks = np.linspace(-1, 1, _COARSE)
        views = np.tile(ticks, (_COARSE, 1)), np.tile(ticks[:, None], (1, _COARSE))
        layers = _columns([2, *HIDDEN[hidden], 1])
        x, heights = layers[0]
        last_x, last_height = layers[-1]
        tiles = [HeatMap("network", z, *_tile(x, float(h))) for z, h in zip(views, heights, strict=True)]
        names = Text("network", [x, x], heights, ["x₁", "x₂"], color="muted", anchor="end", dx=-26, dy=-4)
        goal = Points("network", [last_x], last_height, color="ink", size=9)
        return [*tiles, names, goal]

    def units(
        data: str, hidden: str, activation: str, rate: float, strength: float, epoch: int
    ) -> list[Mark]:
        found = playground_snapshot(data, hidden, activation, rate, strength, epoch).units
        layers = _columns([2, *HIDDEN[hidden], 1])
        marks: list[Mark] = []
        for layer, slots in enumerate(_SLOTS):
            for unit in range(slots):
                there = layer < len(found) and unit < found[layer].shape[2]
                z: Array = np.zeros((_COARSE, _COARSE))
                where = nowhere
                if there:
                    x, heights = layers[layer + 1]
                    z, where = found[layer][:, :, unit], _tile(x, float(heights[unit]))
                marks.append(HeatMap("network", _steps(np.clip(z, -1, 1), 3), *where))
        return marks

    def curves(data: str, hidden: str, activation: str, rate: float, strength: float) -> list[Mark]:
        found = playground_run(data, hidden, activation, rate, strength)
        x = np.arange(0, LAST_STEP + 1, 15)
        return [
            Line("loss", x, found.train[::3].clip(1e-3, 3), label="training"),
            Line("loss", x, found.fresh[::3].clip(1e-3, 3), color="orange", dash=True, label="fresh points"),
        ]

    def here(data: str, hidden: str, activation: str, rate: float, strength: float, epoch: int) -> Points:
        found = playground_run(data, hidden, activation, rate, strength)
        both = [np.interp(epoch / 5, range(len(v)), v) for v in (found.train, found.fresh)]
        return Points("loss", [epoch, epoch], np.clip(both, 1e-3, 3), color="ink", size=4)

    def said(data: str, hidden: str, activation: str, rate: float, strength: float, epoch: int) -> Say:
        now = playground_snapshot(data, hidden, activation, rate, strength, epoch)
        return Say(
            "Epoch {}: the loss is {} on the training points and {} on fresh ones; {} % and {} % of them "
            "are on the right side.",
            epoch,
            *(float(f"{loss:.2g}") for loss in now.losses),
            *(round(100 * share) for share in now.right),
        )

    def verdict(data: str, hidden: str, activation: str, rate: float, strength: float) -> str:
        found = playground_run(data, hidden, activation, rate, strength)
        train, fresh = found.train[-1], found.fresh[-1]
        if train > 0.95 * np.log(2):
            return "At the end it does no better than guessing (ln 2 = 0.69)."
        if np.abs(np.diff(np.minimum(found.train[10:], 3))).max() > 0.15:
            return "The loss keeps leaping: the learning rate is too large for this ground."
        if fresh > 1.5 * train and fresh > 1.2 * found.fresh.min():
            return "The loss on fresh points has turned round and climbed: it learns accidents."
        if found.snapshots[-1].right[0] < 0.9:
            return "Even the training points are not separated at the end."
        if fresh > 1.5 * train:
            return "At the end fresh points cost it more than its own, as is usual."
        return "At the end both losses agree well."

    return Explorable(
        "putting_it_together.playground",
        title="Which network can tell blue from orange, and what does each unit see?",
        controls=[
            Choice(
                name="data",
                label="data",
                options={"xor": "XOR", "circles": "circles", "spiral": "spiral", "moons": "moons"},
                start="circles",
            ),
            Choice(name="hidden", label="hidden units", options=tuple(HIDDEN), start="4"),
            Choice(name="activation", label="activation", options={"tanh": "tanh", "relu": "ReLU"}),
            Slider(
                name="rate",
                label="learning rate",
                low=0.01,
                high=1,
                num=3,
                start=0.1,
                scale="log",
                marks=(0.01, 0.1, 1),
            ),
            Slider(
                name="strength", label="L2 strength λ", low=0, high=0.01, num=2, start=0.0, marks=(0, 0.01)
            ),
            Stepper(name="epoch", label="epoch", last=LAST_STEP, start=LAST_STEP, every=_EVERY, live_every=1),
        ],
        panels=[
            Plot("network", Axis("layer", -0.55, 3.2), Axis("unit", 0, 1), ratio=0.85, bare=True),
            Plot("plane", Axis("x₁", -_REACH, _REACH), Axis("x₂", -_REACH, _REACH), ratio=1.0, equal=True),
            Plot("loss", Axis("epoch", 0, LAST_STEP), Axis("loss", 1e-3, 3, scale="log"), ratio=0.4),
        ],
        parts=[edges, inputs, units, plane, points, curves, here],
        describe=[said, verdict],
        seconds=120,  # about 3 on an idle core
    )


# ── Training diary ──────────────────────────────────────────────────────────────────────────────

DIARY_EPOCHS = 30
DIARY_SAMPLES = 150


class DiaryRun(NamedTuple):
    """Loss and accuracy on training and validation data, each of shape (31,); diverged or not."""

    train_loss: Array
    valid_loss: Array
    train: Array
    valid: Array
    diverged: bool


@cache
def diary_run(rate: float, width: int, dropout: float, strength: float) -> DiaryRun:
    """Train 64–width–10 on 150 digits, and look in use mode before training and after each epoch."""
    train, valid, *_ = parts()
    train = Data(train.X[:DIARY_SAMPLES], train.y[:DIARY_SAMPLES])
    rng = np.random.default_rng(0)
    network = MLP([64, width, 10], rng=rng, dropout=dropout)
    loss = SoftmaxCrossEntropy()
    trainer = Trainer(network, loss, Momentum(rate, 0.9), L2(strength) if strength else None)
    seen: list[tuple[float, ...]] = []
    diverged = False
    for epoch in range(DIARY_EPOCHS + 1):
        with network.mode(training=False):
            (cost, right), (valid_cost, valid_right) = (in_pieces(network, p) for p in (train, valid))
        seen.append((cost, valid_cost, right, valid_right))
        try:
            if epoch < DIARY_EPOCHS and not diverged:
                trainer.epoch(*train, 30, rng)
        except TrainingDiverged:
            diverged = True
    train_loss, valid_loss, right_train, right_valid = np.array(seen).T
    return DiaryRun(train_loss, valid_loss, right_train, right_valid, diverged)


def training_diary() -> Explorable:
    """Show the curves of runs on 150 digits, and let the reader diagnose them."""
    epochs = np.arange(DIARY_EPOCHS + 1)

    def curves(rate: float, width: int, dropout: float, strength: float) -> list[Mark]:
        found = diary_run(rate, width, dropout, strength)
        low, high = 1e-3, 30
        return [
            Line("loss", epochs, found.train_loss.clip(low, high), label="training", shown="epoch"),
            Line(
                "loss",
                epochs,
                found.valid_loss.clip(low, high),
                color="orange",
                dash=True,
                label="validation",
                shown="epoch",
            ),
            Line("accuracy", epochs, found.train, label="training", shown="epoch"),
            Line(
                "accuracy", epochs, found.valid, color="orange", dash=True, label="validation", shown="epoch"
            ),
        ]

    def fixed() -> list[Mark]:
        return [
            Line("loss", [0, DIARY_EPOCHS], [np.log(10)] * 2, color="muted", width=1, dash=True),
            Text("loss", [DIARY_EPOCHS], [np.log(10)], ["guessing"], color="muted", anchor="end", dy=5),
        ]

    def said(rate: float, width: int, dropout: float, strength: float, epoch: int) -> Say:
        found = diary_run(rate, width, dropout, strength)
        return Say(
            "After {} epochs: loss {} in training and {} in validation, accuracy {} % and {} %.",
            epoch,
            float(f"{found.train_loss[epoch]:.2g}"),
            float(f"{found.valid_loss[epoch]:.2g}"),
            round(100 * float(found.train[epoch])),
            round(100 * float(found.valid[epoch]), 1),
        )

    def diagnosis(rate: float, width: int, dropout: float, strength: float) -> Say:
        found = diary_run(rate, width, dropout, strength)
        gap = 100 * float(found.train[-1] - found.valid[-1])
        if found.diverged or found.valid_loss.max() > 5:
            return Say("The loss shoots up: the steps are too large.")
        if found.train[-1] < 0.9:
            return Say("At the end even training is below 90 %: not done yet, too small, or held back.")
        if gap > 6:
            return Say("At the end training is {} points ahead: it knows its own images best.", round(gap))
        return Say("At the end training is only {} points ahead.", round(gap))

    return Explorable(
        "putting_it_together.training_diary",
        title="150 digits to learn from: which settings help on new ones?",
        controls=[
            Slider(
                name="rate",
                label="learning rate",
                low=0.003,
                high=0.3,
                num=3,
                start=0.03,
                scale="log",
                marks=(0.003, 0.03, 0.3),
            ),
            Slider(
                name="width",
                label="hidden units",
                low=4,
                high=128,
                num=2,
                start=32,
                marks=(4, 32, 128),
                integer=True,
            ),
            Slider(name="dropout", label="dropout p", low=0, high=0.5, num=2, start=0.0, marks=(0, 0.5)),
            Slider(
                name="strength",
                label="L2 strength λ",
                low=0,
                high=0.3,
                num=2,
                start=0.0,
                marks=(0, 0.03, 0.3),
            ),
            Stepper(name="epoch", label="epoch", last=DIARY_EPOCHS, start=DIARY_EPOCHS, every=2),
        ],
        panels=[
            Plot("loss", Axis("epoch", 0, DIARY_EPOCHS), Axis("loss", 1e-3, 30, scale="log")),
            Plot("accuracy", Axis("epoch", 0, DIARY_EPOCHS), Axis("accuracy", 0, 1)),
        ],
        parts=[fixed, curves],
        describe=[said, diagnosis],
        seconds=120,  # about 3 on an idle core
    )
