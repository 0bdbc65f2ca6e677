"""Links the terms that a chapter introduces to the glossary.

A chapter sets a term in bold where it explains it. When the glossary has that term, the first bold
one of the chapter becomes a link, so that no author has to write it and none is forgotten.
"""

from __future__ import annotations

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import ReferencesResolver, SphinxPostTransform


class LinkTerms(SphinxPostTransform):
    default_priority = ReferencesResolver.default_priority - 1

    def run(self, **kwargs: object) -> None:
        if not self.env.docname.startswith("chapters/"):
            return
        objects = self.env.get_domain("std").get_objects()
        glossary = {name.lower(): name for name, _, kind, *_ in objects if kind == "term"}
        for bold in self.document.findall(nodes.strong):
            said = bold.astext().lower()
            name = glossary.pop(said, None) or glossary.pop(said.removesuffix("s"), None)
            if name:
                place = {"reftarget": name, "refdoc": self.env.docname}
                link = addnodes.pending_xref("", *bold.children, refdomain="std", reftype="term", **place)
                bold.clear()
                bold += link


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_post_transform(LinkTerms)
    return {"parallel_read_safe": True}
