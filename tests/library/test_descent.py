"""Gradient descent on functions that can be drawn."""

from __future__ import annotations

import numpy as np
import pytest

from nncourse.descent import (
    Landscape,
    descend,
    difference_quotient,
    directional_derivative,
    hill,
    parabola,
    ravine,
)
from nncourse.optimizers import SGD, Momentum

LANDSCAPES = {"parabola": (parabola(4.0), 1), "ravine": (ravine(30.0), 2), "hill": (hill(4.0), 2)}


@pytest.mark.parametrize("name", LANDSCAPES)
def test_gradient_of_each_landscape_agrees_with_central_differences(name: str) -> None:
    landscape, dimension = LANDSCAPES[name]
    points = np.random.default_rng(0).uniform(-2, 2, (20, dimension))
    for axis in np.eye(dimension):
        step = 1e-5 * axis
        measured = (landscape.value(points + step) - landscape.value(points - step)) / 2e-5
        np.testing.assert_allclose(landscape.gradient(points) @ axis, measured, rtol=1e-7, atol=1e-9)


def test_lr_one_on_4x2_gives_2_minus14_98() -> None:
    path = descend(parabola(4.0).gradient, [2.0], SGD(1.0), 2)
    assert path.tolist() == [[2.0], [-14.0], [98.0]]
    assert parabola(4.0).value(path).tolist() == [16.0, 784.0, 38416.0]


@pytest.mark.parametrize("learning_rate", [0.001, 0.1, 0.125, 0.24, 0.25, 0.26, 1.1])
def test_iterates_on_4x2_are_powers_of_one_minus_eight_lr(learning_rate: float) -> None:
    path = descend(parabola(4.0).gradient, [2.0], SGD(learning_rate), 10)[:, 0]
    np.testing.assert_allclose(path, 2 * (1 - 8 * learning_rate) ** np.arange(11), atol=1e-12)


def test_condition_of_the_ravine_is_the_ratio_of_its_curvatures() -> None:
    slopes = ravine(30.0).gradient(np.array([1.0, 1.0]))
    assert slopes[1] / slopes[0] == pytest.approx(30.0)


def test_descend_takes_no_step_when_asked_for_none_and_keeps_the_start() -> None:
    start = np.array([3.0, 4.0])
    path = descend(ravine(5.0).gradient, start, Momentum(0.5, 0.9), 0)
    np.testing.assert_array_equal(path, [start])
    descend(ravine(5.0).gradient, start, SGD(0.5), 3)
    assert start.tolist() == [3.0, 4.0]


def test_direction_of_the_gradient_is_the_steepest_and_its_length_the_slope() -> None:
    gradient = np.array([4.0, 6.0])
    angles = np.linspace(0, 2 * np.pi, 721)
    slopes = [directional_derivative(gradient, [np.cos(a), np.sin(a)]) for a in angles]
    assert max(slopes) <= np.linalg.norm(gradient) + 1e-12
    assert directional_derivative(gradient, gradient) == pytest.approx(np.linalg.norm(gradient))
    assert directional_derivative(gradient, [-3, 2]) == 0


def test_difference_quotient_of_4x2_is_8x_plus_4h() -> None:
    for h in (1.0, -0.5, 1e-3):
        assert difference_quotient(lambda x: 4 * x**2, 2.0, h) == pytest.approx(16 + 4 * h)


def test_what_does_not_fit_is_refused_in_a_sentence() -> None:
    flat = Landscape(lambda p: p[..., 0], lambda p: np.ones(3))
    with pytest.raises(ValueError, match="gradient has shape"):
        descend(flat.gradient, [1.0], SGD(0.1), 1)
    with pytest.raises(ValueError, match="num_steps"):
        descend(parabola().gradient, [1.0], SGD(0.1), -1)
    with pytest.raises(ValueError, match="condition"):
        ravine(0.5)
    with pytest.raises(ValueError, match="zero vector"):
        directional_derivative([1.0, 2.0], [0.0, 0.0])
    with pytest.raises(ValueError, match="h must not be 0"):
        difference_quotient(np.square, 1.0, 0.0)
