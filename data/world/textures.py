"""Make textures from fields, arrays over the picture with values in `[0, 1]`: coats of animals, and classes of their own."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from data.world.painter import Colour, Pose, Rng, varied

Field = NDArray[np.float32]


def noise(rng: Rng, side: int, cells: int) -> Field:
    """Return smooth noise, `(side, side)` in `[0, 1]`, that varies over about `cells` waves."""
    rough = Image.fromarray(rng.randint(0, 256, (cells, cells)).astype(np.uint8))
    return np.asarray(rough.resize((side, side), Image.Resampling.BICUBIC), np.float32) / np.float32(255)


def plane(side: int, pose: Pose, warp: tuple[Field, Field] | None = None) -> tuple[Field, Field]:
    """Return the coordinates `(u, v)` of each pixel in a pose, moved by the pair of fields `warp`."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    x, y = (
        (x - np.float32(pose.x)) / np.float32(pose.scale),
        (y - np.float32(pose.y)) / np.float32(pose.scale),
    )
    cos, sin = (np.float32(round(f(pose.angle), 6)) for f in (math.cos, math.sin))
    u, v = x * cos + y * sin, y * cos - x * sin
    if pose.flip:
        u = -u
    return (u, v) if warp is None else (u + warp[0], v + warp[1])


def bent(rng: Rng, side: int, strength: float, cells: int = 4) -> tuple[Field, Field]:
    """Return a pair of smooth fields in `[-strength, strength]` for `plane`."""
    first, second = noise(rng, side, cells), noise(rng, side, cells)
    return (first * 2 - 1) * np.float32(strength), (second * 2 - 1) * np.float32(strength)


def wave(x: Field) -> Field:
    """Return a triangle wave of period 1 in `[0, 1]`: a sine would differ between machines."""
    return np.abs((x % 1) * 2 - 1)


def step(x: Field, edge: float, softness: float = 0.08) -> Field:
    """Return 0 below `edge`, 1 above it, with a ramp `softness` wide."""
    return np.clip((x - np.float32(edge)) / np.float32(softness) + np.float32(0.5), 0, 1)


def dots(u: Field, v: Field, radius: float, stagger: bool = True) -> Field:
    """Return 1 inside a disc in each unit cell."""
    if stagger:
        u = u + (np.floor(v) % 2) * np.float32(0.5)
    return 1 - step(((u % 1) - np.float32(0.5)) ** 2 + ((v % 1) - np.float32(0.5)) ** 2, radius**2, 0.05)


def blend(field: Field, low: Colour, high: Colour) -> Image.Image:
    """Return a picture that goes from the colour `low` where the field is 0 to `high` where it is 1."""
    first, second = np.array(low, np.float32), np.array(high, np.float32)
    mixed = first + (second - first) * np.clip(field, 0, 1)[..., None]
    return Image.fromarray(mixed.astype(np.uint8))


def grained(rng: Rng, picture: Image.Image, strength: float, cells: int) -> Image.Image:
    """Return the picture made lighter and darker by up to `strength` (of 1) by noise: fur, cloth, stone."""
    grain = 1 + (noise(rng, picture.width, cells) - np.float32(0.5)) * np.float32(2 * strength)
    return Image.fromarray(np.clip(np.asarray(picture, np.float32) * grain[..., None], 0, 255).astype(np.uint8))


# --- coats: a pattern in the animal's own coordinates (the animal is about 2 units long) -------------


def _plain(rng: Rng, u: Field, v: Field) -> Field:
    return np.zeros_like(u)


def _stripes(rng: Rng, u: Field, v: Field) -> Field:
    count = np.float32(rng.uniform(2.0, 2.8))
    return step(wave(u * count + np.abs(v) * np.float32(0.5)), rng.uniform(0.42, 0.55), 0.2)


def _tabby(rng: Rng, u: Field, v: Field) -> Field:
    count = np.float32(rng.uniform(3.0, 4.5))
    return step(wave(u * count + wave(v * np.float32(1.3)) * np.float32(0.6)), 0.6, 0.3)


def _spots(rng: Rng, u: Field, v: Field) -> Field:
    count = np.float32(rng.uniform(3.0, 4.2))
    return dots(u * count, v * count, rng.uniform(0.24, 0.32))


def _rosettes(rng: Rng, u: Field, v: Field) -> Field:
    count = np.float32(rng.uniform(2.6, 3.4))
    return dots(u * count, v * count, 0.4) - dots(u * count, v * count, 0.2)


def _patches(rng: Rng, u: Field, v: Field) -> Field:
    return step(noise(rng, u.shape[0], rng.randint(5, 8)), rng.uniform(0.48, 0.58), 0.06)


def _net(rng: Rng, u: Field, v: Field) -> Field:
    count = np.float32(rng.uniform(2.4, 3.2))
    return 1 - dots(u * count, v * count, 0.44)


def _curls(rng: Rng, u: Field, v: Field) -> Field:
    count = np.float32(rng.uniform(5.0, 7.0))
    return dots(u * count, v * count, 0.3) * np.float32(0.8)


def _brindle(rng: Rng, u: Field, v: Field) -> Field:
    return step(noise(rng, u.shape[0], 22), 0.55, 0.2) * wave(u * np.float32(2.5))


def _shaded(rng: Rng, u: Field, v: Field) -> Field:
    return np.clip(np.float32(0.4) - v, 0, 1)


COATS: dict[str, Callable[[Rng, Field, Field], Field]] = {
    "plain": _plain,
    "stripes": _stripes,
    "tabby": _tabby,
    "spots": _spots,
    "rosettes": _rosettes,
    "patches": _patches,
    "net": _net,
    "curls": _curls,
    "brindle": _brindle,
    "shaded": _shaded,
}


def coat(rng: Rng, side: int, pose: Pose, pattern: str, base: Colour, marks: Colour) -> Image.Image:
    """Return a coat for an animal in `pose`: a pattern of `marks` on `base`, bent a little, with a grain of fur."""
    u, v = plane(side, pose, bent(rng, side, 0.12))
    picture = blend(COATS[pattern](rng, u, v), base, marks)
    return grained(rng, picture, rng.uniform(0.03, 0.14), rng.randint(16, 40))


# --- textures that are classes of their own ---------------------------------------------------------


def _two_colours(rng: Rng, apart: int = 70) -> tuple[Colour, Colour]:
    """Return two colours whose channels differ by at least `apart` on average."""
    while True:
        first, second = rng.randint(0, 256, 3), rng.randint(0, 256, 3)
        if np.abs(first - second).sum() >= 3 * apart:
            return tuple(first.tolist()), tuple(second.tolist())


def _frame(rng: Rng, side: int, warp: float = 0.05) -> tuple[Field, Field]:
    """Return a plane in a random turn and scale, about 4 to 9 units wide."""
    pose = Pose(side / 2, side / 2, side / rng.uniform(4, 9), rng.uniform(0, 2 * math.pi))
    return plane(side, pose, bent(rng, side, warp * rng.uniform(0, 4)))


def _striped_cloth(rng: Rng, side: int) -> Image.Image:
    u, _ = _frame(rng, side)
    return blend(step(wave(u), rng.uniform(0.35, 0.65)), *_two_colours(rng))


def _checker_board(rng: Rng, side: int) -> Image.Image:
    u, v = _frame(rng, side)
    return blend((np.floor(u) + np.floor(v)) % 2, *_two_colours(rng))


def _polka_dots(rng: Rng, side: int) -> Image.Image:
    u, v = _frame(rng, side)
    return blend(dots(u, v, rng.uniform(0.2, 0.34), bool(rng.randint(2))), *_two_colours(rng))


def _tartan(rng: Rng, side: int) -> Image.Image:
    u, v = _frame(rng, side)
    bands = step(wave(u), 0.5) + step(wave(v), 0.5) + step(wave(u * 2), 0.85) * np.float32(0.7)
    return blend(bands / np.float32(2.5), *_two_colours(rng))


def _brick_wall(rng: Rng, side: int) -> Image.Image:
    pose = Pose(rng.uniform(0, side), rng.uniform(0, side), side / rng.uniform(5, 9), rng.uniform(-0.25, 0.25))
    u, v = plane(side, pose, bent(rng, side, 0.04))
    u = u * np.float32(0.5) + (np.floor(v) % 2) * np.float32(0.5)
    joints = np.maximum(step(wave(u), 0.88, 0.05), step(wave(v), 0.78, 0.08))
    brick = varied(rng, ((150, 75, 55), (170, 110, 80), (120, 100, 90))[rng.randint(3)], 30)
    return grained(rng, blend(joints, brick, varied(rng, (200, 195, 185), 30)), 0.15, 24)


def _honeycomb(rng: Rng, side: int) -> Image.Image:
    u, v = _frame(rng, side)
    v = v * np.float32(1.1547)
    u = u + (np.floor(v) % 2) * np.float32(0.5)
    du, dv = np.abs(u % 1 - np.float32(0.5)), np.abs(v % 1 - np.float32(0.5))
    wall = np.maximum(du, du * np.float32(0.5) + dv * np.float32(0.9))
    return blend(step(wall, rng.uniform(0.36, 0.44)), *_two_colours(rng))


def _wood(rng: Rng, side: int) -> Image.Image:
    pose = Pose(rng.uniform(-1, 2) * side, rng.uniform(-1, 2) * side, side / 2, rng.uniform(0, 6.28))
    u, v = plane(side, pose, bent(rng, side, 0.2, 3))
    rings = wave(np.sqrt(u * u * np.float32(0.06) + v * v) * np.float32(rng.uniform(4, 8)))
    base = varied(rng, ((175, 125, 75), (125, 80, 45), (205, 165, 115))[rng.randint(3)], 25)
    dark: Colour = tuple(int(c * 0.6) for c in base)  # type: ignore[assignment]
    return grained(rng, blend(rings * rings, base, dark), 0.12, 40)


def _grass(rng: Rng, side: int) -> Image.Image:
    blades = Image.fromarray(rng.randint(0, 256, (rng.randint(8, 14), rng.randint(40, 64))).astype(np.uint8))
    field = np.asarray(blades.resize((side, side), Image.Resampling.BILINEAR), np.float32) / np.float32(255)
    green = varied(rng, ((60, 120, 40), (95, 140, 50), (130, 140, 60))[rng.randint(3)], 25)
    return blend(field, tuple(c // 3 for c in green), tuple(min(255, c * 3 // 2) for c in green))  # type: ignore[arg-type]


def _clouds(rng: Rng, side: int) -> Image.Image:
    field = noise(rng, side, 4) * np.float32(0.6) + noise(rng, side, 9) * np.float32(0.3)
    field = field + noise(rng, side, 20) * np.float32(0.1)
    sky = varied(rng, ((70, 130, 205), (110, 165, 220), (150, 120, 140))[rng.randint(3)], 25)
    return blend(step(field, rng.uniform(0.4, 0.55), 0.3), sky, varied(rng, (240, 240, 240), 12))


def _water(rng: Rng, side: int) -> Image.Image:
    pose = Pose(0, 0, side / rng.uniform(5, 8), rng.uniform(-0.2, 0.2))
    u, v = plane(side, pose, bent(rng, side, 0.9, 6))
    ripples = wave(v + wave(u * np.float32(0.3)) * np.float32(0.8))
    sea = varied(rng, ((25, 80, 130), (30, 110, 120), (60, 90, 110))[rng.randint(3)], 20)
    return blend(ripples * ripples * ripples, sea, varied(rng, (190, 220, 230), 20))


TEXTURES: dict[str, Callable[[Rng, int], Image.Image]] = {
    "striped_cloth": _striped_cloth,
    "checker_board": _checker_board,
    "polka_dots": _polka_dots,
    "tartan": _tartan,
    "brick_wall": _brick_wall,
    "honeycomb": _honeycomb,
    "wood": _wood,
    "grass": _grass,
    "clouds": _clouds,
    "water": _water,
}
