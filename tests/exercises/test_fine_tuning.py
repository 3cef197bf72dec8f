"""Checks of fine_tuning. The first line of each docstring is what the student reads."""

import copy
import io
import itertools
import pickle
from collections.abc import Sequence
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from inspections import are_rounded, assert_seeds_nothing, assert_tidy, assert_untouched
from safetensors import SafetensorError
from safetensors.torch import load, save

import data
from autograder.compare import (
    assert_between,
    assert_close,
    assert_equal,
    assert_holds,
    assert_kind,
    assert_mentions,
    assert_raises,
    show,
)
from data.domains import load_domain

NOTHING = torch.empty(0, 3, 8, 8)  # for which a telling model tells what requires gradients
ENTRIES = 532  # of the parameters of a telling model
KEYS = ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")
# The share of the frozen head's squared error that is left: on sixty seeds at most 0.92 with Adam, and with NAdam
# more than 0.96 on five; at least 0.97 if the head alone is trained on; with too high a rate mostly 1.3 and more. On
# pets tuning cost 0.083 of the accuracy at most; with too high a rate nothing is left of it.
FAR, NEAR = 0.97, 0.2
LETTERS = list("abcdefghijkl")
# How far a pixel may be off: F.grid_sample rounds the place that it takes it from.
SAMPLED = 1e-5
COLOURS = torch.tensor([[0.75, 0.3, 0.3], [0.3, 0.3, 0.75]])


def number(rng, below=10_000):
    return int(torch.randint(below, (1,), generator=rng))


@pytest.fixture
def telling(rng):
    """A model that tells which of its parameters require gradients: all of them."""
    return data.toy_telling_model(seed=number(rng))


def names_of(model):
    return [name for name, _ in model.named_parameters()]


def frozen_at_random(model, rng):
    """The model with about half of its parameters frozen, one at least and never all."""
    parameters = list(model.parameters())
    frozen = torch.rand(len(parameters), generator=rng) < 0.5
    frozen[torch.randperm(len(parameters), generator=rng)[:2]] = torch.tensor([True, False])
    for parameter, stops in zip(parameters, frozen.tolist(), strict=True):
        parameter.requires_grad_(not stops)
    return model


# --- count_parameters


@pytest.mark.points("count_parameters", 1.5)
def test_count_of_a_model(submission, telling, rng):
    """The trainable numbers come first and all of them second, and buffers such as running statistics are none."""
    partly = copy.deepcopy(telling)
    partly.head.last.requires_grad_(False)
    partly.head.hidden.bias.requires_grad_(False)  # of a layer whose weight is trained
    telling.head.train()  # while the others are in eval mode, which does not matter
    assert_equal(submission.count_parameters(telling), (ENTRIES, ENTRIES))
    assert_equal(submission.count_parameters(partly), (ENTRIES - 28 - 6, ENTRIES))
    assert_equal(submission.count_parameters(data.toy_head(5, 4, seed=number(rng))), (24, 24))  # which has no children
    # Which has parameters of its own beside its layer, one of them a single number.
    assert_equal(submission.count_parameters(data.toy_scaled_head(5, 4, seed=number(rng))), (29, 29))


@pytest.mark.points("count_parameters", 1)
@pytest.mark.depends_on("test_count_of_a_model")
def test_count_of_shared_parameters(submission, rng):
    """A parameter that two layers share counts once."""
    tied = data.toy_telling_model(tied=True, seed=number(rng))
    assert_equal(submission.count_parameters(tied), (ENTRIES + 6, ENTRIES + 6))


@pytest.mark.points("count_parameters", 1.5)
@pytest.mark.hidden
@pytest.mark.depends_on("test_count_of_a_model")
def test_count_of_other_models(submission, reference, model, rng):
    """Any parameters may be frozen, or all of them."""
    frozen = copy.deepcopy(model).requires_grad_(False)
    for each in (frozen_at_random(model, rng), frozen):
        assert_equal(submission.count_parameters(each), reference.count_parameters(each))


# --- unfreeze


@pytest.mark.points("unfreeze", 2)
def test_unfreeze_names_what_is_trained(submission, telling):
    """The names of all parameters that require gradients come back, in the model's own order."""
    telling.requires_grad_(False)
    names = submission.unfreeze(telling, ["head.last", "backbone.smooth", "backbone.block"])
    expected = ["backbone.block.head.weight", "backbone.block.head.bias", "head.last.weight", "head.last.bias"]
    assert_equal(names, expected)


@pytest.mark.points("unfreeze", 1.5)
@pytest.mark.depends_on("test_unfreeze_names_what_is_trained")
def test_unfreeze_reaches_the_layers(submission, telling):
    """Gradients reach the parameters of the named layers, and of no others."""
    telling.requires_grad_(False)
    sent = submission.send(telling)
    submission.unfreeze(sent, ["backbone.first", "head"])
    telling.backbone.first.requires_grad_(True)
    telling.head.requires_grad_(True)
    assert_close(sent(NOTHING), telling(NOTHING), rtol=1e-3, atol=1e-5)


@pytest.mark.points("unfreeze", 0.5)
@pytest.mark.depends_on("test_unfreeze_names_what_is_trained")
def test_unfreeze_keeps_the_others(submission, telling):
    """What required gradients before still does and is among the names; "" is the whole model, [] no layer."""
    telling.requires_grad_(False)
    telling.head_scale.requires_grad_(True)
    expected = ["backbone.norm.weight", "backbone.norm.bias", "head_scale.weight"]
    sent = submission.send(telling)
    names = submission.unfreeze(sent, ["backbone.norm"])
    slopes = sent(NOTHING)
    telling.backbone.norm.requires_grad_(True)
    assert_close(slopes, telling(NOTHING), rtol=1e-3, atol=1e-5)
    assert_equal(names, expected)
    assert_equal(submission.unfreeze(sent, []), expected)
    assert_equal(submission.unfreeze(telling, ["", "head.last"]), names_of(telling))


@pytest.mark.points("unfreeze", 1)
@pytest.mark.depends_on("test_unfreeze_names_what_is_trained")
def test_unfreeze_refuses_what_is_no_layer(submission, telling):
    """A name of no submodule, or of a parameter, is a ValueError that names those that exist; nothing changes then."""
    telling.requires_grad_(False)
    for layers in (["backbone.first", "tail"], ["head", "head.last.weight"], ["head", "backbone.fir"]):
        sent = submission.send(telling)
        message = assert_raises(ValueError, submission.unfreeze, sent, layers)
        assert_mentions(message, "backbone.block.head", "head.hidden", "head.smooth")
        assert_equal(sent(NOTHING), torch.zeros(ENTRIES))


@pytest.mark.points("unfreeze", 0.5)
@pytest.mark.depends_on("test_unfreeze_names_what_is_trained")
def test_unfreeze_keeps_the_modes(submission, telling):
    """Every submodule stays in its own mode."""
    telling.requires_grad_(False)
    telling.train()
    telling.head.eval()
    ask = partial(submission.unfreeze, telling, ["head_scale", "head.last"])
    names = assert_tidy(submission, ask, "training mode", "weights", "hooks")
    assert_equal(names, ["head.last.weight", "head.last.bias", "head_scale.weight"])


@pytest.mark.points("unfreeze", 0.5)
@pytest.mark.hidden
@pytest.mark.depends_on("test_unfreeze_names_what_is_trained")
def test_unfreeze_any_layers(submission, reference, telling, rng):
    """Any layers of any model, some of it trained before: the right names and the right gradients."""
    # A name is neither its beginning nor its end: head is asked for each time, head_scale and the inner head never.
    others = (
        "",
        "head",
        "head_scale",
        "backbone",
        *(f"backbone.{name}" for name in ("first", "norm", "block", "block.head")),
    )
    layers = [name for name, _ in telling.named_modules() if name not in others]
    frozen_at_random(telling, rng)
    # Of those that are asked for and of those that are not, some are trained before and some are not.
    for frozen in (telling.head_scale, telling.backbone.block.head, telling.head.hidden):
        frozen.requires_grad_(False)
    for trained in (telling.backbone.first, telling.head.last):
        trained.requires_grad_(True)
    chosen = ["head", "backbone.norm", *(layers[k] for k in torch.randperm(len(layers), generator=rng)[:2].tolist())]
    sent = submission.send(telling)
    names = submission.unfreeze(sent, chosen)
    slopes = sent(NOTHING)
    assert_equal(names, reference.unfreeze(telling, chosen))
    assert_close(slopes, telling(NOTHING), rtol=1e-3, atol=1e-5)


# --- parameter_groups


def rates_by_name(groups, model):
    """For each parameter of the model the rates of the groups that have it."""
    kind = isinstance(groups, list) and all(isinstance(group, dict) for group in groups)
    assert_holds(kind, f"returned {show(groups)[:60]}, expected a list of dicts", [groups])
    rates = {name: [] for name in names_of(model)}
    for group in groups:
        missing = [key for key in ("params", "lr") if key not in group]
        assert_holds(not missing, f"returned a group without {', '.join(map(repr, missing))}", groups)
        items = [group["params"]] if isinstance(group["params"], torch.Tensor) else group["params"]
        assert_holds(isinstance(items, Sequence), f"returned {show(items)[:60]} as params of a group", groups)
        assert_holds(len(items) > 0, "returned a group without parameters", groups)
        for item in items:
            rates[name_of(item, model, groups)].append(group["lr"])
    return rates


def name_of(item, model, groups):
    """Return the name of the model's parameter that an item of a group is; all parameters differ."""
    tensor = item[1] if isinstance(item, tuple) and len(item) == 2 else item
    assert_holds(
        isinstance(tensor, torch.Tensor), f"returned {show(item)[:60]} in a group, expected parameters", groups
    )
    same = [name for name, parameter in model.named_parameters() if torch.equal(parameter.detach(), tensor.detach())]
    assert_holds(bool(same), f"returned {show(tensor)} in a group, which is no parameter of the model", groups)
    assert_holds(
        tensor.requires_grad or not model.get_parameter(same[0]).requires_grad,
        f"returned in a group the numbers of {same[0]}, which require no gradients, expected the parameter itself",
        groups,
    )
    return same[0]


def assert_rates(groups, model, expected):
    """Each parameter is in one group, with the rate expected, or in none."""
    found = rates_by_name(groups, model)
    mistake = grouping_mistake(found, expected)
    for name, rates in found.items():
        wanted = [expected[name]] if name in expected else []
        assert_holds(
            rates == wanted,
            f"returned {name} with {show(rates)} for its learning rates, expected {show(wanted)}",
            groups,
            mistake=mistake,
        )


def grouping_mistake(found, expected):
    """The known mistake that shows in the rates by name, in whatever order the groups came."""
    wrong = {name: rates for name, rates in found.items() if rates != ([expected[name]] if name in expected else [])}
    if len(expected) > 1 and wrong == {"head_scale.weight": []}:
        return "forgets_what_stands_beside"
    if wrong.keys() == {"backbone.last.weight"}:  # which head and backbone share
        names = {1: "leaves_shared_ones_to_the_backbone", 2: "groups_shared_ones_twice"}
        return names.get(len(wrong["backbone.last.weight"]), "")
    return "groups_frozen_ones" if wrong and not wrong.keys() & expected.keys() else ""


@pytest.mark.points("parameter_groups", 2)
def test_groups_have_their_rates(submission, telling):
    """The head's parameters have head_rate and all others backbone_rate, each of them once."""
    groups = submission.parameter_groups(telling, head_rate=0.25, backbone_rate=0.0625)
    expected = {name: 0.25 if name.startswith("head.") else 0.0625 for name in names_of(telling)}
    assert_rates(groups, telling, expected)


@pytest.mark.points("parameter_groups", 1)
@pytest.mark.depends_on("test_groups_have_their_rates")
def test_groups_leave_out_what_is_frozen(submission, telling):
    """What requires no gradient is in no group; no group is empty, and there is none where nothing is left."""
    telling.backbone.requires_grad_(False)
    telling.head.requires_grad_(False)
    frozen = copy.deepcopy(telling).requires_grad_(False)
    groups = submission.parameter_groups(telling, head_rate=0.25, backbone_rate=0.0625)
    assert_rates(groups, telling, {"head_scale.weight": 0.0625})
    assert_equal(submission.parameter_groups(frozen, head_rate=0.25, backbone_rate=0.0625), [])
    frozen.head.requires_grad_(True)
    frozen.head.hidden.bias.requires_grad_(False)
    groups = submission.parameter_groups(frozen, head_rate=0.0625, backbone_rate=0.25)
    of_head = ("head.hidden.weight", "head.last.weight", "head.last.bias")
    assert_rates(groups, frozen, dict.fromkeys(of_head, 0.0625))


@pytest.mark.points("parameter_groups", 1)
@pytest.mark.depends_on("test_groups_have_their_rates")
def test_groups_of_shared_parameters(submission, rng):
    """A parameter that head and backbone share is the head's, and in one group only."""
    tied = data.toy_telling_model(tied=True, seed=number(rng))
    groups = submission.parameter_groups(tied, head_rate=0.25, backbone_rate=0.0625)
    of_head = {"backbone.last.weight"} | {name for name in names_of(tied) if name.startswith("head.")}
    assert_rates(groups, tied, {name: 0.25 if name in of_head else 0.0625 for name in names_of(tied)})
    # The two rates may be the same.
    groups = submission.parameter_groups(tied, head_rate=0.25, backbone_rate=0.25)
    assert_rates(groups, tied, dict.fromkeys(names_of(tied), 0.25))


@pytest.mark.points("parameter_groups", 1)
@pytest.mark.depends_on("test_groups_have_their_rates")
def test_groups_refuse_rates_that_are_not_positive(submission, telling):
    """A rate of 0 or below is a ValueError that names it."""
    for name, value in (("head_rate", 0.0), ("backbone_rate", 0.0), ("head_rate", -0.1), ("backbone_rate", -0.1)):
        rates = {"head_rate": 0.1, "backbone_rate": 0.1, name: value}
        assert_mentions(assert_raises(ValueError, submission.parameter_groups, telling, **rates), name)
    # Where nothing learns at a rate, it is refused all the same.
    part = copy.deepcopy(telling)
    part.head.requires_grad_(False)
    frozen = copy.deepcopy(telling).requires_grad_(False)
    for model, name in ((part, "head_rate"), (frozen, "head_rate"), (frozen, "backbone_rate")):
        rates = {"head_rate": 0.1, "backbone_rate": 0.1, name: -0.1}
        assert_mentions(assert_raises(ValueError, submission.parameter_groups, model, **rates), name)


@pytest.mark.points("parameter_groups", 1)
@pytest.mark.hidden
@pytest.mark.depends_on("test_groups_have_their_rates")
def test_groups_of_any_parameters(submission, telling, rng):
    """Any parameters may be frozen, any rates given."""
    frozen_at_random(telling, rng)
    for trained in (telling.head.last, telling.backbone.first):  # neither group is empty
        trained.requires_grad_(True)
    rates = torch.rand(2, generator=rng).add(0.01).tolist()
    groups = submission.parameter_groups(telling, head_rate=rates[0], backbone_rate=rates[1])
    trainable = [name for name, parameter in telling.named_parameters() if parameter.requires_grad]
    assert_rates(groups, telling, {name: rates[not name.startswith("head.")] for name in trainable})


# --- augment


def generator(rng):
    return torch.Generator().manual_seed(number(rng))


WAYS = [(flip, down, across) for flip in range(2) for down in range(9) for across in range(9)]


def drawn(result, images):
    """For each image its flip, and its moves down and across: one of the 162 that are allowed."""
    assert_kind(result, images.shape, images.dtype)
    height, width = images.shape[-2:]
    ways, far = nearest_ways(result, images, bounced)
    lost = (far > SAMPLED).nonzero().flatten().tolist()
    others = [name for name, border in BORDERS.items() if lost and fits(result, images, border)]
    assert_holds(
        not lost,
        f"returned an image (number {lost[0] if lost else 0} of {len(images)}) that no flip and no move of up to 4 pixels "
        f"along each axis, with reflected borders, makes of the {height}x{width} original",
        result,
        mistake=others[0] if len(others) == 1 else "",
    )
    return torch.tensor(WAYS)[ways].unbind(dim=1)


def nearest_ways(result, images, border):
    """For each image the number of the way, of the 162, that fits two of its lines best, and how far the whole is off then."""
    count, channels, height, width = images.shape
    framed = images.new_zeros(count, channels, height + 1, width + 1)  # the last line and column are black
    framed[..., :height, :width] = images
    # By indices that bounce off the border: students read this file.
    rows = torch.stack([border(torch.arange(height) + down - 4, height) for down in range(9)])
    columns = torch.stack([border(torch.arange(width) + across - 4, width) for across in range(9)])
    columns = torch.stack([columns, columns.flip(1)])
    two = torch.tensor([0, height // 2])  # the first line tells how far it moved, the middle one whether up or down
    lines = framed[:, :, rows[:, two]][..., columns]  # (N, C, 9, 2, 2, 9, W): moves down, lines, flips, moves across
    far = (lines - result[:, :, None, two, None, None]).abs().amax(dim=(1, 3, 6))
    best = far.transpose(1, 2).flatten(1).argmin(dim=1)  # in the order of WAYS
    flips, down, across = torch.tensor(WAYS)[best].unbind(dim=1)
    image, channel = torch.arange(count)[:, None, None, None], torch.arange(channels)[:, None, None]
    moved = framed[image, channel, rows[down][:, None, :, None], columns[flips, across][:, None, None]]
    return best, (moved - result).abs().flatten(1).amax(dim=1)


def fits(result, images, border):
    return bool((nearest_ways(result, images, border)[1] <= SAMPLED).all())


def bounced(places, side):
    places = places.abs()
    return torch.where(places < side, places, 2 * (side - 1) - places)


# By the known mistake: where each place beyond the border is taken from.
BORDERS = {
    "pads_with_zeros": lambda places, side: torch.where((places >= 0) & (places < side), places, side),
    "repeats_the_border": lambda places, side: places.clamp(0, side - 1),
    "rolls": lambda places, side: places % side,
    "doubles_the_border": lambda places, side: torch.where(
        places < 0, -1 - places, torch.where(places < side, places, 2 * side - 1 - places)
    ),
}


def assert_equally_likely(values, count, limit, what, result, ways):
    """Each of so many values turns up equally often, up to chance: a chi-square beyond the limit has one in 10^9."""
    seen = torch.bincount(values, minlength=count).double()
    expected = len(values) / count
    distance = float(((seen - expected) ** 2 / expected).sum())
    often = ", ".join(f"{int(each)}" for each in seen[:9])
    assert_holds(
        distance < limit,
        f"returned {what} that are not equally likely: of {len(values)} images {often}{', ...' * (count > 9)}, "
        f"expected about {expected:.0f} each",
        result,
        mistake=drawing_mistake(ways),
    )


def drawing_mistake(ways):
    """The known mistake that shows in so many flips, moves down and moves across."""
    if all(bool((each == each[0]).all()) for each in ways):
        return "draws_for_the_batch"
    if bool((ways[0] == ways[0][0]).all()):
        return "flips_all_or_none"
    if bool((ways[1] == ways[2]).all()):
        return "moves_along_the_diagonal"
    seen = torch.stack([torch.bincount(moves, minlength=9).double() for moves in ways[1:]])
    seen /= seen[:, [1, 2, 3, 5, 6, 7]].mean(dim=1, keepdim=True)
    middle, ends = seen[:, 4], seen[:, [0, 8]]
    if bool(((middle > 1.6) & (middle < 2.4)).all()):
        return "cuts_off_the_fractions"
    if bool(((ends > 0.3) & (ends < 0.7)).all()):
        return "rounds_the_moves"
    missing = [(torch.bincount(moves, minlength=9) == 0).nonzero().flatten().tolist() for moves in ways[1:]]
    one_end = all(each in ([], [0], [8]) for each in missing)
    if any(missing) and one_end:
        return "forgets_the_last_move"
    return "repeats_the_moves" if float(alike_by_distance(ways).max()) >= 0.1 else ""


def alike_by_distance(ways):
    """The share of images that are flipped and moved as another one before, for each distance up to half of the batch."""
    number = 81 * ways[0] + 9 * ways[1] + ways[2]
    distances = range(1, len(number) // 2 + 1)
    return torch.stack([(number[later:] == number[:-later]).double().mean() for later in distances])


def assert_independent(flips, down, across, result):
    """Flips, moves down and moves across turn up in all pairs equally often."""
    ways = flips, down, across
    assert_equally_likely(9 * down + across, 81, 190, "pairs of moves", result, ways)
    assert_equally_likely(9 * flips + down, 18, 90, "pairs of a flip and a move", result, ways)
    assert_equally_likely(9 * flips + across, 18, 90, "pairs of a flip and a move", result, ways)
    assert_on_its_own(ways, result)


def assert_on_its_own(ways, result):
    """No image's way, of the 162, tells another's: each of the three has a chance below one in 10^9 to fail what is right."""
    flips, down, across = ways
    seen = torch.bincount(9 * down + across, minlength=81).double()
    expected = len(down) / 81
    assert_holds(
        float(((seen - expected) ** 2 / expected).sum()) > 20,
        f"returned moves that are dealt out evenly: of {len(down)} images {int(seen.min())} to {int(seen.max())} make each",
        result,
        mistake="deals_the_moves_out",
    )
    alike = alike_by_distance(ways)
    assert_holds(
        float(alike.max()) < 0.1,
        f"returned images that are flipped and moved as those {int(alike.argmax()) + 1} places before them",
        result,
        mistake="repeats_the_moves",
    )
    steps = ((81 * flips + 9 * down + across).diff() % 162).unique()
    assert_holds(len(steps) > 20, "returned images whose flips and moves follow from those of the image before", result)


@pytest.fixture
def many(rng):
    return torch.rand(2048, 1, 6, 11, generator=rng)  # so wide that no flip looks like a move


@pytest.mark.points("augment", 1.5)
def test_augmented_images_are_flipped_and_moved(submission, rng):
    """Each image is flipped or not, and moved by up to 4 pixels along each axis; float64 stays float64."""
    for shape, dtype in (((24, 3, 12, 9), torch.float32), ((8, 1, 32, 40), torch.float64)):
        images = torch.rand(shape, generator=rng, dtype=dtype)
        flips, down, across = drawn(submission.augment(images, generator(rng)), images)
        still = not (flips.any() or (down != 4).any() or (across != 4).any())
        assert_holds(not still, ": no image is flipped or moved", images)


def singly(submission, images, count, rng):
    """The flips, the moves down and the moves across of so many images that are batches of their own."""
    each = [images[k : k + 1] for k in range(count)]
    ways = [drawn(submission.augment(image, generator(rng)), image) for image in each]
    return torch.cat([torch.stack(way) for way in ways], dim=1).tolist()


@pytest.mark.points("augment", 1)
@pytest.mark.depends_on("test_augmented_images_are_flipped_and_moved")
def test_half_of_the_images_are_flipped(submission, many, rng):
    """Each image on its own is flipped with probability one half."""
    result = submission.augment(many, generator(rng))
    ways = drawn(result, many)
    assert_equally_likely(ways[0], 2, 40, "flips", result, ways)
    flips, _, _ = singly(submission, many, 32, rng)
    assert_holds(
        len(set(flips)) > 1,
        ": of 32 single images, each with a generator of its own, either none is flipped or all are",
        result,
        mistake="" if flips[0] else "flips_exactly_half",
    )


@pytest.mark.points("augment", 1.5)
@pytest.mark.depends_on("test_augmented_images_are_flipped_and_moved")
def test_all_moves_are_equally_likely(submission, many, rng):
    """Each image on its own moves by -4 to 4 pixels, all nine equally likely; both moves and the flip are independent."""
    result = submission.augment(many, generator(rng))
    flips, down, across = ways = drawn(result, many)
    assert_equally_likely(down, 9, 60, "moves up and down", result, ways)
    assert_equally_likely(across, 9, 60, "moves left and right", result, ways)
    assert_independent(flips, down, across, result)
    for moves in singly(submission, many, 12, rng)[1:]:
        alike = ": 12 single images, each with a generator of its own, all make the same move along one axis"
        assert_holds(len(set(moves)) > 1, alike, result)


@pytest.mark.points("augment", 1)
@pytest.mark.depends_on("test_augmented_images_are_flipped_and_moved")
def test_augment_goes_by_its_generator(submission, rng):
    """The same state of the generator gives the same images, another one gives others, and each call moves it on."""
    images = torch.rand(16, 3, 8, 8, generator=rng)
    one, moved_on = generator(rng), torch.Generator()
    moved_on.set_state(one.get_state())
    torch.rand(7, generator=moved_on)
    first = submission.augment(images, one)
    stays = not submission.last.changed
    again, other = (submission.augment(images, each) for each in (one, moved_on))
    assert_kind(first, images.shape)
    assert_equal(again, first)
    drawn(other, images)
    assert_holds(
        not torch.equal(first, other),
        "returned the same images for another state of the generator",
        other,
        mistake="starts_from_the_seed",
    )
    assert_holds(
        not stays,
        "left the generator in its old state, so that every call with it makes the same moves",
        first,
        mistake="leaves_the_generator_behind",
    )


@pytest.mark.points("augment", 0.5)
@pytest.mark.depends_on("test_augmented_images_are_flipped_and_moved")
def test_augment_is_tidy(submission, rng):
    """The images are not changed, and the global random state is left alone."""
    images = torch.rand(4, 3, 8, 8, generator=rng)
    drawn(submission.augment(images, generator(rng)), images)
    assert_untouched(submission.last, "random state")


@pytest.mark.points("augment", 1.5)
@pytest.mark.hidden
@pytest.mark.depends_on("test_augmented_images_are_flipped_and_moved")
def test_flips_and_moves_are_independent(submission, many, rng):
    """Flips and the moves along both axes are independent; the smallest images will do."""
    result = submission.augment(many, generator(rng))
    assert_independent(*drawn(result, many), result)
    smallest = torch.rand(6, 2, 5, 5, generator=rng)
    drawn(submission.augment(smallest, generator(rng)), smallest)


# --- fine_tune


def painted(rng, count):
    """Images of four classes, red and blue ones with stripes across or down, which no mean colour tells; in no order."""
    labels = torch.randperm(count, generator=rng) % 4
    stripes = 0.1 * (torch.arange(8) // 2 % 2)
    pattern = torch.where(labels[:, None, None] % 2 == 1, stripes.expand(8, 8), stripes[:, None].expand(8, 8))
    light = 0.1 * torch.rand(count, 1, 1, 1, generator=rng)
    grain = 0.05 * torch.rand(count, 3, 8, 8, generator=rng)
    return COLOURS[labels // 2][:, :, None, None] + pattern[:, None] + light + grain, labels


def fit_head(model, images, labels, steps=200):
    """Train a model's linear head on its frozen backbone until it learns no more: Adam, on the gradient by hand."""
    with torch.no_grad():
        features = model.backbone(images)
        inputs = torch.cat([features, torch.ones(len(features), 1)], dim=1)
        weights = torch.cat([model.head.weight, model.head.bias[:, None]], dim=1)
        wanted = F.one_hot(labels, len(weights)).float()
        mean, square = torch.zeros_like(weights), torch.zeros_like(weights)
        for step in range(1, steps + 1):
            slope = ((inputs @ weights.T).softmax(dim=1) - wanted).T @ inputs / len(inputs)
            mean.lerp_(slope, 0.1)
            square.lerp_(slope.square(), 0.001)
            weights -= 1e-2 * mean / (1 - 0.9**step) / ((square / (1 - 0.999**step)).sqrt() + 1e-8)
        model.head.weight.copy_(weights[:, :-1])
        model.head.bias.copy_(weights[:, -1])
    return model


@pytest.fixture
def stripes(rng):
    """Three sets of striped images: to learn from, to choose by, to judge by."""
    return [painted(rng, count) for count in (96, 48, 100)]


@pytest.fixture
def blind(rng, stripes):
    """A model with a trained head that cannot see stripes, but whose backbone can learn to."""
    return fit_head(data.eye_model("colours", list("abcd"), seed=number(rng)), *stripes[0])


@pytest.fixture
def pets(rng, monkeypatch):
    """Three sets of pictures of some breeds of the drawn miniature: to learn from, to choose by, to judge by."""
    monkeypatch.delenv("OXFORD_PETS", raising=False)
    breeds = torch.randperm(37, generator=rng)[:12].tolist()
    (images, labels), others = load_domain("pets", per_class=12, classes=breeds)
    order = torch.randperm(len(labels), generator=rng)
    return *((images[part], labels[part]) for part in (order[:96], order[96:])), others


@pytest.fixture
def sure(rng, stripes):
    """A model that sees it all, and is so sure of its answers that its gradients are tiny."""
    model = fit_head(data.eye_model("both", list("abcd"), seed=number(rng)), *stripes[0])
    with torch.no_grad():
        model.head.weight.mul_(1.3)
        model.head.bias.mul_(1.3)
    return model


def figures(model, images, labels):
    with torch.no_grad():
        logits = model(images)
    return F.cross_entropy(logits, labels).item(), (logits.argmax(dim=1) == labels).double().mean().item()


def weights_now(sent, model, images):
    """A copy of the model, of our own, with the weights that the submission's has now."""
    state, wanted = sent.inspect()["state"], model.state_dict()
    logits = sent(images)  # which in training mode would change its statistics
    same = state.keys() == wanted.keys() and all(
        (state[name].shape, state[name].dtype) == (value.shape, value.dtype) for name, value in wanted.items()
    )
    assert_holds(same, ": the model has other layers now than it came with", logits)
    ours = copy.deepcopy(model)
    ours.load_state_dict(state)
    return ours.eval()


def tuned(submission, model, train, valid, **options):
    """The model's weights after tuning, and the history."""
    sent = submission.send(model)
    history = submission.fine_tune(sent, train, valid, **options)
    assert_history(history, options.get("epochs", 10))
    return weights_now(sent, model, train[0][:4]), history


def assert_history(history, epochs):
    """A dict with the four lists of as many Python floats, accuracies in [0, 1]."""
    assert_holds(isinstance(history, dict), f"returned {show(history)[:60]}, expected a dict", [history])
    missing = [key for key in KEYS if key not in history]
    assert_holds(not missing, f"returned a history without {', '.join(missing)}", history)
    for key in KEYS:
        values = history[key]
        floats = isinstance(values, list) and all(type(value) is float for value in values)
        assert_holds(floats, f"returned {show(values)} under {key!r}, expected a list of Python floats", history)
        right = len(values) == epochs
        assert_holds(right, f"returned {len(values)} entries under {key!r}, expected {epochs}", history)


def tell_apart(submission, blind, stripes):
    """Make a short call before a long one: where that fails, the known mistakes that differ here are not tried there."""
    tuned(submission, blind, *stripes[:2], epochs=2, batch_size=16)


def moved(after, before, part):
    """Return how far the parameters of a part have moved, at most."""
    pairs = zip(getattr(after, part).parameters(), getattr(before, part).parameters(), strict=True)
    return max(float((one - other).detach().abs().max()) for one, other in pairs)


def middle_move(after, before, part):
    """Return how far the parameters of a part have moved: the median, which no single one sets."""
    pairs = zip(getattr(after, part).parameters(), getattr(before, part).parameters(), strict=True)
    return float(torch.cat([(one - other).detach().abs().flatten() for one, other in pairs]).median())


@pytest.mark.points("fine_tune", 2)
def test_tuning_learns_what_the_backbone_did_not_see(submission, blind, stripes):
    """The given model itself learns to tell what no head on its frozen backbone can tell."""
    train, valid, others = stripes
    tell_apart(submission, blind, stripes)
    model, _ = tuned(submission, blind, train, valid, epochs=60, batch_size=16)
    right = figures(model, *others)[1]
    assert_between(right, 0.9, 1, what="the accuracy of the model on new images")


@pytest.mark.points("fine_tune", 1)
@pytest.mark.depends_on("test_tuning_learns_what_the_backbone_did_not_see")
def test_tuning_keeps_a_true_history(submission, blind, stripes):
    """The history tells the losses and accuracies of each epoch, as they are."""
    train, valid, _ = stripes
    before = figures(blind, *train)[0]
    # One short epoch tells most known mistakes apart, so that naming one does not take twelve for each of the others.
    few = train[0][:16], train[1][:16]
    tuned(submission, blind, few, few, epochs=1, batch_size=8)
    model, history = tuned(submission, blind, train, valid, epochs=12, batch_size=16)
    loss, right = figures(model, *valid)
    best = min(range(12), key=history["valid_loss"].__getitem__)
    kept = figures(blind, *valid)[0] <= history["valid_loss"][best]  # no epoch was better than the beginning
    if not kept:
        assert_between(history["valid_loss"][best], loss - 1e-3, loss + 1e-3, what="the best valid_loss")
        assert_between(history["valid_accuracy"][best], right - 0.03, right + 0.03, what="its valid_accuracy")
    after, right = figures(model, *train)
    for key in ("train_loss", "valid_loss"):
        rounded = f"returned rounded numbers under {key!r}: {show(history[key])}"
        assert_holds(not are_rounded(history[key]), rounded, history, mistake="rounds_the_history")
    for value in history["train_loss"]:
        assert_between(value, 0.5 * after, 2 * before, what="a train_loss")
    for key in ("train_accuracy", "valid_accuracy"):
        assert_between(torch.tensor(history[key]), 0, 1)
    assert_between(
        history["train_accuracy"][best], right - 0.4, right + 0.4, what="the train_accuracy of the best epoch"
    )
    assert_true_at_rest(submission, blind, train, valid)
    assert_each_epoch_alone(submission, blind, train, valid)


def assert_true_at_rest(submission, model, train, valid):
    """At rates of almost nothing, each epoch has the figures of the model as it came; the last valid batch has one image."""
    (images, labels), (others, wanted) = train, valid
    train, valid = (images[:82], labels[:82]), (others[:33], wanted[:33].clone())
    valid[1][32] = (valid[1][32] + 2) % 4  # a red one that is called blue: its loss is great, and one of 33
    after, history = tuned(submission, model, train, valid, epochs=2, batch_size=16, head_rate=1e-9, backbone_rate=1e-9)
    if any(not torch.equal(value, model.get_buffer(name)) for name, value in after.named_buffers()):
        return  # its statistics have moved, and its figures with them: another check is about that
    loss, right = figures(model, *valid)
    seen = figures(model, *train)[1]  # about one half
    for epoch in range(2):
        assert_between(history["valid_loss"][epoch], loss - 1e-3, loss + 1e-3, what="a valid_loss")
        assert_between(history["valid_accuracy"][epoch], right - 0.035, right + 0.035, what="a valid_accuracy")
        assert_between(history["train_accuracy"][epoch], seen - 0.3, seen + 0.3, what="a train_accuracy")
    # Of five full batches. The accuracy of an epoch that nothing is learnt in is the same each time, if images are not
    # augmented, and else a share of 80 images, and not of 16 in each of six. Nor does the loss go up and down with how many
    # of eight red or blue ones, called by the other colour, come last.
    train = images[:80], torch.cat([(labels[:8] + 2) % 4, labels[8:80]])
    _, history = tuned(submission, model, train, valid, epochs=6, batch_size=16, head_rate=1e-9, backbone_rate=1e-9)
    shares = history["train_accuracy"]
    of_one = all(abs(16 * share - round(16 * share)) < 1e-4 for share in shares)
    problem = (
        f"returned the train_accuracy {show(shares)} for 80 images that nothing is learnt from, as of 16 each time"
    )
    assert_holds(not of_one or max(shares) - min(shares) < 1e-6, problem, history, mistake="tells_one_batch")
    losses = history["train_loss"]
    problem = (
        f"returned the train_loss {show(losses)} for 80 images that nothing is learnt from, expected one that stays"
    )
    assert_holds(max(losses) - min(losses) < 0.3, problem, history, mistake="tells_the_loss_of_one_batch")


def assert_each_epoch_alone(submission, model, train, valid):
    """After many epochs the train_loss is about what the model has when it hardly learns on, and not that of earlier ones."""
    after, history = tuned(submission, model, train, valid, epochs=60, batch_size=16)
    best = min(range(60), key=history["valid_loss"].__getitem__)
    if best < 40:
        return  # too early to tell
    _, rest = tuned(submission, after, train, valid, epochs=1, batch_size=16, head_rate=1e-9, backbone_rate=1e-9)
    now, then = history["train_loss"][best], rest["train_loss"][0]
    assert_holds(
        now <= 3 * then + 0.02,
        f"returned a train_loss of {now:.3f} in the best epoch, and {then:.3f} for the same weights at rates near 0",
        history,
        mistake="adds_the_epochs_up",
    )


def squared_error(model, images, labels):
    """Return the squared error of the probabilities: unlike a loss, it hardly grows with how sure a wrong answer is."""
    with torch.no_grad():
        shares = model(images).softmax(dim=1)
    return float((shares - F.one_hot(labels, shares.shape[1])).square().sum(dim=1).mean())


def glyphs(rng):
    """Letters that a pretrained network has never seen, shuffled: to learn from, to choose by, to judge by."""
    letters = torch.randperm(40, generator=rng)[: len(LETTERS)].tolist()
    (images, labels), others = load_domain("glyphs", per_class=24, classes=letters, seed=number(rng, 2000))
    order = torch.randperm(len(labels), generator=rng)
    place = torch.arange(len(labels)) % 24
    parts = [order[place[order] < 16], order[place[order] >= 16]]
    small = [(F.avg_pool2d(images[part], 2), labels[part]) for part in parts]
    return [*small, (F.avg_pool2d(others[0], 2), others[1])]


@pytest.mark.slow
@pytest.mark.points("fine_tune", 2.5)
@pytest.mark.depends_on("test_tuning_learns_what_the_backbone_did_not_see")
def test_tuning_helps_on_a_far_domain(submission, blind, stripes, rng):
    """On letters that it has never seen, a pretrained network that is tuned errs less than with a trained head alone."""
    tell_apart(submission, blind, stripes)
    shares = []
    for _ in range(3):  # always three, as no call may depend on a verdict; NAdam errs more on one draw in twelve
        train, valid, others = glyphs(rng)
        frozen = fit_head(data.load_with_new_head("tiny", LETTERS, seed=number(rng)), *train)
        model, _ = tuned(submission, frozen, train, valid, batch_size=16)
        shares.append(squared_error(model, *others) / squared_error(frozen, *others))
    what = "the squared error of the probabilities on new images, as a share of that of the frozen network,"
    assert_between(min(shares), 0, FAR, what=what)


@pytest.mark.slow
@pytest.mark.points("fine_tune", 1.5)
@pytest.mark.hidden
@pytest.mark.depends_on("test_tuning_learns_what_the_backbone_did_not_see")
def test_tuning_does_no_harm_on_a_near_domain(submission, blind, stripes, pets, rng):
    """On breeds of pets, which the pretrained network sees well, tuning costs little of the accuracy on new pictures."""
    tell_apart(submission, blind, stripes)
    train, valid, others = pets
    frozen = fit_head(data.load_with_new_head("tiny", LETTERS, seed=number(rng)), *train)
    model, _ = tuned(submission, frozen, train, valid, epochs=5)
    least = figures(frozen, *others)[1] - NEAR
    assert_between(figures(model, *others)[1], least, 1, what="the accuracy on new pictures")


@pytest.mark.points("fine_tune", 0.5)
@pytest.mark.depends_on("test_tuning_learns_what_the_backbone_did_not_see")
def test_tuning_steps_by_its_rates_however_small_the_gradients(submission, sure, stripes):
    """With Adam or one of its kind, weights move even where gradients are tiny."""
    model, _ = tuned(submission, sure, stripes[0], stripes[0], epochs=5, batch_size=16)
    assert_between(moved(model, sure, "head"), 5e-3, what="the largest move of a weight of the head")


@pytest.mark.points("fine_tune", 1.5)
@pytest.mark.depends_on("test_tuning_learns_what_the_backbone_did_not_see")
def test_tuning_has_a_rate_for_the_head_and_one_for_the_rest(submission, sure, stripes, rng):
    """The head learns at head_rate and all else at backbone_rate: a part whose rate is almost nothing hardly moves."""
    for still, other, rates in (
        ("head", "backbone", {"head_rate": 1e-9}),
        ("backbone", "head", {"backbone_rate": 1e-9}),
    ):
        model, _ = tuned(submission, sure, stripes[0], stripes[0], epochs=5, batch_size=16, **rates)
        assert_between(moved(model, sure, still), 0, 1e-5, what=f"with {show(rates)} the largest move in the {still}")
        assert_between(moved(model, sure, other), 5e-4, what=f"with {show(rates)} the largest move in the {other}")
    # The first step of Adam, or of one of its kind, has the size of the rate in each weight, or some multiple of it.
    head_rate = 1e-3 * (2 + 4 * torch.rand((), generator=rng).item())
    few = stripes[0][0][:16], stripes[0][1][:16]
    model, _ = tuned(submission, sure, few, few, epochs=1, head_rate=head_rate)
    head, backbone = (middle_move(model, sure, part) for part in ("head", "backbone"))
    if head > 0 or backbone > 0:  # the weights that it came with may be the best
        what = (
            f"at rates of {head_rate:.2g} and 0.001, the first step in the head, as a multiple of that in the backbone,"
        )
        times = head / max(backbone, 1e-9)
        assert_between(times, head_rate / 1e-3 / 1.5, head_rate / 1e-3 * 1.5, what=what)


def frozen_norm(after, before, frozen=()):
    """The known mistake that shows where batch normalisation alone has not learnt of what should."""
    pairs = {name: (each, before.get_parameter(name)) for name, each in after.named_parameters() if name not in frozen}
    still = {name for name, pair in pairs.items() if torch.equal(*pair)}
    return "freezes_batch_norm" if still == {"backbone.norm.weight", "backbone.norm.bias"} else ""


@pytest.mark.points("fine_tune", 1)
@pytest.mark.depends_on("test_tuning_learns_what_the_backbone_did_not_see")
def test_tuning_leaves_frozen_parameters_alone(submission, sure, stripes, rng):
    """What requires no gradient keeps its value, in the backbone and in the head; all else is trained."""
    for frozen in (("backbone.mix.bias", "head.weight"), ("backbone.mix.weight", "backbone.norm.weight", "head.bias")):
        model = copy.deepcopy(sure)
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(name not in frozen)
        after, _ = tuned(submission, model, stripes[0], stripes[0], epochs=5, batch_size=16)
        normed = frozen_norm(after, model, frozen)
        for name, parameter in after.named_parameters():
            same = torch.equal(parameter, model.get_parameter(name))
            kept = same or name not in frozen
            assert_holds(kept, f": {name} was frozen, and has changed", parameter, mistake="unfreezes_everything")
            done = not same or name in frozen
            assert_holds(done, f": {name} requires gradients, and has not changed", parameter, mistake=normed)
    # A model with a layer beside the backbone, and with a weight that both its parts share.
    shared = data.toy_telling_model(tied=True, seed=number(rng))
    images, labels = torch.rand(32, 3, 8, 8, generator=rng), (torch.rand(32, generator=rng) < 0.2).long()
    after, _ = tuned(submission, shared, (images, labels), (images, labels), epochs=3, batch_size=8)
    normed = frozen_norm(after, shared)
    for name, parameter in after.named_parameters():
        same = torch.equal(parameter, shared.get_parameter(name))
        beside = normed if name.startswith(("backbone.", "head.")) else "tunes_nothing_beside"
        assert_holds(not same, f": {name} requires gradients, and has not changed", parameter, mistake=beside)


@pytest.mark.points("fine_tune", 1)
@pytest.mark.depends_on("test_tuning_learns_what_the_backbone_did_not_see")
def test_tuning_keeps_the_statistics_of_batch_norm(submission, blind, stripes, rng):
    """The running statistics of batch normalisation stay as they are, in whatever mode the model comes."""
    train, (pictures, labels), _ = stripes
    plain = data.toy_telling_model(seed=number(rng))  # whose batch normalisation is that of images, and blind's is not
    for model, mistake in ((plain, "lets_batch_norm_learn"), (blind, "stills_one_kind_of_norm")):
        model.train()
        # Six batches an epoch and one to choose by: so many steps tell who trains in training mode.
        after, _ = tuned(submission, model, train, (pictures[:16], labels[:16]), epochs=2, batch_size=16)
        counts = [each.get_buffer("backbone.norm.num_batches_tracked") for each in (model, after)]
        for name, value in after.named_buffers():
            assert_holds(
                torch.equal(value, model.get_buffer(name)),
                f": {name} has changed, expected the statistics to stay as they were",
                value,
                mistake=mistake if int(counts[1] - counts[0]) >= 6 else "",
            )
    headed = data.eye_model("colours", list("abcd"), normed=True, seed=number(rng)).train()
    model, _ = tuned(submission, headed, train, (pictures[:16], labels[:16]), epochs=2, batch_size=16)
    for name, value in model.named_buffers():
        assert_holds(
            torch.equal(value, headed.get_buffer(name)),
            f": {name} of a head with batch normalisation has changed, expected the statistics to stay as they were",
            value,
        )


@pytest.mark.points("fine_tune", 1)
@pytest.mark.depends_on("test_tuning_learns_what_the_backbone_did_not_see")
def test_tuning_goes_by_its_seed(submission, sure, stripes):
    """The same seed gives the same model, another one shuffles otherwise; the global random state is not seeded."""
    options = {"epochs": 2, "batch_size": 16}
    models = [tuned(submission, sure, stripes[0], stripes[0], **options, seed=seed)[0] for seed in (3, 3, 4)]
    first, again, other = ([value for _, value in sorted(model.state_dict().items())] for model in models)
    for one, two in zip(first, again, strict=True):
        assert_close(two, one)
    same = all(torch.equal(one, two) for one, two in zip(first, other, strict=True))
    assert_holds(not same, ": another seed gives the very same model, as if nothing were shuffled", other)
    few, calls = (stripes[0][0][:16], stripes[0][1][:16]), []
    for _ in range(2):
        submission.fine_tune(sure, few, few, epochs=1, seed=3)
        calls.append(submission.last)
    assert_seeds_nothing(*calls, mistake="seeds_the_world")
    defaults = {"head_rate": 1e-2, "backbone_rate": 1e-3, "batch_size": 32, "seed": 0}
    ends = [tuned(submission, sure, stripes[0], stripes[0], epochs=2, **each)[0] for each in ({}, defaults)]
    by_default, expected = (torch.cat([each.detach().flatten() for each in end.parameters()]) for end in ends)
    assert_holds(
        torch.allclose(by_default, expected, rtol=1e-3, atol=1e-4),
        ": without options the model is another one than with all of them at their defaults",
        by_default,
        mistake="changes_a_default",
    )


@pytest.mark.points("fine_tune", 0.5)
@pytest.mark.depends_on("test_tuning_learns_what_the_backbone_did_not_see")
def test_tuning_shuffles_anew_each_epoch(submission, sure, stripes, rng):
    """Each epoch takes every training image once, in another order, batch_size of them in a step."""
    shades = torch.rand(40, 3, generator=rng)
    shades[:, 2] = torch.arange(40) / 40
    images = shades[:, :, None, None].expand(-1, -1, 6, 6).contiguous()
    labels = (shades[:, 0] > 0.5).long()
    model = fit_head(data.toy_recording_model(["dark", "light"], seed=number(rng)), images, labels, steps=20)
    sent = submission.send(model)
    valid = torch.ones(8, 3, 6, 6), labels[:8]
    history = submission.fine_tune(sent, (images, labels), valid, epochs=3, batch_size=12)  # and 4 are left over
    assert_history(history, 3)
    whole = submission.fine_tune(submission.send(model), (images, labels), valid, epochs=3, batch_size=40)
    assert_history(whole, 3)
    sized = whole["train_loss"] != history["train_loss"]
    assert_holds(sized, "learnt the very same with a batch_size of 40 as with one of 12", whole)
    seen = sent(torch.empty(0, 3, 6, 6))
    assert_holds(isinstance(seen, torch.Tensor) and seen.dim() == 1, "is not the model that was given", [seen])
    seen = seen[seen < 0.99]  # a student may forget no_grad() when evaluating: no matter here
    # And of 13, of which a single image is left over.
    single = submission.send(model)
    assert_history(submission.fine_tune(single, (images, labels), valid, epochs=3, batch_size=13), 3)
    alone = single(torch.empty(0, 3, 6, 6))
    if len(seen) >= 6 and len(seen) % 3 == 0:  # nothing is seen of a model that was trained in another way
        first, second, third = seen.view(3, -1)
        anew = not torch.equal(first, second) and not torch.equal(second, third)
        assert_holds(anew, "went through the training images in the same order in every epoch", history)
        anew = not torch.equal(first, third) and not torch.equal(first, second.flip(0))
        assert_holds(anew, "went through the training images in the same order, or backwards, in two epochs", history)
    places = 40 * seen
    if len(seen) and bool((places - places.round()).abs().max() < 1e-3):  # shades that were not augmented
        times = torch.bincount(places.round().long(), minlength=40)
        skipped = f"learnt from {int((times < 3).sum())} of 40 training images in fewer than all of 3 epochs"
        assert_holds(bool((times >= 3).all()), skipped, history)
        left = len(alone[alone < 0.99])
        problem = f"learnt from {left} images in 3 epochs of 40 with a batch_size of 13, and from {len(places)} with one of 12"
        assert_holds(left == len(places), problem, history, mistake="leaves_out_a_small_batch" if left == 117 else "")
        if len(places) == 120:
            epochs = places.round().long().view(3, 40)[:2]
            batches, others = ({frozenset(batch.tolist()) for batch in epoch.split(12)} for epoch in epochs)
            kept = f": {len(batches & others)} of 4 batches have the same images in two epochs"
            assert_holds(len(batches & others) < 2, kept, history, mistake="shuffles_the_batches_alone")
            first, second = ({*itertools.pairwise(each)} for each in epochs.tolist())
            alike = f"took {len(first & second)} of 40 training images right after the same one in two epochs"
            assert_holds(len(first & second) < 20, alike, history, mistake="shuffles_the_batches_alone")
    # So few images that they are one step, and the same three times, which are one step too.
    few, valid = (tuple(part[:count] for part in stripes[0]) for count in (28, 4))
    thrice = tuple(torch.cat([part] * 3) for part in few)
    one, other = (
        moved(tuned(submission, sure, each, valid, epochs=1, batch_size=96)[0], sure, "head") for each in (few, thrice)
    )
    more = (
        f"moved the head by up to {other:.2g} in an epoch of 84 images and by {one:.2g} in one of 28, both of one step"
    )
    # Two halves are two steps; a step that grows with its images is three times as long.
    named = "takes_half_batches" if other < 2.5 * one else ""
    assert_holds(one == 0 or other < 1.5 * one, more, [one, other], mistake=named)


@pytest.mark.points("fine_tune", 0.5)
@pytest.mark.depends_on("test_tuning_keeps_a_true_history")
def test_tuning_keeps_the_best_weights(submission, blind, stripes, rng):
    """The model ends with the weights of the lowest valid_loss, not with the last ones; its own first ones may count."""
    train, (images, labels), _ = stripes
    contrary = images, labels ^ 1  # the other direction of stripes: what is learnt makes it worse
    model, history = tuned(submission, blind, train, contrary, epochs=30, batch_size=16)
    loss, best, first = figures(model, *contrary)[0], min(history["valid_loss"]), figures(blind, *contrary)[0]
    kept = abs(loss - best) < 1e-3 or (first < best and abs(loss - first) < 1e-3)
    accurate = history["valid_loss"][history["valid_accuracy"].index(max(history["valid_accuracy"]))]
    ends = {"keeps_the_last_weights": history["valid_loss"][-1], "keeps_the_most_accurate": accurate}
    names = [name for name, end in ends.items() if abs(loss - end) < 1e-3]
    assert_holds(
        kept,
        f": with the model's final weights the valid_loss is {loss:.4f}, but its best in the history is {best:.4f}",
        history,
        mistake=names[0] if len(names) == 1 else "",
    )
    # Hardly trained and right on all already: from here on the loss alone tells one epoch from another.
    early = fit_head(data.eye_model("both", list("abcd"), seed=number(rng)), *train, steps=30)
    model, history = tuned(submission, early, train, (images, labels), epochs=4, batch_size=16)
    loss, best = figures(model, images, labels)[0], min(history["valid_loss"])
    assert_between(loss, best - 1e-3, best + 1e-3, what="the valid_loss with the model's final weights")


def alike(one, other):
    """Two weights are the same, but for rounding."""
    return torch.allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.points("fine_tune", 0.5)
@pytest.mark.depends_on("test_tuning_learns_what_the_backbone_did_not_see")
def test_tuning_does_not_learn_from_valid(submission, blind, stripes, rng):
    """How training goes does not depend on the validation set."""
    train, (images, labels), _ = stripes
    # Of one that learns for three epochs whatever it is judged by, the weights are the same in the end.
    early = fit_head(data.eye_model("both", list("abcd"), seed=number(rng)), *train, steps=30)
    red, blue = labels < 2, labels >= 2
    ends, last_is_best = [], []
    for half in (red, blue, red):
        valid = images[half], labels[half]
        model, history = tuned(submission, early, train, valid, epochs=3, batch_size=16)
        losses = history["valid_loss"]
        last_is_best.append(losses[2] == min(losses) and abs(figures(model, *valid)[0] - losses[2]) < 1e-3)
        ends.append(model.state_dict())
    parts = [name for name, value in ends[0].items() if not alike(value, ends[1][name])]
    repeats = all(alike(value, ends[2][name]) for name, value in ends[0].items())
    # What chance decides is seen by the check of the seed.
    differ = bool(parts) and repeats and all(last_is_best[:2])
    name = next(iter(parts), "")
    assert_holds(
        not differ, f": its {name} depends on the validation set", ends[0].get(name), mistake="tunes_on_valid_too"
    )
    histories = [
        tuned(submission, blind, train, (images, each), epochs=3, batch_size=16)[1] for each in (labels, labels ^ 1)
    ]
    for key in ("train_loss", "train_accuracy"):
        assert_close(histories[1][key], histories[0][key])


@pytest.mark.points("fine_tune", 0.5)
@pytest.mark.depends_on("test_tuning_learns_what_the_backbone_did_not_see")
def test_tuning_is_tidy(submission, blind, stripes):
    """Each submodule has its own mode back, and what required gradients still does; images, labels and hooks stay."""
    blind.train()
    blind.backbone.measure.eval()
    blind.backbone.mix.bias.requires_grad_(False)
    sent = submission.send(blind)
    assert_history(submission.fine_tune(sent, *stripes[:2], epochs=1), 1)
    assert_untouched(submission.last, "training mode", "requires_grad", "hooks")


# --- model_to_bytes


def loaded(value):
    """The tensors in bytes of the safetensors format."""
    assert_holds(type(value) is bytes, f"returned {show(value)[:60]}, expected bytes", value)
    state, problem = {}, ""
    try:
        state = load(value)
    except SafetensorError as error:
        problem = str(error)
    assert_holds(not problem, f"returned bytes that safetensors.torch.load refuses ({problem})", value)
    return state


@pytest.mark.points("model_to_bytes", 2)
def test_bytes_hold_the_weights(submission, telling):
    """Bytes come back of which safetensors.torch.load makes the state dict: every name with its numbers."""
    data_of = submission.model_to_bytes(telling)
    state, wanted = loaded(data_of), telling.state_dict()
    names = sorted(state)
    assert_holds(names == sorted(wanted), f"returned bytes with the names {show(names)}", data_of)
    for name, value in wanted.items():
        assert_holds(
            state[name].shape == value.shape and torch.allclose(state[name].double(), value.double()),
            f"returned bytes with another {name} than the model's",
            data_of,
        )


@pytest.mark.points("model_to_bytes", 1)
@pytest.mark.depends_on("test_bytes_hold_the_weights")
def test_bytes_keep_the_dtypes(submission, telling):
    """Each tensor keeps its dtype, whole numbers too, and every digit; the model stays as it is."""
    telling.train()
    telling.backbone.norm.eval()
    for dtype in (torch.float32, torch.float64, torch.float16):
        model = copy.deepcopy(telling).to(dtype)
        ask = partial(submission.model_to_bytes, model)
        data_of = assert_tidy(submission, ask, "weights", "training mode", "requires_grad")
        state = loaded(data_of)
        for name, value in model.state_dict().items():
            same = state[name].dtype == value.dtype and torch.equal(state[name], value)
            assert_holds(same, f"returned bytes with {name} in another dtype, or rounded", data_of)


@pytest.mark.points("model_to_bytes", 1)
@pytest.mark.hidden
@pytest.mark.depends_on("test_bytes_hold_the_weights")
def test_bytes_of_a_network(submission, model):
    """A whole network fits, frozen or not, and stays as it is."""
    model.backbone.requires_grad_(False)
    data_of = submission.model_to_bytes(model)
    assert_untouched(submission.last, "weights", "training mode", "requires_grad")
    state, wanted = loaded(data_of), model.state_dict()
    same = state.keys() == wanted.keys() and all(torch.equal(state[name], value) for name, value in wanted.items())
    assert_holds(same, "returned bytes with other weights than the network's", data_of)


# --- model_from_bytes


@pytest.fixture
def images(rng):
    return torch.rand(3, 3, 8, 8, generator=rng)


def assert_unchanged(sent, other, packed, images, before):
    """A model that refuses bytes has none of their values."""
    logits, state = sent(images), sent.inspect()["state"]
    own, given = other.state_dict(), packed.state_dict()
    taken = [name for name, value in state.items() if name in own and not torch.equal(value, own[name])]
    half = bool(taken) and all(torch.equal(state[name], given[name]) for name in taken)
    assert_holds(
        torch.equal(logits, before),
        ": the model that was given has changed, expected it to stay as it was",
        logits,
        mistake="loads_half" if half else "",
    )


def state_with(model, **changes):
    """Bytes of a model's state dict with these entries changed; None leaves one out."""
    state = {**model.state_dict(), **{name.replace("__", "."): value for name, value in changes.items()}}
    return save({name: value.clone().contiguous() for name, value in state.items() if value is not None})


@pytest.mark.points("model_from_bytes", 2)
def test_bytes_become_weights(submission, images, rng):
    """The given model itself comes back, with the weights from the bytes."""
    packed, other = (data.toy_model(["cat", "dog"], seed=number(rng)) for _ in range(2))
    sent = submission.send(other)
    result = submission.model_from_bytes(save(packed.state_dict()), sent)
    logits = sent(images)
    assert_close(logits, packed(images).detach())
    assert_holds(result == sent, f"returned {show(result)[:60]}, expected the model that was given", result)


@pytest.mark.points("model_from_bytes", 1.5)
@pytest.mark.depends_on("test_bytes_become_weights")
def test_bytes_with_other_names_are_refused(submission, telling, images, rng):
    """A name that is missing or unknown is a ValueError that has it, and the model is unchanged."""
    other = data.toy_telling_model(seed=number(rng))
    for name, change in (
        ("head.last.weight", None),
        ("backbone.norm.running_mean", None),
        ("head.extra", torch.ones(2)),
    ):
        sent = submission.send(other)
        before = sent(images)
        wrong = state_with(telling, **{name.replace(".", "__"): change})
        assert_mentions(assert_raises(ValueError, submission.model_from_bytes, wrong, sent), name)
        assert_unchanged(sent, other, telling, images, before)
    # As many names as there should be, one of them another one.
    sent = submission.send(other)
    before = sent(images)
    renamed = state_with(telling, head__last__bias=None, head__final__bias=torch.ones(4))
    message = assert_raises(ValueError, submission.model_from_bytes, renamed, sent)
    named = any(name in message for name in ("head.last.bias", "head.final.bias"))
    assert_holds(named, f"raised an error that says {message!r}, expected it to have a name that does not fit")
    assert_unchanged(sent, other, telling, images, before)


@pytest.mark.points("model_from_bytes", 1)
@pytest.mark.depends_on("test_bytes_become_weights")
def test_bytes_with_another_shape_are_refused(submission, telling, images, rng):
    """A tensor of another shape, of as many numbers or of more, is a ValueError with its name; the model is unchanged."""
    other = data.toy_telling_model(seed=number(rng))
    for name, shape in (
        ("head.last.weight", (6, 4)),
        ("head.last.weight", (1, 6)),
        ("backbone.norm.running_var", (5, 1)),
        ("backbone.norm.num_batches_tracked", (1,)),  # which is a number without dimensions
    ):
        sent = submission.send(other)
        before = sent(images)
        wrong = state_with(telling, **{name.replace(".", "__"): torch.ones(shape)})
        assert_mentions(assert_raises(ValueError, submission.model_from_bytes, wrong, sent), name)
        assert_unchanged(sent, other, telling, images, before)


@pytest.mark.points("model_from_bytes", 0.5)
@pytest.mark.depends_on("test_bytes_become_weights")
def test_pickles_are_refused(submission, telling):
    """What torch.save or pickle has written is refused, by an error of any kind: it could hold code."""
    file = io.BytesIO()
    torch.save(telling.state_dict(), file)
    for pickled in (file.getvalue(), pickle.dumps(dict(telling.state_dict()))):
        assert_raises(Exception, submission.model_from_bytes, pickled, telling)


@pytest.mark.points("model_from_bytes", 0.5)
@pytest.mark.depends_on("test_bytes_become_weights")
def test_loading_keeps_what_is_frozen_and_the_modes(submission, telling, rng):
    """What requires gradients stays so, each submodule keeps its mode, and a parameter that layers share stays shared."""
    other = frozen_at_random(data.toy_telling_model(seed=number(rng)), rng).train()
    other.backbone.norm.eval()
    sent = submission.send(other)
    telling.backbone.norm.num_batches_tracked += 1 + number(rng)  # a whole number, which belongs to the state as well
    ask = partial(submission.model_from_bytes, save(telling.state_dict()), sent)
    assert_tidy(submission, ask, "training mode", "requires_grad", "hooks")
    other.load_state_dict(telling.state_dict())
    assert_close(sent(NOTHING), other(NOTHING), rtol=1e-3, atol=1e-5)
    count = "backbone.norm.num_batches_tracked"
    loaded_count = sent.inspect()["state"].get(count)
    same = isinstance(loaded_count, torch.Tensor) and torch.equal(loaded_count, telling.get_buffer(count))
    mistake = "loads_no_whole_numbers" if sent.inspect()["state"].keys() == telling.state_dict().keys() else ""
    assert_holds(same, f": {count} is not what the data hold under this name", loaded_count, mistake=mistake)
    tied, packed = (data.toy_telling_model(tied=True, seed=number(rng)) for _ in range(2))
    sent = submission.send(tied)
    submission.model_from_bytes(state_with(packed), sent)
    slopes, expected = sent(NOTHING), packed(NOTHING)
    assert_holds(
        getattr(slopes, "shape", None) == expected.shape,
        ": two layers that shared a weight have one each, as parameters were replaced by new ones",
        slopes,
        mistake="replaces_the_parameters",
    )
    assert_close(slopes, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.points("model_from_bytes", 0.5)
@pytest.mark.hidden
@pytest.mark.depends_on("test_bytes_become_weights")
def test_a_network_comes_back_from_bytes(submission, model, rng):
    """A whole network comes back, with the statistics of its batch normalisation."""
    for name, value in model.named_buffers():
        if name.endswith("running_mean"):
            value.uniform_(-0.1, 0.1, generator=rng)
    sent = submission.send(data.load_model("tiny", pretrained=False, seed=number(rng)))
    submission.model_from_bytes(save(model.state_dict()), sent)
    pictures = torch.rand(2, 3, 32, 32, generator=rng)
    logits = sent(pictures)
    with torch.no_grad():
        assert_close(logits.detach(), model(pictures), rtol=1e-3, atol=1e-4)
