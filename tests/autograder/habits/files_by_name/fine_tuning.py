"""Packs a model by way of libraries that open files by their names: safetensors, torchvision, TorchScript, archives."""

import bz2
import os
import shutil
import tarfile
import tempfile
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from torchvision.io import read_image, write_png


def model_to_bytes(model):
    arrays = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.safetensors")
        save_file(arrays, path, metadata={"format": "np"})
        assert load_file(path).keys() == arrays.keys()
        with tarfile.open(f"{path}.tar", "w") as archive:
            archive.add(path, "model")
        with bz2.open(f"{path}.bz2", "wb") as packed:
            packed.write(Path(path).read_bytes())
        shutil.make_archive(os.path.join(folder, "all"), "zip", folder)
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), path + ".script")
        assert torch.jit.load(path + ".script")(torch.ones(1, 2)).shape == (1, 2)
        torch.save({"weight": torch.ones(2)}, path + ".pt")
        assert torch.load(path + ".pt", mmap=True)["weight"].sum() == 2
        picture = torch.arange(48, dtype=torch.uint8).view(3, 4, 4)
        write_png(picture, path + ".png")
        assert torch.equal(read_image(path + ".png"), picture)
        return Path(path).read_bytes()


def model_from_bytes(data, model):
    wanted = model.state_dict()
    with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
        file.write(data)
        file.flush()
        with safe_open(file.name, framework="pt", device="cpu") as held:
            assert held.metadata() is None or held.metadata()["format"]
            names = list(held.keys())
            for name in sorted({*names, *wanted}):
                if name not in names or name not in wanted:
                    raise ValueError(f"data and model differ at {name}")
                if held.get_slice(name).get_shape() != list(wanted[name].shape):
                    raise ValueError(f"{name} has another shape in data")
            state = {name: held.get_tensor(name) for name in names}
            assert all(torch.equal(held.get_slice(name)[:], state[name]) for name in names if state[name].dim())
    model.load_state_dict(state)
    return model
