"""Издвајање карактеристика: предобучена мрежа као екстрактор карактеристика."""

import contextlib
from collections.abc import Iterator, Sequence

import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms import functional as TF


@contextlib.contextmanager
def _at_rest(model: nn.Module) -> Iterator[None]:
    # Сваки подмодул памти свој режим, јер не морају сви бити у истом.
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for part, mode in modes:
            part.training = mode


def preprocess(image: Image.Image, size: int = 64) -> Tensor:
    if size < 1:
        raise ValueError(f"size мора бити најмање 1, а јесте {size}")
    # Прво RGB: палета се не сме усредњавати.
    rgb = image.convert("RGB")
    shrunk = TF.resize(rgb, size, interpolation=TF.InterpolationMode.BILINEAR, antialias=True)
    return TF.to_tensor(TF.center_crop(shrunk, [size, size]))


def normalize(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    channels = images.shape[1]
    for name, values in (("mean", mean), ("std", std)):
        if len(values) != channels:
            raise ValueError(f"{name} има {len(values)} бројева, а канала је {channels}")
    if not all(value > 0 for value in std):
        raise ValueError("сваки број у std мора бити позитиван")

    def per_channel(values: Sequence[float]) -> Tensor:
        numbers = [float(value) for value in values]
        return torch.tensor(numbers, dtype=images.dtype, device=images.device).view(1, -1, 1, 1)

    return (images - per_channel(mean)) / per_channel(std)


def freeze(model: nn.Module) -> nn.Module:
    for weight in model.parameters():
        weight.requires_grad_(False)
    model.eval()
    return model


def feature_maps(model: nn.Module, layer: str, images: Tensor) -> Tensor:
    layers = dict(model.named_modules())
    if layer not in layers:
        raise ValueError(f"нема слоја layer={layer!r}; постоје: {', '.join(name for name in layers if name)}")
    seen: list[Tensor] = []

    def keep(module: nn.Module, inputs: tuple, output: Tensor) -> None:
        # Копија одмах: следећи слој можда пише преко овог тензора.
        seen.append(output.detach().clone())

    hook = layers[layer].register_forward_hook(keep)
    try:
        with _at_rest(model):
            model(images)
    finally:
        hook.remove()
    return seen[-1]


def extract_features(backbone: nn.Module, images: Tensor, batch_size: int = 32) -> Tensor:
    with _at_rest(backbone):
        return torch.cat([backbone(part) for part in images.split(batch_size)])


def feature_grid(maps: Tensor, columns: int = 8) -> Tensor:
    count, height, width = maps.shape
    rows = (count + columns - 1) // columns
    low = maps.amin((1, 2), keepdim=True)
    span = maps.amax((1, 2), keepdim=True) - low
    # Константан канал има распон 0; дели се јединицом, па остаје 0.
    scaled = (maps - low) / torch.where(span > 0, span, torch.ones_like(span))
    cells = scaled.new_zeros((rows * columns, height, width))
    cells[:count] = scaled
    return cells.view(rows, columns, height, width).transpose(1, 2).reshape(rows * height, columns * width)
