"""What several units' checks use."""

import numpy as np
import pytest
import torch


@pytest.fixture
def dice(rng: torch.Generator) -> np.random.Generator:
    """Give random numbers of NumPy's, drawn from the check's seed."""
    return np.random.default_rng(rng.initial_seed())
