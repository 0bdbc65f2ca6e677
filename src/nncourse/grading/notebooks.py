"""The code cells of a notebook that somebody handed in, whatever the file turns out to be.

Nothing here runs or trusts what it reads, and no Jupyter is needed. What cannot be read at all is
refused with one sentence for the learner; what can be read in part is read in part.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

MOST_BYTES = 10 << 20
MOST_CELLS = 2000
_OTHER_LANGUAGE = re.compile(r"%%(?!time|capture|timeit|prun)\w")
_MAGIC = re.compile(r"^(\s*)([%!?].*|[\w.]+\?{1,2}\s*)$")
_ASSIGNED = re.compile(r"^(\s*[\w, ]+=\s*)[%!].*$")


class NotANotebook(Exception):
    """The file cannot be read as a Python notebook; the message is for the learner."""


@dataclass(frozen=True)
class Cell:
    """A code cell: its number among the code cells, from 1, and Python that IPython need not read."""

    number: int
    source: str


@dataclass
class Reading:
    """What was found in a notebook, and a line for the learner on each thing that looked wrong."""

    cells: list[Cell] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_notebook(data: bytes, asked: Collection[str] = ()) -> Reading:
    """Return the code cells of a notebook, without stubs that would undo an answer.

    Parameters
    ----------
    data : bytes
        The file, as it was handed in.
    asked : Collection[str]
        The names that the exercise asks for.

    Raises
    ------
    NotANotebook
        If there is nothing to run.
    """
    reading = Reading()
    for number, source in enumerate(_sources(_parse(data), reading.notes), start=1):
        reading.cells.append(Cell(number, _without_magics(source)))
    if not reading.cells:
        raise NotANotebook("The notebook holds no code.")
    _choose_among_duplicates(reading, asked)
    return reading


def _parse(data: bytes) -> dict[str, Any]:
    if len(data) > MOST_BYTES:
        size = f"{len(data) / (1 << 20):.0f} MB"
        raise NotANotebook(f"The file is too large ({size}). Clear its outputs and hand it in again.")
    if not data.strip():
        raise NotANotebook("The file is empty.")
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise NotANotebook("The file is not a notebook: it does not even hold text.") from None
    except json.JSONDecodeError as error:
        cut = error.pos >= len(error.doc.rstrip()) - 1 or error.msg.startswith("Unterminated")
        raise NotANotebook(
            "The notebook is cut off: its end is missing."
            if cut and error.doc.lstrip().startswith("{")
            else f"The file is not a notebook: it is no JSON from line {error.lineno} on."
        ) from None
    except (ValueError, RecursionError):
        raise NotANotebook("The file is not a notebook.") from None
    if isinstance(notebook, dict) and "worksheets" in notebook:
        raise NotANotebook("The notebook has an old format. Open and save it in a current Jupyter.")
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise NotANotebook("The file is not a notebook: it has no cells.")
    language = _language(notebook)
    if not language.lower().startswith(("python", "ipython")):
        raise NotANotebook(f"The notebook was saved for {language[:40]}, not for Python: change its kernel.")
    if len(notebook["cells"]) > MOST_CELLS:
        raise NotANotebook(f"The notebook has more than {MOST_CELLS} cells.")
    return notebook


def _language(notebook: dict[str, Any]) -> str:
    """Return the language that the metadata name, which may have been stripped or broken."""
    metadata = notebook.get("metadata")
    for part, key in (("language_info", "name"), ("kernelspec", "language")):
        section = metadata.get(part) if isinstance(metadata, dict) else None
        language = section.get(key) if isinstance(section, dict) else None
        if isinstance(language, str) and language:
            return language
    return "python"


def _sources(notebook: dict[str, Any], notes: list[str]) -> list[str]:
    sources: list[str] = []
    for cell in notebook["cells"]:
        if not isinstance(cell, dict) or not isinstance(cell.get("cell_type"), str):
            notes.append("A cell of the notebook is damaged and was left out.")
            continue
        if cell["cell_type"] != "code":
            continue
        source = cell.get("source", "")
        if isinstance(source, list) and all(isinstance(line, str) for line in source):
            source = "".join(source)
        if not isinstance(source, str):
            notes.append(f"Code cell {len(sources) + 1} is damaged and was left out.")
            source = ""
        sources.append(source.replace("\r\n", "\n"))
    return sources


def _without_magics(source: str) -> str:
    """Take out what only IPython understands, and keep every line at its place.

    A cell that is Python already stays as it is: its % is the remainder, its ! in a text.
    """
    if _tree(source) is not None:
        return source
    lines = source.split("\n")
    first = next((line.strip() for line in lines if line.strip()), "")
    if _OTHER_LANGUAGE.match(first):
        return ""
    lines = [_MAGIC.sub(r"\1pass", _ASSIGNED.sub(r"\1None", line)) for line in lines]
    return "\n".join(lines)


def _tree(source: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SyntaxWarning: the learner's affair
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _choose_among_duplicates(reading: Reading, asked: Collection[str]) -> None:
    """Let an answer count although its stub, or a copy of the stub, stands further down.

    In a notebook with cells twice or in another order, a stub would otherwise replace the answer.
    """
    places: dict[str, list[int]] = {}
    answered: set[str] = set()
    stubs: dict[int, set[str]] = {}
    for cell in reading.cells:
        tree = _tree(cell.source)
        defined = {name: node for node in (tree.body if tree else ()) for name in _names(node)}
        for name in defined.keys() & set(asked):
            places.setdefault(name, []).append(cell.number)
        bare = {name for name, node in defined.items() if _is_stub(node)}
        answered |= defined.keys() - bare
        if bare and bare == defined.keys():
            stubs[cell.number] = bare
    undone = {number for number, names in stubs.items() if names <= answered}
    reading.cells = [cell for cell in reading.cells if cell.number not in undone]
    for name in sorted(places):
        counting = [number for number in places[name] if number not in undone]
        if len(counting) > 1:
            cells = ", ".join(map(str, counting[:-1]))
            reading.notes.append(
                f"{name} is defined in code cells {cells} and {counting[-1]}: the last counts."
            )


def _names(node: ast.stmt) -> list[str]:
    """Return the names that a statement defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [
        part.id for target in targets if target for part in ast.walk(target) if isinstance(part, ast.Name)
    ]


def _is_stub(node: ast.stmt) -> bool:
    """Whether a definition only raises NotImplementedError, or is a class of which a method does."""
    if isinstance(node, ast.ClassDef):
        return any(_is_stub(part) for part in node.body)
    if not isinstance(node, ast.FunctionDef):
        return False
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    return len(body) == 1 and isinstance(body[0], ast.Raise) and "NotImplementedError" in ast.dump(body[0])
