"""The command line: `polykeras info | backends | plugins | doctor | cache | docs | run | demo`, and what plugins add.

A command is a subparser whose default `run` is a function from the parsed arguments to the exit status (None: 0). Only
the command that was chosen does any work; plugins are loaded for their commands, and for `--help`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import polykeras
from polykeras.cli import backends, cache, docs, doctor, info, plugins, run
from polykeras.plugins import call

__all__ = ["main"]

_OWN = (info, backends, plugins, doctor, cache, docs, run)
_DEMO = "demo"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status. `arguments` are those of the process where None."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    chosen = next((word for word in given if not word.startswith("-")), None)
    parsed = _parser(chosen).parse_args(given)
    try:
        return parsed.run(parsed) or 0
    except BrokenPipeError:  # the reader, such as `head`, has had enough
        sys.stderr.close()
        return 0


def _parser(chosen: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="polykeras", description="Keras's API on backends that plug in.")
    parser.add_argument("--version", action="version", version=f"polykeras {polykeras.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="command", required=True)
    for module in _OWN:
        module.add_parser(commands)
    if chosen == _DEMO:
        from polykeras import demo

        demo.add_parser(commands)
    else:
        commands.add_parser(_DEMO, help="train a small network on handwritten digits, and show what it learned")
    if chosen not in commands.choices:
        call("polykeras_commands", subparsers=commands)
    return parser
