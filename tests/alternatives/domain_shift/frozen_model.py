"""domain_shift with a frozen backbone and a head in one model, trained by Adam on the whole of train."""

import torch
import torch.nn.functional as F
from torch import nn


def linear_probe_accuracy(backbone, train, test, *, seed=0):
    for parameter in backbone.parameters():
        parameter.requires_grad_(False)
    width = backbone(train[0][:2]).shape[1]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        head = nn.Linear(width, int(torch.cat([train[1], test[1]]).max()) + 1)
    optimizer = torch.optim.AdamW(head.parameters(), lr=0.02, weight_decay=0.01)
    features = backbone(train[0])
    for _ in range(150):
        loss = F.cross_entropy(head(features), train[1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model = nn.Sequential(backbone, head)
    with torch.no_grad():
        predictions = torch.cat([model(batch).argmax(dim=1) for batch in test[0].split(32)])
    return predictions.eq(test[1]).float().mean().item()


def transfer_gain(pretrained, scratch, train, test, *, seed=0):
    gain = linear_probe_accuracy(pretrained, train, test, seed=seed)
    gain -= linear_probe_accuracy(scratch, train, test, seed=seed)
    return gain


def rank_domains(pretrained, scratch, domains, *, seed=0):
    pairs = [
        (transfer_gain(pretrained, scratch, train, test, seed=seed), name) for name, (train, test) in domains.items()
    ]
    return [(name, gain) for gain, name in sorted(pairs, reverse=True)]
