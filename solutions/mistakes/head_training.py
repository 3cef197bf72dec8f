"""Known mistakes in head_training, as students make them, each with the sentence that they should read."""

import copy
import functools
import itertools
import math
import operator

import torch
import torch.nn.functional as F
from torch import nn

from autograder.diagnose import mistake

NAMES = ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")


def _require_positive(in_features, num_classes):
    for name, value in (("in_features", in_features), ("num_classes", num_classes)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1")


def _require_equal(logits, labels):
    if len(logits) != len(labels) or len(labels) == 0:
        raise ValueError("logits and labels must have the same length, at least 1")


def _measured(head, features, labels):
    with torch.no_grad():
        logits = head(features)
    return F.cross_entropy(logits, labels).item(), (logits.argmax(dim=1) == labels).float().mean().item()


def _restored(head, call):
    modes = [(module, module.training) for module in head.modules()]
    result = call()
    for module, training in modes:
        module.training = training
    return result


def _orders(seed, count):
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield torch.randperm(count, generator=generator)


def _fit(
    head,
    train,
    valid,
    *,
    epochs=20,
    learning_rate=0.1,
    batch_size=32,
    patience=None,
    seed=0,
    orders=_orders,
    batches=torch.split,
    cleared=lambda _: True,
    ready=lambda *_: True,
    sign=1,
    learnt=None,
    shown=None,
    before=nn.Module.train,
    after=lambda *_: None,
    measured=None,
    improved=operator.lt,
    resets=True,
    wait=0,
    keep="loss",
    margin=0.0,
    forgets=False,
    later=lambda *_: None,
):
    """The training loop, with a switch for each thing that goes wrong in it."""
    modes = [(module, module.training) for module in head.modules()]
    optimizer = torch.optim.SGD(head.parameters(), lr=learning_rate)
    features, labels = learnt or train
    order, measured = orders(seed, len(labels)), measured or _measured_in_eval_mode
    history = {name: [] for name in NAMES}
    lowest, waited, highest, kept, best = math.inf, 0, -1.0, math.inf, copy.deepcopy(head.state_dict())
    for epoch in range(epochs):
        before(head)
        parts = list(batches(next(order), batch_size))
        for number, batch in enumerate(parts):
            if cleared(number):
                optimizer.zero_grad()
            (sign * F.cross_entropy(head(features[batch]), labels[batch])).backward()
            if ready(number, len(parts)):
                optimizer.step()
        after(head, optimizer)
        if epoch:
            later(head, optimizer)
        for name, figure in zip(NAMES, (*measured(head, *train), *measured(head, *(shown or valid))), strict=True):
            history[name].append(figure)
        loss, accuracy = history["valid_loss"][-1], history["valid_accuracy"][-1]
        better = {"loss": loss < kept - margin, "accuracy": accuracy > highest, "last": True}[keep]
        kept = loss if better else kept
        best, highest = copy.deepcopy(head.state_dict()) if better else best, max(highest, accuracy)
        if improved(loss, lowest):
            lowest, waited = min(loss, lowest), 0 if resets else waited
            continue
        waited += 1
        if patience is not None and waited >= patience + wait:
            best = head.state_dict() if forgets else best
            break
    head.load_state_dict(best)
    for module, training in modes:
        module.training = training
    return history


def _measured_in_eval_mode(head, features, labels):
    return _restored(head, lambda: _measured(head.eval(), features, labels))


@mistake("build_head", "The head ends in a softmax; leave it out, as cross-entropy takes logits.")
def ends_in_softmax(in_features, num_classes):
    _require_positive(in_features, num_classes)
    return nn.Sequential(nn.Linear(in_features, num_classes), nn.Softmax(dim=1))


@mistake("build_head", "The head ends in a log-softmax; leave it out, as cross-entropy takes logits.")
def ends_in_log_softmax(in_features, num_classes):
    _require_positive(in_features, num_classes)
    return nn.Sequential(nn.Linear(in_features, num_classes), nn.LogSoftmax(dim=1))


@mistake(
    "build_head",
    "The head ends in a ReLU, so that no logit can be negative; leave it out.",
    varies="A logit that is 0 for all examples learns nothing: how many are depends on the first weights.",
)
def ends_in_relu(in_features, num_classes):
    _require_positive(in_features, num_classes)
    return nn.Sequential(nn.Linear(in_features, num_classes), nn.ReLU())


@mistake("build_head", "The head ends in a sigmoid; leave it out, as cross-entropy takes logits.")
def ends_in_sigmoid(in_features, num_classes):
    _require_positive(in_features, num_classes)
    return nn.Sequential(nn.Linear(in_features, num_classes), nn.Sigmoid())


@mistake("build_head", "The head drops features at random; one linear layer is all of it.")
def drops_features(in_features, num_classes):
    _require_positive(in_features, num_classes)
    return nn.Sequential(nn.Dropout(0.2), nn.Linear(in_features, num_classes))


@mistake("build_head", "There is a hidden layer with a ReLU in the head; one linear layer is all of it.")
def has_a_hidden_layer(in_features, num_classes):
    _require_positive(in_features, num_classes)
    return nn.Sequential(nn.Linear(in_features, 64), nn.ReLU(), nn.Linear(64, num_classes))


@mistake(
    "build_head",
    "A layer of two outputs squeezes the features, and two numbers hardly keep many classes apart; one linear layer is all.",
)
def squeezes_the_features(in_features, num_classes):
    _require_positive(in_features, num_classes)
    return nn.Sequential(nn.Linear(in_features, 2), nn.Linear(2, num_classes))


@mistake(
    "build_head", "The head ends in a softmax in eval mode alone; leave it out, as it gives logits in either mode."
)
def ends_in_softmax_in_eval_mode(in_features, num_classes):
    _require_positive(in_features, num_classes)
    return _Softening(in_features, num_classes)


class _Softening(nn.Linear):
    def forward(self, features):
        logits = super().forward(features)
        return logits if self.training else logits.softmax(dim=1)


@mistake(
    "build_head", "Batch normalisation stands before the linear layer, and fails for a single example; leave it out."
)
def normalises_the_features(in_features, num_classes):
    _require_positive(in_features, num_classes)
    return nn.Sequential(nn.BatchNorm1d(in_features), nn.Linear(in_features, num_classes))


@mistake("build_head", "Layer normalisation stands before the linear layer; one linear layer is all of it.")
def normalises_each_example(in_features, num_classes):
    _require_positive(in_features, num_classes)
    return nn.Sequential(nn.LayerNorm(in_features), nn.Linear(in_features, num_classes))


@mistake("build_head", "A size below 1 goes through; it should be a ValueError.")
def takes_any_size(in_features, num_classes):
    return nn.Linear(max(in_features, 1), max(num_classes, 1))


@mistake("build_head", "Two classes get a single logit; there is one for each class.")
def gives_two_classes_one_logit(in_features, num_classes):
    _require_positive(in_features, num_classes)
    return nn.Linear(in_features, 1 if num_classes == 2 else num_classes)


@mistake("build_head", "The weights are plain tensors, which no optimizer finds; wrap them in nn.Parameter.")
def keeps_plain_tensors(in_features, num_classes):
    _require_positive(in_features, num_classes)
    return _Plain(in_features, num_classes)


class _Plain(nn.Module):
    def __init__(self, in_features, num_classes):
        super().__init__()
        self.weight = torch.randn(in_features, num_classes)

    def forward(self, features):
        return features @ self.weight


@mistake("build_head", "The bias requires no gradient, so that it is never trained.")
def freezes_the_bias(in_features, num_classes):
    _require_positive(in_features, num_classes)
    head = nn.Linear(in_features, num_classes)
    head.bias.requires_grad_(False)
    return head


@mistake("build_head", "The mean of the batch is subtracted: what an example gets depends on the others beside it.")
def centres_each_batch(in_features, num_classes):
    _require_positive(in_features, num_classes)
    return _Centring(in_features, num_classes)


class _Centring(nn.Linear):
    def forward(self, features):
        return super().forward(features - features.mean(dim=0))


@mistake(
    "build_head", "The global random state is seeded, so that every head begins with the same weights; leave it alone."
)
def seeds_the_first_weights(in_features, num_classes):
    _require_positive(in_features, num_classes)
    torch.manual_seed(0)
    return nn.Linear(in_features, num_classes)


@mistake("build_head", "A head is kept and comes back for the same sizes, trained or not; make a new one in each call.")
def keeps_the_heads(in_features, num_classes):
    _require_positive(in_features, num_classes)
    return _kept_head(in_features, num_classes)


@functools.cache
def _kept_head(in_features, num_classes):
    return nn.Linear(in_features, num_classes)


@mistake("accuracy", "The number of classes is taken from the labels that occur; logits.shape[1] tells it.")
def counts_the_classes_that_occur(logits, labels):
    _require_equal(logits, labels)
    chosen = F.one_hot(logits.argmax(dim=1), logits.shape[1])
    return float((chosen * F.one_hot(labels)).sum() / len(labels))


@mistake("accuracy", "This is the number of right answers; the accuracy is their share.")
def counts_the_right(logits, labels):
    _require_equal(logits, labels)
    return float((logits.argmax(dim=1) == labels).sum())


@mistake(
    "accuracy",
    "The softmax runs over the examples (dim 0), which changes what is the largest in a row; classes are dim 1.",
)
def softmaxes_over_the_examples(logits, labels):
    _require_equal(logits, labels)
    return (logits.softmax(dim=0).argmax(dim=1) == labels).float().mean().item()


@mistake("accuracy", "The operator // drops what follows the decimal point, so that most shares are 0; divide by /.")
def divides_without_a_remainder(logits, labels):
    _require_equal(logits, labels)
    return float((logits.argmax(dim=1) == labels).sum().item() // len(labels))


@mistake("accuracy", "This is the share of wrong answers; the accuracy is one minus that.")
def counts_the_wrong(logits, labels):
    _require_equal(logits, labels)
    return (logits.argmax(dim=1) != labels).float().mean().item()


@mistake("accuracy", "This is a percentage; the accuracy lies in [0, 1].")
def gives_percent(logits, labels):
    _require_equal(logits, labels)
    return 100 * (logits.argmax(dim=1) == labels).float().mean().item()


@mistake("accuracy", "A tensor comes back; .item() makes a Python float of it.")
def gives_a_tensor(logits, labels):
    _require_equal(logits, labels)
    return (logits.argmax(dim=1) == labels).float().mean()


@mistake(
    "accuracy",
    "A sigmoid or exp makes large logits equal, so that the first of them wins; compare the logits themselves.",
)
def squashes_the_logits(logits, labels):
    _require_equal(logits, labels)
    return (logits.sigmoid().argmax(dim=1) == labels).float().mean().item()


@mistake("accuracy", "The largest logit is looked for among the examples; dim=1 is along the classes.")
def takes_the_other_dimension(logits, labels):
    _require_equal(logits, labels)
    answers = logits.argmax(dim=0)
    count = min(len(answers), len(labels))
    return (answers[:count] == labels[:count]).float().mean().item()


@mistake("accuracy", "Lengths that differ go through where one of them is 1, by broadcasting; compare them first.")
def broadcasts_labels(logits, labels):
    if len(labels) == 0 or (len(logits) != len(labels) and 1 not in (len(logits), len(labels))):
        raise ValueError("logits and labels must have the same length, at least 1")
    return (logits.argmax(dim=1) == labels).float().mean().item()


@mistake("accuracy", "No examples at all give NaN, the mean of nothing; they should be a ValueError.")
def averages_nothing(logits, labels):
    if len(logits) != len(labels):
        raise ValueError("logits and labels must have the same length")
    return (logits.argmax(dim=1) == labels).float().mean().item()


@mistake("accuracy", "The accuracy is rounded; leave that to whoever prints it.")
def rounds(logits, labels):
    _require_equal(logits, labels)
    return round((logits.argmax(dim=1) == labels).float().mean().item(), 2)


@mistake("accuracy", "The logits that were given are changed: -= works in place.")
def subtracts_in_place(logits, labels):
    _require_equal(logits, labels)
    logits -= logits.amax(dim=1, keepdim=True)
    return (logits[torch.arange(len(labels)), labels] == 0).float().mean().item()


@mistake(
    "accuracy",
    "The accuracies of the classes are averaged, so that a rare one counts as much; count all examples alike.",
)
def averages_over_classes(logits, labels):
    _require_equal(logits, labels)
    right = (logits.argmax(dim=1) == labels).float()
    return torch.stack([right[labels == label].mean() for label in labels.unique()]).mean().item()


@mistake("accuracy", "Of two classes the second counts where its logit is above 0; compare it with that of the first.")
def compares_the_second_with_zero(logits, labels):
    _require_equal(logits, labels)
    answers = (logits[:, 1] > 0).long() if logits.shape[1] == 2 else logits.argmax(dim=1)
    return (answers == labels).float().mean().item()


@mistake("accuracy", "A single logit is taken for that of the second of two classes; it is the one of the only class.")
def takes_one_class_for_two(logits, labels):
    _require_equal(logits, labels)
    answers = (logits[:, 0] > 0).long() if logits.shape[1] == 1 else logits.argmax(dim=1)
    return (answers == labels).float().mean().item()


@mistake("evaluate", "The loss is the sum over the examples; take the mean.")
def sums_the_loss(head, features, labels):
    loss, right = _restored(head, lambda: _measured(head.eval(), features, labels))
    return loss * len(labels), right


@mistake(
    "evaluate",
    "A softmax is taken before the cross-entropy, which takes one itself: the loss of a softmax of a softmax.",
)
def takes_softmax_twice(head, features, labels):
    def measured():
        with torch.no_grad():
            return head.eval()(features).softmax(dim=1)

    probabilities = _restored(head, measured)
    right = (probabilities.argmax(dim=1) == labels).float().mean().item()
    return F.cross_entropy(probabilities, labels).item(), right


@mistake("evaluate", "The head runs in whatever mode it is in; put it in eval mode for the time.")
def evaluates_in_any_mode(head, features, labels):
    return _measured(head, features, labels)


@mistake("evaluate", "The head stays in eval mode; give each submodule its own mode back.")
def leaves_it_in_eval_mode(head, features, labels):
    return _measured(head.eval(), features, labels)


@mistake("evaluate", "All of the head can be trained afterwards, also what was frozen; leave requires_grad alone.")
def unfreezes_the_head(head, features, labels):
    head.requires_grad_(False)
    result = _restored(head, lambda: _measured(head.eval(), features, labels))
    head.requires_grad_(True)
    return result


@mistake("evaluate", "head.train() at the end gives every submodule the same mode; give each its own back.")
def wakes_the_head(head, features, labels):
    result = _measured(head.eval(), features, labels)
    head.train()
    return result


@mistake("evaluate", "Gradients are turned off for the whole program, and stay so; use `with torch.no_grad():`.")
def turns_gradients_off(head, features, labels):
    torch.set_grad_enabled(False)
    return _restored(head, lambda: _measured(head.eval(), features, labels))


@mistake("evaluate", "Accuracy comes first here; the order is loss, accuracy.")
def swaps_loss_and_accuracy(head, features, labels):
    return _restored(head, lambda: _measured(head.eval(), features, labels))[::-1]


@mistake(
    "evaluate",
    "The mean of the means of batches counts the examples of a short last batch more than the others.",
)
def averages_batches(head, features, labels, batch_size=32):
    def measured():
        head.eval()
        parts = zip(features.split(batch_size), labels.split(batch_size), strict=True)
        figures = [_measured(head, *part) for part in parts]
        return tuple(sum(column) / len(figures) for column in zip(*figures, strict=True))

    return _restored(head, measured)


@mistake("evaluate", "A small number is added before the logarithm, which changes large losses; leave it out.")
def adds_before_the_logarithm(head, features, labels):
    def measured():
        with torch.no_grad():
            logits = head.eval()(features)
        likely = logits.softmax(dim=1)[torch.arange(len(labels)), labels]
        return -(likely + 1e-8).log().mean().item(), (logits.argmax(dim=1) == labels).float().mean().item()

    return _restored(head, measured)


_figures = {}


@mistake(
    "evaluate",
    "An answer from an earlier call comes back for other numbers of the same shape; compute each one anew.",
)
def gives_earlier_figures(head, features, labels):
    if features.shape not in _figures:
        _figures[features.shape] = _restored(head, lambda: _measured(head.eval(), features, labels))
    return _figures[features.shape]


@mistake("fit_head", "The steps go up the gradient, so that the loss grows; a step goes against it.")
def climbs(head, train, valid, **options):
    return _fit(head, train, valid, **options, sign=-1)


@mistake("fit_head", "Gradients pile up from step to step: backward() adds to them; call zero_grad() before each.")
def forgets_zero_grad(head, train, valid, **options):
    return _fit(head, train, valid, **options, cleared=lambda _: False)


@mistake("fit_head", "The batch size that is given is not used: the batches always have the same size.")
def ignores_the_batch_size(head, train, valid, **options):
    return _fit(head, train, valid, **{**options, "batch_size": 32})


@mistake("fit_head", "The learning rate that is given is not used: the optimizer has another one.")
def ignores_the_learning_rate(head, train, valid, **options):
    return _fit(head, train, valid, **{**options, "learning_rate": 0.1})


@mistake("fit_head", "Examples are drawn with replacement: an epoch has some of them twice, and others not at all.")
def draws_with_replacement(head, train, valid, **options):
    def drawn(seed, count):
        generator = torch.Generator().manual_seed(seed)
        while True:
            yield torch.randint(count, (count,), generator=generator)

    return _fit(head, train, valid, **options, orders=drawn)


@mistake(
    "fit_head",
    "The means of batches are added up for train_loss, and divided by the number of examples: divide by that of batches.",
)
def divides_means_by_the_examples(head, train, valid, *, batch_size=32, **options):
    history = _fit(head, train, valid, batch_size=batch_size, **options)
    count = len(train[1])
    batches = -(-count // batch_size)
    return {**history, "train_loss": [loss * batches / count for loss in history["train_loss"]]}


@mistake(
    "fit_head",
    "A batch that is not full is left out, as drop_last=True does: its examples teach nothing in that epoch.",
)
def drops_what_fills_no_batch(head, train, valid, **options):
    def full(order, size):
        return [batch for batch in order.split(size) if len(batch) == size]

    return _fit(head, train, valid, **options, batches=full)


@mistake("fit_head", "A last batch of few examples, or of a single one, is left out: each epoch takes all examples.")
def leaves_out_a_small_batch(head, train, valid, **options):
    def batches(order, batch_size):
        return [batch for batch in order.split(batch_size) if len(batch) > 1 or batch_size == 1]

    return _fit(head, train, valid, **options, batches=batches)


@mistake("fit_head", "The head learns in eval mode, without dropout and with fixed statistics: that is for measuring.")
def learns_in_eval_mode(head, train, valid, **options):
    return _fit(head, train, valid, **options, before=nn.Module.eval)


@mistake(
    "fit_head", "After the first epoch the head stays in eval mode; after measuring, put it in training mode again."
)
def stays_in_eval_mode_after_measuring(head, train, valid, **options):
    def measured(head, features, labels):
        return _measured(head.eval(), features, labels)

    return _fit(head, train, valid, **options, before=lambda head: None, measured=measured)


@mistake(
    "fit_head",
    "The head is measured in training mode, with dropout and the statistics of the batch; eval() is for that.",
)
def measures_in_training_mode(head, train, valid, **options):
    return _fit(head, train, valid, **options, measured=_measured)


@mistake(
    "fit_head",
    "What the history calls valid is measured on the training set.",
    varies="Where the losses on both sets lie close together, the history tells nothing.",
)
def validates_on_train(head, train, valid, **options):
    return _fit(head, train, valid, **options, shown=train)


@mistake("fit_head", "The head learns from the validation set too, which then tells nothing any more.")
def learns_from_valid(head, train, valid, **options):
    both = torch.cat([train[0], valid[0]]), torch.cat([train[1], valid[1]])
    return _fit(head, train, valid, **options, learnt=both)


@mistake(
    "fit_head",
    "The head ends with its last weights; put back a copy, not a mere reference, of those with the lowest valid_loss.",
)
def keeps_the_last(head, train, valid, **options):
    return _fit(head, train, valid, **options, keep="last")


@mistake(
    "fit_head",
    "Where patience ends the training, the best weights are not put back; leave the loop by break, and restore them below.",
)
def forgets_the_best_when_it_stops(head, train, valid, **options):
    return _fit(head, train, valid, **options, forgets=True)


@mistake(
    "fit_head",
    "The weights of the best valid_accuracy are kept; the loss still tells epochs apart where that stands still.",
    varies="If the accuracy is at its best in an early epoch, the weights that are kept have learned too little as well.",
)
def keeps_the_best_accuracy(head, train, valid, **options):
    return _fit(head, train, valid, **options, keep="accuracy")


@mistake("fit_head", "The same order is shuffled out in every epoch; make the generator once, before the loop.")
def shuffles_once(head, train, valid, **options):
    return _fit(head, train, valid, **options, orders=lambda *given: itertools.repeat(next(_orders(*given))))


@mistake("fit_head", "Nothing is shuffled: the batches are the same in each epoch and for each seed.")
def never_shuffles(head, train, valid, **options):
    return _fit(head, train, valid, **options, orders=lambda seed, count: itertools.repeat(torch.arange(count)))


@mistake(
    "fit_head", "Each epoch begins at another example, and goes on in the same order; shuffle with torch.randperm."
)
def goes_round(head, train, valid, **options):
    def orders(seed, count):
        return (torch.arange(count).roll(seed + 7 * epoch) for epoch in itertools.count())

    return _fit(head, train, valid, orders=orders, **options)


@mistake("fit_head", "Every second epoch has the order of the one before, backwards; draw an order for each epoch.")
def turns_the_order_round(head, train, valid, **options):
    def orders(seed, count):
        order = next(_orders(seed, count))
        return itertools.cycle((order, order.flip(0)))

    return _fit(head, train, valid, orders=orders, **options)


@mistake("fit_head", "A batch has the same examples in every epoch; draw an order of all of them anew for each.")
def keeps_its_batches(head, train, valid, **options):
    def batches(order, batch_size):
        return [order[order // batch_size == batch] for batch in range(-(-len(order) // batch_size))]

    return _fit(head, train, valid, **options, batches=batches)


@mistake("fit_head", "The training figures are those of a single batch; they are those of the whole epoch.")
def tells_the_last_batch(head, train, valid, **options):
    last = []

    def noted(order, size):
        last[:] = order.split(size)[-1:]
        return order.split(size)

    def measured(each, features, labels):
        rows = last[0] if features is train[0] else slice(None)
        return _measured_in_eval_mode(each, features[rows], labels[rows])

    return _fit(head, train, valid, batches=noted, measured=measured, **options)


@mistake("fit_head", "The bias stays as it was; give the optimizer all parameters of the head.")
def forgets_the_bias(head, train, valid, **options):
    hooks = [each.register_hook(torch.zeros_like) for each in head.parameters() if each.dim() == 1]
    history = _fit(head, train, valid, **options)
    for hook in hooks:
        hook.remove()
    return history


@mistake("fit_head", "The seed is not used: batches come from the global random state and differ in every run.")
def forgets_the_seed(head, train, valid, **options):
    return _fit(head, train, valid, **options, orders=_global_orders)


@mistake("fit_head", "A seed of 0 counts as none, so that each run shuffles otherwise; 0 is a seed like any other.")
def takes_zero_for_no_seed(head, train, valid, **options):
    orders = _orders if options.get("seed") else _global_orders
    return _fit(head, train, valid, **options, orders=orders)


@mistake("fit_head", "The generator has a seed of its own, or none; seed it with the one that is given.")
def takes_another_seed(head, train, valid, **options):
    return _fit(head, train, valid, **{**options, "seed": 0})


@mistake("fit_head", "The global random state is seeded; use a torch.Generator of your own.")
def seeds_everything(head, train, valid, **options):
    torch.manual_seed(options.get("seed", 0))
    return _fit(head, train, valid, **options, orders=_global_orders)


def _global_orders(_, count):
    while True:
        yield torch.randperm(count)


@mistake(
    "fit_head", "Training stops an epoch too soon: patience is how many epochs without a better loss there must be."
)
def stops_too_soon(head, train, valid, **options):
    return _fit(head, train, valid, **options, wait=-1)


@mistake("fit_head", "Epochs without a better loss are counted from the start; a better loss sets the count back to 0.")
def never_resets_the_count(head, train, valid, **options):
    return _fit(head, train, valid, **options, resets=False)


@mistake("fit_head", "Training goes on for one epoch more than patience allows.")
def waits_too_long(head, train, valid, **options):
    return _fit(head, train, valid, **options, wait=1)


@mistake("fit_head", "Patience is ignored: training runs to the last epoch.")
def never_stops_early(head, train, valid, **options):
    return _fit(head, train, valid, **{**options, "patience": None})


@mistake("fit_head", "A loss counts as better only where it falls by more than a margin; any lower loss is.")
def waits_for_a_margin(head, train, valid, **options):
    return _fit(head, train, valid, **options, improved=lambda loss, lowest: loss < lowest - 1e-3, margin=0.01)


@mistake("fit_head", "A copy of the head is trained; the one that was given has learnt nothing.")
def trains_a_copy(head, train, valid, **options):
    return _fit(copy.deepcopy(head), train, valid, **options)


@mistake("fit_head", "The features that were given are standardised in place; work on a copy.")
def standardises_in_place(head, train, valid, **options):
    features, labels = train
    features -= features.mean(dim=0)
    features /= features.std(dim=0) + 1e-5
    return _fit(head, (features, labels), valid, **options)


@mistake(
    "fit_head", "Gradients are cleared once an epoch, and pile up from batch to batch in it; clear them before each."
)
def clears_once_an_epoch(head, train, valid, **options):
    return _fit(head, train, valid, **options, cleared=lambda number: number == 0)


@mistake(
    "fit_head",
    "Gradients are cleared after each step only: those that the head comes with are in the first; clear before backward().",
)
def clears_after_each_step(head, train, valid, **options):
    fresh = itertools.count()
    return _fit(head, train, valid, **options, cleared=lambda _: next(fresh) > 0)


@mistake("fit_head", "The gradients of two batches go into one step; take a step with each batch.")
def steps_every_other_batch(head, train, valid, **options):
    def ready(number, count):
        return number % 2 == 1 or number == count - 1

    return _fit(head, train, valid, **options, cleared=lambda number: number % 2 == 0, ready=ready)


@mistake("fit_head", "All examples go into one batch, whatever batch_size says: there is a single step an epoch.")
def takes_one_batch(head, train, valid, **options):
    return _fit(head, train, valid, **options, batches=lambda order, _: [order])


@mistake("fit_head", "The labels are not shuffled along with their features: each example has the label of another.")
def loses_the_labels(head, train, valid, **options):
    features, labels = train
    order = next(_orders(options.get("seed", 0), len(labels)))
    return _fit(head, train, valid, **options, learnt=(features, labels[order]))


@mistake("fit_head", "The head is in training mode every other epoch only; measuring leaves it in eval mode.")
def learns_in_eval_mode_at_times(head, train, valid, **options):
    modes = itertools.cycle([True, False])
    return _fit(head, train, valid, **options, before=lambda head: head.train(next(modes)))


@mistake("fit_head", "The last epoch runs in eval mode: it has to be like all the others.")
def ends_in_eval_mode(head, train, valid, **options):
    left = itertools.count(options.get("epochs", 20) - 1, -1)
    return _fit(head, train, valid, **options, before=lambda head: head.train(next(left) > 0))


@mistake("fit_head", "After each epoch a step is taken on the validation set; it is there to choose by alone.")
def steps_on_valid(head, train, valid, **options):
    return _fit(head, train, valid, **options, after=_step_on(*valid))


@mistake(
    "fit_head", "From the second epoch on the head learns from the validation set too; it is there to choose by alone."
)
def steps_on_valid_later(head, train, valid, **options):
    return _fit(head, train, valid, **options, later=_step_on(*valid))


def _step_on(features, labels):
    def step(head, optimizer):
        optimizer.zero_grad()
        F.cross_entropy(head(features), labels).backward()
        optimizer.step()

    return step


@mistake("fit_head", "The sum that makes train_loss goes on from epoch to epoch; begin each epoch with 0.")
def carries_the_sum_on(head, train, valid, **options):
    history = _fit(head, train, valid, **options)
    return {**history, "train_loss": list(itertools.accumulate(history["train_loss"]))}


@mistake("fit_head", "The training figures are means over all epochs so far; each epoch has its own.")
def averages_over_epochs(head, train, valid, **options):
    history = _fit(head, train, valid, **options)
    for name in NAMES[:2]:
        sums = itertools.accumulate(history[name])
        history[name] = [total / count for count, total in enumerate(sums, start=1)]
    return history


@mistake("fit_head", "The history is rounded; leave that to whoever prints it.")
def rounds_the_history(head, train, valid, **options):
    history = _fit(head, train, valid, **options)
    return {name: [round(value, 4) for value in values] for name, values in history.items()}


@mistake("fit_head", "valid_accuracy is the highest so far; it is that of each epoch, which may be lower.")
def tells_the_highest_accuracy(head, train, valid, **options):
    history = _fit(head, train, valid, **options)
    return {**history, "valid_accuracy": list(itertools.accumulate(history["valid_accuracy"], max))}


@mistake("fit_head", "The defaults are other ones than those in the docstring: keep the signature as it was given.")
def changes_a_default(head, train, valid, **options):
    return _fit(head, train, valid, **{"learning_rate": 0.05, **options})


@mistake("fit_head", "An equal loss counts as better, so that patience is never over where nothing changes.")
def takes_an_equal_loss_for_better(head, train, valid, **options):
    return _fit(head, train, valid, **options, improved=operator.le)


@mistake("fit_head", "The loss is compared with that of the epoch before; it has to fall below the lowest so far.")
def compares_with_the_epoch_before(head, train, valid, **options):
    before = [math.inf]

    def fell(loss, _):
        before.append(loss)
        return loss < before[-2]

    return _fit(head, train, valid, **options, improved=fell)


@mistake(
    "fit_head",
    "The loss is compared with that of `patience` epochs ago; compare it with the lowest so far.",
)
def compares_with_an_epoch_long_ago(head, train, valid, *, patience=None, **options):
    losses = []

    def fell(loss, _):
        losses.append(loss)
        return patience is None or len(losses) <= patience or loss < losses[-1 - patience]

    return _fit(head, train, valid, patience=patience and 1, **options, improved=fell)


@mistake("predict", "A k above the number of classes fails in topk; it means all of them: take min(k, K).")
def asks_for_more_than_all(model, images, k=3):
    if k < 1:
        raise ValueError("k must be at least 1")
    with torch.no_grad():
        values, indices = model(images).softmax(dim=1).topk(k)
    return [
        [(model.classes[i], value) for i, value in zip(*row, strict=True)]
        for row in zip(indices.tolist(), values.tolist(), strict=True)
    ]


@mistake("predict", "k is limited by the number of images; limit it by that of the classes.")
def limits_k_by_the_images(model, images, k=3):
    if k < 1:
        raise ValueError("k must be at least 1")
    with torch.no_grad():
        shares = model(images).softmax(dim=1)
    return _named(model, shares, min(k, len(images), shares.shape[1]))


@mistake("predict", "These are logits; a softmax makes probabilities of them.")
def gives_logits(model, images, k=3):
    if k < 1:
        raise ValueError("k must be at least 1")
    with torch.no_grad():
        return _named(model, model(images), k)


@mistake("predict", "The softmax runs over the images; dim=1 is along the classes.")
def softmax_over_images(model, images, k=3):
    if k < 1:
        raise ValueError("k must be at least 1")
    with torch.no_grad():
        return _named(model, model(images).softmax(dim=0), k)


@mistake("predict", "The softmax is taken of the k classes alone, so that they sum to 1; take it of all logits.")
def softmax_over_the_chosen(model, images, k=3):
    if k < 1:
        raise ValueError("k must be at least 1")
    with torch.no_grad():
        logits = model(images)
    top = logits.topk(min(k, logits.shape[1]))
    rows = zip(top.indices.tolist(), top.values.softmax(dim=1).tolist(), strict=True)
    return [[(model.classes[i], value) for i, value in zip(*row, strict=True)] for row in rows]


@mistake("predict", "A sigmoid is taken of each logit on its own; a softmax makes probabilities that sum to 1.")
def takes_a_sigmoid(model, images, k=3):
    if k < 1:
        raise ValueError("k must be at least 1")
    with torch.no_grad():
        logits = model(images)
    top = logits.topk(min(k, logits.shape[1]))
    rows = zip(top.indices.tolist(), top.values.sigmoid().tolist(), strict=True)
    return [[(model.classes[i], value) for i, value in zip(*row, strict=True)] for row in rows]


@mistake("predict", "The most probable class comes last; sort with descending=True.")
def puts_the_most_probable_last(model, images, k=3):
    if k < 1:
        raise ValueError("k must be at least 1")
    with torch.no_grad():
        return [row[::-1] for row in _named(model, model(images).softmax(dim=1), k)]


@mistake("predict", "The least probable classes come back; the most probable are asked for.")
def names_the_least(model, images, k=3):
    if k < 1:
        raise ValueError("k must be at least 1")
    with torch.no_grad():
        return _named(model, model(images).softmax(dim=1), k, largest=False)


@mistake(
    "predict",
    "Names are kept in a dict by their probability: of classes that are equally probable one is left; keep all.",
)
def keys_the_names_by_probability(model, images, k=3):
    if k < 1:
        raise ValueError("k must be at least 1")
    with torch.no_grad():
        shares = model(images).softmax(dim=1)
    names = [dict(zip(row, model.classes, strict=True)) for row in shares.tolist()]
    return [[(named[share], share) for share in sorted(named, reverse=True)[:k]] for named in names]


@mistake("predict", "The index of a class comes back; look its name up in model.classes.")
def gives_indices(model, images, k=3):
    if k < 1:
        raise ValueError("k must be at least 1")
    with torch.no_grad():
        top = model(images).softmax(dim=1).topk(min(k, len(model.classes)))
    rows = zip(top.indices.tolist(), top.values.tolist(), strict=True)
    return [list(zip(indices, values, strict=True)) for indices, values in rows]


@mistake("predict", "Only the first image is looked at; every image has a list of its own.")
def predicts_the_first(model, images, k=3):
    if k < 1:
        raise ValueError("k must be at least 1")
    with torch.no_grad():
        return _named(model, model(images[:1]).softmax(dim=1), k)


@mistake("predict", "A k below 1 gives empty lists; it should be a ValueError.")
def takes_any_k(model, images, k=3):
    with torch.no_grad():
        return _named(model, model(images).softmax(dim=1), max(k, 0))


@mistake("predict", "Three classes are named whatever k is.")
def always_names_three(model, images, k=3):
    if k < 1:
        raise ValueError("k must be at least 1")
    with torch.no_grad():
        return _named(model, model(images).softmax(dim=1), 3)


@mistake("predict", "A single image gives its pairs alone; it should be a list of one list, as for any batch.")
def unwraps_a_single_image(model, images, k=3):
    if k < 1:
        raise ValueError("k must be at least 1")
    with torch.no_grad():
        named = _named(model, model(images).softmax(dim=1), k)
    return named[0] if len(named) == 1 else named


@mistake("predict", "Gradients are turned off for the whole program, and stay so; use `with torch.no_grad():`.")
def turns_gradients_off_to_predict(model, images, k=3):
    if k < 1:
        raise ValueError("k must be at least 1")
    torch.set_grad_enabled(False)
    return _named(model, model(images).softmax(dim=1), k)


@mistake("predict", "The model's parameters do not require gradients afterwards; torch.no_grad() leaves them alone.")
def freezes_the_model(model, images, k=3):
    if k < 1:
        raise ValueError("k must be at least 1")
    return _named(model, model.requires_grad_(False)(images).softmax(dim=1), k)


_pairs = {}


@mistake(
    "predict",
    "An answer from an earlier call comes back for other numbers of the same shape; compute each one anew.",
)
def gives_earlier_names(model, images, k=3):
    if k < 1:
        raise ValueError("k must be at least 1")
    key = images.shape, k, tuple(model.classes)
    if key not in _pairs:
        with torch.no_grad():
            _pairs[key] = _named(model, model(images).softmax(dim=1), k)
    return _pairs[key]


def _named(model, scores, k, largest=True):
    top = scores.topk(min(k, scores.shape[1]), largest=largest)
    rows = zip(top.indices.tolist(), top.values.tolist(), strict=True)
    return [[(model.classes[i], value) for i, value in zip(*row, strict=True)] for row in rows]
