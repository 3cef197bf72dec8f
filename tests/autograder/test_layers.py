"""The layout holds: imports go down the table of docs/architecture.md only, and each dependency has one door."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "autograder"
TABLE = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "architecture.md").read_text(), re.MULTILINE)
DOORS = {
    "msgpack": {"codec", "sandbox"},
    "nbformat": {"source", "nbgrader"},
    "IPython": {"notebook"},
    "nbgrader": {"nbgrader"},
    "nbconvert": {"nbgrader"},
    "traitlets": {"nbgrader"},
    "distributed": {"cluster"},
    "typer": {"cli", "student"},
    "watchfiles": {"student"},
    "rich": {"cli", "student"},
    "pytest": {"plugin", "checks"},
}


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Every module that a file imports, late imports included."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def layers_imported(path: Path) -> set[str]:
    parts = [name.split(".") for name in imported(path)]
    return {part[1] for part in parts if part[0] == "autograder" and part[1] != "__version__"} - {layer_of(path)}


FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def test_the_table_names_every_module():
    assert sorted(TABLE) == sorted({layer_of(path) for path in FILES})


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down_the_table_only(path):
    position = TABLE.index(layer_of(path))
    assert {layer for layer in layers_imported(path) if TABLE.index(layer) > position} == set()


def test_the_worker_imports_codec_alone():
    layers = set().union(*(layers_imported(path) for path in (PACKAGE / "worker").glob("*.py")))
    assert layers == {"codec", "errors"}


def test_errors_imports_nothing():
    assert imported(PACKAGE / "errors.py") == set()


@pytest.mark.parametrize("dependency", DOORS)
def test_each_dependency_has_its_door(dependency):
    users = {layer_of(path) for path in FILES if any(name.split(".")[0] == dependency for name in imported(path))}
    assert users == DOORS[dependency]


def test_no_unit_is_named_in_the_engine(catalog):
    text = "\n".join(line for path in FILES for line in code_lines(path))
    assert [unit for unit in catalog.units if unit in text] == []


def code_lines(path: Path) -> list[str]:
    """The file without its docstrings, where an example may name a unit."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node, clean=False):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree).splitlines()
