"""Variation loss၊ မြန်မာ skeleton မှ ရေးထားသည်: diff နှင့် လက်ဖြင့်တွက်သော gradient။"""

import torch
import torch.nn.functional as F
from torch import Tensor


def _four(images: Tensor) -> Tensor:
    if images.ndim != 4:
        raise ValueError(f"images သည် 4-D ဖြစ်ရမည်၊ {images.ndim}-D ဖြစ်နေသည်")
    return images


def total_variation(images: Tensor) -> Tensor:
    _four(images)
    return sum(torch.einsum("nchw->n", images.diff(dim=dim).abs()) for dim in (2, 3))


def isotropic_variation(images: Tensor, eps: float = 1e-8) -> Tensor:
    _four(images)
    right = images.diff(dim=3)[:, :, :-1]
    down = images.diff(dim=2)[..., :-1]
    return torch.einsum("nchw->n", (right.square() + down.square() + eps).sqrt())


def variation_loss(images: Tensor) -> Tensor:
    return total_variation(images).mean() / _four(images)[0].numel()


def denoise(images: Tensor, *, weight: float = 0.1, steps: int = 100, learning_rate: float = 0.05) -> Tensor:
    noisy = _four(images).detach()
    x = noisy.clamp(0, 1)
    for _ in range(steps):
        # |a - b| ၏ gradient သည် ခြားနားချက်၏ လက္ခဏာ
        across, down = x.diff(dim=3).sign(), x.diff(dim=2).sign()
        slope = F.pad(across, (1, 0)) - F.pad(across, (0, 1))
        slope += F.pad(down, (0, 0, 1, 0)) - F.pad(down, (0, 0, 0, 1))
        x = (x - learning_rate * (2 * (x - noisy) + weight * slope)).clamp(0, 1)
    return x
