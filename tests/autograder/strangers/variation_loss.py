import torch
import torch.nn.functional as F


def total_variation__loops_without_the_last_row(images):
    if len(images.shape) != 4:
        raise ValueError("images has shape %s, should be 4-D" % (tuple(images.shape),))
    N, C, H, W = images.shape
    tv = images.new_zeros(N)
    for i in range(H - 1):
        tv = tv + (images[:, :, i + 1, :] - images[:, :, i, :]).abs().sum((1, 2))
    for j in range(W - 2):
        tv = tv + (images[:, :, :, j + 1] - images[:, :, :, j]).abs().sum((1, 2))
    return tv


def total_variation__conv_with_a_border(images):
    if images.ndim != 4:
        raise ValueError(f"images: expected 4 dims, got {images.shape}")
    right = F.pad(images, (0, 1, 0, 0))[..., 1:]
    below = F.pad(images, (0, 0, 0, 1))[..., 1:, :]
    return ((right - images).abs() + (below - images).abs()).flatten(1).sum(1)


def total_variation__one_number(images):
    if images.dim() != 4:
        raise ValueError(f"images must be 4-D and not {tuple(images.shape)}")
    x = torch.abs(images[:, :, 1:] - images[:, :, :-1]).sum()
    y = torch.abs(images[:, :, :, 1:] - images[:, :, :, :-1]).sum()
    return x + y


def total_variation__l2(images):
    if images.dim() != 4:
        raise ValueError(f"images must be 4-D and not {tuple(images.shape)}")
    dy = images[..., 1:, :] - images[..., :-1, :]
    dx = images[..., 1:] - images[..., :-1]
    return torch.einsum("nchw,nchw->n", dy, dy) + torch.einsum("nchw,nchw->n", dx, dx)


def isotropic_variation__eps_outside(images, eps=1e-8):
    if images.dim() != 4:
        raise ValueError(f"images must be 4-D, got {tuple(images.shape)}")
    a = images[:, :, :-1, :-1]
    dx = images[:, :, :-1, 1:] - a
    dy = images[:, :, 1:, :-1] - a
    return ((dx.pow(2) + dy.pow(2)).sqrt() + eps).sum(dim=[1, 2, 3])


def variation_loss__mean_over_pixels_only(images):
    if images.ndim != 4:
        raise ValueError(f"images must have 4 dimensions, shape was {tuple(images.shape)}")
    n, c, h, w = images.size()
    tv = (images[:, :, 1:] - images[:, :, :-1]).abs().sum(dim=(1, 2, 3))
    tv += (images[:, :, :, 1:] - images[:, :, :, :-1]).abs().sum(dim=(1, 2, 3))
    return torch.mean(tv / (h * w))


def variation_loss__means_of_differences(images):
    if images.ndim != 4:
        raise ValueError(f"images must have 4 dimensions, shape was {tuple(images.shape)}")
    return torch.diff(images, dim=-2).abs().mean() + torch.diff(images, dim=-1).abs().mean()


def isotropic_variation__mean_of_the_roots(images, eps=1e-8):
    if images.dim() != 4:
        raise ValueError("images has the wrong number of dimensions: " + str(images.dim()))
    dx = (images[..., 1:] - images[..., :-1])[..., :-1, :]
    dy = (images[..., 1:, :] - images[..., :-1, :])[..., :-1]
    return torch.sqrt(dx * dx + dy * dy + eps).mean(dim=(1, 2, 3))


def variation_loss__divides_by_the_batch_twice(images):
    n, c, h, w = images.shape
    loss = 0.0
    for image in images:
        loss = loss + total_variation(image.unsqueeze(0)).mean() / (n * c * h * w)
    return loss / n


def denoise__stays_near_the_last_step(images, *, weight=0.1, steps=100, learning_rate=0.05):
    if images.dim() != 4:
        raise ValueError("images must be a batch of 4 dimensions")
    x = images.clone().detach().requires_grad_(True)
    previous = x.detach().clone()
    for _ in range(steps):
        loss = ((x - previous) ** 2).sum() + weight * total_variation(x).sum()
        loss.backward()
        previous = x.detach().clone()
        x = (x - learning_rate * x.grad).clamp(0, 1).detach().requires_grad_(True)
    return x.detach()
