"""Layers: shapes, bookkeeping, and what each says when it is used wrongly."""

from __future__ import annotations

import numpy as np
import pytest

from nncourse import layers, normalization
from nncourse.activations import ACTIVATIONS
from nncourse.dropout import Dropout
from nncourse.initializers import Constant, Normal, Zeros
from nncourse.layers import (
    Elementwise,
    Flatten,
    Layer,
    Linear,
    ReLU,
    Reshape,
    Sigmoid,
    Softmax,
    Tanh,
)


def rng(seed=0):
    return np.random.default_rng(seed)


def make_all():
    made = {name: make() for name, make in layers.ACTIVATION_LAYERS.items()}
    return made | {
        "linear": Linear(4, 3, rng=rng()),
        "flatten": Flatten(),
        "reshape": Reshape((2, 2)),
        "dropout": Dropout(0.5, rng=rng()),
        "batchnorm": normalization.BatchNorm1d(4),
        "layernorm": normalization.LayerNorm(4),
        "groupnorm": normalization.GroupNorm(2, 4),
    }


@pytest.mark.parametrize("name", make_all())
def test_backward_before_forward_is_an_error_that_says_so(name):
    layer = make_all()[name]
    kind = type(layer).__name__
    with pytest.raises(RuntimeError, match=f"^{kind}.backward needs a forward pass before it"):
        layer.backward(np.ones((2, 4)))


@pytest.mark.parametrize("name", make_all())
def test_a_gradient_of_another_shape_or_dtype_is_refused(name):
    layer = make_all()[name]
    outputs = layer.forward(rng().normal(size=(2, 4)))
    with pytest.raises(ValueError, match=r"backward should have the shape of the outputs"):
        layer.backward(np.ones((*outputs.shape, 1)))
    with pytest.raises(TypeError, match=r"^grad of .*backward should have the dtype of the outputs, float64"):
        layer.backward(np.ones(outputs.shape, np.float32))
    with pytest.raises(TypeError, match=r"backward should be an array of float64 or float32"):
        layer.backward([[1.0]])


@pytest.mark.parametrize("name", make_all())
def test_whole_numbers_and_lists_are_refused_as_inputs(name):
    layer = make_all()[name]
    for bad in ([[1.0, 2.0, 3.0, 4.0]], np.ones((2, 4), int)):
        kind = type(layer).__name__
        with pytest.raises(
            TypeError,
            match=f"^inputs of {kind} should be an array of float.* got (an array|\\[)",
        ):
            layer.forward(bad)


@pytest.mark.parametrize("name", make_all())
@pytest.mark.parametrize("training", [True, False])
def test_no_layer_changes_its_inputs_or_the_gradient(name, training):
    layer = make_all()[name]
    layer.training = training
    inputs = rng(1).normal(size=(3, 4))
    kept = inputs.copy()
    outputs = layer.forward(inputs)
    grad = rng(2).normal(size=outputs.shape)
    kept_grad, kept_outputs = grad.copy(), outputs.copy()
    layer.backward(grad)
    np.testing.assert_array_equal(inputs, kept)
    np.testing.assert_array_equal(grad, kept_grad)
    np.testing.assert_array_equal(outputs, kept_outputs)


@pytest.mark.parametrize("name", make_all())
def test_backward_twice_gives_the_same_and_gradients_do_not_pile_up(name):
    layer = make_all()[name]
    grad = rng(2).normal(size=layer.forward(rng(1).normal(size=(3, 4))).shape)
    first = layer.backward(grad)
    grads = {key: value.copy() for key, value in layer.grads.items()}
    np.testing.assert_array_equal(layer.backward(grad), first)
    for key, value in layer.grads.items():
        np.testing.assert_array_equal(value, grads[key])


@pytest.mark.parametrize("name", make_all())
def test_gradients_have_the_shape_and_name_of_their_parameters(name):
    layer = make_all()[name]
    inputs = rng(1).normal(size=(3, 4))
    assert layer.backward(layer.forward(inputs)).shape == inputs.shape
    assert {k: g.shape for k, g in layer.grads.items()} == {k: p.shape for k, p in layer.params.items()}


@pytest.mark.parametrize("name", make_all())
def test_backward_params_fills_the_same_gradients(name):
    layer = make_all()[name]
    outputs = layer.forward(rng(1).normal(size=(3, 4)))
    layer.backward(outputs)
    grads = layer.grads
    layer.grads = {}
    assert layer.backward_params(outputs) is None
    assert layer.grads.keys() == grads.keys()
    for key, value in layer.grads.items():
        np.testing.assert_array_equal(value, grads[key])


@pytest.mark.parametrize("name", make_all())
def test_output_shape_foretells_the_outputs(name):
    layer = make_all()[name]
    assert layer.output_shape((4,)) == layer.forward(rng().normal(size=(3, 4))).shape[1:]


def float32_layers():
    return {name: make() for name, make in layers.ACTIVATION_LAYERS.items()} | {
        "linear": Linear(4, 3, rng=rng(), dtype=np.float32),
        "flatten": Flatten(),
        "dropout": Dropout(0.5, rng=rng()),
        "batchnorm": normalization.BatchNorm1d(4, dtype=np.float32),
        "layernorm": normalization.LayerNorm(4, dtype=np.float32),
        "groupnorm": normalization.GroupNorm(2, 4, dtype=np.float32),
    }


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", float32_layers())
def test_float32_in_float32_out(name, training):
    layer = float32_layers()[name]
    layer.training = training
    outputs = layer.forward(rng().normal(size=(3, 4)).astype(np.float32))
    assert outputs.dtype == np.float32
    assert layer.backward(outputs).dtype == np.float32
    everything = [*layer.params.values(), *layer.grads.values(), *layer.buffers.values()]
    assert all(value.dtype == np.float32 for value in everything)


@pytest.mark.parametrize("name", ["linear", "batchnorm", "layernorm", "groupnorm"])
def test_float32_and_float64_are_not_mixed(name):
    layer = float32_layers()[name]
    expected = f"^inputs of {type(layer).__name__} should have the dtype of the layer, float32, but"
    with pytest.raises(TypeError, match=expected):
        layer.forward(np.ones((2, 4)))
    with pytest.raises(TypeError, match="should have the dtype of the layer, float64, but got"):
        make_all()[name].forward(np.ones((2, 4), np.float32))


def test_linear_is_x_at_w_plus_b():
    layer = Linear(2, 3, rng=rng())
    layer.params["W"][...] = [[1, 2, 3], [4, 5, 6]]
    layer.params["b"][...] = [0.5, 0, -0.5]
    outputs = layer.forward(np.array([[1.0, 10.0]]))
    assert outputs.tolist() == [[41.5, 52.0, 62.5]]
    assert layer.backward(np.array([[1.0, 0.0, 2.0]])).tolist() == [[7.0, 16.0]]
    assert layer.grads["W"].tolist() == [[1, 0, 2], [10, 0, 20]]
    assert layer.grads["b"].tolist() == [1, 0, 2]
    assert layer.num_params() == 9


def test_linear_sums_the_bias_gradient_over_the_rows():
    layer = Linear(1, 2, rng=rng())
    layer.forward(np.ones((3, 1)))
    layer.backward(np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 5.0]]))
    assert layer.grads["b"].tolist() == [6.0, 5.0]


def test_linear_takes_initializers_and_can_go_without_bias():
    layer = Linear(2, 3, rng=rng(), weight_init=Constant(0.5), bias_init=Normal(1.0))
    assert (layer.params["W"] == 0.5).all()
    assert layer.params["b"].std() > 0
    assert list(Linear(2, 3, rng=rng(), bias_init=None).params) == ["W"]
    assert not Linear(2, 3, rng=rng()).params["b"].any()


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (
            np.ones((2, 5)),
            r"inputs of Linear should have the shape \(batch_size, 4\), but got \(2, 5\)",
        ),
        (np.ones(4), r"inputs of Linear should have the shape \(batch_size, 4\), but got \(4,\)"),
        (np.ones((2, 4, 1)), "inputs of Linear should have the shape"),
        (np.ones(()), "inputs of Linear should have the shape"),
        (np.ones((0, 4)), r"inputs of Linear should have at least one row, but got shape \(0, 4\)"),
    ],
)
def test_linear_refuses_inputs_that_do_not_fit(inputs, message):
    with pytest.raises(ValueError, match=message):
        Linear(4, 3, rng=rng()).forward(inputs)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Linear(0, 3, rng=rng()), ValueError, "num_inputs should be a whole number of at"),
        (lambda: Linear(3, 2.0, rng=rng()), TypeError, r"num_outputs should be.*2\.0 \(float\)"),
        (lambda: Linear(True, 2, rng=rng()), TypeError, "num_inputs should be a whole number"),
        (lambda: Linear(3, 2, rng=0), TypeError, r"rng should be a numpy\.random\.Generator"),
        (lambda: Linear(3, 2, rng=rng(), dtype=int), TypeError, "dtype should be float64 or"),
        (lambda: Dropout(1.0, rng=rng()), ValueError, r"p should be a number in \[0, 1\)"),
        (lambda: Dropout(-0.1, rng=rng()), ValueError, r"p should be a number in \[0, 1\)"),
        (lambda: Dropout("0.5", rng=rng()), TypeError, r"p should be a number in \[0, 1\)"),
        (lambda: Dropout(0.5, rng=1), TypeError, r"rng should be a numpy\.random\.Generator"),
        (lambda: layers.ELU(0.0), ValueError, "alpha should be a finite number above 0"),
        (lambda: layers.LeakyReLU(np.nan), ValueError, "slope should be a finite number"),
        (lambda: Reshape((2, 0)), ValueError, "every entry of shape should be a whole number"),
        (
            lambda: Reshape((2, 3)).forward(np.ones((1, 4))),
            ValueError,
            r"input_shape of Reshape should hold 6 numbers to become \(2, 3\), but got \(4,\)",
        ),
        (
            lambda: Linear(4, 3, rng=rng()).output_shape((5,)),
            ValueError,
            r"input_shape of Linear should be \(4,\), but got \(5,\)",
        ),
        (lambda: Layer().forward(np.ones(1)), NotImplementedError, "Layer has to define forward"),
        (lambda: Layer().backward(np.ones(1)), NotImplementedError, "Layer has to define backward"),
    ],
)
def test_bad_settings_are_refused_in_a_sentence(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_relu_has_slope_0_at_0():
    layer = ReLU()
    assert layer.forward(np.array([[-1.0, 0.0, 0.5]])).tolist() == [[0, 0, 0.5]]
    assert layer.backward(np.ones((1, 3))).tolist() == [[0, 0, 1]]
    assert layer.pieces().tolist() == [[False, False, True]]


@pytest.mark.parametrize("layer", [Sigmoid(), Tanh(), Softmax(), layers.GELU(), Flatten()])
def test_smooth_layers_have_no_pieces(layer):
    layer.forward(np.ones((1, 3)))
    assert layer.pieces() is None


def test_layers_without_parameters_learn_nothing():
    assert ReLU().num_params() == 0
    assert ReLU().params == ReLU().grads == ReLU().buffers == {}


def test_leaky_relu_and_elu_use_their_settings():
    assert layers.LeakyReLU(0.2).forward(np.array([[-1.0]])).tolist() == [[-0.2]]
    elu = layers.ELU(2.0).forward(np.array([[-1e4, 1.0]]))
    assert elu.tolist() == [[-2.0, 1.0]]
    assert layers.LeakyReLU().slope == 0.01 and layers.ELU().alpha == 1.0


def test_softmax_layer_normalizes_the_last_axis():
    outputs = Softmax().forward(rng().normal(size=(2, 3, 5)))
    np.testing.assert_allclose(outputs.sum(axis=-1), 1)


def test_reshape_and_flatten_are_each_others_inverse():
    inputs = rng().normal(size=(2, 12))
    reshape, flatten = Reshape((3, 4)), Flatten()
    block = reshape.forward(inputs)
    assert block.shape == (2, 3, 4)
    np.testing.assert_array_equal(flatten.forward(block), inputs)
    np.testing.assert_array_equal(reshape.backward(flatten.backward(inputs)), inputs)


def test_your_own_activation_is_a_layer():
    layer = Elementwise(np.sin, np.cos)
    assert layer.forward(np.zeros((1, 2))).tolist() == [[0, 0]]
    assert layer.backward(np.full((1, 2), 3.0)).tolist() == [[3, 3]]
    assert layer.training


@pytest.mark.parametrize("name", [n for n in layers.ACTIVATION_LAYERS if n != "softmax"])
def test_activation_layers_carry_their_function_and_derivative(name):
    layer, z = layers.ACTIVATION_LAYERS[name](), np.linspace(-2, 2, 5)
    activation = ACTIVATIONS[name]
    np.testing.assert_array_equal(layer.function(z), activation.function(z))
    np.testing.assert_array_equal(layer.derivative(z), activation.derivative(z))


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"weight_init": "kaiming"}, TypeError, "weight_init should be an initializer such as.*'kaiming'"),
        (
            {"bias_init": lambda shape, r, dtype: [0, 0]},
            TypeError,
            r"the result of bias_init should be an array",
        ),
        ({"weight_init": Zeros}, TypeError, r"weight_init should be an initializer such as Zeros\(\), but"),
        (
            {"dtype": np.float32, "weight_init": lambda shape, r, dtype: r.normal(size=shape)},
            TypeError,
            "the result of weight_init should have the dtype of the layer, float32",
        ),
        (
            {"bias_init": lambda shape, r, dtype: np.zeros(1)},
            ValueError,
            r"bias_init should have the shape of the parameter, \(2,\)",
        ),
    ],
)
def test_first_parameters_have_to_fit(settings, error, message):
    with pytest.raises(error, match=message):
        Linear(3, 2, rng=rng(), **settings)


@pytest.mark.parametrize("dtype", [np.float16, np.longdouble])
def test_other_floats_are_refused(dtype):
    with pytest.raises(TypeError, match="should be an array of float64 or float32"):
        ReLU().forward(np.ones((2, 2), dtype))


def test_a_class_knows_whether_backward_params_belongs_to_its_backward():
    class Backward(Linear):
        def backward(self, grad):
            return super().backward(grad)

    class Params(Linear):
        def backward_params(self, grad):
            super().backward_params(grad)

    class Neither(Backward):
        pass

    class Both(Backward):
        def backward(self, grad):
            return super().backward(grad)

        def backward_params(self, grad):
            super().backward_params(grad)

    class Later(Backward):
        def backward_params(self, grad):
            super().backward_params(grad)

    class Plain(Linear):
        pass

    assert all(kind.has_fitting_backward_params for kind in (Linear, Params, Both, Later, Plain))
    assert not any(kind.has_fitting_backward_params for kind in (ReLU, Backward, Neither))
