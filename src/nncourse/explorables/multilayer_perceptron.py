"""The figures of the chapter on the multilayer perceptron."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, reduce
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from nncourse.activations import identity, relu
from nncourse.arguments import Array
from nncourse.explore import (
    Area,
    Axis,
    Choice,
    Color,
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
    View,
    contours,
)
from nncourse.initializers import Initializer
from nncourse.layers import Linear, ReLU
from nncourse.network import MLP, Sequential
from nncourse.neurons import GATE_INPUTS, GATES

__all__ = [
    "collapse",
    "folding",
    "network_4_5_3",
    "network_4_5_3_2_2",
    "one_number",
    "shapes",
    "xor",
    "xor_network",
]

# ── Drawings of networks ────────────────────────────────────────────────────────────────────────


def _heights(size: int) -> Array:
    """Return the heights of a layer's units, centred on 0 and 1 apart, the first on top."""
    return np.asarray((size - 1) / 2 - np.arange(size), dtype=np.float64)


def _edges(panel: str, left: float, fan_in: int, right: float, fan_out: int) -> Line:
    """Return every connection between two layers that stand at x = left and x = right."""
    start, end = np.meshgrid(_heights(fan_in), _heights(fan_out), indexing="ij")
    lift = np.full(start.size, np.nan)
    x = np.column_stack([np.full(start.size, left), np.full(start.size, right), lift])
    y = np.column_stack([start.ravel(), end.ravel(), lift])
    return Line(panel, x.ravel(), y.ravel(), color="soft", width=1, gaps=True)


def _labelled_network(panel: str, sizes: Sequence[int], names: Sequence[str], ends: str) -> list[Mark]:
    """Return a fully connected network with the shape of everything that flows and is learned."""
    top = max(sizes) / 2
    marks: list[Mark] = [_edges(panel, k, a, k + 1, b) for k, (a, b) in enumerate(pairwise(sizes))]
    for k, size in enumerate(sizes):
        kind: Color = "blue" if k == 0 else "green" if k == len(sizes) - 1 else "ink"
        marks.append(Points(panel, np.full(size, k), _heights(size), color=kind, size=8))
        below, shape = [-top], [f"(n, {size})"]
        marks.append(Text(panel, [k], below, [names[k]], anchor="middle", dy=-22, bold=True))
        marks.append(Text(panel, [k], below, shape, color="muted", anchor="middle", dy=-39))
    for k, (a, b) in enumerate(pairwise(sizes)):
        for text, dy in ((f"W{ends[k]} ({a}, {b})", 25), (f"b{ends[k]} ({b},)", 8)):
            marks.append(Text(panel, [k + 0.5], [top], [text], color="purple", anchor="middle", dy=dy))
    return marks


def _network_picture(
    name: str, title: str, sizes: Sequence[int], names: Sequence[str], ends: str, said: str
) -> Explorable:
    top, last = max(sizes) / 2, len(sizes) - 1
    edge = 0.34 if last < 4 else 0.5
    return Explorable(
        f"multilayer_perceptron.{name}",
        title=title,
        controls=[],
        panels=[
            Plot(
                "network",
                Axis("layer", -edge, last + edge),
                Axis("unit", -top - 1.4, top + 1.2),
                ratio=0.66,
                bare=True,
            )
        ],
        parts=[lambda: _labelled_network("network", sizes, names, ends)],
        describe=lambda: said,
    )


def network_4_5_3() -> Explorable:
    """Draw the network with 4 inputs, 5 hidden units and 3 outputs, with all shapes."""
    return _network_picture(
        "network_4_5_3",
        "4–5–3: two weight matrices join three rows of units",
        (4, 5, 3),
        ("inputs X", "hidden H", "outputs O"),
        "ₕₒ",
        "Each of the 5 hidden units reads all 4 inputs, and each of the 3 outputs reads all 5 hidden "
        "units. So Wₕ has shape (4, 5) and Wₒ has shape (5, 3): the first number is the layer that a "
        "matrix reads, the second the layer that it fills. n rows go through at once.",
    )


def network_4_5_3_2_2() -> Explorable:
    """Draw the deeper network 4–5–3–2–2, with all shapes."""
    return _network_picture(
        "network_4_5_3_2_2",
        "4–5–3–2–2: four matrices, each beginning where the last one ended",
        (4, 5, 3, 2, 2),
        ("X", "H₁", "H₂", "H₃", "O"),
        "₁₂₃₄",
        "Four inputs, three hidden layers of 5, 3 and 2 units, and two outputs. The shapes chain like "
        "dominoes: (4, 5), (5, 3), (3, 2), (2, 2). Neighbours agree in the number where they touch.",
    )


# ── Two layers solve XOR ────────────────────────────────────────────────────────────────────────

XOR_WEIGHTS: Array = np.ones((2, 2))  # both hidden units add the two inputs
XOR_BIAS: Array = np.array([-0.5, -1.5])  # and differ in how much they ask for


def _step(z: npt.ArrayLike) -> Array:
    """Return 1 where z > 0 and 0 elsewhere, as the perceptron does."""
    return np.heaviside(np.asarray(z, dtype=np.float64), 0.0)


# For each activation: the function, the output's weights and its bias.
_XOR: dict[str, tuple[Callable[[npt.ArrayLike], Array], Array, float]] = {
    "step": (_step, np.array([1.0, -1.0]), -0.5),
    "relu": (relu, np.array([1.0, -3.0]), -0.25),
    "none": (identity, np.array([1.0, 1.0]), 1.0),
}
_CORNERS, _XOR_LABELS = np.asarray(GATE_INPUTS), np.asarray(GATES["XOR"])
MORPH_STEPS = 20


def _hidden(points: Array, activation: str) -> Array:
    return _XOR[activation][0](points @ XOR_WEIGHTS + XOR_BIAS)


def _score(hidden: Array, activation: str) -> Array:
    _, weights, bias = _XOR[activation]
    return np.asarray(hidden @ weights + bias)


def _on_the_way(points: Array, activation: str, morph: int) -> Array:
    """Return points that have gone morph/20 of the straight way from input to hidden space."""
    t = morph / MORPH_STEPS
    return (1 - t) * points + t * _hidden(points, activation)


def xor() -> Explorable:
    """Show the four points of XOR moving from input space to hidden space."""
    side = np.linspace(-0.3, 1.3, 17)
    plane = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    words = _CORNERS + np.array([[0, 0.17], [0, 0.17], [0, -0.17], [0, 0.17]])  # where labels stand
    free = (np.abs(plane[:, None] - words) > (0.28, 0.11)).any(axis=2).all(axis=1)
    plane = plane[free]
    ones, zeros = _CORNERS[_XOR_LABELS == 1], _CORNERS[_XOR_LABELS == 0]
    names = {1: ["(0, 1)", "(1, 0)"], 0: ["(0, 0)", "(1, 1)"]}
    edge = np.array([-0.5, 1.5])
    # Where x₁ + x₂ has to lie for a unit to be on.
    bands = {
        "step": {"h1": (0.5, 9.0), "h2": (1.5, 9.0), "out": (0.5, 1.5)},
        "relu": {"h1": (0.5, 9.0), "h2": (1.5, 9.0), "out": (0.75, 1.875)},
        "none": {"h1": (0.5, 9.0), "h2": (1.5, 9.0), "out": (0.5, 9.0)},
    }

    def lines() -> list[Mark]:
        return [
            Line("input", edge, 0.5 - edge, color="purple", label="unit 1"),
            Line("input", edge, 1.5 - edge, color="green", dash=True, label="unit 2"),
        ]

    def region(unit: str, activation: str) -> Area:
        low, high = bands[activation][unit]
        x = np.unique(np.clip(np.concatenate([edge, low - edge, high - edge]), -0.5, 1.5))
        lower, upper = np.clip(low - x, -0.5, 1.5), np.clip(high - x, -0.5, 1.5)
        return Area("input", x, lower, upper, color="blue", label="on")

    def corners() -> list[Mark]:
        return [
            Points("input", ones[:, 0], ones[:, 1], color="blue", size=7),
            Points("input", zeros[:, 0], zeros[:, 1], color="orange", size=6, shape="square"),
            *(
                Text("input", c[:, 0], c[:, 1], names[k], anchor="middle", dy=11)
                for k, c in ((1, ones), (0, zeros))
            ),
        ]

    def window(activation: str) -> View:
        low, high = (-1.75, 1.75) if activation == "none" else (-0.5, 1.7)
        return View("hidden", x=(low, high), y=(low, high))

    def border(activation: str) -> Line:
        _, (v1, v2), bias = _XOR[activation]
        x = np.array([-4.0, 4.0])
        return Line("hidden", x, -(v1 * x + bias) / v2, color="ink", label="the output's line")

    def moving(activation: str, morph: int) -> list[Mark]:
        says_one = _score(_hidden(plane, activation), activation) > 0
        on, off = (_on_the_way(plane[m], activation, morph) for m in (says_one, ~says_one))
        one, zero = (_on_the_way(c, activation, morph) for c in (ones, zeros))
        return [
            Points("hidden", off[:, 0], off[:, 1], color="orange", size=1.6),
            Points("hidden", on[:, 0], on[:, 1], color="blue", size=1.6),
            Points("hidden", zero[:, 0], zero[:, 1], color="orange", size=6, shape="square", label="XOR = 0"),
            Points("hidden", one[:, 0], one[:, 1], color="blue", size=7, label="XOR = 1"),
            Text("hidden", zero[:, 0], zero[:, 1], names[0], anchor="middle", dy=11),
            Text("hidden", one[:1, 0], one[:1, 1], names[1][:1], anchor="middle", dy=11),
            Text("hidden", one[1:, 0], one[1:, 1], names[1][1:], anchor="middle", dy=-19),
        ]

    def numbers(activation: str) -> list[Mark]:
        hidden = _hidden(_CORNERS, activation)
        says = _step(_score(hidden, activation))
        columns = (*_CORNERS.T, *hidden.T, says, _XOR_LABELS)
        return [Column("truth", k, column) for k, column in enumerate(columns)]

    def said_unit(unit: str, activation: str) -> Say:
        low, high = bands[activation][unit]
        who = {"h1": "Hidden unit 1", "h2": "Hidden unit 2", "out": "The output"}[unit]
        if high > 2:
            state = "positive" if activation == "none" and unit != "out" else "on"
            return Say(f"{who} is {state} where x₁ + x₂ is above {{}}: one side of a line.", low)
        return Say(who + " is on where x₁ + x₂ is between {} and {}: a band between lines.", low, high)

    def said_morph(activation: str, morph: int) -> Say:
        where = _on_the_way(_CORNERS, activation, morph)
        right = int(((_score(where, activation) > 0) == _XOR_LABELS).sum())
        if morph == 0:
            return Say("Before the points move, the output's line has {} of 4 right.", right)
        if morph < MORPH_STEPS:
            return Say("On the way to hidden space, the output's line has {} of 4 right.", right)
        if activation == "none":
            return Say(
                "In hidden space, without an activation, the four points stand in a row: a 0, both 1s "
                "on one spot, and a 0. No line gets more than {} of 4 right.",
                right,
            )
        return Say(
            "In hidden space (0, 1) and (1, 0) have become one point, and {} of 4 are right.",
            right,
        )

    return Explorable(
        "multilayer_perceptron.xor",
        title="What do two hidden units do to the plane?",
        controls=[
            Stepper(name="morph", label="on the way to hidden space", last=MORPH_STEPS, start=0),
            Choice(
                name="unit",
                label="unit shown in input space",
                options={"h1": "hidden unit 1", "h2": "hidden unit 2", "out": "output"},
            ),
            Choice(
                name="activation",
                label="activation of the hidden units",
                options={"step": "step", "relu": "ReLU", "none": "none"},
            ),
        ],
        panels=[
            Plot(
                "input",
                Axis("x₁", -0.5, 1.5),
                Axis("x₂", -0.5, 1.5),
                title="Input space",
                ratio=1.0,
                equal=True,
            ),
            Plot(
                "hidden",
                Axis("x₁ turning into h₁", -0.5, 1.7),
                Axis("x₂ turning into h₂", -0.5, 1.7),
                title="On the way to hidden space",
                ratio=1.0,
                equal=True,
            ),
            Table("truth", ["x₁", "x₂", "h₁", "h₂", "out", "XOR"], rows=4),
        ],
        parts=[region, lines, corners, window, border, moving, numbers],
        describe=[said_unit, said_morph],
    )


def xor_network() -> Explorable:
    """Draw the 2–2–1 network that computes XOR, with its nine numbers."""

    def drawing() -> list[Mark]:
        marks: list[Mark] = [
            Segments("network", [0, 0, 0, 0], [1, 1, 0, 0], [1] * 4, [1, 0, 1, 0], [0.5] * 4),
            Segments("network", [1, 1], [1, 0], [2, 2], [0.5, 0.5], [0.5, -0.5]),
            Points("network", [0, 0], [1, 0], color="blue", size=10),
            Points("network", [1, 1], [1, 0], color="ink", size=10),
            Points("network", [2], [0.5], color="green", size=10),
            Text("network", [0, 0], [1, 0], ["x₁", "x₂"], anchor="middle", dy=16, bold=True),
            Text("network", [1, 1], [1, 0], ["h₁", "h₂"], anchor="middle", dy=16, bold=True),
            Text("network", [2], [0.5], ["o"], anchor="middle", dy=16, bold=True),
            Text("network", [1, 2], [1, 0.5], ["b = −0.5", "b = −0.5"], anchor="middle", dy=32),
            Text("network", [1], [0], ["b = −1.5"], anchor="middle", dy=-24),
            Text("network", [0.5, 0.5], [1, 0], ["1", "1"], color="positive", anchor="middle", dy=5),
            Text("network", [0.28, 0.28], [0.72, 0.28], ["1", "1"], color="positive", dx=8, dy=-4),
            Text("network", [1.5], [0.75], ["1"], color="positive", anchor="middle", dy=8),
            Text("network", [1.5], [0.25], ["−1"], color="negative", anchor="middle", dy=-18),
        ]
        return marks

    return Explorable(
        "multilayer_perceptron.xor_network",
        title="Three neurons compute XOR",
        controls=[],
        panels=[Plot("network", Axis("x", -0.3, 2.3), Axis("y", -0.3, 1.4), ratio=0.5, bare=True)],
        parts=[drawing],
        describe=lambda: (
            "Both hidden units add x₁ and x₂ with weight 1. Unit 1 asks for a sum above 0.5 and "
            "computes OR, unit 2 asks for a sum above 1.5 and computes AND. The output takes the first "
            "with weight 1 and the second with weight −1, and asks for more than 0.5: one of the two, "
            "but not both."
        ),
    )


# ── One number of a matrix product ──────────────────────────────────────────────────────────────

PRODUCT_X: Array = np.array([[1.0, 2, -1, 1], [2, 1, 1, 3], [-1, 1, 2, 1]])
PRODUCT_W: Array = np.array([[1.0, -1, 2, -2, 1], [2, 1, -1, 2, 1], [1, -2, 3, 1, -1], [-2, 1, 1, -1, 2]])
PRODUCT_B: Array = np.array([0.0, 1, -1, 0, 2])


def one_number() -> Explorable:
    """Show which row and which column make one number of X @ W + b."""
    n, d_in = PRODUCT_X.shape
    d_out = PRODUCT_W.shape[1]
    result = PRODUCT_X @ PRODUCT_W + PRODUCT_B
    right, bias_row, below = d_in + 0.9, -5.0, -6.6  # where the blocks stand

    def cells(block: Array, x: float, y: float) -> Text:
        rows, columns = np.indices(block.shape)
        words = [f"{v:.0f}".replace("-", "−") for v in block.ravel()]
        xs, ys = (x + columns).ravel(), (y - rows).ravel()
        return Text("product", xs, ys, words, size=13, anchor="middle", dy=-4)

    def frame(x: float, y: float, rows: int, columns: int) -> Line:
        a, b, low, high = x - 0.5, x + columns - 0.5, y - rows + 0.5, y + 0.5
        return Line("product", [a, b, b, a, a], [low, low, high, high, low], color="soft", width=1)

    def shade(x: float, y: float, rows: int, columns: int, color: Color = "blue") -> Area:
        low, high = y - rows + 0.5, y + 0.5
        return Area("product", [x - 0.5, x + columns - 0.5], [low, low], [high, high], color=color)

    def blocks() -> list[Mark]:
        named = [
            ("X  (3, 4)", d_in / 2 - 0.5, below + 0.75),
            ("W  (4, 5)", right + d_out / 2 - 0.5, 0.75),
            ("b  (5,)", right - 1.3, bias_row - 0.12),
            ("X @ W + b  (3, 5)", right + d_out / 2 - 0.5, below - n - 0.05),
        ]
        return [
            cells(PRODUCT_X, 0, below),
            cells(PRODUCT_W, right, 0),
            cells(PRODUCT_B[None, :], right, bias_row),
            cells(result, right, below),
            frame(0, below, n, d_in),
            frame(right, 0, d_in, d_out),
            frame(right, bias_row, 1, d_out),
            frame(right, below, n, d_out),
            *(Text("product", [x], [y], [text], color="purple", anchor="middle") for text, x, y in named),
        ]

    def row_band(row: int) -> Area:
        return shade(0, below - (row - 1), 1, d_in)

    def column_band(unit: int) -> list[Mark]:
        x = right + unit - 1
        return [shade(x, 0, d_in, 1), shade(x, bias_row, 1, 1)]

    def meeting(row: int, unit: int) -> Area:
        return shade(right + unit - 1, below - (row - 1), 1, 1, "orange")

    def units() -> list[Mark]:
        return [
            _edges("layer", 0, d_in, 1, d_out),
            Points("layer", np.zeros(d_in), _heights(d_in), color="blue", size=9),
            Points("layer", np.ones(d_out), _heights(d_out), color="ink", size=9),
            Text("layer", [0], [2.75], ["one row of X"], color="purple", anchor="middle"),
            Text("layer", [1], [2.75], ["5 units"], color="purple", anchor="middle"),
        ]

    def entering(unit: int) -> list[Mark]:
        ends = np.full(d_in, _heights(d_out)[unit - 1])
        column = PRODUCT_W[:, unit - 1]
        return [
            Segments("layer", np.zeros(d_in), _heights(d_in), np.ones(d_in), ends, column / 3),
            Points("layer", [1.0], ends[:1], color="orange", size=12),
        ]

    def inputs(row: int) -> list[Mark]:
        values = PRODUCT_X[row - 1]
        return [
            Text("layer", [0], [y], Say("{}", v), size=13, anchor="end", dx=-16, dy=-4)
            for y, v in zip(_heights(d_in), values, strict=True)
        ]

    def outputs(row: int) -> list[Mark]:
        return [
            Text("layer", [1], [y], Say("{}", v), size=13, dx=18, dy=-4)
            for y, v in zip(_heights(d_out), result[row - 1], strict=True)
        ]

    def describe(row: int, unit: int) -> Say:
        x, w = PRODUCT_X[row - 1], PRODUCT_W[:, unit - 1]
        pairs = [v for pair in zip(x, w, strict=True) for v in pair]
        firsts = ["({})" if i and v < 0 else "{}" for i, v in enumerate(x)]
        seconds = ["({})" if v < 0 else "{}" for v in w]
        terms = " + ".join(f"{a} · {b}" for a, b in zip(firsts, seconds, strict=True))
        return Say(
            f"Row {{}}, unit {{}}: {terms}, plus the bias {{}}, is {{}}. "
            "A row of X meets a column of W; no other number takes part.",
            *(row, unit, *pairs, PRODUCT_B[unit - 1], result[row - 1, unit - 1]),
        )

    return Explorable(
        "multilayer_perceptron.one_number",
        title="Which numbers make one number of the result?",
        controls=[
            Slider(name="row", label="row of X (a sample)", low=1, high=n, start=2, integer=True),
            Slider(name="unit", label="column of W (a unit)", low=1, high=d_out, start=3, integer=True),
        ],
        panels=[
            Plot(
                "product",
                Axis("columns", -0.8, right + d_out - 0.3),
                Axis("rows", below - n - 0.3, 1.4),
                ratio=1.0,
                bare=True,
            ),
            Plot("layer", Axis("layer", -0.35, 1.35), Axis("unit", -2.7, 3.1), ratio=0.8, bare=True),
        ],
        parts=[row_band, column_band, meeting, blocks, units, entering, inputs, outputs],
        describe=describe,
    )


# ── Shapes ──────────────────────────────────────────────────────────────────────────────────────


def shapes() -> Explorable:
    """Draw a network of any sizes, with the shape of every array and the number of parameters."""

    def column(x: int, size: int, color: Color) -> Points:
        return Points("network", np.full(size, float(x)), _heights(size), color=color, size=8)

    def shape_below(x: int, size: int, batch: str) -> Text:
        there = [-4.0] if size else [-99.0]  # a layer that is not there has no shape
        return Text("network", [x], there, Say("({}, {})", int(batch), size), anchor="middle", dy=-31)

    def input_units(inputs: int) -> Points:
        return column(0, inputs, "blue")

    def hidden_units(hidden1: int) -> Points:
        return column(1, hidden1, "ink")

    def second_units(hidden2: int) -> Points:
        return column(2, hidden2, "ink")

    def output_units(outputs: int) -> Points:
        return column(3, outputs, "green")

    def first_edges(inputs: int, hidden1: int) -> Line:
        return _edges("network", 0, inputs, 1, hidden1)

    def second_edges(hidden1: int, hidden2: int) -> Line:
        return _edges("network", 1, hidden1, 2, hidden2)

    def third_edges(hidden2: int, outputs: int) -> Line:
        return _edges("network", 2, hidden2, 3, outputs)

    def long_edges(hidden1: int, hidden2: int, outputs: int) -> Line:
        return _edges("network", 1, 0 if hidden2 else hidden1, 3, outputs)

    def names(hidden2: int) -> list[Mark]:
        words = ["X", "H₁", "H₂" if hidden2 else "", "O"]
        return [Text("network", range(4), [-4.0] * 4, words, anchor="middle", dy=-14, bold=True)]

    def input_shape(inputs: int, batch: str) -> Text:
        return shape_below(0, inputs, batch)

    def hidden_shape(hidden1: int, batch: str) -> Text:
        return shape_below(1, hidden1, batch)

    def second_shape(hidden2: int, batch: str) -> Text:
        return shape_below(2, hidden2, batch)

    def output_shape(outputs: int, batch: str) -> Text:
        return shape_below(3, outputs, batch)

    def learned(x: float, index: str, fan_in: int, fan_out: int, there: bool = True) -> list[Mark]:
        y = 4.0 if there else 99.0
        texts = (
            (38, Say(f"W{index} ({{}}, {{}})", fan_in, fan_out)),
            (21, Say(f"b{index} ({{}},)", fan_out)),
            (4, Say("{} numbers", (fan_in + 1) * fan_out)),
        )
        return [Text("network", [x], [y], t, color="purple", anchor="middle", dy=dy) for dy, t in texts]

    def first_weights(inputs: int, hidden1: int) -> list[Mark]:
        return learned(0.5, "₁", inputs, hidden1)

    def second_weights(hidden1: int, hidden2: int) -> list[Mark]:
        return learned(1.5, "₂", hidden1, hidden2, there=hidden2 > 0)

    def third_weights(hidden2: int, outputs: int) -> list[Mark]:
        return learned(2.5, "₃", hidden2, outputs, there=hidden2 > 0)

    def long_weights(hidden1: int, hidden2: int, outputs: int) -> list[Mark]:
        return learned(2.0, "₂", hidden1, outputs, there=hidden2 == 0)

    def total(inputs: int, hidden1: int, hidden2: int, outputs: int) -> Say:
        sizes = [inputs, hidden1, *([hidden2] if hidden2 else []), outputs]
        weights = sum(a * b for a, b in pairwise(sizes))
        return Say(
            "The network learns {} numbers: {} weights and {} biases.",
            *(weights + sum(sizes[1:]), weights, sum(sizes[1:])),
        )

    def flow(batch: str) -> Say:
        rows = "One row goes" if batch == "1" else "{} rows go"
        return Say(
            rows + " through at once. The batch size stands in the shape of X, of every H and of O, "
            "and in no shape of a weight: a network does not know how many rows will come.",
            *([] if batch == "1" else [int(batch)]),
        )

    return Explorable(
        "multilayer_perceptron.shapes",
        title="Which shapes must fit, and how many numbers are learned?",
        controls=[
            Slider(name="inputs", label="inputs", low=1, high=6, start=4, integer=True),
            Slider(name="hidden1", label="hidden layer 1", low=1, high=8, start=5, integer=True),
            Slider(name="hidden2", label="hidden layer 2 (0: none)", low=0, high=6, start=0, integer=True),
            Slider(name="outputs", label="outputs", low=1, high=5, start=3, integer=True),
            Choice(
                name="batch",
                label="rows in a batch",
                options=["1", "2", "8", "32", "128"],
                start="8",
            ),
        ],
        panels=[Plot("network", Axis("layer", -0.42, 3.42), Axis("unit", -6.0, 6.6), ratio=0.78, bare=True)],
        parts=[
            *(first_edges, second_edges, third_edges, long_edges),
            *(input_units, hidden_units, second_units, output_units, names),
            *(input_shape, hidden_shape, second_shape, output_shape),
            *(first_weights, second_weights, third_weights, long_weights),
        ],
        describe=[total, flow],
    )


# ── Collapse ────────────────────────────────────────────────────────────────────────────────────

COLLAPSE_WIDTH = 12
_REACH = 2.0  # half the width of the window
_PLACES = ((-1.5, 0.0), (0.0, 0.0), (1.5, 0.0))


class _ScaledNormal(Initializer):
    """Gaussian numbers whose size suits the number of inputs: std = gain / √fan_in."""

    def __init__(self, gain: float) -> None:
        self.gain = gain

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[np.float64]:
        return rng.normal(0.0, self.gain / np.sqrt(shape[0]), shape)


def random_network(depth: int, activation: str, seed: int, width: int = COLLAPSE_WIDTH) -> MLP:
    """Return a random network with two inputs, `depth` weight layers and one output.

    The weights and biases depend on depth and seed only, not on the activation; but for the last
    bias, which is set so that the output at (0, 0) is 0.
    """
    rng = np.random.default_rng([seed, depth])
    sizes = [2, *[width] * (depth - 1), 1]
    network = MLP(sizes, activation=activation, rng=rng, weight_init=_ScaledNormal(2.0))
    for name, param in network.params.items():
        if name.endswith(".b"):
            param[...] = rng.normal(0.0, 0.7, param.shape)
    network.params[f"linear{depth}.b"][...] -= network.forward(np.zeros((1, 2)))[0]
    return network


def collapsed(network: Sequential) -> Array:
    """Return the product of all weight matrices."""
    linear = [layer.params["W"] for layer in network.layers.values() if isinstance(layer, Linear)]
    return reduce(np.matmul, linear)


def num_pieces(network: Sequential, points: Array) -> int:
    """Return into how many different on/off patterns of its ReLUs the points fall."""
    network.forward(points)
    on = [layer.inputs > 0 for layer in network.layers.values() if isinstance(layer, ReLU)]
    return len({row.tobytes() for row in np.packbits(np.concatenate(on, axis=1), axis=1)})


@cache
def _window(num: int) -> Array:
    side = np.linspace(-_REACH, _REACH, num)
    return np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)


def collapse() -> Explorable:
    """Show the decision boundary of a random deep network, with and without activation."""
    fine, coarse = 51, 29
    axis = np.linspace(-_REACH, _REACH, fine)

    @cache
    def built(depth: int, activation: str, net: str) -> MLP:
        return random_network(depth, activation, int(net))

    def slopes(network: MLP) -> Array:
        """Return the slope of the output along x₁ and x₂ at the three places, shape (3, 2)."""
        network.forward(np.array(_PLACES))
        return network.backward(np.ones((len(_PLACES), 1)))

    def picture(depth: int, activation: str, net: str) -> list[Mark]:
        network = built(depth, activation, net)
        scores = network.forward(_window(coarse))[:, 0].reshape(coarse, coarse)
        edge = network.forward(_window(fine))[:, 0].reshape(fine, fine)
        shade = np.round(12 * np.tanh(scores / np.abs(edge).mean())) / 12
        return [
            HeatMap("plane", shade, (-_REACH, _REACH), (-_REACH, _REACH), -1.6, 1.6),
            contours("plane", axis, axis, edge, [0.0], color="ink", width=2.2),
        ]

    def places() -> list[Mark]:
        x, y = np.array(_PLACES).T
        return [
            Points("plane", x, y, color="ink", shape="ring", size=5),
            Text("plane", x, y, ["A", "B", "C"], anchor="middle", dy=9, bold=True),
            Column("slope", 0, ["A", "B", "C"]),
        ]

    def table(depth: int, activation: str, net: str) -> list[Mark]:
        along = slopes(built(depth, activation, net))
        return [Column("slope", k + 1, [float(f"{v:.3g}") for v in along[:, k]]) for k in (0, 1)]

    def said(depth: int, activation: str, net: str) -> Say:
        network = built(depth, activation, net)
        if activation == "identity" or depth == 1:
            values = [float(f"{v:.3g}") for v in collapsed(network)[:, 0]]
            if depth == 1:
                return Say(
                    "A single layer has no between where an activation could stand. Its weights are {} "
                    "and {}, and its boundary is a straight line, whatever you choose.",
                    *values,
                )
            return Say(
                "{} matrices in a row, and their product has shape (2, 1) and two numbers: {} and {}. "
                "These are the slopes at A, at B and at C. The boundary is one straight line.",
                *(depth, *values),
            )
        if activation == "relu":
            return Say(
                "{} layers with ReLU: the slopes differ from place to place. In this window the "
                "function has at least {} flat pieces, and the boundary bends where they meet.",
                *(depth, num_pieces(network, _window(fine))),
            )
        return Say(
            "{} layers with tanh: the slopes differ from place to place, and the boundary is a smooth "
            "curve. No single matrix does what this network does.",
            depth,
        )

    return Explorable(
        "multilayer_perceptron.collapse",
        title="How far can a random network bend its boundary?",
        controls=[
            Slider(name="depth", label="depth (weight layers)", low=1, high=6, start=4, integer=True),
            Choice(
                name="activation",
                label="activation between the layers",
                options={"identity": "none", "tanh": "tanh", "relu": "ReLU"},
            ),
            Choice(name="net", label="random weights", options={"1": "first", "2": "second", "3": "third"}),
        ],
        panels=[
            Plot(
                "plane",
                Axis("x₁", -_REACH, _REACH),
                Axis("x₂", -_REACH, _REACH),
                title="The output: above 0 (blue), below 0 (orange), and the boundary between",
                ratio=0.75,
                equal=True,
            ),
            Table("slope", ["at", "along x₁", "along x₂"], rows=3, title="Slope of the output"),
        ],
        parts=[picture, places, table],
        describe=said,
    )


# ── Folding ─────────────────────────────────────────────────────────────────────────────────────

MAX_FOLDS = 7


def tent_network(depth: int) -> Sequential:
    """Return a ReLU network with `depth` hidden layers of 2 units that folds [0, 1] `depth` times.

    Each fold is the tent t(x) = 2 relu(x) − 4 relu(x − ½): up to 1 in the middle and down again.

    Examples
    --------
    >>> import numpy as np
    >>> tent_network(1).forward(np.array([[0.0], [0.25], [0.5], [1.0]])).ravel().tolist()
    [0.0, 0.5, 1.0, 0.0]
    """
    rng = np.random.default_rng(0)  # its weights are replaced at once
    network = MLP([1, *[2] * depth, 1], activation="relu", rng=rng)
    fold, ask = np.array([[2.0], [-4.0]]), np.array([[1.0, 1.0]])
    linear = [layer for layer in network.layers.values() if isinstance(layer, Linear)]
    for k, layer in enumerate(linear):
        weight = ask if k == 0 else fold if k == depth else fold @ ask
        layer.params["W"][...] = weight
        layer.params["b"][...] = 0.0 if k == depth else [0.0, -0.5]
    return network


def folding() -> Explorable:
    """Show how many straight pieces a narrow deep network makes, against a shallow one."""

    def curve(depth: int) -> list[Mark]:
        x = np.arange(2**depth + 1) / 2**depth
        y = tent_network(depth).forward(x[:, None])[:, 0]
        return [Line("curve", x, y, color="blue")]

    def pieces(depth: int) -> list[Mark]:
        units = np.arange(1, depth + 1) * 2.0
        return [
            Line("pieces", units, units + 1, color="orange", dash=True),
            Points("pieces", units, units + 1, color="orange", shape="square", label="one layer: at most"),
            Line("pieces", units, 2.0 ** (units / 2), color="blue"),
            Points("pieces", units, 2.0 ** (units / 2), color="blue", label="layers of 2: folding"),
            Points("pieces", units[-1:], 2.0 ** (units[-1:] / 2), color="ink", shape="ring", size=8),
        ]

    def describe(depth: int) -> Say:
        if depth == 1:
            return Say("One hidden layer of 2 units: {} straight pieces, and at most {}.", 2, 3)
        return Say(
            "{} hidden layers of 2 units, {} units in all: {} straight pieces. One hidden layer with as "
            "many units makes at most {}.",
            *(depth, 2 * depth, 2**depth, 2 * depth + 1),
        )

    return Explorable(
        "multilayer_perceptron.folding",
        title="What does one more layer of two units do?",
        controls=[Slider(name="depth", label="hidden layers", low=1, high=MAX_FOLDS, start=1, integer=True)],
        panels=[
            Plot("curve", Axis("input x", 0, 1), Axis("output", 0, 1.05)),
            Plot(
                "pieces",
                Axis("hidden units", 1, 2 * MAX_FOLDS + 1),
                Axis("straight pieces", 1, 200, scale="log"),
            ),
        ],
        parts=[curve, pieces],
        describe=describe,
    )
