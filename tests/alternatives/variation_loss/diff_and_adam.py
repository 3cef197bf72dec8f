"""torch.diff for the differences, Adam for the descent; other pixels than those from 0 to 1 are refused."""

import torch


def _checked(images):
    if images.ndim != 4:
        raise ValueError(f"images has {images.ndim} dimensions, expected 4")
    assert ((images >= 0) & (images <= 1)).all(), "pixels lie in [0, 1]"
    return images


def total_variation(images):
    _checked(images)
    return sum(torch.diff(images, dim=dim).abs().flatten(1).sum(1) for dim in (2, 3))


def isotropic_variation(images, eps=1e-8):
    _checked(images)
    rows = torch.diff(images, dim=2)[..., :, :-1]
    columns = torch.diff(images, dim=3)[..., :-1, :]
    return torch.sqrt(rows.square() + columns.square() + eps).flatten(1).sum(1)


def variation_loss(images):
    _checked(images)
    return total_variation(images).sum() / images.numel()


def denoise(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _checked(images)
    guess = images.clone().requires_grad_()
    optimizer = torch.optim.Adam([guess], lr=0.3 * learning_rate)
    for _ in range(steps):
        optimizer.zero_grad()
        (((guess - images) ** 2).sum() + weight * total_variation(guess).sum()).backward()
        optimizer.step()
        with torch.no_grad():
            guess.clamp_(0, 1)
    return guess.detach()
