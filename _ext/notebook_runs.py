"""How the book runs its notebooks: when to run them again, and what makes a run fail.

Jupyter Book keeps the outputs of a notebook until the notebook itself changes. It does not see the
library that the notebook calls, nor the scripts that draw its figures. Here both become part of the
configuration, which Sphinx does watch:

- a change of code or data in ``src/`` moves the cache of outputs, so every notebook runs again;
- a change of a script or style sheet in ``src/``, or of anything in ``_ext/``, ``_static/`` and
  ``_templates/``, makes the pages again from the same outputs.

After each run a cell that failed, took too long, or shows a plain ipywidget is an error that names
the notebook and the cell.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat
from docutils import nodes
from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util import logging

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"

SEEN_BY_CELLS = (".json", ".npz", ".py", ".toml")
SEEN_IN_PAGES = (".css", ".html", ".js", ".png", ".py", ".svg")

log = logging.getLogger(__name__)


def digest(paths: Iterable[Path]) -> str:
    """One short name for the contents of files (their names count too)."""
    total = hashlib.sha256()
    for path in sorted(paths):
        total.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()[:16]


def watch_sources(app: Sphinx, config: Config) -> None:
    book = Path(app.srcdir)
    caches = Path(app.outdir).parent / ".jupyter_cache"
    current = caches / digest(p for p in (book / "src").rglob("*") if p.suffix in SEEN_BY_CELLS)
    config.nb_execution_cache_path = str(current)
    config.page_sources = digest(
        path
        for folder in ("src", "_ext", "_static", "_templates")
        for path in (book / folder).rglob("*")
        if path.suffix in SEEN_IN_PAGES and not (folder == "src" and path.suffix == ".py")
    )
    for outdated in caches.glob("*"):
        if outdated != current:
            shutil.rmtree(outdated, ignore_errors=True)


def check_run(app: Sphinx, doctree: nodes.document) -> None:
    docname = app.env.docname
    path = Path(app.outdir).parent / "jupyter_execute" / f"{docname}.ipynb"
    run = NbMetadataCollector.get_exec_data(app.env, docname)
    if run is None or not path.exists():
        return
    cells = nbformat.read(path, as_version=4).cells
    if not run["succeeded"]:
        number = failed_cell(cells)
        reason = (run["traceback"] or "").strip().splitlines() or [run["error"]]
        if run["error"] == "CellTimeoutError":
            reason = [f"took longer than {app.config.nb_execution_timeout} seconds"]
        log.error("cell %s failed: %s", number, reason[-1], location=docname, type="notebook")
    for number, cell in enumerate(cells, start=1):
        if any(WIDGET_VIEW in output.get("data", {}) for output in cell.get("outputs", [])):
            log.error(
                "cell %d shows a plain ipywidget, which would be dead in the static page; "
                "make it an explorable",
                number,
                location=docname,
                type="notebook",
            )


def failed_cell(cells: list[Any]) -> int:
    """The number, from 1, of the cell where the run stopped."""
    code = [(number, cell) for number, cell in enumerate(cells, start=1) if cell.cell_type == "code"]
    for number, cell in code:
        if any(output.output_type == "error" for output in cell.outputs):
            return number
    # A cell that was interrupted has no error output: it is the last one that began.
    begun = [number for number, cell in code if cell.outputs or cell.execution_count]
    return begun[-1] if begun else code[0][0]


def setup(app: Sphinx) -> dict[str, Any]:
    # Kernels inherit this: a figure then knows that it is drawn for a page without a kernel.
    os.environ["NNCOURSE_HOME"] = "page"
    # The networks of the book are small. Several threads only slow them down, and they add in another
    # order, so that the last digits would depend on the machine.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    app.add_config_value("page_sources", "", "env")
    app.connect("config-inited", watch_sources)
    app.connect("doctree-read", check_run)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
