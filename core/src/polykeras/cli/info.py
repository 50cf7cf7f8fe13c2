"""`polykeras info`: the version, the backend and why it was chosen, the defaults."""

from __future__ import annotations

import argparse
import platform

from polykeras.cli.tables import columns

__all__ = ["add_parser", "run"]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `info`."""
    parser = commands.add_parser("info", help="the version, the backend and why it was chosen, the defaults")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the settings in force. Loads no backend."""
    import polykeras
    from polykeras import config, entrypoints, registry
    from polykeras.runtime import select

    choice = select.why()
    absent = ":" not in choice.name and choice.name not in registry.backends
    file = config.config_file()
    print(
        columns(
            [
                ("polykeras", polykeras.__version__),
                ("backend", f"{choice}{', which is not usable: see `polykeras doctor`' if absent else ''}"),
                ("floatx", config.floatx()),
                ("epsilon", str(config.epsilon())),
                ("image_data_format", config.image_data_format()),
                ("configuration file", f"{file}{'' if file.exists() else ' (absent)'}"),
                ("python", platform.python_version()),
                ("numpy", entrypoints.version_of("numpy") or "not installed"),
            ]
        )
    )
    return 0
