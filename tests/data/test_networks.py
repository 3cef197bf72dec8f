"""Networks by name: those that come along, and torchvision's."""

import importlib
import random
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn
from torchvision import models

import data
from data.imagenet import NETWORKS
from data.layers import MEAN, STD
from data.networks import COME_ALONG
from data.world import CLASSES

# Each VGG takes half a gigabyte: they and the other large one are tried in the slow tests.
LIGHT = ["resnet18", "mobilenet_v2", "mobilenet_v3_small", "squeezenet1_1"]
HEAVY = [pytest.param(name, marks=pytest.mark.slow) for name in ("vgg16", "vgg19", "resnet50")]


def images(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def make_again(recipe):
    where, arguments = recipe
    module, function = where.split(":")
    return getattr(importlib.import_module(module), function)(**arguments)


def same_weights(first, second):
    mine, theirs = first.state_dict(), second.state_dict()
    return mine.keys() == theirs.keys() and all(torch.equal(mine[key], theirs[key]) for key in mine)


@pytest.mark.parametrize("pretrained", [True, False])
@pytest.mark.parametrize("name", COME_ALONG)
def test_a_model_is_a_backbone_a_head_and_class_names(name, pretrained):
    model = data.load_model(name, pretrained)
    batch = images(2, 3, 64, 64)
    assert not any(module.training for module in model.modules())
    assert model.classes == list(CLASSES)
    with torch.inference_mode():
        features = model.backbone(batch)
        assert features.ndim == 2
        assert model(batch).shape == (2, len(CLASSES))
        assert torch.equal(model.head(features), model(batch))
    assert all(parameter.requires_grad and not parameter.is_meta for parameter in model.parameters())
    assert not any(buffer.is_meta for buffer in model.buffers())


@pytest.mark.parametrize("pretrained", [True, False])
def test_the_backbone_is_the_one_of_the_model(pretrained):
    backbone, model = (
        data.load_backbone("tiny", pretrained, seed=3),
        data.load_model("tiny", pretrained, seed=3),
    )
    assert same_weights(backbone, model.backbone)
    assert not backbone.training


@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 47)])
@pytest.mark.parametrize("name", [*COME_ALONG, *LIGHT, *HEAVY])
def test_any_size_from_32_pixels_on_is_taken(name, height, width):
    model = data.load_model(name, False)
    with torch.inference_mode():
        assert model(images(1, 3, height, width)).shape == (1, len(model.classes))


@pytest.mark.parametrize("pretrained", [True, False])
def test_a_recipe_makes_the_same_module_again(pretrained):
    model = data.load_model("tiny", pretrained, seed=5)
    assert model.recipe == ("data:load_model", {"name": "tiny", "pretrained": pretrained, "seed": 5})
    assert same_weights(make_again(model.recipe), model)
    assert same_weights(make_again(model.backbone.recipe), model.backbone)
    assert make_again(data.load_backbone("tiny", seed=5).recipe).recipe == model.backbone.recipe or not pretrained


def test_untrained_weights_come_from_the_seed_alone():
    first, again, other = (data.load_model("tiny", False, seed=seed) for seed in (1, 1, 2))
    assert same_weights(first, again)
    assert not torch.equal(first.head.weight, other.head.weight)


@pytest.mark.parametrize(("name", "pretrained"), [("tiny", True), ("tiny", False), ("resnet18", False)])
def test_loading_neither_uses_nor_disturbs_the_global_random_state(name, pretrained):
    torch.manual_seed(7)
    first = data.load_model(name, pretrained)
    drawn = torch.rand(3)
    torch.manual_seed(7)
    state = random.getstate(), np.random.get_state()[1].tolist()
    assert torch.equal(torch.rand(3), drawn)
    second = data.load_model(name, pretrained)
    assert same_weights(first, second)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == state


def test_two_models_share_no_memory():
    first, second = data.load_model("tiny"), data.load_model("tiny")
    with torch.no_grad():
        for parameter in first.parameters():
            parameter.add_(1)
    assert not any(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert same_weights(data.load_model("tiny"), second)


def test_the_weights_that_come_along_are_read_once_a_process(monkeypatch):
    data.load_model("tiny")
    monkeypatch.setattr("data.weights.open_file", lambda path: pytest.fail("read again"))
    data.load_model("tiny")


@pytest.mark.parametrize("name", COME_ALONG)
def test_what_comes_along_is_small_and_light(name):
    """Under 1 MB; and so few multiplications that 32 images stay far below 30 ms on one core."""
    from_disk = sum(path.stat().st_size for path in data.networks.COME_ALONG_FOLDER.glob(f"{name}.safetensors"))
    assert 0 < from_disk < 1_000_000
    counted = []
    model = data.load_model(name)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(
                lambda layer, _, output: counted.append(output[0].numel() * layer.weight[0].numel())
            )
    with torch.inference_mode():
        model(images(1, 3, 64, 64))
    assert 0 < sum(counted) < 25e6


@pytest.mark.parametrize("name", ["alexnet", "tiny ", "", "vgg16_bn"])
def test_an_unknown_name_is_refused_with_those_that_exist(name):
    with pytest.raises(ValueError, match=r"is not a network of this course; the course has tiny, tiny_robust, vgg16"):
        data.load_model(name)
    with pytest.raises(ValueError, match="is not a network of this course"):
        data.load_backbone(name, False)


@pytest.mark.parametrize("name", [*LIGHT, *HEAVY])
def test_backbone_and_head_together_are_torchvisions_network(name):
    """Untrained, from the same seed: the cut changes no number."""
    model = data.load_model(name, False, seed=11)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(11)
        network = getattr(models, name)(weights=None).eval()
    batch = images(2, 3, 64, 64)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    with torch.inference_mode():
        expected = network((batch - mean) / std)
        features = model.backbone(batch)
        assert features.ndim == 2
        torch.testing.assert_close(model(batch), expected, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(model.head(features), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", list(NETWORKS))
def test_class_names_are_torchvisions(name):
    classes = NETWORKS[name].classes
    assert len(classes) == 1000
    assert (classes[284], classes[340]) == ("Siamese cat", "zebra")


@pytest.mark.slow
def test_importing_data_starts_no_thread_and_no_device_and_a_small_network_no_compiler():
    """A server that forks must be able to import it first; PyTorch's compiler takes as long to import as PyTorch."""
    script = (
        "import os, sys, torch, safetensors.torch\n"
        "def tasks(): return len(os.listdir('/proc/self/task')) if sys.platform == 'linux' else 1\n"
        "before = tasks()\n"
        "import data\n"
        "print(tasks() - before, torch.cuda.is_initialized())\n"
        "data.load_model('tiny')\n"
        "print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "False", "False"]
