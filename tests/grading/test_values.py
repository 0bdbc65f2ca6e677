"""Values between judge and sandbox: what arrives is plain, or refused."""

from __future__ import annotations

import io
import json
import sys
import time
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stnp

from nncourse.exercises.checking import Wrong, close, parts
from nncourse.grading.values import (
    MOST_TEXT,
    PREFIX,
    WIDEST,
    NotData,
    decode,
    encode,
    fits,
    pack,
    unpack,
)

SIMPLE = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.complex_numbers()
ARRAYS = stnp.arrays(
    st.sampled_from(["?", "i1", "u2", "<i8", ">i4", "f2", "f4", ">f8", "c8", "c16", "U5"]),
    stnp.array_shapes(min_dims=0, min_side=0),
)
VALUES = st.recursive(
    SIMPLE | ARRAYS,
    lambda inner: (
        st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner)
    ),
    max_leaves=8,
)


def send(value: object) -> Any:
    """What becomes of a value on its way."""
    arrays: list[np.ndarray] = []
    message = pack({"value": encode(value, arrays)}, arrays)
    header, arrived = unpack(io.BytesIO(message).read, 1 << 20)
    return decode(header["value"], arrived)


@given(VALUES)
def test_a_value_arrives_as_it_was(value: object) -> None:
    np.testing.assert_equal(send(value), value)


@given(ARRAYS)
def test_an_array_keeps_its_kind_and_shape_and_is_a_new_one(array: np.ndarray) -> None:
    arrived = send(array)
    assert type(arrived) is np.ndarray and arrived.flags.writeable
    assert (arrived.dtype.kind, arrived.shape) == (array.dtype.kind, array.shape)


def test_a_subclass_arrives_as_the_type_it_extends() -> None:
    class Pretender(float):
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = None  # type: ignore[assignment]

    for value, kind in [
        (Pretender(1.5), float),
        (np.ones(2).view(np.matrix), np.ndarray),
        (np.ma.masked_array([1.0]), np.ndarray),
        (True, bool),
        (np.float64(2), np.float64),
        (type("Text", (str,), {})("a"), str),
    ]:
        assert type(send(value)) is kind


@pytest.mark.parametrize("value", [print, object(), {1, 2}, b"x", np.array([None]), np.array("now", "M8[s]")])
def test_only_data_travels(value: object) -> None:
    with pytest.raises(NotData):
        send(value)


@given(st.binary(max_size=200))
def test_noise_is_refused(noise: bytes) -> None:
    size = len(noise)
    for text in (size, size // 2):
        file = io.BytesIO(PREFIX.pack(text, size - text) + noise)
        with pytest.raises(NotData):
            unpack(file.read, 1 << 20)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(
        ["list", "tuple", "dict", "array", "scalar", "complex", "|O", "<f8", "<U0", "arrays", "value"]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=12,
)
PLAIN = (type(None), bool, int, float, complex, str, list, tuple, dict, np.ndarray, np.generic)


@given(JSON, JSON, st.binary(max_size=32))
def test_whatever_a_forger_describes_becomes_plain_data_or_is_refused(
    tree: Any, arrays: Any, body: bytes
) -> None:
    text = json.dumps({"value": tree, "arrays": arrays}).encode()
    try:
        header, found = unpack(io.BytesIO(PREFIX.pack(len(text), len(body)) + text + body).read, 64)
        value = decode(header["value"], found)
    except NotData:
        return
    assert isinstance(value, PLAIN)
    assert not (isinstance(value, np.ndarray) and value.dtype.hasobject)


@pytest.mark.parametrize(
    "described",
    [
        [["|O", [1]]],
        [["<f8", [2]]],
        [["<f8", [-1]]],
        [["<f8", [1.0]]],
        [["<f8", [True]]],
        [["<f8", [10**18]]],
        [["<U0", [10**18]]],
        [["<f8", [0, 10**30]]],
        [["V8", [1]]],
        [["<M8[s]", [1]]],
        [["<f8", [1]], ["<f8", [1]]],
        [],
        [["f8,f8", [1]]],
    ],
    ids=str,
)
def test_an_array_is_what_its_bytes_hold_and_no_other(described: list[Any]) -> None:
    text = json.dumps({"arrays": described}).encode()
    with pytest.raises(NotData):
        unpack(io.BytesIO(PREFIX.pack(len(text), 8) + text + bytes(8)).read, 64)


def test_a_truth_value_is_one_of_two() -> None:
    text = json.dumps({"value": ["array", 0], "arrays": [["|b1", [3]]]}).encode()
    header, arrays = unpack(io.BytesIO(PREFIX.pack(len(text), 3) + text + b"\x00\x01\x07").read, 64)
    assert decode(header["value"], arrays).view(np.uint8).tolist() == [0, 1, 1]


def test_a_message_that_is_too_large_is_refused_before_it_is_read() -> None:
    def read(size: int) -> bytes:
        assert size == PREFIX.size, "nothing after the size is asked for"
        return PREFIX.pack(10, (1 << 20) + 1)

    with pytest.raises(NotData, match="more than 1 MB"):
        unpack(read, 1 << 20)
    for arrays, fit in (([np.zeros(8)], True), ([np.zeros(9)], False), ([np.zeros(9, bool)], False)):
        assert fits(pack({}, arrays), arrays, 64) is fit
    assert not fits(pack({"text": "x" * MOST_TEXT}), [], 64)


@pytest.mark.parametrize("kind", ["|i1", "|b1", "<f2", "<f8"])
def test_what_comes_of_a_small_message_in_the_judge_is_not_much_larger(kind: str) -> None:
    most = 1 << 20
    itemsize = np.dtype(kind).itemsize
    for count, right in ((most // itemsize, kind == "<f8"), (most // WIDEST, True)):
        text = json.dumps({"value": ["array", 0], "arrays": [[kind, [count]]]}).encode()
        file = io.BytesIO(PREFIX.pack(len(text), count * itemsize) + text + bytes(count * itemsize))
        tracemalloc.start()
        try:
            header, arrays = unpack(file.read, most)
            value = decode(header["value"], arrays)
            with pytest.raises(Wrong):
                close(value, 1.0, "")
            with pytest.raises(Wrong):
                parts(value, 3, "three numbers")
        except NotData:
            assert not right
        else:
            assert right
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 5 * most


def test_an_array_with_a_hundred_thousand_axes_does_not_occupy_the_judge() -> None:
    text = json.dumps({"arrays": [["<f8", [9] * 100_000]]}).encode()
    began = time.process_time()
    with pytest.raises(NotData):
        unpack(io.BytesIO(PREFIX.pack(len(text), 8) + text + bytes(8)).read, 64)
    assert time.process_time() - began < 0.3


@pytest.mark.parametrize("kind", ["array", "scalar"])
def test_a_message_does_not_grow_because_it_names_an_array_twice(kind: str) -> None:
    array = np.zeros((), "<U1000")
    assert decode(["list", [kind, 0]], [array]) == [array]
    with pytest.raises(NotData):
        decode(["list", [kind, 0], [kind, 0]], [array])


def test_keys_that_all_have_one_hash_do_not_occupy_the_judge() -> None:
    tree = ["dict", *([i * sys.hash_info.modulus, 0] for i in range(20_000))]
    began = time.process_time()
    with pytest.raises(NotData):
        decode(tree, [])
    assert time.process_time() - began < 0.2


def test_text_is_looked_at_without_an_object_for_each_letter() -> None:
    text = json.dumps({"arrays": [["<U1", [1 << 18]]]}).encode()
    body = np.full(1 << 18, ord("李"), "<u4").tobytes()
    for last, right in ((b"", True), (b"\0\0\x11\0", False)):
        file = io.BytesIO(PREFIX.pack(len(text), len(body)) + text + body[: len(body) - len(last)] + last)
        tracemalloc.start()
        try:
            unpack(file.read, 1 << 20)
        except NotData:
            assert not right
        else:
            assert right
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert most < 6 * len(body)
