"""Puts explorables (and quick questions) into the built page, through Sphinx and MyST-NB.

A cell's output is a figure's specification and its recording. Here it becomes HTML: the first
picture, drawn by the same explore.js that will move it. Specification and recording go into a script
of their own, which explore.js loads when the reader comes near, or a moment after the page. Without
JavaScript the picture and its sentence remain.
"""

from __future__ import annotations

import atexit
import base64
import functools
import html
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from myst_nb.core.render import MimeData, MimeRenderPlugin, NbElementRenderer
from py_mini_racer import MiniRacer
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

from nncourse import palette

from .explorable import MIME

_HERE = Path(__file__).parent
RECORDINGS = "_static/nncourse/recordings"  # in the built book
START_IN_PAGE = """globalThis.nncourse = nncourse;
nncourse.boot(new URL("recordings/", document.currentScript.src));"""
_EXPORT = "export default nncourse;"
_NO_SCRIPT = (
    "<noscript><style>.nn-explorable :is(.nn-controls,.nn-tools){display:none!important}</style></noscript>"
)


def as_classic_script(source: str, ending: str) -> str:
    """Turn the module into a script that needs no server: modules do not load from file://."""
    if source.count(_EXPORT) != 1:
        raise ValueError(f"explore.js must end in one line {_EXPORT!r}.")
    return "(() => {\n" + source.replace(_EXPORT, ending) + "\n})();\n"


@functools.cache
def _engine() -> MiniRacer:
    engine = MiniRacer()
    atexit.register(engine.close)  # or Python 3.13 waits for V8 for ever
    source = (_HERE / "explore.js").read_text(encoding="utf-8")
    engine.eval(as_classic_script(source, "globalThis.nncourse = nncourse;"))
    engine.eval(
        """globalThis.figure = (spec, header, latin1, id) => {
            const bytes = Uint8Array.from(latin1, (c) => c.charCodeAt(0));
            const scene = nncourse.replay(header, bytes)(nncourse.startOf(spec));
            return nncourse.figureHTML(spec, scene, id);
        }"""
    )
    return engine


def recording_script(spec: Mapping[str, Any], recording: Mapping[str, Any]) -> str:
    """Return the file that brings a recording: a script, since a page opened from a folder may load those."""
    # Sorted: a notebook from the cache brings its keys in another order than one that has just run.
    payload = json.dumps({"spec": spec, "recording": recording}, ensure_ascii=False, sort_keys=True)
    return f"nncourse.recordings[{json.dumps(spec['name'])}] = {payload};\n"


def figure_html(spec: Mapping[str, Any], recording: Mapping[str, Any]) -> str:
    """Return the figure as it stands in the page before anything moves."""
    name = spec["name"]
    identity = f"nn-{name.replace('.', '-').replace('_', '-')}"
    data = base64.b64decode(recording["data"]).decode("latin-1")
    header = {k: v for k, v in recording.items() if k != "data"}
    inner = _engine().call("figure", spec, header, data, identity)
    version = zlib.crc32(recording_script(spec, recording).encode())  # or a browser may keep an old one
    kind = "explorable" if spec["controls"] else "picture"
    return (
        f'<div class="nn-explorable" id="{identity}" data-{kind}="{html.escape(name)}" '
        f'data-recording="{html.escape(name)}.js?v={version:08x}" '
        f'role="group" aria-labelledby="{identity}-title">{inner}</div>'
    )


class explorable(nodes.raw):
    """A figure in a document: its HTML, and the script with its recording."""


def _write_figure(translator: HTML5Translator, node: explorable) -> None:
    folder = Path(translator.builder.outdir) / RECORDINGS
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{node['name']}.js").write_text(node["script"], "utf-8")
    translator.body.append(node.astext())
    raise nodes.SkipNode


class ExplorableRenderer(MimeRenderPlugin):
    """Tells MyST-NB to prefer an explorable's own output and how to render it."""

    mime_priority_overrides: ClassVar[list[tuple[str, str, int | None]]] = [("*", MIME, 1)]

    @staticmethod
    def handle_mime(renderer: NbElementRenderer, data: MimeData, inline: bool) -> list[nodes.Element] | None:
        """Return the figure, or nothing for any other output."""
        if data.mime_type != MIME:
            return None
        content = data.content if isinstance(data.content, dict) else json.loads(data.content)
        spec, recording = content["spec"], content["recording"]
        node = explorable("", figure_html(spec, recording), format="html")
        node["name"], node["script"] = spec["name"], recording_script(spec, recording)
        node["spec"] = spec  # for links to the figure, see _ext/figure_links.py
        return [node]


def _copy_assets(app: Sphinx) -> None:
    static = Path(app.outdir) / "_static" / "nncourse"
    static.mkdir(parents=True, exist_ok=True)
    script = as_classic_script((_HERE / "explore.js").read_text("utf-8"), START_IN_PAGE)
    (static / "explore.js").write_text(script, "utf-8")
    for style in (_HERE / "explore.css", _HERE.parent / "quiz" / "quiz.css"):
        (static / style.name).write_text(style.read_text("utf-8"), "utf-8")


def _add_to_page(
    app: Sphinx,
    pagename: str,
    template: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Give every page the colours, and script and style of figures to those that have one."""
    context["metatags"] = context.get("metatags", "") + f"<style>{palette.css()}</style>"
    if 'class="nn-question"' in context.get("body", ""):
        app.add_css_file("nncourse/quiz.css")
    if 'class="nn-explorable"' in context.get("body", ""):
        app.add_js_file("nncourse/explore.js", loading_method="defer")
        app.add_css_file("nncourse/explore.css")
        context["metatags"] += _NO_SCRIPT


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_node(explorable, html=(_write_figure, None))
    app.connect("builder-inited", _copy_assets)
    app.connect("html-page-context", _add_to_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
