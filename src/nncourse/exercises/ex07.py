"""The visible checks of exercise 7, initialization."""

import numpy as np

from nncourse.exercises.checking import Checks, Submission, Wrong, close, shape

checks = Checks()


@checks.of("q1", "Xavier's limit, 4 inputs and 5 outputs")
def _(s: Submission) -> None:
    close(
        s.xavier_limit(4, 5),
        np.sqrt(6 / 9),
        "From −r to r is a width of 2r. Which r has the wanted standard deviation?",
        mistakes={
            "That is the standard deviation. The limit r is larger.": np.sqrt(2 / 9),
            "The root is missing.": 6 / 9,
            "Both fans count, the sum of them.": np.sqrt(6 / 4),
            "The width is 2r, not r.": np.sqrt(24 / 9),
        },
    )


@checks.of("q1", "Kaiming, 8 inputs")
def _(s: Submission) -> None:
    close(
        s.kaiming_std(8),
        0.5,
        "The root of 2 over fan_in.",
        mistakes={
            "That is the variance. The standard deviation is its root.": 0.25,
            "ReLU silences half of the signal, and the 2 makes up for it.": np.sqrt(1 / 8),
        },
    )


@checks.of("q2", "shape, and the first weight")
def _(s: Submission) -> None:
    W = s.draw_weights(2, 3, 0)
    shape(W, (2, 3), "A row for each input and a column for each output: (fan_in, fan_out).")
    draw = np.random.default_rng(0).normal(size=(2, 3))
    close(
        W,
        draw,
        "Draw all of them with one call of the method normal of default_rng(seed), with mean 0.",
        mistakes={
            "Is the mean 0?": draw + np.sqrt(2 / 2),
            "Kaiming's formula has fan_in, the number of inputs.": np.sqrt(2 / 3) * draw,
            "The right numbers in another order: draw them in the shape (fan_in, fan_out) at once.": (
                np.random.default_rng(0).normal(size=(3, 2)).T
            ),
        },
    )


@checks.of("q2", "another layer")
def _(s: Submission) -> None:
    W, draw = s.draw_weights(50, 40, 7), np.random.default_rng(7).normal(size=(50, 40))
    close(
        W,
        np.sqrt(2 / 50) * draw,
        "Is it the normal distribution, drawn by default_rng(seed), with the root of 2 / fan_in?",
        mistakes={
            "This is the draw of seed 0. Hand the seed that comes in to default_rng.": (
                np.sqrt(2 / 50) * np.random.default_rng(0).normal(size=(50, 40))
            ),
            "normal takes the standard deviation, and this is the variance: take the root.": 2 / 50 * draw,
            "Kaiming's formula has fan_in, the number of inputs.": np.sqrt(2 / 40) * draw,
            "That is the formula for a linear layer. ReLU needs the 2.": np.sqrt(1 / 50) * draw,
            "The standard deviation is 1. It has to depend on fan_in.": draw,
        },
    )


@checks.of("q2", "the seed decides")
def _(s: Submission) -> None:
    one, again, other = (s.draw_weights(3, 3, seed) for seed in (1, 1, 2))
    shape(one, (3, 3))
    if not np.array_equal(one, again):
        raise Wrong("The same seed gave two different draws. All chance must come from default_rng(seed).")
    if np.array_equal(one, other):
        raise Wrong("Two seeds gave the same draw. Is the seed handed to default_rng?")


@checks.of("q3", "100 inputs, σ = 0.2, three layers")
def _(s: Submission) -> None:
    close(
        s.growth(100, 0.2, 3),
        8,
        "By which factor does one layer multiply the size? Then layers multiply.",
        mistakes={
            "That is the factor of the mean square. The size is its root.": 64,
            "Layers multiply, they do not add up.": 6,
            "That is one layer.": 2,
            "The sum has 100 terms, but they are independent: their size grows with the root of 100.": 8000,
        },
    )


@checks.of("q3", "the σ that keeps the size, and a depth of 0")
def _(s: Submission) -> None:
    close(s.growth(25, 0.2, 50), 1, "With σ = 1 / √fan_in nothing changes, at any depth.")
    close(s.growth(25, 0.4, 0), 1, "Without a layer nothing changes.")
    close(s.growth(25, 0.4, 1), 2, "With twice that σ one layer doubles the size.")


@checks.of("q4", "the example")
def _(s: Submission) -> None:
    close(
        s.sizes_through(np.array([[1.0], [-1.0]]), [np.array([[1.0]]), np.array([[0.0]])]),
        np.array([np.tanh(1), 0]),
        "The activations of the first layer are tanh 1 and −tanh 1.",
        mistakes={
            "That is before the tanh. Measure the activations.": [1, 0],
            "That is the variance. The standard deviation is its root.": [np.tanh(1) ** 2, 0],
            "The input is not a layer: measure after each matrix.": [1, np.tanh(1), 0],
            "Divide by the number of activations, not by one less.": [2**0.5 * np.tanh(1), 0],
            "Only the last layer came back. Collect all of them.": 0,
            "That is the standard deviation of each unit, or of the last layer only.": [0],
        },
    )


@checks.of("q4", "three layers of different widths")
def _(s: Submission) -> None:
    rng = np.random.default_rng(1)
    X, weights = rng.normal(size=(6, 4)), [rng.normal(size=size) for size in ((4, 5), (5, 3), (3, 2))]
    H, right, alone, before, around_0 = X, [], [], [], []
    for W in weights:
        before.append(np.std(H @ W))
        H = np.tanh(H @ W)
        right.append(np.std(H))
        around_0.append(np.sqrt(np.mean(H**2)))
        alone.append(np.mean(np.std(H, axis=0)))
    close(
        s.sizes_through(X, weights),
        np.array(right),
        "Each layer takes the activations of the layer before.",
        mistakes={
            "Take the standard deviation over all activations of a layer at once.": alone,
            "That is before the tanh. Measure the activations.": before,
            "That is the root of the mean square. A standard deviation looks from the mean.": around_0,
            "That is the variance. The standard deviation is its root.": np.square(right),
        },
    )


def example() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return W, v and x."""
    return np.full((2, 2), 0.5), np.full(2, 0.5), np.array([1.0, 2.0])


@checks.of("q5", "two equal units")
def _(s: Submission) -> None:
    W, v, x = example()
    close(
        s.step(W, v, x, 5.0, 0.1),
        [[0.85, 0.85], [1.2, 1.2]],
        "The output is 1.5, the error −3.5. How does the output depend on one weight?",
        mistakes={
            "The step goes uphill: subtract.": [[0.15, 0.15], [-0.2, -0.2]],
            "The derivative of the square has a factor 2.": [[0.675, 0.675], [0.85, 0.85]],
            "Each weight is multiplied by its input x, too.": [[0.85, 0.85], [0.85, 0.85]],
            "On its way the gradient passes the outgoing weights v.": [[1.2, 1.2], [1.9, 1.9]],
            "It is transposed: rows belong to inputs, columns to units.": [[0.85, 1.2], [0.85, 1.2]],
        },
    )


@checks.of("q5", "three units, one of them without an outgoing weight")
def _(s: Submission) -> None:
    W, v, x = (
        np.array([[0.1, -0.2, 0.3], [0.4, 0.5, -0.6]]),
        np.array([1.0, 0.0, -2.0]),
        np.array([3.0, -1.0]),
    )
    error = x @ W @ v - 1.0
    close(
        s.step(W, v, x, 1.0, 0.5),
        np.array([[W[i, j] - error * x[i] * v[j] for j in range(3)] for i in range(2)]),
        "Entry i, j changes with x of i and v of j. The unit with v = 0 must not move.",
        mistakes={
            "The step goes uphill: subtract.": W + error * np.outer(x, v),
            "The derivative of the square has a factor 2.": W - error * np.outer(x, v) / 2,
        },
    )
