"""pets_lab with a standardised head trained by L-BFGS on all features at once, and regular expressions."""

import copy
import re
import warnings
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from torch import nn
from torchvision.datasets import OxfordIIITPet
from torchvision.transforms import v2

from data import Classifier

NAME = re.compile(r"(?:.*/)?([^/]+)_(\d+)\.[^./]+")


def breed_of(filename):
    match = NAME.fullmatch(str(filename))
    if not match:
        raise ValueError(f"filename {filename!r}: no number at the end")
    return match.group(1)


def species_of(filename):
    return "cat" if re.match("[A-Z]", breed_of(filename)) else "dog"


def _decodes(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            np.asarray(Image.open(path))
        except Exception:
            return False
        return True


def readable_images(folder):
    entries = sorted(Path(folder).iterdir(), key=lambda path: path.name)
    return [entry for entry in entries if not entry.is_dir() and _decodes(entry)]


def load_pets(root, split, size=64):
    if split not in ["trainval", "test"]:
        raise ValueError("split: trainval or test")
    base = Path(root) / "oxford-iiit-pet"
    listing = base / "annotations" / f"{split}.txt"
    if not listing.exists():
        raise FileNotFoundError(f"{listing} is missing: save the archives of images and annotations here")
    names = OxfordIIITPet(root, split).classes
    steps = v2.Compose([v2.Resize(size), v2.CenterCrop(size), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
    images, labels = [], []
    for line in listing.read_text().splitlines():
        name, number, *_ = line.split()
        image = ImageOps.exif_transpose(Image.open(base / "images" / f"{name}.jpg")).convert("RGB")
        images.append(torch.Tensor(steps(image)))
        labels.append(int(number) - 1)
    return torch.stack(images), torch.tensor(labels), list(names)


def stratified_split(labels, fraction, seed=0):
    if not 0 < fraction < 1:
        raise ValueError(f"fraction={fraction}")
    lot = np.random.default_rng(seed)
    numbers = labels.numpy()
    train, valid = [], []
    for label in np.unique(numbers):
        members = lot.permutation(np.flatnonzero(numbers == label))
        count = int(np.clip(np.round(fraction * len(members)), 1, max(len(members) - 1, 0))) if len(members) > 1 else 0
        valid.extend(members[:count].tolist())
        train.extend(members[count:].tolist())
    return torch.tensor(train, dtype=torch.int64), torch.tensor(valid, dtype=torch.int64)


def top_k_accuracy(logits, labels, k):
    classes = logits.shape[1]
    if k < 1 or k > classes:
        raise ValueError(f"k={k} of {classes}")
    own = logits.gather(1, labels[:, None])
    return ((logits > own).sum(1) < k).double().mean().item()


def confusion_matrix(predictions, labels, num_classes):
    one_hot = F.one_hot(labels, num_classes).T @ F.one_hot(predictions, num_classes)
    return one_hot.long()


def most_confused(matrix, classes, n=5):
    found = []
    for i, j in matrix.nonzero().tolist():
        if i != j:
            found.append((classes[i], classes[j], matrix[i, j].item()))
    found.sort(key=lambda entry: entry[2], reverse=True)
    return found[:n]


class Head(nn.Module):
    def __init__(self, features, num_classes):
        super().__init__()
        self.register_buffer("mean", features.mean(0))
        self.register_buffer("deviation", features.std(0) + 1e-3)
        self.linear = nn.Linear(features.shape[1], num_classes)

    def forward(self, features):
        return self.linear((features - self.mean) / self.deviation)


def train_pet_classifier(backbone, images, labels, classes, *, seed=0):
    backbone = copy.deepcopy(backbone)
    with torch.no_grad():
        features = torch.cat([backbone(image[None]) for image in images])
    head = Head(features, len(classes))
    optimizer = torch.optim.LBFGS(head.parameters(), max_iter=40)

    def closure():
        optimizer.zero_grad()
        loss = F.cross_entropy(head(features), labels) + 1e-3 * head.linear.weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return Classifier(backbone, head, classes)
