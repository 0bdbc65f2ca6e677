"""What only the judge checks."""

import numpy as np

from nncourse.exercises.checking import Checks, Submission, close

checks = Checks()


def random(*shape: int) -> np.ndarray:
    """Return the same random numbers every time."""
    return np.random.default_rng(5).normal(size=shape)


@checks.of("q1", "a random array and a negative a")
def _(s: Submission) -> None:
    x = random(3, 2, 4)
    close(s.slope(-1.7, x), -3.4 * x, "The slope of a x² must hold for any a and any shape of x.")


@checks.of("q2", "fifty steps on another parabola")
def _(s: Submission) -> None:
    close(
        s.walk(1.5, -3.0, 0.3, 50), -3.0 * 0.1 ** np.arange(51), "A longer walk on another parabola differs."
    )


@checks.of("q2", "a walk that bounces")
def _(s: Submission) -> None:
    close(s.walk(4, 2.0, 0.25, 5), [2, -2, 2, -2, 2, -2], "On the border the walk goes to and fro for ever.")


@checks.of("q3", "very small and very large a")
def _(s: Submission) -> None:
    for a in (1e-3, 0.7, 3e4):
        close(s.one_step_rate(a), 0.5 / a, "one_step_rate does not hold for every a.", atol=0)
        close(s.largest_rate(a), 1 / a, "largest_rate does not hold for every a.", atol=0)


@checks.of("q4", "in five dimensions, whatever the length of the direction")
def _(s: Submission) -> None:
    gradient, direction = random(2, 5)
    right = float(np.sum(gradient * direction) / np.sqrt(np.sum(direction**2)))
    for length in (1.0, 1e-3, 40.0):
        close(
            s.slope_along(gradient, length * direction), right, "The length of the direction must not matter."
        )


@checks.of("q5", "thirty samples, seven weights")
def _(s: Submission) -> None:
    X, w, y = random(30, 7), random(7), random(30)
    right = np.mean(2 * (X @ w - y)[:, None] * X, axis=0)
    close(s.cost_gradient(w, X, y), right, "The gradient on more data is not right.")


@checks.of("q5", "one sample, and the best weights")
def _(s: Submission) -> None:
    close(
        s.cost_gradient(np.array([1.0]), np.array([[2.0]]), np.array([5.0])),
        [-12],
        "One sample is a mean, too.",
    )
    X, w = random(6, 3), random(3)
    close(s.cost_gradient(w, X, X @ w), np.zeros(3), "Where every prediction is exact the gradient is zero.")


@checks.of("q6", "ten steps with changing gradients", weight=2)
def _(s: Submission) -> None:
    gradients, w, velocity = random(10, 3, 2), np.ones((3, 2)), np.zeros((3, 2))
    ball, mine = s.HeavyBall(0.05, 0.9), np.ones((3, 2))
    for gradient in gradients:
        velocity = 0.9 * velocity + gradient
        w = w - 0.05 * velocity
        mine = ball.step(mine, gradient)
        close(mine, w, "After several steps the ball is elsewhere.")
