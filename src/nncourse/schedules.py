"""Schedules: the learning rate as a function of how many optimizer steps were taken.

Steps, not epochs: an epoch has as many as there are batches. A schedule is a plain callable,
``schedule(step) -> learning rate``; it does not hold an optimizer. Set ``optimizer.learning_rate =
schedule(step)`` before each step, as `nncourse.training.fit` does.
"""

from __future__ import annotations

import math

from nncourse.arguments import non_negative, positive, whole_number


class Schedule:
    """What all schedules share: called with the number of steps taken, they return η."""

    def __call__(self, step: int) -> float:
        """Return the learning rate after `step` steps; step is a whole number of at least 0."""
        return self.rate(whole_number("step", step, at_least=0))

    def rate(self, step: int) -> float:
        """Return the learning rate; what the subclass defines."""
        raise NotImplementedError(f"{type(self).__name__} has to define rate(step).")


class ConstantRate(Schedule):
    """The same learning rate for ever.

    >>> ConstantRate(0.1)(1000)
    0.1
    """

    def __init__(self, learning_rate: float) -> None:
        self.learning_rate = non_negative("learning_rate", learning_rate)

    def rate(self, step: int) -> float:
        """Return the learning rate."""
        return self.learning_rate


class StepDecay(Schedule):
    """Multiply the learning rate by `factor` every `every` steps: η · factor^⌊step/every⌋.

    >>> [StepDecay(1.0, factor=0.5, every=10)(step) for step in (0, 9, 10, 20)]
    [1.0, 1.0, 0.5, 0.25]
    """

    def __init__(self, learning_rate: float, *, factor: float = 0.1, every: int) -> None:
        self.learning_rate = non_negative("learning_rate", learning_rate)
        self.factor = positive("factor", factor)
        self.every = whole_number("every", every)

    def rate(self, step: int) -> float:
        """Return η · factor^⌊step/every⌋."""
        return self.learning_rate * self.factor ** (step // self.every)


class CosineDecay(Schedule):
    """Half a cosine from η down to `final` over `num_steps` steps, then `final` for ever.

    final + (η − final) (1 + cos(π · step/num_steps)) / 2 (Loshchilov & Hutter 2017, equation 5,
    without restarts).

    >>> [round(CosineDecay(1.0, num_steps=10)(step), 3) for step in (0, 5, 10, 99)]
    [1.0, 0.5, 0.0, 0.0]
    """

    def __init__(self, learning_rate: float, *, num_steps: int, final: float = 0.0) -> None:
        self.learning_rate = non_negative("learning_rate", learning_rate)
        self.num_steps = whole_number("num_steps", num_steps)
        self.final = non_negative("final", final)

    def rate(self, step: int) -> float:
        """Return the point of the cosine."""
        progress = min(step / self.num_steps, 1.0)
        height = (1 + math.cos(math.pi * progress)) / 2
        return self.final + (self.learning_rate - self.final) * height


class WarmUp(Schedule):
    """Climb in a straight line to where another schedule starts, then follow it.

    During the first `num_steps` steps the rate is ``then(0) · (step + 1)/num_steps``; afterwards
    it is ``then(step − num_steps)``. Goyal et al. (2017), section 2.2, climb from a smaller rate above 0.

    Parameters
    ----------
    then : Schedule
        What to follow after the climb.
    num_steps : int
        The length of the climb.

    Examples
    --------
    >>> schedule = WarmUp(ConstantRate(1.0), num_steps=4)
    >>> [schedule(step) for step in range(6)]
    [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    """

    def __init__(self, then: Schedule, *, num_steps: int) -> None:
        if not isinstance(then, Schedule):
            raise TypeError(f"then should be a Schedule, but got {then!r}.")
        self.then = then
        self.num_steps = whole_number("num_steps", num_steps)

    def rate(self, step: int) -> float:
        """Return the rate on the climb, or what follows."""
        if step < self.num_steps:
            return self.then(0) * (step + 1) / self.num_steps
        return self.then(step - self.num_steps)
