"""Attention: what the values say, weighted by how well their keys answer a query."""

from polykeras import backend as K
from polykeras.engine.base_layer import Layer

FAR = {"float16": -65504.0}
"""What is added to a masked score, by dtype: its weight comes out as 0."""


class Attention(Layer):
    """softmax(scores) · value, with score[t, s] = query[t] · key[s]

    query: (batch, t, d), value: (batch, s, v), key: (batch, s, d) -> (batch, t, v)

    The inputs are a list, [query, value] or [query, value, key]; without a key the value is the key.

    use_scale:  multiply the scores by a weight, which starts at 1.
    score_mode: "dot", or "concat": score[t, s] = w · sum of tanh(query[t] + key[s]), where w, a weight, starts at 1,
                and `use_scale` multiplies the sum in the tanh.
    dropout:    the share of the softmax's weights that are dropped in training.

    In the call: `use_causal_mask=True` hides s > t; `return_attention_scores=True` gives a list, the output and the
    softmax's weights (batch, t, s). A mask of the value hides its steps; one of the query is the output's.
    """

    def __init__(self, use_scale=False, score_mode="dot", dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        if score_mode not in ("dot", "concat"):
            raise ValueError(f'Layer {self.name}: score_mode is "dot" or "concat". Got {score_mode!r}.')
        self.use_scale = use_scale
        self.score_mode = score_mode
        self.dropout = dropout
        self.supports_masking = True

    def build(self, input_shape):
        if not isinstance(input_shape, list) or len(input_shape) not in (2, 3):
            raise ValueError(
                f"Layer {self.name}: Attention is called on a list, [query, value] or [query, value, key]. "
                f"Got the shape {input_shape}."
            )
        self.scale = self.add_weight(name="scale", shape=(), initializer="ones") if self.use_scale else None
        self.concat_score_weight = None
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight(name="concat_score_weight", shape=(), initializer="ones")
        self.built = True

    def call(self, inputs, mask=None, training=None, return_attention_scores=False, use_causal_mask=False):
        query, value, key = inputs if len(inputs) == 3 else (*inputs, inputs[1])
        visible = visible_steps(query, value, None if mask is None else mask[1], use_causal_mask)
        weights = attention_weights(self._scores(query, key), visible)
        output = K.batch_dot(dropped(weights, self.dropout, training), value)
        if mask is not None and mask[0] is not None:
            output = output * K.cast(K.expand_dims(mask[0]), K.dtype(output))
        return [output, weights] if return_attention_scores else output

    def compute_mask(self, inputs, mask=None):
        return None if mask is None else mask[0]

    def compute_output_shape(self, input_shape):
        return (*input_shape[0][:-1], input_shape[1][-1])

    def get_config(self):
        return {
            **super().get_config(),
            "use_scale": self.use_scale,
            "score_mode": self.score_mode,
            "dropout": self.dropout,
        }

    def _scores(self, query, key):
        if self.score_mode == "dot":
            scores = K.batch_dot(query, key, axes=(2, 2))
            return scores if self.scale is None else scores * self.scale
        together = K.expand_dims(query, 2) + K.expand_dims(key, 1)
        if self.scale is not None:
            together = together * self.scale
        return self.concat_score_weight * K.sum(K.tanh(together), axis=-1)


def visible_steps(query, value, value_mask, causal):
    """Which steps of the value each step of the query sees; None if all.   -> (batch or 1, t or 1, s) bool"""
    seen = None if value_mask is None else K.expand_dims(K.cast(value_mask, "bool"), 1)
    if not causal:
        return seen
    past = K.greater_equal(K.expand_dims(K.arange(K.shape(query)[1])), K.arange(K.shape(value)[1]))
    past = K.expand_dims(past, 0)
    return past if seen is None else K.logical_and(seen, past)


def attention_weights(scores, visible):
    """softmax(scores) over the visible steps.   scores: (..., t, s), visible: bool that broadcasts to it, or None"""
    if visible is not None:
        dtype = K.dtype(scores)
        scores = scores + K.cast(K.logical_not(visible), dtype) * FAR.get(dtype, -1e9)
    return K.softmax(scores)


def dropped(weights, rate, training):
    """The weights with a share of them dropped in training."""
    if not 0.0 < rate < 1.0:
        return weights

    def dropped_weights():
        return K.dropout(weights, rate)

    return K.in_train_phase(dropped_weights, weights, training=training)
