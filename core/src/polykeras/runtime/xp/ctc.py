"""Kernels of `symbolic.ops.ctc`: a search whose sizes depend on data runs on the host."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

Array = Any


class Ctc:
    xp: Any

    def ctc_beam_search(
        self, logits: Array, input_length: Array, *, beam_width: int, top_paths: int, merge_repeated: bool = False
    ) -> tuple[Array, Array]:
        hosted, lengths = self.to_numpy(logits), self.to_numpy(input_length)  # type: ignore[attr-defined]
        batch, steps, _ = hosted.shape
        decoded = np.full((top_paths, batch, steps), -1, "int64")
        scores = np.empty((batch, top_paths), hosted.dtype)
        wide = hosted.astype("float64")
        largest = wide.max(axis=-1, keepdims=True)
        logs = wide - largest - np.log(np.exp(wide - largest).sum(axis=-1, keepdims=True))
        for i in range(batch):
            beams = _search(logs[i, : lengths[i]], beam_width)
            if len(beams.prefixes) < top_paths:
                raise ValueError(
                    f"{top_paths} paths are asked for, but sample {i} of {lengths[i]} steps has {len(beams.prefixes)}"
                )
            scores[i] = np.logaddexp(beams.blank, beams.label)[:top_paths]
            for path, prefix in enumerate(beams.prefixes[:top_paths]):
                label = _merged(prefix) if merge_repeated else prefix
                decoded[path, i, : len(label)] = label
        asarray = self.asarray  # type: ignore[attr-defined]
        return asarray(decoded, "int64"), asarray(scores, str(scores.dtype))


class _Beams(NamedTuple):
    """Prefixes, the most probable first, and the logarithms of the probabilities of paths that spell them and end in
    the blank or in the prefix's last class."""

    prefixes: list[tuple[int, ...]]
    blank: Array
    label: Array


def _search(logs: Array, width: int) -> _Beams:
    """Graves, Supervised sequence labelling with recurrent neural networks (2012), section 7.5.

    logs: (steps, classes); the last class is the blank.
    """
    classes = logs.shape[1] - 1
    beams = _Beams([()], np.zeros(1), np.full(1, -np.inf))
    for row in logs:
        total = np.logaddexp(beams.blank, beams.label)
        last = np.array([p[-1] if p else -1 for p in beams.prefixes])
        ended, open_ = np.flatnonzero(last >= 0), last[last >= 0]
        grown = total[:, None] + row[:classes]
        grown[ended, open_] = beams.blank[ended] + row[open_]
        label = np.where(last >= 0, beams.label + row[last], -np.inf)
        # a prefix that another one grows into is one prefix, and not two
        place = {p: i for i, p in enumerate(beams.prefixes)}
        for i, prefix in enumerate(beams.prefixes):
            parent = place.get(prefix[:-1]) if prefix else None
            if parent is not None:
                label[i] = np.logaddexp(label[i], grown[parent, prefix[-1]])
                grown[parent, prefix[-1]] = -np.inf
        blank = total + row[classes]
        scores = np.concatenate([np.logaddexp(blank, label), grown.ravel()])
        best = np.argsort(-scores, kind="stable")[:width]
        beams = _kept(beams, blank, label, grown, best[scores[best] > -np.inf], classes)
    return beams


def _kept(beams: _Beams, blank: Array, label: Array, grown: Array, best: Array, classes: int) -> _Beams:
    """The beams of these numbers: first those that stayed, then those that grew by a class."""
    count = len(beams.prefixes)
    parents, added = np.divmod(best - count, max(classes, 1))
    prefixes = [
        beams.prefixes[k] if k < count else (*beams.prefixes[p], int(c))
        for k, p, c in zip(best.tolist(), parents.tolist(), added.tolist(), strict=True)
    ]
    stayed = best < count
    kept = np.where(stayed, best, 0)
    blank = np.where(stayed, blank[kept], -np.inf)
    fresh = grown.ravel()[np.where(stayed, 0, best - count)] if grown.size else np.full(len(best), -np.inf)
    return _Beams(prefixes, blank, np.where(stayed, label[kept], fresh))


def _merged(label: tuple[int, ...]) -> list[int]:
    """The label with equal neighbours made one."""
    return [c for i, c in enumerate(label) if not i or c != label[i - 1]]
