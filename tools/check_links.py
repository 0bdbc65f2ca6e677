"""Ask every external link of the book whether it still answers, and name those that do not.

Sphinx's linkcheck does the asking. Notebooks are not run for it, and the built book stays as it is.
This needs the internet, so no test does it; links inside the book are checked by `tests/test_links.py`.

    python tools/check_links.py [FOLDER]
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
# Publishers often answer people and not programs; that says nothing about the link.
REFUSED = re.compile(r"\b(?:401|403|429)\b|unauthorized", re.IGNORECASE)


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


def main(book: Path) -> int:
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
    return int(len(silent) > len(refused))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT))
