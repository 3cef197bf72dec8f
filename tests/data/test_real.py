"""The same code on real photographs with real ImageNet weights, where `../shared/real` holds them.

The figures to come out are those of its README; a few points either way are left for other versions.
"""

import runpy
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchvision import models
from torchvision.datasets import OxfordIIITPet
from torchvision.transforms import CenterCrop, Compose, PILToTensor, Resize

import data
from data import weights
from data.layers import MEAN, STD
from data.networks import features_of
from tools.ideal_images import probability, variation
from tools.measure import probe_accuracy

# ImageNet's names of the 24 breeds that it has.
IMAGENET_BREEDS = {
    "Basset Hound": "basset",
    "Beagle": "beagle",
    "Boxer": "boxer",
    "Chihuahua": "Chihuahua",
    "Egyptian Mau": "Egyptian cat",
    "English Cocker Spaniel": "cocker spaniel",
    "English Setter": "English setter",
    "German Shorthaired": "German short-haired pointer",
    "Great Pyrenees": "Great Pyrenees",
    "Japanese Chin": "Japanese spaniel",
    "Keeshond": "keeshond",
    "Leonberger": "Leonberg",
    "Miniature Pinscher": "miniature pinscher",
    "Newfoundland": "Newfoundland",
    "Persian": "Persian cat",
    "Pomeranian": "Pomeranian",
    "Pug": "pug",
    "Saint Bernard": "Saint Bernard",
    "Samoyed": "Samoyed",
    "Scottish Terrier": "Scotch terrier",
    "Siamese": "Siamese cat",
    "Staffordshire Bull Terrier": "Staffordshire bullterrier",
    "Wheaten Terrier": "soft-coated wheaten terrier",
    "Yorkshire Terrier": "Yorkshire terrier",
}
FILES = {"mobilenet_v2": "mobilenet_v2-imagenet-fp16", "squeezenet1_1": "squeezenet1_1-imagenet"}
SIAMESE, ZEBRA = 284, 340
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def photographs(real):
    """All photographs: images `(370, 3, 224, 224)`, labels, breed names, and the number in the first half."""
    prepare = Compose([Resize(256), CenterCrop(224), PILToTensor()])
    halves = [OxfordIIITPet(data.pets_root(real), split, transform=prepare) for split in ("trainval", "test")]
    images, labels = zip(*(pair for half in halves for pair in half), strict=True)
    return torch.stack(images).float() / 255, torch.tensor(labels), halves[0].classes, len(halves[0])


def imagenet_labels(model, labels, breeds):
    """The ImageNet class of each photograph, -1 where ImageNet does not have its breed."""
    wanted = {breed: model.classes.index(name) for breed, name in IMAGENET_BREEDS.items()}
    return torch.tensor([wanted.get(breeds[label], -1) for label in labels])


def dogs_by_clean_prediction(model, images, labels, breeds, count):
    """Photographs of dogs that the model names rightly: of those picked by hand, some are not."""
    wanted = imagenet_labels(model, labels, breeds)
    is_dog = torch.tensor([breeds[label] not in ("Persian", "Siamese", "Egyptian Mau") for label in labels])
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    chosen = [k for k in order.tolist() if is_dog[k] and wanted[k] >= 0][: 2 * count]
    with torch.inference_mode():
        right = named_right(model, images[chosen], wanted[chosen])
    return images[chosen][right][:count]


def named_right(model, images, labels):
    return torch.cat([model(part).argmax(1) for part in images.split(16)]) == labels


def dogs_to_cats(model, dogs, epsilon, steps):
    """Projected signed-gradient steps of 1/255 towards the Siamese cat."""
    targets, moved = torch.full((len(dogs),), SIAMESE), dogs.clone()
    for _ in range(steps):
        moved.requires_grad_()
        (gradient,) = torch.autograd.grad(F.cross_entropy(model(moved), targets, reduction="sum"), moved)
        change = (moved.detach() - gradient.sign() / 255 - dogs).clamp(-epsilon, epsilon)
        moved = (dogs + change).clamp(0, 1)
    return moved


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_the_cut_network_is_torchvisions_with_these_weights(real_weights, name):
    network = getattr(models, name)(weights=None)
    state = weights.open_file(real_weights / f"{FILES[name]}.safetensors")
    network.load_state_dict({**network.state_dict(), **state})
    model = data.load_model(name)
    batch = torch.rand(2, 3, 96, 64, generator=torch.Generator().manual_seed(0))
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    with torch.inference_mode():
        expected = network.eval()((batch - mean) / std)
        torch.testing.assert_close(model(batch), expected, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(model.head(model.backbone(batch)), expected, rtol=1e-4, atol=1e-4)


def test_a_model_of_real_weights_is_made_again_by_its_recipe(real_weights):
    model = data.load_model("squeezenet1_1")
    again = data.load_model(**model.recipe[1])
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))


@pytest.mark.slow
def test_a_real_dog_becomes_a_siamese_cat(real_weights, photographs):
    images, labels, breeds, _ = photographs
    model = data.load_model("squeezenet1_1").requires_grad_(False)
    dogs = dogs_by_clean_prediction(model, images, labels, breeds, 4)
    moved = dogs_to_cats(model, dogs, 4 / 255, 10)
    assert float((moved - dogs).abs().max()) <= 4 / 255 + 1e-6
    with torch.inference_mode():
        assert int((model(moved).argmax(1) == SIAMESE).sum()) >= len(dogs) - 1


@pytest.mark.slow
@pytest.mark.parametrize(("name", "top1", "top5"), [("mobilenet_v2", 0.796, 0.975), ("squeezenet1_1", 0.654, 0.933)])
def test_top_1_and_top_5_are_those_of_the_readme(real_weights, photographs, name, top1, top5):
    images, labels, breeds, _ = photographs
    model = data.load_model(name)
    wanted = imagenet_labels(model, labels, breeds)
    images, wanted = images[wanted >= 0], wanted[wanted >= 0]
    with torch.inference_mode():
        top = torch.cat([model(part).topk(5).indices for part in images.split(32)])
    hits = top == wanted[:, None]
    print(name, float(hits[:, 0].float().mean()), float(hits.any(1).float().mean()))
    assert len(images) == 240
    assert float(hits[:, 0].float().mean()) == pytest.approx(top1, abs=0.03)
    assert float(hits.any(1).float().mean()) == pytest.approx(top5, abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "expected"), [("mobilenet_v2", 0.838), ("squeezenet1_1", 0.541)])
def test_a_linear_head_is_as_good_as_the_readme_says(real_weights, photographs, name, expected):
    images, labels, _, half = photographs

    def probe(backbone):
        features = features_of(backbone, images)
        return probe_accuracy((features[:half], labels[:half]), (features[half:], labels[half:]))

    trained, untrained = probe(data.load_backbone(name)), probe(data.load_backbone(name, False))
    print(name, trained, untrained)
    assert trained >= expected - 0.06
    assert untrained <= 0.2


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_twenty_dogs_are_fooled_at_4_of_255(real_weights, photographs, name):
    images, labels, breeds, _ = photographs
    model = data.load_model(name).requires_grad_(False)
    dogs = dogs_by_clean_prediction(model, images, labels, breeds, 20)
    for epsilon, least in ((4, 20), (1, 13)):
        moved = dogs_to_cats(model, dogs, epsilon / 255, 20)
        with torch.inference_mode():
            fooled = int((model(moved).argmax(1) == SIAMESE).sum())
        print(name, epsilon, fooled, len(dogs))
        assert fooled >= least - (20 - len(dogs))


@pytest.mark.slow
def test_the_variation_weight_decides_whether_the_other_network_sees_the_zebra(real_weights):
    squeeze, mobile = (data.load_model(name).requires_grad_(False) for name in ("squeezenet1_1", "mobilenet_v2"))
    smooth, rough = (ideal_zebra(squeeze, weight) for weight in (500.0, 0.0))
    agreed = [probability(mobile, image, ZEBRA) for image in (smooth, rough)]
    print(agreed, float(variation(smooth)), float(variation(rough)))
    assert min(probability(squeeze, image, ZEBRA) for image in (smooth, rough)) >= 0.99
    assert agreed[0] >= 0.9
    assert agreed[1] <= 0.3


def ideal_zebra(model: nn.Module, weight: float, steps: int = 256) -> torch.Tensor:
    """Adam on cross-entropy, the logit itself and the weighted variation, on a picture moved and mirrored a little.

    The cross-entropy vanishes once the network is sure; the logit goes on pulling, against a variation that weighs much.
    """
    generator = torch.Generator().manual_seed(0)
    image = (0.5 + 0.1 * torch.randn(1, 3, 224, 224, generator=generator)).clamp(0, 1).requires_grad_()
    optimizer = torch.optim.Adam([image], 0.05)
    for step in range(steps):
        shift = torch.randint(-8, 9, (2,), generator=generator).tolist()
        moved = image.roll(tuple(shift), (2, 3))
        logits = model(moved.flip(3) if step % 2 else moved)
        loss = F.cross_entropy(logits, torch.tensor([ZEBRA])) - 0.2 * logits[0, ZEBRA] + weight * variation(image)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            image.clamp_(0, 1)
    return image.detach()


@pytest.mark.slow
def test_the_pets_labs_own_classifier_on_photographs(real_weights, photographs):
    """`train_pet_classifier` of the solutions, as a student would run it. `-rP` shows the figures of the README."""
    images, labels, breeds, half = photographs
    pets_lab = runpy.run_path(str(ROOT / "solutions" / "pets_lab.py"))
    figures = {}
    for kind in ("pretrained", "untrained"):
        backbone = data.load_backbone("mobilenet_v2", pretrained=kind == "pretrained")
        torch.manual_seed(0)  # draws the head's first weights
        model = pets_lab["train_pet_classifier"](backbone, images[:half], labels[:half], breeds)
        with torch.inference_mode():
            logits = torch.cat([model(part) for part in images[half:].split(16)])
        figures[kind] = [pets_lab["top_k_accuracy"](logits, labels[half:], k) for k in (1, 3)]
        print(f"{kind}: top-1 {figures[kind][0]:.3f}, top-3 {figures[kind][1]:.3f}")
    assert figures["pretrained"][0] > 0.7
    assert figures["pretrained"][0] > figures["untrained"][0] + 0.5
