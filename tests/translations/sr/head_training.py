"""Тренирање главе: класификатор над замрзнутим карактеристикама."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def _modes(model: nn.Module) -> list[tuple[nn.Module, bool]]:
    return [(part, part.training) for part in model.modules()]


def _restore(modes: list[tuple[nn.Module, bool]]) -> None:
    for part, mode in modes:
        part.training = mode


def build_head(in_features: int, num_classes: int) -> nn.Module:
    for name, number in (("in_features", in_features), ("num_classes", num_classes)):
        if number < 1:
            raise ValueError(f"{name} мора бити најмање 1, а јесте {number}")
    return nn.Linear(in_features, num_classes)


def accuracy(logits: Tensor, labels: Tensor) -> float:
    if len(logits) != len(labels) or len(labels) == 0:
        raise ValueError(f"logits и labels морају бити исте дужине и не празни: {len(logits)} и {len(labels)}")
    hits = logits.argmax(dim=1).eq(labels).sum().item()
    return hits / len(labels)


def evaluate(head: nn.Module, features: Tensor, labels: Tensor) -> tuple[float, float]:
    modes = _modes(head)
    head.eval()
    try:
        with torch.no_grad():
            logits = head(features)
            return F.cross_entropy(logits, labels).item(), accuracy(logits, labels)
    finally:
        _restore(modes)


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
    dice = torch.Generator().manual_seed(seed)
    learning = [weight for weight in head.parameters() if weight.requires_grad]
    history: dict[str, list[float]] = {
        name: [] for name in ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")
    }
    best_loss, best_state, waited = math.inf, None, 0
    # Глава са dropout-ом баца опште коцкице: позајмљују се, почињу од seed и враћају се на крају.
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.default_generator.manual_seed(seed)
        for _ in range(epochs):
            loss_sum, hits = 0.0, 0
            for rows in torch.randperm(len(labels), generator=dice).split(batch_size):
                rows = rows.to(labels.device)
                logits = head(features[rows])
                loss = F.cross_entropy(logits, labels[rows])
                if learning:
                    slopes = torch.autograd.grad(loss, learning, allow_unused=True)
                    with torch.no_grad():
                        for weight, slope in zip(learning, slopes):
                            if slope is not None:
                                weight -= learning_rate * slope
                loss_sum += loss.item() * len(rows)
                hits += logits.argmax(dim=1).eq(labels[rows]).sum().item()
            history["train_loss"].append(loss_sum / len(labels))
            history["train_accuracy"].append(hits / len(labels))
            valid_loss, valid_accuracy = evaluate(head, *valid)
            history["valid_loss"].append(valid_loss)
            history["valid_accuracy"].append(valid_accuracy)
            if valid_loss < best_loss:
                best_loss, waited = valid_loss, 0
                best_state = {name: value.detach().clone() for name, value in head.state_dict().items()}
            else:
                waited += 1
            if patience is not None and waited >= patience:
                break
    if best_state is not None:
        head.load_state_dict(best_state)
    return history


def predict(model: nn.Module, images: Tensor, k: int = 3) -> list[list[tuple[str, float]]]:
    if k < 1:
        raise ValueError(f"k мора бити најмање 1, а јесте {k}")
    modes = _modes(model)
    model.eval()
    try:
        with torch.no_grad():
            chances = model(images).softmax(dim=1)
    finally:
        _restore(modes)
    top, which = chances.topk(min(k, chances.shape[1]), dim=1)
    return [
        [(model.classes[i], chance) for i, chance in zip(indices, values)]
        for indices, values in zip(which.tolist(), top.tolist())
    ]
