"""Every exercise of the course before the judge: solutions earn all, released notebooks nothing."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from classroom import notebook

from exercises import ROOT, SOURCES, Source, sources
from nncourse.exercises.checking import Check
from nncourse.grading.judge import Result, grade
from nncourse.grading.papers import make_paper, read_recipe
from nncourse.grading.sandbox import Limits, take_slot

EVERY_SOURCE = sources()
each_source = pytest.mark.parametrize("source", EVERY_SOURCE, ids=[source.short for source in EVERY_SOURCE])


def judged(source: Source, data: bytes) -> Result:
    with take_slot() as slot:
        return grade(data, make_paper(read_recipe(source.name, SOURCES)), Limits(), slot)


@each_source
def test_solutions_earn_all_points_in_the_judge(source: Source) -> None:
    last = source.questions[-1]
    result = judged(source, notebook(source.code_before(last.name), last.solution))
    assert [(m.name, m.hint) for answer in result.answers for m in answer.marks if not m.ok] == []
    assert (result.points, result.notes) == (100, ())


@each_source
def test_the_notebook_as_given_out_earns_nothing_and_runs_without_a_complaint(source: Source) -> None:
    given_out = (Path(ROOT) / "exercises" / f"{source.name}.ipynb").read_bytes()
    result = judged(source, given_out)
    assert result.points == 0 and result.notes == ()
    assert {answer.status for answer in result.answers} == {"unanswered"}


@each_source
def test_each_typical_wrong_answer_loses_points_in_the_judge(source: Source) -> None:
    everything = source.code_before(source.questions[-1].name)
    for number, question in enumerate(source.questions):
        others = [one.solution for one in source.questions if one is not question]
        for wrong in question.wrong:
            answer = judged(source, notebook(everything, *others, wrong.code)).answers[number]
            assert answer.points < question.points, f"{question.name}: {wrong.name}"


COLUMN, ROW = np.ones((3, 2000, 1)), np.ones((1, 2000))


@pytest.mark.parametrize(
    ("exercise", "question", "answers"),
    [
        ("ex01", "q3", {"line": (COLUMN, ROW)}),
        ("ex02", "q4", {"collapse": (np.ones((3, 2000)), np.ones((200, 1, 1)))}),
        ("ex03", "q5", {"tent_weights": np.ones((3, 20_000, 1))}),
        ("ex09", "q1", {"split": (np.arange(200_000.0), np.arange(200_000.0))}),
    ],
)
def test_a_hidden_check_makes_nothing_large_of_shapes_that_nobody_asked_for(
    exercise: str, question: str, answers: dict[str, object]
) -> None:
    s = SimpleNamespace(**{name: lambda *_, value=value: value for name, value in answers.items()})
    checks: tuple[Check, ...] = make_paper(read_recipe(exercise, SOURCES)).hidden[question]
    tracemalloc.start()
    for check in checks:
        with pytest.raises(Exception, match=r"shape|single number"):
            check.run(s)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 8 << 20
