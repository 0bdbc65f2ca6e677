"""What a figure shows: panels, and the marks drawn in them.

A mark is plain data in the panel's own coordinates. Nothing here draws; explore.js knows how each
kind looks, in the page and in the notebook alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Color = Literal[
    "ink",
    "muted",
    "soft",
    "blue",
    "orange",
    "green",
    "red",
    "purple",
    "sky",
    "positive",
    "negative",
]


def number(value: float, digits: int = 4) -> str:
    """Write a number as the figures write it: few digits, a true minus sign, powers of ten.

    Integers keep all their digits below a million. explore.js has the same rule; a test
    compares the two.

    Examples
    --------
    >>> number(-14), number(38416), number(0.125), number(7.25e-9)
    ('−14', '38416', '0.125', '7.25×10⁻⁹')
    """
    sign, size = ("−" if value < 0 else ""), abs(float(value))
    if size == 0:
        return "0"
    power = int(f"{size:e}".split("e")[1])
    if power >= 6 or power < -3:
        kept = Decimal(1).scaleb(power - (digits - 2))
        rounded = Decimal(size).quantize(kept, rounding=ROUND_HALF_UP)
        mantissa, exponent = f"{rounded:.{digits - 2}e}".split("e")
        raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
        factor = "" if float(mantissa) == 1 else f"{_plain(mantissa)}×"
        return f"{sign}{factor}10{raised}"
    places = Decimal(1).scaleb(-max(0, digits - 1 - power))
    return sign + _plain(str(Decimal(size).quantize(places, rounding=ROUND_HALF_UP)))


def _plain(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


class Say:
    """A sentence with numbers in it, kept apart so that a thousand of them stay small.

    Parameters
    ----------
    template : str
        Text with one ``{}`` for every number.
    *numbers : float
        Written by `number`, in the page as in Python.

    Examples
    --------
    >>> str(Say("After {} steps x = {}.", 2, 98))
    'After 2 steps x = 98.'
    """

    def __init__(self, template: str, *numbers: float) -> None:
        if template.count("{}") != len(numbers):
            raise ValueError(
                f"Say has {template.count('{}')} places for {len(numbers)} numbers: {template!r}."
            )
        self.template, self.numbers = template, np.asarray(numbers, dtype=float)

    def __str__(self) -> str:
        """Fill the numbers in."""
        texts = map(number, self.numbers)
        return re.sub(r"\{\}", lambda _: next(texts), self.template)


def floats(values: ArrayLike, name: str, *, gaps: bool = False) -> NDArray[np.float64]:
    """Return `values` as a flat float64 array that is finite (or, with `gaps`, not infinite)."""
    array = np.asarray(values, dtype=np.float64).reshape(-1)
    bad = np.isinf(array) if gaps else ~np.isfinite(array)
    if bad.any():
        raise ValueError(f"{name} must be finite numbers, got {array[bad][0]} at {bad.argmax()}.")
    if array.size and np.nanmax(np.abs(array)) > 3e38:
        raise ValueError(f"{name} has a number beyond 3e38, too large to send to the browser.")
    return array


@dataclass(frozen=True)
class Axis:
    """One axis of a plot.

    Parameters
    ----------
    label : str
        What runs along it, with its unit if it has one.
    low, high : float
        The range shown.
    scale : {"linear", "log"}
        Log needs ``0 < low``.
    ticks : sequence of (float, str), optional
        Places and texts, when the usual round numbers are not what should be read.
    """

    label: str
    low: float
    high: float
    scale: Literal["linear", "log"] = "linear"
    ticks: Sequence[tuple[float, str]] | None = None

    def __post_init__(self) -> None:
        """Refuse a range that cannot be drawn."""
        if not self.low < self.high or (self.scale == "log" and self.low <= 0):
            raise ValueError(f"axis {self.label!r} cannot run from {self.low} to {self.high}.")


@dataclass(frozen=True)
class Plot:
    """A panel with two axes.

    Parameters
    ----------
    name : str
        By which the parts of the scene address it.
    x, y : Axis
        Its axes. A `View` mark can change their ranges.
    title : str
        One short line above it.
    ratio : float
        Height over width.
    equal : bool
        One unit is equally long on both axes (for contours, angles and geometry).
    bare : bool
        No axes, ticks or frame: a drawing.
    """

    name: str
    x: Axis
    y: Axis
    title: str = ""
    ratio: float = 0.75
    equal: bool = False
    bare: bool = False
    kind: ClassVar[str] = "plot"


@dataclass(frozen=True)
class Table:
    """A panel with a small table.

    Parameters
    ----------
    name : str
        By which the parts of the scene address it.
    columns : sequence of str
        The headings.
    rows : int
        How many rows it has at most; the space is kept, so that nothing jumps.
    title : str
        The table's caption.
    """

    name: str
    columns: Sequence[str]
    rows: int
    title: str = ""
    kind: ClassVar[str] = "table"


Panel = Plot | Table


@dataclass(frozen=True)
class Mark:
    """What all marks share: the panel they are drawn in, and how a field is stored.

    A field's role says how. Arrays of numbers are ``x`` and ``y`` (coordinates), ``weight`` (shown
    by a width), ``level`` (shown by one of 256 colours) and ``number`` (written out, so stored
    exactly); everything else is ``style`` and kept as it is.
    """

    panel: str
    kind: ClassVar[str]
    roles: ClassVar[dict[str, str]] = {}

    def leaves(self) -> Iterable[tuple[str, str, Any]]:
        """Yield ``(field, role, value)`` for every field, numbers as flat float64 arrays."""
        sizes: dict[str, int] = {}
        for item in fields(self):
            if item.name == "panel":
                continue
            role = self.roles.get(item.name, "style")
            value = getattr(self, item.name)
            if role != "style":
                gaps = getattr(self, "gaps", False)
                value = floats(value, f"{self.kind} {item.name}", gaps=gaps)
                sizes[item.name] = value.size
            yield item.name, role, value
        if len(set(sizes.values())) > 1:
            raise ValueError(f"{self.kind} needs equally many of each, got {sizes}.")


@dataclass(frozen=True)
class Line(Mark):
    """A curve through points.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        The points. With `gaps`, a NaN lifts the pen.
    shown : str, optional
        The name of a stepper: at its value k only the first k + 1 points are drawn, so that the
        recording holds the path once and not once for every step.
    """

    x: ArrayLike
    y: ArrayLike
    color: Color = "blue"
    width: float = 2.0
    dash: bool = False
    label: str = ""
    gaps: bool = False
    shown: str | None = None
    kind: ClassVar[str] = "line"
    roles: ClassVar[dict[str, str]] = {"x": "x", "y": "y"}


@dataclass(frozen=True)
class Points(Mark):
    """Markers at points; `shape` tells groups apart without colour."""

    x: ArrayLike
    y: ArrayLike
    color: Color = "blue"
    size: float = 4.5
    shape: Literal["circle", "square", "cross", "ring"] = "circle"
    label: str = ""
    shown: str | None = None
    kind: ClassVar[str] = "points"
    roles: ClassVar[dict[str, str]] = {"x": "x", "y": "y"}


@dataclass(frozen=True)
class Arrows(Mark):
    """Arrows from (x, y) to (to_x, to_y), each of shape (n,)."""

    x: ArrayLike
    y: ArrayLike
    to_x: ArrayLike
    to_y: ArrayLike
    color: Color = "ink"
    width: float = 2.0
    label: str = ""
    shown: str | None = None
    kind: ClassVar[str] = "arrows"
    roles: ClassVar[dict[str, str]] = {"x": "x", "y": "y", "to_x": "x", "to_y": "y"}


@dataclass(frozen=True)
class Segments(Mark):
    """Straight pieces whose width and colour show a signed weight, as between two layers.

    Parameters
    ----------
    weight : array_like, shape (n,)
        A weight of size 1 is drawn 4 px wide; positive and negative differ in colour and dash.
    """

    x: ArrayLike
    y: ArrayLike
    to_x: ArrayLike
    to_y: ArrayLike
    weight: ArrayLike
    kind: ClassVar[str] = "segments"
    roles: ClassVar[dict[str, str]] = {
        "x": "x",
        "y": "y",
        "to_x": "x",
        "to_y": "y",
        "weight": "weight",
    }


@dataclass(frozen=True)
class Area(Mark):
    """The region between two curves over the same x, each of shape (n,)."""

    x: ArrayLike
    low: ArrayLike
    high: ArrayLike
    color: Color = "blue"
    label: str = ""
    kind: ClassVar[str] = "area"
    roles: ClassVar[dict[str, str]] = {"x": "x", "low": "y", "high": "y"}


@dataclass(frozen=True)
class Bars(Mark):
    """Upright bars of width `width` (in x units) centred on x, from `base` to `top`."""

    x: ArrayLike
    base: ArrayLike
    top: ArrayLike
    width: float = 0.8
    color: Color = "blue"
    label: str = ""
    kind: ClassVar[str] = "bars"
    roles: ClassVar[dict[str, str]] = {"x": "x", "base": "y", "top": "y"}


@dataclass(frozen=True)
class HeatMap(Mark):
    """A grid of cells coloured by value.

    Parameters
    ----------
    z : array_like, shape (rows, columns)
        The values; row 0 is at the bottom. Stored in 256 levels from `low` to `high`.
    x, y : (float, float)
        The outer edges of the grid.
    palette : {"diverging", "sequential"}
        Two hues about the middle, or one from faint to strong.
    smooth : bool
        Blend between cells.
    """

    z: ArrayLike
    x: tuple[float, float]
    y: tuple[float, float]
    low: float = -1.0
    high: float = 1.0
    palette: Literal["diverging", "sequential"] = "diverging"
    smooth: bool = True
    kind: ClassVar[str] = "heatmap"
    roles: ClassVar[dict[str, str]] = {"z": "level"}

    def leaves(self) -> Iterable[tuple[str, str, Any]]:
        """Add the grid's number of columns, and scale the values to levels 0 … 255."""
        z = np.asarray(self.z, dtype=np.float64)
        if z.ndim != 2:
            raise ValueError(f"heatmap z must have shape (rows, columns), got {z.shape}.")
        if not self.low < self.high:
            raise ValueError(f"heatmap needs low < high, got {self.low}, {self.high}.")
        yield "columns", "style", z.shape[1]
        for name, role, value in super().leaves():
            if name == "z":
                value = np.clip((value - self.low) / (self.high - self.low), 0, 1) * 255
            yield name, role, value


@dataclass(frozen=True)
class Text(Mark):
    """Words in the plot, one for every point.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        Where they stand.
    text : sequence of str, or one Say
        What they say. A `Say` serves a single point.
    anchor : {"start", "middle", "end"}
        Which end of the text stands at the point.
    dx, dy : float
        Pixels by which they are moved right and up.
    """

    x: ArrayLike
    y: ArrayLike
    text: Sequence[str] | Say
    color: Color = "ink"
    size: float = 12.0
    anchor: Literal["start", "middle", "end"] = "start"
    dx: float = 0.0
    dy: float = 0.0
    bold: bool = False
    kind: ClassVar[str] = "text"
    roles: ClassVar[dict[str, str]] = {"x": "x", "y": "y"}

    def leaves(self) -> Iterable[tuple[str, str, Any]]:
        """Split a `Say` into its template and its numbers."""
        for name, role, value in super().leaves():
            if name != "text":
                yield name, role, value
            elif isinstance(value, Say):
                yield "text", "style", [value.template]
                yield "numbers", "number", floats(value.numbers, "a number in the text")
            else:
                yield "text", "style", list(value)
        count = 1 if isinstance(self.text, Say) else len(self.text)
        if count != np.size(self.x):
            raise ValueError(f"a text needs words for every point, got {count} of {np.size(self.x)}.")


@dataclass(frozen=True)
class Sentence(Mark):
    """One sentence of the figure's description, which belongs to no panel."""

    text: Say
    kind: ClassVar[str] = "sentence"

    def leaves(self) -> Iterable[tuple[str, str, Any]]:
        """Split the `Say` into its template and its numbers."""
        yield "text", "style", self.text.template
        yield "numbers", "number", floats(self.text.numbers, "a number in the description")


@dataclass(frozen=True)
class View(Mark):
    """The ranges that the plot shows for these values."""

    x: tuple[float, float]
    y: tuple[float, float]
    kind: ClassVar[str] = "view"

    def __post_init__(self) -> None:
        """Refuse ranges that cannot be drawn."""
        if not (self.x[0] < self.x[1] and self.y[0] < self.y[1]):
            raise ValueError(f"a view cannot show x from {self.x} and y from {self.y}.")


@dataclass(frozen=True)
class Column(Mark):
    """One column of a table: numbers, or a sequence of texts.

    `panel` is the table's name.

    Parameters
    ----------
    index : int
        Which column it fills.
    cells : array_like, shape (rows,), or sequence of str
        Its content from the top.
    shown : str, optional
        The name of a stepper: at its value k only the first k + 1 rows are shown.
    """

    index: int
    cells: ArrayLike
    shown: str | None = None
    kind: ClassVar[str] = "column"

    def leaves(self) -> Iterable[tuple[str, str, Any]]:
        """Store numbers as numbers and anything else as texts."""
        for name, role, value in super().leaves():
            if name == "cells":
                if isinstance(value, Sequence) and value and isinstance(value[0], str):
                    role, value = "style", list(value)
                else:
                    role, value = "number", floats(value, "column cells")
            yield name, role, value


def contours(
    panel: str,
    x: ArrayLike,
    y: ArrayLike,
    z: ArrayLike,
    levels: Sequence[float],
    *,
    color: Color = "soft",
    width: float = 1.0,
) -> Line:
    """Return the contour lines of a surface as one line with gaps.

    Parameters
    ----------
    x : array_like, shape (columns,)
    y : array_like, shape (rows,)
    z : array_like, shape (rows, columns)
        The surface's heights.
    levels : sequence of float
        The heights at which to draw.
    """
    from contourpy import contour_generator

    generator = contour_generator(np.asarray(x), np.asarray(y), np.asarray(z))
    lift = np.full((1, 2), np.nan)
    lines = [np.asarray(line) for level in levels for line in generator.lines(level)]
    pieces = [piece for line in lines for piece in (line, lift)]
    path = np.concatenate(pieces[:-1]) if pieces else np.zeros((0, 2))
    return Line(panel, path[:, 0], path[:, 1], color=color, width=width, gaps=True)


def network(panel: str, weights: Sequence[NDArray[np.floating]], *, node_size: float = 9.0) -> list[Mark]:
    """Return a drawing of a fully connected network with its weights.

    Layers stand at x = 0, 1, …; the units of a layer are spread evenly between y = 0 and y = 1.

    Parameters
    ----------
    weights : sequence of ndarray, each of shape (fan_in, fan_out)
        One matrix for every pair of neighbouring layers.
    """
    sizes = [weights[0].shape[0], *(w.shape[1] for w in weights)]
    heights = [1 - (np.arange(n) + 0.5) / n for n in sizes]
    marks: list[Mark] = []
    for layer, w in enumerate(weights):
        if w.shape != (sizes[layer], sizes[layer + 1]):
            raise ValueError(f"weights[{layer}] has shape {w.shape}, which does not follow {sizes}.")
        start, end = np.meshgrid(heights[layer], heights[layer + 1], indexing="ij")
        flat = np.full(w.size, float(layer))
        marks.append(Segments(panel, flat, start.ravel(), flat + 1, end.ravel(), w.ravel()))
    x = np.repeat(np.arange(len(sizes), dtype=float), sizes)
    marks.append(Points(panel, x, np.concatenate(heights), color="ink", size=node_size))
    return marks
