"""A head called as a function of its weights, batches from a sampler, gradients by torch.func; measured with gradients on."""

import math
from copy import deepcopy

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import BatchSampler, SubsetRandomSampler


class _Affine(nn.Module):
    def __init__(self, inward, outward):
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(outward, inward).uniform_(-0.1, 0.1))
        self.shift = nn.Parameter(torch.zeros(outward))

    def forward(self, features):
        return torch.einsum("nd,kd->nk", features, self.scale) + self.shift


def build_head(in_features, num_classes):
    if in_features < 1:
        raise ValueError(f"in_features is {in_features}, which is below 1")
    if num_classes < 1:
        raise ValueError(f"num_classes is {num_classes}, which is below 1")
    return _Affine(in_features, num_classes)


def accuracy(logits, labels):
    if logits.shape[0] == 0 or logits.shape[0] != labels.shape[0]:
        raise ValueError(f"{logits.shape[0]} logits and {labels.shape[0]} labels")
    return torch.count_nonzero(logits.argmax(-1).eq(labels)).item() / labels.numel()


def evaluate(head, features, labels):
    modes = {module: module.training for module in head.modules()}
    logits = head.eval()(features).detach()
    for module, mode in modes.items():
        module.training = mode
    return -logits.log_softmax(-1).gather(1, labels[:, None]).mean().item(), accuracy(logits, labels)


def fit_head(head, train, valid, *, epochs=20, learning_rate=0.1, batch_size=32, patience=None, seed=0):
    features, labels = train
    weights = dict(head.named_parameters())
    generator = torch.Generator().manual_seed(seed)
    batches = BatchSampler(SubsetRandomSampler(range(len(labels)), generator), batch_size, drop_last=False)

    def loss_of(values, rows):
        return F.cross_entropy(torch.func.functional_call(head, values, (features[rows],)), labels[rows])

    history = {f"{part}_{what}": [] for part in ("train", "valid") for what in ("loss", "accuracy")}
    best, since, kept = math.inf, 0, deepcopy(head.state_dict())
    while len(history["valid_loss"]) < epochs and (patience is None or since < patience):
        for rows in batches:
            slopes = torch.func.grad(loss_of)({name: each.detach() for name, each in weights.items()}, rows)
            with torch.no_grad():
                for name, each in weights.items():
                    each -= learning_rate * slopes[name]
        for part, examples in (("train", train), ("valid", valid)):
            for what, figure in zip(("loss", "accuracy"), evaluate(head, *examples), strict=True):
                history[f"{part}_{what}"].append(figure)
        loss = history["valid_loss"][-1]
        since = 0 if loss < best else since + 1
        if not since:
            best, kept = loss, deepcopy(head.state_dict())
    head.load_state_dict(kept)
    return history


def predict(model, images, k=3):
    if k < 1:
        raise ValueError(f"k is {k}, which is below 1")
    odds = torch.nn.Softmax(dim=1)(model(images)).detach().numpy()
    rows = []
    for each in odds:
        order = sorted(range(len(each)), key=lambda index: -each[index])[:k]
        rows.append([(model.classes[index], float(each[index])) for index in order])
    return rows
