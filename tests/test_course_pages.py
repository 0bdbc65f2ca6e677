"""What pages say of the course as a whole is what the course is: its terms, its questions, its times."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from bs4 import BeautifulSoup, Tag

from build_book import ROOT
from conftest import CONFIG, OpenPage
from live_cells import PYTHON, bytes_on_the_way, bytes_to_load
from nncourse.exercises import catalogue

CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
GREEK = re.compile(
    r"\\(alpha|beta|gamma|delta|(?:var)?epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau"
    r"|(?:var)?phi|chi|psi|omega|Gamma|Delta|Theta|Lambda|Phi|Psi|Omega|ell)(?![A-Za-z])"
)
"""Greek letters in mathematics, and the script l, which is one of their kind: a letter with a meaning."""


def page(book: Path, name: str) -> BeautifulSoup:
    return BeautifulSoup((book / f"{name}.html").read_text("utf-8"), "html.parser")


def words(element: Tag) -> str:
    return " ".join(element.get_text(" ").replace("’", "'").split())  # quotes are curled in pages


@pytest.fixture(scope="module")
def index(book: Path) -> dict[str, dict[str, Tag]]:
    """The entries of each part of the index by their names, in the order of the page."""
    parts = page(book, "genindex").select(".book-index > section")
    return {
        str(part["id"]): {
            words(entry.select("b, code")[0]): entry for entry in part.select(".index-entries > li")
        }
        for part in parts
    }


def test_the_index_has_every_term_of_the_glossary_with_a_place_or_another_name(
    book: Path, index: dict[str, dict[str, Tag]]
) -> None:
    terms = {
        words(term).removesuffix("#").strip() for term in page(book, "glossary").select("dl.glossary dt")
    }
    assert len(terms) > 150
    assert terms == set(index["terms"])
    for name, entry in index["terms"].items():
        if entry.i:  # "see"
            entry = index["terms"][words(entry).removeprefix(f"{name} see ")]
        assert entry.select('a[href^="chapters/"]'), name


@pytest.mark.parametrize("part", ["terms", "people", "library"])
def test_the_index_is_in_alphabetical_order(index: dict[str, dict[str, Tag]], part: str) -> None:
    plain = [re.sub(r"[^a-z0-9 ]", "", name.lower()) for name in index[part] if name.isascii()]
    assert len(plain) > 100
    assert plain == sorted(plain)


def test_the_index_knows_where_things_are(index: dict[str, dict[str, Tag]]) -> None:
    """A sample, found by hand in the book."""
    for part, name, where in (
        ("terms", "learning rate", "chapters/05_gradient_descent.html#learning-rate"),
        ("terms", "XOR", "chapters/01_neuron.html#xor-impossible"),
        ("people", "Rosenblatt, Frank", "chapters/01_neuron.html#perceptron-rule"),
        ("library", "KaimingNormal", "reference/learning.html#nncourse.initializers.KaimingNormal"),
    ):
        assert index[part][name].select(f'a[href="{where}"]'), index[part][name]
    assert "7 Kaiming: half of it is gone" in words(index["terms"]["Kaiming initialization"])
    assert not [name for name in index["people"] if re.search(r"[\\{}]|^others", name)]


def test_the_index_can_be_read_on_a_phone(open_page: OpenPage) -> None:
    site = open_page("genindex.html", width=390)
    entries = site.page.locator(".index-terms .index-entries > li")
    assert len({round(box["x"]) for i in range(0, 60, 7) if (box := entries.nth(i).bounding_box())}) == 1
    site.page.get_by_role("link", name="K", exact=True).first.click()
    assert site.page.locator("h3", has_text=re.compile("^K$")).first.is_visible()
    site.assert_quiet()


def test_the_map_of_questions_has_each_with_what_it_shows_and_its_points(book: Path) -> None:
    rows = [
        [words(cell) for cell in row.select("td")] for row in page(book, "teaching/exercise_map").select("tr")
    ]
    questions = [one for name in catalogue.names() for one in catalogue.exercise(name).questions]
    for question in questions:
        assert [f"{question.name} {question.title}", question.outcome, str(question.points)] in rows
    assert len({question.outcome for question in questions}) == len(questions)
    totals = [sum(q.points for q in catalogue.exercise(name).questions) for name in catalogue.names()]
    assert [int(row[2]) for row in rows if row and row[0].startswith("Exercise")] == totals


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_takes_about_as_long_as_it_says(chapter: Path) -> None:
    cells = json.loads(chapter.read_text("utf-8"))["cells"]
    source = {
        kind: ["".join(c["source"]) for c in cells if c["cell_type"] == kind] for kind in ("markdown", "code")
    }
    text = "\n".join(source["markdown"])
    formulas = re.findall(r"\$\$.*?\$\$", text, re.DOTALL)
    read = len(re.findall(r"[^\W\d_]{2,}", re.sub(r"\$\$.*?\$\$", " ", text, flags=re.DOTALL))) / 150
    seen = 2 * sum("figures." in code.splitlines()[-1] for code in source["code"])
    tried = 0.5 * len(formulas) + 0.5 * len(source["code"])
    said = re.search(r"\*\*Time:\*\* about (\d+) minutes", text)
    assert said
    assert int(said[1]) == pytest.approx(read + seen + tried, rel=0.25)


def test_the_citation_is_that_of_the_citation_file(book: Path) -> None:
    facts = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert facts["title"] == CONFIG["title"]
    assert [author["name"] for author in facts["authors"]] == [CONFIG["author"]]
    preface = words(page(book, "preface"))
    cited = f"{CONFIG['author']} ({CONFIG['copyright']}). {CONFIG['title']}. Version {facts['version']}."
    assert cited in preface
    assert f"title = {{{CONFIG['title']}}}" in preface


def test_the_costs_of_hosting_follow_from_the_measured_pages(book: Path) -> None:
    report = (ROOT / "docs" / "benchmarks" / "pages.md").read_text("utf-8")
    home, chapter = (
        float(re.search(rf"\| {name}: first visit, compressed \| ([\d.]+) MB", report)[1])  # type: ignore[index]
        for name in ("home", "chapter 5")
    )
    rows = [[words(cell) for cell in row.select("td")] for row in page(book, "teaching/hosting").select("tr")]
    look, read, *run = (row for row in rows if row)
    assert [float(row[1]) for row in (look, read)] == pytest.approx(
        [home + chapter, home + len(CHAPTERS) * chapter], abs=0.051
    )
    python = book / PYTHON
    assert len(run) == python.is_dir()
    for row in run:
        assert float(row[1]) - float(read[1]) == pytest.approx(bytes_on_the_way(python) / 1e6, abs=0.101)
        assert 5e6 < bytes_on_the_way(python) < min(13e6, bytes_to_load(python)), "the limit of make bench"
    assert look[2] == f"${1000 * 0.005 * (home + chapter):.0f}", (
        "half a cent for each of a thousand GB in a TB"
    )
    assert int(look[-1].replace(",", "")) == pytest.approx(100_000 / (home + chapter), abs=1)


def test_the_notation_explains_every_greek_letter_of_the_chapters() -> None:
    explained = set(GREEK.findall((ROOT / "notation.md").read_text("utf-8")))
    used = {letter for path in CHAPTERS for letter in GREEK.findall(path.read_text("utf-8"))}
    assert len(used) > 12
    assert used - explained == {"pi"}, "a letter that notation.md leaves out, other than the circle's number"


def test_a_transposed_matrix_is_written_in_one_way() -> None:
    pages = [*CHAPTERS, *(ROOT / "exercises").glob("*.ipynb"), *ROOT.glob("*.md")]
    assert [path.name for path in pages if r"\top" in path.read_text("utf-8")] == []
