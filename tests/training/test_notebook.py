"""In a notebook the bar is redrawn in place, and one callback draws curves."""

import io
import re
import xml.etree.ElementTree as ElementTree
from types import SimpleNamespace

import numpy as np
import pytest

from polykeras.callbacks import BackupAndRestore, LambdaCallback, LiveCurve
from polykeras.layers import Dense
from polykeras.models import Sequential
from polykeras.utils import curves, progbar
from polykeras.utils.notebook import in_notebook
from polykeras.utils.progbar import Progbar
from tests.training.notebook import KERNEL, TERMINAL, stand_in


class Stream(io.TextIOBase):
    """What a kernel has for standard output: no terminal."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text
        return len(text)


@pytest.fixture
def notebook(monkeypatch):
    return stand_in(monkeypatch, KERNEL)


@pytest.fixture
def stream(monkeypatch):
    stream = Stream()
    monkeypatch.setattr(progbar, "sys", SimpleNamespace(stdout=stream))
    return stream


def fit(**kwargs):
    model = Sequential([Dense(1, input_shape=(2,))])
    model.compile("sgd", "mse", metrics=["mae"])
    x = np.random.rand(8, 2)
    return model.fit(x, x.sum(1), validation_data=(x, x.sum(1)), **kwargs)


class TestDetection:
    def test_kernel(self, notebook):
        assert in_notebook()

    @pytest.mark.parametrize("shell", [TERMINAL, None])
    def test_terminal_and_plain_python_are_none(self, shell, monkeypatch):
        stand_in(monkeypatch, shell)
        assert not in_notebook()


class TestBar:
    def test_one_spot_is_redrawn_and_nothing_is_printed(self, notebook, stream):
        bar = Progbar(20, interval=0)
        for step in range(1, 21):
            bar.update(step, [("loss", 1.0)])
        [spot] = notebook.spots
        assert len(spot.shown) == 20
        assert spot.shown[9]["text/plain"].startswith("10/20 [==============>...............] - ETA")
        assert spot.shown[-1]["text/plain"].startswith("20/20 [" + "=" * 30 + "]")
        assert stream.text == ""

    def test_a_fast_loop_does_not_flood(self, notebook, stream):
        bar = Progbar(100_000, interval=3600)
        for step in range(1, 100_001):
            bar.update(step)
        [spot] = notebook.spots
        assert len(spot.shown) == 2  # the first drawing and the last

    def test_each_epoch_of_a_training_has_its_bar(self, notebook, stream):
        fit(epochs=3)
        assert re.findall(r"Epoch \d/3", stream.text) == ["Epoch 1/3", "Epoch 2/3", "Epoch 3/3"]
        assert len(notebook.spots) == 3
        assert all("val_loss: " in spot.shown[-1]["text/plain"] for spot in notebook.spots)

    def test_captured_output_is_written_as_to_a_file(self, notebook, monkeypatch):
        captured = io.StringIO()
        monkeypatch.setattr(progbar, "sys", SimpleNamespace(stdout=captured))
        bar = Progbar(2)
        bar.update(1)
        bar.update(2)
        assert notebook.spots == []
        assert captured.getvalue().startswith("2/2 [")


def polylines(picture):
    """The curves of a picture by colour: lists of (command, x, y)."""
    found = {}
    for path in ElementTree.fromstring(picture).iter("{http://www.w3.org/2000/svg}path"):
        if path.get("fill") == "none":
            points = re.findall(r"([ML])([\d.]+) ([\d.]+)", path.get("d"))
            found.setdefault(path.get("stroke"), []).append([(c, float(x), float(y)) for c, x, y in points])
    return found


class TestCurve:
    def test_a_picture_after_each_epoch_in_one_place(self, notebook):
        history = fit(epochs=3, verbose=0, callbacks=[LiveCurve()]).history
        [spot] = notebook.spots
        assert len(spot.shown) == 3
        lines = polylines(spot.shown[-1]["image/svg+xml"])
        assert [len(lines[colour]) for colour in (curves.TRAINING, curves.VALIDATION)] == [2, 2]  # loss, mean error
        assert spot.shown[-1]["text/plain"].startswith("epoch 3 - ")
        assert f"loss: {history['loss'][-1]:.4f}" in spot.shown[-1]["text/plain"]

    def test_chosen_names(self, notebook):
        fit(epochs=2, verbose=0, callbacks=[LiveCurve(names=["loss"])])
        text = notebook.spots[0].shown[-1]["text/plain"]
        assert "val_loss" in text and "mean_absolute_error" not in text

    def test_a_second_training_starts_anew(self, notebook):
        curve = LiveCurve()
        fit(epochs=2, verbose=0, callbacks=[curve])
        fit(epochs=1, verbose=0, callbacks=[curve])
        assert len(notebook.spots) == 2
        assert curve.epochs == [1]

    def test_a_training_that_is_resumed_goes_on_with_its_curve(self, tmp_path):
        def stop(epoch, logs):
            if epoch == 2:
                raise KeyboardInterrupt

        keep, curve = BackupAndRestore(tmp_path), LiveCurve()
        with pytest.raises(KeyboardInterrupt):
            fit(epochs=3, verbose=0, callbacks=[LiveCurve(), keep, LambdaCallback(on_epoch_begin=stop)])
        history = fit(epochs=3, verbose=0, callbacks=[curve, keep]).history
        assert curve.epochs == [1, 2, 3]
        assert curve.history == history

    def test_file_without_a_notebook(self, tmp_path):
        fit(epochs=2, verbose=0, callbacks=[LiveCurve(to_file=tmp_path / "curve.svg")])
        assert [path.name for path in tmp_path.iterdir()] == ["curve.svg"]
        assert len(polylines((tmp_path / "curve.svg").read_text())) == 2

    def test_values_that_come_later_begin_later(self):
        curve = LiveCurve()
        curve.on_train_begin()
        curve.on_epoch_end(0, {"loss": 1.0})
        curve.on_epoch_end(1, {"loss": 0.5, "val_loss": 0.7})
        assert curve.history["val_loss"][1] == 0.7 and np.isnan(curve.history["val_loss"][0])


class TestPicture:
    def test_points_lie_where_their_values_are(self):
        [line] = polylines(curves.curves([1, 2, 3], {"loss": [4.0, 1.0, 2.0]}))[curves.TRAINING]
        xs, ys = [x for _, x, _ in line], [y for _, _, y in line]
        assert xs[1] - xs[0] == xs[2] - xs[1] > 0
        top, bottom = curves.TOP, curves.HEIGHT - curves.BOTTOM
        assert ys[0] == top and ys[1] == bottom  # the greatest value is on top
        assert ys[2] == pytest.approx(bottom - (bottom - top) / 3, abs=0.1)

    def test_gaps(self):
        [line] = polylines(curves.curves([1, 2, 3, 4], {"loss": [1.0, np.nan, np.inf, 2.0]}))[curves.TRAINING]
        assert [command for command, _, _ in line] == ["M", "M"]

    def test_nothing_finite_and_equal_values_and_strange_names(self):
        ElementTree.fromstring(curves.curves([1], {"a<b&c": [np.nan], "same": [0.0], "val_alone": [1.0]}))

    @pytest.mark.parametrize("low", [0.0, -3.0, 0.97, 1e-7])
    @pytest.mark.parametrize("width", [1e-6, 0.03, 1.0, 7.0, 12345.0])
    def test_ticks_are_round_few_and_inside(self, low, width):
        found = curves.ticks(low, low + width)
        assert 2 <= len(found) <= 6
        assert found[0] >= low - 1e-6 * width and found[-1] <= low + width * (1 + 1e-6)
        step = np.diff(found)
        assert np.allclose(step, step[0], rtol=1e-3)
        leading = step[0] / 10.0 ** np.floor(np.log10(step[0] * (1 + 1e-6)))
        assert np.isclose(leading, [1, 2, 5, 10], rtol=1e-3).any()
