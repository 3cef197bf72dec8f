"""Loops over images, norms for the roots, and a hand-written gradient with a shrinking step."""

import torch


def _require(images):
    if images.dim() == 4:
        return
    raise ValueError(f"`images` must be 4-dimensional but has shape {list(images.shape)}")


def total_variation(images):
    _require(images)
    totals = []
    for image in images:
        total = (image[:, 1:] - image[:, :-1]).norm(p=1) + (image[..., 1:] - image[..., :-1]).norm(p=1)
        totals.append(total)
    return torch.stack(totals)


def isotropic_variation(images, eps=1e-8):
    _require(images)
    here = images[..., :-1, :-1]
    squares = (images[..., :-1, 1:] - here).pow(2) + (images[..., 1:, :-1] - here).pow(2)
    return squares.add(eps).sqrt().sum((-1, -2, -3))


def variation_loss(images):
    _require(images)
    _, channels, height, width = images.shape
    return torch.mean(total_variation(images).div(channels * height * width))


def denoise(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require(images)
    picture = images.clone()
    for step in range(steps):
        gradient = 2 * (picture - images)
        down = torch.sign(picture[:, :, 1:] - picture[:, :, :-1])
        across = torch.sign(picture[:, :, :, 1:] - picture[:, :, :, :-1])
        gradient[:, :, 1:] += weight * down
        gradient[:, :, :-1] -= weight * down
        gradient[:, :, :, 1:] += weight * across
        gradient[:, :, :, :-1] -= weight * across
        picture = (picture - learning_rate * (1 - step / (2 * steps)) * gradient).clamp(0, 1)
    return picture.detach()
