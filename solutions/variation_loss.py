"""Variation loss: how much neighbouring pixels differ.

A picture that optimisation makes for a network is full of noise that no photograph has. Total variation measures that
noise: it adds up the differences between neighbouring pixels. As a loss it makes pictures smooth, and denoises them.

Images are float32 batches of shape (N, 3, H, W) with pixels in [0, 1].
"""

import torch
from torch import Tensor


def total_variation(images: Tensor) -> Tensor:
    """Sum the absolute differences between neighbouring pixels, for each image.

    Neighbours are one above the other or side by side; the sum runs over both directions and all channels:

        TV(x) = sum |x[c, i+1, j] - x[c, i, j]| + sum |x[c, i, j+1] - x[c, i, j]|

    This is the anisotropic form of Rudin, Osher and Fatemi (1992), "Nonlinear total variation based noise removal
    algorithms". A side of length 1 has no neighbours and contributes nothing.

    Args:
        images: shape (N, C, H, W).

    Returns:
        Shape (N,), one number for each image, differentiable.

    Raises:
        ValueError: `images` is not 4-D; the message names `images` and the shape it has.
    """
    # TODO: Sum the absolute differences along the height and along the width, for each image.
    ### BEGIN SOLUTION
    if images.dim() != 4:
        raise ValueError(f"images must have 4 dimensions (N, C, H, W), not shape {tuple(images.shape)}")
    vertical = (images[:, :, 1:, :] - images[:, :, :-1, :]).abs()
    horizontal = (images[:, :, :, 1:] - images[:, :, :, :-1]).abs()
    # Summed apart: the two differ in shape by one row and one column.
    return vertical.sum(dim=(1, 2, 3)) + horizontal.sum(dim=(1, 2, 3))
    ### END SOLUTION


def isotropic_variation(images: Tensor, eps: float = 1e-8) -> Tensor:
    """Sum the length of the gradient of the picture, for each image.

    Over all channels and all pixels that have both a right and a lower neighbour:

        sum sqrt(dx^2 + dy^2 + eps),   dx = x[c, i, j+1] - x[c, i, j],   dy = x[c, i+1, j] - x[c, i, j]

    Unlike `total_variation` it does not prefer edges along the axes.

    Args:
        images: shape (N, C, H, W).
        eps: keeps the root differentiable where both differences are zero.

    Returns:
        Shape (N,), differentiable everywhere; 0 where no pixel has both neighbours.

    Raises:
        ValueError: `images` is not 4-D; the message names `images` and the shape it has.
    """
    # TODO: Sum the root of the squared differences, over the pixels that have both neighbours.
    ### BEGIN SOLUTION
    if images.dim() != 4:
        raise ValueError(f"images must have 4 dimensions (N, C, H, W), not shape {tuple(images.shape)}")
    corner = images[:, :, :-1, :-1]
    dx = images[:, :, :-1, 1:] - corner
    dy = images[:, :, 1:, :-1] - corner
    return (dx**2 + dy**2 + eps).sqrt().sum(dim=(1, 2, 3))
    ### END SOLUTION


def variation_loss(images: Tensor) -> Tensor:
    """Average the total variation per entry over a batch: a loss that does not depend on the size of the picture.

        mean over the batch of total_variation(images) / (C * H * W)

    Args:
        images: shape (N, C, H, W).

    Returns:
        A scalar (shape ()), differentiable.

    Raises:
        ValueError: `images` is not 4-D; the message names `images` and the shape it has.
    """
    # TODO: Divide each image's total variation by its number of entries, and average over the batch.
    ### BEGIN SOLUTION
    variation = total_variation(images)
    return (variation / images[0].numel()).mean()
    ### END SOLUTION


def denoise(images: Tensor, *, weight: float = 0.1, steps: int = 100, learning_rate: float = 0.05) -> Tensor:
    """Find pictures near `images` with little variation, by gradient descent on the pixels.

    The objective, for a batch x that starts as `images`:

        sum((x - images)^2) + weight * sum(total_variation(x))

    Args:
        images: noisy pictures, shape (N, C, H, W).
        weight: how much smoothness counts against nearness.
        steps: number of steps of gradient descent.
        learning_rate: length of a step, as a factor of the gradient.

    Returns:
        The denoised pictures: the shape of `images`, in [0, 1], detached. `images` itself is not changed.

    Raises:
        ValueError: `images` is not 4-D; the message names `images` and the shape it has.
    """
    # TODO: Step down the gradient of the objective with respect to the pixels, staying in [0, 1].
    ### BEGIN SOLUTION
    if images.dim() != 4:
        raise ValueError(f"images must have 4 dimensions (N, C, H, W), not shape {tuple(images.shape)}")
    noisy = images.detach()
    result = noisy.clone()
    for _ in range(steps):
        result.requires_grad_()
        objective = ((result - noisy) ** 2).sum() + weight * total_variation(result).sum()
        (gradient,) = torch.autograd.grad(objective, result)
        result = (result - learning_rate * gradient).detach().clamp(0, 1)
    return result
    ### END SOLUTION
