"""Backend operations as plain data, and back.

A graph between tensors is written as a list of operations in the order in which they can be done:

    {"inputs": [["float32", [None, 4]]],                              dtype and shape; may end in "sparse"
     "variables": [{"variable": 0, "name": "w", "dtype": "float32", "shape": [4, 2], "kind": ...},
                   {"layer": "dense_1", "weight": 0, ...}],                      of a layer of the same model
     "operations": [{"op": "matmul", "inputs": [["input", 0], ["variable", 0]], "attributes": {...}},
                    {"op": "constant", "value": 2.0, "dtype": "float32"},
                    {"op": "multiply", "inputs": [["operation", 0, 0], ["operation", 1, 0]]}],
     "output": ["operation", 2, 0]}

An operation is the name of a registered op and its attributes: numbers, strings, tuples, and bodies, which are written
in the same way. Reading builds these ops and nothing else, so no config can bring code.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from polykeras import backend as K
from polykeras import plugins
from polykeras.engine.shared_variables import number_of, owner_of
from polykeras.runtime.variables import Variable
from polykeras.suggest import nearest
from polykeras.symbolic.body import Body, Trace
from polykeras.symbolic.graph import Key, Node, Tensor, topological
from polykeras.symbolic.op import CONSTANT, OPS, PLACEHOLDER, VARIABLE, Op, constant
from polykeras.symbolic.ops.control import ASSIGNMENTS
from polykeras.symbolic.spec import Spec

CONSTANT_BYTES = 4 << 20
"""The largest array that is written into a config; variables lie among the weights."""

_PHASE = "keras_learning_phase"

Reference = list[Any]
References = dict[Key, Reference]


# -- writing -------------------------------------------------------------------------------------------------------


def described(name: str, sources: Sequence[Tensor], result: Tensor, variables: Sequence[Variable]) -> dict[str, Any]:
    """The operations of layer `name` from `sources` to `result`.

    Raises NotImplementedError for what cannot be written: assignments, sparse or very large constants.
    """
    known: References = {tensor.key: ["input", i] for i, tensor in enumerate(sources)}
    known |= {variable.key: ["variable", i] for i, variable in enumerate(variables)}
    return {
        "inputs": [_written_spec(tensor) for tensor in sources],
        "variables": [_written_variable(variable) for variable in variables],
        "operations": _written(name, [result], known),
        "output": known[result.key],
    }


def _written_spec(tensor: Tensor) -> list[Any]:
    return [tensor.spec.dtype, K.int_shape(tensor), *(["sparse"] if tensor.spec.sparse else [])]


def _written_variable(variable: Variable) -> dict[str, Any]:
    form = {"dtype": variable.spec.dtype, "shape": list(variable.spec.shape or ())}
    owner = owner_of(variable)
    if owner is not None:
        return {"layer": owner[0].name, "weight": owner[1], "built_for": owner[0].get_input_shape_at(0), **form}
    return {
        "variable": number_of(variable),
        "name": variable.name.partition(":")[0].rpartition("/")[2],
        **form,
        "kind": type(variable).__name__,
        "trainable": variable.trainable,
    }


def _written(name: str, results: Sequence[Tensor], known: References) -> list[dict[str, Any]]:
    """The operations that lead to `results`; what is known grows by them."""
    operations: list[dict[str, Any]] = []
    for node in topological(results, stop=known.keys()):
        if is_phase(node):
            known[node, 0] = ["phase"]
            continue
        known.update({(node, i): ["operation", len(operations), i] for i in range(len(node.specs))})
        operations.append(_written_node(name, node, known))
    return operations


def is_phase(node: Node) -> bool:
    """Whether the node is the learning phase."""
    return node.op is PLACEHOLDER and node.attrs.get("name") == _PHASE


def _written_node(name: str, node: Node, known: References) -> dict[str, Any]:
    if node.op is CONSTANT:
        return {"op": CONSTANT.name, **_written_constant(name, node)}
    if node.op in ASSIGNMENTS or OPS.get(node.op.name) is not node.op:
        raise _cannot(name, f"`{node.op.name}` ({node.where()})", "Put it into a layer of your own")
    entry: dict[str, Any] = {"op": node.op.name, "inputs": [known[tensor.key] for tensor in node.inputs]}
    attributes = {key: _written_attribute(name, value) for key, value in node.attrs.items()}
    return {**entry, "attributes": attributes} if attributes else entry


def _written_attribute(name: str, value: Any) -> Any:
    if isinstance(value, Body):
        return {"body": _written_body(name, value)}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    if isinstance(value, tuple | list):
        return [_written_attribute(name, element) for element in value]
    return value.item() if isinstance(value, np.generic) else value


def _written_body(name: str, body: Body) -> dict[str, Any]:
    known: References = {tensor.key: ["parameter", i] for i, tensor in enumerate(body.parameters)}
    operations = _written(name, body.outputs, known)
    return {
        "parameters": [[tensor.spec.dtype, tensor.spec.shape] for tensor in body.parameters],
        "captures": len(body.captures),
        "operations": operations,
        "outputs": [known[tensor.key] for tensor in body.outputs],
    }


def _written_constant(name: str, node: Node) -> dict[str, Any]:
    value, spec = node.attrs["value"], node.attrs["spec"]
    if spec.sparse:
        raise _cannot(name, "a sparse constant", "Feed it as an `Input(sparse=True)`")
    if isinstance(value, tuple):
        return {"sizes": list(value), "dtype": spec.dtype}
    if not hasattr(value, "dtype"):
        return {"value": _written_attribute(name, value), "dtype": spec.dtype}
    array = np.asarray(value, dtype=spec.dtype)
    if array.nbytes > CONSTANT_BYTES:
        raise _cannot(name, f"a constant of {array.nbytes:,} bytes", "Make it a `K.variable`, kept among the weights")
    if array.ndim == 0:
        return {"value": _written_attribute(name, array.item()), "dtype": spec.dtype}
    data = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"))).tobytes()
    return {"shape": list(array.shape), "dtype": spec.dtype, "base64": base64.b64encode(data).decode("ascii")}


def _cannot(name: str, what: str, advice: str) -> NotImplementedError:
    return NotImplementedError(
        f"The operations '{name}' stand in the model as backend calls and hold {what}, which no config can hold. "
        f"{advice}; `save_weights` and `load_weights` work as it is."
    )


# -- reading -------------------------------------------------------------------------------------------------------


def rebuilt(config: Mapping[str, Any], variable: Callable[[Mapping[str, Any]], Tensor]) -> tuple[list[Tensor], Tensor]:
    """The graph that `described` wrote: placeholders for its inputs, and the result.

    variable: makes or finds a variable from its description.
    Raises ValueError, with the operation at fault, for what is no such description.
    """
    try:
        inputs = [K.placeholder(shape, dtype=dtype, sparse=bool(rest)) for dtype, shape, *rest in config["inputs"]]
        variables = [variable(entry) for entry in config["variables"]]
        known = {("input", i): t for i, t in enumerate(inputs)} | {("variable", i): t for i, t in enumerate(variables)}
        _build(config["operations"], known)
        return inputs, _known(known, config["output"])
    except (AttributeError, KeyError, IndexError, TypeError) as error:
        raise ValueError(f"The config of these backend operations is malformed: {error!r}") from error


Tensors = dict[tuple[Any, ...], Tensor]


def _known(known: Tensors, reference: Sequence[Any]) -> Tensor:
    if list(reference) == ["phase"]:
        phase = K.learning_phase()
        return phase if isinstance(phase, Tensor) else constant(bool(phase), "bool")
    return known[tuple(reference)]


def _build(operations: Iterable[Mapping[str, Any]], known: Tensors) -> None:
    for index, entry in enumerate(operations):
        for output, tensor in enumerate(_built(index, entry, known)):
            _check_value(index, tensor.spec)
            known["operation", index, output] = tensor


def _built(index: int, entry: Mapping[str, Any], known: Tensors) -> Sequence[Tensor]:
    name = entry["op"]
    if name == CONSTANT.name:
        return [_read_constant(entry)]
    op = _op(name)
    if op is None or op in ASSIGNMENTS:
        near = nearest(str(name), list(OPS))
        raise ValueError(
            f"Operation {index} is '{name}', which is no op of this installation that a config may name."
            + (f" Did you mean '{near}'?" if near else "")
        )
    inputs = tuple([_known(known, reference) for reference in entry["inputs"]])
    if not op.variadic and len(inputs) != len(op.operands):
        raise ValueError(f"Operation {index}: '{name}' takes {len(op.operands)} inputs, got {len(inputs)}.")
    attributes = {key: _read_attribute(value, inputs) for key, value in entry.get("attributes", {}).items()}
    made = op.build(inputs, op._bind(attributes))
    return made if isinstance(made, tuple) else [made]


def _op(name: Any) -> Op | None:
    """The registered op of that name, those that plugins bring included."""
    if name not in OPS:
        brought: list[Op] = []
        plugins.call("polykeras_ops", register=brought.append)
    return OPS.get(name)


def _check_value(index: int, spec: Spec) -> None:
    """Sizes are computed while a graph is built: none that no array could have."""
    values = spec.value if isinstance(spec.value, tuple) else (spec.value,)
    if any(value is not None and abs(value) >> 63 for value in values):
        raise ValueError(f"Operation {index} computes a size of more than 63 bits.")


def _read_attribute(value: Any, inputs: Sequence[Tensor]) -> Any:
    if isinstance(value, Mapping):
        return float(value["float"]) if "float" in value else _read_body(value["body"], inputs)
    if isinstance(value, list | tuple):
        return tuple([_read_attribute(element, inputs) for element in value])
    return value


def _read_body(config: Mapping[str, Any], inputs: Sequence[Tensor]) -> Body:
    with Trace("operations of a config") as trace:
        parameters = tuple(
            trace.parameter(Spec(None if shape is None else tuple(shape), dtype))
            for dtype, shape in config["parameters"]
        )
        known: Tensors = {("parameter", i): tensor for i, tensor in enumerate(parameters)}
        _build(config["operations"], known)
        outputs = tuple(_known(known, reference) for reference in config["outputs"])
    count = int(config["captures"])
    if not 0 <= count <= min(len(inputs), len(parameters)):
        raise ValueError(f"A body that takes {len(parameters)} values cannot hold {count} of {len(inputs)}.")
    # Which tensors it captures its op's inputs say; of these here only the number counts.
    return Body(parameters, tuple(inputs[len(inputs) - count :]), outputs, trace.nodes)


def _read_constant(entry: Mapping[str, Any]) -> Tensor:
    dtype = entry["dtype"]
    if "sizes" in entry:
        return constant(tuple(entry["sizes"]), dtype)
    if "value" in entry:
        return constant(_read_attribute(entry["value"], ()), dtype)
    data = base64.b64decode(entry["base64"], validate=True)
    array = np.frombuffer(data, np.dtype(dtype).newbyteorder("<")).reshape(entry["shape"])
    return constant(array.astype(dtype), dtype)


def variables_in(sources: Sequence[Tensor], result: Tensor) -> list[Variable]:
    """The variables that the operations from `sources` to `result` read, each once."""
    found: dict[Key, Variable] = {}
    for node in topological([result], stop={tensor.key for tensor in sources}):
        for tensor in node.inputs:
            if tensor.node.op is VARIABLE and isinstance(tensor, Variable):
                found.setdefault(tensor.key, tensor)
    return list(found.values())
