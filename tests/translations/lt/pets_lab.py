"""Augintinių laboratorija: 37 veislės, nuo failų aplanko iki klasifikatoriaus."""

import copy
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torchvision.datasets import OxfordIIITPet
from torchvision.transforms import CenterCrop, Compose, Resize, ToTensor

from data import Classifier


def breed_of(filename: str) -> str:
    stem = PurePosixPath(str(filename).replace("\\", "/")).stem
    found = re.fullmatch(r"(.+)_[0-9]+", stem)
    if found is None:
        raise ValueError(f"vardas nesibaigia pabraukimo brūkšniu ir numeriu: filename {filename!r}")
    return found[1]


def species_of(filename: str) -> str:
    return "cat" if breed_of(filename)[0].isupper() else "dog"


def _decodes(path: Path) -> bool:
    try:
        with Image.open(path) as image:
            image.load()  # open perskaito tik antraštę
    except Exception:  # sugadintas failas gali sukelti bet kokią klaidą
        return False
    return True


def readable_images(folder: Path) -> list[Path]:
    files = sorted((path for path in Path(folder).iterdir() if path.is_file()), key=lambda path: path.name)
    return [path for path in files if _decodes(path)]


def load_pets(root: Path, split: str, size: int = 64) -> tuple[Tensor, Tensor, list[str]]:
    if split not in ("trainval", "test"):
        raise ValueError(f"split turi būti 'trainval' arba 'test', o yra {split!r}")
    home = Path(root) / "oxford-iiit-pet"
    if not ((home / "images").is_dir() and (home / "annotations" / f"{split}.txt").is_file()):
        raise FileNotFoundError(
            f"duomenų nėra: {home}. Miniatiūrą duoda data.pets_root(), o tikrąjį rinkinį atsiunčia "
            "torchvision.datasets.OxfordIIITPet(root, download=True)"
        )
    look = Compose([Resize(size), CenterCrop(size), ToTensor()])
    dataset = OxfordIIITPet(root, split=split, target_types="category", transform=look)
    pictures, labels = zip(*(dataset[place] for place in range(len(dataset))), strict=True)
    return torch.stack(pictures), torch.tensor(labels, dtype=torch.int64), list(dataset.classes)


def stratified_split(labels: Tensor, fraction: float, seed: int = 0) -> tuple[Tensor, Tensor]:
    if not 0 < fraction < 1:
        raise ValueError(f"fraction turi būti tarp 0 ir 1, o yra {fraction}")
    dice = torch.Generator().manual_seed(seed)
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    classes = labels.cpu()
    for label in classes.unique():
        members = (classes == label).nonzero().flatten()
        count = len(members)
        if count > 1:  # vieno paveikslėlio klasė lieka mokymui
            share = min(max(round(fraction * count), 1), count - 1)
            chosen[members[torch.randperm(count, generator=dice)[:share]]] = True
    return (~chosen).nonzero().flatten().to(labels.device), chosen.nonzero().flatten().to(labels.device)


def top_k_accuracy(logits: Tensor, labels: Tensor, k: int) -> float:
    if not 1 <= k <= logits.shape[1]:
        raise ValueError(f"k turi būti nuo 1 iki {logits.shape[1]}, o yra {k}")
    guesses = logits.argsort(dim=1, descending=True, stable=True)[:, :k]
    return (guesses == labels[:, None]).any(1).double().mean().item()


def confusion_matrix(predictions: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    pairs = labels.long() * num_classes + predictions.long()
    return torch.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)


def most_confused(matrix: Tensor, classes: Sequence[str], n: int = 5) -> list[tuple[str, str, int]]:
    entries = [
        (-count, true, guessed)
        for true, row in enumerate(matrix.tolist())
        for guessed, count in enumerate(row)
        if true != guessed and count != 0
    ]
    return [(classes[true], classes[guessed], -count) for count, true, guessed in sorted(entries)[:n]]


def _linear_head(features: Tensor, labels: Tensor, num_classes: int, seed: int) -> nn.Linear:
    # Savybės standartizuojamos, o pabaigoje mastelis ir poslinkis įrašomi į pačią galvą.
    centre, spread = features.mean(0), features.std(0, unbiased=False)
    floor = 0.01 * spread.mean()
    spread = spread.clamp_min(floor) if floor > 0 else torch.ones_like(spread)
    inputs = (features - centre) / spread
    weight = torch.zeros(num_classes, features.shape[1], dtype=features.dtype, device=features.device)
    bias = torch.zeros(num_classes, dtype=features.dtype, device=features.device)
    weight.requires_grad_()
    bias.requires_grad_()
    optimizer = torch.optim.Adam([weight, bias], lr=0.01)
    dice = torch.Generator().manual_seed(seed)
    with torch.enable_grad():
        for _ in range(100):
            for rows in torch.randperm(len(labels), generator=dice).split(64):
                rows = rows.to(features.device)
                loss = F.cross_entropy(inputs[rows] @ weight.T + bias, labels[rows]) + 1e-3 * weight.square().sum()
                weight.grad, bias.grad = torch.autograd.grad(loss, (weight, bias))
                optimizer.step()
    head = nn.Linear(features.shape[1], num_classes, device="meta").to_empty(device=features.device).to(features.dtype)
    with torch.no_grad():
        head.weight.copy_(weight / spread)
        head.bias.copy_(bias - (weight / spread) @ centre)
    return head


def train_pet_classifier(
    backbone: nn.Module, images: Tensor, labels: Tensor, classes: Sequence[str], *, seed: int = 0
) -> nn.Module:
    # Dirbama su kopija, todėl gautasis tinklas lieka visiškai toks, koks buvo.
    own = copy.deepcopy(backbone).eval()
    with torch.no_grad():
        features = torch.cat([own(part) for part in images.split(64)])
    return Classifier(own, _linear_head(features, labels, len(classes), seed), classes).eval()
