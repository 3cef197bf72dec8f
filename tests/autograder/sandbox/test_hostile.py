"""Hostile and careless submissions: each tries one thing, gains nothing by it, harms nobody, and is told what happened.

A folder in `hostile/` is one of them, with the threats of docs/threats.md that it stands for, the score that it must get, what
the student must read, and what it may cost the grader's own process: MB at once, and seconds of a core. In its text EVIDENCE
stands for a folder that anybody may write to, TRACE for a file name of this run alone, COURSE for the course's folder and
VICTIM for a process that nobody will miss: where an attack succeeds, one of them shows it. The names of its files say of which
units it is, and `functions` which checks it needs.
"""

import contextlib
import ctypes
import gc
import hashlib
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import jsonschema
import pytest

from autograder.grading.batch import Batch, StoredResult
from autograder.grading.grade import Grader, grade_in_turn
from autograder.grading.spec import GradingSpec
from autograder.results.store import ResultStore
from autograder.submissions.hand_in import HandIn

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the sandbox is for Linux")

ROOT = Path(__file__).parents[3]
HOSTILE = Path(__file__).parents[1] / "hostile"
HONEST = Path(__file__).parents[1] / "samples" / "perfect"
CASES = {path.name: json.loads((path / "expected.json").read_text()) for path in sorted(HOSTILE.iterdir())}
UNIT = "variation_loss"
FUNCTIONS = ["variation_loss"]
#: Of a case. What else it hands in, such as a conftest.py, is no unit; an archive is of the usual one.
COURSE_UNITS = {path.stem for path in (ROOT / "solutions").glob("*.py")}
UNITS = {
    case: tuple(sorted(COURSE_UNITS & {path.stem for path in (HOSTILE / case).glob("*.py")})) or (UNIT,)
    for case in CASES
}
ALL_UNITS = sorted({unit for units in UNITS.values() for unit in units})
SCHEMA = json.loads((ROOT / "autograder" / "results" / "result.schema.json").read_text())
PUBLIC = ("/", "/tmp", "/var/tmp", "/dev/shm", "/run", "/home", "~", ".", tempfile.gettempdir(), ROOT, ROOT.parent)
MEGABYTE = 2**20


@dataclass(frozen=True)
class Bait:
    """The things that an attack may reach for, without harm to anybody."""

    evidence: Path
    victim: subprocess.Popen

    def copy(self, case, to):
        """The case as it is handed in, with real names in it."""
        names = {"EVIDENCE": self.evidence, "TRACE": self.evidence.name, "COURSE": ROOT, "VICTIM": self.victim.pid}
        for path in (HOSTILE / case).iterdir():
            text = path.read_bytes()
            if path.suffix != ".zip":
                for name, real in names.items():
                    text = text.replace(name.encode(), str(real).encode())
            if path.name != "expected.json":
                (to / case).mkdir(exist_ok=True)
                (to / case / path.name).write_bytes(text)
        return to / case

    def untouched(self):
        """Return True if no attack has left anything."""
        traces = [path for place in PUBLIC for path in Path(place).expanduser().glob(f"{self.evidence.name}*")]
        return traces == [] and list(self.evidence.iterdir()) == [] and self.victim.poll() is None


@pytest.fixture(scope="module")
def bait():
    name = f"idealcat-hostile-{secrets.token_hex(8)}"
    with tempfile.TemporaryDirectory(prefix="idealcat-bait-") as folder, contextlib.ExitStack() as stack:
        Path(folder).chmod(0o755)
        evidence = Path(folder, name)
        evidence.mkdir()
        evidence.chmod(0o777)
        victim = stack.enter_context(subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE))
        yield Bait(evidence, victim)
        victim.kill()


@pytest.fixture(scope="module")
def grade(catalog, sandbox):
    """Grades submissions one after another as `autograder grade` does: their results, by name."""

    def run(submissions, out, units=(UNIT,), functions=FUNCTIONS, seconds=5.0):
        unit = replace(catalog.units[UNIT], seconds=seconds)
        course = replace(catalog, units={**catalog.units, UNIT: unit})
        spec = GradingSpec(course, b"of the tests", units, functions=frozenset(functions))
        grader = Grader(spec, sandbox)
        batch = Batch(
            spec,
            {name: HandIn.alone(path) for name, path in submissions.items()},
            out,
            ResultStore(out / "cache"),
            fresh=True,
        )
        graded = list(batch.grade(lambda *_: contextlib.nullcontext(grade_in_turn(grader))))
        assert all(isinstance(ending, StoredResult) for ending in graded)
        return {ending.result.name: ending.result for ending in graded}

    return run


def timeless(result):
    """A result without what differs from run to run."""
    return replace(result, seconds=0, started="", checks=tuple(replace(check, seconds=0) for check in result.checks))


def said(result):
    """All that a student can read in a result."""
    texts = [text for check in result.checks for text in (check.message, check.output)]
    return "\n".join([*texts, *result.notes, f"not taken: {', '.join(result.not_taken)}"])


def course_files():
    """Every file of the course and the autograder, with its mode and its content."""
    folders = [ROOT / name for name in ("autograder", "exercises", "solutions", "tests/exercises", "data")]
    files = [path for folder in folders for path in folder.rglob("*") if "__pycache__" not in path.parts]
    return {path: (path.stat().st_mode, path.stat().st_mtime_ns, content(path)) for path in files}


def content(path):
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() and path.stat().st_size < MEGABYTE else None


def descendants(pid):
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        return set()
    return {pid}.union(*(descendants(int(child)) for child in children))


def memory(figure="VmRSS"):
    """A figure of this process in MB: VmRSS is what it has now, VmHWM the most since `count_the_most_anew`."""
    return int(re.search(rf"{figure}:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024


def held_memory():
    """Return the MB that this process holds, without freed memory that its allocator keeps."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return memory()


def count_the_most_anew():
    Path("/proc/self/clear_refs").write_text("5")


@pytest.fixture
def surroundings(sandbox):
    """Return what no attack may change."""

    def look():
        return {
            "files": course_files(),
            "sandbox": sorted(sandbox.folder.iterdir()),
            "processes": descendants(sandbox.zygote.pid),
            "environment": {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"},
            "folder": Path.cwd(),
            "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        }

    return look


@pytest.fixture(scope="module")
def honest(grade, tmp_path_factory):
    """The result of an honest submission, before any attack."""
    result = timeless(grade({"honest": HONEST}, tmp_path_factory.mktemp("honest"))["honest"])
    assert result.all_passed
    return result


@pytest.fixture
def warm(grade, tmp_path):
    """Makes what the checks of other units import and keep, mistakes included, so that the case alone is measured."""

    def run(units, functions=FUNCTIONS, **_):
        if units != (UNIT,):
            (tmp_path / "wrong").mkdir()
            for unit in units:
                text = "".join(f"def {name}(*_, **__):\n    return 0\n" for name in functions)
                (tmp_path / "wrong" / f"{unit}.py").write_text(text)
            grade({"wrong": tmp_path / "wrong"}, tmp_path / "warm", units, functions)

    return run


SLOW = [pytest.param(case, marks=pytest.mark.slow) if CASES[case].get("slow") else case for case in CASES]


@pytest.mark.parametrize("case", SLOW)
def test_it_gains_nothing_and_harms_nobody(case, grade, honest, warm, surroundings, bait, tmp_path):
    expected = CASES[case]
    if expected.get("needs", "process") not in honest.isolation:
        pytest.skip(f"no {expected['needs']} on this machine")
    options = {name: expected[name] for name in ("functions", "seconds") if name in expected}
    warm(UNITS[case], **options)
    # From now on the C library keeps blocks of this size that are freed, as in a process of long standing.
    bytes(31 * MEGABYTE)
    before, had, held, began = surroundings(), memory(), held_memory(), time.process_time()
    count_the_most_anew()

    result = grade({case: bait.copy(case, tmp_path)}, tmp_path, UNITS[case], **options)[case]

    spent = time.process_time() - began
    assert (result.score, result.errors) == (expected["score"], ())
    assert [words for words in expected["says"] if words not in said(result)] == []
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", said(result))
    assert surroundings() == before
    assert bait.untouched()
    assert memory("VmHWM") - had < expected["costs"]["mb"]
    assert spent < expected["costs"]["seconds"]
    assert held_memory() - held < 100
    assert (tmp_path / "results" / f"{case}.json").stat().st_size < MEGABYTE // 10
    assert timeless(grade({"honest": HONEST}, tmp_path)["honest"]) == honest


@pytest.mark.slow
def test_a_class_of_them_is_graded_to_the_end(bait, tmp_path):
    """The real command, over the whole corpus and one honest student."""
    course = tmp_path / "course"
    for unit in ALL_UNITS:
        for part in (f"solutions/{unit}.py", f"tests/exercises/test_{unit}.py", f"exercises/{unit}.py"):
            (course / part).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / part, course / part)
    shutil.copy(ROOT / "tests" / "exercises" / "inspections.py", course / "tests" / "exercises")
    (course / "exercises" / "catalog.toml").write_text(short_catalog(seconds=2))
    students = tmp_path / "class"
    students.mkdir()
    for case in CASES:
        bait.copy(case, students)
    shutil.copytree(HONEST, students / "perfect")
    before = course_files()
    command = [
        sys.executable,
        "-m",
        "autograder",
        "grade",
        students,
        "--units",
        ",".join(ALL_UNITS),
        "-o",
        tmp_path / "out",
    ]
    environment = {**os.environ, "IDEALCAT_SECRET": "of the tests", "COLUMNS": "200"}
    ran = subprocess.run(command, cwd=course, env=environment, capture_output=True, text=True)
    assert (ran.returncode, "Traceback" in ran.stderr) == (1, False), ran.stderr
    assert "\x1b" not in ran.stdout
    results = {path.stem: json.loads(path.read_text()) for path in (tmp_path / "out" / "results").iterdir()}
    assert results.keys() == {*CASES, "perfect"}
    for result in results.values():
        jsonschema.validate(result, SCHEMA)
    scores = {name: expected["score"] for name, expected in CASES.items()}
    assert {name: result["score"] for name, result in results.items()} == scores | {"perfect": 26}
    assert course_files() == before
    assert bait.untouched()


#: What one process holds at most, in MB, in which everything is graded that a submission can make large.
PEAK = """
import re, sys
from pathlib import Path

from autograder.course.catalog import course_here
from autograder.grading.grade import Grader
from autograder.grading.spec import GradingSpec
from autograder.sandbox import Sandbox
from autograder.submissions import read_for
from autograder.submissions.hand_in import HandIn

catalog = course_here()
with Sandbox(catalog.preload) as sandbox:
    grader = Grader(GradingSpec(catalog, b"of the tests", ("variation_loss",)), sandbox)
    for path in map(Path, sys.argv[1:]):
        print(path.name, grader.grade(read_for(catalog, HandIn.alone(path))).score)
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.slow
def test_no_reply_takes_the_grader_past_800_mb():
    cases = ["written_past_the_limit", "huge_reply", "huge_tensor", "large_answers", "large_bytes"]
    command = [sys.executable, "-P", "-c", PEAK, *(HOSTILE / case for case in cases)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    *scores, peak = ran.stdout.split("\n")[:-1]
    assert scores == [f"{case} 0.0" for case in cases]
    assert int(peak) / 1024 < 800


def short_catalog(seconds):
    """The course's own entries for the units, with less time for a call in that which most cases are of."""
    catalog = '[course]\ntitle = "Hostile"\npreload = ["torch", "torchvision", "data"]\n\n'
    for unit in (ROOT / "exercises" / "catalog.toml").read_text().split("[[unit]]")[1:]:
        name = re.search(r'^name = "(\w+)"', unit, re.MULTILINE)[1]
        if name == UNIT:
            unit = re.sub(r"\nseconds = \S+", f"\nseconds = {seconds}", unit)
        if name in ALL_UNITS:
            catalog += f"[[unit]]{unit}"
    return catalog


def test_every_threat_is_tried():
    rows = {
        int(number) for number in re.findall(r"^\| (\d+) \|", (ROOT / "docs" / "threats.md").read_text(), re.MULTILINE)
    }
    tried = {threat for expected in CASES.values() for threat in expected["threats"]}
    assert rows == tried == set(range(1, max(rows) + 1))
