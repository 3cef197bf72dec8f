"""Toys that tell what a student's code has done with them."""

import pytest
import torch

import data
from autograder.checks.remote import recipe_of
from autograder.worker.frameworks import make_module

NOTHING = torch.empty(0, 3, 8, 8)
MAKERS = (
    lambda: data.toy_telling_model(seed=3),
    lambda: data.toy_telling_model(tied=True, seed=3),
    lambda: data.toy_stale_model(["cat", "dog"], seed=3),
    lambda: data.toy_recording_model(["cat", "dog"], seed=3),
    lambda: data.load_with_new_head("tiny", ["cat", "dog"], seed=3),
)


@pytest.mark.parametrize("make", MAKERS)
def test_each_is_made_again_from_its_recipe(make):
    before = torch.get_rng_state()
    model, images = make(), torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(make_module(recipe_of(model), "cpu")(images), model(images))
    assert not any(module.training for module in model.modules())


def test_a_telling_model_tells_which_parameters_require_gradients():
    model = data.toy_telling_model(seed=1)
    assert model(NOTHING).count_nonzero() == sum(each.numel() for each in model.parameters()) == 532
    model.requires_grad_(False)
    assert not model(NOTHING).any()
    model.head.last.requires_grad_(True)
    assert model(NOTHING).count_nonzero() == 28


def test_no_two_weights_of_a_telling_model_are_equal():
    entries = torch.cat([each.flatten() for each in data.toy_telling_model(seed=2).parameters()])
    assert len(entries.unique()) == len(entries)


def test_a_tied_model_shares_one_weight():
    model = data.toy_telling_model(tied=True)
    assert model.head.hidden.weight is model.backbone.last.weight


def test_a_stale_model_comes_with_gradients():
    for stale in (data.toy_stale_model(["cat", "dog"]), data.toy_head(3, 2, stale=True)):
        assert all(each.grad is not None and each.grad.any() for each in stale.parameters())
    assert all(each.grad is None for each in data.toy_head(3, 2).parameters())


def test_a_stale_head_has_the_weights_of_any_other():
    stale, other = data.toy_head(3, 2, stale=True, seed=5), data.toy_head(3, 2, seed=5)
    assert torch.equal(stale.weight, other.weight)
    assert all(each.grad is not None for each in make_module(recipe_of(stale), "cpu").parameters())


def test_a_recording_model_notes_what_it_learns_from():
    model = data.toy_recording_model(["cat", "dog"])
    model(torch.full((2, 3, 4, 4), 0.25))
    with torch.no_grad():
        model(torch.full((2, 3, 4, 4), 0.75))
    assert model(torch.empty(0, 3, 4, 4)).tolist() == [0.25, 0.25]


@pytest.mark.parametrize("evaluates", [False, True])
def test_a_trainer_that_evaluates_measures_in_eval_mode(evaluates):
    model = data.toy_dropout_head(6, 3).train()
    data.toy_trainer(steps=0, evaluates=evaluates)(model, torch.ones(4, 6), torch.zeros(4, dtype=torch.int64))
    assert model.training is not evaluates
