"""Keep every notebook in one canonical form, so that a diff shows what an author changed.

Canonical means: nbformat 4.5, every cell with an id that stays, no outputs, no execution counts, no
editor's metadata, keys in order, LF line ends. `make format` calls this; a test enforces it.

Where the book names its repository, each notebook also gets a cell that fetches the library when it
opens in Colab, which knows nothing of the course. The book does not show that cell.

    python tools/notebooks.py [FILE ...]
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nbformat
import yaml

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("chapters", "exercises")
KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
NOTEBOOK_KEYS = ("description",)  # a sentence for search engines, see _ext/book_pages.py
CELL_KEYS = ("mystnb", "tags")
FOR_COLAB = "colab"  # the id of the cell that fetches the library there
FETCH = """import sys

if "google.colab" in sys.modules:  # which does not have the library of the course
    %pip install --quiet {source}"""


def notebooks() -> list[Path]:
    """All notebooks of the course, in reading order."""
    found = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.ipynb"))
    return sorted(path for path in found if ".ipynb_checkpoints" not in path.parts)


def library(config: Path = ROOT / "_config.yml") -> str:
    """From where pip gets the library in Colab, which opens notebooks from GitHub only; else nothing."""
    repository = yaml.safe_load(config.read_text("utf-8"))["repository"]
    url = repository["url"].rstrip("/")
    return f"git+{url}@{repository['branch']}" if urlsplit(url).netloc == "github.com" else ""


def canonical(text: str, source: str = "") -> str:
    """The one right way to write down the same notebook, whose library Colab gets from ``source``."""
    notebook: Any = nbformat.reads(text, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.get("id") != FOR_COLAB]
    if source:
        tags = {"tags": ["remove-cell"]}
        fetch = nbformat.v4.new_code_cell(FETCH.format(source=source), id=FOR_COLAB, metadata=tags)
        notebook.cells.insert(1, fetch)  # below the title
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = nbformat.from_dict({**_kept(notebook.metadata, NOTEBOOK_KEYS), **KERNEL})
    seen: set[str] = set()
    for place, cell in enumerate(notebook.cells):
        if not cell.get("id") or cell.id in seen:
            # From the content, so that formatting the same file twice gives the same ids.
            cell.id = hashlib.sha256(f"{place} {cell.source}".encode()).hexdigest()[:8]
        seen.add(cell.id)
        cell.metadata = nbformat.from_dict(_kept(cell.metadata, CELL_KEYS))
        cell.source = cell.source.replace("\r\n", "\n").rstrip("\n")
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.validate(notebook)
    return str(nbformat.writes(notebook, version=4)).rstrip("\n") + "\n"


def _kept(metadata: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: metadata[key] for key in keys if key in metadata}


def main(paths: list[Path]) -> None:
    for path in paths:
        before = path.read_bytes()
        after = canonical(before.decode("utf-8"), library()).encode("utf-8")
        if after != before:
            path.write_bytes(after)
            print(f"formatted {path}")


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]] or notebooks())
