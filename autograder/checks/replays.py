"""The calls of a check, and how they are made again on another module than the student's."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from autograder.checks.call import NO_ANSWER, Call
from autograder.checks.crossing import SentModule, is_temporary
from autograder.checks.objects import RemoteModule, RemoteObject, objects_in
from autograder.checks.remote import StudentModule
from autograder.errors import AutograderError
from autograder.libraries import Image, Tensor, np
from autograder.worker.codec import Recipe, map_tree
from autograder.worker.codec.message import leaves


@dataclass(frozen=True, eq=False)
class CheckCalls:
    """Calls of one check, with what came back.

    Attributes:
        calls: in order.
        seed: what the worker's random state started from, so that a module is made with the same first weights.
        seconds: how long the check took.
        by_value: False if the check has found fault with side effects of a call alone; True for a value or an exception.
        recognised: the name of the mistake that the check itself has recognised, if any.
    """

    calls: Sequence[Call]
    seed: int = 0
    seconds: float = 0.0
    by_value: bool = True
    recognised: str = ""

    def of_function(self, function: str) -> "CheckCalls":
        """Return the calls of a function, the calls of objects, and the calls that made the objects which any of these use."""
        kept: list[Call] = []
        used: set[int] = set()
        for call in reversed(self.calls):
            made = {each._handle.number for each in objects_in(call.value)}
            if callable_of(call) == function or call.on is not None or call.program or made & used:
                kept.append(call)
                used |= {each._handle.number for each in _objects_used(call)}
        return replace(self, calls=kept[::-1])

    @property
    def diagnosable(self) -> bool:
        """Return True if the function itself was called, and its calls can be made again."""
        return any(call.on is None for call in self.calls) and _replayable(self.calls)

    @property
    def uses_files(self) -> bool:
        """Return True if the calls may read files that are there no longer than the check."""
        given = (leaf for call in self.calls for leaf in leaves([*call.args, *call.kwargs.values()]))
        return any(map(is_temporary, given))


def callable_of(call: Call) -> str:
    """Return the function or the class of a call that is no object's."""
    return call.function.partition(".")[0]


def size_of_answers(calls: Sequence[Call]) -> int:
    """Return the bytes of what is large in the answers."""
    return sum(_bytes(leaf) for call in calls for leaf in leaves(call.value))


def size_of(calls: Sequence[Call]) -> int:
    """Return the bytes of what is large in the arguments and the answers."""
    given = (leaf for call in calls for leaf in leaves([*call.args, *call.kwargs.values()]))
    return size_of_answers(calls) + sum(map(_bytes, given))


def replays(calls: Sequence[Call], submission: StudentModule) -> Iterator[Call]:
    """Yield the calls as they end on another module, in order. A call that fails there has no answer."""
    ours: dict[int, RemoteObject] = {}  # by the number of the object in the recorded calls

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
        except (AutograderError, KeyError):  # KeyError: this module has not returned an object that the other one did
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


def _replayable(calls: Sequence[Call]) -> bool:
    """Return True if every call came back, and each module that was used was sent or returned by an earlier call."""
    returned: set[int] = set()
    for call in calls:
        if any(_recipe(m) is None and m._handle.number not in returned for m in _objects_used(call)):
            return False
        returned.update(each._handle.number for each in objects_in(call.value))
    return True


def _objects_used(call: Call) -> list[RemoteObject]:
    """Return the objects that a call uses: the one that it is made on, and those among its arguments."""
    return objects_in([call.on, *call.args, *call.kwargs.values()])


def _recipe(value: RemoteObject) -> Recipe | None:
    return value.recipe if isinstance(value, RemoteModule) else None


def _bytes(value: object) -> int:
    if isinstance(value, SentModule):
        return sum(map(_bytes, value.recipe.state.values()))
    if isinstance(value, Tensor | np.ndarray):
        return int(value.nbytes)
    if isinstance(value, Image.Image):
        return int(value.width * value.height * len(value.getbands()))
    return len(value) if isinstance(value, str | bytes) else 0
