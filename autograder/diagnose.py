"""A wrong answer held against the known mistakes of its function.

A course keeps wrong variants in `solutions/mistakes/<unit>.py`, each with the sentence that a student should read:

    @mistake("total_variation", "Only neighbours side by side are counted.")
    def only_horizontal(images): ...

A mistake explains a failure where it gives, for every call that the check made, just what the student's function gave,
and where the solution gives something else for at least one of them. It is named only if no second one fits as well.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from autograder.compare import assert_close
from autograder.errors import AutograderError, CheckFailed
from autograder.source import Module, read_module
from autograder.submission import UNANSWERED, Call, InProcess, RemoteModule, Submission

Function = TypeVar("Function", bound=Callable[..., object])


@dataclass(frozen=True)
class Mistake:
    """A known wrong variant: its name, the function it is a variant of, and the sentence for the student."""

    name: str
    function: str
    sentence: str


def mistake(function: str, sentence: str) -> Callable[[Function], Function]:
    """Marks a function as a known mistake in `function` of its unit."""

    def marked(variant: Function) -> Function:
        variant.mistake = Mistake(variant.__name__, function, sentence)  # type: ignore[attr-defined]
        return variant

    return marked


def known_mistakes(path: Path) -> tuple[Mistake, ...]:
    """The mistakes that a file defines, in order; none where there is no file."""
    if not path.is_file():
        return ()
    namespace: dict[str, object] = {"__name__": path.stem}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), namespace)
    found = (getattr(value, "mistake", None) for value in namespace.values())
    return tuple(value for value in found if isinstance(value, Mistake))


def explain(
    calls: Sequence[Call], unit: str, mistakes: Path, solution: Path, seconds: float, *, by_value: bool
) -> Mistake | None:
    """The one known mistake that explains what came back, if there is exactly one.

    Args:
        calls: what a failed check has called, with what came back.
        unit: whose functions these are.
        mistakes: the unit's file of mistakes.
        solution: the unit's solution.
        seconds: the limit for each call.
        by_value: whether the check found fault with a value, or else with what a call has left behind.
    """
    if not all(_replayable(call) for call in calls):
        return None
    same = _same_value if by_value else _same_traces
    wrong, right = read_module(mistakes, unit), read_module(solution, unit)
    fitting = [
        known
        for known in known_mistakes(mistakes)
        if _explains(known, [call for call in calls if call.function == known.function], wrong, right, seconds, same)
    ]
    return fitting[0] if len(fitting) == 1 else None


def _replayable(call: Call) -> bool:
    remote = any(isinstance(value, RemoteModule) for value in (*call.args, *call.kwargs.values()))
    return call.value is not UNANSWERED and not remote


def _explains(
    known: Mistake,
    calls: Sequence[Call],
    wrong: Module,
    right: Module,
    seconds: float,
    same: Callable[[Call, Call], bool],
) -> bool:
    replays = ((call, _replay(replace(call, function=known.name), wrong, seconds)) for call in calls)
    if not all(same(call, replay) for call, replay in replays):
        return False
    return any(not same(call, _replay(call, right, seconds)) for call in calls)


def _replay(call: Call, module: Module, seconds: float) -> Call:
    submission = Submission(module, {module.unit: module}, InProcess(), seconds, seed=0)
    try:
        return submission.repeat(call)
    except AutograderError:
        return replace(call, value=UNANSWERED)


def _same_value(one: Call, other: Call) -> bool:
    if other.value is UNANSWERED:
        return False
    try:
        assert_close(one.value, other.value)
    except CheckFailed:
        return False
    return True


def _same_traces(one: Call, other: Call) -> bool:
    # Arguments may have other names in the student's hand; what happened to them is what counts.
    return len(one.changed) == len(other.changed) and _traces(one) == _traces(other)


def _traces(call: Call) -> list[tuple[str, tuple[str, ...]]]:
    return [(kind, names) for _, kind, names in call.left]
