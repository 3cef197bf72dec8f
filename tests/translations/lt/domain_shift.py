"""Srities poslinkis: kur perkėlimas nebepadeda. Iššūkis."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def _features(backbone: nn.Module, images: Tensor) -> Tensor:
    # Vertinimo režimu ir be gradientų; režimai po to grąžinami.
    before = [(module, module.training) for module in backbone.modules()]
    backbone.eval()
    try:
        with torch.no_grad():
            return torch.cat([backbone(part) for part in images.split(64)])
    finally:
        for module, mode in before:
            module.training = mode


def linear_probe_accuracy(
    backbone: nn.Module, train: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor], *, seed: int = 0
) -> float:
    (images, labels), (new_images, new_labels) = train, test
    known = _features(backbone, images)
    # Mastelis imamas tik iš mokymo rinkinio.
    centre, spread = known.mean(0), known.std(0, unbiased=False)
    floor = 0.01 * spread.mean()
    spread = spread.clamp_min(floor) if floor > 0 else torch.ones_like(spread)
    inputs = (known - centre) / spread

    num_classes = int(labels.max()) + 1
    weight = inputs.new_zeros(num_classes, inputs.shape[1]).requires_grad_()
    bias = inputs.new_zeros(num_classes).requires_grad_()
    optimizer = torch.optim.Adam([weight, bias], lr=0.01)
    dice = torch.Generator().manual_seed(seed)
    with torch.enable_grad():
        for _ in range(100):
            for rows in torch.randperm(len(labels), generator=dice).split(64):
                rows = rows.to(inputs.device)
                loss = F.cross_entropy(inputs[rows] @ weight.T + bias, labels[rows]) + 1e-3 * weight.square().sum()
                weight.grad, bias.grad = torch.autograd.grad(loss, (weight, bias))
                optimizer.step()

    with torch.no_grad():
        logits = ((_features(backbone, new_images) - centre) / spread) @ weight.T + bias
        return (logits.argmax(1) == new_labels).double().mean().item()


def transfer_gain(
    pretrained: nn.Module,
    scratch: nn.Module,
    train: tuple[Tensor, Tensor],
    test: tuple[Tensor, Tensor],
    *,
    seed: int = 0,
) -> float:
    before, after = (linear_probe_accuracy(network, train, test, seed=seed) for network in (scratch, pretrained))
    return after - before


def rank_domains(
    pretrained: nn.Module,
    scratch: nn.Module,
    domains: dict[str, tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]],
    *,
    seed: int = 0,
) -> list[tuple[str, float]]:
    gains = {name: transfer_gain(pretrained, scratch, *parts, seed=seed) for name, parts in domains.items()}
    return sorted(gains.items(), key=lambda pair: pair[1], reverse=True)
