"""Both sides of each assertion, and the words of the failing one: a message nobody asserts on is one nobody has read."""

import math
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from autograder.compare import (
    assert_between,
    assert_close,
    assert_equal,
    assert_holds,
    assert_kind,
    assert_mentions,
    assert_raises,
    show,
)
from autograder.errors import CheckFailed, NotWritten, Raised
from autograder.worker.codec import decode, encode

t = torch.tensor


@pytest.mark.parametrize(
    ("actual", "expected", "problem"),
    [
        (t(3.0), t(0.0), "returned 3.0, expected 0.0"),
        (t([math.nan, 1.0]), t([0.26894, 1.0]), "returned nan at [0], expected 0.26894 (1 of 2 entries differ)"),
        (t([[1.0, 2], [3, 5]]), t([[1.0, 2], [3, 4]]), "returned 5.0 at [1, 1], expected 4.0 (1 of 4 entries differ)"),
        (t([[1.0], [1.0]]), t([1.0, 1.0]), "returned a tensor of shape (2, 1), expected (2,)"),
        (t(1.0), t([1.0, 1.0]), "returned a tensor of shape (), expected (2,)"),
        (t([1.0]).double(), t([1.0]), "returned a tensor of float64, expected float32"),
        (t([1]), t([1.0]), "returned a tensor of int64, expected float32"),
        (1.0, t([1.0]), "returned 1.0 (a float), expected a tensor of shape (1,)"),
        (None, t([1.0]), "returned None, expected a tensor of shape (1,)"),
        (t(0.5), 0.5, "returned a tensor, expected a Python float, 0.5"),
        (1, 1.0, "returned 1 (an int), expected 1.0 (a float)"),
        (0.25, 0.5, "returned 0.25, expected 0.5"),
        (math.nan, 0.5, "returned nan, expected 0.5"),
        ((t(1.0),), (t(1.0), t(2.0)), "returned a tuple of 1, expected one of 2"),
        ([], [1, 2], "returned an empty list, expected one of 2"),
        ([[1]], [[]], "returned a list of 1 as item 0, expected an empty one"),
        ([t(1.0)], (t(1.0),), "returned [tensor(1.0)] (a list), expected (tensor(1.0),) (a tuple)"),
        ((t(1.0), t(3.0)), (t(1.0), t(2.0)), "returned 3.0 as item 1, expected 2.0"),
        ([("cat", 0.5)], [("cat", 0.7)], "returned 0.5 as item 0[1], expected 0.7"),
        ({"a": [1.0]}, {"a": [2.0]}, "returned 1.0 under 'a'[0], expected 2.0"),
        ({"a": 1.0}, {"b": 1.0}, "returned a dict with ['a'], expected ['b']"),
        ("cat", "dog", "returned 'cat', expected 'dog'"),
        (True, 1, "returned True (a bool), expected 1 (an int)"),
        ([t(0.5)], [0.5], "returned a tensor as item 0, expected a Python float, 0.5"),
        ({"a": t(True)}, {"a": True}, "returned a tensor under 'a', expected a Python bool, True"),
        (t([0.5000001]).double(), t([0.5]).double(), "returned 0.5000001 at [0], expected 0.5"),
        (np.float64(0.25), 0.5, "returned 0.25, expected 0.5"),
        (np.array([0.1, 9.0]), np.array([0.1, 0.3]), "returned 9.0 at [1], expected 0.3 (1 of 2 entries differ)"),
        (np.array([1.0]), 1.0, "returned an array of shape (1,), expected 1.0 (a float)"),
        (np.array(2.0), 1.0, "returned 2.0, expected 1.0"),
        (t([1j]), t([2j]), "returned 1j at [0], expected 2j"),
        (t([1.0]).to_sparse(), t([1.0]), "returned a sparse tensor, expected a dense one"),
        (t([True, False]), t([True, True]), "returned False at [1], expected True (1 of 2 entries differ)"),
    ],
)  # fmt: skip
def test_a_difference_is_worded(actual, expected, problem):
    with pytest.raises(CheckFailed) as caught:
        assert_close(actual, expected)
    assert caught.value.problem == problem
    assert caught.value.actual is actual


def _letters(**changed):
    return {changed.get(letter, letter): 0 for letter in "abcdefgh"}


@pytest.mark.parametrize(
    ("actual", "expected", "problem"),
    [
        ({1: "a"}, {"1": "a"}, "returned a dict without '1' (a str) and with 1 (an int) too many among its keys"),
        (_letters(h="i"), _letters(), "returned a dict without 'h' and with 'i' too many among its keys"),
        (_letters(), _letters() | {"i": 0}, "returned a dict without 'i' among its keys"),
        ([_letters() | {"i": 0}], [_letters()], "returned a dict as item 0 with 'i' too many among its keys"),
        (
            OrderedDict(_letters()),
            OrderedDict(_letters(g="h", h="g")),
            "returned 'g' as key 6 of 8, expected 'h'",
        ),
        ("x" * 90 + "cat", "x" * 90 + "dog", f"returned '...{'x' * 30}cat', expected '...{'x' * 30}dog'"),
        ("x" * 90 + "cat", "x" * 90, f"returned '...{'x' * 30}cat', expected '...{'x' * 30}'"),
        (b"x" * 90 + b"cat", b"x" * 90 + b"dog", f"returned b'...{'x' * 30}cat', expected b'...{'x' * 30}dog'"),
        ("\0" * 20 + "cat", "\0" * 20 + "dog", "returned '...{0}cat', expected '...{0}dog'".format(r"\x00" * 5)),
        (
            "one\n" + "x" * 90 + "1\n",
            "one\n" + "x" * 90 + "2\n",
            rf"returned '...{'x' * 30}1\n' in line 2, expected '...{'x' * 30}2\n'",
        ),
    ],
)  # fmt: skip
def test_what_begins_alike_is_shown_where_it_differs(actual, expected, problem):
    with pytest.raises(CheckFailed) as caught:
        assert_equal(actual, expected)
    assert caught.value.problem == problem


@pytest.mark.parametrize(
    "value",
    [t([1.0, 2.0]), t([]), t(3), 0.5, math.inf, "x", None, [1, (2.0, "a")], {"a": t([1.0])}, t([math.nan])],
    ids=str,
)
def test_a_value_is_close_and_equal_to_itself(value):
    assert_close(value, value)
    assert_equal(value, value)


def test_rounding_is_close_and_not_equal():
    rounded, exact = t([1.0 + 1e-6]), t([1.0])
    assert_close(rounded, exact)
    with pytest.raises(CheckFailed):
        assert_equal(rounded, exact)
    with pytest.raises(CheckFailed):
        assert_close(t([1.001]), exact)
    assert_close(t([1.001]), exact, rtol=0.01)


def test_float64_is_held_to_more_digits():
    assert_close(t([1.0 + 1e-9]).double(), t([1.0]).double())
    with pytest.raises(CheckFailed):
        assert_close(t([1.0 + 1e-5], dtype=torch.float64), t([1.0], dtype=torch.float64))


def test_whole_numbers_are_exact():
    with pytest.raises(CheckFailed):
        assert_close(t([10**9 + 1]), t([10**9]))


def test_kind_looks_at_shape_dtype_and_finiteness():
    assert_kind(torch.zeros(2, 3), (2, 3))
    assert_kind(t([math.inf]), (1,), finite=False)
    for actual, words in [
        (torch.zeros(3, 2), "shape (3, 2), expected (2, 3)"),
        (torch.zeros(2, 3, dtype=torch.float64), "float64, expected float32"),
        (t([[0.0, 1.0, math.inf], [0.0, 0.0, 0.0]]), "returned inf at [0, 2], expected only finite numbers"),
        ([0.0], "returned [0.0] (a list), expected a tensor of shape (2, 3)"),
    ]:
        with pytest.raises(CheckFailed) as caught:
            assert_kind(actual, (2, 3))
        assert words in caught.value.problem


def test_the_kind_of_a_scalar_is_told_without_a_place():
    with pytest.raises(CheckFailed) as caught:
        assert_kind(torch.tensor(math.nan), ())
    assert caught.value.problem == "returned nan, expected only finite numbers"


def test_between_holds_on_its_bounds_and_not_beyond():
    assert_between(t([0.0, 1.0]), 0, 1)
    assert_between(0.9, 0.9, 0.9)
    for value, low, high, words in [
        (t([0.0, 1.5]), 0, 1, "returned 1.5 at [1], expected between 0.0 and 1.0"),
        (math.nan, 0, 1, "returned nan, expected between 0.0 and 1.0"),
        (0.3, 0.5, math.inf, "returned 0.3, expected at least 0.5"),
        (0.7, -math.inf, 0.5, "returned 0.7, expected at most 0.5"),
        (np.array(5.0), 0, 1, "returned 5.0, expected between 0.0 and 1.0"),
        ("0.5", 0, 1, "returned '0.5', expected a number"),
        (torch.tensor(1j), 0, 1, "returned tensor(1j), expected a number"),
        (2**70, 0, 1, f"returned {2**70}, expected between 0.0 and 1.0"),
    ]:
        with pytest.raises(CheckFailed) as caught:
            assert_between(value, low, high)
        assert caught.value.problem == words


def test_nothing_lies_between_bounds_if_there_is_no_number():
    for value, shown in [
        (t([]), "tensor([])"),
        (torch.zeros(2, 0), "2x0 tensor"),
        (np.zeros(0), "array of shape (0,)"),
    ]:
        with pytest.raises(CheckFailed) as caught:
            assert_between(value, 0, 1)
        assert caught.value.problem == f"returned {shown}, which has no number in it, expected between 0.0 and 1.0"


def test_between_names_what_was_measured():
    with pytest.raises(CheckFailed) as caught:
        assert_between(0.7, 0, 0.5, what="the error that is left")
    assert caught.value.problem == ": the error that is left is 0.7, expected between 0.0 and 0.5"


def test_between_carries_the_mistake_that_the_check_has_recognised():
    for value in (0.7, t([0.2, 0.7])):
        with pytest.raises(CheckFailed) as caught:
            assert_between(value, 0, 0.5, mistake="forgets_nearness")
        assert caught.value.mistake == "forgets_nearness"


def raising(error):
    def call(*_):
        raise error

    return call


def test_raises_takes_the_kind_and_its_children():
    wrong_index = Raised("f() raised IndexError: no", ("IndexError", "LookupError", "Exception", "BaseException"), "no")
    assert assert_raises(IndexError, raising(wrong_index)) == "no"
    assert assert_raises(LookupError, raising(wrong_index)) == "no"
    with pytest.raises(CheckFailed, match="raised IndexError: no, expected ValueError"):
        assert_raises(ValueError, raising(wrong_index))


def test_raises_wants_an_exception():
    with pytest.raises(CheckFailed, match=r"returned 3\.0, expected ValueError"):
        assert_raises(ValueError, lambda: 3.0)


def test_raises_lets_other_faults_through():
    with pytest.raises(NotWritten):
        assert_raises(ValueError, raising(NotWritten("not written yet")))


def test_mentions_ignores_case_and_names_what_is_missing():
    assert_mentions("Images must be 4-D", "images")
    with pytest.raises(CheckFailed, match="expected it to name 'images'"):
        assert_mentions("wrong shape", "images")


def test_mentions_a_letter_that_stands_alone():
    assert_mentions("top_k must be at least 1", "k")
    with pytest.raises(CheckFailed, match="to name 'k'"):
        assert_mentions("asked for a wrong rank", "k")


def test_holds():
    assert_holds(True, "changed its input")
    with pytest.raises(CheckFailed, match="changed its input"):
        assert_holds(False, "changed its input")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (t([1, 0, 2]), "tensor([1, 0, 2])"),
        (torch.zeros(7), "tensor of 7"),
        (torch.zeros(2, 3), "2x3 tensor"),
        (t(0.5), "tensor(0.5)"),
        (np.float32(0.5), "0.5"),
        (10**5000, "a value of type int that cannot be shown"),
        (np.zeros((2, 3)), "array of shape (2, 3)"),
        (torch.nn.Linear(1, 1), "module"),
        (Image.new("L", (4, 3)), "4x3 L image"),
        (0.1 + 0.2, "0.3"),
        (1e20, "1e+20"),
        ((1,), "(1,)"),
        (list(range(9)), "[0, 1, 2, 3, 4, 5, ...]"),
        ("x" * 200, "'" + "x" * 76 + "..."),
        (torch.Generator(), "generator"),
        (np.random.default_rng(1), "Generator(PCG64)"),
        (object(), "object"),
        ("it is <object object at 0x7f27a1973db0>, at 0x10", "'it is <object object>, at 0x10'"),
    ],
    ids=lambda each: each if isinstance(each, str) else type(each).__name__,
)
def test_values_are_shown_as_a_person_would_name_them(value, shown):
    assert show(value) == shown


@pytest.mark.parametrize("value", [2**64, -(2**4000), torch.tensor([1 + 2j]), [1.0], "5", None, math.nan, math.inf])
def test_what_is_no_number_in_between_fails(value):
    with pytest.raises(CheckFailed, match="expected"):
        assert_between(value, 0.0, 1.0)


def test_arrays_are_compared():
    assert_equal(np.arange(3), np.arange(3))
    for other in (np.arange(1, 4), np.arange(4), np.arange(3.0), np.array(0), [0, 1, 2]):
        with pytest.raises(CheckFailed, match="expected"):
            assert_equal(other, np.arange(3))


@pytest.mark.parametrize(
    ("scalar", "number"),
    [(np.float64(0.5), 0.5), (np.float32(0.5), 0.5), (np.int64(3), 3), (np.bool_(True), True)],
)
def test_a_numpy_scalar_counts_as_the_number_that_it_stands_for(scalar, number):
    crossed = decode(encode([scalar]))
    assert type(crossed[0]) is type(number)
    for value in (scalar, crossed[0]):
        assert_equal({"a": [value]}, {"a": [number]})
        assert_between(value, number, number)


def test_arrays_are_compared_with_a_tolerance():
    assert_close(np.array([0.1 + 0.2]), np.array([0.3]))
    assert_close(np.array([1.0]), np.array([1.5]), atol=1.0)
    with pytest.raises(CheckFailed):
        assert_equal(np.array([0.1 + 0.2]), np.array([0.3]))


def test_however_much_came_back_the_sentence_is_short():
    nested = [list(range(10))] * 6
    for _ in range(5):
        nested = [nested] * 6
    for value in (nested, dict.fromkeys(range(1000), "x" * 500), "x" * 10**6, b"x" * 10**6, Path("x" * 10**6), 2**4000):
        assert len(show(value)) <= 200
    with pytest.raises(CheckFailed) as caught:
        assert_equal(dict.fromkeys(range(1000)), {"a": 1})
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("value", "shown"),
    [(8 / 255, "8/255"), (0.2, "0.2"), (0.6, "0.6"), (torch.tensor(133 / 255).item(), "133/255"), (1 / 3, "0.333333")],
)
def test_a_pixel_or_a_budget_is_shown_as_a_share_of_255(value, shown):
    assert show(value) == shown


def test_a_bound_that_allows_for_rounding_is_shown_as_it_is_meant():
    with pytest.raises(CheckFailed, match=r"returned 9/255, expected between 0\.0 and 8/255"):
        assert_between(9 / 255, 0, 8 / 255 + 1e-6)
    with pytest.raises(CheckFailed, match=r"returned 8/255, expected at most 0\.0313715"):
        assert_between(8 / 255, high=8 / 255 - 1e-6)


def test_an_odd_dtype_is_shown():
    assert show(torch.zeros(12, dtype=torch.bool)) == "bool tensor of 12"
    assert show(torch.zeros(3, 4, dtype=torch.uint8)) == "3x4 uint8 tensor"


@pytest.mark.parametrize("make", [int, np.asarray, torch.tensor], ids=["int", "array", "tensor"])
def test_whole_numbers_may_differ_by_a_tolerance_that_a_check_gives(make):
    assert_close(make(5), make(6), atol=1)
    assert_close(make(100), make(101), rtol=0.01)
    for options in ({}, {"atol": 1}):
        with pytest.raises(CheckFailed):
            assert_close(make(5), make(7), **options)


def test_a_shape_is_a_tuple():
    assert_equal(torch.ones(2, 3).shape, (2, 3))
    assert_equal((2, 3), torch.ones(2, 3).shape)
