"""From a source to what a learner gets: stubs that show the way and no more, errors that name the place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from exercises import ROOT, SourceError, notebook, pictures, questions, read, solutions_page, sources, stub

TEXT = """# A title

What it is about.

```python
import numpy as np
```

More words.

## q1 · Double · 100 points

*Outcome:* double a number

Return twice the number. **Example:** 2 gives 4.

```python
half = 0.5
```

```python solution
def _helper(x):
    \"\"\"Help.\"\"\"
    return x


def double(x):
    \"\"\"Return 2 x.\"\"\"
    return _helper(x) + _helper(x)
```

Because x + x = 2x.
"""
WRONG = '[[q1]]\nname = "once"\nthis = "+ _helper(x)"\nthat = ""\nhint = "Add"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small source, written right."""
    folder = tmp_path / "ex42_double"
    folder.mkdir()
    (folder / "exercise.md").write_text(TEXT, "utf-8")
    (folder / "wrong.toml").write_text(WRONG, "utf-8")
    return folder


def test_a_source_says_what_is_asked_and_what_is_wrong(folder: Path) -> None:
    source = read(folder)
    question = source.questions[0]
    assert (source.name, source.short, source.number, source.title) == ("ex42_double", "ex42", 42, "A title")
    assert (question.name, question.title, question.points) == ("q1", "Double", 100)
    assert question.asks == ("double",)
    assert question.outcome == "double a number"
    assert question.wrong[0].code.endswith("return _helper(x) \n")


def test_the_notebook_has_text_given_code_stub_and_check_in_order(folder: Path) -> None:
    cells = json.loads(notebook(read(folder)))["cells"]
    found = [(cell["id"], "".join(cell["source"])) for cell in cells]
    assert [name for name, _ in found] == [
        "ex42",
        "ex42-code-1",
        "ex42-1",
        "checks",
        "q1",
        "q1-code-1",
        "q1-answer",
        "q1-check",
        "progress",
        "progress-table",
    ]
    text = dict(found)
    assert text["ex42"].startswith("# Exercise 42: A title")
    assert text["q1"].startswith("## q1 · Double · 100 points")
    assert text["q1-code-1"] == "half = 0.5"
    assert text["q1-check"] == 'check("ex42", "q1")'
    assert 'raise NotImplementedError("q1: write double here.")' in text["q1-answer"]
    assert not any("x + x" in words or "solution" in words for words in text.values())


PICTURE = """```python picture
from nncourse.explore import Axis, Line, Plot

title = "Twice"
panels = [Plot("line", Axis("x", 0, 1), Axis("y", 0, 2))]
marks = [Line("line", [0, 1], [double(0), double(1)])]
sentence = f"It climbs to {double(1)}."
```

"""


def test_a_picture_is_drawn_from_the_solution_and_shown_without_it(folder: Path) -> None:
    (folder / "exercise.md").write_text(TEXT.replace("```python solution", f"{PICTURE}```python solution"))
    source = read(folder)
    drawn = json.loads(pictures(source))["q1"]
    assert drawn["text"] == "Twice. It climbs to 2."
    assert drawn["spec"]["name"] == "ex42.q1" and "<svg" in drawn["html"]
    cells = {cell["id"]: cell for cell in json.loads(notebook(source))["cells"]}
    assert list(cells)[5:9] == ["q1-code-1", "q1-picture", "q1-answer", "q1-check"]
    assert cells["q1-picture"]["source"] == ['picture("ex42", "q1")']
    assert cells["q1-picture"]["metadata"] == {"tags": ["remove-input"]}
    assert "import check, picture, progress" in cells["checks"]["source"][0]
    assert "Axis" not in notebook(source) and "Axis" not in source.code_before("q1")
    twice = TEXT.replace("```python solution", f"{PICTURE}{PICTURE}```python solution")
    (folder / "exercise.md").write_text(twice)
    with pytest.raises(SourceError, match="at most one picture"):
        read(folder)


def test_the_package_learns_what_each_question_asks(folder: Path) -> None:
    assert json.loads(questions(read(folder))) == {
        "name": "ex42_double",
        "title": "A title",
        "questions": [
            {
                "name": "q1",
                "title": "Double",
                "points": 100,
                "outcome": "double a number",
                "asks": ["double"],
            }
        ],
    }


def test_the_solution_stands_inside_what_opens_with_a_click(folder: Path) -> None:
    page = solutions_page(read(folder))
    before, _, behind = page.partition("::::{dropdown}")
    assert "_helper" not in before and "Because" not in before
    assert "return _helper(x) + _helper(x)" in behind and "Because x + x = 2x." in behind
    assert "- once" in behind


def test_a_stub_keeps_signature_and_docstring_of_every_method() -> None:
    solution = '''class Counter:
    """Counts."""

    step = 1

    def __init__(self, start):
        """Begin."""
        self.count = start
        if start < 0:
            raise ValueError

    def up(self):
        self.count += self.step
        return self.count
'''
    assert (
        stub(solution, "q3")
        == '''class Counter:
    """Counts."""

    step = 1

    def __init__(self, start):
        """Begin."""
        raise NotImplementedError("q3: write __init__ here.")

    def up(self):
        raise NotImplementedError("q3: write up here.")
'''
    )


def test_a_stub_leaves_out_nested_functions_with_the_function_around_them() -> None:
    solution = "def outer(x):\n    def inner(y):\n        return y\n\n    return inner(x)\n"
    assert stub(solution, "q1") == 'def outer(x):\n    raise NotImplementedError("q1: write outer here.")\n'


def test_marks_leave_out_a_part_only() -> None:
    solution = "def f(x):\n    y = 2 * x\n    # answer\n    z = y + 1\n    # end\n    return z\n"
    assert stub(solution, "q1") == (
        'def f(x):\n    y = 2 * x\n    raise NotImplementedError("q1: write this part.")\n    return z\n'
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("```python solution", "```python", "q1: exactly one ```python solution block"),
        ("## q1 ·", "## Question 1:", "needs a title and questions"),
        ("# A title", "A title", "needs a title and questions"),
        ("*Outcome:*", "Outcome:", r"q1: a line .\*Outcome:\* .... must follow the heading"),
    ],
)
def test_a_source_that_is_written_wrongly_is_named(folder: Path, old: str, new: str, words: str) -> None:
    (folder / "exercise.md").write_text(TEXT.replace(old, new, 1), "utf-8")
    with pytest.raises(SourceError, match=words) as caught:
        read(folder)
    assert "ex42_double" in str(caught.value)


def test_a_wrong_answer_must_change_something_that_is_there(folder: Path) -> None:
    (folder / "wrong.toml").write_text(WRONG.replace("+ _helper", "- _helper"), "utf-8")
    with pytest.raises(SourceError, match="'once' replaces what the solution has not"):
        read(folder)


def test_nothing_is_left_over_from_a_source_that_is_gone() -> None:
    names = {source.name for source in sources()}
    assert {path.stem for path in (ROOT / "exercises").glob("*.ipynb")} == names
    assert {path.stem for path in (ROOT / "exercises" / "solutions").iterdir()} == names
