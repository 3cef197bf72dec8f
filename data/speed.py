"""How fast the networks that come along are on one core: `python -m data.speed`."""

import statistics
import time
from collections.abc import Callable
from functools import partial

import torch

from data.networks import COME_ALONG, COME_ALONG_FOLDER, load_model

BATCH, SIZE, RUNS = 32, 64, 30


def milliseconds(action: Callable[[], object]) -> float:
    """The median time of an action over 30 runs, after three that warm up."""
    times = []
    for _ in range(RUNS + 3):
        started = time.perf_counter()
        action()
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times[3:])


def main() -> None:
    torch.set_num_threads(1)
    images = torch.rand(BATCH, 3, SIZE, SIZE)
    for name in COME_ALONG:
        model = load_model(name)
        with torch.inference_mode():
            forward = milliseconds(partial(model, images))
        load = milliseconds(partial(load_model, name))
        size = (COME_ALONG_FOLDER / f"{name}.safetensors").stat().st_size
        print(
            f"{name}: {size:,} bytes, {forward:.1f} ms for {BATCH} images of {SIZE} x {SIZE}, loaded in {load:.1f} ms"
        )


if __name__ == "__main__":
    main()
