"""One file of feedback for each learner, as a page and as Markdown. It leaks nothing that is hidden."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterable
from pathlib import Path

from nncourse.grading import words
from nncourse.grading.gradebook import Entry, Gradebook
from nncourse.grading.pages import page, write_text

# As the names of others end, and what Windows keeps for itself.
_NOT_PLAIN = re.compile(r".*-[0-9a-f]{32}|con|prn|aux|nul|com\d|lpt\d")
_PLAIN = re.compile(r"([\\`*_{}\[\]<>#|~])")


def file_name(learner: str) -> str:
    """Return a file name for a learner, safe on every system and different for each.

    Who may choose a name could look for one with the same hash as another's, so the hash is a long one.
    """
    plain = re.sub(r"[^A-Za-z0-9-]+", "_", learner).strip("_")[:40]
    if plain == learner and plain == plain.lower() and not _NOT_PLAIN.fullmatch(plain):
        return plain
    return f"{plain}-{hashlib.sha256(learner.encode()).hexdigest()[:32]}"


def write_feedback(book: Gradebook, folder: Path, changed: Iterable[str]) -> None:
    """Write the files of these learners, and those of others that are missing."""
    folder.mkdir(exist_ok=True)
    renewed = set(changed)
    for learner in book.learners():
        path = folder / f"{file_name(learner)}.html"
        if learner in renewed or not path.exists():
            entries = list(book.entries(learner=learner))
            write_text(path.with_suffix(".md"), as_markdown(learner, entries))
            write_text(path, as_page(learner, entries))


def as_markdown(learner: str, entries: Iterable[Entry]) -> str:
    """Return the feedback as Markdown; what the learner wrote is shown and not rendered."""
    lines = [f"# {_plain(learner)}", ""]
    for entry in entries:
        result = entry.result
        lines += [f"## {entry.exercise}: {words.of_points(result.points, result.max_points)} points", ""]
        lines += [f"- {_plain(note)}" for note in words.remarks(result)]
        for answer in result.answers:
            points = words.of_points(answer.points, answer.max_points)
            lines += [
                "",
                f"### {answer.name} · {_plain(answer.title)} · {points} · {words.verdict(answer)}",
                "",
            ]
            for mark in answer.marks:
                lines.append(f"- {'✓' if mark.ok else '✗'} {_plain(words.title(mark))}")
                lines += [f"    - {_plain(line)}" for line in words.about(mark)]
        lines.append("")
    return "\n".join(lines)


def as_page(learner: str, entries: Iterable[Entry]) -> str:
    """Return the feedback as a page of its own."""
    body = [f"<h1>{html.escape(learner)}</h1>"]
    for entry in entries:
        result = entry.result
        earned = words.of_points(result.points, result.max_points)
        body.append(
            f"<h2>{html.escape(entry.exercise)}: {earned} points</h2>"
            f'<progress value="{result.points:g}" max="{result.max_points:g}" '
            f'aria-label="points of {html.escape(entry.exercise)}"></progress>'
        )
        remarks = "".join(f"<li>{html.escape(note)}</li>" for note in words.remarks(result))
        body.append(f"<ul>{remarks}</ul>" if remarks else "")
        for answer in result.answers:
            points = words.of_points(answer.points, answer.max_points)
            body.append(
                f"<h3>{html.escape(answer.name)} · {html.escape(answer.title)}</h3>"
                f"<p>{points} points: {words.verdict(answer)}.</p><ul>"
            )
            for mark in answer.marks:
                kind, sign, said = ("right", "✓", "right") if mark.ok else ("wrong", "✗", "not right")
                more = "".join(f"<br>{html.escape(line)}" for line in words.about(mark))
                body.append(
                    f'<li class="{kind}"><span role="img" aria-label="{said}">{sign}</span> '
                    f"{html.escape(words.title(mark))}{more}</li>"
                )
            body.append("</ul>")
    return page(f"Feedback for {learner}", "\n".join(body))


def _plain(text: str) -> str:
    """Return text as Markdown that shows exactly this text, on one line."""
    return _PLAIN.sub(r"\\\1", " ".join(text.split()))
