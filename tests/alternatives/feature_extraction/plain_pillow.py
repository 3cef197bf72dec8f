"""Pillow and NumPy where they do, loops in place of broadcasting, and the simplest thing that works."""

import math

import numpy as np
import torch
from PIL import Image


def preprocess(image, size=64):
    if size < 1:
        raise ValueError(f"size = {size} is too small")
    image = image.convert("RGB")
    width, height = image.size
    if width < height:
        width, height = size, int(size * height / width)
    else:
        width, height = int(size * width / height), size
    image = image.resize((width, height), Image.Resampling.BILINEAR)
    left, top = (width - size) // 2, (height - size) // 2
    image = image.crop((left, top, left + size, top + size))
    pixels = np.asarray(image, dtype=np.float32) / 255
    return torch.from_numpy(pixels.transpose(2, 0, 1).copy())


def normalize(images, mean, std):
    if len(mean) != images.size(1):
        raise ValueError("wrong number of entries in mean")
    if len(std) != images.size(1):
        raise ValueError("wrong number of entries in std")
    if any(s <= 0 for s in std):
        raise ValueError("each entry of std has to be above zero")
    channels = []
    for c in range(images.size(1)):
        channels.append((images[:, c : c + 1] - mean[c]) / std[c])
    return torch.cat(channels, dim=1)


def freeze(model):
    for module in model.modules():
        module.training = False
        for parameter in module.parameters(recurse=False):
            parameter.requires_grad = False
    return model


def feature_maps(model, layer, images):
    names = [name for name, _ in model.named_modules()]
    if layer not in names:
        raise ValueError("there is no layer " + layer + ", only " + str(names))
    kept = {}

    def hook(module, inputs, output):
        kept["maps"] = output.detach().cpu().clone().to(output.device)

    modes = {name: module.training for name, module in model.named_modules()}
    model.eval()
    handle = model.get_submodule(layer).register_forward_hook(hook)
    try:
        model(images)
    finally:
        handle.remove()
        for name, module in model.named_modules():
            module.training = modes[name]
    return kept["maps"]


def extract_features(backbone, images, batch_size=32):
    modes = [module.training for module in backbone.modules()]
    backbone.eval()
    rows = []
    with torch.no_grad():
        for start in range(0, images.shape[0], batch_size):
            for row in backbone(images[start : start + batch_size]):
                rows.append(row)
    for module, mode in zip(backbone.modules(), modes, strict=True):
        module.training = mode
    return torch.stack(rows)


def feature_grid(maps, columns=8):
    count, height, width = maps.shape
    grid = torch.zeros(math.ceil(count / columns) * height, columns * width, dtype=maps.dtype, device=maps.device)
    for i in range(count):
        low, high = maps[i].min(), maps[i].max()
        if high > low:
            row, column = divmod(i, columns)
            cell = grid[row * height : (row + 1) * height, column * width : (column + 1) * width]
            cell.copy_((maps[i] - low) / (high - low))
    return grid
