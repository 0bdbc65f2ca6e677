"""Which exercises there are. Each is a module of this package, made by tools/exercises.py."""

from __future__ import annotations

import importlib
import re
from functools import cache
from pathlib import Path

from nncourse.exercises.checking import Exercise


def names() -> list[str]:
    """Return the short names of all exercises, in order: ["ex01", "ex02", ...]."""
    return sorted(path.stem for path in Path(__file__).parent.glob("ex[0-9][0-9].py"))


@cache
def exercise(name: str) -> Exercise:
    """Return an exercise by its short name, "ex05", or that of its notebook.

    Raises
    ------
    LookupError
        If there is no such exercise.
    """
    short = name.partition("_")[0]
    if not re.fullmatch(r"ex\d\d", short) or short not in names():
        raise LookupError(f"there is no exercise {name!r}, only {', '.join(names())}.")
    found = importlib.import_module(f"nncourse.exercises.{short}").EXERCISE
    assert isinstance(found, Exercise)
    return found
