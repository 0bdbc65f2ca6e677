"""A small exercise, notebooks that answer it, and the judge with limits so small that attacks end soon."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from nncourse.exercises.checking import Check, Exercise, Question, Submission, close
from nncourse.grading.judge import Paper, Result, grade
from nncourse.grading.sandbox import Limits, take_slot

SMALL = Limits(
    cell=2.0,
    check=1.0,
    total=12.0,
    memory=256 << 20,
    disk=8 << 20,
    output=256 << 10,
    result=1 << 20,
    processes=16,
    files=64,
)
SECRET = np.array([31.25, -62.5])


def _double_two(s: Submission) -> None:
    close(s.double(np.array([1.0, 2.0])), [2, 4], "Multiply by two.")


def _double_secret(s: Submission) -> None:
    close(s.double(SECRET), 2 * SECRET, "It must hold for every array.")


def _mean(s: Submission) -> None:
    close(s.mean([1.0, 2.0, 6.0]), 3.0, "The sum, divided by how many there are.")


def _tally(s: Submission) -> None:
    tally = s.Tally(start=3)
    tally.add(4)
    close(tally.total, 7.0, "add adds to total.")


def _number(s: Submission) -> None:
    close(s.ANSWER, 42.0, "Think again.")


PAPER = Paper(
    Exercise(
        "ex99_classroom",
        "Classroom",
        (
            Question("q1", "Twice", 10, ("double",), (Check("two numbers", _double_two),)),
            Question("q2", "The mean", 10, ("mean",), (Check("three numbers", _mean),)),
            Question("q3", "A tally", 10, ("Tally",), (Check("start and add", _tally),)),
            Question("q4", "The answer", 10, ("ANSWER",), (Check("the number", _number),)),
        ),
    ),
    {"q1": (Check("an array that nobody knows", _double_secret),)},
)
Q1 = "def double(x):\n    return 2 * x"
Q2 = "def mean(values):\n    return sum(values) / len(values)"
Q3 = (
    "class Tally:\n"
    "    def __init__(self, start):\n"
    "        self.total = start\n"
    "    def add(self, n):\n"
    "        self.total += n"
)
Q4 = "ANSWER = 42"
RIGHT = (Q1, Q2, Q3, Q4)
STUB = 'def double(x):\n    raise NotImplementedError("q1: write double here.")'


def notebook(*sources: str, **changes: Any) -> bytes:
    """A notebook of these code cells, as Jupyter would save it."""
    cells = [
        {"cell_type": "code", "id": f"c{i}", "metadata": {}, "outputs": [], "source": source}
        for i, source in enumerate(sources)
    ]
    whole = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **changes}
    return json.dumps(whole).encode()


def mark(*sources: str, limits: Limits = SMALL) -> Result:
    """What the judge finds in a notebook of these cells."""
    return mark_file(notebook(*sources), limits)


def mark_file(data: bytes, limits: Limits = SMALL) -> Result:
    """What the judge finds in a file."""
    with take_slot() as slot:
        return grade(data, PAPER, limits, slot)


def points(result: Result) -> list[float]:
    """The points of the four questions."""
    return [answer.points for answer in result.answers]


def lines(result: Result) -> str:
    """All that the result says about what is wrong."""
    hints = [mark.hint for answer in result.answers for mark in answer.marks if not mark.ok]
    return "\n".join([*result.notes, *hints])


def running(argument: str) -> bool:
    """Whether a process with this argument runs anywhere on the machine."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if argument.encode() in path.read_bytes().split(b"\0"):
                return True
    return False
