"""Anjakan domain: di mana pemindahan tidak lagi membantu. Cabaran."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def _ciri(backbone: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.cat([backbone(kelompok) for kelompok in images.split(64)])


def linear_probe_accuracy(
    backbone: nn.Module, train: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor], *, seed: int = 0
) -> float:
    ciri, label = _ciri(backbone, train[0]), train[1]
    ciri_ujian, label_ujian = _ciri(backbone, test[0]), test[1]

    # Piawaikan dengan statistik latihan sahaja; ciri yang malar dibiarkan 0.
    pusat = ciri.mean(dim=0)
    sisihan = ciri.std(dim=0, unbiased=False)
    sisihan = torch.where(sisihan > 1e-5 * pusat.abs(), sisihan, torch.ones_like(sisihan))
    x, x_ujian = (ciri - pusat) / sisihan, (ciri_ujian - pusat) / sisihan

    kelas = int(label.max()) + 1
    w = torch.zeros(kelas, x.shape[1], dtype=x.dtype, device=x.device, requires_grad=True)
    b = torch.zeros(kelas, dtype=x.dtype, device=x.device, requires_grad=True)
    pengoptimum = torch.optim.Adam([w, b], lr=0.02)
    dadu = torch.Generator().manual_seed(seed)
    langkah = 0
    with torch.enable_grad():
        while langkah < 500:
            for indeks in torch.randperm(len(label), generator=dadu).to(x.device).split(64):
                kehilangan = F.cross_entropy(F.linear(x[indeks], w, b), label[indeks]) + 1e-3 * w.square().sum()
                w.grad, b.grad = torch.autograd.grad(kehilangan, [w, b])
                pengoptimum.step()
                langkah += 1

    with torch.no_grad():
        betul = F.linear(x_ujian, w, b).argmax(dim=1) == label_ujian
    return int(betul.sum()) / len(label_ujian)


def transfer_gain(
    pretrained: nn.Module,
    scratch: nn.Module,
    train: tuple[Tensor, Tensor],
    test: tuple[Tensor, Tensor],
    *,
    seed: int = 0,
) -> float:
    dengan = linear_probe_accuracy(pretrained, train, test, seed=seed)
    tanpa = linear_probe_accuracy(scratch, train, test, seed=seed)
    return dengan - tanpa


def rank_domains(
    pretrained: nn.Module,
    scratch: nn.Module,
    domains: dict[str, tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]],
    *,
    seed: int = 0,
) -> list[tuple[str, float]]:
    peningkatan = [
        (nama, transfer_gain(pretrained, scratch, latihan, ujian, seed=seed))
        for nama, (latihan, ujian) in domains.items()
    ]
    return sorted(peningkatan, key=lambda pasangan: pasangan[1], reverse=True)
