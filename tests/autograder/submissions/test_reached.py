"""A graded function finds what it had in the kernel, also what was changed through calls, loops and second names."""

import ast

import pytest
import torch
from nbformat.v4 import new_code_cell

from tests.autograder.handed_in import read_submission
from tests.autograder.submissions.test_submissions import UNITS, notebook

TENSOR = "import numpy as np\nimport torch\nk = torch.zeros(2, 3)\ndef denoise():\n    return k.tolist()"
LAYER = (
    "import torch\nfrom torch import nn\nconv = nn.Conv2d(1, 1, 2)\nK = torch.ones(1, 1, 2, 2)\n"
    "def denoise():\n    return conv.weight.tolist(), [p.requires_grad for p in conv.parameters()]"
)
TABLE = "names, table = ['a', 'b'], {}\ndef denoise():\n    return table"
OBJECTS = (
    "class Part:\n    n = 0\n    def along(self, n):\n        self.n = n\n"
    "parts = [Part(), Part()]\ndef denoise():\n    return [part.n for part in parts]"
)


COUNTER = (
    "def make():\n    n = 0\n    def count():\n        nonlocal n\n        n += 1\n        return n\n    return count\n"
    "count = make()\ndef denoise():\n    return count()"
)
CONTEXT = (
    "class Counting:\n    def __init__(self, store):\n        self.store = store\n        self.n = 0\n"
    "    def __enter__(self):\n        self.n += 1\n    def __exit__(self, *_):\n        self.store.append(self.n)\n"
    "found = []\nctx = Counting(found)\ndef denoise():\n    return found, ctx.n"
)
COUNTED = (
    "MADE = []\nclass Part:\n    count = 0\n    def __init__(self):\n        Part.count += 1\n        MADE.append(self)\n"
    "class Wheel(Part):\n    pass\ndef denoise():\n    return Part.count, len(MADE)"
)
HOOKED = (
    "from torch import nn\nnet = nn.Sequential(nn.ReLU(), nn.ReLU())\n"
    "class Hook:\n    def __init__(self, module):\n        self.handle = module.register_forward_hook(print)\n"
    "def denoise():\n    return [len(layer._forward_hooks) for layer in (net, *net)]"
)
ENTERED = (
    "TABLE, sizes = {}, []\nclass Base:\n    def __init_subclass__(cls):\n        TABLE['Base'] = cls\n"
    "class Field:\n    def __set_name__(self, owner, name):\n        TABLE['Field'] = owner\n"
    "def denoise():\n    return [made().sizes() for made in TABLE.values()]"
)
USED = (
    "import itertools, random, torch\nimport numpy as np\nfrom itertools import count\n"
    "def numbers():\n    n = 0\n    while True:\n        yield n\n        n += 1\n"
    "it = {}\ndef denoise():\n    return next(it)"
)
RANDOM = USED.replace("next(it)", "it.random()")
REMEMBERS = (
    "SEEN = []\ndef remember(x, seen=[], by=1):\n    seen.append(x)\n    return by * len(seen)\n"
    "def denoise():\n    return SEEN, remember(2)"
)
MEMO = (
    "def memo(f):\n    cache = {}\n    def inner(x):\n        if x not in cache:\n            cache[x] = len(cache)\n"
    "        return cache[x]\n    return inner\n@memo\ndef double(x):\n    return 2 * x\n"
    "def denoise():\n    return double(5), double(3)"
)
DRAWN = "import random, torch\nimport numpy as np\ndef denoise():\n    return x.tolist()"
SEED = (
    "def set_seed(seed):\n    random.seed(seed)\n    torch.manual_seed(seed)\n    if torch.cuda.is_available():\n"
    "        torch.cuda.manual_seed_all(seed)\n    print('set', seed)"
)


def names_after(text):
    """Execute each statement for itself, as in a kernel whose cells follow one another."""
    names = {"__name__": "__main__"}
    for node in ast.parse(text).body:
        exec(compile(ast.Module([node], []), "cell", "exec"), names)
    return names


def left_of(tmp_path, *cells):
    (tmp_path / "variation_loss.ipynb").write_text(notebook(*map(new_code_cell, cells)))
    return read_submission(tmp_path, UNITS, ["denoise"]).modules["variation_loss"].text


@pytest.mark.parametrize(
    ("start", "cells"),
    [
        (TENSOR, ["k.view(-1)[1] = 1"]),
        (TENSOR, ["flat = k.view(3, 2)", "flat[:, 0] = -1"]),
        (TENSOR, ["flat = k.view(-1)", "for i in range(3):\n    flat[i] = i"]),
        (TENSOR, ["a = k.numpy()\na[:] = 4"]),
        (TENSOR, ["np.put(k.numpy(), [0, 1], [5, 6])"]),
        (TENSOR, ["np.copyto(k.numpy(), 3)"]),
        (TENSOR, ["for i in range(2):\n    row = k[i]\n    row[0] = -1"]),
        (TENSOR, ["for row in k:\n    row += 2"]),
        (TENSOR, ["for i, row in enumerate(k):\n    row += i"]),
        (TENSOR, ["with torch.no_grad():\n    for row in k:\n        row.fill_(2)"]),
        (TENSOR, ["if True:\n    for row in k:\n        row[1] = 3"]),
        (TENSOR, ["for i in range(2):\n    for j in range(3):\n        k.view(-1)[i * 3 + j] = i"]),
        (TENSOR, ["first, second = k.unbind()", "second += 1"]),
        (TENSOR, ["k.data.view(-1).copy_(torch.arange(6))"]),
        (TENSOR, ["def fill(t):\n    flat = t.view(-1)\n    flat[0] = 7", "fill(k)"]),
        (TENSOR, ["def fill(t):\n    for row in t:\n        row[0] = 7", "fill(k)"]),
        (LAYER, ["with torch.no_grad():\n    for p in conv.parameters():\n        p.fill_(2)"]),
        (LAYER, ["for p in conv.parameters():\n    p.requires_grad = False"]),
        (LAYER, ["next(conv.parameters()).data = K"]),
        (LAYER, ["list(conv.parameters())[0].data[:] = K"]),
        (LAYER, ["conv.state_dict()['weight'][:] = K"]),
        (LAYER, ["w = next(conv.parameters())", "w.data.copy_(K)"]),
        (LAYER, ["torch.nn.utils.vector_to_parameters(torch.ones(5), conv.parameters())"]),
        (LAYER, ["for p in [conv.weight, conv.bias]:\n    p.requires_grad_(False)"]),
        (LAYER, ["_ = list(map(lambda p: p.data.fill_(2), conv.parameters()))"]),
        (LAYER, ["list(map(lambda p: p.requires_grad_(False), conv.parameters()))"]),
        (LAYER, ["for _ in map(lambda n, p: p.data.fill_(n), range(2), conv.parameters()):\n    pass"]),
        (LAYER, ["def fix(p):\n    p.requires_grad = False", "list(map(fix, conv.parameters()))"]),
        (LAYER, ["def fix(p):\n    p.requires_grad = False", "list(map(lambda p: fix(p), conv.parameters()))"]),
        (TABLE, ["def get():\n    return table", "get()['a'] = 2"]),
        (TABLE, ["def get():\n    return table", "get().update(b=3)"]),
        (TABLE, ["both = [table, names]", "both[0].update(a=1)"]),
        (TABLE, ["for name in names:\n    table.setdefault(name, []).append(name)"]),
        (TABLE, ["enter = table.update", "enter(a=4)"]),
        (TABLE, ["from functools import partial\nenter = partial(table.__setitem__, 'a')", "enter(5)"]),
        (
            "def make():\n    found = {}\n    def enter(key):\n        found[key] = 1\n    return found, enter\n"
            "table, enter = make()\ndef denoise():\n    return table",
            ["for key in 'ab':\n    enter(key)"],
        ),
        (
            TABLE,
            [
                "class Builder:\n    def __init__(self, store):\n        self.store = store\n"
                "    def enter(self, key):\n        self.store[key] = 1\nbuilder = Builder(table)",
                "for name in names:\n    builder.enter(name)",
            ],
        ),
        (OBJECTS, ["for part, n in zip(parts, (2, 3)):\n    part.along(n)"]),
        (OBJECTS, ["if parts:\n    for part in parts:\n        part.n = 4"]),
        (OBJECTS, ["for n in range(2):\n    for part in parts:\n        part.n += n"]),
        (OBJECTS, ["for part in parts:\n    setattr(part, 'n', 5)"]),
        (OBJECTS, ["def give(one, n):\n    one.n = n", "for part in parts:\n    give(part, 6)"]),
        (
            "lines = iter(['head', 'a', 'b'])\ndef denoise():\n    return rows",
            ["header = next(lines)", "rows = list(lines)"],
        ),
        (
            "import io\nfile = io.StringIO('head\\na\\n')\ndef denoise():\n    return rows",
            ["header = file.readline()", "rows = file.readlines()"],
        ),
        ("a = b = []\ndef denoise():\n    return a", ["b.append(1)"]),
        (
            "root = node = {}\ndef denoise():\n    return root",
            ["for key in 'ab':\n    node = node.setdefault(key, {})", "node['end'] = 1"],
        ),
        (COUNTER, ["count(); count()"]),
        (COUNTER, ["for _ in range(2):\n    count()"]),
        (CONTEXT, ["with ctx:\n    pass"]),
        (CONTEXT, ["with Counting(found):\n    pass"]),
        (CONTEXT, ["if True:\n    with ctx as number:\n        pass"]),
        (CONTEXT, ["def use():\n    with ctx:\n        pass\nuse()"]),
        (COUNTED, ["part = Part()", "Part()"]),
        (COUNTED, ["parts = [Part() for _ in range(2)]"]),
        (COUNTED, ["wheel = Wheel()"]),
        (COUNTED, ["def make():\n    return Wheel()\nfor _ in range(2):\n    make()"]),
        (COUNTED.replace("Part.count += 1", "type(self).count += 1"), ["part = Part()"]),
        (COUNTED.replace("Part.count += 1", "self.__class__.count += 1"), ["part = Part()"]),
        (COUNTED.replace("__init__(self)", "__new__(self)"), ["Part()"]),
        (HOOKED, ["Hook(net)"]),
        (HOOKED, ["hook = Hook(net[0])"]),
        (HOOKED, ["for layer in net:\n    Hook(layer)"]),
        (HOOKED, ["hooks = list(map(Hook, net))"]),
        (
            ENTERED,
            ["for n in (1, 2):\n    sizes.append(n)", "class Made(Base):\n    def sizes(self):\n        return sizes"],
        ),
        (
            ENTERED,
            [
                "for n in (1, 2):\n    sizes.append(n)",
                "class Made:\n    field = Field()\n    def sizes(self):\n        return sizes",
            ],
        ),
        (
            "class Left:\n    def put(self, n):\n        self.n = n\nclass Right:\n    def put(self, n):\n        return n\n"
            "left = Left()\ndef denoise():\n    return left.n",
            ["left.put(3)"],
        ),
        (USED.format("iter([1, 2, 3])"), ["for x in it:\n    break"]),
        (USED.format("iter([1, 2, 3])"), ["first = list(zip(it, range(1)))"]),
        (USED.format("iter([1, 2, 3])"), ["print(sum(itertools.islice(it, 2)))"]),
        (USED.format("(n for n in range(9))"), ["a, b = (x for x, _ in zip(it, 'ab'))", "print(a, b)"]),
        (USED.format("(n for n in range(9))"), ["assert 3 in it"]),
        (USED.format("enumerate('abc')"), ["first = [pair for pair, _ in zip(it, 'a')]"]),
        (USED.format("count(5)"), ["ids = [n for n, _ in zip(it, 'ab')]"]),
        (
            USED.format("itertools.cycle('abc')"),
            ["a, b = (x for x, _ in zip(it, 'ab'))", "if a == 'a':\n    list(zip(it, 'a'))"],
        ),
        (USED.format("numbers()"), ["for n in it:\n    if n > 3:\n        break"]),
        (USED.format("iter(range(9))"), ["squares = (n * n for n in it)", "list(zip('ab', squares))"]),
        (RANDOM.format("np.random.default_rng(3)"), ["noise = it.normal(size=2)"]),
        (RANDOM.format("random.Random(3)"), ["pick = it.choice([1, 2])", "print(it.random())"]),
        (
            USED.replace("next(it)", "torch.rand(2, generator=it).tolist()").format("torch.Generator().manual_seed(3)"),
            ["x = torch.rand(2, generator=it)"],
        ),
        (REMEMBERS, ["remember(1)"]),
        (REMEMBERS, ["print(remember(1))", "n = remember(2)"]),
        (REMEMBERS, ["for n in range(3):\n    remember(n)"]),
        (REMEMBERS, ["list(map(remember, 'ab'))"]),
        (REMEMBERS.replace("seen=[]", "*, seen=list()"), ["remember(1)"]),
        (REMEMBERS.replace("seen=[]", "seen=SEEN"), ["remember(1)"]),
        (LAYER, ["parts = {name: p for name, p in conv.named_parameters()}", "parts['bias'].data.fill_(3)"]),
        (TENSOR, ["y = torch.nn.functional.threshold(k, 1., 5., inplace=True)"]),
        (
            "import torch\nimport torch.nn as nn\ndef denoise():\n    return layer.weight.item()",
            ["torch.manual_seed(5)", "layer = nn.Linear(1, 1)"],
        ),
        (
            "from torch import nn\nnet = nn.Dropout()\ndef denoise():\n    return net.training",
            ["net.eval()", "y = net(None) if net.training else 1", "net.train()"],
        ),
        (COUNTER.replace("n = 0", "n = [0]").replace("nonlocal n\n        n += 1", "n[0] += 1"), ["count()"]),
        (
            "def make():\n    xs = []\n    return lambda x: xs.append(x) or len(xs)\ncount = make()\n"
            "def denoise():\n    return count(2)",
            ["count(1)"],
        ),
        (MEMO, ["double(3)"]),
        (MEMO, ["print(double(4))", "three = double(3)"]),
        (
            "def counted(f):\n    def inner(x):\n        inner.n += 1\n        return f(x)\n    inner.n = 0\n"
            "    return inner\n@counted\ndef double(x):\n    return 2 * x\ndef denoise():\n    return double.n",
            ["double(3)"],
        ),
        (DRAWN, ["_ = torch.manual_seed(5)", "x = torch.rand(2)"]),
        (DRAWN, ["random.seed(5), np.random.seed(5), torch.manual_seed(5)", "x = torch.rand(2)"]),
        (DRAWN, [SEED, "set_seed(5)", "x = torch.rand(2)"]),
        (DRAWN, ["if True: torch.manual_seed(5)", "x = torch.rand(2)"]),
        (DRAWN, ["if random is None:\n    pass\nelse:\n    torch.manual_seed(5)", "x = torch.rand(2)"]),
        (DRAWN, ["try:\n    torch.manual_seed(5)\nexcept OSError:\n    pass", "x = torch.rand(2)"]),
        (DRAWN, ["with torch.no_grad():\n    torch.manual_seed(5)", "x = torch.rand(2)"]),
        (
            DRAWN,
            ["for seeder in (random.seed, np.random.seed, torch.manual_seed):\n    seeder(5)", "x = torch.rand(2)"],
        ),
        (DRAWN, ["print('seed', torch.manual_seed(5))", "x = torch.rand(2)"]),
        (DRAWN, [SEED, "if random:\n    set_seed(5)", "x = torch.rand(2)"]),
        (DRAWN, [SEED, "def setup():\n    set_seed(5)\nsetup()", "x = torch.rand(2)"]),
        (
            DRAWN,
            [
                "class Config:\n    def setup(self):\n        torch.manual_seed(5)\nConfig().setup()",
                "x = torch.rand(2)",
            ],
        ),
        (
            DRAWN,
            [
                "def set_all(n):\n    for seeder in [random.seed, torch.manual_seed]:\n        seeder(n)\nset_all(5)",
                "x = torch.rand(2)",
            ],
        ),
    ],
)
def test_a_graded_function_finds_what_the_kernel_had(tmp_path, start, cells):
    torch.manual_seed(0)  # a layer begins by lot
    expected = names_after("\n".join([start, *cells]))["denoise"]()
    torch.manual_seed(0)
    assert names_after(left_of(tmp_path, start, *cells))["denoise"]() == expected


@pytest.mark.parametrize(
    "cell",
    [
        "for images, labels in loader:\n    out = net(images)\n    out[0] = 1",
        "for epoch in range(9):\n    for p, g in zip(params, torch.autograd.grad(loss(), params)):\n        p.data -= g",
        "history = fit(net, loader)\nhistory.append(0)",
        "losses = []\nfor x in loader:\n    losses.append(net(x))",
        "out = net(loader)\nout = out.clone()\nout[0] = 1",
        "print(net(loader))",
        "if net:\n    torch.manual_seed(0)\n    fit(net, loader)",
        "with torch.no_grad():\n    torch.manual_seed(0)\n    for images in loader:\n        net(images)",
        "for seed in (torch.manual_seed, torch.seed):\n    seed(0)\n    fit(net, loader)",
        "print(torch.manual_seed(0), fit(net, loader))",
        "print(net.seed)",
        "outputs = list(map(lambda x: fit(net, x), loader))",
        "norms = list(map(lambda p: p.norm(), net.parameters()))",
        "sizes = list(map(len, net.parameters()))",
        "batches = iter(loader)\nfor images in batches:\n    fit(net, images)",
        "batches = iter(loader)\nfor images in batches:\n    plt.imshow(images)",
        "made = Generator()\nprint(made)",
        "def size(x, dims=[], by=1):\n    return dims + [by]\nsize(net)",
        "def size(x, dims=[]):\n    dims.append(x)\nsize(fit(1, loader))",
        "denoise()",
        "def draw(x):\n    image = torch.zeros(3)\n    image.resize_(2)\ntorch.manual_seed(0)\ndraw(net(loader))",
        "def timed(f):\n    def inner(x):\n        result = f(x)\n        print(result)\n        return result\n"
        "    return inner\n@timed\ndef made(x):\n    return x\nmade(net)",
        "def stepping(net):\n    losses = []\n    def made(x):\n        loss = net(x)\n        loss.backward()\n"
        "        losses.append(loss)\n    return made\nmade = stepping(net)\nfor x in loader:\n    made(x)",
    ],
)
def test_what_trains_or_looks_at_a_network_is_left_out(tmp_path, cell):
    start = (
        "import torch\nnet, loader, params, loss = load()\nclass Generator(torch.nn.Module):\n    pass\n"
        "def fit(net, loader):\n    net.train()\n    return []"
    )
    text = left_of(
        tmp_path, start, cell, "def denoise(seen=[]):\n    seen.append(size)\n    return net, torch, batches, made"
    )
    assert cell.splitlines()[-1] not in text


@pytest.mark.parametrize(
    "cell",
    [
        "class Trainer:\n    def __init__(self, net, loader):\n        self.net, self.loader = net, loader\n"
        "trainer = Trainer(net, load())",
        "class Trainer:\n    def __init__(self, net):\n        self.net = net\ntrainer = Trainer(net)",
        "class Timer:\n    def __enter__(self):\n        self.n = 1\n    def __exit__(self, *_):\n        LOG.append(self.n)\n"
        "with Timer():\n    fit(net, load())",
        "class Timer:\n    def __enter__(self):\n        self.n = 1\n    def __exit__(self, *_):\n        LOG.append(self.n)\n"
        "with torch.no_grad():\n    y = net(torch.ones(2))",
        "class Experiment:\n    def __init__(self):\n        LOG.append(1)\n        fit(net, load())\nExperiment()",
        "def main():\n    part = Part()\n    fit(part, load())\nmain()",
        "fit(Part(), load())",
    ],
)
def test_an_object_that_changes_nothing_that_is_read_or_trains_is_left_out(tmp_path, cell):
    start = (
        "import torch\nLOG, net = [], torch.nn.ReLU()\nclass Part:\n    def __init__(self):\n        LOG.append(self)\n"
        "def fit(net, loader):\n    net.train()\n    return []"
    )
    text = left_of(tmp_path, start, cell, "def denoise():\n    return LOG, net, torch, Part")
    assert f"\n{cell.splitlines()[-1]}\n" not in text


@pytest.mark.parametrize(
    "body", ["return work()", "work = []\n    for x in range(9): work.append(x)", "plt.imshow(x)", "x.backward()"]
)
def test_a_function_that_does_more_than_to_set_a_seed_is_not_called(tmp_path, body):
    cells = (
        "import torch\nx = torch.rand(2)\ndef work(): pass",
        f"def go():\n    torch.manual_seed(0)\n    {body}\ngo()",
    )
    text = left_of(tmp_path, *cells, "def denoise():\n    return x")
    assert "manual_seed" in text and "\ngo()" not in text


@pytest.mark.parametrize(
    "call",
    ["seeding.seed_everything(3)", "from seeding import set_seed\nset_seed(3)", "print(seeding.set_random_seed(3))"],
)
def test_a_seed_that_a_library_or_a_helper_sets_for_all_is_kept(tmp_path, call):
    text = left_of(tmp_path, "import seeding, torch\nx = torch.rand(2)", call, "def denoise():\n    return x")
    assert call in text


@pytest.mark.parametrize("start", ["def set_seed(n):\n    fit(n)", "from seeding import fit as set_seed_and_train"])
def test_a_function_that_is_called_as_one_that_seeds_and_trains_is_not_called(tmp_path, start):
    call = f"{start.split()[-1]}(3)" if "import" in start else "set_seed(3)"
    text = left_of(tmp_path, "import torch\ndef fit(n): pass", start, call, "def denoise():\n    return torch.rand(2)")
    assert f"\n{call}\n" not in text


@pytest.mark.parametrize(
    "use", ["trainer.train()", "trainer.eval()\nclass Net:\n    def train(self): pass\ntrainer.train()"]
)
def test_a_method_that_trains_is_told_from_the_mode_of_a_network(tmp_path, use):
    text = left_of(tmp_path, "trainer = load()", use, "def denoise():\n    return trainer")
    assert "trainer.train()" not in text


def test_a_function_of_the_notebook_that_changes_a_class_of_a_library_is_called(tmp_path):
    cells = (
        "from torch import nn\ndef extend(kind):\n    kind.size = 3",
        "extend(nn.Conv2d)",
        "def denoise():\n    return nn",
    )
    assert "\nextend(nn.Conv2d)\n" in left_of(tmp_path, *cells)


def test_a_training_that_hands_over_what_a_library_computes_is_left_out(tmp_path):
    cells = (
        "import numpy as np\nclass Meter:\n    def update(self, value):\n        self.value = value\nmeter = Meter()",
        "for epoch in range(9):\n    meter.update(np.mean(fit(net)))",
        "def denoise(x):\n    return np.abs(x)",
    )
    assert "fit" not in left_of(tmp_path, *cells)


def test_a_seed_of_a_library_that_no_graded_function_needs_is_left_out(tmp_path):
    cells = (
        "import random, torch\nfrom torch import nn",
        "torch.manual_seed(0)",
        "def denoise():\n    return random.random()",
    )
    assert "manual_seed" not in left_of(tmp_path, *cells)


@pytest.mark.parametrize("decorator", ["register", "enter('predict')", "table.add"])
def test_a_function_that_a_decorator_enters_finds_what_the_kernel_had(tmp_path, decorator):
    start = (
        "class Table(dict):\n    def add(self, f):\n        self[f.__name__] = f\n        return f\ntable = Table()\n"
        "def register(f):\n    table[f.__name__] = f\n    return f\n"
        "def enter(name):\n    def inner(f):\n        table[name] = f\n        return f\n    return inner\n"
        "def fit():\n    return 1"
    )
    cells = (
        start,
        "net = fit()\nsizes = []\nfor n in range(3):\n    sizes.append(n)",
        f"@{decorator}\ndef predict():\n    return net, sizes",
    )
    cells = *cells, "def denoise():\n    return table['predict']()"
    assert names_after(left_of(tmp_path, *cells))["denoise"]() == names_after("\n".join(cells))["denoise"]()


def test_what_is_drawn_and_read_at_once_is_there(tmp_path):
    cells = (
        "import random\nrng = random.Random(3)\nx = rng.random()",
        "class Report:\n    x = x",
        "def denoise():\n    return 2",
    )
    assert names_after(left_of(tmp_path, *cells))["denoise"]() == 2


def test_two_names_that_stand_for_parts_of_one_another_end(tmp_path):
    cell = "a = load()\nb = a.left\na = b.right\nb = a.left\na.n = 1\nb.n = 2"
    assert "a.n = 1" in left_of(tmp_path, cell, "def denoise():\n    return a")


@pytest.mark.parametrize(
    "cells",
    [
        (
            "SIZES = [1, 2]\nresults = {n: [] for n in SIZES}",
            "for n in SIZES:\n    results[n].append(denoise())",
        ),
        ("SIZES = [1, 2]\nimages = [torch.rand(3) for n in SIZES]", "for image in images:\n    image.clamp_(0, 1)"),
        ("SIZES = 3\nx = torch.rand(1, 3, SIZES)", "for step in range(40):\n    x.clamp_(0, 1)"),
        ("SIZES = torch.device('cpu')\nnet = Net().to(SIZES)", "for epoch in range(9):\n    net.eval()\n    run(net)"),
        ("SIZES = {'a': 3, 'b': 'cpu'}\nnet = Net(SIZES['a'])", "for epoch in range(9):\n    net.eval()\n    run(net)"),
        ("SIZES = Namespace(a=3)\nnet = Net(SIZES.a)", "for epoch in range(9):\n    net.eval()\n    run(net)"),
        ("SIZES = 2\nfigure, axes = plt.subplots(SIZES)", "axes.set_title('loss')\nfigure.tight_layout()"),
    ],
)
def test_what_is_made_from_a_number_changes_nothing_of_it(tmp_path, cells):
    text = left_of(tmp_path, "import torch\nfrom torch import Net", *cells, "def denoise():\n    return SIZES, torch")
    assert cells[-1].splitlines()[-1] not in text


@pytest.mark.parametrize(
    ("start", "change"),
    [
        ("SIZES = [1, 2]\nrows = {n: SIZES for n in 'ab'}", "rows['a'].append(3)"),
        ("SIZES = [[1], [2]]\nrows = [row for row in SIZES]", "rows[0].append(3)"),
        ("SIZES = {'a': [1]}\nrow = SIZES['a']", "row.append(3)"),
        ("SIZES = {'a': 1}\nother = SIZES", "other['a'] = 3"),
        ("SIZES = 1\nSIZES = [SIZES]\nother = SIZES", "other.append(3)"),
    ],
)
def test_what_shares_a_value_changes_it(tmp_path, start, change):
    cells = start, change, "def denoise():\n    return SIZES"
    assert names_after(left_of(tmp_path, *cells))["denoise"]() == names_after("\n".join(cells))["denoise"]()


def test_a_seed_that_sets_how_a_library_computes_keeps_no_training(tmp_path):
    start = (
        "import torch\ndef set_seed(n):\n    torch.manual_seed(n)\n    torch.backends.cudnn.deterministic = True\n"
        "def train(n):\n    set_seed(n)\n    loss.backward()"
    )
    text = left_of(
        tmp_path, start, "train(0)\nmodels = [train(n) for n in range(3)]", "def denoise():\n    return torch"
    )
    assert "\ntrain(0)" not in text
    assert "range(3)" not in text


@pytest.mark.parametrize(
    "cells",
    [
        ("features = []\nfor n in range(3):\n    features.append(n)", "features = sorted(features)"),
        ("features = None\nfeatures = fit(1)", "features = {**features}"),
    ],
)
def test_a_file_of_what_a_loop_or_a_function_computed_is_left_out(tmp_path, cells):
    text = left_of(
        tmp_path,
        "import json\ndef fit(n):\n    return n",
        *cells,
        "json.dump(features, open('a.json', 'w'))",
        "def denoise():\n    return 1",
    )
    assert "dump" not in text
    assert "fit(1)" not in text
