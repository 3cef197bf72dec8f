"""`autograder watch` in a real terminal: files are saved, keys are pressed, and the screen is read."""

import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autograder.checks.remote import ModuleUnderTest, StudentModule
from autograder.student.progress import read_progress
from autograder.student.runner import _Guard
from autograder.student.warm_runner import _Watched
from autograder.submissions import Module

pexpect = pytest.importorskip("pexpect", reason="a pseudo-terminal is to be had on POSIX only")

UNIT = "variation_loss"
WRONG = "\n\ndef total_variation(images):\n    print('shape', tuple(images.shape))\n    return images.sum()\n"
KEYS = "h hint   l list   r reset   s solution   d diff   Enter again   q quit"
#: For a machine that is busy with other tests; nothing waits for so long otherwise.
PATIENCE = 300


class Watched:
    """The running command, its screen and the student's file."""

    def __init__(self, root: Path, *arguments: str):
        self.root = root
        self.file = root / "exercises" / f"{UNIT}.py"
        self.skeleton = self.file.read_text()
        command = ["-m", "autograder", "watch", *arguments]
        environment = {**os.environ, "TERM": "xterm"}
        environment.pop("COLUMNS", None)  # the width is that of the terminal
        self.terminal = pexpect.spawn(
            sys.executable, command, cwd=root, env=environment, encoding="utf-8", dimensions=(60, 200), timeout=PATIENCE
        )

    def reads(self, text: str) -> str:
        """Waits for a text on the screen; what came before it."""
        self.terminal.expect_exact(text)
        return self.terminal.before

    def result(self) -> str:
        """Wait for the end of a result and return all of it."""
        self.reads("idealcat [")
        return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", self.reads(KEYS)).replace("\r\n", "\n")

    def saves(self, text: str) -> str:
        self.file.write_text(text)
        return self.result()

    def presses(self, key: str, text: str) -> str:
        self.terminal.send(key)
        return self.reads(text)

    def quits(self) -> int:
        self.terminal.send("q")
        self.terminal.expect(pexpect.EOF)
        self.terminal.close()
        return self.terminal.exitstatus


@pytest.fixture
def watch(own_course):
    started = []

    def start(*arguments):
        started.append(Watched(own_course, *arguments))
        return started[-1]

    yield start
    for each in started:
        each.terminal.close(force=True)


@pytest.mark.slow
def test_from_the_first_save_to_the_unit_that_is_next(watch, own_course):
    """The whole way of a student through one unit, with every key."""
    screen = watch(UNIT)
    first = screen.result()
    line = screen.skeleton.partition("def total_variation")[0].count("\n") + 1
    assert f"> total_variation is next: write it in exercises/variation_loss.py:{line}\n" in first
    assert "  - denoise: not written yet\n" in first

    wrong = screen.saves(screen.skeleton + WRONG)
    assert "x total_variation: 0 of 8 points, in exercises/variation_loss.py:" in wrong
    assert " tensor) returned a tensor of shape (), expected" in wrong
    assert "more checks wait for that" in wrong
    assert "It printed:\n      | shape (" in wrong

    broken = screen.saves("def total_variation(images:\n")
    said = " ".join(broken.split())  # the pane breaks lines
    assert "variation_loss.py:1 is not valid Python ('(' was never closed): def total_variation(images:" in said

    assert "In how many directions" in screen.presses("h", "Ask again for the next one.")
    screen.presses("l", "- total_variation")
    screen.presses("s", "variation_loss does not pass yet (total_variation is open)")
    screen.presses("?", KEYS)
    screen.presses("r", "Reset what? f total_variation   u the whole of variation_loss.py")
    screen.presses("n", "Nothing was reset.")
    screen.presses("r", "Reset what?")
    screen.presses("u", "your version is now exercises/variation_loss.py.bak.")
    assert "> total_variation is next" in screen.result()  # the file was written, so its checks run
    assert screen.file.with_name("variation_loss.py.bak").read_text() == "def total_variation(images:\n"

    solved = screen.saves((own_course / "solutions" / f"{UNIT}.py").read_text())
    assert "Variation loss: how much neighbouring pixels differ: 26 of 26 points" in solved
    assert "+ Variation loss: how much neighbouring pixels differ: done." in solved
    assert "Next: answers in exercises/quiz.py:8" in solved and "Run its checks" not in solved
    screen.reads("Your picture of variation_loss:")
    screen.reads((own_course / ".autograder" / "pictures" / "variation_loss.png").as_uri())
    screen.presses("s", "return vertical.sum(dim=(1, 2, 3)) + horizontal.sum(dim=(1, 2, 3))")
    screen.terminal.send("\n")
    assert "> answers is next: write it in exercises/quiz.py:8" in screen.result()
    assert screen.quits() == 0
    assert set(read_progress(own_course).units[UNIT]) == {"total_variation", "isotropic_variation", UNIT, "denoise"}


@pytest.mark.slow
def test_loops_crashes_and_hangs_are_survived(watch, own_course):
    catalog = own_course / "exercises" / "catalog.toml"
    catalog.write_text(catalog.read_text().replace("seconds = 5", "seconds = 1"))
    screen = watch(UNIT)
    screen.result()
    line = screen.skeleton.count("\n") + 3

    loop = screen.saves(screen.skeleton + "\ndef total_variation(images):\n    while True: pass\n")
    assert f"did not finish within 1 s of its own time and was stopped (variation_loss.py:{line})" in loop

    crash = screen.saves(screen.skeleton + "\nimport os\ndef total_variation(images):\n    os._exit(3)\n")
    assert "total_variation ended the whole process with exit code 3" in crash
    assert "> total_variation is next" in screen.saves(screen.skeleton)

    hang = "\nimport itertools\ndef total_variation(images):\n    return sum(itertools.repeat(0))\n"
    assert f"did not come back and was stopped (variation_loss.py:{line + 1})" in screen.saves(screen.skeleton + hang)

    fault = "\nimport ctypes\ndef total_variation(images):\n    ctypes.string_at(0)\n"
    fallen = screen.saves(screen.skeleton + fault)
    assert f"ended the whole process with signal 11 (variation_loss.py:{line + 1})" in fallen

    flood = "\ndef total_variation(images):\n    print('x' * 10**7)\n    return images.sum()\n"
    assert "It printed:" in screen.saves(screen.skeleton + flood)

    asks = "\ndef total_variation(images):\n    return input()\n"
    assert "raised EOFError: EOF when reading a line" in screen.saves(screen.skeleton + asks)
    assert "> total_variation is next" in screen.saves(screen.skeleton)
    assert screen.quits() == 0


@pytest.mark.slow
def test_what_happens_meanwhile(watch, own_course):
    """A save during a run that hangs, an update that breaks the course, and quitting in the midst of a loop."""
    catalog = own_course / "exercises" / "catalog.toml"
    text = catalog.read_text()
    catalog.write_text(text.replace("seconds = 5", "seconds = 100000"))
    # As in a background job of a shell, whose children have it ignored.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        screen = watch(UNIT)
    finally:
        signal.signal(signal.SIGINT, before)
    screen.result()

    assert looping(screen, own_course / "looping").exists()
    assert "> total_variation is next" in screen.saves(screen.skeleton)  # long before the deadline

    catalog.write_text("[course")
    screen.file.write_text(screen.skeleton + "\n")
    screen.reads("is not valid TOML")
    catalog.write_text(text)
    assert "> total_variation is next" in screen.saves(screen.skeleton)

    process = looping(screen, own_course / "looping again")
    assert screen.quits() == 0
    assert not process.exists()


@pytest.mark.slow
def test_pytest_on_a_terminal_shows_the_picture_once(own_course):
    (own_course / "exercises" / f"{UNIT}.py").write_text((own_course / "solutions" / f"{UNIT}.py").read_text())
    link = (own_course / ".autograder" / "pictures" / f"{UNIT}.png").as_uri()
    for times in (1, 0):
        command = ["-m", "pytest", f"exercises/{UNIT}.py"]
        out = pexpect.run(f"{sys.executable} {' '.join(command)}", cwd=own_course, timeout=PATIENCE).decode()
        assert "Every check that was run passes." in out and out.count(link) == times


def looping(screen, marker):
    """Saves an endless loop and waits until it is reached: the process that it runs in."""
    body = f"    import os\n    with open({str(marker)!r}, 'w') as file: file.write(str(os.getpid()))\n    while True: pass\n"
    screen.file.write_text(screen.skeleton + "\ndef total_variation(images):\n" + body)
    while not (marker.exists() and marker.read_text()):
        time.sleep(0.01)
    return Path("/proc") / marker.read_text()


def test_a_course_whose_checks_cannot_run_says_why(watch, own_course, monkeypatch, tmp_path):
    package = tmp_path / "shadow" / "torch"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('libtorch is missing')\n")
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    screen = watch(UNIT)
    screen.reads("the process that runs checks did not start (ImportError: libtorch is missing)")
    assert screen.quits() == 0


@pytest.mark.slow
def test_without_a_terminal_it_runs_too(own_course):
    """As in an editor's task panel: nothing can be pressed, and Ctrl-C ends it."""
    command = [sys.executable, "-m", "autograder", "watch", UNIT]
    with subprocess.Popen(
        command, cwd=own_course, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as child:
        assert any("> total_variation is next" in line for line in child.stdout)
        child.send_signal(signal.SIGINT)
    assert child.returncode == 130


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere a process cannot be told another's waits")
def test_a_call_that_hangs_in_c_is_ended_within_two_seconds_of_its_own_time():
    """No signal and no thread of its own reaches it there: Python's lock is held."""
    hang = "import itertools, sys; sys.stdout.write('.'); sys.stdout.flush(); sum(itertools.repeat(0))"
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    with subprocess.Popen([sys.executable, "-I", "-c", hang], stdout=subprocess.PIPE, text=True) as process:
        guard = _Guard(process)
        process.stdout.read(1)
        guard.begin_call(0.5)
        assert process.wait(PATIENCE) == -signal.SIGABRT and guard.has_ended_it
        guard.close()
    assert 1.0 < resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - used < 2.5 + 0.5  # to start takes its time


def test_while_a_library_is_imported_no_call_is_taken_for_one_that_hangs(tmp_path, monkeypatch):
    """The import may hold Python's lock for as long as it takes."""
    (tmp_path / "a_library.py").write_text("import a_part_of_it\n")
    (tmp_path / "a_part_of_it.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    unit = Module("unit", "unit.py", "def three():\n    import a_library\n    return 3\n")
    told = []
    with (tmp_path / "last_words").open("w") as last_words:
        watched = _Watched(tmp_path, last_words, told.append)
        assert StudentModule(ModuleUnderTest(unit, {"unit": unit}, 5.0), watched, 0).three() == 3
    loaded, over, called, paused, left, back = told
    assert (loaded, over, called, paused, back) == (5.0, 0, 5.0, 0, 0) and 0 < left <= 5.0
