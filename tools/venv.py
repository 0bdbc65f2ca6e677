"""Make `.venv` from requirements.txt, or leave it alone when it is up to date.

Runs on any Python 3 that a machine may have, so that an old one gets a sentence and not a traceback.

    python3 tools/venv.py
"""

import hashlib
import os
import subprocess
import sys

OLDEST = (3, 11)
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, "installed-from")


def stop(message: str) -> None:
    sys.stderr.write(message + "\n")
    sys.exit(1)


def wanted() -> str:
    """What a finished environment was made from: this Python and these pins."""
    digest = hashlib.sha256()
    for name in ("requirements.txt", "pyproject.toml"):
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    return "Python %d.%d, %s\n" % (sys.version_info[0], sys.version_info[1], digest.hexdigest())


def installed() -> str:
    try:
        with open(STAMP) as file:
            return file.read()
    except OSError:
        return ""


def make_environment() -> None:
    """A venv of this Python, kept if there is one already."""
    if installed().startswith("Python %d.%d," % sys.version_info[:2]) or sys.prefix == VENV:
        return
    try:
        import ensurepip  # noqa: F401  Debian packs it separately
    except ImportError:
        name = "python%d.%d-venv" % sys.version_info[:2]
        if os.geteuid() != 0 or subprocess.call(["apt-get", "install", "-y", "-q", name]) != 0:
            stop(
                "This Python has no ensurepip, so it cannot make a .venv. On Debian: apt-get install " + name
            )
    subprocess.check_call([sys.executable, "-m", "venv", "--clear", VENV])


def main() -> None:
    if sys.version_info < OLDEST:
        stop(
            "nncourse needs Python %d.%d or newer, and %s is Python %d.%d.\n"
            "Name a newer one: make PYTHON=python3.12" % (OLDEST + (sys.executable,) + sys.version_info[:2])
        )
    goal = wanted()
    if installed() == goal:
        return
    print("Setting up .venv (about a minute, once) ...", flush=True)
    make_environment()
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt"]
    if subprocess.call(pip, cwd=ROOT) != 0:
        stop("pip could not install requirements.txt; its message is above.")
    with open(STAMP, "w") as file:
        file.write(goal)


if __name__ == "__main__":
    main()
