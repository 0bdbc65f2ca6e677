"""Runs the cells of a page inside the browser's Python, and sends what they show to the page.

There is no Jupyter here, neither its kernel nor its messages. That saves the reader the seconds in which
IPython and the widgets' protocol would be loaded: `Widget` below is all that a figure needs of them.
"""

from __future__ import annotations

import ast
import io
import linecache
import logging
import pprint
import sys
import time
import traceback
from base64 import b64encode
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from inspect import CO_COROUTINE
from types import ModuleType
from typing import Any

import traitlets

FIGURE = "application/vnd.nncourse.live"
PICTURE_OF = {"svg": "image/svg+xml", "png": "image/png", "jpeg": "image/jpeg"}
LONGEST = 100_000  # characters that one cell may print
EVERY = 0.05  # seconds between two pieces of text on the way to the page

Send = Callable[[dict[str, Any]], object]


class Widget(traitlets.HasTraits):
    """What a figure needs of anywidget where page and Python talk to each other without a protocol."""

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.open()

    def open(self) -> None:
        """Nothing has to be opened: the figure is known when it is shown."""

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        return {FIGURE: self}


def prepare() -> None:
    """Give this to the course's library when it asks for anywidget, and let Matplotlib prepare in silence."""
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    anywidget = sys.modules["anywidget"] = ModuleType("anywidget")
    anywidget.AnyWidget = Widget  # type: ignore[attr-defined]


def no_input(prompt: object = "") -> str:
    """Stand in for `input`: Python in a worker cannot wait for the reader."""
    raise RuntimeError("input() does not work in the page: write the value into the code instead")


class Printed(io.TextIOBase):
    """What a cell prints: sent in pieces, and no more of it than a page can show."""

    def __init__(self, send: Callable[[str], object]) -> None:
        self.send, self.text, self.length, self.sent = send, "", 0, 0.0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        room = LONGEST - self.length
        if room >= 0:
            self.text += text if len(text) <= room else f"{text[:room]}\n… and more, which is not shown.\n"
        self.length += len(text)
        if time.monotonic() - self.sent > EVERY:
            self.flush()
        return len(text)

    def flush(self) -> None:
        if self.text:
            self.send(self.text)
        self.text, self.sent = "", time.monotonic()


class Shell:
    """Runs cells among one set of names.

    Parameters
    ----------
    send : callable
        Takes each output of a cell: a dict with the number of the cell, and one of "text", "error",
        "html", "image" or "figure".
    names : dict
        The names that cells read and bind.
    """

    def __init__(self, send: Send, names: dict[str, Any]) -> None:
        self.send, self.names = send, names
        self.figures: dict[str, Any] = {}  # those on the page
        names["display"] = self.display
        names["input"] = no_input
        self.cell = 0

    async def run(self, cell: int, source: str) -> bool:
        """Run a cell; whether it came to its end."""
        self.cell = cell
        self.figures = {key: f for key, f in self.figures.items() if not key.startswith(f"{cell}.")}
        printed = Printed(lambda text: self._show(text=text))
        try:
            with redirect_stdout(printed), redirect_stderr(printed):
                try:
                    value = await self._value(f"<cell {cell + 1}>", source)
                    if value is not None:
                        printed.flush()
                        self.display(value)
                finally:
                    printed.flush()
                    self._show_open_pictures()
        except BaseException as error:  # of the cell, whatever it is: also SystemExit
            self._show(error=failure(error))
            return False
        return True

    async def _value(self, name: str, source: str) -> Any:
        """What the last line gives, if it gives something and does not end in a semicolon."""
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        tree = ast.parse(source, name)
        steps: list[ast.AST] = [tree]
        if tree.body and isinstance(last := tree.body[-1], ast.Expr):
            tree.body.pop()
            steps.append(ast.Expression(last.value))
        value = None
        for step, mode in zip(steps, ("exec", "eval"), strict=False):
            code = compile(step, name, mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)  # type: ignore[call-overload]
            value = eval(code, self.names)
            if code.co_flags & CO_COROUTINE:
                value = await value
        return None if source.rstrip().endswith(";") else value

    def display(self, *values: Any) -> None:
        """Show values as a notebook does: the richest form that they offer."""
        for value in values:
            forms = bundle(value)
            if FIGURE in forms:
                self._show_figure(forms[FIGURE])
                continue
            kind = next((kind for kind in PICTURE_OF.values() if kind in forms), None)
            if "text/html" in forms:
                self._show(html=forms["text/html"])
            elif kind:
                self._show(image=data_url(kind, forms[kind]))
            else:
                self._show(text=f"{forms['text/plain']}\n")

    def _show_figure(self, figure: Any) -> None:
        key = f"{self.cell}.{len(self.figures)}"
        self.figures[key] = figure
        self._show(figure=key, spec=figure.spec, values=figure.values, scene=figure.scene)
        figure.observe(lambda change: self._show(moved=key, scene=change["new"]), "scene")

    def _show_open_pictures(self) -> None:
        """What was drawn with pyplot, and by that left open."""
        pyplot: Any = sys.modules.get("matplotlib.pyplot")
        for number in pyplot.get_fignums() if pyplot else ():
            self.display(pyplot.figure(number))
            pyplot.close(number)

    def move(self, key: str, values: dict[str, Any]) -> None:
        """Move a figure's controls. Its scene is sent by itself; then that the next move may come."""
        self.cell = int(key.partition(".")[0])
        figure = self.figures.get(key)
        if figure is not None:
            with redirect_stderr(Printed(lambda text: None)):  # the figure says what went wrong
                figure.values = values
        self._show(answered=key)

    def _show(self, **output: Any) -> None:
        self.send({"cell": self.cell, **output})


def bundle(value: Any) -> dict[str, Any]:
    """The forms in which a value can show itself, by media type."""
    if isinstance(value, type):  # which has the forms of its objects, but nothing to show in them
        return {"text/plain": repr(value)}
    forms: dict[str, Any] = {}
    if callable(form := getattr(value, "_repr_mimebundle_", None)) and (found := form()):
        forms = dict(found[0] if isinstance(found, tuple) else found)
    for name, kind in {"html": "text/html", **PICTURE_OF}.items():
        form = getattr(value, f"_repr_{name}_", None)
        if kind not in forms and callable(form) and (found := form()) is not None:
            forms[kind] = found
    figures = sys.modules.get("matplotlib.figure")
    if figures and isinstance(value, figures.Figure):
        drawn = io.BytesIO()
        value.savefig(drawn, format="svg", bbox_inches="tight")
        forms.setdefault(PICTURE_OF["svg"], drawn.getvalue())
    if not forms:
        forms["text/plain"] = pprint.pformat(value, sort_dicts=False)
    return forms


def data_url(kind: str, picture: str | bytes) -> str:
    data = picture.encode() if isinstance(picture, str) and "svg" in kind else picture
    return f"data:{kind};base64,{data if isinstance(data, str) else b64encode(data).decode()}"


def failure(error: BaseException) -> str:
    """The traceback as Python prints it, from the cell on: what called the cell is not the reader's."""
    trace = error.__traceback__
    while trace and not trace.tb_frame.f_code.co_filename.startswith("<cell "):
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace))
