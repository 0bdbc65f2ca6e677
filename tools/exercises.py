"""Make the learner's notebooks, solution pages, lists of questions and pictures from one source each.

A source is a folder `exercises/source/exNN_name` that holds

    exercise.md   the text: an introduction, then for each question a heading "## q1 · title · 10 points",
                  an "*Outcome:*" (what a right answer shows that one can do, for the map of questions),
                  its statement, a ```python solution block and the explanation of the solution
    hidden.py     the checks that only the judge runs
    wrong.toml    typical wrong answers, and words of the hint that each must get

The checks that the notebook runs are `src/nncourse/exercises/exNN.py`.

Other ```python blocks above a solution become cells of the notebook. A ```python picture block draws what
the solution gives: it runs here, where the solution is known, and sets `title`, `panels`, `marks` and
`sentence`, as an explorable without controls has them. The notebook shows what was drawn.

In a solution, what a learner is to write is the body of each function; or, where `# answer` and `# end`
stand in it, what is between.

    python tools/exercises.py
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from notebooks import canonical, library

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "exercises" / "source"
RUFF = Path(sys.executable).with_name("ruff")

PICTURE_ALONE = "remove-input"  # in the book
NOT_IN_PAGE = "remove-output"  # "not answered yet" is no news in the book

HEADING = re.compile(r"^## (q\d+) · (.+) · (\d+) points?$", re.MULTILINE)
OUTCOME = re.compile(r"\s*\*Outcome:\* (\S.*)\n")
BLOCK = re.compile(r"^```python( solution| picture)?\n(.*?)^```$\n?", re.MULTILINE | re.DOTALL)
MARKED = re.compile(r"^( *)# answer\n.*?^ *# end\n", re.MULTILINE | re.DOTALL)
MARKS = re.compile(r"^ *# (?:answer|end)\n", re.MULTILINE)


class SourceError(ValueError):
    """A source is written wrongly; the message names it."""


@dataclass(frozen=True)
class WrongAnswer:
    """A wrong answer, and words that the hint for it must contain."""

    name: str
    code: str
    hint: str


@dataclass(frozen=True)
class QuestionSource:
    """All that is known about one question, with its solution."""

    name: str
    title: str
    points: int
    outcome: str
    statement: str
    picture: str
    solution: str
    explanation: str
    wrong: tuple[WrongAnswer, ...]

    @property
    def asks(self) -> tuple[str, ...]:
        """The names that the solution defines, other than those for its own use."""
        nodes = ast.parse(self.solution).body
        return tuple(
            node.name
            for node in nodes
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
        )

    @property
    def stub(self) -> str:
        """The solution without what the learner is to write."""
        return stub(self.solution, self.name)

    @property
    def shown_solution(self) -> str:
        """The solution as one reads it."""
        return MARKS.sub("", self.solution)


@dataclass(frozen=True)
class Source:
    """One exercise."""

    folder: Path
    title: str
    introduction: str
    questions: tuple[QuestionSource, ...]

    @property
    def name(self) -> str:
        """The name of the notebook: "ex05_gradient_descent"."""
        return self.folder.name

    @property
    def short(self) -> str:
        """The name that `check` knows: "ex05"."""
        return self.name.partition("_")[0]

    def code_before(self, question: str) -> str:
        """All code of the notebook above an answer, with the solutions of the questions before."""
        pieces = [block[2] for block in BLOCK.finditer(self.introduction)]
        for one in self.questions:
            pieces += [block[2] for block in BLOCK.finditer(one.statement) if not block[1]]
            if one.name == question:
                break
            pieces.append(one.solution)
        return "\n".join(pieces)

    @property
    def has_pictures(self) -> bool:
        """Whether a question shows what should come out."""
        return any(question.picture for question in self.questions)

    @property
    def number(self) -> int:
        """The number of the chapter."""
        return int(self.short.removeprefix("ex"))


def sources(folder: Path = SOURCES) -> list[Source]:
    """All exercises, in order."""
    return [read(path.parent) for path in sorted(folder.glob("ex*/exercise.md"))]


def read(folder: Path) -> Source:
    """Read one source.

    Raises
    ------
    SourceError
        If something in it is not as it should be.
    """
    text = (folder / "exercise.md").read_text("utf-8")
    wrong = tomllib.loads((folder / "wrong.toml").read_text("utf-8"))
    introduction, *pieces = HEADING.split(text)
    title, _, introduction = introduction.partition("\n")
    if not title.startswith("# ") or not pieces:
        raise SourceError(f"{folder.name}: exercise.md needs a title and questions.")
    questions = []
    for name, heading, points, body in zip(*(pieces[i::4] for i in range(4)), strict=True):
        blocks = list(BLOCK.finditer(body))
        solutions = [block for block in blocks if block[1] == " solution"]
        pictures = [block[2] for block in blocks if block[1] == " picture"]
        if len(solutions) != 1 or len(pictures) > 1:
            raise SourceError(
                f"{folder.name} {name}: exactly one ```python solution block is needed, at most one picture."
            )
        if not (outcome := OUTCOME.match(body)):
            raise SourceError(f'{folder.name} {name}: a line "*Outcome:* ..." must follow the heading.')
        start, end = solutions[0].span()
        solution = solutions[0][2]
        questions.append(
            QuestionSource(
                name,
                heading,
                int(points),
                outcome[1],
                body[outcome.end() : start].strip(),
                "".join(pictures),
                solution,
                body[end:].strip(),
                tuple(_wrong(entry, solution, f"{folder.name} {name}") for entry in wrong.get(name, ())),
            )
        )
    return Source(folder, title.removeprefix("# "), introduction.strip(), tuple(questions))


def _wrong(entry: dict[str, str], solution: str, place: str) -> WrongAnswer:
    """A wrong answer is written out as `code`, or as the solution with `this` replaced by `that`."""
    if "code" in entry:
        return WrongAnswer(entry["name"], entry["code"], entry["hint"])
    if entry["this"] not in solution:
        raise SourceError(f"{place}: wrong answer {entry['name']!r} replaces what the solution has not.")
    return WrongAnswer(entry["name"], solution.replace(entry["this"], entry["that"]), entry["hint"])


def stub(solution: str, question: str) -> str:
    """Keep signatures and docstrings of a solution; what a learner is to write raises instead."""
    if MARKED.search(solution):
        left_out = f'\\1raise NotImplementedError("{question}: write this part.")\n'
        return MARKED.sub(left_out, solution)
    lines = solution.splitlines()
    functions = [node for node in ast.walk(ast.parse(solution)) if isinstance(node, ast.FunctionDef)]
    top = [f for f in functions if not any(g is not f and _inside(f, g) for g in functions)]
    for function in sorted(top, key=lambda f: f.lineno, reverse=True):
        first, last = function.body[0], function.body[-1]
        has_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
        start = first.end_lineno if has_docstring else first.lineno - 1
        sentence = f'raise NotImplementedError("{question}: write {function.name} here.")'
        lines[start : last.end_lineno] = [" " * first.col_offset + sentence]
    return "\n".join(lines) + "\n"


def _inside(inner: ast.FunctionDef, outer: ast.FunctionDef) -> bool:
    return outer.lineno <= inner.lineno and (inner.end_lineno or 0) <= (outer.end_lineno or 0)


# -- What is made ---------------------------------------------------------------------------------


def notebook(source: Source, library: str = "") -> str:
    """The learner's notebook, whose library Colab gets from ``library``."""
    made: list[nbformat.NotebookNode] = []

    def cell(kind: str, text: str, name: str, *tags: str) -> None:
        new = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
        made.append(new(text.strip(), id=name, metadata={"tags": list(tags)} if tags else {}))

    def prose(text: str, name: str, heading: str = "") -> None:
        """Markdown, cut where a block of code becomes a cell."""
        position, count = 0, 0
        for block in [*BLOCK.finditer(text), None]:
            words = heading + text[position : block.start() if block else len(text)].strip()
            if words:
                cell("markdown", words, f"{name}-{count}" if count else name)
                heading, count = "", count + 1
            if block and block[1]:
                cell("code", f'picture("{source.short}", "{name}")', f"{name}-picture", PICTURE_ALONE)
            elif block:
                cell("code", block[2], f"{name}-code-{count}")
            position = block.end() if block else position

    total = sum(question.points for question in source.questions)
    prose(
        f"{source.introduction}\n\n"
        f"There are {len(source.questions)} questions and {total} points. Write each answer in place of the "
        "line that raises `NotImplementedError`, run its cell, then run the cell below it: it looks at your "
        "answer and says what it finds. How all this works stands on the page "
        "[How to do the exercises](index.md).",
        source.short,
        f"# Exercise {source.number}: {source.title}\n\n",
    )
    names = "check, picture, progress" if source.has_pictures else "check, progress"
    cell("code", f"from nncourse.exercises import {names}", "checks")
    for question in source.questions:
        heading = f"## {question.name} · {question.title} · {_points(question.points)}\n\n"
        prose(question.statement, question.name, heading)
        cell("code", question.stub, f"{question.name}-answer")
        cell("code", f'check("{source.short}", "{question.name}")', f"{question.name}-check", NOT_IN_PAGE)
    cell("markdown", "## How far you are", "progress")
    cell("code", f'progress("{source.short}")', "progress-table", NOT_IN_PAGE)
    text = nbformat.writes(nbformat.v4.new_notebook(cells=made))
    return canonical(_formatted(text, f"{source.name}.ipynb"), library)


def questions(source: Source) -> str:
    """What the package knows of the questions; their checks stand beside it, in a module."""
    facts = {
        "name": source.name,
        "title": source.title,
        "questions": [
            {"name": q.name, "title": q.title, "points": q.points, "outcome": q.outcome, "asks": q.asks}
            for q in source.questions
        ],
    }
    return json.dumps(facts, indent=2, ensure_ascii=False) + "\n"


def pictures(source: Source) -> str:
    """What the package shows beside questions, by question."""
    drawn = {q.name: _draw(source, q) for q in source.questions if q.picture}
    return json.dumps(drawn, indent=1, ensure_ascii=False) + "\n"


def _draw(source: Source, question: QuestionSource) -> dict[str, Any]:
    """A picture as a figure for the page, as HTML for a notebook, and in words."""
    from nncourse.explore import Explorable  # here, because nothing else that is made needs them
    from nncourse.explore.page import figure_html

    known: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        for code in (source.code_before(question.name), question.solution, question.picture):
            exec(code, known)
    figure = Explorable(
        f"{source.short}.{question.name}",
        title=known["title"],
        controls=[],
        panels=known["panels"],
        parts=[lambda: known["marks"]],
        describe=lambda: known["sentence"],
    )
    recording = figure.record().as_json()
    html = re.sub(' data-recording="[^"]*"', "", figure_html(figure.spec, recording))  # a notebook has none
    text = f"{known['title']}. {known['sentence']}"
    return {"spec": figure.spec, "recording": recording, "html": html, "text": text}


def solutions_page(source: Source) -> str:
    """The page of the book with the worked solutions, each behind a click."""
    pieces = [
        f"# Solutions to exercise {source.number}: {source.title}\n\n"
        f"The questions stand in [exercise {source.number}](../{source.name}.ipynb). A solution that you "
        "have looked for, even in vain, tells you more than one that you have only read. [Each opens "
        "with a click.]{.screen-only}\n"
    ]
    for question in source.questions:
        wrong = "\n".join(f"- {answer.name}" for answer in question.wrong)
        pieces.append(
            f"## {question.name} · {question.title}\n\n"
            f"::::{{dropdown}} Show the solution of {question.name}\n"
            f"```python\n{question.shown_solution}```\n\n{question.explanation}\n\n"
            f"**Often seen, and caught by the checks:**\n\n{wrong}\n::::\n"
        )
    return "\n".join(pieces)


def _formatted(text: str, name: str) -> str:
    """In the repository's form, and with imports in their order."""
    for command in (["check", "--fix-only", "--quiet", "--select=I"], ["format", "--quiet"]):
        run = subprocess.run(
            [str(RUFF), *command, f"--stdin-filename={ROOT / name}", "-"],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode:
            raise SourceError(f"{name}: {run.stderr}")
        text = run.stdout
    return text


def _points(points: int) -> str:
    return f"{points} point{'' if points == 1 else 's'}"


def made_from(source: Source) -> dict[Path, str]:
    """Every file that is made from a source, with its text."""
    return {
        ROOT / "exercises" / f"{source.name}.ipynb": notebook(source, library()),
        ROOT / "exercises" / "solutions" / f"{source.name}.md": solutions_page(source),
        ROOT / "src" / "nncourse" / "exercises" / f"{source.short}.json": questions(source),
        ROOT / "src" / "nncourse" / "exercises" / f"{source.short}_pictures.json": pictures(source),
    }


def main() -> int:
    for source in sources():
        for path, text in made_from(source).items():
            if not path.exists() or path.read_text("utf-8") != text:
                path.parent.mkdir(exist_ok=True, parents=True)
                path.write_text(text, "utf-8")
                print(f"made {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SourceError as error:
        sys.exit(str(error))
