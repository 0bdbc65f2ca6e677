"""Initializers, gains and fans; learning-rate schedules."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nncourse import initializers as init
from nncourse.schedules import ConstantRate, CosineDecay, Schedule, StepDecay, WarmUp


def rng():
    return np.random.default_rng(0)


ALL = [
    init.Zeros(),
    init.Constant(0.5),
    init.Normal(),
    init.Uniform(),
    init.XavierNormal(),
    init.XavierUniform(),
    init.KaimingNormal(),
    init.KaimingUniform(),
]


@pytest.mark.parametrize("initializer", ALL, ids=repr)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_shape_dtype_and_seed_are_obeyed(initializer, dtype):
    values = initializer((3, 4), rng(), dtype)
    assert values.shape == (3, 4) and values.dtype == dtype
    np.testing.assert_array_equal(values, initializer((3, 4), rng(), dtype))


def test_float64_is_the_default():
    assert init.Normal()((1, 1), rng()).dtype == np.float64


def test_uniform_numbers_stay_inside_their_bounds():
    values = init.Uniform(-2.0, 3.0)((100, 100), rng())
    assert -2 <= values.min() < -1.9 and 2.9 < values.max() < 3
    assert values.std() == pytest.approx(5 / math.sqrt(12), rel=0.01)
    bound = init.XavierUniform().bound((100, 100))
    values = init.XavierUniform()((100, 100), rng())
    assert 0.99 * bound < np.abs(values).max() < bound


def test_normal_takes_a_standard_deviation_and_a_mean():
    values = init.Normal(std=2.0, mean=5.0)((200, 200), rng())
    assert values.std() == pytest.approx(2, rel=0.02)
    assert values.mean() == pytest.approx(5, rel=0.02)


def test_fans_count_further_axes_into_both():
    assert init.fans((4, 5)) == (4, 5)
    assert init.fans((4, 5, 3, 3)) == (36, 45)


def test_gains():
    assert init.gain("linear") == init.gain("sigmoid") == 1.0
    assert init.gain("tanh") == 5 / 3
    assert init.gain("relu") == math.sqrt(2)
    assert init.gain("leaky_relu", 1.0) == 1.0
    assert init.gain("leaky_relu", 0.0) == math.sqrt(2)


@pytest.mark.parametrize(
    ("activation", "kind", "gain"),
    [
        ("relu", init.KaimingNormal, math.sqrt(2)),
        ("gelu", init.KaimingNormal, math.sqrt(2)),
        ("leaky_relu", init.KaimingNormal, math.sqrt(2 / 1.0001)),
        ("tanh", init.XavierNormal, 5 / 3),
        ("sigmoid", init.XavierNormal, 1.0),
        ("identity", init.XavierNormal, 1.0),
        ("softmax", init.XavierNormal, 1.0),
    ],
)
def test_the_usual_initializer_for_an_activation(activation, kind, gain):
    initializer = init.initializer_for(activation)
    assert type(initializer) is kind
    assert initializer.gain == pytest.approx(gain)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: init.Normal(-1.0), ValueError, "std should be a finite number of at least 0"),
        (lambda: init.Normal(1.0, math.inf), ValueError, "mean should be a finite number"),
        (lambda: init.Uniform(1.0, 0.0), ValueError, "low should be at most high = 0.0, but got 1"),
        (
            lambda: init.Constant("1"),
            TypeError,
            r"value should be a finite number, but got '1' \(str",
        ),
        (lambda: init.XavierNormal(0.0), ValueError, "gain should be a finite number above 0"),
        (lambda: init.XavierUniform(-1.0), ValueError, "gain should be a finite number above 0"),
        (
            lambda: init.KaimingNormal("swish"),
            ValueError,
            "nonlinearity should be one of 'linear',",
        ),
        (lambda: init.KaimingUniform(mode="in"), ValueError, "mode should be one of 'fan_in'"),
        (
            lambda: init.KaimingNormal()((3,), rng()),
            ValueError,
            "shape should have at least two axes",
        ),
        (lambda: init.Zeros()((0, 3), rng()), ValueError, "every entry of shape should be a whole"),
        (
            lambda: init.Zeros()((2.0, 3), rng()),
            TypeError,
            "every entry of shape should be a whole",
        ),
        (lambda: init.Normal()((2, 3), 0), TypeError, r"rng should be a numpy\.random\.Generator"),
        (
            lambda: init.Normal()((2, 3), rng(), int),
            TypeError,
            "dtype should be float64 or float32",
        ),
        (
            lambda: init.Initializer()((2, 3), rng()),
            NotImplementedError,
            "Initializer has to define draw",
        ),
    ],
)
def test_bad_settings_are_refused_in_a_sentence(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_step_decay_falls_at_every_multiple():
    schedule = StepDecay(0.8, factor=0.5, every=3)
    rates = [schedule(step) for step in range(7)]
    assert rates == [0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2]
    assert StepDecay(1.0, every=1)(1) == 0.1


def test_cosine_decay_falls_from_start_to_final_and_stays():
    schedule = CosineDecay(1.0, num_steps=100, final=0.2)
    rates = [schedule(step) for step in range(101)]
    assert rates[0] == 1.0
    assert rates[50] == pytest.approx(0.6)
    assert rates[100] == schedule(500) == pytest.approx(0.2)
    assert (np.diff(rates) < 0).all()


def test_warm_up_climbs_in_equal_steps_and_hands_over():
    schedule = WarmUp(CosineDecay(0.4, num_steps=10), num_steps=4)
    assert [schedule(step) for step in range(4)] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert schedule(4) == 0.4
    assert schedule(9) == CosineDecay(0.4, num_steps=10)(5)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ConstantRate(-1.0), ValueError, "learning_rate should be a finite number of at"),
        (lambda: ConstantRate(1.0)(-1), ValueError, "step should be a whole number of at least 0"),
        (lambda: ConstantRate(1.0)(1.5), TypeError, "step should be a whole number"),
        (
            lambda: StepDecay(1.0, every=0),
            ValueError,
            "every should be a whole number of at least 1",
        ),
        (lambda: StepDecay(-1.0, every=1), ValueError, "learning_rate should be"),
        (
            lambda: StepDecay(1.0, factor=0.0, every=1),
            ValueError,
            "factor should be a finite number",
        ),
        (lambda: CosineDecay(1.0, num_steps=0), ValueError, "num_steps should be a whole number"),
        (lambda: CosineDecay(-1.0, num_steps=1), ValueError, "learning_rate should be"),
        (lambda: CosineDecay(1.0, num_steps=1, final=-1), ValueError, "final should be"),
        (lambda: WarmUp(ConstantRate(1.0), num_steps=0), ValueError, "num_steps should be"),
        (lambda: WarmUp(0.1, num_steps=1), TypeError, "then should be a Schedule, but got 0.1"),
        (lambda: Schedule()(0), NotImplementedError, r"Schedule has to define rate"),
    ],
)
def test_bad_schedules_are_refused_in_a_sentence(call, error, message):
    with pytest.raises(error, match=message):
        call()
