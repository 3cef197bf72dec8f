"""What Python does with objects, done to those of a student: the same in this process and across the sandbox."""

import asyncio
import collections
import contextlib
import copy
import dataclasses
import enum
import inspect
import io
import itertools
import random
import textwrap
import types
import warnings

import numpy as np
import pytest
from PIL import Image

from autograder.checks.compare import assert_equal
from autograder.checks.remote import ModuleUnderTest, StudentModule
from autograder.checks.transport import InProcess
from autograder.errors import RefusedValue, WrongArguments
from autograder.submissions import Module

STUDENT = """
import asyncio, dataclasses, enum, functools, random
from typing import NamedTuple


class Money:
    def __init__(self, amount):
        self.amount = amount

    def __eq__(self, other):
        return self.amount == other.amount


@dataclasses.dataclass
class Steps:
    stop: int
    now: int = 0

    def __iter__(self):
        return self

    def __next__(self):
        if self.now >= self.stop:
            raise StopIteration
        self.now += 1
        return self.now


@dataclasses.dataclass
class Deck:
    cards: list

    def __len__(self):
        return len(self.cards)

    def __getitem__(self, place):
        return self.cards[place]

    def __setitem__(self, place, card):
        self.cards[place] = card

    def __contains__(self, card):
        return card in self.cards

    def __str__(self):
        return "/".join(self.cards)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        self.cards.clear()


@dataclasses.dataclass
class Plain:
    size: int


@dataclasses.dataclass(frozen=True)
class Spot:
    x: int
    y: int = 0


@dataclasses.dataclass(frozen=True, eq=False)
class Mark:
    x: int


def spots():
    return {Spot(1): "a", Spot(2, 3): "b"}


def spot_set():
    return {Spot(1), Spot(2), Spot(1)}


def counted(spots):
    return len(spots)


def marks():
    return {Mark(1), Mark(1)}


class Timer:
    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        return True


class Open:
    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, traceback):
        return True


def apply_to_own(function):
    return sorted([Money(2), Money(1)], key=lambda each: function(each).amount)[0].amount


def in_threads(function, values):
    from concurrent.futures import ThreadPoolExecutor
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(function, values))


def seeded(function):
    @functools.wraps(function)
    def inner(x):
        return function(x, seed=3)
    return inner


@seeded
def drawn(x, seed):
    return x + seed


class Colour(str, enum.Enum):
    RED = "red"


class Heat(float, enum.Enum):
    HOT = 3.5


def colour():
    return Colour.RED


def heat():
    return Heat.HOT


def noisy(x):
    import warnings
    warnings.warn("loud", UserWarning)
    return x


def labels_of(count):
    import numpy
    return numpy.array(["cat"] * count)


def opened(data):
    import io
    from PIL import Image
    return Image.open(io.BytesIO(data))


class Pair(NamedTuple):
    left: int
    right: int = 0

    def total(self):
        return self.left + self.right


class Planet(enum.Enum):
    EARTH = (1.0, 2.0)
    MARS = (3.0, 4.0)

    def __init__(self, mass, radius):
        self.mass, self.radius = mass, radius

    @property
    def gravity(self):
        return self.mass / self.radius

    def heavier(self, factor):
        return self.mass * factor


class Reader:
    def __init__(self):
        self.left, self.seen = 2, ""

    async def __aenter__(self):
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, kind, error, traceback):
        self.seen = "" if kind is None else kind.__name__

    def __aiter__(self):
        return self

    async def __anext__(self):
        if not self.left:
            raise StopAsyncIteration
        self.left -= 1
        return self.left


def steps():
    return Steps(2)


def deck():
    return Deck(["a", "b"])


def plain():
    return Plain(3)


def earth():
    return Planet.EARTH


async def ticks(count):
    for number in range(count):
        await asyncio.sleep(0)
        yield number


def average():
    total = number = 0
    mean = None
    while True:
        try:
            total += yield mean
        except ValueError:
            yield "no number"
            return
        number += 1
        mean = total / number


def ticking():
    yield from range(9)


def firsts(values, count):
    return [value for value, _ in zip(values, range(count))] if count > 2 else [next(values) for _ in range(count)]


def roll(dice):
    return dice.randint(1, 6)


def draw(dice):
    return float(dice.normal())


def dice():
    return random.Random(3)


def logged(function):
    @functools.wraps(function)
    def inner(*args):
        return function(*args)

    return inner


def pair(one, other, *, by):
    return one, other, by
"""
RIGHT = [
    "m = submission.Money(3); n = copy.deepcopy(m); assert n == m and n is not m; n.amount = 5; assert m.amount == 3",
    "m = submission.Money(3); n = copy.copy(m); n.amount = 5; assert m.amount == 3",
    "s = submission.Steps(2); assert copy.deepcopy(s).stop == 2 and list(s) == [1, 2] == list(submission.Steps(2))",
    "assert list(submission.steps()) == [1, 2]",
    "s = submission.steps(); assert (next(s), next(s), next(s, None), s.now) == (1, 2, None, 2)",
    "d = submission.deck(); assert len(d) == 2 and d[1] == 'b' and 'a' in d and 'c' not in d and list(d) == ['a', 'b']",
    "d = submission.deck(); d[0] = 'z'; assert str(d) == f'{d}' == 'z/b' and d",
    "d = submission.deck()\nwith d as entered: assert len(entered) == 2\nassert not d and d.cards == []",
    "with pytest.raises(TypeError, match='a Plain is not iterable'): list(submission.plain())",
    "with pytest.raises(TypeError, match=r'a Plain has no len\\(\\)'): len(submission.plain())",
    "assert submission.plain() and str(submission.plain()) == 'Plain(size=3)'",
    "assert submission.Pair(1)._asdict() == {'left': 1, 'right': 0} and submission.Pair(1)._replace(right=2) == (1, 2)",
    "assert submission.Pair._fields == submission.Pair(1)._fields == ('left', 'right')",
    "assert submission.Planet.EARTH.gravity == submission.earth().gravity == 0.5 and submission.earth().heavier(2) == 2.0",
    "assert [p.name for p in submission.Planet] == ['EARTH', 'MARS'] and len(submission.Planet) == 2",
    "assert submission.Planet['EARTH'] == submission.earth() and submission.earth() in submission.Planet",
    "async def go():\n    async with submission.Reader() as r: seen = [n async for n in r]\n    return seen, r.seen\n"
    "assert asyncio.run(go()) == ([1, 0], '')",
    "r = submission.Reader()\nasync def go():\n    async with r: raise ValueError\n"
    "with pytest.raises(ValueError): asyncio.run(go())\nassert r.seen == 'ValueError'",
    "async def go(): return [n async for n in submission.ticks(3)]\nassert asyncio.run(go()) == [0, 1, 2]",
    "a = submission.average(); assert (next(a), a.send(10), a.send(20)) == (None, 10.0, 15.0)",
    "a = submission.average(); next(a); assert a.throw(ValueError) == 'no number' and next(a, 'end') == 'end'",
    "a = submission.average(); next(a); a.close(); assert list(a) == []",
    "with pytest.raises(TypeError, match='just-started'): submission.average().send(1)",
    "a = submission.average(); assert isinstance(a, types.GeneratorType) and inspect.isgenerator(a)",
    "assert submission.logged(named).__name__ == 'named'",
    "assert submission.firsts(itertools.count(5), 2) == [5, 6] and submission.firsts(iter('ab'), 3) == ['a', 'b']",
    "rest = iter([1, 2, 3]); assert submission.firsts(rest, 2) == [1, 2] and list(rest) == [3]",
    "assert submission.firsts(submission.ticking(), 2) == [0, 1]",
    "assert submission.roll(random.Random(3)) == random.Random(3).randint(1, 6)",
    "assert submission.draw(np.random.default_rng(3)) == np.random.default_rng(3).normal()",
    "assert submission.draw(np.random.RandomState(3)) == np.random.RandomState(3).normal()",
    "submission.draw(np.random.Generator(np.random.Philox(3))); assert submission.last.changed == ()",
    "with pytest.raises(RefusedValue, match='not a plain value'): submission.dice()",
    "d = submission.deck(); assert dataclasses.asdict(d) == {'cards': ['a', 'b']} and dataclasses.is_dataclass(d)",
    "assert dataclasses.astuple(submission.plain()) == (3,) == dataclasses.astuple(submission.Plain(3))",
    "assert [f.name for f in dataclasses.fields(submission.Steps(1))] == ['stop', 'now']",
    "assert dataclasses.replace(submission.Steps(1), now=5).now == 5",
    "assert dataclasses.asdict(submission.Deck([submission.Plain(1)])) == {'cards': [{'size': 1}]}",
    "assert submission.spots() == {submission.Spot(1): 'a', submission.Spot(2, 3): 'b'}",
    "assert [spot.x for spot in submission.spots()] == [1, 2]",
    "assert submission.spot_set() == {submission.Spot(1), submission.Spot(2)} and submission.counted(submission.spots()) == 2",
    "with pytest.raises(RefusedValue, match='a set with a money.Mark in it'): submission.marks()",
    "with pytest.raises(AssertionError):\n    with submission.Timer(): assert submission.counted([]) == 1",
    "with submission.Timer(): raise ValueError",
    "async def use():\n    async with submission.Open(): assert 1 == 2\n"
    "with pytest.raises(AssertionError): asyncio.run(use())",
    "assert submission.apply_to_own(lambda own: own) == 1",
    "assert submission.in_threads(lambda x: 2 * x, list(range(20))) == list(range(0, 40, 2))",
    "assert submission.drawn(1) == 4",
    "with pytest.raises(WrongArguments, match='missing a required'): submission.counted()",
    "assert_equal(submission.colour(), Colour.RED); assert_equal(submission.heat(), Heat.HOT)",
    "assert_equal(submission.labels_of(2), np.where([True, True], 'cat', 'horse'))",
    "kept = io.BytesIO(); Image.new('L', (2, 3), 7).save(kept, 'PNG')\n"
    "assert submission.opened(kept.getvalue()).getpixel((1, 2)) == 7",
    "with warnings.catch_warnings():\n    warnings.simplefilter('error')\n"
    "    with pytest.raises(UserWarning, match='loud'): submission.noisy(1)",
    "with warnings.catch_warnings(record=True) as kept:\n    warnings.simplefilter('default'); submission.noisy(1)\n"
    "assert [str(each.message) for each in kept] == ['loud']",
    "with pytest.raises(TypeError): submission.Money()",
    "with pytest.raises(TypeError): submission.pair(1, 2, 3)",
]


@pytest.fixture(params=["in process", "sandboxed"])
def submission(request):
    with contextlib.ExitStack() as stack:
        if request.param == "sandboxed":
            transport = stack.enter_context(request.getfixturevalue("sandbox").worker())
        else:
            transport = InProcess()
        module = Module("money", "money.py", STUDENT)
        yield StudentModule(ModuleUnderTest(module, {"money": module}, 2.0), transport, 3)


def named():
    """Stand for a function of a check's."""


class Colour(str, enum.Enum):  # noqa: UP042 - as students write it
    RED = "red"


class Heat(float, enum.Enum):
    HOT = 3.5


@pytest.mark.parametrize("lines", RIGHT)
def test_right_lines_hold(submission, lines):
    names = {"submission": submission, "named": named, "np": np, "RefusedValue": RefusedValue, "Image": Image}
    names |= {"Colour": Colour, "Heat": Heat, "assert_equal": assert_equal, "WrongArguments": WrongArguments}
    modules = (asyncio, collections, copy, dataclasses, inspect, io, itertools, pytest, random, types, warnings)
    exec(textwrap.dedent(lines), names | {module.__name__: module for module in modules})


PROGRAM = """
import threading

def work():
    last.wait()
    print("done")

last = threading.Event()
threading.Thread(target=work).start()
print("started")
last.set()
"""


POOL = """
from concurrent.futures import ThreadPoolExecutor

pool = ThreadPoolExecutor(2)
pool.submit(print, "done").result()
kept = [ThreadPoolExecutor(1)]
kept[0].submit(print, "done too").result()
"""


@pytest.mark.parametrize(("text", "output"), [(PROGRAM, "started\ndone\n"), (POOL, "done\ndone too\n")])
def test_a_program_ends_with_its_threads(tmp_path, text, output):
    unit = Module("unit", "unit.py", text)
    program = StudentModule(ModuleUnderTest(unit, {"unit": unit}, 2.0), InProcess(tmp_path), 0).run()
    assert (program.output, program.exit_code) == (output, 0)
