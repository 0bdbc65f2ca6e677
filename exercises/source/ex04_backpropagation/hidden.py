"""What only the judge checks."""

import numpy as np

from nncourse.exercises.checking import Checks, Submission, close, parts

checks = Checks()


def random(*shapes: tuple[int, ...]) -> list[np.ndarray]:
    """Return the same random arrays every time."""
    rng = np.random.default_rng(4)
    return [rng.normal(size=shape) for shape in shapes]


@checks.of("q1", "at several places")
def _(s: Submission) -> None:
    for x in (-3.0, 0.1, 1.5, 10.0):
        close(s.two_paths(x), 9 * x * x + 3, "At another x the derivative differs.")


@checks.of("q2", "a layer from 6 to 3 units, seven samples", weight=2)
def _(s: Submission) -> None:
    X, W, dO = random((7, 6), (6, 3), (7, 3))
    right = (
        np.einsum("rj,ij->ri", dO, W),
        np.einsum("ri,rj->ij", X, dO),
        np.einsum("rj->j", dO),
    )
    for mine, wanted in zip(parts(s.linear_backward(X, W, dO), 3, "dX, dW and db"), right, strict=True):
        close(mine, wanted, "In a larger layer a gradient differs.")


@checks.of("q3", "a random array")
def _(s: Submission) -> None:
    Z, dH = random((5, 4), (5, 4))
    close(s.tanh_backward(np.tanh(Z), dH), dH / np.cosh(Z) ** 2, "On a random array the gradient differs.")


@checks.of("q4", "a larger network", weight=2)
def _(s: Submission) -> None:
    X, Y, W1, b1, W2, b2 = random((8, 4), (8, 2), (4, 5), (5,), (5, 2), (2,))
    H = np.tanh(X @ W1 + b1)
    dO = (H @ W2 + b2 - Y) / 8
    dZ = (dO @ W2.T) * (1 - H * H)
    right = (X.T @ dZ, dZ.sum(0), H.T @ dO, dO.sum(0))
    for mine, wanted in zip(parts(s.gradients(X, Y, W1, b1, W2, b2), 4, "the gradients"), right, strict=True):
        close(mine, wanted, "In a larger network a gradient differs.")


@checks.of("q5", "an array with three axes")
def _(s: Submission) -> None:
    (w,) = random((2, 2, 2))
    right = 3 * w**2 + 1 + 2 * np.prod(w) ** 2 / w
    close(s.measured_gradient(w, 1e-5), right, "With three axes the gradient differs.", rtol=1e-4)
