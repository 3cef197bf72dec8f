"""The differences as convolutions with two small kernels, L1 losses for the sums, SGD for the descent."""

import torch
import torch.nn.functional as F


def _differences(images):
    if len(images.shape) != 4:
        raise ValueError("images: expected (N, C, H, W), got " + str(tuple(images.shape)))
    planes = images.reshape(-1, 1, *images.shape[2:])
    kernel = torch.tensor([[-1.0, 1.0]], dtype=images.dtype, device=images.device)
    height, width = images.shape[2:]
    across = F.conv2d(planes, kernel.view(1, 1, 1, 2)) if width > 1 else planes[..., :0]
    down = F.conv2d(planes, kernel.view(1, 1, 2, 1)) if height > 1 else planes[..., :0, :]
    return across.reshape(*images.shape[:2], *across.shape[2:]), down.reshape(*images.shape[:2], *down.shape[2:])


def total_variation(images):
    across, down = _differences(images)
    return torch.stack([a.abs().sum() + d.abs().sum() for a, d in zip(across, down, strict=True)])


def isotropic_variation(images, eps=1e-8):
    across, down = _differences(images)
    if min(images.shape[2:]) < 2:
        return images.sum(dim=(1, 2, 3)) * 0
    return torch.einsum("nchw->n", (across[:, :, :-1] ** 2 + down[..., :-1] ** 2 + eps) ** 0.5)


def variation_loss(images):
    across, down = _differences(images)
    return (across.abs().sum() + down.abs().sum()) / images.numel()


def denoise(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _differences(images)
    picture = torch.nn.Parameter(images.clone())
    optimizer = torch.optim.SGD([picture], lr=learning_rate)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(picture, images, reduction="sum") + weight * total_variation(picture).sum()
        loss.backward()
        optimizer.step()
        picture.data.clamp_(0, 1)
    return picture.data
