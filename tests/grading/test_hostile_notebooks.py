"""Notebooks that attack the judge. Each runs in the sandbox only, and gets what its right answers earn."""

from __future__ import annotations

import os
import resource
import select
import signal
import time
from contextlib import closing
from pathlib import Path

import pytest
from classroom import PAPER, Q2, Q3, Q4, RIGHT, SMALL, lines, mark, notebook, points, running

from nncourse.exercises.checking import Check, Exercise, Question, Submission
from nncourse.grading.answers import Answers, Session
from nncourse.grading.judge import NOT_RUN, Paper, grade
from nncourse.grading.notebooks import read_notebook
from nncourse.grading.sandbox import Lost, Sandbox, bubblewrap, take_slot

ALL = [10, 10, 10, 10]
NONE = [0, 0, 0, 0]

# What a cell does, and what the learner reads about it. All else in the notebook is right and counts.
CELLS = {
    "endless_loop": ("while True: pass", "Code cell 5 did not finish in time. It was left out"),
    "endless_loop_deaf_to_signals": (
        "import signal\n"
        "for n in range(1, 65):\n"
        "    try: signal.signal(n, signal.SIG_IGN)\n"
        "    except (OSError, ValueError): pass\n"
        "while True:\n"
        "    try:\n"
        "        while True: pass\n"
        "    except BaseException: pass",
        "Code cell 5 did not finish in time",
    ),
    "sleep": ("import time; time.sleep(1000)", "Code cell 5 did not finish in time"),
    "one_large_array": ("import numpy as np; np.ones(1 << 40)", "MemoryError"),
    "memory_bit_by_bit": ("hoard = []\nwhile True: hoard.append(bytearray(1 << 20))", "MemoryError"),
    "memory_in_many_processes": (
        "import os, time\n"
        "for _ in range(12):\n"
        "    if os.fork() == 0:\n"
        "        hoard = bytearray(b'x') * (60 << 20)\n"
        "        time.sleep(60)\n"
        "time.sleep(60)",
        "Code cell 5 used more than 256 MB of memory",
    ),
    "memory_in_processes_of_another_thread": (
        "import os, threading, time\n"
        "def many():\n"
        "    for _ in range(6):\n"
        "        if os.fork() == 0:\n"
        "            hoard = bytearray(b'x') * (60 << 20)\n"
        "            time.sleep(60)\n"
        "    time.sleep(60)\n"
        "threading.Thread(target=many, daemon=True).start()\n"
        "time.sleep(60)",
        "Code cell 5 used more than 256 MB of memory",
    ),
    "fork_bomb": (
        "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
        "Code cell 5",
    ),
    "thread_bomb": (
        "import threading, time\n"
        "while True: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
        "can't start new thread",
    ),
    "segmentation_fault": (
        "import ctypes; ctypes.string_at(0)",
        "Code cell 5 crashed (segmentation fault)",
    ),
    "exit_of_the_process": ("import os; os._exit(0)", "Code cell 5 ended its own process (exit status 0)"),
    "exit_of_the_interpreter": ("import sys; sys.exit('that was all')", "SystemExit: that was all"),
    "killing_itself": ("import os; os.kill(os.getpid(), 9)", "Code cell 5 was ended by the system"),
    "killing_its_parent": ("import os; os.kill(os.getppid(), 9); os.kill(1, 9)", ""),
    "killing_everyone": ("import os; os.kill(-1, 9)", ""),
    "full_disk": (
        "with open('/tmp/full', 'wb') as file:\n    while True: file.write(bytes(1 << 20))",
        "OSError",
    ),
    "full_disk_of_many_files": (
        "for n in range(1000):\n    with open(f'/tmp/{n}', 'wb') as file: file.write(bytes(1 << 20))",
        "OSError: [Errno 28] No space left on device",
    ),
    "two_hundred_megabytes_of_output": (
        "for _ in range(200): print('x' * (1 << 20))",
        "Code cell 5 printed more than 0.25 MB. It was left out",
    ),
    "output_past_python": (
        "import os\nwhile True: os.write(2, b'x' * 4096)",
        "Code cell 5 printed more than 0.25 MB",
    ),
    "reading_from_the_keyboard": ("name = input('Your name? ')", "EOFError"),
    "network": (
        "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)",
        "Network is unreachable",
    ),
    "resolving_a_name": ("import socket; socket.getaddrinfo('example.org', 80)", "gaierror"),
    "tracing": (
        "import ctypes\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "assert libc.ptrace(16, 1, 0, 0) == -1\n"
        "raise OSError(ctypes.get_errno(), 'refused')",
        "PermissionError",
    ),
    "new_user_namespace": (
        "import ctypes\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "assert libc.unshare(0x10000000) == -1\n"
        "raise OSError(ctypes.get_errno(), 'refused')",
        "PermissionError",
    ),
    "closed_channel": ("import os; os.closerange(3, 200)", "Code cell 5"),
    "transformers_of_IPython": (
        "get_ipython().ast_transformers.append(None)",
        "AttributeError",
    ),
    "a_fork_that_answers_too": ("import os; os.fork()", ""),
}


@pytest.mark.parametrize(("cell", "line"), CELLS.values(), ids=CELLS)
def test_a_hostile_cell_costs_nothing_but_itself(cell: str, line: str) -> None:
    begun = time.monotonic()
    result = mark(*RIGHT, cell)
    assert points(result) == ALL, lines(result)
    assert line in lines(result)
    assert time.monotonic() - begun < 2 * SMALL.total


# Code that is written to hurt whoever reads it, before it even runs.
READERS = {
    "millions_of_statements": "a;" * 2_000_000,
    "deep_brackets": "(" * 100_000,
    "deep_signs": "x = " + "-" * 200_000 + "1",
    "a_long_chain": "def double(x): raise x" + ".a" * 50_000,
    "spaces_without_end": "%\n" + " " * 2_000_000 + "!",
    "a_huge_number": "x = " + "9" * 1_000_000,
    "odd_braces": "{" * 5_000 + "}" * 4_999,
}


@pytest.mark.parametrize("cell", READERS.values(), ids=READERS)
def test_code_that_hurts_its_reader_is_read_inside_the_sandbox(cell: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = mark(*RIGHT, cell)
    assert points(result) in (ALL, [0, 10, 10, 10]), lines(result)
    assert result.notes != ()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10, "kB, in the judge"


# A function that attacks when the judge calls it: q1 is lost, nothing else.
FUNCTIONS = {
    "endless": ("    while True: pass", "The code did not finish in time."),
    "exit": ("    import os; os._exit(3)", "The code ended its own process (exit status 3)."),
    "crash": ("    import ctypes; ctypes.string_at(0)", "The code crashed (segmentation fault)."),
    "memory": ("    return bytearray(1 << 40)", "MemoryError"),
    "recursion": ("    return double(x)", "RecursionError"),
    "flood": ("    print('x' * (1 << 20), flush=True)", "The code printed more than 0.25 MB."),
    "large_result": (
        "    import numpy as np; return np.zeros(1 << 18)",
        "this is a result of more than 1 MB",
    ),
    "small_numbers_that_grow": (
        "    import numpy as np; return np.zeros(1 << 19, bool)",
        "this is a result of more than 1 MB, at 8 bytes a number",
    ),
    "a_class_in_place_of_a_function": (
        "    pass\nclass double:\n    def __init__(self, x): pass",
        "this is a function, or an object of a class.",
    ),
    "long_list": ("    return [1.5] * (1 << 19)", "this is a result of more than 1 MB"),
    "huge_number": ("    return 10 ** 100_000", "double raised ValueError"),
    "interrupt": ("    raise KeyboardInterrupt", "double raised KeyboardInterrupt"),
    "unspeakable_exception": (
        "    class Mute(BaseException):\n        def __str__(self): raise self\n    raise Mute",
        "double raised Mute",
    ),
    "nested": ("    x = []\n    for _ in range(5000): x = [x]\n    return x", "double raised RecursionError"),
    "circle": ("    x = []\n    x.append(x)\n    return x", "double raised RecursionError"),
    "pickle": (
        "    class Payload:\n"
        "        def __reduce__(self): return print, ('unpickled',)\n"
        "    return Payload()",
        "this is a Payload",
    ),
    "object_array": ("    import numpy as np; return np.array([print, {}])", "this is an array of object"),
    "function": ("    return double", "this is a function"),
}


@pytest.mark.parametrize(("body", "line"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_hostile_function_loses_its_own_question(body: str, line: str) -> None:
    result = mark(f"def double(x):\n{body}", Q2, Q3, Q4)
    assert points(result) == [0, 10, 10, 10], lines(result)
    assert line in lines(result)


PRETENDERS = {
    "patched_numpy": (
        "import numpy as np, builtins\n"
        "np.allclose = np.isfinite = np.array_equal = lambda *a, **k: True\n"
        "np.testing.assert_allclose = lambda *a, **k: None\n"
        "builtins.AssertionError = builtins.Exception = type('Never', (BaseException,), {})\n"
        "def double(x): return x"
    ),
    "an_array_that_equals_everything": (
        "import numpy as np\n"
        "class Yes(np.ndarray):\n"
        "    def __eq__(self, other): return np.ones(2, bool)\n"
        "    __ne__ = __array_ufunc__ = __array_function__ = lambda *a, **k: False\n"
        "def double(x): return np.zeros(2).view(Yes)"
    ),
    "an_object_that_equals_everything": (
        "class Yes(float):\n"
        "    def __eq__(self, other): return True\n"
        "    def __sub__(self, other): return 0.0\n"
        "    __rsub__ = __sub__\n"
        "def double(x): return Yes(0)"
    ),
    "a_redefined_checker": (
        "import sys, types\n"
        "import nncourse.exercises.checking as checking\n"
        "checking.close = checking.numbers = checking.evaluate = lambda *a, **k: None\n"
        "checking.Wrong = checking.Problem = type('Never', (Exception,), {})\n"
        "def double(x): return x"
    ),
    "a_patched_worker": (
        "import sys\n"
        "frame, patched = sys._getframe(), 0\n"
        "while frame:\n"
        "    if 'reply_to' in frame.f_globals:\n"
        "        answer = lambda *_: ({'value': 84.0, 'ok': True, 'points': 10}, [])\n"
        "        frame.f_globals['answer'] = answer\n"
        "        patched += 1\n"
        "    frame = frame.f_back\n"
        "assert patched\n"
        "def double(x): return x"
    ),
    "points_in_the_namespace": (
        "ok = right = True\nstatus = 'right'\nscore = points = 1000\ndef double(x): return {'ok': True}"
    ),
}


@pytest.mark.parametrize("code", PRETENDERS.values(), ids=PRETENDERS)
def test_pretending_to_be_right_earns_nothing(code: str) -> None:
    result = mark(code)
    assert points(result)[0] == 0
    assert result.notes == (), "the attack itself went through"


FORGERS = {
    "a_right_answer_ahead_of_time": "pack({'value': 84.0})",
    "a_verdict": "pack({'ok': True, 'points': 10, 'status': 'right'})",
    "the_end_of_the_cells": "pack({'failed': []})",
    "another_greeting": "pack({'greeting': 'nncourse worker 1'})",
    "a_handle_of_nothing": "pack({'object': 10 ** 9})",
    "four_gigabytes_to_come": "b'\\xff' * 8",
    "noise": "bytes(range(256)) * 40",
    "a_pickle": "__import__('pickle').dumps(print) * 40",
    "an_array_of_objects": (
        "pack({'value': ['array', 0]}).replace(b'\"arrays\": []', b'\"arrays\": [[\"|O\", [1]]]')"
    ),
    "deep_json": "(lambda t: __import__('struct').pack('<II', len(t), 0) + t)(b'[' * 100_000)",
}


@pytest.mark.parametrize("forged", FORGERS.values(), ids=FORGERS)
def test_forged_replies_earn_nothing(forged: str) -> None:
    forge = (
        "import os\n"
        "from nncourse.grading.values import pack\n"
        "def double(x):\n"
        f"    message = {forged}\n"
        "    for channel in range(3, 30):\n"
        "        try: os.write(channel, message)\n"
        "        except OSError: pass\n"
        "    return x"
    )
    assert points(mark(forge, Q2, Q3, Q4))[0] == 0


def test_code_that_takes_its_messages_back_does_not_hold_the_judge_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Promise:
        """All that it reports is gone before it is read, and full before it is written."""

        def __init__(self) -> None:
            self._ends: list[int] = []

        def register(self, end: int, _: int) -> None:
            self._ends.append(end)

        def poll(self, _: float) -> list[tuple[int, int]]:
            return [(end, 0) for end in self._ends]

    for talk in (
        lambda sandbox: sandbox.receive(time.monotonic() + 0.3),
        lambda sandbox: sandbox.send({"text": "x" * (1 << 20)}, [], time.monotonic() + 0.3),
    ):
        with take_slot() as slot, closing(Sandbox(SMALL, slot)) as sandbox:
            os.kill(sandbox._processes()[-1], signal.SIGSTOP)
            with monkeypatch.context() as patch:
                patch.setattr(select, "poll", Promise)
                with pytest.raises(Lost, match="did not finish in time"):
                    talk(sandbox)


def test_a_sandbox_that_cannot_start_leaves_no_open_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("too many processes")

    bubblewrap()  # which is asked for its version once, by a process
    before = sorted(os.listdir("/proc/self/fd"))
    for target in ("subprocess.Popen", "nncourse.grading.sandbox.seccomp_filter"):
        with monkeypatch.context() as broken, take_slot() as slot:
            broken.setattr(target, refuse)
            with pytest.raises(OSError, match="too many processes"):
                Sandbox(SMALL, slot)
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_announcing_cells_for_ever_does_not_stop_the_clock() -> None:
    cell = (
        "import os, time\n"
        "from nncourse.grading.values import pack\n"
        "while True:\n"
        "    for channel in range(3, 30):\n"
        "        try: os.write(channel, pack({'cell': 1}))\n"
        "        except OSError: pass\n"
        "    time.sleep(0.1)"
    )
    begun = time.monotonic()
    result = mark(*RIGHT, cell)
    assert time.monotonic() - begun < SMALL.total + 5
    assert "in time" in lines(result) or "in all" in lines(result)


def found(code: str, tmp_path: Path | None = None) -> object:
    """What code inside a sandbox leaves in the variable `found`."""
    reading = read_notebook(notebook(code))
    with take_slot() as slot:
        session = Session(reading.cells, (), SMALL, slot)
        try:
            session.begin_check()
            assert session.notes == []
            return Answers(session).found
        finally:
            session.close()


def test_a_sandbox_sees_no_checks_submissions_or_results(tmp_path: Path) -> None:
    (tmp_path / "hidden.py").write_text("SECRET = 1")
    root = Path(__file__).resolve().parents[2]
    code = (
        "import os\n"
        f"wanted = [{str(tmp_path)!r}, {str(root / 'exercises')!r}, {str(root / 'tests')!r}, "
        "'/etc/passwd', '/etc/shadow', '/home', '/var', '/run']\n"
        "found = [path for path in wanted if os.path.exists(path)]\n"
        "for folder, folders, files in os.walk('/'):\n"
        "    folders[:] = [f for f in folders if f not in ('proc', 'usr', 'lib', 'lib64', 'site-packages')]\n"
        "    found += [os.path.join(folder, f) for f in files if f in ('hidden.py', 'gradebook.sqlite')]"
    )
    assert found(code) == []


def test_a_sandbox_can_write_to_its_own_tmp_only() -> None:
    code = (
        "import os\n"
        "found = []\n"
        "for folder, folders, _ in os.walk('/'):\n"
        "    folders[:] = [f for f in folders if f not in ('proc', 'usr', 'lib', 'lib64')]\n"
        "    try:\n"
        "        with open(os.path.join(folder, 'mine'), 'w'): found.append(folder)\n"
        "    except OSError: pass\n"
        "for folder in ('/usr', '/lib', '/usr/bin', '/proc', '/proc/sys/kernel', '/sys', '/dev/shm'):\n"
        "    try:\n"
        "        with open(os.path.join(folder, 'mine'), 'w'): found.append(folder)\n"
        "    except OSError: pass"
    )
    places = found(code)
    assert isinstance(places, list) and "/tmp" in places
    assert [place for place in places if place != "/tmp" and not place.startswith("/tmp/")] == []


def test_a_sandbox_has_no_rights_and_sees_no_other_process() -> None:
    code = (
        "import os\n"
        "status = dict(line.split(':', 1) for line in open('/proc/self/status'))\n"
        "rights = int(status['CapEff'], 16) | int(status['CapPrm'], 16)\n"
        "processes = sorted(int(name) for name in os.listdir('/proc') if name.isdigit())\n"
        "found = [os.getuid() != 0, rights, status['NoNewPrivs'].strip(), len(processes) <= 3, "
        "sorted(os.environ) == sorted(set(os.environ) & {'HOME', 'LANG', 'MPLBACKEND', 'OMP_NUM_THREADS', "
        "'OPENBLAS_NUM_THREADS', 'PATH', 'PWD', 'PYTHONDONTWRITEBYTECODE', 'PYTHONPATH', 'LC_CTYPE'})]"
    )
    assert found(code) == [True, 0, "1", True, True]


def test_each_sandbox_has_a_user_of_its_own_when_the_judge_is_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("an ordinary user cannot become another one")
    with take_slot() as one, take_slot() as other:
        assert one.user and other.user and one.user != other.user


def test_a_daemon_does_not_outlive_the_run() -> None:
    daemon = (
        "import os, subprocess\n"
        "subprocess.Popen(['sleep', '98765.4321'], start_new_session=True, stdin=-3, stdout=-3, stderr=-3)\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0: os.execv('/usr/bin/sleep', ['sleep', '98765.4321'])\n"
        "    os._exit(0)"
    )
    assert points(mark(*RIGHT, daemon)) == ALL
    for _ in range(50):  # the kernel may need a moment to clear a namespace away
        if not running("98765.4321"):
            break
        time.sleep(0.05)
    assert not running("98765.4321")


def test_what_one_run_leaves_in_tmp_the_next_does_not_see() -> None:
    found("open('/tmp/crib', 'w').write('the answers'); found = 1")
    assert found("import os; found = os.path.exists('/tmp/crib')") is False


def test_three_bad_cells_are_left_out_and_a_fourth_ends_it() -> None:
    bad = "import os; os._exit(1)"
    assert points(mark(bad, bad, *RIGHT, bad)) == ALL
    result = mark(bad, bad, bad, bad, *RIGHT)
    assert points(result) == NONE
    assert result.notes[-1] == "The notebook ended its own process (exit status 1)."


def test_what_hidden_inputs_the_code_has_seen_cannot_reach_a_visible_message() -> None:
    spy = (
        "seen = []\n"
        "def double(x):\n"
        "    seen.append(x.tolist())\n"
        "    return 2 * x\n"
        "def mean(values): raise ValueError(str(seen))\n"
        "class Tally:\n"
        "    def __init__(self, start): raise ValueError(str(seen))"
    )
    result = mark(spy)
    shown = [m.hint for answer in result.answers for m in answer.marks if m.visible]
    assert any("1.0, 2.0" in hint for hint in shown), "what the visible check gave is there to see"
    assert not any("31.25" in hint for hint in shown)
    assert PAPER.hidden["q1"]
    assert points(result)[0] == 10


def test_the_time_at_which_a_sandbox_dies_does_not_tell_what_it_saw() -> None:
    spy = "import time\nraise ValueError(f'it is {time.time()}')"
    dying = "import os\ndef double(x):\n    if x[0] != 1: os._exit(1)\n    return 2 * x"
    paper = Paper(PAPER.exercise, {"q1": PAPER.hidden["q1"] * 2})
    with take_slot() as slot:
        result = grade(notebook(dying, spy), paper, SMALL, slot)
    assert [m.status for m in result.answers[0].marks] == ["right", "stopped", "stopped"]
    assert len(result.notes) == 1, "what the cells said when they ran again is not shown"


def test_the_rest_of_a_question_is_skipped_after_two_lost_sandboxes() -> None:
    def ask(s: Submission) -> None:
        s.double(1.0)

    checks = tuple(Check(f"check {i}", ask) for i in range(4))
    question = Question("q1", "Twice", 10, ("double",), checks)
    other = Question("q2", "The mean", 10, ("mean",), PAPER.exercise.question("q2").visible)
    paper = Paper(Exercise("ex98_patience", "Patience", (question, other)), {})
    with take_slot() as slot:
        result = grade(notebook("def double(x):\n    while True: pass", Q2), paper, SMALL, slot)
    hints = [mark.hint for mark in result.answers[0].marks]
    assert hints == ["The code did not finish in time."] * 2 + [NOT_RUN] * 2
    assert points(result) == [0, 10]
