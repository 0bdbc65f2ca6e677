"""The marks of a scene, and the numbers and sentences that Python and the page write alike."""

from __future__ import annotations

import base64
import io
import itertools
from typing import Any

import numpy as np
import pytest
from engine_v8 import v8
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from nncourse.explore import (
    Area,
    Arrows,
    Axis,
    Bars,
    Column,
    HeatMap,
    Line,
    Mark,
    Plot,
    Points,
    Say,
    Segments,
    Text,
    View,
    contours,
    network,
    number,
)

EDGES = [0.0, -0.0, 1.0, -14.0, 98.0, 38416.0, 0.1, 0.125, 0.3, 2.0005, 12345.5, 1e-4, 9.99995e-5]
EDGES += [9.999949e-5, 99999.5, 999999.4, 999999.5, 1e6, 9999999.5, 1e21, 1e300, 5e-324]
TIES = [1125000.0, 1145000.0, -1135000.0, 0.5, 0.03125, 1.00005, 0.00012345]


def test_number_writes_few_digits_and_no_more_than_are_meant() -> None:
    written = {
        2: "2",
        -14: "−14",
        38416: "38416",
        999999: "999999",
        0.125: "0.125",
        -0.04: "−0.04",
        1 / 3: "0.3333",
        200 / 3: "66.67",
        1e6: "10⁶",
        1125000: "1.13×10⁶",
        -7.25e-9: "−7.25×10⁻⁹",
        0.001: "0.001",
        1e-4: "10⁻⁴",
        0.0: "0",
    }
    assert {v: number(v) for v in written} == written


@given(st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.floats(-1e7, 1e7)))
@settings(max_examples=1500, deadline=None)
def test_number_is_the_same_in_python_and_in_the_page(value: float) -> None:
    assert number(value) == v8().call("inside.number", value)


def test_number_agrees_on_edges_and_ties() -> None:
    halves = [k / 2**n for k, n in itertools.product(range(1, 20_000, 7), (3, 7, 12))]
    tens = [float(f"{m}e{e}") for m, e in itertools.product((1, 1.005, 9.995, 99.945), range(-9, 12))]
    millions = [1e6 + 5000.0 * k for k in range(500)]
    values = [*EDGES, *TIES, *halves, *tens, *millions]
    assert len(values) > 9000
    page = v8().call("((values) => values.map((v) => inside.number(v)))", values)
    assert [number(v) for v in values] == list(page)


def test_sentence_keeps_its_numbers_apart_and_its_braces() -> None:
    say = Say("The set {a, b} has {} members, {} of them odd.", 2, 0.5)
    assert str(say) == "The set {a, b} has 2 members, 0.5 of them odd."
    assert v8().call("inside.fill", say.template, say.numbers.tolist()) == str(say)
    with pytest.raises(ValueError, match="2 places for 1 numbers"):
        Say("{} and {}", 1)


ONE = ([0.0, 1.0], [2.0, 3.0])
NAN, INF = float("nan"), float("inf")
REFUSED: dict[str, Any] = {
    "line y must be finite numbers, got nan at 1": lambda: Line("p", [0, 1], [0, NAN]),
    "line y must be finite numbers, got inf at 0": lambda: Line("p", [0, 1], [INF, 0], gaps=True),
    "points x has a number beyond 3e38": lambda: Points("p", [1e39], [0]),
    "line needs equally many of each, got {'x': 3, 'y': 2}": lambda: Line("p", [0, 1, 2], [0, 1]),
    "arrows needs equally many": lambda: Arrows("p", *ONE, [1], [2]),
    "segments needs equally many": lambda: Segments("p", *ONE, *ONE, [1]),
    "area needs equally many": lambda: Area("p", [0], *ONE),
    "bars needs equally many": lambda: Bars("p", [0, 1, 2], *ONE),
    "heatmap z must have shape (rows, columns), got (4,)": lambda: HeatMap("p", np.zeros(4), (0, 1), (0, 1)),
    "heatmap z must be finite numbers": lambda: HeatMap("p", [[0, NAN]], (0, 1), (0, 1)),
    "heatmap needs low < high, got 1.0, 1.0": lambda: HeatMap("p", [[0]], (0, 1), (0, 1), low=1.0, high=1.0),
    "a text needs words for every point, got 1 of 2": lambda: Text("p", *ONE, ["a"]),
    "a number in the text must be finite": lambda: Text("p", [0], [0], Say("{}", NAN)),
    "column cells must be finite numbers": lambda: Column("t", 0, [1, NAN]),
    "a view cannot show x from (1, 1)": lambda: View("p", x=(1, 1), y=(0, 1)),
    "a view cannot show x from (0, 1) and y from (0, nan)": lambda: View("p", x=(0, 1), y=(0, NAN)),
}


@pytest.mark.parametrize(("message", "make"), REFUSED.items(), ids=list(REFUSED))
def test_what_cannot_be_drawn_is_refused(message: str, make: Any) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011 (the message is compared below)
        list(make().leaves())
    assert message in str(error.value)


def test_a_gap_lifts_the_pen() -> None:
    fields = {name: value for name, _, value in Line("p", [0, 1, 2], [0, NAN, 2], gaps=True).leaves()}
    np.testing.assert_array_equal(fields["y"], [0, NAN, 2])


def test_axis_refuses_a_range_that_cannot_be_drawn() -> None:
    for low, high, scale in [(1, 1, "linear"), (2, 1, "linear"), (0, 1, "log"), (NAN, 1, "linear")]:
        with pytest.raises(ValueError, match="axis 'x' cannot run"):
            Axis("x", low, high, scale=scale)


def test_contours_stand_where_the_surface_has_their_height() -> None:
    x, y = np.linspace(-2, 2, 81), np.linspace(-2, 2, 81)
    surface = x**2 + y[:, None] ** 2
    line = contours("p", x, y, surface, [1.0, 2.25])
    path = np.column_stack([line.x, line.y])
    heights = np.hypot(*path[~np.isnan(path).any(axis=1)].T)
    assert np.minimum(abs(heights - 1), abs(heights - 1.5)).max() < 0.01
    assert np.isnan(path).any(axis=1).sum() == 1
    assert np.asarray(contours("p", x, y, surface, [99.0]).x).size == 0


def test_network_has_an_edge_for_every_weight_and_a_node_for_every_unit() -> None:
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=(3, 5)), rng.normal(size=(5, 2))]
    first, second, nodes = network("p", weights)
    assert isinstance(first, Segments)
    np.testing.assert_array_equal(first.weight, weights[0].ravel())
    np.testing.assert_array_equal(np.unique(second.x), [1.0])
    assert np.asarray(nodes.x).size == 3 + 5 + 2
    # The edge of weight [i, j] runs from unit i to unit j.
    heights = np.asarray(nodes.y)
    assert np.asarray(first.y)[1 * 5 + 4] == heights[1]
    assert np.asarray(first.to_y)[1 * 5 + 4] == heights[3 + 4]
    with pytest.raises(ValueError, match=r"weights\[1\] has shape \(4, 2\)"):
        network("p", [np.zeros((3, 5)), np.zeros((4, 2))])


def test_heat_map_is_a_valid_bitmap_with_row_0_at_the_bottom() -> None:
    # 3 columns: rows of a bitmap are padded to four bytes.
    levels = [0, 128, 255, 10, 20, 30]
    url = v8().call("inside.bitmap", levels, 3, ["#ff0000", "#00ff00", "#0000ff"])
    image = _decode(url)
    assert image.size == (3, 2)
    assert image.mode == "P"
    pixels = np.asarray(image.convert("RGB"))
    assert pixels[1, 0].tolist() == [255, 0, 0]  # level 0, bottom left: the first colour
    assert pixels[1, 2].tolist() == [0, 0, 255]  # level 255, bottom right: the last
    assert pixels[0, 0].tolist() == pytest.approx([255 - 20, 20, 0], abs=1)


def _decode(url: str) -> Any:
    head, data = url.split(",")
    assert head == "data:image/bmp;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


@pytest.mark.parametrize("columns", [1, 2, 3, 4, 5, 30])
def test_heat_map_of_any_width_keeps_every_level(columns: int) -> None:
    levels = np.arange(7 * columns) % 256
    grey = v8().call("inside.bitmap", levels.tolist(), columns, ["#000000", "#ffffff"])
    pixels = np.asarray(_decode(grey).convert("L"))
    np.testing.assert_array_equal(pixels[::-1].ravel(), levels)


def test_every_mark_of_this_module_is_drawn_by_explore_js() -> None:
    drawn = set(v8().eval("Object.keys(inside.MARKS).join()").split(","))
    kinds = {kind.kind for kind in Mark.__subclasses__()}
    assert kinds - drawn == {"column", "sentence"}  # the table and the description
    assert drawn <= kinds
    assert Plot.kind == "plot"
