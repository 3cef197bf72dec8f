"""Paint three figures of the lessons into `docs/pictures`, and print their numbers: `python -m tools.figures`.

The maps of four layers of `tiny` for one dog, the curves of a linear head that is trained for too long, and a few pictures of
each domain.
"""

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from torch import Tensor, nn
from torchvision.transforms.functional import to_pil_image
from torchvision.utils import make_grid

from data import load_backbone
from data.domains import DOMAINS, load_domain
from data.drawing import picture, sheet
from data.networks import features_of
from data.world import dogs

LAYERS = ("stem", "block2", "block3", "down4")
CHANNELS = 8
CELL = 96
EPOCHS = 150
LEARNING_RATE = 1.0
WIDTH, HEIGHT, MARGIN = 640, 320, 24
BLUE, RED = (40, 90, 200), (210, 60, 40)
DOMAIN_CLASSES = (0, 3, 6, 9)
DOMAIN_SIDE = 120


def layer_maps(model: nn.Module, layer: str, images: Tensor) -> Tensor:
    """Return the output of a layer `(N, C, h, w)` for images `(N, 3, H, W)`."""
    outputs: list[Tensor] = []
    hook = model.get_submodule(layer).register_forward_hook(lambda *call: outputs.append(call[-1].clone()))
    try:
        with torch.inference_mode():
            model(images)
    finally:
        hook.remove()
    return outputs[0].clone()


def paint_maps(folder: Path) -> None:
    """Paint a row for each layer: the image, and the maps that vary the most, each scaled on its own."""
    backbone = load_backbone("tiny")
    images, _ = dogs(1)
    image = images[1:2]
    cells = []
    for layer in LAYERS:
        maps = layer_maps(backbone, layer, image)[0]
        print(f"{layer}: {maps.shape[0]} maps of {maps.shape[1]} x {maps.shape[2]}")
        most_varied = maps[maps.flatten(1).std(dim=1).argsort(descending=True)[:CHANNELS]]
        grey = F.interpolate(most_varied[:, None], CELL).expand(-1, 3, -1, -1)
        low, high = grey.amin(dim=(1, 2, 3), keepdim=True), grey.amax(dim=(1, 2, 3), keepdim=True)
        cells += [F.interpolate(image, CELL), (grey - low) / (high - low).clamp(min=1e-12)]
    grid = make_grid(torch.cat(cells), nrow=CHANNELS + 1, padding=2, pad_value=1)
    to_pil_image(grid).save(folder / "feature_maps.png")


def learning_curves(seed: int = 0) -> tuple[list[float], list[float]]:
    """Return training and validation loss of a linear head on few glyphs, after each step over all of them."""
    backbone = load_backbone("tiny")
    (images, labels), (other_images, other_labels) = load_domain("glyphs", per_class=2, seed=seed)
    # A clone made outside of inference mode is an ordinary tensor, which a backward pass may use.
    features, others = (features_of(backbone, part).clone() for part in (images, other_images))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = nn.Linear(features.shape[1], int(labels.max()) + 1)
    optimizer = torch.optim.SGD(head.parameters(), LEARNING_RATE)
    train, valid = [], []
    for _ in range(EPOCHS):
        loss = F.cross_entropy(head(features), labels)
        with torch.no_grad():
            valid.append(F.cross_entropy(head(others), other_labels).item())
        train.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return train, valid


def paint_curves(folder: Path) -> None:
    """Paint the training loss in blue, the validation loss in red, and a line at the best epoch."""
    train, valid = learning_curves()
    best = valid.index(min(valid))
    print(f"training loss {train[0]:.2f} to {train[-1]:.2f}; validation loss {valid[0]:.2f}, lowest {valid[best]:.2f}")
    print(f"the lowest after {best} steps; {valid[-1]:.2f} after {EPOCHS - 1}")
    paper = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(paper)
    top = max(*train, *valid)

    def place(step: float, loss: float) -> tuple[float, float]:
        x = MARGIN + (WIDTH - 2 * MARGIN) * step / (EPOCHS - 1)
        return x, HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * loss / top

    draw.line([place(0, top), place(0, 0), place(EPOCHS - 1, 0)], "black")
    draw.line([place(best, 0), place(best, top)], (190, 190, 190))
    draw.line([place(*point) for point in enumerate(train)], BLUE, 2)
    draw.line([place(*point) for point in enumerate(valid)], RED, 2)
    draw.text(place(0.8 * EPOCHS, train[-1] + 0.06 * top), "training loss", BLUE)
    draw.text(place(0.8 * EPOCHS, valid[-1] + 0.06 * top), "validation loss", RED)
    draw.text((WIDTH // 2, HEIGHT - MARGIN + 6), "steps", "black")
    paper.save(folder / "head_curves.png")


def paint_domains(folder: Path) -> None:
    """Paint a picture of each of a few classes, one row for each domain."""
    rows = []
    for name in DOMAINS:
        (images, _), _ = load_domain(name, per_class=1, classes=DOMAIN_CLASSES)
        rows.append((name, [(picture(image, DOMAIN_SIDE), "") for image in images]))
    sheet("Three domains, four classes of each", rows).save(folder / "domains.png", optimize=True)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.figures", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("docs/pictures"))
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    paint_maps(folder)
    paint_curves(folder)
    paint_domains(folder)


if __name__ == "__main__":
    main()
