"""`polykeras docs`: the documentation of what is installed, in a browser."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

__all__ = ["add_parser", "run"]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command `docs`."""
    parser = commands.add_parser("docs", help="the documentation of what is installed, plugins too, in a browser")
    parser.add_argument("page", nargs="?", default="index", help="a page's name, such as `saving` or `all-layers`")
    parser.add_argument("--to", metavar="FOLDER", help="write the pages there, and open nothing")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the pages as HTML and open one; prints where it is."""
    import webbrowser

    folder = Path(arguments.to or tempfile.mkdtemp(prefix="polykeras-docs-"))
    names = write(folder)
    name = arguments.page.removesuffix(".md").removesuffix(".html")
    if name not in names:
        from polykeras.suggest import nearest

        near = nearest(name, names)
        print(f"No page {name!r}. {f'Did you mean {near!r}? ' if near else ''}There are: {', '.join(sorted(names))}")
        return 2
    page = folder / f"{name}.html"
    print(page)
    if arguments.to is None:
        webbrowser.open(page.resolve().as_uri())
    return 0


def write(folder: Path) -> list[str]:
    """Write all pages into a folder; their names."""
    from polykeras import manual
    from polykeras.manual import html, registries

    texts = dict(manual.pages())
    written = " · ".join(_link(name) for name in texts if not name.startswith(registries.PREFIX))
    generated = " · ".join(_link(name) for name in texts if name.startswith(registries.PREFIX))
    menu = f"<nav>{written}<br>{generated}</nav>"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / f"{Path(name).stem}.html").write_text(html.document(text, texts, menu), encoding="utf-8")
    return [Path(name).stem for name in texts]


def _link(page: str) -> str:
    stem = Path(page).stem
    return f'<a href="{stem}.html">{stem.removeprefix("all-")}</a>'
