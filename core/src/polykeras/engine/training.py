"""Model: a network that can be trained."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from polykeras import backend as K
from polykeras import optimizers
from polykeras._faces import lazy
from polykeras.engine import compiling, generators
from polykeras.engine.feeding import (
    check_array_length_consistency,
    check_loss_and_target_compatibility,
    number_of_samples,
    standardize_class_weights,
    standardize_input_data,
    standardize_sample_weights,
    standardize_weights,
)
from polykeras.engine.functions import keras_function, step_function
from polykeras.engine.loops import BATCH_SIZE, Data, evaluate_loop, fit_loop, predict_loop, predict_steps, reset_metrics
from polykeras.engine.network import Network
from polykeras.engine.run import validation_epochs
from polykeras.legacy.interfaces import keywords, rename, unknown_keyword, warn_caller
from polykeras.utils.generic_utils import to_list, unpack_singleton

# what Keras's module imports, and so shows
__getattr__, __dir__ = lazy(__name__, {
    "Layer": "polykeras.engine.base_layer:Layer",
    "collect_metrics": "polykeras.engine.training_utils:collect_metrics",
    "slice_arrays": "polykeras.utils.generic_utils:slice_arrays",
    "weighted_masked_objective": "polykeras.engine.training_utils:weighted_masked_objective",
})  # fmt: skip

REMEMBERED_SHAPES = 64
NOT_COMPILED = "You must compile a model before training/testing. Use `model.compile(optimizer, loss)`."


class Model(Network):
    """A network with an optimizer, losses and metrics: `compile`, then `fit`, `evaluate`, `predict`.

        inputs = Input(shape=(4,))
        model = Model(inputs, Dense(1)(inputs))
        model.compile("adam", "mse")
        model.fit(x, y, epochs=5)

    A subclass may define `call(inputs)` instead and use layers as attributes; its weights are made by the first data.
    """

    optimizer: Any = None
    history: Any = None
    stop_training: bool = False
    _compile_arguments: dict[str, Any] | None = None
    _unweighted_loss: Any = None  # of a compiled model that is built
    _known_inputs: frozenset[Any] = frozenset()
    _known_batches: frozenset[Any] = frozenset()
    _function_kwargs: Mapping[str, Any] = MappingProxyType({})  # what packages pass on to `K.function`

    _untracked = Network._untracked | {"weighted_metrics", "loss_functions"}

    def _base_init(self, name: str | None, trainable: bool = True) -> None:
        super()._base_init(name, trainable)
        self._forget_functions()

    # -- compile -----------------------------------------------------------------------------------------------------

    def compile(
        self,
        optimizer: Any,
        loss: Any = None,
        metrics: Any = None,
        loss_weights: Any = None,
        sample_weight_mode: Any = None,
        weighted_metrics: Any = None,
        target_tensors: Any = None,
        **kwargs: Any,
    ) -> None:
        """Say how the model is trained.

        optimizer: a name or an `Optimizer`.
        loss: a name, a function of `(y_true, y_pred)` or a `Loss`; with several outputs also a list, or a dict by
            output name. `None` for an output leaves it untrained.
        metrics: a list of names, functions of `(y_true, y_pred)` and `Metric` objects, for every output; or a list of
            lists, or a dict by output name.
        loss_weights: list or dict of factors of the outputs' losses.
        sample_weight_mode: "temporal" for weights per time step; for several outputs also a list or a dict.
        weighted_metrics: like `metrics`, but weighted by the sample weights.
        target_tensors: tensors used as targets in the place of data.

        Raises ValueError for unknown names, keys that name no output, lists of the wrong length, and for a model with
        nothing to minimise.
        """
        for name in kwargs:
            raise unknown_keyword(name, "compile", keywords(type(self).compile))
        self.optimizer = optimizers.get(optimizer)
        self.loss = loss if loss is not None else []
        self.metrics = metrics if metrics is not None else []
        self.loss_weights = loss_weights
        self.sample_weight_mode = sample_weight_mode
        self.weighted_metrics = weighted_metrics
        self._compile_arguments = {
            "loss": loss,
            "metrics": metrics,
            "loss_weights": loss_weights,
            "sample_weight_mode": sample_weight_mode,
            "weighted_metrics": weighted_metrics,
            "target_tensors": target_tensors,
        }
        self._is_compiled = True
        self._forget_functions()
        self._ensure_training_graph()

    def _ensure_training_graph(self) -> None:
        """Build losses and metrics of a compiled model; later, where its inputs are made by its first data."""
        if self._compile_arguments is not None and self._unweighted_loss is None and self.outputs:
            self._build_training_graph(**self._compile_arguments)

    def _connect(self, inputs: list[Any], outputs: list[Any]) -> None:
        super()._connect(inputs, outputs)
        self._forget_functions()  # they belong to the outputs that were

    def _build_training_graph(
        self,
        loss: Any,
        metrics: Any,
        loss_weights: Any,
        sample_weight_mode: Any,
        weighted_metrics: Any,
        target_tensors: Any,
    ) -> None:
        assert self.inputs is not None and self.outputs is not None
        names = self.output_names
        loss_functions = compiling.losses_by_output(loss, names)
        trained = [function is not None for function in loss_functions]
        masks = self.compute_mask(self.inputs, mask=None)
        masks = [None] * len(names) if masks is None else to_list(masks)
        plans = [
            compiling.OutputPlan(*one)
            for one in zip(
                names,
                self.outputs,
                [K.int_shape(output) for output in self.outputs],
                masks,
                loss_functions,
                compiling.loss_weights_by_output(loss_weights, names),
                compiling.weight_modes_by_output(sample_weight_mode, names, trained),
                compiling.metrics_by_output(metrics, names),
                compiling.metrics_by_output(weighted_metrics, names, "weighted_metrics"),
                compiling.targets_by_output(target_tensors, names),
                strict=True,
            )
        ]
        for plan in plans:
            if plan.trained:
                compiling.make_placeholders(plan, self.inputs)
        measures = compiling.measures(plans, self.losses, self.added_metrics)

        self.loss_functions = loss_functions
        self._unweighted_loss = measures.total_loss
        self.metrics_names = measures.names
        self.metrics_tensors = measures.tensors
        self.metrics_updates = measures.updates
        self.stateful_metric_names = list(measures.stateful)
        self.stateful_metric_functions = [metric for metric in measures.stateful.values() if metric is not None]
        self.targets = [plan.target for plan in plans]

        fed = [plan for plan in plans if plan.trained and plan.target_is_fed]
        self._feed_outputs = fed
        self._feed_output_names = [plan.name for plan in fed]
        self._feed_output_shapes = [plan.shape for plan in fed]
        self._feed_loss_fns = [plan.loss for plan in fed]
        self._feed_targets = [plan.target for plan in fed]
        self._feed_sample_weights = self.sample_weights = [plan.weights for plan in fed]
        self._feed_sample_weight_modes = [plan.weight_mode for plan in fed]
        self._collected_trainable_weights = self.trainable_weights

    def _forget_functions(self) -> None:
        self._unweighted_loss = None
        self._training_updates: list[Any] | None = None
        self._functions: dict[str, Any] = {}
        self._foreign_functions: dict[str, Any] = {}  # a user's, by mode
        self._modes_in_making: set[str] = set()
        self._steps: dict[tuple[str, bool], Any] = {}
        self._known_inputs = self._known_batches = frozenset()

    def _check_compiled(self) -> None:
        if self.optimizer is None:
            raise RuntimeError(NOT_COMPILED)

    def _check_trainable_weights_consistency(self) -> None:
        """Warn where layers were frozen or thawed after `compile`."""
        if self._unweighted_loss is None:
            return
        if len(self.trainable_weights) != len(self._collected_trainable_weights):
            warn_caller(
                "Discrepancy between trainable weights and collected trainable weights: `trainable` was changed "
                "without calling `model.compile` after. The weights that were trainable at `compile` are trained.",
                UserWarning,
            )

    @property
    def total_loss(self) -> Any:
        """The tensor that training minimises; depends on `inputs`, `targets` and `sample_weights`."""
        self._check_compiled()
        return compiling.weighted([self._unweighted_loss], self._feed_outputs)[0]

    # -- functions ---------------------------------------------------------------------------------------------------

    @property
    def train_function(self) -> Any:
        """The function of one training step: inputs, targets, sample weights (and the learning phase) to a list.

        None before it is made. One may put another in its place, which all training then uses; None undoes that.
        """
        return self._function_made("train")

    @train_function.setter
    def train_function(self, function: Any) -> None:
        self._put_function("train", function)

    @property
    def test_function(self) -> Any:
        """The function of one evaluation step, with the same inputs; else as `train_function`."""
        return self._function_made("test")

    @test_function.setter
    def test_function(self, function: Any) -> None:
        self._put_function("test", function)

    @property
    def predict_function(self) -> Any:
        """The function from inputs (and the learning phase) to outputs; else as `train_function`."""
        return self._function_made("predict")

    @predict_function.setter
    def predict_function(self, function: Any) -> None:
        self._put_function("predict", function)

    def _function_made(self, mode: str) -> Any:
        if mode in self._foreign_functions:
            return self._foreign_functions[mode]
        return keras_function(self, mode) if any(made == mode for made, _ in self._steps) else None

    def _put_function(self, mode: str, function: Any) -> None:
        self._steps = {key: step for key, step in self._steps.items() if key[0] != mode}
        self._functions.pop(mode, None)
        if function is None:
            self._foreign_functions.pop(mode, None)
        else:
            self._foreign_functions[mode] = function

    def _makes_its_own(self, mode: str) -> bool:
        """Whether a subclass overrides `_make_train_function` or its like."""
        name = f"_make_{mode}_function"
        return getattr(type(self), name) is not getattr(Model, name)

    def _make_train_function(self) -> None:
        """Make what a training step needs, the optimizer's state included."""
        self._check_compiled()
        self._ensure_training_graph()
        step_function(self, "train")

    def _make_test_function(self) -> None:
        self._check_compiled()
        self._ensure_training_graph()
        step_function(self, "test")

    def _make_predict_function(self) -> None:
        step_function(self, "predict")

    # -- data --------------------------------------------------------------------------------------------------------

    def _standardize_user_data(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        check_array_lengths: bool = True,
        batch_size: int | None = None,
    ) -> tuple[list[Any], list[Any], list[Any]]:
        """Inputs, targets and sample weights, checked, as `train_function` takes them: weights are ones if not given.

        For training loops of one's own; the model's do not feed weights that nobody gave.
        """
        inputs, targets, weights = self._standardized(
            x, y, sample_weight, class_weight, check_array_lengths, batch_size
        )
        return inputs, targets, weights or self._weights_of_one(targets)

    def _standardized(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        check_array_lengths: bool = True,
        batch_size: int | None = None,
    ) -> tuple[list[Any], list[Any], list[Any]]:
        """Checked inputs, targets and sample weights in the model's order; no weights where none are given."""
        if self.inputs is None:
            self._set_inputs(_example(x))
        if y is not None:
            self._check_compiled()
        self._ensure_training_graph()
        inputs = standardize_input_data(
            x, self._feed_input_names, self._feed_input_shapes, check_batch_axis=False, exception_prefix="input"
        )
        targets: list[Any] = []
        weights: list[Any] = []
        if y is not None:
            targets = self._standardize_targets(y)
            weights = self._standardize_weights(targets, sample_weight, class_weight)
        if check_array_lengths:
            check_array_length_consistency(inputs, targets, weights)
        if y is not None:
            check_loss_and_target_compatibility(targets, self._feed_loss_fns, self._feed_output_shapes)
        self._check_stateful(inputs, batch_size)
        return inputs, targets, weights

    def _weights_of_one(self, targets: list[Any]) -> list[Any]:
        """Weights for targets that nobody gave any for."""
        modes = self._feed_sample_weight_modes if targets else []
        return [standardize_weights(target, None, None, mode) for target, mode in zip(targets, modes, strict=True)]

    def _standardize_targets(self, y: Any) -> list[Any]:
        shapes = [plan.target_shape for plan in self._feed_outputs]
        return standardize_input_data(
            y, self._feed_output_names, shapes, check_batch_axis=False, exception_prefix="target"
        )

    def _standardize_weights(self, targets: list[Any], sample_weight: Any, class_weight: Any) -> list[Any]:
        """An array for every trained output, or nothing where no weights are given."""
        names = self._feed_output_names
        by_sample = standardize_sample_weights(sample_weight, names)
        by_class = standardize_class_weights(class_weight, names)
        if all(given is None for given in (*by_sample, *by_class)):
            return []
        modes = self._feed_sample_weight_modes
        return [standardize_weights(*one) for one in zip(targets, by_sample, by_class, modes, strict=True)]

    def _check_stateful(self, inputs: list[Any], batch_size: int | None) -> None:
        if not (self.stateful and batch_size):
            return
        samples = number_of_samples(inputs)
        if samples is not None and samples % batch_size:
            raise ValueError(
                "In a stateful network, you should only pass inputs with a number of samples that can be divided by "
                f"the batch size. Found: {samples} samples. Batch size: {batch_size}."
            )

    def _data(
        self, x: Any, y: Any, sample_weight: Any = None, class_weight: Any = None, batch_size: int | None = None
    ) -> Data:
        """Checked data for training or evaluation."""
        data = Data(*self._standardized(x, y, sample_weight, class_weight, batch_size=batch_size))
        if y is None and self._feed_output_names:
            raise ValueError(f'No target data `y` provided for "{self._feed_output_names[0]}".')
        return data

    # -- training ----------------------------------------------------------------------------------------------------

    @rename(nb_epoch="epochs", callback="callbacks")
    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int = 1,
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool | str = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        *,
        validation_freq: Any = 1,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Train the model; the History.

        x, y: arrays, lists of arrays, or dicts of arrays by input and output name; pandas frames, SciPy matrices and
            h5py datasets count as arrays. Or `x` is a generator or a `Sequence` that gives `(x, y)` or
            `(x, y, sample_weight)`, and there is no `y`: see `fit_generator` for this and for the last three arguments.
        batch_size: samples per step, 32 by default; must be left out with `steps_per_epoch`.
        epochs: number of the epoch to stop before; counting starts at `initial_epoch`.
        verbose: 0 silent, 1 a progress bar, 2 a line per epoch.
        callbacks: list of `Callback` objects.
        validation_split: share of the samples, taken from the end before shuffling, that is held out for validation.
        validation_data: `(x, y)` or `(x, y, sample_weight)`; overrides `validation_split`.
        shuffle: in every epoch anew; "batch" shuffles whole batches (for files).
        class_weight: dict from class numbers to weights; for several outputs a list or a dict of such.
        sample_weight: weights per sample, or per time step with `sample_weight_mode="temporal"`.
        steps_per_epoch, validation_steps: number of steps, for models whose data are tensors. With arrays, each step
            takes all of them.
        validation_freq: validate after every so many epochs, or after those of a list, counted from 1.

        Raises RuntimeError before `compile`, ValueError for data that does not fit the model.
        """
        for name in kwargs:
            raise unknown_keyword(name, "fit", keywords(type(self).fit), "Unrecognized keyword arguments:")
        self._check_compiled()
        if generators.is_stream(x):
            given = {"y": y, "sample_weight": sample_weight, "batch_size": batch_size}
            _refuse_beside_stream("fit", given | {"validation_split": validation_split or None})
            return self.fit_generator(
                x,
                steps_per_epoch,
                epochs,
                verbose,
                callbacks,
                validation_data,
                validation_steps,
                class_weight,
                max_queue_size,
                workers,
                use_multiprocessing,
                bool(shuffle),
                initial_epoch,
                validation_freq=validation_freq,
            )
        batch_size = _batch_size(batch_size, steps_per_epoch, "steps_per_epoch")
        data = self._data(x, y, sample_weight, class_weight, batch_size)
        self._check_trainable_weights_consistency()
        _check_samples(data, steps_per_epoch, "steps_per_epoch")
        if shuffle and steps_per_epoch is None and self.stateful:
            warn_caller(
                "The model is stateful, which carries each sample's state to the next batch, but `fit` shuffles the "
                "samples. Pass `shuffle=False`.",
                UserWarning,
            )

        validation = None
        if validation_data is not None:
            validation = self._validation_data(validation_data, batch_size)
            if number_of_samples(validation.arrays) is None and validation_steps is None:
                raise ValueError("Validation data that are tensors need `validation_steps`.")
        elif validation_split and 0.0 < validation_split < 1.0:
            data, validation = _split(data, validation_split)
        elif validation_split:
            raise ValueError(f"validation_split should be at least 0 and less than 1; got {validation_split}")
        elif validation_steps is not None:
            validation = Data([], [], [])

        _plugins_call("polykeras_train_begin", model=self)
        history = fit_loop(
            self,
            data,
            batch_size=batch_size,
            epochs=epochs,
            initial_epoch=initial_epoch,
            verbose=verbose,
            callbacks=callbacks,
            validation=validation,
            validates=validation_epochs(validation_freq),
            shuffle=shuffle,
            steps_per_epoch=steps_per_epoch,
            validation_steps=validation_steps,
        )
        _plugins_call("polykeras_train_end", model=self, history=history)
        return history

    def _validation_data(self, validation_data: Any, batch_size: int | None = None) -> Data:
        if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
            found = f"{len(validation_data)} items" if hasattr(validation_data, "__len__") else repr(validation_data)
            raise ValueError(
                "When passing validation_data, it must contain 2 (x_val, y_val) or 3 (x_val, y_val, "
                f"val_sample_weights) items, however it contains {found}"
            )
        x, y, *weight = validation_data
        return self._data(x, y, weight[0] if weight else None, batch_size=batch_size)

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: int = 1,
        sample_weight: Any = None,
        steps: int | None = None,
        *,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
    ) -> Any:
        """The loss, or the list of loss and metrics as in `metrics_names`, in test mode, over all samples.

        x, y: as for `fit`; with a generator or a `Sequence` see `evaluate_generator`.
        steps: number of runs, for models whose data are tensors.
        """
        self._check_compiled()
        if generators.is_stream(x):
            _refuse_beside_stream("evaluate", {"y": y, "sample_weight": sample_weight, "batch_size": batch_size})
            return self.evaluate_generator(x, steps, max_queue_size, workers, use_multiprocessing, verbose)
        batch_size = _batch_size(batch_size, steps, "steps")
        data = self._data(x, y, sample_weight, batch_size=batch_size)
        _check_samples(data, steps, "steps")
        return unpack_singleton(evaluate_loop(self, data, batch_size=batch_size, steps=steps, verbose=verbose))

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: int = 0,
        steps: int | None = None,
        *,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
    ) -> Any:
        """The outputs for all samples, in test mode: an array, or a list of arrays for several outputs.

        x: as for `fit`; with a generator or a `Sequence` see `predict_generator`.
        steps: number of runs, for models whose inputs are tensors; `x` is None then.
        """
        if type(x) is np.ndarray and x.shape in self._known_inputs and not (batch_size or steps or verbose):
            return step_function(self, "predict")([x])[0]
        if x is None and steps is None:
            raise ValueError("predict needs data `x`, or `steps` where the model's inputs are tensors; x is None.")
        if generators.is_stream(x):
            _refuse_beside_stream("predict", {"batch_size": batch_size})
            return self.predict_generator(x, steps, max_queue_size, workers, use_multiprocessing, verbose)
        batch_size = _batch_size(batch_size, steps, "steps")
        inputs, _, _ = self._standardized(x, batch_size=batch_size if not _fits(x, batch_size) else None)
        if steps is not None:
            return unpack_singleton(predict_steps(self, inputs, steps, verbose))
        assert batch_size is not None
        if type(x) is np.ndarray and x.ndim > 1 and 0 < len(x) <= BATCH_SIZE and len(self.output_names) == 1:
            self._known_inputs = _remember(self._known_inputs, x.shape)
        return unpack_singleton(predict_loop(self, inputs, batch_size=batch_size, verbose=verbose))

    def train_on_batch(self, x: Any, y: Any, sample_weight: Any = None, class_weight: Any = None) -> Any:
        """One training step; the loss, or the list of loss and metrics, as they were before it."""
        if sample_weight is None and class_weight is None:
            arrays = self._known_arrays(x, y)
            if arrays is not None:
                return unpack_singleton(step_function(self, "train")(arrays))
        self._check_compiled()
        data = self._data(x, y, sample_weight, class_weight)
        self._check_trainable_weights_consistency()
        if not data.weighted:
            self._note_batch(x, y, data)
        return unpack_singleton(step_function(self, "train", data.weighted)(data.arrays))

    def test_on_batch(self, x: Any, y: Any, sample_weight: Any = None) -> Any:
        """The loss, or the list of loss and metrics, of one batch in test mode."""
        if sample_weight is None:
            arrays = self._known_arrays(x, y)
            if arrays is not None:
                return unpack_singleton(step_function(self, "test")(arrays))
        self._check_compiled()
        data = self._data(x, y, sample_weight)
        if not data.weighted:
            self._note_batch(x, y, data)
        return unpack_singleton(step_function(self, "test", data.weighted)(data.arrays))

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs of one batch in test mode."""
        inputs, _, _ = self._standardized(x)
        return unpack_singleton(step_function(self, "predict")(inputs))

    def _known_arrays(self, x: Any, y: Any) -> list[Any] | None:
        """The arrays of a batch whose shapes have passed all checks before: the fast way of small steps."""
        if (shapes_of(x), shapes_of(y)) in self._known_batches:
            return [*(x if type(x) is list else [x]), *(y if type(y) is list else [y])]
        return None

    def _note_batch(self, x: Any, y: Any, data: Data) -> None:
        """Remember the shapes of a batch that has passed the checks and needed no change."""
        key = shapes_of(x), shapes_of(y)
        if None not in key and all(a is b for a, b in zip(data.arrays, [*to_list(x), *to_list(y)], strict=True)):
            self._known_batches = _remember(self._known_batches, key)

    def reset_metrics(self) -> None:
        """Set the metrics with state back, as `fit` and `evaluate` do before each pass over the data."""
        reset_metrics(self)

    # -- generators --------------------------------------------------------------------------------------------------

    @rename(
        samples_per_epoch="steps_per_epoch",
        nb_epoch="epochs",
        nb_val_samples="validation_steps",
        nb_worker="workers",
        pickle_safe="use_multiprocessing",
        max_q_size="max_queue_size",
    )
    def fit_generator(
        self,
        generator: Any,
        steps_per_epoch: int | None = None,
        epochs: int = 1,
        verbose: int = 1,
        callbacks: Any = None,
        validation_data: Any = None,
        validation_steps: int | None = None,
        class_weight: Any = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        shuffle: bool = True,
        initial_epoch: int = 0,
        *,
        validation_freq: Any = 1,
    ) -> Any:
        """Train on batches `(x, y)` or `(x, y, sample_weight)` that a generator or a `Sequence` gives; the History.

        steps_per_epoch: batches per epoch; by default a Sequence's length.
        validation_data: as for `fit`, or a generator or Sequence, with `validation_steps` batches.
        max_queue_size: batches made ahead, at most.
        workers: threads that make them; 0: made when needed, by the thread that trains. A generator is run by one.
        use_multiprocessing: spawned processes instead of threads. Each gets a pickled copy of the Sequence.
        shuffle: the order of a Sequence's batches, in every epoch anew.
        validation_freq: as for `fit`.

        An error in the data's code is raised here, its traceback included. A batch that takes more than ten seconds is
        announced by a UserWarning; `polykeras.config.set_batch_timeout(seconds)` makes a longer wait a TimeoutError. A
        worker process that dies is a RuntimeError.
        """
        self._check_compiled()
        self._check_trainable_weights_consistency()
        _plugins_call("polykeras_train_begin", model=self)
        history = generators.fit_generator(
            self,
            generator,
            steps_per_epoch=steps_per_epoch,
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
            validation_data=validation_data,
            validation_steps=validation_steps,
            class_weight=class_weight,
            max_queue_size=max_queue_size,
            workers=workers,
            use_multiprocessing=use_multiprocessing,
            shuffle=shuffle,
            initial_epoch=initial_epoch,
            validates=validation_epochs(validation_freq),
        )
        _plugins_call("polykeras_train_end", model=self, history=history)
        return history

    @rename(val_samples="steps", nb_worker="workers", pickle_safe="use_multiprocessing", max_q_size="max_queue_size")
    def evaluate_generator(
        self,
        generator: Any,
        steps: int | None = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        verbose: int = 0,
    ) -> Any:
        """`evaluate` on `steps` batches that a generator or a `Sequence` gives."""
        self._check_compiled()
        return unpack_singleton(
            generators.evaluate_generator(
                self,
                generator,
                steps=steps,
                max_queue_size=max_queue_size,
                workers=workers,
                use_multiprocessing=use_multiprocessing,
                verbose=verbose,
            )
        )

    @rename(val_samples="steps", nb_worker="workers", pickle_safe="use_multiprocessing", max_q_size="max_queue_size")
    def predict_generator(
        self,
        generator: Any,
        steps: int | None = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        verbose: int = 0,
    ) -> Any:
        """`predict` on `steps` batches that a generator or a `Sequence` gives: `x`, `(x, y)` or `(x, y, weights)`."""
        return unpack_singleton(
            generators.predict_generator(
                self,
                generator,
                steps=steps,
                max_queue_size=max_queue_size,
                workers=workers,
                use_multiprocessing=use_multiprocessing,
                verbose=verbose,
            )
        )


def _batch_size(batch_size: int | None, steps: int | None, argument: str) -> int | None:
    if batch_size is not None:
        if steps is not None:
            raise ValueError(f"If {argument} is set, the `batch_size` must be None; got batch_size={batch_size}.")
        if batch_size < 1:
            raise ValueError(f"`batch_size` should be at least 1; got {batch_size}")
        return batch_size
    return BATCH_SIZE if steps is None else None


def _refuse_beside_stream(method: str, given: dict[str, Any]) -> None:
    """ValueError for arguments that mean nothing where `x` gives whole batches."""
    for name, value in given.items():
        if value is not None:
            raise ValueError(
                f"`{method}`: `{name}` cannot be given where `x` is a generator or a Sequence, which gives whole "
                "batches `(x, y)` or `(x, y, sample_weight)`."
            )


def _check_samples(data: Data, steps: int | None, argument: str) -> None:
    if steps is None and number_of_samples(data.arrays) is None:
        raise ValueError(
            f"If your data is in the form of symbolic tensors, you should specify the `{argument}` argument."
        )


def _split(data: Data, share: float) -> tuple[Data, Data]:
    """The first samples for training, the last `share` of them for validation."""
    samples = number_of_samples(data.arrays)
    if samples is None:
        raise ValueError("`validation_split` is for arrays; give `validation_data` where the data are tensors.")
    at = int(samples * (1.0 - share))
    if at == 0 or at == samples:
        raise ValueError(
            f"validation_split={share} leaves no samples for {'training' if at == 0 else 'validation'}: "
            f"there are {samples} samples."
        )
    parts = [data.inputs, data.targets, data.weights]
    before = Data(*[[array[:at] for array in arrays] for arrays in parts])
    after = Data(*[[array[at:] for array in arrays] for arrays in parts])
    return before, after


def _example(x: Any) -> Any:
    """Data as `_set_inputs` takes it: an array or a tensor, or a list of such."""
    values = list(x.values()) if isinstance(x, Mapping) else to_list(x, allow_tuple=True)
    return unpack_singleton([value if K.is_tensor(value) else np.asarray(value) for value in values])


def _fits(x: Any, batch_size: int | None) -> bool:
    """Whether all samples fit into one batch."""
    samples = number_of_samples(to_list(x, allow_tuple=True)) if not isinstance(x, Mapping) else None
    return samples is not None and batch_size is not None and samples <= batch_size


def shapes_of(data: Any) -> Any:
    """What tells whether arrays have been checked before: a shape, or several; None for what is no array."""
    if type(data) is np.ndarray:
        return data.shape
    if type(data) is list and all(type(one) is np.ndarray for one in data):
        return tuple([one.shape for one in data])
    return None


def _remember(known: frozenset[Any], key: Any) -> frozenset[Any]:
    """`known` and `key`; starts anew when there are many, as with sequences of every length."""
    return frozenset({key}) if len(known) >= REMEMBERED_SHAPES else known | {key}


def _plugins_call(hook: str, **arguments: Any) -> None:
    from polykeras import plugins

    plugins.call(hook, **arguments)
