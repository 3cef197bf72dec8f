"""Draw animals: each is a description with some thirty traits, drawn in a view and a pose."""

from dataclasses import dataclass

from data.world.painter import (
    Colour,
    Paint,
    Painter,
    Points,
    Pose,
    Rng,
    darker,
    ellipse,
    limb,
    mirrored,
    pick,
)
from data.world.textures import coat

BLACK: Colour = (28, 25, 25)
WHITE: Colour = (240, 236, 228)
PINK: Colour = (222, 150, 145)


@dataclass(frozen=True)
class Animal:
    """Description of one kind of animal. Lengths are in radii of its head; of several colours one is drawn by lot."""

    base: tuple[Colour, ...]
    marks: tuple[Colour, ...] = (BLACK,)
    pattern: str = "plain"
    ears: str = "pointed"  # pointed, floppy, round, long, small, none
    ear_size: float = 1.0
    head: tuple[float, float] = (1.0, 0.9)
    muzzle: tuple[float, float] = (0.42, 0.3)
    muzzle_colour: tuple[Colour, ...] = ()
    nose: tuple[Colour, ...] = (PINK,)
    nose_size: float = 0.12
    eyes: tuple[Colour, ...] = ((190, 180, 70), (110, 160, 90))
    eye_size: float = 0.2
    slit: bool = False
    whiskers: bool = False
    tongue: bool = False
    points: tuple[Colour, ...] = ()  # dark ears, legs, tail and face, as a Siamese cat has them
    blaze: tuple[Colour, ...] = ()  # a stripe down the face
    patches: tuple[Colour, ...] = ()  # round the eyes
    chest: tuple[Colour, ...] = ()
    saddle: tuple[Colour, ...] = ()  # on the back and the ears
    ruff: tuple[Colour, ...] = ()  # a lion's mane
    body: tuple[float, float] = (1.35, 0.62)
    legs: float = 0.95
    tail: str = "thin"  # thin, bushy, curl, stump, tuft
    fluff: float = 0.0  # a rough outline of that height
    profile: bool = False  # a long head seen from the side, as of a horse
    mane: bool = False
    horns: bool = False
    neck: float = 0.0


class Portrait:
    """Portrait of one animal that is being painted: its traits with the colours chosen, its coat and its pose."""

    def __init__(self, painter: Painter, rng: Rng, animal: Animal, pose: Pose) -> None:
        self.painter, self.rng, self.animal, self.pose = painter, rng, animal, pose
        base, marks = pick(rng, animal.base), pick(rng, animal.marks)
        self.coat: Paint = coat(rng, painter.side, pose, animal.pattern, base, marks)
        self.base, self.marks = base, marks
        self.points: Paint = pick(rng, animal.points) if animal.points else self.coat
        self.eye = pick(rng, animal.eyes)
        self.nose = pick(rng, animal.nose)

    def trait(self, choices: tuple[Colour, ...]) -> Paint:
        """Return one of the colours, or the coat if the animal has none of its own there."""
        return pick(self.rng, choices) if choices else self.coat

    # --- heads ---

    def face(self, pose: Pose) -> None:
        """Draw a head seen from the front, of about radius 1."""
        animal, painter = self.animal, self.painter
        if animal.ruff:
            painter.fill(self._rough(ellipse(0, 0.1, 1.45, 1.45), 0.15), self.trait(animal.ruff), pose)
        if animal.ears != "floppy":
            self._ears(pose)
        width, height = animal.head
        skull = ellipse(0, 0, width, height)
        painter.fill(self._rough(skull), self.coat, pose)
        self._markings(pose)
        if animal.ears == "floppy":
            self._ears(pose)
        self._eyes(pose)
        self._snout(pose)

    def _markings(self, pose: Pose) -> None:
        animal, painter = self.animal, self.painter
        if animal.points and not animal.patches:
            painter.fill(ellipse(0, 0.28, 0.6 * animal.head[0], 0.56 * animal.head[1]), self.points, pose)
        if animal.patches:
            colour = self.trait(animal.patches)
            for side in (-1, 1):
                painter.fill(ellipse(side * 0.42, -0.14, 0.34, 0.4, side * 0.5), colour, pose)
        if animal.blaze:
            blaze = [(-0.1, -0.85), (0.1, -0.85), (0.2, 0.1), (0.42, 0.6), (-0.42, 0.6), (-0.2, 0.1)]
            painter.fill(blaze, self.trait(animal.blaze), pose)

    def _ears(self, pose: Pose) -> None:
        animal, painter = self.animal, self.painter
        paint = self.points if animal.points else self.trait(animal.saddle)
        for turn in (lambda shape: shape, mirrored):
            outer, inner = _ear(animal.ears, animal.ear_size, animal.head)
            if outer:
                painter.fill(turn(outer), paint, pose, 0.85)
            if inner:
                painter.fill(turn(inner), darker(PINK, 0.9) if not animal.points else BLACK, pose)

    def _eyes(self, pose: Pose) -> None:
        animal, painter, size = self.animal, self.painter, self.animal.eye_size
        apart = 0.42 * animal.head[0]
        for x in (-apart, apart):
            painter.fill(ellipse(x, -0.12, size * 1.25, size * 1.1), darker(BLACK, 0.8), pose)
            painter.fill(ellipse(x, -0.12, size, size * 0.85), self.eye, pose)
            pupil = ellipse(x, -0.12, size * (0.3 if animal.slit else 0.5), size * 0.75)
            painter.fill(pupil, (10, 10, 12), pose)
            painter.fill(ellipse(x - size * 0.3, -0.12 - size * 0.3, size * 0.22, size * 0.22), WHITE, pose)

    def _snout(self, pose: Pose) -> None:
        animal, painter, size = self.animal, self.painter, self.animal.nose_size
        width, height = animal.muzzle
        low = 0.42 * animal.head[1]
        paint = self.trait(animal.muzzle_colour) if animal.muzzle_colour or not animal.points else self.points
        painter.fill(ellipse(0, low, width, height), paint, pose, 1.1)
        if animal.tongue and self.rng.rand() < 0.5:
            painter.fill(ellipse(0, low + height, 0.14, 0.28), (225, 95, 105), pose)
        top = low - height * 0.5
        painter.line([(0, top), (0, low + height * 0.4)], BLACK, pose, 0.05)
        for x in (-1, 1):
            painter.line([(0, low + height * 0.4), (x * width * 0.6, low + height * 0.6)], BLACK, pose, 0.05)
        painter.fill([(-size, top - size * 0.6), (size, top - size * 0.6), (0, top + size)], self.nose, pose)
        painter.fill(ellipse(0, top - size * 0.3, size * 1.2, size * 0.7), self.nose, pose)
        if animal.whiskers:
            self._whiskers(pose, low)

    def _whiskers(self, pose: Pose, low: float) -> None:
        colour = WHITE if sum(self.base) < 420 or self.animal.points else darker(WHITE, 0.35)
        for side in (-1, 1):
            for rise in (-0.12, 0.02, 0.16):
                line = [(side * 0.3, low + rise * 0.4), (side * 1.15, low + rise * 1.6 - 0.05)]
                self.painter.line(line, colour, pose, 0.03)

    def muzzled(self, pose: Pose) -> None:
        """Draw a long head in profile, nose to the left, of about radius 1; the neck leaves it at the right."""
        animal, painter = self.animal, self.painter
        ear, _ = _ear("pointed" if animal.ears != "floppy" else "floppy", animal.ear_size * 0.7, (0.5, 0.8))
        painter.fill([(x * 0.7 + 0.35, y) for x, y in ear], self.trait(animal.points), pose, 0.85)
        if animal.horns:
            for x in (0.1, 0.45):
                painter.line([(x, -0.6), (x - 0.1, -1.1), (x + 0.15, -1.4)], (225, 215, 190), pose, 0.14)
        long_head = limb((0.3, -0.25), (-0.95, 0.55), 0.56, 0.32)
        painter.fill(long_head, self.coat, pose)
        painter.fill(ellipse(0.3, -0.22, 0.56, 0.55), self.coat, pose)
        nose = self.trait(animal.muzzle_colour)
        painter.fill(ellipse(-1.0, 0.58, 0.34, 0.31, -0.5), nose, pose, 0.95)
        painter.fill(ellipse(-1.1, 0.52, 0.07, 0.05), BLACK, pose)
        painter.line([(-1.15, 0.75), (-0.75, 0.72)], BLACK, pose, 0.05)
        painter.fill(ellipse(-0.05, -0.25, 0.13, 0.12), BLACK, pose)
        painter.fill(ellipse(-0.09, -0.29, 0.04, 0.04), WHITE, pose)

    def head(self, pose: Pose) -> None:
        """Draw the head as this kind of animal shows it."""
        if self.animal.profile:
            self.muzzled(pose)
        else:
            self.face(pose)

    # --- bodies ---

    def bust(self) -> None:
        """Draw head and shoulders, filling the picture."""
        animal, rng = self.animal, self.rng
        if animal.profile:
            self._neck(self.pose, (0.35, 0.0), (1.0, 2.2), 0.55, 0.95)
        else:
            shoulders = ellipse(0, 1.75, rng.uniform(0.9, 1.25), 1.15)
            self.painter.fill(self._rough(shoulders), self.coat, self.pose, 0.8)
            self._bib(self.pose, 0, 1.5, 0.5, 0.75)
        self.head(self.pose.part(0, 0, 1, rng.uniform(-0.2, 0.2)))

    def sitting(self) -> None:
        """Draw the whole animal from the front, sitting: the head at the top, two forelegs below."""
        animal, painter, rng, pose = self.animal, self.painter, self.rng, self.pose
        self._tail(pose, 0.8, 2.4)
        width = animal.body[1] * 1.5
        painter.fill(self._rough(ellipse(0, 1.9, width, 1.25)), self.coat, pose, 0.8)
        self._bib(pose, 0, 1.6, 0.5 * width, 0.8)
        for x in (-0.35, 0.35):
            leg = limb((x, 1.9), (x + rng.uniform(-0.06, 0.06), 2.9), 0.24, 0.2)
            painter.fill(leg, self.points, pose, 0.92)
        self.head(pose.part(0, 0, 1, rng.uniform(-0.25, 0.25)))

    def standing(self) -> None:
        """Draw the whole animal from the side, head to the left."""
        animal, painter, rng, pose = self.animal, self.painter, self.rng, self.pose
        length, girth = animal.body
        self._tail(pose, length * 0.95, -0.3)
        for x, shade in ((-0.55, 0.6), (0.62, 0.6), (-0.78, 0.9), (0.82, 0.9)):
            swing = rng.uniform(-0.16, 0.16)
            foot = (x * length + swing, girth + animal.legs)
            leg = limb((x * length, girth * 0.3), foot, 0.26, 0.15)
            painter.fill(leg, self.points, pose, shade)
        painter.fill(self._rough(ellipse(0, 0, length, girth)), self.coat, pose)
        if animal.saddle:
            painter.fill(ellipse(0.1, -0.35 * girth, 0.8 * length, 0.6 * girth), self.trait(animal.saddle), pose)
        self._bib(pose, -0.6 * length, 0.45 * girth, 0.4, 0.4)
        rise = 0.75 + animal.neck
        start, end = (-0.7 * length, 0.05), (-length - 0.05, -rise)
        self._neck(pose, end, start, 0.38, 0.55)
        size = 0.62 if animal.profile else 0.74
        self.head(pose.part(end[0] - 0.1, end[1], size, rng.uniform(-0.2, 0.2)))

    def _neck(self, pose: Pose, top: tuple[float, float], base: tuple[float, float], thin: float, thick: float) -> None:
        neck = limb(base, top, thick, thin)
        self.painter.fill(neck, self.coat, pose, 0.95)
        if self.animal.mane:
            crest = [(x + thin, y - 0.1) for x, y in (top, base)]
            paint = self.coat if self.animal.pattern == "stripes" else self.marks
            self.painter.fill(limb(crest[0], crest[1], 0.26, 0.2), paint, pose, 0.7)

    def _bib(self, pose: Pose, x: float, y: float, width: float, height: float) -> None:
        if self.animal.chest:
            self.painter.fill(ellipse(x, y, width, height), self.trait(self.animal.chest), pose)

    def _tail(self, pose: Pose, x: float, y: float) -> None:
        kind, up = self.animal.tail, self.rng.uniform(-0.3, 0.3)
        paint = self.points
        if kind == "thin":
            for a, b in (
                ((x, y), (x + 0.75, y - 0.3 - up)),
                ((x + 0.7, y - 0.25 - up), (x + 0.85, y - 1.1 - up)),
            ):
                self.painter.fill(limb(a, b, 0.14, 0.12), paint, pose)
        elif kind == "bushy":
            self.painter.fill(self._rough(ellipse(x + 0.5, y - 0.2 - up, 0.75, 0.3, -0.6 - up)), paint, pose, 0.9)
        elif kind == "curl":
            self.painter.fill(ellipse(x, y - 0.35, 0.45, 0.45), paint, pose, 0.9)
            self.painter.fill(ellipse(x, y - 0.38, 0.15, 0.15), paint, pose, 0.6)
        elif kind == "tuft":
            self.painter.fill(limb((x, y), (x + 0.35, y + 0.8 + up), 0.08, 0.06), paint, pose)
            self.painter.fill(ellipse(x + 0.38, y + 0.95 + up, 0.14, 0.24), self.marks, pose)
        else:
            self.painter.fill(ellipse(x, y, 0.25, 0.2), paint, pose)

    def _rough(self, shape: Points, fluff: float = 0.0) -> Points:
        """Return the outline with tufts on it, as high as the animal is fluffy."""
        fluff = fluff or self.animal.fluff
        if not fluff:
            return shape
        cx, cy = sum(x for x, _ in shape) / len(shape), sum(y for _, y in shape) / len(shape)
        rough = []
        for x, y in shape:
            grow = 1 + fluff * self.rng.uniform(-0.3, 1)
            rough.append((cx + (x - cx) * grow, cy + (y - cy) * grow))
        return rough


def _ear(kind: str, size: float, head: tuple[float, float]) -> tuple[Points, Points]:
    """Return the right ear and its inside, as polygons, for a head of some radii; empty if there is none."""
    width, height = head
    if kind == "pointed":
        tip = (0.82 * width, -height * 0.6 - 0.75 * size)
        outer = [(0.12 * width, -0.82 * height), tip, (0.96 * width, -0.2 * height)]
        inner = [
            (0.34 * width, -0.78 * height),
            (tip[0] * 0.96, tip[1] * 0.88),
            (0.84 * width, -0.42 * height),
        ]
        return outer, inner
    if kind == "floppy":
        return ellipse(0.98 * width, 0.1 * height, 0.27 * size, 0.68 * size, -0.25), []
    if kind == "round":
        x, y = 0.72 * width, -0.78 * height
        return ellipse(x, y, 0.36 * size, 0.36 * size), ellipse(x, y, 0.2 * size, 0.2 * size)
    if kind == "long":
        x, y = 0.38 * width, -height - 0.6 * size
        return ellipse(x, y, 0.22 * size, 0.85 * size, 0.12), ellipse(x, y, 0.11 * size, 0.62 * size, 0.12)
    if kind == "small":
        return [
            (0.4 * width, -0.8 * height),
            (0.85 * width, -1.05 * height),
            (0.95 * width, -0.4 * height),
        ], []
    return [], []


VIEWS = {"bust": 1.0, "sitting": 0.6, "standing": 0.6}


def draw_animal(painter: Painter, rng: Rng, animal: Animal, view: str | None = None) -> None:
    """Draw the animal somewhere in the picture, in one of the `VIEWS` and in a pose of its own."""
    if view is None:
        view = ("bust", "bust", "sitting" if not animal.profile else "standing", "standing")[rng.randint(4)]
    scale = painter.side * VIEWS[view] * rng.uniform(0.26, 0.38)
    centre = {"bust": 0.46, "sitting": 0.27, "standing": 0.5}[view]
    pose = Pose(
        x=painter.side * rng.uniform(0.4, 0.6),
        y=painter.side * (centre + rng.uniform(-0.08, 0.08)),
        scale=scale,
        angle=rng.uniform(-0.25, 0.25),
        flip=bool(rng.randint(2)),
        squeeze=rng.uniform(0.88, 1.12),
    )
    portrait = Portrait(painter, rng, animal, pose)
    getattr(portrait, view)()
