"""What learners handed in: notebooks in folders and zip files, found without trusting any of them.

Links are not followed, nothing is unpacked to the disk, and never more is read than a notebook may be
large. What is refused or not understood is named, so that nobody's work is missed in silence.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath

from nncourse.exercises import catalogue
from nncourse.grading.notebooks import MOST_BYTES, NotANotebook

MOST_ENTRIES = 100_000
MOST_OPEN = 8  # archives at a time
LONGEST_NAME = 100
_EXERCISE = re.compile(r"ex\d\d(?!\d)")
_ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".tgz", ".gz")
_SKIPPED = ("__MACOSX", ".ipynb_checkpoints")


OpenArchive = Callable[[Path], zipfile.ZipFile]


class SubmissionsError(Exception):
    """A place that was named cannot be read; the message is for the teacher."""


@dataclass(frozen=True)
class HandedIn:
    """One notebook of one learner.

    Attributes
    ----------
    learner : str
        Who handed it in: the name of its folder, or of its file before two underscores.
    exercise : str
        The name of the exercise, as in the catalogue.
    file : str
        Where it is.
    changed : float
        When it was last changed, to tell which of two is newer.
    in_own_folder : bool
        Whether its folder names the learner. A file's name may be the learner's own choice, and so may
        name somebody else; the folder is the teacher's.
    read : Callable
        Returns the bytes; raises `NotANotebook` where that is not possible.
    """

    learner: str
    exercise: str
    file: str
    changed: float
    in_own_folder: bool
    read: Callable[[], bytes]


@dataclass
class Pile:
    """All that was handed in, one notebook for each learner and exercise, and what was left aside."""

    notebooks: dict[tuple[str, str], HandedIn] = field(default_factory=dict)
    aside: list[str] = field(default_factory=list)

    def add(self, path: PurePosixPath, file: str, changed: float, read: Callable[[], bytes]) -> None:
        """Take a notebook, unless a newer one of the same learner is there."""
        named = learner_and_exercise(path)
        if named is None:
            if ".ipynb" in path.name.lower():
                self.aside.append(f"{file}: no learner and exercise in its name")
            elif path.suffix.lower() in _ARCHIVES:
                self.aside.append(f"{file}: an archive inside another place is not opened, name it yourself")
            return
        found = HandedIn(*named, file, changed, _clean(path.parent.name) == named[0], read)
        other = self.notebooks.setdefault(named, found)
        if other is found:
            return
        found_counts = (found.in_own_folder, found.changed) >= (other.in_own_folder, other.changed)
        counts, left = (found, other) if found_counts else (other, found)
        self.notebooks[named] = counts
        why = (
            "older than" if counts.in_own_folder == left.in_own_folder else "not in the learner's folder like"
        )
        self.aside.append(f"{left.file}: {why} {counts.file}, which counts")


def learner_and_exercise(path: PurePosixPath) -> tuple[str, str] | None:
    """Read `ada/ex05_gradient_descent.ipynb` or `ada__ex05_gradient_descent.ipynb`."""
    if path.suffix != ".ipynb":
        return None
    learner, separator, stem = path.stem.rpartition("__")
    if not separator or not _EXERCISE.match(stem):
        learner, stem = path.parent.name, path.stem
    match = _EXERCISE.match(stem)
    learner = _clean(learner)
    if match is None or match[0] not in catalogue.names() or not learner:
        return None
    return learner, catalogue.exercise(match[0]).name


def _clean(learner: str) -> str:
    """Return a name in one way of writing it, without characters that nobody sees."""
    printable = "".join(c for c in unicodedata.normalize("NFC", learner) if c.isprintable())
    return printable.strip()[:LONGEST_NAME]


def collect(places: Iterable[Path]) -> Pile:
    """Look through folders, zip files and notebooks.

    Raises
    ------
    SubmissionsError
        If a place is not there, or is none of these.
    """
    pile = Pile()
    open_archive = lru_cache(MOST_OPEN)(zipfile.ZipFile)  # one that falls out of it is closed
    for place in places:
        if place.is_dir():
            _from_folder(place, pile)
        elif place.suffix == ".ipynb" and place.is_file():
            path = place.absolute()
            pile.add(PurePosixPath(path), str(place), path.stat().st_mtime, partial(_read, path))
        elif zipfile.is_zipfile(place):
            _from_zip(place, pile, open_archive)
        else:
            raise SubmissionsError(f"{place} is no folder, no zip file and no notebook.")
    return pile


def _from_folder(root: Path, pile: Pile) -> None:
    def name_error(error: OSError) -> None:
        pile.aside.append(f"{error.filename}: cannot be read ({error.strerror})")

    for folder, folders, files in os.walk(root, onerror=name_error):
        here = Path(folder)
        for name in [name for name in folders if (here / name).is_symlink()]:
            pile.aside.append(f"{here / name}: a link, not followed")
        folders[:] = sorted(name for name in folders if name not in _SKIPPED)
        for name in sorted(files):
            path = here / name
            status = path.lstat()
            if stat.S_ISREG(status.st_mode):
                inside = PurePosixPath(root.resolve().name) / path.relative_to(root).as_posix()
                pile.add(inside, str(path), status.st_mtime, partial(_read, path))
            elif path.suffix == ".ipynb":
                kind = "a link, not followed" if stat.S_ISLNK(status.st_mode) else "not a plain file"
                pile.aside.append(f"{path}: {kind}")


def _read(path: Path) -> bytes:
    """Read a plain file, and only so far that its size can be judged."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise NotANotebook(f"The file cannot be read ({error.strerror}).") from None
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotANotebook("The file is not a plain file.")
        return file.read(MOST_BYTES + 1)


def _from_zip(place: Path, pile: Pile, open_archive: OpenArchive) -> None:
    try:
        archive = open_archive(place)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise SubmissionsError(f"{place} is not a zip file that can be read: {error}") from None
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        raise SubmissionsError(f"{place} holds more than {MOST_ENTRIES} files.")
    for entry in entries:
        path, file = PurePosixPath(entry.filename.replace("\\", "/")), f"{place}: {entry.filename}"
        if entry.is_dir() or any(part in _SKIPPED for part in path.parts):
            continue
        if path.is_absolute() or ".." in path.parts or ":" in "".join(path.parts[:1]):
            pile.aside.append(f"{file}: leads out of the archive")
        elif stat.S_ISLNK(entry.external_attr >> 16):
            pile.aside.append(f"{file}: a link, not followed")
        elif entry.flag_bits & 1:
            pile.aside.append(f"{file}: needs a password")
        elif entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            pile.aside.append(f"{file}: compressed in an unusual way")
        else:
            try:
                changed = datetime(*entry.date_time).timestamp()
            except (ValueError, OverflowError):  # no such day
                changed = 0.0
            pile.add(path, file, changed, partial(_unzip, open_archive, place, entry))


def _unzip(open_archive: OpenArchive, place: Path, entry: zipfile.ZipInfo) -> bytes:
    """Unpack one notebook in memory, whatever its entry says about its size, and only so far."""
    try:
        with open_archive(place).open(entry) as file:
            return file.read(MOST_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, ValueError) as error:
        raise NotANotebook(f"The file is damaged inside its archive ({error}).") from None
