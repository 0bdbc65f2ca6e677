"""The colours: readable on their backgrounds, and apart for readers who see fewer of them."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from engine_v8 import v8
from numpy.typing import NDArray

from nncourse.palette import BOTH, DARK, LIGHT

ROOT = Path(__file__).parents[2]
MODES = {"light": LIGHT, "dark": DARK}
BACKGROUNDS = ("page", "paper", "surface")
WORDS = ("ink", "muted", "blue", "orange", "green", "red", "purple", "sky")
TEXT, GRAPHICS = 4.5, 3.0  # WCAG 2.2, success criteria 1.4.3 and 1.4.11

APART = 0.08  # in Oklab; about 0.02 is the least difference that one sees
EVEN = 2.0  # the largest step of a heat map over its smallest

# Machado, Oliveira and Fernandes (2009), "A physiologically-based model for simulation of color vision
# deficiency", severity 1; for linear RGB.
SEEN_WITH = {
    "all cones": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}

# Ottosson (2020), "A perceptual color space for image processing": linear RGB to cones to Oklab.
TO_CONES = [
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
]
TO_LAB = [
    [0.2104542553, 0.7936177850, -0.0040720468],
    [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
]

Floats = NDArray[np.float64]


def rgb(color: str) -> Floats:
    return np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255


def linear(channels: Floats) -> Floats:
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(a: str, b: str) -> float:
    """WCAG's contrast ratio of two colours."""
    low, high = sorted(float(linear(rgb(c)) @ [0.2126, 0.7152, 0.0722]) for c in (a, b))
    return (high + 0.05) / (low + 0.05)


def seen(channels: Floats, eye: str) -> Floats:
    """Where such eyes see colours (..., 3), in Oklab."""
    cones = np.clip(linear(channels) @ np.transpose(SEEN_WITH[eye]), 0, 1) @ np.transpose(TO_CONES)
    return np.cbrt(cones) @ np.transpose(TO_LAB)


def distance(a: str, b: str, eye: str) -> float:
    return float(np.linalg.norm(seen(rgb(a), eye) - seen(rgb(b), eye)))


def test_the_measures_are_those_of_their_sources() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#ffffff", "#767676") == pytest.approx(4.54, abs=0.005)  # WCAG's own example of 4.5
    assert seen(rgb("#ffffff"), "all cones") == pytest.approx([1, 0, 0], abs=1e-6)
    assert seen(rgb("#ff0000"), "all cones") == pytest.approx([0.628, 0.225, 0.126], abs=5e-4)
    for eye in SEEN_WITH:  # grey is grey to everybody
        assert seen(rgb("#808080"), eye)[1:] == pytest.approx([0, 0], abs=2e-3)
    red, green = "#b04000", "#4a7000"  # two that people confuse
    assert distance(red, green, "deuteranopia") < distance(red, green, "all cones") / 3


@pytest.mark.parametrize("mode", MODES)
def test_words_lines_and_marks_stand_out_from_their_background(mode: str) -> None:
    colors = MODES[mode]
    assert colors.keys() == LIGHT.keys() == {*BACKGROUNDS, "faint", "soft", *WORDS}
    for background in BACKGROUNDS:
        for name in WORDS:
            assert contrast(colors[name], colors[background]) >= TEXT, (name, background)
        assert contrast(colors["soft"], colors[background]) >= GRAPHICS, background


@pytest.mark.parametrize("eye", SEEN_WITH)
@pytest.mark.parametrize("mode", MODES)
def test_colours_of_figures_stay_apart_for_every_eye(mode: str, eye: str) -> None:
    colors = MODES[mode]
    for a, b in itertools.combinations(("soft", *WORDS), 2):
        assert distance(colors[a], colors[b], eye) >= APART, (a, b)


@pytest.mark.parametrize("eye", SEEN_WITH)
def test_colours_of_pictures_stay_apart_and_stand_out_on_both_pages(eye: str) -> None:
    for a, b in itertools.combinations(BOTH, 2):
        assert distance(BOTH[a], BOTH[b], eye) >= APART, (a, b)
    for name, color in BOTH.items():
        for colors in MODES.values():
            for background in ("page", "paper"):
                assert contrast(color, colors[background]) >= GRAPHICS, (name, background)


def heat_maps() -> Iterator[tuple[str, int, Floats]]:
    """Every heat map's 256 colours, as explore.js makes them."""
    palettes = json.loads(v8().eval("JSON.stringify(inside.PALETTES)"))
    for name, modes in palettes.items():
        for mode, stops in enumerate(modes):
            points = np.linspace(0, 1, len(stops))
            channels = np.transpose([rgb(stop) for stop in stops])
            yield name, mode, np.transpose([np.interp(np.linspace(0, 1, 256), points, c) for c in channels])


@pytest.mark.parametrize("eye", SEEN_WITH)
def test_heat_maps_go_evenly_from_light_to_dark_and_tell_their_ends_apart(eye: str) -> None:
    for name, mode, colors in heat_maps():
        places = seen(colors, eye)
        halves = [places[127::-1], places[128:]] if name == "diverging" else [places]
        for half in halves:
            steps = np.diff(half[::8], axis=0)
            sizes = np.linalg.norm(steps, axis=1)
            assert sizes.max() <= EVEN * sizes.min(), (name, mode)
            assert len(set(np.sign(steps[:, 0]))) == 1, (name, mode)  # lighter all the way, or darker
        assert np.linalg.norm(places[0] - places[-1]) >= 2 * APART, (name, mode)


def test_colours_are_named_in_one_place() -> None:
    known = {*LIGHT.values(), *DARK.values(), *BOTH.values()}
    stops = set(re.findall(r"#[0-9a-f]{6}", v8().eval("JSON.stringify(inside.PALETTES)")))
    places = {"src": "py css js", "tools": "py css", "_static": "css js svg", "_ext": "py"}
    for folder, kinds in places.items():
        for path in (found for kind in kinds.split() for found in (ROOT / folder).rglob(f"*.{kind}")):
            if path.name == "palette.py":
                continue
            named = set(re.findall(r"#(?:[0-9a-f]{6}|[0-9a-f]{3})\b", path.read_text("utf-8"), re.IGNORECASE))
            allowed = known if path.suffix == ".svg" else stops if path.name == "explore.js" else set()
            assert not named - allowed, f"{path.relative_to(ROOT)} names colours of its own"
