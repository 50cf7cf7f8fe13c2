"""The command line."""

import json
import sys

import pytest

from polykeras import config, entrypoints
from polykeras.cli import main

pytestmark = pytest.mark.usefixtures("site", "no_choice")

BACKEND = """
from polykeras.runtime.backend import Backend, Limit
class Thing(Backend):
    limits = (Limit("add", "float16", "no half floats"),)
    def add(self, x, y): return x + y
"""


def run(capsys, *arguments):
    """The exit status and the output of a command."""
    status = main(arguments)
    return status, capsys.readouterr().out


# -- info --------------------------------------------------------------------------------------------------------------


def test_info(capsys, monkeypatch):
    monkeypatch.setenv("POLYKERAS_BACKEND", "acme")
    status, out = run(capsys, "info")
    assert status == 0
    assert "acme (from the environment variable POLYKERAS_BACKEND), which is not usable" in out
    for words in ("floatx", "float32", "channels_last", "python", entrypoints.version_of("numpy")):
        assert words in out


# -- backends ----------------------------------------------------------------------------------------------------------


def test_backends_lists_without_importing(capsys, site):
    site.install("acme-back", {"polykeras.backends": {"acme": "acme_back:Thing"}}, {"acme_back.py": "1 / 0"})
    status, out = run(capsys, "backends")
    assert status == 0 and "acme_back" not in sys.modules
    (line,) = [line for line in out.splitlines() if line.startswith("acme ")]
    assert line.split() == ["acme", "acme-back", "1.0", "installed"]
    assert "In use: numpy (the default)" in out


def test_backends_says_what_could_be_installed(capsys, monkeypatch):
    monkeypatch.setattr(entrypoints, "_index", {})
    _, out = run(capsys, "backends")
    assert "not installed: pip install polykeras-numba" in out


def test_backends_check_says_why_not(capsys, site):
    site.install("acme-back", {"polykeras.backends": {"acme": "acme_back:Thing"}}, {"acme_back.py": "1 / 0"})
    status, out = run(capsys, "backends", "--check")
    assert status == 0 and "ZeroDivisionError" in out


def test_backends_disabled_and_contested(capsys, site, monkeypatch):
    site.install("acme-one", {"polykeras.backends": {"acme": "acme_one:Thing"}})
    site.install("acme-two", {"polykeras.backends": {"acme": "acme_two:Thing"}})
    assert "claimed by 2 distributions" in run(capsys, "backends")[1]
    monkeypatch.setenv("POLYKERAS_PLUGINS", "acme-one")
    _, out = run(capsys, "backends")
    lines = {line.split()[1]: line for line in out.splitlines() if line.startswith("acme ")}
    assert lines["acme-one"].endswith("installed") and "disabled" in lines["acme-two"]


def test_backends_table(capsys, site):
    site.install("acme-back", {"polykeras.backends": {"acme": "acme_back:Thing"}}, {"acme_back.py": BACKEND})
    status, out = run(capsys, "backends", "--table")
    table = out.split("In use")[1].splitlines()
    header = next(line.split() for line in table if line.startswith("op "))
    (add,) = [line for line in table if line.startswith("add ")]
    assert status == 0 and "acme" in header and "native, limited" in add
    assert "acme: add (float16): no half floats" in out


# -- plugins -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def installed(site):
    site.install(
        "acme-gates",
        {
            "polykeras.layers": {"AcmeGate": "acme_gates:Gate", "AcmeRot": "acme_rot:Rot"},
            "polykeras": {"acme": "acme_hooks"},
        },
        {
            "acme_gates.py": "class Gate: pass",
            "acme_rot.py": "1 / 0",
            "acme_hooks.py": "def polykeras_train_begin(model): pass",
        },
        version="0.3",
    )


@pytest.mark.usefixtures("installed")
def test_plugins(capsys):
    status, out = run(capsys, "plugins")
    assert status == 0
    assert "acme-gates 0.3\n" in out and "layers: AcmeGate, AcmeRot (failed)" in out and "hooks: acme" in out
    assert "FAILED AcmeRot (polykeras.layers)" in out and "ZeroDivisionError" in out


@pytest.mark.usefixtures("installed")
def test_plugins_as_json(capsys):
    _, out = run(capsys, "plugins", "--json", "--hooks")
    data = json.loads(out)
    status = {point["name"]: point["status"] for point in data["entry_points"] if point["distribution"] == "acme-gates"}
    assert status == {"AcmeGate": "works", "AcmeRot": "failed", "acme": "works"}
    assert data["hooks"]["polykeras_train_begin"] == ["acme"] and data["hooks"]["polykeras_ops"] == []


@pytest.mark.usefixtures("installed")
def test_plugins_hooks(capsys):
    _, out = run(capsys, "plugins", "--hooks")
    assert "polykeras_gradients(model, gradients, variables)" in out and "Plugins that answer it: acme" in out


@pytest.mark.usefixtures("installed")
def test_plugins_disabled(capsys, monkeypatch):
    monkeypatch.setenv("POLYKERAS_PLUGINS", "")
    _, out = run(capsys, "plugins")
    assert "acme-gates 0.3  (disabled" in out and "acme_gates" not in sys.modules


# -- doctor ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def sound(site, no_choice, monkeypatch):
    """A backend that works, chosen, and nothing else installed."""
    monkeypatch.setattr(entrypoints, "_index", {})
    site.install("acme-back", {"polykeras.backends": {"acme": "acme_back:Thing"}}, {"acme_back.py": BACKEND})
    only = {"polykeras.backends": {"acme": entrypoints.claims("polykeras.backends", "acme")}}
    monkeypatch.setattr(entrypoints, "_index", only)
    monkeypatch.setenv("POLYKERAS_BACKEND", "acme")


@pytest.mark.usefixtures("sound")
def test_doctor_of_a_sound_installation(capsys):
    status, out = run(capsys, "doctor")
    assert status == 0 and "No problem found." in out
    assert "POLYKERAS_BACKEND" in out and "NumPy's BLAS" in out and "CPUs" in out


@pytest.mark.usefixtures("sound")
def test_doctor_sees_two_cupy_wheels(capsys, monkeypatch):
    versions = {"cupy-cuda12x": "13.0", "cupy-cuda13x": "14.0"}
    monkeypatch.setattr(entrypoints, "version_of", versions.get)
    status, out = run(capsys, "doctor")
    assert status == 1 and "1 problem" in out and "pip uninstall cupy-cuda12x cupy-cuda13x" in out


@pytest.mark.usefixtures("sound")
def test_doctor_sees_an_unusable_backend(capsys, monkeypatch):
    monkeypatch.setenv("POLYKERAS_BACKEND", "acmee")
    status, out = run(capsys, "doctor")
    assert status == 1 and "Did you mean 'acme'" in out


@pytest.mark.usefixtures("sound")
def test_doctor_sees_a_bad_configuration_file(capsys, monkeypatch, tmp_path):
    (tmp_path / "polykeras.json").write_text("{")
    monkeypatch.setenv("POLYKERAS_HOME", str(tmp_path))
    monkeypatch.setattr(config, "_current", None)
    status, out = run(capsys, "doctor")
    assert status == 1 and "polykeras.json is not valid JSON" in out


def test_doctor_sees_broken_plugins(capsys, installed):
    status, out = run(capsys, "doctor")
    assert status == 1 and "'AcmeRot' (polykeras.layers) of acme-gates 0.3" in out


# -- the parser --------------------------------------------------------------------------------------------------------


def test_an_unknown_command_is_refused(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["nonsense"])
    assert caught.value.code == 2 and "nonsense" in capsys.readouterr().err


def test_help_shows_every_command(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    out = capsys.readouterr().out
    assert all(command in out for command in ("info", "backends", "plugins", "doctor", "cache", "demo"))


@pytest.mark.usefixtures("installed")
def test_our_own_commands_load_no_plugin(capsys):
    run(capsys, "info")
    assert "acme_hooks" not in sys.modules
