"""Make questions on a submission's own code and values; each key comes from running that code, or a changed copy of it."""

import ast
import copy
import difflib
import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from autograder.checks.compare import show
from autograder.course.skeletons import bare_lines
from autograder.grading.grade import Workers
from autograder.grading.spec import GradingSpec
from autograder.grading.verify.mutants import Mutant, mutants_of
from autograder.grading.viva.runs import (
    MOST_NOTES,
    TAKE_NOTES,
    CallRunner,
    RecordedCall,
    function_named,
    kinds_of,
    module_with,
    noting_source,
    recorded_runs,
    same,
)
from autograder.libraries import Tensor, torch
from autograder.results.formats.pages import ExamFunction, ExamQuestion
from autograder.submissions import Module, Submission
from autograder.submissions.module import parse_quietly
from autograder.worker.codec import Handle, Recipe
from autograder.worker.codec.message import leaves, map_tree
from autograder.worker.protocol import Answer, Fault, Invoke

#: So many edits of a function are tried for a question about edits.
_EDITS = 12
#: A gradient's entry below this is no sign to ask for.
_SLOPE = 1e-4

SAME, OTHER_VALUES, OTHER_SHAPE, RAISES = (
    "The same result comes out.",
    "A result of the same kind and shape, with other values, comes out.",
    "A result of another kind or shape comes out.",
    "It raises an exception.",
)
EFFECTS = (SAME, OTHER_VALUES, OTHER_SHAPE, RAISES)
GRAPH, NO_GRAPH = (
    "The same values come out, and they require gradients.",
    "The same values come out, and they require no gradients.",
)
DETACHED = (GRAPH, NO_GRAPH, "Other values come out.", RAISES)
SIGNS = ("It grows.", "It becomes smaller.")


@dataclass(frozen=True)
class Question:
    """One question, with its key.

    Attributes:
        kind: `shape`, `number`, `rounds`, `sign`, `graph`, `edit` or `edits`.
        module: the module of the submission, whose code it is about.
        function: likewise.
        line: the line of the unit's source, that it asks about.
        call: the call, in words.
        text: the question.
        options: the answers to choose from; none if the answer is to be written.
        key: the right answer.
        edits: the changes of the code that it speaks of.
    """

    kind: str
    module: str
    function: str
    line: int
    call: str
    text: str
    options: tuple[str, ...]
    key: str
    edits: tuple[Mutant, ...] = ()


@dataclass(frozen=True)
class _Subject:
    """A function of a submission and a call of it."""

    module: Module
    function: str
    run: RecordedCall
    runner: CallRunner
    rng: random.Random

    @property
    def call(self) -> str:
        """Return the call in words."""
        parts = [show(map_tree(_display_value, value)) for value in self.run.call.args]
        parts += [f"{name}={show(map_tree(_display_value, value))}" for name, value in self.run.call.kwargs.items()]
        return f"{self.function}({', '.join(parts)})"

    @property
    def comparable(self) -> bool:
        """Return True if the result can be compared with another: not a module, which stays with the worker."""
        return not any(isinstance(each, Handle) for each in leaves(self.run.answer.value))

    def question(self, kind: str, line: int, text: str, options: Sequence[str], key: str, *edits: Mutant) -> Question:
        """Return a question about this call."""
        return Question(kind, self.module.unit, self.function, line, self.call, text, tuple(options), key, edits)

    def reply(self, text: str, call: Invoke | None = None, then: str = "") -> tuple[Answer | Fault | None, Any]:
        """Return what the call, or another, gives if the module has another source; see `CallRunner`."""
        return self.runner.reply(self.run, self.module.unit, text, call, then)

    def effect(self, edited: str) -> str:
        """Return which of `EFFECTS` an edit of the module has on the call; "" if it does not end."""
        reply, _ = self.reply(edited)
        if reply is None:
            return ""
        if not isinstance(reply, Answer):
            return RAISES
        before, after = self.run.answer.value, reply.value
        if kinds_of(before) != kinds_of(after):
            return OTHER_SHAPE
        return SAME if same(before, after) else OTHER_VALUES

    def place(self, line: int) -> str:
        """Return a line of the module as the student finds it."""
        return self.module.place(line)


def ask(spec: GradingSpec, submission: Submission, workers: Workers, seed: int, count: int = 10) -> list[Question]:
    """Return questions on a submission, in the order of its code; other ones for another seed.

    The kinds and the functions take turns, as far as there is something to ask.

    Args:
        spec: the course and the units.
        submission: what was handed in.
        workers: where its code runs.
        seed: decides which questions are asked.
        count: how many at most.

    Raises:
        GraderError: the checks themselves cannot be run.
    """
    rng = random.Random(seed)
    runs = recorded_runs(spec, submission, workers)
    runner = CallRunner(workers, spec.catalog)
    makers: list[Iterator[Question]] = []
    order = []
    for (unit, function), calls in runs.items():
        module = module_with(function, submission, spec.catalog.units[unit].modules)
        order.append((module.unit, function))
        subject = _Subject(module, function, rng.choice(calls), runner, rng)
        if _line_of(subject) and _is_repeatable(subject):
            makers += [maker(subject) for maker in _MAKERS]
    rng.shuffle(makers)
    return sorted(_take_turns(makers, count), key=lambda each: (order.index((each.module, each.function)), each.line))


def printed_functions(questions: Sequence[Question], modules: Mapping[str, Module]) -> list[ExamFunction]:
    """Return the functions that are asked about as a page prints them, with the letter of each key among options.

    Args:
        questions: as `ask` returns them.
        modules: the modules of the submission, by name.
    """
    found = []
    numbered = enumerate(questions, 1)
    for (name, function), group in itertools.groupby(numbered, key=lambda pair: (pair[1].module, pair[1].function)):
        module = modules[name]
        node = function_named(parse_quietly(module.text), function)
        assert node is not None  # it was called
        lines = bare_lines(module.text)[node.lineno - 1 : node.end_lineno]
        asked = [ExamQuestion(i, each.call, each.text, each.options, _letter(each) + each.key) for i, each in group]
        found.append(ExamFunction(module.label, node.lineno, lines, asked))
    return found


def _letter(question: Question) -> str:
    return f"{chr(ord('A') + question.options.index(question.key))}. " if question.options else ""


def _take_turns(makers: list[Iterator[Question]], count: int) -> list[Question]:
    """Return one question of each maker after another, until there are enough or no more."""
    found: list[Question] = []
    while makers and len(found) < count:
        maker = makers.pop(0)
        question = next(maker, None)
        if question is not None:
            found.append(question)
            makers.append(maker)
    return found


def _is_repeatable(subject: _Subject) -> bool:
    """Return True if the call gives the same again: its keys can be relied on."""
    return subject.effect(subject.module.text) == SAME


# --- what a line gives


def _notes(subject: _Subject) -> list[tuple[int, str, str, list[int] | None, int | None]]:
    """Return the notes of one run of the function: line, kind, name, shape and number."""
    text = noting_source(subject.module.text, subject.function)
    _, notes = subject.reply(text, then=TAKE_NOTES) if text else (None, None)
    return [note for note in notes if isinstance(note, tuple) and len(note) == 5] if isinstance(notes, list) else []


def _shapes(subject: _Subject) -> Iterator[Question]:
    """Ask for the shape that a line gives, the first time that it runs."""
    first = {(line, name): shape for line, kind, name, shape, _ in reversed(_notes(subject)) if kind == "value"}
    for (line, name), shape in _shuffle(subject, [each for each in first.items() if each[1]]):
        text = f"What is the shape of {name} after {subject.place(line)} has run for the first time?"
        yield subject.question("shape", line, text, (), str(tuple(shape)))


def _numbers(subject: _Subject) -> Iterator[Question]:
    """Ask for the whole number that a line gives, the first time that it runs."""
    notes = _notes(subject)
    first = {(line, name): number for line, kind, name, _, number in reversed(notes) if kind == "value"}
    for (line, name), number in _shuffle(subject, [each for each in first.items() if each[1] is not None]):
        text = f"Which number is {name} after {subject.place(line)} has run for the first time?"
        yield subject.question("number", line, text, (), str(number))


def _rounds(subject: _Subject) -> Iterator[Question]:
    """Ask how often the body of a loop runs."""
    notes = _notes(subject)
    if len(notes) == MOST_NOTES:
        return  # the run was longer than its notes, so each count may be too small
    rounds = [line for line, kind, *_ in notes if kind == "round"]
    for line in _shuffle(subject, sorted(set(rounds))):
        text = f"How many times does the body of the loop in {subject.place(line)} begin?"
        yield subject.question("rounds", line, text, (), str(rounds.count(line)))


# --- where a value goes


def _signs(subject: _Subject) -> Iterator[Question]:
    """Ask if a number grows with an entry of the first argument; asked only if small steps agree with the gradient."""
    call, value = subject.run.call, subject.run.answer.value
    given = call.args[0] if call.args else None
    if not isinstance(given, Tensor) or not given.is_floating_point() or not _is_number(value) or not given.numel():
        return
    reply, _ = subject.reply(subject.module.text, replace(call, of=0))
    if not isinstance(reply, Answer) or not isinstance(reply.value, Tensor) or reply.value.shape != given.shape:
        return
    slopes = reply.value.flatten()
    for index in _shuffle(subject, (slopes.abs() > _SLOPE).nonzero().flatten().tolist())[:8]:
        higher, lower = (_result_after_step(subject, given, index, step) for step in (1e-3, -1e-3))
        slope = float(slopes[index])
        if higher is None or lower is None or (higher - lower) * slope <= 0 or (higher - value) * slope <= 0:
            continue
        place = ", ".join(str(int(i)) for i in torch.unravel_index(torch.tensor(index), given.shape))
        line = _line_of(subject)
        text = f"The entry [{place}] of the first argument is made a little larger. What does the result do?"
        yield subject.question("sign", line, text, SIGNS, SIGNS[slope < 0])


def _result_after_step(subject: _Subject, given: Tensor, index: int, step: float) -> float | None:
    """Return the result for a first argument with one entry moved; None if the result is no number."""
    moved = given.clone()
    moved.view(-1)[index] += step
    call = replace(subject.run.call, args=(moved, *subject.run.call.args[1:]))
    reply, _ = subject.reply(subject.module.text, call)
    return float(reply.value) if isinstance(reply, Answer) and _is_number(reply.value) else None


# --- what an edit does


def _graphs(subject: _Subject) -> Iterator[Question]:
    """Ask what comes out without a `no_grad` or a `detach` of the function."""
    tree = parse_quietly(subject.module.text)
    function = function_named(tree, subject.function)
    if not subject.comparable:
        return
    for node in ast.walk(function) if function is not None else ():
        words = _stops_gradients(node)
        if not words or not hasattr(node, "lineno"):
            continue
        edited = ast.unparse(ast.fix_missing_locations(_Without(node).visit(copy.deepcopy(tree))))
        reply, _ = subject.reply(edited)
        if reply is None:
            continue
        key = DETACHED[3]
        if isinstance(reply, Answer):
            before, after = subject.run.answer.value, reply.value
            equal = kinds_of(before) == kinds_of(after) and same(before, after)
            key = (GRAPH if _requires_grad(after) else NO_GRAPH) if equal else DETACHED[2]
        mutant = Mutant(subject.function, node.lineno, f"{words} -> (left out)", edited)
        text = f"{words} is left out in {subject.place(node.lineno)}. What does the call do then?"
        yield subject.question("graph", node.lineno, text, DETACHED, key, mutant)


def _stops_gradients(node: ast.AST) -> str:
    """Return the words of code that stops gradients; empty for other code."""
    if isinstance(node, ast.With) and len(node.items) == 1:
        text = ast.unparse(node.items[0].context_expr)
        return f"`with {text}:`" if text.endswith(("no_grad()", "inference_mode()")) else ""
    is_detach = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "detach"
    return "`.detach()`" if is_detach else ""


class _Without(ast.NodeTransformer):
    """Transformer that leaves one node out: the block of a `with` stands alone, a method is not called."""

    def __init__(self, node: ast.AST) -> None:
        self._dumped = ast.dump(node, include_attributes=True)

    def visit(self, node: ast.AST) -> Any:
        if ast.dump(node, include_attributes=True) != self._dumped:
            return self.generic_visit(node)
        if isinstance(node, ast.With):
            return node.body
        assert isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)  # see `_stops_gradients`
        return node.func.value


def _edits(subject: _Subject) -> Iterator[Question]:
    """Ask what one edit does."""
    if not subject.comparable:
        return
    for mutant in _mutants(subject):
        key = subject.effect(mutant.text)
        text = f"In {subject.place(mutant.line)}, {_words(subject, mutant)}. What does the call do then?"
        if key:
            yield subject.question("edit", mutant.line, text, EFFECTS, key, mutant)


def _pairs(subject: _Subject) -> Iterator[Question]:
    """Ask which of two edits keeps the result."""
    if not subject.comparable:
        return
    keeping: list[Mutant] = []
    breaking: list[Mutant] = []
    for mutant in _mutants(subject):
        effect = subject.effect(mutant.text)
        if effect:
            (keeping if effect == SAME else breaking).append(mutant)
        if keeping and breaking:
            right, wrong = keeping.pop(), breaking.pop()
            both = [right, wrong]
            subject.rng.shuffle(both)
            options = [f"In {subject.place(each.line)}, {_words(subject, each)}." for each in both]
            key = options[both.index(right)]
            yield subject.question("edits", right.line, "Which of these edits keeps the result?", options, key, *both)


def _mutants(subject: _Subject) -> list[Mutant]:
    found = [each for each in mutants_of(subject.module.text) if each.function == subject.function]
    return _shuffle(subject, found)[:_EDITS]


def _words(subject: _Subject, mutant: Mutant) -> str:
    """Return an edit as the lines that it changes: both are written as Python itself writes the code."""
    before = ast.unparse(parse_quietly(subject.module.text)).splitlines()
    after = ast.unparse(parse_quietly(mutant.text)).splitlines()
    changes = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    _, first, last, start, end = next(change for change in changes if change[0] != "equal")
    old, new = (" ".join(line.strip() for line in lines) for lines in (before[first:last], after[start:end]))
    return f"`{old}` is left out" if new in ("", "pass") else f"`{old}` becomes `{new}`" if old else f"`{new}` is added"


_MAKERS: tuple[Callable[[_Subject], Iterator[Question]], ...] = (
    *(_shapes, _numbers, _rounds, _signs, _graphs, _edits, _pairs),
)


# --- values


def _shuffle(subject: _Subject, values: Sequence[Any]) -> list[Any]:
    return subject.rng.sample(list(values), len(values))


def _line_of(subject: _Subject) -> int:
    function = function_named(parse_quietly(subject.module.text), subject.function)
    return function.lineno if function is not None else 0


def _is_number(value: object) -> bool:
    return type(value) is float or (isinstance(value, Tensor) and value.dim() == 0 and value.is_floating_point())


def _requires_grad(value: object) -> bool:
    return any(isinstance(each, Tensor) and each.requires_grad for each in leaves(value))


class _Word:
    def __init__(self, word: str) -> None:
        self._word = word

    def __repr__(self) -> str:
        return self._word


def _display_value(value: object) -> object:
    """Return what to show in a call's words for a module on its way to the worker."""
    return _Word("model") if isinstance(value, Handle | Recipe) else value
