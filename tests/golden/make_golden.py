"""Make golden.npz: what PyTorch says, in float64, about everything nncourse computes.

It does not import nncourse, so that the two can only agree by being right. Run it in an environment
of its own (see requirements.txt beside it): ``python tests/golden/make_golden.py``.

Every key is "case/name". Weight matrices are stored in PyTorch's form, (fan_out, fan_in).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
torch.manual_seed(20240717)
GOLDEN: dict[str, np.ndarray] = {}
STEPS = 3


def keep(case: str, **values: torch.Tensor | float) -> None:
    for name, value in values.items():
        array = value.detach().numpy() if isinstance(value, torch.Tensor) else value
        GOLDEN[f"{case}/{name}"] = np.array(array)


def activations() -> None:
    functions = {
        "identity": lambda z: z * 1.0,
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "relu": F.relu,
        "leaky_relu": F.leaky_relu,
        "elu": F.elu,
        "gelu": F.gelu,
        "silu": F.silu,
    }
    z = torch.tensor([-1e4, -5, -2.5, -1, -0.3, -1e-3, 0, 1e-3, 0.2, 1, 2.5, 5, 1e4])
    for name, function in functions.items():
        x = z.clone().requires_grad_()
        y = function(x)
        y.sum().backward()
        keep(f"activation {name}", z=z, value=y, derivative=x.grad)
    scores = torch.randn(3, 5) * 3
    keep(
        "softmax",
        z=scores,
        softmax=F.softmax(scores, dim=1),
        log_softmax=F.log_softmax(scores, dim=1),
        logsumexp=torch.logsumexp(scores, dim=1, keepdim=True),
        jacobian=torch.func.vmap(torch.func.jacrev(lambda z: F.softmax(z, dim=0)))(scores),
    )


def train(case: str, model: nn.Module, x: torch.Tensor, loss, optimizer) -> None:
    """Keep outputs, loss and gradients before the first step, and parameters after each."""
    for name, param in model.named_parameters():
        keep(case, **{f"start {name}": param.clone()})
    keep(case, inputs=x)
    for step in range(STEPS):
        inputs = x.clone().requires_grad_()
        optimizer.zero_grad()
        outputs = model(inputs)
        cost = loss(outputs)
        cost.backward()
        if step == 0:
            keep(case, outputs=outputs, loss=cost, **{"grad inputs": inputs.grad})
            for name, param in model.named_parameters():
                keep(case, **{f"grad {name}": param.grad.clone()})
        optimizer.step()
        for name, param in model.named_parameters():
            keep(case, **{f"step {step} {name}": param.clone()})
    for name, buffer in model.named_buffers():
        if buffer.is_floating_point():
            keep(case, **{f"buffer {name}": buffer.clone()})
    model.eval()
    keep(case, **{"outputs in use": model(x)})


def shake(model: nn.Module) -> nn.Module:
    """Move gamma and beta away from 1 and 0, where mistakes could hide."""
    with torch.no_grad():
        for param in model.parameters():
            param += 0.3 * torch.randn_like(param)
    return model


def layers() -> None:
    rows, block = torch.randn(6, 4), torch.randn(5, 4, 3)
    cases = {
        "Linear": (nn.Linear(4, 5), rows),
        "Linear without bias": (nn.Linear(4, 5, bias=False), rows),
        "Linear batch 1 width 1": (nn.Linear(1, 1), torch.randn(1, 1)),
        "Sigmoid": (nn.Sigmoid(), rows),
        "Tanh": (nn.Tanh(), rows),
        "ReLU": (nn.ReLU(), rows),
        "LeakyReLU": (nn.LeakyReLU(), rows),
        "ELU": (nn.ELU(1.3), rows),
        "GELU": (nn.GELU(), rows),
        "SiLU": (nn.SiLU(), rows),
        "Identity": (nn.Identity(), rows),
        "Softmax": (nn.Softmax(dim=-1), rows),
        "Flatten": (nn.Flatten(), block),
        "BatchNorm1d rows": (nn.BatchNorm1d(4), rows),
        "BatchNorm1d block": (nn.BatchNorm1d(4, momentum=0.3, eps=1e-3), block),
        "LayerNorm rows": (nn.LayerNorm(4), rows),
        "LayerNorm block": (nn.LayerNorm((4, 3)), block),
        "GroupNorm rows": (nn.GroupNorm(2, 4), rows),
        "GroupNorm block": (nn.GroupNorm(2, 4), block),
        "InstanceNorm1d": (nn.InstanceNorm1d(4, affine=True), block),
    }
    for name, (layer, x) in cases.items():
        case = f"layer {name}"
        shake(layer)
        weights = torch.randn_like(layer(x))
        if isinstance(layer, nn.BatchNorm1d):
            layer.reset_running_stats()
        keep(case, weights=weights)
        params = list(layer.parameters()) or [torch.zeros(1, requires_grad=True)]

        def loss(out, weights=weights):
            return (out * weights).sum()

        train(case, layer, x, loss, torch.optim.SGD(params, lr=0.1))


def dropout() -> None:
    for p in (0.0, 0.2, 0.5, 0.9):
        x = torch.randn(8, 6).requires_grad_()
        y = F.dropout(x, p, training=True)
        weights = torch.randn(8, 6)
        (y * weights).sum().backward()
        kept = (y != 0).double()
        keep(f"dropout {p}", inputs=x, outputs=y, kept=kept, weights=weights, grad=x.grad)


def losses() -> None:
    predictions, targets = torch.randn(7, 4) * 2, torch.randn(7, 4)
    soft = F.softmax(torch.randn(7, 4), dim=1)
    labels = torch.tensor([0, 3, 1, 2, 3, 0, 2])
    cases = {
        "MeanSquaredError": (F.mse_loss, targets, {}),
        "MeanAbsoluteError": (F.l1_loss, targets, {}),
        "Huber": (F.huber_loss, targets, {"delta": 0.7}),
        "BinaryCrossEntropy": (F.binary_cross_entropy_with_logits, torch.rand(7, 4), {}),
        "SoftmaxCrossEntropy hard": (F.cross_entropy, labels, {}),
        "SoftmaxCrossEntropy soft": (F.cross_entropy, soft, {}),
        "SoftmaxCrossEntropy hard smoothed": (F.cross_entropy, labels, {"label_smoothing": 0.1}),
        "SoftmaxCrossEntropy soft smoothed": (F.cross_entropy, soft, {"label_smoothing": 0.3}),
    }
    for name, (function, target, settings) in cases.items():
        case = f"loss {name}"
        keep(case, predictions=predictions, targets=target)
        for reduction in ("mean", "sum", "none"):
            x = predictions.clone().requires_grad_()
            value = function(x, target, reduction=reduction, **settings)
            weights = torch.randn_like(value)
            (value * weights).sum().backward()
            keep(case, **{reduction: value, f"{reduction} weights": weights})
            keep(case, **{f"{reduction} grad": x.grad})


def initializers() -> None:
    """Catch the numbers that PyTorch hands to its own random generators."""
    caught: list[float] = []
    nn.init._no_grad_uniform_ = lambda tensor, a, b, generator=None: caught.append(b)
    nn.init._no_grad_normal_ = lambda tensor, mean, std, generator=None: caught.append(std)

    def uniform(self, a=0.0, b=1.0, generator=None):
        caught.append(b)
        return self

    def normal(self, mean=0.0, std=1.0, generator=None):
        caught.append(std)
        return self

    for fan_in, fan_out in ((4, 5), (784, 256), (1, 1)):
        w = torch.empty(fan_out, fan_in)
        case = f"initializer {fan_in}x{fan_out}"
        for gain in (1.0, 5 / 3):
            for make, name in (
                (nn.init.xavier_uniform_, "XavierUniform"),
                (nn.init.xavier_normal_, "XavierNormal"),
            ):
                make(w, gain=gain)
                keep(case, **{f"{name} {gain:.3f}": caught.pop()})
        real = torch.Tensor.uniform_, torch.Tensor.normal_
        torch.Tensor.uniform_, torch.Tensor.normal_ = uniform, normal
        for mode in ("fan_in", "fan_out"):
            for nonlinearity in ("relu", "leaky_relu", "tanh", "sigmoid", "linear"):
                for make, name in (
                    (nn.init.kaiming_uniform_, "KaimingUniform"),
                    (nn.init.kaiming_normal_, "KaimingNormal"),
                ):
                    make(w, a=0.1, mode=mode, nonlinearity=nonlinearity)
                    keep(case, **{f"{name} {mode} {nonlinearity}": caught.pop()})
        torch.Tensor.uniform_, torch.Tensor.normal_ = real


def optimizers() -> None:
    sgd, adam, rms = torch.optim.SGD, torch.optim.Adam, torch.optim.RMSprop
    cases = {
        "SGD": (sgd, {"lr": 0.1}),
        "SGD l2": (sgd, {"lr": 0.1, "weight_decay": 0.2}),
        "Momentum": (sgd, {"lr": 0.1, "momentum": 0.8}),
        "Momentum l2": (sgd, {"lr": 0.1, "momentum": 0.8, "weight_decay": 0.2}),
        "Nesterov": (sgd, {"lr": 0.1, "momentum": 0.8, "nesterov": True}),
        "Nesterov l2": (
            sgd,
            {"lr": 0.1, "momentum": 0.8, "nesterov": True, "weight_decay": 0.2},
        ),
        "RMSProp": (rms, {"lr": 0.01, "alpha": 0.9, "eps": 1e-7}),
        "RMSProp l2": (rms, {"lr": 0.01, "alpha": 0.9, "eps": 1e-7, "weight_decay": 0.2}),
        "Adam": (adam, {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-6}),
        "Adam l2": (adam, {"lr": 0.01, "weight_decay": 0.2}),
        "AdamW": (torch.optim.AdamW, {"lr": 0.01, "weight_decay": 0.2}),
        "AdamW defaults": (torch.optim.AdamW, {}),
    }
    x, y = torch.randn(6, 4), torch.randn(6, 3)
    for name, (kind, settings) in cases.items():
        model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))
        case = f"optimizer {name}"
        keep(case, targets=y)
        optimizer = kind(model.parameters(), **settings)
        train(case, model, x, lambda out: F.mse_loss(out, y), optimizer)


def clipping() -> None:
    weights = [nn.Parameter(torch.zeros(3, 2)), nn.Parameter(torch.zeros(4))]
    for weight in weights:
        weight.grad = torch.randn_like(weight)
    keep("clipping", a=weights[0].grad.clone(), b=weights[1].grad.clone())
    norm = nn.utils.clip_grad_norm_(weights, 0.5)
    keep("clipping", norm=norm, clipped_a=weights[0].grad, clipped_b=weights[1].grad)


def network() -> None:
    """A whole classifier with everything in it, and labels."""
    model = nn.Sequential(
        nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 7), nn.Tanh(), nn.Linear(7, 4)
    )
    labels = torch.tensor([0, 1, 2, 3, 1])
    keep("network", labels=labels)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    train("network", model, torch.randn(5, 6), lambda z: F.cross_entropy(z, labels), optimizer)


if __name__ == "__main__":
    for part in (activations, layers, dropout, losses, optimizers, clipping, network, initializers):
        part()
    target = Path(__file__).with_name("golden.npz")
    np.savez_compressed(target, **GOLDEN)
    print(f"{len(GOLDEN)} arrays, {target.stat().st_size / 1000:.0f} kB, PyTorch {torch.__version__}")
