"""Pengekstrakan ciri: rangkaian pra-latih sebagai pengekstrak ciri."""

import contextlib
from collections.abc import Iterator, Sequence

import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms import functional as TF


@contextlib.contextmanager
def _mod_eval(model: nn.Module) -> Iterator[None]:
    # Ingat mod setiap submodul, supaya setiap satunya dapat dikembalikan.
    asal = [(bahagian, bahagian.training) for bahagian in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for bahagian, melatih in asal:
            bahagian.training = melatih


def preprocess(image: Image.Image, size: int = 64) -> Tensor:
    if size < 1:
        raise ValueError(f"size mesti sekurang-kurangnya 1, bukan {size}")
    rgb = image.convert("RGB")
    kecil = TF.resize(rgb, size, interpolation=TF.InterpolationMode.BILINEAR, antialias=True)
    petak = TF.center_crop(kecil, [size, size])
    return TF.pil_to_tensor(petak).to(torch.float32) / 255


def normalize(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    saluran = images.shape[1]
    for nama, nilai in (("mean", mean), ("std", std)):
        if len(nilai) != saluran:
            raise ValueError(f"{nama} mempunyai {len(nilai)} nombor bagi {saluran} saluran")
    if not all(s > 0 for s in std):
        raise ValueError(f"setiap std mesti positif: {std}")
    pusat = torch.as_tensor(mean, dtype=images.dtype, device=images.device).reshape(1, -1, 1, 1)
    skala = torch.as_tensor(std, dtype=images.dtype, device=images.device).reshape(1, -1, 1, 1)
    return (images - pusat) / skala


def freeze(model: nn.Module) -> nn.Module:
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    model.eval()
    return model


def feature_maps(model: nn.Module, layer: str, images: Tensor) -> Tensor:
    lapisan = dict(model.named_modules())
    if layer not in lapisan:
        raise ValueError(f"tiada lapisan {layer!r}; yang ada: {', '.join(nama for nama in lapisan if nama)}")
    tangkapan = []

    def simpan(_modul, _masuk, keluar):
        # Salinan diambil serta-merta: lapisan kemudian mungkin menulis di atasnya.
        tangkapan.append(keluar.detach().clone())

    cangkuk = lapisan[layer].register_forward_hook(simpan)
    try:
        with _mod_eval(model), torch.no_grad():
            model(images)
    finally:
        cangkuk.remove()
    return tangkapan[-1]


def extract_features(backbone: nn.Module, images: Tensor, batch_size: int = 32) -> Tensor:
    with _mod_eval(backbone), torch.no_grad():
        return torch.cat([backbone(kelompok) for kelompok in images.split(batch_size)])


def feature_grid(maps: Tensor, columns: int = 8) -> Tensor:
    c, h, w = maps.shape
    terkecil = maps.amin(dim=(1, 2), keepdim=True)
    julat = maps.amax(dim=(1, 2), keepdim=True) - terkecil
    # Saluran malar: pembilangnya 0, jadi pembahagi 1 memberikan 0.
    skala = (maps - terkecil) / torch.where(julat > 0, julat, torch.ones_like(julat))
    baris = -(-c // columns)
    sel = maps.new_zeros(baris * columns, h, w)
    sel[:c] = skala
    return sel.reshape(baris, columns, h, w).transpose(1, 2).reshape(baris * h, columns * w)
