"""Known mistakes in ideal_image, as students make them, each with the sentence that they should read."""

import torch
import torch.nn.functional as F

from autograder.diagnose import mistake


def _class_loss(model, images, target):
    return F.cross_entropy(model(images), torch.full((len(images),), target))


def _variation(images):
    return (images.diff(dim=2).abs().sum() + images.diff(dim=3).abs().sum()) / images.numel()


def _loss(model, images, target, variation_weight):
    return _class_loss(model, images, target) + variation_weight * _variation(images)


def _gradient(model, images, target, variation_weight):
    images = images.detach().clone().requires_grad_()
    loss = _loss(model, images, target, variation_weight)
    return torch.autograd.grad(loss, images)[0], loss.item()


def _noise(size, seed):
    return torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(seed))


def _descend(model, image, target, steps, learning_rate, variation_weight):
    losses = []
    for _ in range(steps):
        gradient, loss = _gradient(model, image, target, variation_weight)
        image = (image - learning_rate * gradient).clamp(0, 1)
        losses.append(loss)
    return image, losses


@mistake("class_loss", "Softmax is applied before the cross-entropy, which has one inside; give it the logits.")
def applies_softmax_twice(model, images, target):
    return F.cross_entropy(model(images).softmax(dim=1), torch.full((len(images),), target))


@mistake("class_loss", "The losses of the images are added up; the loss is their mean.")
def sums_the_class_loss(model, images, target):
    return F.cross_entropy(model(images), torch.full((len(images),), target), reduction="sum")


@mistake("class_loss", "This is minus the logit of the target, which can fall without end; take the cross-entropy.")
def takes_the_logit(model, images, target):
    return -model(images)[:, target].mean()


@mistake(
    "class_loss", "The logits are averaged first, and one loss is taken of them; the loss is the mean of the images'."
)
def averages_the_logits(model, images, target):
    return F.cross_entropy(model(images).mean(dim=0, keepdim=True), torch.tensor([target]))


@mistake("class_loss", "The images are normalised first; the model takes pixels in [0, 1] and does so inside.")
def normalises_the_images(model, images, target):
    mean, std = (torch.tensor(each).view(3, 1, 1) for each in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    return _class_loss(model, (images - mean) / std, target)


@mistake("class_loss", "This is one minus the probability of the target; the cross-entropy is minus its logarithm.")
def forgets_the_logarithm(model, images, target):
    return 1 - model(images).softmax(dim=1)[:, target].mean()


@mistake("class_loss", "This is minus the probability of the target; the cross-entropy is minus its logarithm.")
def takes_the_probability(model, images, target):
    return -model(images).softmax(dim=1)[:, target].mean()


@mistake(
    "class_loss", "The sign is wrong: the loss is smallest, and never negative, where the network sees the target."
)
def turns_the_sign(model, images, target):
    return -_class_loss(model, images, target)


@mistake("class_loss", "Class 0 counts as none given: `target or ...` takes every 0 for missing.")
def takes_class_zero_for_missing(model, images, target):
    return _class_loss(model, images, target or len(model.classes) - 1)


@mistake("class_loss", "The logarithm of the mean probability is taken; take that of each, and then their mean.")
def takes_the_log_of_the_mean(model, images, target):
    return -model(images).softmax(dim=1)[:, target].mean().log()


@mistake("class_loss", "The softmax runs over the images (dim=0); it belongs over the classes (dim=1).")
def takes_the_softmax_over_images(model, images, target):
    return -model(images).log_softmax(dim=0)[:, target].mean()


@mistake("class_loss", "Only the first image of the batch counts; average over all of them.")
def sees_only_the_first(model, images, target):
    return _class_loss(model, images[:1], target)


@mistake("class_loss", "There is a loss for each image; average them into one.")
def keeps_each_class_loss(model, images, target):
    return F.cross_entropy(model(images), torch.full((len(images),), target), reduction="none")


@mistake("class_loss", "The model's parameters do not require gradients afterwards; a loss leaves the model as it is.")
def freezes_the_model(model, images, target):
    model.requires_grad_(False)
    return F.cross_entropy(model(images), torch.full((len(images),), target))


@mistake("class_loss", "A small number is added before the logarithm, which changes large losses; leave it out.")
def adds_before_the_logarithm(model, images, target):
    return -(model(images).softmax(dim=1)[:, target] + 1e-8).log().mean()


@mistake("class_loss", "The labels are smoothed, which gives each class a share of the target; take them as they are.")
def smooths_the_labels(model, images, target):
    return F.cross_entropy(model(images), torch.full((len(images),), target), label_smoothing=0.1)


_losses = {}


@mistake(
    "class_loss",
    "An answer from an earlier call comes back for other numbers of the same shape; compute each one anew.",
)
def gives_an_earlier_loss(model, images, target):
    key = images.shape, target
    if key not in _losses:
        _losses[key] = _class_loss(model, images, target)
    return _losses[key]


@mistake(
    "class_loss", "The loss is in bits, by a logarithm to the base 2; take the natural one, as F.cross_entropy does."
)
def measures_in_bits(model, images, target):
    return _class_loss(model, images, target) / torch.tensor(2.0).log()


@mistake("ideal_loss", "The variation is subtracted, which rewards noise; add it.")
def rewards_noise(model, images, target, variation_weight):
    return _class_loss(model, images, target) - variation_weight * _variation(images)


@mistake("ideal_loss", "The variation is not multiplied by variation_weight.")
def forgets_the_weight(model, images, target, variation_weight):
    return _class_loss(model, images, target) + _variation(images)


@mistake("ideal_loss", "The class loss is weighted by 1 - variation_weight; it counts in full.")
def mixes_by_the_weight(model, images, target, variation_weight):
    return (1 - variation_weight) * _class_loss(model, images, target) + variation_weight * _variation(images)


@mistake("ideal_loss", "The weight multiplies both losses; it belongs to the variation alone.")
def weighs_both(model, images, target, variation_weight):
    return variation_weight * (_class_loss(model, images, target) + _variation(images))


@mistake("ideal_loss", "Only the first image of the batch counts in the variation; it is the mean over all of them.")
def varies_the_first_alone(model, images, target, variation_weight):
    return _class_loss(model, images, target) + variation_weight * _variation(images[:1])


@mistake("ideal_loss", "The weight multiplies the class loss; it belongs to the variation.")
def weighs_the_class(model, images, target, variation_weight):
    return variation_weight * _class_loss(model, images, target) + _variation(images)


@mistake("ideal_loss", "The total variation is not divided by C * H * W, so that it drowns the class loss.")
def forgets_the_size(model, images, target, variation_weight):
    return _class_loss(model, images, target) + variation_weight * _variation(images) * images[0].numel()


@mistake("ideal_loss", "Only neighbours side by side are counted; pixels above one another are neighbours too.")
def counts_one_direction(model, images, target, variation_weight):
    variation = images.diff(dim=3).abs().sum() / images.numel()
    return _class_loss(model, images, target) + variation_weight * variation


@mistake("ideal_loss", "Only neighbours above one another are counted; pixels side by side are neighbours too.")
def counts_columns_only(model, images, target, variation_weight):
    variation = images.diff(dim=2).abs().sum() / images.numel()
    return _class_loss(model, images, target) + variation_weight * variation


@mistake("ideal_loss", "Each direction is averaged over its pairs; add up both directions, and divide by C * H * W.")
def averages_each_direction(model, images, target, variation_weight):
    variation = images.diff(dim=2).abs().mean() + images.diff(dim=3).abs().mean()
    return _class_loss(model, images, target) + variation_weight * variation


@mistake("ideal_loss", "The variations of the images are added up; the variation loss is their mean.")
def adds_up_the_variations(model, images, target, variation_weight):
    return _class_loss(model, images, target) + variation_weight * _variation(images) * len(images)


@mistake("ideal_loss", "The variation is divided by H * W; there are C * H * W entries.")
def forgets_the_channels(model, images, target, variation_weight):
    return _class_loss(model, images, target) + variation_weight * _variation(images) * images.shape[1]


@mistake("ideal_loss", "The differences are squared; total variation takes their absolute values.")
def squares_the_differences(model, images, target, variation_weight):
    variation = (images.diff(dim=2).square().sum() + images.diff(dim=3).square().sum()) / images.numel()
    return _class_loss(model, images, target) + variation_weight * variation


@mistake("ideal_loss", "The variation is detached, so that no step can lower it.")
def detaches_the_variation(model, images, target, variation_weight):
    return _class_loss(model, images, target) + variation_weight * _variation(images).detach()


@mistake("ideal_loss", "The root of a square has no gradient between equal pixels, and gives NaN; use abs().")
def takes_the_root_of_squares(model, images, target, variation_weight):
    rows, columns = images.diff(dim=2).square().sqrt().sum(), images.diff(dim=3).square().sqrt().sum()
    return _class_loss(model, images, target) + variation_weight * (rows + columns) / images.numel()


@mistake("ideal_loss", "There is a loss for each image; average them into one.")
def keeps_each_loss(model, images, target, variation_weight):
    variation = images.diff(dim=2).abs().sum(dim=(1, 2, 3)) + images.diff(dim=3).abs().sum(dim=(1, 2, 3))
    return _class_loss(model, images, target) + variation_weight * variation / images[0].numel()


@mistake("ideal_loss", "model.train() changes what the network sees, and its statistics; nothing is trained here.")
def sets_training_mode(model, images, target, variation_weight):
    return _loss(model.train(), images, target, variation_weight)


@mistake(
    "ideal_loss",
    "The last row and the first count as neighbours, and so do the columns: torch.roll goes round; take slices.",
)
def goes_round_the_edges(model, images, target, variation_weight):
    rolled = sum((images.roll(1, dims=axis) - images).abs().sum() for axis in (2, 3))
    return _class_loss(model, images, target) + variation_weight * rolled / images.numel()


@mistake("ideal_step", "The step goes up the gradient, away from the class; subtract it.")
def climbs(model, images, target, *, learning_rate, variation_weight):
    return (images.detach() + learning_rate * _gradient(model, images, target, variation_weight)[0]).clamp(0, 1)


@mistake("ideal_step", "The step takes the sign of the gradient, as an attack does; here it is the gradient itself.")
def steps_by_the_sign(model, images, target, *, learning_rate, variation_weight):
    return (images.detach() - learning_rate * _gradient(model, images, target, variation_weight)[0].sign()).clamp(0, 1)


@mistake("ideal_step", "The gradient is divided by its size, so that every step is as long; take the gradient itself.")
def normalises_the_gradient(model, images, target, *, learning_rate, variation_weight):
    gradient = _gradient(model, images, target, variation_weight)[0]
    return (images.detach() - learning_rate * gradient / (gradient.norm() + 1e-8)).clamp(0, 1)


@mistake("ideal_step", "The gradient is cut off at -1 and 1; take it as it is, however large.")
def cuts_the_gradient_off(model, images, target, *, learning_rate, variation_weight):
    gradient, _ = _gradient(model, images, target, variation_weight)
    return (images - learning_rate * gradient.clamp(-1, 1)).clamp(0, 1)


@mistake("ideal_step", "The result leaves the range of pixels; clamp it to [0, 1].")
def forgets_to_clamp(model, images, target, *, learning_rate, variation_weight):
    return images.detach() - learning_rate * _gradient(model, images, target, variation_weight)[0]


@mistake("ideal_step", "The result is stretched to the range of pixels; cut off what leaves it, as clamp does.")
def stretches_to_the_range(model, images, target, *, learning_rate, variation_weight):
    moved = images.detach() - learning_rate * _gradient(model, images, target, variation_weight)[0]
    return (moved - moved.min()) / (moved.max() - moved.min())


@mistake("ideal_step", "The result is stretched to the range of pixels; cut off what leaves it, as clamp does.")
def stretches_each_to_the_range(model, images, target, *, learning_rate, variation_weight):
    moved = images.detach() - learning_rate * _gradient(model, images, target, variation_weight)[0]
    low, high = moved.amin(dim=(1, 2, 3), keepdim=True), moved.amax(dim=(1, 2, 3), keepdim=True)
    return (moved - low) / (high - low)


@mistake("ideal_step", "The step follows the class loss alone; the variation belongs to the loss too.")
def ignores_the_variation(model, images, target, *, learning_rate, variation_weight):
    return (images.detach() - learning_rate * _gradient(model, images, target, 0.0)[0]).clamp(0, 1)


@mistake("ideal_step", "The call leaves gradients on the model; torch.autograd.grad(loss, images) does not.")
def leaves_gradients(model, images, target, *, learning_rate, variation_weight):
    images = images.detach().clone().requires_grad_()
    _loss(model, images, target, variation_weight).backward()
    return (images - learning_rate * images.grad).detach().clamp(0, 1)


@mistake("ideal_step", "The images that were given are changed in place; return new ones.")
def steps_in_place(model, images, target, *, learning_rate, variation_weight):
    gradient, _ = _gradient(model, images, target, variation_weight)
    return images.detach().sub_(learning_rate * gradient).clamp_(0, 1)


@mistake("ideal_step", "The step comes back alone; add it to the images.")
def returns_the_step_alone(model, images, target, *, learning_rate, variation_weight):
    return -learning_rate * _gradient(model, images, target, variation_weight)[0]


@mistake("ideal_step", "A single image comes back without its batch: squeeze() drops every side of 1; leave it out.")
def squeezes_a_single_image(model, images, target, *, learning_rate, variation_weight):
    gradient, _ = _gradient(model, images, target, variation_weight)
    return (images.detach() - learning_rate * gradient).clamp(0, 1).squeeze()


@mistake("ideal_step", "The result hangs on the images: where they require gradients it does too; detach it.")
def steps_attached(model, images, target, *, learning_rate, variation_weight):
    return (images - learning_rate * _gradient(model, images, target, variation_weight)[0]).clamp(0, 1)


@mistake("ideal_image", "The picture starts as plain grey, the same for every seed; start from random noise.")
def starts_from_grey(model, target, *, size=64, steps=200, learning_rate=5.0, variation_weight=1.0, seed=0):
    return _descend(model, torch.full((1, 3, size, size), 0.5), target, steps, learning_rate, variation_weight)


@mistake("ideal_image", "torch.manual_seed changes the random state of the whole program; use a torch.Generator.")
def seeds_globally(model, target, *, size=64, steps=200, learning_rate=5.0, variation_weight=1.0, seed=0):
    torch.manual_seed(seed)
    return _descend(model, torch.rand(1, 3, size, size), target, steps, learning_rate, variation_weight)


@mistake("ideal_image", "The losses are tensors; .item() makes a Python float of each.")
def keeps_tensors(model, target, *, size=64, steps=200, learning_rate=5.0, variation_weight=1.0, seed=0):
    image, losses = _descend(model, _noise(size, seed), target, steps, learning_rate, variation_weight)
    return image, [torch.tensor(loss) for loss in losses]


@mistake("ideal_image", "Only the last loss comes back; keep one for each step.")
def returns_the_last_loss(model, target, *, size=64, steps=200, learning_rate=5.0, variation_weight=1.0, seed=0):
    image, losses = _descend(model, _noise(size, seed), target, steps, learning_rate, variation_weight)
    return image, losses[-1]


@mistake("ideal_image", "The descent climbs, so that the network is ever less sure of the target.")
def flees_the_target(model, target, *, size=64, steps=200, learning_rate=5.0, variation_weight=1.0, seed=0):
    return _descend(model, _noise(size, seed), target, steps, -learning_rate, variation_weight)


@mistake(
    "ideal_image",
    "Only one step changes the picture: start each from the picture of the last, and keep that tensor in the optimizer.",
)
def starts_over(model, target, *, size=64, steps=200, learning_rate=5.0, variation_weight=1.0, seed=0):
    gradient, loss = _gradient(model, _noise(size, seed), target, variation_weight)
    return (_noise(size, seed) - learning_rate * gradient).clamp(0, 1), [loss] * steps


@mistake("ideal_image", "The picture that comes back is still the noise: a step returns the next picture, so keep it.")
def discards_the_steps(model, target, *, size=64, steps=200, learning_rate=5.0, variation_weight=1.0, seed=0):
    _, loss = _gradient(model, _noise(size, seed), target, variation_weight)
    return _noise(size, seed), [loss] * steps


@mistake("ideal_image", "The picture before the last step comes back, so that this step is lost; return what it gives.")
def loses_the_last_step(model, target, *, size=64, steps=200, learning_rate=5.0, variation_weight=1.0, seed=0):
    image, losses = _descend(model, _noise(size, seed), target, steps - 1, learning_rate, variation_weight)
    return image, [*losses, _loss(model, image, target, variation_weight).item()]


@mistake("ideal_image", "There are as many steps as ever, however many are asked for; take `steps` of them.")
def ignores_the_steps(model, target, *, size=64, steps=200, learning_rate=5.0, variation_weight=1.0, seed=0):
    image, losses = _descend(model, _noise(size, seed), target, 200, learning_rate, variation_weight)
    return image, (losses * steps)[-steps:]


@mistake(
    "ideal_image",
    "A seed of 0 counts as none, so that each run starts from other noise; 0 is a seed like any other.",
)
def takes_zero_for_no_seed(model, target, *, size=64, steps=200, learning_rate=5.0, variation_weight=1.0, seed=0):
    generator = torch.Generator()
    generator.manual_seed(seed or generator.seed())
    noise = torch.rand(1, 3, size, size, generator=generator)
    return _descend(model, noise, target, steps, learning_rate, variation_weight)


@mistake(
    "ideal_image",
    "A weight of 0 counts as none given: `variation_weight or ...` takes every 0 for missing.",
    varies="It shows in the share of the variation, too, if the picture gets little smoother after fifty steps.",
)
def takes_weight_zero_for_missing(
    model, target, *, size=64, steps=200, learning_rate=5.0, variation_weight=1.0, seed=0
):
    return _descend(model, _noise(size, seed), target, steps, learning_rate, variation_weight or 1.0)


@mistake("ideal_image", "The learning rate is so small that the picture stays noise; a gradient by a pixel is tiny.")
def creeps(model, target, *, size=64, steps=200, learning_rate=0.001, variation_weight=1.0, seed=0):
    return _descend(model, _noise(size, seed), target, steps, learning_rate, variation_weight)


@mistake("ideal_image", "variation_weight has no effect on the picture: the descent follows the class loss alone.")
def ignores_the_variation_weight(model, target, *, size=64, steps=200, learning_rate=5.0, variation_weight=1.0, seed=0):
    return _descend(model, _noise(size, seed), target, steps, learning_rate, 0.0)


@mistake(
    "ideal_image",
    "With a weight the descent only starts from smoother noise; start from the same noise, and let the steps lower the "
    "variation.",
)
def smooths_the_start_alone(model, target, *, size=64, steps=200, learning_rate=5.0, variation_weight=1.0, seed=0):
    image, losses = _noise(size, seed), []
    if variation_weight:
        blurred = F.avg_pool2d(image, 5, 1, 2, count_include_pad=False)
        image = 0.5 + (blurred - 0.5) / (1 + variation_weight)
    for _ in range(steps):
        losses.append(_loss(model, image, target, variation_weight).item())
        image = (image - learning_rate * _gradient(model, image, target, 0.0)[0]).clamp(0, 1)
    return image, losses


@mistake("ideal_image", "variation_weight is not passed on: the loss always has a weight of 1.")
def fixes_the_variation_weight(model, target, *, size=64, steps=200, learning_rate=5.0, variation_weight=1.0, seed=0):
    return _descend(model, _noise(size, seed), target, steps, learning_rate, 1.0)


@mistake("ideal_image", "learning_rate has no effect: the length of a step is a number in the code.")
def ignores_the_learning_rate(model, target, *, size=64, steps=200, learning_rate=5.0, variation_weight=1.0, seed=0):
    return _descend(model, _noise(size, seed), target, steps, 5.0, variation_weight)


@mistake("ideal_image", "The losses are those of the class alone; the weighted variation belongs to them too.")
def tells_the_class_loss(model, target, *, size=64, steps=200, learning_rate=5.0, variation_weight=1.0, seed=0):
    image, losses = _noise(size, seed), []
    for _ in range(steps):
        losses.append(_class_loss(model, image, target).item())
        image = (image - learning_rate * _gradient(model, image, target, variation_weight)[0]).clamp(0, 1)
    return image, losses


@mistake("ideal_image", "The size has no effect: the picture is always 64 x 64.")
def ignores_the_size(model, target, *, size=64, steps=200, learning_rate=5.0, variation_weight=1.0, seed=0):
    return _descend(model, _noise(64, seed), target, steps, learning_rate, variation_weight)


@mistake("ideal_image", "The losses are means over all steps so far; keep the loss of each step.")
def averages_the_losses(model, target, *, size=64, steps=200, learning_rate=5.0, variation_weight=1.0, seed=0):
    image, losses = _descend(model, _noise(size, seed), target, steps, learning_rate, variation_weight)
    return image, [sum(losses[: step + 1]) / (step + 1) for step in range(steps)]


@mistake("ideal_image", "The losses are rounded; leave that to whoever prints them.")
def rounds_the_losses(model, target, *, size=64, steps=200, learning_rate=5.0, variation_weight=1.0, seed=0):
    image, losses = _descend(model, _noise(size, seed), target, steps, learning_rate, variation_weight)
    return image, [round(loss, 3) for loss in losses]


@mistake(
    "ideal_image", "Only the first and the last loss are measured, with a line between them; keep that of each step."
)
def draws_a_line(model, target, *, size=64, steps=200, learning_rate=5.0, variation_weight=1.0, seed=0):
    image, losses = _descend(model, _noise(size, seed), target, steps, learning_rate, variation_weight)
    fall = (losses[0] - losses[-1]) / max(steps - 1, 1)
    return image, [losses[0] - step * fall for step in range(steps)]


@mistake(
    "ideal_image", "Only the first and the last loss are measured, with a curve between them; keep that of each step."
)
def draws_a_curve(model, target, *, size=64, steps=200, learning_rate=5.0, variation_weight=1.0, seed=0):
    image, losses = _descend(model, _noise(size, seed), target, steps, learning_rate, variation_weight)
    share = (losses[-1] / losses[0]) ** (1 / max(steps - 1, 1))
    return image, [losses[0] * share**step for step in range(steps)]


@mistake("ideal_step", "The global random state is seeded, and nothing here is random; leave it alone.")
def seeds_everything(model, images, target, *, learning_rate, variation_weight):
    torch.manual_seed(0)
    return (images - learning_rate * _gradient(model, images, target, variation_weight)[0]).detach().clamp(0, 1)


@mistake(
    "ideal_step", "All parameters require gradients afterwards, also those that were frozen; leave each as it was."
)
def wakes_frozen_parameters(model, images, target, *, learning_rate, variation_weight):
    gradient, _ = _gradient(model.requires_grad_(False), images, target, variation_weight)
    model.requires_grad_(True)
    return (images.detach() - learning_rate * gradient).clamp(0, 1)


@mistake(
    "ideal_image", "All parameters require gradients afterwards, also those that were frozen; leave each as it was."
)
def wakes_what_was_frozen(model, target, *, size=64, steps=200, learning_rate=5.0, variation_weight=1.0, seed=0):
    made = _descend(model, _noise(size, seed), target, steps, learning_rate, variation_weight)
    model.requires_grad_(True)
    return made
