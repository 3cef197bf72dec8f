"""Tikslusis derinimas: kai užšaldyto pagrindinio tinklo neužtenka."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from safetensors.torch import load, save
from torch import Tensor, nn

REACH = 4  # pikseliai


def count_parameters(model: nn.Module) -> tuple[int, int]:
    sizes = [(weight.numel(), weight.requires_grad) for weight in model.parameters()]
    return sum(size for size, learns in sizes if learns), sum(size for size, _ in sizes)


def unfreeze(model: nn.Module, layers: Sequence[str]) -> list[str]:
    known = dict(model.named_modules(remove_duplicate=False))
    for name in layers:
        if name not in known:
            raise ValueError(f"modulio {name!r} nėra; yra: {', '.join(map(repr, known))}")
    # Tik dabar, kai visi vardai rasti, kas nors keičiama.
    for name in layers:
        known[name].requires_grad_(True)
    return [name for name, weight in model.named_parameters() if weight.requires_grad]


def parameter_groups(model: nn.Module, *, head_rate: float, backbone_rate: float) -> list[dict]:
    for name, rate in (("head_rate", head_rate), ("backbone_rate", backbone_rate)):
        if not rate > 0:
            raise ValueError(f"{name} turi būti teigiamas, o yra {rate}")
    of_head = {id(weight) for weight in model.head.parameters()}
    learning = [weight for weight in model.parameters() if weight.requires_grad]
    groups = [
        {"params": [weight for weight in learning if id(weight) in of_head], "lr": head_rate},
        {"params": [weight for weight in learning if id(weight) not in of_head], "lr": backbone_rate},
    ]
    return [group for group in groups if group["params"]]


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    count, channels, height, width = images.shape
    where, here = generator.device, images.device
    flips = torch.randint(0, 2, (count, 1), generator=generator, device=where).to(here)
    shifts = torch.randint(-REACH, REACH + 1, (2, count, 1), generator=generator, device=where).to(here)

    def mirrored(length: int, shift: Tensor) -> Tensor:
        # Indeksas už krašto atsispindi, o pats krašto pikselis nekartojamas.
        index = (torch.arange(length, device=here) + shift).abs()
        return length - 1 - (length - 1 - index).abs()

    rows, columns = mirrored(height, shifts[0]), mirrored(width, shifts[1])
    columns = torch.where(flips == 1, width - 1 - columns, columns)
    return images[
        torch.arange(count, device=here)[:, None, None, None],
        torch.arange(channels, device=here)[None, :, None, None],
        rows[:, None, :, None],
        columns[:, None, None, :],
    ]


def _score(model: nn.Module, images: Tensor, labels: Tensor, batch_size: int) -> tuple[float, float]:
    loss, right = 0.0, 0
    with torch.no_grad():
        for part, wanted in zip(images.split(batch_size), labels.split(batch_size), strict=True):
            logits = model(part)
            loss += F.cross_entropy(logits, wanted, reduction="sum").item()
            right += (logits.argmax(1) == wanted).sum().item()
    return loss / len(labels), right / len(labels)


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
    shuffler = torch.Generator().manual_seed(seed)
    history: dict[str, list[float]] = {
        name: [] for name in ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")
    }
    best_loss, best_state = math.inf, None
    modes = [(module, module.training) for module in model.modules()]
    old_slopes = [weight.grad for weight in learning]
    # Vertinimo režimu paketinio normavimo statistikos nejuda ir išmetimas neveikia, o svoriai vis tiek mokosi.
    model.eval()
    try:
        for _ in range(epochs):
            loss_sum, right = 0.0, 0
            for rows in torch.randperm(len(labels), generator=shuffler).split(batch_size):
                rows = rows.to(labels.device)
                with torch.enable_grad():
                    logits = model(images[rows])
                    loss = F.cross_entropy(logits, labels[rows])
                if optimizer is not None:
                    slopes = torch.autograd.grad(loss, learning, allow_unused=True)
                    for weight, slope in zip(learning, slopes, strict=True):
                        weight.grad = slope
                    optimizer.step()
                loss_sum += loss.item() * len(rows)
                right += (logits.argmax(1) == labels[rows]).sum().item()
            valid_loss, valid_accuracy = _score(model, *valid, batch_size)
            history["train_loss"].append(loss_sum / len(labels))
            history["train_accuracy"].append(right / len(labels))
            history["valid_loss"].append(valid_loss)
            history["valid_accuracy"].append(valid_accuracy)
            if valid_loss < best_loss:
                best_loss = valid_loss
                best_state = {name: value.clone() for name, value in model.state_dict().items()}
        if best_state is not None:
            model.load_state_dict(best_state)
    finally:
        for weight, slope in zip(learning, old_slopes, strict=True):
            weight.grad = slope
        for module, mode in modes:
            module.training = mode
    return history


def model_to_bytes(model: nn.Module) -> bytes:
    return save(model.state_dict())


def model_from_bytes(data: bytes, model: nn.Module) -> nn.Module:
    stored, own = load(data), model.state_dict()
    for name in own.keys() - stored.keys():
        raise ValueError(f"duomenyse trūksta {name!r}")
    for name in stored.keys() - own.keys():
        raise ValueError(f"modelis neturi {name!r}")
    for name, value in own.items():
        if stored[name].shape != value.shape:
            raise ValueError(f"{name!r} forma {tuple(stored[name].shape)}, o turi būti {tuple(value.shape)}")
    with torch.no_grad():
        for name, value in own.items():
            value.copy_(stored[name])  # būsenos žodynas rodo į pačius modelio svorius
    return model
