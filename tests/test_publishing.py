"""The course away from here: on any web server, in Binder, in Colab, and in the workflows that publish it."""

from __future__ import annotations

import re
import subprocess
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from playwright.sync_api import Browser

from build_book import ROOT, table_of_contents
from conftest import BRANCH, FIGURES_ARRIVED, SOMEBODYS, SmallBook, visits
from serve import make_server
from site_files import CHECKSUMS, number, stamp

TOC = table_of_contents(ROOT)
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
REPO2DOCKER_READS = {"requirements.txt", "runtime.txt"}


def pins(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([\w-]+)==(\S+)", path.read_text("utf-8"), re.MULTILINE))


# Any web server.


def test_the_checksums_are_those_of_every_file(book: Path) -> None:
    command = ["sha256sum", "--check", "--strict", "--quiet", CHECKSUMS]
    checked = subprocess.run(command, cwd=book, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    listed = [line.split("  ", 1)[1] for line in (book / CHECKSUMS).read_text("utf-8").splitlines()]
    assert listed == sorted(listed)
    files = {file.relative_to(book).as_posix() for file in book.rglob("*") if file.is_file()}
    # Names that begin with a dot are for tools; GitHub Pages leaves them out.
    assert set(listed) == {file for file in files if not file.startswith(".")} - {CHECKSUMS}
    assert ".nojekyll" in files


def test_an_address_changes_with_all_that_it_brings(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    font, fonts, style = tmp_path / "a b.woff", tmp_path / "fonts.css", tmp_path / "deep" / "style.css"
    page = tmp_path / "deep" / "page.html"
    font.write_bytes(b"one")
    fonts.write_text("@font-face { src: url('a%20b.woff?old') } i { background: url(data:x) url(#id) }")
    style.write_text('@import "../fonts.css";')
    untouched = (
        '<link rel="next" href="page.html"><a href="style.css">source</a><img src="no.svg">'
        '<img src="data:image/svg+xml,url"><script src="https://example.org/a.js"></script>'
    )
    page.write_text(f'<link rel="stylesheet" href="style.css?digest=1">{untouched}')

    def stamped() -> str:
        stamp(tmp_path)
        assert f"url('a%20b.woff?v={number(font)}')" in fonts.read_text()
        assert "url(data:x) url(#id)" in fonts.read_text()
        assert style.read_text() == f'@import "../fonts.css?v={number(fonts)}";'
        assert page.read_text() == f'<link rel="stylesheet" href="style.css?v={number(style)}">{untouched}'
        return page.read_text()

    first = stamped()
    assert stamped() == first
    font.write_bytes(b"two")
    assert stamped() != first


def test_the_book_works_in_a_folder_of_a_site(book: Path, browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "sub-path").symlink_to(book)
    with make_server(tmp_path, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with visits(browser, f"http://127.0.0.1:{server.server_port}/some/sub-path/") as open_page:
            chapter = open_page("chapters/05_gradient_descent.html")
            chapter.page.wait_for_function(FIGURES_ARRIVED)
            search = open_page("search.html?q=stochastic")
            search.page.locator("#search-results a").first.wait_for()
            for visit in (chapter, search):
                visit.assert_quiet()
                paths = {urlsplit(url).path for url in visit.requests if url.startswith("http")}
                assert [path for path in paths if not path.startswith("/some/sub-path/")] == []
            next_page = chapter.page.locator('a[rel="next"], a.right-next').first
            next_page.click()
            assert "/some/sub-path/chapters/06" in chapter.page.url
        server.shutdown()


# Launch links.


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of the book, empty, as somebody's repository publishes them."""
    book = SmallBook(tmp_path_factory.mktemp("published"))
    book.configure("url", SOMEBODYS)
    book.configure("execute_notebooks", '"off"')
    book.configure("html_domain_indices", "false\n    html_use_index: false")  # which needs what is in pages
    for page in TOC:
        if (ROOT / f"{page}.ipynb").exists():
            book.write_notebook(f"{page}.ipynb")
        else:
            book.write(f"{page}.md", "# A page\n\nIt belongs to a test.\n")
    run = book.build(*TOC[1:])
    assert run.returncode == 0, run.stderr
    return book.folder / "_build" / "html"


def files_behind(html: str) -> Iterator[tuple[str, str]]:
    """Where the buttons of a page lead: to what, and to which file of the repository."""
    for link in re.findall(r'href="(https://[^"]+)"', html):
        url = urlsplit(link)
        if url.hostname == "mybinder.org":
            assert url.path == f"/v2/gh/{urlsplit(SOMEBODYS).path[1:]}/{BRANCH}"
            yield "Binder", parse_qs(url.query)["urlpath"][0].removeprefix("lab/tree/")
        elif url.hostname == "colab.research.google.com":
            place = f"/github{urlsplit(SOMEBODYS).path}/blob/{BRANCH}/"
            assert url.path.startswith(place)
            yield "Colab", url.path.removeprefix(place)
        elif link.startswith(f"{SOMEBODYS}/edit/{BRANCH}/"):
            yield "edit", link.removeprefix(f"{SOMEBODYS}/edit/{BRANCH}/")


def test_every_launch_link_leads_to_a_file_of_the_repository(published: Path) -> None:
    tracked = set(subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines())
    for name in TOC:
        html = (published / f"{name}.html").read_text("utf-8")
        found = dict(files_behind(html))
        notebook = (ROOT / f"{name}.ipynb").exists()
        assert set(found) == ({"Binder", "Colab", "edit"} if notebook else {"edit"}), name
        assert set(found.values()) == {f"{name}.{'ipynb' if notebook else 'md'}"}
        assert set(found.values()) <= tracked
        assert f'href="{SOMEBODYS}"' in html
        assert f'href="{SOMEBODYS}/issues/new?' in html


# Binder.


def test_binder_installs_the_library_and_what_it_needs_in_the_versions_of_the_book() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needed = {re.split(r"[<>=]", name)[0] for name in project["dependencies"]}
    installed = pins(ROOT / "binder" / "requirements.txt")
    assert set(installed) == needed | {"jupyterlab-myst"}
    assert installed.items() <= pins(ROOT / "requirements.txt").items(), "run 'make pins'"
    lines = (ROOT / "binder" / "requirements.txt").read_text("utf-8").splitlines()
    assert "-e ." in lines, "a reader may change the code behind a figure"


def test_binder_finds_one_description_and_a_python_that_the_tests_run_on() -> None:
    """Where there is a folder binder, repo2docker reads what is in it and nothing at the top."""
    tracked = set(subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines())
    assert {f"binder/{name}" for name in REPO2DOCKER_READS} <= tracked
    assert not any(name.startswith(".binder/") for name in tracked)
    # Either would come before requirements.txt.
    assert not {f"binder/{name}" for name in ("Dockerfile", "environment.yml", "Pipfile")} & tracked
    version = (ROOT / "binder" / "runtime.txt").read_text("utf-8").strip().removeprefix("python-")
    tests = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text("utf-8"))
    assert version in tests["jobs"]["tests"]["strategy"]["matrix"]["python"]


# Workflows.


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_takes_no_more_than_it_needs(path: Path) -> None:
    text = path.read_text("utf-8")
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    for job, granted in [(name, job.get("permissions", {})) for name, job in workflow["jobs"].items()]:
        assert granted == ({"pages": "write", "id-token": "write"} if job == "deploy" else {}), job
    used = re.findall(r"uses: (\S+)", text)
    assert used
    assert [action for action in used if not re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", action)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_runs_what_is_there(path: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    jobs = yaml.safe_load(path.read_text("utf-8"))["jobs"].values()
    runs = [step["run"] for job in jobs for step in job["steps"] if "run" in step]
    called = {
        name for run in runs for names in re.findall(r"\bmake ([a-z ]+)", run) for name in names.split()
    }
    assert called <= targets
    scripts = {script for run in runs for script in re.findall(r"\btools/\w+\.py", run)}
    assert not [script for script in scripts if not (ROOT / script).is_file()]
