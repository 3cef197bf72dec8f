"""Penalaan halus: apabila tulang belakang yang dibekukan tidak memadai."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from safetensors.torch import load, save
from torch import Tensor, nn

REACH = 4  # pixels


def count_parameters(model: nn.Module) -> tuple[int, int]:
    # parameters() menyebut parameter yang dikongsi sekali sahaja.
    semua = list(model.parameters())
    return sum(p.numel() for p in semua if p.requires_grad), sum(p.numel() for p in semua)


def unfreeze(model: nn.Module, layers: Sequence[str]) -> list[str]:
    submodul = dict(model.named_modules(remove_duplicate=False))
    for nama in layers:
        if nama not in submodul:
            raise ValueError(f"{nama!r} bukan submodul; yang ada: {', '.join(n for n in submodul if n)}")
    for nama in layers:
        submodul[nama].requires_grad_(True)
    return [nama for nama, p in model.named_parameters() if p.requires_grad]


def parameter_groups(model: nn.Module, *, head_rate: float, backbone_rate: float) -> list[dict]:
    for nama, kadar in (("head_rate", head_rate), ("backbone_rate", backbone_rate)):
        if not kadar > 0:
            raise ValueError(f"{nama} mesti positif, bukan {kadar}")
    milik_kepala = {id(p) for p in model.head.parameters()}
    kepala, lain = [], []
    for p in model.parameters():
        if p.requires_grad:
            (kepala if id(p) in milik_kepala else lain).append(p)
    kumpulan = [{"params": kepala, "lr": head_rate}, {"params": lain, "lr": backbone_rate}]
    return [k for k in kumpulan if k["params"]]


def _pantul(kedudukan: Tensor, panjang: int) -> Tensor:
    # -1 menjadi 1, dan panjang menjadi panjang - 2: piksel sempadan tidak diulang.
    akhir = panjang - 1
    return akhir - (akhir - kedudukan.abs()).abs()


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    n, c, h, w = images.shape
    tempat = generator.device
    balik = torch.rand(n, generator=generator, device=tempat) < 0.5
    gerak = torch.randint(-REACH, REACH + 1, (2, n), generator=generator, device=tempat)
    balik, gerak = balik.to(images.device), gerak.to(images.device)

    baris = _pantul(torch.arange(h, device=images.device) + gerak[0][:, None], h)
    lajur = _pantul(torch.arange(w, device=images.device) + gerak[1][:, None], w)
    lajur = torch.where(balik[:, None], w - 1 - lajur, lajur)
    nombor = torch.arange(n, device=images.device)[:, None, None, None]
    saluran = torch.arange(c, device=images.device)[None, :, None, None]
    return images[nombor, saluran, baris[:, None, :, None], lajur[:, None, None, :]]


def _nilai(model: nn.Module, images: Tensor, labels: Tensor, batch_size: int) -> tuple[float, float]:
    jumlah, betul = 0.0, 0
    with torch.no_grad():
        for x, y in zip(images.split(batch_size), labels.split(batch_size), strict=True):
            logits = model(x)
            jumlah += F.cross_entropy(logits, y, reduction="sum").item()
            betul += int((logits.argmax(dim=1) == y).sum())
    return jumlah / len(labels), betul / len(labels)


def fine_tune(
    model: nn.Module,
    train: tuple[Tensor, Tensor],
    valid: tuple[Tensor, Tensor],
    *,
    epochs: int = 10,
    head_rate: float = 1e-2,
    backbone_rate: float = 1e-3,
    batch_size: int = 32,
    seed: int = 0,
) -> dict[str, list[float]]:
    kumpulan = parameter_groups(model, head_rate=head_rate, backbone_rate=backbone_rate)
    dilatih = [p for k in kumpulan for p in k["params"]]
    pengoptimum = torch.optim.Adam(kumpulan) if kumpulan else None
    imej, label = train
    dadu = torch.Generator().manual_seed(seed)
    sejarah = {nama: [] for nama in ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")}
    terbaik, simpanan = math.inf, None

    mod = [(m, m.training) for m in model.modules()]
    kecerunan_lama = [p.grad for p in dilatih]
    # Seluruh model dalam mod eval: statistik batch norm kekal, tetapi pemberatnya tetap belajar.
    model.eval()
    try:
        with torch.enable_grad():
            for p in dilatih:
                p.grad = None
            for _ in range(epochs):
                jumlah, betul = 0.0, 0
                for indeks in torch.randperm(len(label), generator=dadu).to(label.device).split(batch_size):
                    logits = model(imej[indeks])
                    kehilangan = F.cross_entropy(logits, label[indeks])
                    if pengoptimum is not None:
                        gradien = torch.autograd.grad(kehilangan, dilatih, allow_unused=True)
                        for p, g in zip(dilatih, gradien, strict=True):
                            p.grad = g
                        pengoptimum.step()
                    jumlah += kehilangan.item() * len(indeks)
                    betul += int((logits.argmax(dim=1) == label[indeks]).sum())

                kehilangan_sah, ketepatan_sah = _nilai(model, *valid, batch_size)
                sejarah["train_loss"].append(jumlah / len(label))
                sejarah["train_accuracy"].append(betul / len(label))
                sejarah["valid_loss"].append(kehilangan_sah)
                sejarah["valid_accuracy"].append(ketepatan_sah)
                if simpanan is None or kehilangan_sah < terbaik:
                    simpanan = [p.detach().clone() for p in dilatih]
                    terbaik = min(terbaik, kehilangan_sah)
        if simpanan is not None:
            with torch.no_grad():
                for p, nilai in zip(dilatih, simpanan, strict=True):
                    p.copy_(nilai)
    finally:
        for p, g in zip(dilatih, kecerunan_lama, strict=True):
            p.grad = g
        for m, melatih in mod:
            m.training = melatih
    return sejarah


def model_to_bytes(model: nn.Module) -> bytes:
    return save(model.state_dict())


def model_from_bytes(data: bytes, model: nn.Module) -> nn.Module:
    dimuat = load(data)
    ada = model.state_dict()
    # Semua semakan dahulu, supaya model tidak pernah separuh berubah.
    for nama in ada:
        if nama not in dimuat:
            raise ValueError(f"data tidak mempunyai {nama}")
    for nama, tensor in dimuat.items():
        if nama not in ada:
            raise ValueError(f"model tidak mempunyai {nama}")
        if tensor.shape != ada[nama].shape:
            raise ValueError(f"{nama}: bentuk {tuple(tensor.shape)}, sepatutnya {tuple(ada[nama].shape)}")
    model.load_state_dict(dimuat)
    return model
