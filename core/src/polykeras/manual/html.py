"""Pages of Markdown as HTML: the part of Markdown that our pages use, so that nothing else must be installed.

Headings, paragraphs, lists, tables, code in fences or indented; in the text code, links, *stress* and **bold**.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterator

from polykeras.manual.registries import anchor

_HEADING = re.compile(r"(#{1,6}) +(.*)")
_ITEM = re.compile(r"(?:[*-]|(\d+)\.) +(.*)")
_RULE = re.compile(r"\|[ :|-]+\|$")
_SPAN = re.compile(
    r"`(?P<code>[^`]+)`|\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)|\*\*(?P<bold>.+?)\*\*|\*(?P<stress>[^*\s][^*]*)\*"
)

STYLE = """
body { max-width: 46em; margin: 2em auto; padding: 0 1em; font: 16px/1.55 system-ui, sans-serif; color: #222; }
nav { font-size: 14px; border-bottom: 1px solid #ddd; padding-bottom: .6em; }
pre { background: #f5f6f7; padding: .7em 1em; overflow-x: auto; border-radius: 4px; line-height: 1.4; }
code, pre { font-family: ui-monospace, Consolas, monospace; font-size: 14px; }
table { border-collapse: collapse; } th, td { border: 1px solid #ddd; padding: .3em .6em; vertical-align: top; }
th { text-align: left; background: #f5f6f7; } a { color: #1f6f8b; }
@media (prefers-color-scheme: dark) {
  body { background: #1b1d1f; color: #ddd; } pre, th { background: #26292c; } a { color: #6fc3df; }
  th, td, nav { border-color: #444; }
}
"""


def document(text: str, links: Collection[str], menu: str = "") -> str:
    """A whole HTML page.

    text: Markdown.
    links: names of the pages that are there; links to other files become plain text.
    menu: HTML above the page.
    """
    title = next((match[2] for match in map(_HEADING.match, text.splitlines()) if match), "polykeras")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head>\n"
        f"<body>{menu}\n{body(text, links)}\n</body></html>\n"
    )


def body(text: str, links: Collection[str]) -> str:
    """The HTML of a page's text."""
    return "\n".join(_blocks(text.splitlines(), links))


def _blocks(lines: list[str], links: Collection[str]) -> Iterator[str]:
    position = 0
    while position < len(lines):
        line = lines[position]
        if not line.strip():
            position += 1
        elif line.startswith("```"):
            end = _find(lines, position + 1, lambda other: other.startswith("```"))
            yield _code(lines[position + 1 : end])
            position = end + 1
        elif line.startswith("    "):
            end = _find(lines, position, lambda other: bool(other.strip()) and not other.startswith("    "))
            yield _code([other[4:] for other in lines[position:end]])
            position = end
        elif heading := _HEADING.match(line):
            level = len(heading[1])
            yield f'<h{level} id="{anchor(heading[2])}">{_spans(heading[2], links)}</h{level}>'
            position += 1
        elif line.startswith("|"):
            end = _find(lines, position, lambda other: not other.startswith("|"))
            yield _table(lines[position:end], links)
            position = end
        else:
            listed = bool(_ITEM.match(line))
            end = _find(lines, position, _ends_list if listed else _ends_paragraph)
            block = lines[position:end]
            yield _list(block, links) if listed else f"<p>{_spans(' '.join(block), links)}</p>"
            position = end


def _find(lines: list[str], start: int, ends: object) -> int:
    """The first line from `start` for which `ends` holds, or the end."""
    assert callable(ends)
    return next((number for number in range(start, len(lines)) if ends(lines[number])), len(lines))


def _ends_paragraph(line: str) -> bool:
    return not line.strip() or line.startswith(("```", "#", "|")) or bool(_ITEM.match(line))


def _ends_list(line: str) -> bool:
    return not line.strip() or line.startswith(("```", "#", "|"))


def _code(lines: list[str]) -> str:
    return f"<pre><code>{html.escape(chr(10).join(lines).rstrip(), quote=False)}</code></pre>"


def _list(lines: list[str], links: Collection[str]) -> str:
    items: list[str] = []
    for line in lines:
        item = _ITEM.match(line)
        if item:
            items.append(item[2])
        else:
            items[-1] += " " + line.strip()
    first = _ITEM.match(lines[0])
    kind = "ol" if first is not None and first[1] else "ul"
    return f"<{kind}>{''.join(f'<li>{_spans(item, links)}</li>' for item in items)}</{kind}>"


def _table(lines: list[str], links: Collection[str]) -> str:
    rows = [line for line in lines if not _RULE.match(line)]
    parts = []
    for number, row in enumerate(rows):
        tag = "td" if number else "th"
        parts.append("".join(f"<{tag}>{_spans(cell, links)}</{tag}>" for cell in _cells(row)))
    return f"<table>{''.join(f'<tr>{part}</tr>' for part in parts)}</table>"


def _cells(row: str) -> list[str]:
    """The cells of a table's row; a bar after a backslash belongs to its cell."""
    return [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", row.strip().strip("|"))]


def _spans(text: str, links: Collection[str]) -> str:
    parts, position = [], 0
    for match in _SPAN.finditer(text):
        parts.append(html.escape(text[position : match.start()], quote=False))
        parts.append(_span(match, links))
        position = match.end()
    return "".join([*parts, html.escape(text[position:], quote=False)])


def _span(match: re.Match[str], links: Collection[str]) -> str:
    if match["code"] is not None:
        return f"<code>{html.escape(match['code'], quote=False)}</code>"
    if match["bold"] is not None:
        return f"<strong>{_spans(match['bold'], links)}</strong>"
    if match["stress"] is not None:
        return f"<em>{_spans(match['stress'], links)}</em>"
    page, mark, place = match["target"].partition("#")
    text = _spans(match["text"], links)
    if page.startswith(("https://", "http://")):
        return f'<a href="{html.escape(match["target"])}">{text}</a>'
    if page and page not in links:
        return text
    file = page.removesuffix(".md") + ".html" if page else ""
    return f'<a href="{html.escape(file + mark + place)}">{text}</a>'
