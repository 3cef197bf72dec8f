"""Pengekstrakan ciri, ditulis daripada skeleton bahasa Melayu: gelung biasa dan Pillow sendiri."""

import contextlib
from collections.abc import Iterator, Sequence

import torch
from PIL import Image
from torch import Tensor, nn


def preprocess(image: Image.Image, size: int = 64) -> Tensor:
    if size < 1:
        raise ValueError(f"size mesti sekurang-kurangnya 1, bukan {size}")
    warna = image.convert("RGB")
    lebar, tinggi = warna.size
    pendek = min(lebar, tinggi)
    lebar, tinggi = size * lebar // pendek, size * tinggi // pendek
    kecil = warna.resize((lebar, tinggi), Image.Resampling.BILINEAR)
    kiri, atas = round((lebar - size) / 2), round((tinggi - size) / 2)
    petak = kecil.crop((kiri, atas, kiri + size, atas + size))
    piksel = torch.tensor(list(petak.tobytes()), dtype=torch.float32)
    return piksel.view(size, size, 3).permute(2, 0, 1).contiguous() / 255


def normalize(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    saluran = images.shape[1]
    for nama, nilai in (("mean", mean), ("std", std)):
        if len(nilai) != saluran:
            raise ValueError(f"{nama} mempunyai {len(nilai)} nombor bagi {saluran} saluran")
    for sisihan in std:
        if not sisihan > 0:
            raise ValueError(f"std mesti positif, bukan {sisihan}")
    siap = [(images[:, c] - mean[c]) / std[c] for c in range(saluran)]
    return torch.stack(siap, dim=1)


def freeze(model: nn.Module) -> nn.Module:
    for parameter in model.parameters():
        parameter.requires_grad = False
    return model.eval()


@contextlib.contextmanager
def mod_eval(model: nn.Module) -> Iterator[None]:
    """Pinjam model dalam mod eval, dan pulangkan setiap submodul kepada modnya."""
    mod = [(bahagian, bahagian.training) for bahagian in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for bahagian, melatih in mod:
            bahagian.training = melatih


def feature_maps(model: nn.Module, layer: str, images: Tensor) -> Tensor:
    lapisan = dict(model.named_modules())
    if layer not in lapisan:
        raise ValueError(f"tiada lapisan {layer!r}; yang ada: {', '.join(filter(None, lapisan))}")
    dilihat = []

    def simpan(modul, masuk, keluar):
        dilihat.append(keluar.detach().clone())

    pegangan = lapisan[layer].register_forward_hook(simpan)
    try:
        with mod_eval(model):
            model(images)
    finally:
        pegangan.remove()
    return dilihat[-1]


def extract_features(backbone: nn.Module, images: Tensor, batch_size: int = 32) -> Tensor:
    with mod_eval(backbone):
        return torch.cat([backbone(kelompok) for kelompok in images.split(batch_size)])


def feature_grid(maps: Tensor, columns: int = 8) -> Tensor:
    bilangan, tinggi, lebar = maps.shape
    baris = -(-bilangan // columns)
    gambar = maps.new_zeros(baris * tinggi, columns * lebar)
    for c, peta in enumerate(maps):
        rendah, julat = peta.min(), peta.max() - peta.min()
        if julat > 0:
            y, x = c // columns * tinggi, c % columns * lebar
            gambar[y : y + tinggi, x : x + lebar] = (peta - rendah) / julat
    return gambar
