"""Domain shift."""

import torch
from torch import nn


def features_and_labels(backbone, data):
    images, labels = data
    with torch.no_grad():
        features = [backbone(images[start : start + 50]) for start in range(0, len(images), 50)]
    return torch.cat(features), labels


def linear_probe_accuracy(backbone, train, test, *, seed=0):
    features, labels = features_and_labels(backbone, train)
    others, answers = features_and_labels(backbone, test)
    mean, deviation = features.mean(0), features.std(0) + 1e-4
    features, others = (features - mean) / deviation, (others - mean) / deviation
    head = nn.Linear(features.shape[1], int(labels.max()) + 1)
    for parameter in head.parameters():
        nn.init.zeros_(parameter)
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.SGD(head.parameters(), lr=0.02, momentum=0.9, weight_decay=0.005)
    for _ in range(60):
        for rows in torch.randperm(len(features), generator=generator).split(32):
            optimizer.zero_grad()
            nn.functional.cross_entropy(head(features[rows]), labels[rows]).backward()
            optimizer.step()
    with torch.no_grad():
        return float((head(others).argmax(1) == answers).double().mean())


def transfer_gain(pretrained, scratch, train, test, *, seed=0):
    accuracies = []
    for backbone in (pretrained, scratch):
        accuracies.append(linear_probe_accuracy(backbone, train, test, seed=seed))
    return accuracies[0] - accuracies[1]


def rank_domains(pretrained, scratch, domains, *, seed=0):
    ranks = []
    for name in domains:
        train, test = domains[name]
        ranks.append((transfer_gain(pretrained, scratch, train, test, seed=seed), name))
    ranks.sort(reverse=True)
    return [(name, gain) for gain, name in ranks]
