"""Pets lab၊ မြန်မာ skeleton မှ ရေးထားသည်: head ကို LBFGS ဖြင့် train လုပ်သည်။"""

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torchvision.datasets import OxfordIIITPet
from torchvision.transforms import functional as TF

from data import Classifier


def breed_of(filename: str) -> str:
    stem = Path(filename).stem
    breed, _, number = stem.rpartition("_")
    if not (breed and number.isascii() and number.isdigit()):
        raise ValueError(f"filename {filename!r} သည် _<number> ဖြင့် မဆုံးပါ")
    return breed


def species_of(filename: str) -> str:
    first = breed_of(filename)[:1]
    return "dog" if first == first.lower() else "cat"


def _decodes(path: Path) -> bool:
    try:
        with Image.open(path) as image:
            image.convert("RGB")
    except Exception:  # ပျက်နေသော file က error အမျိုးမျိုး ပေးသည်
        return False
    return True


def readable_images(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.is_file() and _decodes(path))


def load_pets(root: Path, split: str, size: int = 64) -> tuple[Tensor, Tensor, list[str]]:
    if split not in {"trainval", "test"}:
        raise ValueError(f"split = {split!r} အစား 'trainval' သို့မဟုတ် 'test' ပေးပါ")
    if not (Path(root) / "oxford-iiit-pet" / "annotations" / f"{split}.txt").exists():
        raise FileNotFoundError(
            f"{root} တွင် oxford-iiit-pet မရှိပါ: data.pets_root() ကို သုံးပါ သို့မဟုတ် "
            "torchvision.datasets.OxfordIIITPet(root, download=True) ဖြင့် ယူပါ"
        )

    def square(image: Image.Image) -> Tensor:
        return TF.to_tensor(TF.center_crop(TF.resize(image.convert("RGB"), size), [size, size]))

    pictures = OxfordIIITPet(str(root), split=split, transform=square)
    rows = [pictures[i] for i in range(len(pictures))]
    return torch.stack([row[0] for row in rows]), torch.tensor([row[1] for row in rows]), pictures.classes


def stratified_split(labels: Tensor, fraction: float, seed: int = 0) -> tuple[Tensor, Tensor]:
    if fraction <= 0 or fraction >= 1 or fraction != fraction:
        raise ValueError(f"fraction = {fraction} သည် 0 နှင့် 1 ကြား ဖြစ်ရမည်")
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    validates = torch.zeros(len(labels), dtype=torch.bool)
    for members in (order[labels[order] == label] for label in set(labels.tolist())):
        if len(members) > 1:
            share = max(1, min(len(members) - 1, round(fraction * len(members))))
            validates[members[:share]] = True
    return (~validates).nonzero()[:, 0], validates.nonzero()[:, 0]


def top_k_accuracy(logits: Tensor, labels: Tensor, k: int) -> float:
    if k < 1 or k > logits.size(1):
        raise ValueError(f"k = {k} သည် 1 မှ {logits.size(1)} အထိသာ ဖြစ်ရမည်")
    return (logits.topk(k).indices == labels[:, None]).any(1).double().mean().item()


def confusion_matrix(predictions: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    return torch.bincount(labels * num_classes + predictions, minlength=num_classes**2).view(num_classes, num_classes)


def most_confused(matrix: Tensor, classes: Sequence[str], n: int = 5) -> list[tuple[str, str, int]]:
    pairs = [(i, j) for i, j in matrix.nonzero().tolist() if i != j]
    pairs.sort(key=lambda pair: (-int(matrix[pair]), pair))
    return [(classes[i], classes[j], int(matrix[i, j])) for i, j in pairs[:n]]


def train_pet_classifier(
    backbone: nn.Module, images: Tensor, labels: Tensor, classes: Sequence[str], *, seed: int = 0
) -> nn.Module:
    with torch.no_grad():
        features = torch.cat([backbone(batch) for batch in images.split(50)]).float()
    mean, scale = features.mean(0), 1 / features.std(0).add(1e-5)
    inputs = (features - mean) * scale
    weight = torch.zeros(len(classes), features.size(1), requires_grad=True)
    bias = torch.zeros(len(classes), requires_grad=True)
    descent = torch.optim.LBFGS([weight, bias], max_iter=100, line_search_fn="strong_wolfe")

    def objective() -> Tensor:
        descent.zero_grad()
        with torch.enable_grad():
            loss = F.cross_entropy(F.linear(inputs, weight, bias), labels) + 0.003 * weight.square().sum()
            loss.backward()
        return loss

    descent.step(objective)
    with torch.random.fork_rng(devices=[]):  # global random state ကို မထိပါ
        head = nn.Linear(features.size(1), len(classes))
    head.weight.data = (weight * scale).detach()
    head.bias.data = (bias - (weight * scale) @ mean).detach()
    return Classifier(backbone, head, classes).eval()
