"""How far the features of `tiny` carry: `python -m data.transfer` prints the table of the README.

For each domain a linear head is trained in the same way on three things: the frozen features of the
pretrained network, those of the untrained one, and the raw pixels.
"""

import argparse
import os
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from data.domains import DOMAINS, Labelled, load_domain
from data.errors import DataError
from data.networks import COME_ALONG, load_backbone
from data.pets import pets_root

STEPS = 200
LEARNING_RATE = 0.02
WEIGHT_DECAY = 0.01


def probe_accuracy(train: Labelled, test: Labelled, *, seed: int = 0) -> float:
    """Accuracy on `test` of a linear head trained on `train`, each `(features (N, D), labels (N,))`.

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


@torch.inference_mode()
def features_of(backbone: nn.Module, images: Tensor) -> Tensor:
    """The features `(N, D)` of images `(N, 3, H, W)`, in batches."""
    return torch.cat([backbone(part) for part in images.split(64)]).clone()


def probe(backbone: nn.Module, train: Labelled, test: Labelled, *, seed: int = 0) -> float:
    """Accuracy on the images of `test` of a linear head trained on the features of those of `train`."""
    (images, labels), (test_images, test_labels) = train, test
    return probe_accuracy(
        (features_of(backbone, images), labels), (features_of(backbone, test_images), test_labels), seed=seed
    )


def accuracies(name: str, domain: str, seed: int) -> tuple[float, float, float]:
    """Accuracy of a linear head on the pretrained features, on the untrained ones, and on raw pixels."""
    train, test = load_domain(domain, seed=seed)
    backbones = (load_backbone(name), load_backbone(name, False, seed=seed), nn.Flatten())
    pretrained, untrained, pixels = (probe(backbone, train, test, seed=seed) for backbone in backbones)
    return pretrained, untrained, pixels


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--networks", nargs="+", default=list(COME_ALONG))
    parser.add_argument("--pets", metavar="DIR", type=Path, help="the folder that holds the real oxford-iiit-pet")
    arguments = parser.parse_args()
    try:
        # From here on the named collection is the one that every part of the course reads.
        os.environ["OXFORD_PETS"] = str(pets_root(arguments.pets))
    except DataError as error:
        parser.error(str(error))
    print("| network | domain | seed | pretrained | untrained | raw pixels | gain over untrained |")
    print("|---|---|---|---|---|---|---|")
    for name in arguments.networks:
        for domain in DOMAINS:
            for seed in range(arguments.seeds):
                good, scratch, pixels = accuracies(name, domain, seed)
                print(
                    f"| {name} | {domain} | {seed} | {good:.3f} | {scratch:.3f} | {pixels:.3f}"
                    f" | {good - scratch:+.3f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
