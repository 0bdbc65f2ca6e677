"""Quick questions: complete, answerable with a keyboard, and silent until answered."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

import nncourse.quiz
from conftest import ROOT, OpenPage
from nncourse.quiz import Answer, Question, QuestionError, ask, questions

CHAPTERS = sorted(path.stem for path in Path(nncourse.quiz.__file__).parent.glob("*.toml"))
NOTEBOOKS = {path.stem.partition("_")[2]: path for path in (ROOT / "chapters").glob("*.ipynb")}


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_question_is_asked_once_in_its_chapter_and_no_other_is(chapter: str) -> None:
    cells = json.loads(NOTEBOOKS[chapter].read_text("utf-8"))["cells"]
    asked = re.findall(r'ask\("([^"]+)"\)', "".join("".join(cell["source"]) for cell in cells))
    assert sorted(asked) == sorted(f"{chapter}.{name}" for name in questions(chapter))
    assert len(asked) >= 3


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_answers_stay_out_of_sight_until_one_is_chosen_by_keyboard(open_page: OpenPage, chapter: str) -> None:
    visit = open_page(f"chapters/{NOTEBOOKS[chapter].stem}.html")
    for element in visit.page.locator(".nn-question").all():
        words = element.locator(".nn-why")
        assert not any(word.is_visible() for word in words.all())
        element.locator("input").first.focus()
        visit.page.keyboard.press("Space")
        for i in range(words.count()):
            assert [word.is_visible() for word in words.all()] == [k == i for k in range(words.count())]
            expect(words.nth(i)).to_have_text(re.compile(r"^(Right|Not quite)\. ."))
            visit.page.keyboard.press("ArrowDown")
    visit.assert_quiet()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_question_has_no_accessibility_violation_of_any_level(open_page: OpenPage, scheme: str) -> None:
    visit = open_page(f"chapters/{NOTEBOOKS[CHAPTERS[0]].stem}.html", scheme=scheme)
    for element in visit.page.locator(".nn-question").all():
        element.locator("input").first.check()
    found = Axe().run(visit.page, context=".nn-question").response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in found] == []


def test_a_question_brings_its_style_to_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    question = ask(f"{CHAPTERS[0]}.{next(iter(questions(CHAPTERS[0])))}")
    monkeypatch.delenv("NNCOURSE_HOME", raising=False)
    assert question._repr_html_().startswith("<style>")
    monkeypatch.setenv("NNCOURSE_HOME", "page")
    assert question._repr_html_().startswith("<fieldset")


def test_text_is_escaped() -> None:
    answers = (Answer("a < b", "<b>", right=True), Answer("no", "why"))
    html = Question("x.y", "Is a < b & c?", answers)._repr_html_()
    assert "a &lt; b &amp; c" in html
    assert "<b>" not in html


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ((Answer("only", "one", right=True),), "two answers"),
        ((Answer("a", "b"), Answer("c", "d")), "one of them right"),
        ((Answer("a", "b", right=True), Answer("c", "d", right=True)), "one of them right"),
        ((Answer("a", " ", right=True), Answer("c", "d")), "without a text or a why"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(answers: tuple[Answer, ...], says: str) -> None:
    with pytest.raises(QuestionError, match=says):
        Question("x.y", "?", answers)


def test_a_missing_question_is_named() -> None:
    with pytest.raises(QuestionError, match="no questions for chapter 'nowhere'"):
        ask("nowhere.one")
    with pytest.raises(QuestionError, match=f"{CHAPTERS[0]} has no question 'one'"):
        ask(f"{CHAPTERS[0]}.one")
