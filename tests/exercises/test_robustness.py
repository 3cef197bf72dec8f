"""Checks of robustness. The first line of each docstring is what the student reads."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from inspections import assert_each_close, assert_tidy

import data
from autograder.compare import (
    assert_between,
    assert_close,
    assert_holds,
    assert_kind,
    assert_mentions,
    assert_raises,
    show,
)
from autograder.errors import CheckFailed, RefusedValue
from data.world import CLASSES, samples

EPSILON = 4 / 255
COLOURS = ["red", "green", "blue", "grey"]


def number(rng, below=10_000):
    return int(torch.randint(below, (1,), generator=rng))


def coloured(rng, classes=4, steepness=8.0):
    """A model that looks at an image's mean colour only, and has a clear opinion of it."""
    model = data.toy_model([*COLOURS, "white"][:classes], seed=number(rng))
    with torch.no_grad():
        model.head.weight.mul_(steepness)
    return model


@pytest.fixture
def images(rng):
    """Grainy images of one colour each."""
    colours = torch.rand(8, 3, 1, 1, generator=rng)
    return (0.15 + 0.7 * (0.8 * colours + 0.2 * torch.rand(8, 3, 9, 6, generator=rng))).contiguous()


# --- transfer_rates


def first_choices(model, images):
    with torch.no_grad():
        return model(images).sort(dim=1).indices[:, -1]


def with_different_rates(rng, images, counts):
    """Models of so many classes, targets, and the rate of each model: no two are alike, and the names are in no order."""
    expected = {}
    while len(set(expected.values())) < len(counts):
        models = {name: coloured(rng, count) for name, count in zip(["small", "wide", "deep"], counts, strict=False)}
        targets = first_choices(models["small"], images)
        targets[len(counts) : 3] = (targets[len(counts) : 3] + 1) % 4
        last = [*models.values()][-1]
        targets[7] = first_choices(last, images)[7]  # of the last one too, one is right
        expected = {name: int((first_choices(each, images) == targets).sum()) / 8 for name, each in models.items()}
    return models, targets, expected


@pytest.mark.points("transfer_rates", 3.5)
def test_rates_count_the_targets(submission, images, rng):
    """For each name, of one or several, stands the share of images whose target that model ranks first, a Python float."""
    pairs = []
    # Each model may have its own number of classes.
    for counts in ([4, 4], [4], [4, 5, 4]):
        models, targets, expected = with_different_rates(rng, images, counts)
        pairs.append((submission.transfer_rates(images, targets, models), expected))
        # Of the same images for other targets.
        targets = (targets + 1) % 4
        expected = {name: int((first_choices(each, images) == targets).sum()) / 8 for name, each in models.items()}
        pairs.append((submission.transfer_rates(images, targets, models), expected))
    assert_each_close(*pairs)
    # Of all images, which no batch size divides; most at the end miss their target, and no class has half of the probability.
    model, many = coloured(rng, steepness=0.1), images[torch.arange(131) % 8]
    targets = first_choices(model, many)
    targets[119:130] = (targets[119:130] + 1) % 4  # the last one is right
    result = submission.transfer_rates(many, targets, {"one": model})
    assert_close(result, {"one": 120 / 131}, rtol=5e-3, atol=0.0)
    rounded = any(result["one"] == round(120 / 131, digits) for digits in range(2, 7))
    exact = abs(result["one"] * 131 / 120 - 1) <= 1e-6
    assert_holds(
        exact,
        f": the rate of 120 images of 131 is {result['one']!r}, expected {120 / 131!r}",
        result,
        mistake="rounds_the_rates" if rounded else "",
    )


@pytest.mark.points("transfer_rates", 1)
@pytest.mark.depends_on("test_rates_count_the_targets")
def test_rates_refuse_what_does_not_match(submission, images, rng):
    """No images, or another number of targets, is a ValueError that names one of the two."""
    models = {"one": coloured(rng)}
    targets = torch.zeros(8, dtype=torch.int64)
    # No images come last: who refuses nothing at all has failed before.
    for some, aims in (
        (images, targets[:5]),
        (images, targets[:1]),
        (images[:6], targets),
        (images[:1], targets),
        (images[:0], targets[:0]),
        (images[:0], targets),
    ):
        message = assert_raises(ValueError, submission.transfer_rates, some, aims, models)
        named = "images" in message.lower() or "targets" in message.lower()
        assert_holds(named, f"raised an error that says {message!r}, expected it to name images or targets")


@pytest.mark.points("transfer_rates", 0.5)
@pytest.mark.depends_on("test_rates_count_the_targets")
def test_rates_are_tidy(submission, images, rng):
    """Images and targets are not changed."""
    model = coloured(rng)
    model.head.bias.requires_grad_(False)
    images = images[:3]
    targets = first_choices(model, images)
    ask = partial(submission.transfer_rates, images, targets, {"one": model})
    assert_close(assert_tidy(submission, ask), {"one": 1.0})


# --- ensemble_logits


def mean_opinion(models, images):
    """By its definition, in double precision, which is enough where no probability is tiny."""
    opinions = [
        F.linear(images.double().mean(dim=(2, 3)), m.head.weight.double(), m.head.bias.double()) for m in models
    ]
    shares = [each.exp() / each.exp().sum(dim=1, keepdim=True) for each in opinions]
    return (sum(shares) / len(shares)).log()


@pytest.mark.points("ensemble_logits", 2)
def test_ensemble_is_the_log_of_the_mean(submission, images, rng):
    """The result is the logarithm of the mean of the models' softmax probabilities, shape (N, K)."""
    pairs = []
    for count, some in ((2, images), (1, images), (3, images), (5, images), (2, images[:1])):
        models = [coloured(rng) for _ in range(count)]
        pairs.append((submission.ensemble_logits(models, some), mean_opinion(models, some).float().detach()))
    assert_each_close(*pairs, rtol=1e-3, atol=1e-4)
    # The same model twice counts twice.
    one, other = coloured(rng), coloured(rng)
    sent = submission.send(one)
    expected = mean_opinion([one, one, other], images).float().detach()
    assert_close(submission.ensemble_logits([sent, sent, other], images), expected, rtol=1e-3, atol=1e-4)


def extreme(*gaps):
    """Models of two classes, the second of which is so far behind in each."""
    models = [data.toy_model(["first", "second"]) for _ in gaps]
    for model, gap in zip(models, gaps, strict=True):
        with torch.no_grad():
            model.head.weight.copy_(torch.tensor([[1.0, -1.0, 0.5], [1.0, -1.0, 0.25]]))
            model.head.bias.copy_(torch.tensor([gap, 0.0]))
    return models


@pytest.mark.points("ensemble_logits", 1.5)
@pytest.mark.depends_on("test_ensemble_is_the_log_of_the_mean")
def test_ensemble_of_models_that_are_very_sure(submission, images):
    """A class that all models give less than the smallest float has a finite value and a finite gradient."""
    blue = images.mean(dim=(2, 3))[:, 2]
    # Even the smallest double is larger than the second.
    for gap in (150.0, 900.0):
        models = extreme(gap + 50, gap)
        # The one that is less far behind counts alone, with half its weight.
        far = -gap - 0.25 * blue - torch.tensor(2.0).log()
        assert_close(submission.ensemble_logits(models, images), torch.stack([torch.zeros(8), far], dim=1), atol=1e-3)
    weights = torch.tensor([0.0, 1.0]).expand(8, 2).contiguous()
    slope = submission.ensemble_logits.gradient(models, images, of=1, weights=weights)
    expected = torch.zeros_like(images)
    expected[:, 2] = -0.25 / (9 * 6)
    assert_close(slope, expected, rtol=1e-3)


@pytest.mark.points("ensemble_logits", 1)
@pytest.mark.depends_on("test_ensemble_is_the_log_of_the_mean")
def test_ensemble_has_a_gradient_by_the_images(submission, images, rng):
    """The result is differentiable by the images."""
    models = [coloured(rng), coloured(rng)]
    weights = torch.randn(8, 4, generator=rng)
    probe = images.clone().requires_grad_()
    (expected,) = torch.autograd.grad((mean_opinion(models, probe) * weights).sum(), probe)
    assert_close(submission.ensemble_logits.gradient(models, images, of=1, weights=weights), expected, rtol=1e-3)


@pytest.mark.points("ensemble_logits", 0.5)
@pytest.mark.depends_on("test_ensemble_is_the_log_of_the_mean")
def test_ensemble_has_a_gradient_by_the_weights(submission, images, rng):
    """The result is differentiable by the weights of each model."""
    models = [coloured(rng), coloured(rng)]
    weights = torch.randn(8, 4, generator=rng)
    expected = slopes(models, (mean_opinion(models, images) * weights).sum())
    assert_close(submission.ensemble_logits.gradient(models, images, weights=weights), expected, rtol=1e-3, atol=1e-5)


def slopes(models, value):
    """The gradient of a value by each parameter of some models."""
    return list(torch.autograd.grad(value, [each for model in models for each in model.parameters()]))


@pytest.mark.points("ensemble_logits", 0.25)
@pytest.mark.depends_on("test_ensemble_is_the_log_of_the_mean")
def test_ensemble_is_tidy(submission, images, rng):
    """The images, the list of models and the models themselves are not changed."""
    models = [coloured(rng), coloured(rng)]
    assert_tidy(submission, partial(submission.ensemble_logits, models, images))


@pytest.mark.points("ensemble_logits", 0.75)
@pytest.mark.depends_on("test_ensemble_is_the_log_of_the_mean")
def test_ensemble_refuses_what_does_not_match(submission, images, rng):
    """No model, or models with different numbers of classes, is a ValueError that names models."""
    different = ([4, 5], [1, 4], [4, 4, 5], [4, 5, 4])
    for models in ([], (), *([coloured(rng, count) for count in counts] for counts in different)):
        assert_mentions(assert_raises(ValueError, submission.ensemble_logits, models, images), "models")


@pytest.mark.points("ensemble_logits", 1)
@pytest.mark.hidden
@pytest.mark.depends_on("test_ensemble_is_the_log_of_the_mean")
def test_ensemble_of_networks(submission, reference, rng):
    """Any networks and images: the right values."""
    models = [data.load_model("tiny", pretrained=False, seed=number(rng)) for _ in range(2)]
    models.append(data.load_model("tiny"))
    images = torch.rand(2, 3, 32, 40, generator=rng)
    for some in (models[:1], models):  # one alone tells most known mistakes apart
        expected = reference.ensemble_logits(some, images).detach()
        assert_close(submission.ensemble_logits(some, images), expected, rtol=1e-3, atol=1e-3)


# --- adversarial_loss


def two_sided(rng, maker=data.toy_model):
    """A model of two classes: the loss of a label grows along one direction of the colours, and along one of them little."""
    model = maker(["dark", "light"], seed=number(rng))
    with torch.no_grad():
        model.head.weight.copy_(torch.randn(2, 3, generator=rng).sign() * (0.5 + torch.rand(2, 3, generator=rng)))
        model.head.weight[1] = -model.head.weight[0] * (0.5 + torch.rand(3, generator=rng))
        model.head.weight[:, number(rng, 3)] *= 0.05
    return model


@pytest.fixture
def contrasts(rng):
    """Images with black and white pixels among others, and labels of two classes."""
    images = (1.6 * torch.rand(6, 3, 9, 6, generator=rng) - 0.3).clamp(0, 1)
    return images, torch.randperm(6, generator=rng) % 2


def highest(model, images, labels, epsilon):
    """The highest loss within the bounds: known, as each colour has one direction that is worse for a label."""
    towards = model.head.weight[1 - labels] - model.head.weight[labels]
    worst = torch.where(towards[:, :, None, None] > 0, (images + epsilon).clamp(max=1), (images - epsilon).clamp(min=0))
    return F.cross_entropy(model(worst.detach()), labels)


@pytest.mark.points("adversarial_loss", 1.5)
def test_loss_after_one_step(submission, contrasts, rng):
    """With one step it is the mean loss, a scalar, on images that were moved by epsilon, and stay in [0, 1]."""
    images, labels = contrasts
    for epsilon in (0.1, 0.02):
        model = two_sided(rng)
        result = submission.adversarial_loss(model, images, labels, epsilon=epsilon)
        expected = highest(model, images, labels, epsilon).detach()
        try:
            assert_close(result, expected, rtol=1e-4)
        except CheckFailed as wrong:
            # A start that is drawn is another each time, and does not get as far.
            again = submission.adversarial_loss(model, images, labels, epsilon=epsilon)
            drawn = all(isinstance(each, torch.Tensor) and each.shape == () for each in (result, again))
            least = (F.cross_entropy(model(images), labels).detach() + expected) / 2  # a random step leads nowhere
            drawn = drawn and float(result) != float(again) and least < min(result, again)
            drawn = drawn and max(result, again) < 1.0001 * expected
            wrong.mistake = "starts_at_random" if drawn else ""
            raise


@pytest.mark.points("adversarial_loss", 1)
@pytest.mark.depends_on("test_loss_after_one_step")
def test_more_steps_stay_within_the_same_bounds(submission, contrasts, rng):
    """With more steps no pixel goes further than epsilon or out of [0, 1], and each goes as far as it may."""
    images, labels = contrasts
    for epsilon, steps in ((0.1, 4), (0.2, 7), (0.0, 2)):
        model = two_sided(rng)
        result = submission.adversarial_loss(model, images, labels, epsilon=epsilon, steps=steps)
        assert_close(result, highest(model, images, labels, epsilon).detach(), rtol=1e-4)


def turning(rng, epsilon):
    """A model, and its label, whose slope by one colour turns while another colour moves; and two losses, the highest last.

    The first is where one step leads, along the slope at the start.

    At the start the label's rival is `far`, which that colour brings nearer by falling. Once the other colour has moved by
    half of epsilon, `near` is the rival, and the colour has to rise: all the way up, so that short steps do not get there.
    """
    label, near, far = torch.randperm(3, generator=rng).tolist()
    turns, moves, still = torch.randperm(3, generator=rng).tolist()
    model = data.toy_model(COLOURS[:3], seed=number(rng))
    with torch.no_grad():
        weight, bias = torch.zeros(3, 3), torch.zeros(3)
        weight[near, turns], weight[far, turns], weight[near, moves] = 2.5, -2.5, 9.0
        weight[[near, far], still] = 0.3
        bias[near], bias[far] = 2.0, 3.9
        model.head.weight.copy_(weight / epsilon)
        model.head.bias.copy_(bias - weight.sum(dim=1) / epsilon / 2)  # as for an image that is grey in the mean
        ways = torch.ones(2, 3)
        ways[0, turns] = -1
        after_one, highest = F.cross_entropy(bias + ways @ weight.T, torch.tensor([label, label]), reduction="none")
    return model, label, float(after_one), float(highest)


@pytest.mark.points("adversarial_loss", 1)
@pytest.mark.depends_on("test_loss_after_one_step")
def test_each_step_follows_the_slope_where_it_starts(submission, rng):
    """Each step goes by the gradient where the images are by then: it turns on the way, and one long step misses that."""
    for epsilon in (0.1, 0.05):
        model, label, after_one, highest = turning(rng, epsilon)
        images = 0.4 + 0.2 * torch.rand(4, 3, 9, 6, generator=rng)
        images += 0.5 - images.mean(dim=(2, 3), keepdim=True)
        labels = torch.full((4,), label)
        result = submission.adversarial_loss(model, images, labels, epsilon=epsilon)
        assert_close(result, torch.tensor(after_one), rtol=1e-3)
        result = submission.adversarial_loss(model, images, labels, epsilon=epsilon, steps=10)
        assert_kind(result, ())
        assert_between(result.detach(), 0.9 * highest, 1.001 * highest)


@pytest.mark.points("adversarial_loss", 1)
@pytest.mark.depends_on("test_loss_after_one_step")
def test_loss_has_a_gradient_by_the_weights(submission, contrasts, rng):
    """The loss is differentiable by the weights, with the moved images as constants."""
    images, labels = contrasts
    model = two_sided(rng)
    expected = slopes([model], highest(model, images, labels, 0.1))
    for steps in (1, 3):
        result = submission.adversarial_loss.gradient(model, images, labels, epsilon=0.1, steps=steps)
        assert_close(result, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.points("adversarial_loss", 1)
@pytest.mark.depends_on("test_loss_has_a_gradient_by_the_weights")
def test_no_gradient_reaches_the_images(submission, contrasts, rng):
    """No gradient reaches the images that were given."""
    images, labels = contrasts
    for steps in (1, 3):
        try:
            slope = submission.adversarial_loss.gradient(two_sided(rng), images, labels, of=1, epsilon=0.1, steps=steps)
        except RefusedValue as refused:
            if "does not reach" not in str(refused):
                raise
        else:
            # The check before this one has seen that the loss is the right one: so it is the moved images that let it through.
            reached = isinstance(slope, torch.Tensor)
            largest = float(slope.abs().max()) if reached else 1.0
            assert_holds(
                largest == 0,
                f"returned {show(largest)} for the largest, expected none to reach",
                slope,
                mistake="lets_the_gradient_through" if reached else "",
            )


@pytest.mark.points("adversarial_loss", 0.5)
@pytest.mark.depends_on("test_loss_has_a_gradient_by_the_weights")
def test_attack_keeps_the_gradients_of_the_weights(submission, contrasts, rng):
    """The gradients that stand on the model, and the images, stay as they are."""
    images, labels = contrasts
    for steps in (2, 1):
        model = two_sided(rng, data.toy_stale_model)
        model.head.bias.requires_grad_(False)
        ask = partial(submission.adversarial_loss, model, images, labels, epsilon=0.1, steps=steps)
        assert_close(assert_tidy(submission, ask), highest(model, images, labels, 0.1).detach(), rtol=1e-4)


@pytest.mark.points("adversarial_loss", 1.5)
@pytest.mark.hidden
@pytest.mark.depends_on("test_loss_after_one_step")
def test_loss_of_a_network_after_one_step(submission, reference, model, rng):
    """On any network: the right loss and the right gradient by the weights."""
    images, labels = torch.rand(4, 3, 32, 32, generator=rng), torch.randint(len(model.classes), (4,), generator=rng)
    expected = reference.adversarial_loss(model, images, labels, epsilon=EPSILON)
    result = submission.adversarial_loss(model, images, labels, epsilon=EPSILON)
    assert_kind(result, ())
    # A slope of almost zero has the sign that rounding gives it, and the pixel may go the other way.
    assert_close(result, expected.detach(), rtol=2e-3)
    found = submission.adversarial_loss.gradient(model, images, labels, epsilon=EPSILON)
    for one, two in zip(found, slopes([model], expected), strict=True):
        assert_close(one, two, rtol=0.05, atol=0.02 * float(two.abs().max()) + 1e-6)


@pytest.mark.points("adversarial_loss", 0.5)
@pytest.mark.hidden
@pytest.mark.depends_on("test_more_steps_stay_within_the_same_bounds")
def test_more_steps_find_a_higher_loss(submission, reference, rng):
    """On a pretrained network several steps find at least 0.9 of the reference's loss, and more than one step does."""
    model = data.load_model("tiny")
    names = [CLASSES[k] for k in torch.randperm(len(CLASSES), generator=rng)[:8].tolist()]
    images, labels = samples(names, 1, seed=number(rng, 1000))
    one, most = (
        reference.adversarial_loss(model, images, labels, epsilon=EPSILON, steps=steps).item() for steps in (1, 8)
    )
    result = submission.adversarial_loss(model, images, labels, epsilon=EPSILON, steps=8)
    assert_kind(result, ())
    assert_between(result.detach(), max(0.9 * most, 1.01 * one), 1.25 * most)
