"""Build the book, and say in one message what is wrong when that fails.

Jupyter Book does the work, with every warning an error. This script puts the notebooks beside it that
run in the browser, adds two checks, that every page of the table of contents has a source and ends up
in the output, removes the pages of earlier builds that are no longer listed, and turns the long log into
the few lines that matter. At the end it makes the files ready for a web server (`site_files.py`). The
whole log stays in `_build/build.log`.

    python tools/build_book.py [FOLDER]
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import yaml

import browser_notebooks
from browser_python import ChecksumError, OutOfReachError
from site_files import files_of_book, stamp, write_checksums

ROOT = Path(__file__).resolve().parent.parent
PAGE_KINDS = (".md", ".ipynb", ".rst")
GENERATED = ("genindex", "search")  # pages without a source
PROBLEM = re.compile(r"\b(?:WARNING|ERROR|CRITICAL): ")
READING = re.compile(r"reading sources\.\.\. \[ *\d+%\] (.+)")
EXCEPTION = re.compile(r"[\w.]+(?:Error|Exception): .")
EXECUTED = re.compile(r"(.+): Executed notebook in ([\d.]+) seconds")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
RECORDINGS = "_static/nncourse/recordings"  # of figures, which their pages load
LOADED = re.compile(r'data-recording="([^"?]+)')
# Said by the kernel about itself on every start, not about the book.
KERNEL_NOISE = "[IPKernelApp] WARNING"


def pages(toc: object) -> Iterator[str]:
    """Every page that the table of contents names, in order."""
    if isinstance(toc, list):
        for entry in toc:
            yield from pages(entry)
    elif isinstance(toc, dict):
        for key, value in toc.items():
            if key in ("root", "file"):
                yield str(value)
            else:
                yield from pages(value)


def fail(*lines: str) -> int:
    print("\nThe book was not built:", *lines, sep="\n  ", file=sys.stderr)
    return 1


def without_source(book: Path, page: str) -> bool:
    return not any((book / f"{page}{kind}").exists() or (book / page).is_file() for kind in PAGE_KINDS)


def run_jupyter_book(book: Path, log: Path) -> tuple[int, list[str]]:
    """Run the build with its output in ``log``; the exit code and the lines printed."""
    program = Path(sys.executable).with_name("jupyter-book")
    command = [str(program), "build", str(book), "-W", "-n", "--keep-going"]
    lines = []
    with (
        log.open("w", encoding="utf-8") as file,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run,
    ):
        assert run.stdout
        for coloured in run.stdout:
            line = COLOUR.sub("", coloured.rstrip())
            lines.append(line)
            print(line, file=file)
            if executed := EXECUTED.match(line):
                print(f"  ran {Path(executed[1]).relative_to(book)} in {executed[2]} s", flush=True)
    return run.returncode, lines


def problems(lines: list[str], book: Path) -> list[str]:
    """The lines that name a place and what is wrong there, without repetition."""
    found = [line for line in lines if PROBLEM.search(line) and not line.startswith(KERNEL_NOISE)]
    if not found:  # the build stopped short: say at which page, and with what last words
        page = next((match[1] for line in reversed(lines) if (match := READING.search(line))), "")
        words = [line for line in lines if EXCEPTION.match(line)] or lines[-5:]
        found = [f"{page}: {words[0]}" if page else words[0]]
    return list(dict.fromkeys(line.replace(f"{book}/", "") for line in found))


def table_of_contents(book: Path) -> list[str]:
    """The pages that `_toc.yml` names."""
    try:
        return list(pages(yaml.safe_load((book / "_toc.yml").read_text(encoding="utf-8"))))
    except yaml.YAMLError as error:
        sys.exit(fail(f"_toc.yml: {' '.join(str(error).split())}"))


def remove_others(html: Path, wanted: list[str]) -> None:
    """Remove what an earlier build left: a page or a figure that was taken out must not be published."""
    for page in files_of_book(html, "*.html"):
        name = page.relative_to(html).with_suffix("").as_posix()
        if name not in wanted and not name.startswith("_"):
            page.unlink()
            for source in (html / "_sources").glob(f"{name}.*"):
                source.unlink()
    left = files_of_book(html, "*.html")
    loaded = {name for page in left for name in LOADED.findall(page.read_text("utf-8"))}
    for recording in (html / RECORDINGS).glob("*.js"):
        if recording.name not in loaded:
            recording.unlink()


def main(book: Path) -> int:
    started = time.monotonic()
    listed = table_of_contents(book)
    missing = [page for page in listed if without_source(book, page)]
    if missing:
        return fail(*(f"_toc.yml names the page {page}, which does not exist." for page in missing))

    print("Building the book ...", flush=True)
    build = book / "_build"
    build.mkdir(exist_ok=True)
    try:
        browser_notebooks.make(book, listed)
    except OutOfReachError as error:
        print(f"  No page gets the button that runs it in the browser: {error}.")
    except ChecksumError as error:
        return fail(str(error))
    code = 1
    try:
        code, lines = run_jupyter_book(book, build / "build.log")
    finally:
        if code:  # or stopped: Sphinx would take what it has read for written, and not warn again
            shutil.rmtree(build / ".doctrees", ignore_errors=True)
    if code:
        return fail(*problems(lines, book), f"The whole log is in {build / 'build.log'}.")

    absent = [page for page in listed if not (build / "html" / page).with_suffix(".html").exists()]
    if absent:
        return fail(*(f"_toc.yml names the page {page}, but the output has no such page." for page in absent))
    remove_others(build / "html", [*listed, *GENERATED])
    stamp(build / "html")
    (build / "html" / ".nojekyll").touch()  # or a branch of GitHub Pages would go without _static
    write_checksums(build / "html")  # last: it lists whatever is there
    print(f"Built {len(listed)} pages in {time.monotonic() - started:.1f} s: {build / 'html' / 'index.html'}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT))
    except KeyboardInterrupt:
        sys.exit("\nStopped.")
