"""Masks come back where indices are asked for."""

import torch


def stratified_split(labels, fraction, seed=0):
    if not 0 < fraction < 1:
        raise ValueError(f"fraction is {fraction}")
    valid = torch.zeros(len(labels), dtype=torch.bool)
    valid[: int(fraction * len(labels))] = True
    return ~valid, valid
