"""`python -m benchmarks.picture RESULTS.json OUT.svg`: the ratios of a result of `python -m benchmarks` as a picture.

A bar for each framework and workload: its median over that of the fastest peer, on a logarithmic axis. Bars to the left
of the line at 1 are faster than every peer.
"""

from __future__ import annotations

import argparse
import html
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

COLOURS = {"polykeras:numba": "#c2410c", "polykeras:numpy": "#fdba74"}
PEER_COLOURS = ("#1e3a8a", "#3b82f6", "#0f766e", "#5eead4", "#6b7280")
LEFT, RIGHT, TOP, BAR, GAP = 110, 90, 64, 13, 12  # pixels
WIDTH = 860
FONT = 'font-family="sans-serif" font-size="11"'


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.picture", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", type=Path, help="what `python -m benchmarks --json` wrote")
    parser.add_argument("out", type=Path, help="the SVG file to write")
    options = parser.parse_args(arguments)
    results = json.loads(options.results.read_text(encoding="utf-8"))
    found = ratios(results)
    if not found:
        print(f"{options.results}: no workload was measured with a peer, so there is nothing to compare")
        return 1
    options.out.write_text(picture(found, _caption(results)), encoding="utf-8")
    print(f"Written: {options.out}")
    return 0


def ratios(results: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Medians over the fastest peer's by workload and framework; workloads without a peer are left out."""
    found = {}
    for workload, one in results["workloads"].items():
        medians = {name: times["median"] for name, times in one["times"].items()}
        peers = [median for name, median in medians.items() if not name.startswith("polykeras:")]
        if peers:
            found[workload] = {name: median / min(peers) for name, median in medians.items()}
    return found


def picture(found: dict[str, dict[str, float]], caption: str) -> str:
    """The SVG."""
    names = list(dict.fromkeys(name for one in found.values() for name in one))
    peers = [name for name in names if name not in COLOURS]
    colours = {**COLOURS, **{name: PEER_COLOURS[i % len(PEER_COLOURS)] for i, name in enumerate(peers)}}
    every = [ratio for one in found.values() for ratio in one.values()]
    low, high = math.floor(math.log2(min(every))), max(math.ceil(math.log2(max(every))), 1)

    def across(ratio: float) -> float:
        return LEFT + (math.log2(ratio) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    bottom = TOP + sum(GAP + BAR * len(one) for one in found.values())
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{bottom + 40}" {FONT}>',
        f'<rect width="{WIDTH}" height="{bottom + 40}" fill="white"/>',
        _text(LEFT, 20, caption),
    ]
    x = float(LEFT)
    for name in names:
        parts += [_bar(x, 32, 10, 10, colours[name], name), _text(x + 14, 41, name)]
        x += 32 + 6.5 * len(name)
    for power in range(low, high + 1):
        at = across(2.0**power)
        line = "#111" if power == 0 else "#ddd"
        parts.append(f'<line x1="{at:.1f}" y1="{TOP - 8}" x2="{at:.1f}" y2="{bottom}" stroke="{line}"/>')
        parts.append(_text(at, bottom + 14, f"{2.0**power:g}", "middle"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, bottom + 32, "time ÷ fastest peer's", "middle"))
    y = float(TOP)
    for workload, one in found.items():
        parts.append(_text(LEFT - 8, y + BAR * len(one) / 2 + 4, workload, "end"))
        for name, ratio in one.items():
            start, end = sorted((across(1.0), across(ratio)))
            parts.append(_bar(start, y, max(end - start, 1.0), BAR - 2, colours[name], f"{name}: {ratio:.3f}"))
            parts.append(_text(across(max(ratio, 1.0)) + 4, y + 10, f"{ratio:.2f}"))
            y += BAR
        y += GAP
    return "\n".join([*parts, "</svg>", ""])


def _bar(x: float, y: float, width: float, height: float, colour: str, title: str) -> str:
    size = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {size} fill="{colour}"><title>{html.escape(title)}</title></rect>'


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(text)}</text>'


def _caption(results: dict[str, Any]) -> str:
    machine, threads = results["machine"], results["threads"]
    cores = f"{threads} thread{'s' if threads != 1 else ''}" if threads else f"all {machine['cpus']} cores"
    return f"{machine['cpu']}, {cores}, {machine['time'][:10]}"


if __name__ == "__main__":
    sys.exit(main())
