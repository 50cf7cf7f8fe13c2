"""What `mkdocs build` shows besides docs/: a page for each registry, and Markdown elsewhere in the checkout."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parent.parent
ELSEWHERE = {  # file in the checkout: page of the site
    "README.md": "readme.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "plugins/template/README.md": "template.md",
}
LINK = re.compile(r"\[([^\]]*)\]\(([^):#\s]+\.md|[^):#\s]*LICENSE)(#[^)\s]*)?\)")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages."""
    from polykeras.manual.registries import registry_pages

    for name, text in registry_pages():
        files.append(File.generated(config, name, content=text))
    for source, page in ELSEWHERE.items():
        text = relinked((ROOT / source).read_text(encoding="utf-8"), posixpath.dirname(source))
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Links out of docs/ lead to the site's pages."""
    return markdown if page.file.src_uri in ELSEWHERE.values() else relinked(markdown, "docs")


def relinked(text: str, folder: str) -> str:
    """The text of a file in `folder`, with links to files of the checkout as links to pages of the site.

    A link to a file that is no page, such as the licence, becomes plain text.
    """

    def leads(match: re.Match[str]) -> str:
        shown, link, mark = match.groups(default="")
        target = posixpath.normpath(posixpath.join(folder, link))
        page = ELSEWHERE.get(target)
        if page is None and posixpath.dirname(target) == "docs":
            page = posixpath.basename(target)
        return shown if page is None else f"[{shown}]({page}{mark})"

    return LINK.sub(leads, text)
