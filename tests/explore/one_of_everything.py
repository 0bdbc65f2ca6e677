"""A figure with every kind of control, panel and mark, so that tests cover those the book lacks."""

from __future__ import annotations

import numpy as np

from nncourse.explore import (
    Area,
    Arrows,
    Axis,
    Bars,
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
    View,
    contours,
    network,
)


def everything(words: str = "words") -> Explorable:
    """Every kind of control, panel and mark in one figure."""
    x = np.linspace(0, 2, 5)

    def marks(size: float, color: str, on: bool) -> list[Mark]:
        a = size if on else size / 2
        return [
            View("all", x=(-1, 3), y=(-1, 3)),
            HeatMap("all", np.outer(x, x) - a, (0, 2), (0, 2), smooth=on),
            Area("all", x, x - a, x + a, label=words),
            Bars("all", x, 0 * x, a * x, width=0.2),
            Line("all", x, a * x, dash=on, color=color, label=words),  # type: ignore[arg-type]
            Points("all", x, x, shape="ring" if on else "square"),
            Points("all", x[:0], x[:0]),
            Arrows("all", x, x, x + a, x),
            Segments("all", x, x, x + 1, x, a * (x - 1)),
            Text("all", [0, 1], [1, 0], [words, "x"], bold=True),
            Text("all", [1], [1], Say("a = {}", a), anchor="middle", dx=3, dy=3),
            contours("all", x, x, np.outer(x, x), [a, 99.0]),
        ]

    def steps(step: int) -> list[Mark]:
        count = np.arange(6)
        return [
            Line("log", count, 10.0**count, shown="step"),
            Points("log", count, 10.0**count, shown="step"),
            Column("t", 0, count, shown="step"),
            Column("t", 1, [words] * 6, shown="step"),
        ]

    def net(size: float) -> list[Mark]:
        return network("net", [np.full((2, 3), size), np.full((3, 1), -size)])

    return Explorable(
        "chapter.everything",
        title=f"Everything: {words}",
        controls=[
            Slider(name="size", label=words, low=0.1, high=10, scale="log", start=1, marks=(1, 5)),
            Choice(name="color", label="colour", options={"blue": "Blue", "red": words}),
            Toggle(name="on", label="on"),
            Stepper(name="step", label="step", last=5, start=2),
        ],
        panels=[
            Plot("all", Axis(words, -1, 3), Axis("y", -1, 3), title=words, equal=True),
            Plot("log", Axis("step", 0, 5), Axis("y", 1, 1e5, scale="log")),
            Plot("net", Axis("layer", -0.2, 2.2), Axis("unit", 0, 1), bare=True),
            Table("t", ["step", words], rows=6, title=words),
        ],
        parts=[marks, steps, net],
        describe=[
            lambda size: Say(f"Size {{}} of {words}.", size),
            lambda on: "It is on." if on else "It is off.",
        ],
    )
