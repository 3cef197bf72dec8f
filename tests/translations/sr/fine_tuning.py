"""Фино подешавање: када замрзнута окосница није довољна."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from safetensors.torch import load, save
from torch import Tensor, nn

REACH = 4  # pixels


def count_parameters(model: nn.Module) -> tuple[int, int]:
    sizes = [(weight.numel(), weight.requires_grad) for weight in model.parameters()]
    return sum(size for size, learns in sizes if learns), sum(size for size, _ in sizes)


def unfreeze(model: nn.Module, layers: Sequence[str]) -> list[str]:
    known = dict(model.named_modules(remove_duplicate=False))
    unknown = [name for name in layers if name not in known]
    if unknown:
        raise ValueError(f"нема подмодула {unknown}; постоје: {list(known)}")
    for name in layers:
        for weight in known[name].parameters():
            weight.requires_grad_(True)
    return [name for name, weight in model.named_parameters() if weight.requires_grad]


def parameter_groups(model: nn.Module, *, head_rate: float, backbone_rate: float) -> list[dict]:
    for name, rate in (("head_rate", head_rate), ("backbone_rate", backbone_rate)):
        if not rate > 0:
            raise ValueError(f"{name} мора бити позитивно, а јесте {rate}")
    in_head = {id(weight) for weight in model.head.parameters()}
    learning = [weight for weight in model.parameters() if weight.requires_grad]
    groups = [
        {"params": [weight for weight in learning if id(weight) in in_head], "lr": head_rate},
        {"params": [weight for weight in learning if id(weight) not in in_head], "lr": backbone_rate},
    ]
    return [group for group in groups if group["params"]]


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    count, channels, height, width = images.shape

    def draw(low: int, high: int) -> Tensor:
        drawn = torch.randint(low, high, (count, 1), generator=generator, device=generator.device)
        return drawn.to(images.device)

    def mirrored(places: Tensor, length: int) -> Tensor:
        # Одраз преко руба, а да се рубни пиксел не понови: -1 постаје 1, length постаје length - 2.
        return (length - 1) - ((length - 1) - places.abs()).abs()

    flips = draw(0, 2).bool()
    down, right = draw(-REACH, REACH + 1), draw(-REACH, REACH + 1)
    rows = mirrored(torch.arange(height, device=images.device) + down, height)
    columns = mirrored(torch.arange(width, device=images.device) + right, width)
    columns = torch.where(flips, width - 1 - columns, columns)
    which = torch.arange(count, device=images.device).view(-1, 1, 1, 1)
    channel = torch.arange(channels, device=images.device).view(1, -1, 1, 1)
    return images[which, channel, rows.view(count, 1, height, 1), columns.view(count, 1, 1, width)]


def _measure(model: nn.Module, images: Tensor, labels: Tensor, batch_size: int) -> tuple[float, float]:
    with torch.no_grad():
        logits = torch.cat([model(part) for part in images.split(batch_size)])
        return F.cross_entropy(logits, labels).item(), logits.argmax(1).eq(labels).double().mean().item()


def fine_tune(
    model: nn.Module,
    train: tuple[Tensor, Tensor],
    valid: tuple[Tensor, Tensor],
    *,
    epochs: int = 10,
    head_rate: float = 1e-2,
    backbone_rate: float = 1e-3,
    batch_size: int = 32,
    seed: int = 0,
) -> dict[str, list[float]]:
    images, labels = train
    groups = parameter_groups(model, head_rate=head_rate, backbone_rate=backbone_rate)
    learning = [weight for group in groups for weight in group["params"]]
    optimizer = torch.optim.Adam(groups) if groups else None
    dice = torch.Generator().manual_seed(seed)
    history: dict[str, list[float]] = {
        name: [] for name in ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")
    }
    modes = [(part, part.training) for part in model.modules()]
    old_gradients = [weight.grad for weight in learning]
    best_loss, best = math.inf, None
    # Цео модел мирује: batch norm чува статистику, dropout не ради, а тежине ипак уче.
    model.eval()
    try:
        for _ in range(epochs):
            loss_sum, hits = 0.0, 0
            for rows in torch.randperm(len(labels), generator=dice).split(batch_size):
                rows = rows.to(labels.device)
                with torch.enable_grad():
                    logits = model(images[rows])
                    loss = F.cross_entropy(logits, labels[rows])
                if optimizer is not None:
                    slopes = torch.autograd.grad(loss, learning, allow_unused=True)
                    for weight, slope in zip(learning, slopes):
                        weight.grad = slope
                    optimizer.step()
                loss_sum += loss.item() * len(rows)
                hits += logits.argmax(1).eq(labels[rows]).sum().item()
            history["train_loss"].append(loss_sum / len(labels))
            history["train_accuracy"].append(hits / len(labels))
            valid_loss, valid_accuracy = _measure(model, *valid, batch_size)
            history["valid_loss"].append(valid_loss)
            history["valid_accuracy"].append(valid_accuracy)
            if valid_loss < best_loss:
                best_loss, best = valid_loss, [weight.detach().clone() for weight in learning]
        if best is not None:
            with torch.no_grad():
                for weight, value in zip(learning, best):
                    weight.copy_(value)
    finally:
        for weight, gradient in zip(learning, old_gradients):
            weight.grad = gradient
        for part, mode in modes:
            part.training = mode
    return history


def model_to_bytes(model: nn.Module) -> bytes:
    return save(dict(model.state_dict()))


def model_from_bytes(data: bytes, model: nn.Module) -> nn.Module:
    given, own = load(data), model.state_dict()
    # Све се проверава пре првог уписа, да модел у случају грешке остане цео.
    for name in own:
        if name not in given:
            raise ValueError(f"у подацима недостаје {name}")
    for name, value in given.items():
        if name not in own:
            raise ValueError(f"модел нема {name}")
        if value.shape != own[name].shape:
            raise ValueError(f"{name} је облика {tuple(value.shape)}, а у моделу {tuple(own[name].shape)}")
    model.load_state_dict(given)
    return model
