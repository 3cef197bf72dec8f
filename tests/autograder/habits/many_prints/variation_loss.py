"""Prints, logs and warnings in every line, and a progress bar."""

import logging
import sys
import warnings

from tqdm import tqdm

logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
log = logging.getLogger(__name__)


def total_variation(images):
    print("images:", images)
    log.debug("shape %s", tuple(images.shape))
    warnings.warn("this is slow", stacklevel=2)
    if images.ndim != 4:
        raise ValueError("images must have four axes")
    total = images.new_zeros(len(images))
    for axis in tqdm((2, 3), desc="axes"):
        total = total + images.diff(dim=axis).abs().sum(dim=(1, 2, 3))
        print(f"{axis=} {total=}", file=sys.stderr, flush=True)
    return total


def variation_loss(images):
    for row in range(200):
        print(row, end="\r")
    return (total_variation(images) / images[0].numel()).mean()


print(total_variation.__name__, "is ready")
