import math
import random
import string
import subprocess
import sys
from pathlib import Path, PurePosixPath, PureWindowsPath

import msgpack
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from autograder.compare import assert_equal
from autograder.errors import MalformedMessage, RefusedValue
from autograder.worker.codec import Handle, Limits, Recipe, decode, encode
from autograder.worker.codec.decoding import READERS
from autograder.worker.codec.message import DTYPES, MAGIC, PREFIX

ROOT = Path(__file__).parents[3]

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.text(alphabet=string.ascii_letters).map(lambda text: Path(text or "."))
)
keys = st.text() | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.none()
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(keys, inner),
    max_leaves=20,
)


@given(values)
def test_plain_values_come_back_with_their_types(value):
    back = decode(encode(value))
    assert back == value
    assert repr(back) == repr(value)


@pytest.mark.parametrize("path", [Path("a/b"), PurePosixPath("a/b"), PureWindowsPath("C:/a")])
def test_paths_may_be_keys_and_lie_in_sets(path):
    for value in ({path: 1}, {path}, frozenset({(path, 1)})):
        assert decode(encode(value)) == value


KINDS = [
    torch.bool,
    torch.uint8,
    torch.int64,
    torch.float16,
    torch.bfloat16,
    torch.float32,
    torch.float64,
    torch.complex64,
]


@pytest.mark.parametrize("dtype", KINDS, ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 3), (2, 0, 3), (1, 2, 1)], ids=str)
def test_tensors_come_back(dtype, shape):
    tensor = (torch.rand(shape) * 10).to(dtype)
    assert_equal(decode(encode(tensor)), tensor)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.arange(24.0).reshape(2, 3, 4).permute(2, 0, 1),
        torch.arange(5.0).expand(3, 5),
        torch.arange(6)[::2],
        torch.tensor([1 + 2j]).conj(),
        torch.arange(4).reshape(2, 2)[:1, 1:],
    ],
    ids=["permuted", "expanded", "strided", "conjugated", "corner"],
)
def test_views_come_back_as_what_they_show(tensor):
    assert_equal(decode(encode(tensor)), tensor.clone())


def test_a_tensor_keeps_that_it_requires_gradients():
    assert decode(encode(torch.zeros(2).requires_grad_())).requires_grad
    assert not decode(encode(torch.zeros(2))).requires_grad
    assert not decode(encode(torch.zeros(2).requires_grad_(), grad=False)).requires_grad


@pytest.mark.parametrize("array", [np.arange(6.0).reshape(2, 3).T, np.zeros((0, 2), "u1"), np.array(3)], ids=str)
def test_arrays_come_back(array):
    back = decode(encode(array))
    assert back.dtype == array.dtype and back.shape == array.shape and (back == array).all()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I", "F"])
def test_images_come_back(mode):
    image = Image.radial_gradient("L").resize((9, 5)).convert(mode)
    back = decode(encode(image))
    assert (back.mode, back.size, back.tobytes()) == (image.mode, image.size, image.tobytes())
    assert back.convert("RGB").tobytes() == image.convert("RGB").tobytes()


def test_a_generator_goes_on_where_it_was():
    generator = torch.Generator().manual_seed(3)
    torch.rand(5, generator=generator)
    back = decode(encode(generator))
    assert_equal(torch.rand(4, generator=back), torch.rand(4, generator=generator))


def test_stand_ins_come_back():
    assert decode(encode(Handle(3, "Linear"))) == Handle(3, "Linear")
    recipe = Recipe("data:load_model", {"name": "tiny"}, {}, ["", "head"], ["head.weight"])
    assert decode(encode(recipe)) == recipe


class Liar(torch.Tensor):
    pass


class AlwaysEqual(float):
    __hash__ = float.__hash__

    def __eq__(self, other):
        return True


class AlwaysSmall(int):
    def __pos__(self):
        return 0

    __int__ = __index__ = bit_length = __pos__


@pytest.mark.parametrize("value", [AlwaysEqual(2.0), AlwaysSmall(2)])
def test_a_number_of_a_class_of_its_own_crosses_as_what_it_holds(value):
    for whole in (value, [value], {value: value}, {value}):
        back = decode(encode(whole))
        number = back if whole is value else next(iter(back))
        assert type(number) in (int, float) and number == 2 and number != 1


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (Liar(), "Liar"),
        ((number for number in ()), r"a generator, expected a list: list\(...\) makes one of it"),
        ({}.keys(), "a dict_keys, expected a list"),
        (lambda: None, "a function, expected what it gives: call it"),
        (torch.zeros(2).sum, "method, expected what it gives: call it"),
        (torch.nn.Linear, "the class Linear itself"),
        ({torch.zeros(1): 2}, "Tensor"),
        (np.array([object()]), "object"),
        (torch.zeros(2).to_sparse(), "sparse"),
        (torch.zeros(2, device="meta"), "meta"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_other_types_are_refused_by_name(value, name):
    with pytest.raises(RefusedValue, match=name):
        encode([value])


def test_an_endless_nesting_is_refused():
    loop = []
    loop.append(loop)
    with pytest.raises(RefusedValue, match="levels deep"):
        encode(loop)


def test_depth_is_bounded_on_both_sides():
    def nested(depth):
        return [] if depth == 0 else [nested(depth - 1)]

    assert decode(encode(nested(32))) == nested(32)
    with pytest.raises(RefusedValue):
        encode(nested(33))


def test_size_is_bounded_on_both_sides():
    limits = Limits(bytes=5000)
    assert decode(encode(torch.zeros(1000), limits=limits), limits).shape == (1000,)
    with pytest.raises(RefusedValue, match="bytes"):
        encode(torch.zeros(2000), limits=limits)
    with pytest.raises(MalformedMessage, match="limit"):
        decode(encode(torch.zeros(2000)), limits)


def test_a_value_that_is_too_large_is_refused_before_it_is_copied():
    """One number, seen as a terabyte."""
    huge = torch.zeros(1).expand(2**38)
    with pytest.raises(RefusedValue, match="a value of 1,099,511,627,776 bytes, more than the 268,435,456 allowed"):
        encode(huge)
    with pytest.raises(RefusedValue, match="a value of 1,099,511,627,776 bytes"):
        encode(np.broadcast_to(np.zeros(1, dtype=np.float32), (2**38,)))


def test_a_message_too_large_beside_its_tensors_names_that_limit():
    limits = Limits(header_bytes=1000)
    assert decode(encode("x" * 900, limits=limits), limits) == "x" * 900
    with pytest.raises(RefusedValue, match=r"beside its tensors, more than the 1,000 allowed"):
        encode("x" * 1000, limits=limits)


def forged(node, body=b""):
    header = msgpack.packb(node)
    return PREFIX.pack(MAGIC, len(header), len(body)) + header + body


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"garbage that is longer than a prefix",
        forged(["tensor", "float32", [2**40, 2**40], False, 0]),
        forged(["tensor", "float32", [0, 2**62], False, 0]),
        forged(["tensor", "float32", [-1], False, 0]),
        forged(["tensor", "float32", [2], False, 8], b"1234"),
        forged(["tensor", "float32", [1], False, 4], b"12345678"),
        forged(["tensor", "object", [1], False, 8], b"12345678"),
        forged(["tensor", "float32", 7, False, 4], b"1234"),
        forged(["array", "O", [1], 8], b"12345678"),
        forged(["array", "f8,f8", [1], 16], b"1234567812345678"),
        forged(["image", "RGB", [2**20, 2**20], b"", 4], b"1234"),
        forged(["image", "XYZ", [1, 1], b"", 4], b"1234"),
        forged(["dict", [[["list", []], 1]]]),
        forged(["dict", [[1]]]),
        forged(["dict", [["a", 1], ["a", 2]]]),
        forged(["dict", [[1, 1], [True, 2]]]),
        forged(["dict", [[2**63, 1]]]),
        forged({}),
        forged(msgpack.ExtType(1, b"")),
        forged(msgpack.Timestamp(1, 2)),
        forged(["array", None, [1], 8], b"12345678"),
        forged(["array", "|b1", [2], 2], b"\1\2"),
        forged(["tensor", "bool", [2], False, 2], b"\1\xff"),
        forged(["image", "P", [1, 1], 7, 1], b"1"),
        forged(["image", "L", [-1, -1], b"", 1], b"1"),
        forged(["handle", -1, "Linear", "module"]),
        forged(["handle", True, "Linear", "module"]),
        forged(["handle", 1, "Linear", "code"]),
        forged(["record", "Point", True, [["x", 1], ["x", 2]]]),
        forged(["set", [1, True]]),
        forged(["set", [["list", []]]]),
        forged(["set", [["int", hex(i * (2**61 - 1))] for i in range(60)]]),
        forged(["defaultdict", [], "eval"]),
        forged(["decimal", "1e999999"]),
        forged(["decimal", "sNaN"]),
        forged(["texts", "<U3", [2], ["a"]]),
        forged(["texts", "<U99999", [20000], ["a"] * 20000]),
        forged(["range", 1, 2, 0]),
        forged(["recipe", ["data:load_model"]]),
        forged(["int", "1" + "0" * 3500]),
        PREFIX.pack(MAGIC, 2, 0) + b"\xa1\xff",
        forged(["int", "0x" + "f" * 5000]),
        forged(["call", "os.system"]),
        forged([]),
        forged(["list"]),
        forged({"list": 1}),
        forged(["generator", ["tensor", "uint8", [3], False, 3]], b"abc"),
        forged(None, b"left over"),
        forged(None)[:-1],
        PREFIX.pack(MAGIC, 2**32 - 1, 2**63) + b"x",
        PREFIX.pack(MAGIC, 5, 0) + b"\xdd\xff\xff\xff\xff",
        PREFIX.pack(MAGIC, 5, 0) + b"\xc6\xff\xff\xff\xff",
    ],
    ids=range(53),
)
def test_forged_messages_are_refused(message):
    with pytest.raises(MalformedMessage):
        decode(message)


def test_a_message_of_nested_lists_beyond_the_depth_is_refused():
    header = b"\x92\xa4list\x91" * 5000 + b"\xc0"
    with pytest.raises(MalformedMessage):
        decode(PREFIX.pack(MAGIC, len(header), 0) + header)


def test_a_million_empty_lists_are_not_made():
    """A byte each in the message, sixty in memory."""
    lists = b"\xdd" + (40_000).to_bytes(4, "big") + b"\x90" * 40_000
    header = b"\x9f" + lists * 15
    with pytest.raises(MalformedMessage, match="too many parts"):
        decode(PREFIX.pack(MAGIC, len(header), 0) + header)


def test_an_int_that_python_would_not_show_is_refused():
    assert decode(encode(-(2**13_999))) == -(2**13_999)
    assert str(2**13_999)
    with pytest.raises(RefusedValue, match="an int of 14,001 bits"):
        encode(2**14_000)


@pytest.mark.parametrize("value", [Recipe("os:system", {"command": "true"}), int])
def test_a_worker_may_not_send_a_recipe_or_a_class(value):
    message = encode([value])
    with pytest.raises(MalformedMessage, match="not for a worker to send"):
        decode(message, Limits(recipes=False))


def test_a_class_of_pythons_own_crosses_by_its_name():
    assert decode(encode((int, [ValueError]))) == (int, [ValueError])
    with pytest.raises(RefusedValue, match="the class int itself"):
        encode(int, limits=Limits(recipes=False))
    for kind in (Path, type("int", (int,), {})):
        with pytest.raises(RefusedValue, match=f"the class {kind.__name__} itself"):
            encode(kind)


@pytest.mark.parametrize("name", ["print", "__import__", "Fraction", "__loader__", "None", "", 3, ["int"]])
def test_no_other_name_is_that_of_a_class(name):
    header = msgpack.packb(["class", name])
    with pytest.raises(MalformedMessage):
        decode(PREFIX.pack(MAGIC, len(header), 0) + header)


def ends_cleanly(message):
    try:
        decode(message)
    except MalformedMessage:
        return True
    return True


@given(st.binary(max_size=200))
@settings(max_examples=300)
def test_random_bytes_end_in_a_value_or_a_refusal(data):
    assert ends_cleanly(data)
    assert ends_cleanly(PREFIX.pack(MAGIC, len(data), 0) + data)


def test_flipped_bytes_end_in_a_value_or_a_refusal():
    dice = random.Random(7)
    image = Image.new("P", (3, 2))
    message = encode(
        {"a": [torch.arange(6.0).reshape(2, 3), np.zeros(3), image], "b": (Handle(1, "x"), math.inf, 2**80)}
    )
    for _ in range(3000):
        broken = bytearray(message)
        for _ in range(dice.randint(1, 4)):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        assert ends_cleanly(bytes(broken))


atoms = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.binary(max_size=9)
    | st.sampled_from([*READERS, *DTYPES, "<f8", "|b1", "O", "RGB", "P", "-0x1"])
    | st.sampled_from([{}, {"a": 1}, msgpack.ExtType(1, b""), msgpack.Timestamp(1, 2), [2**60, 2**60], [0, 2**62]])
)
nodes = st.recursive(
    atoms, lambda inner: st.tuples(st.sampled_from(list(READERS)), inner) | st.lists(inner, max_size=6)
)


@given(nodes, st.binary(max_size=16))
def test_forged_trees_end_in_a_value_that_can_be_sent_again_or_a_refusal(node, body):
    try:
        value = decode(forged(node, body))
    except MalformedMessage:
        return
    assert encode(decode(encode(value))) == encode(value)


def test_the_fuzzer_finds_nothing():
    program = [sys.executable, "-m", "tests.autograder.worker.fuzz_codec", "--messages", "2000", "--seed", "2"]
    run = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("2,000 messages in ")
