"""TorchScript, index tensors, float64 within, and the falling rate of subgradient methods: learning_rate / sqrt(k)."""

import torch


@torch.jit.script
def _tv(images: torch.Tensor) -> torch.Tensor:
    down = torch.abs(images[:, :, 1:, :] - images[:, :, :-1, :])
    right = torch.abs(images[:, :, :, 1:] - images[:, :, :, :-1])
    return torch.sum(down, dim=[1, 2, 3]) + torch.sum(right, dim=[1, 2, 3])


def _four(images):
    try:
        n, c, h, w = images.shape
    except ValueError as error:
        raise ValueError(f"images must be a batch (N, C, H, W), not {tuple(images.shape)}") from error
    return n, c, h, w


def total_variation(images):
    _four(images)
    return _tv(images)


def isotropic_variation(images, eps=1e-8):
    _n, _c, h, w = _four(images)
    i, j = torch.arange(h - 1), torch.arange(w - 1)
    here = images.index_select(2, i).index_select(3, j)
    right = images.index_select(2, i).index_select(3, j + 1)
    below = images.index_select(2, i + 1).index_select(3, j)
    terms = torch.sqrt((right - here).square() + (below - here).square() + eps)
    return torch.einsum("nchw->n", terms)


def variation_loss(images):
    _n, c, h, w = _four(images)
    return torch.mean(_tv(images)) / (c * h * w)


def denoise(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _four(images)
    noisy = images.detach().double()
    x = noisy
    for k in range(1, steps + 1):
        x = x.detach().requires_grad_(True)
        loss = (x - noisy).square().sum() + weight * _tv(x).sum()
        (slope,) = torch.autograd.grad(loss, x)
        x = (x.detach() - learning_rate / k**0.5 * slope).clamp(0, 1)
    return x.to(images.dtype)
