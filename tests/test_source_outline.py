"""Every point of the lecture note behind the book is treated where `source_outline.toml` says."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag

from build_book import ROOT, table_of_contents

OUTLINE = tomllib.loads((ROOT / "tests" / "source_outline.toml").read_text("utf-8"))
POINTS = [
    pytest.param(chapter, point, id=f"{chapter}-{point['says'][:40]}")
    for chapter, points in OUTLINE.items()
    for point in points
]


@cache
def soup(page: Path) -> BeautifulSoup:
    return BeautifulSoup(page.read_text("utf-8"), "html.parser")


def section(book: Path, chapter: str, anchor: str) -> Tag:
    """The section that the anchor names, without the sections inside it."""
    found = soup(book / "chapters" / f"{chapter}.html").find(id=anchor)
    assert isinstance(found, Tag), f"{chapter} has no anchor #{anchor}"
    whole = found if found.name == "section" else found.find_parent("section")
    assert whole is not None
    own = BeautifulSoup(str(whole), "html.parser").section
    assert own is not None
    for inner in own.find_all("section"):
        inner.extract()
    return own


def words(element: Tag) -> str:
    return " ".join(element.get_text(" ").split())


def test_every_chapter_has_its_points() -> None:
    chapters = {page.removeprefix("chapters/") for page in table_of_contents(ROOT) if "chapters/" in page}
    assert set(OUTLINE) == {name for name in chapters if not name.startswith("09")}


@pytest.mark.parametrize(("chapter", "point"), POINTS)
def test_point_is_treated(book: Path, chapter: str, point: dict[str, Any]) -> None:
    assert set(point) <= {"says", "at", "figures", "correction", "shows"}
    treated = section(book, chapter, point["at"])
    assert len(words(treated).split()) > 40, "a heading is not a treatment"
    names = {
        figure.get("data-explorable") or figure.get("data-picture")
        for figure in treated.select("[data-explorable], [data-picture]")
    }
    subject = chapter.split("_", 1)[1]
    assert {f"{subject}.{name}" for name in point.get("figures", [])} <= names
    for shown in point.get("shows", []):
        assert shown in words(treated)
    if "correction" in point:
        boxes = [words(box) for box in treated.select(".admonition") if "Where the note" in words(box)]
        assert any(point["correction"] in box for box in boxes)


def test_every_correction_is_on_the_errata_page(book: Path) -> None:
    collected = words(soup(book / "errata.html"))
    corrections = [
        point["correction"] for points in OUTLINE.values() for point in points if "correction" in point
    ]
    assert len(corrections) > 10
    assert [said for said in corrections if said not in collected] == []
