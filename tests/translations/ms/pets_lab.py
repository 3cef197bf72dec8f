"""Makmal haiwan peliharaan: 37 baka, daripada folder fail kepada pengklasifikasi."""

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
    padanan = re.fullmatch(r"(.+)_[0-9]+", PurePosixPath(filename).stem)
    if padanan is None:
        raise ValueError(f"filename {filename!r} tidak berakhir dengan _<number>")
    return padanan[1]


def species_of(filename: str) -> str:
    return "cat" if breed_of(filename)[0].isupper() else "dog"


def _boleh_dinyahkod(laluan: Path) -> bool:
    # Image.open hanya membaca pengepala; load() menyahkod piksel.
    try:
        with Image.open(laluan) as gambar:
            for bingkai in range(getattr(gambar, "n_frames", 1)):
                gambar.seek(bingkai)
                gambar.load()
    except Exception:
        return False
    return True


def readable_images(folder: Path) -> list[Path]:
    fail = sorted((laluan for laluan in Path(folder).iterdir() if laluan.is_file()), key=lambda laluan: laluan.name)
    return [laluan for laluan in fail if _boleh_dinyahkod(laluan)]


def load_pets(root: Path, split: str, size: int = 64) -> tuple[Tensor, Tensor, list[str]]:
    if split not in ("trainval", "test"):
        raise ValueError(f"split mesti 'trainval' atau 'test', bukan {split!r}")
    cara = (
        f"tiada Oxford-IIIT Pets di {root}: panggil torchvision.datasets.OxfordIIITPet(root, download=True), "
        "atau gunakan miniatur daripada data.pets_root()"
    )
    pangkal = Path(root) / "oxford-iiit-pet"
    if not (pangkal / "images").is_dir() or not (pangkal / "annotations" / f"{split}.txt").is_file():
        raise FileNotFoundError(cara)
    transformasi = Compose([Resize(size), CenterCrop(size), ToTensor()])
    try:
        koleksi = OxfordIIITPet(str(root), split=split, target_types="category", transform=transformasi)
    except RuntimeError as ralat:
        raise FileNotFoundError(cara) from ralat
    pasangan = [koleksi[i] for i in range(len(koleksi))]
    imej = torch.stack([gambar for gambar, _ in pasangan])
    label = torch.tensor([kelas for _, kelas in pasangan], dtype=torch.int64)
    return imej, label, list(koleksi.classes)


def stratified_split(labels: Tensor, fraction: float, seed: int = 0) -> tuple[Tensor, Tensor]:
    if not 0 < fraction < 1:
        raise ValueError(f"fraction mesti antara 0 dan 1, bukan {fraction}")
    dadu = torch.Generator().manual_seed(seed)
    label = labels.cpu()
    latihan, pengesahan = [torch.empty(0, dtype=torch.int64)], [torch.empty(0, dtype=torch.int64)]
    for kelas in label.unique():
        ahli = (label == kelas).nonzero().flatten()
        ahli = ahli[torch.randperm(len(ahli), generator=dadu)]
        # Kedua-dua pihak mendapat sekurang-kurangnya satu, kecuali kelas dengan satu gambar.
        banyak = min(max(round(fraction * len(ahli)), 1), len(ahli) - 1)
        pengesahan.append(ahli[:banyak])
        latihan.append(ahli[banyak:])
    return torch.cat(latihan).sort().values, torch.cat(pengesahan).sort().values


def top_k_accuracy(logits: Tensor, labels: Tensor, k: int) -> float:
    if not 1 <= k <= logits.shape[1]:
        raise ValueError(f"k mesti antara 1 dan {logits.shape[1]}, bukan {k}")
    tekaan = logits.topk(k, dim=1).indices
    return (tekaan == labels[:, None]).any(dim=1).double().mean().item()


def confusion_matrix(predictions: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    pasangan = labels.long() * num_classes + predictions.long()
    return torch.bincount(pasangan, minlength=num_classes**2).reshape(num_classes, num_classes)


def most_confused(matrix: Tensor, classes: Sequence[str], n: int = 5) -> list[tuple[str, str, int]]:
    unsur = [
        (i, j, int(kiraan))
        for i, baris in enumerate(matrix.tolist())
        for j, kiraan in enumerate(baris)
        if i != j and kiraan != 0
    ]
    unsur.sort(key=lambda u: (-u[2], u[0], u[1]))
    return [(classes[i], classes[j], kiraan) for i, j, kiraan in unsur[:n]]


class _Pengklasifikasi(nn.Module):
    def __init__(self, backbone: nn.Module, head: nn.Module, classes: Sequence[str]) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.classes = list(classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.backbone(images))


def _latih_linear(ciri: Tensor, label: Tensor, kelas: int, seed: int) -> nn.Linear:
    # Ciri dipiawaikan supaya skalanya tidak penting; piawaian itu kemudian dilipat ke dalam kepala.
    pusat = ciri.mean(dim=0)
    sisihan = ciri.std(dim=0, unbiased=False)
    sisihan = torch.where(sisihan > 1e-5 * pusat.abs(), sisihan, torch.ones_like(sisihan))
    x = (ciri - pusat) / sisihan

    w = torch.zeros(kelas, x.shape[1], dtype=x.dtype, device=x.device, requires_grad=True)
    b = torch.zeros(kelas, dtype=x.dtype, device=x.device, requires_grad=True)
    pengoptimum = torch.optim.Adam([w, b], lr=0.02)
    dadu = torch.Generator().manual_seed(seed)
    langkah = 0
    with torch.enable_grad():
        while langkah < 500:
            for indeks in torch.randperm(len(label), generator=dadu).to(x.device).split(64):
                logits = F.linear(x[indeks], w, b)
                kehilangan = F.cross_entropy(logits, label[indeks]) + 1e-3 * w.square().sum()
                w.grad, b.grad = torch.autograd.grad(kehilangan, [w, b])
                pengoptimum.step()
                langkah += 1

    kepala = nn.utils.skip_init(nn.Linear, x.shape[1], kelas, dtype=x.dtype, device=x.device)
    with torch.no_grad():
        kepala.weight.copy_(w / sisihan)
        kepala.bias.copy_(b - kepala.weight @ pusat)
    return kepala


def train_pet_classifier(
    backbone: nn.Module, images: Tensor, labels: Tensor, classes: Sequence[str], *, seed: int = 0
) -> nn.Module:
    # Salinan: tulang belakang yang diberikan tidak disentuh.
    salinan = copy.deepcopy(backbone).eval()
    with torch.no_grad():
        ciri = torch.cat([salinan(kelompok) for kelompok in images.split(64)])
    kepala = _latih_linear(ciri, labels.to(ciri.device), len(classes), seed)
    return _Pengklasifikasi(salinan, kepala, classes).eval()
