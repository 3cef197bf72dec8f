"""Pretrain a network that comes with the course on the drawn world: `python -m tools.pretrain NAME`.

It draws the pictures, trains on them with augmentation (`tiny_robust` also with adversarial training), prints the accuracy on
held-out pictures, and writes the weights and, beside them, a record of the training.
"""

import argparse
import json
import math
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from rich.progress import Progress
from safetensors.torch import save_file
from torch import Tensor, nn

from data import Classifier
from data.networks import COME_ALONG_FOLDER, tiny_model
from data.world import CLASSES, draw

HELD_OUT = 1_000_000  # seeds from here on are never trained on


@dataclass(frozen=True)
class Plan:
    """Settings of a training run; the record beside the weights repeats them."""

    per_class: int = 300
    held_out: int = 40
    epochs: int = 24
    batch_size: int = 96
    learning_rate: float = 0.004
    weight_decay: float = 0.02
    smoothing: float = 0.05
    noise: float = 0.03
    epsilon: float = 0.0  # size of the attacks in adversarial training; 0 is ordinary training
    clean_epochs: int = 0  # epochs without attacks at the start, where attacks would slow learning down
    seed: int = 0
    bfloat16: bool = False


def _draw_class(first_seed: int, count: int, name: str) -> np.ndarray:
    """Draw `count` pictures of a class, `(count, 64, 64, 3)` bytes; each class has its own seeds."""
    start = first_seed + CLASSES.index(name) * 10_000
    return np.stack([np.asarray(draw(name, start + k)) for k in range(count)])


def draw_world(first_seed: int, count: int) -> tuple[Tensor, Tensor]:
    """Draw pictures of all classes: bytes `(K * count, 3, 64, 64)` and labels `(K * count,)`."""
    with ProcessPoolExecutor() as pool:
        pictures = np.concatenate(list(pool.map(partial(_draw_class, first_seed, count), CLASSES)))
    images = torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous()
    return images, torch.arange(len(CLASSES)).repeat_interleave(count)


def augment(images: Tensor, noise: float, generator: torch.Generator) -> Tensor:
    """Augment byte images: each is turned, moved, scaled, mirrored, recoloured and made noisy at random; floats in [0, 1]."""
    count = len(images)
    images = images.float() / 255

    def chance(low: float, high: float, *shape: int) -> Tensor:
        return torch.empty(shape or (count,)).uniform_(low, high, generator=generator)

    angle, scale = chance(-0.35, 0.35), chance(0.7, 1.15)
    mirror = torch.randint(0, 2, (count,), generator=generator) * 2 - 1
    cos, sin = angle.cos() * scale, angle.sin() * scale
    rows = torch.stack([torch.stack([cos * mirror, -sin], 1), torch.stack([sin * mirror, cos], 1)], 1)
    affine = torch.cat([rows, chance(-0.2, 0.2, count, 2, 1)], 2)
    grid = F.affine_grid(affine, list(images.shape), align_corners=False)
    images = F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    gain = chance(0.75, 1.25, count, 1, 1, 1) * chance(0.88, 1.12, count, 3, 1, 1)
    images = (images - 0.5) * gain + 0.5 + chance(-0.12, 0.12, count, 1, 1, 1)
    grain = torch.randn(images.shape, generator=generator) * chance(0, noise, count, 1, 1, 1)
    return (images + grain).clamp(0, 1).contiguous(memory_format=torch.channels_last)


def attack(model: nn.Module, images: Tensor, labels: Tensor, plan: Plan) -> Tensor:
    """Attack images for adversarial training: move each entry by at most `plan.epsilon`, so that the loss rises.

    One signed-gradient step from a random start, as in Wong, Rice, Kolter 2020, "Fast is better than free".
    """
    epsilon = plan.epsilon
    if epsilon == 0:
        return images
    start = (images + torch.empty_like(images).uniform_(-epsilon, epsilon)).clamp(0, 1).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=plan.bfloat16):
        loss = F.cross_entropy(model(start).float(), labels)
    (gradient,) = torch.autograd.grad(loss, start)
    moved = start.detach() + 1.25 * epsilon * gradient.sign()
    return torch.min(torch.max(moved, images - epsilon), images + epsilon).clamp(0, 1)


@torch.inference_mode()
def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the top-1 accuracy on byte images, in eval mode."""
    model.eval()
    guesses = torch.cat([model(part.float() / 255).argmax(1) for part in images.split(256)])
    return float((guesses == labels).float().mean())


def fit(model: Classifier, images: Tensor, labels: Tensor, plan: Plan) -> None:
    """Train the model in place with AdamW, a warm-up and a cosine decay."""
    generator = torch.Generator().manual_seed(plan.seed)
    optimizer = torch.optim.AdamW(model.parameters(), plan.learning_rate, weight_decay=plan.weight_decay)
    batches = len(images) // plan.batch_size
    total = plan.epochs * batches
    warm = max(1, total // 20)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda k: min((k + 1) / warm, 0.5 + 0.5 * math.cos(math.pi * min(1, k / total)))
    )
    with Progress() as progress:
        task = progress.add_task("pretraining", total=total)
        for epoch in range(plan.epochs):
            order = torch.randperm(len(images), generator=generator)[: batches * plan.batch_size]
            losses = 0.0
            now = replace(plan, epsilon=0.0) if epoch < plan.clean_epochs else plan
            for chosen in order.split(plan.batch_size):
                losses += _train_step(model, optimizer, images[chosen], labels[chosen], now, generator)
                schedule.step()
                progress.advance(task)
            progress.console.print(f"epoch {epoch + 1}: loss {losses / batches:.3f}")


def _train_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    images: Tensor,
    labels: Tensor,
    plan: Plan,
    generator: torch.Generator,
) -> float:
    model.train()
    pictures = augment(images, plan.noise, generator)
    pictures = attack(model, pictures, labels, plan)
    with torch.autocast("cpu", torch.bfloat16, enabled=plan.bfloat16):
        loss = F.cross_entropy(model(pictures).float(), labels, label_smoothing=plan.smoothing)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return float(loss.detach())


def save(model: Classifier, path: Path, record: dict[str, object]) -> None:
    """Write the weights in half precision, and the record beside them as JSON."""
    state = {k: v.half().contiguous() for k, v in model.state_dict().items() if v.is_floating_point()}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(state, path)
    path.with_suffix(".json").write_text(json.dumps(record, indent=2) + "\n")


PLANS = {
    "tiny": Plan(),
    # Adversarial training makes a network resist the attack of the course, so the course has two networks.
    "tiny_robust": Plan(epochs=20, clean_epochs=8, epsilon=6 / 255),
}


def pretrain(plan: Plan, path: Path) -> float:
    """Draw the world, train on it, write weights and record to `path`, and return the held-out accuracy."""
    started = time.perf_counter()
    images, labels = draw_world(plan.seed, plan.per_class)
    test_images, test_labels = draw_world(HELD_OUT, plan.held_out)
    print(f"drew {len(images)} + {len(test_images)} pictures in {time.perf_counter() - started:.0f} s")
    torch.manual_seed(plan.seed)
    model = tiny_model(CLASSES).to(memory_format=torch.channels_last)
    fit(model, images, labels, plan)
    reached = accuracy(model, test_images, test_labels)
    seconds = time.perf_counter() - started
    print(f"accuracy on {len(test_images)} held-out pictures: {reached:.3f} ({seconds:.0f} s in all)")
    record = {
        "accuracy": round(reached, 4),
        "seconds": round(seconds),
        "plan": asdict(plan),
        "classes": CLASSES,
    }
    save(model, path, record)
    return reached


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.pretrain", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name", choices=list(PLANS), nargs="?", default="tiny")
    parser.add_argument("--epochs", type=int, help="number of epochs; a few are enough to try it out")
    parser.add_argument("--per-class", type=int, help="pictures of a class to train on")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--bfloat16", action="store_true", default=None, help="faster where the processor has it")
    parser.add_argument("-o", "--output", type=Path, help="the weights' file; by default the course's own")
    arguments = vars(parser.parse_args())
    name, path, threads = (arguments.pop(key) for key in ("name", "output", "threads"))
    torch.set_num_threads(threads)
    given = {key: value for key, value in arguments.items() if value is not None}
    pretrain(replace(PLANS[name], **given), path or COME_ALONG_FOLDER / f"{name}.safetensors")


if __name__ == "__main__":
    main()
