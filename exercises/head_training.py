"""Head training: a classifier on top of frozen features.

The backbone has turned every picture into a row of features. What is left to learn is a linear map from those features to
one score for each class, the *logits*: seconds of training where a whole network takes days.

Features are float32 of shape (N, D), labels int64 of shape (N,), logits (N, K).
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def build_head(in_features: int, num_classes: int) -> nn.Module:
    """Make the trainable part: features to logits, by one affine map.

    Args:
        in_features: D, the length of a row of features, at least 1.
        num_classes: K, at least 1.

    Returns:
        A module from shape (N, in_features) to logits (N, num_classes), all of it trainable. No softmax: cross-entropy
        has it built in.

    Raises:
        ValueError: `in_features` or `num_classes` is below 1; the message names which.
    """
    # TODO: Check both numbers and make a linear layer.
    raise NotImplementedError("build_head")


def accuracy(logits: Tensor, labels: Tensor) -> float:
    """Tell which share of the examples has its largest logit at its label.

    Args:
        logits: shape (N, K), N at least 1.
        labels: shape (N,).

    Returns:
        A Python float in [0, 1].

    Raises:
        ValueError: `logits` and `labels` have different lengths, or there are none; the message names one of them.
    """
    # TODO: Compare the classes with the largest logits to the labels.
    raise NotImplementedError("accuracy")


def evaluate(head: nn.Module, features: Tensor, labels: Tensor) -> tuple[float, float]:
    """Measure a head without changing anything about it.

    Args:
        head: features to logits; is put in eval mode for the time, and each submodule back in its own afterwards.
        features: shape (N, D).
        labels: shape (N,).

    Returns:
        The mean cross-entropy over all examples and the accuracy, two Python floats. No gradient is left on the head.
    """
    # TODO: Compute loss and accuracy in eval mode and without gradients.
    raise NotImplementedError("evaluate")


def fit_head(
    head: nn.Module,
    train: tuple[Tensor, Tensor],
    valid: tuple[Tensor, Tensor],
    *,
    epochs: int = 20,
    learning_rate: float = 0.1,
    batch_size: int = 32,
    patience: int | None = None,
    seed: int = 0,
) -> dict[str, list[float]]:
    """Train a head by gradient descent, and keep it as it was when it did best on the validation set.

    A step goes by the gradient of its own batch. A head that comes in training mode learns in it, and is in eval mode only
    while it is measured.

    Args:
        head: features (N, D) to logits (N, K); trained in place, and nothing else about it is changed.
        train: features and labels to learn from.
        valid: features and labels to choose the best epoch by; nothing is ever learnt from them.
        epochs: how often to go through `train`, at most: each time through all of it, the last batch may be smaller.
        learning_rate: length of a step.
        batch_size: examples in a step; there may be fewer in all.
        patience: stop once `valid_loss` has not fallen, however little, for so many epochs; None never stops early.
        seed: shuffles the batches, anew in each epoch; the same seed gives the same head.

    Returns:
        Lists of Python floats, one entry for each epoch run: `train_loss`, `train_accuracy`, `valid_loss`,
        `valid_accuracy`. Those of `train` may be taken while the head learns, those of `valid` after the epoch. The head has
        the weights of the epoch with the lowest `valid_loss`.
    """
    # TODO: Loop over epochs and shuffled batches, note losses and accuracies, and restore the best weights.
    raise NotImplementedError("fit_head")


def predict(model: nn.Module, images: Tensor, k: int = 3) -> list[list[tuple[str, float]]]:
    """Name what a model sees, and how sure it is.

    Args:
        model: images to logits (N, K), with `.classes`, the K names.
        images: shape (N, 3, H, W).
        k: how many classes to name; all K where there are not so many.

    Returns:
        For each image the `k` most probable classes as (name, softmax probability), most probable first. The
        probability is a Python float.

    Raises:
        ValueError: `k` is below 1; the message names `k`.
    """
    # TODO: Turn logits into probabilities and pair the largest with their names.
    raise NotImplementedError("predict")
