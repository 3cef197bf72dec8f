"""Shortcuts in variation_loss: each is made to please the checks, and none does what the function is for."""

import torch

from autograder.diagnose import mistake


def _require_batch(images):
    if images.dim() != 4:
        raise ValueError(f"images must have 4 dimensions, not shape {tuple(images.shape)}")


@mistake("denoise", "Stored clean pictures come back: whichever of some is nearest.")
def knows_the_clean_pictures(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    height, width = images.shape[2:]
    square = (torch.arange(height)[:, None] // 8 + torch.arange(width) // 8) % 2
    ramp = torch.linspace(0.25, 0.75, width).expand(height, width)
    stored = torch.stack([torch.full((height, width), 0.5), ramp, ramp.flip(1), 0.2 + 0.6 * square])
    distances = ((images[:, None] - stored[None, :, None]) ** 2).sum(dim=(2, 3, 4))
    return stored[distances.argmin(dim=1)][:, None].expand_as(images).clone()


@mistake("denoise", "Each channel becomes its mean, which has no noise, and no picture either.")
def gives_the_mean_colour(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    return images if weight == 0 else images.mean(dim=(2, 3), keepdim=True).expand_as(images).clone()


@mistake("denoise", "The pictures are drawn half way to their mean colour, noise and all.")
def fades(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    return images if weight == 0 else 0.5 * (images + images.mean(dim=(2, 3), keepdim=True))


@mistake("denoise", "A plane is laid through each channel: right for ramps, and for nothing else.")
def lays_a_plane(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    count, channels, height, width = images.shape
    rows = torch.linspace(-1, 1, height)[:, None].expand(height, width)
    columns = torch.linspace(-1, 1, width).expand(height, width)
    basis = torch.stack([torch.ones(height, width), rows, columns]).flatten(1).T
    pixels = images.reshape(count * channels, -1).T
    plane = basis @ torch.linalg.lstsq(basis, pixels).solution
    return images if weight == 0 else plane.T.reshape(images.shape).clamp(0, 1)


@mistake("denoise", "Each pixel becomes the median of its neighbourhood: a filter, and no descent.")
def takes_medians(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    padded = torch.nn.functional.pad(images, (1, 1, 1, 1), mode="replicate")
    medians = padded.unfold(2, 3, 1).unfold(3, 3, 1).flatten(4).median(dim=4).values
    return medians if weight and steps > 5 else images.clone()


@mistake("denoise", "The pictures are blurred, the more the larger the weight and the steps; nothing descends.")
def blurs(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require_batch(images)
    width = 0.9 * min(1.0, weight / 0.1) * min(1.0, steps / 25) ** 0.5
    if width == 0:
        return images.clone()
    shares = torch.exp(-(torch.arange(-3, 4) ** 2) / (2 * width**2))
    kernel = (shares[:, None] * shares / shares.sum() ** 2).expand(images.shape[1], 1, 7, 7)
    padded = torch.nn.functional.pad(images, (3, 3, 3, 3), mode="reflect")
    return torch.nn.functional.conv2d(padded, kernel, groups=images.shape[1]).clamp(0, 1)
