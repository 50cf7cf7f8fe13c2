"""Models as estimators of scikit-learn: for `GridSearchCV`, `cross_val_score`, `Pipeline`.

    def build(units=16):
        model = Sequential([Dense(units, activation="relu", input_shape=(4,)), Dense(3, activation="softmax")])
        model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
        return model

    search = GridSearchCV(KerasClassifier(build, epochs=20, verbose=0), {"units": [8, 16], "batch_size": [16, 32]})

scikit-learn is imported by its own questions only.
"""

from __future__ import annotations

import copy
import types
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from polykeras.engine.sequential import Sequential
from polykeras.suggest import nearest
from polykeras.utils.generic_utils import has_arg, to_list
from polykeras.utils.np_utils import to_categorical

__all__ = ["BaseWrapper", "KerasClassifier", "KerasRegressor", "Sequential", "has_arg", "to_categorical", "to_list"]


class BaseWrapper:
    """What the wrappers have in common.

    build_fn: a function, or an object with `__call__`, that returns a compiled model; or a subclass defines `__call__`.
    sk_params: its arguments, and those of the model's `fit`, `predict`, `evaluate`, by name: what a search may vary.

    Raises ValueError for a name that none of these functions takes.
    """

    _estimator_type: str

    def __init__(self, build_fn: Callable[..., Any] | None = None, **sk_params: Any) -> None:
        self.build_fn = build_fn
        self.sk_params = sk_params
        self.check_params(sk_params)

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.get_params().items())
        return f"{type(self).__name__}({given})"

    def _builder(self) -> Callable[..., Any]:
        """The function whose arguments are the model's."""
        if self.build_fn is None:
            own: Callable[..., Any] | None = getattr(self, "__call__", None)  # noqa: B004 - the method is wanted
            if own is None:
                raise ValueError(
                    f"{type(self).__name__} needs `build_fn`, a function that returns a compiled model; or define "
                    "`__call__` in a subclass."
                )
            return own
        if isinstance(self.build_fn, (types.FunctionType, types.MethodType)):
            return self.build_fn
        maker: Callable[..., Any] = self.build_fn.__call__  # type: ignore[operator]
        return maker

    def check_params(self, params: Mapping[str, Any]) -> None:
        """ValueError for names that neither the model's maker nor its methods take."""
        takers: list[Callable[..., Any]] = [
            Sequential.fit,
            Sequential.predict,
            Sequential.predict_classes,
            Sequential.evaluate,
            self._builder(),
        ]
        for name in params:
            if name in ("build_fn", "nb_epoch") or any(has_arg(taker, name) for taker in takers):
                continue
            known = [known for taker in takers for known in _arguments(taker)]
            near = nearest(name, known)
            raise ValueError(
                f"{name} is not a legal parameter: neither build_fn nor the model's fit, predict, predict_classes and "
                f"evaluate take it.{f' Did you mean {near!r}?' if near else ''}"
            )

    def get_params(self, **params: Any) -> dict[str, Any]:
        """`build_fn` and the parameters by name; the objects themselves, as scikit-learn's `clone` wants them."""
        return {**self.sk_params, "build_fn": self.build_fn}

    def set_params(self, **params: Any) -> BaseWrapper:
        """Change parameters; the wrapper itself."""
        if "build_fn" in params:
            self.build_fn = params.pop("build_fn")
        self.check_params(params)
        self.sk_params.update(params)
        return self

    def fit(self, x: Any, y: Any, **kwargs: Any) -> Any:
        """Build a model and train it; the History. `kwargs` are of the model's `fit` and win over the parameters."""
        builder = self._builder()
        self.model = builder(**self.filter_sk_params(builder))
        arguments = copy.deepcopy(self.filter_sk_params(Sequential.fit))
        return self.model.fit(x, self._targets(y), **{**arguments, **kwargs})

    def filter_sk_params(self, fn: Callable[..., Any], override: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The parameters that `fn` takes, with those of `override` in their place."""
        return {**{name: value for name, value in self.sk_params.items() if has_arg(fn, name)}, **(override or {})}

    def _targets(self, y: Any) -> Any:
        """Class numbers as one-hot rows, where the loss wants such."""
        loss = getattr(self.model.loss, "__name__", self.model.loss)
        if loss != "categorical_crossentropy" or np.ndim(y) == 2:
            return y
        return to_categorical(y, getattr(self, "n_classes_", None))

    # -- what scikit-learn asks ----------------------------------------------------------------------------------------

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model")

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, RegressorTags, Tags, TargetTags

        kind = getattr(self, "_estimator_type", None)
        return Tags(
            estimator_type=kind,
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags() if kind == "classifier" else None,
            regressor_tags=RegressorTags() if kind == "regressor" else None,
        )


class KerasClassifier(BaseWrapper):
    """A classifier: see `BaseWrapper`. `classes_` holds the labels, in the order of the model's outputs.

    Labels may be of any kind that sorts; one-hot rows are taken as they are.
    """

    _estimator_type = "classifier"

    def fit(self, x: Any, y: Any, sample_weight: Any = None, **kwargs: Any) -> Any:
        """Build a model and train it; the History.

        y: labels, (samples,) or (samples, 1), or one-hot rows, (samples, classes).
        """
        y = np.array(y)
        if y.ndim == 2 and y.shape[1] > 1:
            self.classes_ = np.arange(y.shape[1])
        elif y.ndim == 1 or (y.ndim == 2 and y.shape[1] == 1):
            self.classes_ = np.unique(y)
            y = np.searchsorted(self.classes_, y)
        else:
            raise ValueError(f"Invalid shape for y: {y.shape}")
        self.n_classes_ = len(self.classes_)
        if sample_weight is not None:
            kwargs["sample_weight"] = sample_weight
        return super().fit(x, y, **kwargs)

    def predict(self, x: Any, **kwargs: Any) -> np.ndarray:
        """The labels: (samples,)."""
        probabilities = self._probabilities(x, Sequential.predict_classes, kwargs)
        if probabilities.shape[-1] > 1:
            numbers = probabilities.argmax(axis=-1)
        else:
            numbers = (probabilities > 0.5).astype("int64").reshape(-1)
        labels: np.ndarray = self.classes_[numbers]
        return labels

    def predict_proba(self, x: Any, **kwargs: Any) -> np.ndarray:
        """The classes' probabilities: (samples, classes), two columns for a model with a single output."""
        probabilities = self._probabilities(x, Sequential.predict_proba, kwargs)
        return np.hstack([1 - probabilities, probabilities]) if probabilities.shape[1] == 1 else probabilities

    def _probabilities(self, x: Any, like: Callable[..., Any], kwargs: dict[str, Any]) -> np.ndarray:
        probabilities: np.ndarray = self.model.predict(x, **self.filter_sk_params(like, kwargs))
        return probabilities

    def score(self, x: Any, y: Any, **kwargs: Any) -> float:
        """The accuracy; ValueError unless the model was compiled with `metrics=["accuracy"]`."""
        y = self._targets(np.searchsorted(self.classes_, y))
        results = to_list(self.model.evaluate(x, y, **self.filter_sk_params(Sequential.evaluate, kwargs)))
        for name, result in zip(self.model.metrics_names, results, strict=True):
            if name in ("acc", "accuracy"):
                return float(result)
        raise ValueError(
            'The model is not configured to compute accuracy. You should pass `metrics=["accuracy"]` to the '
            "`model.compile()` method."
        )


class KerasRegressor(BaseWrapper):
    """A regressor: see `BaseWrapper`."""

    _estimator_type = "regressor"

    def predict(self, x: Any, **kwargs: Any) -> np.ndarray:
        """The predictions, without a last dim of 1: (samples,) for a model with one output."""
        predictions: np.ndarray = self.model.predict(x, **self.filter_sk_params(Sequential.predict, kwargs))
        return predictions.squeeze(axis=-1) if predictions.shape[-1] == 1 else predictions

    def score(self, x: Any, y: Any, **kwargs: Any) -> float:
        """Minus the loss: greater is better."""
        results = self.model.evaluate(x, y, **self.filter_sk_params(Sequential.evaluate, kwargs))
        return -float(to_list(results)[0])


def _arguments(function: Callable[..., Any]) -> list[str]:
    from polykeras.legacy.interfaces import keywords

    return keywords(function)
