"""The code cells of a notebook that somebody handed in, whatever the file turns out to be.

Nothing here runs, parses or trusts the code that it finds, and no Jupyter is needed. What cannot be read
at all is refused with one sentence for the learner; what can be read in part is read in part.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

MOST_BYTES = 10 << 20
MOST_CELLS = 2000


class NotANotebook(Exception):
    """The file cannot be read as a Python notebook; the message is for the learner."""


@dataclass(frozen=True)
class Cell:
    """A code cell: its number among the code cells, from 1, and what stands in it."""

    number: int
    source: str


@dataclass
class Reading:
    """What was found in a notebook, and a line for the learner on each thing that looked wrong."""

    cells: list[Cell] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_notebook(data: bytes) -> Reading:
    """Return the code cells of a notebook.

    Raises
    ------
    NotANotebook
        If there is nothing to run.
    """
    reading = Reading()
    for number, source in enumerate(_sources(_parse(data), reading.notes), start=1):
        reading.cells.append(Cell(number, source))
    if not reading.cells:
        raise NotANotebook("The notebook holds no code.")
    return reading


def _parse(data: bytes) -> dict[str, Any]:
    if len(data) > MOST_BYTES:
        size = f"{len(data) / (1 << 20):.0f} MB"
        raise NotANotebook(f"The file is too large ({size}). Clear its outputs and hand it in again.")
    if not data.strip():
        raise NotANotebook("The file is empty.")
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise NotANotebook("The file is not a notebook: it does not even hold text.") from None
    except json.JSONDecodeError as error:
        cut = error.pos >= len(error.doc.rstrip()) - 1 or error.msg.startswith("Unterminated")
        raise NotANotebook(
            "The notebook is cut off: its end is missing."
            if cut and error.doc.lstrip().startswith("{")
            else f"The file is not a notebook: it is no JSON from line {error.lineno} on."
        ) from None
    except (ValueError, RecursionError):
        raise NotANotebook("The file is not a notebook.") from None
    if isinstance(notebook, dict) and "worksheets" in notebook:
        raise NotANotebook("The notebook has an old format. Open and save it in a current Jupyter.")
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise NotANotebook("The file is not a notebook: it has no cells.")
    language = _language(notebook)
    if not language.lower().startswith(("python", "ipython")):
        raise NotANotebook(f"The notebook was saved for {language[:40]}, not for Python: change its kernel.")
    if len(notebook["cells"]) > MOST_CELLS:
        raise NotANotebook(f"The notebook has more than {MOST_CELLS} cells.")
    return notebook


def _language(notebook: dict[str, Any]) -> str:
    """Return the language that the metadata name, which may have been stripped or broken."""
    metadata = notebook.get("metadata")
    for part, key in (("language_info", "name"), ("kernelspec", "language")):
        section = metadata.get(part) if isinstance(metadata, dict) else None
        language = section.get(key) if isinstance(section, dict) else None
        if isinstance(language, str) and language:
            return language
    return "python"


def _sources(notebook: dict[str, Any], notes: list[str]) -> list[str]:
    sources: list[str] = []
    for cell in notebook["cells"]:
        if not isinstance(cell, dict) or not isinstance(cell.get("cell_type"), str):
            notes.append("A cell of the notebook is damaged and was left out.")
            continue
        if cell["cell_type"] != "code":
            continue
        source = cell.get("source", "")
        if isinstance(source, list) and all(isinstance(line, str) for line in source):
            source = "".join(source)
        if not isinstance(source, str):
            notes.append(f"Code cell {len(sources) + 1} is damaged and was left out.")
            source = ""
        sources.append(source.replace("\r\n", "\n"))
    return sources
