"""`polykeras cache`, on a stranger's backend, and on Numba's."""

import os
import subprocess
import sys

import pytest

from polykeras.cli import main

ACME = """
from pathlib import Path
from polykeras.extend import KernelCache, Kept
from polykeras_numpy import NumpyBackend

class Cache(KernelCache):
    folder = Path("/somewhere/acme/2")
    ills = None
    kernels = [Kept("a sum", 1500, "2", True), Kept("a product", 500, "2", True), Kept("a sum", 900, "1", False)]

    def problem(self):
        return self.ills
    def kept(self):
        return list(self.kernels)
    def clear(self, every=False):
        if self.ills:
            raise PermissionError(13, "Permission denied", "/somewhere/acme/2/sum")
        gone = [one for one in self.kernels if every or one.current]
        Cache.kernels = [one for one in self.kernels if one not in gone]
        return len(gone)

class Keeping(NumpyBackend):
    name = "acme"
    @classmethod
    def kernel_cache(cls):
        return Cache()
    def compile(self, program):
        Cache.kernels = [*Cache.kernels, Kept("made by " + program.name, 100, "2", True)]
        return super().compile(program)

class Plain(NumpyBackend):
    name = "acme-plain"
"""


@pytest.fixture
def acme(site, no_choice):
    site.install(
        "acme-back",
        {"polykeras.backends": {"acme": "acme_back:Keeping", "acme-plain": "acme_back:Plain"}},
        {"acme_back.py": ACME, "acme_rot.py": "1 / 0"},
    )
    return site


def run(capsys, *arguments):
    """The exit status, and what was written on stdout and stderr."""
    status = main(("cache", *arguments))
    return status, *capsys.readouterr()


# -- list --------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize("words", [(), ("list",)])
def test_list(capsys, words):
    status, out, err = run(capsys, *words)
    assert status == 0 and err == ""
    assert "acme: 2 kernels, 2.0 kB in /somewhere/acme/2\n" in out
    assert "of other versions or processors: 1 kernel, 0.9 kB" in out
    assert "acme-plain: keeps nothing on disk\n" in out


@pytest.mark.usefixtures("acme")
def test_list_all(capsys):
    _, out, _ = run(capsys, "list", "--all", "--backend", "acme")
    assert out.splitlines() == [
        "acme: 2 kernels, 2.0 kB in /somewhere/acme/2",
        "  1.5 kB  a sum",
        "  0.5 kB  a product",
        "  of another version: 1 kernel, 0.9 kB in 1",
    ]


@pytest.mark.usefixtures("acme")
def test_list_tells_problems(capsys, monkeypatch):
    from acme_back import Cache

    monkeypatch.setattr(Cache, "ills", "The folder is full.")
    assert "  The folder is full.\n" in run(capsys, "list")[1]


def test_a_backend_that_cannot_be_loaded(capsys, acme):
    acme.install("acme-bad", {"polykeras.backends": {"acme-rot": "acme_rot:Rot"}})
    status, out, _ = run(capsys, "list")
    assert status == 0 and "ZeroDivisionError" in out and "acme: 2 kernels" in out
    status, _, err = run(capsys, "list", "--backend", "acme-rot")
    assert status == 2 and "ZeroDivisionError" in err


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize("act", ["list", "clear", "warm"])
def test_an_unknown_backend(capsys, act):
    status, _, err = run(capsys, act, "--backend", "acne")
    assert status == 2 and "Did you mean 'acme'?" in err


@pytest.mark.usefixtures("acme")
def test_doctor_tells_problems_of_the_backend_in_use(capsys, monkeypatch):
    from acme_back import Cache

    monkeypatch.setenv("POLYKERAS_BACKEND", "acme")
    main(["doctor"])
    assert "The folder is full." not in capsys.readouterr().out
    monkeypatch.setattr(Cache, "ills", "The folder is full.")
    assert main(["doctor"]) == 1
    assert "  - The folder is full.\n" in capsys.readouterr().out


# -- clear -------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("acme")
def test_clear(capsys):
    assert "acme: removed 2 kernels from /somewhere/acme/2\n" in run(capsys, "clear", "--backend", "acme")[1]
    assert run(capsys, "clear", "--backend", "acme", "--all")[1] == "acme: removed 1 kernel from /somewhere/acme\n"
    assert run(capsys, "clear", "--backend", "acme-plain")[:2] == (0, "acme-plain: keeps nothing on disk\n")


@pytest.mark.usefixtures("acme")
def test_clear_says_what_cannot_be_removed(capsys, monkeypatch):
    from acme_back import Cache

    monkeypatch.setattr(Cache, "ills", "The folder can only be read.")
    status, out, err = run(capsys, "clear", "--backend", "acme")
    assert status == 1 and out == ""
    assert err == "polykeras cache: /somewhere/acme/2/sum cannot be removed: Permission denied\n"


# -- warm --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def model_file(tmp_path):
    """A model with two inputs, of which one has an open size, and integer classes as targets."""
    pytest.importorskip("h5py", reason="model files need h5py")
    from polykeras.layers import LSTM, Dense, Input, concatenate
    from polykeras.models import Model

    words, numbers = Input((None, 3)), Input((4,))
    classes = Dense(3, activation="softmax")(concatenate([LSTM(5)(words), numbers]))
    model = Model([words, numbers], classes)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    path = tmp_path / "model.h5"
    model.save(path)
    return str(path)


@pytest.mark.usefixtures("acme")
def test_warm_runs_what_the_model_will_run(capsys, model_file):
    status, out, err = run(capsys, "warm", model_file, "--backend", "acme", "--train", "--batch", "2", "--size", "7")
    assert status == 0, err
    assert out.startswith("acme: ") and "kernels compiled; " in out
    from acme_back import Cache

    titles = {one.title for one in Cache.kernels}
    assert {"made by predict_function", "made by train_function", "made by test_function"} <= titles


@pytest.mark.usefixtures("acme")
def test_warm_without_train_only_predicts(capsys, model_file):
    assert run(capsys, "warm", model_file, "--backend", "acme")[0] == 0
    from acme_back import Cache

    titles = {one.title for one in Cache.kernels}
    assert "made by predict_function" in titles and "made by train_function" not in titles


@pytest.mark.usefixtures("acme")
def test_warm_without_a_model(capsys):
    status, out, err = run(capsys, "warm", "--backend", "acme", "--batch", "2")
    assert status == 0, err
    assert out.startswith("acme: ")


@pytest.mark.usefixtures("acme")
def test_warm_on_a_backend_that_keeps_nothing(capsys):
    status, out, err = run(capsys, "warm", "--backend", "acme-plain")
    assert status == 2 and out == ""
    assert "'acme-plain' keeps nothing on disk" in err and "Those that do: acme" in err


@pytest.mark.usefixtures("acme")
def test_warm_where_nothing_can_be_kept(capsys, monkeypatch):
    from acme_back import Cache

    monkeypatch.setattr(Cache, "ills", "The folder is full.")
    assert run(capsys, "warm", "--backend", "acme")[::2] == (2, "polykeras cache: The folder is full.\n")


@pytest.mark.usefixtures("acme")
def test_warm_with_files_that_are_no_models(capsys, tmp_path):
    status, _, err = run(capsys, "warm", str(tmp_path / "none.h5"), "--backend", "acme")
    assert status == 2 and "none.h5 cannot be loaded as a model: FileNotFoundError" in err
    (tmp_path / "text.h5").write_text("no model")
    assert run(capsys, "warm", str(tmp_path / "text.h5"), "--backend", "acme")[0] == 2


@pytest.mark.usefixtures("acme")
def test_warm_train_needs_a_compiled_model(capsys, tmp_path):
    pytest.importorskip("h5py", reason="model files need h5py")
    from polykeras.layers import Dense
    from polykeras.models import Sequential

    path = str(tmp_path / "plain.h5")
    Sequential([Dense(2, input_shape=(3,))]).save(path)
    status, _, err = run(capsys, "warm", path, "--train", "--backend", "acme")
    assert status == 2 and "holds no optimizer and loss" in err


@pytest.mark.usefixtures("acme")
def test_warm_says_when_open_sizes_fit_no_layer(capsys, tmp_path):
    pytest.importorskip("h5py", reason="model files need h5py")
    from polykeras.layers import Conv1D
    from polykeras.models import Sequential

    path = str(tmp_path / "wide.h5")
    Sequential([Conv1D(2, 9, input_shape=(None, 3))]).save(path)
    status, _, err = run(capsys, "warm", path, "--size", "4", "--backend", "acme")
    assert status == 2 and "open sizes: 4 (--size)" in err


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize("word", ["0", "-3", "many"])
def test_warm_counts_samples(capsys, word):
    with pytest.raises(SystemExit):
        main(["cache", "warm", f"--batch={word}"])
    assert f"invalid positive number value: '{word}'" in capsys.readouterr().err


# -- Numba -------------------------------------------------------------------------------------------------------------

USE = """
from polykeras.models import load_model
from polykeras_numba.cache import KERNELS
import numpy as np, sys
model = load_model(sys.argv[1])
inputs = [np.ones((9, 5, 3), "float32"), np.ones((9, 4), "float32")]
model.predict_on_batch(inputs)
model.train_on_batch(inputs, np.zeros((9, 1)))
model.test_on_batch(inputs, np.zeros((9, 1)))
assert KERNELS.loaded and not KERNELS.compiled, (KERNELS.loaded, KERNELS.compiled)
"""


def test_numba_finds_all_that_was_warmed_at_another_batch_size(model_file, tmp_path):
    """Warm, use, list and clear, each in a process of its own."""
    pytest.importorskip("numba", reason="polykeras-numba is not installed")
    environment = {**os.environ, "POLYKERAS_CACHE": str(tmp_path / "kernels"), "POLYKERAS_BACKEND": "numba"}

    def process(*arguments):
        done = subprocess.run(
            [sys.executable, *arguments], env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "0 kernels" in process("-m", "polykeras", "cache", "list", "--backend", "numba")
    assert not (tmp_path / "kernels").exists()
    process("-m", "polykeras", "cache", "warm", model_file, "--train")
    process("-c", USE, model_file)
    assert "the executor" in process("-m", "polykeras", "cache", "list", "--all")
    process("-m", "polykeras", "cache", "clear")
    assert not [path for path in (tmp_path / "kernels").rglob("*") if path.is_file()]
