"""domain_shift with plain SGD, a data loader, and standardised features."""

import operator

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def _features(backbone, images):
    with torch.inference_mode():
        parts = [backbone(image[None]) for image in images]
    return torch.cat(parts).clone()


def linear_probe_accuracy(backbone, train, test, *, seed=0):
    features, others = _features(backbone, train[0]), _features(backbone, test[0])
    head = nn.Sequential(nn.BatchNorm1d(features.shape[1]), nn.Linear(features.shape[1], len(train[1].unique())))
    generator = torch.Generator().manual_seed(seed)
    batches = DataLoader(TensorDataset(features, train[1]), 16, shuffle=True, generator=generator, drop_last=True)
    optimizer = torch.optim.SGD(head.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3)
    for _ in range(30):
        for inputs, labels in batches:
            optimizer.zero_grad()
            nn.CrossEntropyLoss()(head(inputs), labels).backward()
            optimizer.step()
    head.eval()
    right = 0
    for feature, label in zip(others, test[1], strict=True):
        right += int(head(feature[None]).argmax() == label)
    return right / len(test[1])


def transfer_gain(pretrained, scratch, train, test, *, seed=0):
    return operator.sub(
        linear_probe_accuracy(pretrained, train, test, seed=seed),
        linear_probe_accuracy(scratch, train, test, seed=seed),
    )


def rank_domains(pretrained, scratch, domains, *, seed=0):
    gains = {name: transfer_gain(pretrained, scratch, *halves, seed=seed) for name, halves in domains.items()}
    return [(name, gains[name]) for name in sorted(gains, key=gains.get, reverse=True)]
