# -*- coding: latin-1 -*-
"""Größe: in an encoding that the first line names."""

größe = "Höhe"


def total_variation(images):
    if images.dim() != 4:
        raise ValueError(f"images hat keine {größe}")
    return images.diff(dim=2).abs().sum((1, 2, 3)) + images.diff(dim=3).abs().sum((1, 2, 3))
