"""Вежба са љубимцима: 37 раса, од фасцикле са датотекама до класификатора."""

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


def breed_of(filename: str) -> str:
    found = re.fullmatch(r"(.+)_[0-9]+", PurePosixPath(filename).stem)
    if found is None:
        raise ValueError(f"filename се не завршава доњом цртом и бројем: {filename!r}")
    return found[1]


def species_of(filename: str) -> str:
    return "cat" if breed_of(filename)[0].isupper() else "dog"


def _decodes(path: Path) -> bool:
    # Pillow за покварене датотеке баца грешке многих врста, па се хвата свака.
    try:
        with Image.open(path) as image:
            frames = getattr(image, "n_frames", 1)
            image.load()
            for frame in range(1, frames):
                image.seek(frame)
                image.load()
    except Exception:
        return False
    return True


def readable_images(folder: Path) -> list[Path]:
    files = [path for path in Path(folder).iterdir() if path.is_file()]
    return [path for path in sorted(files, key=lambda path: path.name) if _decodes(path)]


def load_pets(root: Path, split: str, size: int = 64) -> tuple[Tensor, Tensor, list[str]]:
    if split not in ("trainval", "test"):
        raise ValueError(f"split мора бити 'trainval' или 'test', а јесте {split!r}")
    look = Compose([Resize(size), CenterCrop(size), ToTensor()])
    try:
        pets = OxfordIIITPet(root, split=split, transform=look, download=False)
    except (RuntimeError, FileNotFoundError) as error:
        raise FileNotFoundError(
            f"у {root} нема фасцикле oxford-iiit-pet: data.pets_root() даје нацртану минијатуру, а стварну збирку "
            "преузима torchvision.datasets.OxfordIIITPet(root, download=True); наведите је у OXFORD_PETS"
        ) from error
    images, labels = zip(*(pets[i] for i in range(len(pets))))
    return torch.stack(images), torch.tensor(labels, dtype=torch.int64), list(pets.classes)


def stratified_split(labels: Tensor, fraction: float, seed: int = 0) -> tuple[Tensor, Tensor]:
    if not 0 < fraction < 1:
        raise ValueError(f"fraction мора бити између 0 и 1, а јесте {fraction}")
    dice = torch.Generator().manual_seed(seed)
    none = torch.empty(0, dtype=torch.int64, device=labels.device)
    train, valid = [none], [none]
    for label in labels.unique():
        members = (labels == label).nonzero().flatten()
        count = len(members)
        members = members[torch.randperm(count, generator=dice).to(members.device)]
        # Бар једна на свакој страни, осим када је слика једна једина.
        aside = 0 if count == 1 else min(max(round(count * fraction), 1), count - 1)
        valid.append(members[:aside])
        train.append(members[aside:])
    return torch.cat(train), torch.cat(valid)


def top_k_accuracy(logits: Tensor, labels: Tensor, k: int) -> float:
    if not 1 <= k <= logits.shape[1]:
        raise ValueError(f"k мора бити од 1 до {logits.shape[1]}, а јесте {k}")
    guesses = logits.topk(k, dim=1).indices
    return (guesses == labels[:, None]).any(dim=1).double().mean().item()


def confusion_matrix(predictions: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    # Сваки пар (стварна, предвиђена) постаје један број.
    pairs = labels * num_classes + predictions
    return pairs.bincount(minlength=num_classes * num_classes).reshape(num_classes, num_classes)


def most_confused(matrix: Tensor, classes: Sequence[str], n: int = 5) -> list[tuple[str, str, int]]:
    mistakes = [
        (-count, i, j) for i, row in enumerate(matrix.tolist()) for j, count in enumerate(row) if i != j and count
    ]
    return [(classes[i], classes[j], -minus) for minus, i, j in sorted(mistakes)[:n]]


class _PetModel(nn.Module):
    # Исто што и окосница па глава, са именима класа.
    def __init__(self, backbone: nn.Module, head: nn.Module, classes: list[str]) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.classes = classes

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.backbone(images))


def _linear_head(features: Tensor, labels: Tensor, num_classes: int, seed: int, epochs: int = 80) -> nn.Linear:
    # Карактеристике се доводе на исту скалу, а скала се на крају урачуна у тежине.
    center, spread = features.mean(0), features.std(0, correction=0)
    spread = spread.clamp(min=max(1e-5 * features.abs().max().item(), 1e-12))
    inputs = (features - center) / spread
    head = nn.utils.skip_init(nn.Linear, features.shape[1], num_classes, device=features.device)
    dice = torch.Generator().manual_seed(seed)
    with torch.enable_grad():
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)
        optimizer = torch.optim.Adam(head.parameters(), lr=0.01, weight_decay=1e-3)
        for _ in range(epochs):
            for rows in torch.randperm(len(labels), generator=dice).split(64):
                rows = rows.to(labels.device)
                optimizer.zero_grad()
                F.cross_entropy(head(inputs[rows]), labels[rows]).backward()
                optimizer.step()
        optimizer.zero_grad()
    with torch.no_grad():
        head.weight /= spread
        head.bias -= head.weight @ center
    return head


def train_pet_classifier(
    backbone: nn.Module, images: Tensor, labels: Tensor, classes: Sequence[str], *, seed: int = 0
) -> nn.Module:
    # Ради се на копији, па дата окосница сигурно остаје каква је била.
    own = copy.deepcopy(backbone).eval()
    with torch.no_grad():
        features = torch.cat([own(part) for part in images.split(64)])
    head = _linear_head(features, labels, len(classes), seed)
    return _PetModel(own, head, list(classes)).eval()
