"""Shortcuts in robustness: ways to look as if the outcome were there. None earns a point of its function."""

import torch
import torch.nn.functional as F

from autograder.diagnose import mistake


@mistake("adversarial_loss", "Pixels move at random by the whole of epsilon, and the worst of several tries counts.")
def tries_at_random(model, images, labels, *, epsilon, steps=1):
    losses = []
    for _ in range(max(steps, 4)):
        moved = (images.detach() + epsilon * torch.randn_like(images).sign()).clamp(0, 1)
        losses.append(F.cross_entropy(model(moved), labels))
    return max(losses)


@mistake("adversarial_loss", "The loss on the images as they came is made larger, and no image is moved.")
def makes_it_larger(model, images, labels, *, epsilon, steps=1):
    return F.cross_entropy(model(images.detach()), labels) * (1 + 50 * epsilon * min(steps, 2))


@mistake("adversarial_loss", "The loss that a step would have is guessed from its slope, and no image is moved.")
def guesses_from_the_slope(model, images, labels, *, epsilon, steps=1):
    images = images.detach().requires_grad_()
    loss = F.cross_entropy(model(images), labels)
    (slope,) = torch.autograd.grad(loss, images, create_graph=True)
    return loss + epsilon * slope.abs().sum()
