"""How an answer is looked at: values are weighed by type and shape first, and nothing gets through."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nncourse.exercises.checking import (
    Check,
    Checks,
    Missing,
    NotAnswered,
    Notebook,
    Outcome,
    Question,
    Raised,
    Wrong,
    close,
    evaluate,
    in_words,
    parts,
    plain,
    read_checks,
    same,
    shape,
    unchanged,
)


def hint_of(code: Any) -> str:
    with pytest.raises(Wrong) as caught:
        code()
    return str(caught.value)


def outcome(namespace: dict[str, Any], run: Any) -> Outcome:
    check = Check("a check", run)
    return evaluate(Question("q1", "a question", 1, ("f",), (check,)), [check], Notebook(namespace))[0]


def test_close_accepts_rounding_and_nothing_more() -> None:
    close(0.1 + 0.2, 0.3, "")
    close(np.float32(0.5), 0.5, "")
    assert hint_of(lambda: close(0.3001, 0.3, "off")) == "off"


@pytest.mark.parametrize(
    ("actual", "words"),
    [
        (None, "`return`"),
        ([1.0, 2.0], "this is a list"),
        ("1", "this is a str"),
        (np.array([True, False]), "True and False"),
        (np.array([1.0, np.nan]), "1 of 2 values are not finite"),
        (np.array([1j, 2]), "Real numbers"),
        (np.ones((1, 2)), "should be (2,)"),
        (3.0, "this is a single number"),
        (np.array(["a", "b"]), "Real numbers"),
    ],
)
def test_close_says_what_is_wrong_with_the_form(actual: object, words: str) -> None:
    assert words in hint_of(lambda: close(actual, np.array([1.0, 2.0]), "off"))


def test_close_names_a_typical_mistake_even_when_its_shape_differs() -> None:
    mistakes = {"half": 1.0, "a sum over the wrong axis": [1.0, 2.0, 3.0]}
    assert hint_of(lambda: close(1.0, 2.0, "off", mistakes=mistakes)) == "half"
    wrong_axis = np.array([1.0, 2.0, 3.0])
    assert hint_of(lambda: close(wrong_axis, 2.0, "off", mistakes=mistakes)) == "a sum over the wrong axis"
    assert "transposed" in hint_of(lambda: close(np.ones((2, 3)), np.ones((3, 2)), "off"))


def test_what_was_expected_stays_out_of_sight_where_it_is_not_fair_to_show() -> None:
    with pytest.raises(Wrong) as caught:
        close(1.0, 2.0, "off", show=False)
    assert caught.value.expected is None


def test_same_asks_for_the_type_too() -> None:
    same(np.int64(3), 3, "off")
    assert hint_of(lambda: same(3.0, 3, "off")) == "off"
    assert hint_of(lambda: same(True, 1, "off")) == "off"


def test_shape_and_parts() -> None:
    shape(np.ones((2, 3)), (2, 3))
    assert hint_of(lambda: shape(np.ones(3), (1, 3))) == "The shape is (3,) and should be (1, 3)."
    assert parts((1, 2), 2, "both") == (1, 2)
    assert parts(np.array([1, 2]), 2, "both") == [1, 2]
    assert "These are 3" in hint_of(lambda: parts((1, 2, 3), 2, "both"))
    assert "Return 2 results" in hint_of(lambda: parts(1, 2, "both"))


class EqualsEverything:
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


class Tricky(np.ndarray):
    """An array that claims to be close to anything."""

    def __array_function__(self, *args: object) -> bool:
        return True


def test_only_plain_values_come_back() -> None:
    assert "EqualsEverything" in hint_of(lambda: plain(EqualsEverything()))
    assert "other objects" in hint_of(lambda: plain(np.array([EqualsEverything()])))
    assert "a Sub" in hint_of(lambda: plain([type("Sub", (float,), {})(1.0)]))
    assert type(plain(np.zeros(2).view(Tricky))) is np.ndarray
    value = {"a": (1, [np.float64(2.0), None])}
    assert plain(value) == value and plain(value) is not value


def test_a_function_cannot_change_what_the_check_holds() -> None:
    def greedy(x: np.ndarray) -> np.ndarray:
        x[:] = 0
        return x

    def check(s: Any) -> None:
        x = np.ones(3)
        result = s.f(x)
        close(x, np.ones(3), "the check's own array was changed")
        close(result, np.zeros(3), "")

    assert outcome({"f": greedy}, check).ok


def test_a_learner_gets_pythons_numbers_where_a_check_has_numpys() -> None:
    seen: list[object] = []
    Notebook({"f": lambda *values: seen.extend(values)}).f(
        np.float64(0.5), [np.float64(1.5), (np.int64(2),)], {"key": np.bool_(True)}, np.array([1.0])
    )
    assert repr(seen) == "[0.5, [1.5, (2,)], {'key': True}, array([1.])]"


def test_a_check_can_ask_whether_an_argument_was_changed_in_place() -> None:
    def to_and_fro(x: np.ndarray) -> None:
        x += 1e-5
        x -= 2e-5
        x += 1e-5

    functions = {
        "shift": lambda x: x.__iadd__(1),
        "add": lambda x: x.append(print),
        "look": lambda x: x + 1,
        "to_and_fro": to_and_fro,
    }
    s = Notebook(functions)
    for name, value, changed in [
        ("shift", np.array([np.nan, 0.1]), True),
        ("look", np.array([np.nan, 0.1]), False),
        ("add", [1.0], True),
        ("to_and_fro", np.array([0.1, 0.7, 123.4]), False),
    ]:
        getattr(s, name)(value)
        if changed:
            assert hint_of(lambda: unchanged(s, "in place")) == "in place"
        else:
            unchanged(s, "in place")


def test_what_stays_in_the_notebook_is_shown_without_an_address() -> None:
    class Thing:
        pass

    thing = Notebook({"Thing": Thing}).Thing()
    for look in (
        lambda: close(thing, 1.0, "off"),
        lambda: same(thing, 1, "off"),
        lambda: parts(thing, 2, "both"),
    ):
        with pytest.raises(Wrong) as caught:
            look()
        said = f"{caught.value} {in_words(caught.value.actual)}"
        assert "object of a class" in said and "0x" not in said and "Handle" not in said


def test_objects_of_a_learner_s_class_are_used_by_handle() -> None:
    class Counter:
        def __init__(self, start: int) -> None:
            self.count = start

        def __call__(self, x: int) -> int:
            return x + self.count

        def up(self) -> int:
            self.count += 1
            return self.count

    s = Notebook({"Counter": Counter})
    one, other = s.Counter(5), s.Counter(0)
    assert (one.up(), one.count, other.count, one(10)) == (6, 6, 0, 16)
    with pytest.raises(Missing, match=r"An object of Counter has no down"):
        one.down()


def test_each_problem_has_its_status() -> None:
    def stub(x: float) -> float:
        raise NotImplementedError("q1: write f here.")

    def raises(x: float) -> float:
        return x / 0

    def leaves(x: float) -> float:
        raise SystemExit

    def call(s: Any) -> None:
        close(s.f(1.0), 1.0, "off")

    assert outcome({"f": lambda x: x}, call).status == "right"
    assert outcome({"f": lambda x: -x}, call).status == "wrong"
    assert outcome({}, call).status == "missing"
    assert outcome({"f": stub}, call).status == "unanswered"
    assert outcome({"f": raises}, call).status == "raised"
    assert outcome({"f": leaves}, call).status == "raised"
    assert outcome({"f": lambda x: None}, call).status == "wrong"
    assert "another form" in outcome({"f": lambda x: x}, lambda s: s.f(1.0)[0]).hint
    assert "ZeroDivisionError" in outcome({"f": raises}, call).hint
    with pytest.raises(NotAnswered):
        Notebook({"f": stub}).f(1.0)
    with pytest.raises(Raised):
        Notebook({"f": raises}).f(1.0)


def test_an_aborting_judge_is_not_swallowed() -> None:
    class Abort(BaseException):
        pass

    def aborts(s: Any) -> None:
        raise Abort

    with pytest.raises(Abort):
        outcome({}, aborts)


def test_values_are_written_short() -> None:
    assert in_words(np.array([1.0, 0.25])) == "[1. , 0.25]"
    assert in_words(np.array([[0.5, 1.0], [-1.0, 3.0]])) == "[[ 0.5, 1. ], [-1. , 3. ]]"
    assert in_words(np.zeros((30, 2))) == "an array of shape (30, 2)"
    assert in_words(1 / 3) == "0.333333"
    assert in_words(("a", 1)) == "('a', 1)"
    assert in_words((np.float64(1 / 3), [np.int64(2), True], {"w": np.zeros(2)})) == (
        "(0.333333, [2, True], {'w': [0., 0.]})"
    )
    assert in_words((np.float64(1),)) == "(1,)" and in_words([]) == "[]"
    assert len(in_words([1.0] * 100_000)) == 300
    assert len(in_words("x" * 1000)) == 300


def test_checks_are_read_from_their_code() -> None:
    found = read_checks(
        "from nncourse.exercises.checking import Checks\nchecks = Checks()\n"
        "@checks.of('q2', 'a name', weight=3)\ndef _(s): pass\n"
    )
    assert list(found) == ["q2"] and found["q1"] == ()
    assert [(check.name, check.weight) for check in found["q2"]] == [("a name", 3)]
    with pytest.raises(ValueError, match="no `checks = Checks"):
        read_checks("checks = []\n")
    assert isinstance(Checks()["q1"], tuple)
