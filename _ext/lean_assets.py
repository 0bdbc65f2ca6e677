"""Makes what pages load small after a build: what no page uses does not travel.

The style sheets of the theme and its extensions become one, with the rules that the book uses
(style_sheet.py). Code is marked up only where it has a colour of its own. The icon fonts shrink from
275 kB to the few glyphs in use, the fonts of formulas to the signs that occur, and scripts no longer
talk to the console. The theme itself is not touched: only the copies in the built book are.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from docutils import nodes
from fontTools import subset
from fontTools.ttLib import TTFont
from pygments.formatters import HtmlFormatter
from pygments.token import Name, Punctuation, Text, Whitespace
from sphinx.application import Sphinx
from sphinx.highlighting import PygmentsBridge
from sphinx.util import logging

import style_sheet
from book_pages import GENERATED_PAGES

# Each page links to this one instead of these, which it holds in their order.
STYLE_SHEET = "all.css"
JOINED = (
    "styles/theme.css",
    "styles/pydata-sphinx-theme.css",
    "pygments.css",
    "styles/sphinx-book-theme.css",
    "togglebutton.css",
    "copybutton.css",
    "mystnb.*.css",
    "sphinx-design.min.css",
    "nncourse/quiz.css",
    "nncourse/explore.css",
    "katex/katex.min.css",
    "book.css",
)
LINK = re.compile(r'<link\b(?=[^>]*rel="stylesheet")[^>]*href="(?:\.\./)*_static/([^"?]+)[^>]*>\s*')
LINK_TO_ALL = re.compile(rf"(?<=_static/{re.escape(STYLE_SHEET)})(?:\?v=\w+)?")

ICON_FONTS = "vendor/fontawesome/webfonts"
# An icon's code in a style sheet: escaped, or as the character itself.
ICON_CODE = re.compile(r'(?<="\\)[ef][0-9a-f]{3}(?=")|[\ue000-\uf8ff]')
ICON_SOURCE = re.compile(r",\s*url\([^)]*\.ttf\)\s*format\(\"truetype\"\)")
FORMULA_FONTS = "katex/fonts"
FORMULA = re.compile(
    r'<span class="katex-html".*?(?=<span class="katex-mathml"|</(?:p|div|td|th|li|dt|dd|h\d)>)', re.DOTALL
)
TAG = re.compile(r"<[^>]*>")

# What has the colour of the text, dark or light: half of the marks in code, an eighth of a chapter.
PLAIN = {Name, Name.Namespace, Name.Other, Punctuation, Whitespace}

# As nncourse.pictures shows a picture in a notebook.
PICTURE = re.compile(r'src="data:image/svg\+xml,(?P<svg>[^"]*)" style="max-width:100%"')
SIZE = re.compile(r'\b(width|height)="([\d.]+)pt"')
PIXELS_PER_POINT = 96 / 72

log = logging.getLogger(__name__)

# Not needed once the pages are built: maps for debugging the theme, and scripts no page loads.
REMOVED = (
    "**/*.map",
    "scripts/fontawesome.js",
    "sphinx-thebe.*",
    "thebelab*",
    "webpack-macros.html",
    "sbt-webpack-macros.html",
    "locales/**/*.[mp]o",  # the theme's words in other languages, put into pages when they are built
)
# Nor these, once they stand in the one sheet. The others are small, and the PDF is made with some of them.
REMOVED_WHEN_JOINED = ("basic.css", "styles/*.css", "mystnb.*.css", "sphinx-design.min.css")


class LeanFormatter(HtmlFormatter[str]):
    """Leaves what looks like text unmarked."""

    def format_unencoded(self, tokensource: Any, outfile: Any) -> None:
        plainly = ((Text if kind in PLAIN else kind, value) for kind, value in tokensource)
        super().format_unencoded(plainly, outfile)


def slim(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    icon_fonts = list((static / ICON_FONTS).glob("*.ttf"))
    if not icon_fonts:
        return  # Sphinx did not copy the theme again: it is slim already
    remove(static, REMOVED)
    for script in static.rglob("*.js"):
        script.write_text(quiet(script.read_text(encoding="utf-8")), encoding="utf-8")
    pages = {path: path.read_text(encoding="utf-8") for path in _pages(app)}
    style = one_style_sheet(static, pages.values())
    (static / STYLE_SHEET).write_text(style, encoding="utf-8")
    version = f"?v={zlib.crc32(style.encode()):08x}"  # or a browser may keep an old one
    for path, html in pages.items():
        path.write_text(LINK_TO_ALL.sub(version, html), encoding="utf-8")
    remove(static, REMOVED_WHEN_JOINED)
    for path in icon_fonts:
        path.unlink()
    subset_fonts(
        static / ICON_FONTS,
        {code if len(code) == 1 else chr(int(code, 16)) for code in ICON_CODE.findall(style)},
    )
    subset_fonts(static / FORMULA_FONTS, {sign for html in pages.values() for sign in signs(html)})


def remove(static: Path, patterns: Iterable[str]) -> None:
    for pattern in patterns:
        for path in list(static.glob(pattern)):
            path.unlink()


def _pages(app: Sphinx) -> Iterator[Path]:
    for path in Path(app.outdir).rglob("*.html"):
        name = path.relative_to(app.outdir).with_suffix("").as_posix()
        if name in app.env.found_docs or name in GENERATED_PAGES:
            yield path


def one_style_sheet(static: Path, pages: Iterable[str]) -> str:
    """The text of the one sheet, for pages of which these are all."""
    sheets = [path.relative_to(static).as_posix() for pattern in JOINED for path in static.glob(pattern)]
    scripts = [
        path.read_text(encoding="utf-8") for path in static.rglob("*.js") if "recordings" not in path.parts
    ]
    vocabulary = style_sheet.Vocabulary()
    vocabulary.read(pages, scripts)
    return ICON_SOURCE.sub("", style_sheet.join(static, sheets, vocabulary))


def quiet(script: str) -> str:
    """The same script without its progress reports; errors still reach the console."""
    return re.sub(r"console\.(?:log|info|debug)\(", "void(", script)


def put_pictures_into_files(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Let the browser fetch a picture when the reader comes near, not with the page's text."""

    def link(picture: re.Match[str]) -> str:
        svg = unquote(picture["svg"])
        size = " ".join(
            f'{side}="{float(points) * PIXELS_PER_POINT:.0f}"' for side, points in SIZE.findall(svg)[:2]
        )
        path = Path(app.outdir) / "_images" / f"{zlib.crc32(svg.encode()):08x}.svg"
        path.parent.mkdir(exist_ok=True)
        path.write_text(svg, encoding="utf-8")
        source = context["pathto"](f"_images/{path.name}", 1)
        return f'src="{source}" {size} loading="lazy" style="max-width:100%;height:auto"'

    if "body" in context:
        context["body"] = PICTURE.sub(link, context["body"])


def signs(html: str) -> set[str]:
    """The characters of the formulas on a page."""
    return set(unescape(TAG.sub("", "".join(FORMULA.findall(html)))))


def subset_fonts(folder: Path, characters: set[str]) -> None:
    """Leave only the glyphs of these characters in each font."""
    options = subset.Options(flavor="woff2", layout_features=["*"], notdef_outline=True)
    for path in folder.glob("*.woff2"):
        # Drawn as before, to the pixel; and the same bytes, so the same address, from build to build.
        with TTFont(path, recalcBBoxes=False, recalcTimestamp=False) as font:
            subsetter = subset.Subsetter(options)
            subsetter.populate(unicodes={ord(c) for c in characters} & set(font.getBestCmap() or ()))
            subsetter.subset(font)
            subset.save_font(font, str(path), options)


def link_to_all(head: str, address: str) -> str:
    """Template filter: the same HTML with one link, to the sheet that holds the others."""
    for sheet in LINK.findall(head):
        if not any(fnmatch(sheet, pattern) for pattern in JOINED):
            log.warning("The style sheet %s is not among those that lean_assets joins.", sheet)
    first = LINK.search(head)
    if first is None:
        return head
    rest = LINK.sub("", head[first.end() :])
    return f'{head[: first.start()]}<link rel="stylesheet" href="{address}" />\n{rest}'


def add_filter(app: Sphinx) -> None:
    if app.builder.format == "html":
        app.builder.templates.environment.filters["link_to_all"] = link_to_all


def setup(app: Sphinx) -> dict[str, Any]:
    PygmentsBridge.html_formatter = LeanFormatter
    app.connect("builder-inited", add_filter)
    app.connect("html-page-context", put_pictures_into_files)
    # After the theme, which writes the colours of code then.
    app.connect("build-finished", slim, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
