"""Whether processes may be spawned: each imports the main script, which must not do its work when it is imported."""

from __future__ import annotations

import ast
import sys
from types import FrameType

__all__ = ["unguarded_line"]


def unguarded_line() -> str | None:
    """`script.py, line 12`, if the main script runs that line now and would run it again in each spawned process.

    None where the line stands under `if __name__ == "__main__":`, where there is no script (an interactive session),
    and where that cannot be told.
    """
    main = sys.modules.get("__main__")
    path = getattr(main, "__file__", None)
    line = _line_of(vars(main)) if main is not None and path is not None else None
    if path is None or line is None:
        return None
    try:
        with open(path, "rb") as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError):
        return None
    return None if _is_guarded(tree, line) else f"{path}, line {line}"


def _line_of(module: dict[str, object]) -> int | None:
    """The line that the body of a module is at, if it runs in this thread."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_globals is module and frame.f_code.co_name == "<module>":
            return frame.f_lineno
        frame = frame.f_back
    return None


def _is_guarded(tree: ast.Module, line: int) -> bool:
    """Whether a line of the body stands within an `if` that asks for `__name__`."""
    return any(
        statement.lineno <= line <= (statement.end_lineno or line)
        and any(isinstance(part, ast.Name) and part.id == "__name__" for part in ast.walk(statement.test))
        for statement in tree.body
        if isinstance(statement, ast.If)
    )
