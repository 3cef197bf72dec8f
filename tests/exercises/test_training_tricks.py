"""Checks of training_tricks. The first line of each docstring is what the student reads."""

import math
import re
from functools import partial

import pytest
import torch
from inspections import SINGLE, assert_each_close, assert_tidy
from torch import Tensor

from autograder.compare import (
    assert_between,
    assert_close,
    assert_equal,
    assert_holds,
    assert_kind,
    assert_raises,
    show,
)

LAYER = (300, 200)  # n_out, n_in: enough weights that their variance is known to within one percent
DROPPED = 0.3


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def moved(seed: int) -> torch.Generator:
    """A generator of a seed, from which something has been drawn."""
    rng = generator(seed)
    torch.rand(1, generator=rng)
    return rng


def tensors(rng: torch.Generator, count: int, *shape: int, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    return [torch.randn(shape, generator=rng, dtype=dtype) for _ in range(count)]


def statistics(rng: torch.Generator, features: int, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    """A scale, a shift and two running estimates, none of them trivial: (features,) each."""
    scale, shift, mean = tensors(rng, 3, features, dtype=dtype)
    return [scale, shift, mean, 0.5 + torch.rand(features, generator=rng, dtype=dtype)]


def assert_tensors(result, shapes, dtype=torch.float32):
    """The result is a tuple of finite tensors of these shapes."""
    count = len(shapes)
    assert_holds(
        isinstance(result, tuple) and len(result) == count,
        f"returned {show(result)}, expected a tuple of {count}",
        result,
    )
    for value, shape in zip(result, shapes, strict=True):
        assert_kind(value, shape, dtype)


def assert_own_randomness(call):
    """A call has neither drawn from nor seeded the global random state."""
    assert_holds(
        not call.describe_side_effects("random state"),
        "used the global random state, expected it to draw from `generator` alone",
        call.value,
    )


def assert_names(text, name):
    """An error names an argument, as a word of its own."""
    named = re.search(rf"\b{name}\b", text, re.IGNORECASE) is not None
    assert_holds(named, f"raised an error that says {text!r}, expected it to name {name!r}")


# --- xavier_normal


@pytest.mark.points("xavier_normal", 2.1)
def test_xavier_normal_variance(submission):
    """The weights are float32 (n_out, n_in) with mean 0 and variance 2 / (n_in + n_out), wide or narrow."""
    for shape in [(5, 3), (1, 7), (1, 1)]:
        assert_kind(submission.xavier_normal(shape, generator(1)), shape)
    means, ratios = [], []
    for n_out, n_in in [LAYER, (1000, 40)]:
        weights = submission.xavier_normal((n_out, n_in), generator(2))
        assert_kind(weights, (n_out, n_in))
        expected = 2 / (n_in + n_out)
        means.append(float(weights.double().mean()) / math.sqrt(expected))
        assert_between(means[-1], -0.05, 0.05, what="the mean in standard deviations")
        ratio = float(weights.var()) / expected
        ratios.append(ratio)
        # Uniform ones end at 1.73 of their deviations, and of so many normal ones some lie beyond 3.5.
        cut = 1.8 < float(weights.abs().max() / weights.std()) < 3.2
        assert_holds(
            0.96 < ratio < 1.04,
            f"has a variance of {float(weights.var()):.3g}, expected {expected:.3g}",
            weights,
            mistake="cuts_off_the_tails" if cut else "",
        )
    exact = all(abs(mean) < 1e-6 for mean in means)  # single draws come so near to it once in a million times
    assert_holds(not exact, "has a mean of exactly 0 each time, expected one that is near to it by chance", weights)
    exact = all(abs(ratio - 1) < 1e-5 for ratio in ratios)
    problem = "has exactly the variance asked for each time, expected one that is near to it by chance"
    assert_holds(not exact, problem, weights)
    # Six weights either way: who scales the same six draws has a ratio that is known exactly.
    row, block = (submission.xavier_normal(shape, generator(9)) for shape in [(1, 6), (2, 3)])
    for weights, shape in ((row, (1, 6)), (block, (2, 3))):
        assert_kind(weights, shape)
    ratios = block.flatten() / row.flatten()
    if float(ratios.max() - ratios.min()) < 1e-4:
        problem = f"has {float(ratios[0]):.4g} times the weights of shape (1, 6), expected {math.sqrt(7 / 5):.4g} times"
        assert_holds(abs(float(ratios[0]) - math.sqrt(7 / 5)) < 1e-4, problem, block)


@pytest.mark.points("xavier_normal", 1)
@pytest.mark.depends_on("test_xavier_normal_variance")
def test_xavier_normal_distribution(submission, rng):
    """The weights are normally distributed, each drawn on its own."""
    n_out, n_in = 256, 400
    weights = submission.xavier_normal((n_out, n_in), rng)
    assert_kind(weights, (n_out, n_in))
    deviation = math.sqrt(2 / (n_in + n_out))
    within = [float((weights.abs() < k * deviation).double().mean()) for k in (1, 2)]
    assert_holds(
        abs(within[0] - 0.683) < 0.03 and abs(within[1] - 0.954) < 0.02,
        f"has {within[0]:.0%} of its weights within one standard deviation and {within[1]:.0%} within two, "
        "expected 68% and 95%",
        weights,
    )
    most = float(weights.abs().max()) / deviation
    assert_between(most, 3.5, what="the largest of 102400 weights, in standard deviations,")
    for name, means, count in (("rows", weights.mean(dim=1), n_in), ("columns", weights.mean(dim=0), n_out)):
        spread = float(means.std()) * math.sqrt(count) / deviation
        assert_between(
            spread, 0.8, 1.2, what=f"the spread of the means of the {name}, where 1 is that of single draws,"
        )


@pytest.mark.points("xavier_normal", 0.5)
@pytest.mark.depends_on("test_xavier_normal_variance")
def test_xavier_normal_follows_the_generator(submission):
    """The same state of the generator gives the same weights, another state gives others."""
    states = (generator(3), generator(3), generator(4), moved(3))
    first, again, other, later = (submission.xavier_normal((8, 6), state) for state in states)
    stays = not submission.last.changed
    for weights in (first, again, other, later):
        assert_kind(weights, (8, 6))
    assert_holds(torch.equal(first, again), "returned other weights for the same state of the generator", again)
    assert_holds(not torch.equal(first, other), "returned the same weights for another state of the generator", other)
    same = "returned the same weights for a generator from which something had been drawn"
    seeds = (
        "seeds_the_global_state"
        if submission.last.describe_side_effects("random state")
        else "begins_the_generator_anew"
    )
    assert_holds(not torch.equal(first, later), same, later, mistake=seeds)
    old = "left the generator in its old state, so that the next call draws the same again"
    assert_holds(not stays, old, later, mistake="repeats_the_draws")


@pytest.mark.points("xavier_normal", 0.4)
@pytest.mark.depends_on("test_xavier_normal_follows_the_generator")
def test_xavier_normal_has_no_other_randomness(submission):
    """The global random state is neither used nor seeded."""
    submission.xavier_normal((4, 3), generator(5))
    assert_own_randomness(submission.last)


# --- batch_norm


@pytest.mark.points("batch_norm", 1.5)
def test_batch_norm_normalises_by_the_biased_variance(submission, rng):
    """Three tensors come back; in training a feature of 1 and 3 becomes -1 and 1: mean 2, and variance 1 over N rows."""
    x = torch.tensor([[1.0, 10.0], [3.0, 30.0]])
    ones, zeros = torch.ones(2), torch.zeros(2)
    result = submission.batch_norm(x, ones, zeros, zeros, ones, training=True)
    # Judged by checks of its own; what it gives here tells apart the mistakes that agree in two rows.
    submission.batch_norm(*tensors(rng, 1, 5, 3), *statistics(rng, 3), training=True, momentum=0.3)
    assert_tensors(result, [(2, 2), (2,), (2,)])
    assert_close(result[0], torch.tensor([[-1.0, -1.0], [1.0, 1.0]]), atol=1e-4)


@pytest.mark.points("batch_norm", 1)
@pytest.mark.depends_on("test_batch_norm_normalises_by_the_biased_variance")
def test_batch_norm_running_estimates(submission):
    """With momentum 0.1 the estimates move a tenth of the way to the batch's mean and unbiased variance."""
    x = torch.tensor([[1.0, 0.0], [3.0, 4.0]])
    ones, zeros = torch.ones(2), torch.zeros(2)
    result = submission.batch_norm(x, ones, zeros, torch.tensor([5.0, 2.0]), torch.tensor([4.0, 2.0]), training=True)
    assert_tensors(result, [(2, 2), (2,), (2,)])
    assert_close(result[1:], (torch.tensor([4.7, 2.0]), torch.tensor([3.8, 2.6])))
    # With a batch of three times these numbers.
    result = submission.batch_norm(
        3 * x, ones, zeros, torch.tensor([5.0, 2.0]), torch.tensor([4.0, 2.0]), training=True
    )
    assert_tensors(result, [(2, 2), (2,), (2,)])
    assert_close(result[1:], (torch.tensor([5.1, 2.4]), torch.tensor([5.4, 9.0])))


@pytest.mark.points("batch_norm", 0.5)
@pytest.mark.depends_on("test_batch_norm_normalises_by_the_biased_variance")
def test_batch_norm_momentum(submission):
    """With momentum 1 the estimates are those of the batch, with momentum 0 they stay."""
    x = torch.tensor([[1.0], [3.0]])
    one, zero = torch.ones(1), torch.zeros(1)
    old = torch.tensor([5.0]), torch.tensor([4.0])
    for momentum, expected in [(1.0, (torch.tensor([2.0]), torch.tensor([2.0]))), (0.0, old)]:
        result = submission.batch_norm(x, one, zero, *old, training=True, momentum=momentum)
        assert_tensors(result, [(2, 1), (1,), (1,)])
        assert_close(result[1:], expected)


@pytest.mark.points("batch_norm", 0.5)
@pytest.mark.depends_on("test_batch_norm_normalises_by_the_biased_variance")
def test_batch_norm_scale_and_shift(submission):
    """What is normalised is scaled by weight, then shifted by bias."""
    x = torch.tensor([[1.0, 1.0], [3.0, 3.0]])
    twos, ones = torch.full((2,), 2.0), torch.ones(2)
    weight, bias = torch.tensor([2.0, -0.5]), torch.tensor([10.0, 1.0])
    for training in (True, False):
        result = submission.batch_norm(x, weight, bias, twos, ones, training=training)
        assert_tensors(result, [(2, 2), (2,), (2,)])
        assert_close(result[0], torch.tensor([[8.0, 1.5], [12.0, 0.5]]), atol=1e-3)


@pytest.mark.points("batch_norm", 0.5)
@pytest.mark.depends_on("test_batch_norm_normalises_by_the_biased_variance")
def test_batch_norm_eps(submission):
    """A constant feature becomes 0, and eps stands under the root, beside the variance."""
    ones, zeros = torch.ones(1), torch.zeros(1)
    result = submission.batch_norm(torch.full((3, 1), 0.5), ones, zeros, zeros, ones, training=True)
    assert_tensors(result, [(3, 1), (1,), (1,)])
    assert_close(result[0], torch.zeros(3, 1))
    x = torch.tensor([[1.0], [3.0]])
    for training in (True, False):
        result = submission.batch_norm(x, ones, zeros, 2 * ones, ones, training=training, eps=3.0)
        assert_tensors(result, [(2, 1), (1,), (1,)])
        assert_close(result[0], torch.tensor([[-0.5], [0.5]]))
        # It is no part of what is remembered.
        assert_close(result[1:], (2 * ones, 1.1 * ones if training else ones))
    # By default it is 1e-5: here as large as the variance.
    root = math.sqrt(1e-5)
    for training in (True, False):
        x = torch.tensor([[-root], [root]])
        result = submission.batch_norm(x, ones, zeros, zeros, 1e-5 * ones, training=training)
        assert_tensors(result, [(2, 1), (1,), (1,)])
        assert_close(result[0], torch.tensor([[-(0.5**0.5)], [0.5**0.5]]), atol=1e-3)


@pytest.mark.points("batch_norm", 1)
@pytest.mark.depends_on("test_batch_norm_normalises_by_the_biased_variance")
def test_batch_norm_in_evaluation(submission):
    """In evaluation the running estimates normalise, come back as they were, and a single row will do."""
    one, zero = torch.ones(1), torch.zeros(1)
    estimates = torch.tensor([5.0]), torch.tensor([4.0])
    for x, expected in [([[1.0], [3.0]], [[-2.0], [-1.0]]), ([[9.0]], [[2.0]])]:
        result = submission.batch_norm(torch.tensor(x), one, zero, *estimates, training=False)
        assert_tensors(result, [(len(x), 1), (1,), (1,)])
        assert_close(result[0], torch.tensor(expected), atol=1e-4)
        assert_close(result[1:], estimates)


@pytest.mark.points("batch_norm", 0.5)
@pytest.mark.depends_on("test_batch_norm_normalises_by_the_biased_variance")
def test_batch_norm_refuses_a_single_row_in_training(submission, rng):
    """A single row in training is a ValueError that names `x`."""
    call = (torch.ones(1, 3), *statistics(rng, 3))
    said = assert_raises(ValueError, submission.batch_norm, *call, training=True)
    assert_names(said, "x")


@pytest.mark.points("batch_norm", 0.5)
@pytest.mark.depends_on("test_batch_norm_normalises_by_the_biased_variance")
def test_batch_norm_leaves_its_arguments_alone(submission, rng):
    """Neither x nor the running estimates are changed in place, and float64 stays float64."""
    (x,) = tensors(rng, 1, 2, 3, dtype=torch.float64)
    weight, bias, mean, variance = statistics(rng, 3, torch.float64)
    # With two rows the mean is halfway between them.
    apart = x[0] - x[1]
    signs, batch = torch.stack([apart, -apart]).sign(), (x.sum(dim=0) / 2, apart.square() / 2)
    for training, estimates in ((True, batch), (False, (mean, variance))):
        ask = partial(
            submission.batch_norm, x, weight, bias, mean, variance, training=training, momentum=1.0, eps=1e-30
        )
        result = assert_tidy(submission, ask)
        assert_tensors(result, [(2, 3), (3,), (3,)], torch.float64)
        assert_close(result[1:], estimates, **SINGLE)
        if training:
            assert_close(result[0], signs * weight + bias, rtol=1e-3, atol=1e-4)


@pytest.mark.points("batch_norm", 1)
@pytest.mark.hidden
@pytest.mark.depends_on("test_batch_norm_normalises_by_the_biased_variance")
def test_batch_norm_on_random_batches(submission, reference, rng):
    """Random batches come out right, in training and in evaluation."""
    for rows, features, dtype in [(2, 1, torch.float32), (7, 5, torch.float64), (32, 3, torch.float32)]:
        x = 3 * torch.randn(rows, features, generator=rng, dtype=dtype) + 1
        arguments = (x, *statistics(rng, features, dtype))
        for training in (True, False):
            options = {"training": training, "momentum": 0.25, "eps": 0.01}
            result = submission.batch_norm(*arguments, **options)
            assert_tensors(result, [(rows, features), (features,), (features,)], dtype)
            sizes = {"rtol": 1e-3, "atol": 1e-4}
            assert_close(result, reference.batch_norm(*arguments, **options), **sizes)


# --- dropout


@pytest.mark.points("dropout", 1)
def test_dropout_enlarges_what_stays(submission, rng):
    """Each entry is either 0 or its old value times 1 / (1 - p), whatever the shape and dtype of x."""
    for shape, dtype in [((40, 50), torch.float32), ((2, 3, 5, 4), torch.float64), ((70,), torch.float32)]:
        x = 0.5 + torch.rand(shape, generator=rng, dtype=dtype)
        x = torch.where(torch.rand(shape, generator=rng) < 0.5, -x, x)
        result = submission.dropout(x, DROPPED, training=True, generator=generator(2))
        assert_kind(result, x.shape, dtype)
        assert_holds(bool((result != 0).any()), "returned nothing but zeros", result)
        sizes = SINGLE if dtype is torch.float64 else {}
        assert_close(result, torch.where(result == 0, 0.0, x / (1 - DROPPED)), **sizes)


def swapped_share(share, p):
    """The known mistake of which so large a share of dropped entries tells."""
    return "drops_the_others" if abs(share - (1 - p)) < 0.03 else ""


@pytest.mark.points("dropout", 1)
@pytest.mark.depends_on("test_dropout_enlarges_what_stays")
def test_dropout_drops_a_share_of_p(submission, rng):
    """About a share p of the entries is dropped, for a small and for a large p."""
    x = 0.5 + torch.rand(300, 400, generator=rng)
    for p in (0.2, 0.8, 0.05):
        result = submission.dropout(x, p, training=True, generator=generator(3))
        assert_kind(result, x.shape)
        share = float((result == 0).double().mean())
        assert_holds(
            abs(share - p) < 0.007,  # six deviations
            f"dropped {share:.1%} of the entries, expected {p:.0%}",
            result,
            mistake=swapped_share(share, p),
        )


@pytest.mark.points("dropout", 1)
@pytest.mark.depends_on("test_dropout_enlarges_what_stays")
def test_dropout_treats_each_entry_on_its_own(submission, rng):
    """Each entry is dropped or kept by its own draw: how many are dropped differs from call to call, and row to row."""
    x = 0.5 + torch.rand(20, 30, generator=rng)
    results = [submission.dropout(x, DROPPED, training=True, generator=generator(seed)) for seed in range(20, 32)]
    for result in results:
        assert_kind(result, x.shape)
    dropped = torch.stack([(result == 0).double() for result in results])
    counts = [int(each.sum()) for each in dropped]
    assert_holds(
        len(set(counts)) > 1,
        f"dropped {counts[0]} of {x.numel()} entries in each of {len(counts)} calls, expected other numbers by chance",
        results[-1],
    )
    # What single draws would give, from a few hundred rows and columns.
    for name, shares, length in (("rows", dropped.mean(dim=2), 30), ("columns", dropped.mean(dim=1), 20)):
        spread = float(shares.std()) / math.sqrt(DROPPED * (1 - DROPPED) / length)
        whole = name == "columns" and bool(((shares == 0) | (shares == 1)).all())
        assert_between(
            spread,
            0.7,
            1.3,
            what=f"the spread of the shares dropped of {name}, where 1 is that of single draws,",
            mistake="drops_columns" if whole else "",
        )
    x = 0.5 + torch.rand(8, 6, 5, 7, generator=rng)
    result = submission.dropout(x, DROPPED, training=True, generator=generator(32))
    assert_kind(result, x.shape)
    dropped = result == 0
    same = [float((dropped == dropped.roll(1, dim)).double().mean()) for dim in range(4)]
    expected = DROPPED**2 + (1 - DROPPED) ** 2
    for dim, share in enumerate(same):
        assert_holds(
            abs(share - expected) < 0.15,
            f"treats {share:.0%} of the neighbours along dimension {dim} of an x of four alike, "
            f"expected {expected:.0%} by chance",
            result,
            mistake=shared_mask(same),
        )


def shared_mask(same):
    """The known mistake that shows in the dimensions along which all entries fare alike, by the share that does in each."""
    alike = tuple(dim for dim, share in enumerate(same) if share == 1)
    return {(0,): "drops_the_same_of_each_image", (2, 3): "drops_channels"}.get(alike, "")


@pytest.mark.points("dropout", 0.5)
@pytest.mark.depends_on("test_dropout_enlarges_what_stays")
def test_dropout_is_the_identity(submission, rng):
    """In evaluation, or with p = 0, x comes back."""
    for x in (torch.randn(6, 5, generator=rng), torch.tensor(1.5)):  # a tensor of a single number has no dimension
        assert_equal(submission.dropout(x, 0.5, training=False, generator=generator(4)), x)
        assert_equal(submission.dropout(x, 0.0, training=True, generator=generator(4)), x)


@pytest.mark.points("dropout", 0.3)
@pytest.mark.depends_on("test_dropout_enlarges_what_stays")
def test_dropout_refuses_impossible_probabilities(submission):
    """A p below 0, or of 1 and more, is a ValueError that names `p`."""
    for p in (1.0, 1.5, -0.1):
        said = assert_raises(ValueError, submission.dropout, torch.ones(3), p, training=True, generator=generator(5))
        assert_names(said, "p")


@pytest.mark.points("dropout", 0.2)
@pytest.mark.depends_on("test_dropout_enlarges_what_stays")
def test_dropout_refuses_them_in_evaluation_too(submission):
    """In evaluation too, where nothing is dropped, such a p is a ValueError that names `p`."""
    for p in (1.5, 1.0, -0.1):
        said = assert_raises(ValueError, submission.dropout, torch.ones(3), p, training=False, generator=generator(5))
        assert_names(said, "p")


@pytest.mark.points("dropout", 0.5)
@pytest.mark.depends_on("test_dropout_enlarges_what_stays")
def test_dropout_follows_the_generator(submission, rng):
    """The same state of the generator drops the same entries, another state drops others."""
    x = 0.5 + torch.rand(10, 10, generator=rng)
    states = (generator(6), generator(6), generator(7), moved(6))
    calls = [submission.dropout(x, 0.5, training=True, generator=state) for state in states]
    stays = "generator" not in submission.last.changed
    for result in calls:
        assert_kind(result, x.shape)
    first, again, other, later = calls
    assert_holds(torch.equal(first, again), "dropped other entries for the same state of the generator", again)
    assert_holds(not torch.equal(first, other), "dropped the same entries for another state of the generator", other)
    same = "dropped the same entries for a generator from which something had been drawn"
    assert_holds(not torch.equal(first, later), same, later, mistake="drops_the_same_each_time")
    old = "left the generator in its old state, so that the next call draws the same again"
    assert_holds(not stays, old, later, mistake="repeats_its_draws")


@pytest.mark.points("dropout", 0.5)
@pytest.mark.depends_on("test_dropout_enlarges_what_stays")
def test_dropout_is_tidy(submission, rng):
    """x is not changed, and the global random state is neither used nor seeded."""
    x = torch.rand(5, 5, generator=rng)
    assert_tidy(submission, lambda: submission.dropout(x, 0.5, training=True, generator=generator(8)))
    assert_own_randomness(submission.last)


@pytest.mark.points("dropout", 1)
@pytest.mark.hidden
@pytest.mark.depends_on("test_dropout_enlarges_what_stays")
def test_dropout_of_many_entries(submission, rng):
    """Of many entries about the share p is dropped, and the mean is kept."""
    x = 0.5 + torch.rand(200, 200, generator=rng)
    result = submission.dropout(x, 0.4, training=True, generator=rng)
    assert_kind(result, x.shape)
    assert_close(result, torch.where(result == 0, 0.0, x / 0.6))
    dropped = (result == 0).double()
    share, p = float(dropped.mean()), 0.4
    swapped = swapped_share(share, p)
    assert_holds(not swapped, f"dropped {share:.0%} of the entries, expected {p:.0%}", result, mistake=swapped)
    for name, shares in [("row", dropped.mean(dim=1)), ("column", dropped.mean(dim=0))]:
        worst = float((shares - 0.4).abs().max())
        assert_holds(worst < 0.3, f"dropped {0.4 + worst:.0%} or {0.4 - worst:.0%} of a {name}, expected 40%", result)
    assert_between(float(result.mean() / x.mean()), 0.93, 1.07, what="the mean after dropout, as a share of before,")


# --- momentum_step


@pytest.mark.points("momentum_step", 1)
def test_first_step_is_plain_descent(submission):
    """From rest, a gradient of 2 and a learning rate of 0.1 move a weight of 1 to 0.8."""
    weight, gradient = torch.tensor([1.0]), torch.tensor([2.0])
    rested = submission.momentum_step(weight, torch.zeros(1), gradient, learning_rate=0.1, momentum=0.9)
    # Judged by a check of its own; what it gives here tells apart the mistakes that agree in the step from rest.
    submission.momentum_step(weight, torch.tensor([0.5]), gradient, learning_rate=0.1, momentum=0.7)
    assert_close(rested, (torch.tensor([0.8]), torch.tensor([-0.2])))


@pytest.mark.points("momentum_step", 0.6)
@pytest.mark.depends_on("test_first_step_is_plain_descent")
def test_momentum_step_kind(submission, rng):
    """Two tensors of the weight's shape come back, the weight, then the velocity, and float64 stays float64."""
    for shape in [(3, 4), (5,), ()]:
        result = submission.momentum_step(*tensors(rng, 3, *shape), learning_rate=0.1, momentum=0.9)
        assert_tensors(result, [shape, shape])
    weight, velocity, gradient = tensors(rng, 3, 2, dtype=torch.float64)
    result = submission.momentum_step(weight, velocity, gradient, learning_rate=0.5, momentum=1.0)
    assert_tensors(result, [(2,), (2,)], torch.float64)
    moved = velocity - gradient / 2
    assert_close(result, (weight + moved, moved), **SINGLE)


@pytest.mark.points("momentum_step", 1)
@pytest.mark.depends_on("test_first_step_is_plain_descent")
def test_velocity_is_kept(submission):
    """A velocity of 0.5 becomes 0.9 * 0.5 - 0.1 * 2 = 0.25, and the weight moves by that; where it is flat, it rolls on."""
    call = torch.tensor([1.0]), torch.tensor([0.5]), torch.tensor([2.0])
    flat = torch.tensor([1.0]), torch.tensor([0.5]), torch.zeros(1)
    assert_each_close(
        (
            submission.momentum_step(*call, learning_rate=0.1, momentum=0.9),
            (torch.tensor([1.25]), torch.tensor([0.25])),
        ),
        (submission.momentum_step(*call, learning_rate=0.5, momentum=0.6), (torch.tensor([0.3]), torch.tensor([-0.7]))),
        (
            submission.momentum_step(*flat, learning_rate=0.1, momentum=0.9),
            (torch.tensor([1.45]), torch.tensor([0.45])),
        ),
    )


@pytest.mark.points("momentum_step", 0.4)
@pytest.mark.depends_on("test_first_step_is_plain_descent")
def test_momentum_step_leaves_its_arguments_alone(submission, rng):
    """Neither the weight nor the velocity nor the gradient is changed in place."""
    call = tensors(rng, 3, 2, 3)
    assert_tidy(submission, partial(submission.momentum_step, *call, learning_rate=0.1, momentum=0.9))


@pytest.mark.points("momentum_step", 1)
@pytest.mark.hidden
@pytest.mark.depends_on("test_first_step_is_plain_descent")
def test_momentum_steps_in_a_row(submission, reference, rng):
    """Several steps in a row lead to the right place."""
    weight, velocity = tensors(rng, 2, 3, 4)
    for _ in range(3):
        (gradient,) = tensors(rng, 1, 3, 4)
        call = (weight, velocity, gradient)
        expected = reference.momentum_step(*call, learning_rate=0.3, momentum=0.7)
        assert_close(submission.momentum_step(*call, learning_rate=0.3, momentum=0.7), expected, atol=1e-5)
        weight, velocity = expected


# --- adam_step


@pytest.mark.points("adam_step", 2)
def test_adam_first_step(submission):
    """Three tensors come back; the first step is as long as the learning rate, whatever the length of the gradient."""
    weight, gradient = torch.ones(3), torch.tensor([2.0, -0.01, 300.0])
    result = submission.adam_step(weight, gradient, torch.zeros(3), torch.zeros(3), 1, learning_rate=0.1)
    assert_tensors(result, [(3,), (3,), (3,)])
    assert_close(result[0], torch.tensor([0.9, 1.1, 0.9]), atol=1e-4)
    result = submission.adam_step(weight, gradient, torch.zeros(3), torch.zeros(3), 1)
    assert_tensors(result, [(3,), (3,), (3,)])
    assert_close(result[0], torch.tensor([0.999, 1.001, 0.999]), atol=1e-5)
    for shape in [(3, 4), ()]:
        zeros = torch.zeros(shape)
        assert_tensors(
            submission.adam_step(torch.ones(shape), torch.ones(shape), zeros, zeros, 1), [shape, shape, shape]
        )


@pytest.mark.points("adam_step", 0.5)
@pytest.mark.depends_on("test_adam_first_step")
def test_adam_moments(submission):
    """The moments move a tenth and a thousandth of the way, and come back without the correction."""
    call = torch.ones(1), torch.tensor([2.0]), torch.tensor([1.0]), torch.tensor([3.0])
    result = submission.adam_step(*call, 4)
    assert_tensors(result, [(1,), (1,), (1,)])
    assert_close(result[1:], (torch.tensor([1.1]), torch.tensor([3.001])))
    fading = torch.ones(1), torch.tensor([0.0]), torch.tensor([1.0]), torch.tensor([4.0])
    for given, betas, moments in (
        (call, (0.5, 0.75), (1.5, 3.25)),
        (call, (0.0, 0.0), (2.0, 4.0)),
        (fading, (0.5, 0.75), (0.5, 3.0)),
    ):
        result = submission.adam_step(*given, 4, beta1=betas[0], beta2=betas[1])
        assert_tensors(result, [(1,), (1,), (1,)])
        assert_close(result[1:], (torch.tensor([moments[0]]), torch.tensor([moments[1]])))


@pytest.mark.points("adam_step", 0.5)
@pytest.mark.depends_on("test_adam_moments")
def test_adam_corrects_later_steps(submission):
    """In a later step each moment is divided by 1 - beta^step, and the weight moves by what that makes."""
    call = torch.ones(1), torch.tensor([2.0]), torch.tensor([1.0]), torch.tensor([3.0])
    # The moments are 1.5 and 3.25, and with step 2 they are divided by 0.75 and by 7/16.
    moves = 0.1 * 2 / math.sqrt(3.25 * 16 / 7)
    result = submission.adam_step(*call, 2, learning_rate=0.1, beta1=0.5, beta2=0.75)
    assert_tensors(result, [(1,), (1,), (1,)])
    assert_close(result[0], torch.tensor([1 - moves]), atol=1e-5)
    # The squares are still too small after 700 steps, of which 0.999 leaves about a half.
    result = submission.adam_step(*call, 700, learning_rate=0.1)
    assert_tensors(result, [(1,), (1,), (1,)])
    assert_close(result[0], torch.tensor([1 - 0.1 * 1.1 / math.sqrt(3.001 / (1 - 0.999**700))]), atol=1e-5)


@pytest.mark.points("adam_step", 1)
@pytest.mark.depends_on("test_adam_first_step")
def test_adam_eps_is_outside_the_root(submission):
    """With a gradient as large as eps, which is 1e-8 by default, the first step is half the learning rate."""
    for gradient, options in ((1.0, {"eps": 1.0}), (1e-8, {})):
        call = torch.ones(1), torch.tensor([gradient]), torch.zeros(1), torch.zeros(1)
        result = submission.adam_step(*call, 1, learning_rate=0.2, **options)
        assert_tensors(result, [(1,), (1,), (1,)])
        assert_close(result[0], torch.tensor([0.9]), atol=1e-4)


@pytest.mark.points("adam_step", 0.5)
@pytest.mark.depends_on("test_adam_first_step")
def test_adam_with_no_gradient(submission):
    """A gradient of zero from the start moves nothing, and nothing is NaN."""
    weight, zeros = torch.tensor([0.3, -2.0]), torch.zeros(2)
    assert_close(submission.adam_step(weight, zeros, zeros, zeros, 1), (weight, zeros, zeros))


@pytest.mark.points("adam_step", 0.5)
@pytest.mark.depends_on("test_adam_first_step")
def test_adam_step_leaves_its_arguments_alone(submission, rng):
    """Neither the weight nor the moments are changed in place, and float64 stays float64."""
    weight, gradient, zeros = *tensors(rng, 2, 2, 3, dtype=torch.float64), torch.zeros(2, 3, dtype=torch.float64)
    ask = partial(submission.adam_step, weight, gradient, zeros, zeros, 1, learning_rate=0.1, eps=1e-30)
    result = assert_tidy(submission, ask)
    assert_tensors(result, [(2, 3), (2, 3), (2, 3)], torch.float64)
    assert_close(result, (weight - gradient.sign() / 10, gradient / 10, gradient.square() / 1000), **SINGLE)


@pytest.mark.points("adam_step", 1)
@pytest.mark.hidden
@pytest.mark.depends_on("test_adam_first_step")
def test_adam_steps_in_a_row(submission, reference, rng):
    """Several steps in a row, with other rates and betas, lead to the right place."""
    (weight,) = tensors(rng, 1, 3, 4)
    mean, square = torch.zeros(3, 4), torch.zeros(3, 4)
    options = {"learning_rate": 0.05, "beta1": 0.8, "beta2": 0.95, "eps": 0.01}
    for step in (1, 2, 3, 10):
        (gradient,) = tensors(rng, 1, 3, 4)
        call = (weight, gradient, mean, square, step)
        expected = reference.adam_step(*call, **options)
        assert_close(submission.adam_step(*call, **options), expected, atol=1e-5)
        weight, mean, square = expected


# --- clip_gradients


def assert_clipped(result, gradients, dtype=torch.float32):
    """The result is a list of gradients of the old shapes, and a float."""
    pair = isinstance(result, tuple) and len(result) == 2
    assert_holds(pair, f"returned {show(result)}, expected a tuple (gradients, norm)", result)
    clipped, norm = result
    assert_holds(
        isinstance(clipped, list) and len(clipped) == len(gradients),
        f"returned {show(clipped)} as its first value, expected a list of {len(gradients)} gradients",
        result,
    )
    for value, gradient in zip(clipped, gradients, strict=True):
        assert_kind(value, gradient.shape, dtype)
    assert_holds(isinstance(norm, float), f"returned a {type(norm).__name__} as the norm, expected a float", result)


@pytest.mark.points("clip_gradients", 2)
def test_clip_one_factor_for_all(submission):
    """Gradients of (4, 4) and 2 are 6 long together: with max_norm 3 they become (2, 2) and 1."""
    gradients = [torch.tensor([4.0, 4.0]), torch.tensor([[2.0]])]
    expected = [torch.tensor([2.0, 2.0]), torch.tensor([[1.0]])]
    assert_each_close(
        (submission.clip_gradients(gradients, 3.0), (expected, 6.0)),
        # Twice as long before, and the same afterwards.
        (submission.clip_gradients([2 * each for each in gradients], 3.0), (expected, 12.0)),
    )


@pytest.mark.points("clip_gradients", 1)
@pytest.mark.depends_on("test_clip_one_factor_for_all")
def test_clip_leaves_short_gradients(submission):
    """Gradients that are 0.5 long come back just as they are with max_norm 1, and are clipped with max_norm 0.4."""
    matrix = torch.tensor([[0.3, 0.0], [0.0, -0.4]])  # whose two singular values both belong to its length
    for gradients in ([torch.tensor([0.3, 0.0]), torch.tensor([-0.4])], [matrix], [matrix.view(1, 2, 2)]):
        result = submission.clip_gradients(gradients, 1.0)
        assert_clipped(result, gradients)
        assert_equal(result[0], gradients)
        assert_close(result[1], 0.5)
    assert_close(submission.clip_gradients([matrix], 0.4), ([0.8 * matrix], 0.5))
    assert_close(submission.clip_gradients([matrix], 0.0), ([torch.zeros(2, 2)], 0.5))


@pytest.mark.points("clip_gradients", 0.5)
@pytest.mark.depends_on("test_clip_one_factor_for_all")
def test_clip_gradients_of_zero(submission):
    """Gradients of zero stay zero: nothing is divided by their norm."""
    gradients = [torch.zeros(2, 3), torch.zeros(4)]
    for max_norm in (1.0, 0.0):
        assert_close(submission.clip_gradients(gradients, max_norm), (gradients, 0.0))


@pytest.mark.points("clip_gradients", 0.5)
@pytest.mark.depends_on("test_clip_one_factor_for_all")
def test_clip_leaves_its_arguments_alone(submission, rng):
    """The gradients are not scaled in place, and float64 stays float64."""
    gradients = tensors(rng, 2, 3, 4, dtype=torch.float64)
    result = assert_tidy(submission, partial(submission.clip_gradients, gradients, 0.5))
    assert_clipped(result, gradients, torch.float64)
    long = float(torch.stack(gradients).norm())
    assert_close(result[1], long, **SINGLE)
    # A little more or less, as by a small number that keeps the division finite, is no mistake.
    assert_close(result[0], [0.5 / long * each for each in gradients], rtol=1e-5, atol=0.0)
    shares = [float((one * other).sum()) for one, other in zip(result[0], gradients, strict=True)]
    lengths = [float(each.square().sum()) for each in gradients]
    assert_close(shares[0] / lengths[0], shares[1] / lengths[1], **SINGLE)


@pytest.mark.points("clip_gradients", 1)
@pytest.mark.hidden
@pytest.mark.depends_on("test_clip_one_factor_for_all")
def test_clip_random_gradients(submission, reference, rng):
    """Random gradients are clipped to any length, and end up no longer than that."""
    gradients = tensors(rng, 1, 6, 5) + tensors(rng, 1, 7) + tensors(rng, 1, 2, 3, 3)
    norm = math.sqrt(sum(float(value.double().square().sum()) for value in gradients))
    for max_norm in (0.3, 2.0, 1.5 * norm):
        result = submission.clip_gradients(gradients, max_norm)
        assert_clipped(result, gradients)
        assert_close(result, reference.clip_gradients(gradients, max_norm), atol=1e-5)
        length = math.sqrt(sum(float(value.double().square().sum()) for value in result[0]))
        assert_between(length, 0, max_norm * (1 + 1e-5), what="the joint norm after clipping")


# --- decayed_learning_rate


@pytest.mark.points("decayed_learning_rate", 1)
def test_decay_compounds(submission, rng):
    """Two epochs with a factor of one half leave a quarter, one a half, and none leaves all of it."""
    rate = int(torch.randint(101, 1000, (1,), generator=rng)) / 1000
    assert_each_close(
        (submission.decayed_learning_rate(rate, 1, 0.5), rate / 2),
        (submission.decayed_learning_rate(rate, 2, 0.5), rate / 4),
        (submission.decayed_learning_rate(rate, 0), rate),
        # A factor of 0 ends it all, one of 1.5 lets it grow.
        (submission.decayed_learning_rate(rate, 3, 0.0), 0.0),
        (submission.decayed_learning_rate(rate, 3, 1.5), rate * 3.375),
        # Not rounded, however small, and by 0.98 where nothing else is said.
        (submission.decayed_learning_rate(rate, 2), rate * 0.9604),
        (submission.decayed_learning_rate(rate, 20, 0.5), rate / 2**20),
        (submission.decayed_learning_rate(rate, 500, 0.5), math.ldexp(rate, -500)),
        rtol=1e-6,
        atol=0.0,
    )


@pytest.mark.points("decayed_learning_rate", 1)
@pytest.mark.hidden
def test_decay_over_many_epochs(submission, reference, rng):
    """Any rate decays rightly over any number of epochs, by 0.98 where nothing else is said."""
    rate = 0.01 + float(torch.rand(1, generator=rng, dtype=torch.float64))
    for epoch in (1, 7, 100):
        assert_close(
            submission.decayed_learning_rate(rate, epoch), reference.decayed_learning_rate(rate, epoch), atol=0.0
        )
        assert_close(
            submission.decayed_learning_rate(rate, epoch, 0.9),
            reference.decayed_learning_rate(rate, epoch, 0.9),
            atol=0.0,
        )


# --- should_stop


def assert_stops_above_the_best(submission):
    """Two losses above the best one stop it, which tells apart functions that fail in the same way afterwards."""
    for losses in ([0.5, 0.6, 0.7], [0.5, 0.9, 0.9]):
        assert_equal(submission.should_stop(losses, 2), True)


@pytest.mark.points("should_stop", 1.5)
def test_stop_once_patience_is_over(submission, rng):
    """With the third of the losses as the best and a patience of 2, training stops after the fifth, not before."""
    best = int(torch.randint(100, 200, (1,), generator=rng))
    losses = [(best + more) / 100 for more in (140, 100, 0, 10, 20, 30)]
    for epochs, expected in [(3, False), (4, False), (5, True), (6, True)]:
        assert_equal(submission.should_stop(losses[:epochs], 2), expected)


@pytest.mark.points("should_stop", 0.5)
@pytest.mark.depends_on("test_stop_once_patience_is_over")
def test_no_losses_are_no_reason_to_stop(submission):
    """Without losses, and after a single one, training goes on."""
    assert_equal(submission.should_stop([], 1), False)
    assert_equal(submission.should_stop([0.7], 1), False)


@pytest.mark.points("should_stop", 0.5)
@pytest.mark.depends_on("test_stop_once_patience_is_over")
def test_best_loss_counts_and_not_the_last(submission):
    """A loss that is lower than the one before it, but not the best, is no improvement."""
    assert_stops_above_the_best(submission)
    assert_equal(submission.should_stop([0.5, 0.9, 0.8, 0.7], 2), True)
    assert_equal(submission.should_stop([0.5, 0.9, 0.8, 0.4], 3), False)
    # A patience of 1 waits for no second epoch, a long one waits its time.
    assert_equal(submission.should_stop([0.6, 0.5], 1), False)
    assert_equal(submission.should_stop([0.6, 0.5, 0.55], 1), True)
    assert_equal(submission.should_stop([0.5] + [0.6] * 11, 12), False)
    assert_equal(submission.should_stop([0.5] + [0.6] * 12, 12), True)
    # A loss may be 0, or lie below it.
    assert_equal(submission.should_stop([0.0, 0.6, 0.5], 2), True)
    assert_equal(submission.should_stop([-0.1, -0.2, -0.3, -0.4], 2), False)


@pytest.mark.points("should_stop", 1)
@pytest.mark.depends_on("test_stop_once_patience_is_over")
def test_only_a_lower_loss_is_an_improvement(submission):
    """A loss that equals the best is no improvement; one that is lower, however little, is."""
    assert_stops_above_the_best(submission)
    assert_equal(submission.should_stop([0.9, 0.5, 0.5], 2), False)
    assert_equal(submission.should_stop([0.5, 0.5, 0.5, 0.5], 2), True)
    assert_equal(submission.should_stop([0.5, 0.5, 0.5], 2), True)
    assert_equal(submission.should_stop([0.5, 0.49999, 0.49998, 0.49997], 2), False)
    assert_equal(submission.should_stop([0.5, 0.4999999, 0.49999985, 0.4999998], 2), False)
    assert_equal(submission.should_stop([0.5, 0.5 - 1e-13, 0.5 - 2e-13, 0.5 - 3e-13], 2), False)
    for large in (1e10, 1e300):
        assert_equal(submission.should_stop([3 * large, 2 * large, large], 2), False)


@pytest.mark.points("should_stop", 0.5)
@pytest.mark.depends_on("test_stop_once_patience_is_over")
def test_nan_is_no_improvement(submission):
    """A NaN is no improvement, and does not hide one either, also where the losses begin with it."""
    nan = math.nan
    assert_tidy(submission, partial(submission.should_stop, [0.5, 0.6, nan, nan], 2))
    assert_stops_above_the_best(submission)
    # First one that neither who stops at a NaN nor who takes it for the best loss gets right, as who leaves it out does.
    assert_equal(submission.should_stop([0.5, nan, 0.4, 0.6], 2), False)
    # And one that only those get wrong for whom a NaN, and whatever follows it, is an improvement.
    assert_equal(submission.should_stop([0.5, 0.6, nan, 0.7], 2), True)
    assert_equal(submission.should_stop([0.5, 0.6, nan, nan], 2), True)
    assert_equal(submission.should_stop([0.5, nan], 2), False)
    assert_equal(submission.should_stop([0.5, nan, 0.6], 2), True)
    assert_equal(submission.should_stop([nan, 0.5, 0.4, 0.6], 2), False)
    assert_equal(submission.should_stop([nan, 0.5, 0.6, 0.7], 2), True)


@pytest.mark.points("should_stop", 1)
@pytest.mark.hidden
@pytest.mark.depends_on("test_stop_once_patience_is_over")
def test_should_stop_on_random_losses(submission, reference, rng):
    """Random losses, as a list or a tuple, stop training at the right epoch."""
    for length in (2, 5, 9):
        losses = (torch.randint(1, 6, (length,), generator=rng).double() / 2).tolist()
        for patience in (1, 2, 4):
            # Up to the epoch where training stops: what was to be said after that, nobody asks.
            ends = (end for end in range(1, length) if reference.should_stop(losses[:end], patience))
            so_far = losses[: next(ends, length)]
            for sequence in (so_far, tuple(so_far)):
                assert_equal(submission.should_stop(sequence, patience), reference.should_stop(sequence, patience))
    # Whatever was drawn: equal losses, a best one long ago, one that is young, and ever lower ones.
    low = 1 + float(torch.rand(1, generator=rng, dtype=torch.float64))
    for more, patience, stops in [
        ((1, 0, 0, 0), 2, True),
        ((0, 3, 2, 1), 3, True),
        ((2, 0, 1), 2, False),
        ((3, 2, 1), 2, False),
    ]:
        assert_equal(submission.should_stop([low + each for each in more], patience), stops)
