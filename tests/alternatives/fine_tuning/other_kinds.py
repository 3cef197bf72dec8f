"""Adamax, groups of named parameters, a ParameterList, one state of the generator for each image, NumPy's view of numbers."""

import io
import json
from copy import deepcopy

import torch
import torch.nn.functional as F
from safetensors.torch import load, save
from torch import nn


def count_parameters(model):
    def size(parameters):
        return int(nn.utils.parameters_to_vector(parameters).numel()) if parameters else 0

    parameters = list(model.parameters())
    return size([each for each in parameters if each.requires_grad]), size(parameters)


def unfreeze(model, layers):
    known = [name for name, _ in model.named_modules()]
    unknown = sorted(set(layers).difference(known))
    if unknown:
        raise ValueError(f"unknown layers {unknown}; known are {json.dumps(known)}")
    for layer in layers:
        for parameter in model.get_submodule(layer).parameters():
            parameter.requires_grad_(True)
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


def parameter_groups(model, *, head_rate, backbone_rate):
    if not head_rate > 0:
        raise ValueError("head_rate must be above 0")
    if not backbone_rate > 0:
        raise ValueError("backbone_rate must be above 0")
    rest = {each: None for each in model.parameters() if each.requires_grad}
    head = {each: rest.pop(each) for each in model.head.parameters() if each.requires_grad}
    groups = []
    if rest:
        groups.append({"params": nn.ParameterList(rest), "lr": backbone_rate, "betas": (0.9, 0.99)})
    if head:
        groups.append({"params": dict(enumerate(head)).values(), "lr": head_rate, "eps": 1e-8})
    return groups


def augment(images, generator):
    n, _, h, w = images.shape
    numbers = torch.randint(0, 2 * 9 * 9, (n,), generator=generator)  # one number for a flip and both moves
    padded = F.pad(images, [4] * 4, mode="reflect")
    windows = padded.unfold(2, h, 1).unfold(3, w, 1)  # (N, C, 9, 9, H, W)
    chosen = windows[torch.arange(n), :, numbers // 9 % 9, numbers % 9]
    return torch.where((numbers >= 81).view(n, 1, 1, 1), chosen.flip(-1), chosen)


def fine_tune(model, train, valid, *, epochs=10, head_rate=1e-2, backbone_rate=1e-3, batch_size=32, seed=0):
    optimizer = torch.optim.Adamax(parameter_groups(model, head_rate=head_rate, backbone_rate=backbone_rate))
    was = {name: module.training for name, module in model.named_modules()}
    history = {name: [] for name in ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")}
    best = None
    for epoch in range(epochs):
        model.eval()
        order = torch.randperm(len(train[1]), generator=torch.Generator().manual_seed(1000 * seed + epoch))
        for batch in torch.split(order, batch_size):
            F.nll_loss(model(train[0][batch]).log_softmax(dim=1), train[1][batch]).backward()
            optimizer.step()
            optimizer.zero_grad()
        for part, (images, labels) in (("train", train), ("valid", valid)):
            with torch.no_grad():
                scores = torch.cat([model(some) for some in images.split(batch_size)])
            history[f"{part}_loss"].append(F.cross_entropy(scores, labels).item())
            history[f"{part}_accuracy"].append((scores.argmax(dim=1) == labels).double().mean().item())
        if best is None or history["valid_loss"][-1] <= best[0]:
            best = history["valid_loss"][-1], deepcopy(model.state_dict())
    model.load_state_dict(best[1])
    for name, module in model.named_modules():
        module.training = was[name]
    return history


def model_to_bytes(model):
    file = io.BytesIO()
    file.write(save({name: value.clone() for name, value in model.state_dict().items()}))
    return file.getvalue()


def model_from_bytes(data, model):
    try:
        state = load(data)
    except Exception as error:
        raise ValueError("data is no safetensors") from error
    problems = [f"{name} is missing" for name in model.state_dict() if name not in state]
    for name, value in state.items():
        own = model.state_dict().get(name)
        if own is None:
            problems.append(f"{name} is unknown")
        elif own.shape != value.shape:
            problems.append(f"{name} has another shape")
    if problems:
        raise ValueError("; ".join(problems))
    model.load_state_dict(state)
    return model
