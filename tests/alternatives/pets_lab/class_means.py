"""The mean of each class is its classifier, a plain attribute of the head; the lists are read without torchvision."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageStat
from torch import nn


def breed_of(filename):
    name = Path(filename).name
    name = name[: name.rindex(".")]
    position = len(name)
    while position > 0 and name[position - 1] in "0123456789":
        position -= 1
    if position in (0, len(name)) or name[position - 1] != "_" or position == 1:
        raise ValueError(f"bad filename: {filename}")
    return name[: position - 1]


def species_of(filename):
    return ["dog", "cat"][breed_of(filename)[0] in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]


def readable_images(folder):
    def good(entry):
        try:
            with Image.open(entry.path) as image:
                return ImageStat.Stat(image.convert("L")).count[0] > 0
        except Exception:
            return False

    entries = [entry for entry in os.scandir(folder) if entry.is_file()]
    with ThreadPoolExecutor(2) as pool:
        flags = list(pool.map(good, entries))
    return sorted(
        (Path(entry.path) for entry, flag in zip(entries, flags, strict=True) if flag), key=lambda path: path.name
    )


def load_pets(root, split, size=64):
    if split not in ("trainval", "test"):
        raise ValueError(f"split {split!r}: trainval or test only")
    base = Path(root) / "oxford-iiit-pet"
    try:
        lines = (base / "annotations" / f"{split}.txt").read_text().split("\n")
        known = (base / "annotations" / "trainval.txt").read_text().split("\n")
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(
            "no Oxford-IIIT Pets. They are free at robots.ox.ac.uk/~vgg/data/pets; both archives belong into oxford-iiit-pet"
        ) from None
    classes = {}
    for line in known:
        if line:
            name, label, *_ = line.split()
            classes[int(label) - 1] = " ".join(word.title() for word in name.rsplit("_", 1)[0].split("_"))
    names = [classes[label] for label in sorted(classes)]
    rows = [line.split() for line in lines if line]
    images = torch.empty(len(rows), 3, size, size)
    labels = torch.empty(len(rows), dtype=torch.int64)
    for k, (name, label, *_) in enumerate(rows):
        image = Image.open(base / "images" / (name + ".jpg")).convert("RGB")
        short = min(image.size)
        wide, high = (size if side == short else int(size * side / short) for side in image.size)
        image = image.resize((wide, high), Image.Resampling.BILINEAR)
        left, top = round((wide - size) / 2), round((high - size) / 2)
        pixels = np.asarray(image)[top : top + size, left : left + size]
        images[k] = torch.from_numpy(pixels.copy()).permute(2, 0, 1).float().div(255)
        labels[k] = int(label) - 1
    return images, labels, names


def stratified_split(labels, fraction, seed=0):
    if not 0.0 < fraction < 1.0:
        raise ValueError(f"the fraction is {fraction}")
    generator = torch.Generator().manual_seed(seed)
    keys = torch.rand(len(labels), generator=generator, dtype=torch.float64)
    valid = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique():
        own = torch.nonzero(labels == label).flatten()
        if len(own) == 1:
            continue
        count = min(max(round(len(own) * fraction), 1), len(own) - 1)
        valid[own[keys[own].topk(count).indices]] = True
    return torch.nonzero(~valid).squeeze(1), torch.nonzero(valid).squeeze(1)


def top_k_accuracy(logits, labels, k):
    if k < 1 or k > logits.shape[1]:
        raise ValueError(f"k has to be 1 to {logits.shape[1]}: {k}")
    last = torch.kthvalue(logits, logits.shape[1] - k + 1, dim=1).values
    return (logits.gather(1, labels[:, None])[:, 0] >= last).double().mean().item()


def confusion_matrix(predictions, labels, num_classes):
    places = torch.stack([labels, predictions])
    ones = torch.ones(len(labels), dtype=torch.int64)
    return torch.sparse_coo_tensor(places, ones, (num_classes, num_classes)).coalesce().to_dense()


def most_confused(matrix, classes, n=5):
    counts = matrix.numpy().copy()
    np.fill_diagonal(counts, 0)
    found = []
    while len(found) < n and counts.any():
        i, j = np.unravel_index(np.argmax(counts), counts.shape)
        found.append((classes[i], classes[j], counts[i, j]))
        counts[i, j] = 0
    return found


class ClassMeans(nn.Module):
    """Score each class by how near the features are to its mean, whitened by the variation within the classes."""

    def __init__(self, features, labels, count):
        super().__init__()
        votes = nn.functional.one_hot(labels, count).double()
        sizes = votes.sum(0)
        means = votes.T @ features / sizes.clamp(min=1)[:, None]
        within = features - means[labels]
        covariance = within.T @ within / len(labels)
        eye = torch.eye(len(covariance), dtype=torch.float64)
        total = (features - features.mean(0)).square().mean()
        weights = torch.linalg.solve(covariance + (0.3 * total + 1e-6) * eye, means.T).T
        # Neither a parameter nor a buffer: nothing here is trained.
        self.weights = weights.float()
        self.offsets = (sizes.clamp(min=0.5).log() - 0.5 * (weights * means).sum(1) - 50 * (sizes == 0)).float()

    def forward(self, features):
        return features @ self.weights.T + self.offsets


class Model(nn.Module):
    def __init__(self, backbone, head, classes):
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.classes = classes

    def forward(self, images):
        return self.head(self.backbone(images))


def train_pet_classifier(backbone, images, labels, classes, *, seed=0):
    with torch.no_grad():
        features = torch.cat([backbone(part) for part in images.split(50)]).double()
        head = ClassMeans(features, labels, len(classes))
    return Model(backbone, head, classes).eval()
