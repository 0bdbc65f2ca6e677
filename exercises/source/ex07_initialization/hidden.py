"""What only the judge checks."""

import numpy as np

from nncourse.exercises.checking import Checks, Submission, Wrong, close, numbers

checks = Checks()


@checks.of("q1", "several layers")
def _(s: Submission) -> None:
    for a, b in ((1, 1), (100, 1000), (784, 10)):
        close(s.xavier_limit(a, b), (6 / (a + b)) ** 0.5, "For other layers Xavier's limit differs.")
        close(s.kaiming_std(a), (2 / a) ** 0.5, "For other layers Kaiming's standard deviation differs.")


@checks.of("q2", "a large layer has the right spread")
def _(s: Submission) -> None:
    W = numbers(s.draw_weights(300, 200, 11))
    if W.shape != (300, 200) or abs(W.std() / np.sqrt(2 / 300) - 1) > 0.02 or abs(W.mean()) > 0.002:
        raise Wrong("In a large layer the mean or the standard deviation is not the wanted one.")
    if len(np.unique(W)) < 59_000:
        raise Wrong("Many weights are equal.")


@checks.of("q3", "growing and fading")
def _(s: Submission) -> None:
    for fan_in, sigma, depth in ((10, 0.5, 7), (200, 0.01, 4), (3, 1.0, 1)):
        close(
            s.growth(fan_in, sigma, depth),
            (fan_in * sigma**2) ** (depth / 2),
            "For other layers the factor differs.",
        )


@checks.of("q4", "ten layers")
def _(s: Submission) -> None:
    rng = np.random.default_rng(8)
    X, weights = rng.normal(size=(20, 10)), [rng.normal(0, 0.3, size=(10, 10)) for _ in range(10)]
    right = []
    H = X
    for W in weights:
        H = np.tanh(H @ W)
        right.append(((H - H.mean()) ** 2).mean() ** 0.5)
    close(s.sizes_through(X, weights), right, "In a deeper network a size differs.")


@checks.of("q5", "a random network", weight=2)
def _(s: Submission) -> None:
    rng = np.random.default_rng(9)
    W, v, x = rng.normal(size=(2, 6)), rng.normal(size=6), rng.normal(size=2)
    change = np.zeros_like(W)
    for i in range(2):
        for j in range(6):
            nudge = np.zeros_like(W)
            nudge[i, j] = 1e-5
            up, down = ((float(x @ (W + sign * nudge) @ v) - 0.5) ** 2 for sign in (1, -1))
            change[i, j] = (up - down) / 2e-5
    close(s.step(W, v, x, 0.5, 0.03), W - 0.03 * change, "The step does not follow the measured gradient.")


@checks.of("q5", "zeros in v move nothing")
def _(s: Submission) -> None:
    W = np.arange(8.0).reshape(2, 4)
    if np.array_equal(numbers(s.step(W, np.ones(4), np.array([1.0, 2.0]), 3.0, 0.1)), W):
        raise Wrong("Nothing moves with other v, either.")
    close(s.step(W, np.zeros(4), np.array([1.0, 2.0]), 3.0, 0.1), W, "With v = 0 there is no gradient.")
