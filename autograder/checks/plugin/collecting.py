"""Collect a unit's module as the checks of that unit, wherever it lies."""

import sys
import types
from collections.abc import Collection
from pathlib import Path

import pytest

from autograder.checks.plugin.outline import outlined_module
from autograder.checks.plugin.recorder import CHECK, COURSE, RECORDER
from autograder.course.catalog import Catalog
from autograder.results.types import CheckResult


class UnitModule(pytest.Module):
    """A unit of a submission, collected as the checks of that unit."""

    def _getobj(self) -> types.ModuleType:
        catalog = self.config.stash[COURSE]
        assert catalog is not None  # units are only made where there is a course
        register_conftest(catalog, self.config)
        path = catalog.checks(catalog.modules[self.path.stem])
        outline = outlined_module(path, self.config) if self.config.option.collectonly else None
        if outline is not None:
            return outline
        # pytest's own import of a test module: with its assertion rewriting, and its error when there is none.
        checks = pytest.Module.from_parent(self.parent, path=path)
        return checks.obj  # type: ignore[no-any-return] # pytest does not say that it is a module


#: Set once the modules beside the checks can be imported.
_FOUND = pytest.StashKey[bool]()


def find_shared_modules(catalog: Catalog, config: pytest.Config) -> None:
    """Let checks import the modules that lie beside them, as they are now, and no longer those of another course."""
    if config.stash.get(_FOUND, False):
        return
    config.stash[_FOUND] = True
    beside = ("tests", "exercises")
    sys.path[:] = [path for path in sys.path if Path(path).parts[-2:] != beside]
    sys.path.append(str(catalog.root.joinpath(*beside)))
    for name in catalog.shared_checks:
        file = getattr(sys.modules.get(name), "__file__", None)
        if file and Path(file).parts[-3:-1] == beside:
            del sys.modules[name]
        if name not in sys.modules:
            pytest.register_assert_rewrite(name)  # its asserts tell what does not hold


def register_conftest(catalog: Catalog, config: pytest.Config) -> None:
    """Have the fixtures and hooks of `tests/exercises/conftest.py` serve the checks, wherever the submission lies.

    pytest itself looks for such a file beside what it collects, which is the student's.
    """
    find_shared_modules(catalog, config)
    path = catalog.root / "tests" / "exercises" / "conftest.py"
    name = f"the checks' own fixtures in {path.parent}"  # pytest would bind a name that ends as the file to its folder
    if not path.is_file() or config.pluginmanager.has_plugin(name):
        return
    module = types.ModuleType("conftest")
    module.__file__ = str(path)
    exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
    config.pluginmanager.register(module, name)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out a file of checks that run on an exercise, if the exercise itself is collected, as by `pytest .`."""
    catalog = config.stash[COURSE]
    unit = _unit_checked_in(collection_path, catalog) if catalog is not None else None
    if catalog is None or unit is None or catalog.solution(unit).is_file():
        return None
    given = {Path(argument.partition("::")[0]).resolve() for argument in config.args}
    exercise = catalog.exercise(unit)
    return True if collection_path not in given and not given.isdisjoint((exercise, *exercise.parents)) else None


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> UnitModule | None:
    """Collect a unit found in a folder; one named on the command line comes by `pytest_pycollect_makemodule`."""
    named = parent.session.isinitpath(file_path)
    if _is_unit(file_path, parent.config, named=named) and not _pytest_collects(file_path, parent):
        return UnitModule.from_parent(parent, path=file_path)
    return None


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> UnitModule | None:
    """Collect a unit's file as its checks; it is never imported as a test module."""
    catalog = parent.config.stash[COURSE]
    if _is_unit(module_path, parent.config, catalog.modules if catalog is not None else ()):
        return UnitModule.from_parent(parent, path=module_path)
    return None


def pytest_itemcollected(item: pytest.Item) -> None:
    """Record a check that was collected; it is worth nothing so far."""
    catalog = item.config.stash[COURSE]
    unit = _unit_of(item, catalog) if catalog is not None else None
    if unit is not None:
        check = _read_check(item, unit)
        item.stash[CHECK] = check
        item.extra_keyword_matches.add(check.function)  # `-k denoise` means all the checks of denoise
        item.config.stash[RECORDER].expect(item.nodeid, check)


def read_marks_again(items: list[pytest.Item]) -> None:
    """Record checks anew: a hook of the checks' own `conftest.py` may have marked them after they were collected."""
    for item in items:
        if CHECK in item.stash:
            check = item.stash[CHECK] = _read_check(item, item.stash[CHECK].unit)
            item.config.stash[RECORDER].expect(item.nodeid, check)


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Take the checks that `-k` left out from the run."""
    for item in items:
        item.config.stash[RECORDER].leave_out(item.nodeid)


def _is_unit(path: Path, config: pytest.Config, modules: Collection[str] = (), *, named: bool = False) -> bool:
    """Return True for a unit's own file, and for another file of a unit if that is among `modules`.

    A notebook beside a script of its name is a unit's file only if the notebook was named on the command line.
    """
    catalog = config.stash[COURSE]
    if catalog is None or path.stem not in {*catalog.units, *modules} or path.parent.name in ("mistakes", "shortcuts"):
        return False
    return path.suffix == ".py" or (path.suffix == ".ipynb" and (named or not path.with_suffix(".py").exists()))


def _pytest_collects(path: Path, parent: pytest.Collector) -> bool:
    """Return True for a script named on the command line: pytest makes a module of it, whatever its name."""
    return path.suffix == ".py" and parent.session.isinitpath(path)


def _unit_of(item: pytest.Item, catalog: Catalog) -> str | None:
    return _unit_checked_in(Path(getattr(getattr(item, "module", None), "__file__", None) or ""), catalog)


def _unit_checked_in(file: Path, catalog: Catalog) -> str | None:
    """Return the unit whose checks a file holds; None if it holds none."""
    unit = file.stem.removeprefix("test_")
    return unit if unit in catalog.units and file == catalog.checks(unit) else None


def checks_submission(item: pytest.Item) -> bool:
    """Return True if a check runs on a submission: a module that pytest was given, or the exercise without a solution."""
    catalog, check = item.config.stash[COURSE], item.stash.get(CHECK, None)
    alone = check is not None and catalog is not None and not catalog.solution(check.unit).is_file()
    return alone or item.getparent(UnitModule) is not None


def module_path(item: pytest.Item, catalog: Catalog) -> Path:
    """Return the path of the module that a check runs on."""
    if item.getparent(UnitModule) is not None:
        return item.path.with_stem(catalog.modules[item.path.stem])
    unit = item.stash[CHECK].unit
    solution = catalog.solution(unit)
    return solution if solution.is_file() else catalog.exercise(unit)


def check_name(item: pytest.Item) -> str:
    """Return the name of a check in its unit: two classes may have methods of one name."""
    kind = getattr(item, "cls", None)
    return item.name if kind is None else f"{kind.__qualname__}.{item.name}"


def _read_check(item: pytest.Item, unit: str) -> CheckResult:
    marker = item.get_closest_marker("points")
    if marker is None or len(marker.args) != 2:
        raise pytest.UsageError(f"{item.nodeid} needs @pytest.mark.points(function, value)")
    function, points = marker.args
    described = getattr(getattr(item, "function", None), "__doc__", None) or item.name
    title = described.strip().partition("\n")[0].rstrip(".")
    hidden = item.get_closest_marker("hidden") is not None
    return CheckResult(f"{unit}::{check_name(item)}", unit, function, title, float(points), hidden)
