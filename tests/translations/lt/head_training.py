"""Galvos mokymas: klasifikatorius virš užšaldytų savybių."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def _in_eval_mode(model: nn.Module, inputs: Tensor) -> Tensor:
    # Išvestis vertinimo režimu ir be gradientų; po to kiekvienas vidinis modulis vėl savo režimu.
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            return model(inputs)
    finally:
        for module, mode in before:
            module.training = mode


def build_head(in_features: int, num_classes: int) -> nn.Module:
    for name, number in (("in_features", in_features), ("num_classes", num_classes)):
        if number < 1:
            raise ValueError(f"{name} turi būti bent 1, o yra {number}")
    return nn.Linear(in_features, num_classes)


def accuracy(logits: Tensor, labels: Tensor) -> float:
    if len(logits) != len(labels):
        raise ValueError(f"logits yra {len(logits)}, o labels {len(labels)}")
    if len(labels) == 0:
        raise ValueError("labels tuščias: nėra nė vieno pavyzdžio")
    return (logits.argmax(1) == labels).sum().item() / len(labels)


def evaluate(head: nn.Module, features: Tensor, labels: Tensor) -> tuple[float, float]:
    logits = _in_eval_mode(head, features)
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
    learning = [weight for weight in head.parameters() if weight.requires_grad]
    history: dict[str, list[float]] = {
        name: [] for name in ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")
    }
    best_loss, best_state, waited = math.inf, None, 0
    shuffler = torch.Generator().manual_seed(seed)
    # Jei galvoje yra išmetimas, jis ima globalius skaičius: tam laikui jie skaičiuojami nuo seed, paskui grąžinami.
    outside = torch.get_rng_state()
    torch.default_generator.manual_seed(seed)
    try:
        for _ in range(epochs):
            loss_sum, right = 0.0, 0
            for rows in torch.randperm(len(labels), generator=shuffler).split(batch_size):
                rows = rows.to(labels.device)
                with torch.enable_grad():
                    logits = head(features[rows])
                    loss = F.cross_entropy(logits, labels[rows])
                if learning:
                    slopes = torch.autograd.grad(loss, learning, allow_unused=True)
                    with torch.no_grad():
                        for weight, slope in zip(learning, slopes, strict=True):
                            if slope is not None:
                                weight -= learning_rate * slope
                loss_sum += loss.item() * len(rows)
                right += (logits.argmax(1) == labels[rows]).sum().item()
            valid_loss, valid_accuracy = evaluate(head, *valid)
            history["train_loss"].append(loss_sum / len(labels))
            history["train_accuracy"].append(right / len(labels))
            history["valid_loss"].append(valid_loss)
            history["valid_accuracy"].append(valid_accuracy)
            if valid_loss < best_loss:
                # Būtent kopija: patys svoriai keisis toliau.
                best_state = {name: value.clone() for name, value in head.state_dict().items()}
                best_loss, waited = valid_loss, 0
            else:
                waited += 1
            if patience is not None and waited >= patience:
                break
    finally:
        torch.set_rng_state(outside)
    if best_state is not None:
        head.load_state_dict(best_state)
    return history


def predict(model: nn.Module, images: Tensor, k: int = 3) -> list[list[tuple[str, float]]]:
    if k < 1:
        raise ValueError(f"k turi būti bent 1, o yra {k}")
    chances = _in_eval_mode(model, images).softmax(1)
    values, places = chances.topk(min(k, chances.shape[1]), dim=1)
    return [
        [(model.classes[place], value) for value, place in zip(row, where, strict=True)]
        for row, where in zip(values.tolist(), places.tolist(), strict=True)
    ]
