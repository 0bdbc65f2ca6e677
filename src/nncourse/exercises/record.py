"""What a learner has answered so far, kept in a small file beside the notebook.

The file is a convenience and no proof of anything. Where it cannot be written, what happened in this
session is remembered and nothing is said; a damaged file counts as none.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nncourse.exercises.checking import Exercise, Outcome, Question

FILE = ".nncourse_progress.json"

_unsaved: dict[str, dict[str, float]] = {}


@dataclass(frozen=True)
class Standing:
    """How far a learner is with one question, as its visible checks saw it last."""

    question: Question
    answered: bool
    share: float

    @property
    def right(self) -> bool:
        """Whether every visible check went through."""
        return self.share == 1.0

    @property
    def points(self) -> float:
        """The share of the points that the visible checks would give."""
        return self.question.points * self.share

    @property
    def word(self) -> str:
        """The standing in a word or two."""
        if not self.answered:
            return "open"
        return "right" if self.right else "not yet right"


def share(outcomes: Sequence[Outcome]) -> float:
    """Return the part of all checks that went through, by weight."""
    total = sum(outcome.check.weight for outcome in outcomes)
    return sum(outcome.check.weight for outcome in outcomes if outcome.ok) / total


def answered(outcomes: Sequence[Outcome]) -> bool:
    """Whether there is an answer at all, right or wrong."""
    return any(outcome.status not in ("unanswered", "missing") for outcome in outcomes)


def note(exercise: Exercise, question: Question, outcomes: Sequence[Outcome]) -> None:
    """Remember what the checks of a question found, in place of what they found before."""
    record = _read()
    before = record.setdefault(exercise.name, {})
    if answered(outcomes):
        before[question.name] = share(outcomes)
    elif before.pop(question.name, None) is None:
        return  # still open: no file for that
    try:
        # Written beside and moved, so that a crash leaves the old file or the new one.
        part = Path(f"{FILE}.{os.getpid()}")
        part.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", "utf-8")
        part.replace(FILE)
    except OSError:
        _unsaved.update(record)


def standings(exercise: Exercise) -> list[Standing]:
    """Return how far the learner is with each question of an exercise."""
    shares = _read().get(exercise.name, {})
    return [
        Standing(question, question.name in shares, shares.get(question.name, 0.0))
        for question in exercise.questions
    ]


def _read() -> dict[str, dict[str, float]]:
    try:
        record = _sound(json.loads(Path(FILE).read_text("utf-8")))
    except (OSError, ValueError):
        record = {}
    return {**record, **_unsaved}


def _sound(record: Any) -> dict[str, dict[str, float]]:
    """Keep what looks like a record, and drop the rest."""
    if not isinstance(record, dict):
        return {}
    return {
        exercise: {
            question: float(value)
            for question, value in shares.items()
            if isinstance(value, int | float) and 0 <= value <= 1
        }
        for exercise, shares in record.items()
        if isinstance(shares, dict)
    }
