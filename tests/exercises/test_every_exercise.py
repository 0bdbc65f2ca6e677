"""Every exercise keeps its promises: solutions earn all, stubs nothing, and typical mistakes are met."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
import pytest

from exercises import ROOT, QuestionSource, Source, WrongAnswer, made_from, sources
from nncourse.exercises import catalogue
from nncourse.exercises.checking import Check, Notebook, Outcome, Question, evaluate, read_checks

EVERY_SOURCE = sources()
EVERY_QUESTION = [(source, question) for source in EVERY_SOURCE for question in source.questions]
EVERY_WRONG_ANSWER = [
    (source, question, wrong) for source, question in EVERY_QUESTION for wrong in question.wrong
]

each_source = pytest.mark.parametrize("source", EVERY_SOURCE, ids=lambda source: source.short)
each_question = pytest.mark.parametrize(
    ("source", "question"), EVERY_QUESTION, ids=[f"{s.short}-{q.name}" for s, q in EVERY_QUESTION]
)


@cache
def asked(source: Source, question: QuestionSource) -> tuple[Question, tuple[Check, ...], tuple[Check, ...]]:
    """The question as the package has it, its visible checks and its hidden ones."""
    packaged = catalogue.exercise(source.short).question(question.name)
    return (
        packaged,
        packaged.visible,
        read_checks((source.folder / "hidden.py").read_text("utf-8"))[question.name],
    )


def judged(source: Source, question: QuestionSource, answer: str, checks: Iterable[Check]) -> list[Outcome]:
    """What checks find when this answer stands in the notebook."""
    namespace: dict[str, Any] = {}
    exec(source.code_before(question.name), namespace)
    exec(answer, namespace)
    return evaluate(asked(source, question)[0], checks, Notebook(namespace))


@each_source
def test_what_is_committed_is_what_the_source_makes(source: Source) -> None:
    for path, text in made_from(source).items():
        assert path.read_text("utf-8") == text, f"{path.relative_to(ROOT)}: run 'make format'"


def test_teachers_read_which_questions_build_on_which() -> None:
    found = []
    for source, question in EVERY_QUESTION:
        used = {node.id for node in ast.walk(ast.parse(question.solution)) if isinstance(node, ast.Name)}
        asks = {q.name: used & set(q.asks) for q in catalogue.exercise(source.short).questions}
        if needed := [name for name, functions in asks.items() if functions and name != question.name]:
            found.append(f"exercise {int(source.short[2:])}, {question.name} on {' and '.join(needed)}")
    page = (ROOT / "teaching" / "exercise_map.md").read_text("utf-8")
    assert found and f"together: {'; '.join(found)}." in page


@each_source
def test_an_exercise_has_a_hundred_points_in_three_to_six_questions(source: Source) -> None:
    assert 3 <= len(source.questions) <= 6
    assert sum(question.points for question in source.questions) == 100
    assert [question.name for question in source.questions] == [
        f"q{number}" for number in range(1, len(source.questions) + 1)
    ]


def test_the_package_has_the_exercises_that_have_a_source() -> None:
    assert catalogue.names() == [source.short for source in EVERY_SOURCE]


@each_source
def test_every_check_belongs_to_a_question(source: Source) -> None:
    module = importlib.import_module(f"nncourse.exercises.{source.short}")
    assert set(module.checks) == {question.name for question in source.questions}


@each_question
def test_a_statement_gives_shapes_or_types_and_an_example(source: Source, question: QuestionSource) -> None:
    assert "**Example:**" in question.statement
    assert any(word in question.statement for word in ("shape", "number", "array", "True"))


@each_question
def test_a_solution_earns_all_points(source: Source, question: QuestionSource) -> None:
    _, visible, hidden = asked(source, question)
    assert visible and hidden
    outcomes = judged(source, question, question.solution, visible + hidden)
    assert [f"{o.check.name}: {o.hint} {o.expected} {o.actual} {o.where}" for o in outcomes if not o.ok] == []


@each_question
def test_a_stub_earns_nothing_and_is_called_unanswered(source: Source, question: QuestionSource) -> None:
    _, visible, hidden = asked(source, question)
    outcomes = judged(source, question, question.stub, visible + hidden)
    assert {outcome.status for outcome in outcomes} == {"unanswered"}


WITHOUT_THINKING = {
    "None": lambda *_: None,
    "zero": lambda *_: 0,
    "one": lambda *_: 1,
    "three zeros": lambda *_: (np.zeros(2), 0.0, 0),
    "zeros": lambda *given: np.zeros_like(given[0]) if given else 0,
    "the first argument": lambda *given: given[0] if given else 0,
    "the last argument": lambda *given: given[-1] if given else 0,
    "the first two arguments": lambda *given: given[:2],
}


@each_question
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_answer_that_ignores_the_question_earns_nothing(source: Source, question: QuestionSource) -> None:
    packaged, visible, hidden = asked(source, question)
    for name, answer in WITHOUT_THINKING.items():
        ball = type("Ball", (), {"__init__": lambda *_: None, "step": answer})
        names = {name: ball if name == "HeavyBall" else answer for name in question.asks}
        outcomes = evaluate(packaged, visible + hidden, Notebook(names))
        assert [outcome.check.name for outcome in outcomes if outcome.ok] == [], name


@each_question
def test_at_least_three_wrong_answers_are_tried(source: Source, question: QuestionSource) -> None:
    assert len({wrong.name for wrong in question.wrong}) >= 3


@pytest.mark.parametrize(
    ("source", "question", "wrong"),
    EVERY_WRONG_ANSWER,
    ids=[f"{s.short}-{q.name}-{w.name}" for s, q, w in EVERY_WRONG_ANSWER],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # as in a notebook, a warning ends nothing
def test_a_wrong_answer_is_caught_with_a_hint_that_fits(
    source: Source, question: QuestionSource, wrong: WrongAnswer
) -> None:
    outcomes = judged(source, question, wrong.code, asked(source, question)[1])
    hints = [outcome.hint for outcome in outcomes if not outcome.ok]
    assert any(wrong.hint in hint for hint in hints), hints


@each_question
def test_checks_have_names_of_their_own(source: Source, question: QuestionSource) -> None:
    _, visible, hidden = asked(source, question)
    names = [check.name for check in visible + hidden]
    assert len(set(names)) == len(names)


@each_source
def test_no_hint_stands_behind_another_for_the_same_result(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module(f"nncourse.exercises.{source.short}")

    def look(actual: object, expected: Any, hint: str, **options: Any) -> None:
        seen = {"the right result": np.asarray(expected, dtype=float)}
        for clue, value in (options.get("mistakes") or {}).items():
            result = np.asarray(value, dtype=float)
            for other, before in seen.items():
                same_result = result.shape == before.shape and np.allclose(result, before)
                if same_result:
                    hidden.append(f"{clue} (behind: {other})")
            seen[clue] = result

    hidden: list[str] = []
    monkeypatch.setattr(module, "close", look)
    for question in source.questions:
        judged(source, question, question.solution, asked(source, question)[1])
    assert hidden == []


@each_question
def test_hidden_checks_stay_out_of_the_package(source: Source, question: QuestionSource) -> None:
    module = (ROOT / "src" / "nncourse" / "exercises" / f"{source.short}.py").read_text("utf-8")
    for check in asked(source, question)[2]:
        assert check.name not in module
