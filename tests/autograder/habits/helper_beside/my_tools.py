"""Helpers of the student's own."""

import torch


def norm_of(gradients):
    return torch.stack([gradient.norm() for gradient in gradients]).norm().item()


def factor(norm, most):
    return min(1.0, most / norm) if norm > 0 else 1.0
