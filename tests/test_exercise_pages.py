"""The exercises in the book: each chapter leads to its own, and solutions wait for a click or stay away."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from docutils import nodes
from docutils.utils import new_document

from conftest import CONFIG, OpenPage, SmallBook
from exercise_pages import lead_on
from exercises import SOURCES, sources

SOURCE = sources()[-1]


def build(book: SmallBook) -> dict[str, str]:
    """Build a chapter, its exercise and the solutions; the pages."""
    chapter = f"chapters/{SOURCE.name.removeprefix('ex')}"
    exercise, solutions = f"exercises/{SOURCE.name}", f"exercises/solutions/{SOURCE.name}"
    names = ["chapters/98_no_exercise", chapter, exercise, solutions]
    for name in names[:3]:
        book.write_notebook(f"{name}.ipynb", "1 + 1")
    book.write(f"{solutions}.md", "# Solutions\n\nThe secret word is abracadabra.\n")
    run = book.build(*names)
    assert run.returncode == 0, run.stderr
    html = book.folder / "_build" / "html"
    return {name: (html / f"{name}.html").read_text("utf-8") for name in names}


def test_a_chapter_leads_to_its_exercise_and_an_exercise_to_its_solutions(small_book: SmallBook) -> None:
    pages = list(build(small_book).values())
    address = f'href="../exercises/{SOURCE.name}.html"'
    boxes = [re.findall(r'<div class="[^"]*lead-on.*?</div>', page, re.DOTALL) for page in pages]
    assert [len(found) for found in boxes] == [0, 1, 1, 0]
    assert address in boxes[1][0] and f"asks {len(SOURCE.questions)} questions" in boxes[1][0]
    assert f'href="solutions/{SOURCE.name}.html"' in boxes[2][0]
    assert "abracadabra" in pages[3]


def test_a_teacher_can_build_without_the_solutions(small_book: SmallBook) -> None:
    config = yaml.safe_load((small_book.folder / "_config.yml").read_text("utf-8"))
    assert config == CONFIG and config["sphinx"]["config"]["exercise_solutions"] is True
    config["sphinx"]["config"]["exercise_solutions"] = False
    small_book.write("_config.yml", yaml.safe_dump(config))
    page = build(small_book)[f"exercises/solutions/{SOURCE.name}"]
    assert "published without the solutions" in page
    built = (small_book.folder / "_build" / "html").rglob("*")
    assert not [path for path in built if path.is_file() and b"abracadabra" in path.read_bytes()]


@pytest.mark.parametrize("given", [True, False])
def test_an_exercise_leads_to_its_solutions_only_where_they_are_given(given: bool) -> None:
    page = f"exercises/{SOURCE.name}"
    env = SimpleNamespace(docname=page, found_docs={page, f"exercises/solutions/{SOURCE.name}"})
    app: Any = SimpleNamespace(env=env, config=SimpleNamespace(exercise_solutions=given))
    doctree = new_document(page)
    lead_on(app, doctree)
    assert bool(list(doctree.findall(nodes.admonition))) == given


def test_solutions_are_out_of_sight_until_a_click(open_page: OpenPage) -> None:
    visit = open_page(f"exercises/solutions/{SOURCE.name}.html")
    details = visit.page.locator("main details")
    assert details.count() == len(SOURCE.questions)
    code = details.nth(0).locator("pre")
    assert not code.is_visible()
    details.nth(0).locator("summary").press("Enter")
    assert code.is_visible()
    assert not details.nth(1).locator("pre").is_visible()
    visit.assert_quiet()


def test_every_exercise_and_its_solutions_are_in_the_book() -> None:
    listed = (SOURCES.parent.parent / "_toc.yml").read_text("utf-8")
    for source in sources():
        assert f"file: exercises/{source.name}\n" in listed
        assert f"file: exercises/solutions/{source.name}\n" in listed
