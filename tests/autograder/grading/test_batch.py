import contextlib
import dataclasses
import json
import os
import re
import shutil
from importlib import metadata
from pathlib import Path

import pytest

from autograder.course.catalog import read_catalog
from autograder.errors import GraderError, SandboxError, UsageError
from autograder.grading import spec as spec_module
from autograder.grading.batch import Batch, Failure, StoredResult
from autograder.grading.jobs import GradedTask
from autograder.grading.spec import GradingSpec
from autograder.results.store import ResultStore, write_atomically
from autograder.results.types import CheckResult, Outcome, SubmissionResult
from autograder.submissions import collect_for
from autograder.submissions.hand_in import HandIn
from autograder.submissions.intake import take_in
from autograder.submissions.students import Student
from tests.autograder.small_course import CATALOG, RIGHT, make_class, make_course

UNITS = ("unit",)
PACKAGE = Path(__file__).parents[3] / "autograder"


class FakeGrading:
    """Grades without running anything; fails on names that say so."""

    def __init__(self):
        self.graded = []

    def __call__(self, tasks):
        for task in tasks:
            if "sandbox" in task.name:
                raise SandboxError("no sandbox")
            self.graded.append(task.name)
            outcome = Outcome.ERROR if "error" in task.name else Outcome.PASSED
            result = SubmissionResult(task.name, (CheckResult("u::c", "u", "f", "t", 1.0, outcome=outcome),))
            yield GradedTask(task, None, "no checks") if "broken" in task.name else GradedTask(task, result)

    @contextlib.contextmanager
    def open(self, count, libraries):
        self.count = count
        yield self


@pytest.fixture
def grading():
    return FakeGrading()


@pytest.fixture
def spec(tmp_path):
    return GradingSpec(read_catalog(make_course(tmp_path / "course")), b"secret", ("doubling",))


@pytest.fixture
def batch(tmp_path, spec):
    def make(*names, **facts):
        for name in names:
            (tmp_path / "class" / name).mkdir(parents=True, exist_ok=True)
            (tmp_path / "class" / name / "doubling.py").write_text(f"# {name}\n{RIGHT}")
        out = tmp_path / "out"
        paths = {name: HandIn.alone(tmp_path / "class" / name) for name in names}
        return Batch(**{"spec": spec, "submissions": paths, "out": out, "cache": ResultStore(out / "cache"), **facts})

    return make


def results(batch):
    return sorted(path.name for path in (batch.out / "results").iterdir())


def test_each_result_is_written_as_it_comes(batch, grading):
    both = batch("alice", "bob")
    endings = both.grade(grading.open)
    first = next(endings)
    assert json.loads(first.path.read_text())["submission"] == "alice"
    assert results(both) == ["alice.json"]
    next(endings)
    assert results(both) == ["alice.json", "bob.json"]


def test_one_that_fails_does_not_stop_the_others(batch, grading):
    three = batch("a", "broken", "c")
    assert list(three.grade(grading.open))[1] == Failure("broken", "no checks")
    assert results(three) == ["a.json", "c.json"]


def test_the_name_of_who_handed_in_nothing_is_no_path(batch, grading, spec, monkeypatch):
    monkeypatch.chdir(spec.catalog.root / "tests")
    nothing = HandIn((Student(".."),), Path(".."), problem="nothing was handed in")
    (ending,) = batch(submissions={"..": nothing}).grade(grading.open)
    assert isinstance(ending, StoredResult)


def test_without_a_sandbox_nothing_goes_on(batch, grading):
    with pytest.raises(SandboxError):
        list(batch("sandbox", "b").grade(grading.open))


def test_what_was_graded_is_not_graded_again(batch, grading):
    both = batch("alice", "bob")
    first = [ending.path.read_text() for ending in both.grade(grading.open)]
    again = list(both.grade(pytest.fail))
    assert [ending.path.read_text() for ending in again] == first
    assert all(ending.known for ending in again)


def test_a_run_that_was_ended_goes_on(batch, grading):
    three = batch("a", "b", "c")
    running = three.grade(grading.open)
    next(running)
    running.close()
    assert [ending.known for ending in three.grade(grading.open)] == [True, False, False]
    assert grading.graded == ["a", "b", "c"] and grading.count == 2


def test_fresh_takes_nothing_from_before(batch, grading):
    list(batch("a").grade(grading.open))
    assert [ending.known for ending in batch("a", fresh=True).grade(grading.open)] == [False]


def test_the_same_content_under_another_name_or_in_another_place_is_known(batch, grading, tmp_path):
    one = batch("alice")
    list(one.grade(grading.open))
    (tmp_path / "class" / "alice").rename(tmp_path / "class" / "alicia")
    other = dataclasses.replace(one, submissions={"alicia": HandIn.alone(tmp_path / "class" / "alicia")})
    (ending,) = other.grade(pytest.fail)
    assert ending.result.name == "alicia" and json.loads(ending.path.read_text())["submission"] == "alicia"


def test_an_error_of_the_graders_own_is_tried_again(batch, grading):
    list(batch("error").grade(grading.open))
    assert [ending.known for ending in batch("error").grade(grading.open)] == [False]


@pytest.mark.parametrize(
    "text", ["", "{", '{"schema": 1}', '{"schema": 2, "submission": "a", "checks": []}', "[]", "\0"]
)
def test_half_a_file_is_no_result(batch, grading, text):
    one = batch("a")
    (ending,) = one.grade(grading.open)
    whole = ending.path.read_text()
    for path in one.out.rglob("*.json"):
        path.write_text(text)
    (again,) = one.grade(grading.open)
    assert not again.known and again.path.read_text() == whole


CHANGES = {
    "the submission": lambda course, student: (student / "doubling.py").write_text(f"{RIGHT}\n"),
    "a check": lambda course, student: appended(course / "tests" / "exercises" / "test_doubling.py"),
    "the solution": lambda course, student: appended(course / "solutions" / "doubling.py"),
    "a point in the catalog": lambda course, student: replaced(course, "points = 2", "points = 3"),
    "the time limit": lambda course, student: replaced(course, "seconds = 1", "seconds = 2"),
    "a known mistake": lambda course, student: appended(course / "solutions" / "mistakes" / "doubling.py"),
}


def replaced(course, old, new):
    path = course / "exercises" / "catalog.toml"
    path.write_text(path.read_text().replace(old, new))


def appended(path):
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as file:
        file.write("\n# more\n")


@pytest.mark.parametrize("change", CHANGES)
def test_what_the_mark_depends_on_is_in_the_key(batch, grading, tmp_path, spec, change):
    list(batch("a").grade(grading.open))
    CHANGES[change](tmp_path / "course", tmp_path / "class" / "a")
    new = GradingSpec(read_catalog(tmp_path / "course"), b"secret", ("doubling",))
    path = tmp_path / "class" / "a"
    out = tmp_path / "out"
    again = Batch(new, {"a": HandIn.alone(path)}, out, ResultStore(out / "cache"))
    assert [ending.known for ending in again.grade(grading.open)] == [False]


OTHER_UNIT = """
[[unit]]
name = "other"
title = "Other"
[unit.functions.other]
points = 1
"""
INDIFFERENT = {
    "a hint": lambda course: replaced(course, '"?"', '"Which?"'),
    "a remark": lambda course: appended(course / "exercises" / "catalog.toml"),
    "another unit": lambda course: replaced(course, "[[unit]]", f"{OTHER_UNIT}\n[[unit]]"),
    "a lesson": lambda course: appended(course / "exercises" / "lessons" / "doubling.md"),
}


@pytest.mark.parametrize("change", INDIFFERENT)
def test_what_makes_no_marks_is_not_in_the_key(batch, grading, tmp_path, change):
    list(batch("a").grade(grading.open))
    INDIFFERENT[change](tmp_path / "course")
    new = GradingSpec(read_catalog(tmp_path / "course"), b"secret", ("doubling",))
    assert [ending.known for ending in batch("a", spec=new).grade(pytest.fail)] == [True]


#: An edit in these rooms regrades everybody; one in the others nobody.
MAKES_MARKS = {
    "checks": True, "course": True, "sandbox": True, "submissions": True, "worker": True,
    "cli": False, "platforms": False, "student": False, "results": False, "nbgrader": False,
    "grading/verify": False, "grading/viva": False, "results/formats": False,
    "checks/plugin": True, "worker/codec": True,
}  # fmt: skip
FILES = {
    "results/types.py": True, "errors.py": True, "compare.py": True, "notebook.py": False, "__main__.py": False,
    "grading/grade.py": True, "grading/session.py": True, "grading/leases.py": True, "grading/spec.py": True,
    "grading/examples.py": True, "grading/shield.py": True,
    "grading/batch.py": False, "grading/cluster.py": False, "grading/job.py": False, "grading/jobs.py": False,
    "grading/likeness.py": False, "grading/replay.py": False, "grading/source.py": False,
    "grading/result_validator.py": False, "grading/term.py": False,
}  # fmt: skip


@pytest.fixture
def program(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "program", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "program"


def changes_the_key(program, path):
    before = spec_module._program.__wrapped__(program)
    appended(path)
    return spec_module._program.__wrapped__(program) != before


def test_of_the_program_what_makes_marks_is_in_the_key(program):
    modules = {place: next((program / place).glob("*.py")) for place in MAKES_MARKS}
    found = {place: changes_the_key(program, path) for place, path in modules.items()}
    assert found == MAKES_MARKS
    assert {name: changes_the_key(program, program / name) for name in FILES} == FILES
    assert not changes_the_key(program, program / "checks" / "README.md")
    assert not changes_the_key(program, program / "results" / "formats" / "templates" / "style.css")


def test_every_room_of_the_program_makes_marks_or_does_not(program):
    rooms = {path.parent.relative_to(program).parts[0] for path in program.glob("*/**/*.py")}
    assert rooms - {place.split("/")[0] for place in (*MAKES_MARKS, *FILES)} == set()
    assert {f"grading/{path.name}" for path in program.glob("grading/[!_]*.py")} <= set(FILES)


@pytest.mark.parametrize(
    "facts",
    [
        {"secret": b"another"},
        {"seed": "of an earlier result"},
        {"device": "cuda"},
        {"require": ("own_uid",)},
        {"hidden": False},
    ],
    ids=lambda facts: next(iter(facts)),
)
def test_another_spec_has_another_key(batch, grading, spec, facts):
    list(batch("a").grade(grading.open))
    other = dataclasses.replace(spec, **facts)
    assert [ending.known for ending in batch("a", spec=other).grade(grading.open)] == [False]


def test_other_versions_and_other_data_have_other_keys(batch, grading, spec, monkeypatch, tmp_path):
    (tmp_path / "own_data").mkdir()
    (tmp_path / "own_data" / "__init__.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    catalog = dataclasses.replace(spec.catalog, preload=("torch", "own_data"))

    def known():
        spec_module._package_hash.cache_clear()  # a process of its own, which it would be
        return [e.known for e in batch("a", spec=GradingSpec(catalog, b"secret", ("doubling",))).grade(grading.open)]

    assert known() == [False] and known() == [True]
    (tmp_path / "own_data" / "weights.bin").write_bytes(b"\0")
    assert known() == [False] and known() == [True]
    (tmp_path / "own_data" / "README.md").write_text("# Data\n")
    assert known() == [True]
    version = metadata.version
    for library in ("keras", "jax", "torch"):
        monkeypatch.setattr(metadata, "version", lambda name, which=library: "0" if name == which else version(name))
        assert known() == [False] and known() == [True]
    monkeypatch.setenv("OXFORD_PETS", "elsewhere")
    assert known() == [False]


def test_two_runs_do_not_grade_into_one_folder(batch, grading, tmp_path):
    """The lock is a process's own: the other run is one."""
    both = batch("a", "b")
    running = both.grade(grading.open)
    next(running)
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            list(batch("c").grade(grading.open))
        except UsageError as error:
            os.write(write, str(error).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    assert "another run is grading into" in os.read(read, 1000).decode()
    os.close(read), os.close(write)
    assert len(list(running)) == 1
    assert isinstance(next(batch("c").grade(grading.open)), StoredResult)


def test_a_folder_that_cannot_be_written_is_a_sentence(batch, grading, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"nothing can be written into .*file/out \(Not a directory\); give another"):
        list(batch("a", out=tmp_path / "file" / "out").grade(grading.open))


def test_a_course_inside_the_submission_grades_nothing(spec, grading, tmp_path):
    out = tmp_path / "out"
    inside = Batch(spec, {"mallory": HandIn.alone(spec.catalog.root)}, out, ResultStore(out / "cache"))
    (failure,) = inside.grade(grading.open)
    assert "the course lies inside the submission" in failure.reason


def test_every_submission_has_a_name_of_its_own(tmp_path):
    for place in ("one/alice", "two/alice", "two/bob"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "unit.py").write_text("")
    (tmp_path / "two" / "bob.zip").write_bytes(b"")
    found = take_in([tmp_path / "one", tmp_path / "two", tmp_path / "one" / "alice"], UNITS).hand_ins
    assert len(found) == 4
    assert set(found) == {"alice", "two-alice", "bob", "bob.zip"}


def test_a_changed_file_that_no_check_depends_on_regrades_nothing_and_shows(batch, grading, tmp_path):
    one = batch("alice")
    list(one.grade(grading.open))
    (tmp_path / "class" / "alice" / "duobling.py").write_text(RIGHT)
    (tmp_path / "class" / "alice" / "notes.txt").write_text("x")
    signature = tmp_path / "out" / "results" / "alice.json.sig"
    signature.write_text("of the result before")
    (again,) = one.grade(pytest.fail)
    assert again.known and "notes.txt" in again.result.not_taken and not signature.exists()
    (last,) = one.grade(pytest.fail)
    assert last.result == again.result


def test_those_who_differ_in_such_a_file_alone_are_graded_once_and_each_has_its_own_notes(batch, grading, tmp_path):
    both = batch("alice", "bob")
    for name in ("alice", "bob"):
        (tmp_path / "class" / name / "doubling.py").write_text(RIGHT)
        (tmp_path / "class" / name / f"of_{name}.txt").write_text("x")
    endings = list(both.grade(grading.open))
    assert [each.result.not_taken for each in endings] == [("of_alice.txt",), ("of_bob.txt",)]
    assert grading.graded == ["alice"] and grading.count == len(endings)
    assert endings[0].result.hashes["submission"] == endings[1].result.hashes["submission"] != ""


#: Ways in which a unit can use another file of its student's.
USES = (
    "import trebling",
    "from exercises.trebling import treble",
    "module = 'trebling'\n__import__(module)",
    "import importlib\nimportlib.import_module('treb' + 'ling')",
    "exec('import treb' + 'ling')",
    "import between",
)


@pytest.mark.parametrize("use", USES)
def test_a_file_that_a_unit_can_import_is_in_its_key(spec, tmp_path, use):
    (tmp_path / "between.py").write_text("import trebling\n")
    (tmp_path / "doubling.py").write_text(f"{use}\n{RIGHT}")
    keys = set()
    for text in ("x = 1\n", "x = 2\n"):
        (tmp_path / "trebling.py").write_text(text)
        keys.add(spec.key(collect_for(spec.catalog, HandIn.alone(tmp_path))))
    assert len(keys) == 2


def test_long_names_have_a_file_each(batch, grading, tmp_path):
    (tmp_path / "x").mkdir()
    names = ["x" * 255, *("\U0001f600" * 63 + end for end in "ab")]
    endings = list(batch(submissions=dict.fromkeys(names, HandIn.alone(tmp_path / "x"))).grade(grading.open))
    assert len({ending.path for ending in endings if ending.path.is_file()}) == 3


def test_a_name_that_cannot_be_shown_is_shown_otherwise(tmp_path):
    for name in (b"bob\xff", b"bob\x1b", b"bob\n"):
        (tmp_path / os.fsdecode(name)).mkdir()
    found = take_in([tmp_path], UNITS).hand_ins
    assert len(found) == 3 and all(name.isprintable() for name in found)


def no_room(*_):
    raise OSError(28, "No space left on device")


def test_a_file_is_whole_or_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "result.json"
    write_atomically(path, "old")
    monkeypatch.setattr("os.fsync", no_room)
    with pytest.raises(GraderError, match=r"result\.json cannot be written \(No space left on device\); make room"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("fresh", [False, True])
def test_a_fault_of_the_grader_in_one_submission_stops_no_other(batch, grading, monkeypatch, fresh):
    def collect(catalog, hand_in, name):
        if name == "b":
            raise RecursionError("too deep")
        return collect_for(catalog, hand_in, name)

    monkeypatch.setattr("autograder.grading.batch.collect_for", collect)
    endings = list(batch("a", "b", "c", fresh=fresh).grade(grading.open))
    failures = [ending for ending in endings if isinstance(ending, Failure)]
    assert [each.submission for each in failures] == ["b"] and len(endings) == 3
    assert re.fullmatch(
        r"the grader itself failed at test_batch\.py:\d+ \(RecursionError: too deep\)", failures[0].reason
    )


def test_a_full_disk_stops_the_run_and_loses_nothing(batch, grading, monkeypatch):
    three = batch("a", "b", "c")
    running = three.grade(grading.open)
    next(running)
    with monkeypatch.context() as full, pytest.raises(GraderError, match="No space left"):
        full.setattr("os.fsync", no_room)
        next(running)
    assert results(three) == ["a.json"]
    assert [ending.known for ending in three.grade(grading.open)] == [True, False, False]


@pytest.mark.slow
def test_a_class_of_300_that_has_not_changed_is_read_quickly(tmp_path, spec, grading):
    """Without torch, which the command itself proves; and by the content of its files alone."""
    make_class(tmp_path / "class", 300)
    paths = take_in([tmp_path / "class"], spec.catalog.units).hand_ins
    out = tmp_path / "out"
    whole = Batch(spec, paths, out, ResultStore(out / "cache"))
    assert len(list(whole.grade(grading.open))) == 300
    for path in Path(tmp_path / "class").rglob("*.py"):
        os.utime(path, (0, 2**40))  # a clock that has jumped
    assert [ending.known for ending in whole.grade(pytest.fail)] == [True] * 300


#: A result holds the answers to questions, so that a new one is a reason to grade again.
QUESTION = '\n[unit.questions.why]\ntext = "?"\npoints = 1\n'


def test_a_unit_taken_out_of_the_catalog_regrades_nothing_of_the_others(tmp_path):
    """A week's class, graded by `--units`: the key of each submission stays, whatever other units the catalog has."""
    root = make_course(tmp_path / "course")
    path = root / "exercises" / "catalog.toml"
    other = '\n[[unit]]\nname = "trebling"\ntitle = "T"\n\n[unit.functions.treble]\npoints = 1\nhints = []\n'
    hand_in = tmp_path / "alice"
    hand_in.mkdir()
    (hand_in / "doubling.py").write_text(RIGHT)
    (hand_in / "trebling.py").write_text("def treble(x):\n    return 3 * x\n")

    def key():
        catalog = read_catalog(root)
        spec = GradingSpec(catalog, b"x", ("doubling",))
        return spec.key(collect_for(catalog, HandIn.alone(hand_in)))

    alone = key()
    path.write_text(path.read_text() + other)
    assert key() == alone
    for text in (path.read_text().replace("points = 2", "points = 3"), f"{CATALOG}{QUESTION}"):
        path.write_text(text)
        assert key() != alone


def test_names_that_differ_in_capital_letters_alone_have_a_file_each_on_every_disk(batch, grading, tmp_path):
    alone = batch("one", "two", "three")
    pair = zip(("Ann", "ann", "bo"), alone.submissions.values(), strict=True)
    whole = Batch(alone.spec, dict(pair), alone.out, alone.cache)
    assert {ending.result.name for ending in whole.grade(grading.open)} == {"Ann", "ann", "bo"}
    found = results(whole)
    assert len({name.casefold() for name in found}) == 3 and "bo.json" in found
    assert [ending.known for ending in whole.grade(pytest.fail)] == [True] * 3
