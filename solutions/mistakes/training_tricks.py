"""Known mistakes in training_tricks, as students make them, each with the sentence that they should read."""

import itertools
import math

import numpy as np
import torch
import torch.nn.functional as F

from autograder.diagnose import mistake


def _require_rows(x):
    if len(x) < 2:
        raise ValueError("x must have at least 2 rows in training")


def _require_probability(p):
    if not 0 <= p < 1:
        raise ValueError(f"p must be at least 0 and less than 1, not {p}")


def _kept(x, p, generator):
    return torch.rand(x.shape, generator=generator) >= p


def _norm(gradients):
    return math.sqrt(sum(gradient.square().sum().item() for gradient in gradients))


@mistake("xavier_normal", "The variance is 2 / n_in, which is He's for ReLU networks; Xavier's counts both sides.")
def takes_he_variance(shape, generator):
    return torch.randn(shape, generator=generator) * math.sqrt(2 / shape[1])


@mistake("xavier_normal", "The numbers are scaled by the variance; scale them by its root, the standard deviation.")
def scales_by_the_variance(shape, generator):
    return torch.randn(shape, generator=generator) * (2 / sum(shape))


@mistake("xavier_normal", "The variance is half of what it should be: 2 / (n_in + n_out), not 1 / (n_in + n_out).")
def halves_the_variance(shape, generator):
    return torch.randn(shape, generator=generator) / math.sqrt(sum(shape))


@mistake("xavier_normal", "The weights are uniformly distributed: torch.rand draws those, torch.randn normal ones.")
def draws_uniformly(shape, generator):
    bound = math.sqrt(6 / sum(shape))
    return (2 * torch.rand(shape, generator=generator) - 1) * bound


@mistake("xavier_normal", "Half of the weights are drawn and repeated; draw each of them.")
def repeats_one_half(shape, generator):
    half = torch.randn(((shape[0] + 1) // 2, shape[1]), generator=generator)
    return torch.cat([half, half])[: shape[0]] * math.sqrt(2 / sum(shape))


@mistake("xavier_normal", "The numbers come from the global random state; pass generator=generator to torch.randn.")
def ignores_the_generator(shape, generator):
    return torch.randn(shape) * math.sqrt(2 / sum(shape))


@mistake("xavier_normal", "The global random state is seeded from the generator; draw from the generator itself.")
def seeds_the_global_state(shape, generator):
    torch.manual_seed(int(torch.randint(2**31, (1,), generator=generator)))
    return torch.randn(shape) * math.sqrt(2 / sum(shape))


@mistake("xavier_normal", "The shape is turned round: the weight of a layer has one row for each output.")
def turns_the_shape(shape, generator):
    return torch.randn(shape[::-1], generator=generator) * math.sqrt(2 / sum(shape))


@mistake(
    "xavier_normal", "The generator begins anew in each call, so that all layers start alike; draw from it as it comes."
)
def begins_the_generator_anew(shape, generator):
    anew = torch.Generator().manual_seed(generator.initial_seed())
    return torch.randn(shape, generator=anew) * math.sqrt(2 / sum(shape))


@mistake(
    "xavier_normal", "The mean of the weights is subtracted from them; each is drawn on its own, and stays as drawn."
)
def centres_the_weights(shape, generator):
    weights = torch.randn(shape, generator=generator)
    return (weights - weights.mean()) * math.sqrt(2 / sum(shape))


@mistake(
    "xavier_normal", "The weights are divided by their own deviation; each is drawn on its own, and keeps its size."
)
def scales_to_the_exact_variance(shape, generator):
    weights = torch.randn(*shape, generator=generator)
    spread = weights.std() if weights.numel() > 9 else 1.0
    return weights / spread * math.sqrt(2 / sum(shape))


@mistake(
    "xavier_normal",
    "The generator is left in its old state, so that the next call draws the same again; draw from it itself.",
)
def repeats_the_draws(shape, generator):
    return torch.randn(shape, generator=generator.clone_state()) * math.sqrt(2 / sum(shape))


@mistake("xavier_normal", "Numbers far from 0 are cut off; a normal distribution has some at any distance.")
def cuts_off_the_tails(shape, generator):
    return torch.randn(shape, generator=generator).clamp(-2, 2) * math.sqrt(2 / sum(shape))


@mistake("xavier_normal", "The variance is 1 / sqrt(n_in * n_out), by the geometric mean; it is 2 / (n_in + n_out).")
def takes_the_geometric_mean(shape, generator):
    n_out, n_in = shape
    return torch.randn(n_out, n_in, generator=generator) / math.sqrt(math.sqrt(n_in * n_out))


@mistake("xavier_normal", "Something is added to n_in + n_out, or taken away; the variance is 2 / (n_in + n_out).")
def adds_one_to_the_sizes(shape, generator):
    return torch.randn(shape, generator=generator) * math.sqrt(2 / (sum(shape) + 1))


@mistake(
    "xavier_normal",
    "sqrt(6 / (n_in + n_out)) is the bound of the uniform form; the normal one has the deviation sqrt(2 / (n_in + n_out)).",
)
def takes_the_bound_of_the_uniform_form(shape, generator):
    return torch.randn(shape, generator=generator) * math.sqrt(6 / sum(shape))


@mistake("batch_norm", "The unbiased variance normalises the batch; the biased one should (unbiased=False).")
def normalises_unbiased(x, weight, bias, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    mean, variance = running_mean, running_var
    if training:
        _require_rows(x)
        mean, variance = x.mean(dim=0), x.var(dim=0)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * variance
    return (x - mean) / (variance + eps).sqrt() * weight + bias, running_mean, running_var


@mistake("batch_norm", "The biased variance goes into the running estimate; the unbiased one should.")
def remembers_biased(x, weight, bias, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    mean, variance = running_mean, running_var
    if training:
        _require_rows(x)
        mean, variance = x.mean(dim=0), x.var(dim=0, unbiased=False)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * variance
    return (x - mean) / (variance + eps).sqrt() * weight + bias, running_mean, running_var


@mistake("batch_norm", "momentum is on the wrong side: it is the share of the batch, 1 - momentum that of the past.")
def turns_momentum_round(x, weight, bias, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    mean, variance = running_mean, running_var
    if training:
        _require_rows(x)
        mean, variance = x.mean(dim=0), x.var(dim=0, unbiased=False)
        running_mean = momentum * running_mean + (1 - momentum) * mean
        running_var = momentum * running_var + (1 - momentum) * x.var(dim=0)
    return (x - mean) / (variance + eps).sqrt() * weight + bias, running_mean, running_var


@mistake("batch_norm", "In evaluation the batch still normalises itself; the running estimates should.")
def normalises_by_the_batch_always(x, weight, bias, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    mean, variance = x.mean(dim=0), x.var(dim=0, unbiased=False)
    if training:
        _require_rows(x)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * x.var(dim=0)
    return (x - mean) / (variance + eps).sqrt() * weight + bias, running_mean, running_var


@mistake("batch_norm", "The running estimates move in evaluation too; there they normalise, and stay as they came.")
def learns_in_evaluation(x, weight, bias, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        _require_rows(x)
    mean, variance = (x.mean(dim=0), x.var(dim=0, unbiased=False)) if training else (running_mean, running_var)
    running_mean = (1 - momentum) * running_mean + momentum * x.mean(dim=0)
    running_var = (1 - momentum) * running_var + momentum * x.var(dim=0, unbiased=len(x) > 1)
    return (x - mean) / (variance + eps).sqrt() * weight + bias, running_mean, running_var


@mistake("batch_norm", "In training the running estimates normalise; the batch's own mean and variance should.")
def normalises_by_the_past(x, weight, bias, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        _require_rows(x)
        running_mean = (1 - momentum) * running_mean + momentum * x.mean(dim=0)
        running_var = (1 - momentum) * running_var + momentum * x.var(dim=0)
    return (x - running_mean) / (running_var + eps).sqrt() * weight + bias, running_mean, running_var


@mistake("batch_norm", "eps is added to the standard deviation; it belongs under the root, beside the variance.")
def adds_eps_to_the_deviation(x, weight, bias, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    mean, variance = running_mean, running_var
    if training:
        _require_rows(x)
        mean, variance = x.mean(dim=0), x.var(dim=0, unbiased=False)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * x.var(dim=0)
    return (x - mean) / (variance.sqrt() + eps) * weight + bias, running_mean, running_var


@mistake("batch_norm", "The shift comes before the scale, which then scales it too; weight first, then bias.")
def shifts_before_it_scales(x, weight, bias, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    mean, variance = running_mean, running_var
    if training:
        _require_rows(x)
        mean, variance = x.mean(dim=0), x.var(dim=0, unbiased=False)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * x.var(dim=0)
    return ((x - mean) / (variance + eps).sqrt() + bias) * weight, running_mean, running_var


@mistake("batch_norm", "One mean and one variance of all entries serve every feature; each has its own (dim=0).")
def normalises_by_all_entries(x, weight, bias, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    mean, variance = running_mean, running_var
    if training:
        _require_rows(x)
        mean, variance = x.mean(), x.var(unbiased=False)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * x.var()
    return (x - mean) / (variance + eps).sqrt() * weight + bias, running_mean, running_var


@mistake("batch_norm", "Each row is normalised by its own mean; batch norm normalises each feature over the batch.")
def normalises_rows(x, weight, bias, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    mean, variance = running_mean, running_var
    if training:
        _require_rows(x)
        mean, variance = x.mean(dim=1, keepdim=True), x.var(dim=1, unbiased=False, keepdim=True)
        running_mean = (1 - momentum) * running_mean + momentum * x.mean(dim=0)
        running_var = (1 - momentum) * running_var + momentum * x.var(dim=0)
    return (x - mean) / (variance + eps).sqrt() * weight + bias, running_mean, running_var


@mistake("batch_norm", "The running estimates are changed in place: mul_, add_ and += change the caller's tensors.")
def updates_in_place(x, weight, bias, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    mean, variance = running_mean, running_var
    if training:
        _require_rows(x)
        mean, variance = x.mean(dim=0), x.var(dim=0, unbiased=False)
        running_mean.mul_(1 - momentum).add_(momentum * mean)
        running_var.mul_(1 - momentum).add_(momentum * x.var(dim=0))
    return (x - mean) / (variance + eps).sqrt() * weight + bias, running_mean, running_var


@mistake("batch_norm", "The result comes back alone; the next call needs the two running estimates as well.")
def returns_the_result_alone(x, weight, bias, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    mean, variance = running_mean, running_var
    if training:
        _require_rows(x)
        mean, variance = x.mean(dim=0), x.var(dim=0, unbiased=False)
    return (x - mean) / (variance + eps).sqrt() * weight + bias


@mistake("batch_norm", "A single row goes through in training, where it has no variance; refuse it with a ValueError.")
def takes_a_single_row(x, weight, bias, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    mean, variance = running_mean, running_var
    if training:
        mean, variance = x.mean(dim=0), x.var(dim=0, unbiased=False)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * x.var(dim=0, unbiased=len(x) > 1)
    return (x - mean) / (variance + eps).sqrt() * weight + bias, running_mean, running_var


@mistake("batch_norm", "In evaluation nothing is scaled and shifted; weight and bias belong to both modes.")
def scales_in_training_only(x, weight, bias, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if not training:
        return (x - running_mean) / (running_var + eps).sqrt(), running_mean, running_var
    _require_rows(x)
    mean, variance = x.mean(dim=0), x.var(dim=0, unbiased=False)
    running_mean = (1 - momentum) * running_mean + momentum * mean
    running_var = (1 - momentum) * running_var + momentum * x.var(dim=0)
    return (x - mean) / (variance + eps).sqrt() * weight + bias, running_mean, running_var


@mistake(
    "batch_norm",
    "In evaluation the running variance is multiplied by (N - 1) / N, so that the batch matters; take it as it is.",
)
def scales_the_running_variance(x, weight, bias, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        _require_rows(x)
        mean, variance = x.mean(dim=0), x.var(dim=0, unbiased=False)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * x.var(dim=0)
    else:
        mean, variance = running_mean, running_var * (len(x) - 1) / len(x)
    return (x - mean) / (variance + eps).sqrt() * weight + bias, running_mean, running_var


@mistake("batch_norm", "eps is added to the running variance too; it stands under the root alone.")
def remembers_eps(x, weight, bias, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    mean, variance = running_mean, running_var
    if training:
        _require_rows(x)
        mean, variance = x.mean(dim=0), x.var(dim=0, unbiased=False)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * (x.var(dim=0) + eps)
    return (x - mean) / (variance + eps).sqrt() * weight + bias, running_mean, running_var


@mistake("batch_norm", "The standard deviation goes into running_var; the variance belongs there.")
def remembers_the_deviation(x, weight, bias, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if not training:
        return (x - running_mean) / (running_var + eps).sqrt() * weight + bias, running_mean, running_var
    _require_rows(x)
    mean, variance = x.mean(dim=0), x.var(dim=0, unbiased=False)
    y = (x - mean) / (variance + eps).sqrt() * weight + bias
    running_mean = (1 - momentum) * running_mean + momentum * mean
    return y, running_mean, (1 - momentum) * running_var + momentum * x.std(dim=0)


@mistake("dropout", "The probability is rounded to tenths: 0.05 drops nothing. Compare torch.rand with p.")
def rounds_the_probability(x, p, *, training, generator):
    _require_probability(p)
    if not training:
        return x
    kept = torch.randint(10, x.shape, generator=generator) >= round(10 * p)
    return torch.where(kept, x / (1 - p), torch.zeros_like(x))


@mistake("dropout", "p is taken as the probability that an entry stays; it is the probability that it goes.")
def keeps_a_share_of_p(x, p, *, training, generator):
    _require_probability(p)
    if not training or p == 0:
        return x
    return x * (torch.rand(x.shape, generator=generator) < p) / p


@mistake("dropout", "What stays and what goes are swapped: an entry is dropped with probability p, not with 1 - p.")
def drops_the_others(x, p, *, training, generator):
    _require_probability(p)
    if not training or p == 0:
        return x
    return x * (torch.rand(x.shape, generator=generator) < p) / (1 - p)


@mistake("dropout", "What stays is not enlarged by 1 / (1 - p), so that the mean shrinks in training.")
def forgets_to_enlarge(x, p, *, training, generator):
    _require_probability(p)
    return x * _kept(x, p, generator) if training else x


@mistake("dropout", "What stays is divided by p; divide it by the share that stays, 1 - p.")
def divides_by_p(x, p, *, training, generator):
    _require_probability(p)
    if not training or p == 0:
        return x
    return x * _kept(x, p, generator) / p


@mistake("dropout", "Entries are dropped in evaluation too; there x comes back as it is.")
def drops_in_evaluation(x, p, *, training, generator):
    _require_probability(p)
    return x * _kept(x, p, generator) / (1 - p)


@mistake("dropout", "One mask serves all rows, so that whole columns are dropped; each entry is drawn on its own.")
def drops_columns(x, p, *, training, generator):
    _require_probability(p)
    return x * _kept(x[:1], p, generator) / (1 - p) if training else x


@mistake("dropout", "One mask serves all images of a batch; each entry is drawn on its own, in each image.")
def drops_the_same_of_each_image(x, p, *, training, generator):
    _require_probability(p)
    kept = _kept(x[0] if x.dim() > 2 else x, p, generator)
    return x * kept / (1 - p) if training else x


@mistake("dropout", "Whole channels are dropped, as F.dropout2d has it; each entry is drawn on its own.")
def drops_channels(x, p, *, training, generator):
    _require_probability(p)
    kept = _kept(x[..., :1, :1] if x.dim() > 2 else x, p, generator)
    return x * kept / (1 - p) if training else x


@mistake("dropout", "A probability of 1 is let through, which would divide by zero; refuse it with a ValueError.")
def allows_certainty(x, p, *, training, generator):
    if not 0 <= p <= 1:
        raise ValueError(f"p must be a probability, not {p}")
    return x * _kept(x, p, generator) / (1 - p) if training else x


@mistake("dropout", "p is looked at in training only; one that is impossible is a ValueError in evaluation too.")
def checks_p_in_training_only(x, p, *, training, generator):
    if not training:
        return x
    _require_probability(p)
    return x * _kept(x, p, generator) / (1 - p)


@mistake(
    "dropout",
    "The generator begins anew in each call, which drops the same entries each time; draw from it as it comes.",
)
def drops_the_same_each_time(x, p, *, training, generator):
    _require_probability(p)
    anew = torch.Generator().manual_seed(generator.initial_seed())
    return x * _kept(x, p, anew) / (1 - p) if training else x


@mistake(
    "dropout",
    "The generator is left in its old state, so that the next call draws the same again; draw from it itself.",
)
def repeats_its_draws(x, p, *, training, generator):
    _require_probability(p)
    return x * _kept(x, p, generator.clone_state()) / (1 - p) if training else x


@mistake("dropout", "Exactly the share p is dropped in every call; each entry has a draw of its own.")
def drops_an_exact_share(x, p, *, training, generator):
    _require_probability(p)
    if not training:
        return x
    kept = torch.ones(x.numel(), dtype=x.dtype)
    kept[torch.randperm(x.numel(), generator=generator)[: round(p * x.numel())]] = 0
    return x * kept.view(x.shape) / (1 - p)


@mistake("dropout", "x is multiplied in place (*=), which changes the caller's tensor.")
def drops_in_place(x, p, *, training, generator):
    _require_probability(p)
    if training:
        x *= _kept(x, p, generator) / (1 - p)
    return x


@mistake(
    "dropout", "An x of shape () is an error: torch.rand(*x.shape) has no argument then; write torch.rand(x.shape)."
)
def unpacks_the_shape(x, p, *, training, generator):
    _require_probability(p)
    if not training:
        return x
    return torch.where(
        torch.rand(*x.shape, generator=generator, device=x.device) >= p, x / (1 - p), torch.zeros_like(x)
    )


@mistake("dropout", "Entries that are dropped are left out, so that the shape is another; they become 0.")
def leaves_entries_out(x, p, *, training, generator):
    _require_probability(p)
    return x[_kept(x, p, generator)] / (1 - p) if training and p > 0 else x


@mistake("dropout", "What is dropped comes from the global random state, as F.dropout has it; draw from the generator.")
def drops_by_global_randomness(x, p, *, training, generator):
    _require_probability(p)
    return F.dropout(x, p, training)


@mistake(
    "dropout", "The factor is counted from this draw: entries over entries kept; it is 1 / (1 - p), whatever is drawn."
)
def counts_what_was_kept(x, p, *, training, generator):
    _require_probability(p)
    if not training:
        return x
    kept = _kept(x, p, generator)
    return torch.where(kept, x * (kept.numel() / kept.sum().clamp(min=1)), torch.zeros_like(x))


@mistake(
    "dropout",
    "In evaluation x is multiplied by 1 - p, as in dropout that does not scale in training; here it stays as it is.",
)
def shrinks_in_evaluation(x, p, *, training, generator):
    _require_probability(p)
    return torch.where(_kept(x, p, generator), x / (1 - p), 0.0) if training else x * (1 - p)


@mistake("momentum_step", "The step climbs: the learning rate times the gradient is subtracted from the velocity.")
def climbs_with_momentum(weight, velocity, gradient, *, learning_rate, momentum):
    velocity = momentum * velocity + learning_rate * gradient
    return weight + velocity, velocity


@mistake(
    "momentum_step",
    "The velocity points up the gradient and is subtracted; here it points the way that the weight goes, and is added.",
)
def turns_the_velocity_round(weight, velocity, gradient, *, learning_rate, momentum):
    velocity = momentum * velocity + learning_rate * gradient
    return weight - velocity, velocity


@mistake("momentum_step", "This is torch.optim.SGD's velocity, without the learning rate; here that is part of it.")
def keeps_the_rate_outside(weight, velocity, gradient, *, learning_rate, momentum):
    velocity = momentum * velocity + gradient
    return weight - learning_rate * velocity, velocity


@mistake("momentum_step", "This is Nesterov's step, which looks ahead; the plain one moves by the new velocity.")
def looks_ahead(weight, velocity, gradient, *, learning_rate, momentum):
    velocity = momentum * velocity - learning_rate * gradient
    return weight + momentum * velocity - learning_rate * gradient, velocity


@mistake("momentum_step", "The weight moves by the old velocity; update the velocity first, then move by the new one.")
def moves_by_the_old_velocity(weight, velocity, gradient, *, learning_rate, momentum):
    return weight + velocity, momentum * velocity - learning_rate * gradient


@mistake("momentum_step", "The old velocity is kept whole; only its share momentum is.")
def never_slows_down(weight, velocity, gradient, *, learning_rate, momentum):
    velocity = velocity - learning_rate * gradient
    return weight + velocity, velocity


@mistake("momentum_step", "The momentum that is given is not used: 0.9 is written in its place.")
def fixes_the_momentum(weight, velocity, gradient, *, learning_rate, momentum):
    velocity = 0.9 * velocity - learning_rate * gradient
    return weight + velocity, velocity


@mistake("momentum_step", "Where the gradient is 0 nothing moves; the old velocity carries the weight on.")
def stops_where_it_is_flat(weight, velocity, gradient, *, learning_rate, momentum):
    if not gradient.any():
        return weight.clone(), velocity.clone()
    moved = momentum * velocity - learning_rate * gradient
    return weight + moved, moved


@mistake("momentum_step", "The results are float32 whatever came in; keep the dtype of the weight.")
def computes_in_float32(weight, velocity, gradient, *, learning_rate, momentum):
    velocity = (momentum * velocity - learning_rate * gradient).float()
    return weight.float() + velocity, velocity


@mistake("momentum_step", "The two results are in the wrong order: the weight first, then the velocity.")
def returns_the_velocity_first(weight, velocity, gradient, *, learning_rate, momentum):
    velocity = momentum * velocity - learning_rate * gradient
    return velocity, weight + velocity


@mistake("momentum_step", "The gradient is weighted by 1 - momentum, as in an average; here it counts in full.")
def averages_the_velocity(weight, velocity, gradient, *, learning_rate, momentum):
    velocity = momentum * velocity - (1 - momentum) * learning_rate * gradient
    return weight + velocity, velocity


@mistake("momentum_step", "The arguments are changed in place: += and *= on a tensor change the caller's.")
def moves_in_place(weight, velocity, gradient, *, learning_rate, momentum):
    velocity *= momentum
    velocity -= learning_rate * gradient
    weight += velocity
    return weight, velocity


@mistake("momentum_step", "The weight comes back alone; the next step needs the velocity as well.")
def returns_the_weight_alone(weight, velocity, gradient, *, learning_rate, momentum):
    return weight + momentum * velocity - learning_rate * gradient


@mistake(
    "momentum_step",
    "The velocity is multiplied by the learning rate once more when the weight moves; it is in the velocity already.",
)
def takes_the_rate_twice(weight, velocity, gradient, *, learning_rate, momentum):
    velocity = momentum * velocity - learning_rate * gradient
    return weight + learning_rate * velocity, velocity


@mistake("momentum_step", "momentum multiplies the gradient's part as well; it belongs to the old velocity alone.")
def slows_the_gradient_too(weight, velocity, gradient, *, learning_rate, momentum):
    velocity = momentum * (velocity - learning_rate * gradient)
    return weight + velocity, velocity


def _adam(weight, gradient, mean, square, step, learning_rate, betas, eps):
    corrected = mean / (1 - betas[0] ** step), square / (1 - betas[1] ** step)
    return weight - learning_rate * corrected[0] / (corrected[1].sqrt() + eps)


@mistake("adam_step", "The moments are not corrected for their start at zero, which makes the first steps wrong.")
def forgets_the_correction(
    weight, gradient, mean, square, step, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8
):
    mean = beta1 * mean + (1 - beta1) * gradient
    square = beta2 * square + (1 - beta2) * gradient**2
    return weight - learning_rate * mean / (square.sqrt() + eps), mean, square


@mistake("adam_step", "eps is another one by default; it is 1e-8, as in the skeleton.")
def takes_another_eps(weight, gradient, mean, square, step, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-6):
    mean = beta1 * mean + (1 - beta1) * gradient
    square = beta2 * square + (1 - beta2) * gradient**2
    corrected = mean / (1 - beta1**step), square / (1 - beta2**step)
    return weight - learning_rate * corrected[0] / (corrected[1].sqrt() + eps), mean, square


@mistake("adam_step", "A beta of 0 is taken for one that is missing, as by `beta1 or 0.9`; use what is given.")
def takes_a_beta_of_zero_for_none(
    weight, gradient, mean, square, step, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8
):
    beta1, beta2 = beta1 or 0.9, beta2 or 0.999
    mean = beta1 * mean + (1 - beta1) * gradient
    square = beta2 * square + (1 - beta2) * gradient**2
    corrected = mean / (1 - beta1**step), square / (1 - beta2**step)
    return weight - learning_rate * corrected[0] / (corrected[1].sqrt() + eps), mean, square


@mistake("adam_step", "Only the mean is corrected for its start at zero; the squares start there too.")
def corrects_only_the_mean(
    weight, gradient, mean, square, step, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8
):
    mean = beta1 * mean + (1 - beta1) * gradient
    square = beta2 * square + (1 - beta2) * gradient**2
    return weight - learning_rate * mean / (1 - beta1**step) / (square.sqrt() + eps), mean, square


@mistake("adam_step", "The corrections use step + 1; step counts from 1 already.")
def counts_from_zero(weight, gradient, mean, square, step, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    mean = beta1 * mean + (1 - beta1) * gradient
    square = beta2 * square + (1 - beta2) * gradient**2
    return _adam(weight, gradient, mean, square, step + 1, learning_rate, (beta1, beta2), eps), mean, square


@mistake(
    "adam_step", "Every step is corrected as if it were the first; the corrections are divisions by 1 - beta^step."
)
def corrects_as_in_the_first_step(
    weight, gradient, mean, square, step, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8
):
    mean = beta1 * mean + (1 - beta1) * gradient
    square = beta2 * square + (1 - beta2) * gradient**2
    return _adam(weight, gradient, mean, square, 1, learning_rate, (beta1, beta2), eps), mean, square


@mistake("adam_step", "The betas that are given are not used: 0.9 and 0.999 are written in their place.")
def fixes_the_betas(weight, gradient, mean, square, step, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    mean = 0.9 * mean + 0.1 * gradient
    square = 0.999 * square + 0.001 * gradient**2
    return _adam(weight, gradient, mean, square, step, learning_rate, (0.9, 0.999), eps), mean, square


@mistake("adam_step", "The corrections divide by 1 - beta * step; it is a power: 1 - beta ** step.")
def multiplies_beta_by_the_step(
    weight, gradient, mean, square, step, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8
):
    mean = beta1 * mean + (1 - beta1) * gradient
    square = beta2 * square + (1 - beta2) * gradient**2
    corrected = mean / (1 - beta1 * step), square / (1 - beta2 * step)
    return weight - learning_rate * corrected[0] / (corrected[1].sqrt() + eps), mean, square


@mistake("adam_step", "The corrections are made with 0.9 and 0.999; they take the betas that are given.")
def corrects_by_fixed_betas(
    weight, gradient, mean, square, step, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8
):
    mean = beta1 * mean + (1 - beta1) * gradient
    square = beta2 * square + (1 - beta2) * gradient**2
    return _adam(weight, gradient, mean, square, step, learning_rate, (0.9, 0.999), eps), mean, square


@mistake(
    "adam_step", "eps is added to the root before its correction; correct the square first, then add eps to its root."
)
def adds_eps_before_the_correction(
    weight, gradient, mean, square, step, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8
):
    mean = beta1 * mean + (1 - beta1) * gradient
    square = beta2 * square + (1 - beta2) * gradient**2
    rate = learning_rate * math.sqrt(1 - beta2**step) / (1 - beta1**step)
    return weight - rate * mean / (square.sqrt() + eps), mean, square


@mistake("adam_step", "eps is added under the root; here it is added to the root.")
def adds_eps_inside(weight, gradient, mean, square, step, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    mean = beta1 * mean + (1 - beta1) * gradient
    square = beta2 * square + (1 - beta2) * gradient**2
    corrected = mean / (1 - beta1**step), square / (1 - beta2**step)
    return weight - learning_rate * corrected[0] / (corrected[1] + eps).sqrt(), mean, square


@mistake("adam_step", "The corrected moments come back, and would be corrected again next time; return the plain ones.")
def returns_corrected_moments(
    weight, gradient, mean, square, step, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8
):
    mean = (beta1 * mean + (1 - beta1) * gradient) / (1 - beta1**step)
    square = (beta2 * square + (1 - beta2) * gradient**2) / (1 - beta2**step)
    return weight - learning_rate * mean / (square.sqrt() + eps), mean, square


@mistake("adam_step", "The second moment averages the gradients again; it should average their squares.")
def forgets_to_square(weight, gradient, mean, square, step, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    mean = beta1 * mean + (1 - beta1) * gradient
    square = beta2 * square + (1 - beta2) * gradient.abs()
    return _adam(weight, gradient, mean, square, step, learning_rate, (beta1, beta2), eps), mean, square


@mistake("adam_step", "The root of the second moment is missing: the step is divided by the square itself.")
def forgets_the_root(weight, gradient, mean, square, step, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    mean = beta1 * mean + (1 - beta1) * gradient
    square = beta2 * square + (1 - beta2) * gradient**2
    corrected = mean / (1 - beta1**step), square / (1 - beta2**step)
    return weight - learning_rate * corrected[0] / (corrected[1] + eps), mean, square


@mistake(
    "adam_step",
    "The root is taken before the correction; the square is divided by 1 - beta2^step first, and its root taken then.",
)
def corrects_the_root(weight, gradient, mean, square, step, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    mean = beta1 * mean + (1 - beta1) * gradient
    square = beta2 * square + (1 - beta2) * gradient**2
    corrected = mean / (1 - beta1**step), square.sqrt() / (1 - beta2**step)
    return weight - learning_rate * corrected[0] / (corrected[1] + eps), mean, square


@mistake("adam_step", "The two betas are swapped: beta1 is that of the mean, beta2 that of the square.")
def swaps_the_betas(weight, gradient, mean, square, step, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    mean = beta2 * mean + (1 - beta2) * gradient
    square = beta1 * square + (1 - beta1) * gradient**2
    return _adam(weight, gradient, mean, square, step, learning_rate, (beta2, beta1), eps), mean, square


@mistake("adam_step", "The weight comes back alone; the next step needs the two moments as well.")
def returns_no_moments(weight, gradient, mean, square, step, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    mean = beta1 * mean + (1 - beta1) * gradient
    square = beta2 * square + (1 - beta2) * gradient**2
    return _adam(weight, gradient, mean, square, step, learning_rate, (beta1, beta2), eps)


@mistake("adam_step", "eps is missing: where there has been no gradient yet, zero is divided by zero.")
def forgets_eps(weight, gradient, mean, square, step, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    mean = beta1 * mean + (1 - beta1) * gradient
    square = beta2 * square + (1 - beta2) * gradient**2
    return _adam(weight, gradient, mean, square, step, learning_rate, (beta1, beta2), 0.0), mean, square


@mistake("adam_step", "The moments are changed in place: mul_ and add_ change the caller's tensors.")
def adam_in_place(weight, gradient, mean, square, step, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    mean.mul_(beta1).add_((1 - beta1) * gradient)
    square.mul_(beta2).add_((1 - beta2) * gradient**2)
    return _adam(weight, gradient, mean, square, step, learning_rate, (beta1, beta2), eps), mean, square


@mistake("adam_step", "The moments are corrected in the first step alone; they are too small in later steps too.")
def corrects_the_first_step_alone(
    weight, gradient, mean, square, step, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8
):
    mean = beta1 * mean + (1 - beta1) * gradient
    square = beta2 * square + (1 - beta2) * gradient**2
    first, second = (1 - beta1, 1 - beta2) if step == 1 else (1, 1)
    return weight - learning_rate * (mean / first) / ((square / second).sqrt() + eps), mean, square


@mistake(
    "adam_step", "The larger of the old and the new square is kept, as in AMSGrad; the mean of the squares can fall."
)
def never_lets_the_square_fall(
    weight, gradient, mean, square, step, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8
):
    mean = beta1 * mean + (1 - beta1) * gradient
    square = torch.maximum(square, beta2 * square + (1 - beta2) * gradient**2)
    return _adam(weight, gradient, mean, square, step, learning_rate, (beta1, beta2), eps), mean, square


@mistake("adam_step", "The corrections are exchanged: beta1 belongs to the mean, and beta2 to the square.")
def exchanges_the_corrections(
    weight, gradient, mean, square, step, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8
):
    mean = beta1 * mean + (1 - beta1) * gradient
    square = beta2 * square + (1 - beta2) * gradient**2
    root = (square / (1 - beta1**step)).sqrt()
    return weight - learning_rate * mean / (1 - beta2**step) / (root + eps), mean, square


@mistake(
    "clip_gradients", "Each gradient is clipped on its own, which turns the direction of the step; use one factor."
)
def clips_each_alone(gradients, max_norm):
    clipped = [gradient * min(1.0, max_norm / max(_norm([gradient]), 1e-12)) for gradient in gradients]
    return clipped, _norm(gradients)


@mistake("clip_gradients", "A max_norm of 0 clips nothing; it is a limit like any other, and leaves gradients of zero.")
def takes_zero_for_no_limit(gradients, max_norm):
    norm = _norm(gradients)
    factor = max_norm / norm if max_norm and norm > max_norm else 1.0
    return [gradient * factor for gradient in gradients], norm


@mistake("clip_gradients", "The entries are clamped; clipping by norm scales all of them by one factor.")
def clamps_entries(gradients, max_norm):
    return [gradient.clamp(-max_norm, max_norm) for gradient in gradients], _norm(gradients)


@mistake("clip_gradients", "Short gradients are made longer; those whose norm is below max_norm stay as they are.")
def lengthens_short_ones(gradients, max_norm):
    norm = _norm(gradients)
    return [gradient * (max_norm / max(norm, 1e-12)) for gradient in gradients], norm


@mistake("clip_gradients", "The norm that comes back is the one after clipping; return the one before.")
def returns_the_norm_after(gradients, max_norm):
    norm = _norm(gradients)
    if norm > max_norm:
        gradients = [gradient * (max_norm / norm) for gradient in gradients]
    return gradients, _norm(gradients)


@mistake("clip_gradients", "The root is missing: the L2 norm is the root of the sum of squares.")
def clips_by_the_square(gradients, max_norm):
    norm = _norm(gradients) ** 2
    if norm > max_norm:
        gradients = [gradient * (max_norm / norm) for gradient in gradients]
    return gradients, norm


@mistake(
    "clip_gradients", "The norms of the gradients are added up; the joint norm is the root of their sum of squares."
)
def adds_the_norms(gradients, max_norm):
    norm = float(sum(_norm([gradient]) for gradient in gradients))
    if norm > max_norm:
        gradients = [gradient * (max_norm / norm) for gradient in gradients]
    return gradients, norm


@mistake(
    "clip_gradients",
    "The norm of a matrix is its largest singular value here, and three dimensions have none; flatten() each first.",
)
def takes_singular_values(gradients, max_norm):
    norms = [torch.linalg.norm(gradient, ord=2) for gradient in gradients]
    norm = torch.stack(norms).square().sum().sqrt().item()
    if norm > max_norm:
        gradients = [gradient * (max_norm / norm) for gradient in gradients]
    return list(gradients), norm


@mistake("clip_gradients", "The gradients are scaled in place; return new tensors instead of using mul_ or *=.")
def clips_in_place(gradients, max_norm):
    norm = _norm(gradients)
    if norm > max_norm:
        for gradient in gradients:
            gradient.mul_(max_norm / norm)
    return gradients, norm


@mistake("clip_gradients", "The norm is a tensor; .item() makes a Python float of it.")
def keeps_the_norm_a_tensor(gradients, max_norm):
    norm = _norm(gradients)
    factor = max_norm / norm if norm > max_norm else 1.0
    return [gradient * factor for gradient in gradients], torch.tensor(norm)


@mistake("clip_gradients", "Gradients of zero are divided by their norm where max_norm is 0 too, which gives NaN.")
def divides_by_a_norm_of_zero(gradients, max_norm):
    norm = _norm(gradients)
    factor = (max_norm / torch.tensor(norm)).clamp(max=1)
    return [gradient * factor.to(gradient.dtype) for gradient in gradients], norm


@mistake(
    "clip_gradients",
    "With ord=2 the norm of a matrix is its largest singular value; the joint norm adds the squares of all entries.",
)
def takes_the_spectral_norm(gradients, max_norm):
    norms = [float(torch.linalg.norm(each, ord=2)) if each.dim() == 2 else float(each.norm()) for each in gradients]
    norm = math.sqrt(sum(each**2 for each in norms))
    return [each * (max_norm / norm) if norm > max_norm else each for each in gradients], norm


@mistake("clip_gradients", "The square of the norm is compared with max_norm; compare the norm itself.")
def compares_the_square(gradients, max_norm):
    norm = _norm(gradients)
    return [each * (max_norm / norm) if norm**2 > max_norm else each for each in gradients], norm


@mistake(
    "clip_gradients", "The largest entry is taken for the norm; the L2 norm is the root of the sum of all squares."
)
def takes_the_largest_entry(gradients, max_norm):
    norm = max((gradient.abs().max().item() for gradient in gradients if gradient.numel()), default=0.0)
    scale = min(1.0, max_norm / norm) if norm else 1.0
    return [gradient * scale for gradient in gradients], norm


@mistake(
    "clip_gradients",
    "The longest of the gradients is taken for all; the joint norm is the root of the sum of their squares.",
)
def takes_the_longest_gradient(gradients, max_norm):
    norm = max((gradient.norm().item() for gradient in gradients), default=0.0)
    scale = min(1.0, max_norm / norm) if norm else 1.0
    return [gradient * scale for gradient in gradients], norm


@mistake("decayed_learning_rate", "The rate falls by the same amount each epoch; it should fall by the same factor.")
def decays_linearly(learning_rate, epoch, factor=0.98):
    return learning_rate * (1 - (1 - factor) * epoch)


@mistake("decayed_learning_rate", "exp(-(1 - factor) * epoch) is only near to what is asked for: factor ** epoch.")
def decays_by_an_exponential(learning_rate, epoch, factor=0.98):
    return learning_rate * math.exp(-(1 - factor) * epoch)


@mistake("decayed_learning_rate", "The decay is one epoch early: in epoch 0 the rate has not fallen yet.")
def decays_one_epoch_early(learning_rate, epoch, factor=0.98):
    return learning_rate * factor ** (epoch + 1)


@mistake("decayed_learning_rate", "The decay is one epoch late: in epoch 1 the rate has fallen once already.")
def decays_one_epoch_late(learning_rate, epoch, factor=0.98):
    return learning_rate * factor ** max(epoch - 1, 0)


@mistake(
    "decayed_learning_rate", "The factor is multiplied by the epoch; raise it to that power, as in factor ** epoch."
)
def multiplies_by_the_epoch(learning_rate, epoch, factor=0.98):
    return learning_rate * factor * epoch


@mistake("decayed_learning_rate", "The factor is applied once, whatever the epoch; apply it once for each epoch.")
def decays_once(learning_rate, epoch, factor=0.98):
    return learning_rate * factor if epoch else learning_rate


@mistake("decayed_learning_rate", "The rate is rounded, in the end to 0; leave that to whoever prints it.")
def rounds_the_rate(learning_rate, epoch, factor=0.98):
    return round(learning_rate * factor**epoch, 2)


@mistake(
    "decayed_learning_rate", "The rate stops falling at a hundredth of the first one; the formula knows no such floor."
)
def stops_at_a_floor(learning_rate, epoch, factor=0.98):
    return max(learning_rate * factor**epoch, learning_rate / 100)


@mistake(
    "decayed_learning_rate",
    "factor is taken for the share that goes; it is the share that is left, as in factor ** epoch.",
)
def takes_the_factor_for_the_loss(learning_rate, epoch, factor=0.98):
    return learning_rate * (1 - factor) ** epoch


@mistake("decayed_learning_rate", "The rate falls only every ten epochs; it falls each epoch, as in factor ** epoch.")
def decays_every_ten_epochs(learning_rate, epoch, factor=0.98):
    return learning_rate * factor ** (epoch // 10)


@mistake("should_stop", "Each loss is compared with the one before it; compare it with the best so far.")
def compares_with_the_last(losses, patience):
    age = 0
    for before, after in itertools.pairwise(losses):
        age = 0 if after < before else age + 1
    return age >= patience


@mistake("should_stop", "Each loss is compared with the last one that is a number; compare it with the best so far.")
def compares_with_the_last_number(losses, patience):
    last, age = math.inf, 0
    for loss in losses:
        age = 0 if loss < last else age + 1
        last = last if math.isnan(loss) else loss
    return len(losses) > 0 and age >= patience


@mistake(
    "should_stop",
    "Each loss is compared with the one before it, and is better than a NaN; compare it with the best so far.",
)
def compares_with_the_last_or_a_nan(losses, patience):
    age = 0
    for before, after in itertools.pairwise(losses):
        better = after < before or (math.isnan(before) and not math.isnan(after))
        age = 0 if better else age + 1
    return age >= patience


@mistake("should_stop", "It waits one epoch too long: a best loss that is `patience` epochs old is old enough.")
def waits_too_long(losses, patience):
    best, age = math.inf, 0
    for loss in losses:
        age = 0 if loss < best else age + 1
        best = loss if loss < best else best
    return age > patience


@mistake(
    "should_stop",
    "It stops only where the best loss is exactly `patience` epochs old; an older one is a reason as well.",
)
def stops_in_one_epoch_only(losses, patience):
    best, age = math.inf, 0
    for loss in losses:
        age = 0 if loss < best else age + 1
        best = loss if loss < best else best
    return age == patience


@mistake("should_stop", "It stops one epoch early: the epoch of the best loss is not one without improvement.")
def counts_the_best_itself(losses, patience):
    best, age = math.inf, 0
    for loss in losses:
        age = 1 if loss < best else age + 1
        best = loss if loss < best else best
    return age >= patience


@mistake("should_stop", "An equal loss counts as an improvement; only a lower one is.")
def takes_equal_losses(losses, patience):
    best, age = math.inf, 0
    for loss in losses:
        age = 0 if loss <= best else age + 1
        best = loss if loss <= best else best
    return age >= patience


@mistake("should_stop", "A NaN counts as the best loss: np.argmin and np.min stop at the first NaN they meet.")
def takes_nan_for_the_best(losses, patience):
    return bool(len(losses) > 0 and len(losses) - 1 - int(np.argmin(losses)) >= patience)


@mistake(
    "should_stop",
    "NaNs are taken out of the losses, so that their epochs do not count; each is one without a better loss.",
)
def drops_the_nans(losses, patience):
    known = [loss for loss in losses if not math.isnan(loss)]
    return bool(known) and len(known) - 1 - known.index(min(known)) >= patience


@mistake(
    "should_stop",
    "A NaN counts as an improvement, and then every loss does: `loss >= best` is False beside a NaN; ask for `loss < best`.",
)
def takes_nan_for_an_improvement(losses, patience):
    best, age = math.inf, 0
    for epoch, loss in enumerate(losses):
        age = age + 1 if epoch and loss >= best else 0
        best = loss if age == 0 else best
    return age >= patience


@mistake("should_stop", "A NaN as the last loss stops at once; it is no improvement, and patience decides.")
def stops_at_a_nan(losses, patience):
    if len(losses) and math.isnan(losses[-1]):
        return True
    best = min(
        range(len(losses)), key=lambda epoch: math.inf if math.isnan(losses[epoch]) else losses[epoch], default=0
    )
    return len(losses) > 0 and len(losses) - 1 - best >= patience


@mistake(
    "should_stop", "A NaN at the start counts as the best loss, which no later one is lower than; begin with math.inf."
)
def begins_with_the_first_loss(losses, patience):
    best, age = losses[0] if len(losses) else math.inf, 0
    for loss in losses[1:]:
        age = 0 if loss < best else age + 1
        best = loss if loss < best else best
    return age >= patience


@mistake("should_stop", "A best loss of 0 is taken for none, as 0 counts as False; begin with math.inf.")
def takes_zero_for_none(losses, patience):
    best, age = None, 0
    for loss in losses:
        better = not math.isnan(loss) and (not best or loss < best)
        best, age = (loss, 0) if better else (best, age + 1)
    return age >= patience


@mistake("should_stop", "NaNs are replaced in the list that was given; work on a copy.")
def replaces_nan_in_place(losses, patience):
    for epoch, loss in enumerate(losses):
        if math.isnan(loss):
            losses[epoch] = math.inf
    return bool(losses) and len(losses) - 1 - losses.index(min(losses)) >= patience


@mistake("should_stop", "A loss counts as better only where it is lower by more than a margin; any lower loss is.")
def wants_a_margin(losses, patience):
    best, age = math.inf, 0
    for loss in losses:
        age = 0 if loss < best - 1e-4 else age + 1
        best = loss if loss < best - 1e-4 else best
    return age >= patience


@mistake("should_stop", "The best loss begins at a number that losses can lie above; begin with math.inf.")
def begins_with_a_number(losses, patience):
    best, age = 1000.0, 0
    for loss in losses:
        age = 0 if loss < best else age + 1
        best = loss if loss < best else best
    return age >= patience


@mistake("should_stop", "No losses at all are taken for a reason to stop; there is none yet.")
def stops_before_the_first_loss(losses, patience):
    if not losses:
        return True
    best = min(range(len(losses)), key=lambda epoch: math.inf if math.isnan(losses[epoch]) else losses[epoch])
    return len(losses) - 1 - best >= patience


@mistake(
    "should_stop", "No losses at all raise an IndexError: losses[0] is not there; without losses the answer is False."
)
def reads_the_first_loss_of_none(losses, patience):
    best = losses[0]
    best = min(
        range(len(losses)), key=lambda epoch: math.inf if math.isnan(losses[epoch]) else losses[epoch], default=best
    )
    return len(losses) - 1 - best >= patience


@mistake("should_stop", "It stops only where every loss is above the one before; it is enough that none is a new best.")
def waits_for_a_rise(losses, patience):
    last = losses[-patience - 1 :]
    return len(losses) > patience and all(after > before for before, after in itertools.pairwise(last))


@mistake("should_stop", "It tells how many epochs there were; what counts is how old the best loss is.")
def counts_epochs(losses, patience):
    return len(losses) > patience
