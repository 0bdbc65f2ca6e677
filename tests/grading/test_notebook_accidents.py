"""Notebooks to which something happened. Each earns what is right in it, with a line on what is wrong."""

from __future__ import annotations

import json
import random

import pytest
from classroom import Q1, Q2, Q3, Q4, RIGHT, STUB, lines, mark, mark_file, notebook, points

ALL = [10, 10, 10, 10]

# A file that holds no Python notebook, and the line that says so.
UNREADABLE = {
    "empty": (b"", "The file is empty."),
    "blank": (b" \n\n", "The file is empty."),
    "binary": (random.Random(1).randbytes(5000), "The file is not a notebook: it does not even hold text."),
    "a_picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "it does not even hold text."),
    "cut_off": (notebook(*RIGHT)[:-40], "The notebook is cut off: its end is missing."),
    "cut_off_early": (notebook(*RIGHT)[:30], "The notebook is cut off: its end is missing."),
    "a_script": (Q1.encode(), "The file is not a notebook: it is no JSON from line 1 on."),
    "a_web_page": (b"<!DOCTYPE html><html></html>", "The file is not a notebook"),
    "other_json": (b'{"name": "ada"}', "The file is not a notebook: it has no cells."),
    "a_list": (b"[1, 2, 3]", "The file is not a notebook: it has no cells."),
    "deep_json": (b"[" * 200_000, "The file is not a notebook"),
    "cells_of_another_kind": (b'{"cells": 3}', "it has no cells."),
    "no_code": (notebook(), "The notebook holds no code."),
    "old_format": (b'{"worksheets": [], "nbformat": 3}', "The notebook has an old format."),
    "merge_conflict": (b'<<<<<<< HEAD\n{"cells": []}\n=======\n', "The file is not a notebook"),
    "too_large": (b" " * (11 << 20), "The file is too large (11 MB). Clear its outputs"),
    "kernel_of_R": (
        notebook("x <- 1", metadata={"kernelspec": {"language": "R", "name": "ir"}}),
        "The notebook was saved for R, not for Python: change its kernel.",
    ),
    "kernel_of_julia": (
        notebook("x = 1", metadata={"language_info": {"name": "julia"}}),
        "The notebook was saved for julia, not for Python",
    ),
}


@pytest.mark.parametrize(("data", "line"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_file_that_is_no_notebook_is_told_apart_in_one_line(data: bytes, line: str) -> None:
    result = mark_file(data)
    assert (result.status, result.points, result.max_points) == ("unreadable", 0, 40)
    assert len(result.notes) == 1 and line in result.notes[0]


# Cells, the points of the four questions, and what the learner reads.
ACCIDENTS = {
    "all_right": (RIGHT, ALL, ""),
    "reordered": (RIGHT[::-1], ALL, ""),
    "other_code_around": (("import numpy as np", *RIGHT, "double(3)", "mean([1])"), ALL, ""),
    "one_cell_for_everything": (("\n".join(RIGHT),), ALL, ""),
    "a_missing_cell": ((Q1, Q3, Q4), [10, 0, 10, 10], "The notebook defines no mean."),
    "an_unanswered_stub": ((STUB, Q2, Q3, Q4), [0, 10, 10, 10], "q1: write double here."),
    "a_stub_called_above": ((STUB, "double(2)", Q2, Q3, Q4), [0, 10, 10, 10], "q1: write double here."),
    "a_duplicate": ((*RIGHT, Q1), ALL, "double is defined in code cells 1 and 5: the last counts."),
    "a_wrong_duplicate": (
        (*RIGHT, Q1.replace("2", "3")),
        [0, 10, 10, 10],
        "double is defined in code cells 1 and 5: the last counts.",
    ),
    "the_stub_once_more_at_the_end": ((*RIGHT, STUB), ALL, ""),
    "a_syntax_error": (
        ("def double(x)\n    return 2 * x", Q2, Q3, Q4),
        [0, 10, 10, 10],
        "SyntaxError: expected ':' (cell 1, line 1) (cell 1, line 1: def double(x))",
    ),
    "a_bad_indent": ((Q1 + "\n  x = 1", Q2, Q3, Q4), [0, 10, 10, 10], "IndentationError"),
    "a_null_character": ((Q1 + "\0", Q2, Q3, Q4), [0, 10, 10, 10], "null bytes"),
    "an_exception_in_a_cell": (
        ("1 / 0", *RIGHT),
        ALL,
        "ZeroDivisionError: division by zero (cell 1, line 1: 1 / 0)",
    ),
    "an_exception_in_an_answer": (
        ("def double(x):\n    return x.nothing", Q2, Q3, Q4),
        [0, 10, 10, 10],
        "double raised AttributeError: 'numpy.ndarray' object has no attribute 'nothing'",
    ),
    "a_missing_import": (
        ("import course_that_is_not_there", *RIGHT),
        ALL,
        "ModuleNotFoundError: No module named 'course_that_is_not_there'",
    ),
    "numpy_not_imported": (
        ("def double(x):\n    return np.multiply(x, 2)", Q2, Q3, Q4),
        [0, 10, 10, 10],
        "double raised NameError: name 'np' is not defined",
    ),
    "imported_further_down": (
        ("unit = np.array(1)", "def double(x):\n    return x + x * unit", Q2, Q3, Q4, "import numpy as np"),
        ALL,
        "",
    ),
    "cells_run_out_of_order": (
        ("ANSWER = half * 2", Q1, Q2, Q3, "half = seven * 3", "seven = 7"),
        [10, 10, 10, 0],
        "NameError: name 'half' is not defined",
    ),
    "line_magics": (
        (
            "%matplotlib inline\nimport numpy as np\n!pip install numpy\nfiles = !ls\n?np.sum\nnp.sum?\n"
            + Q1,
            *RIGHT[1:],
        ),
        ALL,
        "",
    ),
    "a_timed_cell": (("%%time\n" + Q1, Q2, Q3, Q4), ALL, ""),
    "a_cell_in_another_language": (("%%bash\nrm -rf ~", "%%html\n<b>", *RIGHT), ALL, ""),
    "a_remainder_at_the_start_of_a_line": (
        (Q1, Q2, Q3, "ANSWER = (142\n% 100)"),
        ALL,
        "",
    ),
    "a_magic_inside_a_function": (("def double(x):\n    %time y = 1\n    return 2 * x", Q2, Q3, Q4), ALL, ""),
    "prints_and_warnings": (
        (
            "import warnings, sys\n"
            "def double(x):\n"
            "    print('x is', x)\n"
            "    warnings.warn('careful')\n"
            "    sys.stderr.write('hm')\n"
            "    return 2 * x",
            Q2,
            Q3,
            Q4,
        ),
        ALL,
        "",
    ),
    "warnings_as_errors": (("import warnings\nwarnings.simplefilter('error')", *RIGHT), ALL, ""),
    "the_checks_of_the_notebook": (
        ("from nncourse.exercises import check, progress", *RIGHT, "check('ex99', 'q1')", "progress('ex99')"),
        ALL,
        "",
    ),
    "display_and_IPython": (("display(1)\nget_ipython().run_line_magic('time', 'x')", *RIGHT), ALL, ""),
    "an_answer_of_another_form": (
        ("def double(x):\n    return {'a': x}", Q2, Q3, Q4),
        [0, 10, 10, 10],
        "A number or an array is wanted; this is a dict.",
    ),
    "a_forgotten_return": (
        ("def double(x):\n    2 * x", Q2, Q3, Q4),
        [0, 10, 10, 10],
        "Is there a `return` at the end of the function?",
    ),
    "a_missing_argument": (("def double():\n    return 2", Q2, Q3, Q4), [0, 10, 10, 10], "TypeError"),
    "a_method_that_is_not_there": (
        (Q1, Q2, "class Tally:\n    def __init__(self, start):\n        pass", Q4),
        [10, 10, 0, 10],
        "An object of Tally has no add.",
    ),
    "a_dataclass": (
        (
            Q1,
            Q2,
            "from __future__ import annotations\nfrom dataclasses import dataclass\n"
            "@dataclass\nclass Tally:\n    start: int\n"
            "    def add(self, n): self.start += n\n"
            "    @property\n    def total(self): return self.start",
            Q4,
        ),
        ALL,
        "",
    ),
    "a_function_that_changes_its_input": (
        ("def double(x):\n    x *= 2\n    return x", Q2, Q3, Q4),
        ALL,
        "",
    ),
    "half_of_a_question": (
        ("def double(x):\n    return 2 * x if x[0] == 1 else x", Q2, Q3, Q4),
        [5, 10, 10, 10],
        "It must hold for every array.",
    ),
}


@pytest.mark.parametrize(("cells", "expected", "line"), ACCIDENTS.values(), ids=ACCIDENTS)
def test_what_is_right_counts(cells: tuple[str, ...], expected: list[float], line: str) -> None:
    result = mark(*cells)
    assert points(result) == expected, lines(result)
    assert line in lines(result)
    if not line:
        assert lines(result) == ""


def test_metadata_ids_and_outputs_do_not_matter() -> None:
    whole = json.loads(notebook(*RIGHT))
    for cell in whole["cells"]:
        for key in ("id", "metadata", "outputs"):
            del cell[key]
        cell["source"] = cell["source"].splitlines(keepends=True)
    del whole["metadata"], whole["nbformat_minor"]
    result = mark_file(b"\xef\xbb\xbf" + json.dumps(whole, indent=4).replace("\n", "\r\n").encode())
    assert points(result) == ALL and lines(result) == ""


def test_damaged_cells_are_left_out_and_named() -> None:
    whole = json.loads(notebook(*RIGHT))
    whole["cells"][1]["source"] = 5
    whole["cells"] += [
        7,
        None,
        {"cell_type": "code"},
        {"source": "x"},
        {"cell_type": "markdown", "source": 1},
    ]
    result = mark_file(json.dumps(whole).encode())
    assert points(result) == [10, 0, 10, 10]
    assert "Code cell 2 is damaged and was left out." in result.notes
    assert result.notes.count("A cell of the notebook is damaged and was left out.") == 3


def test_text_in_any_script_is_read() -> None:
    result = mark("# 神经网络 🙂\nδ = 2", "def double(x):\n    return δ * x", *RIGHT[1:])
    assert points(result) == ALL
