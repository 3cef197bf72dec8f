"""Global constants, a cache by shape, a memoised helper and a counter."""

import functools

import torch

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
AXES = DOWN, RIGHT = 2, 3
KERNELS = {axis: torch.tensor([-1.0, 1.0], device=DEVICE) for axis in AXES}
_sizes: dict[tuple[int, ...], int] = {}
calls = 0

torch.manual_seed(0)
torch.set_num_threads(2)
torch.set_printoptions(precision=3)


@functools.lru_cache(maxsize=None)
def entries(shape):
    return functools.reduce(lambda a, b: a * b, shape, 1)


def total_variation(images):
    global calls
    calls += 1
    if images.ndim != len(("N", "C", "H", "W")):
        raise ValueError(f"images has shape {tuple(images.shape)}")
    images = images.to(DEVICE)
    return sum(images.diff(dim=axis).abs().sum(dim=(1, 2, 3)) for axis in AXES)


def variation_loss(images):
    shape = tuple(images.shape[1:])
    size = _sizes.setdefault(shape, entries(shape))
    return total_variation(images).mean() / size
