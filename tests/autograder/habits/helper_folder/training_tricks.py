"""Its helpers lie in a folder beside it."""

import helpers.norms
from helpers.norms import norm_of


def clip_gradients(gradients, max_norm):
    norm = norm_of(gradients)
    return helpers.norms.scaled(gradients, norm, max_norm), norm
