"""Let Lighthouse judge every page of the book on its simulated phone.

Run it as ``make lighthouse``, which needs Node for npx; it builds the book first and writes the table to
docs/benchmarks/lighthouse.md. The scores for speed depend on how busy the machine is, so a page that
misses a goal is judged RUNS times in all, and the median stands in the table.

    python benchmarks/bench_lighthouse.py [PAGE ...]

With pages, only their lines of the table are written anew.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from hosted import hosted  # noqa: E402

from browser import FLAGS, HELP, find_browser  # noqa: E402
from build_book import GENERATED, table_of_contents  # noqa: E402

LIGHTHOUSE = "lighthouse@12.8.2"
RUNS = 3
REPORT = ROOT / "docs" / "benchmarks" / "lighthouse.md"
ALL_PAGES = [*table_of_contents(ROOT), *GENERATED]
GOALS = {"performance": 95, "accessibility": 100, "best-practices": 100, "seo": 100}
MEASURES = {
    "first paint": "first-contentful-paint",
    "largest paint": "largest-contentful-paint",
    "blocked": "total-blocking-time",
    "shift": "cumulative-layout-shift",
}


def judge(address: str, chromium: str) -> dict[str, Any]:
    """Lighthouse's whole report on a page."""
    quoted = [re.sub(r"=(.* .*)", r"='\1'", flag) for flag in FLAGS]  # as Lighthouse parts them
    flags = " ".join(["--headless=new", *quoted])
    command = ["npx", "--yes", LIGHTHOUSE, address, "--quiet", "--output=json", f"--chrome-flags={flags}"]
    run = subprocess.run(
        command, env=os.environ | {"CHROME_PATH": chromium}, capture_output=True, text=True, check=True
    )
    report: dict[str, Any] = json.loads(run.stdout)
    return report


def scores_of(reports: list[dict[str, Any]]) -> dict[str, int]:
    """The median of each score."""
    return {
        name: round(statistics.median(100 * (r["categories"][name]["score"] or 0) for r in reports))
        for name in GOALS
    }


def judged(address: str, chromium: str) -> list[dict[str, Any]]:
    """One report on a page, or RUNS of them if that one misses a goal."""
    reports = [judge(address, chromium)]
    if any(score < GOALS[name] for name, score in scores_of(reports).items()):
        reports += [judge(address, chromium) for _ in range(RUNS - 1)]
    return reports


def row(page: str, reports: list[dict[str, Any]]) -> str:
    """A line of the table: the medians, and what keeps a score under its goal."""
    scores = scores_of(reports)
    audits = reports[-1]["audits"]
    missed = [
        reference["id"]
        for name, goal in GOALS.items()
        if scores[name] < goal
        for reference in reports[-1]["categories"][name]["auditRefs"]
        if reference["weight"] and (audits[reference["id"]]["score"] or 0) < 0.9
    ]
    values = [
        f"{scores[name]}" if scores[name] >= goal else f"**{scores[name]}**" for name, goal in GOALS.items()
    ]
    values += [audits[measure]["displayValue"].replace("\xa0", " ") for measure in MEASURES.values()]
    values += [f"{audits['total-byte-weight']['numericValue'] / 1000:.0f} kB", ", ".join(missed)]
    return f"| {page} | {' | '.join(values)} |"


def written() -> dict[str, str]:
    """The lines of the report, by page."""
    text = REPORT.read_text(encoding="utf-8") if REPORT.exists() else ""
    return {line.split()[1]: line for line in text.splitlines() if line.startswith("| ")}


def write(lines: dict[str, str], load: float) -> None:
    """Write the report with these lines, in the order of the book."""
    head = ["page", *GOALS, *MEASURES, "bytes", "missed"]
    table = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    table += [lines[page] for page in ALL_PAGES if page in lines]
    REPORT.write_text(
        "# Lighthouse\n\nWritten by `make lighthouse`: each page as "
        f"{LIGHTHOUSE.replace('@', ' ')} judges it on its simulated phone. What misses a goal is judged "
        f"{RUNS} times, and the median counts. Load at the start of the last run {load:.1f}. "
        f"Goals: {', '.join(f'{name} {goal}' for name, goal in GOALS.items())}.\n\n"
        + "\n".join(table)
        + "\n",
        encoding="utf-8",
    )


def main(pages: list[str]) -> None:
    subprocess.run([sys.executable, ROOT / "tools" / "build_book.py"], check=True)
    chromium = find_browser()
    if chromium is None:
        raise SystemExit(HELP)
    load, lines = os.getloadavg()[0], written()
    with hosted(ROOT / "_build" / "html") as site:
        for page in pages or ALL_PAGES:
            lines[page] = row(page, judged(f"{site}{page}.html", str(chromium)))
            print(lines[page], flush=True)
            write(lines, load)  # each time: who stops this keeps what was judged


if __name__ == "__main__":
    main(sys.argv[1:])
