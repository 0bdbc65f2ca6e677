"""Draw the picture that shows when somebody shares a chapter: its title beside one of its figures.

python tools/chapter_cards.py      after `make book`; writes `_static/cards/`
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from browser import FLAGS, find_browser

ROOT = Path(__file__).resolve().parent.parent
CARDS = ROOT / "_static" / "cards"

# For each chapter a figure in a state, as its link has it, and which of its pictures.
FIGURES = {
    "01_neuron": ("neuron.one_neuron", "", 0),
    "02_multilayer_perceptron": ("multilayer_perceptron.xor", "", 0),
    "03_activations": ("activations.universal_approximation", "", 0),
    "04_backpropagation": ("backpropagation.gradient_check", ".curve=true", 0),
    "05_gradient_descent": ("gradient_descent.learning_rate", ".learning_rate=0.24", 0),
    "06_loss": ("loss.kl_both_ways", "", 0),
    "07_initialization": ("initialization.symmetry", "", 1),
    "08_regularization": ("regularization.circle_and_diamond", "", 0),
    "09_putting_it_together": ("putting_it_together.playground", "", 1),
}

# Everything but title and picture goes; what stays is laid out as a card and drawn anew for its width.
LAY_OUT = """([name, panel]) => {
    const title = document.querySelector('h1').firstChild.textContent;
    const book = document.querySelector('.logo__title').textContent;
    const figure = document.querySelector(`[data-explorable="${name}"]`);
    const card = document.createElement('main');
    card.innerHTML = '<div><h1></h1><p></p></div>';
    card.querySelector('h1').textContent = title;
    card.querySelector('p').textContent = book;
    figure.replaceChildren(figure.querySelectorAll('.nn-plot')[panel]);
    card.append(figure);
    document.body.replaceChildren(card);
    const style = document.createElement('style');
    style.textContent = `
        html { overflow: hidden }
        main { display: grid; grid-template-columns: 14.5rem 1fr; gap: 1.5rem; align-items: center;
               height: 315px; padding: 1.5rem; background: var(--pst-color-background) }
        main h1 { margin: 0 0 0.8rem; padding-top: 0.8rem; border-top: 3px solid var(--pst-color-primary);
                  color: var(--pst-color-text-base); font-size: 1.7rem; font-weight: 500; line-height: 1.2 }
        main p { margin: 0; color: var(--pst-color-primary); font-size: 0.9rem }
        main .nn-explorable { border: 0; background: none; margin: 0; padding: 0 }
        main .nn-explorable svg { max-height: 230px }`;
    document.head.append(style);
}"""


def draw(book: Path, folder: Path) -> None:
    """Write a card for each chapter of the built book into a folder."""
    folder.mkdir(exist_ok=True, parents=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
        page = browser.new_page(
            viewport={"width": 600, "height": 315}, device_scale_factor=2, color_scheme="light"
        )  # 1200 by 630 in the picture
        for chapter, (name, state, panel) in FIGURES.items():
            page.goto(f"{(book / 'chapters' / chapter).as_uri()}.html#{name}{state}")
            page.locator(f'[data-explorable="{name}"][data-ready]').wait_for()
            page.evaluate(LAY_OUT, [name, panel])
            page.wait_for_timeout(500)  # the picture is drawn again for its new width
            picture = Image.open(BytesIO(page.screenshot()))
            picture.quantize(64).save(folder / f"{chapter}.png", optimize=True)
        browser.close()


if __name__ == "__main__":
    draw(ROOT / "_build" / "html", CARDS)
