"""How a model was compiled, and its optimizer's state, in a model file.

What is missing or wrong here costs the training state, never the weights: those are set before this part is read.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from polykeras.saving import encoding
from polykeras.saving.attributes import load_attributes_from_hdf5_group
from polykeras.saving.weights import save_variables

if TYPE_CHECKING:
    import h5py

    from polykeras.engine.training import Model
    from polykeras.registry import Registry
    from polykeras.saving.gate import CheckedGroup

_SPECIAL_METRICS = {"accuracy", "acc", "crossentropy", "ce"}
"""Metric names that stand for another one, by the loss and the shapes of the output."""


# -- Writing -----------------------------------------------------------------------------------------------------------


def save_training_state(file: h5py.Group, model: Model) -> None:
    """Write the compile arguments of a compiled model, and its optimizer's weights if there are any yet."""
    text = describe(model)
    if text is None:
        return
    file.attrs["training_config"] = text.encode("utf8")
    if model.optimizer.weights:
        save_variables(file.create_group("optimizer_weights"), model.optimizer.weights)


def describe(model: Model) -> str | None:
    """The compile arguments as JSON; None, with a warning, for an optimizer that has no configuration."""
    optimizer = _optimizer_config(model.optimizer)
    if optimizer is None:
        warnings.warn(
            f"{type(model.optimizer).__name__} cannot be described by a configuration, so the file holds the model "
            "without its compile arguments and its optimizer's state.",
            stacklevel=4,
        )
        return None
    return encoding.dumps({
        "optimizer_config": {"class_name": type(model.optimizer).__name__, "config": optimizer},
        "loss": model.loss,
        "metrics": model.metrics,
        "sample_weight_mode": model.sample_weight_mode,
        "loss_weights": model.loss_weights,
    })  # fmt: skip


def _optimizer_config(optimizer: Any) -> dict[str, Any] | None:
    """The optimizer's configuration; None for one that has none."""
    if not hasattr(optimizer, "get_config"):
        return None
    try:
        config: dict[str, Any] = optimizer.get_config()
    except NotImplementedError:
        return None
    return config


# -- Reading -----------------------------------------------------------------------------------------------------------


def restore_training_state(file: CheckedGroup, model: Model, custom_objects: Mapping[str, Any]) -> None:
    """Compile a loaded model as the saved one was, and give the optimizer its weights.

    Raises ValueError for a loss, metric or optimizer whose name nobody knows: `custom_objects` is the remedy. Any other
    failure is a warning, and leaves the model not compiled, or its optimizer fresh.
    """
    text = file.text("training_config")
    if text is None:
        warnings.warn(
            "No training configuration found in save file: the model was *not* compiled. Compile it manually.",
            stacklevel=3,
        )
        return
    config = encoding.loads(text, f"{file.source}, training_config")
    if not isinstance(config, dict):
        raise ValueError(f"{file.source}: training_config should be a dictionary; got: {config!r:.200}")
    _refuse_unknown_names(config, custom_objects)
    try:
        _compile(model, config, custom_objects)
    except Exception as error:  # noqa: BLE001  whatever an optimizer or a loss raises, the weights are worth having
        warnings.warn(
            f"The model was loaded with its weights but *not* compiled, as its training configuration failed: {error} "
            "Compile it manually.",
            stacklevel=3,
        )
        return
    if "optimizer_weights" in file:
        _restore_optimizer(file.group("optimizer_weights"), model)


def _compile(model: Model, config: dict[str, Any], custom_objects: Mapping[str, Any]) -> None:
    from polykeras import optimizers

    model.compile(
        optimizer=optimizers.deserialize(config["optimizer_config"], custom_objects=custom_objects),
        loss=config.get("loss"),
        metrics=config.get("metrics"),
        loss_weights=config.get("loss_weights"),
        sample_weight_mode=config.get("sample_weight_mode"),
    )


def _restore_optimizer(group: CheckedGroup, model: Model) -> None:
    model._make_train_function()  # The optimizer makes its weights when it is asked for updates.
    values = [group.array(name) for name in load_attributes_from_hdf5_group(group, "weight_names")]
    try:
        model.optimizer.set_weights(values)
    except ValueError as error:
        warnings.warn(
            "Error in loading the saved optimizer state. As a result, your model is starting with a freshly "
            f"initialized optimizer. ({error})",
            stacklevel=4,
        )


def _refuse_unknown_names(config: dict[str, Any], custom_objects: Mapping[str, Any]) -> None:
    from polykeras import registry

    optimizer = config.get("optimizer_config")
    searches: tuple[tuple[Any, tuple[Registry, ...]], ...] = (
        (optimizer.get("class_name") if isinstance(optimizer, dict) else None, (registry.optimizers,)),
        (config.get("loss"), (registry.losses,)),
        (config.get("metrics"), (registry.metrics, registry.losses)),
    )
    for names, registries in searches:
        for name in _names(names):
            if not _is_known(name, registries, custom_objects):
                raise ValueError(
                    f"{registries[0].unknown_text(name)} The saved model was compiled with it: pass it in "
                    f"`custom_objects={{{name!r}: ...}}`, or load with `compile=False`."
                )


def _names(value: object) -> Iterator[str]:
    """The names in a loss or metrics argument: a name, a list, a dictionary by output, or a serialized object."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        if isinstance(value.get("class_name"), str):
            yield value["class_name"]
        else:
            for item in value.values():
                yield from _names(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _names(item)


def _is_known(name: str, registries: tuple[Registry, ...], custom_objects: Mapping[str, Any]) -> bool:
    """Whether a name can be had here, or could be if a distribution were installed (then compiling says which)."""
    from polykeras import distributions
    from polykeras.utils.generic_utils import get_custom_objects

    if name in _SPECIAL_METRICS or name in custom_objects or name in get_custom_objects():
        return True
    return any(name in known or distributions.bringer(known.group, name) is not None for known in registries)
