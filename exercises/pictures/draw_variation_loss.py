"""A noisy picture, and what is left of it as smoothness counts for more and more."""

import torch

from data.drawing import picture, sheet
from data.world import samples

SIDE = 200


def draw(student):
    clean, _ = samples(["ginger_cat"], 1)
    noisy = (clean + 0.12 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)

    def loss(images):
        return f"{student.variation_loss(images).item():.3f}"

    def smoother(weight):
        return student.denoise(noisy, weight=weight, steps=200, learning_rate=0.01)

    given = [
        (picture(clean[0], SIDE), f"as it was: {loss(clean)}"),
        (picture(noisy[0], SIDE), f"with noise: {loss(noisy)}"),
    ]
    smoothed = [(weight, smoother(weight)) for weight in (0.03, 0.1, 0.25)]
    smoothed = [(picture(images[0], SIDE), f"weight {weight:g}: {loss(images)}") for weight, images in smoothed]
    rows = [("a picture, and its variation loss", given), ("denoised by you", smoothed)]
    return sheet("Noise is variation", rows), "A noisy picture, denoised with three weights of the variation loss."
