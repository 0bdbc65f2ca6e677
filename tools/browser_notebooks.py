"""Put the notebooks into the built book once more, with a Jupyter that runs in the browser.

`_build/html/lite` is a JupyterLite with two of its apps, a notebook and the list of files, and with the
Python of `browser_python`. There is no server behind it but the one that sends the files: what a learner
changes stays in the browser. The Markdown of the notebooks is put into the plain Markdown that Jupyter
shows by itself, because the extension that reads MyST costs seconds and cannot follow a citation.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nbformat
from pybtex.database import BibliographyData, Entry, parse_file

import browser_python
from notebooks import FOR_COLAB
from site_files import LITE

PYTHON = "static/pyodide"  # in it, see browser_python
APPS = ("notebooks", "tree")
KERNEL_EXTENSION = "@jupyterlite/pyodide-kernel-extension"
EXTENSIONS = ("@jupyter-widgets/jupyterlab-manager", KERNEL_EXTENSION, "anywidget")
KERNEL = {
    "kernelspec": {"display_name": "Python (Pyodide)", "language": "python", "name": "python"},
    "language_info": {"name": "python"},
}
SETTINGS = {
    "@jupyterlab/apputils-extension:themes": {"adaptive-theme": True},  # dark where the reader is
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "defer"},  # the whole page, to search in
}
OLD_FONTS = ("fa-*.eot", "fa-*.svg", "fa-*.ttf", "fa-*.woff")  # for browsers that could not run this
ELK = b"org.eclipse.elk"  # stands in a file of 1.5 MB that lays out diagrams in a way of its own, on request

NOTE = """\
**This notebook runs in your browser.** Nothing is installed, and nobody sees what you write. \
Shift + Enter runs a cell; *Run → Run All Cells* runs them all. The first takes some seconds, while \
Python starts.

What you change stays in this browser, on this machine, until you clear its data. The logo at the top \
left opens the list of files. There *Download* saves a notebook, to keep or to hand in; *Upload* brings it \
back; and *Delete* starts it over: open it again, and it is as it was."""

ICON = "../../_static/favicon.svg"  # of the book, from one of the apps
# Opened as a file, the page would stay empty: there a browser starts no Python.
HEAD = f"""<head>
<link rel="icon" href="{ICON}">
<script>
if (location.protocol === "file:") addEventListener("DOMContentLoaded", () => {{
  document.body.innerHTML = `<main style="max-width: 36em; margin: 3em auto; font: 1.1em/1.5 sans-serif">
    <h1>This needs a web server</h1>
    <p>Your browser runs Python only in pages that a web server sends, and this one was opened as a file.
    In a copy of the course, <code>make serve</code> serves the book; anywhere else
    <code>python3 -m http.server</code> will do, in the folder of the book. Then open the address that it
    prints.</p><p>Reading, figures and quick questions work from files too.</p></main>`;
}});
</script>"""

ADMONITION = re.compile(r"(?ms)^:::+\{admonition\} (.+?)\n+(?::class: .+?\n)?(.+?)\n:::+$")
TARGET = re.compile(r"(?m)^\([\w-]+\)=\n")
CITATION = re.compile(r"\{cite(:t)?\}`([^`]+)`")
NO_WORDS = re.compile(r"\[\]\(([\w-]+\.ipynb)\)")  # where the book puts the title
TO_A_PAGE = re.compile(r"\[([^\]]+)\]\((?!\w+:)[^)]*\.md(?:#[^)]*)?\)")  # there are only notebooks here


def make(book: Path, pages: Sequence[str]) -> None:
    """Bring the folder up to date, with the pages that are notebooks.

    A book without the library, as tests make them, has nothing to run and gets no folder.

    Raises
    ------
    browser_python.OutOfReachError
        If Pyodide is not to be had. There is no folder then.
    browser_python.ChecksumError
        If a file of Pyodide is not what was published.
    """
    site, work = book / "_build" / "html" / LITE, book / "_build" / LITE
    library = book / "src" / "nncourse"
    if not library.is_dir():
        return
    notebooks = [path for page in pages if (path := book / f"{page}.ipynb").exists()]
    stamp, goal = work / "made-from", _digest(book, library, notebooks)
    if site.exists() and stamp.exists() and stamp.read_text("utf-8") == goal:
        return
    stamp.unlink(missing_ok=True)  # first: who stops this halfway must not leave half a folder that counts
    shutil.rmtree(site, ignore_errors=True)
    shutil.rmtree(work, ignore_errors=True)
    python = work / "pyodide"
    browser_python.make(python, browser_python.usual_source(book / "_build"), library)
    _write_contents(work / "contents", book, notebooks)
    _build_site(work)
    made = work / "site"
    python.rename(made / PYTHON)
    site.parent.mkdir(parents=True, exist_ok=True)
    made.rename(site)
    stamp.write_text(goal, "utf-8")


def _digest(book: Path, library: Path, notebooks: Sequence[Path]) -> str:
    """One name for all that the folder is made from."""
    total = hashlib.sha256()
    jupyterlite = ("jupyterlite-core", "jupyterlite-pyodide-kernel")
    for name in (*jupyterlite, "nncourse", *browser_python.OF_ENVIRONMENT):
        total.update(f"{name} {version(name)}\n".encode())
    code = (Path(__file__), Path(browser_python.__file__))
    own = (path for path in library.rglob("*") if path.is_file() and path.suffix != ".pyc")
    for path in sorted({*code, *own, *notebooks, book / "references.bib"}):
        total.update(os.path.relpath(path, book).encode() + b"\0")
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def _write_contents(folder: Path, book: Path, notebooks: Sequence[Path]) -> None:
    bibliography = parse_file(str(book / "references.bib"))
    read: dict[Path, Any] = {path: nbformat.read(path, as_version=4) for path in notebooks}
    titles = {path.name: _title(notebook) for path, notebook in read.items()}
    for path, notebook in read.items():
        notebook.metadata = nbformat.from_dict(KERNEL)
        notebook.cells = [cell for cell in notebook.cells if cell.id != FOR_COLAB]
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = plain(cell.source, bibliography, titles)
        notebook.cells.insert(1, nbformat.v4.new_markdown_cell(NOTE, id="in-the-browser"))
        place = folder / path.relative_to(book)
        place.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, place)


def _title(notebook: Any) -> str:
    return str(notebook.cells[0].source.partition("\n")[0].removeprefix("# "))


def plain(text: str, bibliography: BibliographyData, titles: Mapping[str, str]) -> str:
    """MyST as the notebooks use it, in the Markdown that every Jupyter shows."""
    text = ADMONITION.sub(lambda box: _quoted(f"**{box[1]}**\n\n{box[2]}"), text)
    text = TARGET.sub("", text)
    text = NO_WORDS.sub(lambda link: f"[{titles[link[1]]}]({link[1]})", text)
    text = TO_A_PAGE.sub(r"\1", text)
    return CITATION.sub(lambda role: _cited(role[2].split(","), bibliography, in_text=bool(role[1])), text)


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def _cited(keys: Sequence[str], bibliography: BibliographyData, *, in_text: bool) -> str:
    """Authors and year of each work, linked to where it can be read."""
    works = []
    for key in keys:
        entry = bibliography.entries[key.strip()]
        who, year, place = _authors(entry), entry.fields["year"], _place(entry)
        words = f"{who} ({year})" if in_text else f"{who}, {year}"
        works.append(f"[{words}]({place})" if place else words)
    return ", ".join(works) if in_text else f"({'; '.join(works)})"


def _authors(entry: Entry) -> str:
    people = entry.persons.get("author") or entry.persons["editor"]
    names = [" ".join(map(str, [*one.rich_prelast_names, *one.rich_last_names])) for one in people]
    return f"{names[0]} et al." if len(names) > 2 else " and ".join(names)


def _place(entry: Entry) -> str:
    doi = entry.fields.get("doi")
    return f"https://doi.org/{doi}" if doi else str(entry.fields.get("url", ""))


def _build_site(work: Path) -> None:
    """Let JupyterLite write its site, then take away what no browser of today asks for."""
    extensions = Path(sys.prefix) / "share" / "jupyter" / "labextensions"
    kernel = {
        "pyodideUrl": f"./{PYTHON}/pyodide.js",
        "loadPyodideOptions": {"packages": browser_python.PRELOADED},
        "disablePyPIFallback": True,
    }
    _write(
        work / "jupyter-lite.json",
        {
            "jupyter-lite-schema-version": 0,
            "jupyter-config-data": {
                "faviconUrl": ICON,
                "litePluginSettings": {f"{KERNEL_EXTENSION}:kernel": kernel},
            },
        },
    )
    _write(work / "overrides.json", SETTINGS)
    _write(
        work / "jupyter_lite_config.json",
        {
            "LiteBuildConfig": {
                "output_dir": "site",
                "contents": ["contents"],
                "apps": APPS,
                "federated_extensions": [str(extensions / name) for name in EXTENSIONS],
                "ignore_sys_prefix": ["federated_extensions"],
                "no_sourcemaps": True,
                "no_unused_shared_packages": True,
            }
        },
    )
    command = [sys.executable, "-m", "jupyterlite_core", "build"]
    run = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    if run.returncode:
        raise RuntimeError(f"JupyterLite could not be built:\n{run.stdout[-2000:]}{run.stderr[-2000:]}")
    build = work / "site" / "build"
    unused = [font for pattern in OLD_FONTS for font in build.glob(pattern)]
    unused += [script for script in build.glob("*.js") if ELK in script.read_bytes()]
    for file in unused:
        file.unlink()
    for app in APPS:
        page = work / "site" / app / "index.html"
        html = page.read_text("utf-8")
        page.write_text(html.replace("<head>", HEAD, 1), "utf-8")


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content), "utf-8")
