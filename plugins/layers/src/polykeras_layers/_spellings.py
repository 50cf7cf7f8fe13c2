"""Keras 1's spellings of the layers' arguments, accepted with a DeprecationWarning: one decorator per layer."""

from polykeras.legacy.interfaces import respell, warn_caller

DATA_FORMATS = {"data_format": {"tf": "channels_last", "th": "channels_first", "default": None}}
WEIGHTS = {
    "init": "kernel_initializer",
    "W_regularizer": "kernel_regularizer",
    "W_constraint": "kernel_constraint",
    "b_regularizer": "bias_regularizer",
    "b_constraint": "bias_constraint",
    "bias": "use_bias",
}
WINDOW = {"border_mode": "padding", "dim_ordering": "data_format"}
SIDES = ("top_pad", "bottom_pad", "left_pad", "right_pad")


def _kernel_sizes(*names):
    """Gathers the sizes of a kernel, given one by one after `filters`, in one `kernel_size`."""
    rank = len(names)

    def gather(args, kwargs):
        layer_and_filters, sizes = args[:2], args[2:]
        if len(sizes) == rank and all(isinstance(size, int) for size in sizes):
            return layer_and_filters, {**kwargs, "kernel_size": tuple(sizes)}
        if not sizes and all(name in kwargs for name in names):
            kernel_size = tuple(kwargs.pop(name) for name in names)
            return layer_and_filters, {**kwargs, "kernel_size": kernel_size}
        return None

    return gather


def _transposed_kernel_sizes(*names):
    """Keras 1 wanted the output's shape of a transposed convolution too; it follows from the other arguments."""
    gather = _kernel_sizes(*names)

    def convert(args, kwargs):
        if "output_shape" in kwargs:
            kwargs.pop("output_shape")
        elif len(args) == len(names) + 3 and isinstance(args[-1], list | tuple):
            args = args[:-1]
        else:
            return gather(args, kwargs)
        return gather(args, kwargs) or (args, kwargs)

    return convert


def _separable(args, kwargs):
    """`init` was for both kernels of a separable convolution."""
    init = kwargs.pop("init", None)
    gathered = _kernel_sizes("nb_row", "nb_col")(args, kwargs)
    if init is None:
        return gathered
    args, kwargs = gathered or (args, kwargs)
    return args, {**kwargs, "depthwise_initializer": init, "pointwise_initializer": init}


def _sequence_shape(args, kwargs):
    """`input_dim=d`, with or without `input_length=n`, says `input_shape=(n, d)` for a layer over a sequence."""
    if "input_dim" not in kwargs or "input_shape" in kwargs:
        return None
    shape = (kwargs.pop("input_length", None), kwargs.pop("input_dim"))
    return args, {**kwargs, "input_shape": shape}


def _padding_by_side(args, kwargs):
    """`padding={"top_pad": 1, ...}` says `padding=((1, 0), (0, 0))`."""
    padding = kwargs.get("padding", args[1] if len(args) > 1 else None)
    if not isinstance(padding, dict):
        return None
    unknown = set(padding) - set(SIDES)
    if unknown:
        raise ValueError(f"Unexpected key in `padding`: {', '.join(sorted(unknown))}. Expected {', '.join(SIDES)}.")
    top, bottom, left, right = (padding.get(side, 0) for side in SIDES)
    return args[:1] + args[2:], {**kwargs, "padding": ((top, bottom), (left, right))}


def _without_mode(args, kwargs):
    """`mode=0` of batch normalisation is what there is; its other modes went away with Keras 1."""
    if "mode" not in kwargs:
        return None
    mode = kwargs.pop("mode")
    if mode != 0:
        raise TypeError(
            f"The `mode` argument of `BatchNormalization` no longer exists; only what was mode=0 does. Got mode={mode}."
        )
    return args, kwargs


def _without_dropout(args, kwargs):
    """`dropout` of an embedding dropped whole words; Keras 2 has a layer for it."""
    if "dropout" not in kwargs:
        return None
    rate = kwargs.pop("dropout")
    if rate:
        raise TypeError(
            f"The `dropout` argument of `Embedding` no longer exists. Put SpatialDropout1D({rate}) after the layer."
        )
    return args, kwargs


def _recurrent(args, kwargs):
    """`forget_bias_init="one"` is `unit_forget_bias=True`; and what a layer over a sequence may say of its shape."""
    kwargs = dict(kwargs)
    converted = "forget_bias_init" in kwargs
    if converted:
        initializer = kwargs.pop("forget_bias_init")
        if initializer in ("one", "ones"):
            kwargs["unit_forget_bias"] = True
        else:
            warn_caller(
                f"`forget_bias_init={initializer!r}` is ignored; `unit_forget_bias=True` starts the bias at ones."
            )
    shaped = _sequence_shape(args, kwargs)
    return shaped or ((args, kwargs) if converted else None)


def _conv_recurrent(args, kwargs):
    """As of the others; and the sizes of the kernel may be given one by one."""
    gathered = _kernel_sizes("nb_row", "nb_col")(args, kwargs)
    args, kwargs = gathered or (args, kwargs)
    return _recurrent(args, kwargs) or gathered


RECURRENT_WEIGHTS = {
    "init": "kernel_initializer",
    "inner_init": "recurrent_initializer",
    "inner_activation": "recurrent_activation",
    "W_regularizer": "kernel_regularizer",
    "U_regularizer": "recurrent_regularizer",
    "b_regularizer": "bias_regularizer",
    "dropout_W": "dropout",
    "dropout_U": "recurrent_dropout",
}

dense = respell(keras1={**WEIGHTS, "output_dim": "units"})
dropout = respell(keras1={"p": "rate"})
spatial_dropout = respell(keras1={"p": "rate", "dim_ordering": "data_format"}, values=DATA_FORMATS)
gaussian_noise = respell(keras1={"sigma": "stddev"})
prelu = respell(keras1={"init": "alpha_initializer"})
embedding = respell(
    keras1={
        "init": "embeddings_initializer",
        "W_regularizer": "embeddings_regularizer",
        "W_constraint": "embeddings_constraint",
    },
    convert=_without_dropout,
)
batch_normalization = respell(
    keras1={"beta_init": "beta_initializer", "gamma_init": "gamma_initializer"}, convert=_without_mode
)

conv1d = respell(
    keras1={
        **WEIGHTS,
        "nb_filter": "filters",
        "filter_length": "kernel_size",
        "subsample_length": "strides",
        "border_mode": "padding",
    },
    convert=_sequence_shape,
)
conv2d = respell(
    keras1={**WEIGHTS, **WINDOW, "nb_filter": "filters", "subsample": "strides"},
    values=DATA_FORMATS,
    convert=_kernel_sizes("nb_row", "nb_col"),
)
conv3d = respell(
    keras1={**WEIGHTS, **WINDOW, "nb_filter": "filters", "subsample": "strides"},
    values=DATA_FORMATS,
    convert=_kernel_sizes("kernel_dim1", "kernel_dim2", "kernel_dim3"),
)

conv2d_transpose = respell(
    keras1={**WEIGHTS, **WINDOW, "nb_filter": "filters", "subsample": "strides"},
    values=DATA_FORMATS,
    convert=_transposed_kernel_sizes("nb_row", "nb_col"),
)
separable_conv2d = respell(
    keras1={
        **WINDOW,
        "nb_filter": "filters",
        "subsample": "strides",
        "bias": "use_bias",
        "b_regularizer": "bias_regularizer",
        "b_constraint": "bias_constraint",
    },
    values=DATA_FORMATS,
    convert=_separable,
)

pooling1d = respell(keras1={"pool_length": "pool_size", "stride": "strides", "border_mode": "padding"})
pooling = respell(keras1=WINDOW, values=DATA_FORMATS)
global_pooling = respell(keras1={"dim_ordering": "data_format"}, values=DATA_FORMATS)

upsampling1d = respell(keras1={"length": "size"})
upsampling = cropping = padding3d = respell(keras1={"dim_ordering": "data_format"}, values=DATA_FORMATS)
padding2d = respell(keras1={"dim_ordering": "data_format"}, values=DATA_FORMATS, convert=_padding_by_side)

recurrent = respell(
    keras1={**RECURRENT_WEIGHTS, "output_dim": "units", "consume_less": "implementation"},
    values={"implementation": {"cpu": 0, "mem": 1, "gpu": 2}},
    convert=_recurrent,
)
conv_recurrent = respell(
    keras1={**RECURRENT_WEIGHTS, **WINDOW, "nb_filter": "filters", "subsample": "strides", "bias": "use_bias"},
    values=DATA_FORMATS,
    convert=_conv_recurrent,
)
