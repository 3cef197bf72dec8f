"""Whatever a student hands in ends in modules or in a sentence, never in an exception."""

import io
import json
import os
import re
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.errors import UsageError
from autograder.submissions import Module, read_helpers, read_module
from autograder.submissions.intake import take_in
from autograder.submissions.notebook import join_cells
from autograder.worker.modules import LoadedModule, loading_of
from tests.autograder.handed_in import read_submission

UNITS = ("variation_loss", "adversarial_attack")
CODE = "def total_variation(images):\n    return images\n"


def zipped(path: Path, members: dict[str, str | bytes], **options) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return path


def notebook(*cells) -> str:
    return nbformat.writes(new_notebook(cells=list(cells)))


def problem_of(path: Path) -> str:
    return read_submission(path, UNITS).modules["variation_loss"].problem


# --- where files are found


def test_a_folder(handin):
    found = read_submission(handin(variation_loss=CODE, notes__txt="hello", conftest="import os"), UNITS)
    assert (found.name, found.modules["variation_loss"].text) == ("alice", CODE)
    assert found.not_taken == ("conftest.py", "notes.txt")
    assert not found.problem and not found.notes


def test_a_file_of_its_own(tmp_path):
    for name in ("variation_loss.py", "alice_variation_loss.py"):
        (tmp_path / name).write_text(CODE)
        found = read_submission(tmp_path / name, UNITS)
        assert found.name == name.removesuffix(".py")
        assert list(found.modules) == ["variation_loss"]


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tgz", "a.tar.xz"])
def test_archives(tmp_path, name):
    path = tmp_path / name
    if name.endswith(".zip"):
        zipped(path, {"hw/variation_loss.py": CODE, "__MACOSX/hw/._variation_loss.py": b"\0", "hw/.git/x.py": ""})
    else:
        compression = name.rpartition(".")[2].replace("tgz", "gz").replace("tar", "")
        with tarfile.open(path, f"w:{compression}") as archive:
            info = tarfile.TarInfo("hw/variation_loss.py")
            info.size = len(CODE)
            archive.addfile(info, io.BytesIO(CODE.encode()))
    found = read_submission(path, UNITS)
    assert (found.name, found.modules["variation_loss"].text, found.not_taken) == ("a", CODE, ())


def test_an_archive_inside_the_students_folder(handin):
    folder = handin(notes__txt="see the zip")
    zipped(folder / "homework.zip", {"variation_loss.py": CODE})
    found = read_submission(folder, UNITS)
    assert found.modules["variation_loss"].text == CODE
    assert found.not_taken == ("notes.txt",)


def test_the_file_nearest_to_the_top_is_taken(handin):
    folder = handin(variation_loss=CODE)
    (folder / "old").mkdir()
    (folder / "old" / "variation_loss.py").write_text("raise SystemExit")
    found = read_submission(folder, UNITS)
    assert found.modules["variation_loss"].text == CODE
    assert found.not_taken == ("old/variation_loss.py",)


def test_of_a_whole_checkout_the_exercises_are_taken(tmp_path):
    for place in ("exercises", "drafts", ".venv/lib", "a/b"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "variation_loss.py").write_text(CODE if place == "exercises" else "wrong = 1\n")
    found = read_submission(tmp_path, UNITS)
    assert found.modules["variation_loss"].text == CODE
    assert ".venv/lib/variation_loss.py" not in found.not_taken


def test_a_script_goes_before_a_notebook(handin):
    folder = handin(variation_loss=CODE, variation_loss__ipynb=notebook(new_code_cell("x = 1")))
    found = read_submission(folder, UNITS)
    assert found.modules["variation_loss"].text == CODE
    assert found.not_taken == ("variation_loss.ipynb",)


def test_links_are_not_followed(handin, tmp_path):
    secret = tmp_path / "secret.py"
    secret.write_text("password = 1")
    folder = handin(adversarial_attack="x = 1\n")
    (folder / "variation_loss.py").symlink_to(secret)
    (folder / "all").symlink_to(tmp_path, target_is_directory=True)
    found = read_submission(folder, UNITS)
    assert list(found.modules) == ["adversarial_attack"]


def test_paths_that_lead_out_are_refused(tmp_path):
    members = {"../variation_loss.py": CODE, "/etc/adversarial_attack.py": CODE, "fine.txt": ""}
    found = read_submission(zipped(tmp_path / "a.zip", members), UNITS)
    assert found.modules == {}
    assert found.notes == (
        "../variation_loss.py was refused: its path leads out of a.zip",
        "/etc/adversarial_attack.py was refused: its path leads out of a.zip",
    )


@pytest.mark.parametrize("folder", ["HW1: loss", "12:30"])
def test_a_colon_in_the_name_of_a_folder_is_no_drive_letter(tmp_path, folder):
    path = zipped(tmp_path / "alice.zip", {f"{folder}/variation_loss.py": CODE})
    assert list(read_submission(path, UNITS).modules) == ["variation_loss"]


def test_links_in_archives_are_left_out(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        info = tarfile.TarInfo("variation_loss.py")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    assert read_submission(tmp_path / "a.tar", UNITS).modules == {}


def test_a_long_list_of_other_files_is_cut(tmp_path):
    members = {f"image{i:04}.png": b"" for i in range(150)}
    found = read_submission(zipped(tmp_path / "a.zip", {**members, "variation_loss.py": CODE}), UNITS)
    assert len(found.not_taken) == 101
    assert found.not_taken[-1] == "... and 50 more"


def test_too_many_files_are_refused(tmp_path):
    found = read_submission(zipped(tmp_path / "a.zip", {f"{i}.txt": b"" for i in range(10_001)}), UNITS)
    assert found.problem == "a.zip holds more than 10,000 files; hand in the course's own files only"


def test_a_name_with_control_characters_is_shown_harmlessly(tmp_path):
    found = read_submission(zipped(tmp_path / "a.zip", {"\x1b[2Jevil.txt": b""}), UNITS)
    assert found.not_taken == ("?[2Jevil.txt",)


# --- wrong names


def test_a_near_name_is_offered(handin):
    found = read_submission(handin(variaton_loss=CODE), UNITS)
    assert found.notes == ("variaton_loss.py is not a file of this course; rename it to variation_loss.py",)


def test_without_a_near_name_the_right_ones_are_listed(handin):
    found = read_submission(handin(homework=CODE), UNITS)
    expected = "homework.py is not a file of this course; the course has variation_loss.py, adversarial_attack.py"
    assert found.notes == (expected,)


def test_helpers_beside_the_units_are_no_matter(handin):
    assert read_submission(handin(variation_loss=CODE, helpers="x = 1"), UNITS).notes == ()


# --- files that cannot be used


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "variation_loss.py is empty; hand in the file that you have worked on"),
        (b" \n\n", "variation_loss.py is empty; hand in the file that you have worked on"),
        ("x = 'ö'".encode("latin-1"), "variation_loss.py is not UTF-8 text; save it again as UTF-8"),
        (b"# coding: klingon\n", "variation_loss.py is not UTF-8 text; save it again as UTF-8"),
        (b"x = 1\0", "variation_loss.py holds null bytes; save it again as UTF-8 text"),
        (b"def f(:\n  pass\n", "variation_loss.py:1 is not valid Python (invalid syntax): def f(:"),
        (b"if True:\n\tx = 1\n        y = 2\n", "variation_loss.py:3 is not valid Python"),
        (b"x = 1\n<<<<<<< HEAD\n", "variation_loss.py:2 is not valid Python (invalid syntax): <<<<<<< HEAD"),
        (b"(" * 5000, "variation_loss.py"),
        (b"#" * (20 * 2**20), "variation_loss.py is 20.0 MB, more than the 256 KB allowed; hand in code without data or"),
    ],
    ids=["empty", "blank", "latin-1", "klingon", "null", "syntax", "tabs", "merge", "nesting", "20MB"],
)  # fmt: skip
def test_an_unusable_script_has_a_sentence(handin, content, problem):
    found = problem_of(handin(variation_loss=content))
    assert found.startswith(problem)
    assert "\n" not in found


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ("type Image = list", "3.12"),
        ("def f[T](x: T) -> T: return x", "3.12"),
        ("class A[T]: pass", "3.12"),
        ("x = f'{y['a']}'", "3.12"),
        ("try:\n    x\nexcept KeyError, ValueError: pass", "3.14"),
        ("x = t'{y}'", "3.14"),
        ("class A[T = int]: pass", "3.13"),
        ("lazy import json", "3.15"),
        ("x = [*y for y in z]", "3.15"),
    ],
)
def test_syntax_of_a_newer_python_is_told_with_both_versions(handin, monkeypatch, line, version):
    problem = problem_of(handin(variation_loss=line + "\n"))
    here = ".".join(map(str, sys.version_info[:2]))
    if sys.version_info[:2] < tuple(map(int, version.split("."))):
        assert f"(it may be for Python {version}, and work is graded with Python {here})" in problem


@pytest.mark.parametrize(
    "line", ["!pip install einops -q", "%matplotlib inline", "%cd /content/drive", "%%writefile variation_loss.py"]
)
def test_a_script_that_came_out_of_a_notebook_is_read_as_a_notebook_reads_it(handin, line):
    module = read_submission(handin(variation_loss=f"{line}\n{CODE}"), UNITS).modules["variation_loss"]
    assert not module.problem and module.text.endswith(CODE) and module.line_of("total_variation") == 2
    said = f"variation_loss.py:1: read as a notebook reads it, because it has lines that are no Python ({line})"
    assert module.notes == (said,)


@pytest.mark.parametrize("text", ["%%bash\n" + CODE, "!pip install x\n" + CODE + "def f(:\n", "x = 5 5\n" + CODE])
def test_a_script_that_no_notebook_could_read_has_the_sentence_about_python(handin, text):
    problem = problem_of(handin(variation_loss=text))
    assert "is not valid Python" in problem and "pip" not in problem


def test_a_mistake_in_syntax_is_not_called_newer(handin):
    assert "(invalid syntax)" in problem_of(handin(variation_loss="type = = 3\n"))


@pytest.mark.parametrize(
    "content",
    ["\ufeff" + CODE, CODE.replace("\n", "\r\n"), "# coding: latin-1\n# \xf6\n" + CODE],
    ids=["bom", "crlf", "latin-1"],
)
def test_odd_but_valid_encodings_are_taken(handin, content):
    data = content.encode("latin-1") if "coding" in content else content.encode()
    module = read_submission(handin(variation_loss=data), UNITS).modules["variation_loss"]
    assert not module.problem
    assert module.text.replace("# coding: latin-1\n# ö\n", "") == CODE


@pytest.mark.parametrize(
    ("encoding", "letter"),
    [
        *(("cp1251", "\u0436"), ("ISO-8859-5", "\u0436"), ("koi8-r", "\u0436"), ("mac-cyrillic", "\u0436")),
        *(("windows-1257", "\u017e"), ("iso-8859-13", "\u017e"), ("cp1250", "\u017e"), ("gbk", "\u4e2d")),
    ],
)
def test_encodings_of_other_languages_are_read(handin, encoding, letter):
    data = f"# coding: {encoding}\n# {letter}\n{CODE}".encode(encoding)
    module = read_submission(handin(variation_loss=data), UNITS).modules["variation_loss"]
    assert not module.problem and f"# {letter}" in module.text


def test_an_encoding_that_takes_for_ever_is_refused(handin):
    assert "is not UTF-8 text" in problem_of(handin(variation_loss=f"# coding: punycode\n{CODE}".encode()))


@pytest.mark.parametrize("content", [b"PK\x03\x04 no", b"", os.urandom(100)], ids=["cut", "empty", "noise"])
@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
def test_a_corrupt_archive_has_a_sentence(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    found = read_submission(tmp_path / name, UNITS)
    assert found.problem.startswith(f"{name} cannot be opened (")
    assert found.problem.endswith("; hand it in again")


def test_an_encrypted_or_broken_member_has_a_sentence(tmp_path):
    path = zipped(tmp_path / "a.zip", {"variation_loss.py": CODE * 50})
    data = bytearray(path.read_bytes())
    data[60:80] = b"\xff" * 20
    path.write_bytes(data)
    assert "cannot be read" in problem_of(path)


def test_a_zip_bomb_is_not_blown_up(tmp_path):
    path = zipped(tmp_path / "a.zip", {"variation_loss.py": b"#" * (64 * 2**20)})
    assert path.stat().st_size < 2**20
    assert "64.0 MB, more than the 256 KB allowed" in problem_of(path)


def test_an_unreadable_path_is_a_sentence(tmp_path):
    assert read_module(tmp_path / "variation_loss.py", "variation_loss").problem == (
        "variation_loss.py cannot be read (No such file or directory)"
    )


# --- notebooks


def test_a_notebook_gives_its_definitions(handin):
    cells = [
        new_markdown_cell("# Hello"),
        new_code_cell("%matplotlib inline\n!pip install x\nimport torch\nSCALE = 2"),
        new_code_cell("%%time\nslow()"),
        new_code_cell("@torch.no_grad()\ndef total_variation(images):\n    return images * SCALE"),
        new_code_cell("print(total_variation(1))\nassert False\nfor i in range(9):\n    pass"),
    ]
    module = read_submission(handin(variation_loss__ipynb=notebook(*cells)), UNITS).modules["variation_loss"]
    kept = [line for line in module.text.splitlines() if line]
    assert kept == [
        "import torch",
        "SCALE = 2",
        "@torch.no_grad()",
        "def total_variation(images):",
        "    return images * SCALE",
    ]
    line = module.text.splitlines().index("    return images * SCALE") + 1
    assert module.place(line) == "variation_loss.ipynb cell 3, line 3"


@pytest.mark.parametrize("start", ["", "\ufeff", "\n "])
def test_a_notebook_under_the_name_of_a_script_is_read_as_a_notebook(handin, start):
    cells = [new_code_cell("%matplotlib inline\nSCALE = 2"), new_code_cell("def total_variation(x):\n    return SCALE")]
    module = read_submission(handin(variation_loss=start + notebook(*cells)), UNITS).modules["variation_loss"]
    exec(module.text, names := {})
    assert names["total_variation"](None) == 2
    assert module.place(4) == "variation_loss.ipynb cell 2, line 2"


@pytest.mark.parametrize(
    "line", ["pip install tqdm", "cd ..", "matplotlib inline", "load_ext autoreload", "ls -l data", "rm -rf data"]
)
def test_a_magic_alone_in_its_cell_needs_no_sign(handin, line):
    found = source_of(handin, f"{line}\n", "def denoise(x):\n    return x")
    assert not found.problem and not found.modules["variation_loss"].notes
    assert "def denoise" in found.modules["variation_loss"].text


def test_python_that_begins_with_the_name_of_a_magic_stays_python(handin):
    cells = ["time = 3", "save(2)", "ls = [1]", "def denoise(x):\n    return time, ls"]
    text = source_of(handin, *cells).modules["variation_loss"].text
    assert "time = 3" in text and "ls = [1]" in text


def test_words_that_are_no_python_and_no_magic_are_told(handin):
    module = source_of(handin, "cat and dog are\ndef f(:", "def denoise(x):\n    return x").modules["variation_loss"]
    assert "cell 1" in module.notes[0]


def source_of(handin, *cells):
    return read_submission(handin(variation_loss__ipynb=notebook(*map(new_code_cell, cells))), UNITS, ["denoise"])


@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        ("data = load('pets')\nhistory = train(data)", ""),
        ("def f(images):\n    return images\nimages = load('pets')", "def f(images):\n    return images\n"),
        (
            "SIDE = 8\nSCALE = SIDE / 2\nOTHER = 3\ndef f(x=SCALE): pass",
            "SIDE = 8\nSCALE = SIDE / 2\n\ndef f(x=SCALE): pass",
        ),
        ("import torch, os\nfrom math import *\ndef f() -> torch.Tensor: pass", None),
        (
            "from math import sqrt\nimport matplotlib.pyplot as plt\ndef f(x): return sqrt(x)",
            "from math import sqrt\n\ndef f(x): return sqrt(x)",
        ),
        ("try:\n    import tqdm\nexcept ImportError:\n    tqdm = None\ndef f(): return tqdm", None),
        ("TABLE = {}\nfor i in range(3):\n    TABLE[i] = i\nclass A:\n    table = TABLE", None),
        ("if True:\n    def f(): pass", None),
        ("denoise = lambda images: images\nsmooth = lambda images: images", "denoise = lambda images: images\n"),
        ("def f(x, y):\n    return (x\n    % y)", None),
        ("files = !ls\n%time f()\ntorch?\nlen??\ndef f(): return files", "files = []\n\n\n\ndef f(): return files"),
        ("\n%%time\ndef f(): pass", "\n\ndef f(): pass"),
        ("%%bash\ndef f(): pass", ""),
        ("def f():\n    %time g()\n    return 1", "def f():\n    pass\n    return 1"),
        ("T = []\nfor i in range(3):\n    T.append(i)\ndef f(): return T", None),
        ("T = {}\nT.update(a=1)\nW = torch.zeros(3)\nW.fill_(2)\ndef f(): return T, W", None),
        (
            "T = [2, 1]\nT.sort()\nother.append(1)\nprint(T)\ndef f(): return T",
            "T = [2, 1]\nT.sort()\n\n\ndef f(): return T",
        ),
        ("import os\n!pip install a \\\n    b \\\n    c\ndef f(): return os", "import os\n\n\n\ndef f(): return os"),
        ("%%writefile variation_loss.py\ndef f(): pass", "\ndef f(): pass"),
        ("%%writefile ./units/variation_loss.py\ndef f(): pass", "\ndef f(): pass"),
        ('%%writefile "variation_loss.py"\ndef f(): pass', "\ndef f(): pass"),
        ("%%writefile 'my work/variation_loss.py'\ndef f(): pass", "\ndef f(): pass"),
        ("%%writefile other.py\ndef f(): pass", ""),
        ('%%writefile "other.py"\ndef f(): pass', ""),
        (
            "log = []\nfor i in range(9):\n    log.append(train(i))\ndef denoise(x): return x\ndef plot(): return log",
            "log = []\n\n\ndef denoise(x): return x\ndef plot(): return log",
        ),
        ("exec('X = 1')\nexec('Y = 1')\ndef f(): return X", "exec('X = 1')\n\ndef f(): return X"),
        ("T = []\nfor i in range(9):\n    T.append(i)\ndef helper(): return T\ndef denoise(x): return helper()", None),
    ],
)
def test_what_functions_need_is_kept_and_the_rest_is_left_out(handin, cell, kept):
    text = source_of(handin, cell).modules["variation_loss"].text
    assert text.rstrip() == (cell if kept is None else kept).rstrip()


@pytest.mark.parametrize(
    "fill",
    [
        "alias = dims\nalias.append(2)",
        "from heapq import heappush\nheappush(dims, 2)",
        "def fill(items):\n    items.append(2)\nfill(dims)",
        "def reset():\n    global dims\n    dims = [2]\nreset()",
        "async def pick():\n    return [2]\ndims = await pick()",
        "import asyncio\nawait asyncio.sleep(0.001)\ndims = await asyncio.gather(asyncio.sleep(0, 2))",
        "import asyncio\ndims = [await asyncio.to_thread(lambda: 2)]",
        "async def each():\n    yield 2\ndims = [i async for i in each()]",
        "globals()['dims'] = [2]",
        "globals()['dims'].append(2)",
        "for name in ['dims']:\n    globals()[name] = [2]",
        "globals().update(dims=[2])",
        "exec('dims = [2]')",
        "for name in ['dims']:\n    exec(f'{name} = [2]')",
        "list(map(dims.append, [2]))",
        "dims.__iadd__([2])",
        "    dims.append(2)\n    print(dims)",
        "with open(FILE, 'w') as file:\n    file.write('2')\nwith open(FILE) as file:\n    dims = [int(file.read())]",
        "from pathlib import Path\nPath(FILE).write_text('2')\ndims += [int(Path(FILE).read_text())]",
        "class Bank:\n    def add(self, item):\n        self.items = [item]\nbank = Bank()\nbank.add(2)\ndims = bank.items",
        "class Bank:\n    def fill(self, items):\n        items.append(2)\nBank().fill(dims)",
        "vars(dims := type('Dims', (list,), {})()).update(a=1)\ndims += [len(vars(dims)) + 1]",
        "table = {'a': dims}\ninner = table['a']\ninner.append(2)\ndims = table['a']",
        "if __name__ == '__main__':\n    dims.append(2)",
        "def main():\n    global dims\n    dims = [2]\nif __name__ == '__main__': main()",
        "if (__name__ == '__main__' and\n        not dims):\n    dims.append(2)",
        "if __name__ == '__main__':\n    # mine\n    text = '''\n    a'''\n    dims.append(len(text) - 4)",
        "%env DIMS=2\nimport os\ndims.append(int(os.environ['DIMS']))",
        "%set_env DIMS 2\nfrom os import getenv\ndims.append(int(getenv('DIMS')))",
        "files = !ls\ndims.append(2 + len(files))",
        "add = lambda items, item: items.append(item)\nadd(dims, 2)",
        "add = lambda item: dims.append(item)\nadd(2)",
        "def put(item):\n    dims.append(item)\ndef add(item):\n    put(item)\nadd(2)",
        "def put(items):\n    items.append(2)\ndef add(items):\n    put(items)\nadd(dims)",
        "def add(item):\n    dims.append(item)\nlist(map(add, [2]))",
        "from functools import partial\ndef add(item):\n    dims.append(item)\npartial(add, 2)()",
        "class Add:\n    def __call__(self, item):\n        dims.append(item)\nadd = Add()\nadd(2)",
        "class Add:\n    def __init__(self): self.items = []\n    def __call__(self, item):\n        self.items.append(item)\n"
        "add = Add()\nadd(2)\ndims = add.items",
        "class Add:\n    def __call__(self, item):\n        dims.append(item)\n        return item\n"
        "add = Add()\n@add\ndef two(): pass\ndims[0] = 2",
        "%env DIMS=2\ntext = %env DIMS\ndims.append(int(text))",
        "%pylab inline\ndims.extend(zeros(1) + 2)",
        "match {'a': 2, 'b': 1}:\n    case {'a': found, **rest}:\n        pass\ndims.append(found * len(rest))",
    ],
)
def test_what_changes_a_needed_value_in_other_ways_is_kept(handin, fill, tmp_path, monkeypatch):
    fill = fill.replace("FILE", repr(str(tmp_path / "dims.txt")))
    monkeypatch.setenv("DIMS", "")
    cells = [new_code_cell(text) for text in ("dims = []", fill, "def denoise():\n    return dims")]
    path = handin(variation_loss__ipynb=notebook(*cells))
    found = read_submission(path, UNITS, ["denoise"]).modules["variation_loss"]
    module = LoadedModule("variation_loss", "variation_loss.ipynb", found.text)
    loading_of(module).load()
    assert module.denoise() == [2]


@pytest.mark.parametrize(
    ("make", "change", "expression"),
    [
        (
            "net = Linear(1, 1)",
            "for p in net.parameters():\n    p.requires_grad = False",
            "not net.weight.requires_grad",
        ),
        ("net = Linear(1, 1)", "def init(m):\n    nn.init.ones_(m.weight)\nnet.apply(init)", "net.weight.item() == 1"),
        ("net = Linear(1, 1)", "net.double()", "net.weight.dtype == torch.float64"),
        ("net = nn.Sequential()", "net.add_module('a', Linear(1, 1))", "len(net) == 1"),
        ("net = Linear(1, 1)", "net.register_buffer('b', torch.ones(1))", "net.b == 1"),
        ("table = Table(a=1)", "table.drop('a', inplace=True)", "not table"),
        (
            "con = sqlite3.connect(':memory:')",
            "con.execute('create table t(a)')",
            "not [*con.execute('select a from t')]",
        ),
        ("x = np.zeros(2)", "x.fill(1)", "x.sum() == 2"),
        ("x = np.zeros(2)", "np.put(x, [0], [1])", "x.sum() == 1"),
        ("x = deque([1, 2])", "x.rotate(1)", "x[0] == 2"),
        ("x = Counter()", "x.subtract('a')", "x['a'] == -1"),
        ("x = {1, 2}", "x.intersection_update({2})", "x == {2}"),
        ("x = io.StringIO()", "x.write('a')", "x.getvalue() == 'a'"),
        ("x = [1, 2]", "del x[0]", "x == [2]"),
        ("list = [1]", "del list", "list('a') == ['a']"),
        ("x = ArgumentParser()", "x.add_argument('--a', default=1)", "x.parse_args([]).a == 1"),
        ("x = ArgumentParser()", "x.add_argument_group('b').add_argument('--a', default=1)", "x.parse_args([]).a == 1"),
        ("x = ArgumentParser()", "y = x.add_argument_group('b')\ny.add_argument('--a')", "not x.parse_args([]).a"),
        ("x = ConfigParser()", "x.read_string('[a]\\nb = 1')", "x['a']['b'] == '1'"),
        ("x = singledispatch(repr)", "x.register(int, lambda value: 1)", "x(3) == 1"),
        ("class X(ABC): pass", "X.register(int)", "isinstance(1, X)"),
        ("x = np.zeros(2)", "np.add.at(x, [0], 1)", "x.sum() == 1"),
        ("x = np.zeros(2)", "np.putmask(x, x == 0, 1)", "x.sum() == 2"),
        ("x = {}", "operator.setitem(x, 'a', 1)", "x == {'a': 1}"),
        ("x = {'a': {}}", "y = x['a']\ny['b'] = 1", "x == {'a': {'b': 1}}"),
        ("x = nn.Dropout()", "x.train(False)", "not x.training"),
        ("x = nn.Sequential(Linear(1, 1))", "y = x[0]\ny.bias = None", "x[0].bias is None"),
        ("x = type('X', (), {})()", "vars(x).update(a=1)", "x.a == 1"),
        ("x = type('X', (), {'use': lambda self, a: setattr(self, 'a', a)})()", "if True:\n    x.use(1)", "x.a == 1"),
        ("", "sys.setrecursionlimit(54321)", "__import__('sys').getrecursionlimit() == 54321"),
        ("", "torch.set_default_dtype(torch.float64)", "torch.zeros(1).dtype == torch.float64"),
        ("np.random.seed(5)", "x = np.random.rand()", "x == np.random.RandomState(5).rand()"),
    ],
)
def test_a_change_in_place_that_a_function_sees_is_kept(handin, make, change, expression):
    imports = "import io, operator, sqlite3, sys, torch\nimport numpy as np\nfrom collections import Counter, deque"
    imports += (
        "\nfrom torch import nn\nfrom torch.nn import Linear\nfrom abc import ABC\nfrom argparse import ArgumentParser"
    )
    imports += "\nfrom configparser import ConfigParser\nfrom functools import singledispatch"
    table = "Table = type('Table', (dict,), {'drop': lambda self, key, inplace: self.pop(key)})"
    cells = [imports, table, make, change, f"def denoise():\n    return {expression}"]
    limit, state, names = sys.getrecursionlimit(), np.random.get_state(), {}
    try:
        exec(source_of(handin, *cells).modules["variation_loss"].text, names)
        assert names["denoise"]()
    finally:
        if "con" in names:
            names["con"].close()
        sys.setrecursionlimit(limit)
        torch.set_default_dtype(torch.float32)
        np.random.set_state(state)


@pytest.mark.parametrize(
    "training",
    [
        "def train():\n    torch.manual_seed(0)\n    fit(net)\ntrain()",
        "for epoch in range(9):\n    torch.manual_seed(epoch)\n    fit(net)",
        "for epoch in range(9):\n    for p in net.parameters():\n        p.data -= p.grad",
        "difference = np.subtract(fit(net), 1)",
        "other = nn.Sequential(nn.ReLU(inplace=True), fit(net))",
        "net.run_training(train())",
        "for epoch in range(9):\n    net.improve(train())",
        "np.testing.assert_equal(net, train())",
        "plt.plot(net, train())",
        "net.show(train())",
        "if __name__ == '__main__':\n    def test(): pass\n    train()\n    for epoch in range(9): pass",
        "other = net.weight\nother = train()",
    ],
)
def test_a_training_is_left_out_whatever_it_sets(handin, training):
    imports = "import torch\nimport numpy as np\nfrom torch import nn\nnet = nn.Linear(1, 1)"
    text = (
        source_of(handin, imports, training, "def denoise():\n    return net, np, torch").modules["variation_loss"].text
    )
    _, _, called = text.partition("net = nn.Linear(1, 1)")
    assert "train()" not in called.replace("def train()", "") and "for epoch" not in called
    assert "difference" not in called and "other" not in called


@pytest.mark.parametrize(
    "cell",
    [
        "del net; torch.cuda.empty_cache()",
        "torch.set_grad_enabled(False); print(denoise())",
        "%run train.py",
        "%run class.py",
    ],
)
def test_a_cell_that_no_function_needs_changes_nothing(handin, cell):
    cells = ("import torch\nnet = torch.nn.Linear(1, 1)", "def denoise():\n    return net(torch.ones(1))", cell)
    text = source_of(handin, *cells).modules["variation_loss"].text
    exec(text, names := {})
    assert names["denoise"]().requires_grad and "train" not in text and "del" not in text


@pytest.mark.parametrize("magic", ["%%capture out", "%%debug", "%%wandb", "%%notify", "%%memit", "%%skip False"])
def test_a_cell_whose_magic_runs_it_in_the_kernel_is_taken(handin, magic):
    found = source_of(handin, f"{magic}\ndef denoise():\n    return 2")
    assert "def denoise" in found.modules["variation_loss"].text and found.notes == ()


@pytest.mark.parametrize("magic", ["%%skip", "%%memray_flamegraph -o", "%%bash", "%%timeit"])
def test_a_cell_that_another_magic_takes_is_said_to_be_left_out(handin, magic):
    found = source_of(handin, f"{magic}\n%matplotlib inline\ndef denoise():\n    return 2", f"{magic}\nx = 1")
    assert "def denoise" not in found.modules["variation_loss"].text
    assert found.notes == (f"variation_loss.ipynb cell 1 was left out: it begins with {magic.split()[0]}",)


def test_a_cell_keeps_its_lines_where_it_is_the_main_program(handin):
    cell = (
        "x = 'é'; assert x; y = (__name__ == '__main__')\nif '__main__' == __name__:\n\n    @str\n    def f(): pass\n"
    )
    module = source_of(handin, cell + "def denoise():\n    return y").modules["variation_loss"]
    exec(module.text, names := {"__name__": "variation_loss"})
    assert names["denoise"]() is True
    assert module.text.splitlines().index("def denoise():") == cell.count("\n")


def test_a_name_that_was_never_bound_is_not_deleted(handin):
    text = source_of(handin, "del list", "def denoise():\n    return list('a')").modules["variation_loss"].text
    assert "del" not in text


@pytest.mark.parametrize(
    "cell",
    [
        "import math; print('a',\n math.pi)",
        "print('a',\n 1); import math",
        "print(\n1); import math; print(\n2); text = '''\n'''; print(\n3)",
        "import math; print(missing)",
    ],
)
def test_a_statement_that_is_left_out_takes_no_other_of_its_lines(handin, cell):
    text = source_of(handin, cell, "def denoise():\n    return math.pi").modules["variation_loss"].text
    exec(text, names := {})
    assert names["denoise"]() > 3 and "print" not in text
    assert text.splitlines().index("def denoise():") == cell.count("\n") + 1


@pytest.mark.parametrize(
    "line",
    [
        "%run helpers.py",
        "%run -i ./helpers.py",
        "%run a/helpers.py",
        "%run './helpers.py'",
        '%run "helpers.py"',
        "%run helpers",
        "%run helpers.py  # checks",
        "get_ipython().run_line_magic('run', 'helpers.py')",
    ],
)
def test_a_script_that_a_notebook_runs_is_taken_along(tmp_path, line):
    (tmp_path / "a").mkdir()
    for path in ("helpers.py", "a/helpers.py"):
        (tmp_path / path).write_text("def helper():\n    return 1\n")
    cells = [line, "def denoise():\n    %run helpers.py\n    return helper()"]
    (tmp_path / "variation_loss.ipynb").write_text(notebook(*map(new_code_cell, cells)))
    found = read_submission(tmp_path, UNITS)
    (name,) = found.helpers.keys() - {"a"}
    assert found.modules["variation_loss"].text.splitlines()[0].startswith(f"from {name} import *")
    compile(found.modules["variation_loss"].text, "unit", "exec")


def test_a_script_that_is_run_under_a_condition_is_taken_along(tmp_path):
    (tmp_path / "helpers.py").write_text("def helper():\n    return 1\n")
    cells = ["if True:\n    %run helpers.py", "def denoise():\n    return helper()"]
    (tmp_path / "variation_loss.ipynb").write_text(notebook(*map(new_code_cell, cells)))
    found = read_submission(tmp_path, UNITS, ["denoise"])
    assert found.helpers.keys() == {"helpers"} and "    from helpers import *" in found.modules["variation_loss"].text


@pytest.mark.parametrize("line", ["%run helpers.ipynb", "%run ./helpers.ipynb"])
def test_a_notebook_that_a_notebook_runs_is_taken_along(tmp_path, line):
    cells = ["SIDE = 3\nprint(SIDE)", "def helper():\n    return 1", "helper()"]
    (tmp_path / "helpers.ipynb").write_text(notebook(*map(new_code_cell, cells)))
    (tmp_path / "others.ipynb").write_text(notebook(new_code_cell("SIDE = 4")))
    cells = [line, "def denoise():\n    return helper() + SIDE"]
    (tmp_path / "variation_loss.ipynb").write_text(notebook(*map(new_code_cell, cells)))
    found = read_submission(tmp_path, UNITS, ["denoise"])
    assert found.modules["variation_loss"].text.startswith("from helpers import *")
    assert found.helpers.keys() == {"helpers"} and "taken along: helpers.ipynb" in found.notes
    exec(found.helpers["helpers"].text, names := {})
    assert names["helper"]() == 1 and names["SIDE"] == 3 and "print" not in found.helpers["helpers"].text
    own = {"variation_loss": read_module(tmp_path / "variation_loss.ipynb", "variation_loss", ["denoise"])}
    assert read_helpers(tmp_path, own).keys() == {"helpers"}


def test_a_script_goes_before_a_notebook_of_its_name(tmp_path):
    (tmp_path / "helpers.ipynb").write_text(notebook(new_code_cell("x = 1")))
    (tmp_path / "helpers.py").write_text("x = 2\n")
    (tmp_path / "variation_loss.ipynb").write_text(
        notebook(new_code_cell("%run helpers\ndef denoise():\n    return x"))
    )
    assert read_submission(tmp_path, UNITS, ["denoise"]).helpers["helpers"].text == "x = 2\n"


def test_a_script_whose_name_cannot_be_imported_is_said_to_be_left(tmp_path):
    (tmp_path / "my-helpers.py").write_text("x = 2\n")
    (tmp_path / "variation_loss.ipynb").write_text(
        notebook(new_code_cell("%run my-helpers.py\ndef denoise():\n    return x"))
    )
    said = (
        "variation_loss.ipynb cell 1 was read without '%run my-helpers.py'; give the script a name that can be imported"
    )
    assert said in read_submission(tmp_path, UNITS, ["denoise"]).notes


@pytest.mark.parametrize(
    "fit",
    [
        "model.fit(data)",
        "history = model.fit(data)",
        "scaled = model.fit_transform(data)",
        "for each in data:\n    model.partial_fit(each)",
        "if True:\n    model.fit(data)",
    ],
)
@pytest.mark.parametrize("reader", ["denoise", "plot"])
def test_a_model_is_fitted_that_a_graded_function_predicts_by(handin, fit, reader):
    other = "plot" if reader == "denoise" else "denoise"
    cells = "model, data = Model(), [1]", fit, f"def {reader}():\n    return model.x\n\ndef {other}(x):\n    return x"
    text = source_of(handin, *cells).modules["variation_loss"].text
    assert ("fit" in text) == (reader == "denoise")


@pytest.mark.parametrize(
    ("start", "use"),
    [
        ("import helpers\nhelpers.setup(3)", "helpers.size()"),
        ("import helpers as h\nh.setup(3)", "h.size()"),
        ("from helpers import setup, size\nsetup(3)", "size()"),
        ("from helpers import size\nimport helpers as h\nh.setup(3)", "size()"),
        ("from helpers import size, CFG\nCFG.read('a')", "size()"),
        ("from helpers import *\nsetup(3)", "size()"),
        ("%run helpers.py\nsetup(3)", "size()"),
        ("import helpers\nhelpers.config.setup(3)", "helpers.size()"),
    ],
)
def test_a_call_that_sets_up_a_helper_is_kept(handin, start, use):
    text = source_of(handin, start, f"def denoise():\n    return {use}").modules["variation_loss"].text
    assert start.splitlines()[-1] in text


@pytest.mark.parametrize(
    "call",
    ["helpers.train(3)", "helpers.show_all(3)", "from helpers import run\nrun(3)", "plt.setup(3)", "print(helpers.x)"],
)
def test_a_call_that_trains_or_shows_by_a_helper_is_left_out(handin, call):
    head = "import helpers\nimport matplotlib.pyplot as plt"
    text = (
        source_of(handin, head, call, "def denoise():\n    return helpers.size(), plt").modules["variation_loss"].text
    )
    assert "(3)" not in text and "print" not in text


def test_a_function_of_many_terms_is_read(handin):
    code = f"def denoise(x):\n    return {' + '.join(['x'] * 500)}"
    path = handin(variation_loss__ipynb=notebook(new_code_cell(code)))
    assert "def denoise" in read_submission(path, UNITS, ["denoise"]).modules["variation_loss"].text


def test_a_notebook_that_another_one_runs_gives_its_names(tmp_path):
    (tmp_path / "variation_loss.ipynb").write_text(notebook(new_code_cell("def shared():\n    return 3")))
    cells = ["%run variation_loss.ipynb", "def ideal_loss():\n    return shared()"]
    (tmp_path / "ideal_image.ipynb").write_text(notebook(*map(new_code_cell, cells)))
    text = read_submission(tmp_path, ("variation_loss", "ideal_image"), ["ideal_loss"]).modules["ideal_image"].text
    assert text.startswith("from variation_loss import *")


@pytest.mark.parametrize(
    "training",
    [
        "x = start()\nfor step in range(10**6):\n    loss = x.sum()\n    loss.backward()",
        "history = denoise(x)",
        "x = start()\nlogits = train_for_hours(x)",
    ],
)
@pytest.mark.parametrize("place", [1, 2])
def test_a_training_is_left_out_whose_variables_are_named_as_locals_of_a_function(handin, place, training):
    code = "def denoise(x, **options):\n    loss = history = logits = x\n    return [x for x in loss]"
    helper = "def train_for_hours(x):\n    return x\n\ndef start():\n    return 0"
    cells = [helper, code]
    cells.insert(place, training)
    path = handin(variation_loss__ipynb=notebook(*map(new_code_cell, cells)))
    text = read_submission(path, UNITS, ["denoise"]).modules["variation_loss"].text
    assert "= start()" not in text and "history = denoise" not in text
    assert "= train_for_hours" not in text and "backward" not in text


@pytest.mark.parametrize("read", ["globals()['SIDE']", "globals().get('SIDE')"])
def test_a_constant_that_is_read_by_its_text_is_kept(handin, read):
    cells = "SIDE = 8\nOTHER = 3", f"def denoise():\n    return {read}"
    text = source_of(handin, *cells).modules["variation_loss"].text
    assert "SIDE = 8" in text and "OTHER" not in text


def test_a_constant_is_kept_that_a_function_imports_from_main(handin):
    text = source_of(handin, "SIDE = 8", "def denoise():\n    from __main__ import SIDE as side\n    return side")
    assert "SIDE = 8" in text.modules["variation_loss"].text


@pytest.mark.parametrize(
    "read",
    [
        "globals()[name]",
        "globals().get(name)",
        "eval(name)",
        "exec(name)",
        "getattr(sys.modules['__main__'], name)",
        "next(value for key, value in globals().items() if key == name)",
        "__import__('operator').itemgetter(name)(globals())",
    ],
)
def test_constants_are_kept_where_a_name_is_computed(handin, read):
    """The training stays out: no text tells that it is needed, and it would run in every worker."""
    cells = [
        "import sys, torch\nSIDE = 8\nKERNEL = torch.ones(2)",
        "class Net:\n    def fit(self):\n        return 1\n\ndef train_for_hours():\n    return Net().fit()",
        "def powers(count):\n    return [2**k for k in range(count)]\n\ndef result():\n    return train_for_hours()",
        "def class_loss():\n    return 2",
        "history = train_for_hours()\nnet = Net()\nlosses = net.fit()\nwho = input()\ntrain_for_hours()\nend = result()",
        f"def denoise(name):\n    import sys\n    return {read}",
        "SIZES = powers(3)\ntotal = class_loss()",
    ]
    path = handin(variation_loss__ipynb=notebook(*map(new_code_cell, cells)))
    text = read_submission(path, UNITS, ["denoise", "class_loss"]).modules["variation_loss"].text
    assert "SIDE = 8" in text and "KERNEL = " in text and "SIZES = powers(3)" in text
    assert not any(word in text for word in ("history", "losses", "who", "end = ", "total"))


@pytest.mark.parametrize(
    "use",
    [
        "globals()['OTHER']",
        "'OTHER' in globals()",
        "globals().update(a=1)",
        "eval('OTHER + 1')",
        "model.eval()",
        "locals()[name]",
        "getattr(torch.optim, name)",
    ],
)
def test_where_all_names_are_told_no_other_constant_is_kept(handin, use):
    cells = "import torch\nSIDE = 8\nOTHER = 3", f"def denoise(name, model):\n    return {use}"
    text = source_of(handin, *cells).modules["variation_loss"].text
    assert "SIDE = 8" not in text and ("OTHER = 3" in text) == ("OTHER" in use)


@pytest.mark.parametrize(
    "code",
    ["class CFG:\n    side = side", "def make():\n    class CFG:\n        side = side\n    return CFG\nCFG = make()"],
)
def test_a_value_is_kept_that_a_class_gives_to_an_attribute_of_the_same_name(handin, code):
    cells = "side = 8", code, "def denoise():\n    return CFG.side"
    assert "side = 8" in source_of(handin, *cells).modules["variation_loss"].text


@pytest.mark.parametrize("call", ["display(3)", "get_ipython()"])
def test_what_a_kernel_has_is_there_where_a_function_uses_it(handin, call):
    text = source_of(handin, f"def denoise():\n    {call}\n    return 2").modules["variation_loss"].text
    module = LoadedModule("variation_loss", "variation_loss.ipynb", text)
    loading_of(module).load()
    assert module.denoise() == 2


def test_training_that_no_graded_function_needs_is_left_out_with_the_files_that_it_writes(handin):
    training = [
        "class Net:\n    def fit(self):\n        self.loss = 1",
        "net = Net()\nnet.fit()",
        "with open('net.bin', 'w') as file:\n    file.write(str(net.loss))",
        "def show():\n    return net, open('net.bin')",
    ]
    cells = [*training, "def denoise(x):\n    return x"]
    path = handin(variation_loss__ipynb=notebook(*map(new_code_cell, cells)))
    text = read_submission(path, UNITS, ["denoise"]).modules["variation_loss"].text
    assert "net.fit()" not in text and "'w'" not in text and "def show" in text


@pytest.mark.parametrize(
    "result",
    [
        "losses = train(net)",
        "losses = train(net)\nlosses.append(0)\nlosses += [1]",
        "losses = [denoise(n) for n in range(10**9)]",
        "losses = input()",
        "for n in range(3):\n    last = n\nlosses = [last]",
        "history = train(net)\nlosses = history['loss']\nlosses = [loss for loss in losses]",
    ],
)
@pytest.mark.parametrize("reader", ["denoise", "plot"])
def test_what_is_made_of_a_training_that_no_graded_function_reads_is_left_out(handin, result, reader):
    other = "plot" if reader == "denoise" else "denoise"
    start = "net = [x for x in range(3)]"
    reading = f"def {reader}():\n    return net, losses, best\n\ndef {other}(x):\n    return x"
    text = source_of(handin, start, result, "best = min(losses)", reading).modules["variation_loss"].text
    assert text.startswith(start) and ("losses = " in text) == ("best = " in text) == (reader == "denoise")


@pytest.mark.parametrize("other", ["class Report:\n    loss = best", "def plot(loss=best):\n    return loss"])
def test_the_result_of_a_training_is_kept_that_a_definition_reads_at_once(handin, other):
    cells = [
        "losses = train()\nbest = losses[0]",
        other,
        "def train():\n    return [3]",
        "def denoise(x):\n    return x",
    ]
    text = source_of(handin, *cells).modules["variation_loss"].text
    assert "losses = train()\nbest = losses[0]" in text


def test_cells_may_stand_in_another_order_than_they_were_run(handin):
    cells = [
        "def denoise(x=EPS):\n    return helper(x)",
        "EPS = SCALE * 2",
        "def helper(x):\n    return x + 1",
        "SCALE = 1",
    ]
    path = handin(variation_loss__ipynb=notebook(*map(new_code_cell, cells)))
    found = read_submission(path, UNITS, ["denoise"]).modules["variation_loss"]
    module = LoadedModule("variation_loss", "variation_loss.ipynb", found.text)
    loading_of(module).load()
    assert module.denoise() == 3 and loading_of(module).stopped is None


@pytest.mark.parametrize(
    "cell",
    [
        "os.makedirs('runs', exist_ok=True)\nPath('runs', 'dims.json').write_text('[2]')",
        "RUNS = Path('runs')\nRUNS.mkdir()\nwith open(RUNS / 'dims.json', 'w') as file:\n    json.dump([2], file)",
        "os.mkdir('runs')\nwith Path('runs', 'dims.json').open('w') as file:\n    file.write('[2]')",
        "os.mkdir('runs')\nwith open('runs/dims.json', mode='x') as file:\n    file.write('[2]')",
        "for name in ('runs', 'plots'):\n    os.makedirs(name)\nnp.savetxt('runs/dims.json', [2], '%d')",
    ],
)
def test_folders_and_files_that_a_notebook_makes_of_nothing_of_its_own_are_made(handin, cell, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    imports = "import json, os\nimport numpy as np\nfrom pathlib import Path"
    cells = [imports, cell, "def denoise():\n    return int(Path('runs/dims.json').read_text().strip('[]'))"]
    path = handin(variation_loss__ipynb=notebook(*map(new_code_cell, cells)))
    found = read_submission(path, UNITS, ["denoise"]).modules["variation_loss"]
    module = LoadedModule("variation_loss", "variation_loss.ipynb", found.text)
    loading_of(module).load()
    assert module.denoise() == 2


@pytest.mark.parametrize(
    "cell",
    [
        "with open('a.csv') as file:\n    lines = file.readlines()",
        "with gzip.open('a.csv', 'rt') as file:\n    lines = file.readlines()",
        "Image.open('a.png')",
    ],
)
def test_a_file_that_no_function_reads_is_not_opened(handin, cell):
    start = "import gzip\nfrom PIL import Image"
    text = source_of(handin, start, cell, "def denoise(x):\n    return x").modules["variation_loss"].text
    assert "open" not in text


@pytest.mark.parametrize("path", ["dims.json", "'my dims.json'", "a/b.c/dims-1"])
def test_a_file_that_a_cell_writes_by_a_magic_is_written(handin, path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cells = [f"%%writefile {path}\n[1,\n", f"%%writefile -a {path}\n2]", "import json\nfrom pathlib import Path"]
    name = path.strip("'")
    cells.append(f"def denoise():\n    return json.loads(Path({name!r}).read_text())")
    exec(source_of(handin, *cells).modules["variation_loss"].text, names := {})
    assert names["denoise"]() == [1, 2]


def test_a_file_of_what_a_notebook_has_computed_is_left_out(handin):
    cells = [
        "def denoise():\n    return 2",
        "history = denoise()",
        "with open('log', 'w') as log:\n    log.write(str(history))",
    ]
    path = handin(variation_loss__ipynb=notebook(*map(new_code_cell, cells)))
    found = read_submission(path, UNITS, ["denoise"]).modules["variation_loss"]
    assert found.text.split() == cells[0].split()


def test_what_was_left_out_of_a_notebook_is_said(handin):
    cells = [
        "%matplotlib inline\nimport torch",
        "def f(x):\n    return x",
        "f(1)",
        "'words'",
        "for i in range(9):\n    f(i)",
    ]
    words = "variation_loss.ipynb: statements that no function needs were left out (cells 3, 5)"
    folder = handin(variation_loss__ipynb=notebook(*map(new_code_cell, cells)))
    assert read_submission(folder, UNITS).notes == (words,)
    (folder / "variation_loss.ipynb").write_text(notebook(*map(new_code_cell, cells[:2])))
    assert read_submission(folder, UNITS).notes == ()


def test_a_cell_that_is_no_python_costs_its_own_functions_alone(handin):
    found = source_of(handin, "def f(x):\n    return x", "# mine\ndef denoise(:\n    pass", "def f(y:\n    return y")
    module, namespace = found.modules["variation_loss"], {}
    exec(module.text, namespace)
    assert namespace["f"](3) == 3 and not module.problem
    said = "variation_loss.ipynb cell 2, line 2 is not valid Python (invalid syntax): def denoise(:"
    with pytest.raises(SyntaxError, match=re.escape(said)):
        namespace["denoise"](1, steps=2)
    assert found.notes[0] == said and "cell 3, line 1" in found.notes[1] and len(found.notes) == 2
    assert module.place(
        module.text.splitlines().index(next(line for line in module.text.splitlines() if "denoise" in line)) + 1
    ).endswith("cell 2, line 2")


def test_imports_of_the_future_may_stand_anywhere(handin):
    module = source_of(handin, "import os", "\nfrom __future__ import annotations\ndef f(x: Nothing): pass").modules[
        "variation_loss"
    ]
    exec(compile(module.text, "unit", "exec"), {})
    assert module.place(1) == "variation_loss.ipynb cell 2, line 2"
    assert (
        module.place(module.text.splitlines().index("def f(x: Nothing): pass") + 1)
        == "variation_loss.ipynb cell 2, line 3"
    )


@pytest.mark.parametrize(
    "future",
    [
        "from __future__ import annotations\nfrom __future__ import division",
        "from __future__ import (\n    annotations,  # later\n    division,\n)",
        "from __future__ import annotations; import math",
        "A = 'é'; from __future__ import annotations; import math",
        "from __future__ import \\\n    annotations",
    ],
)
def test_several_imports_of_the_future_of_any_form_give_a_valid_module(handin, future):
    cells = ("import os\ndef f(): return 1", f"{future}\ndef g(): return 2", f"{future}\ndef h(x: Nothing): return 3")
    module = source_of(handin, *cells).modules["variation_loss"]
    exec(compile(module.text, "unit", "exec", dont_inherit=True), names := {})
    assert names["f"]() + names["g"]() + names["h"](0) == 6
    line = module.text.splitlines().index("def g(): return 2") + 1
    assert module.place(line) == f"variation_loss.ipynb cell 2, line {len(cells[1].splitlines())}"


@pytest.mark.parametrize(
    "rest",
    [
        "def f(x):\n    return ('%s'\n        % x)",
        "def f(x):\n    return '{}' \\\n        '%s' \\\n        % x",
        "T = '''it's (\n%s\n'''\ndef f(x):\n    return T % x",
        "T = r'\\' + '#['  # (it's\n%time\n!ls '(\ndef f(x):\n    return T[:0] + '''\n! %s''' % x",
    ],
)
def test_an_operator_or_a_text_beside_a_magic_is_none(handin, rest):
    module = source_of(handin, f"%matplotlib inline\n{rest}").modules["variation_loss"]
    exec(module.text, names := {})
    assert "3" in names["f"](3) and "pass" not in names["f"](3)


def test_a_value_that_is_bound_by_a_timed_line_is_kept(handin):
    cell = "%time data = [1, 2]\n%time !ls\n%time\ndef f():\n    return data"
    exec(source_of(handin, cell).modules["variation_loss"].text, names := {})
    assert names["f"]() == [1, 2]


@pytest.mark.parametrize(
    "facts",
    [7, "x", None, [], {"grade": "yes", "grade_id": ["y"]}, {"grade": True, "solution": True}, {"schema_version": 99}],
    ids=repr,
)
def test_mangled_metadata_takes_nothing_away(handin, facts):
    cell = new_code_cell(CODE)
    cell.metadata["nbgrader"] = facts
    found = read_submission(handin(variation_loss__ipynb=notebook(cell)), UNITS).modules["variation_loss"]
    assert (found.problem, found.text) == ("", CODE)


def test_a_cell_whose_metadata_is_no_mapping_makes_a_notebook_that_cannot_be_read(handin):
    text = json.loads(notebook(new_code_cell(CODE)))
    text["cells"][0]["metadata"] = "x"
    problem = problem_of(handin(variation_loss__ipynb=json.dumps(text)))
    assert problem.startswith("variation_loss.ipynb is not a notebook that can be read (")


@pytest.mark.slow
def test_a_long_chain_of_assignments_is_followed_in_linear_time():
    seconds, empty = [], Module("variation_loss", "variation_loss.ipynb", "")
    for links in (3000, 9000):
        chain = "".join(f"a{i} = a{i + 1}\n" for i in range(links)) + "def f(): return a0\n"
        started = time.process_time()
        assert join_cells(empty, [(1, chain)], ["denoise"]).text.count("\n") > links
        seconds.append(time.process_time() - started)
    assert seconds[1] < 6 * seconds[0]  # three times as many links; nine times as long if each were followed anew


def test_checks_of_nbgrader_are_left_out(handin):
    test = new_code_cell("LEAK = 1")
    test.metadata["nbgrader"] = {"grade": True, "solution": False, "locked": True}
    module = read_submission(handin(variation_loss__ipynb=notebook(test, new_code_cell("x = 1"))), UNITS)
    assert "LEAK" not in module.modules["variation_loss"].text


def test_a_syntax_error_names_the_cell(handin):
    cells = [new_code_cell("x = 1"), new_code_cell("y = 2\ndef f(:\n    pass")]
    problem = problem_of(handin(variation_loss__ipynb=notebook(*cells)))
    assert problem == "variation_loss.ipynb cell 2, line 2 is not valid Python (invalid syntax): def f(:"


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"cells": 3}', json.dumps({"nbformat": 99, "cells": []}), "<<<<<<< HEAD\n{}"]
)
def test_a_corrupt_notebook_has_a_sentence(handin, content):
    problem = problem_of(handin(variation_loss__ipynb=content))
    assert problem.startswith("variation_loss.ipynb is not a notebook that can be read (")


def test_an_old_notebook_is_read(handin):
    old = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": "x"},
        "worksheets": [
            {"cells": [{"cell_type": "code", "input": CODE, "outputs": [], "language": "python"}], "metadata": {}}
        ],
    }
    module = read_submission(handin(variation_loss__ipynb=json.dumps(old)), UNITS).modules["variation_loss"]
    assert "def total_variation" in module.text


# --- classes


def test_a_class_is_told_from_a_submission(tmp_path, handin):
    alice = handin("alice", variation_loss=CODE)
    handin("bob", homework=CODE)
    zipped(tmp_path / "carol.zip", {"variation_loss.py": CODE})
    (tmp_path / "dave.ipynb").write_text("{}")
    (tmp_path / "readme.txt").write_text("")
    names = [each.path.name for each in take_in([tmp_path], UNITS).hand_ins.values()]
    assert names == ["alice", "bob", "carol.zip", "dave.ipynb"]
    assert [each.path for each in take_in([alice], UNITS).hand_ins.values()] == [alice]


def test_a_checkout_is_one_submission(tmp_path):
    (tmp_path / "exercises").mkdir()
    (tmp_path / "tests").mkdir()
    assert [each.path for each in take_in([tmp_path], UNITS).hand_ins.values()] == [tmp_path]


def test_a_folder_with_only_wrong_names_is_one_submission(handin):
    folder = handin(homework=CODE)
    assert [each.path for each in take_in([folder], UNITS).hand_ins.values()] == [folder]


def test_nothing_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="does not exist"):
        take_in([tmp_path / "nowhere"], UNITS)


def test_what_a_function_uses_is_known():
    bodies = {"a": "x", "b": "list(map(a, x))", "c": "b(x) + c(x)", "d": "x"}
    code = "".join(f"def {name}(x):\n    return {body}\n" for name, body in bodies.items())
    module = Module("unit", "unit.py", code)
    assert module.used_by("c") == {"a", "b"}
    assert module.used_by("d") == module.used_by("nowhere") == set()


@pytest.mark.parametrize("odd", ["\x0c", "\x0b", "\x1c", "\u2028", "\x85"])
def test_a_letter_that_only_looks_like_the_end_of_a_line_shifts_nothing(handin, odd):
    cell = f"SIGN = 'a{odd}b'\n#{odd}\ndef total_variation(images):\n    return len(SIGN)\n"
    folder = handin(variation_loss__ipynb=nbformat.writes(new_notebook(cells=[new_code_cell(cell)])))
    namespace = {}
    exec(read_module(folder / "variation_loss.ipynb", "variation_loss").text, namespace)
    assert namespace["total_variation"](None) == 3
