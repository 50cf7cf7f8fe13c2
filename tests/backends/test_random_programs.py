"""Random programs on the Numba backend against the NumPy backend in float64, their gradients included.

`POLYKERAS_RANDOM_PROGRAMS=2000 pytest tests/backends/test_random_programs.py` tries so many of each, others every time.
"""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis.errors import NoSuchExample

from polykeras_numpy import NumpyBackend
from tests.backends.random_programs import KINDS, Step, allowed_error, programs, run

ASKED = os.environ.get("POLYKERAS_RANDOM_PROGRAMS")
QUIET = [
    HealthCheck.function_scoped_fixture,
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.filter_too_much,
]
REFEREE = NumpyBackend()


def trials(count):
    """So many programs, the same ones always, unless the environment asks for more."""
    number = int(ASKED) if ASKED else count
    return settings(
        max_examples=number, deadline=None, derandomize=not ASKED, database=None, suppress_health_check=QUIET
    )


def wrong(program, backend, dtype):
    """What is further from the float64 result than rounding explains, in words."""
    exact = run(program, REFEREE, "float64")
    if not all(np.isfinite(array).all() for array in exact):
        return []
    found = []
    got = run(program, backend, dtype)
    allowed = allowed_error(program, exact, REFEREE, dtype)
    for i, (a, b, most) in enumerate(zip(got, exact, allowed, strict=True)):
        if a.shape != b.shape:
            found.append(f"result {i} has the shape {a.shape}, and not {b.shape}")
        elif a.size and not (error := np.max(np.abs(a.astype("float64") - b.astype("float64")))) <= most:
            found.append(f"result {i} is wrong by {error:.3g}, and rounding explains {most:.3g}")
    return found


@trials(70)
@given(program=programs())
def test_float32(program, module_backend):
    assert wrong(program, module_backend, "float32") == []


@trials(30)
@given(program=programs())
def test_float64(program, module_backend):
    assert wrong(program, module_backend, "float64") == []


@trials(70)
@given(program=programs())
def test_float32_in_parts(program, module_backend, small_parts):
    assert wrong(program, module_backend, "float32") == []


# -- the test itself ---------------------------------------------------------------------------------------------------


class Flawed(NumpyBackend):
    """The last number of a softmax is a part in ten thousand too large."""

    def softmax(self, x, *, axis=-1, out=None):
        result = super().softmax(x, axis=axis, out=out)
        result[(-1,) * result.ndim] *= 1 + 1e-4
        return result


def test_a_small_flaw_is_found_and_the_program_that_shows_it_is_short():
    def shows(program):
        return bool(wrong(program, Flawed(), "float64"))

    found = find(programs(), shows, settings=trials(200))
    assert len([entry for entry in found.entries if isinstance(entry, Step)]) <= 2


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_is_right_on_the_referee(kind):
    def fails(program):
        return bool(wrong(program, REFEREE, "float32"))

    with pytest.raises(NoSuchExample):
        find(programs(most=2, kinds=[kind]), fails, settings=trials(10))


def test_what_is_allowed_is_little():
    """Of results in float32: a thousandth of the largest number for nearly all programs."""
    shares = []

    @settings(trials(60), max_examples=60)
    @given(program=programs())
    def collect(program):
        exact = run(program, REFEREE, "float64")
        scale = max(1.0, *[float(np.max(np.abs(a), initial=0)) for a in exact])
        shares.append(max(allowed_error(program, exact, REFEREE, "float32")) / scale)

    collect()
    assert np.mean(np.array(shares) < 1e-3) > 0.9
