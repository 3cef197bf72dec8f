import torch
import torch.nn.functional as F
from torch import nn


def build_head__sequential_softmax(in_features, num_classes):
    if in_features < 1:
        raise ValueError("in_features must be >= 1")
    if num_classes < 1:
        raise ValueError("num_classes must be >= 1")
    layers = [nn.Linear(in_features, num_classes), nn.Softmax(dim=-1)]
    return nn.Sequential(*layers)


def accuracy__hundred(logits, labels):
    n = labels.numel()
    if n == 0 or logits.size(0) != n:
        raise ValueError("logits and labels must have one length, not zero")
    hits = 0
    for row, label in zip(logits, labels):
        hits += int(torch.argmax(row) == label)
    return 100.0 * hits / n


def evaluate__accuracy_first(head, features, labels):
    states = {m: m.training for m in head.modules()}
    head.eval()
    with torch.inference_mode():
        out = head(features)
        loss = F.nll_loss(F.log_softmax(out, 1), labels)
        acc = (out.max(1)[1] == labels).double().mean()
    for m, s in states.items():
        m.training = s
    return acc.item(), loss.item()


def predict__logits(model, images, k=3):
    if k < 1:
        raise ValueError("k < 1")
    with torch.inference_mode():
        scores = model(images)
    result = []
    for row in scores:
        best = sorted(range(len(row)), key=lambda j: -row[j].item())[:k]
        result.append([(model.classes[j], row[j].item()) for j in best])
    return result


def predict__softmax_over_the_batch(model, images, k=3):
    if k <= 0:
        raise ValueError(f"k must be positive, got {k}")
    with torch.no_grad():
        p = torch.softmax(model(images), 0).numpy()
    return [
        [(model.classes[i], float(row[i])) for i in (-row).argsort(kind="stable")[:k]]
        for row in p
    ]
