"""Anjakan domain, ditulis daripada skeleton bahasa Melayu."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def ciri_bagi(backbone: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.cat([backbone(kelompok) for kelompok in images.split(64)])


def linear_probe_accuracy(
    backbone: nn.Module, train: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor], *, seed: int = 0
) -> float:
    latih, uji = ciri_bagi(backbone, train[0]), ciri_bagi(backbone, test[0])
    tengah, sisihan = latih.mean(0), latih.std(0).clamp_min(1e-6)
    latih, uji = (latih - tengah) / sisihan, (uji - tengah) / sisihan
    kelas = int(train[1].max()) + 1
    w = torch.zeros(latih.shape[1], kelas, requires_grad=True)
    b = torch.zeros(kelas, requires_grad=True)
    pengoptimum = torch.optim.AdamW([w, b], lr=0.01, weight_decay=0.1)
    dadu = torch.Generator().manual_seed(seed)
    for _ in range(100):
        for pilihan in torch.randperm(len(latih), generator=dadu).split(64):
            with torch.enable_grad():
                F.cross_entropy(latih[pilihan] @ w + b, train[1][pilihan]).backward()
            pengoptimum.step()
            pengoptimum.zero_grad()
    betul = (uji @ w + b).argmax(1) == test[1]
    return betul.float().mean().item()


def transfer_gain(
    pretrained: nn.Module,
    scratch: nn.Module,
    train: tuple[Tensor, Tensor],
    test: tuple[Tensor, Tensor],
    *,
    seed: int = 0,
) -> float:
    dengan, tanpa = (linear_probe_accuracy(rangkaian, train, test, seed=seed) for rangkaian in (pretrained, scratch))
    return dengan - tanpa


def rank_domains(
    pretrained: nn.Module,
    scratch: nn.Module,
    domains: dict[str, tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]],
    *,
    seed: int = 0,
) -> list[tuple[str, float]]:
    peningkatan = []
    for nama, (train, test) in domains.items():
        peningkatan.append((nama, transfer_gain(pretrained, scratch, train, test, seed=seed)))
    peningkatan.sort(key=lambda pasangan: pasangan[1], reverse=True)
    return peningkatan
