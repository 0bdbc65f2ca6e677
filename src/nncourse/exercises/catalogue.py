"""Which exercises there are.

Of each, a module of this package holds the visible checks, `ex05.py`, and a file that
tools/exercises.py makes says what its questions are, `ex05.json`.
"""

from __future__ import annotations

import importlib
import json
import re
from functools import cache
from pathlib import Path

from nncourse.exercises.checking import Exercise, Question


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
    checks = importlib.import_module(f"nncourse.exercises.{short}").checks
    facts = json.loads(Path(__file__).with_name(f"{short}.json").read_text("utf-8"))
    return Exercise(
        facts["name"],
        facts["title"],
        tuple(
            Question(q["name"], q["title"], q["points"], tuple(q["asks"]), checks[q["name"]], q["outcome"])
            for q in facts["questions"]
        ),
    )
