"""Head training: a classifier on top of frozen features.

The backbone has turned every picture into a row of features. What is left to learn is a linear map from those features to
one score for each class, the *logits*: seconds of training where a whole network takes days.

Features are float32 of shape (N, D), labels int64 of shape (N,), logits (N, K).

Each function leaves PyTorch as it found it: gradients are switched on, and the global random state has not been seeded.
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
        A new module from shape (N, in_features) to logits (N, num_classes), all of it trainable. No softmax: cross-entropy
        has it built in.

    Raises:
        ValueError: `in_features` or `num_classes` is below 1; the message names which.
    """
    # TODO: Check both numbers and make a linear layer.
    ### BEGIN SOLUTION
    for name, value in (("in_features", in_features), ("num_classes", num_classes)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, not {value}")
    return nn.Linear(in_features, num_classes)
    ### END SOLUTION


def accuracy(logits: Tensor, labels: Tensor) -> float:
    """Return the share of the examples whose largest logit is the one of their label.

    Args:
        logits: shape (N, K), N at least 1.
        labels: shape (N,).

    Returns:
        A Python float in [0, 1].

    Raises:
        ValueError: `logits` and `labels` have different lengths, or there are no examples; the message names one of the
            two arguments.
    """
    # TODO: Compare the classes with the largest logits to the labels.
    ### BEGIN SOLUTION
    if len(logits) != len(labels):
        raise ValueError(f"labels has {len(labels)} entries, but logits has {len(logits)} rows")
    if len(labels) == 0:
        raise ValueError("labels is empty: there is no accuracy of nothing")
    return (logits.argmax(dim=1) == labels).float().mean().item()
    ### END SOLUTION


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
    ### BEGIN SOLUTION
    modes = [(module, module.training) for module in head.modules()]
    head.eval()
    with torch.no_grad():
        logits = head(features)
    # Not head.train(): parts of it may have been in eval mode on purpose.
    for module, training in modes:
        module.training = training
    return F.cross_entropy(logits, labels).item(), accuracy(logits, labels)
    ### END SOLUTION


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

    Each step goes down the gradient of its own batch alone. A head that comes in training mode learns in training mode,
    and is in eval mode only while it is measured.

    Args:
        head: features (N, D) to logits (N, K); trained in place. All its parameters require gradients. Nothing else about
            it is changed, except that gradients may stay on it, and that it may be left in either mode.
        train: features and labels to learn from.
        valid: features and labels to choose the best epoch by; nothing is ever learnt from them.
        epochs: how many times to go through `train`, at most. Each time all of it is used; the last batch may be
            smaller.
        learning_rate: what the gradient is multiplied by in a step.
        batch_size: examples in a step; `train` may have fewer.
        patience: stop once the best epoch so far, the one with the lowest `valid_loss`, is this many epochs old; a loss
            that is lower, however little, makes a new best epoch. None never stops early.
        seed: shuffles the examples, anew in each epoch; the same seed gives the same head. The global random state is
            not seeded, and does not matter; only dropout in a head, which draws from it, may make a difference.

    Returns:
        Lists of Python floats, one entry for each epoch run: `train_loss`, `train_accuracy`, `valid_loss`,
        `valid_accuracy`. The training figures may be taken while the head learns, the validation figures are taken
        after the epoch. The head has the weights of the epoch with the lowest `valid_loss`; whether those that it came
        with take part in the comparison is up to you.
    """
    # TODO: Loop over epochs and shuffled batches, note losses and accuracies, and restore the best weights.
    ### BEGIN SOLUTION
    # A generator of our own: what else the program draws cannot change the result, nor this what else is drawn.
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.SGD(head.parameters(), lr=learning_rate)
    features, labels = train
    history: dict[str, list[float]] = {
        name: [] for name in ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")
    }
    best_loss, best_epoch, best_weights = math.inf, 0, _copied(head)
    for epoch in range(epochs):
        order = torch.randperm(len(labels), generator=generator).to(labels.device)
        for batch in order.split(batch_size):
            optimizer.zero_grad()
            F.cross_entropy(head(features[batch]), labels[batch]).backward()
            optimizer.step()
        figures = (*evaluate(head, *train), *evaluate(head, *valid))
        for name, figure in zip(history, figures, strict=True):
            history[name].append(figure)
        if history["valid_loss"][-1] < best_loss:
            best_loss, best_epoch, best_weights = history["valid_loss"][-1], epoch, _copied(head)
        elif patience is not None and epoch - best_epoch >= patience:
            break
    head.load_state_dict(best_weights)
    return history
    ### END SOLUTION


def predict(model: nn.Module, images: Tensor, k: int = 3) -> list[list[tuple[str, float]]]:
    """Name what a model sees, and how sure it is.

    Args:
        model: images to logits (N, K), with `.classes`, the K names; in eval mode already.
        images: shape (N, 3, H, W).
        k: how many classes to name; if there are fewer than `k`, all K of them.

    Returns:
        For each image the `k` most probable classes as (name, softmax probability), most probable first. The
        probability is a Python float. No gradient is left on the model.

    Raises:
        ValueError: `k` is below 1; the message names `k`.
    """
    # TODO: Turn logits into probabilities and pair the largest with their names.
    ### BEGIN SOLUTION
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    with torch.no_grad():
        probabilities = model(images).softmax(dim=1)
    top = probabilities.topk(min(k, probabilities.shape[1]), dim=1)
    return [
        [(model.classes[index], probability) for probability, index in zip(row, indices, strict=True)]
        for row, indices in zip(top.values.tolist(), top.indices, strict=True)
    ]
    ### END SOLUTION


### BEGIN SOLUTION
def _copied(head: nn.Module) -> dict[str, Tensor]:
    # A state dict refers to the weights themselves, which go on changing: a copy is needed to keep them.
    return {name: value.clone() for name, value in head.state_dict().items()}


### END SOLUTION
