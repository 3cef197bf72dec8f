import functools

import torch
import torch.func as ft
from torch import nn


def loss_of(model, label, image):
    return nn.functional.cross_entropy(model(image[None]), label[None])


def slopes(model, images, labels):
    def one(image, label):
        return ft.grad(functools.partial(loss_of, model, label))(image)

    return torch.stack([one(image, label) for image, label in zip(images, labels)])


def fgsm(model, images, labels, epsilon):
    """Sum for each image alone: the sign of its slope is the same."""
    return (images + epsilon * slopes(model, images.detach(), labels).sign()).clamp(0, 1).detach()


def project(images, originals, epsilon):
    def inside(image, original):
        return image.clamp(original - epsilon, original + epsilon).clamp(0.0, 1.0)

    return torch.vmap(inside)(images, originals).detach()


def targeted_step(model, images, originals, targets, *, step_size, epsilon):
    return project(images - step_size * slopes(model, images.detach(), targets).sign(), originals, epsilon).detach()


@torch.no_grad()
def success_rate(model, images, targets):
    return sum(map(torch.equal, model(images).argmax(1), targets)) / len(targets)
