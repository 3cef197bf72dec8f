"""What is installed: the engine without libraries for numbers and pictures, and a bundle with those that its course names."""

import re
import tomllib

import pytest

from autograder.course.catalog import read_catalog
from autograder.platforms.bundles import dependencies, student
from tests.autograder.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
INSTALLED = [
    "pytest>=8.4",
    'pyseccomp; sys_platform == "linux"',
    'numpy>=2; extra == "numpy"',
    'idealcat[numpy]; extra == "torch"',
    'torch>=2.6; extra == "torch"',
    'uvloop; sys_platform == "linux" and extra == "torch"',
    'dask; extra == "dask"',
]
BASE = ["pytest>=8.4", 'pyseccomp; sys_platform == "linux"']
WITH_TORCH = [*BASE, "numpy>=2", "torch>=2.6", 'uvloop; sys_platform == "linux"']


def names(requirements):
    return {re.match(r"[\w-]+", each)[0] for each in requirements}


def test_the_engine_needs_no_library_for_numbers_and_pictures():
    assert not names(PROJECT["dependencies"]) & {"torch", "torchvision", "numpy", "pillow", "safetensors"}
    extras = PROJECT["optional-dependencies"]
    assert {"torch", "torchvision", "numpy", "pillow"} <= extras.keys()
    assert "course" in re.findall(r"\w+", extras["all"][0])


@pytest.fixture
def course(tmp_path, monkeypatch):
    monkeypatch.setattr(student, "requires", {"idealcat": INSTALLED}.get)

    def made(project, preload=()):
        (tmp_path / "exercises").mkdir()
        (tmp_path / "exercises" / "catalog.toml").write_text(f"[course]\ntitle = 'T'\npreload = {list(preload)}\n")
        if project is not None:
            (tmp_path / "pyproject.toml").write_text(f"[project]\nname = 'words'\ndependencies = {project}\n")
        return read_catalog(tmp_path)

    return made


@pytest.mark.parametrize(
    ("project", "needed"),
    [
        (["idealcat>=0.1.0"], BASE),
        (["idealcat [torch]>=0.1.0", "scipy"], [*WITH_TORCH, "scipy"]),
        (["Idealcat[numpy, dask]", "idealcat-games"], [*BASE, "numpy>=2", "dask", "idealcat-games"]),
        (["scipy>=1"], [*BASE, "scipy>=1"]),
    ],
)
def test_a_bundle_installs_the_engines_needs_and_the_courses(course, project, needed):
    assert dependencies(course(project)) == needed


def test_a_course_without_a_project_needs_what_it_preloads(course):
    assert dependencies(course(None, ["torch", "data"])) == WITH_TORCH


def test_this_repositorys_bundles_install_what_its_course_imports():
    needed = names(dependencies(read_catalog(ROOT)))
    assert {"torch", "torchvision", "numpy", "pillow", "safetensors", "pytest"} <= needed
    assert "idealcat" not in needed
