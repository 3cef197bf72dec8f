"""Ideal image: the picture that a network thinks is a zebra.

Training changes the weights of a network so that its answer fits the picture. Here the network stays as it is and the
*picture* changes, from noise, until the answer is "zebra": gradient descent on pixels. Left alone it ends in noise that only
the network understands; a variation loss keeps neighbouring pixels alike, and shapes appear.

Images are float32 batches of shape (N, 3, H, W) with pixels in [0, 1]. A model maps them to logits (N, K), and is in eval
mode already; `target` is the index of a class, as in `model.classes.index("zebra")`.

Each function leaves PyTorch as it found it: gradients are switched on, and the global random state has not been seeded.

The variation loss is that of the unit of this name. If you have written it, you can import it: `from variation_loss import
variation_loss`; then hand in `variation_loss.py` along with this file. Or write it here again, in two lines.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def class_loss(model: nn.Module, images: Tensor, target: int) -> Tensor:
    """Measure how far the network is from seeing one class in the images: the mean cross-entropy towards it.

        1/N sum_n -log softmax(model(images))[n, target]

    Args:
        model: the network.
        images: shape (N, 3, H, W).
        target: index of the class, the same for all images.

    Returns:
        A scalar (shape ()), differentiable with respect to the images.
    """
    # TODO: Take the cross-entropy between the logits and the target, repeated for each image.
    raise NotImplementedError("class_loss")


def ideal_loss(model: nn.Module, images: Tensor, target: int, variation_weight: float) -> Tensor:
    """Add to the class loss how much neighbouring pixels differ.

        class_loss(model, x, target) + variation_weight * variation_loss(x)

    where `variation_loss` is the batch mean of the total variation per entry: the absolute differences between vertical and
    between horizontal neighbours, summed over all channels and divided by C * H * W. As a prior for pictures made by
    optimisation it comes from Mahendran and Vedaldi (2015), "Understanding deep image representations by inverting them".

    Args:
        model: the network.
        images: shape (N, 3, H, W).
        target: index of the class.
        variation_weight: weight of the variation loss.

    Returns:
        A scalar (shape ()), differentiable with respect to the images.
    """
    # TODO: Add the weighted variation loss to the class loss.
    raise NotImplementedError("ideal_loss")


def ideal_step(
    model: nn.Module, images: Tensor, target: int, *, learning_rate: float, variation_weight: float
) -> Tensor:
    """Make one step of plain gradient descent on `ideal_loss`, with respect to the pixels.

    Args:
        model: the network.
        images: where the descent stands, shape (N, 3, H, W), in [0, 1].
        target: index of the class.
        learning_rate: what the gradient is multiplied by.
        variation_weight: weight of the variation loss.

    Returns:
        The next images: shape (N, 3, H, W), clamped to [0, 1], detached. `images` is not changed, and no gradient stays on
        the model.
    """
    # TODO: Subtract learning_rate times the gradient of ideal_loss, and clamp.
    raise NotImplementedError("ideal_step")


def ideal_image(
    model: nn.Module,
    target: int,
    *,
    size: int = 64,
    steps: int = 200,
    learning_rate: float = 5.0,
    variation_weight: float = 1.0,
    seed: int = 0,
) -> tuple[Tensor, list[float]]:
    """Let the network dream: from random noise to the picture that it is surest of.

    Simonyan, Vedaldi and Zisserman (2014) made such pictures in "Deep inside convolutional networks"; here a variation
    loss is added. How to descend, and with which default values of `learning_rate` and `variation_weight`, is yours to
    choose. With your defaults, the course's pretrained `tiny` has to see any target in the picture with a probability
    of at least 0.9. The variation of that picture must be at most 0.7 of the variation of a picture that was made with
    `variation_weight=0` and `steps=50`. The checks also give the same network other classes, which are mixtures of
    those that it knows and new each time: this network has to see the target with a probability of at least 0.7. No
    picture that was made beforehand achieves that.

    Args:
        model: the network.
        target: index of the class.
        size: height and width of the picture.
        steps: number of steps.
        learning_rate: sets the length of a step.
        variation_weight: weight of the variation loss; with 0 it does not count.
        seed: draws the noise that the descent starts from; the same seed gives the same picture. No other randomness is
            used, and the global random state is left alone.

    Returns:
        The picture, shape (1, 3, size, size), in [0, 1], detached; and the loss of each step, measured before or after
        it: a list of `steps` Python floats. The last is lower than the first, and about the `ideal_loss` of the
        picture.
    """
    # TODO: Start from noise drawn from the seed, and repeat the step, keeping the loss of each.
    raise NotImplementedError("ideal_image")
