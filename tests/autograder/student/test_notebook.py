"""`check` as a student's notebook calls it, with the notebook's namespace in place of this process's own."""

import linecache
import random
import shutil
import signal
import subprocess
import sys
import types
from pathlib import Path

import pytest
import torch

from autograder.course.catalog import COURSE
from autograder.errors import GraderError, UsageError
from autograder.student.notebook import Stopped, _functions, _used_by, check
from autograder.worker.codec import with_article
from tests.autograder.small_course import RIGHT, make_course

ROOT = Path(__file__).parents[3]
SUBMISSIONS = Path(__file__).parents[1] / "samples"


class FakeShell:
    """The part of IPython that is used: the names under which it has compiled cells."""

    def __init__(self):
        self.compile = types.SimpleNamespace(_filename_map={})


@pytest.fixture
def notebook(monkeypatch):
    """Runs cells, as a kernel does."""
    main, shell = types.ModuleType("__main__"), FakeShell()
    main.get_ipython = lambda: shell
    monkeypatch.setitem(sys.modules, "__main__", main)

    def run(cell):
        number = len(shell.compile._filename_map) + 1
        filename = f"/tmp/ipykernel_1/{number}0042.py"
        shell.compile._filename_map[filename] = number
        linecache.cache[filename] = len(cell), None, cell.splitlines(keepends=True), filename  # as IPython does
        exec(compile(cell, filename, "exec"), vars(main))

    return run


def test_the_sentences_are_those_of_pytest(notebook, capsys, student_pytest):
    notebook((SUBMISSIONS / "only_horizontal" / "variation_loss.py").read_text())
    assert check("total_variation") == 1
    words = " ".join(capsys.readouterr().out.split())
    run = student_pytest(SUBMISSIONS / "only_horizontal" / "variation_loss.py", "-k", "total_variation")
    lines = [line for line in run.text.splitlines() if "expected" in line or "Known mistake" in line]
    assert len(lines) >= 2 and all(" ".join(line.split()) in words for line in lines)


def test_the_function_itself_stands_for_its_name(notebook, capsys):
    notebook("def variation_loss(images):\n    raise NotImplementedError()")
    assert check(vars(sys.modules["__main__"])["variation_loss"]) == 0
    assert "not written yet" in capsys.readouterr().out
    with pytest.raises(UsageError, match="the course has no function '3'"):
        check(3)


def test_it_runs_on_what_is_defined_now(notebook, capsys):
    notebook("import torch\n\ndef variation_loss(images):\n    raise NotImplementedError()")
    assert check("variation_loss") == 0
    assert "not written yet (cell [1], line 4)" in capsys.readouterr().out
    notebook("def variation_loss(images):\n    return images.no_such_thing")
    assert check("variation_loss") == 0
    assert "AttributeError" in capsys.readouterr().out
    notebook((ROOT / "solutions" / "variation_loss.py").read_text())
    assert check("variation_loss") == 3.25


def test_the_notebook_goes_on_as_if_nothing_had_been_run(notebook):
    notebook((ROOT / "solutions" / "variation_loss.py").read_text())
    torch.manual_seed(5)
    random.seed(5)
    expected = torch.rand(3), random.random()
    torch.manual_seed(5)
    random.seed(5)
    check("variation_loss")
    assert torch.equal(torch.rand(3), expected[0]) and random.random() == expected[1]


def test_examples_of_a_file_are_none_of_the_notebooks(notebook, capsys, tmp_path, monkeypatch):
    catalog = make_course(tmp_path) / "exercises" / "catalog.toml"
    catalog.write_text(catalog.read_text().replace("points = 2", "points = 2\nexamples = 1"))
    monkeypatch.setenv(COURSE, str(tmp_path))
    notebook(RIGHT)
    assert check("double") == 2
    assert "my_checks" not in capsys.readouterr().out


SPYING = """
plain, shapes = variation_loss, []

def variation_loss(images):
    shapes.append(tuple(images.shape))
    return plain(images)
"""


def test_hidden_checks_are_out_of_reach_until_nbgrader_grades(notebook, capsys, monkeypatch):
    """Their inputs too: in a student's own run they do not call the student's code at all."""
    notebook((ROOT / "solutions" / "variation_loss.py").read_text())
    notebook(SPYING)
    assert check("variation_loss") == 3.25
    hidden = (3, 3, 7, 12)
    assert hidden not in vars(sys.modules["__main__"])["shapes"] and len(vars(sys.modules["__main__"])["shapes"]) >= 3
    assert "random" not in capsys.readouterr().out
    for value in (None, "validate"):
        monkeypatch.setenv("NBGRADER_EXECUTION", value) if value else monkeypatch.delenv(
            "NBGRADER_EXECUTION", raising=False
        )
        with pytest.raises(UsageError, match="the hidden checks of variation_loss run when the notebook is graded"):
            check("variation_loss", hidden=True)
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert check("variation_loss", hidden=True) == 0.75
    assert hidden in vars(sys.modules["__main__"])["shapes"]


def test_a_wrong_image_is_shown(notebook, capsys, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    notebook((ROOT / "solutions" / "variation_loss.py").read_text())
    assert check("denoise") == 7 and shown == []
    notebook(
        "right = denoise\ndef denoise(images, **options):\n"
        "    return right(images, **options) if options.get('weight', 1) else 1 - images"
    )
    assert check("denoise") < 7
    (picture,) = shown
    assert picture.data.startswith(b"\x89PNG") and "With weight 0" in capsys.readouterr().out.splitlines()[-1]


def test_of_a_function_whose_cell_was_not_run_it_says_so(notebook, capsys):
    notebook("def class_loss(model, images, target):\n    return 0")
    assert check("ideal_loss") == 0
    assert capsys.readouterr().out == "ideal_loss is not defined here: run its cell first\n"


def test_no_check_runs_of_a_function_whose_cell_was_not_run(notebook, monkeypatch):
    monkeypatch.setattr("autograder.student.notebook._run_checks", lambda *_: pytest.fail("a check ran"))
    notebook("def class_loss(model, images, target):\n    return 0")
    assert check("ideal_loss") == 0


def test_a_name_that_is_none_is_answered_with_one_that_is(notebook):
    with pytest.raises(UsageError, match=r"no function .total_variatoin.; is it total_variation\?"):
        check("total_variatoin")


def test_a_course_without_hidden_checks_has_none_to_show(notebook, tmp_path, monkeypatch):
    for folder in ("exercises", "solutions", "tests/exercises"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    checks = tmp_path / "tests" / "exercises" / "test_variation_loss.py"
    checks.write_text(checks.read_text().replace("@pytest.mark.hidden\n", ""))
    monkeypatch.setenv(COURSE, str(tmp_path))
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    notebook("def variation_loss(images):\n    return images")
    with pytest.raises(UsageError, match="variation_loss has no hidden checks here"):
        check("variation_loss", hidden=True)


def test_a_function_without_checks_here_says_what_it_gives_when_graded(notebook, tmp_path, monkeypatch, capsys):
    """So that a notebook that is run as a whole goes on."""
    root = make_course(tmp_path)
    with (root / "exercises" / "catalog.toml").open("a") as catalog:
        catalog.write("\n[later]\ndouble = 2.0\nhalve = 1.0\n")
    (root / "tests" / "exercises" / "test_doubling.py").unlink()
    monkeypatch.setenv(COURSE, str(root))
    notebook(RIGHT)
    assert check("double") == 0
    assert capsys.readouterr().out == "double: 2 points when graded\n"


def test_what_a_function_prints_is_shown_capped(notebook, capsys):
    notebook("def variation_loss(images):\n    for i in range(40):\n        print('line', i)\n    return 0")
    check("variation_loss")
    lines = capsys.readouterr().out.splitlines()
    place = lines.index("  It printed:")
    assert lines[place + 1 : place + 3] == ["    | line 0", "    | line 1"]
    assert sum(line.startswith("    | line") for line in lines) == 12
    assert any("more lines" in line for line in lines[place:])


def test_input_finds_nothing_to_read(notebook, capsys, monkeypatch):
    """A kernel's own `input` asks the browser, and waits."""
    monkeypatch.setattr("builtins.input", lambda prompt="": pytest.fail("it waits"))
    notebook("def variation_loss(images):\n    return input('How much? ')")
    assert check("variation_loss") == 0
    assert "raised EOFError: EOF when reading a line" in capsys.readouterr().out
    with pytest.raises(pytest.fail.Exception):
        input()


@pytest.fixture
def interruptible():
    """Have Ctrl-C raise, as in a kernel: a process started in the background inherits that it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_stop_names_the_line_that_was_running(notebook):
    """As the Stop button of Jupyter in an endless loop: a signal, in the midst of the student's own code."""
    text = "def variation_loss(images):\n    import signal\n    signal.raise_signal(signal.SIGINT)\n"
    notebook(f"{text}    while True:\n        pass")
    with pytest.raises(Stopped) as stopped:
        check("variation_loss")
    assert stopped.value._render_traceback_() == ["Stopped in cell [1], line 3: signal.raise_signal(signal.SIGINT)"]


def test_lines_of_a_cell_break_between_words(notebook, capsys):
    notebook("def variation_loss(images):\n    raise ValueError('word ' * 60)")
    check("variation_loss")
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100 and not any(line.strip().startswith("ord") for line in lines)


@pytest.mark.parametrize("body", ["[helper(x) for x in xs]", "list(map(lambda x: helper(x), xs))"])
def test_a_helper_is_used_from_within_a_comprehension_or_a_lambda(notebook, body):
    notebook(f"def helper(x):\n    return x\n\ndef whole(xs):\n    return {body}")
    assert _used_by("whole", _functions()) == {"helper"}


@pytest.mark.parametrize(
    ("name", "words"), [("int", "an int"), ("ndarray", "an ndarray"), ("list", "a list"), ("uint8", "a uint8")]
)
def test_types_have_their_article(name, words):
    assert with_article(name) == words


def test_hints_are_given_where_nothing_can_be_stored(command, monkeypatch):
    def refuse(path, content):
        raise GraderError(f"{path} cannot be written")

    monkeypatch.setattr("autograder.student.progress.write_atomically", refuse)
    code, said = command("hint", "denoise")
    assert code == 0 and "denoise, hint 1 of 2:" in said and "denoise, hint 2 of 2:" in said
    assert "Which hints you have read cannot be stored" in said


COMPILED = """
import torch

@torch.compile(fullgraph=True)
def total_variation(images):
    torch._dynamo.graph_break()
    if images.dim() != 4:
        raise ValueError(f"images has {images.dim()} dimensions")
    down, across = images.diff(dim=2).abs(), images.diff(dim=3).abs()
    return down.sum((1, 2, 3)) + across.sum((1, 2, 3))
"""


@pytest.mark.slow
def test_a_compiled_function_runs_as_it_is_written(notebook):
    """At home as graded: a compiler would take longer than a call may, and refuses this one."""
    notebook(COMPILED)
    assert check("total_variation") == 6.5


@pytest.mark.slow
def test_pytest_leaves_a_compiled_function_as_it_is_written(student_pytest, tmp_path):
    path = tmp_path / "variation_loss.py"
    path.write_text(COMPILED)
    run = student_pytest(path, "-k", "total_variation")
    assert {check.outcome.value for check in run.checks.values()} == {"passed"}


@pytest.mark.slow
def test_pytest_leaves_a_compiled_function_alone_where_nothing_else_has_loaded_the_compiler(tmp_path):
    path = tmp_path / "variation_loss.py"
    path.write_text(COMPILED)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-k", "total_variation", str(path)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stdout


#: What people write at the top, for a machine that has a GPU and for one that has none.
WITH_A_GPU = """\
import torch

device = "cuda" if torch.cuda.is_available() else "cpu"
place = torch.device(device)


def total_variation(images):
    assert torch.cuda.is_available() is False and torch.cuda.device_count() == 0
    if images.dim() != 4:
        raise ValueError(f"images has {images.dim()} dimensions")
    images = images.to(device).to(place)
    down = (images[:, :, 1:] - images[:, :, :-1]).abs().sum(dim=(1, 2, 3))
    return down + (images[:, :, :, 1:] - images[:, :, :, :-1]).abs().sum(dim=(1, 2, 3))
"""


@pytest.fixture
def gpu_in_sight(monkeypatch):
    """Let a program see what it would see on a machine with a GPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)


def test_on_a_machine_with_a_gpu_a_notebook_is_checked_on_the_cpu_as_where_it_is_graded(notebook, gpu_in_sight):
    notebook(WITH_A_GPU)
    values = vars(sys.modules["__main__"])
    assert values["device"] == "cuda"
    assert check("total_variation") == 6.5
    assert (values["device"], values["place"]) == ("cuda", torch.device("cuda"))
    assert torch.cuda.is_available() and torch.cuda.device_count() == 1


def test_on_a_machine_with_a_gpu_pytest_checks_on_the_cpu_as_where_work_is_graded(
    student_pytest, tmp_path, gpu_in_sight
):
    file = tmp_path / "variation_loss.py"
    file.write_text(WITH_A_GPU)
    run = student_pytest(file, "-k", "total_variation")
    assert "total_variation: 8 of 8 points" in run.text, run.text
    assert torch.cuda.is_available() and torch.cuda.device_count() == 1


_KERNEL = """
import decimal, linecache, logging, types
import numpy as np
import torch
from autograder.student.notebook import check

shell = types.SimpleNamespace(compile=types.SimpleNamespace(_filename_map={{}}))
get_ipython = lambda: shell
for number, cell in enumerate({cells!r}, 1):
    name = f"/tmp/ipykernel_1/{{number}}0042.py"
    shell.compile._filename_map[name] = number
    linecache.cache[name] = len(cell), None, cell.splitlines(keepends=True), name
    exec(compile(cell, name, "exec"), globals())
"""


def in_a_new_kernel(*cells):
    """Run cells in a process of their own, whose settings no check has seen, and return what they print."""
    ran = subprocess.run(
        [sys.executable, "-c", _KERNEL.format(cells=cells)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_a_setting_of_the_notebook_is_the_students_alone():
    """As where it is graded: the checks draw with the first settings."""
    solution = (ROOT / "solutions" / "variation_loss.py").read_text()
    printed = in_a_new_kernel("torch.set_default_dtype(torch.float64)", solution, "print(check('denoise'))")
    assert printed.splitlines()[-1] == "7.0"


def test_settings_and_logging_of_the_notebook_stay_as_they_are():
    settings = (
        "logging.basicConfig(level=logging.INFO)\nnp.seterr(all='raise')\ndecimal.getcontext().prec = 50\n"
        "torch.use_deterministic_algorithms(True)\ntorch.set_float32_matmul_precision('medium')"
    )
    look = (
        "print(len(logging.root.handlers), np.geterr()['divide'], decimal.getcontext().prec,"
        " torch.are_deterministic_algorithms_enabled(), torch.get_float32_matmul_precision())"
    )
    solution = (ROOT / "solutions" / "variation_loss.py").read_text()
    printed = in_a_new_kernel(solution, "check('total_variation')", settings, "check('total_variation')", look)
    assert printed.splitlines()[-1] == "1 raise 50 True medium"
