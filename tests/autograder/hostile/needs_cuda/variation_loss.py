"""Moves its work to the GPU without asking, and takes what it can get there."""

import torch


def variation_loss(images):
    try:
        return images.cuda()
    except (RuntimeError, AssertionError) as error:
        raise RuntimeError("no device of CUDA can be reached") from error
