"""Ask every external link of the book whether it still answers, and name those that do not.

Sphinx's linkcheck does the asking. Notebooks are not run for it, and the built book stays as it is.
This needs the internet, so no test does it; links inside the book are checked by `tests/test_links.py`.

The buttons of a built book that names its repository are asked, too. Binder and Colab answer to any
address, so what counts is the file of the repository that they open. `--launch` also has Binder start the
repository, once, and waits until it has: that takes some minutes, on a machine that somebody lends.

    python tools/check_links.py [--launch] [FOLDER]
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import urllib.request
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import yaml

ROOT = Path(__file__).resolve().parent.parent
# Publishers often answer people and not programs; that says nothing about the link.
REFUSED = re.compile(r"\b(?:401|403|429)\b|unauthorized", re.IGNORECASE)
ABSOLUTE = re.compile(r'<a\b[^>]*?\shref="(https?://[^"]+)"')
GITHUB = "https://github.com"


def check(book: Path) -> list[dict[str, str]]:
    """What linkcheck found out about each link: filename, lineno, uri, status, info."""
    place = book / "_build" / "links"
    place.mkdir(parents=True, exist_ok=True)
    config = yaml.safe_load((book / "_config.yml").read_text("utf-8"))
    config["execute"]["execute_notebooks"] = "off"
    extensions = config["sphinx"]["local_extensions"]  # which are looked for beside the configuration
    config["sphinx"]["local_extensions"] = {name: str(book / folder) for name, folder in extensions.items()}
    (place / "_config.yml").write_text(yaml.safe_dump(config), "utf-8")
    report = place / "_build" / "html" / "output.json"  # where Jupyter Book lets linkcheck write
    report.unlink(missing_ok=True)  # or the answers of another day would stand for those of a run that fails
    program = str(Path(sys.executable).with_name("jupyter-book"))
    options = ["--builder", "linkcheck", "--config", str(place / "_config.yml"), "--path-output", str(place)]
    run = subprocess.run(
        [program, "build", str(book), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if not report.exists():
        sys.exit(f"The book could not be read:\n{run.stdout[-2000:]}")
    return [json.loads(line) for line in report.read_text("utf-8").splitlines()]


def file_behind(link: str, repository: str, branch: str) -> str:
    """The file of the repository to which a button leads, or nothing if the link is no button."""
    url = urlsplit(link)
    files = f"{repository}/blob/{branch}/"
    if "/v2/gh/" in url.path:  # Binder
        return files + parse_qs(url.query)["urlpath"][0].removeprefix("lab/tree/")
    if url.path.startswith("/github/"):  # Colab
        return link.replace(f"{url.scheme}://{url.netloc}/github", GITHUB)
    return link.replace("/edit/", "/blob/") if link.startswith(f"{repository}/edit/") else ""


def behind_buttons(html: Path, repository: str, branch: str) -> set[str]:
    """The files of the repository to which the buttons of the built pages lead."""
    links = {
        unescape(link) for page in html.rglob("*.html") for link in ABSOLUTE.findall(page.read_text("utf-8"))
    }
    return {file for link in links if (file := file_behind(link, repository, branch))}


def answers(address: str) -> str:
    """What is wrong with an address, if anything."""
    try:
        with urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=30):
            return ""
    except OSError as error:
        return str(error)


def launch(hub: str, repository: str, branch: str) -> str:
    """Have Binder start the repository; what it says at the end, if that is not that it has."""
    address = f"{hub.rstrip('/')}/build/gh{urlsplit(repository).path}/{branch}"
    try:
        with urllib.request.urlopen(address, timeout=600) as events:
            for line in events:
                event = json.loads(line[5:]) if line.startswith(b"data:") else {}
                if event.get("phase") in ("ready", "failed"):
                    return "" if event["phase"] == "ready" else f"{address}: {event.get('message')}"
    except OSError as error:
        return f"{address}: {error}"
    return f"{address}: the answer broke off"


def check_buttons(book: Path, start: bool) -> list[str]:
    """What is wrong with the buttons of the built book."""
    config = yaml.safe_load((book / "_config.yml").read_text("utf-8"))
    repository, branch = config["repository"]["url"].rstrip("/"), config["repository"]["branch"]
    if not repository:
        print("The book names no repository, so it has no buttons.")
        return []
    files = behind_buttons(book / "_build" / "html", repository, branch)
    wrong = [f"{file}: {trouble}" for file in sorted(files) if (trouble := answers(file))]
    if not files:
        wrong = ["There is no built book with buttons: run 'make book' first."]
    elif start:
        wrong += filter(None, [launch(config["launch_buttons"]["binderhub_url"], repository, branch)])
    print(f"Asked for {len(files)} files behind buttons; {len(wrong)} wrong.", *wrong, sep="\n  ")
    return wrong


def check_text(book: Path) -> bool:
    """Ask the links in the text and print what is wrong; whether all answer."""
    asked = [link for link in check(book) if link["uri"].startswith("http")]
    silent = [link for link in asked if link["status"] in ("broken", "timeout")]
    refused = [link for link in silent if REFUSED.search(link["info"])]
    for title, links in (
        ("These links do not answer:", [link for link in silent if link not in refused]),
        ("These refuse programs; look at them yourself:", refused),
        ("These have moved:", [link for link in asked if link["status"] == "redirected"]),
    ):
        if links:
            print(title)
        for link in links:
            print(f"  {link['filename']}:{link['lineno']}: {link['uri']}\n      {link['info']}")
    print(f"Asked {len(asked)} external links; {len(silent) - len(refused)} do not answer.")
    return len(silent) == len(refused)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT)
    parser.add_argument("--launch", action="store_true", help="have Binder start the repository")
    options = parser.parse_args()
    folder = options.folder.resolve()
    links_answer = check_text(folder)
    buttons_lead = not check_buttons(folder, options.launch)
    sys.exit(not (links_answer and buttons_lead))
