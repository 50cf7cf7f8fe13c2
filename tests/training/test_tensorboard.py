"""What the callback TensorBoard writes, read by TensorBoard itself."""

import itertools
import os
import struct
import zlib

import numpy as np
import pytest

from polykeras import backend as K
from polykeras import callbacks
from polykeras.layers import BatchNormalization, Conv2D, Dense, Dropout, Embedding, Flatten, Input, concatenate
from polykeras.models import Model, Sequential

pytest.importorskip("polykeras_tensorboard", reason="polykeras-tensorboard is not installed")
event_accumulator = pytest.importorskip(
    "tensorboard.backend.event_processing.event_accumulator", reason="TensorBoard is not installed"
)

from polykeras_tensorboard import events  # noqa: E402
from polykeras_tensorboard.histogram import Histogram  # noqa: E402
from polykeras_tensorboard.image import as_bytes, png, weight_images  # noqa: E402


def read(folder):
    """The event files of a folder, as TensorBoard loads them."""
    everything = dict.fromkeys(event_accumulator.DEFAULT_SIZE_GUIDANCE, 0)
    return event_accumulator.EventAccumulator(str(folder), size_guidance=everything).Reload()


def scalars(folder):
    """{tag: [(step, value), ...]}"""
    found = read(folder)
    return {tag: [(e.step, e.value) for e in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


def classifier():
    model = Sequential(
        [Dense(3, activation="tanh", input_shape=(4,), name="d1"), Dense(2, activation="softmax", name="d2")]
    )
    model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.fixture
def data():
    generator = np.random.default_rng(0)
    return generator.normal(size=(10, 4)).astype("float32"), np.eye(2)[generator.integers(2, size=10)]


def fit(model, data, folder, epochs=2, callback=None, **kwargs):
    callback = callback or callbacks.TensorBoard(str(folder), **kwargs)
    return model.fit(*data, epochs=epochs, batch_size=4, verbose=0, validation_data=data, callbacks=[callback]).history


class TestScalars:
    def test_epochs(self, data, tmp_path):
        history = fit(classifier(), data, tmp_path)
        found = scalars(tmp_path)
        assert set(found) == {"loss", "acc", "val_loss", "val_acc"}
        for name, points in found.items():
            assert points == [(epoch, pytest.approx(value)) for epoch, value in enumerate(history[name])]

    def test_batches(self, data, tmp_path):
        fit(classifier(), data, tmp_path, update_freq="batch")
        found = scalars(tmp_path)
        assert [step for step, _ in found["loss"]] == [4, 8, 10, 10, 14, 18, 20, 20]  # an epoch's end has its own
        assert [step for step, _ in found["val_loss"]] == [10, 20]

    def test_every_so_many_samples(self, data, tmp_path):
        fit(classifier(), data, tmp_path, update_freq=8)
        assert [step for step, _ in scalars(tmp_path)["loss"]] == [8, 10, 18, 20]

    def test_a_training_that_is_resumed_goes_on_counting(self, data, tmp_path):
        def stop(epoch, logs):
            if epoch == 1:
                raise KeyboardInterrupt

        def train(*others):
            keep = callbacks.BackupAndRestore(tmp_path / "backup")
            board = callbacks.TensorBoard(tmp_path / "logs", update_freq=8)
            try:
                classifier().fit(*data, epochs=2, batch_size=4, verbose=0, callbacks=[keep, board, *others])
            finally:
                board.on_train_end(None)

        with pytest.raises(KeyboardInterrupt):
            train(callbacks.LambdaCallback(on_epoch_begin=stop))
        K.clear_session()
        train()
        assert [step for step, _ in scalars(tmp_path / "logs")["loss"]] == [8, 10, 18, 20]

    def test_trainings_that_follow_each_other_are_whole(self, data, tmp_path):
        model, callback = classifier(), callbacks.TensorBoard(tmp_path)
        for _ in range(3):
            fit(model, data, tmp_path, epochs=1, callback=callback)
        assert len(os.listdir(tmp_path)) == 3
        for name in os.listdir(tmp_path):
            assert name.startswith("events.out.tfevents.")
            assert len(scalars(tmp_path / name)["loss"]) == 1

    def test_an_epoch_is_on_the_disk_when_it_ends(self, data, tmp_path):
        seen = []
        look = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(scalars(tmp_path)["loss"]))
        classifier().fit(*data, epochs=2, verbose=0, callbacks=[callbacks.TensorBoard(tmp_path), look])
        assert [len(points) for points in seen] == [1, 2]

    def test_batches_are_on_the_disk_soon(self, tmp_path, monkeypatch):
        clock = iter([0.0, 0.4, 1.1, 1.1, 1.5])
        monkeypatch.setattr(events.time, "monotonic", lambda: next(clock))
        file = events.EventFile(tmp_path)
        file.add_scalar("a", 1.0, 0)
        file.add_scalar("a", 2.0, 1)
        assert scalars(tmp_path)["a"] == [(0, 1.0), (1, 2.0)]
        file.close()

    def test_values_that_are_no_number_are_left_out(self, data, tmp_path):
        add = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(lr=np.float32(0.5), two=np.ones(2)))
        classifier().fit(*data, verbose=0, callbacks=[add, callbacks.TensorBoard(tmp_path)])
        assert scalars(tmp_path)["lr"] == [(0, 0.5)] and "two" not in scalars(tmp_path)


class TestGraph:
    def test_nodes_of_the_layers_lead_to_the_loss(self, data, tmp_path):
        model = classifier()
        fit(model, data, tmp_path)
        nodes = {node.name: node for node in read(tmp_path).Graph().node}
        assert {"d1/kernel", "d1/bias", "d2/kernel", "d1_input", "d2_target"} <= set(nodes)
        assert {name.split("/")[0] for name in nodes if "/" in name} >= {"d1", "d2", "d2_loss"}
        for node in nodes.values():
            assert {name.split(":")[0] for name in node.input} <= set(nodes)
        kernel = nodes["d1/kernel"].attr["_output_shapes"].list.shape[0]
        assert [dim.size for dim in kernel.dim] == [4, 3]
        batch = nodes["d1_input"].attr["_output_shapes"].list.shape[0]
        assert [dim.size for dim in batch.dim] == [-1, 4]
        assert any({"d1_input", "d1/kernel"} <= set(node.input) for node in nodes.values() if node.op == "matmul")

    def test_names_are_unique(self, tmp_path):
        x = Input((4,))
        y = concatenate([Dense(1)(x), Dense(1)(x)])
        model = Model(x, y)
        model.compile("sgd", "mse")
        fit(model, (np.ones((4, 4)), np.ones((4, 2))), tmp_path)
        names = [node.name for node in read(tmp_path).Graph().node]
        assert len(names) == len(set(names))

    def test_left_out(self, data, tmp_path):
        fit(classifier(), data, tmp_path, write_graph=False)
        assert read(tmp_path).Tags()["graph"] is False


def as_counts(values, histogram):
    """How many of `values` lie in each bucket of a histogram read back."""
    edges = [-np.inf, *histogram.bucket_limit]
    return [int(((values > low) & (values <= high)).sum()) for low, high in itertools.pairwise(edges)]


def check(histogram, values):
    values = np.asarray(values, dtype="float64").ravel()
    assert histogram.num == values.size
    assert histogram.min == pytest.approx(values.min()) and histogram.max == pytest.approx(values.max())
    assert histogram.sum == pytest.approx(values.sum(), abs=1e-5)
    assert histogram.sum_squares == pytest.approx((values**2).sum())
    assert list(histogram.bucket) == as_counts(values, histogram)
    assert sum(histogram.bucket) == values.size


class TestHistograms:
    def histogram(self, folder, tag, epoch=-1):
        return read(folder).Histograms(tag)[epoch].histogram_value

    def test_weights_outputs_and_gradients(self, data, tmp_path):
        model = classifier()
        fit(model, data, tmp_path, histogram_freq=1, write_grads=True, batch_size=10)
        names = ["d1/kernel_0", "d1/bias_0", "d2/kernel_0", "d2/bias_0"]
        expected = {*names, *(f"{name}_grad" for name in names), "d1_out", "d2_out"}
        assert set(read(tmp_path).Tags()["histograms"]) == expected
        assert [event.step for event in read(tmp_path).Histograms("d1_out")] == [0, 1]
        check(self.histogram(tmp_path, "d1/kernel_0"), model.get_weights()[0])
        check(self.histogram(tmp_path, "d2_out"), model.predict(data[0]))
        x, y = data
        error = model.predict(x) - y  # of softmax and cross-entropy together
        check(self.histogram(tmp_path, "d2/bias_0_grad"), error.mean(0))

    def test_small_batches_change_nothing(self, data, tmp_path):
        for size in (3, 100):
            K.clear_session()
            np.random.seed(0)
            fit(classifier(), data, tmp_path / str(size), histogram_freq=1, write_grads=True, batch_size=size)
        for tag in ("d1_out", "d1/kernel_0_grad"):
            small, whole = (self.histogram(tmp_path / size, tag) for size in ("3", "100"))
            assert small.num == whole.num and small.sum == pytest.approx(whole.sum, abs=1e-6)

    def test_frequency(self, data, tmp_path):
        fit(classifier(), data, tmp_path, epochs=5, histogram_freq=2)
        assert [event.step for event in read(tmp_path).Histograms("d1/bias_0")] == [0, 2, 4]

    def test_outputs_are_those_of_the_test_phase(self, data, tmp_path):
        model = Sequential([BatchNormalization(input_shape=(4,), name="bn"), Dense(2, name="d")])
        model.compile("sgd", "mse")
        before = fit(model, data, tmp_path, histogram_freq=1)
        check(self.histogram(tmp_path, "bn_out"), Model(model.input, model.layers[0].output).predict(data[0]))
        assert len(before["loss"]) == 2

    def test_frozen_weights_have_no_gradient_and_shared_layers_several_outputs(self, tmp_path):
        one, other = Input((4,)), Input((4,))
        shared, frozen = Dense(2, name="shared"), Dense(2, name="frozen", trainable=False)
        model = Model([one, other], concatenate([shared(one), shared(other), frozen(one)]))
        model.compile("sgd", "mse")
        x = np.ones((4, 4))
        fit(model, ([x, 2 * x], np.ones((4, 6))), tmp_path, histogram_freq=1, write_grads=True)
        tags = set(read(tmp_path).Tags()["histograms"])
        assert {"shared_out_0", "shared_out_1", "frozen_out", "frozen/kernel_0", "shared/kernel_0_grad"} <= tags
        assert "frozen/kernel_0_grad" not in tags

    def test_sample_weights_and_several_outputs(self, tmp_path):
        x = Input((4,))
        model = Model(x, [Dense(1, name="a")(x), Dense(1, name="b")(x)])
        model.compile("sgd", "mse")
        data, y = np.ones((4, 4)), np.ones(4)
        weights = [np.full(4, 3.0), np.full(4, 0.5)]
        callback = callbacks.TensorBoard(tmp_path, histogram_freq=1, write_grads=True)
        validation = (data, [y, y], weights)
        model.fit(data, [y, y], verbose=0, validation_data=validation, callbacks=[callback])
        for name, weight, predicted in zip("ab", (3.0, 0.5), model.predict(data), strict=True):
            check(self.histogram(tmp_path, f"{name}/kernel_0_grad"), [weight * 2 * (predicted[0] - 1.0)] * 4)

    def test_without_validation_data_training_does_not_begin(self, data, tmp_path):
        model = classifier()
        before = model.get_weights()
        with pytest.raises(ValueError, match="validation_data must be provided"):
            model.fit(*data, verbose=0, callbacks=[callbacks.TensorBoard(tmp_path, histogram_freq=1)])
        assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))

    def test_a_model_that_is_fed_nothing_has_no_validation_samples(self, tmp_path):
        x = Input(tensor=K.variable(np.ones((4, 2))))
        model = Model(x, Dropout(0.5)(Dense(1)(x)))
        model.compile("sgd", "mse", target_tensors=K.variable(np.ones((4, 1))))
        with pytest.raises(ValueError, match="validation_data must be provided"):
            model.fit(
                steps_per_epoch=1,
                validation_steps=1,
                verbose=0,
                callbacks=[callbacks.TensorBoard(tmp_path, histogram_freq=1)],
            )

    def test_values_that_are_no_numbers_are_not_counted(self):
        histogram = Histogram()
        histogram.add([1.0, np.nan, np.inf, -1.0])
        check(histogram.record("t").histo, [1.0, -1.0])
        assert Histogram().record("t") is None

    @pytest.mark.parametrize("values", [[0.0], [1e-300, -1e-300, 1e150], [5.0] * 7, [True, False], np.arange(-50, 50)])
    def test_buckets(self, values):
        histogram = Histogram()
        histogram.add(values)
        check(histogram.record("t").histo, values)


def pixels(file):
    """(height, width, channels) of a PNG file without compression filters."""
    width, height = struct.unpack(">II", file[16:24])
    body = zlib.decompress(file[file.index(b"IDAT") + 4 : file.index(b"IEND") - 8])
    rows = np.frombuffer(body, "uint8").reshape(height, -1)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, -1)


class TestImages:
    def test_of_dense_and_convolution(self, tmp_path):
        model = Sequential(
            [Conv2D(5, (3, 2), input_shape=(6, 6, 1), name="c"), Flatten(), Dense(2, name="d")],
        )
        model.compile("sgd", "mse")
        fit(model, (np.ones((4, 6, 6, 1)), np.ones((4, 2))), tmp_path, histogram_freq=1, write_images=True)
        found = read(tmp_path)
        kernels = [f"c/kernel_0_1/image/{number}" for number in range(3)]
        others = ["c/bias_0_1/image/0", "d/kernel_0_1/image/0", "d/bias_0_1/image/0"]
        assert set(found.Tags()["images"]) == {*kernels, *others}
        last = found.Images("d/kernel_0_1/image/0")[-1]
        kernel = model.get_layer("d").get_weights()[0].T
        assert (last.height, last.width) == kernel.shape == pixels(last.encoded_image_string).shape[:2]
        assert np.array_equal(pixels(last.encoded_image_string)[..., 0], as_bytes(kernel))

    def test_shapes(self):
        weight = np.arange(2 * 3 * 4.0)
        assert weight_images(weight).shape == (1, 24, 1, 1)
        assert weight_images(weight.reshape(6, 4)).shape == (1, 4, 6, 1)
        assert weight_images(weight.reshape(2, 3, 1, 4)).shape == (4, 2, 3, 1)
        assert np.array_equal(weight_images(weight.reshape(2, 3, 1, 4))[1, ..., 0], weight.reshape(2, 3, 4)[..., 1])
        assert weight_images(np.zeros((5, 4, 3, 7))).shape == (7, 5, 4, 3)
        assert weight_images(np.zeros((5, 4, 2, 7))) is None
        assert weight_images(np.zeros(())) is None

    def test_brightness(self):
        assert as_bytes(np.array([0.0, 1.0, 2.0])).tolist() == [0, 128, 255]
        assert as_bytes(np.array([-1.0, 0.0, 0.5])).tolist() == [0, 127, 190]
        assert as_bytes(np.array([-0.5, 0.0, 1.0])).tolist() == [63, 127, 255]
        assert as_bytes(np.array([0.0, np.nan])).tolist() == [0, 0]

    def test_png(self, tmp_path):
        picture = np.random.default_rng(0).integers(256, size=(5, 7, 3)).astype("uint8")
        assert np.array_equal(pixels(png(picture)), picture)
        image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
        (tmp_path / "p.png").write_bytes(png(picture))
        with image.open(tmp_path / "p.png") as opened:
            assert np.array_equal(np.asarray(opened), picture)


class TestEmbeddings:
    def model(self):
        model = Sequential([Embedding(6, 3, input_length=2, name="words"), Flatten(), Dense(1)])
        model.compile("sgd", "mse")
        return model

    def data(self):
        return np.array([[0, 1], [2, 3], [4, 5]]), np.ones(3)

    def config(self, folder):
        projector = pytest.importorskip("tensorboard.plugins.projector.projector_config_pb2")
        from google.protobuf import text_format

        return text_format.Parse((folder / "projector_config.pbtxt").read_text(), projector.ProjectorConfig())

    def test_tables_hold_the_last_outputs(self, tmp_path):
        model = self.model()
        words = np.arange(6).repeat(2).reshape(6, 2)
        fit(model, self.data(), tmp_path, embeddings_freq=1, embeddings_data=words, batch_size=4)
        [entry] = self.config(tmp_path).embeddings
        table = np.loadtxt(tmp_path / entry.tensor_path, delimiter="\t")
        expected = Model(model.input, model.get_layer("words").output).predict(words).reshape(6, 6)
        assert np.allclose(table, expected, atol=1e-6)
        assert entry.metadata_path == ""

    @pytest.mark.parametrize("metadata", ["labels.tsv", {"words": "labels.tsv", "other": "o.tsv"}])
    def test_labels_and_chosen_layers(self, metadata, tmp_path):
        fit(
            self.model(),
            self.data(),
            tmp_path,
            embeddings_freq=2,
            embeddings_layer_names=["words", "dense_1"],
            embeddings_metadata=metadata,
            embeddings_data=[self.data()[0]],
        )
        found = {entry.tensor_name: entry for entry in self.config(tmp_path).embeddings}
        assert found["words_embedding"].metadata_path == "labels.tsv"
        assert np.loadtxt(tmp_path / found["dense_1_embedding"].tensor_path, delimiter="\t").shape == (3,)

    def test_labels_from_elsewhere_come_along(self, tmp_path):
        logs, labels = tmp_path / "logs", tmp_path / "labels.tsv"
        labels.write_text("a\nb\nc\n")
        for given in (labels, logs / "mine.tsv"):
            logs.mkdir(exist_ok=True)
            (logs / "mine.tsv").write_text("own\n")
            arguments = {"embeddings_metadata": {"words": given}, "embeddings_data": self.data()[0]}
            fit(self.model(), self.data(), logs, embeddings_freq=1, embeddings_layer_names=["words"], **arguments)
            [entry] = self.config(logs).embeddings
            found = (logs / entry.metadata_path).resolve()
            assert found.is_relative_to(logs.resolve())
            assert found.read_text() == given.read_text()

    def test_without_data(self, tmp_path):
        with pytest.raises(ValueError, match="embeddings_data must be provided"):
            fit(self.model(), self.data(), tmp_path, embeddings_freq=1)


class TestArguments:
    @pytest.mark.parametrize("wrong", ["epochs", 0, -1, 1.5, None])
    def test_unknown_frequency(self, wrong):
        with pytest.raises(ValueError, match="Unknown `update_freq`.*'epoch', 'batch' or a number"):
            callbacks.TensorBoard(update_freq=wrong)

    def test_generators(self, data, tmp_path):
        def batches():
            while True:
                yield data

        callback = callbacks.TensorBoard(tmp_path, histogram_freq=1)
        classifier().fit_generator(batches(), 2, verbose=0, validation_data=data, callbacks=[callback])
        assert "d1_out" in read(tmp_path).Tags()["histograms"]
        with pytest.raises(ValueError, match="cannot be a generator"):
            classifier().fit_generator(
                batches(), 2, verbose=0, validation_data=batches(), validation_steps=1, callbacks=[callback]
            )

    def test_subclassed_model(self, data, tmp_path):
        class Own(Model):
            def __init__(self):
                super().__init__()
                self.dense = Dense(2)

            def call(self, x):
                return self.dense(x)

        model = Own()
        model.compile("sgd", "mse")
        fit(model, data, tmp_path, histogram_freq=1, write_grads=True)
        tags = read(tmp_path).Tags()
        assert tags["graph"] and any(tag.endswith("kernel_0_grad") for tag in tags["histograms"])
