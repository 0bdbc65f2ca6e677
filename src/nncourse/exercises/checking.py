"""What a check is, and how an answer is looked at: the part that notebook and judge share.

A check is a plain function that receives a submission ``s`` and asks it for results: ``s.slope(2.0)``
calls the learner's function. It does not know where that function lives. In a notebook it is called
at once (`Notebook`, below); in the judge the call goes into a sandbox. Nothing here shows or stores
anything.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, Protocol

import numpy as np

from nncourse.grading.values import snapshot

Status = Literal["right", "wrong", "unanswered", "missing", "raised", "stopped"]

LONGEST_TEXT = 300  # characters of a value or a message that are shown
MOST_VALUES = 20  # an array with more values than this is shown by its shape
IN_THE_NOTEBOOK = "a function, or an object of a class"  # which stays where it is, and is called there


class Submission(Protocol):
    """A learner's answers by name: functions and classes to call, and plain values.

    Whatever comes back is a fresh value of a plain type (`plain`), or the handle of an object of a
    class that the learner wrote, whose methods and attributes work in the same way.
    """

    @property
    def _changed(self) -> bool:
        """Whether the last call changed an argument in place, as its own process says."""

    def __getattr__(self, name: str) -> Any:
        """Return what the learner defined under this name."""


@dataclass(frozen=True)
class Check:
    """One thing that is looked at in the answer to a question.

    Attributes
    ----------
    name : str
        A few words that the learner sees: "a batch of three".
    run : Callable[[Submission], None]
        Raises `Wrong` when the answer is not right.
    weight : float
        Its share of the question's points, beside the weights of the other checks.
    """

    name: str
    run: Callable[[Submission], None]
    weight: float = 1.0


@dataclass(frozen=True)
class Question:
    """One question of an exercise, with the checks that a learner may see.

    Attributes
    ----------
    name : str
        "q2".
    title : str
        A few words.
    points : int
        What a right answer is worth.
    asks : tuple[str, ...]
        The names that the answer defines: functions, classes, variables.
    visible : tuple[Check, ...]
        The checks of the notebook. The judge adds hidden ones, which are not in this package.
    outcome : str
        What a right answer shows that one can do: "write gradient descent as a loop".
    """

    name: str
    title: str
    points: int
    asks: tuple[str, ...]
    visible: tuple[Check, ...]
    outcome: str = ""


@dataclass(frozen=True)
class Exercise:
    """The questions that belong to one chapter, under the name of their notebook."""

    name: str
    title: str
    questions: tuple[Question, ...]

    @property
    def short(self) -> str:
        """The name that `check` knows: "ex05"."""
        return self.name.partition("_")[0]

    @property
    def points(self) -> int:
        """All points that can be had."""
        return sum(question.points for question in self.questions)

    def question(self, name: str) -> Question:
        """Return the question of this name.

        Raises
        ------
        LookupError
            If the exercise has no such question.
        """
        for question in self.questions:
            if question.name == name:
                return question
        known = ", ".join(question.name for question in self.questions)
        raise LookupError(f"{self.name} has no question {name!r}, only {known}.")


class Problem(Exception):
    """Why a check did not go through; the message is for the learner.

    ``where`` is the line of the learner's own code at which it happened, if there is one.
    """

    status: Status = "wrong"
    where: str = ""


class Wrong(Problem):
    """The answer is not right.

    Parameters
    ----------
    hint : str
        A sentence that helps and does not give the answer away.
    expected, actual : object, optional
        What should have come and what came, where it is fair to show.
    """

    def __init__(self, hint: str, expected: object = None, actual: object = None) -> None:
        super().__init__(hint)
        self.expected = expected
        self.actual = actual


class NotAnswered(Problem):
    """The stub is still there: its NotImplementedError came back."""

    status: Status = "unanswered"


class Missing(Problem):
    """A name that the question asks for is not defined."""

    status: Status = "missing"


class Raised(Problem):
    """The learner's own code raised an exception."""

    status: Status = "raised"


class Stopped(Problem):
    """The learner's code took too long and was interrupted."""

    status: Status = "stopped"


@dataclass(frozen=True)
class Outcome:
    """What one check found. All texts are for the learner; an empty one has nothing to say."""

    check: Check
    ok: bool
    status: Status
    hint: str = ""
    expected: str = ""
    actual: str = ""
    where: str = ""


def evaluate(question: Question, checks: Iterable[Check], s: Submission) -> list[Outcome]:
    """Run checks of a question on a submission, each by itself.

    A check that fails never stops the next one. Only a `BaseException` that is not an `Exception`
    gets out of here, which is how a judge aborts.
    """
    return [_outcome(question, check, s) for check in checks]


def _outcome(question: Question, check: Check, s: Submission) -> Outcome:
    try:
        check.run(s)
    except Wrong as wrong:
        expected, actual = (
            "" if value is None else in_words(value) for value in (wrong.expected, wrong.actual)
        )
        return Outcome(check, False, "wrong", str(wrong), expected, actual)
    except Problem as problem:
        return Outcome(check, False, problem.status, str(problem), where=problem.where)
    except Exception as error:
        # The check took the result for something else than it is.
        names = " or ".join(question.asks)
        return Outcome(check, False, "wrong", f"{names} returned another form than asked for ({error}).")
    return Outcome(check, True, "right")


class Checks:
    """Checks as they are written in a file, one function each.

    >>> checks = Checks()
    >>> @checks.of("q1", "at x = 2")
    ... def _(s):
    ...     close(s.slope(2.0), 16.0, "…")
    >>> [check.name for check in checks["q1"]]
    ['at x = 2']
    """

    def __init__(self) -> None:
        self._checks: dict[str, list[Check]] = {}

    def of(
        self, question: str, name: str, weight: float = 1.0
    ) -> Callable[[Callable[[Submission], None]], Callable[[Submission], None]]:
        """Take the function below as a check of this question."""

        def take(run: Callable[[Submission], None]) -> Callable[[Submission], None]:
            self._checks.setdefault(question, []).append(Check(name, run, weight))
            return run

        return take

    def __getitem__(self, question: str) -> tuple[Check, ...]:
        """Return the checks of a question, in order."""
        return tuple(self._checks.get(question, ()))

    def __iter__(self) -> Iterator[str]:
        """Go through the questions that have checks."""
        return iter(self._checks)


def read_checks(source: str) -> Checks:
    """Return the checks that Python code collects under the name ``checks``.

    The code is run: read your own only.
    """
    names: dict[str, Any] = {"__name__": "hidden"}
    exec(compile(source, "hidden.py", "exec"), names)
    found = names.get("checks")
    if not isinstance(found, Checks):
        raise ValueError("there is no `checks = Checks()`.")
    return found


# -- Looking at values ---------------------------------------------------------------------------


def plain(value: object) -> Any:
    """Return a fresh copy of a value, made of plain types only, exactly these and no subclass.

    Raises
    ------
    Wrong
        If the value is, or contains, anything but numbers, text, None, lists, tuples, dicts and
        arrays of numbers or text.
    """
    if value is None or type(value) in (bool, int, float, complex, str):
        return value
    if isinstance(value, np.ndarray | np.generic):
        array = np.array(value, copy=True, subok=False)
        if array.dtype.kind not in "biufcU":
            raise Wrong(
                "An array of numbers is wanted; this one holds other objects.", actual=str(array.dtype)
            )
        return array if isinstance(value, np.ndarray) else array[()]
    if type(value) in (list, tuple):
        parts = [plain(part) for part in value]  # type: ignore[attr-defined]
        return parts if type(value) is list else tuple(parts)
    if type(value) is dict:
        return {plain(key): plain(part) for key, part in value.items()}
    raise Wrong(f"A number or an array is wanted; this is {_a(type(value).__name__)}.")


def given(value: Any) -> Any:
    """Return a fresh copy of an argument, with Python's numbers in it, as a learner expects them."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple):
        return type(value)(given(part) for part in value)
    if isinstance(value, dict):
        return {key: given(part) for key, part in value.items()}
    return value


def numbers(actual: object) -> np.ndarray:
    """Return a result as a float array after making sure that it holds real, finite numbers."""
    if actual is None:
        raise Wrong("The result is None. Is there a `return` at the end of the function?")
    if isinstance(actual, str | dict | list | tuple):
        raise Wrong(f"A number or an array is wanted; this is {_a(type(actual).__name__)}.", actual=actual)
    if callable(actual):
        raise Wrong(f"A number or an array is wanted; this is {IN_THE_NOTEBOOK}.")
    array = np.asarray(actual)
    if array.dtype.kind == "b":
        raise Wrong("Numbers are wanted; this holds True and False.", actual=actual)
    if array.dtype.kind not in "iuf":
        raise Wrong(f"Real numbers are wanted; this holds {array.dtype}.")
    result = array.astype(np.float64, copy=False)
    if not np.isfinite(result).all():
        bad = int(np.sum(~np.isfinite(result)))
        what = (
            "It is not a finite number."
            if result.ndim == 0
            else f"{bad} of {result.size} values are not finite."
        )
        raise Wrong(
            f"{what} Look for a division by zero, the logarithm of zero or an overflow.", actual=actual
        )
    return result


def shape(actual: object, expected: tuple[int, ...], hint: str = "") -> None:
    """Raise `Wrong` unless the result is an array (or number) of finite numbers of this shape."""
    found = numbers(actual).shape
    if found != expected:
        raise Wrong(
            hint or _about_shapes(found, expected), expected=f"shape {expected}", actual=f"shape {found}"
        )


def close(
    actual: object,
    expected: object,
    hint: str,
    *,
    mistakes: Mapping[str, object] | None = None,
    rtol: float = 1e-6,
    atol: float = 1e-9,
    show: bool = True,
) -> None:
    """Raise `Wrong` unless the result is the expected number or array, up to rounding.

    Parameters
    ----------
    actual : object
        What the learner's code returned.
    expected : array_like
        What is right.
    hint : str
        Helps when the result is wrong in a way that nobody foresaw.
    mistakes : Mapping[str, array_like], optional
        For each typical mistake a hint, and the result to which it leads.
    rtol, atol : float
        How far a value may be off, relative and absolute.
    show : bool
        Whether it is fair to show what was expected.
    """
    result, right = numbers(actual), np.asarray(expected, dtype=np.float64)
    if result.shape == right.shape and np.allclose(result, right, rtol=rtol, atol=atol):
        return
    for clue, wrong in (mistakes or {}).items():
        value = np.asarray(wrong, dtype=np.float64)
        if result.shape == value.shape and np.allclose(result, value, rtol=rtol, atol=atol):
            hint = clue
            break
    else:
        if result.shape != right.shape:
            hint = _about_shapes(result.shape, right.shape)
    raise Wrong(hint, expected if show else None, actual if show else None)


def same(actual: object, expected: object, hint: str, *, show: bool = True) -> None:
    """Raise `Wrong` unless the result is exactly this value, of this type: a text, True, a list."""
    value = actual.item() if isinstance(actual, np.generic) else actual
    if type(value) is not type(expected) or value != expected:
        raise Wrong(hint, expected if show else None, actual if show else None)


def parts(actual: object, count: int, what: str) -> Sequence[Any]:
    """Return the parts of a tuple, list or array after making sure that it has so many.

    Raises
    ------
    Wrong
        If it is something else; ``what`` says what the parts are: "the gradients of w and b".
    """
    if not isinstance(actual, tuple | list) and not (isinstance(actual, np.ndarray) and actual.ndim):
        raise Wrong(f"Return {count} results: {what}.", actual=actual)
    if len(actual) != count:
        raise Wrong(f"Return {count} results: {what}. These are {len(actual)}.")
    return list(actual) if isinstance(actual, np.ndarray) else actual


def unchanged(s: Submission, hint: str) -> None:
    """Raise `Wrong` if the last call changed an array, a list or a dict that it was given."""
    if s._changed:
        raise Wrong(hint)


def in_words(value: object) -> str:
    """Write a value down for a learner: short, and an array by its numbers or its shape."""
    if isinstance(value, str):
        text = value
    elif isinstance(value, list | tuple):
        inner = ", ".join(map(_part_in_words, value[:LONGEST_TEXT]))
        text = f"[{inner}]" if isinstance(value, list) else f"({inner}{',' * (len(value) == 1)})"
    elif isinstance(value, dict):
        pairs = islice(value.items(), LONGEST_TEXT)
        inner = ", ".join(f"{_part_in_words(key)}: {_part_in_words(part)}" for key, part in pairs)
        text = f"{{{inner}}}"
    elif callable(value):
        text = IN_THE_NOTEBOOK
    elif isinstance(value, np.ndarray) and value.ndim > 0:
        if value.size <= MOST_VALUES:
            text = " ".join(np.array2string(value, precision=6, separator=", ").split())
        else:
            text = f"an array of shape {value.shape}"
    elif isinstance(value, float | np.floating):
        text = f"{float(value):.6g}"
    elif isinstance(value, np.ndarray | np.generic):
        text = str(value)
    else:
        text = repr(value)
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


def _part_in_words(value: object) -> str:
    return repr(value) if isinstance(value, str) else in_words(value)


def _about_shapes(found: tuple[int, ...], expected: tuple[int, ...]) -> str:
    if expected == ():
        return f"A single number is wanted; this is an array of shape {found}."
    if found == ():
        return f"An array of shape {expected} is wanted; this is a single number."
    if found == expected[::-1]:
        return f"The shape is {found} and should be {expected}: is something transposed?"
    return f"The shape is {found} and should be {expected}."


def _a(noun: str) -> str:
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


# -- The submission of a notebook -----------------------------------------------------------------


@contextmanager
def _no_limit() -> Iterator[None]:
    yield


class Notebook:
    """The answers in a notebook's own namespace, called on the spot.

    Parameters
    ----------
    namespace : dict
        Where the notebook's functions stand.
    limit : Callable, optional
        Makes a context that ends a call that takes too long, by raising `Stopped` from whatever
        interrupted it.
    """

    def __init__(self, namespace: Mapping[str, Any], limit: Callable[[], Any] = _no_limit) -> None:
        self._namespace = namespace
        self._limit = limit
        self._stopped = False
        self._changed = False

    def __getattr__(self, name: str) -> Any:
        """Return what the notebook defined under this name, ready to be called."""
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._namespace:
            raise Missing(f"There is no {name} yet. Run the cell that defines it.")
        return self._wrapped(self._namespace[name], name)

    def _wrapped(self, value: object, name: str) -> Any:
        if not callable(value):
            return plain(value)

        def call(*args: Any, **kwargs: Any) -> Any:
            args, kwargs = given(args), given(kwargs)
            before = snapshot([args, kwargs])
            result = self._run(lambda: value(*args, **kwargs), name)
            self._changed = snapshot([args, kwargs]) != before
            return _Handle(self, result, name) if isinstance(value, type) else plain(result)

        return call

    def _run(self, code: Callable[[], Any], name: str) -> Any:
        if self._stopped:  # one endless function is waited for once
            raise Stopped("This was not tried, because an earlier check had to be interrupted.")
        try:
            with self._limit():
                return code()
        except Stopped as stopped:
            stopped.where = self._line(stopped.__cause__)
            self._stopped = True
            raise
        except NotImplementedError as error:
            raise NotAnswered(str(error) or f"{name} is still to be written.") from error
        except (Exception, SystemExit) as error:
            raised = Raised(f"{name} raised {type(error).__name__}: {error}"[:LONGEST_TEXT])
            raised.where = self._line(error)
            raise raised from error

    def _line(self, error: BaseException | None) -> str:
        """Find the last line of the notebook's own code on the way to an exception."""
        found = ""
        if error is not None:
            frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
            for frame, line in zip(frames, traceback.extract_tb(error.__traceback__), strict=True):
                if frame.f_globals is self._namespace and line.line:
                    found = f"line {line.lineno}: {line.line}"
        return found


class _Handle:
    """An object of a class that the learner wrote: its methods and attributes by name."""

    def __init__(self, notebook: Notebook, value: object, name: str) -> None:
        self._notebook = notebook
        self._value = value
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        full = f"{self._name}.{name}"
        if not hasattr(self._value, name):
            raise Missing(f"An object of {self._name} has no {name}.")
        return self._notebook._wrapped(getattr(self._value, name), full)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._notebook._wrapped(self._value, self._name)(*args, **kwargs)
