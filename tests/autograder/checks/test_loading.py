"""A module that stops half-way or lacks a library costs what it lacks, no more; in this process and across the sandbox."""

import contextlib
import inspect
import sys
import types

import pytest

from autograder.checks.faults import load_notes
from autograder.checks.remote import ModuleUnderTest, StudentModule
from autograder.checks.transport import Capturing, InProcess
from autograder.errors import CheckError, MissingAttribute, MissingFunction, Raised, Unusable
from autograder.submissions import Module

DOUBLE = "def double(x):\n    return 2 * x\n\n"


@pytest.fixture(params=["here", "sandboxed"])
def load(request, tmp_path):
    """Make the student's module of a text and of others beside it."""
    with contextlib.ExitStack() as stack:

        def load(text, name="unit.py", seconds=5.0, expectable=lambda _: None, **others):
            modules = {key: Module(key, f"{key}.py", other) for key, other in others.items()}
            modules["unit"] = Module("unit", name, text)
            if request.param == "here":
                transport = InProcess(tmp_path)
            else:
                transport = stack.enter_context(request.getfixturevalue("sandbox").worker())
            tested = ModuleUnderTest(modules["unit"], modules, seconds, expectable=expectable)
            return StudentModule(tested, transport, 0)

        yield load


def test_what_was_defined_before_an_exception_is_used(load):
    student = load(DOUBLE + "print(1 / 0)\n\ndef halve(x):\n    return x / 2\n")
    assert student.double(2) == 4
    assert student.notes == ("unit.py:4: the module stopped here (ZeroDivisionError: division by zero)",)
    with pytest.raises(MissingFunction) as caught:
        student.halve(2)
    words = "unit.py stopped before halve was defined: ZeroDivisionError: division by zero (unit.py:4)"
    assert str(caught.value) == words and caught.value.line == 4


@pytest.mark.parametrize("names", ["json, no_such_library, math", "no_such_library, json, math as math"])
def test_what_stands_beside_a_missing_library_in_one_import_is_there(load, names):
    code = f"import {names}\n\ndef double(x):\n    return json.loads('2') * x * math.ceil(0.5)\n"
    student = load(code + "\ndef halve(x):\n    return no_such_library.halve(x)\n")
    assert student.double(2) == 4
    (note,) = student.notes
    assert note.startswith("unit.py:1: the import has failed (no_such_library is not installed")
    with pytest.raises(Raised, match="import no_such_library has failed"):
        student.halve(2)


def test_a_name_that_a_library_lacks_costs_no_other_of_the_same_import(load):
    student = load("from math import (\n    no_such_name,\n    ceil,\n)\n\ndef double(x):\n    return ceil(1.5) * x\n")
    assert student.double(2) == 4
    assert len(student.notes) == 1 and "no_such_name" in student.notes[0]


@pytest.mark.parametrize("end", ["exit()", "quit()", "import io, sys\nsys.stdin = io.TextIOWrapper(sys.stdin.buffer)"])
def test_a_check_finds_its_input_open_whatever_the_one_before_has_closed(sandbox, end):
    """`exit()` closes it, and so does a stream round it that comes to its end."""
    unit = Module("unit", "unit.py", f"who = input('Who? ')\n\n{DOUBLE}{end}\n")
    tested = ModuleUnderTest(unit, {"unit": unit}, 5.0, expectable=lambda _: None)
    with sandbox.worker() as worker:
        for _ in range(3):
            assert StudentModule(tested, worker, 0).double(2) == 4


READS_ITSELF = """
import inspect
import os

os.chdir(os.path.dirname(__file__))
with open(__file__) as file:
    SOURCE = file.read()


class Double:
    def __call__(self, x):
        return 2 * x


def double(x):
    assert SOURCE.endswith("# the end\\n") and inspect.getsource(Double).startswith("class Double:")
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "other.py")) as file:
        assert file.read() == "a = 1\\n"
    return Double()(x) if {"unit.py", "other.py"} <= set(os.listdir()) else None

# the end
"""


@pytest.mark.parametrize("load", ["sandboxed"], indirect=True)
def test_a_module_lies_in_a_folder_beside_the_others_as_at_home(load):
    student = load(READS_ITSELF, other="a = 1\n")
    assert student.double(2) == 4
    assert student.notes == ()


@pytest.mark.parametrize("end", ["import sys\nsys.exit()", "raise NotImplementedError", "double('x') - 1"])
def test_however_it_ends(load, end):
    assert load(DOUBLE + end).double(2) == 4


def test_an_endless_statement_costs_what_follows(load):
    student = load(DOUBLE + "while True: pass\n\ndef halve(x):\n    return x / 2\n", seconds=0.5)
    assert student.double(2) == 4
    assert student.notes == ("unit.py:4: the module stopped here (it did not end in time)",)
    with pytest.raises(MissingFunction, match="stopped before halve was defined: it did not end in time"):
        student.halve(2)


def test_a_module_that_defines_nothing_cannot_be_imported(load):
    with pytest.raises(
        Unusable, match=r"unit.py cannot be imported: ZeroDivisionError: division by zero \(unit.py:1\)"
    ):
        load("1 / 0\n").double(2)


def test_a_module_that_only_imports_what_is_missing_cannot_be_imported(load):
    with pytest.raises(
        Unusable, match=r"unit.py cannot be imported: ModuleNotFoundError: No module named 'no_such_lib"
    ):
        load("import no_such_library\n").double(2)


def test_in_a_notebook_the_next_statement_follows(load):
    student = load("1 / 0\n" + DOUBLE, name="unit.ipynb")
    assert student.double(2) == 4 and "ZeroDivisionError" in student.notes[0]


def test_a_unit_that_stopped_can_be_imported(load):
    student = load(
        "from earlier import three\ndef six():\n    return 2 * three()\n", earlier="def three(): return 3\n1 / 0"
    )
    assert student.six() == 6
    assert student.notes == ("earlier.py:2: the module stopped here (ZeroDivisionError: division by zero)",)


def test_a_library_that_is_missing_costs_what_uses_it(load):
    lines = ["import no_such_library.pyplot as plt", "from no_such_library import pi", DOUBLE]
    student = load("\n".join([*lines, "def plot(x):\n    return plt.plot(x)\n\ndef circle(r):\n    return pi(r)\n"]))
    assert student.double(2) == 4
    words = "the import has failed (no_such_library is not installed where this ran); what uses it fails"
    assert student.notes == tuple(f"unit.py:{line}: {words}" for line in (1, 2))
    with pytest.raises(Raised) as caught:
        student.plot(1)
    said = "raised ImportError: import no_such_library.pyplot as plt has failed (no_such_library is not installed where"
    assert said in caught.value.sentence and caught.value.sentence.endswith("(unit.py:8)")
    with pytest.raises(Raised, match="from no_such_library import pi has failed"):
        student.circle(1)


@pytest.mark.parametrize(
    "use",
    [
        *("for _ in lib: pass", "lib()", "lib.name", "lib[0]", "lib[0] = x", "lib.name = x", "with lib: pass"),
        *(
            "lib == x",
            "x < lib",
            "lib + x",
            "x * lib",
            "x @ lib",
            "-lib",
            "class A(lib): pass",
        ),
        *("first, second = lib", "f'{lib:.2f}'", "isinstance(x, lib)", "range(lib)", "x in lib", "if lib: pass"),
        *("import torch; torch.zeros(2) + lib", "import torch; torch.add(torch.ones(2), lib)"),
        *("import torch; torch.stack([lib])", "import torch; torch.zeros(2)[lib]", "import numpy; numpy.sum(lib)"),
    ],
)
@pytest.mark.parametrize("line", ["import no_such_library as lib", "from no_such_library import *"])
def test_each_use_of_what_is_missing_names_it_and_the_line(load, line, use):
    with pytest.raises(Raised) as caught:
        load(f"{line}\n\ndef double(x):\n    {use}\n").double(2)
    said = f"raised ImportError: {line} has failed (no_such_library is not installed where this ran)"
    assert said in caught.value.sentence and "(unit.py:" in caught.value.sentence


@pytest.mark.parametrize("suffix", [".py", ".ipynb"])
@pytest.mark.parametrize(
    "head",
    [
        "from no_such_library import njit\n@njit\n",
        "import no_such_library as nb\n@nb.njit(cache=True)\n",
        "from no_such_library import *\n@njit\n",
        "from no_such_library import make\ntimed = make()\n@timed\n",
    ],
)
def test_a_decorator_that_is_missing_costs_no_function(load, head, suffix):
    student = load(f"{head}{DOUBLE}", name=f"unit{suffix}")
    assert student.double(2) == 4
    assert any("was left out: it needs what could not be imported" in note for note in student.notes)


@pytest.mark.parametrize(
    "text",
    [
        "from no_such_library import Float\ndef double(x: Float['n'], *y: Float) -> Float['n'] | None:\n    return 2 * x\n",
        "import no_such_library as j\nRow = j.Float['n']\ndef double(x: Row) -> list[Row]:\n    return 2 * x\n",
        "from no_such_library import Float\nfrom dataclasses import dataclass\n@dataclass\nclass Two:\n"
        "    by: Float = 2\ndef double(x):\n    two: Float = Two(2)\n    def inner(y: Float): return y * two.by\n"
        "    return inner(x)\n",
    ],
)
def test_an_annotation_that_is_missing_costs_no_function(load, text):
    assert load(text).double(2) == 4


def test_what_the_compiler_refuses_in_a_notebook_is_told_with_its_cell(tmp_path):
    text = "x = 1\n\nreturn x\n" + DOUBLE
    module = Module("unit", "unit.ipynb", text, cells=((1, 1), (1, 2), (2, 1), *((3, n) for n in range(1, 5))))
    student = StudentModule(ModuleUnderTest(module, {"unit": module}, 5.0), InProcess(tmp_path), 0)
    assert student.double(2) == 4
    (note,) = student.notes
    assert note == "unit.ipynb cell 2, line 1: this has failed (SyntaxError: 'return' outside function)"


@pytest.mark.parametrize(
    "line",
    [
        "import no_such_library as sns\nsns.set_theme()",
        "from no_such_library import init\ninit(project='course')",
        "weights = open('no_such_file.pt', 'rb').read()",
        "import os\nos.makedirs('/proc/figures')",
        "count = int(input('How many? '))",
    ],
)
def test_what_needs_a_library_a_file_or_an_answer_that_is_not_there_costs_no_more(load, line):
    student = load(line + "\n\n" + DOUBLE)
    assert student.double(2) == 4
    assert [note for note in student.notes if ": this has failed (" in note] == [student.notes[-1]]


@pytest.fixture(params=["here", "sandboxed"])
def printing(request, tmp_path):
    """A worker that keeps what is printed."""
    with contextlib.ExitStack() as stack:
        if request.param == "here":
            yield Capturing(tmp_path)
        else:
            yield stack.enter_context(request.getfixturevalue("sandbox").worker())


@pytest.mark.parametrize(
    "line",
    [
        "sys.stdout.reconfigure(encoding='utf-8')",
        "sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding='utf-8', line_buffering=True)",
        "sys.stdout = io.TextIOWrapper(sys.stdout.detach(), encoding='utf-8', line_buffering=True)",
        "out = io.TextIOWrapper(sys.stdout.buffer)",
    ],
)
def test_a_module_may_set_up_or_wrap_its_output_for_each_check_anew(printing, line):
    module = Module("unit", "unit.py", f"import io, sys\n{line}\n\ndef greet():\n    print('hello ü')\n")
    for seed in range(2):
        student = StudentModule(ModuleUnderTest(module, {"unit": module}, 5.0), printing, seed)
        student.greet()
        assert (student.notes, student.printed, printing.take_printed()) == ((), "hello ü\n", "hello ü\n")


@pytest.mark.parametrize(
    "lines",
    [
        "import torch\nassert torch.cuda.is_available(), 'a GPU is needed'",
        "import sys, torch\nif not torch.cuda.is_available():\n    sys.exit('no GPU')",
        "import torch\nweights = torch.zeros(3, device='cuda:0')\nmean = weights.mean()\nprint(mean)",
        "import torch\nnet = torch.nn.Linear(1, 1).cuda()\nfor p in net.parameters():\n    print(p)",
        "get_ipython().run_line_magic('matplotlib', 'inline')",
        "from IPython import get_ipython\nget_ipython().system('pip install torch')",
        "display('a picture')",
        "pictures = list(open('no such file'))\nfirst = pictures[0]\nprint(first)",
    ],
)
def test_what_another_machine_has_costs_no_more(load, lines, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    student = load(f"{lines}\n\n{DOUBLE}")
    assert student.double(2) == 4
    (note,) = student.notes
    assert note.startswith("unit.py:") and ": this has failed (" in note


@pytest.mark.parametrize(
    "line",
    [
        "return getattr(sys.modules[__name__], 'three')()",
        "return sys.modules['other'].three()",
        "import other\n    return other.three() * (other is sys.modules['other'])",
        "from exercises.other import three\n    return three()",
    ],
)
def test_while_a_function_runs_the_modules_are_found_by_name(load, line):
    student = load(
        f"import sys\nfrom other import three\n\ndef again():\n    {line}\n", other="def three():\n    return 3\n"
    )
    assert [student.again(), student.again()] == [3, 3]


@pytest.mark.parametrize(
    "line",
    [
        "import json\nTABLE = json.loads('no table')",
        "from torchvision.datasets import MNIST\nPICTURES = MNIST('nowhere')",
        "import torch\nWHERE = torch.ones(1, device='mps')",
        "import sqlite3\nBASE = sqlite3.connect('no/such/base')",
        "import locale\nlocale.setlocale(locale.LC_ALL, 'xx_XX')",
    ],
)
def test_what_a_library_refuses_costs_what_needs_it(load, line):
    student = load(f"{line}\n\n{DOUBLE}")
    assert student.double(2) == 4
    (note,) = student.notes
    assert note.startswith("unit.py:2: this has failed (")


def test_what_a_function_of_ones_own_raises_ends_a_module(load):
    student = load(
        DOUBLE + "import json\njson.loads('1', parse_int=lambda text: 1 / 0)\n\ndef halve(x):\n    return x / 2\n"
    )
    assert student.double(2) == 4 and "the module stopped here" in student.notes[0]
    student = load("import helper\n" + DOUBLE + "helper.fails()\n", helper="def fails():\n    raise ValueError('no')\n")
    assert student.double(2) == 4 and "the module stopped here" in student.notes[0]


def test_a_helper_may_use_any_name(load):
    names = ["filename", "missing", "stopped", "goes_on", "is_loaded", "source", "state", "load"]
    helper = "\n".join(f"def {name}(x):\n    return '{name}'" for name in names)
    reads = ", ".join(f"helper.{name}(x)" for name in names)
    student = load(f"import helper\n\ndef ask(x):\n    import helper\n    return [{reads}]\n", helper=helper)
    assert [student.ask(1), student.ask(1)] == [names, names]


@pytest.mark.parametrize("line", ["print(nothing)", "{}['cuda_device']", "while True: 'cuda'"])
def test_what_fails_on_any_machine_ends_a_module(load, line):
    student = load(f"{DOUBLE}open('no such file')\n{line}\ndef halve(x):\n    return x / 2\n", seconds=0.5)
    assert student.double(2) == 4
    with pytest.raises(MissingFunction, match="stopped before halve was defined"):
        student.halve(2)


def test_what_ends_a_module_is_named_and_not_what_came_before(load):
    student = load("open('no_such_file.pt')\n" + DOUBLE + "1 / 0\n\ndef halve(x):\n    return x / 2\n")
    assert student.double(2) == 4 and student.notes[0].startswith("unit.py:5: the module stopped here (Zero")
    with pytest.raises(MissingFunction, match="stopped before halve was defined: ZeroDivisionError"):
        student.halve(2)


def test_a_name_whose_line_has_failed_is_told_with_the_line(load):
    student = load("import math\nSIDE = int(open('no_such_file').read())\n\ndef area():\n    return SIDE**2\n")
    words = r"^name 'SIDE' is not defined; the line that defines it has failed \(FileNotFoundError: .*no_such_file.*\)"
    with pytest.raises(Raised, match=words):
        student.area()
    student = load("SIDE = int(open('no_such_file').read())\n\ndef area():\n    return SIDES**2\n")
    with pytest.raises(Raised, match=r"^name 'SIDES' is not defined(?!; the line)"):
        student.area()


def test_a_module_that_stops_does_not_vouch_for_what_it_never_defines(load):
    student = load(DOUBLE + "assert double(2) == 5\nquarter = 1\n")
    with pytest.raises(MissingFunction, match="has no function halve; write def halve"):
        student.halve(2)
    assert load(DOUBLE + "1 / 0\nfrom math import *\n").double(2) == 4
    with pytest.raises(MissingFunction, match="stopped before halve was defined"):
        load(DOUBLE + "1 / 0\nfrom helper import *\n", helper="def halve(x):\n    return x / 2\n").halve(2)


def test_a_library_that_fails_in_the_sandbox_costs_what_uses_it(load):
    student = load("from torch import no_such_name\n" + DOUBLE)
    assert (
        student.double(2) == 4 and "(ImportError: cannot import name 'no_such_name' from 'torch')" in student.notes[0]
    )


def test_a_name_that_a_newer_python_may_have_is_said_to_be_missing_in_this_one(load):
    student = load("from itertools import no_such_name\n" + DOUBLE)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    words = f"cannot import name 'no_such_name' from 'itertools' of Python {version}; a newer Python may have it"
    assert student.double(2) == 4 and words in student.notes[0]


@pytest.mark.parametrize(
    "line",
    [
        "from exercises.earlier import three",
        "from .earlier import three",
        "from . import earlier\nthree = earlier.three",
        "import exercises.earlier as e\nthree = e.three",
        "from exercises import earlier\nthree = earlier.three",
    ],
)
def test_an_earlier_unit_may_be_imported_from_the_exercises(load, line):
    student = load(
        f"import earlier\n{line}\nassert three is earlier.three\ndef six():\n    return 2 * three()\n",
        earlier="def three():\n    return 3\n",
    )
    assert student.six() == 6 and student.notes == ()


def test_futures_and_docstrings_hold_for_every_statement(load):
    text = '"""Mine."""\nfrom __future__ import annotations\ndef double(x: Nothing):\n    return 2 * x\n"more"\n'
    student = load(text + "def doc():\n    return __doc__\n")
    assert student.double(2) == 4 and student.doc() == "Mine."


def test_a_helper_is_imported_in_the_worker_alone(load):
    student = load("import helper\ndef six():\n    return 2 * helper.three()\n", helper="def three():\n    return 3\n")
    assert student.six() == 6
    with pytest.raises(ModuleNotFoundError):
        __import__("helper")


@pytest.mark.parametrize(
    "value", [None, 3, [3], [("unit.py", "x", "y")], [("other.py", 1, "y")], [("unit.py", 1, "y", 2)]]
)
def test_a_forged_note_is_none(value):
    assert list(load_notes(value, {"unit": Module("unit", "unit.py", "")})) == []


def test_notes_are_few_and_legible():
    notes = list(load_notes([("unit.py", 1, "\x1b" + "y" * 999)] * 9, {"unit": Module("unit", "unit.py", "")}))
    assert len(notes) == 5 and len(notes[0]) == 300 and "\x1b" not in notes[0]


def test_a_module_of_that_name_which_was_imported_before_is_another(load, monkeypatch):
    monkeypatch.setitem(sys.modules, "unit", before := types.ModuleType("unit"))
    assert load(DOUBLE).double(2) == 4
    assert sys.modules["unit"] is before


ARGUMENTS = "import argparse, sys\nparser = argparse.ArgumentParser()\nparser.add_argument('--size', default='3')\n"


@pytest.mark.parametrize("line", ["args = parser.parse_args()", "def size(): return parser.parse_args().size"])
def test_a_module_has_no_arguments_but_its_name(load, line, monkeypatch):
    monkeypatch.setattr(sys, "argv", given := ["pytest", "-q", "--lf"])
    student = load(
        f"{ARGUMENTS}{line}\ndef name(): return sys.argv\n" + ("" if "def" in line else "def size(): return args.size")
    )
    assert student.size() == "3" and student.name() == ["unit.py"]
    assert sys.argv is given == ["pytest", "-q", "--lf"]


def test_a_module_keeps_the_arguments_that_it_has_given_itself(load):
    student = load(f"{ARGUMENTS}sys.argv = ['x', '--size', '4']\ndef size(): return parser.parse_args().size")
    assert student.size() == "4"


FAULTS = """
class Short(Exception):
    def __init__(self, missing):
        super().__init__(f"{missing} missing")
        self.missing = missing

def lacks(missing): raise Short(missing)
def key(value): raise KeyError(value)
def leave(code): raise SystemExit(code)
def fails(): raise FileNotFoundError(2, "none", "f.txt")
"""


class Short(Exception):
    """The author's own class of that name."""


@pytest.fixture
def faulty(load):
    return load(FAULTS, expectable={"Short": Short}.get)


@pytest.mark.parametrize("key", [101, "k", (1, 2), None])
def test_a_key_that_was_missing_is_known(faulty, key):
    with pytest.raises(KeyError) as caught:
        faulty.key(key)
    assert caught.value.args == (key,) and str(caught.value) == repr(key)


@pytest.mark.parametrize("code", [3, -1, None, "no input"])
def test_an_exit_can_be_expected_with_its_code(faulty, code):
    with pytest.raises(SystemExit) as caught:
        faulty.leave(code)
    assert caught.value.code == code


def test_the_number_of_an_error_is_known(faulty):
    with pytest.raises(FileNotFoundError) as caught:
        faulty.fails()
    assert caught.value.errno == 2


@pytest.mark.parametrize(
    ("call", "name", "value"), [("lacks", "missing", 3), ("fails", "filename", "f.txt"), ("fails", "strerror", "none")]
)
def test_an_exception_is_expected_with_its_attributes(faulty, call, name, value):
    with pytest.raises((Short, OSError)) as caught:
        getattr(faulty, call)(*[3] * (call == "lacks"))
    assert getattr(caught.value, name) == value


def test_an_attribute_that_an_exception_lacks_is_the_students_fault(faulty):
    with pytest.raises(Short) as caught:
        faulty.lacks(3)
    assert not hasattr(caught.value, "found")
    with pytest.raises(MissingAttribute, match=r"^the Short that was raised has no found$"):
        _ = caught.value.found


@pytest.mark.parametrize("look", [inspect.getdoc, inspect.signature], ids=["docstring", "arguments"])
def test_a_check_that_looks_at_what_stays_with_the_worker_is_at_fault(faulty, look):
    with pytest.raises(CheckError, match=r"^a check does not see the (docstring|arguments) of key$"):
        look(faulty.key)


def test_no_docstring_of_a_stand_in_is_taken_for_the_students(load):
    student = load("class Stack:\n    def push(self): pass\n")
    made = student.Stack()
    for each in (student, student.Stack, made, made.push):
        with pytest.raises(CheckError, match="a check does not see the docstring of"):
            bool(each.__doc__)
