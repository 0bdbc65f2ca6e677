"""explore.js in a bare V8, for tests that compare it with the Python side."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
from py_mini_racer import MiniRacer

import nncourse.explore
from nncourse.explore import Recording
from nncourse.explore.page import as_classic_script

SOURCE = Path(nncourse.explore.__file__).with_name("explore.js")
INSIDE = (
    "replay, figureHTML, startOf, number, fill, valueAt, textOf, positionOf, between, bitmap, MARKS, PALETTES"
)
HELPERS = """
const bytes = (latin1) => Uint8Array.from(latin1, (c) => c.charCodeAt(0));
const asList = (key, value) =>
    ArrayBuffer.isView(value) ? { numbers: Array.from(value, String) } : value;
globalThis.sceneAt = (header, latin1, positions) =>
    JSON.stringify(inside.replay(header, bytes(latin1))(positions), asList);
"""


@functools.cache
def v8() -> MiniRacer:
    engine = MiniRacer()
    ending = f"globalThis.inside = {{ {INSIDE} }};"
    engine.eval(as_classic_script(SOURCE.read_text(encoding="utf-8"), ending))
    engine.eval(HELPERS)
    return engine


def scene_at(recording: Recording, **positions: float) -> dict[str, Any]:
    """The scene that the page shows at these positions; arrays of numbers come back as arrays."""
    header = json.loads(json.dumps(recording.header, allow_nan=False))
    text = v8().call("sceneAt", header, recording.data.decode("latin-1"), positions)
    scene = json.loads(text)
    for mark in scene["marks"]:
        for name, value in mark.items():
            if isinstance(value, dict):
                mark[name] = np.array(value["numbers"], dtype=float)
    return scene
