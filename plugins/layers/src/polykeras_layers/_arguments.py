"""Constructor arguments by their names: what makes an object of each, and what describes it in a config."""

from polykeras import activations, constraints, initializers, regularizers

_KINDS = {
    "activation": activations,
    "initializer": initializers,
    "regularizer": regularizers,
    "constraint": constraints,
}


def keep(layer, **arguments):
    """Set arguments as attributes; what ends in `activation`, `initializer` and so on may be a name or a config."""
    for name, value in arguments.items():
        kind = _KINDS.get(_ending(name))
        setattr(layer, name, value if kind is None else kind.get(value))


def described(layer, names):
    """The attributes of these names as a config holds them, in this order."""
    return {name: _described(name, getattr(layer, name)) for name in names}


def _described(name, value):
    kind = _KINDS.get(_ending(name))
    return value if kind is None else kind.serialize(value)


def _ending(name):
    return name.rpartition("_")[2]
