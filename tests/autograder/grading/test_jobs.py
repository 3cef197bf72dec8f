"""Real jobs on a small course: the same marks as in one process, whatever dies on the way."""

import contextlib
import dataclasses
import gc
import os
import signal
from multiprocessing import Pipe
from pathlib import Path

import pytest
import torch

from autograder.course.catalog import read_catalog
from autograder.errors import GraderError, ServerDiedError, UsageError
from autograder.grading.grade import Grader, grade_in_turn
from autograder.grading.jobs import Jobs, Task
from autograder.grading.spec import GradingSpec
from autograder.sandbox import REQUIRED, Sandbox
from autograder.submissions import collect_hand_in
from autograder.submissions.intake import take_in
from tests.autograder.small_course import KINDS, add_unreadable, make_class, make_course


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
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
    hand_ins = take_in([folder], spec.catalog.units).hand_ins
    return [Task(name, collect_hand_in(each, name, spec.catalog.units)) for name, each in hand_ins.items()], points


@pytest.fixture(scope="module")
def jobs(spec, small_sandbox):
    return Jobs(2, spec, small_sandbox)


@pytest.fixture(scope="module")
def grade_tasks(jobs):
    with jobs as grade_tasks:
        yield grade_tasks


def comparable(graded):
    checks = [dataclasses.replace(check, seconds=0.0) for check in graded.result.checks]
    # Of the machine: a job has one thread, and the process of the tests has its own number.
    return dataclasses.replace(graded.result, seconds=0.0, started="", machine={}, checks=tuple(checks)).to_json()


@pytest.mark.slow
def test_two_jobs_give_what_one_process_gives(grade_tasks, spec, small_sandbox, students):
    tasks, points = students
    gc.unfreeze()
    together = {graded.task.name: graded for graded in grade_tasks(tasks)}
    alone = {graded.task.name: graded for graded in grade_in_turn(Grader(spec, small_sandbox))(tasks)}
    assert gc.get_freeze_count() == 0  # at the end of a process whatever is frozen leaks, and a library says so
    assert {name: graded.result.score for name, graded in together.items()} == points
    assert {name: comparable(j) for name, j in together.items()} == {name: comparable(j) for name, j in alone.items()}


def children(pid):
    with contextlib.suppress(FileNotFoundError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


@pytest.mark.slow
def test_a_job_that_stands_still_is_replaced(spec, small_sandbox, students):
    tasks = [task for task in students[0] if "hangs" not in task.name]
    points = {task.name: students[1][task.name] for task in tasks}
    stopped = []

    def stopping():
        for number, task in enumerate(tasks):
            if number == 3:
                stopped.append(max(children(jobs.zygote.pid), key=processor_time))  # one that has begun
                os.kill(stopped[0], signal.SIGSTOP)
            yield task

    jobs = Jobs(2, spec, small_sandbox, patience=20.0)  # on a busy machine a worker takes seconds to begin
    with jobs as grade_tasks:
        assert {graded.task.name: graded.result.score for graded in grade_tasks(stopping())} == points
        assert stopped and state(stopped[0]) in ("", "Z")


def processor_time(pid):
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


def state(pid):
    with contextlib.suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return ""


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


@pytest.mark.slow
@pytest.mark.parametrize("victims", [first_job, zygote_of_jobs, every_server])
def test_whoever_is_killed_each_submission_has_one_result(grade_tasks, jobs, students, victims):
    tasks, points = students
    quick = [task for task in tasks if "hangs" not in task.name]
    graded = list(grade_tasks(killing(quick, jobs, victims)))
    assert sorted(each.task.name for each in graded) == sorted(task.name for task in quick)
    assert all(each.result is not None for each in graded)
    if victims is not every_server:  # a worker that dies with its server is the submission's own crash
        assert {each.task.name: each.result.score for each in graded} == {t.name: points[t.name] for t in quick}


@pytest.mark.slow
def test_a_killed_zygote_of_servers_costs_no_result(spec, students):
    quick = [task for task in students[0] if "hangs" not in task.name]
    with Sandbox(spec.catalog.preload) as sandbox, (jobs := Jobs(2, spec, sandbox)) as grade_tasks:
        graded = list(grade_tasks(killing(quick, jobs, zygote_of_servers)))
    assert sorted(each.task.name for each in graded if each.result) == sorted(task.name for task in quick)


class Deadly(Jobs):
    """Kills every job that has begun, while it holds a certain task."""

    def _receive(self, link):
        begins = link in self._beginning
        received = super()._receive(link)
        if begins and received is not None and "wrong" in self._busy[link].name:
            os.kill(children(self.zygote.pid)[-1], signal.SIGKILL)
        return received


@pytest.mark.slow
def test_a_task_whose_job_dies_twice_has_no_result_and_the_others_have(spec, small_sandbox, students):
    wrong, *others = sorted(students[0], key=lambda task: "wrong" not in task.name)
    with Deadly(1, spec, small_sandbox) as grade_tasks:
        first, *rest = grade_tasks([wrong, *others[:2]])
    assert first.task == wrong and first.result is None and "so did the one that graded it again" in first.reason
    assert [each.task for each in rest] == others[:2] and all(each.result for each in rest)


class Unlucky(Jobs):
    """So many of its first jobs lose their fork server twice before they have begun."""

    times = 2

    def _start(self):
        if not self.times:
            return super()._start()
        self.times -= 1
        ours, theirs = Pipe()
        theirs.send(ServerDiedError("the fork server did not start"))
        self._beginning.add(ours)
        return ours


@pytest.mark.slow
def test_a_job_without_a_fork_server_is_replaced(spec, small_sandbox, students):
    tasks = [task for task in students[0] if "right" in task.name][:1]
    with Unlucky(1, spec, small_sandbox) as grade_tasks:
        assert [graded.result.all_passed for graded in grade_tasks(tasks)] == [True]


def test_where_no_fork_server_lives_it_is_said(spec, small_sandbox, students):
    unlucky = Unlucky(1, spec, small_sandbox)
    unlucky.times = 3
    with unlucky as grade_tasks, pytest.raises(GraderError, match="could begin: the fork server did not start"):
        list(grade_tasks(students[0]))


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="here is a GPU")
def test_what_no_job_can_do_is_said_once(spec, small_sandbox, students):
    elsewhere = dataclasses.replace(spec, device="cuda")
    with Jobs(2, elsewhere, small_sandbox) as grade_tasks, pytest.raises(UsageError, match="finds no CUDA device"):
        list(grade_tasks(students[0]))


@pytest.mark.slow
def test_checks_that_cannot_be_run_cost_each_submission_its_grade(spec, small_sandbox, students, tmp_path):
    course = make_course(tmp_path / "course")
    (course / "tests" / "exercises" / "test_doubling.py").write_text("import no_such_module\n")
    broken = dataclasses.replace(spec, catalog=read_catalog(course))
    with Jobs(2, broken, small_sandbox) as grade_tasks:
        graded = list(grade_tasks(students[0]))
    assert len(graded) == len(students[0])
    assert {each.result for each in graded} == {None}
    assert all("no_such_module" in each.reason for each in graded), graded[0].reason


@pytest.mark.slow
def test_jobs_that_cannot_begin_say_why(spec, small_sandbox, students, tmp_path):
    catalog = read_catalog(make_course(tmp_path / "course"))
    (catalog.root / "exercises" / "catalog.toml").unlink()
    gone = dataclasses.replace(spec, catalog=catalog)
    with (
        Jobs(2, gone, small_sandbox) as grade_tasks,
        pytest.raises(GraderError, match=r"no process that grades could begin: .*catalog\.toml cannot be read"),
    ):
        list(grade_tasks(students[0]))


@pytest.mark.slow
def test_nothing_is_left_behind(spec, small_sandbox, students):
    with (jobs := Jobs(2, spec, small_sandbox)) as grade_tasks:
        running = grade_tasks(students[0])
        next(running)
        below = [jobs.zygote.pid, *children(jobs.zygote.pid)]
        running.close()
    assert len(below) == 3 and [pid for pid in below if Path(f"/proc/{pid}").exists()] == []
