"""The visible checks of exercise 2, the multilayer perceptron."""

import numpy as np

from nncourse.exercises.checking import Checks, Submission, Wrong, close, numbers, parts, shape

checks = Checks()


@checks.of("q1", "4–5–3")
def _(s: Submission) -> None:
    close(
        s.num_parameters([4, 5, 3]),
        43,
        "Add up, for each pair of neighbours, the weights between them and the biases of the second.",
        mistakes={
            "The biases are missing: one for each unit that is not an input.": 35,
            "Inputs have no bias.": 47,
            "That is one bias for each layer; there is one for each unit.": 37,
            "Each hidden unit has a weight for every input: multiply the neighbours.": 12,
        },
    )


@checks.of("q1", "two and four layers")
def _(s: Submission) -> None:
    count = s.num_parameters([3, 2])
    close(count, 8, "Two sizes make one layer: 3 · 2 weights and 2 biases.")
    if np.asarray(count).dtype.kind not in "iu":
        raise Wrong("The number is right, its type is not: an int is wanted, and this is a float.")
    close(
        s.num_parameters([4, 5, 3, 2, 2]),
        57,
        "Does it go through the whole list, however long it is?",
        mistakes={"Only the first two layers are counted. Go through the whole list.": 43},
    )


@checks.of("q2", "the two layers of the example")
def _(s: Submission) -> None:
    weights, biases = [np.array([[1.0], [-0.5]]), np.array([[2.0]])], [np.array([0.5]), np.array([1.0])]
    hidden = np.tanh(0.5)
    close(
        s.forward(np.array([[1.0, 2.0]]), weights, biases),
        np.array([[2 * hidden + 1]]),
        "Follow the example: the hidden sum is 0.5, the hidden unit hands on tanh 0.5.",
        mistakes={
            "The last layer hands on its sums, without tanh.": [[np.tanh(2 * hidden + 1)]],
            "There is no activation yet, or not on the whole sum: hand on tanh 0.5.": [[2.0]],
            "The biases are missing.": [[0.0]],
            "Only the last layer has tanh, but it should be all others.": [[np.tanh(2.0)]],
        },
    )


@checks.of("q2", "a batch of three, a single layer")
def _(s: Submission) -> None:
    X, W, b = (
        np.arange(6.0).reshape(3, 2) / 5,
        np.array([[1.0, 0.0, 2.0], [0.0, 1.0, -1.0]]),
        np.array([1.0, 2.0, 3.0]),
    )
    close(
        s.forward(X, [W], [b]),
        X @ W + b,
        "A network of one layer computes X @ W + b, for every row of X.",
        mistakes={
            "With a single layer that layer is the last, and the last has no tanh.": np.tanh(X @ W + b)
        },
    )


@checks.of("q2", "three layers")
def _(s: Submission) -> None:
    X, W = np.array([[0.5, -1.0]]), np.array([[0.5, 1.0], [-1.0, 0.5]])
    b = np.array([0.1, -0.2])
    one = np.tanh(X @ W + b)
    two = np.tanh(one @ W + b)
    close(
        s.forward(X, [W, W, W], [b, b, b]),
        two @ W + b,
        "With three layers the first two hand on their tanh.",
        mistakes={"The second hidden layer has no tanh.": (one @ W + b) @ W + b},
    )


def network(s: Submission) -> list[np.ndarray]:
    """Return the four parts after looking at their shapes."""
    found = parts(s.xor_network(), 4, "W_h, b_h, w_o and b_o")
    for part, wanted, name in zip(found, ((2, 2), (2,), (2,), ()), ("W_h", "b_h", "w_o", "b_o"), strict=True):
        what = f"shape {wanted}" if wanted else "a single number"
        shape(part, wanted, f"{name} should be {what}.")
    return [numbers(part) for part in found]


@checks.of("q3", "the shapes", weight=0.5)
def _(s: Submission) -> None:
    network(s)


@checks.of("q3", "the four corners", weight=1.5)
def _(s: Submission) -> None:
    W_h, b_h, w_o, b_o = network(s)
    X = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    found = np.maximum(X @ W_h + b_h, 0) @ w_o + b_o
    close(
        found,
        [0, 1, 1, 0],
        "Let both units look at x1 + x2, which is 0, 1, 1 or 2. When should the second begin to speak?",
        mistakes={
            "(1, 1) comes out as 1. The second unit has to undo the rise of the first, and as much again.": [
                0,
                1,
                1,
                1,
            ],
            "(1, 1) comes out as 2. Nothing takes the sum down again.": [0, 1, 1, 2],
            "That is AND.": [0, 0, 0, 1],
            "That is XNOR, the opposite.": [1, 0, 0, 1],
            "These weights were made for a step. ReLU hands on how far beyond 0 a sum is.": [-0.5, 0, 0, 0.5],
        },
    )


@checks.of("q4", "one dimension")
def _(s: Submission) -> None:
    one = [np.array([[2.0]]), np.array([3.0]), np.array([[5.0]]), np.array([1.0])]
    W, b = parts(s.collapse(*one), 2, "W and b")
    close(W, [[10]], "o = 5 (2x + 3) + 1. What stands before x?")
    close(
        b,
        [16],
        "o = 5 (2x + 3) + 1. What is left when x is 0?",
        mistakes={
            "The hidden bias goes through the output weights, too.": [4],
            "The output's bias is missing.": [15],
            "The hidden bias is missing.": [1],
        },
    )


@checks.of("q4", "4–5–3")
def _(s: Submission) -> None:
    rng = np.random.default_rng(0)
    W_h, b_h, W_o, b_o = (rng.integers(-3, 4, size=size) * 1.0 for size in ((4, 5), 5, (5, 3), 3))
    W, b = parts(s.collapse(W_h, b_h, W_o, b_o), 2, "W and b")
    close(W, W_h @ W_o, "W should take the 4 inputs to the 3 outputs at once.")
    close(b, b_h @ W_o + b_o, "What does the network say to an input of zeros?")


@checks.of("q5", "(n, 1) meets (n,)")
def _(s: Submission) -> None:
    outputs, labels = np.array([[1.0], [2.0], [4.0]]), np.array([1.0, 2.0, 3.0])
    close(
        s.mean_squared_error(outputs, labels),
        1 / 3,
        "The differences are 0, 0 and 1.",
        mistakes={
            "Every output has met every label: (3, 1) minus (3,) is (3, 3).": 7 / 3,
            "Take the mean, not the sum.": 1,
            "That is the root of the mean. Leave it squared.": 3**-0.5,
        },
    )


@checks.of("q5", "shapes that agree, and negative differences")
def _(s: Submission) -> None:
    outputs, labels = np.array([1.0, 0.0]), np.array([3.0, 1.0])
    for form in ((2,), (2, 1)):
        close(
            s.mean_squared_error(outputs.reshape(form), labels.reshape(form)),
            2.5,
            f"Both have shape {form} here.",
            mistakes={
                "Square the differences: they may be negative.": -1.5,
                "Every output has met every label. Which shape do both have after your first line?": 3.5,
            },
        )
