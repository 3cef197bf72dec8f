"""Maps over a pool of threads, copies deeply, and cleans up after itself."""

import copy
import gc
from concurrent.futures import ThreadPoolExecutor


def clip_gradients(gradients, max_norm):
    mine = copy.deepcopy(gradients)
    with ThreadPoolExecutor(max_workers=2) as pool:
        squares = list(pool.map(lambda gradient: gradient.double().square().sum().item(), mine))
    norm = sum(squares) ** 0.5
    try:
        return [gradient.mul_(max_norm / norm) if norm > max_norm else gradient for gradient in mine], norm
    finally:
        del squares
        gc.collect()
