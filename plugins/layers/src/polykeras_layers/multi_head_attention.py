"""MultiHeadAttention: several attentions side by side, each on projections of its own."""

from polykeras import backend as K
from polykeras.engine.base_layer import Layer
from polykeras_layers._arguments import described, keep
from polykeras_layers.attention import attention_weights, dropped, visible_steps


class MultiHeadAttention(Layer):
    """sum over the heads h of softmax(q_h · k_h / sqrt(key_dim)) · v_h · output_kernel_h + output_bias
    with q_h = query · query_kernel_h + query_bias_h, and k_h, v_h of key and value accordingly

    query: (batch, t, d), value: (batch, s, e), key: (batch, s, f) -> (batch, t, d)
    query, key and value kernels: (d, heads, key_dim), (f, heads, key_dim), (e, heads, value_dim), their biases: the
    last two sizes; output kernel: (heads, value_dim, d), bias: (d,)

    Called on `layer(query, value)` or `layer(query, value, key)`, also as one list; without a key the value is the key.

    num_heads, key_dim: the number of heads and the size of a query and a key in each.
    value_dim:    the size of a value in each head; None for key_dim.
    dropout:      the share of the softmax's weights that are dropped in training.
    use_bias:     whether the projections have biases.
    output_shape: the size of the output; None for that of the query.
    *_initializer, *_regularizer, *_constraint: of all kernels and of all biases.

    In the call: `attention_mask` (batch, t, s), true where t sees s; `use_causal_mask=True` hides s > t;
    `return_attention_scores=True` gives a list, the output and the softmax's weights (batch, heads, t, s). A mask of
    the value or the key hides its steps; one of the query is the output's.
    """

    _arguments = (
        "num_heads", "key_dim", "value_dim", "dropout", "use_bias", "kernel_initializer", "bias_initializer",
        "kernel_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint", "bias_constraint",
    )  # fmt: skip

    def __init__(
        self,
        num_heads,
        key_dim,
        value_dim=None,
        dropout=0.0,
        use_bias=True,
        output_shape=None,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        keep(
            self,
            num_heads=num_heads,
            key_dim=key_dim,
            value_dim=value_dim or key_dim,
            dropout=dropout,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
        )
        self._output_size = output_shape[0] if isinstance(output_shape, list | tuple) else output_shape
        self.supports_masking = True

    def __call__(self, query, value=None, key=None, **kwargs):
        if not isinstance(query, list | tuple):
            query = [tensor for tensor in (query, value, key) if tensor is not None]
        return super().__call__(list(query), **kwargs)

    def build(self, input_shape):
        if not isinstance(input_shape, list) or len(input_shape) not in (2, 3):
            raise ValueError(
                f"Layer {self.name}: MultiHeadAttention is called on a query and a value, and perhaps a key. "
                f"Got the shape {input_shape}; for self-attention call it on `layer(x, x)`."
            )
        query, value, key = input_shape if len(input_shape) == 3 else (*input_shape, input_shape[1])
        for what, shape in (("query", query), ("value", value), ("key", key)):
            if len(shape) != 3 or shape[-1] is None:
                raise ValueError(
                    f"Layer {self.name}: the {what} should be (batch, steps, features), with features of a defined "
                    f"size. Got the shape {tuple(shape)}."
                )
        size = self._output_size or query[-1]
        projected = (self.num_heads, self.key_dim)
        self.query_kernel, self.query_bias = self._projection("query", (query[-1], *projected), projected)
        self.key_kernel, self.key_bias = self._projection("key", (key[-1], *projected), projected)
        projected = (self.num_heads, self.value_dim)
        self.value_kernel, self.value_bias = self._projection("value", (value[-1], *projected), projected)
        self.output_kernel, self.output_bias = self._projection("attention_output", (*projected, size), (size,))
        self.built = True

    def call(
        self, inputs, mask=None, training=None, attention_mask=None, return_attention_scores=False,
        use_causal_mask=False,
    ):  # fmt: skip
        query, value, key = inputs if len(inputs) == 3 else (*inputs, inputs[1])
        q = self._projected(query, self.query_kernel, self.query_bias) / float(self.key_dim) ** 0.5
        k = self._projected(key, self.key_kernel, self.key_bias)
        v = self._projected(value, self.value_kernel, self.value_bias)
        visible = self._visible(query, value, mask, attention_mask, use_causal_mask)
        weights = attention_weights(K.einsum("bthk,bshk->bhts", q, k), visible)
        heads = K.einsum("bhts,bshv->bthv", dropped(weights, self.dropout, training), v)
        output = K.einsum("bthv,hvd->btd", heads, self.output_kernel)
        if self.use_bias:
            output = output + self.output_bias
        return [output, weights] if return_attention_scores else output

    def compute_mask(self, inputs, mask=None):
        return None if mask is None else mask[0]

    def compute_output_shape(self, input_shape):
        query = input_shape[0]
        return (*query[:-1], self._output_size or query[-1])

    def get_config(self):
        config = {**super().get_config(), **described(self, self._arguments)}
        if self._output_size is not None:
            config["output_shape"] = self._output_size
        return config

    def _projection(self, name, kernel_shape, bias_shape):
        """The kernel and the bias, or None, of one projection."""
        with K.name_scope(name):
            kernel = self.add_weight(
                name="kernel",
                shape=kernel_shape,
                initializer=self.kernel_initializer,
                regularizer=self.kernel_regularizer,
                constraint=self.kernel_constraint,
            )
            if not self.use_bias:
                return kernel, None
            bias = self.add_weight(
                name="bias",
                shape=bias_shape,
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        return kernel, bias

    def _projected(self, x, kernel, bias):
        projected = K.einsum("btd,dhk->bthk", x, kernel)
        return projected if bias is None else projected + bias

    def _visible(self, query, value, mask, attention_mask, causal):
        """Which steps of the value each step of the query sees, in every head; None if all.   -> (batch, 1, t, s)"""
        seen = visible_steps(query, value, None, causal)
        for steps in (mask or [])[1:]:
            if steps is not None:
                seen = _both(seen, K.expand_dims(K.cast(steps, "bool"), 1))
        if attention_mask is not None:
            seen = _both(seen, K.cast(attention_mask, "bool"))
        return None if seen is None else K.expand_dims(seen, 1)


def _both(seen, further):
    return further if seen is None else K.logical_and(seen, further)
