"""A recording: what the page replays is what the parts return, and a bad part is named.

The scenes come back through explore.js in V8, so both halves of every codec are tested together.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from engine_v8 import scene_at
from hypothesis import given, settings
from hypothesis import strategies as st

from nncourse.explore import (
    Area,
    Axis,
    Bars,
    Column,
    Explorable,
    ExplorableError,
    HeatMap,
    Line,
    Part,
    Plot,
    Points,
    Say,
    Segments,
    Slider,
    Table,
    Text,
    Value,
    View,
)
from nncourse.explore.recording import COORDINATE_ERROR, Recorder, Recording

PANELS = {
    "p": Plot("p", Axis("x", -3, 3), Axis("y", 0, 36)),
    "log": Plot("log", Axis("x", 0, 10), Axis("y", 1e-6, 1e6, scale="log")),
    "t": Table("t", ["a", "b"], rows=4),
}
GRID: dict[str, Sequence[Value]] = {"a": (0.5, 1.0, 2.0), "b": ("u", "v"), "k": (0, 1, 2, 3)}


def record(*parts: Part, **grid: Sequence[Value]) -> Recording:
    return Recorder("chapter.figure", PANELS, 30).record(parts, GRID | grid)[0]


def replayed(part: Part, values: Sequence[float]) -> list[dict[str, Any]]:
    """The first mark of a part over the control `a`, at each place of its grid."""
    recording = record(part, a=values)
    return [scene_at(recording, a=i)["marks"][0] for i in range(len(values))]


def codec(recording: Recording, field: str) -> str:
    return recording.header["parts"][0]["marks"][0]["fields"][field]["codec"]


lines = st.lists(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=12), min_size=2, max_size=5)


@given(lines)
@settings(max_examples=150, deadline=None)
def test_coordinates_return_within_a_fraction_of_their_axis_or_of_themselves(
    curves: list[list[float]],
) -> None:
    def part(a: int) -> Line:
        return Line("p", np.arange(len(curves[a])), curves[a])

    for curve, mark in zip(curves, replayed(part, range(len(curves))), strict=True):
        assert mark["y"].size == len(curve)
        allowed = np.maximum(36 * COORDINATE_ERROR, np.abs(curve) * 2.0**-16)
        assert (np.abs(mark["y"] - curve) <= allowed).all()
        np.testing.assert_allclose(mark["x"], np.arange(len(curve)), atol=6 * COORDINATE_ERROR)


@pytest.mark.parametrize(("reach", "name"), [(36.0, "steps"), (3e8, "float")])
def test_both_ways_to_store_a_coordinate_keep_their_promise(reach: float, name: str) -> None:
    rng = np.random.default_rng(1)
    curves = rng.uniform(-reach, reach, size=(6, 50))
    recording = record(lambda a: Line("p", np.arange(50), curves[a]), a=range(6))
    assert codec(recording, "y") == name
    back = np.array([scene_at(recording, a=i)["marks"][0]["y"] for i in range(6)])
    error = np.abs(back - curves)
    assert error.max() > 0  # it is quantised …
    if name == "steps":
        assert error.max() <= 36 * COORDINATE_ERROR / 2
    else:
        assert (error <= np.abs(curves) * 2.0**-16).all()  # … to 16 significant bits


@pytest.mark.parametrize("panel", ["p", "log"])
def test_the_last_digits_in_which_machines_differ_change_nothing(panel: str) -> None:
    rng = np.random.default_rng(5)
    curves = rng.uniform(0.1, 1, size=(2, 4, 30))
    curves[1] = curves[0] * (1 + rng.integers(-4, 5, size=(4, 30)) * 2.0**-52)
    assert (curves[0] != curves[1]).any()

    def recorded(curves: np.ndarray) -> Recording:
        return record(lambda a: Line(panel, np.arange(30), curves[a]), a=range(4))

    assert codec(recorded(curves[0]), "y") == "steps"
    assert recorded(curves[0]) == recorded(curves[1])


def test_the_narrowest_view_decides_how_exact_a_coordinate_is() -> None:
    def part(a: float) -> list[Any]:
        return [View("p", x=(-a, a), y=(-a, a)), Points("p", [0.3 * a], [0.7 * a])]

    recording = record(part, a=(1e-3, 1.0, 1e6))
    for i, a in enumerate((1e-3, 1.0, 1e6)):
        view, points = scene_at(recording, a=i)["marks"]
        assert view["x"] == [-a, a]
        assert points["x"] == pytest.approx([0.3 * a], abs=2e-3 * COORDINATE_ERROR, rel=2**-16)
        assert points["y"] == pytest.approx([0.7 * a], abs=2e-3 * COORDINATE_ERROR, rel=2**-16)


def test_a_log_axis_is_as_exact_at_its_low_end_as_at_its_high_end() -> None:
    rng = np.random.default_rng(2)
    curves = 10 ** rng.uniform(-6, 6, size=(4, 40))
    back = [m["y"] for m in replayed(lambda a: Line("log", np.arange(40), curves[a]), range(4))]
    assert np.abs(np.log10(back) - np.log10(curves)).max() <= 12 * COORDINATE_ERROR


def test_a_zero_on_a_log_axis_does_not_coarsen_what_can_be_shown() -> None:
    values = [0.0, 1e-6, 1e-3, 1.0]
    (mark,) = replayed(lambda: Line("log", range(4), values), [0.5])
    np.testing.assert_allclose(mark["y"], values, rtol=2**-16)


@given(st.lists(st.lists(st.floats(-3e38, 3e38), max_size=4), min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_numbers_that_are_written_out_keep_seven_digits(cells: list[list[float]]) -> None:
    back = replayed(lambda a: Column("t", 0, cells[a]), range(len(cells)))
    for sent, mark in zip(cells, back, strict=True):
        np.testing.assert_allclose(mark["cells"], sent, rtol=2**-24, atol=1e-44)


def test_levels_of_a_heat_map_return_within_half_a_level() -> None:
    rng = np.random.default_rng(3)
    maps = rng.uniform(-2, 2, size=(3, 5, 7))

    def part(a: int) -> HeatMap:
        return HeatMap("p", maps[a], (0, 1), (0, 1), low=-1, high=1)

    for z, mark in zip(maps, replayed(part, range(3)), strict=True):
        assert mark["columns"] == 7
        wanted = (np.clip(z, -1, 1) + 1) / 2 * 255
        assert np.abs(mark["z"] - wanted.ravel()).max() <= 0.5


def test_weights_return_within_a_hundredth_of_the_widest_line() -> None:
    weights = np.random.default_rng(4).normal(size=(5, 6))
    zero = np.zeros(6)
    back = replayed(lambda a: Segments("p", zero, zero, zero + 1, zero, weights[a]), range(5))
    for sent, mark in zip(weights, back, strict=True):
        np.testing.assert_allclose(mark["weight"], sent, atol=1e-4)


def test_styles_and_texts_return_as_they_are() -> None:
    words = [["one", "zwei <b>"], ["&", "五"], ["one", "zwei <b>"]]

    def part(a: int) -> Text:
        return Text("p", [0, 1], [0, 1], words[a], color="red" if a else "ink", bold=a == 2)

    recording = record(part, a=range(3))
    marks = [scene_at(recording, a=i)["marks"][0] for i in range(3)]
    assert [m["text"] for m in marks] == words
    assert [m["color"] for m in marks] == ["ink", "red", "red"]
    assert [m["bold"] for m in marks] == [False, False, True]
    assert codec(recording, "text") == "choice"
    assert codec(recording, "anchor") == "same"


def test_more_than_256_different_texts_return_as_they_are() -> None:
    recording = record(lambda a: Text("p", [0], [0], [f"text {a}"]), a=range(300))
    for i in (0, 1, 255, 256, 299):
        assert scene_at(recording, a=i)["marks"][0]["text"] == [f"text {i}"]


def test_gaps_return_as_gaps_and_shorter_arrays_as_shorter() -> None:
    def part(a: int) -> Line:
        y = np.arange(a + 2, dtype=float)
        y[1] = np.nan
        return Line("p", np.arange(a + 2), y, gaps=True)

    for a, mark in enumerate(replayed(part, range(4))):
        assert mark["x"].size == a + 2
        wanted = [v for v in range(a + 2) if v != 1]
        assert np.flatnonzero(~np.isnan(mark["y"])).tolist() == wanted


@pytest.mark.parametrize(
    "make",
    [
        lambda n: Points("p", np.arange(n), np.arange(n)),
        lambda n: Area("p", np.arange(n), np.arange(n), np.arange(n) + 1),
        lambda n: Bars("p", np.arange(n), np.arange(n), np.arange(n) + 1),
        lambda n: Segments("p", *[np.arange(n)] * 4, np.arange(n)),
        lambda n: Text("p", np.arange(n), np.arange(n), ["word"] * n),
    ],
    ids=["points", "area", "bars", "segments", "text"],
)
def test_a_mark_may_have_fewer_entries_at_some_values(make: Any) -> None:
    for count, mark in zip((3, 5, 0, 1), replayed(make_part(make), (3, 5, 0, 1)), strict=True):
        for name in mark.keys() & {"x", "y", "low", "high", "base", "top", "to_x", "weight"}:
            assert mark[name].size == count
            assert np.isfinite(mark[name]).all()


def make_part(make: Any) -> Part:
    return lambda a: make(a)


def test_no_marks_and_empty_marks_can_be_recorded() -> None:
    assert scene_at(record(lambda: []))["marks"] == []
    assert scene_at(record(lambda: Line("p", [], [])))["marks"][0]["x"].size == 0


def test_every_place_of_a_grid_of_several_controls_shows_its_own_scene() -> None:
    def one(a: float, k: int) -> Points:
        return Points("p", [a], [k])

    def two(b: str) -> Text:
        return Text("p", [0], [0], [b])

    def three(k: int, b: str, a: float) -> Points:
        return Points("p", [a], [k + (b == "v") / 2])

    def say(b: str, k: int) -> Say:
        return Say(f"{b} at {{}}.", k)

    recording = record(one, two, three, say)
    for (i, a), (j, b), k in itertools.product(enumerate((0.5, 1.0, 2.0)), enumerate("uv"), range(4)):
        scene = scene_at(recording, a=i, b=j, k=k)
        first, second, third = scene["marks"]
        assert [*first["x"], *first["y"]] == pytest.approx([a, k], abs=1e-3)
        assert second["text"] == [b]
        assert [*third["x"], *third["y"]] == pytest.approx([a, k + (b == "v") / 2], abs=1e-3)
        assert scene["description"] == f"{b} at {k}."
    assert recording.header["longest"] in ("u at 0.", "v at 0.")


def test_a_part_is_recorded_over_its_own_controls_and_no_others() -> None:
    calls: list[tuple[Any, ...]] = []

    def part(k: int, b: str) -> Points:
        calls.append((k, b))
        return Points("p", [k], [0])

    recording = record(part, lambda: Points("p", [0], [0]))
    assert calls == list(itertools.product(range(4), "uv"))
    assert [p["controls"] for p in recording.header["parts"]] == [["k", "b"], []]
    assert [p["sizes"] for p in recording.header["parts"]] == [[4, 2], []]


def test_what_does_not_change_is_stored_once() -> None:
    x = np.random.default_rng(5).uniform(size=400)
    still = record(lambda a: Line("p", x, x))
    alone = record(lambda: Line("p", x, x))
    assert len(still.data) == len(alone.data)
    assert codec(still, "x") == "steps"


# A part that cannot be recorded: one message names the figure, the part and the values.


def line(y: Any) -> Line:
    return Line("p", [0, 1], y)


def divides(a: float) -> Line:
    return line([0, 1 / (a - 1)])


def not_a_number(a: float, b: str) -> Line:
    return line([0, np.nan if (a, b) == (2.0, "v") else 1])


def infinite(a: float) -> Line:
    return line([np.inf, 0])


def changes(a: float) -> Any:
    return [line([0, 1])] * (2 if a == 2 else 1)


def nowhere(k: int) -> Line:
    return Line("map", [0], [0])


def nothing(k: int) -> Any:
    return None


def numbers(k: int) -> Any:
    return [1, 2, 3]


def silent(b: str) -> str:
    return "" if b == "v" else "Something."


def not_plain(k: int) -> View:
    return View("p", x=(0, np.int64(1)), y=(0, 1))  # type: ignore[arg-type]


def endless(k: int) -> View:
    return View("p", x=(0, np.inf), y=(0, 1))


def in_table(k: int) -> Line:
    return Line("t", [0], [0])


def in_plot(k: int) -> Column:
    return Column("p", 0, [0])


def third_column(k: int) -> Column:
    return Column("t", 2, [0])


def too_long(k: int) -> Column:
    return Column("t", 1, np.arange(k + 2))


def no_stepper(k: int) -> Line:
    return Line("p", [0], [0], shown="steps")


def not_stepping(k: int) -> Line:
    return Line("p", [0], [0], shown="b")


BAD = {
    divides: "at a = 1.0: ZeroDivisionError: float division by zero",
    not_a_number: "at a = 2.0, b = 'v': ValueError: line y must be finite numbers, got nan at 1.",
    infinite: "at a = 0.5: ValueError: line y must be finite numbers, got inf at 0.",
    changes: "at a = 2.0: returned the marks [('p', 'line'), ('p', 'line')], but [('p', 'line')] before",
    nowhere: "at k = 0: ValueError: there is no panel 'map'; there is ['p', 'log', 't'].",
    nothing: "at k = 0: TypeError: 'NoneType' object is not iterable",
    numbers: "at k = 0: TypeError: a part returns marks, got int.",
    silent: "at b = 'v': ValueError: the description is empty.",
    not_plain: "at k = 0: ValueError: view x cannot be sent: Object of type int64",
    endless: "at k = 0: ValueError: view x cannot be sent: Out of range float values",
    in_table: "at k = 0: ValueError: a line has no place in the table 't'.",
    in_plot: "at k = 0: ValueError: a column has no place in the plot 'p'.",
    third_column: "at k = 0: ValueError: table 't' has no column 2.",
    too_long: "at k = 3: ValueError: column 1 has 5 rows, more than the 4 of table 't'.",
    no_stepper: "at k = 0: ValueError: line is shown up to 'steps', which is no stepper.",
    not_stepping: "at k = 0: ValueError: line is shown up to 'b', which is no stepper.",
}


@pytest.mark.parametrize(("part", "message"), BAD.items(), ids=[p.__name__ for p in BAD])
def test_a_bad_part_is_named_with_its_values(part: Part, message: str) -> None:
    with pytest.raises(ExplorableError) as error:
        record(part)
    text = str(error.value)
    assert text.startswith(f"explorable chapter.figure, part {part.__name__}, {message}")
    assert "\n" not in text


def test_plain_words_in_place_of_a_say_name_the_part() -> None:
    def mixed(a: float) -> Text:
        return Text("p", [0], [0], Say("{}", a) if a > 1 else ["small"])

    with pytest.raises(ExplorableError, match=r"figure, part mixed: the text in panel 'p' has a Say"):
        record(mixed)


def test_a_part_that_takes_too_long_is_named_with_how_far_it_came() -> None:
    def slow(a: float, k: int) -> Points:
        time.sleep(0.03)
        return Points("p", [a], [k])

    started = time.monotonic()
    message = r"chapter.figure, part slow: \d of 12 grid points took longer than the 0.1 s"
    with pytest.raises(ExplorableError, match=message):
        Recorder("chapter.figure", PANELS, 0.1).record([slow], GRID)
    assert time.monotonic() - started < 0.3


def test_a_recording_beyond_its_budget_names_the_figure_its_grid_and_its_parts() -> None:
    rng = np.random.default_rng(6)

    def noise(a: float, b: float) -> Line:
        return Line("p", np.arange(50), rng.uniform(0, 36, 50))

    figure = Explorable(
        "chapter.figure",
        title="Noise",
        controls=[Slider(name=n, label=n, low=0, high=9, num=10, start=0) for n in "ab"],
        panels=[PANELS["p"]],
        parts=[noise],
        describe=lambda: "Noise.",
        budget_kb=5,
    )
    with pytest.raises(ExplorableError) as error:
        figure.record()
    text = str(error.value)
    assert text.startswith("explorable chapter.figure: its recording takes ")
    assert "more than its budget of 5 kB. Its grid: a 10 × b 10." in text
    assert text.endswith("Its parts before compression: noise 10 kB.")
