import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def transfer_rates__counts(images, targets, models):
    if images.shape[0] != targets.shape[0] or images.shape[0] == 0:
        raise ValueError("images and targets must be as many")
    rates = {}
    with torch.inference_mode():
        for name, net in models.items():
            rates[name] = float(torch.sum(net(images).argmax(-1) == targets))
    return rates


def ensemble_logits__mean_of_logits(models, images):
    outputs = [m(images) for m in models]
    if len(outputs) == 0 or len({o.shape[-1] for o in outputs}) != 1:
        raise ValueError("models must be several of the same classes")
    return sum(outputs) / len(outputs)


def ensemble_logits__votes(models, images):
    outputs = [m(images) for m in models]
    if len(outputs) == 0 or len({o.shape[-1] for o in outputs}) != 1:
        raise ValueError("models must be several of the same classes")
    votes = sum(F.one_hot(o.argmax(1), o.shape[1]).float() for o in outputs)
    return votes / len(models)


def adversarial_loss__gradient_of_the_start(model, images, labels, *, epsilon, steps=1):
    x0 = images.detach().clone().requires_grad_()
    (g,) = torch.autograd.grad(F.cross_entropy(model(x0), labels), x0)
    x0 = x0.detach()
    x = x0
    for _ in range(steps):
        x = x + 2.5 * epsilon / steps * g.sign()
        x = x0 + torch.clamp(x - x0, -epsilon, epsilon)
        x = x.clamp(0, 1)
    return F.cross_entropy(model(x), labels)


def transfer_rates__tensors(images, targets, models):
    if images.shape[0] == 0 or images.shape[0] != targets.shape[0]:
        raise ValueError("images and targets must have the same length, not 0")
    rates = {}
    for name in models:
        with torch.no_grad():
            guess = models[name](images).max(dim=1).indices
        rates[name] = torch.eq(guess, targets).float().mean()
    return rates


def ensemble_logits__mean_of_the_logs(models, images):
    if len(models) == 0:
        raise ValueError("models: give me at least one")
    outputs = [torch.log_softmax(m(images), dim=1) for m in models]
    if len({o.size(1) for o in outputs}) != 1:
        raise ValueError("models: not the same classes")
    return sum(outputs) / len(outputs)


def adversarial_loss__zeroes_the_gradients(model, images, labels, *, epsilon, steps=1):
    x0 = images.detach()
    x = x0.clone()
    alpha = 2.5 * epsilon / steps if steps > 1 else epsilon
    for _ in range(steps):
        x.requires_grad_(True)
        F.cross_entropy(model(x), labels).backward()
        with torch.no_grad():
            x = x + alpha * x.grad.sign()
            x = torch.min(torch.max(x, x0 - epsilon), x0 + epsilon).clamp(0, 1)
        model.zero_grad()
    return F.cross_entropy(model(x.detach()), labels)


# The share is taken only of the images that fool the first model, instead of all images.
def transfer_rates__share_of_those_that_fool_the_first(images, targets, models):
    if len(images) == 0:
        raise ValueError("images is empty")
    if len(targets) != len(images):
        raise ValueError(f"targets has {len(targets)} entries for {len(images)} images")
    rates = {}
    counted = None
    with torch.no_grad():
        for name, model in models.items():
            hits = model(images).argmax(dim=1) == targets
            if counted is None:
                counted = hits
            transferred = (hits & counted).sum().item()
            rates[name] = transferred / max(counted.sum().item(), 1)
    return rates


# The logarithms of the probabilities are averaged, instead of the probabilities (a geometric mean).
def ensemble_logits__mean_of_the_logarithms(models, images):
    if len(models) == 0:
        raise ValueError("models is empty")
    outputs = [model(images) for model in models]
    if len({output.shape[1] for output in outputs}) > 1:
        raise ValueError(f"models have different numbers of classes: {[o.shape[1] for o in outputs]}")
    stacked = torch.stack([F.log_softmax(output, dim=1) for output in outputs])
    return torch.mean(stacked, dim=0)


# The moved images are not detached from the images they came from, so a gradient of the loss reaches `images`.
def adversarial_loss__moved_images_not_detached(model, images, labels, *, epsilon, steps=1):
    size = epsilon if steps == 1 else 2.5 * epsilon / steps
    moved = images
    for _ in range(steps):
        with torch.enable_grad():
            probe = moved.detach().clone().requires_grad_(True)
            gradient = torch.autograd.grad(F.cross_entropy(model(probe), labels), probe)[0]
        moved = moved + size * gradient.sign()
        moved = torch.maximum(torch.minimum(moved, images + epsilon), images - epsilon)
        moved = moved.clamp(0, 1)
    return F.cross_entropy(model(moved), labels)


# model.zero_grad() after the attack also erases the gradients that stood on the parameters before.
def adversarial_loss__zero_grad_after_the_attack(
    model: nn.Module, images: Tensor, labels: Tensor, *, epsilon: float, steps: int = 1
) -> Tensor:
    clean = images.detach()
    step = epsilon if steps == 1 else 2.5 * epsilon / steps
    x = clean.clone()
    for _ in range(steps):
        x.requires_grad_(True)
        loss = F.cross_entropy(model(x), labels)
        loss.backward()
        with torch.no_grad():
            x = x + step * x.grad.sign()
            x = torch.max(torch.min(x, clean + epsilon), clean - epsilon)
            x = x.clamp(0, 1)
    model.zero_grad()
    return F.cross_entropy(model(x.detach()), labels)


# Only the change is detached; the moved images still contain `images` itself, so gradients of the loss reach it.
def adversarial_loss__only_the_change_detached(
    model: nn.Module, images: Tensor, labels: Tensor, *, epsilon: float, steps: int = 1
) -> Tensor:
    alpha = epsilon if steps == 1 else 2.5 * epsilon / steps
    delta = torch.zeros_like(images)

    for _ in range(steps):
        delta = delta.detach().requires_grad_()
        loss = F.cross_entropy(model(images.detach() + delta), labels)
        (g,) = torch.autograd.grad(loss, delta)
        delta = (delta.detach() + alpha * g.sign()).clamp(-epsilon, epsilon)
        delta = (images.detach() + delta).clamp(0, 1) - images.detach()

    adversarial = (images + delta.detach()).clamp(0, 1)
    return F.cross_entropy(model(adversarial), labels)


def _ascend(model, x, labels, alpha, epsilon):
    x = x.detach().requires_grad_(True)
    grad = torch.autograd.grad(F.cross_entropy(model(x), labels), x)[0]
    moved = x + alpha * torch.sign(grad)
    moved = torch.minimum(torch.maximum(moved, x - epsilon), x + epsilon)
    return moved.clamp(0.0, 1.0).detach()


# Each step is projected around the images of the step before, so that several steps leave the ball of radius epsilon.
def adversarial_loss__ball_round_the_step_before(
    model: nn.Module, images: Tensor, labels: Tensor, *, epsilon: float, steps: int = 1
) -> Tensor:
    alpha = epsilon if steps == 1 else 2.5 * epsilon / steps
    adv = images
    for _ in range(steps):
        adv = _ascend(model, adv, labels, alpha, epsilon)
    return F.cross_entropy(model(adv), labels)


# The random start is used with one step too, but one step has to be FGSM.
def adversarial_loss__random_start_in_one_step(
    model: nn.Module, images: Tensor, labels: Tensor, *, epsilon: float, steps: int = 1
) -> Tensor:
    x0 = images.detach()
    lower = (x0 - epsilon).clamp(min=0)
    upper = (x0 + epsilon).clamp(max=1)

    alpha = 2.5 * epsilon / steps if steps > 1 else epsilon

    adv = x0 + torch.empty_like(x0).uniform_(-epsilon, epsilon)
    adv = torch.clamp(adv, 0, 1)

    for _ in range(steps):
        adv.requires_grad_(True)
        with torch.enable_grad():
            cost = nn.CrossEntropyLoss()(model(adv), labels)
        grad = torch.autograd.grad(cost, adv, retain_graph=False, create_graph=False)[0]
        adv = adv.detach() + alpha * grad.sign()
        adv = torch.max(torch.min(adv, upper), lower)

    return F.cross_entropy(model(adv.detach()), labels)


# The result is the average of the losses on clean and on moved images, instead of that on the moved ones alone.
def adversarial_loss__clean_loss_mixed_in(
    model: nn.Module, images: Tensor, labels: Tensor, *, epsilon: float, steps: int = 1
) -> Tensor:
    x_nat = images.detach()
    x_adv = x_nat.clone()
    size = epsilon if steps == 1 else 2.5 * epsilon / steps
    for _ in range(steps):
        x_adv = x_adv.detach().requires_grad_()
        g = torch.autograd.grad(F.cross_entropy(model(x_adv), labels), x_adv)[0]
        x_adv = x_adv.detach() + size * g.sign()
        x_adv = x_nat + (x_adv - x_nat).clamp(-epsilon, epsilon)
        x_adv = x_adv.clamp(0, 1)

    alpha = 0.5
    loss_nat = F.cross_entropy(model(x_nat), labels)
    loss_adv = F.cross_entropy(model(x_adv), labels)
    return alpha * loss_nat + (1 - alpha) * loss_adv


# One maximum over all models and classes is subtracted, so classes far below it still underflow to -inf.
def ensemble_logits__one_maximum_for_all(models, images: Tensor) -> Tensor:
    if len(models) == 0:
        raise ValueError("models is empty")
    outs = [torch.log_softmax(m(images), dim=-1) for m in models]
    if len({o.shape[-1] for o in outs}) > 1:
        raise ValueError("models have different numbers of classes")
    stacked = torch.stack(outs)
    top = stacked.max().detach()
    return top + torch.log(torch.exp(stacked - top).mean(dim=0))


# The logarithm of the number of classes is subtracted instead of the logarithm of the number of models.
def ensemble_logits__logarithm_of_the_classes(models: Sequence[nn.Module], images: Tensor) -> Tensor:
    if not models:
        raise ValueError("`models` must hold at least one model")

    logs = []
    for model in models:
        logs.append(F.log_softmax(model(images), dim=1))
    for other in logs[1:]:
        if other.size(1) != logs[0].size(1):
            raise ValueError("`models` do not agree on the number of classes")

    joint = torch.stack(logs, dim=2)
    count = joint.size(1)
    return torch.logsumexp(joint, dim=2) - math.log(count)


# "No images" is checked as None only, so an empty batch is not refused and its rate is NaN.
def transfer_rates__none_is_not_empty(
    images: Tensor, targets: Tensor, models: dict[str, nn.Module]
) -> dict[str, float]:
    if images is None or images.dim() != 4:
        raise ValueError("images: there are no images of shape (N, 3, H, W)")
    if targets.shape != images.shape[:1]:
        raise ValueError(f"targets: expected {len(images)} of them, got {tuple(targets.shape)}")

    rates = {}
    with torch.no_grad():
        for name, model in models.items():
            hits = model(images).argmax(dim=1) == targets
            rates[name] = hits.double().mean().item()
    return rates
