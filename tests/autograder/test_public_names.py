"""The names that courses, notebooks and configurations import stay where they are documented."""

import importlib
import re
from pathlib import Path

import pytest

import autograder

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_IMPORT = re.compile(r"from (autograder[\w.]*) import ([\w, ]+)")
#: A dotted name in inline code; a file or a folder has a suffix or a slash.
_INLINE = re.compile(r"`(autograder(?:\.\w+)+)(?:\(\))?`")
_FILES = (".toml", ".py", ".md", ".log", ".slurm", ".json")


def documented_names() -> set[str]:
    names: set[str] = set()
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for module, imported in _IMPORT.findall(text):
            names |= {f"{module}.{name.split(' as ')[0].strip()}" for name in imported.split(",")}
        names |= {name for name in _INLINE.findall(text) if not name.endswith(_FILES)}
    return names


def import_name(name: str) -> object:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        module, _, attribute = name.rpartition(".")
        return getattr(importlib.import_module(module), attribute)


@pytest.mark.parametrize("name", sorted(documented_names()))
def test_a_documented_name_can_be_imported(name):
    import_name(name)


def test_notebooks_and_configurations_of_earlier_releases_still_work():
    names: dict[str, object] = {}
    exec("from autograder.notebook import check\nfrom autograder.nbgrader.config import configure\n", names)
    assert callable(names["check"]) and callable(names["configure"])


def test_the_package_lists_its_public_names():
    listed = re.findall(r"^    (autograder\.[\w.]+)", autograder.__doc__ or "", re.MULTILINE)
    assert {
        "autograder.compare",
        "autograder.diagnose.mistake",
        "autograder.notebook.check",
        "autograder.nbgrader.config.configure",
        "autograder.plugin",
    } == set(listed)
    for name in listed:
        import_name(name)
