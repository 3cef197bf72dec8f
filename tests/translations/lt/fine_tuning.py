"""Tikslusis derinimas."""

import copy

import torch
import torch.nn.functional as F
from safetensors.torch import load, save

REACH = 4


def count_parameters(model):
    trained = whole = 0
    for parameter in model.parameters():
        whole += parameter.numel()
        if parameter.requires_grad:
            trained += parameter.numel()
    return trained, whole


def unfreeze(model, layers):
    modules = dict(model.named_modules())
    for layer in layers:
        if layer not in modules:
            raise ValueError(f"sluoksnio {layer!r} nėra; yra {', '.join(name for name in modules if name)}")
    for layer in layers:
        for parameter in modules[layer].parameters():
            parameter.requires_grad = True
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


def parameter_groups(model, *, head_rate, backbone_rate):
    if head_rate <= 0:
        raise ValueError(f"head_rate turi būti teigiamas: {head_rate}")
    if backbone_rate <= 0:
        raise ValueError(f"backbone_rate turi būti teigiamas: {backbone_rate}")
    of_head = {id(parameter) for parameter in model.head.parameters()}
    head, rest = [], []
    for parameter in model.parameters():
        if parameter.requires_grad:
            (head if id(parameter) in of_head else rest).append(parameter)
    groups = [{"params": head, "lr": head_rate}, {"params": rest, "lr": backbone_rate}]
    return [group for group in groups if group["params"]]


def augment(images, generator):
    count, _, height, width = images.shape
    padded = F.pad(images, (REACH, REACH, REACH, REACH), mode="reflect")
    flips = torch.rand(count, generator=generator) < 0.5
    corners = torch.randint(0, 2 * REACH + 1, (count, 2), generator=generator)
    moved = []
    for image, flip, (top, left) in zip(padded, flips.tolist(), corners.tolist(), strict=True):
        cut = image[:, top : top + height, left : left + width]
        moved.append(cut.flip(-1) if flip else cut)
    return torch.stack(moved)


def rate(model, images, labels):
    with torch.no_grad():
        logits = model(images)
    return F.cross_entropy(logits, labels).item(), (logits.argmax(dim=1) == labels).float().mean().item()


def fine_tune(model, train, valid, *, epochs=10, head_rate=1e-2, backbone_rate=1e-3, batch_size=32, seed=0):
    images, labels = train
    modes = [(module, module.training) for module in model.modules()]
    model.eval()  # paketinio normavimo statistikos lieka, išmetimas neveikia
    dice = torch.Generator().manual_seed(seed)
    adam = torch.optim.Adam(parameter_groups(model, head_rate=head_rate, backbone_rate=backbone_rate))
    history = {"train_loss": [], "train_accuracy": [], "valid_loss": [], "valid_accuracy": []}
    best_loss, best = float("inf"), None
    for _ in range(epochs):
        total_loss = right = 0.0
        for rows in torch.randperm(len(labels), generator=dice).split(batch_size):
            logits = model(images[rows])
            loss = F.cross_entropy(logits, labels[rows])
            adam.zero_grad()
            loss.backward()
            adam.step()
            total_loss += loss.item() * len(rows)
            right += (logits.argmax(dim=1) == labels[rows]).sum().item()
        valid_loss, valid_accuracy = rate(model, *valid)
        history["train_loss"].append(total_loss / len(labels))
        history["train_accuracy"].append(right / len(labels))
        history["valid_loss"].append(valid_loss)
        history["valid_accuracy"].append(valid_accuracy)
        if valid_loss < best_loss:
            best_loss, best = valid_loss, copy.deepcopy(model.state_dict())
    adam.zero_grad()
    if best is not None:
        model.load_state_dict(best)
    for module, mode in modes:
        module.training = mode
    return history


def model_to_bytes(model):
    return save(model.state_dict())


def model_from_bytes(data, model):
    given = load(data)
    own = model.state_dict()
    for name in own:
        if name not in given:
            raise ValueError(f"duomenyse trūksta {name}")
    for name, tensor in given.items():
        if name not in own:
            raise ValueError(f"modelis neturi {name}")
        if tensor.shape != own[name].shape:
            raise ValueError(f"{name} forma yra {tuple(tensor.shape)}, o turi būti {tuple(own[name].shape)}")
    model.load_state_dict(given)
    return model
