"""Find weights, download them, and refuse those that are not what their name says."""

import hashlib
import os
import pickle
import re
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from data.cache import DataError

State = Mapping[str, Tensor]


class WeightsError(DataError):
    """Error: weights are missing, cannot be downloaded, or do not fit the network."""


def hub_folder() -> Path:
    """Return the folder in which torch keeps the weights that it downloads."""
    return Path(torch.hub.get_dir()) / "checkpoints"


def find(name: str, address: str) -> Path | None:
    """Return the file with the weights of a network; None if there is none.

    It is looked for in torch's hub folder under the official name, then in the folder `IDEALCAT_WEIGHTS` under any
    name that begins with the network's and ends in `.pth` or `.safetensors`.
    """
    official = hub_folder() / Path(address).name
    if official.is_file():
        return official
    return next(_candidates(name), None)


def _candidates(name: str) -> Iterator[Path]:
    named = os.environ.get("IDEALCAT_WEIGHTS")
    if not named:
        return
    # No letter, digit or underscore may follow the name: vgg16_bn is another network than vgg16.
    pattern = re.compile(re.escape(name) + r"(?![A-Za-z0-9_]).*\.(pth|safetensors)")
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise WeightsError(f"IDEALCAT_WEIGHTS names {folder}, which is no folder: name one that exists, or unset it.")
    yield from sorted(path for path in folder.iterdir() if pattern.fullmatch(path.name))


def read(name: str, address: str) -> dict[str, Tensor]:
    """Return the weights of a network, found or downloaded, as float32.

    Args:
        name: the network's name, for finding and for error messages.
        address: the official address; its file name ends in the first digits of the file's SHA-256.

    Raises:
        WeightsError: they are not here and cannot be downloaded, or the file is damaged or another one.
    """
    path = find(name, address) or download(name, address)
    if path.suffix == ".pth":
        _check_hash(path, address)
    return {key: value.float() if value.is_floating_point() else value for key, value in open_file(path).items()}


def open_file(path: Path) -> State:
    """Return the tensors of a `.safetensors` or `.pth` file, without running any code that the file holds."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state: State = torch.load(path, map_location="cpu", weights_only=True)
        return state
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, OSError, EOFError) as error:
        raise WeightsError(
            f"{path} cannot be read as weights (it may be cut short): delete it and fetch it again."
        ) from error


def download(name: str, address: str) -> Path:
    """Download weights into torch's hub folder with a progress bar. Return the file, which appears only when complete."""
    target = hub_folder() / Path(address).name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # torch writes to another name, checks the hash, and only then renames.
        torch.hub.download_url_to_file(address, str(target), hash_prefix=hash_prefix(address), progress=True)
    except (URLError, HTTPException, OSError, RuntimeError) as error:
        reason = getattr(error, "reason", None) or error
        raise WeightsError(
            f"The weights of {name} are not here and could not be downloaded ({reason}): put {target.name}"
            f" into {target.parent} or into the folder that IDEALCAT_WEIGHTS names; its address is {address}.",
            lacks=f"the weights of {name}",
        ) from error
    return target


def hash_prefix(address: str) -> str:
    """Return the first digits of the SHA-256, which torchvision's file names end in: `vgg16-397923af.pth`."""
    match = re.search(r"-([0-9a-f]{8,})\.", Path(address).name)
    if match is None:
        raise ValueError(f"address {address!r} names no hash")
    return match[1]


def _check_hash(path: Path, address: str) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if not found.startswith(hash_prefix(address)):
        raise WeightsError(
            f"{path} is not the file it should be: its SHA-256 begins with {found[:8]}, not with"
            f" {hash_prefix(address)}; delete it and fetch {address} again."
        )


def check_fit(state: State, expected: State, origin: str) -> None:
    """Refuse weights whose keys or shapes are not those of the network.

    Args:
        state: the weights.
        expected: those of the network itself.
        origin: the file or network that the sentence of an error names.

    Raises:
        WeightsError: they do not fit; the sentence names the first key that differs.
    """
    advice = "it is not of this network; delete it or name another folder."
    for key in expected:
        if key not in state:
            raise WeightsError(f"The weights of {origin} lack {key!r}: {advice}")
    for key, value in state.items():
        if key not in expected:
            raise WeightsError(f"The weights of {origin} hold {key!r}, which the network does not have: {advice}")
        if value.shape != expected[key].shape:
            got, wanted = tuple(value.shape), tuple(expected[key].shape)
            raise WeightsError(f"The weights of {origin} have {key!r} of shape {got}, not {wanted}: {advice}")
