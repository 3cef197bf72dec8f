"""Pretraining, tried out on a handful of pictures."""

import json
import os
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from data import Classifier
from data.networks import tiny_model
from data.world import CLASSES
from tools.pretrain import PLANS, Plan, attack, augment, fit


def pictures(count):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, 3, 64, 64), generator=generator, dtype=torch.uint8)


def test_augmentation_varies_by_generator_and_stays_in_range():
    first, again, other = (augment(pictures(4), 0.05, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert first.equal(again)
    assert not first.equal(other)
    assert first.min() >= 0 and first.max() <= 1
    assert first.shape == (4, 3, 64, 64)


@pytest.mark.parametrize("epsilon", [0.0, 6 / 255])
def test_a_training_attack_stays_within_its_budget(epsilon):
    model: Classifier = tiny_model(CLASSES).eval()
    images, labels = pictures(4).float() / 255, torch.arange(4)
    moved = attack(model, images, labels, Plan(epsilon=epsilon))
    assert float((moved - images).abs().max()) <= epsilon + 1e-6
    assert moved.min() >= 0 and moved.max() <= 1
    assert moved.equal(images) == (epsilon == 0)


def test_the_same_seed_trains_the_same_network():
    def trained():
        torch.manual_seed(0)
        model = tiny_model(CLASSES)
        plan = Plan(epochs=2, clean_epochs=1, batch_size=4, epsilon=2 / 255)
        fit(model, pictures(8), torch.arange(8), plan)
        return model.state_dict()

    first, again = trained(), trained()
    assert all(torch.equal(first[key], again[key]) for key in first)


def test_the_plans_are_those_on_record():
    assert PLANS["tiny"].epsilon == 0
    assert PLANS["tiny_robust"].epsilon > 0


@pytest.mark.slow
def test_the_command_writes_weights_and_record(tmp_path):
    command = [
        sys.executable,
        "-m",
        "tools.pretrain",
        "tiny",
        "--epochs",
        "1",
        "--per-class",
        "2",
        "-o",
        "w.safetensors",
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert "held-out pictures" in done.stdout
    record = json.loads((tmp_path / "w.json").read_text())
    assert record["plan"]["per_class"] == 2
    assert load_file(tmp_path / "w.safetensors")["head.weight"].shape == (48, 160)
