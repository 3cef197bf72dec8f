"""At home and graded are one: pytest, `check` in a notebook, `autograder grade` and nbgrader's sandbox judge alike.

Every other right way, every habit, every wrong module with its sentence and every golden submission goes through all four.
Only hidden checks differ, which a student's own run does not have.
"""

import contextlib
import io
import linecache
import shutil
import sys
import types
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from autograder.grading.grade import Grader
from autograder.grading.spec import GradingSpec
from autograder.results.types import Outcome
from autograder.student.notebook import check

pytest.importorskip("nbgrader")
from autograder.platforms.nbgrader.ahead import Ahead, notebook_spec

ROOT = Path(__file__).parents[3]
OURS = Path(__file__).parents[1]
UNITS = sorted(path.stem for path in (ROOT / "solutions").glob("*.py"))
#: A process cannot outlive its own end, and a name that is none of a unit's is no file of pytest's.
ENDS_ITS_PROCESS = ("crash", "cheats", "endless_loop")


@dataclass(frozen=True)
class Case:
    """A unit in a folder of its own."""

    path: Path

    @property
    def unit(self):
        return self.path.parent.name if self.path.parents[1].name == "alternatives" else self.path.stem

    def __str__(self):
        return "-".join(self.path.relative_to(ROOT / "tests").with_suffix("").parts[-2:])

    def copy(self, to):
        """The unit's file in a folder, with what lies beside it."""
        to.mkdir()
        if self.unit == self.path.stem:
            shutil.copytree(self.path.parent, to, dirs_exist_ok=True)
        else:
            shutil.copy(self.path, to / f"{self.unit}.py")
        (to / "expected.json").unlink(missing_ok=True)
        for other in set(UNITS) - {self.unit}:
            (to / f"{other}.py").unlink(missing_ok=True)
        return to / f"{self.unit}.py"


def cases():
    yield from sorted((ROOT / "tests" / "alternatives").glob("*/*.py"))
    for kind in ("habits", "sentences", "samples"):
        for path in sorted((OURS / kind).glob("*/*.py")):
            if path.stem in UNITS and path.parent.name not in ENDS_ITS_PROCESS:
                yield path


QUICK = ("habits/default_dicts", "habits/named_tuples", "habits/windows_file", "sentences/quiz_of_nothing")
CASES = [
    pytest.param(
        Case(path),
        id=str(Case(path)),
        marks=() if any(path.parent.match(f"*/{quick}") for quick in QUICK) else pytest.mark.slow,
    )
    for path in cases()
]


def ended(checks):
    """How each check that is not hidden has ended."""
    return {check.id: check.outcome.value for check in checks if not check.hidden}


@pytest.fixture
def kernel(monkeypatch):
    """Run a file's text as a cell of a notebook, and give the points of a function by `check`."""
    main, shell = types.ModuleType("__main__"), types.SimpleNamespace(compile=types.SimpleNamespace(_filename_map={}))
    main.get_ipython = lambda: shell
    monkeypatch.setitem(sys.modules, "__main__", main)

    def run(path, functions):
        monkeypatch.syspath_prepend(str(path.parent))
        text = source(path)
        linecache.cache["/tmp/ipykernel_1/1.py"] = (
            len(text),
            None,
            text.splitlines(keepends=True),
            "/tmp/ipykernel_1/1.py",
        )
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            # A kernel goes on after an exception, and its cells keep what they have defined.
            with contextlib.suppress(Exception, SystemExit):
                exec(compile(text, "/tmp/ipykernel_1/1.py", "exec"), vars(main))
            return {function: check(function) for function in functions}

    yield run
    for name in {path.stem for path in (OURS / "habits").glob("*/*.py")} & sys.modules.keys():
        del sys.modules[name]


def source(path):
    data = path.read_bytes()
    return data.decode("latin-1" if b"latin-1" in data[:40] else "utf-8-sig").replace("\r\n", "\n")


# A student has no such rule as this project, where a warning is an error.
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("case", CASES)
def test_the_four_agree(case, catalog, sandbox, student_pytest, own_course, kernel, tmp_path):
    path = case.copy(tmp_path / "work")
    graded = Grader(GradingSpec(catalog, units=(case.unit,)), sandbox).grade_path(path.parent)
    wanted = ended(graded.checks)

    at_home = student_pytest(path, cwd=own_course)
    assert ended(at_home.checks.values()) == wanted

    notebook = shutil.copytree(path.parent, tmp_path / "notebook") / f"{case.unit}.ipynb"
    notebook.with_suffix(".py").unlink()
    nbformat.write(new_notebook(cells=[new_code_cell(source(path))]), notebook)
    ahead = Ahead(notebook_spec(str(ROOT), case.unit, trusted=False), tmp_path / "ahead")
    assert ended(ahead.result("alice", notebook.parent).checks) == wanted

    # Of a function that is not there `check` says to run its cell, and gives nothing.
    functions = catalog.units[case.unit].functions
    earned = {
        function: sum(c.points for c in graded.checks if c.function == function and not c.hidden)
        for function in functions
    }
    assert kernel(path, functions) == pytest.approx(earned)
    assert Outcome.ERROR.value not in wanted.values()
