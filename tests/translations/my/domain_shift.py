"""Domain shift: transfer အကူမဖြစ်တော့သည့်နေရာ။ စိန်ခေါ်မှု။"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def _describe(backbone: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.cat([backbone(batch) for batch in images.split(64)]).float()


def linear_probe_accuracy(
    backbone: nn.Module, train: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor], *, seed: int = 0
) -> float:
    (images, labels), (new_images, new_labels) = train, test
    features, new_features = _describe(backbone, images), _describe(backbone, new_images)
    mean, spread = features.mean(dim=0), features.std(dim=0, correction=0)
    # မပြောင်းသော feature ကို ချဲ့၍ noise မဖြစ်စေရန်
    spread = torch.where(spread > 1e-5 * mean.abs(), spread, torch.ones_like(spread))
    features, new_features = (features - mean) / spread, (new_features - mean) / spread

    classes = int(labels.max()) + 1
    weight = torch.zeros(classes, features.shape[1], device=features.device, requires_grad=True)
    bias = torch.zeros(classes, device=features.device, requires_grad=True)
    optimizer = torch.optim.AdamW([weight, bias], lr=0.01, weight_decay=0.1)
    shuffle = torch.Generator().manual_seed(seed)
    batches = -(-len(labels) // 32)
    with torch.enable_grad():
        for _ in range(max(40, -(-300 // batches))):
            for chosen in torch.randperm(len(labels), generator=shuffle).split(32):
                chosen = chosen.to(labels.device)
                loss = F.cross_entropy(F.linear(features[chosen], weight, bias), labels[chosen])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    with torch.no_grad():
        guesses = F.linear(new_features, weight, bias).argmax(dim=1)
    return int((guesses == new_labels).sum()) / len(new_labels)


def transfer_gain(
    pretrained: nn.Module,
    scratch: nn.Module,
    train: tuple[Tensor, Tensor],
    test: tuple[Tensor, Tensor],
    *,
    seed: int = 0,
) -> float:
    # နှစ်ခုလုံးကို နည်းတူ၊ seed တူဖြင့် တိုင်းသည်
    return linear_probe_accuracy(pretrained, train, test, seed=seed) - linear_probe_accuracy(
        scratch, train, test, seed=seed
    )


def rank_domains(
    pretrained: nn.Module,
    scratch: nn.Module,
    domains: dict[str, tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]],
    *,
    seed: int = 0,
) -> list[tuple[str, float]]:
    gains = [(name, transfer_gain(pretrained, scratch, *parts, seed=seed)) for name, parts in domains.items()]
    return sorted(gains, key=lambda pair: pair[1], reverse=True)
