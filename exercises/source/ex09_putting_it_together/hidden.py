"""What only the judge checks."""

import numpy as np

from nncourse.data import digits
from nncourse.exercises.checking import Checks, Submission, Wrong, close, numbers, parts, shape

checks = Checks()


@checks.of("q1", "several sizes")
def _(s: Submission) -> None:
    for n, num_test, seed in ((1797, 360, 3), (10, 9, 4), (7, 1, 5)):
        train, test = parts(s.split(n, num_test, seed), 2, "the rows for training and those for testing")
        close(
            np.sort(np.concatenate([numbers(train), numbers(test)])),
            np.arange(n),
            "The parts do not make up the whole.",
        )
        close(len(numbers(test)), num_test, "The test part has another size.")


@checks.of("q1", "all rows have a chance to be tested")
def _(s: Submission) -> None:
    tested: set[float] = set()
    for seed in range(60):
        test = s.split(12, 4, seed)[1]
        shape(test, (4,))
        tested.update(numbers(test).tolist())
    if tested != set(range(12)):
        raise Wrong("Over many seeds some rows are never in the test part.")


@checks.of("q2", "the digits")
def _(s: Submission) -> None:
    X, _ = digits()
    found = parts(s.standardize(X[:100], X[100:160]), 2, "both arrays, standardized")
    mean, std = X[:100].mean(axis=0), X[:100].std(axis=0)
    std[std == 0] = 1
    close(found[0], (X[:100] - mean) / std, "On the digits the training data differ.")
    close(found[1], (X[100:160] - mean) / std, "On the digits the test data differ.")


@checks.of("q3", "two hundred samples of ten classes")
def _(s: Submission) -> None:
    labels, predictions = np.random.default_rng(0).integers(10, size=(2, 200))
    right = [[int(np.sum((labels == i) & (predictions == j))) for j in range(10)] for i in range(10)]
    close(s.confusion(labels, predictions, 10), right, "On more samples the table differs.")


@checks.of("q4", "a random table")
def _(s: Submission) -> None:
    table = np.random.default_rng(1).integers(0, 20, size=(6, 6)) + 30 * np.eye(6, dtype=int)
    table[4, 1] = 29
    accuracy, recall, worst = parts(s.read_confusion(table), 3, "accuracy, recalls and the worst confusion")
    close(
        accuracy, sum(table[i, i] for i in range(6)) / table.sum(), "For another table the accuracy differs."
    )
    close(recall, [table[i, i] / sum(table[i]) for i in range(6)], "For another table the recalls differ.")
    worst = worst.tolist() if np.shape(worst) == (2,) and isinstance(worst, np.ndarray) else worst
    close(
        np.array(parts(worst, 2, "label and prediction")),
        [4, 1],
        "For another table the worst confusion differs.",
    )


@checks.of("q5", "other pictures")
def _(s: Submission) -> None:
    X, y = digits()
    rows = np.random.default_rng(77).permutation(len(X))
    found = numbers(s.classify(X[rows[:600]], y[rows[:600]], X[rows[900:1300]]))
    if found.shape != (400,) or np.mean(found == y[rows[900:1300]]) < 0.88:
        raise Wrong("On other pictures fewer than 88% are right.")
