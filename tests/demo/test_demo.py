"""The command `polykeras demo`, run in this process for an epoch or two."""

import sys
from pathlib import Path

import numpy as np
import pytest

from polykeras import backend_scope
from polykeras.cli import main
from polykeras.demo import command, data, model, picture
from polykeras.runtime import select
from polykeras.utils import set_random_seed

BACKENDS = [name for name in ("numpy", "numba") if name in select.installed()]


def first_epoch(backend: str, seed: int = 0) -> tuple[list[np.ndarray], float, float]:
    """Initial weights, then loss and validation loss of the first epoch."""
    digits = data.load()
    set_random_seed(seed)
    with backend_scope(backend):
        network = model.build(digits.training.images.shape[1:])
        weights = network.get_weights()
        fitted = network.fit(*digits.training, epochs=1, verbose=0, validation_data=tuple(digits.validation))
    return weights, fitted.history["loss"][0], fitted.history["val_loss"][0]


def test_default_run_reaches_the_promised_accuracy_and_writes_its_files(tmp_path, capsys):
    assert main(["demo", "--out", str(tmp_path / "new" / "folder")]) == 0
    out = capsys.readouterr().out
    accuracy = float(out.split("Test accuracy: ")[1].split()[0])
    assert accuracy >= 0.97
    assert f"Backend: {select.why()}" in out
    assert "Epoch 20/20" in out and "val_loss" in out
    weights, image = tmp_path / "new" / "folder" / "digits.h5", tmp_path / "new" / "folder" / "digits.png"
    assert f"Weights: {weights}" in out and f"Picture: {image}" in out
    assert image.read_bytes().startswith(b"\x89PNG")
    assert sorted(weights.parent.iterdir()) == [weights, image]
    digits = data.load()
    network = model.build(digits.test.images.shape[1:])
    network.load_weights(str(weights))
    assert network.evaluate(*digits.test, verbose=0)[1] == pytest.approx(accuracy, abs=1e-4)


@pytest.mark.parametrize("backend", BACKENDS)
def test_backend_is_chosen_by_option(backend, tmp_path, capsys):
    assert main(["demo", "--backend", backend, "--out", str(tmp_path), "--epochs", "1"]) == 0
    out = capsys.readouterr().out
    assert f"Backend: {backend} (chosen by --backend)" in out
    assert "Epoch 1/1" in out


@pytest.mark.parametrize("backend", BACKENDS)
def test_first_epoch_is_the_same_on_every_backend(backend):
    weights, *losses = first_epoch(backend)
    expected_weights, *expected_losses = first_epoch("numpy")
    for got, expected in zip(weights, expected_weights, strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-6)
    np.testing.assert_allclose(losses, expected_losses, atol=1e-4)


def test_the_seed_decides():
    weights, *losses = first_epoch("numpy", seed=3)
    again, *same_losses = first_epoch("numpy", seed=3)
    others, *other_losses = first_epoch("numpy", seed=4)
    assert all(np.array_equal(one, two) for one, two in zip(weights, again, strict=True))
    assert losses == same_losses
    assert not np.array_equal(weights[0], others[0])
    assert losses != other_losses


def test_data_is_split_into_disjoint_parts():
    digits = data.load()
    assert [len(part) for part in digits] == [1257, 180, 360]
    assert all(part.images.shape[1:] == (8, 8, 1) and part.images.dtype == "float32" for part in digits)
    assert max(part.images.max() for part in digits) == 1.0
    assert np.bincount(np.concatenate([part.digits for part in digits])).sum() == 1797
    seen = [image.tobytes() for part in digits for image in part.images]
    assert len(set(seen)) == len(seen)


# -- the picture -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mistakes", [0, 1, 5, 40])
def test_picture_of_any_number_of_mistakes(mistakes, tmp_path):
    import matplotlib.image

    test = data.load().test
    guesses = test.digits.copy()
    guesses[:mistakes] = (guesses[:mistakes] + 1) % 10
    history = {key: [0.5] for key in ("loss", "val_loss", "acc", "val_acc")}
    picture.save(tmp_path / "one.png", history, test, np.eye(10)[guesses], "numpy")
    pixels = matplotlib.image.imread(tmp_path / "one.png")
    height, width, _ = pixels.shape
    assert height > 500 and width > 1000
    reddest = (pixels[:, width // 2 :, 0] - pixels[:, width // 2 :, 1]).max()
    assert (reddest > 0.4) == (mistakes > 0)  # guesses are written in red


def test_picture_leaves_pyplot_alone(tmp_path):
    import subprocess

    code = (
        "import sys; from polykeras.cli import main\n"
        f"main(['demo', '--epochs', '1', '--out', {str(tmp_path)!r}])\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=120)


# -- errors, all of them before the training ---------------------------------------------------------------------------


@pytest.fixture
def untrained(monkeypatch):
    """Fails the test where training begins."""

    def build(shape: tuple[int, ...]) -> None:
        raise AssertionError("the training has begun")

    monkeypatch.setattr(model, "build", build)


@pytest.mark.usefixtures("untrained")
class TestRefusals:
    @pytest.mark.parametrize("module, distribution", [("sklearn", "scikit-learn"), ("matplotlib", "matplotlib")])
    def test_missing_library(self, module, distribution, monkeypatch, tmp_path, capsys):
        monkeypatch.setitem(sys.modules, module, None)
        assert main(["demo", "--out", str(tmp_path)]) == 1
        error = capsys.readouterr().err
        assert distribution in error and 'pip install "polykeras[demo]"' in error

    def test_folder_that_is_a_file(self, tmp_path, capsys):
        (tmp_path / "taken").write_text("")
        assert main(["demo", "--out", str(tmp_path / "taken" / "inside")]) == 1
        error = capsys.readouterr().err
        assert str(tmp_path / "taken" / "inside") in error and "--out" in error

    def test_unwritable_folder(self, tmp_path, monkeypatch, capsys):
        def refuse(dir: Path) -> None:
            raise PermissionError(13, "Permission denied", str(dir))

        monkeypatch.setattr(command.tempfile, "TemporaryFile", refuse)  # to root nothing is unwritable
        assert main(["demo", "--out", str(tmp_path)]) == 1
        error = capsys.readouterr().err
        assert f"cannot write into the folder {str(tmp_path)!r}: Permission denied" in error

    def test_file_in_the_way(self, tmp_path, capsys):
        (tmp_path / "digits.png").mkdir()
        assert main(["demo", "--out", str(tmp_path)]) == 1
        assert "digits.png" in capsys.readouterr().err

    def test_unknown_backend(self, tmp_path, capsys):
        assert main(["demo", "--backend", "nmupy", "--out", str(tmp_path)]) == 1
        assert "Did you mean 'numpy'?" in capsys.readouterr().err

    @pytest.mark.parametrize(
        "option, value",
        [("--epochs", "0"), ("--epochs", "many"), ("--seed", "-1"), ("--seed", "4294967296"), ("--backend", "")],
    )
    def test_bad_option(self, option, value, capsys):
        with pytest.raises(SystemExit):
            main(["demo", option, value])
        assert repr(value) in capsys.readouterr().err


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, True, "1"])
def test_set_random_seed_refuses(seed):
    with pytest.raises(ValueError, match="from 0 to"):
        set_random_seed(seed)
