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
