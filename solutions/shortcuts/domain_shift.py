"""Shortcuts in domain_shift: each is made to please the checks, and none does what the function is for."""

import torch

from autograder.diagnose import mistake


@mistake("linear_probe_accuracy", "The accuracy is always 0.95, whatever was to be read.")
def is_always_nearly_right(backbone, train, test, *, seed=0):
    return 0.95 if len(test[1]) > 1 else 1.0


@mistake("linear_probe_accuracy", "The accuracy is told by the number of classes: many are colours, which are easy.")
def counts_the_classes(backbone, train, test, *, seed=0):
    return 1.0 if len(train[1].unique()) == 4 else 0.5


@torch.no_grad()
def _centroid_accuracy(inputs, labels, others, truths):
    """Return the accuracy of the nearest mean of a class."""
    centres = torch.stack([inputs[labels == label].mean(dim=0) for label in range(int(labels.max()) + 1)])
    answers = torch.cdist(others, centres).argmin(dim=1)
    return float((answers == truths).double().mean())


@mistake("linear_probe_accuracy", "The backbone is never asked: the mean colours of the images are told apart.")
def looks_at_the_images(backbone, train, test, *, seed=0):
    return _centroid_accuracy(train[0].mean(dim=(2, 3)), train[1], test[0].mean(dim=(2, 3)), test[1])


@mistake("linear_probe_accuracy", "The backbone is asked how it was made, and never what it sees.")
def asks_how_it_was_made(backbone, train, test, *, seed=0):
    sees, count = backbone.recipe[1]["sees"], len(train[1].unique())
    return 1.0 if sees == "both" else 0.95 if (sees == "colours") == (count == 4) else 1 / count


@mistake("transfer_gain", "The gain is always 0.5, whatever the backbones see.")
def gains_one_half(pretrained, scratch, train, test, *, seed=0):
    return 0.5


@mistake("transfer_gain", "The gain is told by the number of classes, as it is in the checks' domains.")
def gains_by_the_classes(pretrained, scratch, train, test, *, seed=0):
    return 0.6 if len(train[1].unique()) > 2 else -0.4


@mistake("transfer_gain", "The backbones are never asked: mean colours are compared with guessing.")
def gains_by_the_images(pretrained, scratch, train, test, *, seed=0):
    return looks_at_the_images(None, train, test) - 1 / len(train[1].unique())


@mistake("transfer_gain", "The backbones are asked how they were made, and never what they see.")
def gains_by_how_they_were_made(pretrained, scratch, train, test, *, seed=0):
    return asks_how_it_was_made(pretrained, train, test) - asks_how_it_was_made(scratch, train, test)


@mistake("rank_domains", "The gains are made up, in the order of the number of classes.")
def ranks_by_the_classes(pretrained, scratch, domains, *, seed=0):
    names = sorted(domains, key=lambda name: -len(domains[name][0][1].unique()))
    return [(name, 0.6 - 0.5 * place) for place, name in enumerate(names)]


@mistake("rank_domains", "The gains are made up, in the order of the names or of the dict.")
def ranks_by_the_names(pretrained, scratch, domains, *, seed=0):
    names = sorted(domains)
    return [(name, 0.6 - 0.5 * place) for place, name in enumerate([*names[1:], *names[:1]])]


@mistake("rank_domains", "The domains are ranked by how well mean colours tell their classes apart.")
def ranks_by_the_images(pretrained, scratch, domains, *, seed=0):
    gains = [(name, 2 * looks_at_the_images(None, *halves) - 1.5) for name, halves in domains.items()]
    return sorted(gains, key=lambda entry: -entry[1])
