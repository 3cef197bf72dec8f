"""Srities poslinkis."""

import torch
import torch.nn.functional as F
from torch import nn


def features_of(backbone, images):
    with torch.no_grad():
        return torch.cat([backbone(batch) for batch in images.split(64)])


def linear_probe_accuracy(backbone, train, test, *, seed=0):
    known, asked = features_of(backbone, train[0]), features_of(backbone, test[0])
    mean, spread = known.mean(dim=0), known.std(dim=0) + 1e-3
    known, asked = (known - mean) / spread, (asked - mean) / spread
    head = nn.Linear(known.shape[1], int(train[1].max()) + 1)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    dice = torch.Generator().manual_seed(seed)
    adam = torch.optim.AdamW(head.parameters(), lr=0.01, weight_decay=0.1)
    for _ in range(60):
        for rows in torch.randperm(len(known), generator=dice).split(32):
            adam.zero_grad()
            F.cross_entropy(head(known[rows]), train[1][rows]).backward()
            adam.step()
    with torch.no_grad():
        right = head(asked).argmax(dim=1) == test[1]
    return right.double().mean().item()


def transfer_gain(pretrained, scratch, train, test, *, seed=0):
    return linear_probe_accuracy(pretrained, train, test, seed=seed) - linear_probe_accuracy(
        scratch, train, test, seed=seed
    )


def rank_domains(pretrained, scratch, domains, *, seed=0):
    gains = []
    for name, (train, test) in domains.items():
        gains.append((name, transfer_gain(pretrained, scratch, train, test, seed=seed)))
    gains.sort(key=lambda pair: pair[1], reverse=True)
    return gains
