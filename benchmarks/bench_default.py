"""Compare the book with what a default Jupyter Book 1 makes of the same notebooks, in one run.

Run it as ``make compare``, which needs Node for npm; it builds both books and writes the table to
docs/benchmarks/default.md. The other book has a `_config.yml` with nothing but a title: MathJax,
require.js and html-manager come from their usual hosts. No host but this machine is asked here: the
packages of those versions stand in, taken from npm, and their bytes are counted as theirs.
"""

from __future__ import annotations

import gzip
import mimetypes
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from hosted import hosted, sent  # noqa: E402

from browser import FLAGS, HELP, find_browser  # noqa: E402

OTHER = ROOT / "_build" / "default"
REPORT = ROOT / "docs" / "benchmarks" / "default.md"
PAGES = ("chapters/05_gradient_descent", "chapters/06_loss")
SETTINGS = "title: The same notebooks\nexecute: {execute_notebooks: cache, timeout: 120}\n"
PACKAGE = re.compile(r"jsdelivr\.net/npm/((?:@[^/]+/)?[^/@]+)@([^/]+)/(.+?)(?:\?.*)?$")
REQUIRE = re.compile(r"cdnjs\.cloudflare\.com/ajax/libs/require\.js/([\d.]+)/require(?:\.min)?\.js")
PATIENCE, FOLLOWING = 60_000, 6000  # ms for a page to load, and for what follows when it has
RUNS = 3

WATCH = """window.seen = { shift: 0, largest: 0 };
new PerformanceObserver((l) => l.getEntries().forEach((e) => { seen.shift += e.value; }))
    .observe({ type: 'layout-shift', buffered: true });
new PerformanceObserver((l) => l.getEntries().forEach((e) => { seen.largest = e.startTime; }))
    .observe({ type: 'largest-contentful-paint', buffered: true });
addEventListener('load', async () => {
    if (window.MathJax?.startup) await MathJax.startup.promise;
    await document.fonts.ready;
    seen.maths = performance.now();
});"""
TIMES = """[
    performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0, seen.largest, seen.maths,
]"""
MOVES = """async () => {
    const slider = document.querySelector('.nn-explorable input[type=range]');
    if (!slider) return false;
    const figure = slider.closest('.nn-explorable'), plots = [...figure.querySelectorAll('svg')];
    const drawn = () => plots.map((plot) => plot.innerHTML).join();
    const pause = () => new Promise((done) => setTimeout(done, 2000));
    figure.scrollIntoView();
    await pause();
    const before = drawn();
    slider.value = slider.value === slider.max ? slider.min : slider.max;
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    await pause();
    return drawn() !== before;
}"""


@cache
def _weighed(path: Path) -> tuple[bytes, int]:
    """A file, and how many bytes of it travel."""
    data = path.read_bytes()
    return data, len(data) if path.suffix.startswith(".woff") else len(gzip.compress(data, 6))


@dataclass
class Elsewhere:
    """Stands in for the hosts of other people: answers from the npm packages they serve."""

    folder: Path
    requests: int = 0
    bytes: int = 0
    missing: set[str] = field(default_factory=set)

    def __call__(self, route: Route) -> None:
        """Answer a request to another host."""
        self.requests += 1
        path = self.file(route.request.url)
        if path is None or not path.is_file():
            self.missing.add(route.request.url)
            route.abort()
            return
        data, size = _weighed(path)
        self.bytes += size
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        route.fulfill(body=data, content_type=kind, headers={"Access-Control-Allow-Origin": "*"})

    def file(self, url: str) -> Path | None:
        """The file that the other host would send."""
        if found := PACKAGE.search(url):
            name, version, path = found.groups()
        elif found := REQUIRE.search(url):
            name, version, path = "requirejs", found[1], "require.js"
        else:
            return None
        place = self.folder / f"{name}@{version}".replace("/", "-")
        if not place.exists():
            install = ["npm", "install", "--no-save", "--ignore-scripts", "--prefix", str(place)]
            subprocess.run([*install, f"{name}@{version}"], capture_output=True, check=False)
        file = place / "node_modules" / name / path
        return file if file.suffix else file.with_suffix(".js")


def build_other() -> Path:
    """Build the notebooks with default settings; the folder of the pages."""
    for page in PAGES:
        (OTHER / page).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / f"{page}.ipynb", OTHER / f"{page}.ipynb")
    (OTHER / "_config.yml").write_text(SETTINGS, encoding="utf-8")
    chapters = "".join(f"  - file: {page}\n" for page in PAGES)
    (OTHER / "_toc.yml").write_text(f"format: jb-book\nroot: index\nchapters:\n{chapters}", encoding="utf-8")
    (OTHER / "index.md").write_text("# The same notebooks\n", encoding="utf-8")
    program = Path(sys.executable).with_name("jupyter-book")
    # Links to pages that are not there are only warnings here.
    environment = {k: v for k, v in os.environ.items() if k != "NNCOURSE_HOME"}
    subprocess.run([program, "build", OTHER], env=environment, capture_output=True, check=True)
    return OTHER / "_build" / "html"


def settle(page: Page, address: str) -> None:
    page.goto(address, timeout=PATIENCE)
    page.wait_for_function("window.seen.maths !== undefined", timeout=PATIENCE)
    page.wait_for_load_state("networkidle", timeout=PATIENCE)


def measure(browser: Browser, folder: Path) -> dict[str, str]:
    """What a reader of one book gets, by what it is."""
    elsewhere = Elsewhere(ROOT / "_build" / "stand_ins")
    with hosted(folder) as site:
        settled = browser.new_context()
        settled.route(re.compile(rf"^(?!{re.escape(site)}|data:|blob:)"), elsewhere)
        settled.add_init_script(WATCH)
        paints = []
        for _ in range(1 + RUNS):  # npm fetches what the first of them needs
            page = settled.new_page()
            elsewhere.requests = elsewhere.bytes = 0
            before = sent(site)
            settle(page, f"{site}{PAGES[0]}.html")
            page.wait_for_timeout(FOLLOWING)
            first = sent(site) - before
            paints.append(page.evaluate(TIMES))
            if len(paints) <= RUNS:
                page.close()
        paint, largest, maths = map(min, zip(*paints[1:], strict=True))
        shift = page.evaluate("seen.shift")
        broken = [violation["id"] for violation in Axe().run(page).response["violations"]]
        values = {
            "requests, of them to other hosts": f"{first.requests + elsewhere.requests}, "
            f"{elsewhere.requests}",
            "first visit, compressed": f"{(first.bytes + elsewhere.bytes) / 1e6:.2f} MB, "
            f"of it {elsewhere.bytes / 1e6:.2f} MB from other hosts",
            "first paint": f"{paint:.0f} ms",
            "largest paint": f"{largest:.0f} ms",
            "formulas are there": f"{maths:.0f} ms",
            "layout shift": f"{shift:.3f}",
            "rules that axe-core finds broken": ", ".join(broken) or "none",
            "the first slider moves its figure, without a kernel": "yes" if page.evaluate(MOVES) else "no",
        }
        settled.close()
    with hosted(folder, kept=0) as site:  # as when the ten minutes are over
        values |= dict(later_visits(browser, site))
    for url in sorted(elsewhere.missing):
        print(f"not answered: {url}")
    return values


def later_visits(browser: Browser, site: str) -> Iterator[tuple[str, str]]:
    """Bytes from the book's own host when a reader comes again; other hosts' files count as kept.

    Without interception, for which the browser would switch its cache off.
    """
    context = browser.new_context()
    page = context.new_page()

    for name, what in (
        (PAGES[0], ""),
        (PAGES[0], "the same page again, later"),
        (PAGES[1], "the next chapter after it"),
    ):
        before = sent(site)
        page.goto("about:blank")
        page.goto(f"{site}{name}.html")
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(FOLLOWING)
        if what:
            yield what, f"{(sent(site) - before).bytes / 1000:.0f} kB"
    context.close()


def main() -> None:
    subprocess.run([sys.executable, ROOT / "tools" / "build_book.py"], check=True)
    chromium = find_browser()
    if chromium is None:
        raise SystemExit(HELP)
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        ours, default = (measure(browser, folder) for folder in (ROOT / "_build" / "html", build_other()))
        browser.close()
    lines = [f"| {what} | {ours[what]} | {default[what]} |" for what in ours]
    table = "\n".join(["| chapter 5 | this book | default Jupyter Book 1 |", "|---|---|---|", *lines])
    print(table)
    REPORT.write_text(
        "# This book and a default Jupyter Book\n\nWritten by `make compare`: the same notebooks, built with "
        "the book's settings and with none, served in the same way (gzip, `max-age=600`, ETag) and opened in "
        "the same browser. Other hosts are not asked: the npm packages that they serve stand in for them, "
        "without the delay of a network. Times are the fastest of three loads. *Later* means after the ten "
        "minutes: the browser asks of each file whether it is still good. What came from other hosts counts "
        "as kept. axe-core reads no MathML, so a column headed by a formula is empty to it in both. "
        f"Load at the start {load}.\n\n{table}\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
