"""Every test of the engine names its layers from 1."""

import numpy as np
import pytest

from polykeras import backend as K


@pytest.fixture(autouse=True)
def fresh_session():
    K.clear_session()
    np.random.seed(0)
    yield
    K.clear_session()
