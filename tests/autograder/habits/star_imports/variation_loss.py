"""Star imports, which bring torch's own names, and a `__main__` part with a demo."""

from math import *  # noqa: F403
from torch import *  # noqa: F403
from torch.nn.functional import *  # noqa: F403


def total_variation(images):
    if images.dim() != 4:
        raise ValueError(f"images is {images.dim()}-D")
    return diff(images, dim=2).abs().sum((1, 2, 3)) + diff(images, dim=3).abs().sum((1, 2, 3))  # noqa: F405


def variation_loss(images):
    return mean(total_variation(images) / prod(tensor(images.shape[1:])))  # noqa: F405


if __name__ == "__main__":
    picture = rand(1, 3, 8, 8)  # noqa: F405
    print(total_variation(picture), variation_loss(picture))
    raise SystemExit(0)
