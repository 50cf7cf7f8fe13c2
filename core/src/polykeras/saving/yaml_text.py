"""Configurations as YAML text, both ways, by PyYAML's safe loader with one addition: Keras writes tuples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from polykeras.saving import encoding
from polykeras.saving.safety import UnsafeFileError

_TUPLE = "tag:yaml.org,2002:python/tuple"


def dumps(config: object, **options: Any) -> str:
    """YAML of a configuration; ``options`` go to ``yaml.dump``. Tuples stay tuples, by Keras's tag."""
    yaml = _pyyaml()

    class Dumper(yaml.SafeDumper):  # type: ignore[misc, name-defined]
        """Writes tuples under their tag."""

    Dumper.add_representer(tuple, _represent_tuple)
    text: str = yaml.dump(encoding.plain(config), **{"Dumper": Dumper, **options})
    return text


def loads(text: str, source: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The configuration in a YAML text from outside: bounded, checked, arrays restored; nothing is run.

    Tags other than Keras's tuples are refused, so no text makes an object or calls a function.
    """
    yaml = _pyyaml()
    encoding.check_length(text, source)

    class Loader(yaml.SafeLoader):  # type: ignore[misc, name-defined]
        """Reads tuples by their tag."""

    Loader.add_constructor(_TUPLE, _construct_tuple)
    try:
        config = yaml.load(text, Loader=Loader)
    except RecursionError:
        raise UnsafeFileError(f"{source}: the YAML is nested too deep.") from None
    except yaml.constructor.ConstructorError as error:
        raise UnsafeFileError(f"{source} holds a tag that is not read: {error.problem} {error.problem_mark}") from None
    except yaml.YAMLError as error:
        raise ValueError(f"{source} is no YAML: {error}") from None
    return encoding.checked(config, source, custom_objects)


def _represent_tuple(dumper: Any, value: tuple[Any, ...]) -> Any:
    return dumper.represent_sequence(_TUPLE, value)


def _construct_tuple(loader: Any, node: Any) -> tuple[Any, ...]:
    return tuple(loader.construct_sequence(node, deep=True))


def _pyyaml() -> Any:
    try:
        import yaml
    except ImportError:
        raise ImportError(
            "Models as YAML need PyYAML, which is not installed: pip install polykeras-core[yaml]. "
            "JSON (`to_json`, `model_from_json`) needs nothing."
        ) from None
    return yaml
