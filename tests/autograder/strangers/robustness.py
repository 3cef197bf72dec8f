import torch
import torch.nn.functional as F


def transfer_rates__counts(images, targets, models):
    if images.shape[0] != targets.shape[0] or images.shape[0] == 0:
        raise ValueError("images and targets must be as many")
    rates = {}
    with torch.inference_mode():
        for name, net in models.items():
            rates[name] = float(torch.sum(net(images).argmax(-1) == targets))
    return rates


def ensemble_logits__mean_of_logits(models, images):
    outputs = [m(images) for m in models]
    if len(outputs) == 0 or len({o.shape[-1] for o in outputs}) != 1:
        raise ValueError("models must be several of the same classes")
    return sum(outputs) / len(outputs)


def ensemble_logits__votes(models, images):
    outputs = [m(images) for m in models]
    if len(outputs) == 0 or len({o.shape[-1] for o in outputs}) != 1:
        raise ValueError("models must be several of the same classes")
    votes = sum(F.one_hot(o.argmax(1), o.shape[1]).float() for o in outputs)
    return votes / len(models)


def adversarial_loss__gradient_of_the_start(model, images, labels, *, epsilon, steps=1):
    x0 = images.detach().clone().requires_grad_()
    (g,) = torch.autograd.grad(F.cross_entropy(model(x0), labels), x0)
    x0 = x0.detach()
    x = x0
    for _ in range(steps):
        x = x + 2.5 * epsilon / steps * g.sign()
        x = x0 + torch.clamp(x - x0, -epsilon, epsilon)
        x = x.clamp(0, 1)
    return F.cross_entropy(model(x), labels)


def transfer_rates__tensors(images, targets, models):
    if images.shape[0] == 0 or images.shape[0] != targets.shape[0]:
        raise ValueError("images and targets must have the same length, not 0")
    rates = {}
    for name in models:
        with torch.no_grad():
            guess = models[name](images).max(dim=1).indices
        rates[name] = torch.eq(guess, targets).float().mean()
    return rates


def ensemble_logits__mean_of_the_logs(models, images):
    if len(models) == 0:
        raise ValueError("models: give me at least one")
    outputs = [torch.log_softmax(m(images), dim=1) for m in models]
    if len({o.size(1) for o in outputs}) != 1:
        raise ValueError("models: not the same classes")
    return sum(outputs) / len(outputs)


def adversarial_loss__zeroes_the_gradients(model, images, labels, *, epsilon, steps=1):
    x0 = images.detach()
    x = x0.clone()
    alpha = 2.5 * epsilon / steps if steps > 1 else epsilon
    for _ in range(steps):
        x.requires_grad_(True)
        F.cross_entropy(model(x), labels).backward()
        with torch.no_grad():
            x = x + alpha * x.grad.sign()
            x = torch.min(torch.max(x, x0 - epsilon), x0 + epsilon).clamp(0, 1)
        model.zero_grad()
    return F.cross_entropy(model(x.detach()), labels)


# The share is taken only of the images that fool the first model, instead of all images.
def transfer_rates__share_of_those_that_fool_the_first(images, targets, models):
    if len(images) == 0:
        raise ValueError("images is empty")
    if len(targets) != len(images):
        raise ValueError(f"targets has {len(targets)} entries for {len(images)} images")
    rates = {}
    counted = None
    with torch.no_grad():
        for name, model in models.items():
            hits = model(images).argmax(dim=1) == targets
            if counted is None:
                counted = hits
            transferred = (hits & counted).sum().item()
            rates[name] = transferred / max(counted.sum().item(), 1)
    return rates


# The logarithms of the probabilities are averaged, instead of the probabilities (a geometric mean).
def ensemble_logits__mean_of_the_logarithms(models, images):
    if len(models) == 0:
        raise ValueError("models is empty")
    outputs = [model(images) for model in models]
    if len({output.shape[1] for output in outputs}) > 1:
        raise ValueError(f"models have different numbers of classes: {[o.shape[1] for o in outputs]}")
    stacked = torch.stack([F.log_softmax(output, dim=1) for output in outputs])
    return torch.mean(stacked, dim=0)


# The moved images are not detached from the images they came from, so a gradient of the loss reaches `images`.
def adversarial_loss__moved_images_not_detached(model, images, labels, *, epsilon, steps=1):
    size = epsilon if steps == 1 else 2.5 * epsilon / steps
    moved = images
    for _ in range(steps):
        with torch.enable_grad():
            probe = moved.detach().clone().requires_grad_(True)
            gradient = torch.autograd.grad(F.cross_entropy(model(probe), labels), probe)[0]
        moved = moved + size * gradient.sign()
        moved = torch.maximum(torch.minimum(moved, images + epsilon), images - epsilon)
        moved = moved.clamp(0, 1)
    return F.cross_entropy(model(moved), labels)
