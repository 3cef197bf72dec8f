"""What only looks like an answer earns nothing: shortcuts to an outcome, and answers that are none."""

from pathlib import Path

import pytest

from autograder.catalog import read_catalog
from autograder.diagnose import known_mistakes
from autograder.grade import Grader

ROOT = Path(__file__).parents[2]
CATALOG = read_catalog(ROOT)
FOLDER = ROOT / "solutions" / "shortcuts"
SHORTCUTS = [(path.stem, each) for path in sorted(FOLDER.glob("*.py")) for each in known_mistakes(path)]
UNITS = sorted(path.stem for path in FOLDER.glob("*.py"))
MARKS = "from autograder.diagnose import mistake\n"
UNMARKED = "def mistake(*_):\n    return lambda function: function\n"
WORDS = "images targets models layers head_rate backbone_rate data backbone.block.down head.last.weight head.extra"
NOTHINGS = {
    "none": "return None",
    "first": "return next(iter([*given, *named.values()]), None)",
    "zeros": "import torch; return torch.zeros(())",
    "ones": "import torch; return torch.ones(8, 4)",
    "random": "import torch; return torch.rand(2048, 1, 6, 11)",
    "numbers": "return 0, 0",
    "empty": "return []",
    "bytes": "return b''",
    "raises": f"raise ValueError({WORDS!r})",
}


def points(unit, text, functions, sandbox, tmp_path, seed="a"):
    (tmp_path / f"{unit}.py").write_text(text)
    result = Grader(CATALOG, sandbox, units=[unit], functions=frozenset(functions), seed=seed).grade(tmp_path)
    return {check.id: check.points for check in result.checks if check.function in functions and check.points}


@pytest.mark.parametrize(("unit", "shortcut"), SHORTCUTS, ids=lambda value: getattr(value, "name", value))
def test_a_shortcut_earns_nothing(unit, shortcut, sandbox, tmp_path):
    variants = (FOLDER / f"{unit}.py").read_text().replace(MARKS, UNMARKED)
    text = f"{CATALOG.solution(unit).read_text()}\n{variants}\n{shortcut.function} = {shortcut.name}\n"
    assert points(unit, text, {shortcut.function}, sandbox, tmp_path) == {}


@pytest.mark.parametrize("unit", UNITS)
def test_every_outcome_has_two_shortcuts(unit):
    outcomes = [function.name for function in CATALOG.units[unit].functions.values() if function.outcome]
    counts = [sum(each.function == name for each in known_mistakes(FOLDER / f"{unit}.py")) for name in outcomes]
    assert outcomes and min(counts) >= 2


@pytest.mark.parametrize("body", NOTHINGS)
@pytest.mark.parametrize("unit", UNITS)
def test_nothing_earns_nothing(unit, body, sandbox, tmp_path):
    functions = CATALOG.units[unit].functions
    text = "\n\n".join(f"def {name}(*given, **named):\n    {NOTHINGS[body]}" for name in functions)
    assert points(unit, text, set(functions), sandbox, tmp_path) == {}
