"""What several units' checks use."""

import numpy as np
import pytest


@pytest.fixture
def dice(seed: int) -> np.random.Generator:
    """Give random numbers of NumPy's, drawn from the check's seed."""
    return np.random.default_rng(seed)
