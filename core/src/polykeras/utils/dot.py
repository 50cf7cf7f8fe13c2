"""Graphs in Graphviz's language DOT, and pictures of them by its program `dot`."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

TIME_LIMIT = 60.0  # seconds that Graphviz may take for one picture
NOT_INSTALLED = (
    "A picture as {format} needs Graphviz, whose program {program!r} is not on PATH. Install it (Debian and Ubuntu: "
    "`apt install graphviz`; macOS: `brew install graphviz`; Windows: `winget install graphviz`; conda: `conda install "
    "graphviz`), or write the text, which needs nothing: a file name that ends in '.dot'."
)


class Dot:
    """A graph as DOT text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def to_string(self) -> str:
        """The text."""
        return self._text

    def create(self, prog: str = "dot", format: str = "svg") -> bytes:
        """The picture that Graphviz makes of it, as the bytes of a file of this format.

        prog: which of Graphviz's programs lays it out.

        Raises FileNotFoundError where Graphviz is not installed, ValueError for a format that it does not know,
        TimeoutError where it takes longer than a minute.
        """
        if not re.fullmatch(r"[a-z][a-z0-9_]*", format):
            raise ValueError(f"No format of pictures: {format!r}. Expected 'svg', 'png', 'pdf' or the like.")
        try:
            done = subprocess.run(
                [prog, f"-T{format}"], input=self._text.encode(), capture_output=True, timeout=TIME_LIMIT, check=False
            )
        except FileNotFoundError:
            raise FileNotFoundError(NOT_INSTALLED.format(format=format, program=prog)) from None
        except subprocess.TimeoutExpired:
            raise TimeoutError(
                f"Graphviz did not finish the picture within {TIME_LIMIT:g} s; write the text (a file name that ends "
                "in '.dot'), or a picture of a smaller model."
            ) from None
        if done.returncode:
            raise ValueError(f"Graphviz made no picture as {format}: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout

    def write(self, path: str | os.PathLike[str], prog: str = "dot", format: str = "raw") -> None:
        """Write it to a file: a picture of that format, or the text for "raw"."""
        content = self._text.encode() if format == "raw" else self.create(prog, format)
        Path(path).write_bytes(content)

    def _repr_svg_(self) -> str | None:
        """What a notebook shows; nothing where there is no Graphviz."""
        try:
            return self.create(format="svg").decode()
        except FileNotFoundError:
            return None

    def __repr__(self) -> str:
        return self._text


def quoted(text: str) -> str:
    """The text as a DOT string, for names."""
    return label(text.replace("\\", "\\\\"))


def label(text: str) -> str:
    """A label as a DOT string; backslashes keep the meaning that they have in labels."""
    return '"' + text.replace('"', '\\"') + '"'


def record(text: str) -> str:
    """The text as a field of a record's label, where some characters mean borders."""
    return re.sub(r"([\\{}|<>])", r"\\\1", text)
