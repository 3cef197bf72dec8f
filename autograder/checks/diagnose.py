"""Compare a wrong answer with the known mistakes of its function.

A course keeps wrong variants in `solutions/mistakes/<unit>.py`, each with the sentence that a student should read:

    @mistake("total_variation", "Only neighbours side by side are counted.")
    def only_horizontal(images): ...

A mistake explains a failure where it gives, for every call that the check made, just what the student's function gave,
and where the solution gives something else for at least one of them. It is named only if no second one fits as well.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from autograder.checks.compare import assert_close
from autograder.checks.remote import (
    NO_ANSWER,
    UNANSWERED,
    Call,
    InProcess,
    Program,
    RemoteModule,
    RemoteObject,
    StudentModule,
)
from autograder.course.skeletons import split_at_start
from autograder.errors import AutograderError, CheckFailed
from autograder.submissions import Module, read_module
from autograder.worker.codec import Recipe

#: Stands in a submission in the place of the import of `mistake`.
_UNMARKED = "def mistake(*_, **__):\n    return lambda function: function\n"
_MARKED = "from autograder.diagnose import mistake\n"

Function = TypeVar("Function", bound=Callable[..., object])


@dataclass(frozen=True)
class Mistake:
    """A known wrong variant.

    Attributes:
        name: its own.
        function: the function of the unit that it is a variant of.
        sentence: what the student reads.
        varies: why it loses other points on other seeds, if it does.
    """

    name: str
    function: str
    sentence: str
    varies: str = ""


def mistake(function: str, sentence: str, *, varies: str = "") -> Callable[[Function], Function]:
    """Mark a function as a known mistake in `function` of its unit."""

    def marked(variant: Function) -> Function:
        variant.mistake = Mistake(variant.__name__, function, sentence, varies)  # type: ignore[attr-defined] # functions are open
        return variant

    return marked


def variant_text(solution: Path, variants: Path, variant: Mistake) -> str:
    """Return the source of a solution in which a variant from another file takes the place of the right function."""
    right, wrong = solution.read_text(encoding="utf-8"), variants.read_text(encoding="utf-8")
    return with_more(right, f"\n{wrong.replace(_MARKED, _UNMARKED)}\n{variant.function} = {variant.name}\n")


def with_more(source: str, more: str) -> str:
    """Return a source with more behind it, but before what it does when it is run as a program."""
    before, after = split_at_start(source)
    return before + more + after


def known_mistakes(path: Path) -> tuple[Mistake, ...]:
    """Return the mistakes that a file defines, in order; none if there is no file."""
    return _defined(path, path.stat().st_mtime_ns) if path.is_file() else ()


@lru_cache(maxsize=32)
def _defined(path: Path, _: int) -> tuple[Mistake, ...]:
    """Read once for each state of the file, not once for each check that fails."""
    namespace: dict[str, object] = {"__name__": path.stem}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), namespace)
    found = (getattr(value, "mistake", None) for value in namespace.values())
    return tuple(value for value in found if isinstance(value, Mistake))


def explain(
    calls: Sequence[Call], unit: str, mistakes: Path, solution: Path, seconds: float, *, by_value: bool, seed: int = 0
) -> Mistake | None:
    """Return the one known mistake that explains what came back, if there is exactly one.

    Args:
        calls: what a failed check has called, with what came back.
        unit: whose functions these are.
        mistakes: the unit's file of mistakes.
        solution: the unit's solution.
        seconds: the limit for each call.
        by_value: True if the check found fault with a value, False if with side effects of a call.
        seed: what the worker's random state started from, so that a module is made with the same first weights.
    """
    if not _replayable(calls):
        return None
    same = _same_value if by_value else _same_traces
    wrong, right = read_module(mistakes, unit), read_module(solution, unit)
    programs = any(call.program for call in calls)
    fitting = []
    for known in known_mistakes(mistakes):
        # A program runs its functions by itself: the variant stands in the solution under the function's own name.
        text = variant_text(solution, mistakes, known) if programs else wrong.text
        name = known.function if programs else known.name
        if _explains(known, name, _about(known.function, calls), replace(wrong, text=text), right, seconds, seed, same):
            fitting.append(known)
    return fitting[0] if len(fitting) == 1 else None


def _about(function: str, calls: Sequence[Call]) -> list[Call]:
    """Return the calls of a function, and those of the modules that were made or sent along with them."""
    return [call for call in calls if _called(call) == function or call.on is not None or call.program]


def _called(call: Call) -> str:
    """Return the function or the class of a call that is no object's."""
    return call.function.partition(".")[0]


def _replayable(calls: Sequence[Call]) -> bool:
    """Return True if every call came back, and each module that was used was sent or returned by an earlier call."""
    returned: set[int] = set()
    for call in calls:
        used = [value for value in (call.on, *call.args, *call.kwargs.values()) if isinstance(value, RemoteObject)]
        if call.value is UNANSWERED or any(_recipe(m) is None and m._handle.number not in returned for m in used):
            return False
        if isinstance(call.value, RemoteObject):
            returned.add(call.value._handle.number)
    return True


def _recipe(value: RemoteObject) -> Recipe | None:
    return value.recipe if isinstance(value, RemoteModule) else None


def _explains(
    known: Mistake,
    name: str,
    calls: Sequence[Call],
    wrong: Module,
    right: Module,
    seconds: float,
    seed: int,
    same: Callable[[Call, Call], bool],
) -> bool:
    if not any(_called(call) == known.function or call.program for call in calls):
        return False
    variants = [
        replace(call, function=name + call.function[len(known.function) :])
        if call.on is None and not call.program
        else call
        for call in calls
    ]
    if not all(map(same, calls, _replays(variants, wrong, seconds, seed))):
        return False
    return not all(map(same, calls, _replays(calls, right, seconds, seed)))


def _replays(calls: Sequence[Call], module: Module, seconds: float, seed: int) -> Iterator[Call]:
    """Yield the same calls on another module, in order and in one worker, as the check made them."""
    submission = StudentModule(module, {module.unit: module}, InProcess(), seconds, seed)
    ours: dict[int, RemoteObject] = {}  # by the number that an object had there

    def object_here(value: RemoteObject) -> RemoteObject:
        number, recipe = value._handle.number, _recipe(value)
        if number not in ours and recipe is not None:
            ours[number] = submission.send(recipe)
        return ours[number]

    def here(value: object) -> object:
        return object_here(value) if isinstance(value, RemoteObject) else value

    for call in calls:
        try:
            args, kwargs = tuple(map(here, call.args)), {key: here(value) for key, value in call.kwargs.items()}
            on = object_here(call.on) if call.on is not None else None
            replay = submission.repeat(replace(call, args=args, kwargs=kwargs, on=on))
        except (AutograderError, KeyError):  # KeyError: a module that was returned there was not returned here
            yield replace(call, answer=NO_ANSWER)
            continue
        theirs, mine = call.value, replay.value
        if isinstance(theirs, RemoteObject) and isinstance(mine, RemoteObject):
            known = {value._handle.number for value in ours.values()}
            if (theirs._handle.number in ours) != (mine._handle.number in known):
                replay = replace(replay, answer=NO_ANSWER)  # one gave back what it was given, the other a new object
            else:
                ours.setdefault(theirs._handle.number, mine)
        yield replay


def _same_value(one: Call, other: Call) -> bool:
    if isinstance(one.value, RemoteObject) and isinstance(other.value, RemoteObject):
        return True  # objects are the same where calls of them give the same
    if other.value is UNANSWERED or (other.printed and one.printed != other.printed):
        return False
    if isinstance(one.value, Program) and isinstance(other.value, Program):
        return _same_end(one.value, other.value)
    try:
        assert_close(one.value, other.value)
    except CheckFailed:
        return False
    return True


def _same_end(one: Program, other: Program) -> bool:
    """Return True if two runs of a program ended alike; of a traceback the last line counts, with what was raised."""
    ends = [(each.output, each.exit_code, each.files, each.error.splitlines()[-1:]) for each in (one, other)]
    return ends[0] == ends[1]


def _same_traces(one: Call, other: Call) -> bool:
    # Arguments may have other names in the student's hand; what happened to them is what counts.
    return len(one.changed) == len(other.changed) and _traces(one) == _traces(other)


def _traces(call: Call) -> list[tuple[str, tuple[str, ...]]]:
    return [(kind, names) for _, kind, names in call.left]
