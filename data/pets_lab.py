"""Run the pets lab from end to end, with the functions that you have written: `python -m data.pets_lab`.

    python -m data.pets_lab train                    on the drawn miniature, with the small network of the course
    python -m data.pets_lab train --pets DIR         on the real collection in DIR, with ImageNet's mobilenet_v2
    python -m data.pets_lab train --from-scratch     the same, and beside it a network that starts from random weights
    python -m data.pets_lab name PHOTOGRAPH...       the breed on each photograph, with probabilities

`train` needs the units feature_extraction, head_training and pets_lab; it leaves the model and two pictures in a folder.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image, ImageOps, UnidentifiedImageError
from rich.progress import track
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from autograder.messages import tr, translate_sentence
from data.breeds import BREEDS
from data.cache import DataError
from data.course_code import CourseCode, Parser, give_up, say, whole_number
from data.domains import Labelled
from data.drawing import curves, matrix, sheet
from data.layers import Classifier
from data.networks import NAMES, load_backbone
from data.pets import PetsError, pets_root

MODEL, CURVES, CONFUSION = "pets.safetensors", "learning_curves.png", "confusion_matrix.png"
VALID_SHARE = 0.2
BATCH = 32
SIZES = {"tiny": 64, "tiny_robust": 64}
IMAGENET_SIZE = 224
SHOWN = 5
SCRATCH_RATE, SCRATCH_DECAY = 3e-3, 0.05
_BAR = 30
#: Names of the ways to train; in the pictures, of their losses in training and in validation, and of their accuracies.
TRANSFER, SCRATCH = "Transfer learning", "From scratch"
_LOSSES = {
    TRANSFER: ("transfer learning, training", "transfer learning, validation"),
    SCRATCH: ("from scratch, training", "from scratch, validation"),
}
_ACCURACY = {TRANSFER: "transfer learning", SCRATCH: "from scratch"}


@dataclass(frozen=True)
class Training:
    """Settings of a training: number of epochs, the head's learning rate, and the seed of split and batches."""

    epochs: int
    rate: float
    seed: int


@dataclass(frozen=True)
class Lab:
    """Pair of the student's functions (`code`) and the name of the network that they work with."""

    code: CourseCode
    network: str

    @property
    def size(self) -> int:
        """Return the height and width of the network's pictures."""
        return SIZES.get(self.network, IMAGENET_SIZE)

    def load(self, root: Path, split: str) -> tuple[Tensor, Tensor, list[str]]:
        """Return images, labels and class names of a split, by the student's `load_pets`."""
        loaded: tuple[Tensor, Tensor, list[str]] = self.code.function("pets_lab", "load_pets")(root, split, self.size)
        return loaded

    def features(self, backbone: nn.Module, images: Tensor, what: str) -> Tensor:
        """Return the features `(N, D)` of images, batch by batch, and show a bar."""
        extract = self.code.function("feature_extraction", "extract_features")
        batches = images.split(BATCH)
        return torch.cat(
            [extract(backbone, batch) for batch in track(batches, translate_sentence(f"Features of {what}"))]
        )


@dataclass(frozen=True)
class Run:
    """Record of one training of a classifier.

    Attributes:
        name: of the way to train, as pictures and printed lines have it.
        history: lists with one number for each epoch: `train_loss`, `valid_loss`, `valid_accuracy`.
        logits: for the test split, `(N, 37)`.
    """

    name: str
    history: dict[str, list[float]]
    logits: Tensor


def train(lab: Lab, root: Path, folder: Path, options: Training, *, scratch: Lab | None = None) -> None:
    """Train a head on the pets, and write the model, its learning curves and its confusion matrix into a folder.

    Args:
        scratch: if given, also train this whole network from random weights, and show both in pictures and printed lines;
            only the head's model is saved.

    Raises:
        PetsError: the folder cannot be made, or a loss is not a finite number.
    """
    _make_folder(folder)
    images, labels, classes = lab.load(root, "trainval")
    parts = lab.code.function("pets_lab", "stratified_split")(labels, VALID_SHARE, options.seed)
    backbone = load_backbone(lab.network)
    features = lab.features(backbone, images, f"{len(images)} pictures to learn from")
    head = lab.code.function("head_training", "build_head")(features.shape[1], len(classes))
    history = _fit_head(lab, head, *((features[part], labels[part]) for part in parts), options)
    test_images, truth, _ = lab.load(root, "test")
    runs = [
        Run(
            TRANSFER,
            history,
            _logits(head, lab.features(backbone, test_images, f"{len(test_images)} pictures to judge by")),
        )
    ]
    if scratch:
        runs.append(_run_from_scratch(scratch, root, parts, options))
    _save(lab, head, classes, features.shape[1], folder / MODEL)
    _draw_curves(runs, folder / CURVES)
    _report(lab, runs, truth, classes, folder)


def _make_folder(folder: Path) -> None:
    """Make the folder for what comes out, before minutes of training could be lost."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PetsError(f"The folder {folder} cannot be made ({error.strerror}): name another one with -o.") from error


def _fit_head(
    lab: Lab, head: nn.Module, train_part: Labelled, valid_part: Labelled, options: Training
) -> dict[str, list[float]]:
    """Train a head, one epoch at a time so that a bar can move. At the end it has the weights of its best epoch."""
    fit = lab.code.function("head_training", "fit_head")
    history: dict[str, list[float]] = {}
    best = _Best()
    for epoch in track(range(options.epochs), tr("Training")):
        rates = {"epochs": 1, "learning_rate": options.rate, "batch_size": BATCH, "seed": options.seed + epoch}
        for name, values in fit(head, train_part, valid_part, **rates).items():
            history.setdefault(name, []).extend(values)
        _require_finite(history)
        best.see(head, history["valid_loss"][-1])
    best.restore(head)
    return history


def _run_from_scratch(lab: Lab, root: Path, parts: tuple[Tensor, Tensor], options: Training) -> Run:
    images, labels, classes = lab.load(root, "trainval")
    backbone = load_backbone(lab.network, False, seed=options.seed)
    with torch.inference_mode():
        features = backbone(images[:1]).shape[1]
    head = lab.code.function("head_training", "build_head")(features, len(classes))
    model = Classifier(backbone, head, classes)
    history = fit_network(model, *((images[part], labels[part]) for part in parts), options)
    return Run(SCRATCH, history, _logits(model, lab.load(root, "test")[0]))


def fit_network(
    model: nn.Module, train_part: Labelled, valid_part: Labelled, options: Training
) -> dict[str, list[float]]:
    """Train a whole network by AdamW with a cosine decay, on pictures that are mirrored at random.

    Args:
        model: images `(N, 3, H, W)` to logits; trained in place, and left in eval mode with the weights of its best epoch.
        train_part, valid_part: images and labels.
        options: number of epochs and the seed that shuffles and mirrors; the learning rate is a constant of its own.

    Returns:
        `train_loss` (the mean over the epoch), `valid_loss` and `valid_accuracy`, one number for each epoch.

    Raises:
        PetsError: a loss is not a finite number.
    """
    images, labels = train_part
    generator = torch.Generator().manual_seed(options.seed)
    optimizer = torch.optim.AdamW(model.parameters(), SCRATCH_RATE, weight_decay=SCRATCH_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(1, options.epochs))
    history: dict[str, list[float]] = {"train_loss": [], "valid_loss": [], "valid_accuracy": []}
    best = _Best()
    for _ in track(range(options.epochs), tr("Training from scratch")):
        model.train()
        total = 0.0
        for batch in torch.randperm(len(labels), generator=generator).split(BATCH):
            mirrored = torch.rand(len(batch), 1, 1, 1, generator=generator) < 0.5
            loss = F.cross_entropy(model(images[batch].flip(3).where(mirrored, images[batch])), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        schedule.step()
        logits = _logits(model, valid_part[0])
        history["train_loss"].append(total / len(labels))
        history["valid_loss"].append(F.cross_entropy(logits, valid_part[1]).item())
        history["valid_accuracy"].append((logits.argmax(1) == valid_part[1]).float().mean().item())
        _require_finite(history)
        best.see(model, history["valid_loss"][-1])
    best.restore(model)
    model.eval()
    return history


def _require_finite(history: dict[str, list[float]]) -> None:
    """Check the losses of the last epoch.

    Raises:
        PetsError: one is not a finite number.
    """
    if not all(math.isfinite(history[name][-1]) for name in ("train_loss", "valid_loss")):
        raise PetsError("The training diverged (a loss is not a finite number): try a smaller --rate.")


class _Best:
    """Keeper of the weights of the epoch with the lowest validation loss."""

    def __init__(self) -> None:
        self._loss, self._weights = float("inf"), dict[str, Tensor]()

    def see(self, module: nn.Module, loss: float) -> None:
        """Keep a copy of the weights if the loss is the lowest so far."""
        if loss < self._loss:
            self._loss, self._weights = loss, {name: value.clone() for name, value in module.state_dict().items()}

    def restore(self, module: nn.Module) -> None:
        """Put the kept weights back; do nothing if there was no epoch."""
        if self._weights:
            module.load_state_dict(self._weights)


@torch.no_grad()
def _logits(module: nn.Module, inputs: Tensor) -> Tensor:
    module.eval()
    return torch.cat([module(batch) for batch in inputs.split(BATCH)])


def _draw_curves(runs: list[Run], path: Path) -> None:
    """Draw the losses of all runs in one chart; if there are several, also their accuracies in a second one."""
    losses: dict[str, list[float]] = {}
    for run in runs:
        names = _LOSSES[run.name] if len(runs) > 1 else ("training", "validation")
        losses |= zip(names, (run.history["train_loss"], run.history["valid_loss"]), strict=True)
    best = [run.history["valid_loss"].index(min(run.history["valid_loss"])) + 1 for run in runs]
    epochs = str(best[0]) if len(runs) == 1 else f"transfer learning {best[0]}, from scratch {best[1]}"
    caption = f"epoch with the lowest validation loss: {epochs}"
    rows = [("", [(curves(losses, x_name="epoch", y_name="loss", mark=best[0] if len(runs) == 1 else None), caption)])]
    if len(runs) > 1:
        right = {_ACCURACY[run.name]: run.history["valid_accuracy"] for run in runs}
        rows.append(("", [(curves(right, x_name="epoch", y_name="accuracy on the validation pictures"), "")]))
    title = "Transfer learning and from scratch" if len(runs) > 1 else "A head on frozen features"
    sheet(f"{title}: {len(BREEDS)} breeds", rows).save(path)


def _report(lab: Lab, runs: list[Run], truth: Tensor, classes: list[str], folder: Path) -> None:
    """Print accuracies and confused breeds of each run, and draw the confusion matrices."""
    top_k, count, confused = (
        lab.code.function("pets_lab", name) for name in ("top_k_accuracy", "confusion_matrix", "most_confused")
    )
    matrices = []
    for run in runs:
        counts = count(run.logits.argmax(dim=1), truth, len(classes))
        top1, top3 = (float(top_k(run.logits, truth, k)) for k in (1, 3))
        accuracy = f"{top1:.1%} right, {top3:.1%} among the first three"
        caption = f"{run.name}: {top1:.1%} right, {top3:.1%} among the first three"
        matrices.append((matrix(counts, classes), caption))
        say(f"{run.name}, on {len(truth)} pictures that it never saw: {accuracy}.")
        for true, taken, times in confused(counts, classes, SHOWN):
            say(f"  {true} taken for {taken}: {times}")
    sheet("What each breed was taken for", [("row: the true breed; column: the answer", matrices)]).save(
        folder / CONFUSION
    )
    say(f"The model is {folder / MODEL}; see also {folder / CURVES} and {folder / CONFUSION}.")


def _save(lab: Lab, head: nn.Module, classes: list[str], features: int, path: Path) -> None:
    facts = {"network": lab.network, "size": str(lab.size), "features": str(features), "classes": json.dumps(classes)}
    save_file({name: value.contiguous() for name, value in head.state_dict().items()}, path, facts)


def load_model(code: CourseCode, path: Path) -> tuple[Classifier, int]:
    """Load a model that `train` has saved. Return it in eval mode, with the size of its pictures.

    Args:
        code: the student's.
        path: of the model, or of the folder that `train` has saved it in.

    Raises:
        PetsError: there is no such file, or it holds no model of the pets lab.
    """
    path = path / MODEL if path.is_dir() else path
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
    except (SafetensorError, OSError, KeyError, ValueError, RuntimeError) as error:
        raise PetsError(f"{path} is no model of the pets lab ({error}): train one anew.") from error
    model = Classifier(load_backbone(facts["network"]), head, json.loads(facts["classes"]))
    return model.eval(), int(facts["size"])


def name_breeds(code: CourseCode, model_file: Path, photographs: list[Path]) -> Iterator[str]:
    """Yield for each photograph its path, then lines with the most probable breeds.

    Raises:
        PetsError: the model or a photograph cannot be read.
    """
    prepare = code.function("feature_extraction", "preprocess")
    predict = code.function("head_training", "predict")
    model, size = load_model(code, model_file)
    for path in photographs:
        (answers,) = predict(model, prepare(_open(path), size)[None], SHOWN)
        yield str(path)
        width = max(len(name) for name, _ in answers)
        for name, sure in answers:
            yield f"  {name:<{width}}  {sure:6.1%}  {'#' * round(_BAR * sure)}".rstrip()


def _open(path: Path) -> Image.Image:
    """Return a photograph, turned upright if its EXIF data say that the camera was turned."""
    try:
        with Image.open(path) as image:
            image.load()
            return ImageOps.exif_transpose(image)
    except FileNotFoundError as error:
        raise PetsError(f"There is no photograph {path}.") from error
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError) as error:
        raise PetsError(f"{path} is no picture that can be read ({error}).") from error


def main() -> None:
    """Run the command line."""
    options = _arguments()
    code = CourseCode(options.code)
    try:
        if options.command == "name":
            print("\n".join(name_breeds(code, options.model, options.photographs)))
        else:
            network = options.network or ("mobilenet_v2" if options.pets or options.download else "tiny")
            scratch = Lab(code, options.from_scratch or network) if options.from_scratch is not None else None
            root = pets_root(options.pets, download=options.download)
            torch.manual_seed(options.seed)  # draws the head's first weights
            settings = Training(options.epochs, options.rate, options.seed)
            train(Lab(code, network), root, options.output, settings, scratch=scratch)
    except DataError as error:
        give_up("pets_lab", error)


def _arguments() -> Any:
    parser = Parser(prog="python -m data.pets_lab")
    parser.description = tr("Run the pets lab from end to end, with the functions that you have written.")
    parser.add_argument("--code", type=Path, default=Path("exercises"), help=tr("the folder of your units"))
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train", help=tr("train a classifier on frozen features"))
    training.add_argument("--pets", metavar="DIR", type=Path, help=tr("the folder that holds the real oxford-iiit-pet"))
    training.add_argument("--download", action="store_true", help=tr("fetch the real collection (800 MB)"))
    training.add_argument("--network", choices=NAMES, help=tr("by default tiny, and mobilenet_v2 for real photographs"))
    training.add_argument(
        "--from-scratch",
        nargs="?",
        const="",
        choices=("", *NAMES),
        metavar="NETWORK",
        help=tr("also train a whole network from random weights, and show both; by default of the same architecture"),
    )
    training.add_argument("--epochs", type=whole_number, default=40)
    training.add_argument("--rate", type=float, default=0.1, help=tr("the learning rate of the head"))
    training.add_argument("--seed", type=int, default=0)
    training.add_argument("-o", "--output", type=Path, default=Path("pets_lab"), help=tr("a folder for what comes out"))
    naming = commands.add_parser("name", help=tr("say which breed is on a photograph"))
    naming.add_argument("photographs", nargs="+", type=Path)
    naming.add_argument("--model", type=Path, default=Path("pets_lab") / MODEL)
    return parser.parse_args()


if __name__ == "__main__":
    main()
