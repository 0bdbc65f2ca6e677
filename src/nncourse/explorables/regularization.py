"""The figures of the chapter on regularization."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nncourse.data import Data, Standardizer, digits, split, ten_points
from nncourse.dropout import Dropout, DropoutScaledByP, DropoutScaledInUse
from nncourse.explore import (
    Area,
    Arrows,
    Axis,
    Bars,
    Choice,
    Color,
    Column,
    Explorable,
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
    View,
)
from nncourse.layers import Layer
from nncourse.losses import MeanSquaredError, SoftmaxCrossEntropy
from nncourse.metrics import accuracy
from nncourse.network import MLP, Sequential
from nncourse.normalization import BatchNorm1d, GroupNorm, InstanceNorm1d, LayerNorm
from nncourse.optimizers import SGD, Momentum
from nncourse.regularizers import L2, EarlyStopping
from nncourse.schedules import StepDecay
from nncourse.training import History, evaluate, fit

__all__ = [
    "accuracy_curves",
    "bias_variance",
    "circle_and_diamond",
    "dropout",
    "dropout_before_and_after",
    "early_stopping",
    "shrinkage",
    "tiny_batches",
    "two_penalties",
    "weight_decay",
    "which_axes",
]

Array = NDArray[np.float64]


# ── Bias and variance ───────────────────────────────────────────────────────────────────────────

NUM_SETS = 300  # training sets, each with a fit of its own
MOST_CAPACITY = 10
_PLACES = np.linspace(-1, 1, 31)  # where the fits are drawn and tested


def target(x: Array) -> Array:
    """Return the function that the fits of `many_fits` are after."""
    return np.asarray(0.8 * np.sin(3.5 * x + 0.6))


class ManyFits(NamedTuple):
    """Fits to many training sets that differ in their noise only.

    Attributes
    ----------
    x, y : arrays of shape (num_samples,)
        The first training set.
    predictions : array of shape (NUM_SETS, 31)
        Every fit at 31 places.
    new_labels : array of shape (NUM_SETS, 31)
        Fresh noisy labels at these places, to test on.
    """

    x: Array
    y: Array
    predictions: Array
    new_labels: Array


@cache
def _fitting(capacity: int, num_samples: int) -> tuple[Array, Array]:
    """Return the training inputs, and the matrix from labels to predictions at 31 places."""
    x = np.linspace(-1, 1, num_samples)
    powers = np.polynomial.chebyshev.chebvander(x, capacity)
    return x, np.polynomial.chebyshev.chebvander(_PLACES, capacity) @ np.linalg.pinv(powers)


@cache
def many_fits(capacity: int, num_samples: int, noise: float) -> ManyFits:
    """Fit polynomials of degree `capacity` by least squares to 300 noisy training sets."""
    x, matrix = _fitting(capacity, num_samples)
    rng = np.random.default_rng(8)
    labels = target(x) + noise * rng.standard_normal((NUM_SETS, num_samples))
    fresh = target(_PLACES) + noise * rng.standard_normal((NUM_SETS, len(_PLACES)))
    return ManyFits(x, labels[0], labels @ matrix.T, fresh)


class Terms(NamedTuple):
    """The three terms, their sum, and the error that was measured, each averaged over x."""

    bias_squared: float
    variance: float
    noise: float
    total: float
    measured: float


@cache
def terms(capacity: int, num_samples: int, noise: float) -> Terms:
    """Estimate bias², variance and noise from `many_fits`, and measure the test error."""
    fits = many_fits(capacity, num_samples, noise)
    mean = fits.predictions.mean(axis=0)
    bias_squared = float(((mean - target(_PLACES)) ** 2).mean())
    variance = float(((fits.predictions - mean) ** 2).mean())
    measured = float(((fits.new_labels - fits.predictions) ** 2).mean())
    return Terms(bias_squared, variance, noise**2, bias_squared + variance + noise**2, measured)


def bias_variance() -> Explorable:
    """Show many fits, their mean, and the three terms of the test error."""
    drawn = 8
    capacities = np.arange(MOST_CAPACITY + 1)

    def truth() -> Line:
        return Line("fits", _PLACES, target(_PLACES), color="green", dash=True, label="truth")

    def spaghetti(capacity: int, samples: str, noise: float) -> list[Mark]:
        fits = many_fits(capacity, int(samples), noise)
        some = np.column_stack([fits.predictions[:drawn], np.full(drawn, np.nan)]).clip(-4, 4)
        across = np.tile(np.append(_PLACES, np.nan), drawn)
        mean = fits.predictions.mean(axis=0)
        return [
            Line("fits", across, some.ravel(), color="soft", width=1, gaps=True, label="8 of 300 fits"),
            Line("fits", _PLACES, mean, color="blue", width=3, label="mean fit"),
        ]

    def one_set(samples: str, noise: float) -> Points:
        fits = many_fits(0, int(samples), noise)
        return Points("fits", fits.x, fits.y, color="muted", size=3, label="one training set")

    def window(noise: float) -> View:
        return View("terms", x=(-0.5, 10.5), y=(0, 0.45 + 3.8 * noise**2))

    def everywhere(samples: str, noise: float, all_capacities: bool) -> list[Mark]:
        found = np.array([terms(int(c), int(samples), noise)[:3] for c in capacities])
        tops = np.cumsum(found[:, [2, 0, 1]], axis=1).clip(max=3) * all_capacities
        below = np.column_stack([np.zeros(len(capacities)), tops])
        return [
            Area("terms", capacities, below[:, k], below[:, k + 1], color=color)
            for k, color in enumerate(_TERM_COLORS)
        ]

    def here(capacity: int, samples: str, noise: float) -> list[Mark]:
        found = terms(capacity, int(samples), noise)
        tops = np.cumsum([0, found.noise, found.bias_squared, found.variance]).clip(max=3)
        names = ("noise", "bias²", "variance")
        bars: list[Mark] = [
            Bars("terms", [capacity], [tops[k]], [tops[k + 1]], width=0.7, color=color, label=name)
            for k, (name, color) in enumerate(zip(names, _TERM_COLORS, strict=True))
        ]
        point = Points(
            "terms", [capacity], [min(found.measured, 3)], color="ink", label="measured test error"
        )
        return [*bars, point]

    def said(capacity: int, samples: str, noise: float) -> Say:
        found = terms(capacity, int(samples), noise)
        return Say(
            "Degree {}, {} samples: bias² {} + variance {} + noise {} = {}. The test error measured "
            "on new labels is {}.",
            *(capacity, int(samples), *(round(v, 3) for v in found)),
        )

    def which(capacity: int, samples: str, noise: float) -> str:
        best = min(range(MOST_CAPACITY + 1), key=lambda c: terms(c, int(samples), noise).total)
        if capacity == best:
            return "No other degree does better here."
        if terms(capacity, int(samples), noise).total < 1.1 * terms(best, int(samples), noise).total:
            return "Only a little worse than the best degree here."
        if capacity < best:
            return "A higher degree would do better: bias is what costs too much. This is underfitting."
        return "A lower degree would do better: variance is what costs too much. This is overfitting."

    def seen(all_capacities: bool) -> str:
        if all_capacities:
            return "The bands show the terms for all degrees, stacked on each other."
        return "The bar stacks the terms for this degree."

    return Explorable(
        "regularization.bias_variance",
        title="One target, many training sets: where does the error come from?",
        controls=[
            Slider(
                name="capacity",
                label="capacity (degree)",
                low=0,
                high=MOST_CAPACITY,
                num=MOST_CAPACITY + 1,
                start=1,
                integer=True,
            ),
            Choice(name="samples", label="samples in each training set", options=("12", "24", "96")),
            Slider(
                name="noise",
                label="noise (standard deviation)",
                low=0.1,
                high=0.6,
                num=2,
                start=0.3,
                marks=(0.1, 0.3, 0.6),
            ),
            Toggle(name="all_capacities", label="show the terms for every degree"),
        ],
        panels=[
            Plot("fits", Axis("x", -1, 1), Axis("y", -2.2, 2.2)),
            Plot("terms", Axis("capacity (degree)", -0.5, 10.5), Axis("mean squared error", 0, 1)),
        ],
        parts=[spaghetti, one_set, truth, window, everywhere, here],
        describe=[said, which, seen],
    )


_TERM_COLORS: tuple[Color, ...] = ("muted", "orange", "blue")


# ── Accuracy in training and on new data ────────────────────────────────────────────────────────

EPOCHS = 190
DROP = 120  # the epoch at which the learning rate falls to a tenth
WRONG = 0.1  # the share of labels drawn anew
CEILING = 1 - WRONG * 0.9  # of ten new labels nine are wrong


class NoisyDigits(NamedTuple):
    """Digits of which a tenth of the labels were drawn anew, in training and for looking."""

    train: Data
    valid: Data
    test: Data


@cache
def noisy_digits() -> NoisyDigits:
    """Return 400 digits to train on, 600 to validate and 797 to test, a tenth drawn a new label."""
    rng = np.random.default_rng(0)
    X, y = digits()
    parts = split(X, y, [400 / 1797, 600 / 1797, 797 / 1797], rng=rng)
    standardize = Standardizer(parts[0].X)

    def noisy(part: Data) -> Data:
        labels = part.y.copy()
        hit = rng.permutation(len(labels))[: round(WRONG * len(labels))]
        labels[hit] = rng.integers(0, 10, len(hit))
        return Data(standardize(part.X), labels)

    return NoisyDigits(*map(noisy, parts))


class Accuracies(NamedTuple):
    """Accuracy after every epoch, each of shape (190,)."""

    train: Array
    valid: Array


@cache
def accuracy_run(strength: float) -> Accuracies:
    """Train 64–32–10 on noisy digits with the penalty L2(strength), and look after every epoch."""
    data, rng = noisy_digits(), np.random.default_rng(0)
    network = MLP([64, 32, 10], rng=rng)
    seen: list[float] = []

    def look(epoch: int, network: Sequential, history: History) -> None:
        seen.append(accuracy(network.predict(data.train.X), data.train.y))

    steps_per_epoch = -(-len(data.train.X) // 32)
    history = fit(
        network,
        SoftmaxCrossEntropy(),
        SGD(0.5),
        data.train,
        epochs=EPOCHS,
        rng=rng,
        batch_size=32,
        validation=data.valid,
        metrics={"accuracy": accuracy},
        penalty=L2(strength),
        schedule=StepDecay(0.5, every=DROP * steps_per_epoch),
        callbacks=[look],
    )
    return Accuracies(np.array(seen), np.array(history.metrics["accuracy"]))


def accuracy_curves() -> Explorable:
    """Draw training and validation accuracy over 190 epochs, with the three gaps named."""
    epochs = np.arange(1, EPOCHS + 1)

    def last(curve: Array) -> float:
        return float(curve[-20:].mean())

    def fixed() -> list[Mark]:
        return [
            Line("run", [0, 190], [1, 1], color="muted", width=1),
            Line("run", [DROP, DROP], [0.4, 1], color="soft", width=1),
            Text("run", [DROP], [0.42], ["learning rate ÷ 10"], color="muted", anchor="end", dx=-6, dy=-4),
            Line("run", [0, 190], [CEILING] * 2, color="green", dash=True, label="share of right labels"),
            Arrows("run", [60], [1], [60], [CEILING], color="green", width=1.5),
            Text("run", [60], [(1 + CEILING) / 2], ["noise"], color="green", dx=7, dy=-4, bold=True),
        ]

    def curves(penalty: str) -> list[Mark]:
        run = accuracy_run(float(penalty))
        train, valid = last(run.train), last(run.valid)
        top = min(train, CEILING)  # so that the three gaps never overlap
        bias = "bias" if top < CEILING else ""
        return [
            Line("run", epochs, run.train, color="orange", width=1.5, label="training"),
            Line("run", epochs, run.valid, color="blue", width=3, label="validation"),
            Arrows("run", [150], [CEILING], [150], [top], color="orange", width=1.5),
            Text("run", [150], [CEILING], [bias], color="orange", anchor="middle", dy=6, bold=True),
            Arrows("run", [180], [top], [180], [valid], color="blue", width=1.5),
            Text("run", [164], [valid], ["variance"], color="blue", anchor="middle", dy=-24, bold=True),
        ]

    def said(penalty: str) -> Say:
        run = accuracy_run(float(penalty))
        return Say(
            "With λ = {} the accuracy ends at {} % in training and {} % in validation; {} % of the "
            "labels are right.",
            *(float(penalty), *(round(100 * v, 1) for v in (last(run.train), last(run.valid), CEILING))),
        )

    def why(penalty: str) -> str:
        train = last(accuracy_run(float(penalty)).train)
        if train > CEILING:
            return "In training it is above the share of right labels: the network knows wrong ones by heart."
        return "The jump comes when smaller steps let the weights settle."

    percent = [(v / 100, f"{v} %") for v in (50, 60, 70, 80, 90, 100)]
    return Explorable(
        "regularization.accuracy_curves",
        title="What separates the accuracy from 100 %?",
        controls=[
            Choice(
                name="penalty",
                label="strength of the penalty, λ",
                options={"0": "0 (none)", "0.03": "0.03", "0.1": "0.1", "0.2": "0.2"},
                start="0.1",
            )
        ],
        panels=[
            Plot("run", Axis("epoch", 0, 190), Axis("accuracy", 0.4, 1.02, ticks=percent), ratio=0.7),
        ],
        parts=[fixed, curves],
        describe=[said, why],
    )


# ── Penalties in one and two dimensions ─────────────────────────────────────────────────────────


def soft_threshold(w: Array | float, by: Array | float) -> Array:
    """Return w moved towards 0 by `by`, and 0 if that would cross it: the minimizer with L1."""
    return np.asarray(np.sign(w) * np.maximum(np.abs(w) - by, 0.0))


def shrinkage() -> Explorable:
    """Show one weight with either penalty: the objective, and where its lowest point is."""
    w = np.linspace(-2.5, 2.5, 51)

    def minima(best: float, strength: float) -> tuple[float, float]:
        return float(soft_threshold(best, strength)), best / (1 + strength)

    def objectives(best: float, strength: float) -> list[Mark]:
        cost = (w - best) ** 2 / 2
        l1, l2 = minima(best, strength)
        low1 = (l1 - best) ** 2 / 2 + strength * abs(l1)
        low2 = (l2 - best) ** 2 / 2 + strength / 2 * l2**2
        return [
            Line("objective", w, cost.clip(max=5), color="soft", width=4, label="cost"),
            Line(
                "objective",
                w,
                (cost + strength / 2 * w**2).clip(max=5),
                color="blue",
                dash=True,
                label="cost + L2",
            ),
            Line(
                "objective", w, (cost + strength * np.abs(w)).clip(max=5), color="orange", label="cost + L1"
            ),
            Points("objective", [l2], [low2], color="blue", size=6),
            Points("objective", [l1], [low1], color="orange", size=6, shape="square"),
        ]

    def rules(strength: float) -> list[Mark]:
        kinks = np.array([-2.0, -strength, strength, 2.0])
        ends = np.array([-2.0, 2.0])
        return [
            Line("rule", ends, ends, color="soft", width=4, label="no penalty"),
            Line("rule", ends, ends / (1 + strength), color="blue", dash=True, label="L2"),
            Line("rule", kinks, soft_threshold(kinks, strength), color="orange", label="L1"),
        ]

    def here(best: float, strength: float) -> list[Mark]:
        l1, l2 = minima(best, strength)
        return [
            Points("rule", [best], [l2], color="blue", size=6),
            Points("rule", [best], [l1], color="orange", size=6, shape="square"),
        ]

    def said(best: float, strength: float) -> Say:
        l1, l2 = minima(best, strength)
        return Say(
            "The data ask for w = {}. With λ = {}, L2 gives {} and L1 gives {}.",
            *(best, strength, round(l2, 3), round(l1, 3)),
        )

    def why(best: float, strength: float) -> str:
        if strength == 0 or best == 0:
            return "Without a pull there is nothing to shrink."
        if abs(best) <= strength:
            return "The kink of |w| holds the weight at exactly zero. L2 only makes it smaller."
        return "L1 takes off λ, whatever the weight; L2 takes off a fraction of it."

    return Explorable(
        "regularization.shrinkage",
        title="One weight: how does each penalty move the lowest point?",
        controls=[
            Slider(name="best", label="what the data ask for, a", low=-2, high=2, num=17, start=1.5),
            Slider(name="strength", label="strength λ", low=0, high=2, num=9, start=1.0),
        ],
        panels=[
            Plot("objective", Axis("weight w", -2.5, 2.5), Axis("objective", 0, 4)),
            Plot("rule", Axis("what the data ask for, a", -2, 2), Axis("what we get", -2, 2)),
        ],
        parts=[objectives, rules, here],
        describe=[said, why],
    )


_CURVATURE = np.array([1.0, 4.0])  # of the cost along w₁ and w₂
_REACH = 1.8  # how far from 0 the unpenalized optimum is


def _solution(penalty: str, strength: float, best: Array) -> Array:
    """Return the weights that minimize ½ Σ aᵢ (wᵢ − bestᵢ)² plus the penalty, coordinate by coordinate."""
    if penalty == "L1":
        return soft_threshold(best, strength / _CURVATURE)
    return np.asarray(best * _CURVATURE / (_CURVATURE + strength))


def _cost_of(w: Array, best: Array) -> float:
    return float((_CURVATURE * (w - best) ** 2).sum() / 2)


def _level(cost: float, best: Array, num: int = 33) -> Array:
    """Return points of the ellipse on which the cost has this value, shape (num, 2)."""
    turn = np.linspace(0, 2 * np.pi, num)
    return np.asarray(best + np.sqrt(2 * cost / _CURVATURE) * np.column_stack([np.cos(turn), np.sin(turn)]))


def _ball(penalty: str, w: Array) -> Array:
    """Return the diamond or circle around 0 that passes through w."""
    corners = 5 if penalty == "L1" else 33
    turn = np.linspace(0, 2 * np.pi, corners)
    size = np.abs(w).sum() if penalty == "L1" else np.sqrt((w**2).sum())
    return np.asarray(size * np.column_stack([np.cos(turn), np.sin(turn)]))


def _rings(panel: str, best: Array) -> Line:
    rings = [np.vstack([_level(c, best), [[np.nan, np.nan]]]) for c in (0.1, 0.4, 0.9, 1.6, 2.5, 3.6)]
    path = np.vstack(rings)
    return Line(panel, path[:, 0], path[:, 1], color="soft", width=1, gaps=True)


def _cross(panel: str) -> Line:
    return Line(panel, [-9, 9, np.nan, 0, 0], [0, 0, np.nan, -9, 9], color="muted", width=1, gaps=True)


def circle_and_diamond() -> Explorable:
    """Show where the contour of the cost touches the circle of L2 or the diamond of L1."""

    def best_at(angle: float) -> Array:
        turn = np.radians(angle)
        return np.array([_REACH * np.cos(turn), _REACH * np.sin(turn)])

    def landscape(angle: float) -> list[Mark]:
        best = best_at(angle)
        return [
            _cross("plane"),
            _rings("plane", best),
            Points("plane", best[:1], best[1:], color="green", shape="cross", label="least cost"),
        ]

    def touching(penalty: str, strength: float, angle: float) -> list[Mark]:
        best = best_at(angle)
        w = _solution(penalty, strength, best)
        level, ball = _level(_cost_of(w, best), best), _ball(penalty, w)
        return [
            Line("plane", level[:, 0], level[:, 1], color="green", width=1.5, label="equal cost"),
            Line("plane", ball[:, 0], ball[:, 1], color="blue", width=3, label="equal penalty"),
            Points("plane", w[:1], w[1:], color="orange", size=6, label="least objective"),
        ]

    def paths(penalty: str, angle: float) -> list[Mark]:
        strengths = np.linspace(0, 3, 31)
        ws = np.array([_solution(penalty, s, best_at(angle)) for s in strengths])
        return [
            Line("path", strengths, ws[:, 0], color="blue", label="w₁"),
            Line("path", strengths, ws[:, 1], color="purple", dash=True, label="w₂"),
        ]

    def here(penalty: str, strength: float, angle: float) -> list[Mark]:
        w = _solution(penalty, strength, best_at(angle))
        return [Points("path", [strength] * 2, w, color="orange", size=5)]

    def said(penalty: str, strength: float, angle: float) -> Say:
        best = best_at(angle)
        w = _solution(penalty, strength, best)
        return Say(
            f"Without a penalty w = ({{}}, {{}}). With {penalty} and λ = {{}} it is ({{}}, {{}}).",
            *(*best.round(2), strength, *w.round(2)),
        )

    def why(penalty: str, strength: float, angle: float) -> str:
        best = best_at(angle)
        w = _solution(penalty, strength, best)
        off = [
            name for name, value, was in zip(("w₁", "w₂"), w, best, strict=True) if not value and was > 1e-9
        ]
        if not w.any():
            return "Both weights are exactly zero: the diamond has shrunk to a point."
        if off:
            return f"The ellipse touches the diamond in a corner: {off[0]} is exactly zero."
        if strength == 0:
            return "Without a penalty nothing pulls."
        if best.min() < 1e-9:
            return "One weight was zero to begin with. The other is smaller than before, and not zero."
        return "Both are smaller than before, and neither has become zero."

    return Explorable(
        "regularization.circle_and_diamond",
        title="Where does the ellipse touch?",
        controls=[
            Choice(
                name="penalty",
                label="penalty",
                options={"L2": "L2 (circle)", "L1": "L1 (diamond)"},
                start="L2",
            ),
            Slider(name="strength", label="strength λ", low=0, high=3, num=13, start=1.0),
            Slider(
                name="angle", label="where the least cost lies", low=0, high=90, num=10, start=60.0, unit="°"
            ),
        ],
        panels=[
            Plot("plane", Axis("w₁", -1.4, 2.4), Axis("w₂", -1.4, 2.4), ratio=1.0, equal=True),
            Plot("path", Axis("strength λ", 0, 3), Axis("weights of least objective", -0.1, 2)),
        ],
        parts=[landscape, paths, touching, here],
        describe=[said, why],
    )


def two_penalties() -> Explorable:
    """Draw circles and ellipses, and diamonds and ellipses, side by side; it has no controls."""
    best = np.array([0.8, 1.5])
    strength = 1.0

    def drawing(panel: str) -> list[Mark]:
        w = _solution(panel, strength, best)
        balls = np.vstack([np.vstack([_ball(panel, w * s), [[np.nan] * 2]]) for s in (0.4, 0.7, 1)])
        level = _level(_cost_of(w, best), best)
        return [
            _cross(panel),
            _rings(panel, best),
            Line(panel, balls[:, 0], balls[:, 1], color="blue", width=1.5, gaps=True),
            Line(panel, level[:, 0], level[:, 1], color="green", width=1.5),
            Points(panel, best[:1], best[1:], color="green", shape="cross"),
            Points(panel, w[:1], w[1:], color="orange", size=6),
        ]

    def both() -> list[Mark]:
        return drawing("L2") + drawing("L1")

    def describe() -> Say:
        return Say(
            "The least cost is at ({}, {}). With λ = 1, L2 takes the circle that an ellipse of equal cost "
            "touches at ({}, {}); L1 the diamond that it touches in its corner, at ({}, {}).",
            *best,
            *_solution("L2", strength, best),
            *_solution("L1", strength, best),
        )

    return Explorable(
        "regularization.two_penalties",
        title="The same cost, two penalties",
        controls=[],
        panels=[
            Plot(name, Axis("w₁", -1.6, 2.2), Axis("w₂", -1.6, 2.2), title=title, ratio=1.0, equal=True)
            for name, title in (("L2", "L2 touches at (0.4, 1.2)"), ("L1", "L1 touches at (0, 1.25)"))
        ],
        parts=[both],
        describe=describe,
    )


# ── Weight decay on ten points ──────────────────────────────────────────────────────────────────

LAST_EPOCH = 2000
STRENGTHS = ("0", "0.01", "0.03", "0.1", "0.3", "1")
_SNAPSHOTS = 50  # epochs from one look to the next
_CURVE_X = np.linspace(-1.1, 1.1, 89)


def ten() -> tuple[Data, Data]:
    """Return the ten training and ten test points of the figure."""
    return ten_points(rng=np.random.default_rng(24))


class TenPointsRun(NamedTuple):
    """A run of 2000 epochs, seen every 50.

    Attributes
    ----------
    epochs : array of shape (41,)
    curves : array of shape (41, 89)
        The network's outputs over the figure's x.
    train, test : arrays of shape (41,)
        Mean squared errors.
    norm : float
        The root of the sum of all squared weights at the end.
    """

    epochs: Array
    curves: Array
    train: Array
    test: Array
    norm: float


@cache
def ten_points_run(strength: float) -> TenPointsRun:
    """Train 1–64–64–1 on ten points with the penalty L2(strength)."""
    train, test = ten()
    rng = np.random.default_rng(1)
    network = MLP([1, 64, 64, 1], rng=rng)
    looks: list[tuple[int, Array, float, float]] = []

    def look(epoch: int, network: Sequential, history: History | None = None) -> None:
        if (epoch + 1) % _SNAPSHOTS == 0:
            curve = np.asarray(network.predict(_CURVE_X[:, None])[:, 0], dtype=np.float64)
            errors = [evaluate(network, MeanSquaredError(), part)[0] for part in (train, test)]
            looks.append((epoch + 1, curve, errors[0], errors[1]))

    look(-1, network)
    fit(
        network,
        MeanSquaredError(),
        Momentum(0.01, 0.9),
        train,
        epochs=LAST_EPOCH,
        rng=rng,
        batch_size=None,
        penalty=L2(strength),
        callbacks=[look],
    )
    squares = sum(float((w**2).sum()) for name, w in network.params.items() if name.endswith("W"))
    epochs, curves, train_errors, test_errors = (np.array(c) for c in zip(*looks, strict=True))
    return TenPointsRun(epochs.astype(float), curves, train_errors, test_errors, float(np.sqrt(squares)))


def weight_decay() -> Explorable:
    """Show a network fitted to ten points with and without weight decay, epoch by epoch."""
    train, test = ten()

    def points() -> list[Mark]:
        return [
            Points("fit", train.X, train.y, color="ink", size=5, label="training"),
            Points("fit", test.X, test.y, color="muted", size=5, shape="ring", label="test"),
        ]

    def plain(epoch: int) -> Line:
        curve = ten_points_run(0.0).curves[epoch // _SNAPSHOTS]
        return Line("fit", _CURVE_X, curve, color="orange", width=1.5, label="λ = 0")

    def decayed(strength: str, epoch: int) -> Line:
        curve = ten_points_run(float(strength)).curves[epoch // _SNAPSHOTS]
        return Line("fit", _CURVE_X, curve, color="blue", width=3, label="your λ")

    def errors(strength: str) -> list[Mark]:
        base, run = ten_points_run(0.0), ten_points_run(float(strength))
        return [
            Line("error", base.epochs, base.train, color="orange", width=1, dash=True),
            Line("error", base.epochs, base.test, color="orange", width=1.5),
            Line("error", run.epochs, run.train, color="blue", width=1.5, dash=True, label="training"),
            Line("error", run.epochs, run.test, color="blue", width=2.5, label="test"),
        ]

    def now(epoch: int) -> Line:
        return Line("error", [epoch] * 2, [1e-3, 10], color="muted", width=1)

    def marks(strength: str, epoch: int) -> Points:
        run, k = ten_points_run(float(strength)), epoch // _SNAPSHOTS
        return Points("error", [epoch] * 2, [run.train[k], run.test[k]], color="blue", size=5)

    def said(strength: str, epoch: int) -> Say:
        run, k = ten_points_run(float(strength)), epoch // _SNAPSHOTS
        return Say(
            "λ = {}, epoch {}: the mean squared error is {} in training and {} on the test points.",
            *(float(strength), epoch, round(run.train[k], 4), round(run.test[k], 3)),
        )

    def compared(strength: str, epoch: int) -> Say:
        base, k = ten_points_run(0.0), epoch // _SNAPSHOTS
        if float(strength) == 0:
            return Say("Choose a λ above 0 to compare.")
        return Say(
            "Without decay it is {} in training and {} in the test.",
            *(round(base.train[k], 4), round(base.test[k], 3)),
        )

    return Explorable(
        "regularization.weight_decay",
        title="Ten points, two thousand epochs: how strong should the decay be?",
        controls=[
            Choice(name="strength", label="strength λ", options=STRENGTHS, start="0"),
            Stepper(name="epoch", label="epoch", last=LAST_EPOCH, start=LAST_EPOCH, every=2 * _SNAPSHOTS),
        ],
        panels=[
            Plot("fit", Axis("x", -1.1, 1.1), Axis("y", -2.6, 2.6)),
            Plot(
                "error",
                Axis("epoch", 0, LAST_EPOCH, ticks=[(e, str(e)) for e in (0, 500, 1000, 1500, 2000)]),
                Axis("mean squared error (thin orange: λ = 0)", 1e-3, 10, scale="log"),
            ),
        ],
        parts=[points, plain, decayed, errors, now, marks],
        describe=[said, compared],
    )


# ── Early stopping ──────────────────────────────────────────────────────────────────────────────

_STOP_EPOCHS = 100


@cache
def overfitting_run() -> dict[str, Array]:
    """Return the losses of 100 epochs: training, validation on 30 and on 600, test on 797."""
    data, rng = noisy_digits(), np.random.default_rng(0)
    network = MLP([64, 64, 10], rng=rng, dropout=0.6)
    loss = SoftmaxCrossEntropy()
    few = Data(data.valid.X[:30], data.valid.y[:30])
    found: dict[str, list[float]] = {"train": [], "30": [], "600": [], "test": []}

    def look(epoch: int, network: Sequential, history: History) -> None:
        for name, part in zip(found, (data.train, few, data.valid, data.test), strict=True):
            found[name].append(evaluate(network, loss, part)[0])

    fit(network, loss, SGD(0.1), data.train, epochs=_STOP_EPOCHS, rng=rng, batch_size=32, callbacks=[look])
    return {name: np.array(values) for name, values in found.items()}


@cache
def stopped(judge: str, patience: int) -> tuple[int, int]:
    """Return the best epoch by the library's rule and the epoch at which it stops, from 1."""
    stopping = EarlyStopping(patience)
    network = MLP([1, 1], rng=np.random.default_rng(0))  # its weights stand for any
    for epoch, value in enumerate(overfitting_run()[judge]):
        if stopping.update(epoch, float(value), network):
            break
    assert stopping.best_epoch is not None
    return stopping.best_epoch + 1, epoch + 1


def early_stopping() -> Explorable:
    """Show when a run stops for a given patience, and which weights it takes back."""
    epochs = np.arange(1, _STOP_EPOCHS + 1)

    def fixed() -> list[Mark]:
        run = overfitting_run()
        return [
            Line("loss", epochs, run["train"], color="orange", dash=True, label="training"),
            Line("loss", epochs, run["test"], color="green", width=1.2, label="test"),
        ]

    def judged(judge: str) -> Line:
        curve = overfitting_run()[judge]
        return Line("loss", epochs, curve, color="blue", width=3, label="validation (thick)")

    def stop(judge: str, patience: int) -> list[Mark]:
        best, end = stopped(judge, patience)
        run = overfitting_run()
        return [
            Line("loss", [end] * 2, [0, 2], color="muted", dash=True),
            Points(
                "loss",
                [best],
                [run["test"][best - 1]],
                color="green",
                size=7,
                shape="square",
                label="test loss there",
            ),
            Points("loss", [best], [run[judge][best - 1]], color="blue", size=4.5, label="best so far"),
            Text(
                "loss",
                [end],
                [1.48],
                ["stop" if end < _STOP_EPOCHS else "end"],
                anchor="end" if end > 80 else "start",
                dx=-6 if end > 80 else 6,
            ),
        ]

    def said(judge: str, patience: int) -> Say:
        best, end = stopped(judge, patience)
        run = overfitting_run()
        how = "stops after epoch {}" if end < _STOP_EPOCHS else "runs through all {} epochs"
        return Say(
            f"With {{}} validation samples and patience {{}} training {how} and goes back to the weights "
            "of epoch {}. Their test loss is {}; after the last epoch it is {}.",
            *(int(judge), patience, end, best, round(run["test"][best - 1], 3), round(run["test"][-1], 3)),
        )

    return Explorable(
        "regularization.early_stopping",
        title="When to stop, and which weights to keep?",
        controls=[
            Slider(name="patience", label="patience (epochs)", low=1, high=25, num=25, start=1, integer=True),
            Choice(
                name="judge",
                label="validation samples",
                options=("30", "600"),
                start="600",
            ),
        ],
        panels=[Plot("loss", Axis("epoch", 0, _STOP_EPOCHS), Axis("cross entropy", 0, 1.6), ratio=0.62)],
        parts=[fixed, judged, stop],
        describe=[said],
    )


# ── Dropout ─────────────────────────────────────────────────────────────────────────────────────

RULES: dict[str, type[Dropout]] = {
    "note": DropoutScaledByP,
    "keep": DropoutScaledInUse,
    "inverted": Dropout,
}
_RULE_NAMES = {"note": "the note's rule", "keep": "scale in use", "inverted": "inverted"}
_RULE_PHRASES = {
    "note": "the note's rule",
    "keep": "the rule that scales in use",
    "inverted": "the inverted rule",
}
NUM_UNITS = 100
_SIZES = (4, 6, 6, 2)


def _kept(p: float, mask: int, sizes: Sequence[int] = _SIZES) -> list[NDArray[np.bool_]]:
    """Return which units of each layer a mask keeps; only hidden layers lose any."""
    rng = np.random.default_rng(mask)
    hidden = [Dropout(p, rng=rng).forward(np.ones((1, n)))[0] > 0 for n in sizes[1:-1]]
    return [np.ones(sizes[0], bool), *hidden, np.ones(sizes[-1], bool)]


def _drawn_network(panel: str, kept: Sequence[NDArray[np.bool_]]) -> list[Mark]:
    """Draw a network whose silenced units are crossed out and have no lines."""
    heights = [(np.arange(len(k))[::-1] + 0.5) / len(k) for k in kept]
    marks: list[Mark] = []
    for layer, (a, b) in enumerate(pairwise(kept)):
        start, end = np.meshgrid(heights[layer], heights[layer + 1], indexing="ij")
        flat = np.full(start.size, float(layer))
        alive = 0.3 * np.outer(a, b).ravel()
        marks.append(Segments(panel, flat, start.ravel(), flat + 1, end.ravel(), alive))
    x = np.repeat(np.arange(len(kept), dtype=float), [len(k) for k in kept])
    y, on = np.concatenate(heights), np.concatenate(list(kept))
    return [
        *marks,
        Points(panel, x[on], y[on], color="ink", size=9),
        Points(panel, x[~on], y[~on], color="soft", size=9, shape="ring"),
        Points(panel, x[~on], y[~on], color="orange", size=6, shape="cross"),
    ]


def _sums(rule: str, p: float) -> tuple[float, float]:
    """Return what 100 units of 1 add up to: the mean in training, and in use."""
    layer = RULES[rule](p, rng=np.random.default_rng(0))
    return NUM_UNITS * (1 - p) * layer.training_factor(), NUM_UNITS * layer.use_factor()


@cache
def _one_sum(rule: str, p: float, mask: int) -> float:
    """Return what 100 units of 1 add up to with one mask in training."""
    layer = RULES[rule](p, rng=np.random.default_rng(2000 + mask))
    return float(layer.forward(np.ones((1, NUM_UNITS))).sum())


def dropout() -> Explorable:
    """Show masks on a small network, and what 100 units add up to by each of three rules."""

    def drawing(p: float, phase: str, mask: int) -> list[Mark]:
        in_training = phase == "training"
        words = f"mask {mask}" if in_training else f"mask {mask} is not applied"
        return [
            *_drawn_network("network", _kept(p if in_training else 0.0, mask)),
            Text("network", [1.5], [-0.1], [words], color="muted", anchor="middle"),
        ]

    def expected(rule: str) -> list[Mark]:
        ps = np.linspace(0, 0.9, 19)
        sums = np.array([_sums(rule, float(p)) for p in ps])
        return [
            Line("sum", ps, sums[:, 0], color="blue", width=3, label="training, on average"),
            Line("sum", ps, sums[:, 1], color="orange", dash=True, label="in use"),
        ]

    def now(p: float, phase: str, rule: str, mask: int) -> list[Mark]:
        in_training = phase == "training"
        value = _one_sum(rule, p, mask) if in_training else _sums(rule, p)[1]
        return [
            Line("sum", [p, p], [0, 200], color="muted", width=1),
            Points("sum", [p], [value], color="ink", size=6, label="now"),
        ]

    def table(p: float) -> list[Mark]:
        sums = np.array([_sums(rule, p) for rule in RULES]).round(1)
        return [
            Column("rules", 0, ["train", "use"]),
            *(Column("rules", k + 1, pair) for k, pair in enumerate(sums)),
        ]

    def said_now(p: float, phase: str, rule: str, mask: int) -> Say:
        if phase == "training":
            silent = sum(int((~k).sum()) for k in _kept(p, mask))
            return Say(
                "Training with p = {}, mask {}: {} of the 12 hidden units drawn are silent. "
                "This mask lets 100 other units add up to {}.",
                *(p, mask, silent, round(_one_sum(rule, p, mask), 1)),
            )
        return Say(
            "In use, with p = {}, no unit is silent and 100 of them add up to {}.", p, _sums(rule, p)[1]
        )

    def said_rule(p: float, rule: str) -> Say:
        train, use = (round(v, 1) for v in _sums(rule, p))
        verdict = "They agree." if np.isclose(train, use) else "They do not agree."
        return Say(
            f"By {_RULE_PHRASES[rule]} it is {{}} on average in training and {{}} in use. {verdict}",
            train,
            use,
        )

    return Explorable(
        "regularization.dropout",
        title="Do 100 units of 1 add up to the same in training and in use?",
        controls=[
            Slider(
                name="p",
                label="probability p of being dropped",
                low=0,
                high=0.9,
                num=10,
                start=0.5,
                marks=(0.2, 0.5),
            ),
            Choice(name="phase", label="phase", options={"training": "training", "use": "in use"}),
            Choice(name="rule", label="rule", options=_RULE_NAMES),
            Stepper(name="mask", label="new mask", last=9, start=0),
        ],
        panels=[
            Plot("network", Axis("layer", -0.15, 3.15), Axis("unit", -0.14, 1.02), ratio=0.75, bare=True),
            Plot(
                "sum",
                Axis("p", 0, 0.9, ticks=[(v, str(v)) for v in (0, 0.2, 0.5, 0.9)]),
                Axis("sum of 100 units of 1", 0, 170),
            ),
            Table("rules", ["", "note's", "scaled", "inverted"], rows=2, title="All three rules at this p"),
        ],
        parts=[drawing, expected, now, table],
        describe=[said_now, said_rule],
    )


def dropout_before_and_after() -> Explorable:
    """Draw a network as it is and with half of its hidden units silenced; it has no controls."""
    sizes = (5, 5, 5, 1)
    whole = [np.ones(n, bool) for n in sizes]
    thinned = [np.array(k, bool) for k in ([1] * 5, [1, 0, 1, 0, 0], [0, 1, 0, 1, 1], [1])]

    def both() -> list[Mark]:
        return _drawn_network("before", whole) + _drawn_network("after", thinned)

    def describe() -> Say:
        lines = [sum(int(a.sum() * b.sum()) for a, b in pairwise(net)) for net in (whole, thinned)]
        return Say(
            "With all units, {} lines carry a signal. With dropout 5 of 10 hidden units are silent, for "
            "this one step: {} lines are left. The weights on the other lines are kept, and rest.",
            *lines,
        )

    return Explorable(
        "regularization.dropout_before_and_after",
        title="The same network, whole and thinned",
        controls=[],
        panels=[
            Plot(
                name, Axis("layer", -0.2, 3.2), Axis("unit", -0.02, 1.02), title=title, ratio=0.75, bare=True
            )
            for name, title in (("before", "All units"), ("after", "One training step with dropout"))
        ],
        parts=[both],
        describe=describe,
    )


# ── Normalization ───────────────────────────────────────────────────────────────────────────────

BLOCK = (3, 6, 4)  # samples, channels, positions
_NORMS = {"BN": "batch", "LN": "layer", "IN": "instance", "GN": "group"}


@cache
def block() -> Array:
    """Return numbers of shape (3, 6, 4) in which samples differ and channels differ."""
    rng = np.random.default_rng(4)
    samples = np.array([-2.0, 0.0, 2.0])[:, None, None]
    channels = np.array([1.0, -1.5, 3.0, 0.0, -3.0, 2.0])[None, :, None]
    return np.asarray(samples + channels + rng.normal(0, 0.5, BLOCK))


def _norm_layer(norm: str, groups: int) -> Layer:
    if norm == "BN":
        return BatchNorm1d(BLOCK[1])
    if norm == "LN":
        return LayerNorm(BLOCK[1:])
    if norm == "IN":
        return InstanceNorm1d(BLOCK[1])
    return GroupNorm(groups, BLOCK[1])


def sharing(norm: str, groups: int, sample: int, channel: int) -> NDArray[np.bool_]:
    """Return which cells of the block share mean and variance with one cell, counted from 0."""
    n, c, _ = np.indices(BLOCK)
    size = {"BN": 1, "IN": 1, "LN": BLOCK[1], "GN": BLOCK[1] // groups}[norm]
    same = c // size == channel // size
    return np.asarray(same if norm == "BN" else same & (n == sample))


def which_axes() -> Explorable:
    """Show the cells of an (N, C, L) block that share one mean, and what normalizing leaves."""
    num, channels, length = BLOCK
    n, c, at = np.indices(BLOCK)
    left = n * (length + 1.0) + at + 0.5
    bottom = channels - 1.0 - c

    def cells(chosen: NDArray[np.bool_], color: Color, label: str) -> Bars:
        x, base = left[chosen], bottom[chosen]
        return Bars("block", x, base + 0.06, base + 0.94, width=0.88, color=color, label=label)

    def shared(norm: str, groups: str, sample: int, channel: int) -> list[Mark]:
        mine = sharing(norm, int(groups), sample - 1, channel - 1)
        return [
            cells(~mine, "soft", ""),
            cells(mine, "blue", "share one mean and one variance"),
            Points("block", left[mine], bottom[mine] + 0.5, color="ink", size=2),
        ]

    def chosen(sample: int, channel: int) -> Points:
        own = (n == sample - 1) & (c == channel - 1)
        return Points(
            "block", left[own][:1], bottom[own][:1] + 0.5, color="orange", size=5, label="the cell you chose"
        )

    def names() -> list[Mark]:
        middle = np.arange(num) * (length + 1.0) + length / 2
        return [
            Text("block", middle, [6.3] * num, [f"sample {k + 1}" for k in range(num)], anchor="middle"),
            Text("block", [-0.2] * 6, 5 - np.arange(6) + 0.35, [f"c{k + 1}" for k in range(6)], anchor="end"),
        ]

    shapes = ("circle", "square", "cross")
    colors: tuple[Color, ...] = ("blue", "orange", "purple")

    def cloud(panel: str, values: Array, labels: bool) -> list[Mark]:
        return [
            Points(
                panel,
                (c[k] + 1 + 0.22 * (k - 1)).ravel(),
                values[k].ravel(),
                color=colors[k],
                size=3,
                shape=shapes[k],  # type: ignore[arg-type]
                label=f"sample {k + 1}" if labels else "",
            )
            for k in range(num)
        ]

    def before() -> list[Mark]:
        return [Line("before", [0, 7], [0, 0], color="muted", width=1), *cloud("before", block(), True)]

    def after(norm: str, groups: str) -> list[Mark]:
        values = np.asarray(_norm_layer(norm, int(groups)).forward(block()), dtype=np.float64)
        return [Line("after", [0, 7], [0, 0], color="muted", width=1), *cloud("after", values, False)]

    def said(norm: str, groups: str, sample: int, channel: int) -> Say:
        mine = sharing(norm, int(groups), sample - 1, channel - 1)
        name = f"{_NORMS[norm].capitalize()} normalization"
        if norm == "GN":
            name += " with " + {"1": "1 group", "2": "2 groups", "3": "3 groups", "6": "6 groups"}[groups]
        return Say(
            f"{name} takes {{}} means, each over {{}} cells. The mean for sample {{}}, channel {{}} is {{}}.",
            *(
                mine.size // int(mine.sum()),
                int(mine.sum()),
                sample,
                channel,
                round(float(block()[mine].mean()), 2),
            ),
        )

    def why(norm: str, groups: str) -> str:
        if norm == "BN":
            return "Channels lose their own levels; samples keep theirs, and each needs the others."
        if norm == "LN" or (norm == "GN" and groups == "1"):
            return "Samples lose their own levels; channels keep theirs."
        if norm == "IN" or groups == "6":
            return "Every channel of every sample loses its level: both differences are gone."
        return "Samples lose their levels, group by group; channels keep what sets them apart in their group."

    value = Axis("value", -7, 7)
    channel_axis = Axis("channel", 0.4, 6.6, ticks=[(k, f"c{k}") for k in range(1, 7)])
    return Explorable(
        "regularization.which_axes",
        title="Which cells share one mean?",
        controls=[
            Choice(name="norm", label="normalization", options={k: f"{k} ({v})" for k, v in _NORMS.items()}),
            Choice(name="groups", label="groups (GN only)", options=("1", "2", "3", "6"), start="2"),
            Slider(name="sample", label="sample", low=1, high=3, num=3, start=2, integer=True),
            Slider(name="channel", label="channel", low=1, high=6, num=6, start=2, integer=True),
        ],
        panels=[
            Plot("before", channel_axis, value, title="Before", ratio=0.6),
            Plot(
                "after",
                channel_axis,
                Axis("value", -3, 3, ticks=[(-2, "−2"), (0, "0"), (2, "2")]),
                title="After",
                ratio=0.6,
            ),
            Plot("block", Axis("position", -1.2, 14.2), Axis("channel", -0.2, 7.1), ratio=0.42, bare=True),
        ],
        parts=[names, shared, chosen, before, after],
        describe=[said, why],
    )


NUM_BATCHES = 40
_INPUT = 0.5


@cache
def one_among_others(batch_size: int, mode: str) -> Array:
    """Return BatchNorm's output for the same input 0.5 in 40 batches with different neighbours.

    The neighbours are drawn from a normal distribution with mean 0 and standard deviation 1.
    """
    rng = np.random.default_rng(6)
    layer = BatchNorm1d(1)
    for _ in range(300):  # let the running averages settle
        layer.forward(rng.standard_normal((256, 1)))
    layer.training = mode == "training"
    outputs = []
    for _ in range(NUM_BATCHES):
        batch = np.vstack([[[_INPUT]], rng.standard_normal((batch_size - 1, 1))])
        outputs.append(float(layer.forward(batch)[0, 0]))
    return np.array(outputs)


def tiny_batches() -> Explorable:
    """Show what batch normalization makes of the same input in different company."""
    numbers = np.arange(1, NUM_BATCHES + 1)

    def outputs(batch_size: str, mode: str) -> list[Mark]:
        found = one_among_others(int(batch_size), mode)
        heights = np.column_stack([np.full(NUM_BATCHES, _INPUT), found, np.full(NUM_BATCHES, np.nan)])
        stems = np.where(np.isnan(heights), np.nan, numbers[:, None]).ravel()[:-1]
        ideal = "with the mean and variance of all data"
        return [
            Line("out", [0, 41], [_INPUT] * 2, color="green", dash=True, label=ideal),
            Line("out", stems, heights.ravel()[:-1], color="soft", width=1, gaps=True),
            Points("out", numbers, found, color="blue", size=4, label="output for the input 0.5"),
        ]

    def said(batch_size: str, mode: str) -> Say:
        found = one_among_others(int(batch_size), mode)
        if mode == "use":
            return Say(
                "In use, in batches of {}, the output is always {}: the neighbours do not matter.",
                *(int(batch_size), round(float(found[0]), 2)),
            )
        return Say(
            "In training, in batches of {}, the same input 0.5 becomes anything from {} to {}; the standard "
            "deviation is {}.",
            *(int(batch_size), *(round(float(v), 2) for v in (found.min(), found.max(), found.std()))),
        )

    return Explorable(
        "regularization.tiny_batches",
        title="The same input, in different company: what does BatchNorm say?",
        controls=[
            Choice(name="batch_size", label="batch size", options=("2", "4", "8", "32", "128"), start="8"),
            Choice(name="mode", label="mode", options={"training": "training", "use": "in use"}),
        ],
        panels=[Plot("out", Axis("batch", 0, 41), Axis("output", -1.5, 2), ratio=0.6)],
        parts=[outputs],
        describe=said,
    )
