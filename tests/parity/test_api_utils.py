"""The public names and signatures of utils, preprocessing and wrappers against those of Keras 2.2.4."""

import importlib
import inspect

import pytest

from tests.parity.golden import REFERENCE
from tests.parity.test_api_engine import recorded, shown

PARTS = ("keras.utils", "keras.preprocessing.sequence", "keras.preprocessing.text", "keras.wrappers")


def members():
    for module, facts in recorded().items():
        if not module.startswith(PARTS):
            continue
        for name, member in facts["members"].items():
            yield pytest.param(module.replace("keras", "polykeras", 1), name, member, id=f"{module}.{name}")


def test_the_record_is_there():
    if not REFERENCE.is_dir():
        pytest.skip("no reference data")
    assert len(list(members())) >= 80


@pytest.mark.parametrize(("module", "name", "member"), list(members()))
def test_member(module, name, member):
    found = getattr(importlib.import_module(module), name)
    if member.get("kind") == "function":
        assert shown(found) == member["signature"]
    elif member.get("kind") == "class":
        if "signature" in member and name != "Model":
            assert shown(found.__init__) == member["signature"]
        for method, record in member.get("own_methods", {}).items():
            if not method.startswith("_"):
                assert shown(getattr(found, method)) == record["signature"], method
            assert callable(getattr(found, method)), method
        for described in member.get("own_properties", ()):
            assert isinstance(inspect.getattr_static(found, described.partition(" ")[0]), property), described
    elif member.get("kind") == "module":
        assert inspect.ismodule(found)
