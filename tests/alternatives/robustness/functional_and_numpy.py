"""torch.func for the gradient of the pixels, NumPy for shares and bounds, a class for the attack."""

import numpy as np
import torch
import torch.nn.functional as F


def transfer_rates(images, targets, models):
    if not len(images) or len(images) != len(targets):
        raise ValueError(f"{len(images)} images and {len(targets)} targets do not go together")
    rates = {}
    for name in models:
        with torch.inference_mode():
            answers = models[name](images).numpy().argmax(axis=1)
        rates[name] = np.mean(answers == targets.numpy())  # a NumPy float counts as a float
    return rates


def ensemble_logits(models, images):
    logits = [model(images) for model in models]
    if not logits or any(each.shape != logits[0].shape for each in logits):
        raise ValueError("models must be at least one, all of the same classes")
    total = None
    for each in logits:
        logs = each - each.logsumexp(dim=1, keepdim=True)
        total = logs if total is None else torch.logaddexp(total, logs)
    return total - float(np.log(len(logits)))


class _Attack:
    def __init__(self, model, images, labels, epsilon, steps):
        self.model, self.labels, self.steps = model, labels, steps
        self.start = images.detach().clone()
        self.low, self.high = (self.start - epsilon).clamp(min=0), (self.start + epsilon).clamp(max=1)
        self.size = 2.5 * epsilon / steps if steps > 1 else epsilon

    def loss(self, pictures):
        return F.nll_loss(self.model(pictures).log_softmax(dim=1), self.labels)

    def run(self):
        pictures, climb = self.start, torch.func.grad(self.loss)
        for _ in range(self.steps):
            pictures = (pictures + self.size * climb(pictures).detach().sign()).clamp(self.low, self.high)
        return pictures


def adversarial_loss(model, images, labels, *, epsilon, steps=1):
    attack = _Attack(model, images, labels, epsilon, steps)
    return attack.loss(attack.run())
