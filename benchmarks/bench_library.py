"""Time one training step of nncourse against PyTorch, scikit-learn and its bare matrix products.

`make bench` runs it and writes the tables to docs/benchmarks/library.md. PyTorch and scikit-learn
are optional: what is not installed is left out (see benchmarks/requirements.txt). It measures speed
and checks nothing else.

The contenders do the same: same network with ReLU, same batch, softmax cross entropy, plain SGD,
same dtype. They take turns in short rounds, so that a slow moment of the machine hits all of them,
and of each the round counts that a tenth of its rounds beat. All is measured twice: with as many
threads as each library takes by itself, and with one thread each.

"bare" is the matrix products of the step and nothing else; "plain" is the whole step as a NumPy
script in the fastest forms we know, without layers and checks.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from nncourse.losses import SoftmaxCrossEntropy
from nncourse.network import MLP
from nncourse.optimizers import SGD
from nncourse.training import Trainer

LEARNING_RATE = 0.01
REPORT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks" / "library.md"
INTRODUCTION = """# Speed of the library

Written by `make bench`. One training step, in microseconds: same network, same batch, softmax cross
entropy, plain SGD. In brackets: how many times longer than nncourse it takes. *bare* is the matrix
products of the step alone, *plain* the whole step as a NumPy script in the fastest forms we know,
without layers and without a single check. The contenders take turns; compare numbers of one table
only. A goal that *plain* misses too is out of reach for NumPy code that makes its arrays anew at
every step, as readable code does. Where *plain* meets a goal and nncourse does not, what lies between
them are layers that one can read one by one, names for every parameter, and checks of shape, dtype,
order and finite numbers. They stay: clarity comes before the last third of a few microseconds.

{cores} cores{load}. Importing the library takes {seconds:.3f} s beyond NumPy (goal 0.15 s).
"""
HEADER = """| network | batch | dtype | nncourse | PyTorch | scikit-learn | bare | plain | goal | met |
|---|---|---|---|---|---|---|---|---|---|"""
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
    """The same step as a script, in the fastest forms we know, without layers and checks."""
    rng = np.random.default_rng(0)
    weights = [(rng.normal(size=pair) * 0.1).astype(X.dtype) for pair in pairwise(sizes)]
    biases = [np.zeros(size, X.dtype) for size in sizes[1:]]
    ones, classes, last = np.ones(len(X), X.dtype), np.arange(sizes[-1])[:, None], len(weights) - 1

    def step() -> float:
        values = [X]
        for layer, (W, b) in enumerate(zip(weights, biases, strict=True)):
            z = values[-1].dot(W)
            z += b
            if layer < last:
                zeros = np.zeros(z.shape, z.dtype)
                values.append(np.maximum(z, zeros, out=zeros))
        labels = (classes == y).astype(X.dtype)
        scores = np.ascontiguousarray(z.T)  # class by class in memory
        scores -= scores.max(axis=0)
        e = np.exp(scores)
        total = e.sum(axis=0)
        loss = (np.log(total) - (labels * scores).sum(axis=0)).sum() / len(X)
        e /= total
        e -= labels
        e *= 1 / len(X)
        grad = e.T
        for layer in range(last, -1, -1):
            step_W, step_b = values[layer].T.dot(grad), ones.dot(grad)
            if layer:
                grad = grad.dot(weights[layer].T)
                grad *= values[layer] > 0
            weights[layer] -= LEARNING_RATE * step_W
            biases[layer] -= LEARNING_RATE * step_b
        return float(loss)

    return step


def typical_times(contenders: dict[str, tuple[Step, int]], seconds: float) -> dict[str, float]:
    """Return the time per step of each, in seconds, from the fastest tenth of many short rounds.

    The order of the turns is another in every round, and each turn begins with a step that does not
    count: after somebody else's turn the caches hold somebody else's numbers.
    """
    rounds: dict[str, list[float]] = {name: [] for name in contenders}
    repeats = {}
    for name, (step, _) in contenders.items():
        warm = min(timed(step) for _ in range(5))
        repeats[name] = max(2, int(0.01 / warm))
    rng, end = random.Random(0), time.perf_counter() + seconds
    while time.perf_counter() < end:
        for name in rng.sample(list(contenders), len(contenders)):
            step, steps_per_call = contenders[name]
            step()
            elapsed = timed(lambda step=step, name=name: [step() for _ in range(repeats[name])])
            rounds[name].append(elapsed / repeats[name] / steps_per_call)
    return {name: float(np.quantile(times, 0.1)) for name, times in rounds.items()}


def timed(call: Callable[[], Any]) -> float:
    """Return how many seconds a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def import_seconds() -> float:
    """Return how long `import nncourse` and its core take once NumPy is there, fastest of five."""
    code = (
        "import numpy, time; t = time.perf_counter(); import nncourse.training; "
        "import nncourse.normalization, nncourse.autodiff, nncourse.gradient_check; "
        "print(time.perf_counter() - t)"
    )
    return min(float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(5))


def table(seconds: float) -> None:
    """Print the rows of one table."""
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
            cells = ["-".join(map(str, sizes)), str(batch), np.dtype(dtype).name, f"{ours * 1e6:.0f}"]
            for name in ("torch", "sklearn"):
                other = times.get(name)
                cells.append(f"{other * 1e6:.0f} ({other / ours:.2f} ×)" if other else "not installed")
            for name in ("bare", "plain"):
                cells.append(f"{times[name] * 1e6:.0f} ({times[name] / ours:.2f} ×)")
            goals = [f"PyTorch ≥ {torch_goal} ×"] + ([f"bare ≥ {1 / bare_goal:.2f} ×"] if bare_goal else [])
            met = times.get("torch", ours * torch_goal) >= torch_goal * ours
            met &= ours <= (bare_goal or math.inf) * times["bare"]
            cells += [", ".join(goals), "yes" if met else "**no**"]
            print("|", " | ".join(cells), "|", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=6.0, help="per case and dtype")
    parser.add_argument("--rows", action="store_true", help="print the rows of one table only")
    options = parser.parse_args()
    if options.rows:
        table(options.seconds)
        return
    load = f"; load at the start {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    parts = [INTRODUCTION.format(cores=os.cpu_count(), load=load, seconds=import_seconds())]
    for title, threads in (
        ("As many threads as each library takes by itself", {}),
        ("One thread each", dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")),
    ):
        command = [sys.executable, __file__, "--rows", f"--seconds={options.seconds}"]
        rows = subprocess.check_output(command, text=True, env=os.environ | threads)
        parts.append(f"## {title}\n\n{HEADER}\n{rows}")
        print(parts[-1])
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
