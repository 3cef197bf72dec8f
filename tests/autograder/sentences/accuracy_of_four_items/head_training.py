"""Both figures are tensors of one entry."""

import torch
from torch.nn import functional


def evaluate(head, features, labels):
    with torch.no_grad():
        logits = head.eval()(features)
    return functional.cross_entropy(logits, labels), (logits.argmax(1) == labels).float().mean()
