"""The engine's public names and signatures against those of Keras 2.2.4."""

import importlib
import inspect
import json

import pytest

from tests.parity.golden import REFERENCE

MODULES = (
    "engine", "engine.base_layer", "engine.input_layer", "engine.network", "engine.sequential", "engine.topology",
    "engine.training_utils", "models",
)  # fmt: skip
ELSEWHERE = {"ask_to_proceed_with_overwrite", "has_arg", "is_all_none", "object_list_uid", "print_layer_summary"}
"""Helpers that Keras's modules merely import from its `utils`."""
TESTED_ELSEWHERE = ("keras.utils", "keras.engine.training")


def recorded():
    path = REFERENCE / "api.json"
    return json.loads(path.read_text())["modules"] if path.is_file() else {}


def members():
    modules = recorded()
    return [
        pytest.param(f"polykeras.{module}", name, member, id=f"{module}.{name}")
        for module in MODULES
        if modules
        for name, member in modules[f"keras.{module}"]["members"].items()
        if name not in ELSEWHERE and not str(member.get("defined_in", "")).startswith(TESTED_ELSEWHERE)
    ]


def shown(function):
    """A signature as the record writes it: without `self`, annotations, and what is keyword-only."""
    kept = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in inspect.signature(function).parameters.values()
        if parameter.name not in ("self", "cls") and parameter.kind is not inspect.Parameter.KEYWORD_ONLY
    ]
    return str(inspect.Signature(kept))


@pytest.mark.parametrize("module, name, member", members())
def test_member(module, name, member):
    ours = getattr(importlib.import_module(module), name)
    if member.get("kind") == "function":
        assert shown(ours) == member["signature"]
    elif member.get("kind") == "class":
        assert shown(ours.__init__) == member["signature"]
        for method, record in member.get("own_methods", {}).items():
            if not method.startswith("__"):
                assert shown(getattr(ours, method)) == record["signature"], method
        for described in member.get("own_properties", ()):
            attribute, _, settable = described.partition(" ")
            found = inspect.getattr_static(ours, attribute)
            assert isinstance(found, property) and (found.fset is not None or not settable), attribute
