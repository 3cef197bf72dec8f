"""Results that are there before nbgrader asks for them: always those of the very content that was handed in."""

import contextlib
import subprocess
import sys
from functools import partial

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

pytest.importorskip("nbgrader")
from autograder.course.catalog import read_catalog
from autograder.errors import GraderError
from autograder.grading.grade import Grader, InThisProcess, grade_in_turn
from autograder.platforms.nbgrader.ahead import Ahead, notebook_spec
from autograder.platforms.nbgrader.intake import hand_in_of
from autograder.submissions import read_for
from autograder.submissions.archives import refuse_crowd
from autograder.submissions.hand_in import HandIn
from tests.autograder.small_course import KINDS, make_course


class Counted(Ahead):
    """Grades in this process, and notes what."""

    graded: list = []  # noqa: RUF012 - emptied for each test

    @contextlib.contextmanager
    def _open_grading(self, count, _=()):
        grade_tasks = grade_in_turn(Grader(self.spec, InThisProcess()))

        def noted(tasks):
            for graded in grade_tasks(tasks):
                self.graded.append(graded.task.name)
                yield graded

        yield noted


@pytest.fixture
def root(tmp_path):
    return make_course(tmp_path / "course")


@pytest.fixture
def ahead(root, tmp_path):
    Counted.graded.clear()
    return Counted(notebook_spec(str(root), "doubling", trusted=True), tmp_path / "store")


@pytest.fixture
def works(tmp_path):
    """The hand-ins of three students."""
    paths = {}
    for kind in ("right", "half", "wrong"):
        path = tmp_path / "submitted" / kind / "doubling.py"
        path.parent.mkdir(parents=True)
        path.write_text(KINDS[kind][0])
        paths[kind] = path
    return paths


def scores(ahead, works):
    return {name: ahead.result(name, path).score for name, path in works.items()}


def test_what_was_graded_ahead_is_looked_up(ahead, works):
    ahead.grade(works)
    assert sorted(ahead.graded) == ["half", "right", "wrong"]
    assert scores(ahead, works) == {"right": 3, "half": 2, "wrong": 1}
    assert ahead.result("alice", works["right"]).name == "alice"
    assert len(ahead.graded) == 3


def test_a_result_is_that_of_the_content_and_not_of_the_name(ahead, works):
    ahead.grade(works)
    right, wrong = works["right"].read_text(), works["wrong"].read_text()
    works["right"].write_text(wrong)
    works["wrong"].write_text(right)
    assert scores(ahead, works) == {"right": 1, "half": 2, "wrong": 3}
    assert len(ahead.graded) == 3


def test_what_has_changed_since_is_graded_when_its_turn_comes(ahead, works):
    ahead.grade(works)
    works["wrong"].write_text(KINDS["right"][0] + "\n# at last\n")
    assert scores(ahead, works)["wrong"] == 3
    assert len(ahead.graded) == 4


@pytest.mark.slow
def test_another_state_of_the_course_has_results_of_its_own(ahead, works, root):
    ahead.grade(works)
    checks = root / "tests" / "exercises" / "test_doubling.py"
    checks.write_text(checks.read_text() + "\n# stricter\n")
    later = Counted(notebook_spec(str(root), "doubling", trusted=True), ahead.folder)
    later.grade(works)
    assert len(ahead.graded) == 6


@pytest.fixture
def beside(tmp_path):
    """A notebook that imports a module of the student's, which lies beside it."""
    folder = tmp_path / "submitted" / "jane" / "doubling"
    folder.mkdir(parents=True)
    cell = new_code_cell("from shapes import pair\n\ndef double(x):\n    return pair(x)\n")
    (folder / "doubling.ipynb").write_text(nbformat.writes(new_notebook(cells=[cell])))
    (folder / "shapes.py").write_text("def pair(x):\n    return 2 * x\n")
    (folder / "doubling_final.py").write_text(KINDS["right"][0])
    return folder / "doubling.ipynb"


def test_a_module_beside_the_notebook_is_taken_along(root, beside):
    found = read_for(read_catalog(root), hand_in_of(beside), "jane")
    assert list(found.helpers) == ["shapes"] and found.modules["doubling"].filename == "doubling.ipynb"
    assert found.notes == ("taken along: shapes.py",)
    (beside.parent / "pictures.py").write_text("ONE = 1\n")
    (beside.parent / "shapes.py").write_text("from pictures import ONE\ndef pair(x):\n    return 2 * x\n")
    assert set(read_for(read_catalog(root), hand_in_of(beside), "jane").helpers) == {"shapes", "pictures"}


def test_a_result_depends_on_the_module_beside_the_notebook(ahead, beside):
    assert ahead.result("jane", beside).score == 2
    (beside.parent / "shapes.py").write_text("def pair(x):\n    return x\n")
    assert ahead.result("jane", beside).score == 1


def test_a_notebook_is_taken_alone_if_its_folder_holds_no_module_or_too_many(beside, monkeypatch):
    with monkeypatch.context() as few:
        few.setattr("autograder.submissions.hand_in.refuse_crowd", partial(refuse_crowd, most=1))
        assert hand_in_of(beside) == HandIn.alone(beside)
    assert hand_in_of(beside) != HandIn.alone(beside)
    assert hand_in_of(beside.parent) == HandIn.alone(beside.parent)
    (beside.parent / "shapes.py").unlink()
    assert hand_in_of(beside) == HandIn.alone(beside)


HOLDS = """
import fcntl, sys
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.slow
def test_while_another_run_grades_each_notebook_has_its_turn(ahead, works):
    ahead.folder.mkdir()
    lock = [sys.executable, "-c", HOLDS, ahead.folder / ".grading"]
    with subprocess.Popen(lock, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        ahead.grade(works)
        assert ahead.graded == []
        assert scores(ahead, works) == {"right": 3, "half": 2, "wrong": 1}
        other.stdin.close()


def test_a_course_inside_the_work_grades_nothing(ahead, root):
    with pytest.raises(GraderError, match="the course lies inside the submission"):
        ahead.result("mallory", root)


def test_the_course_that_is_graded_by_is_read_anew(root):
    spec = notebook_spec(str(root), "doubling", trusted=False)
    assert spec.units == ("doubling",) and spec.require and spec.catalog == read_catalog(root)
