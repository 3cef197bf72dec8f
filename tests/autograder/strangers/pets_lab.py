import re
from pathlib import Path, PurePosixPath
import numpy as np
import os

import torch
from PIL import Image


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
