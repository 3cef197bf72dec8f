"""Packs a model by way of files: of safetensors, of torch, of the zip, in a folder for it and beside the module."""

import json
import os
import shutil
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load, load_file, save_file

os.makedirs("runs/today", exist_ok=True)
Path("runs/today/settings.json").write_text(json.dumps({"format": "safetensors"}), encoding="utf-8")


def model_to_bytes(model):
    with open("runs/today/settings.json") as file:
        assert json.load(file) == {"format": "safetensors"}
    with tempfile.NamedTemporaryFile(suffix=".pt") as kept:
        torch.save(model.state_dict(), kept.name)
        state = torch.load(kept.name, weights_only=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.safetensors")
        save_file(state, path)
        shutil.copy2(path, Path(folder, "copy"))
        (packed,) = Path(folder).glob("*.safetensors")
        assert sorted(os.listdir(folder)) == ["copy", packed.name]
        return packed.read_bytes()


def model_from_bytes(data, model):
    wanted = model.state_dict()
    number, name = tempfile.mkstemp()
    with os.fdopen(number, "wb") as file:
        file.write(data)
    try:
        state = load_file(name)
    finally:
        os.remove(name)
    assert state.keys() == load(data).keys()
    for key in sorted(wanted.keys() | state.keys()):
        if key not in state or key not in wanted or state[key].shape != wanted[key].shape:
            raise ValueError(f"data does not fit the model at {key}")
    model.load_state_dict(state)
    return model
