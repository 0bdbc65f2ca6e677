"""What every page of the book says about itself, and what it loads.

The theme and Jupyter Book add scripts for live code, CDN widgets and search to every page. This
extension keeps what the page at hand uses, adds the description, the social card and the link for
feedback, and derives the book's public address from the one ``repository`` setting.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config

SOCIAL_CARD = "_static/social-card.png"
SOCIAL_CARD_ALT = "A parabola, and the steps of gradient descent bouncing down its two sides."
CHAPTER_CARD = "_static/cards/{}.png"  # by tools/chapter_cards.py
CHAPTER_CARD_ALT = "The title “{}” beside one of the chapter's figures."
DESCRIPTION_LENGTH = 160
REPOSITORY_BUTTONS = ("use_repository_button", "use_edit_page_button")

# Where a new issue opens with its title and text filled in.
NEW_ISSUE = {
    "github.com": ("issues/new", "title", "body"),
    "gitlab.com": ("-/issues/new", "issue[title]", "issue[description]"),
}

# Pages that Sphinx makes itself have no first paragraph to take a description from.
GENERATED_PAGES = {
    "search": "Search the book. The index is part of the book and works without a network.",
    "genindex": "Where the book treats a term, a person or a name of its library, from A to Z.",
}

# Scripts that some pages use, and what in a page's body shows it.
HIGHLIGHTED = re.compile(r'class="highlight')
DESIGN = re.compile(r'class="[^"]*\bsd-')
TOGGLES = re.compile(r'class="[^"]*\b(?:toggle|dropdown)\b')
USED_WHEN = {
    "clipboard.min.js": HIGHLIGHTED,
    "copybutton": HIGHLIGHTED,
    "design-tabs.js": DESIGN,
    "togglebutton": TOGGLES,
    "toggleHint": TOGGLES,
}

# Words in Chinese, outside of tags: a screen reader says them with another voice.
CHINESE = re.compile(r"[\u3400-\u9fff\uff00-\uffef]+(?=[^<>]*<)")

# Live code through a hub, and the state of widgets that need a kernel: never used here.
UNUSED = re.compile(r"thebe|THEBE|widget-state\+json")


def public_address(repository: str) -> str:
    """The address of the built book: GitHub Pages of the repository, if it is on GitHub."""
    place = urlsplit(repository)
    owner, _, name = place.path.strip("/").partition("/")
    return f"https://{owner}.github.io/{name}/" if place.netloc == "github.com" and name else ""


def feedback_link(to: str, repository: str, title: str, address: str) -> str:
    """Where a reader reports what is wrong on a page: ``to`` if it is set, else the repository's issues."""
    subject, body = f"On the page “{title}”", f"The page: {address}\n\n"
    if "@" in to and "://" not in to:
        return f"mailto:{to}?" + urlencode({"subject": subject, "body": body}, quote_via=quote)
    if to:
        return to
    if (host := urlsplit(repository).netloc) not in NEW_ISSUE:
        return ""
    path, subject_field, body_field = NEW_ISSUE[host]
    return f"{repository}/{path}?{urlencode({subject_field: subject, body_field: body})}"


def configure(app: Sphinx, config: Config) -> None:
    """Let everything follow from title and repository; without one there is no button that needs it."""
    options = config.html_theme_options
    options["logo"].setdefault("text", config.html_title)
    repository = options.get("repository_url") or ""
    options.update(dict.fromkeys(REPOSITORY_BUTTONS, bool(repository)))
    if not repository:
        options["launch_buttons"] = {}
    elif urlsplit(repository).netloc != "github.com":
        options["launch_buttons"].pop("colab_url", None)  # Colab opens notebooks from GitHub only
    if feedback_link(config.feedback, repository, "", ""):
        options["article_footer_items"] = ["feedback.html"]
        app.tags.add("feedback")  # for {only} in pages, as are the next ones
    if repository:
        app.tags.add("published")
    if "colab_url" in options["launch_buttons"]:
        app.tags.add("colab")
    config.html_baseurl = config.html_baseurl or public_address(repository)
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


def social_card(app: Sphinx, pagename: str, title: str) -> tuple[str, str]:
    """The picture that stands for a page where somebody shares it, and its description."""
    card = CHAPTER_CARD.format(pagename.removeprefix("chapters/"))
    if (Path(app.srcdir) / card).exists():
        return card, CHAPTER_CARD_ALT.format(title)
    return SOCIAL_CARD, SOCIAL_CARD_ALT


def head_tags(title: str, description: str, address: str, card: str, card_alt: str, site: str) -> str:
    named = {"description": description, "twitter:card": "summary_large_image"}
    properties = {
        "og:type": "article",
        "og:site_name": site,
        "og:title": title,
        "og:description": description,
        "og:url": address,
        "og:image": card,
        "og:image:alt": card and card_alt,
    }
    tags = [f'<meta name="{name}" content="{escape(value)}">' for name, value in named.items()]
    tags += [
        f'<meta property="{name}" content="{escape(value)}">' for name, value in properties.items() if value
    ]
    return "\n".join(tags) + "\n"


def wanted(asset: Any, body: str) -> bool:
    """Whether a page with this body uses this script; a style sheet is for all pages (lean_assets)."""
    # Theme files come as plain strings, all others as objects; inline scripts have no file name.
    name = f"{getattr(asset, 'filename', asset)} {getattr(asset, 'attributes', '')}"
    return not UNUSED.search(name) and all(
        sign.search(body) for file, sign in USED_WHEN.items() if file in name
    )


def deferred(script: Any) -> Any:
    """The same script, run in order after the page is read, so that nothing in the head waits for it.

    Sphinx shares script objects between pages: a copy, not a change. Inline scripts stay where they
    are, and so does the one file they rely on.
    """
    if not script.filename or "documentation_options" in script.filename:
        return script
    return type(script)(script.filename, priority=script.priority, **{**script.attributes, "defer": "defer"})


def prepare_page(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    # The role that docutils gives to an entry of a bibliography is deprecated and not allowed in a list.
    body = (context.get("body") or "").replace('role="doc-biblioentry"', 'role="listitem"')
    # The empty corner of a table is a cell: as a heading it would announce nothing.
    body = re.sub(r'<th class="head[^"]*">(?:<p></p>)?</th>', "<td></td>", body)
    body = CHINESE.sub(r'<span lang="zh">\g<0></span>', body)
    if body:
        context["body"] = body
    for kind in ("script_files", "css_files"):
        context[kind] = [asset for asset in context[kind] if wanted(asset, body)]
    at_once = pagename == "search"  # whose own scripts, inline, need the theme's
    context["script_files"] = [
        script if at_once and "book.js" not in (script.filename or "") else deferred(script)
        for script in context["script_files"]
    ]

    if app.env.doc2path(pagename, False).endswith(".md"):
        # JupyterLab would open a Markdown page as text: only notebooks can be launched.
        buttons = context.get("header_buttons", [])
        context["header_buttons"] = [b for b in buttons if b.get("label") != "launch-buttons"]

    site = app.config.html_title
    title = re.sub(r"<[^>]+>", "", context.get("title") or "") or site
    base = app.config.html_baseurl
    address = urljoin(base, f"{pagename}.html") if base else ""
    repository = app.config.html_theme_options.get("repository_url") or ""
    context["feedback_link"] = feedback_link(
        app.config.feedback, repository, title, address or f"{pagename}.html"
    )
    card, card_alt = social_card(app, pagename, title)
    context["metatags"] = (context.get("metatags") or "") + head_tags(
        title=title,
        description=describe(pagename, doctree, app.env.metadata.get(pagename, {})),
        address=address,
        card=urljoin(base, card) if base else "",  # a card needs a whole address
        card_alt=card_alt,
        site=site,
    )


def drop_script(html: str, name: str) -> str:
    """Template filter: the same HTML without the script tag that loads ``name``."""
    return re.sub(rf"<script\b[^>]*{re.escape(name)}[^>]*></script>", "", html)


def add_filters(app: Sphinx) -> None:
    if app.builder.format == "html":
        app.builder.templates.environment.filters["drop_script"] = drop_script


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("feedback", "", "html")
    app.connect("config-inited", configure)
    app.connect("builder-inited", add_filters)
    app.connect("html-page-context", prepare_page, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
