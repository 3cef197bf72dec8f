"""One submission in, one result out: shielded from whatever lies about."""

import errno
import gc
import os
import re
import secrets
import shutil
import threading
from pathlib import Path, PurePosixPath

import pytest
import torch

from autograder.course.catalog import read_catalog
from autograder.errors import GraderError, OverBudget, SandboxError
from autograder.grading.grade import Grader, GraderTime, InThisProcess
from autograder.grading.session import check_session
from autograder.grading.spec import GradingSpec, course_secret
from autograder.messages import speaking
from autograder.results.types import Outcome
from autograder.results.wording import message
from autograder.submissions import RawSubmission
from autograder.submissions.files import File
from tests.autograder.small_course import KINDS, make_course

ROOT = Path(__file__).parents[3]
SUBMISSIONS = Path(__file__).parents[1] / "samples"


@pytest.fixture
def small(tmp_path, sandbox):
    """A course of one unit and one check, to be written as a test needs it."""
    for folder in ("exercises", "solutions", "tests/exercises"):
        (tmp_path / "course" / folder).mkdir(parents=True)
    root = tmp_path / "course"
    (root / "exercises" / "catalog.toml").write_text(
        '[course]\ntitle = "Small"\n[[unit]]\nname = "unit"\ntitle = "Unit"\n[unit.functions.one]\npoints = 1\n'
    )
    (root / "solutions" / "unit.py").write_text("def one():\n    return 1\n")

    def grader(body, **options):
        head = "import pytest\nfrom autograder.compare import assert_equal\n\n@pytest.mark.points('one', 1)\n"
        (root / "tests" / "exercises" / "test_unit.py").write_text(head + f"def test_it(submission):\n    {body}\n")
        return Grader(GradingSpec(read_catalog(root), **options), sandbox)

    return grader


def test_a_unit_that_was_not_handed_in_is_not_run(grader):
    result = grader.grade_path(SUBMISSIONS / "one_unit")
    missing = [check for check in result.checks if check.unit == "adversarial_attack"]
    assert {check.outcome for check in missing} == {Outcome.NOT_RUN}
    assert {check.message for check in missing} == {"adversarial_attack.py was not handed in"}
    assert result.max_score == 58.0


def test_only_some_units_are_graded(catalog, sandbox):
    result = Grader(GradingSpec(catalog, units=("variation_loss",)), sandbox).grade_path(SUBMISSIONS / "perfect")
    assert (result.score, result.max_score) == (26.0, 26.0)


def test_an_archive_that_cannot_be_opened_has_a_result(grader, tmp_path):
    (tmp_path / "bob.zip").write_bytes(b"PK no")
    result = grader.grade_path(tmp_path / "bob.zip")
    assert result.score == 0.0 and result.max_score == 58.0
    assert {check.message for check in result.checks} == {result.notes[0]}
    assert result.notes[0].startswith("bob.zip cannot be opened (")
    with speaking("lt"):
        assert all("bob.zip" in message(check) for check in result.checks)


def test_the_same_content_and_secret_give_the_same_seed(catalog, sandbox, tmp_path):
    shutil.copytree(SUBMISSIONS / "one_unit", tmp_path / "copy")
    function = frozenset({"total_variation"})
    grader = Grader(GradingSpec(catalog, b"of the tests", ("variation_loss",), functions=function), sandbox)
    one, two = grader.grade_path(SUBMISSIONS / "one_unit"), grader.grade_path(tmp_path / "copy")
    assert one.seed == two.seed == grader.spec.seed_for(one.hashes["submission"])
    assert Grader(GradingSpec(catalog, b"another", ("quiz",)), sandbox).grade_path(tmp_path / "copy").seed != one.seed


#: Right on edges between 0 and 1, as in the checks whose images are always the same.
WRONG_ON_NOISE = """
def total_variation(images):
    differences = sum(images.diff(dim=dim).abs().flatten(1).sum(1) for dim in (2, 3))
    return differences + (images % 1).flatten(1).sum(1)
"""


def test_a_seed_replays_the_very_inputs(catalog, sandbox, handin):
    wrong = handin(variation_loss=WRONG_ON_NOISE)

    def graded(**facts):
        spec = GradingSpec(catalog, units=("variation_loss",), functions=frozenset({"total_variation"}), **facts)
        return Grader(spec, sandbox).grade_path(wrong)

    one = graded(secret=b"a secret")
    two, other = graded(seed=one.seed), graded(seed="other")
    assert [check.message for check in one.checks] == [check.message for check in two.checks]
    assert [check.message for check in one.checks] != [check.message for check in other.checks]


def test_collecting_lists_no_folder_above_the_course(small):
    """A course may lie in a home with thousands of folders, each of which pytest would look at."""
    grader = small("assert_equal(submission.one(), 1)")
    folders = {node.path for item in check_session(grader.spec.catalog, "unit").items for node in item.listchain()[1:]}
    assert folders and all(folder.is_relative_to(grader.spec.catalog.root) for folder in folders)


def test_nothing_from_outside_steers_pytest(sandbox, handin, monkeypatch, tmp_path, tmp_path_factory):
    """A configuration, a conftest and variables that would each end the run, or bend it."""
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --collect-only\n")
    (tmp_path / "conftest.py").write_text("raise SystemExit(0)\n")
    (tmp_path / "steer.py").write_text("raise SystemExit(0)\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTEST_ADDOPTS", "--collect-only")
    monkeypatch.setenv("PYTEST_PLUGINS", "steer")
    catalog = read_catalog(make_course(tmp_path_factory.mktemp("course")))
    source, points = KINDS["half"]
    result = Grader(GradingSpec(catalog, b"of the tests"), sandbox).grade_path(handin(doubling=source))
    assert (result.score, len(result.checks)) == (points, 3)
    assert os.environ["PYTEST_ADDOPTS"] == "--collect-only"


def test_files_of_a_submission_never_become_modules_here(catalog, sandbox, handin):
    names = ("conftest", "pytest", "torch", "sitecustomize", "random", "__init__")
    folder = handin("mallory", **dict.fromkeys(names, "raise SystemExit(0)\n"), pytest__ini="[pytest]\naddopts=--co\n")
    shutil.copy(SUBMISSIONS / "one_unit" / "variation_loss.py", folder)
    spec = GradingSpec(catalog, units=("variation_loss",), functions=frozenset({"total_variation"}))
    result = Grader(spec, sandbox).grade_path(folder)
    assert result.score == result.max_score > 0
    assert set(result.not_taken) == {*(f"{name}.py" for name in names), "pytest.ini"}


def test_prints_are_kept_as_the_students_own(catalog, sandbox):
    spec = GradingSpec(catalog, units=("variation_loss",), functions=frozenset({"total_variation"}))
    result = Grader(spec, sandbox).grade_path(SUBMISSIONS / "careless")
    failed = next(check for check in result.checks if check.id == "variation_loss::test_total_variation_gradient")
    assert failed.output.startswith("loading loading")
    assert "step 0" not in failed.output  # a progress bar shows its last state only


class NoWorkers(InThisProcess):
    def worker(self):
        raise SandboxError("there is no worker")


def test_without_a_worker_there_is_no_result(tmp_path):
    course = make_course(tmp_path / "course")
    grader = Grader(GradingSpec(read_catalog(course), require=()), NoWorkers())
    with pytest.raises(SandboxError, match="there is no worker"):
        grader.grade_path(course / "solutions" / "doubling.py")


def test_a_broken_check_is_our_fault_and_no_grade(small, handin):
    result = small("1 / 0").grade_path(handin(unit="def one():\n    return 1\n"))
    assert [check.outcome for check in result.errors] == [Outcome.ERROR]
    assert result.score == 0.0


def test_a_check_that_stumbles_over_a_value_fails(small, handin):
    """As torch does over complex numbers. Before any value it is the check that is broken, and after one it is the value."""
    body = "import torch; assert submission.one() < torch.ones(2)"
    result = small(body).grade_path(handin(unit="import torch\ndef one():\n    return torch.ones(2) * 1j\n"))
    (check,) = result.checks
    assert check.outcome is Outcome.FAILED and result.errors == ()
    assert check.message.startswith(
        "one() returned tensor([1j, 1j]), which the check cannot work with (NotImplementedError: "
    )


@pytest.mark.parametrize("where", ["in the check", "while it is explained"])
def test_a_check_that_takes_the_grader_too_long_fails_and_the_others_go_on(small, handin, monkeypatch, where):
    monkeypatch.setattr("autograder.grading.grade.GraderTime", lambda: GraderTime(check=0.2))
    more = "\n\n@pytest.mark.points('one', 1)\ndef test_more(submission):\n    assert_equal(submission.one(), 1)\n"
    if where == "in the check":
        body = f"submission.one()\n    while True: pass{more}"
    else:
        endless = "autograder.checks.plugin.recorder.Diagnosis.add"
        monkeypatch.setattr(endless, lambda *_, **__: [None for _ in iter(int, 1)])
        body = f"assert_equal(submission.one(), 2){more}"
    one, other = small(body).grade_path(handin(unit="def one():\n    return 1\n")).checks
    assert (one.outcome, other.outcome) == (Outcome.FAILED, Outcome.PASSED)
    assert one.message == "judging what came back took the grader longer than 0.2 s, so it was stopped"


def test_a_submission_that_takes_the_grader_too_long_loses_the_rest():
    grader_time = GraderTime(check=10.0, submission=0.1)
    with (
        pytest.raises(OverBudget, match=r"judging this submission took the grader longer than 0\.1 s"),
        grader_time.limit_check(),
    ):
        while True:
            pass
    with (
        pytest.raises(OverBudget, match=r"judging this submission took the grader longer than 0\.1 s"),
        grader_time.limit_check(),
    ):
        pass


def test_waiting_is_not_counted():
    with GraderTime(check=0.05).limit_check():
        threading.Event().wait(0.2)


@pytest.mark.parametrize(
    ("code", "raised"),
    [
        ("pass\nimport no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("pass\ndef broken(:", "SyntaxError: invalid syntax"),
        ("pass\n1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_checks_that_cannot_be_collected_are_our_fault(small, handin, code, raised):
    with pytest.raises(GraderError, match="the checks could not be run: ") as error:
        small(code).grade_path(handin(unit="def one():\n    return 1\n"))
    assert re.search(rf"test_unit\.py:\d+ raised {re.escape(raised)}; mend them, and grade again$", str(error.value))


def test_a_students_exceptions_do_not_pass_for_ours(small, handin):
    for code, words in [
        ("import pytest\ndef one():\n    pytest.skip('x')\n", "raised Skipped: x"),
        ("import pytest\ndef one():\n    pytest.exit('x')\n", "raised Exit: x"),
        ("def one():\n    raise KeyboardInterrupt\n", "raised KeyboardInterrupt"),
        ("def one():\n    raise SystemExit(0)\n", "raised SystemExit: 0"),
        ("raise SystemExit(0)\n", "unit.py cannot be imported: SystemExit: 0 (unit.py:1)"),
        ("def one():\n    assert False, 'mine'\n", "raised AssertionError: mine"),
    ]:
        result = small("assert_equal(submission.one(), 1)").grade_path(handin(f"s{abs(hash(code))}", unit=code))
        (check,) = result.checks
        assert check.outcome is Outcome.FAILED
        assert words in check.message


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("pass", "one('a.png') wrote no file a.png"),
        ("path.write_text('?')", "one('a.png') wrote a file that cannot be read (cannot identify image file 'a.png')"),
    ],
)
def test_a_file_that_was_not_written_is_the_students_fault(small, handin, code, sentence):
    body = "place = submission.share_folder()\n    submission.one(place / 'a.png')\n    Image.open(place / 'a.png')"
    result = small(f"from PIL import Image\n    {body}").grade_path(handin(unit=f"def one(path):\n    {code}\n"))
    (check,) = result.checks
    assert (check.outcome, check.message) == (Outcome.FAILED, sentence)


def test_a_file_of_the_checks_own_that_is_missing_is_no_students_fault(small, handin):
    body = "submission.share_folder()\n    submission.one()\n    open('/nowhere/at/all')"
    result = small(body).grade_path(handin(unit="def one():\n    return 1\n"))
    assert result.checks[0].outcome is Outcome.ERROR


def test_the_secret_is_made_once_and_private(monkeypatch, tmp_path):
    monkeypatch.delenv("IDEALCAT_SECRET", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    first = course_secret()
    assert len(first) == 64 and course_secret() == first
    assert (tmp_path / "idealcat" / "secret").stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("IDEALCAT_SECRET", "given")
    assert course_secret() == b"given"


def test_graders_that_start_together_have_one_secret(monkeypatch, tmp_path):
    monkeypatch.delenv("IDEALCAT_SECRET", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    first, plain = [], secrets.token_hex

    def token_hex(count):
        if count == 32 and not first:  # another grader starts while this one writes
            first.append(b"")
            first[0] = course_secret()
        return plain(count)

    monkeypatch.setattr(secrets, "token_hex", token_hex)
    assert course_secret() == first[0] != b""
    assert [path.name for path in (tmp_path / "idealcat").iterdir()] == ["secret"]


def test_a_secret_is_made_on_a_disk_without_hard_links(monkeypatch, tmp_path):
    def refuse(*_, **__):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.delenv("IDEALCAT_SECRET", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(os, "link", refuse)
    assert len(course_secret()) == 64
    assert [path.name for path in (tmp_path / "idealcat").iterdir()] == ["secret"]


def test_a_secret_that_cannot_be_made_is_told(monkeypatch, tmp_path):
    monkeypatch.delenv("IDEALCAT_SECRET", raising=False)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    with pytest.raises(GraderError, match="set IDEALCAT_SECRET to any long text"):
        course_secret()


def test_an_empty_secret_is_told(monkeypatch, tmp_path):
    monkeypatch.delenv("IDEALCAT_SECRET", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    course_secret()
    (tmp_path / "idealcat" / "secret").write_text("")
    with pytest.raises(GraderError, match=r"is empty, .* delete it and run again"):
        course_secret()


def test_nothing_that_a_submission_returned_is_kept(handin, grader):
    size = 1_234_567
    code = f"import torch\n\ndef total_variation(images):\n    return torch.zeros({size})\n"
    result = grader.grade_path(handin(variation_loss=code))
    assert str(size) in " ".join(check.message for check in result.checks)
    gc.collect()
    assert [True for each in gc.get_objects() if type(each) is torch.Tensor and each.numel() == size] == []


def test_checks_that_are_gone_are_our_fault(tmp_path):
    course = make_course(tmp_path / "course")
    (course / "tests" / "exercises" / "test_doubling.py").unlink()
    with pytest.raises(
        GraderError, match=r"test_doubling\.py cannot be read \(No such file or directory\); put it back"
    ):
        Grader(GradingSpec(read_catalog(course), require=()), InThisProcess()).grade_path(
            course / "solutions" / "doubling.py"
        )


def test_checks_that_have_changed_are_collected_anew(tmp_path):
    course = make_course(tmp_path / "course")
    checks = course / "tests" / "exercises" / "test_doubling.py"
    grader = Grader(GradingSpec(read_catalog(course), require=()), InThisProcess())
    before = grader.grade_path(course / "solutions" / "doubling.py")
    checks.write_text(
        checks.read_text() + '\n\n@pytest.mark.points("double", 1)\ndef test_more(submission):\n    """More."""\n'
    )
    after = grader.grade_path(course / "solutions" / "doubling.py")
    assert len(after.checks) == len(before.checks) + 1


def test_checks_that_end_in_the_middle_judge_nobody(tmp_path):
    """Python keeps what it has read of them: the second submission must not be judged by that."""
    course = make_course(tmp_path / "course")
    with (course / "tests" / "exercises" / "test_doubling.py").open("a") as checks:
        checks.write("\nimport no_such_module\n")
    grader = Grader(GradingSpec(read_catalog(course), require=()), InThisProcess())
    for _ in range(2):
        with pytest.raises(GraderError, match="no_such_module"):
            grader.grade_path(course / "solutions" / "doubling.py")


@pytest.mark.parametrize(
    ("text", "units", "libraries"),
    [
        ("import torch\n", ["variation_loss"], {"torch", "data"}),
        ("from torchvision.transforms import functional\n", ["variation_loss"], {"torch", "data", "torchvision"}),
        ("steps = torch.optim.Adam\n", ["variation_loss"], {"torch", "data"}),
        ("from torch.func import grad\n", ["variation_loss"], {"torch", "data", "torch._dynamo"}),
        ("import matplotlib.pyplot as plt\n", ["variation_loss"], {"torch", "data", "matplotlib"}),
        ("import torch\n", ["fine_tuning"], {"torch", "data"}),
        ("import torch\n", [], {"torch", "data"}),
    ],
)
def test_workers_have_the_libraries_that_are_named(text, units, libraries):
    """By the submission, or by the checks and solutions of the units that it holds; no others are waited for."""
    files = {unit: File(PurePosixPath(f"{unit}.py"), len(text), text.encode()) for unit in units}
    assert GradingSpec(read_catalog(ROOT)).libraries([RawSubmission("ann", files)]) == libraries


def test_a_unit_that_was_not_handed_in_asks_for_nothing(tmp_path):
    """Neither a fixture nor a check of it runs, even one that uses no submission."""
    course = make_course(tmp_path / "course")
    checks = course / "tests" / "exercises" / "test_doubling.py"
    looks = "@pytest.fixture(autouse=True)\ndef looks():\n    raise AssertionError('a fixture has run')\n\n\n"
    checks.write_text(checks.read_text().replace("@pytest.mark", f"{looks}@pytest.mark", 1))
    (tmp_path / "ann").mkdir()
    result = Grader(GradingSpec(read_catalog(course), require=()), InThisProcess()).grade_path(tmp_path / "ann")
    assert {(check.outcome, check.message) for check in result.checks} == {
        (Outcome.NOT_RUN, "doubling.py was not handed in")
    }
