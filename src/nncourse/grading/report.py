"""The report on a class: how the points spread, which questions were hard, which checks failed most."""

from __future__ import annotations

import html
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from nncourse.grading import words
from nncourse.grading.gradebook import Gradebook
from nncourse.grading.judge import Result
from nncourse.grading.pages import page, write_text

BINS = 10
FEWEST = 10  # learners for whom a correlation says anything


@dataclass
class _Question:
    title: str
    max_points: float
    shares: list[float] = field(default_factory=list)  # of its points, one for each learner
    statuses: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)


def write_report(book: Gradebook, path: Path) -> None:
    """Write the report on all exercises in the gradebook."""
    parts = ["<h1>Report on the class</h1>"]
    for exercise in book.exercises():
        parts.append(_exercise(book, exercise))
    write_text(path, page("Report on the class", "\n".join(parts)))


def _exercise(book: Gradebook, exercise: str) -> str:
    totals: list[float] = []
    possible = 0.0
    questions: dict[str, _Question] = {}
    statuses: Counter[str] = Counter()
    unsafe = False
    for entry in book.entries(exercise=exercise):
        result = entry.result
        statuses[result.status] += 1
        unsafe |= result.unsafe
        if result.status != "judge-error":
            totals.append(result.points)
            possible = max(possible, result.max_points)
            _count(result, questions)
    parts = [f"<h2>{html.escape(exercise)}</h2>"]
    if unsafe:
        parts.append(f"<p><strong>{words.UNSAFE}</strong></p>")
    counted = ", ".join(f"{count} {status}" for status, count in statuses.most_common())
    parts.append(f"<p>{statuses.total()} submissions: {counted}.</p>")
    if totals:
        mean, median = words.number(float(np.mean(totals))), words.number(float(np.median(totals)))
        parts.append(f"<p>Mean {mean}, median {median}, of {words.number(possible)} points.</p>")
        parts.append(_histogram(np.array(totals), possible))
        parts.append(_table(questions, np.array(totals)))
        parts += [_hard_places(name, question) for name, question in questions.items()]
    return "\n".join(parts)


def _count(result: Result, questions: dict[str, _Question]) -> None:
    for answer in result.answers:
        question = questions.setdefault(answer.name, _Question(answer.title, answer.max_points))
        question.shares.append(answer.points / answer.max_points)
        question.statuses[words.verdict(answer)] += 1
        question.failed.update(words.title(mark) for mark in answer.marks if not mark.ok)


def _table(questions: dict[str, _Question], totals: np.ndarray) -> str:
    rows = []
    for name, question in questions.items():
        shares = np.array(question.shares)
        rest = totals - shares * question.max_points
        rows.append(
            f"<tr><th scope='row'>{html.escape(name)} · {html.escape(question.title)}</th>"
            f"<td class='number'>{np.mean(shares):.0%}</td>"
            f"<td class='number'>{np.mean(shares == 1):.0%}</td>"
            f"<td class='number'>{_correlation(shares, rest)}</td></tr>"
        )
    return (
        "<table><caption>How hard each question was. The last column tells whether those who earn it also "
        "earn the rest: near zero or below, look at the question.</caption>"
        "<thead><tr><th scope='col'>question</th><th scope='col'>points earned</th>"
        "<th scope='col'>all right</th><th scope='col'>correlation with the rest</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _correlation(one: np.ndarray, other: np.ndarray) -> str:
    if len(one) < FEWEST or np.ptp(one) == 0 or np.ptp(other) == 0:
        return "–"
    return f"{np.corrcoef(one, other)[0, 1]:.2f}".replace("-", "−")


def _histogram(values: np.ndarray, most: float) -> str:
    counts, edges = np.histogram(values, BINS, (0, most or 1))
    width, height, tallest = 48, 120, max(1, int(counts.max()))
    bars = []
    for i, count in enumerate(counts):
        top = height - height * count / tallest
        bars.append(
            f"<rect x='{i * width + 2}' y='{top + 14:.1f}' width='{width - 4}' height='{height - top:.1f}'/>"
            f"<text x='{(i + 0.5) * width}' y='{top + 10:.1f}' text-anchor='middle'>{count}</text>"
            f"<text x='{i * width}' y='{height + 28}'>{words.number(float(edges[i]))}</text>"
        )
    bars.append(f"<text x='{BINS * width}' y='{height + 28}' text-anchor='end'>{words.number(most)}</text>")
    said = ", ".join(
        f"{count} from {words.number(float(edge))}" for count, edge in zip(counts, edges, strict=False)
    )
    return (
        f"<svg viewBox='0 0 {BINS * width} {height + 34}' role='img' "
        f"aria-label='How many learners have how many points: {said}'>{''.join(bars)}</svg>"
    )


def _hard_places(name: str, question: _Question) -> str:
    spread = ", ".join(f"{count} {status}" for status, count in question.statuses.most_common())
    often = "".join(
        f"<li>{count} × {html.escape(check)}</li>" for check, count in question.failed.most_common(5)
    )
    return f"<h3>{html.escape(name)} · {html.escape(question.title)}</h3><p>{spread}.</p>" + (
        f"<p>Checks that failed most:</p><ul>{often}</ul>" if often else ""
    )
