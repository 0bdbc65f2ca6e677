"""Marks in the forms that other systems read: Canvas, Moodle, Gradescope.

Canvas and Moodle know a learner by a login, so name the folders of a class by it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nncourse.grading import words
from nncourse.grading.feedback import file_name
from nncourse.grading.gradebook import Entry, Gradebook, write_table
from nncourse.grading.pages import write_text

_CANVAS = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]


def write_canvas(book: Gradebook, path: Path) -> None:
    """Write the table that Canvas imports under Grades, Import."""
    exercises, rows = _points(book)
    most: list[object] = ["    Points Possible", "", "", "", "", *exercises.values()]
    write_table(
        path,
        [*_CANVAS, *exercises],
        [most, *([name, "", "", name, "", *points] for name, points in rows)],
    )


def write_moodle(book: Gradebook, path: Path) -> None:
    """Write the table that Moodle imports under Grades, Import, CSV file: map username to itself."""
    exercises, rows = _points(book)
    write_table(path, ["username", *exercises], [[name, *points] for name, points in rows])


def _points(book: Gradebook) -> tuple[dict[str, float], list[tuple[str, list[float | str]]]]:
    """Return the exercises with their points, and a row for each learner, empty where nothing counts."""
    exercises: dict[str, float] = {}
    earned: dict[str, dict[str, float]] = {}
    for entry in book.entries():
        exercises[entry.exercise] = entry.result.max_points
        row = earned.setdefault(entry.learner, {})
        if entry.result.status != "judge-error" and not entry.result.unsafe:
            row[entry.exercise] = entry.result.points
    ordered = {name: exercises[name] for name in sorted(exercises)}
    return ordered, [(name, [row.get(exercise, "") for exercise in ordered]) for name, row in earned.items()]


def write_gradescope(book: Gradebook, folder: Path) -> None:
    """Write a results.json for each submission; Gradescope's harness reads one of them."""
    folder.mkdir(exist_ok=True)
    for entry in book.entries():
        path = folder / f"{file_name(entry.learner)}__{entry.exercise}.json"
        write_text(path, json.dumps(gradescope(entry), indent=1, ensure_ascii=False))


def gradescope(entry: Entry) -> dict[str, Any]:
    """Return a submission as Gradescope's autograder specification has it.

    Without its execution time: code can take as long over a hidden check as says something of its input.
    """
    tests = []
    for answer in entry.result.answers:
        said = [f"{words.title(mark)}: {line}" for mark in answer.marks for line in words.about(mark)]
        tests.append(
            {
                "name": f"{answer.name} · {answer.title}",
                "score": answer.points,
                "max_score": answer.max_points,
                "status": "passed" if answer.status == "right" else "failed",
                "output": "\n".join(said),
                "visibility": "visible",
            }
        )
    return {
        "score": entry.result.points,
        "output": "\n".join(words.remarks(entry.result)),
        "visibility": "visible",
        "tests": tests,
    }
