"""Feature extraction: feature extractor အဖြစ် pretrained network။"""

import contextlib
from collections.abc import Iterator, Sequence

import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms import functional as TF


@contextlib.contextmanager
def _eval_for_a_while(model: nn.Module) -> Iterator[None]:
    # submodule တစ်ခုစီ၏ mode ကို မှတ်ထားပြီး အဆုံးတွင် ပြန်ပေးသည်
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def preprocess(image: Image.Image, size: int = 64) -> Tensor:
    if size < 1:
        raise ValueError(f"size must be at least 1, not {size}")
    colour = image.convert("RGB")
    square = TF.center_crop(
        TF.resize(colour, [size], interpolation=TF.InterpolationMode.BILINEAR, antialias=True), [size, size]
    )
    return TF.pil_to_tensor(square).to(torch.float32) / 255


def normalize(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    channels = images.shape[1]
    for name, numbers in (("mean", mean), ("std", std)):
        if len(numbers) != channels:
            raise ValueError(f"{name} needs one number for each of the {channels} channels, not {len(numbers)}")
    if not all(number > 0 for number in std):
        raise ValueError(f"every std must be positive, not {list(std)}")

    def per_channel(numbers: Sequence[float]) -> Tensor:
        return torch.as_tensor(numbers, dtype=images.dtype, device=images.device).view(1, -1, 1, 1)

    return (images - per_channel(mean)) / per_channel(std)


def freeze(model: nn.Module) -> nn.Module:
    for weight in model.parameters():
        weight.requires_grad_(False)
    return model.eval()


def feature_maps(model: nn.Module, layer: str, images: Tensor) -> Tensor:
    layers = dict(model.named_modules())
    if layer not in layers:
        raise ValueError(f"no layer {layer!r}; there are: {', '.join(name for name in layers if name)}")
    seen: list[Tensor] = []

    def look(module: nn.Module, inputs: tuple, output: Tensor) -> None:
        # နောက် layer က in place မပြောင်းမီ မိတ္တူကူးထားသည်
        seen.append(output.detach().clone())

    hook = layers[layer].register_forward_hook(look)
    try:
        with _eval_for_a_while(model), torch.no_grad():
            model(images)
    finally:
        hook.remove()
    if not seen:
        raise RuntimeError(f"the model did not run its layer {layer!r}")
    return seen[-1]


def extract_features(backbone: nn.Module, images: Tensor, batch_size: int = 32) -> Tensor:
    with _eval_for_a_while(backbone), torch.no_grad():
        return torch.cat([backbone(batch) for batch in images.split(batch_size)])


def feature_grid(maps: Tensor, columns: int = 8) -> Tensor:
    count, height, width = maps.shape
    low = maps.amin(dim=(1, 2), keepdim=True)
    span = maps.amax(dim=(1, 2), keepdim=True) - low
    # တစ်ပြေးညီ channel ကို 1 ဖြင့် စားလျှင် 0 ရသည်
    scaled = (maps - low) / torch.where(span > 0, span, torch.ones_like(span))
    rows = -(-count // columns)
    cells = scaled.new_zeros(rows * columns, height, width)
    cells[:count] = scaled
    return cells.view(rows, columns, height, width).transpose(1, 2).reshape(rows * height, columns * width)
