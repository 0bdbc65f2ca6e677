"""Networks: layers in a row, with names, a summary, two modes, and a file to keep weights in.

`Sequential` takes any layers; `MLP` builds the usual ones. How a network is trained is in
`nncourse.training`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import dropwhile, pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nncourse.arguments import (
    Array,
    check_array,
    describe,
    finite,
    fraction_below_one,
    generator,
    one_of,
    whole_number,
)
from nncourse.dropout import Dropout
from nncourse.initializers import initializer_for
from nncourse.layers import ACTIVATION_LAYERS, InitializerLike, Layer, Linear

FORMAT_KEY, FORMAT = "nncourse format", "weights 1"


class Sequential:
    """Layers one after the other: the outputs of each are the inputs of the next.

    Parameters
    ----------
    layers : sequence of Layer, or mapping of str to Layer
        In order. Without names, each is called after its class and its place among its kind:
        "linear1", "relu1", "linear2".

    Attributes
    ----------
    layers : dict of str to Layer
        The layers by name, in order.

    Examples
    --------
    >>> import numpy as np
    >>> from nncourse.layers import Linear, Tanh
    >>> rng = np.random.default_rng(0)
    >>> network = Sequential([Linear(4, 5, rng=rng), Tanh(), Linear(5, 3, rng=rng)])
    >>> list(network.params)
    ['linear1.W', 'linear1.b', 'linear2.W', 'linear2.b']
    >>> network.forward(np.ones((2, 4))).shape
    (2, 3)

    With batch normalization and dropout; ReLU wants other first weights than the default:

    >>> from nncourse.dropout import Dropout
    >>> from nncourse.initializers import KaimingNormal
    >>> from nncourse.layers import ReLU
    >>> from nncourse.normalization import BatchNorm1d
    >>> network = Sequential([
    ...     Linear(64, 32, rng=rng, weight_init=KaimingNormal()), BatchNorm1d(32), ReLU(),
    ...     Dropout(0.2, rng=rng), Linear(32, 10, rng=rng),
    ... ])
    >>> network.num_params()
    2474
    """

    def __init__(self, layers: Sequence[Layer] | Mapping[str, Layer]) -> None:
        named = dict(layers) if isinstance(layers, Mapping) else _named(layers)
        if not named:
            raise ValueError("layers should hold at least one layer, but got none.")
        for name, layer in named.items():
            if not isinstance(layer, Layer):
                raise TypeError(f"layer {name!r} should be a Layer, but got {describe(layer)}.")
            if "." in name:
                raise ValueError(f"a layer's name should have no dot in it, but got {name!r}.")
        if len(set(map(id, named.values()))) < len(named):
            raise ValueError("layers should be different objects, but one of them comes twice.")
        self.layers: dict[str, Layer] = named
        owners: dict[int, str] = {}
        for name, param in self.params.items():
            if (other := owners.setdefault(id(param), name)) != name:
                raise ValueError(
                    f"layers should not share parameters, but {other} and {name} are one array: each "
                    f"would get a gradient of its own."
                )

    @property
    def params(self) -> dict[str, Array]:
        """All parameters by name, "linear1.W"; the arrays themselves, not copies."""
        return {
            f"{name}.{key}": param
            for name, layer in self.layers.items()
            for key, param in layer.params.items()
        }

    @property
    def grads(self) -> dict[str, Array]:
        """All gradients of the last `backward`, under the names of `params` and in their order."""
        return {
            f"{name}.{key}": layer.grads[key]
            for name, layer in self.layers.items()
            for key in layer.params
            if key in layer.grads
        }

    @property
    def buffers(self) -> dict[str, Array]:
        """All numbers that are kept but not learned, such as running means, by name."""
        return {
            f"{name}.{key}": buffer
            for name, layer in self.layers.items()
            for key, buffer in layer.buffers.items()
        }

    @property
    def training(self) -> bool:
        """Whether all layers are in training mode; setting it sets it for all layers."""
        return all(layer.training for layer in self.layers.values())

    @training.setter
    def training(self, value: bool) -> None:
        for layer in self.layers.values():
            layer.training = value

    @contextmanager
    def mode(self, *, training: bool) -> Iterator[None]:
        """Put all layers in training mode (True) or in use (False) inside a `with` block.

        Afterwards every layer has its own mode back, also after an error.

        >>> import numpy as np
        >>> network = MLP([2, 1], rng=np.random.default_rng(0))
        >>> with network.mode(training=False):
        ...     network.training
        False
        >>> network.training
        True
        """
        before = [layer.training for layer in self.layers.values()]
        self.training = training
        try:
            yield
        finally:
            for layer, was in zip(self.layers.values(), before, strict=True):
                layer.training = was

    def forward(self, inputs: Array) -> Array:
        """Return the outputs for a batch of inputs, in the current mode.

        Parameters
        ----------
        inputs : array of shape (batch_size, ...)
            In the dtype of the layers.

        Raises
        ------
        TypeError, ValueError
            If the inputs do not fit the first layer, are empty, or hold NaN or infinity.
        """
        self._check_inputs(inputs)
        outputs = inputs
        for layer in self.layers.values():
            outputs = layer.forward(outputs)
        return outputs

    @staticmethod
    def _check_inputs(inputs: Array) -> None:
        check_array("inputs", inputs)
        if inputs.size == 0:
            raise ValueError(f"inputs should have at least one row, but got shape {inputs.shape}.")
        finite("inputs", inputs)

    def outputs_by_layer(self, inputs: Array) -> dict[str, Array]:
        """Return the outputs of every layer by name, from one forward pass in the current mode.

        >>> import numpy as np
        >>> network = MLP([2, 3, 1], rng=np.random.default_rng(0))
        >>> {name: out.shape for name, out in network.outputs_by_layer(np.ones((4, 2))).items()}
        {'linear1': (4, 3), 'relu1': (4, 3), 'linear2': (4, 1)}
        """
        self._check_inputs(inputs)
        found = {}
        for name, layer in self.layers.items():
            inputs = layer.forward(inputs)
            found[name] = inputs
        return found

    def gradients_by_layer(self, grad: Array) -> dict[str, Array]:
        """Carry ∂L/∂outputs back and return, by name, the gradient for the outputs of every layer.

        The order is that of the layers, although the gradients were found from the last to the
        first; `grads` is filled as by `backward`.
        """
        found = {}
        for name, layer in reversed(self.layers.items()):
            found[name] = grad
            grad = layer.backward(grad)
        return dict(reversed(found.items()))

    def backward(self, grad: Array) -> Array:
        """Carry ∂L/∂outputs back to ∂L/∂inputs, filling `grads` on the way."""
        for layer in reversed(self.layers.values()):
            grad = layer.backward(grad)
        return grad

    def backward_params(self, grad: Array) -> None:
        """Fill `grads` as `backward` does, and stop at the first layer that has parameters."""
        layers = list(dropwhile(lambda layer: not layer.params, self.layers.values()))
        for layer in reversed(layers[1:]):
            grad = layer.backward(grad)
        if layers:
            first = layers[0]
            (first.backward_params if first.has_fitting_backward_params else first.backward)(grad)

    def predict(self, inputs: Array) -> Array:
        """Return the outputs in use: no dropout, running statistics; the mode is left as it was."""
        with self.mode(training=False):
            return self.forward(inputs)

    def num_params(self) -> int:
        """Return how many numbers the network learns."""
        return sum(layer.num_params() for layer in self.layers.values())

    def summary(self, input_shape: tuple[int, ...]) -> str:
        """Return a table of the layers: name, kind, output shape, parameter shapes and count.

        Parameters
        ----------
        input_shape : tuple of int
            The shape of one row of inputs, without the batch axis.

        Examples
        --------
        >>> import numpy as np
        >>> print(MLP([4, 5, 3], rng=np.random.default_rng(0)).summary((4,)))
        layer    kind    output  parameters        count
        linear1  Linear  (n, 5)  W (4, 5), b (5,)     25
        relu1    ReLU    (n, 5)  -                     0
        linear2  Linear  (n, 3)  W (5, 3), b (3,)     18
        total                                         43
        """
        rows = [("layer", "kind", "output", "parameters", "count")]
        shape = input_shape
        for name, layer in self.layers.items():
            shape = layer.output_shape(shape)
            output = f"({', '.join(['n', *map(str, shape)])})"
            params = ", ".join(f"{key} {param.shape}" for key, param in layer.params.items())
            rows.append((name, type(layer).__name__, output, params or "-", str(layer.num_params())))
        rows.append(("total", "", "", "", str(self.num_params())))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            "  ".join([*map(str.ljust, row[:-1], widths), row[-1].rjust(widths[-1])]) for row in rows
        )

    def state(self) -> dict[str, Array]:
        """Return a copy of all parameters and buffers by name."""
        return {name: array.copy() for name, array in {**self.params, **self.buffers}.items()}

    def set_state(self, state: Mapping[str, Array]) -> None:
        """Put parameters and buffers back, as `state` returned them.

        Raises
        ------
        ValueError
            If names or shapes are not those of this network, or a number is not finite. Nothing
            was changed then.
        TypeError
            If a dtype is another; nothing was changed.
        """
        own = {**self.params, **self.buffers}
        if missing := sorted(own.keys() - state.keys()):
            raise ValueError(f"state should have every array of the network, but lacks {missing}.")
        if unknown := sorted(state.keys() - own.keys()):
            raise ValueError(f"state should have no other arrays, but has {unknown} as well.")
        for name, array in own.items():
            if state[name].shape != array.shape:
                raise ValueError(
                    f"state[{name!r}] should have the shape {array.shape}, but got {state[name].shape}."
                )
            if state[name].dtype != array.dtype:
                raise TypeError(
                    f"state[{name!r}] should have the dtype {array.dtype}, but got {state[name].dtype}."
                )
            finite(f"state[{name!r}]", state[name])
        for name, array in own.items():
            array[...] = state[name]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all parameters and buffers to an `.npz` file, replacing it only once complete.

        The layers themselves are not written: to `load`, build the same network first.

        Raises
        ------
        FileNotFoundError
            If the folder does not exist.
        """
        target = Path(path)
        temporary = target.with_name(f"{target.name}.{os.getpid()}.part")  # on the same disk
        if not target.parent.is_dir():
            raise FileNotFoundError(f"path should be in a folder that exists, but got {str(path)!r}.")
        try:
            with open(temporary, "xb") as file:
                np.savez(file, **{FORMAT_KEY: np.array(FORMAT)}, **self.state())  # type: ignore[arg-type]
            os.replace(temporary, target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def load(self, path: str | os.PathLike[str]) -> None:
        """Read parameters and buffers that `save` wrote; no pickle is ever opened.

        Names, shapes and dtypes are compared. Layers without numbers leave none in the file: that
        another activation stood between the same weights is not noticed.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError, TypeError
            If it is damaged, is no file of weights, or belongs to another network. Nothing was
            changed then.
        """
        try:
            # np.load would leave a damaged file open; here it is closed whatever happens.
            with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
                state = {name: file[name] for name in file.files}
        except FileNotFoundError:
            raise
        except Exception as error:  # a damaged archive can fail in a dozen ways
            raise ValueError(
                f"path should name a file that save() wrote, but {str(path)!r} cannot be read: {error}"
            ) from error
        if str(state.pop(FORMAT_KEY, None)) != FORMAT:
            raise ValueError(
                f"path should name a file that save() wrote, but {str(path)!r} is another archive."
            )
        self.set_state(state)


def _named(layers: Sequence[Layer]) -> dict[str, Layer]:
    """Name each layer after its class and its place among its kind."""
    named: dict[str, Layer] = {}
    counts: dict[str, int] = {}
    for layer in layers:
        kind = type(layer).__name__.lower()
        counts[kind] = counts.get(kind, 0) + 1
        named[f"{kind}{counts[kind]}"] = layer
    return named


class MLP(Sequential):
    """A multilayer perceptron: linear layers with an activation between them.

    The last layer puts out plain numbers (scores), as the losses expect.

    Parameters
    ----------
    sizes : sequence of int
        Widths from inputs to outputs, at least two: [4, 5, 3] has one hidden layer of 5.
    activation : str
        A name in `nncourse.layers.ACTIVATION_LAYERS`; "identity" leaves it away.
    rng : numpy.random.Generator
        Where the first weights, and the masks of dropout, come from.
    weight_init : initializer or None
        None takes the one that suits the activation, and `XavierNormal` for the last layer.
    dropout : float
        The probability of dropping a hidden activation, in [0, 1).
    dtype : dtype
        float64 (default) or float32.

    Examples
    --------
    >>> import numpy as np
    >>> network = MLP([4, 5, 3], activation="tanh", rng=np.random.default_rng(0))
    >>> list(network.layers)
    ['linear1', 'tanh1', 'linear2']
    """

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        activation: str = "relu",
        rng: np.random.Generator,
        weight_init: InitializerLike | None = None,
        dropout: float = 0.0,
        dtype: npt.DTypeLike = np.float64,
    ) -> None:
        if not isinstance(sizes, Sequence):
            raise TypeError(f"sizes should be a sequence such as [2, 8, 2], but got {describe(sizes)}.")
        sizes = [whole_number("every entry of sizes", size) for size in sizes]
        if len(sizes) < 2:
            raise ValueError(f"sizes should have at least two entries, but got {sizes}.")
        one_of("activation", activation, ACTIVATION_LAYERS)
        generator("rng", rng)
        fraction_below_one("dropout", dropout)
        layers: list[Layer] = []
        for fan_in, fan_out in pairwise(sizes[:-1]):
            init = weight_init or initializer_for(activation)
            layers.append(Linear(fan_in, fan_out, rng=rng, weight_init=init, dtype=dtype))
            if activation != "identity":
                layers.append(ACTIVATION_LAYERS[activation]())
            if dropout:
                layers.append(Dropout(dropout, rng=rng))
        layers.append(Linear(sizes[-2], sizes[-1], rng=rng, weight_init=weight_init, dtype=dtype))
        super().__init__(layers)
