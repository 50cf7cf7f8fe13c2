"""Backend operations between layers: made into layers when a model is made of them.

`Model(i, K.square(i))` or `Dense(3)(a + b)`: the operations that lie between the tensors made by layers become one
`BackendOperations` layer for each tensor that is used.
"""

from __future__ import annotations

from typing import Any

from polykeras import backend as K
from polykeras.engine.base_layer import Layer
from polykeras.engine.names import numbered
from polykeras.symbolic.graph import Key, Node, Tensor, topological
from polykeras.symbolic.op import PLACEHOLDER
from polykeras.utils.generic_utils import to_list


class BackendOperations(Layer):
    """The operations that lead from `sources` to `result`, as a layer: called on other tensors, it does them on these.

    A variable among them is used as it is, and is no weight of the layer.
    """

    supports_masking = True

    def __init__(self, sources: list[Tensor], result: Tensor, name: str | None = None):
        super().__init__(name=name or numbered(result.node.op.name))
        self.sources = sources
        self.result = result
        self.built = True

    def call(self, inputs: Any) -> Tensor:  # type: ignore[override]
        return replayed(self.result, dict(zip([t.key for t in self.sources], to_list(inputs), strict=True)))

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """None: what an operation does to time steps is not known."""

    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError(
            f"The operations '{self.name}' stand in the model as backend calls, outside any layer, and cannot be "
            f"written to a config. Put them into a `Lambda` layer or a layer of your own; "
            f"`save_weights` and `load_weights` work as it is."
        )

    def copied(self) -> BackendOperations:
        """Another layer that does the same."""
        return BackendOperations(self.sources, self.result, name=self.name)


def capture(tensor: Tensor) -> bool:
    """Make the operations that lead from layers' outputs to `tensor` a layer, whose output it then is.

    Returns False, and does nothing, if it depends on no layer's output: then it is a constant. ValueError if it depends
    on a placeholder that is no `Input`.
    """
    sources, foreign = _sources(tensor)
    if foreign:
        raise ValueError(
            f"Graph disconnected: {tensor!r} depends on {foreign[0]!r}, a placeholder that is not an `Input`. "
            f"Make it with `Input(...)` and pass it among the model's `inputs`."
        )
    if not sources:
        return False
    layer = BackendOperations(sources, tensor)
    layer._add_inbound_node(
        sources, [tensor], [None] * len(sources), [None], [K.int_shape(t) for t in sources], [K.int_shape(tensor)]
    )
    return True


def _sources(tensor: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """The layers' outputs from which `tensor` is computed, and the placeholders that belong to no layer."""
    sources: dict[Key, Tensor] = {}
    foreign: dict[Key, Tensor] = {}
    seen: set[Node] = set()
    pending = [tensor]
    while pending:
        t = pending.pop()
        if hasattr(t, "_keras_history"):
            sources.setdefault(t.key, t)
        elif t.node.op is PLACEHOLDER and t.node.attrs["value"] is None:
            foreign.setdefault(t.key, t)
        elif t.node not in seen:
            seen.add(t.node)
            pending.extend(t.node.inputs)
    return sorted(sources.values(), key=_age), list(foreign.values())


def _age(tensor: Tensor) -> tuple[int, int]:
    return tensor.node.serial, tensor.index


def replayed(result: Tensor, values: dict[Key, Tensor]) -> Tensor:
    """`result` computed anew with other tensors in the place of those named in `values`; what none changes is kept."""
    done: dict[Key, Tensor] = dict(values)
    for node in topological([result], stop=values.keys()):
        if not any(t.key in done for t in node.inputs):
            continue
        made = node.op.build(tuple(done.get(t.key, t) for t in node.inputs), dict(node.attrs))
        for index, tensor in enumerate(made if isinstance(made, tuple) else (made,)):
            done[node, index] = tensor
    return done.get(result.key, result)


def depends_on_learning_phase(tensors: list[Tensor]) -> bool:
    """Whether the learning phase is among what the tensors are computed from."""
    phase = K.learning_phase()
    return isinstance(phase, Tensor) and any(node is phase.node for node in topological(tensors))
