"""Reads docs/tour.md: its code blocks are a program, step by step."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tour.md"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def steps() -> dict[str, list[str]]:
    """The page's sections by title, each with its code blocks; examples (`>>>`) are no code of the program."""
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {
        section.partition("\n")[0]: [code for code in BLOCK.findall(section) if not code.startswith(">>>")]
        for section in sections
    }


def run(last: str | None = None) -> dict[str, object]:
    """The names that the program defines, up to the section whose title begins with `last`."""
    names: dict[str, object] = {"__name__": "tour"}
    for title, blocks in steps().items():
        for code in blocks:
            exec(compile(code, f"{PAGE.name}, {title}", "exec"), names)  # noqa: S102
        if last is not None and title.startswith(last):
            break
    return names
