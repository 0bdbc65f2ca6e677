"""Find bubblewrap, in which the judge runs learners' code, and install it where that is possible.

python tools/bubblewrap.py      says nothing, or how to get one
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from nncourse.grading.sandbox import SandboxError, bubblewrap


def install_bubblewrap() -> None:
    """Ask Debian for bubblewrap; only root may."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    print("Installing bubblewrap for the tests of the judge (once) ...", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in ("update", "install --yes --no-install-recommends bubblewrap"):
        subprocess.run(["apt-get", *step.split()], stdout=subprocess.DEVNULL, env=environment, check=False)


if __name__ == "__main__":
    if not shutil.which("bwrap"):
        install_bubblewrap()
    try:
        bubblewrap()
    except SandboxError as error:
        sys.exit(str(error))
