import math
from torch import nn
import numpy as np
import torch
from torchvision import transforms


def preprocess__imagenet_normalised(image, size=64):
    if size < 1:
        raise ValueError(f"size = {size}")
    pipeline = transforms.Compose(
        [
            transforms.Resize(size),
            transforms.CenterCrop(size),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    return pipeline(image.convert("RGB"))


def preprocess__numpy_channels_last(image, size=64):
    if size < 1:
        raise ValueError("size has to be positive")
    image = image.convert("RGB")
    image = transforms.CenterCrop(size)(transforms.Resize(size)(image))
    return torch.from_numpy(np.asarray(image).astype("float32") / 255.0)


def normalize__no_checks(images, mean, std):
    m = torch.as_tensor(mean, dtype=images.dtype, device=images.device)[None, :, None, None]
    s = torch.as_tensor(std, dtype=images.dtype, device=images.device)[None, :, None, None]
    return (images - m) / s


def feature_maps__modes_forgotten(model, layer, images):
    modules = {name: module for name, module in model.named_modules()}
    if layer not in modules:
        raise ValueError(f"no layer {layer}, there are {list(modules)}")
    store = {}

    def hook(_module, _input, output):
        store["x"] = output.detach().clone()

    handle = modules[layer].register_forward_hook(hook)
    model.eval()
    try:
        with torch.no_grad():
            model(images)
    finally:
        handle.remove()
    return store["x"]


def extract_features__train_afterwards(backbone, images, batch_size=32):
    backbone.eval()
    out = []
    with torch.inference_mode():
        for start in range(0, images.shape[0], batch_size):
            out.append(backbone(images[start : start + batch_size]))
    backbone.train()
    return torch.vstack(out).clone()


def feature_grid__columns_and_rows(maps, columns=8):
    c, h, w = maps.shape
    rows = (c + columns - 1) // columns
    canvas = torch.zeros(rows * h, columns * w, dtype=maps.dtype)
    lo, hi = maps.min(), maps.max()
    for k in range(c):
        r, q = divmod(k, columns)
        canvas[r * h : (r + 1) * h, q * w : (q + 1) * w] = (maps[k] - lo) / (hi - lo + 1e-12)
    return canvas


def preprocess__squeezed_into_the_square(image, size=64):
    if size < 1:
        raise ValueError(f"size = {size} makes no sense")
    rgb = image.convert("RGB").resize((size, size), Image.BILINEAR)
    return TF.pil_to_tensor(rgb).float() / 255.0


def normalize__in_place(images, mean, std):
    n_channels = images.size(1)
    if len(mean) != n_channels:
        raise ValueError("mean: one number per channel please")
    if len(std) != n_channels or any(s <= 0 for s in std):
        raise ValueError("std: one positive number per channel please")
    for c in range(n_channels):
        images[:, c] -= mean[c]
        images[:, c] /= std[c]
    return images


def feature_grid__down_the_columns(maps, columns=8):
    c, h, w = maps.shape
    rows = (c + columns - 1) // columns
    grid = torch.zeros(rows * h, columns * w)
    for k in range(c):
        m = maps[k]
        if m.max() > m.min():
            m = (m - m.min()) / (m.max() - m.min())
        else:
            m = torch.zeros_like(m)
        row, column = k % rows, k // rows
        grid[row * h : row * h + h, column * w : column * w + w] = m
    return grid


# The mean is subtracted after the division by the standard deviation: x / std - mean instead of (x - mean) / std.
def normalize__mean_subtracted_after_division(images, mean, std):
    channels = images.shape[1]
    if len(mean) != channels:
        raise ValueError(f"mean has {len(mean)} numbers, but there are {channels} channels")
    if len(std) != channels:
        raise ValueError(f"std has {len(std)} numbers, but there are {channels} channels")
    if not all(s > 0 for s in std):
        raise ValueError(f"std must be positive everywhere, got {list(std)}")
    mu = torch.tensor([float(m) for m in mean], dtype=images.dtype, device=images.device)
    inverse = torch.tensor([1.0 / float(s) for s in std], dtype=images.dtype, device=images.device)
    return torch.einsum("nchw,c->nchw", images, inverse) - mu[:, None, None]


# The hook is removed only if the forward pass succeeds: after an error it stays on the layer.
def feature_maps__hook_left_after_error(model, layer, images):
    table = dict(model.named_modules())
    if layer not in table:
        raise ValueError(f"layer {layer!r} does not exist; there are {list(table)}")
    seen = []

    def remember(module, inputs, output):
        seen.append(output.detach().clone())

    modes = [(m, m.training) for m in model.modules()]
    model.eval()
    try:
        handle = table[layer].register_forward_hook(remember)
        with torch.no_grad():
            model(images)
        handle.remove()
    finally:
        for m, was_training in modes:
            m.training = was_training
    return seen[0]


# Only the mode of the outermost module is remembered, and .train(mode) gives that one to all submodules afterwards.
def extract_features__one_mode_for_all_submodules(backbone: nn.Module, images, batch_size=32):
    was_training = backbone.training
    backbone.eval()
    try:
        with torch.no_grad():
            return torch.cat([backbone(part) for part in images.split(int(batch_size))])
    finally:
        backbone.train(was_training)


# The cells are filled column by column instead of row by row.
def feature_grid__filled_column_by_column(maps, columns=8):
    number_of_channels, cell_height, cell_width = maps.shape
    number_of_rows = math.ceil(number_of_channels / columns)
    picture = maps.new_zeros(number_of_rows * cell_height, columns * cell_width)
    for channel_index in range(number_of_channels):
        channel = maps[channel_index]
        smallest = channel.min()
        largest = channel.max()
        if largest > smallest:
            scaled = (channel - smallest) / (largest - smallest)
        else:
            scaled = torch.zeros_like(channel)
        row = channel_index % number_of_rows
        column = channel_index // number_of_rows
        top = row * cell_height
        left = column * cell_width
        picture[top : top + cell_height, left : left + cell_width] = scaled
    return picture
