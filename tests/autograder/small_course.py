"""A course of one unit with three quick checks, and a class that hands in what classes hand in."""

import shutil
import zipfile
from pathlib import Path

CATALOG = """
[course]
title = "small"
preload = ["torch"]

[[unit]]
name = "doubling"
title = "Doubling"
seconds = 1

[unit.functions.double]
points = 2
hints = ["?", "!"]

[unit.functions.halve]
points = 1
hints = ["?", "!"]
"""
CHECKS = '''
import pytest
import torch
from autograder.compare import assert_close


@pytest.mark.points("double", 1)
def test_double(submission, rng):
    """Twice as much comes back."""
    x = torch.rand(3, generator=rng)
    assert_close(submission.double(x), 2 * x)


@pytest.mark.points("double", 1)
def test_double_of_nothing(submission):
    """Twice nothing is nothing."""
    assert_close(submission.double(torch.zeros(2)), torch.zeros(2))


@pytest.mark.points("halve", 1)
def test_halve(submission, rng):
    """Half as much comes back."""
    x = torch.rand(3, generator=rng)
    assert_close(submission.halve(x), x / 2)
'''
RIGHT = "def double(x):\n    return 2 * x\n\n\ndef halve(x):\n    return x / 2\n"
#: What a class hands in: the source, and the points that it is worth.
KINDS = {
    "right": (RIGHT, 3.0),
    "half": ("def double(x):\n    return 2 * x\n", 2.0),
    "wrong": ("def double(x):\n    return x\n\n\ndef halve(x):\n    return x\n", 1.0),
    "unwritten": (
        "def double(x):\n    raise NotImplementedError\n\n\ndef halve(x):\n    raise NotImplementedError\n",
        0.0,
    ),
    "syntax": ("def double(x:\n", 0.0),
    "exits": ("import os\n\n\ndef double(x):\n    os._exit(0)\n\n\ndef halve(x):\n    return x / 2\n", 1.0),
    "floods": (f"{RIGHT}\n\nprint('x' * 10**6)\n", 3.0),
    "kills": ("import os\n\nos.kill(os.getppid(), 9)\nos.kill(-1, 9)\n", 0.0),
    "hangs": (f"{RIGHT}\n\n\nwhile True:\n    pass\n", 3.0),  # what was defined before it stays
}
QUICK = tuple(kind for kind in KINDS if kind != "hangs")


def make_course(root: Path) -> Path:
    """The course, in a new folder."""
    for place, text in {
        "exercises/catalog.toml": CATALOG,
        "exercises/doubling.py": KINDS["unwritten"][0],
        "solutions/doubling.py": RIGHT,
        "tests/exercises/test_doubling.py": CHECKS,
    }.items():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_text(text)
    return root


def make_class(folder: Path, count: int, kinds: tuple[str, ...] = QUICK) -> dict[str, float]:
    """So many submissions, no two alike, in a new folder: the points that each is worth."""
    points = {}
    for number in range(count):
        kind = kinds[number % len(kinds)]
        name = f"s{number:03}_{kind}"
        (folder / name).mkdir(parents=True)
        (folder / name / "doubling.py").write_text(f"# {number}\n{KINDS[kind][0]}")
        points[name] = KINDS[kind][1]
    return points


def add_unreadable(folder: Path) -> dict[str, float]:
    """Submissions that cannot be read, and what they are worth."""
    (folder / "z_torn.zip").write_bytes(b"PK\x03\x04 and no more")
    (folder / "z_empty").mkdir()
    (folder / "z_folder" / "doubling.py").mkdir(parents=True)
    shutil.copytree(folder / "z_folder", folder / "z_link", dirs_exist_ok=True)
    (folder / "z_link" / "doubling.py").rmdir()
    (folder / "z_link" / "doubling.py").symlink_to("/etc/passwd")
    with zipfile.ZipFile(folder / "z_right.zip", "w") as archive:
        archive.writestr("doubling.py", RIGHT)
    return {"z_torn": 0.0, "z_empty": 0.0, "z_folder": 0.0, "z_link": 0.0, "z_right": 3.0}
