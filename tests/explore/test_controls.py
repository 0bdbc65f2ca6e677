"""What a control offers, what it accepts, and what explore.js makes of its specification."""

from __future__ import annotations

import itertools
import re
from typing import Any

import numpy as np
import pytest
from engine_v8 import v8
from hypothesis import given, settings
from hypothesis import strategies as st

from nncourse.explore import Choice, ControlError, Slider, Stepper, Toggle, number

RATE: dict[str, Any] = {"name": "rate", "label": "learning rate", "low": 0.001, "high": 1.1}
MARKS = (0.1, 0.125, 0.24, 0.25, 0.26, 1.0)


def slider(**options: Any) -> Slider:
    return Slider(**RATE | {"start": 0.1} | options)


@st.composite
def sliders(draw: st.DrawFn) -> Slider:
    scale = draw(st.sampled_from(["linear", "log"]))
    low = draw(st.floats(0.001, 10) if scale == "log" else st.floats(-100, 100))
    high = low + draw(st.floats(0.5, 1000))
    inside = st.floats(0, 1).map(lambda t: min(high, max(low, low + t * (high - low))))
    return slider(
        low=low,
        high=high,
        num=draw(st.integers(2, 60)),
        scale=scale,
        start=draw(inside),
        marks=draw(st.lists(inside, max_size=4)),
    )


@given(sliders())
@settings(max_examples=200, deadline=None)
def test_slider_offers_its_ends_its_start_and_its_marks_in_order(control: Slider) -> None:
    grid = control.grid
    assert grid[0] == control.low
    assert grid[-1] == control.high
    assert list(grid) == sorted(set(grid))
    assert {control.start, *control.marks} <= set(grid)
    assert len(grid) <= control.num + 1 + len(control.marks)
    spec = control.spec()
    assert spec["grid"][spec["start"]] == control.start
    assert [spec["grid"][i] for i in spec["marks"]] == sorted(control.marks)


def test_log_slider_steps_by_factors_and_linear_slider_by_differences() -> None:
    log = slider(low=0.001, high=1, num=13, scale="log", start=0.001)
    linear = slider(low=-3, high=3, num=13, start=-3)
    ratios = np.array(log.grid[1:]) / log.grid[:-1]
    assert ratios == pytest.approx(10**0.25, rel=0.01)
    assert np.diff(linear.grid) == pytest.approx(0.5)
    assert 0.0 in linear.grid


def test_a_mark_takes_the_place_of_a_grid_value_that_lies_nearly_there() -> None:
    grid = slider(num=40, scale="log", marks=MARKS).grid
    assert set(MARKS) <= set(grid)
    steps = np.diff(np.log(grid))
    even = np.log(1100) / 39
    marked = [abs(np.log(a / b)) for a, b in itertools.pairwise(MARKS)]
    assert steps.min() >= min(0.4 * even, *marked) - 0.01


def test_integer_slider_has_whole_numbers_only() -> None:
    control = slider(low=1, high=100, num=10, integer=True, start=32, marks=(64,))
    assert all(isinstance(value, int) for value in control.grid)
    assert {1, 32, 64, 100} <= set(control.grid)
    assert control.accept(7.0) == 7
    with pytest.raises(ControlError, match="whole numbers"):
        control.accept(7.5)


def test_slider_accepts_what_lies_between_its_grid_values() -> None:
    control = slider(num=5)
    assert control.accept(0.12345) == 0.12345
    assert control.accept(np.float32(0.5)) == 0.5
    for value in (0.0009, 1.2, float("nan"), "0.1", True, None):
        with pytest.raises(ControlError, match="rate"):
            control.accept(value)


def test_the_other_controls_accept_their_grid_only() -> None:
    choice = Choice(name="optimizer", label="optimizer", options={"sgd": "SGD", "adam": "Adam"})
    assert (choice.grid, choice.first) == (("sgd", "adam"), "sgd")
    assert choice.spec()["texts"] == ["SGD", "Adam"]
    toggle = Toggle(name="shuffle", label="shuffle", start=True)
    assert (toggle.grid, toggle.first) == ((False, True), True)
    stepper = Stepper(name="steps", label="steps", last=10, every=5, start=5)
    assert (stepper.grid, stepper.first) == ((0, 5, 10), 5)
    for control, good, bad in [
        (choice, "adam", "Adam"),
        (toggle, False, "no"),
        (stepper, 10, 11),
        (stepper, 0, 3),
    ]:
        assert control.accept(good) == good
        with pytest.raises(ControlError, match=f"'{control.name}' has no value {bad!r}"):
            control.accept(bad)


def test_a_stepper_may_stop_more_often_in_a_notebook() -> None:
    stepper = Stepper(name="steps", label="steps", last=12, every=5, live_every=1, start=5)
    assert (stepper.grid, stepper.spec()["live"]) == ((0, 5, 10), 1)
    assert [stepper.accept(step) for step in (0, 3, 10)] == [0, 3, 10]
    for value in (11, -1, 2.5, "3"):
        with pytest.raises(ControlError, match="'steps' has no value"):
            stepper.accept(value)
    assert "live" not in Stepper(name="steps", label="steps", last=10, every=5).spec()


WRONG = {
    "needs low < high": {"low": 2.0},
    "needs low < high, got 0.001, inf": {"high": float("inf")},
    "log scale and needs low > 0": {"low": 0.0, "scale": "log"},
    "a linear or a log scale, got 'logarithmic'": {"scale": "logarithmic"},
    "needs num >= 2": {"num": 1},
    "must lie inside, got [2.0]": {"marks": (0.5, 2.0)},
    "must lie inside, got [nan]": {"start": float("nan")},
    "whole too, got [1.5]": {"low": 1, "high": 9, "integer": True, "start": 2, "marks": (1.5,)},
    "must be a Python identifier, got 'learning rate'": {"name": "learning rate"},
    "needs a label that a reader can see": {"label": " "},
}


@pytest.mark.parametrize(("message", "change"), WRONG.items())
def test_a_wrong_slider_says_what_is_wrong(message: str, change: dict[str, Any]) -> None:
    with pytest.raises(ControlError, match=re.escape(message)):
        slider(**change)


def test_other_wrong_controls_say_what_is_wrong() -> None:
    with pytest.raises(ControlError, match=r"'c' starts at 'z', which is not in its grid 'a' … 'b'"):
        Choice(name="c", label="c", options=["a", "b"], start="z")
    with pytest.raises(ControlError, match=r"'c' needs at least two values"):
        Choice(name="c", label="c", options=["a"])
    with pytest.raises(ControlError, match=r"'c' has a value twice"):
        Choice(name="c", label="c", options=["a", "b", "a"])
    with pytest.raises(ControlError, match=r"'s' needs at least two values"):
        Stepper(name="s", label="s", last=0)
    with pytest.raises(ControlError, match=r"'s' starts at 3, which is not in its grid 0 … 10"):
        Stepper(name="s", label="s", last=10, every=2, start=3)
    with pytest.raises(ControlError, match=r"'s' needs every >= 1, got 0"):
        Stepper(name="s", label="s", last=10, every=0)
    with pytest.raises(ControlError, match="divides every, got 3"):
        Stepper(name="s", label="s", last=10, every=5, live_every=3)


# The same control in explore.js.


@given(sliders(), st.floats(0, 1))
@settings(max_examples=200, deadline=None)
def test_every_place_on_a_slider_in_the_browser_is_a_value_that_python_accepts(
    control: Slider, part: float
) -> None:
    spec, last = control.spec(), len(control.grid) - 1
    for i, value in enumerate(control.grid):
        assert v8().call("inside.valueAt", spec, i) == value
    position = part * last
    between = v8().call("inside.valueAt", spec, position)
    assert control.accept(between) == between
    below, above = control.grid[int(position)], control.grid[min(last, int(position) + 1)]
    assert below <= between <= above


@given(sliders(), st.floats(0, 1))
@settings(max_examples=100, deadline=None)
def test_browser_finds_the_place_of_a_value_that_python_set(control: Slider, part: float) -> None:
    value = control.accept(min(control.high, control.low + part * (control.high - control.low)))
    position = v8().call("inside.between", control.spec(), value)
    shown = v8().call("inside.valueAt", control.spec(), position)
    assert shown == pytest.approx(value, rel=0.006, abs=1e-6)


def test_a_value_in_a_link_goes_to_the_nearest_place_or_nowhere() -> None:
    control = slider(num=40, scale="log", marks=MARKS)
    choice = Choice(name="optimizer", label="optimizer", options={"sgd": "SGD", "adam": "Adam"})

    def place(of: Slider | Choice | Toggle, text: str) -> int | None:
        return v8().call("((spec, text) => inside.positionOf(spec, text) ?? null)", of.spec(), text)

    assert [place(control, f"{v}") for v in control.grid] == list(range(len(control.grid)))
    assert control.grid[place(control, "0.2501") or 0] == 0.25
    for nonsense in ("", " ", "x", "NaN", "-1", "1.2", "Infinity"):
        assert place(control, nonsense) is None
    assert (place(choice, "adam"), place(choice, "Adam")) == (1, None)
    assert place(Toggle(name="t", label="t"), "true") == 1


def test_the_value_beside_a_control_has_its_unit() -> None:
    def text(unit: str) -> str:
        spec = slider(low=0, high=360, num=5, start=90, unit=unit).spec()
        return v8().call("inside.textOf", spec, spec["start"])

    assert [text(u) for u in ("", "°", "%", "m/s")] == ["90", "90°", "90%", "90 m/s"]
    assert number(90) == "90"
