"""The figures of the chapter on activation functions."""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np

from nncourse.activations import ACTIVATIONS, relu
from nncourse.arguments import Array
from nncourse.explore import (
    Area,
    Axis,
    Bars,
    Choice,
    Color,
    Explorable,
    Line,
    Mark,
    Plot,
    Points,
    Say,
    Slider,
    Stepper,
    Text,
    View,
)
from nncourse.explore.scene import number
from nncourse.initializers import Normal
from nncourse.losses import MeanSquaredError
from nncourse.network import MLP
from nncourse.optimizers import SGD
from nncourse.training import Trainer

__all__ = [
    "derivative",
    "dying_relu",
    "hat_from_relus",
    "placed_relus",
    "relatives",
    "relu_picture",
    "sigmoid_picture",
    "tanh_picture",
    "universal_approximation",
    "vanishing_signal",
]

NAMES = {
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "relu": "ReLU",
    "leaky_relu": "leaky ReLU",
    "elu": "ELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "identity": "none (identity)",
}
SATURATED = 0.01  # a slope below this fraction of the function's largest one counts as saturated
REACH = 8.0  # the figure shows z from −8 to 8


@cache
def saturated_beyond(name: str, reach: float = REACH) -> tuple[float, float]:
    """Return the z below which and above which an activation is saturated as far as shown.

    ±`reach` means: not saturated on that side.

    Examples
    --------
    >>> [round(z, 1) for z in saturated_beyond("sigmoid")]
    [-6.0, 6.0]
    >>> saturated_beyond("leaky_relu")
    (-8.0, 8.0)
    """
    z = np.linspace(-reach, reach, 3201)
    slope = np.abs(ACTIVATIONS[name].derivative(z))
    alive = np.flatnonzero(slope >= SATURATED * slope.max())
    return float(z[alive[0]]), float(z[alive[-1]])


_HEIGHTS = {"sigmoid": (-0.25, 1.25), "tanh": (-1.5, 1.5)}


def _heights(name: str) -> tuple[float, float]:
    return _HEIGHTS.get(name, (-2.0, REACH))


def _slopes(name: str, reach: float) -> Line:
    """Return the curve of an activation's derivative, with a gap where it jumps."""
    left, right = np.linspace(-reach, 0, 129), np.linspace(1e-9, reach, 129)
    slopes = [ACTIVATIONS[name].derivative(z) for z in (left, right)]
    z, slope = (np.concatenate([a, [np.nan], b]) for a, b in ((left, right), slopes))
    return Line("slope", z, slope, color="orange", gaps=True)


def derivative() -> Explorable:
    """Show an activation, its tangent at z, and its derivative, with the saturated zones shaded."""
    names = {name: NAMES[name] for name in NAMES if name != "identity"}

    def curves(function: str) -> list[Mark]:
        z = np.linspace(-REACH, REACH, 257)
        return [
            View("value", x=(-REACH, REACH), y=_heights(function)),
            *_zones(function),
            Line("value", z, ACTIVATIONS[function].function(z), color="blue"),
            _slopes(function, REACH),
        ]

    def _zones(function: str) -> list[Mark]:
        left, right = saturated_beyond(function)
        marks: list[Mark] = []
        for panel, (low, high) in (("value", _heights(function)), ("slope", (-0.25, 1.25))):
            for edge, end in ((left, -REACH), (right, REACH)):
                x = sorted((edge, end))
                marks.append(Area(panel, x, [low] * 2, [high] * 2, color="muted"))
        return marks

    def point(function: str, z: float) -> list[Mark]:
        f = float(ACTIVATIONS[function].function(z))
        slope = float(ACTIVATIONS[function].derivative(z))
        run = np.array([-2.5, 2.5])
        return [
            Line("value", z + run, f + slope * run, color="orange", width=3),
            Points("value", [z], [f], color="ink", size=5.5),
            Line("slope", [z, z], [0, slope], color="orange", width=3),
            Points("slope", [z], [slope], color="ink", size=5.5),
            Text("slope", [-7.7], [1.1], Say("slope {}", slope), bold=True),
        ]

    def said_point(function: str, z: float) -> Say:
        f = float(ACTIVATIONS[function].function(z))
        slope = float(ACTIVATIONS[function].derivative(z))
        if function in ("relu", "leaky_relu") and z == 0:
            return Say(
                f"At z = 0 the {NAMES[function]} has a corner: slope {{}} coming from the left, 1 from "
                "the right. No derivative exists; the library takes the left one.",
                slope,
            )
        return Say(f"At z = {{}} the {NAMES[function]} is {{}} and its slope is {{}}.", z, f, slope)

    def said_zone(function: str) -> str:
        left, right = saturated_beyond(function)
        if right < REACH:
            return (
                f"Beyond ±{number(round(right, 1))}, where it is shaded, it is saturated: less than 1 % of "
                "its largest slope is left."
            )
        if left > -REACH:
            return (
                f"It is saturated up to z = {number(round(left, 1))}, where it is shaded, and nowhere else."
            )
        return "It saturates nowhere: even far on the left, 1 % of its slope remains."

    return Explorable(
        "activations.derivative",
        title="How steep is it here?",
        controls=[
            Choice(name="function", label="function", options=names, start="relu"),
            Slider(
                name="z", label="z", low=-REACH, high=REACH, num=65, start=1.0, marks=(-6.0, -1.0, 0.0, 3.0)
            ),
        ],
        panels=[
            Plot("value", Axis("z", -REACH, REACH), Axis("output φ(z)", -0.25, 1.25)),
            Plot("slope", Axis("z", -REACH, REACH), Axis("slope φ'(z)", -0.25, 1.25)),
        ],
        parts=[curves, point],
        describe=[said_point, said_zone],
    )


def _picture(
    name: str, title: str, half: float, heights: tuple[float, float], texts: list[Text], describe: str
) -> Explorable:
    """Return an activation beside its derivative, for z from −`half` to `half`."""
    left, right = saturated_beyond(name, half)

    def curves() -> list[Mark]:
        z = np.linspace(-half, half, 201)
        marks: list[Mark] = []
        for panel, (low, high) in (("value", heights), ("slope", (-0.1, 1.1))):
            for edge, end in ((left, -half), (right, half)):
                if edge != end:
                    x = sorted((edge, end))
                    marks.append(Area(panel, x, [low] * 2, [high] * 2, color="muted"))
        curve = Line("value", z, ACTIVATIONS[name].function(z), color="blue")
        return [*marks, curve, _slopes(name, half), *texts]

    return Explorable(
        f"activations.{name}_picture",
        title=title,
        controls=[],
        panels=[
            Plot("value", Axis("z", -half, half), Axis("g(z)", *heights), ratio=0.62),
            Plot("slope", Axis("z", -half, half), Axis("g'(z)", -0.1, 1.1), ratio=0.62),
        ],
        parts=[curves],
        describe=lambda: describe,
    )


def sigmoid_picture() -> Explorable:
    """Draw the sigmoid and its derivative for z in [−10, 10]; it has no controls."""
    texts = [
        Text("value", [-9.6], [0.12], ["saturated"], color="muted"),
        Text("value", [9.6], [0.8], ["saturated"], color="muted", anchor="end"),
        Text("slope", [0], [0.25], ["at most 1/4"], anchor="middle", dy=9),
    ]
    return _picture(
        "sigmoid",
        "The sigmoid and its derivative",
        10.0,
        (-0.1, 1.1),
        texts,
        "The sigmoid climbs from 0 to 1 in an S. Nearly all of its slope lies within 6 of zero, and even "
        "there it is nowhere above a quarter.",
    )


def tanh_picture() -> Explorable:
    """Draw tanh and its derivative for z in [−10, 10]; it has no controls."""
    texts = [
        Text("value", [-9.6], [-0.72], ["saturated"], color="muted"),
        Text("value", [9.6], [0.65], ["saturated"], color="muted", anchor="end"),
        Text("value", [0.9], [0.1], ["nearly linear"]),
        Text("slope", [0], [1], ["at most 1"], anchor="start", dx=8),
    ]
    return _picture(
        "tanh",
        "The hyperbolic tangent and its derivative",
        10.0,
        (-1.3, 1.3),
        texts,
        "The tanh climbs from −1 to 1 and passes through the origin. Its slope reaches 1 there, four "
        "times the sigmoid's, and is as good as gone twice as early, beyond 3.",
    )


def relu_picture() -> Explorable:
    """Draw ReLU and its derivative for z in [−5, 5]; it has no controls."""
    texts = [
        Text("value", [-4.7], [0.35], ["saturated: slope 0"], color="muted"),
        Text("value", [4.8], [0.5], ["slope 1, for ever"], anchor="end"),
        Text("slope", [0.4, 0.4], [0.6, 0.42], ["none at 0:", "we choose 0"]),
    ]
    return _picture(
        "relu",
        "ReLU and its derivative",
        5.0,
        (-1.0, 5.0),
        texts,
        "ReLU is flat on the left and rises with slope 1 on the right. Its derivative has only these "
        "two values, 0 and 1, and jumps between them at 0.",
    )


def relatives() -> Explorable:
    """Draw leaky ReLU, ELU, GELU and SiLU against ReLU; it has no controls."""
    names = ("leaky_relu", "elu", "gelu", "silu")
    notes = {
        "leaky_relu": "a faint slope of 0.01",
        "elu": "levels off at −1",
        "gelu": "dips to −0.17",
        "silu": "dips to −0.28",
    }

    def curves() -> list[Mark]:
        z = np.linspace(-5, 3, 161)
        marks: list[Mark] = []
        for name in names:
            marks += [
                Line(name, z, relu(z), color="muted", width=1.5, dash=True),
                Line(name, z, ACTIVATIONS[name].function(z), color="blue"),
                Text(name, [-4.8], [0.5], [notes[name]]),
            ]
        return marks

    return Explorable(
        "activations.relatives",
        title="Four relatives of ReLU (dashed)",
        controls=[],
        panels=[
            Plot(name, Axis("z", -5, 3), Axis("φ(z)", -1.5, 3), title=NAMES[name], ratio=0.6)
            for name in names
        ],
        parts=[curves],
        describe=lambda: (
            "For large z all four agree with ReLU. They differ on the left: leaky ReLU "
            "keeps a faint slope, ELU levels off at −1, GELU and SiLU dip below zero and return to it."
        ),
    )


# ── The vanishing signal ────────────────────────────────────────────────────────────────────────

WIDTH, BATCH, DEEPEST = 64, 64, 30
FLOOR, CEILING = 1e-15, 1e9  # of the axes; a curve that leaves them leaves the picture


@cache
def _directions() -> tuple[Array, list[Array], Array]:
    """Return inputs (BATCH, WIDTH), weights of spread 1/√WIDTH, and a gradient to send back."""
    rng = np.random.default_rng(3)
    spread = Normal(std=WIDTH**-0.5)
    weights = [spread((WIDTH, WIDTH), rng) for _ in range(DEEPEST)]
    return rng.normal(size=(BATCH, WIDTH)), weights, rng.normal(size=(BATCH, WIDTH))


@lru_cache(maxsize=64)
def _forward(activation: str, scale: float) -> tuple[list[Array], Array]:
    """Return every layer's slopes (BATCH, WIDTH), and how far the inputs are spread in each."""
    h, weights, _ = _directions()
    slopes, spreads = [], []
    for w in weights:
        z = h @ (scale * w)
        slopes.append(ACTIVATIONS[activation].derivative(z))
        h = ACTIVATIONS[activation].function(z)
        spreads.append(float(np.sqrt(h.var(axis=0).mean())))
    return slopes, np.array(spreads)


@lru_cache(maxsize=2048)
def gradient_norms(activation: str, depth: int, scale: float) -> Array:
    """Return the norm of ∂L/∂h for the outputs h of each layer, last layer 1; shape (depth,)."""
    _, weights, gradient = _directions()
    slopes, _ = _forward(activation, scale)
    norms = np.empty(depth)
    for layer in reversed(range(depth)):
        norms[layer] = np.linalg.norm(gradient)
        gradient = (gradient * slopes[layer]) @ (scale * weights[layer]).T
    return np.asarray(norms / norms[-1])


def spreads(activation: str, scale: float) -> Array:
    """Return how far the outputs for different inputs lie apart in each layer, shape (30,)."""
    return _forward(activation, scale)[1]


def vanishing_signal() -> Explorable:
    """Show how the gradient fades or explodes on its way back through the layers."""

    def steady() -> Line:
        return Line("gradient", [1, DEEPEST], [1, 1], color="green", dash=True)

    def norms(activation: str, depth: int, scale: float) -> list[Mark]:
        layers = np.arange(1, depth + 1)
        size = np.clip(gradient_norms(activation, depth, scale), 1e-30, 1e30)
        return [
            Line("gradient", layers, size, color="orange", width=1.5),
            Points("gradient", layers, size, color="orange", size=3.5),
            Points("gradient", [1], size[:1], color="ink", size=6),
        ]

    def spread(activation: str, depth: int, scale: float) -> list[Mark]:
        layers = np.arange(1, depth + 1)
        size = np.clip(spreads(activation, scale)[:depth], 1e-30, 1e30)
        return [
            Line("signal", layers, size, color="blue", width=1.5),
            Points("signal", layers, size, color="blue", size=3.5),
        ]

    def result(activation: str, depth: int, scale: float) -> Say:
        sizes = gradient_norms(activation, depth, scale)
        if depth == 1:
            return Say("One layer: nothing lies between it and the loss, so nothing is lost.")
        factor = float(sizes[0] ** (1 / (depth - 1)))
        return Say(
            "On its way from layer {} to layer 1 the gradient is multiplied by {}: on average by {} "
            "for each layer.",
            *(depth, sizes[0], factor),
        )

    def verdict(activation: str, depth: int, scale: float) -> str:
        size = float(gradient_norms(activation, depth, scale)[0])
        if size < 1e-3:
            return "It vanishes: the first layers learn almost nothing."
        if size > 1e3:
            return "It explodes: the first layers are thrown about."
        return "It arrives with a usable size."

    layer = Axis("layer", 1, DEEPEST, ticks=[(k, str(k)) for k in (1, 5, 10, 15, 20, 25, 30)])
    powers = ((-12, "10⁻¹²"), (-9, "10⁻⁹"), (-6, "10⁻⁶"), (-3, "0.001"), (0, "1"), (3, "1000"), (6, "10⁶"))
    size = [(10.0**k, text) for k, text in powers]
    return Explorable(
        "activations.vanishing_signal",
        title="How much of the gradient reaches the first layer?",
        controls=[
            Choice(
                name="activation",
                label="activation",
                options={n: NAMES[n] for n in ("sigmoid", "tanh", "relu", "gelu", "identity")},
            ),
            Slider(
                name="depth",
                label="layers",
                low=1,
                high=DEEPEST,
                num=10,
                start=2,
                integer=True,
                marks=(2, 5, 10, 20, 30),
            ),
            Slider(
                name="scale",
                label="weight scale",
                low=0.5,
                high=8.0,
                num=9,
                scale="log",
                start=1.0,
                marks=(1.0, 1.41, 2.0, 4.0, 8.0),
            ),
        ],
        panels=[
            Plot(
                "gradient",
                layer,
                Axis("size of the gradient (last layer = 1)", FLOOR, CEILING, scale="log", ticks=size),
            ),
            Plot(
                "signal",
                layer,
                Axis("how far different inputs lie apart", FLOOR, CEILING, scale="log", ticks=size),
            ),
        ],
        parts=[steady, norms, spread],
        describe=[result, verdict],
    )


# ── Dying ReLU ──────────────────────────────────────────────────────────────────────────────────

UNITS, LAST_STEP = 24, 40
_X = np.linspace(-1, 1, 41)[:, None]
_Y = np.sin(3 * _X)


@cache
def training_record(activation: str, learning_rate: float) -> tuple[Array, Array]:
    """Return outputs (steps, 41) and each unit's share of inputs for which z > 0 (steps, UNITS)."""
    network = MLP([1, UNITS, 1], activation=activation, rng=np.random.default_rng(3))
    trainer = Trainer(network, MeanSquaredError(), SGD(learning_rate))
    outputs, shares = [], []
    for _ in range(LAST_STEP + 1):
        outputs.append(network.predict(_X)[:, 0])
        shares.append((network.layers["linear1"].forward(_X) > 0).mean(axis=0))
        trainer.step(_X, _Y)
    return np.array(outputs), np.array(shares)


def dying_relu() -> Explorable:
    """Show hidden units falling silent when the first steps are too long."""

    def target() -> Line:
        return Line("fit", _X, _Y, color="muted", dash=True, label="target")

    def state(activation: str, learning_rate: float, step: int) -> list[Mark]:
        outputs, shares = training_record(activation, learning_rate)
        silent = np.flatnonzero(shares[step] == 0)
        reach = float(np.abs(outputs[step]).max())
        half = next((h for h in (2.0, 5.0, 10.0, 20.0) if reach < h), 50.0)
        return [
            View("fit", x=(-1, 1), y=(-half, half)),
            Line("fit", _X, outputs[step], color="blue", label="network"),
            Bars("units", np.arange(1, UNITS + 1), np.zeros(UNITS), shares[step], color="blue"),
            Points("units", silent + 1, np.zeros(len(silent)), color="red", shape="cross", size=4),
        ]

    def result(activation: str, learning_rate: float, step: int) -> Say:
        outputs, shares = training_record(activation, learning_rate)
        error = float(((outputs[step] - _Y[:, 0]) ** 2).mean())
        silent = int((shares[step] == 0).sum())
        return Say(
            "After {} steps the error is {}. With z ≤ 0 for every input: {} of {} units.",
            step,
            error,
            silent,
            UNITS,
        )

    def verdict(activation: str, learning_rate: float, step: int) -> str:
        silent = (training_record(activation, learning_rate)[1][step] == 0).sum()
        if silent == 0:
            return "All units take part."
        if activation == "leaky_relu":
            return "A unit like that still passes on 1 % of the gradient, so it can come back."
        if silent == UNITS:
            return "All of them are dead: only the output's bias still learns, and the curve stays flat."
        return "A unit like that is dead: no gradient reaches its weights."

    return Explorable(
        "activations.dying_relu",
        title="Who survives the first steps?",
        controls=[
            Choice(
                name="activation", label="activation", options={n: NAMES[n] for n in ("relu", "leaky_relu")}
            ),
            Slider(
                name="learning_rate",
                label="learning rate",
                low=0.05,
                high=0.5,
                num=2,
                start=0.1,
                marks=(0.05, 0.1, 0.2, 0.3, 0.5),
            ),
            Stepper(name="step", label="steps", last=LAST_STEP, start=LAST_STEP),
        ],
        panels=[
            Plot("fit", Axis("x", -1, 1), Axis("y", -2, 2)),
            Plot(
                "units",
                Axis("hidden unit", 0, UNITS + 1, ticks=[(k, str(k)) for k in (1, 6, 12, 18, 24)]),
                Axis("share of inputs for which the unit is on", -0.06, 1),
            ),
        ],
        parts=[target, state],
        describe=[result, verdict],
    )


# ── Universal approximation ─────────────────────────────────────────────────────────────────────

TARGETS = {"wave": "a wave", "kink": "a corner", "wiggle": "wiggles", "jump": "a jump"}
SHAPES = {
    "tanh": "tanh",
    "sigmoid": "sigmoid",
    "relu": "ReLU",
    "square": "z² (a polynomial)",
    "cube": "z³ (a polynomial)",
}
MOST_UNITS = 50
JUMP_AT = 0.2
_GRID = np.linspace(-1, 1, 401)


def target(name: str, x: Array) -> Array:
    """Return one of the functions to be approximated, at x in [−1, 1]."""
    values = {
        "wave": np.sin(np.pi * x),
        "kink": 2 * np.abs(x) - 1,
        "wiggle": 0.8 * np.sin(3 * np.pi * x**2) + 0.3 * x,
        "jump": np.where(x < JUMP_AT - 1e-9, -0.7, 0.7),
    }
    return np.asarray(values[name], dtype=np.float64)


def features(activation: str, num_units: int, x: Array) -> Array:
    """Return a column of ones and the outputs of random hidden units; shape (n, units + 1).

    Unit k computes φ(w·(x − t)) with a place t and a slope w that were drawn once: the first k units
    are the same for every width.
    """
    rng = np.random.default_rng(4)
    places = rng.uniform(-1.1, 1.1, MOST_UNITS)
    slopes = rng.uniform(2, 8, MOST_UNITS) * rng.choice([-1, 1], MOST_UNITS)
    z = (x[:, None] - places[:num_units]) * slopes[:num_units]
    powers = {"square": 2, "cube": 3}
    if activation in powers:
        h = (z / 8) ** powers[activation]
    else:
        h = ACTIVATIONS[activation].function(z)
    return np.column_stack([np.ones(len(x)), h])


@cache
def _basis(activation: str) -> Array:
    """Return orthonormal columns (401, 51): the first k span what the first k features span.

    A feature that only repeats what those before it can do, up to rounding, gets a column of zeros.
    """
    columns = features(activation, MOST_UNITS, _GRID).T
    q = np.zeros_like(columns)
    for k, column in enumerate(columns):
        new = column.copy()
        for _ in range(2):  # Gram–Schmidt, twice: that keeps it exact
            new -= q.T @ (q @ new)
        if np.linalg.norm(new) > 1e-9 * np.linalg.norm(column):
            q[k] = new / np.linalg.norm(new)
    return np.asarray(q.T)


def fit(target_name: str, activation: str, num_units: int) -> Array:
    """Return the least-squares fit on 401 points: only the output weights are chosen."""
    q = _basis(activation)[:, : num_units + 1]
    return np.asarray(q @ (q.T @ target(target_name, _GRID)))


@cache
def largest_errors(target_name: str, activation: str) -> Array:
    """Return the largest error on [−1, 1] for 1 … 50 hidden units, shape (50,)."""
    y = target(target_name, _GRID)
    fits = np.array([fit(target_name, activation, n) for n in range(1, MOST_UNITS + 1)])
    errors = np.abs(fits - y).max(axis=1)
    if target_name == "jump":  # just left of the jump the target is still low
        at = int(np.abs(_GRID - JUMP_AT).argmin())
        errors = np.maximum(errors, np.abs(fits[:, at] + 0.7))
    return np.asarray(errors)


def universal_approximation() -> Explorable:
    """Show how well a sum of hidden units can follow a target, for growing width."""
    shown = slice(None, None, 5)

    def goal(target_name: str) -> Line:
        x = _GRID[shown]
        if target_name == "jump":
            x = np.insert(x, int((x < JUMP_AT - 1e-9).sum()), [JUMP_AT - 1e-9, np.nan])
        y = target(target_name, np.nan_to_num(x, nan=1.0))
        return Line("fit", x, y, color="soft", width=6, label="target", gaps=True)

    def network(target_name: str, activation: str, units: int) -> Line:
        y = np.clip(fit(target_name, activation, units), -3, 3)
        return Line("fit", _GRID[shown], y[shown], color="blue", label="network")

    def curve(target_name: str, activation: str) -> Line:
        errors = np.maximum(largest_errors(target_name, activation), 1e-12)
        return Line("error", np.arange(1, MOST_UNITS + 1), errors, color="blue", width=1.5)

    def here(target_name: str, activation: str, units: int) -> Points:
        error = float(largest_errors(target_name, activation)[units - 1])
        return Points("error", [units], [error], color="orange", size=6)

    def result(target_name: str, activation: str, units: int) -> Say:
        error = float(largest_errors(target_name, activation)[units - 1])
        best = float(largest_errors(target_name, activation).min())
        return Say(
            "Hidden units: {}. The largest error is {}; the best width up to 50 reaches {}.",
            *(units, error, best),
        )

    def why(target_name: str, activation: str) -> str:
        if activation in ("square", "cube"):
            power = {"square": "2, a parabola", "cube": "3"}[activation]
            return f"However many units: a sum of such polynomials is one polynomial of degree {power}."
        if target_name == "jump":
            return (
                "The target is not continuous. No continuous curve can be closer than half the jump, "
                "0.7, everywhere."
            )
        return "The theorem says that no error is out of reach, if there are units enough."

    return Explorable(
        "activations.universal_approximation",
        title="Can enough hidden units follow any curve?",
        controls=[
            Slider(
                name="units",
                label="hidden units",
                low=1,
                high=MOST_UNITS,
                num=14,
                start=5,
                integer=True,
                marks=(1, 2, 3, 5, 10, 20, 50),
            ),
            Choice(name="target_name", label="target", options=TARGETS),
            Choice(name="activation", label="activation", options=SHAPES),
        ],
        panels=[
            Plot("fit", Axis("x", -1, 1), Axis("y", -1.6, 1.6)),
            Plot(
                "error",
                Axis("hidden units", 0, MOST_UNITS, ticks=[(k, str(k)) for k in (1, 10, 20, 30, 40, 50)]),
                Axis("largest error", 1e-9, 3, scale="log"),
            ),
        ],
        parts=[goal, network, curve, here],
        describe=[result, why],
    )


# ── The proof in one dimension ──────────────────────────────────────────────────────────────────


def hat_from_relus() -> Explorable:
    """Draw three ReLUs and the hat that is their sum; it has no controls."""
    pieces: list[tuple[float, float, Color, str]] = [
        (1.0, -1.0, "blue", "relu(x + 1)"),
        (-2.0, 0.0, "orange", "−2 relu(x)"),
        (1.0, 1.0, "purple", "relu(x − 1)"),
    ]

    def curves() -> list[Mark]:
        x = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
        parts = [factor * relu(x - place) for factor, place, _, _ in pieces]
        drawn: list[Mark] = [
            Line("pieces", x, y, color=color, width=width, dash=color == "orange", label=label)
            for width, y, (_, _, color, label) in zip((2, 2, 4), parts, pieces, strict=True)
        ]
        return [*drawn, Line("sum", x, sum(parts), color="green", width=3, label="their sum")]

    return Explorable(
        "activations.hat_from_relus",
        title="Three ReLUs make a hat",
        controls=[],
        panels=[
            Plot(
                "pieces",
                Axis("x", -2, 2),
                Axis("each term", -4, 4, ticks=[(k, number(k)) for k in (-4, -2, 0, 2, 4)]),
                ratio=0.62,
            ),
            Plot("sum", Axis("x", -2, 2), Axis("the sum", -1, 2), ratio=0.62),
        ],
        parts=[curves],
        describe=lambda: (
            "At −1 the first term starts to climb with slope 1. At 0 the second turns the climb into a "
            "fall of slope −1. At 1 the third cancels what is left: outside [−1, 1] the sum is 0."
        ),
    )


def placed_relus() -> Explorable:
    """Show the proof's network: ReLUs placed at knots, so that the sum meets the target there."""

    def curve() -> Line:
        return Line("fit", _GRID, target("wave", _GRID), color="soft", width=6, label="target sin πx")

    def broken(units: int) -> list[Mark]:
        knots = np.linspace(-1, 1, units + 1)
        y = target("wave", knots)
        turns = np.diff(np.diff(y) / np.diff(knots), prepend=0.0)
        return [
            Line("fit", knots, y, color="blue", label="network"),
            Points("fit", knots, y, color="ink", size=3.5),
            Bars("weights", knots[:-1], np.zeros(units), turns, width=1.0 / units, color="orange"),
        ]

    def describe(units: int) -> Say:
        knots = np.linspace(-1, 1, units + 1)
        between = np.interp(_GRID, knots, target("wave", knots))
        error = float(np.abs(between - target("wave", _GRID)).max())
        return Say(
            "{} ReLUs, each starting at a knot. The largest error is {}; the bound π²h²/8 with "
            "h = {} promises at most {}.",
            *(units, error, 2 / units, np.pi**2 * (2 / units) ** 2 / 8),
        )

    return Explorable(
        "activations.placed_relus",
        title="A network that needs no training",
        controls=[
            Slider(
                name="units",
                label="hidden units",
                low=3,
                high=24,
                num=22,
                start=8,
                integer=True,
                marks=(4, 8, 16, 24),
            )
        ],
        panels=[
            Plot("fit", Axis("x", -1, 1), Axis("y", -1.4, 1.4)),
            Plot("weights", Axis("where the unit starts", -1.1, 1.1), Axis("its output weight", -5, 5)),
        ],
        parts=[curve, broken],
        describe=describe,
    )
