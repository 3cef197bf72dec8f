"""Domain shift: kung saan hindi na tumutulong ang transfer. Ang hamon."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def _features(backbone: nn.Module, images: Tensor) -> Tensor:
    # Eval mode at walang gradient; pagkatapos ay gaya ng dati ang backbone.
    modes = [(module, module.training) for module in backbone.modules()]
    try:
        backbone.eval()
        with torch.no_grad():
            return torch.cat([backbone(batch) for batch in images.split(64)]).double()
    finally:
        for module, mode in modes:
            module.training = mode


def linear_probe_accuracy(
    backbone: nn.Module, train: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor], *, seed: int = 0
) -> float:
    # Buong batch ang bawat hakbang, mula sa zero, kaya walang pagkakasunod-sunod na itatakda ang seed.
    labels = train[1]
    x, unseen = _features(backbone, train[0]), _features(backbone, test[0])
    mean, spread = x.mean(dim=0), x.std(dim=0, unbiased=False)
    alive = spread > 1e-5 * mean.abs()
    scale = torch.where(alive, 1 / torch.where(alive, spread, 1.0), 0.0) / x.shape[1] ** 0.5
    x, unseen = (x - mean) * scale, (unseen - mean) * scale

    num_classes = int(labels.max()) + 1
    weight = x.new_zeros(num_classes, x.shape[1], requires_grad=True)
    bias = x.new_zeros(num_classes, requires_grad=True)
    descent = torch.optim.LBFGS([weight, bias], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        descent.zero_grad()
        loss = F.cross_entropy(x @ weight.T + bias, labels) + 1e-4 * weight.square().sum()
        loss.backward()
        return loss

    with torch.enable_grad():
        descent.step(closure)
    with torch.no_grad():
        guesses = (unseen @ weight.T + bias).argmax(dim=1)
    return (guesses == test[1]).double().mean().item()


def transfer_gain(
    pretrained: nn.Module,
    scratch: nn.Module,
    train: tuple[Tensor, Tensor],
    test: tuple[Tensor, Tensor],
    *,
    seed: int = 0,
) -> float:
    with_it = linear_probe_accuracy(pretrained, train, test, seed=seed)
    return with_it - linear_probe_accuracy(scratch, train, test, seed=seed)


def rank_domains(
    pretrained: nn.Module,
    scratch: nn.Module,
    domains: dict[str, tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]],
    *,
    seed: int = 0,
) -> list[tuple[str, float]]:
    gains = [(name, transfer_gain(pretrained, scratch, *parts, seed=seed)) for name, parts in domains.items()]
    # Ang pinakamalaking dagdag muna.
    return sorted(gains, key=lambda pair: -pair[1])
