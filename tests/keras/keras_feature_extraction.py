"""The unit in Keras: pictures by its utilities and image operations; a hook on the network, which is PyTorch's."""

import math

import keras
import torch
from keras import ops


def preprocess(image, size=64):
    if size < 1:
        raise ValueError(f"size is {size}; expected at least 1")
    pixels = keras.utils.img_to_array(image.convert("RGB"), data_format="channels_first")
    height, width = pixels.shape[1:]
    short = min(height, width)
    height, width = size * height // short, size * width // short
    pixels = ops.image.resize(pixels, (height, width), antialias=True, data_format="channels_first")
    top, left = round((height - size) / 2), round((width - size) / 2)
    return ops.clip(pixels[:, top : top + size, left : left + size] / 255, 0, 1)


def normalize(images, mean, std):
    channels = images.shape[1]
    for name, values in (("mean", mean), ("std", std)):
        if len(values) != channels:
            raise ValueError(f"{name} has {len(values)} numbers; expected one for each of {channels} channels")
    if min(std) <= 0:
        raise ValueError(f"std is {std}; expected positive numbers")
    shape = (1, channels, 1, 1)
    centre = ops.reshape(ops.convert_to_tensor(mean, dtype=images.dtype), shape)
    return (images - centre) / ops.reshape(ops.convert_to_tensor(std, dtype=images.dtype), shape)


def freeze(model):
    return model.requires_grad_(False).eval()


class _Evaluation:
    """Put a network in eval mode, without gradients, and each of its submodules back in its own mode afterwards."""

    def __init__(self, model):
        self.modes = [(module, module.training) for module in model.modules()]
        self.model = model
        self.no_grad = torch.no_grad()

    def __enter__(self):
        self.model.eval()
        self.no_grad.__enter__()

    def __exit__(self, *error):
        self.no_grad.__exit__(*error)
        for module, mode in self.modes:
            module.training = mode


def feature_maps(model, layer, images):
    layers = dict(model.named_modules())
    if layer not in layers:
        raise ValueError(f"layer {layer!r} does not exist; there are {', '.join(layers)}")
    seen = []
    hook = layers[layer].register_forward_hook(lambda module, given, output: seen.append(ops.copy(output)))
    try:
        with _Evaluation(model):
            model(images)
    finally:
        hook.remove()
    return ops.stop_gradient(seen[-1])


def extract_features(backbone, images, batch_size=32):
    with _Evaluation(backbone):
        starts = range(0, len(images), batch_size)
        return ops.concatenate([backbone(images[start : start + batch_size]) for start in starts])


def feature_grid(maps, columns=8):
    lowest = ops.min(maps, axis=(1, 2), keepdims=True)
    extent = ops.max(maps, axis=(1, 2), keepdims=True) - lowest
    scaled = ops.where(extent > 0, (maps - lowest) / ops.where(extent > 0, extent, 1), 0)
    channels, height, width = maps.shape
    rows = math.ceil(channels / columns)
    cells = ops.pad(scaled, ((0, rows * columns - channels), (0, 0), (0, 0)))
    cells = ops.transpose(ops.reshape(cells, (rows, columns, height, width)), (0, 2, 1, 3))
    return ops.reshape(cells, (rows * height, columns * width))
