"""Plain values to bytes and back: all that ever crosses between the grader and a student's code.

The list of types is closed: None, bool, int, float, str, bytes, list, tuple, the collections, numbers and dates of `plain`,
`Tensor`, `ndarray`, PIL image, `Path`, `torch.Generator` (as its state), a `Record` for a named tuple or a dataclass, a
`Member` for a member of an enumeration, a class of Python's own (to a worker alone, by its name), and stand-ins for objects
that stay where they are: `Handle`, `Callback` and `Recipe`. What comes out is of exactly these types, so that no subclass with
a comparison of its own gets through; a list or a text of a class of its own goes in as the plain one that it is. There is no
pickle.

A message is a msgpack header, a tree of nodes, followed by the raw bytes of its tensors, arrays and images in the order in
which the tree names them. A node is a plain scalar, or a list that starts with its tag. `decode` trusts nothing: every
length is checked against the bytes that are there before anything of that size is made.
"""

from autograder.worker.codec.decoding import decode
from autograder.worker.codec.encoding import NUMPY_SCALARS, TooLargeTree, encode, plain_tensor, refuse
from autograder.worker.codec.message import (
    BUILTIN_CLASSES,
    Callback,
    Handle,
    Limits,
    Member,
    Recipe,
    Record,
    is_record,
    leaves,
    map_tree,
    member_of,
    named_tuple_of,
    record_of,
    type_name,
    with_article,
)

__all__ = [
    "BUILTIN_CLASSES",
    "NUMPY_SCALARS",
    "Callback",
    "Handle",
    "Limits",
    "Member",
    "Recipe",
    "Record",
    "TooLargeTree",
    "decode",
    "encode",
    "is_record",
    "leaves",
    "map_tree",
    "member_of",
    "named_tuple_of",
    "plain_tensor",
    "record_of",
    "refuse",
    "type_name",
    "with_article",
]
