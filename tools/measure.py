"""Measure the networks that come along: how far their features carry, and how fast they are.

    python -m tools.measure transfer    the table in data/README.md
    python -m tools.measure speed       size, time of a forward pass and of loading, on one core

For `transfer`, a linear head is trained in the same way on three things: the frozen features of the pretrained network, those
of the untrained one, and the raw pixels.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from data import DataError, load_backbone, load_model, pets_root
from data.domains import DOMAINS, Labelled, load_domain
from data.networks import COME_ALONG, COME_ALONG_FOLDER, features_of

STEPS = 200
LEARNING_RATE = 0.02
WEIGHT_DECAY = 0.01
BATCH, SIZE, RUNS = 32, 64, 30


def probe_accuracy(train: Labelled, test: Labelled, *, seed: int = 0) -> float:
    """Return the accuracy on `test` of a linear head trained on `train`, each `(features (N, D), labels (N,))`.

    Features are standardised with the mean and deviation of `train`; the head is trained on the whole of it
    for 200 steps of AdamW. `seed` draws the head's first weights.
    """
    (features, labels), (test_features, test_labels) = train, test
    mean, deviation = features.mean(0), features.std(0) + 1e-6
    features, test_features = (features - mean) / deviation, (test_features - mean) / deviation
    # Long vectors would otherwise take longer steps: raw pixels are 12,288 numbers, features 160.
    scale = (160 / features.shape[1]) ** 0.5
    head = _head(features.shape[1], int(labels.max()) + 1, seed)
    optimizer = torch.optim.AdamW(head.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    for _ in range(STEPS):
        optimizer.zero_grad()
        F.cross_entropy(head(features * scale), labels).backward()
        optimizer.step()
    with torch.inference_mode():
        return float((head(test_features * scale).argmax(1) == test_labels).float().mean())


def _head(inward: int, outward: int, seed: int) -> nn.Linear:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Linear(inward, outward)


def probe(backbone: nn.Module, train: Labelled, test: Labelled, *, seed: int = 0) -> float:
    """Return the accuracy on `test` of a linear head trained on the features of `train`, each `(images, labels)`."""
    (images, labels), (test_images, test_labels) = train, test
    return probe_accuracy(
        (features_of(backbone, images), labels), (features_of(backbone, test_images), test_labels), seed=seed
    )


def accuracies(name: str, domain: str, seed: int) -> tuple[float, float, float]:
    """Return the accuracy of a linear head on pretrained features, on untrained features, and on raw pixels."""
    train, test = load_domain(domain, seed=seed)
    backbones = (load_backbone(name), load_backbone(name, False, seed=seed), nn.Flatten())
    pretrained, untrained, pixels = (probe(backbone, train, test, seed=seed) for backbone in backbones)
    return pretrained, untrained, pixels


def print_transfer(networks: list[str], seeds: int) -> None:
    """Print a table with a row for each network, domain and seed."""
    print("| network | domain | seed | pretrained | untrained | raw pixels | gain over untrained |")
    print("|---|---|---|---|---|---|---|")
    for name in networks:
        for domain in DOMAINS:
            for seed in range(seeds):
                good, scratch, pixels = accuracies(name, domain, seed)
                print(
                    f"| {name} | {domain} | {seed} | {good:.3f} | {scratch:.3f} | {pixels:.3f}"
                    f" | {good - scratch:+.3f} |",
                    flush=True,
                )


def milliseconds(action: Callable[[], object]) -> float:
    """Return the median time of an action over 30 runs, after three runs to warm up."""
    times = []
    for _ in range(RUNS + 3):
        started = time.perf_counter()
        action()
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times[3:])


def print_speed() -> None:
    """Print a line for each network that comes along, measured with one thread."""
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


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.measure", description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    transfer = commands.add_parser("transfer", help="accuracy of linear heads on three domains")
    transfer.add_argument("--seeds", type=int, default=3)
    transfer.add_argument("--networks", nargs="+", default=list(COME_ALONG))
    transfer.add_argument("--pets", metavar="DIR", type=Path, help="the folder that holds the real oxford-iiit-pet")
    commands.add_parser("speed", help="size and speed on one core")
    options = parser.parse_args()
    if options.command == "speed":
        print_speed()
        return
    try:
        # From here on the named collection is the one that every part of the course reads.
        os.environ["OXFORD_PETS"] = str(pets_root(options.pets))
    except DataError as error:
        parser.error(str(error))
    print_transfer(options.networks, options.seeds)


if __name__ == "__main__":
    main()
