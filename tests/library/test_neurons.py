"""The McCulloch–Pitts unit and the perceptron."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from nncourse.neurons import GATE_INPUTS, GATES, McCullochPitts, Perceptron, separating_line

SEPARABLE = ["AND", "OR", "NAND", "NOR"]


def test_the_six_gates_are_what_python_says():
    rules = {
        "AND": lambda a, b: a and b,
        "OR": lambda a, b: a or b,
        "NAND": lambda a, b: not (a and b),
        "NOR": lambda a, b: not (a or b),
        "XOR": lambda a, b: a != b,
        "XNOR": lambda a, b: a == b,
    }
    assert rules.keys() == GATES.keys()
    for name, rule in rules.items():
        assert GATES[name].tolist() == [int(rule(a, b)) for a, b in GATE_INPUTS.tolist()]


def test_nobody_can_change_the_gates():
    with pytest.raises(ValueError, match="read-only"):
        GATES["AND"][0] = 1
    with pytest.raises(ValueError, match="read-only"):
        GATE_INPUTS[0, 0] = 1


@pytest.mark.parametrize(
    ("gate", "threshold", "inhibitory"),
    [("AND", 2, [False, False]), ("OR", 1, [False, False]), ("NOR", 0, [True, True])],
)
def test_mcculloch_pitts_gates(gate, threshold, inhibitory):
    unit = McCullochPitts(threshold, inhibitory)
    np.testing.assert_array_equal(unit.fire(GATE_INPUTS), GATES[gate])


def test_one_inhibitory_input_vetoes_any_number_of_excitatory_ones():
    unit = McCullochPitts(1, [False] * 5 + [True])
    assert unit.fire([[1, 1, 1, 1, 1, 0], [1, 1, 1, 1, 1, 1]]).tolist() == [1, 0]


def test_no_single_mcculloch_pitts_unit_computes_xor():
    for threshold, inhibitory in product(range(4), product([False, True], repeat=2)):
        unit = McCullochPitts(threshold, inhibitory)
        assert not np.array_equal(unit.fire(GATE_INPUTS), GATES["XOR"])


@pytest.mark.parametrize("gate", SEPARABLE)
def test_perceptron_learns_the_separable_gates(gate):
    unit = Perceptron(2)
    assert unit.fit(GATE_INPUTS, GATES[gate])
    np.testing.assert_array_equal(unit.predict(GATE_INPUTS), GATES[gate])
    last_epoch = [step.error for step in unit.history[-4:]]
    assert last_epoch == [0, 0, 0, 0]


@pytest.mark.parametrize("gate", ["XOR", "XNOR"])
def test_perceptron_cycles_on_xor(gate):
    unit = Perceptron(2)
    assert not unit.fit(GATE_INPUTS, GATES[gate], max_epochs=30)
    states = [(step.weights, step.bias) for step in unit.history[3::4]]
    assert len(states) == 30
    assert len(set(states)) < 10


def test_no_line_gets_more_than_three_of_xor_right():
    grid = np.linspace(-2, 2, 9)
    best = 0
    for w0, w1, b in product(grid, grid, grid):
        unit = Perceptron(2)
        unit.weights, unit.bias = np.array([w0, w1]), b
        best = max(best, int((unit.predict(GATE_INPUTS) == GATES["XOR"]).sum()))
    assert best == 3


def test_the_rule_by_hand():
    unit = Perceptron(2, learning_rate=0.5)
    assert unit.learn(np.array([1.0, 2.0]), 1) == 1  # output 0 at x·w + b = 0
    assert unit.weights.tolist() == [0.5, 1.0]
    assert unit.bias == 0.5
    assert unit.learn(np.array([1.0, 0.0]), 0) == -1
    assert unit.weights.tolist() == [0.0, 1.0]
    assert unit.bias == 0.0


def test_history_tells_every_presentation():
    unit = Perceptron(2)
    unit.fit(GATE_INPUTS, GATES["OR"])
    first = unit.history[1]
    assert (first.epoch, first.sample, first.error) == (0, 1, 1)
    assert (first.weights, first.bias) == ((0.0, 1.0), 1.0)
    assert [step.sample for step in unit.history[:5]] == [0, 1, 2, 3, 0]
    assert unit.history[-1].weights == tuple(unit.weights.tolist())


def test_the_line_is_where_the_neuron_changes_its_mind():
    w, b = np.array([2.0, -3.0]), 0.7
    x0 = np.linspace(-1, 1, 5)
    x1 = separating_line(w, b, x0)
    np.testing.assert_allclose(np.column_stack([x0, x1]) @ w + b, 0, atol=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: McCullochPitts(-1, [False]), ValueError, "threshold should be a whole number"),
        (lambda: McCullochPitts(1.5, [False]), TypeError, "threshold should be a whole number"),
        (lambda: McCullochPitts(1, []), ValueError, "inhibitory should have one entry per input"),
        (
            lambda: McCullochPitts(1, [False]).fire([[0.5]]),
            ValueError,
            "inputs should hold only 0 and 1",
        ),
        (
            lambda: McCullochPitts(1, [False]).fire([[0, 1]]),
            ValueError,
            r"inputs should have the shape \(n, 1\)",
        ),
        (lambda: Perceptron(0), ValueError, "num_inputs should be a whole number of at least 1"),
        (lambda: Perceptron(2, 0.0), ValueError, "learning_rate should be a finite number above 0"),
        (lambda: Perceptron(2).predict([[np.nan, 0]]), ValueError, "inputs should hold finite"),
        (
            lambda: Perceptron(2).predict(np.zeros((0, 2))),
            ValueError,
            r"inputs should have the shape \(n, 2\) with n at least 1",
        ),
        (
            lambda: Perceptron(2).fit(GATE_INPUTS, [0, 1, 2, 0]),
            ValueError,
            r"labels should be 4 zeros and ones.*\[0, 1, 2, 0\]",
        ),
        (lambda: Perceptron(2).fit(GATE_INPUTS, [0, 1]), ValueError, "labels should be 4 zeros"),
        (lambda: Perceptron(2).learn(np.ones(2), 2), ValueError, "label should be 0 or 1, but got 2"),
        (lambda: separating_line([1, 0], 0, 0), ValueError, "weights should be two numbers"),
        (lambda: separating_line([1, 1, 1], 0, 0), ValueError, "weights should be two numbers"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(call, error, message):
    with pytest.raises(error, match=message):
        call()
