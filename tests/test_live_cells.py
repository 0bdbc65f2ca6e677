"""The button "Run this page live": a page whose cells the reader changes and runs, in its own Python."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from build_book import ROOT, table_of_contents
from conftest import SOMEBODYS, Visit, code_cells, violations, visits
from exercises import sources
from live.shell import LONGEST, Shell
from live_cells import PYTHON, bytes_to_load
from nncourse.explorables import gradient_descent
from notebooks import canonical

NOTEBOOKS = [page for page in table_of_contents(ROOT) if (ROOT / f"{page}.ipynb").exists()]
CHAPTER, EXERCISE = "chapters/05_gradient_descent", "exercises/ex05_gradient_descent"
SECONDS = 120_000  # ms, for a busy machine


# ── In the page ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def python(book: Path) -> Path:
    """Python for the browser in the built book; CI has a Pyodide and therefore never skips."""
    if not bytes_to_load(book / PYTHON):
        reason = "no Pyodide: PYODIDE_MIRROR names no folder with it, and its address does not answer"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    return book / PYTHON


@pytest.fixture(scope="module")
def exercise(python: Path, browser: Browser, site: str) -> Iterator[Visit]:
    """One page of questions, live: Python takes seconds to start."""
    with visits(browser, site) as open_page:
        visit = open_page(f"{EXERCISE}.html")
        # As it is in a book with a repository: with a cell for Colab that the page does not show.
        notebook = canonical((ROOT / f"{EXERCISE}.ipynb").read_text("utf-8"), f"git+{SOMEBODYS}")
        visit.page.route("**/_sources/**", lambda route: route.fulfill(body=notebook))
        go_live(visit.page)
        yield visit


def go_live(page: Page) -> None:
    page.set_default_timeout(SECONDS)
    page.get_by_role("button", name="Run this page live").click()
    expect(status(page)).to_contain_text("Python is ready", timeout=SECONDS)


def status(page: Page) -> Locator:
    return page.locator(".live-bar [role=status]")


def cell(page: Page, number: int) -> Locator:
    return page.locator("div.cell").nth(number)


def write(page: Page, number: int, code: str) -> Locator:
    """Put code into a cell and run it with the keyboard."""
    written = cell(page, number)
    written.get_by_role("textbox").fill(code)
    written.get_by_role("textbox").press("Control+Enter")
    return written


def ended(cell: Locator, words: str = "ran in") -> None:
    expect(cell.locator(".live-state")).to_contain_text(words, timeout=SECONDS)


@pytest.mark.parametrize("name", table_of_contents(ROOT))
def test_notebooks_and_no_other_pages_have_the_button(book: Path, python: Path, name: str) -> None:
    html = (book / f"{name}.html").read_text("utf-8")
    assert html.count("data-live=") == (name in NOTEBOOKS)


def test_a_chapter_runs_and_its_figures_compute_live(browser: Browser, site: str, python: Path) -> None:
    with visits(browser, site) as open_page:
        visit = open_page(f"{CHAPTER}.html")
        asked: list[str] = []
        visit.page.context.on("request", lambda request: asked.append(request.url))  # also those of workers
        page = visit.page
        page.wait_for_load_state("networkidle")
        assert not [url for url in visit.requests if "/live/" in url or "/lite/" in url]

        figure = gradient_descent.learning_rate()
        start = {name: control.first for name, control in figure.controls.items()}
        shown = page.locator(f'[data-explorable="{figure.name}"]')
        slider = shown.locator('[data-control="learning_rate"]')
        shown.scroll_into_view_if_needed()
        expect(shown).to_have_attribute("data-ready", "page")
        slider.press("Home")
        slider.press("ArrowRight")
        kept = figure.controls["learning_rate"].grid[1]
        go_live(page)
        shown.scroll_into_view_if_needed()
        expect(shown).to_have_attribute("data-ready", "live", timeout=SECONDS)
        assert float(slider.get_attribute("data-value") or "nan") == kept

        slider.press("ArrowRight")
        rate = float(slider.get_attribute("data-value") or "nan")
        assert rate not in figure.controls["learning_rate"].grid, "the page does not know this value"
        said = figure.description(**start | {"learning_rate": rate})
        expect(shown.locator("[data-readout]")).to_have_text(said, timeout=SECONDS)

        page.get_by_role("button", name="Run all").click()
        done = "es => es.every((e) => /ran in|computed/.test(e.textContent))"
        while not page.locator(".live-state").evaluate_all(done):
            assert page.locator(".live-error").all_inner_texts() == []
            page.wait_for_timeout(200)
        visit.assert_quiet()
        assert violations(page) == []
        page.set_viewport_size({"width": 390, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        assert [url for url in asked if not url.startswith((site, "blob:", "data:"))] == []
        assert any(url.endswith("pyodide.asm.wasm") for url in asked), "workers are heard, too"


def test_a_question_is_checked_and_cells_above_run_first(exercise: Visit) -> None:
    (source,) = (one for one in sources() if one.name == EXERCISE.partition("/")[2])
    question, names = source.questions[0], [cell.id for cell in code_cells(EXERCISE)]
    answer, check = (names.index(f"{question.name}-{part}") for part in ("answer", "check"))
    page = exercise.page
    cell(page, check).get_by_role("button", name="Run").click()
    ended(cell(page, check))
    expect(cell(page, check).locator(".nn-check")).to_contain_text(f"{question.name} is not answered yet")
    ended(cell(page, 0))

    cell(page, answer).get_by_role("textbox").fill(question.solution)
    cell(page, answer).get_by_role("textbox").press("Shift+Enter")
    expect(cell(page, check).get_by_role("textbox")).to_be_focused()
    page.keyboard.press("Control+Enter")
    expect(cell(page, check).locator(".nn-check")).to_contain_text(f"{question.name} is right")


def test_an_error_shows_the_line_of_the_cell(exercise: Visit) -> None:
    failed = write(exercise.page, 0, "def f(x):\n    return x / 0\n\n\nf(1)")
    ended(failed, "error")
    shown = failed.locator(".live-error").inner_text()
    assert shown.splitlines()[1:3] == ['  File "<cell 1>", line 5, in <module>', "    f(1)"]
    assert shown.rstrip().endswith("ZeroDivisionError: division by zero")
    assert "\x1b" not in shown and "site-packages" not in shown
    expect(status(exercise.page)).to_contain_text("Cell 1 stopped with an error")


def test_a_picture_of_matplotlib_is_shown(exercise: Visit) -> None:
    code = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.title('$x^2$');"
    drawn = write(exercise.page, 0, code)
    ended(drawn)
    assert drawn.locator(".stream").count() == 0, "Matplotlib says nothing of fonts"
    picture = drawn.locator("img")
    assert picture.count() == 1 and picture.get_attribute("alt")
    assert picture.evaluate("async (e) => (await e.decode(), e.naturalWidth)") > 100


def test_tab_moves_the_selected_lines_and_loses_none(exercise: Visit) -> None:
    field = cell(exercise.page, 0).get_by_role("textbox")
    field.fill("a = 1\n\nb = 2")
    field.press("Control+a")
    field.press("Tab")
    assert field.input_value() == "    a = 1\n\n    b = 2"
    field.press("Shift+Tab")
    assert field.input_value() == "a = 1\n\nb = 2"
    field.press("Control+z")
    assert field.input_value() == "    a = 1\n\n    b = 2"


def test_changed_code_is_there_again_and_can_be_taken_back(exercise: Visit) -> None:
    page, shelf = exercise.page, "localStorage.getItem(document.querySelector('[data-shelf]').dataset.shelf)"
    for number in range(page.locator("div.cell").count()):
        if (back := cell(page, number).get_by_role("button", name="As in the book")).is_visible():
            back.click()
    assert page.evaluate(shelf) is None
    original = cell(page, 1).get_by_role("textbox").input_value()
    cell(page, 1).get_by_role("textbox").fill("mine = 1")
    page.reload()
    expect(status(page)).to_contain_text("You have changed code on this page")
    go_live(page)
    expect(status(page)).to_contain_text("Your changes are here again, in cell 2.")
    field, back = (
        cell(page, 1).get_by_role("textbox"),
        cell(page, 1).get_by_role("button", name="As in the book"),
    )
    assert field.input_value() == "mine = 1"
    back.click()
    expect(field).to_be_focused()
    expect(back).to_be_hidden()
    assert field.input_value() == original and page.evaluate(shelf) is None
    field.press("Control+z")
    assert field.input_value() == "mine = 1"


def test_the_notebook_comes_with_what_was_changed(exercise: Visit) -> None:
    page = exercise.page
    cell(page, 1).get_by_role("textbox").fill("mine = 1")
    with page.expect_download() as download:
        page.get_by_role("button", name="⤓ Download").click()
    assert download.value.suggested_filename == f"{EXERCISE.partition('/')[2]}.ipynb"
    notebook = nbformat.read(download.value.path(), as_version=4)
    nbformat.validate(notebook)
    original = nbformat.reads((ROOT / f"{EXERCISE}.ipynb").read_text("utf-8"), as_version=4)
    changed = [now for now in notebook.cells if now not in original.cells and "colab" not in now.id]
    assert [now.source for now in changed] == ["mine = 1"]


def test_where_a_browser_keeps_nothing_it_asks_before_leaving(exercise: Visit) -> None:
    page, said = exercise.page, list[str]()
    page.evaluate("() => void (Storage.prototype.setItem = () => { throw new DOMException('full') })")
    cell(page, 0).get_by_role("textbox").fill("mine = 1")
    page.once("dialog", lambda dialog: (said.append(dialog.type), dialog.dismiss()))
    page.get_by_role("link", name="Preface").first.click(no_wait_after=True)
    page.wait_for_timeout(500)
    assert said == ["beforeunload"] and EXERCISE in page.url


def test_an_endless_loop_is_stopped_and_python_comes_back(exercise: Visit) -> None:
    page = exercise.page
    write(page, 0, "kept = 1")
    endless = write(page, 1, "print('begun')\nwhile True:\n    pass")
    expect(endless.locator(".stream")).to_contain_text("begun")
    page.get_by_role("button", name="Stop").click()
    expect(status(page)).to_contain_text("Python is ready", timeout=SECONDS)
    ended(write(page, 0, "'kept' in globals()"))
    assert cell(page, 0).locator(".stream").inner_text().strip() == "False"


def test_where_python_does_not_arrive_the_page_says_so_and_stays(
    browser: Browser, site: str, python: Path
) -> None:
    with visits(browser, site) as open_page:
        page = open_page(f"{CHAPTER}.html").page
        page.context.route("**/*.wasm", lambda route: route.abort())
        page.get_by_role("button", name="Run this page live").click()
        expect(status(page)).to_contain_text("Python could not be loaded", timeout=SECONDS)
        figure = page.locator(".nn-explorable[data-explorable]").first
        figure.scroll_into_view_if_needed()
        expect(figure).to_have_attribute("data-ready", "page")
        page.context.unroute("**/*.wasm")
        page.get_by_role("button", name="Restart").click()
        expect(status(page)).to_contain_text("Python is ready", timeout=SECONDS)


def test_opened_as_a_file_the_page_says_what_to_do(book: Path, python: Path, browser: Browser) -> None:
    page = browser.new_page()
    page.goto((book / f"{EXERCISE}.html").as_uri())
    page.get_by_role("button", name="Run this page live").click()
    expect(status(page)).to_contain_text("web server")
    page.close()


# ── Without a browser ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("page", NOTEBOOKS)
def test_figures_need_nothing_but_imports(page: str) -> None:
    """A page runs no other cell before the one of a figure, whose code is not to be seen."""
    known: set[str] = set()
    for code in code_cells(page):
        tree = ast.parse(code.source)
        if "remove-input" in code.metadata.get("tags", []) and code.source.startswith("figures."):
            assert {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} <= known, code.source
        elif isinstance(tree.body[0], (ast.Import, ast.ImportFrom)):
            imports = [s for s in tree.body if isinstance(s, (ast.Import, ast.ImportFrom))]
            known |= {a.asname or a.name.partition(".")[0] for s in imports for a in s.names}


def outputs(source: str) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []
    run = Shell(sent.append, {}).run(0, source)
    with suppress(StopIteration):  # Playwright has the one loop of this thread
        while True:
            run.send(None)
    return sent


def test_a_cell_shows_what_it_prints_and_what_its_last_line_gives() -> None:
    assert "".join(output["text"] for output in outputs("print('one')\n1 + 1")) == "one\n2\n"
    assert outputs("1 + 1;") == outputs("x = 2") == outputs("") == outputs("# nothing") == []
    assert outputs("class A:\n    _repr_html_ = lambda self: '<b>x</b>'\nA()") == [
        {"cell": 0, "html": "<b>x</b>"}
    ]
    (shown,) = outputs("class A:\n    _repr_html_ = lambda self: '<b>x</b>'\nA")
    assert "class" in shown["text"], "a class is not one of its objects"
    assert outputs("import asyncio\nawait asyncio.sleep(0)\n'later'") == [{"cell": 0, "text": "'later'\n"}]


def test_a_traceback_begins_in_the_cell() -> None:
    (shown,) = outputs("import json\njson.loads('{')")
    lines = shown["error"].splitlines()
    assert lines[:3] == [
        "Traceback (most recent call last):",
        '  File "<cell 1>", line 2, in <module>',
        "    json.loads('{')",
    ]
    assert lines[-1].startswith("json.decoder.JSONDecodeError")
    (shown,) = outputs("for")
    assert shown["error"].splitlines()[-1] == "SyntaxError: invalid syntax"


def test_input_says_what_to_do_instead() -> None:
    (shown,) = outputs("input('who? ')")
    assert "write the value into the code" in shown["error"]


def test_a_cell_cannot_drown_the_page_in_text() -> None:
    text = "".join(output["text"] for output in outputs("for i in range(40_000):\n    print('much')"))
    assert text.endswith("… and more, which is not shown.\n") and len(text) < LONGEST + 100
