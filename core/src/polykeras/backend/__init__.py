"""K: Keras's backend functions, on symbolic tensors. The files mirror `symbolic.ops`.

Functions take tensors, arrays, numbers and nested lists. Shapes in docstrings: (...) stands for any axes, s for one shape.
"""

from polykeras.backend import elementwise, linalg, reduce, variables
from polykeras.backend import shape as _shape
from polykeras.backend.activation import *  # noqa: F403
from polykeras.backend.classification import *  # noqa: F403
from polykeras.backend.common import *  # noqa: F403
from polykeras.backend.control import *  # noqa: F403
from polykeras.backend.conv import *  # noqa: F403
from polykeras.backend.elementwise import *  # noqa: F403
from polykeras.backend.image import *  # noqa: F403
from polykeras.backend.linalg import *  # noqa: F403
from polykeras.backend.normalization import *  # noqa: F403
from polykeras.backend.pool import *  # noqa: F403
from polykeras.backend.random import *  # noqa: F403
from polykeras.backend.reduce import *  # noqa: F403
from polykeras.backend.session import (
    backend, clear_session, get_uid, learning_phase, manual_variable_initialization, name_scope, reset_uids,
    set_learning_phase,
)  # fmt: skip
from polykeras.backend.shape import *  # noqa: F403
from polykeras.backend.variables import (
    batch_get_value, batch_set_value, constant, count_params, dtype, eval, eye, get_value, int_shape,  # noqa: A004
    is_keras_tensor, is_placeholder, is_sparse, is_tensor, is_variable, moving_average_update, ndim, ones, placeholder, set_value,
    update, update_add, update_sub, variable, zeros,
)  # fmt: skip
from polykeras.symbolic.ops import operators as _operators
from polykeras.utils.generic_utils import has_arg

shape = variables.shape  # the function, and not the module that the imports above bound to the name
