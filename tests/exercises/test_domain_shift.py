"""Checks of domain_shift. The first line of each docstring is what the student reads."""

import pytest
import torch

from autograder.compare import assert_between, assert_holds, show
from data import eye_backbone, load_backbone
from data.domains import load_domain

# Four colours in the corners of the cube, as far apart as a head could wish.
COLOURS = torch.tensor([[0.8, 0.2, 0.2], [0.2, 0.8, 0.2], [0.2, 0.2, 0.8], [0.8, 0.8, 0.8]])
BREEDS, PICTURES = 8, 8  # each for as long as a network needs to look at it, so no more of them than tell


def striped(colours, across, rng):
    """Images `(N, 3, 32, 40)` of these colours, with stripes across or down, and grain."""
    stripes = 0.1 * (torch.arange(40) // 2 % 2)
    pattern = torch.where(across[:, None, None], stripes.expand(32, 40), stripes[:32, None].expand(32, 40))
    grain = 0.02 * torch.rand(len(across), 3, 32, 40, generator=rng)
    return (colours[:, :, None, None] + pattern[:, None] - 0.05 + grain).clamp(0, 1)


def by_lot(rng, count, below):
    return torch.randint(0, below, (count,), generator=rng)


def colour_half(rng, count):
    labels = by_lot(rng, count, 4)
    labels[:4] = torch.arange(4)
    return striped(COLOURS[labels], by_lot(rng, count, 2) == 1, rng), labels


def stripe_half(rng, count):
    labels = by_lot(rng, count, 2)
    labels[:2] = torch.arange(2)
    return striped(COLOURS[by_lot(rng, count, 4)], labels == 1, rng), labels


def plain_half(rng, count):
    """Two classes that differ in their colours and in their stripes."""
    labels = by_lot(rng, count, 2)
    labels[:2] = torch.arange(2)
    return striped(COLOURS[2 * labels], labels == 1, rng), labels


def domain(half, rng, train=60, test=50):
    return half(rng, train), half(rng, test)


@pytest.fixture
def colours(rng):
    """Four classes that differ in colour only."""
    return domain(colour_half, rng)


@pytest.fixture
def stripes(rng):
    """Two classes that differ in the direction of their stripes only."""
    return domain(stripe_half, rng)


@pytest.fixture
def plain(rng):
    """Two classes that both kinds of backbone can tell apart."""
    return domain(plain_half, rng)


@pytest.fixture
def eyes(rng):
    """A backbone that sees colours only, and one that sees stripes only."""
    seeds = by_lot(rng, 2, 10_000).tolist()
    return eye_backbone("colours", seed=seeds[0]), eye_backbone("stripes", seed=seeds[1])


@pytest.fixture
def pets(rng, monkeypatch):
    """Some breeds of the drawn miniature, those to learn from in no order."""
    monkeypatch.delenv("OXFORD_PETS", raising=False)
    breeds = torch.randperm(37, generator=rng)[:BREEDS].tolist()
    (images, labels), test = load_domain("pets", per_class=PICTURES, classes=breeds)
    mixed = torch.randperm(len(labels), generator=rng)
    return (images[mixed], labels[mixed]), test


@torch.no_grad()
def ridge_accuracy(backbone, train, test):
    """What the features of a backbone are worth, by ridge regression: a ruler of our own."""
    features, others = backbone(train[0]), backbone(test[0])
    middle, eye = features.mean(dim=0), torch.eye(features.shape[1])
    features, others = features - middle, others - middle
    wanted = torch.nn.functional.one_hot(train[1]).float() - 1 / BREEDS
    weights = torch.linalg.solve(features.T @ features + eye, features.T @ wanted)
    return float(((others @ weights).argmax(dim=1) == test[1]).double().mean())


def assert_number(value, low, high):
    """The value is a Python float within its bounds."""
    assert_holds(type(value) is float, f"returned {show(value)} (a {type(value).__name__}), expected a float", value)
    assert_between(value, low, high)


def assert_ranking(result, domains):
    """The result is a list of each name with its gain."""
    assert_holds(type(result) is list, f"returned {show(result)}, expected a list of (name, gain)", result)
    for entry in result:
        pair = type(entry) is tuple and len(entry) == 2 and type(entry[0]) is str and type(entry[1]) is float
        assert_holds(pair, f"returned {show(entry)} in the list, expected (name, gain)", result)
    names = sorted(name for name, _ in result)
    assert_holds(names == sorted(domains), f"returned the names {names}, expected {sorted(domains)}", result)


def assert_tidy(call):
    """A call has left images, labels and backbones as they were. Whether a backbone is frozen now is left open."""
    assert_holds(not call.changed, f"changed {', '.join(call.changed)} in place, expected it to be left alone")
    traces = call.traces("weights", "training mode", "gradients", "hooks")
    assert_holds(not traces, f"left something behind: {'; '.join(traces)}")


# --- linear_probe_accuracy


@pytest.mark.points("linear_probe_accuracy", 2)
def test_probe_reads_what_the_backbone_sees(submission, eyes, colours, stripes):
    """Classes that differ in what the backbone sees are told apart: a Python float, close to 1."""
    assert_number(submission.linear_probe_accuracy(eyes[0], *colours), 0.9, 1)
    assert_number(submission.linear_probe_accuracy(eyes[1], *stripes), 0.9, 1)


@pytest.mark.points("linear_probe_accuracy", 1)
@pytest.mark.depends_on("test_probe_reads_what_the_backbone_sees")
def test_probe_cannot_see_more_than_the_backbone(submission, eyes, colours):
    """Classes that differ in nothing that the backbone sees are guessed: its features are frozen."""
    assert_number(submission.linear_probe_accuracy(eyes[1], *colours), 0, 0.6)


@pytest.mark.points("linear_probe_accuracy", 1)
@pytest.mark.depends_on("test_probe_reads_what_the_backbone_sees")
def test_probe_is_judged_on_test(submission, eyes, colours):
    """The accuracy is that on test, with whatever labels it has, and the head never learns from them."""
    train, (images, labels) = colours
    # So many that a head which learned from them would believe them.
    relabelled = torch.where(torch.arange(len(labels)) < 40, (labels + 1) % 4, labels)
    assert_number(submission.linear_probe_accuracy(eyes[0], train, (images, relabelled)), 0.14, 0.26)


@pytest.mark.points("linear_probe_accuracy", 0.5)
@pytest.mark.depends_on("test_probe_reads_what_the_backbone_sees")
def test_probe_of_a_single_image(submission, eyes, colours):
    """A test of one image is right or wrong; another size of image will do."""
    train, (images, labels) = colours
    larger = torch.nn.functional.interpolate(images[:1], size=(48, 33))
    assert_number(submission.linear_probe_accuracy(eyes[0], train, (larger, labels[:1])), 1, 1)


@pytest.mark.points("linear_probe_accuracy", 1)
def test_probe_is_tidy(submission, eyes, colours):
    """The backbone keeps its weights, statistics and mode, no gradient stays on it, and the images stay as they are."""
    submission.linear_probe_accuracy(eyes[0], *colours)
    assert_tidy(submission.last)


@pytest.mark.points("linear_probe_accuracy", 1.5)
@pytest.mark.hidden
@pytest.mark.depends_on("test_probe_reads_what_the_backbone_sees")
def test_probe_of_a_pretrained_network(submission, pets):
    """On features of a real network the probe is nearly as good as ridge regression."""
    backbone = load_backbone("tiny")
    least = ridge_accuracy(backbone, *pets) - 0.2
    assert_number(submission.linear_probe_accuracy(backbone, *pets), max(least, 0.35), 1)


# --- transfer_gain


@pytest.mark.points("transfer_gain", 2)
def test_gain_where_only_the_pretrained_sees(submission, eyes, colours):
    """Where only the pretrained backbone sees the classes, it gains what guessing leaves over: a Python float."""
    assert_number(submission.transfer_gain(*eyes, *colours), 0.4, 1)


@pytest.mark.points("transfer_gain", 1)
def test_gain_may_be_negative(submission, eyes, colours, stripes):
    """Where only the untrained backbone sees the classes, the gain is below 0."""
    # A gain above 0 first: on a loss alone a dropped sign and a swapped difference look the same.
    assert_number(submission.transfer_gain(*eyes, *colours), 0.4, 1)
    assert_number(submission.transfer_gain(*eyes, *stripes), -1, -0.15)


@pytest.mark.points("transfer_gain", 0.5)
def test_gain_where_both_see(submission, eyes, plain):
    """Where both backbones see the classes, there is nothing to gain."""
    assert_number(submission.transfer_gain(*eyes, *plain), -0.1, 0.1)


@pytest.mark.points("transfer_gain", 0.5)
def test_gain_is_tidy(submission, eyes, colours):
    """Both backbones are left as they were, and so are the images."""
    submission.transfer_gain(*eyes, *colours)
    assert_tidy(submission.last)


@pytest.mark.points("transfer_gain", 1)
@pytest.mark.hidden
@pytest.mark.depends_on("test_gain_where_only_the_pretrained_sees")
def test_gain_of_a_pretrained_network(submission, pets, rng):
    """Pretraining is worth a lot on pets, about as much as by ridge regression."""
    backbones = load_backbone("tiny"), load_backbone("tiny", False, seed=int(by_lot(rng, 1, 1000)))
    expected = ridge_accuracy(backbones[0], *pets) - ridge_accuracy(backbones[1], *pets)
    assert_number(submission.transfer_gain(*backbones, *pets), max(expected - 0.25, 0.1), min(expected + 0.3, 1))


# --- rank_domains


@pytest.fixture
def domains(colours, stripes, plain):
    """Three domains: one gains, one loses, one does neither; neither in this order nor in that of the alphabet."""
    return {"stripes": stripes, "colours": colours, "both": plain}


@pytest.mark.points("rank_domains", 3.5)
def test_ranking_begins_with_the_largest_gain(submission, eyes, domains):
    """The result is a list of (name, gain), each domain once: the largest gain first, and a negative one last."""
    result = submission.rank_domains(*eyes, domains)
    assert_ranking(result, domains)
    names = [name for name, _ in result]
    expected = ["colours", "both", "stripes"]
    assert_holds(names == expected, f"returned the domains as {names}, expected {expected}", result)
    lost = result[-1][1]
    assert_holds(
        lost < 0, f"returned a gain of {show(lost)} where the pretraining does harm, expected less than 0", result
    )


@pytest.mark.points("rank_domains", 2)
@pytest.mark.hidden
def test_ranking_tells_the_gains(submission, eyes, stripes):
    """Beside a name stands its own gain, not the accuracy, also where there is one domain only."""
    result = submission.rank_domains(*eyes, {"stripes": stripes})
    assert_ranking(result, ["stripes"])
    gain = result[0][1]
    assert_holds(-1 <= gain <= -0.15, f"returned a gain of {show(gain)}, expected -1 to -0.15", result)


@pytest.mark.points("rank_domains", 0.5)
def test_ranking_is_tidy(submission, eyes, stripes):
    """The domains and both backbones are left as they were."""
    submission.rank_domains(*eyes, {"stripes": stripes})
    assert_tidy(submission.last)
