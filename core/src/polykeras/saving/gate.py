"""The one door through which HDF5 files enter.

HDF5 can do more than hold arrays: links and datasets may point into other files, groups may contain themselves, and
a few bytes may declare, or decompress to, terabytes. None of that occurs in a model file. So a file is walked once,
before anything of it is used; what the walk did not find cannot be read, and each array is checked before its memory
is allocated.
"""

from __future__ import annotations

import io
import math
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, Union

import numpy as np

from polykeras.saving.limits import GIB, Budget, current_limits
from polykeras.saving.safety import UnsafeFileError

if TYPE_CHECKING:
    import h5py

Array: TypeAlias = np.ndarray[Any, Any]
Source: TypeAlias = Union[str, "os.PathLike[str]", io.IOBase, "h5py.Group"]

NAME_BYTES = 4 * GIB
"""Bound on (names in one attribute) x (bytes outside of arrays). Names of variable length are references, and a forged
file may refer to one long text thousands of times; their true sizes cannot be asked for before they are read."""


class CheckedGroup:
    """A group whose whole tree was walked, and the only way to read from it.

    Paths are looked up among what the walk found; a path with a leading ``/`` starts at the walked root, as in HDF5
    (Keras on Theano names optimizer weights so). Arrays and texts draw on one budget for the whole file.
    """

    def __init__(self, tree: _Tree, path: str) -> None:
        self._tree = tree
        self._path = path

    @classmethod
    def of(cls, group: h5py.Group, source: str | None = None) -> CheckedGroup:
        """Walk a group that is open already."""
        return cls(_Tree(group, source or _name_of(group)), "")

    @property
    def source(self) -> str:
        """The file and the group, for messages."""
        return f"{self._tree.source}:/{self._path}" if self._path else self._tree.source

    def __contains__(self, path: str) -> bool:
        return self._absolute(path) in self._tree.members

    def __iter__(self) -> Iterator[str]:
        """Names of the members, in the file's order."""
        return iter(self._node("").keys())

    def group(self, path: str) -> CheckedGroup:
        """The group at ``path``; ValueError where there is none."""
        import h5py

        if not isinstance(self._node(path), h5py.Group):
            raise ValueError(f"{self.source}: {path!r} should be a group, but is an array.")
        return CheckedGroup(self._tree, self._absolute(path))

    def array(self, path: str) -> Array:
        """The numbers at ``path``, in this machine's byte order; ValueError where there are none."""
        import h5py

        dataset = self._node(path)
        if not isinstance(dataset, h5py.Dataset):
            raise ValueError(f"{self.source}: {path!r} should be an array, but is a group.")
        with damage_reported(self._tree.source):
            check_dataset(dataset, f"{self._tree.source}: the array {self._absolute(path)!r}", self._tree.budget)
            values = np.asarray(dataset[()])
        return values.astype(values.dtype.newbyteorder("="), copy=False)

    def has_attribute(self, name: str) -> bool:
        """Whether the group itself has this attribute."""
        return name in self._node("").attrs

    def text(self, name: str) -> str | None:
        """An attribute that is one string; None where there is none."""
        values = self._strings(name)
        if values is None:
            return None
        if not isinstance(values, str):
            raise ValueError(f"{self.source}: the attribute {name!r} should be a text, but is a list of {len(values)}.")
        return values

    def names(self, name: str) -> list[str]:
        """An attribute that is a list of strings; empty where there is none."""
        values = self._strings(name)
        return [values] if isinstance(values, str) else values or []

    def _strings(self, name: str) -> str | list[str] | None:
        node = self._node("")
        if name not in node.attrs:
            return None
        what = f"the attribute {name!r} of {self.source}"
        with damage_reported(self._tree.source):
            if not _check_attribute(node, name, self._tree, what):
                return []
            value = node.attrs[name]
        if isinstance(value, (str, bytes)):
            return _decode(value, what)
        return [_decode(item, what) for item in np.asarray(value).reshape(-1).tolist()]

    def _absolute(self, path: str) -> str:
        start = "" if path.startswith("/") else self._path
        return "/".join(part for part in f"{start}/{path}".split("/") if part not in ("", "."))

    def _node(self, path: str) -> Any:
        try:
            return self._tree.members[self._absolute(path)]
        except KeyError:
            raise ValueError(f"{self.source} holds nothing named {path!r}.") from None


class _Tree:
    """What a walk found: members by path, the file's name, and what is left of its budget."""

    def __init__(self, root: h5py.Group, source: str) -> None:
        self.source = source
        self.file_bytes = int(root.file.id.get_filesize())
        self.budget = Budget.for_file(self.file_bytes)
        with damage_reported(source):
            self.members = dict(_walk(root, source))

    @cached_property
    def text_bytes(self) -> int:
        """Bytes of the file outside of arrays: no attribute can be longer."""
        import h5py

        arrays = (member for member in self.members.values() if isinstance(member, h5py.Dataset))
        return max(0, self.file_bytes - sum(int(array.id.get_storage_size()) for array in arrays))


def _walk(root: h5py.Group, source: str) -> Iterator[tuple[str, Any]]:
    """Every group and array below ``root`` with its path, one link at a time; only hard links are followed."""
    import h5py

    bounds = current_limits()
    entries = 0
    groups = {_identity(root)}
    pending: list[tuple[str, int, Any]] = [("", 0, root)]
    yield "", root
    while pending:
        path, depth, group = pending.pop()
        entries += len(group)
        if entries > bounds.entries or depth > bounds.depth:
            raise UnsafeFileError(
                f"{source}: more than {bounds.entries:,} members, or groups nested deeper than {bounds.depth}, "
                f"at {path!r:.200}."
            )
        for name in group:
            where = f"{path}/{name}" if path else name
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                goal = " ".join(filter(None, (getattr(link, "filename", None), getattr(link, "path", None))))
                raise UnsafeFileError(
                    f"{source}: {where!r} is a link ({type(link).__name__}) to {goal!r:.200}; "
                    "a model file holds its own weights."
                )
            member = group[name]
            if isinstance(member, h5py.Group):
                if _identity(member) in groups:
                    raise UnsafeFileError(f"{source}: the group {where!r} was met before; a model file is a tree.")
                groups.add(_identity(member))
                pending.append((where, depth + 1, member))
            elif isinstance(member, h5py.Dataset):
                _check_own_storage(member, f"{source}: the array {where!r}")
            else:
                continue  # A named data type: nothing reads it.
            yield where, member


def _identity(member: h5py.HLObject) -> tuple[int, int]:
    import h5py

    info = h5py.h5o.get_info(member.id)
    return info.fileno, info.addr


def _check_own_storage(dataset: h5py.Dataset, what: str) -> None:
    """Refuse arrays whose bytes lie in other files (reading one would return any file's content)."""
    import h5py

    properties = dataset.id.get_create_plist()
    if properties.get_layout() == h5py.h5d.VIRTUAL:
        raise UnsafeFileError(f"{what} is virtual: its values would come from other datasets or files.")
    if properties.get_external_count():
        raise UnsafeFileError(f"{what} is stored in another file ({properties.get_external(0)[0]!r:.200}).")


def check_dataset(dataset: h5py.Dataset, what: str, budget: Budget) -> None:
    """Refuse an array that holds no plain numbers or declares more than it stores; else charge its bytes."""
    import h5py

    kind = dataset.id.get_type()
    if kind.get_class() not in (h5py.h5t.INTEGER, h5py.h5t.FLOAT):
        raise UnsafeFileError(f"{what} holds {_class_name(kind)}; weights are integers or floats.")
    if dataset.shape is None:
        raise ValueError(f"{what} is empty: it has no shape.")
    declared = math.prod(dataset.shape) * kind.get_size()
    budget.charge(math.prod(dataset.shape) * dataset.dtype.itemsize, what)
    if dataset.id.get_create_plist().get_layout() == h5py.h5d.CHUNKED:
        _check_chunks(dataset, declared, kind.get_size(), what, budget)
    elif dataset.id.get_storage_size() < declared:
        raise UnsafeFileError(f"{what} declares {declared:,} bytes and stores {dataset.id.get_storage_size():,}.")


def _class_name(kind: h5py.h5t.TypeID) -> str:
    import h5py

    names = {
        h5py.h5t.ARRAY: "nested arrays",
        h5py.h5t.BITFIELD: "bit fields",
        h5py.h5t.COMPOUND: "compound or complex values",
        h5py.h5t.ENUM: "booleans or other enumerated values",
        h5py.h5t.OPAQUE: "opaque bytes",
        h5py.h5t.REFERENCE: "references",
        h5py.h5t.STRING: "texts",
        h5py.h5t.VLEN: "values of variable length",
    }
    return names.get(kind.get_class(), "values of another kind")


def _check_chunks(dataset: h5py.Dataset, declared: int, itemsize: int, what: str, budget: Budget) -> None:
    """Refuse missing chunks, unusual filters, and chunks that inflate to more than a chunk.

    HDF5 inflates a chunk to whatever comes out, growing its buffer as it goes; so each is tried here under a limit.
    """
    import h5py

    properties = dataset.id.get_create_plist()
    shuffle, deflate, checksum = h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_FLETCHER32
    filters = [properties.get_filter(index)[0] for index in range(properties.get_nfilters())]
    if [code for code in filters if code != checksum] not in ([], [shuffle], [deflate], [shuffle, deflate]):
        names = ", ".join(properties.get_filter(index)[3].decode("latin1") for index in range(len(filters)))
        raise UnsafeFileError(f"{what} is packed by filters that are not read here ({names}); gzip and shuffle are.")
    chunk_bytes = math.prod(properties.get_chunk()) * itemsize
    budget.require(chunk_bytes, f"{what}: one chunk")
    count = dataset.id.get_num_chunks()
    if count * chunk_bytes < declared:
        raise UnsafeFileError(f"{what} declares {declared:,} bytes and stores {count} chunks of {chunk_bytes:,}.")
    if deflate not in filters:
        return
    allowed = chunk_bytes + 4 * filters.count(checksum)
    for index in range(count):
        place = dataset.id.get_chunk_info(index).chunk_offset
        skipped, packed = dataset.id.read_direct_chunk(place)
        if skipped >> filters.index(deflate) & 1:
            continue
        if len(zlib.decompressobj().decompress(packed, allowed + 1)) > allowed:
            raise UnsafeFileError(
                f"{what}: the chunk at {place} inflates to more than the {chunk_bytes:,} bytes of a chunk."
            )


def _check_attribute(node: h5py.HLObject, name: str, tree: _Tree, what: str) -> bool:
    """Refuse an attribute that is no text or too large; False where it is an empty list."""
    import h5py

    attribute = node.attrs.get_id(name)
    kind = attribute.get_type()
    count = math.prod(attribute.shape or ()) if attribute.shape is not None else 0
    if count == 0:
        return False  # Keras writes an empty list of names as an empty list of floats.
    if kind.get_class() != h5py.h5t.STRING:
        raise UnsafeFileError(f"{what} holds {_class_name(kind)}; text was expected.")
    if not kind.is_variable_str():
        if count * kind.get_size() > current_limits().text_bytes:
            raise UnsafeFileError(f"{what} is a text of {count * kind.get_size():,} bytes; {_widen_text()}")
    elif count > 1 and count * tree.text_bytes > NAME_BYTES:
        raise UnsafeFileError(f"{what} lists {count:,} texts of unknown length in {tree.text_bytes:,} bytes of text.")
    return True


def _widen_text() -> str:
    return f"{current_limits().text_bytes:,} are allowed (`polykeras.saving.limits(text_bytes=...)` changes that)."


def _decode(value: str | bytes, what: str) -> str:
    """Text as UTF-8, whichever character set the attribute claims."""
    data = value if isinstance(value, bytes) else value.encode("utf8", "surrogateescape")
    if len(data) > current_limits().text_bytes:
        raise UnsafeFileError(f"{what} is a text of {len(data):,} bytes; {_widen_text()}")
    try:
        return data.decode("utf8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{what} is no UTF-8 text: {error}") from None


@contextmanager
def open_checked(source: Source) -> Iterator[CheckedGroup]:
    """Open a file (a path, an open binary file, or an HDF5 group), walk it, and read from it.

    Raises OSError for a file that is missing, is no HDF5 file or is damaged, and UnsafeFileError for one that reaches
    outside itself or claims more memory than the limits allow.
    """
    import h5py

    if isinstance(source, h5py.Group):
        yield CheckedGroup.of(source)
        return
    name = os.fsdecode(source) if isinstance(source, (str, bytes, os.PathLike)) else "the given file object"
    if not isinstance(source, io.IOBase):
        _check_signature(name)
    with damage_reported(name):
        file = h5py.File(source, "r", locking="best-effort")
    with file:
        yield CheckedGroup.of(file, name)


def _check_signature(name: str) -> None:
    import h5py

    with Path(name).open("rb") as file:  # Missing files and directories get the operating system's own, clear errors.
        start = file.read(4)
    if h5py.is_hdf5(name):
        return
    if start == b"PK\x03\x04":
        raise OSError(f"{name} is a zip archive (perhaps a `.keras` file), not an HDF5 file.")
    raise OSError(f"{name} is not an HDF5 file: it starts with {start!r}.")


_HDF5_ERRORS = (
    RuntimeError, LookupError, OSError, TypeError, ValueError, OverflowError, MemoryError, SystemError, zlib.error,
)  # fmt: skip


@contextmanager
def damage_reported(source: str) -> Iterator[None]:
    """HDF5's own errors speak of B-trees and object headers; say first that, and which, file is damaged."""
    try:
        yield
    except UnsafeFileError:
        raise
    except _HDF5_ERRORS as error:
        raise OSError(f"{source} is damaged or cannot be read: {error}") from error


def _name_of(group: h5py.Group) -> str:
    return f"{group.file.filename}:{group.name}"
