"""Calls in NumPy and JAX: values are arrays on one side and tensors on the other, and gradients are those of PyTorch."""

import subprocess
import sys
from typing import Any, NamedTuple

import pytest
import torch

from autograder.checks.remote import ModuleUnderTest, StudentModule
from autograder.checks.transport import InProcess
from autograder.compare import assert_close
from autograder.errors import RefusedValue
from autograder.submissions import Module
from autograder.worker.calls import make_call
from autograder.worker.frameworks import framework, framework_note
from autograder.worker.protocol import Invoke
from data import toy_model

BOTH = ["numpy", pytest.param("jax", marks=pytest.mark.slow)]  # its import takes two seconds


@pytest.fixture(params=BOTH)
def name(request):
    pytest.importorskip(request.param)
    return request.param


def answer(name, function, *args, **fields):
    return make_call(function, Invoke(function="f", args=args, kwargs={}, seconds=5, **fields), framework(name))


def test_values_are_arrays_there_and_tensors_here(name):
    kinds = []

    def function(values, more):
        kinds.extend(type(value).__module__.partition(".")[0] for value in (*values, more["labels"]))
        return {"sum": (values[0] * 0.5 + values[1], more["labels"])}, [values[0] > 0], "text"

    values = [torch.ones(2, 3), torch.full((2, 3), 2.0, dtype=torch.float64)]
    labels = torch.tensor([3, 4])
    value = answer(name, function, values, {"labels": labels}).value
    assert set(kinds) == {"numpy"} if name == "numpy" else set(kinds) <= {"jax", "jaxlib"}
    total, same = value[0]["sum"]
    torch.testing.assert_close(total, torch.full((2, 3), 2.5, dtype=torch.float64))
    assert same.dtype == torch.int64 and same.tolist() == [3, 4]
    assert value[1][0].dtype == torch.bool and value[2] == "text"


RECORDS = """
import dataclasses
from typing import Any, NamedTuple

if "{name}" == "numpy":
    import numpy as xp
else:
    import jax.numpy as xp

FRAMEWORK = "{name}"

class Range(NamedTuple):
    lowest: Any
    highest: Any

@dataclasses.dataclass
class Line:
    slope: Any
    name: str

    def double(self):
        self.slope = self.slope * 2

def range_of(x):
    return Range(x.min(0), [x.max(0)])

def width_of(found):
    return found.highest[0] - found.lowest, type(found.lowest).__module__.partition(".")[0]

def line(x):
    return Line(x, "a")

def kind(value):
    return type(value).__module__.partition(".")[0].replace("jaxlib", "jax")

class Scaler:
    CENTER = xp.zeros(2)

    def fit(self, x):
        self.mean = x.mean(0)
        return self

    def transform(self, x):
        return x - self.mean, kind(x)

    def __call__(self, x):
        return self.transform(x)[0]

    @property
    def doubled(self):
        return self.mean * 2

    def rows(self, x):
        yield from x

def apply(function, x):
    given = function(x)
    return given, kind(given)
"""


class Range(NamedTuple):
    lowest: Any
    highest: Any


def test_fields_of_named_tuples_and_dataclasses_are_arrays_there_and_tensors_here(name):
    unit = Module("unit", "unit.py", RECORDS.format(name=name))
    student = StudentModule(ModuleUnderTest(unit, {"unit": unit}, 20.0), InProcess(), 0)
    x = torch.tensor([[1.0, 5.0], [3.0, 2.0]])
    bounds = Range(torch.tensor([1.0, 2.0]), [torch.tensor([3.0, 5.0])])
    assert_close(student.range_of(x), bounds)
    width, kind = student.width_of(bounds)
    assert_close(width, torch.tensor([2.0, 3.0]))
    assert kind == "numpy" if name == "numpy" else kind in ("jax", "jaxlib")
    line = student.line(x)
    assert_close(line.slope, x)
    line.double()
    assert_close(line.slope, 2 * x)


def test_methods_attributes_iterators_and_callbacks_exchange_arrays_for_tensors(name):
    unit = Module("unit", "unit.py", RECORDS.format(name=name))
    student = StudentModule(ModuleUnderTest(unit, {"unit": unit}, 20.0), InProcess(), 0)
    x = torch.tensor([[1.0, 5.0], [3.0, 1.0]])
    scaler = student.Scaler().fit(x)
    moved = x - torch.tensor([2.0, 3.0])
    assert_close(scaler.transform(x), (moved, name))
    assert_close(scaler(x), moved)
    assert_close(scaler.mean, torch.tensor([2.0, 3.0]))
    assert_close(scaler.doubled, torch.tensor([4.0, 6.0]))
    assert_close(student.Scaler.CENTER.tolist(), [0.0, 0.0])
    assert_close(next(scaler.rows(x)), torch.tensor([1.0, 5.0]))
    scaler.mean = torch.tensor([0.0, 1.0])
    assert_close(scaler(x), x - torch.tensor([0.0, 1.0]))
    seen = []
    assert_close(student.apply(lambda given: seen.append(given) or 2 * given, x), (2 * x, name))
    assert_close(seen, [x])


def test_an_array_of_complex_numbers_is_a_tensor(name):
    value = answer(name, lambda x: (x * 1j, x.sum() * 1j), torch.tensor([1.0, 2.0])).value
    torch.testing.assert_close(value[0], torch.tensor([1j, 2j], dtype=value[0].dtype))
    torch.testing.assert_close(value[1], torch.tensor(3j, dtype=value[1].dtype))


def test_a_single_number_is_a_tensor_of_no_dimension(name):
    value = answer(name, lambda x: x.mean(), torch.tensor([1.0, 2.0])).value
    torch.testing.assert_close(value, torch.tensor(1.5))


def test_an_answer_shares_no_memory_with_its_input(name):
    given = torch.ones(3)
    value = answer(name, lambda x: x, given).value
    given.zero_()
    assert value.tolist() == [1, 1, 1]


def test_an_array_that_is_changed_in_place_is_told():
    def function(x, y):
        y[0] = 7
        return x

    assert answer("numpy", function, torch.ones(2), torch.ones(2)).changed == ("y",)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_gradient_is_that_of_pytorch(name, weighted):
    point = torch.rand(3, 4, generator=torch.Generator().manual_seed(0))
    weights = torch.tensor([1.0, -2.0, 0.5]) if weighted else None
    found = answer(name, lambda x: (x**3).sum(1) * x[0, 0], point, of=0, weights=weights).value
    source = point.clone().requires_grad_()
    (expected,) = torch.autograd.grad((source**3).sum(1) * source[0, 0], source, weights if weighted else torch.ones(3))
    torch.testing.assert_close(found, expected)


def test_a_function_may_ask_for_numbers_on_its_way(name):
    found = answer(name, lambda x: x.sum() * (2 if x.sum() > 0 else 3), torch.ones(2), of=0).value
    assert found.tolist() == [2, 2]


def test_a_function_may_choose_entries_by_a_mask(name):
    found = answer(name, lambda x: (2 * x[x > 0]).sum(), torch.tensor([-1.0, 1.0, 3.0]), of=0).value
    assert found.tolist() == [0, 2, 2]


def test_what_has_no_gradient_is_refused(name):
    with pytest.raises(RefusedValue, match="a str, expected an array to differentiate"):
        answer(name, lambda x: "text", torch.ones(2), of=0)
    with pytest.raises(RefusedValue, match=r"a tensor of shape \(\), expected \(2,\)"):
        answer(name, lambda x: x.sum(), torch.ones(2), of=0, weights=torch.ones(2))
    with pytest.raises(TypeError, match="no weights to differentiate by"):
        answer(name, lambda model: model, toy_model(["a"]), of=0)


def test_a_network_is_a_callable_on_arrays(name):
    network = toy_model(["a", "b"])
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    given = answer(name, lambda model, x: (model(x), model.classes), network, images)
    torch.testing.assert_close(given.value[0], network(images).detach())
    assert given.value[1] == ["a", "b"] and given.side_effects == ()


def network_gradient(name, jitted):
    """Return the gradient that a student takes through a network, and the right one."""
    network = toy_model(["a", "b"])
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    weights = torch.tensor([[1.0, 2.0], [3.0, 4.0]])

    def in_numpy(model, x, weights):
        return model.vjp(x, weights)

    def in_jax(model, x, weights):
        import jax  # noqa: PLC0415 # it may be missing

        slope = jax.grad(lambda x: (model(x) * weights).sum())
        return (jax.jit(slope) if jitted else slope)(x)

    found = answer(name, in_numpy if name == "numpy" else in_jax, network, images, weights)
    assert found.side_effects == ()  # no gradient on the network
    source = images.clone().requires_grad_()
    return found.value, torch.autograd.grad(network(source), source, weights)[0]


def test_a_gradient_goes_through_a_network(name):
    torch.testing.assert_close(*network_gradient(name, jitted=False))


@pytest.mark.slow
def test_compiled_code_calls_a_network():
    pytest.importorskip("jax")
    torch.testing.assert_close(*network_gradient("jax", jitted=True))


def test_a_generator_draws_the_same_from_the_same_state(name):
    def draw(generator):
        if name == "numpy":
            return generator.random(3)
        import jax  # noqa: PLC0415 # it may be missing

        return jax.random.uniform(generator, (3,))

    first, again, other = (answer(name, draw, torch.Generator().manual_seed(seed)).value.tolist() for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("value", [None, "torch", "PyTorch", "keras", "tensorflow", ["jax"], 3])
def test_any_other_framework_is_pytorch(value):
    """The contract does not keep the name for itself: a unit may use it for something else."""
    assert framework(value) is framework(None)


def test_a_note_says_what_the_functions_get():
    assert framework_note("JAX") == "the functions get arrays of JAX"
    assert framework_note("jaxx") == 'FRAMEWORK is \'jaxx\', expected "numpy" or "jax"; the functions get tensors'
    assert [framework_note(value) for value in (None, "PyTorch", 3)] == [None, None, None]


def test_without_jax_one_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(ImportError, match=r'written in JAX, but jax is not installed.*pip install "jax>=0.7"'):
        answer("jax", lambda x: x, torch.ones(2))


def test_jax_is_imported_where_it_is_used_and_only_there():
    code = "import autograder.worker.serving, sys; assert not {'jax', 'torch', 'keras'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_keras_computes_where_the_tensors_are(monkeypatch):
    """On a machine with a GPU Keras would move them there."""
    keras = pytest.importorskip("keras")
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    with keras.device("meta"):
        value = answer(None, lambda x: keras.ops.abs(x), torch.tensor([-1.0])).value
    assert value.tolist() == [1.0]
