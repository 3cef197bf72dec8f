"""Writes its results to files beside it, as in a notebook."""

import torch


def variation_loss(images):
    torch.save(images, "TRACE.pt")
