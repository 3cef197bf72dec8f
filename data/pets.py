"""Provide the Oxford-IIIT Pets: the course's drawn miniature, or the real collection if somebody has it.

`pets_root()` is the `root` for `torchvision.datasets.OxfordIIITPet`. The miniature has the real collection's
37 breeds, names, layout and file formats, and a few of its troubles: greyscale pictures, a PNG named `.jpg`,
and files that cannot be read and that no split names.
"""

import os
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError

from PIL import Image, ImageFilter

from data.breeds import BREEDS
from data.cache import DataError, made_once
from data.world.animals import Animal
from data.world.painter import Rng
from data.world.scene import photograph

PER_SPLIT = 12
SIDE = 160  # pixels, before a picture is cut to its own size
SPLITS = ("trainval", "test")
VERSION = "pets-1"
REAL_VERSION = "oxford-iiit-pet"
ADDRESS = "https://www.robots.ox.ac.uk/~vgg/data/pets/"
FOLDER = "oxford-iiit-pet"
SEED = 37_000_000
GREYSCALE = ("Bombay_7", "samoyed_11", "pug_3")
PNG_IN_DISGUISE = ("Egyptian_Mau_14", "keeshond_5")
TRUNCATED = ("beagle_116", "chihuahua_121", "Abyssinian_34")
CATS_AND_DOGS_VERSION = "cats-and-dogs-1"
CATS_AND_DOGS_SEED = 66_000_000
PER_SPECIES = 100
CUT, EMPTY, NO_IMAGE = 66, 70, 90  # the numbers of each species' broken files
_HEADER = "#Image CLASS-ID SPECIES BREED ID\n#ID: 1:37 Class ids\n#SPECIES: 1:Cat 2:Dog\n#BREED ID: 1-25:Cat 1:12:Dog\n"


class PetsError(DataError):
    """Error: a folder of pets is missing, or is not laid out as the collection is."""


def pets_root(folder: str | Path | None = None, *, download: bool = False) -> Path:
    """Return the folder to give `torchvision.datasets.OxfordIIITPet` as `root`.

    It is the first of these that there is: `folder` (from `--pets DIR`), the folder that the variable `OXFORD_PETS` names,
    with `download` the real collection in the cache, the miniature in the cache. The miniature is drawn at the first call,
    which takes some seconds.

    Args:
        folder: a folder that holds `oxford-iiit-pet`, or that folder itself.
        download: True to fetch the real collection (800 MB) if no folder is named.

    Raises:
        PetsError: the named folder holds no such collection, or the download failed.
        CacheError: the miniature could not be written.
    """
    named = folder or os.environ.get("OXFORD_PETS")
    if named:
        return _find_root(Path(named).expanduser())
    return _download() if download else made_once(VERSION, draw_pets)


def draw_pets(root: Path, per_split: int = PER_SPLIT) -> None:
    """Draw the miniature into the empty folder `root`; the same bytes each time."""
    base = root / FOLDER
    (base / "images").mkdir(parents=True)
    (base / "annotations" / "trimaps").mkdir(parents=True)
    lines: dict[str, list[str]] = {split: [] for split in SPLITS}
    for number, breed in enumerate(BREEDS):
        for split, image_id, picture_seed in _plan(number, breed, per_split):
            _draw_one(base, breed, image_id, picture_seed)
            lines[split].append(_line(image_id, breed))
    for split in SPLITS:
        (base / "annotations" / f"{split}.txt").write_text("".join(lines[split]), newline="\n")
    everything = sorted(lines["trainval"] + lines["test"], key=str.lower)
    (base / "annotations" / "list.txt").write_text(_HEADER + "".join(everything), newline="\n")
    _add_troubles(base / "images")


def _plan(number: int, breed: str, per_split: int) -> list[tuple[str, str, int]]:
    """Return split, image id and seed of each picture of a breed. The numbers in the ids are shuffled and tell nothing."""
    numbers = Rng(SEED + number).permutation(2 * per_split) + 1
    return [
        (SPLITS[k >= per_split], f"{breed}_{numbers[k]}", SEED + 1000 * (number + 1) + k) for k in range(2 * per_split)
    ]


def _line(image_id: str, breed: str) -> str:
    """Return the line `image class species breed`, each counted from 1, as the collection's own lists have it."""
    names = list(BREEDS)
    is_cat = breed[0].isupper()
    kin = [name for name in names if name[0].isupper() == is_cat]
    return f"{image_id} {names.index(breed) + 1} {1 if is_cat else 2} {kin.index(breed) + 1}\n"


def _draw_one(base: Path, breed: str, image_id: str, seed: int) -> None:
    rng = Rng(seed)
    view = ("bust", "bust", "sitting", "standing")[rng.randint(4)]
    picture, silhouette = photograph(rng, SIDE, BREEDS[breed], view)
    size = (rng.randint(96, 161), rng.randint(96, 161))
    picture = _crop(picture, size)
    trimap = _trimap(_crop(silhouette, size))
    trimap.save(base / "annotations" / "trimaps" / f"{image_id}.png")
    if image_id in GREYSCALE:
        picture = picture.convert("L")
    kind = "PNG" if image_id in PNG_IN_DISGUISE else "JPEG"
    picture.save(base / "images" / f"{image_id}.jpg", kind, **({"quality": 88} if kind == "JPEG" else {}))


def _crop(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return the largest middle part of a picture that has the proportions of `size`, scaled to that size."""
    width, height = size
    longest = max(size)
    left, top = (picture.width * (longest - side) / (2 * longest) for side in size)
    box = (round(left), round(top), picture.width - round(left), picture.height - round(top))
    return picture.crop(box).resize((width, height), Image.Resampling.BOX)


def _trimap(silhouette: Image.Image) -> Image.Image:
    """Return a picture of 1 on the animal, 2 on the background, 3 along the outline, as the collection has it."""
    shape = silhouette.point([255 if value > 127 else 0 for value in range(256)])
    inside, outside = shape.filter(ImageFilter.MinFilter(3)), shape.filter(ImageFilter.MaxFilter(3))
    trimap = Image.new("L", shape.size, 3)
    trimap.paste(1, mask=inside)
    trimap.paste(2, mask=outside.point([255 - value for value in range(256)]))
    return trimap


def _add_troubles(images: Path) -> None:
    """Add broken and stray files, as in the real collection. No split names them, so the data set can be read."""
    for image_id in TRUNCATED:
        whole = (images / f"{image_id.rsplit('_', 1)[0]}_1.jpg").read_bytes()
        (images / f"{image_id}.jpg").write_bytes(whole[: len(whole) // 2])
    (images / "Bengal_101.jpg").write_bytes(b"")
    (images / "Abyssinian_100.mat").write_bytes(b"MATLAB 5.0 MAT-file, left behind by somebody's tool\n")


def _download() -> Path:
    """Return the real collection in the cache, fetched by torchvision, which checks each archive's MD5."""
    return made_once(REAL_VERSION, _fetch)


def _fetch(folder: Path) -> None:
    from torchvision.datasets import OxfordIIITPet

    try:
        OxfordIIITPet(folder, download=True)
    except (URLError, HTTPException, ConnectionError, TimeoutError, RuntimeError) as error:
        reason = getattr(error, "reason", None) or error
        raise PetsError(
            f"The Oxford-IIIT Pets could not be downloaded ({reason}): put images.tar.gz and"
            f" annotations.tar.gz from {ADDRESS}, unpacked, into a folder {FOLDER}, and name the folder round"
            " it in OXFORD_PETS or with --pets.",
            lacks="the Oxford-IIIT Pets",
        ) from error
    for archive in (folder / FOLDER).glob("*.tar.gz"):
        archive.unlink()


def _find_root(folder: Path) -> Path:
    """Return the root of the collection in a folder that somebody named.

    Raises:
        PetsError: the folder holds none.
    """
    root = folder.parent if folder.name == FOLDER else folder
    missing = [
        part
        for part in ("images", "annotations/trainval.txt", "annotations/test.txt")
        if not (root / FOLDER / part).exists()
    ]
    if missing:
        raise PetsError(
            f"The folder {folder} holds no Oxford-IIIT Pets: {FOLDER}/{missing[0]} is missing; name the"
            f" folder that holds {FOLDER}, or leave OXFORD_PETS and --pets out to use the drawn miniature."
        )
    return root


def cats_and_dogs_root() -> Path:
    """Return the folder that holds `PetImages/Cat` and `PetImages/Dog`, drawn into the cache at the first call.

    Each species has 100 files `0.jpg` to `99.jpg`, of which 97 can be read.

    Raises:
        CacheError: it could not be written.
    """
    return made_once(CATS_AND_DOGS_VERSION, draw_cats_and_dogs)


def draw_cats_and_dogs(root: Path) -> None:
    """Draw the collection into the empty folder `root`; the same bytes each time."""
    for species, first_seed in (("Cat", CATS_AND_DOGS_SEED), ("Dog", CATS_AND_DOGS_SEED + 1000)):
        folder = root / "PetImages" / species
        folder.mkdir(parents=True)
        kinds = [animal for breed, animal in BREEDS.items() if breed[0].isupper() == (species == "Cat")]
        for number in range(PER_SPECIES):
            _draw_either(folder / f"{number}.jpg", kinds, Rng(first_seed + number))
        _break_three(folder)


def _draw_either(path: Path, kinds: list[Animal], rng: Rng) -> None:
    picture, _ = photograph(rng, 160, kinds[rng.randint(len(kinds))])
    side = rng.randint(96, 161)
    picture.resize((side, side)).save(path, quality=88)


def _break_three(folder: Path) -> None:
    whole = (folder / f"{CUT}.jpg").read_bytes()
    (folder / f"{CUT}.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / f"{EMPTY}.jpg").write_bytes(b"")
    (folder / f"{NO_IMAGE}.jpg").write_bytes(b"<html><body>404: the picture has moved</body></html>\n")
