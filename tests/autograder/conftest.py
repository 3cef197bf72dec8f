"""The course, one warm sandbox for the whole run, and runs of pytest as a student makes them."""

import contextlib
import gc
import io
import resource
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from autograder import cli
from autograder.checks import plugin
from autograder.course.catalog import Catalog, read_catalog
from autograder.grading.grade import Grader
from autograder.grading.spec import GradingSpec
from autograder.results.types import CheckResult
from autograder.sandbox import Sandbox

# An example may take as long as a busy machine makes it.
hypothesis.settings.register_profile("any time", deadline=None)
hypothesis.settings.load_profile("any time")

ROOT = Path(__file__).parents[2]
SUBMISSIONS = Path(__file__).parent / "samples"


@dataclass
class _Frozen:
    """The test file and the number of modules at the last freeze of the garbage collector."""

    path: Path | None = None
    modules: int = 0


_frozen = _Frozen()


@pytest.fixture(autouse=True)
def _collections_are_quick(request: pytest.FixtureRequest) -> None:
    """Spare each collection of garbage what was there before: thousands of tests, and torch, take it half a second."""
    if not request.path.name.startswith("test_"):
        return  # a submission, in a run of pytest inside of a test
    if request.path != _frozen.path or len(sys.modules) > _frozen.modules + 100:
        _frozen.path, _frozen.modules = request.path, len(sys.modules)
        gc.collect()
        gc.freeze()
        request.config.add_cleanup(gc.unfreeze)  # a library of torch's prints, at the very end, what was not collected


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return read_catalog(ROOT)


@pytest.fixture(scope="session")
def sandbox(catalog: Catalog) -> Iterator[Sandbox]:
    with Sandbox(catalog.preload) as sandbox:
        yield sandbox


@pytest.fixture
def another_sandbox(sandbox: Sandbox) -> Callable[..., Sandbox]:
    """A sandbox with a fork server of its own, which has imported nothing anew."""

    def made(*args: Any, **options: Any) -> Sandbox:
        return Sandbox(*args, **options, control=sandbox.zygote.control.dup())

    return made


@pytest.fixture
def commands_share_the_sandbox(monkeypatch: pytest.MonkeyPatch, another_sandbox: Callable[..., Sandbox]) -> None:
    """Let a command that is run in this process fork from what has imported torch: a server of its own takes seconds."""
    monkeypatch.setattr("autograder.sandbox.Sandbox", another_sandbox)


@pytest.fixture(scope="session")
def grader(catalog: Catalog, sandbox: Sandbox) -> Grader:
    """For the units that the golden submissions hand in."""
    return Grader(GradingSpec(catalog, b"of the tests", ("variation_loss", "adversarial_attack")), sandbox)


@dataclass(frozen=True)
class StudentRun:
    """The end of a student's run of pytest: its exit code, what it printed, and the checks by id."""

    code: int
    text: str
    checks: dict[str, CheckResult]


class _Spy:
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self.results = session.config.stash[plugin.RECORDER].results


@pytest.fixture
def student_pytest(monkeypatch: pytest.MonkeyPatch) -> Callable[..., StudentRun]:
    """`pytest ARGS`, run in the course's folder. In this process, because torch takes seconds to import."""

    def run(*args: object, cwd: Path = ROOT) -> StudentRun:
        monkeypatch.chdir(cwd)
        monkeypatch.setenv("COLUMNS", "200")
        spy, printed = _Spy(), io.StringIO()
        options = ["-p", "no:cacheprovider", "-p", "no:unraisableexception", "-p", "no:threadexception"]
        # What this run would rewrite the outer one has imported.
        options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            code = pytest.main([*options, *map(str, args)], plugins=[spy])
        checks = {check.id: check for check in getattr(spy, "results", {}).values()}
        return StudentRun(int(code), printed.getvalue(), checks)

    return run


@pytest.fixture
def own_course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the course as a student has it, with the untouched skeletons, in the folder in which they work."""
    root = tmp_path / "my course"
    for folder in ("exercises", "solutions", "tests/exercises"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "conftest.py", root)
    (root / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def command(
    own_course: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """`autograder ARGS` in a course of its own, in this process: its exit code and what it printed."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*args: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["autograder", *map(str, args)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out + said.err

    return run


@pytest.fixture
def handin(tmp_path: Path) -> Callable[..., Path]:
    """A submission in a folder of its own: file names and their text or bytes."""

    def write(name: str = "alice", **files: str | bytes) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        for stem, content in files.items():
            path = folder / (stem.replace("__", ".") if "__" in stem.strip("_") else f"{stem}.py")
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return folder

    return write


@pytest.fixture
def peak() -> Callable[[], int]:
    """By how many bytes the most that this process ever held has grown since the test began."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return lambda: (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
