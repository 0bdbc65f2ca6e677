"""The figures of the chapter on gradient descent and the learning rate."""

from __future__ import annotations

from functools import cache

import numpy as np

from nncourse import descent
from nncourse.explore import (
    Axis,
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
    View,
)
from nncourse.optimizers import SGD

__all__ = ["learning_rate"]

Array = descent.Array

NUM_STEPS = 10
_POWERS = ("≤ 10⁻⁶", "0.001", "1", "1000", "10⁶")
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


def learning_rate() -> Explorable:
    """Show gradient descent on y = 4x² for any learning rate."""

    def bowl() -> Line:
        # The window zooms out by powers of ten, so the curve is sampled evenly in log x.
        side = np.geomspace(0.1, 3e9, 300)
        x = np.concatenate([-side[::-1], [0.0], side])
        return Line("bowl", x, 4 * x**2, color="muted")

    def window(learning_rate: float, x0: float, steps: int) -> View:
        half = _window(float(np.abs(_path(learning_rate, x0)[: steps + 1]).max()))
        return View("bowl", x=(-half, half), y=(-0.2 * half**2, 4 * half**2))

    def ball(learning_rate: float, x0: float) -> list[Mark]:
        x = _path(learning_rate, x0)
        y, step = 4 * x**2, np.arange(NUM_STEPS + 1)
        distance = np.maximum(np.abs(x), 1e-6)
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
        return Say(
            "Learning rate {}: every step multiplies x by 1 − 8 · {} = {}.",
            learning_rate,
            learning_rate,
            1 - 8 * learning_rate,
        )

    def first_steps(learning_rate: float, x0: float) -> Say:
        x = _path(learning_rate, x0)[:3]
        return Say("In two steps x goes {}, {}, {} and y goes {}, {}, {}.", *x, *(4 * x**2))

    def verdict(learning_rate: float) -> str:
        if learning_rate < 0.125:
            return "The ball creeps down on one side and never crosses the bottom: it converges."
        if learning_rate == 0.125:
            return "The first step lands exactly at the bottom: the one best learning rate."
        if learning_rate < 0.25:
            return "The ball bounces from side to side, lower each time: it converges."
        if learning_rate == 0.25:
            return "The ball bounces between the same two points for ever."
        return "Each bounce lands farther out than the last: it diverges."

    return Explorable(
        "gradient_descent.learning_rate",
        title="A ball on y = 4x²: how far should each step go?",
        controls=[
            Slider(
                name="learning_rate",
                label="learning rate",
                low=0.001,
                high=1.1,
                num=40,
                scale="log",
                start=0.1,
                marks=(0.1, 0.125, 0.24, 0.25, 0.26, 1.0),
            ),
            Slider(name="x0", label="start x₀", low=-3, high=3, num=7, start=2.0),
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
                    ticks=[
                        (10.0**k, text) for k, text in zip(range(-6, 9, 3), _POWERS, strict=True)
                    ],
                ),
            ),
            Table("path", ["step", "x", "y = 4x²", "gradient"], rows=NUM_STEPS + 1),
        ],
        parts=[bowl, window, ball],
        describe=[factor, first_steps, verdict],
    )
