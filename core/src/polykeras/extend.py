"""The names for who adds an op, a kernel, a pass or a backend. They are kept stable; their homes may move.

    from polykeras.extend import XpBackend, op, same

    op                     declares an op: decorates its rule; then `.vjp`, `.lower`, `.samples` (see `Op`)
    Spec, Shape            what is known of a tensor: shape, dtype, value
    same                   the rule of elementwise ops
    broadcast_shapes, normalize_axis, normalize_axes, reduced_shape     arithmetic on shapes, for rules
    sum_to, broadcast_to   ops that a vjp needs and K lacks: broadcasting, and its reverse
    sqrt                   the bare square root (K's takes negative numbers as 0, which costs a pass)
    Backend, XpBackend     base classes of backends: bare, or with every kernel on a module that follows NumPy
    KernelCache, Kept      what `Backend.kernel_cache` returns, of a backend that keeps compiled code on disk
    Kernel, Limit          what `Backend.kernel` returns, what `Backend.limits` holds
    Program, Step, Value   what `Backend.compile` and the passes work on
    topological            the nodes that tensors are made by, each after those it reads
    Executable, plan       what `compile` returns by default, and where a program's values lie

Layers, optimizers, metrics, losses and their kin need none of this: they are written in `polykeras.backend`, on base
classes that are where Keras has them. A gradient (`.vjp`) or an expansion (`.lower`) may be written in it too.
"""

from polykeras.runtime.backend import Backend, Kernel, Limit
from polykeras.runtime.executable import Executable
from polykeras.runtime.kernel_cache import Kept, KernelCache
from polykeras.runtime.plan import plan
from polykeras.runtime.program import Program, Step, Value
from polykeras.runtime.xp import XpBackend
from polykeras.symbolic.graph import topological
from polykeras.symbolic.op import Op, op, same
from polykeras.symbolic.ops import operators  # noqa: F401  puts + and [] on tensors
from polykeras.symbolic.ops.elementwise import broadcast_to, sqrt, sum_to
from polykeras.symbolic.spec import Shape, Spec, broadcast_shapes, normalize_axes, normalize_axis, reduced_shape

__all__ = [
    "Backend", "Executable", "Kept", "Kernel", "KernelCache", "Limit", "Op", "Program", "Shape", "Spec", "Step",
    "Value", "XpBackend", "broadcast_shapes", "broadcast_to", "normalize_axes", "normalize_axis", "op", "plan",
    "reduced_shape", "same", "sqrt", "sum_to", "topological",
]  # fmt: skip
