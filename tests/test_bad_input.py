"""What goes wrong ends in one clear message that names the place, and in a non-zero exit."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

from build_book import ROOT
from conftest import SmallBook


def assert_fails(small_book: SmallBook, *pages: str, says: str) -> None:
    run = small_book.build(*pages)
    assert run.returncode == 1
    message = run.stderr.partition("The book was not built:")[2]
    lines = [line.strip() for line in message.strip().splitlines()]
    assert len(lines) == 2, message  # one problem, and where the log is
    assert re.fullmatch(says, lines[0]), lines[0]
    assert lines[1].startswith("The whole log is in ")


def test_failing_cell_is_named(small_book: SmallBook) -> None:
    small_book.write_notebook("chapters/a.ipynb", "x = 0", "1 / x")
    assert_fails(
        small_book,
        "chapters/a",
        says=r"chapters/a\.ipynb: ERROR: cell 3 failed: ZeroDivisionError: .*",
    )
    # The second run must not take the page for good because it has been read once.
    assert_fails(
        small_book,
        "chapters/a",
        says=r"chapters/a\.ipynb: ERROR: cell 3 failed: ZeroDivisionError: .*",
    )


def test_slow_cell_is_named(small_book: SmallBook) -> None:
    config = (small_book.folder / "_config.yml").read_text(encoding="utf-8")
    small_book.write("_config.yml", re.sub("timeout: [0-9]+", "timeout: 2", config))
    small_book.write_notebook("a.ipynb", "import time", "time.sleep(60)")
    assert_fails(small_book, "a", says=r"a\.ipynb: ERROR: cell 3 failed: took longer than 2 seconds.*")


def test_dying_kernel_is_named(small_book: SmallBook) -> None:
    small_book.write_notebook("a.ipynb", "import os; os._exit(1)")
    assert_fails(small_book, "a", says=r"a: .*DeadKernelError: Kernel died")


def test_malformed_table_of_contents_is_named(small_book: SmallBook) -> None:
    small_book.write("_toc.yml", "root: [index")
    run = run_tool("build_book.py", str(small_book.folder))
    assert run.returncode == 1
    assert "_toc.yml: " in run.stderr
    assert "Traceback" not in run.stderr


def test_plain_widget_is_named(small_book: SmallBook) -> None:
    small_book.write_notebook("a.ipynb", "import ipywidgets", "ipywidgets.FloatSlider()")
    assert_fails(small_book, "a", says=r"a\.ipynb: ERROR: cell 3 shows a plain ipywidget.*explorable.*")


def test_warning_printed_by_a_cell_is_named(small_book: SmallBook) -> None:
    small_book.write_notebook("a.ipynb", "import warnings; warnings.warn('too large')")
    assert_fails(small_book, "a", says=r"a\.ipynb:?\d*: ERROR: .*stderr.*")


def test_broken_reference_is_named(small_book: SmallBook) -> None:
    small_book.write("a.md", "# A page\n\nSee {ref}`nowhere` for more.\n")
    assert_fails(small_book, "a", says=r"a\.md:\d+: WARNING: undefined label: '?nowhere'?.*")


def test_broken_link_is_named(small_book: SmallBook) -> None:
    small_book.write("a.md", "# A page\n\nSee [the other page](b.md) for more.\n")
    assert_fails(small_book, "a", says=r"a\.md:\d+: WARNING: .*b\.md.*")


def test_link_to_a_figure_that_is_not_there_is_named(small_book: SmallBook) -> None:
    small_book.write("a.md", "# A page\n\nSee {explore}`this <neuron.nothing.b=1>` for more.\n")
    assert_fails(
        small_book,
        "a",
        says=r"a\.md:\d+: WARNING: neuron\.nothing\.b=1: there is no figure neuron\.nothing.*",
    )


def test_broken_formula_is_named(small_book: SmallBook) -> None:
    small_book.write("a.md", "# A page\n\nA formula that does not end:\n\n$$\n\\frac{1}{x\n$$\n")
    assert_fails(
        small_book,
        "a",
        says=r"a\.md:\d+: WARNING: KaTeX parse error: .* expected '}' .*frac\{1\}\{x.*",
    )


def test_unknown_citation_is_named(small_book: SmallBook) -> None:
    small_book.write("a.md", "# A page\n\nSee {cite}`nobody1900`.\n\n```{bibliography}\n```\n")
    assert_fails(small_book, "a", says=r".*could not find bibtex key .*nobody1900.*")


def test_missing_page_is_named(small_book: SmallBook) -> None:
    run = small_book.build("chapters/99_nothing")
    assert run.returncode == 1
    assert "_toc.yml names the page chapters/99_nothing, which does not exist." in run.stderr


def test_port_in_use_says_so_and_takes_the_next(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("hello", encoding="utf-8")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = subprocess.Popen(
            [
                sys.executable,
                ROOT / "tools" / "serve.py",
                "--port",
                str(port),
                "--folder",
                tmp_path,
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        with server:
            assert server.stdout
            assert server.stdout.readline() == f"Port {port} is in use, trying {port + 1}.\n"
            assert re.match(r"The book is at http://127\.0\.0\.1:\d+/", server.stdout.readline())
            server.terminate()


def test_serving_without_a_book_says_what_to_do(tmp_path: Path) -> None:
    run = run_tool("serve.py", "--folder", str(tmp_path))
    assert run.returncode == 1
    assert "make book" in run.stderr


def test_missing_browser_says_how_to_get_one(tmp_path: Path) -> None:
    environment = {"PATH": str(tmp_path), "CHROMIUM": "/no/such/browser"}
    run = run_tool("browser.py", environment=environment)
    assert run.returncode == 1
    assert "apt-get install chromium" in run.stderr
    assert len(run.stderr.splitlines()) == 1


def test_old_python_says_what_is_needed(tmp_path: Path) -> None:
    # A Python that believes to be older, since no old one may be at hand.
    pretend = (
        "import runpy, sys; sys.version_info = (3, 9, 2, 'final', 0); "
        "runpy.run_path(sys.argv[1], run_name='__main__')"
    )
    run = subprocess.run(
        [sys.executable, "-c", pretend, ROOT / "tools" / "venv.py"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert "needs Python 3.11 or newer" in run.stderr
    assert "is Python 3.9" in run.stderr
    assert "Traceback" not in run.stderr


def run_tool(
    name: str, *arguments: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "tools" / name, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment or dict(os.environ),
    )
