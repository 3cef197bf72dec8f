import torch
import torch.nn.functional as F
from torch import Tensor


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


# The differences are summed with their signs, without the absolute value.
def total_variation__no_absolute_value(images):
    if images.ndim != 4:
        raise ValueError(f"images must be 4-D, got {images.ndim} dimensions")
    vertical = images[:, :, 1:, :] - images[:, :, :-1, :]
    horizontal = images[:, :, :, 1:] - images[:, :, :, :-1]
    return vertical.sum(dim=(1, 2, 3)) + horizontal.sum(dim=(1, 2, 3))


# eps is added outside the square root, which leaves the root without a derivative between equal pixels.
def isotropic_variation__eps_outside_the_root(images, eps=1e-8):
    if images.dim() != 4:
        raise ValueError("images has to be 4-D, got shape %s" % (tuple(images.shape),))
    dx = torch.diff(images, dim=3)[:, :, :-1, :]
    dy = torch.diff(images, dim=2)[:, :, :, :-1]
    return ((dx.pow(2) + dy.pow(2)).sqrt() + eps).sum(dim=(1, 2, 3))


# The variation is divided by the number of pixels H * W, and the channels are forgotten.
def variation_loss__channels_not_divided_by(images):
    if len(images.shape) != 4:
        raise ValueError(f"images should have 4 dimensions, not {len(images.shape)}")
    height_of_picture = images.shape[2]
    width_of_picture = images.shape[3]
    variation_of_each_picture = total_variation(images)
    return (variation_of_each_picture / (height_of_picture * width_of_picture)).mean()


# The squared distance is taken to the picture of the step before instead of to the given one, so nothing holds it back.
def denoise__held_to_the_last_step_not_the_original(images, *, weight=0.1, steps=100, learning_rate=0.05):
    if images.ndim != 4:
        raise ValueError(f"images must be (N, C, H, W), got {tuple(images.shape)}")
    x = images.detach().clone().clamp(0, 1)
    for _ in range(steps):
        noisy = x.clone()
        x.requires_grad_(True)
        with torch.enable_grad():
            objective = ((x - noisy) ** 2).sum() + weight * total_variation(x).sum()
            (slope,) = torch.autograd.grad(objective, x)
        x = (x.detach() - learning_rate * slope).clamp(0, 1)
    return x


# The distance is a mean (mse_loss) while the variation is a sum, so almost nothing holds the picture back.
def denoise__distance_is_a_mean(
    images: Tensor, *, weight: float = 0.1, steps: int = 100, learning_rate: float = 0.05
) -> Tensor:
    if images.ndim != 4:
        raise ValueError(f"images must be a 4-D batch, got {images.ndim}-D")
    target = images.detach()
    x = target.clone().requires_grad_(True)
    optimizer = torch.optim.SGD([x], lr=learning_rate)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(x, target) + weight * total_variation(x).sum()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            x.clamp_(0, 1)
    return x.detach().clamp(0, 1)


# detach() does not copy, so the steps change `images` itself, and the distance to it is always zero.
def denoise__steps_on_the_images_themselves(images, *, weight=0.1, steps=100, learning_rate=0.05):
    if images.dim() != 4:
        raise ValueError("images must be 4-D (N, C, H, W)")

    x = images.detach()
    x.requires_grad_(True)

    for _ in range(steps):
        objective = ((x - images.detach()) ** 2).sum() + weight * total_variation(x).sum()
        (grad,) = torch.autograd.grad(objective, x)
        with torch.no_grad():
            x -= learning_rate * grad
            x.clamp_(0.0, 1.0)

    return x.detach().clamp(0.0, 1.0)


# The differences are padded with zeros, so pixels in the last row and column, which lack a neighbour, count as well.
def isotropic_variation__padded_with_zeros(images: Tensor, eps: float = 1e-8) -> Tensor:
    if images.ndim != 4:
        raise ValueError(f"images: expected (N, C, H, W), got {tuple(images.shape)}")
    dx = F.pad(images[..., :, 1:] - images[..., :, :-1], (0, 1, 0, 0))
    dy = F.pad(images[..., 1:, :] - images[..., :-1, :], (0, 0, 0, 1))
    magnitude = torch.sqrt(dx.pow(2) + dy.pow(2) + eps)
    return magnitude.sum(dim=(1, 2, 3))


# The squared differences are added over the channels inside of the root, instead of one root for each channel.
def isotropic_variation__one_root_for_all_channels(images, eps=1e-8):
    if images.dim() != 4:
        raise ValueError("images has to be 4-D")
    x = images
    dx = x[:, :, :-1, 1:] - x[:, :, :-1, :-1]
    dy = x[:, :, 1:, :-1] - x[:, :, :-1, :-1]
    length = torch.sqrt((dx**2 + dy**2).sum(dim=1) + eps)
    return length.sum(dim=(1, 2))


# torch.roll makes the last row and column neighbours of the first ones, as if the picture wrapped around.
def total_variation__wraps_around(images: Tensor) -> Tensor:
    if images.ndim != 4:
        raise ValueError(f"images must be 4-D, got shape {tuple(images.shape)}")
    down = torch.roll(images, shifts=-1, dims=2)
    right = torch.roll(images, shifts=-1, dims=3)
    return (down - images).abs().sum(dim=(1, 2, 3)) + (right - images).abs().sum(dim=(1, 2, 3))


def _differences(x):
    here = x[:, :, :-1, :-1]
    dy = x[:, :, 1:, :-1] - here
    dx = x[:, :, :-1, 1:] - here
    return dy, dx


# Both differences are cut to the pixels that have both neighbours, so the last row and column are left out.
def total_variation__last_row_and_column_cut_off(images):
    if images.dim() != 4:
        raise ValueError("images must have 4 dimensions (N, C, H, W)")
    dy, dx = _differences(images)
    return (dy.abs() + dx.abs()).flatten(1).sum(1)


# Each direction is divided by its own number of neighbour pairs instead of by the number of entries.
def variation_loss__mean_of_each_direction(images: Tensor) -> Tensor:
    if images.ndim != 4:
        raise ValueError(f"images must be 4-D, not {images.ndim}-D")
    loss = images.sum() * 0.0
    if images.shape[2] > 1:
        loss = loss + torch.mean(torch.abs(images[:, :, 1:, :] - images[:, :, :-1, :]))
    if images.shape[3] > 1:
        loss = loss + torch.mean(torch.abs(images[:, :, :, 1:] - images[:, :, :, :-1]))
    return loss


# The picture is clamped inside of the objective alone, and the pixels come back as the steps have left them.
def denoise__clamped_in_the_objective_alone(images, *, weight=0.1, steps=100, learning_rate=0.05):
    if images.ndim != 4:
        raise ValueError(f"images must be 4-D, got shape {tuple(images.shape)}")
    noisy = images.detach()
    pixels = torch.nn.Parameter(noisy.clone())
    optimizer = torch.optim.SGD([pixels], lr=learning_rate)
    for _ in range(steps):
        x = pixels.clamp(0, 1)
        loss = (x - noisy).pow(2).sum() + weight * total_variation(x).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return pixels.detach()
