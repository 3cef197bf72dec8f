"""Checks of head_training. The first line of each docstring is what the student reads."""

import copy
import itertools
import math
import re
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from inspections import are_rounded, assert_seeds_nothing, assert_tidy, assert_untouched

import data
from autograder.compare import (
    assert_between,
    assert_close,
    assert_holds,
    assert_kind,
    assert_mentions,
    assert_raises,
    show,
)

KEYS = ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")
PRIME = 1283  # examples, so that batches of whatever size leave a short one
BATCH_SIZES = (1, 2, 4, 5, 8, 10, 16, 20, 25, 30, 32, 50, 64, 100, 128, 200, 250, 256, 500, 512, 1000, 1024)
#: How often an example may go through the head in an epoch: to be learnt from, and again for each figure taken with gradients.
PASSES = (1, 2, 3, 4)
CLASSES = ("boxer", "bengal", "birman", "beagle", "bombay")  # in no order that sorting gives


@pytest.fixture
def seed(rng):
    return int(torch.randint(2**31, (1,), generator=rng))


@pytest.fixture
def centres(rng):
    """The centres of three classes of features, drawn anew for each submission, so that they have to be learnt."""
    return drawn_centres(rng, 3, 8)


@pytest.fixture
def clusters(centres, rng):
    """Three classes that a linear head can tell apart: (train, valid), each (features (N, 8), labels (N,))."""
    return labelled(centres, 90, rng), labelled(centres, 60, rng)


@pytest.fixture
def contrary(clusters):
    """A validation set that contradicts the training set: to learn the one is to unlearn the other."""
    train, (features, labels) = clusters
    return train, (features, (labels + 1) % 3)


def drawn_centres(rng, classes, width, distance=3.0):
    directions, _ = torch.linalg.qr(torch.randn(width, width, generator=rng))
    return distance * directions[:classes]


def labelled(centres, count, rng, noise=0.5):
    """As many examples of each class, in random order."""
    labels = (torch.arange(count) % len(centres))[torch.randperm(count, generator=rng)]
    return centres[labels] + noise * torch.randn(count, centres.shape[1], generator=rng), labels


def numbered(features, first=0):
    """Features with one more at the end, by which a recording head knows its examples: no two have the same."""
    return torch.cat([features, (first + torch.arange(len(features))).view(-1, 1) / 100], dim=1)


def unnumbered(features):
    """Features with -1 at the end: not from the training set."""
    return torch.cat([features, torch.full((len(features), 1), -1.0)], dim=1)


def notes_of(head):
    """Return what a recording head has noted: the numbers of the training examples that it learnt from, and its modes."""
    notes = head(torch.empty(0, 9))
    assert_kind(notes, (len(notes), 2) if isinstance(notes, torch.Tensor) else (0, 2))
    numbers, modes = notes.unbind(dim=1)
    ours = numbers >= 0  # a student may forget no_grad() when evaluating: no matter here
    return (100 * numbers[ours]).round().long(), modes[ours]


def share_of_right(head, features, labels):
    """The accuracy of the worker's head, measured here: the labels never go there."""
    logits = head(features)
    assert_kind(logits, (len(labels), int(labels.max()) + 1))
    return (logits.argmax(dim=1) == labels).double().mean().item()


def loss_of(logits, labels):
    return F.cross_entropy(logits, labels).item()


def assert_names_one(message, *words):
    """An error's text names at least one of these arguments."""
    named = any(word in message.lower() for word in words)
    assert_holds(named, f"raised an error that says {message!r}, expected it to name {' or '.join(words)}")


def assert_module(result):
    assert_holds(
        hasattr(result, "inspect"), f"returned {show(result)[:60]}, expected a module (a torch.nn.Module)", [result]
    )


def assert_history(history, epochs):
    """A dict with the four lists of as many Python floats, accuracies in [0, 1]."""
    assert_holds(isinstance(history, dict), f"returned {show(history)[:60]}, expected a dict", [history])
    missing = [key for key in KEYS if key not in history]
    assert_holds(not missing, f"returned a history without {', '.join(missing)}", history)
    for key in KEYS:
        values = history[key]
        floats = isinstance(values, list) and all(isinstance(value, float) for value in values)
        assert_holds(floats, f"returned {show(values)} under {key!r}, expected a list of Python floats", history)
        assert_holds(
            len(values) in epochs,
            f"returned {len(values)} entries under {key!r}, expected {' or '.join(map(str, sorted(epochs)))}",
            history,
        )
        top = 1.0 if key.endswith("accuracy") else float("inf")
        assert_holds(
            all(0 <= value <= top for value in values),
            f"returned {show(values)} under {key!r}, expected numbers of at least 0" + (" and at most 1" * (top == 1)),
            history,
        )


# --- build_head


def is_random(head, features):
    """Return True if a head gives other logits for the same features."""
    one, other = head(features), head(features)
    assert_kind(other, one.shape)
    return not torch.allclose(one, other, rtol=1e-4, atol=1e-5, equal_nan=True)


@pytest.mark.points("build_head", 1)
def test_head_gives_logits(submission, centres, rng):
    """The head maps (N, in_features) to (N, num_classes), for any numbers from 1 on, and can learn to tell classes apart."""
    for inward, outward, count in ((6, 3, 4), (1, 1, 2), (5, 2, 1)):
        head = submission.build_head(inward, outward)
        assert_module(head)
        assert_kind(head(torch.randn(count, inward, generator=rng)), (count, outward))
    head = submission.build_head(8, 3)
    assert_module(head)
    trainer = submission.send(data.toy_trainer(steps=60, learning_rate=0.3))
    trainer(head, *labelled(centres, 60, rng))
    features, labels = labelled(centres, 60, rng)
    share = share_of_right(head, features, labels)
    assert_holds(
        share >= 0.9,
        f": after training its accuracy on new examples of easy classes is {show(share)}, expected at least 0.9",
        [share],
        mistake="drops_features" if share < 0.9 and is_random(head, features) else "",
    )


@pytest.mark.points("build_head", 1)
@pytest.mark.depends_on("test_head_gives_logits")
def test_head_has_no_softmax(submission, rng):
    """The head gives logits: no softmax has been taken of them."""
    head = submission.build_head(6, 4)
    assert_module(head)
    features = torch.randn(8, 6, generator=rng)
    in_eval_mode = submission.send(data.toy_trainer(steps=0, evaluates=True))
    for logits in (head(features), in_eval_mode(head, features, torch.zeros(8, dtype=torch.int64))):
        assert_kind(logits, (8, 4))
        logits = logits.detach()
        shares = bool((logits >= 0).all()) and torch.allclose(logits.sum(dim=1), torch.ones(8), atol=1e-4)
        assert_holds(not shares, ": the rows of what the head gives sum to 1, as after a softmax", [logits])
        logs = torch.allclose(logits.logsumexp(dim=1), torch.zeros(8), atol=1e-4)
        assert_holds(
            not logs, ": what the head gives are logarithms of probabilities, as after a log-softmax", [logits]
        )


def bend_of(head, features):
    """The known mistake that shows in what a head is made of, where that is no affine map."""
    if is_random(head, features):
        return "drops_features"
    layers = sum(values.dim() == 2 for values in head.inspect()["state"].values())
    return "has_a_hidden_layer" if layers > 1 else ""


@pytest.mark.points("build_head", 1)
@pytest.mark.depends_on("test_head_gives_logits")
def test_head_is_affine(submission, rng):
    """The head is affine: the logits of a sum of features are the sum of their logits, up to the bias."""
    head = submission.build_head(6, 3)
    assert_module(head)
    one, other = 10 * torch.randn(2, 5, 6, generator=rng)
    features = torch.cat([one, other, 2 * one - 3 * other, torch.zeros(1, 6)])
    logits = head(features)
    assert_kind(logits, (16, 3))
    ones, others, mixed, bias = logits.detach().split([5, 5, 5, 1])
    gap = float((mixed - bias - 2 * (ones - bias) + 3 * (others - bias)).abs().max())
    scale = float(logits.detach().abs().max())
    affine = gap <= 1e-3 * (1 + scale)
    assert_holds(affine, ": the head is no affine map", [logits], mistake="" if affine else bend_of(head, features))
    # Twelve classes on twelve axes: what squeezes them into a few numbers cannot keep all of them apart.
    centres = drawn_centres(rng, 12, 12)
    head = submission.build_head(12, 12)
    assert_module(head)
    submission.send(data.toy_trainer(steps=60, learning_rate=0.3))(head, *labelled(centres, 240, rng))
    share = share_of_right(head, *labelled(centres, 240, rng))
    # Large first weights take longer to learn, and squeeze nothing.
    assert_holds(
        share >= 0.9 or rank_of(head) >= 11,
        f": after training its accuracy on new examples of 12 easy classes is {show(share)}, expected at least 0.9",
        [share],
        mistake=squeeze_of(head) if share < 0.9 else "",
    )


def rank_of(head):
    """The rank of the affine map of twelve features: 11 if it is learnt from zeros, as then its logits add up to 0."""
    logits = head(torch.cat([torch.eye(12), torch.zeros(1, 12)]))
    assert_kind(logits, (13, 12))
    return int(torch.linalg.matrix_rank((logits[:12] - logits[12]).detach().double(), rtol=1e-4))


def squeeze_of(head):
    """The known mistake that shows in the size of the layers of a head from twelve features to twelve classes."""
    sizes = [min(values.shape) for values in head.inspect()["state"].values() if values.dim() == 2]
    return "squeezes_the_features" if min(sizes, default=12) < 12 else ""


@pytest.mark.points("build_head", 0.5)
@pytest.mark.depends_on("test_head_gives_logits")
def test_all_of_the_head_can_be_trained(submission):
    """All of a head can be trained, and each call makes a new one; the global random state is not seeded."""
    head, first = submission.build_head(6, 3), submission.last
    submission.build_head(6, 3)
    assert_seeds_nothing(first, submission.last)
    assert_module(head)
    # What a step of training makes of it tells one frozen part from another.
    submission.send(data.toy_trainer())(head, torch.ones(2, 6), torch.tensor([0, 1]))
    frozen = head.inspect()["frozen"]
    assert_holds(not frozen, f": {', '.join(frozen[:3])} of the head cannot be trained", [head])
    another = submission.build_head(6, 3)
    assert_module(another)
    trained, new = head(torch.eye(6)), another(torch.eye(6))
    assert_kind(new, (6, 3))
    problem = ": a second head for the same sizes comes as the first one has been trained, expected a new one"
    assert_holds(not torch.equal(trained, new), problem, [another], mistake="keeps_the_heads")


@pytest.mark.points("build_head", 0.5)
@pytest.mark.depends_on("test_head_gives_logits")
def test_head_refuses_no_features(submission):
    """Fewer than one feature or one class is a ValueError that names which: in_features or num_classes."""
    for wrong in (0, -2):
        assert_mentions(assert_raises(ValueError, submission.build_head, wrong, 3), "in_features")
        assert_mentions(assert_raises(ValueError, submission.build_head, 3, wrong), "num_classes")


@pytest.mark.points("build_head", 1)
@pytest.mark.hidden
@pytest.mark.depends_on("test_head_gives_logits")
def test_head_judges_each_example_alone(submission, rng):
    """What the head gives for an example does not depend on the rest of the batch."""
    inward, outward = (int(n) for n in torch.randint(2, 40, (2,), generator=rng))
    features = torch.randn(7, inward, generator=rng)
    head = submission.build_head(inward, outward)
    assert_module(head)
    together, again, alone = head(features), head(features), head(features[3:4])
    for logits, count in ((together, 7), (again, 7), (alone, 1)):
        assert_kind(logits, (count, outward))
    assert_holds(
        torch.allclose(again, together, rtol=1e-4, atol=1e-5),
        ": the head gives other logits for the same features",
        [again],
        mistake="drops_features",
    )
    assert_close(alone, together[3:4].detach(), atol=1e-5)


# --- accuracy


@pytest.mark.points("accuracy", 2)
def test_accuracy_of_known_logits(submission, rng):
    """Three of four right are 0.75, all right are 1, none right is 0, also for a single example: Python floats."""
    logits = torch.tensor([[2.0, 1.0, 0.0], [-3.0, -1.0, -2.0], [0.1, 0.2, 0.9], [1.5, 9.0, 0.5]])
    # All four before any is judged: one share alone tells little of what made it.
    labels = torch.tensor([0, 1, 2, 0])
    below = torch.tensor([[-1.0, -2.0, -3.0], [-5.0, -4.0, -6.0]])
    shares = [submission.accuracy(logits[some], labels[some]) for some in (slice(4), slice(1, 4), slice(1, 3))]
    shares.append(submission.accuracy(below, labels[:2]))
    for share, expected in zip(shares, (0.75, 2 / 3, 1.0, 1.0), strict=True):
        assert_close(share, expected)
    logits = torch.randn(6, 4, generator=rng)
    logits[0, 3], logits[1, 3] = 9.0, -9.0  # the last class occurs in each of the three
    assert_close(submission.accuracy(logits, logits.argmax(dim=1)), 1.0)
    assert_close(submission.accuracy(logits, logits.argmin(dim=1)), 0.0)
    assert_close(submission.accuracy(logits[:1], logits[:1].argmax(dim=1)), 1.0)
    one_of_many = torch.eye(2)[torch.arange(1283) % 2]  # a share that a rounded one is not near
    wrong = 1 - one_of_many.argmax(dim=1)
    wrong[700] = 1 - wrong[700]
    assert_close(submission.accuracy(one_of_many, wrong), 1 / 1283)


@pytest.mark.points("accuracy", 0.5)
@pytest.mark.depends_on("test_accuracy_of_known_logits")
def test_accuracy_of_large_logits(submission, rng):
    """Logits of any size, and of any number of classes, are compared as they are: those in the hundreds, too, or below 0."""
    # The largest one never comes first, as it would count where all are taken for equal.
    classes = 1 + torch.randint(3, (8,), generator=rng)
    classes[0] = 3
    logits = 100 * (1 + torch.rand(8, 4, generator=rng))
    logits[torch.arange(8), classes] += 200
    assert_close(submission.accuracy(logits, classes), 1.0)
    # Of two classes both may lie below 0, and where there is a single one, it is the answer.
    low = torch.tensor([[-2.0, -1.0], [-1.0, -2.0], [-3.0, -0.5]])
    assert_close(submission.accuracy(low, torch.tensor([1, 0, 1])), 1.0)
    assert_close(submission.accuracy(torch.tensor([[2.0], [-2.0]]), torch.zeros(2, dtype=torch.int64)), 1.0)


@pytest.mark.points("accuracy", 0.5)
@pytest.mark.depends_on("test_accuracy_of_known_logits")
def test_accuracy_of_nothing(submission):
    """No examples at all are a ValueError that names logits or labels."""
    nothing = torch.empty(0, 3), torch.empty(0, dtype=torch.int64)
    assert_names_one(assert_raises(ValueError, submission.accuracy, *nothing), "labels", "logits")


@pytest.mark.points("accuracy", 0.5)
@pytest.mark.depends_on("test_accuracy_of_known_logits")
def test_accuracy_of_different_lengths(submission, rng):
    """Logits and labels of different lengths are a ValueError that names one of them, also where one has length 1."""
    for rows, labels in ((4, 1), (1, 4), (4, 3), (3, 0)):
        logits = torch.randn(rows, 3, generator=rng)
        logits[:, 0], logits[0, 1] = 9.0, 99.0  # the first row is of another class than the others
        arguments = logits, torch.zeros(labels, dtype=torch.int64)
        assert_names_one(assert_raises(ValueError, submission.accuracy, *arguments), "labels", "logits")


@pytest.mark.points("accuracy", 0.5)
@pytest.mark.depends_on("test_accuracy_of_known_logits")
def test_accuracy_is_tidy(submission, rng):
    """The inputs are not changed."""
    assert_tidy(
        submission, partial(submission.accuracy, torch.randn(5, 3, generator=rng), torch.tensor([0, 1, 2, 0, 1]))
    )


@pytest.mark.points("accuracy", 1)
@pytest.mark.hidden
@pytest.mark.depends_on("test_accuracy_of_known_logits")
def test_accuracy_of_random_logits(submission, reference, rng):
    """Random logits and labels give the right share."""
    for count, classes in ((50, 3), (7, 20), (13, 5), (1, 3), (12, 2)):
        logits = torch.randn(count, classes, generator=rng)
        labels = torch.randint(classes, (count,), generator=rng)
        if classes == 2:  # the first and the second by turns, of logits below 0, and nearly all of them right
            logits = 5 * torch.eye(2)[torch.arange(12) % 2] - 6 - torch.rand(12, 2, generator=rng)
            labels[2:] = logits.argmax(dim=1)[2:]
        labels[::2] = logits.argmax(dim=1)[::2]  # by chance alone hardly any of many classes are right
        if classes == 5:
            labels[labels == 4] = 0  # the last class need not occur
        assert_close(submission.accuracy(logits, labels), reference.accuracy(logits, labels))


# --- evaluate


def measured(head, features, labels):
    """Mean cross-entropy and accuracy, in the mode that the head is in."""
    logits = head(features).detach()
    # In other words than any solution's: students read this file.
    wrong = torch.count_nonzero(logits.max(dim=1).indices - labels).item()
    return loss_of(logits, labels), 1 - wrong / len(labels)


def assert_figures(result, head, features, labels):
    """A result is the head's mean cross-entropy and accuracy; a mean of the means of batches is recognised."""
    expected = measured(head, features, labels)
    losses = F.cross_entropy(head(features).detach(), labels, reduction="none")
    if isinstance(result, tuple | list) and result and isinstance(result[0], float):
        means = [torch.stack([part.mean() for part in losses.split(size)]).mean().item() for size in BATCH_SIZES]
        averaged = any(math.isclose(result[0], mean, rel_tol=1e-6) for mean in means)
        assert_holds(
            math.isclose(result[0], expected[0], rel_tol=1e-4) or not averaged,
            f"returned a loss of {show(result[0])}, expected {show(expected[0])}",
            result,
            mistake="averages_batches",
        )
    assert_close(result, expected)


@pytest.mark.points("evaluate", 2)
def test_evaluate_gives_loss_and_accuracy(submission, rng, seed):
    """The mean cross-entropy and the accuracy come back, as two Python floats."""
    head = data.toy_head(6, 3, seed=seed)
    for count in (PRIME, 1):
        features, labels = torch.randn(count, 6, generator=rng), torch.randint(3, (count,), generator=rng)
        # The hardest last: in a short last batch they would count for more.
        order = F.cross_entropy(head(features).detach(), labels, reduction="none").argsort()
        features, labels = features[order], labels[order]
        assert_figures(submission.evaluate(head, features, labels), head, features, labels)
    # Also of a class that is all but impossible.
    sure = data.toy_head(6, 3, seed=seed)
    with torch.no_grad():
        sure.weight.zero_()
        sure.bias.copy_(torch.tensor([60.0, 0.0, 0.0]))
    assert_close(submission.evaluate(sure, features, torch.ones(1, dtype=torch.int64)), (60.0, 0.0), rtol=1e-4)


@pytest.mark.points("evaluate", 1.5)
@pytest.mark.depends_on("test_evaluate_gives_loss_and_accuracy")
def test_evaluate_in_eval_mode(submission, rng, seed):
    """The head is measured in eval mode, and each submodule has its own mode and statistics afterwards."""
    head = data.toy_dropout_head(6, 3, seed=seed)
    features, labels = 2 + torch.randn(40, 6, generator=rng), torch.randint(3, (40,), generator=rng)
    expected = measured(head, features, labels)
    # Batch norm in training mode and dropout in eval mode: what the head gives tells the mode of each.
    head.train()
    head[1][0].eval()
    sent = submission.send(head)
    assert_close(submission.evaluate(sent, features, labels), expected)
    logits = sent(features)
    # A copy: batch norm in training mode changes its statistics, which are those of what was sent.
    in_its_own_modes = copy.deepcopy(head)(features).detach()
    assert_kind(logits, in_its_own_modes.shape)
    assert_holds(
        logits.requires_grad,
        ": after evaluate no gradients are computed any more",
        [logits],
        mistake="turns_gradients_off",
    )
    assert_holds(
        torch.allclose(logits, in_its_own_modes, rtol=1e-4, atol=1e-5),
        ": after evaluate the head gives other logits than before, as its submodules are not in their own modes again",
        [logits],
    )


@pytest.mark.points("evaluate", 0.5)
@pytest.mark.depends_on("test_evaluate_gives_loss_and_accuracy")
def test_evaluate_is_tidy(submission, rng, seed):
    """The features are not changed, nor the head: neither its weights nor what of it can be trained; no gradient is left."""
    features, labels = torch.randn(10, 6, generator=rng), torch.randint(3, (10,), generator=rng)
    head = data.toy_head(6, 3, seed=seed)
    head.bias.requires_grad_(False)
    assert_tidy(submission, partial(submission.evaluate, head, features, labels))


@pytest.mark.points("evaluate", 1)
@pytest.mark.hidden
@pytest.mark.depends_on("test_evaluate_gives_loss_and_accuracy")
def test_evaluate_on_random_features(submission, rng, seed):
    """Every example counts the same, however many there are, and whatever the mode of the head."""
    head = data.toy_dropout_head(9, 5, seed=seed)
    for count in (67, 33):
        features, labels = torch.randn(count, 9, generator=rng), torch.randint(5, (count,), generator=rng)
        result = submission.evaluate(copy.deepcopy(head).train(), features, labels)
        assert_figures(result, head.eval(), features, labels)


# --- fit_head


@pytest.mark.points("fit_head", 2)
def test_fit_trains_the_head(submission, centres, rng, seed):
    """The given head itself learns from the training set: with the defaults it tells easy classes apart."""
    features, labels = labelled(centres, 90, rng)
    # Half of the first class lies far out, which is as easy to learn, but puts the mean of the class where no example is.
    far = (labels == 0) & (torch.arange(90) % 2 == 0)
    features = torch.where(far[:, None], 6 * features, features)
    # The third class is in the training set alone. The others lie close together: their accuracy goes on to rise.
    valid = labelled(0.5 * centres[:2], 40, rng)
    # A short training tells most known mistakes apart, so that naming one does not take a long one for each of the others.
    submission.fit_head(data.toy_head(8, 3, seed=seed), (features, labels), valid, epochs=2, batch_size=40)
    head = submission.send(data.toy_recording_head(9, 3, seed=seed))
    submission.fit_head(head, (numbered(features), labels), (unnumbered(valid[0]), valid[1]))
    unseen, answers = labelled(centres, 120, rng)
    share = share_of_right(head, unnumbered(unseen), answers)
    assert_between(share, 0.9, 1, what="the accuracy of the trained head on new examples of easy classes")
    times = len(notes_of(head)[0]) / 90
    assert_between(times, 10, what="how often a training example went through the head, in 20 epochs,")


@pytest.mark.points("fit_head", 1)
@pytest.mark.depends_on("test_fit_trains_the_head")
def test_fit_gives_a_history(submission, clusters, centres, rng, seed):
    """The history has four lists of Python floats with an entry for each epoch, and they are true."""
    assert_history(submission.fit_head(data.toy_head(8, 3, seed=seed), *clusters, epochs=3), {3})
    toy = data.toy_head(8, 3, seed=seed)
    head = submission.send(toy)
    history = submission.fit_head(head, *clusters, epochs=1, learning_rate=0.02, batch_size=30)
    assert_history(history, {1})
    of_train = math.nan
    for part, (features, labels) in zip(("train", "valid"), clusters, strict=True):
        logits = head(features)
        assert_kind(logits, (len(labels), 3))
        losses = loss_of(toy(features), labels), loss_of(logits, labels)
        shares = [(each.argmax(dim=1) == labels).double().mean().item() for each in (toy(features), logits)]
        of_train = losses[1] if part == "train" else of_train
        # The figures of the training set may be those of the batches, taken while the head was learning.
        before = 0 if part == "train" else 1
        for name, figures, slack in (("loss", losses[before:], 0.1), ("accuracy", shares[before:], 0.02)):
            said, low, high = history[f"{part}_{name}"][0], min(figures), max(figures)
            spread = slack * (1 + high) if part == "train" else 0.03 * (1 + high)
            on_train = part == "valid" and math.isclose(history["valid_loss"][0], of_train, rel_tol=1e-4)
            small = (part, name) == ("train", "loss") and 0.9 * low < 30 * said < 1.1 * high
            known = "validates_on_train" if on_train else "divides_means_by_the_examples" if small else ""
            assert_holds(
                low - spread <= said <= high + spread,
                f"returned {show(said)} as the only {part}_{name}, but the head has {show(figures[-1])} on that set",
                history,
                mistake=known,
            )
    assert_still_figures(submission, toy, clusters, rng, seed)
    assert_figures_of_each_epoch(submission, toy, clusters[0], centres, rng)
    assert_figures_in_between(submission, toy, centres, rng)


def assert_still_figures(submission, toy, clusters, rng, seed):
    """In steps of almost nothing, of one example each, the head stays as it was, and so do its figures."""
    features, labels = clusters[0]
    labels = labels[torch.randperm(90, generator=rng)]
    # The head is always right on the one set, and seldom on the other.
    valid = clusters[1][0], toy(clusters[1][0]).argmax(dim=1)
    history = submission.fit_head(
        toy, (features, labels), valid, epochs=3, learning_rate=1e-9, batch_size=1, seed=seed % 1000
    )
    assert_history(history, {3})
    logits = toy(features).detach()
    share = (logits.argmax(dim=1) == labels).double().mean().item()
    losses = F.cross_entropy(logits, labels, reduction="none").tolist()
    of_one = any(math.isclose(history["train_loss"][0], loss, rel_tol=1e-5) for loss in losses)
    train_loss, valid_loss = loss_of(logits, labels), loss_of(toy(valid[0]), valid[1])
    grows = all(
        math.isclose(said, i * train_loss, rel_tol=1e-4) for i, said in enumerate(history["train_loss"], start=1)
    )
    figures = (
        ("train_loss", train_loss),
        ("train_accuracy", share),
        ("valid_loss", valid_loss),
        ("valid_accuracy", 1.0),
    )
    for name, figure in figures:
        # A mean over batches of unequal sizes is another mean of the validation set, whose batches are anyone's choice.
        slack = 1e-4 if name.startswith("train") else 0.03
        for said in history[name]:
            known = "carries_the_sum_on" if grows else "tells_the_last_batch" if of_one else ""
            assert_holds(
                abs(said - figure) <= slack * (1 + figure),
                f"returned {show(said)} as the {name} of a head that hardly moves and has {show(figure)}",
                history,
                mistake=known,
            )


def assert_figures_of_each_epoch(submission, toy, train, centres, rng):
    """After many epochs the figures are those of one epoch, and not of all so far."""
    head = submission.send(toy)
    history = submission.fit_head(head, train, train, epochs=12, batch_size=30)
    assert_history(history, {12})
    for key in ("train_loss", "valid_loss"):
        rounded = f"returned rounded numbers under {key!r}: {show(history[key])}"
        assert_holds(not are_rounded(history[key]), rounded, history, mistake="rounds_the_history")
    logits = head(train[0])
    assert_kind(logits, (90, 3))
    losses, final = history["train_loss"], loss_of(logits, train[1])
    last = 12 * losses[-1] - 11 * losses[-2]  # if the last is the mean of all
    assert_holds(
        losses[-1] <= 1.4 * final + 0.01,
        f"returned {show(losses[-1])} as the train_loss of the last of 12 epochs, but the head has {show(final)}",
        history,
        mistake="averages_over_epochs" if abs(last - final) < 0.1 * (final + losses[-1]) else "",
    )
    # The accuracy falls while the loss does: few examples are far from right, and many are right that will not be.
    features, labels = labelled(centres, 900, rng)
    wrong = toy(features).argmax(dim=1) != labels
    halves = 0.5 * features
    guesses = toy(halves).argmax(dim=1)
    many, few = (guesses != labels).nonzero()[:45, 0], wrong.nonzero()[-15:, 0]
    valid = torch.cat([halves[many], 5 * features[few]]), torch.cat([guesses[many], labels[few]])
    head = submission.send(toy)
    history = submission.fit_head(head, train, valid, epochs=20, learning_rate=0.01, batch_size=30)
    assert_history(history, {20})
    logits = head(valid[0])
    assert_kind(logits, (len(valid[1]), 3))
    loss, share = loss_of(logits, valid[1]), (logits.argmax(dim=1) == valid[1]).double().mean().item()
    epoch = min(range(20), key=lambda i: abs(history["valid_loss"][i] - loss))
    said = history["valid_accuracy"][epoch]
    if abs(history["valid_loss"][epoch] - loss) <= 0.03 * (
        1 + loss
    ):  # else it is as it came, or its weights are no epoch's
        highest = max(history["valid_accuracy"][: epoch + 1])
        assert_holds(
            abs(said - share) <= 0.1,
            f"returned {show(said)} as the valid_accuracy of epoch {epoch + 1}, whose weights the head has, "
            f"but its accuracy is {show(share)}",
            history,
            mistake="tells_the_highest_accuracy" if said == highest else "",
        )


def assert_figures_in_between(submission, toy, centres, rng):
    """A long training begins with the figures of a shorter one, if it goes the same way.

    A rate that falls over the epochs, however many they are, leads another way, and then no loss is the same.
    """
    train, valid = (labelled(0.3 * centres, 83, rng) for _ in range(2))
    histories = []
    for epochs in (6, 2, 3, 5):
        # In batches of all examples, so that their order does not matter.
        options = {"epochs": epochs, "learning_rate": 0.3, "batch_size": 83}
        histories.append(submission.fit_head(toy, train, valid, **options))
        assert_history(histories[-1], {epochs})
    whole, *parts = histories
    aparts = [{key: largest_difference(part[key], whole[key]) for key in KEYS} for part in parts]
    ways = [min(apart["train_loss"], apart["valid_loss"]) > 1e-3 for apart in aparts]
    # Figures that are taken while the head learns show another rate from the third epoch on, not in two epochs.
    ways[0] = ways[0] or all(ways[1:])
    for part, apart, another in zip(parts, aparts, ways, strict=True):
        if another:
            continue
        for key in KEYS:
            assert_holds(
                apart[key] <= (0.02 if key.endswith("accuracy") else 1e-3),
                f"returned {show(whole[key])} under {key!r} for six epochs, but {show(part[key])} for the first of them",
                whole,
            )


def largest_difference(some, others):
    """Of two lists, as far as the shorter one goes."""
    return max(abs(one - other) for one, other in zip(some, others, strict=False))


@pytest.mark.points("fit_head", 1.5)
@pytest.mark.depends_on("test_fit_trains_the_head")
def test_fit_keeps_the_best_weights(submission, clusters, contrary, rng, seed):
    """The head ends with the weights of the lowest valid_loss, also where it stops early: not with the last ones."""
    train, (features, labels) = clusters
    # A third of the labels is wrong: the accuracy stays where it is when the loss has long begun to rise.
    wrong = torch.where(torch.rand(60, generator=rng) < 1 / 3, (labels + 1) % 3, labels)
    ends = []
    for valid, epochs, rate, options in (
        (contrary[1], 6, 0.1, {}),
        ((features, labels), 80, 0.02, {}),
        ((features, wrong), 40, 0.5, {}),
        ((features, labels), 3, 1e-4, {}),  # the loss falls a little with each epoch
        (contrary[1], 12, 0.1, {"patience": 4}),
    ):
        toy = data.toy_head(8, 3, seed=seed)
        head = submission.send(toy)
        history = submission.fit_head(head, train, valid, epochs=epochs, learning_rate=rate, **options)
        assert_history(history, set(range(1, epochs + 1)) if options else {epochs})
        logits = head(valid[0])
        assert_kind(logits, (60, 3))
        untrained, final, losses = loss_of(toy(valid[0]), valid[1]), loss_of(logits, valid[1]), history["valid_loss"]
        learnt = head(train[0])
        assert_kind(learnt, (90, 3))
        on_train = loss_of(learnt, train[1])
        ends.append((logits, untrained, final, losses, history["valid_accuracy"], on_train))
    known = wrong_epoch(ends)
    # Where the weights are each time exactly those of an epoch that the history tells, they are those of the best one.
    exact = all(any(math.isclose(final, loss, rel_tol=1e-5) for loss in losses) for _, _, final, losses, *_ in ends)
    if exact and all(final < min(losses) + 0.03 * (1 + min(losses)) for _, _, final, losses, *_ in ends):
        known = "waits_for_a_margin"
    for logits, untrained, final, losses, *_ in ends:
        best = min(losses)
        near = (1e-4 if exact else 0.03) * (1 + best)  # a mean over batches of unequal sizes is another mean
        kept = abs(final - best) < near or (untrained < best and abs(final - untrained) < near)
        assert_holds(
            kept,
            f": with the head's final weights the valid_loss is {final:.4f}, but its best in the history is {best:.4f}",
            logits,
            mistake=known,
        )


def wrong_epoch(ends):
    """The known mistake by which a head has the weights of a wrong epoch, each time; "" if there is none."""

    def always(epochs_of):
        return all(
            any(math.isclose(final, losses[epoch], rel_tol=1e-3) for epoch in epochs_of(shares))
            for _, _, final, losses, shares, _ in ends
        )

    # Whoever keeps the best accuracy has the last weights at times, and hardly each time.
    if always(lambda shares: [-1]):
        return "keeps_the_last"
    if all(math.isclose(on_train, min(losses), rel_tol=1e-3) for _, _, _, losses, _, on_train in ends):
        return "validates_on_train"
    # The first of the epochs with the best accuracy, or the last of them.
    best = always(lambda shares: [shares.index(max(shares)), len(shares) - 1 - shares[::-1].index(max(shares))])
    if best:
        return "keeps_the_best_accuracy"
    _, _, final, losses, *_ = ends[-1]
    return "forgets_the_best_when_it_stops" if math.isclose(final, losses[-1], rel_tol=1e-3) else ""


@pytest.mark.points("fit_head", 1.5)
@pytest.mark.depends_on("test_fit_trains_the_head")
def test_fit_stops_when_patience_is_over(submission, clusters, contrary, rng, seed):
    """With patience p it stops once valid_loss has not fallen, however little, for p epochs, and not before."""
    toy = data.toy_recording_head(9, 3, seed=seed)
    wavering, telling = wavering_losses(data.toy_head(9, 3, seed=seed), rng)
    fitting = {*itertools.product((False, True), NAMED_RULES), (False, "keeps_the_best_accuracy")}
    for (train, valid), patience, rate, epochs, size in (
        (contrary, 1, 0.1, 9, 32),
        (contrary, 2, 0.1, 9, 32),
        (contrary, 4, 0.1, 9, 32),
        (clusters, 3, 0.1, 15, 32),  # long enough for the accuracy to stand still
        (clusters, 2, 3e-6, 9, 32),  # the loss falls by less than a ten-thousandth in two epochs
        (clusters, 2, 1e-12, 9, 32),  # the loss stays the same
        (wavering, telling, LONG, 24, 40),  # in batches of all examples, so that their order does not matter
    ):
        train, valid = (numbered(train[0]), train[1]), (unnumbered(valid[0]), valid[1])
        head = submission.send(toy)
        history = submission.fit_head(
            head, train, valid, epochs=epochs, learning_rate=rate, batch_size=size, patience=patience
        )
        assert_history(history, set(range(1, epochs + 1)))
        untrained = loss_of(toy(valid[0]), valid[1])
        losses = history["valid_loss"]
        # A head that has hardly moved has its first loss again, but for the rounding of whoever computes it.
        firsts = (untrained, losses[0]) if math.isclose(untrained, losses[0], rel_tol=1e-6) else (untrained,)
        starts = {False: [losses], True: [[first, *losses] for first in firsts]}  # if the untrained head takes part
        ends = {
            (counts, rule): {min(end_of(start, patience, rule) - counts, epochs) for start in starts[counts]}
            for counts, rule in itertools.product(starts, NAMED_RULES)
        }
        wrong = [-share for share in history["valid_accuracy"]]
        ends[False, "keeps_the_best_accuracy"] = {min(end_of(wrong, patience), epochs)}
        fitting = {each for each in fitting if len(losses) in ends[each]}
        assert_holds(
            len(losses) in ends[False, ""] | ends[True, ""],
            f"ran {len(losses)} epochs with the validation losses {show(losses)}",
            history,
            mistake="rounds_the_history" if are_rounded(losses) else likely_rule(fitting),
        )
        count, seen = len(train[1]), len(notes_of(head)[0])
        full = seen == len(losses) * (count - count % size)
        assert_holds(
            seen in [times * len(losses) * count for times in PASSES],
            f"has {len(losses)} epochs in its history, but went {show(seen / count)} times through the training examples",
            history,
            mistake="drops_what_fills_no_batch" if full else "",
        )


#: A learning rate with which the loss of classes that overlap goes up and down.
LONG = 8.0

#: By a known mistake, or "" for none: when a loss is better, by (loss, lowest, loss before); if that sets the count of
#: epochs that were not back to 0; and how many more of them there must be than patience says.
RULES = {
    "": (lambda loss, lowest, before: loss < lowest, True, 0),
    "waits_too_long": (lambda loss, lowest, before: loss < lowest, True, 1),
    "stops_too_soon": (lambda loss, lowest, before: loss < lowest, True, -1),
    "never_stops_early": (lambda loss, lowest, before: loss < lowest, True, math.inf),
    "waits_for_a_margin": (lambda loss, lowest, before: loss < lowest - 5e-4, True, 0),
    "takes_an_equal_loss_for_better": (lambda loss, lowest, before: loss <= lowest, True, 0),
    "compares_with_the_epoch_before": (lambda loss, lowest, before: loss < before, True, 0),
    "never_resets_the_count": (lambda loss, lowest, before: loss < lowest, False, 0),
}
#: One more rule looks at two losses alone, the last one and that of so many epochs ago as patience says.
NAMED_RULES = (*RULES, "compares_with_an_epoch_long_ago")


def end_of(losses, patience, rule=""):
    """After how many of these losses to stop, by a rule; more than there are, where nothing says so."""
    if rule not in RULES:
        return next((i + 1 for i in range(patience, len(losses)) if losses[i] >= losses[i - patience]), 10**6)
    better, resets, more = RULES[rule]
    lowest, waited = losses[0], 0
    for i in range(1, len(losses)):
        if better(losses[i], lowest, losses[i - 1]):
            lowest, waited = losses[i], 0 if resets else waited
        else:
            waited += 1
            if waited >= patience + more:
                return i + 1
    return 10**6


def likely_rule(fitting):
    """The one rule that fits, where the untrained head takes no part, or else where it does; "" if several do."""
    for counts in (False, True):
        rules = [rule for each, rule in fitting if each is counts]
        if rules:
            return rules[0] if len(rules) == 1 else ""
    return ""


def wavering_losses(toy, rng):
    """Sets and a patience with which the loss improves again before patience is over, or only on the epoch before.

    Classes overlap and steps are long, so that the loss wavers. Taken are the first of 60 that tell the rules well apart,
    else the best of them: (train, valid), the patience.
    """
    drawn = []
    for _ in range(60):
        centres = drawn_centres(rng, 3, 8, distance=1.0)
        train, valid = (labelled(centres, 40, rng) for _ in range(2))
        losses = losses_of_long_steps(toy, train, valid)
        gap, patience = max((rule_gap(losses, patience), patience) for patience in (2, 3, 4, 5))
        drawn.append((gap, (train, valid), patience))
        if gap >= 2:
            return drawn[-1][1:]
    return max(drawn, key=lambda each: each[0])[1:]


def losses_of_long_steps(toy, train, valid):
    """The validation losses of 24 epochs of one step each, of a linear head."""
    weight, bias = (parameter.detach() for parameter in toy.parameters())
    features, labels = numbered(train[0]), F.one_hot(train[1])
    losses = []
    for _ in range(24):
        slope = (torch.softmax(features @ weight.T + bias, dim=1) - labels) / len(labels)
        weight, bias = weight - LONG * slope.T @ features, bias - LONG * slope.sum(dim=0)
        losses.append(loss_of(unnumbered(valid[0]) @ weight.T + bias, valid[1]))
    return losses


def rule_gap(losses, patience):
    """By how many epochs the nearest wrong rule ends the training sooner or later that has these losses.

    Where two wrong rules end it alike, so that none can be named, it counts as 1 at most.
    """
    right = min(end_of(losses, patience), len(losses))
    rules = ("compares_with_the_epoch_before", "never_resets_the_count", "compares_with_an_epoch_long_ago")
    ends = [min(end_of(losses, patience, rule), len(losses)) for rule in rules]
    gap = min(abs(end - right) for end in ends)
    return gap if len({*ends}) == len(ends) else min(gap, 1)


@pytest.mark.points("fit_head", 1)
@pytest.mark.depends_on("test_fit_trains_the_head")
def test_fit_goes_by_its_seed(submission, clusters, seed):
    """The same seed gives the same head, another seed shuffles otherwise; what is left out has its default."""
    toy = data.toy_head(8, 3, seed=seed)
    heads = [submission.send(toy) for _ in range(5)]
    for head, order in zip(heads, (3, 3, 4, 0, 0), strict=True):
        submission.fit_head(head, *clusters, epochs=2, seed=order)
    same, again, other, *of_zero = (head(clusters[1][0]) for head in heads)
    for logits in (same, again, other, *of_zero):
        assert_kind(logits, (60, 3))
    assert_holds(
        torch.allclose(again, same, rtol=1e-4, atol=1e-5),
        ": the same seed gives another head the second time",
        again,
        mistake="forgets_the_seed",
    )
    as_they_come = toy
    for rows in 2 * torch.arange(90).split(32):
        as_they_come = stepped(as_they_come, slopes_of(as_they_come, *(each[rows] for each in clusters[0])))
    unshuffled = torch.allclose(other, as_they_come(clusters[1][0]), rtol=1e-4, atol=1e-5)
    assert_holds(
        not torch.equal(other, same),
        ": another seed gives the very same head, as if nothing were shuffled",
        other,
        mistake="never_shuffles" if unshuffled else "takes_another_seed",
    )
    assert_holds(
        torch.allclose(*of_zero, rtol=1e-4, atol=1e-5),
        ": a seed of 0 gives another head the second time",
        of_zero[1],
        mistake="takes_zero_for_no_seed",
    )
    plain, spelled_out = (submission.send(toy) for _ in range(2))
    submission.fit_head(plain, *clusters)
    submission.fit_head(spelled_out, *clusters, epochs=20, learning_rate=0.1, batch_size=32, patience=None, seed=0)
    by_default, expected = (head(clusters[1][0]) for head in (plain, spelled_out))
    assert_kind(by_default, (60, 3))
    assert_holds(
        torch.allclose(by_default, expected, rtol=1e-3, atol=1e-4),
        ": without options the head is another one than with all of them at their defaults",
        by_default,
        mistake="changes_a_default",
    )


@pytest.mark.points("fit_head", 0.5)
@pytest.mark.depends_on("test_fit_trains_the_head")
def test_fit_leaves_global_randomness_alone(submission, clusters, seed):
    """The global random state is not seeded, and does not matter."""
    heads = [submission.send(data.toy_head(8, 3, seed=seed)) for _ in range(2)]
    calls = []
    for head in heads:
        submission.fit_head(head, *clusters, epochs=2, seed=5)
        calls.append(submission.last)
    assert_seeds_nothing(*calls, mistake="seeds_everything")
    one, other = (head(clusters[1][0]) for head in heads)
    for logits in (one, other):
        assert_kind(logits, (60, 3))
    assert_holds(
        torch.allclose(other, one, rtol=1e-4, atol=1e-5),
        ": the same seed gives another head after other draws from the global random state",
        other,
        mistake="forgets_the_seed",
    )


def epochs_of(submission, rng, seed, count, batch_size, *, known="drops_what_fills_no_batch"):
    """The numbers of the training examples as the head saw them, a row for each of three epochs."""
    head = submission.send(data.toy_recording_head(9, 2, seed=seed))
    centres = drawn_centres(rng, 2, 8)
    (features, labels), valid = labelled(centres, count, rng), labelled(centres, 20, rng)
    train, valid = (numbered(features), labels), (unnumbered(valid[0]), valid[1])
    submission.fit_head(head, train, valid, epochs=3, batch_size=batch_size, learning_rate=0.01)
    numbers, _ = notes_of(head)
    assert_holds(
        len(numbers) in [times * 3 * count for times in PASSES],
        f": {len(numbers)} examples went through the head, expected {3 * count}: in each of 3 epochs all {count}",
        [numbers],
        mistake=known if len(numbers) == 3 * (count - count % batch_size) else "",
    )
    return numbers.view(3, -1)


@pytest.mark.points("fit_head", 0.5)
@pytest.mark.depends_on("test_fit_trains_the_head")
def test_fit_goes_through_all_examples(submission, rng, seed):
    """Each epoch takes each training example once, also in a last batch that is not full, or where there is no other."""
    # The last batch has half of the size, then a single example: who leaves out what fills no batch leaves out both.
    for count, batch_size, known in (
        (40, 16, "drops_what_fills_no_batch"),
        (33, 16, "leaves_out_a_small_batch"),
        (12, 32, ""),
    ):
        epochs = epochs_of(submission, rng, seed, count, batch_size, known=known)
        times = torch.arange(count).repeat_interleave(epochs.shape[1] // count)
        missing = [int(number) for number in times if number not in epochs[0]]
        drawn = len({tuple(epoch.sort().values.tolist()) for epoch in epochs}) == len(epochs)
        assert_holds(
            all(torch.equal(epoch.sort().values, times) for epoch in epochs),
            f": an epoch took some of the {count} training examples more often than others"
            + (f", and the one in row {missing[0]} never" if missing else ""),
            [epochs],
            mistake="draws_with_replacement" if drawn else "",
        )


@pytest.mark.points("fit_head", 1)
@pytest.mark.depends_on("test_fit_trains_the_head", "test_fit_goes_through_all_examples")
def test_fit_shuffles_anew_each_epoch(submission, rng, seed):
    """Each epoch takes the training examples in another order, and puts them together in other batches."""
    first, second, third = epochs_of(submission, rng, seed, 40, 8)
    anew = not torch.equal(first, second) and not torch.equal(second, third)
    shuffled = not torch.equal(first, first.sort().values)
    assert_holds(
        anew,
        ": it went through the training examples in the same order in every epoch",
        [first],
        mistake=("shuffles_once" if shuffled else "never_shuffles") if torch.equal(second, third) else "",
    )
    turned = torch.equal(first, second.flip(0))
    assert_holds(
        not torch.equal(first, third),
        ": it went through the training examples in the same order in two epochs",
        [third],
        mistake="turns_the_order_round" if turned else "",
    )
    if len(first) == 40:  # where figures are taken with gradients, those examples come in an order of their own
        one, other = ({frozenset(batch) for batch in epoch.view(5, 8).tolist()} for epoch in (first, second))
        round_again = any(torch.equal(first.roll(places), second) for places in range(1, 40))
        assert_holds(
            len(one & other) < 2,
            f": {len(one & other)} of 5 batches have the same examples in two epochs",
            [second],
            mistake="goes_round" if round_again else "keeps_its_batches",
        )
        natural = neighbours(torch.arange(40))
        most = max(len(neighbours(first) & natural), len(neighbours(first) & neighbours(second)))
        assert_holds(
            most < 20,
            f": {most} of 40 training examples come right after the same other one as before, in a new place only",
            [second],
            mistake="goes_round",
        )
        assert_holds(
            len(neighbours(first) & neighbours(second.flip(0))) < 20,
            ": it went backwards in one epoch through the training examples of another",
            [second],
            mistake="turns_the_order_round",
        )


def neighbours(order):
    """Return the pairs of numbers that follow one another."""
    return set(itertools.pairwise(order.tolist()))


@pytest.mark.points("fit_head", 1)
@pytest.mark.depends_on("test_fit_trains_the_head")
def test_fit_takes_each_gradient_once(submission, rng, seed):
    """A step goes by the gradient of its own batch: many steps on classes that overlap end near the best head."""
    centres = drawn_centres(rng, 3, 4, distance=1.5)
    with torch.no_grad():
        sides = [loss_of(data.toy_head(4, 3, seed=seed)(side * centres), torch.arange(3)) for side in (1, -1)]
    centres = (
        centres if sides[0] > sides[1] else -centres
    )  # the first weights give the wrong classes: one step is too few
    known = piling_mistake(submission, data.toy_head(4, 3, seed=seed), labelled(centres, 64, rng, noise=1.0))
    # Where gradients pile up from step to step, the weights swing to and fro: they may pass by the best by chance, once.
    for steps in (60, 66, 72):
        train, valid, unseen = (labelled(centres, count, rng, noise=1.0) for count in (16 * steps, 100, 300))
        train, valid = ((1.5 * features, labels) for features, labels in (train, valid))
        head = submission.send(data.toy_head(4, 3, seed=seed))
        submission.fit_head(head, train, valid, epochs=1, learning_rate=0.05, batch_size=16)
        features, labels = unseen
        logits = head(1.5 * features)
        assert_kind(logits, (300, 3))
        # What nobody can do better, as all classes are equally frequent and equally wide.
        least = loss_of(features @ centres.T, labels)
        worst = least + 0.7 * (math.log(3) - least)
        loss = loss_of(logits, labels)
        assert_holds(
            loss <= worst,
            f": after {steps} steps the loss on new examples is {show(loss)}, expected at most {show(worst)}",
            [logits],
            mistake=known,
        )
    assert_steps_with_each_batch(submission, data.toy_head(4, 3, seed=seed), unseen)
    # In batches of all examples, so that their order does not matter.
    ends = []
    for stale in (False, True):
        head = submission.send(data.toy_head(4, 3, stale=stale, seed=seed))
        submission.fit_head(head, unseen, valid, epochs=1, batch_size=300)
        ends.append(head(features))
        assert_kind(ends[-1], (300, 3))
    assert_holds(
        torch.allclose(*ends, rtol=1e-3, atol=1e-4),
        ": a head that comes with gradients learns something else in its first step than one without any",
        [ends[1]],
        mistake="clears_after_each_step",
    )


def piling_mistake(submission, toy, examples):
    """The known mistake that shows in two steps which are the same in any order; "" if none does."""
    features, labels = examples
    piled = []
    # Two batches of the same example in one epoch, or all examples in each of two.
    for train, epochs in (((features[:1].expand(4, -1).clone(), labels[:1].expand(4).clone()), 1), (examples, 2)):
        head, size = submission.send(toy), 2 if epochs == 1 else len(labels)
        submission.fit_head(head, train, train, epochs=epochs, batch_size=size)
        logits = head(features)
        assert_kind(logits, (len(labels), 3))
        first = slopes_of(toy, *train)
        second = slopes_of(stepped(toy, first), *train)
        both = stepped(stepped(toy, first), [one + other for one, other in zip(first, second, strict=True)])
        piled.append(torch.allclose(logits, both(features), rtol=1e-3, atol=1e-4))
    return {(True, True): "forgets_zero_grad", (True, False): "clears_once_an_epoch"}.get(tuple(piled), "")


def assert_steps_with_each_batch(submission, toy, examples):
    """One, two or three batches of the same example take the head to three places: there is a step for each of them."""
    features, labels = (each[:1] for each in examples)
    places = []
    for count in (1, 2, 3):
        train = features.expand(4 * count, -1).clone(), labels.expand(4 * count).clone()
        head = submission.send(toy)
        submission.fit_head(head, train, train, epochs=1, batch_size=4)
        places.append(head(features))
        assert_kind(places[-1], (1, 3))
    slopes = slopes_of(toy, features, labels)
    at_once = [stepped(toy, [count * slope for slope in slopes])(features) for count in (2, 3)]
    alike = partial(torch.allclose, rtol=1e-5, atol=1e-5)
    of_two, of_three = (alike(*pair) for pair in zip(places[1:], at_once, strict=True))
    assert_holds(
        not (of_two or any(alike(*pair) for pair in itertools.combinations(places, 2))),
        ": it took one step for several batches, expected a step for each",
        places,
        mistake="steps_every_other_batch" if of_two and not of_three else "",
    )


def slopes_of(head, features, labels):
    """The gradients of a head's loss, in the order of its parameters."""
    return torch.autograd.grad(F.cross_entropy(head(features), labels), list(head.parameters()))


def stepped(head, slopes, rate=0.1):
    """A copy of a head, a step down these slopes."""
    moved = copy.deepcopy(head)
    with torch.no_grad():
        for weight, slope in zip(moved.parameters(), slopes, strict=True):
            weight -= rate * slope
    return moved


#: Which of three epochs ran in training mode, by known mistake.
MODES = {
    (False, False, False): "learns_in_eval_mode",
    (True, False, False): "stays_in_eval_mode_after_measuring",
    (True, False, True): "learns_in_eval_mode_at_times",
    (True, True, False): "ends_in_eval_mode",
}


@pytest.mark.points("fit_head", 0.5)
@pytest.mark.depends_on("test_fit_trains_the_head")
def test_fit_trains_in_training_mode(submission, clusters, seed):
    """A head in training mode learns in training mode: it is in eval mode for measuring only."""
    (features, labels), valid = clusters
    head = submission.send(data.toy_recording_head(9, 3, seed=seed).train())
    submission.fit_head(head, (numbered(features), labels), (unnumbered(valid[0]), valid[1]), epochs=3)
    _, modes = notes_of(head)
    learnt = modes.sum().item() / 90
    # An epoch's examples go through the head one after another, where no figures are taken with gradients.
    epochs = tuple(epoch.any().item() for epoch in modes.split(90)) if len(modes) == 270 else ()
    full = modes.sum().item() == 3 * 64
    assert_holds(
        learnt >= 3,
        f": in 3 epochs a training example went {show(learnt)} times through the head in training mode",
        [modes],
        mistake="drops_what_fills_no_batch" if full else MODES.get(epochs, ""),
    )
    assert_measures_in_eval_mode(submission, clusters, seed)


def assert_measures_in_eval_mode(submission, clusters, seed):
    """The valid_loss of a head in training mode that hardly moves is the one that it has in eval mode, without dropout."""
    toy = data.toy_dropout_head(8, 3, normalises=False, seed=seed).train()
    head = submission.send(toy)
    history = submission.fit_head(head, *clusters, epochs=1, learning_rate=1e-9)
    assert_history(history, {1})
    of_train, loss = (loss_of(toy.eval()(features), labels) for features, labels in clusters)
    said = history["valid_loss"][0]
    facts = head.inspect()
    weight = (
        facts["state"].get("2.weight") if isinstance(facts, dict) and isinstance(facts.get("state"), dict) else None
    )
    still = (
        isinstance(weight, torch.Tensor) and weight.shape == (3, 8) and torch.allclose(weight, toy[2].weight, atol=1e-5)
    )
    on_train = math.isclose(said, of_train, rel_tol=1e-3)
    known = "measures_in_training_mode" if still and not on_train else ""
    assert_holds(
        abs(said - loss) <= 1e-4 * (1 + loss),
        f"returned {show(said)} as the valid_loss of a head that hardly moves and has {show(loss)} in eval mode",
        history,
        mistake=known,
    )


@pytest.mark.points("fit_head", 1)
@pytest.mark.depends_on("test_fit_trains_the_head")
def test_fit_does_not_learn_from_valid(submission, centres, rng, seed):
    """The head and the training figures are the same, whatever the validation set."""
    toy = data.toy_head(8, 3, seed=seed)
    train = labelled(centres, 90, rng)
    heads = [submission.send(toy) for _ in range(2)]
    # Both are easier after an epoch than before, so that the epoch's weights are kept.
    for head, valid in zip(heads, (labelled(centres, 60, rng), labelled(centres, 33, rng)), strict=True):
        submission.fit_head(head, train, valid, epochs=1, batch_size=90)  # in which the order does not matter
    unseen, _ = labelled(centres, 60, rng)
    one, other = (head(unseen) for head in heads)
    assert_kind(one, (60, 3))
    assert_close(other, one.detach())
    # Both get easier from epoch to epoch, and are far apart, so that a step on one is not a step on the other.
    histories = []
    for valid in (labelled(centres, 60, rng), labelled(2 * centres, 33, rng)):
        head = submission.send(toy)
        history = submission.fit_head(head, train, valid, epochs=4, learning_rate=0.05, batch_size=90)
        assert_history(history, {4})
        histories.append(history)
    one, other = (history["train_loss"] for history in histories)
    assert_holds(
        all(math.isclose(*pair, rel_tol=1e-3, abs_tol=1e-5) for pair in zip(one, other, strict=True)),
        f"returned the train_loss {show(other)} with one validation set, and {show(one)} with another",
        histories[1],
        mistake=later_step(toy, train, valid, other),
    )


def later_step(toy, train, valid, losses):
    """The known mistake that shows in losses on the training set after each epoch of one step, if any does."""
    head, expected = toy, []
    for epoch in range(len(losses)):
        head = stepped(head, slopes_of(head, *train), 0.05)
        head = stepped(head, slopes_of(head, *valid), 0.05) if epoch else head
        expected.append(loss_of(head(train[0]), train[1]))
    alike = all(math.isclose(*pair, rel_tol=1e-3) for pair in zip(losses, expected, strict=True))
    return "steps_on_valid_later" if alike else ""


@pytest.mark.points("fit_head", 0.5)
@pytest.mark.depends_on("test_fit_trains_the_head")
def test_fit_goes_by_its_learning_rate(submission, clusters, seed):
    """With a learning rate of almost nothing the head hardly changes."""
    toy = data.toy_head(8, 3, seed=seed)
    head = submission.send(toy)
    submission.fit_head(head, *clusters, epochs=2, learning_rate=1e-7)
    features = clusters[1][0]
    with torch.no_grad():
        untrained = toy(features)
    logits = head(features)
    assert_kind(logits, untrained.shape)
    assert_close(logits, untrained, atol=1e-3)


def batch_size_mistake(ways, toy, train, features):
    """The known mistake that shows in going as far with any batch size: one step an epoch, or as many as one size makes."""
    if ways[0] != ways[1]:
        return ""
    one = stepped(toy, slopes_of(toy, *train), 1e-3)
    one = float((one(features) - toy(features)).detach().norm())
    return "takes_one_batch" if ways[0] < 1.5 * one else "ignores_the_batch_size"


@pytest.mark.points("fit_head", 0.5)
@pytest.mark.depends_on("test_fit_trains_the_head")
def test_fit_goes_by_its_batch_size(submission, clusters, seed):
    """In one epoch small batches, which make more steps, take the head further than one batch of all examples."""
    toy, features = data.toy_head(8, 3, seed=seed), clusters[1][0]
    ways = []
    for batch_size in (90, 5):
        head = submission.send(toy)
        submission.fit_head(head, *clusters, epochs=1, learning_rate=1e-3, batch_size=batch_size)
        logits = head(features)
        assert_kind(logits, (60, 3))
        ways.append(float((logits - toy(features)).detach().norm()))
    assert_holds(
        ways[1] > 2 * ways[0],
        ": it went as far in an epoch with a batch_size of 90 as with one of 5, which makes 18 times as many steps",
        mistake=batch_size_mistake(ways, toy, clusters[0], features),
    )


@pytest.mark.points("fit_head", 0.5)
@pytest.mark.depends_on("test_fit_trains_the_head")
def test_fit_changes_only_the_head(submission, clusters, seed):
    """Features and labels are not changed, no hook is left on the head, and all of it can still be trained."""
    submission.fit_head(data.toy_head(8, 3, seed=seed), *clusters, epochs=1)
    call = submission.last
    assert_untouched(call, "hooks", "requires_grad")
    trained = {name for _, kind, names in call.side_effects if kind == "weights" for name in names}
    missing = ", ".join({"weight", "bias"} - trained)
    assert_holds(not missing, f"left the {missing} of the head as it was, expected all of the head to be trained")


@pytest.mark.points("fit_head", 1)
@pytest.mark.hidden
@pytest.mark.depends_on("test_fit_trains_the_head", "test_fit_goes_through_all_examples")
def test_fit_on_other_sets(submission, rng, seed):
    """Few examples, more than a batch takes, or not a multiple of it: the head learns all the same."""
    for count, batch_size in ((8, 32), (50, 16)):
        centres = drawn_centres(rng, 4, 12)
        train, valid, (unseen, labels) = (labelled(centres, size, rng) for size in (count, 60, 100))
        head = submission.send(data.toy_head(12, 4, seed=seed))
        submission.fit_head(head, train, valid, epochs=40, learning_rate=0.2, batch_size=batch_size)
        share = share_of_right(head, unseen, labels)
        assert_between(share, 0.75, 1, what="the accuracy of the trained head on new examples of easy classes")


# --- predict


def coloured(rng, count, classes, seed):
    """A model and images whose logits are well apart, so that no rounding changes their order, but no class is impossible."""
    model = data.toy_model(classes, seed=seed)
    with torch.no_grad():
        model.head.weight.mul_(8)
        images = torch.rand(40 * count, 3, 1, 1, generator=rng).expand(-1, 3, 6, 9).contiguous()
        logits = model(images).sort(dim=1).values
        if len(classes) == 1:
            return model, images[:count]
        chosen = logits.diff(dim=1).amin(dim=1).argsort(descending=True)[:count]
        spread = (logits[:, -1] - logits[:, 0])[chosen].max()
        for parameter in model.head.parameters():
            parameter.mul_(4 / spread)
    return model, images[chosen]


def assert_pairs(result, images, count):
    """A list of lists of pairs of a name and a Python float."""
    lists = isinstance(result, list) and all(isinstance(row, list) for row in result)
    assert_holds(lists, f"returned {show(result)[:60]}, expected a list of lists", [result])
    assert_holds(len(result) == images, f"returned {len(result)} lists, expected {images}", result)
    lengths = [len(row) for row in result]
    assert_holds(
        lengths == [count] * images,
        f"returned lists of {show(lengths)} classes, expected {count} for each image",
        result,
    )
    pairs = all(isinstance(pair, tuple) and len(pair) == 2 for row in result for pair in row)
    kinds = pairs and all(isinstance(name, str) and isinstance(odds, float) for row in result for name, odds in row)
    assert_holds(kinds, f"returned {show(result[0][0])} first, expected a pair of str and float", result)


@pytest.mark.points("predict", 1.5)
def test_predict_names_and_probabilities(submission, rng, seed):
    """For each image the three most probable names with their probabilities, most probable first."""
    model, images = coloured(rng, 4, CLASSES, seed)
    with torch.no_grad():
        probabilities = model(images).softmax(dim=1).tolist()
    expected = [sorted(zip(CLASSES, row, strict=True), key=lambda pair: -pair[1])[:3] for row in probabilities]
    assert_close(submission.predict(model, images), expected)
    assert_close(submission.predict(model, images.flip(0)), expected[::-1])


@pytest.mark.points("predict", 1)
@pytest.mark.depends_on("test_predict_names_and_probabilities")
def test_predict_as_many_as_asked(submission, rng, seed):
    """As many names as asked for come back, at most all of them; the probabilities of all sum to 1."""
    model, images = coloured(rng, 2, CLASSES, seed)
    for k, count in ((1, 1), (4, 4), (5, 5), (9, 5)):
        result = submission.predict(model, images, k)
        assert_pairs(result, 2, count)
        if count == 5:
            total = sum(probability for _, probability in result[0])
            assert_between(total, 0.999, 1.001, what="the sum of all probabilities of an image")
    # Where all classes are equally probable, their order is free.
    with torch.no_grad():
        model.head.weight.zero_()
        model.head.bias.zero_()
    result = submission.predict(model, images, 5)
    assert_pairs(result, 2, 5)
    assert_close(sorted(name for name, _ in result[0]), sorted(CLASSES))


@pytest.mark.points("predict", 1)
@pytest.mark.depends_on("test_predict_names_and_probabilities")
def test_predict_one_image(submission, rng, seed):
    """A single image gives a list of one list."""
    model, images = coloured(rng, 1, CLASSES, seed)
    with torch.no_grad():
        probability, index = model(images).softmax(dim=1)[0].max(dim=0)
    assert_close(submission.predict(model, images, k=1), [[(CLASSES[index], probability.item())]])


@pytest.mark.points("predict", 0.5)
@pytest.mark.depends_on("test_predict_names_and_probabilities")
def test_predict_refuses_no_classes(submission, rng, seed):
    """A k below 1 is a ValueError that names k."""
    model, images = coloured(rng, 1, CLASSES, seed)
    for k in (0, -1):
        message = assert_raises(ValueError, submission.predict, model, images, k)
        named = re.search(r"\bk\b", message, re.IGNORECASE)
        assert_holds(named is not None, f"raised an error that says {message!r}, expected it to name 'k'")


@pytest.mark.points("predict", 0.5)
@pytest.mark.depends_on("test_predict_names_and_probabilities")
def test_predict_is_tidy(submission, model, rng):
    """The images are not changed, and nothing is left on the model."""
    assert_tidy(submission, partial(submission.predict, model, torch.rand(2, 3, 32, 32, generator=rng), 2))


@pytest.mark.points("predict", 1.5)
@pytest.mark.hidden
@pytest.mark.depends_on("test_predict_names_and_probabilities")
def test_predict_with_other_classes(submission, reference, rng, seed):
    """Any model and any k: the right names and probabilities."""
    for count, k in ((2, 2), (7, 4), (1, 3)):
        model, images = coloured(rng, 3, [f"class {i}" for i in range(count)], seed)
        assert_close(submission.predict(model, images, k), reference.predict(model, images, k))
