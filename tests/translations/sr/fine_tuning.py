"""Фино подешавање."""

import torch
import torch.nn.functional as F
from safetensors.torch import load, save
from torch.utils.data import DataLoader, TensorDataset

REACH = 4


def count_parameters(model):
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in model.parameters()]
    return sum(size for size, trained in sizes if trained), sum(size for size, _ in sizes)


def unfreeze(model, layers):
    existing = [name for name, _ in model.named_modules()]
    missing = [layer for layer in layers if layer not in existing]
    if missing:
        raise ValueError(f"нема подмодула {missing}; постоје {existing}")
    for layer in layers:
        model.get_submodule(layer).requires_grad_(True)
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


def parameter_groups(model, *, head_rate, backbone_rate):
    for name, rate in {"head_rate": head_rate, "backbone_rate": backbone_rate}.items():
        if not rate > 0:
            raise ValueError(f"{name} мора бити позитивно, а јесте {rate}")
    head = set(model.head.parameters())
    groups = [
        {
            "params": [weight for weight in model.parameters() if weight.requires_grad and (weight in head) is ours],
            "lr": rate,
        }
        for ours, rate in ((True, head_rate), (False, backbone_rate))
    ]
    return list(filter(lambda group: group["params"], groups))


def augment(images, generator):
    count, channels, height, width = images.shape
    padded = F.pad(images, [REACH] * 4, mode="reflect")
    down, right = torch.randint(2 * REACH + 1, (2, count), generator=generator)
    flipped = torch.randint(2, (count, 1), generator=generator).bool()
    columns = torch.arange(width).expand(count, width)
    columns = torch.where(flipped, width - 1 - columns, columns) + right[:, None]
    rows = torch.arange(height) + down[:, None]
    each, channel = torch.arange(count)[:, None, None, None], torch.arange(channels)[None, :, None, None]
    return padded[each, channel, rows[:, None, :, None], columns[:, None, None, :]]


@torch.no_grad()
def figures(model, images, labels):
    logits = model(images)
    return F.cross_entropy(logits, labels).item(), (logits.argmax(1) == labels).double().mean().item()


def fine_tune(model, train, valid, *, epochs=10, head_rate=1e-2, backbone_rate=1e-3, batch_size=32, seed=0):
    modes = {module: module.training for module in model.modules()}
    model.eval()
    loader = DataLoader(TensorDataset(*train), batch_size, shuffle=True, generator=torch.Generator().manual_seed(seed))
    optimizer = torch.optim.NAdam(parameter_groups(model, head_rate=head_rate, backbone_rate=backbone_rate))
    names = "train_loss", "train_accuracy", "valid_loss", "valid_accuracy"
    history = {name: [] for name in names}
    least, kept = float("inf"), None
    for _ in range(epochs):
        for images, labels in loader:
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
        measured = figures(model, *train) + figures(model, *valid)
        for name, figure in zip(names, measured, strict=True):
            history[name].append(figure)
        if measured[2] < least:
            least, kept = measured[2], {name: tensor.clone() for name, tensor in model.state_dict().items()}
    optimizer.zero_grad()
    if kept:
        model.load_state_dict(kept)
    for module, mode in modes.items():
        module.training = mode
    return history


def model_to_bytes(model):
    return save(dict(model.state_dict()))


def model_from_bytes(data, model):
    given, own = load(data), model.state_dict()
    for name in own.keys() | given.keys():
        if name not in given or name not in own:
            raise ValueError(f"име {name} није на обе стране")
        if given[name].shape != own[name].shape:
            raise ValueError(f"облик од {name} је {tuple(given[name].shape)}, а не {tuple(own[name].shape)}")
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(given[name])
    return model
