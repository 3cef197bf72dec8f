"""A known mistake is named where it alone explains what came back; never on a right answer, never when two fit."""

import contextlib
import os

import pytest
import torch

from autograder.checks.diagnose import Diagnosis
from autograder.checks.mistakes import known_mistakes, variant_text
from autograder.checks.mixtures import mixtures
from autograder.checks.remote import ModuleUnderTest, RemoteModule, StudentModule
from autograder.checks.replays import CheckCalls
from autograder.checks.transport import InProcess
from autograder.checks.variants import Replayer, Variants
from autograder.errors import CatalogError, Raised
from autograder.submissions import Module
from autograder.worker.codec import Handle
from autograder.worker.protocol import Answer
from data import toy_convnet, toy_head

SOLUTION = "def shift(x):\n    return x + 2\n\ndef touch(x):\n    return x + 0\n"
MISTAKES = """
from autograder.diagnose import mistake

@mistake("shift", "Shifts by one.")
def by_one(x):
    return x + 1

@mistake("shift", "Doubles instead.")
def doubles(x):
    return x * 2

@mistake("shift", "Doubles by adding.")
def adds_itself(x):
    return x + x

@mistake("shift", "Cannot cope.")
def crashes(x):
    raise ValueError

@mistake("touch", "Changes its input.")
def changes_input(x):
    x.zero_()
    return x + 0
"""


@pytest.fixture
def files(tmp_path):
    (tmp_path / "mistakes.py").write_text(MISTAKES)
    (tmp_path / "solution.py").write_text(SOLUTION)
    return tmp_path / "mistakes.py", tmp_path / "solution.py"


def test_mistakes_are_read_once_until_the_file_changes(files):
    path = files[0]
    known = known_mistakes(path)
    assert known_mistakes(path) is known
    path.write_text(MISTAKES.replace("by_one", "by_a_single_one"))
    os.utime(path, ns=(0, 1))
    assert known_mistakes(path)[0].name == "by_a_single_one"


def test_a_file_of_mistakes_begins_with_a_mark_or_has_a_sentence(tmp_path):
    path = tmp_path / "mistakes.py"
    path.write_text(MISTAKES, encoding="utf-8-sig")  # as some editors save it
    assert known_mistakes(path)[0].name == "by_one" and "def by_one" in variant_text(
        SOLUTION, path, known_mistakes(path)[0]
    )
    path.write_bytes("# \u00e9\n".encode("latin-1"))
    with pytest.raises(CatalogError, match=r"mistakes\.py is no text in UTF-8; save it again as UTF-8"):
        known_mistakes(path)


def calls_of(code, *inputs, function="shift"):
    unit = Module("unit", "student.py", code)
    submission = StudentModule(ModuleUnderTest(unit, {"unit": unit}, 1.0), InProcess(), 0)
    for value in inputs:
        getattr(submission, function)(torch.tensor(value))
    return submission.calls


def variants(function, mistakes, solution):
    return Variants(function, Module("unit", "unit.py", solution), mistakes, Replayer(1.0))


def named(files, *checks, function="shift", by_value=True, recognised="", passed=(), seconds=10.0):
    """The mistakes named once these checks have failed, and those have passed, each given by its calls."""
    mistakes, solution = files
    diagnosis = Diagnosis(variants(function, mistakes, solution.read_text()))
    for calls in checks:
        diagnosis.add(CheckCalls(calls, by_value=by_value, recognised=recognised))
    for calls in passed:
        diagnosis.add_passed(CheckCalls(calls))
    return " + ".join(known.name for known in diagnosis.mistakes(seconds)) or None


def test_the_text_of_a_mistake_holds_no_other_that_it_does_not_use(tmp_path):
    """Thousands of texts are read by `verify`, and a file has dozens of mistakes."""
    path = tmp_path / "mistakes.py"
    path.write_text(
        "from autograder.diagnose import mistake\n\nEXTRA = 1\n\n\n"
        "@mistake('f', 'It is one too many.')\ndef adds(x):\n    return f(x) + EXTRA\n\n\n"
        "@mistake('f', 'It is twice one too many.')\ndef adds_twice(x):\n    return adds(adds(x))\n\n\n"
        "@mistake('f', 'It is nothing.')\ndef gives_nothing(x):\n    return None\n"
    )
    texts = {known.name: variant_text("def f(x):\n    return x\n", path, known) for known in known_mistakes(path)}
    names = {name: {each for each in texts if f"def {each}(" in text} for name, text in texts.items()}
    assert names == {
        "adds": {"adds"},
        "adds_twice": {"adds", "adds_twice"},
        "gives_nothing": {"gives_nothing"},
    }
    space = {}
    exec(texts["adds"], space)
    assert space["f"] is space["adds"]


def test_mistakes_are_read_in_order(files):
    names = [known.name for known in known_mistakes(files[0])]
    assert names == ["by_one", "doubles", "adds_itself", "crashes", "changes_input"]
    assert known_mistakes(files[0].with_name("none.py")) == ()


def test_the_one_that_fits_is_named(files):
    assert named(files, calls_of("def shift(x):\n    return 1 + x\n", [3.0], [5.0])) == "by_one"


def test_it_must_fit_every_call(files):
    code = "def shift(x):\n    return x + 1 if x[0] == 3 else x\n"
    assert named(files, calls_of(code, [3.0])) == "by_one"
    assert named(files, calls_of(code, [3.0], [5.0])) is None


def test_it_must_fit_every_failed_check(files):
    code = "def shift(x):\n    return x + 1 if x[0] == 3 else x\n"
    assert named(files, calls_of(code, [3.0]), calls_of(code, [5.0])) is None
    assert named(files, calls_of("def shift(x):\n    return x + 1\n", [3.0]), calls_of(code, [3.0])) == "by_one"


def test_an_exception_where_none_belongs_is_named_by_its_words(files):
    def raising(words):
        code = f"def shift(x):\n    raise {words}\n"
        submission = StudentModule(
            ModuleUnderTest(Module("unit", "student.py", code), {"unit": Module("unit", "student.py", code)}, 1.0),
            InProcess(),
            0,
        )
        with pytest.raises(Raised):
            submission.shift(torch.tensor([3.0]))
        return submission.calls

    assert named(files, raising("ValueError")) == "crashes"
    assert named(files, raising("ValueError('x is odd')")) == "refuses_what_is_allowed"
    assert named(files, raising("KeyError('x is odd')")) is None
    assert named(files, raising("TypeError")) is None
    assert named(files, calls_of("def shift(x):\n    return x + 1\n", [3.0]), raising("TypeError")) is None


DETACHED = """
from autograder.diagnose import mistake

@mistake("shift", "Cuts the graph.")
def detached(x):
    return x.detach() + 2
"""


def test_an_answer_cut_off_from_its_gradient_is_another_answer(tmp_path):
    (tmp_path / "mistakes.py").write_text(DETACHED)
    (tmp_path / "solution.py").write_text(SOLUTION)
    files = tmp_path / "mistakes.py", tmp_path / "solution.py"

    def calls(code):
        unit = Module("unit", "student.py", f"def shift(x):\n    return {code}\n")
        submission = StudentModule(ModuleUnderTest(unit, {"unit": unit}, 1.0), InProcess(), 0)
        submission.shift(torch.ones(2, requires_grad=True))
        return submission.calls

    assert named(files, calls("(x + 2).detach()")) == "detached"
    assert named(files, calls("x + 2")) is None
    assert named(files, calls("(x + 3).detach()")) is None


MIXED = """
from autograder.diagnose import mistake

@mistake("shift", "Adds three.")
def adds_three(x):
    return (x + 3) * 2

@mistake("shift", "Forgets to double.")
def forgets_to_double(x):
    return (x + 2) * 1

@mistake("shift", "Subtracts.")
def subtracts(x):
    return (x - 2) * 2
"""


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("x + 3", "adds_three + forgets_to_double"),
        ("(x - 3) * 2", "adds_three + subtracts"),
        ("x * 2 + 6", "adds_three"),
        ("x * 7", None),
        ("x - 3", None),  # three at once
    ],
)
def test_two_mistakes_at_once_are_both_named(tmp_path, code, names):
    (tmp_path / "mistakes.py").write_text(MIXED)
    (tmp_path / "solution.py").write_text("def shift(x):\n    return (x + 2) * 2\n")
    calls = calls_of(f"def shift(x):\n    return {code}\n", [5.0], [7.0])
    assert named((tmp_path / "mistakes.py", tmp_path / "solution.py"), calls) == names


def test_two_mistakes_are_merged_on_a_helper_that_has_the_right_thing_in_their_words(tmp_path):
    """The right function of the other file is written otherwise: neither mistake can be merged on it."""
    guard = "    _check(x)\n"
    (tmp_path / "mistakes.py").write_text(
        "from autograder.diagnose import mistake\n\ndef _check(x):\n    pass\n\n"
        "def _right(x):\n    return x.cos().sum() + x.sin().sum()\n\n"
        f'@mistake("shift", "One half.")\ndef one_half(x):\n{guard}    return x.sin().sum()\n\n'
        f'@mistake("shift", "Means.")\ndef means(x):\n{guard}    return x.cos().mean() + x.sin().mean()\n'
    )
    (tmp_path / "solution.py").write_text("def shift(x):\n    a, b = x.cos(), x.sin()\n    return a.sum() + b.sum()\n")
    calls = calls_of("def shift(x):\n    return x.sin().mean()\n", [1.0, 2.0], [3.0, 4.0])
    assert named((tmp_path / "mistakes.py", tmp_path / "solution.py"), calls) == "one_half + means"


def test_a_merge_that_gives_a_function_arguments_of_another_is_no_mixture():
    wrong = (
        "def _right(x):\n    return x.sum()\n\n"
        "def keeps(x):\n    return torch.sum(x, dim=1)\n\n"
        "def halves(x):\n    return _right(x / 2)\n"
    )
    solution = "import torch\n\ndef shift(x):\n    return torch.sum(x)\n"
    assert mixtures(solution, wrong, "shift", ("keeps", "halves")) == {}
    fitting = wrong.replace("_right(x / 2)", "torch.sum(x / 2)")
    (text,) = mixtures(solution, fitting, "shift", ("keeps", "halves")).values()
    assert "torch.sum(x / 2, dim=1)" in text


def test_a_mistake_that_the_check_recognises_is_named_whatever_is_drawn(files):
    drawn = calls_of("import random\n\ndef shift(x):\n    return x * random.random()\n", [3.0])
    assert named(files, drawn) is None
    assert named(files, drawn, recognised="doubles") == "doubles"
    assert named(files, drawn, recognised="nothing of this course") is None


def test_what_a_check_recognises_must_fit_the_other_checks(files):
    assert named(files, calls_of("def shift(x):\n    return x + 1\n", [3.0])) == "by_one"
    mistakes, solution = files
    diagnosis = Diagnosis(variants("shift", mistakes, solution.read_text()))
    diagnosis.add(CheckCalls(calls_of("def shift(x):\n    return x + 1\n", [3.0])))
    diagnosis.add(CheckCalls((), recognised="doubles"))
    assert diagnosis.mistakes() == ()


def test_none_is_named_when_two_fit(files):
    assert named(files, calls_of("def shift(x):\n    return x * 2.0\n", [3.0])) is None


def test_a_right_answer_is_no_mistake(files):
    assert named(files, calls_of("def shift(x):\n    return x + 2\n", [3.0])) is None


def test_a_mistake_that_does_not_show_is_not_named(files):
    # At 2 doubling is right.
    assert named(files, calls_of("def shift(x):\n    return x + 2\n", [2.0])) is None


def test_another_wrong_answer_is_no_known_mistake(files):
    assert named(files, calls_of("def shift(x):\n    return x + 7\n", [3.0])) is None


def test_side_effects_are_held_against_side_effects(files):
    calls = calls_of("def touch(x):\n    x += 1\n    return x - 1\n", [3.0], function="touch")
    assert named(files, calls, function="touch", by_value=False) == "changes_input"
    assert named(files, calls, function="touch", by_value=True) == "changes_x"


TOUCHES = """
from autograder.diagnose import mistake

@mistake("touch", "Clears its input.")
def clears(x):
    x.zero_()
    return x + 0

@mistake("touch", "Clears its input, after it has been copied.")
def copies_first(x):
    before = x.clone()
    x.zero_()
    return before
"""


def test_of_two_with_the_same_side_effects_the_one_with_the_same_value_is_named(tmp_path):
    (tmp_path / "mistakes.py").write_text(TOUCHES)
    (tmp_path / "solution.py").write_text(SOLUTION)
    files = tmp_path / "mistakes.py", tmp_path / "solution.py"
    late = calls_of("def touch(x):\n    x *= 0\n    return x\n", [3.0], function="touch")
    assert named(files, late, function="touch", by_value=False) == "clears"
    early = calls_of("def touch(x):\n    y = x * 1\n    x *= 0\n    return y\n", [3.0], function="touch")
    assert named(files, early, function="touch", by_value=False) == "copies_first"
    neither = calls_of("def touch(x):\n    x *= 0\n    return x + 7\n", [3.0], function="touch")
    assert named(files, neither, function="touch", by_value=False) == "changes_x"  # which both of them do


def test_after_the_time_a_side_effect_is_named_if_it_alone_is_wrong(files):
    calls = calls_of("def touch(x):\n    x += 1\n    return x - 1\n", [3.0], function="touch")
    assert named(files, calls, function="touch", by_value=False, seconds=0.0) == "changes_x"
    assert named(files, calls, function="touch", by_value=True, seconds=0.0) is None


GROUPS = """
from autograder.diagnose import mistake

@mistake("groups", "The rates are swapped.")
def swaps(x):
    return [{"params": [x], "lr": 2.0}, {"params": [-x], "lr": 1.0}]

@mistake("groups", "A group is empty.")
def keeps_an_empty_one(x):
    return [{"params": [x], "lr": 1.0}, {"params": [-x], "lr": 2.0}, {"params": [], "lr": 3.0}]
"""


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        ("[{'lr': 1.0, 'params': [-x], 'weight_decay': 0}, {'lr': 2.0, 'params': [x]}]", "swaps"),
        ("[{'params': [], 'lr': 3.0}, {'params': (-x,), 'lr': 2}, {'params': [x], 'lr': 1}]", "keeps_an_empty_one"),
        ("[{'params': [-x], 'lr': 1.0}, {'params': [x], 'lr': 4.0}]", None),
        ("[{'params': [-x], 'lr': 2.0}, {'params': [x], 'lr': 1.0}]", None),
        ("[{'params': x, 'lr': 2.0}, {'params': [-x], 'lr': 1.0}]", None),
    ],
)
def test_groups_of_an_optimizer_are_the_same_in_any_order(tmp_path, answer, name):
    (tmp_path / "mistakes.py").write_text(GROUPS)
    (tmp_path / "solution.py").write_text(
        "def groups(x):\n    return [{'params': [x], 'lr': 1.0}, {'params': [-x], 'lr': 2.0}]\n"
    )
    files = tmp_path / "mistakes.py", tmp_path / "solution.py"
    calls = calls_of(f"def groups(x):\n    return {answer}\n", [3.0], function="groups")
    assert named(files, calls, function="groups") == name


def test_calls_that_cannot_be_replayed_are_not_diagnosed(files):
    calls = calls_of("def shift(x):\n    return 1 + x\n", [3.0])
    remote = RemoteModule(None, Handle(0, "Linear"))
    assert named(files, [calls[0].__class__("shift", (remote,), {}, answer=Answer(1.0))]) is None


MODULES = {
    "solution.py": """
from torch import nn

def make():
    return nn.Linear(3, 2)

def train(head):
    nn.init.ones_(head.weight)

def passed(head):
    return head
""",
    "mistakes.py": """
import copy
import torch
from torch import nn
from autograder.diagnose import mistake

@mistake("make", "Ends in a softmax.")
def softmax():
    return nn.Sequential(nn.Linear(3, 2), nn.Softmax(1))

@mistake("make", "Ends in a sigmoid.")
def sigmoid():
    return nn.Sequential(nn.Linear(3, 2), nn.Sigmoid())

@mistake("train", "Sets zeros.")
def zeros(head):
    nn.init.zeros_(head.weight)

@mistake("train", "Trains a copy.")
def trains_a_copy(head):
    nn.init.ones_(copy.deepcopy(head).weight)

@mistake("passed", "Returns a copy.")
def copies(head):
    return copy.deepcopy(head)
""",
}
IMPORTS = "import copy\nimport torch\nfrom torch import nn\n"


def explained(tmp_path, code, check):
    """The mistake named where a check makes these calls of a submission."""
    for name, text in MODULES.items():
        (tmp_path / name).write_text(text)
    unit = Module("unit", "student.py", IMPORTS + code)
    submission = StudentModule(ModuleUnderTest(unit, {"unit": unit}, 1.0), InProcess(), 7)
    check(submission)
    solution = (tmp_path / "solution.py").read_text()
    diagnosis = Diagnosis(variants(submission.calls[0].function, tmp_path / "mistakes.py", solution))
    diagnosis.add(CheckCalls(submission.calls, submission.seed))
    return " + ".join(known.name for known in diagnosis.mistakes()) or None


def calls_what_is_made(submission):
    submission.make()(torch.ones(4, 3))


@pytest.mark.parametrize(
    ("made", "name"),
    [
        ("nn.Sequential(nn.Linear(3, 2), nn.Softmax(1))", "softmax"),
        ("nn.Sequential(nn.Linear(3, 2), nn.Sigmoid())", "sigmoid"),
        ("nn.Sequential(nn.Linear(3, 2), nn.Tanh())", None),
        ("nn.Sequential(nn.Linear(3, 2))", None),
    ],
)
def test_a_module_that_was_made_is_judged_by_what_it_gives(tmp_path, made, name):
    assert explained(tmp_path, f"def make():\n    return {made}\n", calls_what_is_made) == name


@pytest.mark.parametrize(
    ("body", "name"),
    [("head.weight.data.zero_()", "zeros"), ("pass", "trains_a_copy"), ("head.weight.data.fill_(5)", None)],
)
def test_a_module_that_was_sent_is_judged_by_what_it_gives_afterwards(tmp_path, body, name):
    def check(submission):
        head = submission.send(toy_head(3, 2))
        submission.train(head)
        head(torch.ones(1, 3))

    assert explained(tmp_path, f"def train(head):\n    {body}\n", check) == name


def test_a_copy_of_a_module_is_told_from_the_module(tmp_path):
    def check(submission):
        submission.passed(submission.send(toy_head(3, 2)))

    assert explained(tmp_path, "def passed(head):\n    return copy.deepcopy(head)\n", check) == "copies"
    assert explained(tmp_path, "def passed(head):\n    return head\n", check) is None


ANY_MODE = """
from autograder.diagnose import mistake

@mistake("forward", "Runs in any mode.")
def runs_in_any_mode(network, x):
    return network(x)
"""


def lose_the_last_weights(network):
    for parameter in network.head.parameters():
        parameter.data.zero_()


@pytest.mark.parametrize("change", [torch.nn.Module.eval, lose_the_last_weights])
def test_a_module_is_replayed_as_it_was_at_each_call(tmp_path, change):
    """A check may give the same module to several calls, and change it in between."""
    (tmp_path / "mistakes.py").write_text(ANY_MODE)
    (tmp_path / "solution.py").write_text("def forward(network, x):\n    return network.eval()(x)\n")
    unit = Module("unit", "student.py", "def forward(network, x):\n    return network(x)\n")
    submission = StudentModule(ModuleUnderTest(unit, {"unit": unit}, 1.0), InProcess(), 0)
    network, x = toy_convnet().train(), torch.rand(2, 3, 8, 8)
    submission.forward(network, x)
    change(network)
    submission.forward(network, x)
    files = tmp_path / "mistakes.py", tmp_path / "solution.py"
    assert named(files, submission.calls, function="forward") == "runs_in_any_mode"


GUARDS = """
from autograder.diagnose import mistake

@mistake("root", "Trusts what is large.")
def trusts_what_is_large(x):
    if x < 0:
        raise ValueError("x")
    return x ** 0.5

@mistake("root", "Trusts everything.")
def trusts_everything(x):
    return abs(x) ** 0.5
"""


def tried(code, function, *inputs):
    """Calls with plain numbers, some of which raise."""
    unit = Module("unit", "student.py", code)
    submission = StudentModule(ModuleUnderTest(unit, {"unit": unit}, 1.0), InProcess(), 0)
    for value in inputs:
        with contextlib.suppress(Raised):
            getattr(submission, function)(value)
    return submission.calls


def test_a_check_that_passed_tells_two_mistakes_apart(tmp_path):
    (tmp_path / "mistakes.py").write_text(GUARDS)
    (tmp_path / "solution.py").write_text(
        "def root(x):\n    if x < 0 or x > 9:\n        raise ValueError('x')\n    return x ** 0.5\n"
    )
    files = tmp_path / "mistakes.py", tmp_path / "solution.py"
    code = "def root(x):\n    if x < 0:\n        raise ValueError('no such x')\n    return x ** 0.5\n"
    failed, passed = tried(code, "root", 16.0), tried(code, "root", -4.0, 4.0)
    assert named(files, failed, function="root") is None
    assert named(files, failed, function="root", passed=[passed]) == "trusts_what_is_large"


def test_a_check_that_passed_contradicts_a_mistake(files):
    code = "def shift(x):\n    return x + 1 if x[0] == 3 else x + 2\n"
    assert named(files, calls_of(code, [3.0])) == "by_one"
    assert named(files, calls_of(code, [3.0]), passed=[calls_of(code, [5.0])]) is None


def test_where_the_right_answer_is_another_too_a_check_that_passed_contradicts_nothing(files):
    """A check that draws numbers passes with other ones than the solution's."""
    code = "def shift(x):\n    return x + 1 if x[0] == 3 else x + 7\n"
    assert named(files, calls_of(code, [3.0]), passed=[calls_of(code, [5.0])]) == "by_one"


def test_nothing_is_named_after_the_time(files):
    failed = calls_of("def shift(x):\n    return 1 + x\n", [3.0])
    assert named(files, failed, seconds=0.0) is None
    assert named(files, failed) == "by_one"


STEPS = """
from autograder.diagnose import mistake

@mistake("step", "Two at a time.")
def too_long(x):
    y = x + 2
    return y.clamp(0, 5)

@mistake("step", "Ends anywhere.")
def forgets_to_clamp(x):
    y = x + 1
    return y
"""


def test_two_mistakes_are_named_where_each_alone_would_not_show_so(tmp_path):
    """The missing clamp shows only because the step is too long."""
    (tmp_path / "mistakes.py").write_text(STEPS)
    (tmp_path / "solution.py").write_text("def step(x):\n    y = x + 1\n    return y.clamp(0, 5)\n")
    calls = calls_of("def step(x):\n    return x + 2\n", [3.5], function="step")
    files = tmp_path / "mistakes.py", tmp_path / "solution.py"
    assert named(files, calls, function="step") == "too_long + forgets_to_clamp"


PROGRAM = "def main():\n    {}\n\nif __name__ == '__main__':\n    main()\n"
SHOUTS = """
from autograder.diagnose import mistake

@mistake("main", "Shouts.")
def shouts():
    print("HELLO")

@mistake("main", "Says it twice.")
def repeats():
    print("hello")
    print("hello")
"""


@pytest.mark.parametrize(("line", "name"), [("print('HELLO')", "shouts"), ("print('good bye')", None)])
def test_of_a_program_only_a_mistake_that_prints_the_same_is_named(tmp_path, line, name):
    (tmp_path / "mistakes.py").write_text(SHOUTS)
    (tmp_path / "solution.py").write_text(PROGRAM.format("print('hello')"))
    unit = Module("unit", "student.py", PROGRAM.format(line))
    submission = StudentModule(ModuleUnderTest(unit, {"unit": unit}, 1.0), InProcess(), 0)
    submission.run()
    files = tmp_path / "mistakes.py", tmp_path / "solution.py"
    assert named(files, submission.calls, function="main") == name
