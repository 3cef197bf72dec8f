"""Domains, and how far the features of `tiny` carry."""

import pytest
import torch
from torch import nn

import data
from data.domains import DOMAINS, load_domain
from data.networks import COME_ALONG
from data.transfer import accuracies, main, probe, probe_accuracy


@pytest.mark.parametrize("name", DOMAINS)
def test_a_domain_has_two_halves_of_labelled_images(cache, name):
    train, test = load_domain(name, per_class=2)
    for images, labels in (train, test):
        assert images.shape[1:] == (3, 64, 64)
        assert (images.dtype, labels.dtype) == (torch.float32, torch.int64)
        assert images.min() >= 0 and images.max() <= 1
        assert torch.bincount(labels).tolist() == [2] * (int(labels.max()) + 1)
    assert not any(image.equal(other) for image in train[0] for other in test[0][:5])


@pytest.mark.parametrize("name", DOMAINS)
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


def test_the_probe_learns_what_can_be_learned_and_nothing_else():
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(4).repeat(50)
    clusters = torch.eye(4)[labels] + 0.1 * torch.randn(200, 4, generator=generator)
    noise = torch.randn(200, 4, generator=generator)
    assert probe_accuracy((clusters[:100], labels[:100]), (clusters[100:], labels[100:])) == 1.0
    assert probe_accuracy((noise[:100], labels[:100]), (noise[100:], labels[100:])) < 0.45


def test_the_probe_depends_on_its_seed_alone():
    generator = torch.Generator().manual_seed(0)
    features, labels = torch.randn(60, 8, generator=generator), torch.arange(60) % 3
    state = torch.get_rng_state()
    first, again = (probe_accuracy((features, labels), (features.flip(0), labels), seed=1) for _ in range(2))
    assert first == again
    assert torch.equal(torch.get_rng_state(), state)


@pytest.fixture(scope="module")
def backbones():
    """The pretrained network and the untrained one."""
    return data.load_backbone("tiny"), data.load_backbone("tiny", False, seed=0)


@pytest.mark.slow
def test_transfer_to_pets_is_real(cache, backbones):
    train, test = load_domain("pets")
    pretrained, untrained, pixels = (probe(backbone, train, test) for backbone in (*backbones, nn.Flatten()))
    assert pretrained - untrained >= 0.2
    assert pretrained - pixels >= 0.1


@pytest.mark.slow
def test_transfer_to_a_far_off_domain_is_clearly_smaller(cache, backbones):
    near, far = ([probe(backbone, *load_domain(name)) for backbone in backbones] for name in ("pets", "tissue"))
    assert far[0] - far[1] <= (near[0] - near[1]) / 2


@pytest.mark.slow
@pytest.mark.parametrize("name", COME_ALONG)
@pytest.mark.parametrize("seed", range(3))
def test_transfer_is_real_for_three_seeds_and_both_networks(cache, name, seed):
    pretrained, untrained, pixels = accuracies(name, "pets", seed)
    assert pretrained - untrained >= 0.2
    assert pretrained - pixels >= 0.1
    far, far_untrained, _ = accuracies(name, "tissue", seed)
    assert far - far_untrained <= (pretrained - untrained) / 2


def test_a_folder_without_pets_is_refused_in_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("OXFORD_PETS", "")
    monkeypatch.setattr("sys.argv", ["transfer", "--pets", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert str(tmp_path) in capsys.readouterr().err
