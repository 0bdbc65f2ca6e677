"""The colours of the course, light and dark: pages, figures, pictures and reports take them from here.

Nothing else names a colour, save the heat maps in explore.js, the cells of code and three small
drawings; tests/explore/test_palette.py holds figures, pictures and heat maps to the same two rules.
Words reach a contrast of 4.5 on their background, lines and marks of 3. And colours stay apart for
readers who see no red, no green or no blue, so they differ in lightness as well as in hue.
"""

from __future__ import annotations

from collections.abc import Mapping

LIGHT = {
    "page": "#fffefb",
    "paper": "#ffffff",  # behind a figure
    "surface": "#f4f2ec",  # behind code
    "faint": "#dedad0",  # rules, grids and frames, which carry no meaning
    "soft": "#848c99",
    "muted": "#686c64",
    "ink": "#1c2430",
    "blue": "#076ecf",
    "orange": "#b05219",
    "green": "#1e573a",
    "red": "#9c170d",
    "purple": "#5e38a2",
    "sky": "#236489",
}
"""On a light page. The first four are backgrounds and rules, the others lines, marks and words."""

DARK = {
    "page": "#14181f",
    "paper": "#191d24",
    "surface": "#1f2530",
    "faint": "#39414f",
    "soft": "#7a8395",
    "muted": "#929cab",
    "ink": "#e3e7ed",
    "blue": "#6199dc",
    "orange": "#f69342",
    "green": "#5dc69b",
    "red": "#f1685f",
    "purple": "#c3aaf7",
    "sky": "#97d2d4",
}
"""The same names on a dark page."""

BOTH = {
    "grey": "#767676",
    "blue": "#456adb",
    "orange": "#cf8118",
    "green": "#6b9e7d",
    "purple": "#ad81c8",
    "brown": "#92690c",
}
"""For a picture in a file, which cannot know on which page it will stand."""


def variables(colors: Mapping[str, str]) -> str:
    """Return the colours as declarations of a style sheet, ``--nn-ink: #1c2430; ...``.

    Examples
    --------
    >>> variables({"ink": "#1c2430"})
    '--nn-ink: #1c2430;'
    """
    return " ".join(f"--nn-{name}: {color};" for name, color in colors.items())


def css(element: str = "") -> str:
    """Return the rules that give an element the colours, in the book and in notebooks, light and dark.

    Parameters
    ----------
    element : str
        A selector; what the element holds inherits. None stands for the whole page.
    """
    homes = ('html[data-theme="dark"]', 'body[data-jp-theme-light="false"]', "body.vscode-dark")
    dark = ", ".join(f"{home} {element}".strip() for home in homes)
    return f"{element or ':root'} {{ {variables(LIGHT)} }}\n{dark} {{ --nn-dark: 1; {variables(DARK)} }}\n"
