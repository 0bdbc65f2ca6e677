"""The button "Run this page live", on pages made from notebooks of a book that has Python for the browser.

What it does is in `live/`, and a page loads nothing of that before the button is pressed. The scripts
stand beside `_static`, not in it: Jupyter Book would load them on every page.
"""

from __future__ import annotations

import json
import shutil
import zlib
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config

from run_in_browser import LITE

LIVE = Path(__file__).parent / "live"
PYTHON = f"{LITE}/static/pyodide"  # in the built book, made by tools/browser_python.py
SCRIPTS = ("pyodide.js", "pyodide.asm.js")
COMPRESSED = (".js", ".json", ".wasm")  # by the servers of teaching/hosting.md; wheels are it already
CORE = ("pyodide-lock.json", "pyodide.asm.wasm", "python_stdlib.zip")
FIRST = ("contourpy", "nncourse", "numpy", "traitlets")  # what live/worker.js loads at its start

BAR = """<div class="live-bar screen-only" data-live="{script}" data-python="{python}"
  data-notebook="{notebook}" data-bytes="{size}">
<button type="button">▶ Run this page live</button>
<p role="status">Edit the code and run it here: Python comes into your browser, about {megabytes} MB.</p>
</div>
"""


def bytes_to_load(folder: Path) -> int:
    """What arrives, unpacked, before the first cell can run; 0 if there is no Python for the browser."""
    return sum(path.stat().st_size for path in _fetched(folder))


def bytes_on_the_way(folder: Path) -> int:
    """What travels for that, with Pyodide's scripts, and compressed as web servers do it."""
    if not (fetched := _fetched(folder)):
        return 0
    files = {path: path.read_bytes() for path in (*fetched, *(folder / name for name in SCRIPTS))}
    return sum(len(zlib.compress(d) if p.suffix in COMPRESSED else d) for p, d in files.items())


def _fetched(folder: Path) -> list[Path]:
    """What live/worker.js fetches before the first cell can run."""
    if not (folder / CORE[0]).exists():
        return []
    packages = json.loads((folder / CORE[0]).read_text("utf-8"))["packages"]
    return [folder / name for name in (*CORE, *(packages[name]["file_name"] for name in FIRST))]


def look_for_python(app: Sphinx, config: Config) -> None:
    python = Path(app.outdir) / PYTHON
    config.live_bytes = bytes_to_load(python)
    config.live_megabytes = round(bytes_on_the_way(python) / 1e6)


def add_button(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    body = context.get("body", "")
    size = app.config.live_bytes
    if not size or '<div class="cell' not in body or not app.env.doc2path(pagename, False).endswith(".ipynb"):
        return
    link = context["pathto"]
    bar = BAR.format(
        script=link("_static/live/live.js", resource=True),
        python=link(f"{PYTHON}/", resource=True),
        notebook=link(f"_sources/{context['sourcename']}", resource=True),
        size=size,
        megabytes=app.config.live_megabytes,
    )
    context["body"] = body.replace("</h1>\n", f"</h1>\n{bar}", 1)


def copy_scripts(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html" and app.config.live_bytes:
        to = Path(app.outdir) / "_static" / "live"
        shutil.copytree(LIVE, to, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("live_bytes", 0, "html")
    app.add_config_value("live_megabytes", 0, "html")
    app.connect("config-inited", look_for_python)
    app.connect("html-page-context", add_button)
    app.connect("build-finished", copy_scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
