"""Every kernel once, on `self.xp`: NumPy's API. The files mirror `symbolic.ops`."""

from __future__ import annotations

from typing import Any

from polykeras.runtime.backend import Backend
from polykeras.runtime.xp.classification import Classification
from polykeras.runtime.xp.control import Control
from polykeras.runtime.xp.conv import Conv
from polykeras.runtime.xp.ctc import Ctc
from polykeras.runtime.xp.elementwise import Elementwise
from polykeras.runtime.xp.gru import Gru
from polykeras.runtime.xp.image import Image
from polykeras.runtime.xp.indexing import Indexing
from polykeras.runtime.xp.linalg import Linalg
from polykeras.runtime.xp.lstm import Lstm
from polykeras.runtime.xp.normalization import Normalization
from polykeras.runtime.xp.pool import Pool
from polykeras.runtime.xp.random import Random
from polykeras.runtime.xp.reduce import Reduce
from polykeras.runtime.xp.shape import Shape
from polykeras.runtime.xp.simple_rnn import SimpleRnn
from polykeras.runtime.xp.sparse import Sparse


class XpBackend(
    Elementwise,
    Shape,
    Indexing,
    Reduce,
    Linalg,
    Conv,
    Pool,
    Image,
    Normalization,
    Classification,
    Ctc,
    SimpleRnn,
    Lstm,
    Gru,
    Sparse,
    Random,
    Control,
    Backend,
):
    """A backend on an array module that follows NumPy: `xp`. Results are C-contiguous and never alias an operand."""

    xp: Any

    def asarray(self, value: Any, dtype: str) -> Any:
        return self.xp.asarray(value, dtype=dtype, order="C")

    def quiet(self) -> Any:
        return self.xp.errstate(all="ignore")

    def to_numpy(self, array: Any) -> Any:
        import numpy

        return numpy.asarray(array)

    def empty(self, shape: tuple[int, ...], dtype: str) -> Any:
        return self.xp.empty(shape, dtype=dtype)

    def arena(self, nbytes: int) -> Any:
        return self.xp.empty(nbytes, dtype="uint8")

    def view(self, base: Any, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], dtype: str) -> Any:
        itemsize = self.xp.dtype(dtype).itemsize
        end = base.size - (base.size - offset) % itemsize
        return self._strided(base[offset:end].view(dtype), shape, strides)

    def strided(self, array: Any, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> Any:
        return self._strided(array.reshape(-1)[offset:], shape, strides)

    def _strided(self, flat: Any, shape: tuple[int, ...], strides: tuple[int, ...]) -> Any:
        in_bytes = tuple([step * flat.itemsize for step in strides])
        return self.xp.lib.stride_tricks.as_strided(flat, shape, in_bytes)

    def copy(self, source: Any, target: Any) -> None:
        self.xp.copyto(target, source)

    def accumulate(self, source: Any, target: Any) -> None:
        self.xp.add(target, source, out=target)

    def fresh(self, array: Any) -> Any:
        return array.copy()
