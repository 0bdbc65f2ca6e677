"""The gradient check itself: it finds what is wrong, forgives what is not, and leaves no trace."""

from __future__ import annotations

import numpy as np
import pytest

from nncourse.data import xor
from nncourse.dropout import Dropout
from nncourse.gradient_check import (
    check_derivative,
    check_gradients,
    check_layer,
    numerical_gradient,
)
from nncourse.layers import Elementwise, Layer, Linear, ReLU, Tanh
from nncourse.losses import MeanSquaredError, SoftmaxCrossEntropy
from nncourse.network import MLP, Sequential
from nncourse.normalization import BatchNorm1d, GroupNorm, LayerNorm


def rng(seed=0):
    return np.random.default_rng(seed)


class ReluDerivedOnItsOutput(Elementwise):
    """The mistake of a well-known tutorial: ``outputs >= 0`` is always true."""

    def __init__(self):
        super().__init__(lambda z: np.maximum(z, 0), lambda z: np.ones_like(z))


class DropoutThatForgetsItsMask(Dropout):
    def backward(self, grad):
        return grad


class LinearWithoutBatchSum(Linear):
    def backward_params(self, grad):
        super().backward_params(grad)
        self.grads["b"] = grad[0]


@pytest.mark.parametrize(
    ("layer", "culprit"),
    [
        (ReluDerivedOnItsOutput(), "inputs"),
        (DropoutThatForgetsItsMask(0.5, rng=rng()), "inputs"),
        (LinearWithoutBatchSum(4, 3, rng=rng()), "layer.b"),
    ],
)
def test_a_famous_mistake_is_found_and_named(layer, culprit):
    report = check_layer(layer, rng(1).normal(size=(5, 4)))
    assert not report
    assert report.worst.name == culprit
    assert "FAILED" in str(report)
    assert f"worst is {culprit}" in str(report)
    assert "derived" in str(report) and "measured" in str(report)


def test_a_single_wrong_element_is_found_and_located():
    class OneWrong(Linear):
        def backward_params(self, grad):
            super().backward_params(grad)
            self.grads["W"][2, 1] += 0.01

    report = check_layer(OneWrong(4, 3, rng=rng()), rng(1).normal(size=(5, 4)), directions=0)
    assert report.worst.name == "layer.W"
    assert report.worst.where == (2, 1)
    assert report.worst.derived - report.worst.measured == pytest.approx(0.01, abs=1e-6)


def test_a_kink_at_the_very_point_is_skipped_and_counted():
    inputs = np.array([[0.0, 1.0, -1.0]])
    report = check_layer(ReLU(), inputs)
    assert report.passed
    assert "cross a kink" in str(report)
    assert sum(check.skipped for check in report.checks) >= 1


def test_a_check_that_could_compare_nothing_does_not_pass():
    report = check_layer(ReLU(), np.zeros((1, 1)))
    assert not report.passed
    assert "nothing could be compared" in str(report)


def test_only_directions_can_be_asked_for():
    network = MLP([3, 4, 2], activation="tanh", rng=rng())
    inputs, labels = rng(1).normal(size=(5, 3)), np.array([0, 1, 0, 1, 1])
    report = check_gradients(network, SoftmaxCrossEntropy(), inputs, labels, per_element=False, directions=4)
    assert report.passed
    assert all(check.compared == 4 for check in report.checks)
    assert report.worst.where is None
    failed = check_gradients(
        Sequential([Linear(3, 4, rng=rng()), ReluDerivedOnItsOutput(), Linear(4, 2, rng=rng())]),
        SoftmaxCrossEntropy(),
        inputs,
        labels,
        per_element=False,
    )
    assert "in a random direction" in str(failed)


def test_it_leaves_parameters_masks_buffers_inputs_and_mode_as_they_were():
    dropout = Dropout(0.5, rng=rng(7))
    network = Sequential([Linear(3, 6, rng=rng()), BatchNorm1d(6), dropout, Linear(6, 2, rng=rng())])
    inputs = rng(1).normal(size=(5, 3))
    before, kept = network.state(), inputs.copy()
    state = dropout.rng.bit_generator.state
    assert check_gradients(network, MeanSquaredError(), inputs, np.zeros((5, 2))).passed
    for name, value in network.state().items():
        np.testing.assert_array_equal(value, before[name])
    np.testing.assert_array_equal(inputs, kept)
    assert dropout.rng.bit_generator.state == state
    assert network.training


def test_it_refuses_float32():
    network = MLP([2, 2], rng=rng(), dtype=np.float32)
    inputs = np.ones((1, 2), np.float32)
    with pytest.raises(TypeError, match=r"linear1\.W should be float64 for a gradient check"):
        check_gradients(network, MeanSquaredError(), inputs, inputs)


def test_it_refuses_a_gradient_of_another_shape_or_none():
    class Wrong(Linear):
        def backward_params(self, grad):
            super().backward_params(grad)
            self.grads["W"] = self.grads["W"].T

    class Missing(Linear):
        def backward_params(self, grad):
            super().backward_params(grad)
            del self.grads["b"]

    inputs = rng(1).normal(size=(5, 4))
    with pytest.raises(ValueError, match=r"the gradient of layer\.W should have the shape"):
        check_layer(Wrong(4, 3, rng=rng()), inputs)
    with pytest.raises(ValueError, match=r"grads should have a gradient for layer\.b"):
        check_layer(Missing(4, 3, rng=rng()), inputs)


@pytest.mark.parametrize("seed", range(5))
def test_xor_with_relu_and_biases_of_zero_is_checked_beside_the_kink(seed):
    network = MLP([2, 8, 2], rng=rng(seed))
    before = network.state()
    report = check_gradients(network, SoftmaxCrossEntropy(), *xor(rng=rng()))
    assert report.passed, str(report)
    for name, value in network.state().items():
        np.testing.assert_array_equal(value, before[name])


def test_an_activation_of_your_own_can_say_that_it_has_a_kink():
    inputs = np.array([[1e-6, 2.0, -3.0]])
    assert not check_layer(Elementwise(np.abs, np.sign), inputs)
    report = check_layer(Elementwise(np.abs, np.sign, kinked=True), inputs)
    assert report.passed and report.worst.skipped > 0


@pytest.mark.parametrize("layer", [LayerNorm(4), BatchNorm1d(4), GroupNorm(2, 4)])
def test_its_random_numbers_are_not_those_of_the_inputs(layer):
    assert check_layer(layer, rng(0).normal(size=(6, 4)))
    assert check_layer(layer, rng(0).normal(size=(6, 4)), rng=rng(0))


def test_directions_differ_although_masks_are_wound_back():
    shared = rng()
    layer = Dropout(0.5, rng=shared)
    with_own = check_layer(layer, rng(1).normal(size=(6, 4)), rng=shared)
    assert with_own.passed


def test_settings_reach_the_check_of_a_layer():
    layer, inputs = Tanh(), rng(1).normal(size=(3, 2))
    assert not check_layer(layer, inputs, tolerance=1e-300)
    assert check_layer(layer, inputs, epsilon=0.1).worst.error > check_layer(layer, inputs).worst.error


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epsilon": 0.0}, "epsilon should be a finite number above 0"),
        ({"directions": 0, "per_element": False}, "directions should be a whole number of at least 1"),
        ({"loss": MeanSquaredError("none")}, "loss should have the reduction 'mean' or 'sum'"),
    ],
)
def test_settings_that_measure_nothing_are_refused(settings, message):
    options = {"loss": MeanSquaredError()} | settings
    with pytest.raises(ValueError, match=message):
        check_gradients(MLP([2, 2], rng=rng()), inputs=np.ones((3, 2)), targets=np.ones((3, 2)), **options)


def test_a_gradient_of_nan_is_the_worst():
    class NaN(Linear):
        def backward_params(self, grad):
            super().backward_params(grad)
            self.grads["W"] = self.grads["W"] * np.nan

    report = check_layer(NaN(3, 2, rng=rng()), np.ones((2, 3)), directions=2)
    assert report.worst.name == "layer.W" and report.worst.error == np.inf
    report = check_gradients(
        Sequential([NaN(3, 2, rng=rng())]),
        MeanSquaredError(),
        np.ones((2, 3)),
        np.ones((2, 2)),
        per_element=False,
    )
    assert report.worst.name == "nan1.W"


def test_gradients_that_pile_up_are_refused():
    class PilesUp(Linear):
        def backward_params(self, grad):
            before = self.grads.get("W", 0)
            super().backward_params(grad)
            self.grads["W"] = self.grads["W"] + before

    inputs = rng(1).normal(size=(5, 4))
    with pytest.raises(ValueError, match=r"the gradient of layer\.W should be the same when backward"):
        check_layer(PilesUp(4, 3, rng=rng()), inputs)


def test_the_report_says_what_was_compared_and_what_is_wrong():
    class Doubled(Tanh):
        def backward(self, grad):
            return 2 * super().backward(grad)

    layers = [Linear(4, 3, rng=rng()), Doubled(), Linear(3, 2, rng=rng())]
    report = str(check_gradients(Sequential(layers), MeanSquaredError(), *(np.ones((5, n)) for n in (4, 2))))
    assert "compared: 4 parameters and the inputs" in report
    assert "wrong: linear1.W, linear1.b, inputs" in report
    report = str(check_layer(Tanh(), np.ones((2, 2))))
    assert "compared: 0 parameters and the inputs" in report and "wrong" not in report


def test_not_a_number_fails():
    with np.errstate(invalid="ignore"):
        report = check_derivative(np.sin, lambda z: np.full_like(z, np.nan), np.ones(3))
    assert not report.passed


def test_numerical_gradient_has_the_shape_of_x_and_leaves_it_alone():
    x = np.arange(6.0).reshape(2, 3)
    gradient = numerical_gradient(lambda v: float((v**3).sum()), x)
    np.testing.assert_allclose(gradient, 3 * x**2, atol=1e-8)
    np.testing.assert_array_equal(x, np.arange(6.0).reshape(2, 3))


def test_a_layer_of_your_own_is_checked_in_one_line():
    class Double(Layer):
        def forward(self, inputs):
            return 2 * inputs

        def backward(self, grad):
            return 2 * grad

    assert check_layer(Double(), rng().normal(size=(2, 3)))
