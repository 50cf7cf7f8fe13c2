"""`get_file`: files of the network, kept in a folder of this user, checked and unpacked safely."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from polykeras.utils.progbar import Progbar, say

__all__ = ["cache_folder", "get_file", "validate_file"]

SCHEMES = ("https", "http", "file")
STALL = 60.0  # seconds without a byte after which a download has failed
CHUNK = 1 << 16


def get_file(
    fname: str,
    origin: str,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str | Sequence[str] | None = "auto",
    cache_dir: str | os.PathLike[str] | None = None,
) -> str:
    """The path of the file at `origin`, which is downloaded unless it is there already.

    fname: its name in the cache; an absolute path is taken as it is.
    origin: a URL; https, http or file.
    file_hash: sha256 or md5 in hexadecimal. A file in the cache that has another is downloaded anew; a download that
        has another is an error and is not kept. `md5_hash` is the older spelling.
    hash_algorithm: "sha256", "md5", or "auto": sha256 for 64 digits.
    cache_dir: the cache; by default `POLYKERAS_HOME`, else `KERAS_HOME`, else `~/.keras`. `cache_subdir` is inside it.
    extract: unpack it there. archive_format: "tar", "zip", a list of them, "auto" for both, None for none.
    untar: the file is a tar archive, kept as `fname` + ".tar.gz"; unpack it and return the path of `fname`, which is
        in it.

    The file takes its place when it is complete and checked: an interrupted download leaves nothing half-written.

    Raises OSError where the download fails, ValueError for a wrong hash, `UnsafeArchiveError` (a ValueError) for an
    archive that would write outside the cache.
    """
    folder = (Path(cache_dir) if cache_dir is not None else cache_folder()) / cache_subdir
    place = _inside(folder, fname)
    path = place.with_name(place.name + ".tar.gz") if untar else place
    path.parent.mkdir(parents=True, exist_ok=True)
    expected = file_hash or md5_hash
    algorithm = "md5" if md5_hash is not None and file_hash is None else hash_algorithm
    if path.exists() and expected is not None and not validate_file(path, expected, algorithm):
        say(f"{path} has another {_algorithm(expected, algorithm)} hash than {expected}: it is downloaded again.")
        path.unlink()
    if not path.exists():
        _download(origin, path, expected, algorithm)

    from polykeras.utils import archives

    if untar:
        if not place.exists() and not archives.extract(path, path.parent, "tar"):
            raise ValueError(f"untar=True, but {path} is no tar archive.")
        return os.fspath(place)
    if extract:
        archives.extract(path, path.parent, archive_format)
    return os.fspath(path)


def validate_file(
    fpath: str | os.PathLike[str], file_hash: str, algorithm: str = "auto", chunk_size: int = 65535
) -> bool:
    """Whether a file has this sha256 or md5 hash; `algorithm` "auto" tells them apart by their length."""
    return _hash(Path(fpath), _algorithm(file_hash, algorithm), chunk_size) == file_hash.lower()


def cache_folder() -> Path:
    """The folder for downloaded files: `POLYKERAS_HOME`, else `KERAS_HOME`, else `~/.keras`.

    Where the last cannot be written to, one that only this user can enter, in the folder for temporary files.
    """
    named = os.environ.get("POLYKERAS_HOME") or os.environ.get("KERAS_HOME")
    if named:
        return Path(named)
    folder = Path.home() / ".keras"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        pass
    return folder if os.access(folder, os.W_OK) else _temporary_folder()


def _temporary_folder() -> Path:
    import tempfile

    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"keras-{user}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if folder.is_symlink() or status.st_uid != user or status.st_mode & 0o022:
        raise PermissionError(
            f"{folder} would be the cache, but others can write to it. Name a cache by cache_dir= or KERAS_HOME."
        )
    return folder


def _inside(folder: Path, fname: str | os.PathLike[str]) -> Path:
    name = Path(fname)
    if ".." in name.parts or not name.name:
        raise ValueError(
            f"fname should be the name of a file in the cache, or an absolute path; got: {os.fspath(fname)!r}"
        )
    return folder / name


# -- hashes ------------------------------------------------------------------------------------------------------------


def _algorithm(file_hash: str, algorithm: str) -> str:
    if algorithm not in ("auto", "md5", "sha256"):
        raise ValueError(f'hash_algorithm should be "auto", "sha256" or "md5"; got: {algorithm!r}')
    if algorithm == "auto":
        return "sha256" if len(file_hash) == 64 else "md5"
    return algorithm


def _hash(path: Path, algorithm: str, chunk_size: int = CHUNK) -> str:
    import hashlib

    digest = hashlib.new(algorithm, usedforsecurity=algorithm != "md5")
    with path.open("rb") as file:
        while chunk := file.read(chunk_size):
            digest.update(chunk)
    return digest.hexdigest()


# -- the download ------------------------------------------------------------------------------------------------------


def _download(origin: str, path: Path, expected: str | None, algorithm: str) -> None:
    """Fetch, check, and only then put in place."""
    from polykeras.saving.atomic import replacing

    say(f"Downloading data from {origin}")
    with replacing(path) as temporary:
        with temporary.open("wb") as file:
            _fetch(origin, file)
        if expected is not None:
            algorithm = _algorithm(expected, algorithm)
            found = _hash(temporary, algorithm)
            if found != expected.lower():
                raise ValueError(
                    f"The file at {origin} has the {algorithm} hash {found}, but {expected} is expected: it was "
                    "changed, or it is another file. It was not kept."
                )


def _fetch(origin: str, file: IO[bytes]) -> None:
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.parse import urlsplit

    scheme = urlsplit(origin).scheme.lower()
    if scheme not in SCHEMES:
        raise ValueError(f"URL fetch failure on {origin}: expected one of {', '.join(SCHEMES)}, got {scheme!r}")
    try:
        with _opener().open(origin, timeout=STALL) as response:
            _copy(response, file)
    except HTTPError as error:
        with error:
            raise OSError(f"URL fetch failure on {origin}: {error.code} -- {error.reason}") from error
    except URLError as error:
        raise OSError(f"URL fetch failure on {origin}: {error.errno} -- {error.reason}") from error
    except (HTTPException, OSError) as error:
        raise OSError(f"URL fetch failure on {origin}: {type(error).__name__}: {error}") from error


def _copy(response: Any, file: IO[bytes]) -> None:
    declared = response.headers.get("Content-Length")
    size = int(declared) if declared and declared.isdigit() else None
    bar = Progbar(size)
    count = 0
    while chunk := response.read(CHUNK):
        file.write(chunk)
        count += len(chunk)
        bar.update(count)
    if size is not None and count != size:
        raise OSError(f"the connection ended after {count} of {size} bytes")


def _opener() -> Any:
    """Opens URLs; a redirection may not lead from https to anything else, nor to a local file."""
    from urllib.error import HTTPError
    from urllib.request import HTTPRedirectHandler, Request, build_opener

    class Redirections(HTTPRedirectHandler):
        def redirect_request(
            self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
        ) -> Request | None:
            if not newurl.lower().startswith(("https:",) if req.type == "https" else ("https:", "http:")):
                raise HTTPError(req.full_url, code, f"redirected to {newurl}, which is not trusted", headers, fp)
            return super().redirect_request(req, fp, code, msg, headers, newurl)

    return build_opener(Redirections)
