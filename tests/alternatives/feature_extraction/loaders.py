"""Loaders that do not shuffle, NumPy where it is handy, and modes kept by name."""

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, TensorDataset


def preprocess(image, size=64):
    if size < 1:
        raise ValueError(f"a size of {size} pixels is too small")
    image = image.convert("RGB")
    short = min(image.size)
    # As torchvision rounds: down.
    width, height = (size if side == short else int(size * side / short) for side in image.size)
    image = image.resize((width, height), Image.Resampling.BILINEAR)
    left, top = round((width - size) / 2), round((height - size) / 2)
    pixels = np.asarray(image.crop((left, top, left + size, top + size)), dtype=np.float32) / 255
    return torch.from_numpy(pixels.transpose(2, 0, 1).copy())


def normalize(images, mean, std):
    channels = images.shape[1]
    if len(mean) != channels:
        raise ValueError(f"mean needs {channels} numbers")
    if len(std) != channels or min(std) <= 0:
        raise ValueError(f"std needs {channels} positive numbers")
    moved = [(images[:, i] - float(mean[i])) / float(std[i]) for i in range(channels)]
    return torch.stack(moved, dim=1)


def freeze(model):
    for parameter in model.parameters():
        parameter.requires_grad = False
    for module in model.modules():
        module.training = False
    return model


def feature_maps(model, layer, images):
    names = [name for name, _ in model.named_modules()]
    if layer not in names:
        raise ValueError(f"no layer {layer!r}; the layers are {names}")
    taken = {}

    def keep(module, inputs, output):
        taken[layer] = output.detach().numpy().copy()

    handle = model.get_submodule(layer).register_forward_hook(keep)
    modes = {name: module.training for name, module in model.named_modules()}
    try:
        model.eval()
        with torch.no_grad():
            model(images)
    finally:
        handle.remove()
        for name, module in model.named_modules():
            module.training = modes[name]
    return torch.from_numpy(taken[layer])


def extract_features(backbone, images, batch_size=32):
    modes = {name: module.training for name, module in backbone.named_modules()}
    backbone.eval()
    rows = []
    with torch.no_grad():
        for (batch,) in DataLoader(TensorDataset(images), batch_size=batch_size):
            rows.append(backbone(batch))
    for name, module in backbone.named_modules():
        module.training = modes[name]
    return torch.cat(rows)


def feature_grid(maps, columns=8):
    count, height, width = maps.shape
    grid = torch.zeros(-(-count // columns) * height, columns * width, dtype=maps.dtype)
    for place, channel in enumerate(maps):
        row, column = divmod(place, columns)
        low, high = channel.min(), channel.max()
        if low < high:
            cell = (channel - low) / (high - low)
            grid[row * height : (row + 1) * height, column * width : (column + 1) * width] = cell
    return grid
