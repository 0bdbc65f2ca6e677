"""The figures of the chapter on the neuron."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise, product
from typing import Literal

import numpy as np

from nncourse import data, neurons
from nncourse.arguments import Array
from nncourse.explore import (
    Area,
    Arrows,
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
    Slider,
    Stepper,
    Table,
    Text,
    Toggle,
    View,
    contours,
)

__all__ = [
    "all_neurons",
    "biological_neuron",
    "family",
    "gates",
    "mcculloch_pitts",
    "one_neuron",
    "perceptron_learning",
    "squeeze",
    "weighted_unit",
]

Labels = neurons.Labels
Shape = Literal["circle", "square", "cross", "ring"]

_CORNERS = neurons.GATE_INPUTS
_GATE_NAMES = tuple(neurons.GATES)
_PEN_UP = np.full((1, 2), np.nan)


def _joined(pieces: Sequence[Array]) -> Array:
    """Return several curves, each of shape (n, 2), as one with gaps between them."""
    return np.concatenate([row for piece in pieces for row in (piece, _PEN_UP)][:-1])


def _strokes(panel: str, pieces: Sequence[Array], width: float, color: Color = "ink") -> Line:
    path = _joined(pieces)
    return Line(panel, path[:, 0], path[:, 1], color=color, width=width, gaps=True)


def _circle(x: float, y: float, radius: float, squash: float = 1.0) -> Array:
    angle = np.linspace(0, 2 * np.pi, 41)
    return np.column_stack([x + radius * np.cos(angle), y + squash * radius * np.sin(angle)])


def _point(row: Array) -> str:
    """Write a point as ``(0, 1)``."""
    return f"({row[0]:g}, {row[1]:g})".replace("-", "−")


# ── The cell ────────────────────────────────────────────────────────────────────────────────────


def _twig(x: float, y: float, angle: float, length: float, depth: int, spread: float) -> list[list[Array]]:
    """Return the branches of a tree that splits in two `depth` times, thickest first."""
    t = np.linspace(0, 1, 7)
    bend = angle + 0.25 * np.sin(3 * angle + depth) * t  # nothing that grows is straight
    path = np.column_stack([x + length * t * np.cos(bend), y + length * t * np.sin(bend)])
    levels = [[path]]
    if depth:
        arms = [
            _twig(path[-1, 0], path[-1, 1], bend[-1] + side, 0.72 * length, depth - 1, spread)
            for side in (-spread, spread)
        ]
        levels += [left + right for left, right in zip(*arms, strict=True)]
    return levels


def biological_neuron() -> Explorable:
    """Draw a nerve cell with the names of its parts; it has no controls."""
    middle = (4.3, 3.2)

    def cell() -> list[Mark]:
        trees = []
        for degrees in (98, 138, 176, 214, 252):
            angle = np.radians(degrees)
            x, y = middle[0] + 0.85 * np.cos(angle), middle[1] + 0.8 * np.sin(angle)
            trees.append(_twig(x, y, angle, 1.0, 2, 0.42))
        thick, thin, fine = ([b for tree in trees for b in tree[level]] for level in range(3))
        along = np.linspace(0, 1, 30)
        axon = np.column_stack([5.15 + 4.45 * along, 3.2 + 0.12 * np.sin(2 * np.pi * along)])
        ends = [_twig(9.6, 3.2, angle, 0.75, 1, 0.4) for angle in (-0.75, 0.0, 0.75)]
        stems, fingers = ([b for end in ends for b in end[level]] for level in range(2))
        bulbs = np.array([finger[-1] for finger in fingers])
        side = np.linspace(-0.85, 0.85, 41)
        bulge = 0.78 * np.sqrt(np.clip(1 - (side / 0.85) ** 2, 0, None))
        return [
            _strokes("cell", thick, 5),
            _strokes("cell", thin, 3),
            _strokes("cell", fine, 1.5),
            _strokes("cell", [axon], 4),
            _strokes("cell", stems, 2.5),
            _strokes("cell", fingers, 1.5),
            Points("cell", bulbs[:, 0], bulbs[:, 1], color="green", size=3.5),
            Area("cell", middle[0] + side, middle[1] - bulge, middle[1] + bulge, color="orange"),
            _strokes("cell", [_circle(*middle, 0.85, 0.92)], 2.5),
            _strokes("cell", [_circle(*middle, 0.3)], 2, "orange"),
        ]

    def names() -> list[Mark]:
        x, y = [1.3, 6.2, 7.6, 10.6], [6.35, 5.6, 3.75, 5.6]
        leaders = [
            np.array([[1.5, 6.2], [2.6, 4.9]]),
            np.array([[5.9, 5.4], [4.8, 3.85]]),
            np.array([[10.8, 5.45], [10.9, 4.2]]),
            np.array([[4.42, 2.95], [5.4, 1.5]]),
        ]
        return [
            _strokes("cell", leaders, 1, "muted"),
            Text("cell", x, y, ["dendrites", "cell body", "axon", "terminals"], anchor="middle", bold=True),
            Text("cell", [5.3], [1.15], ["nucleus"]),
            Arrows("cell", [6.4], [2.6], [8.4], [2.6], color="blue"),
            Text("cell", [7.4], [2.0], ["signal"], color="blue", anchor="middle"),
            Text(
                "cell",
                [1.5, 5.4, 10.4],
                [-0.5] * 3,
                ["≈ inputs", "≈ sum and threshold", "≈ output"],
                color="blue",
                anchor="middle",
            ),
        ]

    def describe() -> str:
        return (
            "A nerve cell collects signals on its dendrites (left): from thousands of others, in the "
            "cortex. They flow together in the cell body. If enough arrive at once, the cell fires: a pulse "
            "runs along the axon to its terminals (right), which pass it on to other cells. In blue: "
            "what the model keeps of each part."
        )

    return Explorable(
        "neuron.biological_neuron",
        title="A nerve cell, and what the model keeps of it",
        controls=[],
        panels=[Plot("cell", Axis("x", 0, 12), Axis("y", -0.8, 6.8), ratio=0.63, equal=True, bare=True)],
        parts=[cell, names],
        describe=describe,
    )


# ── The units ───────────────────────────────────────────────────────────────────────────────────


def mcculloch_pitts() -> Explorable:
    """Show the unit of 1943: two inputs that excite, one that may veto, and a threshold."""
    heights = (4.9, 3.0, 1.1)

    def unit(veto: bool, threshold: int) -> neurons.McCullochPitts:
        return neurons.McCullochPitts(threshold, [False, False, veto])

    def fires(x1: bool, x2: bool, x3: bool, veto: bool, threshold: int) -> bool:
        return bool(unit(veto, threshold).fire([[x1, x2, x3]])[0])

    def inputs(x1: bool, x2: bool, x3: bool, veto: bool) -> list[Mark]:
        marks: list[Mark] = []
        for i, (on, y) in enumerate(zip((x1, x2, x3), heights, strict=True), start=1):
            stops = i == 3 and veto
            lit: Color = "red" if stops else "blue"
            color: Color = lit if on else "soft"
            way = np.array([3.4, 3.0 - y]) / np.hypot(3.4, 3.0 - y)
            start, end = np.array([1.6, y]) + 0.3 * way, np.array([5.0, 3.0]) - 1.12 * way
            marks += [
                Line("unit", [start[0], end[0]], [start[1], end[1]], color=color, dash=not on),
                Points("unit", [1.6], [y], color=color, size=9, shape=_lamp(on)),
                Text("unit", [1.6], [y], [f"x{'₁₂₃'[i - 1]} = {int(on)}"], anchor="middle", dy=15),
                Points(
                    "unit",
                    end[:1],
                    end[1:],
                    color=color,
                    size=6 if stops else 3.5,
                    shape="ring" if stops else "circle",
                ),
            ]
        kind = "inhibits: a veto" if veto else "excites"
        return [*marks, Text("unit", [1.6], [heights[2]], [kind], color="muted", anchor="middle", dy=-22)]

    def body(x1: bool, x2: bool, x3: bool, veto: bool, threshold: int) -> list[Mark]:
        on = fires(x1, x2, x3, veto, threshold)
        return [
            _strokes("unit", [_circle(5.0, 3.0, 1.0)], 3 if on else 2, "green" if on else "muted"),
            Text("unit", [5.0], [3.0], [f"≥ {threshold}?"], anchor="middle", size=14, dy=-5),
            Arrows("unit", [6.0], [3.0], [8.3], [3.0], color="green" if on else "soft"),
            Points("unit", [8.9], [3.0], color="green" if on else "soft", size=9, shape=_lamp(on)),
            Text("unit", [8.9], [3.0], [f"y = {int(on)}"], anchor="middle", dy=14),
        ]

    def describe(x1: bool, x2: bool, x3: bool, veto: bool, threshold: int) -> Say:
        excitation = int(x1) + int(x2) + (0 if veto else int(x3))
        if veto and x3:
            return Say(
                "x₃ is on and inhibits. Its veto silences the unit, whatever else arrives: y = 0. "
                "The exciting inputs, {} of them on, do not matter.",
                excitation,
            )
        inputs_are = "input is" if excitation == 1 else "inputs are"
        outcome = "the unit fires, y = 1" if excitation >= threshold else "the unit is silent, y = 0"
        return Say(
            f"{{}} exciting {inputs_are} on and the threshold is {{}}: {outcome}.", excitation, threshold
        )

    return Explorable(
        "neuron.mcculloch_pitts",
        title="The unit of 1943: when does it fire?",
        controls=[
            Toggle(name="x1", label="x₁ is on", start=True),
            Toggle(name="x2", label="x₂ is on", start=True),
            Toggle(name="x3", label="x₃ is on"),
            Toggle(name="veto", label="x₃ inhibits", start=True),
            Slider(name="threshold", label="threshold", low=1, high=3, num=3, start=2, integer=True),
        ],
        panels=[Plot("unit", Axis("x", 0, 10), Axis("y", 0.1, 5.9), ratio=0.58, equal=True, bare=True)],
        parts=[inputs, body],
        describe=describe,
    )


def _lamp(on: bool) -> Shape:
    return "circle" if on else "ring"


def weighted_unit() -> Explorable:
    """Draw the weighted unit: inputs, weights, sum, threshold, output; it has no controls."""
    heights = np.array([5.0, 3.6, 1.0])

    def drawing() -> list[Mark]:
        end = np.column_stack([np.full(3, 4.6), 3.0 + 0.25 * (heights - 3.0)])
        half = 1.4 + 0.45 * (end - np.column_stack([np.full(3, 1.4), heights]))
        middle = heights + 0.45 * (end[:, 1] - heights)
        step = np.array([[7.0, 2.6], [7.7, 2.6], [7.7, 3.4], [8.4, 3.4]])
        box = np.array([[6.8, 2.2], [8.6, 2.2], [8.6, 3.8], [6.8, 3.8], [6.8, 2.2]])
        return [
            Arrows("unit", [1.4] * 3, heights, end[:, 0], end[:, 1], color="muted"),
            Points("unit", [1.1] * 3, heights, color="blue", size=8),
            Text("unit", [0.75] * 3, heights, ["I₁", "I₂", "Iₙ"], anchor="end", dy=-4, size=14),
            Text("unit", [1.1], [2.25], ["⋮"], anchor="middle", size=16),
            Text("unit", half[:, 0], middle, ["W₁", "W₂", "Wₙ"], anchor="middle", dy=7, size=14),
            _strokes("unit", [_circle(5.3, 3.0, 0.75)], 2.5),
            Text("unit", [5.3], [3.0], ["Σ"], anchor="middle", dy=-8, size=22),
            Arrows("unit", [6.05], [3.0], [6.75], [3.0], color="muted"),
            _strokes("unit", [box], 2.5),
            _strokes("unit", [step], 2.5, "orange"),
            Arrows("unit", [8.6], [3.0], [10.1], [3.0], color="muted"),
            Text("unit", [10.3], [3.0], ["y"], dy=-4, size=14),
            Text(
                "unit",
                [0.6, 2.75, 5.3, 7.7, 10.4],
                [0.1] * 5,
                ["inputs", "weights", "sum", "threshold T", "output"],
                anchor="middle",
                color="muted",
            ),
        ]

    def describe() -> str:
        return (
            "Each input I is multiplied by the weight W of its connection, the products are added, and "
            "the sum meets the threshold T: the output y jumps from 0 to 1 where the sum passes it."
        )

    return Explorable(
        "neuron.weighted_unit",
        title="Weigh, add, compare",
        controls=[],
        panels=[Plot("unit", Axis("x", 0, 11), Axis("y", -0.2, 5.6), ratio=0.56, equal=True, bare=True)],
        parts=[drawing],
        describe=describe,
    )


# ── Gates and lines ─────────────────────────────────────────────────────────────────────────────

_LINES = {"AND": -1.5, "OR": -0.5, "NAND": -1.5, "NOR": -0.5}  # b of a line x1 + x2 + b = 0


def gates() -> Explorable:
    """Draw the six gates with a separating line where there is one; it has no controls."""

    def drawing() -> list[Mark]:
        marks: list[Mark] = []
        for i, (name, outputs) in enumerate(neurons.GATES.items()):
            corner = np.array([3.0 * (i % 3) + 0.8, 3.4 - 3.1 * (i // 3)])
            at = corner + 1.3 * _CORNERS
            on, off = at[outputs == 1], at[outputs == 0]
            frame = np.array([[0, 1.6], [0, 0], [1.6, 0]]) + corner
            labelled = i == 0
            marks += [
                _strokes("gates", [frame], 1, "soft"),
                Text("gates", corner[:1] + 0.65, corner[1:] + 1.95, [name], anchor="middle", bold=True),
                Points("gates", on[:, 0], on[:, 1], size=6, label="output 1" if labelled else ""),
                Points(
                    "gates",
                    off[:, 0],
                    off[:, 1],
                    color="orange",
                    size=6,
                    shape="ring",
                    label="output 0" if labelled else "",
                ),
            ]
            if name in _LINES:
                ends = (
                    np.array([-_LINES[name] + 0.25, -0.25])
                    if name in ("OR", "NOR")
                    else np.array([1.25, 0.25])
                )
                line = neurons.separating_line([1.0, 1.0], _LINES[name], ends)
                marks.append(
                    Line("gates", corner[0] + 1.3 * ends, corner[1] + 1.3 * line, color="green", width=2.5)
                )
            else:
                marks.append(
                    Text("gates", corner[:1] + 0.65, corner[1:] + 0.65, ["no line"], anchor="middle", dy=-4)
                )
        return marks

    def truth_table() -> list[Mark]:
        columns = [*_CORNERS.T, *neurons.GATES.values()]
        return [Column("table", i, column) for i, column in enumerate(columns)]

    def describe() -> str:
        return (
            "In four of the six pictures one straight line has all filled points on one side and all "
            "rings on the other. In XOR and XNOR equal points stand at opposite corners, and no line "
            "parts them. A gate and its negation share a line: only the side that fires differs."
        )

    return Explorable(
        "neuron.gates",
        title="Six gates on two inputs",
        controls=[],
        panels=[
            Plot("gates", Axis("x", 0, 9), Axis("y", -0.3, 6), ratio=0.7, equal=True, bare=True),
            Table("table", ["x₁", "x₂", *_GATE_NAMES], rows=4),
        ],
        parts=[drawing, truth_table],
        describe=describe,
    )


_LOW, _HIGH = -0.75, 1.75  # the window around the unit square


def _border(w1: float, w2: float, b: float) -> Array:
    """Return two points of the line w1 x1 + w2 x2 + b = 0 well outside the window, shape (2, 2)."""
    size = w1**2 + w2**2
    if size == 0:
        return np.full((2, 2), -9.0)  # there is none: out of sight
    near = np.array([0.25, 0.75])  # an arrow from the foot of this point seldom hits a corner
    foot = near - np.array([w1, w2]) * (w1 * near[0] + w2 * near[1] + b) / size
    along = 3.0 * np.array([-w2, w1]) / np.sqrt(size)
    return np.array([foot - along, foot + along])


def _firing(panel: str, w1: float, w2: float, b: float) -> Area:
    """Return the half-plane where the neuron fires, cut to a large square."""
    far = 100.0
    if w2 != 0:
        x = np.array([_LOW - 1, _HIGH + 1])
        border = neurons.separating_line([w1, w2], b, x)
        low, high = (border, np.full(2, far)) if w2 > 0 else (np.full(2, -far), border)
        return Area(panel, x, low, high, label="fires: output 1")
    left, right = -far, far
    if w1 > 0:
        left = -b / w1
    elif w1 < 0:
        right = -b / w1
    elif b <= 0:
        left = right
    return Area(panel, [left, right], [-far] * 2, [far] * 2, label="fires: output 1")


def _sums(w1: float, w2: float, b: float) -> Array:
    return np.asarray(_CORNERS @ np.array([w1, w2]) + b)


def one_neuron() -> Explorable:
    """Show a neuron's line among the four inputs of a gate."""

    def half_plane(w1: float, w2: float, b: float) -> list[Mark]:
        ends = _border(w1, w2, b)
        foot = ends.mean(axis=0)
        to = foot + 0.25 * np.array([w1, w2])
        return [
            _firing("plane", w1, w2, b),
            Line("plane", ends[:, 0], ends[:, 1], color="green", width=2.5, gaps=True, label="w · x + b = 0"),
            Arrows("plane", foot[:1], foot[1:], to[:1], to[1:], color="green", label="direction of w"),
        ]

    def corners(gate: str) -> list[Mark]:
        wanted = neurons.GATES[gate]
        on, off = _CORNERS[wanted == 1], _CORNERS[wanted == 0]
        return [
            Points("plane", on[:, 0], on[:, 1], size=7, label="should be 1"),
            Points("plane", off[:, 0], off[:, 1], color="orange", size=7, shape="ring", label="should be 0"),
        ]

    def is_right(w1: float, w2: float, b: float, gate: str) -> Labels:
        return np.asarray((_sums(w1, w2, b) > 0) == neurons.GATES[gate], dtype=np.int64)

    def mistakes(w1: float, w2: float, b: float, gate: str) -> list[Mark]:
        wrong = _CORNERS[is_right(w1, w2, b, gate) == 0]
        return [Points("plane", wrong[:, 0], wrong[:, 1], color="red", size=10, shape="cross", label="wrong")]

    def inputs() -> Column:
        return Column("table", 0, [f"{x1:g}, {x2:g}" for x1, x2 in _CORNERS])

    def sums(w1: float, w2: float, b: float) -> list[Mark]:
        z = _sums(w1, w2, b)
        return [Column("table", 1, z), Column("table", 2, (z > 0).astype(float))]

    def wanted(w1: float, w2: float, b: float, gate: str) -> Column:
        right = is_right(w1, w2, b, gate)
        return Column(
            "table", 3, [f"{t} {'✓' if r else '✗'}" for t, r in zip(neurons.GATES[gate], right, strict=True)]
        )

    def count(w1: float, w2: float, b: float, gate: str) -> str:
        num = int(is_right(w1, w2, b, gate).sum())
        if num == 4:
            return f"All 4 right: this neuron is {'an' if gate[0] in 'AO' else 'a'} {gate} gate."
        if num == 3 and gate in ("XOR", "XNOR"):
            return f"3 of 4 right, and for {gate} no line does better."
        return f"{num} of 4 right for {gate}."

    def line(w1: float, w2: float, b: float) -> str:
        if w1 == 0 and w2 == 0:
            return f"With both weights 0 there is no line: the output is {int(b > 0)} everywhere."
        return "The arrow shows w: it stands at a right angle to the line and points to the side that fires."

    return Explorable(
        "neuron.one_neuron",
        title="One neuron, four points: can you make the gate?",
        controls=[
            Choice(name="gate", label="gate", options=_GATE_NAMES),
            Slider(name="w1", label="weight w₁", low=-2, high=2, num=9, start=1.0),
            Slider(name="w2", label="weight w₂", low=-2, high=2, num=9, start=1.0),
            Slider(name="b", label="bias b", low=-2.5, high=2.5, num=11, start=-0.5),
        ],
        panels=[
            Plot("plane", Axis("x₁", _LOW, _HIGH), Axis("x₂", _LOW, _HIGH), equal=True, ratio=0.85),
            Table("table", ["x", "sum z", "output", "wanted"], rows=4),
        ],
        parts=[half_plane, corners, mistakes, inputs, sums, wanted],
        describe=[count, line],
    )


_MAP = np.linspace(-3, 3, 49)  # weights on the map of all neurons


def all_neurons() -> Explorable:
    """Show how many of a gate's four outputs every neuron of a whole plane gets right."""
    w1, w2 = np.meshgrid(_MAP, _MAP)
    weights = np.stack([w1, w2], axis=-1)  # (rows, columns, 2)

    def outputs(b: float) -> Labels:
        return np.asarray(weights @ _CORNERS.T + b > 0, dtype=np.int64)  # (rows, columns, 4)

    def num_right(gate: str, b: float) -> Array:
        return np.asarray((outputs(b) == neurons.GATES[gate]).sum(axis=-1), dtype=np.float64)

    def heat(gate: str, b: float) -> list[Mark]:
        right = num_right(gate, b)
        edge = (_MAP[1] - _MAP[0]) / 2
        reach = (-3 - edge, 3 + edge)
        return [
            HeatMap("map", right, reach, reach, low=0, high=6.5, palette="sequential", smooth=False),
            contours("map", _MAP, _MAP, right, [3.5], color="green", width=3),
        ]

    def numbers(gate: str, b: float) -> Text:
        """Write its count into every region whose neurons answer alike."""
        right, answer = num_right(gate, b), outputs(b) @ np.array([8, 4, 2, 1])
        regions = [answer == a for a in np.unique(answer) if (answer == a).sum() >= 12]
        return Text(
            "map",
            [float(w1[r].mean()) for r in regions],
            [float(w2[r].mean()) for r in regions],
            [f"{int(right[r][0])}" for r in regions],
            anchor="middle",
            size=15,
            bold=True,
            dy=-5,
        )

    def describe(gate: str, b: float) -> Say:
        right = num_right(gate, b)
        if right.max() == 4:
            return Say(
                f"At b = {{}} the outlined neurons get all four outputs of {gate} right: {{}} of the {{}} "
                "on this map.",
                *(b, (right == 4).sum(), right.size),
            )
        return Say(
            f"At b = {{}} none of the {{}} neurons on this map gets all four outputs of {gate} right. "
            "The best get {}.",
            *(b, right.size, right.max()),
        )

    return Explorable(
        "neuron.all_neurons",
        title="Every place on this map is a neuron: how many of four does it get right?",
        controls=[
            Choice(name="gate", label="gate", options=_GATE_NAMES),
            Slider(name="b", label="bias b", low=-2.5, high=2.5, num=11, start=-1.5),
        ],
        panels=[Plot("map", Axis("weight w₁", -3, 3), Axis("weight w₂", -3, 3), equal=True, ratio=0.9)],
        parts=[heat, numbers],
        describe=describe,
    )


# ── Learning ────────────────────────────────────────────────────────────────────────────────────

UPDATES = 36
_LEARNING_LOW = -1.25  # so that the line after the first mistake on OR is in sight
_STARTS = {"zero": (0.0, 0.0, 0.0), "wrong": (-1.0, 0.5, 0.5)}


@cache
def _samples(name: str) -> tuple[Array, Labels]:
    """Return points of shape (n, 2) and labels of shape (n,): a gate, or two clouds of eight."""
    if name in neurons.GATES:
        return _CORNERS, neurons.GATES[name]
    rng = np.random.default_rng(10)
    X, y = data.blobs(8, [[0.15, 0.3], [0.95, 0.75]], 0.22, rng=rng)
    order = rng.permutation(16)
    return np.round(X[order] * 16) / 16, np.asarray(y[order], dtype=np.int64)


class _Run:
    """What the perceptron rule does to one data set, update by update.

    Attributes
    ----------
    states : array of shape (k + 1, 3)
        w1, w2 and b at the start and after every update.
    shown, errors : list of int
        Which sample caused each update, and label minus output.
    num_wrong : array of shape (k + 1,)
        How many samples each state gets wrong.
    """

    def __init__(self, samples: str, learning_rate: float, begin: str) -> None:
        X, y = _samples(samples)
        unit = neurons.Perceptron(2, learning_rate)
        *start, unit.bias = _STARTS[begin]
        unit.weights = np.array(start)
        states = [_STARTS[begin]]
        self.shown: list[int] = []
        self.errors: list[int] = []
        wrong, quiet, i = [int((unit.predict(X) != y).sum())], 0, 0
        while quiet < len(X) and len(self.shown) < UPDATES:
            error = unit.learn(X[i], int(y[i]))
            quiet = 0 if error else quiet + 1
            if error:
                states.append((*unit.weights.tolist(), unit.bias))
                self.shown.append(i)
                self.errors.append(error)
                wrong.append(int((unit.predict(X) != y).sum()))
            i = (i + 1) % len(X)
        self.states, self.num_wrong = np.array(states), np.array(wrong)

    def returned(self, k: int) -> bool:
        """Return whether update k led to a state that an earlier update on its sample had led to.

        The rule has no other memory, so from there on everything repeats.
        """
        same = (self.states[1:k] == self.states[k]).all(axis=1)
        return bool(k and (same & (np.array(self.shown[: max(0, k - 1)]) == self.shown[k - 1])).any())


@cache
def _run(samples: str, learning_rate: float, begin: str) -> _Run:
    return _Run(samples, learning_rate, begin)


def _unseen(state: Array) -> str:
    """Say why no line is in the picture of the learning perceptron, if none is."""
    if not state[:2].any():
        return " Both weights are 0: there is no line."
    sums = np.array(list(product((_LEARNING_LOW, _HIGH), repeat=2))) @ state[:2] + state[2]
    return " The line lies outside the picture." if (sums > 0).all() or (sums < 0).all() else ""


def perceptron_learning() -> Explorable:
    """Show the perceptron rule turning its line, one mistake at a time."""

    def points(samples: str) -> list[Mark]:
        X, y = _samples(samples)
        return [
            Points("plane", X[y == 1, 0], X[y == 1, 1], size=6, label="should be 1"),
            Points(
                "plane", X[y == 0, 0], X[y == 0, 1], color="orange", size=6, shape="ring", label="should be 0"
            ),
        ]

    def lines(step: int, samples: str, learning_rate: float, begin: str) -> list[Mark]:
        run = _run(samples, learning_rate, begin)
        k = min(step, len(run.shown))
        X, y = _samples(samples)
        wrong = X[(X @ run.states[k][:2] + run.states[k][2] > 0) != y]
        cause = X[run.shown[k - 1]][None, :] if k and k == step else np.zeros((0, 2))
        before = _border(*run.states[max(0, k - 1)]) if k == step else np.full((2, 2), -9.0)
        now = _border(*run.states[k])
        return [
            _firing("plane", *run.states[k]),
            Line("plane", before[:, 0], before[:, 1], color="muted", dash=True, gaps=True, label="before"),
            Line("plane", now[:, 0], now[:, 1], color="green", width=2.5, gaps=True, label="now"),
            Points("plane", cause[:, 0], cause[:, 1], color="red", size=11, shape="ring", label="just shown"),
            Points(
                "plane", wrong[:, 0], wrong[:, 1], color="red", size=8, shape="cross", label="still wrong"
            ),
        ]

    def weights(samples: str, learning_rate: float, begin: str) -> list[Mark]:
        states = _run(samples, learning_rate, begin).states
        rest = np.repeat(states[-1:], UPDATES + 1 - len(states), axis=0)
        w1, w2, b = np.concatenate([states, rest]).T
        step = np.arange(UPDATES + 1)
        return [
            Line("weights", [0, UPDATES], [0, 0], color="soft", width=1),
            # b is wide and lies beneath, since it often runs along a weight
            Line("weights", step, b, color="orange", width=3.5, shown="step", label="b"),
            Line("weights", step, w1, color="blue", shown="step", label="w₁"),
            Line("weights", step, w2, color="purple", dash=True, shown="step", label="w₂"),
        ]

    def said(step: int, samples: str, learning_rate: float, begin: str) -> Say:
        run = _run(samples, learning_rate, begin)
        if step == 0:
            return Say("Before the first mistake: w = ({}, {}), b = {}.", *run.states[0])
        k = len(run.shown)
        if step > k:
            return Say("After {} updates nothing changes any more: w = ({}, {}), b = {}.", k, *run.states[-1])
        at, up = _point(_samples(samples)[0][run.shown[step - 1]]), run.errors[step - 1] > 0
        what = (
            "0 and should be 1: η times the point is added to w, and η to b"
            if up
            else ("1 and should be 0: η times the point is taken from w, and η from b")
        )
        return Say(
            f"Update {{}}: {at} came out {what}. Now w = ({{}}, {{}}), b = {{}}.", step, *run.states[step]
        )

    def outcome(samples: str, learning_rate: float, begin: str, step: int) -> Say:
        run = _run(samples, learning_rate, begin)
        k = min(step, len(run.shown))
        if run.num_wrong[k] == 0:
            return Say("No point is wrong: the rule has converged.")
        verb = "is" if run.num_wrong[k] == 1 else "are"
        again = " These weights came up before, after the same point: it repeats for ever."
        return Say(
            f"{{}} of {{}} points {verb} wrong.{_unseen(run.states[k])}{again if run.returned(k) else ''}",
            *(run.num_wrong[k], len(_samples(samples)[1])),
        )

    across, up = (
        Axis(name, _LEARNING_LOW, _HIGH, ticks=[(-1, "−1"), (0, "0"), (1, "1")]) for name in ("x₁", "x₂")
    )
    return Explorable(
        "neuron.perceptron_learning",
        title="The perceptron learns: does the line come to rest?",
        controls=[
            Stepper(name="step", label="updates", last=UPDATES, start=1),
            Choice(
                name="samples",
                label="data",
                options={"clouds": "two clouds", "OR": "OR", "AND": "AND", "XOR": "XOR (no line)"},
                start="OR",
            ),
            Slider(
                name="learning_rate",
                label="learning rate η",
                low=0.125,
                high=2,
                num=2,
                scale="log",
                start=1.0,
                marks=(0.125, 0.25, 0.5, 1.0, 2.0),
            ),
            Choice(
                name="begin",
                label="start",
                options={"zero": "from zero", "wrong": "from a wrong line"},
            ),
        ],
        panels=[
            Plot("plane", across, up, equal=True, ratio=0.8),
            Plot("weights", Axis("updates", 0, UPDATES), Axis("weights and bias", -6, 6), ratio=0.8),
        ],
        parts=[lines, points, weights],
        describe=[said, outcome],
    )


_NORMAL, _ALONG = np.array([0.6, 0.8]), np.array([0.8, -0.6])


@cache
def _strip(margin: float) -> tuple[Array, Array]:
    """Return 40 points in the unit disk, at least `margin` from a line through 0, and signs ±1.

    The unit vector `_NORMAL` separates them. The first three lie exactly at the margin and, with
    their signs, far out along the line on opposite sides.
    """
    rng = np.random.default_rng(1)
    sign = np.where(np.arange(40) % 2 == 0, 1.0, -1.0)
    away = np.sqrt(margin**2 + (1 - margin**2) * rng.uniform(0, 1, 40) ** 2)
    along = rng.uniform(-1, 1, 40) * np.sqrt(1 - away**2)
    away[:3], along[:3] = margin, np.array([0.5, -1.0, 1.0]) * np.sqrt(1 - margin**2)
    return sign[:, None] * (np.outer(away, _NORMAL) + np.outer(along, _ALONG)), sign


@cache
def _squeezed(margin: float, order: str) -> Array:
    """Return w after every mistake of a perceptron without bias, shape (k + 1, 2)."""
    X, sign = _strip(margin)
    rng, path, at = np.random.default_rng(0), [np.zeros(2)], 0
    while True:
        path.append(path[-1] + sign[at] * X[at])
        reach = sign * (X @ path[-1])  # at most 0 for a mistake
        wrong = np.flatnonzero(reach <= 0)
        if not wrong.size:
            return np.array(path)
        at = int(reach.argmin()) if order == "unkind" else int(rng.choice(wrong))


def squeeze() -> Explorable:
    """Show why the perceptron must stop: a line that grows like k overtakes a root of k."""

    def disk(margin: float) -> list[Mark]:
        X, sign = _strip(margin)
        gap = _joined([np.outer([-2.0, 2.0], _ALONG) + side * margin * _NORMAL for side in (-1, 1)])
        return [
            _strokes("disk", [_circle(0, 0, 1)], 1, "soft"),
            Line("disk", gap[:, 0], gap[:, 1], color="muted", width=1.5, gaps=True, label="the margin"),
            Points("disk", X[sign > 0, 0], X[sign > 0, 1], size=4),
            Points("disk", X[sign < 0, 0], X[sign < 0, 1], color="orange", size=4, shape="ring"),
        ]

    def found(margin: float, order: str) -> Line:
        w = _squeezed(margin, order)[-1]
        line = np.outer([-2.0, 2.0], [-w[1], w[0]]) / np.linalg.norm(w)
        return Line("disk", line[:, 0], line[:, 1], color="green", width=2.5, label="the line it found")

    def bounds(margin: float) -> list[Mark]:
        k = np.linspace(0, 1.25 / margin**2, 200)
        return [
            Line("growth", k, margin * k, color="orange", dash=True, label="at least γ k"),
            Line("growth", k, np.sqrt(k), color="blue", width=3.5, dash=True, label="at most √k"),
            Points("growth", [1 / margin**2], [1 / margin], color="red", size=6, shape="cross"),
            Text(
                "growth",
                [1 / margin**2],
                [1 / margin],
                Say("k = {}", round(1 / margin**2)),
                anchor="end",
                dx=-9,
                dy=8,
                color="red",
            ),
        ]

    def walked(margin: float, order: str) -> list[Mark]:
        path = _squeezed(margin, order)
        k = np.arange(len(path))
        return [Line("growth", k, np.linalg.norm(path, axis=1), color="ink", width=2.5, label="length of w")]

    def window(margin: float) -> list[Mark]:
        return [View("growth", (0, 1.25 / margin**2), (0, 1.4 / margin))]

    def describe(margin: float, order: str) -> Say:
        return Say(
            "With margin γ = {} the length of w is caught between two curves that meet at "
            "k = 1/γ² = {} mistakes: there can be no more. This run made {}.",
            *(margin, 1 / margin**2, len(_squeezed(margin, order)) - 1),
        )

    return Explorable(
        "neuron.squeeze",
        title="How many mistakes can it make?",
        controls=[
            Slider(
                name="margin",
                label="margin γ",
                low=0.05,
                high=0.5,
                num=2,
                scale="log",
                start=0.2,
                marks=(0.05, 0.1, 0.2, 0.3, 0.5),
            ),
            Choice(
                name="order",
                label="next mistake shown",
                options={"unkind": "always the worst one", "chance": "any, by chance"},
            ),
        ],
        panels=[
            Plot("disk", Axis("x₁", -1.1, 1.1), Axis("x₂", -1.1, 1.1), equal=True, ratio=0.8),
            Plot("growth", Axis("mistakes k", 0, 30), Axis("length", 0, 7), ratio=0.8),
        ],
        parts=[disk, found, bounds, walked, window],
        describe=describe,
    )


# ── The family ──────────────────────────────────────────────────────────────────────────────────


def family() -> Explorable:
    """Draw six kinds of network side by side; it has no controls."""
    shapes: dict[str, tuple[Color, Shape]] = {
        "in": ("blue", "ring"),
        "hidden": ("ink", "circle"),
        "out": ("green", "square"),
    }

    def column(x: float, y: float, num: int, height: float = 1.5) -> Array:
        spread = np.zeros(1) if num == 1 else np.linspace(height / 2, -height / 2, num)
        return np.column_stack([np.full(num, x), y + spread])

    def wire(start: Array, end: Array) -> Array:
        way = 0.14 * (end - start) / np.linalg.norm(end - start)
        return np.array([start + way, end - way])

    def layered(x: float, y: float, sizes: list[int], tall: float) -> tuple[list[Array], list[Array]]:
        layers = [
            column(x + 2.0 * i / (len(sizes) - 1) - 1, y, n, tall * (n - 1) / 3) for i, n in enumerate(sizes)
        ]
        wires = [wire(*ends) for a, b in pairwise(layers) for ends in product(a, b)]
        return layers, wires

    def loop(x: float, y: float) -> Array:
        angle = np.radians(np.linspace(240, -60, 31))
        return np.column_stack([x + 0.24 * np.cos(angle), y + 0.34 + 0.24 * np.sin(angle)])

    def drawing() -> list[Mark]:
        across, down = (1.5, 4.5, 7.5), (4.7, 1.2)
        wires: list[Array] = []
        nodes: dict[str, list[Array]] = {"in": [], "hidden": [], "out": []}

        def put(x: float, y: float, sizes: list[int], tall: float = 1.6) -> list[Array]:
            layers, found = layered(x, y, sizes, tall)
            wires.extend(found)
            nodes["in"].append(layers[0])
            nodes["hidden"].extend(layers[1:-1])
            nodes["out"].append(layers[-1])
            return layers

        put(across[0], down[0], [3, 1])
        put(across[1], down[0], [3, 4, 3, 2])
        put(across[2], down[0], [4, 3, 1, 3, 4])
        window = [column(across[0] - 1, down[1], 6, 1.9), column(across[0] + 0.1, down[1], 4, 1.25)]
        wires += [wire(window[0][i + j], window[1][i]) for i in range(4) for j in range(3)]
        nodes["in"].append(window[0])
        nodes["hidden"].append(window[1])
        last = column(across[0] + 1, down[1], 1)
        wires += [wire(cell, last[0]) for cell in window[1]]
        nodes["out"].append(last)
        recurrent = put(across[1], down[1], [2, 3, 2], 2.0)
        loops = [loop(x, y) for x, y in recurrent[1]]
        gated = put(across[2], down[1], [2, 2, 2], 3.2)
        cells = [_circle(x, y, 0.26) for x, y in gated[1]]
        loops += [loop(x, y + 0.14) for x, y in gated[1]]
        marks: list[Mark] = [
            _strokes("family", wires, 1, "soft"),
            _strokes("family", loops, 1.5, "orange"),
            _strokes("family", cells, 1.5, "orange"),
        ]
        words = {"in": "input", "hidden": "hidden", "out": "output"}
        for kind, (color, shape) in shapes.items():
            at = np.concatenate(nodes[kind])
            marks.append(Points("family", at[:, 0], at[:, 1], color=color, shape=shape, label=words[kind]))
        names = ["perceptron", "feed-forward", "auto-encoder", "convolutional", "recurrent", "LSTM, GRU"]
        x, y = [list(v) for v in zip(*product(down, across), strict=True)][::-1]
        return [*marks, Text("family", x, [v + 1.35 for v in y], names, anchor="middle", bold=True)]

    def describe() -> str:
        return (
            "Perceptron: inputs and one unit. Feed-forward: layers, each into the next. Auto-encoder: "
            "through a narrow middle and back, to reproduce the input. Convolutional: every unit sees a "
            "small window, and all share the same few weights. Recurrent: the units' outputs come back at "
            "the next moment (loops), a memory. LSTM and GRU: recurrent cells with gates, which learn "
            "what to keep and what to forget."
        )

    return Explorable(
        "neuron.family",
        title="Same units, different wiring: six families of networks",
        controls=[],
        panels=[Plot("family", Axis("x", 0, 9), Axis("y", -0.1, 6.3), ratio=0.7, equal=True, bare=True)],
        parts=[drawing],
        describe=describe,
    )
