"""Torchvision's transforms on tensors, its own normalize and grid, and a copy of the network in place of its modes."""

import contextlib
import copy

import torch
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as TF


def preprocess(image, size=64):
    if size <= 0:
        raise ValueError("size must be positive")
    pixels = TF.to_dtype(TF.to_image(image.convert("RGB")), torch.float32, scale=True)
    steps = v2.Compose([v2.Resize(size, antialias=True), v2.CenterCrop(size)])
    return torch.as_tensor(steps(pixels)).clamp(0, 1).as_subclass(torch.Tensor)


def normalize(images, mean, std):
    if not len(mean) == len(std) == images.shape[1]:
        raise ValueError("mean and std must each have as many numbers as images have channels")
    if min(std) <= 0:
        raise ValueError("std must be positive")
    return TF.normalize(images, list(mean), list(std))


def freeze(model):
    for _, parameter in model.named_parameters():
        parameter.requires_grad_(False)
    model.train(mode=False)
    return model


class _Stop(Exception):
    pass


def feature_maps(model, layer, images):
    names = [name for name, _ in model.named_modules() if name]
    if layer not in names:
        raise ValueError(f"layer must be one of {names}, got {layer!r}")
    # The hook is on a copy, and stops the pass once it has what it wants: nothing has to be put back.
    twin = copy.deepcopy(model).eval()
    kept = []

    def stop(module, inputs, output):
        kept.append(output)
        raise _Stop

    twin.get_submodule(layer).register_forward_hook(stop)
    with torch.inference_mode(), contextlib.suppress(_Stop):
        twin(images)
    return kept[0]


def extract_features(backbone, images, batch_size=32):
    twin = copy.deepcopy(backbone).eval()
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(images), batch_size=batch_size)
    generator_state = torch.get_rng_state()
    with torch.inference_mode():
        features = torch.cat([twin(batch) for (batch,) in loader])
    torch.set_rng_state(generator_state)
    return features


def feature_grid(maps, columns=8):
    flat = maps.flatten(1)
    low, high = flat.min(dim=1).values[:, None, None], flat.max(dim=1).values[:, None, None]
    scaled = torch.nan_to_num((maps - low) / (high - low), nan=0.0)
    missing = -len(maps) % columns
    padded = torch.cat([scaled, scaled.new_zeros(missing, *maps.shape[1:])])
    rows = [torch.cat(list(row), dim=1) for row in padded.split(columns)]
    return torch.cat(rows, dim=0)
