"""What a backend may keep on disk from process to process: compiled code."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import NamedTuple

__all__ = ["Kept", "KernelCache"]


class Kept(NamedTuple):
    """A kernel on disk.

    title:   what it computes.
    nbytes:  what it takes there.
    version: of what it was made by and for: the backend's, its compiler's, the processor; as its folder is called.
    current: is it of the version that this process uses?
    """

    title: str
    nbytes: int
    version: str
    current: bool


class KernelCache(ABC):
    """A backend's kernels on disk, as `Backend.kernel_cache` gives them to `polykeras cache`.

    folder: where those of this version lie. It need not exist.
    """

    folder: Path

    @abstractmethod
    def problem(self) -> str | None:
        """Why nothing can be kept in the folder, in whole sentences with what to do; or None."""

    @abstractmethod
    def kept(self) -> list[Kept]:
        """All kernels, those of this version first."""

    @abstractmethod
    def clear(self, every: bool = False) -> int:
        """Remove the kernels of this version, or those of all versions; how many.

        What is not a kernel's file stays, and links are not followed. Raises OSError where one cannot be removed.
        """
