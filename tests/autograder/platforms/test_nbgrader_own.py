"""Test cells of an instructor's own, on functions of students; here the workers are in this very process."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

pytest.importorskip("nbgrader")
from autograder.course.catalog import read_catalog
from autograder.grading.grade import InThisProcess
from autograder.grading.spec import GradingSpec
from autograder.platforms.nbgrader.own import OwnTests
from tests.autograder.platforms.nbgrader_class import id_of, own_cells
from tests.autograder.small_course import make_course

POINTS = {"test-double": 2.0, "test-part": 1.0, "test-tensors": 3.0, "test-source": 4.0, "test-lost": 1.0}
BY_HAND = "This test was not run: it is graded by hand."


@pytest.fixture
def spec(tmp_path):
    return GradingSpec(read_catalog(make_course(tmp_path / "course")), units=("doubling",), require=())


@pytest.fixture
def own(spec, tmp_path):
    """The maker of the tests, from the cells of the source notebook and what students may read."""

    def make(cells, points=POINTS, shown=False):
        source = tmp_path / "source" / "doubling.ipynb"
        source.parent.mkdir(exist_ok=True)
        nbformat.write(new_notebook(cells=cells), source)
        released = {id_of(cell): cell.source for cell in cells}
        return OwnTests(spec, InThisProcess(), source, released, points, hidden_shown=shown)

    return make


@pytest.fixture
def handed_in(tmp_path):
    """The file of a student with this code."""

    def write(code):
        path = tmp_path / "submitted" / "doubling.ipynb"
        path.parent.mkdir(exist_ok=True)
        nbformat.write(new_notebook(cells=[new_code_cell(code)]), path)
        return path

    return write


@pytest.mark.parametrize(
    ("code", "points"),
    [
        ("def double(x):\n    return x + x", (2, 1, 3)),
        ("def double(x):\n    return x * x", (0, 0.5, 3)),
        ("def double(x):\n    return 4", (0, 0, 0)),
        ("def double(x):\n    return {}[x]", (0, 0, 0)),
        ("def double(x):\n    raise NotImplementedError", (0, 0, 0)),
        ("def double(x):\n    raise TypeError", (0, 0, 0)),
        ("def treble(x):\n    return 3 * x", (0, 0, 0)),
        ("def double(x)", (0, 0, 0)),
        ("def double(x):\n    x += x\n    return x", (2, 1, None)),
        (
            "class Equal(int):\n    def __eq__(self, _):\n        return True\n\n\ndef double(x):\n    return Equal(7)",
            (0, 0, 0),
        ),
        ("two = None\nassert_close = print\n\n\ndef double(x):\n    return x", (0, 0.5, 0)),
    ],
)
def test_points_are_those_that_the_functions_earn(own, handed_in, code, points):
    scores = own(own_cells()).scores(handed_in(code))
    assert [score.points for score in scores.values()] == [*points, None, None]
    assert scores["test-source"].text == BY_HAND


def test_instructors_read_why_a_test_cannot_be_run(own):
    reasons = own(own_cells()).reasons
    assert reasons.keys() == {"test-source", "test-lost"}
    assert "with your own solution" in reasons["test-source"] and "TypeError" in reasons["test-source"]
    assert "does not have it" in reasons["test-lost"]


@pytest.mark.parametrize("shown", [False, True])
def test_what_a_test_with_a_hidden_part_says_is_shown_only_if_hidden_checks_are(own, handed_in, shown):
    scores = own(own_cells(), shown=shown).scores(handed_in("def double(x):\n    return 4 if x == 2 else 'a secret'"))
    assert ("AssertionError" in scores["test-double"].text) == shown
    assert "a secret" not in scores["test-double"].text and "no TypeError" in scores["test-tensors"].text


@pytest.mark.parametrize(
    "text",
    [
        "assert double(2) == 5",
        "double(2) == 5",
        "1 / 2",
        "%time double(2) = 3",
        "import sys\nsys.exit()",
        "double(double)",
    ],
)
def test_a_test_that_the_solution_does_not_pass_is_left_for_grading_by_hand(own, handed_in, text):
    answer, _, test, *_ = own_cells()
    test.source = text
    tests = own([answer, test], {"test-double": 2.0})
    score = tests.scores(handed_in("def double(x):\n    return 2 * x"))["test-double"]
    assert score.points is None and score.text == BY_HAND and tests.reasons


def test_nothing_is_run_without_a_source_notebook(spec, tmp_path, handed_in):
    tests = OwnTests(spec, InThisProcess(), tmp_path / "none.ipynb", {}, POINTS, hidden_shown=False)
    scores = tests.scores(handed_in("def double(x):\n    return 2 * x"))
    assert {score.points for score in scores.values()} == {None}


def test_imports_of_other_cells_and_magics_do_no_harm(own, handed_in):
    answer, _, test, *_ = own_cells()
    test.source = "assert math.isclose(double(2), 4)"
    other = new_code_cell("%matplotlib inline\nimport math\nraise SystemExit\ndouble(1)")
    scores = own([other, answer, test], {"test-double": 2.0}).scores(handed_in("def double(x):\n    return 2 * x"))
    assert scores["test-double"].points == 2


@pytest.mark.parametrize(
    ("line", "points"),
    [
        ("np.all(double(2) == 4)", 0),
        ("(double(torch.ones(2)) == 2).all()", 0),
        ("np.float32(double(2) / 4) * 2", 1),
        ("torch.tensor(double(2) / 4) * 2", 1),
        ("double(2) - 2 or -1", 0),
        ("2 if double(2) == 4 else float('nan')", 0),
    ],
)
def test_the_last_line_may_be_a_number_of_any_library(own, handed_in, line, points):
    answer, _, test, *_ = own_cells()
    test.source = f"import numpy as np\nimport torch\n{line}"
    tests = own([answer, test], {"test-double": 2.0})
    for code, earned in (("return x + x", 2), ("return x", points)):
        assert tests.scores(handed_in(f"def double(x):\n    {code}"))["test-double"].points == earned
