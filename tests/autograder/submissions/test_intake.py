"""Hostile and careless folders, sources and notebooks: each ends in a sentence, and takes no one else's file."""

import json
import os
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from autograder.submissions import Module, read_module
from tests.autograder.handed_in import read_submission

UNITS = ("variation_loss", "adversarial_attack")
CODE = "def total_variation(images):\n    return images\n"
NAME = "variation_loss.py"


def submitted(path: Path):
    return read_submission(path, UNITS)


def problem_of(path: Path) -> str:
    return submitted(path).modules["variation_loss"].problem


def notebook(*sources, **facts) -> str:
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    cells = [{**cell, "source": source, "id": f"c{number}"} for number, source in enumerate(sources)]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells, **facts})


# --- folders


def test_a_link_out_of_the_folder_is_refused(handin, tmp_path):
    """To the system's files, or to another student's."""
    (tmp_path / "bob.py").write_text(CODE)
    folder = handin("mallory")
    (folder / NAME).symlink_to(tmp_path / "bob.py")
    (folder / "adversarial_attack.py").symlink_to("/etc/passwd")
    (folder / "exercises").symlink_to(tmp_path, target_is_directory=True)
    found = submitted(folder)
    assert (found.modules, found.not_taken) == ({}, ())
    assert len(found.notes) == 2 and all("it is a link" in note for note in found.notes)


def test_a_linked_archive_is_not_opened(handin, tmp_path):
    with zipfile.ZipFile(tmp_path / "bob.zip", "w") as archive:
        archive.writestr(NAME, CODE)
    folder = handin("mallory")
    (folder / "mine.zip").symlink_to(tmp_path / "bob.zip")
    assert submitted(folder).modules == {}


@pytest.mark.parametrize("name", [NAME, "a.zip", "notes.txt"])
def test_no_pipe_or_socket_is_opened(tmp_path, monkeypatch, name):
    """In a folder, or handed in alone: to open a pipe would be to wait for ever."""
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    Path("alice").mkdir()
    os.mkfifo(f"alice/{name}")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("alice/adversarial_attack.py")
    found = submitted(tmp_path / "alice")
    assert found.modules == {}
    assert "adversarial_attack.py was refused: it is a link, a pipe or a device, and no file" in found.notes
    words = f"{name} is a pipe or a device, and no file; hand in a file or a folder"
    assert submitted(tmp_path / "alice" / name).problem == words
    assert read_module(tmp_path / "alice" / name, "variation_loss").problem.endswith("is not a file")


def test_a_crowd_of_folders_is_refused(tmp_path):
    for number in range(10_001):
        (tmp_path / str(number)).mkdir()
    assert "holds more than 10,000 files" in submitted(tmp_path).problem


@pytest.fixture
def abyss(monkeypatch):
    """Digs folders below one: deeper than a path may be long, and deeper than Python's stack, which could not clear them."""
    depth = 2500

    def dig(folder):
        monkeypatch.chdir(folder)
        for _ in range(depth):
            Path("d").mkdir()
            os.chdir("d")

    yield dig
    for _ in range(depth):
        os.chdir("..")
        Path("d").rmdir()


def test_an_abyss_of_folders_is_not_descended(handin, abyss):
    folder = handin(variation_loss=CODE)
    abyss(folder)
    assert submitted(folder).modules["variation_loss"].text == CODE


# --- text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (CODE.encode("utf-16"), "is not UTF-8 text; save it again as UTF-8"),
        (CODE.encode("utf-16-le"), "holds null bytes; save it again as UTF-8 text"),
        (CODE.encode("utf-32"), "is not UTF-8 text; save it again as UTF-8"),
        (b"x = '\xed\xa0\x80'\n", "is not UTF-8 text; save it again as UTF-8"),
        (b"# coding: utf-8\nx = '\xff'\n", "is not UTF-8 text; save it again as UTF-8"),
        (b"# coding: " + b"x" * 5000, "is not UTF-8 text; save it again as UTF-8"),
        *(
            (f"# coding: {name}\nx = 1\n", "is not UTF-8 text; save it again as UTF-8")
            for name in ("rot13", "zlib", "idna", "punycode", "undefined", "utf-7", "unicode_escape", "utf-16")
        ),
    ],
)
def test_an_odd_encoding_has_a_sentence(handin, content, words):
    assert problem_of(handin(variation_loss=content)) == f"variation_loss.py {words}"


DEEP = {
    "unary": "x = " + "-" * 100_000 + "1",
    "not": "x = " + "not " * 60_000 + "1",
    "attributes": "x = a" + ".b" * 40_000,
    "calls": "x = a" + "()" * 40_000,
    "subscripts": "x = a" + "[0]" * 40_000,
    "sum": "x = " + "+".join(["1"] * 40_000),
    "powers": "x = " + "1**" * 80_000 + "1",
    "ternaries": "x = " + "1 if 1 else " * 20_000 + "1",
    "lambdas": "x = " + "lambda: " * 30_000 + "1",
    "elifs": "if 1: pass\n" + "elif 1: pass\n" * 20_000,
}
NESTED = {
    "parentheses": "x = " + "(" * 100_000,
    "brackets": "x = " + "[" * 100_000 + "]" * 100_000,
    "blocks": "".join(" " * depth + "if 1:\n" for depth in range(200)),
    "digits": "x = " + "1" * 200_000,
    "f-strings": "x = " + "f'{" * 50_000,
    "null": "x = 1\n\x00",
    "merge": "<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> theirs\n",
}


@pytest.fixture(scope="module")
def problems(tmp_path_factory):
    """Return what is said of each source, as a script and as a notebook, by a Python of its own, whose death would show."""
    folder = tmp_path_factory.mktemp("parsed")
    for name, text in (DEEP | NESTED).items():
        (folder / f"{name}.py").write_text(text)
        (folder / f"{name}.ipynb").write_text(notebook(text))
    program = (
        "import sys; from pathlib import Path; from autograder.submissions import read_module\n"
        "for path in sorted(Path(sys.argv[1]).iterdir()):\n"
        "    print(read_module(path, 'unit').problem)"
    )
    run = subprocess.run([sys.executable, "-c", program, folder], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    return {Path(line.split()[0].rstrip(":0123456789")).name: line for line in run.stdout.splitlines()}


@pytest.mark.parametrize("source", [*DEEP, *NESTED])
def test_source_that_overflows_a_parser_has_a_sentence(problems, source):
    script, cell = problems[f"{source}.py"], problems[f"{source}.ipynb"]
    assert script and cell
    if source == "null":
        assert [script, cell] == [
            f"null.{end} holds null bytes; save it again as UTF-8 text" for end in ("py", "ipynb")
        ]
    if source in DEEP:
        assert script == f"{source}.py is nested too deep to be parsed; write it in several statements"


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["a\n", "1<", *(pytest.param(text, marks=pytest.mark.slow) for text in ("a,", "a;", "@a\n"))], ids=ascii
)
def test_source_at_the_limit_is_parsed_within_bounds(handin, text, peak):
    count = 256 * 2**10 // len(text)
    problem_of(handin(variation_loss=text * count))
    assert peak() < 400 * 2**20


def test_nesting_at_the_edge_of_the_stack_is_no_error_later():
    """A source that is parsed near the bottom of the stack may be too deep further up."""

    def higher(levels):
        return module.used_by("f") if levels == 0 else higher(levels - 1)

    text = "def g(): pass\ndef f(): return g() + a" + ".b" * 2000
    module = Module("unit", "unit.py", text + "\n")
    assert higher(600) in (set(), {"g"})  # Python 3.13 has more of a stack to parse with
    module = Module("unit", "unit.py", text)
    assert higher(0) == {"g"}


# --- notebooks


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"a":' * 100_000, "is not a notebook that can be read ("),
        ("[" * 100_000 + "]" * 100_000, "is not a notebook that can be read ("),
        (notebook(CODE, metadata={"x": "y" * 11 * 2**20}), "more than the 10 MB allowed; hand in code without data"),
        (notebook("x = '" + "y" * 300_000 + "'"), "holds code of 0.3 MB, more than the 256 KB allowed"),
        (notebook(*["x = 1\n" * 1000] * 60), "holds code of 0.3 MB, more than the 256 KB allowed"),
        (notebook("x = '\ud800'"), "cannot be parsed ("),
        (notebook(CODE, cells=[3]), "is not a notebook that can be read ("),
        (notebook(CODE, cells=[{"cell_type": "code", "source": None}]), "is not a notebook that can be read ("),
        (notebook(CODE, nbformat="four"), "is not a notebook that can be read ("),
        (notebook(CODE, nbformat=10**400), "is not a notebook that can be read ("),
        (notebook(CODE).encode("utf-16"), "is not UTF-8 text; save it again in Jupyter"),
        ("<<<<<<< HEAD\n" + notebook(CODE), "is not a notebook that can be read ("),
        ("null", "is not a notebook that can be read ("),
        (b"\0" * 100, "is not a notebook that can be read ("),
    ],
    ids=range(14),
)
def test_a_notebook_that_cannot_be_used_has_a_sentence(handin, content, words):
    found = problem_of(handin(variation_loss__ipynb=content))
    assert words in found and found.startswith("variation_loss.ipynb ") and found.isprintable() and len(found) < 400


@pytest.mark.parametrize(
    "content",
    [
        notebook(CODE, metadata={"x": float("nan"), "y": float("-inf")}),
        notebook(CODE).replace('"nbformat": 4,', '"nbformat": 4, "nbformat": 4,'),
        notebook(CODE).replace('"id": "c0"', '"id": ""'),
        notebook(CODE).replace(', "id": "c0"', ""),
        notebook(CODE, metadata={"x": "y" * 5 * 2**20}),
        "\ufeff" + notebook(CODE),
        notebook(CODE, metadata={"kernelspec": {"language": "R"}}),
    ],
    ids=["nan", "key twice", "empty id", "no id", "huge metadata", "bom", "another language"],
)
def test_an_odd_notebook_is_read(handin, content):
    module = submitted(handin(variation_loss__ipynb=content)).modules["variation_loss"]
    assert (module.problem, module.text) == ("", CODE)
