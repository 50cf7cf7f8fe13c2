"""Fusion: legal order, the same results, no more memory."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("polykeras_numpy")

import polykeras.backend as K
from polykeras.runtime.executable import Executable
from polykeras.runtime.function import Function
from polykeras.runtime.program import Program, Step, Value
from polykeras.runtime.rewrite.fusion import FUSED, PARTS, fuse
from polykeras.symbolic.op import OPS, Op
from polykeras.symbolic.spec import Spec
from polykeras_numpy import NumpyBackend, blocked
from tests.runtime.random_programs import random_case, run


class Unfused(NumpyBackend):
    """The NumPy backend without fusion."""

    def compile(self, program):
        return Executable(self.prepare(program), self)


class Fused(NumpyBackend):
    """Everything elementwise is fused, and run in blocks of a few elements."""

    def compile(self, program):
        program = self.prepare(program)
        fuse(program, everything)
        self.last = program
        return Executable(program, self)


def everything(step):
    return len(step.outs) == 1 and step.outs[0].spec.size > 0 and bool(step.outs[0].spec.shape)


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(blocked, "BLOCK", 7)


def program_of(outputs, inputs=(), updates=(), arrays=()):
    return Function(inputs, outputs, updates=updates, backend=NumpyBackend()).program(arrays)


def assert_in_order(program: Program) -> None:
    made = {v for v in program.values if v.kind in ("input", "const", "variable")}
    made |= {v for s in program.constants for v in s.outs}
    for step in program.steps:
        assert all(v in made for v in step.ins), f"{step!r} reads what is made later"
        assert not any(v in made for v in step.outs), f"{step!r} makes a value again"
        made.update(step.outs)
    assert all(v in made for v in (*program.outputs, *[w.value for w in program.writes]))


@pytest.mark.parametrize("seed", range(25))
def test_fused_blocks_give_the_bits_of_single_steps(seed, small_blocks):
    case, backend = random_case(seed), Fused()
    expected, got = run(case, Unfused()), run(case, backend)
    assert_in_order(backend.last)
    assert any(s.op is FUSED for s in backend.last.steps)
    for a, b in zip(expected, got, strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_adam_update_is_one_step_that_writes_in_place():
    p, m, v = (K.variable(np.full((3, 4), x, "float32")) for x in (1.0, 0.1, 0.2))
    g = K.placeholder((3, 4))
    new_m, new_v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * K.square(g)
    updates = [(m, new_m), (v, new_v), (p, p - 0.01 * new_m / (K.sqrt(new_v) + 1e-7))]
    backend = Fused()
    function = K.function([g], [], updates=updates, backend=backend)
    given = np.linspace(-1, 1, 12, dtype="float32").reshape(3, 4)
    function([given])
    assert [s.op.name for s in backend.last.steps] == ["fused"]
    executable = next(iter(function.programs.values()))
    assert executable.plan.arena < 5 * 64 + 3 * 64 and not executable.plan.copies
    expected_m, expected_v = 0.09 + 0.1 * given, 0.198 + 0.01 * given**2
    np.testing.assert_allclose(K.get_value(m), expected_m, rtol=1e-6)
    np.testing.assert_allclose(K.get_value(v), expected_v, rtol=1e-6)
    np.testing.assert_allclose(K.get_value(p), 1 - 0.01 * expected_m / np.sqrt(expected_v), rtol=1e-6)


def test_a_path_through_another_step_keeps_two_steps_apart():
    x = K.placeholder((3, 3))
    h = K.exp(x)
    out = h + K.dot(h, h)
    program = program_of([out], [x], arrays=[np.zeros((3, 3))])
    fuse(program, everything, alone=everything)
    assert_in_order(program)
    assert [s.op.name for s in program.steps] == ["fused", "matmul", "fused"]


def test_what_only_fused_steps_read_past_is_dropped():
    x = K.placeholder((5, 3))
    row = K.variable(np.arange(3, dtype="float32"))
    wide = OPS["broadcast_to"](row, x)
    ones = OPS["fill_like"](x, value=1.0)
    out = K.exp(x * wide) + ones
    arrays = [np.ones((5, 3), "float32")]
    program = program_of([out], [x], arrays=arrays)
    fuse(program, everything)
    assert [s.op.name for s in program.steps] == ["fused"]
    assert not program.constants
    assert [v.spec.shape for v in program.steps[0].ins] == [(5, 3), (3,), ()]
    backend = Fused()
    np.testing.assert_array_equal(
        K.function([x], [out], backend=backend)(arrays)[0], K.function([x], [out], backend=Unfused())(arrays)[0]
    )


def test_a_broadcast_that_is_fetched_stays():
    x, row = K.placeholder((5, 3)), K.variable(np.arange(3, dtype="float32"))
    wide = OPS["broadcast_to"](row, x)
    program = program_of([K.exp(x * wide), wide], [x], arrays=[np.ones((5, 3), "float32")])
    fuse(program, everything)
    assert sorted(s.op.name for s in program.steps) == ["broadcast_to", "fused"]


def test_effects_keep_their_order():
    note = Op(lambda x: Spec(x.shape, x.dtype), name="note", effect=True)
    x = Value(0, Spec((4,), "float32"), "input", 0)
    program = Program([x], [], [x], [])
    current, notes = x, []
    for i in range(6):
        out = program.new_value(Spec((4,), "float32"))
        step = Step(note if i % 2 else OPS["exp"], [current if i % 3 else x], [out], {}, None)
        notes += [step] if i % 2 else []
        program.steps.append(step)
        current = out
    program.outputs = [s.outs[0] for s in program.steps]
    fuse(program, everything)
    assert_in_order(program)
    assert [s for s in program.steps if s.op is note] == notes


def test_a_step_has_a_bounded_number_of_parts():
    x = K.placeholder((4, 4))
    h = x
    for _ in range(3 * PARTS):
        h = K.tanh(h) * 0.5
    program = program_of([h], [x], arrays=[np.zeros((4, 4))])
    fuse(program, everything)
    assert_in_order(program)
    counts = [len(s.attrs["group"].parts) for s in program.steps]
    assert max(counts) <= PARTS and len(counts) <= 8


@pytest.mark.parametrize("depth", [3, 12])
def test_peak_memory_of_a_training_step_does_not_grow(depth):
    """Forward activations live until the backward pass; fusing must not keep more of them, nor move work across it."""
    r = np.random.default_rng(depth)
    x = K.placeholder((64, 32))
    weights = [K.variable(r.normal(size=(32, 32)).astype("float32") * 0.2) for _ in range(depth)]
    h = x
    for w in weights:
        z = K.dot(h, w)
        mean = K.mean(z, axis=0, keepdims=True)
        z = (z - mean) / K.sqrt(K.mean(K.square(z - mean), axis=0, keepdims=True) + 1e-3)
        h = K.sigmoid(z) * z + h
    grads = K.gradients(K.mean(K.square(h)), weights)
    updates = [(w, w - 0.1 * g) for w, g in zip(weights, grads, strict=True)]
    arenas = []
    for backend in (Unfused(), Fused()):
        function = K.function([x], [], updates=updates, backend=backend)
        function([np.ones((64, 32), "float32")])
        arenas.append(next(iter(function.programs.values())).plan)
    plain, fused = arenas
    scratch = max((slot.nbytes for slot in fused.workspaces.values()), default=0)
    assert fused.arena - scratch <= 1.05 * plain.arena
    assert fused.total < plain.total + scratch * len(fused.workspaces)


def test_operands_of_unknown_size_are_left_alone():
    x = K.placeholder((4,))
    kept = OPS["boolean_mask"](x, K.greater(x, 0))
    out = kept + K.exp(kept)
    arrays = [np.array([1, -1, 2, -2], "float32")]
    np.testing.assert_allclose(
        K.function([x], [out], backend=Fused())(arrays)[0], np.array([1 + np.e, 2 + np.e**2]), rtol=1e-6
    )


def test_large_arrays_only_are_fused_on_numpy(monkeypatch):
    monkeypatch.setattr(blocked, "LEAST", 12)
    for rows, names in ((3, ["exp", "multiply"]), (4, ["fused"])):
        x = K.placeholder((rows, 3))
        function = K.function([x], [K.exp(x) * x], backend=NumpyBackend())
        function([np.ones((rows, 3), "float32")])
        assert [s.op.name for s in next(iter(function.programs.values())).plan.steps] == names
