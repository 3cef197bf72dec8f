"""Context managers, in-place work on fresh tensors, and shapes by view and permute."""

from contextlib import contextmanager

import numpy as np
import torch
import torch.nn.functional as F


@contextmanager
def evaluating(model):
    training = [module for module in model.modules() if module.training]
    model.eval()
    with torch.no_grad():
        yield model
    for module in training:
        module.training = True


def preprocess(image, size=64):
    if size < 1:
        raise ValueError("size < 1")
    pixels = torch.tensor(np.array(image.convert("RGB")), dtype=torch.float32).permute(2, 0, 1)[None]
    height, width = pixels.shape[-2:]
    short = min(height, width)
    shape = (size * height // short, size * width // short)
    pixels = F.interpolate(pixels, size=shape, mode="bilinear", antialias=True, align_corners=False)
    top, left = ((side - size) // 2 for side in shape)
    return pixels[0, :, top : top + size, left : left + size].round().div(255).clamp(0, 1).contiguous()


def normalize(images, mean, std):
    mean, std = images.new_tensor(mean), images.new_tensor(std)
    if mean.shape != images.shape[1:2] or std.shape != images.shape[1:2]:
        raise ValueError(f"mean {tuple(mean.shape)} and std {tuple(std.shape)} do not fit {tuple(images.shape)}")
    if (std <= 0).any():
        raise ValueError("std <= 0")
    return ((images.movedim(1, -1) - mean) / std).movedim(-1, 1)


def freeze(model):
    return model.eval().requires_grad_(False)


def feature_maps(model, layer, images):
    found = {name: module for name, module in model.named_modules() if name}
    try:
        module = found[layer]
    except KeyError:
        raise ValueError(f"unknown layer {layer!r}, known: " + " ".join(found)) from None
    kept = []

    def keep(module, inputs, output):
        kept.append(output.clone())

    with evaluating(model):
        handle = module.register_forward_hook(keep)
        try:
            model(images)
        finally:
            handle.remove()
    return kept.pop().detach()


def extract_features(backbone, images, batch_size=32):
    with evaluating(backbone):
        count = max(1, -(-len(images) // batch_size))
        return torch.cat(list(map(backbone, images.tensor_split(count))))


def feature_grid(maps, columns=8):
    scaled = maps.clone().detach()
    scaled -= scaled.amin((1, 2), keepdim=True)
    highest = scaled.amax((1, 2), keepdim=True)
    scaled /= torch.where(highest > 0, highest, torch.ones_like(highest))
    count, height, width = scaled.shape
    scaled = F.pad(scaled, (0, 0, 0, 0, 0, -count % columns))
    return scaled.view(-1, columns, height, width).permute(0, 2, 1, 3).flatten(2).flatten(0, 1)
