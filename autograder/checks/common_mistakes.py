"""Mistakes that any function can have, and that no author has to list: an argument that is not used, a rounded answer.

Each is a variant of the solution: it gets other arguments, or its answer is changed. So what its sentence says of a
student's function is true of it, whatever its code may be. They are tried where no known mistake explains the failures.
"""

import itertools
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from autograder.checks.call import NO_ANSWER, UNANSWERED, Call
from autograder.checks.objects import RemoteObject
from autograder.checks.parameters import (
    Parameter,
    argument_of,
    in_training_mode,
    parameters_of,
    with_exchanged,
    with_step,
    without_argument,
)
from autograder.libraries import Tensor, np, torch
from autograder.worker.codec import map_tree
from autograder.worker.codec.message import leaves

#: Answers are rounded to fewer decimals than these.
_DECIMALS = 5
#: A common mistake is named if at least so many numbers show it: a single one may be so by chance.
ENOUGH = 2
#: What torch says of a call that would change in place the argument that it is differentiated by.
_LEAF = "leaf Variable that requires grad is being used in an in-place operation"
#: Only so many first parameters of a function are looked at.
_PARAMETERS = 8


@dataclass(frozen=True)
class CommonMistake:
    """A variant of the solution.

    Attributes:
        name: the name of the mistake.
        sentence: what a student reads.
        change: returns the solution's call with the answer that this mistake gives. It gets the student's call, the
            solution's, and the solution's first one.
        ask: turns the student's call into another one, which the solution answers; used if there is no `change`.
        evidence: number of wrong numbers that it takes to name this mistake.
    """

    name: str
    sentence: str
    change: Callable[[Call, Call, Call], Call] | None = None
    ask: Callable[[Call], Call] | None = None
    evidence: int = ENOUGH


def common_mistakes(function: str, solution: str, calls: Sequence[Call]) -> dict[str, CommonMistake]:
    """Return the common mistakes of a function, by names that no known mistake has.

    Args:
        function: its name.
        solution: source of the module that has the right one.
        calls: the calls of the student's function, with what came back; side effects that none of them has are no mistake
            of it.
    """
    parameters = parameters_of(function, solution)[:_PARAMETERS]
    seen = (*_side_effect_mistakes(calls), *_refusal_mistakes(parameters))
    found = (*seen, *_answer_mistakes(), *_length_mistakes(parameters), *_argument_mistakes(parameters))
    return {f"any function: {each.name}": each for each in found}


def evidence(theirs: Call, right: Call) -> int:
    """Return how many numbers and texts of a student's answer are other than the solution's.

    An answer of another type, an error of another kind, or an answer beside none cannot come by chance: each counts as
    `ENOUGH`.
    """
    if theirs.value is UNANSWERED or right.value is UNANSWERED:
        return ENOUGH if theirs.value is not right.value or theirs.raised[:1] != right.raised[:1] else 0
    given, ours = list(leaves(theirs.value)), list(leaves(right.value))
    if len(ours) != len(given):
        return max(len(ours), len(given))
    return sum(itertools.starmap(_count_differences, zip(given, ours, strict=True)))


def _count_differences(one: object, other: object) -> int:
    if isinstance(one, Tensor) != isinstance(other, Tensor):
        return ENOUGH
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        same_kind = one.shape == other.shape and one.dtype == other.dtype and one.layout == other.layout
        if not same_kind:
            return max(one.numel(), other.numel())
        nan_in_both = (one != one) & (other != other)
        return int(((one != other) & ~nan_in_both).sum())
    remote = isinstance(one, RemoteObject) or isinstance(other, RemoteObject)  # whose repr is the student's code
    return int(not remote and repr(one) != repr(other))


# --- what a call leaves behind


def _side_effect_mistakes(calls: Sequence[Call]) -> Iterator[CommonMistake]:
    """Yield mistakes that show in side effects of a call, in its gradient, or in an error that is missing or another one."""
    for argument in dict.fromkeys(name for call in calls for name in call.changed):
        yield CommonMistake(
            f"changes_{argument}",
            f"{argument} itself is changed: +=, *=, x[...] = and methods whose names end in _ write into what was given; "
            "make something new of it, or work on a copy.",
            partial(_change_argument, argument),
        )
    for argument, kind in dict.fromkeys(each[:2] for call in calls for each in call.side_effects):
        if kind in _LEFT_BEHIND:
            yield CommonMistake(
                f"leaves_{kind.replace(' ', '_')}",
                _LEFT_BEHIND[kind](argument),
                partial(_leave_side_effect, argument, kind),
            )
    yield CommonMistake(
        "cuts_the_gradient",
        "No gradient flows through the answer: .item(), .tolist(), .detach(), .data, torch.tensor(...), NumPy and "
        "torch.no_grad() all cut it; compute with the tensors themselves.",
        _cut_gradient,
    )
    yield CommonMistake(
        "keeps_the_gradient",
        "The answer still requires gradients, and holds on to all that it was computed from; detach() it at the end.",
        lambda theirs, right, first: _with(right, value=map_tree(_require_gradients, right.value)),
    )
    yield CommonMistake(
        "refuses_nothing",
        "What the function must refuse goes through; check the arguments first, and raise the error before anything "
        "is computed.",
        lambda theirs, right, first: theirs if right.raised and theirs.value is not UNANSWERED else right,
    )
    yield CommonMistake(
        "raises_another_error",
        "What the function must refuse ends in another error than the docstring names: look for it first, and raise that "
        "one; `assert` raises AssertionError, and a library its own errors.",
        lambda theirs, right, first: theirs if right.raised and theirs.raised else right,
    )
    yield CommonMistake(
        "has_no_number_for_a_gradient",
        "The gradient is nan or infinite at some places: a root, a logarithm or a division meets 0 there, and "
        "torch.where(...) passes on the gradient of what it does not take too; keep 0 away before that.",
        _ignore_undefined,
    )


#: By the kind of a side effect: returns the sentence on it, given the argument that has it.
_LEFT_BEHIND: dict[str, Callable[[str], str]] = {
    "training mode": lambda argument: (
        f"{argument} has another mode after the call; note the mode of each submodule first, and give each its own back."
    ),
    "requires_grad": lambda argument: (
        f"requires_grad of {argument} is another one after the call; put back what you change, or use torch.no_grad(), "
        "which changes no parameter."
    ),
    "gradients": lambda argument: (
        f"Gradients are left on {argument}: backward() adds to those of every parameter; torch.autograd.grad(loss, x) "
        "gives the one gradient that you need."
    ),
    "hooks": lambda argument: (
        f"A hook is left on {argument}; remove it in a `finally`, so that it goes when the forward pass raises too."
    ),
    "random state": lambda _: (
        "The global random state is another one after the call, for everything that draws from it later: seed and draw "
        "from a torch.Generator() of your own, or, if nothing random is asked for, leave it alone."
    ),
    "gradients switched off": lambda _: (
        "Gradients stay switched off after the call, for all that follows: torch.set_grad_enabled(False) lasts, and "
        "`with torch.no_grad():` ends by itself."
    ),
}


def _change_argument(argument: str, theirs: Call, right: Call, first: Call) -> Call:
    """Return the solution's call with one argument changed that it leaves alone; torch refuses to change a leaf."""
    if theirs.of is not None and any(_LEAF in words for words in theirs.raised):
        return theirs
    return _with(right, changed=tuple(each for each in theirs.changed if each == argument or each in right.changed))


def _leave_side_effect(argument: str, kind: str, theirs: Call, right: Call, first: Call) -> Call:
    """Return the solution's call with the student's side effects of one kind on one argument, and no others."""
    return _with(right, side_effects=tuple(each for each in theirs.side_effects if each[:2] == (argument, kind)))


def _cut_gradient(theirs: Call, right: Call, first: Call) -> Call:
    """Return the solution's call; if the student's gradient did not come back, without an answer."""
    cut = theirs.of is not None and theirs.value is UNANSWERED and not theirs.raised
    return replace(right, answer=NO_ANSWER) if cut else right


def _ignore_undefined(theirs: Call, right: Call, first: Call) -> Call:
    """Return the solution's call with a student's gradient at the places at which that is no finite number."""
    given, ours = theirs.value, right.value
    if theirs.of is None or not isinstance(given, Tensor) or not isinstance(ours, Tensor) or given.shape != ours.shape:
        return right
    return _with(right, value=torch.where(given.isfinite(), ours, given))


def _require_gradients(value: Any) -> Any:
    floating = isinstance(value, Tensor) and value.is_floating_point()
    return value.detach().clone().requires_grad_() if floating else value


def _with(right: Call, **facts: Any) -> Call:
    """Return the solution's call with other facts in its answer; one that has raised an error stays as it is."""
    return right if right.value is UNANSWERED else replace(right, answer=replace(right.answer, **facts))


# --- other answers


def _answer_mistakes() -> Iterator[CommonMistake]:
    """Yield mistakes that change the right answer: it is in percent, rounded, or of another type."""
    for name, (sentence, change) in _ANSWERS.items():
        yield CommonMistake(
            name, sentence, partial(_answer_with, change), evidence=1 if name in _BY_ONE_NUMBER else ENOUGH
        )
    yield CommonMistake(
        "repeats_the_first_answer",
        "Every call gives the answer of the first one: something is kept from call to call, in a global, a default or an "
        "attribute.",
        lambda theirs, right, first: right if first.value is UNANSWERED else _with(right, value=first.value),
    )
    yield CommonMistake(
        "goes_beyond_the_range",
        "Some values go beyond the range that the right answer keeps to, and all others are right: cut them off at its "
        "lower and its upper end.",
        _exceed_range,
    )
    yield CommonMistake(
        "gives_another_type",
        "The answer is right but for its type: the docstring says what comes back, as a float, a list, or a tensor of "
        "which dtype.",
        lambda theirs, right, first: _with(right, value=_convert_type(theirs.value, right.value)),
    )
    for decimals in range(_DECIMALS):
        yield CommonMistake(
            f"rounds_to_{decimals}_decimals",
            f"The answer is rounded to {decimals} decimals; leave that to whoever prints it.",
            partial(_answer_with, partial(_on_floats, partial(_round, decimals))),
        )


def _exceed_range(theirs: Call, right: Call, first: Call) -> Call:
    """Return the solution's call, with a student's values where the right ones are at an end of their range."""
    given, ours = theirs.value, right.value
    if not isinstance(given, Tensor) or not isinstance(ours, Tensor) or not ours.is_floating_point():
        return right
    if given.shape != ours.shape or given.dtype != ours.dtype or ours.numel() == 0:
        return right
    low, high = ours.aminmax()
    beyond = ((ours == low) & (given < low)) | ((ours == high) & (given > high))
    # Several equal values at an end of the range show that the right answer cuts values off there; a single one does not.
    cut = low < high and all(int((ours == end).sum()) > 1 for end in (low, high) if ((ours == end) & beyond).any())
    return _with(right, value=torch.where(beyond, given, ours)) if cut else right


def _convert_type(theirs: Any, right: Any) -> Any:
    """Return the right answer in the type of a student's, if a value of one can stand for a value of the other."""
    if isinstance(theirs, list | tuple) and isinstance(right, list | tuple) and len(theirs) == len(right):
        return type(theirs)(map(_convert_type, theirs, right)) if type(theirs) in (list, tuple) else right
    if not isinstance(theirs, Tensor):
        number = isinstance(right, Tensor) and right.numel() == 1 and isinstance(theirs, int | float)
        return type(theirs)(right.item()) if number else right
    if isinstance(right, Tensor):
        return right.to(theirs.dtype) if theirs.shape == right.shape else right
    whole = isinstance(right, int | float) and theirs.numel() == 1
    return torch.full(theirs.shape, right, dtype=theirs.dtype) if whole else right


def _answer_with(change: Callable[[Any], Any], theirs: Call, right: Call, first: Call) -> Call:
    return _with(right, value=change(right.value))


def _on_floats(change: Callable[[Any], Any], value: Any) -> Any:
    """Return a value with its floats changed, and its tensors of floats."""

    def changed(leaf: Any) -> Any:
        if isinstance(leaf, Tensor):
            return change(leaf) if leaf.is_floating_point() else leaf
        return change(leaf) if isinstance(leaf, float | np.floating) else leaf

    return map_tree(changed, value)


def _on_tensors(change: Callable[[Tensor], Tensor], value: Any) -> Any:
    return map_tree(lambda leaf: change(leaf) if isinstance(leaf, Tensor) else leaf, value)


def _round(decimals: int, number: Any) -> Any:
    """Return a number or tensor rounded; of shares none is rounded to a whole number, as 0 and 1 come by other mistakes."""
    if decimals == 0 and bool((abs(number) < 1.5).all() if isinstance(number, Tensor) else abs(number) < 1.5):
        return number
    return torch.round(number, decimals=decimals) if isinstance(number, Tensor) else round(number, decimals)


def _root(number: Any) -> Any:
    return number**0.5 if isinstance(number, Tensor) or number >= 0 else number


def _reverse(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.flip(0) if value.dim() else value
    return value[::-1] if isinstance(value, list | tuple) else value


#: Mistakes that one number is enough to show: no number is a hundred times another by chance.
_BY_ONE_NUMBER = ("gives_percent",)
#: By the name of a mistake: its sentence, and what makes its answer of the right one.
_ANSWERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "gives_percent": (
        "The answer is in percent, a hundred times what is asked for.",
        partial(_on_floats, lambda number: number * 100),
    ),
    "changes_the_sign": ("The answer has the other sign.", partial(_on_floats, lambda number: -number)),
    "gives_the_rest_to_one": (
        "This is one minus what is asked for.",
        partial(_on_floats, lambda number: 1 - number),
    ),
    "doubles": ("The answer is twice what is asked for.", partial(_on_floats, lambda number: number * 2)),
    "halves": ("The answer is half of what is asked for.", partial(_on_floats, lambda number: number / 2)),
    "leaves_a_root_out": (
        "The answer is the square of what is asked for; a root is missing.",
        partial(_on_floats, lambda number: number * number),
    ),
    "takes_a_root": (
        "The answer is the root of what is asked for; one is taken too often.",
        partial(_on_floats, _root),
    ),
    "exchanges_the_axes": (
        "The last two axes of the answer are exchanged: height and width, or rows and columns.",
        partial(_on_tensors, lambda tensor: tensor.mT if tensor.dim() > 1 else tensor),
    ),
    "reverses_the_order": ("The answer is right but for its order, which runs backwards.", _reverse),
    "gives_float64": (
        "The answer is float64, as NumPy and plain numbers have it; give it the dtype of the tensor that came in.",
        partial(_on_tensors, lambda tensor: tensor.double() if tensor.is_floating_point() else tensor),
    ),
}


def _length_mistakes(parameters: Sequence[Parameter]) -> Iterator[CommonMistake]:
    """Yield mistakes that scale the answer by the length of an argument, or give the argument itself back."""
    for parameter in parameters:
        name = parameter.name
        yield CommonMistake(
            f"multiplies_by_the_length_of_{name}",
            f"The answer is too large by the length of {name}: a mean is asked for, and this is the sum.",
            partial(_scale_by_length, parameter, operator.mul),
        )
        yield CommonMistake(
            f"divides_by_the_length_of_{name}",
            f"The answer is too small by the length of {name}: a sum is asked for, and this is the mean.",
            partial(_scale_by_length, parameter, operator.truediv),
        )
        yield CommonMistake(f"gives_{name}_back", f"{name} comes back as it was given.", partial(_give_back, parameter))


def _refusal_mistakes(parameters: Sequence[Parameter]) -> Iterator[CommonMistake]:
    """Yield the mistake of a function that refuses what is allowed.

    An error of the function's own is known by its words: they name an argument, and those of a library do not.
    """
    names = re.compile(rf"\b(?:{'|'.join(parameter.name for parameter in parameters)})\b")

    def refusing(theirs: Call, right: Call, first: Call) -> Call:
        own = theirs.raised[:1] == ("ValueError",) and names.search(" ".join(theirs.raised[1:])) is not None
        return theirs if own and not right.raised else right

    if parameters:
        yield CommonMistake(
            "refuses_what_is_allowed",
            "A ValueError is raised for arguments that are allowed: see in the docstring which ones are to be refused.",
            refusing,
        )


def _scale_by_length(
    parameter: Parameter, scale: Callable[[Any, int], Any], theirs: Call, right: Call, first: Call
) -> Call:
    value = argument_of(theirs, parameter)
    sized = isinstance(value, list | tuple) or (isinstance(value, Tensor) and value.dim() > 0)
    length = len(value) if sized else 1
    return _with(right, value=_on_floats(lambda number: scale(number, length or 1), right.value))


def _give_back(parameter: Parameter, theirs: Call, right: Call, first: Call) -> Call:
    given = argument_of(theirs, parameter)
    return right if given is None else _with(right, value=given)


# --- other arguments


def _argument_mistakes(parameters: Sequence[Parameter]) -> Iterator[CommonMistake]:
    """Yield mistakes that give the right answer for other arguments."""
    for parameter in parameters:
        name = parameter.name
        if parameter.default:
            yield CommonMistake(
                f"ignores_{name}",
                f"{name} is not used: the answer is always that for {parameter.default}.",
                ask=partial(without_argument, parameter, parameters),
            )
        yield CommonMistake(
            f"takes_one_more_of_{name}",
            f"This is the answer for {name} + 1: it is counted one too far.",
            ask=partial(with_step, parameter, 1),
        )
        yield CommonMistake(
            f"takes_one_less_of_{name}",
            f"This is the answer for {name} - 1: it is counted one too short.",
            ask=partial(with_step, parameter, -1),
        )
    yield CommonMistake(
        "works_in_training_mode",
        "The model works in training mode: there dropout drops, and batch norm takes the statistics of the batch and "
        "changes its own; have it in eval mode while it is used.",
        ask=in_training_mode,
    )
    for first, second in itertools.pairwise(parameters):
        yield CommonMistake(
            f"exchanges_{first.name}_and_{second.name}",
            f"{first.name} and {second.name} are exchanged: each is used as if it were the other.",
            ask=partial(with_exchanged, first, second),
        )
