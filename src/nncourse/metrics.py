"""Metrics: how good a classifier is, in numbers people read.

They are for looking, not for learning: their gradients are zero or undefined.

Labels are whole numbers from 0, or False and True. Wherever labels are expected, scores of shape
(n, k) with k at least 2 may stand instead; the largest one counts. One column of scores, for a yes/no
question, has no largest: turn it into labels first, ``scores[:, 0] > 0``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from nncourse.arguments import Array, finite, whole_number

Labels = npt.NDArray[np.integer[Any]]


def as_labels(name: str, values: npt.ArrayLike) -> Labels:
    """Return labels (n,) as they are, and rows of scores (n, k) as the place of the largest.

    Raises
    ------
    TypeError
        If one-dimensional values are neither whole numbers nor False and True.
    ValueError
        If there is nothing, a label is negative, or the shape is neither.
    """
    array = np.asarray(values)
    if array.ndim not in (1, 2) or array.size == 0:
        raise ValueError(
            f"{name} should have the shape (n,) or (n, k) and hold something, but got {array.shape}."
        )
    if array.ndim == 2 and array.shape[1] == 1:
        raise ValueError(
            f"{name} should be labels of shape (n,) or scores of at least two classes, but got shape "
            f"{array.shape}, which has no largest score per row. Turn one score per row into labels with "
            f"scores[:, 0] > 0, and a column of labels with labels[:, 0].astype(int)."
        )
    if array.ndim == 2:
        finite(name, array.astype(np.float64))
        largest: Labels = array.argmax(axis=1)
        return largest
    if array.dtype.kind == "b":
        return array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} should be whole numbers, but got dtype {array.dtype}.")
    if array.min() < 0:
        raise ValueError(f"{name} should be labels of at least 0, but got {array.min()}.")
    return array


def _pair(predictions: npt.ArrayLike, labels: npt.ArrayLike) -> tuple[Labels, Labels]:
    predicted, true = as_labels("predictions", predictions), as_labels("labels", labels)
    if predicted.shape != true.shape:
        raise ValueError(f"labels should be as many as predictions, {len(predicted)}, but got {len(true)}.")
    return predicted, true


def accuracy(predictions: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Return which part of the predictions is right, from 0 to 1.

    Parameters
    ----------
    predictions : array of shape (n,) or (n, k)
        Predicted labels, or scores.
    labels : array of shape (n,) or (n, k)
        True labels, or one-hot rows.

    Examples
    --------
    >>> accuracy([0, 1, 1, 0], [0, 1, 0, 0])
    0.75
    """
    predicted, true = _pair(predictions, labels)
    return float((predicted == true).mean())


def confusion_matrix(
    predictions: npt.ArrayLike, labels: npt.ArrayLike, num_classes: int | None = None
) -> npt.NDArray[np.int64]:
    """Return counts: row i, column j is how often the true class i was called j.

    Parameters
    ----------
    predictions, labels : arrays
        As in `accuracy`.
    num_classes : int or None
        k; None takes the largest label seen plus one.

    Returns
    -------
    array of int, shape (k, k)

    Examples
    --------
    >>> confusion_matrix([0, 1, 1, 0], [0, 1, 0, 0]).tolist()
    [[2, 1], [0, 1]]
    """
    predicted, true = _pair(predictions, labels)
    largest = int(max(predicted.max(), true.max()))
    k = largest + 1 if num_classes is None else whole_number("num_classes", num_classes)
    if largest >= k:
        raise ValueError(f"num_classes should be at least {largest + 1}, but got {k}.")
    counts = np.zeros((k, k), dtype=np.int64)
    np.add.at(counts, (true, predicted), 1)
    return counts


class ClassScores(NamedTuple):
    """Three scores of every class.

    Attributes
    ----------
    precision, recall, f1 : arrays of shape (k,)
    """

    precision: Array
    recall: Array
    f1: Array


def precision_recall_f1(
    predictions: npt.ArrayLike, labels: npt.ArrayLike, num_classes: int | None = None
) -> ClassScores:
    """Return three scores for each class, from its row and column of the confusion matrix.

    Precision: of those called i, which part is i. Recall: of those that are i, which part was
    called i. F1 = 2 · precision · recall / (precision + recall), their harmonic mean (after van
    Rijsbergen 1979, whose measure is 1 − F). A score that would divide by 0 is 0.

    Parameters
    ----------
    predictions, labels, num_classes
        As in `confusion_matrix`.

    Examples
    --------
    >>> scores = precision_recall_f1([0, 1, 1, 0], [0, 1, 0, 0])
    >>> scores.precision.tolist(), scores.recall.round(3).tolist(), scores.f1.round(3).tolist()
    ([1.0, 0.5], [0.667, 1.0], [0.8, 0.667])
    """
    counts = confusion_matrix(predictions, labels, num_classes)
    right = np.diag(counts).astype(np.float64)
    called, are = counts.sum(axis=0), counts.sum(axis=1)
    precision, recall, f1 = (np.zeros_like(right) for _ in range(3))
    np.divide(right, called, out=precision, where=called > 0)
    np.divide(right, are, out=recall, where=are > 0)
    np.divide(2 * right, called + are, out=f1, where=called + are > 0)
    return ClassScores(precision, recall, f1)
