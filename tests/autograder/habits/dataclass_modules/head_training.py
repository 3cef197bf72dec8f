"""A network that is a dataclass too."""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn


@dataclass(eq=False)
class Head(nn.Module):
    in_features: int
    num_classes: int
    notes: list[str] = field(default_factory=list)

    def __post_init__(self):
        super().__init__()
        self.linear = nn.Linear(self.in_features, self.num_classes)

    def forward(self, features: Tensor) -> Tensor:
        return self.linear(features)


def build_head(in_features: int, num_classes: int) -> nn.Module:
    if min(in_features, num_classes) < 1:
        raise ValueError(f"in_features and num_classes must be positive, not {in_features} and {num_classes}")
    return Head(in_features, num_classes)


def accuracy(logits: Tensor, labels: Tensor) -> float:
    if len(logits) != len(labels) or len(labels) == 0:
        raise ValueError(f"logits and labels must be of one length, of at least 1: {len(logits)}, {len(labels)}")
    return torch.eq(logits.argmax(dim=1), labels).double().mean().item()
