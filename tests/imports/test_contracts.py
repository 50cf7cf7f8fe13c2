"""The import rules of docs/architecture.md that need more than a graph of imports: who may name which module, where.

The layers of core, and what core and `symbolic` never import, are import-linter's (`tox -e lint`, in pyproject.toml).
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
CORE = ROOT / "core/src"
BACKENDS = {path.parent.name: path for path in sorted((ROOT / "backends").glob("*/src"))}
PLUGINS = {path.parent.name: path for path in sorted((ROOT / "plugins").glob("*/src"))
           if path.parent.name not in ("pytest", "template")}  # fmt: skip
ON_ARRAYS = {"applications", "tensorboard"}
"""Plugins that also work on what is outside graphs: images to be fed, values to be written down."""

ARRAY_MODULES = {"numpy", "scipy", "numba", "llvmlite", "cupy", "cupyx", "torch", "tensorflow", "jax"}


class Import(NamedTuple):
    """One imported module: its absolute name, where it stands, and whether it is inside a function."""

    module: str
    site: str
    in_function: bool


def python_files(source: Path) -> list[Path]:
    """The Python files below `source`."""
    files = sorted(source.rglob("*.py"))
    assert files, f"no Python file below {source}"
    return files


def absolute_names(node: ast.Import | ast.ImportFrom, package: list[str]) -> list[str]:
    """The modules that an import statement in `package` may name; `from a import b` names `a` and `a.b`."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = package[: len(package) - node.level + 1] if node.level else []
    module = ".".join(base + (node.module.split(".") if node.module else []))
    return [module, *(f"{module}.{alias.name}" for alias in node.names)]


def visit(node: ast.AST, package: list[str], file: Path, in_function: bool) -> Iterator[Import]:
    """Imports below `node`, save those for type checkers only."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.Import | ast.ImportFrom):
            for name in absolute_names(child, package):
                yield Import(name, f"{file.relative_to(ROOT)}:{child.lineno}", in_function)
        enters = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from visit(child, package, file, in_function or enters)


def imports_of(source: Path) -> list[Import]:
    """All imports in the packages below `source`, a `src/` folder."""
    found: list[Import] = []
    for file in python_files(source):
        package = list(file.relative_to(source).parent.parts)
        found += visit(ast.parse(file.read_text(), str(file)), package, file, in_function=False)
    return found


def within(module: str, *packages: str) -> bool:
    """Whether `module` is one of `packages` or lies in one."""
    return any(module == package or module.startswith(package + ".") for package in packages)


def sites(imports: list[Import], *packages: str) -> set[str]:
    """The files that import one of `packages`."""
    return {found.site.rsplit(":", 1)[0] for found in imports if within(found.module, *packages)}


@pytest.fixture(scope="module")
def core_imports() -> list[Import]:
    return imports_of(CORE)


def test_only_entrypoints_reads_package_metadata(core_imports):
    assert sites(core_imports, "importlib.metadata") == {"core/src/polykeras/entrypoints.py"}


def test_only_plugins_imports_pluggy(core_imports):
    assert sites(core_imports, "pluggy") == {"core/src/polykeras/plugins.py"}


def test_only_select_reads_the_backend_variable():
    """As a string of its own, the name occurs in one file; texts that speak of it are longer."""
    readers = {
        str(file.relative_to(ROOT))
        for file in python_files(CORE)
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and node.value == "POLYKERAS_BACKEND"
    }
    assert readers == {"core/src/polykeras/runtime/select.py"}


def test_h5py_is_imported_within_functions(core_imports):
    assert [found.site for found in core_imports if within(found.module, "h5py") and not found.in_function] == []


@pytest.mark.parametrize("name", BACKENDS)
def test_backends_know_the_runtime_and_nothing_above_it(name):
    """No gradients, no layers, no K; the Numba backend builds on the NumPy one."""
    allowed = ["polykeras.runtime", "polykeras.symbolic", "polykeras.config", f"polykeras_{name}"]
    if name == "numba":
        allowed.append("polykeras_numpy")
    ours = [found for found in imports_of(BACKENDS[name]) if found.module.split(".")[0].startswith("polykeras")]
    strays = [found for found in ours if not within(found.module, *allowed) and found.module != "polykeras"]
    assert strays == []
    assert [found for found in ours if within(found.module, "polykeras.symbolic.autodiff")] == []


@pytest.mark.parametrize("name", PLUGINS)
def test_plugins_speak_k(name):
    """No array module, and nothing of the machinery below K."""
    imports = imports_of(PLUGINS[name])
    if name not in ON_ARRAYS:
        assert [found for found in imports if within(found.module, *ARRAY_MODULES)] == []
    assert [found for found in imports if within(found.module, "polykeras.runtime", "polykeras.symbolic")] == []
    assert [found for found in imports if within(found.module, *(f"polykeras_{other}" for other in BACKENDS))] == []


def test_the_reader_of_imports_sees_every_form(tmp_path):
    """The rules above are as good as this reader: functions, relative imports, and type-checking blocks."""
    source = tmp_path / "src"
    (source / "pkg" / "sub").mkdir(parents=True)
    (source / "pkg" / "sub" / "mod.py").write_text(
        "from typing import TYPE_CHECKING\n"
        "from ..other import name\n"
        "from . import near\n"
        "if TYPE_CHECKING:\n    import numpy\n"
        "def f():\n    import h5py\n"
    )
    tree = ast.parse((source / "pkg/sub/mod.py").read_text())
    found = {(item.module, item.in_function) for item in visit(tree, ["pkg", "sub"], ROOT / "mod.py", False)}
    assert {("pkg.other", False), ("pkg.other.name", False), ("pkg.sub.near", False), ("h5py", True)} <= found
    assert not any(module == "numpy" for module, _ in found)
