"""torchvision's ImageNet networks, cut in two: a backbone with one feature vector an image, and a head."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from torch import nn
from torchvision import models
from torchvision.models import WeightsEnum

from data.layers import Classifier, Normalize

Parts = tuple[dict[str, nn.Module], nn.Module]


def _cut_classifier(network: nn.Module) -> Parts:
    """VGG and MobileNet: everything before the last linear layer is backbone."""
    *hidden, head = network.classifier
    pool = getattr(network, "avgpool", None) or nn.AdaptiveAvgPool2d(1)
    parts = {"features": network.features, "pool": pool, "flatten": nn.Flatten()}
    return parts | {"hidden": nn.Sequential(*hidden)}, head


def _cut_fc(network: nn.Module) -> Parts:
    """ResNet: everything before `fc` is backbone, under the names it has there."""
    parts = {name: layer for name, layer in network.named_children() if name != "fc"}
    return parts | {"flatten": nn.Flatten()}, network.fc


def _cut_nothing(network: nn.Module) -> Parts:
    """SqueezeNet ends in a convolution and a ReLU before its pool: no linear head is left to cut off.

    Its class scores before the softmax are the features, and the head passes them on.
    """
    return {
        "features": network.features,
        "classifier": network.classifier,
        "flatten": nn.Flatten(),
    }, nn.Identity()


@dataclass(frozen=True)
class Network:
    """How torchvision makes a network, the weights that the course uses with it, and where to cut it."""

    make: Callable[..., nn.Module]
    weights: WeightsEnum
    cut: Callable[[nn.Module], Parts]

    @property
    def classes(self) -> list[str]:
        """ImageNet's 1000 class names, in the order of the logits."""
        return list(self.weights.meta["categories"])

    def bare(self) -> nn.Module:
        """torchvision's own network, with random weights."""
        return self.make(weights=None)

    def classifier(self, network: nn.Module) -> Classifier:
        """The same network as a model of the course: it takes pixels in `[0, 1]`, and is cut in two."""
        parts, head = self.cut(network)
        backbone = nn.Sequential(OrderedDict({"normalize": Normalize(), **parts}))
        return Classifier(backbone, head, self.classes)


# The first ImageNet weights of each network: those that papers and most course texts speak of.
NETWORKS: dict[str, Network] = {
    "vgg16": Network(models.vgg16, models.VGG16_Weights.IMAGENET1K_V1, _cut_classifier),
    "vgg19": Network(models.vgg19, models.VGG19_Weights.IMAGENET1K_V1, _cut_classifier),
    "resnet18": Network(models.resnet18, models.ResNet18_Weights.IMAGENET1K_V1, _cut_fc),
    "resnet50": Network(models.resnet50, models.ResNet50_Weights.IMAGENET1K_V1, _cut_fc),
    "mobilenet_v2": Network(models.mobilenet_v2, models.MobileNet_V2_Weights.IMAGENET1K_V1, _cut_classifier),
    "mobilenet_v3_small": Network(
        models.mobilenet_v3_small, models.MobileNet_V3_Small_Weights.IMAGENET1K_V1, _cut_classifier
    ),
    "squeezenet1_1": Network(models.squeezenet1_1, models.SqueezeNet1_1_Weights.IMAGENET1K_V1, _cut_nothing),
}
