"""Feature extraction၊ မြန်မာ skeleton မှ ရေးထားသည်: tensor များဖြင့် တစ်ပြိုင်တည်း။"""

from collections.abc import Callable, Sequence

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.transforms import v2


def preprocess(image: Image.Image, size: int = 64) -> Tensor:
    if size < 1:
        raise ValueError(f"size = {size} သည် 1 ထက် ငယ်သည်")
    steps = [v2.Resize(size), v2.CenterCrop(size), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
    return v2.Compose(steps)(image.convert("RGB")).as_subclass(Tensor)


def normalize(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    wrong = [name for name, values in {"mean": mean, "std": std}.items() if len(values) != images.size(1)]
    if wrong:
        raise ValueError(f"{wrong[0]} တွင် channel {images.size(1)} ခုအတွက် ကိန်း မလောက် သို့မဟုတ် ပိုနေသည်")
    if not all(value > 0 for value in std):
        raise ValueError("std သည် အပေါင်းကိန်း ဖြစ်ရမည်")
    center, scale = (images.new_tensor(list(values)).reshape(1, -1, 1, 1) for values in (mean, std))
    return images.sub(center).div(scale)


def freeze(model: nn.Module) -> nn.Module:
    return model.requires_grad_(False).eval()


def _quietly(model: nn.Module, run: Callable[[], Tensor]) -> Tensor:
    """Eval mode ဖြင့် gradient မပါဘဲ run ပြီး mode များကို ပြန်ထားပါ။"""
    in_training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        with torch.no_grad():
            return run()
    finally:
        for module in in_training:
            module.training = True


def feature_maps(model: nn.Module, layer: str, images: Tensor) -> Tensor:
    known = dict(model.named_modules())
    try:
        chosen = known[layer]
    except KeyError:
        raise ValueError(f"layer {layer!r} မရှိပါ၊ ရှိသည်မှာ {sorted(known)}") from None
    seen: dict[str, Tensor] = {}
    handle = chosen.register_forward_hook(lambda _module, _inputs, output: seen.update(maps=output.detach().clone()))
    try:
        _quietly(model, lambda: model(images))
    finally:
        handle.remove()
    return seen["maps"]


def extract_features(backbone: nn.Module, images: Tensor, batch_size: int = 32) -> Tensor:
    return _quietly(backbone, lambda: torch.cat(tuple(map(backbone, images.split(batch_size)))))


def feature_grid(maps: Tensor, columns: int = 8) -> Tensor:
    low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
    flat = high == low
    scaled = ((maps - low) / (high - low).masked_fill(flat, 1)).masked_fill(flat, 0)
    count, height, width = maps.shape
    rows = (count + columns - 1) // columns
    cells = F.pad(scaled, (0, 0, 0, 0, 0, rows * columns - count))  # ပိုသော အကွက်များ 0
    return cells.view(rows, columns, height, width).transpose(1, 2).reshape(rows * height, columns * width)
