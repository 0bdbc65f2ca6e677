"""What every page of the book says about itself, and what it loads.

The theme and Jupyter Book add scripts for live code, CDN widgets and search to every page. This
extension keeps what the page at hand uses, adds the description and the social card, and derives the
book's public address from the one ``repository`` setting.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any
from urllib.parse import urljoin, urlsplit

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config

SOCIAL_CARD = "_static/social-card.png"
SOCIAL_CARD_ALT = "A parabola, and the steps of gradient descent bouncing down its two sides."
DESCRIPTION_LENGTH = 160

# Pages that Sphinx makes itself have no first paragraph to take a description from.
GENERATED_PAGES = {
    "search": "Search the book. The index is part of the book and works without a network.",
    "genindex": "All terms of the book in alphabetical order.",
}

# Files that some pages use, and the text in a page's body that shows it.
USED_WHEN = {
    "clipboard.min.js": 'class="highlight',
    "copybutton.js": 'class="highlight',
    "copybutton.css": 'class="highlight',
    "sphinx-design.min.css": "sd-",
    "design-tabs.js": "sd-tab",
    "togglebutton.css": "toggle",
    "togglebutton.js": "toggle",
    "proof.css": 'class="proof',
}

# Live code through a hub, and the state of widgets that need a kernel: never used here.
UNUSED = re.compile(r"thebe|THEBE|widget-state\+json")


def public_address(repository: str) -> str:
    """The address of the built book: GitHub Pages of the repository, if it is on GitHub."""
    place = urlsplit(repository)
    owner, _, name = place.path.strip("/").partition("/")
    return f"https://{owner}.github.io/{name}/" if place.netloc == "github.com" and name else ""


def configure(app: Sphinx, config: Config) -> None:
    config.html_baseurl = config.html_baseurl or public_address(config.html_theme_options.get("repository_url", ""))
    config.html_context.setdefault("default_mode", "auto")


def describe(pagename: str, doctree: nodes.document | None, metadata: dict[str, Any]) -> str:
    """One or two sentences for search engines: the page's own, else its first paragraph."""
    if "description" in metadata:
        return str(metadata["description"])
    if doctree is None:
        return GENERATED_PAGES.get(pagename, "")
    section = next(doctree.findall(nodes.section), doctree)
    text = " ".join(next(section.findall(nodes.paragraph), nodes.paragraph()).astext().split())
    if len(text) <= DESCRIPTION_LENGTH:
        return text
    return text[: DESCRIPTION_LENGTH - 1].rpartition(" ")[0].rstrip(",;:–") + "…"


def head_tags(title: str, description: str, address: str, card: str, site: str) -> str:
    named = {"description": description, "twitter:card": "summary_large_image"}
    properties = {
        "og:type": "article",
        "og:site_name": site,
        "og:title": title,
        "og:description": description,
        "og:url": address,
        "og:image": card,
        "og:image:alt": SOCIAL_CARD_ALT,
    }
    tags = [f'<meta name="{name}" content="{escape(value)}">' for name, value in named.items()]
    tags += [f'<meta property="{name}" content="{escape(value)}">' for name, value in properties.items() if value]
    return "\n".join(tags) + "\n"


def wanted(asset: Any, body: str) -> bool:
    """Whether a page with this body uses this script or style sheet."""
    name = str(getattr(asset, "filename", asset) or "")
    attributes = getattr(asset, "attributes", {}) or {}
    if UNUSED.search(name + str(attributes)):
        return False
    return USED_WHEN.get(name.rpartition("/")[2].partition("?")[0], "") in body


def prepare_page(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    body = context.get("body") or ""
    for kind in ("script_files", "css_files"):
        context[kind] = [asset for asset in context[kind] if wanted(asset, body)]
    for script in context["script_files"]:
        # In order, but after the page: nothing in the head waits for them.
        if getattr(script, "filename", None):
            script.attributes.setdefault("defer", "defer")

    site = app.config.html_title
    title = re.sub(r"<[^>]+>", "", context.get("title") or "") or site
    base = app.config.html_baseurl
    context["metatags"] = (context.get("metatags") or "") + head_tags(
        title=title,
        description=describe(pagename, doctree, app.env.metadata.get(pagename, {})),
        address=urljoin(base, f"{pagename}.html") if base else "",
        card=urljoin(base, SOCIAL_CARD),
        site=site,
    )


def drop_script(html: str, name: str) -> str:
    """Template filter: the same HTML without the script tag that loads ``name``."""
    return re.sub(rf"<script\b[^>]*{re.escape(name)}[^>]*></script>", "", html)


def add_filters(app: Sphinx) -> None:
    app.builder.templates.environment.filters["drop_script"] = drop_script  # type: ignore[attr-defined]


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("config-inited", configure)
    app.connect("builder-inited", add_filters)
    app.connect("html-page-context", prepare_page, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
