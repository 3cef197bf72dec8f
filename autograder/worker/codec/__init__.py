"""Plain values to bytes and back: all that ever crosses between the grader and a student's code.

The list of types is closed: None, bool, int, float, str, bytes, list, tuple, dict, `Tensor`, `ndarray`, PIL image, `Path`,
`torch.Generator` (as its state), and two stand-ins for objects that stay where they are: `Handle` and `Recipe`. What comes
out is of exactly these types, so that no subclass with a comparison of its own gets through; a named tuple, a `defaultdict`
or a text of a class of its own goes in as the plain one that it is. There is no pickle.

A message is a msgpack header, a tree of nodes, followed by the raw bytes of its tensors, arrays and images in the order in
which the tree names them. A node is a plain scalar, or a list that starts with its tag. `decode` trusts nothing: every
length is checked against the bytes that are there before anything of that size is made.
"""

from autograder.worker.codec.decoding import decode
from autograder.worker.codec.encoding import encode, refuse
from autograder.worker.codec.message import Handle, Limits, Recipe, type_name

__all__ = ["Handle", "Limits", "Recipe", "decode", "encode", "refuse", "type_name"]
