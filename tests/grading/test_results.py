"""What comes of marks: tables, feedback and reports that say enough and not too much."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path

import pytest
from classroom import Q1, Q2, Q3, Q4, RIGHT, mark, mark_file

from nncourse.exercises import catalogue
from nncourse.grading import lms
from nncourse.grading.feedback import file_name, write_feedback
from nncourse.grading.gradebook import Gradebook, GradebookError
from nncourse.grading.judge import Result
from nncourse.grading.release import ReleaseError, release
from nncourse.grading.report import write_report

EX = "ex99_classroom"
UNREADABLE = mark_file(b"")
SPY = "def double(x):\n    raise ValueError(str(x))"


def book_of(path: Path, **results: Result) -> Gradebook:
    book = Gradebook(path / "gradebook.sqlite")
    for learner, result in results.items():
        book.record(learner, EX, f"{learner}.ipynb", "content", "checks", result)
    return book


def written(tmp_path: Path, **results: Result) -> dict[str, str]:
    """All files that are made of these results, by name."""
    with book_of(tmp_path, **results) as book:
        write_feedback(book, tmp_path / "feedback", results)
        write_report(book, tmp_path / "report.html")
        lms.write_canvas(book, tmp_path / "canvas.csv")
        lms.write_moodle(book, tmp_path / "moodle.csv")
        lms.write_gradescope(book, tmp_path / "gradescope")
        book.write_csv(tmp_path / "gradebook.csv")
    return {
        str(path.relative_to(tmp_path)): path.read_text("utf-8")
        for path in tmp_path.rglob("*")
        if path.suffix in (".html", ".md", ".json", ".csv")
    }


def test_no_file_but_the_gradebook_holds_a_hidden_input_or_expected_value(tmp_path: Path) -> None:
    spying = mark(SPY, Q2)
    wrong = mark("def double(x):\n    return x + 1 if x[0] == 1 else 3 * x", Q2)
    named = mark("def double(x):\n    raise type(f'X{x[0]}', (Exception,), {})", Q2)
    files = written(tmp_path, spy=spying, wrong=wrong, named=named)
    hidden = [m for result in (spying, wrong, named) for m in result.answers[0].marks if not m.visible]
    assert any("31.25" in m.hint for m in hidden), "the teacher can see what the learner's code said"
    assert any("62.5" in m.expected for m in hidden)
    for name, text in files.items():
        for secret in ("31.25", "-62.5", "62.5", "93.75", "187.5"):
            assert secret not in text, name
    assert "an array that nobody knows (only the judge checks this)" in files["feedback/spy.html"]
    assert "Your code raised an error here." in files["feedback/spy.md"]


def test_feedback_tells_of_visible_checks_what_helps(tmp_path: Path) -> None:
    files = written(tmp_path, ada=mark("def double(x):\n    return x", Q2, Q3, Q4, "1 / 0"))
    for text in (files["feedback/ada.html"], files["feedback/ada.md"].replace("\\", "")):
        for line in (
            "30 of 40 points",
            "ZeroDivisionError: division by zero (cell 5, line 1: 1 / 0)",
            "Multiply by two.",
            "Expected: [2, 4]",
            "Yours: [1., 2.]",
        ):
            assert line in text


def test_what_a_learner_writes_is_shown_and_never_rendered(tmp_path: Path) -> None:
    evil = "raise ValueError('<script>alert(1)</script> [x](http://evil) </ul>')"
    result = mark(*RIGHT, evil)
    files = written(tmp_path, **{"<b>eve</b>": result})
    (page,) = [text for name, text in files.items() if name.endswith(".html") and "feedback" in name]
    (markdown,) = [text for name, text in files.items() if name.endswith(".md")]
    assert "<script>" not in page and "&lt;script&gt;" in page
    assert "<b>eve" not in page
    assert "<script>" not in markdown.replace("\\<", "") and "[x](" not in markdown


def test_every_learner_has_a_file_name_of_their_own() -> None:
    names = [
        "ada",
        "Ada",
        "ADA",
        "a/b",
        "a b",
        "a_b",
        "..",
        "../../etc",
        "李雷",
        "韩梅梅",
        "x" * 200,
        "con.",
        "ada@x.org",
        "con",
        "nul",
    ]
    names += [file_name(name) for name in names if file_name(name) != name]
    files = [file_name(name).lower() for name in names]
    assert len(set(files)) == len(names)
    assert all("/" not in file and "." not in file and len(file) < 80 for file in files)
    assert not {"con", "nul"} & set(files), "Windows keeps these for itself"


def test_nobody_finds_a_name_whose_file_is_that_of_somebody_else() -> None:
    hashed = file_name("李雷").removeprefix("-")
    assert 4 * len(hashed) >= 128, "bits: to try names until two agree is hopeless"
    assert set(hashed) <= set("0123456789abcdef")


FORMULAS = [
    "=cmd|' /C calc'!A0",
    "+1",
    "-1+1",
    "@SUM(1)",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(1)",
    " =1",
    "\t=1",
    "\r=1",
    "ada;=1+1",
    "ada\t=1+1",
    "ada,=1+1",
    'ada";=1+1',
    "ada\n=1+1",
    ";=1+1",
]


@pytest.mark.parametrize("name", FORMULAS)
def test_a_name_never_becomes_a_formula_wherever_a_spreadsheet_cuts(tmp_path: Path, name: str) -> None:
    written(tmp_path, **{name: UNREADABLE, "Ada-Lovelace;b@c": UNREADABLE})
    for table in ("gradebook.csv", "moodle.csv", "canvas.csv"):
        text = (tmp_path / table).read_text("utf-8")
        for separator in (",", ";", "\t"):
            for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
                rows = csv.reader(text.splitlines(), delimiter=separator, quoting=quoting)
                cells = [cell.strip(' "') for row in rows for cell in row]
                assert [c for c in cells if c.startswith(tuple("=+-@＝＋－＠"))] == [], (table, separator)
        assert "Ada-Lovelace;b@c" in text, "what is no formula stays as it is"


def test_tables_for_other_systems_have_the_form_that_these_read(tmp_path: Path) -> None:
    files = written(tmp_path, ada=mark(*RIGHT), bob=mark(Q1))
    canvas = list(csv.reader(files["canvas.csv"].splitlines()))
    assert canvas == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", EX],
        ["    Points Possible", "", "", "", "", "40"],
        ["ada", "", "", "ada", "", "40"],
        ["bob", "", "", "bob", "", "10"],
    ]
    assert files["moodle.csv"].splitlines() == [f"username,{EX}", "ada,40", "bob,10"]
    results = json.loads(files[f"gradescope/bob__{EX}.json"])
    assert results["score"] == 10 and results["visibility"] == "visible"
    assert [test["score"] for test in results["tests"]] == [10, 0, 0, 0]
    assert [test["max_score"] for test in results["tests"]] == [10] * 4
    assert {test["status"] for test in results["tests"]} == {"passed", "failed"}
    assert "execution_time" not in results, "code could tell by it what hidden inputs it saw"


def test_the_report_counts_what_happened(tmp_path: Path) -> None:
    half = mark("def double(x):\n    return 2 * x if x[0] == 1 else x", Q2)
    results = {f"l{i}": half for i in range(6)} | {f"r{i}": mark(*RIGHT) for i in range(1)}
    results |= {f"n{i}": mark_file(b"") for i in range(3)}
    text = written(tmp_path, **results)["report.html"]
    assert "10 submissions: 7 graded, 3 unreadable." in text
    assert "Mean 13, median 15, of 40 points." in text
    assert "6 × an array that nobody knows (only the judge checks this)" in text
    assert "3 from 0, 6 from 12" in text.replace("0 from 4, 0 from 8, ", "")


def test_pages_ask_nobody_for_anything(tmp_path: Path) -> None:
    for name, text in written(tmp_path, ada=mark(*RIGHT)).items():
        if name.endswith(".html"):
            assert "http" not in text.replace("http-equiv", ""), name
            assert "<script" not in text


def test_text_that_no_file_can_hold_is_recorded_and_stops_nobody(tmp_path: Path) -> None:
    half = "'\\ud800'"
    result = mark(f"def double(x):\n    raise ValueError({half})", f"ANSWER = {half}", f"1 / {half}")
    other_kernel = mark_file(b'{"cells": [], "metadata": {"language_info": {"name": "\\ud800"}}}')
    with book_of(tmp_path) as book:
        for learner, found in (("ada", result), ("bob", other_kernel)):
            book.record(learner, EX, "odd \udcff.ipynb", "content", "checks", found)
    assert "double raised ValueError: ?" in "".join(written(tmp_path).values())


def test_the_gradebook_gives_back_what_was_recorded(tmp_path: Path) -> None:
    result = mark("def double(x):\n    return x", Q2, "1 / 0")
    with book_of(tmp_path, ada=result) as book:
        (entry,) = book.entries()
        assert (entry.learner, entry.exercise, entry.result) == ("ada", EX, result)
        assert list(book.entries(learner="bob")) == []
        assert book.marked() == {("ada", EX): ("content", "checks")}


def test_a_gradebook_of_another_version_is_left_alone(tmp_path: Path) -> None:
    import sqlite3

    with sqlite3.connect(tmp_path / "gradebook.sqlite") as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(GradebookError, match="another version"):
        Gradebook(tmp_path / "gradebook.sqlite")


def test_a_file_that_is_no_gradebook_is_named_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "gradebook.sqlite"
    path.write_bytes(b"learner,points\n" * 100)
    with pytest.raises(GradebookError, match="cannot be used: file is not a database"):
        Gradebook(path)
    assert path.read_bytes() == b"learner,points\n" * 100


def test_the_judge_waits_for_a_teacher_who_looks_at_the_gradebook(tmp_path: Path) -> None:
    with book_of(tmp_path) as book:
        assert book._database.execute("PRAGMA busy_timeout").fetchone() >= (60_000,)


def test_a_release_holds_the_learners_notebooks_and_nothing_else(tmp_path: Path) -> None:
    source = Path(__file__).resolve().parents[2] / "exercises"
    names = catalogue.names()
    expected = sorted(["README.md", *(f"{catalogue.exercise(name).name}.ipynb" for name in names)])
    release(names, source, tmp_path / "folder")
    assert sorted(path.name for path in (tmp_path / "folder").iterdir()) == expected
    for name in ("one.zip", "two.zip"):
        release(names, source, tmp_path / name)
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert sorted(archive.namelist()) == [f"one/{name}" for name in expected]
    assert b"one/" not in (tmp_path / "two.zip").read_bytes()
    with pytest.raises(ReleaseError, match="is there already"):
        release(names, source, tmp_path / "folder")
