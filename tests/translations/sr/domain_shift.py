"""Промена домена: где трансфер престаје да помаже. Изазов."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def _features(backbone: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.cat([backbone(part) for part in images.split(64)])


def linear_probe_accuracy(
    backbone: nn.Module, train: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor], *, seed: int = 0
) -> float:
    seen, unseen = _features(backbone, train[0]), _features(backbone, test[0])
    labels = train[1]
    # Скала се мери само на скупу из којег се учи.
    center, spread = seen.mean(0), seen.std(0, correction=0)
    spread = spread.clamp(min=max(1e-5 * seen.abs().max().item(), 1e-12))
    seen, unseen = (seen - center) / spread, (unseen - center) / spread

    num_classes = int(labels.max()) + 1
    weight = seen.new_zeros(num_classes, seen.shape[1]).requires_grad_()
    bias = seen.new_zeros(num_classes).requires_grad_()
    optimizer = torch.optim.Adam([weight, bias], lr=0.01, weight_decay=1e-3)
    dice = torch.Generator().manual_seed(seed)
    for _ in range(80):
        for rows in torch.randperm(len(labels), generator=dice).split(64):
            rows = rows.to(labels.device)
            with torch.enable_grad():
                loss = F.cross_entropy(F.linear(seen[rows], weight, bias), labels[rows])
                weight.grad, bias.grad = torch.autograd.grad(loss, [weight, bias])
            optimizer.step()
    with torch.no_grad():
        answers = F.linear(unseen, weight, bias).argmax(dim=1)
    return answers.eq(test[1]).double().mean().item()


def transfer_gain(
    pretrained: nn.Module,
    scratch: nn.Module,
    train: tuple[Tensor, Tensor],
    test: tuple[Tensor, Tensor],
    *,
    seed: int = 0,
) -> float:
    with_past, without = (linear_probe_accuracy(part, train, test, seed=seed) for part in (pretrained, scratch))
    return with_past - without


def rank_domains(
    pretrained: nn.Module,
    scratch: nn.Module,
    domains: dict[str, tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]],
    *,
    seed: int = 0,
) -> list[tuple[str, float]]:
    gains = {name: transfer_gain(pretrained, scratch, *parts, seed=seed) for name, parts in domains.items()}
    # Прво највећи добитак.
    return sorted(gains.items(), key=lambda item: item[1], reverse=True)
