"""Checks of ideal_image. The first line of each docstring is what the student reads."""

import itertools
import math
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from inspections import assert_tidy, assert_untouched

import data
from autograder.compare import assert_between, assert_close, assert_equal, assert_holds, assert_kind, show
from autograder.errors import Raised

# Judged by outcome: the probability of the target, and the share of the variation that is left with its loss.
SURE, SMOOTH = 0.9, 0.7
# On a network that nobody has seen, whichever defaults were chosen for `tiny`; what is painted beforehand has about 0.
CONVINCED = 0.7
# A loss that is settled: the target has a probability of 0.999.
SETTLED = 0.001
#: Said of what takes a weight of 0 as `weight or 1.0` does.
NO_ZERO = "takes a weight of 0 for none given"


@pytest.fixture
def model(rng):
    """An untrained network, a part of it frozen. Its seed travels with it, and so it is drawn: it tells of nothing else."""
    model = data.load_model("tiny", pretrained=False, seed=by_lot(rng, 2**31 - 1))
    model.backbone.stem.requires_grad_(False)
    return model


@pytest.fixture
def images(rng):
    """Grainy images of several colours, no two neighbouring pixels alike, away from black and white."""
    colours = 0.3 + 0.4 * torch.rand(3, 3, 1, 1, generator=rng)
    return colours + 0.3 * torch.rand(3, 3, 32, 40, generator=rng) - 0.15


@pytest.fixture
def target(model, rng):
    """A class by lot, never the first, which a check of its own asks for."""
    return 1 + by_lot(rng, len(model.classes) - 1)


@pytest.fixture
def tiny():
    """The course's pretrained network."""
    return data.load_model("tiny")


@pytest.fixture
def unseen(tiny, rng):
    """The pretrained network with other classes: each is a mixture by lot of those that it has learned."""
    count = len(tiny.classes)
    turn = torch.linalg.qr(torch.randn(count, count, generator=rng)).Q
    with torch.no_grad():
        tiny.head.weight.copy_(turn @ tiny.head.weight)
        tiny.head.bias.copy_(turn @ tiny.head.bias)
    return tiny


def by_lot(rng, below):
    return int(torch.randint(below, (), generator=rng))


def variation(images):
    """Sum of absolute differences of neighbours, divided by the number of entries."""
    rows, columns = images.diff(dim=2).abs().sum(), images.diff(dim=3).abs().sum()
    return (rows + columns) / images.numel()


def loss(model, images, target, variation_weight=0.0):
    targets = torch.tensor([target] * len(images))
    return F.cross_entropy(model(images), targets) + variation_weight * variation(images)


def gradient(model, images, target, variation_weight=0.0):
    images = images.clone().requires_grad_()
    return torch.autograd.grad(loss(model, images, target, variation_weight), images)[0]


def rate(slope, change=0.05):
    """A learning rate with which the pixel that moves most moves by `change`."""
    return change / float(slope.abs().max())


def probability(model, image, target):
    with torch.no_grad():
        return float(model(image).softmax(dim=1)[0, target])


def assert_slope(actual, expected):
    """Two gradients are equal, up to the rounding of the largest entry."""
    assert_kind(actual, expected.shape)
    assert_close(actual, expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))


def assert_images(result, shape, attached=""):
    """The result is a detached batch of images; `attached` names the mistake if it requires gradients."""
    assert_kind(result, shape)
    problem = "returned a tensor that requires gradients, expected a detached one"
    assert_holds(not result.requires_grad, problem, result, mistake=attached)
    assert_between(result, 0, 1)


def assert_dream(result, size, steps):
    """The result is a picture and a loss for each step."""
    pair = isinstance(result, tuple) and len(result) == 2
    assert_holds(pair, f"returned {show(result)}, expected a tuple (image, losses)", result)
    image, losses = result
    assert_images(image, (1, 3, size, size))
    problem = f"returned {show(losses)} as its second value, expected a list of losses"
    assert_holds(isinstance(losses, list), problem, result)
    count = f"returned {len(losses)} losses, expected {steps}, one for each step"
    assert_holds(len(losses) == steps, count, result)
    other = [value for value in losses if not isinstance(value, float)]
    problem = f"returned {show(other[:1])} among its losses, expected Python floats alone"
    assert_holds(not other, problem, result)


# --- class_loss


@pytest.mark.points("class_loss", 1)
def test_class_loss_is_minus_the_log_of_the_probability(submission, model, images, target):
    """For one image it is -log of the probability that the network gives the target, also the first: a single number."""
    for wanted in (target, 0):
        with torch.no_grad():
            expected = -model(images[:1]).softmax(dim=1)[0, wanted].log()
        assert_close(submission.class_loss(model, images[:1], wanted), expected, atol=1e-5)
    # Also of a class that is all but impossible.
    sure = data.toy_model(["dark", "light"])
    with torch.no_grad():
        sure.head.weight.zero_()
        sure.head.bias.copy_(torch.tensor([60.0, 0.0]))
    assert_close(submission.class_loss(sure, images[:1], 1), torch.tensor(60.0), atol=1e-3)


@pytest.mark.points("class_loss", 1)
def test_class_loss_averages(submission, model, images, target):
    """For a batch it is the mean over its images."""
    for network, wanted in ((model, target), (data.toy_model(list("abcde")), 3)):
        for some in (images, images[:2], images[1:]):
            with torch.no_grad():
                expected = -network(some).softmax(dim=1)[:, wanted].log().mean()
            assert_close(submission.class_loss(network, some, wanted), expected, atol=1e-5)


@pytest.mark.points("class_loss", 0.75)
def test_class_loss_is_differentiable(submission, model, images, target):
    """Its gradient by the pixels is right."""
    assert_slope(submission.class_loss.gradient(model, images, target, of=1), gradient(model, images, target))


@pytest.mark.points("class_loss", 0.25)
@pytest.mark.depends_on("test_class_loss_averages")
def test_class_loss_is_tidy(submission, model, images, target):
    """The images are not changed, and nothing stays behind on the model."""
    assert_tidy(submission, partial(submission.class_loss, model, images, target))


@pytest.mark.points("class_loss", 1)
@pytest.mark.hidden
@pytest.mark.depends_on("test_class_loss_averages")
def test_class_loss_of_any_class(submission, reference, model, images, target):
    """The loss is right for any class, the first and the last included."""
    for wanted in (0, target, len(model.classes) - 1):
        expected = reference.class_loss(model, images, wanted).detach()
        assert_close(submission.class_loss(model, images, wanted), expected, atol=1e-5)


# --- ideal_loss


@pytest.mark.points("ideal_loss", 1)
def test_ideal_loss_without_variation(submission, model, images, target):
    """With a weight of 0 it is the class loss alone, a single number for the batch."""
    for some in (images, images[:2], images[1:]):
        with torch.no_grad():
            expected = loss(model, some, target)
        assert_close(submission.ideal_loss(model, some, target, 0.0), expected, atol=1e-5)


@pytest.mark.points("ideal_loss", 1)
@pytest.mark.depends_on("test_ideal_loss_without_variation")
def test_ideal_loss_weighs_the_variation(submission, model, target):
    """White stripes one pixel wide add 31/32 times the weight, whatever the height and the number of images."""
    for count, height in [(1, 32), (2, 40)]:
        stripes = (torch.arange(32) % 2).float().expand(count, 3, height, 32).contiguous()
        with torch.no_grad():
            expected = loss(model, stripes, target) + 3.0 * 31 / 32
        assert_close(submission.ideal_loss(model, stripes, target, 3.0), expected, atol=1e-5)


@pytest.mark.points("ideal_loss", 0.75)
def test_ideal_loss_is_differentiable(submission, model, images, target):
    """Its gradient by the pixels is right, that of the variation included."""
    # So heavy that a variation without a gradient shows.
    slope = submission.ideal_loss.gradient(model, images, target, 10.0, of=1)
    assert_slope(slope, gradient(model, images, target, 10.0))
    flat = submission.ideal_loss.gradient(model, torch.full((1, 3, 32, 32), 0.5), target, 10.0, of=1)
    finite = isinstance(flat, torch.Tensor) and bool(flat.isfinite().all())
    assert_holds(finite, "has a gradient of NaN between equal pixels", flat, mistake="takes_the_root_of_squares")


@pytest.mark.points("ideal_loss", 0.25)
@pytest.mark.depends_on("test_ideal_loss_without_variation")
def test_ideal_loss_is_tidy(submission, model, images, target):
    """The images are not changed, and nothing stays behind on the model."""
    assert_tidy(submission, partial(submission.ideal_loss, model, images, target, 0.5))


@pytest.mark.points("ideal_loss", 1)
@pytest.mark.hidden
@pytest.mark.depends_on("test_ideal_loss_without_variation")
def test_ideal_loss_of_any_weight(submission, reference, model, images, target):
    """The loss and its gradient by the pixels are right for any weight."""
    for weight in (0.3, 10.0):
        expected = reference.ideal_loss(model, images, target, weight).detach()
        assert_close(submission.ideal_loss(model, images, target, weight), expected, atol=1e-5)
    slope = submission.ideal_loss.gradient(model, images, target, 0.3, of=1)
    assert_slope(slope, gradient(model, images, target, 0.3))


# --- ideal_step


@pytest.mark.points("ideal_step", 3.5)
def test_ideal_step_is_the_rate_times_the_gradient(submission, model, images, target):
    """Each pixel moves by learning_rate times its gradient, those of the variation included."""
    # Three steps of at most 0.03, so that the last one from other images cannot lead out of the range of pixels.
    for weight in (0.0, 2.0, 0.2):
        slope = gradient(model, images, target, weight)
        sizes = {"learning_rate": rate(slope, 0.03), "variation_weight": weight}
        result = submission.ideal_step(model, images, target, **sizes)
        assert_kind(result, images.shape)
        expected = images - sizes["learning_rate"] * slope
        if not torch.allclose(result, expected, rtol=0, atol=1e-4):
            assert_longer_by_a_longer_gradient(submission, model, images, target)
        assert_close(result, expected, atol=1e-4)
        images = expected  # from there the next step
    # And one from other images, with the sizes of the last.
    images = images.flip(0)
    result = submission.ideal_step(model, images, target, **sizes)
    assert_close(result, images - sizes["learning_rate"] * gradient(model, images, target, weight), atol=1e-4)


def assert_longer_by_a_longer_gradient(submission, model, images, target):
    """A step along the gradient is not as long where the gradient is twice as long."""
    # So heavy a variation that the class hardly counts.
    sizes = [{"learning_rate": 0.01, "variation_weight": weight} for weight in (1e4, 2e4, 0.0)]
    results = [submission.ideal_step(model, images, target, **each) for each in sizes]
    for result in results:
        assert_kind(result, images.shape)
    one, other, short = (images - result for result in results)
    along = F.cosine_similarity(other.flatten(), gradient(model, images, target, 2e4).flatten(), dim=0) > 0.98
    as_long = along and float((other - one).abs().max()) < 0.02 * float(one.abs().max())
    problem = "goes as far as by half the weight, and half the gradient"
    # Whoever cuts a long gradient off leaves a short one alone.
    lengths = [(float(short.norm(power)), float(one.norm(power))) for power in (1, 2, math.inf)]
    always = any(math.isclose(*pair, rel_tol=0.05) for pair in lengths)
    assert_holds(not as_long, problem, results[1], mistake="normalises_the_gradient" if always else "")


@pytest.mark.points("ideal_step", 1)
@pytest.mark.depends_on("test_ideal_step_is_the_rate_times_the_gradient")
def test_ideal_step_stays_in_the_range_of_pixels(submission, model, images, target):
    """The images are detached and, however long the step, in [0, 1], of which all is used."""
    # A single one as well; by a small gradient, and by a large one.
    for some, weight in ((images[:1], 0.0), (images, 0.0), (images, 1e5)):
        slope = gradient(model, some, target, weight)
        long = rate(slope, 3.0)
        result = submission.ideal_step(model, some, target, learning_rate=long, variation_weight=weight)
        assert_images(result, some.shape)
        assert_close(result, (some - long * slope).clamp(0, 1), atol=0.01)
    try:
        result = submission.ideal_step(
            model, images.clone().requires_grad_(), target, learning_rate=long, variation_weight=weight
        )
    except Raised:
        return  # a clone of images that require gradients is no leaf, and has no gradient after backward()
    assert_images(result, images.shape, "steps_attached")


@pytest.mark.points("ideal_step", 0.5)
@pytest.mark.depends_on("test_ideal_step_is_the_rate_times_the_gradient")
def test_ideal_step_is_tidy(submission, model, images, target):
    """The images are not changed, and no gradient stays on the model."""
    sizes = {"learning_rate": 1.0, "variation_weight": 0.5}
    assert_tidy(submission, partial(submission.ideal_step, model, images, target, **sizes))


# --- ideal_image


@pytest.mark.points("ideal_image", 2)
def test_ideal_image_convinces_a_network(submission, unseen, rng):
    """A network that nobody has seen before is convinced by your picture, for a class by lot."""
    target = by_lot(rng, len(unseen.classes))
    other = (target + 1 + by_lot(rng, len(unseen.classes) - 1)) % len(unseen.classes)
    seed = by_lot(rng, 10_000)
    # First, as two steps tell most known mistakes apart, and naming one should not take 200 steps for each of the others.
    begun = first_steps(submission, unseen, target, seed)
    results = [submission.ideal_image(unseen, each, seed=seed) for each in (target, other)]
    for result in results:
        assert_dream(result, 64, 200)
    # Now and then a class by lot is a hard one. Both are asked for always, or a call would tell that one was not enough.
    sure = max(probability(unseen, image, each) for (image, _), each in zip(results, (target, other), strict=True))
    if sure < CONVINCED:
        assert_under_way(begun, results[0])
    assert_between(sure, CONVINCED, 1, what="the probability of the target")


def first_steps(submission, model, target, seed):
    """Return the outcome of two steps and of three, of two that leave the noise as it is, and of a few short ones."""
    still, short = {"steps": 2, "learning_rate": 1e-9}, {"steps": 5, "learning_rate": 0.02}
    found = []
    for options in ({"steps": 2}, {"steps": 3}, still, short):
        found.append(submission.ideal_image(model, target, seed=seed, **options))
        assert_dream(found[-1], 64, options["steps"])
    return found


def assert_under_way(begun, result):
    """Each step leads on, and down, and in the end the picture is no longer the noise that it was."""
    two, three, still, short = begun
    same = torch.equal(two[0], three[0])
    standing = "discards_the_steps" if torch.equal(two[0], still[0]) else "starts_over"
    assert_holds(not same, "returned the picture that two steps give, too", three, mistake=standing)
    rising = all(after > before for before, after in zip(short[1], short[1][1:], strict=False))
    assert_holds(not rising, "tells losses that rise with every step", short, mistake="flees_the_target")
    assert_moved(result, still[0])


def assert_moved(result, noise):
    """The picture is no longer the noise that it was."""
    moved = float((result[0] - noise).abs().mean())
    problem = f"changed a pixel by {moved:.2g} on average, so that the picture is still the noise"
    assert_holds(moved > 0.05, problem, result, mistake="creeps")


@pytest.mark.points("ideal_image", 2)
@pytest.mark.depends_on("test_ideal_image_convinces_a_network")
def test_ideal_image_is_a_smooth_zebra(submission, tiny, rng):
    """Your defaults give a zebra, or another class, 0.9 at least, and at most 0.7 of the variation that weight 0 leaves."""
    target = by_lot(rng, len(tiny.classes))
    seed = by_lot(rng, 10_000)
    submission.ideal_image(tiny, target, steps=2, seed=seed)  # see above
    noise, none, _, others = noise_of(submission, tiny, target, seed)
    smoothed = max(float(variation(each) / variation(noise)) for each in others) > 1.2
    for other in others:
        apart = f"starts from other noise with another variation_weight: by {float((other - noise).abs().max()):.2g}"
        known = "smooths_the_start_alone" if smoothed else ""
        assert_holds(bool((other - noise).abs().max() < 0.005), apart, other, mistake=known)
    result = submission.ideal_image(tiny, target, seed=seed)
    assert_dream(result, 64, 200)
    image, losses = result
    assert_between(probability(tiny, image, target), SURE, 1, what=f"the probability of {tiny.classes[target]}")
    fell = f"has a last loss of {losses[-1]:.3g} after a first one of {losses[0]:.3g}, expected it to fall"
    assert_holds(losses[-1] < losses[0], fell, result)
    # In the same check as the probability: 200 steps take a second, and either is easy without the other. Without the weight
    # the variation of the noise stays, and fifty steps show as much of it as all.
    ragged, losses = submission.ideal_image(tiny, target, variation_weight=0.0, steps=50, seed=seed)
    assert_dream((ragged, losses), 64, 50)
    share = float(variation(image) / variation(ragged))
    if share > SMOOTH:
        assert_holds(not none, NO_ZERO, mistake="takes_weight_zero_for_missing")
        assert_moved(result, noise)
    assert_between(share, 0, SMOOTH, what="the share of the variation that is left")


@pytest.mark.points("ideal_image", 0.5)
@pytest.mark.depends_on("test_ideal_image_convinces_a_network")
def test_ideal_image_tells_its_losses(submission, tiny, rng):
    """The losses are those of the picture: that of its class alone without variation_weight, and both together with it."""
    with torch.no_grad():
        unlikely = tiny(torch.rand(1, 3, 32, 32, generator=rng))[0].argsort()[: len(tiny.classes) // 2]
    # The first of 40 losses is then some 6 or more, so that their mean lies more than 0.1 above the last.
    target = int(unlikely[by_lot(rng, len(unlikely))])
    submission.ideal_image(tiny, target, size=32, steps=2)  # see above
    result = submission.ideal_image(tiny, target, variation_weight=0.0, size=32, steps=40, seed=by_lot(rng, 10_000))
    assert_dream(result, 32, 40)
    image, losses = result
    with torch.no_grad():
        expected = float(loss(tiny, image, target))
    if abs(losses[-1] - expected) >= tolerance(expected, least=0.1):
        _, none, fixed, _ = noise_of(submission, tiny, target, 0)
        assert_holds(not none, NO_ZERO, result, mistake="takes_weight_zero_for_missing")
        # Of a mean of all losses so far, the last loss is a part.
        averaged = abs(40 * losses[-1] - 39 * losses[-2] - expected) < tolerance(expected)
        known = "fixes_the_variation_weight" if fixed else "averages_the_losses" if averaged else ""
        problem = f"tells a last loss of {losses[-1]:.3g} for a picture that has one of {expected:.3g}"
        assert_holds(False, problem, result, mistake=known)
    rounded = all(told == round(told, 4) for told in losses)
    assert_holds(not rounded, "rounds its losses", result, mistake="rounds_the_losses")
    assert_measured(losses, result)
    # So heavy that the class hardly counts, and steps so short that the loss is that of the noise still: the first steps of
    # RMSprop with momentum are thirty times as long as its rate.
    options = {"variation_weight": 1000.0, "learning_rate": 1e-6, "size": 32, "steps": 3}
    result = submission.ideal_image(tiny, target, seed=by_lot(rng, 10_000), **options)
    assert_dream(result, 32, 3)
    image, losses = result
    with torch.no_grad():
        expected = float(loss(tiny, image, target, 1000.0))
    for step, told in enumerate(losses, start=1):
        problem = f"tells a loss of {told:.3g} in tiny step {step} of 3, for a picture that has one of {expected:.3g}"
        assert_holds(abs(told - expected) < tolerance(expected, share=0.1), problem, result)


def assert_measured(losses, result):
    """The losses of the steps do not all change alike, as a line or a curve between the first and the last would."""
    if max(losses[1:]) < SETTLED:  # one step was enough: from then on nothing is left to change
        return
    moves = [after - before for before, after in itertools.pairwise(losses)][1:-1]
    alike = max(moves) - min(moves) < 1e-9
    assert_holds(not alike, "tells losses that change alike in every step", result, mistake="draws_a_line")
    times = [after / max(before, 1e-9) for before, after in itertools.pairwise(losses)][1:-1]
    alike = max(times) - min(times) < 1e-6
    assert_holds(not alike, "tells losses that fall by the same share in every step", result, mistake="draws_a_curve")


def tolerance(expected, share=0.5, least=0.2):
    return least + share * expected


def noise_of(submission, model, target, seed):
    """The noise of a seed; if its losses tell that a weight of 0 is taken for none, or that none has an effect; more noise.

    The others come from other weights: where no step is longer than nothing, they are the same.
    """
    told, pictures = [], []
    for weight in ({}, {"variation_weight": 100.0}, {"variation_weight": 0.0}):
        result = submission.ideal_image(model, target, steps=2, learning_rate=1e-9, seed=seed, **weight)
        assert_dream(result, 64, 2)
        image, losses = result
        told.append(losses[-1])
        pictures.append(image)
    with torch.no_grad():
        alone = float(loss(model, image, target))
    without, heavy, zero = told
    same, fixed = abs(zero - without) < 0.001, abs(heavy - without) < 0.001
    more = zero > alone + 0.01
    return pictures[0], same and more and not fixed, same and more and fixed, pictures[1:]


@pytest.mark.points("ideal_image", 0.5)
@pytest.mark.depends_on("test_ideal_image_convinces_a_network")
def test_ideal_image_kind(submission, model, target):
    """A picture in [0, 1] comes back, of any size, and a Python float for each step; learning_rate makes a difference."""
    for size, steps in [(32, 2), (40, 3)]:
        assert_dream(submission.ideal_image(model, target, size=size, steps=steps), size, steps)
    # Each step changes the picture: one of them, and many, make another one.
    dreams = [submission.ideal_image(model, target, size=32, steps=steps) for steps in (1, 2, 12)]
    for result, steps in zip(dreams, (1, 2, 12), strict=True):
        assert_dream(result, 32, steps)
    pictures = [image for image, _ in dreams]
    same = torch.equal(*pictures[:2]) or torch.equal(*pictures[1:])
    assert_holds(
        not same, "returned the same picture for another number of steps", dreams[1], mistake="ignores_the_steps"
    )
    dreams = [submission.ideal_image(model, target, size=32, steps=1, learning_rate=rate) for rate in (0.05, 5.0)]
    for result in dreams:
        assert_dream(result, 32, 1)
    same = torch.equal(dreams[0][0], dreams[1][0])
    assert_holds(not same, "returned the same picture for another learning_rate", dreams[1])
    dreams = [
        submission.ideal_image(model, target, size=32, steps=2, variation_weight=weight) for weight in (0.1, 100.0, 0.0)
    ]
    for result in dreams:
        assert_dream(result, 32, 2)
    same = torch.equal(dreams[0][0], dreams[1][0])
    never = weight_mistake(submission, model, target) if torch.equal(dreams[0][0], dreams[2][0]) else ""
    assert_holds(not same, "returned the same picture for another variation_weight", dreams[1], mistake=never)


def weight_mistake(submission, model, target):
    """The known mistake where no variation_weight has an effect, by the loss of noise that is told where it is 0."""
    sizes = {"size": 32, "steps": 1, "learning_rate": 1e-9}
    image, losses = submission.ideal_image(model, target, variation_weight=0.0, **sizes)
    with torch.no_grad():
        far = [abs(losses[-1] - float(loss(model, image, target, weight))) for weight in (0.0, 1.0)]
    return "fixes_the_variation_weight" if far[1] < far[0] else "ignores_the_variation_weight"


@pytest.mark.points("ideal_image", 0.5)
@pytest.mark.depends_on("test_ideal_image_convinces_a_network")
def test_ideal_image_follows_the_seed(submission, model, target):
    """The same seed gives the same picture, another seed another one: the start is noise."""
    sizes = {"size": 32, "steps": 2}
    dreams = [submission.ideal_image(model, target, seed=seed, **sizes) for seed in (1, 1, 2, 0, 0)]
    for result in dreams:
        assert_dream(result, 32, 2)
    first, again, other, *of_zero = (image for image, _ in dreams)
    assert_equal(again, first)
    assert_holds(
        torch.equal(*of_zero),
        "returned another picture the second time for a seed of 0",
        dreams[-1],
        mistake="takes_zero_for_no_seed",
    )
    assert_holds(not torch.equal(first, other), "returned the same picture for another seed", dreams[2])


@pytest.mark.points("ideal_image", 0.5)
@pytest.mark.depends_on("test_ideal_image_convinces_a_network")
def test_ideal_image_is_tidy(submission, model, target):
    """The model stays as it is, and so does the global random state."""
    submission.ideal_image(model, target, size=32, steps=2)
    # How to descend is the student's choice; with an optimiser and backward() the model's parameters get gradients.
    assert_untouched(submission.last, "weights", "training mode", "requires_grad", "hooks", "random state")
