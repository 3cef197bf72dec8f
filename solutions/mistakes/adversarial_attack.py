"""Known mistakes in adversarial_attack, as students make them, each with the sentence that they should read."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autograder.diagnose import mistake

EPSILON, STEP_SIZE = 8 / 255, 1 / 255


def _gradient(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    images = images.detach().clone().requires_grad_()
    return torch.autograd.grad(F.cross_entropy(model(images), labels), images)[0]


def _project(images: Tensor, originals: Tensor, epsilon: float) -> Tensor:
    return (originals + (images - originals).clamp(-epsilon, epsilon)).clamp(0, 1).detach()


@mistake("fgsm", "The step goes down the gradient, which makes the network surer; an untargeted attack goes up.")
def lowers_the_loss(model, images, labels, epsilon):
    return (images.detach() - epsilon * _gradient(model, images, labels).sign()).clamp(0, 1)


@mistake(
    "fgsm",
    "The gradient itself is added; the method takes only its sign, so that each pixel moves by epsilon.",
)
def forgets_the_sign(model, images, labels, epsilon):
    return (images.detach() + epsilon * _gradient(model, images, labels)).clamp(0, 1)


@mistake("fgsm", "The gradient is divided by its largest entry; take its sign, so that each pixel moves by epsilon.")
def divides_by_the_largest(model, images, labels, epsilon):
    gradient = _gradient(model, images, labels)
    return (
        images.detach() + epsilon * gradient / gradient.abs().amax(dim=(1, 2, 3), keepdim=True).clamp_min(1e-12)
    ).clamp(0, 1)


@mistake("fgsm", "The result leaves the range of pixels; clamp it to [0, 1].")
def forgets_to_clamp(model, images, labels, epsilon):
    return images.detach() + epsilon * _gradient(model, images, labels).sign()


@mistake("fgsm", "The call leaves gradients on the model; torch.autograd.grad(loss, images) does not.")
def leaves_gradients(model, images, labels, epsilon):
    images = images.detach().clone().requires_grad_()
    F.cross_entropy(model(images), labels).backward()
    return (images.detach() + epsilon * images.grad.sign()).clamp(0, 1).detach()


@mistake("fgsm", "The change comes back alone; add it to the images.")
def returns_the_change_alone(model, images, labels, epsilon):
    return epsilon * _gradient(model, images, labels).sign()


@mistake("fgsm", "An epsilon of 0 counts as none given: `epsilon or ...` takes every 0 for missing.")
def takes_zero_for_missing(model, images, labels, epsilon):
    return (images.detach() + (epsilon or EPSILON) * _gradient(model, images, labels).sign()).clamp(0, 1)


@mistake("fgsm", "The epsilon that is given has no effect: pixels move by 8/255 whatever is asked for.")
def always_moves_by_the_same(model, images, labels, epsilon):
    return (images.detach() + EPSILON * _gradient(model, images, labels).sign()).clamp(0, 1)


@mistake("fgsm", "The labels are not used: this raises the loss of the class that the network sees, right or wrong.")
def ignores_the_labels(model, images, labels, epsilon):
    with torch.no_grad():
        seen = model(images).argmax(dim=1)
    return (images.detach() + epsilon * _gradient(model, images, seen).sign()).clamp(0, 1)


@mistake("fgsm", "Images that the network gets wrong already stay as they are; every image takes the step.")
def spares_what_is_wrong_already(model, images, labels, epsilon):
    wrong = (model(images).argmax(dim=1) != labels).view(-1, 1, 1, 1)
    moved = (images.detach() + epsilon * _gradient(model, images, labels).sign()).clamp(0, 1)
    return torch.where(wrong, images, moved).detach()


@mistake(
    "fgsm", "The logit of the label alone is lowered, as by F.nll_loss of logits; F.cross_entropy looks at all of them."
)
def takes_logits_for_logarithms(model, images, labels, epsilon):
    images = images.detach().clone().requires_grad_()
    gradient = torch.autograd.grad(F.nll_loss(model(images), labels), images)[0]
    return (images.detach() + epsilon * gradient.sign()).clamp(0, 1)


@mistake("fgsm", "F.cross_entropy gets probabilities, but takes the logits themselves: it has a softmax of its own.")
def takes_a_softmax_first(model, images, labels, epsilon):
    images = images.detach().clone().requires_grad_()
    loss = F.cross_entropy(model(images).softmax(dim=1), labels)
    gradient = torch.autograd.grad(loss, images)[0]
    return (images.detach() + epsilon * gradient.sign()).clamp(0, 1)


@mistake("fgsm", "Pixels are clamped to the darkest and the brightest of the batch; the range of pixels is [0, 1].")
def clamps_to_the_range_of_the_batch(model, images, labels, epsilon):
    return (images.detach() + epsilon * _gradient(model, images, labels).sign()).clamp(images.min(), images.max())


@mistake("fgsm", "The result is rounded to whole levels of 1/255; leave the pixels as they are.")
def rounds_to_bytes(model, images, labels, epsilon):
    moved = (images.detach() + epsilon * _gradient(model, images, labels).sign()).clamp(0, 1)
    return (moved * 255).round() / 255


@mistake("fgsm", "The result is float32 whatever came in; keep the dtype of the images.")
def steps_in_float32(model, images, labels, epsilon):
    return (images.detach() + epsilon * _gradient(model, images, labels).sign()).clamp(0, 1).float()


@mistake("fgsm", "The result hangs on the images: where they require gradients it does too; detach it.")
def stays_attached(model, images, labels, epsilon):
    return (images + epsilon * _gradient(model, images, labels).sign()).clamp(0, 1)


@mistake(
    "fgsm",
    "A pixel with a gradient of zero moves down, as if it were negative; the sign of zero is zero.",
)
def takes_zero_for_negative(model, images, labels, epsilon):
    up = _gradient(model, images, labels) > 0
    return (images.detach() + torch.where(up, epsilon, -epsilon)).clamp(0, 1)


@mistake(
    "project",
    "The change is not limited: images further than epsilon from their originals come back as they are.",
)
def forgets_the_ball(images, originals, epsilon):
    return images.clamp(0, 1)


@mistake("project", "Where no pixel is further than epsilon the originals come back; the images should, as they are.")
def gives_originals_for_what_is_allowed(images, originals, epsilon):
    if (images - originals).abs().max() <= epsilon:
        return originals.clone()
    return _project(images, originals, epsilon)


@mistake(
    "project", "Where no pixel is further than epsilon the images come back as they are, also those that leave [0, 1]."
)
def returns_what_is_near_as_it_is(images, originals, epsilon):
    if (images - originals).abs().max() <= epsilon:
        return images.detach().clone()
    return _project(images, originals, epsilon)


@mistake("project", "The result leaves the range of pixels; clamp it to [0, 1] after the ball.")
def forgets_the_range(images, originals, epsilon):
    return originals + (images - originals).clamp(-epsilon, epsilon)


@mistake(
    "project",
    "The change is scaled into an L2 ball; this one is L-infinity: each pixel is limited on its own.",
)
def scales_to_l2(images, originals, epsilon):
    change = images - originals
    norms = change.flatten(1).norm(dim=1).clamp(min=1e-12).view(-1, 1, 1, 1)
    return (originals + change * (epsilon / norms).clamp(max=1)).clamp(0, 1)


@mistake("project", "All changes of an image are scaled by one factor; each pixel is limited on its own.")
def scales_the_whole_change(images, originals, epsilon):
    change = images - originals
    largest = change.flatten(1).abs().amax(dim=1).clamp(min=1e-12).view(-1, 1, 1, 1)
    return (originals + change * (epsilon / largest).clamp(max=1)).clamp(0, 1)


@mistake("project", "A pixel that is too far from its original goes back to it; it stops at the edge of the ball.")
def goes_back_to_the_original(images, originals, epsilon):
    near = (images - originals).abs() <= epsilon
    return images.where(near, originals).clamp(0, 1)


@mistake("project", "The change itself comes back; add it to the originals.")
def returns_the_change(images, originals, epsilon):
    return (images - originals).clamp(-epsilon, epsilon)


@mistake("project", "Every pixel is moved to the edge of the ball; those inside stay where they are.")
def snaps_to_the_edge(images, originals, epsilon):
    return (originals + epsilon * (images - originals).sign()).clamp(0, 1)


@mistake(
    "project",
    "Minimum and maximum are the wrong way round: the upper bound comes by a minimum.",
)
def swaps_the_bounds(images, originals, epsilon):
    return images.minimum(originals - epsilon).maximum(originals + epsilon).clamp(0, 1)


@mistake("project", "Allowed images come back attached, where they require gradients; detach those as well.")
def returns_allowed_images_attached(images, originals, epsilon):
    allowed = (images - originals).abs().max() <= epsilon and images.min() >= 0 and images.max() <= 1
    return images if allowed else _project(images, originals, epsilon)


@mistake("project", "The images that were passed in are changed; work on a copy.")
def changes_the_images(images, originals, epsilon):
    return images.sub_(originals).clamp_(-epsilon, epsilon).add_(originals).clamp_(0, 1)


@mistake(
    "project", "Only pixels that became too bright are brought back; darker ones have to stay within epsilon, too."
)
def limits_upward_changes_only(images, originals, epsilon):
    return torch.minimum(images.detach(), originals.detach() + epsilon).clamp(0, 1)


@mistake("targeted_step", "The call leaves gradients on the model; torch.autograd.grad(loss, images) does not.")
def keeps_gradients_on_the_model(model, images, originals, targets, *, step_size, epsilon):
    images = images.detach().clone().requires_grad_()
    F.cross_entropy(model(images), targets).backward()
    return _project(images.detach() - step_size * images.grad.sign(), originals, epsilon)


@mistake("targeted_step", "The step raises the loss of the targets; to get to a target, go down.")
def flees_the_target(model, images, originals, targets, *, step_size, epsilon):
    gradient = _gradient(model, images, targets)
    return _project(images + step_size * gradient.sign(), originals, epsilon)


@mistake(
    "targeted_step",
    "The ball lies round the current images, so that the attack can drift away; take the originals.",
)
def ball_round_the_current(model, images, originals, targets, *, step_size, epsilon):
    gradient = _gradient(model, images, targets)
    return _project(images - step_size * gradient.sign(), images, epsilon)


@mistake(
    "targeted_step",
    "The step is epsilon long; its length is step_size, epsilon is how far all steps may lead.",
)
def steps_by_epsilon(model, images, originals, targets, *, step_size, epsilon):
    gradient = _gradient(model, images, targets)
    return _project(images - epsilon * gradient.sign(), originals, epsilon)


@mistake(
    "targeted_step",
    "The step starts from the originals each time, so that many steps are no better than one.",
)
def starts_over(model, images, originals, targets, *, step_size, epsilon):
    gradient = _gradient(model, images, targets)
    return _project(originals - step_size * gradient.sign(), originals, epsilon)


@mistake(
    "targeted_step",
    "The step raises the target's logit alone; the cross-entropy falls by the other classes' logits too.",
)
def raises_the_logit_alone(model, images, originals, targets, *, step_size, epsilon):
    attacked = images.detach().clone().requires_grad_()
    gradient = torch.autograd.grad(model(attacked).gather(1, targets[:, None]).sum(), attacked)[0]
    return _project(images + step_size * gradient.sign(), originals, epsilon)


@mistake(
    "targeted_step",
    "The step is cut to epsilon, so an image at one side of the ball does not get to the other; the ball alone limits it.",
)
def limits_the_step_itself(model, images, originals, targets, *, step_size, epsilon):
    gradient = _gradient(model, images, targets)
    return _project(images - min(step_size, epsilon) * gradient.sign(), originals, epsilon)


@mistake(
    "targeted_step",
    "F.cross_entropy gets probabilities, but takes the logits themselves: it has a softmax of its own.",
)
def steps_by_a_softmax_of_probabilities(model, images, originals, targets, *, step_size, epsilon):
    attacked = images.detach().clone().requires_grad_()
    loss = F.cross_entropy(model(attacked).softmax(dim=1), targets)
    gradient = torch.autograd.grad(loss, attacked)[0]
    return _project(images - step_size * gradient.sign(), originals, epsilon)


@mistake("targeted_step", "The gradient is that at the originals; the attack stands at the images by now.")
def looks_at_the_originals(model, images, originals, targets, *, step_size, epsilon):
    gradient = _gradient(model, originals, targets)
    return _project(images - step_size * gradient.sign(), originals, epsilon)


@mistake("targeted_step", "The result leaves the range of pixels; clamp it to [0, 1] after the ball.")
def steps_out_of_the_range(model, images, originals, targets, *, step_size, epsilon):
    stepped = images - step_size * _gradient(model, images, targets).sign()
    return (originals + (stepped - originals).clamp(-epsilon, epsilon)).detach()


@mistake(
    "targeted_step",
    "Images that the network takes for their targets stay as they are; a step always goes on, to stop is up to the attack.",
)
def spares_what_fools_already(model, images, originals, targets, *, step_size, epsilon):
    done = (model(images).argmax(dim=1) == targets).view(-1, 1, 1, 1)
    stepped = images - step_size * _gradient(model, images, targets).sign()
    return torch.where(done, images, _project(stepped, originals, epsilon)).detach()


@mistake("targeted_step", "The step comes back alone; take it from the images, and project.")
def returns_the_step_alone(model, images, originals, targets, *, step_size, epsilon):
    return -step_size * _gradient(model, images, targets).sign()


@mistake(
    "targeted_step", "The images are projected before the step, which then leads out of the ball: step, then project."
)
def projects_before_the_step(model, images, originals, targets, *, step_size, epsilon):
    near = _project(images, originals, epsilon)
    return (near - step_size * _gradient(model, images, targets).sign()).clamp(0, 1).detach()


@mistake(
    "targeted_step",
    "The gradient is divided by its largest entry, so that most pixels move by less; its sign moves each by step_size.",
)
def scales_by_the_largest_entry(model, images, originals, targets, *, step_size, epsilon):
    gradient = _gradient(model, images, targets)
    largest = gradient.flatten(1).abs().amax(dim=1).clamp(min=1e-12).view(-1, 1, 1, 1)
    return _project(images - step_size * gradient / largest, originals, epsilon)


@mistake(
    "targeted_step", "The gradient itself is subtracted, so that pixels hardly move; its sign moves each by step_size."
)
def forgets_the_sign_of_the_step(model, images, originals, targets, *, step_size, epsilon):
    return _project(images - step_size * _gradient(model, images, targets), originals, epsilon)


@mistake("targeted_step", "An epsilon of 0 counts as no bound: `if epsilon` takes 0 for missing; project always.")
def takes_zero_for_no_bound(model, images, originals, targets, *, step_size, epsilon):
    moved = images.detach() - step_size * _gradient(model, images, targets).sign()
    return _project(moved, originals, epsilon) if epsilon else moved.clamp(0, 1)


@mistake("targeted_step", "The result hangs on the images: where they require gradients it does too; detach it.")
def steps_attached(model, images, originals, targets, *, step_size, epsilon):
    moved = images - step_size * _gradient(model, images, targets).sign()
    return (originals + (moved - originals).clamp(-epsilon, epsilon)).clamp(0, 1)


def _attacked(model, images, targets, epsilon, step_size, steps):
    """The attack as it should be; the ball is left out where `epsilon` is infinite."""
    attacked = images.clone()
    for _ in range(steps):
        done = (model(attacked).argmax(dim=1) == targets).view(-1, 1, 1, 1)
        if done.all():
            break
        gradient = _gradient(model, attacked, targets)
        attacked = torch.where(done, attacked, _project(attacked - step_size * gradient.sign(), images, epsilon))
    return attacked.detach()


@mistake("targeted_attack", "One step more is taken than `steps` says, as by range(steps + 1), which begins at 0.")
def takes_one_step_more(model, images, targets, *, epsilon=8 / 255, step_size=1 / 255, steps=40):
    return _attacked(model, images, targets, epsilon, step_size, steps + 1)


@mistake(
    "targeted_attack", "One step less is taken than `steps` says, as by range(1, steps), which leaves out its end."
)
def takes_one_step_less(model, images, targets, *, epsilon=8 / 255, step_size=1 / 255, steps=40):
    return _attacked(model, images, targets, epsilon, step_size, steps - 1)


@mistake(
    "targeted_attack", "Sizes that are left out are other ones than in the skeleton; leave its defaults as they are."
)
def takes_other_defaults(model, images, targets, *, epsilon=8 / 255, step_size=2 / 255, steps=20):
    return _attacked(model, images, targets, epsilon, step_size, steps)


@mistake("targeted_attack", "The global random state is seeded, and nothing here is random; leave it alone.")
def seeds_everything(model, images, targets, *, epsilon=8 / 255, step_size=1 / 255, steps=40):
    torch.manual_seed(0)
    return _attacked(model, images, targets, epsilon, step_size, steps)


@mistake("targeted_attack", "The changes come back alone; add them to the images.")
def returns_the_changes_alone(model, images, targets, *, epsilon=EPSILON, step_size=STEP_SIZE, steps=40):
    return _attacked(model, images, targets, epsilon, step_size, steps) - images


@mistake("targeted_attack", "The gradient is taken once, at the originals; take it anew at each step.")
def keeps_the_first_gradient(model, images, targets, *, epsilon=EPSILON, step_size=STEP_SIZE, steps=40):
    sign, attacked = _gradient(model, images, targets).sign(), images.clone()
    for _ in range(steps):
        done = (model(attacked).argmax(dim=1) == targets).view(-1, 1, 1, 1)
        attacked = torch.where(done, attacked, _project(attacked - step_size * sign, images, epsilon))
    return attacked.detach()


@mistake("targeted_attack", "The steps lead out of the ball round the originals; project after each.")
def never_projects(model, images, targets, *, epsilon=EPSILON, step_size=STEP_SIZE, steps=40):
    return _attacked(model, images, targets, float("inf"), step_size, steps)


@mistake(
    "targeted_attack",
    "Each step is projected round the images of the step before, so that the change grows; project round the originals.",
)
def lets_the_ball_drift(model, images, targets, *, epsilon=EPSILON, step_size=STEP_SIZE, steps=40):
    attacked = images.detach().clone()
    for _ in range(steps):
        left = model(attacked).argmax(dim=1) != targets
        if not left.any():
            break
        gradient = _gradient(model, attacked[left], targets[left])
        attacked[left] = _project(attacked[left] - step_size * gradient.sign(), attacked[left], epsilon)
    return attacked


@mistake("targeted_attack", "The epsilon that is given has no effect: the attack keeps to 8/255 whatever is asked for.")
def ignores_epsilon(model, images, targets, *, epsilon=EPSILON, step_size=STEP_SIZE, steps=40):
    return _attacked(model, images, targets, EPSILON, step_size, steps)


@mistake("targeted_attack", "The number of steps that is given has no effect: the attack always takes 40.")
def ignores_the_number_of_steps(model, images, targets, *, epsilon=EPSILON, step_size=STEP_SIZE, steps=40):
    return _attacked(model, images, targets, epsilon, step_size, 40)


@mistake("targeted_attack", "The step_size that is given has no effect: pixels move by 1/255 whatever is asked for.")
def ignores_the_step_size(model, images, targets, *, epsilon=EPSILON, step_size=STEP_SIZE, steps=40):
    return _attacked(model, images, targets, epsilon, STEP_SIZE, steps)


@mistake("targeted_attack", "The first step changes every image; leave alone those that are their targets already.")
def changes_all_in_the_first_step(model, images, targets, *, epsilon=EPSILON, step_size=STEP_SIZE, steps=40):
    moved = _project(images - step_size * _gradient(model, images, targets).sign(), images, epsilon)
    for _ in range(steps - 1):
        done = (model(moved).argmax(dim=1) == targets).view(-1, 1, 1, 1)
        if done.all():
            break
        gradient = _gradient(model, moved, targets)
        moved = torch.where(done, moved, _project(moved - step_size * gradient.sign(), images, epsilon))
    return moved.detach()


@mistake("targeted_attack", "No more than 40 steps are taken; take as many as are asked for.")
def takes_forty_steps_at_most(model, images, targets, *, epsilon=EPSILON, step_size=STEP_SIZE, steps=40):
    return _attacked(model, images, targets, epsilon, step_size, min(steps, 40))


@mistake("targeted_attack", "0 steps count as none given: `steps or ...` takes every 0 for missing.")
def takes_zero_steps_for_missing(model, images, targets, *, epsilon=EPSILON, step_size=STEP_SIZE, steps=40):
    return _attacked(model, images, targets, epsilon, step_size, steps or 40)


@mistake("targeted_attack", "Images that need no change come back attached, where they require gradients; detach them.")
def stays_attached_without_a_step(model, images, targets, *, epsilon=EPSILON, step_size=STEP_SIZE, steps=40):
    done = (model(images).argmax(dim=1) == targets).all()
    return images if done else _attacked(model, images, targets, epsilon, step_size, steps)


@mistake("targeted_attack", "The images that were given are changed: attacked = images is no copy; clone them.")
def attacks_in_place(model, images, targets, *, epsilon=EPSILON, step_size=STEP_SIZE, steps=40):
    return images.copy_(_attacked(model, images, targets, epsilon, step_size, steps))


@mistake(
    "targeted_attack",
    "The images that were given are changed, and the ball moves along with them: detach() is no copy; clone them.",
)
def takes_a_view_for_a_copy(model, images, targets, *, epsilon=EPSILON, step_size=STEP_SIZE, steps=40):
    attacked = images.detach()
    for _ in range(steps):
        left = model(attacked).argmax(dim=1) != targets
        if not left.any():
            break
        gradient = _gradient(model, attacked[left], targets[left])
        attacked[left] = _project(attacked[left] - step_size * gradient.sign(), images[left], epsilon)
    return attacked


@mistake("targeted_attack", "Images that fool the model already are changed further; leave those alone.")
def never_stops(model, images, targets, *, epsilon=EPSILON, step_size=STEP_SIZE, steps=40):
    attacked = images.clone()
    for _ in range(steps):
        gradient = _gradient(model, attacked, targets)
        attacked = _project(attacked - step_size * gradient.sign(), images, epsilon)
    return attacked


@mistake("targeted_attack", "All images are changed until the last one fools the model; leave alone those that do.")
def waits_for_the_last(model, images, targets, *, epsilon=EPSILON, step_size=STEP_SIZE, steps=40):
    attacked = images.clone()
    for _ in range(steps):
        gradient = _gradient(model, attacked, targets)
        attacked = _project(attacked - step_size * gradient.sign(), images, epsilon)
        if (model(attacked).argmax(dim=1) == targets).all():
            break
    return attacked


@mistake(
    "targeted_attack",
    "Whether an image fools the model is asked before every other step only; ask before each, and leave it alone then.",
)
def asks_before_every_other_step(model, images, targets, *, epsilon=EPSILON, step_size=STEP_SIZE, steps=40):
    attacked = images.clone()
    for step in range(steps):
        if step % 2 == 0:
            with torch.no_grad():
                left = model(attacked).argmax(dim=1) != targets
        if not left.any():
            break
        gradient = _gradient(model, attacked[left], targets[left])
        attacked[left] = _project(attacked[left] - step_size * gradient.sign(), images[left], epsilon)
    return attacked


@mistake(
    "targeted_attack",
    "An image that does not fool the model in the end comes back as it came; it should come back as far as it got.",
)
def gives_the_failures_back(model, images, targets, *, epsilon=EPSILON, step_size=STEP_SIZE, steps=40):
    attacked = images.clone()
    for _ in range(steps):
        with torch.no_grad():
            left = model(attacked).argmax(dim=1) != targets
        if not left.any():
            return attacked
        gradient = _gradient(model, attacked[left], targets[left])
        attacked[left] = _project(attacked[left] - step_size * gradient.sign(), images[left], epsilon)
    with torch.no_grad():
        left = model(attacked).argmax(dim=1) != targets
    attacked[left] = images[left]
    return attacked


@mistake(
    "targeted_attack",
    "As long as one image does not fool the model, all of them are changed; leave alone those that do already.",
)
def moves_all_for_the_last(model, images, targets, *, epsilon=EPSILON, step_size=STEP_SIZE, steps=40):
    attacked = images.detach().clone()
    for _ in range(steps):
        if (model(attacked).argmax(dim=1) == targets).all():
            break
        gradient = _gradient(model, attacked, targets)
        attacked = _project(attacked - step_size * gradient.sign(), images, epsilon)
    return attacked


@mistake("targeted_attack", "The attack ends for all images once one of them fools the model; go on until each does.")
def ends_with_the_first_success(model, images, targets, *, epsilon=EPSILON, step_size=STEP_SIZE, steps=40):
    attacked = images.detach().clone()
    for _ in range(steps):
        if (model(attacked).argmax(dim=1) == targets).any():
            break
        gradient = _gradient(model, attacked, targets)
        attacked = _project(attacked - step_size * gradient.sign(), images, epsilon)
    return attacked


@mistake(
    "targeted_attack",
    "An image is left alone once the model sees any other class in it than at first; go on until it sees the target.",
)
def stops_at_any_other_class(model, images, targets, *, epsilon=EPSILON, step_size=STEP_SIZE, steps=40):
    first, attacked = model(images).argmax(dim=1), images.clone()
    for _ in range(steps):
        seen = model(attacked).argmax(dim=1)
        done = ((seen != first) | (seen == targets)).view(-1, 1, 1, 1)
        if done.all():
            break
        gradient = _gradient(model, attacked, targets)
        attacked = torch.where(done, attacked, _project(attacked - step_size * gradient.sign(), images, epsilon))
    return attacked.detach()


@mistake(
    "targeted_attack", "One step of epsilon is no attack: take small ones, and look at the gradient again at each."
)
def takes_one_long_step(model, images, targets, *, epsilon=EPSILON, step_size=STEP_SIZE, steps=40):
    return _attacked(model, images, targets, epsilon, epsilon, 1)


@mistake("targeted_attack", "The attack runs away from the targets instead of towards them.")
def attacks_away(model, images, targets, *, epsilon=EPSILON, step_size=STEP_SIZE, steps=40):
    attacked = images.clone()
    for _ in range(steps):
        done = (model(attacked).argmax(dim=1) == targets).view(-1, 1, 1, 1)
        if done.all():
            break
        gradient = _gradient(model, attacked, targets)
        attacked = torch.where(done, attacked, _project(attacked + step_size * gradient.sign(), images, epsilon))
    return attacked


@mistake(
    "success_rate",
    "This compares how often each class occurs; compare the answer for each image with its own target.",
)
def compares_counts(model, images, targets):
    with torch.no_grad():
        answers = model(images).argmax(dim=1)
    count = int(max(answers.max(), targets.max())) + 1
    both = torch.minimum(answers.bincount(minlength=count), targets.bincount(minlength=count))
    return both.sum().item() / len(images)


@mistake(
    "success_rate",
    "This counts the images that the model does not take for their targets: the rate is one minus that.",
)
def counts_failures(model, images, targets):
    with torch.no_grad():
        return (model(images).argmax(dim=1) != targets).float().mean().item()


@mistake(
    "success_rate",
    "An image counts only where its target has more than half of the probability; it is enough to have the most.",
)
def asks_for_half_of_the_probability(model, images, targets):
    with torch.no_grad():
        shares = model(images).softmax(dim=1)
    return (shares.gather(1, targets[:, None]) > 0.5).float().mean().item()


def _mean_of_rates(model, images, targets, batch_size):
    with torch.no_grad():
        hits = [
            (model(batch).argmax(dim=1) == wanted).float().mean()
            for batch, wanted in zip(images.split(batch_size), targets.split(batch_size), strict=True)
        ]
    return torch.stack(hits).mean().item()


@mistake(
    "success_rate",
    "The rates of batches are averaged, though the last batch is smaller: count the images of all batches, and divide once.",
)
def averages_batches(model, images, targets):
    return _mean_of_rates(model, images, targets, 16)


@mistake(
    "success_rate", "The softmax runs over the images, so that the largest of a row is not the model's answer: dim=1."
)
def compares_images_with_one_another(model, images, targets):
    with torch.no_grad():
        return (model(images).softmax(dim=0).argmax(dim=1) == targets).float().mean().item()


@mistake("success_rate", "Gradients are turned off for the whole program, and stay so; use `with torch.no_grad():`.")
def turns_gradients_off(model, images, targets):
    torch.set_grad_enabled(False)
    return (model(images).argmax(dim=1) == targets).double().mean().item()


@mistake("success_rate", "This is the number of images; the rate is their share.")
def counts_images(model, images, targets):
    with torch.no_grad():
        return float((model(images).argmax(dim=1) == targets).sum())


@mistake("success_rate", "This is the mean probability of the targets; count the images that the model takes for them.")
def averages_the_probabilities(model, images, targets):
    with torch.no_grad():
        return model(images).softmax(dim=1).gather(1, targets[:, None]).mean().item()


@mistake("success_rate", "The rate is rounded to two decimals; leave that to whoever prints it.")
def rounds_the_rate(model, images, targets):
    with torch.no_grad():
        return round((model(images).argmax(dim=1) == targets).double().mean().item(), 2)


@mistake("success_rate", "This is a percentage; the rate lies in [0, 1].")
def gives_percent(model, images, targets):
    with torch.no_grad():
        return 100 * (model(images).argmax(dim=1) == targets).float().mean().item()


@mistake(
    "success_rate", "The model's parameters do not require gradients afterwards; torch.no_grad() leaves it as it is."
)
def freezes_the_model(model, images, targets):
    return (model.requires_grad_(False)(images).argmax(dim=1) == targets).float().mean().item()


@mistake(
    "success_rate",
    "The rates of batches are averaged, though the last batch is smaller: count the images of all batches, and divide once.",
)
def averages_small_batches(model, images, targets):
    return _mean_of_rates(model, images, targets, 4)


@mistake(
    "success_rate", "A target counts where it is ranked second as well; only the class with the largest logit counts."
)
def counts_second_guesses(model, images, targets):
    with torch.no_grad():
        logits = model(images)
    guesses = logits.topk(min(2, logits.shape[1]), dim=1).indices
    return (guesses == targets[:, None]).any(dim=1).float().mean().item()


@mistake("perturbation_norms", "Each channel has a length of its own, and they are added up; an image has one L2 norm.")
def adds_the_lengths_of_channels(images, originals):
    change = images - originals
    return change.flatten(1).abs().amax(dim=1), change.flatten(2).norm(dim=2).sum(dim=1)


@mistake("perturbation_norms", "The two norms are in the wrong order: L-infinity first, then L2.")
def swaps_the_norms(images, originals):
    change = (images - originals).flatten(1)
    return change.norm(dim=1), change.abs().amax(dim=1)


@mistake(
    "perturbation_norms",
    "Over two dimensions torch.linalg.norm is a norm of matrices, here the largest sum of a row; flatten each image first.",
)
def takes_the_norm_of_matrices(images, originals):
    change = images - originals
    rows = torch.linalg.norm(change, ord=float("inf"), dim=(2, 3)).amax(dim=1)
    return rows, change.flatten(1).norm(dim=1)


@mistake("perturbation_norms", "The root is missing: the L2 norm is the root of the sum of squares.")
def forgets_the_root(images, originals):
    change = (images - originals).flatten(1)
    return change.abs().amax(dim=1), (change**2).sum(dim=1)


@mistake("perturbation_norms", "The squares are averaged; the L2 norm is the root of their sum.")
def averages_the_squares(images, originals):
    change = (images - originals).flatten(1)
    return change.abs().amax(dim=1), (change**2).mean(dim=1).sqrt()


@mistake(
    "perturbation_norms", "The channels are added up first, where their changes cancel; every entry counts on its own."
)
def adds_up_the_channels(images, originals):
    change = (images - originals).sum(dim=1).flatten(1)
    return change.abs().amax(dim=1), change.norm(dim=1)


@mistake("perturbation_norms", "The largest change is taken with its sign; a darker pixel has changed too.")
def forgets_negative_changes(images, originals):
    change = (images - originals).flatten(1)
    return change.amax(dim=1), change.norm(dim=1)


@mistake("perturbation_norms", "The change is turned into float32; keep the dtype that comes in.")
def turns_into_float32(images, originals):
    change = (images - originals).float().flatten(1)
    return change.abs().amax(dim=1), change.norm(dim=1)


@mistake(
    "perturbation_norms", "The largest length of a pixel's colours is taken; L-infinity is the largest single entry."
)
def takes_colours_for_vectors(images, originals):
    change = images - originals
    return change.norm(dim=1).flatten(1).amax(dim=1), change.flatten(1).norm(dim=1)


@mistake(
    "perturbation_norms",
    "With ord=2 over two dimensions this is the largest singular value of a matrix; flatten each image first.",
)
def takes_the_spectral_norm(images, originals):
    change = images - originals
    return change.flatten(1).abs().amax(dim=1), torch.linalg.norm(change, ord=2, dim=(2, 3)).norm(dim=1)


@mistake("perturbation_norms", "The norms are taken over the whole batch; each image has a number of its own.")
def measures_the_whole_batch(images, originals):
    change = images - originals
    return change.abs().max(), torch.linalg.vector_norm(change)


@mistake("perturbation_norms", "A single image gives numbers without a dimension: squeeze() drops the batch too.")
def squeezes_a_single_image(images, originals):
    change = (images - originals).flatten(1)
    return change.abs().amax(dim=1).squeeze(), torch.linalg.vector_norm(change, dim=1).squeeze()


@mistake(
    "perturbation_norms", "The L2 norm is the largest over the pixels of a norm over their colours; take it over all."
)
def takes_the_longest_colour(images, originals):
    change = images - originals
    return change.flatten(1).abs().amax(dim=1), change.norm(dim=1).flatten(1).amax(dim=1)


@mistake(
    "perturbation_norms",
    "The absolute changes are added up, which is the L1 norm; the L2 norm is the root of the sum of squares.",
)
def adds_the_absolute_changes(images, originals):
    change = (images - originals).flatten(1).abs()
    return change.amax(dim=1), change.sum(dim=1)
