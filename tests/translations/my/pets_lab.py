"""Pets lab: အမျိုးအစား 37 ခု၊ file များပါသော folder မှ classifier သို့။"""

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
        raise ValueError(f"filename {filename!r} does not end in _<number>")
    return match[1]


def species_of(filename: str) -> str:
    return "cat" if breed_of(filename)[0].isupper() else "dog"


def _decodes(path: Path) -> bool:
    try:
        with Image.open(path) as image:
            image.load()
    except Exception:  # ပျက်နေသော file က မည်သည့် error မဆို ပေးနိုင်သည်
        return False
    return True


def readable_images(folder: Path) -> list[Path]:
    files = sorted((path for path in Path(folder).iterdir() if path.is_file()), key=lambda path: path.name)
    return [path for path in files if _decodes(path)]


def load_pets(root: Path, split: str, size: int = 64) -> tuple[Tensor, Tensor, list[str]]:
    if split not in ("trainval", "test"):
        raise ValueError(f"split must be 'trainval' or 'test', not {split!r}")
    base = Path(root) / "oxford-iiit-pet"
    if not (base / "images").is_dir() or not (base / "annotations" / f"{split}.txt").is_file():
        raise FileNotFoundError(
            f"no Oxford-IIIT Pets under {root}: pass data.pets_root(), name the collection in OXFORD_PETS, "
            "or get it with torchvision.datasets.OxfordIIITPet(root, download=True)"
        )
    transform = Compose([Resize(size), CenterCrop(size), ToTensor()])
    pets = OxfordIIITPet(str(root), split=split, transform=transform)
    pairs = [pets[index] for index in range(len(pets))]
    images = torch.stack([image for image, _ in pairs])
    return images, torch.tensor([label for _, label in pairs], dtype=torch.int64), list(pets.classes)


def stratified_split(labels: Tensor, fraction: float, seed: int = 0) -> tuple[Tensor, Tensor]:
    if not 0 < fraction < 1:
        raise ValueError(f"fraction must be between 0 and 1, not {fraction}")
    generator = torch.Generator().manual_seed(seed)
    for_valid = torch.zeros(len(labels), dtype=torch.bool)
    on_cpu = labels.cpu()
    for name in on_cpu.unique():
        members = (on_cpu == name).nonzero().flatten()
        count = len(members)
        # ပုံနှစ်ပုံနှင့်အထက်ရှိသော class သည် နှစ်ဖက်လုံးတွင် ပါရမည်
        taken = min(max(round(fraction * count), 1), count - 1)
        for_valid[members[torch.randperm(count, generator=generator)[:taken]]] = True
    train, valid = (~for_valid).nonzero().flatten(), for_valid.nonzero().flatten()
    return train.to(labels.device), valid.to(labels.device)


def top_k_accuracy(logits: Tensor, labels: Tensor, k: int) -> float:
    if not 1 <= k <= logits.shape[1]:
        raise ValueError(f"k must be from 1 to {logits.shape[1]}, not {k}")
    guesses = logits.topk(k, dim=1).indices
    return (guesses == labels[:, None]).any(dim=1).float().mean().item()


def confusion_matrix(predictions: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    pairs = labels * num_classes + predictions
    return torch.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)


def most_confused(matrix: Tensor, classes: Sequence[str], n: int = 5) -> list[tuple[str, str, int]]:
    found = [
        (-count, true, predicted)
        for true, row in enumerate(matrix.tolist())
        for predicted, count in enumerate(row)
        if true != predicted and count != 0
    ]
    return [(classes[true], classes[predicted], -count) for count, true, predicted in sorted(found)[:n]]


class _PetClassifier(nn.Module):
    def __init__(self, backbone: nn.Module, head: nn.Module, classes: Sequence[str]) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.classes = list(classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.backbone(images))


def train_pet_classifier(
    backbone: nn.Module, images: Tensor, labels: Tensor, classes: Sequence[str], *, seed: int = 0
) -> nn.Module:
    kept = copy.deepcopy(backbone)
    with torch.no_grad():
        features = torch.cat([kept(batch) for batch in images.split(64)]).float()
    mean, spread = features.mean(dim=0), features.std(dim=0, correction=0)
    # မပြောင်းသော feature ကို ချဲ့၍ noise မဖြစ်စေရန်
    spread = torch.where(spread > 1e-5 * mean.abs(), spread, torch.ones_like(spread))
    inputs = (features - mean) / spread

    weight = torch.zeros(len(classes), inputs.shape[1], device=inputs.device, requires_grad=True)
    bias = torch.zeros(len(classes), device=inputs.device, requires_grad=True)
    optimizer = torch.optim.AdamW([weight, bias], lr=0.01, weight_decay=0.1)
    shuffle = torch.Generator().manual_seed(seed)
    batches = -(-len(labels) // 32)
    with torch.enable_grad():
        for _ in range(max(40, -(-300 // batches))):
            for chosen in torch.randperm(len(labels), generator=shuffle).split(32):
                chosen = chosen.to(labels.device)
                loss = F.cross_entropy(F.linear(inputs[chosen], weight, bias), labels[chosen])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    # normalise လုပ်ခြင်းကို head ၏ weight များထဲ ပေါင်းထည့်သည်
    head = nn.utils.skip_init(nn.Linear, inputs.shape[1], len(classes), device=inputs.device)
    with torch.no_grad():
        head.weight.copy_(weight / spread)
        head.bias.copy_(bias - head.weight @ mean)
    return _PetClassifier(kept, head, classes).eval()
