"""Head training: isang classifier sa ibabaw ng mga naka-freeze na feature."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def build_head(in_features: int, num_classes: int) -> nn.Module:
    for name, number in (("in_features", in_features), ("num_classes", num_classes)):
        if number < 1:
            raise ValueError(f"{name}: dapat hindi bababa sa 1, ngunit {number} ito")
    return nn.Linear(in_features, num_classes)


def accuracy(logits: Tensor, labels: Tensor) -> float:
    if len(logits) != len(labels):
        raise ValueError(f"logits: {len(logits)} row, ngunit {len(labels)} ang labels")
    if len(labels) == 0:
        raise ValueError("logits: walang laman")
    return (logits.argmax(dim=1) == labels).sum().item() / len(labels)


def _silence(model: nn.Module) -> list[tuple[nn.Module, bool]]:
    # Inilalagay sa eval mode, at ibinibigay ang mga dating mode.
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    return modes


def _restore(modes: list[tuple[nn.Module, bool]]) -> None:
    for module, mode in modes:
        module.training = mode


def evaluate(head: nn.Module, features: Tensor, labels: Tensor) -> tuple[float, float]:
    modes = _silence(head)
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
    history: dict[str, list[float]] = {
        name: [] for name in ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")
    }
    weights = [weight for weight in head.parameters() if weight.requires_grad]
    order = torch.Generator().manual_seed(seed)
    best_loss, best_epoch, best = math.nan, 0, None

    # Kung may dropout ang head, sariling dice rin nito: pagkatapos ay gaya ng dati ang sa program.
    devices = [features.device] if features.is_cuda else []
    with torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(seed)
        if devices:
            torch.cuda.manual_seed(seed)
        for epoch in range(epochs):
            loss_sum, right = 0.0, 0
            for rows in torch.randperm(len(labels), generator=order).to(labels.device).split(batch_size):
                loss, hits = _step(head, weights, features[rows], labels[rows], learning_rate)
                loss_sum += loss * len(rows)
                right += hits
            history["train_loss"].append(loss_sum / len(labels))
            history["train_accuracy"].append(right / len(labels))
            valid_loss, valid_accuracy = evaluate(head, *valid)
            history["valid_loss"].append(valid_loss)
            history["valid_accuracy"].append(valid_accuracy)

            better = valid_loss < best_loss or (math.isnan(best_loss) and not math.isnan(valid_loss))
            if best is None or better:
                best_loss, best_epoch, best = valid_loss, epoch, _copy(head)
            if patience is not None and epoch - best_epoch >= patience:
                break

    if best is not None:
        with torch.no_grad():
            for tensor, kept in zip([*head.parameters(), *head.buffers()], best, strict=True):
                tensor.copy_(kept)
    return history


def _copy(head: nn.Module) -> list[Tensor]:
    return [tensor.detach().clone() for tensor in (*head.parameters(), *head.buffers())]


def _step(
    head: nn.Module, weights: list[Tensor], features: Tensor, labels: Tensor, learning_rate: float
) -> tuple[float, int]:
    # Isang hakbang pababa; hindi ginagalaw ang .grad ng mga parameter.
    with torch.enable_grad():
        logits = head(features)
        loss = F.cross_entropy(logits, labels)
    if weights:
        gradients = torch.autograd.grad(loss, weights, allow_unused=True)
        with torch.no_grad():
            for weight, gradient in zip(weights, gradients, strict=True):
                if gradient is not None:
                    weight -= learning_rate * gradient
    return loss.item(), (logits.argmax(dim=1) == labels).sum().item()


def predict(model: nn.Module, images: Tensor, k: int = 3) -> list[list[tuple[str, float]]]:
    if k < 1:
        raise ValueError(f"k: dapat hindi bababa sa 1, ngunit {k} ito")
    modes = _silence(model)
    try:
        with torch.no_grad():
            probabilities = model(images).softmax(dim=1)
    finally:
        _restore(modes)
    # Pababa ang ayos, kaya nauuna ang pinakamalamang.
    values, places = probabilities.sort(dim=1, descending=True, stable=True)
    return [
        [(model.classes[place], value) for value, place in zip(row_values[:k], row_places[:k], strict=True)]
        for row_values, row_places in zip(values.tolist(), places.tolist(), strict=True)
    ]
