"""Layers, and what they are made of, against the numbers of real Keras 2.2.4."""

import numpy as np
import pytest

from polykeras import activations, constraints, initializers, layers, regularizers
from polykeras import backend as K
from polykeras.layers import Input
from polykeras.registry import layers as registered
from tests.parity.golden import Golden, agree, class_names, paths, recorded_environment


def test_every_recorded_layer_is_registered():
    recorded = class_names("layer", "stat", "layer_init")
    if not recorded:
        pytest.skip("no reference data")
    assert recorded <= set(registered.names())


@pytest.mark.parametrize("path", paths("layer"))
def test_layer(path):
    golden = Golden(path)
    config = golden.config
    with recorded_environment(config):
        layer = layers.deserialize({"class_name": config["class_name"], "config": config["config"]})
        for n, call in enumerate(config["calls"]):
            Call(golden, layer, n, call).check()
        is_cudnn = "equivalent" in config  # recorded of a layer that was built without being called, so without scope
        assert [w.name.split("/")[-1] if is_cudnn else w.name for w in layer.weights] == config["weight_names"]
        assert [list(K.int_shape(w)) for w in layer.weights] == config["weight_shapes"]
        assert declared_shape(layer, config) == config["compute_output_shape"]
        kept = layer.get_config()
        assert type(layer).from_config(kept).get_config() == kept


class Call:
    """Call n of a layer on inputs of its own."""

    def __init__(self, golden, layer, n, call):
        self.golden, self.layer, self.call = golden, layer, call
        self.prefix = f"c{n}_"
        self.config = golden.config
        self.inputs = [
            Input(
                batch_shape=shape if self.config["fixed_batch"] else (None, *shape[1:]),
                dtype=self.config["input_dtype"],
            )
            for shape in self.config["batch_shapes"]
        ]
        self.masks = [
            K.placeholder(shape=(None,) * golden[f"{self.prefix}m{i}"].ndim, dtype="bool") if masked else None
            for i, masked in enumerate(self.config["masked_inputs"])
        ]
        self.states = [Input(shape=value.shape[1:]) for value in golden.numbered(f"{self.prefix}s")]
        arguments = {"mask": single(self.masks)} if self.config.get("mask_passed_to_call") else {}
        if self.states:
            arguments["initial_state"] = self.states
        outputs = layer(single(self.inputs), **arguments)
        self.outputs = outputs if isinstance(outputs, list) else [outputs]
        if n == 0:
            layer.set_weights(golden.numbered("w"))

    def check(self):
        assert [list(K.int_shape(y)) for y in self.outputs] == self.call["static_output_shapes"]
        if self.call["reset_states_before"]:
            self.layer.reset_states()
        expected = [(f"y{i}", y) for i, y in enumerate(self.outputs)] + self.mask() + self.gradients() + self.losses()
        before = self.layer.get_weights()
        for (name, _), value in zip(expected, self.run([tensor for _, tensor in expected]), strict=True):
            self.golden.check(value, self.prefix + name)
        if self.call["apply_updates"]:
            self.check_updates(before)
        else:
            for old, new in zip(before, self.layer.get_weights(), strict=True):
                np.testing.assert_array_equal(new, old)

    def run(self, tensors):
        feeds = self.inputs + self.states + [mask for mask in self.masks if mask is not None]
        values = [value for kind in "xsm" for value in self.golden.numbered(self.prefix + kind)]
        updates = []
        if self.call["apply_updates"]:
            updates = self.layer.get_updates_for(self.inputs) + self.layer.get_updates_for(None)
            assert updates
        function = K.function([*feeds, K.learning_phase()], tensors, updates=updates)
        return function([*values, self.call["training"]])

    def mask(self):
        if self.prefix + "ym0" not in self.golden:
            return []
        mask = self.layer.compute_mask(single(self.inputs), single(self.masks))
        return [("ym0", mask[0] if isinstance(mask, list) else mask)]

    def gradients(self):
        """Of sum(y r) in the inputs and the trainable weights; where none was recorded there is none."""
        cotangents = self.golden.numbered(self.prefix + "r")
        total = sum(K.sum(y * K.constant(r, dtype=K.dtype(y))) for y, r in zip(self.outputs, cotangents, strict=True))
        sources = [(f"dx{i}", x) for i, x in enumerate(self.inputs)]
        sources += [(f"ds{i}", s) for i, s in enumerate(self.states)]
        sources += [(f"dw{i}", w) for i, w in enumerate(self.layer.weights) if w in self.layer.trainable_weights]
        found = K.gradients(total, [source for _, source in sources])
        if "equivalent" in self.config:  # whose weights are others: their gradients were not recorded
            sources, found = sources[: len(self.inputs)], found[: len(self.inputs)]
        for (name, _), gradient in zip(sources, found, strict=True):
            assert (gradient is not None) == (self.prefix + name in self.golden), name
        return [(name, g) for (name, _), g in zip(sources, found, strict=True) if g is not None]

    def losses(self):
        if self.prefix + "loss" not in self.golden:
            return []
        losses = self.layer.get_losses_for(self.inputs) + self.layer.get_losses_for(None)
        return [("loss", sum(losses[1:], losses[0]))]

    def check_updates(self, before):
        """Moving averages by the documented formula; then the recorded ones are set, on which later calls rest."""
        averages = {entry["weight"]: entry["momentum"] for entry in self.config["moving_averages"]}
        after = self.layer.get_weights()
        for i, (old, new) in enumerate(zip(before, after, strict=True)):
            recorded = f"{self.prefix}w{i}"
            if i in averages:
                statistic = self.golden[f"{self.prefix}u{i}"]
                wanted = old * averages[i] + statistic * (1 - averages[i])
                agree(new, wanted.astype(new.dtype), self.config["tol"], f"moving average w{i}")
                after[i] = self.golden[recorded]
            elif recorded in self.golden:
                self.golden.check(new, recorded)
            else:
                np.testing.assert_array_equal(new, old)
        self.layer.set_weights(after)


def single(items):
    return items[0] if len(items) == 1 else items


def declared_shape(layer, config):
    """The declared shapes for an unknown batch, as they were recorded."""
    declared = layer.compute_output_shape(single([(None, *shape[1:]) for shape in config["batch_shapes"]]))
    return [list(shape) for shape in declared] if isinstance(declared, list) else list(declared)


@pytest.mark.parametrize("path", paths("stat"))
def test_random_layer(path):
    golden = Golden(path)
    config = golden.config
    shape = config["shape"]
    with recorded_environment(config):
        layer = layers.deserialize({"class_name": config["class_name"], "config": config["config"]})
        x = Input(shape=shape[1:])
        run = K.function([x, K.learning_phase()], [layer(x)])
        (noise,) = run([np.ones(shape, "float32"), config["training"]])
        normal = np.random.RandomState(7).normal(size=shape).astype("float32")
        (noised,) = run([normal, config["training"]])

    for axis in range(noise.ndim):
        constant = bool((noise == np.take(noise, [0], axis=axis)).all())
        assert constant == (axis in config["axes_constant_on_ones"]), f"axis {axis}"
    axes = tuple(config["axes_constant_on_ones"])
    draws = noise.size / np.prod([noise.shape[axis] for axis in axes] or [1])
    close_means(noise.mean(), golden["ones_mean"], golden["ones_std"], draws)
    close_means((noise == 0).mean(), golden["ones_zero_fraction"], 0.5, draws)
    assert noise.std() == pytest.approx(float(golden["ones_std"]), rel=0.05, abs=1e-6)
    if config["n_distinct_on_ones"] > 0:
        np.testing.assert_allclose(np.unique(noise), golden["ones_distinct"], rtol=1e-5, atol=1e-6)
    else:
        assert len(np.unique(noise)) > draws / 2
    close_means(noised.mean(), golden["normal_mean"], golden["normal_std"], draws)
    assert noised.std() == pytest.approx(float(golden["normal_std"]), rel=0.05)
    correlation = np.corrcoef(normal.ravel(), noised.ravel())[0, 1]
    assert correlation == pytest.approx(float(golden["normal_corr_with_input"]), abs=0.03)


def close_means(actual, expected, std, draws, sigmas=5):
    """Two means of as many draws differ by a few standard errors at most."""
    assert abs(actual - expected) <= sigmas * float(std) * np.sqrt(2 / draws) + 1e-6


@pytest.mark.parametrize("path", paths("layer_init"))
def test_initial_weights(path):
    golden = Golden(path)
    config = golden.config
    with recorded_environment(config):
        layer = layers.deserialize({"class_name": config["class_name"], "config": config["config"]})
        layer(Input(batch_shape=config["input_shape"]))
        weights = layer.get_weights()
    assert [list(w.shape) for w in weights] == config["shapes"]
    assert [w.name.split("/")[-1] for w in layer.weights] == config["weight_names"]
    for i in config["compare"]:
        np.testing.assert_array_equal(weights[i], golden[f"w{i}"])


@pytest.mark.parametrize("path", paths("initializer"))
def test_initializer(path):
    golden = Golden(path)
    config = golden.config
    described = {"class_name": config["class_name"], "config": config["config"]}
    with recorded_environment(config):
        initializer = initializers.deserialize(described)
        assert initializers.serialize(initializer) == described
        for i, shape in enumerate(config["shapes"]):
            values = K.eval(initializer(tuple(shape)))
            assert values.dtype == config["env"]["floatx"]
            if config["class_name"] == "Orthogonal":
                values = with_signs_of(golden[f"out{i}"], values)
            if config["exact"]:
                golden.check(values, f"out{i}")
            else:
                same_distribution(values, shape, golden[f"stats{i}"], config)


def with_signs_of(expected, values):
    """Singular vectors with the signs of the expected ones: the sign of each is a choice of the LAPACK version."""
    matrix = values.reshape(-1, values.shape[-1])
    vectors = 0 if matrix.shape[0] >= matrix.shape[1] else 1
    signs = np.sign((matrix * expected.reshape(matrix.shape)).sum(axis=vectors, keepdims=True))
    return (matrix * signs).reshape(values.shape)


def same_distribution(values, shape, stats, config):
    mean, std, low, high, size = stats
    tol = config["tol"]
    assert list(values.shape) == shape
    assert values.size == size
    assert abs(values.mean() - mean) <= tol["mean_sigmas"] * std * np.sqrt(2 / size)
    assert values.std() == pytest.approx(std, rel=tol["std_rtol"])
    if config["class_name"] != "RandomNormal":  # the others have limits
        assert values.min() == pytest.approx(low, rel=tol["limit_rtol"])
        assert values.max() == pytest.approx(high, rel=tol["limit_rtol"])


@pytest.mark.parametrize("path", paths("constraint"))
def test_constraint(path):
    golden = Golden(path)
    described = {"class_name": golden.config["class_name"], "config": golden.config["config"]}
    with recorded_environment(golden.config):
        constraint = constraints.deserialize(described)
        assert constraints.serialize(constraint) == described
        golden.check(K.eval(constraint(K.variable(golden["w"]))), "out")


@pytest.mark.parametrize("path", paths("regularizer"))
def test_regularizer(path):
    golden = Golden(path)
    described = {"class_name": golden.config["class_name"], "config": golden.config["config"]}
    with recorded_environment(golden.config):
        regularizer = regularizers.deserialize(described)
        assert regularizers.serialize(regularizer) == described
        w = K.variable(golden["w"])
        penalty = regularizer(w)
        golden.check(K.eval(penalty), "out")
        golden.check(K.eval(K.gradients(penalty, w)[0]), "dw")


@pytest.mark.parametrize("path", paths("activation"))
def test_activation(path):
    golden = Golden(path)
    with recorded_environment(golden.config):
        x = K.variable(golden["x"])
        y = activations.get(golden.config["fn"])(x, **golden.config["kwargs"])
        golden.check(K.eval(y), "out")
        golden.check(K.eval(K.gradients(K.sum(y * K.constant(golden["r"])), x)[0]), "dx")
