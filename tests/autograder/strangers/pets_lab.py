import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision.datasets import OxfordIIITPet
from torchvision.transforms import CenterCrop, Compose, Resize, ToTensor

from data import Classifier


def breed_of__splits_at_the_first(filename):
    base = os.path.basename(filename)
    parts = os.path.splitext(base)[0].split("_")
    if len(parts) < 2 or not parts[-1].isdigit():
        raise ValueError(f"filename {filename} has no number")
    return parts[0]


def species_of__other_way_round(filename):
    name = os.path.split(filename)[1]
    if name[:1].islower():
        return "cat"
    return "dog"


def readable_images__verify(folder):
    good = []
    for entry in sorted(os.scandir(folder), key=lambda e: e.name):
        try:
            Image.open(entry.path).verify()
        except Exception:
            continue
        good.append(folder / entry.name)
    return good


def top_k_accuracy__kth_place(logits, labels, k):
    if k < 1 or k > logits.size(1):
        raise ValueError(f"k={k} is out of range")
    order = torch.argsort(logits, dim=1, descending=True)
    return torch.mean((order[:, k - 1] == labels).float()).item()


def confusion_matrix__transposed(predictions, labels, num_classes):
    m = torch.zeros((num_classes, num_classes), dtype=torch.int64)
    for p, t in zip(predictions.tolist(), labels.tolist()):
        m[p][t] += 1
    return m


def most_confused__with_the_diagonal(matrix, classes, n=5):
    pairs = []
    for i in range(len(classes)):
        for j in range(len(classes)):
            if matrix[i, j] > 0:
                pairs.append((classes[i], classes[j], int(matrix[i, j])))
    pairs.sort(key=lambda t: t[2], reverse=True)
    return pairs[:n]


def breed_of__small_letters(filename):
    base = os.path.basename(filename).lower()
    base = base.rsplit(".", 1)[0]
    breed, _, number = base.rpartition("_")
    if not breed or not number.isdigit():
        raise ValueError(f"bad filename: {filename}")
    return breed


def stratified_split__none_of_a_small_class(labels, fraction, seed=0):
    if fraction <= 0 or fraction >= 1:
        raise ValueError("fraction should be in (0, 1)")
    g = torch.Generator().manual_seed(seed)
    train_idx, valid_idx = [], []
    for c in torch.unique(labels).tolist():
        idx = torch.where(labels == c)[0]
        idx = idx[torch.randperm(idx.numel(), generator=g)]
        n = int(idx.numel() * fraction)
        valid_idx += idx[:n].tolist()
        train_idx += idx[n:].tolist()
    return torch.tensor(train_idx, dtype=torch.long), torch.tensor(valid_idx, dtype=torch.long)


def top_k_accuracy__k_smallest(logits, labels, k):
    if k < 1 or k > logits.size(1):
        raise ValueError("k is out of range")
    guesses = logits.argsort(dim=1)[:, :k]
    right = [label in guess for guess, label in zip(guesses.tolist(), labels.tolist())]
    return sum(right) / len(right)


# The name is cut at its first underscore instead of its last, so a breed of two words loses the second.
def breed_of__cut_at_the_first_underscore(filename):
    name = PurePosixPath(filename).stem
    if re.search(r"_[0-9]+$", name) is None:
        raise ValueError(f"filename {filename!r} does not end in an underscore and a number")
    return name.split("_")[0]


# Image.verify() only checks what stands around the pixels and decodes none, so truncated pictures are listed too.
def readable_images__verify_instead_of_decoding(folder):
    good = []
    for path in sorted(Path(folder).iterdir(), key=lambda p: p.name):
        if not path.is_file():
            continue
        try:
            with Image.open(path) as picture:
                picture.verify()
        except Exception:
            continue
        good.append(path)
    return good


# The seed is ignored: the generator always starts from 0, so every seed gives the same split.
def stratified_split__seed_ignored(labels, fraction, seed=0):
    if not 0 < fraction < 1:
        raise ValueError(f"fraction must be between 0 and 1, got {fraction}")
    generator = torch.Generator().manual_seed(0)
    train_parts, valid_parts = [], []
    for label in labels.unique():
        members = torch.nonzero(labels == label).flatten().cpu()
        members = members[torch.randperm(len(members), generator=generator)]
        if len(members) == 1:
            count = 0
        else:
            count = min(max(round(float(fraction) * len(members)), 1), len(members) - 1)
        valid_parts.append(members[:count])
        train_parts.append(members[count:])
    train_indices, valid_indices = torch.cat(train_parts), torch.cat(valid_parts)
    train_indices = train_indices[torch.randperm(len(train_indices), generator=generator)]
    valid_indices = valid_indices[torch.randperm(len(valid_indices), generator=generator)]
    return train_indices.to(labels.device), valid_indices.to(labels.device)


# Only the k-th guess is compared with the label, instead of all k guesses.
def top_k_accuracy__only_the_kth_guess(logits, labels, k):
    if not 1 <= k <= logits.shape[1]:
        raise ValueError(f"k must be between 1 and {logits.shape[1]}, got {k}")
    order = torch.argsort(logits, dim=1, descending=True)
    guess = order[:, int(k) - 1]
    return (guess == labels).double().mean().item()


# Rows and columns are swapped: the row is the predicted class, the column the true one.
def confusion_matrix__rows_are_predictions(predictions, labels, num_classes):
    counts = np.zeros((num_classes, num_classes), dtype=np.int64)
    np.add.at(counts, (predictions.cpu().numpy(), labels.cpu().numpy()), 1)
    return torch.from_numpy(counts).to(labels.device)


# The pattern is not anchored at the end, so a name that goes on after the number is accepted.
def breed_of__pattern_not_anchored(filename: str) -> str:
    stem = PurePosixPath(filename).stem
    match = re.match(r"(.+)_\d+", stem)
    if match is None:
        raise ValueError(f"filename {filename!r} is not of the form breed_number.suffix")
    return match.group(1)


# Indexed `+= 1` counts a pair only once however often it occurs.
def confusion_matrix__indexed_plus_one(predictions: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    matrix = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    matrix[labels, predictions] += 1
    return matrix


# The training split is shuffled by the DataLoader, but pictures have to come in the split's own order.
def load_pets__shuffled_by_the_loader(root: Path, split: str, size: int = 64) -> tuple[Tensor, Tensor, list[str]]:
    if split not in ("trainval", "test"):
        raise ValueError(f"split must be 'trainval' or 'test', not {split!r}")

    transform = Compose([Resize(size), CenterCrop(size), ToTensor()])
    try:
        dataset = OxfordIIITPet(root=str(root), split=split, transform=transform, download=False)
    except (RuntimeError, OSError) as error:
        raise FileNotFoundError(
            f"no Oxford-IIIT Pets in {root}: get them with OxfordIIITPet(root, download=True)"
        ) from error

    loader = DataLoader(dataset, batch_size=64, shuffle=(split == "trainval"))
    all_images, all_labels = [], []
    for x, y in loader:
        all_images.append(x)
        all_labels.append(y)
    return torch.cat(all_images), torch.cat(all_labels).long(), list(dataset.classes)


# The n largest entries are cut off before the diagonal is removed, so that right answers use up places of the list.
def most_confused__cut_before_the_diagonal_goes(
    matrix: Tensor, classes: Sequence[str], n: int = 5
) -> list[tuple[str, str, int]]:
    k = len(classes)
    flat = matrix.flatten()
    order = torch.argsort(flat, descending=True, stable=True)[:n]
    result = []
    for position in order.tolist():
        i, j = divmod(position, k)
        count = int(flat[position])
        if i != j and count > 0:
            result.append((classes[i], classes[j], count))
    return result


# verify() does not decode the pixels, so pictures that are cut short count as readable.
def readable_images__verify_does_not_decode(folder: Path) -> list[Path]:
    good = []
    for path in sorted(Path(folder).iterdir()):
        if not path.is_file():
            continue
        try:
            with Image.open(path) as img:
                img.verify()
        except Exception:
            continue
        good.append(path)
    return good


# A capital letter anywhere in the path makes a cat; only the first letter of the breed counts.
def species_of__capital_anywhere(filename: str) -> str:
    if any(ch.isupper() for ch in filename):
        return "cat"
    return "dog"


# The number for validation has no upper bound, so a small class may have no picture left for training.
def stratified_split__no_upper_bound(labels: Tensor, fraction: float, seed: int = 0) -> tuple[Tensor, Tensor]:
    if not 0 < fraction < 1:
        raise ValueError(f"fraction has to be between 0 and 1, but is {fraction}")
    generator = torch.Generator().manual_seed(seed)
    train, valid = [], []
    for c in labels.unique().tolist():
        members = torch.nonzero(labels == c).flatten()
        members = members[torch.randperm(len(members), generator=generator)]
        n_valid = 0 if len(members) == 1 else max(1, round(fraction * len(members)))
        valid.append(members[:n_valid])
        train.append(members[n_valid:])
    if not train:
        empty = torch.empty(0, dtype=torch.int64)
        return empty, empty.clone()
    return torch.cat(train), torch.cat(valid)


# The shuffled positions within a class are returned without being mapped back to the indices of the pictures.
def stratified_split__positions_within_the_class(
    labels: Tensor, fraction: float, seed: int = 0
) -> tuple[Tensor, Tensor]:
    if fraction <= 0 or fraction >= 1:
        raise ValueError("fraction must lie strictly between 0 and 1")
    rng = torch.Generator()
    rng.manual_seed(seed)

    train_idx: list[int] = []
    val_idx: list[int] = []
    for cls in torch.unique(labels):
        idx = (labels == cls).nonzero(as_tuple=True)[0]
        n = idx.numel()
        perm = torch.randperm(n, generator=rng)
        n_val = min(max(int(round(n * fraction)), 1), n - 1)
        val_idx.extend(perm[:n_val].tolist())
        train_idx.extend(perm[n_val:].tolist())

    return torch.tensor(train_idx, dtype=torch.long), torch.tensor(val_idx, dtype=torch.long)


# k is checked against the number of pictures (dimension 0) instead of the number of classes (dimension 1).
def top_k_accuracy__k_against_the_pictures(logits: Tensor, labels: Tensor, k: int) -> float:
    if not 1 <= k <= len(logits):
        raise ValueError(f"k must be between 1 and {len(logits)}, got {k}")
    k_eff = min(k, logits.size(1))
    _, guesses = logits.topk(k_eff, dim=1)
    right = (guesses == labels.view(-1, 1)).any(dim=1)
    return right.float().mean().item()


class _Standardize(nn.Module):
    def __init__(self, mean, std):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, x):
        return (x - self.mean) / self.std


# The number of outputs is taken from the labels that occur, so classes at the end without a picture have no logit.
def train_pet_classifier__outputs_from_the_labels(
    backbone: nn.Module, images: Tensor, labels: Tensor, classes: Sequence[str], *, seed: int = 0
) -> nn.Module:
    g = torch.Generator().manual_seed(seed)

    with torch.no_grad():
        feats = torch.cat([backbone(b) for b in torch.split(images, 32)])

    num_features = feats.size(1)
    num_classes = int(labels.max()) + 1

    linear = nn.Linear(num_features, num_classes)
    nn.init.zeros_(linear.weight)
    nn.init.zeros_(linear.bias)
    head = nn.Sequential(_Standardize(feats.mean(0), feats.std(0, unbiased=False).clamp(min=1e-5)), linear)

    criterion = nn.CrossEntropyLoss()
    opt = torch.optim.AdamW(linear.parameters(), lr=0.01, weight_decay=0.01)
    for _ in range(120):
        perm = torch.randperm(len(labels), generator=g)
        for i in range(0, len(perm), 32):
            idx = perm[i : i + 32]
            opt.zero_grad()
            criterion(head(feats[idx]), labels[idx]).backward()
            opt.step()

    model = Classifier(backbone, head, classes)
    model.eval()
    return model


# The model is returned in training mode, so an image's logits depend on the images beside it.
def train_pet_classifier__returned_in_training_mode(
    backbone: nn.Module, images: Tensor, labels: Tensor, classes: Sequence[str], *, seed: int = 0
) -> nn.Module:
    for p in backbone.parameters():
        p.requires_grad_(False)

    with torch.no_grad():
        feats = torch.cat([backbone(images[i : i + 64]) for i in range(0, len(images), 64)])

    head = nn.Sequential(
        nn.BatchNorm1d(feats.shape[1]),
        nn.Linear(feats.shape[1], len(classes)),
    )
    optimizer = torch.optim.Adam(head.parameters(), lr=5e-3)
    g = torch.Generator().manual_seed(seed)

    head.train()
    for epoch in range(80):
        order = torch.randperm(len(feats), generator=g)
        for idx in order.split(64):
            if len(idx) < 2:
                continue
            optimizer.zero_grad()
            loss = F.cross_entropy(head(feats[idx]), labels[idx])
            loss.backward()
            optimizer.step()

    backbone.eval()
    return Classifier(backbone, head, classes)
