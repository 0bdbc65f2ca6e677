"""Every exercise of the course before the judge: solutions earn all, released notebooks nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from classroom import notebook

from exercises import ROOT, SOURCES, Source, sources
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
