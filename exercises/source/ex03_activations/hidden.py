"""What only the judge checks."""

import math

import numpy as np

from nncourse.exercises.checking import Checks, Submission, close, numbers, shape

checks = Checks()


def random(*shape: int) -> np.ndarray:
    """Return the same random numbers every time."""
    return np.random.default_rng(3).normal(size=shape)


@checks.of("q1", "a random array")
def _(s: Submission) -> None:
    z = 3 * random(4, 3)
    right = np.array([[1 / (1 + math.exp(-value)) for value in row] for row in z])
    close(s.sigmoid(z), right, "The sigmoid differs on a random array.")
    close(s.sigmoid_slope(z), right - right**2, "The slope differs on a random array.", atol=1e-6)


@checks.of("q1", "far out")
def _(s: Submission) -> None:
    close(s.sigmoid_slope(np.array([-30.0, 30.0])), [0, 0], "Far out the slope is almost 0.")
    close(s.sigmoid(np.array([-30.0, 30.0])), [0, 1], "Far out the sigmoid is almost 0 or 1.")


@checks.of("q2", "a random array and several leaks")
def _(s: Submission) -> None:
    z = random(5, 2, 3)
    for leak in (0.0, 0.01, 0.3, 1.5):
        value = np.array([v if v > 0 else leak * v for v in z.ravel()]).reshape(z.shape)
        close(s.leaky_relu(z, leak), value, "The value differs for another leak.")
        close(s.leaky_relu_slope(z, leak), (z > 0) + leak * (z <= 0), "The slope differs for another leak.")


@checks.of("q3", "several fractions and factors")
def _(s: Submission) -> None:
    for fraction, factor, layers in ((1e-6, 0.25, 10), (0.0625, 0.25, 3), (0.3, 0.99, 120), (0.9, 0.1, 1)):
        close(s.layers_until(fraction, factor), layers, "For other numbers the count of layers is off.")


@checks.of("q4", "forty units")
def _(s: Submission) -> None:
    X, W, b = random(12, 3), random(3, 40), random(40) - 2
    right = sum(all(float(x @ W[:, j] + b[j]) <= 0 for x in X) for j in range(40))
    close(s.dead_units(X, W, b), right, "In a larger layer the count is off.")


@checks.of("q5", "the tent itself, at many places")
def _(s: Submission) -> None:
    x = np.linspace(-5, 5, 101)
    for corners in ((-1.0, 0.5, 4.0), (-3.0, -2.5, -2.0)):
        left, middle, right = corners
        w = numbers(s.tent_weights(*corners))
        shape(w, (3,))
        found = sum(w[i] * np.maximum(x - corner, 0) for i, corner in enumerate(corners))
        close(
            found,
            np.interp(x, [left, middle, right], [0, 1, 0]),
            "The curve of these weights is not the tent.",
        )
