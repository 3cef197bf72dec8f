"""Draw things: a function for each class, which draws one into a pose of radius 1."""

from collections.abc import Callable

from data.world.painter import Colour, Painter, Pose, Rng, darker, ellipse, limb, mirrored, pick, star, varied
from data.world.textures import coat

BRIGHT: tuple[Colour, ...] = (
    (205, 45, 45),
    (45, 95, 200),
    (240, 195, 40),
    (60, 160, 75),
    (225, 120, 40),
    (150, 70, 170),
    (235, 235, 230),
    (60, 60, 66),
)
BARK: Colour = (100, 70, 45)
DARK: Colour = (35, 32, 34)


def _tree(painter: Painter, rng: Rng, pose: Pose) -> None:
    painter.fill(limb((0, 0.1), (rng.uniform(-0.1, 0.1), 1.0), 0.1, 0.16), varied(rng, BARK), pose)
    green = pick(rng, ((55, 115, 45), (90, 135, 50), (165, 120, 45)))
    if rng.randint(2):
        for y, width in ((0.35, 0.75), (-0.1, 0.6), (-0.5, 0.42)):
            painter.fill([(-width, y), (width, y), (0, y - 0.65)], green, pose, rng.uniform(0.8, 1.1))
        return
    for _ in range(9):
        x, y = rng.uniform(-0.5, 0.5), rng.uniform(-0.75, 0.1)
        painter.fill(ellipse(x, y, 0.34, 0.3), green, pose, rng.uniform(0.75, 1.15))


def _house(painter: Painter, rng: Rng, pose: Pose) -> None:
    wall, roof = pick(rng, BRIGHT), pick(rng, ((150, 60, 45), (70, 70, 80), (110, 75, 50)))
    painter.fill([(-0.75, -0.1), (0.75, -0.1), (0.75, 0.9), (-0.75, 0.9)], wall, pose)
    painter.fill([(-0.95, -0.05), (0.95, -0.05), (0.1, -0.9), (-0.1, -0.9)], roof, pose)
    painter.fill([(-0.15, 0.35), (0.15, 0.35), (0.15, 0.9), (-0.15, 0.9)], darker(roof, 0.6), pose)
    for x in (-0.5, 0.5):
        painter.fill([(x - 0.15, 0.15), (x + 0.15, 0.15), (x + 0.15, 0.5), (x - 0.15, 0.5)], (190, 215, 230), pose)


def _car(painter: Painter, rng: Rng, pose: Pose) -> None:
    paint = pick(rng, BRIGHT)
    painter.fill([(-0.55, 0), (-0.35, -0.42), (0.3, -0.42), (0.6, 0)], darker(paint, 0.9), pose)
    painter.fill([(-0.44, 0), (-0.28, -0.33), (-0.02, -0.33), (-0.02, 0)], (170, 205, 225), pose)
    painter.fill([(0.06, 0), (0.06, -0.33), (0.24, -0.33), (0.46, 0)], (170, 205, 225), pose)
    painter.fill([(-1, 0.05), (-0.9, -0.02), (0.95, -0.02), (1, 0.12), (1, 0.4), (-1, 0.4)], paint, pose)
    for x in (-0.55, 0.55):
        painter.fill(ellipse(x, 0.4, 0.24, 0.24), DARK, pose)
        painter.fill(ellipse(x, 0.4, 0.11, 0.11), (180, 180, 185), pose)


def _flower(painter: Painter, rng: Rng, pose: Pose) -> None:
    painter.line([(0, 0), (rng.uniform(-0.2, 0.2), 1.1)], (70, 130, 60), pose, 0.09)
    painter.fill(ellipse(0.2, 0.75, 0.25, 0.09, -0.6), (80, 145, 65), pose)
    petal, count = pick(rng, BRIGHT), rng.randint(5, 9)
    for k in range(count):
        painter.fill(ellipse(0.42, 0, 0.32, 0.18), petal, pose.part(0, -0.2, 1, 6.2832 * k / count), 0.9)
    painter.fill(ellipse(0, -0.2, 0.2, 0.2), pick(rng, ((240, 200, 60), (110, 75, 40))), pose)


def _mushroom(painter: Painter, rng: Rng, pose: Pose) -> None:
    painter.fill(limb((0, 0), (0, 0.75), 0.2, 0.26), (232, 222, 200), pose)
    cap = [(x, y) for x, y in ellipse(0, 0.05, 0.85, 0.85) if y <= 0.1]
    painter.fill(cap, pick(rng, ((195, 45, 35), (150, 100, 60), (215, 160, 80))), pose)
    if rng.rand() < 0.7:
        for x, y in ((-0.4, -0.25), (0.05, -0.5), (0.4, -0.2), (-0.05, -0.15)):
            painter.fill(ellipse(x, y, 0.11, 0.1), (245, 240, 230), pose)


def _apple(painter: Painter, rng: Rng, pose: Pose) -> None:
    paint = pick(rng, ((200, 40, 40), (120, 175, 55), (225, 190, 70)))
    for x in (-0.28, 0.28):
        painter.fill(ellipse(x, 0.1, 0.55, 0.68), paint, pose)
    painter.fill(ellipse(-0.35, -0.12, 0.14, 0.2, 0.4), darker(paint, 1.4), pose)
    painter.line([(0, -0.4), (0.08, -0.85)], BARK, pose, 0.08)
    painter.fill(ellipse(0.3, -0.72, 0.25, 0.1, -0.4), (80, 150, 60), pose)


def _mug(painter: Painter, rng: Rng, pose: Pose) -> None:
    paint = pick(rng, BRIGHT)
    painter.line(ellipse(0.62, 0.1, 0.32, 0.38), darker(paint, 0.85), pose, 0.14)
    painter.fill([(-0.6, -0.6), (0.55, -0.6), (0.5, 0.75), (-0.55, 0.75)], paint, pose)
    painter.fill(ellipse(-0.02, -0.6, 0.57, 0.15), darker(paint, 0.55), pose)


def _ball(painter: Painter, rng: Rng, pose: Pose) -> None:
    first, second = pick(rng, BRIGHT), pick(rng, BRIGHT)
    painter.fill(ellipse(0, 0, 0.85, 0.85), first, pose)
    painter.fill(ellipse(0, 0, 0.85, 0.3), second, pose)
    painter.fill(ellipse(0, 0, 0.3, 0.85), darker(first, 0.75), pose)
    painter.fill(ellipse(-0.3, -0.35, 0.14, 0.1, -0.6), (250, 250, 248), pose)


def _boat(painter: Painter, rng: Rng, pose: Pose) -> None:
    painter.line([(0, 0.4), (0, -0.95)], BARK, pose, 0.08)
    painter.fill([(0.06, -0.9), (0.75, 0.25), (0.06, 0.25)], pick(rng, BRIGHT), pose)
    painter.fill([(-0.06, -0.75), (-0.55, 0.25), (-0.06, 0.25)], pick(rng, BRIGHT), pose, 0.9)
    painter.fill([(-0.95, 0.38), (0.95, 0.38), (0.6, 0.8), (-0.6, 0.8)], pick(rng, BRIGHT), pose)


def _umbrella(painter: Painter, rng: Rng, pose: Pose) -> None:
    first, second = pick(rng, BRIGHT), pick(rng, BRIGHT)
    painter.line([(0, -0.2), (0, 0.8), (0.12, 0.92), (0.26, 0.8)], DARK, pose, 0.07)
    painter.fill([(x, y) for x, y in ellipse(0, 0, 0.95, 0.85) if y <= 0.05], first, pose)
    painter.fill([(x, y) for x, y in ellipse(0, 0, 0.42, 0.85) if y <= 0.05], second, pose)


def _butterfly(painter: Painter, rng: Rng, pose: Pose) -> None:
    wing, mark = pick(rng, BRIGHT), pick(rng, BRIGHT)
    for turn in (lambda shape: shape, mirrored):
        painter.fill(turn(ellipse(0.5, -0.32, 0.55, 0.38, -0.6)), wing, pose)
        painter.fill(turn(ellipse(0.42, 0.35, 0.4, 0.3, 0.6)), wing, pose, 0.85)
        painter.fill(turn(ellipse(0.58, -0.38, 0.2, 0.16)), mark, pose)
        painter.line(turn([(0.03, -0.4), (0.25, -0.85)]), DARK, pose, 0.04)
    painter.fill(ellipse(0, 0.05, 0.09, 0.55), DARK, pose)


def _fish(painter: Painter, rng: Rng, pose: Pose) -> None:
    scales = coat(rng, painter.side, pose, ("plain", "stripes", "curls")[rng.randint(3)], *_pair(rng))
    fin = pick(rng, BRIGHT)
    painter.fill([(0.5, 0), (1.0, -0.45), (0.88, 0), (1.0, 0.45)], fin, pose)
    painter.fill([(-0.2, -0.3), (0.35, -0.72), (0.4, -0.2)], fin, pose, 0.85)
    painter.fill(ellipse(-0.1, 0, 0.78, 0.42), scales, pose)
    painter.fill(ellipse(-0.55, -0.08, 0.11, 0.11), (245, 245, 240), pose)
    painter.fill(ellipse(-0.57, -0.08, 0.05, 0.05), DARK, pose)


def _bird(painter: Painter, rng: Rng, pose: Pose) -> None:
    first, second = _pair(rng)
    painter.fill([(0.4, 0.0), (1.05, 0.1), (1.0, 0.38), (0.35, 0.3)], second, pose, 0.85)
    for x in (-0.1, 0.15):
        painter.line([(x, 0.45), (x, 0.9), (x - 0.15, 0.92)], (200, 140, 50), pose, 0.05)
    painter.fill(ellipse(0, 0.15, 0.58, 0.42, 0.2), first, pose)
    painter.fill(ellipse(0.15, 0.12, 0.4, 0.22, 0.3), second, pose)
    painter.fill(ellipse(-0.48, -0.35, 0.32, 0.3), first, pose)
    painter.fill([(-0.74, -0.42), (-1.08, -0.28), (-0.74, -0.22)], (235, 165, 45), pose)
    painter.fill(ellipse(-0.55, -0.4, 0.07, 0.07), DARK, pose)


def _snail(painter: Painter, rng: Rng, pose: Pose) -> None:
    shell = pick(rng, ((170, 115, 65), (200, 160, 90), (130, 90, 110)))
    painter.fill(limb((0.95, 0.6), (-0.75, 0.55), 0.08, 0.16), (190, 165, 130), pose)
    painter.fill(limb((-0.7, 0.6), (-0.8, 0.1), 0.14, 0.14), (190, 165, 130), pose)
    for x in (-0.95, -0.68):
        painter.line([(-0.8, 0.1), (x, -0.3)], (120, 100, 80), pose, 0.06)
    for radius, shade in ((0.6, 1.0), (0.45, 0.7), (0.32, 1.05), (0.18, 0.65)):
        painter.fill(ellipse(0.2 + (0.6 - radius) * 0.2, 0.08, radius, radius), shell, pose, shade)


def _star(painter: Painter, rng: Rng, pose: Pose) -> None:
    painter.fill(star(rng.randint(4, 8), rng.uniform(0.35, 0.55)), pick(rng, BRIGHT), pose)


def _pair(rng: Rng) -> tuple[Colour, Colour]:
    return pick(rng, BRIGHT), pick(rng, BRIGHT)


OBJECTS: dict[str, Callable[[Painter, Rng, Pose], None]] = {
    "tree": _tree,
    "house": _house,
    "car": _car,
    "flower": _flower,
    "mushroom": _mushroom,
    "apple": _apple,
    "mug": _mug,
    "ball": _ball,
    "boat": _boat,
    "umbrella": _umbrella,
    "butterfly": _butterfly,
    "fish": _fish,
    "bird": _bird,
    "snail": _snail,
    "star": _star,
}


def draw_object(painter: Painter, rng: Rng, name: str) -> None:
    """Draw the thing of that name somewhere in the picture, turned and squeezed a little."""
    pose = Pose(
        x=painter.side * rng.uniform(0.38, 0.62),
        y=painter.side * rng.uniform(0.38, 0.62),
        scale=painter.side * rng.uniform(0.24, 0.46),
        angle=rng.uniform(-0.4, 0.4),
        flip=bool(rng.randint(2)),
        squeeze=rng.uniform(0.8, 1.2),
    )
    OBJECTS[name](painter, rng, pose)
