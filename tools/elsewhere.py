"""Run a chapter and an exercise as Binder and as Colab do, each in an environment of its own.

This asks neither of them: what they have, and what they do with the course, is done again here as far as
that goes without Docker. For Binder, repo2docker writes down its steps; the server that it names and the
packages that it installs make an environment. For Colab, an environment gets the versions that notebooks
find there and a module `google.colab`, and the notebooks have the cell that fetches the library, here from
this checkout. Both run through a Jupyter server of that environment, the exercise with its solution.

    python tools/elsewhere.py binder|colab [--python python3.12]
"""

from __future__ import annotations

import argparse
import json
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import websocket

from exercises import sources
from notebooks import canonical

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / "_build" / "elsewhere"
CHAPTER = "chapters/05_gradient_descent.ipynb"
EXERCISE = "exercises/ex05_gradient_descent.ipynb"
WIDGET = "application/vnd.jupyter.widget-view+json"

REPO2DOCKER = "jupyter-repo2docker==2026.4.0"
LOCK = r"environment\.py-[\d.]+-linux-64\.lock"  # the packages that every Binder has
LOCKED = r"/(jupyterlab|jupyter_server|notebook|ipywidgets|ipykernel|ipython)-([\d.]+)-[^/]+\.conda"
INSTALLS = r'^RUN \$\{KERNEL_PYTHON_PREFIX\}/bin/pip install .*-r "([^"]+)"$'

# https://github.com/googlecolab/backend-info lists what Colab has. These are the oldest of this year.
COLAB = ("numpy==2.0.2", "matplotlib==3.10.0", "ipywidgets==7.7.1", "ipykernel==6.17.1", "ipython==7.34.0")
# A widget that is not one of Colab's own shows there once its manager is asked for; from then on a hook
# tells the page, with each widget, where that manager is.
IN_COLAB = f"""
import sys
from types import ModuleType, SimpleNamespace

output = ModuleType("google.colab.output")
output._widgets = SimpleNamespace(_installed_url=None)

def tell(message):
    content = message.get("content", {{}})
    if "{WIDGET}" in content.get("data", {{}}):
        content["metadata"]["{WIDGET}"] = {{"colab": output._widgets._installed_url}}
    return message

def enable_custom_widget_manager():
    output._widgets._installed_url = "manager.js"
    get_ipython().display_pub.register_hook(tell)

output.enable_custom_widget_manager = enable_custom_widget_manager
sys.modules.update({{"google.colab": ModuleType("google.colab"), "google.colab.output": output}})
"""


class Failed(Exception):
    """Something does not work elsewhere; the message says what."""


def environment(name: str, python: str, *packages: str) -> Path:
    """Make a new environment with these packages and return its Python."""
    shutil.rmtree(PLACE / name, ignore_errors=True)
    subprocess.run([python, "-m", "venv", PLACE / name], check=True)
    new = PLACE / name / "bin" / "python"
    pip(new, *packages)
    return new


def pip(python: Path, *arguments: str, cwd: Path | None = None) -> None:
    quiet = ("--quiet", "--disable-pip-version-check")
    subprocess.run([python, "-m", "pip", "install", *quiet, *arguments], cwd=cwd, check=True)


def versions(python: Path) -> dict[str, str]:
    listed = subprocess.check_output([python, "-m", "pip", "list", "--format=json"], text=True)
    return {package["name"].lower(): package["version"] for package in json.loads(listed)}


def megabytes(python: Path) -> float:
    files = (file.lstat() for file in python.parent.parent.rglob("*") if not file.is_dir())
    return sum(file.st_size for file in files) / 1e6


class Server:
    """A Jupyter server of an environment, as its page meets it."""

    def __init__(self, python: Path, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.token = secrets.token_hex(16)
        self.log = PLACE / "server.log"
        options = ["--no-browser", "--allow-root", f"--port={self.port}", "--ServerApp.port_retries=0"]
        self.process = subprocess.Popen(
            [python, "-m", "jupyterlab", *options, f"--IdentityProvider.token={self.token}"],
            cwd=folder,
            stdout=self.log.open("w"),
            stderr=subprocess.STDOUT,
        )
        for _ in range(120):
            try:
                self.ask("api")
                return
            except urllib.error.URLError:
                time.sleep(0.5)
        self.process.kill()
        raise Failed(f"The server did not start: {self.log}")

    def ask(self, path: str, data: bytes | None = None) -> bytes:
        """Get a page of the server, or post to it."""
        header = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/{path}", data, header)
        with urllib.request.urlopen(request) as answer:
            return bytes(answer.read())

    def run(self, *cells: str) -> list[dict[str, Any]]:
        """Run cells in a new kernel and return what they showed."""
        kernel = json.loads(self.ask("api/kernels", b"{}"))["id"]
        address = f"ws://127.0.0.1:{self.port}/api/kernels/{kernel}/channels"
        channel = websocket.create_connection(
            address, timeout=300, header=[f"Authorization: token {self.token}"]
        )
        shown = []
        for code in cells:
            for kind, content in self._execute(channel, code):
                if kind == "error":
                    raise Failed(f"{content['ename']}: {content['evalue']}\nin the cell\n{code}")
                if kind in ("display_data", "execute_result", "stream"):
                    shown.append(content)
        channel.close()
        return shown

    @staticmethod
    def _execute(channel: websocket.WebSocket, code: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Run a cell; give each of the kernel's messages until it is idle again."""
        name = secrets.token_hex(8)
        request = {
            "channel": "shell",
            "header": {"msg_id": name, "msg_type": "execute_request", "version": "5.3"},
            "parent_header": {},
            "metadata": {},
            "content": {"code": code, "silent": False, "allow_stdin": False},
        }
        request["header"] |= {"username": "", "session": name}  # type: ignore[operator]
        channel.send(json.dumps(request))
        while True:
            message = channel.recv()
            if isinstance(message, bytes):
                continue  # the data of a widget
            answer = json.loads(message)
            if answer["parent_header"].get("msg_id") == name and answer["channel"] == "iopub":
                yield answer["msg_type"], answer["content"]
                if answer["content"].get("execution_state") == "idle":
                    return


@contextmanager
def server(python: Path, folder: Path) -> Iterator[Server]:
    running = Server(python, folder)
    try:
        yield running
    finally:
        running.process.terminate()
        running.process.wait()


def cells(path: str, library: str = "") -> list[str]:
    """The code of a notebook, an exercise with the answers that its source gives."""
    notebook = json.loads(canonical((ROOT / path).read_text("utf-8"), library))
    answers = {
        f"{question.name}-answer": question.solution
        for source in sources()
        if source.name == Path(path).stem
        for question in source.questions
    }
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return [answers.get(cell["id"], "".join(cell["source"])) for cell in code]


def try_course(host: Server, library: str = "", before: str = "pass") -> list[dict[str, Any]]:
    """Run the chapter, whose figures must show, and the exercise, which must earn its points."""
    widgets = [
        shown for shown in host.run(before, *cells(CHAPTER, library)) if WIDGET in shown.get("data", {})
    ]
    if not widgets:
        raise Failed(f"{CHAPTER} shows no figure.")
    progress = host.run(before, *cells(EXERCISE, library))[-1]["data"]["text/plain"]
    points = re.findall(r"(\S+) of (\S+)$", progress, re.MULTILINE)
    if not points or any(earned != whole for earned, whole in points):
        raise Failed(f"{EXERCISE} with its solution has not all points:\n{progress}")
    return widgets


def binder(python: str) -> None:
    steps = environment("repo2docker", sys.executable, REPO2DOCKER).parent
    checkout = PLACE / "checkout"
    shutil.rmtree(checkout, ignore_errors=True)
    subprocess.run(["git", "clone", "--quiet", ROOT, checkout], check=True)
    dockerfile = (
        subprocess.run(
            [steps / "repo2docker", "--no-build", "--debug", checkout],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        )
        .stdout.replace("-2e", ".")  # in the names of its files it writes signs as numbers
        .replace("-2d", "-")
    )
    lock = re.findall(LOCK, dockerfile)[0]
    text = next(steps.parent.rglob(lock)).read_text("utf-8")
    base = [f"{name}=={version}" for name, version in re.findall(LOCKED, text)]
    installs = re.findall(INSTALLS, dockerfile, re.MULTILINE)
    print(f"Every Binder has {lock}, of it {' '.join(base)}.\nIt installs {' and '.join(installs)}.")
    new = environment("binder", python, *base)
    before, started = megabytes(new), time.monotonic()
    for requirements in installs:
        pip(new, "--no-cache-dir", "-r", requirements, cwd=checkout)
    seconds = time.monotonic() - started
    print(f"Ours: {megabytes(new) - before:.0f} MB in {seconds:.0f} s, beside {before:.0f} MB.")
    with server(new, checkout) as host:
        host.ask(f"lab/tree/{CHAPTER}")
        try_course(host)


def colab(python: str) -> None:
    new = environment("colab", python, *COLAB)
    before = versions(new)
    with server(new, PLACE) as host:
        widgets = try_course(host, str(ROOT), IN_COLAB)
    if not all(widget["metadata"].get(WIDGET, {}).get("colab") for widget in widgets):
        raise Failed("A figure does not say where its manager is: Colab would leave its place empty.")
    after = versions(new)
    if replaced := [name for name in before if before[name] != after[name]]:
        raise Failed(f"The library replaced what Colab had: {replaced}")
    print(f"The library brings {', '.join(sorted(after.keys() - before.keys()))}.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("host", choices=["binder", "colab"])
    parser.add_argument("--python", default=sys.executable, help="the Python to make environments of")
    options = parser.parse_args()
    PLACE.mkdir(parents=True, exist_ok=True)
    try:
        {"binder": binder, "colab": colab}[options.host](options.python)
    except (Failed, subprocess.CalledProcessError) as error:
        sys.exit(f"This does not work in {options.host.title()}: {error}")
    print(f"{CHAPTER} and {EXERCISE} run as in {options.host.title()}.")
