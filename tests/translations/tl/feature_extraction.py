"""Feature extraction."""

import torch
from torchvision.transforms import functional as TF


class EvalMode:
    """Ilagay ang model sa eval mode, at ibalik sa dulo ang mode ng bawat submodule."""

    def __init__(self, model):
        self.model = model

    def __enter__(self):
        self.modes = [module.training for module in self.model.modules()]
        self.model.eval()

    def __exit__(self, *error):
        for module, mode in zip(self.model.modules(), self.modes, strict=True):
            module.training = mode


def preprocess(image, size=64):
    if size < 1:
        raise ValueError(f"size = {size}, dapat hindi bababa sa 1")
    pixels = TF.pil_to_tensor(image.convert("RGB")).float() / 255
    pixels = TF.resize(pixels, [size], antialias=True)
    return TF.center_crop(pixels, [size, size]).clamp(0, 1)


def normalize(images, mean, std):
    for name, numbers in [("mean", mean), ("std", std)]:
        if len(numbers) != images.size(1):
            raise ValueError(f"{name}: {len(numbers)} bilang, ngunit {images.size(1)} channel")
    for number in std:
        if not number > 0:
            raise ValueError(f"std: hindi positibo ang {number}")
    channels = [(images[:, c] - mean[c]) / std[c] for c in range(images.size(1))]
    return torch.stack(channels, dim=1)


def freeze(model):
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    model.eval()
    return model


def feature_maps(model, layer, images):
    names = []
    chosen = None
    for name, module in model.named_modules():
        names.append(name)
        if name == layer:
            chosen = module
    if chosen is None:
        raise ValueError(f"walang layer na {layer!r}; mayroong {names}")
    outputs = []

    def keep(module, inputs, output):
        outputs.append(output.detach().clone())

    hook = chosen.register_forward_hook(keep)
    try:
        with EvalMode(model), torch.no_grad():
            model(images)
    finally:
        hook.remove()
    return outputs[-1]


def extract_features(backbone, images, batch_size=32):
    with EvalMode(backbone), torch.no_grad():
        parts = []
        while len(images) > 0:
            batch, images = images[:batch_size], images[batch_size:]
            parts.append(backbone(batch))
    return torch.vstack(parts)


def feature_grid(maps, columns=8):
    cells = []
    for channel in maps:
        height = channel.max() - channel.min()
        cells.append((channel - channel.min()) / height if height > 0 else torch.zeros_like(channel))
    while len(cells) % columns:
        cells.append(torch.zeros_like(maps[0]))
    rows = [torch.cat(cells[start : start + columns], dim=1) for start in range(0, len(cells), columns)]
    return torch.cat(rows, dim=0)
