"""The programs in `examples/`, run briefly: each learns something, and runs from the command line."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def program(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_digits_learns_to_read(capsys):
    assert program("digits").main(epochs=4) > 0.85
    out = capsys.readouterr().out
    assert "Epoch 4/4" in out and "concatenate" in out


def test_diabetes_predicts_better_than_without_the_measurements():
    loss, ignorant = program("diabetes").main(epochs=30)
    assert loss < ignorant - 0.1


def test_backend_loop_lowers_the_loss_and_tells_irises_apart():
    losses, accuracy = program("backend_loop").main(epochs=50)
    assert losses[0] == pytest.approx(1.0986, abs=1e-3)  # log 3: three species, nothing known
    assert losses[-1] < 0.3
    assert accuracy > 0.9


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.py")), ids=lambda file: file.stem)
def test_every_example_runs_as_a_program(file):
    ended = subprocess.run(
        [sys.executable, str(file), "--epochs", "1"], capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout
