"""The gradebook: one SQLite file that is the truth, and tables made from it.

Each submission is written in one transaction (WAL), so a judge that is killed at any moment leaves whole
results behind and goes on from there. `SCHEMA` documents every column.
"""

from __future__ import annotations

import csv
import json
import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nncourse.grading.judge import Answer, Mark, Result

SCHEMA = """
-- The submission that counts for a learner and an exercise, as it was last marked.
CREATE TABLE IF NOT EXISTS submission (
    learner     TEXT NOT NULL,
    exercise    TEXT NOT NULL,  -- name of its notebook: ex05_gradient_descent
    file        TEXT NOT NULL,  -- where it was found
    content     TEXT NOT NULL,  -- SHA-256 of the file
    marked_with TEXT NOT NULL,  -- fingerprint of checks, limits and judge
    status      TEXT NOT NULL,  -- graded, unreadable, or judge-error: not the learner's fault, marked again
    points      REAL NOT NULL,
    max_points  REAL NOT NULL,
    notes       TEXT NOT NULL,  -- JSON list of lines for the learner
    unsafe      INTEGER NOT NULL,  -- 1: marked without a sandbox, so the points prove nothing
    seconds     REAL NOT NULL,
    graded_at   TEXT NOT NULL,  -- UTC, ISO 8601
    PRIMARY KEY (learner, exercise)
) WITHOUT ROWID;

-- What each question of it earned.
CREATE TABLE IF NOT EXISTS answer (
    learner    TEXT NOT NULL,
    exercise   TEXT NOT NULL,
    question   TEXT NOT NULL,  -- q2
    title      TEXT NOT NULL,
    points     REAL NOT NULL,
    max_points REAL NOT NULL,
    status     TEXT NOT NULL,  -- right, partly, wrong, unanswered, missing, raised, stopped or not-run
    PRIMARY KEY (learner, exercise, question),
    FOREIGN KEY (learner, exercise) REFERENCES submission ON DELETE CASCADE
) WITHOUT ROWID;

-- What each check of a question found. Texts of hidden checks are for the teacher alone.
CREATE TABLE IF NOT EXISTS mark (
    learner  TEXT NOT NULL,
    exercise TEXT NOT NULL,
    question TEXT NOT NULL,
    position INTEGER NOT NULL,
    name     TEXT NOT NULL,
    visible  INTEGER NOT NULL,  -- 1: the learner can run it in the notebook
    weight   REAL NOT NULL,     -- share of the question's points
    ok       INTEGER NOT NULL,
    status   TEXT NOT NULL,
    hint     TEXT NOT NULL,
    expected TEXT NOT NULL,
    actual   TEXT NOT NULL,
    place    TEXT NOT NULL,     -- line of the learner's code
    PRIMARY KEY (learner, exercise, question, position),
    FOREIGN KEY (learner, exercise, question) REFERENCES answer ON DELETE CASCADE
) WITHOUT ROWID;

-- Every marking there ever was, for appeals.
CREATE TABLE IF NOT EXISTS history (
    learner     TEXT NOT NULL,
    exercise    TEXT NOT NULL,
    content     TEXT NOT NULL,
    marked_with TEXT NOT NULL,
    status      TEXT NOT NULL,
    points      REAL NOT NULL,
    graded_at   TEXT NOT NULL
);
"""
VERSION = 1
# Where a cell begins, or may be taken to: Excel splits a table at the separator of its own country.
_FORMULA = re.compile(r"((?:^|[,;|\t\r\n\"'])\s*)(?=[=+\-@＝＋－＠])")
LONGEST_WAIT = 60.0  # seconds for somebody who looks at the gradebook and holds it, such as a browser for it


class GradebookError(Exception):
    """The file is no gradebook of this version."""


@dataclass(frozen=True)
class Entry:
    """A submission in the gradebook."""

    learner: str
    exercise: str
    result: Result


class Gradebook:
    """The gradebook in a file; a context that closes it. One thread uses it."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, timeout=LONGEST_WAIT)
        try:
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA foreign_keys = ON")
            (version,) = self._database.execute("PRAGMA user_version").fetchone()
            if version not in (0, VERSION):
                raise GradebookError(f"{path} was written by another version of nncourse ({version}).")
            self._database.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
        except sqlite3.Error as error:
            self._database.close()
            raise GradebookError(f"{path} cannot be used: {error}.") from None

    def __enter__(self) -> Gradebook:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def marked(self) -> dict[tuple[str, str], tuple[str, str]]:
        """Return for each learner and exercise which content was marked, and with what."""
        rows = self._database.execute(
            "SELECT learner, exercise, content, marked_with FROM submission WHERE status != 'judge-error'"
        )
        return {(learner, exercise): (content, using) for learner, exercise, content, using in rows}

    def record(
        self, learner: str, exercise: str, file: str, content: str, marked_with: str, result: Result
    ) -> None:
        """Write one result down, in place of what was there; all of it or nothing."""
        key = (learner, exercise)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._database as database:

            def insert(table: str, row: Sequence[object]) -> None:
                database.execute(f"INSERT INTO {table} VALUES ({_marks(row)})", [_storable(v) for v in row])

            database.execute("DELETE FROM submission WHERE (learner, exercise) = (?, ?)", key)
            submission = (
                *(*key, file, content, marked_with, result.status, result.points, result.max_points),
                *(json.dumps(result.notes, ensure_ascii=False), result.unsafe, result.seconds, now),
            )
            insert("submission", submission)
            history = (*key, content, marked_with, result.status, result.points, now)
            insert("history", history)
            for answer in result.answers:
                row: tuple[Any, ...] = (*key, answer.name, answer.title, answer.points)
                row = (*row, answer.max_points, answer.status)
                insert("answer", row)
                for position, mark in enumerate(answer.marks):
                    row = (*key, answer.name, position, mark.name, mark.visible, mark.weight, mark.ok)
                    row = (*row, mark.status, mark.hint, mark.expected, mark.actual, mark.where)
                    insert("mark", row)

    def learners(self) -> list[str]:
        """Return everybody who handed something in, in order."""
        return [
            name for (name,) in self._database.execute("SELECT DISTINCT learner FROM submission ORDER BY 1")
        ]

    def exercises(self) -> list[str]:
        """Return every exercise for which something was handed in, in order."""
        return [
            name for (name,) in self._database.execute("SELECT DISTINCT exercise FROM submission ORDER BY 1")
        ]

    def entries(self, *, learner: str = "", exercise: str = "") -> Iterator[Entry]:
        """Go through the submissions, all or those of one learner or exercise."""
        rows = self._database.execute(
            "SELECT learner, exercise, status, notes, seconds, unsafe FROM submission "
            "WHERE ? IN ('', learner) AND ? IN ('', exercise) "
            "ORDER BY learner, exercise",
            (learner, exercise),
        )
        for name, title, status, notes, seconds, unsafe in rows:
            answers = tuple(self._answers(name, title))
            result = Result(status, answers, tuple(json.loads(notes)), seconds, bool(unsafe))
            yield Entry(name, title, result)

    def _answers(self, learner: str, exercise: str) -> Iterator[Answer]:
        key = (learner, exercise)
        marks: dict[str, list[Mark]] = {}
        for question, name, visible, weight, ok, *texts in self._database.execute(
            "SELECT question, name, visible, weight, ok, status, hint, expected, actual, place FROM mark "
            "WHERE (learner, exercise) = (?, ?) ORDER BY question, position",
            key,
        ):
            marks.setdefault(question, []).append(Mark(name, bool(visible), weight, bool(ok), *texts))
        for question, title, max_points in self._database.execute(
            "SELECT question, title, max_points FROM answer "
            "WHERE (learner, exercise) = (?, ?) ORDER BY question",
            key,
        ):
            yield Answer(question, title, max_points, tuple(marks.get(question, ())))

    def write_csv(self, path: Path) -> None:
        """Write a table with a row for each question of each submission."""
        rows = self._database.execute(
            "SELECT learner, exercise, question, answer.points, answer.max_points, "
            "CASE submission.status WHEN 'graded' THEN answer.status ELSE submission.status END || "
            "CASE unsafe WHEN 1 THEN ' (unsafe)' ELSE '' END "
            "FROM answer JOIN submission USING (learner, exercise) ORDER BY learner, exercise, question"
        )
        write_table(path, ["learner", "exercise", "question", "points", "max", "status"], rows)


def write_table(path: Path, header: Sequence[str], rows: Iterator[Any] | Sequence[Any]) -> None:
    """Write a CSV file whole or not at all; a name never becomes a formula in a spreadsheet."""
    draft = path.with_name(f".{path.name}.draft")
    with open(draft, "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(header)
        table.writerows([_cell(value) for value in row] for row in rows)
    draft.replace(path)


def _cell(value: object) -> object:
    if isinstance(value, float):
        return f"{value:.10g}"
    return _FORMULA.sub(r"\1'", value) if isinstance(value, str) else value


def _storable(value: object) -> object:
    """Replace what no file can hold: half a surrogate pair, as JSON and odd file names can bring in."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _marks(row: Sequence[object]) -> str:
    return ", ".join("?" * len(row))
