"""Paint ideal images and adversarial images into `docs/pictures`, and print their numbers: `python -m tools.ideal_images`.

Ideal images of a zebra, a siamese cat and a tiger, with and without variation loss, and dogs that `tiny` calls siamese cats.
"""

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from data import Classifier, load_model
from data.drawing import amplified, picture, sheet
from data.world import dogs

STEPS = 160
JITTER = 3  # pixels
LEARNING_RATE = 5.0
VARIATION_WEIGHT = 0.5
EPSILON, STEP_SIZE, ATTACK_STEPS = 8 / 255, 1 / 255, 40
SIDE = 256
DOGS_SHOWN, DOG_SIDE, FACTOR = 4, 190, 8


def variation(images: Tensor) -> Tensor:
    """Return the total variation of images divided by their number of entries, `()`."""
    rows = (images[..., 1:, :] - images[..., :-1, :]).abs().sum()
    columns = (images[..., 1:] - images[..., :-1]).abs().sum()
    return (rows + columns) / images.numel()


def ideal(
    model: nn.Module,
    target: int,
    *,
    size: int = 64,
    weight: float = VARIATION_WEIGHT,
    steps: int = STEPS,
    jitter: int = JITTER,
    seed: int = 0,
) -> Tensor:
    """Return an ideal image `(1, 3, size, size)`: descend from faint noise on cross-entropy plus `weight` times the variation.

    In each step the network sees the image moved by up to `jitter` pixels, and its mirror image: a cat that is moved or
    mirrored is still a cat, and noise that only fits one place disappears (Mordvintsev et al. 2015, "Inceptionism").
    `jitter=0` is plain descent.
    """
    generator = torch.Generator().manual_seed(seed)
    images = 0.4 + 0.2 * torch.rand(1, 3, size, size, generator=generator)
    # The gradient of a mean over pixels shrinks as they grow in number.
    rate = LEARNING_RATE * (size / 64) ** 2
    for _ in range(steps):
        images.requires_grad_()
        views = _views(images, jitter, generator)
        loss = F.cross_entropy(model(views), torch.full((len(views),), target)) + weight * variation(images)
        (gradient,) = torch.autograd.grad(loss, images)
        images = (images.detach() - rate * gradient).clamp(0, 1)
    return images


def _views(images: Tensor, jitter: int, generator: torch.Generator) -> Tensor:
    """Return the images moved by up to `jitter` pixels, and the mirror images of those; without jitter the images alone."""
    if jitter == 0:
        return images
    down, right = torch.randint(-jitter, jitter + 1, (2,), generator=generator).tolist()
    moved = images.roll((down, right), (2, 3))
    return torch.cat([moved, moved.flip(3)])


def attack(model: nn.Module, images: Tensor, target: int) -> Tensor:
    """Return images moved towards class `target` by 40 signed-gradient steps of 1/255, each entry by at most 8/255."""
    targets = torch.full((len(images),), target)
    moved = images.clone()
    for _ in range(ATTACK_STEPS):
        moved.requires_grad_()
        loss = F.cross_entropy(model(moved), targets, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, moved)
        change = (moved.detach() - STEP_SIZE * gradient.sign() - images).clamp(-EPSILON, EPSILON)
        moved = (images + change).clamp(0, 1)
    return moved


def probability(model: nn.Module, image: Tensor, target: int) -> float:
    """Return the softmax probability that the model gives the class `target`."""
    with torch.inference_mode():
        return float(model(image).softmax(1)[0, target])


def paint_ideals(model: Classifier, name: str, path: Path, *, size: int = 64, jitter: int = JITTER) -> None:
    """Paint the ideal images of three seeds with variation loss, and below them the same seeds without it."""
    target = model.classes.index(name)
    rows = []
    for weight, words in ((VARIATION_WEIGHT, "with variation loss"), (0.0, "without")):
        images = [ideal(model, target, size=size, weight=weight, jitter=jitter, seed=seed) for seed in range(3)]
        sure = [probability(model, image, target) for image in images]
        mean = sum(float(variation(image)) for image in images) / len(images)
        found = ", ".join(f"{each:.3f}" for each in sure)
        print(f"{path.name}, variation weight {weight}: probability {found}; variation {mean:.3f}")
        rows.append((words, [(picture(images[k][0], SIDE), f"seed {k}: {name} {sure[k]:.1%}") for k in range(3)]))
    sheet(f"What a network takes for a {name}".replace("_", " "), rows).save(path, optimize=True)


def paint_attack(model: Classifier, folder: Path) -> None:
    """Paint `attack.png`: dogs, the same dogs attacked, and the change between them, 8 times enlarged."""
    images, labels = dogs(20)
    target = model.classes.index("siamese_cat")
    with torch.inference_mode():
        before = model(images).softmax(1)
    moved = attack(model, images, target)
    with torch.inference_mode():
        after = model(moved).softmax(1)
    known, fooled = before.argmax(1) == labels, after.argmax(1) == target
    print(f"dogs named rightly before the attack: {int(known.sum())} of {len(images)}")
    print(f"dogs that are siamese cats after it: {int(fooled.sum())} of {len(images)}")
    shown = (known & fooled).nonzero().flatten()[::3][:DOGS_SHOWN].tolist()
    changes = [moved[k] - images[k] for k in shown]
    rows = [
        ("before", [(picture(images[k], DOG_SIDE), says(model, before[k])) for k in shown]),
        ("after", [(picture(moved[k], DOG_SIDE), says(model, after[k])) for k in shown]),
        (
            f"the change, {FACTOR} times as strong",
            [(picture(amplified(each, FACTOR), DOG_SIDE), most(each)) for each in changes],
        ),
    ]
    sheet("Dogs, and the same dogs as cats", rows).save(folder / "attack.png", optimize=True)


def says(model: Classifier, probabilities: Tensor) -> str:
    """Return the most probable class with its probability."""
    sure, index = probabilities.max(dim=0)
    return f"{model.classes[int(index)].replace('_', ' ')} {sure.item():.1%}"


def most(change: Tensor) -> str:
    """Return the largest change of a pixel in words."""
    return f"at most {255 * change.abs().max().item():.0f} of 255"


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.ideal_images", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/pictures"))
    folder: Path = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    tiny, robust = load_model("tiny"), load_model("tiny_robust")
    for name in ("zebra", "siamese_cat", "tiger"):
        paint_ideals(robust, name, folder / f"ideal_{name}_64.png")
    paint_ideals(robust, "zebra", folder / "ideal_zebra_128.png", size=128)
    paint_ideals(tiny, "zebra", folder / "ideal_zebra_64_tiny.png", jitter=0)
    paint_attack(tiny, folder)


if __name__ == "__main__":
    main()
