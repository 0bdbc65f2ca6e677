"""The visible checks of exercise 9, putting it together."""

import numpy as np

from nncourse.data import digits
from nncourse.exercises.checking import Checks, Submission, Wrong, close, numbers, parts, same, shape

checks = Checks()


def dealt(s: Submission, n: int, num_test: int, seed: int) -> tuple[list[int], list[int]]:
    """Return both parts as lists after looking at their shapes."""
    train, test = parts(s.split(n, num_test, seed), 2, "the rows for training and those for testing")
    shape(test, (num_test,), f"The second part should hold {num_test} numbers, shape ({num_test},).")
    shape(train, (n - num_test,), f"The first part should hold the other {n - num_test} numbers.")
    return numbers(train).tolist(), numbers(test).tolist()


@checks.of("q1", "every number is in exactly one part")
def _(s: Submission) -> None:
    train, test = dealt(s, 50, 20, 0)
    if set(train) & set(test):
        raise Wrong("Some numbers are in both parts: the test would ask what the network has seen.")
    if len(set(train)) < len(train) or len(set(test)) < len(test):
        raise Wrong("A part holds the same number more than once.")
    if sorted(train + test) != list(range(50)):
        raise Wrong("The numbers should be 0 to n − 1, each of them once.")


@checks.of("q1", "it is shuffled, and the seed decides how")
def _(s: Submission) -> None:
    (one, _), (again, _), (other, test) = (dealt(s, 50, 20, seed) for seed in (1, 1, 2))
    if sorted(test) in (list(range(20)), list(range(30, 50))):
        raise Wrong("The test rows are the first or the last of the file. Shuffle before you cut.")
    if one != again:
        raise Wrong("The same seed gave two different splits. All chance must come from default_rng(seed).")
    if one == other:
        raise Wrong("Two seeds gave the same split. Is the seed handed to default_rng?")


@checks.of("q2", "the example")
def _(s: Submission) -> None:
    train, test = np.array([[1.0, 5.0], [3.0, 5.0]]), np.array([[5.0, 6.0]])
    found = parts(s.standardize(train, test), 2, "both arrays, standardized")
    close(
        found[0],
        [[-1, 0], [1, 0]],
        "From each column its mean, divided by its standard deviation.",
        mistakes={
            "Divide by the number of values in the deviation, not by one less.": [
                [-(0.5**0.5), 0],
                [0.5**0.5, 0],
            ]
        },
    )
    if np.shape(found[1]) == (1, 2) and numbers(found[1])[0, 1] > 1000:
        raise Wrong(
            "Something tiny beside the deviation makes a constant column huge. Do not scale it at all."
        )
    close(
        found[1],
        [[3, 1]],
        "The test data are shifted and scaled by the numbers of the training data.",
        mistakes={
            "The test data were standardized by their own numbers. Use those of train.": [[0, 0]],
            "The test data have not changed.": [[5, 6]],
            "A column that is constant in training is still shifted in the test data, not set to 0.": [
                [3, 0]
            ],
        },
    )


@checks.of("q2", "columns, and larger deviations")
def _(s: Submission) -> None:
    train = np.array([[0.0, 10.0, 1.0], [4.0, 30.0, 1.0], [8.0, 20.0, 1.0], [4.0, 20.0, 1.0]])
    test = np.array([[6.0, 0.0, 2.0], [4.0, 20.0, 1.0]])
    mean, std = train.mean(axis=0), np.array([8**0.5, 50**0.5, 1])
    both, all_std = np.concatenate([train, test]), np.array([1, 1, 1])
    found = parts(s.standardize(train, test), 2, "both arrays, standardized")
    for mine, given in zip(found, (train, test), strict=True):
        close(
            mine,
            (given - mean) / std,
            "Each column has a mean and a deviation of its own.",
            mistakes={
                "It is shifted, and still to be scaled.": (given - mean) / all_std,
                "Means and deviations of train and test together let the test data in. Use train alone.": (
                    given - both.mean(axis=0)
                )
                / both.std(axis=0),
                "Divide by the deviation, the root of the variance.": (given - mean) / np.array([8, 50, 1]),
            },
        )


@checks.of("q3", "three samples")
def _(s: Submission) -> None:
    close(
        s.confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), 2),
        [[1, 1], [0, 1]],
        "One count for each sample: row label, column prediction.",
        mistakes={"It is transposed: the row is the label, the column the prediction.": [[1, 0], [1, 1]]},
    )


@checks.of("q3", "the same pair several times, and a class that nobody has")
def _(s: Submission) -> None:
    close(
        s.confusion(np.array([1, 1, 1, 0]), np.array([0, 0, 1, 0]), 3),
        [[1, 0, 0], [2, 1, 0], [0, 0, 0]],
        "Label 1 was taken for 0 twice.",
        mistakes={
            "A pair that comes twice is counted once. NumPy adds once to each place that is named.": [
                [1, 0, 0],
                [1, 1, 0],
                [0, 0, 0],
            ],
            "Counts are wanted, not shares.": [[1, 0, 0], [2 / 3, 1 / 3, 0], [0, 0, 0]],
        },
    )


def table() -> np.ndarray:
    """Return the table of the example."""
    return np.array([[8, 2, 0], [0, 9, 1], [0, 5, 5]])


@checks.of("q4", "the accuracy")
def _(s: Submission) -> None:
    accuracy = parts(s.read_confusion(table()), 3, "accuracy, recalls and the worst confusion")[0]
    close(
        accuracy,
        22 / 30,
        "What was right stands on the diagonal.",
        mistakes={
            "That is a count. Divide by the number of samples.": 22,
            "Divide by the number of samples, which is the sum of the whole table.": 22 / 9,
            "That is the share of mistakes.": 8 / 30,
        },
    )
    uneven = parts(
        s.read_confusion(np.array([[8, 2], [0, 90]])), 3, "accuracy, recalls and the worst confusion"
    )
    close(
        uneven[0],
        0.98,
        "98 of these 100 samples were right.",
        mistakes={"That is the mean of the recalls. A class with more samples counts for more.": 0.9},
    )


@checks.of("q4", "the recalls")
def _(s: Submission) -> None:
    recall = parts(s.read_confusion(table()), 3, "accuracy, recalls and the worst confusion")[1]
    close(
        recall,
        [0.8, 0.9, 0.5],
        "Of the samples with label i, which share was right? They stand in row i.",
        mistakes={"That is the precision. Recall divides by the sum of the row.": [1, 9 / 16, 5 / 6]},
    )


@checks.of("q4", "the worst confusion")
def _(s: Submission) -> None:
    worst = parts(s.read_confusion(table()), 3, "accuracy, recalls and the worst confusion")[2]
    label, prediction = (int(numbers(part)) for part in parts(worst, 2, "label and prediction"))
    if label == prediction:
        raise Wrong(f"({label}, {prediction}) is no mistake: it stands on the diagonal.")
    if (label, prediction) == (1, 2):
        raise Wrong("The label comes first, then the prediction.")
    same((label, prediction), (2, 1), "Look for the largest number beside the diagonal.")


def share_right(s: Submission, first: int) -> float:
    """Train on 600 pictures, ask for 300 others, and return the share of right answers."""
    X, y = digits()
    rows = np.random.default_rng(first).permutation(len(X))
    train, new = rows[:600], rows[600:900]
    found = s.classify(X[train], y[train], X[new])
    if np.shape(found) == (300, 10):
        raise Wrong("These are ten scores for each picture. Which of them is the largest?")
    shape(found, (300,), "One digit for each new picture is wanted, shape (300,).")
    found = numbers(found)
    if not np.isin(found, np.arange(10)).all():
        raise Wrong("The answers should be whole numbers from 0 to 9.")
    if len(set(found.tolist())) == 1:
        raise Wrong(
            "Every picture got the same answer. Is the network trained, and are the inputs standardized?"
        )
    return float(np.mean(found == y[new]))


@checks.of("q5", "600 pictures to learn from, 300 to name")
def _(s: Submission) -> None:
    right = share_right(s, 0)
    if right < 0.2:
        doubts = "Is the network trained, and do pictures and labels stay together?"
        raise Wrong(f"{right:.0%} are right, as by guessing. {doubts}")
    if right < 0.88:
        raise Wrong(
            f"{right:.0%} are right. Are the new pictures standardized like the others? "
            "Train longer, or try another learning rate.",
            "at least 88%",
            f"{right:.0%}",
        )
