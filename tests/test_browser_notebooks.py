"""The notebooks as they run in the reader's browser: JupyterLite and Pyodide, with no server behind them."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import nbformat
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, expect
from pybtex.database import parse_file

import browser_python
import build_book
from browser_notebooks import NOTE, _write_contents, plain
from browser_python import FONT_LIST, FONTS, LOCK, unpacked
from build_book import ROOT, table_of_contents
from conftest import SOMEBODYS, code_cells
from exercises import sources
from nncourse.exercises.record import FILE
from nncourse.explorables import gradient_descent
from notebooks import FOR_COLAB, canonical
from site_files import LITE

NOTEBOOKS = [page for page in table_of_contents(ROOT) if (ROOT / f"{page}.ipynb").exists()]
CHAPTER, EXERCISE = "chapters/05_gradient_descent", "exercises/ex05_gradient_descent"
PATIENCE = 120_000  # ms, with a busy machine
BUDGET = 60_000_000  # bytes of the whole book, with Python for the browser
LEFT_OF_MYST = re.compile(r"\[\]\(|\{[a-z:]+\}`|^:::|^\(.*\)=$|^```\{|\]\((?!\w+:)[^)]*\.md\b", re.MULTILINE)
# Whether the browser's storage has this text in this file.
SAVED = """([path, text]) => new Promise((done) => {
    const opening = indexedDB.open("JupyterLite Storage - /lite/");
    opening.onsuccess = () => {
        const reading = opening.result.transaction("files").objectStore("files").get(path);
        reading.onsuccess = () => done(JSON.stringify(reading.result ?? "").includes(text));
        opening.result.close();
    };
})"""


@pytest.fixture(scope="module")
def lite(book: Path) -> Path:
    """The folder of the notebooks in the built book; where there is a mirror, it is there."""
    folder = book / LITE
    if not folder.exists():
        assert not os.environ.get("PYODIDE_MIRROR"), "the mirror must do"
        pytest.skip("no Pyodide: PYODIDE_MIRROR is not set, and the official address does not answer")
    return folder


def button(book: Path, page: str) -> str:
    """The link of a page's button."""
    html = (book / f"{page}.html").read_text("utf-8")
    (link,) = re.findall(r'<a href="([^"]+)"[^>]*\bbtn-run-in-browser\b', html)
    return str(link)


@pytest.mark.parametrize("page", NOTEBOOKS)
def test_the_button_of_a_page_leads_to_its_notebook(book: Path, lite: Path, page: str) -> None:
    link = urlsplit(button(book, page))
    assert not link.netloc and not link.path.startswith("/"), "so that it works under any address"
    assert (book / page).parent.joinpath(link.path).resolve() == lite / "notebooks" / "index.html"
    (path,) = parse_qs(link.query)["path"]
    assert path == f"{page}.ipynb"
    cells = nbformat.read(lite / "files" / path, as_version=4).cells
    source = [c for c in nbformat.read(ROOT / path, as_version=4).cells if c.id != FOR_COLAB]
    assert [c.source for c in cells if c.cell_type == "code"] == [
        c.source for c in source if c.cell_type == "code"
    ]
    prose = [c.source for c in cells if c.cell_type == "markdown"]
    assert len(prose) == 1 + sum(c.cell_type == "markdown" for c in source)
    assert [found for text in prose for found in LEFT_OF_MYST.findall(text)] == []
    for target in re.findall(r"\]\(([^):]+\.ipynb)", "\n".join(prose)):
        assert (lite / "files" / path).parent.joinpath(unquote(target)).is_file()


def test_myst_is_read_in_plain_markdown() -> None:
    bibliography = parse_file(str(ROOT / "references.bib"))
    text = (
        "(a-place)=\n## A place\n\nSee {cite}`robbins1951`; {cite:t}`rumelhart1986`, in [a page](a.md).\n\n"
        ":::{admonition} A box\n:class: note\nIt says\n\nmore.\n:::\n\n$x$ in [](04_four.ipynb)"
    )
    assert plain(text, bibliography, {"04_four.ipynb": "Four"}) == (
        "## A place\n\nSee ([Robbins and Monro, 1951](https://doi.org/10.1214/aoms/1177729586)); "
        "[Rumelhart et al. (1986)](https://doi.org/10.1038/323533a0), in a page.\n\n"
        "> **A box**\n>\n> It says\n>\n> more.\n\n$x$ in [Four](04_four.ipynb)"
    )


def test_a_notebook_goes_without_its_cell_for_colab(tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A title")])
    (tmp_path / "references.bib").touch()
    (tmp_path / "one.ipynb").write_text(canonical(nbformat.writes(notebook), f"git+{SOMEBODYS}"))
    _write_contents(tmp_path / "contents", tmp_path, [tmp_path / "one.ipynb"])
    cells = nbformat.read(tmp_path / "contents" / "one.ipynb", as_version=4).cells
    assert [cell.source for cell in cells] == ["# A title", NOTE]


@pytest.mark.usefixtures("lite")
def test_the_book_with_python_fits_its_budget(book: Path) -> None:
    assert sum(file.stat().st_size for file in book.rglob("*") if file.is_file()) <= BUDGET


def test_what_pyodide_loads_is_all_there(lite: Path) -> None:
    folder = lite / "static" / "pyodide"
    packages = json.loads((folder / LOCK).read_text("utf-8"))["packages"]
    for package in packages.values():
        data = (folder / package["file_name"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == package["sha256"]
        assert {re.sub("[-_.]+", "-", name).lower() for name in package["depends"]} <= set(packages)
    matplotlib = unpacked((folder / packages["matplotlib"]["file_name"]).read_bytes())
    fonts = json.loads(matplotlib[FONT_LIST])["ttflist"]
    assert {f"{FONTS}/{font['fname']}" for font in fonts} <= set(matplotlib)
    assert "STIXGeneral" in {font["name"] for font in fonts}, "formulas ask for it, and warn without"
    for name in browser_python.PRELOADED:
        assert re.sub("[-_.]+", "-", name) in packages


@pytest.mark.parametrize(
    ("mirror", "code", "says"),
    [
        ("", 0, "No page gets the button that runs it in the browser: pyodide-lock.json is not at"),
        ("mirror", 1, "pyodide-lock.json is not the file of Pyodide"),
    ],
)
def test_a_book_is_built_without_pyodide_but_not_with_another_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    mirror: str,
    code: int,
    says: str,
) -> None:
    def run_jupyter_book(book: Path, log: Path) -> tuple[int, list[str]]:
        (book / "_build" / "html").mkdir(exist_ok=True)
        (book / "_build" / "html" / "index.html").touch()
        return 0, []

    files = {"_toc.yml": "root: index\n", "index.md": "# A book\n", "references.bib": ""}
    for name, text in (files | {"src/nncourse/__init__.py": "", f"mirror/{LOCK}": "{}"}).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("PYODIDE_MIRROR", str(tmp_path / mirror) if mirror else "")
    monkeypatch.setattr(browser_python, "OFFICIAL", "http://127.0.0.1:9/")
    monkeypatch.setattr(build_book, "run_jupyter_book", run_jupyter_book)
    assert build_book.main(tmp_path) == code
    assert says in "".join(capsys.readouterr())
    assert not (tmp_path / "_build" / "html" / LITE).exists()


@pytest.fixture(scope="module")
def reader(browser: Browser) -> Iterator[tuple[BrowserContext, list[Request]]]:
    """A reader's browser, and all that its pages and their workers ask for."""
    with browser.new_context(viewport={"width": 1280, "height": 1000}) as context:
        asked: list[Request] = []
        context.on("request", lambda request: asked.append(request))
        yield context, asked


def opened(context: BrowserContext, site: str, page: str) -> Page:
    """A notebook, reached from its page by its button."""
    tab = context.new_page()
    tab.goto(f"{site}{page}.html")
    with context.expect_page() as popup:
        tab.locator(".btn-run-in-browser").click()
    tab.close()
    notebook = popup.value
    notebook.set_default_timeout(PATIENCE)
    notebook.locator(".jp-CodeCell").first.wait_for()
    notebook.get_by_text("Python (Pyodide)").first.wait_for()  # chosen, and about to start
    return notebook


def write(notebook: Page, number: int, code: str) -> Locator:
    """Put code into a code cell, in place of what stands there."""
    cell = notebook.locator(".jp-CodeCell").nth(number)
    cell.locator(".cm-content").click()
    notebook.keyboard.press("Control+A")
    notebook.keyboard.insert_text(code)
    return cell


def run_all(notebook: Page, num_cells: int) -> None:
    """Run every cell, and wait for the last."""
    cells = notebook.locator(".jp-CodeCell")
    expect(cells).to_have_count(num_cells, timeout=PATIENCE)
    notebook.get_by_role("menuitem", name="Run", exact=True).click()
    notebook.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    expect(cells.last.locator(".jp-InputPrompt")).to_have_text(f"[{num_cells}]:", timeout=PATIENCE)


def assert_asked_nobody_else(site: str, asked: list[Request]) -> None:
    local = (site, "data:", "blob:", "about:")
    assert [request.url for request in asked if not request.url.startswith(local)] == []
    assert any(request.url.endswith("pyodide.asm.wasm") for request in asked), "workers are heard, too"


@pytest.mark.usefixtures("lite")
def test_a_chapter_runs_and_its_figures_compute_live(
    site: str, reader: tuple[BrowserContext, list[Request]]
) -> None:
    context, asked = reader
    notebook = opened(context, site, CHAPTER)
    run_all(notebook, len(code_cells(CHAPTER)))
    assert notebook.locator("[data-mime-type*=error]").all_inner_texts() == []
    waits = [request for request in asked if request.url.endswith("/api/drive")]
    assert len(waits) < 40, "the worker waits for the page each time it asks for a learner's file"

    figure = gradient_descent.learning_rate()
    shown = notebook.locator(f'[data-explorable="{figure.name}"]')
    shown.scroll_into_view_if_needed()
    slider = shown.locator('[data-control="learning_rate"]')
    slider.focus()
    notebook.keyboard.press("ArrowRight")
    notebook.keyboard.press("ArrowRight")
    rate = float(slider.get_attribute("data-value") or "nan")
    assert rate not in figure.controls["learning_rate"].grid, "the page does not know this value"
    values = {name: control.first for name, control in figure.controls.items()}
    said = figure.description(**values | {"learning_rate": rate})
    expect(shown.locator("[data-readout]")).to_have_text(said, timeout=PATIENCE)
    notebook.close()
    assert_asked_nobody_else(site, asked)


@pytest.mark.usefixtures("lite")
def test_an_exercise_is_checked_and_the_work_is_kept(
    site: str, reader: tuple[BrowserContext, list[Request]]
) -> None:
    context, asked = reader
    (exercise,) = (source for source in sources() if source.name == EXERCISE.partition("/")[2])
    question = exercise.questions[0]
    names = [cell.id for cell in code_cells(EXERCISE)]
    notebook = opened(context, site, EXERCISE)
    write(notebook, names.index(f"{question.name}-answer"), question.solution)
    own_module = 'open("own.py", "w").write("mine = 1")\nfrom own import mine'  # beside the notebook
    look = f"{own_module}\nprint(open({FILE!r}).read())"
    after = write(notebook, names.index(f"{question.name}-check") + 1, look)
    run_all(notebook, len(names))
    report = notebook.locator(".jp-CodeCell").nth(names.index(f"{question.name}-check"))
    expect(report.locator(".nn-check")).to_contain_text(f"{question.name} is right")
    record = json.loads(after.locator(".jp-OutputArea-output").first.inner_text())
    assert record == {exercise.name: {question.name: 1.0}}

    notebook.keyboard.press("Control+s")
    last_line = question.solution.splitlines()[-1].strip()
    notebook.wait_for_function(SAVED, arg=[f"{EXERCISE}.ipynb", last_line])
    notebook.reload()
    answer = notebook.locator(".jp-CodeCell").nth(names.index(f"{question.name}-answer"))
    expect(answer).to_contain_text(last_line, timeout=PATIENCE)
    notebook.close()
    assert_asked_nobody_else(site, asked)


@pytest.mark.usefixtures("lite")
def test_opened_as_a_file_it_asks_for_a_web_server(book: Path, browser: Browser) -> None:
    page = browser.new_page()
    page.goto((book / LITE / "notebooks" / "index.html").as_uri())
    expect(page.get_by_role("heading")).to_have_text("This needs a web server")
    page.close()
