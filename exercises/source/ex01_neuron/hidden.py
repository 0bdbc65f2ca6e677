"""What only the judge checks."""

import numpy as np

from nncourse.exercises.checking import Checks, Submission, Wrong, close, numbers, parts, shape

checks = Checks()


def rng() -> np.random.Generator:
    """Return the same random numbers every time."""
    return np.random.default_rng(1)


@checks.of("q1", "twenty samples with six inputs")
def _(s: Submission) -> None:
    X, w = rng().normal(size=(20, 6)), rng().normal(size=6)
    right = [1.0 if sum(x * v for x, v in zip(row, w, strict=True)) + 0.3 > 0 else 0.0 for row in X]
    close(s.neuron(X, w, 0.3), right, "With more samples and inputs some answers differ.")


@checks.of("q2", "all five gates together")
def _(s: Submission) -> None:
    tables = {"AND": 0b0001, "OR": 0b0111, "NAND": 0b1110, "NOR": 0b1000}
    for name, table in tables.items():
        w1, w2, b = (float(numbers(part)) for part in parts(s.gate(name), 3, "w1, w2 and b"))
        said = [w1 * x1 + w2 * x2 + b > 0 for x1 in (0, 1) for x2 in (0, 1)]
        if said != [bool(table >> (3 - place) & 1) for place in range(4)]:
            raise Wrong(f"A corner of {name} is answered wrongly.")
    if s.gate("XOR") is not None:
        raise Wrong("No neuron computes XOR.")


@checks.of("q3", "several lines")
def _(s: Submission) -> None:
    for w1, w2, b in rng().normal(size=(5, 3)):
        k, c = parts(s.line(np.array([w1, w2]), b), 2, "slope and height")
        shape(k, ())
        shape(c, ())
        for x1 in (-1.0, 2.0):
            close(
                w1 * x1 + w2 * (numbers(k) * x1 + numbers(c)) + b,
                0.0,
                "A point of the line has a sum that is not 0.",
                atol=1e-5,
            )


@checks.of("q4", "twenty random steps", weight=2)
def _(s: Submission) -> None:
    random = rng()
    for _ in range(20):
        w, x, b, label = random.normal(size=3), random.normal(size=3), random.normal(), random.integers(2)
        change = 0.1 * (int(label) - int(float(w @ x) + b > 0))
        new_w, new_b = parts(s.learn(w, b, x, int(label), 0.1), 2, "the weights and the bias")
        close(new_w, w + change * x, "A step in three dimensions differs.")
        close(new_b, b + change, "The bias after a step differs.")


@checks.of("q5", "two clouds in the plane", weight=2)
def _(s: Submission) -> None:
    X = rng().normal(size=(30, 2)) + np.repeat([[3, 1], [-2, -2]], 15, axis=0)
    labels = np.repeat([1, 0], 15)
    w, b, mistakes = np.zeros(2), 0.0, 0
    for _ in range(100):
        quiet = True
        for x, label in zip(X, labels, strict=True):
            error = label - int(x @ w + b > 0)
            w, b, mistakes, quiet = (
                w + 0.5 * error * x,
                b + 0.5 * error,
                mistakes + abs(error),
                quiet and not error,
            )
        if quiet:
            break
    found = parts(s.perceptron(X, labels, 0.5, 100), 3, "w, b and mistakes")
    for mine, right, what in zip(found, (w, b, mistakes), ("weights", "bias", "mistakes"), strict=True):
        close(mine, right, f"On two clouds of points the {what} differ.")
