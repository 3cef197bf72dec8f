"""Savybių išgavimas: iš anksto apmokytas tinklas kaip savybių išgavimo įrankis."""

import contextlib
from collections.abc import Iterator, Sequence

import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms import functional as TF


@contextlib.contextmanager
def _measuring(model: nn.Module) -> Iterator[None]:
    # Vertinimo režimas be gradientų; pabaigoje kiekvienam vidiniam moduliui grąžinamas jo paties režimas.
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in before:
            module.training = mode


def preprocess(image: Image.Image, size: int = 64) -> Tensor:
    if size < 1:
        raise ValueError(f"size turi būti bent 1, o yra {size}")
    colour = image.convert("RGB")
    square = TF.center_crop(TF.resize(colour, [size], TF.InterpolationMode.BILINEAR, antialias=True), [size, size])
    return TF.to_tensor(square)


def normalize(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    channels = images.shape[1]
    for name, numbers in (("mean", mean), ("std", std)):
        if len(numbers) != channels:
            raise ValueError(f"{name}: reikia {channels} skaičių, o yra {len(numbers)}")
    if not all(value > 0 for value in std):
        raise ValueError("kiekvienas std turi būti teigiamas")
    centre, spread = (
        torch.as_tensor(numbers, dtype=images.dtype, device=images.device).reshape(1, channels, 1, 1)
        for numbers in (mean, std)
    )
    return (images - centre) / spread


def freeze(model: nn.Module) -> nn.Module:
    model.requires_grad_(False)
    return model.eval()


def feature_maps(model: nn.Module, layer: str, images: Tensor) -> Tensor:
    known = dict(model.named_modules())
    if layer not in known:
        raise ValueError(f"sluoksnio {layer!r} nėra; yra: {', '.join(map(repr, known))}")
    caught: list[Tensor] = []
    handle = known[layer].register_forward_hook(lambda _module, _inputs, output: caught.append(output.detach().clone()))
    try:
        with _measuring(model):
            model(images)
    finally:
        handle.remove()  # kablys nuimamas ir tada, kai modelis sukelia klaidą
    return caught[-1]


def extract_features(backbone: nn.Module, images: Tensor, batch_size: int = 32) -> Tensor:
    with _measuring(backbone):
        return torch.cat([backbone(part) for part in images.split(batch_size)])


def feature_grid(maps: Tensor, columns: int = 8) -> Tensor:
    count, height, width = maps.shape
    low = maps.amin((1, 2), keepdim=True)
    span = maps.amax((1, 2), keepdim=True) - low
    # Pastovaus kanalo skaitiklis ir taip 0, todėl jam tinka bet kuris daliklis, tik ne 0.
    scaled = (maps - low) / torch.where(span > 0, span, torch.ones_like(span))
    rows = -(-count // columns)
    grid = scaled.new_zeros(rows * height, columns * width)
    for place, tile in enumerate(scaled):
        top, left = place // columns * height, place % columns * width
        grid[top : top + height, left : left + width] = tile
    return grid
