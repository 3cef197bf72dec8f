"""Domain shift: where transfer stops helping. The challenge.

Features learned on one kind of picture serve another kind the better, the more the two have in common. How much of what a
network has learned carries over is measured by a *linear probe*: a linear head on its frozen features. The gain over the same
probe on an untrained network is what the pretraining was worth. `data.domains.load_domain` has three domains to try.

A domain is a pair `(train, test)`, each `(images, labels)`: float32 images of shape (N, 3, H, W) with pixels in [0, 1] and
int64 labels of shape (N,), numbered from 0. Backbones map images to features of shape (N, D) and are in eval mode.

Each function leaves PyTorch as it found it: gradients are switched on, and the global random state has not been seeded.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def linear_probe_accuracy(
    backbone: nn.Module, train: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor], *, seed: int = 0
) -> float:
    """Measure how well a linear head can read the classes from frozen features.

    Linear probes are the idea of Alain and Bengio (2017), "Understanding intermediate layers using linear classifier probes".

    Args:
        backbone: maps images to features, shape (N, D). It is left as it was, with no gradients on it; it may be frozen
            already, and you may freeze it.
        train: images, shape (N, 3, H, W), and labels, shape (N,), that the head learns from.
        test: images and labels that the head is judged by, and never learns from.
        seed: for the order in which the images are seen, if you shuffle them. The global random state is not seeded.

    Returns:
        The head's accuracy on `test`: a Python float in [0, 1]. The checks use backbones of which it is known whether
        their features tell the classes apart. If they do, the accuracy has to be at least 0.9 when the labels of `test`
        are true; if they do not, the accuracy has to be that of guessing. With `tiny` it has to be within 0.2 of the
        accuracy of ridge regression on the same features (a linear map fitted by least squares, with a penalty on large
        weights).
    """
    # TODO: Extract the features of both, train a linear head on those of train, and judge it on those of test.
    raise NotImplementedError("linear_probe_accuracy")


def transfer_gain(
    pretrained: nn.Module,
    scratch: nn.Module,
    train: tuple[Tensor, Tensor],
    test: tuple[Tensor, Tensor],
    *,
    seed: int = 0,
) -> float:
    """Measure what pretraining is worth on a domain.

    Args:
        pretrained: the backbone with its weights, features of shape (N, D). It is left as it was.
        scratch: the untrained backbone. It is left as it was.
        train: images and labels to learn from.
        test: images and labels to be judged by.
        seed: the seed of both probes.

    Returns:
        The probe's accuracy on `pretrained` less that on `scratch`: a Python float in [-1, 1]. Below 0, the pretraining
        does harm.
    """
    # TODO: Probe both backbones in the same way, and subtract.
    raise NotImplementedError("transfer_gain")


def rank_domains(
    pretrained: nn.Module,
    scratch: nn.Module,
    domains: dict[str, tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]],
    *,
    seed: int = 0,
) -> list[tuple[str, float]]:
    """Order domains by what the pretraining is worth on them.

    Args:
        pretrained: the backbone with its weights, features of shape (N, D). It is left as it was.
        scratch: the untrained backbone. It is left as it was.
        domains: a dict from the name of each domain to its pair `(train, test)`.
        seed: the seed of all probes.

    Returns:
        Each name with its gain, a Python float, the largest gain first.
    """
    # TODO: Measure the gain on each domain, and sort.
    raise NotImplementedError("rank_domains")
