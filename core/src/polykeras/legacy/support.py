"""Keras 2's own decorators for Keras 1's spellings, which layers and optimizers of third parties wear.

    class Lookahead(Optimizer):
        @interfaces.legacy_get_updates_support
        def get_updates(self, loss, params): ...

They are made of `respell`. Those for the arguments of layers come with the layers, as `legacy.layer_interfaces`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

from polykeras.legacy.interfaces import Arguments, Call, rename, respell, warn_caller

__all__ = [
    "generate_legacy_interface",
    "legacy_add_weight_support",
    "legacy_generator_methods_support",
    "legacy_get_updates_support",
    "legacy_input_support",
    "legacy_model_constructor_support",
    "raise_duplicate_arg_error",
]

Preprocessor = Callable[[tuple[Any, ...], dict[str, Any]], tuple[Sequence[Any], dict[str, Any], list[Any]]]


def generate_legacy_interface(
    allowed_positional_args: Sequence[str] | None = None,
    conversions: Iterable[tuple[str, str]] | None = None,
    preprocessor: Preprocessor | None = None,
    value_conversions: Mapping[str, Mapping[Any, Any]] | None = None,
    object_type: str = "class",
) -> Callable[[Call], Call]:
    """A decorator for a call that may be spelt in another way.

    allowed_positional_args: the names of the only arguments that may be given by position; None: any.
    conversions:             pairs (old name, new name).
    preprocessor:            `(args, kwargs) -> (args, kwargs, converted)`, first of all; warns where `converted`.
    value_conversions:       name of an argument, old or new -> {old value: new value}.
    object_type:             "class" where the call has a `self` or `cls`, else "method".
    """
    names = dict(conversions or ())
    values = {names.get(name, name): table for name, table in (value_conversions or {}).items()}

    def decorate(function: Call) -> Call:
        inner = respell(keras1=names, values=values)(function)

        @functools.wraps(inner)
        def respelled(*args: Any, **kwargs: Any) -> Any:
            converted: list[Any] = []
            if preprocessor is not None:
                args, kwargs, converted = preprocessor(args, kwargs)  # type: ignore[assignment]
            owner = type(args[0]).__name__ if object_type == "class" else function.__name__
            if allowed_positional_args is not None and len(args) > len(allowed_positional_args) + 1:
                raise TypeError(
                    f"`{owner}` can accept only {len(allowed_positional_args)} positional arguments "
                    f"{tuple(allowed_positional_args)}, but you passed the following positional arguments: "
                    f"{list(args[1:])}"
                )
            if converted:
                given = ", ".join(f"{new}=..." for new, _ in converted)
                warn_caller(f"Update your `{owner}` call to the Keras 2 API: `{owner}({given})`")
            return inner(*args, **kwargs)

        return respelled  # type: ignore[return-value]

    return decorate


def raise_duplicate_arg_error(old_arg: str, new_arg: str) -> NoReturn:
    """The error for a call that has an argument in both spellings."""
    raise TypeError(
        f"For the `{new_arg}` argument, the layer received both the legacy keyword argument `{old_arg}` and the "
        f"Keras 2 keyword argument `{new_arg}`. Stick with the latter!"
    )


def keras1_add_weight(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments | None:
    """Keras 1's order: `add_weight(shape, initializer, name=...)`."""
    if len(args) > 1 and isinstance(args[1], list | tuple):
        order = ("shape", "initializer", "regularizer", "trainable", "constraint")
        return args[:1], {**dict(zip(order, args[1:], strict=False)), **kwargs}
    return None


def _keras1_get_updates(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments | None:
    """Keras 1's order: `get_updates(params, constraints, loss)`; constraints are the variables' own now."""
    optimizer, *given = args
    if not given or not isinstance(given[0], list | tuple):
        return None
    named = dict(zip(("params", "constraints", "loss"), given, strict=False))
    named.pop("constraints", None)
    return (optimizer,), {**kwargs, **named}


legacy_add_weight_support = respell(convert=keras1_add_weight)
legacy_get_updates_support = respell(convert=_keras1_get_updates)
legacy_input_support = rename(input_dtype="dtype")
legacy_model_constructor_support = rename(input="inputs", output="outputs")
legacy_generator_methods_support = rename(
    samples_per_epoch="steps_per_epoch",
    val_samples="steps",
    nb_epoch="epochs",
    nb_val_samples="validation_steps",
    nb_worker="workers",
    pickle_safe="use_multiprocessing",
    max_q_size="max_queue_size",
)
