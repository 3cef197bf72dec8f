import torch
import torch.nn.functional as F


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
