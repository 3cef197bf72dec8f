"""Pets lab."""

import re
from collections import Counter
from pathlib import Path

import torch
from PIL import Image
from torch import nn
from torchvision import transforms
from torchvision.datasets import OxfordIIITPet

from data import Classifier

NAME = re.compile(r"(?:.*/)?([^/]+)_[0-9]+(?:\.[^./]*)?")


def breed_of(filename):
    match = NAME.fullmatch(str(filename))
    if not match:
        raise ValueError(f"filename {filename!r}: hindi nagtatapos sa underscore at bilang")
    return match.group(1)


def species_of(filename):
    breed = breed_of(filename)
    if breed[:1].isupper():
        return "cat"
    return "dog"


def readable_images(folder):
    paths = []
    for path in sorted(Path(folder).glob("*")):
        if path.is_dir():
            continue
        try:
            with open(path, "rb") as file:
                Image.open(file).load()
        except Exception:
            continue
        paths.append(path)
    return paths


def load_pets(root, split, size=64):
    if split != "trainval" and split != "test":
        raise ValueError(f"split = {split!r}, dapat 'trainval' o 'test'")
    transform = transforms.Compose(
        [
            transforms.Lambda(lambda image: image.convert("RGB")),
            transforms.Resize(size),
            transforms.CenterCrop(size),
            transforms.ToTensor(),
        ]
    )
    try:
        pets = OxfordIIITPet(str(root), split=split, transform=transform)
    except RuntimeError as error:
        raise FileNotFoundError(f"wala sa {root} ang data: gamitin ang data.pets_root() o download=True") from error
    images = torch.stack([pets[index][0] for index in range(len(pets))])
    labels = torch.tensor([pets[index][1] for index in range(len(pets))])
    return images, labels, pets.classes


def stratified_split(labels, fraction, seed=0):
    if not (fraction > 0 and fraction < 1):
        raise ValueError(f"fraction = {fraction}, dapat nasa pagitan ng 0 at 1")
    generator = torch.Generator()
    generator.manual_seed(seed)
    groups = {}
    for index in torch.randperm(len(labels), generator=generator).tolist():
        groups.setdefault(int(labels[index]), []).append(index)
    train, valid = [], []
    for group in groups.values():
        count = int(fraction * len(group))
        if count == 0 and len(group) > 1:
            count = 1
        valid.extend(group[:count])
        train.extend(group[count:])
    return torch.tensor(train, dtype=torch.long), torch.tensor(valid, dtype=torch.long)


def top_k_accuracy(logits, labels, k):
    if not (k >= 1 and k <= logits.shape[1]):
        raise ValueError(f"k = {k}, dapat mula 1 hanggang {logits.shape[1]}")
    order = logits.argsort(dim=1, descending=True)
    right = sum(label in row[:k] for row, label in zip(order.tolist(), labels.tolist(), strict=True))
    return right / len(labels)


def confusion_matrix(predictions, labels, num_classes):
    counts = Counter(zip(labels.tolist(), predictions.tolist(), strict=True))
    rows = [[counts[true, predicted] for predicted in range(num_classes)] for true in range(num_classes)]
    return torch.tensor(rows, dtype=torch.long)


def most_confused(matrix, classes, n=5):
    found = []
    for true in range(len(classes)):
        for predicted in range(len(classes)):
            count = int(matrix[true][predicted])
            if true != predicted and count != 0:
                found.append((classes[true], classes[predicted], count))
    found.sort(key=lambda entry: entry[2], reverse=True)  # nananatili ang ayos ng mga magkapareho
    return found[:n]


def train_pet_classifier(backbone, images, labels, classes, *, seed=0):
    with torch.no_grad():
        features = torch.cat([backbone(images[start : start + 50]) for start in range(0, len(images), 50)])
    # Nakapirmi ang scale ng mga feature: bahagi ng head.
    norm = nn.BatchNorm1d(features.shape[1], affine=False)
    norm.running_mean.copy_(features.mean(dim=0))
    norm.running_var.copy_(features.var(dim=0) + 1e-6)
    head = nn.Sequential(norm, nn.Linear(features.shape[1], len(classes))).eval()
    nn.init.zeros_(head[1].weight)
    nn.init.zeros_(head[1].bias)
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.SGD(head.parameters(), lr=0.02, momentum=0.9, weight_decay=0.005)
    for _ in range(60):
        for rows in torch.randperm(len(features), generator=generator).split(32):
            optimizer.zero_grad()
            nn.functional.cross_entropy(head(features[rows]), labels[rows]).backward()
            optimizer.step()
    optimizer.zero_grad()
    model = Classifier(backbone, head, classes)
    model.eval()
    return model
