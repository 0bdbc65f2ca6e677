"""Draw the picture that shows when somebody shares a page: `_static/social-card.png`.

python tools/social_card.py      after a change of title or colours
"""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import yaml

from nncourse.palette import LIGHT

ROOT = Path(__file__).resolve().parent.parent
CARD = ROOT / "_static" / "social-card.png"
INK, BLUE, ORANGE, PAPER = (LIGHT[name] for name in ("ink", "blue", "orange", "page"))
LEARNING_RATE, START, STEPS = 0.22, 2.0, 7


def draw(title: str) -> None:
    figure = plt.figure(figsize=(12, 6.3), facecolor=PAPER)
    axes = figure.add_axes((0.52, 0.1, 0.44, 0.8))
    axes.axis("off")
    x = np.linspace(-2.15, 2.15, 200)
    axes.plot(x, 4 * x**2, color=BLUE, linewidth=8, solid_capstyle="round")
    path = START * (1 - 8 * LEARNING_RATE) ** np.arange(STEPS)
    axes.plot(path, 4 * path**2, "o-", color=ORANGE, linewidth=3, markersize=15)
    figure.text(0.06, 0.55, title.replace(", ", ",\n"), color=INK, size=44, family="serif", linespacing=1.3)
    figure.text(0.06, 0.36, "A course whose figures move.", color=BLUE, size=25)
    figure.savefig(CARD, dpi=100, metadata={"Software": None})


if __name__ == "__main__":
    draw(yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["title"])
