"""Fine-tuning၊ မြန်မာ skeleton မှ ရေးထားသည်: eval mode နှင့် AdamW ဖြင့်။"""

import copy
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from safetensors.torch import load, save
from torch import Tensor, nn

REACH = 4
NAMES = ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")


def count_parameters(model: nn.Module) -> tuple[int, int]:
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in model.parameters()]
    return sum(size for size, learns in sizes if learns), sum(size for size, _ in sizes)


def unfreeze(model: nn.Module, layers: Sequence[str]) -> list[str]:
    try:
        chosen = [model.get_submodule(name) for name in layers]
    except AttributeError as error:
        names = ", ".join(name for name, _ in model.named_modules() if name)
        raise ValueError(f"{error}၊ ရှိသည်မှာ {names}") from None
    for module in chosen:
        module.requires_grad_()
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


def parameter_groups(model: nn.Module, *, head_rate: float, backbone_rate: float) -> list[dict]:
    if not head_rate > 0:
        raise ValueError(f"head_rate = {head_rate} သည် အပေါင်းကိန်း ဖြစ်ရမည်")
    if not backbone_rate > 0:
        raise ValueError(f"backbone_rate = {backbone_rate} သည် အပေါင်းကိန်း ဖြစ်ရမည်")
    head = {id(parameter) for parameter in model.head.parameters()}
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in learning if id(p) in head], "lr": head_rate, "name": "head"},
        {"params": [p for p in learning if id(p) not in head], "lr": backbone_rate, "name": "backbone"},
    ]
    return [group for group in groups if group["params"]]


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    count, _, height, width = images.shape
    flips = torch.rand(count, generator=generator) < 0.5
    tops, lefts = torch.randint(0, 2 * REACH + 1, (2, count), generator=generator).unbind()
    turned = torch.where(flips[:, None, None, None], images.flip(3), images)
    padded = F.pad(turned, [REACH] * 4, mode="reflect")
    pieces = [
        image[:, top : top + height, left : left + width]
        for image, top, left in zip(padded, tops.tolist(), lefts.tolist(), strict=True)
    ]
    return torch.stack(pieces)


def _measure(model: nn.Module, images: Tensor, labels: Tensor) -> tuple[float, float]:
    modes = {module: module.training for module in model.modules()}
    model.eval()
    with torch.no_grad():
        logits = torch.cat([model(batch) for batch in images.split(64)])
    for module, mode in modes.items():
        module.training = mode
    return F.cross_entropy(logits, labels).item(), logits.argmax(1).eq(labels).float().mean().item()


def _train_one_epoch(
    model: nn.Module, optimizer: torch.optim.Optimizer | None, images: Tensor, labels: Tensor, order: Sequence[Tensor]
) -> tuple[float, float]:
    losses, rights = [], []
    for chosen in order:
        with torch.enable_grad():
            logits = model(images[chosen])
            loss = F.cross_entropy(logits, labels[chosen])
        if optimizer is not None:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        losses.append(loss.item())
        rights.append(logits.argmax(1).eq(labels[chosen]).float().mean().item())
    return sum(losses) / len(losses), sum(rights) / len(rights)


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
    optimizer = torch.optim.AdamW(groups, weight_decay=0) if groups else None
    generator = torch.Generator().manual_seed(seed)
    arrived = {module: module.training for module in model.modules()}
    model.eval()  # ကျပန်း dropout မသုံး၊ batch norm ၏ statistics မပြောင်း
    history: list[tuple[float, ...]] = []
    kept, lowest = copy.deepcopy(model.state_dict()), float("inf")
    try:
        for _ in range(epochs):
            order = torch.randperm(len(train[1]), generator=generator).split(batch_size)
            history.append((*_train_one_epoch(model, optimizer, *train, order), *_measure(model, *valid)))
            if history[-1][2] < lowest:
                lowest = history[-1][2]
                kept = copy.deepcopy(model.state_dict())
        model.load_state_dict(kept)
    finally:
        for module, mode in arrived.items():
            module.training = mode
        if optimizer is not None:
            optimizer.zero_grad()
    return dict(zip(NAMES, map(list, zip(*history, strict=True)), strict=True)) if history else {n: [] for n in NAMES}


def model_to_bytes(model: nn.Module) -> bytes:
    return save({name: tensor.contiguous() for name, tensor in model.state_dict().items()})


def model_from_bytes(data: bytes, model: nn.Module) -> nn.Module:
    tensors, state = load(data), model.state_dict()
    shapes, wanted = ({name: t.shape for name, t in d.items()} for d in (tensors, state))
    different = [name for name in wanted | shapes if wanted.get(name) != shapes.get(name)]
    if different:
        raise ValueError(f"မကိုက်သော အမည်များ: {', '.join(different)}")
    with torch.no_grad():
        for name, tensor in state.items():
            tensor.copy_(tensors[name])
    return model
