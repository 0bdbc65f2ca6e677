"""Plain functions: shapes, dtypes and inputs left alone; and the checks of arguments themselves."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nncourse import activations, arguments
from nncourse.activations import ACTIVATIONS

FUNCTIONS = {
    f"{name} {part}": getattr(activation, part)
    for name, activation in ACTIVATIONS.items()
    for part in ("function", "derivative")
} | {name: getattr(activations, name) for name in ("softmax", "log_softmax", "normal_cdf")}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("shape", [(1,), (5,), (1, 1), (2, 3), (2, 3, 4)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_shape_and_dtype_go_through_and_the_input_is_left_alone(name, shape, dtype):
    z = np.random.default_rng(0).normal(size=shape).astype(dtype)
    kept = z.copy()
    result = FUNCTIONS[name](z)
    assert result.shape == shape and result.dtype == dtype
    assert not np.shares_memory(result, z)
    np.testing.assert_array_equal(z, kept)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_lists_and_whole_numbers_count_as_float64(name):
    assert FUNCTIONS[name]([-1, 0, 2]).dtype == np.float64
    np.testing.assert_array_equal(
        FUNCTIONS[name](np.array([-1, 0, 2])), FUNCTIONS[name](np.array([-1.0, 0.0, 2.0]))
    )


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if "softmax" not in name])
def test_single_numbers_are_welcome(name):
    assert FUNCTIONS[name](0.5).shape == ()
    assert float(FUNCTIONS[name](0.5)) == float(FUNCTIONS[name]([0.5])[0])


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("bad", ["a", [1j], [None]])
def test_what_is_no_real_number_is_refused(name, bad):
    with pytest.raises(TypeError, match="z should hold real numbers, but got"):
        FUNCTIONS[name](bad)


def test_known_values():
    assert activations.sigmoid([0.0, math.log(3)]).tolist() == [0.5, 0.75]
    assert activations.tanh(0.0) == 0 and activations.tanh_derivative(0.0) == 1
    assert activations.relu_derivative([-1.0, 0.0, 1.0]).tolist() == [0, 0, 1]
    assert activations.leaky_relu([-2.0, 3.0], 0.1).tolist() == [-0.2, 3.0]
    assert activations.leaky_relu_derivative([-2.0, 0.0, 3.0]).tolist() == [0.01, 0.01, 1]
    assert activations.elu([-1e4, 3.0], 2.0).tolist() == [-2.0, 3.0]
    assert activations.elu_derivative([0.0, 1e-9], 2.0).tolist() == [2.0, 1.0]
    assert activations.gelu(0.0) == 0 and activations.gelu_derivative(0.0) == 0.5
    assert activations.silu(0.0) == 0 and activations.silu_derivative(0.0) == 0.5


def test_sigmoid_keeps_its_digits_far_to_the_left():
    assert float(activations.sigmoid(-700.0)) == pytest.approx(math.exp(-700), rel=1e-12)
    assert float(activations.normal_cdf(-10.0)) == pytest.approx(7.619853024160526e-24, rel=1e-12)


def test_softmax_works_along_any_axis():
    z = np.random.default_rng(0).normal(size=(2, 3))
    np.testing.assert_allclose(activations.softmax(z, axis=0), activations.softmax(z.T).T)
    np.testing.assert_allclose(activations.log_softmax(z, axis=0), activations.log_softmax(z.T).T)
    assert activations.logsumexp(z, axis=0).shape == (1, 3)


def test_the_jacobian_of_softmax_is_taken_row_by_row():
    z = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    jacobian = activations.softmax_derivative(z)
    assert jacobian.shape == (4, 3, 3) and jacobian.dtype == np.float32
    np.testing.assert_allclose(jacobian.sum(axis=1), 0, atol=1e-7)
    np.testing.assert_allclose(jacobian[2], activations.softmax_derivative(z[2]))


def test_kinks_are_known_where_they_are():
    assert [name for name, activation in ACTIVATIONS.items() if activation.kinks] == [*("relu", "leaky_relu")]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: arguments.number("x", None),
            TypeError,
            r"x should be .*, but got None \(NoneType\)",
        ),
        (lambda: arguments.number("x", True), TypeError, r"but got True \(bool\)"),
        (lambda: arguments.number("x", np.True_), TypeError, "x should be a finite number"),
        (lambda: arguments.number("x", np.complex128(1)), TypeError, "x should be a finite number"),
        (lambda: arguments.number("x", "y" * 99), TypeError, r"\.\.\. \(str\)"),
        (
            lambda: arguments.number("x", np.inf),
            ValueError,
            "x should be a finite number, but got inf",
        ),
        (lambda: arguments.positive("x", 0), ValueError, r"number above 0, but got 0\.0"),
        (lambda: arguments.non_negative("x", -1), ValueError, r"of at least 0, but got -1\.0"),
        (lambda: arguments.fraction_below_one("x", 1), ValueError, r"in \[0, 1\), but got 1\.0"),
        (
            lambda: arguments.whole_number("x", 1.0),
            TypeError,
            r"whole number.*but got 1\.0 \(float",
        ),
        (lambda: arguments.whole_number("x", 0), ValueError, "at least 1, but got 0"),
        (lambda: arguments.whole_number("x", -1, 0), ValueError, "at least 0, but got -1"),
        (
            lambda: arguments.one_of("x", "c", "ab"),
            ValueError,
            "x should be one of 'a', 'b', but got",
        ),
        (lambda: arguments.generator("x", 1), TypeError, r"default_rng\(0\), but got 1 \(int\)"),
        (lambda: arguments.float_dtype("x", "int32"), TypeError, "float32, but got int32"),
        (
            lambda: arguments.real_array("x", ["a"]),
            TypeError,
            r"but got \['a'\] \(list\), which has",
        ),
        (
            lambda: arguments.real_array("x", np.array([1j])),
            TypeError,
            r"but got an array of shape \(1,\) and dtype complex128\.",
        ),
    ],
)
def test_checks_name_the_argument_what_was_expected_and_what_came(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_checks_return_plain_python_numbers():
    assert type(arguments.number("x", np.float32(0.5))) is float
    assert type(arguments.positive("x", np.int64(2))) is float
    assert type(arguments.whole_number("x", np.int64(2))) is int


def test_all_finite_is_not_fooled_by_overflow_or_memory_order():
    assert arguments.all_finite(np.array([1e300, -1e300]))
    assert arguments.all_finite(np.asfortranarray(np.ones((3, 4))))
    for bad in (np.nan, np.inf, -np.inf):
        for dtype in (np.float64, np.float32):
            array = np.ones((3, 4), dtype)
            array[1, 2] = bad
            assert not arguments.all_finite(array)
            assert not arguments.all_finite(array[:, ::2])
            assert not arguments.all_finite(np.asfortranarray(array))
