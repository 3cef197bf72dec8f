"""Fine-tuning: freeze လုပ်ထားသော backbone မလုံလောက်သည့်အခါ။"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from safetensors.torch import load, save
from torch import Tensor, nn

REACH = 4  # pixels


def count_parameters(model: nn.Module) -> tuple[int, int]:
    learning = total = 0
    for weight in model.parameters():  # မျှသုံးသော parameter ကို တစ်ကြိမ်သာ ပေးသည်
        total += weight.numel()
        if weight.requires_grad:
            learning += weight.numel()
    return learning, total


def unfreeze(model: nn.Module, layers: Sequence[str]) -> list[str]:
    modules = dict(model.named_modules(remove_duplicate=False))
    for name in layers:
        if name not in modules:
            raise ValueError(f"no layer {name!r} in layers; there are: {', '.join(map(repr, modules))}")
    for name in layers:
        for weight in modules[name].parameters():
            weight.requires_grad_(True)
    return [name for name, weight in model.named_parameters() if weight.requires_grad]


def parameter_groups(model: nn.Module, *, head_rate: float, backbone_rate: float) -> list[dict]:
    for name, rate in (("head_rate", head_rate), ("backbone_rate", backbone_rate)):
        if not rate > 0:
            raise ValueError(f"{name} must be positive, not {rate}")
    of_head = {id(weight) for weight in model.head.parameters()}
    learning = [weight for weight in model.parameters() if weight.requires_grad]
    groups = [
        {"params": [weight for weight in learning if id(weight) in of_head], "lr": head_rate},
        {"params": [weight for weight in learning if id(weight) not in of_head], "lr": backbone_rate},
    ]
    return [group for group in groups if group["params"]]


def _mirrored(positions: Tensor, length: int) -> Tensor:
    # 0 အောက်နှင့် အဆုံးကျော် နေရာများကို အစွန်း pixel မထပ်ဘဲ ရောင်ပြန်ပြန်သည်
    positions = positions.abs()
    return length - 1 - (length - 1 - positions).abs()


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    count, _, height, width = images.shape
    flips = torch.rand(count, generator=generator, device=generator.device) < 0.5
    shifts = torch.randint(-REACH, REACH + 1, (count, 2), generator=generator, device=generator.device)
    flips, shifts = flips.to(images.device), shifts.to(images.device)
    rows = _mirrored(torch.arange(height, device=images.device) + shifts[:, :1], height)
    columns = _mirrored(torch.arange(width, device=images.device) + shifts[:, 1:], width)
    columns = torch.where(flips[:, None], width - 1 - columns, columns)
    which = torch.arange(count, device=images.device)[:, None, None]
    moved = images[which, :, rows[:, :, None], columns[:, None, :]]  # (N, H, W, C)
    return moved.permute(0, 3, 1, 2).contiguous()


def _measure(model: nn.Module, images: Tensor, labels: Tensor, batch_size: int) -> tuple[float, float]:
    loss, right = 0.0, 0
    with torch.no_grad():
        for some, answers in zip(images.split(batch_size), labels.split(batch_size), strict=True):
            logits = model(some)
            loss += F.cross_entropy(logits, answers, reduction="sum").item()
            right += int((logits.argmax(dim=1) == answers).sum())
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
    weights = [weight for group in groups for weight in group["params"]]
    optimizer = torch.optim.Adam(groups) if groups else None
    history: dict[str, list[float]] = {
        name: [] for name in ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")
    }
    shuffle = torch.Generator().manual_seed(seed)
    best = math.inf
    best_state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    modes = [(module, module.training) for module in model.modules()]
    old_gradients = [weight.grad for weight in weights]

    # အားလုံး eval mode: batch norm ၏ statistics မပြောင်း၊ dropout မသုံး၊ global random state မလို
    model.eval()
    try:
        for _ in range(epochs):
            loss_sum, right = 0.0, 0
            for chosen in torch.randperm(len(labels), generator=shuffle).split(batch_size):
                chosen = chosen.to(labels.device)
                answers = labels[chosen]
                with torch.enable_grad():
                    logits = model(images[chosen])
                    loss = F.cross_entropy(logits, answers)
                if optimizer is not None:
                    slopes = torch.autograd.grad(loss, weights, allow_unused=True)
                    for weight, slope in zip(weights, slopes, strict=True):
                        weight.grad = slope
                    optimizer.step()
                loss_sum += loss.item() * len(chosen)
                right += int((logits.argmax(dim=1) == answers).sum())
            valid_loss, valid_accuracy = _measure(model, *valid, batch_size)
            history["train_loss"].append(loss_sum / len(labels))
            history["train_accuracy"].append(right / len(labels))
            history["valid_loss"].append(valid_loss)
            history["valid_accuracy"].append(valid_accuracy)
            if valid_loss < best:
                best = valid_loss
                best_state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        model.load_state_dict(best_state)
    finally:
        for module, mode in modes:
            module.training = mode
        for weight, gradient in zip(weights, old_gradients, strict=True):
            weight.grad = gradient
    return history


def model_to_bytes(model: nn.Module) -> bytes:
    return save(model.state_dict())


def model_from_bytes(data: bytes, model: nn.Module) -> nn.Module:
    packed = load(data)
    state = model.state_dict()
    # ဘာမျှ မတင်မီ အားလုံးကို စစ်သည်
    if missing := sorted(state.keys() - packed.keys()):
        raise ValueError(f"the data lack {', '.join(missing)}")
    if unknown := sorted(packed.keys() - state.keys()):
        raise ValueError(f"the model has no {', '.join(unknown)}")
    for name, tensor in packed.items():
        if tensor.shape != state[name].shape:
            raise ValueError(f"{name} has shape {tuple(tensor.shape)}, not {tuple(state[name].shape)}")
    model.load_state_dict(packed)
    return model
