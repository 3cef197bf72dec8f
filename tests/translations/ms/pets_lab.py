"""Makmal haiwan peliharaan, ditulis daripada skeleton bahasa Melayu."""

import copy
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torchvision.datasets import OxfordIIITPet
from torchvision.transforms import CenterCrop, Compose, Resize, ToTensor

from data import Classifier


def breed_of(filename: str) -> str:
    padan = re.fullmatch(r"(.+)_[0-9]+", PurePosixPath(filename).stem)
    if padan is None:
        raise ValueError(f"filename {filename!r} tidak berakhir dengan _<number>")
    return padan.group(1)


def species_of(filename: str) -> str:
    if breed_of(filename)[0].isupper():
        return "cat"
    return "dog"


def readable_images(folder: Path) -> list[Path]:
    elok = []
    for laluan in sorted(folder.iterdir()):
        if not laluan.is_file():
            continue
        try:
            with Image.open(laluan) as imej:
                imej.load()
        except Exception:  # Pillow mempunyai pelbagai ralat bagi fail rosak
            continue
        elok.append(laluan)
    return elok


def load_pets(root: Path, split: str, size: int = 64) -> tuple[Tensor, Tensor, list[str]]:
    if split not in ("trainval", "test"):
        raise ValueError(f"split mesti 'trainval' atau 'test', bukan {split!r}")
    ubah = Compose([Resize(size), CenterCrop(size), ToTensor()])
    try:
        koleksi = OxfordIIITPet(root, split=split, transform=ubah)
    except RuntimeError as ralat:
        raise FileNotFoundError(
            f"tiada oxford-iiit-pet dalam {root}: data.pets_root() memberikan miniatur, "
            "torchvision.datasets.OxfordIIITPet(root, download=True) memuat turun yang sebenar"
        ) from ralat
    imej, label = zip(*koleksi, strict=True)
    return torch.stack(imej), torch.tensor(label), list(koleksi.classes)


def stratified_split(labels: Tensor, fraction: float, seed: int = 0) -> tuple[Tensor, Tensor]:
    if not 0 < fraction < 1:
        raise ValueError(f"fraction mesti memenuhi 0 < fraction < 1, bukan {fraction}")
    dadu = torch.Generator().manual_seed(seed)
    latihan, pengesahan = [], []
    for kelas in labels.unique():
        ahli = (labels == kelas).nonzero().flatten()
        ahli = ahli[torch.randperm(len(ahli), generator=dadu)].tolist()
        potong = 0 if len(ahli) == 1 else min(max(round(fraction * len(ahli)), 1), len(ahli) - 1)
        pengesahan += ahli[:potong]
        latihan += ahli[potong:]
    return torch.tensor(sorted(latihan), dtype=torch.int64), torch.tensor(sorted(pengesahan), dtype=torch.int64)


def top_k_accuracy(logits: Tensor, labels: Tensor, k: int) -> float:
    if not 1 <= k <= logits.shape[1]:
        raise ValueError(f"k mesti antara 1 dan {logits.shape[1]}, bukan {k}")
    tekaan = logits.topk(k, dim=1).indices.tolist()
    kena = [benar in baris for baris, benar in zip(tekaan, labels.tolist(), strict=True)]
    return sum(kena) / len(kena)


def confusion_matrix(predictions: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    matriks = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    for (benar, ramalan), kiraan in Counter(zip(labels.tolist(), predictions.tolist(), strict=True)).items():
        matriks[benar, ramalan] = kiraan
    return matriks


def most_confused(matrix: Tensor, classes: Sequence[str], n: int = 5) -> list[tuple[str, str, int]]:
    silap = []
    for i, baris in enumerate(matrix.tolist()):
        for j, kiraan in enumerate(baris):
            if i != j and kiraan:
                silap.append((classes[i], classes[j], kiraan))
    silap.sort(key=lambda tiga: -tiga[2])  # stabil: susunan kelas kekal
    return silap[:n]


def train_pet_classifier(
    backbone: nn.Module, images: Tensor, labels: Tensor, classes: Sequence[str], *, seed: int = 0
) -> nn.Module:
    dadu = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        ciri = torch.cat([backbone(kelompok) for kelompok in images.split(64)])
    tengah, sisihan = ciri.mean(0), ciri.std(0).clamp_min(1e-6)
    biasa = (ciri - tengah) / sisihan
    w = torch.zeros(len(classes), ciri.shape[1], requires_grad=True)
    b = torch.zeros(len(classes), requires_grad=True)
    pengoptimum = torch.optim.AdamW([w, b], lr=0.01, weight_decay=0.1)
    for _ in range(100):
        for pilihan in torch.randperm(len(biasa), generator=dadu).split(64):
            with torch.enable_grad():
                F.cross_entropy(biasa[pilihan] @ w.T + b, labels[pilihan]).backward()
            pengoptimum.step()
            pengoptimum.zero_grad()
    kepala = nn.utils.skip_init(nn.Linear, ciri.shape[1], len(classes))
    with torch.no_grad():  # penormalan ciri dilipat ke dalam kepala
        kepala.weight.copy_(w / sisihan)
        kepala.bias.copy_(b - (w / sisihan) @ tengah)
    return Classifier(copy.deepcopy(backbone), kepala, list(classes)).eval()
