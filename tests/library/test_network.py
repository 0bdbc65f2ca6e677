"""Networks: names, modes, summary, and files of weights that cannot do harm."""

from __future__ import annotations

import numpy as np
import pytest

from nncourse.dropout import Dropout
from nncourse.initializers import Constant, KaimingNormal, XavierNormal
from nncourse.layers import Flatten, Linear, ReLU, Tanh
from nncourse.network import MLP, Sequential
from nncourse.normalization import BatchNorm1d


def rng(seed=0):
    return np.random.default_rng(seed)


def small(seed=0):
    return Sequential([Linear(4, 6, rng=rng(seed)), BatchNorm1d(6), ReLU(), Linear(6, 3, rng=rng(seed))])


X = rng(9).normal(size=(5, 4))


def test_layers_are_named_after_their_class_and_place():
    network = Sequential([Linear(2, 2, rng=rng()), Tanh(), Linear(2, 2, rng=rng()), Tanh()])
    assert list(network.layers) == ["linear1", "tanh1", "linear2", "tanh2"]


def test_layers_can_be_given_names():
    network = Sequential({"in": Linear(2, 3, rng=rng()), "out": Linear(3, 1, rng=rng())})
    assert list(network.params) == ["in.W", "in.b", "out.W", "out.b"]


def test_params_are_the_arrays_of_the_layers_themselves():
    network = small()
    assert network.params["linear1.W"] is network.layers["linear1"].params["W"]
    replaced = np.zeros((4, 6))
    network.layers["linear1"].params["W"] = replaced
    assert network.params["linear1.W"] is replaced


def test_grads_have_the_names_and_order_of_params():
    network = small()
    assert network.grads == {}
    network.backward(network.forward(X))
    assert list(network.grads) == list(network.params)


def test_backward_is_the_chain_of_the_layers():
    network = small()
    grad = network.forward(X)
    expected = grad
    for layer in reversed(network.layers.values()):
        expected = layer.backward(expected)
    np.testing.assert_array_equal(network.backward(grad), expected)


def test_the_outputs_and_gradients_of_every_layer_can_be_looked_at():
    network = MLP([4, 6, 3], activation="tanh", rng=rng())
    outputs = network.outputs_by_layer(X)
    assert list(outputs) == list(network.layers)
    np.testing.assert_array_equal(outputs["linear2"], network.forward(X))
    np.testing.assert_array_equal(outputs["tanh1"], np.tanh(outputs["linear1"]))
    grad = rng(1).normal(size=(5, 3))
    gradients = network.gradients_by_layer(grad)
    assert list(gradients) == list(network.layers)
    np.testing.assert_array_equal(gradients["linear2"], grad)
    np.testing.assert_array_equal(gradients["tanh1"], grad @ network.params["linear2.W"].T)
    np.testing.assert_allclose(network.grads["linear2.b"], grad.sum(axis=0))
    assert {name: g.shape for name, g in gradients.items()} == {
        name: out.shape for name, out in outputs.items()
    }
    with pytest.raises(ValueError, match="inputs should hold finite numbers only"):
        network.outputs_by_layer(X * np.nan)


@pytest.mark.parametrize("leading", [[], [Flatten()], [Dropout(0.5, rng=rng())]])
def test_backward_params_fills_the_same_gradients_as_backward(leading):
    network = Sequential([*leading, *small().layers.values()])
    grad = network.forward(X)
    network.backward(grad)
    expected = network.grads
    for layer in network.layers.values():
        layer.grads = {}
    network.backward_params(grad)
    assert network.grads.keys() == expected.keys()
    for name, value in network.grads.items():
        np.testing.assert_array_equal(value, expected[name])


class Scaled(Linear):
    """10 · (X @ W + b), with a backward that is right and a backward_params that it inherits."""

    def forward(self, inputs):
        self.outputs = 10 * super().forward(inputs)
        return self.outputs

    def backward(self, grad):
        return super().backward(10 * grad)


def test_a_layer_that_replaces_backward_alone_is_trained_with_it():
    network = Sequential([Scaled(4, 3, rng=rng())])
    grad = rng(1).normal(size=network.forward(X).shape)
    network.backward(grad)
    expected = {name: value.copy() for name, value in network.grads.items()}
    network.backward_params(grad)
    np.testing.assert_array_equal(network.grads["scaled1.W"], expected["scaled1.W"])


def test_a_file_with_a_pickle_in_it_is_refused(tmp_path):
    np.savez(
        tmp_path / "weights.npz",
        **{"nncourse format": np.array("weights 1"), "x": np.array([{}], dtype=object)},
    )
    with pytest.raises(ValueError, match="cannot be read"):
        small().load(tmp_path / "weights.npz")


def test_others_may_read_a_saved_file_as_they_may_read_any_other(tmp_path):
    small().save(tmp_path / "weights.npz")
    (tmp_path / "other").touch()
    modes = {path.stat().st_mode for path in tmp_path.iterdir()}
    assert len(modes) == 1


def test_layers_cannot_share_a_parameter():
    first, second = Linear(4, 4, rng=rng()), Linear(4, 4, rng=rng())
    second.params["W"] = first.params["W"]
    with pytest.raises(ValueError, match=r"layers should not share .* linear1\.W and linear2\.W are one"):
        Sequential([first, second])


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"path should be in a folder that exists, but got .*nowhere"):
        small().save(tmp_path / "nowhere" / "weights.npz")


def test_backward_params_of_a_network_without_parameters_does_nothing():
    network = Sequential([ReLU()])
    network.backward_params(network.forward(X))
    assert network.grads == {}


def test_mode_is_put_back_layer_by_layer_also_after_an_error():
    network = small()
    network.layers["batchnorm1d1"].training = False
    before = [layer.training for layer in network.layers.values()]
    with pytest.raises(ZeroDivisionError), network.mode(training=True):
        assert network.training
        raise ZeroDivisionError
    assert [layer.training for layer in network.layers.values()] == before
    assert not network.training


def test_training_can_be_set_for_all_layers():
    network = small()
    network.training = False
    assert not any(layer.training for layer in network.layers.values())


def test_predict_uses_running_statistics_and_no_dropout_and_leaves_the_mode():
    network = Sequential([*small().layers.values(), Dropout(0.9, rng=rng())])
    with network.mode(training=False):
        expected = network.forward(X)
    np.testing.assert_array_equal(network.predict(X), expected)
    assert network.training
    np.testing.assert_allclose(network.predict(X[:1]), expected[:1])


def test_summary_shows_every_shape_and_count():
    text = small().summary((4,))
    assert text.splitlines()[2].split() == "batchnorm1d1 BatchNorm1d (n, 6) gamma (6,), beta (6,) 12".split()
    assert text.splitlines()[-1].split() == ["total", str(4 * 6 + 6 + 12 + 6 * 3 + 3)]
    assert small().num_params() == 63
    assert len({len(line) for line in text.splitlines()}) == 1


def test_summary_refuses_a_shape_that_does_not_fit():
    with pytest.raises(ValueError, match=r"input_shape of Linear should be \(4,\), but got \(5,\)"):
        small().summary((5,))


def test_save_and_load_bring_everything_back(tmp_path):
    network, other = small(0), small(1)
    network.forward(X)  # moves the running statistics
    network.save(tmp_path / "weights.npz")
    other.load(tmp_path / "weights.npz")
    for name, value in network.state().items():
        np.testing.assert_array_equal(other.state()[name], value)
    np.testing.assert_array_equal(other.predict(X), network.predict(X))
    assert [path.name for path in tmp_path.iterdir()] == ["weights.npz"]


def test_a_saved_file_is_a_plain_npz_without_pickle(tmp_path):
    small().save(tmp_path / "w.npz")
    with np.load(tmp_path / "w.npz", allow_pickle=False) as file:
        assert "linear1.W" in file.files and "batchnorm1d1.running_var" in file.files


def test_float32_survives_the_file(tmp_path):
    network = MLP([2, 2], rng=rng(), dtype=np.float32)
    network.save(tmp_path / "w.npz")
    network.load(str(tmp_path / "w.npz"))
    assert network.params["linear1.W"].dtype == np.float32


def test_a_save_that_fails_leaves_the_old_file_and_no_rest(tmp_path, monkeypatch):
    network = small()
    path = tmp_path / "w.npz"
    network.save(path)
    old = path.read_bytes()

    def broken(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", broken)
    with pytest.raises(OSError, match="disk full"):
        network.save(path)
    assert path.read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == ["w.npz"]


def write(path, **arrays):
    np.savez(path, **arrays)


def damaged_files(tmp_path):
    small().save(tmp_path / "good.npz")
    good = (tmp_path / "good.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(good[: len(good) // 2])
    middle = len(good) // 2
    (tmp_path / "flipped.npz").write_bytes(good[:middle] + b"\xff" * 40 + good[middle + 40 :])
    (tmp_path / "empty.npz").write_bytes(b"")
    (tmp_path / "text.npz").write_text("these are no weights")
    (tmp_path / "folder.npz").mkdir()
    np.save(tmp_path / "single.npy", np.zeros(3))
    write(tmp_path / "other.npz", a=np.zeros(3))
    np.savez(tmp_path / "pickle.npz", a=np.array([{"x": 1}], dtype=object))
    return ["cut", "flipped", "empty", "text", "folder", "other", "pickle"]


def test_every_damaged_or_wrong_file_is_a_clear_error_and_changes_nothing(tmp_path):
    for name in damaged_files(tmp_path):
        network = small(1)
        before = network.state()
        with pytest.raises(ValueError, match=r"path should name a file that save\(\) wrote"):
            network.load(tmp_path / f"{name}.npz")
        for key, value in network.state().items():
            np.testing.assert_array_equal(value, before[key])
    with pytest.raises(ValueError, match=r"path should name a file that save\(\) wrote"):
        small().load(tmp_path / "single.npy")
    with pytest.raises(FileNotFoundError):
        small().load(tmp_path / "missing.npz")


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (MLP([4, 6, 3], rng=rng()), "state should have every array of the network, but lacks"),
        (Sequential([*small().layers.values(), BatchNorm1d(3)]), "should have no other arrays"),
        (
            Sequential([Linear(4, 5, rng=rng()), BatchNorm1d(5), ReLU(), Linear(5, 3, rng=rng())]),
            r"state\['linear1.W'\] should have the shape \(4, 6\), but got \(4, 5\)",
        ),
    ],
)
def test_weights_of_another_network_are_refused(tmp_path, other, message):
    other.save(tmp_path / "w.npz")
    network = small()
    before = network.state()
    with pytest.raises(ValueError, match=message):
        network.load(tmp_path / "w.npz")
    for key, value in network.state().items():
        np.testing.assert_array_equal(value, before[key])


def test_a_state_with_another_dtype_or_nan_is_refused():
    network = small()
    state = network.state()
    before = network.state()
    state["linear2.b"] = state["linear2.b"].astype(np.float32)
    with pytest.raises(TypeError, match=r"state\['linear2.b'\] should have the dtype float64"):
        network.set_state(state)
    state = network.state()
    state["linear1.W"][...] = 0
    state["linear2.b"][1] = np.nan
    with pytest.raises(ValueError, match=r"state\['linear2.b'\] should hold finite numbers"):
        network.set_state(state)
    for key, value in network.state().items():
        np.testing.assert_array_equal(value, before[key])


def test_state_is_a_copy():
    network = small()
    network.state()["linear1.W"][...] = 0
    assert network.params["linear1.W"].any()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Sequential([]), ValueError, "layers should hold at least one layer"),
        (lambda: Sequential([np.tanh]), TypeError, "layer 'ufunc1' should be a Layer, but got"),
        (lambda: Sequential({"a.b": ReLU()}), ValueError, "name should have no dot in it"),
        (lambda: Sequential([r := ReLU(), r]), ValueError, "should be different objects"),
        (
            lambda: MLP([4], rng=rng()),
            ValueError,
            r"sizes should have at least two entries, but got",
        ),
        (lambda: MLP([4, 0], rng=rng()), ValueError, "every entry of sizes should be a whole"),
        (
            lambda: MLP([4, 2], activation="cosine", rng=rng()),
            ValueError,
            "activation should be one",
        ),
        (lambda: MLP([4, 2], rng=0), TypeError, r"rng should be a numpy\.random\.Generator"),
        (lambda: MLP([4, 2], dropout=1.0, rng=rng()), ValueError, r"dropout should be .*\[0, 1\)"),
        (lambda: small().forward(X * np.nan), ValueError, "inputs should hold finite numbers only"),
        (lambda: small().forward(X[:0]), ValueError, "inputs should have at least one row"),
        (lambda: small().forward(X.tolist()), TypeError, "inputs should be an array of float64"),
        (lambda: small().forward(X[:, :3]), ValueError, "inputs of Linear should have the shape"),
        (lambda: small().backward(X), RuntimeError, "Linear.backward needs a forward pass"),
    ],
)
def test_bad_use_is_refused_in_a_sentence(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_mlp_puts_activation_and_dropout_between_the_layers():
    network = MLP([4, 5, 3, 2], activation="relu", dropout=0.2, rng=rng())
    kinds = [type(layer).__name__ for layer in network.layers.values()]
    assert kinds == ["Linear", "ReLU", "Dropout", "Linear", "ReLU", "Dropout", "Linear"]
    assert [p.shape for p in network.params.values()] == [(4, 5), (5,), (5, 3), (3,), (3, 2), (2,)]
    assert all(layer.p == 0.2 for layer in network.layers.values() if isinstance(layer, Dropout))


def test_mlp_without_hidden_layer_is_one_linear_layer():
    assert list(MLP([4, 3], rng=rng()).layers) == ["linear1"]
    identity = MLP([4, 5, 3], activation="identity", rng=rng())
    assert list(identity.layers) == ["linear1", "linear2"]


def test_mlp_takes_the_initializer_that_suits_the_activation():
    relu = MLP([300, 400, 10], rng=rng()).params
    assert relu["linear1.W"].std() == pytest.approx(KaimingNormal().std((300, 400)), rel=0.02)
    assert relu["linear2.W"].std() == pytest.approx(XavierNormal().std((400, 10)), rel=0.05)
    constant = MLP([3, 4, 2], weight_init=Constant(0.1), rng=rng()).params
    assert (constant["linear1.W"] == 0.1).all() and (constant["linear2.W"] == 0.1).all()


def test_mlp_in_float32_is_float32_throughout():
    network = MLP([4, 5, 3], rng=rng(), dtype=np.float32)
    outputs = network.forward(X.astype(np.float32))
    assert outputs.dtype == np.float32
    assert network.backward(outputs).dtype == np.float32
    assert all(value.dtype == np.float32 for value in network.grads.values())
