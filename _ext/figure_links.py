"""Links to a figure in a state that somebody chose: ``{explore}`at the border <neuron.one_neuron.b=-1.5>` ``.

What stands in the brackets is what "copy link" puts behind the # of an address: the figure alone, or its
controls with their values, joined by &. The page is found by the figure's name, and a figure, a control
or a value that does not exist is a warning with its place. Without a text the figure's title is the text.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import ReferencesResolver, SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import ReferenceRole

log = logging.getLogger(__name__)


class FigureLink(nodes.Inline, nodes.TextElement):
    """A link that waits until all pages are read."""


class Explore(ReferenceRole):
    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        text = self.title if self.has_explicit_title else ""
        link = FigureLink("", text, state=self.target)
        self.set_source_info(link)
        return [link], []


def value_exists(control: dict[str, Any], text: str) -> bool:
    """Whether a control has exactly this place on its grid, so that a link shows what its text says."""
    if control["kind"] == "choice":
        return text in control["grid"]
    if control["kind"] == "toggle":
        return text in ("true", "false")
    try:
        return float(text) in control["grid"]
    except ValueError:
        return False


def mistakes(state: str, figures: dict[str, dict[str, Any]]) -> list[str]:
    """What is wrong with the state in a link, in words; nothing if the figures can take it."""
    if "=" not in state:
        return [] if state in figures else [f"there is no figure {state}"]
    found = []
    for key, value in parse_qsl(state, keep_blank_values=True):
        name, _, control_name = key.rpartition(".")
        controls = {c["name"]: c for c in figures.get(name, {}).get("controls", ())}
        if name not in figures:
            found.append(f"there is no figure {name}")
        elif control_name not in controls:
            found.append(f"{name} has no control {control_name}, only {', '.join(controls)}")
        elif not value_exists(controls[control_name], value):
            grid = ", ".join(map(str, controls[control_name]["grid"]))
            found.append(f"{key} cannot be {value}, only one of {grid}")
    return found


def note(app: Sphinx, doctree: nodes.document) -> None:
    """Remember which figures a page has, and whether it links to some."""
    remembered = app.env.metadata[app.env.docname]
    figures = [raw["spec"] for raw in doctree.findall(nodes.raw) if "spec" in raw]
    remembered["figures"] = {spec["name"]: spec for spec in figures}
    remembered["links_to_figures"] = any(doctree.findall(FigureLink))


def rewrite(app: Sphinx, env: BuildEnvironment) -> Iterable[str]:
    """A page with such links follows the pages that have the figures, so it is written in every build."""
    return [page for page, noted in env.metadata.items() if noted.get("links_to_figures")]


class Resolve(SphinxPostTransform):
    default_priority = ReferencesResolver.default_priority - 1

    def run(self, **kwargs: Any) -> None:
        links = list(self.document.findall(FigureLink))
        figures = self.figures() if links else {}
        for link in links:
            self.resolve(link, figures)

    def figures(self) -> dict[str, tuple[str, dict[str, Any]]]:
        """Page and specification of every figure that can be moved, by name."""
        return {
            name: (page, spec)
            for page, noted in self.env.metadata.items()
            for name, spec in noted.get("figures", {}).items()
            if spec["controls"]
        }

    def resolve(self, link: FigureLink, figures: dict[str, tuple[str, dict[str, Any]]]) -> None:
        state = link["state"]
        name = state.partition("=")[0].rpartition(".")[0] if "=" in state else state
        page, spec = figures.get(name, ("", {"title": state}))
        text = link.astext() or spec["title"]
        if self.app.builder.format != "html":  # there is nothing to move on paper
            link.replace_self(nodes.inline("", text))
            return
        for mistake in mistakes(state, {name: spec for name, (_, spec) in figures.items()}):
            log.warning("%s: %s", state, mistake, location=link, type="explore")
        address = self.app.builder.get_relative_uri(self.env.docname, page or self.env.docname)
        link.replace_self(
            nodes.reference("", text, refuri=f"{address.partition('#')[0]}#{state}", internal=True)
        )


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_node(FigureLink)
    app.add_role("explore", Explore())
    app.connect("doctree-read", note)
    app.connect("env-updated", rewrite)
    app.add_post_transform(Resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
