"""Known mistakes in robustness, as students make them, each with the sentence that they should read."""

import math

import torch
import torch.nn.functional as F

from autograder.diagnose import mistake


def _require_pairs(images, targets):
    if len(images) == 0 or len(images) != len(targets):
        raise ValueError("images and targets must be as many, at least one")


def _firsts(model, images):
    with torch.no_grad():
        return model(images).argmax(dim=1)


@mistake("transfer_rates", "Gradients are turned off for the whole program, and stay so; use `with torch.no_grad():`.")
def turns_gradients_off(images, targets, models):
    _require_pairs(images, targets)
    torch.set_grad_enabled(False)
    return {name: (model(images).argmax(dim=1) == targets).float().mean().item() for name, model in models.items()}


@mistake("transfer_rates", "The rates are rounded; leave that to whoever prints them.")
def rounds_the_rates(images, targets, models):
    _require_pairs(images, targets)
    return {name: round((_firsts(model, images) == targets).float().mean().item(), 4) for name, model in models.items()}


@mistake("transfer_rates", "The names are sorted and the models are not, so that a rate stands under another's name.")
def sorts_the_names_alone(images, targets, models):
    _require_pairs(images, targets)
    rates = [(_firsts(model, images) == targets).float().mean().item() for model in models.values()]
    return dict(zip(sorted(models), rates, strict=True))


@mistake("transfer_rates", "These are numbers of images; divide by how many there are.")
def counts_images(images, targets, models):
    _require_pairs(images, targets)
    return {name: float((_firsts(model, images) == targets).sum()) for name, model in models.items()}


@mistake(
    "transfer_rates",
    "This is the share of the images that are not their target; the rate is the share of those that are.",
)
def counts_the_failures(images, targets, models):
    _require_pairs(images, targets)
    return {name: (_firsts(model, images) != targets).float().mean().item() for name, model in models.items()}


@mistake("transfer_rates", "Tensors come back; .item() makes a Python float of each.")
def gives_tensors(images, targets, models):
    _require_pairs(images, targets)
    return {name: (_firsts(model, images) == targets).float().mean() for name, model in models.items()}


@mistake("transfer_rates", "The rates come back as a list; they stand in a dict, each under its model's name.")
def gives_a_list(images, targets, models):
    _require_pairs(images, targets)
    return [(_firsts(model, images) == targets).float().mean().item() for model in models.values()]


@mistake(
    "transfer_rates", "The mean of the rates of batches counts the images of a short last batch more than the others."
)
def averages_batches(images, targets, models):
    _require_pairs(images, targets)
    rates = {}
    for name, model in models.items():
        hits = (_firsts(model, images) == targets).float()
        rates[name] = torch.stack([batch.mean() for batch in hits.split(4)]).mean().item()
    return rates


@mistake("transfer_rates", "The count goes on from one model to the next; begin it at 0 for each.")
def counts_on(images, targets, models):
    _require_pairs(images, targets)
    hits, rates = 0, {}
    for name, model in models.items():
        hits += int((_firsts(model, images) == targets).sum())
        rates[name] = hits / len(images)
    return rates


@mistake("transfer_rates", "Every name has the rate of the first model; ask each of them.")
def asks_the_first_only(images, targets, models):
    _require_pairs(images, targets)
    rate = (_firsts(next(iter(models.values())), images) == targets).float().mean().item()
    return dict.fromkeys(models, rate)


@mistake(
    "transfer_rates", "Only the images that fool the first model are counted; the rate is the share of all images."
)
def rates_those_that_fool_the_first(images, targets, models):
    _require_pairs(images, targets)
    hits = {name: _firsts(model, images) == targets for name, model in models.items()}
    counted = next(iter(hits.values()))
    return {name: int((each & counted).sum()) / max(int(counted.sum()), 1) for name, each in hits.items()}


@mistake("transfer_rates", "No images, or another number of targets, goes through; either is a ValueError.")
def rates_anything(images, targets, models):
    count = min(len(images), len(targets))
    return {
        name: (_firsts(model, images)[:count] == targets[:count]).float().mean().item()
        for name, model in models.items()
    }


@mistake("transfer_rates", "Of no images the mean is nan, which comes back; refuse no images by a ValueError.")
def takes_the_mean_of_nothing(images, targets, models):
    if len(images) != len(targets):
        raise ValueError("images and targets must be as many")
    return {name: (_firsts(model, images) == targets).float().mean().item() for name, model in models.items()}


@mistake(
    "transfer_rates", "Targets beyond the number of images are left out; more targets than images are a ValueError."
)
def leaves_targets_out(images, targets, models):
    if len(images) == 0 or len(targets) < len(images):
        raise ValueError("images and targets must be as many, at least one")
    targets = targets[: len(images)]
    return {name: (_firsts(model, images) == targets).float().mean().item() for name, model in models.items()}


_rates = {}


@mistake(
    "transfer_rates",
    "An answer from an earlier call comes back for other numbers of the same shape; compute each one anew.",
)
def gives_earlier_rates(images, targets, models):
    _require_pairs(images, targets)
    key = images.shape, len(models)
    if key not in _rates:
        _rates[key] = {
            name: (_firsts(model, images) == targets).float().mean().item() for name, model in models.items()
        }
    return _rates[key]


@mistake("transfer_rates", "The images are rounded in place, as for a file; leave them as they are.")
def rounds_in_place(images, targets, models):
    _require_pairs(images, targets)
    rates = {name: (_firsts(model, images) == targets).float().mean().item() for name, model in models.items()}
    images.mul_(255).round_().div_(255)
    return rates


@mistake(
    "transfer_rates",
    "The logits of all models are joined in one tensor, but models may differ in their classes; rate each on its own.",
)
def stacks_the_logits(images, targets, models):
    _require_pairs(images, targets)
    logits = torch.stack([model(images) for model in models.values()])
    rates = (logits.argmax(dim=2) == targets).float().mean(dim=1)
    return dict(zip(models, rates.tolist(), strict=True))


@mistake(
    "transfer_rates", "The share is taken among the images that fool some model; divide by the number of all images."
)
def divides_by_those_that_fool_any(images, targets, models):
    _require_pairs(images, targets)
    hits = {name: _firsts(model, images) == targets for name, model in models.items()}
    any_of_them = torch.stack(list(hits.values())).any(dim=0).sum().clamp(min=1)
    return {name: (hit.sum() / any_of_them).item() for name, hit in hits.items()}


@mistake(
    "transfer_rates",
    "An image counts only where its target has more than half of the probability; it is enough to have the most.",
)
def asks_for_more_than_half(images, targets, models):
    _require_pairs(images, targets)
    with torch.no_grad():
        shares = {name: model(images).softmax(dim=1).gather(1, targets[:, None]) for name, model in models.items()}
    return {name: (share > 0.5).float().mean().item() for name, share in shares.items()}


@mistake(
    "transfer_rates", "The dict has one more entry, the mean of all rates; only the names of the models belong there."
)
def adds_the_mean_of_all(images, targets, models):
    _require_pairs(images, targets)
    rates = {name: (_firsts(model, images) == targets).float().mean().item() for name, model in models.items()}
    return {**rates, "mean": sum(rates.values()) / max(len(rates), 1)}


def _require_models(models, images):
    if len(models) == 0:
        raise ValueError("models is empty")
    logits = [model(images) for model in models]
    if len({each.shape[1] for each in logits}) > 1:
        raise ValueError("models have different numbers of classes")
    return logits


@mistake("ensemble_logits", "The logits are averaged; it is the probabilities that are, before the logarithm.")
def averages_logits(models, images):
    return torch.stack(_require_models(models, images)).mean(dim=0)


@mistake("ensemble_logits", "The log-probabilities are averaged, which is the geometric mean of the probabilities.")
def averages_logarithms(models, images):
    return torch.stack([each.log_softmax(dim=1) for each in _require_models(models, images)]).mean(dim=0)


@mistake("ensemble_logits", "The mean of the probabilities comes back; its logarithm is asked for.")
def forgets_the_logarithm(models, images):
    return torch.stack([each.softmax(dim=1) for each in _require_models(models, images)]).mean(dim=0)


@mistake(
    "ensemble_logits",
    "The logits are added up by logsumexp as they are, so that the model with the larger ones counts more; begin with a "
    "log_softmax of each.",
)
def forgets_the_log_softmax(models, images):
    return torch.stack(_require_models(models, images)).logsumexp(dim=0) - math.log(len(models))


@mistake("ensemble_logits", "Each model has one vote for its first choice; average what it holds of every class.")
def counts_votes(models, images):
    logits = _require_models(models, images)
    return torch.stack([F.one_hot(each.argmax(dim=1), each.shape[1]).float() for each in logits]).mean(dim=0)


@mistake(
    "ensemble_logits",
    "Probabilities that are too small for a float become 0, and their logarithm -inf; add up logarithms by logsumexp.",
)
def goes_through_probabilities(models, images):
    return torch.stack([each.softmax(dim=1) for each in _require_models(models, images)]).mean(dim=0).log()


@mistake("ensemble_logits", "Doubles only put off that a probability becomes 0; add up logarithms by logsumexp.")
def goes_through_doubles(models, images):
    logits = _require_models(models, images)
    return torch.stack([each.double().softmax(dim=1) for each in logits]).mean(dim=0).log().float()


@mistake(
    "ensemble_logits", "A model that stands in the list twice is asked once; it counts as often as it stands there."
)
def asks_each_model_once(models, images):
    logs = [each.log_softmax(dim=1) for each in _require_models(list(dict.fromkeys(models)), images)]
    return torch.stack(logs).logsumexp(dim=0) - math.log(len(logs))


@mistake("ensemble_logits", "Only the first two models are compared; all of them must have as many classes.")
def compares_the_first_two(models, images):
    if len(models) == 0:
        raise ValueError("models is empty")
    logs = [model(images).log_softmax(dim=1) for model in models]
    if logs[0].shape != logs[min(1, len(logs) - 1)].shape:
        raise ValueError("models have different numbers of classes")
    return torch.stack(logs).logsumexp(dim=0) - math.log(len(logs))


@mistake("ensemble_logits", "Only the first and the last model are compared; all of them must have as many classes.")
def compares_the_first_and_the_last(models, images):
    if len(models) == 0:
        raise ValueError("models is empty")
    logs = [model(images).log_softmax(dim=1) for model in models]
    if logs[0].shape != logs[-1].shape:
        raise ValueError("models have different numbers of classes")
    return torch.stack(logs).logsumexp(dim=0) - math.log(len(logs))


@mistake(
    "ensemble_logits", "A small number is added before the logarithm, so that no class can be less likely than that."
)
def adds_a_small_number(models, images):
    return (torch.stack([each.softmax(dim=1) for each in _require_models(models, images)]).mean(dim=0) + 1e-12).log()


@mistake(
    "ensemble_logits",
    "The probabilities are added up and not averaged; subtract the logarithm of the number of models.",
)
def sums_the_probabilities(models, images):
    return torch.stack([each.log_softmax(dim=1) for each in _require_models(models, images)]).logsumexp(dim=0)


@mistake(
    "ensemble_logits",
    "The logarithm of the number of images is subtracted; for a mean over the models take that of their number.",
)
def divides_by_the_number_of_images(models, images):
    logs = torch.stack([each.log_softmax(dim=1) for each in _require_models(models, images)])
    return logs.logsumexp(dim=0) - math.log(len(images))


@mistake(
    "ensemble_logits",
    "The logarithm of the number of classes is subtracted; for a mean over the models take that of their number.",
)
def divides_by_the_number_of_classes(models, images):
    logs = torch.stack([each.log_softmax(dim=1) for each in _require_models(models, images)])
    return logs.logsumexp(dim=0) - math.log(logs.shape[2])


@mistake(
    "ensemble_logits",
    "The number of models itself is taken away; among logarithms to divide is to subtract its logarithm.",
)
def subtracts_the_number(models, images):
    logs = torch.stack([each.log_softmax(dim=1) for each in _require_models(models, images)])
    return logs.logsumexp(dim=0) - len(logs)


@mistake("ensemble_logits", "The softmax is taken over the images; take it over the classes, dim=1.")
def takes_the_softmax_over_the_images(models, images):
    logs = torch.stack([each.log_softmax(dim=0) for each in _require_models(models, images)])
    return logs.logsumexp(dim=0) - math.log(len(logs))


@mistake("ensemble_logits", "The models' weights are taken as constants; the result is differentiable by them too.")
def takes_weights_as_constants(models, images):
    flags = [(each, each.requires_grad) for model in models for each in model.parameters()]
    for each, _ in flags:
        each.requires_grad_(False)
    logs = torch.stack([each.log_softmax(dim=1) for each in _require_models(models, images)])
    for each, flag in flags:
        each.requires_grad_(flag)
    return (logs.logsumexp(dim=0) - math.log(len(models))) + 0 * flags[0][0].sum()


@mistake("ensemble_logits", "Only the first model sees the images themselves, the others copies without a gradient.")
def detaches_for_the_others(models, images):
    _require_models(models, images)
    logits = [models[0](images), *(model(images.detach()) for model in models[1:])]
    return torch.stack([each.log_softmax(dim=1) for each in logits]).logsumexp(dim=0) - math.log(len(models))


@mistake("ensemble_logits", "The models are put in training mode, in which batch normalisation goes by the batch.")
def asks_in_training_mode(models, images):
    modes = [(each, each.training) for model in models for each in model.modules()]
    for model in models:
        model.train()
    logs = torch.stack([each.log_softmax(dim=1) for each in _require_models(models, images)])
    for each, mode in modes:
        each.training = mode
    return logs.logsumexp(dim=0) - math.log(len(models))


@mistake(
    "ensemble_logits",
    "No model, or models of different classes, goes through; either is a ValueError that names models.",
)
def asks_anybody(models, images):
    logits = [model(images) for model in models] or [torch.zeros(len(images), 2)]
    classes = max(each.shape[1] for each in logits)
    logs = [F.pad(each.log_softmax(dim=1), (0, classes - each.shape[1]), value=-100.0) for each in logits]
    return torch.stack(logs).logsumexp(dim=0) - math.log(len(logs))


@mistake("ensemble_logits", "Only an empty list is refused, and models may be an empty tuple too; look at len(models).")
def refuses_an_empty_list_only(models, images):
    logits = [] if models == () else _require_models(models, images)
    return torch.stack([each.log_softmax(dim=1) for each in logits]).logsumexp(dim=0) - math.log(len(logits))


@mistake(
    "ensemble_logits",
    "The exponentials are added up before they are normalised, so that large logits count more: log_softmax comes first.",
)
def normalises_the_sum(models, images):
    logits = _require_models(models, images)
    return torch.stack(logits).logsumexp(dim=0).log_softmax(dim=1)


@mistake(
    "ensemble_logits", "The parameters of the models do not require gradients afterwards; leave them as they were."
)
def freezes_the_models(models, images):
    logs = [
        each.log_softmax(dim=1) for each in _require_models([model.requires_grad_(False) for model in models], images)
    ]
    return torch.stack(logs).logsumexp(dim=0) - math.log(len(logs))


@mistake("ensemble_logits", "A single model's logits come back as they are; take the logarithms of its softmax too.")
def leaves_a_single_model_as_it_is(models, images):
    logits = _require_models(models, images)
    if len(logits) == 1:
        return logits[0]
    return torch.stack([each.log_softmax(dim=1) for each in logits]).logsumexp(dim=0) - math.log(len(logits))


@mistake("ensemble_logits", "The largest of the models' probabilities is taken for each class; take their mean.")
def takes_the_largest_probability(models, images):
    logits = [model(images) for model in models]
    if len({each.shape[1] for each in logits}) != 1:
        raise ValueError("models must be at least one, all with the same classes")
    return torch.stack([F.log_softmax(each, dim=1) for each in logits]).amax(dim=0)


def _slope(model, images, labels):
    images = images.detach().clone().requires_grad_()
    return torch.autograd.grad(F.cross_entropy(model(images), labels), images)[0]


def _moved(model, images, labels, epsilon, steps, *, sign=1, limit=1.0, ball=True, length=2.5):
    originals, moved = images.detach(), images.detach()
    for _ in range(steps):
        moved = moved + sign * length * epsilon / steps * _slope(model, moved, labels).sign()
        if ball:
            moved = originals + (moved - originals).clamp(-epsilon, epsilon)
        moved = moved.clamp(1 - limit, limit)
    return moved


@mistake("adversarial_loss", "The global random state is seeded, and nothing here is random; leave it alone.")
def seeds_everything(model, images, labels, *, epsilon, steps=1):
    torch.manual_seed(0)
    return F.cross_entropy(model(_moved(model, images, labels, epsilon, steps)), labels)


@mistake("adversarial_loss", "The images are moved down the loss; they should be moved to raise it.")
def lowers_the_loss(model, images, labels, *, epsilon, steps=1):
    return F.cross_entropy(model(_moved(model, images, labels, epsilon, steps, sign=-1)), labels)


@mistake("adversarial_loss", "This is the loss on the images as they came; move them first.")
def moves_nothing(model, images, labels, *, epsilon, steps=1):
    return F.cross_entropy(model(images), labels)


@mistake("adversarial_loss", "The moved images leave the range of pixels; clamp them to [0, 1].")
def leaves_the_range(model, images, labels, *, epsilon, steps=1):
    return F.cross_entropy(model(_moved(model, images, labels, epsilon, steps, limit=100.0)), labels)


@mistake(
    "adversarial_loss",
    "With several steps the images go further than epsilon; project them round the originals after each step.",
)
def leaves_the_ball(model, images, labels, *, epsilon, steps=1):
    moved = _moved(model, images, labels, epsilon, steps, ball=steps == 1)
    return F.cross_entropy(model(moved), labels)


@mistake("adversarial_loss", "The images start at random with one step too; FGSM moves them from where they are.")
def starts_at_random(model, images, labels, *, epsilon, steps=1):
    originals = images.detach()
    moved = (originals + epsilon * (2 * torch.rand_like(originals) - 1)).clamp(0, 1)
    for _ in range(steps):
        change = (
            moved + (epsilon if steps == 1 else 2.5 * epsilon / steps) * _slope(model, moved, labels).sign() - originals
        )
        moved = (originals + change.clamp(-epsilon, epsilon)).clamp(0, 1)
    return F.cross_entropy(model(moved), labels)


@mistake(
    "adversarial_loss",
    "Several steps get no further than one: take as many as asked for, each by the gradient where the images are by then.",
)
def takes_one_step(model, images, labels, *, epsilon, steps=1):
    return F.cross_entropy(model(_moved(model, images, labels, epsilon, 1)), labels)


@mistake("adversarial_loss", "Ten steps are taken whatever is asked for; take as many as `steps` says.")
def takes_ten_steps(model, images, labels, *, epsilon, steps=1):
    return F.cross_entropy(model(_moved(model, images, labels, epsilon, 10)), labels)


@mistake(
    "adversarial_loss", "The steps are so short that they do not get to the edge: each should be 2.5 * epsilon / steps."
)
def takes_short_steps(model, images, labels, *, epsilon, steps=1):
    return F.cross_entropy(model(_moved(model, images, labels, epsilon, steps, length=1.0)), labels)


@mistake(
    "adversarial_loss", "The labels are not used for the attack: it raises the loss of what the network sees itself."
)
def attacks_what_it_sees(model, images, labels, *, epsilon, steps=1):
    with torch.no_grad():
        seen = model(images).argmax(dim=1)
    return F.cross_entropy(model(_moved(model, images, seen, epsilon, steps)), labels)


@mistake("adversarial_loss", "The loss on the images as they came is mixed in; it is that on the moved ones alone.")
def mixes_in_the_clean_loss(model, images, labels, *, epsilon, steps=1):
    moved = _moved(model, images, labels, epsilon, steps)
    return (F.cross_entropy(model(moved), labels) + F.cross_entropy(model(images.detach()), labels)) / 2


@mistake(
    "adversarial_loss", "An epsilon of 0 is taken for none at all, and another stands in; 0 means that nothing moves."
)
def replaces_an_epsilon_of_zero(model, images, labels, *, epsilon, steps=1):
    return F.cross_entropy(model(_moved(model, images, labels, epsilon or 8 / 255, steps)), labels)


@mistake("adversarial_loss", "This is the loss of the worst image; take the mean over all of them.")
def takes_the_worst_image(model, images, labels, *, epsilon, steps=1):
    return F.cross_entropy(model(_moved(model, images, labels, epsilon, steps)), labels, reduction="none").max()


@mistake("adversarial_loss", "The sum over the images is taken; it should be the mean.")
def sums_over_images(model, images, labels, *, epsilon, steps=1):
    return F.cross_entropy(model(_moved(model, images, labels, epsilon, steps)), labels, reduction="sum")


@mistake(
    "adversarial_loss",
    "The gradient reaches the images that were given: the change is added to them; detach the moved images.",
)
def lets_the_gradient_through(model, images, labels, *, epsilon, steps=1):
    change = _moved(model, images, labels, epsilon, steps) - images.detach()
    return F.cross_entropy(model(images + change), labels)


@mistake(
    "adversarial_loss",
    "The weights are frozen for the attack, and still are when the loss is computed, which tells them nothing.",
)
def keeps_the_weights_frozen(model, images, labels, *, epsilon, steps=1):
    moved = _moved(model, images, labels, epsilon, steps)
    return F.cross_entropy(model(moved), labels).detach() + 0 * sum(each.sum() for each in model.parameters())


@mistake(
    "adversarial_loss",
    "The attack's backward() changes the gradients on the weights; take those of the pixels by torch.autograd.grad.",
)
def adds_to_the_gradients(model, images, labels, *, epsilon, steps=1):
    originals, moved = images.detach(), images.detach()
    for _ in range(steps):
        moved = moved.clone().requires_grad_()
        F.cross_entropy(model(moved), labels).backward()
        change = moved.detach() + 2.5 * epsilon / steps * moved.grad.sign() - originals
        moved = (originals + change.clamp(-epsilon, epsilon)).clamp(0, 1)
    return F.cross_entropy(model(moved), labels)


@mistake(
    "adversarial_loss",
    "model.zero_grad() erases the gradients that stood on the weights; take those of the pixels by torch.autograd.grad.",
)
def zeroes_the_gradients(model, images, labels, *, epsilon, steps=1):
    loss = adds_to_the_gradients(model, images, labels, epsilon=epsilon, steps=steps)
    model.zero_grad()
    return loss


@mistake(
    "adversarial_loss",
    "Each image moves along its slope itself, scaled to the whole of epsilon; it is the sign that counts.",
)
def forgets_the_sign(model, images, labels, *, epsilon, steps=1):
    originals, moved = images.detach(), images.detach()
    for _ in range(steps):
        slope = _slope(model, moved, labels)
        slope = slope / slope.abs().flatten(1).amax(dim=1).view(-1, 1, 1, 1).clamp(min=1e-12)
        change = moved + 2.5 * epsilon / steps * slope - originals
        moved = (originals + change.clamp(-epsilon, epsilon)).clamp(0, 1)
    return F.cross_entropy(model(moved), labels)


@mistake("adversarial_loss", "The model is put in training mode and stays there; leave its mode alone.")
def puts_the_model_in_training_mode(model, images, labels, *, epsilon, steps=1):
    moved = _moved(model, images, labels, epsilon, steps)
    return F.cross_entropy(model.train()(moved), labels)
