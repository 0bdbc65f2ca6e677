"""What pages about the course say of it, read from where it stands, so that they cannot be out of date.

``{study-times}``   how long each chapter and its exercise take, and what there is to move and to answer
``{exercise-map}``  every question of the exercises: what it shows that one can do, and its points
``{citation}``      how to cite the course, from CITATION.cff
``{hosting-costs}`` what a million readers a month cost, from the measured sizes of the pages
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import ReferencesResolver, SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

import live_cells
from nncourse.exercises import catalogue

TIME = re.compile(r"\*\*Time:\*\* about (\d+) minutes")
FIGURE = re.compile(r"^figures\.\w+\(\)$", re.MULTILINE)
QUESTION = re.compile(r'^ask\("', re.MULTILINE)
FIRST_VISIT = re.compile(
    r"^\| ([\w ]+): first visit, compressed \| ([\d.]+) MB in (\d+) requests", re.MULTILINE
)
HOST = re.compile(r"^\[(.+)\]\((\S+)\) \| ([\d.]+) \| ([\d.]+)$", re.MULTILINE)
MILLION = 1_000_000


class PageLink(nodes.Inline, nodes.TextElement):
    """A link to a place of the book that becomes an address when its page is written."""


class ResolvePageLinks(SphinxPostTransform):
    default_priority = ReferencesResolver.default_priority - 1

    def run(self, **kwargs: Any) -> None:
        for link in list(self.document.findall(PageLink)):
            address = self.app.builder.get_relative_uri(self.env.docname, link["page"])
            if self.app.builder.format == "html" and link["anchor"]:
                address += f"#{link['anchor']}"
            link.replace_self(nodes.reference("", link.astext(), refuri=address, internal=True))


class FactsDirective(SphinxDirective):
    """A directive that reads files of the book, and is read again when they change."""

    @property
    def book(self) -> Path:
        return Path(self.env.srcdir)

    def cells(self, notebook: Path) -> list[str]:
        """The sources of a notebook's cells."""
        self.env.note_dependency(str(notebook))
        return ["".join(cell["source"]) for cell in json.loads(notebook.read_text("utf-8"))["cells"]]

    def minutes(self, notebook: Path) -> int:
        """How long a notebook says that it takes."""
        said = TIME.search("\n".join(self.cells(notebook)))
        if not said:
            raise self.error(f"{notebook.name} does not say how long it takes: **Time:** about … minutes.")
        return int(said[1])

    def title(self, notebook: Path) -> str:
        return self.cells(notebook)[0].partition("\n")[0].removeprefix("# ")


class StudyTimes(FactsDirective):
    def run(self) -> list[nodes.Node]:
        rows: list[list[nodes.Node | str]] = []
        sums = [0, 0, 0, 0]
        for chapter in sorted((self.book / "chapters").glob("*.ipynb")):
            exercise = next((self.book / "exercises").glob(f"ex{chapter.name[:2]}_*.ipynb"))
            cells = self.cells(chapter)
            figures = sum(bool(FIGURE.search(cell)) for cell in cells)
            questions = sum(bool(QUESTION.search(cell)) for cell in cells)
            numbers = [self.minutes(chapter), self.minutes(exercise), figures, questions]
            sums = [total + number for total, number in zip(sums, numbers, strict=True)]
            name = f"{int(chapter.name[:2])} {self.title(chapter)}"
            rows.append([PageLink("", name, page=f"chapters/{chapter.stem}", anchor=""), *shown(*numbers)])
        rows.append(["All", *shown(*sums)])
        return [table(["Chapter", "Reading", "Exercise", "Figures", "Questions"], rows)]


def shown(reading: int, exercise: int, figures: int, questions: int) -> list[str]:
    def time(minutes: int) -> str:
        return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.0f} h"

    return [time(reading), time(exercise), str(figures), str(questions)]


class ExerciseMap(FactsDirective):
    def run(self) -> list[nodes.Node]:
        sections: list[nodes.Node] = []
        for short in catalogue.names():
            exercise = catalogue.exercise(short)
            page = f"exercises/{exercise.name}"
            minutes = self.minutes(self.book / f"{page}.ipynb")
            self.env.note_dependency(str(self.book / "src" / "nncourse" / "exercises" / f"{short}.json"))
            rows: list[list[nodes.Node | str]] = []
            for question in exercise.questions:
                count = "point" if question.points == 1 else "points"
                heading = f"{question.name} · {question.title} · {question.points} {count}"
                name = f"{question.name} {question.title}"
                link = PageLink("", name, page=page, anchor=nodes.make_id(heading))
                rows.append([link, question.outcome, str(question.points)])
            total = sum(question.points for question in exercise.questions)
            whole = PageLink("", f"Exercise {int(short[2:])}", page=page, anchor="")
            rows.append([whole, f"about {minutes} minutes", str(total)])
            title = f"Exercise {int(short[2:])}: {exercise.title}"
            section = nodes.section("", nodes.title("", title), ids=[short])
            section += table(["Question", "Shows that one can", "Points"], rows)
            sections.append(section)
        return sections


def table(heading: Iterable[nodes.Node | str], rows: Iterable[list[nodes.Node | str]]) -> nodes.table:
    def row(cells: Iterable[nodes.Node | str]) -> nodes.row:
        entries = []
        for cell in cells:
            paragraph = nodes.paragraph("", "", nodes.Text(cell) if isinstance(cell, str) else cell)
            entries.append(nodes.entry("", paragraph))
        return nodes.row("", *entries)

    head = row(heading)
    columns = [nodes.colspec(colwidth=1) for _ in head.children]
    body = nodes.tbody("", *map(row, rows))
    return nodes.table("", nodes.tgroup("", *columns, nodes.thead("", head), body, cols=len(columns)))


class HostingCosts(FactsDirective):
    """What readers do, the megabytes of each, the dollars for a million, and how many share 100 GB.

    The content lists hosts, ``[name](address) | dollars for a GB | dollars for 10 000 requests``. Python in
    the page counts once, and only in a book that has it.
    """

    has_content = True

    def run(self) -> list[nodes.Node]:
        report = self.book / "docs" / "benchmarks" / "pages.md"
        self.env.note_dependency(str(report))
        measured = {
            page: (float(megabytes), int(requests))
            for page, megabytes, requests in FIRST_VISIT.findall(report.read_text("utf-8"))
        }
        home, chapter = measured["home"], measured["chapter 5"]
        chapters = len(list((self.book / "chapters").glob("*.ipynb")))
        readers = {
            "looks at the first page and a chapter": (1, 0.0),
            "reads all chapters": (chapters, 0.0),
        }
        folder = Path(self.env.app.outdir) / live_cells.PYTHON
        self.env.note_dependency(str(folder / live_cells.CORE[0]))
        if size := live_cells.bytes_on_the_way(folder):
            readers["reads all chapters and runs Python in the page"] = (chapters, size / MILLION)
        hosts = HOST.findall("\n".join(self.content))
        names = [nodes.reference("", name, refuri=address) for name, address, _, _ in hosts]
        rows: list[list[nodes.Node | str]] = []
        for does, (visited, python) in readers.items():
            megabytes = home[0] + visited * chapter[0] + python
            requests = home[1] + visited * chapter[1]
            bills = [
                MILLION * (megabytes / 1000 * float(gigabyte) + requests / 10_000 * float(many))
                for *_, gigabyte, many in hosts
            ]
            share = f"{100_000 / megabytes:,.0f}"
            rows.append([does, f"{megabytes:.1f}", *(f"${bill:,.0f}" for bill in bills), share])
        return [table(["Each reader", "MB each, TB in all", *names, "Readers in 100 GB"], rows)]


class Citation(FactsDirective):
    """A line to read and a BibTeX entry to copy. The address is the book's, else the repository's, if any."""

    def run(self) -> list[nodes.Node]:
        path = self.book / "CITATION.cff"
        self.env.note_dependency(str(path))
        facts = yaml.safe_load(path.read_text("utf-8"))
        authors = " and ".join(author["name"] for author in facts["authors"])
        year, version = self.config.copyright, facts["version"]
        address = self.config.html_baseurl or self.config.html_theme_options.get("repository_url")
        line = f"{authors} ({year}). {facts['title']}. Version {version}. {address or ''}".strip()
        fields = {"author": f"{{{authors}}}", "title": facts["title"], "year": year, "version": version}
        if address:
            fields["url"] = address
        entry = ",\n".join(f"  {name:<7} = {{{value}}}" for name, value in fields.items())
        code = f"@misc{{nncourse,\n{entry},\n}}"
        return [nodes.paragraph("", line), nodes.literal_block(code, code, language="bibtex")]


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_node(PageLink)
    app.add_post_transform(ResolvePageLinks)
    app.add_directive("study-times", StudyTimes)
    app.add_directive("exercise-map", ExerciseMap)
    app.add_directive("citation", Citation)
    app.add_directive("hosting-costs", HostingCosts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
