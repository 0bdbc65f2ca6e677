"""The visible checks of exercise 6, loss."""

import numpy as np

from nncourse.exercises.checking import Checks, Submission, Wrong, close, numbers, shape

checks = Checks()


@checks.of("q1", "mse: labels 1 and 2, predicted as 1.5")
def _(s: Submission) -> None:
    close(
        s.mse(np.array([1.5, 1.5]), np.array([1.0, 2.0])),
        0.25,
        "Take the differences, square them, take the mean.",
        mistakes={
            "Take the mean, not the sum.": 0.5,
            "The differences are 0.5 and −0.5. Square them before the mean.": 0.0,
            "That is half of it: this mean squared error has no ½.": 0.125,
        },
    )
    close(
        s.mse(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 2.0], [3.0, 0.0]])),
        4,
        "For a matrix the mean goes over all entries.",
        mistakes={
            "Divide by the number of entries, 4, not by the number of rows.": 8,
            "The root is not part of the mean squared error.": 2,
        },
    )


@checks.of("q1", "huber: near and far")
def _(s: Submission) -> None:
    close(
        s.huber(np.array([1.5, 1.5]), np.array([1.0, 2.0]), 1.0),
        0.125,
        "Near the target it is half of the square.",
    )
    close(
        s.huber(np.array([0.0]), np.array([3.0]), 1.0),
        2.5,
        "Beyond δ it is a straight line of slope δ.",
        mistakes={
            "That is the parabola. Beyond δ it goes on as a straight line.": 4.5,
            "The line has to begin where the parabola ends: subtract δ / 2 from r.": 3.0,
            "Does the straight line look at the size of the difference, or at its sign too?": -3.5,
        },
    )


@checks.of("q1", "huber with a δ of 2, differences of both signs")
def _(s: Submission) -> None:
    close(
        s.huber(np.array([0.0, 0.0, 5.0]), np.array([1.0, 4.0, 0.0]), 2.0),
        (0.5 + 6 + 8) / 3,
        "The three losses are 0.5, 6 and 8.",
        mistakes={"It was right for δ = 1. Where does δ come in?": (0.5 + 3.5 + 4.5) / 3},
    )


def probabilities(Z: np.ndarray) -> np.ndarray:
    """Return the softmax of each row, one at a time."""
    return np.array([[1 / np.sum(np.exp(row - z)) for z in row] for row in Z])


@checks.of("q2", "the scores of the example")
def _(s: Submission) -> None:
    Z = np.array([[2.0, 1.0, 0.1]])
    close(
        s.softmax(Z),
        probabilities(Z),
        "Exponentials, each divided by the sum of its row.",
        mistakes={
            "The exponentials are still to be divided by their sum.": np.exp(Z),
            "The exponentials are still to be divided by their sum: the rest is right.": np.exp(Z - 2),
            "Divide the exponentials by their sum, not the scores by theirs.": Z / Z.sum(),
            "These are the logarithms. The probabilities themselves are wanted.": np.log(probabilities(Z)),
        },
    )


@checks.of("q2", "two rows")
def _(s: Submission) -> None:
    Z = np.array([[2.0, 1.0, 0.1], [0.0, 3.0, 0.0]])
    found = s.softmax(Z)
    shape(found, Z.shape)
    if np.allclose(found.sum(), 1):
        raise Wrong("All entries together sum to 1. Each row should: the sum goes along axis 1.")
    if np.allclose(found.sum(axis=0), 1):
        raise Wrong("The columns sum to 1. The rows should: the sum goes along axis 1.")
    close(found, probabilities(Z), "Each row is a sample of its own and sums to 1.")


@checks.of("q2", "scores around 1000")
def _(s: Submission) -> None:
    Z = np.array([[1002.0, 1001.0, 1000.1], [-1000.0, -1000.0, -1000.0]])
    with np.errstate(all="ignore"):
        close(
            s.softmax(Z), probabilities(Z), "Shift each row by its own largest score before the exponential."
        )


@checks.of("q3", "the frog")
def _(s: Submission) -> None:
    close(
        s.cross_entropy(np.array([[0.05, 0.1, 0.7, 0.15]]), np.array([2])),
        -np.log(0.7),
        "Minus the logarithm of what the right class was given.",
        mistakes={
            "A loss is positive here: the logarithm of a probability is negative.": np.log(0.7),
            "Use the natural logarithm, np.log, not the one to base 2.": -np.log2(0.7),
            "Use the natural logarithm, np.log, not the one to base 10.": -np.log10(0.7),
            "Only the right class counts.": -np.sum(np.log([0.05, 0.1, 0.7, 0.15])),
            "Only the right class counts, and nothing is divided by the number of classes.": -np.log(0.7) / 4,
        },
    )


@checks.of("q3", "three samples")
def _(s: Submission) -> None:
    P = np.array([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]])
    right = -np.log([0.25, 0.8, 0.2])
    every = -np.mean(np.log(P[:, [1, 1, 0]]))
    close(
        s.cross_entropy(P, np.array([1, 1, 0])),
        right.mean(),
        "One probability from each row: 0.25, 0.8 and 0.2 here.",
        mistakes={
            "Take the mean over the samples, not the sum.": right.sum(),
            "Every row has met every label. Pick one entry from each row.": every,
            "Take the logarithms first, then their mean.": -np.log(np.mean([0.25, 0.8, 0.2])),
            "That is the largest probability of each row. The label says which class is right.": -np.mean(
                np.log([0.5, 0.8, 0.6])
            ),
        },
    )


@checks.of("q4", "two scores of 0")
def _(s: Submission) -> None:
    close(
        s.score_gradient(np.array([[0.0, 0.0]]), np.array([1])),
        [[0.5, -0.5]],
        "Differentiate −z_c + ln Σ e^z by each score: the second term gives a probability, and the first?",
        mistakes={
            "The sign is turned: more score for the right class must lower the loss.": [[-0.5, 0.5]],
            "These are the probabilities. The right class has one more term to differentiate.": [[0.5, 0.5]],
        },
    )


@checks.of("q4", "three samples")
def _(s: Submission) -> None:
    Z, labels = np.array([[2.0, 1.0, 0.1], [0.0, 3.0, 0.0], [1.0, -1.0, 0.5]]), np.array([0, 1, 1])
    whole = probabilities(Z) - np.eye(3)[labels]
    close(
        s.score_gradient(Z, labels),
        whole / 3,
        "Each row is the gradient of its own sample. What does the label change in it, what the mean?",
        mistakes={
            "The loss is a mean: divide by the number of samples.": whole,
            "The mean goes over the samples, not over all entries.": whole / 9,
            "The sign is turned: more score for the right class must lower the loss.": -whole / 3,
            "Every row has lost something at every label. Take 1 away once in each row.": (
                probabilities(Z) - [[1, 1, 0]]
            )
            / 3,
            "These are the scores less the labels. Softmax comes first.": (Z - np.eye(3)[labels]) / 3,
        },
    )


@checks.of("q5", "two distributions, both ways")
def _(s: Submission) -> None:
    p, q = np.array([0.5, 0.5]), np.array([0.9, 0.1])
    forward, back = np.sum(p * np.log(p / q)), np.sum(q * np.log(q / p))
    close(
        s.kl_divergence(p, q),
        forward,
        "Each term is p times the logarithm of p / q.",
        mistakes={
            "That is the other direction. What really happens, p, gives the weights.": back,
            "The sign is turned: the divergence is never negative.": -forward,
            "That is the cross entropy. Take the entropy of p from it.": -np.sum(p * np.log(q)),
            "Each term is weighted by p.": np.sum(np.log(p / q)),
            "Use the natural logarithm.": forward / np.log(2),
        },
    )


@checks.of("q5", "an event that never happens")
def _(s: Submission) -> None:
    with np.errstate(all="ignore"):
        close(
            s.kl_divergence(np.array([0.0, 1.0]), np.array([0.5, 0.5])),
            np.log(2),
            "The first event has p = 0, and its term counts as 0. The second costs ln 2.",
            mistakes={
                "The sign is turned: the divergence is never negative.": -np.log(2),
                "Use the natural logarithm.": 1,
            },
        )


@checks.of("q5", "a belief that is right")
def _(s: Submission) -> None:
    p = np.array([0.2, 0.3, 0.5])
    close(s.kl_divergence(p, p), 0, "If the belief is right, it costs nothing.")
    if numbers(s.kl_divergence(p, p[::-1])) == 0:
        raise Wrong("That is right, but it must not be 0 for every belief.")
