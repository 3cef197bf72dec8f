"""A noisy picture, and what is left of it as smoothness counts for more and more."""

import torch

from data.drawing import picture, sheet
from data.world import samples

SIDE = 200


def draw(student):
    clean, _ = samples(["ginger_cat"], 1)
    noisy = (clean + 0.12 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)

    def shown(images, name):
        return picture(images[0], SIDE), f"{name}: {student.variation_loss(images).item():.3f}"

    def smoother(weight):
        return student.denoise(noisy, weight=weight, steps=200, learning_rate=0.01)

    given = [shown(clean, "as it was"), shown(noisy, "with noise")]
    smoothed = [shown(smoother(weight), f"weight {weight:g}") for weight in (0.03, 0.1, 0.25)]
    rows = [("a picture, and its variation loss", given), ("denoised by you", smoothed)]
    return sheet("Noise is variation", rows), "A noisy picture, denoised with three weights of the variation loss."
