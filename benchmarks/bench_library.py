"""Time one training step of nncourse against PyTorch, scikit-learn and its bare matrix products.

Run it as ``python benchmarks/bench_library.py``. PyTorch and scikit-learn are optional: what is not
installed is left out (see benchmarks/requirements.txt). It measures speed and checks nothing else.

The contenders do the same: same network with ReLU, same batch, softmax cross entropy, plain SGD,
same dtype. They take turns in short rounds, so that a slow moment of the machine hits all of them,
and of each the round counts that a tenth of its rounds beat. The libraries use as many threads as
they like unless OMP_NUM_THREADS and OPENBLAS_NUM_THREADS say otherwise; on a busy machine, set both
to 1.

"bare" is the matrix products of the step and nothing else; "plain" is the whole step as a NumPy
script without checks.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from nncourse.losses import SoftmaxCrossEntropy
from nncourse.network import MLP
from nncourse.optimizers import SGD
from nncourse.training import Trainer

LEARNING_RATE = 0.01
CASES = [
    # sizes, batch, goal: times faster than PyTorch, times the bare products
    ([2, 16, 16, 2], 400, 2.5, None),
    ([64, 32, 10], 32, 4.0, None),
    ([784, 256, 128, 10], 128, 1.0, 1.5),
]
Step = Callable[[], Any]


def nncourse_step(sizes: list[int], X: np.ndarray, y: np.ndarray) -> Step:
    network = MLP(sizes, activation="relu", rng=np.random.default_rng(0), dtype=X.dtype)
    trainer = Trainer(network, SoftmaxCrossEntropy(), SGD(LEARNING_RATE))
    return lambda: trainer.step(X, y)


def torch_step(sizes: list[int], X: np.ndarray, y: np.ndarray) -> Step | None:
    try:
        import torch
    except ImportError:
        return None
    layers: list[Any] = []
    for fan_in, fan_out in pairwise(sizes):
        layers += [torch.nn.Linear(fan_in, fan_out), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1]).to(getattr(torch, str(X.dtype)))
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    inputs, labels = torch.from_numpy(X), torch.from_numpy(y)
    loss = torch.nn.CrossEntropyLoss()

    def step() -> float:
        optimizer.zero_grad()
        cost = loss(model(inputs), labels)
        cost.backward()
        optimizer.step()
        return cost.item()

    return step


def sklearn_step(sizes: list[int], X: np.ndarray, y: np.ndarray) -> Step | None:
    """One call is 20 steps (its `fit` has a cost of its own); the caller divides."""
    try:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPClassifier
    except ImportError:
        return None
    warnings.simplefilter("ignore", ConvergenceWarning)
    rows, labels = np.tile(X, (20, 1)), np.tile(y, 20)

    def steps() -> None:
        model = MLPClassifier(
            hidden_layer_sizes=sizes[1:-1],
            solver="sgd",
            momentum=0.0,
            alpha=0.0,
            batch_size=len(X),
            learning_rate_init=LEARNING_RATE,
            max_iter=1,
            shuffle=False,
        )
        model.fit(rows, labels)

    return steps


def bare_products(sizes: list[int], X: np.ndarray, y: np.ndarray) -> Step:
    """Only the matrix products of the step: forward, to the weights, and back to hidden layers."""
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=pair).astype(X.dtype) for pair in pairwise(sizes)]
    values = [X, *(rng.normal(size=(len(X), size)).astype(X.dtype) for size in sizes[1:])]

    def products() -> None:
        for value, weight in zip(values, weights, strict=False):
            value @ weight
        for value, grad in pairwise(values):
            value.T @ grad
        for grad, weight in zip(values[2:], weights[1:], strict=True):
            grad @ weight.T

    return products


def plain_step(sizes: list[int], X: np.ndarray, y: np.ndarray) -> Step:
    """The same step as a script without a single check: what clarity and safety cost."""
    rng = np.random.default_rng(0)
    weights = [(rng.normal(size=pair) * 0.1).astype(X.dtype) for pair in pairwise(sizes)]
    biases = [np.zeros(size, X.dtype) for size in sizes[1:]]
    rows, last = np.arange(len(X)), len(weights) - 1

    def step() -> float:
        values = [X]
        for layer, (W, b) in enumerate(zip(weights, biases, strict=True)):
            z = values[-1] @ W + b
            values.append(np.maximum(z, 0) if layer < last else z)
        e = np.exp(z - z.max(axis=1, keepdims=True))
        grad = e / e.sum(axis=1, keepdims=True)
        loss = -np.log(grad[rows, y]).mean()
        grad[rows, y] -= 1
        grad /= len(X)
        for layer in range(last, -1, -1):
            step_W, step_b = values[layer].T @ grad, grad.sum(axis=0)
            if layer:
                grad = (grad @ weights[layer].T) * (values[layer] > 0)
            weights[layer] -= LEARNING_RATE * step_W
            biases[layer] -= LEARNING_RATE * step_b
        return float(loss)

    return step


def typical_times(contenders: dict[str, tuple[Step, int]], seconds: float) -> dict[str, float]:
    """Return the time per step of each, in seconds, from the fastest tenth of many short rounds."""
    rounds: dict[str, list[float]] = {name: [] for name in contenders}
    repeats = {}
    for name, (step, _) in contenders.items():
        step()
        start = time.perf_counter()
        step()
        repeats[name] = max(1, int(0.005 / (time.perf_counter() - start)))
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for name, (step, steps_per_call) in contenders.items():
            start = time.perf_counter()
            for _ in range(repeats[name]):
                step()
            elapsed = (time.perf_counter() - start) / repeats[name] / steps_per_call
            rounds[name].append(elapsed)
    return {name: float(np.quantile(times, 0.1)) for name, times in rounds.items()}


def import_seconds() -> float:
    """Return how long `import nncourse` and its core take once NumPy is there, fastest of five."""
    code = (
        "import numpy, time; t = time.perf_counter(); import nncourse.training; "
        "import nncourse.normalization, nncourse.autodiff, nncourse.gradient_check; "
        "print(time.perf_counter() - t)"
    )
    return min(float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(5))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=4.0, help="per case and dtype")
    seconds = parser.parse_args().seconds
    print("microseconds per step; ratios: how many times nncourse is faster (bare, plain: slower)")
    header = f"{'network':20} {'batch':>5} {'dtype':8} {'nncourse':>9} {'torch':>9} {'ratio':>6} "
    print(header + f"{'sklearn':>9} {'ratio':>6} {'bare':>8} {'ratio':>6} {'plain':>8} {'ratio':>6}  goal")
    rng = np.random.default_rng(0)
    for sizes, batch, torch_goal, bare_goal in CASES:
        for dtype in (np.float64, np.float32):
            X = rng.normal(size=(batch, sizes[0])).astype(dtype)
            y = rng.integers(0, sizes[-1], batch)
            y[: sizes[-1]] = np.arange(sizes[-1])
            contenders: dict[str, tuple[Step, int]] = {
                "nncourse": (nncourse_step(sizes, X, y), 1),
                "bare": (bare_products(sizes, X, y), 1),
                "plain": (plain_step(sizes, X, y), 1),
            }
            for name, make, steps in (("torch", torch_step, 1), ("sklearn", sklearn_step, 20)):
                made = make(sizes, X, y)
                if made is not None:
                    contenders[name] = made, steps
            times = typical_times(contenders, seconds)
            ours = times["nncourse"]
            cells = [f"{'-'.join(map(str, sizes)):20} {batch:5} {np.dtype(dtype).name:8}"]
            cells.append(f"{ours * 1e6:9.1f}")
            for name in ("torch", "sklearn"):
                other = times.get(name)
                cells.append(f"{other * 1e6:9.1f} {other / ours:5.2f}x" if other else " " * 16)
            for name in ("bare", "plain"):
                cells.append(f"{times[name] * 1e6:8.1f} {ours / times[name]:5.2f}x")
            goal = f"torch >= {torch_goal}x" + (f", bare <= {bare_goal}x" if bare_goal else "")
            print(" ".join(cells), "", goal, flush=True)
    print(f"import of the core beyond NumPy: {import_seconds():.3f} s (goal 0.15 s)")


if __name__ == "__main__":
    main()
