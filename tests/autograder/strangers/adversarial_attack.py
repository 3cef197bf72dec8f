import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def fgsm__backward_on_the_model(model, images, labels, epsilon):
    x = images.detach().clone()
    x.requires_grad_(True)
    loss = F.cross_entropy(model(x), labels)
    model.zero_grad()
    loss.backward()
    return torch.clamp(x + epsilon * torch.sign(x.grad), 0, 1).detach()


def project__clips_the_images_first(images, originals, epsilon):
    images = torch.minimum(torch.maximum(images, originals - epsilon), originals + epsilon)
    return images


def project__l2(images, originals, epsilon):
    delta = (images - originals).detach()
    size = torch.linalg.vector_norm(delta, dim=(1, 2, 3), keepdim=True)
    delta = torch.where(size > epsilon, delta * epsilon / size, delta)
    return (originals.detach() + delta).clip(0.0, 1.0)


def targeted_step__projects_round_itself(model, images, originals, targets, *, step_size, epsilon):
    x = images.detach().requires_grad_()
    g = torch.autograd.grad(F.cross_entropy(model(x), targets, reduction="sum"), x)[0]
    x = x.detach()
    new = x - step_size * g.sign()
    new = torch.max(torch.min(new, x + epsilon), x - epsilon)
    return new.clamp(0, 1)


def success_rate__percent(model, images, targets):
    with torch.inference_mode():
        guess = model(images).max(dim=1).indices
    return 100 * guess.eq(targets).sum().item() / targets.numel()


def perturbation_norms__mean_square(images, originals):
    d = (images - originals).reshape(images.shape[0], -1)
    return d.abs().max(dim=1).values, d.pow(2).mean(dim=1).sqrt()


def fgsm__towards_the_label(model, images, labels, epsilon):
    x = images.clone().detach()
    x.requires_grad = True
    g = torch.autograd.grad(nn.CrossEntropyLoss()(model(x), labels), [x])[0]
    return torch.clip(x - epsilon * torch.sign(g), 0, 1).detach()


def project__bounds_swapped(images, originals, epsilon):
    low, high = originals - epsilon, originals + epsilon
    x = torch.max(torch.min(images.detach(), low), high)
    return torch.clamp(x, 0.0, 1.0)


def targeted_attack__goes_on_with_all(model, images, targets, *, epsilon=8 / 255, step_size=1 / 255, steps=40):
    x = images.clone().detach()
    for _ in range(steps):
        x = targeted_step(model, x, images, targets, step_size=step_size, epsilon=epsilon)
        with torch.no_grad():
            if (model(x).argmax(1) == targets).all():
                return x
    return x


# The step follows the gradient itself instead of its sign.
def fgsm__gradient_without_sign(model, images, labels, epsilon):
    with torch.enable_grad():
        x = images.detach().clone().requires_grad_(True)
        loss = F.cross_entropy(model(x), labels)
        (gradient,) = torch.autograd.grad(loss, x)
    return torch.clamp(x.detach() + epsilon * gradient, 0, 1)


# The step goes up the gradient, away from the targets, as in an untargeted attack.
def targeted_step__steps_away_from_the_targets(model, images, originals, targets, *, step_size, epsilon):
    current_images = images.detach().clone()
    current_images.requires_grad_()
    with torch.enable_grad():
        loss_towards_targets = F.cross_entropy(model(current_images), targets, reduction="sum")
        gradient_of_pixels = torch.autograd.grad(loss_towards_targets, [current_images])[0]
    direction = torch.sign(gradient_of_pixels)
    stepped_images = current_images.detach() + step_size * direction
    return project(stepped_images, originals, epsilon)


# All images are moved in every step, also those that fool the model already.
def targeted_attack__fooled_images_are_moved_on(
    model, images, targets, *, epsilon=8 / 255, step_size=1 / 255, steps=40
):
    attacked = images.detach().clone()
    for _ in range(steps):
        with torch.no_grad():
            fooled = model(attacked).argmax(dim=1) == targets
        if fooled.all():
            break
        attacked = targeted_step(
            model, attacked, images, targets, step_size=step_size, epsilon=epsilon
        )
    return attacked.detach()


# The L2 norm is returned squared: the root is forgotten.
def perturbation_norms__root_forgotten(images, originals):
    change = (images - originals).flatten(start_dim=1)
    largest = change.abs().max(dim=1).values
    length = torch.einsum("nd,nd->n", change, change)
    return largest, length


# Images that the network already gets wrong are left as they are, but every image has to be stepped.
def fgsm__wrong_ones_left_alone(model: nn.Module, images: Tensor, labels: Tensor, epsilon: float) -> Tensor:
    data = images.detach().clone()
    data.requires_grad = True

    output = model(data)
    init_pred = output.max(1)[1]

    loss = F.cross_entropy(output, labels)
    data_grad = torch.autograd.grad(loss, data)[0]

    perturbed = torch.clamp(data + epsilon * data_grad.sign(), 0, 1).detach()

    wrong = init_pred != labels
    perturbed[wrong] = images.detach()[wrong]
    return perturbed


# backward() also fills the .grad of the model's weights, and zero_grad comes before it, so gradients stay on the model.
def fgsm__zero_grad_before_backward(
    model: nn.Module, images: torch.Tensor, labels: torch.Tensor, epsilon: float
) -> torch.Tensor:
    x = images.clone().detach()
    x.requires_grad_(True)
    criterion = nn.CrossEntropyLoss()
    loss = criterion(model(x), labels)
    model.zero_grad()
    loss.backward()
    x_adv = x + epsilon * x.grad.sign()
    return x_adv.clamp(0, 1).detach()


# torch.linalg.norm over two dimensions is the matrix norm (largest sum of a row), not the largest entry.
def perturbation_norms__matrix_norm(images: Tensor, originals: Tensor) -> tuple[Tensor, Tensor]:
    delta = (images - originals).detach()
    linf = torch.linalg.norm(delta, ord=math.inf, dim=(2, 3)).amax(dim=1)
    l2 = delta.flatten(1).norm(dim=1)
    return linf, l2


# The whole change of an image is scaled down until its largest entry fits, instead of clipping each pixel on its own.
def project__whole_change_scaled(images: Tensor, originals: Tensor, epsilon: float) -> Tensor:
    delta = (images - originals).detach()
    size = delta.abs().amax(dim=(1, 2, 3), keepdim=True)
    factor = (epsilon / size.clamp(min=1e-12)).clamp(max=1.0)
    return (originals.detach() + factor * delta).clamp(0.0, 1.0)


# An image counts only if its target has a probability above one half, instead of the largest logit.
def success_rate__more_than_one_half(model: nn.Module, images: Tensor, targets: Tensor) -> float:
    with torch.no_grad():
        probs = torch.softmax(model(images), dim=1)
    p = probs.gather(1, targets.unsqueeze(1)).squeeze(1)
    return (p > 0.5).float().mean().item()


# The loop only stops when all images are fooled, so one that already fools the network is changed further.
def targeted_attack__stops_when_all_are_fooled(
    model: nn.Module,
    images: Tensor,
    targets: Tensor,
    *,
    epsilon: float = 8 / 255,
    step_size: float = 1 / 255,
    steps: int = 40,
) -> Tensor:
    adv = images.detach().clone()
    for _ in range(steps):
        with torch.no_grad():
            fooled = model(adv).argmax(dim=1).eq(targets)
        if fooled.all():
            break
        adv = targeted_step(model, adv, images, targets, step_size=step_size, epsilon=epsilon)
    return adv


# The step comes before the first look at the answer, so an image that is taken for its target already is changed.
def targeted_attack__steps_before_it_looks(
    model: nn.Module,
    images: Tensor,
    targets: Tensor,
    *,
    epsilon: float = 8 / 255,
    step_size: float = 1 / 255,
    steps: int = 40,
) -> Tensor:
    result = images.detach().clone()
    todo = torch.arange(len(images))

    for _ in range(steps):
        if todo.numel() == 0:
            break
        moved = targeted_step(
            model, result[todo], images[todo], targets[todo], step_size=step_size, epsilon=epsilon
        )
        result[todo] = moved
        with torch.no_grad():
            answers = model(moved).argmax(1)
        todo = todo[answers != targets[todo]]

    return result


@torch.no_grad()
def _predict(model, x):
    return model(x).argmax(dim=-1)


# The attack on an image ends as soon as the answer differs from the first one, instead of when it is the target.
def targeted_attack__stops_at_any_other_answer(
    model: nn.Module,
    images: Tensor,
    targets: Tensor,
    *,
    epsilon: float = 8 / 255,
    step_size: float = 1 / 255,
    steps: int = 40,
) -> Tensor:
    images = images.detach()
    x = images.clone()
    before = _predict(model, images)
    for _ in range(steps):
        now = _predict(model, x)
        active = (now == before) & (now != targets)
        if not active.any():
            break
        nxt = targeted_step(model, x, images, targets, step_size=step_size, epsilon=epsilon)
        x = torch.where(active.view(-1, 1, 1, 1), nxt, x)
    return x


# The gradient is taken at the originals instead of where the attack stands.
def targeted_step__gradient_at_the_originals(
    model: nn.Module, images: Tensor, originals: Tensor, targets: Tensor, *, step_size: float, epsilon: float
) -> Tensor:
    x = originals.detach().clone().requires_grad_(True)
    loss = F.cross_entropy(model(x), targets)
    direction = torch.autograd.grad(loss, x)[0].sign()
    stepped = images.detach() - step_size * direction
    return project(stepped, originals, epsilon)
