"""The hooks: acts that many plugins may add to. Signatures and docstrings are the whole contract.

A plugin is a module under the entry-point group `polykeras`, with functions named as the hooks here:

    [project.entry-points.polykeras]
    gates = "polykeras_gates.plugin"

A function takes as many of its hook's arguments as it needs, by their names. A function whose name begins with
`polykeras_` and is no hook is an error of the plugin. To order calls, mark a function with
`pluggy.HookimplMarker("polykeras")`. Plugins are loaded when the first hook is called, not at `import polykeras`.
"""

from __future__ import annotations

from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any


def polykeras_ops(register: Callable[[Any], None]) -> None:
    """Add ops: call `register(op)` for each op made with `polykeras.extend.op`."""


def polykeras_kernels(backend_name: str, register: Callable[[str, Callable[..., Any]], None]) -> None:
    """Add kernels for the backend `backend_name`: call `register(op_name, kernel)` for each.

    A backend's own method for the op comes first, a registered kernel before the op's lowering.
    """


def polykeras_passes(backend_name: str, register: Callable[[Callable[[Any], Any]], None]) -> None:
    """Add passes for the backend `backend_name`: call `register(rewrite)`, a function from a program to a program.

    A pass may change the lists of the program that it is given and return None; steps and values are shared with other
    programs and must be replaced, not changed. Passes run in the order of their registration: when ops without a kernel
    have been lowered, and before the backend's own passes fuse and plan. The bodies of loops and branches pass them
    too.
    """


def polykeras_commands(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add commands to `polykeras`: `subparsers.add_parser(name, help=...).set_defaults(run=function)`.

    `function(arguments)` gets the parsed arguments and returns the exit status, None for 0.
    """


def polykeras_train_begin(model: Any) -> None:
    """Act before `model` is trained: called once by each `fit` and `fit_generator`, before its first callback."""


def polykeras_train_end(model: Any, history: Any) -> None:
    """Act after `model` was trained: `history` is the History that `fit` returns. Not called when training raised."""


def polykeras_gradients(model: Any, gradients: Sequence[Any], variables: Sequence[Any]) -> Sequence[Any] | None:
    """Replace gradients between differentiation and updates, while the training graph is built.

    `gradients` and `variables` are symbolic and belong together in order. Return as many gradients, or None to leave
    them. Plugins are called one after the other, each with what the one before it returned.
    """


def polykeras_saving(model: Any, path: str | PathLike[str]) -> None:
    """Act before `model` is written to `path`; an exception stops the saving, and the file stays as it was."""


def polykeras_saved(model: Any, path: str | PathLike[str]) -> None:
    """Act after `model` was written to `path`; the file is complete."""
