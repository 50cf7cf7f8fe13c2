"""`polykeras backends`: which backends there are, whether they work here, and what each op is on each."""

from __future__ import annotations

import argparse
from typing import Any

from polykeras.cli.tables import columns

__all__ = ["add_parser", "run"]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `backends`."""
    parser = commands.add_parser("backends", help="the installed backends, and those that could be")
    parser.add_argument("--check", action="store_true", help="also load each backend and say whether it works here")
    parser.add_argument("--table", action="store_true", help="load each backend and print what each op is on it")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the backends. Loads them for `--check` and `--table` only."""
    from polykeras.runtime import select

    chosen = select.why()
    rows = [(*row, _works(row[0]) if arguments.check and row[3] == "installed" else row[3]) for row in _rows()]
    print(columns((name, where, version, status) for name, where, version, _, status in rows))
    print(f"\nIn use: {chosen}")
    if arguments.table:
        print("\n" + _table([name for name, *_, state, _ in rows if state == "installed"]))
    return 0


def _rows() -> list[tuple[str, str, str, str]]:
    """Name, distribution, version and state of the installed backends and of the known ones that are not."""
    from polykeras import distributions, registry
    from polykeras.runtime import select

    group = registry.backends.group
    installed = select.installed()
    rows = []
    for name, claims in installed.items():
        enabled = [claim for claim in claims if distributions.is_enabled(claim.distribution)]
        for claim in claims:
            state = "installed" if len(enabled) == 1 else f"name claimed by {len(enabled)} distributions"
            if claim not in enabled:
                state = "disabled: not listed in POLYKERAS_PLUGINS"
            rows.append((name, claim.distribution, claim.version, state))
    for name, distribution in distributions.known_names(group).items():
        if name not in installed:
            rows.append((name, distribution, "-", f"not installed: {distributions.install_line(distribution)}"))
    return rows


def _works(name: str) -> str:
    from polykeras.runtime import select

    try:
        select.resolve(name)
    except select.BackendError as error:
        return str(error)
    return "works"


# -- the support table -------------------------------------------------------------------------------------------------


def _table(names: list[str]) -> str:
    """One line per op, one column per backend that can be loaded, then the reasons for the limits."""
    from polykeras.runtime import select

    loaded: dict[str, Any] = {}
    refused = []
    for name in names:
        try:
            loaded[name] = select.load_class(name)
        except select.BackendError as error:
            refused.append(str(error))
    rows = [("op", *loaded), *((op.name, *(_support(found, op) for found in loaded.values())) for op in _ops())]
    limits = [
        f"{name}: {limit.op}{f' ({limit.dtype})' if limit.dtype else ''}: {limit.reason}"
        for name, found in loaded.items()
        for limit in found.limits
    ]
    parts = [columns(rows)]
    if limits:
        parts.append("limited:\n  " + "\n  ".join(limits))
    return "\n\n".join([*parts, *refused])


def _support(backend: Any, op: Any) -> str:
    """What an op is on a backend: native, lowered to other ops, or a host step; limited where the backend says so."""
    if backend.has_method(op.name):
        kind = "native"
    else:
        kind = "lowered" if op.lower_rule is not None else "on the host"
    return f"{kind}, limited" if any(limit.op == op.name for limit in backend.limits) else kind


def _ops() -> list[Any]:
    """All ops, by name. Importing the files of `symbolic/ops` declares them."""
    import importlib
    import pkgutil

    from polykeras.symbolic import ops
    from polykeras.symbolic.op import OPS

    for file in pkgutil.iter_modules(ops.__path__, f"{ops.__name__}."):
        importlib.import_module(file.name)
    return [OPS[name] for name in sorted(OPS)]
