"""What a teacher gives out: the learners' notebooks, in a folder or a zip file, and nothing else."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path

from nncourse.exercises import catalogue

READ_ME = """\
# Exercises

Each notebook is one exercise. Write your answers in place of the lines that raise NotImplementedError,
and run the cell below each: it looks at your answer. What you need is Python 3.11 or newer, JupyterLab and
the course's package, nncourse. Your teacher says where to get it; in a copy of the course this installs both:

    pip install . jupyterlab

Hand the notebook in under its own name. What counts is what the judge finds, which looks at more than
the checks in the notebook.
"""
_ANY_TIME = (1980, 1, 1, 0, 0, 0)


class ReleaseError(Exception):
    """The exercises cannot be given out; the message says why."""


def release(names: Iterable[str], source: Path, target: Path) -> list[str]:
    """Write the notebooks of these exercises to a folder, or to a file that ends in .zip.

    The same exercises give the same bytes, so that two releases can be compared.

    Raises
    ------
    ReleaseError
        If there is no notebook for a name, or the target is there already.
    """
    files = {"README.md": READ_ME.encode()}
    for name in names:
        try:
            exercise = catalogue.exercise(name)
            files[f"{exercise.name}.ipynb"] = (source / f"{exercise.name}.ipynb").read_bytes()
        except (LookupError, OSError) as error:
            raise ReleaseError(str(error)) from None
    if target.exists() and (target.is_file() or any(target.iterdir())):
        raise ReleaseError(f"{target} is there already: name another place, or remove it.")
    if target.suffix == ".zip":
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(zipfile.ZipInfo(f"{target.stem}/{name}", _ANY_TIME), data)
    else:
        target.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (target / name).write_bytes(data)
    return list(files)
