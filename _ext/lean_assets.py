"""Makes the theme's files small after a build: what no page uses does not travel.

The icon fonts shrink from 275 kB to the few glyphs in use, the style sheet loses the names of the
other two thousand icons, and scripts no longer talk to the console. The theme itself is not touched:
only the copies in the built book are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fontTools import subset
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx

THEME_STYLE = "styles/pydata-sphinx-theme.css"
ICON_FONTS = "vendor/fontawesome/webfonts"
ICON_NAME = re.compile(r"\bfa-[a-z0-9-]+")
ICON_RULE = re.compile(r'((?:\.fa-[\w-]+:before,?)+)\{content:"\\[0-9a-f]+"\}')
# An icon's code in a style sheet: escaped, or as the character itself.
ICON_CODE = re.compile(r'(?<="\\)[ef][0-9a-f]{3}(?=")|[\ue000-\uf8ff]')
FONT_SOURCES = re.compile(
    r"url\(([^)]*?)\.woff2\) format\(\"woff2\"\),url\([^)]*\.ttf\) format\(\"truetype\"\)"
)

# Not needed once the pages are built: maps for debugging the theme, and scripts no page loads.
REMOVED = (
    "**/*.map",
    "scripts/fontawesome.js",
    "sphinx-thebe.*",
    "thebelab*",
    "webpack-macros.html",
    "sbt-webpack-macros.html",
)


def slim(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    style = static / THEME_STYLE
    full = style.read_text(encoding="utf-8")
    if ".ttf" not in full:
        return  # Sphinx did not copy the theme again: it is slim already
    for pattern in REMOVED:
        for path in list(static.glob(pattern)):
            path.unlink()
    for script in static.rglob("*.js"):
        script.write_text(quiet(script.read_text(encoding="utf-8")), encoding="utf-8")
    style.write_text(shorten(full, used_icons(Path(app.outdir))), encoding="utf-8")
    sheets = [sheet.read_text(encoding="utf-8") for sheet in static.rglob("*.css")]
    codes = {
        int(code, 16) if len(code) > 1 else ord(code) for sheet in sheets for code in ICON_CODE.findall(sheet)
    }
    for font in (static / ICON_FONTS).glob("*.ttf"):
        subset_font(font, codes)


def quiet(script: str) -> str:
    """The same script without its progress reports; errors still reach the console."""
    return re.sub(r"console\.(?:log|info|debug)\(", "void(", script)


def used_icons(book: Path) -> set[str]:
    return {name for text in _texts(book) for name in ICON_NAME.findall(text)}


def _texts(book: Path) -> Iterator[str]:
    for path in [*book.rglob("*.html"), *book.glob("_static/**/*.js")]:
        yield path.read_text(encoding="utf-8")


def shorten(style: str, icons: set[str]) -> str:
    """The style sheet with the used icons only, and fonts that name the subset files."""

    def keep(rule: re.Match[str]) -> str:
        return rule[0] if icons & set(ICON_NAME.findall(rule[1])) else ""

    return FONT_SOURCES.sub(r'url(\1.woff) format("woff")', ICON_RULE.sub(keep, style))


def subset_font(path: Path, codes: set[int]) -> None:
    """Write the used glyphs in place of the full font, as WOFF: WOFF2 would need a compressor."""
    options = subset.Options(flavor="woff", layout_features=[], notdef_outline=True)
    with TTFont(path) as font:
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=codes & set(font.getBestCmap() or ()))
        subsetter.subset(font)
        subset.save_font(font, str(path.with_suffix(".woff")), options)
    path.unlink()
    path.with_suffix(".woff2").unlink()


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("build-finished", slim)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
