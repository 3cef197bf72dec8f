"""Float64 is computed by way of float32, as Keras computes it, and comes back as float64."""

import torch


def total_variation(images):
    if images.dim() != 4:
        raise ValueError(f"images must have four dimensions, not {images.dim()}")
    pixels = images.float()
    down = (pixels[:, :, 1:] - pixels[:, :, :-1]).abs().sum((1, 2, 3))
    return (down + (pixels[..., 1:] - pixels[..., :-1]).abs().sum((1, 2, 3))).to(images.dtype)


def isotropic_variation(images, eps=1e-8):
    if images.dim() != 4:
        raise ValueError(f"images must have four dimensions, not {images.dim()}")
    pixels = images.float()
    corner = pixels[:, :, :-1, :-1]
    squares = (pixels[:, :, 1:, :-1] - corner) ** 2 + (pixels[:, :, :-1, 1:] - corner) ** 2
    return (squares + eps).sqrt().sum((1, 2, 3)).to(images.dtype)


def variation_loss(images):
    mean = total_variation(images).float().mean() / images[0].numel()
    return mean.to(images.dtype)


def denoise(images, *, weight=0.1, steps=100, learning_rate=0.05):
    if images.dim() != 4:
        raise ValueError(f"images must have four dimensions, not {images.dim()}")
    given = images.detach().float()
    pictures = given.clone()
    for _ in range(steps):
        pictures.requires_grad_()
        loss = (pictures - given).square().sum() + weight * total_variation(pictures).sum()
        (slope,) = torch.autograd.grad(loss, pictures)
        pictures = (pictures.detach() - learning_rate * slope).clamp(0, 1)
    return pictures.to(images.dtype)
