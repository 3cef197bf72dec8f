"""Feature extraction: isang pretrained na network bilang feature extractor."""

import contextlib
from collections.abc import Iterator, Sequence

import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms import functional as TF


@contextlib.contextmanager
def _borrowed(model: nn.Module) -> Iterator[None]:
    # Hiniram lang ang model: eval mode at walang gradient, saka ibinabalik ang mode ng bawat submodule.
    modes = [(module, module.training) for module in model.modules()]
    try:
        model.eval()
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode


def preprocess(image: Image.Image, size: int = 64) -> Tensor:
    if size < 1:
        raise ValueError(f"size: dapat hindi bababa sa 1, ngunit {size} ito")
    # RGB muna: hindi mapaghahalo ang mga index ng isang palette.
    small = TF.resize(image.convert("RGB"), [size], interpolation=TF.InterpolationMode.BILINEAR, antialias=True)
    return TF.to_tensor(TF.center_crop(small, [size, size])).float()


def normalize(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    channels = images.shape[1]
    for name, numbers in (("mean", mean), ("std", std)):
        if len(numbers) != channels:
            raise ValueError(f"{name}: {len(numbers)} ang bilang, {channels} ang channel")
    if not all(number > 0 for number in std):
        raise ValueError(f"std: dapat positibo ang bawat isa, ngunit {list(std)}")

    def per_channel(numbers: Sequence[float]) -> Tensor:
        values = [float(number) for number in numbers]
        return torch.tensor(values, dtype=images.dtype, device=images.device).reshape(1, channels, 1, 1)

    return (images - per_channel(mean)) / per_channel(std)


def freeze(model: nn.Module) -> nn.Module:
    # Dalawang magkaibang switch: ang gradient ng mga parameter, at ang mode ng mga submodule.
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    model.eval()
    return model


def feature_maps(model: nn.Module, layer: str, images: Tensor) -> Tensor:
    layers = dict(model.named_modules())
    if layer not in layers:
        raise ValueError(f"layer: walang {layer!r}; mayroong {', '.join(repr(name) for name in layers)}")
    seen = []

    def keep(module: nn.Module, inputs: tuple, output: Tensor) -> None:
        # Kopya agad, bago ito mapatungan ng kasunod na layer.
        seen.append(output.detach().clone())

    handle = layers[layer].register_forward_hook(keep)
    try:
        with _borrowed(model):
            model(images)
    finally:
        handle.remove()
    return seen[-1]


def extract_features(backbone: nn.Module, images: Tensor, batch_size: int = 32) -> Tensor:
    with _borrowed(backbone):
        return torch.cat([backbone(batch) for batch in images.split(batch_size)])


def feature_grid(maps: Tensor, columns: int = 8) -> Tensor:
    count, height, width = maps.shape
    low = maps.amin(dim=(1, 2), keepdim=True)
    spread = maps.amax(dim=(1, 2), keepdim=True) - low
    # Sa channel na constant, 0 / 1 ang hinahati, kaya 0 ito.
    scaled = (maps - low) / torch.where(spread > 0, spread, torch.ones_like(spread))
    rows = -(-count // columns)
    cells = maps.new_zeros(rows * columns, height, width)
    cells[:count] = scaled
    return cells.reshape(rows, columns, height, width).transpose(1, 2).reshape(rows * height, columns * width)
