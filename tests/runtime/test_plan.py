"""Planned programs give the bits of unplanned ones, whatever shares memory."""

from __future__ import annotations

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.runtime import plan as planning
from polykeras.runtime import select
from polykeras.runtime.plan import Slot, View


@pytest.fixture
def unshared(monkeypatch):
    """Every value its own memory, every write a copy at the end."""

    def switch_off():
        monkeypatch.setattr(planning._Planner, "_overwritable", lambda *args: None)
        monkeypatch.setattr(planning._Planner, "_in_place_writes", lambda *args: {})
        monkeypatch.setattr(planning._Memory, "give", lambda *args: None)

    return switch_off


def random_graph(seed: int):
    """Outputs and updates over shapes that can be viewed, broadcast, reduced and multiplied."""
    rng = np.random.RandomState(seed)
    x = K.placeholder((4, 6))
    variables = [K.variable(rng.randn(4, 6)) for _ in range(3)]
    pool = [x, *variables]
    for _ in range(40):
        a, b = (pool[rng.randint(len(pool))] for _ in range(2))
        kind = rng.randint(9)
        if kind == 0:
            made = a + b
        elif kind == 1:
            made = K.tanh(a) * b
        elif kind == 2:
            made = K.reshape(K.transpose(K.reshape(a, (6, 4))), (4, 6))
        elif kind == 3:
            made = a - K.sum(b, axis=1, keepdims=True) * 0.1
        elif kind == 4:
            made = K.dot(K.dot(a, K.transpose(b)), a) * 0.01
        elif kind == 5:
            made = K.concatenate([a[:, 3:], b[:, :3]], axis=1)
        elif kind == 6:
            made = a[::-1] + b[:, ::-1]
        elif kind == 7:
            made = K.relu(a) - K.exp(-K.abs(b))
        else:
            made = K.switch(K.greater(a, b), a, b)
        pool.append(made)
    picks = [pool[-i] for i in rng.choice(30, 3, replace=False) + 1]
    updates = [(v, pool[-rng.randint(1, 30)]) for v in variables]
    return x, variables, [*picks, variables[0], K.transpose(variables[1])], updates


@pytest.mark.parametrize("seed", range(25))
def test_sharing_memory_changes_no_bit(seed, unshared):
    feed = np.random.RandomState(seed).randn(4, 6).astype("float32")
    results = []
    for shared in (True, False):
        K.clear_session()
        x, variables, outputs, updates = random_graph(seed)
        if not shared:
            unshared()
        f = K.function([x], outputs, updates)
        results.append([*f([feed]), *f([feed]), *K.batch_get_value(variables)])
    for a, b in zip(*results, strict=True):
        assert np.array_equal(a, b, equal_nan=True)


def plan_of(f, *feeds):
    f(list(feeds))
    return list(f.programs.values())[-1].plan


def test_the_arena_is_smaller_than_the_sum_of_the_buffers():
    x = K.placeholder((None, 100))
    y = x
    for _ in range(20):
        y = K.dot(y, K.variable(np.eye(100)))
    plan = plan_of(K.function([x], [y]), np.ones((50, 100)))
    assert plan.arena <= 2 * 50 * 100 * 4 + 256
    assert plan.total >= 19 * 50 * 100 * 4


def test_a_chain_of_elementwise_steps_runs_in_one_buffer():
    x = K.placeholder((None, 64))
    y = K.exp(x)
    for _ in range(10):
        y = K.tanh(y)
    plan = plan_of(K.function([x], [y]), np.ones((8, 64)))
    slots = {p.offset for p in plan.places.values() if isinstance(p, Slot)}
    assert len(slots) == 1


def test_views_take_no_memory():
    x = K.placeholder((4, 6))
    y = K.reshape(K.transpose(K.exp(x)), (3, 2, 4))[::-1]
    plan = plan_of(K.function([x], [K.sum(y, axis=0)]), np.ones((4, 6)))
    assert sum(isinstance(p, View) for p in plan.places.values()) == 3


def test_a_dead_value_is_not_overwritten_while_a_view_of_it_lives():
    x = K.placeholder((3, 4))
    a = K.exp(x)
    flipped = a[::-1]
    b = K.tanh(a)
    feed = np.random.rand(3, 4).astype("float32")
    out = K.function([x], [b + flipped])([feed])[0]
    assert np.allclose(out, np.tanh(np.exp(feed)) + np.exp(feed)[::-1])


def test_lifetimes_never_overlap_in_one_place():
    x, _, outputs, updates = random_graph(3)
    f = K.function([x], outputs, updates)
    f([np.ones((4, 6))])
    (executable,) = f.programs.values()
    plan, program = executable.plan, executable.program

    def root(value):
        place = plan.places[value]
        return place.base if isinstance(place, View) else value

    born, last = {}, {}
    for i, step in enumerate(plan.steps):
        for value in step.outs:
            born[value] = i
        for value in step.ins:
            last[root(value)] = i
    for value in [*program.outputs, *[w.value for w in plan.copies]]:
        last[root(value)] = len(plan.steps)
    slots = [(v, plan.places[v]) for v in born if isinstance(plan.places.get(v), Slot)]
    for i, (a, pa) in enumerate(slots):
        for b, pb in slots[i + 1 :]:
            if pa.offset < pb.offset + pb.nbytes and pb.offset < pa.offset + pa.nbytes:
                # b may begin where a ends: then b's step overwrites a operand
                first, second = (a, b) if born[a] < born[b] else (b, a)
                assert last.get(first, born[first]) <= born[second]


def test_the_current_backend_names_itself():
    assert select.current().name in str(select.why())
