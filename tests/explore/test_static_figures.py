"""Every figure of the built book in a browser, with no kernel and no network.

What the page shows is compared with what Python computes for the same values. One figure of the
test's own has every kind of control and mark; it is tested like those of the book.
"""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engine_v8 import scene_at
from one_of_everything import everything
from playwright.sync_api import Browser, Locator, Page, Route, expect

import nncourse.explore
from conftest import FIGURES_ARRIVED, OpenPage, Visit, violations, visits
from nncourse import palette
from nncourse.explorables import every_figure
from nncourse.explore import Explorable, Slider, Stepper, Toggle, Value
from nncourse.explore.page import _NO_SCRIPT, START_IN_PAGE, as_classic_script, figure_html, recording_script
from serve import make_server

Maker = Callable[[], Explorable]
MAKERS: list[Maker] = [maker for maker in every_figure() if maker().controls] + [everything]
every = pytest.mark.parametrize("maker", MAKERS, ids=[m.__name__ for m in MAKERS])
with_marks = pytest.mark.parametrize(
    "maker",
    [m for m in MAKERS if any(c.spec().get("marks") for c in m().controls.values())],
    ids=lambda m: m.__name__,
)
with_steps = pytest.mark.parametrize(
    "maker",
    [m for m in MAKERS if any(isinstance(c, Stepper) for c in m().controls.values())],
    ids=lambda m: m.__name__,
)
SPEAKING = 200  # ms after which the description has followed
made: Callable[[Maker], Explorable] = cache(lambda maker: maker())


class Stage:
    """A figure in a page, and the figure in Python that it should agree with."""

    def __init__(self, visit: Visit, figure: Explorable) -> None:
        self.visit, self.page, self.figure = visit, visit.page, figure
        self.root = self.page.locator(f'[data-explorable="{figure.name}"]')
        self.readout = self.root.locator("[data-readout]")
        if self.page.evaluate("document.body !== null"):
            expect(self.root).to_have_count(1)

    def input(self, name: str) -> Locator:
        return self.root.locator(f'[data-control="{name}"]')

    def position(self, name: str) -> int:
        """Where the control stands on its grid."""
        element = self.input(name)
        return int(element.evaluate("e => e.type === 'checkbox' ? e.checked : e.value"))

    def values(self) -> dict[str, Value]:
        return {n: c.grid[self.position(n)] for n, c in self.figure.controls.items()}

    def come_near(self) -> None:
        """Scroll to the figure, which starts it."""
        self.root.scroll_into_view_if_needed()
        expect(self.root).to_have_attribute("data-ready", "page")

    def picture(self) -> str:
        return self.root.evaluate("e => [...e.querySelectorAll('[data-panel]')].map(p => p.innerHTML).join()")

    def expect_to_agree(self) -> None:
        """The description is the one that Python gives for the controls' values."""
        expect(self.readout).to_have_text(self.figure.description(**self.values()))

    def put(self, name: str, position: int) -> None:
        """Move a control as a script would."""
        self.input(name).evaluate(
            """(e, at) => {
                if (e.type === 'checkbox') e.checked = Boolean(at); else e.value = at;
                e.dispatchEvent(new Event('input', { bubbles: true }));
            }""",
            position,
        )


@pytest.fixture(scope="module")
def own_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with the figure that has everything, made of the files that the book uses."""
    folder = tmp_path_factory.mktemp("own")
    engine = Path(nncourse.explore.__file__).parent
    figure = everything()
    made_of = figure.spec, figure.record().as_json()
    html = figure_html(*made_of)
    script = as_classic_script((engine / "explore.js").read_text("utf-8"), START_IN_PAGE)
    style = palette.css() + (engine / "explore.css").read_text("utf-8")
    (folder / "explore.js").write_text(script, "utf-8")
    (folder / "explore.css").write_text(style, "utf-8")
    (folder / "recordings").mkdir()
    (folder / "recordings" / f"{figure.name}.js").write_text(recording_script(*made_of), "utf-8")
    page = folder / "own.html"
    page.write_text(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Everything</title>'
        '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        '<link rel="stylesheet" href="explore.css"><script defer src="explore.js"></script>'
        f"<style>body {{ margin: 8px; font: 16px sans-serif }}</style>{_NO_SCRIPT}</head>"
        f"<body><main><h1>Everything</h1>{html}<p>After it.</p></main></body></html>",
        "utf-8",
    )
    return page


@pytest.fixture(scope="module")
def addresses(book: Path, own_page: Path) -> Iterator[dict[str, tuple[str, Path]]]:
    """Where each figure stands: the page's address and its file, for the first page that has it."""
    found: dict[str, tuple[str, Path]] = {}
    for path in sorted(book.rglob("*.html")):
        for name in re.findall(r'data-explorable="([^"]+)"', path.read_text("utf-8")):
            found.setdefault(name, (path.relative_to(book).as_posix(), path))
    with make_server(own_page.parent, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/{own_page.name}"
        yield found | {"chapter.everything": (address, own_page)}
        server.shutdown()


OpenFigure = Callable[..., Stage]


@pytest.fixture
def open_figure(open_page: OpenPage, addresses: Mapping[str, tuple[str, Path]]) -> OpenFigure:
    def open_figure(maker: Maker, link: str = "", **options: Any) -> Stage:
        figure = made(maker)
        assert figure.name in addresses, f"no page of the book shows {figure.name}"
        visit = open_page(addresses[figure.name][0] + link, **options)
        stage = Stage(visit, figure)
        if link:
            expect(stage.root).to_have_attribute("data-ready", "page")
        elif options.get("java_script_enabled", True):
            stage.come_near()
        return stage

    return open_figure


@pytest.fixture(scope="module")
def shared_page(browser: Browser, site: str) -> Iterator[OpenPage]:
    """Open a page, or give it again if it was opened before with these options: a chapter is slow to load."""
    with visits(browser, site) as open_page:
        yield cache(open_page)


@pytest.fixture
def share_figure(shared_page: OpenPage, addresses: Mapping[str, tuple[str, Path]]) -> OpenFigure:
    """Open a figure in a page that other tests have used, with every figure on it back at its start."""

    def share_figure(maker: Maker, **options: Any) -> Stage:
        figure = made(maker)
        assert figure.name in addresses, f"no page of the book shows {figure.name}"
        visit = shared_page(addresses[figure.name][0], **options)
        visit.forget()
        stage = Stage(visit, figure)
        stage.come_near()
        visit.page.evaluate("document.querySelectorAll('[data-reset]').forEach((b) => b.click())")
        visit.page.wait_for_function("location.hash === ''")
        return stage

    return share_figure


OpenPages = Callable[..., Iterator[list[Stage]]]


@pytest.fixture
def open_pages(open_page: OpenPage, addresses: Mapping[str, tuple[str, Path]]) -> OpenPages:
    """Open every page that has figures, one after the other, for what needs no page of its own."""

    def open_pages(**options: Any) -> Iterator[list[Stage]]:
        figures = [made(maker) for maker in MAKERS]
        for address in sorted({addresses[figure.name][0] for figure in figures}):
            visit = open_page(address, **options)
            yield [Stage(visit, figure) for figure in figures if addresses[figure.name][0] == address]
            visit.page.close()

    return open_pages


def test_every_explorable_of_the_book_is_made_by_the_library(
    addresses: Mapping[str, tuple[str, Path]],
) -> None:
    assert set(addresses) == {made(maker).name for maker in MAKERS}


def stop_the_clock(page: Page) -> None:
    """Let the page's time stand still but for what `page.clock.run_for` lets pass."""
    page.clock.install(time=0)
    page.clock.pause_at(1000)


# Moving the controls.


def drawn(figure: Explorable, values: dict[str, Value]) -> list[Any]:
    """What Python draws for these values, and how far its steppers have come."""
    scene = scene_at(figure.scene_at(**values), **dict.fromkeys(values, 0))
    marks = [
        {k: v.tobytes() if isinstance(v, np.ndarray) else v for k, v in m.items()} for m in scene["marks"]
    ]
    return [*marks, [values[n] for n, c in figure.controls.items() if isinstance(c, Stepper)]]


def by_mouse(stage: Stage, name: str) -> None:
    """Move a control with the mouse, away from where it stands."""
    element, control = stage.input(name), stage.figure.controls[name]
    element.scroll_into_view_if_needed()
    if isinstance(control, Slider | Stepper):
        box = element.bounding_box()
        assert box is not None
        middle, last = box["y"] + box["height"] / 2, len(control.grid) - 1

        def x(position: float) -> float:  # the thumb's centre keeps half its width from the ends
            return box["x"] + 8 + (box["width"] - 16) * position / last

        start = stage.position(name)
        target = 0.8 if start < last / 2 else 0.2
        mouse = stage.page.mouse
        mouse.move(x(start), middle)
        mouse.down()
        mouse.move(x(target * last), middle, steps=5)
        mouse.up()
        assert abs(stage.position(name) - target * last) <= 1
    elif isinstance(control, Toggle):
        element.click()
    else:
        element.select_option(index=(stage.position(name) + 1) % len(control.grid))


def by_keyboard(stage: Stage, name: str) -> None:
    """Move a control with the keyboard, away from where it stands."""
    element, control = stage.input(name), stage.figure.controls[name]
    element.focus()
    if isinstance(control, Toggle):
        stage.page.keyboard.press("Space")
    else:
        at_end = stage.position(name) == len(control.grid) - 1
        stage.page.keyboard.press(
            "ArrowUp" if isinstance(control, Slider | Stepper) ^ at_end else "ArrowDown"
        )


@every
@pytest.mark.parametrize("by", [by_mouse, by_keyboard], ids=["mouse", "keyboard"])
def test_every_control_moves_picture_and_description(
    share_figure: OpenFigure, maker: Maker, by: Callable[[Stage, str], None]
) -> None:
    stage = share_figure(maker)
    stage.expect_to_agree()
    for name in stage.figure.controls:
        before, picture, said = stage.values(), stage.picture(), stage.readout.inner_text()
        by(stage, name)
        after = stage.values()
        assert [n for n in after if after[n] != before[n]] == [name]
        stage.expect_to_agree()
        if stage.figure.description(**before) != stage.figure.description(**after):
            assert stage.readout.inner_text() != said
        if drawn(stage.figure, before) != drawn(stage.figure, after):
            assert stage.picture() != picture, f"{name} from {before[name]} to {after[name]}"
        shown = stage.root.locator(f"output[for$='-{name}']")
        if shown.count():
            assert shown.inner_text() == stage.input(name).get_attribute("aria-valuetext")
    stage.visit.assert_quiet()


@every
def test_every_place_of_every_control_is_drawn_and_said_as_python_says(
    open_figure: OpenFigure, maker: Maker
) -> None:
    stage = open_figure(maker)
    stage.page.wait_for_timeout(2 * SPEAKING)  # a timer from before the clock cannot be called off
    stop_the_clock(stage.page)
    for name, control in stage.figure.controls.items():
        start = stage.position(name)
        for position in [*range(len(control.grid)), start]:
            stage.put(name, position)
            picture = stage.picture()
            for wrong in ("NaN", "undefined", "Infinity", "null"):
                assert wrong not in picture, (name, control.grid[position])
            stage.page.clock.run_for(SPEAKING)
            values = stage.values()
            assert values[name] == control.grid[position]
            assert stage.readout.inner_text() == stage.figure.description(**values), values
    stage.visit.assert_quiet()


@with_marks
def test_marks_go_to_their_values_and_say_so(share_figure: OpenFigure, maker: Maker) -> None:
    stage = share_figure(maker)
    for name, control in stage.figure.controls.items():
        buttons = stage.root.locator(f'[data-mark][data-for="{name}"]')
        marks = sorted(control.marks) if isinstance(control, Slider) else []
        assert buttons.count() == len(marks)
        for button, mark in zip(buttons.all(), marks, strict=True):
            button.click()
            assert stage.values()[name] == mark
            assert button.get_attribute("aria-pressed") == "true"
            assert stage.root.locator(f'[data-for="{name}"][aria-pressed="true"]').count() == 1
            stage.expect_to_agree()


@every
def test_reset_returns_to_the_start(share_figure: OpenFigure, maker: Maker) -> None:
    stage = share_figure(maker)
    start, picture = stage.values(), stage.picture()
    for name in stage.figure.controls:
        by_keyboard(stage, name)
    assert stage.values() != start
    stage.root.locator("[data-reset]").click()
    assert stage.values() == start
    assert stage.picture() == picture
    stage.expect_to_agree()
    stage.page.wait_for_function("location.hash === ''")


# Links.


@every
def test_reload_keeps_every_control_where_it_was(share_figure: OpenFigure, maker: Maker) -> None:
    stage = share_figure(maker)
    for name in stage.figure.controls:
        by_keyboard(stage, name)
    values, picture = stage.values(), stage.picture()
    parts = len([n for n in values if values[n] != stage.figure.controls[n].first])
    stage.page.wait_for_function("n => location.hash.split('=').length === n + 1", arg=parts)
    stage.page.reload()
    expect(stage.root).to_have_attribute("data-ready", "page")
    assert stage.values() == values
    assert stage.picture() == picture
    stage.expect_to_agree()
    stage.visit.assert_quiet()


@pytest.mark.parametrize("maker", [MAKERS[0], everything], ids=["first", "everything"])
def test_copied_link_opens_the_figure_as_it_is(open_figure: OpenFigure, maker: Maker) -> None:
    stage = open_figure(maker, permissions=["clipboard-read", "clipboard-write"])
    for name in stage.figure.controls:
        by_keyboard(stage, name)
    stage.root.locator("[data-copy]").click()
    expect(stage.root.locator("[role=status]")).to_have_text("Link copied.")
    link = stage.page.evaluate("navigator.clipboard.readText()")
    values = stage.values()
    other = open_figure(maker, "#" + link.split("#")[1])
    assert other.values() == values
    expect(other.root).to_be_in_viewport()
    other.expect_to_agree()


def test_a_phone_offers_whom_to_send_the_link(open_figure: OpenFigure) -> None:
    stage = open_figure(everything, width=390, has_touch=True, is_mobile=True)
    stage.page.add_init_script("navigator.share = async (what) => { window.shared = what; }")
    stage.page.reload()
    stage.come_near()
    stage.put("size", 0)
    stage.root.get_by_role("button", name="share link").tap()
    shared = stage.page.evaluate("window.shared")
    assert shared["title"] == stage.figure.spec["title"]
    assert shared["url"].endswith("#chapter.everything.size=0.1")


def test_link_goes_to_the_address_bar_where_the_clipboard_is_closed(open_figure: OpenFigure) -> None:
    stage = open_figure(everything)
    stage.page.evaluate(
        "() => { navigator.clipboard.writeText = () => Promise.reject(new Error('closed')); }"
    )
    stage.put("size", 0)
    stage.root.locator("[data-copy]").click()
    expect(stage.root.locator("[role=status]")).to_have_text("The link is in the address bar.")
    assert stage.page.url.endswith("#chapter.everything.size=0.1")


def test_link_typed_by_hand_sets_the_figure_and_so_does_a_changed_hash(open_figure: OpenFigure) -> None:
    stage = open_figure(everything, "#chapter.everything.size=9.9&chapter.everything.color=red")
    assert stage.values() == {"size": 10.0, "color": "red", "on": False, "step": 2}
    stage.page.evaluate("location.hash = 'chapter.everything.on=true&chapter.everything.step=5'")
    expect(stage.input("on")).to_be_checked()
    assert stage.values() == {"size": 1.0, "color": "blue", "on": True, "step": 5}
    stage.expect_to_agree()
    stage.page.evaluate("location.hash = 'chapter.everything'")
    expect(stage.input("on")).not_to_be_checked()


@pytest.mark.parametrize(
    "link",
    [
        "size=%",
        "size=abc",
        "size=",
        "size",
        "size=99",
        "nothing=1",
        "color=Red",
        "=&=&%E0%A4%A",
        "size=0.5=1",
    ],
)
def test_a_broken_link_leaves_the_figure_at_its_start(open_figure: OpenFigure, link: str) -> None:
    stage = open_figure(everything, f"#chapter.everything.{link}")
    start = {name: control.first for name, control in stage.figure.controls.items()}
    assert stage.values() == start
    stage.page.evaluate("link => { location.hash = link }", f"x&chapter.everything.{link}")
    by_keyboard(stage, "size")
    stage.expect_to_agree()
    stage.visit.assert_quiet()


def test_learning_rate_one_shows_2_minus14_98_in_table_and_description(open_figure: OpenFigure) -> None:
    """The numbers of the source note, in the page that readers get."""
    maker = next(m for m in MAKERS if made(m).name == "gradient_descent.learning_rate")
    name = made(maker).name
    stage = open_figure(maker, f"#{name}.learning_rate=1&{name}.steps=2")
    assert stage.values() == {"learning_rate": 1.0, "x0": 2.0, "steps": 2}
    rows = [row.locator("td").all_inner_texts() for row in stage.root.locator("tbody tr").all()]
    assert [row[1] for row in rows] == ["2", "−14", "98"]
    assert [row[2] for row in rows] == ["16", "784", "38416"]
    expect(stage.readout).to_contain_text("x goes 2, −14, 98 and y goes 16, 784, 38416")


# A film.


@with_steps
def test_stepper_steps_and_plays_to_its_end(open_figure: OpenFigure, maker: Maker) -> None:
    stage = open_figure(maker)
    stop_the_clock(stage.page)
    for name, control in stage.figure.controls.items():
        if not isinstance(control, Stepper):
            continue
        back, forward, play = (
            stage.root.locator(f'[data-{b}="{name}"]') for b in ("back", "forward", "play")
        )
        stage.put(name, 0)
        back.click()
        assert stage.position(name) == 0
        forward.click()
        assert stage.position(name) == 1
        back.click()
        assert stage.position(name) == 0
        pictures = {stage.picture()}
        play.click()
        expect(play).to_have_attribute("aria-pressed", "true")
        expect(stage.readout).to_have_attribute("aria-live", "off")  # a film is not read out
        for step in range(1, len(control.grid)):
            stage.page.clock.run_for(600)
            assert stage.position(name) == step
            pictures.add(stage.picture())
        assert len(pictures) == len(control.grid)
        stage.page.clock.run_for(600)
        expect(play).to_have_attribute("aria-pressed", "false")
        expect(stage.readout).to_have_attribute("aria-live", "polite")
        forward.click()
        assert stage.position(name) == len(control.grid) - 1
        play.click()  # at its end it starts again
        assert stage.position(name) == 0
        play.click()
        expect(play).to_have_attribute("aria-pressed", "false")
        stage.page.clock.run_for(1300)
        assert stage.position(name) == 0


def test_a_film_stops_when_the_reader_moves_something(open_figure: OpenFigure) -> None:
    stage = open_figure(everything)
    stop_the_clock(stage.page)
    stage.put("step", 0)
    stage.root.locator("[data-play]").click()
    stage.page.clock.run_for(600)
    by_keyboard(stage, "size")
    stage.page.clock.run_for(3000)
    assert stage.position("step") == 1
    expect(stage.root.locator("[data-play]")).to_have_attribute("aria-pressed", "false")


@with_steps
def test_reduced_motion_leaves_steps_but_no_film(share_figure: OpenFigure, maker: Maker) -> None:
    stage = share_figure(maker, reduced_motion="reduce")
    for name, control in stage.figure.controls.items():
        if isinstance(control, Stepper):
            expect(stage.root.locator(f'[data-play="{name}"]')).to_be_hidden()
            expect(stage.root.locator(f'[data-forward="{name}"]')).to_be_visible()


# How it looks.


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figure_of_everything_has_no_accessibility_violation(share_figure: OpenFigure, scheme: str) -> None:
    """The figures of the book are looked at with their pages, in test_site.py."""
    stage = share_figure(everything, scheme=scheme)
    stage.page.evaluate("scheme => { document.documentElement.dataset.theme = scheme }", scheme)
    paper = stage.root.evaluate("e => getComputedStyle(e).getPropertyValue('--nn-dark').trim()")
    assert paper == ("1" if scheme == "dark" else "")
    assert violations(stage.page) == []


# While loading, the words around a figure may move when their font arrives; nothing inside it may.
SHIFTS = """(part) => {
    window.watching?.disconnect();
    window.shifts = [];
    window.watching = new PerformanceObserver((list) => list.getEntries().forEach((e) => window.shifts.push(
        ...e.sources.filter((s) => s.node?.parentElement?.closest(part))
            .map((s) => `${e.value} by ${s.node.outerHTML ?? s.node.textContent}`.slice(0, 150))
    )));
    window.watching.observe({ type: 'layout-shift', buffered: part === '.nn-explorable' });
}"""
SETTLED = """() => document.fonts.ready.then(() => new Promise((done) =>
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)))))"""


@every
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_jumps_while_loading_or_while_a_control_moves(
    share_figure: OpenFigure, maker: Maker, width: int
) -> None:
    stage = share_figure(maker, width=width, reduced_motion="no-preference")  # a page of this test's own
    stage.root.scroll_into_view_if_needed()
    stage.page.evaluate(SHIFTS, ".nn-explorable")
    stage.page.evaluate(SETTLED)
    assert stage.page.evaluate("window.shifts") == []
    stage.page.evaluate(SHIFTS, ".bd-article, .nn-explorable, body > main")
    height = stage.root.evaluate("e => e.getBoundingClientRect().height")
    for name, control in stage.figure.controls.items():
        start = stage.position(name)
        for position in {0, len(control.grid) // 3, 2 * len(control.grid) // 3, len(control.grid) - 1}:
            stage.put(name, position)
            stage.expect_to_agree()
            assert stage.root.evaluate("e => e.getBoundingClientRect().height") == height, stage.values()
        stage.put(name, start)
    stage.page.evaluate(SETTLED)
    assert stage.page.evaluate("window.shifts") == []


NARROW = """(root) => {
    const edge = root.getBoundingClientRect().right, wide = [];
    for (const e of root.querySelectorAll('*')) {
        if (e.closest('svg') && e.nodeName !== 'svg') continue;
        const box = e.getBoundingClientRect();
        if (box.width && box.right > edge)
            wide.push(`${e.nodeName} ${e.className} reaches ${box.right - edge} px too far`);
        if (/T[DH]/.test(e.nodeName) && e.scrollWidth > e.clientWidth)
            wide.push(`cell ${e.textContent} is cut off`);
    }
    return wide;
}"""


@every
def test_figure_fits_a_screen_of_320_pixels(share_figure: OpenFigure, maker: Maker) -> None:
    stage = share_figure(maker, width=320, height=640)
    for name, control in stage.figure.controls.items():
        start = stage.position(name)
        for position in (0, len(control.grid) - 1, start):
            stage.put(name, position)
            assert stage.root.evaluate(NARROW) == [], stage.values()
    if maker is everything:  # the book's pages have a test of their own
        assert stage.page.evaluate("document.documentElement.scrollWidth") == 320
    for control in stage.root.locator("[data-control], button").all():
        box = control.bounding_box()
        assert box is not None
        assert box["height"] >= 24 or control.get_attribute("type") == "checkbox"


def test_figure_prints_with_its_values_and_without_its_buttons(open_pages: OpenPages) -> None:
    for stage in itertools.chain.from_iterable(open_pages()):
        stage.page.emulate_media(media="print")
        for svg in stage.root.locator("svg").all():
            expect(svg).to_be_visible()
        expect(stage.readout).to_be_visible()
        for hidden in stage.root.locator("button, input[type=range]").all():
            expect(hidden).to_be_hidden()
        for name, control in stage.figure.controls.items():
            of_control = stage.input(name).locator("xpath=..")
            expect(of_control.locator("label")).to_be_visible()
            value = of_control.locator("output" if isinstance(control, Slider | Stepper) else "select, input")
            expect(value).to_be_visible()


def test_without_javascript_there_is_a_picture_and_a_sentence(open_pages: OpenPages) -> None:
    for stage in itertools.chain.from_iterable(open_pages(java_script_enabled=False)):
        start = {name: control.first for name, control in stage.figure.controls.items()}
        expect(stage.readout).to_have_text(stage.figure.description(**start))
        for svg in stage.root.locator("svg").all():
            box = svg.bounding_box()
            assert box is not None
            assert box["width"] > 150
            assert box["height"] > 80
            assert svg.locator("path, image").count() > 0
        for control in stage.root.locator("[data-control], button").all():
            expect(control).to_be_hidden()


def test_changing_the_theme_redraws_the_figure(open_pages: OpenPages) -> None:
    for stage in itertools.chain.from_iterable(open_pages()):
        stage.come_near()
        colours = (
            "e => [...e.querySelectorAll('path, text')].map(getComputedStyle).map((s) => s.stroke + s.fill)"
        )
        images = "e => [...e.querySelectorAll('image')].map((i) => i.getAttribute('href'))"
        stage.page.evaluate("document.documentElement.dataset.theme = 'light'")
        light = stage.root.evaluate(colours), stage.root.evaluate(images)
        stage.page.evaluate("document.documentElement.dataset.theme = 'dark'")
        dark = stage.root.evaluate(colours), stage.root.evaluate(images)
        assert len(light[0]) == len(dark[0]) > 5
        assert light[0] != dark[0]
        assert len(light[1]) == len(dark[1])
        assert all(a != b for a, b in zip(light[1], dark[1], strict=True))


# From a folder, without a server.


def test_every_figure_works_from_a_file(browser: Browser, addresses: Mapping[str, tuple[str, Path]]) -> None:
    figures = [made(maker) for maker in MAKERS]
    for path in sorted({addresses[figure.name][1] for figure in figures}):
        context = browser.new_context(offline=True)
        visit = Visit(context.new_page())
        visit.page.on("console", lambda message, to=visit.console: to.append(message.text))
        visit.page.on("pageerror", lambda error, to=visit.console: to.append(str(error)))
        visit.page.goto(path.as_uri())
        stages = [Stage(visit, figure) for figure in figures if addresses[figure.name][1] == path]
        for stage in stages:
            stage.come_near()
            by_keyboard(stage, next(iter(stage.figure.controls)))
            stage.expect_to_agree()
        values = [stage.values() for stage in stages]
        visit.page.wait_for_function("n => location.hash.split('=').length === n + 1", arg=len(stages))
        visit.page.reload()
        for stage, kept in zip(stages, values, strict=True):
            expect(stage.root).to_have_attribute("data-ready", "page")
            assert stage.values() == kept
        visit.assert_quiet()
        context.close()


# Several figures in one page.


def test_figures_of_one_page_share_its_address(
    open_page: OpenPage, addresses: Mapping[str, tuple[str, Path]]
) -> None:
    by_page: dict[str, list[Explorable]] = {}
    for maker in MAKERS:
        by_page.setdefault(addresses[made(maker).name][0], []).append(made(maker))
    crowded = {page: figures for page, figures in by_page.items() if len(figures) > 1}
    assert crowded
    for address, figures in crowded.items():
        visit = open_page(address)
        stages = [Stage(visit, figure) for figure in figures]
        first_controls = [next(iter(figure.controls)) for figure in figures]
        for stage, name in zip(stages, first_controls, strict=True):
            stage.come_near()
            by_keyboard(stage, name)
        values = [stage.values() for stage in stages]
        visit.page.wait_for_function("n => location.hash.split('=').length === n + 1", arg=len(figures))
        visit.page.reload()
        for stage, kept in zip(stages, values, strict=True):
            expect(stage.root).to_have_attribute("data-ready", "page")
            assert stage.values() == kept
        for one, two in itertools.combinations(stages, 2):
            assert one.readout.get_attribute("id") != two.readout.get_attribute("id")


# Starting.


@pytest.fixture
def crowded_page(open_page: OpenPage, addresses: Mapping[str, tuple[str, Path]]) -> list[Stage]:
    """A page of the book with several figures, the last of which is far below the first screen."""
    figures = [made(maker) for maker in MAKERS if made(maker).name.startswith("gradient_descent.")]
    visit = open_page(addresses[figures[0].name][0])
    stages = [Stage(visit, figure) for figure in figures]
    expect(stages[-1].root).not_to_be_in_viewport()
    return stages


def test_a_figure_starts_when_the_reader_comes_near_even_without_a_connection(
    crowded_page: list[Stage],
) -> None:
    stage = crowded_page[-1]
    stage.page.wait_for_function(FIGURES_ARRIVED)
    stage.page.context.set_offline(True)
    assert stage.root.get_attribute("data-ready") is None
    name = next(iter(stage.figure.controls))
    stage.put(name, 1)  # by somebody who is quicker than the figure
    stage.come_near()
    assert stage.position(name) == 1
    stage.expect_to_agree()
    stage.visit.assert_quiet()


def test_who_saves_data_is_sent_only_the_figures_they_come_near(crowded_page: list[Stage]) -> None:
    first, last = crowded_page[0], crowded_page[-1]
    page = first.page
    page.add_init_script("Object.defineProperty(navigator, 'connection', { value: { saveData: true } })")
    page.clock.install()
    page.reload()
    first.come_near()
    page.clock.run_for(10_000)  # long after the others would follow
    page.wait_for_timeout(500)
    assert last.figure.name not in page.evaluate("Object.keys(nncourse.recordings)")
    last.come_near()


def test_a_figure_whose_data_is_broken_says_so_and_the_others_work(crowded_page: list[Stage]) -> None:
    broken, other = crowded_page[-2:]
    script = recording_script(broken.figure.spec, broken.figure.record().as_json() | {"parts": 1})
    place = f"**/{broken.figure.name}.js*"
    broken.page.route(place, lambda route: route.fulfill(content_type="text/javascript", body=script))
    broken.page.reload()
    broken.root.scroll_into_view_if_needed()
    expect(broken.root.locator("[role=status]")).to_contain_text("This figure could not start: ")
    other.come_near()
    by_keyboard(other, next(iter(other.figure.controls)))
    other.expect_to_agree()


def test_a_figure_whose_data_did_not_arrive_says_so_and_tries_again(crowded_page: list[Stage]) -> None:
    stage = crowded_page[-1]
    place = f"**/{stage.figure.name}.js*"
    stage.page.route(place, lambda route: route.abort())
    stage.page.reload()
    stage.root.scroll_into_view_if_needed()
    status = stage.root.locator("[role=status]")
    expect(status).to_have_text("This figure could not start: its data did not arrive.")
    stage.page.unroute(place)
    crowded_page[0].come_near()
    stage.come_near()
    expect(status).to_have_text("")


def test_a_figure_in_view_tries_again_by_itself(crowded_page: list[Stage]) -> None:
    stage = crowded_page[-1]
    asked: list[Route] = []

    def log_in_first(route: Route) -> None:
        asked.append(route)
        if len(asked) == 1:
            route.fulfill(content_type="text/html", body="<!doctype html><title>Log in</title>")
        else:
            route.continue_()

    stage.page.route(f"**/{stage.figure.name}.js*", log_in_first)
    stage.page.reload(wait_until="domcontentloaded")
    stage.root.scroll_into_view_if_needed()
    status = stage.root.locator("[role=status]")
    expect(status).to_have_text("This figure could not start: its data did not arrive.")
    expect(stage.root).to_have_attribute("data-ready", "page")
    expect(status).to_have_text("")


def test_a_figure_in_the_address_keeps_its_state_however_late_its_data_come(
    crowded_page: list[Stage],
) -> None:
    first, late = crowded_page[0], crowded_page[-1]
    held: list[Route] = []
    first.page.route(f"**/{late.figure.name}.js*", lambda route: held.append(route))
    name, control = next(iter(late.figure.controls.items()))
    assert control.first != control.grid[2]
    address = f"{first.page.url}#{late.figure.name}.{name}={control.grid[2]}"
    first.page.goto("about:blank")
    first.page.goto(address, wait_until="domcontentloaded")
    first.come_near()
    first.put(next(iter(first.figure.controls)), 1)
    first.page.wait_for_timeout(400)  # the address is written 250 ms after a move
    held[-1].continue_()
    expect(late.root).to_have_attribute("data-ready", "page")
    assert late.position(name) == 2
    first.page.wait_for_function("location.hash.split('=').length === 3")
