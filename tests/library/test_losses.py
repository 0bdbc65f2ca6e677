"""Losses and information: values by hand, reductions, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nncourse.activations import softmax
from nncourse.information import (
    cross_entropy,
    distribution,
    entropy,
    kl_divergence,
    self_information,
)
from nncourse.losses import (
    BinaryCrossEntropy,
    Huber,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    SoftmaxCrossEntropy,
)

ELEMENTWISE = [MeanSquaredError, MeanAbsoluteError, Huber, BinaryCrossEntropy]
P = np.array([[0.5, 3.0, -2.0], [1.0, 0.0, 0.25]])
T = np.array([[0.0, 1.0, 0.5], [1.0, 0.5, 0.25]])


@pytest.mark.parametrize("kind", ELEMENTWISE)
def test_mean_and_sum_are_those_of_none(kind):
    single = kind(reduction="none").forward(P, T)
    assert single.shape == P.shape
    assert kind(reduction="sum").forward(P, T) == pytest.approx(single.sum())
    assert kind().forward(P, T) == pytest.approx(single.mean())
    assert isinstance(kind().forward(P, T), float)


def test_cross_entropy_is_one_number_per_row_and_its_mean_is_over_rows():
    labels = np.array([2, 0])
    single = SoftmaxCrossEntropy(reduction="none").forward(P, labels)
    np.testing.assert_allclose(single, -np.log(softmax(P)[[0, 1], labels]))
    assert SoftmaxCrossEntropy().forward(P, labels) == pytest.approx(single.mean())
    assert SoftmaxCrossEntropy(reduction="sum").forward(P, labels) == pytest.approx(single.sum())


def test_values_by_hand():
    predictions, targets = np.array([[3.0, -0.5]]), np.array([[1.0, 0.0]])
    assert MeanSquaredError(reduction="none").forward(predictions, targets).tolist() == [[4, 0.25]]
    assert MeanAbsoluteError(reduction="none").forward(predictions, targets).tolist() == [[2, 0.5]]
    huber = Huber(delta=1.5, reduction="none").forward(predictions, targets)
    assert huber.tolist() == [[1.5 * (2 - 0.75), 0.125]]


def test_gradients_by_hand():
    predictions, targets = np.array([[3.0, -0.5]]), np.array([[1.0, 0.0]])
    for loss, expected in (
        (MeanSquaredError("sum"), [[4.0, -1.0]]),
        (MeanSquaredError(), [[2.0, -0.5]]),
        (MeanAbsoluteError("sum"), [[1.0, -1.0]]),
        (Huber(1.5, "sum"), [[1.5, -0.5]]),
    ):
        loss.forward(predictions, targets)
        assert loss.backward().tolist() == expected
        assert loss.backward(2.0).tolist() == (2 * np.array(expected)).tolist()


def test_the_gradient_of_cross_entropy_is_softmax_minus_label_over_n():
    loss = SoftmaxCrossEntropy()
    loss.forward(P, np.array([2, 0]))
    np.testing.assert_allclose(loss.backward(), (softmax(P) - np.eye(3)[[2, 0]]) / 2)


def test_hard_labels_are_one_hot_soft_labels():
    hard, soft = SoftmaxCrossEntropy(0.1), SoftmaxCrossEntropy(0.1)
    assert hard.forward(P, np.array([2, 0])) == soft.forward(P, np.eye(3)[[2, 0]])
    np.testing.assert_array_equal(hard.backward(), soft.backward())


def test_label_smoothing_mixes_in_the_uniform_distribution():
    smoothed = SoftmaxCrossEntropy(label_smoothing=0.3).forward(P, np.array([2, 0]))
    mixed = 0.7 * np.eye(3)[[2, 0]] + 0.1
    assert smoothed == pytest.approx(SoftmaxCrossEntropy().forward(P, mixed))


def test_absolute_error_at_zero_difference_has_slope_0():
    loss = MeanAbsoluteError("sum")
    loss.forward(np.array([1.0]), np.array([1.0]))
    assert loss.backward().tolist() == [0.0]


def test_losses_with_kinks_know_their_pieces():
    for loss, expected in ((MeanAbsoluteError(), [False, True]), (Huber(1.0), [True, False])):
        loss.forward(np.array([-0.5, 3.0]), np.array([0.0, 0.0]))
        assert loss.pieces().tolist() == expected
    assert MeanSquaredError().pieces() is None
    for loss in (MeanAbsoluteError(), Huber(1.0)):
        loss.forward(np.array([2.0, 2.5, 2.0]), np.array([2.0, 1.0, 1.5]))
        expected = [False, True, True] if isinstance(loss, MeanAbsoluteError) else [True, False, True]
        assert loss.pieces().tolist() == expected


def test_the_documented_defaults():
    assert Huber().delta == 1.0 and Huber().reduction == "mean"
    assert SoftmaxCrossEntropy().label_smoothing == 0.0


def test_huber_at_delta_counts_as_near():
    loss = Huber(1.0)
    loss.forward(np.array([1.0]), np.array([0.0]))
    assert loss.pieces().tolist() == [True]


@pytest.mark.parametrize("kind", ELEMENTWISE)
def test_float32_in_float32_out(kind):
    loss = kind(reduction="none")
    predictions, targets = P.astype(np.float32), T.astype(np.float32)
    assert loss.forward(predictions, targets).dtype == np.float32
    assert loss.backward().dtype == np.float32
    loss = kind()
    loss.forward(predictions, targets)
    assert loss.backward(np.float64(2.0)).dtype == np.float32


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_keeps_float32(smoothing):
    for targets in (np.array([0, 1]), softmax(P).astype(np.float32)):
        loss = SoftmaxCrossEntropy(smoothing, "none")
        assert loss.forward(P.astype(np.float32), targets).dtype == np.float32
        assert loss.backward().dtype == np.float32


@pytest.mark.parametrize("kind", [*ELEMENTWISE, SoftmaxCrossEntropy])
def test_no_loss_changes_its_arguments(kind):
    predictions, targets = P.copy(), softmax(T)
    kept = targets.copy()
    loss = kind()
    loss.forward(predictions, targets)
    loss.backward()
    np.testing.assert_array_equal(predictions, P)
    np.testing.assert_array_equal(targets, kept)


@pytest.mark.parametrize("kind", [*ELEMENTWISE, SoftmaxCrossEntropy])
def test_backward_before_forward_is_refused(kind):
    with pytest.raises(RuntimeError, match=f"{kind.__name__}.backward needs a forward pass"):
        kind().backward()


@pytest.mark.parametrize("kind", ELEMENTWISE)
@pytest.mark.parametrize(
    ("predictions", "targets", "error", "message"),
    [
        (P, T[:1], ValueError, r"targets should have the shape of predictions, \(2, 3\)"),
        (P, T[:, :1], ValueError, "targets should have the shape of predictions"),
        (P, T.astype(np.float32), TypeError, "targets should have the dtype of predictions"),
        (P, T.astype(int), TypeError, "targets should be an array of float64 or float32"),
        (P.tolist(), T, TypeError, "predictions should be an array of float64"),
        (P[:0], T[:0], ValueError, "predictions should hold at least one row"),
        (np.array(1.0), np.array(1.0), ValueError, "predictions should hold at least one row"),
        (P * np.nan, T, ValueError, "predictions should hold finite numbers only, but got 6 NaN"),
        (np.where(P > 2, np.inf, P), T, ValueError, "predictions should hold finite.*1 infinite"),
        (P, T * np.nan, ValueError, "targets should hold finite numbers only, but got 6 NaN"),
    ],
)
def test_elementwise_losses_refuse_what_does_not_fit(kind, predictions, targets, error, message):
    with pytest.raises(error, match=message), np.errstate(invalid="ignore"):
        kind().forward(predictions, targets)


@pytest.mark.parametrize(
    ("predictions", "targets", "error", "message"),
    [
        (P, np.array([0, 3]), ValueError, "targets should be labels from 0 to 2.*from 0 to 3"),
        (P, np.array([-1, 0]), ValueError, "targets should be labels from 0 to 2.*from -1 to 0"),
        (P, np.array([0]), ValueError, r"targets should have the shape of one label per row"),
        (P, [0, 1], TypeError, r"targets should be an array of labels, but got \[0, 1\] \(list"),
        (P, np.array([0.0, 1.0]), TypeError, r"targets should be labels.*use.*targets\.astype\(int\)"),
        (
            P,
            np.array([False, True]),
            TypeError,
            r"but got an array of shape \(2,\) and dtype bool.*astype\(int\)",
        ),
        (P, np.array(["a", "b"]), TypeError, "targets should be labels"),
        (P, np.array([[0], [1]]), TypeError, r"targets should be labels.*targets\[:, 0\]"),
        (P, np.eye(3, dtype=int)[:2], TypeError, r"one-hot rows targets\.astype\(np\.float64\)"),
        (P, np.array([[0.0], [1.0]]), ValueError, "targets should have the shape of predictions"),
        (P, T, ValueError, "targets should be rows of probabilities that sum to 1"),
        (P, np.array([[2.0, -1, 0]] * 2), ValueError, "targets should be rows of probabilities"),
        (P, np.full((2, 3), np.nan), ValueError, "targets should hold finite numbers"),
        (P[0], np.array([0]), ValueError, r"predictions should have the shape \(n, k\)"),
        (P[:0], np.zeros(0, int), ValueError, "predictions should hold at least one row"),
        (
            np.full((2, 3), np.inf),
            np.array([0, 1]),
            ValueError,
            "predictions should hold finite numbers",
        ),
    ],
)
def test_cross_entropy_refuses_what_does_not_fit(predictions, targets, error, message):
    with pytest.raises(error, match=message), np.errstate(invalid="ignore"):
        SoftmaxCrossEntropy().forward(predictions, targets)


@pytest.mark.parametrize("bad", [-0.1, 1.1])
def test_binary_cross_entropy_refuses_targets_outside_0_1(bad):
    with pytest.raises(ValueError, match=r"targets should be in \[0, 1\]"):
        BinaryCrossEntropy().forward(np.zeros((1, 2)), np.array([[0.5, bad]]))
    BinaryCrossEntropy().forward(np.zeros((1, 2)), np.array([[0.0, 1.0]]))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: MeanSquaredError("average"),
            ValueError,
            "reduction should be one of 'mean', 'sum'",
        ),
        (lambda: Huber(0.0), ValueError, "delta should be a finite number above 0"),
        (lambda: SoftmaxCrossEntropy(1.0), ValueError, r"label_smoothing should be .* \[0, 1\)"),
        (
            lambda: Loss().forward(P, T),
            NotImplementedError,
            r"Loss has to define values\(predictions, targets\)",
        ),
    ],
)
def test_bad_settings_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_gradient_from_above_must_fit_the_reduction():
    loss, single = MeanSquaredError(), MeanSquaredError("none")
    loss.forward(P, T)
    single.forward(P, T)
    with pytest.raises(TypeError, match=r"for reduction 'mean', but got an array of shape \(2, 3\)"):
        loss.backward(np.ones((2, 3)))
    with pytest.raises(ValueError, match="grad should have the shape of the values"):
        single.backward(np.ones(2))
    with pytest.raises(TypeError, match="grad should have the dtype of the values, float64, but"):
        single.backward(np.ones((2, 3), np.float32))
    with pytest.raises(ValueError, match="grad should be a finite number"):
        loss.backward(math.nan)
    assert Loss().pieces() is None
    with pytest.raises(NotImplementedError, match=r"Loss has to define slopes\(predictions, targets\)"):
        Loss().slopes(P, T)


def test_a_loss_that_overflows_from_finite_numbers_is_infinite_and_no_input_is_blamed():
    with np.errstate(over="ignore"):
        assert MeanSquaredError().forward(np.array([1e200]), np.array([0.0])) == math.inf


def test_information_of_coins_and_dice_in_bits_and_nats():
    assert float(entropy([0.5, 0.5], base=2)) == 1.0
    assert float(entropy(np.full(6, 1 / 6))) == pytest.approx(math.log(6))
    assert float(entropy([1.0, 0.0])) == 0.0
    assert self_information([1.0, 0.5], base=2).tolist() == [0.0, 1.0]
    assert float(self_information(0.0)) == math.inf


def test_believing_the_impossible_costs_infinitely_much():
    assert float(cross_entropy([0.5, 0.5], [1.0, 0.0])) == math.inf
    assert float(cross_entropy([1.0, 0.0], [1.0, 0.0])) == 0.0
    assert float(kl_divergence([0.5, 0.5], [1.0, 0.0])) == math.inf
    assert float(kl_divergence([1.0, 0.0], [0.5, 0.5])) == pytest.approx(math.log(2))


def test_information_works_on_the_last_axis_and_keeps_float32():
    p = softmax(np.arange(24.0).reshape(2, 3, 4)).astype(np.float32)
    for values in (entropy(p), cross_entropy(p, p), kl_divergence(p, p)):
        assert values.shape == (2, 3)
        assert values.dtype == np.float32
    assert self_information(p).dtype == np.float32


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: entropy([0.5, 0.6]), r"p should sum to 1 along the last axis, but got 1\.1"),
        (lambda: entropy([1.5, -0.5]), "p should hold no negative numbers, but got -0.5"),
        (lambda: entropy([np.nan, 1.0]), "p should hold finite numbers only"),
        (lambda: entropy([]), "p should hold at least one distribution"),
        (lambda: entropy(1.0), "p should hold at least one distribution"),
        (
            lambda: cross_entropy([1.0], [0.5, 0.5]),
            "q should have as many outcomes as p, 1, but got 2",
        ),
        (lambda: cross_entropy([0.5, 0.5], [0.9, 0.9]), r"q should sum to 1.*1\.8"),
        (lambda: entropy([1.0], base=1), "base should be a number above 1"),
        (lambda: self_information(1.5), r"p should hold probabilities in \[0, 1\]"),
        (lambda: self_information(-0.5), r"p should hold probabilities in \[0, 1\]"),
    ],
)
def test_what_is_no_distribution_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_distribution_may_be_off_by_rounding():
    assert distribution("p", [0.1] * 10).sum() == pytest.approx(1)
    distribution("p", [0.5, 0.5 + 9e-7])
    with pytest.raises(ValueError, match="sum to 1"):
        distribution("p", [0.5, 0.5 + 2e-6])


def test_nothing_goes_back_through_a_forward_that_was_refused():
    loss = SoftmaxCrossEntropy()
    loss.forward(P, np.array([0, 1]))
    with pytest.raises(ValueError, match="finite"):
        loss.forward(P * np.nan, np.array([0, 1]))
    with pytest.raises(RuntimeError, match="needs a forward pass before it"):
        loss.backward()
