"""The visible checks of exercise 3, activation functions."""

import numpy as np

from nncourse.exercises.checking import Checks, Submission, Wrong, close

checks = Checks()


@checks.of("q1", "the sigmoid at −2, 0 and 2")
def _(s: Submission) -> None:
    z = np.array([-2.0, 0.0, 2.0])
    right = 0.5 * (1 + np.tanh(z / 2))
    close(
        s.sigmoid(z),
        right,
        "The sigmoid is 1 / (1 + e^-z).",
        mistakes={
            "It falls where it should rise: look at the sign in the exponent.": 1 - right,
            "That is tanh. The sigmoid lies between 0 and 1.": np.tanh(z),
        },
    )


@checks.of("q1", "its slope at −2, 0 and 2")
def _(s: Submission) -> None:
    z = np.array([-2.0, 0.0, 2.0])
    g = 0.5 * (1 + np.tanh(z / 2))
    close(
        s.sigmoid_slope(z),
        g * (1 - g),
        "Write the slope with the value g of the sigmoid at z.",
        mistakes={
            "The form is right, but it takes the sigmoid's value, not z itself.": z * (1 - z),
            "That is the value of the sigmoid. Its slope is wanted.": g,
            "A factor is missing. Where the sigmoid is near 0 the slope is small, too.": 1 - g,
            "That is the formula for tanh, whose values reach down to −1.": 1 - g**2,
            "The sign is turned: the sigmoid rises everywhere.": -g * (1 - g),
        },
    )


@checks.of("q2", "leaky ReLU")
def _(s: Submission) -> None:
    z = np.array([[-2.0, 0.0], [3.0, -0.5]])
    close(
        s.leaky_relu(z, 0.1),
        [[-0.2, 0], [3, -0.05]],
        "Left of 0 the value is leak times z, right of it z.",
        mistakes={
            "That is ReLU. Left of 0 it should leak.": [[0, 0], [3, 0]],
            "Left of 0 the value is leak times z, and not the leak itself.": [[0.1, 0.1], [3, 0.1]],
            "The two sides are exchanged.": [[-2, 0], [0.3, -0.5]],
            "Left of 0 the value is negative, as z is.": [[0.2, 0], [3, 0.05]],
        },
    )


@checks.of("q2", "its slope, also at the corner")
def _(s: Submission) -> None:
    close(
        s.leaky_relu_slope(np.array([-2.0, 0.0, 3.0]), 0.1),
        [0.1, 0.1, 1],
        "The slope is 1 on the right and the leak on the left.",
        mistakes={
            "At 0 take the slope of the left side.": [0.1, 1, 1],
            "That is the slope of ReLU.": [0, 0, 1],
            "That is the value. The slope of leak · z is the leak.": [-0.2, 0, 3],
        },
    )


@checks.of("q2", "a leak of 2")
def _(s: Submission) -> None:
    close(
        s.leaky_relu(np.array([-1.0, 1.0]), 2.0),
        [-2, 1],
        "An odd leak, but the rule is the same.",
        mistakes={"The larger of z and leak · z is the wrong choice here. Ask for the sign of z.": [-1, 2]},
    )


@checks.of("q3", "a thousandth, with the sigmoid's 0.25")
def _(s: Submission) -> None:
    close(
        s.layers_until(0.001, 0.25),
        5,
        "Multiply by the factor once for each layer, and count.",
        mistakes={
            "After 4 layers 0.0039 is left: that is more than a thousandth.": 4,
            "After 5 layers it is less already.": 6,
            "The number of layers is a whole number: the first that is enough.": np.log(0.001) / np.log(0.25),
        },
    )


@checks.of("q3", "a half, with a factor of a half")
def _(s: Submission) -> None:
    count = s.layers_until(0.5, 0.5)
    close(count, 2, "After 1 layer exactly a half is left, and that is not less than a half.")
    if np.asarray(count).dtype.kind not in "iu":
        raise Wrong("The number is right, its type is not: an int is wanted, and this is a float.")


@checks.of("q3", "another factor")
def _(s: Submission) -> None:
    close(
        s.layers_until(0.1, 0.9),
        22,
        "0.9 to the power of 21 is 0.109, to the power of 22 it is 0.098.",
        mistakes={"That is the number for the factor 0.25. Use factor.": 2},
    )


@checks.of("q4", "the three units of the example")
def _(s: Submission) -> None:
    X, W, b = np.array([[1.0], [2.0]]), np.array([[1.0, -1.0, 1.0]]), np.array([0.0, 0.0, -1.5])
    close(
        s.dead_units(X, W, b),
        1,
        "Write down the sums, a row for each sample and a column for each unit.",
        mistakes={
            "A unit that speaks for one sample is alive. It is dead if it is silent for all.": 2,
            "That is how often a unit is silent. Count units, each once.": 3,
            "Ask about each column, which is a unit; the rows are samples.": 0,
        },
    )
    close(s.dead_units(X, W, b - 0.5), 2, "With biases that are lower by 0.5 the third unit is dead, too.")


@checks.of("q4", "a sum of exactly zero, and a bias that saves")
def _(s: Submission) -> None:
    X = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    close(
        s.dead_units(X, np.array([[0.0, -1.0], [0.0, -1.0]]), np.zeros(2)),
        2,
        "Both units are dead here: the sums of the first are all 0, and 0 gets no gradient.",
        mistakes={"A sum of exactly 0 gets no gradient, either.": 1},
    )
    alive = s.dead_units(X, np.array([[0.0, -1.0], [0.0, -1.0]]), np.array([1.0, 1.5]))
    close(alive, 0, "With these biases both units are alive. Is the bias in the sum?")
    if np.asarray(alive).dtype.kind not in "iu":
        raise Wrong("The number is right, its type is not: an int is wanted, and this is a float.")


def tent(
    weights: object, corners: tuple[float, float, float], hint: str, mistakes: dict[str, object]
) -> None:
    """Compare the weights with those of the tent."""
    left, middle, right = corners
    up, down = 1 / (middle - left), 1 / (right - middle)
    close(weights, np.array([up, -up - down, down]), hint, mistakes=mistakes)


@checks.of("q5", "corners at 0, 1 and 2")
def _(s: Submission) -> None:
    tent(
        s.tent_weights(0.0, 1.0, 2.0),
        (0, 1, 2),
        "Each weight is the change of the slope at its corner.",
        {
            "From the middle on the slope is 0 with these weights. It has to become −1.": [1, -1, 0],
            "At the middle the slope turns from 1 to −1. By how much does it change?": [1, -1, -1],
            "Beyond the right corner it goes on falling. What turns the slope back to 0?": [1, -2, 0],
            "These are the slopes of the pieces. A weight is the change from one slope to the next.": [
                1,
                -1,
                1,
            ],
        },
    )


@checks.of("q5", "a tent that leans")
def _(s: Submission) -> None:
    tent(
        s.tent_weights(1.0, 3.0, 4.0),
        (1, 3, 4),
        "Up over a run of 2, down over a run of 1: which slopes are those, and how do they change?",
        {
            "That is right where both runs are 1. The slopes depend on the corners.": [1, -2, 1],
            "The slope is rise over run: divide by the run.": [2, -3, 1],
            "Going down takes another run than going up.": [0.5, -1, 0.5],
        },
    )
