"""Paint shapes: polygons, their place in a picture, and a painter that fills them with a colour or a texture.

A seed gives the same bytes on every machine, because everything is drawn by Pillow's polygon filler on whole pixels
and by element-wise arithmetic: never by a sum, a matrix product or an array of sines.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

Rng = np.random.RandomState  # NumPy changes the stream of its other generators; this one is frozen (NEP 19)
Colour = tuple[int, int, int]
Paint = Colour | Image.Image
Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Pose:
    """Place of a thing in a picture, which maps the thing's own coordinates (about -1 to 1, y down) to pixels."""

    x: float
    y: float
    scale: float
    angle: float = 0.0
    flip: bool = False
    squeeze: float = 1.0

    def pixels(self, points: Points) -> Points:
        """Return the pixels `(x, y)` of points, rounded because the last bit of a cosine differs between machines."""
        across, down, scale = self.x, self.y, self.scale
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        squeeze = -self.squeeze if self.flip else self.squeeze
        return [
            (round(across + scale * (x * squeeze * cos - y * sin)), round(down + scale * (x * squeeze * sin + y * cos)))
            for x, y in points
        ]

    def part(self, x: float, y: float, scale: float, angle: float = 0.0) -> "Pose":
        """Return the pose of a part at `(x, y)` of this thing, `scale` times as large and turned by `angle`."""
        side = -1 if self.flip else 1
        x_side = x * side * self.squeeze
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        return replace(
            self,
            x=self.x + self.scale * (x_side * cos - y * sin),
            y=self.y + self.scale * (x_side * sin + y * cos),
            scale=self.scale * scale,
            angle=self.angle + side * angle,
        )


def ellipse(x: float, y: float, width: float, height: float, tilt: float = 0.0) -> Points:
    """Return a polygon of 28 corners; `width` and `height` are radii, `tilt` turns it clockwise in radians."""
    cos, sin = math.cos(tilt), math.sin(tilt)
    corners = []
    for step in range(28):
        a, b = width * math.cos(step * math.pi / 14), height * math.sin(step * math.pi / 14)
        corners.append((x + a * cos - b * sin, y + a * sin + b * cos))
    return corners


def limb(start: tuple[float, float], end: tuple[float, float], first: float, last: float) -> Points:
    """Return a tapered bar from `start` (half width `first`) to `end` (half width `last`) with a rounded end."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = math.hypot(dx, dy) or 1.0
    nx, ny = -dy / length, dx / length
    tip = (end[0] + dx / length * last * 0.8, end[1] + dy / length * last * 0.8)
    return [
        (start[0] + nx * first, start[1] + ny * first),
        (end[0] + nx * last, end[1] + ny * last),
        tip,
        (end[0] - nx * last, end[1] - ny * last),
        (start[0] - nx * first, start[1] - ny * first),
    ]


def mirrored(points: Sequence[tuple[float, float]]) -> Points:
    """Return the same shape on the other side of the vertical axis."""
    return [(-x, y) for x, y in points]


def star(arms: int, inner: float) -> Points:
    """Return a star of radius 1 with `arms` points, whose notches lie at the radius `inner`."""
    step = math.pi / arms
    return [
        ((inner if k % 2 else 1.0) * math.sin(k * step), -(inner if k % 2 else 1.0) * math.cos(k * step))
        for k in range(2 * arms)
    ]


class Painter:
    """Painter of a square picture, who also keeps the silhouette of its subject."""

    def __init__(self, background: Image.Image) -> None:
        self.image = background
        self.side = background.width
        self.silhouette = Image.new("L", background.size)
        self._shaded: dict[tuple[int, float], Image.Image] = {}

    def fill(self, points: Points, paint: Paint, pose: Pose, shade: float = 1.0) -> None:
        """Fill a polygon with a colour or with the texture lying under it, darkened by `shade`."""
        corners = pose.pixels(points)
        ImageDraw.Draw(self.silhouette).polygon(corners, fill=255)
        if isinstance(paint, Image.Image):
            mask = Image.new("L", self.image.size)
            ImageDraw.Draw(mask).polygon(corners, fill=255)
            self.image.paste(self._darkened(paint, shade), mask=mask)
        else:
            ImageDraw.Draw(self.image).polygon(corners, fill=darker(paint, shade))

    def line(self, points: Points, colour: Colour, pose: Pose, width: float) -> None:
        """Draw a line through `points`; `width` is in the coordinates of the pose."""
        pixels = max(1, round(width * pose.scale))
        corners = pose.pixels(points)
        ImageDraw.Draw(self.silhouette).line(corners, fill=255, width=pixels)
        ImageDraw.Draw(self.image).line(corners, fill=colour, width=pixels, joint="curve")

    def _darkened(self, texture: Image.Image, shade: float) -> Image.Image:
        if shade == 1.0:
            return texture
        key = (id(texture), shade)
        if key not in self._shaded:
            self._shaded[key] = texture.point(_darker_values(shade) * 3)
        return self._shaded[key]


@lru_cache(maxsize=64)
def _darker_values(shade: float) -> list[int]:
    return [min(255, int(value * shade)) for value in range(256)]


def darker(colour: Colour, shade: float) -> Colour:
    """Return the colour times `shade`; above 1 it becomes lighter."""
    red, green, blue = (min(255, int(value * shade)) for value in colour)
    return red, green, blue


def varied(rng: Rng, colour: Colour, spread: int = 18) -> Colour:
    """Return a colour near `colour`: lighter or darker as a whole, and each channel a little on its own."""
    shift = rng.randint(-spread, spread + 1)
    red, green, blue = (int(min(255, max(0, v + shift + rng.randint(-spread // 3, spread // 3 + 1)))) for v in colour)
    return red, green, blue


def pick(rng: Rng, choices: Sequence[Colour]) -> Colour:
    """Return one of the colours, varied."""
    return varied(rng, choices[rng.randint(len(choices))])
