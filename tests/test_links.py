"""Every link leads to a page, a place in it, or a figure in a state that it has; every page is found."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from functools import cache
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from build_book import ROOT, table_of_contents
from check_links import check_buttons, file_behind
from conftest import SOMEBODYS, SmallBook
from figure_links import mistakes
from nncourse.explore.page import RECORDINGS
from site_files import files_of_book

GENERATED = {"genindex", "search"}
NOT_PAGES = {"CHANGELOG.md", "CONTRIBUTING.md", "README.md"}
LINK = re.compile(r'<(?:a|link|img|script)\b[^>]*?\s(?:href|src)="([^"]*)"')
FIGURE = re.compile(r'data-explorable="([^"]+)" data-recording="([^"?]+)')
RECORDING = re.compile(r"= (\{.*\});")
STATE = re.compile(r"[a-z0-9_]+\.[a-z0-9_]+")
UNFINISHED = re.compile(r"\b(?:TODO|TBD|FIXME|XXX)\b|lorem ipsum|example/nncourse", re.IGNORECASE)


@cache
def text_of(page: Path) -> str:
    return page.read_text("utf-8")


@cache
def places(page: Path) -> set[str]:
    return set(map(unescape, re.findall(r'\sid="([^"]+)"', text_of(page))))


@cache
def figures(page: Path, book: Path) -> dict[str, dict[str, Any]]:
    """The specifications of a page's figures, as their recordings bring them."""
    scripts = {name: text_of(book / RECORDINGS / file) for name, file in FIGURE.findall(text_of(page))}
    return {name: json.loads(RECORDING.findall(script)[0])["spec"] for name, script in scripts.items()}


def links(page: Path) -> list[str]:
    """The links of a page into the book."""
    return [link for found in LINK.findall(text_of(page)) if not urlsplit(link := unescape(found)).scheme]


def wrong_with(page: Path, link: str, book: Path) -> list[str]:
    """What is wrong with a link of a page, if anything."""
    path, _, fragment = link.partition("#")
    target = (page.parent / unquote(urlsplit(path).path)).resolve() if path else page
    if not target.is_file():
        return [f"{link}: there is no such file"]
    if STATE.match(fragment) and target.suffix == ".html" and fragment not in places(target):
        return [f"{link}: {mistake}" for mistake in mistakes(fragment, figures(target, book))]
    if fragment and target.suffix == ".html" and unquote(fragment) not in places(target):
        return [f"{link}: there is no such place on the page"]
    return []


@pytest.mark.parametrize("name", [*table_of_contents(ROOT), *sorted(GENERATED)])
def test_every_link_into_the_book_leads_somewhere(book: Path, name: str) -> None:
    page = book / f"{name}.html"
    found = links(page)
    assert len(found) > 40, "a page has at least its sidebar"
    assert [wrong for link in found for wrong in wrong_with(page, link, book)] == []


def test_the_plan_for_teachers_opens_figures_in_a_state(book: Path) -> None:
    states = [link.partition("#")[2] for link in links(book / "teaching" / "course.html")]
    assert len([state for state in states if STATE.match(state)]) > 40


SLIDER = {"kind": "slider", "name": "rate", "grid": [0.1, 0.25, 1.0]}
CHOICE = {"kind": "choice", "name": "net", "grid": ["2", "6 + 4"]}
TOGGLE = {"kind": "toggle", "name": "on", "grid": [False, True]}
SMALL = {"a.b": {"name": "a.b", "controls": [SLIDER, CHOICE, TOGGLE]}}


@pytest.mark.parametrize(
    "state", ["a.b", "a.b.rate=0.25", "a.b.rate=1", "a.b.net=6%20%2B%204&a.b.on=true&a.b.rate=0.1"]
)
def test_a_figure_takes_the_states_that_it_has(state: str) -> None:
    assert mistakes(state, SMALL) == []


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ("a.c", "no figure a.c"),
        ("a.c.rate=1", "no figure a.c"),
        ("a.b.speed=1", "a.b has no control speed, only rate, net, on"),
        ("a.b.rate=0.2", "a.b.rate cannot be 0.2, only one of 0.1, 0.25, 1.0"),
        ("a.b.rate=", "a.b.rate cannot be "),
        ("a.b.rate=fast", "a.b.rate cannot be fast"),
        ("a.b.net=4", "a.b.net cannot be 4"),
        ("a.b.net=6 + 4", "a.b.net cannot be 6   4"),  # an address needs %2B for a plus
        ("a.b.on=True", "a.b.on cannot be True"),
        ("a.b.rate=1&a.b.on=yes", "a.b.on cannot be yes"),
    ],
)
def test_a_state_that_a_figure_has_not_is_named(state: str, says: str) -> None:
    (mistake,) = mistakes(state, SMALL)
    assert says in mistake


def test_every_source_of_a_page_is_in_the_table_of_contents() -> None:
    listed = set(table_of_contents(ROOT))
    folders = [ROOT / name for name in ("chapters", "exercises", "reference", "teaching")]
    sources = [path for path in ROOT.glob("*.md") if path.name not in NOT_PAGES]
    sources += [path for folder in folders for kind in ("md", "ipynb") for path in folder.rglob(f"*.{kind}")]
    found = {
        path.relative_to(ROOT).with_suffix("").as_posix()
        for path in sources
        if not {"source", ".ipynb_checkpoints"} & set(path.parts)
    }
    assert found == listed


def test_every_page_is_in_the_sidebar_and_no_other_page_was_built(book: Path) -> None:
    sidebar = text_of(book / "index.html").partition('id="pst-primary-sidebar"')[2].partition("<main")[0]
    listed = {unescape(link).removesuffix(".html") for link in re.findall(r'href="([^"#:]+\.html)"', sidebar)}
    pages = {
        page.relative_to(book).with_suffix("").as_posix()
        for page in files_of_book(book, "*.html")
        if "_static" not in page.parts
    }
    assert listed == pages - {"index", "search"}  # to which logo and search button lead
    assert pages == set(table_of_contents(ROOT)) | GENERATED


@pytest.mark.parametrize("name", table_of_contents(ROOT))
def test_no_page_is_unfinished(book: Path, name: str) -> None:
    article = text_of(book / f"{name}.html").partition("<article")[2].partition("</article>")[0]
    assert len(re.sub(r"<[^>]+>", "", article).split()) > 25
    assert UNFINISHED.findall(article) == []


class Answers(BaseHTTPRequestHandler):
    """A web where /good answers, /shut refuses programs, and a hub starts one branch and not the other."""

    FOUND = ("/good", "/o/r/blob/main/a.ipynb", "/hub/build/gh/o/r/main", "/hub/build/gh/o/r/broken")

    def do_HEAD(self) -> None:
        self.send_response(403 if self.path == "/shut" else 200 if self.path in self.FOUND else 404)
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()
        if self.path.startswith("/hub/"):
            end = "failed" if self.path.endswith("broken") else "ready"
            for phase in ("building", end):
                event = {"phase": phase, "message": f"{phase} it"}
                self.wfile.write(f":heartbeat\n\ndata: {json.dumps(event)}\n\n".encode())

    def log_message(self, *args: object) -> None:
        pass


def test_linkcheck_names_the_link_that_does_not_answer(small_book: SmallBook) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{web.server_port}"
        text = f"# Links\n\n[One]({address}/good), [two]({address}/gone), and\n[three]({address}/shut).\n"
        small_book.write("index.md", text)
        small_book.write("_toc.yml", "format: jb-book\nroot: index\n")
        run = subprocess.run(
            [sys.executable, ROOT / "tools" / "check_links.py", small_book.folder],
            capture_output=True,
            text=True,
            check=False,
        )
        web.shutdown()
    assert run.returncode == 1, run.stdout + run.stderr
    silent, _, refused = run.stdout.partition("These refuse programs")
    assert re.findall(r"(?m)^  (\S+): (http\S+)$", silent) == [("index.md:3", f"{address}/gone")]
    assert f"{address}/shut" in refused and "good" not in run.stdout
    assert "Asked 3 external links; 1 do not answer." in run.stdout


@pytest.mark.parametrize(
    "link",
    [
        f"{SOMEBODYS}/edit/main/chapters/a.ipynb",
        "https://mybinder.org/v2/gh/somebody/their-course/main?urlpath=lab/tree/chapters/a.ipynb",
        "https://colab.research.google.com/github/somebody/their-course/blob/main/chapters/a.ipynb",
    ],
)
def test_a_button_leads_to_a_file_of_the_repository(link: str) -> None:
    assert file_behind(link, SOMEBODYS, "main") == f"{SOMEBODYS}/blob/main/chapters/a.ipynb"
    assert file_behind(f"{SOMEBODYS}/issues", SOMEBODYS, "main") == ""


def test_a_button_that_leads_nowhere_is_named(
    small_book: SmallBook, capsys: pytest.CaptureFixture[str]
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{web.server_port}"
        small_book.configure("url", f"{address}/o/r")
        small_book.configure("binderhub_url", f"{address}/hub")
        buttons = [
            f"{address}/hub/v2/gh/o/r/main?urlpath=lab/tree/a.ipynb",
            f"{address}/o/r/edit/main/a.ipynb",
        ]
        page = "".join(f'<a class="btn" href="{button}">' for button in buttons)
        small_book.write("_build/html/a.html", page)
        assert check_buttons(small_book.folder, start=True) == []
        small_book.write("_build/html/b.html", page.replace("a.ipynb", "b.ipynb"))
        assert check_buttons(small_book.folder, start=False) == [
            f"{address}/o/r/blob/main/b.ipynb: HTTP Error 404: Not Found"
        ]
        (small_book.folder / "_build" / "html" / "b.html").unlink()
        small_book.configure("branch", "broken")
        small_book.write("_build/html/a.html", page.replace("main", "broken"))
        assert f"{address}/hub/build/gh/o/r/broken: failed it" in check_buttons(small_book.folder, start=True)
        web.shutdown()
    assert "Asked for 2 files behind buttons; 1 wrong." in capsys.readouterr().out
