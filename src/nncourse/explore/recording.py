"""A recording: the scenes of a figure for every value of its controls, small enough for a page.

Each part of a scene is recorded over the controls it depends on and no others. Numbers are
quantised to what a reader can see and packed into one block of bytes; explore.js unpacks it. A live
notebook uses the same format with one value per control, so there is one way to draw.
"""

from __future__ import annotations

import base64
import gzip
import inspect
import itertools
import json
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .controls import Value
from .scene import Axis, Column, Mark, Panel, Plot, Say, Sentence, Table, View

Part = Callable[..., Mark | Iterable[Mark] | Say | str]

# A coordinate may be off by this fraction of its axis: a quarter of a pixel on a 750 px wide plot.
COORDINATE_ERROR = 1 / 3000


class ExplorableError(RuntimeError):
    """A figure cannot be recorded; the message names the figure, the part and the values."""


@dataclass(frozen=True)
class Recording:
    """Scenes, packed.

    Attributes
    ----------
    header : dict
        JSON: for every part its controls, and for every mark where its fields are in `data`; and
        the longest description, for which the page keeps room.
    data : bytes
        The packed numbers.
    """

    header: dict[str, Any]
    data: bytes

    def as_json(self) -> dict[str, Any]:
        """Return the recording as plain JSON, its bytes in base64."""
        return self.header | {"data": base64.b64encode(self.data).decode("ascii")}

    def gz_bytes(self) -> int:
        """Return its size in a page that is sent compressed."""
        return len(gzip.compress(json.dumps(self.as_json()).encode(), 6))


def depends_on(part: Part) -> tuple[str, ...]:
    """Return the names of the controls a part depends on: its parameters."""
    return tuple(inspect.signature(part).parameters)


def place(values: Mapping[str, Value]) -> str:
    """Write control values for a message: ``learning_rate = 0.25, x0 = 2``."""
    return ", ".join(f"{name} = {value!r}" for name, value in values.items()) or "any value"


def marks_of(part: Part, values: Mapping[str, Value]) -> list[Mark]:
    """Call a part and return its marks; a description counts as one `Sentence`."""
    made = part(**values)
    if isinstance(made, str):
        made = Say(made)
    if isinstance(made, Say):
        if not made.template.strip():
            raise ValueError("the description is empty.")
        return [Sentence("", made)]
    marks = [made] if isinstance(made, Mark) else list(made)
    for mark in marks:
        if not isinstance(mark, Mark):
            raise TypeError(f"a part returns marks, got {type(mark).__name__}.")
    return marks


class Recorder:
    """Calls the parts of one figure and packs what they return.

    Parameters
    ----------
    name : str
        The figure's name, for messages.
    panels : mapping of str to Panel
        The panels by name.
    seconds : float
        How long all calls together may take.
    """

    def __init__(self, name: str, panels: Mapping[str, Panel], seconds: float) -> None:
        self.name, self.panels, self.seconds = name, panels, seconds

    def record(
        self, parts: Sequence[Part], grid: Mapping[str, Sequence[Value]]
    ) -> tuple[Recording, dict[str, int]]:
        """Record `parts` over `grid`; return the recording and the bytes that each part needs."""
        pack, headers, sizes = _Packer(), [], {}
        longest: list[str] = []
        deadline = time.monotonic() + self.seconds
        for part in parts:
            names, before = depends_on(part), len(pack.data)
            scenes = self._scenes(part, names, grid, deadline)
            headers.append(
                {
                    "controls": list(names),
                    "sizes": [len(grid[n]) for n in names],
                    "marks": self._pack_marks(part, scenes, pack),
                }
            )
            sizes[part.__name__] = len(pack.data) - before
            said = [str(m.text) for marks in scenes for m in marks if isinstance(m, Sentence)]
            longest += [max(said, key=len)] if said else []
        header = {"parts": headers, "longest": " ".join(longest)}
        return Recording(header, bytes(pack.data)), sizes

    def _scenes(
        self,
        part: Part,
        names: tuple[str, ...],
        grid: Mapping[str, Sequence[Value]],
        deadline: float,
    ) -> list[list[Mark]]:
        """Return the part's marks for every combination of its controls' values."""
        total = int(np.prod([len(grid[n]) for n in names]))
        scenes: list[list[Mark]] = []
        shape: list[tuple[str, str]] | None = None
        for combination in itertools.product(*(grid[n] for n in names)):
            values = dict(zip(names, combination, strict=True))
            try:
                marks = marks_of(part, values)
                for mark in marks:
                    self._check(mark, grid)
            except Exception as error:
                raise ExplorableError(
                    f"explorable {self.name}, part {part.__name__}, at {place(values)}: "
                    f"{type(error).__name__}: {error}"
                ) from error
            kinds = [(m.panel, m.kind) for m in marks]
            if shape is None:
                shape = kinds
            elif kinds != shape:
                raise ExplorableError(
                    f"explorable {self.name}, part {part.__name__}, at {place(values)}: "
                    f"returned the marks {kinds}, but {shape} before; "
                    "a part returns the same marks in the same order for all values."
                )
            scenes.append(marks)
            if time.monotonic() > deadline:
                raise ExplorableError(
                    f"explorable {self.name}, part {part.__name__}: {len(scenes)} of {total} grid "
                    f"points took longer than the {self.seconds:g} s the figure has. Coarsen the "
                    "grid, or let the part depend on fewer controls."
                )
        return scenes

    def _check(self, mark: Mark, grid: Mapping[str, Sequence[Value]]) -> None:
        """Refuse numbers that are not finite, shapes that differ, and a mark in the wrong place."""
        for name, role, value in mark.leaves():
            if role == "style":
                try:
                    json.dumps(value, allow_nan=False)
                except (TypeError, ValueError) as error:
                    raise ValueError(f"{mark.kind} {name} cannot be sent: {error}") from error
        if isinstance(mark, Sentence):
            return
        panel = self.panels.get(mark.panel)
        if panel is None:
            raise ValueError(f"there is no panel {mark.panel!r}; there is {list(self.panels)}.")
        if isinstance(mark, Column) != isinstance(panel, Table):
            raise ValueError(f"a {mark.kind} has no place in the {panel.kind} {mark.panel!r}.")
        if isinstance(mark, Column) and isinstance(panel, Table):
            if not 0 <= mark.index < len(panel.columns):
                raise ValueError(f"table {mark.panel!r} has no column {mark.index}.")
            if np.size(mark.cells) > panel.rows:
                raise ValueError(
                    f"column {mark.index} has {np.size(mark.cells)} rows, "
                    f"more than the {panel.rows} of table {mark.panel!r}."
                )
        shown = getattr(mark, "shown", None)
        if shown is not None and not isinstance(grid.get(shown, [""])[0], int):
            raise ValueError(f"{mark.kind} is shown up to {shown!r}, which is no stepper.")

    def _pack_marks(
        self, part: Part, scenes: Sequence[Sequence[Mark]], pack: _Packer
    ) -> list[dict[str, Any]]:
        headers = []
        for position, first in enumerate(scenes[0]):
            column = [marks[position] for marks in scenes]
            leaves = [list(mark.leaves()) for mark in column]
            names = [[leaf[0] for leaf in mark] for mark in leaves]
            if any(n != names[0] for n in names):
                raise ExplorableError(
                    f"explorable {self.name}, part {part.__name__}: the {first.kind} in panel "
                    f"{first.panel!r} has a Say for some values and plain text for others."
                )
            axes = self._axes(first.panel, scenes)
            packed = {
                name: pack.add(role, [mark[i][2] for mark in leaves], axes.get(role))
                for i, (name, role, _) in enumerate(leaves[0])
            }
            headers.append({"kind": first.kind, "panel": first.panel, "fields": packed})
        return headers

    def _axes(self, name: str, scenes: Sequence[Sequence[Mark]]) -> dict[str, _Precision]:
        """Return how exactly coordinates along x and y must be kept in a panel."""
        panel = self.panels.get(name)
        if not isinstance(panel, Plot):
            return {}
        views = [m for marks in scenes for m in marks if isinstance(m, View) and m.panel == name]
        return {
            "x": _Precision.of(panel.x, [v.x for v in views]),
            "y": _Precision.of(panel.y, [v.y for v in views]),
        }


@dataclass(frozen=True)
class _Precision:
    """How far off a coordinate may be, in the axis's own units or in its logarithms."""

    tolerance: float
    log: bool

    @classmethod
    def of(cls, axis: Axis, views: Sequence[tuple[float, float]]) -> _Precision:
        log = axis.scale == "log"
        ranges = np.array(views or [(axis.low, axis.high)])
        low, high = (np.log10(ranges) if log else ranges).T
        return cls(float((high - low).min()) * COORDINATE_ERROR, log)


class _Packer:
    """Collects fields over the grid and appends what varies to one block of bytes."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._seen: dict[bytes, int] = {}

    def add(self, role: str, values: Sequence[Any], axis: _Precision | None) -> Any:
        """Pack one field's values at all grid points; return its JSON header."""
        if role == "style":
            return self._choices(values)
        length = max(v.size for v in values)
        table = np.full((len(values), length), np.nan)
        for row, value in zip(table, values, strict=True):
            row[: value.size] = value
        if len(table) > 1 and _same_rows(table):
            table = table[:1]
        header: dict[str, Any] = {"points": len(table), "length": length}
        if role == "level":
            return header | {"codec": "level"} | self._integers(table.round().astype(np.uint32), 1)
        if role == "number":
            return header | {"codec": "float"} | self._floats(table, 4)
        log = axis is not None and axis.log and bool(np.nanmin(table, initial=1.0) > 0)
        steps = np.log10(table) if log else table
        low, step = _places(steps)
        if axis is not None and (step > axis.tolerance or axis.log != log):
            return header | {"codec": "float"} | self._floats(table, 3)
        places = np.where(np.isnan(steps), 65535, ((steps - low) / step).round())
        header |= {"codec": "steps", "low": low, "step": step, "log": log}
        return header | self._integers(places.astype(np.uint32), 2)

    def _choices(self, values: Sequence[Any]) -> Any:
        """Store each different value once; a field that never changes is its own header."""
        texts = [json.dumps(v, ensure_ascii=False) for v in values]
        order = {text: i for i, text in enumerate(dict.fromkeys(texts))}
        if len(order) == 1:
            return {"codec": "same", "value": values[0]}
        index = np.array([[order[t]] for t in texts], dtype=np.uint32)
        header = {"codec": "choice", "points": len(values), "length": 1}
        chosen = [json.loads(text) for text in order]
        return header | {"values": chosen} | self._integers(index, 1 if len(order) <= 256 else 2)

    def _floats(self, table: NDArray[np.float64], width: int) -> dict[str, int]:
        """Store float32, or its upper three bytes (16 significant bits, rounded)."""
        bits = table.astype(np.float32).view(np.uint32)
        if width == 3:
            bits = np.right_shift(bits + np.uint32(0x80), np.uint32(8))
        return self._integers(bits, width)

    def _integers(self, table: NDArray[np.uint32], width: int) -> dict[str, int]:
        """Store differences along the grid, byte plane by byte plane: that compresses best."""
        flat = np.ascontiguousarray(table.T).reshape(-1)
        steps = np.diff(flat, prepend=np.uint32(0)).astype(">u4")
        planes = steps.view(np.uint8).reshape(-1, 4)[:, 4 - width :].T.tobytes()
        key = bytes([width]) + planes
        if key not in self._seen:
            self._seen[key] = len(self.data)
            self.data += planes
        return {"at": self._seen[key], "width": width}


def _same_rows(table: NDArray[np.float64]) -> bool:
    return bool(np.array_equal(table, np.broadcast_to(table[0], table.shape), equal_nan=True))


def _places(table: NDArray[np.float64]) -> tuple[float, float]:
    """Return the first of 65535 even places from the lowest to the highest value, and their distance.

    Both without their last digits, in which machines differ: a recording is the same on all of them.
    """
    known = table[~np.isnan(table)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    size = high - low or abs(low) or 1.0
    first = round(low, 8 - math.floor(math.log10(size))) + 0.0  # not -0.0
    return first, float(f"{(high - low) / 65534:.8g}") or 1.0
