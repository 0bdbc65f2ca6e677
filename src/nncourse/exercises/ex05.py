"""The visible checks of exercise 5, gradient descent."""

import numpy as np

from nncourse.exercises.checking import Checks, Submission, close, shape, unchanged

checks = Checks()


@checks.of("q1", "the slope of 4x² at x = 3 and x = −14")
def _(s: Submission) -> None:
    for x in (3.0, -14.0):
        close(
            s.slope(4.0, x),
            8 * x,
            "Differentiate a x² by x: the exponent comes down as a factor.",
            mistakes={
                "That is half of the slope: the exponent 2 comes down as a factor.": 4 * x,
                "That is the height of the curve. The slope is its derivative.": 4 * x**2,
                "The sign is wrong: to the right of the bottom the curve rises.": -8 * x,
            },
        )


@checks.of("q1", "another parabola, at several places at once")
def _(s: Submission) -> None:
    x = np.array([[0.0, 1.0], [-1.0, 3.0]])
    close(
        s.slope(1.5, x),
        3 * x,
        "Does it hold for a = 4 and not here? Then look whether a, as it comes in, is in your formula.",
        mistakes={"It was right for a = 4, but here a is 1.5. Use a, and not a number.": 8 * x},
    )


@checks.of("q2", "the walk that runs away: 2, −14, 98")
def _(s: Submission) -> None:
    places = s.walk(4, 2.0, 1.0, 2)
    close(
        places,
        [2, -14, 98],
        "Each step takes you from x to x − learning rate · slope.",
        mistakes={
            "The first place of the list is the start, before any step.": [-14, 98],
            "There is one step too many: num_steps counts steps, not places.": [2, -14, 98, -686],
            "There is one step too few: num_steps counts steps, so there is one place more.": [2, -14],
            "You walk uphill. Step against the slope: subtract it.": [2, 18, 162],
            "Only the last place came back. Collect all of them.": 98,
            "The slope of a x² is 2 a x.": [2, -6, 18],
        },
    )


@checks.of("q2", "a learning rate of 0.1")
def _(s: Submission) -> None:
    close(
        s.walk(4, 2.0, 0.1, 3),
        [2, 0.4, 0.08, 0.016],
        "Each step is the slope times the learning rate, 0.1 here. Follow the first one by hand.",
        mistakes={
            "The learning rate plays no part yet: it multiplies the slope.": [2, -14, 98, -686],
            "The array holds whole numbers only and cuts off the rest. Make it one of floats.": [2, 0, 0, 0],
            "Every step uses the slope at the start. Take the slope anew where you stand.": [
                2,
                0.4,
                -1.2,
                -2.8,
            ],
        },
    )


@checks.of("q2", "no step at all")
def _(s: Submission) -> None:
    close(
        s.walk(1, 5.0, 0.1, 0),
        [5.0],
        "Without a step there is one place, the start, in an array of shape (1,).",
    )


@checks.of("q3", "on 4x²")
def _(s: Submission) -> None:
    close(
        s.one_step_rate(4.0),
        0.125,
        "One step multiplies x by 1 − 2 a η. For which η is that zero?",
        mistakes={
            "That is for a slope of a x, but the slope is 2 a x.": 0.25,
            "The rate must shrink when the curve gets steeper.": 8,
        },
    )
    close(
        s.largest_rate(4.0),
        0.25,
        "The factor 1 − 2 a η must lie between −1 and 1. At which η does it reach −1?",
        mistakes={
            "That is for a slope of a x, but the slope is 2 a x.": 0.5,
            "There the factor is 0. The walk still converges beyond it: where is the factor −1?": 0.125,
        },
    )


@checks.of("q3", "on a flat and on a steep parabola")
def _(s: Submission) -> None:
    for a in (0.5, 50.0):
        mistakes = {"These are the numbers for a = 4. They must depend on a.": 0.125}
        close(s.one_step_rate(a), 1 / (2 * a), "It fits a = 4 only. Derive it for any a.", mistakes=mistakes)
        mistakes = {"These are the numbers for a = 4. They must depend on a.": 0.25}
        close(s.largest_rate(a), 1 / a, "It fits a = 4 only. Derive it for any a.", mistakes=mistakes)


@checks.of("q4", "along an axis")
def _(s: Submission) -> None:
    close(
        s.slope_along(np.array([4.0, 6.0]), np.array([1.0, 0.0])),
        4.0,
        "Along the first axis the slope is the first entry of the gradient.",
        mistakes={"Add up the products: a slope is one number.": [4, 0]},
    )


@checks.of("q4", "in the direction (3, 4)")
def _(s: Submission) -> None:
    gradient, direction = np.array([4.0, 6.0]), np.array([3.0, 4.0])
    close(
        s.slope_along(gradient, direction),
        7.2,
        "Give the direction length 1 first, then take the dot product.",
        mistakes={
            "The direction has length 5 here, and it must not matter: divide by its length.": 36,
            "The length is the root of the sum of squares, not the sum.": 36 / 7,
            "Divide by the length itself, not by its square.": 36 / 25,
            "That is the cosine of the angle: only the direction gets length 1, not the gradient.": 7.2
            / np.linalg.norm(gradient),
        },
    )


@checks.of("q4", "along the contour line, and downhill")
def _(s: Submission) -> None:
    gradient = np.array([4.0, 6.0])
    close(
        s.slope_along(gradient, np.array([-3.0, 2.0])),
        0.0,
        "At a right angle to the gradient the slope is 0.",
    )
    close(
        s.slope_along(gradient, -gradient),
        -np.sqrt(52),
        "Against the gradient the slope is negative, and as large as the gradient is long.",
        mistakes={"A slope has a sign: downhill it is negative.": np.sqrt(52)},
    )


@checks.of("q5", "the two samples of the example")
def _(s: Submission) -> None:
    X, y, w = np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([1.0, 1.0]), np.array([3.0, 1.0])
    close(
        s.cost_gradient(w, X, y),
        [2, 2],
        "Work it out by hand: the errors are 2 and 1; each is multiplied by its row of X.",
        mistakes={
            "The sign is wrong: the error is prediction minus target.": [-2, -2],
            "The cost is a mean: divide by the number of samples.": [4, 4],
            "Half of it is right: the derivative of a square has a factor 2.": [1, 1],
        },
    )


@checks.of("q5", "more samples than weights")
def _(s: Submission) -> None:
    X = np.array([[1.0, 2.0], [3.0, -1.0], [0.0, 1.0], [2.0, 2.0]])
    y, w = np.array([1.0, 0.0, 2.0, -1.0]), np.array([0.5, -1.0])
    gradient = s.cost_gradient(w, X, y)
    total = np.array([2 * np.sum(X[:, j] * (X @ w - y)) for j in range(2)])
    shape(
        gradient, (2,), "One number for each weight is wanted: sum over the samples, which are the rows of X."
    )
    close(
        gradient,
        total / 4,
        "Multiply each error by its row of X, and take the mean of that over the rows.",
        mistakes={
            "Divide by the number of samples, 4 here, not by the number of weights.": total / 2,
            "The cost is a mean: divide by the number of samples.": total,
        },
    )


@checks.of("q6", "the first step")
def _(s: Submission) -> None:
    ball = s.HeavyBall(0.1, 0.5)
    close(
        ball.step(np.array([1.0]), np.array([2.0])),
        [0.8],
        "The velocity starts at zero, so the first step is one of plain gradient descent.",
        mistakes={
            "The step goes uphill: subtract the velocity.": [1.2],
            "The gradient enters the velocity as it is: no β and no 1 − β with it.": [0.9],
            "The learning rate plays no part yet.": [-1.0],
        },
    )


@checks.of("q6", "two steps with the same gradient")
def _(s: Submission) -> None:
    ball = s.HeavyBall(0.1, 0.5)
    w = ball.step(np.array([1.0]), np.array([2.0]))
    close(
        ball.step(w, np.array([2.0])),
        [0.5],
        "The second velocity is 0.5 · 2 + 2 = 3.",
        mistakes={
            "The velocity of the first step is forgotten. Keep it on self.": [0.6],
            "The velocity does not fade: multiply the old one by the momentum.": [0.4],
        },
    )


@checks.of("q6", "two balls at once, with weights of shape (2, 3)")
def _(s: Submission) -> None:
    one, other = s.HeavyBall(0.1, 0.9), s.HeavyBall(0.1, 0.9)
    w, gradient = np.ones((2, 3)), np.arange(6.0).reshape(2, 3)
    one.step(w, gradient)
    close(
        other.step(w, gradient),
        w - 0.1 * gradient,
        "A ball at rest moves by the learning rate times the gradient, and each ball has its own velocity.",
        mistakes={
            "The second ball does not start at rest. Each object needs a velocity of its own, "
            "set in __init__.": w - 0.19 * gradient
        },
    )
    unchanged(s, "The result is right, but w itself was changed. w - … makes a new array, w -= … does not.")
