"""`check` and `progress` as a learner meets them: calm, to the point, and never in the way."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from conftest import ROOT
from exercises import sources
from nncourse.exercises import check, picture, progress, record
from nncourse.exercises.checking import Stopped
from nncourse.exercises.notebook import SECONDS, check_namespace, time_limit
from notebooks import FOR_COLAB, canonical, library

EVERY_SOURCE = sources()
HALF = {"slope": lambda a, x: a * x}
RIGHT = {"slope": lambda a, x: 2 * a * x}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, as a learner whose session has just begun."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(record, "_unsaved", {})
    return tmp_path


def both(shown: Any) -> list[str]:
    """The text, and the HTML without its tags."""
    html = re.sub(r"<style>.*?</style>", "", shown._repr_html_(), flags=re.DOTALL)
    return [repr(shown), re.sub(r"<[^>]+>", " ", html)]


def test_a_right_answer_is_called_right_as_far_as_the_checks_can_see() -> None:
    for text in both(check_namespace("ex05", "q1", RIGHT)):
        assert "q1 is right, as far as these 2 checks can see." in text
        assert "1 of 6 answered, 1 right, 10 of 100 points so far" in text
        assert "Only the judge's score counts" in text


def test_a_wrong_answer_gets_a_hint_and_what_was_expected() -> None:
    for text in both(check_namespace("ex05", "q1", HALF)):
        assert "0 of 2 checks go through" in text
        assert "the exponent 2 comes down as a factor" in text
        assert re.search(r"expected: 24\s+yours: +12", text)


def test_an_open_question_says_so_calmly_and_leaves_no_file(folder: Path) -> None:
    def slope(a: float, x: float) -> float:
        raise NotImplementedError("q1: write slope here.")

    for text in both(check_namespace("ex05", "q1", {"slope": slope})):
        assert "q1 is not answered yet. Write your answer" in text
        assert "Error:" not in text
    for text in both(check_namespace("ex05", "q1", {})):
        assert "There is no slope yet. Run the cell that defines it." in text
    assert list(folder.iterdir()) == []


def test_check_finds_the_names_of_the_notebook_that_calls_it() -> None:
    namespace: dict[str, Any] = {"check": check, **RIGHT}
    exec('found = check("ex05", "q1")', namespace)
    assert "q1 is right" in repr(namespace["found"])


def test_unknown_names_are_explained() -> None:
    with pytest.raises(LookupError, match=r"no exercise 'ex77', only ex01, "):
        check("ex77", "q1")
    with pytest.raises(LookupError, match="no question 'q9', only q1, "):
        check("ex05", "q9")


def test_an_endless_function_is_interrupted_even_if_it_swallows_the_first_interruption() -> None:
    def walk(*args: float) -> None:
        try:
            while True:
                time.sleep(0.01)
        except BaseException:
            while True:
                time.sleep(0.01)

    began = time.monotonic()
    report = check_namespace("ex05", "q2", {"walk": walk}, lambda: time_limit(0.3))
    assert time.monotonic() - began < 2
    assert {outcome.status for outcome in report.outcomes} == {"stopped"}
    assert "Does a loop never end?" in repr(report)
    assert repr(report).count("This was not tried") == len(report.outcomes) - 1


def test_the_time_limit_gives_back_the_timer_that_it_found() -> None:
    calls: list[int] = []
    handler = signal.signal(signal.SIGALRM, lambda *_: calls.append(1))
    timer = signal.setitimer(signal.ITIMER_REAL, 60)
    try:
        with time_limit(5):
            pass
        left, _ = signal.setitimer(signal.ITIMER_REAL, 0)
        assert 50 < left <= 60
    finally:
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, *timer)


def test_without_a_timer_or_off_the_main_thread_there_is_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = []

    def run() -> None:
        with time_limit(0.01):
            time.sleep(0.1)
        ended.append(True)

    def refuse(*args: float) -> None:
        raise OSError("not implemented")

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    with monkeypatch.context() as windows:
        windows.delattr(signal, "setitimer")
        run()
    for clock in (refuse, lambda *_: (0.0, 0.0)):  # one that is missing, one that never rings
        with monkeypatch.context() as browser:
            browser.setattr(signal, "setitimer", clock)
            run()
    assert ended == [True] * 4
    with pytest.raises(Stopped):
        run()


def test_progress_is_kept_in_a_small_file_and_shown_as_table_and_bar(folder: Path) -> None:
    check_namespace("ex05", "q1", RIGHT)
    check_namespace("ex05", "q2", {"walk": lambda *args: np.array([2.0, -14.0, 98.0])})
    kept = json.loads((folder / ".nncourse_progress.json").read_text())
    assert kept == {"ex05_gradient_descent": {"q1": 1.0, "q2": pytest.approx(1 / 3)}}
    assert [path.name for path in folder.iterdir()] == [".nncourse_progress.json"]
    text = repr(progress("ex05"))
    assert re.search(r"q1 · The slope of a parabola +right +10 of 10", text)
    assert re.search(r"q2 · The walk +not yet right +6.67 of 20", text)
    assert re.search(r"q3 .* open +0 of 15", text)
    assert "[###-----------------]" in text
    html = progress("ex05")._repr_html_()
    assert '<progress value="16.6667" max="100"' in html and html.count("<tr>") == 7
    overview = both(progress())
    assert all("2 of 6 answered, 1 right" in shown for shown in overview)


def test_an_answer_that_is_taken_back_is_open_again() -> None:
    check_namespace("ex05", "q1", RIGHT)
    check_namespace("ex05", "q1", {})
    assert "0 of 6 answered" in repr(check_namespace("ex05", "q1", {}))


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", '{"ex05_gradient_descent": 3}', "\x00\xff", '{"a": {"q1": "x"}}']
)
def test_a_damaged_record_counts_as_none(folder: Path, damage: str) -> None:
    (folder / ".nncourse_progress.json").write_bytes(damage.encode("latin-1"))
    assert "0 of 6 answered" in both(check_namespace("ex05", "q1", {}))[0]
    assert "1 of 6 answered" in both(check_namespace("ex05", "q1", RIGHT))[0]


def test_where_nothing_can_be_written_the_session_remembers(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "write_text", refuse)
    check_namespace("ex05", "q1", RIGHT)
    assert "10 of 10" in repr(progress("ex05"))
    assert list(folder.iterdir()) == []


def test_what_a_learner_s_code_says_cannot_become_html() -> None:
    def slope(a: float, x: float) -> str:
        return "<script>alert(1)</script>"

    def raises(a: float, x: float) -> str:
        raise ValueError("<b>bold</b>")

    for answer in (slope, raises):
        html = check_namespace("ex05", "q1", {"slope": answer})._repr_html_()
        assert "<script" not in html and "<b>" not in html


BARE = """
import sys
from importlib.abc import MetaPathFinder

class NothingElse(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in {*sys.stdlib_module_names, "numpy", "nncourse"} or name in WITHOUT:
            raise ModuleNotFoundError(f"there is no {name} here")

WITHOUT = {"fcntl", "resource", "pwd", "termios", "multiprocessing", "_posixsubprocess"}  # as in a browser
for name in [name for name in sys.modules if name in WITHOUT]:
    del sys.modules[name]
sys.meta_path.insert(0, NothingElse())

def no_thread(*_):
    raise RuntimeError("can't start new thread")

import _thread
_thread.start_new_thread = no_thread
"""


def test_checks_progress_and_pictures_need_numpy_and_nothing_else(folder: Path) -> None:
    code = [BARE]
    for source in EVERY_SOURCE:
        cells = nbformat.read(ROOT / "exercises" / f"{source.name}.ipynb", as_version=4).cells
        answers = {f"{question.name}-answer": question.solution for question in source.questions}
        code += ["names = {'__name__': '__main__'}"]
        code += [
            # A notebook shows the last line of a cell.
            f"exec({answers.get(cell.id, cell.source)!r}, names)"
            if not cell.id.endswith(("-check", "-picture", "-table"))
            else f"shown = eval({cell.source!r}, names); print(repr(shown))\n"
            "assert getattr(shown, '_repr_html_', lambda: shown._repr_mimebundle_()['text/html'])()"
            for cell in cells
            if cell.cell_type == "code" and cell.id != FOR_COLAB
        ]
    (folder / "bare.py").write_text("\n".join(code), "utf-8")
    run = subprocess.run([sys.executable, "bare.py"], cwd=folder, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    asked = sum(len(source.questions) for source in EVERY_SOURCE)
    assert len(re.findall(r"q\d is right, as far as", run.stdout)) == asked
    assert "The walk" in run.stdout and "Three walks from x = 2" in run.stdout


def test_a_picture_says_what_it_shows_and_stays_small() -> None:
    for source in EVERY_SOURCE:
        drawn = [question.name for question in source.questions if question.picture]
        assert drawn, f"{source.short}: nothing to compare with"
        for name in drawn:
            shown = picture(source.short, name)._repr_mimebundle_()
            html = shown["text/html"].rpartition("</style>")[2]
            words = re.search(r'<svg role="img" aria-label="([^"]+)" aria-describedby="([^"]+)"', html)
            assert words and len(words[1]) > 10
            assert f'id="{words[2]}"' in html and len(shown["text/plain"]) > 80
            assert len(html) < 8000 and "<script" not in html and "http" not in html
    with pytest.raises(LookupError, match="no picture for q1, only for q2"):
        picture("ex05", "q1")


def run_notebook(folder: Path, source: Any, answers: dict[str, str]) -> dict[str, Any]:
    """Run an exercise with some answers written into it; the cells by id."""
    notebook = nbformat.read(ROOT / "exercises" / f"{source.name}.ipynb", as_version=4)
    for cell in notebook.cells:
        cell.source = answers.get(cell.id, cell.source)
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(folder)}}).execute()
    return {cell.id: cell for cell in notebook.cells}


def shown(cell: Any) -> str:
    return "".join(output.get("data", {}).get("text/plain", "") for output in cell.outputs)


def test_a_fresh_notebook_runs_to_its_end_and_only_stubs_are_open(folder: Path) -> None:
    cells = run_notebook(folder, EVERY_SOURCE[0], {})
    for name, cell in cells.items():
        if name.endswith("-check"):
            assert "is not answered yet" in shown(cell), name
    assert [path.name for path in folder.iterdir()] == []


def test_in_a_notebook_the_line_that_raised_or_never_ended_is_shown(folder: Path) -> None:
    source = next(source for source in EVERY_SOURCE if source.short == "ex05")
    cells = run_notebook(
        folder,
        source,
        {
            "q1-answer": "def slope(a, x):\n    power = x['two']\n    return power",
            "q2-answer": "def walk(a, x0, learning_rate, num_steps):\n    while True:\n        x0 = x0 + 1",
            "q3-answer": source.questions[2].solution,
        },
    )
    assert "slope raised TypeError" in shown(cells["q1-check"])
    assert "line 2: power = x['two']" in shown(cells["q1-check"])
    assert f"interrupted after {SECONDS:g} seconds" in shown(cells["q2-check"])
    assert re.search(r"line [23]: (while True|x0 = x0 \+ 1)", shown(cells["q2-check"]))
    assert "q3 is right" in shown(cells["q3-check"])
    assert "3 of 6 answered, 1 right" in shown(cells["q3-check"])


@pytest.mark.parametrize("source", EVERY_SOURCE, ids=lambda source: source.short)
def test_a_learner_s_notebook_holds_no_solution(source: Any) -> None:
    text = (ROOT / "exercises" / f"{source.name}.ipynb").read_text("utf-8")
    assert text == canonical(text, library())
    code = "\n".join(
        "".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"
    )
    for question in source.questions:
        assert f'"{question.name}: write ' in code
        body = [line for line in question.solution.splitlines() if line.strip().startswith("return ")]
        given = source.code_before(source.questions[0].name) + question.statement
        assert [line for line in body if line in code and line not in given] == []
