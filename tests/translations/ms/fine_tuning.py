"""Penalaan halus, ditulis daripada skeleton bahasa Melayu: indeks menggantikan lapik, Adam, mod eval."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from safetensors.torch import load, save
from torch import Tensor, nn

REACH = 4


def count_parameters(model: nn.Module) -> tuple[int, int]:
    dilatih = semua = 0
    for parameter in model.parameters():
        semua += parameter.numel()
        if parameter.requires_grad:
            dilatih += parameter.numel()
    return dilatih, semua


def unfreeze(model: nn.Module, layers: Sequence[str]) -> list[str]:
    ada = dict(model.named_modules(remove_duplicate=False))
    for nama in layers:
        if nama not in ada:
            raise ValueError(f"tiada submodul {nama!r}; yang ada: {', '.join(filter(None, ada))}")
    for nama in layers:
        ada[nama].requires_grad_(True)
    return [nama for nama, parameter in model.named_parameters() if parameter.requires_grad]


def parameter_groups(model: nn.Module, *, head_rate: float, backbone_rate: float) -> list[dict]:
    for nama, kadar in (("head_rate", head_rate), ("backbone_rate", backbone_rate)):
        if not kadar > 0:
            raise ValueError(f"{nama} mesti positif, bukan {kadar}")
    kepala = set(map(id, model.head.parameters()))
    bahagian = {head_rate: []} if head_rate == backbone_rate else {head_rate: [], backbone_rate: []}
    for parameter in model.parameters():
        if parameter.requires_grad:
            bahagian[head_rate if id(parameter) in kepala else backbone_rate].append(parameter)
    return [{"params": isi, "lr": kadar} for kadar, isi in bahagian.items() if isi]


def pantul(kedudukan: Tensor, panjang: int) -> Tensor:
    """Lipat indeks di luar gambar kembali ke dalam, tanpa mengulang sempadan."""
    hujung = panjang - 1
    return hujung - (hujung - kedudukan.abs()).abs()


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    bilangan, _, tinggi, lebar = images.shape
    balik = torch.randint(2, (bilangan,), generator=generator).tolist()
    gerak = torch.randint(-REACH, REACH + 1, (bilangan, 2), generator=generator).tolist()
    hasil = images.clone()
    for n, (bawah, kanan) in enumerate(gerak):
        imej = images[n].flip(-1) if balik[n] else images[n]
        baris = pantul(torch.arange(tinggi) + bawah, tinggi)
        lajur = pantul(torch.arange(lebar) + kanan, lebar)
        hasil[n] = imej[:, baris][:, :, lajur]
    return hasil


def ukur(model: nn.Module, data: tuple[Tensor, Tensor], batch_size: int) -> tuple[float, float]:
    kehilangan = betul = 0.0
    with torch.no_grad():
        for imej, label in zip(*(bahagian.split(batch_size) for bahagian in data), strict=True):
            logit = model(imej)
            kehilangan += F.cross_entropy(logit, label, reduction="sum").item()
            betul += (logit.argmax(1) == label).sum().item()
    return kehilangan / len(data[1]), betul / len(data[1])


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
    imej, label = train
    kumpulan = parameter_groups(model, head_rate=head_rate, backbone_rate=backbone_rate)
    pengoptimum = torch.optim.Adam(kumpulan) if kumpulan else None
    dadu = torch.Generator().manual_seed(seed)
    catatan = {nama: [] for nama in ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")}
    terbaik, simpanan = math.inf, None
    mod = [(bahagian, bahagian.training) for bahagian in model.modules()]
    model.eval()  # statistik batch norm kekal; dropout tidak digunakan
    try:
        for _ in range(epochs):
            kehilangan = betul = 0.0
            for pilihan in torch.randperm(len(imej), generator=dadu).split(batch_size):
                with torch.enable_grad():
                    logit = model(imej[pilihan])
                    ralat = F.cross_entropy(logit, label[pilihan])
                if pengoptimum is not None:
                    pengoptimum.zero_grad()
                    ralat.backward()
                    pengoptimum.step()
                kehilangan += ralat.item() * len(pilihan)
                betul += (logit.argmax(1) == label[pilihan]).sum().item()
            diukur = ukur(model, valid, batch_size)
            for nama, nilai in zip(catatan, (kehilangan / len(imej), betul / len(imej), *diukur), strict=True):
                catatan[nama].append(nilai)
            if diukur[0] < terbaik:
                terbaik = diukur[0]
                simpanan = {nama: nilai.clone() for nama, nilai in model.state_dict().items()}
    finally:
        for bahagian, melatih in mod:
            bahagian.training = melatih
    if pengoptimum is not None:
        pengoptimum.zero_grad()
    if simpanan is not None:
        model.load_state_dict(simpanan)
    return catatan


def model_to_bytes(model: nn.Module) -> bytes:
    return save(model.state_dict())


def model_from_bytes(data: bytes, model: nn.Module) -> nn.Module:
    dibaca = load(data)
    sedia = model.state_dict()
    for nama in [*sedia, *dibaca]:
        if nama not in dibaca:
            raise ValueError(f"data tidak mempunyai {nama}")
        if nama not in sedia:
            raise ValueError(f"model tidak mempunyai {nama}")
        if dibaca[nama].shape != sedia[nama].shape:
            raise ValueError(f"{nama}: bentuk {tuple(dibaca[nama].shape)}, bukan {tuple(sedia[nama].shape)}")
    model.load_state_dict(dibaca)
    return model
