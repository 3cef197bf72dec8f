"""A course of one unit with two functions and a few checks, for tests that grade whole classes."""

from pathlib import Path

UNIT = "shades"
POINTS = 6.0
FILES = {
    "exercises/catalog.toml": """
[course]
title = "Shades"
preload = ["torch"]

[[unit]]
name = "shades"
title = "Shades of grey"
seconds = 2

[unit.functions.invert]
points = 3
hints = ["What becomes of white?"]

[unit.functions.brightness]
points = 3
hints = ["Which dimensions go?"]
""",
    "exercises/lessons/shades.md": "# Shades\n\nA picture has values from 0, black, to 1, white.\n",
    "solutions/shades.py": '''"""Shades of pictures."""

import torch
from torch import Tensor


def invert(images: Tensor) -> Tensor:
    """The negatives of images of shape (N, 3, H, W), which are left alone."""
    # TODO: Turn black into white.
    ### BEGIN SOLUTION
    return 1 - images
    ### END SOLUTION


def brightness(images: Tensor) -> Tensor:
    """The mean of each image: (N,)."""
    # TODO: One number for each image.
    ### BEGIN SOLUTION
    return images.mean(dim=(1, 2, 3))
    ### END SOLUTION
''',
    "solutions/mistakes/shades.py": '''"""Known mistakes."""

from autograder.diagnose import mistake


@mistake("invert", "The values are negated; black becomes 1.")
def negates(images):
    return -images


@mistake("invert", "Nothing is inverted.")
def does_nothing(images):
    return images.clone()


@mistake("invert", "The images themselves are changed; work on a copy.")
def changes_the_images(images):
    return images.mul_(-1).add_(1)


@mistake("invert", "Only the first channel is inverted.")
def inverts_red(images):
    images = images.clone()
    images[:, :1] = 1 - images[:, :1]
    return images


@mistake("brightness", "The values are summed; brightness is their mean.")
def sums(images):
    return images.sum(dim=(1, 2, 3))


@mistake("brightness", "The whole batch has one number; each image needs its own.")
def takes_all_at_once(images):
    return images.mean()


@mistake("brightness", "Only the first channel counts.")
def sees_red(images):
    return images[:, 0].mean(dim=(1, 2))


@mistake("brightness", "The median is taken; brightness is the mean.")
def takes_the_median(images):
    return images.flatten(1).median(dim=1).values
''',
    "tests/exercises/test_shades.py": '''"""Checks of shades."""

import pytest
import torch

from autograder.compare import assert_close, assert_holds, assert_kind


@pytest.mark.points("invert", 1)
def test_black_becomes_white(submission):
    """Black becomes white."""
    assert_close(submission.invert(torch.zeros(2, 3, 8, 8)), torch.ones(2, 3, 8, 8))


@pytest.mark.points("invert", 1)
def test_images_are_left_alone(submission, rng):
    """The images are not changed."""
    assert_kind(submission.invert(torch.rand(1, 3, 8, 8, generator=rng)), (1, 3, 8, 8))
    assert_holds(not submission.last.changed, "changed its input in place, expected it to be left alone")


@pytest.mark.points("invert", 1)
@pytest.mark.hidden
@pytest.mark.depends_on("test_black_becomes_white")
def test_invert_on_random_images(submission, reference, rng):
    """Random images have the right negatives."""
    images = torch.rand(3, 3, 8, 9, generator=rng)
    assert_close(submission.invert(images), reference.invert(images))


@pytest.mark.points("brightness", 1)
def test_brightness_of_a_grey_image(submission):
    """A grey image is as bright as each of its pixels."""
    assert_close(submission.brightness(torch.full((2, 3, 8, 8), 0.25)), torch.tensor([0.25, 0.25]))


@pytest.mark.points("brightness", 1)
def test_brightness_of_channels(submission):
    """Red, green and blue count alike."""
    image = torch.zeros(1, 3, 8, 8)
    image[:, 1] = 1
    assert_close(submission.brightness(image), torch.tensor([1 / 3]))


@pytest.mark.points("brightness", 1)
@pytest.mark.hidden
def test_brightness_on_random_images(submission, reference, rng):
    """Random images have the right brightness."""
    images = torch.rand(4, 3, 7, 8, generator=rng)
    assert_close(submission.brightness(images), reference.brightness(images))
''',
}


def write_shades_course(root: Path) -> Path:
    """Writes the files of the course into a folder."""
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip("\n"))
    return root
