import contextlib
import math

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torchvision import transforms
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as TF


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


# Only the mode of the backbone as a whole is set again, with train(), so submodules in another mode lose their own.
def extract_features__train_for_all_submodules(backbone: nn.Module, images: Tensor, batch_size: int = 32) -> Tensor:
    was_training = backbone.training
    backbone.eval()
    features = []
    try:
        with torch.no_grad():
            for start in range(0, len(images), batch_size):
                features.append(backbone(images[start:start + batch_size]))
    finally:
        backbone.train(was_training)
    return torch.cat(features, dim=0)


@contextlib.contextmanager
def _all_in_eval_mode(module: nn.Module):
    modes = [(m, m.training) for m in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for m, mode in modes:
            m.training = mode


# chunk(batch_size) makes batch_size pieces instead of pieces of batch_size images.
@torch.no_grad()
def extract_features__chunk_takes_the_number_of_parts(
    backbone: nn.Module, images: Tensor, batch_size: int = 32
) -> Tensor:
    with _all_in_eval_mode(backbone):
        return torch.cat([backbone(batch) for batch in images.chunk(batch_size)])


# A small number is added to every channel's range to avoid the division by zero, so weak channels do not reach 1.
def feature_grid__small_number_added_to_the_range(maps: Tensor, columns: int = 8) -> Tensor:
    c, h, w = maps.shape
    low = maps.amin(dim=(1, 2), keepdim=True)
    high = maps.amax(dim=(1, 2), keepdim=True)
    scaled = (maps - low) / (high - low + 1e-5)

    rows = -(-c // columns)
    cells = maps.new_zeros(rows * columns, h, w)
    cells[:c] = scaled
    return cells.view(rows, columns, h, w).permute(0, 2, 1, 3).reshape(rows * h, columns * w)


# The hook keeps the output detached but not copied, so a later in-place layer such as ReLU(inplace=True) changes it.
def feature_maps__output_not_copied(model: nn.Module, layer: str, images: Tensor) -> Tensor:
    modules = dict(model.named_modules())
    if layer not in modules:
        raise ValueError(f"no layer {layer!r}; choose one of {list(modules)}")

    activation: dict[str, Tensor] = {}

    def get_activation(name):
        def hook(module, args, output):
            activation[name] = output.detach()
        return hook

    modes = {m: m.training for m in model.modules()}
    handle = modules[layer].register_forward_hook(get_activation(layer))
    try:
        model.eval()
        with torch.no_grad():
            model(images)
    finally:
        handle.remove()
        for m, mode in modes.items():
            m.training = mode
    return activation[layer]


# Only Dropout and BatchNorm2d are put in eval mode, so the model itself and all other layers stay in training mode.
def freeze__only_dropout_and_batch_norm_2d(model: nn.Module) -> nn.Module:
    for p in model.parameters():
        p.requires_grad = False

    for module in model.modules():
        if isinstance(module, (nn.Dropout, nn.BatchNorm2d)):
            module.eval()

    return model


# The lengths of mean and std are compared with each other only, so one number is broadcast over all channels.
def normalize__lengths_compared_with_each_other(images, mean, std):
    if len(mean) != len(std):
        raise ValueError("mean and std must have the same number of entries")
    if any(s <= 0 for s in std):
        raise ValueError("every number in std has to be positive")
    m = torch.tensor(list(mean), dtype=images.dtype, device=images.device).view(1, -1, 1, 1)
    s = torch.tensor(list(std), dtype=images.dtype, device=images.device).view(1, -1, 1, 1)
    return (images - m) / s


# It is resized to 256/224 of size before the crop, as in the ImageNet recipe, so a rim of the square is cut away.
def preprocess__resized_larger_before_the_crop(image: Image.Image, size: int = 64) -> Tensor:
    if size < 1:
        raise ValueError(f"size must be at least 1, got {size}")
    transform = transforms.Compose([
        transforms.Resize(round(size * 256 / 224), interpolation=TF.InterpolationMode.BILINEAR, antialias=True),
        transforms.CenterCrop(size),
        transforms.ToTensor(),
    ])
    return transform(image.convert("RGB"))


# The picture is made RGB only after it was resized, so palette pictures are resized by nearest neighbour.
def preprocess__rgb_after_resizing(image: Image.Image, size: int = 64) -> Tensor:
    if size < 1:
        raise ValueError("size must be >= 1")

    image = TF.resize(image, size, interpolation=InterpolationMode.BILINEAR, antialias=True)
    image = TF.center_crop(image, [size, size])

    if image.mode != "RGB":
        image = image.convert("RGB")
    return TF.to_tensor(image)
