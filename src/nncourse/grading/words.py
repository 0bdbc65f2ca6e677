"""What learners and teachers read about statuses and checks: one wording for all pages and tables."""

from __future__ import annotations

from nncourse.grading.judge import Answer, Mark, Result

UNSAFE = "Marked without a sandbox (--unsafe-in-process): these points prove nothing."

OF_ANSWER = {
    "right": "right",
    "partly": "partly right",
    "wrong": "not right yet",
    "unanswered": "not answered",
    "missing": "not found in the notebook",
    "raised": "ended in an error",
    "stopped": "stopped",
    "not-run": "not marked",
}
OF_HIDDEN_CHECK = {
    "right": "",
    "wrong": "The result is not right here. The judge keeps the numbers of this check to itself.",
    "unanswered": "Not answered yet.",
    "missing": "Something that the question asks for is not in the notebook.",
    "raised": "Your code raised an error here.",
    "stopped": "Your code did not come to an end within its limits here.",
}


def number(value: float) -> str:
    """Write points: 7, 7.5, 3.33."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def of_points(earned: float, possible: float) -> str:
    """Write "7.5 of 10"."""
    return f"{number(earned)} of {number(possible)}"


def about(mark: Mark) -> list[str]:
    """Return what a learner may read about a check that failed.

    Of a hidden check that is its name and how it ended: no input, no expected value, and no message of
    the learner's own code, which has seen the input.
    """
    if mark.ok:
        return []
    if not mark.visible:
        return [OF_HIDDEN_CHECK.get(mark.status, OF_HIDDEN_CHECK["wrong"])]
    found = [mark.hint]
    if mark.expected:
        found.append(f"Expected: {mark.expected}")
    if mark.actual:
        found.append(f"Yours: {mark.actual}")
    if mark.where:
        found.append(f"At {mark.where}")
    return found


def remarks(result: Result) -> list[str]:
    """Return the lines about a submission as a whole."""
    return [*([UNSAFE] if result.unsafe else []), *result.notes]


def title(mark: Mark) -> str:
    """Return the name of a check, and whether the learner can run it."""
    return mark.name if mark.visible else f"{mark.name} (only the judge checks this)"


def verdict(answer: Answer) -> str:
    """Return how a question went, in words."""
    return OF_ANSWER.get(answer.status, answer.status)
