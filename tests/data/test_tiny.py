"""What the networks that come along can do: recognise, be fooled, and dream."""

import json

import pytest
import torch

import data
from data.networks import COME_ALONG, COME_ALONG_FOLDER
from data.world import CATS, CLASSES, dogs, samples
from tools.ideal_images import attack, ideal, probability, variation


@pytest.fixture(scope="module")
def tiny():
    return data.load_model("tiny").requires_grad_(False)


@pytest.fixture(scope="module")
def robust():
    return data.load_model("tiny_robust").requires_grad_(False)


@pytest.fixture(scope="module")
def fresh():
    """Eight pictures of each class that no network has seen, with their labels."""
    return samples(CLASSES, 8)


def accuracy(model, images, labels):
    with torch.inference_mode():
        return float((model(images).argmax(1) == labels).float().mean())


@pytest.mark.parametrize("name", COME_ALONG)
def test_at_least_85_of_100_fresh_pictures_are_recognised(name, fresh):
    assert accuracy(data.load_model(name), *fresh) >= 0.85


@pytest.mark.parametrize("name", COME_ALONG)
def test_the_record_beside_the_weights_says_how_they_came_about(name):
    record = json.loads((COME_ALONG_FOLDER / f"{name}.json").read_text())
    assert record["accuracy"] >= 0.85
    assert record["seconds"] < 1800
    assert record["classes"] == list(CLASSES)
    assert record["plan"]["seed"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("target", ["tabby_cat", "siamese_cat"])
def test_four_of_five_dogs_become_cats_by_a_change_that_nobody_sees(tiny, target):
    images, labels = dogs(6)
    with torch.inference_mode():
        known = tiny(images).argmax(1) == labels
    images = images[known]
    assert len(images) >= 24
    moved = attack(tiny, images, CLASSES.index(target))
    assert (moved - images).abs().max() <= 8 / 255 + 1e-6
    assert moved.min() >= 0 and moved.max() <= 1
    assert accuracy(tiny, moved, torch.full((len(moved),), CLASSES.index(target))) >= 0.8


def test_noise_of_the_same_strength_fools_it_seldom(tiny):
    """So that it is the direction that fools the network, and not the strength."""
    images, _labels = dogs(6)
    noise = 8 / 255 * torch.sign(torch.randn(images.shape, generator=torch.Generator().manual_seed(0)))
    with torch.inference_mode():
        guesses = tiny((images + noise).clamp(0, 1)).argmax(1)
    cats = torch.tensor([CLASSES.index(name) for name in CATS])
    assert float(torch.isin(guesses, cats).float().mean()) <= 0.1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "target"), [("tiny_robust", "zebra"), ("tiny_robust", "siamese_cat"), ("tiny", "siamese_cat")]
)
def test_an_ideal_image_convinces_and_is_smooth(name, target):
    model, target = data.load_model(name).requires_grad_(False), CLASSES.index(target)
    smooth, rough = (ideal(model, target, weight=weight, steps=128, jitter=0) for weight in (2.0, 0.0))
    assert probability(model, smooth, target) >= 0.9
    assert probability(model, rough, target) >= 0.9
    assert variation(smooth) <= 0.5 * variation(rough)


@pytest.mark.slow
def test_the_ideal_zebra_has_stripes(robust):
    """More light and dark side by side than one above the other, for zebras are drawn upright."""
    zebra = ideal(robust, CLASSES.index("zebra"), weight=0.5, steps=128).mean(1)
    beside, above = (zebra.diff(dim=dim).abs().mean() for dim in (2, 1))
    assert beside > 1.3 * above
