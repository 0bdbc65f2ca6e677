"""The explorable: a figure with controls, defined once and alive in two homes.

In a notebook it is a widget and every move calls Python. In the built page there is no Python: the
same figure replays a recording that was made when the book was built.
"""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from nncourse import palette

from .controls import Control, ControlError, Value
from .recording import ExplorableError, Part, Recorder, Recording, depends_on
from .scene import Panel

MIME = "application/vnd.nncourse.explorable+json"
_HERE = Path(__file__).parent


def in_page() -> bool:
    """Return whether cells run for the built page, which has no kernel, and not for a notebook."""
    return os.environ.get("NNCOURSE_HOME") == "page"


class Explorable(anywidget.AnyWidget):
    """A figure with controls.

    Parameters
    ----------
    name : str
        ``chapter.figure``; unique in the book, used in links and tests.
    title : str
        One line that says what can be explored.
    controls : sequence of Control
        What the reader can move.
    panels : sequence of Panel
        What the figure consists of, from left to right.
    parts : sequence of callable
        Pure functions from control values to marks. A part's parameters name the controls that
        it depends on, so its recording covers those and no others.
    describe : callable or sequence of callable
        Pure functions from control values to a sentence (`str` or `Say`) that says what can be
        seen. Together they are the figure's text for those who do not see it.
    budget_kb : float
        The recording's greatest size in the page, compressed, in kilobytes.
    seconds : float
        The longest time that recording may take.

    Raises
    ------
    ExplorableError
        If the specification contradicts itself or a part fails; the message names the place.
    """

    _esm = _HERE / "explore.js"
    _css = palette.css(".nn-explorable") + (_HERE / "explore.css").read_text("utf-8")

    spec = traitlets.Dict().tag(sync=True)
    values = traitlets.Dict().tag(sync=True)
    scene = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        name: str,
        *,
        title: str,
        controls: Sequence[Control],
        panels: Sequence[Panel],
        parts: Sequence[Part],
        describe: Part | Sequence[Part],
        budget_kb: float = 100.0,
        seconds: float = 30.0,
    ) -> None:
        self.name = name
        self.controls = {c.name: c for c in controls}
        self.panels = {p.name: p for p in panels}
        self.descriptions = [describe] if callable(describe) else list(describe)
        self.parts = [*parts, *self.descriptions]
        self.budget_kb, self.seconds = budget_kb, seconds
        self._check(title, len(controls), len(panels))
        start: dict[str, Value] = {c.name: c.first for c in controls}
        super().__init__(
            spec={
                "name": name,
                "title": title,
                "controls": [c.spec() for c in controls],
                "panels": [asdict(p) | {"kind": p.kind} for p in panels],
            },
            values=start,
            scene=self._scene_for(start),
        )

    def _check(self, title: str, num_controls: int, num_panels: int) -> None:
        def fail(what: str) -> None:
            raise ExplorableError(f"explorable {self.name}: {what}")

        if not re.fullmatch(r"[a-z0-9_]+\.[a-z0-9_]+", self.name):
            fail("the name must be chapter.figure, in lower case letters, digits and _.")
        if not title.strip() or not self.panels or not self.descriptions:
            fail("it needs a title, at least one panel and a description.")
        if len(self.controls) != num_controls or len(self.panels) != num_panels:
            fail("two controls or two panels have the same name.")
        for part in self.parts:
            if unknown := set(depends_on(part)) - set(self.controls):
                fail(f"part {part.__name__} asks for {sorted(unknown)}, which are no controls.")

    def open(self) -> None:
        """Open the connection to the browser, unless there is no kernel to connect to."""
        if not in_page():
            super().open()

    # In a notebook: one scene for each request.

    def scene_at(self, **values: Value) -> Recording:
        """Return the scene for these values, which need not be in the grid.

        Raises
        ------
        ControlError
            If a control does not have the value.
        ExplorableError
            If a part fails.
        """
        if values.keys() != self.controls.keys():
            raise ControlError(
                f"explorable {self.name} takes values for {list(self.controls)}, got {list(values)}."
            )
        accepted = {n: c.accept(values[n]) for n, c in self.controls.items()}
        recorder = Recorder(self.name, self.panels, self.seconds)
        return recorder.record(self.parts, {n: [v] for n, v in accepted.items()})[0]

    def _scene_for(self, values: Mapping[str, Value]) -> dict[str, Any]:
        scene = self.scene_at(**values)
        return scene.header | {"data": scene.data, "values": dict(values)}

    @traitlets.observe("values")
    def _move(self, change: traitlets.Bunch) -> None:
        """Answer the reader's move; a failure is shown in the figure and printed in the kernel.

        The browser sends the next move only when this one is answered, and then only the last,
        so a slow part never works through a queue of stale values.
        """
        if change["new"] == self.scene.get("values"):
            return
        try:
            self.scene = self._scene_for(change["new"])
        except (ControlError, ExplorableError) as error:
            traceback.print_exc()
            self.scene = {"error": str(error), "values": dict(change["new"])}
        except KeyboardInterrupt:
            self.scene = {"error": "Python was interrupted.", "values": dict(change["new"])}
            raise

    # In the page: all scenes at once.

    def record(self) -> Recording:
        """Return the recording over the whole grid.

        Raises
        ------
        ExplorableError
            If a part fails or takes too long, or the recording is larger than its budget.
        """
        grid = {n: c.grid for n, c in self.controls.items()}
        recording, sizes = Recorder(self.name, self.panels, self.seconds).record(self.parts, grid)
        size = recording.gz_bytes() / 1000
        if size > self.budget_kb:
            parts = ", ".join(f"{n} {b / 1000:.0f} kB" for n, b in sizes.items() if b)
            axes = " × ".join(f"{n} {len(v)}" for n, v in grid.items())
            raise ExplorableError(
                f"explorable {self.name}: its recording takes {size:.0f} kB compressed, more than "
                f"its budget of {self.budget_kb:g} kB. Its grid: {axes}. "
                f"Its parts before compression: {parts}."
            )
        return recording

    def description(self, **values: Value) -> str:
        """Return the text that stands under the figure for these values."""
        return " ".join(str(d(**{n: values[n] for n in depends_on(d)})) for d in self.descriptions)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """Return what the home shows: a recording for the page, a widget for a notebook."""
        if in_page():
            return {
                MIME: {"spec": self.spec, "recording": self.record().as_json()},
                "text/plain": f"{self.spec['title']} {self.description(**self.values)}",
            }
        return super()._repr_mimebundle_(**kwargs)
