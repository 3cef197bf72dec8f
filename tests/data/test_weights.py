"""Weights: found in three places, and refused by name where they are not what they should be."""

import hashlib
import shutil
import threading
from functools import partial
from http.client import IncompleteRead
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from safetensors.torch import save_file

import data
from data import WeightsError, weights
from data.imagenet import NETWORKS

NAME = "squeezenet1_1"
UNREACHABLE = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def state():
    """Weights that fit the network, and are recognised by the value of one of them."""
    state = NETWORKS[NAME].bare().state_dict()
    state["classifier.1.bias"] = torch.full((1000,), 0.25)
    return state


@pytest.fixture
def official(state, tmp_path, monkeypatch):
    """A `.pth` file that carries its own hash in its name, and torchvision's address changed to that name."""
    path = tmp_path / "site" / "weights.pth"
    path.parent.mkdir()
    torch.save(state, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path = path.rename(path.with_name(f"{NAME}-{digest[:8]}.pth"))
    use_address(monkeypatch, f"{UNREACHABLE}/{path.name}")
    return path


def use_address(monkeypatch, address):
    monkeypatch.setattr(type(NETWORKS[NAME].weights), "url", property(lambda member: address), raising=False)


def is_ours(model):
    return bool((model.backbone.classifier[1].bias == 0.25).all())


def named_folder(tmp_path, monkeypatch):
    folder = tmp_path / "named"
    folder.mkdir()
    monkeypatch.setenv("IDEALCAT_WEIGHTS", str(folder))
    return folder


def test_the_hub_folder_is_looked_into_first(no_weights, official):
    no_weights.mkdir(parents=True)
    shutil.copy(official, no_weights)
    assert is_ours(data.load_model(NAME))


@pytest.mark.parametrize(
    "file", [f"{NAME}.safetensors", f"{NAME}-imagenet.safetensors", f"{NAME}-imagenet-fp16.safetensors"]
)
def test_a_named_folder_may_hold_safetensors(no_weights, official, state, tmp_path, monkeypatch, file):
    folder = named_folder(tmp_path, monkeypatch)
    half = "fp16" in file
    save_file({key: value.half() if half else value for key, value in state.items()}, folder / file)
    model = data.load_model(NAME)
    assert is_ours(model)
    assert all(parameter.dtype == torch.float32 for parameter in model.parameters())


def test_a_named_folder_may_hold_the_official_file(no_weights, official, tmp_path, monkeypatch):
    shutil.copy(official, named_folder(tmp_path, monkeypatch))
    assert is_ours(data.load_model(NAME))


def test_a_longer_network_name_is_not_taken_for_this_one(no_weights, tmp_path, monkeypatch):
    folder = named_folder(tmp_path, monkeypatch)
    (folder / "vgg16_bn-6c64b313.pth").write_bytes(b"")
    assert weights.find("vgg16", "https://example.org/vgg16-397923af.pth") is None


def test_it_is_downloaded_where_it_is_nowhere(no_weights, official, monkeypatch, capfd):
    handler = partial(SimpleHTTPRequestHandler, directory=official.parent)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        use_address(monkeypatch, f"http://127.0.0.1:{server.server_port}/{official.name}")
        assert is_ours(data.load_model(NAME))
        server.shutdown()
    assert "100" in capfd.readouterr().err
    assert [path.name for path in no_weights.iterdir()] == [official.name]


def test_a_download_with_the_wrong_hash_is_not_kept(no_weights, official, monkeypatch):
    wrong = official.rename(official.with_name(f"{NAME}-00000000.pth"))
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=wrong.parent)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        use_address(monkeypatch, f"http://127.0.0.1:{server.server_port}/{wrong.name}")
        with pytest.raises(WeightsError, match=r"could not be downloaded \(invalid hash value"):
            data.load_model(NAME)
        server.shutdown()
    assert not list(no_weights.iterdir())


def test_a_download_that_breaks_off_has_a_sentence(no_weights, official, monkeypatch):
    def breaks_off(*_args, **_kwargs):
        raise IncompleteRead(b"", 10)

    monkeypatch.setattr(torch.hub, "download_url_to_file", breaks_off)
    with pytest.raises(WeightsError, match=r"could not be downloaded \(IncompleteRead\(0 bytes read, 10 more expected"):
        data.load_model(NAME)


def test_without_network_one_sentence_names_file_place_and_address(no_weights, official):
    with pytest.raises(WeightsError) as caught:
        data.load_model(NAME)
    message = str(caught.value)
    assert message.startswith(f"The weights of {NAME} are not here and could not be downloaded (")
    assert f"put {official.name} into {no_weights} or into the folder that IDEALCAT_WEIGHTS names" in message
    assert message.endswith(f"its address is {UNREACHABLE}/{official.name}.")
    assert "\n" not in message


def test_a_file_with_the_wrong_hash_is_refused_by_name(no_weights, official):
    no_weights.mkdir(parents=True)
    bad = no_weights / official.name
    bad.write_bytes(official.read_bytes()[:-1])
    with pytest.raises(
        WeightsError, match=rf"{bad} is not the file it should be: its SHA-256 begins with .* delete it"
    ):
        data.load_model(NAME)


def test_a_truncated_safetensors_is_refused_by_name(no_weights, official, state, tmp_path, monkeypatch):
    path = named_folder(tmp_path, monkeypatch) / f"{NAME}.safetensors"
    save_file(state, path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WeightsError, match=rf"{path} cannot be read as weights \(it may be cut short\): delete it"):
        data.load_model(NAME)


@pytest.mark.parametrize("content", [b"", b"no tensors here"])
@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_a_file_of_something_else_is_refused_by_name(tmp_path, content, suffix):
    path = tmp_path / f"something.{suffix}"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=rf"{path} cannot be read as weights"):
        weights.open_file(path)


def test_a_pickle_that_runs_code_is_not_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    torch.save({"weight": Trap()}, tmp_path / "trap.pth")
    with pytest.raises(WeightsError):
        weights.open_file(tmp_path / "trap.pth")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda state: state.pop("features.0.weight"), r"lack 'features.0.weight'"),
        (lambda state: state.update(extra=torch.zeros(1)), r"hold 'extra', which the network does not have"),
        (
            lambda state: state.update({"classifier.1.bias": torch.zeros(37)}),
            r"have 'classifier.1.bias' of shape \(37,\), not \(1000,\)",
        ),
    ],
)
def test_wrong_keys_and_shapes_are_refused_by_name(
    no_weights, official, state, tmp_path, monkeypatch, change, sentence
):
    changed = dict(state)
    change(changed)
    path = named_folder(tmp_path, monkeypatch) / f"{NAME}.safetensors"
    save_file(changed, path)
    with pytest.raises(WeightsError, match=rf"The weights of {NAME}.* {sentence}"):
        data.load_model(NAME)


def test_a_named_folder_that_does_not_exist_is_said(no_weights, tmp_path, monkeypatch):
    monkeypatch.setenv("IDEALCAT_WEIGHTS", str(tmp_path / "nowhere"))
    with pytest.raises(WeightsError, match=r"IDEALCAT_WEIGHTS names .*nowhere, which is no folder"):
        data.load_model(NAME)


def test_every_official_address_carries_its_hash():
    for network in NETWORKS.values():
        assert len(weights.hash_prefix(network.weights.url)) >= 8
    with pytest.raises(ValueError, match="names no hash"):
        weights.hash_prefix("https://example.org/weights.pth")


def test_tinys_own_file_is_checked_as_well(monkeypatch):
    monkeypatch.setattr("data.networks._tiny_state", lambda name: {"head.bias": torch.zeros(48)})
    with pytest.raises(WeightsError, match=r"The weights of .*tiny.safetensors lack "):
        data.load_model("tiny")
