"""Find the browser that prints the book and that the tests drive; install it where that is possible.

python tools/browser.py      prints its path, or says how to get one
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome")
HELP = (
    "The tests and the PDF need Chromium, and none was found. On Debian: apt-get install chromium; "
    "elsewhere put one on PATH or name it: make test CHROMIUM=/path/to/chromium"
)

# No sandbox as root, none of the browser's own calls home, and no host has an address but this one.
FLAGS = [
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find_browser() -> str | None:
    """The path of a Chromium: $CHROMIUM if set, else the first one on PATH."""
    named = os.environ.get("CHROMIUM")
    return shutil.which(named) if named else next(filter(None, map(shutil.which, NAMES)), None)


def install_browser() -> None:
    """Ask Debian for Chromium; only root may."""
    if os.environ.get("CHROMIUM") or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    print("Installing Chromium for the browser tests (once) ...", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in ("update", "install --yes --no-install-recommends chromium"):
        subprocess.run(["apt-get", *step.split()], stdout=subprocess.DEVNULL, env=environment, check=False)


if __name__ == "__main__":
    if not find_browser():
        install_browser()
    print(find_browser() or sys.exit(HELP))
