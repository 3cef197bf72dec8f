"""Find submissions that share more than the release and the usual way explain: places to look at, and no verdict.

Each function becomes a bag of small pieces of syntax in which names, order, comments, annotations and kinds of loop do not
matter. A piece weighs the more the fewer of the class have it (inverse document frequency: Spärck Jones, 1972); pieces of the
release and of more than a quarter of the class weigh nothing. The likeness of two submissions is the shared weight over the
smaller whole.
"""

import ast
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from autograder.results.formats.pages import AlikeFunction, AlikePair
from autograder.results.types import Outcome, SubmissionResult
from autograder.submissions import Module
from autograder.submissions.module import tree_or_none

#: A piece that a larger share of the class has is the usual way to write it.
_USUAL = 0.25
#: In a class smaller than this, a piece of two submissions is not yet usual.
_FEW = 8
_DEPTH = 3
_LOOPS = (ast.For, ast.While, ast.ListComp, ast.GeneratorExp, ast.SetComp, ast.AsyncFor)
_PASSED_OVER = (ast.expr_context, ast.arguments, ast.arg, ast.Import, ast.ImportFrom, ast.alias, ast.Pass, ast.Load)

_Function = ast.FunctionDef | ast.AsyncFunctionDef
#: A piece of syntax: a short text in which only structure and public names are left.
Piece = str


@dataclass(frozen=True)
class Pair:
    """Two submissions to look at.

    Attributes:
        first: name of one.
        second: name of the other.
        likeness: in `[0, 1]`.
        functions: `unit.function` of both whose rare pieces are shared, those that share most first.
        values: checks that both fail with the same words, which hardly anybody else has.
    """

    first: str
    second: str
    likeness: float
    functions: tuple[str, ...] = ()
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Work:
    """The pieces of one submission, by `unit.function`."""

    pieces: dict[str, Counter[Piece]]

    @property
    def whole(self) -> Counter[Piece]:
        """Return the pieces of all functions together."""
        return sum(self.pieces.values(), Counter())


def find_alike_pairs(
    submissions: Mapping[str, Mapping[str, Module]],
    release: Iterable[str],
    results: Mapping[str, SubmissionResult] | None = None,
    at_least: float = 0.8,
) -> list[Pair]:
    """Return the pairs of submissions to look at, the most alike first.

    Args:
        submissions: modules by unit, by the submission's name.
        release: texts that everybody was given: skeletons, examples.
        results: for the values that two submissions get wrong alike.
        at_least: likeness from which a pair is listed, in `[0, 1]`.
    """
    given = set().union(*(_pieces_of_text(text) for text in release))
    works = {name: _work(modules) for name, modules in submissions.items()}
    weights = _weights([work.whole.keys() - given for work in works.values()])
    rare = {name: _rare(work.whole, weights) for name, work in works.items()}
    heavy = {name: _weight(pieces, weights) for name, pieces in rare.items()}
    shared = _shared_weights(rare, weights)
    values = _same_rare_values(results or {})
    pairs = []
    for first, second in {*shared, *values}:
        smaller = min(heavy.get(first, 0.0), heavy.get(second, 0.0))
        likeness = min(1.0, shared.get((first, second), 0.0) / smaller) if smaller else 0.0
        same = values.get((first, second), ())
        if likeness >= at_least or len(same) > 1:
            functions = tuple(_functions(works[first], works[second], weights)) if smaller else ()
            pairs.append(Pair(first, second, likeness, functions, tuple(same)))
    return sorted(pairs, key=lambda pair: (-pair.likeness, -len(pair.values), pair.first, pair.second))


def marked_lines(text: str, other: str, release: Iterable[str]) -> set[int]:
    """Return the lines of a text whose statements stand in the other text too, and in no release; from 1."""
    given = {piece for each in release for _, piece in _statements(each)}
    there = {piece for _, piece in _statements(other)} - given
    return {line for line, piece in _statements(text) if piece in there}


def alike_pair(pair: Pair, submissions: Mapping[str, Mapping[str, Module]], release: Sequence[str]) -> AlikePair:
    """Return a pair with its shared functions side by side, for a page."""
    functions = []
    for name in pair.functions:
        unit, _, function = name.partition(".")
        texts = [_function_text(submissions[each][unit].text, function) for each in (pair.first, pair.second)]
        marks = [marked_lines(texts[0], texts[1], release), marked_lines(texts[1], texts[0], release)]
        one, other = (
            [(number in marked, line) for number, line in enumerate(text.splitlines(), 1)]
            for text, marked in zip(texts, marks, strict=True)
        )
        functions.append(AlikeFunction(name, (one, other)))
    return AlikePair(pair.first, pair.second, f"{pair.likeness:.0%}", functions, pair.values)


def _function_text(text: str, name: str) -> str:
    tree = tree_or_none(text)
    found = next((node for each, node in _functions_in(tree) if each == name), None) if tree is not None else None
    return "" if found is None else ast.get_source_segment(text, found) or ""


def _work(modules: Mapping[str, Module]) -> _Work:
    return _Work(
        {
            f"{unit}.{name}": Counter(_pieces(node, aliases))
            for unit, module in modules.items()
            if (tree := tree_or_none(module.text)) is not None
            for aliases in [_aliases(tree)]
            for name, node in _functions_in(tree)
        }
    )


def _pieces_of_text(text: str) -> set[Piece]:
    tree = tree_or_none(text)
    if tree is None:
        return set()
    aliases = _aliases(tree)
    return {piece for _, node in _functions_in(tree) for piece in _pieces(node, aliases)}


def _functions_in(tree: ast.Module | ast.ClassDef) -> Iterator[tuple[str, _Function]]:
    """Yield the functions of a module, and the methods of its classes by dotted names."""
    for node in tree.body:
        if isinstance(node, _Function):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}.{name}", method) for name, method in _functions_in(node))


def _aliases(tree: ast.Module) -> dict[str, str]:
    """Return what imported names stand for: `F` for `torch.nn.functional`."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _pieces(function: _Function, aliases: Mapping[str, str]) -> Iterator[Piece]:
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.expr | ast.stmt) and not isinstance(node, ast.Name | ast.Constant):
                yield _text_of(node, aliases, _DEPTH)


def _text_of(node: ast.AST, aliases: Mapping[str, str], depth: int) -> Piece:
    """Return a node as a text without own names and kinds of loop, down to so many levels inside it."""
    if isinstance(node, ast.Constant):
        return "text" if isinstance(node.value, str) else repr(node.value)
    if isinstance(node, ast.Name):
        return aliases.get(node.id, "name")
    kind = "loop" if isinstance(node, _LOOPS) else type(node).__name__
    if isinstance(node, ast.AugAssign):
        kind = "Assign"  # `x += y` is `x = x + y`
    names = ""
    if isinstance(node, ast.Attribute):
        names = node.attr
    elif isinstance(node, ast.keyword):
        names = node.arg or ""
    if depth == 0:
        return f"{kind}{names}"
    inner = (child for child in ast.iter_child_nodes(node) if not isinstance(child, _PASSED_OVER))
    return f"{kind}{names}({' '.join(_text_of(child, aliases, depth - 1) for child in inner)})"


def _statements(text: str) -> Iterator[tuple[int, Piece]]:
    """Yield the simple statements of all functions, each with its line, from 1."""
    tree = tree_or_none(text)
    if tree is None:
        return
    aliases = _aliases(tree)
    for _, function in _functions_in(tree):
        body = function.body[1:] if ast.get_docstring(function) is not None else function.body
        for statement in (node for each in body for node in ast.walk(each) if isinstance(node, ast.stmt)):
            compound = isinstance(statement, ast.For | ast.While | ast.If | ast.With)
            empty = isinstance(statement, ast.Pass) or (isinstance(statement, ast.Return) and statement.value is None)
            if not compound and not empty:
                yield statement.lineno, _text_of(statement, aliases, 6)


def _weights(owned: Sequence[set[Piece]]) -> dict[Piece, float]:
    """Return the weight of each piece that two submissions have and that is not usual."""
    owners = Counter(piece for pieces in owned for piece in pieces)
    most = max(2, _USUAL * len(owned)) if len(owned) >= _FEW else max(2, len(owned) - 1)
    return {piece: math.log((1 + len(owned)) / count) for piece, count in owners.items() if count <= most}


def _rare(pieces: Counter[Piece], weights: Mapping[Piece, float]) -> Counter[Piece]:
    """Return the pieces that have a weight: those that few submissions have."""
    return Counter({piece: count for piece, count in pieces.items() if piece in weights})


def _weight(pieces: Counter[Piece], weights: Mapping[Piece, float]) -> float:
    return math.fsum(weights[piece] * count for piece, count in pieces.items())


def _shared_weights(rare: Mapping[str, Counter[Piece]], weights: Mapping[Piece, float]) -> dict[tuple[str, str], float]:
    """Return the weight of what two submissions share, for each pair that shares anything."""
    owners: dict[Piece, list[str]] = defaultdict(list)
    for name in sorted(rare):
        for piece in rare[name]:
            owners[piece].append(name)
    shared: dict[tuple[str, str], float] = defaultdict(float)
    for piece, names in owners.items():
        for place, first in enumerate(names):
            count = rare[first][piece]
            for second in names[place + 1 :]:
                shared[first, second] += weights[piece] * min(count, rare[second][piece])
    return shared


def _functions(first: _Work, second: _Work, weights: Mapping[Piece, float]) -> Iterator[str]:
    """Yield functions of both that share at least half of their rare weight."""
    found = []
    for name in first.pieces.keys() & second.pieces.keys():
        one, other = _rare(first.pieces[name], weights), _rare(second.pieces[name], weights)
        smaller = min(_weight(one, weights), _weight(other, weights))
        both = _weight(one & other, weights)
        if smaller and both >= smaller / 2:
            found.append((-both, name))
    yield from (name for _, name in sorted(found))


def _same_rare_values(results: Mapping[str, SubmissionResult]) -> dict[tuple[str, str], list[str]]:
    """Return checks that two submissions fail with the same words, while at most one in fifty of the class does."""
    said: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in sorted(results):
        for check in results[name].checks:
            if check.outcome is Outcome.FAILED and any(sign.isdigit() for sign in check.message):
                said[check.id, check.message].append(name)
    pairs: dict[tuple[str, str], list[str]] = defaultdict(list)
    for (check_id, _), names in said.items():
        if len(names) <= max(2, len(results) // 50):
            for place, first in enumerate(names):
                for second in names[place + 1 :]:
                    pairs[first, second].append(check_id)
    return pairs
