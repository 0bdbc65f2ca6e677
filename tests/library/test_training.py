"""Training: it learns, is reproducible, stops when it should, and says where it broke."""

from __future__ import annotations

import numpy as np
import pytest

from nncourse.data import Data, blobs, digits, moons, split, xor
from nncourse.dropout import Dropout
from nncourse.gradient_check import numerical_gradient
from nncourse.layers import Elementwise, Linear, ReLU
from nncourse.losses import MeanSquaredError, SoftmaxCrossEntropy
from nncourse.metrics import accuracy
from nncourse.network import MLP, Sequential
from nncourse.normalization import BatchNorm1d
from nncourse.optimizers import SGD, Adam
from nncourse.regularizers import (
    L1,
    L2,
    EarlyStopping,
    ElasticNet,
    MaxNorm,
    Objective,
    Penalty,
    is_weight,
)
from nncourse.schedules import ConstantRate, StepDecay
from nncourse.training import History, Trainer, TrainingDiverged, evaluate, fit


def rng(seed=0):
    return np.random.default_rng(seed)


MOONS = moons(50, noise=0.1, rng=rng())
LINE = Data(np.linspace(-1, 1, 20)[:, None], 2 * np.linspace(-1, 1, 20)[:, None])


def train(seed=0, **settings):
    network = MLP([2, 16, 2], activation="tanh", dropout=0.1, rng=rng(seed))
    options = {"epochs": 5, "rng": rng(seed), "batch_size": 20} | settings
    return network, fit(network, SoftmaxCrossEntropy(), Adam(0.02), MOONS, **options)


def test_it_learns_xor():
    network = MLP([2, 8, 2], activation="tanh", rng=rng(1))
    data = xor(rng=rng())
    fit(network, SoftmaxCrossEntropy(), Adam(0.05), data, epochs=150, rng=rng())
    assert accuracy(network.predict(data.X), data.y) == 1.0


def test_it_learns_the_digits_to_96_percent_in_ten_epochs():
    X, y = digits()
    training, test = split(X / 16, y, [0.8, 0.2], rng=rng())
    network = MLP([64, 32, 10], rng=rng())
    fit(network, SoftmaxCrossEntropy(), Adam(0.005), training, epochs=10, rng=rng())
    assert accuracy(network.predict(test.X), test.y) > 0.96


def test_the_same_seed_gives_the_same_training_to_the_last_digit():
    (first, history), (second, again), (other, _) = train(3), train(3), train(4)
    assert history == again
    for name, param in first.params.items():
        np.testing.assert_array_equal(param, second.params[name])
        assert not name.endswith("W") or not np.array_equal(param, other.params[name])


def test_the_global_seed_plays_no_part():
    np.random.seed(1)  # noqa: NPY002
    _, first = train()
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    _, second = train()
    assert first == second
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_history_has_one_entry_per_epoch():
    _, history = train(validation=MOONS, metrics={"accuracy": accuracy}, penalty=L2(0.1), epochs=4)
    for values in (history.loss, history.penalty, history.learning_rate, history.validation_loss):
        assert len(values) == 4
    assert len(history.metrics["accuracy"]) == 4
    assert all(value > 0 for value in history.penalty)
    assert history.loss[-1] < history.loss[0]
    assert history.best_epoch is None


def test_without_validation_metrics_are_those_of_the_training_data():
    network, history = train(metrics={"accuracy": accuracy})
    assert history.metrics["accuracy"][-1] == accuracy(network.predict(MOONS.X), MOONS.y)
    assert history.validation_loss == []
    assert history.penalty == [0.0] * 5


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_losses_in_the_history_are_per_row_whatever_the_reduction(reduction):
    network = MLP([1, 1], rng=rng())
    frozen = SGD(0.0)
    loss = MeanSquaredError(reduction)
    history = fit(network, loss, frozen, LINE, epochs=1, rng=rng(), batch_size=7, validation=LINE)
    expected = float(((network.predict(LINE.X) - LINE.y) ** 2).mean())
    assert history.loss[0] == pytest.approx(expected)
    assert history.validation_loss[0] == pytest.approx(expected)


def test_one_step_is_gradient_descent_on_cost_plus_penalty():
    network = MLP([2, 3, 2], activation="tanh", rng=rng())
    before = network.state()
    loss, penalty = SoftmaxCrossEntropy(), ElasticNet(0.1, 0.2)

    def objective(W):
        probe = MLP([2, 3, 2], activation="tanh", rng=rng())
        probe.set_state(before | {"linear1.W": W})
        return Objective(loss, penalty).value(probe.forward(MOONS.X), MOONS.y, probe.params)[0]

    slope = numerical_gradient(objective, before["linear1.W"])
    Trainer(network, loss, SGD(0.5), penalty).step(MOONS.X, MOONS.y)
    np.testing.assert_allclose(network.params["linear1.W"], before["linear1.W"] - 0.5 * slope, atol=1e-8)


def test_the_step_returns_the_cost_before_it():
    network = MLP([2, 3, 2], rng=rng())
    cost, _ = evaluate(network, SoftmaxCrossEntropy(), MOONS)
    assert Trainer(network, SoftmaxCrossEntropy(), SGD(0.5)).step(*MOONS) == pytest.approx(cost)


def test_a_schedule_sets_the_learning_rate_before_every_step():
    _, history = train(schedule=StepDecay(0.1, factor=0.5, every=5), epochs=3)
    assert history.learning_rate == [0.1, 0.05, 0.025]  # five batches per epoch
    _, history = train(schedule=ConstantRate(0.3), epochs=1)
    assert history.learning_rate == [0.3]


def test_clipping_bounds_the_step():
    network = MLP([1, 1], rng=rng())
    before = network.state()
    trainer = Trainer(network, MeanSquaredError("sum"), SGD(1.0), clip_norm=0.1)
    trainer.step(LINE.X * 100, LINE.y)
    moved = np.sqrt(sum(((network.params[k] - before[k]) ** 2).sum() for k in before))
    assert moved == pytest.approx(0.1)


def test_max_norm_holds_after_every_step():
    network, _ = train(max_norm=MaxNorm(0.5))
    for name in ("linear1.W", "linear2.W"):
        assert np.linalg.norm(network.params[name], axis=0).max() <= 0.5 + 1e-12


def test_max_norm_leaves_short_weights_and_biases_alone():
    params = {"a.W": np.array([[0.3], [0.4]]), "a.b": np.array([9.0])}
    MaxNorm(1.0).apply(params)
    assert params["a.W"].tolist() == [[0.3], [0.4]] and params["a.b"].tolist() == [9.0]


def test_training_mode_is_on_while_training_and_the_old_mode_comes_back():
    seen = []
    network = Sequential([Linear(2, 2, rng=rng()), Dropout(0.5, rng=rng())])
    spy = Elementwise(lambda z: (seen.append(network.training), z)[1], np.ones_like)
    network.layers["spy"] = spy
    network.training = False
    fit(network, SoftmaxCrossEntropy(), SGD(0.1), MOONS, epochs=1, rng=rng(), validation=MOONS)
    assert seen == [True] * 4 + [False]
    assert not network.training


def test_callbacks_see_every_epoch_and_can_stop():
    seen = []

    def stop_at_two(epoch, network, history):
        seen.append((epoch, len(history.loss)))
        return epoch == 2

    _, history = train(epochs=50, callbacks=[stop_at_two, lambda *args: None])
    assert seen == [(0, 1), (1, 2), (2, 3)]
    assert len(history.loss) == 3


def test_early_stopping_restores_the_best_weights():
    train_set = blobs(10, [[0, 0], [1, 1]], std=1.5, rng=rng(1))
    validation = blobs(100, [[0, 0], [1, 1]], std=1.5, rng=rng(2))
    network = MLP([2, 64, 2], rng=rng())
    stopping = EarlyStopping(patience=5)
    history = fit(
        network,
        SoftmaxCrossEntropy(),
        Adam(0.05),
        train_set,
        epochs=200,
        rng=rng(),
        validation=validation,
        early_stopping=stopping,
    )
    best = int(np.argmin(history.validation_loss))
    assert history.best_epoch == best == stopping.best_epoch
    assert len(history.loss) == best + 6
    cost, _ = evaluate(network, SoftmaxCrossEntropy(), validation)
    assert cost == min(history.validation_loss)


def test_early_stopping_waits_for_a_real_improvement():
    network = MLP([1, 1], rng=rng())
    stopping = EarlyStopping(patience=2, min_improvement=0.5)
    values = [3.0, 2.7, 2.4, 2.3, 2.2]
    assert [stopping.update(i, v, network) for i, v in enumerate(values)] == [
        *(False, False, False, False, True)
    ]
    assert stopping.best_epoch == 2
    stopping.reset()
    assert stopping.best_epoch is None and stopping.best_value == np.inf


def test_early_stopping_keeps_a_copy_that_further_training_does_not_touch():
    network = MLP([1, 1], rng=rng())
    stopping = EarlyStopping(patience=1)
    before = network.state()
    stopping.update(0, 1.0, network)
    network.params["linear1.W"][...] = 99
    stopping.update(1, 2.0, network)
    stopping.restore(network)
    for name, value in network.state().items():
        np.testing.assert_array_equal(value, before[name])


def test_restore_before_update_is_refused():
    with pytest.raises(RuntimeError, match="restore needs update before it"):
        EarlyStopping().restore(MLP([1, 1], rng=rng()))


def test_diverging_training_stops_and_names_the_layer():
    network = MLP([1, 4, 4, 1], rng=rng())
    with (
        pytest.raises(TrainingDiverged, match=r"Training stopped: .* should be finite"),
        np.errstate(all="ignore"),
    ):
        fit(network, MeanSquaredError(), SGD(1e6), LINE, epochs=200, rng=rng())
    assert all(np.isfinite(param).all() for param in network.params.values())


def test_diverging_training_says_when_and_keeps_what_had_happened():
    network, sgd = MLP([1, 4, 1], rng=rng()), SGD(0.01)
    schedule = StepDecay(0.01, factor=1e9, every=3)
    with pytest.raises(TrainingDiverged) as caught, np.errstate(all="ignore"):
        fit(network, MeanSquaredError(), sgd, LINE, epochs=200, rng=rng(), batch_size=20, schedule=schedule)
    history = caught.value.history
    assert history is not None and len(history.loss) == sgd.num_steps >= 3
    (note,) = caught.value.__notes__
    assert note.startswith(f"It was in epoch {sgd.num_steps}, counted from 0, after {sgd.num_steps} steps")


def test_nan_in_an_output_names_the_layer_it_came_from():
    network = Sequential(
        {
            "first": Linear(2, 3, rng=rng()),
            "logarithm": Elementwise(np.log, lambda z: 1 / z),
            "last": Linear(3, 2, rng=rng()),
        }
    )
    for run in (
        lambda: Trainer(network, SoftmaxCrossEntropy(), SGD(0.1)).step(*MOONS),
        lambda: evaluate(network, SoftmaxCrossEntropy(), MOONS),
    ):
        with pytest.raises(TrainingDiverged, match=r"output of layer 'logarithm' .* NaN and") as caught:
            with np.errstate(all="ignore"):
                run()
        assert caught.value.place == "the output of layer 'logarithm'"


def test_nan_in_a_parameter_is_named():
    network = MLP([2, 3, 2], rng=rng())
    network.params["linear2.b"][0] = np.nan
    with pytest.raises(TrainingDiverged, match=r"the parameter linear2\.b should be finite, but it"):
        Trainer(network, SoftmaxCrossEntropy(), SGD(0.1)).step(*MOONS)


def test_nan_in_a_gradient_names_the_parameter_and_changes_nothing():
    broken = Elementwise(lambda z: z, lambda z: np.full_like(z, np.nan))
    network = Sequential([Linear(2, 3, rng=rng()), broken, Linear(3, 2, rng=rng())])
    before = network.state()
    with pytest.raises(TrainingDiverged, match=r"the gradient of linear1\.W should be finite"):
        Trainer(network, SoftmaxCrossEntropy(), SGD(0.1)).step(*MOONS)
    for name, value in network.state().items():
        np.testing.assert_array_equal(value, before[name])


class NaNGradient(Linear):
    def backward_params(self, grad):
        super().backward_params(grad)
        self.grads["W"] = self.grads["W"] * np.nan


@pytest.mark.parametrize("clip_norm", [None, 1.0])
def test_nan_in_a_gradient_is_named_where_it_arose(clip_norm):
    layers = {"first": Linear(2, 3, rng=rng()), "last": NaNGradient(3, 2, rng=rng())}
    trainer = Trainer(Sequential(layers), SoftmaxCrossEntropy(), SGD(0.1), clip_norm=clip_norm)
    with pytest.raises(TrainingDiverged, match=r"the gradient of last\.W should be finite"):
        trainer.step(*MOONS)
    broken = Elementwise(lambda z: z, lambda z: np.full_like(z, np.nan))
    network = Sequential([Linear(2, 3, rng=rng()), Linear(3, 3, rng=rng()), broken, Linear(3, 2, rng=rng())])
    with pytest.raises(TrainingDiverged, match=r"the gradient of linear2\.W should be finite"):
        Trainer(network, SoftmaxCrossEntropy(), SGD(0.1), clip_norm=clip_norm).step(*MOONS)


def test_a_step_that_diverges_leaves_running_statistics_alone():
    network = Sequential([Linear(2, 3, rng=rng()), BatchNorm1d(3), Elementwise(np.log, lambda z: 1 / z)])
    before = network.state()
    with pytest.raises(TrainingDiverged), np.errstate(invalid="ignore"):
        Trainer(network, SoftmaxCrossEntropy(), SGD(0.1)).step(*MOONS)
    for name, value in network.state().items():
        np.testing.assert_array_equal(value, before[name])


def test_early_stopping_gives_the_best_weights_also_when_training_diverges():
    network = MLP([2, 8, 2], rng=rng())
    with pytest.raises(TrainingDiverged) as caught:
        fit(
            network,
            SoftmaxCrossEntropy(),
            SGD(0.1),
            MOONS,
            epochs=50,
            rng=rng(),
            validation=MOONS,
            schedule=lambda step: 0.1 if step < 20 else 1e200,
            early_stopping=EarlyStopping(50),
        )
    history = caught.value.history
    assert history is not None and history.best_epoch is not None
    cost, _ = evaluate(network, SoftmaxCrossEntropy(), MOONS)
    assert cost == pytest.approx(min(history.validation_loss))


def test_a_schedule_counts_the_steps_of_this_training():
    optimizer, rates = SGD(0.1), []
    for _ in range(2):
        network = MLP([2, 2], rng=rng())
        schedule = StepDecay(0.1, factor=0.5, every=1)
        history = fit(
            network,
            SoftmaxCrossEntropy(),
            optimizer,
            MOONS,
            epochs=2,
            rng=rng(),
            batch_size=None,
            schedule=schedule,
        )
        rates.append(history.learning_rate)
    assert rates[0] == rates[1] == [0.1, 0.05]


def test_rows_are_shuffled_in_training():
    seen = []

    class Watching(Linear):
        def forward(self, inputs):
            if self.training:
                seen.append(inputs[:, 0].tolist())
            return super().forward(inputs)

    fit(Sequential([Watching(1, 1, rng=rng())]), MeanSquaredError(), SGD(0.1), LINE, epochs=2, rng=rng())
    assert sorted(seen[0]) == sorted(seen[1]) == LINE.X[:, 0].tolist()
    assert seen[0] != seen[1] and seen[0] != LINE.X[:, 0].tolist()


def test_early_stopping_keeps_the_first_of_equal_epochs_and_refuses_nan():
    stopping, network = EarlyStopping(5), MLP([2, 2], rng=rng())
    for epoch, value in enumerate([2.0, 1.0, 1.0]):
        stopping.update(epoch, value, network)
    assert stopping.best_epoch == 1
    with pytest.raises(ValueError, match="value should be a finite number, but got nan"):
        stopping.update(3, float("nan"), network)


def test_an_infinite_loss_from_finite_outputs_stops_too():
    network = MLP([1, 1], rng=rng())
    with pytest.raises(
        TrainingDiverged, match=r"the loss should be finite, but it is inf.* comes from layer 'linear1'"
    ):
        with np.errstate(over="ignore"):
            Trainer(network, MeanSquaredError(), SGD(0.1)).step(LINE.X, LINE.y * 1e200)


def test_nan_that_does_not_come_back_is_still_reported():
    values = iter([np.nan, 1.0])
    flaky = Elementwise(lambda z: z * next(values), np.ones_like)
    with pytest.raises(TrainingDiverged, match=r"the output of layer 'elementwise1' .* holds 200 NaN"):
        Trainer(Sequential([flaky]), SoftmaxCrossEntropy(), SGD(0.1)).step(*MOONS)


def test_progress_shows_a_bar(capsys):
    train(progress=True, epochs=2)
    assert "2/2" in capsys.readouterr().err


def test_float32_training_stays_float32():
    network = MLP([2, 4, 2], rng=rng(), dtype=np.float32)
    data = Data(MOONS.X.astype(np.float32), MOONS.y)
    fit(
        network,
        SoftmaxCrossEntropy(label_smoothing=0.1),
        Adam(0.01, weight_decay=0.1),
        data,
        epochs=2,
        rng=rng(),
        penalty=ElasticNet(0.1, 0.1),
        clip_norm=1.0,
        max_norm=MaxNorm(1.0),
        validation=data,
    )
    assert all(param.dtype == np.float32 for param in network.params.values())


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"epochs": 0}, ValueError, "epochs should be a whole number of at least 1"),
        ({"rng": 0}, TypeError, r"rng should be a numpy\.random\.Generator"),
        ({"batch_size": 0}, ValueError, "batch_size should be a whole number"),
        ({"early_stopping": EarlyStopping()}, ValueError, "validation should be given for early"),
        ({"clip_norm": -1.0}, ValueError, "clip_norm should be a finite number above 0"),
        (
            {"penalty": 0.1},
            TypeError,
            r"penalty should be of the class Penalty, such as L2\(0\.01\), but got 0\.1",
        ),
        ({"max_norm": 1.0}, TypeError, "max_norm should be of the class MaxNorm"),
        ({"early_stopping": 5, "validation": MOONS}, TypeError, "early_stopping should be of the class"),
        ({"schedule": 0.1}, TypeError, r"schedule should be a callable such as StepDecay"),
        ({"metrics": accuracy}, TypeError, "metrics should be a dictionary of functions"),
        ({"metrics": {"accuracy": 1}}, TypeError, "metrics should be a dictionary of functions"),
        ({"validation": 0.2}, TypeError, r"validation should be a pair of arrays \(X, y\), but got 0\.2"),
        ({"validation": (MOONS.X, MOONS.y[:-1])}, ValueError, "X and y of validation should have as many"),
    ],
)
def test_bad_settings_are_refused(settings, error, message):
    with pytest.raises(error, match=message):
        train(**settings)


@pytest.mark.parametrize(
    ("network", "loss", "optimizer", "data", "message"),
    [
        (
            MLP,
            SoftmaxCrossEntropy(),
            SGD(0.1),
            MOONS,
            r"network should be of the class Sequential, such as MLP\(",
        ),
        (
            None,
            SoftmaxCrossEntropy,
            SGD(0.1),
            MOONS,
            r"loss should be of the class Loss.*but got <class",
        ),
        (
            None,
            SoftmaxCrossEntropy(),
            SGD,
            MOONS,
            r"optimizer should be of the class Optimizer, such as SGD\(0\.1\)",
        ),
        (None, SoftmaxCrossEntropy(), SGD(0.1), MOONS.X, r"train should be a pair of arrays"),
        (
            None,
            SoftmaxCrossEntropy(),
            SGD(0.1),
            (MOONS.X, MOONS.y.tolist()),
            "X and y of train should be arrays",
        ),
    ],
)
def test_classes_and_numbers_are_not_taken_for_objects(network, loss, optimizer, data, message):
    network = network or MLP([2, 2], rng=rng())
    with pytest.raises(TypeError, match=message):
        fit(network, loss, optimizer, data, epochs=1, rng=rng())


def test_a_loss_without_reduction_is_refused():
    with pytest.raises(ValueError, match="loss should have the reduction 'mean' or 'sum'"):
        Trainer(MLP([2, 2], rng=rng()), SoftmaxCrossEntropy(reduction="none"), SGD(0.1))


def test_history_starts_empty():
    assert History() == History([], [], [], [], {}, None)


def test_penalties_by_hand():
    params = {"a.W": np.array([[3.0, -4.0, 0.0]]), "a.b": np.array([100.0]), "gamma": np.ones(3)}
    assert L2(0.1).value(params) == pytest.approx(1.25)
    assert L1(0.1).value(params) == pytest.approx(0.7)
    assert ElasticNet(0.1, 0.1).value(params) == pytest.approx(1.95)
    assert list(L2(0.1).gradients(params)) == ["a.W"]
    np.testing.assert_allclose(L2(0.1).gradients(params)["a.W"], [[0.3, -0.4, 0]])
    np.testing.assert_allclose(L1(0.1).gradients(params)["a.W"], [[0.1, -0.1, 0]])
    np.testing.assert_allclose(ElasticNet(0.1, 0.1).gradients(params)["a.W"], [[0.4, -0.5, 0]])
    assert Objective(MeanSquaredError()).value(np.ones(1), np.ones(1), params) == (0.0, 0.0, 0.0)
    assert not is_weight("W.b")


def test_the_l2_penalty_and_the_l2_of_an_optimizer_take_the_same_step_on_weights():
    networks = [MLP([1, 1], rng=rng()) for _ in range(3)]
    for network, optimizer, penalty in zip(
        networks,
        [SGD(0.1), SGD(0.1, l2=0.3), SGD(0.1, weight_decay=0.3)],
        [L2(0.3), None, None],
        strict=True,
    ):
        Trainer(network, MeanSquaredError(), optimizer, penalty).step(*LINE)
    W = [network.params["linear1.W"] for network in networks]
    np.testing.assert_allclose(W[0], W[1], rtol=1e-14)
    np.testing.assert_allclose(W[0], W[2], rtol=1e-14)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: L2(-1.0), ValueError, "strength should be a finite number of at least 0"),
        (lambda: L1(-1.0), ValueError, "strength should be a finite number of at least 0"),
        (lambda: ElasticNet(-1.0, 0), ValueError, "l1 should be a finite number of at least 0"),
        (lambda: ElasticNet(0, -1.0), ValueError, "l2 should be a finite number of at least 0"),
        (lambda: MaxNorm(0.0), ValueError, "limit should be a finite number above 0"),
        (lambda: EarlyStopping(0), ValueError, "patience should be a whole number of at least 1"),
        (lambda: EarlyStopping(1, -1.0), ValueError, "min_improvement should be"),
        (lambda: Penalty().value({"W": np.ones(1)}), NotImplementedError, "define of_weight"),
        (lambda: Penalty().gradients({"W": np.ones(1)}), NotImplementedError, "define slope"),
    ],
)
def test_regularizers_refuse_bad_settings(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_relu_network_trains_without_input_gradient():
    """The first layer's input gradient is never asked for; the step is the same without it."""
    network = Sequential([Linear(2, 4, rng=rng()), ReLU(), Linear(4, 2, rng=rng())])
    twin = Sequential([Linear(2, 4, rng=rng()), ReLU(), Linear(4, 2, rng=rng())])
    twin.set_state(network.state())
    loss, sgd = SoftmaxCrossEntropy(), SGD(0.1)
    Trainer(network, loss, SGD(0.1)).step(*MOONS)
    loss.forward(twin.forward(MOONS.X), MOONS.y)
    twin.backward(loss.backward())
    sgd.step(list(twin.params.values()), list(twin.grads.values()))
    for name, param in network.params.items():
        np.testing.assert_array_equal(param, twin.params[name])
