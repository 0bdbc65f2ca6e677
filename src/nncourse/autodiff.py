"""Automatic differentiation: numbers that remember where they came from.

A `Value` holds an array and the values it was computed from; together they form the computation
graph of the chapter on backpropagation. Networks in this library do not use it: their layers
derive by hand what is derived here by bookkeeping.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Union

import numpy as np
import numpy.typing as npt

from nncourse.arguments import Array, describe, finite, number, real_array

Operand = Union["Value", float, int, npt.NDArray[np.floating]]


class Value:
    """An array in a computation graph.

    Parameters
    ----------
    data : array_like
        Its numbers, stored as float64.
    name : str
        What to call it in a trace.

    Attributes
    ----------
    data : array
        The numbers.
    grad : array or None
        After ``output.backward()``: ∂output/∂self, of the shape of `data`.
    op : str
        The operation it is the result of, "" for a leaf.
    parents : tuple of Value
        The operands of that operation.

    It can be added, subtracted, multiplied, divided and raised to a constant power, multiplied as a
    matrix, and has methods such as `exp`, `tanh` and `sum`: write ``x.exp()``, since ``np.exp(x)`` knows
    nothing of gradients. More can be added with `operation`. A `Value` made of numbers is a leaf: what
    these numbers were computed from it does not know.

    Examples
    --------
    Where a value is used twice, the two gradients add: y = x · x + x has slope 2x + 1.

    >>> x = Value(3.0, name="x")
    >>> y = x * x + x
    >>> steps = y.backward()
    >>> float(y.data), float(x.grad)
    (12.0, 7.0)
    """

    __array_ufunc__ = None  # lets array * Value reach Value.__rmul__

    def __init__(self, data: npt.ArrayLike, name: str = "") -> None:
        self.data: Array = np.array(real_array("data", data), dtype=np.float64)
        finite("data", self.data)
        self.name = name
        self.grad: Array | None = None
        self.op = ""
        self.parents: tuple[Value, ...] = ()
        self._pull: Callable[[Array], tuple[Array, ...]] = lambda grad: ()

    def __repr__(self) -> str:
        """Show name, numbers and gradient."""
        return f"Value({self.name or self.op or 'leaf'}, data={self.data}, grad={self.grad})"

    def __add__(self, other: Operand) -> Value:
        """Return self + other; the gradient goes to both unchanged."""
        a, b = self, as_value(other)
        return operation(a.data + b.data, "+", (a, b), lambda g: (g, g))

    def __mul__(self, other: Operand) -> Value:
        """Return self · other; each gets the gradient times the other."""
        a, b = self, as_value(other)
        return operation(a.data * b.data, "*", (a, b), lambda g: (g * b.data, g * a.data))

    def __truediv__(self, other: Operand) -> Value:
        """Return self / other."""
        return self * as_value(other) ** -1

    def __pow__(self, exponent: float) -> Value:
        """Return self to the power of a constant: d(aⁿ)/da = n aⁿ⁻¹."""
        a, n = self, number("exponent", exponent)
        return operation(a.data**n, f"**{n:g}", (a,), lambda g: (g * n * a.data ** (n - 1) if n else 0 * g,))

    def __matmul__(self, other: Operand) -> Value:
        """Return the matrix product; with y = a @ b, da = g @ b.T and db = a.T @ g."""
        a, b = self, as_value(other)
        if a.data.ndim != 2 or b.data.ndim != 2 or a.data.shape[1] != b.data.shape[0]:
            raise ValueError(
                f"@ should get matrices that fit, (n, k) @ (k, m), but got {a.data.shape} @ {b.data.shape}."
            )
        return operation(a.data @ b.data, "@", (a, b), lambda g: (g @ b.data.T, a.data.T @ g))

    def __neg__(self) -> Value:
        """Return −self."""
        return self * -1.0

    def __sub__(self, other: Operand) -> Value:
        """Return self − other."""
        return self + -as_value(other)

    def __radd__(self, other: Operand) -> Value:
        """Return other + self."""
        return as_value(other) + self

    def __rmul__(self, other: Operand) -> Value:
        """Return other · self."""
        return as_value(other) * self

    def __rsub__(self, other: Operand) -> Value:
        """Return other − self."""
        return as_value(other) - self

    def __rtruediv__(self, other: Operand) -> Value:
        """Return other / self."""
        return as_value(other) / self

    def __rmatmul__(self, other: Operand) -> Value:
        """Return other @ self."""
        return as_value(other) @ self

    def exp(self) -> Value:
        """Return e to the power of self, which is its own derivative."""
        e: Array = np.exp(self.data)
        return operation(e, "exp", (self,), lambda g: (g * e,))

    def log(self) -> Value:
        """Return the natural logarithm; its derivative is 1/self."""
        return operation(np.log(self.data), "log", (self,), lambda g: (g / self.data,))

    def tanh(self) -> Value:
        """Return the hyperbolic tangent; its derivative is 1 − tanh²."""
        t: Array = np.tanh(self.data)
        return operation(t, "tanh", (self,), lambda g: (g * (1 - t**2),))

    def relu(self) -> Value:
        """Return max(0, self); its derivative is 1 above 0 and 0 elsewhere."""
        a = self.data
        return operation(np.maximum(a, 0), "relu", (self,), lambda g: (g * (a > 0),))

    def sum(self) -> Value:
        """Return the sum of all elements; each gets the gradient unchanged."""
        shape = self.data.shape
        return operation(self.data.sum(), "sum", (self,), lambda g: (np.broadcast_to(g, shape),))

    def mean(self) -> Value:
        """Return the mean of all elements."""
        return self.sum() * (1 / self.data.size)

    def graph(self) -> list[Value]:
        """Return every value this one depends on and itself, operands before results.

        The walk keeps its own stack, so that a chain of a million operations is no problem.
        """
        order: list[Value] = []
        seen: set[int] = set()
        stack: list[tuple[Value, bool]] = [(self, False)]
        while stack:
            value, parents_done = stack.pop()
            if parents_done:
                order.append(value)
            elif id(value) not in seen:
                seen.add(id(value))
                stack.append((value, True))
                stack.extend((parent, False) for parent in reversed(value.parents))
        return order

    def backward(self) -> list[BackwardStep]:
        """Fill `grad` of every value in the graph with ∂self/∂value, and return the steps taken.

        All gradients of the graph start from zero, so that calling it twice gives the same
        numbers twice.

        Raises
        ------
        ValueError
            If self is not a single number.
        """
        if self.data.size != 1:
            raise ValueError(f"backward should start from a single number, but got shape {self.data.shape}.")
        order = self.graph()
        for value in order:
            value.grad = np.zeros_like(value.data)
        self.grad = np.ones_like(self.data)
        steps = []
        for value in reversed(order):  # a value's gradient is complete before it is passed on
            assert value.grad is not None
            for parent, part in zip(value.parents, value._pull(value.grad), strict=True):
                part = _fold(part, parent.data.shape)
                parent.grad = part if parent.grad is None else parent.grad + part
                steps.append(BackwardStep(value, parent, part, parent.grad))
        return steps


class BackwardStep(NamedTuple):
    """One gradient on its way from a result to one of its operands.

    Attributes
    ----------
    result, operand : Value
        From where to where.
    contribution : array
        What came along this path.
    total : array
        The operand's gradient so far, with this contribution.
    """

    result: Value
    operand: Value
    contribution: Array
    total: Array


def as_value(operand: Operand) -> Value:
    """Return an operand as a `Value`; plain numbers and arrays become leaves without a name."""
    if isinstance(operand, Value):
        return operand
    if not isinstance(operand, (int, float, np.ndarray, np.number)):
        raise TypeError(f"operand should be a Value or a number, but got {describe(operand)}.")
    return Value(operand)


def operation(
    data: npt.ArrayLike,
    op: str,
    parents: Sequence[Value],
    pull: Callable[[Array], tuple[Array, ...]],
) -> Value:
    """Return the result of an operation, as a value that remembers its operands.

    This is how a `Value` gets its operations, and how you add one of your own.

    Parameters
    ----------
    data : array_like
        The numbers of the result.
    op : str
        What to call the operation in a trace.
    parents : sequence of Value
        Its operands.
    pull : callable
        Turns the gradient of the result into a tuple with those of the operands.

    Examples
    --------
    >>> def sin(a):
    ...     pull = lambda g: (g * np.cos(a.data),)
    ...     return operation(np.sin(a.data), "sin", [a], pull)
    >>> a, b = Value(0.0, name="a"), Value(2.0, name="b")
    >>> steps = (a * b + sin(a)).backward()
    >>> float(a.grad)
    3.0
    """
    value = Value.__new__(Value)
    value.data = np.asarray(data, dtype=np.float64)
    value.name, value.grad = "", None
    value.op, value.parents, value._pull = op, tuple(parents), pull
    return value


def _fold(grad: Array, shape: tuple[int, ...]) -> Array:
    """Sum a gradient over the axes along which an operand of this shape was repeated.

    A bias of shape (m,) that was added to every row of (n, m) is used n times; its gradients add.
    """
    total = grad.sum(axis=tuple(range(grad.ndim - len(shape))))
    repeated = tuple(axis for axis, size in enumerate(shape) if size < total.shape[axis])
    return np.asarray(total.sum(axis=repeated, keepdims=True))


class ForwardStep(NamedTuple):
    """One value as it is computed.

    Attributes
    ----------
    value : Value
        The result.
    op : str
        The operation, "" for a leaf.
    operands : tuple of Value
        What it was computed from.
    data : array
        Its numbers.
    """

    value: Value
    op: str
    operands: tuple[Value, ...]
    data: Array


def trace(output: Value) -> tuple[list[ForwardStep], list[BackwardStep]]:
    """Return every step of the way forward and back, in order, for stepping through a graph.

    Examples
    --------
    >>> x, w = Value(2.0, name="x"), Value(3.0, name="w")
    >>> forward, backward = trace(x * w + x)
    >>> [step.op or step.value.name for step in forward]
    ['x', 'w', '*', '+']
    >>> [(step.result.op, step.operand.name or step.operand.op, float(step.total))
    ...  for step in backward]
    [('+', '*', 1.0), ('+', 'x', 1.0), ('*', 'x', 4.0), ('*', 'w', 2.0)]
    """
    forward = [ForwardStep(v, v.op, v.parents, v.data) for v in output.graph()]
    return forward, output.backward()
