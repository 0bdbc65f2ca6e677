"""The layers that behave differently in training and in use, and their relatives."""

from __future__ import annotations

import numpy as np
import pytest

from nncourse.dropout import Dropout, DropoutScaledByP, DropoutScaledInUse
from nncourse.normalization import BatchNorm1d, GroupNorm, InstanceNorm1d, LayerNorm


def rng(seed=0):
    return np.random.default_rng(seed)


X = rng(5).normal(2.0, 3.0, size=(6, 4, 5))


def test_dropout_draws_a_new_mask_every_time_and_uses_it_on_the_way_back():
    layer = Dropout(0.5, rng=rng())
    ones = np.ones((1, 50))
    first = layer.forward(ones)
    np.testing.assert_array_equal(layer.backward(ones), first)
    assert not np.array_equal(layer.forward(ones), first)
    assert set(np.unique(first)) == {0.0, 2.0}


def test_dropout_in_use_does_nothing_and_draws_nothing():
    layer = Dropout(0.5, rng=rng())
    layer.training = False
    state = layer.rng.bit_generator.state
    np.testing.assert_array_equal(layer.forward(X), X)
    np.testing.assert_array_equal(layer.backward(X), X)
    assert layer.rng.bit_generator.state == state


def test_dropout_zero_keeps_everything():
    np.testing.assert_array_equal(Dropout(0.0, rng=rng()).forward(X), X)


@pytest.mark.parametrize(
    ("rule", "in_training", "in_use"),
    [(Dropout, 1.25, 1.0), (DropoutScaledInUse, 1.0, 0.8), (DropoutScaledByP, 1.0, 0.2)],
)
def test_the_factors_of_the_three_rules_at_p_0p2(rule, in_training, in_use):
    layer = rule(0.2, rng=rng())
    ones = np.ones((1, 1000))
    assert set(np.unique(layer.forward(ones))) == {0.0, in_training}
    layer.training = False
    np.testing.assert_allclose(layer.forward(ones), in_use)
    np.testing.assert_allclose(layer.backward(ones), in_use)


def test_dropout_drops_the_promised_share():
    kept = Dropout(0.3, rng=rng()).forward(np.ones((1, 100_000))) > 0
    assert kept.mean() == pytest.approx(0.7, abs=0.01)


def test_dropout_is_reproducible_from_a_seed():
    a, b = (Dropout(0.5, rng=rng(3)).forward(X) for _ in range(2))
    np.testing.assert_array_equal(a, b)


NORMS = [
    (BatchNorm1d(4), (0, 2)),
    (LayerNorm((4, 5)), (1, 2)),
    (InstanceNorm1d(4), (2,)),
]


@pytest.mark.parametrize(("layer", "axes"), NORMS)
def test_the_cells_that_share_statistics_get_mean_0_and_variance_1(layer, axes):
    outputs = layer.forward(X)
    np.testing.assert_allclose(outputs.mean(axis=axes), 0, atol=1e-12)
    variance = X.var(axis=axes)
    np.testing.assert_allclose(outputs.var(axis=axes), variance / (variance + 1e-5))


def test_group_norm_shares_over_the_channels_of_a_group():
    outputs = GroupNorm(2, 4).forward(X)
    for first, last in ((0, 2), (2, 4)):
        np.testing.assert_allclose(outputs[:, first:last].mean(axis=(1, 2)), 0, atol=1e-12)
    assert abs(outputs[:, 0].mean(axis=1)).max() > 0.01


def test_group_norm_with_one_group_is_layer_norm_and_with_c_groups_instance_norm():
    np.testing.assert_allclose(GroupNorm(1, 4).forward(X), LayerNorm((4, 5)).forward(X))
    np.testing.assert_allclose(GroupNorm(4, 4).forward(X), InstanceNorm1d(4).forward(X))


@pytest.mark.parametrize(
    "make",
    [
        lambda **settings: BatchNorm1d(4, **settings),
        lambda **settings: LayerNorm((4, 5), **settings),
        lambda **settings: GroupNorm(2, 4, **settings),
        lambda **settings: InstanceNorm1d(4, **settings),
    ],
)
def test_epsilon_and_dtype_reach_every_normalization(make):
    same = np.full((3, 4, 5), 2.0)
    same[:, :, 0] = 7.0  # each row of five has mean 3 and variance 4
    outputs = make(epsilon=12.0).forward(same)
    np.testing.assert_allclose(np.unique(outputs), [-0.25, 1.0])
    single = make(dtype=np.float32)
    assert {array.dtype for array in [*single.params.values(), *single.buffers.values()]} == {
        np.dtype(np.float32)
    }
    assert single.forward(same.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("layer", [LayerNorm((4, 5)), GroupNorm(2, 4), InstanceNorm1d(4)])
def test_all_but_batch_norm_treat_each_sample_by_itself(layer):
    together = layer.forward(X)
    alone = np.vstack([layer.forward(row[None]) for row in X])
    np.testing.assert_allclose(together, alone)
    layer.training = False
    np.testing.assert_array_equal(layer.forward(X), together)
    layer.training = True


def test_gamma_scales_and_beta_shifts_each_channel():
    layer = BatchNorm1d(4)
    plain = layer.forward(X)
    layer.params["gamma"][...] = [1, 2, 3, 4]
    layer.params["beta"][...] = [0, 0, 0, 7]
    expected = plain * np.array([1, 2, 3, 4])[:, None] + np.array([0, 0, 0, 7])[:, None]
    np.testing.assert_allclose(layer.forward(X), expected)


def test_running_statistics_follow_the_batches():
    layer = BatchNorm1d(4, momentum=0.25)
    mean, variance = np.zeros(4), np.ones(4)
    for seed in range(3):
        batch = rng(seed).normal(seed, 2.0, size=(8, 4))
        layer.forward(batch)
        mean = 0.75 * mean + 0.25 * batch.mean(axis=0)
        variance = 0.75 * variance + 0.25 * batch.var(axis=0, ddof=1)
    np.testing.assert_allclose(layer.buffers["running_mean"], mean)
    np.testing.assert_allclose(layer.buffers["running_var"], variance)


def test_in_use_running_statistics_stand_in_and_stay_as_they_are():
    layer = BatchNorm1d(2)
    layer.buffers["running_mean"][...] = [1.0, 2.0]
    layer.buffers["running_var"][...] = [4.0, 9.0]
    layer.training = False
    outputs = layer.forward(np.array([[3.0, 5.0]]))
    np.testing.assert_allclose(outputs, [[1.0, 1.0]], atol=1e-5)
    assert layer.buffers["running_mean"].tolist() == [1.0, 2.0]


def test_a_backward_pass_belongs_to_the_mode_of_its_forward_pass():
    layer = BatchNorm1d(4)
    grad = rng().normal(size=X.shape)
    layer.forward(X)
    expected = layer.backward(grad)
    layer.forward(X)
    layer.training = False
    np.testing.assert_array_equal(layer.backward(grad), expected)


def test_in_the_long_run_the_running_statistics_are_those_of_the_data():
    layer = BatchNorm1d(3)
    generator = rng()
    for _ in range(400):
        layer.forward(generator.normal(5.0, 2.0, size=(64, 3)))
    np.testing.assert_allclose(layer.buffers["running_mean"], 5, atol=0.3)
    np.testing.assert_allclose(layer.buffers["running_var"], 4, atol=0.6)


@pytest.mark.parametrize(
    ("layer", "inputs", "message"),
    [
        (BatchNorm1d(4), np.ones((1, 4)), "at least two numbers in training"),
        (BatchNorm1d(4), np.ones((1, 4, 1)), "at least two numbers in training"),
        (
            BatchNorm1d(4),
            np.ones((3, 5)),
            r"should have the shape \(batch_size, 4\), but got \(3, 5\)",
        ),
        (
            BatchNorm1d(4),
            np.ones((3, 5, 2)),
            r"the shape \(batch_size, 4, any\), but got \(3, 5, 2\)",
        ),
        (BatchNorm1d(4), np.ones((3, 4, 2, 2)), r"should have the shape \(batch_size, 4\)"),
        (BatchNorm1d(4), np.ones((0, 4)), "at least one row"),
        (LayerNorm(4), np.ones((3, 5)), r"should have the shape \(batch_size, 4\)"),
        (LayerNorm((4, 5)), np.ones((3, 4)), r"should have the shape \(batch_size, 4, 5\)"),
        (GroupNorm(2, 4), np.ones((3, 2)), r"should have the shape \(batch_size, 4\)"),
        (InstanceNorm1d(4), np.ones((3, 4)), r"should have the shape \(batch_size, 4, any\)"),
        (
            GroupNorm(4, 4),
            np.ones((3, 4)),
            r"at least two numbers in each of the 4 groups.*got the shape \(3, 4\)",
        ),
        (GroupNorm(4, 4), np.ones((3, 4, 1)), "at least two numbers in each of the 4 groups"),
        (InstanceNorm1d(4), np.ones((3, 4, 1)), "at least two numbers in each of the 4 groups"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(layer, inputs, message):
    with pytest.raises(ValueError, match=f"inputs of {type(layer).__name__} .*{message}"):
        layer.forward(inputs)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BatchNorm1d(0), "num_channels should be a whole number"),
        (lambda: BatchNorm1d(3, momentum=1.0), r"momentum should be a number in \[0, 1\)"),
        (lambda: BatchNorm1d(3, epsilon=0), "epsilon should be a finite number above 0"),
        (lambda: GroupNorm(3, 4), "num_groups should divide num_channels = 4, but got 3"),
        (lambda: GroupNorm(0, 4), "num_groups should be a whole number of at least 1"),
        (lambda: LayerNorm((4, 0)), "every entry of shape should be a whole number"),
        (lambda: LayerNorm((1, 1)), r"shape should have at least two features.*got \(1, 1\)"),
    ],
)
def test_settings_that_make_no_sense_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("layer", "fitting", "other"),
    [
        (BatchNorm1d(4), (4,), (5,)),
        (LayerNorm((4, 5)), (4, 5), (4,)),
        (GroupNorm(2, 4), (4, 3), (3, 4)),
        (InstanceNorm1d(4), (4, 3), (4,)),
    ],
)
def test_a_summary_refuses_a_shape_that_does_not_fit(layer, fitting, other):
    assert layer.output_shape(fitting) == fitting
    with pytest.raises(ValueError, match=f"inputs of {type(layer).__name__} should have the shape"):
        layer.output_shape(other)


def test_the_documented_defaults():
    layer = BatchNorm1d(3)
    assert (layer.momentum, layer.epsilon) == (0.1, 1e-5)
    assert GroupNorm(1, 3).epsilon == LayerNorm(3).epsilon == InstanceNorm1d(3).epsilon == 1e-5


def test_a_normalization_of_your_own_has_to_say_which_inputs_and_axes():
    from nncourse.normalization import _Normalization

    bare = _Normalization((2,), 1e-5, np.float64)
    for call in (lambda: bare._check_inputs("inputs", X), lambda: bare._axes(X)):
        with pytest.raises(NotImplementedError):
            call()
