"""Objects to and from configurations, custom objects, and small helpers for lists and arguments.

Making an object of a configuration never imports a name that the configuration chose: only what the caller hands over
(`custom_objects`, `module_objects`), what `get_custom_objects()` holds, and registries are searched.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from polykeras import suggest
from polykeras._faces import lazy

if TYPE_CHECKING:
    from polykeras.utils.progbar import Progbar

__all__ = [
    "CustomObjectScope",
    "Progbar",
    "custom_object_scope",
    "deserialize_keras_object",
    "func_dump",
    "func_load",
    "get_custom_objects",
    "has_arg",
    "is_all_none",
    "object_list_uid",
    "serialize_keras_object",
    "slice_arrays",
    "to_list",
    "transpose_shape",
    "unpack_singleton",
]

__getattr__, __dir__ = lazy(__name__, {"Progbar": "polykeras.utils.progbar:Progbar"})

# -- custom objects ----------------------------------------------------------------------------------------------------

_custom_objects: dict[str, Any] = {}


def get_custom_objects() -> dict[str, Any]:
    """The custom objects of this process by name: a dictionary to be read and changed."""
    return _custom_objects


class CustomObjectScope:
    """A context in which further names are custom objects; at its end they are as they were at its beginning.

        with CustomObjectScope({"Gate": Gate}):
            model = load_model(path)

    Takes any number of dictionaries; later ones win. The scope is of the process, not of a thread.
    """

    def __init__(self, *args: Mapping[str, Any]) -> None:
        self.custom_objects = args
        self._before: list[dict[str, Any]] = []

    def __enter__(self) -> CustomObjectScope:
        self._before.append(dict(_custom_objects))
        for objects in self.custom_objects:
            _custom_objects.update(objects)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        before = self._before.pop()
        _custom_objects.clear()
        _custom_objects.update(before)


def custom_object_scope(*args: Mapping[str, Any]) -> CustomObjectScope:
    """`CustomObjectScope(*args)`, spelt as a function."""
    return CustomObjectScope(*args)


# -- configurations ----------------------------------------------------------------------------------------------------


class Names(Protocol):
    """Where names are searched: a registry, or what looks names up as one does."""

    def find(self, name: str) -> Any: ...

    def unknown_text(self, name: object) -> str: ...


def serialize_keras_object(instance: Any) -> Any:
    """What describes an object in a configuration: None for None, `{"class_name", "config"}`, or a function's name.

    Raises ValueError for an object that has neither `get_config` nor a name.
    """
    if instance is None:
        return None
    if hasattr(instance, "get_config"):
        return {"class_name": type(instance).__name__, "config": instance.get_config()}
    if hasattr(instance, "__name__"):
        return instance.__name__
    raise ValueError(f"Cannot serialize {instance!r}: it has neither a method get_config nor a __name__.")


def deserialize_keras_object(
    identifier: Any,
    module_objects: Mapping[str, Any] | Names | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    printable_module_name: str = "object",
) -> Any:
    """The object that `identifier` describes.

    A dictionary `{"class_name", "config"}` gives an instance, made by the class's `from_config`, or by calling it with
    the config where it has none. A string gives what is known by that name. The name is searched in `custom_objects`,
    in `get_custom_objects()` and in `module_objects` (a mapping or a registry), in this order.

    Raises ValueError for an unknown name and for an identifier of another form; `printable_module_name` is the word
    for the kind of object in their texts.
    """
    if isinstance(identifier, str):
        return _look_up(identifier, module_objects, custom_objects, printable_module_name)
    if not isinstance(identifier, Mapping):
        raise ValueError(
            f"Could not interpret serialized {printable_module_name}: {identifier!r}. "
            f"Expected a name or a dictionary with the keys 'class_name' and 'config'."
        )
    if "class_name" not in identifier or "config" not in identifier:
        raise ValueError(
            f"Improper config format: {identifier!r}. Expected a dictionary with the keys 'class_name' and 'config'."
        )
    name, config = identifier["class_name"], identifier["config"]
    if not isinstance(name, str):
        raise ValueError(f"Improper config format: 'class_name' should be a string; got: {name!r}")
    maker = _look_up(name, module_objects, custom_objects, printable_module_name)
    if not hasattr(maker, "from_config"):
        with CustomObjectScope(custom_objects or {}):
            return maker(**config)
    if has_arg(maker.from_config, "custom_objects"):
        return maker.from_config(config, custom_objects={**_custom_objects, **(custom_objects or {})})
    with CustomObjectScope(custom_objects or {}):
        return maker.from_config(config)


def _look_up(
    name: str, module_objects: Mapping[str, Any] | Names | None, custom_objects: Mapping[str, Any] | None, kind: str
) -> Any:
    for objects in (custom_objects, _custom_objects):
        if objects and name in objects:
            return objects[name]
    if module_objects is None:
        found = None
    elif isinstance(module_objects, Mapping):
        found = _from_mapping(module_objects, name)
    else:
        found = module_objects.find(name)
    if found is None:
        raise ValueError(_unknown_text(name, module_objects, kind))
    return found


def _from_mapping(objects: Mapping[str, Any], name: str) -> Any:
    """What a mapping has under `name`. Of a module's `globals()`, only what that module is meant to offer.

    Otherwise a configuration could name, and call, any function that the module happens to import.
    """
    found = objects.get(name)
    module = objects.get("__name__")
    if isinstance(module, str) and "__builtins__" in objects:
        offered = callable(found) and (getattr(found, "__module__", None) == module or hasattr(found, "from_config"))
        return found if offered else None
    return found


def _unknown_text(name: str, module_objects: Mapping[str, Any] | Names | None, kind: str) -> str:
    if module_objects is not None and not isinstance(module_objects, Mapping):
        return module_objects.unknown_text(name)
    nearest = suggest.nearest(name, {*_custom_objects, *(module_objects or {})})
    advice = f" Did you mean {nearest!r}?" if nearest else ""
    return f"Unknown {kind}: {name}.{advice} A {kind} of your own is found when it is passed in `custom_objects`."


# -- code in files -----------------------------------------------------------------------------------------------------


def func_dump(func: Callable[..., Any]) -> Any:
    """Raises NotImplementedError: the code of a function is never written down, see `func_load`."""
    raise NotImplementedError(
        f"func_dump({getattr(func, '__name__', func)!r}): polykeras writes no marshalled code, which one version of "
        "Python only can run, and unseen. Name the function instead: register it, or hand it to the loader in "
        "`custom_objects`."
    )


def func_load(
    code: Any,
    defaults: Sequence[Any] | None = None,
    closure: Sequence[Any] | None = None,
    globs: Mapping[str, Any] | None = None,
) -> Any:
    """Raises NotImplementedError: marshalled code is never run, wherever it comes from."""
    raise NotImplementedError(
        "func_load: polykeras runs no marshalled code: it could do anything. Define the function again, and hand it to "
        "the loader in `custom_objects`."
    )


# -- arguments and lists -----------------------------------------------------------------------------------------------


def has_arg(fn: Callable[..., Any], name: str, accept_all: bool = False) -> bool:
    """Whether `fn` can be called with the keyword `name`; `accept_all`: also where it takes any by `**kwargs`."""
    parameters = inspect.signature(fn).parameters
    parameter = parameters.get(name)
    if parameter is not None and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
        return True
    return accept_all and any(other.kind is other.VAR_KEYWORD for other in parameters.values())


def to_list(x: Any, allow_tuple: bool = False) -> list[Any]:
    """`x` itself if it is a list, a list of a tuple's elements if `allow_tuple`, else `[x]`."""
    if isinstance(x, list):
        return x
    if allow_tuple and isinstance(x, tuple):
        return list(x)
    return [x]


def unpack_singleton(x: Any) -> Any:
    """The element of a list or tuple that has just one; else `x`."""
    return x[0] if len(x) == 1 else x


def is_all_none(iterable_or_element: Any) -> bool:
    """Whether the element, or every element of a list or tuple, is None."""
    return all(element is None for element in to_list(iterable_or_element, allow_tuple=True))


def object_list_uid(object_list: Any) -> str:
    """A string that is equal for lists of identical objects, while these live."""
    return ", ".join(str(abs(id(element))) for element in to_list(object_list))


def slice_arrays(arrays: Any, start: Any = None, stop: int | None = None) -> Any:
    """`array[start:stop]` of an array or of each array of a list; `start` may be a list of indices instead.

    None among the arrays stays None. Raises ValueError for a list of indices together with `stop`.
    """
    if arrays is None:
        return [None]
    if isinstance(start, list) and stop is not None:
        raise ValueError("`stop` has no meaning where `start` is a list of indices; got both.")
    if isinstance(arrays, list):
        return [None if array is None else _rows(array, start, stop) for array in arrays]
    return _rows(arrays, start, stop)


def _rows(array: Any, start: Any, stop: int | None) -> Any:
    if hasattr(start, "__len__"):
        return array[start.tolist() if hasattr(start, "shape") else start]
    return array[start:stop]


def transpose_shape(shape: Any, target_format: str, spatial_axes: Sequence[int]) -> Any:
    """A channels-last `shape`, a tuple or a list, written in `target_format`: `'channels_first'` or `'channels_last'`.

    `spatial_axes` are the indices of the spatial dims; those before them (batch, time) stay in front.
    """
    if target_format == "channels_last":
        return shape
    if target_format != "channels_first":
        raise ValueError(
            f'The `data_format` argument must be one of "channels_first", "channels_last". Received: {target_format!r}'
        )
    return type(shape)([*shape[: spatial_axes[0]], shape[-1], *(shape[axis] for axis in spatial_axes)])
