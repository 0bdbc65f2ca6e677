"""Pictures: words come with them, both page colours can read them, and bad input is refused."""

from __future__ import annotations

import subprocess
import sys
from urllib.parse import unquote

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from nncourse import pictures
from nncourse.data import digits, moons
from nncourse.network import MLP
from nncourse.pictures import COLORS, INK, LINES, MARKERS, Picture

MOONS = moons(20, rng=np.random.default_rng(0))
NETWORK = MLP([2, 4, 2], rng=np.random.default_rng(0))
EXAMPLES = {
    "regions": lambda: pictures.decision_regions(NETWORK.predict, *MOONS, resolution=20),
    "curves": lambda: pictures.curves({"training": [3.0, 1.0, 2.0], "validation": [4.0, 2.0, 2.5]}),
    "log curves": lambda: pictures.curves({"a": [1.0, 0.1]}, x=[0, 10], log=True),
    "histograms": lambda: pictures.layer_histograms({"a": MOONS.X, "b": np.zeros(3)}, bins=10),
    "confusion": lambda: pictures.confusion(np.array([[5, 1], [3, 4]]), ["cat", "dog"]),
    "contours": lambda: pictures.contours(
        lambda x, y: x**2 + 9 * y**2, {"sgd": [[1, 1], [0.5, 0.1]], "adam": [[1, 1], [0, 0]]}
    ),
    "plain contours": lambda: pictures.contours(lambda x, y: x**2 + y**2),
    "network": lambda: pictures.network_drawing([4, 5, 3], silenced={1: [0, 3]}),
    "plain network": lambda: pictures.network_drawing([4, 5, 3]),
    "images": lambda: pictures.image_grid(digits().X[:5], list("01234"), columns=3),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_picture_comes_with_words_and_draws_the_same_svg_twice(name):
    first, second = EXAMPLES[name](), EXAMPLES[name]()
    assert isinstance(first, Picture)
    assert len(first.alt) > 20 and first.alt.endswith(".")
    assert first.svg() == second.svg()
    assert first.svg().startswith("<?xml")


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_background_is_transparent_and_the_words_are_in_our_ink(name):
    figure = EXAMPLES[name]().figure
    assert figure.patch.get_alpha() == 0
    for axes in figure.axes:
        if axes.axison:
            assert axes.patch.get_alpha() == 0
            for text in (axes.title, axes.xaxis.label, axes.yaxis.label):
                assert text.get_color() == INK


def test_in_a_notebook_a_picture_is_an_image_with_alternative_text():
    picture = Picture(EXAMPLES["curves"]().figure, 'a "quoted" <word>.')
    shown = picture._repr_html_()
    assert 'alt="a &quot;quoted&quot; &lt;word&gt;."' in shown
    data = shown.split("image/svg+xml,")[1].split('"')[0]
    assert unquote(data) == picture.svg()


def test_alternative_texts_say_what_is_to_be_seen():
    assert EXAMPLES["curves"]().alt == (
        "Loss against epoch: training goes from 3 to 2, lowest 1; validation goes from 4 to 2.5, lowest 2."
    )
    assert EXAMPLES["confusion"]().alt == (
        "Confusion matrix of 2 classes: 9 of 13 right; most frequent mistake: dog taken for cat, 3 times."
    )
    assert pictures.confusion(np.eye(2, dtype=int)).alt.endswith("2 of 2 right; no mistakes.")
    assert "sgd walks 1 steps from (1, 1) to (0.5, 0.1)" in EXAMPLES["contours"]().alt
    assert EXAMPLES["network"]().alt.endswith("layers of 4, 5, 3 units; 2 units are silenced.")
    assert EXAMPLES["plain network"]().alt.endswith("layers of 4, 5, 3 units.")
    right = int((NETWORK.predict(MOONS.X).argmax(axis=1) == MOONS.y).sum())
    assert f"40 data points of 2 classes; {right} of them" in EXAMPLES["regions"]().alt
    assert "standard deviations: a " in EXAMPLES["histograms"]().alt
    assert EXAMPLES["images"]().alt == "5 small grey images with captions: 0, 1, 2, 3, 4."


def luminance(color):
    channels = np.array(to_rgb(color))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("background", ["#ffffff", "#121212", "#14181e"])
def test_ink_and_colours_are_readable_on_light_and_dark_pages(background):
    assert contrast(INK, background) >= 3.9
    for color in COLORS:
        assert contrast(color, background) >= 3.0, color


def test_colours_never_stand_alone():
    assert len(COLORS) == len(MARKERS) == len(LINES) == len(set(MARKERS)) == len(set(map(str, LINES)))


def test_drawing_touches_no_global_state():
    before = dict(matplotlib.rcParams)
    for make in EXAMPLES.values():
        make().svg()
    assert dict(matplotlib.rcParams) == before
    code = "import sys, nncourse.pictures; sys.exit('matplotlib.pyplot' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: pictures.decision_regions(NETWORK.predict, np.ones((3, 3)), [0, 1, 0]),
            ValueError,
            r"X should have the shape \(n, 2\) with n = 3 labels, but got \(3, 3\)",
        ),
        (
            lambda: pictures.decision_regions(NETWORK.predict, np.full((1, 2), np.nan), [0]),
            ValueError,
            "X should hold finite numbers",
        ),
        (lambda: pictures.curves({}), ValueError, "lines should hold at least one curve"),
        (
            lambda: pictures.curves({"a": []}),
            ValueError,
            r"lines\['a'\] should have the shape",
        ),
        (lambda: pictures.curves({"a": [np.nan]}), ValueError, "should hold finite"),
        (
            lambda: pictures.layer_histograms({}),
            ValueError,
            "layers should hold at least",
        ),
        (
            lambda: pictures.confusion(np.ones((2, 3))),
            ValueError,
            "counts should have the shape",
        ),
        (
            lambda: pictures.confusion(np.ones((2, 2), int), ["a"]),
            ValueError,
            "class_names should be 2 names, but got 1",
        ),
        (
            lambda: pictures.contours(lambda x, y: x, {"a": [1, 2]}),
            ValueError,
            r"paths\['a'\] should have the shape \(steps, 2\)",
        ),
        (
            lambda: pictures.network_drawing([3]),
            ValueError,
            "sizes should have at least two",
        ),
        (
            lambda: pictures.network_drawing([3, 2], silenced={1: [2]}),
            ValueError,
            r"silenced should name units of \[3, 2\], but got 1, 2",
        ),
        (
            lambda: pictures.image_grid(np.ones((2, 63)), ["a", "b"]),
            ValueError,
            r"images should have the shape \(n, 64\), but got \(2, 63\)",
        ),
        (lambda: pictures.image_grid(np.ones((2, 64)), ["a"]), ValueError, "captions should be 2"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(call, error, message):
    with pytest.raises(error, match=message):
        call()
