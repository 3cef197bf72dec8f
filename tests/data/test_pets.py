"""The miniature pets, read as the real ones are; and finding the real ones."""

import hashlib
from collections import Counter
from http.client import IncompleteRead
from unittest.mock import Mock

import numpy as np
import pytest
from PIL import Image, features
from torchvision.datasets import OxfordIIITPet

from data import CacheError, PetsError, cats_and_dogs_root, pets_root
from data.breeds import BREEDS
from data.pets import GREYSCALE, PNG_IN_DISGUISE, TRUNCATED, draw_pets

PETS_SHA256 = "3aa15eac869b989273a8ea53fba05b233a8f49549e71ee9fbce00e46579d8859"
CATS_AND_DOGS_SHA256 = "7d3b0b109cb1647392a91d9a04ffb183e4838eee5241aad8ee318e922e087438"

# A system's own Pillow may compress with another library: the same pictures in other bytes.
usual = features.check("libjpeg_turbo") and features.check("zlib_ng")
pinned = pytest.mark.skipif(not usual, reason="Pillow is not built with the encoders of its wheels")


def sha256_of(folder):
    """One SHA-256 over the names and bytes of all files below a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "manifest.json":
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def readable(path):
    try:
        with Image.open(path) as image:
            image.load()
    except OSError:
        return False
    return True


def opened(path):
    """The format and the mode that Pillow finds."""
    with Image.open(path) as image:
        return image.format, image.mode


@pytest.mark.slow
@pytest.mark.parametrize("split", ["trainval", "test"])
def test_torchvision_reads_every_picture_and_trimap(pets, split):
    dataset = OxfordIIITPet(pets, split, target_types=["category", "binary-category", "segmentation"])
    assert len(dataset) == 37 * 12
    labels = Counter()
    for image, (label, species, trimap) in dataset:
        labels[label] += 1
        assert image.mode == "RGB"
        assert image.size == trimap.size
        assert min(image.size) >= 64
        assert set(np.unique(trimap)) <= {1, 2, 3}
        assert species == (0 if list(BREEDS)[label][0].isupper() else 1)
    assert set(labels.values()) == {12}


@pytest.mark.slow
def test_the_breeds_are_those_of_the_collection(pets):
    dataset = OxfordIIITPet(pets)
    assert len(dataset.classes) == 37
    assert dataset.classes[:3] == ["Abyssinian", "American Bulldog", "American Pit Bull Terrier"]
    assert dataset.classes[-1] == "Yorkshire Terrier"
    assert sum(breed[0].isupper() for breed in BREEDS) == 12
    assert list(BREEDS) == sorted(BREEDS, key=str.lower)


@pytest.mark.slow
def test_the_list_names_every_picture_of_both_splits_under_a_header(pets):
    annotations = pets / "oxford-iiit-pet" / "annotations"
    lines = (annotations / "list.txt").read_text().splitlines()
    body = [line for line in lines if not line.startswith("#")]
    splits = [(annotations / f"{split}.txt").read_text().splitlines() for split in ("trainval", "test")]
    assert len(lines) - len(body) >= 1
    assert sorted(body) == sorted(splits[0] + splits[1])
    assert not set(splits[0]) & set(splits[1])
    assert "Bombay_7 8 1 4" in body


@pytest.mark.slow
def test_a_few_files_are_as_bad_as_in_the_real_collection(pets):
    images = pets / "oxford-iiit-pet" / "images"
    for name in GREYSCALE:
        assert opened(images / f"{name}.jpg") == ("JPEG", "L")
    for name in PNG_IN_DISGUISE:
        assert opened(images / f"{name}.jpg") == ("PNG", "RGB")
    bad = {path.name for path in images.iterdir() if not readable(path)}
    assert bad == {f"{name}.jpg" for name in TRUNCATED} | {"Bengal_101.jpg", "Abyssinian_100.mat"}
    listed = (images.parent / "annotations" / "list.txt").read_text()
    assert not any(name.rsplit(".", 1)[0] + " " in listed for name in bad)


@pytest.mark.slow
def test_the_trimap_lies_on_the_animal(pets):
    dataset = OxfordIIITPet(pets, target_types="segmentation")
    shares = [float((np.asarray(dataset[k][1]) == 1).mean()) for k in range(0, 444, 20)]
    assert all(0.02 < share < 0.95 for share in shares)


@pytest.mark.slow
@pinned
def test_the_bytes_of_the_miniature_are_pinned(pets):
    assert sha256_of(pets) == PETS_SHA256


@pytest.mark.slow
def test_drawing_again_gives_the_same_bytes(tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        draw_pets(tmp_path / name, per_split=1)
    assert sha256_of(tmp_path / "first") == sha256_of(tmp_path / "second")


@pytest.mark.slow
def test_a_second_call_reads_what_the_first_one_drew(pets, monkeypatch):
    monkeypatch.setattr("data.pets.draw_pets", lambda folder: pytest.fail("drawn again"))
    assert pets_root() == pets


@pytest.fixture
def collection(tmp_path):
    """A folder laid out as the collection, with nothing in it."""
    base = tmp_path / "elsewhere" / "oxford-iiit-pet"
    (base / "images").mkdir(parents=True)
    (base / "annotations").mkdir()
    for split in ("trainval", "test"):
        (base / "annotations" / f"{split}.txt").write_text("")
    return base


def test_a_named_folder_comes_before_the_environment(cache, collection, monkeypatch):
    monkeypatch.setenv("OXFORD_PETS", "/nowhere")
    assert pets_root(collection.parent) == collection.parent


def test_the_environment_comes_before_the_miniature(cache, collection, monkeypatch):
    monkeypatch.setenv("OXFORD_PETS", str(collection.parent))
    assert pets_root() == collection.parent


def test_the_folder_itself_may_be_named_instead_of_the_one_round_it(cache, collection):
    assert pets_root(collection) == collection.parent


@pytest.mark.parametrize("part", ["images", "annotations/test.txt"])
def test_a_folder_with_a_part_missing_is_refused_by_name(cache, collection, part):
    missing = collection / part
    missing.rmdir() if missing.is_dir() else missing.unlink()
    with pytest.raises(PetsError, match=rf"holds no Oxford-IIIT Pets: oxford-iiit-pet/{part} is missing; name"):
        pets_root(collection.parent)


def test_without_network_the_error_names_address_and_place(empty_cache, monkeypatch):
    monkeypatch.delenv("OXFORD_PETS", raising=False)
    unreachable = (("http://127.0.0.1:9/images.tar.gz", "0" * 32),)
    monkeypatch.setattr(OxfordIIITPet, "_RESOURCES", unreachable)
    with pytest.raises(PetsError, match=r"could not be downloaded \(.*refused.*\): put images.tar.gz .*OXFORD_PETS"):
        pets_root(download=True)
    assert not (empty_cache / "oxford-iiit-pet").exists()


@pytest.mark.parametrize(
    "error", [ConnectionResetError(104, "reset by peer"), TimeoutError("late"), IncompleteRead(b"")]
)
def test_an_interrupted_download_is_told_as_one(error, empty_cache, monkeypatch):
    monkeypatch.delenv("OXFORD_PETS", raising=False)
    monkeypatch.setattr("torchvision.datasets.OxfordIIITPet", Mock(side_effect=error))
    with pytest.raises(PetsError, match="could not be downloaded"):
        pets_root(download=True)


def test_a_read_only_cache_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("IDEALCAT_CACHE", str(tmp_path / "file"))
    with pytest.raises(CacheError, match=r"could not be written to the cache folder .*set IDEALCAT_CACHE"):
        pets_root()


@pytest.mark.slow
def test_cats_and_dogs_have_the_known_layout_and_a_few_broken_files(cache):
    root = cats_and_dogs_root()
    for species in ("Cat", "Dog"):
        files = sorted((root / "PetImages" / species).iterdir())
        assert len(files) == 100
        assert {path.name for path in files if not readable(path)} == {"66.jpg", "70.jpg", "90.jpg"}


@pytest.mark.slow
@pinned
def test_the_bytes_of_cats_and_dogs_are_pinned(cache):
    assert sha256_of(cats_and_dogs_root()) == CATS_AND_DOGS_SHA256
