"""The controls a reader can move: sliders, choices, toggles and steppers.

A control knows which values it offers in the static page (its grid), which it accepts in a live
notebook, and how it describes itself to the browser. It draws nothing: explore.js does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

Value = float | int | str | bool


class ControlError(ValueError):
    """A control was specified wrongly, or was given a value it does not have."""


@dataclass(frozen=True, kw_only=True)
class Control:
    """What every control has.

    Parameters
    ----------
    name : str
        A Python identifier: the parameter by which a part of the scene asks for the value.
    label : str
        What the reader sees beside the control.
    """

    name: str
    label: str
    kind: ClassVar[str] = "control"

    @property
    def grid(self) -> tuple[Value, ...]:
        """The values that the static page offers, in order."""
        raise NotImplementedError

    @property
    def first(self) -> Value:
        """The value the control starts at; always a member of the grid."""
        raise NotImplementedError

    def __post_init__(self) -> None:
        """Refuse a specification that would fail later and further away."""
        if not self.name.isidentifier():
            raise ControlError(f"control name must be a Python identifier, got {self.name!r}.")
        if not self.label.strip():
            raise ControlError(f"control {self.name!r} needs a label that a reader can see.")
        if len(self.grid) < 2:
            raise ControlError(f"control {self.name!r} needs at least two values to move between.")
        if len(set(self.grid)) < len(self.grid):
            raise ControlError(f"control {self.name!r} has a value twice in {list(self.grid)}.")
        if self.first not in self.grid:
            raise ControlError(
                f"control {self.name!r} starts at {self.first!r}, which is not in its grid "
                f"{self.grid[0]!r} … {self.grid[-1]!r}."
            )

    def accept(self, value: object) -> Value:
        """Return `value` as this control's type, or raise `ControlError`.

        Live, a slider accepts any number in its range; everything else must be in the grid.
        """
        if value not in self.grid:
            raise ControlError(f"control {self.name!r} has no value {value!r}; it has {list(self.grid)}.")
        return self.grid[self.grid.index(value)]

    def spec(self) -> dict[str, Any]:
        """Describe the control to the browser, as plain JSON."""
        return {
            "kind": self.kind,
            "name": self.name,
            "label": self.label,
            "grid": list(self.grid),
            "start": self.grid.index(self.first),
        }


def _few_digits(values: NDArray[np.float64]) -> list[float]:
    """Round to three digits, or to as many more as keep the values evenly spaced."""
    for digits in range(3, 17):
        rounded = [float(f"{v:.{digits}g}") for v in values]
        if (np.abs(rounded - values) <= np.gradient(values) / 20).all():
            break
    return rounded


@dataclass(frozen=True, kw_only=True)
class Slider(Control):
    """A number in a range.

    In the static page the slider stops at the values of its grid; in a live notebook it also
    stops between them, and Python computes what is not in the recording.

    Parameters
    ----------
    low, high : float
        Ends of the range, both included.
    num : int
        How many evenly spaced values the grid has before `marks` are added.
    start : float
        Where the slider starts; it is added to the grid.
    scale : {"linear", "log"}
        Even spacing of the values or of their logarithms.
    marks : sequence of float
        Values worth a button of their own under the slider; they are added to the grid.
    integer : bool
        Whole numbers only.
    unit : str
        Shown behind the value.
    """

    low: float
    high: float
    num: int = 41
    start: float
    scale: Literal["linear", "log"] = "linear"
    marks: Sequence[float] = ()
    integer: bool = False
    unit: str = ""
    kind: ClassVar[str] = "slider"
    _grid: tuple[float, ...] = field(init=False, repr=False, default=())

    def __post_init__(self) -> None:
        """Lay the grid: even steps, each made way for by a mark that lies nearby."""
        if not -math.inf < self.low < self.high < math.inf:
            raise ControlError(f"slider {self.name!r} needs low < high, got {self.low}, {self.high}.")
        if self.scale not in ("linear", "log"):
            raise ControlError(f"slider {self.name!r} has a linear or a log scale, got {self.scale!r}.")
        if self.scale == "log" and self.low <= 0:
            raise ControlError(f"slider {self.name!r} has a log scale and needs low > 0.")
        if self.num < 2:
            raise ControlError(f"slider {self.name!r} needs num >= 2, got {self.num}.")
        special = sorted({float(v) for v in (*self.marks, self.start)})
        if outside := [v for v in special if not self.low <= v <= self.high]:
            raise ControlError(
                f"slider {self.name!r} runs from {self.low} to {self.high}; "
                f"start and marks must lie inside, got {outside}."
            )
        if self.integer and (broken := [v for v in special if v != round(v)]):
            raise ControlError(
                f"slider {self.name!r} has whole numbers only; "
                f"start and marks must be whole too, got {broken}."
            )
        if self.integer:
            grid = [float(v) for v in range(math.ceil(self.low), math.floor(self.high) + 1)]
            if len(grid) > self.num:
                grid = [grid[i] for i in np.linspace(0, len(grid) - 1, self.num).round().astype(int)]
        else:
            space = np.linspace if self.scale == "linear" else np.geomspace
            grid = _few_digits(space(self.low, self.high, self.num))
            grid[0], grid[-1] = float(self.low), float(self.high)
        position = math.log if self.scale == "log" else float
        near = 0.4 * (position(self.high) - position(self.low)) / (self.num - 1)
        inner = [v for v in grid[1:-1] if all(abs(position(v) - position(s)) > near for s in special)]
        values = sorted({grid[0], grid[-1], *special, *(grid[1:-1] if self.integer else inner)})
        object.__setattr__(self, "_grid", tuple(int(v) if self.integer else v for v in values))
        super().__post_init__()

    @property
    def grid(self) -> tuple[float, ...]:
        """Even steps from `low` to `high`, with the marks and the start among them."""
        return self._grid

    @property
    def first(self) -> float:
        """The start value."""
        return self.start

    def accept(self, value: object) -> Value:
        """Return `value` as a number in the slider's range, or raise `ControlError`."""
        if isinstance(value, bool) or not isinstance(value, int | float | np.number):
            raise ControlError(f"slider {self.name!r} takes a number, got {value!r}.")
        number = float(value)
        if not self.low <= number <= self.high:
            raise ControlError(f"slider {self.name!r} runs from {self.low} to {self.high}, got {number}.")
        if self.integer and number != round(number):
            raise ControlError(f"slider {self.name!r} takes whole numbers, got {number}.")
        return int(number) if self.integer else number

    def spec(self) -> dict[str, Any]:
        """Describe the slider to the browser, as plain JSON."""
        return super().spec() | {
            "scale": self.scale,
            "marks": [self.grid.index(v) for v in sorted(self.marks)],
            "integer": self.integer,
            "unit": self.unit,
        }


@dataclass(frozen=True, kw_only=True)
class Choice(Control):
    """One of a few named options.

    Parameters
    ----------
    options : sequence of str or mapping of str to str
        The values, or a mapping from each value to the text that the reader sees.
    start : str
        The option chosen at first; the first one by default.
    """

    options: Sequence[str] | Mapping[str, str]
    start: str | None = None
    kind: ClassVar[str] = "choice"

    @property
    def grid(self) -> tuple[str, ...]:
        """The options' values."""
        return tuple(self.options)

    @property
    def first(self) -> str:
        """The option chosen at first."""
        return self.grid[0] if self.start is None else self.start

    def spec(self) -> dict[str, Any]:
        """Describe the choice to the browser, as plain JSON."""
        texts = self.options.values() if isinstance(self.options, Mapping) else self.options
        return super().spec() | {"texts": list(texts)}


@dataclass(frozen=True, kw_only=True)
class Toggle(Control):
    """Something that is on or off.

    Parameters
    ----------
    start : bool
        Whether it is on at first.
    """

    start: bool = False
    kind: ClassVar[str] = "toggle"

    @property
    def grid(self) -> tuple[bool, ...]:
        """Off, then on."""
        return (False, True)

    @property
    def first(self) -> bool:
        """Whether it is on at first."""
        return self.start


@dataclass(frozen=True, kw_only=True)
class Stepper(Control):
    """A count from 0 to `last` that the reader can also play like a film.

    Parameters
    ----------
    last : int
        The last step.
    start : int
        The step shown at first.
    every : int
        Steps between two values of the grid; 1 shows them all.
    live_every : int
        The same in a live notebook, where Python can show more of them; 0 means `every`.
    """

    last: int
    start: int = 0
    every: int = 1
    live_every: int = 0
    kind: ClassVar[str] = "stepper"

    def __post_init__(self) -> None:
        """Refuse steps that lead nowhere."""
        if self.every < 1:
            raise ControlError(f"stepper {self.name!r} needs every >= 1, got {self.every}.")
        if self.live_every < 0 or (self.live_every and self.every % self.live_every):
            raise ControlError(
                f"stepper {self.name!r} needs a live_every that divides every, got {self.live_every}."
            )
        super().__post_init__()

    @property
    def grid(self) -> tuple[int, ...]:
        """The step numbers."""
        return tuple(range(0, self.last + 1, self.every))

    @property
    def first(self) -> int:
        """The step shown at first."""
        return self.start

    def accept(self, value: object) -> Value:
        """Return `value` as a whole number, if it is in the grid or among the live steps."""
        live = tuple(range(0, self.grid[-1] + 1, self.live_every or self.every))
        return live[live.index(value)] if value in live else super().accept(value)

    def spec(self) -> dict[str, Any]:
        """Describe the stepper to the browser."""
        return super().spec() | ({"live": self.live_every} if self.live_every else {})
