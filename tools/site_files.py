"""Makes a built book ready for any web server: addresses that may be kept for ever, and a list of checksums.

A page asks for `book.css?v=5ee47741`, where the digits are a checksum of the file. When the file changes,
so does its address; a server may therefore tell browsers to keep whatever has a `v`, and a reader never
meets an old style sheet with a new page. Sphinx numbers some files, and from what they were before
`_ext/lean_assets.py` cut them down; here all get their number, in pages and in style sheets.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from urllib.parse import unquote

CHECKSUMS = "SHA256SUMS"
LITE = "lite"  # the folder of JupyterLite beside the pages: no page of the book, and numbered by itself
LOADED_BY_PAGE = re.compile(
    r'(<(?:script|link|img|source)\b[^>]*?\s(?:src|href)=")([^"?#:]+)(?:\?[^"#]*)?(?=["#])'
)
LOADED_BY_STYLE = re.compile(r"""(\burl\(["']?|@import\s*["'])([^"')?#:]+)(?:\?[^"')#]*)?(?=["')#])""")


def number(file: Path) -> str:
    """The checksum of a file that its address carries."""
    return f"{zlib.crc32(file.read_bytes()):08x}"


def stamp(html: Path) -> None:
    """Let the address of every file that a page or a style sheet loads say what is in the file."""
    styles = files_of_book(html, "*.css")
    while any(_rewrite(style, LOADED_BY_STYLE, number) for style in styles):
        pass  # a style sheet may import another, whose number has just changed
    version = cache(number)  # from here on these files stay as they are
    for page in files_of_book(html, "*.html"):
        _rewrite(page, LOADED_BY_PAGE, version)


def files_of_book(html: Path, kind: str) -> list[Path]:
    """The files of this kind in a built book, without those of the Jupyter beside its pages."""
    return [file for file in html.rglob(kind) if file.relative_to(html).parts[0] != LITE]


def _rewrite(file: Path, loads: re.Pattern[str], version: Callable[[Path], str]) -> bool:
    """Number what a file loads; whether that changed the file."""

    def numbered(found: re.Match[str]) -> str:
        loaded = (file.parent / unquote(found[2])).resolve()
        known = loaded.is_file() and loaded.suffix != ".html"  # the next page is a link, too
        return f"{found[1]}{found[2]}?v={version(loaded)}" if known else found[0]

    before = file.read_text("utf-8")
    after = loads.sub(numbered, before)
    if after != before:
        file.write_text(after, "utf-8")
    return after != before


def write_checksums(html: Path) -> None:
    """List every file with its checksum, for `sha256sum --check SHA256SUMS` in the folder of the book.

    Names that begin with a dot are left out: they are notes for tools, and not every server gets them.
    """
    files = sorted(file.relative_to(html).as_posix() for file in html.rglob("*") if file.is_file())
    lines = [
        f"{hashlib.sha256((html / name).read_bytes()).hexdigest()}  {name}\n"
        for name in files
        if name != CHECKSUMS and not name.startswith(".")
    ]
    (html / CHECKSUMS).write_text("".join(lines), "utf-8", newline="\n")  # as sha256sum reads it
