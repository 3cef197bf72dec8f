"""The layout holds: ten rooms, imports go down the table of docs/architecture.md, and each dependency has one door."""

import ast
import functools
import graphlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "autograder"
#: The rooms from the top down, then `lettering`, `messages`, `errors` and `libraries`, which every room may import.
TABLE = [
    *re.findall(r"^\| `(\w+)/` \|", (ROOT / "docs" / "architecture.md").read_text(), re.MULTILINE),
    "lettering",
    "messages",
    "errors",
    "libraries",
]
#: Public names of what lives in a room: for courses, notebooks, nbgrader's configuration and pytest.
FACES = {"compare", "diagnose", "nbgrader", "notebook", "plugin"}
DOORS = {
    "jinja2": {"results"},
    "msgpack": {"worker", "sandbox"},
    "nbformat": {"submissions", "platforms"},
    "IPython": {"student"},
    "nbgrader": {"platforms"},
    "yaml": {"submissions"},
    "nbconvert": {"platforms"},
    "traitlets": {"platforms"},
    "distributed": {"grading"},
    "jsonschema": {"grading"},
    "cryptography": {"results"},
    "typer": {"cli", "student"},
    "watchfiles": {"student"},
    "rich": {"cli", "student"},
    "pytest": {"checks", "grading", "student"},
}
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


IN_ROOMS = [path for path in FILES if room_of(path) not in FACES | {"__main__"}]


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path) for path in FILES}


@functools.cache
def imported(path: Path) -> frozenset[str]:
    """Every module that a file imports, late imports included."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


def modules_imported(path: Path) -> set[str]:
    """Modules of the engine that a file imports."""
    found = set()
    for name in imported(path):
        while name and name not in MODULES:
            name = name.rpartition(".")[0]
        found.add(name)
    return found - {"", "autograder", module_of(path)}


def rooms_imported(path: Path) -> set[str]:
    return {module.split(".")[1] for module in modules_imported(path)} - {room_of(path)}


def test_the_table_names_every_room():
    assert sorted(TABLE) == sorted({room_of(path) for path in IN_ROOMS})
    assert len(TABLE) == 14


def test_the_root_holds_rooms_and_public_names_alone():
    assert {room_of(path) for path in FILES} == {*TABLE, *FACES, "__main__"}


@pytest.mark.parametrize("path", IN_ROOMS, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down_the_table_only(path):
    below = set(TABLE[TABLE.index(room_of(path)) + 1 :])
    assert rooms_imported(path) - below == set()


@pytest.mark.parametrize("room", TABLE)
def test_imports_inside_a_room_run_one_way(room):
    graph = {module_of(path): modules_imported(path) for path in IN_ROOMS if room_of(path) == room}
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_the_worker_imports_errors_and_libraries_alone():
    rooms = set().union(*(rooms_imported(path) for path in (PACKAGE / "worker").rglob("*.py")))
    assert rooms == {"errors", "libraries"}


def test_messages_imports_errors_alone():
    assert rooms_imported(PACKAGE / "messages.py") == {"errors"}


def test_errors_imports_nothing():
    assert not imported(PACKAGE / "errors.py")


@pytest.mark.parametrize("dependency", DOORS)
def test_each_dependency_has_its_door(dependency):
    users = {room_of(path) for path in IN_ROOMS if any(name.split(".")[0] == dependency for name in imported(path))}
    assert users == DOORS[dependency]


def test_pytests_private_names_stand_in_one_file():
    users = {path for path in FILES if any(name.startswith("_pytest") for name in imported(path))}
    assert users == {PACKAGE / "checks" / "pytest_internals.py"}


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
