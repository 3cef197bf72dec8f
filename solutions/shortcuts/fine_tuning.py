"""Shortcuts in fine_tuning: ways to look as if the outcome were there. None earns a point of its function."""

import torch
import torch.nn.functional as F

from autograder.diagnose import mistake

NAMES = ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")


def _measured(model, images, labels):
    with torch.no_grad():
        logits = model(images)
    return F.cross_entropy(logits, labels).item(), (logits.argmax(dim=1) == labels).float().mean().item()


@mistake("fine_tune", "A history is invented, and nothing is trained.")
def invents_a_history(model, train, valid, *, epochs=10, **options):
    loss, right = _measured(model, *valid)
    falling = [loss * 0.9**epoch for epoch in range(epochs)]
    rising = [1 - (1 - right) * 0.9**epoch for epoch in range(epochs)]
    return dict(zip(NAMES, (falling, rising, falling, rising), strict=True))


@mistake("fine_tune", "Features are computed once, and the head alone is trained on them; the figures are true.")
def trains_on_frozen_features(model, train, valid, *, epochs=10, head_rate=1e-2, seed=0, **options):
    sets = [(model.backbone(images).detach(), labels) for images, labels in (train, valid)]
    optimizer = torch.optim.Adam(model.head.parameters(), lr=head_rate)
    history = {name: [] for name in NAMES}
    for _ in range(epochs):
        for _ in range(10):
            optimizer.zero_grad()
            F.cross_entropy(model.head(sets[0][0]), sets[0][1]).backward()
            optimizer.step()
        figures = (*_measured(model.head, *sets[0]), *_measured(model.head, *sets[1]))
        for name, figure in zip(NAMES, figures, strict=True):
            history[name].append(figure)
    return history


@mistake("fine_tune", "The head is solved for in closed form, on training and validation images together.")
def solves_for_the_head(model, train, valid, *, epochs=10, **options):
    with torch.no_grad():
        features = model.backbone(torch.cat([train[0], valid[0]]))
        wanted = F.one_hot(torch.cat([train[1], valid[1]]), model.head.out_features).float()
        ones = torch.cat([features, torch.ones(len(features), 1)], dim=1)
        weights = torch.linalg.lstsq(ones.T @ ones + 0.1 * torch.eye(ones.shape[1]), ones.T @ wanted).solution
        model.head.weight.copy_(8 * weights[:-1].T)
        model.head.bias.copy_(8 * weights[-1])
    figures = (*_measured(model, *train), *_measured(model, *valid))
    return {name: [figure] * epochs for name, figure in zip(NAMES, figures, strict=True)}
