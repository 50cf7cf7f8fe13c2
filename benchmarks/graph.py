"""`python -m benchmarks.graph`: what graphs cost before anything is computed, and the memory of what is planned.

1. A training graph of at least 12,000 nodes (ResNet-50 with Adam, its blocks repeated until it has them), from layers
   to bound code.
2. An LSTM trained on 200 different sequence lengths: the share of those steps that specialising takes, and memory.
3. The memory planned for training steps, beside the sum of their buffers.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import polykeras
from benchmarks.frameworks.functional import functional
from benchmarks.frameworks.polykeras_adapter import Model as Trained
from benchmarks.harness import machine, table, write_json
from benchmarks.memory import resident_bytes
from benchmarks.workloads import WORKLOADS
from benchmarks.workloads.convolutional import RESNET50, resnet
from polykeras import backend as K
from polykeras.engine import functions
from polykeras.optimizers import Adam
from polykeras.runtime import select
from polykeras.runtime.executable import Executable
from polykeras.runtime.function import materialise
from polykeras.symbolic import collector

NODES = 12_000
LENGTHS = range(20, 220)
WIDTH, FEATURES, BATCH = 128, 64, 32


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.graph", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="of the large graph; default: %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results there")
    options = parser.parse_args()
    results: dict[str, Any] = {"machine": {**machine(), "backend": str(select.why())}}
    print("\n".join(f"{name}: {value}" for name, value in results["machine"].items()))
    results["large_graph"] = large_graph(options.repeats)
    results["lengths"] = many_lengths()
    results["planned"] = planned_memory()
    write_json(options.json, results)
    return 0


# -- a large graph -----------------------------------------------------------------------------------------------------


def large_graph(repeats: int) -> dict[str, Any]:
    """Seconds of each stage, of several graphs made one after another."""
    blocks = _deep_enough()
    found = [_stages(blocks) for _ in range(repeats)]
    names = [name for name in found[0] if name not in ("nodes", "steps", "allocate weights")]
    totals = [sum(run[name] for name in names) for run in found]
    rows = [["stage", "median ms", "minimum ms"]]
    for name in [*names, "allocate weights"]:
        seconds = [run[name] for run in found]
        label = f"({name})" if name == "allocate weights" else name
        rows.append([label, f"{1e3 * statistics.median(seconds):.0f}", f"{1e3 * min(seconds):.0f}"])
    rows.append(["all but weights", f"{1e3 * statistics.median(totals):.0f}", f"{1e3 * min(totals):.0f}"])
    nodes, steps = found[0]["nodes"], found[0]["steps"]
    print(f"\nResNet of {'-'.join(map(str, blocks))} blocks with Adam: {nodes} nodes, {steps} steps\n{table(rows)}")
    return {"blocks": blocks, "runs": found, "seconds": statistics.median(totals)}


def _deep_enough() -> tuple[int, ...]:
    """ResNet-50's blocks, those of its third stage repeated until the training graph has the nodes."""
    counts = []
    for extra in (0, 2):  # the number of nodes is linear in the number of blocks
        model = _compiled(_deeper(extra), size=32)
        counts.append(_nodes(_training_function(model)))
    per_block = (counts[1] - counts[0]) / 2
    return _deeper(max(0, int(np.ceil((NODES - counts[0]) / per_block))))


def _deeper(extra: int) -> tuple[int, ...]:
    first, second, third, fourth = RESNET50
    return first, second, third + extra, fourth


def _compiled(blocks: tuple[int, ...], size: int) -> Any:
    model, _ = functional(resnet(blocks, size), polykeras)
    model.compile(optimizer=Adam(lr=0.001), loss="categorical_crossentropy")
    return model


def _training_function(model: Any) -> Any:
    """The function of `train_on_batch`: inputs, targets, and the learning phase where the model depends on it."""
    return functions._function(model, "train", weighted=False, phased=bool(model.uses_learning_phase))


def _stages(blocks: tuple[int, ...]) -> dict[str, Any]:
    gc.collect()
    backend = select.current()
    clock = _Clock()
    model = clock("build", _compiled, blocks, 64)
    function = clock("differentiate", _training_function, model)
    arrays = _feeds(function, batch=2, size=64)
    clock("allocate weights", _allocate, model, backend)
    program = clock("specialise", function.program, arrays, backend)
    clock("allocate weights", materialise, _storages(program), backend)
    with collector.paused():  # as K.function does
        executable = clock("bind kernels and plan", backend.compile, program)
    block = clock("allocate weights", backend.arena, executable.plan.arena)
    clock("emit and bind", executable.bind, block, 0)
    return {**clock.seconds, "nodes": _nodes(function), "steps": len(executable.plan.steps)}


class _Clock:
    """Adds up seconds by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __call__(self, name: str, function: Callable[..., Any], *arguments: Any) -> Any:
        start = time.perf_counter()
        result = function(*arguments)
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start
        return result


def _allocate(model: Any, backend: Any) -> None:
    materialise([weight.storage for weight in [*model.weights, *model.optimizer.weights]], backend)


def _storages(program: Any) -> list[Any]:
    return [value.source for value in program.reads] + [write.storage for write in program.writes]


def _feeds(function: Any, batch: int, size: int) -> list[Any]:
    """Arrays for images, one-hot classes and the learning phase."""
    shapes = {4: (batch, size, size, 3), 2: (batch, 1000), 0: ()}
    return [np.ones(shapes[i.tensor.spec.ndim], i.dtype) for i in function.fed]


def _nodes(function: Any) -> int:
    """Nodes that results and updates depend on."""
    roots = [*function.outputs, *function.performed, *(new for _, new in function.pairs)]
    pending = [root.node for root in roots]
    seen = set(pending)
    while pending:
        for tensor in pending.pop().inputs:
            if tensor.node not in seen:
                seen.add(tensor.node)
                pending.append(tensor.node)
    return len(seen)


# -- many lengths ------------------------------------------------------------------------------------------------------


def many_lengths() -> dict[str, Any]:
    """Train on each length once, in random order after the longest; then again on some, for the step alone."""
    train = _lstm_training()
    spent = _watch(train)
    random = np.random.RandomState(0)
    order = [max(LENGTHS), *random.permutation(list(LENGTHS)[:-1]).tolist()]
    total, specialising, memory = [], [], []
    for length in order:
        arrays = [random.rand(BATCH, length, FEATURES).astype("float32"), random.rand(BATCH, 1).astype("float32")]
        spent.clear()
        start = time.perf_counter()
        train(arrays)
        total.append(time.perf_counter() - start)
        specialising.append(sum(spent))
        memory.append(resident_bytes())
    share = sum(specialising) / sum(total)
    growth = memory[-1] - memory[len(memory) // 4]
    rows = [
        ["200 lengths", ""],
        ["steps, all in all, s", f"{sum(total):.2f}"],
        ["of it specialising, s", f"{sum(specialising):.2f}"],
        ["share", f"{share:.1%}"],
        ["specialising, median ms", f"{1e3 * statistics.median(specialising):.2f}"],
        ["step, median ms", f"{1e3 * statistics.median(t - s for t, s in zip(total, specialising, strict=True)):.2f}"],
        ["memory after 50 lengths, MB", f"{memory[len(memory) // 4] / 1e6:.1f}"],
        ["memory after 200 lengths, MB", f"{memory[-1] / 1e6:.1f}"],
    ]
    print(f"\nLSTM of width {WIDTH}, batch {BATCH}, lengths {min(LENGTHS)} to {max(LENGTHS)}, trained\n{table(rows)}")
    return {"share": share, "total": total, "specialising": specialising, "memory": memory, "growth": growth}


def _lstm_training() -> Any:
    """A training step of an LSTM written with `K.rnn`, and a number for each sequence made of its last output."""
    x, y = K.placeholder((BATCH, None, FEATURES)), K.placeholder((BATCH, 1))
    random = np.random.RandomState(1)
    kernel = K.variable(random.normal(0, 0.1, (FEATURES, 4 * WIDTH)))
    recurrent = K.variable(random.normal(0, 0.1, (WIDTH, 4 * WIDTH)))
    bias = K.variable(np.zeros(4 * WIDTH))
    dense = K.variable(random.normal(0, 0.1, (WIDTH, 1)))

    def step(inputs: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        output, cell = states
        gates = K.bias_add(K.dot(inputs, kernel) + K.dot(output, recurrent), bias)
        entry, forget, out = (K.sigmoid(gates[:, i * WIDTH : (i + 1) * WIDTH]) for i in range(3))
        cell = forget * cell + entry * K.tanh(gates[:, 3 * WIDTH :])
        output = out * K.tanh(cell)
        return output, [output, cell]

    zeros = K.zeros((BATCH, WIDTH))
    last, _, _ = K.rnn(step, x, [zeros, zeros])
    loss = K.mean(K.square(K.dot(last, dense) - y))
    updates = Adam(lr=0.001).get_updates(params=[kernel, recurrent, bias, dense], loss=loss)
    return K.function([x, y], [loss], updates=updates, name="lstm")


def _watch(function: Any) -> list[float]:
    """The list to which the seconds of each specialisation are added: making the program, planning, binding."""
    spent: list[float] = []

    def timed(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            start = time.perf_counter()
            result = original(*arguments)
            spent.append(time.perf_counter() - start)
            return result

        return call

    function._compile = timed(function._compile)
    Executable._bind = timed(Executable._bind)  # type: ignore[method-assign]  # this process does nothing else
    return spent


# -- planned memory ----------------------------------------------------------------------------------------------------


def planned_memory() -> dict[str, dict[str, int]]:
    """Bytes of the arena and of all its buffers, for training steps. Nothing is allocated for it."""
    backend = select.current()
    cases = {
        name: (_training_function(trained.model), [trained.x, trained.y])
        for name, trained in ((name, Trained(WORKLOADS[name])) for name in ("mlp", "cnn"))
    }
    found = {}
    for name, (function, arrays) in cases.items():
        phase = [np.ones((), i.dtype) for i in function.fed[2:]]
        found[f"{name}, batch {len(arrays[0])}"] = _planned(function, [*arrays, *phase], backend)
    function = _training_function(_compiled(RESNET50, 224))
    found["ResNet-50, batch 8"] = _planned(function, _feeds(function, batch=8, size=224), backend)
    rows = [["training step", "planned MB", "sum of buffers MB", "planned ÷ sum"]]
    for name, one in found.items():
        planned, whole = one["planned"], one["sum"]
        rows.append([name, f"{planned / 1e6:.1f}", f"{whole / 1e6:.1f}", f"{planned / whole:.2f}"])
    print(f"\n{table(rows)}")
    return found


def _planned(function: Any, arrays: list[Any], backend: Any) -> dict[str, int]:
    plan = backend.compile(function.program(arrays, backend)).plan
    return {"planned": plan.arena, "sum": plan.total}


if __name__ == "__main__":
    sys.exit(main())
