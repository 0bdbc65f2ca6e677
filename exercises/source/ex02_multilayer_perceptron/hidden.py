"""What only the judge checks."""

import numpy as np

from nncourse.exercises.checking import Checks, Submission, close, numbers, parts, shape

checks = Checks()


def random(*shapes: tuple[int, ...]) -> list[np.ndarray]:
    """Return the same random arrays every time."""
    rng = np.random.default_rng(2)
    return [rng.normal(size=shape) for shape in shapes]


@checks.of("q1", "large and deep")
def _(s: Submission) -> None:
    close(s.num_parameters([784, 128, 64, 10]), 109386, "The count is off for a larger network.")
    close(s.num_parameters([1] * 12), 22, "The count is off for a deep network of single units.")


@checks.of("q2", "4–5–3–2–2 on a batch", weight=2)
def _(s: Submission) -> None:
    weights, biases = random((4, 5), (5, 3), (3, 2), (2, 2)), random((5,), (3,), (2,), (2,))
    (X,) = random((6, 4))
    H = X
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        H = np.tanh(H @ W + b)
    close(
        s.forward(X, weights, biases), H @ weights[-1] + biases[-1], "A deeper network gives other outputs."
    )


@checks.of("q3", "the same four corners, one at a time")
def _(s: Submission) -> None:
    W_h, b_h, w_o, b_o = (numbers(part) for part in parts(s.xor_network(), 4, "W_h, b_h, w_o and b_o"))
    for x1 in (0, 1):
        for x2 in (0, 1):
            hidden = [max(0.0, x1 * W_h[0, j] + x2 * W_h[1, j] + b_h[j]) for j in (0, 1)]
            close(hidden[0] * w_o[0] + hidden[1] * w_o[1] + float(b_o), x1 ^ x2, "One corner of XOR is off.")


@checks.of("q4", "the single layer says the same as both")
def _(s: Submission) -> None:
    W_h, b_h, W_o, b_o, X = random((3, 7), (7,), (7, 2), (2,), (5, 3))
    W, b = parts(s.collapse(W_h, b_h, W_o, b_o), 2, "W and b")
    shape(W, (3, 2))
    shape(b, (2,))
    close(
        X @ numbers(W) + numbers(b),
        (X @ W_h + b_h) @ W_o + b_o,
        "On a batch the single layer says something else.",
    )


@checks.of("q5", "twenty outputs")
def _(s: Submission) -> None:
    outputs, labels = random((20,), (20,))
    right = sum((o - y) ** 2 for o, y in zip(outputs, labels[::-1], strict=True)) / 20
    for first in (outputs, outputs[:, None]):
        for second in (labels[::-1], labels[::-1, None]):
            close(
                s.mean_squared_error(first, second),
                right,
                "With other shapes or more samples the mean differs.",
            )
