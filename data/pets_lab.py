"""The pets lab from end to end, with the functions that you have written: `python -m data.pets_lab`.

    python -m data.pets_lab train                    on the drawn miniature, with the small network of the course
    python -m data.pets_lab train --pets DIR         on the real collection in DIR, with ImageNet's mobilenet_v2
    python -m data.pets_lab name PHOTOGRAPH...       the breed on each photograph, with probabilities

`train` needs the units feature_extraction, head_training and pets_lab; it leaves the model and two pictures in a folder.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image, UnidentifiedImageError
from rich.progress import track
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from data.course_code import CourseCode
from data.drawing import curves, matrix, sheet
from data.errors import DataError, PetsError
from data.layers import Classifier
from data.networks import NAMES, load_backbone
from data.pets import pets_root

MODEL, CURVES, CONFUSION = "pets.safetensors", "learning_curves.png", "confusion_matrix.png"
VALID_SHARE = 0.2
BATCH = 32
SIZES = {"tiny": 64, "tiny_robust": 64}
IMAGENET_SIZE = 224
SHOWN = 5
_BAR = 30


@dataclass(frozen=True)
class Lab:
    """What is trained on what.

    Attributes:
        code: the student's functions.
        network: name of the backbone.
        size: height and width of its pictures.
    """

    code: CourseCode
    network: str
    size: int

    def features(self, backbone: nn.Module, images: Tensor, what: str) -> Tensor:
        """The features `(N, D)` of images, batch by batch, with a bar."""
        extract = self.code.function("feature_extraction", "extract_features")
        batches = images.split(BATCH)
        return torch.cat([extract(backbone, batch) for batch in track(batches, f"Features of {what}")])


def train(lab: Lab, root: Path, folder: Path, *, epochs: int, learning_rate: float, seed: int) -> dict[str, float]:
    """Trains a head on the pets, and writes the model, its learning curves and its confusion matrix into a folder.

    Returns:
        `top1` and `top3`: accuracies on the test split.
    """
    load, split = (lab.code.function("pets_lab", name) for name in ("load_pets", "stratified_split"))
    backbone = load_backbone(lab.network)
    images, labels, classes = load(root, "trainval", lab.size)
    features = lab.features(backbone, images, f"{len(images)} pictures to learn from")
    learn, valid = split(labels, VALID_SHARE, seed)
    head = lab.code.function("head_training", "build_head")(features.shape[1], len(classes))
    parts = tuple((features[part], labels[part]) for part in (learn, valid))
    history = _fit(lab, head, *parts, epochs, learning_rate, seed)
    images, truth, _ = load(root, "test", lab.size)
    logits = _logits(head, lab.features(backbone, images, f"{len(images)} others"))
    folder.mkdir(parents=True, exist_ok=True)
    _save(lab, head, classes, features.shape[1], folder / MODEL)
    return _judge(lab, history, logits, truth, classes, folder)


def _fit(
    lab: Lab,
    head: nn.Module,
    train_part: tuple[Tensor, Tensor],
    valid_part: tuple[Tensor, Tensor],
    epochs: int,
    learning_rate: float,
    seed: int,
) -> dict[str, list[float]]:
    """One epoch after another, so that a bar can move; the head ends with the weights of its best one."""
    fit = lab.code.function("head_training", "fit_head")
    history: dict[str, list[float]] = {}
    best: tuple[float, dict[str, Tensor]] = (float("inf"), {})
    for epoch in track(range(epochs), "Training"):
        figures = fit(
            head, train_part, valid_part, epochs=1, learning_rate=learning_rate, batch_size=BATCH, seed=seed + epoch
        )
        for name, values in figures.items():
            history.setdefault(name, []).extend(values)
        if history["valid_loss"][-1] < best[0]:
            best = history["valid_loss"][-1], {name: value.clone() for name, value in head.state_dict().items()}
    if best[1]:
        head.load_state_dict(best[1])
    return history


@torch.no_grad()
def _logits(head: nn.Module, features: Tensor) -> Tensor:
    logits: Tensor = head.eval()(features)
    return logits


def _judge(
    lab: Lab, history: dict[str, list[float]], logits: Tensor, truth: Tensor, classes: list[str], folder: Path
) -> dict[str, float]:
    top_k, count, confused = (
        lab.code.function("pets_lab", name) for name in ("top_k_accuracy", "confusion_matrix", "most_confused")
    )
    counts = count(logits.argmax(dim=1), truth, len(classes))
    scores = {f"top{k}": float(top_k(logits, truth, k)) for k in (1, 3)}
    losses = {"training": history["train_loss"], "validation": history["valid_loss"]}
    best = losses["validation"].index(min(losses["validation"])) + 1
    chart = curves(losses, x_name="epoch", y_name="loss", mark=best)
    caption = f"{scores['top1']:.1%} right, {scores['top3']:.1%} among the first three"
    sheet("A head for 37 breeds", [("", [(chart, f"lowest validation loss at epoch {best}")])]).save(folder / CURVES)
    rows = [("rows are what it is, columns what it was taken for", [(matrix(counts, classes), caption)])]
    sheet("What each breed was taken for", rows).save(folder / CONFUSION)
    print(f"On {len(truth)} pictures that it never saw: {caption}.")
    for true, taken, times in confused(counts, classes, SHOWN):
        print(f"  {true} taken for {taken}: {times}")
    print(f"The model is {folder / MODEL}; see also {folder / CURVES} and {folder / CONFUSION}.")
    return scores


def _save(lab: Lab, head: nn.Module, classes: list[str], features: int, path: Path) -> None:
    facts = {"network": lab.network, "size": str(lab.size), "features": str(features), "classes": json.dumps(classes)}
    save_file({name: value.contiguous() for name, value in head.state_dict().items()}, path, facts)


def load_model(code: CourseCode, path: Path) -> tuple[Classifier, int]:
    """The model that `train` has saved, in eval mode, and the size of its pictures.

    Raises:
        PetsError: there is no such file, or it is none of ours.
    """
    try:
        with safe_open(path, "pt") as file:
            facts = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
        head = code.function("head_training", "build_head")(int(facts["features"]), len(json.loads(facts["classes"])))
        head.load_state_dict(state)
    except DataError:
        raise
    except FileNotFoundError as error:
        raise PetsError(f"There is no model {path}: train one first with python -m data.pets_lab train.") from error
    except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise PetsError(f"{path} is no model of the pets lab ({error}): train one anew.") from error
    model = Classifier(load_backbone(facts["network"]), head, json.loads(facts["classes"]))
    return model.eval(), int(facts["size"])


def name_breeds(code: CourseCode, model_file: Path, photographs: list[Path]) -> Iterator[str]:
    """Lines that say what breed is on each photograph, the most probable first.

    Raises:
        PetsError: the model or a photograph cannot be read.
    """
    prepare = code.function("feature_extraction", "preprocess")
    predict = code.function("head_training", "predict")
    model, size = load_model(code, model_file)
    for path in photographs:
        (answers,) = predict(model, prepare(_opened(path), size)[None], SHOWN)
        yield str(path)
        width = max(len(name) for name, _ in answers)
        for name, sure in answers:
            yield f"  {name:<{width}}  {sure:6.1%}  {'#' * round(_BAR * sure)}".rstrip()


def _opened(path: Path) -> Image.Image:
    try:
        with Image.open(path) as image:
            image.load()
            return image
    except FileNotFoundError as error:
        raise PetsError(f"There is no photograph {path}.") from error
    except (UnidentifiedImageError, OSError) as error:
        raise PetsError(f"{path} is no picture that can be read ({error}).") from error


def main() -> None:
    options = _arguments()
    code = CourseCode(options.code)
    try:
        if options.command == "name":
            print("\n".join(name_breeds(code, options.model, options.photographs)))
        else:
            network = options.network or ("mobilenet_v2" if options.pets or options.download else "tiny")
            lab = Lab(code, network, SIZES.get(network, IMAGENET_SIZE))
            root = pets_root(options.pets, download=options.download)
            torch.manual_seed(options.seed)  # draws the head's first weights
            train(lab, root, options.output, epochs=options.epochs, learning_rate=options.rate, seed=options.seed)
    except DataError as error:
        sys.exit(f"pets_lab: {error}")


def _arguments() -> Any:
    parser = argparse.ArgumentParser(prog="python -m data.pets_lab", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--code", type=Path, default=Path("exercises"), help="the folder of your units")
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train", help="train a classifier on frozen features")
    training.add_argument("--pets", metavar="DIR", type=Path, help="the folder that holds the real oxford-iiit-pet")
    training.add_argument("--download", action="store_true", help="fetch the real collection (800 MB)")
    training.add_argument("--network", choices=NAMES, help="by default tiny, and mobilenet_v2 for real photographs")
    training.add_argument("--epochs", type=int, default=40)
    training.add_argument("--rate", type=float, default=0.1, help="the learning rate")
    training.add_argument("--seed", type=int, default=0)
    training.add_argument("-o", "--output", type=Path, default=Path("pets_lab"), help="a folder for what comes out")
    naming = commands.add_parser("name", help="say which breed is on a photograph")
    naming.add_argument("photographs", nargs="+", type=Path)
    naming.add_argument("--model", type=Path, default=Path("pets_lab") / MODEL)
    return parser.parse_args()


if __name__ == "__main__":
    main()
