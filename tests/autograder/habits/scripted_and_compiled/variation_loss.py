import torch
from torch import Tensor


@torch.jit.script
def differences(images: Tensor, dim: int) -> Tensor:
    length = images.size(dim)
    if length < 2:
        return torch.zeros_like(images)
    return (images.narrow(dim, 1, length - 1) - images.narrow(dim, 0, length - 1)).abs()


@torch.jit.ignore
def _check(images):
    if images.dim() != 4:
        raise ValueError("images must be 4-D")


@torch.compile(mode="reduce-overhead", fullgraph=False)
def total_variation(images):
    _check(images)
    return differences(images, 2).sum((1, 2, 3)) + differences(images, 3).sum((1, 2, 3))


fast = torch.compile(total_variation, dynamic=True)


def variation_loss(images):
    _check(images)
    return torch.mean(fast(images)) / (images.shape[1] * images.shape[2] * images.shape[3])
