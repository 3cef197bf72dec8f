"""The measurements of `python -m tools.measure`: how far the features of `tiny` carry, and how fast it is."""

import re

import pytest
import torch
from torch import nn

import data
from data.domains import load_domain
from data.networks import COME_ALONG
from tools.measure import accuracies, main, probe, probe_accuracy


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
    monkeypatch.setattr("sys.argv", ["measure", "transfer", "--pets", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert str(tmp_path) in capsys.readouterr().err


@pytest.mark.slow
def test_a_table_of_transfer_has_a_row_for_each_domain(cache, monkeypatch, capsys):
    monkeypatch.setenv("OXFORD_PETS", "")
    monkeypatch.setattr("tools.measure.accuracies", lambda name, domain, seed: (0.75, 0.25, 0.5))
    monkeypatch.setattr("sys.argv", ["measure", "transfer", "--seeds", "1", "--networks", "tiny"])
    main()
    rows = capsys.readouterr().out.splitlines()[2:]
    assert rows == [f"| tiny | {name} | 0 | 0.750 | 0.250 | 0.500 | +0.500 |" for name in ("pets", "glyphs", "tissue")]


def test_the_speed_is_printed_for_both_networks(monkeypatch, capsys):
    monkeypatch.setattr("tools.measure.RUNS", 1)
    monkeypatch.setattr("sys.argv", ["measure", "speed"])
    main()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["tiny", "tiny_robust"]
    assert all(
        re.search(r"613,560 bytes, [\d.]+ ms for 32 images of 64 x 64, loaded in [\d.]+ ms", line) for line in lines
    )
