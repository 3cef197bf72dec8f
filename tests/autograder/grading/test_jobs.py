"""Real jobs on a small course: the same marks as in one process, whatever dies on the way."""

import contextlib
import dataclasses
import os
import signal
from multiprocessing import Pipe
from pathlib import Path

import pytest
import torch

from autograder.course.catalog import read_catalog
from autograder.errors import GraderError, ServerDiedError, UsageError
from autograder.grading.batch import Task, find_submissions
from autograder.grading.grade import Grader, in_turn
from autograder.grading.jobs import Jobs
from autograder.grading.spec import GradingSpec
from autograder.sandbox import REQUIRED, Sandbox
from autograder.submissions import collect_submission
from tests.autograder.small_course import KINDS, add_unreadable, make_class, make_course


@pytest.fixture(scope="module")
def terms(tmp_path_factory):
    catalog = read_catalog(make_course(tmp_path_factory.mktemp("course")))
    return GradingSpec(catalog, b"secret", ("doubling",), require=REQUIRED)


@pytest.fixture(scope="module")
def small_sandbox(spec):
    with Sandbox(spec.catalog.preload) as sandbox:  # with a zygote of its own, which can be killed
        yield sandbox


@pytest.fixture(scope="module")
def students(tmp_path_factory, spec):
    folder = tmp_path_factory.mktemp("class")
    points = make_class(folder, len(KINDS), tuple(KINDS)) | add_unreadable(folder)
    paths = find_submissions([folder], spec.catalog.units)
    return [Task(name, collect_submission(path, spec.catalog.units)) for name, path in paths.items()], points


@pytest.fixture(scope="module")
def jobs(spec, small_sandbox):
    return Jobs(2, spec, small_sandbox)


@pytest.fixture(scope="module")
def judge(jobs):
    with jobs as judge:
        yield judge


def comparable(judged):
    checks = [dataclasses.replace(check, seconds=0.0) for check in judged.result.checks]
    return dataclasses.replace(judged.result, seconds=0.0, started="", checks=tuple(checks)).to_json()


def test_two_jobs_give_what_one_process_gives(judge, spec, small_sandbox, students):
    tasks, points = students
    together = {judged.task.name: judged for judged in judge(tasks)}
    alone = {judged.task.name: judged for judged in in_turn(Grader.under(spec, small_sandbox))(tasks)}
    assert {name: judged.result.score for name, judged in together.items()} == points
    assert {name: comparable(j) for name, j in together.items()} == {name: comparable(j) for name, j in alone.items()}


def children(pid):
    with contextlib.suppress(FileNotFoundError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def killing(tasks, jobs, victims):
    """The tasks; before some of them are handed out, the processes are killed that `victims` finds."""
    for number, task in enumerate(tasks):
        for pid in victims(jobs, number):
            os.kill(pid, signal.SIGKILL)
        yield task


def first_job(jobs, number):
    return children(jobs.zygote.pid)[:1] if number in (3, 6) else []


def zygote_of_jobs(jobs, number):
    return [jobs.zygote.pid] if number == 4 else []


def zygote_of_servers(jobs, number):
    return [jobs.sandbox.zygote.pid] if number == 4 else []


def every_server(jobs, number):
    return children(jobs.sandbox.zygote.pid) if number == 5 else []


@pytest.mark.parametrize(
    "victims", [first_job, *(pytest.param(each, marks=pytest.mark.slow) for each in (zygote_of_jobs, every_server))]
)
def test_whoever_is_killed_each_submission_has_one_result(judge, jobs, students, victims):
    tasks, points = students
    quick = [task for task in tasks if "hangs" not in task.name]
    judged = list(judge(killing(quick, jobs, victims)))
    assert sorted(each.task.name for each in judged) == sorted(task.name for task in quick)
    assert all(each.result is not None for each in judged)
    if victims is not every_server:  # a worker that dies with its server is the submission's own crash
        assert {each.task.name: each.result.score for each in judged} == {t.name: points[t.name] for t in quick}


@pytest.mark.slow
def test_a_killed_zygote_of_servers_costs_no_result(spec, students):
    quick = [task for task in students[0] if "hangs" not in task.name]
    with Sandbox(spec.catalog.preload) as sandbox, (jobs := Jobs(2, spec, sandbox)) as judge:
        judged = list(judge(killing(quick, jobs, zygote_of_servers)))
    assert sorted(each.task.name for each in judged if each.result) == sorted(task.name for task in quick)


class Deadly(Jobs):
    """Kills every job that has begun, while it holds a certain task."""

    def _said(self, link):
        said = super()._said(link)
        if said == "begun" and "wrong" in self._busy[link].name:
            os.kill(children(self.zygote.pid)[-1], signal.SIGKILL)
        return said


@pytest.mark.slow
def test_a_task_whose_job_dies_twice_has_no_result_and_the_others_have(spec, small_sandbox, students):
    wrong, *others = sorted(students[0], key=lambda task: "wrong" not in task.name)
    with Deadly(1, spec, small_sandbox) as judge:
        first, *rest = judge([wrong, *others[:2]])
    assert first.task == wrong and first.result is None and "died too" in first.reason
    assert [each.task for each in rest] == others[:2] and all(each.result for each in rest)


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="here is a GPU")
class Unlucky(Jobs):
    """So many of its first jobs lose their fork server twice before they have begun."""

    times = 2

    def _begun(self):
        if not self.times:
            return super()._begun()
        self.times -= 1
        ours, theirs = Pipe()
        theirs.send(ServerDiedError("the fork server did not start"))
        self._beginning.add(ours)
        return ours


def test_a_job_without_a_fork_server_is_replaced(spec, small_sandbox, students):
    tasks = [task for task in students[0] if "right" in task.name][:1]
    with Unlucky(1, spec, small_sandbox) as judge:
        assert [judged.result.all_passed for judged in judge(tasks)] == [True]


def test_where_no_fork_server_lives_it_is_said(spec, small_sandbox, students):
    unlucky = Unlucky(1, spec, small_sandbox)
    unlucky.times = 3
    with unlucky as judge, pytest.raises(GraderError, match="could begin: the fork server did not start"):
        list(judge(students[0]))


def test_what_no_job_can_do_is_said_once(spec, small_sandbox, students):
    elsewhere = dataclasses.replace(spec, device="cuda")
    with Jobs(2, elsewhere, small_sandbox) as judge, pytest.raises(UsageError, match="finds no CUDA device"):
        list(judge(students[0]))


@pytest.mark.slow
def test_checks_that_cannot_be_run_cost_each_submission_its_grade(spec, small_sandbox, students, tmp_path):
    course = make_course(tmp_path / "course")
    (course / "tests" / "exercises" / "test_doubling.py").write_text("import no_such_module\n")
    broken = dataclasses.replace(spec, catalog=read_catalog(course))
    with Jobs(2, broken, small_sandbox) as judge:
        judged = list(judge(students[0]))
    assert len(judged) == len(students[0])
    assert {each.result for each in judged} == {None}
    assert all("no_such_module" in each.reason for each in judged), judged[0].reason


@pytest.mark.slow
def test_jobs_that_cannot_begin_say_why(spec, small_sandbox, students, tmp_path):
    catalog = read_catalog(make_course(tmp_path / "course"))
    (catalog.root / "exercises" / "catalog.toml").unlink()
    gone = dataclasses.replace(spec, catalog=catalog)
    with (
        Jobs(2, gone, small_sandbox) as judge,
        pytest.raises(GraderError, match=r"no process that grades could begin: .*catalog\.toml cannot be read"),
    ):
        list(judge(students[0]))


def test_nothing_is_left_behind(spec, small_sandbox, students):
    with (jobs := Jobs(2, spec, small_sandbox)) as judge:
        running = judge(students[0])
        next(running)
        below = [jobs.zygote.pid, *children(jobs.zygote.pid)]
        running.close()
    assert len(below) == 3 and [pid for pid in below if Path(f"/proc/{pid}").exists()] == []
