"""The documentation as pages of Markdown: those that were written, and one for each registry, made of what it holds.

The site (`mkdocs.yml`) and the command `polykeras docs` show the same pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources

from polykeras.manual.registries import registry_pages

__all__ = ["pages", "written_pages"]


def written_pages() -> Iterator[tuple[str, str]]:
    """(file name, text) of each page that was written; those of `docs/` in a checkout, which every wheel carries."""
    folder = resources.files(__name__).joinpath("pages")
    for page in sorted(folder.iterdir(), key=lambda page: page.name):
        if page.name.endswith(".md"):
            yield page.name, page.read_text(encoding="utf-8")


def pages() -> Iterator[tuple[str, str]]:
    """(file name, text) of all pages. Loads all that plugins have registered."""
    yield from written_pages()
    yield from registry_pages()
