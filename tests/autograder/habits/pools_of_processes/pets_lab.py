"""Reads its pictures and names in pools, of processes and of threads."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

from PIL import Image


def name_and_number(filename):
    name, found, number = Path(filename).stem.rpartition("_")
    if not (found and name and number.isdigit()):
        raise ValueError(f"filename {filename!r} does not end in a number")
    return name, number


def can_be_read(path):
    try:
        with Image.open(path) as image:
            image.load()
    except Exception:
        return False
    return True


def breed_of(filename):
    with ProcessPoolExecutor(max_workers=2) as pool:
        return pool.submit(name_and_number, filename).result()[0]


def species_of(filename):
    with multiprocessing.Pool(2) as pool:
        (breed,) = pool.map(breed_of_one, [filename])
    return "cat" if breed[0].isupper() else "dog"


def breed_of_one(filename):
    return name_and_number(filename)[0]


def readable_images(folder):
    paths = sorted(path for path in Path(folder).iterdir() if path.is_file())
    with ThreadPoolExecutor(4) as threads, multiprocessing.get_context("fork").Pool(3) as processes:
        seen = list(threads.map(can_be_read, paths))
        assert processes.starmap(can_be_read, [(path,) for path in paths]) == seen
    return [path for path, good in zip(paths, seen, strict=True) if good]
