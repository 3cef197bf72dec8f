"""A cats-and-dogs folder, `PetImages/Cat` and `PetImages/Dog`, with a few broken files as the known one has.

It is the course's own drawing of the layout of Microsoft's "Kaggle Cats and Dogs" collection; nothing of that
collection is in it.
"""

from pathlib import Path

from data.breeds import BREEDS
from data.cache import made_once
from data.world.animals import Animal
from data.world.painter import Rng
from data.world.scene import photograph

PER_SPECIES = 100
VERSION = "cats-and-dogs-1"
SEED = 66_000_000
TRUNCATED, EMPTY, NO_IMAGE = 66, 70, 90  # the numbers of each species' broken files


def cats_and_dogs_root() -> Path:
    """The folder that holds `PetImages/Cat` and `PetImages/Dog`, drawn into the cache at the first call.

    Each species has 100 files `0.jpg` to `99.jpg`, of which 97 can be read.

    Raises:
        CacheError: it could not be written.
    """
    return made_once(VERSION, draw_cats_and_dogs)


def draw_cats_and_dogs(root: Path) -> None:
    """Draw the collection into the empty folder `root`; the same bytes each time."""
    for species, first_seed in (("Cat", SEED), ("Dog", SEED + 1000)):
        folder = root / "PetImages" / species
        folder.mkdir(parents=True)
        kinds = [animal for breed, animal in BREEDS.items() if breed[0].isupper() == (species == "Cat")]
        for number in range(PER_SPECIES):
            _draw_one(folder / f"{number}.jpg", kinds, Rng(first_seed + number))
        _break(folder)


def _draw_one(path: Path, kinds: list[Animal], rng: Rng) -> None:
    picture, _ = photograph(rng, 160, kinds[rng.randint(len(kinds))])
    side = rng.randint(96, 161)
    picture.resize((side, side)).save(path, quality=88)


def _break(folder: Path) -> None:
    whole = (folder / f"{TRUNCATED}.jpg").read_bytes()
    (folder / f"{TRUNCATED}.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / f"{EMPTY}.jpg").write_bytes(b"")
    (folder / f"{NO_IMAGE}.jpg").write_bytes(b"<html><body>404: the picture has moved</body></html>\n")
