"""Quick questions: a choice of answers, and a word on each as soon as it is chosen.

The questions of a chapter stand in a TOML file beside this module, so that a notebook shows the
question and not its answers. What is made is plain HTML that needs no JavaScript: radio buttons,
and style rules that show the word belonging to the chosen one. The word's place is there from the
start, so that a screen reader hears it filled. Nothing is scored or sent.
"""

from __future__ import annotations

import html
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from nncourse import palette
from nncourse.explore import in_page

_HERE = Path(__file__).parent


class QuestionError(ValueError):
    """A question is missing or is written wrongly; the message names it."""


@dataclass(frozen=True)
class Answer:
    """One answer to choose, whether it is right, and the word that explains why."""

    text: str
    why: str
    right: bool = False


@dataclass(frozen=True)
class Question:
    """A question with its answers; the last line of a cell shows it."""

    name: str
    ask: str
    answers: tuple[Answer, ...]

    def __post_init__(self) -> None:
        """Refuse a question that cannot be answered or does not explain itself."""
        if len(self.answers) < 2 or sum(a.right for a in self.answers) != 1:
            raise QuestionError(f"question {self.name} needs two answers or more, one of them right.")
        if not all(a.text.strip() and a.why.strip() for a in self.answers):
            raise QuestionError(f"question {self.name} has an answer without a text or a why.")

    def _repr_html_(self) -> str:
        style = ""
        if not in_page():  # the book's pages have the colours and this style sheet already
            rules = palette.css(".nn-question") + (_HERE / "quiz.css").read_text("utf-8")
            style = f"<style>{rules}</style>"
        name = f"question-{self.name.replace('.', '-').replace('_', '-')}"
        options = []
        for i, answer in enumerate(self.answers):
            verdict, kind = ("Right.", "right") if answer.right else ("Not quite.", "wrong")
            options.append(
                f'<div class="nn-option"><input type="radio" name="{name}" id="{name}-{i}">'
                f'<label for="{name}-{i}">{html.escape(answer.text)}</label>'
                f'<div class="nn-word" role="status"><p class="nn-why nn-{kind}"><strong>{verdict}</strong> '
                f"{html.escape(answer.why)}</p></div></div>"
            )
        return (
            f'{style}<fieldset class="nn-question" id="{name}">'
            f"<legend>{html.escape(self.ask)}</legend>{''.join(options)}</fieldset>"
        )


@cache
def questions(chapter: str) -> dict[str, Question]:
    """Return a chapter's questions by name, in order.

    Raises
    ------
    QuestionError
        If the chapter has none, or one of them is written wrongly.
    """
    path = _HERE / f"{chapter}.toml"
    if not path.is_file():
        known = sorted(p.stem for p in _HERE.glob("*.toml"))
        raise QuestionError(f"there are no questions for chapter {chapter!r}, only for {known}.")
    try:
        entries = tomllib.loads(path.read_text("utf-8"))
        return {
            name: Question(f"{chapter}.{name}", entry["ask"], tuple(Answer(**a) for a in entry["answers"]))
            for name, entry in entries.items()
        }
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise QuestionError(f"{path.name} is written wrongly: {error}") from error


def ask(name: str) -> Question:
    """Return the question ``chapter.question``.

    Raises
    ------
    QuestionError
        If there is no such question.

    Examples
    --------
    >>> ask("gradient_descent.one_step").ask
    'On y = 4x², which learning rate reaches the bottom in one step from anywhere?'
    """
    chapter, _, question = name.partition(".")
    found = questions(chapter)
    if question not in found:
        raise QuestionError(f"chapter {chapter} has no question {question!r}, only {list(found)}.")
    return found[question]
