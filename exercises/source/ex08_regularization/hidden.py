"""What only the judge checks."""

import numpy as np

from nncourse.exercises.checking import Checks, Submission, close, parts

checks = Checks()


def random(*shape: int) -> np.ndarray:
    """Return the same random numbers every time."""
    return np.random.default_rng(8).normal(size=shape)


@checks.of("q1", "forty fits at nine places")
def _(s: Submission) -> None:
    predictions, truth = random(40, 9), np.linspace(-1, 1, 9)
    bias, variance = parts(s.bias_and_variance(predictions, truth), 2, "bias² and variance")
    mean = [sum(column) / 40 for column in predictions.T]
    close(
        bias,
        sum((m - t) ** 2 for m, t in zip(mean, truth, strict=True)) / 9,
        "For more fits the bias² differs.",
    )
    spread = [
        sum((value - m) ** 2 for value in column) / 40 for column, m in zip(predictions.T, mean, strict=True)
    ]
    close(variance, sum(spread) / 9, "For more fits the variance differs.")


@checks.of("q2", "random weights")
def _(s: Submission) -> None:
    w, gradient = random(3, 4), random(4, 3).T
    close(
        s.decayed_step(w, gradient, 0.03, 0.7),
        w - 0.03 * gradient - 0.021 * w,
        "On random weights the step differs.",
    )


@checks.of("q3", "random activations, in training and in use", weight=2)
def _(s: Submission) -> None:
    H, draws = random(5, 6, 2), np.random.default_rng(1).random((5, 6, 2))
    for p in (0.1, 0.35, 0.9):
        right = np.array([0.0 if d < p else h / (1 - p) for h, d in zip(H.flat, draws.flat, strict=True)])
        close(s.dropout(H, p, draws, True), right.reshape(H.shape), "For random activations dropout differs.")
        close(s.dropout(H, p, draws, False), H, "In use the activations changed.")


@checks.of("q4", "a random batch")
def _(s: Submission) -> None:
    X = 3 * random(12, 5) + 7
    columns, rows = np.empty_like(X), np.empty_like(X)
    for j in range(5):
        x = X[:, j]
        columns[:, j] = (x - sum(x) / 12) / (sum((x - sum(x) / 12) ** 2) / 12 + 1e-2) ** 0.5
    for i in range(12):
        x = X[i]
        rows[i] = (x - sum(x) / 5) / (sum((x - sum(x) / 5) ** 2) / 5 + 1e-2) ** 0.5
    close(s.batch_norm(X, 1e-2), columns, "On a random batch batch_norm differs.")
    close(s.layer_norm(X, 1e-2), rows, "On a random batch layer_norm differs.")


@checks.of("q4", "a column of equal values")
def _(s: Submission) -> None:
    X = np.array([[2.0, 1.0], [2.0, 3.0]])
    close(s.batch_norm(X, 1e-5)[:, 0], [0, 0], "A column of equal values becomes zeros.")
    close(s.batch_norm(X, 1e-5)[:, 1], [-1, 1], "The column beside it does not.", rtol=1e-4)


@checks.of("q5", "several runs")
def _(s: Submission) -> None:
    runs = (
        ([1, 2, 3, 4], 1, (1, 0)),
        ([4, 3, 3.5, 2, 2.5, 2.4, 2.3, 1], 3, (6, 3)),
        ([9, 8, 8.5, 7, 7.5, 6], 2, (5, 5)),
        ([1.0], 5, (0, 0)),
        ([3, 3, 3], 10, (2, 0)),
    )
    for losses, patience, wanted in runs:
        found = parts(s.early_stopping(losses, patience), 2, "the last epoch and the best one")
        for mine, right in zip(found, wanted, strict=True):
            close(mine, right, "For another run the epochs differ.")
