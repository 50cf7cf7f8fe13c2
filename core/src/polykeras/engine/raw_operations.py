"""Backend operations between layers: made into layers when a model is made of them.

`Model(i, K.square(i))` or `Dense(3)(a + b)`: the operations that lie between the tensors made by layers become one
`BackendOperations` layer for each tensor that is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Self

from polykeras import backend as K
from polykeras import initializers
from polykeras.engine.base_layer import Layer
from polykeras.engine.names import numbered
from polykeras.engine.operations_config import described, is_phase, rebuilt, variables_in
from polykeras.engine.shared_variables import together, variable_of
from polykeras.runtime.variables import Counter, Variable, counter
from polykeras.symbolic import dtypes
from polykeras.symbolic.graph import Key, Node, Tensor, topological
from polykeras.symbolic.op import PLACEHOLDER
from polykeras.utils.generic_utils import to_list


class BackendOperations(Layer):
    """The operations that lead from `sources` to `result`, as a layer: called on other tensors, it does them on these.

    The variables among them are its weights, trained where they are floats, except what is a weight of another layer of
    the model. Its config holds the operations by name (`engine.operations_config`), so models with such layers are
    saved, loaded and cloned like others.
    """

    supports_masking = True

    def __init__(self, sources: list[Tensor], result: Tensor, name: str | None = None, trainable: bool = True):
        super().__init__(name=name or numbered(result.node.op.name), trainable=trainable)
        self.sources = sources
        self.result = result
        self.uses_learning_phase = any(map(is_phase, topological([result], stop={t.key for t in sources})))
        self._loans: list[_Loan] = []
        self.leave_to_others(())
        self.built = True

    @property
    def variables(self) -> list[Variable]:
        """The variables that the operations read, whosesoever they are; without the counters of random operations."""
        return [v for v in variables_in(self.sources, self.result) if not isinstance(v, Counter)]

    def leave_to_others(self, owned: Iterable[Key]) -> None:
        """Take the variables as weights, except those whose keys are in `owned`: they belong to other layers."""
        owned = set(owned)
        own = [variable for variable in self.variables if variable.key not in owned]
        self.trainable_weights = [variable for variable in own if _is_trained(variable)]
        self.non_trainable_weights = [variable for variable in own if not _is_trained(variable)]

    def call(self, inputs: Any) -> Tensor:  # type: ignore[override]
        return replayed(self.result, dict(zip([t.key for t in self.sources], to_list(inputs), strict=True)))

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """None: what an operation does to time steps is not known."""

    # -- configs -----------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """`name`, `trainable`, and the operations. NotImplementedError for some that no config can hold."""
        with together():
            operations = described(self.name, self.sources, self.result, variables_in(self.sources, self.result))
        return {**super().get_config(), **operations}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """The layer that `get_config` described, with fresh weights."""
        loans: list[_Loan] = []

        def variable(entry: Mapping[str, Any]) -> Tensor:
            if "layer" not in entry:
                return variable_of(entry["variable"], lambda: _made(entry))
            stand_in: Tensor = K.placeholder(dtype=entry["dtype"], shape=entry["shape"])
            loans.append(_Loan(stand_in, entry["layer"], entry["weight"], _as_shapes(entry["built_for"])))
            return stand_in

        with together(), K.name_scope(config["name"]):
            sources, result = rebuilt(config, variable)
        layer = cls(sources, result, name=config["name"], trainable=config["trainable"])
        layer._loans = loans
        return layer

    @property
    def lenders(self) -> list[str]:
        """Names of the layers whose weights the operations still have to be given by `borrow`."""
        return [loan.layer for loan in self._loans]

    def borrow(self, layers: Mapping[str, Layer]) -> None:
        """Take the weights of other layers that the config names from `layers`, which are built where need be.

        ValueError where there is no such layer or weight.
        """
        found: dict[Key, Tensor] = {}
        for loan in self._loans:
            layer = layers.get(loan.layer)
            if layer is None:
                raise ValueError(
                    f"The operations '{self.name}' use a weight of '{loan.layer}', a layer the model lacks."
                )
            with layer._scope():
                layer._ensure_built(loan.built_for)
            weights = layer.weights
            if not 0 <= loan.weight < len(weights):
                raise ValueError(
                    f"The operations '{self.name}' use weight {loan.weight} of '{loan.layer}', "
                    f"which has {len(weights)}."
                )
            found[loan.stand_in.key] = weights[loan.weight]
        self.result = replayed(self.result, found)
        self._loans = []


class _Loan(NamedTuple):
    """A weight of another layer: what stands for it until that layer is there, and for which shapes it is built."""

    stand_in: Tensor
    layer: str
    weight: int
    built_for: Any


def _as_shapes(value: Sequence[Any]) -> Any:
    """A shape, or a list of them, out of JSON."""
    return list(map(tuple, value)) if value and isinstance(value[0], list | tuple) else tuple(value)


def weight_owners(layers: Iterable[Layer]) -> dict[Key, tuple[Layer, int]]:
    """For each weight of the layers that are no backend operations, the layer and the weight's place there."""
    owners: dict[Key, tuple[Layer, int]] = {}
    for layer in layers:
        if not isinstance(layer, BackendOperations):
            for index, weight in enumerate(layer.weights):
                owners.setdefault(weight.key, (layer, index))
    return owners


def leave_weights_to_owners(layers: Sequence[Layer]) -> None:
    """Take from the backend operations among the layers the variables that are weights of other layers."""
    operations = [layer for layer in layers if isinstance(layer, BackendOperations)]
    if operations:
        owned = weight_owners(layers)
        for layer in operations:
            layer.leave_to_others(owned)


def _is_trained(variable: Variable) -> bool:
    return variable.trainable and dtypes.is_float(variable.spec.dtype)


def _made(entry: Mapping[str, Any]) -> Variable:
    """A new variable as a config describes it: a matrix random, others zero, until weights are loaded."""
    if entry["kind"] == Counter.__name__:
        return counter(entry["name"])
    shape = tuple(entry["shape"])
    random = len(shape) > 1 and dtypes.is_float(entry["dtype"])
    initial = initializers.get("glorot_uniform" if random else "zeros")(shape, dtype=entry["dtype"])
    made: Variable = K.variable(initial, dtype=entry["dtype"], name=entry["name"])
    made.trainable = entry["trainable"]
    return made


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
    return any(map(is_phase, topological(tensors)))
