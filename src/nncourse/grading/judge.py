"""Marks one notebook: visible and hidden checks, in this process, on answers from a sandbox.

Visible checks run first, for all questions. So whatever a learner's code says in their course, which the
learner gets to read, it says before it has seen a hidden input.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from nncourse.exercises.checking import Check, Exercise, Outcome, Question, evaluate
from nncourse.grading.answers import Session
from nncourse.grading.in_process import InProcess
from nncourse.grading.notebooks import NotANotebook, read_notebook
from nncourse.grading.sandbox import Limits, Lost, Slot

MOST_LOST = 2  # sandboxes that one question may break before its other checks are skipped
NOT_RUN = "Not run, because the code did not survive the checks before."

Status = Literal["graded", "unreadable", "judge-error"]


@dataclass(frozen=True)
class Mark:
    """What one check found, in texts. Those of a hidden check are for the teacher alone."""

    name: str
    visible: bool
    weight: float
    ok: bool
    status: str
    hint: str = ""
    expected: str = ""
    actual: str = ""
    where: str = ""


@dataclass(frozen=True)
class Answer:
    """What one question earned."""

    name: str
    title: str
    max_points: float
    marks: tuple[Mark, ...] = ()

    @property
    def points(self) -> float:
        """The question's points, shared out by the weights of the checks that went through."""
        weights = sum(mark.weight for mark in self.marks)
        right = sum(mark.weight for mark in self.marks if mark.ok)
        return round(self.max_points * right / weights, 4) if weights else 0.0

    @property
    def status(self) -> str:
        """One word: right, partly, or what the first check that failed says."""
        failed = [mark.status for mark in self.marks if not mark.ok]
        if not self.marks:
            return "not-run"
        if not failed:
            return "right"
        return "partly" if len(failed) < len(self.marks) else failed[0]


@dataclass(frozen=True)
class Result:
    """What one submission earned, with a line for each thing that was wrong with it."""

    status: Status
    answers: tuple[Answer, ...]
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    unsafe: bool = False

    @property
    def points(self) -> float:
        """All points earned."""
        return round(sum(answer.points for answer in self.answers), 4)

    @property
    def max_points(self) -> float:
        """All points that could be had."""
        return sum(answer.max_points for answer in self.answers)


@dataclass(frozen=True)
class Paper:
    """An exercise as the judge sees it: its questions, and the hidden checks of each."""

    exercise: Exercise
    hidden: Mapping[str, tuple[Check, ...]]
    asked: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Collect the names that the questions ask for."""
        names = (name for question in self.exercise.questions for name in question.asks)
        object.__setattr__(self, "asked", frozenset(names))

    def nothing(self) -> tuple[Answer, ...]:
        """Return the answers of a submission that could not be marked."""
        return tuple(Answer(q.name, q.title, q.points) for q in self.exercise.questions)


def grade(data: bytes, paper: Paper, limits: Limits, slot: Slot | None) -> Result:
    """Mark a notebook.

    Whatever the notebook holds, this returns a result. Only a fault of the judge itself is raised, such
    as a sandbox that does not start.

    Parameters
    ----------
    data : bytes
        The file, as it was handed in.
    paper : Paper
        What to check.
    limits : Limits
        What the notebook's code may use.
    slot : Slot or None
        Where its sandboxes run. None runs the code in this process, unprotected: the result says so.
    """
    begun = time.monotonic()
    unsafe = slot is None
    try:
        reading = read_notebook(data)
    except NotANotebook as error:
        return Result("unreadable", paper.nothing(), (str(error),), unsafe=unsafe)
    if slot is None:
        session: Session | InProcess = InProcess(reading.cells, paper.asked)
    else:
        session = Session(reading.cells, paper.asked, limits, slot)
    try:
        session.start()
        answers, notes = _answers(paper, session)
    except Lost as lost:
        answers, notes = paper.nothing(), (*session.notes, f"The notebook {lost}.")
    finally:
        session.close()
    notes = (*reading.notes, *notes)
    return Result("graded", answers, notes, round(time.monotonic() - begun, 3), unsafe)


def _answers(paper: Paper, session: Session | InProcess) -> tuple[tuple[Answer, ...], tuple[str, ...]]:
    """Return the answers, and what the notebook said before the first hidden check.

    What it says later stays here. A sandbox that is started anew has no memory of a hidden input, but it
    has a clock, and when the one before it chose to die could stand for that input.
    """
    marks: dict[str, list[Mark]] = {question.name: [] for question in paper.exercise.questions}
    lost: dict[str, int] = dict.fromkeys(marks, 0)
    notes: tuple[str, ...] = ()
    for visible in (True, False):
        if not visible:
            notes = tuple(session.notes)
        for question in paper.exercise.questions:
            for check in question.visible if visible else paper.hidden.get(question.name, ()):
                outcome = _outcome(question, check, session, lost)
                marks[question.name].append(_mark(outcome, visible))
    answers = tuple(
        Answer(question.name, question.title, question.points, tuple(marks[question.name]))
        for question in paper.exercise.questions
    )
    return answers, notes


def _outcome(question: Question, check: Check, session: Session | InProcess, lost: dict[str, int]) -> Outcome:
    """Run one check; a sandbox that breaks costs this check only."""
    if lost[question.name] >= MOST_LOST:
        return Outcome(check, False, "stopped", NOT_RUN)
    try:
        session.begin_check()
        with np.errstate(all="ignore"):  # a learner's numbers may overflow in a check
            (outcome,) = evaluate(question, [check], session.answers())
        return outcome
    except Lost as problem:
        lost[question.name] = MOST_LOST if problem.kind == "total" else lost[question.name] + 1
        return Outcome(check, False, "stopped", f"The code {problem}.")
    except Exception as error:  # a value so odd that it cannot even be shown
        return Outcome(check, False, "wrong", f"The result has another form than asked for ({error}).")


def _mark(outcome: Outcome, visible: bool) -> Mark:
    return Mark(
        outcome.check.name,
        visible,
        outcome.check.weight,
        outcome.ok,
        outcome.status,
        outcome.hint,
        outcome.expected,
        outcome.actual,
        outcome.where,
    )
