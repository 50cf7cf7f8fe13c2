"""SignSGD, an optimizer.

Bernstein et al., signSGD: Compressed Optimisation for Non-Convex Problems (2018).
"""

from polykeras import backend as K
from polykeras.optimizers import Optimizer


class SignSGD(Optimizer):
    """m ← momentum·m + (1 − momentum)·g;   p ← p − lr·sign(m)

    lr:       how far each parameter moves in a step, >= 0.
    momentum: in [0, 1); 0 takes the sign of the gradient itself.
    State: one average m per parameter.
    """

    def __init__(self, lr=0.001, momentum=0.9, **kwargs):
        super().__init__(**kwargs)
        with K.name_scope(type(self).__name__):
            self.lr = K.variable(lr, name="lr")
            self.momentum = K.variable(momentum, name="momentum")

    def get_updates(self, loss, params):
        grads = self.get_gradients(loss, params)
        self.weights = [K.zeros(K.int_shape(p), dtype=K.dtype(p)) for p in params]
        self.updates = []
        for p, g, m in zip(params, grads, self.weights, strict=True):
            new_m = self.momentum * m + (1 - self.momentum) * g
            new_p = p - self.lr * K.sign(new_m)
            if getattr(p, "constraint", None) is not None:
                new_p = p.constraint(new_p)
            self.updates += [K.update(m, new_m), K.update(p, new_p)]
        return self.updates

    def get_config(self):
        return {
            "lr": float(K.get_value(self.lr)),
            "momentum": float(K.get_value(self.momentum)),
            **super().get_config(),
        }
