"""Plain values, objects, functions that are handed over, and programs: the same in this process and across the sandbox."""

import collections
import contextlib
import copy
import dataclasses
import datetime
import gc
import logging
import sys
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from autograder.checks.remote import ModuleUnderTest, StudentModule
from autograder.checks.transport import InProcess
from autograder.compare import assert_close, assert_equal
from autograder.errors import CheckError, CheckFailed, Crashed, MissingFunction, NotWritten, Raised, TimedOut
from autograder.submissions import Module

STUDENT = """
import collections, csv, dataclasses, math, operator, sys
from pathlib import Path

Point = collections.namedtuple("Point", "x y")

@dataclasses.dataclass
class Span:
    start: int
    end: int = 0

    def length(self):
        return self.end - self.start

    def extend(self):
        self.end += 1

class Stump:
    kinds = 0

    def __init__(self, max_depth=1):
        self.max_depth = max_depth
        self.seen = []

    def fit(self, *rows):
        self.seen += rows
        return self

    def predict(self, row):
        return row in self.seen

    def grow(self):
        raise NotImplementedError("grow")

    @classmethod
    def deep(cls):
        return cls(9)

    def __len__(self):
        return len(self.seen)

    def __getitem__(self, place):
        return self.seen[place]

    def __iter__(self):
        return iter(self.seen)

    def __eq__(self, other):
        return isinstance(other, Stump) and self.seen == other.seen

    def __add__(self, other):
        return Stump(self.max_depth + other)

    def __repr__(self):
        return f"Stump of {self.max_depth}"

@dataclasses.dataclass
class Node:
    value: int
    rest: "Node | None" = None

def chain(count):
    node = None
    for value in reversed(range(count)):
        node = Node(value, node)
    return node

def ring():
    node = Node(0)
    node.rest = Node(1, node)
    return node

def length(node):
    return 0 if node is None else 1 + length(node.rest)

def same(value):
    return value

def middle(one, other):
    return Point((one.x + other.x) / 2, (one.y + other.y) / 2)

def longer(span):
    return Span(span.start, span.end + 1)

def names(value):
    return type(value).__name__

def depth_of(stump):
    return stump.max_depth

def apply(function, *values):
    return function(*values)
def operation(name):
    every = {"+": operator.add, "root": math.sqrt, "second": operator.itemgetter(1), "upper": "abc".upper}
    return every[name]

def without_a_call(values):
    return values.copy

def careful(function):
    try:
        return function("a")
    except TypeError as error:
        return f"{type(error).__name__}"

def endless(function):
    while True:
        function(1)

def count(start):
    while True:
        yield start
        start += 1

def greet(name):
    print("Hello", name)

def greet_in_bytes(name):
    print("Hello", end=" ", flush=True)
    sys.stdout.buffer.write(f"{name}!".encode())
    sys.stdout.buffer.flush()

def encoding():
    return sys.stdout.encoding.lower().replace("-", ""), type(sys.stdout.errors).__name__

def fail_twice():
    raise ExceptionGroup("two", [ValueError("a"), KeyError("b")])

def main():
    if "--fail" in sys.argv:
        raise KeyError("odd")
    if "--unwritten" in sys.argv:
        raise NotImplementedError("main")
    if "--end" in sys.argv:
        sys.exit("bad end")
    total = sum(int(input("? ")) for _ in range(2))
    print(f"total {total}", file=sys.stderr)
    with open("out.csv", "w", newline="") as file:
        csv.writer(file).writerow([total, Path("in.txt").read_text().strip(), Path("out.txt").exists()])
    print(total)

if __name__ == "__main__":
    main()
"""


@dataclasses.dataclass
class Span:
    start: int
    end: int


Point = collections.namedtuple("Point", "x y")


@pytest.fixture(params=["in process", "sandboxed"])
def submitted(request):
    """Make the student's module of a text."""
    with contextlib.ExitStack() as stack:
        if request.param == "sandboxed":
            transport = stack.enter_context(request.getfixturevalue("sandbox").worker())
        else:
            transport = InProcess()

        def submitted(text):
            module = Module("trees", "trees.py", text)
            return StudentModule(ModuleUnderTest(module, {"trees": module}, 2.0), transport, 3)

        yield submitted


@pytest.fixture
def student(submitted):
    return submitted(STUDENT)


VALUES = [
    *({1, "a", (2, 3)}, frozenset({0.5}), collections.Counter("abca"), collections.OrderedDict(b=1, a=2)),
    *(collections.defaultdict(list, {(1, 2): [3]}), collections.deque([1, 2], 5), Fraction(1, 3), Decimal("1.50")),
    *(2 - 1j, datetime.date(2026, 2, 28), datetime.datetime(2026, 2, 28, 1, tzinfo=datetime.UTC), range(9, 1, -3)),
    *(datetime.time(1, 2), datetime.timedelta(1, 2, 3), b"bytes", bytearray(b"more"), {(1, "a"): {2}, None: 0}),
    np.array([["a", "bc"], ["", "ü"]]),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_plain_values_cross_both_ways(value):
    module = Module("trees", "trees.py", STUDENT)
    submission = StudentModule(ModuleUnderTest(module, {"trees": module}, 2.0), InProcess(), 3)
    assert_equal(submission.same(value), value)
    assert submission.names(value) == type(value).__name__


def test_a_named_tuple_and_a_dataclass_are_data(student):
    assert_close(student.middle(Point(0, 1), Point(1, 2)), Point(0.5, 1.5))
    x, y = student.middle(Point(0, 1), Point(1, 2))
    assert (x, y) == (0.5, 1.5) == student.last.value
    assert student.longer(Span(1, 2)).end == 3
    with pytest.raises(CheckFailed, match=r"returned 3 in \.end, expected 4"):
        assert_equal(student.longer(Span(1, 2)), Span(1, 4))


@dataclasses.dataclass
class Node:
    value: int
    rest: "Node | None" = None


def chain(count):
    node = None
    for value in reversed(range(count)):
        node = Node(value, node)
    return node


def test_a_long_chain_of_dataclasses_stays_with_the_worker(student):
    found = student.chain(50)
    assert (found.value, found.rest.rest.value, student.length(found), student.length(found.rest)) == (0, 2, 50, 49)
    assert_equal(found, chain(50))
    with pytest.raises(CheckFailed, match=r"returned None in \.rest"):
        assert_equal(found, chain(51))
    assert student.ring().rest.rest.rest.value == 1


def test_an_object_stays_with_the_worker(student):
    stump = student.Stump(max_depth=2)
    assert stump.max_depth == 2
    assert stump.fit("a", "b").predict("a") is True
    assert (len(stump), stump[1], list(stump), "b" in stump, repr(stump)) == (2, "b", ["a", "b"], True, "Stump of 2")
    assert stump == student.Stump().fit("a", "b")
    assert (stump + 3).max_depth == 5
    assert student.depth_of(stump) == 2
    assert student.Stump.fit(stump, "c")[2] == "c"
    assert student.Stump.deep().max_depth == 9
    stump.max_depth = 7
    assert student.depth_of(stump) == 7
    assert student.Span(1, 4).length() == 3


def test_an_object_without_items_is_iterated_over(student):
    assert list(student.Stump()) == []


def test_a_copy_of_a_record_keeps_the_values_of_its_fields(student):
    span = student.longer(Span(1, 2))
    before = copy.deepcopy(span)
    span.extend()
    assert (before.end, span.end) == (3, 4)
    assert copy.copy(student.middle(Point(0, 1), Point(1, 2))) == Point(0.5, 1.5)


def test_calls_of_methods_are_told_as_they_are_written(student):
    stump = student.Stump(max_depth=2)
    stump.predict(1)
    assert str(student.last) == "Stump(max_depth=2).predict(1)"
    with pytest.raises(NotWritten):
        stump.grow()
    with pytest.raises(MissingFunction, match=r"Stump of trees\.py has no predicts; rename predict"):
        stump.predicts(1)
    with pytest.raises(Raised, match="list index out of range") as caught:
        stump[5]
    assert caught.value.sentence.startswith("Stump(max_depth=2)[5] raised IndexError: list index out of range")
    with pytest.raises(MissingFunction, match=r"has no class Forest; write class Forest:"):
        student.Forest()


def test_an_iterator_is_asked_item_by_item(student):
    numbers = student.count(3)
    assert [next(numbers), next(numbers), next(numbers)] == [3, 4, 5]


def test_a_function_of_a_library_is_returned_as_one_of_its_own_is(student):
    assert student.operation("+")(1, 2) == 3
    assert student.operation("root")(4) == 2.0
    assert student.operation("second")([1, 2]) == 2
    assert student.operation("upper")() == "ABC"
    assert student.apply(student.operation("+"), 3, 4) == 7


def test_of_a_method_that_is_returned_in_place_of_its_value_is_told_what_is_missing(student):
    with pytest.raises(CheckFailed, match=r"^returned a function, expected what it gives: call it, with \(\)$"):
        assert_equal(student.without_a_call([1]), [1])


def test_a_function_of_the_check_is_called_back(student):
    seen = []
    assert student.apply(lambda x: seen.append(x) or x + 1, 2) == 3
    assert seen == [2]
    assert student.apply(len, "ab") == 2
    assert student.apply(student.same, "own") == "own"
    assert student.apply(student.Stump().fit(4).predict, 4) is True
    assert student.careful(lambda x: x + 1) == "TypeError"


def test_a_function_of_the_check_may_fail_the_check(student):
    with pytest.raises(CheckFailed, match="returned 1, expected 2"):
        student.apply(lambda x: assert_equal(x, 2), 1)


def test_a_function_of_the_check_counts_within_the_limit_of_the_call():
    module = Module("trees", "trees.py", STUDENT)
    submission = StudentModule(ModuleUnderTest(module, {"trees": module}, 0.2), InProcess(), 3)
    with pytest.raises(TimedOut):
        submission.endless(abs)


def test_a_worker_that_asks_for_another_function_is_told_apart(sandbox):
    text = "def ask(function):\n    function.__closure__[0].cell_contents.__init__(7, 'f')\n    return function(1)\n"
    text = text.replace("function.__closure__[0].cell_contents.__init__(7, 'f')", "_forge(function)")
    text += (
        "def _forge(function):\n    for cell in function.__closure__:\n"
        "        if type(cell.cell_contents).__name__ == 'Callback':\n"
        "            object.__setattr__(cell.cell_contents, 'number', 7)\n"
    )
    module = Module("trees", "trees.py", text)
    with sandbox.worker() as worker, pytest.raises(Crashed, match="a function that it does not have"):
        StudentModule(ModuleUnderTest(module, {"trees": module}, 2.0), worker, 3).ask(abs)


def test_what_a_function_prints_is_known(student):
    assert student.greet("Ann") is None
    assert_equal(student.printed, "Hello Ann\n")
    with pytest.raises(CheckFailed, match=r"^printed 'Hello Ann\\n', expected 'Hi Ann\\n'$"):
        assert_equal(student.printed, "Hi Ann\n")


def test_bytes_that_a_function_prints_are_known(student):
    student.greet_in_bytes("Zoë")
    assert student.printed == "Hello Zoë!"


def test_a_function_knows_how_its_output_is_encoded(student):
    assert student.encoding() == ("utf8", "str")


def test_a_group_of_exceptions_is_told(student):
    with pytest.raises(Raised, match=r"two \(2 sub-exceptions\)") as caught:
        student.fail_twice()
    assert caught.value.sentence.startswith("fail_twice() raised ExceptionGroup: two (2 sub-exceptions) (trees.py:")


def test_a_program_is_run(student):
    program = student.run(stdin="2\n3\n", files={"in.txt": "text\n"})
    assert (program.output, program.error, program.exit_code) == ("? ? 5\n", "total 5\n", 0)
    assert program.files == {"out.csv": "5,text,False\r\n"}
    assert student.same(4) == 4


def test_a_program_ends_as_it_would_on_its_own(student):
    assert student.run(args=["--end"]).exit_code == 1
    assert student.run(args=["--end"]).error == "bad end\n"
    failed = student.run(args=["--fail"])
    assert failed.exit_code == 1
    assert failed.error.startswith("Traceback (most recent call last):\n  File ")
    assert failed.error.endswith("KeyError: 'odd'\n")
    assert "programs.py" not in failed.error
    assert "EOFError" in student.run(stdin="2\n").error
    with pytest.raises(NotWritten):
        student.run(args=["--unwritten"])


def test_a_program_finds_itself_in_its_folder(submitted):
    program = submitted("print(open(__file__).readline() + open('trees.py').readline())  # itself").run()
    assert program.output == 2 * "print(open(__file__).readline() + open('trees.py').readline())  # itself" + "\n"
    assert program.files == {}


@pytest.mark.parametrize(
    ("lines", "output"),
    [
        ("sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding='utf-8')\nprint('ü')", "ü\n"),
        ("sys.stdout = io.TextIOWrapper(sys.stdout.detach())\nprint('u')", "u\n"),
        ("out = io.TextIOWrapper(sys.stdout.buffer)\nprint('u', file=out)", "u\n"),
        ("print('u')\nsys.stdout.close()", "u\n"),
    ],
)
def test_a_program_may_wrap_or_close_its_output(submitted, lines, output):
    student = submitted(f"import io, sys\n{lines}")
    assert (student.run().output, student.run().exit_code) == (output, 0)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # from Python 3.13 on its end is told of
def test_a_stream_that_exits_when_it_is_flushed_ends_no_call(submitted):
    lines = "class Stream(io.RawIOBase):\n    def flush(self):\n        raise SystemExit(3)\n"
    assert submitted(f"import io\n{lines}stream = Stream()\nprint('u')").run().output == "u\n"
    gc.collect()


def test_a_program_that_prints_after_closing_its_output_fails_as_elsewhere(submitted):
    program = submitted("import sys\nsys.stdout.close()\nprint('u')").run()
    assert program.exit_code == 1 and program.error.endswith("ValueError: I/O operation on closed file.\n")


@pytest.mark.parametrize(
    "lines",
    [
        "logging.basicConfig(level=logging.INFO, format='%(message)s', stream=sys.stdout)\nlogging.info('hello')",
        "log = logging.getLogger('a')\nlog.addHandler(logging.StreamHandler(sys.stdout))\nlog.warning('hello')",
        "logging.config.dictConfig({'version': 1})\nlog = logging.getLogger('b')\n"
        "log.addHandler(logging.StreamHandler(sys.stdout))\nlog.warning('hello')",
        "logging.basicConfig(format='%(message)s', stream=sys.stdout)\nlogging.warning('hello')\n"
        "logging.disable(logging.CRITICAL)\nlogging.root.addFilter(lambda record: False)",
    ],
)
def test_a_program_sets_up_its_logging_in_each_run_anew(submitted, lines):
    student = submitted(f"import logging, logging.config, sys\n{lines}")
    before = logging.root.handlers[:]
    assert [student.run().output for _ in range(3)] == ["hello\n"] * 3
    assert logging.root.handlers == before


def test_a_library_that_a_program_has_imported_stays_imported(monkeypatch):
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    module = Module("trees", "trees.py", "import colorsys")
    assert StudentModule(ModuleUnderTest(module, {"trees": module}, 2.0), InProcess(), 3).run().exit_code == 0
    assert "colorsys" in sys.modules


def test_a_value_that_a_check_passes_wrongly_is_its_own_fault(student):
    with pytest.raises(CheckError, match=r"the check passes a dict with a .*Stranger as a key to same"):
        student.same({Stranger(): 1})
    student.same(1)
    with pytest.raises(CheckFailed, match="the check passes"):
        student.same({Stranger(): 1})


class Stranger:
    pass


def test_an_exception_that_carries_long_lists_is_told_without_them(submitted):
    text = (
        "class Bad(ValueError):\n    def __init__(self, values):\n        super().__init__(values)\n"
        "        self.values = values\n\n\ndef fail():\n    raise Bad(list(range(30000)))\n"
    )
    with pytest.raises(Raised, match=r"^\[0, 1, 2"):
        submitted(text).fail()


@pytest.mark.parametrize("name", ["load", "state"])
def test_a_function_that_is_missing_is_none_of_the_modules_own(submitted, name):
    with pytest.raises(MissingFunction):
        getattr(submitted("def other():\n    return 1\n"), name)()
