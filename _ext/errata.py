"""Collects every box "Where the note is loose" on one page, so that the page cannot drift from them.

``{errata}`` stands for one section for each chapter that has such boxes, and under it each box, with
a link to the place where the chapter treats the point and shows it in code.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import ReferencesResolver, SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

TITLE = "Where the note is loose"


class Placeholder(nodes.General, nodes.Element):
    """Where the collection goes once all chapters are read."""


class Errata(SphinxDirective):
    def run(self) -> list[nodes.Node]:
        return [Placeholder()]


def boxes(chapter: nodes.document) -> Iterator[tuple[nodes.section, nodes.admonition]]:
    """Yield each box of a chapter with the section that it stands in."""
    for box in chapter.findall(nodes.admonition):
        if box[0].astext() == TITLE:
            section = box.parent
            while not isinstance(section, nodes.section):
                section = section.parent
            yield section, box


class Collect(SphinxPostTransform):
    """Fill the page before references are resolved, so that those in the boxes are too."""

    default_priority = ReferencesResolver.default_priority - 1

    def run(self, **kwargs: Any) -> None:
        for place in list(self.document.findall(Placeholder)):
            place.replace_self([section for name in self.chapters() if (section := self.section(name))])

    def chapters(self) -> list[str]:
        return self.env.toctree_includes[self.config.root_doc]

    def section(self, chapter: str) -> nodes.section | None:
        """One section with the boxes of a chapter, if it has any."""
        tree = self.env.get_doctree(chapter)
        entries = [self.entry(chapter, i, *found) for i, found in enumerate(boxes(tree), 1)]
        if not entries:
            return None
        title = self.env.titles[chapter].astext()
        return nodes.section("", nodes.title("", title), *entries, ids=[nodes.make_id(title)])

    def entry(
        self, chapter: str, number: int, section: nodes.section, box: nodes.admonition
    ) -> nodes.section:
        """The content of a box, under a link to its section."""
        page = self.env.docname
        address = f"{self.app.builder.get_relative_uri(page, chapter)}#{section['ids'][0]}"
        link = nodes.reference("", section[0].astext(), refuri=address, internal=True)
        content = [child.deepcopy() for child in box.children[1:]]
        for reference in itertools.chain(*(child.findall(addnodes.pending_xref) for child in content)):
            reference["refdoc"] = page
        name = nodes.make_id(f"{chapter}-{section['ids'][0]}-{number}")
        return nodes.section("", nodes.title("", "", link), *content, ids=[name])


def rewrite(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """The page follows the chapters, so it is written in every build."""
    return [page for page in env.all_docs if any(env.get_doctree(page).findall(Placeholder))]


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_node(Placeholder)
    app.add_directive("errata", Errata)
    app.add_post_transform(Collect)
    app.connect("env-updated", rewrite)
    return {"parallel_read_safe": True}
