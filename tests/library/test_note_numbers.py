"""The numbers of the source note, and the places where it is loose."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nncourse.activations import normal_cdf, sigmoid_derivative, softmax
from nncourse.dropout import Dropout, DropoutScaledByP, DropoutScaledInUse
from nncourse.information import cross_entropy, entropy, kl_divergence, self_information
from nncourse.initializers import Constant, KaimingNormal, XavierNormal, XavierUniform, Zeros
from nncourse.losses import MeanSquaredError, SoftmaxCrossEntropy
from nncourse.network import MLP
from nncourse.optimizers import SGD

LABEL, PREDICTION = [0, 0, 1, 0], [0.05, 0.1, 0.7, 0.15]


def test_mse_of_1_2_and_1p5_1p5_is_a_quarter():
    assert MeanSquaredError().forward(np.array([[1.5, 1.5]]), np.array([[1.0, 2.0]])) == 0.25


def test_cross_entropy_of_the_frog_is_0p3567():
    assert float(cross_entropy(LABEL, PREDICTION)) == pytest.approx(0.3567, abs=5e-5)
    assert round(float(cross_entropy(LABEL, PREDICTION)), 2) == 0.36
    scores = np.log([PREDICTION])
    assert SoftmaxCrossEntropy().forward(scores, np.array([2])) == pytest.approx(0.356675, abs=1e-6)


def test_the_logarithm_is_natural():
    assert float(self_information(0.7)) == pytest.approx(-math.log(0.7))
    assert float(cross_entropy(LABEL, PREDICTION, base=10)) == pytest.approx(0.1549, abs=5e-5)


def test_softmax_of_2_1_0p1():
    assert softmax([2.0, 1.0, 0.1]).round(3).tolist() == [0.659, 0.242, 0.099]
    assert softmax([2.0, 1.0, 0.1]).round(1).tolist() == [0.7, 0.2, 0.1]


def test_cross_entropy_is_entropy_plus_kl_and_kl_is_not_symmetric():
    p, q = [0.1, 0.2, 0.6, 0.1], PREDICTION
    both = float(entropy(p) + kl_divergence(p, q))
    assert float(cross_entropy(p, q)) == pytest.approx(both)
    assert float(kl_divergence(p, q)) != pytest.approx(float(kl_divergence(q, p)), rel=0.01)


def test_three_sigma_rule():
    inside = [100 * float(normal_cdf(k) - normal_cdf(-k)) for k in (1, 2, 3)]
    assert [round(x, 2) for x in inside] == [68.27, 95.45, 99.73]


@pytest.mark.parametrize(("a", "b"), [(4, 5), (5, 3), (784, 256)])
def test_xavier_bound_and_standard_deviation(a, b):
    bound = XavierUniform().bound((a, b))
    assert bound == pytest.approx(math.sqrt(6 / (a + b)))
    assert (2 * bound) / math.sqrt(12) == pytest.approx(math.sqrt(2 / (a + b)))
    assert XavierNormal().std((a, b)) == pytest.approx(math.sqrt(2 / (a + b)))
    assert KaimingNormal().std((a, b)) == pytest.approx(math.sqrt(2 / a))


def test_dropout_of_0p2_gives_80_in_training_and_20_by_the_notes_rule():
    ones = np.ones((10_000, 100))
    for rule, in_training, in_use in (
        (DropoutScaledByP, 80, 20),
        (DropoutScaledInUse, 80, 80),
        (Dropout, 100, 100),
    ):
        layer = rule(0.2, rng=np.random.default_rng(0))
        assert layer.forward(ones).sum(axis=1).mean() == pytest.approx(in_training, abs=0.3)
        layer.training = False
        np.testing.assert_allclose(layer.forward(ones).sum(axis=1), in_use)


def test_p_of_one_half_hides_the_notes_mistake():
    rules = [rule(0.5, rng=np.random.default_rng(0)) for rule in (DropoutScaledByP, DropoutScaledInUse)]
    assert rules[0].use_factor() == rules[1].use_factor() == 0.5


def test_the_slope_of_sigmoid_is_at_most_a_quarter_and_ten_of_them_nearly_vanish():
    assert float(sigmoid_derivative(0)) == 0.25
    assert float(sigmoid_derivative(0)) ** 10 == pytest.approx(9.5e-7, rel=0.01)


@pytest.mark.parametrize(
    ("rate", "verdict"),
    [(0.1, "converges"), (0.24, "converges"), (0.25, "bounces"), (0.26, "diverges")],
)
def test_the_four_learning_rates_on_4x2(rate, verdict):
    x, sgd = np.array([2.0]), SGD(rate)
    for _ in range(200):
        sgd.step([x], [8 * x])
    size = abs(float(x[0]))
    assert {"converges": size < 1e-3, "bounces": size == 2.0, "diverges": size > 1e3}[verdict]


def train_constant(weight_init, steps=20):
    rng = np.random.default_rng(0)
    network = MLP([4, 5, 3], activation="tanh", weight_init=weight_init, rng=rng)
    X, y = rng.normal(size=(12, 4)), rng.integers(0, 3, 12)
    loss, sgd = SoftmaxCrossEntropy(), SGD(0.5)
    for _ in range(steps):
        loss.forward(network.forward(X), y)
        network.backward(loss.backward())
        sgd.step(list(network.params.values()), list(network.grads.values()))
    return network


def test_zero_weights_in_a_tanh_net_get_gradients_of_exactly_zero():
    network = train_constant(Zeros())
    for name in ("linear1.W", "linear2.W", "linear1.b"):
        assert not network.params[name].any()
    assert network.params["linear2.b"].any()


def test_constant_weights_keep_all_hidden_units_identical():
    network = train_constant(Constant(0.3))
    W = network.params["linear1.W"]
    np.testing.assert_allclose(W, np.repeat(W[:, :1], 5, axis=1), rtol=1e-12, atol=1e-15)
    assert not np.allclose(W, 0.3)


def test_without_activation_layers_collapse_into_one():
    rng = np.random.default_rng(0)
    network = MLP([4, 5, 3], activation="identity", rng=rng)
    params = network.params
    for name, param in params.items():
        if name.endswith("b"):
            param += rng.normal(size=param.shape)
    X = rng.normal(size=(6, 4))
    W = params["linear1.W"] @ params["linear2.W"]
    b = params["linear1.b"] @ params["linear2.W"] + params["linear2.b"]
    np.testing.assert_allclose(network.forward(X), X @ W + b, rtol=1e-12)
