"""The exercises as the judge sees them: visible checks from the package, hidden ones from a folder."""

from __future__ import annotations

import hashlib
import platform
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

import nncourse
from nncourse.exercises import catalogue
from nncourse.exercises.checking import read_checks
from nncourse.grading.judge import Paper
from nncourse.grading.sandbox import Limits

_PACKAGE = Path(nncourse.__file__).parent
# How submissions come in and go round, and what is written about marks, changes no mark.
_AROUND_MARKS = frozenset(
    ("batch", "cluster", "feedback", "gradebook", "handed_in", "lms", "pages", "release", "report", "words")
)


class PaperError(Exception):
    """An exercise cannot be marked with these checks; the message is for the teacher."""


def checks_of_the_repository() -> Path | None:
    """Return the folder of sources in a clone of the course; an installed package has none."""
    folder = _PACKAGE.parents[1] / "exercises" / "source"
    return folder if folder.is_dir() else None


@dataclass(frozen=True)
class Recipe:
    """All that it takes to make a paper, as text: it can travel to another machine.

    Attributes
    ----------
    name : str
        The name of the exercise's notebook.
    hidden : str
        The source of its hidden checks.
    """

    name: str
    hidden: str

    def fingerprint(self, limits: Limits, unsafe: bool) -> str:
        """Return what marks depend on beside the notebook; when it changes, they are made again."""
        versions = (platform.python_version(), np.__version__)
        digest = hashlib.sha256(repr((self, limits, unsafe, versions)).encode())
        for path in files_behind_marks(catalogue.exercise(self.name).short):
            digest.update(path.read_bytes())
        return digest.hexdigest()


def files_behind_marks(exercise: str) -> list[Path]:
    """Return what of this package a mark depends on: the judge, an exercise's checks, the library."""
    library = {path for path in _PACKAGE.glob("*.py") if path.stem != "__main__"}
    judge = {path for path in (_PACKAGE / "grading").glob("*.py") if path.stem not in _AROUND_MARKS}
    checks = {
        path
        for path in (_PACKAGE / "exercises").glob("*.*")
        if path.stem == exercise or not re.match(r"ex\d\d", path.stem)
    }
    return sorted(library | judge | checks | {_PACKAGE / "digits" / "digits.npz"})


def read_recipe(name: str, folder: Path) -> Recipe:
    """Read the hidden checks of an exercise.

    Raises
    ------
    PaperError
        If the folder has none, or they do not fit the exercise.
    """
    exercise = catalogue.exercise(name)
    path = folder / exercise.name / "hidden.py"
    try:
        recipe = Recipe(exercise.name, path.read_text("utf-8"))
    except OSError as error:
        raise PaperError(f"no hidden checks for {exercise.name}: {error}") from None
    paper = make_paper(recipe)
    unknown = set(paper.hidden) - {question.name for question in exercise.questions}
    if unknown:
        raise PaperError(f"{path} has checks for {sorted(unknown)}, which {exercise.name} does not ask.")
    return recipe


@cache
def make_paper(recipe: Recipe) -> Paper:
    """Return the exercise with its hidden checks.

    Raises
    ------
    PaperError
        If the source of the checks does not run.
    """
    try:
        checks = read_checks(recipe.hidden)
    except Exception as error:
        raise PaperError(f"the hidden checks of {recipe.name} do not run: {error}") from error
    return Paper(catalogue.exercise(recipe.name), {question: checks[question] for question in checks})
