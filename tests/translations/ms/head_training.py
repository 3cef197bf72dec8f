"""Latihan kepala: pengklasifikasi di atas ciri yang dibekukan."""

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
    if len(logits) != len(labels) or len(labels) == 0:
        raise ValueError(f"logits ({len(logits)}) dan labels ({len(labels)}) mesti sama panjang dan tidak kosong")
    return int((logits.argmax(dim=1) == labels).sum()) / len(labels)


def _jalankan_eval(model: nn.Module, masuk: Tensor) -> Tensor:
    # Output dalam mod eval dan tanpa kecerunan; kemudian setiap submodul mendapat modnya semula.
    mod = [(m, m.training) for m in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            return model(masuk)
    finally:
        for m, melatih in mod:
            m.training = melatih


def evaluate(head: nn.Module, features: Tensor, labels: Tensor) -> tuple[float, float]:
    logits = _jalankan_eval(head, features)
    return F.cross_entropy(logits, labels).item(), accuracy(logits, labels)


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
    parameter = [p for p in head.parameters() if p.requires_grad]
    sejarah = {nama: [] for nama in ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")}
    terbaik, epok_terbaik, simpanan = math.inf, 0, None

    # Dropout di dalam kepala membaca dadu global: pinjamkan keadaan daripada benih, dan pulangkan dadu itu kemudian.
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.set_rng_state(dadu.get_state())
        for epok in range(epochs):
            jumlah, betul = 0.0, 0
            for indeks in torch.randperm(len(label), generator=dadu).to(label.device).split(batch_size):
                logits = head(ciri[indeks])
                kehilangan = F.cross_entropy(logits, label[indeks])
                if parameter:
                    # autograd.grad, bukan backward: .grad milik kepala tidak disentuh.
                    kecerunan = torch.autograd.grad(kehilangan, parameter, allow_unused=True)
                    with torch.no_grad():
                        for p, g in zip(parameter, kecerunan, strict=True):
                            if g is not None:
                                p.sub_(learning_rate * g)
                jumlah += kehilangan.item() * len(indeks)
                betul += int((logits.argmax(dim=1) == label[indeks]).sum())

            kehilangan_sah, ketepatan_sah = evaluate(head, *valid)
            sejarah["train_loss"].append(jumlah / len(label))
            sejarah["train_accuracy"].append(betul / len(label))
            sejarah["valid_loss"].append(kehilangan_sah)
            sejarah["valid_accuracy"].append(ketepatan_sah)

            if simpanan is None or kehilangan_sah < terbaik:
                simpanan = {nama: t.detach().clone() for nama, t in head.state_dict().items()}
                epok_terbaik = epok
                if kehilangan_sah < terbaik:
                    terbaik = kehilangan_sah
            if patience is not None and epok - epok_terbaik >= patience:
                break

    if simpanan is not None:
        head.load_state_dict(simpanan)
    return sejarah


def predict(model: nn.Module, images: Tensor, k: int = 3) -> list[list[tuple[str, float]]]:
    if k < 1:
        raise ValueError(f"k mesti sekurang-kurangnya 1, bukan {k}")
    peluang = _jalankan_eval(model, images).softmax(dim=1)
    nilai, indeks = peluang.topk(min(k, peluang.shape[1]), dim=1)
    return [
        [(model.classes[i], p) for i, p in zip(baris_i, baris_p, strict=True)]
        for baris_i, baris_p in zip(indeks.tolist(), nilai.tolist(), strict=True)
    ]
