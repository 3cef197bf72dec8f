"""Adversarial attack: a dog that the network calls a cat.

A change too small to see can turn a network's answer. The gradient of the loss with respect to the *pixels* tells which
way to change each of them; a bound, epsilon, on the change of any pixel keeps the change invisible.

Images are float32 batches of shape (N, 3, H, W) with pixels in [0, 1]. A model maps them to logits (N, K), and is in
eval mode already. `labels` and `targets` are int64 of shape (N,). Results have the dtype of the images.

Each function leaves PyTorch as it found it: gradients are switched on, and the global random state has not been seeded.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def fgsm(model: nn.Module, images: Tensor, labels: Tensor, epsilon: float) -> Tensor:
    """Change images by one signed-gradient step that raises the loss for their labels.

        clamp(x + epsilon * sign(grad_x cross_entropy(model(x), labels)), 0, 1)

    where `grad_x` is the gradient with respect to the pixels. This is the fast gradient sign method of Goodfellow,
    Shlens and Szegedy (2015), "Explaining and harnessing adversarial examples".

    Args:
        model: the network to fool.
        images: shape (N, 3, H, W), in [0, 1].
        labels: the true classes, shape (N,), whether or not the network recognises them.
        epsilon: how far a pixel moves, in units of the pixel range; with 0 the images come back unchanged.

    Returns:
        The changed images: shape (N, 3, H, W), in [0, 1], detached. No gradient stays on the model.
    """
    # TODO: Step every pixel by epsilon in the direction that raises the loss.
    ### BEGIN SOLUTION
    gradient = _loss_gradient(model, images, labels)
    with torch.no_grad():
        return (images + gradient.sign() * epsilon).clamp(0, 1)
    ### END SOLUTION


def project(images: Tensor, originals: Tensor, epsilon: float) -> Tensor:
    """Bring images back to within epsilon of their originals, and into the range of pixels.

    First no pixel may stay further than `epsilon` from its original (the L-infinity ball); then each is clamped to [0, 1].

    Args:
        images: shape (N, 3, H, W).
        originals: the same shape, in [0, 1].
        epsilon: radius of the ball, in units of the pixel range.

    Returns:
        The nearest images allowed: shape (N, 3, H, W), detached.
    """
    # TODO: Limit the change of each pixel to epsilon, then the pixel itself to [0, 1].
    ### BEGIN SOLUTION
    with torch.no_grad():
        change = (images - originals).clamp(-epsilon, epsilon)
        return (originals + change).clamp(0, 1)
    ### END SOLUTION


def targeted_step(
    model: nn.Module, images: Tensor, originals: Tensor, targets: Tensor, *, step_size: float, epsilon: float
) -> Tensor:
    """Lower the loss towards the targets by one signed-gradient step, and stay near the originals.

    Args:
        model: the network to fool.
        images: where the attack stands, shape (N, 3, H, W): here the gradient is taken, and from here the step.
        originals: where it began, the same shape.
        targets: the classes that the network shall see, shape (N,).
        step_size: how far a pixel moves in this step.
        epsilon: how far a pixel may be from its original.

    Returns:
        The next images: shape (N, 3, H, W), within `epsilon` of `originals` and in [0, 1], detached. No gradient stays
        on the model.
    """
    # TODO: Step every pixel by step_size in the direction that lowers the loss of targets, then project.
    ### BEGIN SOLUTION
    gradient = _loss_gradient(model, images, targets)
    return project(images - gradient.sign() * step_size, originals, epsilon)
    ### END SOLUTION


def targeted_attack(
    model: nn.Module,
    images: Tensor,
    targets: Tensor,
    *,
    epsilon: float = 8 / 255,
    step_size: float = 1 / 255,
    steps: int = 40,
) -> Tensor:
    """Change images, by at most epsilon a pixel, until the network sees the targets in them.

    This is projected gradient descent, as in Madry et al. (2018), "Towards deep learning models resistant to
    adversarial attacks". It is judged with the course's pretrained `tiny`: of the images with which such an attack can
    fool that network, at least 0.9 have to fool it.

    Args:
        model: the network to fool.
        images: the originals, shape (N, 3, H, W), in [0, 1].
        targets: the classes that the network shall see, shape (N,).
        epsilon: how far a pixel may be from its original.
        step_size: how far a pixel moves in one step.
        steps: how many steps at most.

    Returns:
        The attacked images: shape (N, 3, H, W), in [0, 1], detached. An image is not changed any further once the
        network takes it for its target; if the network does so from the beginning, the image is returned unchanged.
    """
    # TODO: Repeat targeted_step on the images that do not fool the model yet.
    ### BEGIN SOLUTION
    attacked = images.detach().clone()
    for _ in range(steps):
        with torch.no_grad():
            unfooled = model(attacked).argmax(dim=1) != targets
        if not unfooled.any():
            break
        # Only these take the step: what has succeeded stays as it is, and each change as small as it need be.
        attacked[unfooled] = targeted_step(
            model,
            attacked[unfooled],
            images[unfooled],
            targets[unfooled],
            step_size=step_size,
            epsilon=epsilon,
        )
    return attacked
    ### END SOLUTION


def success_rate(model: nn.Module, images: Tensor, targets: Tensor) -> float:
    """Return the share of the images that the network takes for their targets.

    Args:
        model: the network.
        images: shape (N, 3, H, W).
        targets: shape (N,).

    Returns:
        A Python float in [0, 1].
    """
    # TODO: Compare the network's answers with the targets.
    ### BEGIN SOLUTION
    with torch.no_grad():
        answers = model(images).argmax(dim=1)
    return (answers == targets).float().mean().item()
    ### END SOLUTION


def perturbation_norms(images: Tensor, originals: Tensor) -> tuple[Tensor, Tensor]:
    """Measure each image's change by its largest entry and by its length.

    Args:
        images: the changed images, shape (N, 3, H, W).
        originals: the same shape.

    Returns:
        The L-infinity norm and the L2 norm of `images - originals`, each of shape (N,).
    """
    # TODO: Take both norms over all the entries of one image.
    ### BEGIN SOLUTION
    change = (images - originals).flatten(start_dim=1)
    return change.abs().amax(dim=1), change.norm(dim=1)
    ### END SOLUTION


### BEGIN SOLUTION
def _loss_gradient(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    # torch.autograd.grad leaves nothing behind in the parameters' .grad, as backward() would.
    images = images.detach().requires_grad_()
    loss = F.cross_entropy(model(images), labels)
    return torch.autograd.grad(loss, images)[0]


### END SOLUTION
