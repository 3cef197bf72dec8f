"""Attention: each place of a sequence asks all the others."""

import math

import torch
from torch import Tensor


def softmax(scores: Tensor) -> Tensor:
    """Turn scores into shares that sum to 1 along the last dimension.

    Args:
        scores: shape (..., N), N at least 1; any finite numbers, very large ones among them.

    Returns:
        The same shape.
    """
    # TODO: Exponentials, divided by their sum; take care of large scores.
    raise NotImplementedError("softmax")


def attend(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Return for each query the mean of the values, weighted by how well their keys fit.

    Args:
        queries: shape (..., M, D).
        keys: shape (..., N, D).
        values: shape (..., N, E).

    Returns:
        Shape (..., M, E). The weights are the softmax over the keys of the scalar products divided by the root of D.
    """
    # TODO: Scores, weights, mean.
    raise NotImplementedError("attend")
