"""Paint three figures of the lessons into `docs/pictures`, and print their numbers: `python -m tools.figures`.

They show the maps of four layers of `tiny` for one dog, the curves of a linear head that is trained for too long, and a few
pictures of each domain.
"""

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from data import load_backbone
from data.domains import DOMAINS, load_domain
from data.drawing import curves, liveliest, picture, sheet
from data.networks import features_of
from data.world import dogs

LAYERS = {"stem": "first layer", "block2": "second block", "block3": "third block", "down4": "last layer"}
CHANNELS = 8
CELL = 96
EPOCHS = 150
LEARNING_RATE = 1.0
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
    rows = [("the picture, 64 x 64 pixels", [(picture(image[0], CELL), "")])]
    for layer, name in LAYERS.items():
        maps = layer_maps(backbone, layer, image)[0]
        print(f"{layer}: {maps.shape[0]} maps of {maps.shape[1]} x {maps.shape[2]}")
        cells = [(picture(_rescale(each), CELL), "") for each in liveliest(maps, CHANNELS)]
        rows.append(
            (f"{layer}, the {name}: {CHANNELS} of {maps.shape[0]} maps of {maps.shape[1]} x {maps.shape[2]}", cells)
        )
    sheet("What four layers make of a dalmatian", rows).save(folder / "feature_maps.png", optimize=True)


def _rescale(values: Tensor) -> Tensor:
    """Return a map with its smallest value at 0 and its largest at 1."""
    return (values - values.min()) / (values.max() - values.min()).clamp(min=1e-12)


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
    """Paint the training loss, the validation loss, and a line at the best step."""
    train, valid = learning_curves()
    best = valid.index(min(valid))
    print(f"training loss {train[0]:.2f} to {train[-1]:.2f}; validation loss {valid[0]:.2f}, lowest {valid[best]:.2f}")
    print(f"the lowest after {best} steps; {valid[-1]:.2f} after {EPOCHS - 1}")
    losses = {"training": train, "validation": valid}
    chart = curves(losses, x_name="step", y_name="loss", mark=best + 1)
    caption = f"validation loss is lowest after {best} steps (grey): {valid[best]:.2f}"
    sheet("A head that is trained for too long", [("", [(chart, caption)])]).save(
        folder / "head_curves.png", optimize=True
    )


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
