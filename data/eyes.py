"""Backbones that see one thing and nothing else, so that a check knows what a head on their features can learn.

They are quick, take images `(N, 3, H, W)` of any size from 2 x 2, and give features `(N, 64)` of a size that heads learn fast.
A batch normalisation is among their layers, which only eval mode leaves as it is.
"""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from data.layers import Classifier

FEATURES = 64
#: What a backbone can see, and which of the measures tell it.
SEEN = {"colours": (0, 1, 2), "stripes": (3,), "both": (0, 1, 2, 3), "nothing": ()}


class Measures(nn.Module):
    """Three mean colours and the direction of stripes, each about -1 to 1: images to `(N, 4)`."""

    def forward(self, images: Tensor) -> Tensor:
        colours = 4 * images.mean(dim=(2, 3)) - 2
        across = images.diff(dim=3).abs().mean(dim=(1, 2, 3))
        down = images.diff(dim=2).abs().mean(dim=(1, 2, 3))
        return torch.cat([colours, ((across - down) / (across + down + 1e-6))[:, None]], dim=1)


def eye_backbone(sees: str, *, seed: int = 0) -> nn.Module:
    """A backbone in eval mode whose features tell one thing about an image.

    Args:
        sees: `"colours"` (how red, green and blue an image is), `"stripes"` (whether they run across or down),
            `"both"` or `"nothing"`.
        seed: draws the weights that mix the measures; the global random state is neither used nor changed.

    Raises:
        ValueError: `sees` is another word.
    """
    if sees not in SEEN:
        raise ValueError(f"sees {sees!r} is nothing that a backbone sees; there are {', '.join(SEEN)}")
    mix = nn.utils.skip_init(nn.Linear, 4, FEATURES)
    weight = torch.randn(FEATURES, 4, generator=torch.Generator().manual_seed(seed))
    blind = [k for k in range(4) if k not in SEEN[sees]]
    with torch.no_grad():
        mix.weight.copy_(weight)
        mix.weight[:, blind] = 0
        mix.bias.zero_()
    layers = OrderedDict(measure=Measures(), mix=mix, norm=nn.BatchNorm1d(FEATURES))
    backbone = nn.Sequential(layers).eval()
    backbone.recipe = ("data:eye_backbone", {"sees": sees, "seed": seed})  # type: ignore[assignment]
    return backbone


def eye_model(sees: str, classes: Sequence[str], *, seed: int = 0) -> Classifier:
    """A model in eval mode with an `eye_backbone` and a linear head.

    What the backbone does not see, it can learn to see: the weights of what it is blind to are zeros like any other numbers.

    Raises:
        ValueError: `sees` is nothing that a backbone sees.
    """
    head = nn.utils.skip_init(nn.Linear, FEATURES, len(classes))
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        head.weight.copy_(0.1 * torch.randn(head.weight.shape, generator=generator))
        head.bias.zero_()
    model = Classifier(eye_backbone(sees, seed=seed), head, classes).eval()
    model.recipe = ("data:eye_model", {"sees": sees, "classes": list(classes), "seed": seed})  # type: ignore[assignment]
    return model
