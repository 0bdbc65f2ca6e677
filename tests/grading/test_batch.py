"""A batch: stopped and started, changed, killed; and the command that runs it."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from classroom import running
from handed import EX, SOLUTIONS, SOURCE, STUBS, done, hand_in, hand_in_many, rows, times_marked

from nncourse.__main__ import main
from nncourse.grading import sandbox
from nncourse.grading.papers import Recipe, files_behind_marks


def grade(tmp_path: Path, *options: str) -> int:
    """Mark the folder "class" into the folder "out"."""
    return main(["grade", str(tmp_path / "class"), "--out", str(tmp_path / "out"), "--quiet", *options])


def test_a_solution_earns_all_and_a_stub_nothing_and_each_has_its_row(tmp_path: Path) -> None:
    hand_in(tmp_path / "class", "ada", *SOLUTIONS)
    hand_in(tmp_path / "class", "bob", *STUBS)
    (tmp_path / "class" / "carol").mkdir()
    (tmp_path / "class" / "carol" / f"{EX}.ipynb").write_bytes(b"%PDF")
    assert grade(tmp_path) == 0
    with open(tmp_path / "out" / "gradebook.csv", newline="") as file:
        table = list(csv.DictReader(file))
    assert list(table[0]) == ["learner", "exercise", "question", "points", "max", "status"]
    for learner, total, status in [
        ("ada", 100, "right"),
        ("bob", 0, "unanswered"),
        ("carol", 0, "unreadable"),
    ]:
        mine = [row for row in table if row["learner"] == learner]
        assert len(mine) == len(SOLUTIONS)
        assert sum(float(row["points"]) for row in mine) == total
        assert sum(float(row["max"]) for row in mine) == 100
        assert {row["status"] for row in mine} == {status}


@pytest.mark.parametrize(
    "option",
    ["--total-seconds=inf", "--cell-seconds=nan", "--check-seconds=-1", "--memory-mb=0", "--jobs=0"],
)
def test_a_limit_that_means_nothing_is_refused(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        grade(tmp_path, option)
    assert f"argument {option.partition('=')[0]}: " in capsys.readouterr().err


def test_an_odd_name_does_nothing_to_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hand_in(tmp_path / "class", "ada", *STUBS)
    odd = os.fsencode(tmp_path / "class") + b"/\x1b[2J \xff.ipynb"
    Path(os.fsdecode(odd)).write_bytes(b"")
    assert grade(tmp_path) == 0
    assert "/?[2J ?.ipynb: no learner and exercise" in capsys.readouterr().out


def test_only_what_changed_is_marked_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hand_in_many(tmp_path / "class", 3)
    grade(tmp_path)
    assert "3 marked (3 graded), 0 unchanged" in capsys.readouterr().out
    grade(tmp_path)
    assert "0 marked (nothing new), 3 unchanged" in capsys.readouterr().out
    hand_in(tmp_path / "class", "learner01", *STUBS)
    hand_in(tmp_path / "class", "new", *SOLUTIONS)
    grade(tmp_path)
    assert "2 marked (2 graded), 2 unchanged" in capsys.readouterr().out
    assert times_marked(tmp_path) == {"learner00": 1, "learner01": 2, "learner02": 1, "new": 1}
    assert rows(tmp_path, "SELECT points FROM submission WHERE learner = 'learner01'") == [(0,)]


def test_other_checks_other_limits_or_regrade_mark_again(tmp_path: Path) -> None:
    hand_in(tmp_path / "class", "ada", *SOLUTIONS)
    checks = tmp_path / "private" / EX
    checks.mkdir(parents=True)
    (checks / "hidden.py").write_text((SOURCE.folder / "hidden.py").read_text())
    with_checks = ("--checks", str(checks.parent))
    grade(tmp_path, *with_checks)
    grade(tmp_path, *with_checks)
    assert times_marked(tmp_path) == {"ada": 1}
    with open(checks / "hidden.py", "a") as file:
        file.write('\n@checks.of("q1", "never")\ndef _(s):\n    close(s.slope(1, 1), 3, "no")\n')
    grade(tmp_path, *with_checks)
    assert times_marked(tmp_path) == {"ada": 2}
    assert rows(tmp_path, "SELECT status FROM answer WHERE question = 'q1'") == [("partly",)]
    grade(tmp_path, *with_checks, "--cell-seconds", "9")
    grade(tmp_path, *with_checks, "--cell-seconds", "9", "--regrade")
    assert times_marked(tmp_path) == {"ada": 4}


def test_marks_made_with_another_judge_or_another_numpy_are_made_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code = (
        "import sys, nncourse.grading.judge, nncourse.grading.worker\n"
        "print(*(m.__file__ for name, m in sys.modules.items() if name.startswith('nncourse.')))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    behind = files_behind_marks("ex05")
    assert "sandbox.py" in said
    assert [path for path in map(Path, said.split()) if path not in behind] == []
    assert {"ex05.py", "ex05.json", "optimizers.py", "digits.npz"} <= {path.name for path in behind}
    assert "ex04.py" not in {path.name for path in behind}, "another exercise's checks"
    recipe = Recipe(EX, "")
    before = recipe.fingerprint(sandbox.Limits(), unsafe=False)
    assert recipe.fingerprint(sandbox.Limits(), unsafe=False) == before
    monkeypatch.setattr("numpy.__version__", "0.1")
    assert recipe.fingerprint(sandbox.Limits(), unsafe=False) != before


def test_a_batch_that_is_killed_at_any_moment_loses_and_repeats_nothing(tmp_path: Path) -> None:
    hand_in_many(tmp_path / "class", 14)
    command = [sys.executable, "-m", "nncourse", "grade", tmp_path / "class", "--out", tmp_path / "out"]
    for enough in (1, 5, 9):
        process = subprocess.Popen([*command, "--quiet"], stderr=subprocess.PIPE, start_new_session=True)
        while process.poll() is None and done(tmp_path) < enough:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        # What is there is whole: every submission has its answers, each of them its marks.
        assert {n for (n,) in rows(tmp_path, "SELECT count(*) FROM answer GROUP BY learner")} == {6}
        assert rows(tmp_path, "PRAGMA integrity_check") == [("ok",)]
    assert enough <= done(tmp_path) < 14
    assert grade(tmp_path) == 0
    assert times_marked(tmp_path) == {f"learner{i:02}": 1 for i in range(14)}
    assert rows(tmp_path, "SELECT DISTINCT points FROM submission") == [(100,)]


def test_a_judge_that_is_killed_leaves_no_process_behind(tmp_path: Path) -> None:
    hand_in(tmp_path / "class", "ada", "import subprocess\nsubprocess.run(['sleep', '87654.321'])")
    command = [sys.executable, "-m", "nncourse", "grade", tmp_path / "class", "--out", tmp_path / "out"]
    process = subprocess.Popen([*command, "--quiet"], start_new_session=True)
    assert wait_until(lambda: running("87654.321"), 20)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert wait_until(lambda: not running("87654.321"), 5)


def wait_until(happened: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not happened() and time.monotonic() < end:
        time.sleep(0.02)
    return happened()


def test_in_a_class_with_attackers_everybody_else_gets_what_they_earned(tmp_path: Path) -> None:
    attacks = [
        "import os\nwhile True: os.fork()",
        "while True: print('x' * 10_000)",
        "import os; os.kill(-1, 9); os._exit(0)",
        "hoard = []\nwhile True: hoard.append(bytearray(1 << 20))",
        "import ctypes; ctypes.string_at(0)",
        "while True: pass",
    ]
    for i, attack in enumerate(attacks):
        hand_in(tmp_path / "class", f"a{i}_eve", attack, *STUBS)
        hand_in(tmp_path / "class", f"a{i}_honest", *SOLUTIONS)
    (tmp_path / "class" / "b_empty").mkdir()
    (tmp_path / "class" / "b_empty" / f"{EX}.ipynb").write_bytes(b"")
    limits = ("--cell-seconds", "2", "--check-seconds", "2", "--total-seconds", "15", "--memory-mb", "256")
    assert grade(tmp_path, "--jobs", "3", *limits) == 0
    earned = dict(rows(tmp_path, "SELECT learner, points FROM submission"))
    assert earned == {name: 100 if name.endswith("honest") else 0 for name in earned}
    assert len(earned) == 2 * len(attacks) + 1


def test_a_judge_that_fails_again_and_again_gives_up_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hand_in_many(tmp_path / "class", 15)
    with monkeypatch.context() as broken:
        broken.setattr("nncourse.grading.batch.grade", lambda *_: 1 / 0)
        assert grade(tmp_path) == 2
    assert "10 submissions in a row: The judge failed (ZeroDivisionError" in capsys.readouterr().err
    assert grade(tmp_path) == 0
    assert rows(tmp_path, "SELECT DISTINCT points FROM submission") == [(100,)]


def test_a_second_judge_is_kept_out_of_the_same_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import fcntl

    hand_in(tmp_path / "class", "ada", *SOLUTIONS)
    (tmp_path / "out").mkdir()
    with open(tmp_path / "out" / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert grade(tmp_path) == 2
    assert "another run is writing" in capsys.readouterr().err


def test_a_fault_of_the_judge_is_named_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hand_in(tmp_path / "class", "ada", *SOLUTIONS)
    with monkeypatch.context() as broken:
        broken.setattr("nncourse.grading.batch.grade", lambda *_: 1 / 0)
        assert grade(tmp_path) == 1
    assert "1 judge-error" in capsys.readouterr().out
    feedback = (tmp_path / "out" / "feedback" / "ada.md").read_text()
    assert "This is not the learner's fault." in feedback
    assert "ada," not in (tmp_path / "out" / "moodle.csv").read_text().replace("ada,\n", "")
    assert grade(tmp_path) == 0
    assert rows(tmp_path, "SELECT status, points FROM submission") == [("graded", 100)]


def test_without_bubblewrap_it_refuses_and_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hand_in(tmp_path / "class", "ada", *SOLUTIONS)
    sandbox.bubblewrap.cache_clear()
    try:
        with monkeypatch.context() as bare:
            bare.setenv("PATH", str(tmp_path))
            assert grade(tmp_path) == 2
    finally:
        sandbox.bubblewrap.cache_clear()
    assert "apt-get install bubblewrap" in capsys.readouterr().err
    assert not (tmp_path / "out" / "gradebook.sqlite").exists()


def test_bubblewrap_that_is_too_old_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "bwrap"
    old.write_text("#!/bin/sh\necho bubblewrap 0.6.1\n")
    old.chmod(0o755)
    sandbox.bubblewrap.cache_clear()
    try:
        with monkeypatch.context() as changed:
            changed.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
            with pytest.raises(sandbox.SandboxError, match="too old"):
                sandbox.bubblewrap()
    finally:
        sandbox.bubblewrap.cache_clear()


def test_checks_that_a_sandbox_could_read_are_refused(tmp_path: Path) -> None:
    sandbox.check_hidden([tmp_path])
    with pytest.raises(sandbox.SandboxError, match="learners' code can read"):
        sandbox.check_hidden([Path(sandbox.__file__).parent / "private"])


def test_unsafe_in_process_works_without_a_sandbox_and_says_so_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_in(tmp_path / "class", "ada", *SOLUTIONS[:3], "raise SystemExit", "%matplotlib inline")
    with monkeypatch.context() as bare:
        bare.setattr(sandbox, "bubblewrap", lambda: pytest.fail("no sandbox is wanted"))
        assert grade(tmp_path, "--unsafe-in-process", "--gradescope") == 0
    out = tmp_path / "out"
    assert rows(tmp_path, "SELECT points, unsafe FROM submission") == [(45, 1)]
    for name in ("feedback/ada.html", "feedback/ada.md", "report.html", f"gradescope/ada__{EX}.json"):
        assert "these points prove nothing" in (out / name).read_text(), name
    assert "(unsafe)" in (out / "gradebook.csv").read_text()
    assert (out / "moodle.csv").read_text().splitlines()[1:] == ["ada,"], "no points for another system"
    grade(tmp_path)
    assert rows(tmp_path, "SELECT points, unsafe FROM submission") == [(45, 0)], (
        "it is marked properly next time"
    )


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["grade", "nowhere", "--out", "out"], "nowhere is no folder, no zip file and no notebook."),
        (["grade", ".", "--out", "out"], "no notebook found"),
        (["release", "ex77", "--out", "r"], "there is no exercise 'ex77'"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    line: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert line in err and err.count("\n") == 1


def test_no_hidden_checks_is_a_mistake_and_not_a_lower_score(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hand_in(tmp_path / "class", "ada", *SOLUTIONS)
    (tmp_path / "private").mkdir()
    assert grade(tmp_path, "--checks", str(tmp_path / "private")) == 2
    assert f"no hidden checks for {EX}" in capsys.readouterr().err


def test_the_command_is_installed() -> None:
    command = Path(sys.executable).with_name("nncourse")
    help_text = subprocess.run(
        [command, "grade", "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert "--unsafe-in-process" in help_text
