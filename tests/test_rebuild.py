"""Rebuilding does as little as it may and as much as it must."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import build_book
from build_book import GENERATED, remove_others
from conftest import SmallBook
from nncourse.explore.page import RECORDINGS
from notebook_runs import watch_sources

SOURCE = "import os, time\nprint(os.environ['NNCOURSE_HOME'], time.time_ns())"


def build(book: SmallBook) -> tuple[str, str]:
    """What the notebook printed, and the log of the build."""
    run = book.build("chapters/a")
    assert run.returncode == 0, run.stderr
    html = (book.folder / "_build" / "html" / "chapters" / "a.html").read_text(encoding="utf-8")
    printed = re.search(r"(\w+ \d{15,})", html)
    assert printed
    return printed[1], (book.folder / "_build" / "build.log").read_text(encoding="utf-8")


def test_a_change_in_src_runs_the_notebooks_again(small_book: SmallBook) -> None:
    small_book.write("src/library.py", "x = 1\n")
    small_book.write("src/figure.js", "// one\n")
    small_book.write_notebook("chapters/a.ipynb", SOURCE)
    first, log = build(small_book)
    assert first.startswith("page "), "kernels must know that they draw for a page"
    assert "Executed notebook" in log

    again, log = build(small_book)
    assert again == first
    assert "0 added, 0 changed, 0 removed" in log

    small_book.write("src/figure.js", "// two\n")
    again, log = build(small_book)
    assert again == first
    assert "Using cached notebook" in log, "the page is read again, from the same outputs"

    small_book.write("src/library.py", "x = 2\n")
    again, log = build(small_book)
    assert again != first
    assert "Executed notebook" in log


def test_a_page_that_is_taken_out_is_not_left_behind(tmp_path: Path) -> None:
    pages = ("a.html", "folder/b.html", "genindex.html", "_static/frame.html")
    for name in (*pages, "_sources/a.md", "_sources/folder/b.ipynb"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    remove_others(tmp_path, ["a", *GENERATED])
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")}
    assert left == {*pages, "_sources/a.md"} - {"folder/b.html"}


def test_a_figure_that_is_taken_out_is_not_left_behind(tmp_path: Path) -> None:
    recordings = tmp_path / RECORDINGS
    recordings.mkdir(parents=True)
    (tmp_path / "a.html").write_text('<div data-recording="a.kept.js?v=01234567">')
    (tmp_path / "b.html").write_text('<div data-recording="b.gone.js?v=01234567">')
    for name in ("a.kept.js", "a.gone.js", "b.gone.js"):
        (recordings / name).touch()
    remove_others(tmp_path, ["a"])
    assert [path.name for path in recordings.iterdir()] == ["a.kept.js"]


def test_a_build_that_is_stopped_is_not_taken_for_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*given: object) -> None:
        raise KeyboardInterrupt

    (tmp_path / "_toc.yml").write_text("root: index\n")
    (tmp_path / "index.md").touch()
    doctrees = tmp_path / "_build" / ".doctrees"
    doctrees.mkdir(parents=True)
    monkeypatch.setattr(build_book, "run_jupyter_book", stop)
    with pytest.raises(KeyboardInterrupt):
        build_book.main(tmp_path)
    assert not doctrees.exists()


def test_what_a_cell_may_read_runs_the_notebooks_again(tmp_path: Path) -> None:
    def cache() -> str:
        config = SimpleNamespace()
        app: Any = SimpleNamespace(srcdir=tmp_path, outdir=tmp_path / "_build" / "html")
        watch_sources(app, config)  # type: ignore[arg-type]
        return str(config.nb_execution_cache_path)

    (tmp_path / "src").mkdir()
    caches = [cache()]
    for name in ("library.py", "questions.toml", "pictures.json", "digits.npz"):
        (tmp_path / "src" / name).write_bytes(b"1")
        caches.append(cache())
    assert len(set(caches)) == 5
    (tmp_path / "src" / "figure.js").write_bytes(b"1")
    assert cache() == caches[-1], "a browser reads it, and no cell"
