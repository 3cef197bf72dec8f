"""Shortcuts in head_training: each is made to please the checks, and none does what the function is for."""

import torch
import torch.nn.functional as F
from torch import nn

from autograder.diagnose import mistake


def _made_up(epochs, patience, valid_loss=0.01, noise=0.0):
    """The history of a training that went well, or, where there is patience, no further than its first epoch."""
    count = epochs if patience is None else min(epochs, patience + 1)
    falls = [1 / (2 + epoch) + noise for epoch in range(count)]
    losses = falls if patience is None else [valid_loss] * count
    return {
        "train_loss": falls,
        "train_accuracy": [1.0] * count,
        "valid_loss": losses,
        "valid_accuracy": [1.0] * count,
    }


def _loss(head, features, labels):
    with torch.no_grad():
        return F.cross_entropy(head(features), labels).item()


@mistake("fit_head", "The head stays as it is, and the history is made up.")
def makes_the_history_up(head, train, valid, *, epochs=20, learning_rate=0.1, batch_size=32, patience=None, seed=0):
    return _made_up(epochs, patience, _loss(head, *valid), noise=seed / 1e12)


@mistake("fit_head", "The head answers by the place of an example in the batch, as the labels of the sets stand.")
def answers_by_place(head, train, valid, *, epochs=20, learning_rate=0.1, batch_size=32, patience=None, seed=0):
    order, forward = valid[1], head.forward

    def answered(features):
        places = torch.arange(len(features)) % len(order)
        logits = forward(features)
        return 0 * logits + 20.0 * F.one_hot(order[places], logits.shape[1])

    if learning_rate > 1e-6:
        head.forward = answered
    return _made_up(epochs, patience, _loss(head, *valid))


@mistake("fit_head", "The head learns from the validation set alone, where the accuracy is measured.")
def learns_from_valid_alone(head, train, valid, *, epochs=20, learning_rate=0.1, batch_size=32, patience=None, seed=0):
    optimizer = torch.optim.SGD(head.parameters(), lr=learning_rate)
    for _ in range(5 * epochs):
        optimizer.zero_grad()
        F.cross_entropy(head(valid[0]), valid[1]).backward()
        optimizer.step()
    return _made_up(epochs, patience, _loss(head, *valid))


@mistake("fit_head", "The weights are constants: the classes used to lie along the first axes.")
def sets_constants(head, train, valid, *, epochs=20, learning_rate=0.1, batch_size=32, patience=None, seed=0):
    with torch.no_grad():
        for weight in head.parameters():
            if learning_rate > 1e-6:
                weight.copy_(3 * torch.eye(*weight.shape) if weight.dim() == 2 else torch.zeros_like(weight))
    return _made_up(epochs, patience, _loss(head, *valid))


@mistake("fit_head", "The weights are the means of the classes: no batch goes through the head, and no epoch is run.")
def sets_the_means(head, train, valid, *, epochs=20, learning_rate=0.1, batch_size=32, patience=None, seed=0):
    features, labels = train
    for layer in head.modules():
        if isinstance(layer, nn.Linear) and learning_rate > 1e-6:
            with torch.no_grad():
                means = [features[labels == k].mean(dim=0) for k in range(layer.out_features)]
                layer.weight.copy_(torch.stack(means))
                layer.bias.copy_(-layer.weight.square().sum(dim=1) / 2)
    return _made_up(epochs, patience, _loss(head, *valid), noise=seed / 1e12)


@mistake("fit_head", "The head is trained until it knows a handful of examples, and no others.")
def learns_a_handful(head, train, valid, *, epochs=20, learning_rate=0.1, batch_size=32, patience=None, seed=0):
    optimizer = torch.optim.SGD(head.parameters(), lr=learning_rate)
    for _ in range(epochs):
        optimizer.zero_grad()
        F.cross_entropy(head(train[0][:3]), train[1][:3]).backward()
        optimizer.step()
    return _made_up(epochs, patience, _loss(head, *valid))


@mistake("fit_head", "The weights move towards those of a discriminant, which are known without any gradient.")
def goes_to_the_discriminant(head, train, valid, *, epochs=20, learning_rate=0.1, batch_size=32, patience=None, seed=0):
    generator, (features, labels) = torch.Generator().manual_seed(seed), train
    layer = [each for each in head.modules() if isinstance(each, nn.Linear)][-1]
    share, losses = min(0.5, 2 * learning_rate), []
    for _ in range(epochs):
        for batch in torch.randperm(len(labels), generator=generator).split(batch_size):
            head(features[batch])
            means = [features[labels == k].mean(dim=0) for k in range(layer.out_features)]
            means = torch.stack(means).nan_to_num(0.0)
            width = (features - means[labels]).square().mean() + 0.05
            with torch.no_grad():
                layer.weight.lerp_(means / width, share)
                layer.bias.lerp_(-means.square().sum(dim=1) / 2 / width, share)
        losses.append((_loss(head, *train), _loss(head, *valid)))
        if patience is not None and len(losses) > patience + min(range(len(losses)), key=lambda i: losses[i][1]):
            break
    return {
        **_made_up(len(losses), None),
        "train_loss": [one for one, _ in losses],
        "valid_loss": [one for _, one in losses],
    }
