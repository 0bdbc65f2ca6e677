"""Measure how fast the figures answer and how heavy the pages are, in the page and in a kernel.

Run it as ``make bench``; it builds the book first and writes the table to docs/benchmarks/pages.md. It
checks nothing: a goal that is missed is marked and the rest goes on.

Times on a busy machine are too long; the load at the start stands beside the results. The last rows
compare with the usual way to make the same figure, `ipywidgets.interact` and Matplotlib, in the
same run.
"""

from __future__ import annotations

import gzip
import json
import os
import platform
import random
import re
import statistics
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jupyter_client.manager import start_new_kernel
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from browser import FLAGS, HELP, find_browser  # noqa: E402
from serve import make_server  # noqa: E402

BOOK = ROOT / "_build" / "html"
REPORT = ROOT / "docs" / "benchmarks" / "pages.md"
PAGES = {
    "text page": "bibliography.html",
    "home": "index.html",
    "chapter 5": "chapters/05_gradient_descent.html",
}
PLAYGROUND_NAME = "putting_it_together.playground"
LEARNING_RATE = "gradient_descent.learning_rate"
MOVES, LOADS, ANSWERS = 200, 9, 100
PACKED = (".png", ".woff", ".woff2")
KINDS = {".html": "HTML", ".css": "CSS", ".js": "scripts", ".woff2": "fonts", ".woff": "fonts"}


@dataclass
class Row:
    what: str
    value: str
    goal: str = ""
    met: bool | None = None

    def __str__(self) -> str:
        mark = {None: "", True: "yes", False: "**no**"}[self.met]
        return f"| {self.what} | {self.value} | {self.goal} | {mark} |"


def quantile(values: Sequence[float], q: float) -> float:
    return sorted(values)[min(len(values) - 1, int(q * len(values)))]


def spread(values: Sequence[float]) -> str:
    return f"p50 {quantile(values, 0.5):.1f} ms, p95 {quantile(values, 0.95):.1f} ms"


# ── In the built page ────────────────────────────────────────────────────────────────────────────

# An event at a random moment, as a reader's hand makes it. `handler` is the script alone; `work` is
# script, style, layout and paint of an event that comes at the start of a frame; `paint` is from
# the event to the end of the frame that shows it, so it holds the wait for that frame too.
MEASURE = """async ([name, control, moves]) => {
    const input = document.querySelector(`[data-explorable="${name}"] [data-control="${control}"]`);
    input.scrollIntoView({ block: 'center' });
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    const painted = () => new Promise((done) => {
        const channel = new MessageChannel();
        channel.port1.onmessage = done;
        channel.port2.postMessage(0);
    });
    const move = (k) => {
        const n = Number(input.max) + 1, at = (Math.round(n * 0.381966) * k + 1) % n;
        input.value = at === Number(input.value) ? (at + 1) % n : at;
        input.dispatchEvent(new Event('input', { bubbles: true }));
    };
    const times = { handler: [], work: [], paint: [] };
    for (let k = 0; k < moves; k++) {
        await new Promise((done) => setTimeout(done, 3 + Math.random() * 20));
        const t = performance.now();
        move(k);
        times.handler.push(performance.now() - t);
        await frame();
        await painted();
        times.paint.push(performance.now() - t);
    }
    for (let k = 0; k < moves; k++) {
        await frame();
        const t = performance.now();
        move(k + 1);
        await painted();
        times.work.push(performance.now() - t);
    }
    return times;
}"""
READY = """new MutationObserver((changes) => {
    if (!window.firstReady && document.querySelector('.nn-explorable[data-ready]'))
        window.firstReady = performance.now();
}).observe(document, { subtree: true, childList: true, attributeFilter: ['data-ready'] });
addEventListener('DOMContentLoaded', () => document.querySelector('.nn-explorable').scrollIntoView());"""
ARRIVED = """Object.keys(window.nncourse?.recordings ?? {}).length ===
    document.querySelectorAll('[data-recording]').length"""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    with make_server(folder, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def weigh(browser: Browser, site: str) -> Iterator[Row]:
    goals = {"text page": 0.4, "chapter 5": 0.6}
    for label, path in PAGES.items():
        page = browser.new_page()
        urls: set[str] = set()
        page.on("requestfinished", lambda request, urls=urls: urls.add(request.url.split("#")[0]))
        page.goto(site + path, wait_until="networkidle")
        page.wait_for_function(ARRIVED)  # figures follow when the page has loaded
        raw: dict[str, int] = defaultdict(int)
        packed: dict[str, int] = defaultdict(int)
        local = [BOOK / urlsplit(url).path.lstrip("/") for url in urls if url.startswith(site)]
        for file in local:
            data = file.read_bytes()
            kind = KINDS.get(file.suffix, "images and data")
            raw[kind] += len(data)
            packed[kind] += len(data) if file.suffix in PACKED else len(gzip.compress(data, 6))
        page.close()
        kinds = ", ".join(f"{k} {packed[k] / 1000:.0f}" for k in sorted(packed, key=lambda k: -packed[k]))
        total, goal = sum(packed.values()) / 1e6, goals.get(label)
        yield Row(
            f"{label}: first visit, compressed",
            f"{total:.3f} MB in {len(local)} requests ({kinds} kB; {sum(raw.values()) / 1e6:.2f} MB raw)",
            f"≤ {goal} MB" if goal else "",
            total <= goal if goal else None,
        )


def time_loads(browser: Browser, site: str) -> Iterator[Row]:
    for label in ("home", "chapter 5"):
        times = []
        for _ in range(LOADS):
            context = browser.new_context()
            context.add_init_script(READY)
            page = context.new_page()
            page.goto(site + PAGES[label])
            times.append(page.wait_for_function("window.firstReady").json_value())
            context.close()
        value = f"median {statistics.median(times):.0f} ms, fastest {min(times):.0f} ms"
        yield Row(f"{label}: first figure can be moved after", value)


def longest_slider(page: Page, name: str) -> str | None:
    sliders = page.locator(f'[data-explorable="{name}"] input[type=range]')
    found = sliders.evaluate_all("es => es.map((e) => [Number(e.max), e.dataset.control])")
    return max(found)[1] if found else None


def time_moves(browser: Browser, site: str, results: dict[str, float]) -> Iterator[Row]:
    page = browser.new_page()
    throttle = page.context.new_cdp_session(page)
    for label in ("home", "chapter 5"):
        page.goto(site + PAGES[label], wait_until="networkidle")
        names = page.locator("[data-explorable]").evaluate_all("es => es.map((e) => e.dataset.explorable)")
        for name in names:
            control = "learning_rate" if name == LEARNING_RATE else longest_slider(page, name)
            page.locator(f'[data-explorable="{name}"]').scroll_into_view_if_needed()
            page.locator(f'[data-explorable="{name}"][data-ready]').wait_for()
            for rate, goal in ((1, 16.7), (6, 50.0)):
                throttle.send("Emulation.setCPUThrottlingRate", {"rate": rate})
                times = page.evaluate(MEASURE, [name, control, MOVES])
                throttle.send("Emulation.setCPUThrottlingRate", {"rate": 1})
                if name == LEARNING_RATE and rate == 1:
                    results["page"] = quantile(times["paint"], 0.5)
                    results["work"] = quantile(times["work"], 0.5)
                slow = ", CPU 6 times slower" if rate == 6 else ""
                paint = quantile(times["paint"], 0.95)
                yield Row(
                    f"`{name}`, {control}{slow}: event → paint",
                    f"{spread(times['paint'])} (of it work {spread(times['work'])}; "
                    f"script {spread(times['handler'])})",
                    f"p95 ≤ {goal} ms",
                    paint <= goal,
                )
    page.close()


# ── In a kernel ──────────────────────────────────────────────────────────────────────────────────

SETUP = """
import json, random, time
from nncourse.explorables import gradient_descent
figure = gradient_descent.learning_rate()
print(figure.model_id)
"""
PLAYGROUND = """
from nncourse.explorables import putting_it_together
playground = putting_it_together.playground()
print(json.dumps([playground.model_id, playground.values]))
"""
# What happens in the kernel for one move: the function, and what the widget sends.
IN_KERNEL = """
rng, times = random.Random(1), []
for _ in range({answers}):
    values = dict(figure.values, learning_rate=round(rng.uniform(0.001, 1.1), 6))
    start = time.perf_counter()
    scene = figure._scene_for(values)
    json.dumps({{k: v for k, v in scene.items() if k != "data"}})
    times.append(1000 * (time.perf_counter() - start))
print(json.dumps(times))
"""
INTERACT = """
%matplotlib inline
import json, random, time
import matplotlib.pyplot as plt, numpy as np
from ipywidgets import FloatSlider, IntSlider, interactive
from nncourse import descent
from nncourse.optimizers import SGD

def draw(learning_rate, x0, steps):
    x = descent.descend(descent.parabola(4.0).gradient, [x0], SGD(learning_rate), steps)[:, 0]
    half = max(3, abs(x).max())
    curve = np.linspace(-half, half, 300)
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5))
    left.plot(curve, 4 * curve**2, color="grey")
    left.plot(x, 4 * x**2, "o-")
    right.semilogy(np.maximum(abs(x), 1e-6), "o-")
    plt.show()

widget = interactive(
    draw,
    learning_rate=FloatSlider(0.1, min=0.001, max=1.1, step=0.0001),
    x0=FloatSlider(2, min=-3, max=3),
    steps=IntSlider(10, min=0, max=10),
)
widget.update()
rng, times = random.Random(1), []
for _ in range({answers}):
    start = time.perf_counter()
    widget.children[0].value = round(rng.uniform(0.001, 1.1), 4)
    times.append(1000 * (time.perf_counter() - start))
print(json.dumps(times))
"""


class Kernel:
    """A kernel, and what one needs to send it a move as the browser does."""

    def __init__(self) -> None:
        environment = {k: v for k, v in os.environ.items() if k != "NNCOURSE_HOME"}
        self.manager, self.client = start_new_kernel(kernel_name="python3", env=environment)

    def run(self, code: str) -> str:
        """Run a cell and return what it printed."""
        printed: list[str] = []

        def listen(message: dict[str, Any]) -> None:
            if message["msg_type"] == "stream":
                printed.append(message["content"]["text"])

        reply = self.client.execute_interactive(code, timeout=300, output_hook=listen)
        if reply["content"]["status"] != "ok":
            raise SystemExit("\n".join(reply["content"]["traceback"]))
        return "".join(printed)

    def round_trip(self, model_id: str, values: dict[str, Any]) -> float:
        """Milliseconds from sending new values to having the scene for them."""
        update = {"method": "update", "state": {"values": values}, "buffer_paths": []}
        message = self.client.session.msg("comm_msg", {"comm_id": model_id, "data": update})
        start = time.perf_counter()
        self.client.shell_channel.send(message)
        while True:
            answer = self.client.get_iopub_msg(timeout=30)
            if answer["msg_type"] == "comm_msg":
                scene = answer["content"]["data"].get("state", {}).get("scene")
                if scene and scene["values"] == values:
                    return 1000 * (time.perf_counter() - start)

    def stop(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def time_kernel(results: dict[str, float]) -> Iterator[Row]:
    kernel = Kernel()
    try:
        model_id = kernel.run(SETUP).strip().splitlines()[-1]
        computing = json.loads(kernel.run(IN_KERNEL.format(answers=ANSWERS)))
        yield Row(f"`{LEARNING_RATE}` in a kernel: function and recording", spread(computing))
        rng, start = random.Random(2), {"x0": 2.0, "steps": 10}
        trips = [
            kernel.round_trip(model_id, {"learning_rate": round(rng.uniform(0.001, 1.1), 6)} | start)
            for _ in range(ANSWERS)
        ]
        yield Row(
            f"`{LEARNING_RATE}` in a kernel: values sent → scene back",
            spread(trips),
            "p50 ≤ 20 ms",
            quantile(trips, 0.5) <= 20,
        )
        yield from time_playground(kernel)
        drawing = json.loads(kernel.run(INTERACT.format(answers=ANSWERS)).strip().splitlines()[-1])
    finally:
        kernel.stop()
    usual = quantile(drawing, 0.5)
    yield Row("the same with `interact` and Matplotlib: kernel time alone", spread(drawing))
    yield Row(
        "the page is faster than that by",
        f"{usual / results['page']:.1f} times (event → paint), {usual / results['work']:.1f} times (work)",
        "≥ 5 times",
        usual / results["page"] >= 5,
    )


def time_playground(kernel: Kernel) -> Iterator[Row]:
    """Time the training that a reader watches, and the one that starts anew with every move."""
    model_id, start = json.loads(kernel.run(PLAYGROUND))
    rng = random.Random(3)
    rates = [round(rng.uniform(0.05, 0.9), 4) for _ in range(ANSWERS)]
    ways = {
        "one epoch further": [start | {"rate": rates[0], "epoch": epoch} for epoch in range(1, ANSWERS)],
        "another rate, all 150 epochs": [start | {"rate": rate} for rate in rates],
    }
    for label, moves in ways.items():
        times = [kernel.round_trip(model_id, values) for values in moves]
        slow = quantile(times, 0.95)
        yield Row(f"`{PLAYGROUND_NAME}` in a kernel: {label}", spread(times), "p95 ≤ 50 ms", slow <= 50)


# ── The report ───────────────────────────────────────────────────────────────────────────────────


def machine(chromium: str) -> str:
    info = Path("/proc/cpuinfo")
    text = info.read_text() if info.exists() else ""
    model = re.search(r"model name\s*: (.*)", text)
    cpu = model.group(1).strip() if model else platform.processor() or platform.machine()
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    return (
        f"{cpu}, {os.cpu_count()} cores, {platform.system()} {platform.release().split('-')[0]}, "
        f"Python {platform.python_version()}, Chromium {chromium}; load at the start {load}."
    )


def main() -> None:
    subprocess.run([sys.executable, ROOT / "tools" / "build_book.py"], check=True)
    path = find_browser()
    if path is None:
        raise SystemExit(HELP)
    rows: list[Row] = []
    results: dict[str, float] = {}

    def add(more: Iterator[Row]) -> None:
        for row in more:
            print(row, flush=True)
            rows.append(row)

    with sync_playwright() as playwright, served(BOOK) as site:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        where = machine(browser.version)
        print(f"\n{where}\n\n| what | measured | goal | met |\n|---|---|---|---|")
        add(weigh(browser, site))
        add(time_loads(browser, site))
        add(time_moves(browser, site, results))
        browser.close()
    add(time_kernel(results))
    table = "\n".join(map(str, rows))
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(
        "# Speed and weight of the pages\n\n"
        "Written by `make bench`, which measures the built pages in a browser without a window, and a "
        f"kernel. {MOVES} moves for each slider, {ANSWERS} answers of the kernel, {LOADS} loads.\n\n"
        "*Event → paint* runs from an input event at a random moment to the end of the frame that "
        "shows its effect, so up to one frame (16.7 ms) of it is waiting; *work* is what the browser "
        "does in that time. Compare times of one run with each other, not with those of another "
        f"machine or a busier moment.\n\n{where}\n\n"
        f"| what | measured | goal | met |\n|---|---|---|---|\n{table}\n",
        encoding="utf-8",
    )
    print(f"\nWritten to {REPORT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
