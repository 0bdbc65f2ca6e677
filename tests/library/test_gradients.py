"""Every derivative against central differences in float64, relative error at most 1e-7."""

from __future__ import annotations

import numpy as np
import pytest

from nncourse import layers, losses, normalization
from nncourse.activations import ACTIVATIONS, softmax, softmax_derivative
from nncourse.dropout import Dropout, DropoutScaledByP, DropoutScaledInUse
from nncourse.gradient_check import (
    check_derivative,
    check_gradients,
    check_layer,
    numerical_gradient,
)
from nncourse.network import MLP, Sequential
from nncourse.regularizers import L1, L2, ElasticNet


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_derivative_of_every_activation(name):
    z = np.concatenate([np.linspace(-6, -0.01, 60), np.linspace(0.01, 6, 60)])
    report = check_derivative(ACTIVATIONS[name].function, ACTIVATIONS[name].derivative, z)
    assert report.passed, str(report)


@pytest.mark.parametrize("k", [1, 2, 7])
def test_jacobian_of_softmax(k):
    z = rng(k).normal(size=k)
    measured = np.stack([numerical_gradient(lambda x, i=i: softmax(x)[i], z) for i in range(k)])
    assert np.abs(measured - softmax_derivative(z)).max() < 1e-10


ROWS = [(1, 1), (1, 4), (5, 1), (6, 4)]
BLOCKS = [(1, 4, 3), (5, 4, 3), (2, 4, 2)]
ANY_SHAPE = {name: make for name, make in layers.ACTIVATION_LAYERS.items() if name != "softmax"} | {
    "ELU(1.7)": lambda: layers.ELU(1.7),
    "LeakyReLU(0.3)": lambda: layers.LeakyReLU(0.3),
    "softmax": layers.Softmax,
    "Flatten": layers.Flatten,
    "Dropout(0)": lambda: Dropout(0.0, rng=rng()),
    "Dropout(0.4)": lambda: Dropout(0.4, rng=rng()),
    "DropoutScaledInUse": lambda: DropoutScaledInUse(0.4, rng=rng()),
    "DropoutScaledByP": lambda: DropoutScaledByP(0.4, rng=rng()),
    "your own": lambda: layers.Elementwise(np.sin, np.cos),
}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", ROWS + BLOCKS, ids=str)
@pytest.mark.parametrize("name", ANY_SHAPE)
def test_layers_without_parameters(name, shape, training):
    layer = ANY_SHAPE[name]()
    layer.training = training
    report = check_layer(layer, rng(1).normal(size=shape))
    assert report.passed, str(report)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", ROWS, ids=str)
@pytest.mark.parametrize("num_outputs", [1, 3])
def test_linear(shape, num_outputs, bias):
    settings = {} if bias else {"bias_init": None}
    layer = layers.Linear(shape[1], num_outputs, rng=rng(), **settings)
    report = check_layer(layer, rng(1).normal(size=shape))
    assert report.passed, str(report)
    assert len(report.checks) == (3 if bias else 2)


NORMALIZATIONS = [
    (lambda: normalization.BatchNorm1d(4), [(6, 4), (2, 4), *BLOCKS]),
    (lambda: normalization.BatchNorm1d(1), [(5, 1), (1, 1, 3)]),
    (lambda: normalization.LayerNorm(4), [(1, 4), (6, 4)]),
    (lambda: normalization.LayerNorm((4, 3)), [(1, 4, 3), (5, 4, 3)]),
    (lambda: normalization.GroupNorm(2, 4), [(1, 4), (6, 4), *BLOCKS]),
    (lambda: normalization.GroupNorm(1, 4), [(6, 4), *BLOCKS]),
    (lambda: normalization.InstanceNorm1d(4), BLOCKS),
    (lambda: normalization.InstanceNorm1d(1), [(1, 1, 3)]),
]
CASES = [(make, shape) for make, shapes in NORMALIZATIONS for shape in shapes]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("make", "shape"), CASES)
def test_normalizations(make, shape, training):
    layer = make()
    layer.training = training
    for param in layer.params.values():
        param += rng(2).normal(size=param.shape)
    if not training and layer.buffers:
        layer.buffers["running_mean"][...] = 0.3
        layer.buffers["running_var"][...] = 2.0
    report = check_layer(layer, rng(1).normal(size=shape))
    assert report.passed, str(report)


def test_batch_normalization_of_one_sample_in_use():
    layer = normalization.BatchNorm1d(3)
    layer.training = False
    assert check_layer(layer, rng().normal(size=(1, 3))).passed


def soft_labels(n, k):
    return softmax(rng(3).normal(size=(n, k)))


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(
    ("loss", "targets"),
    [
        (losses.MeanSquaredError, rng(3).normal(size=(6, 3))),
        (losses.MeanAbsoluteError, rng(3).normal(size=(6, 3))),
        (losses.Huber, rng(3).normal(size=(6, 3))),
        (losses.BinaryCrossEntropy, rng(3).random((6, 3))),
        (losses.SoftmaxCrossEntropy, np.array([0, 1, 2, 2, 1, 0])),
        (losses.SoftmaxCrossEntropy, soft_labels(6, 3)),
    ],
)
def test_losses_behind_a_network(loss, targets, reduction):
    network = MLP([4, 5, 3], activation="tanh", rng=rng())
    report = check_gradients(network, loss(reduction=reduction), rng(1).normal(size=(6, 4)), targets)
    assert report.passed, str(report)


def test_label_smoothing_and_batch_one_width_one():
    smoothed = losses.SoftmaxCrossEntropy(label_smoothing=0.2)
    network = MLP([1, 1, 2], activation="sigmoid", rng=rng())
    report = check_gradients(network, smoothed, np.array([[0.7]]), np.array([1]))
    assert report.passed, str(report)


@pytest.mark.parametrize("penalty", [L1(0.1), L2(0.1), ElasticNet(0.2, 0.3)])
def test_objective_with_penalty(penalty):
    network = MLP([4, 5, 3], activation="tanh", rng=rng())
    inputs, targets = rng(1).normal(size=(6, 4)), rng(2).normal(size=(6, 3))
    loss = losses.MeanSquaredError()
    assert check_gradients(network, loss, inputs, targets, penalty=penalty).passed


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "elu", "gelu", "silu", "softmax"])
def test_deep_networks_with_dropout(activation):
    network = MLP([3, 6, 6, 6, 2], activation=activation, dropout=0.3, rng=rng())
    for name, param in network.params.items():
        if name.endswith("b"):  # a row that dropout silences would sit exactly on the kink
            param += rng(2).normal(size=param.shape)
    labels = np.array([0, 1, 1, 0])
    report = check_gradients(network, losses.SoftmaxCrossEntropy(), rng(1).normal(size=(4, 3)), labels)
    assert report.passed, str(report)


def test_a_network_with_every_kind_of_layer():
    network = Sequential(
        [
            layers.Flatten(),
            layers.Linear(12, 8, rng=rng()),
            normalization.BatchNorm1d(8),
            layers.GELU(),
            layers.Reshape((4, 2)),
            normalization.GroupNorm(2, 4),
            layers.SiLU(),
            normalization.InstanceNorm1d(4),
            layers.Flatten(),
            Dropout(0.2, rng=rng()),
            normalization.LayerNorm(8),
            layers.Linear(8, 3, rng=rng()),
        ]
    )
    report = check_gradients(
        network,
        losses.SoftmaxCrossEntropy(),
        rng(1).normal(size=(6, 4, 3)),
        np.array([0, 1, 2, 0, 1, 2]),
        tolerance=1e-6,  # an instance of two positions is ±1 up to ε, and almost all gradient dies
    )
    assert report.passed, str(report)


@pytest.mark.parametrize(
    "loss",
    [
        losses.MeanSquaredError,
        losses.MeanAbsoluteError,
        losses.Huber,
        losses.BinaryCrossEntropy,
    ],
)
def test_losses_without_reduction_carry_each_gradient_to_its_own_entry(loss):
    predictions, targets = rng(1).normal(size=(4, 3)) * 2, rng(2).random((4, 3))
    weights = rng(3).normal(size=(4, 3))
    unreduced = loss(reduction="none")

    def weighted(x):
        return float((loss(reduction="none").forward(x, targets) * weights).sum())

    unreduced.forward(predictions, targets)
    measured = numerical_gradient(weighted, predictions)
    assert np.abs(unreduced.backward(weights) - measured).max() < 1e-8
