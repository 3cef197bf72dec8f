"""Checks of domain_shift. The first line of each docstring is what the student reads."""

import pytest
import torch

from autograder.compare import assert_between, assert_close, assert_holds, show
from autograder.errors import CheckFailed
from data import eye_backbone, load_backbone, toy_dropout_head
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


def crossed_half(rng, count):
    """Two classes, of two colours each, that no line through the space of colours parts: three in four at most."""
    corners = torch.randperm(count, generator=rng) % 4
    red, green = corners // 2, corners % 2
    colours = torch.stack([0.2 + 0.6 * red, 0.2 + 0.6 * green, torch.full((count,), 0.5)], dim=1)
    return striped(colours, by_lot(rng, count, 2) == 1, rng), red ^ green


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
    """What the features of a backbone are worth, by ridge regression: a ruler of our own."""
    features, others = backbone(train[0]), backbone(test[0])
    middle, eye = features.mean(dim=0), torch.eye(features.shape[1])
    features, others = features - middle, others - middle
    wanted = torch.nn.functional.one_hot(train[1]).float() - 1 / BREEDS
    weights = torch.linalg.solve(features.T @ features + eye, features.T @ wanted)
    return float(((others @ weights).argmax(dim=1) == test[1]).double().mean())


def with_wrong_labels(half, wrong, rng):
    """A half in which `wrong` labels, at places by lot, are those of another class."""
    images, labels = half
    places = torch.randperm(len(labels), generator=rng)[:wrong]
    labels = labels.clone()
    labels[places] = (labels[places] + 1) % (int(labels.max()) + 1)
    return images, labels


def reversed_roles(eyes):
    """As if the backbone that was pretrained were the untrained one."""
    return eyes[1], eyes[0]


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


def assert_ranking(result, domains):
    """The result is a list of each name with its gain."""
    assert_holds(type(result) is list, f"returned {show(result)}, expected a list of (name, gain)", result)
    for entry in result:
        pair = isinstance(entry, tuple) and len(entry) == 2 and type(entry[0]) is str
        pair = pair and isinstance(entry[1], float)
        assert_holds(pair, f"returned {show(entry)} in the list, expected (name, gain), a text and a float", result)
    names = sorted(name for name, _ in result)
    assert_holds(names == sorted(domains), f"returned the names {names}, expected {sorted(domains)}", result)


def assert_tidy(call):
    """A call has left images, labels and backbones as they were. Whether a backbone is frozen now is left open."""
    assert_holds(not call.changed, f"changed {', '.join(call.changed)} in place, expected it to be left alone")
    effects = call.describe_side_effects("weights", "training mode", "gradients", "hooks")
    assert_holds(not effects, f"left something behind: {'; '.join(effects)}", mistake=probe_mistake(call))


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
    for wrong in (int(by_lot(rng, 1, 4)), int(15 + by_lot(rng, 1, 20))):
        share = 1 - wrong / count
        found = submission.linear_probe_accuracy(eyes[0], train, with_wrong_labels(test, wrong, rng))
        assert_number(found, share - 0.07, min(share + 0.07, 1))
    assert_number(submission.linear_probe_accuracy(eyes[1], *stripes), 0.9, 1)
    assert_number(submission.linear_probe_accuracy(eyes[1], *colours), 0, 0.6)


@pytest.mark.points("linear_probe_accuracy", 1)
def test_probe_cannot_see_more_than_the_backbone(submission, eyes, stripes, rng):
    """What the backbone does not see is guessed, as its features are frozen; and no linear head tells crossed classes."""
    assert_number(submission.linear_probe_accuracy(eyes[1], *stripes), 0.9, 1)
    assert_number(submission.linear_probe_accuracy(eyes[0], *stripes), 0.2, 0.8)
    crossed = submission.linear_probe_accuracy(eyes[0], *domain(crossed_half, rng, 80, 60))
    assert_number(crossed, 0, 0.85, mistake="has_a_hidden_layer")  # the features are frozen, as has just been seen


@pytest.mark.points("linear_probe_accuracy", 1.5)
def test_probe_is_judged_on_test(submission, eyes, colours, rng):
    """The accuracy is that on test, with whatever labels it has, and the head never learns from them."""
    train, test = colours
    # True labels first: on false ones alone, learning from test and counting what is wrong look the same.
    assert_number(submission.linear_probe_accuracy(eyes[0], train, test), 0.9, 1)
    # So many that a head which learned from them, or from both, would believe them.
    crowd = with_wrong_labels(colour_half(rng, 200), 160, rng)
    assert_number(submission.linear_probe_accuracy(eyes[0], train, crowd), 0.14, 0.26)
    assert_number(submission.linear_probe_accuracy(eyes[1], train, test), 0, 0.6)
    # All images count alike, in whatever batches test is taken, whose last has a single one.
    images, labels = colour_half(rng, 65)
    right = torch.arange(65) < 32
    half_wrong = images, torch.where(right, labels, (labels + 1) % 4)
    found = submission.linear_probe_accuracy(eyes[0], train, half_wrong)
    averaged = isinstance(found, float) and any(abs(found - each) < 1e-4 for each in averages_of_batches(right))
    assert_number(found, 32 / 65 - 0.06, 32 / 65 + 0.06, mistake="averages_over_batches" if averaged else "")
    # A single image, of another size, is right or wrong, and seen as it is in a crowd: there nearly all were right.
    scaled = torch.nn.functional.interpolate(test[0][:3], size=(48, 33))
    for image, label in zip(scaled[1:].split(1), test[1][1:3].split(1), strict=True):
        alone = submission.linear_probe_accuracy(eyes[0], train, (image, label))
        assert_number(alone, 1, 1, mistake="standardises_test_by_itself" if alone == 0 else "")
    assert_number(submission.linear_probe_accuracy(eyes[0], train, (scaled[:1], test[1][:1] + 1)), 0, 0)


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
def test_probe_is_tidy(submission, eyes, colours, rng):
    """The backbone keeps its weights, statistics and mode, images stay, and the global random state is not seeded."""
    submission.linear_probe_accuracy(eyes[0], *colours, seed=5)
    assert_tidy(submission.last)
    chance = submission.send(toy_dropout_head(64, 1, seed=int(by_lot(rng, 1, 10_000))).train())
    ones, drops = torch.randn(64, 64, generator=rng), []
    for _ in range(2):
        submission.linear_probe_accuracy(eyes[0], *colours, seed=5)
        drops.append(chance(ones))
    assert_holds(not torch.equal(*drops), ": it seeds the global random state", drops[1], mistake="seeds_globally")


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


def gain_mistake(gain, opposite):
    """The known mistake that explains the gain of a backbone that sees over another, and that with their roles reversed.

    How often the one that does not see guesses right is another thing with each probe.
    """
    if not all(isinstance(each, float) for each in (gain, opposite)):
        return ""
    if gain > 1.05:
        negative = "gains_per_cent" if opposite < -1 else "divides_the_gain_again"
        return negative if opposite < 0 else "divides" if 0 < opposite < 1 else ""
    if gain < 0:
        return "subtracts_the_wrong_way" if opposite > 0 else ""
    if opposite > 0:
        return "drops_the_sign" if abs(gain - opposite) < 0.1 else "forgets_to_subtract" if gain > opposite else ""
    if opposite < 0:
        return "divides_the_gain_again" if gain > 1.3 * -opposite else ""  # by less where the other one sees
    return "cuts_off_below_zero" if gain > 0 else ""


def assert_gains(submission, backbones, halves, *bounds):
    """The gain of the first backbone over the second lies within bounds, and so does its opposite if there are some for it."""
    gains = [submission.transfer_gain(*pair, *halves) for pair in (backbones, reversed_roles(backbones))]
    for gain, ends in zip(gains, bounds, strict=False):
        assert_number(gain, *ends, mistake=gain_mistake(*gains))


@pytest.mark.points("transfer_gain", 2)
def test_gain_where_only_one_sees(submission, eyes, colours):
    """The backbone that sees gains what guessing leaves over, and loses it where it is the untrained one: a float."""
    assert_gains(submission, eyes, colours, (0.4, 1), (-1, -0.4))


@pytest.mark.points("transfer_gain", 1)
def test_gain_may_be_negative(submission, eyes, stripes):
    """Where only the untrained backbone sees the classes, the gain is below 0."""
    assert_gains(submission, reversed_roles(eyes), stripes, (0.15, 0.85), (-0.85, -0.15))


@pytest.mark.points("transfer_gain", 0.5)
def test_gain_where_both_see(submission, eyes, plain, stripes):
    """Where both backbones see the classes, there is nothing to gain; where one of them does, there is."""
    # The very same backbones on two domains: what was measured on the first says nothing of the second.
    sent = [submission.send(backbone) for backbone in reversed_roles(eyes)]
    gain = submission.transfer_gain(*sent, *stripes)
    backwards = isinstance(gain, float) and -0.85 <= gain <= -0.15
    assert_number(gain, 0.15, 0.85, mistake="subtracts_the_wrong_way" if backwards else "")
    assert_number(submission.transfer_gain(*sent, *plain), -0.1, 0.1)


@pytest.mark.points("transfer_gain", 0.5)
@pytest.mark.depends_on("test_gain_where_only_one_sees")
def test_gain_is_tidy(submission, eyes, colours):
    """Both backbones are left as they were, and so are the images."""
    submission.transfer_gain(*eyes, *colours)
    assert_tidy(submission.last)


@pytest.mark.points("transfer_gain", 1)
@pytest.mark.hidden
def test_gain_of_a_pretrained_network(submission, pets, rng):
    """Pretraining is worth a lot on pets, about as much as by ridge regression."""
    backbones = load_backbone("tiny"), load_backbone("tiny", False, seed=int(by_lot(rng, 1, 1000)))
    expected = ridge_accuracy(backbones[0], *pets) - ridge_accuracy(backbones[1], *pets)
    bounds = (max(expected - 0.25, 0.1), min(expected + 0.3, 1)), (max(-expected - 0.3, -1), -0.1)
    assert_gains(submission, backbones, pets, *bounds)


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


@pytest.mark.points("rank_domains", 3.5)
def test_ranking_begins_with_the_largest_gain(submission, eyes, domains, rng):
    """The result is a list of (name, gain), each domain once: the largest gain first, and a negative one last."""
    names, results = list(named_by_lot(rng)), []
    for backbones, called in zip((eyes, reversed_roles(eyes)), names, strict=True):
        halves = {name: domains[each] for each, name in called.items()}
        results.append(submission.rank_domains(*backbones, halves))
        assert_ranking(results[-1], halves)
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


@pytest.mark.points("rank_domains", 2)
@pytest.mark.hidden
def test_ranking_tells_the_gains(submission, eyes, colours, stripes):
    """Beside a name stands its own gain, not the accuracy, also where there is one domain only."""
    other = reversed_roles(eyes)
    cases = [(other, colours, -1.0, -0.4), (eyes, stripes, -0.85, -0.15), (eyes, colours, 0.4, 1.0)]
    for name, (backbones, halves, low, high) in zip(("one", "two", "three"), cases, strict=True):
        result = submission.rank_domains(*backbones, {name: halves})
        assert_ranking(result, [name])
        gain = result[0][1]
        assert_holds(low <= gain <= high, f"returned a gain of {show(gain)}, expected {low:g} to {high:g}", result)


@pytest.mark.points("rank_domains", 0.5)
@pytest.mark.depends_on("test_ranking_begins_with_the_largest_gain")
def test_ranking_is_tidy(submission, eyes, stripes):
    """The domains and both backbones are left as they were; of domains with equal gains each comes back."""
    domains = {"stripes": stripes, "lines": stripes}
    result = submission.rank_domains(*eyes, domains)
    call = submission.last
    assert_ranking(result, domains)
    assert_tidy(call)
