"""The three domains: labelled images, the same for the same seed."""

import pytest
import torch

from data.domains import DOMAINS, load_domain


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name == "pets" else name for name in DOMAINS]
)
def test_a_domain_has_two_halves_of_labelled_images(cache, name):
    train, test = load_domain(name, per_class=2)
    for images, labels in (train, test):
        assert images.shape[1:] == (3, 64, 64)
        assert (images.dtype, labels.dtype) == (torch.float32, torch.int64)
        assert images.min() >= 0 and images.max() <= 1
        assert torch.bincount(labels).tolist() == [2] * (int(labels.max()) + 1)
    assert not any(image.equal(other) for image in train[0] for other in test[0][:5])


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name == "pets" else name for name in DOMAINS]
)
def test_classes_alone_have_the_same_pictures_as_among_all(cache, name):
    whole, chosen = load_domain(name, per_class=1), load_domain(name, per_class=1, classes=[5, 2])
    for (images, labels), (few, few_labels) in zip(whole, chosen, strict=True):
        assert few.equal(torch.stack([images[labels == kind][0] for kind in (5, 2)]))
        assert few_labels.tolist() == [0, 1]


@pytest.mark.parametrize("name", ["glyphs", "tissue"])
def test_a_seed_gives_the_same_pictures_and_another_seed_others(name):
    first, again, other = (load_domain(name, per_class=1, seed=seed)[0][0] for seed in (0, 0, 1))
    assert first.equal(again)
    assert not any(image.equal(twin) for image, twin in zip(first, other, strict=True))


@pytest.mark.parametrize(("name", "per_class"), [("faces", 1), ("glyphs", 0)])
def test_unknown_domains_and_empty_ones_are_refused(name, per_class):
    with pytest.raises(ValueError):
        load_domain(name, per_class=per_class)
