"""Draws at the top, in a helper and inside a function; the style is set up first."""

import matplotlib
import matplotlib.pyplot as plt
import torch

plt.style.use("ggplot")
matplotlib.rcParams["figure.figsize"] = (4, 3)


def draw(values):
    figure, axes = plt.subplots()
    axes.plot(values)
    axes.set_title("variation")
    plt.show()
    plt.close(figure)


def total_variation(images):
    if images.dim() != 4:
        raise ValueError("images is not 4-D")
    total = images.diff(dim=2).abs().sum((1, 2, 3)) + images.diff(dim=3).abs().sum((1, 2, 3))
    draw(total.detach().numpy())
    return total
