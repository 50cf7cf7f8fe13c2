"""Recurrent layers over whole sequences, as one op each.

Sequences are (time, batch, features). What the gates take from the input is computed before, for all steps in one
product. In every function, beside its own arguments:

mask:         (time, batch), which steps count; the others leave the states as they are.
dropout:      masks (batch, units) that the state is multiplied by where it enters a product: none, one for all gates,
              or one for each. No gradient reaches them.
go_backwards: from the last step to the first; outputs come in the order in which they are made.

activation and recurrent_activation are names: "tanh", "sigmoid", "hard_sigmoid", "relu", "linear".
The result is the last output (batch, units), all outputs (time, batch, units) and the list of the last states.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polykeras.backend.operands import tensor
from polykeras.symbolic.graph import Tensor
from polykeras.symbolic.op import OPS, as_dtype, common_dtype
from polykeras.symbolic.ops import gru as gru_ops
from polykeras.symbolic.ops import lstm as lstm_ops
from polykeras.symbolic.ops import simple_rnn as simple_rnn_ops
from polykeras.symbolic.ops.shape import reverse

__all__ = ["gru", "lstm", "simple_rnn"]

Result = tuple[Tensor, Tensor, list[Tensor]]


def simple_rnn(
    x: Any, initial_states: Sequence[Any], recurrent_kernel: Any, activation: str = "tanh", mask: Any = None,
    dropout: Sequence[Any] = (), go_backwards: bool = False,
) -> Result:  # fmt: skip
    """h' = activation(x + h · recurrent_kernel).

    x: (time, batch, units), initial_states: h (batch, units), recurrent_kernel: (units, units)
    """
    x, h, kernel = tensor(x), tensor(initial_states[0]), tensor(recurrent_kernel)
    masks = _masks([x, h, kernel], dropout, mask)
    attrs = {"activation": activation, "backwards": go_backwards, "masked": mask is not None}
    return _result([simple_rnn_ops.simple_rnn(x, h, kernel, *masks, **attrs)], go_backwards)


def gru(
    x: Any, initial_states: Sequence[Any], recurrent_kernel: Any, recurrent_bias: Any = 0.0, activation: str = "tanh",
    recurrent_activation: str = "hard_sigmoid", reset_after: bool = False, mask: Any = None,
    dropout: Sequence[Any] = (), drops_state: bool = False, go_backwards: bool = False,
) -> Result:  # fmt: skip
    """z, r = recurrent_activation(x + h · U), n = activation(x_n + (r h) · U_n + recurrent_bias), h' = z h + (1 − z) n.

    With `reset_after`: n = activation(x_n + r (h · U_n + recurrent_bias)). With `drops_state` the h that stays goes
    through the mask of dropout, too.

    x: (time, batch, 3 units), initial_states: h (batch, units), recurrent_kernel: (units, 3 units), in the order z, r,
    n; recurrent_bias: (units,) or ()
    """
    x, h, kernel = tensor(x), tensor(initial_states[0]), tensor(recurrent_kernel)
    masks = _masks([x, h, kernel], dropout, mask)
    attrs = {
        "activation": activation,
        "recurrent_activation": recurrent_activation,
        "reset_after": reset_after,
        "drops_state": drops_state,
        "backwards": go_backwards,
        "masked": mask is not None,
    }
    return _result([gru_ops.gru(x, h, kernel, recurrent_bias, *masks, **attrs)[0]], go_backwards)


def lstm(
    x: Any, initial_states: Sequence[Any], recurrent_kernel: Any, activation: str = "tanh",
    recurrent_activation: str = "hard_sigmoid", mask: Any = None, dropout: Sequence[Any] = (),
    go_backwards: bool = False,
) -> Result:  # fmt: skip
    """i, f, o = recurrent_activation(x + h · U), n = activation(x + h · U), c' = f c + i n, h' = o activation(c').

    x: (time, batch, 4 units), initial_states: h and c (batch, units), recurrent_kernel: (units, 4 units), in the order
    i, f, n, o
    """
    x, kernel = tensor(x), tensor(recurrent_kernel)
    h, c = [tensor(state) for state in initial_states]
    masks = _masks([x, h, c, kernel], dropout, mask)
    attrs = {
        "activation": activation,
        "recurrent_activation": recurrent_activation,
        "backwards": go_backwards,
        "masked": mask is not None,
    }
    return _result(lstm_ops.lstm(x, h, c, kernel, *masks, **attrs)[:2], go_backwards)


def _masks(operands: list[Tensor], dropout: Sequence[Any], mask: Any) -> list[Tensor]:
    dtype = common_dtype(operands, floating=True)
    masks = [as_dtype(tensor(one), dtype) for one in dropout]
    if mask is not None:
        masks.append(as_dtype(tensor(mask), "bool"))
    return masks


def _result(rows: Sequence[Tensor], go_backwards: bool) -> Result:
    """The last states are the rows of the step that came last."""
    states = [row[0 if go_backwards else -1] for row in rows]
    outputs = reverse(rows[0], 0) if go_backwards else rows[0]
    return OPS["identity"](states[0]), outputs, states
