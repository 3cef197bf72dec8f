"""Takes all the memory that it gets; at most 2.5 GB, and unused, should it succeed."""

import numpy


def variation_loss(images):
    taken = []
    for _ in range(25):
        taken.append(numpy.empty(100_000_000, "u1"))
    return taken
