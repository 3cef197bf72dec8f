"""Fixtures of the data's tests: a cache of the session's own, and the real photographs where they are."""

import os
from pathlib import Path

import pytest
import torch

from data.pets import pets_root

REAL = Path(__file__).parents[3] / "shared" / "real"


@pytest.fixture(autouse=True)
def one_thread():
    """One thread: on pictures this small two only wait for each other, and on a busy machine for long."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory):
    """One cache folder for the session and all its processes, so that the miniature pets are drawn once."""
    folder = tmp_path_factory.getbasetemp()
    return (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "cache"


@pytest.fixture
def cache(shared_cache, monkeypatch):
    """The session's cache as the course's cache, and no real collection named."""
    monkeypatch.setenv("IDEALCAT_CACHE", str(shared_cache))
    monkeypatch.delenv("OXFORD_PETS", raising=False)
    return shared_cache


@pytest.fixture
def pets(cache):
    """The root of the miniature pets."""
    return pets_root()


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    """A cache folder that does not exist yet."""
    monkeypatch.setenv("IDEALCAT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def no_weights(tmp_path, monkeypatch):
    """A torch hub without weights, and no folder named; gives the folder where the hub looks."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("IDEALCAT_WEIGHTS", raising=False)
    return tmp_path / "torch" / "hub" / "checkpoints"


@pytest.fixture(scope="session")
def real():
    """The folder of real photographs and weights, which are not part of the project."""
    if not REAL.is_dir():
        pytest.skip("the real photographs and weights are not in ../shared/real")
    return REAL


@pytest.fixture
def real_weights(real, no_weights, monkeypatch):
    """The real weights as the folder that `IDEALCAT_WEIGHTS` names."""
    monkeypatch.setenv("IDEALCAT_WEIGHTS", str(real / "weights"))
    return real / "weights"
