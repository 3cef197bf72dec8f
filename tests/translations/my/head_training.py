"""Head training၊ မြန်မာ skeleton မှ ရေးထားသည်: torch.optim ၏ SGD ဖြင့်။"""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NAMES = ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")


def build_head(in_features: int, num_classes: int) -> nn.Module:
    if in_features < 1:
        raise ValueError(f"in_features = {in_features} သည် 1 ထက် ငယ်သည်")
    if num_classes < 1:
        raise ValueError(f"num_classes = {num_classes} သည် 1 ထက် ငယ်သည်")
    return nn.Sequential(nn.Linear(in_features, num_classes))


def accuracy(logits: Tensor, labels: Tensor) -> float:
    if not 0 < len(labels) == len(logits):
        raise ValueError(f"logits {len(logits)} ခုနှင့် labels {len(labels)} ခု မကိုက်ပါ")
    return logits.argmax(-1).eq(labels).double().mean().item()


class _Measuring:
    """Module တစ်ခုကို တိုင်းတာစဉ် eval mode တွင် ထားပါ။"""

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def __enter__(self) -> None:
        self.modes = {part: part.training for part in self.module.modules()}
        self.module.eval()

    def __exit__(self, *_: object) -> None:
        for part, mode in self.modes.items():
            part.training = mode


def evaluate(head: nn.Module, features: Tensor, labels: Tensor) -> tuple[float, float]:
    with _Measuring(head), torch.no_grad():
        logits = head(features)
    return float(F.cross_entropy(logits, labels)), accuracy(logits, labels)


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
    generator = torch.Generator().manual_seed(seed)
    descent = torch.optim.SGD(head.parameters(), lr=learning_rate)
    rows: list[tuple[float, ...]] = []
    best = 0
    weights = copy.deepcopy(head.state_dict())
    for epoch in range(epochs):
        for chosen in torch.randperm(len(train[1]), generator=generator).split(batch_size):
            descent.zero_grad()
            with torch.enable_grad():
                F.cross_entropy(head(train[0][chosen]), train[1][chosen]).backward()
            descent.step()
        descent.zero_grad()
        rows.append((*evaluate(head, *train), *evaluate(head, *valid)))
        if epoch == 0 or rows[epoch][2] < rows[best][2]:
            best = epoch
            weights = copy.deepcopy(head.state_dict())
        if patience is not None and epoch - best >= patience:
            break
    head.load_state_dict(weights)
    return {name: [row[i] for row in rows] for i, name in enumerate(NAMES)}


def predict(model: nn.Module, images: Tensor, k: int = 3) -> list[list[tuple[str, float]]]:
    if k < 1:
        raise ValueError(f"k = {k} သည် 1 ထက် ငယ်သည်")
    with _Measuring(model), torch.no_grad():
        chances = torch.softmax(model(images), dim=1)
    best = chances.topk(min(k, chances.size(1)), dim=1)
    return [
        [(model.classes[index], chance) for index, chance in zip(indices, values, strict=True)]
        for indices, values in zip(best.indices.tolist(), best.values.tolist(), strict=True)
    ]
