"""Compare a wrong answer with the known mistakes of its function.

A mistake explains a failed check if it gives, for every call that the check made, just what the student's function gave,
and the solution gives something else for at least one of them. It is named only if it explains every failed check of the
function, and no second one does as well. If none does, two mistakes at once are tried (`mixtures`) in the same way.
"""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

from autograder.checks.compare import assert_close
from autograder.checks.mistakes import Mistake, known_mistakes, variant_text, variants_text, with_more
from autograder.checks.mixtures import mixed_names, mixture_name, mixtures
from autograder.checks.remote import NO_ANSWER, UNANSWERED, Call, Program, RemoteModule, RemoteObject, StudentModule
from autograder.checks.transport import InProcess
from autograder.course.catalog import Catalog
from autograder.course.skeletons import imported_solutions, join_files
from autograder.errors import AutograderError, CheckFailed
from autograder.libraries import Image, Tensor, np
from autograder.submissions import Module
from autograder.worker.codec import Recipe
from autograder.worker.codec.message import leaves, map_tree

#: Seconds of processor time in which the mixtures of a function are tried.
_MIXTURE_SECONDS = 2.0
#: So much of the answers of a function's failed checks is kept; with more, nothing is named.
_KEPT_BYTES = 2**24
#: Stands for an object that stays with the worker, in a value that is compared.
_OBJECT = "\0object"
#: What of a call counts: the value, or what it has left behind as well, or that alone.
Telling = Literal["values", "all", "traces"]
VALUES: Telling = "values"
ALL: Telling = "all"
TRACES: Telling = "traces"


@dataclass(frozen=True)
class Failure:
    """A failed check.

    Attributes:
        calls: what it has called, with what came back.
        right: the same calls with what the solution answers.
        seed: of its worker.
        by_value: False if it found fault with side effects of a call alone.
        seconds: how long the solution took for these calls.
        explaining: names of the known mistakes that explain it, if that cannot be tried later; None if it can.
    """

    calls: Sequence[Call]
    right: Sequence[Call]
    seed: int
    by_value: bool
    seconds: float = 0.0
    explaining: frozenset[str] | None = None

    def explained_by(self, replayed: Iterator[Call]) -> bool:
        """Return True if a variant answers as the student did to each call, and the solution does not."""
        match self.telling:
            case "values":
                return all(map(self._same_answer, self.calls, replayed, self.right))
            case "all":
                return all(map(_same_in_all, self.calls, replayed))
            case "traces":
                return all(map(_same_traces, self.calls, replayed))
        return False

    @property
    def telling(self) -> Telling | None:
        """Return what tells the answers from the solution's; None if nothing does."""
        if not self.by_value:
            return TRACES if self._differs(_same_traces) else None
        if self._differs(_same_value):
            return VALUES
        return ALL if self._differs(_same_in_all) else None

    def _differs(self, same: Callable[[Call, Call], bool]) -> bool:
        return not all(map(same, self.calls, self.right))

    @staticmethod
    def _same_answer(theirs: Call, variant: Call, right: Call) -> bool:
        if theirs.value is not UNANSWERED or variant.value is not UNANSWERED:
            return _same_value(theirs, variant)
        # If the solution raises too, a message may have any words; else only equal words are the same mistake.
        expected = right.value is UNANSWERED
        return (
            bool(theirs.raised)
            and theirs.raised[:1] == variant.raised[:1]
            and (expected or theirs.raised == variant.raised)
        )


class Diagnosis:
    """The known mistakes that explain all failed checks of one function.

    Args:
        unit: whose function it is.
        function: its name.
        mistakes: the unit's file of mistakes.
        solution: source of the unit's solution.
        seconds: the limit for each call.
        data: files that the unit's code reads, by their paths beside it.
        others: sources of other modules that the solution and the mistakes import, by name.
    """

    def __init__(
        self,
        unit: str,
        function: str,
        mistakes: Path,
        solution: str,
        seconds: float,
        data: Mapping[str, Path] | None = None,
        others: Mapping[str, str] | None = None,
    ) -> None:
        self._function = function
        self._data = data
        self._others = {name: Module(name, f"{name}.py", text) for name, text in (others or {}).items()}
        self._known = [known for known in known_mistakes(mistakes) if known.function == function]
        self._right, self._variants = Module(unit, f"{unit}.py", solution), variants_text(mistakes)
        self._wrong = replace(self._right, text=with_more(solution, f"\n{self._variants}"))
        self._mistakes = mistakes
        self._seconds = seconds
        self._recognised: set[str] = set()
        self._failures: list[Failure] = []
        self._kept = 0

    @classmethod
    def of(cls, catalog: Catalog, unit: str, function: str) -> Self:
        """Return the diagnosis of a function of a course; modules that its mistakes import are the solutions."""
        mistakes, solution = catalog.mistakes(unit), join_files(catalog.solutions(unit))
        others = imported_solutions(catalog, solution, variants_text(mistakes))
        return cls(unit, function, mistakes, solution, catalog.units[unit].seconds, catalog.data(unit), others)

    def add(self, calls: Sequence[Call], seed: int = 0, *, by_value: bool = True, recognised: str = "") -> bool:
        """Take a failed check into account. Return False if its calls cannot be made again, and tell nothing.

        Args:
            calls: what the check has called, with what came back.
            seed: what the worker's random state started from, so that a module is made with the same first weights.
            by_value: True if the check found fault with a value or an exception, False if with side effects of a call.
            recognised: the name of the mistake that the check itself has recognised, if any.
        """
        if any(known.name == recognised for known in self._known):
            self._recognised.add(recognised)
            return True
        calls = of_function(self._function, calls)
        if not self._known or not is_diagnosable(calls):
            return False
        self._kept += sum(_size(call) for call in calls)
        if self._kept <= _KEPT_BYTES:
            begun = time.process_time()
            right = tuple(self._replays(calls, self._right, seed))
            failure = Failure(calls, right, seed, by_value, time.process_time() - begun)
            if _uses_files(calls):
                names = (known.name for known in self._known)
                fitting = frozenset(name for name in names if self._explains(self._wrong, name, failure))
                failure = replace(failure, explaining=fitting)
            self._failures.append(failure)
        return True

    def mistakes(self) -> tuple[Mistake, ...]:
        """Return the one mistake that explains everything; or else both of a mixture, or what all fitting mixtures share."""
        if self._kept > _KEPT_BYTES or not (self._failures or self._recognised):
            return ()
        single = [known for known in self._known if self._explains_all(self._wrong, known.name)]
        if single:
            return tuple(single) if len(single) == 1 else ()
        pairs = list(self._fitting_pairs())
        if len(pairs) == 1:
            return pairs[0]
        return tuple(known for known in self._known if pairs and all(known in pair for pair in pairs))

    @cached_property
    def _mixtures(self) -> dict[tuple[str, str], str]:
        names = tuple(known.name for known in self._known)
        return mixtures(self._right.text, self._variants, self._function, names)

    @cached_property
    def _mixed(self) -> Module:
        """Return a module in which every mixture is a function."""
        return replace(self._wrong, text=with_more(self._wrong.text, "\n" + "\n".join(self._mixtures.values())))

    def _fitting_pairs(self) -> Iterator[tuple[Mistake, Mistake]]:
        by_name = {known.name: known for known in self._known}
        deadline = time.process_time() + _MIXTURE_SECONDS
        found = []
        for names in self._mixtures:
            if self._explains_all(self._mixed, mixture_name(*names)):
                found.append((by_name[names[0]], by_name[names[1]]))
            if time.process_time() > deadline:
                return  # one that was not tried may fit as well
        yield from found

    def _explains_all(self, module: Module, variant: str) -> bool:
        """Return True if a variant explains every failure: the quickest is tried first, as few variants fit it."""
        if not self._recognised <= {*mixed_names(variant)}:
            return False
        quickest_first = sorted(self._failures, key=lambda failure: failure.seconds)
        return all(self._explains(module, variant, failure) for failure in quickest_first)

    def _explains(self, module: Module, variant: str, failure: Failure) -> bool:
        if failure.explaining is not None:
            return variant in failure.explaining
        if any(call.program for call in failure.calls):
            text = self._program_texts.get(variant)
            return text is not None and self._explains_program(text, failure)
        variants = [
            replace(call, function=variant + call.function[len(self._function) :])
            if call.on is None and _callable_of(call) == self._function
            else call
            for call in failure.calls
        ]
        return failure.explained_by(self._replays(variants, module, failure.seed))

    @cached_property
    def _program_texts(self) -> dict[str, str]:
        """Return sources by mistake: a program runs its functions by itself, so the variant has the function's own name."""
        return {known.name: variant_text(self._right.text, self._mistakes, known) for known in self._known}

    def _explains_program(self, text: str, failure: Failure) -> bool:
        module = replace(self._right, text=text)
        return failure.explained_by(self._replays(failure.calls, module, failure.seed))

    def _replays(self, calls: Sequence[Call], module: Module, seed: int) -> Iterator[Call]:
        """Yield the same calls on another module, in order and in one worker, as the check made them."""
        with tempfile.TemporaryDirectory() if self._data else contextlib.nullcontext() as folder:
            transport, sources = InProcess(Path(folder) if folder else None), {**self._others, module.unit: module}
            submission = StudentModule(module, sources, transport, self._seconds, seed, data=self._data)
            yield from _replays(calls, submission)


def _uses_files(calls: Sequence[Call]) -> bool:
    """Return True if calls may read files that are there no longer than the check."""
    given = (leaf for call in calls for leaf in leaves([*call.args, *call.kwargs.values()]))
    return any(isinstance(leaf, Path) or (isinstance(leaf, str) and Path(leaf).is_absolute()) for leaf in given)


def _size(call: Call) -> int:
    """Return the bytes of what is large in an answer."""
    return sum(map(_bytes, leaves(call.value)))


def _bytes(value: object) -> int:
    if isinstance(value, Tensor | np.ndarray):
        return int(value.nbytes)
    if isinstance(value, Image.Image):
        return int(value.width * value.height * len(value.getbands()))
    return len(value) if isinstance(value, str | bytes) else 0


def of_function(function: str, calls: Sequence[Call]) -> list[Call]:
    """Return the calls of a function, those of objects, and those that have made an object which one of these uses."""
    kept: list[Call] = []
    used: set[int] = set()
    for call in reversed(calls):
        made = {each._handle.number for each in objects_in(call.value)}
        if _callable_of(call) == function or call.on is not None or call.program or made & used:
            kept.append(call)
            used |= {each._handle.number for each in _given(call)}
    return kept[::-1]


def objects_in(value: object) -> list[RemoteObject]:
    """Return the objects in a tree of values that stay with the worker."""
    return [each for each in leaves(value) if isinstance(each, RemoteObject)]


def _given(call: Call) -> list[RemoteObject]:
    """Return the objects that a call uses: the one that it is made on, and those among its arguments."""
    return objects_in([call.on, *call.args, *call.kwargs.values()])


def _callable_of(call: Call) -> str:
    """Return the function or the class of a call that is no object's."""
    return call.function.partition(".")[0]


def is_diagnosable(calls: Sequence[Call]) -> bool:
    """Return True if the function itself was called, and its calls can be made again."""
    return any(call.on is None for call in calls) and _replayable(calls)


def _replayable(calls: Sequence[Call]) -> bool:
    """Return True if every call came back, and each module that was used was sent or returned by an earlier call."""
    returned: set[int] = set()
    for call in calls:
        if any(_recipe(m) is None and m._handle.number not in returned for m in _given(call)):
            return False
        returned.update(each._handle.number for each in objects_in(call.value))
    return True


def _recipe(value: RemoteObject) -> Recipe | None:
    return value.recipe if isinstance(value, RemoteModule) else None


def _replays(calls: Sequence[Call], submission: StudentModule) -> Iterator[Call]:
    ours: dict[int, RemoteObject] = {}  # by the number that an object had there

    def object_here(value: RemoteObject) -> RemoteObject:
        number, recipe = value._handle.number, _recipe(value)
        if number not in ours and recipe is not None:
            ours[number] = submission.send(recipe)
        return ours[number]

    def here(value: object) -> object:
        return object_here(value) if isinstance(value, RemoteObject) else value

    for call in calls:
        count = len(submission.calls)
        try:
            args, kwargs = map_tree(here, call.args), map_tree(here, call.kwargs)
            on = object_here(call.on) if call.on is not None else None
            replay = submission.repeat(replace(call, args=args, kwargs=kwargs, on=on))
        except (AutograderError, KeyError):  # KeyError: a module that was returned there was not returned here
            made = submission.calls[-1] if len(submission.calls) > count else None
            yield replace(call, answer=NO_ANSWER, raised=made.raised if made is not None else ())
            continue
        for theirs, mine in zip(objects_in(call.value), objects_in(replay.value), strict=False):
            known = {value._handle.number for value in ours.values()}
            if (theirs._handle.number in ours) != (mine._handle.number in known):
                replay = replace(replay, answer=NO_ANSWER)  # one gave back what it was given, the other a new object
            else:
                ours.setdefault(theirs._handle.number, mine)
        yield replay


def _same_value(one: Call, other: Call) -> bool:
    if one.value is UNANSWERED or other.value is UNANSWERED:
        return one.value is other.value and one.raised[:1] == other.raised[:1]
    if other.printed and one.printed != other.printed:
        return False
    # Objects are the same where calls of them give the same.
    if isinstance(one.value, Program) and isinstance(other.value, Program):
        return _same_end(one.value, other.value)
    try:
        assert_close(_without_objects(one.value), _without_objects(other.value))
    except CheckFailed:
        return False
    return True


def _without_objects(value: object) -> object:
    """Return a value with the same text for every object in it."""
    return (
        map_tree(lambda each: _OBJECT if isinstance(each, RemoteObject) else each, value)
        if objects_in(value)
        else value
    )


def _same_in_all(one: Call, other: Call) -> bool:
    return _same_value(one, other) and _same_traces(one, other)


def _same_end(one: Program, other: Program) -> bool:
    """Return True if two runs of a program ended alike; of a traceback the last line counts, with what was raised."""
    ends = [(each.output, each.exit_code, each.files, each.error.splitlines()[-1:]) for each in (one, other)]
    return ends[0] == ends[1]


def _same_traces(one: Call, other: Call) -> bool:
    if differentiable(one) != differentiable(other):
        return False
    # Arguments may have other names in the student's hand; what happened to them is what counts.
    return len(one.changed) == len(other.changed) and traces(one) == traces(other)


def traces(call: Call) -> list[tuple[str, tuple[str, ...]]]:
    """Return the kinds and names of the side effects of a call."""
    return [(kind, names) for _, kind, names in call.left]


def differentiable(call: Call) -> list[bool]:
    """Return for each tensor of an answer if a gradient flows through it."""
    return [value.requires_grad for value in leaves(call.value) if isinstance(value, Tensor)]
