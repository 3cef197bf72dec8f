"""Draw whole pictures of the classes, with background, clutter, light and noise: one by one, or as labelled batches."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter
from torch import Tensor

from data.world.animals import Animal, draw_animal
from data.world.objects import OBJECTS, draw_object
from data.world.painter import Colour, Painter, Rng, varied
from data.world.species import SPECIES
from data.world.textures import TEXTURES, blend, grained, noise, step

CLASSES: tuple[str, ...] = (*SPECIES, *OBJECTS, *TEXTURES)
DOGS = ("dog", "dalmatian", "husky", "hound", "poodle")
CATS = ("tabby_cat", "siamese_cat", "black_cat", "white_cat", "ginger_cat")
#: Seed of the first picture of `samples`; pretraining and its held-out pictures use smaller seeds.
SAMPLES_SEED = 2_000_000


def _any_colour(rng: Rng) -> Colour:
    red, green, blue = rng.randint(20, 245, 3).tolist()
    return red, green, blue


def _wall(rng: Rng, side: int) -> Image.Image:
    return blend(noise(rng, side, 2), _any_colour(rng), _any_colour(rng))


def _meadow(rng: Rng, side: int) -> Image.Image:
    rows = np.arange(side, dtype=np.float32)[:, None] / np.float32(side) + noise(rng, side, 4) * np.float32(0.1)
    horizon = step(rows, rng.uniform(0.35, 0.75), 0.05)
    sky = varied(rng, ((150, 195, 230), (200, 210, 220), (230, 190, 150))[rng.randint(3)], 25)
    ground = varied(rng, ((95, 140, 65), (180, 160, 110), (225, 228, 232), (110, 95, 80))[rng.randint(4)], 25)
    return grained(rng, blend(horizon, sky, ground), 0.15, 30)


def _blotches(rng: Rng, side: int) -> Image.Image:
    return blend(noise(rng, side, rng.randint(4, 14)), _any_colour(rng), _any_colour(rng))


def _cloth(rng: Rng, side: int) -> Image.Image:
    """Return one of the textures, faint and blurred, so that a texture in a picture does not tell its class."""
    texture = list(TEXTURES.values())[rng.randint(len(TEXTURES))](rng, side)
    flat = Image.new("RGB", texture.size, _any_colour(rng))
    return Image.blend(texture, flat, rng.uniform(0.3, 0.75)).filter(ImageFilter.BoxBlur(side / 64))


def _clutter(rng: Rng, side: int) -> Image.Image:
    picture = _wall(rng, side)
    pen = ImageDraw.Draw(picture)
    for _ in range(rng.randint(3, 9)):
        corners = rng.randint(0, side, (rng.randint(3, 6), 2)).tolist()
        pen.polygon([tuple(corner) for corner in corners], fill=_any_colour(rng))
    return picture.filter(ImageFilter.BoxBlur(side / 50))


BACKGROUNDS: tuple[Callable[[Rng, int], Image.Image], ...] = (_wall, _meadow, _blotches, _cloth, _clutter)


def background(rng: Rng, side: int) -> Image.Image:
    """Draw a background of any kind, `side x side`."""
    return BACKGROUNDS[rng.randint(len(BACKGROUNDS))](rng, side)


def lit(rng: Rng, picture: Image.Image) -> Image.Image:
    """Return the picture under uneven light of a random strength, tint and contrast, with sensor noise."""
    side = picture.width
    pixels = np.asarray(picture, np.float32)
    light = np.float32(rng.uniform(0.75, 1.1)) + (noise(rng, side, 2) - np.float32(0.5)) * np.float32(0.5)
    tint = np.array([rng.uniform(0.9, 1.1) for _ in range(3)], np.float32)
    contrast, offset = np.float32(rng.uniform(0.7, 1.05)), np.float32(rng.uniform(-12, 30))
    grain = rng.randint(-8, 9, pixels.shape).astype(np.float32) * np.float32(rng.uniform(0, 1.5))
    lit_pixels = pixels * light[..., None] * tint * contrast + offset + grain
    return Image.fromarray(np.clip(lit_pixels, 0, 255).astype(np.uint8))


def photograph(rng: Rng, side: int, animal: Animal, view: str | None = None) -> tuple[Image.Image, Image.Image]:
    """Return a picture of one animal, and its silhouette (mode `L`, 255 on the animal), both `side x side`."""
    painter = Painter(background(rng, side))
    draw_animal(painter, rng, animal, view)
    return lit(rng, painter.image), painter.silhouette


def draw(name: str, seed: int, size: int = 64) -> Image.Image:
    """Draw a picture of the class `name`, `size x size` RGB; the same for the same seed.

    Raises:
        ValueError: `name` is none of `CLASSES`.
    """
    rng, side = Rng(seed), 2 * size
    if name in TEXTURES:
        picture = lit(rng, TEXTURES[name](rng, side))
    elif name in SPECIES:
        picture, _ = photograph(rng, side, SPECIES[name])
    elif name in OBJECTS:
        painter = Painter(background(rng, side))
        draw_object(painter, rng, name)
        picture = lit(rng, painter.image)
    else:
        raise ValueError(f"name {name!r} is no class of the drawn world; it has {', '.join(CLASSES)}")
    return picture.resize((size, size), Image.Resampling.BOX)


def samples(names: Sequence[str], count: int, *, size: int = 64, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return `count` pictures of each class, which no pretraining has seen.

    Args:
        names: classes of the world, such as `"zebra"`; a name is one of `CLASSES`.
        count: pictures of each.
        size: height and width in pixels.
        seed: other seeds below 1000 give other pictures.

    Returns:
        Images `(len(names) * count, 3, size, size)`, float32 in `[0, 1]`, class by class, and their labels in
        the order of a network's logits, int64.

    Raises:
        ValueError: a name is no class of the world, or `count` is below 1.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, not {count}")
    first = SAMPLES_SEED + 1_000_000 * seed
    pictures = [
        np.array(draw(name, first + 10_000 * CLASSES.index(name) + k if name in CLASSES else first, size))
        for name in names
        for k in range(count)
    ]
    images = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
    return images.contiguous(), torch.tensor([CLASSES.index(name) for name in names]).repeat_interleave(count)


def dogs(count: int, *, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return `count` dogs of each of the world's five kinds, 64 x 64, and their labels, for the attack."""
    return samples(DOGS, count, seed=seed)
