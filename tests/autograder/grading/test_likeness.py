"""Likeness: copies that were worked over are found among honest work, and honest work is left alone."""

import ast
import itertools
import random

import pytest

from autograder.course.catalog import read_catalog
from autograder.course.skeletons import skeleton
from autograder.grading.likeness import alike_pair, find_alike_pairs, marked_lines
from autograder.submissions import Module
from tests.autograder.conftest import ROOT

UNITS = ("variation_loss", "training_tricks", "head_training", "feature_extraction", "adversarial_attack", "pets_lab")
CATALOG = read_catalog(ROOT)
RELEASE = [skeleton(CATALOG.solution(unit).read_text(), f"{unit}.py") for unit in UNITS]


def ways(unit: str) -> dict[str, list[ast.FunctionDef]]:
    """The ways in which each function of a unit is written by the solution and the alternatives."""
    paths = [CATALOG.solution(unit), *sorted((ROOT / "tests/alternatives" / unit).glob("*.py"))]
    found: dict[str, list[ast.FunctionDef]] = {}
    for path in paths:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                found.setdefault(node.name, []).append(node)
    return found


WAYS = {unit: ways(unit) for unit in UNITS}
HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"


class Habits(ast.NodeTransformer):
    """One honest student's way with small things: helper variables, orders of operands, guards, constants."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def visit_Assign(self, node):
        self.generic_visit(node)
        if self.random.random() < 0.35:
            name = ast.Name(f"part_{self.random.randrange(999)}", ast.Store())
            first = ast.Assign([name], node.value)
            node.value = ast.Call(ast.Attribute(ast.Name(name.id, ast.Load()), self.pick(), ast.Load()), [], [])
            return [first, node]
        return node

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.Add | ast.Mult) and self.random.random() < 0.5:
            node.left, node.right = node.right, node.left
        return node

    def visit_Return(self, node):
        self.generic_visit(node)
        if node.value is not None and self.random.random() < 0.5:
            value = ast.Constant(self.random.randrange(1, 60) / 60)
            check = ast.Assert(ast.Compare(ast.Name("size", ast.Load()), [ast.Gt()], [value]))
            return [check, node]
        return node

    def pick(self) -> str:
        return self.random.choice(
            ["clone", "contiguous", "float", "detach", "squeeze", "flatten", "cpu", "view_as", "to"]
        )


def written(tree: ast.Module) -> str:
    return HEAD + ast.unparse(ast.fix_missing_locations(tree))


def honest(seed: int) -> dict[str, str]:
    draw = random.Random(seed)
    texts = {}
    for unit, functions in WAYS.items():
        chosen = [draw.choice(each) for each in functions.values()]
        tree = ast.parse("\n".join(ast.unparse(each) for each in chosen))
        texts[unit] = written(Habits(seed).visit(tree))
    return texts


class Renamed(ast.NodeTransformer):
    """Other names for what is a function's own."""

    def visit_FunctionDef(self, node):
        local = {arg.arg for arg in node.args.args + node.args.kwonlyargs}
        stored = {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
        names = {name: f"q{number}" for number, name in enumerate(sorted(stored - local))}
        for each in ast.walk(node):
            if isinstance(each, ast.Name) and each.id in names:
                each.id = names[each.id]
        return node


class OtherLoops(ast.NodeTransformer):
    """Sums of comprehensions as loops over lists, and `+=` written out."""

    def visit_AugAssign(self, node):
        target = ast.parse(ast.unparse(node.target), mode="eval").body
        return ast.Assign([node.target], ast.BinOp(target, node.op, node.value))

    def visit_GeneratorExp(self, node):
        self.generic_visit(node)
        return ast.ListComp(node.elt, node.generators)


def copied(texts: dict[str, str], how: str) -> dict[str, str]:
    made = {}
    for unit, text in texts.items():
        tree = ast.parse(text)
        if how == "renamed":
            tree = Renamed().visit(tree)
        elif how == "reordered":
            heads = [node for node in tree.body if not isinstance(node, ast.FunctionDef)]
            tree.body = heads + [node for node in reversed(tree.body) if isinstance(node, ast.FunctionDef)]
        else:
            tree = OtherLoops().visit(Renamed().visit(tree))
        made[unit] = "# my own work\n" + ast.unparse(ast.fix_missing_locations(tree))
    return made


def modules(texts: dict[str, str]) -> dict[str, Module]:
    return {unit: Module(unit, f"{unit}.py", text) for unit, text in texts.items()}


COPIES = {"renamed": "s3", "reordered": "s17", "loops": "s22"}


@pytest.mark.slow
@pytest.mark.parametrize("size", [25, 300])
def test_copies_are_found_and_honest_pairs_left_alone(size):
    honest_class = {f"s{number}": modules(honest(number)) for number in range(size)}
    everyone = dict(honest_class)
    for how, source in COPIES.items():
        everyone[f"copy_{how}"] = modules(copied({unit: each.text for unit, each in everyone[source].items()}, how))
    pairs = find_alike_pairs(everyone, RELEASE)
    found = {frozenset((pair.first, pair.second)) for pair in pairs}
    wanted = {frozenset((source, f"copy_{how}")) for how, source in COPIES.items()}
    assert wanted <= found
    honest_pairs = len(list(itertools.combinations(honest_class, 2)))
    assert len(found - wanted) < 0.01 * honest_pairs
    assert set(map(frozenset, ((pair.first, pair.second) for pair in pairs[:3]))) == wanted


def test_untouched_skeletons_are_like_nobody():
    release = {unit: Module(unit, f"{unit}.py", text) for unit, text in zip(UNITS, RELEASE, strict=True)}
    assert find_alike_pairs({"alice": release, "bob": release}, RELEASE) == []


def test_lines_that_both_have_are_marked():
    first = "def f(x):\n    y = x.square().sum(dim=1)\n    return y / 3\n"
    second = "def g(z):\n    a = 5\n    total = z.square().sum(dim=1)\n    return total - 8\n"
    assert marked_lines(first, second, []) == {2} and marked_lines(second, first, []) == {3}


def test_methods_of_classes_are_compared():
    text = (
        "class Walk:\n    def step(self, x):\n        if x % 3 == 1:\n            return self.turn(x // 7, x ** 2)\n"
        "        return [y for y in self.seen if y > x - 4]\n"
    )
    own = {"c": "x + 2", "d": "self.seen.pop()", "e": "not x"}
    others = {name: f"class Walk:\n    def step(self, x):\n        return {value}\n" for name, value in own.items()}
    texts = {"a": text, "b": text.replace("y ", "each "), **others}
    found = find_alike_pairs({name: {"walks": Module("walks", "walks.py", each)} for name, each in texts.items()}, [])
    assert [(pair.first, pair.second, pair.functions) for pair in found] == [("a", "b", ("walks.Walk.step",))]
    (shown,) = alike_pair(
        found[0], {name: {"walks": Module("walks", "w.py", texts[name])} for name in "ab"}, []
    ).functions
    returned = [marked for side in shown.sides for marked, line in side if "return" in line]
    assert returned and all(returned)


def test_an_odd_escape_keeps_nobody_out(recwarn):
    texts = {unit: f"'\\d'\n{text}" for unit, text in honest(1).items()}
    assert "\\d" in texts["variation_loss"]
    assert len(find_alike_pairs({"alice": modules(texts), "bob": modules(texts)}, RELEASE)) == 1
    assert not recwarn.list


def test_what_cannot_be_parsed_is_like_nobody():
    broken = {"variation_loss": Module("variation_loss", "variation_loss.py", "def (:")}
    assert find_alike_pairs({"alice": broken, "bob": broken}, RELEASE) == []
