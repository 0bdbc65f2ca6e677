"""Let Lighthouse judge every page of the book on its simulated phone.

Run it as ``make lighthouse``, which needs Node for npx; it builds the book first and writes the table to
docs/benchmarks/lighthouse.md. Each page is judged RUNS times, and the median stands in the table: the
scores for speed depend on how busy the machine is.

    python benchmarks/bench_lighthouse.py [PAGE ...]
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


def row(page: str, reports: list[dict[str, Any]]) -> str:
    """A line of the table: the medians, and what keeps a score under its goal."""
    scores = {
        name: round(statistics.median(100 * (r["categories"][name]["score"] or 0) for r in reports))
        for name in GOALS
    }
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


def main(pages: list[str]) -> None:
    subprocess.run([sys.executable, ROOT / "tools" / "build_book.py"], check=True)
    chromium = find_browser()
    if chromium is None:
        raise SystemExit(HELP)
    head = ["page", *GOALS, *MEASURES, "bytes", "missed"]
    table = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    print(*table, sep="\n")
    with hosted(ROOT / "_build" / "html") as site:
        for page in pages or [*table_of_contents(ROOT), *GENERATED]:
            table.append(
                row(page, [judge(f"{site}{page}.html", str(chromium)) for _ in range(1 if pages else RUNS)])
            )
            print(table[-1], flush=True)
    if not pages:
        REPORT.write_text(
            "# Lighthouse\n\nWritten by `make lighthouse`: each page as "
            f"{LIGHTHOUSE.replace('@', ' ')} judges it on its simulated phone, median of {RUNS} runs. "
            f"Goals: {', '.join(f'{name} {goal}' for name, goal in GOALS.items())}.\n\n"
            + "\n".join(table)
            + "\n",
            encoding="utf-8",
        )


if __name__ == "__main__":
    main(sys.argv[1:])
