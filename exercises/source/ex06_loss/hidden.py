"""What only the judge checks."""

import math

import numpy as np

from nncourse.exercises.checking import Checks, Submission, close

checks = Checks()


def random(*shape: int) -> np.ndarray:
    """Return the same random numbers every time."""
    return np.random.default_rng(6).normal(size=shape)


def probabilities(*shape: int) -> np.ndarray:
    """Return random rows that sum to 1."""
    powers = np.exp(random(*shape))
    return powers / powers.sum(axis=-1, keepdims=True)


@checks.of("q1", "random matrices")
def _(s: Submission) -> None:
    a, b = 2 * random(6, 4), np.zeros((6, 4))
    close(s.mse(a, b), sum(float(x) ** 2 for x in a.flat) / 24, "On a matrix the mse differs.")
    for delta in (0.3, 1.0, 2.5):
        right = sum(x * x / 2 if abs(x) <= delta else delta * (abs(x) - delta / 2) for x in a.flat) / 24
        close(s.huber(a, b, delta), right, "On a matrix the Huber loss differs.")
        close(s.huber(b, a, delta), right, "The Huber loss must not depend on the sign of the difference.")


@checks.of("q2", "many rows, large and small scores")
def _(s: Submission) -> None:
    Z = random(7, 5) * 10.0 ** np.arange(-2, 5)[:, None]
    right = np.array([[1 / math.fsum(math.exp(min(o - z, 700)) for o in row) for z in row] for row in Z])
    close(s.softmax(Z), right, "On rows of very different sizes the probabilities differ.")


@checks.of("q3", "fifty samples of ten classes")
def _(s: Submission) -> None:
    P, labels = probabilities(50, 10), np.arange(50) * 7 % 10
    right = math.fsum(-math.log(row[label]) for row, label in zip(P, labels, strict=True)) / 50
    close(s.cross_entropy(P, labels), right, "On more samples the loss differs.")


@checks.of("q4", "measured by differences", weight=2)
def _(s: Submission) -> None:
    Z, labels = random(4, 3), np.array([2, 0, 1, 1])

    def loss(scores: np.ndarray) -> float:
        return float(np.mean(np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(4), labels]))

    measured = np.zeros_like(Z)
    for place in np.ndindex(Z.shape):
        step = np.zeros_like(Z)
        step[place] = 1e-5
        measured[place] = (loss(Z + step) - loss(Z - step)) / 2e-5
    close(
        s.score_gradient(Z, labels),
        measured,
        "The gradient does not agree with differences of the loss.",
        rtol=1e-5,
    )


@checks.of("q4", "large scores")
def _(s: Submission) -> None:
    Z = np.array([[900.0, 0.0], [900.0, 0.0]])
    close(
        s.score_gradient(Z, np.array([0, 1])),
        [[0, 0], [0.5, -0.5]],
        "With large scores the gradient differs.",
    )


@checks.of("q5", "ten outcomes, some of them impossible")
def _(s: Submission) -> None:
    p, q = probabilities(10), probabilities(10)[::-1].copy()
    p[[1, 4]] = 0
    p /= p.sum()
    right = math.fsum(a * math.log(a / b) for a, b in zip(p, q, strict=True) if a > 0)
    close(s.kl_divergence(p, q), right, "With impossible outcomes the divergence differs.")
