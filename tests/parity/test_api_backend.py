"""K has every public function of Keras 2.2.4's backend, with its parameters, their order and their defaults."""

import ast
import inspect
import json

import pytest

from polykeras import backend as K
from tests.parity.golden import REFERENCE

API = json.loads((REFERENCE / "api.json").read_text()) if REFERENCE.is_dir() else {}
MEMBERS = API["modules"]["keras.backend"]["members"] if API else {}


@pytest.mark.parametrize("name", sorted(MEMBERS))
def test_member_is_there_with_its_parameters(name):
    recorded = MEMBERS[name]["params"]
    parameters = inspect.signature(getattr(K, name)).parameters
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    found = list(parameters.values())
    for place, parameter in enumerate(p for p in recorded if not p["name"].startswith("*")):
        mine = found[place] if place < len(found) else None
        assert mine is not None or open_ended
        if mine is None or mine.kind is mine.VAR_KEYWORD:
            continue
        assert mine.name == parameter["name"]
        if "default" in parameter:
            assert mine.default == ast.literal_eval(parameter["default"])
        else:
            assert mine.default is mine.empty
