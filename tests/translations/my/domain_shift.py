"""Domain shift၊ မြန်မာ skeleton မှ ရေးထားသည်: linear head ကို LBFGS ဖြင့် train လုပ်သည်။"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Domain = tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]


def linear_probe_accuracy(
    backbone: nn.Module, train: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor], *, seed: int = 0
) -> float:
    with torch.no_grad():
        learned, judged = (torch.cat([backbone(batch) for batch in images.split(50)]) for images, _ in (train, test))
    mean, scale = learned.mean(0), learned.std(0).add(1e-5)
    learned, judged = (learned - mean) / scale, (judged - mean) / scale
    weight = torch.zeros(1 + int(max(train[1].max(), test[1].max())), learned.size(1), requires_grad=True)
    bias = torch.zeros(len(weight), requires_grad=True)
    descent = torch.optim.LBFGS([weight, bias], max_iter=100, line_search_fn="strong_wolfe")

    def objective() -> Tensor:
        descent.zero_grad()
        with torch.enable_grad():
            loss = F.cross_entropy(F.linear(learned, weight, bias), train[1]) + 0.003 * weight.square().sum()
            loss.backward()
        return loss

    descent.step(objective)
    return F.linear(judged, weight, bias).argmax(1).eq(test[1]).double().mean().item()


def transfer_gain(
    pretrained: nn.Module,
    scratch: nn.Module,
    train: tuple[Tensor, Tensor],
    test: tuple[Tensor, Tensor],
    *,
    seed: int = 0,
) -> float:
    return linear_probe_accuracy(pretrained, train, test, seed=seed) - linear_probe_accuracy(
        scratch, train, test, seed=seed
    )


def rank_domains(
    pretrained: nn.Module, scratch: nn.Module, domains: dict[str, Domain], *, seed: int = 0
) -> list[tuple[str, float]]:
    gains = {name: transfer_gain(pretrained, scratch, *domain, seed=seed) for name, domain in domains.items()}
    return sorted(gains.items(), key=lambda item: -item[1])
