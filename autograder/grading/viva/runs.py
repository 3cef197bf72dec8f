"""RecordedCall a submission's function as its checks have called it, and again with its code changed.

The requests of the visible checks are recorded on their way to the workers. A changed module answers the same requests, in a
fresh worker: what it gives is a key to a question.
"""

import ast
import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from autograder.checks.compare import assert_close
from autograder.checks.transport import Transport, place_data
from autograder.course.catalog import Catalog
from autograder.errors import AutograderError, CheckFailed, MalformedMessage, StudentFault
from autograder.grading.grade import Grader, Workers
from autograder.grading.session import ChecksAlone
from autograder.grading.spec import GradingSpec
from autograder.submissions import Module, Submission
from autograder.submissions.module import parse_quietly
from autograder.worker import protocol
from autograder.worker.codec.message import leaves, map_tree
from autograder.worker.protocol import Answer, Fault, Invoke, Load, Request

#: A call with more entries in its arguments is not asked about.
_LARGEST = 500_000
#: Seconds of its own that a changed module has for a call: an edit may make a loop endless. What takes longer is not asked.
_SECONDS = 2.0
#: So many calls of a function are enough to ask about.
_CALLS = 6


@dataclass(frozen=True)
class RecordedCall:
    """A call that a check has made, with all requests before it.

    Attributes:
        load: the request that loaded the module.
        before: the requests of the check between that and the call.
        call: the call.
        answer: what came back.
    """

    load: Load
    before: tuple[Request, ...]
    call: Invoke
    answer: Answer


def recorded_runs(
    spec: GradingSpec, submission: Submission, workers: Workers
) -> dict[tuple[str, str], list[RecordedCall]]:
    """RecordedCall the visible checks on a submission and return calls of each function, by unit and name.

    Only calls that came back, with small arguments.

    Raises:
        GraderError: the checks themselves cannot be run.
    """
    recorder = _RecordingWorkers(workers)
    Grader(replace(spec, hidden=False), recorder, ChecksAlone(named=False)).grade(submission)
    found: dict[tuple[str, str], list[RecordedCall]] = {}
    for run in recorder.runs():
        key = (run.load.unit, str(run.call.function))
        known = key[1] in spec.catalog.units[key[0]].functions
        if known and _size([*run.call.args, *run.call.kwargs.values()]) <= _LARGEST:
            found.setdefault(key, []).append(run)
    return {key: calls[:_CALLS] for key, calls in found.items()}


@dataclass
class _RecordingWorkers:
    """Workers that keep what was asked and answered, one list for each worker."""

    workers: Workers
    kept: list[list[tuple[bytes, bytes]]] = field(default_factory=list)

    @property
    def isolation(self) -> tuple[str, ...]:
        return self.workers.isolation

    @property
    def limits(self) -> dict[str, float]:
        return self.workers.limits

    def require(self, rungs: tuple[str, ...]) -> None:
        self.workers.require(rungs)

    @contextlib.contextmanager
    def worker(self) -> Iterator[Transport]:
        self.kept.append([])
        with self.workers.worker() as worker:
            yield _Recording(worker, self.kept[-1])

    def runs(self) -> Iterator[RecordedCall]:
        """Yield the plain calls by name that came back, each with the requests before it."""
        for exchanges in self.kept:
            load: Load | None = None
            before: list[Request] = []
            for sent, received in exchanges:
                request = protocol.read_request(sent)
                with contextlib.suppress(AutograderError):
                    answer = protocol.read_reply(received)
                    if isinstance(request, Load):
                        load, before = request, []
                    elif load is not None:
                        plain = isinstance(request, Invoke) and request.of is None and request.on is None
                        if plain and isinstance(answer, Answer):
                            yield RecordedCall(load, tuple(before), request, answer)  # type: ignore[arg-type] # it is an Invoke
                        before.append(request)


class _Recording:
    """A worker whose exchanges are kept."""

    def __init__(self, worker: Transport, kept: list[tuple[bytes, bytes]]) -> None:
        self._worker = worker
        self._kept = kept

    @property
    def folder(self) -> Path:
        return self._worker.folder

    def take_printed(self) -> str:
        return self._worker.take_printed()

    def exchange(self, request: bytes, seconds: float, respond: Callable[[bytes], bytes] | None = None) -> bytes:
        reply = self._worker.exchange(request, seconds, respond)
        self._kept.append((request, reply))
        return reply


@dataclass(frozen=True)
class CallRunner:
    """Runner of recorded calls, on the module as it was handed in or on a changed one."""

    workers: Workers
    catalog: Catalog

    def reply(
        self, run: RecordedCall, module: str, text: str, call: Invoke | None = None, then: str = ""
    ) -> tuple[Answer | Fault | None, Any]:
        """Return what a call gives if a module of the submission has another source.

        Args:
            run: the recorded call.
            module: the name of the module, the call's own unit or another that it imports.
            text: its source.
            call: is made in place of the recorded one.
            then: a function of the source, without arguments, that is called afterwards.

        Returns:
            The reply, None if the call was stopped or the worker died; and what `then` returned, None if it returned nothing.
        """
        changed = {module: text}
        if then and module != run.load.unit:
            changed[run.load.unit] = f"{run.load.sources[run.load.unit][1]}\nfrom {module} import {then}\n"
        sources = {name: (run.load.sources[name][0], each) for name, each in changed.items()}
        load = replace(run.load, sources={**run.load.sources, **sources})
        with self._worker() as worker:
            try:
                load = replace(load, place=place_data(self.catalog.data(load.unit), worker))
                for request in (load, *run.before):
                    self._exchange(worker, request)
                reply = self._exchange(worker, call or run.call)
                after = self._exchange(worker, replace(run.call, function=then, args=(), kwargs={})) if then else None
            except StudentFault:
                return None, None
        stopped = isinstance(reply, Fault) and reply.kind == "timed out"
        return None if stopped else reply, after.value if isinstance(after, Answer) else None

    def _worker(self) -> AbstractContextManager[Transport]:
        return self.workers.worker()

    @staticmethod
    def _exchange(worker: Transport, request: Request) -> Answer | Fault | None:
        seconds = min(request.seconds, _SECONDS)
        try:
            request = replace(request, seconds=seconds)
            return protocol.read_reply(worker.exchange(protocol.write(request), seconds))
        except MalformedMessage:
            return None


def _size(values: Any) -> int:
    """Return the number of entries of all tensors in a tree of values, and one for each of its other leaves."""
    return sum(int(each.numel()) if hasattr(each, "numel") else 1 for each in leaves(values))


def kinds_of(value: object) -> object:
    """Return the types and shapes in a tree of values."""
    return map_tree(lambda leaf: (type(leaf).__name__, tuple(getattr(leaf, "shape", ()))), value)


def same(one: object, other: object) -> bool:
    """Return True if two values are equal up to rounding."""
    try:
        assert_close(other, one)
    except CheckFailed:
        return False
    return True


def function_named(tree: ast.Module, name: str) -> ast.FunctionDef | None:
    """Return the definition of a function at the top level of a module; of several, Python takes the last."""
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    return found[-1] if found else None


def module_with(function: str, submission: Submission, names: Sequence[str]) -> Module:
    """Return the module in which a function of a unit is written: the unit's own, or another of its files or the student's."""
    own, *parts = (submission.modules[name] for name in names if name in submission.modules)
    modules = (own, *parts, *submission.helpers.values())
    return next((each for each in modules if function_named(parse_quietly(each.text), function) is not None), own)


#: So many notes are kept of a run.
MOST_NOTES = 1000
#: The function of a noting source that returns its notes.
TAKE_NOTES = "_viva_take"
_NOTE, _NOTES = "_viva_note", "_viva_notes"
_PRELUDE = f"""
{_NOTES} = []


def {_NOTE}(line, kind, name, value=None):
    if len({_NOTES}) < {MOST_NOTES}:
        shape = [int(n) for n in value.shape] if hasattr(value, "shape") and hasattr(value, "dtype") else None
        number = value if type(value) is int else None
        {_NOTES}.append((line, kind, name, shape, number))


def {TAKE_NOTES}():
    return list({_NOTES})


_viva_running = []


def _viva_noting(function):
    def noting(*args, **kwargs):
        if not _viva_running:  # a function that calls itself goes on with the same notes
            {_NOTES}.clear()
        _viva_running.append(function)
        try:
            return function(*args, **kwargs)
        finally:
            _viva_running.pop()
    return noting
"""


class _Notes(ast.NodeTransformer):
    """Transformer that adds a note after each assignment to a name, and at the start of each round of a loop."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return node  # an inner function has values of its own

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return node

    def visit_Assign(self, node: ast.Assign) -> Any:
        target = node.targets[0]
        if len(node.targets) != 1 or not isinstance(target, ast.Name):
            return node
        return [node, _note(node.lineno, "value", target.id)]

    def visit_For(self, node: ast.For) -> ast.AST:
        self.generic_visit(node)
        node.body.insert(0, _note(node.lineno, "round", ""))
        return node

    def visit_While(self, node: ast.While) -> ast.AST:
        self.generic_visit(node)
        node.body.insert(0, _note(node.lineno, "round", ""))
        return node


def _note(line: int, kind: str, name: str) -> ast.stmt:
    value = f", {name}" if name else ""
    return ast.parse(f"{_NOTE}({line}, {kind!r}, {name!r}{value})").body[0]


def noting_source(text: str, name: str) -> str:
    """Return a module whose function of this name notes what its lines give, or "" if there is no such function.

    `TAKE_NOTES` returns the notes of its latest call: line, kind (`value` or `round`), name, shape and whole number.
    """
    tree = parse_quietly(text)
    function = function_named(tree, name)
    if function is None:
        return ""
    transformer = _Notes()
    visited = [transformer.visit(node) for node in function.body]
    function.body = [each for found in visited for each in (found if isinstance(found, list) else [found])]
    return f"{ast.unparse(ast.fix_missing_locations(tree))}\n{_PRELUDE}\n{name} = _viva_noting({name})\n"
