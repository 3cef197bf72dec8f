"""Fine-tuning: when a frozen backbone is not enough.

A frozen backbone sees what its own training has taught it to see. Where that is not enough, the backbone has to learn
on: with small steps, so that it keeps what it knows, and after the head has been trained, as a random head would change
the backbone at random.

Images are float32 batches of shape (N, 3, H, W) with pixels in [0, 1], labels int64 of shape (N,). A model has `.backbone`
and `.head`, and maps images to logits (N, K).

Each function leaves PyTorch as it found it: gradients are switched on, and the global random state has not been seeded.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from safetensors.torch import load, save
from torch import Tensor, nn

REACH = 4  # pixels


def count_parameters(model: nn.Module) -> tuple[int, int]:
    """Count the numbers that a model learns, and all that it has.

    Args:
        model: any module; a parameter that two of its layers share counts once, and buffers do not count.

    Returns:
        Two Python ints: the number of entries of the parameters that require gradients, and that of all parameters.
    """
    # TODO: Add up the entries of all parameters, and those of the parameters that require gradients.
    raise NotImplementedError("count_parameters")


def unfreeze(model: nn.Module, layers: Sequence[str]) -> list[str]:
    """Make the parameters of some layers require gradients.

    Args:
        model: changed in place. Parameters of other layers stay as they are, and so does the mode of each submodule.
        layers: names of submodules, such as `"block.down"`; `""` is the whole model. The name of a parameter, such as
            `"block.down.weight"`, is not the name of a submodule.

    Returns:
        A list of the names of all parameters that require gradients now, also of those that did before, in the order of
        `model.named_parameters()`.

    Raises:
        ValueError: one of `layers` is no submodule. The message names those that exist, and nothing has changed.
    """
    # TODO: Look up every layer first, then let their parameters require gradients.
    raise NotImplementedError("unfreeze")


def parameter_groups(model: nn.Module, *, head_rate: float, backbone_rate: float) -> list[dict]:
    """Divide the parameters into groups with a learning rate each, as an optimizer of `torch.optim` takes them.

    Args:
        model: has a `.head`; what else it has, in the backbone or beside it, learns at `backbone_rate`.
        head_rate: learning rate of the parameters of `model.head`, also of one that the backbone shares with it.
        backbone_rate: learning rate of all others.

    Returns:
        A list of dicts with `"params"` and `"lr"`, and other keys if you like. Each parameter that requires gradients stands
        once, in one group; the others stand in none. No group is empty; if nothing requires gradients, the list is
        empty.

    Raises:
        ValueError: `head_rate` or `backbone_rate` is not positive; the message names the argument.
    """
    # TODO: Check both rates, and tell the parameters of the head from the others.
    raise NotImplementedError("parameter_groups")


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    """Flip and move each image at random, so that each epoch shows something that the one before did not.

    Each image on its own is flipped left to right with probability one half, and moved along each axis by a whole
    number of pixels from -4 to 4: all nine numbers are equally likely, and the axes are independent. What comes in at
    the border is a reflection that does not repeat the border pixel, as `F.pad(..., mode="reflect")` makes it.

    Args:
        images: shape (N, C, H, W), H and W each greater than 4.
        generator: all randomness comes from it; the same state gives the same images, and each call leaves it in another.

    Returns:
        The same shape and dtype; `images` itself is not changed.
    """
    # TODO: Pad the borders of all images, draw a flip and two moves for each image, and cut the moved image out.
    raise NotImplementedError("augment")


def fine_tune(
    model: nn.Module,
    train: tuple[Tensor, Tensor],
    valid: tuple[Tensor, Tensor],
    *,
    epochs: int = 10,
    head_rate: float = 1e-2,
    backbone_rate: float = 1e-3,
    batch_size: int = 32,
    seed: int = 0,
) -> dict[str, list[float]]:
    """Train a model further, its backbone too, and keep it as it was when it did best on the validation set.

    Use Adam or one of its kind, which takes steps of the size of the rate however small the gradient is. It has to do
    so from the first step to the last: RAdam, whose steps begin small, and Adagrad, whose steps shrink, do not get far
    enough in so few epochs, and RMSprop, whose first step is ten times the rate, forgets what the backbone knew.
    Whether you augment the images, and whether dropout is at work, is up to you.

    Args:
        model: its head has been trained on the frozen backbone, until it no longer improved. What requires gradients is
            trained in place, and nothing else. Statistics of batch normalisation stay as they are, in whatever mode the
            model comes, and each submodule has its own mode back afterwards. Which parameters require gradients does
            not change.
        train: images (N, 3, H, W) and labels (N,) to learn from.
        valid: images and labels to choose the best epoch by; nothing is ever learnt from them.
        epochs: how many times to go through `train`.
        head_rate: learning rate of the parameters of `model.head`.
        backbone_rate: learning rate of all others.
        batch_size: images in a step.
        seed: shuffles the images, anew in each epoch; the same seed gives the same model. The global random state is
            not seeded, and does not matter; only dropout at work, which draws from it, may make a difference.

    Returns:
        Lists of Python floats, one entry for each epoch: `train_loss`, `train_accuracy`, `valid_loss`,
        `valid_accuracy`. The training figures may be means over the epoch's batches. The model has the weights of the
        epoch with the lowest `valid_loss`; whether those that it came with take part in the comparison is up to you.
    """
    # TODO: Give an optimizer the groups, keep batch norm from learning, loop as in fit_head, restore the best weights.
    raise NotImplementedError("fine_tune")


def model_to_bytes(model: nn.Module) -> bytes:
    """Pack a model's state dict in the safetensors format, which holds numbers and can hold no code.

    Args:
        model: each of its tensors is contiguous in memory, and no two share memory.

    Returns:
        Bytes of which `safetensors.torch.load` makes the same dict again: each tensor with its name, shape and dtype.
    """
    # TODO: Find the function of safetensors.torch that makes bytes of a dict of tensors.
    raise NotImplementedError("model_to_bytes")


def model_from_bytes(data: bytes, model: nn.Module) -> nn.Module:
    """Unpack a state dict from the safetensors format into a model.

    Args:
        data: bytes as `model_to_bytes` makes them. Anything else is refused by an error, of whatever kind, and never
            unpickled.
        model: changed in place; its modes stay as they are, and so does which parameters require gradients. The parameters
            are the same objects afterwards, as an optimizer may hold them, and layers may share them.

    Returns:
        `model` itself: each tensor of its state dict has the values that the data hold under its name.

    Raises:
        ValueError: a name of the model's state dict is missing in the data, or the data have a name that the model does
            not have, or a tensor of another shape. The message has that name, and the model is unchanged.
    """
    # TODO: Compare names and shapes before anything is loaded.
    raise NotImplementedError("model_from_bytes")
