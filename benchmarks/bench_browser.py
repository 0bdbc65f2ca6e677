"""Measure how heavy Python in the browser is, in a notebook and in a page, and how long it takes.

Run it as ``make bench``; it builds the book first and writes the table to docs/benchmarks/browser.md. The
server packs what it sends, as those of the internet do, and sends at once. A first visit is that of a
new browser; a second one finds the files where the browser keeps them.

Times on a busy machine are too long; the load at the start stands beside the results.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from bench_pages import ARRIVED, BOOK, ROOT, Row, machine
from hosted import hosted, sent
from playwright.sync_api import Page, Playwright, sync_playwright

from browser import FLAGS, HELP, find_browser
from site_files import LITE

REPORT = ROOT / "docs" / "benchmarks" / "browser.md"
PAGE = "chapters/05_gradient_descent.html"
NOTEBOOK = f"{LITE}/notebooks/index.html?path=chapters/05_gradient_descent.ipynb"
FIGURE = '[data-explorable="gradient_descent.secant"][data-ready="live"]'  # the first of the chapter
VISITS = 3
Visit = tuple[float, float]  # seconds to the first result, megabytes to the first figure


def in_notebook(page: Page, site: str) -> Visit:
    """From opening the notebook."""
    before = sent(site)
    start = time.perf_counter()
    page.goto(site + NOTEBOOK, wait_until="commit")
    page.locator(".jp-CodeCell").first.wait_for()
    page.get_by_text("Python (Pyodide)").first.wait_for()  # chosen, not yet started
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.locator(".jp-OutputArea-output").first.wait_for(state="attached")
    seconds = time.perf_counter() - start
    page.locator(FIGURE).wait_for(state="attached")
    return seconds, (sent(site) - before).bytes / 1e6


def in_page(page: Page, site: str) -> Visit:
    """From a press of "Run this page live"; the first figure is the first result."""
    page.goto(site + PAGE, wait_until="networkidle")
    page.wait_for_function(ARRIVED)
    before = sent(site)  # the page itself was there already
    start = time.perf_counter()
    page.get_by_role("button", name="Run this page live").click()
    page.locator(FIGURE.partition("[data-ready")[0]).scroll_into_view_if_needed()
    page.locator(FIGURE).wait_for()
    return time.perf_counter() - start, (sent(site) - before).bytes / 1e6


def visit(
    playwright: Playwright, chromium: str, profile: str, site: str, way: Callable[[Page, str], Visit]
) -> Visit:
    browser = playwright.chromium.launch_persistent_context(profile, executable_path=chromium, args=FLAGS)
    page = browser.pages[0]
    page.set_default_timeout(120_000)
    result = way(page, site)
    browser.close()
    return result


def time_visits(
    playwright: Playwright,
    chromium: str,
    site: str,
    way: Callable[[Page, str], Visit],
    goals: tuple[int, int],
) -> list[Row]:
    first, again = [], []
    for _ in range(VISITS):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            seconds, megabytes = visit(playwright, chromium, profile, site, way)
            first.append(seconds)
            again.append(visit(playwright, chromium, profile, site, way)[0])
    where = way.__name__.replace("_", " ")
    size, limit = goals
    seconds = statistics.median(first)
    return [
        Row(
            f"{where}, first visit, compressed, to the first figure",
            f"{megabytes:.1f} MB",
            f"≤ {size} MB",
            megabytes <= size,
        ),
        Row(
            f"{where}, first visit: first result after",
            f"median {seconds:.1f} s, fastest {min(first):.1f} s",
            f"≤ {limit} s",
            seconds <= limit,
        ),
        Row(
            f"{where}, second visit: first result after",
            f"median {statistics.median(again):.1f} s, fastest {min(again):.1f} s",
        ),
    ]


def measure(playwright: Playwright, chromium: str, site: str) -> list[Row]:
    lite = sum(path.stat().st_size for path in (BOOK / LITE).rglob("*") if path.is_file()) / 1e6
    whole = sum(path.stat().st_size for path in BOOK.rglob("*") if path.is_file()) / 1e6
    return [
        Row(f"the folder `{LITE}`", f"{lite:.1f} MB"),
        Row("the book with it", f"{whole:.1f} MB", "≤ 60 MB", whole <= 60),
        *time_visits(playwright, chromium, site, in_notebook, (13, 10)),
        *time_visits(playwright, chromium, site, in_page, (13, 7)),
    ]


def main() -> None:
    subprocess.run([sys.executable, ROOT / "tools" / "build_book.py"], check=True)
    if not (BOOK / LITE).exists():
        raise SystemExit("The book was built without notebooks for the browser; see above.")
    chromium = find_browser()
    if chromium is None:
        raise SystemExit(HELP)
    with sync_playwright() as playwright, hosted(BOOK) as site:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        where = machine(browser.version)
        browser.close()
        rows = measure(playwright, chromium, site)
    table = "\n".join(map(str, rows))
    REPORT.write_text(
        "# Weight and speed of Python in the browser\n\n"
        "Written by `make bench`, which opens chapter 5 in JupyterLite, in a browser without a window, runs "
        "it and waits for its first result; then presses *Run this page live* in the book and waits for the "
        f"first figure. Each {VISITS} times for the first time and {VISITS} times again.\n\n"
        f"{where}\n\n| what | measured | goal | met |\n|---|---|---|---|\n{table}\n",
        encoding="utf-8",
    )
    print(f"{table}\n\nWritten to {REPORT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
