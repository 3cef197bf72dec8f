"""AdamW and a DataLoader, groups with iterators and more keys, augmentation by indices, batch norm alone in eval mode."""

import copy

import torch
import torch.nn.functional as F
from safetensors.torch import load, save
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def count_parameters(model):
    every = dict(model.named_parameters())
    sizes = {name: each.nelement() for name, each in every.items()}
    return sum(size for name, size in sizes.items() if every[name].requires_grad), sum(sizes.values())


def unfreeze(model, layers):
    chosen = []
    for layer in layers:
        try:
            chosen.append(model.get_submodule(layer))
        except AttributeError as error:
            names = [name for name, _ in model.named_modules()]
            raise ValueError(f"there is no layer {layer}, only {names}") from error
    for parameter in nn.ModuleList(chosen).parameters():
        parameter.requires_grad = True
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


def parameter_groups(model, *, head_rate, backbone_rate):
    if head_rate <= 0 or backbone_rate <= 0:
        raise ValueError(f"head_rate ({head_rate}) and backbone_rate ({backbone_rate}) must be positive")
    head = set(map(id, model.head.parameters()))
    trained = [each for each in model.parameters() if each.requires_grad]
    groups = []
    if any(id(each) not in head for each in trained):
        others = filter(lambda each: id(each) not in head, trained)
        groups.append({"lr": backbone_rate, "params": others, "name": "backbone", "weight_decay": 0.0})
    if any(id(each) in head for each in trained):
        groups.append({"lr": head_rate, "params": (each for each in trained if id(each) in head), "name": "head"})
    return groups


def augment(images, generator):
    n, _, height, width = images.shape

    def places(side):
        moved = torch.arange(side) + torch.randint(-4, 5, (n, 1), generator=generator)
        moved = moved.abs()
        return torch.minimum(moved, 2 * (side - 1) - moved)

    rows, columns = places(height), places(width)
    flipped = torch.rand(n, 1, generator=generator) >= 0.5
    columns = torch.where(flipped, width - 1 - columns, columns)
    which = torch.arange(n)[:, None, None]
    return images.permute(0, 2, 3, 1)[which, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2).contiguous()


def fine_tune(model, train, valid, *, epochs=10, head_rate=1e-2, backbone_rate=1e-3, batch_size=32, seed=0):
    dice = torch.Generator().manual_seed(seed)
    loader = DataLoader(TensorDataset(*train), batch_size=batch_size, shuffle=True, generator=dice)
    optimizer = torch.optim.AdamW(parameter_groups(model, head_rate=head_rate, backbone_rate=backbone_rate))
    modes = {module: module.training for module in model.modules()}
    history = {"valid_loss": [], "valid_accuracy": [], "train_loss": [], "train_accuracy": []}

    def note(part, images, labels):
        model.eval()
        with torch.no_grad():
            logits = model(images)
        history[f"{part}_loss"].append(float(F.cross_entropy(logits, labels)))
        history[f"{part}_accuracy"].append(float((logits.argmax(1) == labels).float().mean()))
        return history[f"{part}_loss"][-1]

    model.eval()
    with torch.no_grad():
        lowest = float(F.cross_entropy(model(valid[0]), valid[1]))  # the weights it came with count
    kept = copy.deepcopy(model.state_dict())
    for _ in range(epochs):
        model.train()
        for module in model.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
        for images, labels in loader:
            loss = F.cross_entropy(model(images), labels)
            optimizer.zero_grad(set_to_none=False)
            loss.backward()
            optimizer.step()
        note("train", *train)
        if (loss_now := note("valid", *valid)) < lowest:
            lowest, kept = loss_now, copy.deepcopy(model.state_dict())
    model.load_state_dict(kept)
    for module, mode in modes.items():
        module.training = mode
    return history


def model_to_bytes(model):
    return save({name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()})


def model_from_bytes(data, model):
    shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    state = load(data)
    odd = [name for name in {*shapes, *state} if name not in state or shapes.get(name) != tuple(state[name].shape)]
    if odd:
        raise ValueError(f"these do not fit: {sorted(odd)}")
    model.load_state_dict(state, strict=True)
    return model
