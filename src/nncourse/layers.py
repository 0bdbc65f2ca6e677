"""Layers: each maps a batch forward and carries a gradient backward.

A layer holds its parameters in `params` and their gradients, after `backward`, in `grads` under
the same names. It does not change its own weights: that is what an optimizer is for.

One convention everywhere: batches are rows. Inputs are ``(batch_size, ...)``, weights are
``(fan_in, fan_out)``, and ``X @ W + b`` is how they meet.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from nncourse import activations
from nncourse.arguments import (
    FLOAT_CHARS,
    Array,
    check_array,
    check_batch,
    describe,
    float_dtype,
    generator,
    number,
    positive,
    same_dtype,
    same_shape,
    whole_number,
)
from nncourse.initializers import XavierNormal, Zeros

InitializerLike = Callable[[tuple[int, ...], np.random.Generator, Any], Array]


class Layer:
    """What all layers share.

    A layer refuses inputs of a wrong shape or dtype, but does not look for NaN: that is done once,
    at the entrance of a network (`nncourse.network.Sequential.forward`).

    Attributes
    ----------
    params : dict of str to array
        The parameters by name, for example ``{"W": ..., "b": ...}``; empty if there are none.
    grads : dict of str to array
        After `backward`: the gradient of the loss for each parameter, of the same shape.
        Every call of `backward` replaces them; they do not add up over calls.
    buffers : dict of str to array
        Numbers that are kept and saved with the layer but not learned, such as running means.
    outputs : array
        What the last `forward` returned; `backward` takes a gradient of that shape and dtype.
    training : bool
        Whether the layer behaves as in training (True at first) or as in use. Only dropout and
        batch normalization make a difference. It has nothing to do with whether weights learn.

    Examples
    --------
    A layer of your own defines `forward` and `backward`. What it should learn has to be in
    `params`, as arrays: nothing else is trained, checked or saved. `forward` leaves its result in
    `outputs` as well, and `backward` puts new arrays in `grads`:

    >>> class Gain(Layer):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.params["gain"] = np.array([2.0])
    ...
    ...     def forward(self, inputs):
    ...         self.inputs = inputs
    ...         self.outputs = self.params["gain"] * inputs
    ...         return self.outputs
    ...
    ...     def backward(self, grad):
    ...         self.grads["gain"] = np.array([(grad * self.inputs).sum()])
    ...         return grad * self.params["gain"]
    >>> from nncourse.gradient_check import check_layer
    >>> check_layer(Gain(), np.array([[1.0, -3.0]])).passed
    True
    """

    outputs: Array

    has_fitting_backward_params = False

    def __init_subclass__(cls) -> None:
        """Note whether `backward_params` belongs to `backward`, which a subclass may replace alone."""
        if "backward" in vars(cls) or "backward_params" in vars(cls):
            cls.has_fitting_backward_params = "backward_params" in vars(cls)

    def __init__(self) -> None:
        self.params: dict[str, Array] = {}
        self.grads: dict[str, Array] = {}
        self.buffers: dict[str, Array] = {}
        self.training = True

    def forward(self, inputs: Array) -> Array:
        """Return the outputs for a batch of inputs and remember what `backward` will need."""
        raise NotImplementedError(f"{type(self).__name__} has to define forward(inputs).")

    def backward(self, grad: Array) -> Array:
        """Carry a gradient back through the most recent `forward`.

        Parameters
        ----------
        grad : array of the shape of the outputs
            ∂L/∂outputs.

        Returns
        -------
        array of the shape of the inputs
            ∂L/∂inputs. The gradients of the parameters are in `grads` afterwards.

        Raises
        ------
        RuntimeError
            If `forward` was not called before.
        ValueError, TypeError
            If `grad` has another shape or dtype than the outputs.
        """
        raise NotImplementedError(f"{type(self).__name__} has to define backward(grad).")

    def backward_params(self, grad: Array) -> None:
        """Fill `grads` as `backward` does, for a caller who does not need ∂L/∂inputs.

        This is the first layer of a network in training: nobody asks what the data should have
        been. It saves up to a third of the products, where the first layer is by far the largest. A
        class that replaces `backward` alone is not affected: a network then calls that.
        """
        self.backward(grad)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of the outputs for inputs of this shape, both without the batch axis.

        That is the shape of the inputs, unless a layer says otherwise: one that changes the shape
        has to, or `nncourse.network.Sequential.summary` shows a wrong one.
        """
        return input_shape

    def pieces(self) -> npt.NDArray[np.bool_] | None:
        """Return on which side of its kink each number of the last `forward` was, if it has one.

        The gradient check compares them before and after a small step, and leaves out steps across
        a kink. A layer of your own with the kink of ReLU returns ``self.inputs > 0``.
        """
        return None

    def num_params(self) -> int:
        """Return how many numbers the layer learns."""
        return sum(param.size for param in self.params.values())

    def _check_floats(self, inputs: Array) -> None:
        if not isinstance(inputs, np.ndarray) or inputs.dtype.char not in FLOAT_CHARS:
            check_array(f"inputs of {type(self).__name__}", inputs)

    def _check_grad(self, grad: Array) -> None:
        name = type(self).__name__
        if not hasattr(self, "outputs"):
            raise RuntimeError(f"{name}.backward needs a forward pass before it, but forward was not called.")
        shape, dtype = self.outputs.shape, self.outputs.dtype
        if isinstance(grad, np.ndarray) and grad.shape == shape and grad.dtype == dtype:
            return  # the usual case, and this runs in every backward pass
        check_array(f"grad of {name}.backward", grad)
        same_shape(f"grad of {name}.backward", grad, shape, "the outputs")
        same_dtype(f"grad of {name}.backward", grad, dtype, "the outputs")


class Linear(Layer):
    """A fully connected layer: outputs = inputs @ W + b.

    The code writes ``a.dot(b)`` for ``a @ b``: with two matrices it is the same product, and what
    ``@`` takes longer to start is a twentieth of the whole training step of a small batch.

    Parameters
    ----------
    num_inputs, num_outputs : int
        Fan in and fan out, at least 1.
    rng : numpy.random.Generator
        Where the first weights come from.
    weight_init : initializer
        Called as ``weight_init(shape, rng, dtype)``; `XavierNormal` by default.
    bias_init : initializer or None
        `Zeros` by default; None builds a layer without bias.
    dtype : dtype
        float64 (default) or float32; inputs must have the same.

    Examples
    --------
    >>> import numpy as np
    >>> layer = Linear(4, 5, rng=np.random.default_rng(0))
    >>> layer.params["W"].shape, layer.params["b"].shape
    ((4, 5), (5,))
    >>> layer.forward(np.ones((1, 4))).shape
    (1, 5)
    """

    def __init__(
        self,
        num_inputs: int,
        num_outputs: int,
        *,
        rng: np.random.Generator,
        weight_init: InitializerLike | None = None,
        bias_init: InitializerLike | None = Zeros(),  # noqa: B008 (it holds no state)
        dtype: npt.DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        shape = whole_number("num_inputs", num_inputs), whole_number("num_outputs", num_outputs)
        generator("rng", rng)
        dtype = float_dtype("dtype", dtype)
        weight_init = XavierNormal() if weight_init is None else weight_init
        self.params["W"] = _drawn("weight_init", weight_init, shape, rng, dtype)
        if bias_init is not None:
            self.params["b"] = _drawn("bias_init", bias_init, shape[1:], rng, dtype)

    def forward(self, inputs: Array) -> Array:
        """Return inputs @ W + b.

        Parameters
        ----------
        inputs : array of shape (batch_size, num_inputs)
            In the dtype of the layer.

        Returns
        -------
        array of shape (batch_size, num_outputs)
        """
        W = self.params["W"]
        check_batch("inputs of Linear", inputs, W.shape[:1], W.dtype)
        self.inputs = inputs
        self.outputs = inputs.dot(W)
        if "b" in self.params:
            self.outputs += self.params["b"]
        return self.outputs

    def backward(self, grad: Array) -> Array:
        """Return ∂L/∂inputs = grad @ W.T, and leave ∂L/∂W and ∂L/∂b in `grads`.

        L is one number. With G = ∂L/∂outputs, each row of which belongs to one row of the inputs:
        ∂L/∂inputs = G Wᵀ, ∂L/∂W = inputsᵀ G, and ∂L/∂b is the sum of the rows of G, since b was added
        to each of them.
        """
        self.backward_params(grad)
        grad_inputs: Array = grad.dot(self.params["W"].T)
        return grad_inputs

    def backward_params(self, grad: Array) -> None:
        """Leave ∂L/∂W = inputs.T @ grad and ∂L/∂b = the sum of the rows of grad in `grads`."""
        self._check_grad(grad)
        self.grads["W"] = self.inputs.T.dot(grad)
        assert self.grads["W"].shape == self.params["W"].shape
        if "b" in self.params:
            # The sum over the rows; as a product with ones it is up to five times faster.
            self.grads["b"] = _ones(len(grad), grad.dtype).dot(grad)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return (num_outputs,), after a check that the inputs fit."""
        num_inputs, num_outputs = self.params["W"].shape
        if input_shape != (num_inputs,):
            raise ValueError(f"input_shape of Linear should be {(num_inputs,)}, but got {input_shape}.")
        return (num_outputs,)


def _drawn(
    name: str,
    initializer: InitializerLike,
    shape: tuple[int, ...],
    rng: np.random.Generator,
    dtype: np.dtype[Any],
) -> Array:
    """Return first parameters, or refuse what is no initializer or gives something else."""
    if not callable(initializer) or isinstance(initializer, type):
        raise TypeError(f"{name} should be an initializer such as Zeros(), but got {describe(initializer)}.")
    param = initializer(shape, rng, dtype)
    check_array(f"the result of {name}", param)
    same_shape(f"the result of {name}", param, shape, "the parameter")
    same_dtype(f"the result of {name}", param, dtype, "the layer")
    return param


@lru_cache(maxsize=16)
def _ones(count: int, dtype: np.dtype[Any]) -> Array:
    """Return a vector of ones, made once for all steps."""
    return np.ones(count, dtype)


class Elementwise(Layer):
    """An activation applied to every number by itself: outputs = f(inputs).

    Parameters
    ----------
    function, derivative : callable
        f and f', each from an array to an array of the same shape and dtype. Your own pair works
        as well as those of `nncourse.activations`.
    kinked : bool
        Whether f has a kink at 0, as ReLU and abs(z) have: the gradient check then leaves out the
        steps across it.

    Examples
    --------
    >>> import numpy as np
    >>> square = Elementwise(lambda z: z**2, lambda z: 2 * z)
    >>> square.forward(np.array([[3.0]])), square.backward(np.array([[1.0]]))
    (array([[9.]]), array([[6.]]))
    """

    def __init__(
        self,
        function: Callable[[Array], Array],
        derivative: Callable[[Array], Array],
        *,
        kinked: bool = False,
    ) -> None:
        super().__init__()
        self.function = function
        self.derivative = derivative
        self.kinked = kinked

    def forward(self, inputs: Array) -> Array:
        """Return f(inputs), of the same shape."""
        self._check_floats(inputs)
        self.inputs = inputs
        self.outputs = self.function(inputs)
        return self.outputs

    def backward(self, grad: Array) -> Array:
        """Return grad * f'(inputs): the chain rule, number by number."""
        self._check_grad(grad)
        return grad * self.derivative(self.inputs)

    def pieces(self) -> npt.NDArray[np.bool_] | None:
        """Return where the last inputs were above 0, if the function has its kink there."""
        return self.inputs > 0 if self.kinked else None


class Sigmoid(Elementwise):
    """outputs = σ(inputs); see `nncourse.activations.sigmoid`."""

    def __init__(self) -> None:
        super().__init__(activations.sigmoid, activations.sigmoid_derivative)

    def backward(self, grad: Array) -> Array:
        """Return grad * σ (1 − σ), with the σ that forward has computed already."""
        self._check_grad(grad)
        return grad * (self.outputs * (1 - self.outputs))


class Tanh(Elementwise):
    """outputs = tanh(inputs); see `nncourse.activations.tanh`."""

    def __init__(self) -> None:
        super().__init__(activations.tanh, activations.tanh_derivative)

    def backward(self, grad: Array) -> Array:
        """Return grad * (1 − tanh²), with the tanh that forward has computed already."""
        self._check_grad(grad)
        return grad * (1 - self.outputs**2)


class ReLU(Elementwise):
    """outputs = max(0, inputs); see `nncourse.activations.relu`."""

    def __init__(self) -> None:
        super().__init__(activations.relu, activations.relu_derivative, kinked=True)


class LeakyReLU(Elementwise):
    """outputs = inputs where positive, slope · inputs elsewhere.

    Parameters
    ----------
    slope : float
        0.01 by default; see `nncourse.activations.leaky_relu`.
    """

    def __init__(self, slope: float = activations.LEAKY_SLOPE) -> None:
        self.slope = number("slope", slope)
        super().__init__(
            lambda z: activations.leaky_relu(z, slope),
            lambda z: activations.leaky_relu_derivative(z, slope),
            kinked=True,
        )


class ELU(Elementwise):
    """outputs = inputs where positive, α (exp(inputs) − 1) elsewhere.

    Parameters
    ----------
    alpha : float
        α above 0; see `nncourse.activations.elu`.
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = positive("alpha", alpha)
        super().__init__(
            lambda z: activations.elu(z, alpha),
            lambda z: activations.elu_derivative(z, alpha),
            kinked=True,
        )


class GELU(Elementwise):
    """outputs = inputs · Φ(inputs); see `nncourse.activations.gelu`."""

    def __init__(self) -> None:
        super().__init__(activations.gelu, activations.gelu_derivative)


class SiLU(Elementwise):
    """outputs = inputs · σ(inputs); see `nncourse.activations.silu`."""

    def __init__(self) -> None:
        super().__init__(activations.silu, activations.silu_derivative)


class Identity(Elementwise):
    """outputs = inputs: no activation."""

    def __init__(self) -> None:
        super().__init__(activations.identity, activations.identity_derivative)


class Softmax(Layer):
    """Turn the scores of each row into probabilities, over the last axis.

    For training a classifier leave it out and use `nncourse.losses.SoftmaxCrossEntropy`, which takes
    the scores themselves and keeps its digits where this layer rounds to 0 or 1.
    """

    def forward(self, inputs: Array) -> Array:
        """Return softmax(inputs), of the same shape; the last axis sums to 1."""
        self._check_floats(inputs)
        self.outputs = activations.softmax(inputs)
        return self.outputs

    def backward(self, grad: Array) -> Array:
        """Return s (grad − Σ grad·s): the product of grad with the Jacobian sᵢ (δᵢⱼ − sⱼ)."""
        self._check_grad(grad)
        weighted: Array = (grad * self.outputs).sum(axis=-1, keepdims=True)
        return self.outputs * (grad - weighted)


class Reshape(Layer):
    """Give every row another shape with as many numbers; the batch axis stays.

    Parameters
    ----------
    shape : tuple of int
        The new shape of one row, for example (1, 8, 8).
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = tuple(whole_number("every entry of shape", size) for size in shape)

    def forward(self, inputs: Array) -> Array:
        """Return the inputs as ``(batch_size, *shape)``."""
        self._check_floats(inputs)
        self.input_shape = inputs.shape
        self.outputs = inputs.reshape(len(inputs), *self.output_shape(inputs.shape[1:]))
        return self.outputs

    def backward(self, grad: Array) -> Array:
        """Return grad in the shape of the inputs."""
        self._check_grad(grad)
        return grad.reshape(self.input_shape)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the new shape of one row, after a check that it holds as many numbers."""
        if math.prod(input_shape) != math.prod(self.shape):
            raise ValueError(
                f"input_shape of Reshape should hold {math.prod(self.shape)} numbers to become "
                f"{self.shape}, but got {input_shape}."
            )
        return self.shape


class Flatten(Reshape):
    """Lay every row out in one line: (batch_size, a, b, ...) becomes (batch_size, a·b·…)."""

    def __init__(self) -> None:
        super().__init__(())

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return (a·b·…,)."""
        return (math.prod(input_shape),)


ACTIVATION_LAYERS: dict[str, Callable[[], Layer]] = {
    "identity": Identity,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "elu": ELU,
    "gelu": GELU,
    "silu": SiLU,
    "softmax": Softmax,
}
"""Every activation layer by the name that `nncourse.network.MLP` knows it under."""
