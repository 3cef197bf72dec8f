"""Train a network with the functions of training_tricks alone, with and without each trick: `python -m data.tricks_lab`.

    python -m data.tricks_lab                       on tiny's features of stained cells, 12 classes with 8 pictures of each
    python -m data.tricks_lab --code solutions      the same with other functions, by the folder of their units

Each line leaves one thing out of the first recipe, or adds one. Every number is a mean over networks that begin differently.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from autograder.messages import tr
from data.cache import DataError
from data.course_code import CourseCode, Parser, give_up, whole_number
from data.domains import Labelled, load_domain
from data.networks import load_backbone

PER_CLASS = 8
HIDDEN, BATCH, EPOCHS, PATIENCE = 64, 32, 60, 15
ADAM_RATE, MOMENTUM_RATE, FACTOR, LONGEST = 1e-2, 1e-1, 0.98, 1.0
AVERAGED, MOMENTUM = 0.95, 0.9


@dataclass(frozen=True)
class Recipe:
    """Recipe by which a network is trained.

    Attributes:
        name: printed.
        dropout: the probability that an entry of the hidden layer is dropped.
        decay: the share of each weight that a step takes away, as a multiple of the learning rate.
        adam: True for steps of Adam, False for steps with momentum.
        average: True to answer with a running average of the weights in place of the last ones.
        scale: what the features are multiplied by, which have mean 0 and deviation 1 over the training pictures.
        normalised: True for batch norm after the first layer.
    """

    name: str
    dropout: float = 0.5
    decay: float = 0.0
    adam: bool = True
    average: bool = False
    scale: float = 1.0
    normalised: bool = True


_ALL = Recipe("dropout and batch norm")
_PLAIN = replace(_ALL, name="without batch norm", normalised=False)
RECIPES = (
    _ALL,
    replace(_ALL, name="without dropout", dropout=0.0),
    replace(_ALL, name="with weight decay", decay=0.1),
    replace(_ALL, name="with averaged weights", average=True),
    replace(_ALL, name="momentum in place of Adam", adam=False),
    replace(_ALL, name="inputs 100 times larger", scale=100.0),
    _PLAIN,
    replace(_PLAIN, name="without it, inputs 100 times larger", scale=100.0),
)


@dataclass(frozen=True)
class Outcome:
    """Result of one training: the epochs it took, and the share of right answers on training and on new pictures."""

    epochs: int
    learnt: float
    right: float


class Network:
    """Network of two linear layers, in which the student's functions do all the work.

    Args:
        code: the units.
        sizes: numbers of inputs, hidden entries and classes.
        recipe: for dropout and batch norm.
        seed: of the first weights and of dropout.
    """

    def __init__(self, code: CourseCode, sizes: tuple[int, int, int], recipe: Recipe, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        self._recipe, self._code = recipe, code
        inputs, hidden, classes = sizes
        first, last = (
            self.trick("xavier_normal")(shape, self._generator) for shape in ((hidden, inputs), (classes, hidden))
        )
        self.weights = [first, torch.ones(hidden), torch.zeros(hidden), last, torch.zeros(classes)]
        self._running = torch.zeros(hidden), torch.ones(hidden)

    def trick(self, name: str) -> Callable[..., Any]:
        """Return a function of training_tricks."""
        return self._code.function("training_tricks", name)

    def logits(self, inputs: Tensor, *, training: bool) -> Tensor:
        """Return the logits `(N, classes)`; in training the running estimates move and entries are dropped."""
        first, scale, shift, last, bias = self.weights
        hidden = inputs @ first.T
        if self._recipe.normalised:
            hidden, *running = self.trick("batch_norm")(hidden, scale, shift, *self._running, training=training)
            self._running = (running[0].detach(), running[1].detach())
        else:
            hidden = hidden * scale + shift
        dropped = self.trick("dropout")(
            hidden.relu(), self._recipe.dropout, training=training, generator=self._generator
        )
        return dropped @ last.T + bias


def run(code: CourseCode, recipe: Recipe, parts: tuple[Labelled, Labelled, Labelled], seed: int) -> Outcome:
    """Train one network by a recipe and judge it.

    Args:
        code: the units.
        recipe: how it is trained.
        parts: features `(N, D)` with labels: to learn from, to stop by, and to judge by.
        seed: of the network and of the order of the pictures.
    """
    (inputs, labels), valid, test = ((rows * recipe.scale, truth) for rows, truth in parts)
    network = Network(code, (inputs.shape[1], HIDDEN, int(labels.max()) + 1), recipe, seed)
    order = torch.Generator().manual_seed(seed)
    moments = [(torch.zeros_like(weight), torch.zeros_like(weight)) for weight in network.weights]
    losses, average, last, step = list[float](), network.weights, network.weights, 0
    while len(losses) < EPOCHS and not network.trick("should_stop")(losses, PATIENCE):
        rate = network.trick("decayed_learning_rate")(ADAM_RATE if recipe.adam else MOMENTUM_RATE, len(losses), FACTOR)
        network.weights = last
        for batch in torch.randperm(len(labels), generator=order).split(BATCH):
            step += 1
            network.weights = [weight.detach().requires_grad_() for weight in network.weights]
            loss = F.cross_entropy(network.logits(inputs[batch], training=True), labels[batch])
            clipped, _ = network.trick("clip_gradients")(list(torch.autograd.grad(loss, network.weights)), LONGEST)
            with torch.no_grad():
                network.weights, moments = _step(network, clipped, moments, step, rate, recipe)
                average = [
                    AVERAGED * kept + (1 - AVERAGED) * weight
                    for kept, weight in zip(average, network.weights, strict=True)
                ]
        last = network.weights
        network.weights = average if recipe.average else last
        losses.append(_loss(network, valid))
    return Outcome(len(losses), _right(network, (inputs, labels)), _right(network, test))


def _step(
    network: Network,
    gradients: list[Tensor],
    moments: list[tuple[Tensor, Tensor]],
    step: int,
    rate: float,
    recipe: Recipe,
) -> tuple[list[Tensor], list[tuple[Tensor, Tensor]]]:
    """Return weights and moments after a step.

    The decay is subtracted from the weights and does not pass through Adam, as in AdamW. With momentum the first moment is the
    velocity, and the second stays as it is.
    """
    weights, after = [], []
    for weight, gradient, (mean, square) in zip(network.weights, gradients, moments, strict=True):
        moved = weight * (1 - rate * recipe.decay) if weight.dim() > 1 else weight
        if recipe.adam:
            moved, mean, square = network.trick("adam_step")(moved, gradient, mean, square, step, learning_rate=rate)
        else:
            moved, mean = network.trick("momentum_step")(moved, mean, gradient, learning_rate=rate, momentum=MOMENTUM)
        weights.append(moved)
        after.append((mean, square))
    return weights, after


@torch.no_grad()
def _loss(network: Network, part: Labelled) -> float:
    return F.cross_entropy(network.logits(part[0], training=False), part[1]).item()


@torch.no_grad()
def _right(network: Network, part: Labelled) -> float:
    return (network.logits(part[0], training=False).argmax(1) == part[1]).float().mean().item()


def features(per_class: int = PER_CLASS) -> tuple[Labelled, Labelled, Labelled]:
    """Return stained cells as features `(N, D)` of `tiny` with labels, in three parts: to learn, to stop and to judge by."""
    backbone = load_backbone("tiny").eval()
    (train, test), (valid, _) = (load_domain("tissue", per_class=per_class, seed=seed) for seed in (0, 1))
    with torch.no_grad():
        rows = [backbone(images) for images, _ in (train, valid, test)]
    mean, deviation = rows[0].mean(), rows[0].std()
    learn, stop, judge = (
        ((row - mean) / deviation, labels) for row, (_, labels) in zip(rows, (train, valid, test), strict=True)
    )
    return learn, stop, judge


def table(code: CourseCode, networks: int, recipes: tuple[Recipe, ...] = RECIPES) -> Iterator[str]:
    """Yield a line for each recipe.

    Raises:
        CodeError: a function of training_tricks is missing or not written.
    """
    parts = features()
    width = max(len(tr(recipe.name)) for recipe in recipes)
    heads = [tr("epochs"), tr("right on training pictures"), tr("on new ones")]
    yield "  ".join([" " * width, *heads])
    for recipe in recipes:
        outcomes = [run(code, recipe, parts, seed) for seed in range(networks)]
        epochs, learnt, right = (
            fmean(getattr(each, name) for each in outcomes) for name in ("epochs", "learnt", "right")
        )
        numbers = zip((f"{epochs:.0f}", f"{learnt:.0%}", f"{right:.0%}"), heads, strict=True)
        yield "  ".join([tr(recipe.name).ljust(width), *(number.rjust(len(head)) for number, head in numbers)])


def main() -> None:
    """Run the command line."""
    parser = Parser(prog="python -m data.tricks_lab")
    parser.description = tr("Train a network with the functions of training_tricks alone, with and without each trick.")
    parser.add_argument("--code", type=Path, default=Path("exercises"), help=tr("the folder of your units"))
    parser.add_argument(
        "--networks", type=whole_number, default=5, help=tr("how many networks each line is the mean of")
    )
    options = parser.parse_args()
    try:
        for line in table(CourseCode(options.code), options.networks):
            print(line, flush=True)
    except DataError as error:
        give_up("tricks_lab", error)


if __name__ == "__main__":
    main()
