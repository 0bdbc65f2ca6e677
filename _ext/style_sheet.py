"""One style sheet for the whole book, made of all that its pages load, without what none of them uses.

The theme's sheets hold a thousand rules for things this book has not got, and a page waits for every
one of its sheets before it shows anything. A rule stays if each class and each id in its selector
stands in a page, or in a script that may put it there.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import tinycss2
from tinycss2.ast import Node

ATTRIBUTE = re.compile(r"\b(?:class|id)=(?:\"([^\"]*)\"|'([^']*)')")
INLINE_SCRIPT = re.compile(r"<script\b[^>]*>(.+?)</script>", re.DOTALL)
WORD = re.compile(r"[A-Za-z_][\w-]*")
# `nn-key-${kind}` or "fa-" + name: the start of names that a script puts together.
STEM = re.compile(r"([A-Za-z_][\w-]*-)(?:\$\{|[\"'`])")
ADDRESS = re.compile(r"url\(\s*[\"']?(?!data:|#|https?:)([^\"')]+)[\"']?\s*\)")
VARIABLE = re.compile(r"--[\w-]+")
VALUE = r"""(?:"[^"]*"|'[^']*'|url\([^)]*\)|[^;{}"'])*"""
VARIABLE_SET = re.compile(rf"(?<=[{{;])\s*(--[\w-]+)\s*:({VALUE})(?:;|(?=\}}))")
SHEETS_INSIDE = ("media", "supports", "layer", "container")


@dataclass
class Vocabulary:
    """The names that style rules can meet in the book."""

    names: set[str] = field(default_factory=set)
    stems: tuple[str, ...] = ()

    def read(self, pages: Iterable[str], scripts: Iterable[str]) -> None:
        """Take in the names of pages and of scripts."""
        code = list(scripts)
        for page in pages:
            for double, single in ATTRIBUTE.findall(page):
                self.names.update((double or single).split())
            self.names.update(VARIABLE.findall(page))  # in style attributes
            code += INLINE_SCRIPT.findall(page)
        for script in code:
            self.names.update(WORD.findall(script) + VARIABLE.findall(script))
            self.stems += tuple(STEM.findall(script))
        self.stems = tuple(set(self.stems))

    def __contains__(self, name: str) -> bool:
        return name in self.names or name.startswith(self.stems)


def join(folder: Path, sheets: Iterable[str], vocabulary: Vocabulary) -> str:
    """The sheets of a folder as one text in their order, for a file in that folder."""
    text = "".join(rule for sheet in sheets for rule in _rules_of(folder, sheet, vocabulary))
    before = ""
    while text != before:  # what only an unused variable used is unused itself
        before = text
        used = set(VARIABLE.findall(VARIABLE_SET.sub(r"\2;", text))) | vocabulary.names
        unused = {name for name, _ in VARIABLE_SET.findall(text)} - used
        text = VARIABLE_SET.sub(partial(_unless_in, unused), text)
    return text


def _unless_in(unused: set[str], variable: re.Match[str]) -> str:
    return "" if variable[1] in unused else variable[0]


def _rules_of(folder: Path, sheet: str, vocabulary: Vocabulary) -> Iterator[str]:
    """The rules of a sheet that the book can use, with its imports in their place."""
    place = posixpath.dirname(sheet)
    text = (folder / sheet).read_text(encoding="utf-8")
    text = ADDRESS.sub(lambda url: f"url({posixpath.normpath(posixpath.join(place, url[1]))})", text)
    for rule in tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True):
        if rule.type == "at-rule" and rule.lower_at_keyword == "charset":
            continue
        if rule.type == "at-rule" and rule.lower_at_keyword == "import":
            imported = next(part.value for part in rule.prelude if part.type in ("string", "url"))
            yield from _rules_of(folder, posixpath.normpath(posixpath.join(place, imported)), vocabulary)
        else:
            yield _kept(rule, vocabulary)


def _kept(rule: Node, vocabulary: Vocabulary) -> str:
    """The rule as text, as far as the book can use it; nothing if it cannot."""
    if rule.type == "error":
        raise ValueError(f"A style sheet cannot be read at line {rule.source_line}: {rule.message}")
    content = tinycss2.serialize(rule.content) if rule.content else ""
    if rule.type == "qualified-rule":
        selectors = [_text(s) for s in _selectors(rule.prelude) if all(n in vocabulary for n in _names(s))]
        return f"{','.join(selectors)}{{{content.strip()}}}" if selectors and content.strip() else ""
    head = f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude).rstrip()}"
    if rule.content is None:
        return f"{head};"
    if rule.lower_at_keyword in SHEETS_INSIDE:
        inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
        content = "".join(_kept(one, vocabulary) for one in inner)
        return f"{head}{{{content}}}" if content else ""
    return f"{head}{{{content}}}"


def _text(tokens: list[Node]) -> str:
    return str(tinycss2.serialize(tokens)).strip()


def _selectors(prelude: list[Node]) -> Iterator[list[Node]]:
    """The selectors of a list, which commas part; commas inside brackets belong to one of them."""
    selector: list[Node] = []
    for token in prelude:
        if token == ",":
            yield selector
            selector = []
        elif token.type != "comment":
            selector.append(token)
    yield selector


def _names(selector: list[Node]) -> Iterator[str]:
    """The classes and ids that must be there for a selector to match; `:not(…)` and `:is(…)` need none."""
    for before, token in zip([None, *selector], selector, strict=False):
        if token.type == "hash" or (token.type == "ident" and before == "."):
            yield token.value
