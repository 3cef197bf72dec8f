"""Checks of adversarial_attack. The first line of each docstring is what the student reads."""

import copy
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from inspections import SINGLE, assert_each_close, assert_tidy

import data
from autograder.compare import assert_between, assert_close, assert_equal, assert_holds, assert_kind
from autograder.errors import Raised
from data.world import CATS, DOGS, samples

EPSILON = 8 / 255
STEP = 1 / 255
# One rounding of a pixel: a bound on a change is a bound up to this.
ROUNDING = 1e-6


@pytest.fixture
def model(rng):
    """An untrained network, a part of it frozen. Its seed travels with it, and so it is drawn: it tells of nothing else."""
    model = data.load_model("tiny", pretrained=False, seed=int(torch.randint(2**31 - 1, (), generator=rng)))
    model.backbone.stem.requires_grad_(False)
    return model


@pytest.fixture
def images(rng):
    """Grainy images, each of another colour, away from black and white so that a small step is never clamped."""
    colours = 0.2 + 0.6 * torch.rand(6, 3, 1, 1, generator=rng)
    grain = 0.2 * torch.rand(6, 3, 32, 40, generator=rng) - 0.1
    return (colours + grain).clamp(0.15, 0.85)


@pytest.fixture
def labels(model, images):
    """Return what the model sees."""
    return answers(model, images)


@pytest.fixture
def targets(model, images):
    """For each image the class that the model thinks the second most likely."""
    with torch.no_grad():
        return model(images).topk(2).indices[:, 1]


@pytest.fixture
def far_targets(model, images):
    """For each image the class that the model thinks the least likely: an attack needs all its steps."""
    with torch.no_grad():
        return model(images).argmin(dim=1)


@pytest.fixture
def truths(model, labels, rng):
    """Labels by lot, none of which the model sees: a network may be wrong."""
    count = len(model.classes)
    return (labels + torch.randint(1, count, labels.shape, generator=rng)) % count


def answers(model, images):
    with torch.no_grad():
        return model(images).argmax(dim=1)


def losses(model, images, labels):
    with torch.no_grad():
        return F.cross_entropy(model(images), labels, reduction="none")


def made_sure(model):
    """A copy whose logits are 30 times as large: there a softmax too many turns the signs of gradients."""
    sure = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in sure.head.parameters():
            parameter.mul_(30)
    return sure


def gradient(model, images, labels):
    images = images.clone().requires_grad_()
    return torch.autograd.grad(F.cross_entropy(model(images), labels), images)[0]


def lead(model, images, targets):
    """By how many steps of 1/255 each image is on its target's side of the border, were the network a straight line."""
    at = images.detach().clone().requires_grad_()
    logits = model(at)
    wanted = F.one_hot(targets, logits.shape[1]).bool()
    margins = logits[wanted] - logits.masked_fill(wanted, -torch.inf).amax(dim=1)
    slope = torch.autograd.grad(margins.sum(), at)[0]
    return margins.detach() / slope.abs().sum(dim=(1, 2, 3)) / STEP


def straight():
    """Return a model of two colours in which nothing of an image is ever seen as the second, and whose slope is never zero."""
    model = data.toy_model(["dark", "light"])
    with torch.no_grad():
        model.head.weight.copy_(torch.tensor([[-1.0, -0.5, 0.75], [1.0, 0.5, -0.75]]))
        model.head.bias.copy_(torch.tensor([10.0, 0.0]))
    return model


def dogs_near_cats(model, rng):
    """Dogs, each with a kind of cat that a straight line reaches in 1 to 4 steps of 1/255."""
    images, _ = samples(DOGS, 3, size=40, seed=int(torch.randint(1000, (), generator=rng)))
    cats = torch.tensor([model.classes.index(cat) for cat in CATS])
    distances = torch.stack([-lead(model, images, cat.repeat(len(images))) for cat in cats])
    nearest = (distances - 2.5).abs().argmin(dim=0)
    near = (distances.gather(0, nearest[None])[0] - 2.5).abs() <= 1.5
    return images[near], cats[nearest][near]


def assert_images(result, shape, attached=""):
    """The result is a detached batch of images; `attached` names the mistake if it requires gradients."""
    assert_kind(result, shape)
    problem = "returned a tensor that requires gradients, expected a detached one"
    assert_holds(not result.requires_grad, problem, result, mistake=attached)
    assert_between(result, 0, 1)


def assert_detaches(attached, function, model, images, *args, **sizes):
    """Images that require gradients give detached ones too; `attached` names the mistake if they do not."""
    try:
        result = function(model, images.clone().requires_grad_(), *args, **sizes)
    except Raised:
        return  # a clone of such images is no leaf, and has no gradient after backward()
    assert_images(result, images.shape, attached)


def assert_keeps_float64(function, images):
    """Images of float64 give such images: `function(model, images, labels)`, for a model that computes in it."""
    model, labels = data.toy_model(["dark", "light"]).double(), torch.arange(len(images)) % 2
    assert_kind(function(model, images.double(), labels), images.shape, torch.float64)


def assert_allowed(result, originals, epsilon):
    """The result is a detached batch of images within epsilon of the originals."""
    assert_images(result, originals.shape)
    largest = float((result - originals).abs().max())
    assert_between(largest, 0, epsilon + ROUNDING, what="the largest change of a pixel")


def assert_same_where_sure(result, expected, slope):
    """Equal wherever the gradient is clearly not zero: elsewhere its sign is a matter of rounding."""
    assert_kind(result, expected.shape)
    sure = slope.abs() > 1e-3 * slope.abs().amax()
    assert_close(torch.where(sure, result, 0.0), torch.where(sure, expected, 0.0), atol=ROUNDING)


# --- fgsm


@pytest.mark.points("fgsm", 3)
def test_fgsm_follows_the_labels(submission, model, images, truths):
    """Pixels move by the whole of epsilon, up where the loss of the labels grows, whatever the network sees itself."""
    # Some images of the first batch are seen as what they are, none of the second.
    for aims in (torch.cat([answers(model, images[:3]), truths[3:]]), truths):
        result = submission.fgsm(model, images, aims, EPSILON)
        slope = gradient(model, images, aims)
        assert_same_where_sure(result, images + EPSILON * slope.sign(), slope)
    sure = made_sure(model)
    result, slope = submission.fgsm(sure, images, truths, EPSILON), gradient(sure, images, truths)
    assert_same_where_sure(result, images + EPSILON * slope.sign(), slope)


@pytest.mark.points("fgsm", 0.5)
@pytest.mark.depends_on("test_fgsm_follows_the_labels")
def test_fgsm_goes_by_its_epsilon(submission, model, images, labels, rng):
    """With another epsilon pixels move by that; those with an epsilon or a gradient of 0 come back as they were."""
    slope = gradient(model, images, labels)
    assert_same_where_sure(submission.fgsm(model, images, labels, 0.01), images + 0.01 * slope.sign(), slope)
    for count in (6, 1):
        assert_equal(submission.fgsm(model, images[:count], labels[:count], 0.0), images[:count])
    blind, colour = data.toy_model(["dark", "light"]), int(torch.randint(3, (), generator=rng))
    with torch.no_grad():
        blind.head.weight[:, colour] = 0
    result = submission.fgsm(blind, images, torch.arange(6) % 2, EPSILON)
    assert_kind(result, images.shape)
    assert_close(result[:, colour], images[:, colour], atol=ROUNDING)


@pytest.mark.points("fgsm", 1)
@pytest.mark.depends_on("test_fgsm_follows_the_labels")
def test_fgsm_stays_in_the_range_of_pixels(submission, model, images, labels):
    """Black and white pixels stay in [0, 1]."""
    extreme = images.round()
    assert_allowed(submission.fgsm(model, extreme, labels, 0.1), extreme, 0.1)


@pytest.mark.points("fgsm", 0.5)
@pytest.mark.depends_on("test_fgsm_follows_the_labels")
def test_fgsm_is_tidy(submission, model, images, labels):
    """The images are not changed, no gradient stays on the model, float64 stays, and what comes back is detached."""
    assert_tidy(submission, partial(submission.fgsm, model, images, labels, EPSILON))
    assert_detaches("stays_attached", submission.fgsm, model, images[:1], labels[:1], EPSILON)
    assert_keeps_float64(partial(submission.fgsm, epsilon=EPSILON), images)


@pytest.mark.points("fgsm", 2)
@pytest.mark.hidden
@pytest.mark.depends_on("test_fgsm_follows_the_labels")
def test_fgsm_on_other_labels(submission, reference, model, images, targets):
    """The step is right for any labels, and in a batch as for an image alone."""
    slope = gradient(model, images, targets)
    expected = reference.fgsm(model, images, targets, 0.05)
    assert_same_where_sure(submission.fgsm(model, images, targets, 0.05), expected, slope)
    alone = submission.fgsm(model, images[2:3], targets[2:3], 0.05)
    assert_same_where_sure(alone, expected[2:3], slope[2:3])


# --- project


@pytest.mark.points("project", 1.5)
def test_project_into_the_ball(submission):
    """A change of 0.3 is cut to epsilon, upwards and downwards."""
    originals = torch.full((2, 3, 2, 2), 0.5)
    images = originals.clone()
    # What is within the ball stays, whatever becomes of the others.
    images[:, 0], images[:, 1], images[:, 2] = 0.8, 0.2, 0.55
    pairs = []
    for epsilon, small in ((0.1, 0.05), (0.02, 0.02), (0.0, 0.0)):
        expected = originals.clone()
        expected[:, 0], expected[:, 1], expected[:, 2] = 0.5 + epsilon, 0.5 - epsilon, 0.5 + small
        pairs.append((submission.project(images, originals, epsilon), expected))
    assert_each_close(*pairs)


@pytest.mark.points("project", 1)
@pytest.mark.depends_on("test_project_into_the_ball")
def test_project_keeps_what_is_allowed(submission, rng):
    """Images within the ball and within [0, 1] come back as they are."""
    originals = 0.3 + 0.4 * torch.rand(3, 3, 5, 7, generator=rng)
    images = originals + 0.08 * (2 * torch.rand(originals.shape, generator=rng) - 1)
    assert_close(submission.project(images, originals, 0.1), images)


@pytest.mark.points("project", 1)
@pytest.mark.depends_on("test_project_into_the_ball")
def test_project_into_the_range_of_pixels(submission):
    """A pixel near white stays at most 1, one near black at least 0."""
    originals, expected = (
        torch.tensor(pair).reshape(2, 1, 1, 1).expand(2, 3, 2, 2).contiguous() for pair in ([0.95, 0.05], [1.0, 0.0])
    )
    for pair in ([1.4, -0.3], [1.02, -0.02]):  # out of the ball as well, and within it
        images = torch.tensor(pair).reshape(2, 1, 1, 1).expand(2, 3, 2, 2).contiguous()
        assert_close(submission.project(images, originals, 0.1), expected)


@pytest.mark.points("project", 0.5)
@pytest.mark.depends_on("test_project_into_the_ball")
def test_project_detaches(submission):
    """What comes back is detached, also where the images, or their originals, require gradients."""
    originals = torch.full((1, 3, 2, 2), 0.5)
    for images, around, change in (
        ((originals + 0.3).requires_grad_(), originals, 0.1),
        ((originals + 0.05).requires_grad_(), originals, 0.05),  # allowed as they are
        (originals + 0.3, originals.clone().requires_grad_(), 0.1),
    ):
        result = submission.project(images, around, 0.1)
        assert_close(result, originals + change)
        assert_holds(
            not result.requires_grad, "returned a tensor that requires gradients, expected a detached one", result
        )


@pytest.mark.points("project", 0.5)
@pytest.mark.depends_on("test_project_into_the_ball")
def test_project_is_tidy(submission, rng):
    """The inputs are not changed, and float64 stays float64."""
    originals = 0.3 + 0.4 * torch.rand(2, 3, 4, 5, generator=rng, dtype=torch.float64)
    images = originals + 0.4 * torch.rand(originals.shape, generator=rng, dtype=torch.float64) - 0.2
    result = assert_tidy(submission, partial(submission.project, images, originals, 0.1))
    assert_kind(result, (2, 3, 4, 5), torch.float64)
    within = (images - originals).abs() < 0.1
    assert_close(result, torch.where(within, images, originals + 0.1 * (images - originals).sign()), **SINGLE)


@pytest.mark.points("project", 1.5)
@pytest.mark.hidden
@pytest.mark.depends_on("test_project_into_the_ball")
def test_project_on_random_images(submission, reference, rng):
    """Random images end up at the nearest allowed ones."""
    originals = torch.rand(3, 3, 6, 9, generator=rng)
    images = originals + 0.3 * torch.randn(originals.shape, generator=rng)
    for epsilon in (0.0, 0.02, 0.3):
        assert_close(submission.project(images, originals, epsilon), reference.project(images, originals, epsilon))


# --- targeted_step


@pytest.mark.points("targeted_step", 2)
def test_targeted_step_moves_by_the_step_size(submission, model, images, labels, targets):
    """Pixels move by step_size, not by epsilon, each down the loss towards the targets."""
    # A step is a step, also where the network sees the target already.
    for aims in (targets, labels):
        result = submission.targeted_step(model, images, images, aims, step_size=STEP, epsilon=EPSILON)
        slope = gradient(model, images, aims)
        assert_same_where_sure(result, images - STEP * slope.sign(), slope)
    sure = made_sure(model)
    result = submission.targeted_step(sure, images, images, targets, step_size=STEP, epsilon=EPSILON)
    slope = gradient(sure, images, targets)
    assert_same_where_sure(result, images - STEP * slope.sign(), slope)


@pytest.mark.points("targeted_step", 1)
@pytest.mark.depends_on("test_targeted_step_moves_by_the_step_size")
def test_targeted_step_from_where_the_attack_stands(submission, model, images, targets, rng):
    """The gradient is that at the images, not that at their originals; the whole step starts from the images too."""
    current = images + 0.1 * (2 * torch.rand(images.shape, generator=rng) - 1)
    result = submission.targeted_step(model, current, images, targets, step_size=0.02, epsilon=0.3)
    slope = gradient(model, current, targets)
    assert_same_where_sure(result, (current - 0.02 * slope.sign()).clamp(0, 1), slope)
    # From one side of the ball to the other: a step may be longer than epsilon.
    current = images + EPSILON
    result = submission.targeted_step(model, current, images, targets, step_size=2 * EPSILON, epsilon=EPSILON)
    slope = gradient(model, current, targets)
    assert_same_where_sure(result, images - EPSILON * slope.sign(), slope)


@pytest.mark.points("targeted_step", 1)
@pytest.mark.depends_on("test_targeted_step_moves_by_the_step_size")
def test_ball_lies_round_the_originals(submission, model, images, targets):
    """No pixel is further than epsilon from its original, however long the step and wherever it starts."""
    for epsilon in (0.05, 0.0):
        result = submission.targeted_step(model, images, images, targets, step_size=0.1, epsilon=epsilon)
        assert_allowed(result, images, epsilon)
    originals = images
    current = images + EPSILON
    result = submission.targeted_step(model, current, originals, targets, step_size=0.02, epsilon=EPSILON)
    assert_allowed(result, originals, EPSILON)


@pytest.mark.points("targeted_step", 0.5)
@pytest.mark.depends_on("test_targeted_step_moves_by_the_step_size")
def test_targeted_step_gives_images(submission, model, images, targets):
    """The result is a batch of images in [0, 1], detached, also from black and white pixels."""
    for count in (6, 1):
        extreme = images[:count].round()
        result = submission.targeted_step(model, extreme, extreme, targets[:count], step_size=0.1, epsilon=0.2)
        assert_images(result, extreme.shape)
    sizes = {"step_size": STEP, "epsilon": EPSILON}
    assert_detaches("steps_attached", submission.targeted_step, model, images[:1], images[:1], targets[:1], **sizes)


@pytest.mark.points("targeted_step", 0.5)
@pytest.mark.depends_on("test_targeted_step_moves_by_the_step_size")
def test_targeted_step_is_tidy(submission, model, images, targets):
    """The inputs are not changed, no gradient stays on the model, and float64 stays float64."""
    step = partial(submission.targeted_step, step_size=STEP, epsilon=EPSILON)
    assert_tidy(submission, partial(step, model, images, images, targets))
    assert_keeps_float64(lambda model, images, labels: step(model, images, images, labels), images)


@pytest.mark.points("targeted_step", 1)
@pytest.mark.hidden
@pytest.mark.depends_on("test_targeted_step_moves_by_the_step_size")
def test_targeted_step_from_the_middle_of_an_attack(submission, reference, model, images, targets, rng):
    """The step is right from any point of the ball."""
    current = images + EPSILON * (2 * torch.rand(images.shape, generator=rng) - 1)
    sizes = {"step_size": 0.02, "epsilon": EPSILON}
    result = submission.targeted_step(model, current, images, targets, **sizes)
    expected = reference.targeted_step(model, current, images, targets, **sizes)
    assert_same_where_sure(result, expected, gradient(model, current, targets))


# --- targeted_attack


@pytest.mark.points("targeted_attack", 1.5)
def test_attack_fools_the_model(submission, rng):
    """The course's network takes new dogs for cats, at least 0.9 of those that a quarter of epsilon should change."""
    tiny = data.load_model("tiny")
    dogs, cats = dogs_near_cats(tiny, rng)
    # The last is its target to begin with, and does not count: the others are attacked all the same.
    images, aims = torch.cat([dogs, dogs[:1]]), torch.cat([cats, answers(tiny, dogs[:1])])
    # Two steps tell most known mistakes apart, so that naming one does not take 40 steps for each of the others.
    assert_allowed(submission.targeted_attack(tiny, images[-2:], aims[-2:], steps=2), images[-2:], EPSILON)
    result = submission.targeted_attack(tiny, images, aims, epsilon=2 * EPSILON)
    assert_allowed(result, images, 2 * EPSILON)
    share = (answers(tiny, result) == aims)[:-1].double().mean().item()
    assert_between(share, 0.9, 1, what="the share of images that fool the model")


@pytest.mark.points("targeted_attack", 1)
@pytest.mark.depends_on("test_attack_fools_the_model")
def test_attack_stays_within_its_bounds(submission, model, images, far_targets):
    """Every pixel stays within epsilon of its original and in [0, 1], however many steps are taken."""
    # Two steps lead out of the ball already, by two of them or by two balls: they tell most known mistakes apart.
    sizes = {"epsilon": STEP, "step_size": 2 * STEP, "steps": 2}
    assert_allowed(submission.targeted_attack(model, images[:2], far_targets[:2], **sizes), images[:2], STEP)
    # So small an epsilon that nobody succeeds within it: then steps beyond it are taken, and seen, on every seed.
    for originals in (images, images.round()):
        result = submission.targeted_attack(model, originals, far_targets, epsilon=STEP, steps=12)
        assert_allowed(result, originals, STEP)
    # And 8/255 where nothing is asked for.
    assert_allowed(submission.targeted_attack(model, images, far_targets, step_size=5 * STEP, steps=4), images, EPSILON)


def assert_steps_made(result, originals, long, steps):
    """All pixels have not moved by one whole step more or less than asked for; else some may have moved less than others."""
    moved = (result - originals).abs() / long
    for more, mistake in ((1, "takes_one_step_more"), (-1, "takes_one_step_less")):
        assert_holds(
            bool(((moved - steps - more).abs() > 0.1).any()),
            f"moved every pixel by {steps + more} steps of step_size, expected {steps}",
            result,
            mistake=mistake,
        )


@pytest.mark.points("targeted_attack", 0.5)
@pytest.mark.depends_on("test_attack_fools_the_model")
def test_attack_takes_the_steps_that_are_asked_for(submission, model, images, far_targets):
    """Each step leads on from the one before, by step_size at most; sizes left out are those of the signature."""
    # So short that nobody succeeds in two of them.
    one, again, two = (
        submission.targeted_attack(model, images, far_targets, step_size=STEP / 2, steps=steps) for steps in (1, 1, 2)
    )
    for result in (one, again, two):
        assert_kind(result, images.shape)
    if not torch.equal(one, again):
        return  # nothing is seen of one that starts at random
    largest = float((two - one).abs().max())
    assert_between(largest, STEP / 20, STEP / 2 + ROUNDING, what="the largest move of a pixel in the second step")
    # On a straight line, of which each step goes as far as the one before.
    attack = partial(submission.targeted_attack, straight(), images, torch.ones(len(images), dtype=torch.int64))
    for long, steps in ((STEP / 10, 45), (3 * STEP, 2)):
        before, after = (attack(step_size=long, steps=count) for count in (steps - 1, steps))
        for result in (before, after):
            assert_kind(result, images.shape)
        largest = float((after - before).abs().max())
        assert_between(largest, long / 2, long + ROUNDING, what=f"the largest move of a pixel in step {steps}")
        assert_steps_made(after, images, long, steps)
    begun = attack(steps=0)
    assert_kind(begun, images.shape)
    if float((one - images).abs().max()) < STEP / 2 + ROUNDING:  # else it starts at random, as Madry et al. do
        assert_close(begun, images, atol=ROUNDING)
    # Sizes that are left out are those of the signature.
    for given, left_out in (
        ({"step_size": STEP / 10}, {"steps": 40}),
        ({"steps": 3}, {"step_size": STEP}),
        ({"step_size": 4 * STEP, "steps": 3}, {"epsilon": EPSILON}),
    ):
        short, whole = attack(**given), attack(**given, **left_out)
        for result in (short, whole):
            assert_kind(result, images.shape)
        size = ", ".join(left_out)
        problem = f"returned something else than without {size}, which is the same by default"
        assert_holds(float((short - whole).abs().max()) < ROUNDING, problem, whole, mistake="takes_other_defaults")


@pytest.mark.points("targeted_attack", 0.5)
@pytest.mark.depends_on("test_attack_fools_the_model")
def test_attack_leaves_its_target_alone(submission, model, images, labels, far_targets):
    """An image that is its target to begin with comes back unchanged, whatever becomes of others."""
    # Both calls before either is judged: only together they tell who asks after the step from who asks for all images at once.
    alone = submission.targeted_attack(model, images, labels, steps=3)
    mixed, aims = images[1:4], torch.cat([labels[1:3], far_targets[3:4]])
    result = submission.targeted_attack(model, mixed, aims, steps=2)
    assert_equal(alone, images)
    assert_kind(result, mixed.shape)
    assert_equal(result[:2], mixed[:2])


@pytest.mark.points("targeted_attack", 1)
@pytest.mark.depends_on("test_attack_fools_the_model")
def test_attack_stops_at_success(submission, model, images, targets, far_targets):
    """An image that fools the model is not changed any further, though another one of the batch does not yet."""
    # An image that is its target already tells who asks before the step and who after it: for the sentence alone.
    assert_kind(
        submission.targeted_attack(model, images[:1], answers(model, images[:1]), steps=1), (1, *images.shape[1:])
    )
    targets = torch.cat([far_targets[:1], targets[1:]])
    early, again, late = (submission.targeted_attack(model, images, targets, steps=steps) for steps in (6, 6, 9))
    for result in (early, again, late):
        assert_kind(result, images.shape)
    done = answers(model, early) == targets
    same = not torch.equal(early, again) or torch.equal(early[done], late[done])
    assert_holds(same, "went on changing images that fooled the model already", late)
    # An attack that starts at random has no two results alike; one that goes on is seen by how far it gets.
    furthest = float(lead(model, late, targets)[1:].max())
    assert_between(furthest, high=2.5, what="how far an image has gone on beyond the border, in steps,")
    # And not even by a step: asked before each of them. In a long one nearly all images fool the model at once.
    for long in (STEP, 3 * STEP):
        ends = [submission.targeted_attack(model, images, targets, step_size=long, steps=steps) for steps in (1, 2, 3)]
        for result in ends:
            assert_kind(result, images.shape)
        done = [answers(model, result) == targets for result in ends]
        first, second = (torch.equal(ends[k + 1][done[k]], ends[k][done[k]]) for k in range(2))
        assert_holds(
            (first and second) or not torch.equal(early, again),
            "went on changing images that fooled the model already",
            ends[2],
            mistake="asks_before_every_other_step" if second and not first else "",
        )


@pytest.mark.points("targeted_attack", 0.5)
@pytest.mark.depends_on("test_attack_fools_the_model")
def test_attack_is_tidy(submission, model, images, labels, far_targets):
    """The images are not changed, no gradient stays on the model, float64 stays, and what comes back is detached."""
    # The ball is so small that it matters where it lies: round the originals, or round what they have become.
    assert_tidy(submission, partial(submission.targeted_attack, model, images, far_targets, epsilon=2 / 255, steps=3))
    assert_detaches("", submission.targeted_attack, model, images[:1], far_targets[:1], steps=1)
    # Also where there is nothing to change.
    assert_detaches("stays_attached_without_a_step", submission.targeted_attack, model, images[:1], labels[:1], steps=1)
    assert_keeps_float64(partial(submission.targeted_attack, steps=1), images)


@pytest.mark.points("targeted_attack", 1)
@pytest.mark.hidden
@pytest.mark.depends_on("test_attack_fools_the_model")
def test_attack_with_other_bounds(submission, model, images, far_targets):
    """Another epsilon and another step size are kept to."""
    # Longer steps than the ball is wide, so that they lead out of any ball but this one.
    sizes = {"epsilon": 1 / 255, "step_size": 3 / 255, "steps": 4}
    assert_allowed(submission.targeted_attack(model, images, far_targets, **sizes), images, 1 / 255)


@pytest.mark.points("targeted_attack", 1)
@pytest.mark.hidden
@pytest.mark.depends_on("test_attack_stays_within_its_bounds")
def test_attack_is_as_good_as_others(submission, reference, rng):
    """Of dogs that shall be what looks likely too, 0.9 of those are fooled that such an attack fools with half of epsilon."""
    tiny = data.load_model("tiny")
    dogs, _ = samples(DOGS, 2, size=40, seed=int(torch.randint(1000, (), generator=rng)))
    with torch.no_grad():
        likely = tiny(dogs).topk(5).indices
    targets = likely.gather(1, torch.randint(1, 5, (len(dogs), 1), generator=rng))[:, 0]
    # With half of epsilon: what only just succeeds, another attack that is as good may just miss.
    fooled = answers(tiny, reference.targeted_attack(tiny, dogs, targets, epsilon=EPSILON / 2)) == targets
    result = submission.targeted_attack(tiny, dogs, targets)
    assert_allowed(result, dogs, EPSILON)
    share = (answers(tiny, result) == targets)[fooled].double().mean().item()
    assert_between(share, 0.9, 1, what="the share of images that fool the model")


# --- success_rate


def half_sure():
    """A model of three colours, six images, and what it sees in them; in the first four with less than half a probability."""
    model = data.toy_model(["red", "green", "blue"])
    with torch.no_grad():
        model.head.weight.copy_(10 * torch.eye(3))
        model.head.bias.zero_()
    seen = torch.tensor([0, 1, 2, 0, 1, 2])
    strengths = torch.tensor([0.02, 0.02, 0.02, 0.02, 0.3, 0.3])
    colours = 0.5 + strengths[:, None] * (2 * F.one_hot(seen) - 1)
    return model, colours[:, :, None, None].expand(6, 3, 4, 5).contiguous(), seen


@pytest.mark.points("success_rate", 2.75)
def test_success_rate_counts_targets(submission, model, images, labels, targets, rng):
    """It is the share of the images whose target the model sees: 1 for all, less for each that differs; a float."""
    # Those that fail are another share than those that succeed, and than those of which the model is sure.
    divided, coloured, seen = half_sure()
    aims = seen.clone()
    aims[0] = 1
    # Both calls before either is judged: a constant has no known mistake's answer in both.
    rates = [submission.success_rate(divided, coloured[:count], aims[:count]) for count in (6, 4)]
    for rate, expected in zip(rates, (5 / 6, 3 / 4), strict=True):
        assert_close(rate, expected)
    for wrong in (0, int(torch.randint(1, 6, (), generator=rng))):
        places = torch.randperm(6, generator=rng)[:wrong]
        aims = labels.clone()
        aims[places] = targets[places]  # what is second only does not count
        assert_close(submission.success_rate(model, images, aims), 1 - wrong / 6)
    # So many that a loader's last batch is smaller than the others, whatever their size: images count, not batches.
    many, aims = coloured.repeat(22, 1, 1, 1)[:131], seen.repeat(22)[:131]
    aims[-1] = (aims[-1] + 1) % 3
    assert_close(submission.success_rate(divided, many, aims), 130 / 131, rtol=1e-6, atol=0.0)  # and is not rounded
    # The same targets, each at another image: how often a class occurs says nothing.
    aims = seen.roll(1)
    assert_close(submission.success_rate(divided, coloured, aims), (aims == seen).double().mean().item())


@pytest.mark.points("success_rate", 0.25)
@pytest.mark.depends_on("test_success_rate_counts_targets")
def test_success_rate_is_tidy(submission, model, images, labels):
    """The images are not changed, and nothing stays behind on the model."""
    assert_close(assert_tidy(submission, partial(submission.success_rate, model, images[:1], labels[:1])), 1.0)


# --- perturbation_norms


@pytest.mark.points("perturbation_norms", 1.5)
def test_norms_of_a_known_change(submission):
    """Changes of 0.3 and -0.4 at two pixels: the largest is 0.4, the length 0.5."""
    originals = torch.full((5, 3, 5, 5), 0.5)
    images = originals.clone()
    images[0, 0, 0, 0] += 0.3
    images[0, 2, 3, 1] -= 0.4
    # In one row, and in one column.
    images[1, 1, 2, 0] += 0.3
    images[1, 1, 2, 3] -= 0.4
    images[2, 2, 4, 3] += 0.3
    images[2, 2, 1, 3] -= 0.4
    # Three entries in two channels, so that sums and lengths of channels are other numbers.
    images[3, 0, 1, 1] += 0.09
    images[3, 0, 3, 4] += 0.12
    images[3, 2, 1, 1] -= 0.36
    expected = (torch.tensor([0.4, 0.4, 0.4, 0.36, 0.0]), torch.tensor([0.5, 0.5, 0.5, 0.39, 0.0]))
    # F.pairwise_distance adds 1e-6 to each difference.
    backwards = tuple(each.flip(0) for each in expected)
    assert_each_close(
        (submission.perturbation_norms(images, originals), expected),
        (submission.perturbation_norms(images.flip(0), originals), backwards),
        atol=2e-5,
    )


@pytest.mark.points("perturbation_norms", 0.25)
@pytest.mark.depends_on("test_norms_of_a_known_change")
def test_norms_are_tidy(submission):
    """The inputs are not changed, and float64 stays float64, here of a pixel that is redder by 0.3 and less green by 0.4."""
    originals = torch.full((1, 3, 4, 4), 0.5, dtype=torch.float64)
    images = originals.clone()
    images[0, 0, 2, 2] += 0.3
    images[0, 1, 2, 2] -= 0.4
    expected = (torch.tensor([0.4], dtype=torch.float64), torch.tensor([0.5], dtype=torch.float64))
    result = assert_tidy(submission, partial(submission.perturbation_norms, images, originals))
    assert_close(result, expected, **SINGLE)


@pytest.mark.points("perturbation_norms", 1.25)
@pytest.mark.hidden
@pytest.mark.depends_on("test_norms_of_a_known_change")
def test_norms_on_random_images(submission, reference, rng):
    """Random images have the right norms."""
    images, originals = torch.rand(2, 5, 3, 9, 6, generator=rng)
    assert_close(submission.perturbation_norms(images, originals), reference.perturbation_norms(images, originals))
