"""Compare the answers to a check's calls: a student's, the solution's, and those of a known mistake.

A criterion says what of a call is compared. Values and exceptions come first. If they do not tell the student's answers from
the solution's, side effects count as well, and then the order of a dict's keys; if the check has found fault with side effects
alone, only these count.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Literal

from autograder.checks.call import UNANSWERED, Call
from autograder.checks.compare import assert_close
from autograder.checks.objects import Program, RemoteObject, objects_in
from autograder.errors import CheckFailed
from autograder.libraries import Tensor
from autograder.worker.codec import map_tree
from autograder.worker.codec.message import leaves

#: Stands for an object that stays with the worker, in a value that is compared.
_OBJECT = "\0object"
#: What of a call counts: the value; also the side effects; also the order of keys; or the side effects alone.
Criterion = Literal["values", "all", "order", "side effects"]
VALUES: Criterion = "values"
ALL: Criterion = "all"
ORDER: Criterion = "order"
SIDE_EFFECTS: Criterion = "side effects"


def criterion_of(calls: Sequence[Call], right: Sequence[Call], *, by_value: bool) -> Criterion | None:
    """Return the criterion that tells a student's answers from the solution's; None if nothing does.

    Args:
        calls: the calls of a failed check, with what came back.
        right: the same calls with what the solution answers.
        by_value: False if the check found fault with side effects of a call alone.
    """

    def differ(same: Callable[[Call, Call], bool]) -> bool:
        return not all(map(same, calls, right))

    if not by_value:
        return SIDE_EFFECTS if differ(same_side_effects) else None
    if differ(same_value):
        return VALUES
    if differ(same_in_all):
        return ALL
    return ORDER if differ(same_in_order) else None


def same_by(criterion: Criterion, one: Call, other: Call) -> bool:
    """Return True if two calls are the same by a criterion."""
    same = {VALUES: same_value, ALL: same_in_all, ORDER: same_in_order, SIDE_EFFECTS: same_side_effects}[criterion]
    return same(one, other)


def same_value(one: Call, other: Call) -> bool:
    """Return True if two calls gave the same value and left the same in place, or raised an exception of the same class."""
    if one.value is UNANSWERED or other.value is UNANSWERED:
        return one.value is other.value and one.raised[:1] == other.raised[:1]
    # Prints are compared only if the other call prints too.
    if (other.printed and one.printed != other.printed) or one.written != other.written:
        return False
    if isinstance(one.value, Program) and isinstance(other.value, Program):
        return _same_end(one.value, other.value)
    try:
        assert_close(_comparable(one.value), _comparable(other.value))
        assert_close(one.answer.left, other.answer.left)
    except CheckFailed:
        return False
    return True


def same_in_all(one: Call, other: Call) -> bool:
    """Return True if two calls gave the same value, and had the same side effects."""
    return same_value(one, other) and same_side_effects(one, other)


def same_in_order(one: Call, other: Call) -> bool:
    """Return True if two calls gave the same value, with the keys of each dict in the same order, and had the same effects."""
    orders = [_orders([each.value, each.answer.left]) for each in (one, other)]
    return orders[0] == orders[1] and same_in_all(one, other)


def _orders(value: object) -> list[list[object]]:
    """Return the keys of each dict in a value, in their order."""
    if isinstance(value, dict):
        return [list(value), *_orders(list(value.values()))]
    parts = value if isinstance(value, list | tuple | deque) else ()
    return [keys for part in parts for keys in _orders(part)]


def same_side_effects(one: Call, other: Call) -> bool:
    """Return True if two calls had the same side effects."""
    if differentiable(one) != differentiable(other):
        return False
    # A student may give the arguments other names, so only their number is compared.
    return len(one.changed) == len(other.changed) and side_effects(one) == side_effects(other)


def side_effects(call: Call) -> list[tuple[str, tuple[str, ...]]]:
    """Return the kinds and names of the side effects of a call."""
    return [(kind, names) for _, kind, names in call.side_effects]


def differentiable(call: Call) -> list[bool]:
    """Return for each tensor of an answer if a gradient flows through it."""
    return [value.requires_grad for value in leaves(call.value) if isinstance(value, Tensor)]


def _comparable(value: object) -> object:
    """Return a value without what makes no difference: which objects are in it, and the order of an optimizer's groups."""
    groups = _rates(value)
    return _without_objects(value) if groups is None else groups


def _rates(value: object) -> list[tuple[float, Tensor | None]] | None:
    """Return the rate of each parameter in the groups of an optimizer, in an order that the values alone decide.

    A group without parameters gives its rate alone. None if the value is no list of groups.
    """
    if not isinstance(value, list) or not value:
        return None
    rates: list[tuple[float, Tensor | None]] = []
    for group in value:
        parameters, rate = (group.get("params"), group.get("lr")) if isinstance(group, dict) else (None, None)
        if not isinstance(parameters, list | tuple) or not isinstance(rate, float | int):
            return None
        if not all(isinstance(each, Tensor) and each.is_floating_point() for each in parameters):
            return None
        rates += [(float(rate), each) for each in parameters or [None]]
    return sorted(rates, key=_sort_key)


def _sort_key(entry: tuple[float, Tensor | None]) -> tuple[float, tuple[int, ...], float]:
    rate, parameter = entry
    return (rate, (), 0.0) if parameter is None else (rate, tuple(parameter.shape), float(parameter.detach().sum()))


def _without_objects(value: object) -> object:
    """Return a value with the same text for every object in it."""
    return (
        map_tree(lambda each: _OBJECT if isinstance(each, RemoteObject) else each, value)
        if objects_in(value)
        else value
    )


def _same_end(one: Program, other: Program) -> bool:
    """Return True if two runs of a program have the same output, exit code and files, and raised the same exception."""
    # The last line of a traceback names the exception; the lines above it differ with the code.
    ends = [(each.output, each.exit_code, each.files, each.error.splitlines()[-1:]) for each in (one, other)]
    return ends[0] == ends[1]
