"""Everything a chapter may put on a page, on one page: it looks right, works, and is accessible."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from io import BytesIO

import pytest
from fontTools.ttLib import TTFont
from playwright.sync_api import expect

from conftest import SOMEBODYS, OpenPage, SmallBook, assert_buttons, violations
from serve import make_server

TEXT = r"""
# All elements

A paragraph with **bold**, *italic*, `code`, a [link](https://www.example.org), an inline formula
$\sigma(z) = \frac{1}{1 + e^{-z}}$, a footnote[^note] and a citation {cite}`robbins1951`.
The $n$-th pair is ($x$, $y$).

[^note]: The footnote.

## Formulas

$$
x_{t+1} = x_t - \eta f'(x_t)
$$ (step)

Formula {eq}`step` has a number. The next one is longer than a phone is wide, and the one after it aligns.

$$
\operatorname{softmax}(z)_i = \frac{e^{z_i}}{\sum_j e^{z_j}} = \frac{e^{z_i - m}}{\sum_j e^{z_j - m}}
\qquad \text{with } m = \max_j z_j \text{ so that nothing overflows, whatever the scores are}
$$

$$
a &= b + c \\
d &= e
$$

\begin{align}
p &= q + r \\
s &= t
\end{align}

## Boxes

:::{note}
A note.
:::

:::{tip}
A tip.
:::

:::{warning}
A warning.
:::

:::{admonition} Where the note is loose
:class: important
An admonition with a title of its own and a formula $a^2$.
:::

:::{dropdown} A dropdown
What it hides.
:::

:::{admonition} An answer
:class: dropdown
What it hides.
:::

::::{tab-set}
:::{tab-item} One
First.
:::
:::{tab-item} Two
Second.
:::
::::

## Lists and tables

1. One
2. Two
   - inner

Term
: Its definition.

| name | value | a column with a long heading | another one with a long heading |
| --- | ---: | --- | --- |
| a | 1.0 | some words in a cell | more words in a cell |

```python
def step(x, lr):  # a comment
    return x - lr * 8 * x, "a string", 3.14, None
```
"""

PRINTS = """print("x" * 200)
import sys; [1, 2, 3]"""
HTML = """from IPython.display import HTML
HTML("<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table>")"""
FIGURE = """import matplotlib.pyplot as plt
figure, axes = plt.subplots()
axes.plot([1, 2, 3]);"""


@pytest.fixture(scope="module")
def elements(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    book = SmallBook(tmp_path_factory.mktemp("elements"))
    book.configure("url", SOMEBODYS)
    book.write("elements.md", TEXT)
    book.write_notebook("outputs.ipynb", PRINTS, HTML, FIGURE)
    book.write("bibliography.md", "# Bibliography\n\n```{bibliography}\n```\n")
    book.write("chapters/01_neuron.md", "# The neuron\n\nA page where a chapter of the book would be.\n")
    run = book.build("elements", "outputs", "bibliography", "chapters/01_neuron")
    assert run.returncode == 0, run.stderr
    with make_server(book.folder / "_build" / "html", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["elements", "outputs"])
def test_elements_are_accessible(
    open_page: OpenPage, elements: str, name: str, scheme: str, width: int
) -> None:
    visit = open_page(f"{elements}{name}.html", scheme=scheme, width=width)
    visit.assert_quiet()  # before axe, which fetches style sheets in its own way
    assert violations(visit.page) == []


@pytest.mark.parametrize("name", ["elements", "outputs"])
def test_elements_fit_a_phone(open_page: OpenPage, elements: str, name: str) -> None:
    page = open_page(f"{elements}{name}.html", width=320, height=640).page
    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_long_formula_scrolls_in_its_own_box(open_page: OpenPage, elements: str) -> None:
    page = open_page(f"{elements}elements.html", width=390).page
    widths = page.eval_on_selector_all(".math-scroll", "all => all.map(e => [e.scrollWidth, e.clientWidth])")
    assert any(inner > outer for inner, outer in widths)
    stops = page.locator('.math-scroll[tabindex="0"]')
    expect(stops).to_have_count(sum(inner > outer for inner, outer in widths))


def test_formulas_are_there_for_eye_and_screen_reader(open_page: OpenPage, elements: str) -> None:
    page = open_page(f"{elements}elements.html").page
    formulas = page.locator("article .math")
    assert formulas.count() >= 6
    assert page.locator("article .math .katex-html").count() == formulas.count()
    assert page.locator("article .math math").count() == formulas.count()
    assert page.evaluate("document.fonts.check('16px KaTeX_Main')")


def test_signs_stay_on_the_line_of_their_formula(open_page: OpenPage, elements: str) -> None:
    tied = open_page(f"{elements}elements.html").page.locator("article .tied")
    signs = "e => [...e.childNodes].filter((n) => n.nodeType === Node.TEXT_NODE).map((n) => n.data).join('_')"
    assert [one.evaluate(signs) for one in tied.all()] == ["-th", "(_,", ").", "."]
    assert tied.first.evaluate("e => getComputedStyle(e).whiteSpace") == "nowrap"


def test_page_without_formulas_loads_no_katex(open_page: OpenPage, elements: str) -> None:
    visit = open_page(f"{elements}outputs.html")
    assert not [url for url in visit.requests if "katex" in url]


@pytest.mark.parametrize("name", ["elements", "outputs"])
def test_buttons_and_social_card_follow_from_the_repository(
    open_page: OpenPage, elements: str, name: str
) -> None:
    html = open_page(f"{elements}{name}.html").page.content()
    assert_buttons(html, name, SOMEBODYS, notebook=name == "outputs")
    card = re.search(r'property="og:image" content="https://somebody\.github\.io/their-course/([^"]*)"', html)
    assert card
    assert open_page(elements + card[1]).missing == []


def test_a_page_with_a_card_of_its_own_shows_that(open_page: OpenPage, elements: str) -> None:
    html = open_page(f"{elements}chapters/01_neuron.html").page.content()
    assert (
        'property="og:image" content="https://somebody.github.io/their-course/_static/cards/01_neuron.png"'
        in html
    )
    assert "beside one of the chapter" in html


def test_answer_opens_on_demand(open_page: OpenPage, elements: str) -> None:
    page = open_page(f"{elements}elements.html").page
    answer = page.locator(".admonition.dropdown")
    hidden = answer.get_by_text("What it hides.")
    assert not hidden.is_visible()
    answer.locator("button, summary, .admonition-title").first.click()
    assert hidden.is_visible()


def test_every_icon_has_its_glyph(open_page: OpenPage, elements: str) -> None:
    """The icon fonts are cut down to what is used: an icon that was cut away would be a box."""
    page = open_page(f"{elements}elements.html").page
    used = page.evaluate(
        """() => [...document.querySelectorAll("*")].flatMap(element =>
            ["::before", "::after"].map(part => getComputedStyle(element, part))
                .filter(style => /[\\ue000-\\uf8ff]/.test(style.content))
                .map(style => [style.fontFamily, style.fontWeight, style.content.replaceAll('"', "")]))"""
    )
    fonts = {}
    for name in ("fa-solid-900", "fa-brands-400", "fa-regular-400"):
        font = page.request.get(f"{elements}_static/vendor/fontawesome/webfonts/{name}.woff2")
        fonts[name] = set(TTFont(BytesIO(font.body())).getBestCmap())
    assert used
    for family, _weight, glyph in used:
        assert "Font Awesome" in family
        assert any(ord(glyph) in known for known in fonts.values()), (family, glyph)


def test_code_can_be_copied(open_page: OpenPage, elements: str) -> None:
    visit = open_page(f"{elements}elements.html", permissions=["clipboard-read", "clipboard-write"])
    block = visit.page.locator("div.highlight").first
    block.hover()
    block.locator("button.copybtn").click()
    assert "def step(x, lr)" in visit.page.evaluate("navigator.clipboard.readText()")
    visit.assert_quiet()


def test_a_dark_page_prints_light_with_whole_code_and_no_navigation(
    open_page: OpenPage, elements: str
) -> None:
    page = open_page(f"{elements}elements.html", scheme="dark", width=390).page
    theme = "document.documentElement.dataset.theme"
    code = "[...document.querySelectorAll('article pre')]"
    cut_off = f"{code}.filter((each) => each.scrollWidth > each.clientWidth).length"
    assert (page.evaluate(theme), page.evaluate(cut_off)) == ("dark", 1)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert (page.evaluate(theme), page.evaluate(cut_off)) == ("light", 0)
    for of_the_screen in (".bd-sidebar-primary", ".bd-header-article", "article .headerlink"):
        expect(page.locator(of_the_screen).first).to_be_hidden()
    expect(page.locator("article h1")).to_be_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(theme) == "dark"
