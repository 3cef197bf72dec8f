"""Run an instructor's own test cells on the functions of a student.

The gradebook has the text of each cell, which runs in the trusted process. Each call of a student's function goes to a worker,
so that no submission can reach the comparison. Some tests need more than calls, and would fail everybody. So a test counts
only if the instructor's own solution has full points in the same way.
"""

import ast
import builtins
import contextlib
import io
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory

from autograder.checks.plugin.runs import sent_seed
from autograder.checks.remote import ModuleUnderTest, StudentModule
from autograder.errors import CheckError, GraderError, Raised, StudentFault
from autograder.grading.grade import GraderTime, Workers
from autograder.grading.spec import GradingSpec
from autograder.libraries import np, torch
from autograder.platforms.nbgrader.ahead import warm_sandbox
from autograder.platforms.nbgrader.cells import is_check_id
from autograder.platforms.nbgrader.intake import hand_in_of
from autograder.results.mark import Hidden
from autograder.results.types import legible, points_text
from autograder.submissions import Submission, read_for
from autograder.submissions.magics import without_magics

_PRINTED = 5_000
#: Packages whose arrays without a dimension are read as numbers or truth values of Python.
_LIBRARIES = {"numpy", "torch", "jax", "jaxlib"}
_HIDDEN = "### BEGIN HIDDEN TESTS"
_BY_HAND = "This test was not run: it is graded by hand."


@dataclass(frozen=True)
class OwnScore:
    """Score of a student in one of the instructor's own tests.

    Attributes:
        points: earned; None if the test could not be run and is graded by hand.
        text: the sentences that the student reads.
    """

    points: float | None
    text: str


@dataclass(frozen=True)
class _Cell:
    """Cell of the instructor's notebook that runs: a test with its points, a locked cell, or the imports of another cell."""

    id: str
    text: str
    points: float | None = None


class OwnTests:
    """Tests of the instructor's own in one notebook.

    Args:
        spec: the spec of the unit that the notebook holds.
        workers: where the students' functions run.
        source: the notebook with the instructor's solutions.
        released: the texts of locked cells by their ids, as the gradebook has them.
        points: the points of each own test by its id.
        hidden_shown: True if students may read what a test with a hidden part says.
    """

    def __init__(
        self,
        spec: GradingSpec,
        workers: Workers,
        source: Path,
        released: Mapping[str, str],
        points: Mapping[str, float],
        *,
        hidden_shown: bool,
    ) -> None:
        workers.require(spec.require)
        self._spec = spec
        self._workers = workers
        self._hidden_shown = hidden_shown
        self._points = dict(points)
        self._cells = tuple(_cells(source, spec.units[0], released, points))
        #: For each test that cannot be run, by its id, the reason; only instructors read it.
        self.reasons = self._reasons(source)

    def scores(self, work: Path) -> dict[str, OwnScore]:
        """Return the score of each test for what was handed in.

        Raises:
            SandboxError: there is no worker to be had.
        """
        found = self._run(read_for(self._spec.catalog, hand_in_of(work)), self.reasons)
        return {name: found.get(name, OwnScore(None, _BY_HAND)) for name in self._points}

    def _reasons(self, source: Path) -> dict[str, str]:
        """Try the tests on the instructor's solution. Return why some of them cannot be run on a student's functions."""
        there = {cell.id for cell in self._cells}
        reasons = {name: f"{source} does not have it" for name in self._points if name not in there}
        tried = self._run(read_for(self._spec.catalog, hand_in_of(source)), reasons) if there else {}
        failed = {name: score for name, score in tried.items() if score.points != self._points[name]}
        why = "with your own solution, called in another process, it does not have full points"
        return reasons | {name: f"{why}: {score.text}" for name, score in failed.items()}

    def _run(self, submission: Submission, skipped: Mapping[str, str]) -> dict[str, OwnScore]:
        unit = self._spec.units[0]
        seed = self._spec.seed_for(submission.digest)
        if unit not in submission.modules:
            why = submission.problem or f"{unit} was not handed in"
            return {name: OwnScore(0.0, f"Not passed: {why}") for name in self._points if name not in skipped}
        catalog = self._spec.catalog
        tested = ModuleUnderTest(
            submission.modules[unit],
            submission.sources,
            catalog.units[unit].seconds,
            self._spec.device,
            catalog.data(unit),
        )
        stage = _Stage(_names(self._cells))
        grader_time = GraderTime()
        found = {}
        for cell in self._cells:
            if cell.id in skipped:
                continue
            with self._workers.worker() as worker:
                own = sent_seed(seed, "own test", cell.id)
                stage.module = StudentModule(tested, worker, own)
                _seed_everything(own)
                score = self._run_cell(cell, stage, grader_time)
            if cell.points is not None:
                found[cell.id] = score
        return found

    def _run_cell(self, cell: _Cell, stage: "_Stage", grader_time: GraderTime) -> OwnScore:
        """Run one cell. Return its score, which means nothing if the cell is no test."""
        points = cell.points or 0.0
        printed = io.StringIO()
        try:
            with grader_time.limit_check(), contextlib.redirect_stdout(printed):
                value = _plain(stage.execute(cell))
        except CheckError as error:
            return OwnScore(None, f"{_BY_HAND} {error}")
        except GraderError:
            raise
        except (Exception, SystemExit) as error:  # a test may raise anything
            return OwnScore(0.0, self._output_text(cell, f"Not passed: {_sentence(error)}", printed.getvalue()))
        if any(call.changed for call in stage.module.calls):
            # The worker changed a copy: if the test looks at its arguments afterwards, it sees no change.
            return OwnScore(None, f"{_BY_HAND} A function has changed its arguments, which the test cannot see.")
        if value is False:
            return OwnScore(0.0, self._output_text(cell, "Not passed: its last line is False", printed.getvalue()))
        if isinstance(value, int | float) and not isinstance(value, bool) and not value >= points:
            earned = max(0.0, float(value))  # NaN earns 0 too
            words = f"Passed in part: {points_text(earned)} points"
            return OwnScore(earned, self._output_text(cell, words, printed.getvalue()))
        return OwnScore(points, self._output_text(cell, "Passed", printed.getvalue()))

    def _output_text(self, cell: _Cell, sentence: str, printed: str) -> str:
        if _HIDDEN in cell.text and not self._hidden_shown:
            return sentence.partition(":")[0]
        lines = [*printed[:_PRINTED].splitlines(), sentence]
        return "\n".join(map(legible, lines))


def own_tests(
    course: CourseDirectory, assignment: str, notebook: str, spec: GradingSpec, hidden: Hidden
) -> OwnTests | None:
    """Return the instructor's own tests in a notebook of an assignment; None if it has none."""
    with Gradebook(course.db_url, course.course_id) as gradebook:
        known = gradebook.find_notebook(notebook, assignment)
        answers = {cell.name for cell in known.solution_cells}
        code = {cell.name: cell.max_score for cell in known.grade_cells if cell.cell_type == "code"}
        points = {name: most for name, most in code.items() if name not in answers and not is_check_id(name)}
        released = {cell.name: cell.source or "" for cell in known.source_cells if cell.locked}
    if not points:
        return None
    source = Path(course.format_path(course.source_directory, ".", assignment), f"{notebook}.ipynb")
    shown = hidden in (Hidden.SENTENCE, Hidden.EVERYTHING)
    return OwnTests(spec, warm_sandbox(spec.catalog.preload), source, released, points, hidden_shown=shown)


class _Stage:
    """Namespace in which the instructor's cells run, with stand-ins for the functions of the student."""

    module: StudentModule

    def __init__(self, names: Iterable[str]) -> None:
        self._names: dict[str, Any] = {"__name__": "__main__"}
        for name in names:
            self._names[name] = _Function(self, name)

    def execute(self, cell: _Cell) -> object:
        """Run a cell. Return the value of its last line, or None if that is no expression."""
        tree = ast.parse(cell.text)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, cell.id, "exec"), self._names)
        if isinstance(last, ast.Expr):
            return eval(compile(ast.Expression(last.value), cell.id, "eval"), self._names)
        return None


class _Function:
    """Stand-in for a function of the student's module, for the instructor's cells to call."""

    def __init__(self, stage: _Stage, name: str) -> None:
        self._stage = stage
        self.__name__ = name

    def __call__(self, *args: object, **kwargs: object) -> Any:
        """Return what the student's function returns.

        Raises:
            Exception: of the type that the student's code has raised, if that is one of Python's own.
        """
        try:
            return getattr(self._stage.module, self.__name__)(*args, **kwargs)
        except Raised as error:
            raise _native(error) from error


def _cells(source: Path, unit: str, released: Mapping[str, str], points: Mapping[str, float]) -> Iterable[_Cell]:
    """Yield the cells of the instructor's notebook that run, in order: locked cells, tests, and the imports of all others."""
    try:
        notebook = nbformat.read(source, as_version=4)
    except Exception:  # nbformat raises whatever its schema and migrations raise; then nothing can be tried
        return
    for number, cell in enumerate(cell for cell in notebook.cells if cell.cell_type == "code"):
        facts = cell.metadata.get("nbgrader", {})
        name = str(facts.get("grade_id", ""))
        if name in points:
            # A test with magics is no Python, and cannot be run. Without these lines it could pass everybody.
            yield _Cell(name, released.get(name, cell.source), points[name])
        elif facts.get("locked") and not facts.get("grade"):
            yield _Cell(name, without_magics(released.get(name, cell.source), unit))
        elif not facts.get("grade"):
            yield _Cell(f"cell {number}", _imports(without_magics(cell.source, unit)))


def _imports(text: str) -> str:
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError):
        return ""
    return "\n".join(ast.unparse(node) for node in body if isinstance(node, ast.Import | ast.ImportFrom))


def _names(cells: Iterable[_Cell]) -> set[str]:
    """Return the names that some cell uses. A name that a cell defines itself replaces its stand-in when the cell runs."""
    found: set[str] = set()
    for cell in cells:
        with contextlib.suppress(SyntaxError, ValueError):
            found |= {node.id for node in ast.walk(ast.parse(cell.text)) if isinstance(node, ast.Name)}
    return found - vars(builtins).keys()


def _native(error: Raised) -> BaseException:
    """Return Python's own exception of the type that the student's code raised, for a test to catch; else the error itself."""
    for kind in error.kinds:
        found = getattr(builtins, kind, None)
        if isinstance(found, type) and issubclass(found, Exception) and found not in (Exception, BaseException):
            with contextlib.suppress(TypeError):  # UnicodeDecodeError and the like want more than a text
                return found(error.text)
    return error


def _plain(value: Any) -> Any:
    """Return a number or truth value of a numerical library as one of Python's own, and anything else unchanged."""
    library = type(value).__module__.partition(".")[0]  # by name, as the library may not be installed
    return value.item() if library in _LIBRARIES and getattr(value, "ndim", None) == 0 else value


def _sentence(error: BaseException) -> str:
    """Return the sentence that a student reads on a test that failed."""
    for fault in (error.__cause__, error):
        if isinstance(fault, StudentFault):
            return fault.sentence
    text = str(error).strip()
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _seed_everything(seed: int) -> None:
    """Seed all random numbers that a test may draw, so that the same work has the same mark again.

    Each library that is installed is seeded, even if nothing has imported it yet: the test may.
    """
    random.seed(seed)
    with contextlib.suppress(ImportError):
        np.random.seed(seed % 2**32)
    with contextlib.suppress(ImportError):
        torch.manual_seed(seed)
