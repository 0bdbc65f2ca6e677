"""Figures in a notebook: JupyterLab, a kernel and a browser, as a reader has them.

Here Python answers every move, also between the values that the built page knows.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from nncourse.explorables import gradient_descent

# Slow, failing and counted on purpose; `seen` is what Python was asked for.
FIGURE = """
import time
from nncourse.explore import Axis, Column, Explorable, Plot, Points, Say, Slider, Table

seen = []

def dot(a, pause):
    seen.append(a)
    time.sleep(pause / 1000)
    if a > 0.9:
        raise ValueError("a is too large")
    return [Points("p", [a], [a]), Column("t", 0, [a])]

figure = Explorable(
    "test.live",
    title="A live figure",
    controls=[
        Slider(name="a", label="a", low=0, high=1, num=11, start=0.5, marks=(0.2,)),
        Slider(name="pause", label="pause", low=0, high=20_000, num=21, start=0, unit="ms"),
    ],
    panels=[Plot("p", Axis("x", 0, 1), Axis("y", 0, 1)), Table("t", ["a"], rows=1)],
    parts=[dot],
    describe=lambda a: Say("The dot is at {}.", a),
)
figure
"""
LEARNING_RATE = "from nncourse.explorables import gradient_descent\n\ngradient_descent.learning_rate()"
PLAYGROUND = "from nncourse.explorables import putting_it_together\n\nputting_it_together.playground()"
WATCH = """() => {
  window.shown = 0;
  const plot = document.querySelector("[data-explorable] .nn-plot:last-of-type");
  const options = { childList: true, subtree: true, attributes: true, characterData: true };
  new MutationObserver(() => shown++).observe(plot, options);
}"""
LISTEN = """(status) => {
  window.said = [];
  new MutationObserver(() => said.push(status.textContent)).observe(status, { childList: true });
}"""
SEEN = "print('seen', seen, 'value', figure.values['a'])"
MOVE = "figure.values = {'a': 0.333, 'pause': 0.0}"

SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
}


@dataclass
class Lab:
    address: str
    token: str
    folder: Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab of this environment, with settings and notebooks of its own."""
    home = tmp_path_factory.mktemp("lab")
    notebooks, config = home / "notebooks", home / "config"
    notebooks.mkdir()
    for plugin, values in SETTINGS.items():
        package, name = plugin.split(":")
        path = config / "lab" / "user-settings" / package / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), encoding="utf-8")
    port, token = free_port(), secrets.token_hex(16)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "NNCOURSE"))}
    environment |= {
        "JUPYTER_CONFIG_DIR": str(config),
        "JUPYTERLAB_SETTINGS_DIR": str(config / "lab" / "user-settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
    }
    options = {
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": notebooks,
        "IdentityProvider.token": token,
        "LabApp.news_url": "",
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += [f"--{name}={value}" for name, value in options.items()]
    address = f"http://127.0.0.1:{port}/"
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            wait_for_answer(f"{address}api?token={token}", server, home / "log")
            yield Lab(address, token, notebooks)
        finally:
            server.terminate()
            server.wait(20)


def wait_for_answer(url: str, server: subprocess.Popen[bytes], log: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-3000:]}", pytrace=False)


class Notebook:
    """An open notebook whose cells have all run."""

    def __init__(self, page: Page, console: list[str]) -> None:
        self.page, self.console = page, console
        self.root: Locator = page.locator("[data-explorable]").first

    def move(self, name: str, position: float) -> None:
        """Put a slider somewhere, as a script would."""
        self.root.locator(f'[data-control="{name}"]').evaluate(
            "(e, at) => { e.value = at; e.dispatchEvent(new Event('input', { bubbles: true })); }", position
        )

    @property
    def readout(self) -> Locator:
        return self.root.locator("[data-readout]")

    @property
    def status(self) -> Locator:
        return self.root.locator("[role=status]")

    def value(self, name: str) -> float:
        return float(self.root.locator(f'[data-control="{name}"]').get_attribute("data-value") or "nan")

    def run_cell(self, index: int) -> Locator:
        """Run one cell and return its output."""
        cell = self.page.locator(".jp-CodeCell").nth(index)
        prompt = cell.locator(".jp-InputPrompt")
        before = prompt.inner_text()
        cell.locator(".cm-content").click()
        expect(cell.locator(".cm-editor.cm-focused")).to_be_visible()
        self.page.keyboard.press("Control+Enter")
        expect(prompt).not_to_have_text(before, timeout=20_000)
        expect(prompt).to_have_text(re.compile(r"\[\d+\]"), timeout=20_000)
        return cell.locator(".jp-OutputArea-output")


@pytest.fixture
def open_notebook(lab: Lab, browser: Browser) -> Iterator[Any]:
    contexts = []

    def open_notebook(*sources: str, name: str = "test.ipynb") -> Notebook:
        path = lab.folder / name
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
        path.write_text(nbformat.writes(notebook), encoding="utf-8")
        context = browser.new_context(viewport={"width": 1280, "height": 1000})
        contexts.append(context)
        refused: list[str] = []

        def answer(route: Any) -> None:
            if re.match(r"(https?|wss?)://(?!127\.0\.0\.1)", route.request.url):
                refused.append(route.request.url)
                route.abort()
            else:
                route.continue_()

        context.route("**/*", answer)
        page = context.new_page()
        console: list[str] = []
        page.on("console", lambda m: console.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: console.append(f"{error}\n{error.stack}"))
        page.goto(
            f"{lab.address}lab/workspaces/w{len(contexts)}{time.time_ns()}/tree/{name}?reset&token={lab.token}"
        )
        expect(page.locator(".jp-Notebook .jp-CodeCell").first).to_be_visible(timeout=60_000)
        expect(page.get_by_text("| Idle")).to_be_visible(timeout=60_000)
        opened = Notebook(page, console)
        opened.run_cell(0)
        expect(opened.root).to_have_attribute("data-ready", "live", timeout=30_000)
        return opened

    yield open_notebook
    for context in contexts:
        context.close()


def test_learning_rate_between_the_recorded_values_is_computed_by_python(open_notebook: Any) -> None:
    notebook = open_notebook(LEARNING_RATE)
    figure = gradient_descent.learning_rate()
    start = {name: control.first for name, control in figure.controls.items()}
    expect(notebook.readout).to_have_text(figure.description(**start))

    slider = notebook.root.locator('[data-control="learning_rate"]')
    slider.focus()
    notebook.page.keyboard.press("ArrowRight")  # the notebook has a use for these keys too
    notebook.page.keyboard.press("ArrowRight")
    rate = notebook.value("learning_rate")
    assert 0.1 < rate < 0.125
    assert rate not in figure.controls["learning_rate"].grid
    expect(notebook.readout).to_have_text(figure.description(**start | {"learning_rate": rate}))
    notebook.root.locator("[data-back]").focus()
    notebook.page.keyboard.press("Enter")
    notebook.page.keyboard.press("Space")
    assert notebook.value("steps") == 8

    notebook.move("learning_rate", 28.5)
    notebook.move("steps", 2)
    rate = notebook.value("learning_rate")
    assert rate not in figure.controls["learning_rate"].grid
    said = figure.description(**start | {"learning_rate": rate, "steps": 2})
    expect(notebook.readout).to_have_text(said)
    path = re.search(r"In two steps x goes (\S+), (\S+), (\S+) and", said)
    assert path is not None
    cells = notebook.root.locator("tbody td:nth-child(2)")
    expect(cells).to_have_text(list(path.groups()))
    assert [c for c in notebook.console if "nncourse" in c or "anywidget" in c or "blob:" in c] == []


def test_moves_that_come_quickly_end_at_the_last_and_skip_those_between(open_notebook: Any) -> None:
    notebook = open_notebook(FIGURE, SEEN)
    notebook.move("pause", 0.1)  # 100 ms for every answer
    expect(notebook.status).to_have_text("")
    for position in range(1, 9):
        notebook.move("a", position)
    expect(notebook.readout).to_have_text("The dot is at 0.8.")
    expect(notebook.root.locator("td")).to_have_text("0.8")
    expect(notebook.status).to_have_text("")
    output = notebook.run_cell(1).inner_text()
    seen = [float(v) for v in re.findall(r"[\d.]+", output.split("value")[0])]
    assert seen[0] == 0.5
    assert seen[-1] == 0.8
    assert len(seen) < 8  # the start, the pause, the first moves, the last
    assert output.strip().endswith("value 0.8")


def test_a_part_that_raises_shows_its_message_and_the_next_good_value_recovers(open_notebook: Any) -> None:
    notebook = open_notebook(FIGURE, "figure.values = {'a': 0.95, 'pause': 0.0}", MOVE)
    notebook.move("a", 10)
    message = "This figure could not be computed. explorable test.live, part dot, at a = 1"
    expect(notebook.status).to_contain_text(message)
    expect(notebook.status).to_contain_text("ValueError: a is too large")
    notebook.move("a", 3.5)
    expect(notebook.status).to_have_text("")
    expect(notebook.root.locator("td")).to_have_text(str(notebook.value("a")))
    # The same from a cell: the traceback is there for the author, and the figure follows.
    output = notebook.run_cell(1)
    expect(output).to_contain_text("Traceback (most recent call last)")
    expect(output).to_contain_text('raise ValueError("a is too large")')
    expect(notebook.status).to_contain_text("at a = 0.95")
    notebook.run_cell(2)
    expect(notebook.status).to_have_text("")
    expect(notebook.readout).to_have_text("The dot is at 0.333.")
    assert notebook.value("a") == pytest.approx(0.333, abs=0.005)
    assert [c for c in notebook.console if "blob:" in c] == []


def test_a_slow_figure_says_that_python_is_computing_until_it_answers(open_notebook: Any) -> None:
    notebook = open_notebook(FIGURE)
    notebook.status.evaluate(LISTEN)  # what it says stands there for half a second only
    notebook.move("pause", 1)  # one second
    notebook.page.wait_for_function("said.length == 2")
    notebook.move("a", 2)
    notebook.page.wait_for_function("said.length == 4")
    expect(notebook.readout).to_have_text("The dot is at 0.2.")
    assert notebook.page.evaluate("said") == ["Python is computing …", ""] * 2


def test_a_move_to_the_same_place_waits_for_no_answer(open_notebook: Any) -> None:
    notebook = open_notebook(FIGURE)
    notebook.page.clock.install()
    notebook.root.locator("[data-reset]").click()
    notebook.root.locator("[data-mark]").click()
    expect(notebook.readout).to_have_text("The dot is at 0.5.")  # the clock stands
    notebook.page.clock.run_for(300)
    expect(notebook.root.locator("td")).to_have_text("0.2")
    notebook.root.locator("[data-mark]").click()
    notebook.page.clock.run_for(30_000)
    expect(notebook.status).to_have_text("")


def test_an_interrupted_figure_says_so_and_answers_again(open_notebook: Any) -> None:
    notebook = open_notebook(FIGURE)
    notebook.move("pause", 10)  # ten seconds
    expect(notebook.status).to_have_text("Python is computing …")
    notebook.page.locator('[data-command="notebook:interrupt-kernel"], [title^="Interrupt"]').first.click()
    expect(notebook.status).to_contain_text("Python was interrupted.")
    notebook.move("pause", 0)
    notebook.move("a", 7)
    expect(notebook.readout).to_have_text("The dot is at 0.7.")
    expect(notebook.status).to_have_text("")


def test_a_stepper_shows_the_steps_between_those_of_the_page(open_notebook: Any) -> None:
    notebook = open_notebook(PLAYGROUND)
    notebook.move("epoch", 0)
    notebook.root.locator("[data-forward]").click()
    expect(notebook.readout).to_contain_text("Epoch 1: ")
    notebook.page.evaluate(WATCH)
    notebook.root.locator("[data-play]").click()
    notebook.page.wait_for_function("shown > 12")
    notebook.root.locator("[data-play]").click()
    assert 12 < notebook.value("epoch") < 150  # the page has 30, 60, 90, 120
