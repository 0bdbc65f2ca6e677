"""The visible checks of exercise 1, the neuron."""

import numpy as np

from nncourse.exercises.checking import Checks, Submission, Wrong, close, numbers, parts, unchanged

checks = Checks()

CORNERS = ((0, 0), (0, 1), (1, 0), (1, 1))
TRUTH = {
    "AND": (0, 0, 0, 1),
    "OR": (0, 1, 1, 1),
    "NAND": (1, 1, 1, 0),
    "NOR": (1, 0, 0, 0),
    "XOR": (0, 1, 1, 0),
}


def corners() -> np.ndarray:
    """Return the four corners as rows."""
    return np.array(CORNERS, dtype=float)


@checks.of("q1", "AND on the four corners")
def _(s: Submission) -> None:
    close(
        s.neuron(corners(), np.array([1.0, 1.0]), -1.5),
        [0, 0, 0, 1],
        "One weighted sum for each row, plus the bias, compared with 0.",
        mistakes={
            "These are the sums. The answer is 1 where the sum is positive, otherwise 0.": [
                -1.5,
                -0.5,
                -0.5,
                0.5,
            ],
            "The bias plays no part yet.": [0, 1, 1, 1],
            "The answers are turned round: 1 where the sum is positive.": [1, 1, 1, 0],
        },
    )


@checks.of("q1", "a sum of exactly zero")
def _(s: Submission) -> None:
    close(
        s.neuron(np.array([[1.0], [2.0], [3.0]]), np.array([1.0]), -2.0),
        [0, 0, 1],
        "Three samples with one input each: the sums are −1, 0 and 1.",
        mistakes={"A sum of exactly 0 must give 0: greater than, not greater or equal.": [0, 1, 1]},
    )


def answers(s: Submission, name: str) -> list[int]:
    """Return what the neuron with the submitted weights says at the four corners."""
    w1, w2, b = (float(numbers(part)) for part in parts(s.gate(name), 3, "w1, w2 and b"))
    return [int(w1 * x1 + w2 * x2 + b > 0) for x1, x2 in CORNERS]


def try_gate(s: Submission, name: str) -> None:
    """Raise Wrong unless the neuron computes the gate."""
    found = answers(s, name)
    other = next((gate for gate, truth in TRUTH.items() if list(truth) == found and gate != name), None)
    if found != list(TRUTH[name]):
        hint = "Draw the four corners and a line between those with 1 and those with 0."
        if other:
            hint = f"For {name} your neuron computes {other}. Which way must the line move, or turn?"
        elif 0 in found and 1 in found:
            hint += " Remember that a sum of exactly 0 gives 0."
        raise Wrong(f"{name}: {hint}", f"at 00, 01, 10, 11: {TRUTH[name]}", str(tuple(found)))


@checks.of("q2", "AND and OR")
def _(s: Submission) -> None:
    try_gate(s, "AND")
    try_gate(s, "OR")


@checks.of("q2", "NAND and NOR")
def _(s: Submission) -> None:
    try_gate(s, "NAND")
    try_gate(s, "NOR")


@checks.of("q2", "XOR")
def _(s: Submission) -> None:
    if all(s.gate(name) is None for name in TRUTH):
        raise Wrong("None is for the one gate that has no such numbers. Find those of the others.")
    if s.gate("XOR") is not None:
        right = sum(a == b for a, b in zip(answers(s, "XOR"), TRUTH["XOR"], strict=True))
        raise Wrong(f"Your neuron gets {right} of the 4 corners of XOR right. Can any neuron get all four?")


@checks.of("q3", "the line of AND")
def _(s: Submission) -> None:
    k, c = parts(s.line(np.array([1.0, 1.0]), -1.5), 2, "slope and height")
    close(k, -1, "Solve w1 x1 + w2 x2 + b = 0 for x2.", mistakes={"The sign of the slope is turned.": 1})
    close(
        c,
        1.5,
        "The height is where the line meets x1 = 0.",
        mistakes={"The sign of the height is turned.": -1.5},
    )


@checks.of("q3", "a line with other weights")
def _(s: Submission) -> None:
    k, c = parts(s.line(np.array([3.0, -2.0]), 4.0), 2, "slope and height")
    close(
        k,
        1.5,
        "The slope is made of both weights.",
        mistakes={
            "Divide by the second weight, not by the first.": 2 / 3,
            "Look at the sign of the slope.": -1.5,
        },
    )
    close(
        c,
        2,
        "Put x1 = 0 into the equation and solve for x2.",
        mistakes={
            "The bias is divided by the second weight, too.": -4,
            "Divide the bias by the second weight.": -4 / 3,
            "Look at the sign of the height.": -2,
        },
    )


@checks.of("q4", "the neuron should have fired")
def _(s: Submission) -> None:
    w, b = parts(s.learn(np.zeros(2), 0.0, np.array([1.0, 2.0]), 1, 0.5), 2, "the weights and the bias")
    close(
        w,
        [0.5, 1],
        "The error is 1, so the weights change by the learning rate times x.",
        mistakes={
            "The step goes the wrong way: the error is label minus answer.": [-0.5, -1],
            "The learning rate plays no part yet.": [1, 2],
            "The change is the same for each weight, but it must be times x.": [0.5, 0.5],
            "The neuron was wrong, and nothing changed. Is a sum of 0 taken for firing?": [0, 0],
        },
    )
    close(
        b,
        0.5,
        "The bias changes by the learning rate times the error.",
        mistakes={"The bias learns, too.": 0.0, "The learning rate plays no part in the bias.": 1.0},
    )
    unchanged(
        s, "The result is right, but w itself was changed. w = w + … makes a new array, w += … does not."
    )


@checks.of("q4", "the neuron should have been silent")
def _(s: Submission) -> None:
    w, b = parts(
        s.learn(np.array([1.0, -1.0]), 3.0, np.array([2.0, 1.0]), 0, 1.0), 2, "the weights and the bias"
    )
    close(
        w, [-1, -2], "The error is −1 here.", mistakes={"It should be weakened and was strengthened.": [3, 0]}
    )
    close(b, 2, "The error is −1 here, and the bias goes down by it.")


@checks.of("q4", "the neuron was right")
def _(s: Submission) -> None:
    step = parts(s.learn(np.zeros(2), 0.0, np.array([1.0, 2.0]), 1, 0.5), 2, "the weights and the bias")
    if not numbers(step[0]).any():
        raise Wrong("Nothing changes after a wrong answer, either.")
    w, b = parts(
        s.learn(np.array([1.0, -1.0]), 3.0, np.array([2.0, 1.0]), 1, 1.0), 2, "the weights and the bias"
    )
    close(w, [1, -1], "The answer was right, so nothing may change: the error is label minus answer, 0 or 1.")
    close(b, 3, "The answer was right, so the bias stays.")


@checks.of("q5", "AND")
def _(s: Submission) -> None:
    w, b, mistakes = parts(s.perceptron(corners(), np.array([0, 0, 0, 1]), 1.0, 50), 3, "w, b and mistakes")
    close(
        b,
        -2,
        "Follow the first pass by hand: the only mistake is at (1, 1).",
        mistakes={
            "That is after the first pass only. Go on until a pass makes no mistake.": 1,
            "The bias is still 0. Keep both parts of what learn returns. Stop only after a whole pass.": 0,
        },
    )
    close(w, [2, 1], "The bias is right and the weights are not. Do they start from zero?")
    close(
        mistakes,
        10,
        "Count the samples that were answered wrongly, in all passes.",
        mistakes={
            "That is the number of passes. Count the samples that were answered wrongly.": 6,
            "That is the number of samples seen. Count those that were answered wrongly.": 24,
            "Mistakes of all passes count, not those of the last one.": 0,
        },
    )


@checks.of("q5", "XOR, which never comes to rest")
def _(s: Submission) -> None:
    found = [s.perceptron(corners(), np.array([0, 1, 1, 0]), 1.0, passes) for passes in (1, 10)]
    counts = [parts(one, 3, "w, b and mistakes")[2] for one in found]
    close(counts[0], 2, "A single pass over XOR makes 2 mistakes; max_passes ends it there.")
    close(counts[1], 37, "Ten passes over XOR make 37 mistakes. Does max_passes count the passes?")


@checks.of("q5", "the number of mistakes is a whole number")
def _(s: Submission) -> None:
    mistakes = parts(s.perceptron(corners(), np.array([1, 1, 1, 1]), 1.0, 3), 3, "w, b and mistakes")[2]
    close(mistakes, 1, "Where all labels are 1 only the first sample is answered wrongly.")
    if np.asarray(mistakes).dtype.kind not in "iu":
        raise Wrong("The number is right, its type is not: an int is wanted, and this is a float.")
