"""A kernel that fails before the commit phase leaves every variable as it was; at every such step."""

from __future__ import annotations

import numpy as np
import pytest

from polykeras import backend as K
from polykeras.engine.sequential import Sequential
from polykeras.layers import BatchNormalization, Dense, Dropout, Embedding, Flatten
from polykeras.runtime import select
from polykeras.runtime.backend import Kernel
from polykeras.runtime.executable import Executable


class Broken(Exception):
    pass


def failing_backend(index: int):
    """The current backend, but the kernel of the step that is bound as number `index` raises."""

    class Failing(type(select.current())):
        def kernel(self, step):
            kernel = super().kernel(step)
            self.bound = getattr(self, "bound", -1) + 1
            if self.bound != index:
                return kernel

            def broken(*arrays):
                raise Broken(f"step {index}")

            return Kernel(broken, kernel.into, kernel.workspace)

    return Failing()


@pytest.fixture
def training():
    K.clear_session()
    np.random.seed(0)
    # picking rows may raise, so it is a step of its own on backends that compile the others
    embedded = [Embedding(9, 2, input_length=4), Flatten()]
    model = Sequential([*embedded, Dense(5, activation="relu"), BatchNormalization(), Dropout(0.5), Dense(3)])
    model.compile("adam", "mse")
    x, y = np.random.randint(0, 9, (6, 4)), np.random.rand(6, 3).astype("float32")
    model.train_on_batch(x, y)
    updates = model.optimizer.get_updates(model.total_loss, model._collected_trainable_weights)
    targets = [model.targets[0]]
    weights = [*model.sample_weights, K.learning_phase()]
    inputs = [*model.inputs, *targets, *weights]
    feeds = [x, y, np.ones(6, "float32"), 1]
    variables = [*model.weights, *model.optimizer.weights]
    return inputs, [model.total_loss], [*updates, *model.updates], feeds, variables


def test_a_failure_before_the_commit_changes_nothing(training):
    inputs, outputs, updates, feeds, variables = training
    whole = K.function(inputs, outputs, updates)
    whole(feeds)
    (executable,) = whole.programs.values()
    plan = executable.plan
    assert 0 < plan.commit < len(plan.steps)
    before = K.batch_get_value(variables)
    main = set(plan.steps[: plan.commit])
    failed = 0
    for index, step in enumerate(executable.kernels):
        if step not in main:
            continue
        broken = K.function(inputs, outputs, updates, backend=failing_backend(index))
        try:
            broken(feeds)
        except Broken as error:
            failed += 1
            assert step.op.name in str(error)
            for variable, old in zip(variables, before, strict=True):
                assert np.array_equal(K.get_value(variable), old), f"{variable.name} changed though {step} failed"
        else:  # the step is part of compiled code, which raises nothing
            K.batch_set_value(list(zip(variables, before, strict=True)))
    assert failed > 0
    if type(executable) is Executable:
        assert failed == len(main)


def test_the_commit_phase_cannot_fail(training):
    inputs, outputs, updates, feeds, _ = training
    f = K.function(inputs, outputs, updates)
    f(feeds)
    (executable,) = f.programs.values()
    for step in executable.plan.steps[executable.plan.commit :]:
        assert step.elementwise and executable.kernels[step].into and not step.dynamic


def test_updates_need_no_copy_of_the_weights(training):
    inputs, outputs, updates, feeds, _ = training
    f = K.function(inputs, outputs, updates)
    f(feeds)
    (executable,) = f.programs.values()
    copied = sum(w.storage.spec.size for w in executable.plan.copies)
    assert copied <= 2 * 5 + 2  # the two moving averages and the counters; not Adam's moments nor the weights
