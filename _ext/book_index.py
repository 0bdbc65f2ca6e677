"""The index of the book: where a term, a person or a name of the library is treated.

Nobody writes it. Terms are those of the glossary: the section that explains one comes first, then the
sections that introduce it in bold, have it in their title or speak of it often. People are the authors
whom the chapters cite. Names of the library are those of its reference. Sphinx's page ``genindex`` shows
all three, and the table of contents leads there.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from docutils import nodes
from pybtex.database import Person
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform

PAGE = "genindex"
GLOSSARY = "glossary"
OFTEN = 4  # a section that says a term so often is about it
MOST_PLACES = 5  # beside the one that explains the term
ALL_AUTHORS = 4  # of a work by more people only the first is listed
EVERYDAY = ("step",)  # a second name that is an ordinary word even in titles and in bold
NO_PROSE = (nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.raw)


@dataclass(frozen=True)
class Place:
    """Where an entry leads."""

    page: str
    anchor: str
    text: str


@dataclass
class Entry:
    """One line of the index."""

    name: str
    places: list[Place] = field(default_factory=list)  # the most important one first
    see: str = ""  # the name under which the places stand


@dataclass
class Section:
    """A section of a chapter, without the sections in it."""

    place: Place
    ids: set[str]  # of everything that a label can name
    title: str
    text: str
    bold: list[str]
    cited: list[str]

    @classmethod
    def all_of(cls, env: BuildEnvironment) -> Iterator[Section]:
        for page in sorted(env.found_docs):
            if chapter := re.match(r"chapters/(\d\d)_", page):
                for node in env.get_doctree(page).findall(nodes.section):
                    yield cls.read(page, int(chapter[1]), node)

    @classmethod
    def read(cls, page: str, chapter: int, section: nodes.section) -> Section:
        title, *rest = section.children
        own = [child for child in rest if not isinstance(child, nodes.section)]
        found: list[nodes.Node] = [node for child in own for node in child.findall()]
        # The last name is the label that an author gave: it stays when the title changes.
        anchor = "" if isinstance(section.parent, nodes.document) else section["ids"][-1]
        return cls(
            Place(page, anchor, f"{chapter} {title.astext()}"),
            {name for node in (section, *found) if isinstance(node, nodes.Element) for name in node["ids"]},
            title.astext(),
            " ".join(n.astext() for n in found if isinstance(n, nodes.Text) and not inside(n, NO_PROSE)),
            [node.astext() for node in found if isinstance(node, nodes.strong)],
            [
                key.strip()
                for node in found
                if isinstance(node, addnodes.pending_xref) and node.get("refdomain") == "cite"
                for key in node["reftarget"].split(",")
            ],
        )


def inside(node: nodes.Node, kinds: tuple[type[nodes.Node], ...]) -> bool:
    parent = node.parent
    while parent is not None and not isinstance(parent, kinds):
        parent = parent.parent
    return parent is not None


# -- The three parts --------------------------------------------------------------------------------


def glossary(env: BuildEnvironment) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the names of each term, the chief one first, and the labels of the places that explain it."""
    for item in env.get_doctree(GLOSSARY).findall(nodes.definition_list_item):
        names = [term.astext() for term in item.findall(nodes.term)]
        labels = [
            xref["reftarget"] for xref in item.findall(addnodes.pending_xref) if xref["reftype"] == "ref"
        ]
        yield names, labels


def terms(env: BuildEnvironment, sections: list[Section]) -> Iterator[Entry]:
    """Yield an entry for each term of the glossary, and one that leads there for each other name."""
    known = list(glossary(env))
    chief = {name: names[0] for names, _ in known for name in names}
    introduced = matcher({name: term for name, term in chief.items() if name not in EVERYDAY})
    # In running text a second name such as "step" is mostly an ordinary word, an abbreviation is not.
    spoken_of = matcher({name: term for name, term in chief.items() if name == term or name.isupper()})

    said: dict[str, Counter[Place]] = defaultdict(Counter)
    for section in sections:
        counts = Counter(spoken_of(section.text))
        chosen = {name for name, count in counts.items() if count >= OFTEN}
        chosen.update(*map(introduced, (section.title, *section.bold)))
        for name in chosen:
            said[name][section.place] = counts[name]

    labels = env.domaindata["std"]["anonlabels"]
    where = {(section.place.page, name): section.place for section in sections for name in section.ids}
    order = {section.place: position for position, section in enumerate(sections)}
    for names, explained_in in known:
        first = [where[labels[label]] for label in explained_in if labels.get(label) in where]
        others = [place for place, _ in said[names[0]].most_common() if place not in first]
        yield Entry(names[0], first + sorted(others[:MOST_PLACES], key=order.__getitem__))
        yield from (Entry(other, see=names[0]) for other in names[1:])


def matcher(chief: dict[str, str]) -> Callable[[str], list[str]]:
    """Return a function that finds the terms in a text; of two names in one place the longer one counts."""
    names = {(name if name.isupper() else name.lower()): term for name, term in chief.items()}
    one_of = "|".join(
        re.escape(name) if name.isupper() else f"(?i:{re.escape(name)})"  # "IN" is a term, "in" is not
        for name in sorted(names, key=len, reverse=True)
    )
    pattern = re.compile(rf"(?<![\w-])({one_of})s?(?![\w-])")
    return lambda text: [names.get(found) or names[found.lower()] for found in pattern.findall(text)]


def people(env: BuildEnvironment, sections: list[Section]) -> Iterator[Entry]:
    """Yield an entry for each author whom a chapter cites."""
    works = env.domaindata["cite"]["bibdata"].data.entries
    found: dict[str, list[Place]] = defaultdict(list)
    for section in sections:
        for key in section.cited:
            authors = works[key].persons.get("author", ())
            named = [author for author in authors if author != Person("others")]
            for author in named if authors == named and len(named) <= ALL_AUTHORS else named[:1]:
                found[name_of(author)].append(section.place)
    for name, places in found.items():
        in_text = [place for place in places if not place.text.endswith("Further reading")]
        yield Entry(name, list(dict.fromkeys(in_text or places)))


def name_of(person: Any) -> str:
    """ "Hinton, Geoffrey E.", with the accents that BibTeX writes in LaTeX."""
    last = [*person.rich_prelast_names, *person.rich_last_names, *person.rich_lineage_names]
    first = [*person.rich_first_names, *person.rich_middle_names]
    return ", ".join(" ".join(map(str, names)) for names in (last, first) if names)


def library(env: BuildEnvironment) -> Iterator[Entry]:
    """Yield an entry for each name that the reference explains; its places say whose it is."""
    found: dict[str, list[Place]] = defaultdict(list)
    for full, thing in env.domains["py"].objects.items():
        owner, _, name = full.rpartition(".")
        if thing.objtype == "attribute":
            continue
        shown = f"{name}()" if thing.objtype in ("function", "method") else name
        whose = "module" if thing.objtype == "module" else owner
        found[shown].append(Place(thing.docname, thing.node_id, whose))
    for name, places in found.items():
        yield Entry(name, sorted(places, key=lambda place: place.text.lower()))


# -- The page ---------------------------------------------------------------------------------------


def sorting(name: str) -> str:
    """Without accents, capitals and signs: "3σ rule" stands before A, "L2" among the L."""
    plain = unicodedata.normalize("NFKD", name).lower()
    return "".join(sign for sign in plain if sign.isalnum() or sign == " ")


def by_letter(entries: Iterator[Entry]) -> list[tuple[str, list[Entry]]]:
    """Group entries under the letter they begin with; what begins with none comes first."""
    listed = sorted(entries, key=lambda entry: (sorting(entry.name), entry.name))

    def letter(entry: Entry) -> str:
        first = sorting(entry.name)[:1].upper()
        return first if first.isalpha() else "0–9"

    return [(key, list(group)) for key, group in groupby(listed, letter)]


def fill_page(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    if pagename != PAGE:
        return
    sections = list(Section.all_of(app.env))
    pathto: Callable[[str], str] = context["pathto"]

    def address(place: Place) -> str:
        return pathto(place.page) + (f"#{place.anchor}" if place.anchor else "")

    def identity(name: str) -> str:
        return str(nodes.make_id(f"entry-{name}"))

    parts = [
        ("Terms", "terms", terms(app.env, sections) if GLOSSARY in app.env.found_docs else iter(())),
        ("People", "people", people(app.env, sections)),
        ("The library", "library", library(app.env)),
    ]
    context["index_parts"] = [(title, name, by_letter(entries)) for title, name, entries in parts]
    context["address"] = address
    context["identity"] = identity


class AddToContents(SphinxTransform):
    """Let the table of contents end with the index, which has no source that _toc.yml could name."""

    default_priority = 110  # after sphinx_external_toc has made the table of contents

    def apply(self, **kwargs: Any) -> None:
        toctrees = list(self.document.findall(addnodes.toctree))
        if toctrees and self.env.docname == self.config.root_doc:
            toctrees[-1]["entries"].append(("Index", PAGE))


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_transform(AddToContents)
    app.connect("html-page-context", fill_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
