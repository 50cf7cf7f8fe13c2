"""The command: its options, its checks before the training, and what it says."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from polykeras.runtime import select

__all__ = ["add_parser", "run"]

WEIGHTS, PICTURE = "digits.h5", "digits.png"
_EXTRA = 'pip install "polykeras[demo]"'
_NEEDED = {"sklearn": "scikit-learn", "matplotlib": "matplotlib"}


class _Refused(Exception):
    """The demo cannot run here; the message says why, and what to do."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `demo`."""
    text = "train a small convolutional net on handwritten digits, and show what it learned"
    parser = commands.add_parser("demo", help=text, description=text.capitalize() + ".")
    parser.add_argument(
        "--backend", metavar="NAME", type=_name, help="the backend to compute with; default: the current one"
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        default=Path("polykeras-demo"),
        help="the folder for the weights and the picture; default: %(default)s",
    )
    parser.add_argument(
        "--epochs",
        metavar="N",
        type=_positive,
        default=20,
        help="passes over the training images; default: %(default)s",
    )
    parser.add_argument(
        "--seed",
        metavar="N",
        type=_seed,
        default=0,
        help="initial weights, dropout and the order of images follow from it; default: %(default)s",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train, judge, and write weights and picture. 1, with one line on standard error, where it cannot run."""
    try:
        _check_libraries()
        _check_folder(arguments.out)
        with _chosen(arguments.backend) as choice:
            _demonstrate(choice, arguments)
    except (_Refused, select.BackendError) as error:
        print(f"polykeras demo: {error}", file=sys.stderr)
        return 1
    return 0


def _demonstrate(choice: str, arguments: argparse.Namespace) -> None:
    from polykeras.demo import data, model, picture
    from polykeras.utils import set_random_seed

    digits = data.load()
    print(
        f"Handwritten digits, UCI's by way of scikit-learn: {len(digits.training)} images of 8x8 pixels to train, "
        f"{len(digits.validation)} to validate, {len(digits.test)} to test."
    )
    print(f"Backend: {choice}\n")
    set_random_seed(arguments.seed)
    start = time.perf_counter()
    network = model.build(digits.training.images.shape[1:])
    history = network.fit(
        *digits.training, batch_size=model.BATCH, epochs=arguments.epochs, validation_data=tuple(digits.validation)
    ).history
    seconds = time.perf_counter() - start
    probabilities = network.predict(digits.test.images)
    wrong = int((probabilities.argmax(axis=1) != digits.test.digits).sum())
    accuracy = 1 - wrong / len(digits.test)
    print(f"\nTrained in {seconds:.1f} s.")
    print(f"Test accuracy: {accuracy:.4f} ({wrong} of {len(digits.test)} images wrong)")
    network.save_weights(str(arguments.out / WEIGHTS))
    picture.save(arguments.out / PICTURE, history, digits.test, probabilities, choice.partition(" ")[0])
    print(f"Weights: {arguments.out / WEIGHTS}")
    print(f"Picture: {arguments.out / PICTURE}")


# -- checks ------------------------------------------------------------------------------------------------------------


def _check_libraries() -> None:
    missing = []
    for module, distribution in _NEEDED.items():
        try:
            importlib.import_module(module)
        except ImportError as error:
            missing.append(distribution if error.name == module else f"{distribution} ({error})")
    if missing:
        raise _Refused(f"it needs {' and '.join(missing)}, which cannot be imported here. Install the extra: {_EXTRA}")


def _check_folder(folder: Path) -> None:
    """Make the folder, and try to write into it: better now than after the training."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        for file in (folder / WEIGHTS, folder / PICTURE):
            if file.is_dir():
                raise IsADirectoryError(f"{file} is a folder")
    except OSError as error:
        raise _Refused(
            f"cannot write into the folder {str(folder)!r}: {error.strerror or error}. Choose another with --out DIR."
        ) from error


@contextlib.contextmanager
def _chosen(backend: str | None) -> Iterator[str]:
    """A context in which the backend computes; yields its name and why it was chosen."""
    if backend is None:
        select.current()  # whatever is wrong with it is wrong now
        yield str(select.why())
        return
    with select.backend_scope(backend):
        yield f"{backend} (chosen by --backend)"


# -- options -----------------------------------------------------------------------------------------------------------


def _name(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("expected the name of a backend, such as numpy, got ''")
    return text


def _positive(text: str) -> int:
    return _integer(text, 1, None, "a whole number from 1 on")


def _seed(text: str) -> int:
    return _integer(text, 0, 2**32 - 1, "a whole number from 0 to 4294967295")


def _integer(text: str, least: int, most: int | None, words: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least or (most is not None and number > most):
        raise argparse.ArgumentTypeError(f"expected {words}, got {text!r}")
    return number
