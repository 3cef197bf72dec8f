"""Head training: freeze လုပ်ထားသော feature များပေါ်က classifier။"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def build_head(in_features: int, num_classes: int) -> nn.Module:
    for name, number in (("in_features", in_features), ("num_classes", num_classes)):
        if number < 1:
            raise ValueError(f"{name} must be at least 1, not {number}")
    return nn.Linear(in_features, num_classes)


def accuracy(logits: Tensor, labels: Tensor) -> float:
    if len(logits) != len(labels):
        raise ValueError(f"logits and labels differ in length: {len(logits)} and {len(labels)}")
    if len(labels) == 0:
        raise ValueError("logits and labels are empty")
    return int((logits.argmax(dim=1) == labels).sum()) / len(labels)


def _logits_in_eval(model: nn.Module, inputs: Tensor) -> Tensor:
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            return model(inputs)
    finally:
        # submodule တစ်ခုစီကို ကိုယ်ပိုင် mode ပြန်ပေးသည်
        for module, mode in modes:
            module.training = mode


def evaluate(head: nn.Module, features: Tensor, labels: Tensor) -> tuple[float, float]:
    logits = _logits_in_eval(head, features)
    return F.cross_entropy(logits, labels).item(), accuracy(logits, labels)


def fit_head(
    head: nn.Module,
    train: tuple[Tensor, Tensor],
    valid: tuple[Tensor, Tensor],
    *,
    epochs: int = 20,
    learning_rate: float = 0.1,
    batch_size: int = 32,
    patience: int | None = None,
    seed: int = 0,
) -> dict[str, list[float]]:
    features, labels = train
    weights = [weight for weight in head.parameters() if weight.requires_grad]
    history: dict[str, list[float]] = {
        name: [] for name in ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")
    }
    shuffle = torch.Generator().manual_seed(seed)
    best, best_epoch = math.inf, -1
    best_state = {name: tensor.clone() for name, tensor in head.state_dict().items()}

    # head ထဲတွင် dropout ရှိလျှင်လည်း seed တူက head တူပေးရန်၊ ပြီးနောက် global state မူလအတိုင်း ရှိရန်
    devices = [features.device] if features.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(seed)
        if devices:
            with torch.cuda.device(features.device):
                torch.cuda.manual_seed(seed)
        for epoch in range(epochs):
            loss_sum, right = 0.0, 0
            for chosen in torch.randperm(len(labels), generator=shuffle).split(batch_size):
                chosen = chosen.to(labels.device)
                answers = labels[chosen]
                with torch.enable_grad():
                    logits = head(features[chosen])
                    loss = F.cross_entropy(logits, answers)
                    slopes = torch.autograd.grad(loss, weights, allow_unused=True) if weights else ()
                with torch.no_grad():
                    for weight, slope in zip(weights, slopes, strict=True):
                        if slope is not None:
                            weight -= learning_rate * slope
                loss_sum += loss.item() * len(chosen)
                right += int((logits.argmax(dim=1) == answers).sum())
            valid_loss, valid_accuracy = evaluate(head, *valid)
            history["train_loss"].append(loss_sum / len(labels))
            history["train_accuracy"].append(right / len(labels))
            history["valid_loss"].append(valid_loss)
            history["valid_accuracy"].append(valid_accuracy)
            if valid_loss < best:
                best, best_epoch = valid_loss, epoch
                best_state = {name: tensor.clone() for name, tensor in head.state_dict().items()}
            elif patience is not None and epoch - best_epoch >= patience:
                break
    head.load_state_dict(best_state)
    return history


def predict(model: nn.Module, images: Tensor, k: int = 3) -> list[list[tuple[str, float]]]:
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    chances = _logits_in_eval(model, images).softmax(dim=1)
    top = chances.topk(min(k, chances.shape[1]), dim=1)
    return [
        [(model.classes[index], chance) for index, chance in zip(indices, values, strict=True)]
        for indices, values in zip(top.indices.tolist(), top.values.tolist(), strict=True)
    ]
