"""A graph of tensors in TensorBoard's own description of one, a GraphDef."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from tensorboardX.proto.attr_value_pb2 import AttrValue
from tensorboardX.proto.graph_pb2 import GraphDef
from tensorboardX.proto.node_def_pb2 import NodeDef
from tensorboardX.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboardX.proto.versions_pb2 import VersionDef

from polykeras.extend import topological

LONGEST_ATTRIBUTE = 200  # characters


def graph_of(tensors: Iterable[Any]) -> Any:
    """The GraphDef of all that `tensors` are computed from.

    A node's name is the path of its layer, then its op and number; placeholders and variables have their own names.
    """
    names: dict[Any, str] = {}
    taken: set[str] = set()
    nodes = []
    for node in topological(tensors):
        names[node] = _unique(_name(node), taken)
        inputs = [_reference(names[tensor.node], tensor.index) for tensor in node.inputs]
        nodes.append(
            NodeDef(name=names[node], op=node.op.name, input=inputs, device=node.device or "", attr=_attributes(node))
        )
    return GraphDef(node=nodes, versions=VersionDef(producer=22))


def _name(node: Any) -> str:
    given = node.attrs.get("name")
    if given:
        return _clean(str(given).partition(":")[0])
    own = f"{node.op.name}_{node.serial}"
    return _clean(f"{node.layer}/{own}" if node.layer else own)


def _clean(name: str) -> str:
    """The name with characters that TensorBoard takes."""
    return re.sub(r"[^A-Za-z0-9_.\-/]", "_", name).strip("/") or "unnamed"


def _unique(name: str, taken: set[str]) -> str:
    number, unique = 0, name
    while unique in taken:
        number += 1
        unique = f"{name}_{number}"
    taken.add(unique)
    return unique


def _reference(name: str, output: int) -> str:
    return f"{name}:{output}" if output else name


def _attributes(node: Any) -> dict[str, Any]:
    """The dtype, the shapes of the outputs, and what is known of the op's attributes as text."""
    shapes = AttrValue.ListValue(shape=[_shape(spec.shape) for spec in node.specs])
    attributes = {
        "_output_shapes": AttrValue(list=shapes),
        "dtype": AttrValue(s=node.specs[0].dtype.encode()),
    }
    for name, value in node.attrs.items():
        if isinstance(value, (bool, int, float, str, tuple)) and name != "name":
            attributes[name] = AttrValue(s=repr(value)[:LONGEST_ATTRIBUTE].encode())
    return attributes


def _shape(shape: Any) -> Any:
    if shape is None:
        return TensorShapeProto(unknown_rank=True)
    return TensorShapeProto(dim=[TensorShapeProto.Dim(size=-1 if size is None else size) for size in shape])
