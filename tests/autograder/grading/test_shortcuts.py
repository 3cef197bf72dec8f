"""Nothing for nothing: what does not do the work of a function earns no point of it."""

from pathlib import Path

import pytest

from autograder.checks.mistakes import known_mistakes
from autograder.course.catalog import read_catalog
from autograder.grading.grade import Grader
from autograder.grading.session import Observer
from autograder.grading.spec import GradingSpec
from autograder.results.types import Outcome

ROOT = Path(__file__).parents[3]
CATALOG = read_catalog(ROOT)
FILES = sorted((ROOT / "solutions" / "shortcuts").glob("*.py"))
#: The others take seconds each: they wait for the slow run.
QUICK = ("variation_loss",)
SHORTCUTS = [(path, known) for path in FILES for known in known_mistakes(path)]
MARK = "from autograder.diagnose import mistake\n"
UNMARKED = "def mistake(*_):\n    return lambda function: function\n"

# What comes back for whatever is asked, made of what the solution gives, so that it is of the right kind.
NOTHINGS = {
    "none": "None",
    "the first argument": "(*args, *kwargs.values())[0]",
    "zeros": "filled(right(*args, **kwargs), 0)",
    "ones": "filled(right(*args, **kwargs), 1)",
    "empty": "emptied(right(*args, **kwargs))",
    "random": "by_lot(right(*args, **kwargs))",
    "an error": "fail(ValueError('images filename split fraction k'))",
}
NOTHING = """
import copy, random, torch
from pathlib import Path
from torch import nn

def each(value, leaf):
    if isinstance(value, (list, tuple)):
        return type(value)(each(item, leaf) for item in value)
    return leaf(value)

def filled(value, number):
    def leaf(item):
        if isinstance(item, torch.Tensor):
            return torch.full_like(item, number).detach()
        if isinstance(item, Path):
            return item.with_name(str(number))
        return untrained(item) if isinstance(item, nn.Module) else type(item)(number)
    return each(value, leaf)

def emptied(value):
    def leaf(item):
        if isinstance(item, torch.Tensor):
            return item[:0].detach() if item.dim() else 0 * item.detach()
        return untrained(item) if isinstance(item, nn.Module) else type(item)()
    return type(value)() if isinstance(value, list) else each(value, leaf)

def by_lot(value):
    def leaf(item):
        if isinstance(item, torch.Tensor):
            drawn = torch.rand(item.shape, dtype=torch.float64)
            return (drawn if item.is_floating_point() else 3 * drawn).to(item.dtype)
        if isinstance(item, Path):
            return item.with_name(random.choice("abc"))
        if isinstance(item, nn.Module):
            return untrained(item)
        return type(item)(random.random() if isinstance(item, float) else random.randint(0, 9))
    return each(value, leaf)

def untrained(model):
    for layer in model.head.modules():
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
    return model

def fail(error):
    raise error

def copied(value):
    return copy.deepcopy(value) if isinstance(value, nn.Module) else value

def doing_nothing(solution):
    def right(*args, **kwargs):
        # What the solution gives, without what it does to a model that it is given.
        return solution(*map(copied, args), **{name: copied(value) for name, value in kwargs.items()})

    def function(*args, **kwargs):
        return RESULT
    return function
"""


class PointsOnly(Observer):
    named = False


def earned(unit, text, sandbox, folder, *, seed="a", functions=frozenset()):
    """The points of the checks for a module, by check, without those that earned nothing."""
    (folder / f"{unit}.py").write_text(text, encoding="utf-8")
    spec = GradingSpec(CATALOG, units=(unit,), seed=seed, functions=functions)
    checks = Grader(spec, sandbox, PointsOnly()).grade_path(folder).checks
    assert checks
    return {check.id: check.points for check in checks if check.points}


def shortcut_earns(path, known, sandbox, folder, seed):
    code = path.read_text(encoding="utf-8").replace(MARK, UNMARKED)
    text = f"{CATALOG.solution(path.stem).read_text(encoding='utf-8')}\n{code}\n{known.function} = {known.name}\n"
    return earned(path.stem, text, sandbox, folder, seed=seed, functions=frozenset({known.function}))


@pytest.mark.slow
@pytest.mark.parametrize(("path", "known"), SHORTCUTS, ids=lambda value: getattr(value, "name", value))
def test_a_shortcut_earns_nothing_on_ten_seeds(path, known, sandbox, tmp_path):
    assert [shortcut_earns(path, known, sandbox, tmp_path, f"seed {i}") for i in range(10)] == [{}] * 10


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_there_are_two_shortcuts_for_each_outcome(path):
    functions = [known.function for known in known_mistakes(path)]
    outcomes = [function.name for function in CATALOG.units[path.stem].functions.values() if function.outcome]
    assert all(functions.count(name) >= 2 for name in outcomes)


@pytest.mark.parametrize(
    "nothing", [name if name == "ones" else pytest.param(name, marks=pytest.mark.slow) for name in NOTHINGS]
)
@pytest.mark.parametrize(
    "unit", [path.stem if path.stem in QUICK else pytest.param(path.stem, marks=pytest.mark.slow) for path in FILES]
)
def test_nothing_earns_nothing(unit, nothing, sandbox, tmp_path):
    solution = CATALOG.solution(unit).read_text(encoding="utf-8")
    functions = CATALOG.units[unit].functions
    lines = [f"_right = {{}}\nexec(compile({solution!r}, 'solution', 'exec'), _right)"]
    lines += [f"{name} = doing_nothing(_right[{name!r}])" for name in functions]
    text = NOTHING.replace("RESULT", NOTHINGS[nothing]) + "\n".join(lines) + "\n"
    assert earned(unit, text, sandbox, tmp_path) == {}


# Mistakes that give the right numbers: no comparison of values can name them, and yet a check fails that the student has.
RIGHT_NUMBERS = [
    ("variation_loss", "total_variation", "lambda images: right(images).detach()"),
    ("variation_loss", "isotropic_variation", "lambda images, eps=1e-8: right(images, eps).detach()"),
    ("variation_loss", "variation_loss", "lambda images: right(images).detach()"),
    ("ideal_image", "class_loss", "lambda *args: right(*args).detach()"),
    ("ideal_image", "ideal_loss", "lambda *args: right(*args).detach()"),
    ("adversarial_attack", "project", "lambda images, *args: right(images, *args) + 0 * images"),
]


@pytest.mark.parametrize(
    ("unit", "function", "wrong"),
    [pytest.param(*each, marks=[pytest.mark.slow] if each[0] == "ideal_image" else []) for each in RIGHT_NUMBERS],
    ids=lambda value: value.partition(" ")[0],
)
def test_a_gradient_lost_or_left_is_seen_by_the_student(unit, function, wrong, sandbox, tmp_path):
    text = f"{CATALOG.solution(unit).read_text(encoding='utf-8')}\nright = {function}\n{function} = {wrong}\n"
    (tmp_path / f"{unit}.py").write_text(text, encoding="utf-8")
    checks = (
        Grader(GradingSpec(CATALOG, units=(unit,), functions=frozenset({function})), sandbox)
        .grade_path(tmp_path)
        .checks
    )
    assert any(check.outcome is Outcome.FAILED and not check.hidden for check in checks)
