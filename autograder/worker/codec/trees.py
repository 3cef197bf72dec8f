"""Walk over values: containers within containers, down to the parts that are none."""

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from typing import Any

from autograder.worker.codec.message import Record, is_record


def map_tree(change: Callable[[Any], Any], value: Any) -> Any:
    """Return a value with each part that is no container changed; the containers are made anew, each as it is.

    A `Record` is changed after its fields; what else is a named tuple or a dataclass is a part itself, and so is a set.
    """
    if isinstance(value, dict):
        return _mapping_like(value, {key: map_tree(change, item) for key, item in value.items()})
    if isinstance(value, list | tuple | deque) and not is_record(value):
        items = [map_tree(change, item) for item in value]
        if isinstance(value, deque):
            return deque(items, value.maxlen)
        return items if isinstance(value, list) else tuple(items)
    if type(value) is Record:
        fields = {name: map_tree(change, item) for name, item in value.fields.items()}
        return change(Record(value.type_name, fields, value.named_tuple))
    return change(value)


def _mapping_like(value: dict[Any, Any], items: dict[Any, Any]) -> dict[Any, Any]:
    if type(value) is defaultdict:
        return defaultdict(value.default_factory, items)
    return type(value)(items) if type(value) in (Counter, OrderedDict) else items


def leaves(value: Any) -> Iterator[Any]:
    """Yield the parts of a value that are no container. A container that holds itself is entered once."""
    waiting, entered = [value], set()
    while waiting:
        each = waiting.pop()
        if not isinstance(each, list | tuple | dict | deque | Record):
            yield each
        elif id(each) not in entered:
            entered.add(id(each))
            waiting += each.values() if isinstance(each, dict) else each
