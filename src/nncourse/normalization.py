"""Normalization layers: subtract a mean, divide by a standard deviation, then scale and shift.

In training the four normalize alike and differ in the cells that share one mean and one variance;
the arithmetic is written once. Besides, batch normalization uses running statistics when the
network is in use, and layer normalization has a γ and a β for every feature instead of every
channel. With inputs of shape (N, C, L), samples, channels, positions, they share over

======================  =====================================  ==========================
layer                   one mean and variance for each         taken over
======================  =====================================  ==========================
`BatchNorm1d`           channel                                samples and positions
`LayerNorm`             sample                                 channels and positions
`InstanceNorm1d`        sample and channel                     positions
`GroupNorm`             sample and group of channels           channels of the group and positions
======================  =====================================  ==========================
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from nncourse.arguments import (
    Array,
    check_batch,
    float_dtype,
    fraction_below_one,
    positive,
    whole_number,
)
from nncourse.layers import Layer


class _Normalization(Layer):
    """x̂ = (x − mean) / √(variance + ε), outputs = γ x̂ + β; the subclass says over which axes.

    `gamma` starts at 1 and `beta` at 0. Their shape, `_param_shape`, broadcasts against a batch.
    """

    def __init__(self, shape: tuple[int, ...], epsilon: float, dtype: npt.DTypeLike) -> None:
        super().__init__()
        self.epsilon = positive("epsilon", epsilon)
        dtype = float_dtype("dtype", dtype)
        self.params = {"gamma": np.ones(shape, dtype), "beta": np.zeros(shape, dtype)}

    def forward(self, inputs: Array) -> Array:
        """Return γ x̂ + β, of the shape of the inputs."""
        name = f"inputs of {type(self).__name__}"
        self._check_inputs(name, inputs)
        cells = self._split(inputs)
        mean, variance = self._statistics(cells)
        self._std: Array = np.sqrt(variance + self.epsilon)
        self._normalized: Array = ((cells - mean) / self._std).reshape(inputs.shape)
        gamma, beta = (self._spread(self.params[key], inputs.ndim) for key in ("gamma", "beta"))
        self.outputs = gamma * self._normalized + beta
        return self.outputs

    def backward(self, grad: Array) -> Array:
        """Return ∂L/∂inputs, and leave ∂L/∂γ and ∂L/∂β in `grads`.

        With g = grad · γ, and means over the cells that shared their statistics::

            ∂L/∂x = (g − mean(g) − x̂ · mean(g · x̂)) / √(variance + ε)

        The two means are there because x also moved the mean and the variance (Ioffe & Szegedy
        2015, section 3). With running statistics, which x did not move, they are absent.
        """
        self._check_grad(grad)
        gamma = self.params["gamma"]
        for name, values in (("gamma", grad * self._normalized), ("beta", grad)):
            self.grads[name] = self._gather(values)
            assert self.grads[name].shape == gamma.shape
        g = self._split(grad * self._spread(gamma, grad.ndim))
        if self._uses_batch():
            normalized = self._split(self._normalized)
            mean_g: Array = g.mean(axis=self._axes(g), keepdims=True)
            mean_gx: Array = (g * normalized).mean(axis=self._axes(g), keepdims=True)
            g = g - mean_g - normalized * mean_gx
        return (g / self._std).reshape(grad.shape)

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the same shape, after a check that the inputs fit."""
        a_batch = np.empty((2, *input_shape), self.params["gamma"].dtype)
        self._check_inputs(f"inputs of {type(self).__name__}", a_batch)
        return input_shape

    def _check_inputs(self, name: str, inputs: Array) -> None:
        raise NotImplementedError

    def _axes(self, cells: Array) -> tuple[int, ...]:
        """Return the axes over which mean and variance are taken."""
        raise NotImplementedError

    def _split(self, values: Array) -> Array:
        """Reshape so that the cells that share statistics lie along whole axes."""
        return values

    def _spread(self, param: Array, ndim: int) -> Array:
        """Give a parameter of shape (C,) the axes it needs to meet (N, C, ...)."""
        return param.reshape(-1, *[1] * (ndim - 2))

    def _gather(self, values: Array) -> Array:
        """Sum over all axes along which `_spread` repeated a parameter."""
        total: Array = values.sum(axis=tuple(axis for axis in range(values.ndim) if axis != 1))
        return total

    def _statistics(self, cells: Array) -> tuple[Array, Array]:
        """Return mean and variance, with the axes kept; the variance divides by the count."""
        axes = self._axes(cells)
        mean: Array = cells.mean(axis=axes, keepdims=True)
        variance: Array = ((cells - mean) ** 2).mean(axis=axes, keepdims=True)
        return mean, variance

    def _uses_batch(self) -> bool:
        """Say whether the last forward took its statistics from its own inputs."""
        return True


class BatchNorm1d(_Normalization):
    """Batch normalization: each channel gets mean 0 and variance 1 over the batch.

    In training the statistics come from the batch, and running averages are updated; in use the
    running averages take their place, so that one sample's output does not depend on its
    neighbours (Ioffe & Szegedy 2015, algorithms 1 and 2)::

        running ← (1 − momentum) · running + momentum · batch

    The variance that normalizes divides by n; the one that goes into the running average divides
    by n − 1, as in the paper and in PyTorch.

    Parameters
    ----------
    num_channels : int
        C. Inputs are (N, C) or (N, C, L).
    momentum : float
        How much of the new batch enters the running averages, in [0, 1). It is not what an optimizer
        calls momentum: there the number says what is kept. Some libraries write our 0.1 as 0.9.
    epsilon : float
        ε above 0, added to the variance.
    dtype : dtype
        float64 (default) or float32.

    Attributes
    ----------
    params : dict
        "gamma" and "beta", each of shape (C,).
    buffers : dict
        "running_mean" (starts at 0) and "running_var" (starts at 1), each of shape (C,).

    Raises
    ------
    ValueError
        In training, if the batch gives a channel only one number: it has no variance.

    Examples
    --------
    >>> import numpy as np
    >>> layer = BatchNorm1d(1)
    >>> layer.forward(np.array([[1.0], [3.0]])).round(3).ravel().tolist()
    [-1.0, 1.0]
    >>> layer.buffers["running_mean"].tolist()           # 0.9 * 0 + 0.1 * 2
    [0.2]
    """

    def __init__(
        self,
        num_channels: int,
        *,
        momentum: float = 0.1,
        epsilon: float = 1e-5,
        dtype: npt.DTypeLike = np.float64,
    ) -> None:
        super().__init__((whole_number("num_channels", num_channels),), epsilon, dtype)
        self.momentum = fraction_below_one("momentum", momentum)
        self.buffers = {
            "running_mean": np.zeros(num_channels, float_dtype("dtype", dtype)),
            "running_var": np.ones(num_channels, float_dtype("dtype", dtype)),
        }

    def _check_inputs(self, name: str, inputs: Array) -> None:
        check_channels(name, inputs, self.params["gamma"], least=2)
        if self.training and inputs[:, 0].size < 2:
            raise ValueError(
                f"{name} should give each channel at least two numbers in training, since one "
                f"number has no variance, but got the shape {inputs.shape}. If it was the last batch of "
                f"an epoch, choose another batch_size."
            )

    def _axes(self, cells: Array) -> tuple[int, ...]:
        return tuple(axis for axis in range(cells.ndim) if axis != 1)

    def _statistics(self, cells: Array) -> tuple[Array, Array]:
        self._from_batch = self.training
        if not self.training:
            spread = (self._spread(self.buffers[key], cells.ndim) for key in ("running_mean", "running_var"))
            return next(spread), next(spread)
        mean, variance = super()._statistics(cells)
        count = cells[:, 0].size
        batch = {
            "running_mean": mean.ravel(),
            "running_var": variance.ravel() * (count / (count - 1)),
        }
        for key, running in self.buffers.items():
            running *= 1 - self.momentum
            running += self.momentum * batch[key]
        return mean, variance

    def _uses_batch(self) -> bool:
        return self._from_batch


class LayerNorm(_Normalization):
    """Layer normalization: each sample gets mean 0 and variance 1 over its own features.

    The same in training and in use, and indifferent to the batch (Ba, Kiros & Hinton 2016).

    Parameters
    ----------
    shape : int or tuple of int
        The shape of one sample's features, at least two, which are the last axes of the inputs: C
        for inputs (N, C), (C, L) for inputs (N, C, L). `gamma` and `beta` have this shape.
    epsilon : float
        ε above 0, added to the variance.
    dtype : dtype
        float64 (default) or float32.

    Examples
    --------
    >>> import numpy as np
    >>> LayerNorm(2).forward(np.array([[1.0, 3.0]])).round(3).ravel().tolist()
    [-1.0, 1.0]
    """

    def __init__(
        self,
        shape: int | tuple[int, ...],
        *,
        epsilon: float = 1e-5,
        dtype: npt.DTypeLike = np.float64,
    ) -> None:
        sizes = shape if isinstance(shape, tuple) else (shape,)
        sizes = tuple(whole_number("every entry of shape", size) for size in sizes)
        if math.prod(sizes) < 2:
            raise ValueError(
                f"shape should have at least two features, since one number has no variance, but got {shape}."
            )
        super().__init__(sizes, epsilon, dtype)

    def _check_inputs(self, name: str, inputs: Array) -> None:
        gamma = self.params["gamma"]
        check_batch(name, inputs, gamma.shape, gamma.dtype)

    def _axes(self, cells: Array) -> tuple[int, ...]:
        return tuple(range(1, cells.ndim))

    def _spread(self, param: Array, ndim: int) -> Array:
        return param

    def _gather(self, values: Array) -> Array:
        total: Array = values.sum(axis=0)
        return total


class GroupNorm(_Normalization):
    """Group normalization: mean 0 and variance 1 over each sample's group of channels.

    With one group the statistics are those of layer normalization over (C, L), with C groups those
    of instance normalization (Wu & He 2018). The same in training and in use.

    Parameters
    ----------
    num_groups : int
        How many groups; it divides `num_channels`.
    num_channels : int
        C. Inputs are (N, C) or (N, C, L) with at least two numbers in each group: one has no
        variance. `gamma` and `beta` have shape (C,).
    epsilon : float
        ε above 0, added to the variance.
    dtype : dtype
        float64 (default) or float32.
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        *,
        epsilon: float = 1e-5,
        dtype: npt.DTypeLike = np.float64,
    ) -> None:
        super().__init__((whole_number("num_channels", num_channels),), epsilon, dtype)
        self.num_groups = whole_number("num_groups", num_groups)
        if num_channels % num_groups:
            raise ValueError(f"num_groups should divide num_channels = {num_channels}, but got {num_groups}.")

    def _check_inputs(self, name: str, inputs: Array) -> None:
        check_channels(name, inputs, self.params["gamma"], least=2)
        if inputs[0].size == self.num_groups:
            raise ValueError(
                f"{name} should have at least two numbers in each of the {self.num_groups} groups, since one "
                f"number has no variance, but got the shape {inputs.shape}."
            )

    def _split(self, values: Array) -> Array:
        return values.reshape(len(values), self.num_groups, -1)

    def _axes(self, cells: Array) -> tuple[int, ...]:
        return (2,)


class InstanceNorm1d(GroupNorm):
    """Instance normalization: mean 0 and variance 1 over the positions of each sample's channel.

    Every channel is a group of its own (Ulyanov, Vedaldi & Lempitsky 2016). With a learned scale
    and shift; PyTorch leaves them out unless ``affine=True``.

    Parameters
    ----------
    num_channels : int
        C. Inputs are (N, C, L) with L at least 2: one position has no variance.
    epsilon : float
        ε above 0, added to the variance.
    dtype : dtype
        float64 (default) or float32.
    """

    def __init__(
        self, num_channels: int, *, epsilon: float = 1e-5, dtype: npt.DTypeLike = np.float64
    ) -> None:
        super().__init__(num_channels, num_channels, epsilon=epsilon, dtype=dtype)

    def _check_inputs(self, name: str, inputs: Array) -> None:
        check_channels(name, inputs, self.params["gamma"], least=3)
        super()._check_inputs(name, inputs)


def check_channels(name: str, inputs: Any, gamma: Array, least: int) -> None:
    """Refuse a batch that is not (N, C) or (N, C, L), or only the latter if `least` is 3.

    `gamma` has shape (C,) and the dtype of the layer.
    """
    with_positions = getattr(inputs, "ndim", least) == 3 or least == 3
    check_batch(name, inputs, (len(gamma), None) if with_positions else gamma.shape, gamma.dtype)
