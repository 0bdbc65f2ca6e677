"""The frame of the pages that the judge writes: plain HTML without scripts or requests, light and dark."""

from __future__ import annotations

import html
from pathlib import Path

from nncourse.palette import DARK, LIGHT, variables

_STYLE = (
    f"""
:root {{ color-scheme: light dark; {variables(LIGHT)} }}
@media (prefers-color-scheme: dark) {{ :root {{ {variables(DARK)} }} }}
"""
    """
body { color: var(--nn-ink); background: var(--nn-page); }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; border-top: 1px solid var(--nn-soft); padding-top: 1rem; }
ul { padding-left: 1.2rem; }
h1, h2, h3, li, td, th { overflow-wrap: anywhere; }
.right > span { color: var(--nn-green); }
.wrong > span { color: var(--nn-red); }
progress { width: 100%; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .3rem; border-bottom: 1px solid var(--nn-soft); }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
rect { fill: var(--nn-blue); }
caption { text-align: left; padding-bottom: .5rem; }
svg text { fill: currentColor; font-size: 11px; }
"""
)


def page(title: str, body: str) -> str:
    """Return a whole page; ``body`` is HTML already."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{html.escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(text, "utf-8")
    draft.replace(path)
