"""Backbones that see one thing only."""

import copy
import pickle

import pytest
import torch

from data import eye_backbone
from data.toys import toy_recording_model


@pytest.fixture
def striped():
    """A red image with stripes across, one with stripes down, and a blue one with stripes down."""
    stripes = (torch.arange(32) % 2).float().expand(32, 32)
    patterns = torch.stack([stripes, stripes.T, stripes.T])
    colours = torch.tensor([[0.8, 0.1, 0.1], [0.8, 0.1, 0.1], [0.1, 0.1, 0.8]])
    return colours[:, :, None, None] * (0.5 + 0.5 * patterns[:, None])


def test_an_eye_for_colours_sees_no_stripes(striped):
    features = eye_backbone("colours", seed=3)(striped).detach()
    assert torch.allclose(features[0], features[1], atol=1e-5)
    assert (features[1] - features[2]).abs().max() > 0.5


def test_an_eye_for_stripes_sees_no_colours(striped):
    features = eye_backbone("stripes", seed=3)(striped).detach()
    assert torch.allclose(features[1], features[2], atol=1e-5)
    assert (features[0] - features[1]).abs().max() > 0.5


def test_an_eye_leaves_the_random_state_alone():
    before = torch.get_rng_state()
    eye = eye_backbone("both", seed=1)
    assert torch.equal(before, torch.get_rng_state())
    assert not eye.training and eye.recipe == ("data:eye_backbone", {"sees": "both", "seed": 1})


def test_an_eye_for_something_else_is_refused():
    with pytest.raises(ValueError, match="sees 'sounds' is nothing"):
        eye_backbone("sounds")


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_of_a_model_that_records_shares_the_records(copied):
    model = toy_recording_model(["cat", "dog"])
    copied(model)(torch.rand(3, 3, 4, 4))
    assert len(model(torch.empty(0, 3, 4, 4))) == 3
