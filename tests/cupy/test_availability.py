"""The words in which the backend says why it cannot work: each cause, with what to do about it."""

import types

import pytest

from polykeras_cupy import CupyBackend, availability


class Runtime:
    """CUDA's runtime as CuPy shows it."""

    def __init__(self, driver=13000, made_for=13020, devices=1):
        self.driver, self.made_for, self.devices = driver, made_for, devices

    def driverGetVersion(self):
        return self.driver

    def runtimeGetVersion(self):
        return self.made_for

    def getDeviceCount(self):
        if isinstance(self.devices, Exception):
            raise self.devices
        return self.devices


class Ones:
    """A matrix on the device, whose sum is taken."""

    def __init__(self, total):
        self.total = total

    def __matmul__(self, other):
        return self

    def __add__(self, other):
        return self

    def sum(self):
        return self.total


@pytest.fixture
def machine(monkeypatch):
    """`machine(wheels, cupy)`: the distributions that are installed, and the module, its absence or its error."""

    def install(wheels, cupy):
        def import_module(name):
            assert name == "cupy"
            if isinstance(cupy, Exception):
                raise cupy
            return cupy

        found = [types.SimpleNamespace(metadata={"Name": name}) for name in ("numpy", "polykeras-cupy", *wheels)]
        monkeypatch.setattr(availability.metadata, "distributions", lambda: found)
        monkeypatch.setattr(availability, "find_spec", lambda name: cupy and object())
        monkeypatch.setattr(availability, "importlib", types.SimpleNamespace(import_module=import_module))

    return install


def cupy_module(version="14.0.1", total=12.0, **runtime):
    def ones(shape, dtype):
        if isinstance(total, Exception):
            raise total
        return Ones(total)

    cuda = types.SimpleNamespace(runtime=Runtime(**runtime))
    return types.SimpleNamespace(__version__=version, cuda=cuda, ones=ones)


def test_a_machine_that_computes_has_no_cause(machine):
    machine(["cupy-cuda13x"], cupy_module())
    assert CupyBackend.unavailable() is None


WHEEL, TWO = ["cupy-cuda13x"], ["cupy-cuda12x", "cupy-cuda13x"]
CASES = {
    "absent": ([], None, ["CuPy is not installed", "polykeras-cupy[cuda12]", "polykeras-cupy[cuda13]"]),
    "twice": (TWO, cupy_module(), ["cupy-cuda12x and cupy-cuda13x", "pip uninstall cupy-cuda12x cupy-cuda13x"]),
    "broken": (WHEEL, ImportError("libfoo.so: no such file\nmore"), ["ImportError: libfoo.so: no such file"]),
    "old": (WHEEL, cupy_module("13.6.0"), ["CuPy 14.0.1 or later", "installed is 13.6.0"]),
    "left out": (WHEEL, cupy_module("14.1.0"), ["not 14.1.0"]),
    "no driver": (WHEEL, cupy_module(driver=0), ["no NVIDIA driver is installed"]),
    "old driver": (WHEEL, cupy_module(driver=12080), ["supports CUDA 12.8 at most", "CUDA 13.2", "[cuda12]"]),
    "no device": (WHEEL, cupy_module(devices=0), ["CUDA finds no GPU"]),
    "hidden": (WHEEL, cupy_module(devices=RuntimeError("cudaErrorNoDevice: none")), ["no GPU", "cudaErrorNoDevice"]),
    "no libraries": (WHEEL, cupy_module(total=RuntimeError("libnvrtc.so.13")), ["libnvrtc.so.13", "cupy-cuda13x[ctk]"]),
    "wrong": (WHEEL, cupy_module(total=11.0), ["computes wrong numbers"]),
}


@pytest.mark.parametrize("case", CASES)
def test_every_cause_is_named(case, machine):
    wheels, cupy, words = CASES[case]
    machine(wheels, cupy)
    cause = CupyBackend.unavailable()
    assert [word for word in words if word not in cause] == [], cause


def test_hidden_devices_are_told_of(machine, monkeypatch):
    machine(WHEEL, cupy_module(devices=0))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert "CUDA_VISIBLE_DEVICES='-1'" in CupyBackend.unavailable()
