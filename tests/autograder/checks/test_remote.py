"""A check's view of a student's module: the same in this process and across the sandbox."""

import contextlib
import difflib

import pytest
import torch
from PIL import Image
from torch import nn

import data
from autograder.checks.faults import error_of
from autograder.checks.plugin.runs import check_seed, sent_seed
from autograder.checks.remote import ModuleUnderTest, StudentModule, recipe_of
from autograder.checks.transport import InProcess
from autograder.compare import assert_close, assert_equal, show
from autograder.errors import (
    CheckError,
    CheckFailed,
    Crashed,
    MissingFunction,
    NotWritten,
    Raised,
    RefusedValue,
    TimedOut,
    Unusable,
)
from autograder.submissions import Module
from autograder.worker.codec import encode
from autograder.worker.frameworks import make_module
from autograder.worker.protocol import Fault

STUDENT = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from earlier import THREE

def double(x):
    return 2 * x

def three():
    return THREE

def unwritten(x):
    raise NotImplementedError

def unwritten_by_torch(x):
    return (x > 0).mean()

def unwritten_in_two_lines(x):
    raise NotImplementedError(
        "unwritten_in_two_lines"
    )

def fails(x):
    raise KeyError("no such thing")

def fails_without_words():
    class Odd(Exception):
        def __str__(self):
            raise ValueError
    raise Odd

def lie():
    class Liar(complex):
        pass
    return [Liar(1)]

def in_place(images, scale):
    images.mul_(scale)
    return images

def endless():
    while True:
        pass

def swallow():
    while True:
        try:
            while True:
                pass
        except Exception:
            pass

def squares(x):
    return (x ** 2).sum(dim=1)

def cut_off(x):
    return (x.detach() ** 2).sum(dim=1)

def untidy(model, images):
    model.train()
    model.head.register_forward_hook(lambda *args: None)
    model.backbone.requires_grad_(False)
    model(images).sum().backward()
    torch.rand(1)
    return 0

def untidy_with_one_of(models, images):
    return untidy(models["other"], images) if isinstance(models, dict) else untidy(models[1], images)

def tidy(model, images):
    with torch.no_grad():
        return model(images)

def zero_gradients(model, images):
    model(images).sum().backward()
    model.zero_grad(set_to_none=False)
    return 0

def switch_gradients_off(model, images):
    torch.set_grad_enabled(False)
    return model(images)

def infer_for_ever(model, images):
    infer_for_ever.mode = torch.inference_mode()
    infer_for_ever.mode.__enter__()
    return model(images).clone()

def freeze(model):
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return model.eval()

def build_head(inputs, outputs):
    return nn.Linear(inputs, outputs)

def fit(head):
    with torch.no_grad():
        head.weight.zero_()
        head.bias.fill_(1.0)

def draw(generator):
    return torch.rand(3, generator=generator)

def draw_globally():
    return torch.rand(3)

def read(shuffle, rounds):
    loader = DataLoader(TensorDataset(torch.arange(6)), batch_size=2, shuffle=shuffle)
    return [[batch.tolist() for (batch,) in loader] for _ in range(rounds)]

def make_layer(generator):
    layer = nn.Sequential(nn.Linear(3, 2), nn.Conv2d(1, 1, 2))[0]
    nn.init.xavier_normal_(layer.weight, generator=generator)
    return layer.weight.detach()

def make_layer_and_draw():
    return nn.Linear(3, 2).weight.detach() + torch.rand(2, 3)

def read_and_draw():
    return read(False, 3), torch.rand(4)

def seed_and_read():
    torch.manual_seed(3)
    return read(False, 1)

doubel = None
a_number = 3

def mean_logit(model, images):
    return model(images).mean()

def logits_of_all(models, images):
    return sum(model(images) for model in models)

def iterators(model):
    named = dict(model.named_parameters())
    return [
        {"params": model.head.parameters(), "lr": 0.5},
        {"params": filter(lambda each: each.dim() > 1, model.parameters())},
        {"params": named.values()},
        {"params": named.items()},
        {"params": nn.ParameterList(model.parameters())},
    ]

def numbers_one_by_one():
    return (k for k in range(3))

def hints_of(model):
    return [name for name, part in model.named_modules() if hasattr(part, "recipe")]

def refuses_a_batch(images):
    if len(images) > 1:
        raise NotImplementedError("one image at a time")
    return images
"""


@pytest.fixture(params=["in process", "sandboxed"])
def student_within(request, sandbox):
    """The module above, behind each kind of worker, with so many seconds for a call."""
    worker = sandbox.worker() if request.param == "sandboxed" else contextlib.nullcontext(InProcess())
    unit = Module("unit", "unit.py", STUDENT)
    sources = {"unit": unit, "earlier": Module("earlier", "earlier.py", "THREE = 3\n")}
    with worker as transport:
        yield lambda seconds: StudentModule(ModuleUnderTest(unit, sources, seconds), transport, 5)


@pytest.fixture
def student(student_within):
    return student_within(2.0)


@pytest.fixture
def model():
    return data.load_model("tiny", pretrained=False, seed=1)


@pytest.fixture
def images():
    return torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def sentence(kind, call, *args, **kwargs):
    with pytest.raises(kind) as caught:
        call(*args, **kwargs)
    return getattr(caught.value, "sentence", str(caught.value))


def test_values_come_back(student):
    assert_close(student.double(torch.tensor([1.0, 2.0])), torch.tensor([2.0, 4.0]))
    assert student.double("ab") == "abab"
    assert student.double(x=2) == 4


def test_an_earlier_unit_can_be_imported(student):
    assert student.three() == 3


def test_not_written_names_the_line(student):
    assert sentence(NotWritten, student.unwritten, 1) == "not written yet (unit.py:14)"


def test_not_written_over_two_lines(student):
    assert sentence(NotWritten, student.unwritten_in_two_lines, 1) == "not written yet (unit.py:20)"


def test_what_torch_does_not_implement_is_told_in_its_words(student):
    words = sentence(Raised, student.unwritten_by_torch, torch.ones(2))
    assert "raised " in words and "mean()" in words and words.endswith("(unit.py:17)")


def test_a_reason_of_the_students_own_is_no_gap(student):
    words = sentence(Raised, student.refuses_a_batch, torch.ones(2))
    assert "NotImplementedError: one image at a time" in words


def test_an_exception_is_told_with_its_line(student):
    with pytest.raises(Raised) as caught:
        student.fails(1)
    assert caught.value.sentence == "fails(1) raised KeyError: 'no such thing' (unit.py:25)"
    assert caught.value.kinds[:2] == ("KeyError", "LookupError")


def test_an_exception_that_cannot_be_printed(student):
    assert "raised Odd: (it cannot be printed)" in sentence(Raised, student.fails_without_words)


def test_a_missing_function_offers_the_nearest(student):
    assert sentence(MissingFunction, student.doubble, 1) == "unit.py has no function doubble; rename double to doubble"
    assert sentence(MissingFunction, student.zzz) == "unit.py has no function zzz; write def zzz(...)"
    assert sentence(MissingFunction, student.a_number) == "unit.py has a_number as an int, not as a function"


def test_near_names_are_looked_for_among_few_and_short_ones(monkeypatch):
    """A forged reply has thousands of long ones, and to compare them would take minutes."""
    compared = []
    monkeypatch.setattr(difflib, "get_close_matches", lambda word, names, **_: compared.extend([word, *names]) or [])
    names = tuple("ab" * 100 if number % 2 else f"name_{number}" for number in range(3000))
    unit = Module("unit", "unit.py", "")
    error = error_of(Fault("missing", names=names), "f()", "x" * 199, ModuleUnderTest(unit, {"unit": unit}, 1.0))
    assert str(error).startswith("unit.py has no function xxx")
    assert len(compared) <= 101 and max(map(len, compared)) <= 60


ODD_VALUES = {
    "conj": "torch.tensor([1 + 2j]).conj()",
    "neg": "torch.tensor([1 + 2j]).conj().imag",
    "nothing": "torch.zeros(0, 3)",
    "scalar": "torch.tensor(3.0)",
    "nan": "torch.tensor([float('nan'), float('inf')])",
    "strides": "torch.arange(6.0).reshape(2, 3).T[::2].expand(2, 2, 2)",
    "leaf": "torch.ones(2, requires_grad=True)",
    "parameter": "nn.Parameter(torch.ones(2))",
    "numpy": "__import__('numpy').arange(6.0)[::-2]",
}
#: Values of more special types than a contract asks for, and the plain ones that they are.
SPECIAL = {
    "collections.defaultdict(list, loss=[1.0])": {"loss": [1.0]},
    "collections.OrderedDict(b=1, a=2)": {"b": 1, "a": 2},
    "collections.Counter('aab')": {"a": 2, "b": 1},
    "collections.namedtuple('Step', 'weight rate')(1.5, [2])": (1.5, [2]),
    "torch.zeros(2, 3).shape": (2, 3),
    "type('Losses', (list,), {'__iter__': lambda self: iter(int, 1)})([3, 4])": [3, 4],
    "enum.StrEnum('Species', 'CAT DOG').CAT": "cat",
    "list(numpy.array(['pug', 'boxer'])[[1, 0]])": ["boxer", "pug"],
}


@pytest.mark.parametrize("code", SPECIAL)
def test_a_special_kind_of_a_plain_type_is_taken_for_the_plain_one(code, tmp_path):
    unit = Module("unit", "unit.py", f"import collections, enum, numpy, torch\ndef odd():\n    return {code}\n")
    value = StudentModule(ModuleUnderTest(unit, {"unit": unit}, 5.0), InProcess(tmp_path), 0).odd()
    assert value == SPECIAL[code] and isinstance(value, type(SPECIAL[code]))


@pytest.mark.slow
def test_a_tensor_of_torchvisions_transforms_is_a_tensor(tmp_path):
    code = "from torchvision.transforms.v2 import functional as F\ndef odd(image):\n    return F.to_image(image)\n"
    unit = Module("unit", "unit.py", code)
    value = StudentModule(ModuleUnderTest(unit, {"unit": unit}, 5.0), InProcess(tmp_path), 0).odd(
        Image.new("RGB", (2, 3))
    )
    assert type(value) is torch.Tensor and value.shape == (3, 3, 2)


REFUSED = {
    "sparse": "torch.eye(2).to_sparse()",
    "rows": "torch.eye(2).to_sparse_csr()",
    "meta": "torch.zeros(2, device='meta')",
    "quantized": "torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)",
    "nested": "torch.nested.nested_tensor([torch.ones(1), torch.ones(2)])",
    "mkldnn": "torch.ones(2, 2).to_mkldnn()",
    "subclass": "torch.ones(2).as_subclass(type('Lie', (torch.Tensor,), {}))",
    "buffer": "nn.Buffer(torch.ones(2)).as_subclass(type('Lie', (torch.Tensor,), {}))",
    "float8": "torch.ones(2).to(torch.float8_e5m2)",
    "object": "__import__('numpy').array([object()])",
    "itself": "(lambda x: x.append(x) or x)([])",
}


@pytest.mark.parametrize("name", ODD_VALUES)
def test_an_odd_value_comes_back_as_a_plain_one(name, sandbox):
    code = f"import torch\nfrom torch import nn\ndef odd():\n    return {ODD_VALUES[name]}\n"
    unit = Module("unit", "unit.py", code)
    with sandbox.worker() as worker:
        value = StudentModule(ModuleUnderTest(unit, {"unit": unit}, 5.0), worker, 0).odd()
    if isinstance(value, torch.Tensor):
        assert type(value) is torch.Tensor and value.is_contiguous()
        assert not value.is_conj() and not value.is_neg()
    assert show(value)
    with pytest.raises(CheckFailed):
        assert_close(value, torch.full((7,), 5.0))


@pytest.mark.filterwarnings("ignore:.*beta")
@pytest.mark.parametrize("name", REFUSED)
def test_a_value_that_is_no_dense_tensor_is_refused(name, sandbox):
    code = f"import torch\nfrom torch import nn\ndef odd():\n    return {REFUSED[name]}\n"
    unit = Module("unit", "unit.py", code)
    with sandbox.worker() as worker, pytest.raises((RefusedValue, Raised)):
        StudentModule(ModuleUnderTest(unit, {"unit": unit}, 5.0), worker, 0).odd()


def test_other_arguments_are_told_with_the_signature(student):
    words = sentence(MissingFunction, student.in_place, torch.zeros(2))
    assert (
        words
        == "in_place(tensor([0.0, 0.0])) cannot be called on in_place(images, scale): missing a required argument: 'scale'"
    )


def test_a_value_of_another_type_is_refused_by_name(student):
    words = sentence(RefusedValue, student.lie)
    assert words.startswith("lie() returned a ") and "Liar, which is not a plain value" in words


#: What a student returns in place of the plain value that is meant, and what is said of it.
NO_PLAIN_VALUE = {
    "io.BytesIO(b'x')": "returned a BytesIO, expected what it holds: return its getvalue()",
    "io.BufferedReader(io.BytesIO())": "returned an open file (BufferedReader), expected what it holds: read() gives that",
    "types.MappingProxyType({})": "returned a mappingproxy, expected a dict: dict(...) makes one of it",
    "numpy.random.default_rng(0)": "returned a Generator, which is not a plain value",
}
#: And what the comparison with a list says of iterators.
ITERATORS = {
    "map(abs, [1])": "a map",
    "itertools.chain([1])": "an iterator",
    "reversed([1])": "an iterator",
    "iter(torch.utils.data.DataLoader([1]))": "an iterator",
}


def returned(code):
    libraries = "decimal, enum, fractions, io, itertools, numpy, safetensors.torch, torch, types"
    text = f"import {libraries}\ndef odd(*args):\n    return {code}\n"
    unit = Module("unit", "unit.py", text)
    return StudentModule(ModuleUnderTest(unit, {"unit": unit}, 5.0), InProcess(), 0).odd


@pytest.mark.parametrize("code", NO_PLAIN_VALUE)
def test_of_an_object_that_is_no_plain_value_is_told_what_makes_one(code):
    assert sentence(RefusedValue, returned(code)) == f"odd() {NO_PLAIN_VALUE[code]}"


@pytest.mark.parametrize("code", ITERATORS)
def test_an_iterator_is_told_by_a_name_that_students_know(code):
    words = sentence(CheckFailed, assert_close, returned(code)(), [1])
    assert words == f"returned {ITERATORS[code]}, expected a list: list(...) makes one of it"


#: What a function may return in place of a Python number.
NUMBERS = {
    "numpy.float32(0.5)": 0.5,
    "numpy.longdouble(0.5)": 0.5,
    "numpy.array(0.5)": 0.5,
    "torch.tensor(0.5).numpy()": 0.5,
    "type('Share', (float,), {'__float__': lambda self: 0.9})(0.5)": 0.5,
    "numpy.int8(3)": 3,
    "numpy.array(3)": 3,
    "enum.IntEnum('Kind', 'CAT DOG BIRD').BIRD": 3,
    "enum.IntFlag('Kind', 'CAT DOG')(3)": 3,
    "numpy.bool_(True)": True,
    "numpy.array(True)": True,
}
#: What is no such number, by what is said of it.
NO_NUMBERS = {
    "torch.tensor(0.5)": "returned a tensor, expected a Python float, 0.5",
    "torch.tensor([0.5])": "returned a tensor, expected a Python float, 0.5",
    "fractions.Fraction(1, 2)": "returned Fraction(1, 2) (a Fraction), expected 0.5 (a float)",
    "decimal.Decimal('0.5')": "returned Decimal('0.5') (a Decimal), expected 0.5 (a float)",
    "numpy.array([0.5])": "returned an array of shape (1,), expected 0.5 (a float)",
    "1": "returned 1 (an int), expected 0.5 (a float)",
}


@pytest.mark.parametrize("code", NUMBERS)
def test_what_stands_for_a_python_number_counts_as_one(code):
    number, value = NUMBERS[code], returned(code)()
    assert type(value) is type(number) and value == number
    assert_equal(returned(f"[({code},)], {{'a': [{code}]}}")(), ([(number,)], {"a": [number]}))


def test_the_member_of_an_enumeration_is_a_key_as_its_number_is():
    assert_equal(returned("dict.fromkeys(enum.IntEnum('Kind', 'CAT DOG'), 0.5)")(), {1: 0.5, 2: 0.5})
    assert_equal(returned("set(enum.IntEnum('Kind', 'CAT DOG'))")(), {1, 2})


@pytest.mark.parametrize("code", NO_NUMBERS)
def test_what_is_no_python_number_is_told_so(code):
    assert sentence(CheckFailed, assert_close, returned(code)(), 0.5) == NO_NUMBERS[code]


def test_no_private_name_of_the_courses_own_classes_is_told():
    model = data.toy_telling_model()
    words = sentence(Raised, returned("safetensors.torch.save(args[0])"), model)
    assert "received a Classifier" in words
    assert "'Classifier' object has no attribute 'fc'" in sentence(Raised, returned("args[0].fc"), model)
    assert sentence(CheckFailed, assert_close, returned("args[0]")(model), b"").startswith("returned a Classifier,")


def test_an_endless_loop_is_stopped_with_its_line(student_within):
    words = sentence(TimedOut, student_within(0.3).endless)
    assert words == "endless() did not finish within 0.3 s of its own time and was stopped (unit.py:43)"


def test_no_except_exception_swallows_the_deadline(student_within):
    sentence(TimedOut, student_within(0.3).swallow)


def test_changes_in_place_are_reported_and_do_not_reach_the_check(student):
    images = torch.ones(2)
    student.in_place(images, 3.0)
    assert student.last.changed == ("images",)
    assert_close(images, torch.ones(2))
    student.double(images)
    assert student.last.changed == ()


WRAPPED = """
import torch
from torch import nn

def decorated(function):
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)
    return wrapper

def draw(images, source):
    return images.mul_(2) + torch.rand(len(images), generator=source)

class Drawing(nn.Module):
    def forward(self, images, generator):
        return draw(images, generator)

wrapped = decorated(draw)
drawing = Drawing()
"""


@pytest.mark.parametrize("name", ["draw", "wrapped", "drawing"])
def test_a_generator_is_named_so_and_other_arguments_by_their_place_where_they_have_no_name(name):
    unit = Module("unit", "unit.py", WRAPPED)
    student = StudentModule(ModuleUnderTest(unit, {"unit": unit}, 5.0), InProcess(), 0)
    getattr(student, name)(torch.ones(2), torch.Generator())
    first = "args[0]" if name == "wrapped" else "images"
    assert student.last.changed == (first, "generator")


def test_arguments_by_keyword_keep_their_names_under_a_decorator():
    unit = Module("unit", "unit.py", WRAPPED)
    student = StudentModule(ModuleUnderTest(unit, {"unit": unit}, 5.0), InProcess(), 0)
    student.wrapped(images=torch.ones(2), source=torch.Generator())
    assert student.last.changed == ("images", "generator")


def test_gradients(student):
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert_close(student.squares.gradient(x), 2 * x)
    weights = torch.tensor([1.0, -1.0])
    assert_close(student.squares.gradient(x, weights=weights), 2 * x * weights[:, None])
    assert str(student.last) == "the gradient of squares(2x2 tensor)"


def test_the_gradient_of_an_image_of_torchvision_is_that_of_its_tensor():
    text = "from torchvision import tv_tensors\n\ndef squares(x):\n    return tv_tensors.Image(x ** 2)\n"
    unit = Module("unit", "unit.py", text)
    x = torch.rand(3, 4, 4)
    assert_close(StudentModule(ModuleUnderTest(unit, {"unit": unit}, 5.0), InProcess(), 0).squares.gradient(x), 2 * x)


def test_gradients_by_the_parameters_of_modules(student):
    models, images = [data.toy_model(["cat", "dog"], seed=seed) for seed in (1, 2)], torch.rand(3, 3, 5, 4)
    models[0].head.bias.requires_grad_(False)
    means = images.mean(dim=(0, 2, 3))
    assert_close(student.mean_logit.gradient(models[0], images), [(means / 2).expand(2, 3)])
    sums = (3 * means).expand(2, 3)
    assert_close(student.logits_of_all.gradient(models, images), [sums, sums, torch.tensor([3.0, 3.0])])


def test_iterables_of_parameters_cross_as_lists(student):
    model = data.toy_model(["cat", "dog"])
    weight, bias = model.head.weight.detach(), model.head.bias.detach()
    groups = student.iterators(model)
    assert groups[0]["lr"] == 0.5
    assert_close([group["params"] for group in groups[:3]], [[weight, bias], [weight], [weight, bias]])
    assert_close(groups[3]["params"], [("head.weight", weight), ("head.bias", bias)])
    assert_close(groups[4]["params"], [weight, bias])


def test_an_iterator_of_anything_else_stays_with_the_worker(student):
    numbers = student.numbers_one_by_one()
    assert not isinstance(numbers, list)
    assert next(numbers) == 0
    assert list(numbers) == [1, 2]


def test_a_result_without_gradient_is_told(student):
    words = sentence(RefusedValue, student.cut_off.gradient, torch.ones(2, 2))
    assert words.startswith("the gradient of cut_off(2x2 tensor) returned a tensor without a gradient")
    assert "expected (3,)" in sentence(RefusedValue, student.squares.gradient, torch.ones(2, 2), weights=torch.ones(3))


def test_what_stays_behind_on_a_model_is_reported(student, model, images):
    student.untidy(model, images)
    kinds = {kind for _, kind, _ in student.last.side_effects}
    assert kinds == {"training mode", "hooks", "requires_grad", "gradients", "weights", "random state"}
    assert "gradients of model (head.bias, head.weight)" in student.last.describe_side_effects("gradients")
    assert student.last.describe_side_effects("random state") == ["random state"]


def test_gradients_of_zero_are_no_gradients(student, model, images):
    """`zero_grad(set_to_none=False)` and `grad.zero_()` leave zeros where nothing was; where something was, that is lost."""
    student.zero_gradients(model, images)
    assert student.last.describe_side_effects("gradients") == []
    student.zero_gradients(data.toy_head(32, 2, stale=True), images)
    assert student.last.describe_side_effects("gradients") == ["gradients of model (bias, weight)"]


@pytest.mark.parametrize("given", ["list", "dict"])
def test_what_stays_behind_on_one_of_several_models_is_reported_with_its_place(student, model, images, given):
    models = (
        [data.toy_model(["cat", "dog"]), model] if given == "list" else {"one": data.toy_model(["a"]), "other": model}
    )
    student.untidy_with_one_of(models, images)
    place = "models[1]" if given == "list" else "models['other']"
    assert {name for name, _, _ in student.last.side_effects} == {place, ""}
    assert f"gradients of {place} (head.bias, head.weight)" in student.last.describe_side_effects("gradients")


def test_a_tidy_call_leaves_nothing(student, model, images):
    assert_close(student.tidy(model, images), model(images).detach())
    assert (student.last.side_effects, student.last.changed) == ((), ())


@pytest.mark.parametrize("call", ["switch_gradients_off", "infer_for_ever"])
def test_gradients_that_stay_switched_off_are_reported_by_the_call_that_did_it(student, model, images, call):
    getattr(student, call)(model, images)
    assert student.last.describe_side_effects("gradients switched off") == ["gradients switched off"]
    student.tidy(model, images)
    assert student.last.side_effects == ()


def test_modes_and_frozen_parameters_travel(student, model):
    model.train()
    model.backbone.eval()
    model.head.bias.requires_grad_(False)
    facts = student.send(model).inspect()
    assert facts["frozen"] == ["head.bias"]
    assert "" in facts["training"] and "backbone" not in facts["training"]
    assert_close(facts["state"], dict(model.state_dict()))


def test_a_model_tells_its_classes(student, model):
    assert student.send(model).inspect()["classes"] == list(model.classes)
    assert student.send(model.backbone).inspect()["classes"] is None


def test_the_same_object_comes_back_as_the_same_handle(student, model):
    sent = student.send(model)
    assert student.freeze(sent) == sent
    assert set(sent.inspect()["frozen"]) == {name for name, _ in model.named_parameters()}
    assert not any(not parameter.requires_grad for parameter in model.parameters())


def test_a_module_that_the_student_makes_stays_there(student):
    head = student.build_head(4, 2)
    assert head(torch.zeros(3, 4)).shape == (3, 2)
    student.fit(head)
    assert_close(head(torch.rand(3, 4)).detach(), torch.ones(3, 2))
    assert head.inspect()["state"]["bias"].tolist() == [1.0, 1.0]


def test_a_generator_travels(student):
    generator = torch.Generator().manual_seed(9)
    expected = torch.rand(3, generator=torch.Generator().manual_seed(9))
    assert_close(student.draw(generator), expected)
    assert student.last.describe_side_effects("random state") == []


def test_reading_a_loader_in_order_draws_nothing_that_counts(student):
    assert student.read(False, 30)[29] == [[0, 1], [2, 3], [4, 5]]
    assert student.last.describe_side_effects("random state") == []


def test_the_first_weights_of_a_layer_draw_nothing_that_counts(student):
    first, again = (student.make_layer(torch.Generator().manual_seed(2)) for _ in range(2))
    assert torch.equal(first, again)
    assert student.last.describe_side_effects("random state") == []


@pytest.mark.parametrize("call", ["read_and_draw", "seed_and_read", "make_layer_and_draw"])
def test_drawing_and_seeding_beside_a_loader_are_reported(student, call):
    getattr(student, call)()
    assert student.last.describe_side_effects("random state") == ["random state"]


def test_shuffling_by_the_global_state_is_reported(student):
    student.read(True, 2)
    assert student.last.describe_side_effects("random state") == ["random state"]


def test_global_randomness_comes_from_the_seed(student):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(6)
    assert_close(student.draw_globally(), expected)


def test_a_module_without_recipe_is_the_checks_fault(student):
    with pytest.raises(CheckError, match="a Linear was passed without a recipe"):
        student.tidy(nn.Linear(1, 1), torch.zeros(1))


def test_a_module_that_fails_to_import_is_told(sandbox):
    unit = Module("unit", "unit.py", "import torch\nimport helpers\n")
    for worker in (contextlib.nullcontext(InProcess()), sandbox.worker()):
        with worker as transport:
            submission = StudentModule(ModuleUnderTest(unit, {"unit": unit}, 1.0), transport, 0)
            words = sentence(Unusable, submission.anything)
            assert words == "unit.py cannot be imported: ModuleNotFoundError: No module named 'helpers' (unit.py:2)"


def test_the_call_of_a_value_is_found(student):
    first, second = student.double(1.5), student.double(torch.ones(1))
    assert str(student.call_of(first)) == "double(1.5)"
    assert student.call_of(second) is student.last
    assert student.call_of("something else") is student.last


def test_state_does_not_pass_between_units_of_two_students(sandbox):
    """In process too, a module of one submission is not the module of another."""
    for value in (1, 2):
        unit = Module("unit", f"{value}.py", f"def value():\n    return {value}\n")
        assert StudentModule(ModuleUnderTest(unit, {"unit": unit}, 1.0), InProcess(), 0).value() == value


def test_a_reply_that_is_no_reply_is_refused():
    class Forger:
        def __init__(self, reply):
            self.reply = reply

        def exchange(self, request, seconds, respond=None):
            return self.reply

    unit = Module("unit", "unit.py", "")
    for reply in (b"garbage", encode(3), encode({"record": "Answer"}), encode({})):
        submission = StudentModule(ModuleUnderTest(unit, {"unit": unit}, 1.0), Forger(reply), 0)
        with pytest.raises((RefusedValue, Unusable)):
            submission.anything()


def test_the_death_of_a_worker_is_told_with_the_call(sandbox):
    unit = Module(
        "unit", "unit.py", "import os, ctypes\ndef leave():\n    os._exit(0)\ndef fall():\n    ctypes.string_at(0)\n"
    )
    for name, words in [("leave", "it ended its own process with exit code 0"), ("fall", "died of SIGSEGV")]:
        with sandbox.worker() as transport:
            submission = StudentModule(ModuleUnderTest(unit, {"unit": unit}, 1.0), transport, 0)
            assert words in sentence(Crashed, getattr(submission, name))
            assert "had ended before" in sentence(Crashed, submission.leave)


def test_a_network_does_not_tell_how_it_was_made(student):
    model = data.load_model("tiny", pretrained=False, seed=3)
    assert hasattr(model, "recipe") and hasattr(model.backbone, "recipe")
    assert student.hints_of(model) == []


def test_a_model_travels_without_the_seed_that_its_weights_were_drawn_from():
    recipe = recipe_of(data.toy_head(2, 3, seed=12345))
    assert recipe.arguments == {"in_features": 2, "num_classes": 3, "stale": False}
    assert torch.equal(recipe.state["weight"], data.toy_head(2, 3, seed=12345).weight)


def test_a_model_keeps_its_dtypes_on_the_way():
    sent = data.toy_convnet().double()
    made = make_module(recipe_of(sent), "cpu")
    for name, value in made.state_dict().items():
        assert value.dtype == sent.state_dict()[name].dtype and torch.equal(value, sent.state_dict()[name])


def test_what_a_submission_sees_is_drawn_from_other_seeds_than_its_inputs():
    seeds = {check_seed("s", "c"), sent_seed("s", "worker", "c"), sent_seed("s", "model", "c")}
    assert len({seed % 2**31 for seed in seeds}) == 3
