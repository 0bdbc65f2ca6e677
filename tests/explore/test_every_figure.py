"""Every figure of the book, at every value of its controls, as Python computes it."""

from __future__ import annotations

import functools
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from engine_v8 import scene_at

from nncourse.explorables import every_figure
from nncourse.explore import Explorable, Slider, Value

MAKERS = list(every_figure())
RANDOM_COMBINATIONS = 60
VALUES_BETWEEN = 25  # of every slider


every = pytest.mark.parametrize("maker", MAKERS, ids=[maker.__name__ for maker in MAKERS])


@functools.cache
def made(maker: Callable[[], Explorable]) -> Explorable:
    return maker()


def start_of(figure: Explorable) -> dict[str, Value]:
    return {name: control.first for name, control in figure.controls.items()}


def at_random(figure: Explorable) -> Iterator[dict[str, Value]]:
    rng = np.random.default_rng(0)
    for _ in range(RANDOM_COMBINATIONS if figure.controls else 0):
        yield {n: c.grid[rng.integers(len(c.grid))] for n, c in figure.controls.items()}


def on_the_grid(figure: Explorable) -> Iterator[dict[str, Value]]:
    """Each value of each control beside the others' starts, then random combinations."""
    start = start_of(figure)
    for name, control in figure.controls.items():
        yield from (start | {name: value} for value in control.grid)
    yield from at_random(figure)


def between_the_grid(figure: Explorable) -> Iterator[dict[str, Value]]:
    """Values that only a live notebook has: between two places of a slider, and near its ends."""
    rng = np.random.default_rng(1)
    start = start_of(figure)
    for name, control in figure.controls.items():
        if not isinstance(control, Slider) or control.integer:
            continue
        span = control.high - control.low
        near = [control.low + 1e-9 * span, control.high - 1e-9 * span]
        for value in [*near, *rng.uniform(control.low, control.high, VALUES_BETWEEN)]:
            yield start | {name: float(value)}


def structure(figure: Explorable, values: dict[str, Value]) -> list[tuple[str, str, tuple[str, ...]]]:
    """The scene's marks by panel, kind and fields; fails for a hole or a description that is none."""
    scene = scene_at(figure.scene_at(**values), **dict.fromkeys(figure.controls, 0))
    words = scene["description"].replace(",", " ").replace(".", " ").split()
    assert len(words) >= 4, values
    assert not {"nan", "inf", "NaN", "None", "undefined", "{}"} & set(words), (values, words)
    assert not re.search(r"[$\\^{}]|_\w", scene["description"]), "a screen reader would spell what is for TeX"
    for mark in scene["marks"]:
        if mark["kind"] == "text" and any(mark["text"]):
            assert mark["color"] != "soft", (values, mark["text"])  # a colour for lines: too faint for words
        for name, value in mark.items():
            if isinstance(value, np.ndarray):
                sound = ~np.isinf(value) if mark.get("gaps") else np.isfinite(value)
                assert sound.all(), (values, mark["panel"], mark["kind"], name)
    return [(m["panel"], m["kind"], tuple(m)) for m in scene["marks"]]


def test_every_figure_has_a_name_of_its_own() -> None:
    names = Counter(made(maker).name for maker in MAKERS)
    assert [name for name, count in names.items() if count > 1] == []


@every
def test_figure_is_sound_at_every_value_of_every_control(maker: Callable[[], Explorable]) -> None:
    figure = made(maker)
    first = structure(figure, start_of(figure))
    for values in on_the_grid(figure):
        assert structure(figure, values) == first, values


@every
def test_figure_is_sound_between_the_values_of_the_page(maker: Callable[[], Explorable]) -> None:
    figure = made(maker)
    first = structure(figure, start_of(figure))
    for values in between_the_grid(figure):
        assert structure(figure, values) == first, values


@every
def test_every_control_changes_what_is_seen(maker: Callable[[], Explorable]) -> None:
    figure = made(maker)
    marks = [mark for part in figure.record().header["parts"] for mark in part["marks"]]
    steppers = {mark["fields"]["shown"]["value"] for mark in marks if "shown" in mark["fields"]}
    for name in figure.controls.keys() - steppers:
        drawn = {
            figure.scene_at(**values | {name: value}).data
            for values in [start_of(figure), *at_random(figure)][:10]
            for value in figure.controls[name].grid
        }
        assert len(drawn) > 1, f"{name} moves nothing"


@every
def test_every_control_changes_what_is_said(maker: Callable[[], Explorable]) -> None:
    """The description is the figure for those who do not see it, so it follows every control."""
    figure = made(maker)
    for name, control in figure.controls.items():
        said = {
            figure.description(**values | {name: value})
            for values in [start_of(figure), *at_random(figure)][:10]
            for value in control.grid
        }
        assert len(said) > 1, f"{name} does not change the description"


@every
def test_what_a_legend_tells_apart_differs_in_more_than_colour(maker: Callable[[], Explorable]) -> None:
    """By dashes, by shape, or by half as much again in size. Bars and areas stand in the legend's order."""
    figure = made(maker)
    scene = scene_at(figure.scene_at(**start_of(figure)), **dict.fromkeys(figure.controls, 0))
    named = [m for m in scene["marks"] if m.get("label") and m["kind"] in {"line", "arrows", "points"}]
    for one, two in itertools.combinations(named, 2):
        if (one["panel"], one["kind"]) != (two["panel"], two["kind"]):
            continue
        small, large = sorted(m.get("width", m.get("size")) for m in (one, two))
        alike = one.get("dash") == two.get("dash") and one.get("shape") == two.get("shape")
        assert not alike or large >= 1.5 * small, f"{one['label']} and {two['label']} look alike"


@every
def test_recording_fits_its_budget(maker: Callable[[], Explorable]) -> None:
    figure = made(maker)
    assert 0 < figure.record().gz_bytes() <= 1000 * figure.budget_kb <= 100_000
