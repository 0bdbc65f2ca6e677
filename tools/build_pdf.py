"""Bind the built book into one PDF: `_build/neural-networks-step-by-step.pdf`.

The pages are those of `make book`, so nothing is run or rendered twice: formulas, figures and outputs
are in them already. Here they are put one after another, with a title page and a table of contents,
what needs a screen is put into a form for paper, and Chromium prints the whole. It prints until the
page numbers that the text names are those on which things stand.

    python tools/build_pdf.py [FOLDER]
"""

from __future__ import annotations

import itertools
import posixpath
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pikepdf
import yaml
from bs4 import BeautifulSoup, Tag
from bs4.element import PreformattedString, SoupStrainer
from playwright.sync_api import Page, sync_playwright

from browser import FLAGS, HELP, find_browser
from nncourse import palette

ROOT = Path(__file__).resolve().parent.parent
STYLE = Path(__file__).with_name("pdf.css")
STYLES_OF_THE_BOOK = ("pygments.css", "katex/katex.min.css", "nncourse/explore.css")
HEADING = re.compile(r"^h[1-6]$")
PDF = "neural-networks-step-by-step.pdf"
SHORT_CODE = 12  # lines that are kept on one sheet
PRINTINGS = 4  # two are enough as a rule, three when a longer number moves a line

UNKNOWN = "000"  # as wide as most page numbers

# Family, the package it comes in, the folder there.
FONTS = (
    ("Source Serif Pro", "font_source_serif_pro", "files"),
    ("Source Sans Pro", "font_source_sans_pro", "files"),
    ("DejaVu Sans Mono", "matplotlib", "mpl-data/fonts/ttf"),
)
FACE = re.compile(r"-?(?P<weight>Regular|Semibold|Bold|)(?P<italic>It|Oblique|)")

CHAPTER = re.compile(r"chapters/(\d+)_")
SOLUTIONS = "exercises/solutions/"
RUNNING_ON = re.compile(r"exercises/(solutions/)?ex")  # short pages, which share sheets
FIGURE = re.compile(r"(?!nncourse\.)(\w+)\.(\w+)(?:\.|$)")  # named in a link: neuron.one_neuron.b=-1.5
ADDRESS = re.compile(r'<meta property="og:url" content="([^"]+)"')
REFERRING = ("aria-labelledby", "aria-describedby")
# Only on a screen: what is clicked, scrolled, copied, or shown instead of something else.
SCREEN_ONLY = (
    ".headerlink, .toctree-wrapper, .screen-only, script, style, summary, "
    ".nn-tools, .nn-status, .nn-control .nn-buttons, .nn-control input[type=range]"
)


class NotBound(Exception):
    """The book cannot be printed; the message says why."""


@dataclass
class Part:
    """Some pages of the book under one heading, as in `_toc.yml`."""

    caption: str
    pages: list[str]


@dataclass
class Book:
    """What is printed: the title page's words, and the parts."""

    folder: Path
    title: str
    author: str
    version: str
    year: str
    description: str
    repository: str
    parts: list[Part]

    @property
    def site(self) -> str:
        """Where the book is read online, as its front page says; nothing if it does not."""
        return address_of(self.read(self.parts[0].pages[0]))

    def read(self, page: str) -> str:
        """The HTML of one page of the built book."""
        path = self.folder / "_build" / "html" / f"{page}.html"
        if not path.exists():
            raise NotBound(f"{path} is missing. Build the book first: make book")
        return path.read_text("utf-8")

    @property
    def pages(self) -> list[str]:
        """The names of all pages, in order."""
        return [page for part in self.parts for page in part.pages]


def address_of(html: str) -> str:
    """Where a page is online, if it says so."""
    found = ADDRESS.search(html)
    return found[1].removesuffix("index.html") if found else ""


def read_settings(folder: Path) -> Book:
    """What `_config.yml`, `_toc.yml` and `CITATION.cff` say of the book."""
    config = yaml.safe_load((folder / "_config.yml").read_text("utf-8"))
    toc = yaml.safe_load((folder / "_toc.yml").read_text("utf-8"))
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    parts = [Part("", [toc["root"]])]
    for entry in toc.get("parts") or [{"caption": "Chapters", "chapters": toc.get("chapters", [])}]:
        parts.append(Part(entry["caption"], [chapter["file"] for chapter in entry["chapters"]]))
    if not config["sphinx"]["config"].get("exercise_solutions", True):
        for part in parts:
            part.pages = [page for page in part.pages if not page.startswith(SOLUTIONS)]
    return Book(
        folder,
        title=config["title"],
        author=config["author"],
        version=str(citation["version"]),
        year=str(config["copyright"]),
        description=" ".join(citation["abstract"].split()),
        repository=config["repository"]["url"],
        parts=[part for part in parts if part.pages],
    )


# -- One page ---------------------------------------------------------------------------------------------


def place(page: str, identity: str = "") -> str:
    """The id that an element of a page has in the whole book."""
    return f"{page}--{identity}" if identity else page


def link_target(page: str, href: str, pages: set[str]) -> str | None:
    """Where a link leads inside the book; None if it leads elsewhere."""
    url = urlsplit(href)
    if url.scheme or url.netloc:
        return None
    name = posixpath.normpath(posixpath.join(posixpath.dirname(page), url.path)) if url.path else page
    name = name.removesuffix(".html")
    figure = FIGURE.match(url.fragment)  # in some state; on paper it has one
    identity = f"nn-{figure[1]}-{figure[2]}".replace("_", "-") if figure else url.fragment
    return place(name, identity) if name in pages else None


def add(soup: BeautifulSoup, parent: Tag, name: str, text: str = "", **attributes: str) -> Tag:
    """Append a new element to another."""
    tag = soup.new_tag(
        name, attrs={key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
    )
    tag.string = text
    parent.append(tag)
    return tag


def prepare_headings(section: Tag) -> None:
    """Lower each by a level, since parts have the first, and let links lead to the heading itself.

    A section may begin at the foot of one sheet and its heading stand on the next.
    """
    for part in [section, *section.select("section")]:
        heading = part.find(HEADING)
        for label in heading.find_previous_siblings(id=True):
            heading.insert(0, label.extract())
        heading["id"] = part["id"]
        del part["id"]
    for heading in section.find_all(HEADING):
        heading.name = f"h{int(heading.name[1]) + 1}"


def write_out_controls(soup: BeautifulSoup, figure: Tag) -> None:
    """Say where the controls of a figure stand: paper has no sliders."""
    for said in figure.select("label, output"):
        said.name = "b" if said.name == "output" else "span"
        del said["for"]
    for control in figure.select(".nn-control"):
        if chosen := control.select_one("option[selected]"):
            control.select_one("select").replace_with(add(soup, control, "b", chosen.get_text()))
        elif switch := control.select_one("input[type=checkbox]"):
            state = "on" if switch.has_attr("checked") else "off"
            switch.extract()
            add(soup, control, "b", state)


def link_to_motion(soup: BeautifulSoup, figure: Tag, address: str) -> None:
    """Lead from a figure that stands still to the place where it moves."""
    if address and figure.has_attr("data-explorable"):
        values = figure.select_one(".nn-controls")
        add(soup, values, "a", "move it online", href=f"{address}#{figure['id']}", class_="nn-online")


@dataclass
class Question:
    """A quick question as paper has it: numbered, with its answers at the end of the chapter."""

    number: str
    identity: str
    answers: list[tuple[str, Tag]] = field(default_factory=list)


def write_out_question(soup: BeautifulSoup, form: Tag, number: str) -> Question:
    """Turn the radio buttons of a quick question into lettered answers."""
    question = Question(number, str(form["id"]))
    form.name = "div"
    ask = form.select_one("legend")
    ask.name = "p"
    ask["class"] = "ask"
    ask.insert(0, soup.new_tag("strong", string=f"Question {number}"))
    ask.insert(1, " ")
    options = soup.new_tag("ol", attrs={"type": "A"})
    for letter, option in zip("ABCDEFGH", form.select(".nn-option"), strict=False):
        label = option.select_one("label").extract()
        label.name = "li"
        del label["for"]
        options.append(label)
        question.answers.append((letter, option.select_one(".nn-why").extract()))
        option.decompose()
    form.append(options)
    target = f"{question.identity}-answer"
    link = add(soup, add(soup, form, "p", class_="turn"), "a", "The answer ", href=f"#{target}")
    add(soup, link, "span", UNKNOWN, class_="on-page", data_page=target)
    return question


def answers(soup: BeautifulSoup, questions: list[Question]) -> Tag:
    """The end of a chapter: what to say to each answer of its quick questions."""
    section = soup.new_tag("section", attrs={"class": "answers", "id": "answers"})
    add(soup, section, "h2", "Answers to the quick questions")
    for question in questions:
        block = add(soup, section, "div", id=f"{question.identity}-answer")
        head = add(soup, block, "p", class_="ask")
        add(soup, head, "a", f"Question {question.number}", href=f"#{question.identity}")
        listed = add(soup, block, "ul")
        for letter, why in question.answers:
            why.name = "li"
            del why["role"]
            why.insert(0, soup.new_tag("b", string=letter))
            why.insert(1, " ")
            listed.append(why)
    return section


def localize(section: Tag, page: str, pages: set[str], address: str) -> None:
    """Give ids and links of a page the form that they have in the whole book."""
    for element in section.find_all(id=True):
        element["id"] = place(page, element["id"])
    for element in section.find_all(attrs={"data-page": True}):
        element["data-page"] = place(page, element["data-page"])
    for name in REFERRING:
        for element in section.find_all(attrs={name: True}):
            element[name] = place(page, element[name])
    for element in section.find_all(attrs={"clip-path": True}):
        element["clip-path"] = element["clip-path"].replace("url(#", f"url(#{page}--")
    for picture in section.find_all("img", src=re.compile(r"^(?!\w+:)")):
        picture["src"] = posixpath.normpath(posixpath.join("html", posixpath.dirname(page), picture["src"]))
        del picture["loading"]  # all are printed, none is near
    for link in section.find_all("a", href=True):
        if target := link_target(page, link["href"], pages):
            link["href"] = f"#{target}"
        elif not urlsplit(link["href"]).scheme:
            if address:  # a page that is only on the web, such as the index
                link["href"] = posixpath.join(posixpath.dirname(address), link["href"])
            else:
                link.unwrap()


def set_formulas(section: Tag) -> None:
    """Give each formula its TeX as a description, since a PDF has no place for its MathML, and seal it.

    The tree without the many parts of formulas is searched in a fraction of the time.
    """
    for formula in section.select(".katex"):
        formula["role"] = "img"
        formula["aria-label"] = " ".join(formula.select_one("annotation").get_text().split())
        formula.select_one(".katex-mathml").decompose()
        del formula.select_one(".katex-html")["aria-hidden"]  # or nothing of it would be tagged
        formula.replace_with(PreformattedString(str(formula)))


def number_references(soup: BeautifulSoup, section: Tag, page: str) -> None:
    """After a link to another chapter say the page, for those who turn pages."""
    for link in section.select("a.reference.internal"):
        target = link["href"][1:] if link.has_attr("href") else ""
        to_page = target.partition("--")[0]
        named = link.select_one(".std-ref, .std-doc, .doc") or link.find_parent(re.compile(r"^h\d$"))
        if target and to_page != page and named and not link.select_one("code"):
            link.append(" ")
            add(soup, link, "span", UNKNOWN, class_="on-page", data_page=target)


def bind(book: Book, page: str) -> Tag:
    """One page of the built book, ready for paper."""
    html = book.read(page)
    address = address_of(html)
    soup = BeautifulSoup(html, "html.parser", parse_only=SoupStrainer("article"))
    section = soup.select_one("article > section")
    if section is None:
        raise NotBound(f"The page {page} has no text.")
    set_formulas(section)

    questions: list[Question] = []
    chapter = CHAPTER.match(page)
    for form in section.select("fieldset.nn-question"):
        label = f"{int(chapter[1])}.{len(questions) + 1}" if chapter else str(len(questions) + 1)
        questions.append(write_out_question(soup, form, label))
    for figure in section.select(".nn-explorable"):
        write_out_controls(soup, figure)
        link_to_motion(soup, figure, address)
    for element in section.select(SCREEN_ONLY):
        element.decompose()
    for details in section.select("details"):
        details.name = "div"
    for code in section.select("pre"):
        if code.get_text().count("\n") <= SHORT_CODE:
            code["class"] = "short"
    if questions:
        section.append(answers(soup, questions))

    title = section.select_one("h1")
    if chapter:
        title.insert(0, soup.new_tag("span", attrs={"class": "number"}, string=f"{int(chapter[1])}"))
        title.insert(1, " ")
    if page == book.parts[0].pages[0]:
        title.string = "About this book"
    title.insert(0, soup.new_tag("span", id=section["id"]))
    section["id"] = ""  # the page itself
    prepare_headings(section)
    localize(section, page, set(book.pages), address)
    number_references(soup, section, page)
    return section


# -- The whole --------------------------------------------------------------------------------------------


def keep_wanted_ids(body: Tag) -> None:
    """Drop the ids that nothing points to; those that stay must be different, and each link must arrive."""
    wanted = {link["href"][1:] for link in body.select('a[href^="#"]')}
    for name in REFERRING:
        wanted |= {word for element in body.find_all(attrs={name: True}) for word in element[name].split()}
    found: Counter[str] = Counter()
    for element in body.find_all(id=True):
        if element["id"] in wanted or element.name == "clippath":
            found[element["id"]] += 1
        else:
            del element["id"]
    lost = sorted(wanted - set(found))
    twice = sorted(name for name, count in found.items() if count > 1)
    if lost or twice:
        raise NotBound(f"Links that lead nowhere: {lost}; ids that stand twice: {twice}")


@dataclass
class Entry:
    """A heading in the outline, where it stands, and the headings below it."""

    title: str
    target: str
    below: list[Entry] = field(default_factory=list)

    def __iter__(self) -> Iterator[Entry]:
        yield self
        for entry in self.below:
            yield from entry


def headings(section: Tag) -> Entry:
    """The headings of a page as an outline."""
    heading = section.find(HEADING)
    words = [text for text in heading.strings if "on-page" not in text.parent.get("class", [])]
    below = [headings(child) for child in section.find_all("section", recursive=False)]
    return Entry(" ".join("".join(words).split()), heading["id"], below)


def outline(book: Book, bound: dict[str, Tag]) -> list[Entry]:
    """All headings of the book: parts, pages, sections."""
    found = [Entry("Contents", "contents")]
    for part in book.parts:
        pages = [headings(bound[page]) for page in part.pages]
        found += [Entry(part.caption, part.pages[0], pages)] if part.caption else pages
    return found


def contents(soup: BeautifulSoup, book: Book, bound: dict[str, Tag]) -> Tag:
    """The table of contents: parts, pages, and the sections of chapters."""
    table = soup.new_tag("nav", attrs={"class": "contents"})
    add(soup, table, "h1", "Contents", id="contents")

    def line(entry: Entry, kind: str) -> None:
        link = add(soup, add(soup, table, "p", class_=kind), "a", href=f"#{entry.target}")
        title = add(soup, link, "span", class_="title")
        number, _, words = entry.title.partition(" ")
        if number.isdigit():
            add(soup, title, "span", number, class_="number")
            title.append(" ")
        title.append(words if number.isdigit() else entry.title)
        add(soup, link, "span", class_="dots")
        add(soup, link, "span", UNKNOWN, class_="page", data_page=entry.target)

    for part in book.parts:
        if part.caption:
            add(soup, table, "p", part.caption, class_="part")
        for page in part.pages:
            entry = headings(bound[page])
            line(entry, "chapter")
            for section in entry.below if CHAPTER.match(page) else []:
                line(section, "section")
    return table


def title_page(book: Book) -> str:
    """What stands before the contents: the title, and the imprint on the back of its sheet."""
    title, author, version, year, site, repository = map(
        escape, (book.title, book.author, book.version, book.year, book.site, book.repository)
    )
    online = f', at <a href="{site}">{site}</a>' if site else ""
    moving = ", where a link leads to the one that moves" if site else ""
    source = (
        f'<p>The source of book, library and exercises: <a href="{repository}">{repository}</a></p>'
        if repository
        else ""
    )
    return f"""
<header class="title-page">
  <img src="html/_static/logo.svg" alt="">
  <p class="book-title">{title}</p>
  <p class="author">{author}</p>
  <p class="edition">Version {version} · {year}</p>
</header>
<div class="imprint">
  <p>© {year} {author}. Text and figures may be used and adapted under
  <a href="https://creativecommons.org/licenses/by/4.0/">CC BY 4.0</a>, code under the
  <a href="https://opensource.org/license/mit">MIT licence</a>.</p>
  {source}
  <p><strong>This book on paper.</strong> Online the figures move{online}. Here each stands as it does when
  its page is opened, with the values of its controls below it{moving}.
  The answers to the quick questions stand at the end of each chapter, the solutions of the exercises after
  the exercises.</p>
</div>
"""


def running_footers(book: Book, bound: dict[str, Tag]) -> str:
    """Each page of the book starts a new sheet and has its title at the foot; short ones share theirs."""
    names: dict[str, str] = {}
    for part in book.parts:
        for page in part.pages:
            short = RUNNING_ON.match(page)
            title = part.caption if short else headings(bound[page]).title
            name = names.setdefault(title, f"page{len(names)}")
            bound[page]["style"] = f"page: {name}"
            bound[page]["class"] = "running-on" if short else "opening"
    quoted = {name: title.replace("\\", r"\\").replace('"', r"\"") for title, name in names.items()}
    return "\n".join(
        f'@page {name} {{ @bottom-left {{ content: "{title}"; }} }}' for name, title in quoted.items()
    )


def font_faces() -> str:
    """The typefaces, from their packages, so that the book looks the same on every machine."""
    rules = []
    for family, package, folder in FONTS:
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            raise NotBound(f"The package {package}, which holds {family}, is not installed: make setup")
        name = family.replace(" ", "")
        for path in sorted(Path(spec.origin).parent.joinpath(folder).glob(f"{name}*.ttf")):
            if match := FACE.fullmatch(path.stem.removeprefix(name)):
                weight = {"Semibold": 600, "Bold": 700}.get(match["weight"], 400)
                style = "italic" if match["italic"] else "normal"
                rules.append(
                    f'@font-face {{ font-family: "{family}"; font-weight: {weight}; font-style: {style}; '
                    f'src: url("{path.as_uri()}"); }}'
                )
    return "\n".join(rules)


def assemble(book: Book) -> tuple[str, list[Entry]]:
    """The whole book as one page of HTML, and its outline."""
    soup = BeautifulSoup("", "html.parser")
    bound = {page: bind(book, page) for page in book.pages}
    main = soup.new_tag("main")
    main.append(contents(soup, book, bound))
    found = outline(book, bound)
    # Chromium notes where something stands only if a link leads there.
    index = add(soup, main, "nav", hidden="hidden")
    for entry in itertools.chain(*found):
        add(soup, index, "a", href=f"#{entry.target}")
    style = "\n".join([font_faces(), STYLE.read_text("utf-8"), running_footers(book, bound)])
    for part in book.parts:
        main.extend(bound[page] for page in part.pages)
        if part.caption:
            bound[part.pages[0]].insert(0, soup.new_tag("h1", attrs={"class": "part"}, string=part.caption))
    keep_wanted_ids(main)
    links = "".join(f'<link rel="stylesheet" href="html/_static/{name}">' for name in STYLES_OF_THE_BOOK)
    html = (
        '<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8">'
        f"<title>{escape(book.title)}</title>{links}<style>{palette.css()}{style}</style></head><body>{title_page(book)}{main}</body></html>"
    )
    return html, found


# -- Printing ---------------------------------------------------------------------------------------------


def pages_of(pdf: pikepdf.Pdf) -> dict[str, int]:
    """On which page each target of a link stands."""
    numbers = {page.obj.objgen: i for i, page in enumerate(pdf.pages, 1)}
    return {str(name)[1:]: numbers[place[0].objgen] for name, place in pdf.Root.Dests.items()}


def print_book(page: Page) -> pikepdf.Pdf:
    """Print, write the page numbers into the text, and print again until they are right."""
    named: dict[str, int] = {}
    for printing in range(PRINTINGS):
        final = printing > 0  # the first only shows what stands where
        content = page.pdf(prefer_css_page_size=True, print_background=True, tagged=final)
        pdf = pikepdf.open(BytesIO(content))
        found = pages_of(pdf)
        if found == named:
            return pdf
        named = found
        page.evaluate(
            """(pages) => {
                for (const mark of document.querySelectorAll("[data-page]"))
                    mark.textContent = pages[mark.dataset.page];
            }""",
            named,
        )
    raise NotBound(f"The page numbers still changed after {PRINTINGS} printings.")


def finish(pdf: pikepdf.Pdf, book: Book, found: list[Entry]) -> None:
    """Add what Chromium leaves out: the outline with parts, the author, how a reader opens it."""
    places: Any = pdf.Root.Dests

    def item(entry: Entry) -> pikepdf.OutlineItem:
        made = pikepdf.OutlineItem(entry.title, destination=places[f"/{entry.target}"])
        made.children.extend(map(item, entry.below))
        made.is_closed = True
        return made

    with pdf.open_outline() as tree:
        tree.root.extend(map(item, found))
    with pdf.open_metadata() as data:
        data["dc:title"] = book.title
        data["dc:creator"] = [book.author]
        data["dc:description"] = book.description
        data["dc:language"] = ["en"]
        data["dc:rights"] = "CC BY 4.0"
    pdf.Root.PageMode = pikepdf.Name.UseOutlines
    pdf.Root.ViewerPreferences = pikepdf.Dictionary(DisplayDocTitle=True)


def main(folder: Path) -> int:
    started = time.monotonic()
    program = find_browser()
    if program is None:
        raise NotBound(HELP)
    book = read_settings(folder)
    print("Printing the book ...", flush=True)
    html, found = assemble(book)
    source = folder / "_build" / "pdf.html"
    source.write_text(html, "utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        page = browser.new_page()
        page.goto(source.as_uri(), wait_until="load")
        pdf = print_book(page)
        browser.close()
    finish(pdf, book, found)
    target = folder / "_build" / PDF
    pdf.save(target, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    print(f"Printed {len(pdf.pages)} pages in {time.monotonic() - started:.1f} s: {target}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT))
    except NotBound as problem:
        sys.exit(f"\nThe PDF was not made:\n  {problem}")
    except KeyboardInterrupt:
        sys.exit("\nStopped.")
