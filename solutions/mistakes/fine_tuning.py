"""Known mistakes in fine_tuning, as students make them, each with the sentence that they should read."""

import copy
import io
import math
import pickle
import zlib

import torch
import torch.nn.functional as F
from safetensors.torch import load, save

from autograder.diagnose import mistake

NAMES = ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")


def _trainable(model):
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


def _require_layers(model, layers):
    known = dict(model.named_modules())
    for layer in layers:
        if layer not in known:
            raise ValueError(f"layers has {layer!r}; there are {', '.join(filter(None, known))}")
    return known


def _require_positive(head_rate, backbone_rate):
    for name, rate in (("head_rate", head_rate), ("backbone_rate", backbone_rate)):
        if rate <= 0:
            raise ValueError(f"{name} must be positive")


def _groups(model, head_rate, backbone_rate, head=None):
    head = {id(each) for each in model.head.parameters()} if head is None else head
    parts = {head_rate: [], backbone_rate: []}
    for each in model.parameters():
        if each.requires_grad:
            parts[head_rate if id(each) in head else backbone_rate].append(each)
    return [{"params": params, "lr": rate} for rate, params in parts.items() if params]


@mistake("count_parameters", "The parameters are counted, and not their entries; numel() gives the entries of one.")
def counts_tensors(model):
    parameters = list(model.parameters())
    return sum(each.requires_grad for each in parameters), len(parameters)


@mistake("count_parameters", "Where no parameter is trainable all are counted: `trainable or ...` takes 0 for missing.")
def takes_none_for_all(model):
    total = sum(each.numel() for each in model.parameters())
    return sum(each.numel() for each in model.parameters() if each.requires_grad) or total, total


@mistake("count_parameters", "Buffers are counted too; the state dict has them, parameters() has not.")
def counts_buffers(model):
    trainable = sum(each.numel() for each in model.parameters() if each.requires_grad)
    return trainable, sum(each.numel() for each in model.state_dict().values())


@mistake("count_parameters", "A parameter of shape (), a single number, is not counted; numel() of it is 1.")
def passes_over_single_numbers(model):
    parameters = [each for each in model.parameters() if each.dim()]
    return sum(each.numel() for each in parameters if each.requires_grad), sum(each.numel() for each in parameters)


@mistake("count_parameters", "All numbers come first here; those that are trained come first.")
def gives_all_first(model):
    trainable = sum(each.numel() for each in model.parameters() if each.requires_grad)
    return sum(each.numel() for each in model.parameters()), trainable


@mistake("count_parameters", "Frozen parameters are counted among the trainable ones; ask each for requires_grad.")
def counts_frozen_ones(model):
    count = sum(each.numel() for each in model.parameters())
    return count, count


@mistake("count_parameters", "The second number is that of the frozen parameters alone; it is that of all.")
def gives_the_frozen_ones(model):
    parameters = list(model.parameters())
    trainable = sum(each.numel() for each in parameters if each.requires_grad)
    return trainable, sum(each.numel() for each in parameters) - trainable


@mistake("count_parameters", "What two layers share is counted twice; model.parameters() gives it once.")
def counts_layer_by_layer(model):
    own = [each for module in model.modules() for each in module.parameters(recurse=False)]
    return sum(each.numel() for each in own if each.requires_grad), sum(each.numel() for each in own)


@mistake(
    "count_parameters",
    "Only layers without layers inside are looked at; a module that has some may have parameters of its own.",
)
def counts_leaves_only(model):
    leaves = [module for module in model.modules() if not list(module.children())]
    own = {parameter for module in leaves for parameter in module.parameters()}
    return sum(each.numel() for each in own if each.requires_grad), sum(each.numel() for each in own)


@mistake("count_parameters", "A layer counts as trained or not by its weight; each parameter says for itself.")
def judges_by_the_weight(model):
    parameters, trainable = {}, 0
    for module in model.modules():
        own = [each for each in module.parameters(recurse=False) if id(each) not in parameters]
        parameters |= {id(each): each for each in own}
        if any(name == "weight" and each.requires_grad for name, each in module.named_parameters(recurse=False)):
            trainable += sum(each.numel() for each in own)
    return trainable, sum(each.numel() for each in parameters.values())


@mistake(
    "count_parameters", "The frozen numbers are counted first; the first count is of those that require gradients."
)
def counts_the_frozen(model):
    frozen = sum(each.numel() for each in model.parameters() if not each.requires_grad)
    return frozen, sum(each.numel() for each in model.parameters())


@mistake("count_parameters", "What requires gradients is learnt, whatever mode its layer is in; this goes by the mode.")
def goes_by_the_training_mode(model):
    learnt = {
        id(each): each.numel() for part in model.modules() if part.training for each in part.parameters(recurse=False)
    }
    return sum(learnt.values()), sum(each.numel() for each in model.parameters())


@mistake(
    "unfreeze", "Only the names of the layers just unfrozen come back; those that were trained before belong to them."
)
def names_the_new_ones_only(model, layers):
    known = _require_layers(model, layers)
    for layer in layers:
        known[layer].requires_grad_(True)
    chosen = {id(each) for layer in layers for each in known[layer].parameters()}
    return [name for name, each in model.named_parameters() if id(each) in chosen]


@mistake("unfreeze", "All other layers are frozen; they stay as they are.")
def freezes_the_others(model, layers):
    known = _require_layers(model, layers)
    model.requires_grad_(False)
    for layer in layers:
        known[layer].requires_grad_(True)
    return _trainable(model)


@mistake("unfreeze", "A layer that does not exist is passed over; it should be a ValueError that names those that do.")
def passes_over_unknown_layers(model, layers):
    known = dict(model.named_modules())
    for layer in layers:
        if layer in known:
            known[layer].requires_grad_(True)
    return _trainable(model)


@mistake(
    "unfreeze",
    "Names are compared by their beginning alone, so that head stands for head_scale too; after a layer's name comes a dot.",
)
def goes_by_the_beginning(model, layers):
    _require_layers(model, layers)
    for name, each in model.named_parameters():
        if any(name.startswith(layer) for layer in layers):
            each.requires_grad_(True)
    return _trainable(model)


@mistake("unfreeze", "The beginning of a layer's name is taken for a layer; only a whole name is one.")
def takes_the_beginning_of_a_name(model, layers):
    known = [name for name, _ in model.named_modules()]
    for layer in layers:
        if not any(name.startswith(layer) for name in known):
            raise ValueError(f"layers has {layer!r}; there are {', '.join(filter(None, known))}")
    for name, each in model.named_parameters():
        if any(layer == "" or name.startswith(f"{layer}.") for layer in layers):
            each.requires_grad_(True)
    return _trainable(model)


@mistake("unfreeze", "A layer's name is looked for anywhere in a parameter's; the parameter's name begins with it.")
def finds_names_within_names(model, layers):
    _require_layers(model, layers)
    for name, each in model.named_parameters():
        if any(layer == "" or f"{layer}." in name for layer in layers):
            each.requires_grad_(True)
    return _trainable(model)


@mistake(
    "unfreeze",
    "Layers before an unknown one are unfrozen when the error comes; look all names up first, and change the model then.",
)
def unfreezes_before_it_knows_all(model, layers):
    known = dict(model.named_modules())
    for layer in layers:
        if layer not in known:
            raise ValueError(f"layers has {layer!r}; there are {', '.join(filter(None, known))}")
        known[layer].requires_grad_(True)
    return _trainable(model)


@mistake("unfreeze", "The unfrozen layers are put in training mode; their modes stay as they are.")
def wakes_the_layers(model, layers):
    known = _require_layers(model, layers)
    for layer in layers:
        known[layer].requires_grad_(True).train()
    return _trainable(model)


@mistake("unfreeze", "The names are sorted; they come in the order of named_parameters().")
def sorts_the_names(model, layers):
    known = _require_layers(model, layers)
    for layer in layers:
        known[layer].requires_grad_(True)
    return sorted(_trainable(model))


@mistake("unfreeze", "The names come back, and nothing is unfrozen.")
def only_names(model, layers):
    known = _require_layers(model, layers)
    chosen = {id(each) for layer in layers for each in known[layer].parameters()}
    return [name for name, each in model.named_parameters() if each.requires_grad or id(each) in chosen]


@mistake("unfreeze", "The names are in the order of `layers`; they should be in that of model.named_parameters().")
def names_them_in_the_order_of_layers(model, layers):
    known = _require_layers(model, layers)
    before = _trainable(model)
    names = []
    for layer in layers:
        known[layer].requires_grad_(True)
        names += [f"{layer}.{name}" if layer else name for name, _ in known[layer].named_parameters()]
    return list(dict.fromkeys([*names, *before]))


@mistake("parameter_groups", "Frozen parameters are in the groups; only what requires gradients belongs there.")
def groups_frozen_ones(model, *, head_rate, backbone_rate):
    _require_positive(head_rate, backbone_rate)
    head = {id(each) for each in model.head.parameters()}
    others = [each for each in model.parameters() if id(each) not in head]
    return [{"params": list(model.head.parameters()), "lr": head_rate}, {"params": others, "lr": backbone_rate}]


@mistake(
    "parameter_groups",
    "The groups hold tensors made from the parameters, which get no gradients; put in the parameters.",
)
def groups_copies(model, *, head_rate, backbone_rate):
    _require_positive(head_rate, backbone_rate)
    groups = _groups(model, head_rate, backbone_rate)
    return [{**group, "params": [each.detach().clone() for each in group["params"]]} for group in groups]


@mistake("parameter_groups", "The head is looked for anywhere in a name; its parameters are those of model.head.")
def finds_the_head_within_names(model, *, head_rate, backbone_rate):
    _require_positive(head_rate, backbone_rate)
    return _groups(
        model, head_rate, backbone_rate, {id(each) for name, each in model.named_parameters() if "head" in name}
    )


@mistake("parameter_groups", "The groups stand in a dict by rate, where equal rates leave one group; keep both.")
def groups_by_rate(model, *, head_rate, backbone_rate):
    _require_positive(head_rate, backbone_rate)
    head = {id(each) for each in model.head.parameters()}
    trainable = [each for each in model.parameters() if each.requires_grad]
    by_rate = {head_rate: [each for each in trainable if id(each) in head]}
    by_rate[backbone_rate] = [each for each in trainable if id(each) not in head]
    return [{"params": parameters, "lr": rate} for rate, parameters in by_rate.items() if parameters]


@mistake("parameter_groups", "The two rates are swapped.")
def swaps_the_rates(model, *, head_rate, backbone_rate):
    _require_positive(head_rate, backbone_rate)
    return _groups(model, backbone_rate, head_rate)


@mistake(
    "parameter_groups", "Only head and backbone are looked at; a model may have layers beside them, which learn too."
)
def forgets_what_stands_beside(model, *, head_rate, backbone_rate):
    _require_positive(head_rate, backbone_rate)
    head = {id(each) for each in model.head.parameters()}
    parts = (
        (head_rate, [each for each in model.head.parameters() if each.requires_grad]),
        (backbone_rate, [each for each in model.backbone.parameters() if each.requires_grad and id(each) not in head]),
    )
    return [{"params": params, "lr": rate} for rate, params in parts if params]


@mistake(
    "parameter_groups",
    "What head and backbone share is in both groups; each parameter belongs in one, and this in the head's.",
)
def groups_shared_ones_twice(model, *, head_rate, backbone_rate):
    _require_positive(head_rate, backbone_rate)
    head = [each for each in model.head.parameters() if each.requires_grad]
    others = [each for name, each in model.named_parameters() if each.requires_grad and not name.startswith("head.")]
    return [{"params": part, "lr": rate} for part, rate in ((head, head_rate), (others, backbone_rate)) if part]


@mistake("parameter_groups", "What head and backbone share learns at backbone_rate; it is the head's.")
def leaves_shared_ones_to_the_backbone(model, *, head_rate, backbone_rate):
    _require_positive(head_rate, backbone_rate)
    backbone = {id(each) for each in model.backbone.parameters()}
    head = {id(each) for each in model.head.parameters()} - backbone
    return _groups(model, head_rate, backbone_rate, head)


@mistake("parameter_groups", "There is a group without parameters; leave it out.")
def keeps_empty_groups(model, *, head_rate, backbone_rate):
    _require_positive(head_rate, backbone_rate)
    head = {id(each) for each in model.head.parameters()}
    trainable = [each for each in model.parameters() if each.requires_grad]
    return [
        {"params": [each for each in trainable if id(each) in head], "lr": head_rate},
        {"params": [each for each in trainable if id(each) not in head], "lr": backbone_rate},
    ]


@mistake("parameter_groups", "The rates are not checked; one that is not positive is a ValueError that names it.")
def takes_any_rate(model, *, head_rate, backbone_rate):
    return _groups(model, head_rate, backbone_rate)


@mistake(
    "parameter_groups",
    "A rate is checked only where something learns at it; check both before looking at what is frozen.",
)
def checks_the_rates_it_uses(model, *, head_rate, backbone_rate):
    groups = _groups(model, head_rate, backbone_rate)
    names = {head_rate: "head_rate", backbone_rate: "backbone_rate"}
    for rate in [group["lr"] for group in groups]:
        if rate <= 0:
            raise ValueError(f"{names[rate]} must be positive")
    return groups


@mistake(
    "parameter_groups",
    "Parameters with one axis all learn at backbone_rate, also those of the head; the head's learn at head_rate.",
)
def puts_all_biases_together(model, *, head_rate, backbone_rate):
    _require_positive(head_rate, backbone_rate)
    head = {id(each) for each in model.head.parameters() if each.dim() > 1}
    return _groups(model, head_rate, backbone_rate, head)


def _draws(images, generator, low=-4, high=5):
    flips = torch.rand(len(images), generator=generator) < 0.5
    return flips.tolist(), torch.randint(low, high, (len(images), 2), generator=generator).tolist()


def _shifted(images, flips, moves, mode="reflect"):
    height, width = images.shape[-2:]
    padded = F.pad(images, (4, 4, 4, 4), mode=mode)
    pairs = zip(padded, flips, moves, strict=True)
    cut = [
        (each.flip(-1) if flip else each)[:, 4 + a : 4 + a + height, 4 + b : 4 + b + width]
        for each, flip, (a, b) in pairs
    ]
    return torch.stack(cut)


@mistake("augment", "One flip and one move are drawn for the whole batch; each image has its own.")
def draws_for_the_batch(images, generator):
    flips, moves = _draws(images, generator)
    return _shifted(images, flips[:1] * len(images), moves[:1] * len(images))


@mistake("augment", "What comes in at the border is black; it should be a reflection.")
def pads_with_zeros(images, generator):
    return _shifted(images, *_draws(images, generator), mode="constant")


@mistake("augment", "The border pixel is repeated; a reflection begins with the pixel beside it.")
def repeats_the_border(images, generator):
    return _shifted(images, *_draws(images, generator), mode="replicate")


@mistake(
    "augment", "The border pixel comes twice, as in NumPy's symmetric; a reflection begins with the pixel beside it."
)
def doubles_the_border(images, generator):
    flips, moves = _draws(images, generator)
    left, right, top, bottom = images[..., :4].flip(-1), images[..., -4:].flip(-1), images, images
    wide = torch.cat([left, images, right], dim=-1)
    top, bottom = wide[..., :4, :].flip(-2), wide[..., -4:, :].flip(-2)
    height, width = images.shape[-2:]
    flipped = [
        each.flip(-1) if flip else each
        for each, flip in zip(torch.cat([top, wide, bottom], dim=-2), flips, strict=True)
    ]
    return torch.stack(
        [each[:, 4 + a : 4 + a + height, 4 + b : 4 + b + width] for each, (a, b) in zip(flipped, moves, strict=True)]
    )


@mistake("augment", "All images of a batch are flipped, or none of them is; throw a coin for each.")
def flips_all_or_none(images, generator):
    flips, moves = _draws(images, generator)
    return _shifted(images, flips[:1] * len(images), moves)


@mistake("augment", "What leaves on one side comes in on the other, as torch.roll does it; it should be a reflection.")
def rolls(images, generator):
    return _shifted(images, *_draws(images, generator), mode="circular")


@mistake("augment", "No image moves by 4 to the one side: the end of torch.randint is never drawn.")
def forgets_the_last_move(images, generator):
    return _shifted(images, *_draws(images, generator, high=4))


@mistake(
    "augment",
    "The moves are rounded to whole numbers, so that -4 and 4 come half as often; torch.randint draws whole ones.",
)
def rounds_the_moves(images, generator):
    flips, _ = _draws(images, generator)
    moves = (8 * torch.rand(len(images), 2, generator=generator) - 4).round().long()
    return _shifted(images, flips, moves.tolist())


@mistake(
    "augment",
    "Fractions of the moves are cut off, so that 0 comes twice as often as others; torch.randint draws whole numbers.",
)
def cuts_off_the_fractions(images, generator):
    flips, _ = _draws(images, generator)
    moves = (8 * torch.rand(len(images), 2, generator=generator) - 4).long()
    return _shifted(images, flips, moves.tolist())


@mistake("augment", "The move across is the same as the move down; the two are independent.")
def moves_along_the_diagonal(images, generator):
    flips, moves = _draws(images, generator)
    return _shifted(images, flips, [(a, a) for a, _ in moves])


@mistake("augment", "Exactly half of the images are flipped; each is flipped or not whatever the others are.")
def flips_exactly_half(images, generator):
    _, moves = _draws(images, generator)
    deck = torch.randperm(len(images), generator=generator)
    return _shifted(images, (deck < len(images) // 2).tolist(), moves)


@mistake("augment", "The moves are dealt out so that all come equally often; draw each image's on its own.")
def deals_the_moves_out(images, generator):
    deck = torch.cat([torch.randperm(162, generator=generator) for _ in range(0, len(images), 162)])[: len(images)]
    ways = deck.tolist()
    return _shifted(images, [way >= 81 for way in ways], [(way % 81 // 9 - 4, way % 9 - 4) for way in ways])


@mistake("augment", "Later images are flipped and moved as earlier ones of the batch; draw anew for each image.")
def repeats_the_moves(images, generator):
    few = (len(images) + 1) // 2
    flips, moves = _draws(images[:few], generator)
    return _shifted(images, (flips * 2)[: len(images)], (moves * 2)[: len(images)])


@mistake("augment", "The generator is left in its old state, so that the next call repeats the moves; draw from it.")
def leaves_the_generator_behind(images, generator):
    state = generator.get_state()
    flips, moves = _draws(images, generator)
    generator.set_state(state)
    return _shifted(images, flips, moves)


@mistake("augment", "Images are turned upside down; left and right change places in a flip.")
def turns_upside_down(images, generator):
    flips, moves = _draws(images, generator)
    height, width = images.shape[-2:]
    padded = F.pad(images, (4, 4, 4, 4), mode="reflect")
    pairs = zip(padded, flips, moves, strict=True)
    return torch.stack(
        [(p.flip(-2) if f else p)[:, 4 + a : 4 + a + height, 4 + b : 4 + b + width] for p, f, (a, b) in pairs]
    )


@mistake("augment", "The generator is not used: the images are others for the same state of it.")
def uses_global_randomness(images, generator):
    return _shifted(images, *_draws(images, None))


@mistake(
    "augment", "A new generator is made of the seed, so that the images are the same for every state of the one given."
)
def starts_from_the_seed(images, generator):
    return _shifted(images, *_draws(images, torch.Generator().manual_seed(generator.initial_seed())))


@mistake("augment", "The global random state is drawn from as well; the generator is there for all of it.")
def draws_from_both(images, generator):
    flips, moves = _draws(images, generator)
    torch.rand(1)
    return _shifted(images, flips, moves)


def _measured(model, images, labels):
    with torch.no_grad():
        logits = model(images)
    return F.cross_entropy(logits, labels).item(), (logits.argmax(dim=1) == labels).float().mean().item()


def _orders(seed, count):
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield torch.randperm(count, generator=generator)


def _tune(
    model,
    train,
    valid,
    epochs,
    head_rate,
    backbone_rate,
    batch_size,
    orders,
    *,
    groups=None,
    optimizer=torch.optim.Adam,
    training=False,
    zero=True,
    keep_best=True,
    modes_back=True,
    shown=None,
    learnt=None,
    drop_last=False,
    least=1,
    of_last=0,
    keep_by="valid_loss",
    mode=None,
):
    """The training loop, with a switch for each thing that goes wrong in it."""
    steps = optimizer(_groups(model, head_rate, backbone_rate) if groups is None else groups)
    images, labels = train if learnt is None else learnt
    history = {name: [] for name in NAMES}
    modes = [(module, module.training) for module in model.modules()]
    lowest, best = math.inf, copy.deepcopy(model.state_dict())
    for _ in range(epochs):
        model.train(training)
        if mode is not None:
            mode(model)
        last = None
        for batch in next(orders).split(batch_size):
            if len(batch) < (batch_size if drop_last else least):
                continue
            if zero:
                steps.zero_grad()
            F.cross_entropy(model(images[batch]), labels[batch]).backward()
            steps.step()
            last = [part[batch] for part in (images, labels)]
        model.eval()
        figures = [*_measured(model, *train), *_measured(model, *(shown or valid))]
        if of_last and last is not None:
            figures[:of_last] = _measured(model, *last)[:of_last]
        for name, figure in zip(NAMES, figures, strict=True):
            history[name].append(figure)
        score = history[keep_by][-1] * (-1 if keep_by == "valid_accuracy" else 1)
        if score < lowest:
            lowest, best = score, copy.deepcopy(model.state_dict())
    if keep_best:
        model.load_state_dict(best)
    if modes_back:
        for module, mode in modes:
            module.training = mode
    return history


def _defaults(epochs=10, head_rate=1e-2, backbone_rate=1e-3, batch_size=32, seed=0):
    return (epochs, head_rate, backbone_rate, batch_size), seed


@mistake("fine_tune", "Only the head is trained; the backbone is to learn as well.")
def trains_the_head_only(model, train, valid, **options):
    sizes, seed = _defaults(**options)
    head = [each for each in model.head.parameters() if each.requires_grad]
    return _tune(model, train, valid, *sizes, _orders(seed, len(train[1])), groups=[{"params": head, "lr": sizes[1]}])


@mistake(
    "fine_tune",
    "The gradients of earlier batches are never cleared, so that they add up; call zero_grad() before each backward().",
    varies="With gradients that add up, some drawn pictures are learnt all the same.",
)
def forgets_zero_grad(model, train, valid, **options):
    sizes, seed = _defaults(**options)
    return _tune(model, train, valid, *sizes, _orders(seed, len(train[1])), zero=False)


@mistake(
    "fine_tune",
    "The backbone learns at head_rate too, which is so high that it forgets what it knew.",
    varies="Some of the drawn letters a fast backbone learns as well.",
)
def has_one_rate_for_all(model, train, valid, **options):
    (epochs, head_rate, _, batch_size), seed = _defaults(**options)
    return _tune(model, train, valid, epochs, head_rate, head_rate, batch_size, _orders(seed, len(train[1])))


@mistake(
    "fine_tune",
    "The two rates are swapped, so that the backbone learns fast and the head slowly.",
    varies="Some of the drawn letters a fast backbone learns as well.",
)
def tunes_with_swapped_rates(model, train, valid, **options):
    (epochs, head_rate, backbone_rate, batch_size), seed = _defaults(**options)
    return _tune(model, train, valid, epochs, backbone_rate, head_rate, batch_size, _orders(seed, len(train[1])))


@mistake(
    "fine_tune",
    "The steps are those of plain gradient descent with momentum; with gradients this small nothing moves.",
    varies="Its steps are long enough for some of the drawn pictures of the far domain.",
)
def steps_with_momentum(model, train, valid, **options):
    sizes, seed = _defaults(**options)

    def steps(groups):
        return torch.optim.SGD(groups, lr=0.01, momentum=0.9)

    return _tune(model, train, valid, *sizes, _orders(seed, len(train[1])), optimizer=steps)


@mistake(
    "fine_tune",
    "The model trains in training mode, in which batch normalisation changes its statistics with every batch.",
    varies="With the statistics of a batch the train_loss of an epoch may be so high that the history looks untrue.",
)
def lets_batch_norm_learn(model, train, valid, **options):
    sizes, seed = _defaults(**options)
    return _tune(model, train, valid, *sizes, _orders(seed, len(train[1])), training=True)


@mistake(
    "fine_tune",
    "Only BatchNorm2d is kept in eval mode; there are other kinds of batch normalisation, such as BatchNorm1d.",
    varies="With the statistics of a batch the train_loss of an epoch may be so high that the history looks untrue.",
)
def stills_one_kind_of_norm(model, train, valid, **options):
    sizes, seed = _defaults(**options)

    def still(model):
        for module in model.modules():
            module.train(not isinstance(module, torch.nn.BatchNorm2d))

    return _tune(model, train, valid, *sizes, _orders(seed, len(train[1])), mode=still)


@mistake(
    "fine_tune",
    "The weight and bias of batch normalisation are frozen; eval mode keeps its statistics, and the two are trained.",
)
def freezes_batch_norm(model, train, valid, **options):
    sizes, seed = _defaults(**options)
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.requires_grad_(False)
    return _tune(model, train, valid, *sizes, _orders(seed, len(train[1])))


@mistake("fine_tune", "Everything is unfrozen first; what the caller has frozen is to stay as it is.")
def unfreezes_everything(model, train, valid, **options):
    sizes, seed = _defaults(**options)
    flags = [(each, each.requires_grad) for each in model.parameters()]
    model.requires_grad_(True)
    history = _tune(model, train, valid, *sizes, _orders(seed, len(train[1])))
    for each, flag in flags:
        each.requires_grad_(flag)
    return history


@mistake("fine_tune", "The model ends with its last weights; put back a copy of those with the lowest valid_loss.")
def keeps_the_last_weights(model, train, valid, **options):
    sizes, seed = _defaults(**options)
    return _tune(model, train, valid, *sizes, _orders(seed, len(train[1])), keep_best=False)


@mistake(
    "fine_tune",
    "The weights of the highest valid_accuracy are kept; keep those of the lowest valid_loss.",
    varies="The history shows it only where the two epochs are not the same.",
)
def keeps_the_most_accurate(model, train, valid, **options):
    sizes, seed = _defaults(**options)
    return _tune(model, train, valid, *sizes, _orders(seed, len(train[1])), keep_by="valid_accuracy")


@mistake("fine_tune", "What stands beside head and backbone is not trained; all that requires gradients is.")
def tunes_nothing_beside(model, train, valid, **options):
    sizes, seed = _defaults(**options)
    head = {id(each): each for each in model.head.parameters() if each.requires_grad}
    others = [each for each in model.backbone.parameters() if each.requires_grad and id(each) not in head]
    parts = ((list(head.values()), sizes[1]), (others, sizes[2]))
    groups = [{"params": params, "lr": rate} for params, rate in parts if params]
    return _tune(model, train, valid, *sizes, _orders(seed, len(train[1])), groups=groups)


@mistake("fine_tune", "The head is put in training mode; batch normalisation may stand there too, and keeps learning.")
def wakes_the_head(model, train, valid, **options):
    sizes, seed = _defaults(**options)
    orders = _orders(seed, len(train[1]))
    return _tune(model, train, valid, *sizes, orders, mode=lambda model: model.head.train())


@mistake("fine_tune", "The last images of an epoch, too few for a whole batch, are left out; they make a smaller one.")
def drops_the_last_batch(model, train, valid, **options):
    sizes, seed = _defaults(**options)
    return _tune(model, train, valid, *sizes, _orders(seed, len(train[1])), drop_last=True)


@mistake("fine_tune", "A last batch of few images, or of a single one, is left out: each epoch takes all images.")
def leaves_out_a_small_batch(model, train, valid, **options):
    sizes, seed = _defaults(**options)
    return _tune(model, train, valid, *sizes, _orders(seed, len(train[1])), least=2)


@mistake("fine_tune", "Images are drawn one by one, so that an epoch shows some twice and others never; shuffle them.")
def draws_with_replacement(model, train, valid, **options):
    sizes, seed = _defaults(**options)
    count, dice = len(train[1]), torch.Generator().manual_seed(seed)
    return _tune(model, train, valid, *sizes, iter(lambda: torch.randint(count, (count,), generator=dice), None))


@mistake(
    "fine_tune",
    "All training images are in one step; batch_size says how many there are.",
    varies="Its few steps are enough for some of the drawn pictures.",
)
def takes_one_step_an_epoch(model, train, valid, **options):
    (epochs, head_rate, backbone_rate, _), seed = _defaults(**options)
    count = len(train[1])
    return _tune(model, train, valid, epochs, head_rate, backbone_rate, count, _orders(seed, count))


@mistake("fine_tune", "A copy of the model is tuned; the one that was given has learnt nothing.")
def tunes_a_copy(model, train, valid, **options):
    sizes, seed = _defaults(**options)
    return _tune(copy.deepcopy(model), train, valid, *sizes, _orders(seed, len(train[1])))


@mistake("fine_tune", "What the history calls valid is measured on the training set.")
def shows_train_as_valid(model, train, valid, **options):
    sizes, seed = _defaults(**options)
    return _tune(model, train, valid, *sizes, _orders(seed, len(train[1])), shown=train)


@mistake("fine_tune", "The model learns from the validation set too, which then tells nothing any more.")
def tunes_on_valid_too(model, train, valid, **options):
    sizes, seed = _defaults(**options)
    both = torch.cat([train[0], valid[0]]), torch.cat([train[1], valid[1]])
    return _tune(model, train, valid, *sizes, _orders(seed, len(both[1])), learnt=both)


@mistake("fine_tune", "The batches are the same in each epoch; make the generator once, before the loop.")
def shuffles_only_once(model, train, valid, **options):
    sizes, seed = _defaults(**options)
    order = next(_orders(seed, len(train[1])))
    return _tune(model, train, valid, *sizes, iter(lambda: order, None))


@mistake("fine_tune", "The batches hold the same images in each epoch, in another order; shuffle the images anew.")
def shuffles_the_batches_alone(model, train, valid, **options):
    sizes, seed = _defaults(**options)
    dice = torch.Generator().manual_seed(seed)
    count = len(train[1])
    batches = torch.randperm(count, generator=dice)[: count - count % sizes[-1]].view(-1, sizes[-1])
    rest = torch.tensor(sorted({*range(count)} - {*batches.flatten().tolist()}), dtype=torch.int64)

    def orders():
        while True:
            yield torch.cat([batches[torch.randperm(len(batches), generator=dice)].flatten(), rest])

    return _tune(model, train, valid, *sizes, orders())


@mistake("fine_tune", "The seed is not used: batches come from the global random state and differ in every run.")
def ignores_the_seed(model, train, valid, **options):
    sizes, _ = _defaults(**options)
    return _tune(model, train, valid, *sizes, iter(lambda: torch.randperm(len(train[1])), None))


@mistake("fine_tune", "The global random state is seeded; use a torch.Generator of your own.")
def seeds_the_world(model, train, valid, **options):
    sizes, seed = _defaults(**options)
    torch.manual_seed(seed)
    return _tune(model, train, valid, *sizes, iter(lambda: torch.randperm(len(train[1])), None))


@mistake("fine_tune", "The figures of the history are rounded; leave that to whoever prints them.")
def rounds_the_history(model, train, valid, **options):
    sizes, seed = _defaults(**options)
    history = _tune(model, train, valid, *sizes, _orders(seed, len(train[1])))
    return {name: [round(figure, 4) for figure in figures] for name, figures in history.items()}


@mistake("fine_tune", "The defaults are other ones than those in the docstring: keep the signature as it was given.")
def changes_a_default(model, train, valid, **options):
    sizes, seed = _defaults(**{"batch_size": 24, **options})
    return _tune(model, train, valid, *sizes, _orders(seed, len(train[1])))


@mistake("fine_tune", "The model stays in eval mode; give each submodule its own mode back.")
def leaves_eval_mode_behind(model, train, valid, **options):
    sizes, seed = _defaults(**options)
    return _tune(model, train, valid, *sizes, _orders(seed, len(train[1])), modes_back=False)


@mistake(
    "fine_tune", "The training figures are never set back, so that each epoch shows the mean of all so far; begin anew."
)
def adds_the_epochs_up(model, train, valid, **options):
    sizes, seed = _defaults(**options)
    history = _tune(model, train, valid, *sizes, _orders(seed, len(train[1])))
    for name in NAMES[:2]:
        history[name] = [sum(history[name][: k + 1]) / (k + 1) for k in range(len(history[name]))]
    return history


@mistake("fine_tune", "A step has fewer images than batch_size; there are as many in each, but for the last.")
def takes_half_batches(model, train, valid, **options):
    (epochs, head_rate, backbone_rate, batch_size), seed = _defaults(**options)
    half = (batch_size + 1) // 2
    return _tune(model, train, valid, epochs, head_rate, backbone_rate, half, _orders(seed, len(train[1])))


@mistake("fine_tune", "The losses in the history are sums over the examples; they should be means.")
def sums_the_losses(model, train, valid, **options):
    sizes, seed = _defaults(**options)
    history = _tune(model, train, valid, *sizes, _orders(seed, len(train[1])))
    for name, part in (("train_loss", train), ("valid_loss", valid)):
        history[name] = [value * len(part[1]) for value in history[name]]
    return history


@mistake("fine_tune", "The training figures are those of a single batch; they are those of the whole epoch.")
def tells_one_batch(model, train, valid, **options):
    sizes, seed = _defaults(**options)
    return _tune(model, train, valid, *sizes, _orders(seed, len(train[1])), of_last=2)


@mistake("fine_tune", "The train_loss is that of the last batch of the epoch; it is the mean over all of them.")
def tells_the_loss_of_one_batch(model, train, valid, **options):
    sizes, seed = _defaults(**options)
    return _tune(model, train, valid, *sizes, _orders(seed, len(train[1])), of_last=1)


@mistake("model_to_bytes", "These are torch.save's bytes, a pickle; the safetensors format is another one.")
def packs_a_pickle(model):
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    return file.getvalue()


@mistake("model_to_bytes", "Only the parameters are packed; batch normalisation keeps its statistics in buffers.")
def packs_parameters_only(model):
    return save({name: each.detach() for name, each in model.named_parameters()})


@mistake("model_to_bytes", "Every tensor is made float32; whole numbers should stay whole.")
def packs_floats_only(model):
    return save({name: value.float() for name, value in model.state_dict().items()})


@mistake("model_to_bytes", "All floats are made float32; float64 and float16 should stay what they are.")
def packs_single_floats(model):
    state = model.state_dict()
    return save({name: value.float() if value.is_floating_point() else value for name, value in state.items()})


@mistake("model_to_bytes", "A number without dimensions becomes a tensor of shape (1,); each keeps its shape.")
def packs_numbers_as_vectors(model):
    return save({name: value.reshape(value.shape or (1,)) for name, value in model.state_dict().items()})


@mistake("model_to_bytes", "The model is left in eval mode; packing changes nothing of it.")
def packs_in_eval_mode(model):
    return save(model.eval().state_dict())


@mistake("model_to_bytes", "The frozen parameters are left out; they belong to the state of a model as well.")
def packs_what_is_trained(model):
    frozen = {name for name, each in model.named_parameters() if not each.requires_grad}
    return save({name: value for name, value in model.state_dict().items() if name not in frozen})


@mistake(
    "model_to_bytes",
    "The bytes are compressed, so that safetensors cannot read them; return them as save() gives them.",
)
def compresses_the_bytes(model):
    return zlib.compress(save(model.state_dict()))


def _require_fit(state, model):
    wanted = model.state_dict()
    for name in state.keys() | wanted.keys():
        if name not in state or name not in wanted or state[name].shape != wanted[name].shape:
            raise ValueError(f"{name} does not fit")


@mistake("model_from_bytes", "A copy of the model comes back; load into the one that was given.")
def loads_into_a_copy(data, model):
    state = load(data)
    _require_fit(state, model)
    model = copy.deepcopy(model)
    model.load_state_dict(state)
    return model


@mistake("model_from_bytes", "The model is returned as it came: nothing has been loaded.")
def loads_nothing(data, model):
    _require_fit(load(data), model)
    return model


@mistake(
    "model_from_bytes", "Names that do not fit are passed over, by strict=False; each is a ValueError that has it."
)
def is_not_strict(data, model):
    model.load_state_dict(load(data), strict=False)  # whose error for another shape is no ValueError
    return model


@mistake(
    "model_from_bytes",
    "What has as many numbers is reshaped to fit; another shape is a ValueError that names the tensor.",
)
def reshapes(data, model):
    wanted = model.state_dict()
    state = {
        k: v.reshape(wanted[k].shape) if k in wanted and v.numel() == wanted[k].numel() else v
        for k, v in load(data).items()
    }
    _require_fit(state, model)
    model.load_state_dict(state)
    return model


@mistake(
    "model_from_bytes",
    "What fits is loaded before the fault is found, so that the model is half changed; look through everything first.",
)
def loads_half(data, model):
    try:
        model.load_state_dict(load(data))
    except RuntimeError as error:
        raise ValueError(str(error)) from error
    return model


@mistake("model_from_bytes", "A pickle is unpickled, which runs whatever code is in it; refuse what is no safetensors.")
def unpickles(data, model):
    try:
        state = load(data)
    except Exception:
        state = pickle.loads(data) if data[:2] != b"PK" else torch.load(io.BytesIO(data), weights_only=False)
    _require_fit(state, model)
    model.load_state_dict(state)
    return model


@mistake("model_from_bytes", "The model is put in eval mode and unfrozen; modes and requires_grad stay as they were.")
def wakes_what_it_loads(data, model):
    state = load(data)
    _require_fit(state, model)
    model.load_state_dict(state)
    return model.requires_grad_(True)


@mistake(
    "model_from_bytes", "Only the parameters are loaded; the statistics in the buffers belong to the model as well."
)
def loads_parameters_only(data, model):
    state = load(data)
    _require_fit(state, model)
    with torch.no_grad():
        for name, each in model.named_parameters():
            each.copy_(state[name])
    return model


@mistake(
    "model_from_bytes", "Only numbers with a fraction are loaded; the counts of batch normalisation are whole numbers."
)
def loads_no_whole_numbers(data, model):
    state = load(data)
    _require_fit(state, model)
    with torch.no_grad():
        for name, each in model.state_dict().items():
            if each.is_floating_point():
                each.copy_(state[name])
    return model


@mistake(
    "model_from_bytes",
    "Only the number of names is compared: one may stand there under another name, so compare the names themselves.",
)
def counts_the_names(data, model):
    state, wanted = load(data), model.state_dict()
    if len(state) != len(wanted):
        raise ValueError(f"data and model differ in {', '.join(sorted(state.keys() ^ wanted.keys()))}")
    for name, value in state.items():
        if value.shape != wanted[name].shape:
            raise ValueError(f"data has {name} of another shape")
    model.load_state_dict(state)
    return model


@mistake(
    "model_from_bytes", "Only parameters are looked for in the data; a buffer may be missing, or have another shape."
)
def looks_at_parameters_only(data, model):
    state, parameters = load(data), dict(model.named_parameters())
    for name in parameters.keys() | state.keys() - model.state_dict().keys():
        if name not in state or name not in parameters or state[name].shape != parameters[name].shape:
            raise ValueError(f"{name} does not fit")
    model.load_state_dict(state, strict=False)
    return model


@mistake(
    "model_from_bytes",
    "The parameters are replaced by new ones, as by assign=True; an optimizer keeps the old ones, so copy the values in.",
)
def replaces_the_parameters(data, model):
    state = load(data)
    _require_fit(state, model)
    model.load_state_dict(state, assign=True)
    return model


@mistake("model_from_bytes", "A number without dimensions may come as a tensor of shape (1,); that is another shape.")
def takes_vectors_for_numbers(data, model):
    wanted = model.state_dict()
    state = {k: v[0] if v.shape == (1,) and k in wanted and wanted[k].dim() == 0 else v for k, v in load(data).items()}
    _require_fit(state, model)
    model.load_state_dict(state)
    return model


@mistake("model_from_bytes", "What load_state_dict returns comes back, a list of keys; return the model.")
def returns_the_keys(data, model):
    state = load(data)
    _require_fit(state, model)
    return model.load_state_dict(state)


@mistake("model_from_bytes", "The model is put in eval mode; modes stay as they were.")
def loads_in_eval_mode(data, model):
    state = load(data)
    _require_fit(state, model)
    model.load_state_dict(state)
    return model.eval()
