"""Latihan kepala, ditulis daripada skeleton bahasa Melayu: penurunan kecerunan dengan tangan."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def build_head(in_features: int, num_classes: int) -> nn.Module:
    for nama, nilai in (("in_features", in_features), ("num_classes", num_classes)):
        if nilai < 1:
            raise ValueError(f"{nama} mesti sekurang-kurangnya 1, bukan {nilai}")
    return nn.Linear(in_features, num_classes)


def accuracy(logits: Tensor, labels: Tensor) -> float:
    if len(logits) != len(labels):
        raise ValueError(f"{len(logits)} logits tetapi {len(labels)} labels")
    if len(labels) == 0:
        raise ValueError("labels kosong")
    betul = int((logits.argmax(dim=1) == labels).sum())
    return betul / len(labels)


def dalam_eval(model: nn.Module, masuk: Tensor) -> Tensor:
    """Jalankan model dalam mod eval tanpa kecerunan, kemudian kembalikan setiap modnya."""
    mod = {bahagian: bahagian.training for bahagian in model.modules()}
    try:
        model.eval()
        with torch.no_grad():
            return model(masuk)
    finally:
        for bahagian, melatih in mod.items():
            bahagian.training = melatih


def evaluate(head: nn.Module, features: Tensor, labels: Tensor) -> tuple[float, float]:
    logit = dalam_eval(head, features)
    return F.cross_entropy(logit, labels).item(), accuracy(logit, labels)


def fit_head(
    head: nn.Module,
    train: tuple[Tensor, Tensor],
    valid: tuple[Tensor, Tensor],
    *,
    epochs: int = 20,
    learning_rate: float = 0.1,
    batch_size: int = 32,
    patience: int | None = None,
    seed: int = 0,
) -> dict[str, list[float]]:
    ciri, label = train
    dadu = torch.Generator().manual_seed(seed)
    pemberat = [p for p in head.parameters() if p.requires_grad]
    catatan = {nama: [] for nama in ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")}
    terbaik, simpanan, usia = math.inf, None, 0
    for _ in range(epochs):
        kehilangan = betul = 0.0
        for pilihan in torch.randperm(len(ciri), generator=dadu).split(batch_size):
            with torch.enable_grad():
                logit = head(ciri[pilihan])
                ralat = F.cross_entropy(logit, label[pilihan])
                kecerunan = torch.autograd.grad(ralat, pemberat, allow_unused=True)
            with torch.no_grad():
                for p, g in zip(pemberat, kecerunan, strict=True):
                    if g is not None:
                        p -= learning_rate * g
            kehilangan += ralat.item() * len(pilihan)
            betul += accuracy(logit, label[pilihan]) * len(pilihan)
        diukur = evaluate(head, *valid)
        for nama, nilai in zip(catatan, (kehilangan / len(ciri), betul / len(ciri), *diukur), strict=True):
            catatan[nama].append(nilai)
        usia += 1
        if diukur[0] < terbaik:
            terbaik, usia = diukur[0], 0
            simpanan = {nama: nilai.clone() for nama, nilai in head.state_dict().items()}
        if patience is not None and usia >= patience:
            break
    if simpanan is not None:
        head.load_state_dict(simpanan)
    return catatan


def predict(model: nn.Module, images: Tensor, k: int = 3) -> list[list[tuple[str, float]]]:
    if k < 1:
        raise ValueError(f"k mesti sekurang-kurangnya 1, bukan {k}")
    hasil = []
    for baris in dalam_eval(model, images).softmax(dim=1):
        tertib = sorted(zip(model.classes, baris.tolist(), strict=True), key=lambda pasangan: -pasangan[1])
        hasil.append(tertib[:k])
    return hasil
