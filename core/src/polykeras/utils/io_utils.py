"""HDF5 files as data and as dictionaries, and a question about files."""

from __future__ import annotations

import os

from polykeras.utils.h5_dict import H5Dict, h5dict
from polykeras.utils.hdf5_matrix import HDF5Matrix

__all__ = ["H5Dict", "HDF5Matrix", "ask_to_proceed_with_overwrite", "h5dict"]


def ask_to_proceed_with_overwrite(filepath: str | os.PathLike[str]) -> bool:
    """Ask on the terminal whether a file may be replaced: True for ``y``, False for ``n``, else ask again.

    Raises FileExistsError where nobody can answer (standard input is closed).
    """
    path = os.fspath(filepath)
    question = f"[WARNING] {path} already exists - overwrite? [y/n] "
    while True:
        try:
            answer = input(question).strip().lower()
        except EOFError:
            raise FileExistsError(
                f"{path} already exists, overwrite=False, and there is no terminal to ask on. "
                "Pass overwrite=True to replace it."
            ) from None
        if answer in ("y", "n"):
            return answer == "y"
        question = 'Enter "y" (overwrite) or "n" (cancel). '
