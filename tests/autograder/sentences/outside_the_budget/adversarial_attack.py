"""Each image leaves the ball by one step."""

import torch


def targeted_attack(model, images, targets, *, epsilon=8 / 255, step_size=1 / 255, steps=40):
    away = epsilon + 1 / 255
    return torch.where(images > 0.5, images - away, images + away)
