"""The figures of the chapter on gradient descent and the learning rate."""

from __future__ import annotations

from functools import cache

import numpy as np

from nncourse import descent
from nncourse.explore import (
    Arrows,
    Axis,
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
    Toggle,
    View,
    contours,
    number,
)
from nncourse.optimizers import SGD, Adam, Momentum

__all__ = [
    "at_a_glance",
    "directional_derivative",
    "four_learning_rates",
    "learning_rate",
    "noise",
    "ravine",
    "secant",
]

Array = descent.Array

NUM_STEPS = 10  # of the ball on the parabola
_NEARLY_ZERO = 1e-9  # drawn at the lower edge of a logarithmic axis
_BOWL = descent.parabola(4.0)


@cache
def _path(learning_rate: float, x0: float) -> Array:
    return descent.descend(_BOWL.gradient, [x0], SGD(learning_rate), NUM_STEPS)[:, 0]


def _window(reach: float) -> float:
    """Return the half-width of a window around 0 that holds `reach`: 3, 5, 10, 20, 50, …."""
    if reach <= 3:
        return 3.0
    power = 10.0 ** np.floor(np.log10(reach))
    return float(next(m * power for m in (1, 2, 5, 10) if m * power >= reach))


def _view(path: Array) -> View:
    half = _window(float(np.abs(path).max()))
    return View("bowl", x=(-half, half), y=(-0.2 * half**2, 4 * half**2))


def _bowl() -> Line:
    # The window zooms out by powers of ten, so the curve is sampled evenly in log x.
    side = np.geomspace(0.1, 3e9, 300)
    x = np.concatenate([-side[::-1], [0.0], side])
    return Line("bowl", x, 4 * x**2, color="muted")


def _verdict(learning_rate: float) -> str:
    if learning_rate < 0.02:
        return "The ball creeps down on one side: it converges, but ten steps are far too few."
    if learning_rate < 0.125:
        return "The ball comes down on one side and never crosses the bottom: it converges."
    if learning_rate == 0.125:
        return "The first step lands exactly at the bottom: the one best learning rate."
    if learning_rate < 0.25:
        return "The ball bounces from side to side, lower each time: it converges."
    if learning_rate == 0.25:
        return "The ball bounces between the same two points for ever."
    return "Each bounce lands farther out than the last: it diverges."


def _rate_slider(num: int) -> Slider:
    return Slider(
        name="learning_rate",
        label="learning rate",
        low=0.001,
        high=1.1,
        num=num,
        scale="log",
        start=0.1,
        marks=(0.1, 0.125, 0.24, 0.25, 0.26, 1.0),
    )


def at_a_glance() -> Explorable:
    """Show the parabola and one slider, for the front page."""

    def ball(learning_rate: float) -> list[Mark]:
        x = _path(learning_rate, 2.0)
        return [
            _view(x),
            Line("bowl", x, 4 * x**2, color="blue", width=1.5),
            Points("bowl", x, 4 * x**2, color="orange"),
            Points("bowl", x[-1:], 4 * x[-1:] ** 2, color="orange", size=7),
        ]

    def start(learning_rate: float) -> Say:
        x = _path(learning_rate, 2.0)
        return Say("From x = {} the ball goes to {}, then {}, …", *x[:3])

    return Explorable(
        "home.learning_rate",
        title="Ten steps downhill on y = 4x². How long should a step be?",
        controls=[_rate_slider(num=60)],
        panels=[Plot("bowl", Axis("x", -3, 3), Axis("y = 4x²", -1.8, 36), ratio=0.5)],
        parts=[_bowl, ball],
        describe=[start, _verdict],
    )


def learning_rate() -> Explorable:
    """Show gradient descent on y = 4x² for any learning rate."""

    def window(learning_rate: float, x0: float, steps: int) -> View:
        return _view(_path(learning_rate, x0)[: steps + 1])

    def decades(learning_rate: float, x0: float) -> View:
        distance = np.abs(_path(learning_rate, x0)).clip(_NEARLY_ZERO)
        low, high = np.floor(np.log10(distance.min())), np.ceil(np.log10(distance.max()))
        return View("distance", x=(0, NUM_STEPS), y=(10.0**low, 10.0 ** max(high, low + 1)))

    def ball(learning_rate: float, x0: float) -> list[Mark]:
        x = _path(learning_rate, x0)
        y, step = 4 * x**2, np.arange(NUM_STEPS + 1)
        distance = np.abs(x).clip(_NEARLY_ZERO)
        return [
            Line("bowl", x, y, color="blue", width=1.5, shown="steps"),
            Points("bowl", x, y, color="orange", shown="steps"),
            Line("distance", step, distance, color="blue", width=1.5, shown="steps"),
            Points("distance", step, distance, color="orange", shown="steps"),
            Column("path", 0, step, shown="steps"),
            Column("path", 1, x, shown="steps"),
            Column("path", 2, y, shown="steps"),
            Column("path", 3, 8 * x, shown="steps"),
        ]

    def factor(learning_rate: float) -> Say:
        return Say("Learning rate {}: every step multiplies x by {}.", learning_rate, 1 - 8 * learning_rate)

    def first_steps(learning_rate: float, x0: float) -> Say:
        x = _path(learning_rate, x0)[:3]
        return Say("In two steps x goes {}, {}, {} and y goes {}, {}, {}.", *x, *(4 * x**2))

    return Explorable(
        "gradient_descent.learning_rate",
        title="A ball on y = 4x²: how far should each step go?",
        controls=[
            _rate_slider(num=40),
            Slider(name="x0", label="start x₀", low=0.5, high=3, num=6, start=2.0),
            Stepper(name="steps", label="steps", last=NUM_STEPS, start=NUM_STEPS),
        ],
        panels=[
            Plot("bowl", Axis("x", -3, 3), Axis("y = 4x²", -1.8, 36)),
            Plot(
                "distance",
                Axis("step", 0, NUM_STEPS),
                Axis(
                    "distance from the bottom, |x|",
                    1e-6,
                    1e9,
                    scale="log",
                ),
            ),
            Table("path", ["step", "x", "y = 4x²", "gradient"], rows=NUM_STEPS + 1),
        ],
        parts=[_bowl, window, decades, ball],
        describe=[factor, first_steps, _verdict],
    )


def four_learning_rates() -> Explorable:
    """Draw the four paths on y = 4x² that the source note compares; it has no controls."""
    regimes = {
        0.26: "0.26: diverges",
        0.25: "0.25: bounces for ever",
        0.24: "0.24: converges, bouncing",
        0.1: "0.1: converges from one side",
    }

    def paths() -> list[Mark]:
        marks: list[Mark] = []
        bowl = np.linspace(-4.6, 4.6, 93)
        for rate in regimes:
            x = _path(rate, 2.0)
            marks += [
                Line(f"rate {rate}", bowl, 4 * bowl**2, color="soft"),
                Line(f"rate {rate}", x, 4 * x**2, color="blue", width=1.5),
                Points(f"rate {rate}", x, 4 * x**2, color="orange", size=3.5),
            ]
        return marks

    def describe() -> Say:
        ends = [_path(rate, 2.0)[-1] for rate in regimes]
        return Say(
            "Ten steps from x = 2. At 0.26 every bounce is wider and the ball ends at x = {}. "
            "At 0.25 it bounces between 2 and −2. At 0.24 every bounce is narrower and it ends at "
            "{}. At 0.1 it slides down on one side and ends at {}.",
            *(ends[0], ends[2], ends[3]),
        )

    across = Axis("x", -4.6, 4.6, ticks=[(x, number(x)) for x in (-4, -2, 0, 2, 4)])
    return Explorable(
        "gradient_descent.four_learning_rates",
        title="Four learning rates on y = 4x²",
        controls=[],
        panels=[
            Plot(f"rate {rate}", across, Axis("y", -6, 84), title=title, ratio=0.6)
            for rate, title in regimes.items()
        ],
        parts=[paths],
        describe=describe,
    )


def secant() -> Explorable:
    """Show the secant of y = 4x² turning into the tangent as its second point comes near."""

    def bowl() -> Line:
        x = np.linspace(-2.5, 4.5, 141)
        return Line("curve", x, 4 * x**2, color="muted", width=3, label="y = 4x²")

    def slope_between(x: float, h: float) -> float:
        return descent.difference_quotient(lambda t: 4 * t**2, x, h)

    def lines(x: float, h: float) -> list[Mark]:
        run = np.array([-2.5, 4.5])
        y, slope = 4 * x**2, slope_between(x, h)
        return [
            Line("curve", run, y + 8 * x * (run - x), color="green", dash=True, label="tangent"),
            Line("curve", run, y + slope * (run - x), color="blue", label="secant"),
            Points("curve", [x, x + h], [y, 4 * (x + h) ** 2], color="orange"),
            Points("slope", [h], [slope], color="orange", size=6),
        ]

    def slopes(x: float) -> list[Mark]:
        h = np.geomspace(0.001, 2, 60)
        secants = [slope_between(x, step) for step in h]
        return [
            Line("slope", h, secants, color="blue", label="slope of the secant"),
            Line("slope", [0.001, 2], [8 * x] * 2, color="green", dash=True, label="8x"),
        ]

    def describe(x: float, h: float) -> Say:
        rise = 4 * (x + h) ** 2 - 4 * x**2
        return Say(
            f"Between x = {{}} and x = {{}} the curve {'falls' if rise < 0 else 'rises'} by {{}} over "
            "a run of {}: the secant has slope {}. The tangent at x = {} has slope 8x = {}.",
            *(x, x + h, abs(rise), h, slope_between(x, h), x, 8 * x),
        )

    return Explorable(
        "gradient_descent.secant",
        title="From the secant to the tangent",
        controls=[
            Slider(name="x", label="point x", low=-2, high=2, num=9, start=2.0),
            Slider(
                name="h",
                label="run h",
                low=0.001,
                high=2,
                num=34,
                scale="log",
                start=2.0,
                marks=(0.001, 0.1, 0.5, 1.0, 2.0),
            ),
        ],
        panels=[
            Plot("curve", Axis("x", -2.5, 4.5), Axis("y", -10, 70)),
            Plot("slope", Axis("run h", 0.001, 2, scale="log"), Axis("slope", -18, 26)),
        ],
        parts=[bowl, lines, slopes],
        describe=describe,
    )


_HILL = descent.hill(4.0)


def _uphill(x: float, angle: float) -> tuple[float, float]:
    """Return the point of the hill with this x whose gradient points at `angle`, in degrees.

    There the gradient is parallel to (−x/2, −y), so y = x/2 · tan(angle). Round angles let the
    reader's arrow find the steepest and the level directions exactly.
    """
    return x, x / 2 * float(np.tan(np.radians(angle)))


_PLACES = {
    "west": _uphill(-1.8, 25),
    "south-east": _uphill(1.4, 125),
    "north-east": _uphill(0.7, 250),
    "summit": (0.0, 0.0),
}


def directional_derivative() -> Explorable:
    """Show the slope of a hill in every direction, and the gradient as the steepest of them."""

    def unit(angle: float) -> Array:
        return np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])

    def gradient_at(place: str) -> Array:
        return _HILL.gradient(np.array(_PLACES[place]))

    def slope_along(angle: float, place: str) -> float:
        slope = descent.directional_derivative(gradient_at(place), unit(angle))
        return 0.0 if abs(slope) < 1e-12 else slope

    def map_of_hill() -> list[Mark]:
        x, y = np.linspace(-3.2, 3.2, 90), np.linspace(-2.4, 2.4, 70)
        heights = _HILL.value(np.stack(np.meshgrid(x, y), axis=-1))
        return [
            contours("map", x, y, heights, list(np.arange(0.5, 4, 0.5))),
            Text("map", [0], [0], ["summit"], color="muted", anchor="middle", dy=8),
            Points("map", [0], [0], color="muted", size=3, shape="cross"),
            Line("slope", [0, 360], [0, 0], color="muted", width=1),
        ]

    def standing(place: str) -> list[Mark]:
        here = np.array(_PLACES[place])
        to = here + gradient_at(place)
        return [
            Arrows("map", here[:1], here[1:], to[:1], to[1:], color="orange", label="gradient"),
            Points("map", here[:1], here[1:], color="ink"),
        ]

    def all_around(place: str, everywhere: bool) -> Line:
        angles = np.arange(0, 361, 5.0) if everywhere else np.array([])
        return Line("slope", angles, [slope_along(a, place) for a in angles], color="blue")

    def walking(angle: float, place: str) -> list[Mark]:
        here = np.array(_PLACES[place])
        to = here + unit(angle)
        return [
            Arrows("map", here[:1], here[1:], to[:1], to[1:], color="blue", width=3, label="your direction"),
            Points("slope", [angle], [slope_along(angle, place)], color="blue", size=6),
        ]

    def direction(angle: float, place: str) -> Say:
        return Say("Going at {}° the slope is {}.", angle, slope_along(angle, place))

    def steepest(place: str, everywhere: bool) -> Say:
        gradient = gradient_at(place)
        length = float(np.linalg.norm(gradient))
        if length == 0:
            return Say("The gradient is zero: at the summit the ground is level in all directions.")
        if not everywhere:
            return Say("Which direction is steepest, and which is level?")
        angle = float(np.degrees(np.arctan2(gradient[1], gradient[0])) % 360)
        return Say(
            "The gradient points at {}° and has length {}: no direction is steeper. At right angles "
            "to it, at {}° and {}°, the slope is 0.",
            *(round(angle), length, *sorted(round(angle + turn) % 360 for turn in (90, 270))),
        )

    return Explorable(
        "gradient_descent.directional_derivative",
        title="Standing on a hill: how steep is it that way?",
        controls=[
            Slider(name="angle", label="your direction", low=0, high=360, num=73, start=90.0, unit="°"),
            Choice(
                name="place",
                label="standing",
                options={p: f"at the {p}" if p == "summit" else f"in the {p}" for p in _PLACES},
            ),
            Toggle(name="everywhere", label="show the slope in every direction"),
        ],
        panels=[
            Plot("map", Axis("x", -3.2, 3.2), Axis("y", -2.4, 2.4), equal=True),
            Plot(
                "slope",
                Axis("direction", 0, 360, ticks=[(a, f"{a}°") for a in (0, 90, 180, 270, 360)]),
                Axis("slope in this direction", -3, 3),
            ),
        ],
        parts=[map_of_hill, all_around, standing, walking],
        describe=[direction, steepest],
    )


RAVINE_STEPS = 40
_REACH = np.array([12.0, 6.0])  # a path that goes further out is cut off: it diverges
_RAVINE_START = (-9.0, 2.0)


def _inside(path: Array) -> Array:
    """Return the path up to where it leaves the picture for good, and NaN from there on."""
    kept = path.copy()
    gone = (np.abs(path) > 3 * _REACH).any(axis=1)
    if gone.any():
        kept[gone.argmax() + 1 :] = np.nan
        kept = np.clip(kept, -9 * _REACH, 9 * _REACH)
    return kept


def ravine() -> Explorable:
    """Show gradient descent, momentum and Adam in the same ravine."""

    @cache
    def plain(learning_rate: float, condition: float) -> Array:
        gradient = descent.ravine(condition).gradient
        return descent.descend(gradient, _RAVINE_START, SGD(learning_rate), RAVINE_STEPS)

    @cache
    def heavy_ball(learning_rate: float, momentum: float, condition: float) -> Array:
        gradient = descent.ravine(condition).gradient
        optimizer = Momentum(learning_rate, momentum)
        return descent.descend(gradient, _RAVINE_START, optimizer, RAVINE_STEPS)

    @cache
    def adam(learning_rate: float, condition: float) -> Array:
        gradient = descent.ravine(condition).gradient
        return descent.descend(gradient, _RAVINE_START, Adam(learning_rate), RAVINE_STEPS)

    def walls(condition: float) -> list[Mark]:
        x, y = np.linspace(-10, 10, 61), np.linspace(-5, 5, 41)
        heights = descent.ravine(condition).value(np.stack(np.meshgrid(x, y), axis=-1))
        levels = [0.02, 0.1, 0.3, 0.8, 1.8, 3.5, 6.0, 9.5]
        lines = [contours(panel, x, y, heights, levels) for panel in ("gd", "momentum", "adam")]
        bottom = [Points(p, [0], [0], color="green", shape="cross") for p in ("gd", "momentum", "adam")]
        return [*lines, *bottom]

    def drawn(
        panel: str,
        path: Array,
        condition: float,
        color: Color,
        label: str,
        width: float = 2,
        dash: bool = False,
    ) -> list[Mark]:
        shown = _inside(path)
        height = np.clip(descent.ravine(condition).value(path), 1e-6, 1e4)
        return [
            Line(panel, shown[:, 0], shown[:, 1], color=color, width=1.5, gaps=True),
            Line("height", np.arange(len(path)), height, color=color, width=width, dash=dash, label=label),
        ]

    def gd(learning_rate: float, condition: float) -> list[Mark]:
        path = plain(learning_rate, condition)
        return drawn("gd", path, condition, "orange", "gradient descent")

    def with_momentum(learning_rate: float, momentum: float, condition: float) -> list[Mark]:
        path = heavy_ball(learning_rate, momentum, condition)
        return drawn("momentum", path, condition, "blue", "momentum", width=3.5)

    def with_adam(learning_rate: float, condition: float) -> list[Mark]:
        path = adam(learning_rate, condition)
        return drawn("adam", path, condition, "purple", "Adam", dash=True)

    def outcome(name: str, path: Array, condition: float) -> Say:
        start, end = descent.ravine(condition).value(path[[0, -1]])
        if end > start:
            return Say(f"{name} diverges: it ends higher than it began.")
        return Say(f"{name} ends at height {{}}.", end)

    def said_gd(learning_rate: float, condition: float) -> Say:
        return outcome("Gradient descent", plain(learning_rate, condition), condition)

    def said_momentum(learning_rate: float, momentum: float, condition: float) -> Say:
        path = heavy_ball(learning_rate, momentum, condition)
        return outcome("Momentum", path, condition)

    def said_adam(learning_rate: float, condition: float) -> Say:
        return outcome("Adam", adam(learning_rate, condition), condition)

    def begin(condition: float) -> Say:
        start = float(descent.ravine(condition).value(np.array(_RAVINE_START)))
        return Say("All three start at height {} and take {} steps.", start, RAVINE_STEPS)

    across, along = Axis("x", -10, 10), Axis("y", -5, 5)
    return Explorable(
        "gradient_descent.ravine",
        title="Three ways down a ravine",
        controls=[
            Slider(
                name="learning_rate",
                label="learning rate",
                low=0.1,
                high=2.2,
                num=9,
                scale="log",
                start=1.0,
                marks=(0.1, 1.0, 1.9, 2.0, 2.1),
            ),
            Slider(
                name="momentum",
                label="momentum",
                low=0.0,
                high=0.95,
                num=2,
                start=0.8,
                marks=(0.0, 0.5, 0.8, 0.9, 0.95),
            ),
            Slider(
                name="condition",
                label="condition number",
                low=1,
                high=100,
                num=2,
                scale="log",
                start=30.0,
                marks=(1, 10, 30, 100),
            ),
        ],
        panels=[
            Plot("gd", across, along, title="Gradient descent", ratio=0.66, equal=True),
            Plot("momentum", across, along, title="Momentum", ratio=0.66, equal=True),
            Plot("adam", across, along, title="Adam", ratio=0.66, equal=True),
            Plot(
                "height",
                Axis("step", 0, RAVINE_STEPS),
                Axis("height", 1e-6, 1e4, scale="log"),
                ratio=0.66,
            ),
        ],
        parts=[walls, gd, with_momentum, with_adam],
        describe=[begin, said_gd, said_momentum, said_adam],
    )


EPOCHS = 4
NUM_SAMPLES = 64
_BATCH_SIZES = ("1", "2", "4", "8", "16", "32", "64")
_TRUE_LINE = np.array([1.5, 0.5])  # weight and bias behind the data


@cache
def _samples() -> tuple[Array, Array]:
    """Return inputs with a column of ones, shape (64, 2), and noisy targets, shape (64,)."""
    rng = np.random.default_rng(5)
    x = np.column_stack([rng.uniform(-1.5, 1.5, NUM_SAMPLES), np.ones(NUM_SAMPLES)])
    return x, x @ _TRUE_LINE + rng.normal(0, 0.5, NUM_SAMPLES)


def _cost(points: Array) -> Array:
    """Return the mean squared error of lines (..., 2) over all samples."""
    x, y = _samples()
    return np.asarray(((points @ x.T - y) ** 2).mean(axis=-1))


@cache
def _noisy_path(batch_size: str, learning_rate: float, shuffle: str) -> Array:
    """Return the line after every update of `EPOCHS` passes over freshly shuffled samples."""
    x, y = _samples()
    rng = np.random.default_rng(int(shuffle))
    num_batches = NUM_SAMPLES // int(batch_size)
    batches = iter([b for _ in range(EPOCHS) for b in np.split(rng.permutation(NUM_SAMPLES), num_batches)])

    def gradient(line: Array) -> Array:
        rows = next(batches)
        return np.asarray(2 * x[rows].T @ (x[rows] @ line - y[rows]) / len(rows))

    return descent.descend(gradient, [-1.5, 2.5], SGD(learning_rate), EPOCHS * num_batches)


def noise() -> Explorable:
    """Show stochastic gradient descent for every batch size from one sample to all."""
    x, y = _samples()
    best = np.asarray(np.linalg.lstsq(x, y, rcond=None)[0], dtype=np.float64)
    least = float(_cost(best))
    ends = np.array([-1.6, 1.6])

    def valley() -> list[Mark]:
        w, b = np.linspace(-2.2, 3.2, 70), np.linspace(-1.2, 3.2, 60)
        heights = _cost(np.stack(np.meshgrid(w, b), axis=-1))
        levels = list(least + np.array([0.05, 0.3, 1, 2.2, 4, 6.5, 10]))
        return [
            contours("map", w, b, heights, levels),
            Line("cost", [0, EPOCHS * NUM_SAMPLES], [least] * 2, color="green", dash=True),
            Points("data", x[:, 0], y, color="muted", size=3),
            Line("data", ends, best[0] * ends + best[1], color="green", dash=True, label="best line"),
        ]

    def other_sizes(learning_rate: float, shuffle: str) -> list[Mark]:
        costs = {n: _cost(_noisy_path(n, learning_rate, shuffle)) for n in _BATCH_SIZES}
        return [
            Line("cost", np.arange(len(c)) * int(n), c.clip(max=100), color="soft", width=0.8)
            for n, c in costs.items()
        ]

    def path(batch_size: str, learning_rate: float, shuffle: str) -> list[Mark]:
        points = _noisy_path(batch_size, learning_rate, shuffle)
        seen = np.arange(len(points)) * int(batch_size)
        near = points.clip(-20, 20)  # what is thrown far out of the picture need not be kept exactly
        return [
            Line("map", near[:, 0], near[:, 1], color="blue", width=1.5),
            Line("cost", seen, _cost(points).clip(max=100), color="blue", width=2.5),
            Line("data", ends, near[-1, 0] * ends + near[-1, 1], color="blue", label="line found"),
        ]

    def bottom() -> Points:
        return Points("map", best[:1], best[1:], color="green", shape="cross", label="least cost")

    def updates(batch_size: str) -> Say:
        count = EPOCHS * NUM_SAMPLES // int(batch_size)
        return Say("{} samples in batches of {}: {} updates.", EPOCHS * NUM_SAMPLES, int(batch_size), count)

    def result(batch_size: str, learning_rate: float, shuffle: str) -> Say:
        costs = _cost(_noisy_path(batch_size, learning_rate, shuffle))
        last = costs[-NUM_SAMPLES // int(batch_size) - 1 :]  # from where the last pass begins
        return Say(
            "The cost falls from {} to {}; the least possible is {}. In the last pass over the "
            "data it lies between {} and {}.",
            *(costs[0], costs[-1], least, last.min(), last.max()),
        )

    return Explorable(
        "gradient_descent.noise",
        title="How many samples for one step?",
        controls=[
            Choice(
                name="batch_size",
                label="batch size",
                options={n: n if n != "64" else "64 (all)" for n in _BATCH_SIZES},
                start="4",
            ),
            Slider(
                name="learning_rate",
                label="learning rate",
                low=0.02,
                high=0.56,
                num=4,
                scale="log",
                start=0.1,
                marks=(0.02, 0.1, 0.2, 0.56),
            ),
            Choice(name="shuffle", label="shuffle", options={"1": "first", "2": "second", "3": "third"}),
        ],
        panels=[
            Plot("map", Axis("weight w", -2.2, 3.2), Axis("bias b", -1.2, 3.2)),
            Plot(
                "cost",
                Axis("samples seen", 0, EPOCHS * NUM_SAMPLES),
                Axis("cost (grey: other batch sizes)", 0.1, 20, scale="log"),
            ),
            Plot("data", Axis("input x", -1.6, 1.6), Axis("target y", -3.5, 4), ratio=0.5),
        ],
        parts=[valley, other_sizes, path, bottom],
        describe=[updates, result],
    )
