"""The parts that every network of the course is put together from."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
TINY_WIDTHS = (16, 40, 80, 160)
TINY_FEATURES = TINY_WIDTHS[-1]


class Normalize(nn.Module):
    """Per channel `(x - mean) / std`, so that the network around it takes pixels in `[0, 1]`.

    The defaults are ImageNet's statistics, which all of torchvision's networks were trained with.
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
    """A model: images `(N, 3, H, W)` to logits `(N, K)`, as a backbone followed by a head."""

    def __init__(self, backbone: nn.Module, head: nn.Module, classes: Sequence[str]) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.classes = list(classes)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.backbone(images))
        return logits


class Residual(nn.Module):
    """Two 3 x 3 convolutions round which the input also passes straight on."""

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
    """Return a convolution whose first weights keep the size of a signal on its way.

    As in He et al. 2015, "Delving Deep into Rectifiers". PyTorch's default shrinks it at each layer, and an
    untrained network would be a worse opponent than it need be.
    """
    layer = nn.Conv2d(inward, outward, kernel, stride=stride, padding=kernel // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return layer


def halving(inward: int, outward: int, kernel: int = 3) -> nn.Sequential:
    """Return a convolution that halves height and width, its normalisation and its activation."""
    return nn.Sequential(
        conv(inward, outward, kernel, stride=2),
        nn.BatchNorm2d(outward),
        # SiLU rather than ReLU: its gradient is nowhere cut off, and ideal images come out smoother.
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
