"""Make the parts of the course's networks."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
TINY_WIDTHS = (16, 40, 80, 160)
TINY_FEATURES = TINY_WIDTHS[-1]


class Normalize(nn.Module):
    """Layer that computes `(x - mean) / std` for each channel, so that its network takes pixels in `[0, 1]`.

    The defaults are ImageNet's statistics, with which all of torchvision's networks were trained.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float] = MEAN, std: Sequence[float] = STD) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        return (images - self.mean) / self.std


class Classifier(nn.Module):
    """Model of a backbone followed by a head: images `(N, 3, H, W)` to logits `(N, K)`."""

    def __init__(self, backbone: nn.Module, head: nn.Module, classes: Sequence[str]) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.classes = list(classes)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.backbone(images))
        return logits


class Residual(nn.Module):
    """Block of two 3 x 3 convolutions, whose input is added to their output."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = conv(width, width, 3)
        self.first_norm = nn.BatchNorm2d(width)
        self.second = conv(width, width, 3)
        self.second_norm = nn.BatchNorm2d(width)
        self.activation = nn.SiLU()

    def forward(self, maps: Tensor) -> Tensor:
        change = self.activation(self.first_norm(self.first(maps)))
        return self.activation(maps + self.second_norm(self.second(change)))


def unset_linear(inputs: int, outputs: int) -> nn.Linear:
    """Return a linear layer whose weights are to be set; the global random state stays as it was.

    `nn.utils.skip_init` draws nothing either, but takes a second the first time: it imports PyTorch's compiler.
    """
    with torch.random.fork_rng(devices=[]):
        return nn.Linear(inputs, outputs)


def conv(inward: int, outward: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """Return a convolution whose first weights keep the size of a signal (He et al. 2015, "Delving Deep into Rectifiers").

    PyTorch's default weights shrink a signal at each layer: an untrained network would be a weaker comparison than it can be.
    """
    layer = nn.Conv2d(inward, outward, kernel, stride=stride, padding=kernel // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return layer


def halving(inward: int, outward: int, kernel: int = 3) -> nn.Sequential:
    """Return a convolution that halves height and width, its normalisation and its activation."""
    return nn.Sequential(
        conv(inward, outward, kernel, stride=2),
        nn.BatchNorm2d(outward),
        # SiLU and not ReLU: its gradient is never cut off, so that ideal images become smoother.
        nn.SiLU(),
    )


def tiny_layers() -> dict[str, nn.Module]:
    """Return the layers by name: normalised images `(N, 3, H, W)`, `H, W >= 32`, to features `(N, 160)`."""
    first, second, third, fourth = TINY_WIDTHS
    return {
        "stem": halving(3, first, 5),
        "down2": halving(first, second),
        "block2": Residual(second),
        "down3": halving(second, third),
        "block3": Residual(third),
        "down4": halving(third, fourth),
        "pool": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(),
    }
