"""`polykeras plugins`: what is plugged in, by distribution, and what of it failed."""

from __future__ import annotations

import argparse
import inspect
import json
import textwrap
from itertools import groupby
from typing import Any

from polykeras import distributions, plugins
from polykeras.cli import inventory
from polykeras.cli.inventory import Entry

__all__ = ["add_parser", "run"]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `plugins`."""
    parser = commands.add_parser("plugins", help="what is plugged in, by distribution, and what of it failed")
    parser.add_argument("--json", action="store_true", help="for programs: everything, as JSON")
    parser.add_argument("--hooks", action="store_true", help="the hooks, and the plugins that answer them")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Load every plugin and print what came of it."""
    entries = inventory.take()
    if arguments.json:
        print(json.dumps(_as_data(entries, arguments.hooks), indent=2))
    else:
        print(_hooks_text() if arguments.hooks else _entries_text(entries))
    return 0


def _entries_text(entries: list[Entry]) -> str:
    parts = []
    for origin, brought in groupby(sorted(entries, key=_by_origin), _origin):
        entries_of = list(brought)
        disabled = entries_of[0].status == "disabled"
        parts.append(f"{origin}{'  (disabled: not listed in POLYKERAS_PLUGINS)' if disabled else ''}")
        for group, members in groupby(entries_of, _group):
            names = ", ".join(_marked(entry) for entry in members)
            title = f"  {_short(group)}: "
            parts.append(textwrap.fill(names, 100, initial_indent=title, subsequent_indent=" " * len(title)))
        parts += [
            f"  FAILED {entry.claim.name} ({entry.claim.group}): {entry.reason}"
            for entry in entries_of
            if entry.status == "failed"
        ]
    return "\n".join(parts) or "Nothing is plugged in."


def _hooks_text() -> str:
    answering = _answering()
    parts = []
    for name, hook in plugins.hook_functions().items():
        arguments = ", ".join(inspect.signature(hook).parameters)
        doc = textwrap.indent(inspect.getdoc(hook) or "", "    ")
        answers = ", ".join(answering[name]) or "none"
        parts.append(f"{name}({arguments})\n{doc}\n    Plugins that answer it: {answers}")
    return "\n\n".join(parts)


def _as_data(entries: list[Entry], with_hooks: bool) -> dict[str, Any]:
    data: dict[str, Any] = {
        "entry_points": [
            {
                "group": entry.claim.group,
                "name": entry.claim.name,
                "value": entry.claim.value,
                "distribution": entry.claim.distribution,
                "version": entry.claim.version,
                "status": entry.status,
                "reason": entry.reason,
            }
            for entry in entries
        ]
    }
    if with_hooks:
        data["hooks"] = _answering()
    return data


def _answering() -> dict[str, list[str]]:
    """The names of the plugins that answer each hook."""
    manager = plugins.manager()
    return {
        name: [found.plugin_name for found in getattr(manager.hook, name).get_hookimpls()]
        for name in plugins.hook_functions()
    }


def _by_origin(entry: Entry) -> tuple[bool, str, str, str]:
    ours = entry.claim.distribution in distributions.FIRST_PARTY
    return ours, entry.claim.origin, entry.claim.group, entry.claim.name


def _origin(entry: Entry) -> str:
    return entry.claim.origin


def _group(entry: Entry) -> str:
    return entry.claim.group


def _short(group: str) -> str:
    return "hooks" if group == plugins.GROUP else group.removeprefix("polykeras.")


def _marked(entry: Entry) -> str:
    return f"{entry.claim.name} (failed)" if entry.status == "failed" else entry.claim.name
