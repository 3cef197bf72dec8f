"""Naminių gyvūnų laboratorija."""

import re
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torchvision.datasets import OxfordIIITPet
from torchvision.transforms import CenterCrop, Compose, Resize, ToTensor

from data import Classifier


def breed_of(filename):
    found = re.fullmatch(r"(.+)_[0-9]+", Path(filename).stem)
    if found is None:
        raise ValueError(f"filename {filename!r} nesibaigia numeriu")
    return found[1]


def species_of(filename):
    return "cat" if breed_of(filename)[0].isupper() else "dog"


def readable_images(folder):
    readable = []
    for path in sorted(Path(folder).iterdir(), key=lambda path: path.name):
        if not path.is_file():
            continue
        try:
            with Image.open(path) as image:
                image.load()  # antraštės neužtenka
        except Exception:
            continue
        readable.append(path)
    return readable


def load_pets(root, split, size=64):
    if split not in ("trainval", "test"):
        raise ValueError(f"split yra {split!r}, o turi būti 'trainval' arba 'test'")
    folder = Path(root) / "oxford-iiit-pet"
    if not (folder / "images").is_dir() or not (folder / "annotations").is_dir():
        raise FileNotFoundError(
            f"{folder} nėra; miniatiūrą duoda data.pets_root(), rinkinį OxfordIIITPet(download=True)"
        )
    pets = OxfordIIITPet(root, split=split, transform=Compose([Resize(size), CenterCrop(size), ToTensor()]))
    images, labels = [], []
    for image, label in pets:
        images.append(image)
        labels.append(label)
    return torch.stack(images), torch.tensor(labels), list(pets.classes)


def stratified_split(labels, fraction, seed=0):
    if not 0 < fraction < 1:
        raise ValueError(f"fraction yra {fraction}, o turi būti tarp 0 ir 1")
    dice = torch.Generator().manual_seed(seed)
    train, valid = [], []
    for label in labels.unique().tolist():
        places = (labels == label).nonzero().flatten()
        places = places[torch.randperm(len(places), generator=dice)].tolist()
        share = round(fraction * len(places))
        share = 0 if len(places) == 1 else min(max(share, 1), len(places) - 1)
        valid += places[:share]
        train += places[share:]
    return torch.tensor(train, dtype=torch.int64), torch.tensor(valid, dtype=torch.int64)


def top_k_accuracy(logits, labels, k):
    if not 1 <= k <= logits.shape[1]:
        raise ValueError(f"k yra {k}, o turi būti nuo 1 iki {logits.shape[1]}")
    guesses = logits.topk(k, dim=1).indices
    return (guesses == labels[:, None]).any(dim=1).double().mean().item()


def confusion_matrix(predictions, labels, num_classes):
    matrix = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    for true, predicted in zip(labels.tolist(), predictions.tolist(), strict=True):
        matrix[true, predicted] += 1
    return matrix


def most_confused(matrix, classes, n=5):
    mistakes = []
    for true, row in enumerate(matrix.tolist()):
        for predicted, count in enumerate(row):
            if true != predicted and count > 0:
                mistakes.append((-count, true, predicted))
    return [(classes[true], classes[predicted], -count) for count, true, predicted in sorted(mistakes)[:n]]


def train_pet_classifier(backbone, images, labels, classes, *, seed=0):
    with torch.no_grad():
        features = torch.cat([backbone(batch) for batch in images.split(64)])
    mean, spread = features.mean(dim=0), features.std(dim=0) + 1e-3
    scaled = (features - mean) / spread
    head = nn.Linear(features.shape[1], len(classes))
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    dice = torch.Generator().manual_seed(seed)
    adam = torch.optim.AdamW(head.parameters(), lr=0.01, weight_decay=0.1)
    for _ in range(60):
        for rows in torch.randperm(len(labels), generator=dice).split(32):
            adam.zero_grad()
            F.cross_entropy(head(scaled[rows]), labels[rows]).backward()
            adam.step()
    adam.zero_grad()
    with torch.no_grad():  # mastelis įrašomas į pačią galvą
        head.weight /= spread
        head.bias -= head.weight @ mean
    return Classifier(backbone, head, classes).eval()
