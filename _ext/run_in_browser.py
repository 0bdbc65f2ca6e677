"""The button that opens a notebook of the book in the browser's own Jupyter, `tools/browser_notebooks.py`.

Its link is relative, so it works wherever the book is put. There is none while that Jupyter is not there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config

LITE = "lite"  # in the built book, made by tools/browser_notebooks.py
APP = f"{LITE}/notebooks/index.html"


def look(app: Sphinx, config: Config) -> None:
    config.runs_in_browser = (Path(app.outdir) / APP).exists()
    if config.runs_in_browser:
        app.tags.add("browser")  # for {only} in pages


def add_button(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    if doctree is None or not app.config.runs_in_browser:
        return
    if app.env.doc2path(pagename, False).endswith(".ipynb"):
        button = {
            "type": "link",
            "url": f"{context['pathto'](APP, 1)}?path={pagename}.ipynb",
            "icon": "fas fa-play",
            "text": "Notebook",
            "tooltip": "Open this page as a notebook that runs in the browser",
            "label": "run-in-browser",
        }
        context["header_buttons"].insert(0, button)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("runs_in_browser", False, "env")
    app.connect("config-inited", look)
    app.connect("html-page-context", add_button, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
