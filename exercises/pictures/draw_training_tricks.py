"""Three ways down the same valley: plain descent, momentum and Adam."""

import torch

from data.drawing import paths, sheet

CORNER, STEPS = 2.0, 24
STEEP = torch.tensor([1.0, 12.0])
START = torch.tensor([-1.7, 1.2])


def slope(weight):
    return STEEP * weight


def plain(student):
    weight = START
    while True:
        yield weight
        weight = weight - 0.15 * slope(weight)


def momentum(student):
    weight, velocity = START, torch.zeros(2)
    while True:
        yield weight
        weight, velocity = student.momentum_step(weight, velocity, slope(weight), learning_rate=0.04, momentum=0.8)


def adam(student):
    weight, mean, square = START, torch.zeros(2), torch.zeros(2)
    step = 0
    while True:
        yield weight
        step += 1
        weight, mean, square = student.adam_step(weight, slope(weight), mean, square, step, learning_rate=0.25)


def way(walk):
    return [tuple(next(walk).clamp(-CORNER, CORNER).tolist()) for _ in range(STEPS)]


def draw(student):
    side = torch.linspace(-CORNER, CORNER, 200)
    valley = (side[None, :] ** 2 + 12 * side[:, None] ** 2).sqrt()
    ways = {"plain descent": plain(student), "with momentum": momentum(student), "Adam": adam(student)}
    ground = paths(valley / valley.max(), CORNER, {name: way(walk) for name, walk in ways.items()})
    row = [(ground, f"{STEPS} steps each; the lowest point is in the middle")]
    return sheet("Three ways down a valley", [("", row)]), "Plain descent, momentum and Adam in the same valley."
