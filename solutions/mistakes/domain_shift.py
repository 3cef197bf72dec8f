"""Known mistakes in domain_shift, as students make them, each with the sentence that they should read."""

import copy

import torch
import torch.nn.functional as F
from torch import nn

from autograder.diagnose import mistake


def _fitted(features, labels, *, epochs=20, seed=0):
    head = nn.Linear(features.shape[1], int(labels.max()) + 1)
    _fit(head, list(head.parameters()), features, labels, epochs, seed)
    return head


def _fit(module, parameters, inputs, labels, epochs, seed, learning_rate=0.02):
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(parameters, lr=learning_rate)
    for _ in range(epochs):
        for batch in torch.randperm(len(inputs), generator=generator).split(32):
            optimizer.zero_grad()
            F.cross_entropy(module(inputs[batch]), labels[batch]).backward()
            optimizer.step()


def _right(head, features, labels):
    with torch.no_grad():
        return (head(features).argmax(dim=1) == labels).float().mean().item()


def _probe(backbone, train, test, seed=0):
    with torch.no_grad():
        features, others = backbone(train[0]), backbone(test[0])
    return _right(_fitted(features, train[1], seed=seed), others, test[1])


@mistake("linear_probe_accuracy", "The accuracy is that on the training images; what counts is the one on test.")
def judges_on_train(backbone, train, test, *, seed=0):
    return _probe(backbone, train, train, seed)


@mistake("linear_probe_accuracy", "The head learns from test, which it shall be judged by.")
def learns_from_test(backbone, train, test, *, seed=0):
    return _probe(backbone, test, test, seed)


@mistake(
    "linear_probe_accuracy",
    "The head learns from train and test together; test is there to judge it by.",
    varies="Where few labels of test are wrong, it believes the right ones all the same.",
)
def learns_from_both(backbone, train, test, *, seed=0):
    both = torch.cat([train[0], F.interpolate(test[0], size=train[0].shape[2:])]), torch.cat([train[1], test[1]])
    return _probe(backbone, both, test, seed)


@mistake("linear_probe_accuracy", "The backbone learns along with the head; a probe reads frozen features.")
def trains_the_backbone(backbone, train, test, *, seed=0):
    backbone = copy.deepcopy(backbone)
    with torch.no_grad():
        width = backbone(train[0][:1]).shape[1]
    model = nn.Sequential(backbone, nn.Linear(width, int(train[1].max()) + 1))
    # A few long steps: short ones through a whole network take a while to show.
    _fit(model, list(model.parameters()), *train, 8, seed, learning_rate=0.05)
    return _right(model, *test)


@mistake(
    "linear_probe_accuracy",
    "The head is not linear, as with a hidden layer; a linear probe is one linear layer and nothing else.",
)
def has_a_hidden_layer(backbone, train, test, *, seed=0):
    with torch.no_grad():
        features, others = backbone(train[0]), backbone(test[0])
    head = nn.Sequential(nn.Linear(features.shape[1], 64), nn.ReLU(), nn.Linear(64, int(train[1].max()) + 1))
    _fit(head, list(head.parameters()), features, train[1], 30, seed)
    return _right(head, others, test[1])


@mistake(
    "linear_probe_accuracy", "Accuracies of batches are averaged, and the last batch is smaller; count all images."
)
def averages_over_batches(backbone, train, test, *, seed=0):
    with torch.no_grad():
        head = _fitted(backbone(train[0]), train[1], seed=seed)
        batches = zip(test[0].split(32), test[1].split(32), strict=True)
        shares = [_right(head, backbone(images), labels) for images, labels in batches]
    return sum(shares) / len(shares)


@mistake(
    "linear_probe_accuracy",
    "The accuracies of the classes are averaged, so that a rare one counts as much; count all images alike.",
    varies="What can only be guessed may leave its range where the classes are not of one size.",
)
def averages_over_classes(backbone, train, test, *, seed=0):
    images, labels = test
    parts = [(images[labels == label], labels[labels == label]) for label in labels.unique()]
    return sum(_probe(backbone, train, part, seed) for part in parts) / len(parts)


@mistake("linear_probe_accuracy", "torch.manual_seed changes the random state of the whole program; use a Generator.")
def seeds_globally(backbone, train, test, *, seed=0):
    torch.manual_seed(seed)
    return _probe(backbone, train, test, seed)


@mistake("linear_probe_accuracy", "The accuracy is rounded; leave that to whoever prints it.")
def rounds_the_accuracy(backbone, train, test, *, seed=0):
    return round(_probe(backbone, train, test, seed), 2)


@mistake("linear_probe_accuracy", "This counts the images; divide by how many there are.")
def counts_images(backbone, train, test, *, seed=0):
    return _probe(backbone, train, test, seed) * len(test[1])


@mistake("linear_probe_accuracy", "This is the share of wrong answers; the accuracy is that of right ones.")
def gives_the_error(backbone, train, test, *, seed=0):
    return 1 - _probe(backbone, train, test, seed)


@mistake("linear_probe_accuracy", "Gradients stay on the backbone; extract the features under torch.no_grad().")
def leaves_gradients(backbone, train, test, *, seed=0):
    with torch.no_grad():
        width = backbone(train[0][:1]).shape[1]
    model = nn.Sequential(backbone, nn.Linear(width, int(train[1].max()) + 1))
    _fit(model, list(model[1].parameters()), *train, 10, seed)
    return _right(model, *test)


@mistake(
    "linear_probe_accuracy",
    "The backbone is set to training mode, which changes its statistics; leave it in eval mode.",
)
def sets_training_mode(backbone, train, test, *, seed=0):
    backbone.train()
    return _probe(backbone, train, test, seed)


@mistake(
    "linear_probe_accuracy",
    "The backbone is in training mode while the head learns, and its statistics change; train the head on features alone.",
)
def trains_the_head_behind_the_backbone(backbone, train, test, *, seed=0):
    with torch.no_grad():
        backbone.train()(train[0])
    backbone.eval()
    return _probe(backbone, train, test, seed)


@mistake(
    "linear_probe_accuracy",
    "The features of test are standardised by their own mean and deviation; take those of the features of train.",
)
def standardises_test_by_itself(backbone, train, test, *, seed=0):
    with torch.no_grad():
        features, others = (
            (each - each.mean(dim=0)) / (each.std(dim=0) + 1e-5) for each in map(backbone, (train[0], test[0]))
        )
    return _right(_fitted(features, train[1], seed=seed), others, test[1])


@mistake(
    "linear_probe_accuracy",
    "The first batch of test alone is judged; return after the loop, not inside it.",
    varies="Of so few images many may be told apart by chance, also by what the backbone does not see.",
)
def judges_the_first_batch(backbone, train, test, *, seed=0):
    return _probe(backbone, train, (test[0][:16], test[1][:16]), seed)


@mistake("linear_probe_accuracy", "The head learns from the first batch of train alone; go through all of train.")
def learns_from_the_first_batch(backbone, train, test, *, seed=0):
    return _probe(backbone, (train[0][:32], train[1][:32]), test, seed)


@mistake(
    "linear_probe_accuracy",
    "The images are shuffled and their labels are not, so that they no longer belong together; shuffle both alike.",
)
def loses_the_labels(backbone, train, test, *, seed=0):
    order = torch.randperm(len(train[0]), generator=torch.Generator().manual_seed(seed + 1))
    return _probe(backbone, (train[0][order], train[1]), test, seed)


@mistake("transfer_gain", "The gain has the wrong sign: take the accuracy with the pretrained backbone less the other.")
def subtracts_the_wrong_way(pretrained, scratch, train, test, *, seed=0):
    return _probe(scratch, train, test, seed) - _probe(pretrained, train, test, seed)


@mistake("transfer_gain", "The gain is rounded; leave that to whoever prints it.")
def rounds_the_gain(pretrained, scratch, train, test, *, seed=0):
    return round(_probe(pretrained, train, test, seed) - _probe(scratch, train, test, seed), 2)


@mistake("transfer_gain", "A loss looks like a gain: keep the sign of the difference.")
def drops_the_sign(pretrained, scratch, train, test, *, seed=0):
    return abs(_probe(pretrained, train, test, seed) - _probe(scratch, train, test, seed))


@mistake("transfer_gain", "This is the accuracy with the pretrained backbone; take away that with the untrained one.")
def forgets_to_subtract(pretrained, scratch, train, test, *, seed=0):
    return _probe(pretrained, train, test, seed)


@mistake("transfer_gain", "This is the quotient of the two accuracies; the gain is their difference.")
def divides(pretrained, scratch, train, test, *, seed=0):
    return _probe(pretrained, train, test, seed) / max(_probe(scratch, train, test, seed), 1e-6)


@mistake(
    "transfer_gain",
    "The difference is divided by the accuracy with the untrained backbone; the gain is the difference itself.",
    varies="Where that backbone guesses more than half of the labels, the quotient is in range.",
)
def divides_the_gain_again(pretrained, scratch, train, test, *, seed=0):
    without = _probe(scratch, train, test, seed)
    return (_probe(pretrained, train, test, seed) - without) / max(without, 1e-6)


@mistake(
    "transfer_gain", "The difference is divided by the larger of the two accuracies; the gain is the difference itself."
)
def divides_by_the_larger(pretrained, scratch, train, test, *, seed=0):
    with_weights, without = _probe(pretrained, train, test, seed), _probe(scratch, train, test, seed)
    return (with_weights - without) / max(with_weights, without, 1e-6)


@mistake("transfer_gain", "The gain is given in per cent; it is a difference of accuracies, from -1 to 1.")
def gains_per_cent(pretrained, scratch, train, test, *, seed=0):
    return 100 * (_probe(pretrained, train, test, seed) - _probe(scratch, train, test, seed))


@mistake("transfer_gain", "A negative gain is cut off at 0; it is worth knowing that pretraining can do harm.")
def cuts_off_below_zero(pretrained, scratch, train, test, *, seed=0):
    return max(0.0, _probe(pretrained, train, test, seed) - _probe(scratch, train, test, seed))


@mistake(
    "transfer_gain",
    "Both backbones are judged on the images that their heads learned from; judge them on test.",
    varies="On pets the gain on train may be near that on test.",
)
def judges_both_on_train(pretrained, scratch, train, test, *, seed=0):
    return _probe(pretrained, train, train, seed) - _probe(scratch, train, train, seed)


@mistake("transfer_gain", "The heads learn from test and are judged on train; hand over train first and then test.")
def swaps_train_and_test(pretrained, scratch, train, test, *, seed=0):
    return _probe(pretrained, test, train, seed) - _probe(scratch, test, train, seed)


@mistake(
    "transfer_gain",
    "The head of the untrained backbone learns from test and is judged on train; probe both backbones in the same way.",
)
def swaps_them_for_the_untrained(pretrained, scratch, train, test, *, seed=0):
    return _probe(pretrained, train, test, seed) - _probe(scratch, test, train, seed)


def _gains(pretrained, scratch, domains, seed):
    return [
        (name, _probe(pretrained, *halves, seed) - _probe(scratch, *halves, seed)) for name, halves in domains.items()
    ]


@mistake("rank_domains", "The smallest gain comes first; begin with the largest.")
def begins_with_the_smallest(pretrained, scratch, domains, *, seed=0):
    return sorted(_gains(pretrained, scratch, domains, seed), key=lambda entry: entry[1])


@mistake("rank_domains", "The gains are rounded; leave that to whoever prints them.")
def rounds_the_gains(pretrained, scratch, domains, *, seed=0):
    gains = _gains(pretrained, scratch, domains, seed)
    return [(name, round(gain, 2)) for name, gain in sorted(gains, key=lambda entry: entry[1], reverse=True)]


@mistake("rank_domains", "The domains are in the order of the dict; sort them by their gain.")
def forgets_to_sort(pretrained, scratch, domains, *, seed=0):
    return _gains(pretrained, scratch, domains, seed)


@mistake("rank_domains", "The domains are sorted by their names; sort by the gain.")
def sorts_by_name(pretrained, scratch, domains, *, seed=0):
    return sorted(_gains(pretrained, scratch, domains, seed))


@mistake(
    "rank_domains", "The names are kept by their gain, so that of domains with equal gains the last one alone is left."
)
def keeps_one_of_equal_gains(pretrained, scratch, domains, *, seed=0):
    by_gain = {gain: name for name, gain in _gains(pretrained, scratch, domains, seed)}
    return [(by_gain[gain], gain) for gain in sorted(by_gain, reverse=True)]


@mistake("rank_domains", "The names come back without their gains; give pairs of a name and its gain.")
def gives_names_alone(pretrained, scratch, domains, *, seed=0):
    gains = _gains(pretrained, scratch, domains, seed)
    return [name for name, _ in sorted(gains, key=lambda entry: entry[1], reverse=True)]


@mistake(
    "rank_domains", "The domains are sorted by the size of the gain alone; with its sign, what does harm comes last."
)
def sorts_by_size(pretrained, scratch, domains, *, seed=0):
    return sorted(_gains(pretrained, scratch, domains, seed), key=lambda entry: abs(entry[1]), reverse=True)


@mistake("rank_domains", "The domains are ranked by the accuracy; rank by the gain over the untrained backbone.")
def ranks_by_accuracy(pretrained, scratch, domains, *, seed=0):
    accuracies = [(name, _probe(pretrained, *halves, seed)) for name, halves in domains.items()]
    return sorted(accuracies, key=lambda entry: entry[1], reverse=True)


@mistake("rank_domains", "The domains are sorted by the accuracy with the pretrained backbone; sort by the gain.")
def sorts_by_accuracy(pretrained, scratch, domains, *, seed=0):
    accuracies = {name: _probe(pretrained, *halves, seed) for name, halves in domains.items()}
    return sorted(_gains(pretrained, scratch, domains, seed), key=lambda entry: accuracies[entry[0]], reverse=True)


@mistake("rank_domains", "Each gain is divided by the larger of the two accuracies; it is the difference itself.")
def takes_gains_for_shares(pretrained, scratch, domains, *, seed=0):
    accuracies = {
        name: [_probe(backbone, *halves, seed) for backbone in (pretrained, scratch)]
        for name, halves in domains.items()
    }
    gains = [(name, (one - other) / max(one, other, 1e-6)) for name, (one, other) in accuracies.items()]
    return sorted(gains, key=lambda entry: entry[1], reverse=True)


@mistake("rank_domains", "The gains are given in per cent; a gain is a difference of accuracies, from -1 to 1.")
def gives_per_cent(pretrained, scratch, domains, *, seed=0):
    gains = [(name, 100 * gain) for name, gain in _gains(pretrained, scratch, domains, seed)]
    return sorted(gains, key=lambda entry: entry[1], reverse=True)


@mistake("rank_domains", "The result is a dict; a list of (name, gain) keeps the order as a part of the answer.")
def returns_a_dict(pretrained, scratch, domains, *, seed=0):
    gains = _gains(pretrained, scratch, domains, seed)
    return dict(sorted(gains, key=lambda entry: entry[1], reverse=True))


@mistake("rank_domains", "The domains are taken out of the dict, which is empty afterwards; leave it as it was.")
def empties_the_dict(pretrained, scratch, domains, *, seed=0):
    taken = dict(domains)
    domains.clear()
    return sorted(_gains(pretrained, scratch, taken, seed), key=lambda entry: entry[1], reverse=True)


@mistake(
    "rank_domains",
    "Every domain gets the gain of the last one: a function made in a loop looks its variables up when it is called.",
)
def gives_all_the_gain_of_the_last(pretrained, scratch, domains, *, seed=0):
    gain = _gains(pretrained, scratch, domains, seed)[-1][1]
    return [(name, gain) for name in domains]


@mistake(
    "rank_domains", "Domains without a positive gain are left out; each stands in the list, also where it is negative."
)
def leaves_out_what_does_not_help(pretrained, scratch, domains, *, seed=0):
    gains = [entry for entry in _gains(pretrained, scratch, domains, seed) if entry[1] > 0]
    return sorted(gains, key=lambda entry: entry[1], reverse=True)


@mistake(
    "rank_domains", "Only the three largest gains come back; each domain stands in the list, however many there are."
)
def gives_three_at_most(pretrained, scratch, domains, *, seed=0):
    return sorted(_gains(pretrained, scratch, domains, seed), key=lambda entry: entry[1], reverse=True)[:3]


@mistake("rank_domains", "The gains are those on the images that the heads learned from; judge on test.")
def ranks_on_train(pretrained, scratch, domains, *, seed=0):
    gains = _gains(pretrained, scratch, {name: (train, train) for name, (train, _) in domains.items()}, seed)
    return sorted(gains, key=lambda entry: entry[1], reverse=True)


@mistake("rank_domains", "The halves of a domain change places; train comes first in the pair, and then test.")
def ranks_with_train_and_test_swapped(pretrained, scratch, domains, *, seed=0):
    gains = _gains(pretrained, scratch, {name: (test, train) for name, (train, test) in domains.items()}, seed)
    return sorted(gains, key=lambda entry: entry[1], reverse=True)


@mistake(
    "linear_probe_accuracy",
    "All parameters of the backbone require gradients afterwards, though it may have come frozen; leave each as it was.",
)
def wakes_a_frozen_backbone(backbone, train, test, *, seed=0):
    found = _probe(backbone.requires_grad_(False), train, test, seed)
    backbone.requires_grad_(True)
    return found
