"""soft_cap, an op: its shape rule, its gradient, and the samples from which its tests are made."""

from polykeras.extend import op, same


@op(promotes="all", floating=True, elementwise=True)
def soft_cap(x, *, limit: float):
    """limit · tanh(x / limit): near x where x is small, held between -limit and limit.   x: (...) -> (...)"""
    if limit <= 0:
        raise ValueError(f"limit must be above 0, got {limit}")
    return same(x)


@soft_cap.vjp
def soft_cap_vjp(g, out, x, *, limit):
    return (g * (1 - (out / limit) ** 2),)


@soft_cap.samples
def soft_cap_samples(r):
    yield (r(2, 3),), {"limit": 1.5}
    yield (r(),), {"limit": 20.0}
    yield (r(0, 3),), {"limit": 1.0}


@soft_cap.error_samples
def soft_cap_error_samples(r):
    yield (r(2, 3),), {"limit": 0.0}, "limit must be above 0"
