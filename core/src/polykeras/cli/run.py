"""`polykeras run script.py`: a script or a module written for Keras 2, as it is."""

from __future__ import annotations

import argparse
import os
import runpy
import sys

__all__ = ["add_parser", "run"]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `run`."""
    parser = commands.add_parser("run", help="run a script in which `import keras` means polykeras")
    parser.add_argument("-m", "--module", action="store_true", help="the target is a module's name, as for python -m")
    parser.add_argument("target", help="the script")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="the script's own arguments")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the target as Python would, after `polykeras.install_as_keras()`; processes that it starts have it too."""
    from polykeras import shim

    if not arguments.module and not os.path.exists(arguments.target):
        sys.stderr.write(f"polykeras run: there is no file {arguments.target}\n")
        return 2
    sys.argv = [arguments.target, *arguments.arguments]
    sys.path[0] = os.getcwd() if arguments.module else os.path.dirname(os.path.abspath(arguments.target))
    shim.install_as_keras()
    inherited = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([shim.FOLDER, inherited] if inherited else [shim.FOLDER])
    if arguments.module:
        runpy.run_module(arguments.target, run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(arguments.target, run_name="__main__")
    return 0
