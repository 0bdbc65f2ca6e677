"""What axe-core cannot see of WCAG 2.2: a walk with Tab, sizes, spacing, motion, and what is said aloud."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from book_pages import feedback_link
from conftest import ROOT, SOMEBODYS, OpenPage
from site_files import files_of_book

# A chapter with sliders, choices, steppers, questions, wide formulas and code that scrolls.
CHAPTER = "chapters/05_gradient_descent.html"
START_FIGURES = """async () => {
    for (const figure of document.querySelectorAll('.nn-explorable')) {
        figure.scrollIntoView();
        while (!figure.dataset.ready) await new Promise((done) => setTimeout(done, 20));
    }
    scrollTo(0, 0);
}"""


def open_started(open_page: OpenPage, name: str, **options: Any) -> Page:
    page = open_page(name, **options).page
    page.evaluate(START_FIGURES)
    return page


# By keyboard (2.1.1, 2.1.2, 2.4.3, 2.4.7, 2.4.11).

# Gives every stop its number in the order of the document; of a group of radio buttons one is a stop.
NUMBER_STOPS = """() => {
    const stops = [...document.querySelectorAll('a[href], button, input, select, summary, [tabindex="0"]')]
        .filter((e) => e.tabIndex >= 0 && !e.disabled && e.checkVisibility({ visibilityProperty: true }))
        .filter((e) => e.type !== 'radio' || e === document.querySelector(`[name="${e.name}"]`));
    stops.forEach((e, i) => (e.dataset.stop = i));
    return stops.length;
}"""
STOP = r"""() => {
    const e = document.activeElement, style = getComputedStyle(e), box = e.getBoundingClientRect();
    if (e === document.body) return null;
    const faint = [];
    for (let up = e; up; up = up.parentElement) if (getComputedStyle(up).opacity < 1) faint.push(up);
    const near = (low, high) => [low + 2, (low + high) / 2, high - 2];
    const seen = near(box.left, box.right).flatMap((x) => near(box.top, box.bottom).map((y) => [x, y]))
        .some(([x, y]) => e.contains(document.elementFromPoint(x, y)));
    return {
        number: e.dataset.stop === undefined ? null : Number(e.dataset.stop),
        scrolls: e.scrollWidth > e.clientWidth || e.scrollHeight > e.clientHeight,
        ringed: !faint.length && ((style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2) ||
            /rgb\([^)]*\) 0px 0px 0px [2-9]px/.test(style.boxShadow)),
        seen, html: e.outerHTML.slice(0, 150),
    };
}"""
# What stays on the screen while the page scrolls.
KEPT_HEIGHT = """() => [...document.querySelectorAll('body *')]
    .filter((e) => ['sticky', 'fixed'].includes(getComputedStyle(e).position))
    .filter((e) => e.checkVisibility({ visibilityProperty: true }) && e.getBoundingClientRect().bottom > 0)
    .reduce((sum, e) => sum + e.getBoundingClientRect().height, 0)"""


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (320, 256)])
def test_tab_reaches_everything_once_in_order_with_a_ring_and_in_sight(
    open_page: OpenPage, width: int, height: int
) -> None:
    page = open_started(open_page, CHAPTER, width=width, height=height, reduced_motion="reduce")
    if height == 256:  # as at 400 %
        assert page.evaluate(KEPT_HEIGHT) == 0
    stops = page.evaluate(NUMBER_STOPS)
    assert stops > 100
    visited = []
    for _ in range(2 * stops):
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        if stop is None:
            break
        assert stop["ringed"], stop["html"]
        assert stop["seen"], stop["html"]
        assert stop["number"] is not None or stop["scrolls"], stop["html"]
        visited.append(stop["number"])
    else:
        pytest.fail("Tab does not leave the page: it is caught")
    assert [number for number in visited if number is not None] == list(range(stops))


def test_pressed_button_keeps_the_focus_and_says_its_state(open_page: OpenPage) -> None:
    page = open_page(CHAPTER).page
    chapters = page.get_by_role("button", name="Chapters")
    expect(chapters).to_have_attribute("aria-expanded", "true")
    chapters.press("Enter")
    expect(chapters).to_have_attribute("aria-expanded", "false")
    expect(chapters).to_be_focused()
    colours = page.locator(".theme-switch-button:visible")
    for mode in ("dark", "light", "auto"):
        colours.press("Enter")
        expect(colours).to_have_accessible_name(f"Colours: {mode}")
        expect(colours).to_be_focused()


def test_dialog_gives_the_focus_back_or_leads_to_the_section(open_page: OpenPage) -> None:
    page = open_page(CHAPTER, width=390).page
    for name in ("Chapters", "On this page", "Search"):
        button = page.get_by_role("button", name=name)
        button.press("Enter")
        expect(page.locator("dialog[open]")).to_have_count(1)
        page.keyboard.press("Escape")
        expect(page.locator("dialog[open]")).to_have_count(0)
        expect(button).to_be_focused()
    page.get_by_role("button", name="On this page").press("Enter")
    page.locator("dialog[open] a[href='#the-ravine']").press("Enter")
    expect(page.locator("section#the-ravine")).to_be_focused()
    expect(page.get_by_role("heading", name="The ravine")).to_be_in_viewport()


def test_no_single_key_does_anything_and_tooltips_are_the_browsers_own(open_page: OpenPage) -> None:
    page = open_page(CHAPTER).page
    assert page.evaluate("DOCUMENTATION_OPTIONS.ENABLE_SEARCH_SHORTCUTS") is False
    assert page.evaluate("DOCUMENTATION_OPTIONS.NAVIGATION_WITH_KEYS") is False
    assert page.locator("[data-bs-toggle='tooltip'], .tooltip").count() == 0
    copy = page.locator(".copybtn").first
    copy.hover()
    assert copy.evaluate("e => getComputedStyle(e, '::after').display") == "none"


# For fingers, large letters, wide spacing and still eyes (1.4.10, 1.4.12, 2.3.3, 2.5.8).

# A target may be smaller than 24 px in a line of text, or where a circle of 24 px around it touches no other.
CROWDED = """() => {
    const targets = [...document.querySelectorAll('a[href], button, input, select, summary')]
        .filter((e) => e.checkVisibility({ visibilityProperty: true }) && e.getBoundingClientRect().width)
        .map((e) => {
            const box = e.getBoundingClientRect();
            let block = e;
            while (getComputedStyle(block).display === 'inline') block = block.parentElement;
            const inText = block.innerText.trim() !== e.innerText.trim();
            return { e, box, x: box.x + box.width / 2, y: box.y + box.height / 2,
                     small: box.width < 24 || box.height < 24, inText };
        });
    const between = (v, low, high) => Math.max(low - v, 0, v - high);
    const tooNear = (a, b) => !a.e.contains(b.e) && !b.e.contains(a.e) && (
        Math.hypot(between(a.x, b.box.left, b.box.right), between(a.y, b.box.top, b.box.bottom)) < 12 ||
        (b.small && Math.hypot(a.x - b.x, a.y - b.y) < 24));
    return targets.filter((a) => a.small && !a.inText && targets.some((b) => a !== b && tooNear(a, b)))
        .map((a) => a.e.outerHTML.slice(0, 120));
}"""
SPACING = """
* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important }
p { margin-bottom: 2em !important }"""
CUT_OFF = """() => [...document.querySelectorAll('main *')]
    .filter((e) => !e.closest('svg, .katex-mathml, dialog, .visually-hidden') && e.textContent.trim())
    .filter((e) => e.checkVisibility({ visibilityProperty: true }))
    .filter((e) => {
        const style = getComputedStyle(e), cell = /T[DH]/.test(e.nodeName) && e.closest('.nn-explorable');
        const hidden = (overflow) => overflow === 'hidden' || overflow === 'clip';
        return ((cell || hidden(style.overflowX)) && e.scrollWidth > e.clientWidth + 1) ||
            (hidden(style.overflowY) && !e.matches('.math-scroll') && e.scrollHeight > e.clientHeight + 1);
    }).map((e) => `${e.className}: ${e.textContent.trim().slice(0, 60)}`)"""


@pytest.mark.parametrize("name", [CHAPTER, "genindex.html", "reference/learning.html"])
def test_a_finger_hits_what_it_means_and_wide_spacing_loses_nothing(open_page: OpenPage, name: str) -> None:
    page = open_started(open_page, name, width=320, height=640)
    assert page.evaluate(CROWDED) == []
    page.add_style_tag(content=SPACING)
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert page.evaluate(CUT_OFF) == []


MOVING = """() => [...document.querySelectorAll('*')].filter((e) => [undefined, '::before', '::after']
    .map((part) => getComputedStyle(e, part))
    .some((s) => s.animationName !== 'none' || s.scrollBehavior !== 'auto' ||
        !/^0s(, 0s)*$/.test(s.transitionDuration))).length"""


def test_nothing_slides_for_those_who_asked_for_less_motion(open_page: OpenPage) -> None:
    page = open_page(CHAPTER).page
    assert page.evaluate(MOVING) > 0
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(MOVING) == 0


# By ear (1.1.1, 1.3.1, 3.1.2, 4.1.2, 4.1.3).


NAMED = {"button", "link", "slider", "combobox", "checkbox", "radio", "image", "navigation"}


def spoken(page: Page) -> list[tuple[str, str]]:
    """Role and name of what the browser hands to a screen reader."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    return [(n["role"]["value"], n.get("name", {}).get("value", "")) for n in nodes if not n["ignored"]]


def test_screen_reader_gets_formulas_as_maths_and_a_name_for_everything(open_page: OpenPage) -> None:
    page = open_started(open_page, CHAPTER)
    formulas = page.locator("article .katex").count()
    said = spoken(page)
    roles = [role for role, _ in said]
    assert roles.count("MathMLMath") == formulas > 100
    assert roles.count("MathMLFraction") > 10
    for role, name in said:
        if role in NAMED:
            assert re.search(r"\w|[−+]\d", name), role
            assert not re.search(r"[\ue000-\uf8ff]", name), "an icon is read as a letter"
    for figure in page.locator(".nn-explorable").all():
        names = [svg.get_attribute("aria-label") for svg in figure.locator("svg").all()]
        assert len(names) == len(set(names)), f"two pictures are called the same: {names}"


def test_word_on_an_answer_fills_a_place_that_screen_readers_watch(open_page: OpenPage) -> None:
    page = open_page(CHAPTER).page
    words = page.locator(".nn-question").first.get_by_role("status")
    assert [word.inner_text() for word in words.all()] == [""] * words.count()
    page.locator(".nn-question input").first.check()
    said = [word.inner_text() for word in words.all()]
    assert re.match(r"(Right|Not quite)\. ", said[0])
    assert said[1:] == [""] * (words.count() - 1)


def test_what_is_found_and_what_is_copied_is_said(open_page: OpenPage) -> None:
    page = open_page("search.html?q=gradient", permissions=["clipboard-read", "clipboard-write"]).page
    expect(page.locator(".bd-search-container").get_by_role("status")).to_have_text(re.compile(r"found \d+"))
    page.goto(page.url.replace("search.html?q=gradient", CHAPTER))
    page.locator(".copybtn").first.press("Enter")
    expect(page.locator("body > [role=status]")).to_have_text("Copied.")


def test_every_formula_is_for_ear_and_eye_and_chinese_is_called_chinese(book: Path) -> None:
    chinese = 0
    for path in files_of_book(book, "*.html"):
        html = path.read_text("utf-8")
        formulas = html.count('class="katex"')
        assert html.count("<math ") == html.count('<span class="katex-html" aria-hidden="true">') == formulas
        text = re.sub(
            r"<(head|script|style)\b.*?</\1>|<[^>]*\blang=\"zh\"[^>]*>[^<]*<", "<", html, flags=re.S
        )
        assert not re.search(r">[^<]*[\u3400-\u9fff]", text), path
        chinese += html.count('lang="zh"')
    assert chinese > 100


def test_every_page_has_a_title_and_a_description_of_its_own(book: Path) -> None:
    pages = [path.read_text("utf-8") for path in files_of_book(book, "*.html")]
    for pattern in (r"<title>(.*?)</title>", r'<meta name="description" content="([^"]*)">'):
        found = [re.search(pattern, html, re.S) for html in pages]
        said = [match[1] for match in found if match]
        assert len(set(said)) == len(pages)


@pytest.mark.parametrize("chapter", sorted(path.stem for path in (ROOT / "chapters").glob("*.ipynb")))
def test_every_chapter_has_a_card_that_others_show_for_it(book: Path, chapter: str) -> None:
    card = book / "_static" / "cards" / f"{chapter}.png"
    assert card.stat().st_size < 40_000
    with Image.open(card) as picture:
        assert picture.size == (1200, 630)


# To say what is wrong.


def test_every_page_links_to_the_statement(book: Path) -> None:
    link = re.compile(r'<div class="extra_footer">.*href="[^"]*">Accessibility</a>', re.S)
    assert [path for path in files_of_book(book, "*.html") if not link.search(path.read_text("utf-8"))] == []


@pytest.mark.parametrize(
    ("to", "repository", "leads_to"),
    [
        ("", "", ""),
        ("", "https://git.example.org/you/course", ""),
        ("", SOMEBODYS, f"{SOMEBODYS}/issues/new?"),
        ("", "https://gitlab.com/you/course", "https://gitlab.com/you/course/-/issues/new?"),
        ("you@example.org", SOMEBODYS, "mailto:you@example.org?"),
        ("https://example.org/form", "", "https://example.org/form"),
    ],
)
def test_feedback_leads_where_the_setting_says_else_to_the_issues(
    to: str, repository: str, leads_to: str
) -> None:
    link = feedback_link(to, repository, "Loss & more", "https://example.org/06_loss.html")
    assert link.startswith(leads_to)
    assert bool(link) == bool(leads_to)
    if link.endswith("?") or "?" in link:
        assert "+" not in link or not link.startswith("mailto:"), "mail programs show + as it is"
        title, body = (values[0] for values in parse_qs(urlsplit(link).query).values())
        assert "Loss & more" in title
        assert "https://example.org/06_loss.html" in body
