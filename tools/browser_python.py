"""Make the folder of Python for the browser: Pyodide, with the course among its packages.

Nobody has to install anything there: a cell that says ``import nncourse`` finds the package in Pyodide's
lock file, which loads it with all that it needs. The folder holds

- Pyodide's core as it is published: `pyodide.js`, `pyodide.asm.wasm`, `python_stdlib.zip` and so on;
- wheels of NumPy, Matplotlib and IPython, as published for Pyodide, without what no notebook uses;
- `nncourse`, packed from this checkout, and `ipywidgets`, `anywidget` and what these need, packed from
  the environment that builds the book, so that their versions are those of requirements.txt;
- JupyterLite's kernel, `pyodide_kernel`, and stand-ins for what it would load and the course never uses;
- `pyodide-lock.json`, which lists these packages and no others.

Pyodide's own files come from the folder that PYODIDE_MIRROR names, from an earlier run, or from their
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
from http.client import HTTPException
from importlib.metadata import distribution
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

# Of Pyodide's packages: these and what they need, but PDF fonts and time zones.
OF_PYODIDE = ("numpy", "matplotlib", "ipython", "micropip")
NOT_OF_PYODIDE = ("fonttools", "pytz")
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
COURSE_NEEDS = ("anywidget", "contourpy", "ipywidgets", "numpy")
# Packages that wait until a cell imports this. Matplotlib is as large as all that a figure needs.
WAITING = {"matplotlib": "nncourse.pictures", "tqdm": "nncourse.training"}

# The kernel loads these by name. Stand-ins save 2 MB and a second before the first figure: IPython keeps
# no history here, and completes from Python's own objects, which in a notebook know more than Jedi.
STAND_INS: dict[str, Files] = {
    "jedi": {},
    "sqlite3": {
        "sqlite3/__init__.py": b'"""Not SQLite, but what IPython asks for."""\n\n\nclass Connection: ...\n'
    },
    "ssl": {},
}
# What is other in the kernel: no Jedi, and modules are looked for in the learner's folder last, and only once
# all has started. Whether that folder has one the worker must ask the page, and wait while the page is busy.
IN_KERNEL = {
    "piplite/__init__.py": {  # imported first
        b"from .piplite": b'import sys\n\nsys.path.remove("")\n\nfrom .piplite',
    },
    "pyodide_kernel/__init__.py": {
        b"sys.stderr = stderr_stream\n": b'sys.stderr = stderr_stream\n\nsys.path.append("")\n',
    },
    "pyodide_kernel/interpreter.py": {
        b"        self.init_path()\n": b"",
        b"self.Completer.use_jedi = True": b"self.Completer.use_jedi = False",
    },
}

# What no notebook uses of a wheel: tests, headers, sample data, other homes of a widget, rare fonts, what
# makes PDF and PostScript, which needs fonttools, icons for windows, text and WebP as Pillow makes them, and
# how to colour other languages than Python.
UNUSED = re.compile(
    r"""/tests?/ | /include/ | \.(?:a|h|map|pxd|pyi)$ | \.data/ | /sphinxext/
    | ^numpy/f2py/ | ^anywidget/(?:lab|nb)extension/
    | /mpl-data/(?:images | sample_data | fonts/(?:afm | pdfcorefonts))/
    | /fonts/ttf/(?:STIX | DejaVuSerif | DejaVuSansMono- | DejaVuSans-BoldO)
    | ^matplotlib/(?:_ttconv\. | backends/(?:_backend_pdf_ps | backend_(?:pdf | pgf | ps))\.)
    | ^PIL/_(?:imagingft | webp)\.
    | ^pygments/lexers/(?!(?:__init__ | _mapping | python)\.py)
    | ^nncourse/(?:__main__ | grading/(?!__init__ | values))""",
    re.VERBOSE,
)

# Matplotlib's list of fonts came from a Mac and another version, so it would make one anew and say so under
# the reader's first plot. In ours one font stands in for each family that went: for a picture with a formula
# Matplotlib asks for all of them, and tells the reader which are not there.
FONT_LIST = "matplotlib/fontlist.json"
FONTS = "matplotlib/mpl-data"
ANY_FONT = "fonts/ttf/DejaVuSans.ttf"

# What is loaded when the kernel starts: what it would else look for on PyPI, and the course.
PRELOADED = (
    *("micropip", "piplite", "ssl", "sqlite3", "ipykernel", "comm", "pyodide_kernel", "jedi", "ipython"),
    "nncourse",
)

Files = Mapping[str, bytes]  # the contents of a wheel
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
        """The file of this name, if it has this checksum."""
        for folder in (self.mirror, self.kept):
            if folder and (folder / name).is_file():
                return checked((folder / name).read_bytes(), sha256, str(folder / name))
        data = checked(self._fetch(name), sha256, OFFICIAL + name)
        self.kept.mkdir(parents=True, exist_ok=True)
        part = self.kept / f"{name}.part"
        part.write_bytes(data)
        part.replace(self.kept / name)
        return data

    def _fetch(self, name: str) -> bytes:
        try:
            with urlopen(OFFICIAL + name, timeout=SECONDS) as answer:
                data: bytes = answer.read()
        except (OSError, HTTPException) as error:
            mirror = f"in {self.mirror} nor " if self.mirror else ""
            raise OutOfReachError(f"{name} is not {mirror}at {OFFICIAL} ({error})") from None
        return data


def usual_source(build: Path) -> Source:
    """The mirror that PYODIDE_MIRROR names, if any, and what earlier runs kept in the build folder."""
    mirror = os.environ.get("PYODIDE_MIRROR")  # from the checkout, wherever a build starts
    return Source(ROOT / mirror if mirror else None, build / "pyodide" / VERSION)


def checked(data: bytes, sha256: str, where: str) -> bytes:
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ChecksumError(f"{where} is not the file of Pyodide {VERSION}: its checksum is another.")
    return data


def unpacked(wheel: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(files: Files) -> bytes:
    """A wheel of these files without the unused ones; the same for the same files."""
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, data in sorted(files.items()):
            if not UNUSED.search(name):
                archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED, 9)
    return wheel.getvalue()


def with_its_fonts(files: Files) -> Files:
    """Matplotlib with a list of fonts that it takes; any other package as it is."""
    if FONT_LIST not in files:
        return files
    version = re.search(rb"(?m)^    __version__ = (\d+)$", files["matplotlib/font_manager.py"])
    assert version, "Matplotlib says in another way which list of fonts it takes"
    listed = json.loads(files[FONT_LIST])
    brought = [font for font in listed["ttflist"] if f"{FONTS}/{font['fname']}" in files]
    gone = {font["fname"] for font in brought if UNUSED.search(f"{FONTS}/{font['fname']}")}
    families = {font["name"] for font in brought if font["fname"] not in gone}
    fonts = [
        {**font, "fname": ANY_FONT} if font["fname"] in gone else font
        for font in brought
        if font["fname"] not in gone or font["name"] not in families
    ]
    listed |= {"_version": int(version[1]), "afmlist": [], "ttflist": fonts}
    return {**files, FONT_LIST: json.dumps(listed).encode()}


@dataclass(frozen=True)
class Wheel:
    """A package in pure Python: its name and version, what it needs, and its files."""

    name: str
    version: str
    depends: Iterable[str]
    files: Files

    @property
    def file_name(self) -> str:
        return f"{self.name.replace('-', '_')}-{self.version}-py3-none-any.whl"

    def package(self) -> Package:
        """What the lock file says of it, but the checksum."""
        modules = {name.partition("/")[0].removesuffix(".py") for name in self.files if name.endswith(".py")}
        return {
            "name": self.name,
            "version": self.version,
            "file_name": self.file_name,
            "install_dir": "site",
            "package_type": "package",
            "imports": sorted(modules),
            "depends": list(self.depends),
            "unvendored_tests": False,
        }


def newly_made(name: str, version: str, depends: Iterable[str], modules: Files) -> Wheel:
    """These modules, with the least that a wheel must say of itself."""
    about = f"{name}-{version}.dist-info"
    return Wheel(
        name,
        version,
        depends,
        {
            **modules,
            f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
            f"{about}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        },
    )


def of_course(library: Path) -> Wheel:
    """The course's library as it stands in the checkout."""
    paths = (path for path in library.rglob("*") if path.is_file() and path.suffix != ".pyc")
    modules = {path.relative_to(library.parent).as_posix(): path.read_bytes() for path in paths}
    return newly_made("nncourse", distribution("nncourse").version, COURSE_NEEDS, modules)


def of_environment(name: str, depends: Iterable[str]) -> Wheel:
    """An installed package: its Python, without scripts and what was compiled for this machine."""
    package = distribution(name)
    files = {
        file.as_posix(): Path(str(package.locate_file(file))).read_bytes()
        for file in package.files or ()
        if ".." not in file.parts and file.suffix not in (".pyc", ".so", ".pyd")
    }
    return Wheel(name, package.version, depends, files)


def of_kernel(name: str, depends: Iterable[str]) -> Wheel:
    """A wheel that JupyterLite's kernel brings."""
    kernel = distribution("jupyterlite-pyodide-kernel")
    start = f"{name.replace('-', '_')}-"
    (file,) = (f for f in kernel.files or () if f.parent.name == "pypi" and f.name.startswith(start))
    files = unpacked(Path(str(kernel.locate_file(file))).read_bytes())
    for where, changes in IN_KERNEL.items():
        for before, after in changes.items() if where in files else ():
            assert before in files[where], f"{where} of {file.name} has no {before!r} any more"
            files[where] = files[where].replace(before, after)
    return Wheel(name, file.name.split("-")[1], depends, files)


def of_pyodide(packages: Mapping[str, Package]) -> dict[str, Package]:
    """Pyodide's packages that are wanted, and all that they need."""
    found: dict[str, Package] = {}
    names = list(OF_PYODIDE)
    while names:
        name = re.sub("[-_.]+", "-", names.pop()).lower()
        if name not in (*found, *NOT_OF_PYODIDE, *STAND_INS):
            found[name] = packages[name]
            names += packages[name]["depends"]
    for package in found.values():
        package["depends"] = [name for name in package["depends"] if name not in NOT_OF_PYODIDE]
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
    files = {name: source.read(name, sha256) for name, sha256 in SHA256.items()}
    lock = json.loads(files[LOCK])
    packages = of_pyodide(lock["packages"])
    contents: dict[str, Files] = {
        name: with_its_fonts(unpacked(source.read(package["file_name"], package["sha256"])))
        for name, package in packages.items()
    }
    for wheel in (
        of_course(library),
        *(of_environment(name, depends) for name, depends in OF_ENVIRONMENT.items()),
        *(of_kernel(name, depends) for name, depends in OF_KERNEL.items()),
        *(newly_made(name, "0", (), modules) for name, modules in STAND_INS.items()),
    ):
        packages[wheel.name], contents[wheel.name] = wheel.package(), wheel.files
    for name, package in packages.items():
        data = files[package["file_name"]] = packed(contents[name])
        package["sha256"] = hashlib.sha256(data).hexdigest()
    for name, module in WAITING.items():
        packages[name]["imports"].append(module)
    files[LOCK] = json.dumps({**lock, "packages": packages}).encode()

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)


if __name__ == "__main__":
    try:
        make(Path(sys.argv[1]), usual_source(ROOT / "_build"), ROOT / "src" / "nncourse")
    except (OutOfReachError, ChecksumError) as error:
        sys.exit(f"Python for the browser cannot be made: {error}")
