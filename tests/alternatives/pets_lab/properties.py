"""A model whose backbone and head are properties, trained by L-BFGS on pictures and their mirror images."""

from __future__ import annotations

import copy
import itertools
from pathlib import Path, PurePath

import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor, nn
from torchvision.datasets import OxfordIIITPet
from torchvision.transforms.v2 import functional as VF


def breed_of(filename: str) -> str:
    *breed, number = PurePath(filename).with_suffix("").name.split("_")
    if not breed or not number.isdecimal() or not "_".join(breed):
        raise ValueError(f"{filename}: a filename has to end in an underscore and a number")
    return "_".join(breed)


def species_of(filename: str) -> str:
    breed = breed_of(filename)
    return "cat" if breed[:1] != breed[:1].lower() else "dog"


def _decodes(path: Path) -> bool:
    try:
        with Image.open(path) as picture:
            for _ in range(getattr(picture, "n_frames", 1)):
                picture.copy()
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError, EOFError):
        return False
    return True


def readable_images(folder: Path) -> list[Path]:
    return list(filter(_decodes, sorted(p for p in Path(folder).glob("*") if not p.is_dir())))


def load_pets(root: Path, split: str, size: int = 64) -> tuple[Tensor, Tensor, list[str]]:
    if split not in ["trainval", "test"]:
        raise ValueError(f"'{split}' is no split of the Oxford pets")
    try:
        pets = OxfordIIITPet(str(root), split=split)
    except Exception as problem:
        raise FileNotFoundError("Please run data.pets_root() first and hand its path over as root") from problem

    def prepared(picture):
        pixels = VF.pil_to_tensor(picture.convert("RGB"))
        pixels = VF.resize(pixels, [size], antialias=True)
        return VF.to_dtype(VF.center_crop(pixels, [size, size]), torch.float32, scale=True)

    pairs = ((prepared(picture), label) for picture, label in (pets[i] for i in range(len(pets))))
    images, labels = zip(*pairs, strict=False)
    return torch.stack(images, dim=0), torch.tensor(labels, dtype=torch.int64), [*pets.classes]


def stratified_split(labels: Tensor, fraction: float, seed: int = 0) -> tuple[Tensor, Tensor]:
    if not (0 < fraction < 1):
        raise ValueError(f"the fraction for validation must be inside (0, 1): {fraction}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        groups = [torch.where(labels == c)[0] for c in torch.unique(labels)]
        groups = [group[torch.randperm(group.numel())] for group in groups]
    sizes = [max(1, int(group.numel() * fraction)) if group.numel() > 1 else 0 for group in groups]
    valid = torch.hstack([group[:size] for group, size in zip(groups, sizes, strict=False)])
    train = torch.hstack([group[size:] for group, size in zip(groups, sizes, strict=False)])
    return train, valid


def top_k_accuracy(logits: Tensor, labels: Tensor, k: int) -> float:
    if k < 1 or k > logits.shape[1]:
        raise ValueError(f"top-k needs 1 <= k <= {logits.shape[1]}, but k is {k}")
    own = logits[torch.arange(len(labels)), labels]
    better = torch.sum(logits > own[:, None], dim=1)
    return torch.count_nonzero(better < k).item() / len(labels)


def confusion_matrix(predictions: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    flat = torch.zeros(num_classes * num_classes, dtype=torch.long, device=labels.device)
    flat.scatter_add_(0, labels * num_classes + predictions, torch.ones_like(labels))
    return flat.unflatten(0, (num_classes, num_classes))


def most_confused(matrix: Tensor, classes, n: int = 5) -> list[tuple[str, str, int]]:
    rows = matrix.tolist()
    pairs = itertools.permutations(range(len(classes)), 2)
    ranked = sorted(((rows[i][j], i, j) for i, j in pairs if rows[i][j]), key=lambda cell: (-cell[0], cell[1], cell[2]))
    return [(classes[i], classes[j], count) for count, i, j in itertools.islice(ranked, n)]


class PetClassifier(nn.Module):
    """The layers stand in one Sequential; backbone and head are properties of it."""

    def __init__(self, backbone, head, classes):
        super().__init__()
        self.layers = nn.Sequential(backbone, head)
        self.classes = classes

    @property
    def backbone(self):
        return self.layers[0]

    @property
    def head(self):
        return self.layers[1]

    def forward(self, images):
        return self.layers(images)


def train_pet_classifier(backbone, images, labels, classes, *, seed: int = 0) -> nn.Module:
    backbone = copy.deepcopy(backbone).eval()
    with torch.no_grad():
        features = torch.cat([backbone(x) for x in itertools.chain(images.split(32), images.flip(-1).split(32))])
    targets = torch.cat([labels, labels])
    centre, scale = features.mean(0), features.std().clamp(min=1e-4)
    inputs = (features - centre) / scale
    head = nn.Linear(features.shape[1], len(classes))
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.zero_()
    optimizer = torch.optim.LBFGS(head.parameters(), lr=1, max_iter=50, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(head(inputs), targets) + 1e-3 * head.weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    with torch.no_grad():  # the scaling becomes a part of the linear map
        head.weight /= scale
        head.bias -= head.weight @ centre
    return PetClassifier(backbone, head, classes).eval()
