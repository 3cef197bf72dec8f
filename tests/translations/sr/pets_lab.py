"""Лабораторија о љубимцима."""

import copy
from pathlib import Path, PurePosixPath

import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torchvision.datasets import OxfordIIITPet
from torchvision.transforms.functional import center_crop, pil_to_tensor, resize

from data import Classifier


def breed_of(filename):
    breed, underscore, number = PurePosixPath(filename).stem.rpartition("_")
    if not (breed and underscore and number.isdecimal()):
        raise ValueError(f"filename {filename!r} се не завршава доњом цртом и бројем")
    return breed


def species_of(filename):
    first = breed_of(filename)[0]
    return "cat" if first == first.upper() else "dog"


def is_readable(path):
    try:
        Image.open(path).convert("RGB")  # декодира до последњег бајта
    except Exception:
        return False
    return True


def readable_images(folder):
    files = [path for path in Path(folder).iterdir() if path.is_file()]
    return sorted(filter(is_readable, files), key=lambda path: path.name)


def load_pets(root, split, size=64):
    if split not in {"trainval", "test"}:
        raise ValueError(f"split је 'trainval' или 'test', а не {split!r}")
    folder = Path(root, "oxford-iiit-pet")
    if not folder.is_dir():
        raise FileNotFoundError(f"нема {folder}: узмите data.pets_root() или OxfordIIITPet са download=True")

    def tensor(image):
        return pil_to_tensor(center_crop(resize(image.convert("RGB"), size), size)).float() / 255

    pets = OxfordIIITPet(root, split, transform=tensor)
    images, labels = zip(*pets, strict=True)
    return torch.stack(images), torch.tensor(labels), pets.classes


def stratified_split(labels, fraction, seed=0):
    if fraction <= 0 or fraction >= 1:
        raise ValueError(f"fraction мора бити између 0 и 1, а јесте {fraction}")
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    sides = [], []
    for label in labels.unique():
        ours = order[labels[order] == label]
        count = min(max(round(fraction * len(ours)), 1), len(ours) - 1)
        sides[0].append(ours[count:])
        sides[1].append(ours[:count])
    train, valid = (torch.cat(side) for side in sides)
    return train, valid


def top_k_accuracy(logits, labels, k):
    if k < 1 or k > logits.shape[1]:
        raise ValueError(f"k мора бити између 1 и {logits.shape[1]}, а јесте {k}")
    true = logits.gather(1, labels[:, None])
    ahead = (logits > true).sum(1)  # колико је класа испред стварне
    return (ahead < k).double().mean().item()


def confusion_matrix(predictions, labels, num_classes):
    pairs = labels * num_classes + predictions
    return torch.bincount(pairs, minlength=num_classes**2).view(num_classes, num_classes)


def most_confused(matrix, classes, n=5):
    counts = matrix.clone().fill_diagonal_(0).flatten()
    places = counts.argsort(descending=True, stable=True)[:n]
    width = len(classes)
    return [
        (classes[place // width], classes[place % width], int(counts[place]))
        for place in places.tolist()
        if counts[place] > 0
    ]


def train_pet_classifier(backbone, images, labels, classes, *, seed=0):
    backbone = copy.deepcopy(backbone).eval()
    with torch.no_grad():
        features = torch.cat([backbone(batch) for batch in images.split(128)])
    mean, deviation = features.mean(0), features.std(0).clamp_min(1e-3)
    features = (features - mean) / deviation
    weight = torch.zeros(len(classes), features.shape[1], requires_grad=True)
    bias = torch.zeros(len(classes), requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=100, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = F.cross_entropy(F.linear(features, weight, bias), labels) + 0.003 * weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    head = nn.Linear(features.shape[1], len(classes))
    with torch.no_grad():
        head.weight.copy_(weight / deviation)
        head.bias.copy_(bias - head.weight @ mean)
    return Classifier(backbone, head, classes).eval()
