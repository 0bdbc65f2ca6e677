"""Make the folder of Python for the browser: Pyodide, with the course among its packages.

Nobody has to install anything there: a cell that says ``import nncourse`` finds the package in Pyodide's
lock file, which loads it with all that it needs. The folder holds

- Pyodide's core, `pyodide.js`, `pyodide.asm.wasm` and so on, and its wheels of NumPy, Matplotlib and
  IPython, as they are published;
- `nncourse`, packed from this checkout, and `ipywidgets`, `anywidget` and what these need, packed from
  the environment that builds the book, so their versions are those of requirements.txt;
- the kernel of JupyterLite, `pyodide_kernel`, and empty wheels for what it would load and nobody uses;
- `pyodide-lock.json`, which lists these packages and no others.

Pyodide's own files come from the folder that PYODIDE_MIRROR names, from an earlier run, or from its
official address, and are taken only with the checksums that stand here and in Pyodide's lock file.

    python tools/browser_python.py FOLDER
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import sys
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPException
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parent.parent

VERSION = "0.27.7"  # the newest on which the kernel runs: Python 3.12, NumPy 2.0, Matplotlib 3.8
OFFICIAL = f"https://cdn.jsdelivr.net/pyodide/v{VERSION}/full/"
SECONDS = 10  # without an answer until a host counts as out of reach
LOCK = "pyodide-lock.json"
SHA256 = {
    LOCK: "9c45b916001a750f4102fc287494f3eab215909c7535c626a20db80fd6333e2c",
    "pyodide.js": "b4cb23a53aba19c221659b9fb40a2f18281d685691dc06647fb0afd0681baf98",
    "pyodide.mjs": "04c052c815abb0bf2981fa38c2dfa58e3120ee5288c956df2b2a15e301782c5f",
    "pyodide.asm.js": "6b4c90de5b7172873f04f21884d0e9d2274e305fe32116558fe3e4fbe3618d51",
    "pyodide.asm.wasm": "a50dd1843f805a0b7c45b61037ee0d7b26dfe85efe0e18ef95a34ad24e401f5f",
    "python_stdlib.zip": "16611534726e5d8ac2bd8f926410b2dcb8d6f49aa24913463533b457a2115c16",
}

# Of Pyodide's packages: these and what they need.
OF_PYODIDE = ("numpy", "matplotlib", "ipython", "micropip")
# Of this environment: what the course needs besides, and what each of them needs in a browser.
OF_ENVIRONMENT = {
    "anywidget": ("ipywidgets", "psygnal", "typing-extensions"),
    "comm": ("traitlets",),
    "ipywidgets": ("comm", "ipython", "traitlets"),
    "psygnal": (),
    "tqdm": (),
    "typing-extensions": (),
}
# Of JupyterLite's kernel, which brings them as wheels.
OF_KERNEL = {
    "ipykernel": ("comm",),
    "piplite": ("micropip",),
    "pyodide-kernel": ("comm", "ipykernel", "ipython"),
}
COURSE_NEEDS = ("anywidget", "ipywidgets", "numpy", "tqdm")
# Matplotlib is as large as all the rest, so it waits until somebody draws a picture.
DRAWS_PICTURES = "nncourse.pictures"
# The kernel loads these by name. The course does without, and the first figure is there seconds sooner.
NOT_NEEDED = ("jedi", "ssl")
# Completion asks Python's own objects then, which know more in a notebook than Jedi's guesses.
KERNEL_PATCH = ("self.Completer.use_jedi = True", "self.Completer.use_jedi = False")

# What is loaded when the kernel starts: what it would else look for on PyPI, and the course.
PRELOADED = (
    *("micropip", "piplite", "ssl", "sqlite3", "ipykernel", "comm", "pyodide_kernel", "jedi", "ipython"),
    "nncourse",
)

Package = dict[str, Any]  # an entry of the lock file


class OutOfReachError(Exception):
    """Pyodide is not to be had: no mirror, no earlier run, no internet."""


class ChecksumError(Exception):
    """A file is not the one that was published."""


@dataclass(frozen=True)
class Source:
    """Where Pyodide's files come from: a mirror, then an earlier run, then the official address."""

    mirror: Path | None
    kept: Path

    def read(self, name: str, sha256: str) -> bytes:
        """The file of this name, with this checksum."""
        for folder in (self.mirror, self.kept):
            if folder and (folder / name).is_file():
                data = (folder / name).read_bytes()
                where = str(folder / name)
                break
        else:
            data, where = self._fetch(name), OFFICIAL + name
        if hashlib.sha256(data).hexdigest() != sha256:
            raise ChecksumError(f"{where} is not the file of Pyodide {VERSION}: its checksum is another.")
        return data

    def _fetch(self, name: str) -> bytes:
        try:
            with urlopen(OFFICIAL + name, timeout=SECONDS) as answer:
                data: bytes = answer.read()
        except (OSError, HTTPException) as error:
            looked = f"neither in {self.mirror} nor" if self.mirror else "not"
            raise OutOfReachError(f"{name} is {looked} at {OFFICIAL} ({error})") from None
        self.kept.mkdir(parents=True, exist_ok=True)
        part = self.kept / f"{name}.part"
        part.write_bytes(data)
        part.replace(self.kept / name)
        return data


@dataclass(frozen=True)
class Wheel:
    """A pure wheel: its name, its version, what it needs, and its files."""

    name: str
    version: str
    depends: tuple[str, ...]
    files: Mapping[str, bytes]

    @property
    def file_name(self) -> str:
        return f"{self.name.replace('-', '_')}-{self.version}-py3-none-any.whl"

    @cached_property
    def data(self) -> bytes:
        """The wheel as a file, the same for the same contents."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for name, data in sorted(self.files.items()):
                archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED, 9)
        return packed.getvalue()

    def entry(self) -> Package:
        """What the lock file says of it."""
        modules = {name.partition("/")[0].removesuffix(".py") for name in self.files if name.endswith(".py")}
        return {
            "name": self.name,
            "version": self.version,
            "file_name": self.file_name,
            "install_dir": "site",
            "sha256": hashlib.sha256(self.data).hexdigest(),
            "package_type": "package",
            "imports": sorted(modules),
            "depends": list(self.depends),
            "unvendored_tests": False,
        }


def about(name: str, version: str) -> dict[str, bytes]:
    """The least that a wheel must say of itself."""
    folder = f"{name.replace('-', '_')}-{version}.dist-info"
    return {
        f"{folder}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{folder}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }


def empty(name: str) -> Wheel:
    return Wheel(name, "0", (), about(name, "0"))


def of_course(source: Path) -> Wheel:
    """The course's library as it stands in the checkout."""
    version = distribution("nncourse").version
    files = {
        path.relative_to(source.parent).as_posix(): path.read_bytes()
        for path in source.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    return Wheel("nncourse", version, COURSE_NEEDS, {**files, **about("nncourse", version)})


def of_environment(name: str, depends: tuple[str, ...]) -> Wheel:
    """An installed package as a wheel: its Python, without scripts and compiled copies."""
    package = distribution(name)
    files = {
        file.as_posix(): Path(str(package.locate_file(file))).read_bytes()
        for file in package.files or ()
        if ".." not in file.parts
        and file.suffix not in (".pyc", ".so", ".pyd", ".map")
        and file.name not in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "entry_points.txt")
    }
    return Wheel(name, package.version, depends, files)


def of_kernel(kernel: Distribution, name: str, depends: tuple[str, ...]) -> Wheel:
    """A wheel that JupyterLite's kernel brings."""
    start = f"{name.replace('-', '_')}-"
    (path,) = (
        Path(str(kernel.locate_file(file)))
        for file in kernel.files or ()
        if file.parent.name == "pypi" and file.name.startswith(start)
    )
    with zipfile.ZipFile(path) as archive:
        files = {member: archive.read(member) for member in archive.namelist()}
    if name == "pyodide-kernel":
        before, after = (text.encode() for text in KERNEL_PATCH)
        where = "pyodide_kernel/interpreter.py"
        assert files[where].count(before) == 1, f"{path.name} sets up completion in another way"
        files[where] = files[where].replace(before, after)
    return Wheel(name, path.name.split("-")[1], depends, files)


def with_needs(names: Iterable[str], packages: Mapping[str, Package]) -> dict[str, Package]:
    """These packages and all that they need, but what is left out of a browser."""
    found: dict[str, Package] = {}
    wanted = list(names)
    while wanted:
        name = re.sub("[-_.]+", "-", wanted.pop()).lower()
        if name not in found and name not in NOT_NEEDED:
            found[name] = packages[name]
            wanted += packages[name]["depends"]
    return found


def make(folder: Path, source: Source, library: Path) -> None:
    """Write the folder anew.

    Raises
    ------
    OutOfReachError
        If Pyodide's files are not to be had; what stands in the folder is left as it is.
    ChecksumError
        If one of them is not what was published.
    """
    core = {name: source.read(name, sha256) for name, sha256 in SHA256.items()}
    lock = json.loads(core[LOCK])
    packages = with_needs(OF_PYODIDE, lock["packages"])
    files = core | {p["file_name"]: source.read(p["file_name"], p["sha256"]) for p in packages.values()}
    packages["matplotlib"]["imports"].append(DRAWS_PICTURES)

    kernel = distribution("jupyterlite-pyodide-kernel")
    for wheel in (
        of_course(library),
        *(of_environment(name, depends) for name, depends in OF_ENVIRONMENT.items()),
        *(of_kernel(kernel, name, depends) for name, depends in OF_KERNEL.items()),
        *map(empty, NOT_NEEDED),
    ):
        packages[wheel.name] = wheel.entry()
        files[wheel.file_name] = wheel.data
    files[LOCK] = json.dumps({**lock, "packages": packages}).encode()

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)


def usual_source(build: Path) -> Source:
    """The mirror that PYODIDE_MIRROR names, if any, and what earlier runs kept in the build folder."""
    mirror = os.environ.get("PYODIDE_MIRROR")
    return Source(Path(mirror) if mirror else None, build / "pyodide" / VERSION)


if __name__ == "__main__":
    try:
        make(Path(sys.argv[1]), usual_source(ROOT / "_build"), ROOT / "src" / "nncourse")
    except (OutOfReachError, ChecksumError) as error:
        sys.exit(f"Python for the browser cannot be made: {error}")
