"""A page for each registry: what is registered, from where, with signature and docstring."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from polykeras import registry
from polykeras.registry import Registry

WIDTH = 100  # of a signature, in characters
PREFIX = "all-"

# For each registry the page's title, and what all that is in it has in common.
KINDS = {
    "backends": (
        "Backends",
        "`POLYKERAS_BACKEND=name`, `polykeras.set_backend(name)` and `with polykeras.backend_scope(name):` choose"
        " one. `polykeras backends --check` tries them on this machine.",
    ),
    "layers": (
        "Layers",
        "`from polykeras.layers import Dense`. Shapes are written with the batch first: `x: (batch, 4) -> (batch,"
        " 3)`. Every layer also takes `name`, `trainable` and `dtype`, and, as the first of a model, "
        "`input_shape`, `batch_input_shape` or `input_dim`.",
    ),
    "optimizers": (
        "Optimizers",
        '`compile(optimizer="adam")`, or an object: `compile(optimizer=Adam(lr=1e-4))`. p is a parameter, g its '
        "gradient, all operations are elementwise. Every optimizer takes `clipnorm` and `clipvalue`, "
        "`global_clipnorm` for `clipnorm`, and `learning_rate` for `lr`: a number, or a schedule.",
    ),
    "schedules": (
        "Learning-rate schedules",
        "`from polykeras.optimizers.schedules import CosineDecay`; `Adam(lr=CosineDecay(1e-3, decay_steps=10000))`. "
        "The learning rate as a function of n, the number of steps done.",
    ),
    "metrics": (
        "Metrics",
        '`compile(metrics=["accuracy", AUC()])`. A function of targets and predictions, `(batch, ..., d)` both, to a '
        "value for each sample, `(batch, ...)`, or one for all; an epoch shows the mean. Or an object that adds up all "
        "batches of an epoch, with the sample weights: its value is that of all samples at once.",
    ),
    "losses": (
        "Losses",
        '`compile(loss="mse")`. A function of targets and predictions, `(batch, ..., d)` both, to a value for '
        "each sample, `(batch, ...)`: means and sums are taken over the last axis. Or an object with settings: "
        "`compile(loss=BinaryCrossentropy(from_logits=True))`.",
    ),
    "initializers": (
        "Initializers",
        'The first values of a weight: `Dense(3, kernel_initializer="he_normal")`. Called with a shape, they give'
        " a tensor of that shape.",
    ),
    "regularizers": (
        "Regularizers",
        "A penalty that is added to the loss: `Dense(3, kernel_regularizer=l2(1e-4))`. A function of a weight of "
        "any shape to a scalar.",
    ),
    "constraints": (
        "Constraints",
        "What a weight becomes after each step: `Dense(3, kernel_constraint=max_norm(2))`. A function of a weight"
        " to one of the same shape.",
    ),
    "activations": (
        "Activations",
        '`Dense(3, activation="relu")`. A function of a tensor to one of the same shape.',
    ),
    "callbacks": (
        "Callbacks",
        "`fit(callbacks=[EarlyStopping(patience=3)])`: objects that hear how training goes.",
    ),
    "applications": (
        "Applications",
        "Whole models, as functions that make them: `from polykeras.applications import ...`.",
    ),
}


@dataclass
class Entry:
    """One object of a registry under all its names."""

    obj: Any
    names: list[str] = field(default_factory=list)
    distribution: str = ""

    @property
    def name(self) -> str:
        """Its own name where it is registered under it."""
        own = getattr(self.obj, "__name__", "")
        return own if own in self.names else self.names[0]


def registry_pages() -> Iterator[tuple[str, str]]:
    """(file name, text) of each registry's page, `all-layers.md` and so on. Loads all that is registered."""
    for one in registry.EVERY_REGISTRY:
        if one is not registry.modules:  # it holds no objects
            kind = one.group.rpartition(".")[2]
            title, common = KINDS.get(kind, (kind.capitalize(), ""))
            yield f"{PREFIX}{kind}.md", _page(title, common, one)


def entries(one: Registry) -> list[Entry]:
    """What a registry holds that loads and is public, by name; one entry for an object with several names."""
    found: dict[int, Entry] = {}
    for name in one.usable_names():
        if name.startswith("_"):
            continue
        obj = one.get(name)
        entry = found.setdefault(id(obj), Entry(obj))
        entry.names.append(name)
        claim = one.claim(name)
        entry.distribution = entry.distribution or ("this process" if claim is None else claim.distribution)
    return sorted(found.values(), key=lambda entry: entry.name.lower())


def _page(title: str, common: str, one: Registry) -> str:
    known = entries(one)
    lines = [f"# {title}", "", common, ""]
    if known:
        lines += [", ".join(f"[{entry.name}](#{anchor(entry.name)})" for entry in known), ""]
    else:
        lines += [f"No installed distribution registers any in `{one.group}`.", ""]
    for entry in known:
        lines += _section(entry)
    return "\n".join(lines)


def anchor(heading: str) -> str:
    """The id of a heading, as Markdown's renderers make it."""
    kept = "".join(letter for letter in heading.lower() if letter.isalnum() or letter in " -_")
    return "-".join(kept.split())


def _section(entry: Entry) -> list[str]:
    others = [f"`{name}`" for name in entry.names if name != entry.name]
    origin = f"From {entry.distribution}." + (f" Also known as {', '.join(others)}." if others else "")
    lines = [f"## {entry.name}", ""]
    lines += [textwrap.indent(signature(entry.name, entry.obj), "    "), ""] if callable(entry.obj) else []
    lines += [origin, ""]
    document = "\n\n".join(explanations(entry.obj))
    if document:
        lines += ["```text", document.replace("```", "'''"), "```", ""]
    return lines


def explanations(obj: Any) -> list[str]:
    """The docstring of an object, and those that it sends readers to: of its file, of classes that are not public."""
    document = inspect.getdoc(obj) or ""
    found = [document] if document else []
    module = inspect.getmodule(obj)
    if "top of this file" in document and module is not None:
        found.append(inspect.getdoc(module) or "")
    for name in re.findall(r"see `(_\w+)`", document):
        other = getattr(module, name, None)
        if other is not None:
            found.append(f"{name}: {inspect.getdoc(other)}")
    if inspect.isclass(obj) and not any("->" in text for text in found):
        # The shapes are said once, at a base that several share.
        bases = [base for base in obj.__mro__[1:] if base.__name__.startswith("_") and "->" in (base.__doc__ or "")]
        found += [f"{base.__name__}: {inspect.getdoc(base)}" for base in bases[:1]]
    return found


def signature(name: str, obj: Any) -> str:
    """`name(argument, other=default)`, without annotations; broken between arguments where it is long."""
    try:
        parameters = list(inspect.signature(obj).parameters.values())
    except (TypeError, ValueError):
        return name
    shown = [str(parameter.replace(annotation=inspect.Parameter.empty)) for parameter in parameters]
    kinds = [parameter.kind for parameter in parameters]
    if inspect.Parameter.KEYWORD_ONLY in kinds and inspect.Parameter.VAR_POSITIONAL not in kinds:
        shown.insert(kinds.index(inspect.Parameter.KEYWORD_ONLY), "*")
    lines = [f"{name}("]
    for number, argument in enumerate(shown):
        argument += ", " if number < len(shown) - 1 else ")"
        if len(lines[-1]) + len(argument.rstrip()) > WIDTH:
            lines.append(" " * (len(name) + 1))
        lines[-1] += argument
    return "\n".join(line.rstrip() for line in lines) + ("" if shown else ")")
