"""Cells made ready to run without IPython, and without stubs that would undo an answer.

This reads code that may be written to hurt its reader, so it runs where the code will run: inside the
sandbox, under its limits.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Collection
from typing import Any

_OTHER_LANGUAGE = re.compile(r"%%(?!time|capture|timeit|prun)\w")
_MAGIC = re.compile(r"(\s*)([%!?].*|[\w.]+\?{1,2}\s*)$")
_ASSIGNED = re.compile(r"([\w, \t]+=\s*)[%!].*$")

Cell = dict[str, Any]  # its number and its source


def prepare(
    cells: list[Cell], asked: Collection[str], announce: Callable[[int], None]
) -> tuple[list[Cell], list[str]]:
    """Return the cells that are to run, and lines for the learner on answers given more than once.

    Parameters
    ----------
    cells : list of dict
        The number and the source of each.
    asked : Collection[str]
        The names that the exercise asks for.
    announce : Callable
        Told the number of the cell that is read next.
    """
    ready = []
    for cell in cells:
        announce(cell["number"])
        ready.append({**cell, "source": _without_magics(cell["source"])})
    return _choose_among_duplicates(ready, asked)


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
    return "\n".join(_python(line) for line in lines)


def _python(line: str) -> str:
    """Put a statement that does nothing in place of a line for IPython."""
    assigned = _ASSIGNED.match(line)
    if assigned:
        return f"{assigned[1]}None"
    magic = _MAGIC.match(line)
    return f"{magic[1]}pass" if magic else line


def _tree(source: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SyntaxWarning: the learner's affair
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _choose_among_duplicates(cells: list[Cell], asked: Collection[str]) -> tuple[list[Cell], list[str]]:
    """Let an answer count although its stub, or a copy of the stub, stands further down.

    In a notebook with cells twice or in another order, a stub would otherwise replace the answer.
    """
    places: dict[str, list[int]] = {}
    answered: set[str] = set()
    stubs: dict[int, set[str]] = {}
    for cell in cells:
        tree = _tree(cell["source"])
        defined = {name: node for node in (tree.body if tree else ()) for name in _names(node)}
        for name in defined.keys() & set(asked):
            places.setdefault(name, []).append(cell["number"])
        bare = {name for name, node in defined.items() if _is_stub(node)}
        answered |= defined.keys() - bare
        if bare and bare == defined.keys():
            stubs[cell["number"]] = bare
    undone = {number for number, names in stubs.items() if names <= answered}
    notes = []
    for name in sorted(places):
        counting = [number for number in places[name] if number not in undone]
        if len(counting) > 1:
            numbers = f"{', '.join(map(str, counting[:-1]))} and {counting[-1]}"
            notes.append(f"{name} is defined in code cells {numbers}: the last counts.")
    return [cell for cell in cells if cell["number"] not in undone], notes


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
