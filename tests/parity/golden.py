"""The golden files: numbers recorded from real Keras 2.2.4. `reference/README.md` says what each kind holds."""

import json
import os
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from polykeras import backend as K

ROOT = Path(__file__).resolve().parent.parent.parent
REFERENCE = Path(os.environ.get("POLYKERAS_REFERENCE") or ROOT.parent / "shared" / "reference")


class Golden:
    """One golden file: `config` and named arrays."""

    def __init__(self, path):
        with np.load(path) as archive:
            self.arrays = {name: archive[name] for name in archive.files if name != "config"}
            self.config = json.loads(str(archive["config"]))

    def __getitem__(self, name):
        return self.arrays[name]

    def __contains__(self, name):
        return name in self.arrays

    def numbered(self, prefix):
        """The arrays prefix0, prefix1, ... in order."""
        return [self.arrays[f"{prefix}{i}"] for i in range(len(self.arrays)) if f"{prefix}{i}" in self.arrays]

    def check(self, actual, name):
        """Compare with the array of that name: shape, then integers exactly, floats within the file's tolerance."""
        agree(actual, self.arrays[name], self.config["tol"], name)


def agree(actual, expected, tol, what):
    actual = np.asarray(actual)
    assert actual.shape == expected.shape, f"{what}: shape {actual.shape}, expected {expected.shape}"
    if expected.dtype.kind in "biu":
        np.testing.assert_array_equal(actual, expected, err_msg=what)
    else:
        np.testing.assert_allclose(actual, expected, rtol=tol["rtol"], atol=tol["atol"], err_msg=what)


def paths(*kinds):
    """Parameters for a test: the golden files of these kinds."""
    found = []
    for path in sorted((REFERENCE / "golden").glob("*.npz")):
        with np.load(path) as archive:
            config = json.loads(str(archive["config"]))
        if config["kind"] in kinds:
            found.append(pytest.param(path, id=path.stem))
    return found


def class_names(*kinds):
    """The classes that the golden files of these kinds are about."""
    return {Golden(param.values[0]).config["class_name"] for param in paths(*kinds)}


@contextmanager
def recorded_environment(config):
    """A fresh graph with the settings under which the file was recorded; the session's are restored after."""
    before = K.floatx(), K.epsilon(), K.image_data_format()
    env = config["env"]
    K.clear_session()
    K.set_floatx(env["floatx"])
    K.set_epsilon(env["epsilon"])
    K.set_image_data_format(env["image_data_format"])
    try:
        yield
    finally:
        K.set_floatx(before[0])
        K.set_epsilon(before[1])
        K.set_image_data_format(before[2])
