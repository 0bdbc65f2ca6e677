"""Long pages: what is far below the first screen is laid out after it, so that the reader waits for less.

Paragraphs and displayed formulas below the tallest window are marked. While the page loads the browser skips
the marked ones that are far away (_static/book.css); once it is there, a script lays them out piece by piece
(_static/book.js). A page that opens somewhere in its middle is laid out at once, or its place could move.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

FIRST_SCREEN = 3500  # characters; with headings and figures between, more than 2000 pixels
MARK = "later"
ONLY_ON_ARRIVAL = """
<script>
if (performance.getEntriesByType("navigation")[0]?.type === "navigate" && !location.hash)
  document.documentElement.classList.add("arriving");
</script>
"""


class MarkLater(SphinxPostTransform):
    default_priority = 950
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        above = 0
        for part in self.document.findall(_is_text):
            if above > FIRST_SCREEN:
                part["classes"].append(MARK)
            above += len(part.astext())


def _is_text(node: nodes.Node) -> bool:
    return isinstance(node, (nodes.paragraph, nodes.math_block)) and isinstance(node.parent, nodes.section)


def add_script(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    if doctree is not None and any(MARK in part["classes"] for part in doctree.findall(_is_text)):
        context["metatags"] = (context.get("metatags") or "") + ONLY_ON_ARRIVAL


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_post_transform(MarkLater)
    app.connect("html-page-context", add_script)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
