"""K: Keras's backend functions, on symbolic tensors. The files mirror `symbolic.ops`.

Functions take tensors, arrays, numbers and nested lists. Shapes in docstrings: (...) stands for any axes, s for one.
"""

from polykeras.backend import variables
from polykeras.backend.activation import *
from polykeras.backend.classification import *
from polykeras.backend.common import *
from polykeras.backend.control import *
from polykeras.backend.conv import *
from polykeras.backend.ctc import *
from polykeras.backend.elementwise import *
from polykeras.backend.extensions import *
from polykeras.backend.image import *
from polykeras.backend.linalg import *
from polykeras.backend.normalization import *
from polykeras.backend.pool import *
from polykeras.backend.random import *
from polykeras.backend.recurrent import *
from polykeras.backend.reduce import *
from polykeras.backend.session import (
    backend,
    clear_session,
    get_session,
    get_uid,
    learning_phase,
    manual_variable_initialization,
    name_scope,
    reset_uids,
    set_learning_phase,
    set_session,
)
from polykeras.backend.shape import *
from polykeras.backend.variables import (
    batch_get_value,
    batch_set_value,
    constant,
    count_params,
    dtype,
    eval,
    eye,
    get_value,
    int_shape,
    is_keras_tensor,
    is_placeholder,
    is_sparse,
    is_tensor,
    is_variable,
    moving_average_update,
    ndim,
    ones,
    placeholder,
    set_value,
    update,
    update_add,
    update_sub,
    variable,
    zeros,
)
from polykeras.symbolic.ops import operators
from polykeras.utils.generic_utils import has_arg

shape = variables.shape  # the function, and not the module that the imports above bound to the name
