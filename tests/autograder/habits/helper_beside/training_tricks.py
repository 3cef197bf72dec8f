"""Its helpers stand in a file beside it, and are imported in two ways."""

import my_tools
from my_tools import norm_of


def clip_gradients(gradients, max_norm):
    norm = norm_of(gradients)
    factor = my_tools.factor(norm, max_norm)
    return [gradient * factor for gradient in gradients], norm
