"""What a cell says of its states and output, and which arguments it takes."""

from polykeras.utils.generic_utils import has_arg


def sizes_of(cell):
    """The sizes of a cell's states, as a list."""
    size = cell.state_size
    return list(size) if hasattr(size, "__len__") else [size]


def output_size_of(cell):
    """The size of a cell's output: `output_size` where it has one, else that of its first state."""
    size = getattr(cell, "output_size", None)
    return sizes_of(cell)[0] if size is None else size


def accepted(call, constants=None, **arguments):
    """The keyword arguments that `call` takes; constants only if there are any."""
    if constants:
        arguments["constants"] = constants
    return {name: value for name, value in arguments.items() if has_arg(call, name)}
