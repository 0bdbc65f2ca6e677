"""Everything agrees with PyTorch in float64 to 1e-12; see tests/golden/make_golden.py.

The values are read from a committed file, so PyTorch is not needed here.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nncourse import initializers, layers, losses, normalization, optimizers
from nncourse.activations import (
    ACTIVATIONS,
    log_softmax,
    logsumexp,
    softmax,
    softmax_derivative,
)
from nncourse.dropout import Dropout
from nncourse.network import Sequential

RNG = np.random.default_rng(0)


def load() -> dict[str, dict[str, np.ndarray]]:
    cases: dict[str, dict[str, np.ndarray]] = {}
    with np.load(Path(__file__).parent.parent / "golden" / "golden.npz") as file:
        for key in file.files:
            case, _, name = key.partition("/")
            cases.setdefault(case, {})[name] = file[key]
    return cases


GOLDEN = load()


def assert_agrees(ours, golden, what=""):
    ours, golden = np.asarray(ours), np.asarray(golden)
    assert ours.shape == golden.shape, what
    scale = np.abs(golden).max(initial=0.0)
    worst = np.abs(ours - golden).max(initial=0.0)
    assert worst <= 1e-12 * max(scale, 1e-3), f"{what}: {worst} of {scale}"


def test_the_file_holds_every_kind_of_case():
    kinds = {case.split()[0] for case in GOLDEN}
    assert kinds == {
        *("activation", "softmax", "layer", "dropout", "loss", "optimizer"),
        *("clipping", "network", "initializer"),
    }


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_and_derivative(name):
    golden = GOLDEN[f"activation {name}"]
    activation = ACTIVATIONS[name]
    # Entry by entry: at |z| = 1e4 a common scale would hide everything else.
    for ours, theirs in (
        (activation.function(golden["z"]), golden["value"]),
        (activation.derivative(golden["z"]), golden["derivative"]),
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-15)


def test_softmax_family():
    golden = GOLDEN["softmax"]
    assert_agrees(softmax(golden["z"]), golden["softmax"])
    assert_agrees(log_softmax(golden["z"]), golden["log_softmax"])
    assert_agrees(logsumexp(golden["z"]), golden["logsumexp"])
    assert_agrees(softmax_derivative(golden["z"]), golden["jacobian"])


LAYERS = {
    "Linear": lambda: layers.Linear(4, 5, rng=RNG),
    "Linear without bias": lambda: layers.Linear(4, 5, rng=RNG, bias_init=None),
    "Linear batch 1 width 1": lambda: layers.Linear(1, 1, rng=RNG),
    "Sigmoid": layers.Sigmoid,
    "Tanh": layers.Tanh,
    "ReLU": layers.ReLU,
    "LeakyReLU": layers.LeakyReLU,
    "ELU": lambda: layers.ELU(1.3),
    "GELU": layers.GELU,
    "SiLU": layers.SiLU,
    "Identity": layers.Identity,
    "Softmax": layers.Softmax,
    "Flatten": layers.Flatten,
    "BatchNorm1d rows": lambda: normalization.BatchNorm1d(4),
    "BatchNorm1d block": lambda: normalization.BatchNorm1d(4, momentum=0.3, epsilon=1e-3),
    "LayerNorm rows": lambda: normalization.LayerNorm(4),
    "LayerNorm block": lambda: normalization.LayerNorm((4, 3)),
    "GroupNorm rows": lambda: normalization.GroupNorm(2, 4),
    "GroupNorm block": lambda: normalization.GroupNorm(2, 4),
    "InstanceNorm1d": lambda: normalization.InstanceNorm1d(4),
}
LINEAR_NAMES, NORM_NAMES = {"W": "weight", "b": "bias"}, {"gamma": "weight", "beta": "bias"}


def torch_name(ours: str) -> str:
    """Turn "W" into "weight", and "0.W" into "0.weight"."""
    prefix, dot, name = ours.rpartition(".")
    return prefix + dot + {**LINEAR_NAMES, **NORM_NAMES}.get(name, name)


def in_our_form(ours: str, value: np.ndarray) -> np.ndarray:
    """PyTorch stores weights as (fan_out, fan_in)."""
    return value.T if ours.rpartition(".")[2] == "W" else value


def assert_trains_like(golden, network: Sequential, loss, optimizer, strip=""):
    """Compare the first pass, all gradients, three optimizer steps, buffers and use."""
    names = {name: torch_name(name.removeprefix(strip)) for name in network.params}
    for name, param in network.params.items():
        param[...] = in_our_form(name, golden[f"start {names[name]}"])
    for step in range(3):
        outputs = network.forward(golden["inputs"])
        cost, grad = loss(outputs)
        grad_inputs = network.backward(grad)
        if step == 0:
            assert_agrees(outputs, golden["outputs"], "outputs")
            assert_agrees(cost, golden["loss"], "loss")
            assert_agrees(grad_inputs, golden["grad inputs"], "grad inputs")
            for name, value in network.grads.items():
                assert_agrees(value, in_our_form(name, golden[f"grad {names[name]}"]), name)
        optimizer.step(list(network.params.values()), list(network.grads.values()))
        for name, param in network.params.items():
            assert_agrees(param, in_our_form(name, golden[f"step {step} {names[name]}"]), f"{name} {step}")
    for name, buffer in network.buffers.items():
        assert_agrees(buffer, golden[f"buffer {torch_name(name.removeprefix(strip))}"], name)
    assert_agrees(network.predict(golden["inputs"]), golden["outputs in use"], "in use")


@pytest.mark.parametrize("name", LAYERS)
def test_layer_forward_gradients_and_three_steps(name):
    golden = GOLDEN[f"layer {name}"]
    weights = golden["weights"]
    network = Sequential({"layer": LAYERS[name]()})
    assert_trains_like(
        golden,
        network,
        lambda outputs: (float((outputs * weights).sum()), weights),
        optimizers.SGD(0.1),
        strip="layer.",
    )


def test_every_layer_case_is_tested():
    assert {f"layer {name}" for name in LAYERS} == {c for c in GOLDEN if c.startswith("layer ")}


class MaskFromGolden(np.random.Generator):
    """A generator whose random numbers keep exactly the entries that PyTorch kept."""

    def __init__(self, kept):
        super().__init__(np.random.PCG64(0))
        self.kept = kept

    def random(self, shape):
        assert shape == self.kept.shape
        return self.kept * 0.999999


@pytest.mark.parametrize("p", [0.0, 0.2, 0.5, 0.9])
def test_dropout_with_the_same_mask(p):
    golden = GOLDEN[f"dropout {p}"]
    layer = Dropout(p, rng=MaskFromGolden(golden["kept"]))
    assert_agrees(layer.forward(golden["inputs"]), golden["outputs"])
    assert_agrees(layer.backward(golden["weights"]), golden["grad"])


LOSSES = {
    "MeanSquaredError": losses.MeanSquaredError,
    "MeanAbsoluteError": losses.MeanAbsoluteError,
    "Huber": lambda reduction: losses.Huber(0.7, reduction),
    "BinaryCrossEntropy": losses.BinaryCrossEntropy,
    "SoftmaxCrossEntropy hard": lambda r: losses.SoftmaxCrossEntropy(0.0, r),
    "SoftmaxCrossEntropy soft": lambda r: losses.SoftmaxCrossEntropy(0.0, r),
    "SoftmaxCrossEntropy hard smoothed": lambda r: losses.SoftmaxCrossEntropy(0.1, r),
    "SoftmaxCrossEntropy soft smoothed": lambda r: losses.SoftmaxCrossEntropy(0.3, r),
}


@pytest.mark.parametrize("reduction", losses.REDUCTIONS)
@pytest.mark.parametrize("name", LOSSES)
def test_loss_value_and_gradient(name, reduction):
    golden = GOLDEN[f"loss {name}"]
    loss = LOSSES[name](reduction)
    value = loss.forward(golden["predictions"], golden["targets"])
    assert_agrees(value, golden[reduction])
    upstream = golden[f"{reduction} weights"]
    grad = loss.backward(upstream if reduction == "none" else float(upstream))
    assert_agrees(grad, golden[f"{reduction} grad"])


OPTIMIZERS = {
    "SGD": lambda: optimizers.SGD(0.1),
    "SGD l2": lambda: optimizers.SGD(0.1, l2=0.2),
    "Momentum": lambda: optimizers.Momentum(0.1, 0.8),
    "Momentum l2": lambda: optimizers.Momentum(0.1, 0.8, l2=0.2),
    "Nesterov": lambda: optimizers.Nesterov(0.1, 0.8),
    "Nesterov l2": lambda: optimizers.Nesterov(0.1, 0.8, l2=0.2),
    "RMSProp": lambda: optimizers.RMSProp(0.01, 0.9, 1e-7),
    "RMSProp l2": lambda: optimizers.RMSProp(0.01, 0.9, 1e-7, l2=0.2),
    "Adam": lambda: optimizers.Adam(0.01, 0.8, 0.95, 1e-6),
    "Adam l2": lambda: optimizers.Adam(0.01, l2=0.2),
    "AdamW": lambda: optimizers.AdamW(0.01, weight_decay=0.2),
    "AdamW defaults": optimizers.AdamW,
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_three_steps_of_every_optimizer(name):
    golden = GOLDEN[f"optimizer {name}"]
    network = Sequential(
        {
            "0": layers.Linear(4, 5, rng=RNG),
            "1": layers.Tanh(),
            "2": layers.Linear(5, 3, rng=RNG),
        }
    )
    mse = losses.MeanSquaredError()

    def loss(outputs):
        return mse.forward(outputs, golden["targets"]), mse.backward()

    assert_trains_like(golden, network, loss, OPTIMIZERS[name]())


def test_a_whole_classifier_with_batch_normalization_and_adam():
    golden = GOLDEN["network"]
    network = Sequential(
        {
            "0": layers.Linear(6, 8, rng=RNG),
            "1": normalization.BatchNorm1d(8),
            "2": layers.ReLU(),
            "3": layers.Linear(8, 7, rng=RNG),
            "4": layers.Tanh(),
            "5": layers.Linear(7, 4, rng=RNG),
        }
    )
    cross_entropy = losses.SoftmaxCrossEntropy()

    def loss(outputs):
        return cross_entropy.forward(outputs, golden["labels"]), cross_entropy.backward()

    # A bias in front of batch normalization has gradient 0 up to rounding, and Adam divides
    # rounding by rounding; its step is the learning rate with an arbitrary sign. We freeze it.
    class AdamWithoutFirstBias(optimizers.Adam):
        def step(self, params, grads):
            super().step([params[0], *params[2:]], [grads[0], *grads[2:]])
            taken = int(self.num_steps) - 1
            params[1][...] = golden[f"step {taken} 0.bias"]

    assert_trains_like(golden, network, loss, AdamWithoutFirstBias(0.01))


def test_clipping_by_norm():
    golden = GOLDEN["clipping"]
    grads = [golden["a"], golden["b"]]
    assert_agrees(optimizers.global_norm(grads), golden["norm"])
    clipped = optimizers.clip_by_norm(grads, 0.5)
    # PyTorch divides by norm + 1e-6, so that its result is that much shorter than asked for.
    correction = (golden["norm"] + 1e-6) / golden["norm"]
    assert_agrees(clipped[0], golden["clipped_a"] * correction)
    assert_agrees(clipped[1], golden["clipped_b"] * correction)


@pytest.mark.parametrize("shape", [(4, 5), (784, 256), (1, 1)])
def test_bounds_and_standard_deviations_of_initializers(shape):
    golden = GOLDEN[f"initializer {shape[0]}x{shape[1]}"]
    assert len(golden) == 24
    for name, value in golden.items():
        kind, *settings = name.split()
        if kind.startswith("Xavier"):
            init = getattr(initializers, kind)(gain=1.0 if settings == ["1.000"] else 5 / 3)
        else:
            mode, nonlinearity = settings
            init = getattr(initializers, kind)(nonlinearity, mode, slope=0.1)
        assert_agrees(init.bound(shape) if "Uniform" in kind else init.std(shape), value, name)
