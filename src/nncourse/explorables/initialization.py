"""The figures of the chapter on initialization."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np

from nncourse.activations import ACTIVATIONS, normal_cdf
from nncourse.arguments import Array
from nncourse.data import Data, circles, digits
from nncourse.explore import (
    Area,
    Axis,
    Bars,
    Choice,
    Color,
    Explorable,
    HeatMap,
    Line,
    Mark,
    Plot,
    Points,
    Say,
    Slider,
    Stepper,
    Text,
    Toggle,
    network,
    number,
)
from nncourse.explore.scene import View
from nncourse.initializers import (
    Constant,
    Initializer,
    KaimingNormal,
    Normal,
    XavierNormal,
    Zeros,
    gain,
)
from nncourse.losses import BinaryCrossEntropy, MeanSquaredError, SoftmaxCrossEntropy
from nncourse.metrics import accuracy
from nncourse.network import MLP
from nncourse.optimizers import SGD
from nncourse.training import Trainer, TrainingDiverged

__all__ = [
    "compromise",
    "first_gradients",
    "five_starts",
    "layer_map",
    "normal_bands",
    "one_layer",
    "signal",
    "symmetry",
    "three_sigma",
]

NAMES = {"tanh": "tanh", "relu": "ReLU", "sigmoid": "sigmoid", "identity": "none (linear)"}

# ── Five starts ─────────────────────────────────────────────────────────────────────────────────

STARTS = {
    "zero": "all 0",
    "constant": "all 0.1",
    "small": "random, σ = 0.01",
    "large": "random, σ = 1",
    "fitted": "random, σ from the layer",
}
EPOCHS, WIDTH, RACE_RATE = 12, 32, 0.05


def start_weights(start: str, activation: str) -> Initializer:
    """Return the initializer behind the name of a start."""
    fitted = XavierNormal() if activation == "tanh" else KaimingNormal()
    known: dict[str, Initializer] = {
        "zero": Zeros(),
        "constant": Constant(0.1),
        "small": Normal(0.01),
        "large": Normal(1.0),
        "fitted": fitted,
    }
    return known[start]


@cache
def race_data() -> Data:
    """Return 640 standardized digits, inputs of shape (640, 64), and their labels."""
    X, y = digits()
    return Data((X[:640] - X[:640].mean()) / X[:640].std(), y[:640])


class Race(NamedTuple):
    """The loss before training and after every epoch, and the share that is right at the end."""

    losses: Array
    right: float


def _scores(net: MLP) -> Array:
    """Return the scores of all digits, shape (640, 10), in pieces that BLAS does not split over threads."""
    X = race_data().X
    return np.concatenate([net.predict(X[k : k + 64]) for k in range(0, len(X), 64)])


@cache
def race(start: str, activation: str, depth: int, larger: float = 0.0) -> Race:
    """Train a network of `depth` layers; NaN stands for all that follows a divergence.

    Its first weights are those of the start, larger by the factor ``1 + larger``.
    """
    X, y = race_data()
    rng = np.random.default_rng(0)
    sizes = [64, *[WIDTH] * (depth - 1), 10]
    net = MLP(sizes, activation=activation, rng=rng, weight_init=start_weights(start, activation))
    for W in net.params.values():
        W *= 1 + larger
    loss = SoftmaxCrossEntropy()
    trainer = Trainer(net, loss, SGD(RACE_RATE))
    losses = np.full(EPOCHS + 1, np.nan)
    losses[0] = loss.forward(_scores(net), y)
    for epoch in range(1, EPOCHS + 1):
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                trainer.epoch(X, y, 64, rng)
                losses[epoch] = loss.forward(_scores(net), y)
        except TrainingDiverged:
            return Race(losses, 0.1)
    return Race(losses, accuracy(_scores(net), y))


def five_starts() -> Explorable:
    """Show the same network trained from five different first weights."""
    order = list(STARTS)

    def guessing() -> Line:
        return Line("loss", [0, EPOCHS], [np.log(10)] * 2, color="muted", dash=True)

    def course(start: str, activation: str, depth: str) -> tuple[Array, Array]:
        losses = race(start, activation, int(depth)).losses.clip(max=1e3)
        there = ~np.isnan(losses)
        return np.flatnonzero(there).astype(float), losses[there]

    def others(activation: str, depth: str, everyone: bool) -> list[Mark]:
        kept = slice(None) if everyone else slice(0)
        curves = [course(s, activation, depth) for s in order]
        return [Line("loss", x[kept], y[kept], color="soft", width=1.2) for x, y in curves]

    def chosen(start: str, activation: str, depth: str) -> list[Mark]:
        epochs, losses = course(start, activation, depth)
        return [
            Line("loss", epochs, losses, color="blue"),
            Points("loss", epochs, losses, color="blue", size=3.5),
        ]

    def shares(start: str, activation: str, depth: str, everyone: bool) -> list[Mark]:
        right = np.array([race(s, activation, int(depth)).right for s in order]) * 100
        place = np.arange(len(order))
        mine = place == order.index(start)
        shown, rest = mine | everyone, ~mine & everyone
        return [
            Bars("right", place[rest], np.zeros(rest.sum()), right[rest], width=0.6, color="muted"),
            Bars("right", place[mine], [0], right[mine], width=0.6, color="blue"),
            Line("right", [-0.6, 4.6], [10, 10], color="muted", dash=True),
            Text(
                "right",
                place[shown],
                right[shown],
                [f"{r:.0f} %" for r in right[shown]],
                anchor="middle",
                dy=6,
            ),
        ]

    def result(start: str, activation: str, depth: str) -> Say:
        run = race(start, activation, int(depth))
        if np.isnan(run.losses[-1]):
            return Say("The loss starts at {}, and the first steps lead to infinity.", run.losses[0])
        return Say(
            "In {} epochs the loss goes from {} to {}; {} % of the training digits are right.",
            *(EPOCHS, run.losses[0], run.losses[-1], round(100 * run.right)),
        )

    def verdict(start: str, activation: str, depth: str) -> str:
        run = race(start, activation, int(depth))
        if np.isnan(run.losses[-1]):
            return "This start cannot be trained at this learning rate."
        if run.right < 0.2:
            return "That is no better than guessing, which gives a loss of ln 10 = 2.303."
        return "It learns." if run.right > 0.8 else "It learns, but slowly or badly."

    return Explorable(
        "initialization.five_starts",
        title="The same network, the same data, five sets of first weights",
        controls=[
            Choice(name="start", label="first weights", options=STARTS, start="large"),
            Choice(name="activation", label="activation", options={a: NAMES[a] for a in ("tanh", "relu")}),
            Choice(
                name="depth",
                label="layers",
                options={"2": "2", "5": "5", "10": "10"},
                start="10",
            ),
            Toggle(name="everyone", label="show all five"),
        ],
        panels=[
            Plot(
                "loss",
                Axis("epoch", 0, EPOCHS),
                Axis("training loss (dashed: guessing)", 0.03, 30, scale="log"),
            ),
            Plot(
                "right",
                Axis(
                    "first weights",
                    -0.6,
                    4.6,
                    ticks=list(enumerate(["all 0", "all 0.1", "σ 0.01", "σ 1", "fitted"])),
                ),
                Axis("digits right after training, %", 0, 112),
            ),
        ],
        parts=[guessing, others, chosen, shares],
        describe=[result, verdict],
    )


# ── Zero and constant ───────────────────────────────────────────────────────────────────────────

_FIRST_X = np.array([[1.0, -0.5, 2.0, 0.5], [0.5, 1.5, -1.0, 1.0]])
_FIRST_Y = np.array([[1.0, 0.0, -1.0], [-0.5, 1.0, 0.5]])


@cache
def first_step(start: str) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return weights and first gradients of a 4–5–3 tanh network, for "zero", "constant", "random"."""
    known = {"zero": Zeros(), "constant": Constant(0.5), "random": XavierNormal()}
    net = MLP([4, 5, 3], activation="tanh", rng=np.random.default_rng(4), weight_init=known[start])
    loss = MeanSquaredError()
    loss.forward(net.forward(_FIRST_X), _FIRST_Y)
    net.backward(loss.backward())
    return net.params, net.grads


def first_gradients() -> Explorable:
    """Draw weights and first gradients of 4–5–3 for three starts; it has no controls."""
    starts = {"zero": "all 0", "constant": "all 0.5", "random": "random"}

    def drawings() -> list[Mark]:
        marks: list[Mark] = []
        for start in starts:
            for kind, arrays in zip(("weights", "gradients"), first_step(start), strict=True):
                pair = [arrays["linear1.W"], arrays["linear2.W"]]
                largest = max(float(np.abs(w).max()) for w in pair) or 1.0
                marks += network(f"{kind} {start}", [w / largest for w in pair], node_size=5.0)
        return marks

    return Explorable(
        "initialization.first_gradients",
        title="4–5–3 with tanh: three starts, and where each wants to go",
        controls=[],
        panels=[
            Plot(
                f"{kind} {start}",
                Axis("layer", -0.15, 2.15),
                Axis("unit", 0, 1),
                title=f"weights: {text}" if kind == "weights" else "their first gradients",
                ratio=0.7,
                bare=True,
            )
            for start, text in starts.items()
            for kind in ("weights", "gradients")
        ],
        parts=[drawings],
        describe=lambda: (
            "From zero, not one weight has a gradient: there is nothing to follow (the hairlines are "
            "zeros). From a constant, the lines into all five hidden units are the same, so one step keeps "
            "them the same. From random weights every line differs. In each drawing the thickest line is "
            "the largest number; dashed lines are negative."
        ),
    )


SYMMETRY_STEPS = 400
SHARED = 0.5
SYMMETRIC_STARTS = {
    "zero": ("all 0", 0.0, 0.0),
    "equal": ("all 0.5", SHARED, 0.0),
    "1e-6": ("0.5, noise 0.000001", SHARED, 1e-6),
    "1e-3": ("0.5, noise 0.001", SHARED, 1e-3),
    "1e-1": ("0.5, noise 0.1", SHARED, 0.1),
}
_NEARLY_ZERO = 1e-9
_SIDE = np.linspace(-1.92, 1.92, 21)


@cache
def rings() -> Data:
    """Return two rings of 40 points each, standardized."""
    X, y = circles(40, rng=np.random.default_rng(0))
    return Data((X - X.mean(axis=0)) / X.std(axis=0), y)


class Parting(NamedTuple):
    """A run: incoming weights (steps, 2, 4), losses (steps,), and answers on a grid (steps, 25, 25)."""

    weights: Array
    losses: Array
    answers: Array


@cache
def parting(start: str) -> Parting:
    """Train four tanh units on the rings from weights that are equal, or nearly equal."""
    _, shared, noise = SYMMETRIC_STARTS[start]
    X, y = rings()
    rng = np.random.default_rng(1)
    net = MLP([2, 4, 1], activation="tanh", rng=rng, weight_init=Constant(shared))
    for name in ("linear1.W", "linear2.W"):
        net.params[name] += noise * rng.normal(size=net.params[name].shape)
    trainer = Trainer(net, BinaryCrossEntropy(), SGD(1.0))
    grid = np.stack(np.meshgrid(_SIDE, _SIDE), axis=-1).reshape(-1, 2)
    targets = np.asarray(y, dtype=np.float64)[:, None]
    weights, losses, answers = [], [], []
    for step in range(SYMMETRY_STEPS + 1):
        weights.append(net.params["linear1.W"].copy())
        if step % 20 == 0:
            scores = net.predict(grid).reshape(len(_SIDE), -1)
            answers.append(ACTIVATIONS["sigmoid"].function(scores))
        losses.append(trainer.step(X, targets))
    return Parting(np.array(weights), np.array(losses), np.array(answers))


def distance_apart(start: str) -> Array:
    """Return the largest difference between two hidden units' weights at every step, shape (401,)."""
    weights = parting(start).weights
    return np.asarray((weights.max(axis=2) - weights.min(axis=2)).max(axis=1))


def symmetry() -> Explorable:
    """Show equal units staying equal, and nearly equal ones parting."""

    def data() -> list[Mark]:
        X, y = rings()
        return [
            Points("map", X[y == 0, 0], X[y == 0, 1], color="orange", size=3),
            Points("map", X[y == 1, 0], X[y == 1, 1], color="blue", size=3.5, shape="square"),
        ]

    def answer(start: str, step: int) -> HeatMap:
        edge = (-2.0, 2.0)
        return HeatMap("map", parting(start).answers[step // 20], edge, edge, low=0, high=1)

    def curves(start: str) -> list[Mark]:
        run, steps = parting(start), np.arange(SYMMETRY_STEPS + 1)
        apart = distance_apart(start).clip(_NEARLY_ZERO)
        paths = [
            Line(
                "weights",
                run.weights[:, 0, k],
                run.weights[:, 1, k],
                color="muted",
                width=1.2,
                shown="step",
            )
            for k in range(4)
        ]
        return [
            *paths,
            Line("apart", steps, apart, color="blue", shown="step"),
            Line("loss", steps, run.losses, color="blue", shown="step"),
        ]

    def guessing() -> Line:
        return Line("loss", [0, SYMMETRY_STEPS], [np.log(2)] * 2, color="muted", dash=True)

    def units(start: str, step: int) -> list[Mark]:
        x, y = parting(start).weights[step]
        return [
            Points("weights", x[:1], y[:1], color="blue", shape="ring", size=9),
            Points("weights", x[1:2], y[1:2], color="orange", shape="square", size=6.5),
            Points("weights", x[2:3], y[2:3], color="green", size=5),
            Points("weights", x[3:], y[3:], color="ink", shape="cross", size=4),
        ]

    def said(start: str, step: int) -> Say:
        apart = distance_apart(start)[step]
        loss = parting(start).losses[step]
        if apart == 0:
            return Say(
                "After {} steps the four units are equal to the last digit. The loss is {}; guessing "
                "gives {}.",
                *(step, loss, np.log(2)),
            )
        return Say(
            "After {} steps the units differ by at most {}. The loss is {}; guessing gives {}.",
            *(step, apart, loss, np.log(2)),
        )

    def verdict(start: str, step: int) -> str:
        if start == "zero":
            return "No weight has moved: every gradient is exactly zero."
        if start == "equal":
            return "Together they can do what one unit can do, and no more."
        if distance_apart(start)[step] < 0.3:
            return "They still act as one unit. Watch their difference on its logarithmic axis."
        return "They have parted, and each does its own work."

    return Explorable(
        "initialization.symmetry",
        title="Four hidden units: do they ever become different?",
        controls=[
            Choice(
                name="start",
                label="first weights",
                options={k: text for k, (text, *_) in SYMMETRIC_STARTS.items()},
                start="equal",
            ),
            Stepper(name="step", label="training step", last=SYMMETRY_STEPS, start=0, every=20),
        ],
        panels=[
            Plot(
                "weights",
                Axis("weight from input 1", -3, 3),
                Axis("weight from input 2", -3, 3),
                title="The four units",
            ),
            Plot("map", Axis("input 1", -2, 2), Axis("input 2", -2, 2), title="The network"),
            Plot(
                "apart",
                Axis("training step", 0, SYMMETRY_STEPS),
                Axis("largest difference between units", _NEARLY_ZERO, 10, scale="log"),
            ),
            Plot(
                "loss",
                Axis("training step", 0, SYMMETRY_STEPS),
                Axis("training loss (dashed: guessing)", 0, 1),
            ),
        ],
        parts=[answer, data, guessing, curves, units],
        describe=[said, verdict],
    )


# ── The Gaussian ────────────────────────────────────────────────────────────────────────────────


def _within(k: float) -> float:
    """Return the probability that a normal number lies within k standard deviations of its mean."""
    return float(normal_cdf(k) - normal_cdf(-k))


def three_sigma() -> Explorable:
    """Show the area of a normal curve within k standard deviations."""

    def bell(mean: float, sigma: float) -> Line:
        z = np.linspace(-4.5, 4.5, 81)
        return Line("bell", mean + sigma * z, np.exp(-(z**2) / 2), color="ink")

    def area(mean: float, sigma: float, k: float) -> list[Mark]:
        z = np.linspace(-k, k, 41) if k > 0 else np.zeros(2)
        x = mean + sigma * z
        return [
            Area("bell", x, np.zeros(len(x)), np.exp(-(z**2) / 2), color="blue"),
            Line("bell", x[[0, -1]], [-0.05, -0.05], color="blue", width=3),
        ]

    def share() -> Line:
        k = np.linspace(0, 4, 81)
        return Line("share", k, [100 * _within(v) for v in k], color="ink")

    def here(k: float) -> list[Mark]:
        percent = 100 * _within(k)
        return [
            Line("share", [k, k, 0], [0, percent, percent], color="blue", width=1.2, dash=True),
            Points("share", [k], [percent], color="blue", size=6),
        ]

    def where(mean: float, sigma: float, k: float) -> Say:
        return Say(
            "Mean {}, standard deviation {}: the strip from {} to {}",
            *(mean, sigma, round(mean - k * sigma, 4), round(mean + k * sigma, 4)),
        )

    def how_much(k: float) -> Say:
        percent = 100 * _within(k)
        return Say(
            "holds {} % of all numbers. Of a million weights, about {} lie outside.",
            round(percent, 2),
            round(1e6 * (1 - _within(k)), -2 if k < 3.2 else 0),
        )

    return Explorable(
        "initialization.three_sigma",
        title="How much lies within k standard deviations?",
        controls=[
            Slider(name="k", label="k", low=0, high=4, num=17, start=1.0, marks=(1.0, 2.0, 3.0), unit="σ"),
            Slider(
                name="sigma",
                label="standard deviation σ",
                low=0.01,
                high=0.2,
                num=5,
                scale="log",
                start=0.1,
                marks=(0.01, 0.05, 0.1, 0.2),
            ),
            Slider(name="mean", label="mean μ", low=-0.2, high=0.2, num=5, start=0.0),
        ],
        panels=[
            Plot("bell", Axis("weight", -0.5, 0.5), Axis("density (its peak is 1)", -0.1, 1.1)),
            Plot("share", Axis("k", 0, 4), Axis("share within k standard deviations, %", 0, 104)),
        ],
        parts=[bell, area, share, here],
        describe=[where, how_much],
    )


def normal_bands() -> Explorable:
    """Draw the normal curve with its 1, 2 and 3σ strips; it has no controls."""

    def bands() -> list[Mark]:
        z = np.linspace(-4, 4, 161)
        marks: list[Mark] = []
        for k in (3, 2, 1):
            inside = np.linspace(-k, k, 81)
            marks.append(Area("bell", inside, np.zeros(81), np.exp(-(inside**2) / 2), color="blue"))
        marks.append(Line("bell", z, np.exp(-(z**2) / 2), color="ink"))
        for k, height in ((1, -0.18), (2, -0.44), (3, -0.7)):
            marks.append(Line("bell", [-k, k], [height] * 2, color="blue", width=3))
            text = f"{100 * _within(k):.2f} %"
            marks.append(Text("bell", [k + 0.12], [height - 0.04], [text], anchor="start"))
        return marks

    ticks = [(k, "μ" if k == 0 else f"μ {'+' if k > 0 else '−'} {abs(k)}σ") for k in (-2, 0, 2)]
    return Explorable(
        "initialization.normal_bands",
        title="The 1, 2 and 3σ strips of a Gaussian",
        controls=[],
        panels=[
            Plot(
                "bell",
                Axis("number drawn", -5.2, 5.2, ticks=ticks),
                Axis("density", -0.85, 1.08, ticks=[(0, "0"), (1, "peak")]),
                ratio=0.6,
            )
        ],
        parts=[bands],
        describe=lambda: (
            "Two thirds of all draws fall within one standard deviation of the mean, nineteen in twenty "
            "within two, and all but 27 in ten thousand within three."
        ),
    )


# ── One layer ───────────────────────────────────────────────────────────────────────────────────

_Z = np.linspace(-10, 10, 4000)
_NORMAL = np.exp(-(_Z**2) / 2) / np.sqrt(2 * np.pi)
_NORMAL /= _NORMAL.sum()


def mean_over_normal(values: Array) -> float:
    """Return the mean of a function of a standard normal number, given its values on the fine grid."""
    return float(values @ _NORMAL)


@cache
def mean_square(activation: str, size: float) -> float:
    """Return E φ(z)² for z normal with mean 0 and standard deviation `size`.

    Examples
    --------
    >>> round(mean_square("relu", 2.0), 6)
    2.0
    """
    return mean_over_normal(ACTIVATIONS[activation].function(size * _Z) ** 2)


@cache
def mean_square_slope(activation: str, size: float) -> float:
    """Return E φ'(z)² for z normal with mean 0 and standard deviation `size`."""
    return mean_over_normal(ACTIVATIONS[activation].derivative(size * _Z) ** 2)


def one_layer() -> Explorable:
    """Show where the pre-activations of one layer fall on its activation and its slope."""
    names = ("sigmoid", "tanh", "relu")
    tops = {"sigmoid": (-0.1, 1.1), "tanh": (-1.15, 1.15), "relu": (-1.0, 8.0)}

    def curve(activation: str) -> list[Mark]:
        z = np.linspace(-8, 8, 101)
        left, right = z[z <= 0], np.concatenate([[1e-9], z[z > 0]])
        z_slope = np.concatenate([left, [np.nan], right])
        slope = np.concatenate(
            [
                ACTIVATIONS[activation].derivative(left),
                [np.nan],
                ACTIVATIONS[activation].derivative(right),
            ]
        )
        return [
            View("value", x=(-8, 8), y=tops[activation]),
            Line("value", z, ACTIVATIONS[activation].function(z), color="blue"),
            Line("slope", z_slope, slope, color="orange", gaps=True),
        ]

    def crowd(activation: str, sigma: float, fan_in: str) -> list[Mark]:
        size = sigma * np.sqrt(int(fan_in))
        reach = min(8.0, 5 * size)
        z = np.linspace(-reach, reach, 51)
        bell = np.exp(-((z / size) ** 2) / 2)
        low, high = tops[activation]
        return [
            Area("value", z, [low] * len(z), low + 0.6 * (high - low) * bell, color="muted"),
            Area("slope", z, [-0.1] * len(z), -0.1 + 0.72 * bell, color="muted"),
        ]

    def size_of_z(sigma: float, fan_in: str) -> Say:
        return Say(
            "σ = {} and {} inputs of size 1: the pre-activations have standard deviation {}.",
            *(sigma, int(fan_in), sigma * np.sqrt(int(fan_in))),
        )

    def typical_slope(activation: str, sigma: float, fan_in: str) -> Say:
        size = float(sigma * np.sqrt(int(fan_in)))
        slope = float(np.sqrt(mean_square_slope(activation, size)))
        factor = slope * size
        ending = "fades" if factor < 0.9 else "grows" if factor > 1.1 else "keeps its size"
        return Say(
            f"The typical slope there is {{}} (root mean square). If the layer has as many outputs as "
            f"inputs, the gradient is multiplied by about {{}} on its way back through it: it {ending}.",
            *(slope, factor),
        )

    return Explorable(
        "initialization.one_layer",
        title="Where do the pre-activations land?",
        controls=[
            Choice(name="activation", label="activation", options={n: NAMES[n] for n in names}),
            Slider(
                name="sigma",
                label="weights' σ",
                low=0.01,
                high=3,
                num=11,
                scale="log",
                start=0.01,
                marks=(0.01, 0.1, 1.0),
            ),
            Choice(
                name="fan_in",
                label="inputs",
                options=("1", "4", "25", "100", "400", "2500"),
                start="100",
            ),
        ],
        panels=[
            Plot("value", Axis("z (grey: where it falls)", -8, 8), Axis("output φ(z)", -0.1, 1.1)),
            Plot("slope", Axis("z (grey: where it falls)", -8, 8), Axis("slope φ'(z)", -0.1, 1.1)),
        ],
        parts=[crowd, curve],
        describe=[size_of_z, typical_slope],
    )


# ── Layer after layer ───────────────────────────────────────────────────────────────────────────


def next_size(activation: str, layer_gain: float, size: float) -> float:
    """Return the root mean square after one wide layer with weights of spread gain/√fan_in.

    Examples
    --------
    >>> round(next_size("relu", 2**0.5, 3.0), 6)
    3.0
    """
    return float(np.sqrt(mean_square(activation, layer_gain * size)))


@cache
def sizes(activation: str, layer_gain: float, start: float, depth: int = 50) -> Array:
    """Return the size of the inputs and of the outputs of every layer, shape (depth + 1,)."""
    found = [start]
    for _ in range(depth):
        found.append(next_size(activation, layer_gain, found[-1]))
    return np.array(found)


def layer_map() -> Explorable:
    """Show what one layer does to the size of a signal, and what fifty do."""
    names = ("tanh", "relu", "identity")

    def diagonal() -> Line:
        return Line("map", [0, 2], [0, 2], color="muted", dash=True)

    def curve(activation: str, layer_gain: float) -> Line:
        size = np.linspace(0, 2, 41)
        return Line("map", size, [next_size(activation, layer_gain, s) for s in size], color="blue")

    def stairs(activation: str, layer_gain: float, start: float) -> list[Mark]:
        path = sizes(activation, layer_gain, start)
        x, y = np.repeat(path[:-1], 2), np.concatenate([[0], np.repeat(path[1:], 2)[:-1]])
        layers = np.arange(51)
        return [
            Line("map", x.clip(max=9), y.clip(max=9), color="orange", width=1.5),
            Line("depth", layers, path.clip(1e-12, 1e12), color="orange", width=1.5),
            Points("depth", layers, path.clip(1e-12, 1e12), color="orange", size=3),
        ]

    def said(activation: str, layer_gain: float, start: float) -> Say:
        path = sizes(activation, layer_gain, start)
        return Say("Size {} goes in; after 1, 10 and 50 layers it is {}, {}, {}.", *path[[0, 1, 10, 50]])

    def verdict(activation: str, layer_gain: float) -> str:
        slope = layer_gain / np.sqrt(2) if activation == "relu" else layer_gain
        if activation == "tanh":
            if slope > 1.001:
                return "The curve crosses the diagonal at one size, and from anywhere the stairs lead there."
            if slope < 0.999:
                return "The curve lies below the diagonal: the signal fades by a factor per layer."
            return "The curve touches the diagonal at 0 only: the signal fades, more and more slowly."
        if abs(slope - 1) < 0.001:
            return "The curve is the diagonal: every size stays what it is."
        how = "fades" if slope < 1 else "grows"
        factor = number(slope, 3)
        return f"The curve is a straight line of slope {factor}: the signal {how} by this factor per layer."

    return Explorable(
        "initialization.layer_map",
        title="What one layer does to the size, and what fifty do",
        controls=[
            Choice(name="activation", label="activation", options={n: NAMES[n] for n in names}),
            Slider(
                name="layer_gain",
                label="gain g",
                low=0.5,
                high=2.0,
                num=7,
                start=1.0,
                marks=(0.9, 1.0, 1.1, round(gain("relu"), 4), round(gain("tanh"), 4)),
            ),
            Slider(name="start", label="size of the inputs", low=0.1, high=1.9, num=7, start=1.0),
        ],
        panels=[
            Plot("map", Axis("size in", 0, 2), Axis("size out (dashed: the same)", 0, 2)),
            Plot(
                "depth",
                Axis("layer", 0, 50),
                Axis(
                    "size",
                    1e-3,
                    1e3,
                    scale="log",
                    ticks=[(10.0**k, number(10.0**k)) for k in (-3, -2, -1, 0, 1, 2, 3)],
                ),
            ),
        ],
        parts=[diagonal, curve, stairs],
        describe=[said, verdict],
    )


def compromise() -> Explorable:
    """Show the forward and the backward factor of one layer for three choices of the variance."""
    rules = {"in": "1/fan_in", "out": "1/fan_out", "avg": "Xavier"}
    counts = (10, 30, 100, 300, 1000)

    def factors(fan_in: str, fan_out: str) -> dict[str, tuple[float, float]]:
        a, b = int(fan_in), int(fan_out)
        variance = {"in": 1 / a, "out": 1 / b, "avg": 2 / (a + b)}
        return {rule: (a * v, b * v) for rule, v in variance.items()}

    def bars(fan_in: str, fan_out: str) -> list[Mark]:
        pairs = np.array(list(factors(fan_in, fan_out).values()))
        place = np.arange(3.0)
        marks: list[Mark] = []
        looks: tuple[tuple[float, Color, str], ...] = ((-0.2, "blue", "forward"), (0.2, "orange", "backward"))
        for k, (shift, color, word) in enumerate(looks):
            at, top = place + shift, pairs[:, k]
            marks.append(Bars("factor", at, np.ones(3), top, width=0.34, color=color, label=word))
            above = pairs[:, k] >= 1
            for up in (True, False):
                texts = [number(t, 3) for t in top[above == up]]
                dy = 6 if up else -14
                marks.append(Text("factor", at[above == up], top[above == up], texts, anchor="middle", dy=dy))
        return marks

    def one() -> Line:
        return Line("factor", [-0.6, 2.6], [1, 1], color="ink", width=1.2)

    def said(fan_in: str, fan_out: str) -> Say:
        forward, backward = factors(fan_in, fan_out)["avg"]
        return Say(
            "{} inputs, {} outputs. With Xavier's variance the mean square of the signal is multiplied by "
            "{}, that of the gradient by {}; the two always add up to 2.",
            *(int(fan_in), int(fan_out), forward, backward),
        )

    return Explorable(
        "initialization.compromise",
        title="One layer without activation: forward and backward want different weights",
        controls=[
            Choice(name="fan_in", label="fan_in", options=[str(c) for c in counts], start="100"),
            Choice(name="fan_out", label="fan_out", options=[str(c) for c in counts], start="300"),
        ],
        panels=[
            Plot(
                "factor",
                Axis(
                    "variance of the weights", -0.6, 2.6, ticks=[(k, t) for k, t in enumerate(rules.values())]
                ),
                Axis("factor on the mean square", 0.003, 300, scale="log"),
                ratio=0.6,
            )
        ],
        parts=[bars, one],
        describe=said,
    )


# ── Signal through depth ────────────────────────────────────────────────────────────────────────

UNITS, ROWS, DEEPEST, BINS = 100, 25, 50, 25  # products too small for BLAS to split over threads
SCHEMES = {
    "zero": "all 0",
    "constant": "all σ",
    "normal": "N(0, σ²)",
    "xavier": "Xavier",
    "xavier_tanh": "Xavier, gain 5/3",
    "kaiming": "Kaiming",
}
RANGES = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0), "relu": (0.0, 4.0), "identity": (-3.0, 3.0)}


def _scheme(scheme: str, sigma: float) -> Initializer:
    known: dict[str, Initializer] = {
        "zero": Zeros(),
        "constant": Constant(sigma),
        "normal": Normal(sigma),
        "xavier": XavierNormal(),
        "xavier_tanh": XavierNormal(gain("tanh")),
        "kaiming": KaimingNormal(),
    }
    return known[scheme]


class Signal(NamedTuple):
    """What arrives in each of the 50 layers."""

    histograms: Array  # (bins, layers): the share of the activations in each bin
    size: Array  # (layers,): root mean square
    deviation: Array  # (layers,): standard deviation
    between: Array  # (layers,): root mean square difference of a unit from its mean over the inputs
    slope: Array  # (layers,): root mean square of the activation's slope


@lru_cache(maxsize=8)
def _layers(scheme: str, sigma: float, activation: str) -> tuple[list[Array], list[Array], list[Array]]:
    """Return every layer's weights (100, 100), slopes (25, 100) and activations (25, 100)."""
    rng = np.random.default_rng(6)
    h: Array = rng.normal(size=(ROWS, UNITS))
    init = _scheme(scheme, sigma)
    weights, slopes, activations = [], [], []
    for _ in range(DEEPEST):
        w = init((UNITS, UNITS), rng)
        z = (h @ w).clip(-1e30, 1e30)
        h = ACTIVATIONS[activation].function(z)
        weights.append(w)
        slopes.append(ACTIVATIONS[activation].derivative(z))
        activations.append(h)
    return weights, slopes, activations


@cache
def _run(scheme: str, sigma: float, activation: str) -> Signal:
    _, slopes, activations = _layers(scheme, sigma, activation)
    low, high = RANGES[activation]
    shares = []
    for h in activations:
        bins = ((h - low) / (high - low) * BINS).clip(0, BINS - 1).astype(int)
        shares.append(np.bincount(bins.ravel(), minlength=BINS) / h.size)
    return Signal(
        np.array(shares).T,
        np.array([np.sqrt((h**2).mean()) for h in activations]),
        np.array([h.std() for h in activations]),
        np.array([np.sqrt(h.var(axis=0).mean()) for h in activations]),
        np.array([np.sqrt((s**2).mean()) for s in slopes]),
    )


def run(scheme: str, sigma: float, activation: str) -> Signal:
    """Send 25 inputs through 50 layers of 100 units; `sigma` counts only where the scheme has one."""
    return _run(scheme, sigma if scheme in ("constant", "normal") else 0.0, activation)


@cache
def _gradients(scheme: str, sigma: float, activation: str, depth: int) -> Array:
    weights, slopes, _ = _layers(scheme, sigma, activation)
    gradient: Array = np.random.default_rng(7).normal(size=(ROWS, UNITS))
    found = np.empty(depth)
    for layer in reversed(range(depth)):
        found[layer] = np.linalg.norm(gradient)
        gradient = ((gradient * slopes[layer]) @ weights[layer].T).clip(-1e30, 1e30)
    return np.asarray(found / found[-1])


def gradients(scheme: str, sigma: float, activation: str, depth: int) -> Array:
    """Return the size of ∂L/∂h for the outputs h of each layer, last layer 1; shape (depth,)."""
    return _gradients(scheme, sigma if scheme in ("constant", "normal") else 0.0, activation, depth)


def signal() -> Explorable:
    """Show the activations of up to 50 layers, their size, and the gradient on its way back."""
    floor, ceiling = 1e-10, 1e6

    def histograms(scheme: str, sigma: float, activation: str) -> HeatMap:
        low, high = RANGES[activation]
        share = run(scheme, sigma, activation).histograms
        return HeatMap(
            "histograms",
            np.round(16 * np.sqrt(share / share.max(axis=0))) / 16,
            (0.5, DEEPEST + 0.5),
            (low, high),
            low=0,
            high=1,
            palette="sequential",
            smooth=False,
        )

    def window(activation: str, depth: int) -> list[Mark]:
        low, high = RANGES[activation]
        right = max(depth, 2) + 0.5
        return [
            View("histograms", x=(0.5, right), y=(low, high)),
            View("size", x=(0.5, right), y=(floor, ceiling)),
            View("gradient", x=(0.5, right), y=(floor, ceiling)),
        ]

    def size(scheme: str, sigma: float, activation: str) -> list[Mark]:
        found = run(scheme, sigma, activation)
        layers = np.arange(1, DEEPEST + 1)
        rms, between = found.size.clip(1e-15, 1e12), found.between.clip(1e-15, 1e12)
        return [
            Line("size", layers, rms, color="blue"),
            Line("size", layers, between, color="orange", width=1.5, dash=True),  # seen where they agree
        ]

    def back(scheme: str, sigma: float, activation: str, depth: int) -> list[Mark]:
        sizes = gradients(scheme, sigma, activation, depth).clip(1e-15, 1e12)
        layers = np.arange(1, depth + 1)
        return [
            Line("gradient", layers, sizes, color="orange"),
            Points("gradient", layers[:1], sizes[:1], color="orange", size=5),
        ]

    def steady() -> list[Mark]:
        return [
            Line(p, [1, DEEPEST], [1, 1], color="green", dash=True, width=1.2) for p in ("size", "gradient")
        ]

    def forward(scheme: str, sigma: float, activation: str, depth: int) -> Say:
        found = run(scheme, sigma, activation)
        if found.size[depth - 1] > 1e12:
            return Say("By layer {} the activations have grown beyond all measure.", depth)
        if 0 < found.size[depth - 1] < 1e-12:
            return Say("By layer {} the activations have shrunk to less than {}.", depth, 1e-12)
        return Say(
            "In layer {} the activations have size {} and standard deviation {}; between different inputs "
            "they differ by {}.",
            *(depth, found.size[depth - 1], found.deviation[depth - 1], found.between[depth - 1]),
        )

    def backward(scheme: str, sigma: float, activation: str, depth: int) -> Say:
        if depth == 1:
            return Say("With one layer the gradient has no way to go.")
        first = gradients(scheme, sigma, activation, depth)[0]
        if first == 0:
            return Say("No gradient reaches layer 1: it is exactly 0.")
        if first > 1e12:
            return Say("The gradient that reaches layer 1 has exploded beyond all measure.")
        if first < 1e-12:
            return Say("Less than {} of the gradient reaches layer 1.", 1e-12)
        return Say("The gradient that reaches layer 1 has {} times the size it started with.", first)

    def verdict(scheme: str, sigma: float, activation: str, depth: int) -> str:
        found = run(scheme, sigma, activation)
        size, between = found.size[depth - 1], found.between[depth - 1]
        if size == 0:
            return "Nothing gets through."
        if size < 1e-3:
            return "The signal has faded."
        if size > 1e3:
            return "The signal has exploded."
        if scheme == "constant":
            return "All units of a layer are copies of one."
        if between < 0.05 * size:
            return "The size is there, but nearly the same for all inputs."
        steepest = {"tanh": 1.0, "sigmoid": 0.25}.get(activation, 0.0)
        if found.slope[depth - 1] < 0.3 * steepest:
            return "Most activations sit at the ends of the range, where there is no slope."
        return "The signal arrives."

    ticks = [(10.0**k, t) for k, t in ((-9, "10⁻⁹"), (-6, "10⁻⁶"), (-3, "0.001"), (0, "1"), (3, "1000"))]
    layer = Axis("layer", 0.5, DEEPEST + 0.5)
    return Explorable(
        "initialization.signal",
        title="What arrives after fifty layers?",
        controls=[
            Choice(name="scheme", label="first weights", options=SCHEMES, start="normal"),
            Slider(
                name="sigma",
                label="σ, for N(0, σ²) and all σ",
                low=0.01,
                high=1.0,
                num=2,
                scale="log",
                start=0.01,
                marks=(0.01, 0.05, 0.1, 0.14, 0.2, 1.0),
            ),
            Choice(
                name="activation",
                label="activation",
                options={n: NAMES[n] for n in ("tanh", "relu", "sigmoid", "identity")},
            ),
            Slider(
                name="depth",
                label="layers",
                low=1,
                high=DEEPEST,
                num=2,
                start=10,
                integer=True,
                marks=(1, 5, 10, 20, 50),
            ),
        ],
        panels=[
            Plot(
                "size",
                layer,
                Axis("size (dashed: between inputs)", floor, ceiling, scale="log", ticks=ticks),
                title="Forward",
            ),
            Plot(
                "gradient",
                layer,
                Axis("size of the gradient (last layer = 1)", floor, ceiling, scale="log", ticks=ticks),
                title="Backward",
            ),
            Plot(
                "histograms",
                layer,
                Axis("activation", -1, 1),
                title="A histogram for every layer",
                ratio=0.42,
            ),
        ],
        parts=[histograms, window, size, back, steady],
        describe=[forward, backward, verdict],
    )
