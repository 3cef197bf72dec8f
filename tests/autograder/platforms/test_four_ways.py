"""At home and graded are one: pytest, `check` in a notebook, `autograder grade` and nbgrader's sandbox judge alike.

Every other right way, every habit, every wrong module with its sentence and every golden submission goes through all
four; a notebook goes through three, as pytest runs none. Those of one unit are one class. Only hidden checks differ,
which a student's own run does not have.
"""

import ast
import contextlib
import functools
import io
import itertools
import os
import shutil
import socket
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from autograder import cli
from autograder.platforms.bundles import student_bundle, write_bundle
from autograder.results.store import read_result
from autograder.results.types import Outcome
from autograder.sandbox import Sandbox
from autograder.sandbox.zygote import ONE_THREAD, Zygote

pytest.importorskip("nbgrader")
from autograder.platforms.nbgrader.ahead import Ahead, notebook_spec

ROOT = Path(__file__).parents[3]
OURS = Path(__file__).parents[1]
UNITS = sorted(path.stem for path in (ROOT / "solutions").glob("*.py"))
#: A process cannot outlive its own end, and a name that is none of a unit's is no file of pytest's.
ENDS_ITS_PROCESS = ("crash", "cheats", "endless_loop")
#: Notebooks whose cells work in Colab alone.
OF_COLAB = ("colab_cells",)


@dataclass(frozen=True)
class Case:
    """A unit in a folder of its own."""

    path: Path

    @property
    def unit(self):
        return self.path.parent.name if self.path.parents[1].name == "alternatives" else self.path.stem

    def __str__(self):
        return "-".join(self.path.relative_to(ROOT / "tests").with_suffix("").parts[-2:])

    @property
    def is_notebook(self):
        return self.path.suffix == ".ipynb"

    def copy(self, to):
        """Put the unit's file into a folder, with what lies beside it."""
        to.mkdir(parents=True)
        if self.unit == self.path.stem:
            shutil.copytree(self.path.parent, to, dirs_exist_ok=True)
        else:
            shutil.copy(self.path, to / f"{self.unit}.py")
        (to / "expected.json").unlink(missing_ok=True)
        for other, ending in itertools.product({*UNITS} - {self.unit}, ("py", "ipynb")):
            (to / f"{other}.{ending}").unlink(missing_ok=True)


def cases():
    yield from sorted((ROOT / "tests" / "alternatives").glob("*/*.py"))
    for kind in ("habits", "sentences", "samples"):
        for path in sorted((OURS / kind).glob("*/*.*py*")):
            if (
                path.suffix in (".py", ".ipynb")
                and path.stem in UNITS
                and path.parent.name not in (*ENDS_ITS_PROCESS, *OF_COLAB)
            ):
                yield path


CASES = [pytest.param(Case(path), id=str(Case(path)), marks=pytest.mark.slow) for path in cases()]


def ended(checks, *, hidden=False):
    """Return how each check has ended, of the visible ones or of all."""
    return {check.id: check.outcome.value for check in checks if hidden or not check.hidden}


def source(path):
    data = path.read_bytes()
    return data.decode("latin-1" if b"latin-1" in data[:40] else "utf-8-sig").replace("\r\n", "\n")


def statements(text):
    """The text of each statement of a module: where one fails, a kernel runs the cells that follow it all the same."""
    try:
        ends = sorted({node.end_lineno for node in ast.parse(text).body})
    except SyntaxError:
        return [text]
    lines = text.split("\n")  # a form feed ends none
    return ["\n".join(lines[begin:end]) for begin, end in itertools.pairwise([0, *ends])]


@pytest.fixture(scope="module")
def chosen(request):
    """The cases of this run."""
    items = [item for item in request.session.items if item.path == request.path]
    return sorted({item.callspec.params["case"] for item in items}, key=str)


@pytest.fixture(scope="module")
def release(chosen, catalog, tmp_path_factory):
    """The course as students have it."""
    folder = tmp_path_factory.mktemp("release") / "course"
    write_bundle(student_bundle(catalog, {case.unit for case in chosen}), folder)
    return folder


@pytest.fixture(scope="module")
def classes(chosen, release):
    """The folder of each unit's class: in it one of each case."""
    for case in chosen:
        case.copy(release / case.unit / str(case))
    return {case.unit: release / case.unit for case in chosen}


@pytest.fixture(scope="module")
def graded(classes, sandbox, tmp_path_factory):
    """The results of a unit's class, as `autograder grade` writes them."""

    @functools.cache
    def grade(unit):
        out = tmp_path_factory.mktemp("out")
        warm = functools.partial(Sandbox, control=sandbox.zygote.control.dup())
        with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()):
            for name, value in ONE_THREAD.items():  # which the command sets for itself
                patch.setenv(name, value)
            patch.chdir(ROOT)
            patch.setattr("autograder.sandbox.Sandbox", warm)
            options = ("--from", "folders", "--units", unit, "--seed", "any", "--jobs", "1", "-o", out)
            patch.setattr(sys, "argv", ["autograder", "grade", str(classes[unit]), *map(str, options)])
            with pytest.raises(SystemExit):
                cli.main()
        return {path.stem: read_result(path) for path in (out / "results").iterdir()}

    return grade


@pytest.fixture(scope="module")
def notebooks(classes, tmp_path_factory):
    """The notebook of each case, a cell for each statement, in a folder with what lies beside the unit's file."""
    folder = tmp_path_factory.mktemp("notebooks")

    @functools.cache
    def write(unit):
        found = {}
        for work in sorted(classes[unit].iterdir()):
            path = shutil.copytree(work, folder / unit / work.name) / f"{unit}.ipynb"
            found[work.name] = path
            if not path.exists():
                cells = [new_code_cell(text) for text in statements(source(path.with_suffix(".py")))]
                nbformat.write(new_notebook(cells=cells), path)
                path.with_suffix(".py").unlink()
        return found

    return write


@pytest.fixture(scope="module")
def graded_in_nbgrader(notebooks, tmp_path_factory):
    """The results of a unit's class, as nbgrader gets them from the sandbox."""

    @functools.cache
    def grade(unit):
        ahead = Ahead(notebook_spec(str(ROOT), unit, trusted=False), tmp_path_factory.mktemp("ahead"), jobs=1)
        works = {name: path.parent for name, path in notebooks(unit).items()}
        ahead.grade(works)
        return {name: ahead.result(name, work) for name, work in works.items()}

    return grade


@pytest.fixture(scope="module")
def run_notebook(classes, release):
    """Run a notebook in a fresh kernel in the student's course, and give the points of each function by `check`."""
    environment = {**os.environ, **ONE_THREAD, "PYTHONPATH": str(ROOT)}
    kernels = Zygote("tests.autograder.platforms.kernels", (str(release), *classes), environment, folder=release)

    def run(notebook, functions):
        with Connection(kernels.child(socket.SOCK_STREAM).detach()) as link:
            link.send((notebook, functions))
            return link.recv()

    kernels.start()
    yield run
    kernels.close()


# A student has no such rule as this project, where a warning is an error.
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("case", CASES)
def test_the_four_agree(
    case, catalog, release, run_notebook, classes, graded, notebooks, graded_in_nbgrader, student_pytest
):
    name, unit = str(case), case.unit
    checks = graded(unit)[name].checks
    assert Outcome.ERROR not in {check.outcome for check in checks}
    assert ended(graded_in_nbgrader(unit)[name].checks, hidden=True) == ended(checks, hidden=True)

    if not case.is_notebook:
        at_home = student_pytest(classes[unit] / name / f"{unit}.py", cwd=release)
        assert ended(at_home.checks.values()) == ended(checks)

    # Of a function that is not there `check` says to run its cell, and gives nothing.
    functions = list(catalog.units[unit].functions)
    points = {name: sum(c.points for c in checks if c.function == name and not c.hidden) for name in functions}
    assert run_notebook(notebooks(unit)[name], functions) == pytest.approx(points)
