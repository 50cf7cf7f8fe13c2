"""`polykeras demo` as its user runs it, on each CPU backend."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import polykeras
from polykeras.demo import data, model
from polykeras.models import Model
from polykeras.utils import set_random_seed

BACKENDS = ["numpy", "numba"]


def demo(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """Run the command in `folder`, with output to a pipe as to a log file."""
    command = Path(sys.executable).with_name("polykeras")
    inherited = {key: value for key, value in os.environ.items() if key != "POLYKERAS_BACKEND"}
    return subprocess.run(
        [command, "demo", *arguments],
        cwd=folder,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("backend", BACKENDS)
def test_it_reads_digits_and_shows_what_it_learned(backend, tmp_path):
    done = demo(tmp_path, "--out", "shown", POLYKERAS_BACKEND=backend)
    assert done.returncode == 0, done.stderr
    [accuracy] = re.findall(r"^Test accuracy: (\d\.\d+)", done.stdout, re.MULTILINE)
    assert float(accuracy) >= 0.97
    assert re.search(rf"^Backend: {backend} .*POLYKERAS_BACKEND", done.stdout, re.MULTILINE)
    [picture] = (tmp_path / "shown").glob("*.png")
    assert picture.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    [weights] = (tmp_path / "shown").glob("*.h5")
    assert {f"shown/{picture.name}", f"shown/{weights.name}"} <= set(done.stdout.split())
    trained = model.build(data.load().training.images.shape[1:])
    trained.load_weights(str(weights))
    test = data.load().test
    assert (trained.predict(test.images).argmax(axis=1) == test.digits).mean() == pytest.approx(
        float(accuracy), abs=1e-4
    )


def test_the_option_wins_over_the_environment(tmp_path):
    done = demo(tmp_path, "--backend", "numba", "--epochs", "1", POLYKERAS_BACKEND="numpy")
    assert done.returncode == 0, done.stderr
    assert "Backend: numba (chosen by --backend)" in done.stdout


def test_a_folder_that_cannot_be_written_is_refused_before_the_training(tmp_path):
    (tmp_path / "file").write_text("in the way")
    done = demo(tmp_path, "--out", "file/deeper")
    assert done.returncode == 1
    assert "file/deeper" in done.stderr
    assert "--out" in done.stderr
    assert "Epoch" not in done.stdout


def first_epoch(backend: str) -> tuple[list[np.ndarray], dict[str, list[float]]]:
    """The demo's initial weights, and what its first epoch reports."""
    with polykeras.backend_scope(backend):
        digits = data.load()
        set_random_seed(0)
        network: Model = model.build(digits.training.images.shape[1:])
        initial = network.get_weights()
        history = network.fit(
            *digits.training, batch_size=model.BATCH, epochs=1, validation_data=tuple(digits.validation), verbose=0
        )
    return initial, history.history


def test_the_backends_agree_on_weights_and_losses():
    (initial, reported), (other_initial, other_reported) = map(first_epoch, BACKENDS)
    for weight, other in zip(initial, other_initial, strict=True):
        np.testing.assert_array_equal(weight, other)
    for name in ("loss", "val_loss"):
        assert reported[name] == pytest.approx(other_reported[name], abs=1e-4)
