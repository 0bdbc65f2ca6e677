"""The visible checks of exercise 8, regularization."""

import numpy as np

from nncourse.exercises.checking import Checks, Submission, Wrong, close, numbers, parts, same

checks = Checks()


@checks.of("q1", "the two fits of the example")
def _(s: Submission) -> None:
    bias, variance = parts(
        s.bias_and_variance(np.array([[1.0, 2.0], [5.0, 2.0]]), np.array([0.0, 1.0])), 2, "bias² and variance"
    )
    if np.ndim(bias) == np.ndim(variance) == 0 and np.allclose([numbers(bias), numbers(variance)], [2, 5]):
        raise Wrong("The two are exchanged: bias² comes first, then the variance.")
    close(
        bias,
        5,
        "The mean fit is [3, 2] and the truth [0, 1].",
        mistakes={
            "The bias is squared: only then do bias² and variance have the same unit and add up.": 2,
            "That is the error of the single fits. The bias is that of their mean.": 7,
            "Square the difference at each place, then take the mean over the places.": 4,
            "The mean fit goes over the training sets, which are the rows: axis 0.": 4.25,
            "Take the mean over the places, not the sum.": 10,
        },
    )
    close(
        variance,
        2,
        "The fits lie 2 from their mean at the first place and 0 at the second.",
        mistakes={
            "The distance is from the mean fit, not from the truth.": 7,
            "Divide by the number of fits, not by one less.": 4,
            "That is the standard deviation. The variance is its square.": 2**0.5,
        },
    )


@checks.of("q1", "misses to both sides")
def _(s: Submission) -> None:
    predictions = np.array([[1.0, -1.0, 2.0], [1.0, -1.0, 0.0], [1.0, -1.0, 1.0]])
    bias, variance = parts(
        s.bias_and_variance(predictions, np.array([0.0, 0.0, 1.0])), 2, "bias² and variance"
    )
    close(
        bias,
        2 / 3,
        "Square the difference at each place, then take the mean.",
        mistakes={"Misses to both sides have cancelled. Square before the mean.": 0},
    )
    close(variance, 2 / 9, "The variance of the fits at the third place is 2/3, at the others 0.")


@checks.of("q2", "one weight")
def _(s: Submission) -> None:
    close(
        s.decayed_step(np.array([2.0]), np.array([3.0]), 0.1, 0.5),
        [1.6],
        "The gradient of the objective is that of the cost plus that of the penalty.",
        mistakes={
            "The learning rate belongs to the decay, too.": [0.7],
            "The penalty λ/2 · w² has the slope λ w, without a 2.": [1.5],
            "The penalty pulls towards zero: its gradient is added to that of the cost.": [1.8],
            "That is the step without the penalty.": [1.7],
            "The slope of w² is 2 w, and the ½ takes care of the 2. The weight itself belongs in it.": [1.65],
        },
    )


@checks.of("q2", "a matrix of weights, no gradient")
def _(s: Submission) -> None:
    w = np.array([[1.0, -2.0], [0.0, 4.0]])
    close(
        s.decayed_step(w, np.zeros((2, 2)), 0.5, 0.2),
        0.9 * w,
        "Without a gradient each weight loses the fraction η λ.",
        mistakes={
            "Each weight shrinks towards zero by a fraction. That is L1, which takes an amount.": w
            - 0.1 * np.sign(w)
        },
    )


@checks.of("q3", "p = 0.2, in training")
def _(s: Submission) -> None:
    close(
        s.dropout(np.full(4, 10.0), 0.2, np.array([0.1, 0.2, 0.5, 0.9]), True),
        [0, 12.5, 12.5, 12.5],
        "Drop where the draw is less than p, and scale what stays.",
        mistakes={
            "What stays is not scaled yet: the mean would fall.": [0, 10, 10, 10],
            "p is the probability of dropping. Divide by that of keeping.": [0, 50, 50, 50],
            "Scaling should make up for the units that are missing: divide, do not multiply.": [0, 8, 8, 8],
            "These were to be kept, and the others dropped.": [12.5, 0, 0, 0],
            "A unit is dropped where its draw is less than p. At 0.2 it is not.": [0, 0, 12.5, 12.5],
            "Scale by the probability p, not by the share that happened to stay.": [0, *[40 / 3] * 3],
            "Nothing was dropped, and this was training.": [10, 10, 10, 10],
        },
    )


@checks.of("q3", "in use")
def _(s: Submission) -> None:
    H, draws = np.array([1.0, -2.0, 3.0]), np.array([0.1, 0.9, 0.1])
    if np.array_equal(numbers(s.dropout(H, 0.2, draws, True)), H):
        raise Wrong("Nothing happens to H in training, either. Do that first.")
    close(
        s.dropout(H, 0.2, draws, False),
        H,
        "In use nothing happens to H.",
        mistakes={
            "In use nothing is dropped.": [0, -2.5, 0],
            "Inverted dropout has scaled in training already. In use it does not.": 0.8 * H,
            "In use nothing is scaled: least of all by p.": 0.2 * H,
        },
    )


@checks.of("q3", "the mean stays, for a batch of shape (100, 80)")
def _(s: Submission) -> None:
    draws = np.random.default_rng(0).permutation(8000).reshape(100, 80) / 8000
    for p in (0.0, 0.5, 0.75):
        result = s.dropout(np.ones((100, 80)), p, draws, True)
        close(
            result,
            (draws >= p) / (1 - p),
            f"With p = {p} the mean of 8000 ones should stay 1. Is the scale right for every p?",
        )


@checks.of("q4", "batch normalization of three samples")
def _(s: Submission) -> None:
    X = np.array([[1.0, 0.0], [3.0, 0.0], [5.0, 3.0]])
    centred = X - X.mean(axis=0)
    rows = X - X.mean(axis=1, keepdims=True)
    close(
        s.batch_norm(X, 0.0),
        centred / X.std(axis=0),
        "From each column take its mean, then divide by its standard deviation.",
        mistakes={
            "These are the rows. Batch normalization takes statistics over the samples, down a column.": rows
            / X.std(axis=1, keepdims=True),
            "Divide by the root of the variance.": centred / X.var(axis=0),
            "Divide by the number of values in the variance, not by one less.": centred
            / X.std(axis=0, ddof=1),
            "The mean is that of the column, not of everything.": (X - X.mean()) / X.std(),
        },
    )


@checks.of("q4", "layer normalization of three samples")
def _(s: Submission) -> None:
    X = np.array([[1.0, 0.0], [3.0, 0.0], [5.0, 3.0]])
    close(
        s.layer_norm(X, 0.0),
        [[1, -1], [1, -1], [1, -1]],
        "From each row take its mean, then divide by its standard deviation.",
        mistakes={
            "These are the columns. Layer normalization takes statistics of each sample by itself.": (
                X - X.mean(axis=0)
            )
            / X.std(axis=0),
        },
    )


@checks.of("q4", "where ε stands")
def _(s: Submission) -> None:
    X = np.array([[1.0, 2.0], [3.0, 2.0]])
    close(
        s.batch_norm(X, 3.0),
        [[-0.5, 0], [0.5, 0]],
        "With a variance of 1 and ε = 3 divide by the root of 4.",
        mistakes={
            "ε stands under the root, beside the variance.": [[-0.25, 0], [0.25, 0]],
            "ε plays no part yet.": [[-1, 0], [1, 0]],
        },
    )
    close(s.layer_norm(X, 0.75), [[-0.5, 0.5], [0.5, -0.5]], "With a variance of ¼ and ε = ¾ divide by 1.")


@checks.of("q5", "the example with patience 2")
def _(s: Submission) -> None:
    stopped, best = parts(s.early_stopping([5, 4, 3, 3.5, 3.2, 1], 2), 2, "the last epoch and the best one")
    close(
        stopped,
        4,
        "Epochs 3 and 4 are no better than epoch 2, and that is two in a row.",
        mistakes={
            "Patience 2 waits for a second epoch that is no better.": 3,
            "Epochs 3 and 4 are both no better than the best so far, epoch 2. That is enough.": 5,
        },
    )
    close(
        best,
        2,
        "The best of the epochs that were run, its index counted from 0.",
        mistakes={
            "Epoch 5 is never run. Look at the epochs up to the stop.": 5,
            "That is the loss. Its index is wanted.": 3,
            "That is the last epoch.": 4,
        },
    )


@checks.of("q5", "more patience, and a run that never stops")
def _(s: Submission) -> None:
    for losses, patience, wanted in (([5, 4, 3, 3.5, 3.2, 1], 3, (5, 5)), ([3, 2, 1], 1, (2, 2))):
        found = parts(s.early_stopping(losses, patience), 2, "the last epoch and the best one")
        for mine, right in zip(found, wanted, strict=True):
            close(mine, right, f"For {losses} with patience {patience} the result is {wanted}.")


@checks.of("q5", "equal losses")
def _(s: Submission) -> None:
    stopped, best = parts(s.early_stopping([2, 1, 1, 1, 1], 3), 2, "the last epoch and the best one")
    same(int(best), 1, "Of equal losses the first is the best: equal is not better.")
    same(int(stopped), 4, "Three epochs in a row, 2, 3 and 4, were not better than epoch 1.")


@checks.of("q5", "a second chance")
def _(s: Submission) -> None:
    losses = [5, 6, 4, 4.5, 3, 3.5, 3.2]
    stopped, best = parts(s.early_stopping(losses, 2), 2, "the last epoch and the best one")
    close(
        stopped,
        6,
        f"For {losses} with patience 2 epoch 6 is the last.",
        mistakes={"Only epochs in a row count. A better one begins the count anew.": 3},
    )
    close(best, 4, f"For {losses} with patience 2 epoch 4 is the best.")
