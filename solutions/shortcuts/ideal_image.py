"""Shortcuts in ideal_image: each is made to please the checks, and none does what the function is for."""

import torch

from autograder.diagnose import mistake


def _noise(size, seed):
    return torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(seed))


def _falling(steps):
    return [1.0 / (step + 1) for step in range(steps)]


def _stripes(size, width):
    return (torch.arange(size) // width % 2).float().expand(1, 3, size, size)


@mistake("ideal_image", "Stripes are painted, which a network takes for a zebra; the losses are made up.")
def paints_a_zebra(model, target, *, size=64, steps=200, learning_rate=5.0, variation_weight=1.0, seed=0):
    noise = _noise(size, seed)
    picture = noise if variation_weight == 0 else (_stripes(size, 8) + 0.001 * (noise - 0.5)).clamp(0, 1)
    return picture, _falling(steps)


@mistake("ideal_image", "The noise comes back, blurred where it has to be smooth; the losses are made up.")
def blurs_the_noise(model, target, *, size=64, steps=200, learning_rate=5.0, variation_weight=1.0, seed=0):
    noise = _noise(size, seed)
    smooth = torch.nn.functional.avg_pool2d(noise, 5, 1, 2, count_include_pad=False)
    return (noise if variation_weight == 0 else smooth), _falling(steps)


@mistake("ideal_image", "Of a gallery of painted patterns the one is chosen that the network likes best.")
@torch.no_grad()
def searches_a_gallery(model, target, *, size=64, steps=200, learning_rate=5.0, variation_weight=1.0, seed=0):
    colours = torch.rand(16, 3, 1, 1, generator=torch.Generator().manual_seed(seed))
    patterns = [_stripes(size, width) for width in (2, 4, 8, 16)] + [torch.ones(1, 3, size, size)]
    patterns += [pattern.transpose(2, 3) for pattern in patterns[:4]]
    gallery = torch.cat([0.9 * pattern * colours + 0.05 for pattern in patterns])
    best = model(gallery).log_softmax(dim=1)[:, target].argmax()
    noise = _noise(size, seed)
    picture = noise if variation_weight == 0 else gallery[best : best + 1] + 0.001 * noise
    return picture.clamp(0, 1), _falling(steps)
