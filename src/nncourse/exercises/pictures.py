"""``picture("ex05", "q2")``: what a right answer looks like, drawn when the exercise was made.

Nothing is computed here, so a picture needs no library, no kernel in the page, and tells no more of the
answer than one can see.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nncourse import palette
from nncourse.exercises import catalogue

_HERE = Path(__file__).parent
_NARROW = ".nn-drawn .nn-plot { max-width: 26rem }"  # or the words in it grow with a wide window


@dataclass(frozen=True)
class Picture:
    """The picture of a question; the last line of a cell shows it."""

    figure: dict[str, Any]  # its specification and its recording, for the built page
    html: str
    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        if os.environ.get("NNCOURSE_HOME") == "page":
            from nncourse.explore import MIME  # which a learner's machine need not be able to import

            return {MIME: self.figure, "text/plain": self.text}
        style = palette.css(".nn-explorable")
        style += (_HERE.parent / "explore" / "explore.css").read_text("utf-8")
        html = f'<style>{style}{_NARROW}</style><div class="nn-drawn">{self.html}</div>'
        return {"text/html": html, "text/plain": self.text}


def picture(exercise: str, question: str) -> Picture:
    """Return the picture that belongs to a question.

    Parameters
    ----------
    exercise : str
        "ex05".
    question : str
        "q2".

    Raises
    ------
    LookupError
        If there is no such exercise or question, or it has no picture.
    """
    asked = catalogue.exercise(exercise)
    drawn = json.loads((_HERE / f"{asked.short}_pictures.json").read_text("utf-8"))
    if asked.question(question).name not in drawn:
        raise LookupError(f"{asked.name} has no picture for {question}, only for {', '.join(drawn)}.")
    made = drawn[question]
    return Picture({"spec": made["spec"], "recording": made["recording"]}, made["html"], made["text"])
