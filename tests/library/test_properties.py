"""Facts that hold for all inputs, tried on many (hypothesis), and signals through depth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nncourse.activations import ACTIVATIONS, log_softmax, logsumexp, sigmoid, softmax
from nncourse.dropout import Dropout, DropoutScaledInUse
from nncourse.information import cross_entropy, entropy, kl_divergence
from nncourse.initializers import KaimingNormal, KaimingUniform, Normal, XavierNormal, XavierUniform
from nncourse.losses import BinaryCrossEntropy, SoftmaxCrossEntropy
from nncourse.neurons import Perceptron

SCORE = st.floats(-50, 50)
SCORES = arrays(np.float64, (3, 4), elements=SCORE)
PROBABILITIES = arrays(np.float64, (3, 4), elements=st.floats(0.001, 1)).map(
    lambda p: p / p.sum(axis=1, keepdims=True)
)


@given(SCORES, SCORE)
def test_softmax_does_not_change_when_all_scores_shift(z, shift):
    np.testing.assert_allclose(softmax(z + shift), softmax(z), rtol=1e-10, atol=1e-300)


@given(arrays(np.float64, (2, 5), elements=st.floats(-1e4, 1e4)))
def test_softmax_is_non_negative_and_sums_to_one(z):
    p = softmax(z)
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-14)


@given(SCORES)
def test_log_softmax_is_the_logarithm_of_softmax(z):
    np.testing.assert_allclose(np.exp(log_softmax(z)), softmax(z), rtol=1e-12)


@given(SCORES)
def test_logsumexp_lies_between_the_maximum_and_the_maximum_plus_log_k(z):
    value, largest = logsumexp(z).ravel(), z.max(axis=1)
    assert (value >= largest).all()
    assert (value <= largest + math.log(4) + 1e-12).all()


@given(st.floats(-1e4, 1e4))
def test_sigmoid_of_minus_z_is_one_minus_sigmoid(z):
    assert sigmoid(-z) == pytest.approx(1 - sigmoid(z), abs=1e-15)


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_no_activation_overflows_or_warns_at_1e4(name, dtype):
    z = np.array([-1e4, -800, -90, 0, 90, 800, 1e4], dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        for function in (ACTIVATIONS[name].function, ACTIVATIONS[name].derivative):
            values = function(z)
            assert np.isfinite(values).all()
            assert values.dtype == dtype


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_no_loss_from_logits_overflows_at_1e4(dtype):
    z = np.array([[-1e4, 1e4], [1e4, -1e4]], dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        loss = SoftmaxCrossEntropy(reduction="none")
        assert loss.forward(z, np.array([1, 1])).tolist() == [0.0, 2e4]
        assert loss.backward().tolist() == [[0.0, 0.0], [1.0, -1.0]]
        binary = BinaryCrossEntropy(reduction="none")
        assert binary.forward(z, np.ones((2, 2), dtype)).tolist() == [[1e4, 0], [0, 1e4]]
        assert binary.backward().tolist() == [[-1.0, 0.0], [0.0, -1.0]]


@given(PROBABILITIES, PROBABILITIES)
def test_cross_entropy_is_at_least_entropy_and_the_gap_is_kl(p, q):
    gap = cross_entropy(p, q) - entropy(p)
    assert (gap >= -1e-12).all()
    np.testing.assert_allclose(kl_divergence(p, q), gap, atol=1e-12)
    assert (kl_divergence(p, q) >= 0).all()


@given(PROBABILITIES)
def test_kl_of_a_distribution_with_itself_is_zero(p):
    np.testing.assert_allclose(kl_divergence(p, p), 0, atol=1e-15)


@given(PROBABILITIES)
def test_entropy_lies_between_zero_and_log_k(p):
    assert (entropy(p) >= 0).all()
    assert (entropy(p) <= math.log(4) + 1e-12).all()


@given(PROBABILITIES, SCORES)
def test_the_loss_from_logits_is_the_cross_entropy_of_softmax(p, z):
    loss = SoftmaxCrossEntropy(reduction="none").forward(z / 10, p)
    np.testing.assert_allclose(loss, cross_entropy(p, softmax(z / 10)), rtol=1e-10)


@given(SCORE)
def test_binary_cross_entropy_is_softmax_cross_entropy_with_scores_0_and_z(z):
    binary = BinaryCrossEntropy().forward(np.array([[z]]), np.array([[1.0]]))
    both = SoftmaxCrossEntropy().forward(np.array([[0.0, z]]), np.array([1]))
    assert binary == pytest.approx(both, rel=1e-12, abs=1e-13)


@settings(deadline=None, max_examples=25)
@given(p=st.floats(0, 0.95), seed=st.integers(0, 2**32 - 1))
def test_dropout_keeps_the_expected_activation(p, seed):
    n = 200_000
    layer = Dropout(p, rng=np.random.default_rng(seed))
    mean = layer.forward(np.ones((1, n))).mean()
    standard_error = math.sqrt(p / (1 - p) / n)
    assert abs(mean - 1) <= 6 * standard_error + 1e-12


def moment(initializer, activation, depth=50, width=512, batch=64, seed=0):
    """Return the second moment of the signal behind each layer, for inputs of second moment 1."""
    rng = np.random.default_rng(seed)
    h = rng.normal(size=(batch, width))
    moments = []
    for _ in range(depth):
        h = ACTIVATIONS[activation].function(h @ initializer((width, width), rng))
        moments.append(float((h**2).mean()))
    return np.array(moments)


@pytest.mark.parametrize("initializer", [KaimingNormal(), KaimingUniform()])
def test_kaiming_keeps_the_second_moment_through_50_relu_layers(initializer):
    # Each layer brings a random factor of about 1 ± sqrt(5/width), so that one draw of 50 layers strays by
    # about exp(0.6) at this width; the typical (geometric) mean of four draws strays by half of that.
    draws = [moment(initializer, "relu", width=768, batch=16, seed=seed) for seed in range(4)]
    moments = np.exp(np.log(draws).mean(axis=0))
    assert (moments > 0.5).all() and (moments < 2).all()


@pytest.mark.parametrize("initializer", [XavierNormal(), XavierUniform()])
def test_xavier_keeps_the_second_moment_through_50_linear_layers(initializer):
    moments = moment(initializer, "identity")
    assert (moments > 0.5).all() and (moments < 2).all()


def test_xavier_with_gain_5_3_settles_tanh_at_a_steady_level_of_about_0_65():
    level = np.sqrt(moment(XavierNormal(5 / 3), "tanh"))
    assert level[-1] == pytest.approx(0.65, abs=0.02)
    assert np.ptp(level[10:]) < 0.02


def test_xavier_with_gain_1_lets_tanh_fade_to_about_0_10():
    level = np.sqrt(moment(XavierNormal(), "tanh"))
    assert level[-1] == pytest.approx(0.10, abs=0.02)
    assert (np.diff(level[::10]) < 0).all()


@pytest.mark.parametrize(
    ("initializer", "std"),
    [
        (Normal(0.01), 0.01),
        (XavierNormal(), math.sqrt(2 / 700)),
        (XavierUniform(), math.sqrt(2 / 700)),
        (KaimingNormal(), math.sqrt(2 / 300)),
        (KaimingUniform(), math.sqrt(2 / 300)),
        (KaimingNormal(mode="fan_out"), math.sqrt(2 / 400)),
        (KaimingNormal("linear", mode="fan_avg"), math.sqrt(2 / 700)),
    ],
)
def test_drawn_weights_have_the_promised_standard_deviation(initializer, std):
    weights = initializer((300, 400), np.random.default_rng(0))
    assert weights.std() == pytest.approx(std, rel=0.01)
    assert abs(weights.mean()) < 5 * std / math.sqrt(weights.size)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), rate=st.floats(0.01, 10))
def test_the_perceptron_converges_on_separable_data(seed, rate):
    rng = np.random.default_rng(seed)
    w, b = rng.normal(size=2), rng.normal()
    X = rng.uniform(-2, 2, size=(200, 2))
    distance = (X @ w + b) / np.linalg.norm(w)
    X = X[np.abs(distance) > 0.2]  # a gap, so that Novikoff's bound is small
    y = (X @ w + b > 0).astype(int)
    unit = Perceptron(2, learning_rate=rate)
    assert unit.fit(X, y, max_epochs=2000)
    np.testing.assert_array_equal(unit.predict(X), y)
    num_updates = sum(step.error != 0 for step in unit.history)
    radius_squared = (X**2).sum(axis=1).max() + 1
    margin = np.abs(X @ w + b).min() / math.hypot(*w, b)
    assert num_updates <= radius_squared / margin**2  # Novikoff 1962


def test_the_learning_rate_of_a_perceptron_from_zero_changes_no_output():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 2)), rng.integers(0, 2, 30)
    slow, fast = Perceptron(2, 0.25), Perceptron(2, 4.0)
    slow.fit(X, y, max_epochs=5)
    fast.fit(X, y, max_epochs=5)
    assert [step.error for step in slow.history] == [step.error for step in fast.history]


@settings(deadline=None, max_examples=20)
@given(p=st.floats(0, 0.95))
def test_the_historic_right_rule_has_the_same_mean_in_training_and_in_use(p):
    layer = DropoutScaledInUse(p, rng=np.random.default_rng(0))
    ones = np.ones((1, 100_000))
    trained = layer.forward(ones).mean()
    layer.training = False
    assert layer.forward(ones).mean() == pytest.approx(trained, abs=0.01)
