"""Networks by name. All take float32 images `(N, 3, H, W)` with pixels in `[0, 1]`, any `H, W >= 32`.

A module made here carries its `recipe`: the call that makes it again, as `("module:function", arguments)`.
A recipe is how a network reaches another process: as a name and plain values, never as code.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
CLASSES = ("tabby_cat", "siamese_cat", "dog", "dalmatian", "zebra", "striped_cloth", "checker_board", "tree")


class Normalize(nn.Module):
    """Per channel `(x - mean) / std`, so that the network around it takes pixels in `[0, 1]`."""

    def __init__(self, mean: Sequence[float] = MEAN, std: Sequence[float] = STD) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        return (images - self.mean) / self.std  # type: ignore[operator]


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


def load_backbone(name: str, pretrained: bool = True, *, seed: int = 0) -> nn.Module:
    """A backbone in eval mode: images `(N, 3, H, W)` to features `(N, D)`.

    Args:
        name: `"tiny"`.
        pretrained: only `False` so far; the weights then come from `seed`.
        seed: draws the weights of an untrained network.

    Raises:
        ValueError: the name is not one of the course's, or the network has no trained weights yet.
    """
    _refuse_unknown(name, pretrained)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        backbone = _tiny_backbone()
    return _finished(backbone, "load_backbone", name, pretrained, seed)


def load_model(name: str, pretrained: bool = True, *, seed: int = 0) -> nn.Module:
    """A model in eval mode: images `(N, 3, H, W)` to logits `(N, K)`; it has `.backbone`, `.head`, `.classes`.

    Arguments and errors are those of `load_backbone`.
    """
    _refuse_unknown(name, pretrained)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Classifier(_tiny_backbone(), nn.Linear(32, len(CLASSES)), CLASSES)
    return _finished(model, "load_model", name, pretrained, seed)


def _tiny_backbone() -> nn.Module:
    return nn.Sequential(
        Normalize(),
        nn.Conv2d(3, 16, 5, stride=2, padding=2),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )


def _refuse_unknown(name: str, pretrained: bool) -> None:
    if name != "tiny":
        raise ValueError(f"name {name!r} is not a network of this course; the course has 'tiny'")
    if pretrained:
        raise ValueError("'tiny' has no trained weights yet; ask for pretrained=False")


def _finished(module: nn.Module, maker: str, name: str, pretrained: bool, seed: int) -> nn.Module:
    module.recipe = (f"data:{maker}", {"name": name, "pretrained": pretrained, "seed": seed})  # type: ignore[assignment]
    return module.eval()
