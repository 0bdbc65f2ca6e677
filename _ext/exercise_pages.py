"""How the book leads to its exercises, and whether it gives their solutions.

A chapter ends with a link to its exercise, an exercise with one to its solutions. The pages under
``exercises/solutions`` say what they have to say only while ``exercise_solutions`` in ``_config.yml``
is true; a teacher who sets marked homework turns it off and builds.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

from nncourse.exercises import catalogue

CHAPTER = re.compile(r"chapters/(\d\d)_")
SOLUTIONS = "exercises/solutions/"
WITHHELD = "\n\nThis edition of the book is published without the solutions. Ask your teacher for them.\n"


def lead_on(app: Sphinx, doctree: nodes.document) -> None:
    """Add a link at the end: of a chapter to its exercise, of an exercise to its solutions, if given."""
    docname = app.env.docname
    if chapter := CHAPTER.match(docname):
        short = f"ex{chapter[1]}"
        page = next((name for name in app.env.found_docs if name.startswith(f"exercises/{short}_")), None)
        if page is not None:
            count = len(catalogue.exercise(short).questions)
            text = nodes.Text(f" asks {count} questions on this chapter, and looks at each answer at once.")
            add_box(doctree, docname, "Now you", page, f"Exercise {int(chapter[1])}", text)
    elif docname.startswith("exercises/ex"):
        page = SOLUTIONS + docname.removeprefix("exercises/")
        if page in app.env.found_docs and app.config.exercise_solutions:
            click = nodes.inline("", ", each behind a click", classes=["screen-only"])  # not in the PDF
            text = nodes.Text(" explain every question"), click, nodes.Text(".")
            add_box(doctree, docname, "When you have tried", page, "The solutions", *text)


def add_box(
    doctree: nodes.document, docname: str, title: str, page: str, name: str, *text: nodes.Node
) -> None:
    link = addnodes.pending_xref(
        "",
        nodes.inline("", name),
        refdomain="std",
        reftype="doc",
        refexplicit=True,
        reftarget=f"/{page}",
        refdoc=docname,
        refwarn=True,
    )
    paragraph = nodes.paragraph("", "", link, *text)
    box = nodes.admonition("", nodes.title("", title), paragraph, classes=["tip", "lead-on"])
    sections = list(doctree.findall(nodes.section))
    (sections[-1] if sections else doctree).append(box)


def withhold_solutions(app: Sphinx, docname: str, source: list[str]) -> None:
    """Leave the title of a page of solutions, and nothing else, where they are turned off."""
    if docname.startswith(SOLUTIONS) and not app.config.exercise_solutions:
        source[0] = without_solutions(source[0])


def without_solutions(text: str) -> str:
    return text.partition("\n")[0] + WITHHELD


def withhold_sources(app: Sphinx, exception: Exception | None) -> None:
    """Do the same to the copies of the sources that Sphinx puts beside the pages."""
    if exception is None and not app.config.exercise_solutions:
        for path in (Path(app.outdir) / "_sources" / SOLUTIONS).glob("*"):
            path.write_text(without_solutions(path.read_text("utf-8")), "utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("exercise_solutions", True, "env", [bool])
    app.connect("doctree-read", lead_on)
    app.connect("source-read", withhold_solutions)
    app.connect("build-finished", withhold_sources)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
