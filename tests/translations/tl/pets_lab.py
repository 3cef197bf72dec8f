"""Pets lab: 37 lahi, mula sa folder ng mga file hanggang sa classifier."""

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
    match = re.fullmatch(r"(.+)_[0-9]+", PurePosixPath(filename).stem)
    if match is None:
        raise ValueError(f"filename: hindi nagtatapos sa _<number> ang {filename!r}")
    return match[1]


def species_of(filename: str) -> str:
    return "cat" if breed_of(filename)[0].isupper() else "dog"


def _decodes(path: Path) -> bool:
    # Hindi sapat ang header: dapat ma-decode ang bawat frame.
    try:
        with Image.open(path) as image:
            for frame in range(getattr(image, "n_frames", 1)):
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
        raise ValueError(f'split: dapat "trainval" o "test", ngunit {split!r} ito')
    base = Path(root) / "oxford-iiit-pet"
    if not ((base / "images").is_dir() and (base / "annotations" / f"{split}.txt").is_file()):
        raise FileNotFoundError(
            f"wala sa {base} ang Oxford-IIIT Pets: gamitin ang data.pets_root() bilang root, "
            f"o i-download gamit ang torchvision.datasets.OxfordIIITPet(root, download=True)"
        )
    transform = Compose([Resize(size), CenterCrop(size), ToTensor()])
    pets = OxfordIIITPet(root, split=split, target_types="category", transform=transform)
    images, labels = zip(*(pets[i] for i in range(len(pets))), strict=True)
    return torch.stack(images), torch.tensor(labels, dtype=torch.int64), list(pets.classes)


def stratified_split(labels: Tensor, fraction: float, seed: int = 0) -> tuple[Tensor, Tensor]:
    if not 0 < fraction < 1:
        raise ValueError(f"fraction: dapat nasa pagitan ng 0 at 1, ngunit {fraction} ito")
    generator = torch.Generator().manual_seed(seed)
    train, valid = [labels.new_empty(0, dtype=torch.int64)], [labels.new_empty(0, dtype=torch.int64)]
    for kind in labels.unique():
        members = (labels == kind).nonzero().flatten()
        count = len(members)
        members = members[torch.randperm(count, generator=generator).to(members.device)]
        # May tig-isa man lang sa dalawang panig, maliban kung iisa ang larawan.
        taken = 0 if count == 1 else min(max(round(fraction * count), 1), count - 1)
        valid.append(members[:taken])
        train.append(members[taken:])
    return torch.cat(train), torch.cat(valid)


def top_k_accuracy(logits: Tensor, labels: Tensor, k: int) -> float:
    if not 1 <= k <= logits.shape[1]:
        raise ValueError(f"k: dapat nasa pagitan ng 1 at {logits.shape[1]}, ngunit {k} ito")
    guesses = logits.topk(k, dim=1).indices
    return (guesses == labels[:, None]).any(dim=1).double().mean().item()


def confusion_matrix(predictions: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    pairs = labels.long() * num_classes + predictions.long()
    return pairs.bincount(minlength=num_classes**2).reshape(num_classes, num_classes)


def most_confused(matrix: Tensor, classes: Sequence[str], n: int = 5) -> list[tuple[str, str, int]]:
    found = [
        (-int(count), true, predicted)
        for true, row in enumerate(matrix.tolist())
        for predicted, count in enumerate(row)
        if true != predicted and count != 0
    ]
    return [(classes[true], classes[predicted], -minus) for minus, true, predicted in sorted(found)[:n]]


class _PetClassifier(nn.Module):
    def __init__(self, backbone: nn.Module, head: nn.Module, classes: Sequence[str]) -> None:
        super().__init__()
        self.backbone, self.head, self.classes = backbone, head, list(classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.backbone(images))


def _linear_head(features: Tensor, labels: Tensor, num_classes: int) -> nn.Linear:
    # Logistic regression na may kaunting penalty, sa mga feature na pare-pareho ang laki.
    x = features.detach().double()
    mean, spread = x.mean(dim=0), x.std(dim=0, unbiased=False)
    alive = spread > 1e-5 * mean.abs()
    scale = torch.where(alive, 1 / torch.where(alive, spread, 1.0), 0.0) / x.shape[1] ** 0.5
    x = (x - mean) * scale
    weight = x.new_zeros(num_classes, x.shape[1], requires_grad=True)
    bias = x.new_zeros(num_classes, requires_grad=True)
    descent = torch.optim.LBFGS([weight, bias], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        descent.zero_grad()
        loss = F.cross_entropy(x @ weight.T + bias, labels) + 1e-4 * weight.square().sum()
        loss.backward()
        return loss

    with torch.enable_grad():
        descent.step(closure)
    head = nn.utils.skip_init(nn.Linear, x.shape[1], num_classes, device=features.device, dtype=features.dtype)
    with torch.no_grad():
        head.weight.copy_(weight * scale)
        head.bias.copy_(bias - (weight * scale) @ mean)
    return head


def train_pet_classifier(
    backbone: nn.Module, images: Tensor, labels: Tensor, classes: Sequence[str], *, seed: int = 0
) -> nn.Module:
    # Sabay-sabay na tinitingnan ang lahat ng larawan sa bawat hakbang, kaya walang epekto rito ang seed.
    kept = copy.deepcopy(backbone).eval()
    with torch.no_grad():
        features = torch.cat([kept(batch) for batch in images.split(64)])
    head = _linear_head(features, labels, len(classes))
    return _PetClassifier(kept, head, classes).eval()
