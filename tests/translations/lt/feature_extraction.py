"""Savybių išgavimas."""

import contextlib

import torch
from torchvision.transforms import functional as TF


@contextlib.contextmanager
def evaluating(model):
    # Kiekvienas vidinis modulis turi savo režimą, todėl vieno bendro jungiklio grąžinti neužtenka.
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def preprocess(image, size=64):
    if size < 1:
        raise ValueError(f"size yra {size}, o turi būti bent 1")
    rgb = image.convert("RGB")
    square = TF.center_crop(TF.resize(rgb, size), [size, size])
    return TF.to_tensor(square)


def normalize(images, mean, std):
    channels = images.shape[1]
    for word, numbers in (("mean", mean), ("std", std)):
        if len(numbers) != channels:
            raise ValueError(f"{word} turi {len(numbers)} skaičius, o kanalų yra {channels}")
    if any(number <= 0 for number in std):
        raise ValueError(f"std turi būti teigiami: {list(std)}")
    shift = images.new_tensor(list(mean)).view(1, -1, 1, 1)
    scale = images.new_tensor(list(std)).view(1, -1, 1, 1)
    return (images - shift) / scale


def freeze(model):
    for parameter in model.parameters():
        parameter.requires_grad = False
    return model.eval()


def feature_maps(model, layer, images):
    layers = dict(model.named_modules())
    if layer not in layers:
        raise ValueError(f"layer {layer!r} nėra; yra {', '.join(name for name in layers if name)}")
    seen = []
    hook = layers[layer].register_forward_hook(lambda module, given, output: seen.append(output.detach().clone()))
    try:
        with evaluating(model):
            model(images)
    finally:
        hook.remove()
    return seen[0]


def extract_features(backbone, images, batch_size=32):
    rows = []
    with evaluating(backbone):
        for start in range(0, len(images), batch_size):
            rows.append(backbone(images[start : start + batch_size]))
    return torch.cat(rows)


def feature_grid(maps, columns=8):
    count, height, width = maps.shape
    rows = -(-count // columns)
    picture = maps.new_zeros(rows * height, columns * width)
    for place, channel in enumerate(maps):
        low, high = channel.min(), channel.max()
        if high > low:
            top, left = place // columns * height, place % columns * width
            picture[top : top + height, left : left + width] = (channel - low) / (high - low)
    return picture
