"""Checks of domain_shift. The first line of each docstring is what the student reads."""

import math
from functools import partial

import pytest
import torch
from inspections import are_rounded, assert_seeds_nothing, assert_untouched

from autograder.compare import assert_between, assert_close, assert_holds, show
from autograder.errors import CheckFailed
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


def asked_by_lot(rng, ask, cases):
    """Return what `ask` answers in each case. The cases come in an order by lot, so that their places tell nothing."""
    answers = {place: ask(*cases[place]) for place in torch.randperm(len(cases), generator=rng).tolist()}
    return [answers[place] for place in range(len(cases))]


def colour_half(rng, count):
    labels = by_lot(rng, count, 4)
    labels[:4] = torch.arange(4)
    return striped(COLOURS[labels], by_lot(rng, count, 2) == 1, rng), labels


def half_led_by_one_class(rng):
    """A half whose first 32 images, as many as a batch often has, are of one class by lot; then all classes come."""
    mixed = (torch.arange(32) % 4)[torch.randperm(32, generator=rng)]
    labels = torch.cat([by_lot(rng, 1, 4).expand(32), mixed])
    return striped(COLOURS[labels], by_lot(rng, 64, 2) == 1, rng), labels


def stripe_half(rng, count):
    labels = by_lot(rng, count, 2)
    labels[:2] = torch.arange(2)
    return striped(COLOURS[by_lot(rng, count, 4)], labels == 1, rng), labels


def plain_half(rng, count):
    """Two classes that differ in their colours and in their stripes."""
    labels = by_lot(rng, count, 2)
    labels[:2] = torch.arange(2)
    return striped(COLOURS[2 * labels], labels == 1, rng), labels


def crossed_half(rng, count):
    """Two classes, of two colours each, that no line through the space of colours parts: three in four at most."""
    corners = torch.randperm(count, generator=rng) % 4
    red, green = corners // 2, corners % 2
    colours = torch.stack([0.2 + 0.6 * red, 0.2 + 0.6 * green, torch.full((count,), 0.5)], dim=1)
    return striped(colours, by_lot(rng, count, 2) == 1, rng), red ^ green


def half_right(rng):
    """Two halves: a head that sees the colours is right for three quarters of test, one that does not for a quarter.

    It is so however the latter guesses. In each class, and in each direction of the stripes, a quarter of the labels of
    test are those of the next class.
    """
    train, test = torch.randperm(120, generator=rng), torch.randperm(64, generator=rng)
    order = torch.randperm(4, generator=rng)  # which class is the next one
    learned, shown = order[train % 4], order[test % 4]
    exchanged = test // 8 % 4 == 3
    labels = torch.where(exchanged, order[(test + 1) % 4], shown)
    return (
        (striped(COLOURS[learned], train // 4 % 2 == 1, rng), learned),
        (striped(COLOURS[shown], test // 4 % 2 == 1, rng), labels),
    )


def domain(half, rng, train=61, test=53):
    """Two halves; for test a number of images of which hardly a share has few decimals."""
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
    """Some breeds of the drawn miniature, by lot and in no order."""
    monkeypatch.delenv("OXFORD_PETS", raising=False)
    breeds = torch.randperm(37, generator=rng)[:BREEDS].tolist()
    halves = load_domain("pets", per_class=PICTURES, classes=breeds)
    return tuple(shuffled(half, rng) for half in halves)


def shuffled(half, rng):
    images, labels = half
    mixed = torch.randperm(len(labels), generator=rng)
    return images[mixed], labels[mixed]


@torch.no_grad()
def ridge_accuracy(backbone, train, test):
    """Return the accuracy that ridge regression reaches on the features of a backbone, to compare with."""
    features, others = backbone(train[0]), backbone(test[0])
    middle, eye = features.mean(dim=0), torch.eye(features.shape[1])
    features, others = features - middle, others - middle
    wanted = torch.nn.functional.one_hot(train[1]).float() - 1 / BREEDS
    weights = torch.linalg.solve(features.T @ features + eye, features.T @ wanted)
    return float(((others @ weights).argmax(dim=1) == test[1]).double().mean())


def with_wrong_labels(half, wrong, rng):
    """A half in which `wrong` labels are those of another class: evenly spread, so that each batch has its share of them."""
    images, labels = half
    start = torch.rand(1, generator=rng, dtype=torch.float64)
    places = ((torch.arange(wrong) + start) * len(labels) / max(wrong, 1)).long()
    labels = labels.clone()
    labels[places] = (labels[places] + 1) % (int(labels.max()) + 1)
    return images, labels


def one_class_each(half):
    """A half, taken apart by its classes."""
    images, labels = half
    return [(images[labels == label], labels[labels == label]) for label in labels.unique()]


def reversed_roles(eyes):
    """As if the backbone that was pretrained were the untrained one."""
    return eyes[1], eyes[0]


def twin_of(backbone, rng):
    """Another backbone that sees the same."""
    return eye_backbone(backbone.recipe[1]["sees"], seed=int(10_000 + by_lot(rng, 1, 10_000)))


def is_within(value, low, high):
    return isinstance(value, float) and low <= value <= high


def assert_number(value, low, high, *, mistake=""):
    """The value is a Python float within its bounds; if it is not, `mistake` is the known one that it shows, if any."""
    assert_holds(
        isinstance(value, float), f"returned {show(value)} (a {type(value).__name__}), expected a float", value
    )
    try:
        assert_between(value, low, high)
    except CheckFailed as wrong:
        wrong.mistake = mistake
        raise


def assert_ranking(result, domains, mistake=""):
    """The result is a list of each name with its gain; the mistake is one by which names are missing."""
    assert_holds(type(result) is list, f"returned {show(result)}, expected a list of (name, gain)", result)
    for entry in result:
        pair = isinstance(entry, tuple) and len(entry) == 2 and type(entry[0]) is str
        pair = pair and isinstance(entry[1], float)
        assert_holds(pair, f"returned {show(entry)} in the list, expected (name, gain), a text and a float", result)
    names = sorted(name for name, _ in result)
    problem = f"returned the names {names}, expected {sorted(domains)}"
    assert_holds(names == sorted(domains), problem, result, mistake=mistake)


def assert_left_alone(call):
    """A call has left images, labels and backbones as they were. Whether a backbone is frozen now is left open."""
    assert_untouched(call, "weights", "training mode", "gradients", "hooks", mistake=probe_mistake(call))


# --- linear_probe_accuracy


def probe_mistake(call):
    """The known mistake of a probe that shows in what it has left behind; how much that is, is another thing each time."""
    weights = call.describe_side_effects("weights")
    if weights == ["weights of backbone (norm.num_batches_tracked, norm.running_mean, norm.running_var)"]:
        return (
            "sets_training_mode"
            if call.describe_side_effects("training mode")
            else "trains_the_head_behind_the_backbone"
        )
    return "leaves_gradients" if call.describe_side_effects("gradients") and not weights else ""


def averages_of_batches(right):
    """For each number of images up to 64 the mean of the accuracies of batches that have as many, the last one fewer."""
    right = right.double()
    return [torch.stack([batch.mean() for batch in right.split(size)]).mean() for size in range(1, 65)]


@pytest.mark.points("linear_probe_accuracy", 2)
def test_probe_reads_what_the_backbone_sees(submission, eyes, colours, stripes, rng):
    """What the backbone sees is told apart, as far as the labels of test are true, and nothing else is: a Python float."""
    (train, test), count = colours, len(colours[1][1])
    few, many = int(by_lot(rng, 1, 4)), int(30 + by_lot(rng, 1, 11))
    # Neither the first batch nor the last one is enough to learn from, but by luck, and hardly twice.
    led = [half_led_by_one_class(rng) for _ in range(2)]
    trains = *led, tuple(each.flip(0) for each in led[0]), train
    wrongs = few, few, few, many
    halves = [(each, with_wrong_labels(test, wrong, rng)) for each, wrong in zip(trains, wrongs, strict=True)]
    cases = [(eyes[0], *each) for each in halves] + [(eyes[1], *stripes)] * 2
    cases += [(eyes[1], *each) for each in halves[1:3]] + [(eyes[0], *stripes)] * 2
    shares = [1 - wrong / count for wrong in wrongs]
    bounds = (
        [(share - 0.07, min(share + 0.07, 1)) for share in shares] + [(0.9, 1)] * 2 + [(0, 0.6)] * 2 + [(0.2, 0.8)] * 2
    )
    found = asked_by_lot(rng, submission.linear_probe_accuracy, cases)
    fits = [is_within(each, *ends) for each, ends in zip(found, bounds, strict=True)]
    mistake = "learns_from_the_first_batch" if not all(fits[:2]) and all(fits[2:]) else ""
    for each, ends in zip(found, bounds, strict=True):
        assert_number(each, *ends, mistake=mistake)


@pytest.mark.points("linear_probe_accuracy", 1)
@pytest.mark.depends_on("test_probe_reads_what_the_backbone_sees")
def test_probe_cannot_see_more_than_the_backbone(submission, eyes, stripes, rng):
    """What the backbone does not see is guessed, as its features are frozen; and no linear head tells crossed classes."""
    cases = [(eyes[1], *stripes), (eyes[0], *stripes), (eyes[0], *domain(crossed_half, rng, 80, 60))]
    seen, guessed, crossed = asked_by_lot(rng, submission.linear_probe_accuracy, cases)
    assert_number(seen, 0.9, 1)
    assert_number(guessed, 0.2, 0.8)
    assert_number(crossed, 0, 0.85, mistake="has_a_hidden_layer")  # the features are frozen, as has just been seen


@pytest.mark.points("linear_probe_accuracy", 1.5)
def test_probe_is_judged_on_test(submission, eyes, colours, rng):
    """The accuracy is that on test, with whatever labels it has, and the head never learns from them."""
    train, test = colours
    # So many that a head which learned from them, or from both, would believe them.
    crowd = with_wrong_labels(colour_half(rng, 200), 160, rng)
    believed = submission.linear_probe_accuracy(eyes[0], train, crowd)
    # On these false labels alone, learning from test and counting what is wrong look the same.
    seen, guessed = asked_by_lot(rng, submission.linear_probe_accuracy, [(eye, train, test) for eye in eyes])
    assert_number(seen, 0.9, 1)
    assert_number(believed, 0.14, 0.26)
    assert_number(guessed, 0, 0.6)
    # All images count alike, in whatever batches test is taken, whose last has a single one.
    images, labels = colour_half(rng, 65)
    right = torch.arange(65) < 32
    half_wrong = images, torch.where(right, labels, (labels + 1) % 4)
    found = submission.linear_probe_accuracy(eyes[0], train, half_wrong)
    averaged = isinstance(found, float) and any(abs(found - each) < 1e-4 for each in averages_of_batches(right))
    assert_number(found, 32 / 65 - 0.06, 32 / 65 + 0.06, mistake="averages_over_batches" if averaged else "")
    rounded = f"returned {show(found)} for 65 images, which is rounded"
    assert_holds(not are_rounded([found], 65), rounded, found, mistake="rounds_the_accuracy")
    # Nor do classes count alike that have more images or fewer.
    labels = torch.cat([torch.zeros(44, dtype=torch.int64), torch.arange(1, 4).repeat(7)])
    images = striped(COLOURS[labels], by_lot(rng, 65, 2) == 1, rng)
    found = submission.linear_probe_accuracy(eyes[0], train, (images, torch.where(labels == 0, labels, 1 + labels % 3)))
    by_class = isinstance(found, float) and abs(found - 1 / 4) < 0.06
    assert_number(found, 44 / 65 - 0.06, 44 / 65 + 0.06, mistake="averages_over_classes" if by_class else "")
    # A single image is right or wrong, and seen as it is in a crowd: there nearly all were right.
    for image, label in zip(test[0][1:3].split(1), test[1][1:3].split(1), strict=True):
        alone = submission.linear_probe_accuracy(eyes[0], train, (image, label))
        assert_number(alone, 1, 1, mistake="standardises_test_by_itself" if alone == 0 else "")
    assert_number(submission.linear_probe_accuracy(eyes[0], train, (test[0][:1], test[1][:1] + 1)), 0, 0)


@pytest.mark.points("linear_probe_accuracy", 0.5)
@pytest.mark.depends_on("test_probe_reads_what_the_backbone_sees")
def test_probe_leaves_the_backbone_as_good_as_it_was(submission, eyes, colours):
    """The backbone gives the same features afterwards as before."""
    train, test = colours
    expected = eyes[0](test[0])
    backbone = submission.send(eyes[0])
    submission.linear_probe_accuracy(backbone, train, test)
    mistake, found = probe_mistake(submission.last), backbone(test[0]).detach()
    try:
        assert_close(found, expected.detach(), rtol=1e-3, atol=1e-4)
    except CheckFailed as wrong:
        wrong.mistake = mistake
        raise


@pytest.mark.points("linear_probe_accuracy", 0.5)
@pytest.mark.depends_on("test_probe_reads_what_the_backbone_sees")
def test_probe_is_tidy(submission, eyes, colours):
    """The backbone keeps its weights, statistics and mode, a frozen one stays frozen, and nothing is seeded globally."""
    submission.linear_probe_accuracy(eyes[0], *colours, seed=5)
    call = submission.last
    assert_left_alone(call)
    submission.linear_probe_accuracy(eyes[0], *colours, seed=5)
    assert_seeds_nothing(call, submission.last, mistake="seeds_globally")
    submission.linear_probe_accuracy(eyes[0].requires_grad_(False), *colours)
    effects = submission.last.describe_side_effects("requires_grad")
    assert_holds(not effects, f"left something behind: {'; '.join(effects)}", mistake="wakes_a_frozen_backbone")


@pytest.mark.points("linear_probe_accuracy", 1.5)
@pytest.mark.hidden
def test_probe_of_a_pretrained_network(submission, pets, rng):
    """On features of a real network the probe is nearly as good as ridge regression, whatever labels test has."""
    backbone, (train, test) = load_backbone("tiny"), pets
    for wrong in (0, 3 * len(test[1]) // 4):
        halves = train, with_wrong_labels(test, wrong, rng)
        expected = ridge_accuracy(backbone, *halves)
        found = submission.linear_probe_accuracy(backbone, *halves)
        assert_number(found, max(expected - 0.2, 0), min(expected + 0.2, 1))


# --- transfer_gain


def gain_mistake(gain, opposite, count):
    """The known mistake that explains the gain of a backbone that sees over another, and that with their roles reversed.

    Both are judged on so many images.

    How often the one that does not see guesses right is another thing with each probe.
    """
    if not all(isinstance(each, float) for each in (gain, opposite)):
        return ""
    if gain > 1.05:
        right = gain * count / 100
        per_cent = "gains_per_cent" if math.isclose(right, round(right), abs_tol=1e-3) else ""
        negative = per_cent if opposite < -1 else "divides_the_gain_again"
        return negative if opposite < 0 else "divides" if 0 < opposite < 1 else ""
    if gain < 0:
        return "subtracts_the_wrong_way" if opposite > 0 else ""
    if opposite > 0:
        return "drops_the_sign" if abs(gain - opposite) < 0.2 else "forgets_to_subtract" if gain > opposite else ""
    if opposite < 0:
        return "divides_the_gain_again" if gain > 1.3 * -opposite else ""  # by less where the other one sees
    return "cuts_off_below_zero" if gain > 0 else ""


def assert_not_rounded(gain, count, *, mistake):
    """A gain is the difference of two accuracies on `count` images; the mistake is shown by one with few decimals."""
    problem = f"returned {show(gain)}, expected the difference of two accuracies on {count} images, not rounded"
    # A quarter or a half may be the difference to what a guess is worth.
    known = mistake if gain * 4 % 1 else ""
    assert_holds(not are_rounded([gain], count), problem, gain, mistake=known)


def assert_gains(submission, rng, backbones, halves, *bounds, twin=None):
    """The gain of the first backbone over the second lies within bounds, and so does its opposite if there are some for it.

    Over its `twin`, if there is one, the first gains nothing.
    """
    pairs = [backbones, reversed_roles(backbones)] + ([(backbones[0], twin)] if twin else [])
    gains = asked_by_lot(rng, lambda *pair: submission.transfer_gain(*pair, *halves), pairs)
    known = gain_mistake(*gains[:2], len(halves[1][1]))
    # To drop the sign leaves a gain as it is, and none where there is none.
    kept = is_within(gains[0], *bounds[0]) and all(is_within(gain, -0.15, 0.15) for gain in gains[2:])
    if known == "drops_the_sign" and not kept:
        known = ""
    for gain, ends in zip(gains[:2], bounds, strict=False):
        assert_number(gain, *ends, mistake=known)
    for gain in gains[2:]:
        assert_number(gain, -0.15, 0.15)


def assert_judged_on_test(gain_of, rng, eyes, colours, plain, mistakes):
    """Gains are measured on test, and by heads that have learned from train, whichever of the backbones sees.

    Args:
        gain_of: asks for the gain of the first of two backbones over the second on a domain.
        mistakes: the names of the known ones: that both backbones are judged on train, that train and test are swapped
            for both, that they are swapped for the second one, and that the gain is a share of the larger accuracy.
    """
    parts = one_class_each(colour_half(rng, 80))
    halves = [(colours[0], with_wrong_labels(colours[1], len(colours[1][1]), rng))]
    halves += [(colours[0], part) for part in parts] + [(plain[0], part) for part in one_class_each(plain[1])]
    signs = (1 - 2 * by_lot(rng, len(halves), 2)).tolist()
    cases = [(eyes if sign > 0 else reversed_roles(eyes), each) for sign, each in zip(signs, halves, strict=True)]
    found = asked_by_lot(rng, gain_of, cases)
    for gain in found:
        assert_number(gain, -1, 1)
    false, *each_class = [sign * gain for sign, gain in zip(signs[:5], found[:5], strict=True)]
    overall = sum(gain * len(part[1]) / 80 for gain, part in zip(each_class, parts, strict=True))
    on_train, swapped, swapped_for_one, as_a_share = mistakes
    if (
        found[5] > 0.15
    ):  # a head that has met class 0 alone has no other answer, so both backbones would be right for half
        known = swapped_for_one
    elif overall > 0.4:
        known = on_train if false > 0.1 else ""
    else:
        known = swapped if false < 0.1 else ""
    for gain in found[5:]:
        assert_number(gain, -0.15, 0.15, mistake=known)
    assert_holds(
        false < 0.1,
        f"returned {show(found[0])} where all labels of test are false, so that the backbone that sees is never right: "
        f"expected {'0 or less' if signs[0] > 0 else '0 or more'}",
        found[0],
        mistake=known,
    )
    assert_holds(
        overall > 0.4,
        f"returned gains of {overall:.2g} on the average on tests of a single class each, expected those of all classes",
        found[1],
        mistake=known,
    )
    halves = half_right(rng)
    found = asked_by_lot(rng, gain_of, [(backbones, halves) for backbones in (eyes, reversed_roles(eyes))])
    for gain, ends in zip(found, ((0.4, 0.6), (-0.6, -0.4)), strict=True):
        assert_number(gain, *ends, mistake=as_a_share if isinstance(gain, float) and 0.63 < abs(gain) < 0.7 else "")


@pytest.mark.points("transfer_gain", 1)
def test_gain_where_only_one_sees(submission, eyes, colours, rng):
    """The backbone that sees gains what guessing leaves over, and loses it where it is the untrained one: a float."""
    assert_gains(submission, rng, eyes, colours, (0.4, 1), (-1, -0.4), twin=twin_of(eyes[0], rng))


@pytest.mark.points("transfer_gain", 1)
@pytest.mark.depends_on("test_gain_where_only_one_sees")
def test_gain_is_judged_on_test(submission, eyes, colours, plain, rng):
    """Both heads learn from train and are judged on test, also where its labels are false or all of one class."""
    known = "judges_both_on_train", "swaps_train_and_test", "swaps_them_for_the_untrained", "divides_by_the_larger"

    def gain_of(backbones, halves):
        return submission.transfer_gain(*backbones, *halves)

    assert_judged_on_test(gain_of, rng, eyes, colours, plain, known)


@pytest.mark.points("transfer_gain", 1)
def test_gain_may_be_negative(submission, eyes, stripes, rng):
    """Where only the untrained backbone sees the classes, the gain is below 0."""
    twin = twin_of(eyes[1], rng)
    assert_gains(submission, rng, reversed_roles(eyes), stripes, (0.15, 0.85), (-0.85, -0.15), twin=twin)


@pytest.mark.points("transfer_gain", 0.5)
def test_gain_where_both_see(submission, eyes, plain, stripes, rng):
    """Where both backbones see the classes, there is nothing to gain; where one of them does, there is, and not rounded."""
    # The very same backbones on two domains: what was measured on the first says nothing of the second.
    sent = [submission.send(backbone) for backbone in reversed_roles(eyes)]
    assert_gains(submission, rng, sent, stripes, (0.15, 0.85))
    assert_gains(submission, rng, sent, plain, (-0.1, 0.1))
    gain = submission.transfer_gain(*sent, *stripes)
    assert_not_rounded(gain, len(stripes[1][1]), mistake="rounds_the_gain")


@pytest.mark.points("transfer_gain", 0.5)
@pytest.mark.depends_on("test_gain_where_only_one_sees")
def test_gain_is_tidy(submission, eyes, colours):
    """Both backbones are left as they were, and so are the images; the global random state is not seeded."""
    submission.transfer_gain(*eyes, *colours, seed=5)
    call = submission.last
    assert_left_alone(call)
    submission.transfer_gain(*eyes, *colours, seed=5)
    assert_seeds_nothing(call, submission.last)


@pytest.mark.points("transfer_gain", 1)
@pytest.mark.hidden
def test_gain_of_a_pretrained_network(submission, pets, rng):
    """Pretraining is worth a lot on pets, about as much as by ridge regression."""
    backbones = load_backbone("tiny"), load_backbone("tiny", False, seed=int(by_lot(rng, 1, 1000)))
    expected = ridge_accuracy(backbones[0], *pets) - ridge_accuracy(backbones[1], *pets)
    bounds = (max(expected - 0.25, 0.1), min(expected + 0.3, 1)), (max(-expected - 0.3, -1), -0.1)
    assert_gains(submission, rng, backbones, pets, *bounds)


# --- rank_domains


@pytest.fixture
def domains(colours, stripes, plain, rng):
    """Three domains whose order by gain is another one than that by accuracy, forwards and backwards."""
    return {
        "plain": plain,
        "colours": (colours[0], with_wrong_labels(colours[1], 10, rng)),
        "stripes": (stripes[0], with_wrong_labels(stripes[1], 5, rng)),
    }


# Of each call: the domains by their gain, then by the accuracy of the pretrained backbone.
BY_GAIN = ["colours", "plain", "stripes"], ["stripes", "plain", "colours"]
BY_ACCURACY = ["plain", "colours", "stripes"], ["plain", "stripes", "colours"]


def named_by_lot(rng):
    """Names for the domains of both calls, in the order of the dicts.

    In both together the order of the alphabet, that of the dicts, and those by gain, with and without its sign, and by the
    accuracy of either backbone, forwards and backwards, are all different.
    """
    alphabets = ["colours", "stripes", "plain"], ["plain", "colours", "stripes"]
    if by_lot(rng, 1, 2):
        alphabets = alphabets[0][::-1], alphabets[1][::-1]
    rows = alphabets[0][::-1], BY_GAIN[1][::-1]
    for alphabet, row in zip(alphabets, rows, strict=True):
        letters = torch.randperm(26, generator=rng)[:3].sort().values.tolist()
        names = {each: f"{chr(97 + k)}{int(by_lot(rng, 1, 1000))}" for each, k in zip(alphabet, letters, strict=True)}
        yield {each: names[each] for each in row}


def ranking_mistake(found, names):
    """The known mistake that explains the orders of the domains in both calls, where the gains beside them are right.

    Args:
        found: for each call a dict from the domain to the gain that was returned, in that order.
        names: for each call a dict from the domain to its name.
    """
    by_name = [sorted(each, key=each.__getitem__) for each in names]
    known = [
        ("begins_with_the_smallest", [order[::-1] for order in BY_GAIN]),
        ("forgets_to_sort", [list(each) for each in names]),
        ("sorts_by_name", by_name),
        ("sorts_by_name", [order[::-1] for order in by_name]),
        ("sorts_by_accuracy", list(BY_ACCURACY)),
        ("sorts_by_size", [sorted(each, key=lambda domain: -abs(each[domain])) for each in found]),
    ]
    gains_are_right = all(
        each[order[0]] > 0.2 and abs(each["plain"]) < 0.2 and each[order[-1]] < -0.2
        for each, order in zip(found, BY_GAIN, strict=True)
    )
    orders_found = [list(each) for each in found]
    return next((name for name, orders in known if gains_are_right and orders == orders_found), "")


@pytest.mark.points("rank_domains", 2.5)
def test_ranking_begins_with_the_largest_gain(submission, eyes, domains, rng):
    """The result is a list of (name, gain), each domain once: the largest gain first, and a negative one last."""
    names = list(named_by_lot(rng))
    halves = [{name: domains[each] for each, name in called.items()} for called in names]
    cases = [(*backbones, each) for backbones, each in zip((eyes, reversed_roles(eyes)), halves, strict=True)]
    results = asked_by_lot(rng, submission.rank_domains, cases)
    for result, each in zip(results, halves, strict=True):
        assert_ranking(result, each)
    domain_of = [{name: each for each, name in called.items()} for called in names]
    gains = [{of[name]: gain for name, gain in result} for of, result in zip(domain_of, results, strict=True)]
    for result, called, order in zip(results, names, BY_GAIN, strict=True):
        expected = [called[each] for each in order]
        found = [name for name, _ in result]
        assert_holds(
            found == expected,
            f"returned the domains as {found}, expected {expected}",
            result,
            mistake=ranking_mistake(gains, names),
        )
        assert_between(torch.tensor([gain for _, gain in result]), -1, 1, what="a gain")
        lost = result[-1][1]
        assert_holds(
            lost < 0, f"returned a gain of {show(lost)} where the pretraining does harm, expected less than 0", result
        )


def gain_of_one_domain(submission, backbones, halves):
    """The gain in a ranking of a single domain."""
    result = submission.rank_domains(*backbones, {"one": halves})
    assert_ranking(result, ["one"])
    return result[0][1]


@pytest.mark.points("rank_domains", 1)
@pytest.mark.depends_on("test_ranking_begins_with_the_largest_gain")
def test_ranking_is_judged_on_test(submission, eyes, colours, plain, rng):
    """The gains are those on test, not rounded, also where its labels are false or all of one class."""
    known = "ranks_on_train", "ranks_with_train_and_test_swapped", "", "takes_gains_for_shares"
    assert_judged_on_test(partial(gain_of_one_domain, submission), rng, eyes, colours, plain, known)
    gain = gain_of_one_domain(submission, eyes, colours)
    assert_not_rounded(gain, len(colours[1][1]), mistake="rounds_the_gains")


@pytest.mark.points("rank_domains", 2)
@pytest.mark.hidden
def test_ranking_tells_the_gains(submission, eyes, colours, stripes, rng):
    """Beside a name stands its own gain, not the accuracy, also where there is one domain only."""
    other = reversed_roles(eyes)
    either = (eyes, other)[int(by_lot(rng, 1, 2))]
    striped_bounds = (-0.85, -0.15) if either is eyes else (0.15, 0.85)
    cases = [(other, colours, -1.0, -0.4), (either, stripes, *striped_bounds), (eyes, colours, 0.4, 1.0)]
    for place in torch.randperm(len(cases), generator=rng).tolist():
        backbones, halves, low, high = cases[place]
        gain = gain_of_one_domain(submission, backbones, halves)
        assert_holds(low <= gain <= high, f"returned a gain of {show(gain)}, expected {low:g} to {high:g}", gain)


def missing_mistake(result, count):
    """The known mistake by which domains are missing from a ranking of so many with hardly more than one gain."""
    if not isinstance(result, list) or len(result) >= count:
        return ""
    different = len({str(entry[1:]) for entry in result if isinstance(entry, tuple)})
    if different == len(result):
        return "keeps_one_of_equal_gains"
    return "gives_three_at_most" if len(result) == 3 else ""


@pytest.mark.points("rank_domains", 0.5)
@pytest.mark.depends_on("test_ranking_begins_with_the_largest_gain")
def test_ranking_is_tidy(submission, eyes, plain):
    """The domains and both backbones are left as they were; of domains with equal gains each comes back."""
    # Both backbones see all of it: the gains are 0, or at most that of one image, so that some of the five are equal.
    domains = dict.fromkeys(("stripes", "lines", "dots", "rings", "waves"), plain)
    result = submission.rank_domains(*eyes, domains)
    call = submission.last
    assert_ranking(result, domains, mistake=missing_mistake(result, len(domains)))
    assert_left_alone(call)
    submission.rank_domains(*eyes, domains)
    assert_seeds_nothing(call, submission.last)
