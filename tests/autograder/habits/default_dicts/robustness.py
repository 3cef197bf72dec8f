"""Results in dicts of special kinds, filled as they go."""

from collections import OrderedDict, defaultdict

import torch


def transfer_rates(images, targets, models):
    if len(images) == 0 or len(images) != len(targets):
        raise ValueError(
            f"{len(images)} images and {len(targets)} targets: one target for each of at least one of the images"
        )
    hits, rates = defaultdict(list), OrderedDict()
    for name, model in models.items():
        with torch.inference_mode():
            hits[name] += (model(images).argmax(1) == targets).tolist()
        rates[name] = sum(hits[name]) / len(hits[name])
    return rates
