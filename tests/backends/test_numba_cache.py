"""Kernels on disk: found again, believed only where nobody else can write, and done without where they cannot be kept.

Every process here has a cache of its own, POLYKERAS_CACHE.
"""

from __future__ import annotations

import io
import os
import signal
import stat
import subprocess
import sys
import time

import pytest

pytest.importorskip("numba", reason="polykeras-numba is not installed")

from polykeras_numba.progress import Progress
from polykeras_numba.store import Store

PROGRAM = """
import numpy as np
import polykeras.backend as K
from polykeras_numba import NumbaBackend
from polykeras_numba.cache import KERNELS

x = K.placeholder((None, 5))
function = K.function([x], [K.sum(K.exp(x) * 2, axis=0)], backend=NumbaBackend())
value = np.linspace(-1, 1, 35, dtype="float32").reshape(7, 5)
np.testing.assert_allclose(function([value])[0], (np.exp(value.astype("float64")) * 2).sum(0), rtol=1e-6)
print(KERNELS.compiled, KERNELS.loaded)
"""
HAS_OWNERS = hasattr(os, "geteuid")
posix = pytest.mark.skipif(not HAS_OWNERS, reason="files have no owner and mode here")


def start(cache, program=PROGRAM, **environment):
    variables = {**os.environ, "POLYKERAS_CACHE": str(cache), **environment}
    return subprocess.Popen(
        [sys.executable, "-c", program], env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process, warns=False):
    """How many kernels were compiled and loaded; with what was written on stderr if a warning is expected."""
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    if warns:
        return *map(int, out.split()), err
    assert "Warning" not in err, err
    return tuple(map(int, out.split()))


def counts(cache, program=PROGRAM, **environment):
    return finish(start(cache, program, **environment))


def compiled_files(cache):
    return sorted(cache.rglob("*.kernel"))


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    """A cache with the kernels of PROGRAM, to be copied."""
    cache = tmp_path_factory.mktemp("warm")
    assert counts(cache) == (3, 0)  # the fused group, the sum, the executor
    return cache


@pytest.fixture
def cache(warm, tmp_path):
    """A copy of the warm cache."""
    import shutil

    return shutil.copytree(warm, tmp_path / "cache")


# -- what is kept ------------------------------------------------------------------------------------------------------


def test_a_second_process_compiles_nothing(cache):
    assert counts(cache) == (0, 3)


def test_a_kernel_is_a_module_that_can_be_read(cache):
    titles = {path.read_text().splitlines()[0] for path in cache.rglob("*.py")}
    assert '"""the executor"""' in titles and len(titles) == 3


def test_the_folder_names_versions_and_processor(cache):
    import numba
    from llvmlite import binding

    (folder,) = (cache / "numba").iterdir()
    assert numba.__version__ in folder.name and binding.get_host_cpu_name() in folder.name


def test_kernels_of_another_version_are_left_alone(cache):
    (folder,) = (cache / "numba").iterdir()
    other = folder.rename(folder.with_name("0.0.1-0.1-other-000000000000"))
    before = {path: path.read_bytes() for path in other.iterdir()}
    assert counts(cache) == (3, 0)
    assert {path: path.read_bytes() for path in other.iterdir()} == before


def test_another_choice_of_instructions_has_kernels_of_its_own(cache):
    assert counts(cache, NUMBA_ENABLE_AVX="0") == (3, 0)
    assert counts(cache, NUMBA_OPT="1") == (3, 0)
    assert counts(cache) == (0, 3)


def test_numbas_own_variable_is_heeded(tmp_path):
    environment = {k: v for k, v in os.environ.items() if k != "POLYKERAS_CACHE"}
    environment["NUMBA_CACHE_DIR"] = str(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    finish(process)
    assert len(compiled_files(tmp_path)) == 3


def test_without_compilation_numpys_kernels_run(tmp_path):
    assert counts(tmp_path, NUMBA_DISABLE_JIT="1") == (0, 0)


def test_importing_the_backend_compiles_and_writes_nothing(tmp_path):
    code = "import polykeras_numba; from polykeras_numba.cache import KERNELS; assert not KERNELS.made"
    environment = {**os.environ, "POLYKERAS_CACHE": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=300)
    assert not list(tmp_path.iterdir())


def test_loading_does_not_make_numba_ready_to_compile(cache):
    """It takes half a second, and most programs only load."""
    program = PROGRAM + "import sys; assert 'scipy.linalg' not in sys.modules\n"
    program += "from numba.core.registry import cpu_target; assert not cpu_target.target_context._defns\n"
    assert counts(cache, program) == (0, 3)


# -- where nothing can be written --------------------------------------------------------------------------------------


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    assert counts(tmp_path / "file" / "cache") == (3, 0)
    assert counts(tmp_path / "file") == (3, 0)


REFUSING = """
import os, tempfile
def refuse(*args, **kwargs):
    raise OSError({number}, os.strerror({number}))
{what} = refuse
"""


@posix
def test_a_folder_that_can_only_be_read(cache):
    for path in [cache, *cache.rglob("*")]:
        if path.is_dir():
            path.chmod(0o500)
    # the superuser may write all the same: the system's answer to others is put in its place
    read_only = REFUSING.format(number=30, what="tempfile.mkstemp") + "os.mkdir = refuse\n"
    try:
        assert counts(cache, read_only + PROGRAM) == (0, 3)
        assert counts(cache, read_only + PROGRAM, NUMBA_OPT="1") == (3, 0)
        assert len(compiled_files(cache)) == 3
    finally:
        for path in [cache, *cache.rglob("*")]:
            if path.is_dir():
                path.chmod(0o700)


FULL_DISK = """
import builtins
usual = open
class Full:
    def __init__(self, file): self.file = file
    def __enter__(self): return self
    def __exit__(self, *args): self.file.close()
    def write(self, data):
        self.file.write(data[: len(data) // 2])
        raise OSError(28, "No space left on device")
def opened(file, mode="r", *args, **kwargs):
    found = usual(file, mode, *args, **kwargs)
    return Full(found) if mode == "wb" else found
builtins.open = opened
"""


def test_a_full_disk(tmp_path):
    assert counts(tmp_path, FULL_DISK + PROGRAM) == (3, 0)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert counts(tmp_path) == (3, 0)
    assert counts(tmp_path) == (0, 3)


# -- several processes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [2, 4])
def test_processes_warm_it_at_once(tmp_path, count):
    for process in [start(tmp_path) for _ in range(count)]:
        assert sum(finish(process)) == 3
    assert counts(tmp_path) == (0, 3)
    assert not list(tmp_path.rglob("*.tmp"))


KILLED = """
import os, signal
def killed(source, target):
    if target.suffix == ".kernel":
        os.kill(os.getpid(), signal.SIGKILL)
    usual(source, target)
usual, os.replace = os.replace, killed
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="processes cannot be killed so here")
def test_a_process_that_is_killed_while_it_writes(tmp_path):
    process = start(tmp_path, KILLED + PROGRAM)
    process.communicate(timeout=300)
    assert process.returncode == -signal.SIGKILL
    (left,) = tmp_path.rglob("*.tmp")
    assert not compiled_files(tmp_path)
    assert counts(tmp_path) == (3, 0)
    assert left.exists()  # somebody may be writing it just now
    old = time.time() - 7200
    os.utime(left, (old, old))
    compiled_files(tmp_path)[0].unlink()
    assert counts(tmp_path) == (1, 2)
    assert not left.exists()


# -- files that are not what was written -------------------------------------------------------------------------------


def truncated(data):
    return data[:-100]


def flipped(data):
    return data[:-50] + bytes([data[-50] ^ 1]) + data[-49:]


def emptied(data):
    return b""


def scribbled(data):
    return b"damaged"


@pytest.mark.parametrize("damage", [truncated, flipped, emptied, scribbled])
def test_damaged_kernels_are_compiled_anew_and_replaced(cache, damage):
    sound = {path: path.read_bytes() for path in compiled_files(cache)}
    for path, data in sound.items():
        path.write_bytes(damage(data))
    assert counts(cache) == (3, 0)
    assert counts(cache) == (0, 3)


def test_a_kernel_in_the_place_of_another_is_not_taken_for_it(cache):
    first, second, _ = compiled_files(cache)
    first.write_bytes(second.read_bytes())
    assert counts(cache) == (1, 2)
    assert counts(cache) == (0, 3)


def test_a_kernel_that_cannot_be_rebuilt_is_compiled_anew(cache):
    (folder,) = (cache / "numba").iterdir()
    first = compiled_files(cache)[0]
    Store(cache / "numba", folder.name).write(first.stem, b"whole, but no kernel")
    assert counts(cache) == (1, 2)
    assert counts(cache) == (0, 3)


def test_damaged_sources_do_not_matter(cache):
    for path in cache.rglob("*.py"):
        path.write_bytes(b"damaged \xff (")
    assert counts(cache) == (0, 3)


def test_a_folder_in_the_place_of_a_file(cache):
    first = compiled_files(cache)[0]
    first.unlink()
    first.mkdir()
    assert counts(cache) == (1, 2)


# -- whose files they are ----------------------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize("which", ["numba", "version"])
@pytest.mark.parametrize("mode", [0o770, 0o707])
def test_a_folder_in_which_others_may_write_is_not_believed(cache, which, mode):
    (folder,) = (cache / "numba").iterdir()
    writable = folder.parent if which == "numba" else folder
    writable.chmod(mode)
    before = {path: path.stat().st_mtime_ns for path in cache.rglob("*")}
    compiled, loaded, err = finish(start(cache), warns=True)
    assert (compiled, loaded) == (3, 0)
    assert err.count("RuntimeWarning") == 1
    assert f"chmod go-w {writable}" in err and "POLYKERAS_CACHE" in err
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*")} == before
    writable.chmod(0o700)
    assert counts(cache) == (0, 3)


@pytest.mark.skipif(not HAS_OWNERS or os.geteuid() != 0, reason="only the superuser can give files away")
def test_a_folder_of_another_user_is_not_believed(cache):
    (folder,) = (cache / "numba").iterdir()
    os.chown(folder, 65534, 65534)
    compiled, loaded, err = finish(start(cache), warns=True)
    assert (compiled, loaded) == (3, 0)
    assert "belongs to another user" in err and str(folder) in err


@posix
def test_a_file_that_others_may_write_is_not_believed(cache):
    first = compiled_files(cache)[0]
    first.chmod(0o666)
    assert counts(cache) == (1, 2)
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    assert counts(cache) == (0, 3)


@posix
def test_links_are_not_followed(cache, tmp_path):
    first = compiled_files(cache)[0]
    elsewhere = first.rename(tmp_path / "elsewhere")
    first.symlink_to(elsewhere)
    assert counts(cache) == (1, 2)
    assert not first.is_symlink() and elsewhere.exists()


@pytest.mark.skipif(not HAS_OWNERS or os.geteuid() != 0, reason="only the superuser can act for others")
def test_what_root_has_warmed_serves_others_who_may_read_it():
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as made:  # others may not enter pytest's own folders
        Path(made).chmod(0o755)
        store = Store(Path(made) / "numba", "1")
        name = "kernel_" + "0" * 20
        store.write(name, b"code")
        os.seteuid(65534)
        try:
            assert store.read(name) is None and store.kept() == []
            store.write(name, b"another")  # does nothing
        finally:
            os.seteuid(0)
        for path in (store.root, store.folder):
            path.chmod(0o755)
        (store.folder / f"{name}.kernel").chmod(0o644)
        os.seteuid(65534)
        try:
            assert store.read(name) == b"code" and len(store.kept()) == 1
            store.write(name, b"another")
            assert store.read(name) == b"code"
        finally:
            os.seteuid(0)


@posix
def test_folders_are_made_for_the_user_alone(tmp_path):
    store = Store(tmp_path / "a" / "numba", "1")
    before = os.umask(0)
    try:
        store.write("kernel_" + "0" * 20, b"code")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a" / "numba").stat().st_mode) == 0o700
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700
    assert store.read("kernel_" + "0" * 20) == b"code"


# -- listing and clearing ----------------------------------------------------------------------------------------------


def filled(root, version, count):
    store = Store(root, version)
    for i in range(count):
        name = f"kernel_{i:020x}"
        store.write_source(name, f'"""number {i}"""\n')
        store.write(name, b"x" * 100)
    return store


def test_kept(tmp_path):
    store = filled(tmp_path, "b", 2)
    filled(tmp_path, "a", 1)
    kept = store.kept()
    assert [(one.title, one.version, one.current) for one in kept] == [
        ("number 0", "b", True), ("number 1", "b", True), ("number 0", "a", False),
    ]  # fmt: skip
    assert sum(one.nbytes for one in kept) == sum(p.stat().st_size for p in tmp_path.rglob("*") if p.is_file())
    assert store.problem() is None


def test_a_cache_that_is_not_there_is_empty_and_not_made(tmp_path):
    store = Store(tmp_path / "none" / "numba", "1")
    assert store.kept() == [] and store.clear(every=True) == 0 and store.problem() is None
    assert not list(tmp_path.iterdir())


def test_clear_removes_this_version_or_all(tmp_path):
    store = filled(tmp_path, "b", 2)
    other = filled(tmp_path, "a", 1)
    assert store.clear() == 2
    assert not store.folder.exists() and len(other.kept()) == 1
    assert store.clear(every=True) == 1
    assert not list(tmp_path.iterdir())


@posix
def test_clear_leaves_what_is_not_its_own(tmp_path):
    store = filled(tmp_path / "cache", "b", 1)
    elsewhere = filled(tmp_path / "elsewhere", "c", 1)
    (tmp_path / "cache" / "linked").symlink_to(elsewhere.folder)
    note = store.folder / "note.txt"
    note.write_text("mine")
    folder = store.folder / ("kernel_" + "f" * 20 + ".kernel")
    folder.mkdir()
    link = store.folder / ("kernel_" + "e" * 20 + ".kernel")
    link.symlink_to(note)
    assert store.clear(every=True) == 1
    assert note.read_text() == "mine" and folder.is_dir() and link.is_symlink()
    assert len(elsewhere.kept()) == 1


def test_problems_are_told(tmp_path):
    (tmp_path / "file").write_text("")
    assert "it is no folder" in Store(tmp_path / "file" / "numba", "1").problem()
    if HAS_OWNERS:
        store = filled(tmp_path / "numba", "1", 1)
        store.folder.chmod(0o777)
        assert "other users may write in it" in store.problem()


# -- progress ----------------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def compiles(progress, clock, seconds):
    for i, duration in enumerate(seconds):
        with progress.compiling(f"kernel {i}"):
            clock.now += duration


def test_nothing_is_said_within_a_second():
    out, clock = io.StringIO(), Clock()
    progress = Progress(out, clock)
    compiles(progress, clock, [0.3, 0.3, 0.3])
    clock.now += 5  # the next program
    compiles(progress, clock, [0.3, 0.3, 0.3])
    assert out.getvalue() == ""


def test_a_few_plain_lines():
    out, clock = io.StringIO(), Clock()
    compiles(Progress(out, clock), clock, [0.5] * 40)
    lines = out.getvalue().splitlines()
    assert len(lines) == 3  # after 1, 4 and 16 seconds
    assert lines[0] == "polykeras: compiling kernels, 2 done in 1 s; now: kernel 2"
    assert "\x1b" not in out.getvalue()


def test_one_line_on_a_terminal_that_is_wiped():
    out, clock = Terminal(), Clock()
    compiles(Progress(out, clock), clock, [0.5] * 4)
    assert "\n" not in out.getvalue()
    assert out.getvalue().count("now:") == 2 and out.getvalue().endswith("\r\x1b[K")


def test_progress_never_raises(monkeypatch):
    clock = Clock()
    closed = io.StringIO()
    closed.close()
    compiles(Progress(closed, clock), clock, [0.5] * 4)
    monkeypatch.setattr(sys, "stderr", None)
    compiles(Progress(None, clock), clock, [0.5] * 4)


def test_an_error_of_the_compiler_passes_through():
    clock = Clock()
    progress = Progress(Terminal(), clock)
    with pytest.raises(ZeroDivisionError), progress.compiling("a kernel"):
        raise ZeroDivisionError
