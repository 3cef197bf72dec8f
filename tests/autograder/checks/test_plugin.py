"""What a student sees when they run pytest, in every way that someone who knows pytest would."""

import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from autograder.course.catalog import read_catalog
from autograder.results.types import Outcome
from autograder.student.progress import read_progress
from tests.autograder.small_course import RIGHT, make_course

ROOT = Path(__file__).parents[3]


@pytest.fixture
def course(tmp_path):
    """A copy of the course, with the untouched skeletons."""
    for folder in ("exercises", "solutions", "tests/exercises"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "conftest.py", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
    return tmp_path


@pytest.fixture
def write(course):
    """Replaces one function of a skeleton by another text."""

    def write(unit, text):
        path = course / "exercises" / f"{unit}.py"
        path.write_text(path.read_text() + "\n\n" + text)

    return write


def lines_with(run, mark):
    return [line for line in run.text.splitlines() if line.startswith(f"    {mark} ")]


@pytest.mark.slow
def test_untouched_skeletons_are_not_written(student_pytest, course):
    run = student_pytest("exercises", cwd=course)
    assert run.code == 1
    assert {check.outcome for check in run.checks.values()} == {Outcome.NOT_WRITTEN}
    lines = lines_with(run, "-")
    assert len(lines) == len(run.checks) > 200
    assert all("not written yet (" in line for line in lines)
    assert "Traceback" not in run.text and "NotImplementedError" not in run.text
    assert "Next: write answers in quiz.py, then run: pytest exercises/quiz.py" in run.text
    assert f"{len(lines)} not written" in run.text.splitlines()[-1]


def test_one_file_is_one_unit(student_pytest, course):
    run = student_pytest("exercises/variation_loss.py", cwd=course)
    assert {check.unit for check in run.checks.values()} == {"variation_loss"}
    assert "Variation loss: how much neighbouring pixels differ: 0 of 26 points" in run.text
    assert "Adversarial" not in run.text


@pytest.mark.slow
def test_the_solutions_pass(student_pytest):
    run = student_pytest("solutions")
    assert run.code == 0
    assert "Everything passes." in run.text
    assert {check.outcome for check in run.checks.values()} == {Outcome.PASSED}


def test_a_submission_elsewhere_is_judged(student_pytest, tmp_path):
    for unit in ("variation_loss", "quiz"):
        shutil.copy(ROOT / "solutions" / f"{unit}.py", tmp_path)
    run = student_pytest(tmp_path)
    assert (run.code, {check.unit for check in run.checks.values()}) == (0, {"variation_loss", "quiz"})


def test_checks_collected_directly_judge_the_solutions(student_pytest):
    run = student_pytest("tests/exercises/test_variation_loss.py")
    assert (run.code, len(run.checks)) == (0, 34)


@pytest.mark.parametrize("chosen", [".", "tests", "tests/exercises/test_doubling.py", "exercises"])
def test_without_solutions_each_check_judges_the_exercise_once(student_pytest, tmp_path, chosen):
    root = make_course(tmp_path)
    shutil.rmtree(root / "solutions")
    (root / "exercises" / "doubling.py").write_text(RIGHT)
    run = student_pytest(chosen, cwd=root)
    assert "Everything passes." in run.text and "3 passed" in run.text
    progress, catalog = read_progress(root), read_catalog(root)
    assert progress.open_functions(catalog, catalog.units["doubling"]) == []


def test_a_run_without_points_says_so(student_pytest, tmp_path):
    root = make_course(tmp_path)
    checks = root / "tests" / "exercises" / "test_doubling.py"
    checks.write_text(checks.read_text() + FREE)
    text = student_pytest("exercises", "-k", "test_free", cwd=root).text
    assert "no points in this run" in text and "0 of 0" not in text


def test_a_keyword_that_matches_nothing_is_told_what_it_takes(student_pytest, tmp_path):
    root = make_course(tmp_path)
    text = student_pytest("exercises", "-k", "duoble", cwd=root).text
    assert "No check matches -k duoble; give the name of a function, such as double." in text
    (root / "test_other.py").write_text("def test_one():\n    pass\n")
    assert "No check matches" not in student_pytest(".", "-k", "test_one", cwd=root).text


FREE = """

@pytest.mark.points("double", 0)
def test_free(submission):
    submission.double(torch.ones(1))
"""
WRONG = "def total_variation(images):\n    return (images[..., 1:] - images[..., :-1]).abs().sum(dim=(1, 2, 3))\n"


def test_a_wrong_answer_reads_as_one_sentence_and_its_mistake(student_pytest, course, write):
    write("variation_loss", WRONG)
    run = student_pytest("exercises/variation_loss.py", "-k", "test_vertical_neighbours", cwd=course)
    assert run.code == 1
    expected = """\
    x Neighbours above one another count: an edge across 5 columns and 3 channels is worth 15
        total_variation(1x3x4x5 tensor) returned 0.0 at [0], expected 15.0
        Known mistake: Only neighbours side by side are counted; pixels above one another are neighbours too.
"""
    assert expected in run.text
    assert "Next: mend total_variation in variation_loss.py" in run.text
    assert "Traceback" not in run.text and "FAILURES" not in run.text and "short test summary" not in run.text


def test_a_notebook_that_is_named_is_run_even_beside_a_file_of_its_name(student_pytest, tmp_path):
    root = make_course(tmp_path)
    notebook = root / "exercises" / "doubling.ipynb"
    notebook.write_text(nbformat.writes(new_notebook(cells=[new_code_cell(RIGHT)])))
    assert "3 passed" in student_pytest("exercises/doubling.ipynb", cwd=root).text
    assert "3 not written" in student_pytest("exercises", cwd=root).text


def test_what_waits_for_a_failed_check_is_not_run(student_pytest, course, write):
    write("variation_loss", "def total_variation(images):\n    return images.sum()\n")
    run = student_pytest("exercises/variation_loss.py", "-k", "total_variation or constant", cwd=course)
    assert run.checks["variation_loss::test_constant_image"].outcome is Outcome.BLOCKED
    assert (
        '~ An image of one colour has no variation: the channels of a pixel are no neighbours: waits for "There is one number'
        in run.text
    )
    assert "blocked" in run.text.splitlines()[-1]


def test_a_dependency_that_was_not_selected_does_not_block(student_pytest):
    run = student_pytest("solutions/variation_loss.py", "-k", "constant_image")
    assert [check.outcome for check in run.checks.values()] == [Outcome.PASSED]


def test_quiet_verbose_and_first_failure(student_pytest, course):
    quiet = student_pytest("-q", "exercises/variation_loss.py", cwd=course)
    assert "0 of 26 points" in quiet.text and not lines_with(quiet, "-")
    verbose = student_pytest("-v", "solutions/variation_loss.py", "-k", "constant_image or vertical_neighbours")
    assert len(lines_with(verbose, "+")) == 2
    assert "test_constant_image PASSED" in verbose.text
    first = student_pytest("-x", "exercises/variation_loss.py", cwd=course)
    outcomes = [check.outcome for check in first.checks.values()]
    assert outcomes.count(Outcome.NOT_WRITTEN) == 1 and outcomes.count(Outcome.NOT_RUN) == 33


def test_tracebacks_come_when_asked_for(student_pytest, course, write):
    write("variation_loss", "def total_variation(images):\n    return images.no_such_thing()\n")
    run = student_pytest("exercises/variation_loss.py", "--tb=short", "-k", "constant", cwd=course)
    assert "FAILURES" in run.text and "images.no_such_thing()" in run.text


def test_junit_xml_holds_the_sentence(student_pytest, course, write, tmp_path):
    write("variation_loss", WRONG)
    student_pytest("exercises/variation_loss.py", f"--junitxml={tmp_path / 'report.xml'}", cwd=course)
    (suite,) = ElementTree.parse(tmp_path / "report.xml").getroot()
    assert suite.get("tests") == "34"
    texts = [failure.text for failure in suite.iter("failure")]
    assert "total_variation(1x3x4x5 tensor) returned 0.0 at [0], expected 15.0" in texts


def test_node_ids_are_those_of_the_students_file(student_pytest, course):
    run = student_pytest("exercises", "--collect-only", "-q", cwd=course)
    assert "exercises/variation_loss.py::test_constant_image" in run.text.splitlines()
    one = student_pytest("exercises/variation_loss.py::test_constant_image", cwd=course)
    assert list(one.checks) == ["variation_loss::test_constant_image"]


def test_a_file_that_is_not_python_fails_with_its_line(student_pytest, course):
    path = course / "exercises" / "variation_loss.py"
    path.write_text("def total_variation(:\n")
    run = student_pytest("exercises/variation_loss.py", cwd=course)
    sentence = "variation_loss.py:1 is not valid Python (invalid syntax): def total_variation(:"
    assert run.text.count(sentence) == 1  # said once, not thirty times
    assert run.code == 1


def test_other_python_files_are_left_alone(student_pytest, course):
    (course / "exercises" / "helpers.py").write_text("raise SystemExit")
    assert student_pytest("exercises", "-k", "constant", cwd=course).code == 1


def test_mistakes_are_not_units(student_pytest):
    assert student_pytest("solutions/mistakes", "--collect-only").code == 5


def test_without_a_course_the_plugin_is_silent(student_pytest, tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_x.py").write_text("def test_x():\n    pass\n")
    run = student_pytest("test_x.py", cwd=tmp_path)
    assert run.code == 0 and "idealcat" not in run.text.split("collected")[1]


def test_a_wrong_catalog_is_a_usage_error(student_pytest, course):
    (course / "exercises" / "catalog.toml").write_text("[course")
    run = student_pytest("exercises", cwd=course)
    assert run.code == 4 and "is not valid TOML" in run.text


def test_a_check_without_points_is_refused(student_pytest, course):
    checks = course / "tests" / "exercises" / "test_variation_loss.py"
    checks.write_text("def test_it(submission):\n    pass\n")
    run = student_pytest("exercises/variation_loss.py", cwd=course)
    assert run.code == 4 and "needs @pytest.mark.points(function, value)" in run.text


def test_a_fault_of_the_check_is_not_the_students(student_pytest, course):
    checks = course / "tests" / "exercises" / "test_variation_loss.py"
    checks.write_text(
        "import pytest\n\n@pytest.mark.points('denoise', 1)\ndef test_it(submission):\n    '''It works.'''\n    1 / 0\n"
    )
    run = student_pytest("exercises/variation_loss.py", cwd=course)
    (check,) = run.checks.values()
    assert check.outcome is Outcome.ERROR
    assert check.message == "the check itself failed with ZeroDivisionError: division by zero"


def pytest_command(course, *args, **options):
    return subprocess.run(
        [sys.executable, "-m", "pytest", *args], cwd=course, capture_output=True, text=True, timeout=120, **options
    )


WARNING = """
import logging
import warnings

warnings.warn("imported")
logging.getLogger("unit").addHandler(logging.FileHandler("unit.log"))


def double(x):
    open(__file__)
    warnings.warn("slow", DeprecationWarning)
    return 2 * x
"""


def test_a_pytest_that_makes_warnings_errors_makes_none_of_the_students(tmp_path):
    """As this repository's own, and as in a graded run; also of a file that the student's code leaves open."""
    root = make_course(tmp_path / "course")
    (root / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\nfilterwarnings = error\n")
    (root / "exercises" / "doubling.py").write_text(WARNING)
    run = pytest_command(root, "exercises/doubling.py", "-k", "double", "-p", "no:cacheprovider")
    assert "double: 2 of 2 points" in run.stdout
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.slow
def test_last_failed_and_the_debugger(course, write):
    """The real command: `--lf` runs what failed, and `--pdb` stands in the student's own code."""
    write("variation_loss", "def total_variation(images):\n    answer = 41\n    return images.no_such_thing()\n")
    select = ("exercises/variation_loss.py", "-k", "constant or variation_loss_is_a_scalar")
    first = pytest_command(course, *select)
    assert first.returncode == 1 and "1 failed" in first.stdout and "1 not written" in first.stdout
    again = pytest_command(course, *select, "--lf", "--pdb", input="p answer + 1\nq\n")
    assert "rerun previous 2 failures" in again.stdout
    assert "-> return images.no_such_thing()" in again.stdout
    assert "(Pdb) 42" in again.stdout


@pytest.mark.slow
def test_the_debugger_stops_in_the_call_that_gave_the_wrong_value(course, write):
    write(
        "variation_loss",
        "def total_variation(images):\n    answer = 41\n    total = images.sum()\n    return 0 * total + 7\n",
    )
    select = ("exercises/variation_loss.py", "-k", "constant")
    stopped = pytest_command(course, *select, "--pdb", input="p answer + 1\np _returned\np _expected\nq\n")
    assert "-> return 0 * total + 7" in stopped.stdout
    assert "(Pdb) 42" in stopped.stdout
    assert "total_variation(" in stopped.stdout and "Its value is in _returned" in stopped.stdout
    assert "(Pdb) tensor(" in stopped.stdout


def test_pytest_shows_what_a_function_prints(student_pytest, tmp_path):
    root = make_course(tmp_path / "course")
    (root / "exercises" / "doubling.py").write_text("def double(x):\n    print('given', len(x))\n    return x + 1\n")
    run = student_pytest("exercises/doubling.py", cwd=root)
    assert "    It printed:\n      | given 3\n" in run.text
    (root / "exercises" / "doubling.py").write_text("def double(x):\n    print('given', len(x))\n    return 2 * x\n")
    assert "It printed" not in student_pytest("exercises/doubling.py", "-k", "double", cwd=root).text
    assert "given 3" in student_pytest("exercises/doubling.py", "-s", cwd=root).text


def test_small_tensors_are_shown_whole(student_pytest, tmp_path):
    root = make_course(tmp_path / "course")
    (root / "exercises" / "doubling.py").write_text("def double(x):\n    return x + 1\n")
    run = student_pytest("exercises/doubling.py", cwd=root)
    check = run.checks["doubling::test_double_of_nothing"]
    assert check.values.splitlines() == ["expected   returned   difference", "0  0       1  1       1  1"]
    assert "      | 0  0       1  1       1  1" in run.text
    seeded = student_pytest("exercises/doubling.py", "--check-seed", "graded", cwd=root)
    assert seeded.checks["doubling::test_double_of_nothing"].values == ""


def test_a_message_is_one_line_of_bounded_length(student_pytest, handin):
    """Nothing that a student's code says steers a terminal or passes for a line of the summary."""
    text = r'"\x1b[2J\x9b1m\n  denoise: 8 of 8\u2028\u202e" + "x" * 10**4'
    path = handin(variation_loss=f"def variation_loss(images):\n    raise ValueError({text})\n") / "variation_loss.py"
    run = student_pytest(path, "-k", "test_variation_loss_is_a_scalar")
    message = run.checks["variation_loss::test_variation_loss_is_a_scalar"].message
    assert "raised ValueError: ?[2J?1m denoise: 8 of 8 ?xxx" in message and message.isprintable()
    assert 1900 < len(message) < 2100


def test_a_plain_assert_names_the_call_and_the_known_mistake(student_pytest, tmp_path):
    root = make_course(tmp_path / "course")
    (root / "solutions" / "mistakes").mkdir()
    (root / "solutions" / "mistakes" / "doubling.py").write_text(
        "from autograder.diagnose import mistake\n\n"
        "@mistake('double', 'Nothing is doubled.')\ndef nothing(x):\n    return x\n"
    )
    (root / "tests" / "exercises" / "test_doubling.py").write_text(
        "import pytest\n\n@pytest.mark.points('double', 2)\ndef test_double(submission):\n"
        "    assert submission.double(3) == 6\n"
    )
    (root / "exercises" / "doubling.py").write_text("def double(x):\n    return x\n")
    (root / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
    run = student_pytest("exercises/doubling.py", cwd=root)
    (check,) = run.checks.values()
    assert check.message.startswith("double(3) returned 3, which does not hold: assert 3 == 6")
    assert check.diagnosis == "Nothing is doubled."


@pytest.mark.parametrize("raised", ["ValueError", "KeyError", "UnicodeDecodeError"])
def test_an_expected_exception_can_be_caught_with_pytest(student_pytest, tmp_path, raised):
    root = make_course(tmp_path / "course")
    kind = "ValueError" if raised == "UnicodeDecodeError" else raised
    error = "b'\\xff'.decode()" if raised == "UnicodeDecodeError" else f"raise {raised}('x must be positive')"
    (root / "tests" / "exercises" / "test_doubling.py").write_text(
        "import pytest\n\n@pytest.mark.points('double', 2)\ndef test_double(submission):\n"
        f"    with pytest.raises({kind}, match='must be|decode'):\n        submission.double(3)\n"
    )
    (root / "exercises" / "doubling.py").write_text(f"def double(x):\n    {error}\n")
    (root / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
    (check,) = student_pytest("exercises/doubling.py", cwd=root).checks.values()
    assert check.outcome is Outcome.PASSED, check.message


def test_a_function_that_uses_a_failing_one_says_which_to_mend_first(student_pytest, tmp_path):
    root = make_course(tmp_path / "course")
    (root / "exercises" / "doubling.py").write_text(
        "def double(x):\n    return x\n\ndef halve(x):\n    return double(x)\n"
    )
    (root / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
    checks = student_pytest("exercises/doubling.py", cwd=root).checks
    advice = "double fails, and halve uses it: mend double first"
    assert checks["doubling::test_halve"].message.endswith(advice)
    assert "mend" not in checks["doubling::test_double"].message


def test_a_function_that_returns_nothing_says_so_and_whoever_stumbles_over_it_says_which_to_mend(
    student_pytest, tmp_path
):
    root = make_course(tmp_path / "course")
    (root / "exercises" / "doubling.py").write_text(
        "def double(x):\n    print(2 * x)\n\ndef halve(x):\n    return double(x) / 4\n"
    )
    (root / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
    checks = student_pytest("exercises/doubling.py", cwd=root).checks
    assert checks["doubling::test_double"].message.endswith("; a function that ends without `return` gives None")
    assert checks["doubling::test_halve"].message.endswith("double fails, and halve uses it: mend double first")


@pytest.mark.parametrize("given", ["[x]", "(2 * x, x)", "vars(x)"])
def test_what_is_raised_because_of_a_failing_function_says_which_to_mend_first(student_pytest, tmp_path, given):
    root = make_course(tmp_path / "course")
    (root / "exercises" / "doubling.py").write_text(
        f"def double(x):\n    return {given}\n\ndef halve(x):\n    return double(x) / 4\n"
    )
    (root / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
    check = student_pytest("exercises/doubling.py", cwd=root).checks["doubling::test_halve"]
    assert " raised TypeError: " in check.message
    assert check.message.endswith("; double fails, and halve uses it: mend double first")


def test_nothing_in_place_of_an_error_is_no_missing_return(student_pytest, tmp_path):
    root = make_course(tmp_path / "course")
    (root / "tests" / "exercises" / "test_doubling.py").write_text(
        "import pytest\nfrom autograder.compare import assert_raises\n\n@pytest.mark.points('double', 2)\n"
        "def test_double(submission):\n    assert_raises(ValueError, submission.double, 3)\n"
    )
    (root / "exercises" / "doubling.py").write_text("def double(x):\n    pass\n")
    (root / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
    (check,) = student_pytest("exercises/doubling.py", cwd=root).checks.values()
    assert check.message.endswith("returned None, expected ValueError")


def test_a_name_that_only_looks_right_is_told_by_its_letter(student_pytest, tmp_path):
    root = make_course(tmp_path / "course")
    (root / "exercises" / "doubling.py").write_text("def d\N{CYRILLIC SMALL LETTER O}uble(x):\n    return 2 * x\n")
    (root / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
    checks = student_pytest("exercises/doubling.py", cwd=root).checks
    assert "CYRILLIC SMALL LETTER O" in checks["doubling::test_double"].message


def test_a_sentence_about_an_earlier_call_has_its_template(student_pytest, tmp_path):
    root = make_course(tmp_path / "course")
    check = '''
import pytest
from autograder.compare import assert_holds


@pytest.mark.points("double", 1)
def test_double(submission):
    """It doubles."""
    first = submission.double(1)
    submission.double(2)
    assert_holds(False, ": it seeds the global random state", first)
'''
    (root / "tests" / "exercises" / "test_doubling.py").write_text(check)
    (root / "exercises" / "doubling.py").write_text("def double(x):\n    return [x]\n")
    template = 'msgid ": it seeds the global random state"\nmsgstr ""\n'
    (root / "exercises" / "locale").mkdir()
    (root / "exercises" / "locale" / "course.pot").write_text(template)
    (found,) = student_pytest("exercises/doubling.py", cwd=root).checks.values()
    assert found.message == "double(1): it seeds the global random state"
    assert found.sentence["values"]["call"] == "double(1)"


LEAVES = """
import torch

def double(x):
    LEFT
    return x * 2

def halve(x):
    return x / 2
"""
CHECK_WITH_A_NET = """
import pytest
import torch
from autograder.compare import assert_close

@pytest.fixture
def net():
    return torch.nn.Linear(3, 2)

@pytest.mark.points("double", 1)
def test_double(submission):
    ones = torch.ones(2)
    assert_close(submission.double(ones), torch.full((2,), 2.0))
    torch.nn.Linear(2, 2)(ones).sum().backward()
    assert_close(submission.double(torch.ones(2)), torch.full((2,), 2.0))

@pytest.mark.points("halve", 1)
def test_halve(net, submission):
    net(torch.zeros(3)).sum().backward()
    assert net.weight.dtype == torch.float32
    assert_close(submission.halve(torch.ones(2)), torch.full((2,), 0.5))
"""


@pytest.mark.parametrize(
    "left",
    [
        "double.mode = torch.inference_mode(); double.mode.__enter__()",
        "torch.set_grad_enabled(False)",
        "torch.set_default_dtype(torch.float64)",
    ],
)
def test_what_a_call_leaves_in_this_process_does_not_reach_what_checks_compute_themselves(
    student_pytest, tmp_path, left
):
    """A graded student's code runs in another process, and right code passes there."""
    root = make_course(tmp_path / "course")
    (root / "exercises" / "doubling.py").write_text(LEAVES.replace("LEFT", left))
    (root / "tests" / "exercises" / "test_doubling.py").write_text(CHECK_WITH_A_NET)
    run = student_pytest("exercises", cwd=root)
    assert {check.outcome for check in run.checks.values()} == {Outcome.PASSED}
