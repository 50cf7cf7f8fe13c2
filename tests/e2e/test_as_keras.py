"""Scripts and packages written for Keras 2 run as they are; each in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from polykeras import backend as K
from tests.parity.golden import REFERENCE


def python(*arguments, cwd=None, **environment):
    """What a fresh interpreter does: the finished process."""
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        capture_output=True, text=True, check=False, cwd=cwd, timeout=120, env={**os.environ, **environment},
    )  # fmt: skip


def runs(code, *more, **how):
    done = python("-c", code, *more, **how)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


INSTALL = "import polykeras; polykeras.install_as_keras()\n"
SCRIPT = """
import keras
from keras import backend as K
from keras.engine.topology import Layer
from keras.layers.core import Dense, Dropout
from keras.models import Sequential
import numpy as np

class Twice(Layer):
    def call(self, x):
        return 2 * x

model = Sequential([Dense(3, input_shape=(4,)), Twice(), Dropout(0.5)])
model.compile("sgd", "mse")
model.fit(np.ones((8, 4)), np.ones((8, 3)), verbose=0)
print(keras.__name__, keras.__version__, K.backend(), model.predict(np.ones((1, 4))).shape[1])
"""


def test_imports_resolve_to_polykeras():
    code = """
import importlib.util, keras, polykeras
import keras.layers.recurrent as recurrent
import keras.backend.tensorflow_backend as KTF
from keras.legacy import interfaces
from keras import *
assert keras.layers is polykeras.layers and recurrent is polykeras.layers.recurrent
assert KTF is polykeras.backend and interfaces is polykeras.legacy.interfaces
assert Sequential is polykeras.models.Sequential and layers is polykeras.layers
for path in ("models", "engine.topology", "utils.np_utils", "objectives"):
    assert importlib.import_module("keras." + path) is importlib.import_module("polykeras." + path)
assert keras.__name__ == "keras" and keras.__version__ == "2.2.4"
assert importlib.util.find_spec("keras") is keras.__spec__
assert polykeras.install_as_keras() is keras
for missing in ("import keras.nothing", "from keras import nothing", "from keras.layers import Dents"):
    try:
        exec(missing)
    except ImportError as error:
        print(str(error).split(".")[0].replace(" ", "_"))
"""
    found = runs(INSTALL + code)
    assert found == ["No_module_named_'keras", "cannot_import_name_'nothing'_from_'polykeras'",
                     "cannot_import_name_'Dents'_from_'polykeras"]  # fmt: skip


@pytest.mark.skipif(not REFERENCE.is_dir(), reason="no reference data")
def test_every_recorded_module_of_layers_and_models_is_importable():
    code = """
import importlib, json, sys
for module in json.load(open(sys.argv[1]))["modules"]:
    if module.split(".")[1:2] in (["engine"], ["layers"], ["models"], ["initializers"], ["backend"], ["losses"]):
        found, ours = importlib.import_module(module), importlib.import_module(module.replace("keras", "polykeras", 1))
        assert found is ours
        print(module)
"""
    assert len(runs(INSTALL + code, str(REFERENCE / "api.json"))) > 25


def test_the_installed_keras_is_not_touched(tmp_path):
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras" / "__init__.py").write_text("raise RuntimeError('the other keras')")
    assert runs(INSTALL + SCRIPT, PYTHONPATH=str(tmp_path)) == ["keras", "2.2.4", K.backend(), "3"]


def test_a_keras_that_is_in_use_is_an_error(tmp_path):
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras" / "__init__.py").write_text("")
    done = python("-c", "import keras\n" + INSTALL, PYTHONPATH=str(tmp_path))
    assert "RuntimeError: `keras` is imported already, from" in done.stderr and str(tmp_path) in done.stderr


def test_a_keras_beside_the_script_is_an_error(tmp_path):
    (tmp_path / "keras.py").write_text("")
    (tmp_path / "script.py").write_text("import polykeras\npolykeras.install_as_keras()")
    done = python(str(tmp_path / "script.py"))
    assert "stands before polykeras in `sys.path`" in done.stderr


def test_run_a_script(tmp_path):
    (tmp_path / "helper.py").write_text("from keras.utils import to_categorical")
    script = tmp_path / "train.py"
    script.write_text("import helper, sys\n" + SCRIPT + "print(*sys.argv[1:], __name__)\nsys.exit(7)")
    done = python("-m", "polykeras", "run", str(script), "--epochs", "3", cwd=Path.home())
    assert done.stderr == "" and done.returncode == 7
    assert done.stdout.split() == ["keras", "2.2.4", K.backend(), "3", "--epochs", "3", "__main__"]


def test_run_a_module(tmp_path):
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "__init__.py").write_text("")
    (tmp_path / "acme" / "train.py").write_text("import sys, keras\nprint(keras.__version__, sys.argv[1:])")
    done = python("-m", "polykeras", "run", "-m", "acme.train", "-x", cwd=tmp_path)
    assert done.stdout.split() == ["2.2.4", "['-x']"], done.stderr


def test_run_says_which_file_is_missing(tmp_path):
    done = python("-m", "polykeras", "run", "nowhere.py", cwd=tmp_path)
    assert done.returncode == 2 and "there is no file nowhere.py" in done.stderr


CHILDREN = """
import multiprocessing, subprocess, sys
import keras

def version(_):
    import keras.engine.network
    return keras.__version__, keras.engine.network.__name__

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(*pool.map(version, [0])[0])
    print(subprocess.run([sys.executable, "-c", "import keras; print(keras.__version__)"], text=True,
                         capture_output=True).stdout)
"""


def test_processes_that_a_script_starts_have_it_too(tmp_path):
    script = tmp_path / "parallel.py"
    script.write_text(CHILDREN)
    done = python("-m", "polykeras", "run", str(script))
    assert done.stdout.split() == ["2.2.4", "polykeras.engine.network", "2.2.4"], done.stderr


def test_plugins_modules_are_below_keras_too(tmp_path):
    info = tmp_path / "acme_pets-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-pets\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[polykeras.modules]\npets = acme_pets\n")
    (tmp_path / "acme_pets").mkdir()
    (tmp_path / "acme_pets" / "__init__.py").write_text("")
    (tmp_path / "acme_pets" / "cat.py").write_text("class Cat: pass")
    code = "from keras.pets.cat import Cat\nimport acme_pets.cat\nprint(Cat is acme_pets.cat.Cat)"
    assert runs(INSTALL + code, PYTHONPATH=str(tmp_path)) == ["True"]
