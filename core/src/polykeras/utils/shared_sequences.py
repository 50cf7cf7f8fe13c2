"""The helpers by which Keras's worker processes find their data: sources by number, in one table of the process.

For code of that time that sets up a pool of its own: `Pool(initializer=init_pool, initargs=({0: rows},))`, then
`pool.apply_async(get_index, (0, 3))`. Polykeras's own workers do not need them.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

_sources: dict[Any, Any] = {}


def init_pool(seqs: Mapping[Any, Any]) -> None:
    """Make `seqs` the sources of this process."""
    _sources.clear()
    _sources.update(seqs)


def init_pool_generator(gens: Mapping[Any, Any], random_seed: int | None = None) -> None:
    """Make `gens` the sources of this process; with `random_seed`, each worker of a pool gets a seed of its own."""
    init_pool(gens)
    if random_seed is not None:
        from multiprocessing import current_process

        seed = random_seed + (current_process()._identity or (0,))[0]
        random.seed(seed)
        np.random.seed(seed)


def get_index(uid: Any, i: int) -> Any:
    """Batch `i` of source `uid`."""
    return _sources[uid][i]


def next_sample(uid: Any) -> Any:
    """The next batch of source `uid`, a generator."""
    return next(_sources[uid])
