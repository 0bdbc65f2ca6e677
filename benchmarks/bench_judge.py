"""Measure the judge: submissions a minute, memory, whether it stays as fast, and what a cluster adds.

python benchmarks/bench_judge.py [--largest 5000]      writes docs/benchmarks/judge.md

Each submission answers a whole exercise with its solutions, differs from all others, and is marked by a
judge that has seen none of them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from distributed import Client  # noqa: E402  a script finds its tools by the path above

from exercises import Source, sources  # noqa: E402

REPORT = ROOT / "docs" / "benchmarks" / "judge.md"
DASK = Path(sys.executable).with_name("dask")
EXERCISE = "ex05"
ON_CLUSTER = 300
ROUNDS = 3  # on one worker and on two in turn; the quickest counts, as what else runs can only slow one
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # as a worker has one


def hand_in(folder: Path, source: Source, count: int) -> Path:
    """Write the submissions of a class of this size."""
    cells = ["import numpy as np\nfrom nncourse.exercises import check, progress"]
    for question in source.questions:
        cells += [question.solution, f'check("{source.short}", "{question.name}")']
    place = folder / f"class{count}"
    for i in range(count):
        learner = place / f"learner{i:05}"
        learner.mkdir(parents=True)
        notebook = {
            "cells": [
                {"cell_type": "code", "metadata": {}, "outputs": [], "source": code}
                for code in [f"# submission {i}", *cells]
            ],
            "metadata": {},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        (learner / f"{source.name}.ipynb").write_text(json.dumps(notebook))
    return place


def measure(place: Path, out: Path, *options: str) -> tuple[float, float]:
    """Mark a class; return the seconds that it took and the most memory of the judge, in MB."""
    command = [sys.executable, "-m", "nncourse", "grade", place, "--out", out, "--quiet", *options]
    begun, memory = time.perf_counter(), 0.0
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    while process.poll() is None:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
            memory = max(memory, int(status.split("VmHWM:")[1].split()[0]) / 1024)
        except (OSError, IndexError):
            pass
        time.sleep(0.05)
    seconds = time.perf_counter() - begun
    assert process.stdout is not None
    said = process.stdout.read()
    if process.returncode or "judge-error" in said or " graded)" not in said:
        raise SystemExit(f"the judge said: {said}")
    return seconds, memory


def on_cluster(folder: Path, place: Path, workers: int) -> float:
    """Mark a class on a Dask cluster of this machine; return the seconds.

    Each worker has one slot, so one worker means one sandbox at a time. The command that hands out the
    work and the scheduler take part of a core from both: about a tenth of what a sandbox takes.
    """
    folder.mkdir(parents=True)
    file = folder / "scheduler.json"
    options = ["--scheduler-file", file, "--no-dashboard"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    quiet["env"] = {**os.environ, **ONE_THREAD}
    commands = [[DASK, "scheduler", "--host", "127.0.0.1", "--port", "0", *options]]
    commands += [[DASK, "worker", "--nthreads", "1", "--no-nanny", *options]] * workers
    started: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands:
            started.append(subprocess.Popen(command, **quiet))
            while not file.exists() or not file.read_text():
                time.sleep(0.1)
        address = json.loads(file.read_text())["address"]
        with Client(address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=60)
        return measure(place, folder / "out", "--scheduler", address)[0]
    finally:
        for process in started:
            process.kill()
            process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=int, default=5000)
    largest = parser.parse_args().largest
    source = next(source for source in sources() if source.short == EXERCISE)
    rows: list[str] = []

    def add(what: str, measured: str, goal: str, met: bool) -> None:
        rows.append(f"| {what} | {measured} | {goal} | {'yes' if met else '**no**'} |")
        print(rows[-1], flush=True)

    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        per_submission = {}
        for count in (100, largest):
            seconds, memory = measure(hand_in(folder, source, count), folder / f"out{count}")
            per_submission[count] = seconds / count
            rate = 60 * count / seconds
            add(f"{count} submissions: a minute", f"{rate:.0f}", "≥ 800", rate >= 800)
            what = f"{count} submissions: memory of the judge"
            add(what, f"{memory:.0f} MB", "≤ 300 MB", memory <= 300)
        ratio = per_submission[largest] / per_submission[100]
        what = f"time for one submission, {largest} against 100"
        add(what, f"{ratio:.2f} times", "≤ 1.2 times", ratio <= 1.2)
        place = hand_in(folder / "cluster", source, ON_CLUSTER)
        taken: dict[int, list[float]] = {1: [], 2: []}
        for turn in range(ROUNDS):
            for workers, seconds in taken.items():
                seconds.append(on_cluster(folder / f"turn{turn}-{workers}", place, workers))
        gain = min(taken[1]) / min(taken[2])
        add("Dask: two workers against one", f"{gain:.2f} times", "≥ 1.6 times", gain >= 1.6)
    where = (
        f"{os.cpu_count()} cores, {platform.system()} {platform.release().split('-')[0]}, "
        f"Python {platform.python_version()}; load at the start {load:.1f}."
    )
    table = "\n".join(rows)
    REPORT.write_text(
        "# Benchmarks of the judge\n\n"
        f"Written by `make bench`. Every submission answers the {len(source.questions)} questions of "
        f"{source.name} rightly, with its checks still in the notebook, and none was seen before. A run is "
        "timed from the command to the last file of feedback.\n\n"
        f"{where}\n\n| what | measured | goal | met |\n|---|---|---|---|\n{table}\n",
        encoding="utf-8",
    )
    print(f"Written to {REPORT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
