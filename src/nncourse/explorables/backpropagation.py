"""The figures of the chapter on backpropagation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Literal

import numpy as np

from nncourse.activations import relu_derivative, tanh_derivative
from nncourse.arguments import Array
from nncourse.autodiff import Value, trace
from nncourse.explore import (
    Arrows,
    Axis,
    Bars,
    Choice,
    Color,
    Explorable,
    Line,
    Mark,
    Plot,
    Points,
    Say,
    Slider,
    Stepper,
    Text,
    Toggle,
    number,
)
from nncourse.losses import MeanSquaredError
from nncourse.network import MLP

__all__ = [
    "computation_graph",
    "gradient_check",
    "shapes",
    "step_through",
    "two_paths",
    "which_end",
]

# ── Drawing in pixels: every bare panel is WIDTH units wide, with y counted from the top ────────

WIDTH = 340.0

Anchor = Literal["start", "middle", "end"]
_ANCHORS: tuple[Anchor, ...] = ("start", "middle", "end")


def _canvas(name: str, height: float, title: str = "") -> Plot:
    across, down = Axis("across", 0, WIDTH), Axis("down", -height, 0)
    return Plot(name, across, down, title=title, ratio=height / WIDTH, bare=True)


@dataclass
class _Ink:
    """Collects shapes and words for one panel, and gives a fixed list of marks whatever it holds."""

    panel: str
    size: float = 12.0
    boxes: dict[Color, list[tuple[float, float, float, float]]] = field(default_factory=dict)
    words: dict[tuple[Color, Anchor, bool], list[tuple[float, float, str]]] = field(default_factory=dict)
    arrows: dict[Color, list[tuple[float, float, float, float]]] = field(default_factory=dict)

    def box(self, x: float, y: float, width: float, height: float, color: Color = "muted") -> None:
        self.boxes.setdefault(color, []).append((x, y, x + width, y + height))

    def word(
        self,
        x: float,
        y: float,
        text: str,
        color: Color = "ink",
        anchor: Anchor = "middle",
        bold: bool = False,
    ) -> None:
        self.words.setdefault((color, anchor, bold), []).append((x, y, text))

    def arrow(self, x: float, y: float, to_x: float, to_y: float, color: Color = "ink") -> None:
        self.arrows.setdefault(color, []).append((x, y, to_x, to_y))

    def marks(self, colors: Sequence[Color] = ("soft", "muted", "ink", "blue", "orange")) -> list[Mark]:
        """Return one mark for every colour and kind, empty ones too, so that scenes match."""
        return [*self._outlines(colors), *self._arrows(colors), *self._words(colors)]

    def _outlines(self, colors: Sequence[Color]) -> Iterable[Mark]:
        for color in colors:
            corners = np.array(self.boxes.get(color, [])).reshape(-1, 4)
            lift = np.full(len(corners), np.nan)
            left, top, right, bottom = corners.T
            x = np.column_stack([left, right, right, left, left, lift]).ravel()
            y = np.column_stack([top, top, bottom, bottom, top, lift]).ravel()
            width = 2.5 if color in ("blue", "orange") else 1.2
            yield Line(self.panel, x, -y, color=color, width=width, gaps=True)

    def _arrows(self, colors: Sequence[Color]) -> Iterable[Mark]:
        for color in colors:
            ends = np.array(self.arrows.get(color, [])).reshape(-1, 4)
            x, y, to_x, to_y = ends.T
            yield Arrows(self.panel, x, -y, to_x, -to_y, color=color, width=1.6)

    def _words(self, colors: Sequence[Color]) -> Iterable[Mark]:
        for color in colors:
            for anchor in _ANCHORS:
                for bold in (False, True):
                    words = self.words.get((color, anchor, bold), [])
                    yield Text(
                        self.panel,
                        [x for x, _, _ in words],
                        [-y for _, y, _ in words],
                        [text for _, _, text in words],
                        color=color,
                        anchor=anchor,
                        bold=bold,
                        size=self.size,
                    )


def _short(value: float | np.floating) -> str:
    """Write a number with two decimals at the most."""
    return number(round(float(value), 2))


def _shape(array: Array) -> str:
    """Write a shape as Python does."""
    return f"({', '.join(str(n) for n in array.shape)})"


# ── The graph as a picture ──────────────────────────────────────────────────────────────────────


def computation_graph() -> Explorable:
    """Draw the computation graph of a network with one hidden layer; it has no controls."""

    def graph() -> list[Mark]:
        ink = _Ink("graph")
        middle = 105.0
        nodes = {"x": 16, "×": 58, "z": 98, "φ": 138, "h": 178, "× ": 218, "o": 258, "ℓ": 292, "L": 326}
        places = list(nodes.values())
        for name, x in nodes.items():
            operation = name.strip() in "×φℓ"
            ink.word(x, middle + 4, name.strip(), "ink", bold=not operation)
            if operation:
                ink.box(x - 10, middle - 11, 20, 22, "soft")
        for left, right in pairwise(places):
            ink.arrow(left + 11, middle, right - 12, middle, "blue")
        for name, x in {"W₁": 52, "W₂": 212, "y": 292}.items():
            ink.word(x, 54, name, "ink", bold=True)
            ink.arrow(x, 60, x, middle - 12, "blue")
        below = middle + 42
        for name, x in {"∂L/∂z": 98, "∂L/∂h": 178, "∂L/∂o": 258}.items():
            ink.word(x, below + 4, name, "orange")
        for right, left in ((326, 280), (236, 200), (156, 120)):
            ink.arrow(right, below, left, below, "orange")
        for x in (72, 232):  # at each product, up to the weights
            ink.box(x, below, 4, 0, "orange")
            ink.arrow(x, below, x, 32, "orange")
        ink.word(72, 22, "∂L/∂W₁", "orange")
        ink.word(232, 22, "∂L/∂W₂", "orange")
        return ink.marks()

    return Explorable(
        "backpropagation.computation_graph",
        title="The computation graph: forward in blue, backward in orange",
        controls=[],
        panels=[_canvas("graph", 166)],
        parts=[graph],
        describe=lambda: (
            "Values flow to the right, from the input x and the weights to one number, the loss L. "
            "Gradients flow to the left over the same edges, and at each weight one of them leaves "
            "the path. No gradient is computed for x and y: data is not ours to change."
        ),
    )


# ── Step through the graph ──────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Example:
    """A network with one hidden layer, run forward and back by `nncourse.autodiff`.

    Attributes
    ----------
    values, grads : dict of str to array
        The numbers of x, W₁, z, h, W₂, o, y, ℓ, L, and ∂L/∂ each of them, by name.
    slope : array
        φ'(z), of the shape of z.
    """

    values: dict[str, Array]
    grads: dict[str, Array]
    slope: Array


@cache
def example(network: str) -> Example:
    """Return the worked 2–2–1 example with ReLU, or a 4–5–3 network with tanh."""
    if network == "2-2-1":
        given = {"x": [[1, 2]], "W₁": [[1, 3], [1, -2]], "W₂": [[2], [-1]], "y": [[5]]}
        x, W1, W2, y = (Value(numbers, name) for name, numbers in given.items())
    else:
        rng = np.random.default_rng(4)
        x, y = Value([[1, -0.5, 2, 0.5]], "x"), Value([[1, 0, 0]], "y")
        into, out = rng.normal(0, 0.5, (4, 5)).round(1), rng.normal(0, 0.7, (5, 3)).round(1)
        W1, W2 = Value(np.roll(into, 1, axis=1), "W₁"), Value(np.roll(out, 1, axis=0), "W₂")
    z = x @ W1
    h = z.relu() if network == "2-2-1" else z.tanh()
    o = h @ W2
    loss = (o - y) ** 2
    L = loss.mean()
    for value, name in zip((z, h, o, loss, L), "zhoℓL", strict=True):
        value.name = name
    forward, backward = trace(L)
    values = {step.value.name: step.data for step in forward if step.value.name}
    grads = {step.operand.name: step.total for step in backward if step.operand.name}
    derivative = relu_derivative if network == "2-2-1" else tanh_derivative
    return Example(values, grads | {"L": np.array(1.0)}, derivative(z.data))


@dataclass(frozen=True)
class _Step:
    """One step: which value or gradient it finds, how, and what to say about it."""

    target: str
    formula: str
    say: str
    back: bool = False


STEPS = [
    _Step("", "given: x, W₁, W₂ and y", "Four things are given; nothing is computed yet."),
    _Step("z", "z = x · W₁", "Each hidden unit takes its weighted sum of the inputs."),
    _Step("h", "h = φ(z)", "The activation acts on each number by itself."),
    _Step("o", "o = h · W₂", "The outputs are weighted sums of the hidden values."),
    _Step("ℓ", "ℓ = (o − y)²", "How wrong is each output? Here y comes in."),
    _Step("L", "L = mean of ℓ", "One number says how wrong it all was. The way forward ends."),
    _Step(
        "L", "∂L/∂L = 1", "The way back starts with 1: if L grows by a little, L grows by as much.", back=True
    ),
    _Step("ℓ", "∂L/∂ℓ = 1 / how many", "A mean passes an equal share to each of its terms.", back=True),
    _Step(
        "o", "∂L/∂o = ∂L/∂ℓ ⊙ 2(o − y)", "Outputs that are too large get a positive slope here.", back=True
    ),
    _Step(
        "W₂",
        "∂L/∂W₂ = hᵀ · ∂L/∂o",
        "W₂ multiplied h, so its slope is h times what came back: each row belongs to one hidden unit.",
        back=True,
    ),
    _Step(
        "h",
        "∂L/∂h = ∂L/∂o · W₂ᵀ",
        "Each hidden unit collects from every output it fed, through the weight it fed it by.",
        back=True,
    ),
    _Step(
        "z",
        "∂L/∂z = ∂L/∂h ⊙ φ′(z)",
        "The activation passes on as much as its own slope allows; where φ′ is 0, nothing.",
        back=True,
    ),
    _Step(
        "W₁",
        "∂L/∂W₁ = xᵀ · ∂L/∂z",
        "The same rule as for W₂, one layer earlier: what came in, times what came back. Done.",
        back=True,
    ),
]
NUM_FORWARD = sum(not s.back for s in STEPS) - 1


def _product(ink: _Ink, left: Array, right: Array, names: tuple[str, str, str], color: Color) -> None:
    """Draw a matrix product: the left factor beside the result, the right one above it."""
    (m, k), n = left.shape, right.shape[1]
    row, gap, top, margin = 18.0, 12.0, 66.0, 62.0 if k == 1 else 2.0
    cell = min(44.0, (WIDTH - margin - gap - 2) / (k + n))
    at = max(margin, (WIDTH - (k + n) * cell - gap) / 2)
    blocks: list[tuple[Array, float, float, Color]] = [
        (left, at, top + k * row + gap, "ink"),
        (right, at + k * cell + gap, top, "ink"),
        (left @ right, at + k * cell + gap, top + k * row + gap, color),
    ]
    for (array, x, y, ink_color), outline in zip(blocks, ("muted", "muted", color), strict=True):
        _grid(ink, array, x, y, cell, row, color=ink_color, outline=outline)
    ink.word(at + k * cell, top + k * row + gap - 6, f"{names[0]} {_shape(left)}", "muted", "end")
    ink.word(at + (k + n / 2) * cell + gap, top - 6, f"{names[1]} {_shape(right)}", "muted")
    below = top + (k + m) * row + gap + 15
    ink.word(at + (k + n / 2) * cell + gap, below, f"{names[2]} {_shape(left @ right)}", color)


def _grid(
    ink: _Ink,
    array: Array,
    x: float,
    y: float,
    cell: float,
    row: float,
    *,
    color: Color = "ink",
    outline: Color = "muted",
) -> None:
    """Write the numbers of a matrix into a box."""
    rows = np.atleast_2d(array)
    ink.box(x, y, rows.shape[1] * cell, rows.shape[0] * row, outline)
    for (i, j), value in np.ndenumerate(rows):
        place = x + (j + 1) * cell - 4, y + (i + 1) * row - 5
        ink.word(*place, _short(value), color, "end")


def _stack(ink: _Ink, rows: Sequence[tuple[str, Array]], color: Color) -> None:
    """Draw an operation number by number: operands above each other, the result last."""
    columns = max(np.atleast_2d(array).shape[1] for _, array in rows)
    x = (WIDTH - 44 * columns + 70) / 2
    for i, (name, array) in enumerate(rows):
        last = i == len(rows) - 1
        y = 70 + 32 * i
        _grid(ink, array, x, y, 44, 20, color=color if last else "ink", outline=color if last else "muted")
        ink.word(x - 8, y + 14, name, color if last else "muted", "end")


def step_through() -> Explorable:
    """Show every value on the way forward and every gradient on the way back, with its shape."""

    def operation(network: str, step: int) -> list[Mark]:
        ink, now, run = _Ink("operation", 11), STEPS[step], example(network)
        v, g = run.values, run.grads
        color: Color = "orange" if now.back else "blue"
        ink.word(WIDTH / 2, 18, now.formula, color if step else "ink", bold=True)
        key = ("back " if now.back else "") + now.target
        if key in ("z", "o"):
            a, b = ("x", "W₁") if key == "z" else ("h", "W₂")
            _product(ink, v[a], v[b], (a, b, key), color)
        elif key == "back W₂":
            _product(ink, v["h"].T, g["o"], ("hᵀ", "∂L/∂o", "∂L/∂W₂"), color)
        elif key == "back h":
            _product(ink, g["o"], v["W₂"].T, ("∂L/∂o", "W₂ᵀ", "∂L/∂h"), color)
        elif key == "back W₁":
            _product(ink, v["x"].T, g["z"], ("xᵀ", "∂L/∂z", "∂L/∂W₁"), color)
        else:
            rows = {
                "": [("x", v["x"]), ("y", v["y"])],
                "h": [("z", v["z"]), ("h", v["h"])],
                "ℓ": [("o", v["o"]), ("y", v["y"]), ("ℓ", v["ℓ"])],
                "L": [("ℓ", v["ℓ"]), ("L", v["L"])],
                "back L": [("∂L/∂L", g["L"])],
                "back ℓ": [("∂L/∂L", g["L"]), ("∂L/∂ℓ", g["ℓ"])],
                "back o": [("∂L/∂ℓ", g["ℓ"]), ("2(o − y)", 2 * (v["o"] - v["y"])), ("∂L/∂o", g["o"])],
                "back z": [("∂L/∂h", g["h"]), ("φ′(z)", run.slope), ("∂L/∂z", g["z"])],
            }[key]
            _stack(ink, rows, color if step else "ink")
        return ink.marks()

    def graph(network: str, step: int) -> list[Mark]:
        ink, run, now = _Ink("graph", 11), example(network), STEPS[step]
        found = {s.target for s in STEPS[1 : step + 1] if not s.back} | {"x", "W₁", "W₂", "y"}
        back = {s.target for s in STEPS[: step + 1] if s.back}
        current: Color = "orange" if now.back else "blue"
        joins = ("z = x W₁", "h = φ(z)", "o = h W₂", "ℓ = (o − y)²", "L = mean of ℓ")
        path = "xzhoℓL"
        for i, name in enumerate(path):
            top = 6.0 + 57 * i
            cell = min(44, 180 / run.values[name].size)
            known = name in found
            color = current if name == now.target else "ink" if known else "soft"
            ink.box(4, top, 236, 38, color)
            ink.word(8, top + 15, name, "ink" if known else "muted", "start", bold=True)
            ink.word(20, top + 15, _shape(run.values[name]), "muted", "start")
            for j, value in enumerate(np.ravel(run.values[name]) if known else []):
                ink.word(57 + cell * (j + 1), top + 15, _short(value), "ink", "end")
            if name in back:
                ink.word(8, top + 32, f"∂L/∂{name}", "orange", "start")
                for j, value in enumerate(np.ravel(run.grads[name])):
                    ink.word(57 + cell * (j + 1), top + 32, _short(value), "orange", "end")
            if i:
                ink.word(125, top - 6, joins[i - 1], "muted", "start")
                ink.arrow(100, top - 18, 100, top - 1, "blue" if known else "soft")
                if path[i - 1] in back:
                    ink.arrow(114, top - 1, 114, top - 18, "orange")
        for name, top, height, to in (("W₁", 6, 76, 90), ("W₂", 112, 76, 204), ("y", 206, 38, 258)):
            _leaf(ink, run, name, top, height, current if name == now.target else "ink", name in back)
            into = {"W₁": "z", "W₂": "o", "y": "ℓ"}[name]
            ink.arrow(258, top + height, 239, to, "blue" if into in found else "soft")
            if name in back:
                ink.arrow(248, to + 2, 276, top + height + 1, "orange")
        return ink.marks()

    def _leaf(
        ink: _Ink, run: Example, name: str, top: float, height: float, color: Color, back: bool
    ) -> None:
        value = run.values[name]
        ink.box(246, top, 92, height, color)
        ink.word(251, top + 15, name, "ink", "start", bold=True)
        ink.word(270, top + 15, _shape(value), "muted", "start")
        if back:
            ink.word(333, top + 69, f"∂L/∂{name}", "orange", "end")
        if value.size > 4:
            ink.word(251, top + 33, f"{value.size} numbers", "ink", "start")
            if back:
                ink.word(333, top + 51, f"{value.size} slopes", "orange", "end")
            return
        for (i, j), number_here in np.ndenumerate(value):
            ink.word(270 + 22 * j, top + 33 + 18 * i, _short(number_here), "ink", "end")
            if back:
                ink.word(315 + 18 * j, top + 33 + 18 * i, _short(run.grads[name].item(i, j)), "orange", "end")

    def describe(network: str, step: int) -> str:
        now = STEPS[step]
        if step == 0:
            return now.say
        if now.back:
            way = f"Backward, {step - NUM_FORWARD} of {len(STEPS) - 1 - NUM_FORWARD}"
        else:
            way = f"Forward, {step} of {NUM_FORWARD}"
        run = example(network)
        shape = _shape((run.grads if now.back else run.values)[now.target])
        what = "one number" if shape == "()" else f"shape {shape}"
        say = now.say
        if network == "2-2-1" and now.target == "z" and now.back:
            say += " The second unit was off, at z = −1, so its slope is lost here."
        return f"{way}: {now.formula}, {what}. {say}"

    return Explorable(
        "backpropagation.step_through",
        title="Forward to the loss and back again: what does each step need?",
        controls=[
            Stepper(name="step", label="step", last=len(STEPS) - 1, start=1),
            Choice(
                name="network",
                label="network",
                options={"2-2-1": "2–2–1, ReLU (worked by hand)", "4-5-3": "4–5–3, tanh"},
            ),
        ],
        panels=[_canvas("graph", 340, "all that is known so far"), _canvas("operation", 222, "this step")],
        parts=[graph, operation],
        describe=describe,
    )


# ── Shapes ──────────────────────────────────────────────────────────────────────────────────────


def shapes() -> Explorable:
    """Draw the products for the gradients of 4–5–3 as blocks: row form, and the note's order."""
    row_form = [
        ("∂L/∂W₂", ("hᵀ", 5, 1), ("∂L/∂o", 1, 3)),
        ("∂L/∂h", ("∂L/∂o", 1, 3), ("W₂ᵀ", 3, 5)),
        ("∂L/∂W₁", ("xᵀ", 4, 1), ("∂L/∂z", 1, 5)),
    ]
    note = [(name, b, a) for name, a, b in row_form]

    def blocks(
        panel: str, products: Sequence[tuple[str, tuple[str, int, int], tuple[str, int, int]]]
    ) -> _Ink:
        ink, unit = _Ink(panel), 11.0
        for i, (result, a, b) in enumerate(products):
            y = 52.0 + 100 * i
            fits = a[2] == b[1]
            ink.word(8, y + 4, f"{result} =", "ink", "start", bold=True)
            for (name, rows, columns), x in ((a, 118), (b, 206)):
                ink.box(x - columns * unit / 2, y - rows * unit / 2, columns * unit, rows * unit, "ink")
                ink.word(x, y - rows * unit / 2 - 7, name, "ink")
                ink.word(x, y + rows * unit / 2 + 15, f"({rows}, {columns})", "muted")
            ink.word(162, y + 4, "·", "ink", bold=True)
            words = (f"{a[2]} = {b[1]}", "fits") if fits else (f"{a[2]} ≠ {b[1]}", "does not fit")
            ink.word(254, y - 4, words[0], "blue" if fits else "orange", "start", bold=True)
            ink.word(254, y + 12, words[1], "blue" if fits else "orange", "start")
        return ink

    def drawn() -> list[Mark]:
        return [*blocks("row", row_form).marks(), *blocks("note", note).marks()]

    return Explorable(
        "backpropagation.shapes",
        title="The same factors, in two orders, for 4–5–3 and one sample",
        controls=[],
        panels=[
            _canvas("row", 310, "row form: x, h and o are rows"),
            _canvas("note", 310, "the note's order, with its own rows"),
        ],
        parts=[drawn],
        describe=lambda: (
            "A product needs the inner sizes to agree: columns on the left, rows on the right. In row "
            "form all three do, and the result has the shape of what we ask for. In the note's order, "
            "which belongs to networks written with columns, none does."
        ),
    )


# ── Two paths ───────────────────────────────────────────────────────────────────────────────────

_OTHER = 2.0  # what the lower path uses when x takes the upper path only


@cache
def _two_paths(x: float, used: str) -> tuple[float, tuple[float, ...], float]:
    """Return L = x² + 3x (or x² + 3c), what each path brings to x, upper first, and the last to come."""
    value, other = Value(x, "x"), Value(_OTHER, "c")
    upper, lower = value**2, 3 * (value if used == "twice" else other)
    output = upper + lower
    _, backward = trace(output)
    parts = {step.result: float(step.contribution) for step in backward if step.operand is value}
    last = list(parts.values())[-1]
    return float(output.data), tuple(parts[result] for result in (upper, lower) if result in parts), last


def two_paths() -> Explorable:
    """Show a value that is used once or twice, the gradient along each path, and their sum."""

    def total(x: float, used: str, add: bool) -> float:
        _, parts, last = _two_paths(x, used)
        return sum(parts) if add else last

    def graph(x: float, used: str, add: bool) -> list[Mark]:
        ink, twice = _Ink("graph"), used == "twice"
        L, parts, last = _two_paths(x, used)
        for name, value, at, y in (
            ("x", x, 42, 120),
            ("u = x²", x**2, 165, 50),
            ("v = 3x" if twice else "v = 3c", 3 * (x if twice else _OTHER), 165, 190),
            ("L = u + v", L, 292, 120),
        ):
            half = 24 if name == "x" else 40
            ink.box(at - half, y - 19, 2 * half, 38, "ink")
            ink.word(at, y - 4, name, "ink", bold=True)
            ink.word(at, y + 12, _short(value), "ink")
        ink.arrow(52, 101, 124, 58, "blue")
        ink.arrow(206, 52, 278, 99, "blue")
        ink.arrow(206, 188, 278, 141, "blue")
        ink.arrow(124, 40, 36, 99, "orange")
        ink.word(74, 55, f"2x = {_short(parts[0])}", "orange", "end")
        ink.arrow(298, 99, 212, 40, "orange")
        ink.word(262, 52, "1", "orange", "start")
        ink.arrow(298, 141, 212, 202, "orange")
        ink.word(262, 196, "1", "orange", "start")
        if twice:
            ink.arrow(52, 139, 124, 182, "blue")
            ink.arrow(124, 200, 36, 141, "orange")
            ink.word(74, 190, f"3 = {_short(parts[1])}" if parts[1] != 3 else "3", "orange", "end")
        else:
            ink.word(60, 194, "c = 2", "muted")
            ink.arrow(80, 190, 124, 190, "soft")
        if not twice:
            text = f"∂L/∂x = {_short(parts[0])}: one path, {'one term' if add else 'nothing to lose'}"
        elif add:
            plus = f"+ {_short(parts[1])}" if parts[1] >= 0 else f"− {_short(-parts[1])}"
            text = f"∂L/∂x = {_short(parts[0])} {plus} = {_short(sum(parts))}"
        else:
            text = f"the last one stays: {_short(last)}, and {_short(sum(parts) - last)} is lost"
        ink.word(WIDTH / 2, 236, text, "orange", bold=True)
        return ink.marks()

    def curve(x: float, used: str) -> list[Mark]:
        t = np.linspace(-5, 5, 81)
        y = t**2 + 3 * (t if used == "twice" else _OTHER)
        label = "L = x² + 3x" if used == "twice" else "L = x² + 6"
        return [
            Line("curve", t, y, color="muted", label=label),
            Points("curve", [x], [_two_paths(x, used)[0]], color="ink", size=5.5),
        ]

    def tangent(x: float, used: str, add: bool) -> list[Mark]:
        t = np.array([-5.0, 5.0])
        y = _two_paths(x, used)[0] + total(x, used, add) * (t - x)
        return [Line("curve", t, y, color="orange", dash=True, label="slope ∂L/∂x")]

    def describe(x: float, used: str, add: bool) -> Say:
        _, parts, last = _two_paths(x, used)
        if used == "once":
            return Say(
                "x reaches L along one path. The slopes along it multiply to 1 · 2x = {}, and that is "
                "the slope of the curve at x = {}."
                + ("" if add else " With a single path = does as well as +=."),
                *(parts[0], x),
            )
        if add:
            say = "x reaches L along two paths. They bring {} and {}; their sum {} is the slope of the curve."
            if sum(parts) == 0:
                say += " The paths cancel each other: this is the bottom."
            return Say(say, *parts, sum(parts))
        return Say(
            "The code keeps only what came last, {}, and has lost {}. The dashed line is no tangent: it "
            "should have slope {}.",
            *(last, sum(parts) - last, sum(parts)),
        )

    return Explorable(
        "backpropagation.two_paths",
        title="When a value is used twice, what comes back to it?",
        controls=[
            Slider(name="x", label="x", low=-4, high=4, num=17, start=2.0),
            Choice(name="used", label="x is used", options=("once", "twice"), start="twice"),
            Toggle(name="add", label="add what comes back (+=)", start=True),
        ],
        panels=[
            _canvas("graph", 250),
            Plot("curve", Axis("x", -5, 5), Axis("L", -8, 32)),
        ],
        parts=[graph, curve, tangent],
        describe=describe,
    )


# ── Which end first ─────────────────────────────────────────────────────────────────────────────

_INNER = 100  # both sizes between the operations


def chain_cost(inputs: int, outputs: int) -> tuple[int, int]:
    """Return the multiplications for J₃J₂J₁ from the right (inputs first) and from the left.

    J₁ has shape (100, inputs), J₂ (100, 100) and J₃ (outputs, 100).
    """
    last = outputs * _INNER * inputs
    return _INNER * _INNER * inputs + last, outputs * _INNER * _INNER + last


def which_end() -> Explorable:
    """Show what a product of three Jacobians costs when it is begun at either end."""
    sizes = (1, 3, 10, 30, 100, 300, 1000)

    def length(size: int) -> float:
        return 6 + 24 * float(np.log10(size))  # on a scale of its own: 1000 must fit beside 1

    def chain(inputs: str, outputs: str) -> list[Mark]:
        ink, p, m = _Ink("chain"), int(inputs), int(outputs)
        middle = 92.0
        for name, x, rows, columns in (
            ("J₃", 56, m, _INNER),
            ("J₂", 162, _INNER, _INNER),
            ("J₁", 274, _INNER, p),
        ):
            width, height = length(columns), length(rows)
            ink.box(x - width / 2, middle - height / 2, width, height, "ink")
            ink.word(x, 22, name, "ink", bold=True)
            ink.word(x, 162, f"({rows}, {columns})", "muted")
        for x in (108, 214):
            ink.word(x, middle + 4, "·", "ink", bold=True)
        ink.arrow(20, 184, 150, 184, "blue")
        ink.word(20, 202, "from the left: reverse", "blue", "start")
        ink.arrow(320, 184, 190, 184, "orange")
        ink.word(320, 202, "from the right: forward", "orange", "end")
        return ink.marks()

    def costs(inputs: str, outputs: str) -> list[Mark]:
        right, left = chain_cost(int(inputs), int(outputs))
        return [
            Bars("cost", [0], [1], [left], width=0.5, color="blue"),
            Bars("cost", [1], [1], [right], width=0.5, color="orange"),
            Text("cost", [0], [left], Say("{}", left), color="blue", anchor="middle", dy=6),
            Text("cost", [1], [right], Say("{}", right), color="orange", anchor="middle", dy=6),
        ]

    def describe(inputs: str, outputs: str) -> Say:
        right, left = chain_cost(int(inputs), int(outputs))
        if left == right:
            return Say("As many outputs as inputs: both ends take {} multiplications.", left)
        cheap, dear = min(left, right), max(left, right)
        end = "the left (reverse mode)" if left < right else "the right (forward mode)"
        return Say(
            f"Begun on {end} the product takes {{}} multiplications. From the other end it takes {{}}, "
            "{} times as many.",
            *(cheap, dear, float(f"{dear / cheap:.2g}")),
        )

    options = {str(n): str(n) for n in sizes}
    ends = [(0, "from the left"), (1, "from the right")]
    return Explorable(
        "backpropagation.which_end",
        title="Three Jacobians in a row: which end first?",
        controls=[
            Choice(name="inputs", label="inputs p", options=options, start="1000"),
            Choice(name="outputs", label="outputs m", options=options, start="1"),
        ],
        panels=[
            _canvas("chain", 212),
            Plot(
                "cost",
                Axis("", -0.6, 1.6, ticks=ends),
                Axis("multiplications", 1e3, 1e9, "log"),
                ratio=0.65,
            ),
        ],
        parts=[chain, costs],
        describe=describe,
    )


# ── Gradient check ──────────────────────────────────────────────────────────────────────────────

EPSILONS = np.geomspace(1e-12, 1e-1, 45)
_ROUNDING = {"float64": 2.0**-53, "float32": 2.0**-24}  # the relative error of storing a number


@dataclass(frozen=True)
class Measured:
    """A 4–5–3 network in one precision, whose loss can be asked for after moving one weight of W₁."""

    network: MLP
    inputs: Array
    targets: Array

    def loss(self, index: tuple[int, ...], change: float) -> float:
        """Return the loss after adding `change` to one weight, and put the weight back."""
        W = self.network.params["linear1.W"]
        before = W[index]
        W[index] = before + W.dtype.type(change)
        try:
            return float(MeanSquaredError().forward(self.network.forward(self.inputs), self.targets))
        finally:
            W[index] = before

    def gradient(self) -> Array:
        """Return ∂L/∂W₁ by backpropagation."""
        loss = MeanSquaredError()
        loss.forward(self.network.forward(self.inputs), self.targets)
        self.network.backward(loss.backward())
        return self.network.grads["linear1.W"]


@cache
def measured(precision: str) -> Measured:
    """Return the same network, weights and batch in float64 or float32."""
    rng = np.random.default_rng(3)
    network = MLP([4, 5, 3], activation="tanh", rng=rng, dtype=np.float64)
    inputs, targets = rng.normal(size=(6, 4)), rng.normal(size=(6, 3))
    if precision == "float32":
        small = MLP([4, 5, 3], activation="tanh", rng=rng, dtype=np.float32)
        small.set_state({name: a.astype(np.float32) for name, a in network.state().items()})
        return Measured(small, inputs.astype(np.float32), targets.astype(np.float32))
    return Measured(network, inputs, targets)


@cache
def difference_error(epsilon: float, method: str, precision: str) -> float:
    """Return ‖measured − derived‖ / ‖derived‖ for ∂L/∂W₁ of the network in `measured`."""
    net, derived = measured(precision), measured("float64").gradient()
    found = np.zeros_like(derived)
    for index in np.ndindex(derived.shape):
        if method == "central":
            rise = net.loss(index, epsilon) - net.loss(index, -epsilon)
            found[index] = rise / (2 * epsilon)
        else:
            found[index] = (net.loss(index, epsilon) - net.loss(index, 0.0)) / epsilon
    return float(np.linalg.norm(found - derived) / np.linalg.norm(derived))


def gradient_check() -> Explorable:
    """Show the error of a measured gradient against the size of the step."""
    where = (1, 3)  # the weight whose neighbourhood is shown
    methods = {"central": "central", "one-sided": "one-sided"}

    def errors(method: str, precision: str, curve: bool) -> list[Mark]:
        steps = EPSILONS if curve else EPSILONS[:0]  # first the reader looks for the valley
        y = np.array([difference_error(e, method, precision) for e in steps])
        other = next(m for m in methods if m != method)
        faint = np.array([difference_error(e, other, precision) for e in steps])
        return [
            Line("error", steps, np.maximum(faint, 1e-12), color="soft", width=1.2, label=other),
            Line("error", steps, np.maximum(y, 1e-12), color="blue", label=method),
        ]

    def guides(method: str, precision: str, curve: bool) -> list[Mark]:
        steps = EPSILONS if curve else EPSILONS[:0]
        power = 2 if method == "central" else 1
        at_one = difference_error(float(EPSILONS[-5]), method, "float64") / EPSILONS[-5] ** power
        derived = measured("float64").gradient()
        level = measured("float64").loss(where, 0.0)
        noise = _ROUNDING[precision] * level * np.sqrt(derived.size) / np.linalg.norm(derived)
        return [
            Line("error", steps, at_one * steps**power, color="green", dash=True, width=1.5),
            Line("error", steps, noise / steps, color="orange", dash=True, width=1.5),
            Text("error", [3e-12], [30.0], ["← round-off" if curve else ""], color="orange"),
            Text("error", [5e-2], [30.0], ["truncation →" if curve else ""], color="green", anchor="end"),
        ]

    def here(epsilon: float, method: str, precision: str) -> list[Mark]:
        error = max(difference_error(epsilon, method, precision), 1e-12)
        return [Points("error", [epsilon], [error], color="ink", size=6, label=precision)]

    @cache
    def rises(epsilon: float, precision: str) -> tuple[Array, Array]:
        net, t = measured(precision), np.linspace(-1.5, 1.5, 121)
        start = net.loss(where, 0.0)
        rise = np.array([net.loss(where, s * epsilon) - start for s in t])
        return t, np.clip(rise / epsilon, -9, 9)

    slope = float(measured("float64").gradient()[where])

    def zoom(epsilon: float, precision: str) -> list[Mark]:
        t, rise = rises(epsilon, precision)
        ends = t[[0, -1]]
        return [
            Line("zoom", ends, slope * ends, color="green", width=4, label="true slope"),
            Line("zoom", t, rise, color="blue", width=1.5, label="the loss as computed"),
        ]

    def chord(epsilon: float, method: str, precision: str) -> list[Mark]:
        net = measured(precision)
        ends = np.array([-1.0, 1.0] if method == "central" else [0.0, 1.0])
        start = net.loss(where, 0.0)
        y = np.clip([(net.loss(where, s * epsilon) - start) / epsilon for s in ends], -9, 9)
        return [
            Line("zoom", ends, y, color="orange", dash=True, label="the measurement"),
            Points("zoom", ends, y, color="orange", size=5.5),
        ]

    def describe(epsilon: float, method: str, precision: str) -> Say:
        error = difference_error(epsilon, method, precision)
        best = min(EPSILONS, key=lambda e: difference_error(float(e), method, precision))
        if error > 0.05:
            verdict = "Hardly a digit is right" if error < 0.5 else "Nothing of it is right"
        elif error < 3 * difference_error(float(best), method, precision):
            verdict = "This is about as good as it gets"
        else:
            verdict = "It could be better"
        side = "the step is too long, the curve bends" if epsilon > best else "too few digits are left"
        why = "" if verdict.startswith("This") else f": {side}"
        return Say(
            f"With ε = {{}} the measured gradient is off by {{}}, relative to its length. {verdict}{why}.",
            *(epsilon, error),
        )

    return Explorable(
        "backpropagation.gradient_check",
        title="Measuring a gradient: how small a step is best?",
        controls=[
            Slider(
                name="epsilon",
                label="step ε",
                low=1e-12,
                high=1e-1,
                num=45,
                scale="log",
                start=1e-2,
                marks=(1e-12, 1e-8, 1e-5, 1e-2),
            ),
            Choice(name="method", label="difference", options=methods),
            Choice(name="precision", label="numbers", options=tuple(_ROUNDING)),
            Toggle(name="curve", label="show the whole curve"),
        ],
        panels=[
            Plot("error", Axis("step ε", 1e-12, 1e-1, "log"), Axis("relative error", 1e-12, 100, "log")),
            Plot(
                "zoom",
                Axis("change of one weight, in units of ε", -1.5, 1.5),
                Axis("change of the loss, in units of ε", -1.5, 1.5),
            ),
        ],
        parts=[errors, guides, here, zoom, chord],
        describe=describe,
    )
