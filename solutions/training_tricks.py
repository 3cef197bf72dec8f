"""Training tricks: what makes training work.

The few lines that stand between a network on paper and one that learns: how weights begin, how signals are kept in range,
how a step is made out of a gradient, and when to stop. PyTorch has all of them; here you write them yourself, on tensors.

No function here changes its arguments (but a generator moves on when numbers are drawn from it), and results have the
dtype of the tensors that were given.

Each function leaves PyTorch as it found it: gradients are switched on, and the global random state has not been seeded.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def xavier_normal(shape: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Draw the first weights of a linear layer, so that signals keep their size forwards and gradients theirs backwards.

    The weights are normally distributed with mean 0 and variance 2 / (n_in + n_out), as Glorot and Bengio (2010)
    propose in "Understanding the difficulty of training deep feedforward neural networks".

    Args:
        shape: `(n_out, n_in)`, as `nn.Linear` keeps its weight.
        generator: the only source of randomness; the same state gives the same weights.

    Returns:
        The weights: shape (n_out, n_in), float32.
    """
    # TODO: Draw standard normal numbers from the generator, and scale them to the right variance.
    ### BEGIN SOLUTION
    n_out, n_in = shape
    weights = torch.randn(n_out, n_in, generator=generator, device=generator.device)
    return weights * math.sqrt(2 / (n_in + n_out))
    ### END SOLUTION


def batch_norm(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    *,
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[Tensor, Tensor, Tensor]:
    """Give each feature mean 0 and variance 1 over the batch, then a scale and a shift that are learnt.

        y = (x - mean) / sqrt(variance + eps) * weight + bias

    In training, mean and variance are those of the batch, and the running estimates move towards them:

        running <- (1 - momentum) * running + momentum * batch

    The variance that normalises is the biased one (divided by N); the one that goes into the running estimate is
    unbiased (divided by N - 1), as PyTorch has it. In evaluation the running estimates are used in place of the
    batch's: an image's answer must not depend on the images beside it. Ioffe and Szegedy (2015) introduced this in
    "Batch normalization".

    Args:
        x: shape (N, D).
        weight: the scale of each feature, shape (D,).
        bias: the shift of each feature, shape (D,).
        running_mean: shape (D,).
        running_var: shape (D,).
        training: True uses the statistics of the batch, False the running estimates.
        momentum: share of the batch's statistics in the new running estimates.
        eps: keeps the square root away from zero.

    Returns:
        `(y, running_mean, running_var)` with shapes (N, D), (D,) and (D,). In evaluation the two estimates are returned
        as they came.

    Raises:
        ValueError: `x` has a single row in training: it has no variance. The message names `x`.
    """
    # TODO: Choose the statistics, normalise with them, and update the running estimates in training.
    ### BEGIN SOLUTION
    if training:
        if len(x) == 1:
            raise ValueError("x must have at least 2 rows in training, not 1: a single row has no variance")
        mean, variance = x.mean(dim=0), x.var(dim=0, unbiased=False)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * x.var(dim=0, unbiased=True)
    else:
        mean, variance = running_mean, running_var
    return (x - mean) / (variance + eps).sqrt() * weight + bias, running_mean, running_var
    ### END SOLUTION


def dropout(x: Tensor, p: float, *, training: bool, generator: torch.Generator) -> Tensor:
    """Set each entry to zero with probability p, on its own, and multiply the others by 1 / (1 - p).

    The factor keeps the expected value, so that evaluation needs no change at all (inverted dropout). Srivastava et al.
    (2014) introduced dropout in "Dropout: a simple way to prevent neural networks from overfitting".

    Args:
        x: any shape.
        p: probability that an entry is dropped.
        training: if it is False, `x` comes back as it is.
        generator: the only source of randomness; the same state drops the same entries.

    Returns:
        The shape and dtype of `x`.

    Raises:
        ValueError: `0 <= p < 1` does not hold, in evaluation too; the message names `p`.
    """
    # TODO: Draw which entries stay, and scale those that do.
    ### BEGIN SOLUTION
    if not 0 <= p < 1:
        raise ValueError(f"p must be at least 0 and less than 1, not {p}")
    if not training:
        return x
    kept = torch.rand(x.shape, generator=generator, device=x.device) >= p
    return torch.where(kept, x / (1 - p), torch.zeros_like(x))
    ### END SOLUTION


def momentum_step(
    weight: Tensor, velocity: Tensor, gradient: Tensor, *, learning_rate: float, momentum: float
) -> tuple[Tensor, Tensor]:
    """Make one step of gradient descent with momentum: a heavy ball that rolls downhill.

        velocity <- momentum * velocity - learning_rate * gradient
        weight   <- weight + velocity

    Args:
        weight: any shape.
        velocity: the shape of `weight`; zeros before the first step.
        gradient: the shape of `weight`.
        learning_rate: what the gradient is multiplied by.
        momentum: what the old velocity is multiplied by.

    Returns:
        The new `(weight, velocity)`, each of the shape of `weight`.
    """
    # TODO: Update the velocity first, then move the weight by it.
    ### BEGIN SOLUTION
    velocity = momentum * velocity - learning_rate * gradient
    return weight + velocity, velocity
    ### END SOLUTION


def adam_step(
    weight: Tensor,
    gradient: Tensor,
    mean: Tensor,
    square: Tensor,
    step: int,
    *,
    learning_rate: float = 1e-3,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
) -> tuple[Tensor, Tensor, Tensor]:
    """Make one step of Adam: momentum, with a step size of its own for each weight.

        mean   <- beta1 * mean   + (1 - beta1) * gradient
        square <- beta2 * square + (1 - beta2) * gradient^2
        weight <- weight - learning_rate * (mean / (1 - beta1^step)) / (sqrt(square / (1 - beta2^step)) + eps)

    Both moments start at zero and are too small at first; the divisions by `1 - beta^step` make up for it. The
    corrected moments serve this step only: the moments that are returned are the uncorrected ones. Kingma and Ba (2015)
    introduced Adam in "Adam: a method for stochastic optimization".

    Args:
        weight: any shape.
        gradient: the shape of `weight`.
        mean: running mean of the gradients, the shape of `weight`; zeros before the first step.
        square: running mean of the squared gradients, likewise.
        step: which step this is, counted from 1.
        learning_rate: about how far a weight moves.
        beta1: what the old `mean` is multiplied by.
        beta2: what the old `square` is multiplied by.
        eps: keeps the division finite; added outside the square root.

    Returns:
        The new `(weight, mean, square)`, each of the shape of `weight`.
    """
    # TODO: Update both moments, correct copies of them for their start at zero, and move the weight.
    ### BEGIN SOLUTION
    mean = beta1 * mean + (1 - beta1) * gradient
    square = beta2 * square + (1 - beta2) * gradient**2
    corrected_mean = mean / (1 - beta1**step)
    corrected_square = square / (1 - beta2**step)
    weight = weight - learning_rate * corrected_mean / (corrected_square.sqrt() + eps)
    return weight, mean, square
    ### END SOLUTION


def clip_gradients(gradients: list[Tensor], max_norm: float) -> tuple[list[Tensor], float]:
    """Scale all gradients by one factor if their joint norm is too large.

    Their joint L2 norm is the length of the one long vector that they make when laid end to end. One factor for all
    keeps its direction. Pascanu, Mikolov and Bengio (2013) propose this in "On the difficulty of training recurrent
    neural networks".

    Args:
        gradients: one for each parameter, any shapes.
        max_norm: the largest joint norm that is allowed.

    Returns:
        The gradients, of the same shapes and with a joint norm of at most `max_norm` (unchanged if it was no larger
        before), and their joint norm before, a Python float.
    """
    # TODO: Measure the joint norm, and scale every gradient by the same factor where it is too large.
    ### BEGIN SOLUTION
    norm = math.sqrt(sum(float(gradient.square().sum()) for gradient in gradients))
    # Only a norm above max_norm divides, so that gradients of zero are safe.
    if norm > max_norm:
        gradients = [gradient * (max_norm / norm) for gradient in gradients]
    return list(gradients), norm
    ### END SOLUTION


def decayed_learning_rate(learning_rate: float, epoch: int, factor: float = 0.98) -> float:
    """Shrink the learning rate a little with every epoch: large steps first, fine ones at the end.

        learning_rate * factor^epoch

    Args:
        learning_rate: the one of epoch 0, a float.
        epoch: how many epochs have passed.
        factor: what each epoch multiplies it by.

    Returns:
        The learning rate of this epoch, a float.
    """
    # TODO: Multiply by the factor once for each epoch that has passed.
    ### BEGIN SOLUTION
    return learning_rate * factor**epoch
    ### END SOLUTION


def should_stop(losses: Sequence[float], patience: int) -> bool:
    """Tell whether training has gone on for too long without a better loss.

    The best loss is the lowest so far. A lower loss is an improvement, however little lower; an equal one is not, and
    neither is a NaN. The age of the best loss is the number of epochs since the one that reached it first.

    Args:
        losses: the validation loss of each epoch so far, floats.
        patience: how many epochs to wait for a better one, at least 1.

    Returns:
        True if the best loss is `patience` or more epochs old; False for no losses.
    """
    # TODO: Find how many epochs ago the best loss was reached, and compare with the patience.
    ### BEGIN SOLUTION
    best, age = math.inf, 0
    for loss in losses:
        if loss < best:  # never true of a NaN
            best, age = loss, 0
        else:
            age += 1
    return age >= patience
    ### END SOLUTION
