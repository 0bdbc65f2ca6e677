"""Maths is rendered when the book is built: KaTeX runs here, not in the reader's browser.

Pages carry HTML for the eye and MathML for screen readers, and load no script for either. A formula
that KaTeX cannot read is a Sphinx warning with its place, so it fails a build run with ``-W``.
"""

from __future__ import annotations

import atexit
import json
import re
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from py_mini_racer import JSEvalException, MiniRacer
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

KATEX = Path(__file__).parent / "katex"
STYLE_SHEET = "katex/katex.min.css"
# Almost every formula needs these two. Fetched before the style sheet asks for them, they are there when
# the page is first painted, and no line moves.
FIRST_FONTS = ("KaTeX_Main-Regular", "KaTeX_Math-Italic")
# From a file a browser refuses to fetch a font ahead, and says so for each.
PRELOAD = """
<template>{links}</template>
<script>
if (location.protocol !== "file:")
  document.head.append(document.currentScript.previousElementSibling.content);
</script>
"""
OPTIONS = {"throwOnError": True, "strict": "ignore", "output": "htmlAndMathml"}

NUMBERED = re.compile(r"\\(begin|end)\{(equation|align|alignat|gather)\}")

LAST_WORD, FIRST_WORD = re.compile(r"\S*\Z"), re.compile(r"\A\S*")

# KaTeX marks the place in the formula with combining underlines, which logs and terminals garble.
UNDERLINE = "\N{COMBINING LOW LINE}"

log = logging.getLogger(__name__)


class TexError(ValueError):
    """KaTeX's own words about a formula it cannot read."""


@cache
def _katex() -> MiniRacer:
    engine = MiniRacer()
    # From Python 3.13 on, an engine that is still open at the end keeps the process from ending.
    atexit.register(engine.close)
    engine.eval((KATEX / "katex.min.js").read_text(encoding="utf-8"))
    return engine


@cache
def render(tex: str, display: bool) -> str:
    """HTML and MathML for one formula; `TexError` says what is wrong with it."""
    options = json.dumps({**OPTIONS, "displayMode": display})
    try:
        return str(_katex().eval(f"katex.renderToString({json.dumps(tex)}, {options})"))
    except JSEvalException as error:
        # The message, which quotes the formula on lines of its own, and then V8's stack.
        message = str(error).partition("\n    at ")[0].rpartition("ParseError: ")[2]
        raise TexError(" ".join(message.replace(UNDERLINE, "").split())) from None


def _html(node: nodes.Element, tex: str, display: bool) -> str:
    try:
        return render(tex, display)
    except TexError as error:
        log.warning("%s", error, location=node, type="katex")
        return f"<code>{escape(tex)}</code>"


class TiedSigns(SphinxPostTransform):
    """Keeps brackets, full stops and endings on the line of their formula: browsers break on its sides.

    A formula of several pieces breaks inside, and is left alone.
    """

    default_priority = 900
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        for formula in list(self.document.findall(nodes.math)):
            if _pieces(formula.astext()) == 1:
                self.tie(formula)

    def tie(self, formula: nodes.math) -> None:
        parent = formula.parent
        place = parent.index(formula)
        before, after = _text(parent, place - 1), _text(parent, place + 1)
        opening, closing = LAST_WORD.findall(before)[0], FIRST_WORD.findall(after)[0]
        if not opening + closing:
            return
        tied = nodes.inline("", "", nodes.Text(opening), formula, nodes.Text(closing), classes=["tied"])
        first, last = place - bool(before), place + bool(after)
        parent[first : last + 1] = [
            nodes.Text(before.removesuffix(opening)),
            tied,
            nodes.Text(after.removeprefix(closing)),
        ]


def _pieces(tex: str) -> int:
    try:
        return render(tex, display=False).count('class="katex-base"')
    except TexError:  # which the page will report
        return 0


def _text(parent: nodes.Element, place: int) -> str:
    """The text at this place of a parent, if it is text."""
    within = 0 <= place < len(parent)
    return parent[place].astext() if within and isinstance(parent[place], nodes.Text) else ""


def visit_inline(translator: HTML5Translator, node: nodes.math) -> None:
    translator.body.append(translator.starttag(node, "span", "", CLASS="math notranslate"))
    translator.body.append(_html(node, node.astext(), display=False) + "</span>")
    raise nodes.SkipNode


def visit_block(translator: HTML5Translator, node: nodes.math_block) -> None:
    tex = node.astext()
    # Sphinx numbers a display as a whole, so KaTeX must not number its lines.
    tex = NUMBERED.sub(r"\\\1{\2*}", tex)
    if r"\\" in tex and r"\begin" not in tex:
        # LaTeX authors expect `\\` to break a display; KaTeX needs to be told where it aligns.
        tex = r"\begin{aligned}" + tex + r"\end{aligned}"
    translator.body.append(translator.starttag(node, "div", CLASS="math notranslate"))
    # A formula wider than a phone scrolls inside this box (_static/book.css and book.js).
    translator.body.append(f'<div class="math-scroll">{_html(node, tex, display=True)}</div>')
    if node["number"]:
        number = get_node_equation_number(translator, node)
        translator.body.append(f'<span class="eqno">({number})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    translator.body.append("</div>\n")
    raise nodes.SkipNode


def add_static_path(app: Sphinx, config: Any) -> None:
    config.html_static_path.append(str(KATEX / "static"))


def add_style_sheet(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Only pages with a formula pay for the style sheet and its fonts."""
    if 'class="katex' in (context.get("body") or ""):
        app.add_css_file(STYLE_SHEET)
        links = "".join(
            '<link rel="preload" as="font" type="font/woff2" crossorigin '
            f'href="{context["pathto"](f"_static/katex/fonts/{font}.woff2", resource=True)}">'
            for font in FIRST_FONTS
        )
        context["metatags"] = (context.get("metatags") or "") + PRELOAD.format(links=links)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_post_transform(TiedSigns)
    app.add_html_math_renderer("katex", (visit_inline, None), (visit_block, None))
    app.connect("config-inited", add_static_path)
    app.connect("html-page-context", add_style_sheet)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
