"""``check("ex05", "q2")``: look at the answer that stands in this notebook, and say what was found.

What is returned shows itself, as a small piece of HTML in a notebook and as text everywhere else.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from html import escape
from types import FrameType

from nncourse import palette
from nncourse.exercises import catalogue, record
from nncourse.exercises.checking import Exercise, Notebook, Outcome, Question, Stopped, evaluate
from nncourse.exercises.record import Standing

SECONDS = 5.0  # that one call of a learner's function may take
AGAIN = 0.2  # seconds until the next interruption, for code that swallows the first
BAR = 20  # characters

ONLY_THE_JUDGE = "These points are a help while you work. Only the judge's score counts; it checks more."

STYLE = (
    f"""<style>
{palette.css(".nn-check")}"""
    """
.nn-check { border-left: 4px solid var(--nn-soft); padding: 0.2em 0 0.2em 0.8em; max-width: 46em }
.nn-check.nn-right { border-color: var(--nn-green) } .nn-check.nn-wrong { border-color: var(--nn-orange) }
.nn-check p, .nn-check ul { margin: 0.3em 0 } .nn-check ul { list-style: none; padding-left: 0 }
.nn-check pre { margin: 0.2em 0 0.2em 1.4em; white-space: pre-wrap; background: none }
.nn-check li p { margin-left: 1.4em }
.nn-check td, .nn-check th { text-align: left; padding: 0.1em 1em 0.1em 0 }
.nn-check progress { width: 100%; max-width: 24em }
</style>"""
)


class _TimeUp(BaseException):
    """Raised inside a learner's function; not an Exception, so that `except Exception` lets it pass."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """End what runs inside after some seconds, where the platform can: POSIX, on the main thread.

    Raises
    ------
    Stopped
        When the time was up.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    over = False

    def interrupt(number: int, frame: FrameType | None) -> None:
        if not over:
            raise _TimeUp

    handler_before = signal.signal(signal.SIGALRM, interrupt)
    try:
        timer_before = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    except OSError:  # the name is there and the clock is not, as in a browser
        signal.signal(signal.SIGALRM, handler_before)
        yield
        return
    try:
        yield
    except _TimeUp as up:
        over = True
        raise Stopped(f"It was interrupted after {seconds:g} seconds. Does a loop never end?") from up
    finally:
        over = True
        signal.setitimer(signal.ITIMER_REAL, *timer_before)
        signal.signal(signal.SIGALRM, handler_before)


@dataclass(frozen=True)
class Report:
    """What the checks of one question found; the last line of a cell shows it."""

    exercise: Exercise
    question: Question
    outcomes: tuple[Outcome, ...]
    standings: tuple[Standing, ...]

    @property
    def summary(self) -> str:
        """One sentence on the whole question."""
        name, missing = self.question.name, self.outcomes[0]
        if not record.answered(self.outcomes):
            if any(outcome.status == "missing" for outcome in self.outcomes):
                return f"{name} cannot be checked yet. {missing.hint}"
            return (
                f"{name} is not answered yet. Write your answer in place of the line that raises "
                "NotImplementedError, run its cell, then this one."
            )
        passed = sum(outcome.ok for outcome in self.outcomes)
        if passed == len(self.outcomes):
            return f"{name} is right, as far as these {passed} checks can see."
        return f"{name}: {passed} of {len(self.outcomes)} checks go through."

    def __repr__(self) -> str:
        lines = [self.summary]
        if record.answered(self.outcomes):
            for outcome in self.outcomes:
                lines.append(f"  {_mark(outcome)} {outcome.check.name}")
                lines += [f"      {text}" for text in _remarks(outcome)]
        return "\n".join([*lines, "", *_standing_lines(self.exercise, self.standings)])

    def _repr_html_(self) -> str:
        items, kind = "", "open"
        if record.answered(self.outcomes):
            kind = "right" if all(outcome.ok for outcome in self.outcomes) else "wrong"
            found = (
                f"<li>{_mark(outcome)} {escape(outcome.check.name)}{_remarks_html(outcome)}</li>"
                for outcome in self.outcomes
            )
            items = f"<ul>{''.join(found)}</ul>"
        return (
            f'{STYLE}<div class="nn-check nn-{kind}" role="status">'
            f"<p><strong>{escape(self.summary)}</strong></p>{items}"
            f"{_standing_html(self.exercise, self.standings)}</div>"
        )


@dataclass(frozen=True)
class Progress:
    """How far a learner is; the last line of a cell shows it as a table and a bar."""

    exercises: tuple[tuple[Exercise, tuple[Standing, ...]], ...]

    def rows(self) -> list[tuple[str, str, str]]:
        """One row for each question of a single exercise, or for each of several exercises."""
        if len(self.exercises) == 1:
            return [
                (f"{s.question.name} · {s.question.title}", s.word, f"{s.points:.3g} of {s.question.points}")
                for s in self.exercises[0][1]
            ]
        return [
            (f"{e.short} · {e.title}", _counts(s), f"{_points(s):.3g} of {e.points}")
            for e, s in self.exercises
        ]

    def __repr__(self) -> str:
        rows = self.rows()
        widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
        lines = [f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}" for row in rows]
        return "\n".join([*lines, _bar(*self._total()), ONLY_THE_JUDGE])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{escape(word)}</td><td>{escape(points)}</td></tr>"
            for name, word, points in self.rows()
        )
        first = "question" if len(self.exercises) == 1 else "exercise"
        head = "".join(f'<th scope="col">{name}</th>' for name in (first, "standing", "points so far"))
        return (
            f'{STYLE}<div class="nn-check"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
            f"{_bar_html(*self._total())}<p>{ONLY_THE_JUDGE}</p></div>"
        )

    def _total(self) -> tuple[float, int]:
        return (
            sum(_points(standings) for _, standings in self.exercises),
            sum(exercise.points for exercise, _ in self.exercises),
        )


def check(exercise: str, question: str) -> Report:
    """Look at the answer to a question in the notebook that calls this.

    Parameters
    ----------
    exercise : str
        "ex05".
    question : str
        "q2".

    Raises
    ------
    LookupError
        If there is no such exercise or question.
    """
    return check_namespace(exercise, question, sys._getframe(1).f_globals)


def check_namespace(
    exercise: str,
    question: str,
    namespace: dict[str, object],
    limit: Callable[[], AbstractContextManager[None]] = lambda: time_limit(SECONDS),
) -> Report:
    """Look at the answer to a question among these names."""
    chosen = catalogue.exercise(exercise)
    asked = chosen.question(question)
    outcomes = evaluate(asked, asked.visible, Notebook(namespace, limit))
    record.note(chosen, asked, outcomes)
    return Report(chosen, asked, tuple(outcomes), tuple(record.standings(chosen)))


def progress(exercise: str | None = None) -> Progress:
    """Show how far you are with an exercise, or with all of them.

    Raises
    ------
    LookupError
        If there is no such exercise.
    """
    chosen = [catalogue.exercise(name) for name in ([exercise] if exercise else catalogue.names())]
    return Progress(tuple((one, tuple(record.standings(one))) for one in chosen))


def _mark(outcome: Outcome) -> str:
    return "✓" if outcome.ok else "✗"


def _remarks(outcome: Outcome) -> list[str]:
    """All that a failed check has to say, line by line."""
    texts = [outcome.hint] if outcome.hint else []
    texts += [text.strip() for text in [outcome.where] if text]
    texts += [
        f"{word}: {text}"
        for word, text in (("expected", outcome.expected), ("yours", outcome.actual))
        if text
    ]
    return [line for text in texts for line in text.splitlines()]


def _remarks_html(outcome: Outcome) -> str:
    hint = f"<p>{escape(outcome.hint)}</p>" if outcome.hint else ""
    lines = [outcome.where] if outcome.where else []
    lines += [f"expected: {outcome.expected}"] if outcome.expected else []
    lines += [f"yours:    {outcome.actual}"] if outcome.actual else []
    return hint + (f"<pre>{escape(chr(10).join(lines))}</pre>" if lines else "")


def _points(standings: Sequence[Standing]) -> float:
    return sum(standing.points for standing in standings)


def _counts(standings: Sequence[Standing]) -> str:
    answered = sum(standing.answered for standing in standings)
    right = sum(standing.right for standing in standings)
    return f"{answered} of {len(standings)} answered, {right} right"


def _standing(exercise: Exercise, standings: Sequence[Standing]) -> str:
    points = f"{_points(standings):.3g} of {exercise.points} points so far"
    return f"{exercise.short}: {_counts(standings)}, {points}."


def _standing_lines(exercise: Exercise, standings: Sequence[Standing]) -> list[str]:
    return [_standing(exercise, standings), _bar(_points(standings), exercise.points), ONLY_THE_JUDGE]


def _standing_html(exercise: Exercise, standings: Sequence[Standing]) -> str:
    return (
        f"<p>{escape(_standing(exercise, standings))}<br>{_bar_html(_points(standings), exercise.points)}"
        f"<br><small>{ONLY_THE_JUDGE}</small></p>"
    )


def _bar(points: float, total: int) -> str:
    done = int(BAR * points / total)
    return f"[{'#' * done}{'-' * (BAR - done)}]"


def _bar_html(points: float, total: int) -> str:
    return f'<progress value="{points:.6g}" max="{total}" aria-label="points so far"></progress>'
