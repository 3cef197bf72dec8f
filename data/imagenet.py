"""Cut torchvision's ImageNet networks in two: a backbone that gives one feature vector for each image, and a head."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import nn

from data.layers import Classifier, Normalize

if TYPE_CHECKING:
    from torchvision.models import WeightsEnum

Parts = tuple[dict[str, nn.Module], nn.Module]


def _cut_classifier(network: nn.Module) -> Parts:
    """Cut VGG or MobileNet: the backbone is everything before the last linear layer."""
    *hidden, head = network.classifier
    pool = getattr(network, "avgpool", None) or nn.AdaptiveAvgPool2d(1)
    parts = {"features": network.features, "pool": pool, "flatten": nn.Flatten()}
    return parts | {"hidden": nn.Sequential(*hidden)}, head


def _cut_fc(network: nn.Module) -> Parts:
    """Cut ResNet: the backbone is everything before `fc`, under its own names."""
    parts = {name: layer for name, layer in network.named_children() if name != "fc"}
    return parts | {"flatten": nn.Flatten()}, network.fc


def _cut_nothing(network: nn.Module) -> Parts:
    """Return the whole of SqueezeNet as the backbone: it has no linear layer that could be cut off as a head.

    The features are its class scores before the softmax, and the head passes them on.
    """
    return {
        "features": network.features,
        "classifier": network.classifier,
        "flatten": nn.Flatten(),
    }, nn.Identity()


@dataclass(frozen=True)
class Network:
    """A network of torchvision's, by its name there, and where to cut it."""

    name: str
    cut: Callable[[nn.Module], Parts]

    @property
    def weights(self) -> "WeightsEnum":
        """Return the network's first ImageNet weights: those of papers and most course texts."""
        from torchvision.models import get_model_weights

        return get_model_weights(self.name)["IMAGENET1K_V1"]

    @property
    def classes(self) -> list[str]:
        """Return ImageNet's 1000 class names, in the order of the logits."""
        return list(self.weights.meta["categories"])

    def bare(self) -> nn.Module:
        """Return torchvision's own network, with random weights."""
        from torchvision.models import get_model

        network: nn.Module = get_model(self.name, weights=None)
        return network

    def classifier(self, network: nn.Module) -> Classifier:
        """Return the same network as a model of the course: it takes pixels in `[0, 1]`, and is cut in two."""
        parts, head = self.cut(network)
        backbone = nn.Sequential(OrderedDict({"normalize": Normalize(), **parts}))
        return Classifier(backbone, head, self.classes)


NETWORKS: dict[str, Network] = {
    network.name: network
    for network in (
        Network("vgg16", _cut_classifier),
        Network("vgg19", _cut_classifier),
        Network("resnet18", _cut_fc),
        Network("resnet50", _cut_fc),
        Network("mobilenet_v2", _cut_classifier),
        Network("mobilenet_v3_small", _cut_classifier),
        Network("squeezenet1_1", _cut_nothing),
    )
}
