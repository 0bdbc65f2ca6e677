"""The visible checks of exercise 4, backpropagation."""

import numpy as np

from nncourse.exercises.checking import Checks, Submission, close, parts, unchanged

checks = Checks()


@checks.of("q1", "at x = 2")
def _(s: Submission) -> None:
    close(
        s.two_paths(2.0),
        39,
        "Write down ∂y/∂u and ∂y/∂v first. y = u v + v.",
        mistakes={
            "v stands in two terms of y: both contribute to ∂y/∂v.": 36,
            "That is the path through u alone. x reaches y through v, too.": 24,
            "That is the path through v alone. x reaches y through u, too.": 15,
            "Paths add up; they are not multiplied.": 360,
            "That is y. Its derivative is wanted.": 30,
        },
    )


@checks.of("q1", "at x = −1 and x = 0")
def _(s: Submission) -> None:
    for x in (-1.0, 0.0):
        close(
            s.two_paths(x),
            9 * x**2 + 3,
            "Does it hold at 2 and not here? Then look whether u and v depend on x in your code.",
        )


def layer() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return X (3, 2), W (2, 4) and dO (3, 4) of small whole numbers."""
    return (
        np.array([[1.0, 2.0], [0.0, -1.0], [3.0, 1.0]]),
        np.array([[1.0, 0.0, 2.0, -1.0], [0.0, 1.0, 1.0, 3.0]]),
        np.arange(12.0).reshape(3, 4) - 5,
    )


@checks.of("q2", "the gradient of W")
def _(s: Submission) -> None:
    X, W, dO = layer()
    dW = parts(s.linear_backward(X, W, dO), 3, "the gradients of X, W and b")[1]
    close(
        dW,
        X.T @ dO,
        "One weight meets one input and one output, in every row: sum over the rows.",
        mistakes={
            "The mean is in dO already: do not divide by the number of samples again.": X.T @ dO / 3,
            "It is transposed: the gradient has the shape of W.": dO.T @ X,
        },
    )


@checks.of("q2", "the gradient of X")
def _(s: Submission) -> None:
    X, W, dO = layer()
    dX = parts(s.linear_backward(X, W, dO), 3, "the gradients of X, W and b")[0]
    close(
        dX,
        dO @ W.T,
        "An input goes to every output of its row: sum over those.",
        mistakes={
            "Is the order X, W, b?": X.T @ dO,
            "It is transposed: the gradient has the shape of X.": W @ dO.T,
        },
    )


@checks.of("q2", "the gradient of b")
def _(s: Submission) -> None:
    X, W, dO = layer()
    db = parts(s.linear_backward(X, W, dO), 3, "the gradients of X, W and b")[2]
    close(
        db,
        dO.sum(axis=0),
        "The bias was added to every row: add up the rows of dO.",
        mistakes={
            "The mean is in dO already: sum over the rows.": dO.mean(axis=0),
            "Sum over the samples, which are the rows, not over the units.": dO.sum(axis=1),
            "The bias was added to every row, so its gradient is a sum over rows, shape (k,).": dO,
            "The gradient has the shape of b: one number for each unit.": dO.sum(),
            "The shape is that of b, (k,), without a second axis.": dO.sum(axis=0, keepdims=True),
        },
    )


@checks.of("q3", "the example, and a larger array")
def _(s: Submission) -> None:
    H, dH = np.array([[0.0, 0.5], [-0.8, 0.9]]), np.array([[2.0, 4.0], [-1.0, 3.0]])
    close(
        s.tanh_backward(H, dH),
        dH * (1 - H**2),
        "The derivative of tanh, in terms of its value, times what comes from behind.",
        mistakes={
            "That is the slope alone. Multiply by what comes from behind.": 1 - H**2,
            "H is tanh(Z) already: do not take the tanh again.": dH * (1 - np.tanh(H) ** 2),
            "That is the slope of the sigmoid.": dH * H * (1 - H),
            "Multiply place by place, not as matrices.": dH @ (1 - H**2),
            "The value is squared in the slope of tanh.": dH * (1 - H),
        },
    )


@checks.of("q3", "no shape but the one it got")
def _(s: Submission) -> None:
    H, dH = np.array([[0.0, 0.0, 0.5]]), np.ones((1, 3))
    close(s.tanh_backward(H, dH), [[1, 1, 0.75]], "Around 0 tanh has slope 1.")


ORDER = "dW1, db1, dW2 and db2"


def small() -> list[np.ndarray]:
    """Return X (2, 2), Y (2, 3), W1 (2, 2), b1, W2 (2, 3) and b2."""
    return [
        np.array([[1.0, -0.5], [0.3, 0.8]]),
        np.array([[1.0, 0.0, 2.0], [0.0, -1.0, 1.0]]),
        np.array([[0.5, -0.3], [0.2, 0.4]]),
        np.array([0.1, -0.1]),
        np.array([[0.7, -0.2, 0.3], [0.1, 0.5, -0.6]]),
        np.array([0.0, 0.2, -0.1]),
    ]


def right_gradients(X: np.ndarray, Y: np.ndarray, *parameters: np.ndarray) -> list[np.ndarray]:
    """Measure the gradients; a formula would give the answer away."""

    def loss() -> float:
        W1, b1, W2, b2 = moved
        return float(np.mean((np.tanh(X @ W1 + b1) @ W2 + b2 - Y) ** 2))

    moved = [parameter.copy() for parameter in parameters]
    found = []
    for parameter in moved:
        gradient = np.zeros(parameter.shape)
        for place in np.ndindex(parameter.shape):
            before = parameter[place]
            parameter[place] = before + 1e-5
            up = loss()
            parameter[place] = before - 1e-5
            gradient[place] = (up - loss()) / 2e-5
            parameter[place] = before
        found.append(gradient)
    return found


def compare(s: Submission, places: tuple[int, ...]) -> None:
    """Compare some of the four gradients."""
    arrays = small()
    X, Y, W1, b1, W2, _ = arrays
    found = parts(s.gradients(*arrays), 4, ORDER)
    right = right_gradients(*arrays)
    H = np.tanh(X @ W1 + b1)
    for place in places:
        name = ORDER.replace(" and", ",").split(", ")[place]
        mistakes: dict[str, object] = {
            f"{name}: the loss is a mean over all entries. Divide by their number.": right[place] * Y.size,
            f"{name}: the mean is over all n · k entries, not over the n samples.": right[place] * 3,
            f"{name}: the square in the loss has the derivative 2 (O − Y).": right[place] / 2,
            f"{name}: this is one of the other layer. The order is {ORDER}.": right[(place + 2) % 4],
            f"{name}: the sign is turned: the loss has O − Y, not Y − O.": -right[place],
        }
        if place < 2:
            dH = 2 * (H @ W2 + arrays[5] - Y) / Y.size @ W2.T
            mistakes[f"{name}: on the way back through tanh its slope is missing."] = (
                X.T @ dH if place == 0 else dH.sum(axis=0)
            )
        close(found[place], right[place], f"{name} is not right.", mistakes=mistakes, rtol=1e-5, atol=1e-8)


@checks.of("q4", "the gradients of the last layer")
def _(s: Submission) -> None:
    compare(s, (2, 3))


@checks.of("q4", "the gradients of the first layer")
def _(s: Submission) -> None:
    compare(s, (0, 1))


def cost(w: np.ndarray) -> float:
    """Return the cost of the notebook."""
    return float(np.sum(w**3 + w) + np.prod(w) ** 2)


def difference(w: np.ndarray, up: float, down: float) -> np.ndarray:
    """Return (cost(w + up) − cost(w − down)) / (up + down) for each place."""
    units = np.eye(w.size).reshape(w.size, *w.shape)
    values = [(cost(w + up * one) - cost(w - down * one)) / (up + down) for one in units]
    return np.array(values).reshape(w.shape)


@checks.of("q5", "two parameters")
def _(s: Submission) -> None:
    w, epsilon = np.array([1.0, -0.5]), 0.1
    right = difference(w, epsilon, epsilon)
    together = (cost(w + epsilon) - cost(w - epsilon)) / (2 * epsilon)
    close(
        s.measured_gradient(w, epsilon),
        right,
        "Move one entry at a time, up and down by epsilon.",
        mistakes={
            "Up and down are two epsilon apart.": 2 * right,
            "Move up and down: the difference to one side only is less exact.": difference(w, epsilon, 0.0),
            "All entries move together. Move one at a time, in a copy.": np.full(2, together),
            "The sign is turned: up minus down.": -right,
            "An entry was not put back before the next one moved.": np.array(
                [right[0], difference(w - [epsilon, 0], epsilon, epsilon)[1]]
            ),
        },
        rtol=1e-7,
    )


@checks.of("q5", "a matrix of parameters, a small epsilon")
def _(s: Submission) -> None:
    w = np.array([[0.5, 1.0, -1.0], [2.0, 0.1, 0.3]])
    right = 3 * w**2 + 1 + 2 * np.prod(w) ** 2 / w
    close(s.measured_gradient(w, 1e-5), right, "A matrix has two indices. Go through all places.", rtol=1e-5)
    unchanged(s, "The result is right, but w is not as it was. Move the entries of a copy.")
