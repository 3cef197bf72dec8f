"""Load networks by name. All take float32 images `(N, 3, H, W)` with pixels in `[0, 1]`, any `H, W >= 32`.

Each carries its `recipe`, `("module:function", arguments)`: the call that makes it again. So a network reaches another
process as a name and plain values, never as code.
"""

import json
from collections import OrderedDict
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn

from data import weights
from data.imagenet import NETWORKS
from data.layers import TINY_FEATURES, Classifier, Normalize, tiny_layers, unset_linear

#: The networks whose weights come along with the course. One cannot serve both halves of the lesson: `tiny` is fooled by
#: changes that nobody sees; `tiny_robust` was trained against such changes, and its ideal images show shapes.
COME_ALONG = ("tiny", "tiny_robust")
NAMES = (*COME_ALONG, *NETWORKS)
COME_ALONG_FOLDER = Path(__file__).parent / "come_along"


def load_backbone(name: str, pretrained: bool = True, *, seed: int = 0) -> nn.Module:
    """Return a backbone in eval mode: images `(N, 3, H, W)` to features `(N, D)`.

    Args:
        name: one of `NAMES`.
        pretrained: False gives the same architecture with random weights.
        seed: draws the weights of an untrained network; the global random state is neither used nor changed.

    Raises:
        ValueError: the name is not one of the course's.
        WeightsError: the weights are missing and cannot be downloaded, or are not those of the network.
    """
    return load_model(name, pretrained, seed=seed).backbone


def load_model(name: str, pretrained: bool = True, *, seed: int = 0) -> Classifier:
    """Return a model in eval mode: images `(N, 3, H, W)` to logits `(N, K)`, with `.backbone`, `.head`, `.classes`.

    Arguments and errors are those of `load_backbone`.
    """
    if name not in NAMES:
        raise ValueError(f"name {name!r} is not a network of this course; the course has {', '.join(NAMES)}")
    model = _load_trained(name) if pretrained else _make_untrained(name, seed)
    arguments = {"name": name, "pretrained": pretrained, "seed": seed}
    for module, maker in ((model, "load_model"), (model.backbone, "load_backbone")):
        module.recipe = (f"data:{maker}", dict(arguments))  # type: ignore[assignment] # modules are open
    return model.eval()


@torch.inference_mode()
def features_of(backbone: nn.Module, images: Tensor) -> Tensor:
    """Return the features `(N, D)` of images `(N, 3, H, W)`, computed in batches of 64."""
    return torch.cat([backbone(part) for part in images.split(64)]).clone()


def load_with_new_head(name: str, classes: Sequence[str], *, seed: int = 0) -> Classifier:
    """Return a model in eval mode with a pretrained backbone and an untrained head for other classes.

    Args:
        name: one of `NAMES`.
        classes: the names of the classes.
        seed: draws the weights of the head; the global random state is neither used nor changed.

    Raises:
        ValueError, WeightsError: as `load_backbone` does.
    """
    model = load_model(name)
    head = unset_linear(model.head.in_features, len(classes))
    bound = head.in_features**-0.5
    with torch.no_grad():
        head.weight.copy_(bound * torch.randn(head.weight.shape, generator=torch.Generator().manual_seed(seed)))
        head.bias.zero_()
    made = Classifier(model.backbone, head, classes).eval()
    made.recipe = ("data:load_with_new_head", {"name": name, "classes": list(classes), "seed": seed})  # type: ignore[assignment]
    return made


def _make_untrained(name: str, seed: int) -> Classifier:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if name in COME_ALONG:
            return tiny_model(tiny_classes(name))
        return NETWORKS[name].classifier(NETWORKS[name].bare())


def _load_trained(name: str) -> Classifier:
    if name in COME_ALONG:
        # Not on "meta": there the first random draw imports PyTorch's compiler, which takes seconds.
        model = _make_untrained(name, seed=0)
        _fill(model, {key: value.clone() for key, value in _tiny_state(name).items()}, str(_tiny_file(name)))
        return model
    with torch.device("meta"):
        network = NETWORKS[name].bare()
    _fill(network, weights.read(name, NETWORKS[name].weights.url), name)
    return NETWORKS[name].classifier(network)


def _fill(network: nn.Module, state: dict[str, Tensor], origin: str) -> None:
    """Fill a network with weights. If it was made on "meta" it has no random ones, which saves drawing them."""
    counters = [key for key in network.state_dict() if key.endswith("num_batches_tracked")]
    state = {**{key: torch.tensor(0) for key in counters}, **state}
    weights.check_fit(state, network.state_dict(), origin)
    network.load_state_dict(state, assign=True)
    network.requires_grad_(True)


def tiny_model(classes: tuple[str, ...]) -> Classifier:
    """Return the architecture of `COME_ALONG` with random weights from the global random state."""
    backbone = nn.Sequential(OrderedDict({"normalize": Normalize(), **tiny_layers()}))
    return Classifier(backbone, nn.Linear(TINY_FEATURES, len(classes)), classes)


def _tiny_file(name: str) -> Path:
    return COME_ALONG_FOLDER / f"{name}.safetensors"


@cache
def tiny_classes(name: str) -> tuple[str, ...]:
    """Return the class names that a network of `COME_ALONG` was trained on, in the order of its logits."""
    record = json.loads(_tiny_file(name).with_suffix(".json").read_text())
    return tuple(record["classes"])


@cache
def _tiny_state(name: str) -> dict[str, Tensor]:
    """Return the weights of a network of `COME_ALONG`, read once in a process: a server forks many workers that use them."""
    return {key: value.float() for key, value in weights.open_file(_tiny_file(name)).items()}
