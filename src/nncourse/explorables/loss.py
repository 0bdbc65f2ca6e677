"""The figures of the chapter on losses."""

from __future__ import annotations

from functools import cache
from itertools import combinations

import numpy as np

from nncourse import activations, information
from nncourse.arguments import Array
from nncourse.explore import (
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
    Slider,
    Stepper,
    Table,
    Text,
    View,
    number,
)
from nncourse.information import entropy, kl_divergence, self_information
from nncourse.losses import BinaryCrossEntropy, Huber, Loss, MeanAbsoluteError, MeanSquaredError

__all__ = [
    "cross_entropy",
    "frog",
    "kl_both_ways",
    "likelihood",
    "linear_softmax",
    "outlier",
    "residuals",
    "slow_start",
    "softmax",
    "surprise",
]

LOSSES: dict[str, type[Loss]] = {
    "mse": MeanSquaredError,
    "mae": MeanAbsoluteError,
    "huber": Huber,
}
NAMES = {"mse": "squared error", "mae": "absolute error", "huber": "Huber, δ = 1"}


# ── Three losses of a difference ────────────────────────────────────────────────────────────────


def residuals() -> Explorable:
    """Draw squared, absolute and Huber loss over the difference, and their slopes; no controls."""
    looks: dict[str, tuple[Color, float, bool]] = {
        "mse": ("blue", 4, False),
        "mae": ("orange", 2, True),
        "huber": ("green", 2, False),
    }

    def curves() -> list[Mark]:
        d = np.linspace(-4, 4, 161)
        marks: list[Mark] = []
        for name, (color, width, dash) in looks.items():
            loss = LOSSES[name](reduction="none")
            values = np.asarray(loss.forward(d, np.zeros_like(d)))
            slopes = loss.backward()
            if name == "mae":
                slopes = np.where(d == 0, np.nan, slopes)
            marks += [
                Line("loss", d, values, color=color, width=width, dash=dash, label=NAMES[name]),
                Line("slope", d, slopes, color=color, width=width, dash=dash, gaps=True),
            ]
        return marks

    difference = "prediction − target"
    return Explorable(
        "loss.residuals",
        title="What does an error cost, and how hard does it pull?",
        controls=[],
        panels=[
            Plot("loss", Axis(difference, -4, 4), Axis("loss", 0, 8), ratio=0.7),
            Plot("slope", Axis(difference, -4, 4), Axis("slope of the loss", -8, 8), ratio=0.7),
        ],
        parts=[curves],
        describe=lambda: (
            "Squared error grows faster and faster, and so does its slope, the pull on the prediction: an "
            "error of 4 pulls four times as hard as an error of 1. Absolute error pulls with force 1, "
            "however large the error. Huber's loss is smooth at 0 and pulls with at most 1."
        ),
    )


# ── The outlier ─────────────────────────────────────────────────────────────────────────────────

_X = np.arange(8.0)
_Y = 2 + 0.5 * _X + np.array([0.3, -0.2, 0.1, -0.4, 0.3, 0.0, -0.3, 0.2])
EIGHT = (_X, _Y)  # the points that lie near a line
_PLACES = {"inside": 6.0, "far": 22.0}


def line_cost(loss: str, slope: float, intercept: float, x: Array, y: Array) -> Array:
    """Return each point's loss for the line ``slope · x + intercept``, shape (n,)."""
    return np.asarray(LOSSES[loss](reduction="none").forward(slope * x + intercept, y))


def fit_line(loss: str, x: Array, y: Array) -> tuple[float, float]:
    """Return slope and intercept of the line whose summed loss is least.

    Squared error has a closed form. For absolute error some best line passes through two of the
    points, so all pairs are tried. Huber's line is found by least squares with weights, again and
    again: a point beyond δ = 1 weighs 1 over its distance.

    Examples
    --------
    >>> x = np.array([0.0, 1.0, 2.0, 3.0])
    >>> slope, intercept = fit_line("mae", x, np.array([0.0, 1.0, 2.0, 30.0]))
    >>> round(slope, 6), round(intercept, 6)
    (1.0, 0.0)
    """
    design = np.column_stack([x, np.ones_like(x)])
    if loss == "mae":
        pairs = [(i, j) for i, j in combinations(range(x.size), 2) if x[i] != x[j]]
        slopes = np.array([(y[j] - y[i]) / (x[j] - x[i]) for i, j in pairs])
        starts = np.array([y[i] for i, _ in pairs]) - slopes * np.array([x[i] for i, _ in pairs])
        costs = np.abs(slopes[:, None] * x + starts[:, None] - y).sum(axis=1)
        best = int(costs.argmin())
        return float(slopes[best]), float(starts[best])
    weights = np.ones_like(x)
    for _ in range(1 if loss == "mse" else 200):
        root = np.sqrt(weights)
        line = np.linalg.lstsq(design * root[:, None], y * root, rcond=None)[0]
        weights = 1 / np.maximum(np.abs(design @ line - y), 1.0)
    return float(line[0]), float(line[1])


@cache
def _fitted(loss: str, place: str, outlier: float) -> tuple[float, float, Array]:
    """Return slope and intercept for the eight points and the outlier, and the nine losses."""
    x, y = np.append(_X, _PLACES[place]), np.append(_Y, outlier)
    slope, intercept = fit_line(loss, x, y)
    return slope, intercept, line_cost(loss, slope, intercept, x, y)


def outlier_share(loss: str, place: str, outlier: float) -> float:
    """Return which part of the cost the outlier makes, from 0 to 1."""
    losses = _fitted(loss, place, outlier)[2]
    return float(losses[8] / losses.sum())


def outlier() -> Explorable:
    """Show what one outlier does to a line fitted with squared, absolute or Huber loss."""
    without = fit_line("mse", _X, _Y)

    def window(place: str) -> View:
        return View("fit", x=(-0.5, 8.5) if place == "inside" else (-1, 24), y=(-8, 27))

    def eight() -> list[Mark]:
        run = np.array([-1.0, 24.0])
        return [
            Line(
                "fit",
                run,
                without[0] * run + without[1],
                color="muted",
                dash=True,
                label="without the outlier",
            ),
            Points("fit", _X, _Y, color="ink", size=4),
        ]

    def ninth(place: str, y: float) -> Points:
        return Points("fit", [_PLACES[place]], [y], color="red", size=6, shape="square", label="outlier")

    def fitted(loss: str, place: str, y: float) -> list[Mark]:
        slope, intercept, losses = _fitted(loss, place, y)
        run = np.array([-1.0, 24.0])
        return [
            Line("fit", run, slope * run + intercept, color="blue", width=2.5, label="fitted line"),
            Bars("losses", np.arange(1, 9), np.zeros(8), losses[:8], color="blue"),
            Bars("losses", [9], [0], losses[8:], color="red"),
            View("losses", x=(0.3, 9.7), y=(0, _ceiling(float(losses.max())))),
        ]

    def _ceiling(height: float) -> float:
        return next(top for top in (2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 400.0) if top > height)

    def said_line(loss: str, place: str, y: float) -> Say:
        slope, intercept, _ = _fitted(loss, place, y)
        sign = "+" if intercept >= 0 else "−"
        return Say(
            f"Fitted with {NAMES[loss]}, the line is y = {{}} x {sign} {{}}; without the outlier it is "
            "y = {} x + {}.",
            *(round(slope, 2), round(abs(intercept), 2), round(without[0], 2), round(without[1], 2)),
        )

    def said_share(loss: str, place: str, y: float) -> Say:
        return Say("One point of nine makes {} % of the cost.", round(100 * outlier_share(loss, place, y)))

    def said_place(place: str) -> str:
        if place == "inside":
            return "The outlier stands among the others."
        return "The outlier stands far to the right, where it has a long lever."

    return Explorable(
        "loss.outlier",
        title="How far can one point pull the line?",
        controls=[
            Choice(name="loss", label="loss", options=NAMES),
            Slider(name="y", label="outlier y", low=-5, high=25, num=31, start=20.0, marks=(5.0, 20.0)),
            Choice(
                name="place",
                label="outlier x",
                options={"inside": "6, among the others", "far": "22, far away"},
            ),
        ],
        panels=[
            Plot("fit", Axis("x", -0.5, 8.5), Axis("y", -8, 27)),
            Plot(
                "losses",
                Axis("point (9 is the outlier)", 0.3, 9.7, ticks=[(k, str(k)) for k in range(1, 10)]),
                Axis("loss of each point", 0, 100),
            ),
        ],
        parts=[window, eight, ninth, fitted],
        describe=[said_line, said_share, said_place],
    )


# ── Maximum likelihood ──────────────────────────────────────────────────────────────────────────

WAITS = np.array([1.0, 2.0, 3.0, 4.0, 15.0])  # minutes


def density(noise: str, y: Array | float, m: float, spread: float) -> Array:
    """Return the density of a Gaussian (σ = spread) or a Laplace (b = spread) around m."""
    d = (np.asarray(y, dtype=float) - m) / spread
    if noise == "gauss":
        return np.asarray(np.exp(-(d**2) / 2) / (spread * np.sqrt(2 * np.pi)))
    return np.asarray(np.exp(-np.abs(d)) / (2 * spread))


def negative_log_likelihood(noise: str, m: float, spread: float) -> float:
    """Return −log of the joint density of the five waiting times.

    Examples
    --------
    >>> candidates = np.linspace(0, 10, 101)
    >>> for noise in ("gauss", "laplace"):
    ...     costs = [negative_log_likelihood(noise, m, 3.0) for m in candidates]
    ...     print(noise, candidates[int(np.argmin(costs))])
    gauss 5.0
    laplace 3.0
    """
    return float(-np.log(density(noise, WAITS, m, spread)).sum())


def likelihood() -> Explorable:
    """Show how likely five numbers are under noise around an answer m."""
    names = {"gauss": "Gaussian", "laplace": "Laplace"}

    def data() -> list[Mark]:
        return [Points("density", WAITS, np.zeros(5), color="ink", size=5)]

    def curve(noise: str, m: float, spread: float) -> list[Mark]:
        y = np.linspace(-4, 18, 89)  # in quarters, so that the peak at m is among them
        heights = density(noise, WAITS, m, spread)
        lift = np.full(5, np.nan)
        stems = np.column_stack([WAITS, WAITS, lift]).ravel()
        tops = np.column_stack([np.zeros(5), heights, lift]).ravel()
        return [
            Line("density", y, density(noise, y, m, spread), color="blue"),
            Line("density", stems, tops, color="orange", width=2.5, gaps=True),
            Points("density", WAITS, heights, color="orange", size=3.5),
        ]

    def costs(noise: str, spread: float) -> Line:
        m = np.linspace(0, 10, 81)
        values = [negative_log_likelihood(noise, v, spread) for v in m]
        return Line("cost", m, values, color="blue")

    def here(noise: str, m: float, spread: float) -> list[Mark]:
        cost = negative_log_likelihood(noise, m, spread)
        return [Points("cost", [m], [cost], color="orange", size=6)]

    def describe(noise: str, m: float, spread: float) -> Say:
        best = {"gauss": 5.0, "laplace": 3.0}[noise]
        cost, least = (negative_log_likelihood(noise, v, spread) for v in (m, best))
        word = "it is lower to the " + ("left" if m > best else "right")
        if cost - least < 1e-9:
            word = "nowhere is it lower"
        return Say(
            f"{names[noise]} noise of spread {{}} around m = {{}}: −ln of the likelihood is {{}}; {word}.",
            *(spread, m, cost),
        )

    return Explorable(
        "loss.likelihood",
        title="Which answer makes these five waiting times least surprising?",
        controls=[
            Slider(name="m", label="answer m", low=0, high=10, num=21, start=8.0),
            Choice(name="noise", label="noise", options=names),
            Slider(name="spread", label="spread", low=2, high=6, num=5, start=3.0),
        ],
        panels=[
            Plot("density", Axis("waiting time in minutes", -4, 18), Axis("density", -0.01, 0.27)),
            Plot("cost", Axis("answer m", 0, 10), Axis("−ln likelihood", 10, 45)),
        ],
        parts=[data, curve, costs, here],
        describe=describe,
    )


# ── Information ─────────────────────────────────────────────────────────────────────────────────


def surprise() -> Explorable:
    """Draw self-information over the probability, and the entropy of a coin; it has no controls."""

    def curves() -> list[Mark]:
        q = np.linspace(0.005, 1, 200)
        p = np.linspace(0, 1, 101)
        names, marked = ("cat", "dog", "frog"), np.array([0.05, 0.1, 0.7])
        return [
            Line("surprise", q, self_information(q), color="blue"),
            Points("surprise", marked, self_information(marked), color="orange", size=5),
            Text(
                "surprise",
                marked,
                self_information(marked),
                [f"{name}: {float(self_information(marked[k])):.2f}" for k, name in enumerate(names)],
                dx=9,
                dy=3,
            ),
            Line("coin", p, entropy(np.column_stack([p, 1 - p])), color="blue"),
            Points("coin", [0.5], [np.log(2)], color="orange", size=5),
            Text("coin", [0.5], [np.log(2)], ["ln 2: most uncertain"], anchor="middle", dy=9),
            Text("coin", [0.06], [0.02], ["certain"], color="muted"),
            Text("coin", [0.94], [0.02], ["certain"], color="muted", anchor="end"),
        ]

    return Explorable(
        "loss.surprise",
        title="Surprise, and how much of it a coin holds",
        controls=[],
        panels=[
            Plot("surprise", Axis("probability P", 0, 1), Axis("self-information −ln P", 0, 5.3), ratio=0.7),
            Plot("coin", Axis("probability of heads", 0, 1), Axis("entropy", 0, 0.8), ratio=0.7),
        ],
        parts=[curves],
        describe=lambda: (
            "Had the picture shown a cat, the surprise would have been 3.00; the frog's is 0.36. What is "
            "certain surprises nobody: −ln 1 = 0. Towards probability 0 the surprise grows without "
            "limit, so whoever calls something impossible that then happens pays infinitely much. A coin "
            "is most uncertain when both sides are equally likely, and its entropy is 0 when one is certain."
        ),
    )


ANIMALS = ("cat", "dog", "frog", "horse")
LABEL = np.array([0.0, 0.0, 1.0, 0.0])
PREDICTION = np.array([0.05, 0.1, 0.7, 0.15])


def frog() -> Explorable:
    """Show the source note's one-hot label beside its prediction; it has no controls."""

    def drawing() -> list[Mark]:
        place, paid = np.arange(4.0), LABEL * self_information(PREDICTION)
        return [
            Bars("bars", place - 0.2, np.zeros(4), LABEL, width=0.36, color="muted", label="label p"),
            Bars(
                "bars", place + 0.2, np.zeros(4), PREDICTION, width=0.36, color="blue", label="prediction q"
            ),
            Text("bars", place + 0.2, PREDICTION, [f"{q:g}" for q in PREDICTION], anchor="middle", dy=5),
            Column("sum", 0, [*ANIMALS, "sum"]),
            Column("sum", 1, [*(f"{v:g}" for v in LABEL), "1"]),
            Column("sum", 2, [*(f"{v:g}" for v in PREDICTION), "1"]),
            Column("sum", 3, [*(f"{v:.2f}" for v in self_information(PREDICTION)), ""]),
            Column("sum", 4, [*(f"{v:.2f}" for v in paid), f"{paid.sum():.2f}"]),
        ]

    return Explorable(
        "loss.frog",
        title="It is a frog. What does the prediction pay?",
        controls=[],
        panels=[
            Plot(
                "bars",
                Axis("class", -0.6, 3.6, ticks=list(enumerate(ANIMALS))),
                Axis("probability", 0, 1.08, ticks=[(0, "0"), (0.5, "0.5"), (1, "1")]),
                ratio=0.6,
            ),
            Table("sum", ["", "p", "q", "−ln q", "−p ln q"], rows=5),
        ],
        parts=[drawing],
        describe=lambda: (
            "The label puts everything on frog, so of all four surprises only the frog's counts: the loss "
            "is −ln 0.7 = 0.36. How the other 0.3 is spread over cat, dog and horse does not matter."
        ),
    )


# ── Cross entropy = entropy + KL ────────────────────────────────────────────────────────────────


def cross_entropy() -> Explorable:
    """Show cross entropy as the sum of entropy and KL divergence, for a label and a prediction."""

    def label(softness: float) -> Array:
        return (1 - softness) * LABEL + softness / 4

    def prediction(cat: float, dog: float, horse: float) -> Array:
        return np.array([cat, dog, 100 - cat - dog - horse, horse]) / 100

    def truth(softness: float) -> Bars:
        p = label(softness)
        return Bars("both", np.arange(4) - 0.2, np.zeros(4), p, width=0.36, color="muted", label="label p")

    def belief(cat: float, dog: float, horse: float) -> list[Mark]:
        q = prediction(cat, dog, horse)
        return [
            Bars("both", np.arange(4) + 0.2, np.zeros(4), q, width=0.36, label="prediction q"),
            Text("both", [2.2], [q[2]], Say("{}", q[2]), anchor="middle", dy=5),
        ]

    def stack(cat: float, dog: float, horse: float, softness: float) -> list[Mark]:
        p, q = label(softness), prediction(cat, dog, horse)
        certain, total, gap = (
            float(f) for f in (entropy(p), information.cross_entropy(p, q), kl_divergence(p, q))
        )
        above = total if gap < 0.25 else certain  # so that the dashed line does not cross the number
        return [
            Bars("parts", [0], [0], [total], color="blue", width=0.7),
            Bars("parts", [1], [0], [certain], color="muted", width=0.7),
            Bars("parts", [2], [certain], [total], color="orange", width=0.7),
            Line("parts", [0.35, 2.35], [total, total], color="ink", width=1, dash=True),
            Line("parts", [1.35, 2.35], [certain, certain], color="ink", width=1, dash=True),
            Text("parts", [0], [total], Say("{}", round(total, 3)), anchor="middle", dy=6, bold=True),
            Text("parts", [1], [above], Say("{}", round(certain, 3)), anchor="middle", dy=6, bold=True),
            Text("parts", [2], [total], Say("{}", round(gap, 3)), anchor="middle", dy=6, bold=True),
        ]

    def said(cat: float, dog: float, horse: float, softness: float) -> Say:
        p, q = label(softness), prediction(cat, dog, horse)
        total, certain, gap = (
            float(f) for f in (information.cross_entropy(p, q), entropy(p), kl_divergence(p, q))
        )
        return Say(
            "Cross entropy {} = entropy {} + KL divergence {}.",
            *(round(total, 3), round(certain, 3), round(gap, 3)),
        )

    def verdict(cat: float, dog: float, horse: float, softness: float) -> str:
        if float(kl_divergence(label(softness), prediction(cat, dog, horse))) < 1e-9:
            return "The prediction is the label itself. What is left cannot be improved: it is in the label."
        if softness == 0:
            return "The label is certain, its entropy 0: all of the cross entropy is KL."
        return "Only the KL part depends on the prediction."

    def share(name: str, start: float) -> Slider:
        return Slider(name=name, label=f"q({name})", low=5, high=30, num=6, start=start, unit="%")

    return Explorable(
        "loss.cross_entropy",
        title="How much of the loss is the prediction's fault?",
        controls=[
            share("cat", 5.0),
            share("dog", 10.0),
            share("horse", 15.0),
            Slider(name="softness", label="label softness", low=0, high=1, num=6, start=0.0),
        ],
        panels=[
            Plot(
                "both",
                Axis("class", -0.6, 3.6, ticks=list(enumerate(ANIMALS))),
                Axis("probability", 0, 1.1, ticks=[(0, "0"), (0.5, "0.5"), (1, "1")]),
            ),
            Plot(
                "parts",
                Axis(
                    "H(p, q) = H(p) + KL(p‖q)",
                    -0.6,
                    2.6,
                    ticks=[(0, "cross entropy"), (1, "entropy"), (2, "KL")],
                ),
                Axis("nats", 0, 2.6),
            ),
        ],
        parts=[truth, belief, stack],
        describe=[said, verdict],
    )


# ── KL has two directions ───────────────────────────────────────────────────────────────────────

_GRID = np.linspace(-7, 7, 113)


def _bell(mean: float, width: float) -> Array:
    return np.asarray(np.exp(-(((_GRID - mean) / width) ** 2) / 2))


@cache
def two_humps() -> Array:
    """Return the truth: 113 cells with a larger hump at −2 and a smaller one at 2; sums to 1."""
    humps = 0.6 * _bell(-2.0, 0.7) + 0.4 * _bell(2.0, 0.7)
    return np.asarray(humps / humps.sum())


@cache
def one_hump(mean: float, width: float) -> Array:
    """Return the belief: one hump, cut into the same 113 cells; sums to 1."""
    hump = _bell(mean, width)
    return np.asarray(hump / hump.sum())


def both_divergences(mean: float, width: float) -> tuple[float, float]:
    """Return KL(p‖q) and KL(q‖p) for the two humps p and one hump q."""
    p, q = two_humps(), one_hump(mean, width)
    return float(kl_divergence(p, q)), float(kl_divergence(q, p))


def kl_both_ways() -> Explorable:
    """Let one hump stand in for two, and measure KL in both directions."""
    cell = float(_GRID[1] - _GRID[0])

    def truth() -> Line:
        return Line("humps", _GRID, two_humps() / cell, color="muted", width=3, label="truth p")

    def belief(mean: float, width: float) -> Line:
        return Line("humps", _GRID, one_hump(mean, width) / cell, color="blue", label="belief q")

    def bars(mean: float, width: float) -> list[Mark]:
        values = both_divergences(mean, width)
        top = 5.6
        shown = np.minimum(values, top)
        marks: list[Mark] = []
        tints: tuple[Color, Color] = ("orange", "purple")
        for k in range(2):
            marks += [
                Bars("kl", [k], [0], shown[k : k + 1], color=tints[k], width=0.6),
                Text(
                    "kl",
                    [k],
                    [shown[k]],
                    Say("{}" if values[k] <= top else "{} ↑", round(values[k], 2)),
                    anchor="middle",
                    dy=6 if values[k] < 5.2 else -16,
                    bold=True,
                ),
            ]
        return marks

    def said(mean: float, width: float) -> Say:
        forward, backward = both_divergences(mean, width)
        return Say("KL(p‖q) = {} and KL(q‖p) = {}.", round(forward, 2), round(backward, 2))

    def why(mean: float, width: float) -> str:
        forward, backward = both_divergences(mean, width)
        if forward > 3 * backward:
            return "The belief leaves out a place where the truth often is: KL(p‖q) minds most."
        if backward > 3 * forward:
            return "The belief spreads over places where the truth hardly ever is: KL(q‖p) minds most."
        return "The two directions weigh the same mistakes differently."

    return Explorable(
        "loss.kl_both_ways",
        title="One hump for two: which compromise is best?",
        controls=[
            Slider(name="mean", label="mean of q", low=-3, high=3, num=25, start=1.0),
            Slider(name="width", label="width of q", low=0.4, high=3, num=14, start=1.2),
        ],
        panels=[
            Plot("humps", Axis("outcome", -7, 7), Axis("density", 0, 1.02)),
            Plot(
                "kl",
                Axis("direction", -0.6, 1.6, ticks=[(0, "KL(p‖q)"), (1, "KL(q‖p)")]),
                Axis("nats", 0, 6),
            ),
        ],
        parts=[truth, belief, bars],
        describe=[said, why],
    )


# ── Softmax ─────────────────────────────────────────────────────────────────────────────────────

SCORES = np.array([2.0, 1.0, 0.1])


def linear_softmax() -> Explorable:
    """Draw scores 2.0, 1.0, 0.1 on their way through a softmax; it has no controls."""
    rows = np.array([3.0, 2.0, 1.0])

    def drawing() -> list[Mark]:
        powers, p = np.exp(SCORES), activations.softmax(SCORES)
        columns = [
            (2.9, [f"{z:.1f}" for z in SCORES], "scores z"),
            (5.6, [f"{e:.3f}" for e in powers], "eᶻ"),
            (8.6, [f"{v:.3f}" for v in p], "probabilities"),
        ]
        marks: list[Mark] = []
        for x, words, head in columns:
            marks += [
                Text("way", [x] * 3, rows, words, anchor="middle", size=14, bold=True, dy=-5),
                Text("way", [x], [3.85], [head], anchor="middle", color="muted"),
            ]
        box = np.array([[0.2, 0.6], [1.5, 0.6], [1.5, 3.4], [0.2, 3.4], [0.2, 0.6]])
        return [
            *marks,
            Line("way", box[:, 0], box[:, 1], color="ink"),
            Text("way", [0.85], [2.0], ["Linear"], anchor="middle", bold=True, dy=-4),
            Arrows("way", [1.6] * 3, rows, [2.3] * 3, rows, color="muted"),
            Arrows("way", [3.5] * 3, rows, [4.8] * 3, rows, color="blue"),
            Arrows("way", [6.4] * 3, rows, [7.7] * 3, rows, color="orange"),
            Text("way", [4.15], [3.35], ["exp"], color="blue", anchor="middle"),
            Text("way", [7.05], [3.35], ["÷ 11.21"], color="orange", anchor="middle"),
            Text("way", [5.6], [0.15], ["sum 11.21"], color="muted", anchor="middle"),
            Text("way", [8.6], [0.15], ["sum 1"], color="muted", anchor="middle"),
        ]

    return Explorable(
        "loss.linear_softmax",
        title="From scores to probabilities in two steps",
        controls=[],
        panels=[Plot("way", Axis("x", 0, 9.9), Axis("y", -0.2, 4.3), ratio=0.42, bare=True)],
        parts=[drawing],
        describe=lambda: (
            "The exponential makes the scores 2.0, 1.0 and 0.1 positive: 7.389, 2.718 and 1.105. Divided "
            "by their sum they become probabilities: 0.659, 0.242 and 0.099. The order stays; the distances "
            "between scores become ratios."
        ),
    )


_LARGEST, _SMALLEST = 308.25, -323.3  # decades of the largest and the smallest float64 above 0


def softmax() -> Explorable:
    """Show softmax for three scores, a temperature and a shift, and what naive code makes of it."""

    def probabilities(z1: float, z2: float, z3: float, temperature: float) -> list[Mark]:
        p = activations.softmax(np.array([z1, z2, z3]) / temperature)
        marks: list[Mark] = [Bars("p", np.arange(1, 4), np.zeros(3), p, width=0.6)]
        for k in range(3):
            marks.append(
                Text("p", [k + 1], [p[k]], Say("{}", round(p[k], 3)), anchor="middle", dy=6, bold=True)
            )
        return marks

    def limits() -> list[Mark]:
        return [
            Line("exp", [0.4, 3.6], [_LARGEST] * 2, color="red", dash=True),
            Line("exp", [0.4, 3.6], [_SMALLEST] * 2, color="red", dash=True),
            Text("exp", [0.45], [_LARGEST], ["above: infinite"], color="red", dy=5),
            Text("exp", [0.45], [_SMALLEST], ["below: 0"], color="red", dy=-15),
        ]

    def term(k: int, z: float, temperature: float, shift: float) -> list[Mark]:
        exponent = (z + shift) / temperature
        with np.errstate(over="ignore", under="ignore"):
            value = float(np.exp(exponent))
        decades = float(np.clip(exponent / np.log(10), _SMALLEST, _LARGEST))
        word = "∞" if np.isinf(value) else number(value, 3 if abs(decades) < 3 else 2)
        return [
            Bars("exp", [k], [0], [decades], color="orange", width=0.6),
            Text("exp", [k], [0], [word], anchor="middle", dy=6 if decades <= 0 else -16, bold=True),
        ]

    def term1(z1: float, temperature: float, shift: float) -> list[Mark]:
        return term(1, z1, temperature, shift)

    def term2(z2: float, temperature: float, shift: float) -> list[Mark]:
        return term(2, z2, temperature, shift)

    def term3(z3: float, temperature: float, shift: float) -> list[Mark]:
        return term(3, z3, temperature, shift)

    def said(z1: float, z2: float, z3: float, temperature: float) -> Say:
        p = activations.softmax(np.array([z1, z2, z3]) / temperature)
        return Say("At temperature {} the probabilities, rounded, are {}, {}, {}.", temperature, *p.round(3))

    def naive(z1: float, z2: float, z3: float, temperature: float, shift: float) -> str:
        with np.errstate(over="ignore", under="ignore"):
            powers = np.exp((np.array([z1, z2, z3]) + shift) / temperature)
        if np.isinf(powers).any():
            return "Naive code fails: an exponential is infinite, and ∞/∞ is no number."
        if powers.sum() == 0:
            return "Naive code fails: all exponentials are 0, and 0/0 is no number."
        return "Naive code gets this right."

    def moved(shift: float) -> Say:
        if shift == 0:
            return Say("No shift.")
        return Say("Adding {} to all three scores changes no probability.", shift)

    def score(k: int, start: float) -> Slider:
        return Slider(name=f"z{k}", label=f"score z{'₁₂₃'[k - 1]}", low=-1, high=4, num=6, start=start)

    powers = [(-400, "10⁻⁴⁰⁰"), (-200, "10⁻²⁰⁰"), (0, "1"), (200, "10²⁰⁰"), (400, "10⁴⁰⁰")]
    return Explorable(
        "loss.softmax",
        title="What do softmax and its code make of three scores?",
        controls=[
            score(1, 2.0),
            score(2, 1.0),
            score(3, 0.1),
            Slider(
                name="temperature",
                label="temperature",
                low=0.1,
                high=10,
                num=5,
                start=1.0,
                scale="log",
            ),
            Slider(name="shift", label="add to all", low=-800, high=800, num=5, start=0.0),
        ],
        panels=[
            Plot(
                "p",
                Axis("class", 0.4, 3.6, ticks=[(k, str(k)) for k in (1, 2, 3)]),
                Axis("probability (stable code)", 0, 1.12, ticks=[(0, "0"), (0.5, "0.5"), (1, "1")]),
            ),
            Plot(
                "exp",
                Axis("class", 0.4, 3.6, ticks=[(k, str(k)) for k in (1, 2, 3)]),
                Axis("exponentials that naive code needs", -450, 450, ticks=powers),
            ),
        ],
        parts=[probabilities, limits, term1, term2, term3],
        describe=[said, moved, naive],
    )


# ── Squared error on a probability learns slowly ────────────────────────────────────────────────

NUM_STEPS = 80


@cache
def path_of_score(kind: str, start: float, learning_rate: float = 1.0, num_steps: int = NUM_STEPS) -> Array:
    """Return the score z after each step of gradient descent, for a target of 1.

    Parameters
    ----------
    kind : {"cross entropy", "squared"}
        −ln σ(z), or (σ(z) − 1)².

    Returns
    -------
    ndarray of shape (num_steps + 1,)
    """
    path = np.empty(num_steps + 1)
    path[0] = start
    for step in range(num_steps):
        path[step + 1] = path[step] - learning_rate * slope_of_score(kind, path[step])
    return path


def slope_of_score(kind: str, z: Array | float) -> Array:
    """Return the derivative for the score z of −ln σ(z) or (σ(z) − 1)²."""
    scores = np.atleast_1d(np.asarray(z, dtype=float))
    target = np.ones_like(scores)
    if kind == "cross entropy":
        loss = BinaryCrossEntropy(reduction="none")
        loss.forward(scores, target)
        slopes = loss.backward()
    else:
        p = activations.sigmoid(scores)
        squared = MeanSquaredError(reduction="none")
        squared.forward(p, target)
        slopes = squared.backward() * p * (1 - p)
    return slopes if np.ndim(z) else slopes[0]


def slow_start() -> Explorable:
    """Show cross entropy and squared error pulling a wrong sigmoid output towards 1."""
    looks: dict[str, tuple[Color, bool]] = {"cross entropy": ("blue", False), "squared": ("orange", True)}
    words = {"cross entropy": "cross entropy", "squared": "squared error"}

    def curves() -> list[Mark]:
        z = np.linspace(-8, 5, 131)
        return [
            Line("pull", z, -slope_of_score(kind, z), color=color, dash=dash, label=words[kind])
            for kind, (color, dash) in looks.items()
        ]

    def here(start: float, steps: int) -> list[Mark]:
        marks: list[Mark] = []
        for kind, (color, _) in looks.items():
            z = float(path_of_score(kind, start)[steps])
            pull = -float(slope_of_score(kind, z))
            marks.append(
                Points(
                    "pull",
                    [z],
                    [pull],
                    color=color,
                    size=6,
                    shape="circle" if kind == "cross entropy" else "square",
                )
            )
        return marks

    def paths(start: float) -> list[Mark]:
        return [
            Line(
                "path",
                np.arange(NUM_STEPS + 1),
                activations.sigmoid(path_of_score(kind, start)),
                color=color,
                dash=dash,
                shown="steps",
            )
            for kind, (color, dash) in looks.items()
        ]

    def now(start: float, steps: int) -> list[Mark]:
        return [
            Points(
                "path",
                [steps],
                [float(activations.sigmoid(path_of_score(kind, start)[steps]))],
                color=color,
                size=5.5,
                shape="circle" if kind == "cross entropy" else "square",
            )
            for kind, (color, _) in looks.items()
        ]

    def said(start: float, steps: int) -> Say:
        p = [float(activations.sigmoid(path_of_score(kind, start)[steps])) for kind in looks]
        return Say(
            "From score {}, after {} steps: cross entropy has brought the probability to {}, squared "
            "error to {}.",
            *(start, steps, round(p[0], 4), round(p[1], 4)),
        )

    def first(start: float) -> Say:
        pulls = [-float(slope_of_score(kind, start)) for kind in looks]
        return Say(
            "At the start cross entropy pulls with {}, squared error with {}.",
            *(round(pulls[0], 4), round(pulls[1], 4)),
        )

    return Explorable(
        "loss.slow_start",
        title="Surely wrong: which loss gets out of it?",
        controls=[
            Slider(name="start", label="first score", low=-8, high=2, num=11, start=-1.0),
            Stepper(name="steps", label="steps", last=NUM_STEPS, start=0),
        ],
        panels=[
            Plot("pull", Axis("score z (the target is 1)", -8, 5), Axis("pull on the score", -0.03, 1.05)),
            Plot("path", Axis("step", 0, NUM_STEPS), Axis("probability σ(z)", 0, 1.03)),
        ],
        parts=[curves, here, paths, now],
        describe=[first, said],
    )
