"""Load three domains for the challenge unit: one near to the world that `tiny` was pretrained on, two far from it.

`pets` is near: animals again, but other breeds. `glyphs` (an invented script) and `tissue` (stained cells as
under a microscope) are far: nothing in the world looks like them.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from data.breeds import BREEDS
from data.pets import pets_root
from data.world.painter import Painter, Points, Pose, Rng, ellipse, varied
from data.world.textures import blend, grained, noise

if TYPE_CHECKING:
    from torchvision.datasets import OxfordIIITPet

Labelled = tuple[Tensor, Tensor]
Classes = Sequence[int] | None
SIZE = 64
GLYPHS = 40
TISSUES = 12


def load_domain(
    name: str, *, per_class: int = 12, seed: int = 0, classes: Sequence[int] | None = None
) -> tuple[Labelled, Labelled]:
    """Return the train and test sets of a domain, each `(images, labels)`: float32 `(N, 3, 64, 64)`, `[0, 1]`, int64 `(N,)`.

    Args:
        name: one of `DOMAINS`.
        per_class: pictures of a class in each half; `pets` has 12 at most.
        seed: another seed gives other pictures of the same classes, but for `pets`, a fixed collection.
        classes: numbers of the classes to load, labelled by their place in this list; all by default.

    Raises:
        ValueError: the name is none of `DOMAINS`, or `per_class` is below 1.
    """
    if name not in DOMAINS:
        raise ValueError(f"name {name!r} is no domain; there are {', '.join(DOMAINS)}")
    if per_class < 1:
        raise ValueError(f"per_class must be at least 1, not {per_class}")
    return DOMAINS[name](per_class, seed, classes)


def _pets(per_class: int, seed: int, classes: Classes) -> tuple[Labelled, Labelled]:
    train, test = (_pets_half(split, per_class, classes) for split in ("trainval", "test"))
    return train, test


def _pets_half(split: str, per_class: int, classes: Classes) -> Labelled:
    breeds = torch.tensor(_pets_split(split)._labels)
    places = [(breeds == breed).nonzero().flatten()[:per_class] for breed in classes or range(len(BREEDS))]
    labels = torch.cat([torch.full_like(of_breed, label) for label, of_breed in enumerate(places)])
    return torch.stack([_pets_picture(split, place) for place in torch.cat(places).tolist()]), labels


@cache
def _pets_split(split: str) -> "OxfordIIITPet":
    from torchvision.datasets import OxfordIIITPet
    from torchvision.transforms import CenterCrop, Compose, PILToTensor, Resize

    return OxfordIIITPet(pets_root(), split, transform=Compose([Resize(SIZE), CenterCrop(SIZE), PILToTensor()]))


@cache
def _pets_picture(split: str, place: int) -> Tensor:
    pixels: Tensor = _pets_split(split)[place][0]
    return pixels.float() / 255


def _draw_both(
    draw: Callable[[int, Rng], Image.Image], classes: Sequence[int], per_class: int, seed: int
) -> tuple[Labelled, Labelled]:
    return (
        _half(draw, classes, per_class, 2 * seed),
        _half(draw, classes, per_class, 2 * seed + 1),
    )


def _half(draw: Callable[[int, Rng], Image.Image], classes: Sequence[int], per_class: int, seed: int) -> Labelled:
    labels = torch.arange(len(classes)).repeat_interleave(per_class)
    # A class and half has 10,000 seeds of its own, so that no picture of one half is in the other.
    pictures = [draw(kind, Rng(seed * 1_000_000 + 10_000 * kind + k)) for kind in classes for k in range(per_class)]
    pixels = np.stack([np.asarray(picture) for picture in pictures])
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float().contiguous() / 255, labels


def _strokes(label: int) -> list[Points]:
    """Return the strokes of a letter of the invented script: each a bent line between points of a 3 x 3 grid."""
    rng = Rng(5_000 + label)
    return [
        [((point % 3 - 1) * 0.75, (point // 3 - 1) * 0.75) for point in rng.permutation(9)[: rng.randint(2, 5)]]
        for _ in range(rng.randint(2, 4))
    ]


def _glyph(label: int, rng: Rng) -> Image.Image:
    """Draw a letter as if written by hand: unsteady, turned, in some ink on some paper."""
    side = 2 * SIZE
    dark, light = varied(rng, (60, 55, 75), 55), varied(rng, (205, 200, 190), 45)
    if rng.randint(2):
        dark, light = light, dark
    painter = Painter(grained(rng, Image.new("RGB", (side, side), light), 0.12, 12))
    pose = Pose(
        x=side * rng.uniform(0.4, 0.6),
        y=side * rng.uniform(0.4, 0.6),
        scale=side * rng.uniform(0.22, 0.42),
        angle=rng.uniform(-0.35, 0.35),
        squeeze=rng.uniform(0.75, 1.2),
    )
    width = rng.uniform(0.1, 0.24)
    for stroke in _strokes(label):
        unsteady = [(x + rng.uniform(-0.13, 0.13), y + rng.uniform(-0.13, 0.13)) for x, y in stroke]
        painter.line(unsteady, dark, pose, width)
    return painter.image.resize((SIZE, SIZE), Image.Resampling.BOX)


def _tissue(label: int, rng: Rng) -> Image.Image:
    """Draw stained cells; classes differ in their number, size and length, and in the size of the nuclei."""
    kind, side = Rng(7_000 + label), 2 * SIZE
    count, size = kind.randint(14, 60), kind.uniform(4, 9)
    length, nucleus, turn = kind.uniform(1, 2.2), kind.uniform(0.3, 0.75), kind.uniform(0, 3.14)
    stain = varied(rng, (225, 170, 195), 20)
    painter = Painter(blend(noise(rng, side, 8), stain, varied(rng, (240, 215, 225), 15)))
    body, core = varied(rng, (190, 120, 170), 25), varied(rng, (85, 55, 125), 25)
    whole_turn = rng.uniform(0, 3.14)
    for _ in range(count):
        pose = Pose(
            x=rng.uniform(0, side),
            y=rng.uniform(0, side),
            scale=size * rng.uniform(0.75, 1.3),
            angle=whole_turn + turn * rng.uniform(-1, 1),
        )
        painter.fill(ellipse(0, 0, length, 1), body, pose, rng.uniform(0.85, 1.1))
        painter.fill(ellipse(rng.uniform(-0.2, 0.2), 0, length * nucleus, nucleus), core, pose, rng.uniform(0.8, 1.2))
    return grained(rng, painter.image, 0.15, 40).resize((SIZE, SIZE), Image.Resampling.BOX)


def _glyphs(per_class: int, seed: int, classes: Classes) -> tuple[Labelled, Labelled]:
    return _draw_both(_glyph, classes or range(GLYPHS), per_class, seed)


def _tissues(per_class: int, seed: int, classes: Classes) -> tuple[Labelled, Labelled]:
    return _draw_both(_tissue, classes or range(TISSUES), per_class, seed)


DOMAINS: dict[str, Callable[[int, int, Classes], tuple[Labelled, Labelled]]] = {
    "pets": _pets,
    "glyphs": _glyphs,
    "tissue": _tissues,
}
