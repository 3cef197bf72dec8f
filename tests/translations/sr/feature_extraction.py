"""Издвајање карактеристика."""

from contextlib import ExitStack

import numpy as np
import torch
from torch import nn
from torchvision.transforms import CenterCrop, Compose, Resize


def preprocess(image, size=64):
    if size < 1:
        raise ValueError(f"size мора бити најмање 1, а јесте {size}")
    square = Compose([Resize(size), CenterCrop(size)])(image.convert("RGB"))
    return torch.from_numpy(np.array(square)).permute(2, 0, 1).contiguous().float() / 255


def normalize(images, mean, std):
    channels = images.shape[1]
    if len(mean) != channels:
        raise ValueError(f"mean има {len(mean)} бројева за {channels} канала")
    if len(std) != channels:
        raise ValueError(f"std има {len(std)} бројева за {channels} канала")
    if min(std) <= 0:
        raise ValueError(f"std мора бити позитиван, а јесте {min(std)}")
    mean, std = (torch.as_tensor(row, dtype=images.dtype, device=images.device)[:, None, None] for row in (mean, std))
    return (images - mean).div(std)


def freeze(model):
    return model.requires_grad_(False).eval()


def evaluating(stack, model):
    """Пребаци модел у режим eval док стек не врати сваки подмодул у његов режим."""
    for module in model.modules():
        stack.callback(nn.Module.__setattr__, module, "training", module.training)
    model.eval()
    stack.enter_context(torch.no_grad())


def feature_maps(model, layer, images):
    layers = dict(model.named_modules())
    if layer not in layers:
        raise ValueError(f"layer {layer!r} не постоји; постоје {sorted(layers)}")
    taken = {}
    with ExitStack() as stack:
        evaluating(stack, model)
        hook = layers[layer].register_forward_hook(lambda _module, _inputs, output: taken.update(maps=output.clone()))
        stack.callback(hook.remove)
        model(images)
    return taken["maps"].detach()


def extract_features(backbone, images, batch_size=32):
    with ExitStack() as stack:
        evaluating(stack, backbone)
        return torch.cat([backbone(batch) for batch in torch.split(images, batch_size)])


def feature_grid(maps, columns=8):
    low, high = maps.amin(dim=(1, 2), keepdim=True), maps.amax(dim=(1, 2), keepdim=True)
    scaled = torch.where(high > low, (maps - low) / (high - low).clamp_min(torch.finfo(maps.dtype).tiny), 0.0)
    count, height, width = maps.shape
    rows = (count + columns - 1) // columns
    cells = torch.cat([scaled, scaled.new_zeros(rows * columns - count, height, width)])
    return cells.view(rows, columns, height, width).transpose(1, 2).reshape(rows * height, columns * width)
