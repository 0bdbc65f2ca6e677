"""The computation graph: right gradients, added where paths meet, at any depth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nncourse.autodiff import Value, as_value, operation, trace
from nncourse.gradient_check import numerical_gradient
from nncourse.losses import MeanSquaredError
from nncourse.network import MLP

NUMBER = st.floats(0.1, 3)


def rng(seed=0):
    return np.random.default_rng(seed)


OPERATIONS = {
    "+": lambda a, b: (a + b).sum(),
    "-": lambda a, b: (a - b).sum(),
    "*": lambda a, b: (a * b).sum(),
    "/": lambda a, b: (a / b).sum(),
    "**": lambda a, b: (a**3 + b**-0.5).sum(),
    "neg": lambda a, b: (-a * b).sum(),
    "exp": lambda a, b: (a.exp() * b).sum(),
    "log": lambda a, b: (a.log() * b).sum(),
    "tanh": lambda a, b: (a.tanh() * b).sum(),
    "relu": lambda a, b: ((a - 1.5).relu() * b).sum(),
    "mean": lambda a, b: (a * b).mean(),
    "numbers on the left": lambda a, b: (2 + a + (3 - b) + 2 * a + 1 / b).sum(),
    "numbers on the right": lambda a, b: ((a + 2) * 3 - (b - 3) / 2).sum(),
    "a value used twice": lambda a, b: (a * b + a * a + a).sum(),
}
SHAPES = [((), ()), ((3,), (3,)), ((2, 3), (3,)), ((2, 3), (2, 1)), ((2, 1), (1, 3)), ((2, 3), ())]


@pytest.mark.parametrize(("left", "right"), SHAPES)
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_against_central_differences(name, left, right):
    operation = OPERATIONS[name]
    a, b = rng(1).uniform(0.2, 2.9, left), rng(2).uniform(0.2, 2.9, right)
    x, y = Value(a), Value(b)
    operation(x, y).backward()
    for value, measured in (
        (x, numerical_gradient(lambda v: float(operation(Value(v), Value(b)).data), a)),
        (y, numerical_gradient(lambda v: float(operation(Value(a), Value(v)).data), b)),
    ):
        assert value.grad.shape == value.data.shape
        np.testing.assert_allclose(value.grad, measured, rtol=1e-7, atol=1e-7)


def test_matrix_product_against_central_differences():
    a, b = rng(1).normal(size=(2, 3)), rng(2).normal(size=(3, 4))
    x, y = Value(a), Value(b)
    (x @ y).tanh().sum().backward()

    def ours(p, q):
        return float(np.tanh(p @ q).sum())

    np.testing.assert_allclose(x.grad, numerical_gradient(lambda v: ours(v, b), a), atol=1e-8)
    np.testing.assert_allclose(y.grad, numerical_gradient(lambda v: ours(a, v), b), atol=1e-8)


def test_arrays_stand_on_either_side():
    a = np.array([[1.0, 2.0]])
    w = Value(np.array([[3.0], [4.0]]))
    (a @ w).sum().backward()
    assert w.grad.tolist() == [[1.0], [2.0]]
    v = Value(np.array([1.0, 1.0]))
    (np.array([2.0, 3.0]) * v + np.ones(2)).sum().backward()
    assert v.grad.tolist() == [2.0, 3.0]
    (np.ones(2) - v).sum().backward()
    assert v.grad.tolist() == [-1.0, -1.0]


@given(x=NUMBER)
def test_where_a_value_is_used_twice_the_gradients_add(x):
    value = Value(x)
    (value * value + value).backward()
    assert float(value.grad) == pytest.approx(2 * x + 1)


@given(x=NUMBER)
def test_backward_twice_gives_the_same_numbers(x):
    value = Value(x)
    y = (value.exp() * value).tanh()
    y.backward()
    first = value.grad.copy()
    y.backward()
    assert value.grad == first


def test_a_value_shared_by_two_outputs_gets_the_gradient_of_the_last_backward():
    x = Value(3.0)
    y, z = x * 2, x * 5
    y.backward()
    z.backward()
    assert float(x.grad) == 5.0


def test_a_chain_of_ninety_thousand_operations_is_no_problem():
    x = Value(1.0)
    y = x
    for _ in range(30_000):
        y = y + 0.0 * y  # two paths each time
    y.backward()
    assert float(x.grad) == 1.0
    assert len(y.graph()) == 90_001


def test_a_diamond_is_walked_once_although_it_has_a_million_million_paths():
    x = Value(1.0)
    y = x
    for _ in range(40):
        y = y + y
    steps = y.backward()
    assert float(x.grad) == 2.0**40
    assert len(steps) == 80


def test_operands_come_before_results():
    x, w = Value(1.0), Value(2.0)
    y = (x * w).tanh() + x
    order = y.graph()
    for place, value in enumerate(order):
        assert all(order.index(parent) < place for parent in value.parents)
    assert order[-1] is y


def test_it_agrees_with_the_layers_of_the_library():
    network = MLP([4, 5, 3], activation="tanh", rng=rng())
    X, target = rng(1).normal(size=(6, 4)), rng(2).normal(size=(6, 3))
    loss = MeanSquaredError()
    cost = loss.forward(network.forward(X), target)
    network.backward(loss.backward())
    W1, b1, W2, b2 = (Value(param) for param in network.params.values())
    output = (((Value(X) @ W1 + b1).tanh() @ W2 + b2 - target) ** 2).mean()
    output.backward()
    assert float(output.data) == pytest.approx(cost)
    for value, grad in zip((W1, b1, W2, b2), network.grads.values(), strict=True):
        np.testing.assert_allclose(value.grad, grad, rtol=1e-12)


def test_relu_has_slope_0_at_0():
    x = Value(np.array([-1.0, 0.0, 2.0]))
    x.relu().sum().backward()
    assert x.grad.tolist() == [0, 0, 1]


def test_the_trace_tells_every_step_in_order():
    x, w, b = Value(2.0, "x"), Value(-3.0, "w"), Value(1.0, "b")
    y = (x * w + b).relu()
    forward, backward = trace(y)
    assert [step.op or step.value.name for step in forward] == ["x", "w", "*", "b", "+", "relu"]
    assert [float(step.data) for step in forward] == [2, -3, -6, 1, -5, 0]
    assert forward[2].operands == (x, w)
    names = [(step.result.op, step.operand.op or step.operand.name) for step in backward]
    assert names == [("relu", "+"), ("+", "*"), ("+", "b"), ("*", "x"), ("*", "w")]
    assert all(float(step.total) == 0 for step in backward)  # the unit is off: a dead ReLU


def test_the_trace_shows_contributions_and_their_running_total():
    x = Value(3.0, "x")
    _, backward = trace(x * x)
    assert [float(step.contribution) for step in backward] == [3.0, 3.0]
    assert [float(step.total) for step in backward] == [3.0, 6.0]


def test_values_are_those_of_numpy():
    a, b = np.array([3.0, -2.0]), np.array([4.0, 0.5])
    for result, expected in (
        (Value(a) / Value(b), a / b),
        (2 / Value(b), 2 / b),
        (Value(a) - Value(b), a - b),
        (2 - Value(b), 2 - b),
        (Value(a) * Value(b), a * b),
    ):
        np.testing.assert_allclose(result.data, expected)


def test_a_power_of_0_is_flat_also_at_0():
    x = Value([0.0, 2.0])
    (x**0).sum().backward()
    assert x.grad.tolist() == [0, 0]


def test_an_operation_of_your_own_has_its_gradient():
    x = Value([0.5, -1.0], name="x")
    sine = operation(np.sin(x.data), "sin", [x], lambda g: (g * np.cos(x.data),))
    steps = (x * sine).sum().backward()
    np.testing.assert_allclose(x.grad, np.sin(x.data) + x.data * np.cos(x.data))
    assert "sin" in [step.result.op for step in steps]


def test_values_copy_their_data_and_are_float64():
    data = np.ones(3, np.float32)
    value = Value(data)
    value.data[...] = 5
    assert data.tolist() == [1, 1, 1]
    assert value.data.dtype == np.float64
    assert "leaf" in repr(value) and "x" in repr(Value(1, "x")) and "**2" in repr(value**2)


def test_the_output_is_its_own_gradient_one():
    x = Value([2.0])
    assert x.backward() == []
    assert x.grad.tolist() == [1.0]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Value([1.0, 2.0]).backward(), ValueError, "backward should start from a single"),
        (lambda: Value([np.nan]), ValueError, "data should hold finite numbers"),
        (lambda: Value("a"), TypeError, "data should hold real numbers"),
        (
            lambda: Value(1.0) + "a",
            TypeError,
            r"operand should be a Value or a number, but got 'a'",
        ),
        (lambda: Value(1.0) ** "a", TypeError, "exponent should be a finite number"),
        (lambda: Value([1.0]) @ Value([1.0]), ValueError, r"@ should get matrices that fit"),
        (
            lambda: Value(np.ones((2, 3))) @ Value(np.ones((2, 3))),
            ValueError,
            r"@ should get matrices that fit, \(n, k\) @ \(k, m\), but got \(2, 3\) @ \(2, 3\)",
        ),
    ],
)
def test_bad_use_is_refused_in_a_sentence(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_as_value_leaves_values_alone():
    x = Value(1.0)
    assert as_value(x) is x
    assert float(as_value(2).data) == 2.0
