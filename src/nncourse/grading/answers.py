"""The submission ``s`` of a check in the judge: every use of it is a call into the sandbox.

`nncourse.exercises.checking.Notebook` does the same in a notebook, where it calls at once.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from nncourse.exercises.checking import Missing, NotAnswered, Raised, Submission, Wrong, given
from nncourse.grading.notebooks import Cell
from nncourse.grading.sandbox import Limits, Lost, Sandbox, Slot
from nncourse.grading.values import Message, NotData, decode, encode

MOST_LEFT_OUT = 3  # cells that kill or hang their process; after that the notebook is given up
MOST_NOTES = 30
LONGEST = 300


class Session:
    """The cells of one notebook in a sandbox, started again whenever that was lost.

    A cell that ends or hangs the process is named and left out, so that the others count.

    Parameters
    ----------
    cells : list[Cell]
        What to run first.
    asked : Collection[str]
        The names that the exercise asks for.
    limits : Limits
        What it may use.
    slot : Slot
        Where its sandboxes run.
    """

    def __init__(self, cells: list[Cell], asked: Collection[str], limits: Limits, slot: Slot) -> None:
        self.notes: list[str] = []
        self.changed = False  # whether the last call changed its arguments
        self._asked = sorted(asked)
        self.limits = limits
        self._cells = cells
        self._slot = slot
        self._sandbox: Sandbox | None = None
        self._left_out: set[int] = set()
        self._end = time.monotonic() + limits.total
        self._deadline = self._end

    def start(self) -> None:
        """Run the cells, unless they have been and the sandbox is still there.

        Raises
        ------
        Lost
            If that cannot be done, even without the cells that get in the way.
        """
        while self._sandbox is None:
            running: int | None = None
            self.check_time()
            self._sandbox = Sandbox(self.limits, self._slot)
            try:
                cells = [vars(cell) for cell in self._cells if cell.number not in self._left_out]
                self._sandbox.send({"cells": cells, "asked": self._asked}, [], self._soon(self.limits.cell))
                while "cell" in (header := self._sandbox.receive(self._soon(self.limits.cell))[0]):
                    running = _number(header["cell"], cells)
                self.notes += [note for note in notes(header) if note not in self.notes]
            except Lost as lost:
                self.close()
                if running is None or len(self._left_out) >= MOST_LEFT_OUT:
                    raise
                self._left_out.add(running)
                self.notes.append(f"Code cell {running} {lost}. It was left out, and the rest was marked.")

    def begin_check(self) -> None:
        """Start the clock of a check."""
        self.check_time()
        self.start()
        self._deadline = self._soon(self.limits.check)

    def answers(self) -> Submission:
        """Return what checks may ask."""
        return Answers(self)

    def check_time(self) -> None:
        """Raise `Lost` when the whole submission has had its time."""
        if time.monotonic() > self._end:
            self.close()
            raise Lost("total", f"took more than {self.limits.total:g} s in all")

    def close(self) -> None:
        """End the sandbox, if there is one."""
        if self._sandbox is not None:
            self._sandbox.close()
            self._sandbox = None

    def _soon(self, seconds: float) -> float:
        return min(time.monotonic() + seconds, self._end)

    def look(self, place: int | None, name: str) -> Message:
        """Ask for a name of the notebook, or an attribute of an object; return the reply."""
        return self._ask({"do": "look", "object": place, "name": name}, [])

    def call(
        self, place: int | None, name: str | None, arguments: Sequence[Any], options: Mapping[str, Any]
    ) -> Message:
        """Call what has this name, or an object; return the reply, and note whether arguments changed."""
        arrays: list[np.ndarray] = []
        request = {
            "do": "call",
            "object": place,
            "name": name,
            "arguments": [encode(given(value), arrays) for value in arguments],
            "options": {key: encode(given(value), arrays) for key, value in options.items()},
        }
        reply = self._ask(request, arrays)
        self.changed = reply[0].get("changed") is True
        return reply

    def _ask(self, request: dict[str, Any], arrays: list[np.ndarray]) -> Message:
        assert self._sandbox is not None, "begin_check comes first"
        try:
            self._sandbox.send({**request, "most_bytes": self.limits.result}, arrays, self._deadline)
            return self._sandbox.receive(self._deadline)
        except Lost:
            self.close()
            raise

    def lose(self, message: str) -> Lost:
        """Give up a sandbox that does not keep to the protocol."""
        self.close()
        return Lost("data", message)


def notes(said: dict[str, Any]) -> list[str]:
    """Return the lines for the learner in what a worker says about the cells; it may say anything."""
    lines, failed = said.get("notes"), said.get("failed")
    found = [_text(line) for line in lines[:MOST_NOTES]] if isinstance(lines, list) else []
    for entry in failed[:MOST_NOTES] if isinstance(failed, list) else []:
        if isinstance(entry, dict) and not entry.get("unanswered"):
            where = _text(entry.get("where")) or f"cell {_text(entry.get('cell'))}"
            found.append(f"{_text(entry.get('raised'))}: {_text(entry.get('message'))} ({where})")
    return found


def _number(value: Any, cells: list[dict[str, Any]]) -> int | None:
    """Return the number of the cell that is said to run, if there is such a cell."""
    return next((cell["number"] for cell in cells if cell["number"] == value), None)


def _text(value: Any) -> str:
    return str(value)[:LONGEST] if isinstance(value, str | int) else ""


class Answers:
    """What a notebook defines, by name: `checking.Submission`, in a sandbox."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def _changed(self) -> bool:
        return self._session.changed

    def __getattr__(self, name: str) -> Any:
        """Return a value of the notebook, or something to call it by."""
        if name.startswith("_"):
            raise AttributeError(name)
        return _look(self._session, None, name, name)


class _Remote:
    """A function, a method, or an object of a class that the learner wrote, inside the sandbox."""

    def __init__(self, session: Session, place: int | None, name: str | None, label: str) -> None:
        self._session = session
        self._place = place
        self._name = name
        self._label = label

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        reply, arrays = self._session.call(self._place, self._name, arguments, options)
        return _result(self._session, reply, arrays, self._label)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return _look(self._session, self._place, name, f"{self._label}.{name}")


def _look(session: Session, place: int | None, name: str, label: str) -> Any:
    reply, arrays = session.look(place, name)
    if reply == {"callable": True}:
        return _Remote(session, place, name, label)
    return _result(session, reply, arrays, label)


def _result(session: Session, reply: dict[str, Any], arrays: list[np.ndarray], label: str) -> Any:
    """Return the value in a reply, or raise what it says."""
    if "value" in reply:
        try:
            return decode(reply["value"], arrays)
        except NotData as error:
            raise session.lose(f"sent {error}") from None
    if "not_data" in reply:
        raise Wrong(f"A number or an array is wanted; this is {_text(reply['not_data'])}.")
    if "missing" in reply:
        owner, _, name = label.rpartition(".")
        raise Missing(f"An object of {owner} has no {name}." if owner else f"The notebook defines no {name}.")
    if "raised" in reply:
        message = _text(reply.get("message"))
        if reply.get("unanswered"):
            raise NotAnswered(message or f"{label} is still to be written.")
        raised = Raised(f"{label} raised {_text(reply['raised'])}: {message}")
        raised.where = _text(reply.get("where"))
        raise raised
    if "object" in reply and isinstance(reply["object"], int):
        return _Remote(session, reply["object"], None, label)
    raise session.lose("sent a reply of the wrong form")
