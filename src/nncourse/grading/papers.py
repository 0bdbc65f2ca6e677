"""The exercises as the judge sees them: visible checks from the package, hidden ones from a folder."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nncourse
from nncourse.exercises import catalogue
from nncourse.exercises.checking import read_checks
from nncourse.grading.judge import Paper
from nncourse.grading.sandbox import Limits

_PACKAGE = Path(nncourse.__file__).parent


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
        digest = hashlib.sha256(repr((self, limits, unsafe)).encode())
        exercise = catalogue.exercise(self.name).name.partition("_")[0]
        for path in [
            _PACKAGE / "exercises" / f"{exercise}.py",
            _PACKAGE / "exercises" / f"{exercise}.json",
            _PACKAGE / "exercises" / "checking.py",
            *(
                _PACKAGE / "grading" / f"{part}.py"
                for part in ("answers", "cells", "judge", "notebooks", "values", "worker")
            ),
        ]:
            digest.update(path.read_bytes())
        return digest.hexdigest()


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
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hidden.py"
        path.write_text(recipe.hidden, "utf-8")
        try:
            checks = read_checks(path)
        except Exception as error:
            raise PaperError(f"the hidden checks of {recipe.name} do not run: {error}") from error
    return Paper(catalogue.exercise(recipe.name), {question: checks[question] for question in checks})
