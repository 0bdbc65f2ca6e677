"""Notebooks are kept in one form. That they run is checked too: nbval collects them beside the tests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from build_book import ROOT
from conftest import SOMEBODYS, SmallBook
from notebooks import canonical, library, notebooks

EVERY_NOTEBOOK = [path.relative_to(ROOT).as_posix() for path in notebooks()]


@pytest.mark.parametrize("name", EVERY_NOTEBOOK)
def test_notebook_is_canonical(name: str) -> None:
    stored = (ROOT / name).read_bytes().decode("utf-8")
    assert stored == canonical(stored, library()), f"{name}: run 'make format'"


def untidy_notebook() -> str:
    """What an editor leaves behind: an old format, outputs, counts, its own metadata, CRLF."""
    code = {
        "cell_type": "code",
        "source": "x = 1\r\nx\n",
        "metadata": {"tags": ["hide-input"], "collapsed": False},
        "execution_count": 7,
        "outputs": [{"output_type": "stream", "name": "stdout", "text": "1"}],
    }
    text = {"cell_type": "markdown", "source": "# Title", "metadata": {}}
    cells = [text, code, code]
    return json.dumps({"cells": cells, "metadata": {"author": "me"}, "nbformat": 4, "nbformat_minor": 4})


def test_canonical_form_has_ids_and_nothing_an_editor_adds() -> None:
    notebook = json.loads(canonical(untidy_notebook()))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    assert len({cell["id"] for cell in notebook["cells"]}) == 3
    code = notebook["cells"][1]
    assert code["outputs"] == []
    assert code["execution_count"] is None
    assert code["metadata"] == {"tags": ["hide-input"]}
    assert code["source"] == ["x = 1\n", "x"]


def test_canonical_form_stays_the_same() -> None:
    once = canonical(untidy_notebook())
    assert canonical(once) == once
    assert once.endswith("}\n")


def test_canonical_form_keeps_an_id_when_its_cell_changes() -> None:
    before = json.loads(canonical(untidy_notebook()))
    before["cells"][0]["source"] = ["# Another title"]
    after = json.loads(canonical(json.dumps(before)))
    assert [cell["id"] for cell in after["cells"]] == [cell["id"] for cell in before["cells"]]


def test_notebooks_are_found_in_both_folders() -> None:
    folders = {Path(name).parts[0] for name in EVERY_NOTEBOOK}
    assert folders <= {"chapters", "exercises"}


def test_a_repository_on_github_gives_each_notebook_a_cell_for_colab(small_book: SmallBook) -> None:
    config = small_book.folder / "_config.yml"
    small_book.configure("url", '""')
    assert library(config) == ""
    small_book.configure("url", "https://gitlab.com/somebody/their-course")
    assert library(config) == "", "Colab does not open notebooks from there"
    small_book.configure("url", SOMEBODYS)
    assert library(config) == f"git+{SOMEBODYS}@main"

    plain = canonical(untidy_notebook())
    with_cell = canonical(plain, library(config))
    title, fetch, *others = json.loads(with_cell)["cells"]
    assert [title, *others] == json.loads(plain)["cells"]
    assert fetch["source"][-1].strip() == f"%pip install --quiet git+{SOMEBODYS}@main"
    assert fetch["metadata"] == {"tags": ["remove-cell"]}, "it is nothing for a reader of the book"
    assert canonical(with_cell, library(config)) == with_cell
    assert canonical(with_cell) == plain
