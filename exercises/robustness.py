"""Robustness: does the dog that fools one network fool another?

An adversarial image was made for one network. Show it to others, ask several at once, and train a network on what fools it.

Images are float32 batches of shape (N, 3, H, W) with pixels in [0, 1]. A model maps them to logits (N, K), and is in
eval mode already. `labels` and `targets` are int64 of shape (N,).

Each function leaves PyTorch as it found it: gradients are switched on, and the global random state has not been seeded.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def transfer_rates(images: Tensor, targets: Tensor, models: dict[str, nn.Module]) -> dict[str, float]:
    """Return, for each of several models, the share of the images that it takes for their targets.

    Args:
        images: shape (N, 3, H, W), N at least 1.
        targets: shape (N,).
        models: a dict from names to models.

    Returns:
        For each name a Python float in [0, 1]: the share of the images whose target the model ranks first.

    Raises:
        ValueError: there are no `images`, or `targets` has another length; the message names the argument.
    """
    # TODO: Check the lengths, and compare each model's largest logits with the targets.
    raise NotImplementedError("transfer_rates")


def ensemble_logits(models: Sequence[nn.Module], images: Tensor) -> Tensor:
    """Ask several models at once: the logarithm of the mean of their softmax probabilities.

    Args:
        models: at least one; their classes stand in the same order.
        images: shape (N, 3, H, W).

    Returns:
        Shape (N, K), differentiable with respect to the images and the models' weights. Values and gradients are
        finite, also if all models give a class a probability that is below the smallest positive float: a class whose
        logit is 200 below the highest with one model and 150 below it with another has -150.69, and not -inf.

    Raises:
        ValueError: `models` is empty, or its models have different numbers of classes; the message names `models`.
    """
    # TODO: Stay with logarithms from the start: which function gives those of a softmax, and which one adds them up?
    raise NotImplementedError("ensemble_logits")


def adversarial_loss(model: nn.Module, images: Tensor, labels: Tensor, *, epsilon: float, steps: int = 1) -> Tensor:
    """Measure the loss on images that were first moved to raise it: what adversarial training lowers.

    With one step the images are moved by FGSM: by `epsilon` times the sign of the gradient, and clamped to [0, 1]. With
    more steps they are moved by projected gradient descent: `steps` signed-gradient steps of `2.5 * epsilon / steps`,
    after each of which the images are projected to within `epsilon` of the originals and into [0, 1]. The descent may
    start anywhere within these bounds.

    Args:
        model: the network to be trained. The attack leaves the gradients that stand on its parameters as they are.
        images: shape (N, 3, H, W), in [0, 1].
        labels: the true classes, shape (N,).
        epsilon: how far a pixel may move.
        steps: number of steps, at least 1. With more than 1 the loss has to be at least 0.9 of the loss that the attack
            above reaches if it starts at the originals; on the course's pretrained `tiny` it also has to be higher than
            with one step.

    Returns:
        The mean cross-entropy on the moved images: a scalar, differentiable with respect to the weights. The moved
        images count as constants, so that no gradient reaches `images`.
    """
    # TODO: Move the images by gradients with respect to the pixels alone, detach them, and compute the loss.
    raise NotImplementedError("adversarial_loss")
