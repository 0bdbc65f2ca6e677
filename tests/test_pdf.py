"""The PDF of the book: complete, with page numbers that are right, links that arrive, nothing cut off."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pikepdf
import pypdfium2
import pytest
from bs4 import BeautifulSoup, Tag
from bs4.element import SoupStrainer

import build_pdf
from build_book import table_of_contents

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = build_pdf.read_settings(ROOT)


def squeezed(text: str) -> str:
    """Text without spaces, with one kind of apostrophe: readers of PDFs guess both."""
    return re.sub(r"\s", "", text).replace("ʼ", "’").replace("\u00ad", "")


class Printed:
    """The PDF as a reader has it."""

    def __init__(self, path: Path) -> None:
        self.file = pikepdf.open(path)
        self.view = pypdfium2.PdfDocument(path)
        self.pages = [squeezed(page.get_textpage().get_text_range()) for page in self.view]
        self.text = "".join(self.pages)
        self.places = build_pdf.pages_of(self.file)

    def links(self) -> Iterator[tuple[int, Any]]:
        """Each link with the number of its page."""
        for number, page in enumerate(self.file.pages, 1):
            for note in page.get("/Annots", []):
                if note.Subtype == "/Link":
                    yield number, note

    def links_inside(self) -> Iterator[tuple[int, str, int]]:
        """Each link that leads into the book: its page, its words, and where it leads."""
        views = [page.get_textpage() for page in self.view]
        for number, note in self.links():
            left, bottom, right, top = map(float, note.Rect)
            if "/Dest" in note and top - bottom > 1:  # less is the seam where a line went to the next page
                # Without the tails of the letters in the line above.
                words = views[number - 1].get_text_bounded(left, bottom, right, top - (top - bottom) / 4)
                yield number, squeezed(words), self.places[str(note.Dest)[1:]]

    def outline(self) -> Iterator[tuple[str, int]]:
        """Each entry of the outline with its page."""
        numbers = {page.obj.objgen: i for i, page in enumerate(self.file.pages, 1)}

        def walk(items: list[pikepdf.OutlineItem]) -> Iterator[tuple[str, int]]:
            for item in items:
                yield squeezed(item.title), numbers[item.destination[0].objgen]
                yield from walk(item.children)

        with self.file.open_outline() as outline:
            yield from walk(outline.root)

    def descriptions(self) -> set[str]:
        """What a screen reader says for what is not text."""
        return {
            str(item.Alt)
            for item in self.file.objects
            if isinstance(item, pikepdf.Dictionary) and "/Alt" in item
        }


@pytest.fixture(scope="module")
def pdf(book: Path) -> Printed:
    script = ROOT / "tools" / "build_pdf.py"
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    if run.returncode:
        pytest.fail(run.stderr, pytrace=False)
    return Printed(ROOT / "_build" / build_pdf.PDF)


@pytest.fixture(scope="module")
def articles(book: Path) -> dict[str, Tag]:
    """The text of each built page."""
    found = {}
    for page in table_of_contents(ROOT):
        html = (book / f"{page}.html").read_text("utf-8")
        found[page] = BeautifulSoup(html, "html.parser", parse_only=SoupStrainer("article"))
        for link in found[page].select(".headerlink"):
            link.decompose()
    return found


def texts(articles: dict[str, Tag], selector: str) -> list[str]:
    """What the built pages say in certain places."""
    return [squeezed(found.get_text()) for page in articles.values() for found in page.select(selector)]


def test_the_contents_name_every_page_and_the_number_where_it_stands(
    articles: dict[str, Tag], pdf: Printed
) -> None:
    first, last = pdf.places["contents"], pdf.places["index"]
    lines = [(words, leads) for number, words, leads in pdf.links_inside() if first <= number < last]
    for words, leads in lines:
        title = words.removesuffix(str(leads))
        assert title != words, f"the contents give a wrong page, not {leads}: {words}"
        assert title in pdf.pages[leads - 1]
    named = [re.sub(r"^\d(?=[A-Z])|\d+$", "", words) for words, _ in lines]
    front, *others = texts(articles, "h1")
    assert front not in named and "Aboutthisbook" in named
    assert [title for title in others if title not in named] == []


def test_the_outline_has_every_heading_and_leads_to_its_page(articles: dict[str, Tag], pdf: Printed) -> None:
    outline = list(pdf.outline())
    assert [title for title, page in outline if title not in pdf.pages[page - 1]] == []
    named = {name for title, _ in outline for name in (title, title[1:])}  # with a chapter's number
    assert [title for title in texts(articles, "h1, h2, h3")[1:] if title not in named] == []


def test_every_link_arrives_and_names_the_right_page(pdf: Printed) -> None:
    inside = list(pdf.links_inside())
    assert len(inside) > 1000
    said = [(re.search(r"\(p\.(\d+)\)$", words), leads) for _, words, leads in inside]
    assert len([1 for match, _ in said if match]) > 200
    assert [match[0] for match, leads in said if match and int(match[1]) != leads] == []
    outside = [str(note.A.URI) for _, note in pdf.links() if "/Dest" not in note]
    assert [address for address in outside if not re.match(r"https?://", address)] == []
    assert any(address.startswith("https://doi.org/") for address in outside)


def test_figures_stand_still_with_their_values_and_words(articles: dict[str, Tag], pdf: Printed) -> None:
    for said in texts(articles, ".nn-title") + texts(articles, ".nn-readout"):
        assert said in pdf.text
    figures = [figure for page in articles.values() for figure in page.select("[data-explorable]")]
    assert len(figures) > 40
    assert pdf.text.count("moveitonline") == (len(figures) if SETTINGS.site else 0)
    for control in (control for figure in figures for control in figure.select(".nn-slider, .nn-stepper")):
        assert squeezed(control.select_one("label").text + control.select_one("output").text) in pdf.text


def test_a_quick_question_is_answered_at_the_end_of_its_chapter(
    articles: dict[str, Tag], pdf: Printed
) -> None:
    for said in texts(articles, ".nn-question :is(legend, label, .nn-why)"):
        assert said in pdf.text
    for name, page in articles.items():
        if questions := page.select(".nn-question"):
            answers = pdf.pages[pdf.places[f"{name}--answers"] - 1 :]
            why = squeezed(questions[0].select_one(".nn-why").text)
            assert why in "".join(answers) and why not in "".join(pdf.pages[: -len(answers)])


def test_formulas_are_described_by_their_tex(articles: dict[str, Tag], pdf: Printed) -> None:
    formulas = {
        " ".join(tex.get_text().split()) for page in articles.values() for tex in page.select("annotation")
    }
    assert len(formulas) > 500
    assert formulas - pdf.descriptions() == set()


def test_nothing_is_so_wide_that_chromium_shrinks_the_book(pdf: Printed) -> None:
    first, last = pdf.places["contents"], pdf.places["index"]
    edges = sorted({round(float(note.Rect[0]), 1) for number, note in pdf.links() if first <= number < last})
    inches = (edges[1] - edges[0]) / 72  # how far sections are indented in the contents, 6 mm in pdf.css
    assert inches * 25.4 == pytest.approx(6, abs=0.1)


def test_nothing_stands_in_the_right_margin(pdf: Printed) -> None:
    margin = 1 - 26 / 210  # as in pdf.css
    for number, page in enumerate(pdf.view, 1):
        ink = np.asarray(page.render(scale=0.4, grayscale=True).to_pil()) < 200
        assert not ink[:, int(ink.shape[1] * margin) + 2 :].any(), (
            f"page {number} has something in its margin"
        )


def test_no_markup_and_nothing_to_click_is_left(pdf: Printed) -> None:
    for number, text in enumerate(pdf.pages, 1):
        left = re.search(
            r"\{(?:ref|doc|cite|numref|eq|term)\}|\$\\|\\frac|\\mathbf|:::|click\.|resetcopylink", text
        )
        assert not left, f"page {number}: {left}"


def test_the_file_says_what_it_is(pdf: Printed) -> None:
    assert str(pdf.file.docinfo.Title) == SETTINGS.title
    assert str(pdf.file.docinfo.Author) == SETTINGS.author
    assert str(pdf.file.Root.Lang) == "en"
    assert pdf.file.Root.MarkInfo.Marked
    assert squeezed(f"{SETTINGS.title}{SETTINGS.author}Version{SETTINGS.version}") in pdf.pages[0]
    assert ("Thesourceofbook" in pdf.pages[1]) == bool(SETTINGS.repository)


def test_every_sheet_but_the_first_has_its_number_at_the_foot(pdf: Printed) -> None:
    margin = 26 / 25.4 * 72  # as in pdf.css, in points
    feet = [squeezed(page.get_textpage().get_text_bounded(top=margin)) for page in pdf.view]
    assert feet[0] == ""
    assert [foot for number, foot in enumerate(feet[1:], 2) if not foot.endswith(str(number))] == []


def test_without_solutions_the_pdf_has_none(tmp_path: Path) -> None:
    for name in ("_config.yml", "_toc.yml"):
        text = (ROOT / name).read_text("utf-8")
        (tmp_path / name).write_text(text.replace("exercise_solutions: true", "exercise_solutions: false"))
    captions = [part.caption for part in build_pdf.read_settings(tmp_path).parts]
    assert "Exercises" in captions and "Solutions" not in captions


def test_a_link_that_leads_nowhere_is_refused() -> None:
    page = BeautifulSoup('<p id="here"><a href="#here"></a><a href="#gone"></a></p>', "html.parser")
    with pytest.raises(build_pdf.NotBound, match="gone"):
        build_pdf.keep_wanted_ids(page)


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"CHROMIUM": "/no/such/browser"}, "need Chromium, and none was found"), ({}, "Build the book first")],
)
def test_what_is_missing_is_said_in_one_message(tmp_path: Path, settings: dict[str, str], said: str) -> None:
    for name in ("_config.yml", "_toc.yml"):
        shutil.copy(ROOT / name, tmp_path)
    made = subprocess.run(
        [sys.executable, ROOT / "tools" / "build_pdf.py", tmp_path],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 1
    assert said in made.stderr and "Traceback" not in made.stderr
