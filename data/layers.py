"""The parts that every network of the course is put together from."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


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
