"""Fine-tuning: kapag hindi sapat ang naka-freeze na backbone."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from safetensors.torch import load, save
from torch import Tensor, nn

REACH = 4  # pixels


def count_parameters(model: nn.Module) -> tuple[int, int]:
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in model.parameters()]
    return sum(size for size, learns in sizes if learns), sum(size for size, _ in sizes)


def unfreeze(model: nn.Module, layers: Sequence[str]) -> list[str]:
    known = dict(model.named_modules(remove_duplicate=False))
    # Suriin muna ang lahat, para walang mabago kung may mali.
    for name in layers:
        if name not in known:
            raise ValueError(f"layers: walang {name!r}; mayroong {', '.join(map(repr, known))}")
    for name in layers:
        for parameter in known[name].parameters():
            parameter.requires_grad_(True)
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


def parameter_groups(model: nn.Module, *, head_rate: float, backbone_rate: float) -> list[dict]:
    for name, rate in (("head_rate", head_rate), ("backbone_rate", backbone_rate)):
        if not rate > 0:
            raise ValueError(f"{name}: dapat positibo, ngunit {rate} ito")
    in_head = {id(parameter) for parameter in model.head.parameters()}
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [parameter for parameter in learning if id(parameter) in in_head], "lr": head_rate},
        {"params": [parameter for parameter in learning if id(parameter) not in in_head], "lr": backbone_rate},
    ]
    return [group for group in groups if group["params"]]


def _reflect(shift: Tensor, length: int) -> Tensor:
    # Mga index na (N, length) na tumatalbog sa dalawang dulo nang hindi inuulit ang pixel sa gilid.
    places = (torch.arange(length, device=shift.device) + shift[:, None]).abs()
    return (length - 1) - ((length - 1) - places).abs()


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    count, channels, height, width = images.shape

    def draw(low: int, high: int) -> Tensor:
        return torch.randint(low, high + 1, (count,), generator=generator, device=generator.device).to(images.device)

    flipped = draw(0, 1).bool()
    rows = _reflect(draw(-REACH, REACH), height)
    columns = _reflect(draw(-REACH, REACH), width)
    columns = torch.where(flipped[:, None], columns.flip(1), columns)
    which = torch.arange(count, device=images.device)[:, None, None, None]
    channel = torch.arange(channels, device=images.device)[None, :, None, None]
    return images[which, channel, rows[:, None, :, None], columns[:, None, None, :]]


def _measure(model: nn.Module, images: Tensor, labels: Tensor, batch_size: int) -> tuple[float, float]:
    loss, right = 0.0, 0
    with torch.no_grad():
        for some, truth in zip(images.split(batch_size), labels.split(batch_size), strict=True):
            logits = model(some)
            loss += F.cross_entropy(logits, truth, reduction="sum").item()
            right += (logits.argmax(dim=1) == truth).sum().item()
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
    groups = parameter_groups(model, head_rate=head_rate, backbone_rate=backbone_rate)
    weights = [weight for group in groups for weight in group["params"]]
    optimizer = torch.optim.Adam(groups) if groups else None
    order = torch.Generator().manual_seed(seed)
    images, labels = train
    history: dict[str, list[float]] = {
        name: [] for name in ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")
    }
    best_loss, best = math.inf, None
    old_gradients = [weight.grad for weight in weights]
    modes = [(module, module.training) for module in model.modules()]
    try:
        # Eval mode ang lahat: natututo ang mga weight, ngunit nananatili ang statistics ng batch norm.
        model.eval()
        for _ in range(epochs):
            loss_sum, right = 0.0, 0
            for rows in torch.randperm(len(labels), generator=order).to(labels.device).split(batch_size):
                with torch.enable_grad():
                    logits = model(images[rows])
                    loss = F.cross_entropy(logits, labels[rows])
                if optimizer is not None:
                    gradients = torch.autograd.grad(loss, weights, allow_unused=True)
                    for weight, gradient in zip(weights, gradients, strict=True):
                        weight.grad = gradient
                    optimizer.step()
                loss_sum += loss.item() * len(rows)
                right += (logits.argmax(dim=1) == labels[rows]).sum().item()
            history["train_loss"].append(loss_sum / len(labels))
            history["train_accuracy"].append(right / len(labels))
            valid_loss, valid_accuracy = _measure(model, *valid, batch_size)
            history["valid_loss"].append(valid_loss)
            history["valid_accuracy"].append(valid_accuracy)
            if best is None or valid_loss < best_loss:
                best_loss = valid_loss if not math.isnan(valid_loss) else math.inf
                best = [weight.detach().clone() for weight in weights]
    finally:
        for module, mode in modes:
            module.training = mode
        for weight, gradient in zip(weights, old_gradients, strict=True):
            weight.grad = gradient
    if best is not None:
        with torch.no_grad():
            for weight, kept in zip(weights, best, strict=True):
                weight.copy_(kept)
    return history


def model_to_bytes(model: nn.Module) -> bytes:
    return save(dict(model.state_dict()))


def model_from_bytes(data: bytes, model: nn.Module) -> nn.Module:
    tensors = load(data)
    wanted = model.state_dict()
    for name in wanted:
        if name not in tensors:
            raise ValueError(f"data: kulang ng {name}")
    for name, tensor in tensors.items():
        if name not in wanted:
            raise ValueError(f"data: walang {name} ang model")
        if tensor.shape != wanted[name].shape:
            raise ValueError(f"data: {tuple(tensor.shape)} ang shape ng {name}, hindi {tuple(wanted[name].shape)}")
    # Magkatugma na ang lahat, kaya ligtas nang i-load.
    model.load_state_dict(tensors)
    return model
