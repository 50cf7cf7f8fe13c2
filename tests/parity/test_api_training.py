"""The public names and signatures of training against those of Keras 2.2.4."""

import importlib

import pytest

from tests.parity.golden import REFERENCE
from tests.parity.test_api_engine import recorded, shown

MODULES = ("losses", "metrics", "optimizers", "callbacks", "engine.training", "utils.np_utils", "utils.vis_utils")


def members():
    modules = recorded()
    return [
        pytest.param(f"polykeras.{module}", name, member, id=f"{module}.{name}")
        for module in MODULES
        if modules
        for name, member in modules[f"keras.{module}"]["members"].items()
    ]


def test_the_record_is_there():
    if not REFERENCE.is_dir():
        pytest.skip("no reference data")
    assert len(members()) > 80


@pytest.mark.parametrize(("module", "name", "member"), members())
def test_member(module, name, member):
    ours = getattr(importlib.import_module(module), name)
    if member.get("kind") == "function":
        assert shown(ours) == member["signature"]
    elif member.get("kind") == "class":
        if "signature" in member and name not in ("Model", "Callback", "History", "TerminateOnNaN", "Optimizer"):
            assert shown(ours.__init__) == member["signature"]
        for method, record in member.get("own_methods", {}).items():
            if not method.startswith("_"):
                assert shown(getattr(ours, method)) == record["signature"], method
