"""Optimizers: steps worked out by hand, the two decays, clipping, and steps that change nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nncourse.optimizers import (
    SGD,
    Adam,
    AdamW,
    Momentum,
    Nesterov,
    NonFiniteGradient,
    Optimizer,
    RMSProp,
    clip_by_norm,
    clip_by_value,
    global_norm,
)

ALL = [SGD, Momentum, Nesterov, RMSProp, Adam, AdamW]
RATE = st.floats(1e-4, 0.5)


def descend(optimizer, x, slope, steps):
    """Return x after each step on a function of one number with this slope."""
    x, path = np.array([x]), []
    for _ in range(steps):
        optimizer.step([x], [slope(x)])
        path.append(float(x[0]))
    return path


def test_lr_one_on_4x2_gives_2_minus14_98():
    assert descend(SGD(1.0), 2.0, lambda x: 8 * x, 2) == [-14.0, 98.0]


def test_lr_one_eighth_on_4x2_arrives_in_one_step():
    assert descend(SGD(1 / 8), 2.0, lambda x: 8 * x, 1) == [0.0]


def test_lr_one_quarter_on_4x2_bounces_between_2_and_minus_2():
    assert descend(SGD(0.25), 2.0, lambda x: 8 * x, 4) == [-2.0, 2.0, -2.0, 2.0]


@given(st.floats(0.001, 0.3))
def test_sgd_on_4x2_multiplies_x_by_1_minus_8_lr(rate):
    path = descend(SGD(rate), 2.0, lambda x: 8 * x, 3)
    np.testing.assert_allclose(path, [2 * (1 - 8 * rate) ** t for t in (1, 2, 3)], atol=1e-12)


def test_momentum_accumulates_equal_gradients_to_1_over_1_minus_mu():
    path = descend(Momentum(0.1, 0.9), 0.0, np.ones_like, 300)
    assert path[-2] - path[-1] == pytest.approx(0.1 / (1 - 0.9))


def test_nesterov_by_hand():
    # v: 1, 1.5, 1.75; steps g + mu v: 1.5, 1.75, 1.875
    assert descend(Nesterov(1.0, 0.5), 0.0, np.ones_like, 3) == [-1.5, -3.25, -5.125]


def test_rmsprop_by_hand():
    # s: 0.5 * 4 = 2, then 0.5 * 2 + 0.5 * 4 = 3
    first, second = descend(RMSProp(0.1, 0.5, 1e-12), 0.0, lambda x: np.full_like(x, 2.0), 2)
    assert first == pytest.approx(-0.1 * 2 / math.sqrt(2))
    assert second - first == pytest.approx(-0.1 * 2 / math.sqrt(3))


def test_adam_by_hand():
    rate, b1, b2, eps = 0.1, 0.5, 0.8, 0.01
    x, mean, square = 3.0, 0.0, 0.0
    expected = []
    for t in (1, 2, 3):
        g = 2 * x
        mean, square = b1 * mean + (1 - b1) * g, b2 * square + (1 - b2) * g * g
        corrected, root = mean / (1 - b1**t), math.sqrt(square / (1 - b2**t))
        x -= rate * corrected / (root + eps)
        expected.append(x)
    ours = descend(Adam(rate, b1, b2, eps), 3.0, lambda x: 2 * x, 3)
    np.testing.assert_allclose(ours, expected, rtol=1e-14)


def test_adamw_is_adam_with_decoupled_decay():

    def slope(x):
        return 2 * x + 1

    ours = descend(AdamW(0.1), 3.0, slope, 5)
    assert ours == descend(Adam(0.1, weight_decay=0.01), 3.0, slope, 5)
    assert ours != descend(Adam(0.1), 3.0, slope, 5)


@given(rate=RATE, decay=RATE, x=st.floats(-5, 5), g=st.floats(-5, 5))
def test_l2_and_decoupled_decay_are_the_same_for_sgd(rate, decay, x, g):
    coupled = descend(SGD(rate, l2=decay), x, lambda _: np.array([g]), 3)
    decoupled = descend(SGD(rate, weight_decay=decay), x, lambda _: np.array([g]), 3)
    np.testing.assert_allclose(coupled, decoupled, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", [Momentum, Nesterov, RMSProp, Adam])
def test_l2_and_decoupled_decay_differ_for_every_other_optimizer(kind):

    def slope(x):
        return 2 * (x - 1)

    coupled = descend(kind(0.05, l2=0.3), 3.0, slope, 5)
    decoupled = descend(kind(0.05, weight_decay=0.3), 3.0, slope, 5)
    assert abs(coupled[-1] - decoupled[-1]) > 1e-3


@given(rate=RATE, scale=st.floats(1e-3, 1e3))
def test_the_first_step_of_adam_does_not_depend_on_the_size_of_the_gradient(rate, scale):
    (x,) = descend(Adam(rate, epsilon=1e-12), 0.0, lambda x: np.full_like(x, scale), 1)
    assert x == pytest.approx(-rate)


@pytest.mark.parametrize("kind", ALL)
def test_every_optimizer_finds_the_bottom_of_a_bowl(kind):
    optimizer = kind(learning_rate=0.05)
    params = [np.array([3.0, -2.0]), np.array([[1.0]])]
    for _ in range(600):
        optimizer.step(params, [2 * (p - 1) for p in params])
    for param in params:
        np.testing.assert_allclose(param, 1.0, atol=0.1)
    assert optimizer.num_steps == 600


@pytest.mark.parametrize("kind", ALL)
def test_parameters_change_in_place_and_gradients_not_at_all(kind):
    optimizer = kind(learning_rate=0.1, l2=0.1, weight_decay=0.1)
    param, grad = np.ones(3), np.array([1.0, -2.0, 0.5])
    kept, alias = grad.copy(), param
    for _ in range(3):
        optimizer.step([param], [grad])
    assert alias is param and not np.array_equal(param, np.ones(3))
    np.testing.assert_array_equal(grad, kept)


@pytest.mark.parametrize("kind", ALL)
def test_float32_stays_float32_also_in_the_state(kind):
    optimizer = kind(learning_rate=np.float64(0.1), l2=0.1, weight_decay=0.1)
    param = np.ones(3, np.float32)
    optimizer.step([param], [np.ones(3, np.float32)])
    assert param.dtype == np.float32
    assert all(v.dtype == np.float32 for state in optimizer.state for v in state.values())
    state = optimizer.new_state(param)
    assert optimizer.displacement(np.ones(3, np.float32), state).dtype == np.float32


@pytest.mark.parametrize("kind", ALL)
def test_reset_forgets_everything(kind):
    optimizer = kind(learning_rate=0.1)
    fresh = descend(optimizer, 3.0, lambda x: 2 * x, 4)
    optimizer.reset()
    assert optimizer.num_steps == 0 and optimizer.state == []
    assert descend(optimizer, 3.0, lambda x: 2 * x, 4) == fresh
    optimizer.reset()
    optimizer.step([np.ones((2, 2))], [np.ones((2, 2))])  # other shapes are fine again


def test_the_learning_rate_can_be_set_between_steps():
    optimizer = SGD(1.0)
    x = np.array([0.0])
    optimizer.step([x], [np.array([1.0])])
    optimizer.learning_rate = 0.5
    optimizer.step([x], [np.array([1.0])])
    assert x.tolist() == [-1.5]


def test_a_learning_rate_of_zero_changes_nothing():
    x = np.array([1.0])
    SGD(0.0, weight_decay=0.5).step([x], [np.array([3.0])])
    assert x.tolist() == [1.0]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_gradient_that_is_not_finite_changes_nothing(bad):
    params = [np.ones(2), np.ones(2)]
    optimizer = Momentum(0.1)
    with pytest.raises(NonFiniteGradient, match=r"grads\[1\] should hold finite numbers") as caught:
        optimizer.step(params, [np.ones(2), np.array([0.0, bad])])
    assert caught.value.position == 1
    assert "1 NaN" in str(caught.value) or "1 infinite" in str(caught.value)
    assert all((p == 1).all() for p in params)
    assert optimizer.num_steps == 0


def test_a_huge_but_finite_gradient_is_no_error():
    x = np.array([0.0])
    SGD(1e-300).step([x], [np.array([1e300])])
    assert x.tolist() == [-1.0]


@pytest.mark.parametrize(
    ("params", "grads", "error", "message"),
    [
        ([np.ones(2)], [], ValueError, "grads should have one array for each of the 1 params"),
        (
            [np.ones(2)],
            [np.ones(3)],
            ValueError,
            r"grads\[0\] should have the shape of params\[0\]",
        ),
        ([np.ones(2)], [np.ones(2, np.float32)], TypeError, r"grads\[0\] should have the dtype"),
        ([np.ones(2, int)], [np.ones(2)], TypeError, r"params\[0\] should be an array of float64"),
        ([[1.0]], [np.ones(1)], TypeError, r"params\[0\] should be .* got \[1\.0\] \(list\)"),
        ([np.ones(1)], [1.0], TypeError, r"grads\[0\] should be an array of float64"),
    ],
)
def test_a_step_that_does_not_fit_is_refused(params, grads, error, message):
    optimizer = SGD(0.1)
    with pytest.raises(error, match=message):
        optimizer.step(params, grads)
    assert optimizer.num_steps == 0


def test_other_parameters_than_at_the_first_step_are_refused():
    optimizer = Adam(0.1)
    optimizer.step([np.ones(2)], [np.ones(2)])
    with pytest.raises(ValueError, match="params should have the shapes and dtypes of the first"):
        optimizer.step([np.ones(3)], [np.ones(3)])
    with pytest.raises(ValueError, match=r"Call reset\(\)"):
        optimizer.step([np.ones(2)] * 2, [np.ones(2)] * 2)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("name", ["learning_rate", "l2", "weight_decay"])
def test_negative_settings_are_refused_by_name(kind, name):
    with pytest.raises(ValueError, match=f"{name} should be a finite number of at least 0"):
        kind(**{"learning_rate": 0.1, name: -0.1})


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (Momentum, "momentum"),
        (Nesterov, "momentum"),
        (RMSProp, "decay"),
        (Adam, "beta1"),
        (Adam, "beta2"),
        (AdamW, "beta2"),
    ],
)
def test_fractions_outside_0_1_are_refused(kind, name):
    for bad in (-0.1, 1.0):
        with pytest.raises(ValueError, match=rf"{name} should be a number in \[0, 1\)"):
            kind(0.1, **{name: bad})
    kind(0.1, **{name: 0.0})


@pytest.mark.parametrize("kind", [RMSProp, Adam, AdamW])
def test_epsilon_must_be_above_zero(kind):
    with pytest.raises(ValueError, match="epsilon should be a finite number above 0"):
        kind(0.1, epsilon=0.0)


def test_a_learning_rate_set_to_nonsense_is_refused_and_the_old_one_stays():
    optimizer = SGD(0.1)
    for bad, error in ((-1.0, ValueError), (math.nan, ValueError), ("0.1", TypeError)):
        with pytest.raises(error, match="learning_rate should be"):
            optimizer.learning_rate = bad
    assert optimizer.learning_rate == 0.1


def test_the_documented_defaults():
    assert (RMSProp().learning_rate, RMSProp().decay, RMSProp().epsilon) == (0.01, 0.99, 1e-8)
    for kind in (Adam, AdamW):
        adam = kind()
        assert (adam.learning_rate, adam.beta1, adam.beta2) == (0.001, 0.9, 0.999)
        assert (adam.epsilon, adam.l2) == (1e-8, 0.0)
    assert (Adam().weight_decay, AdamW().weight_decay) == (0.0, 0.01)
    assert Momentum(0.1).momentum == Nesterov(0.1).momentum == 0.9
    assert SGD(0.1).state == [] and SGD(0.1).num_steps == 0


def test_the_base_class_says_what_is_missing():
    with pytest.raises(NotImplementedError, match="Optimizer has to define displacement"):
        Optimizer(0.1).step([np.ones(1)], [np.ones(1)])


def test_clipping_by_norm_keeps_the_direction_and_reaches_the_norm():
    grads = [np.array([3.0, 0.0]), np.array([[0.0, 4.0]])]
    clipped = clip_by_norm(grads, 2.5)
    assert global_norm(clipped) == pytest.approx(2.5)
    np.testing.assert_allclose(clipped[0], [1.5, 0.0])
    np.testing.assert_allclose(clipped[1], [[0.0, 2.0]])
    assert grads[0].tolist() == [3.0, 0.0]


def test_short_gradients_are_not_clipped():
    grads = [np.array([3.0, 4.0])]
    assert clip_by_norm(grads, 5.0)[0] is grads[0]
    assert clip_by_norm(grads, 4.999)[0] is not grads[0]


def test_clipping_by_value_cuts_both_sides():
    (clipped,) = clip_by_value([np.array([-3.0, 0.5, 3.0])], 1.0)
    assert clipped.tolist() == [-1.0, 0.5, 1.0]


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan])
def test_clipping_limits_must_be_above_zero(bad):
    with pytest.raises(ValueError, match="max_norm should be"):
        clip_by_norm([np.ones(1)], bad)
    with pytest.raises(ValueError, match="max_value should be"):
        clip_by_value([np.ones(1)], bad)


def test_clipping_keeps_float32():
    grads = [np.full(4, 10, np.float32)]
    assert clip_by_norm(grads, 1.0)[0].dtype == np.float32
    assert clip_by_value(grads, 1.0)[0].dtype == np.float32


def test_a_parameter_that_cannot_change_is_refused_before_anything_does():
    free, fixed = np.ones(2), np.ones(2)
    fixed.flags.writeable = False
    with pytest.raises(ValueError, match=r"params\[1\] should be an array that can be changed"):
        SGD(0.1).step([free, fixed], [np.ones(2), np.ones(2)])
    assert free.tolist() == [1, 1]


def test_another_dtype_than_at_the_first_step_is_refused():
    adam = Adam(0.1)
    adam.step([np.ones(2)], [np.ones(2)])
    with pytest.raises(ValueError, match=r"dtypes of the first step, \(2,\) float64, but got \(2,\) float32"):
        adam.step([np.ones(2, np.float32)], [np.ones(2, np.float32)])
    with pytest.raises(ValueError, match=r"but got \(2,\) float64, \(1,\) float64\. Call reset\(\)"):
        adam.step([np.ones(2), np.ones(1)], [np.ones(2), np.ones(1)])


def test_large_gradients_are_clipped_and_do_not_vanish():
    (clipped,) = clip_by_norm([np.full(4, 1e20, np.float32)], 1.0)
    np.testing.assert_allclose(clipped, 0.5, rtol=1e-6)
    assert clipped.dtype == np.float32
    assert global_norm([np.zeros(3)]) == global_norm([]) == global_norm([np.zeros((0, 2))]) == 0
    assert global_norm([np.array([3e200]), np.array([4e200])]) == pytest.approx(5e200)
