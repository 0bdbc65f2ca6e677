"""An explorable in its two homes: HTML in the built page, a widget in a notebook."""

from __future__ import annotations

import html.parser
import json
from typing import Any

import numpy as np
import pytest
from engine_v8 import scene_at
from one_of_everything import everything

from nncourse.explore import (
    MIME,
    Area,
    Axis,
    ControlError,
    Explorable,
    ExplorableError,
    Line,
    Mark,
    Plot,
    Recording,
    Say,
    Slider,
)
from nncourse.explore.page import figure_html

NASTY = 'a < b & "c" </script><!--<script> <img src=x onerror=alert(1)>'


def figure(**options: Any) -> Explorable:
    """A small figure, changed as a test needs it."""

    def curve(a: float) -> Line:
        return Line("p", [0, 1], [0, a])

    def said(a: float) -> Say:
        return Say("The line rises by {}.", a)

    plain: dict[str, Any] = {
        "title": "A line",
        "controls": [Slider(name="a", label="rise", low=0, high=1, num=5, start=0.5)],
        "panels": [Plot("p", Axis("x", 0, 1), Axis("y", 0, 1))],
        "parts": [curve],
        "describe": said,
    }
    return Explorable(options.pop("name", "chapter.figure"), **plain | options)


class Page(html.parser.HTMLParser):
    """The elements of a piece of HTML, and its text, as a browser would take it apart."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("input", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def values(self, attribute: str) -> list[str | None]:
        return [attrs[attribute] for _, attrs in self.elements if attribute in attrs]

    def tags(self) -> list[str]:
        return [tag for tag, _ in self.elements]


def page_of(figure: Explorable, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("NNCOURSE_HOME", "page")
    output = json.loads(json.dumps(figure._repr_mimebundle_()[MIME], allow_nan=False))
    return figure_html(output["spec"], output["recording"])


# In the built page.


def test_a_line_that_breaks_off_and_an_empty_area_draw_valid_paths(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def marks() -> list[Mark]:
        broken_off = Line("p", [0, 0.5, 1], [0, 1, np.nan], gaps=True)
        return [broken_off, Area("p", [], [], [])]

    paths = Page(page_of(figure(parts=[marks]), monkeypatch)).values("d")
    assert any(path and path.count("L") == 1 for path in paths)
    assert not [path for path in paths if path is None or "NaN" in path or path.startswith("Mz")]


def test_page_has_the_hooks_by_which_tests_and_links_find_a_figure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = Page(page_of(everything(), monkeypatch))
    assert page.open == []
    assert page.values("data-explorable") == ["chapter.everything"]
    assert page.values("data-control") == ["size", "color", "on", "step"]
    assert len(page.values("data-readout")) == 1
    assert "Size 1 of words. It is off." in page.texts
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    # Every control has its label, and the figure and its plots have a name.
    assert set(page.values("for")) <= set(ids)
    assert {*page.values("aria-labelledby"), *page.values("aria-describedby")} <= set(ids)
    assert len([t for t in page.tags() if t == "svg"]) == 3


def test_page_draws_every_kind_of_mark_without_a_hole(monkeypatch: pytest.MonkeyPatch) -> None:
    drawing = page_of(everything(), monkeypatch)
    for wrong in ("NaN", "undefined", "Infinity", "null", "[object"):
        assert wrong not in drawing
    tags = Page(drawing).tags()
    assert tags.count("image") == 1
    assert tags.count("select") == 1
    assert tags.count("option") == 2
    assert tags.count("caption") == 1
    assert tags.count("tr") == 1 + 3  # the heading, and steps 0, 1, 2
    assert 'type="checkbox"' in drawing
    assert "a = 0.5" in drawing
    for sign in ("nn-line", "nn-points", "nn-area", "nn-bars", "nn-key-area", "stroke-dasharray"):
        assert sign in drawing


def test_figure_without_controls_is_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    still = figure(controls=[], parts=[lambda: Line("p", [0], [1])], describe=lambda: "A dot.")
    page = Page(page_of(still, monkeypatch))
    assert page.values("data-explorable") == []
    assert page.values("data-picture") == ["chapter.figure"]
    assert "button" not in page.tags()


def test_text_from_python_is_text_in_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(page_of(everything(NASTY), monkeypatch))
    assert page.open == []
    assert "img" not in page.tags()
    assert "script" not in page.tags()
    for place in (f"Everything: {NASTY}", NASTY, f"Size 1 of {NASTY}. It is off."):
        assert place in page.texts
    assert f"Everything: {NASTY}" not in page_of(everything(NASTY), monkeypatch)


def test_page_home_gives_a_recording_and_opens_no_comm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NNCOURSE_HOME", "page")
    shown = figure()
    assert shown.comm is None
    bundle = shown._repr_mimebundle_()
    assert set(bundle) == {MIME, "text/plain"}
    assert bundle["text/plain"] == "A line The line rises by 0.5."
    assert bundle[MIME]["spec"]["name"] == "chapter.figure"


def test_notebook_home_gives_a_widget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NNCOURSE_HOME", raising=False)
    shown = figure()
    assert shown.comm is not None
    bundle = shown._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == shown.model_id
    assert MIME not in data


def test_page_and_notebook_show_the_same_scene_at_every_place_of_the_grid() -> None:
    shown = everything()
    whole = shown.record()
    for size in shown.controls["size"].grid[::10]:
        alone = shown.scene_at(size=size, color="red", on=True, step=4)
        place = {"size": shown.controls["size"].grid.index(size), "color": 1, "on": 1, "step": 4}
        in_page = scene_at(whole, **place)
        live = scene_at(alone, **dict.fromkeys(place, 0))
        assert in_page["description"] == live["description"]
        for a, b in zip(in_page["marks"], live["marks"], strict=True):
            for name in a:
                assert close(a[name], b[name]), (size, a["kind"], name)


def close(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray):
        return bool(np.allclose(a, b, rtol=2**-13, atol=4e-3, equal_nan=True))
    return bool(a == b)


# In a notebook.


def test_setting_values_computes_the_scene_for_them() -> None:
    shown = figure()
    shown.values = {"a": 0.123}
    assert shown.scene["values"] == {"a": 0.123}
    scene = scene_at(Recording({k: shown.scene[k] for k in ("parts", "longest")}, shown.scene["data"]))
    assert scene["marks"][0]["y"] == pytest.approx([0, 0.123], abs=1e-3)
    assert scene["description"] == "The line rises by 0.123."


def test_setting_the_same_values_computes_nothing() -> None:
    calls: list[float] = []

    def curve(a: float) -> Line:
        calls.append(a)
        return Line("p", [0, 1], [0, a])

    shown = figure(parts=[curve])
    before = shown.scene
    shown.values = dict(shown.values)
    assert calls == [0.5]
    assert shown.scene is before


def test_a_failing_part_is_shown_and_printed_and_the_next_good_value_recovers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def curve(a: float) -> Line:
        return Line("p", [0, 1], [0, 1 / (a - 0.75)])

    shown = figure(parts=[curve])
    shown.values = {"a": 0.75}
    message = "explorable chapter.figure, part curve, at a = 0.75: ZeroDivisionError: float division by zero"
    assert shown.scene == {"error": message, "values": {"a": 0.75}}
    printed = capsys.readouterr().err
    assert "Traceback" in printed
    assert "in curve" in printed
    assert "1 / (a - 0.75)" in printed
    shown.values = {"a": 0.25}
    assert "error" not in shown.scene
    assert shown.scene["values"] == {"a": 0.25}
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"a": 7}, "slider 'a' runs from 0 to 1, got 7.0."),
        ({"a": "0.5"}, "slider 'a' takes a number, got '0.5'."),
        ({}, "explorable chapter.figure takes values for ['a'], got []."),
        ({"a": 0.1, "b": 2}, "explorable chapter.figure takes values for ['a'], got ['a', 'b']."),
    ],
)
def test_values_that_no_control_has_are_named(
    values: dict[str, Any], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = figure()
    shown.values = values
    assert shown.scene == {"error": message, "values": values}
    assert "Traceback" in capsys.readouterr().err
    with pytest.raises(ControlError):
        shown.scene_at(**values)


def test_an_interrupt_reaches_the_reader_and_the_kernel() -> None:
    def curve(a: float) -> Line:
        if a == 1:
            raise KeyboardInterrupt
        return Line("p", [0], [a])

    shown = figure(parts=[curve])
    with pytest.raises(KeyboardInterrupt):
        shown.values = {"a": 1}
    assert shown.scene == {"error": "Python was interrupted.", "values": {"a": 1}}
    shown.values = {"a": 0.25}
    assert "error" not in shown.scene


# A specification that contradicts itself.

SLIDER = Slider(name="a", label="rise", low=0, high=1, start=0)
PLOT = Plot("p", Axis("x", 0, 1), Axis("y", 0, 1))


def asks_for_b(a: float, b: float) -> Line:
    return Line("p", [0], [0])


def takes_any(**values: float) -> Line:
    return Line("p", [0], [0])


def fails_at_start(a: float) -> Line:
    raise RuntimeError("no data")


WRONG: dict[str, dict[str, Any]] = {
    "Figure: the name must be chapter.figure": {"name": "Figure"},
    "chapter.two words: the name must be chapter.figure": {"name": "chapter.two words"},
    "chapter.figure: it needs a title, at least one panel": {"title": " "},
    "chapter.figure: it needs a title, at least one panel and": {"panels": []},
    "chapter.figure: it needs a title, at least one panel and a description": {"describe": []},
    "chapter.figure: two controls or two panels have": {"controls": [SLIDER, SLIDER]},
    "chapter.figure: two controls or two panels": {"panels": [PLOT, PLOT]},
    "chapter.figure: part asks_for_b asks for ['b'], which are no controls": {"parts": [asks_for_b]},
    "chapter.figure: part takes_any asks for ['values'], which are": {"parts": [takes_any]},
    "chapter.figure, part fails_at_start, at a = 0.5: RuntimeError: no data": {"parts": [fails_at_start]},
}


@pytest.mark.parametrize(("message", "change"), WRONG.items(), ids=list(WRONG))
def test_a_wrong_specification_says_what_is_wrong(message: str, change: dict[str, Any]) -> None:
    with pytest.raises(ExplorableError) as error:
        figure(**change)
    assert str(error.value).startswith(f"explorable {message}")
