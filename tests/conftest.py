"""What the tests share: the built book, a local server for it, and a browser that stays local.

book          the folder of the built book; builds what is out of date first
site          its address on this machine
browser       one headless Chromium for the whole run
open_page     open_page("index.html", ...) gives a `Visit`: the page and all that it said and asked for
small_book    a book to write pages into and build, with everything real but the chapters
"""

from __future__ import annotations

import fcntl
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import nbformat
import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from hypothesis import settings
from playwright.sync_api import Browser, Page, Request, sync_playwright

from browser import FLAGS, HELP, find_browser
from notebooks import FOR_COLAB, canonical
from serve import make_server

ROOT = Path(__file__).resolve().parent.parent
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
REPOSITORY = CONFIG["repository"]["url"]
BRANCH = CONFIG["repository"]["branch"]
SOMEBODYS = "https://github.com/somebody/their-course"  # a repository for a small book

# Property tests try the same examples every time, however busy the machine.
settings.register_profile("nncourse", deadline=None, derandomize=True)
settings.load_profile("nncourse")

# The files that bring figures follow a page that has loaded. This becomes true when all are there.
FIGURES_ARRIVED = """Object.keys(window.nncourse?.recordings ?? {}).length ===
    document.querySelectorAll('[data-recording]').length"""
LOCAL_SCHEMES = ("data", "blob", "about")


def code_cells(page: str) -> list[Any]:
    """The code of a page's notebook that readers see: not the cell that fetches the library in Colab."""
    cells = nbformat.read(ROOT / f"{page}.ipynb", as_version=4).cells
    return [cell for cell in cells if cell.cell_type == "code" and cell.id != FOR_COLAB]


@pytest.fixture(scope="session")
def book(testrun_uid: str) -> Path:
    (ROOT / "_build").mkdir(exist_ok=True)
    with (ROOT / "_build" / ".lock").open("a+") as lock:
        # One process builds for all. A second build would write files that others already serve.
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.seek(0)
        if lock.read() != testrun_uid:
            build = subprocess.run(
                [sys.executable, ROOT / "tools" / "build_book.py"],
                capture_output=True,
                text=True,
                check=False,
            )
            if build.returncode:
                pytest.fail(build.stderr, pytrace=False)
            lock.truncate(0)
            lock.write(testrun_uid)
    return ROOT / "_build" / "html"


@pytest.fixture(scope="session")
def site(book: Path) -> Iterator[str]:
    with make_server(book, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = find_browser()
    if path is None:
        pytest.fail(HELP, pytrace=False)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@dataclass
class Visit:
    """A page, and what it did: each request that it made or tried, and each line on its console."""

    page: Page
    requests: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)

    def forget(self) -> None:
        """Begin anew with what is noted, for the next test of the same page."""
        for noted in (self.requests, self.refused, self.missing, self.console):
            noted.clear()

    def assert_quiet(self) -> None:
        """Nothing asked of another host, nothing missing, nothing on the console."""
        assert self.refused == []
        assert self.missing == []
        assert self.console == []


OpenPage = Callable[..., Visit]


@contextmanager
def visits(browser: Browser, site: str) -> Iterator[OpenPage]:
    """Give what `open_page` is, and close its pages at the end."""
    contexts = []

    def open_page(
        address: str,
        *,
        scheme: Literal["light", "dark"] = "light",
        width: int = 1280,
        height: int = 900,
        **options: Any,
    ) -> Visit:
        viewport: Any = {"width": width, "height": height}
        context = browser.new_context(color_scheme=scheme, viewport=viewport, **options)
        contexts.append(context)
        visit = Visit(context.new_page())

        def note(request: Request) -> None:
            visit.requests.append(request.url)
            url = urlsplit(request.url)
            if url.hostname != "127.0.0.1" and url.scheme not in LOCAL_SCHEMES:
                visit.refused.append(request.url)

        page = visit.page
        page.on("request", note)
        page.on(
            "response",
            lambda response: visit.missing.append(response.url) if response.status >= 400 else None,
        )
        page.on("console", lambda message: visit.console.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: visit.console.append(f"error: {error}"))
        page.goto(address if "://" in address else site + address, wait_until="load")
        page.wait_for_selector("html:not(.arriving)")  # a long page lays out its end a little later
        return visit

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def open_page(browser: Browser, site: str) -> Iterator[OpenPage]:
    """Open a page of the book, or any local address, in a fresh context where only this machine answers.

    Options are those of Playwright's `new_context`, with short names for the usual ones: `scheme`
    ("light" or "dark") and `width` in pixels. Context and page close with the test.
    """
    with visits(browser, site) as open_page:
        yield open_page


def assert_buttons(html: str, page: str, repository: str, *, notebook: bool) -> None:
    """A page's buttons lead to the repository, a notebook's to Binder and Colab; or there are none."""
    place = repository.removeprefix("https://github.com/")
    expected = {
        f"{repository}/edit/{BRANCH}/{page}.{'ipynb' if notebook else 'md'}",
        f"https://mybinder.org/v2/gh/{place}/{BRANCH}?urlpath=lab/tree/{page}.ipynb" if notebook else "",
        f"https://colab.research.google.com/github/{place}/blob/{BRANCH}/{page}.ipynb" if notebook else "",
    }
    found = re.findall(r'href="([^"]*(?:/edit/|mybinder\.org|colab\.research)[^"]*)"', html)
    assert set(found) == (expected - {""} if repository else set())
    assert ("issues/new" in html) == bool(repository)
    assert html.count('<p class="feedback">') == bool(repository)  # one way to say what is wrong, at the end


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong on a page: the rule, and the element that breaks it.

    It does not read MathML, so the heading of a column that is only a formula is empty to it.
    """
    return [
        f"{violation['id']}: {node['html'][:200]}"
        for violation in Axe().run(page).response["violations"]
        for node in violation["nodes"]
        if violation["id"] != "empty-table-header" or not page.locator(f"{node['target'][0]} math").count()
    ]


class SmallBook:
    """A book of a few pages with the real settings, extensions, looks and library."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("_config.yml", "references.bib"):
            shutil.copy(ROOT / name, folder)
        for name in ("_ext", "_static", "_templates"):
            (folder / name).symlink_to(ROOT / name)
        (folder / "src").mkdir()
        self.write("index.md", "# A small book\n\nIt has one page of its own, and whatever a test adds.\n")

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text, encoding="utf-8")

    def write_notebook(self, name: str, *sources: str) -> None:
        """A notebook with a title and one code cell for each source."""
        title = nbformat.v4.new_markdown_cell("# A notebook\n\nIt belongs to a test.")
        cells = [title, *map(nbformat.v4.new_code_cell, sources)]
        self.write(name, canonical(nbformat.writes(nbformat.v4.new_notebook(cells=cells))))

    def configure(self, setting: str, value: str) -> None:
        """Give one setting of `_config.yml`, named by its key, another value."""
        text = (self.folder / "_config.yml").read_text(encoding="utf-8")
        text, found = re.subn(rf"(?m)^( *{setting}:) [^#\n]*", rf"\1 {value}  ", text)
        assert found == 1, f"{setting} stands {found} times in _config.yml"
        self.write("_config.yml", text)

    def build(self, *pages: str) -> subprocess.CompletedProcess[str]:
        """Build with these pages after the front page, as `make book` would."""
        chapters = "".join(f"  - file: {page}\n" for page in pages)
        self.write(
            "_toc.yml",
            "format: jb-book\nroot: index\n" + (f"chapters:\n{chapters}" if pages else ""),
        )
        return subprocess.run(
            [sys.executable, ROOT / "tools" / "build_book.py", self.folder],
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def small_book(tmp_path: Path) -> SmallBook:
    return SmallBook(tmp_path)
