"""The built book as a reader meets it: every page, in a browser that reaches nothing but this machine."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from fontTools.ttLib import TTFont
from playwright.sync_api import Browser, Page, expect
from pygments.token import STANDARD_TYPES

from build_book import ROOT, table_of_contents
from conftest import (
    CONFIG,
    FIGURES_ARRIVED,
    LOCAL_SCHEMES,
    REPOSITORY,
    OpenPage,
    assert_buttons,
    violations,
)
from katex_math import KATEX
from lean_assets import PLAIN
from site_files import number

CHAPTER = "chapters/04_backpropagation.html"
TOC = table_of_contents(ROOT)
ALL_PAGES = [f"{page}.html" for page in (*TOC, "search", "genindex")]
# Bytes, compressed, on a first visit. A chapter carries the recordings of its figures.
TEXT_PAGE_BUDGET, CHAPTER_BUDGET = 400_000, 600_000
# Of it, what a page waits for before it shows anything: its text and its one style sheet.
FIRST_PAINT_BUDGET = 125_000
# How far things in view may jump while a page loads, as browsers measure it (cumulative layout shift).
SHIFT = """() => {
    const seen = new PerformanceObserver(() => {});
    seen.observe({ type: 'layout-shift', buffered: true });
    return seen.takeRecords().reduce((sum, shift) => sum + shift.value, 0);
}"""
MOST_SHIFT = 0.02
ALREADY_COMPRESSED = {".png", ".woff", ".woff2"}

# What axe-core does not look at: one heading of the first level and then none left out, and the
# contrast inside figures, 4.5 for words and 3 for what is drawn, where grid lines do not count.
LEVELS_OUT_OF_ORDER = """() => {
    const levels = [...document.querySelectorAll('main :is(h1, h2, h3, h4, h5, h6)')]
        .filter((e) => e.checkVisibility()).map((e) => [Number(e.nodeName[1]), e.textContent]);
    return levels.filter(([level], i) => i ? level < 2 || level > levels[i - 1][0] + 1 : level !== 1);
}"""
FAINT_IN_FIGURES = r"""() => {
    const light = (color) => {
        const [r, g, b] = color.match(/[\d.]+/g).map((v) => v / 255)
            .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
        return 0.05 + 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const faint = [];
    for (const figure of document.querySelectorAll('.nn-explorable')) {
        const paper = light(getComputedStyle(figure).backgroundColor);
        const check = (e, color, least) => {
            if (color === 'none') return;
            const ink = light(color), contrast = Math.max(ink, paper) / Math.min(ink, paper);
            if (contrast < least) faint.push(`${figure.id} ${contrast} ${e.outerHTML.slice(0, 80)}`);
        };
        for (const e of figure.querySelectorAll('text, .nn-line, .nn-points, .nn-bars, select, button')) {
            const { fill, stroke, borderTopColor } = getComputedStyle(e);
            if (e.matches('text')) check(e, fill, 4.5);
            else if (e.matches('select, button')) check(e, borderTopColor, 3);
            else check(e, e.matches('.nn-line, .nn-open') ? stroke : fill, 3);
        }
    }
    return faint;
}"""

every_page = pytest.mark.parametrize("name", ALL_PAGES)


def local_file(book: Path, url: str) -> Path:
    return book / unquote(urlsplit(url).path.lstrip("/"))


def weight(path: Path) -> int:
    data = path.read_bytes()
    return len(data) if path.suffix in ALREADY_COMPRESSED else len(gzip.compress(data))


@every_page
def test_page_asks_no_other_host_and_keeps_quiet(open_page: OpenPage, book: Path, name: str) -> None:
    visit = open_page(name)
    visit.page.wait_for_load_state("networkidle")
    visit.assert_quiet()
    for theme_asset in ("fontawesome.js", "require", "html-manager", "thebe", "mathjax"):
        assert not [url for url in visit.requests if theme_asset in url]
    # A browser may keep all that a page loads for ever: its address changes with what is in it.
    loaded = [url for url in visit.requests[1:] if urlsplit(url).scheme not in LOCAL_SCHEMES]
    assert len(loaded) > 10
    assert [url for url in loaded if urlsplit(url).query != f"v={number(local_file(book, url))}"] == []


@every_page
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_is_accessible(open_page: OpenPage, name: str, scheme: str) -> None:
    page = open_page(name, scheme=scheme).page
    for figure in page.locator(".nn-explorable").all():
        figure.scroll_into_view_if_needed()
        expect(figure).to_have_attribute("data-ready", "page")
    assert violations(page) == []
    assert page.evaluate(LEVELS_OUT_OF_ORDER) == []
    assert page.evaluate(FAINT_IN_FIGURES) == []


@every_page
def test_page_fits_a_phone(open_page: OpenPage, name: str) -> None:
    page = open_page(name, width=320, height=640).page
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert page.evaluate(SHIFT) <= MOST_SHIFT


@every_page
def test_page_says_what_it_is(open_page: OpenPage, book: Path, name: str) -> None:
    page = open_page(name).page
    title = page.title()
    assert CONFIG["title"] in title
    assert title.count(CONFIG["title"]) == 1

    def content(selector: str) -> str:
        value = page.locator(f"head meta[{selector}]").get_attribute("content")
        assert value
        return value

    description = content('name="description"')
    assert 20 < len(description) <= 160
    assert content('property="og:description"') == description
    assert content('property="og:title"') in title
    assert content('name="twitter:card"') == "summary_large_image"
    assert page.locator('head meta[property="og:image"]').count() == bool(
        REPOSITORY
    )  # see test_page_elements

    icon = page.locator('head link[rel*="icon"]').get_attribute("href")
    assert icon
    assert (book / name).parent.joinpath(icon.partition("?")[0]).exists()


@every_page
def test_footer_names_both_licences(open_page: OpenPage, name: str) -> None:
    footer = open_page(name).page.locator("footer.bd-footer-content")
    assert footer.locator('a[href*="creativecommons.org/licenses/by/4.0"]').count() == 1
    assert footer.get_by_text("MIT").count() == 1


@pytest.mark.parametrize("name", TOC)
def test_buttons_follow_from_the_repository_setting(book: Path, name: str) -> None:
    html = (book / f"{name}.html").read_text(encoding="utf-8")
    assert_buttons(html, name, REPOSITORY, notebook=(ROOT / f"{name}.ipynb").exists())


def test_search_finds_a_word_without_a_network(open_page: OpenPage) -> None:
    visit = open_page("search.html?q=stochastic")
    hit = visit.page.locator("#search-results a", has_text="Bibliography").first
    hit.wait_for()
    visit.assert_quiet()


def test_search_dialog_leads_to_the_results(open_page: OpenPage) -> None:
    visit = open_page("index.html")
    visit.page.keyboard.press("Control+k")
    visit.page.locator("dialog#pst-search-dialog input").fill("stochastic")
    visit.page.keyboard.press("Enter")
    visit.page.locator("#search-results a").first.wait_for()
    visit.assert_quiet()


def test_reader_switches_between_light_and_dark(open_page: OpenPage) -> None:
    page = open_page("index.html", scheme="dark").page
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.locator("button.theme-switch-button:visible").first.click()
    assert page.locator("html").get_attribute("data-theme") == "light"


@every_page
def test_page_stays_light(open_page: OpenPage, book: Path, name: str) -> None:
    visit = open_page(name)
    visit.page.wait_for_load_state("networkidle")
    visit.page.wait_for_function(FIGURES_ARRIVED)
    files = {path for url in visit.requests if (path := local_file(book, url)).is_file()}
    budget = CHAPTER_BUDGET if name.startswith("chapters/") else TEXT_PAGE_BUDGET
    assert sum(weight(path) for path in files) < budget
    assert visit.page.evaluate(SHIFT) <= MOST_SHIFT


@every_page
def test_page_waits_for_little(book: Path, name: str) -> None:
    html = (book / name).read_text(encoding="utf-8")
    (sheet,) = re.findall(r'<link rel="stylesheet" href="([^"?]+)', html)
    assert weight(book / name) + weight((book / name).parent / sheet) < FIRST_PAINT_BUDGET


def test_nothing_in_the_head_blocks_but_style_sheets(book: Path) -> None:
    head = (book / "index.html").read_text(encoding="utf-8").partition("</head>")[0]
    blocking = [tag for tag in re.findall(r"<script[^>]*src=[^>]*>", head) if "defer" not in tag]
    assert len(blocking) == 1, "only the 300 bytes of documentation_options.js may come first"


# What a long page skips while it arrives, and how far down the first of it is.
SKIPPED = """() => {
    const visible = ({ firstElementChild: e }) => e?.checkVisibility({ contentVisibilityAuto: true }) ?? true;
    return [...document.querySelectorAll('.later')].filter((part) => !visible(part)).length;
}"""
FIRST_LATER = "scrollY + document.querySelector('.later').getBoundingClientRect().top"


@pytest.fixture
def arriving(browser: Browser, site: str) -> Iterator[Page]:
    """A page for a long chapter, which stays as it is before the first of it that waited is laid out."""
    page = browser.new_page(viewport={"width": 1600, "height": 2000})
    page.route("**/book.js*", lambda route: route.abort())
    page.goto(site + CHAPTER)
    yield page
    page.close()


def test_a_long_page_shows_its_beginning_before_its_end_is_laid_out(arriving: Page) -> None:
    assert arriving.evaluate(SKIPPED) > 50
    assert arriving.evaluate(FIRST_LATER) > 2000
    assert arriving.evaluate(SHIFT) <= MOST_SHIFT


def test_a_long_page_that_opens_in_its_middle_is_laid_out_at_once(arriving: Page, site: str) -> None:
    arriving.reload()  # the browser returns to where the reader was
    assert arriving.evaluate(SKIPPED) == 0
    arriving.goto(f"{site}index.html")
    arriving.goto(f"{site}{CHAPTER}#summary")
    assert arriving.evaluate(SKIPPED) == 0


def test_a_long_page_skips_nothing_where_no_script_runs_or_all_have_run(
    browser: Browser, open_page: OpenPage, site: str
) -> None:
    assert open_page(CHAPTER).page.locator(".later").count() == 0
    page = browser.new_page(java_script_enabled=False)
    page.goto(site + CHAPTER)
    assert page.locator(".later").count() > 50
    assert page.locator(".later").last.evaluate("e => getComputedStyle(e).contentVisibility") == "visible"
    page.close()


def test_a_link_within_a_long_page_leads_to_where_its_section_stays(arriving: Page) -> None:
    arriving.unroute_all()  # the script comes after the page has loaded, and lays out nothing by itself
    arriving.add_script_tag(url="../_static/book.js")
    assert arriving.evaluate(SKIPPED) > 50
    arriving.locator("nav a[href='#summary']").last.evaluate("link => link.click()")
    assert arriving.evaluate(SKIPPED) == 0


def test_fonts_keep_their_date_so_that_another_build_gives_them_the_same_address(book: Path) -> None:
    fonts = list((book / "_static" / "katex" / "fonts").glob("*.woff2"))
    assert fonts
    for font in fonts:
        source = KATEX / "static" / "katex" / "fonts" / font.name
        with TTFont(font) as ours, TTFont(source) as theirs:
            assert ours["head"].modified == theirs["head"].modified, font.name


def test_code_without_a_mark_looks_as_with_one(book: Path) -> None:
    html = (book / "chapters" / "03_activations.html").read_text(encoding="utf-8")
    rules = (book / "_static" / "pygments.css").read_text(encoding="utf-8")
    for theme in ("light", "dark"):
        own = re.search(rf'"{theme}"\] \.highlight \{{.*?\bcolor: (#\w+)', rules)
        assert own, theme
        for kind in PLAIN:
            name = STANDARD_TYPES[kind]
            assert f'<span class="{name}">' not in html
            style = re.search(rf'"{theme}"\] \.highlight \.{name} \{{ (.*?) \}}', rules)
            assert style is None or style[1] == f"color: {own[1]}", f"{kind} in the {theme} theme"
