"""`polykeras cache`: the compiled code that backends keep on disk from process to process."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from polykeras.cli.tables import columns

if TYPE_CHECKING:
    from polykeras.runtime.backend import Backend
    from polykeras.runtime.kernel_cache import KernelCache

__all__ = ["add_parser", "kernel_cache_of", "run"]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `cache`."""
    parser = commands.add_parser("cache", help="the compiled kernels that backends keep on disk: list, clear, warm")
    parser.set_defaults(run=run, act=_list, backend=None, all=False)
    acts = parser.add_subparsers(title="what to do", metavar="list | clear | warm")
    shown = acts.add_parser("list", help="what each backend keeps, and where (also without any word)")
    shown.add_argument("--all", action="store_true", help="each kernel, and those of other versions and processors")
    shown.set_defaults(act=_list)
    cleared = acts.add_parser("clear", help="remove the kernels of this version; programs compile them anew")
    cleared.add_argument("--all", action="store_true", help="also those of other versions and processors")
    cleared.set_defaults(act=_clear)
    warmed = acts.add_parser("warm", help="compile what programs will need, so that their first step is quick")
    warmed.add_argument("model", nargs="?", help="the file of a model; without it, a set of usual networks")
    warmed.add_argument("--batch", type=_positive, default=32, metavar="N", help="samples; default: %(default)s")
    warmed.add_argument(
        "--size", type=_positive, default=64, metavar="N",
        help="for sizes that the model leaves open, such as a sequence's length; default: %(default)s",
    )  # fmt: skip
    warmed.add_argument("--train", action="store_true", help="also for training and evaluation")
    warmed.set_defaults(act=_warm)
    for act in (shown, cleared, warmed):
        every = "the one in use" if act is warmed else "all that are installed"
        act.add_argument("--backend", metavar="NAME", help=f"default: {every}")


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked for; 1 where it could not be done, 2 where it was asked for wrongly."""
    from polykeras.runtime import select

    try:
        status: int = arguments.act(arguments)
    except (select.BackendError, _Refused) as error:
        sys.stderr.write(f"polykeras cache: {error}\n")
        return 2
    return status


def kernel_cache_of(backend: Any) -> KernelCache | None:
    """What a backend keeps on disk, if it keeps something. One that is no `Backend` need not say."""
    asked = getattr(backend, "kernel_cache", None)
    found: KernelCache | None = None if asked is None else asked()
    return found


class _Refused(Exception):
    """What was asked for cannot be done; the text says why and what to do."""


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


_positive.__name__ = "positive number"  # as argparse calls it in its error


# -- list, clear -------------------------------------------------------------------------------------------------------


def _list(arguments: argparse.Namespace) -> int:
    """Print what each backend keeps."""
    parts = []
    for name, cache in _caches(arguments.backend):
        parts.append(cache if isinstance(cache, str) else _described(cache, name, arguments.all))
    print("\n".join(parts))
    return 0


def _described(cache: KernelCache, name: str, every: bool) -> str:
    kept = cache.kept()
    current = [one for one in kept if one.current]
    lines = [f"{name}: {_amount(current)} in {cache.folder}"]
    problem = cache.problem()
    if problem is not None:
        lines.append(f"  {problem}")
    if every:
        if current:
            lines.append(columns([(_size(one.nbytes), one.title) for one in current], indent="  "))
        for version in Counter(one.version for one in kept if not one.current):
            lines.append(f"  of another version: {_amount([o for o in kept if o.version == version])} in {version}")
    elif len(kept) > len(current):
        others = [one for one in kept if not one.current]
        lines.append(f"  and of other versions or processors: {_amount(others)} (cache list --all)")
    return "\n".join(lines)


def _clear(arguments: argparse.Namespace) -> int:
    """Remove kernels."""
    status = 0
    for name, cache in _caches(arguments.backend):
        if isinstance(cache, str):
            print(cache)
            continue
        try:
            removed = cache.clear(arguments.all)
        except OSError as error:
            sys.stderr.write(f"polykeras cache: {error.filename} cannot be removed: {error.strerror}\n")
            status = 1
            continue
        print(f"{name}: removed {_count(removed)} from {cache.folder.parent if arguments.all else cache.folder}")
    return status


def _caches(name: str | None) -> Iterator[tuple[str, KernelCache | str]]:
    """Each backend, or the one of that name, with its cache, or with why there is none."""
    from polykeras.runtime import select

    for each in [name] if name is not None else list(select.installed()):
        try:
            cache = kernel_cache_of(select.load_class(each))
        except select.BackendError as error:
            if name is not None:
                raise
            yield each, f"{each}: {error}"
            continue
        yield each, f"{each}: keeps nothing on disk" if cache is None else cache


def _count(number: int) -> str:
    return f"{number} kernel{'' if number == 1 else 's'}"


def _amount(kept: list[Any]) -> str:
    return f"{_count(len(kept))}, {_size(sum(one.nbytes for one in kept))}"


def _size(nbytes: int) -> str:
    return f"{nbytes / 1000:.1f} kB" if nbytes < 1_000_000 else f"{nbytes / 1_000_000:.1f} MB"


# -- warm --------------------------------------------------------------------------------------------------------------


def _warm(arguments: argparse.Namespace) -> int:
    """Run what programs will run, on zeros: what a backend compiles for it, it keeps."""
    from polykeras.runtime import select

    with select.backend_scope(arguments.backend or select.why().name) as backend:
        cache = kernel_cache_of(backend)
        if cache is None:
            raise _Refused(_keeps_nothing(backend))
        problem = cache.problem()
        if problem is not None:
            raise _Refused(problem)
        before = sum(one.current for one in cache.kept())
        if arguments.model is None:
            _run_usual(arguments.batch)
        else:
            _run_model(_loaded(arguments.model, arguments.train), arguments)
    current = [one for one in cache.kept() if one.current]
    print(f"{backend.name}: {_count(len(current) - before)} compiled; {_amount(current)} in {cache.folder}")
    return 0


def _keeps_nothing(backend: Backend) -> str:
    """Which backends do?"""
    others = [name for name, cache in _caches(None) if not isinstance(cache, str)]
    advice = f" Those that do: {', '.join(others)} (--backend NAME)." if others else ""
    return f"the backend {backend.name!r} keeps nothing on disk: there is nothing to warm.{advice}"


def _loaded(path: str, trained: bool) -> Any:
    from polykeras.models import load_model

    try:
        return load_model(path, compile=trained)
    except Exception as error:
        raise _Refused(f"{path} cannot be loaded as a model: {type(error).__name__}: {error}") from error


def _run_model(model: Any, arguments: argparse.Namespace) -> None:
    """A prediction by a model, and if asked for a step of training and of evaluation, all on zeros."""
    import numpy as np

    from polykeras import backend as K

    def zeros(tensors: Any) -> list[Any]:
        found = []
        for tensor in tensors:
            sizes = [arguments.size if size is None else size for size in K.int_shape(tensor) or ()]
            found.append(np.zeros((arguments.batch, *sizes[1:]), K.dtype(tensor)))
        return found

    if arguments.train and model.optimizer is None:
        raise _Refused(f"{arguments.model} holds no optimizer and loss, which --train needs: compile it, then save it")
    inputs = zeros(model.inputs)
    try:
        model.predict_on_batch(inputs)
        if arguments.train:
            targets = zeros(model.targets)
            model.train_on_batch(inputs, targets)
            model.test_on_batch(inputs, targets)
    except Exception as error:
        sizes = f"samples: {arguments.batch} (--batch), open sizes: {arguments.size} (--size)"
        raise _Refused(f"{arguments.model} does not run on zeros ({sizes}): {type(error).__name__}: {error}") from error


def _run_usual(batch: int) -> None:
    """Predictions and training of small networks with the usual layers, losses and optimizers.

    Kernels seldom depend on sizes, so that larger networks of such layers find most of theirs.
    """
    import numpy as np

    from polykeras import layers
    from polykeras.models import Sequential

    try:
        networks = {
            "adam": _convolutional(layers), "rmsprop": _recurrent(layers, "LSTM"), "adagrad": _recurrent(layers, "GRU"),
            "sgd": [layers.Dense(8, activation="relu", input_shape=(8,)), layers.Dropout(0.5), layers.Dense(1)],
        }  # fmt: skip
    except AttributeError as error:
        raise _Refused(str(error)) from error
    for optimizer, stack in networks.items():
        model = Sequential(stack)
        classes = model.output_shape[-1]
        model.compile(optimizer, "mse" if classes == 1 else "categorical_crossentropy", metrics=["accuracy"])
        shape = (batch, *model.input_shape[1:])
        x = np.zeros([16 if size is None else size for size in shape], "float32")
        y = np.zeros((batch, classes), "float32")
        model.train_on_batch(x, y)
        model.test_on_batch(x, y)
        model.predict_on_batch(x)


def _convolutional(layers: Any) -> list[Any]:
    return [
        layers.Conv2D(16, 3, padding="same", use_bias=False, input_shape=(32, 32, 3)),
        layers.BatchNormalization(),
        layers.Activation("relu"),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(32, 1, strides=2, activation="relu"),
        layers.AveragePooling2D(),
        layers.Conv2D(16, 3, activation="relu"),
        layers.Flatten(),
        layers.Dense(32, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(10, activation="softmax"),
    ]


def _recurrent(layers: Any, name: str) -> list[Any]:
    return [
        layers.Embedding(100, 16, input_length=16),
        getattr(layers, name)(16, return_sequences=True),
        getattr(layers, name)(16),
        layers.Dense(2, activation="softmax"),
    ]
