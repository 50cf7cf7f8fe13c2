"""Random graphs of elementwise ops, reductions and products, with updates: what passes over programs are tried on."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import polykeras.backend as K
from polykeras.symbolic.op import OPS

SHAPES = ((4, 6), (6,), (4, 1), (1,), (), (4, 6, 5), (6, 5))
ONE = ("negative", "abs", "square", "relu", "tanh", "sigmoid", "exp", "softplus", "floor", "sign", "sqrt", "log1p")
TWO = ("add", "subtract", "multiply", "maximum", "minimum", "relu_grad", "sigmoid_grad", "tanh_grad")


class Case(NamedTuple):
    """A graph, its feeds, and variables that it updates."""

    inputs: list[Any]
    outputs: list[Any]
    updates: list[Any]
    variables: list[Any]
    arrays: list[Any]


def random_case(seed: int, steps: int = 60, dtype: str = "float32", scale: int = 1) -> Case:
    """A graph of so many steps; `scale` multiplies the first size."""
    r = np.random.default_rng(seed)
    shapes = [tuple(n * scale if i == 0 and n == 4 else n for i, n in enumerate(s)) for s in SHAPES]
    inputs, arrays = [], []
    for shape in (shapes[0], shapes[5]):
        inputs.append(K.placeholder(shape, dtype=dtype))
        arrays.append(r.normal(size=shape).astype(dtype))
    variables = [K.variable(r.normal(size=s).astype(dtype), dtype=dtype) for s in shapes]
    pool = [*inputs, *variables]
    for _ in range(steps):
        pool.append(_step(r, pool, dtype))
    outputs = [pool[i] for i in r.choice(len(pool), 4)]
    updates = []
    for v in variables:
        same = [t for t in pool[len(inputs) :] if t.spec.shape == v.spec.shape and t.spec.dtype == dtype]
        new = K.tanh(same[r.integers(len(same))] + v * 0.5)
        updates.append((v, new))
    return Case(inputs, outputs, updates, variables, arrays)


def _step(r: Any, pool: list[Any], dtype: str) -> Any:
    """One more tensor, kept within [-1, 1] or so."""
    # late tensors are taken more often: the graph grows deep
    x, y = (pool[-1 - int(i)] for i in np.minimum(r.geometric(0.12, 2) - 1, len(pool) - 1))
    kind = r.integers(10)
    if kind < 3:
        name = ONE[r.integers(len(ONE))]
        if name in ("sqrt", "log1p"):
            x = K.abs(x)
        return OPS[name](K.clip(x, -2, 2))
    if kind < 8 and _fit(x, y):
        return K.clip(OPS[TWO[r.integers(len(TWO))]](x, y), -2, 2)
    if kind == 8 and x.spec.shape:
        return K.mean(x, axis=int(r.integers(len(x.spec.shape))), keepdims=bool(r.integers(2)))
    if kind == 9 and _fit(x, y):
        return K.switch(K.greater(x + 0 * y, 0), y + 0 * x, x + 0 * y)
    return x * float(r.normal()) + 1


def _fit(x: Any, y: Any) -> bool:
    pairs = zip(reversed(x.spec.shape), reversed(y.spec.shape), strict=False)
    return all(a == b or 1 in (a, b) for a, b in pairs)


def run(case: Case, backend: Any, calls: int = 3) -> list[Any]:
    """Outputs of some calls, and the variables after them; the variables are put back."""
    before = [K.get_value(v) for v in case.variables]
    function = K.function(case.inputs, case.outputs, updates=case.updates, backend=backend)
    results = [x for _ in range(calls) for x in function(case.arrays)]
    results += [K.get_value(v) for v in case.variables]
    for v, value in zip(case.variables, before, strict=True):
        K.set_value(v, value)
    return results
