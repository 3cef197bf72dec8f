"""Images moved by a sampled grid, an optimizer for each part, figures of the loader's batches, weights by way of files."""

import collections
import io
import math
import tempfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load, save_file
from torch.utils.data import DataLoader, TensorDataset


def count_parameters(model):
    sizes = [(int(np.prod(each.shape)), each.requires_grad) for each in set(model.parameters())]
    return sum(size for size, trained in sizes if trained), sum(size for size, _ in sizes)


def unfreeze(model, layers):
    names = [name for name, _ in model.named_modules()]
    if missing := [layer for layer in layers if layer not in names]:
        raise ValueError(f"{missing=}, {names=}")
    for name, module in model.named_modules():
        if name in layers:
            module.apply(lambda part: [each.requires_grad_() for each in part.parameters(recurse=False)])
    return list(dict(filter(lambda item: item[1].requires_grad, model.named_parameters())))


def parameter_groups(model, *, head_rate, backbone_rate):
    for name, rate in locals().copy().items():
        if name.endswith("_rate") and rate <= 0:
            raise ValueError(f"{name}={rate}")
    of_head = {each.data_ptr() for each in model.head.parameters()}
    groups = collections.defaultdict(collections.deque)
    for each in filter(lambda parameter: parameter.requires_grad, model.parameters()):
        groups["head" if each.data_ptr() in of_head else "backbone"].append(each)
    rates = {"head": head_rate, "backbone": backbone_rate}
    return [{"params": parameters, "lr": rates[part]} for part, parameters in groups.items()]


def augment(images, generator):
    n, channels, height, width = images.shape
    flips = 1 - 2 * torch.bernoulli(torch.full((n,), 0.5), generator=generator)
    moves = torch.multinomial(torch.ones(9), 2 * n, replacement=True, generator=generator).view(n, 2) - 4
    padded = F.pad(images, [4] * 4, mode="reflect")
    sides = torch.tensor([width + 8, height + 8])
    theta = torch.zeros(n, 2, 3, dtype=images.dtype)
    theta[:, 0, 0], theta[:, 1, 1] = flips * width / sides[0], height / sides[1]
    theta[:, :, 2] = 2 * moves / sides
    grid = F.affine_grid(theta, [n, channels, height, width], align_corners=False)
    return F.grid_sample(padded, grid, align_corners=False)


def fine_tune(model, train, valid, *, epochs=10, head_rate=1e-2, backbone_rate=1e-3, batch_size=32, seed=0):
    groups = parameter_groups(model, head_rate=head_rate, backbone_rate=backbone_rate)
    optimizers = [torch.optim.NAdam(group["params"], lr=group["lr"]) for group in groups]
    modes = {module: module.training for module in model.modules()}
    history, lowest, best = collections.defaultdict(list), math.inf, io.BytesIO()
    model.eval()
    with torch.random.fork_rng():
        torch.manual_seed(seed)  # of the fork
        loader = DataLoader(TensorDataset(*train), batch_size=batch_size, shuffle=True)
        for epoch in range(epochs):
            losses, right = [], 0
            for images, labels in loader:
                logits = model(images)
                loss = F.cross_entropy(logits, labels)
                model.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                for optimizer in optimizers:
                    optimizer.step()
                losses.append(loss.item())
                right += (logits.argmax(dim=1) == labels).sum().item()
            logits = model(valid[0])
            history["train_loss"].append(np.mean(losses))
            history["train_accuracy"].append(right / len(train[1]))
            history["valid_loss"].append(F.cross_entropy(logits, valid[1]).item())
            history["valid_accuracy"].append(np.mean((logits.argmax(dim=1) == valid[1]).numpy()))
            print(f"epoch {epoch}: {history['valid_loss'][-1]:.3f}")
            if history["valid_loss"][-1] < lowest:
                lowest, best = history["valid_loss"][-1], io.BytesIO()
                torch.save(model.state_dict(), best)
    best.seek(0)
    model.load_state_dict(torch.load(best))
    for module, training in modes.items():
        module.training = training
    return history


def model_to_bytes(model):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        save_file(model.state_dict(), path, metadata={"format": "pt"})
        return path.read_bytes()


def model_from_bytes(data, model):
    state, own = load(data), model.state_dict()
    if different := own.keys() ^ state.keys():
        raise ValueError(f"only one of the two has {different}")
    if different := [name for name, value in state.items() if value.shape != own[name].shape]:
        raise ValueError(f"{different} have another shape")
    with torch.no_grad():
        for name, value in own.items():
            value.copy_(state[name])
    return model
