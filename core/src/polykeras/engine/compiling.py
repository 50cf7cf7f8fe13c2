"""What `compile` makes of its arguments: for each output a loss, metrics and weights, and from these the total loss.

The total loss is   Σ over outputs of  loss_weight · mean(loss(y_true, y_pred) · weight)  + the layers' own losses,
where a sample's weight is divided by the share of samples whose weight is not 0, and masked values count as absent.

The graph is built without sample weights: their factor is a constant 1, which costs nothing. `weighted` copies it with
the weights in that place when somebody uses them; both share the variables, the optimizer's state among them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from polykeras import backend as K
from polykeras import losses
from polykeras import metrics as metrics_module
from polykeras.engine.terms import AddedMetric
from polykeras.legacy.interfaces import warn_caller
from polykeras.losses.objects import of_rank
from polykeras.suggest import nearest
from polykeras.symbolic.body import substitute
from polykeras.symbolic.graph import layer_scope

Shape = tuple[int | None, ...]
Objective = Callable[[Any, Any], Any]


@dataclass
class OutputPlan:
    """All that `compile` knows of one output of the model."""

    name: str
    tensor: Any
    shape: Shape
    mask: Any
    loss: Objective | None
    loss_weight: float
    weight_mode: str | None
    metrics: list[Any] = field(default_factory=list)
    weighted_metrics: list[Any] = field(default_factory=list)
    target: Any = None
    target_is_fed: bool = True
    weights: Any = None  # a placeholder
    factor: Any = None  # what values are multiplied by: 1, in whose place `weighted` puts the weights
    each: Any = None  # the same, but for the weights as they are given, not divided by the share of those not 0

    @property
    def trained(self) -> bool:
        """Whether the output has a loss, and so a target."""
        return self.loss is not None

    @property
    def target_shape(self) -> Shape | None:
        """The shape that targets must have, or None where a loss of the user's own may take any."""
        function = losses.function_of(self.loss)
        if function is losses.sparse_categorical_crossentropy:
            return (*self.shape[:-1], 1)
        known = getattr(losses, getattr(function, "__name__", ""), None)
        return self.shape if known is not None else None


@dataclass
class Measures:
    """The tensors that training and evaluation compute, in the order of their names."""

    total_loss: Any
    names: list[str]
    tensors: list[Any]  # without the total loss
    updates: list[Any]  # of metrics with state
    stateful: dict[str, Any]  # by name what is not averaged over batches: metrics with state; None for a bare value


# -- one setting per output ------------------------------------------------------------------------------------------


def losses_by_output(loss: Any, names: Sequence[str]) -> list[Objective | None]:
    """A loss function, or None, for each output, from what `compile(loss=...)` was given."""
    if isinstance(loss, Mapping) and set(loss) != {"class_name", "config"}:
        refuse_unknown_keys(loss, names, "loss")
        for name in names:
            if name not in loss:
                warn_caller(
                    f'Output "{name}" missing from loss dictionary. We assume this was done on purpose, and we will '
                    f'not be expecting any data to be passed to "{name}" during training.',
                    UserWarning,
                )
        return [losses.get(loss.get(name)) for name in names]
    if isinstance(loss, (list, tuple)):
        check_length(loss, names, "loss")
        return [losses.get(one) for one in loss]
    return [losses.get(loss)] * len(names)


def loss_weights_by_output(loss_weights: Any, names: Sequence[str]) -> list[float]:
    """A factor for each output, from what `compile(loss_weights=...)` was given."""
    if loss_weights is None:
        return [1.0] * len(names)
    if isinstance(loss_weights, Mapping):
        refuse_unknown_keys(loss_weights, names, "loss_weights")
        return [loss_weights.get(name, 1.0) for name in names]
    if isinstance(loss_weights, (list, tuple)):
        check_length(loss_weights, names, "loss_weights")
        return list(loss_weights)
    raise TypeError(f"Could not interpret loss_weights argument: {loss_weights!r}. Expected a list or a dict.")


def weight_modes_by_output(modes: Any, names: Sequence[str], trained: Sequence[bool]) -> list[str | None]:
    """None or "temporal" for each output, from what `compile(sample_weight_mode=...)` was given."""
    if isinstance(modes, Mapping):
        refuse_unknown_keys(modes, names, "sample_weight_mode")
        for name, used in zip(names, trained, strict=True):
            if used and name not in modes:
                raise ValueError(f'Output "{name}" missing from sample_weight_modes dictionary: {dict(modes)!r}')
        found = [modes.get(name) for name in names]
    elif isinstance(modes, (list, tuple)):
        check_length(modes, names, "sample_weight_mode")
        found = list(modes)
    else:
        found = [modes] * len(names)
    for mode in found:
        if mode not in (None, "temporal"):
            raise ValueError(f'sample_weight_mode should be None or "temporal". Found: {mode!r}')
    return found


def metrics_by_output(metrics: Any, names: Sequence[str], argument: str = "metrics") -> list[list[Any]]:
    """A list of metrics for each output, from what `compile(metrics=...)` was given."""
    if not metrics:
        return [[] for _ in names]
    if isinstance(metrics, Mapping):
        for name in metrics:
            if name not in names:
                warn_caller(
                    f'Unknown entry in {argument} dictionary: "{name}". The outputs are: {list(names)}',
                    UserWarning,
                )
        return [_as_list(metrics.get(name, [])) for name in names]
    if isinstance(metrics, (list, tuple)):
        if all(isinstance(one, (list, tuple)) for one in metrics):
            check_length(metrics, names, argument)
            return [list(one) for one in metrics]
        return [list(metrics) for _ in names]
    raise TypeError(f"Type of `{argument}` argument not understood. Expected a list or dictionary, found: {metrics!r}")


def targets_by_output(target_tensors: Any, names: Sequence[str]) -> list[Any]:
    """A tensor to be used as target, or None, for each output, from what `compile(target_tensors=...)` was given."""
    if target_tensors is None:
        return [None] * len(names)
    if isinstance(target_tensors, Mapping):
        refuse_unknown_keys(target_tensors, names, "target_tensors")
        return [target_tensors.get(name) for name in names]
    if isinstance(target_tensors, (list, tuple)):
        check_length(target_tensors, names, "target_tensors")
        return list(target_tensors)
    if K.is_tensor(target_tensors) and len(names) == 1:
        return [target_tensors]
    raise TypeError(
        f"Expected `target_tensors` to be a list or dict of {len(names)} tensors (or the one tensor of a model with "
        f"one output), but got: {target_tensors!r}"
    )


def refuse_unknown_keys(given: Mapping[str, Any], names: Sequence[str], argument: str) -> None:
    """ValueError for a key of a dict by output that names no output."""
    for key in given:
        if key not in names:
            near = nearest(str(key), names)
            advice = f' Did you mean "{near}"?' if near else ""
            raise ValueError(
                f'Unknown entry in {argument} dictionary: "{key}". '
                f"Only expected the following keys: {list(names)}.{advice}"
            )


def check_length(given: Sequence[Any], names: Sequence[str], argument: str) -> None:
    """ValueError for a list by output of another length than there are outputs."""
    if len(given) != len(names):
        raise ValueError(
            f"When passing a list as {argument}, it should have one entry per model output. The model has {len(names)} "
            f"outputs ({', '.join(names)}), but you passed {argument}={list(given)!r}"
        )


# -- the graph of losses and metrics ---------------------------------------------------------------------------------


def make_placeholders(plan: OutputPlan, inputs: Sequence[Any] = ()) -> None:
    """The target and the sample weights of an output with a loss, of a model with these inputs."""
    if plan.target is None:
        plan.target = K.placeholder(
            ndim=len(plan.shape),
            name=plan.name + "_target",
            dtype=K.dtype(plan.tensor),
            sparse=K.is_sparse(plan.tensor),
        )
        if plan.target_shape is not None:
            plan.target._keras_shape = plan.target_shape  # what metrics may rely on; data is checked against it
    elif not K.is_placeholder(plan.target) or any(plan.target is one for one in inputs):
        plan.target_is_fed = False
        return  # whoever computes the targets can weigh them there
    rank = 2 if plan.weight_mode == "temporal" else 1
    plan.weights = K.placeholder(ndim=rank, name=plan.name + "_sample_weights")
    plan.factor = _one(rank)
    plan.each = _one(rank)


def _one(rank: int) -> Any:
    """1, as a tensor that is told from every other"""
    return K.ones_like(K.constant(np.zeros((1,) * rank, dtype=K.floatx())))


def weighted(tensors: Sequence[Any], plans: Sequence[OutputPlan]) -> list[Any]:
    """Copies of tensors of the training graph that depend on the sample weights of the outputs."""
    factors = {}
    for plan in plans:
        if plan.weights is not None:
            share = K.mean(K.cast(K.not_equal(plan.weights, 0.0), K.floatx()))
            factors[plan.factor.key] = plan.weights / share
            factors[plan.each.key] = plan.weights
    return substitute(list(tensors), factors)


def measures(plans: Sequence[OutputPlan], own_losses: Sequence[Any], added: Sequence[AddedMetric] = ()) -> Measures:
    """The total loss, the outputs' losses where there are several outputs, and the metrics.

    own_losses, added: what layers and the model have added as losses and as metrics.

    Raises ValueError where there is nothing to minimise.
    """
    result = Measures(total_loss=None, names=["loss"], tensors=[], updates=[], stateful={})
    for plan in plans:
        if plan.loss is None:
            continue
        with layer_scope(f"{plan.name}_loss"):
            loss = _loss_value(plan)
            share = loss if plan.loss_weight == 1 else plan.loss_weight * loss
            result.total_loss = share if result.total_loss is None else result.total_loss + share
        if len(plans) > 1:
            result.names.append(f"{plan.name}_loss")
            result.tensors.append(loss)
    for one in own_losses:
        own = one if one.ndim == 0 else K.mean(one)
        result.total_loss = own if result.total_loss is None else result.total_loss + own
    if result.total_loss is None:
        raise ValueError("The model cannot be compiled because it has no loss to optimize.")
    for plan in plans:
        if plan.loss is None:
            continue
        prefix = f"{plan.name}_" if len(plans) > 1 else ""
        for metric in plan.metrics:
            _add_metric(result, plan, metric, prefix, by_weight=False)
        for metric in plan.weighted_metrics:
            _add_metric(result, plan, metric, prefix, by_weight=True)
    for one in added:
        name = unique(one.name, result.names)
        result.names.append(name)
        result.tensors.append(one.value)
        result.updates += one.updates
        if not one.averaged:
            result.stateful[name] = one.metric
    return result


def _loss_value(plan: OutputPlan) -> Any:
    """The loss of an output: the mean of its values, or what a loss object makes of them."""
    if not isinstance(plan.loss, losses.Loss):
        assert plan.loss is not None
        return averaged(plan.loss)(plan.target, plan.tensor, plan.factor, plan.mask)
    if plan.loss.reduction == losses.Reduction.SUM:
        return plan.loss(plan.target, plan.tensor, _sample_weights(plan.each, plan.mask))
    return averaged(plan.loss.call)(plan.target, plan.tensor, plan.factor, plan.mask)


def averaged(function: Objective) -> Callable[..., Any]:
    """A function of `(y_true, y_pred, factor=None, mask=None)` whose result is the mean of `function`'s values.

    factor: per sample, or per sample and time step; values along further axes are averaged before it is applied.
    mask: masked values count neither above nor below the fraction line.
    """

    def average(y_true: Any, y_pred: Any, factor: Any = None, mask: Any = None) -> Any:
        values = function(y_true, y_pred)
        if mask is not None:
            present = K.cast(mask, K.floatx())
            values = values * present / (K.mean(present) + K.epsilon())
        if factor is not None:
            extra = list(range(factor.ndim, values.ndim))
            values = (K.mean(values, axis=extra) if extra else values) * factor
        return K.mean(values)

    return average


def _add_metric(result: Measures, plan: OutputPlan, metric: Any, prefix: str, by_weight: bool) -> None:
    function, name = named_metric(metric, plan)
    function = _unshared(function, result)
    name = unique(prefix + ("weighted_" if by_weight else "") + name, result.names)
    earlier = len(getattr(function, "updates", ()))
    with layer_scope(name):
        value = _metric_value(function, plan, by_weight)
    result.names.append(name)
    result.tensors.append(value)
    if getattr(function, "stateful", False) and hasattr(function, "reset_states"):
        result.stateful[name] = function
        result.updates += list(function.updates)[earlier:]


def _metric_value(function: Any, plan: OutputPlan, by_weight: bool) -> Any:
    """A metric on an output: what one with state says, or the mean of a function's values."""
    if not hasattr(function, "update_state"):
        return averaged(function)(plan.target, plan.tensor, plan.factor if by_weight else None, plan.mask)
    weights = _sample_weights(plan.each if by_weight else None, plan.mask)
    return function(plan.target, plan.tensor, **({} if weights is None else {"sample_weight": weights}))


def _sample_weights(weights: Any, mask: Any) -> Any:
    """Weights per sample, or per sample and time step, that are 0 where the mask says so; None for all 1."""
    if mask is None:
        return weights
    present = K.cast(mask, K.floatx())
    return present if weights is None else present * of_rank(weights, mask.ndim)


def _unshared(function: Any, result: Measures) -> Any:
    """A metric with state; a copy of it where it is at work on another output of the model already."""
    if isinstance(function, metrics_module.Metric) and any(function is used for used in result.stateful.values()):
        return type(function).from_config(function.get_config())
    return function


def named_metric(metric: Any, plan: OutputPlan) -> tuple[Any, str]:
    """The function of a metric, and its name in logs.

    "accuracy" ("acc") and "crossentropy" ("ce") mean the binary, sparse categorical or categorical function, by the
    output's loss and shape.
    """
    if isinstance(metric, str) and metric in ("accuracy", "acc", "crossentropy", "ce"):
        kind, short = ("accuracy", "acc") if metric in ("accuracy", "acc") else ("crossentropy", "ce")
        return metrics_module.get(f"{_category(plan)}_{kind}"), short
    function = metrics_module.get(metric)
    name = getattr(function, "__name__", None) or getattr(function, "name", None) or type(function).__name__
    return function, str(name)


def _category(plan: OutputPlan) -> str:
    function = losses.function_of(plan.loss)
    if plan.shape[-1] == 1 or function is losses.binary_crossentropy:
        return "binary"
    return "sparse_categorical" if function is losses.sparse_categorical_crossentropy else "categorical"


def unique(name: str, taken: Sequence[str]) -> str:
    """`name`, or the first of `name_1`, `name_2`, ... that is not taken."""
    candidate, count = name, 0
    while candidate in taken:
        count += 1
        candidate = f"{name}_{count}"
    return candidate


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]
