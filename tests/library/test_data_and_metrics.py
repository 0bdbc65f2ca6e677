"""Data sets, what is done to data, and metrics."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nncourse import data
from nncourse.data import Standardizer, batches, digits, one_hot, split
from nncourse.metrics import accuracy, as_labels, confusion_matrix, precision_recall_f1


def rng(seed=0):
    return np.random.default_rng(seed)


SETS = {
    "xor": lambda r: data.xor(5, 0.1, rng=r),
    "blobs": lambda r: data.blobs(10, [[0, 0], [3, 3]], rng=r),
    "moons": lambda r: data.moons(10, rng=r),
    "circles": lambda r: data.circles(10, rng=r),
    "spirals": lambda r: data.spirals(10, num_classes=3, rng=r),
    "polynomial": lambda r: data.polynomial(20, [1.0, 2.0], rng=r),
}


@pytest.mark.parametrize("name", SETS)
def test_data_is_reproducible_and_of_the_promised_kind(name):
    first, again, other = SETS[name](rng(1)), SETS[name](rng(1)), SETS[name](rng(2))
    np.testing.assert_array_equal(first.X, again.X)
    np.testing.assert_array_equal(first.y, again.y)
    assert not (np.array_equal(first.X, other.X) and np.array_equal(first.y, other.y))
    assert first.X.dtype == np.float64 and len(first.X) == len(first.y)
    if name == "polynomial":
        assert first.y.shape == first.X.shape == (20, 1)
    else:
        assert first.X.shape[1] == 2
        assert first.y.dtype == np.int64
        counts = np.bincount(first.y)
        assert (counts == counts[0]).all()


def test_shapes_without_noise_lie_on_their_curves():
    X, y = data.circles(40, 0.0, 0.3, rng=rng())
    radius = np.linalg.norm(X, axis=1)
    np.testing.assert_allclose(radius[y == 0], 1)
    np.testing.assert_allclose(radius[y == 1], 0.3)
    X, y = data.moons(40, 0.0, rng=rng())
    np.testing.assert_allclose(np.linalg.norm(X[y == 0], axis=1), 1)
    np.testing.assert_allclose(np.linalg.norm(X[y == 1] - [1, 0.5], axis=1), 1)
    assert X[y == 0][:, 1].min() >= 0 and X[y == 1][:, 1].max() <= 0.5
    X, y = data.spirals(40, 0.0, turns=0.0, num_classes=4, rng=rng())
    np.testing.assert_allclose(X[y == 1][:, 0], 0, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(X[y == 2], axis=1), np.linspace(0.05, 1, 40))


def test_points_on_a_circle_are_equally_far_apart_all_around():
    X, y = data.circles(12, 0.0, rng=rng())
    for label, radius in ((0, 1.0), (1, 0.5)):
        ring = X[y == label]
        gaps = np.linalg.norm(ring - np.roll(ring, 1, axis=0), axis=1)
        np.testing.assert_allclose(gaps, 2 * radius * np.sin(np.pi / 12))


@pytest.mark.parametrize("turns", [1.0, -0.5])
def test_an_arm_of_a_spiral_turns_steadily_and_anticlockwise_for_positive_turns(turns):
    X, y = data.spirals(200, 0.0, turns=turns, rng=rng())
    angle = np.unwrap(np.arctan2(*X[y == 0].T[::-1]))
    np.testing.assert_allclose(np.diff(angle), turns * 2 * np.pi * 0.95 / 199)
    np.testing.assert_allclose(X[y == 1], -X[y == 0], atol=1e-12)


def test_noise_has_the_promised_standard_deviation():
    generator = rng()
    clean, noisy = (data.xor(5000, noise, rng=rng()).X for noise in (0.0, 0.2))
    assert (noisy - clean).std() == pytest.approx(0.2, rel=0.03)
    X, y = data.blobs(5000, [[0.0, 0.0], [5.0, 1.0]], 0.7, rng=rng())
    assert X[y == 1].std(axis=0) == pytest.approx(0.7, rel=0.05)
    np.testing.assert_allclose(X[y == 1].mean(axis=0), [5, 1], atol=0.05)
    for shape, default in ((data.circles, 0.1), (data.spirals, 0.05)):
        clean, noisy, usual = (shape(5000, *noise, rng=rng()).X for noise in ((0.0,), (0.3,), ()))
        assert (noisy - clean).std(axis=0) == pytest.approx(0.3, rel=0.05)
        assert (usual - clean).std(axis=0) == pytest.approx(default, rel=0.05)
    residuals = [part.y - 1.5 * part.X for _ in range(300) for part in data.ten_points(rng=generator)]
    assert np.std(residuals) == pytest.approx(0.5, rel=0.05)


def test_a_polynomial_has_its_coefficients_from_the_constant_upwards():
    X, y = data.polynomial(50, [1.0, -2.0, 3.0], 0.0, low=-2, high=4, rng=rng())
    assert (X[0, 0], X[-1, 0]) == (-2, 4)
    np.testing.assert_allclose(y, 1 - 2 * X + 3 * X**2)


def test_the_ten_points_of_the_weight_decay_picture():
    train, test = data.ten_points(rng=rng())
    for part in (train, test):
        assert part.X.shape == part.y.shape == (10, 1)
        np.testing.assert_allclose(part.X.ravel(), np.linspace(-1, 1, 10))
    assert not np.array_equal(train.y, test.y)
    clean, _ = data.ten_points(noise=0.0, rng=rng())
    np.testing.assert_allclose(clean.y, 1.5 * clean.X)


def test_the_digits_are_all_there():
    X, y = digits()
    assert X.shape == (1797, 64) and y.shape == (1797,)
    assert (X.min(), X.max()) == (0, 16)
    assert np.bincount(y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert X[0, :8].tolist() == [0, 0, 5, 13, 9, 1, 0, 0]
    assert X.sum() == 561718
    X[...] = 0
    assert digits().X.any()


def test_the_digits_come_with_citation_and_licence():
    licence = files("nncourse").joinpath("digits/LICENSE.md").read_text(encoding="utf-8")
    assert "CC BY 4.0" in licence and "10.24432/C50P49" in licence
    assert "Alpaydin" in data.DIGIT_CITATION and "CC BY 4.0" in data.DIGIT_CITATION


@given(n=st.integers(3, 200), seed=st.integers(0, 1000))
def test_split_puts_every_row_into_exactly_one_part(n, seed):
    X = np.arange(float(n))[:, None]
    parts = split(X, np.arange(n), [0.5, 0.5], rng=rng(seed))
    rows = np.concatenate([part.y for part in parts])
    assert sorted(rows.tolist()) == list(range(n))
    for part in parts:
        np.testing.assert_array_equal(part.X.ravel(), part.y)


def test_split_shuffles_and_copies():
    X, y = np.arange(100.0)[:, None], np.arange(100)
    train, _ = split(X, y, [0.8, 0.2], rng=rng())
    assert len(train.y) == 80 and not np.array_equal(train.y, np.sort(train.y))
    train.X[...] = -1
    assert X.min() == 0


def test_the_standardizer_uses_statistics_of_the_training_data_only():
    train, test = rng().normal(5, 3, size=(50, 4)), rng(1).normal(0, 1, size=(20, 4))
    standardize = Standardizer(train)
    np.testing.assert_allclose(standardize(train).mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(standardize(train).std(axis=0), 1)
    np.testing.assert_allclose(standardize(test), (test - train.mean(0)) / train.std(0))
    np.testing.assert_allclose(standardize.undo(standardize(test)), test)


def test_a_constant_column_is_only_shifted():
    train = np.array([[1.0, 7.0], [3.0, 7.0]])
    assert Standardizer(train)(train).tolist() == [[-1, 0], [1, 0]]


@pytest.mark.parametrize("column", [[0.1] * 3, [0.0, 1e-200, 0.0]])
def test_a_column_without_spread_is_only_shifted_whatever_round_off_does(column):
    standardize = Standardizer(np.array(column)[:, None])
    assert standardize(np.array([[0.2]]))[0, 0] == pytest.approx(0.2 - np.mean(column))


def test_the_standardizer_keeps_float32():
    train = rng().normal(size=(5, 2)).astype(np.float32)
    assert Standardizer(train)(train).dtype == np.float32
    mixed = Standardizer(train.astype(np.float64))
    assert mixed(train).dtype == mixed.undo(train).dtype == np.float32


def test_one_hot():
    assert one_hot([2, 0], 3).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert one_hot(np.array([], int), 3).shape == (0, 3)
    assert one_hot([0], 1, np.float32).dtype == np.float32


@given(n=st.integers(1, 60), size=st.integers(1, 70), seed=st.integers(0, 99))
def test_batches_show_every_row_once(n, size, seed):
    X, y = np.arange(float(n))[:, None], np.arange(n)
    found = list(batches(X, y, size, rng=rng(seed)))
    rows = np.concatenate([batch.y for batch in found])
    assert sorted(rows.tolist()) == list(range(n))
    assert all(len(batch.X) == size for batch in found[:-1])
    for batch in found:
        np.testing.assert_array_equal(batch.X.ravel(), batch.y)


def test_batches_shuffle_rows_and_not_only_the_order_of_fixed_batches():
    X, y = np.arange(100.0)[:, None], np.arange(100)
    generator = rng()
    epochs = [[set(b.y.tolist()) for b in batches(X, y, 10, rng=generator)] for _ in range(2)]
    neighbours = [set(range(start, start + 10)) for start in range(0, 100, 10)]
    assert not any(batch in neighbours for batch in epochs[0])
    assert not any(batch in epochs[0] for batch in epochs[1])


def test_without_generator_batches_keep_the_order_and_none_takes_all():
    X, y = np.arange(5.0)[:, None], np.arange(5)
    assert [batch.y.tolist() for batch in batches(X, y, 2)] == [[0, 1], [2, 3], [4]]
    assert [batch.y.tolist() for batch in batches(X, y, None)] == [[0, 1, 2, 3, 4]]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: data.xor(0, rng=rng()), ValueError, "num_per_corner should be a whole number"),
        (lambda: data.xor(1, -0.1, rng=rng()), ValueError, "noise should be a finite number of at"),
        (lambda: data.moons(1.5, rng=rng()), TypeError, "num_per_class should be a whole number"),
        (lambda: data.moons(5, rng=1), TypeError, r"rng should be a numpy\.random\.Generator"),
        (lambda: data.xor(rng=1), TypeError, r"rng should be a numpy\.random\.Generator"),
        (lambda: data.circles(5, rng=1), TypeError, r"rng should be a numpy\.random\.Generator"),
        (lambda: data.spirals(5, rng=1), TypeError, r"rng should be a numpy\.random\.Generator"),
        (lambda: data.blobs(5, [[0.0]], rng=1), TypeError, r"rng should be"),
        (lambda: data.polynomial(5, [1.0], rng=1), TypeError, "rng should be"),
        (
            lambda: data.blobs(5, [0, 1], rng=rng()),
            ValueError,
            r"centers should have the shape \(k",
        ),
        (lambda: data.blobs(5, [[0.0]], -1, rng=rng()), ValueError, "std should be"),
        (lambda: data.circles(5, 0.1, -1, rng=rng()), ValueError, "inner_radius should be"),
        (lambda: data.spirals(5, num_classes=0, rng=rng()), ValueError, "num_classes should be"),
        (lambda: data.polynomial(0, [1.0], rng=rng()), ValueError, "num_samples should be"),
        (
            lambda: split(np.ones((3, 1)), np.ones(2), [1.0], rng=rng()),
            ValueError,
            "X and y should have as many",
        ),
        (
            lambda: split(np.ones((0, 1)), np.ones(0), [1.0], rng=rng()),
            ValueError,
            "X and y should have at least one row",
        ),
        (
            lambda: split(np.ones((9, 1)), np.ones(9), [0.5, 0.6], rng=rng()),
            ValueError,
            r"fractions should be above 0 and sum to 1, but got \[0\.5, 0\.6\]",
        ),
        (lambda: split(np.ones((9, 1)), np.ones(9), [], rng=rng()), ValueError, "fractions should"),
        (
            lambda: split(np.ones((9, 1)), np.ones(9), [1.5, -0.5], rng=rng()),
            ValueError,
            "fractions should be above 0",
        ),
        (
            lambda: split(np.ones((2, 1)), np.ones(2), [0.98, 0.02], rng=rng()),
            ValueError,
            "fractions should leave at least one of the 2 rows to each part",
        ),
        (lambda: split(np.ones((2, 1)), np.ones(2), [1.0], rng=3), TypeError, "rng should be"),
        (
            lambda: batches(np.ones((2, 1)), np.ones(3), 1),
            ValueError,
            r"X and y should have as many rows, but got \(2, 1\) and \(3,\)",
        ),
        (lambda: batches(np.ones((2, 1)), np.ones(2), 0), ValueError, "batch_size should be"),
        (lambda: batches(np.ones((2, 1)), np.ones(2), 1, rng=1), TypeError, "rng should be"),
        (lambda: one_hot([3], 3), ValueError, "labels should be from 0 to 2, but got .* 3 to 3"),
        (lambda: one_hot([-1], 3), ValueError, "labels should be from 0 to 2"),
        (lambda: one_hot([0.0], 3), TypeError, "labels should be whole numbers"),
        (lambda: one_hot([[0]], 3), TypeError, r"labels should be whole numbers of shape \(n,\)"),
        (lambda: one_hot([0], 0), ValueError, "num_classes should be a whole number"),
        (lambda: Standardizer(np.ones(3)), ValueError, r"train should have the shape \(n, d\)"),
        (
            lambda: Standardizer(np.ones((0, 3))),
            ValueError,
            r"train should have the shape \(n, d\)",
        ),
        (lambda: Standardizer(np.full((2, 2), np.nan)), ValueError, "train should hold finite"),
        (
            lambda: Standardizer(np.ones((2, 2), int)),
            TypeError,
            "train should be an array of float64",
        ),
        (
            lambda: Standardizer(np.ones((2, 2)))(np.ones((2, 3))),
            ValueError,
            r"X should have the shape \(n, 2\), but got \(2, 3\)",
        ),
        (lambda: Standardizer(np.ones((2, 2))).undo([1]), TypeError, "X should be an array"),
        (lambda: accuracy([0, 1], [0]), ValueError, "labels should be as many as predictions, 2"),
        (lambda: accuracy([], []), ValueError, r"predictions should have the shape \(n,\) or"),
        (lambda: accuracy([0.5], [0]), TypeError, "predictions should be whole numbers"),
        (lambda: batches([[1.0]], np.ones(1), 1), TypeError, r"X and y should be arrays, but got \[\[1"),
        (lambda: accuracy(np.ones((2, 1)), [0, 1]), ValueError, r"predictions.*\(2, 1\).*scores\[:, 0\] > 0"),
        (lambda: accuracy([0, 1], np.ones((2, 1))), ValueError, r"labels .*labels\[:, 0\]\.astype\(int\)"),
        (lambda: accuracy([-1], [0]), ValueError, "predictions should be labels of at least 0"),
        (lambda: accuracy([[np.nan, 1]], [0]), ValueError, "predictions should hold finite"),
        (
            lambda: accuracy(np.ones((1, 1, 1)), [0]),
            ValueError,
            "predictions should have the shape",
        ),
        (lambda: confusion_matrix([2], [0], 2), ValueError, "num_classes should be at least 3"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_accuracy_takes_labels_scores_and_one_hot_rows():
    scores = np.array([[0.1, 0.9], [2.0, -1.0], [0.3, 0.4]])
    assert accuracy(scores, [1, 0, 0]) == pytest.approx(2 / 3)
    assert accuracy([1, 0, 1], one_hot([1, 0, 0], 2)) == pytest.approx(2 / 3)
    assert as_labels("x", scores).tolist() == [1, 0, 1]
    assert accuracy(scores[:, 1] > 0, [1, 0, 0]) == pytest.approx(2 / 3)


def test_the_confusion_matrix_has_truth_in_rows_and_prediction_in_columns():
    counts = confusion_matrix([1, 1, 0, 2], [0, 1, 0, 1], 4)
    assert counts.tolist() == [[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert confusion_matrix([1, 1], [1, 1]).tolist() == [[0, 0], [0, 2]]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=50))
def test_metrics_agree_with_their_definitions(pairs):
    predicted, true = map(np.array, zip(*pairs, strict=True))
    counts = confusion_matrix(predicted, true, 4)
    assert counts.sum() == len(pairs)
    assert accuracy(predicted, true) == pytest.approx(np.trace(counts) / len(pairs))
    scores = precision_recall_f1(predicted, true, 4)
    for k in range(4):
        hits = int(((predicted == k) & (true == k)).sum())
        precision = hits / max((predicted == k).sum(), 1)
        recall = hits / max((true == k).sum(), 1)
        assert scores.precision[k] == pytest.approx(precision)
        assert scores.recall[k] == pytest.approx(recall)
        both = precision + recall
        assert scores.f1[k] == pytest.approx(2 * precision * recall / both if both else 0.0)
