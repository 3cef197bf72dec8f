"""What a terminal shows: readable in 80 columns, without colour, in a pipe and in a CI log."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from autograder.cli import terminal
from autograder.cli.tables import print_class
from autograder.results.mark import mark
from autograder.results.types import CheckResult, Outcome, SubmissionResult
from autograder.results.wording import SIGNS
from tests.autograder.small_course import make_class, make_course

ESCAPE = re.compile(r"\x1b\[")


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("terminal")
    make_course(folder / "course")
    make_class(folder / "class", 2, ("right", "half"))
    return folder


def command(course, *arguments, **environment):
    """The real command, its output into a pipe."""
    variables = {**os.environ, "IDEALCAT_SECRET": "x", **environment}
    variables.pop("COLUMNS", None)
    return subprocess.run(
        [sys.executable, "-P", "-m", "autograder", *map(str, arguments)],
        cwd=course / "course",
        env=variables,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.slow
def test_a_pipe_gets_plain_lines_one_for_each_check_and_what_to_do_next(course):
    done = command(course, "grade", course / "class" / "s001_half", "-o", course / "one")
    assert done.returncode == 1
    assert not ESCAPE.search(done.stdout + done.stderr)
    lines = done.stdout.splitlines()
    assert [line for line in lines if re.match(r"    [+x-] ", line)] == [
        "    + Twice as much comes back",
        "    + Twice nothing is nothing",
        "    x Half as much comes back",
    ]
    assert "        doubling.py has no function halve; write def halve(...)" in lines
    assert lines[-1].startswith("Next: mend halve in doubling.py, then run: pytest ")


@pytest.mark.slow
def test_a_class_fits_into_eighty_columns(course):
    done = command(course, "grade", course / "class", "-o", course / "all", FORCE_COLOR="1", NO_COLOR="1")
    assert done.returncode == 1
    table = [line for line in done.stdout.splitlines() if "results/" in line]
    assert len(table) == 2 and all(len(line) <= 80 for line in table)
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", done.stdout)  # no colour; bold may be


LONG = "Maximiliane Charlotte von Hohenstein"
CHECK = CheckResult("u::one", "u", "f", "t", 26.0, outcome=Outcome.PASSED)
MARKS = [
    mark(SubmissionResult("bob", (CHECK,))),
    mark(SubmissionResult(LONG, (CHECK.with_outcome(Outcome.FAILED, "f(1x3x4x5 tensor) returned 3.0, expected 6.0"),))),
]
PATHS = [Path("results", f"{each.name}.json") for each in MARKS]


def printed(monkeypatch, width=None):
    """Return the lines of the table of a class on a terminal of this width, or in a log."""
    text = io.StringIO()
    monkeypatch.delenv("COLUMNS", raising=False)
    console = Console(file=text, width=width, force_terminal=width is not None, color_system=None, highlight=False)
    monkeypatch.setattr(terminal, "out", console)
    print_class(MARKS, PATHS)
    return text.getvalue().splitlines()


def test_points_and_remarks_are_whole_in_eighty_columns_and_the_path_goes_first(monkeypatch):
    lines = printed(monkeypatch, 80)
    text = " ".join(" ".join(lines).split())
    assert all(len(line) <= 80 for line in lines)
    assert "26 / 26" in text and "0 / 26" in text and "Points" in text and "Remarks" in text
    assert "results/" not in text
    assert all(word in text for word in LONG.split())


def test_a_wide_terminal_and_a_log_have_one_line_for_each_submission(monkeypatch):
    for width in (160, None):
        lines = printed(monkeypatch, width)
        (line,) = [line for line in lines if LONG in line]
        assert "expected 6.0" in line and f"results/{LONG}.json" in line


def test_every_mark_can_be_drawn_anywhere():
    assert "".join(SIGNS.values()).isascii()
