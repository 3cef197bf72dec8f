"""`autograder release notebooks`: a notebook of each unit, which runs with nothing but the course's zip beside it."""

import os
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from autograder.course.catalog import read_catalog
from autograder.course.skeletons import read_source
from autograder.errors import CatalogError
from autograder.platforms.bundles import notebooks_bundle, student_bundle, write_bundle
from autograder.platforms.bundles.notebooks import setup_cell
from autograder.platforms.bundles.writing import zip_of
from autograder.platforms.unit_notebook import split_functions
from tests.autograder.conftest import ROOT

CATALOG = read_catalog(ROOT)
WEEK = ["feature_extraction", "head_training"]


def notebook_of(files, unit):
    return nbformat.reads(files[f"{unit}.ipynb"].decode(), as_version=4)


def by_id(notebook):
    return {cell.id: cell for cell in notebook.cells}


@pytest.fixture(scope="module")
def week():
    return notebooks_bundle(CATALOG.only(WEEK), (), "", {"exercises/catalog.toml": b"", "exercises/quiz.py": b"new"})


def test_there_is_a_notebook_of_each_unit_and_the_course(week):
    assert week.keys() == {"course.zip", *(f"{unit}.ipynb" for unit in WEEK)}


@pytest.mark.parametrize("unit", WEEK)
def test_a_notebook_has_the_lesson_and_a_check_after_each_function(week, unit):
    notebook = notebook_of(week, unit)
    nbformat.validate(notebook)
    assert notebook.metadata.keys() == {"kernelspec", "language_info"}
    assert all(cell.metadata == {} and not cell.get("outputs") for cell in notebook.cells)
    cells = by_id(notebook)
    assert notebook.cells[0].id == "setup"
    assert cells["lesson"].source.startswith(read_source(CATALOG.lesson(unit)).splitlines()[0])
    order = list(cells)
    for function in CATALOG.units[unit].functions:
        assert f"def {function}(" in cells[f"answer-{function}"].source
        assert f'raise NotImplementedError("{function}")' in cells[f"answer-{function}"].source
        assert cells[f"checks-{function}"].source.endswith(f'check("{function}");')
        assert order.index(f"checks-{function}") == order.index(f"answer-{function}") + 1
    for cell in notebook.cells:
        if cell.cell_type == "code":
            compile(cell.source, cell.id, "exec")


def test_pictures_are_inside_the_text_as_colab_shows_no_attachments(week):
    cell = by_id(notebook_of(week, "head_training"))["lesson"]
    assert "attachments" not in cell
    assert "][head_curves.png]" in cell.source and "\n[head_curves.png]: data:image/png;base64,iVBOR" in cell.source


def test_a_link_to_a_lesson_leads_to_its_notebook(week):
    assert "](feature_extraction.ipynb)" in by_id(notebook_of(week, "head_training"))["lesson"].source


def test_of_one_unit_alone_in_a_language(monkeypatch):
    monkeypatch.setattr("autograder.platforms.bundles.notebooks.leaks", lambda *_: [])  # it has a test of its own
    files = notebooks_bundle(CATALOG, ["head_training"], "lt", {})
    text = by_id(notebook_of(files, "head_training"))["lesson"].source
    assert text.splitlines()[0] == read_source(CATALOG.lesson("head_training", "lt")).splitlines()[0]
    assert "feature_extraction" in text and "feature_extraction.ipynb" not in text  # a notebook that is not there


def test_a_notebook_that_would_leak_is_not_released(own_course):
    lesson = own_course / "exercises" / "lessons" / "quiz.md"
    lesson.write_text(read_source(CATALOG.solution("quiz")))
    with pytest.raises(CatalogError, match="holds a line of the solution of quiz"):
        notebooks_bundle(read_catalog(own_course).only(["quiz"]), (), "", {})


def test_the_start_has_the_same_first_cell():
    assert nbformat.read(ROOT / "notebooks" / "start.ipynb", as_version=4).cells[1].source == setup_cell()


def set_up(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("IDEALCAT_COURSE", "")  # put back afterwards
    exec(setup_cell(), {})
    return os.environ["IDEALCAT_COURSE"]


def test_without_a_course_the_first_cell_says_what_to_do(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as other:
        other.writestr("cat.txt", "")
    (tmp_path / "broken.zip").write_text("no zip")
    with pytest.raises(SystemExit, match="There is no course here"):
        set_up(tmp_path, monkeypatch)


def test_the_course_is_unpacked_once(week, tmp_path, monkeypatch):
    (tmp_path / "course.zip").write_bytes(week["course.zip"])
    (tmp_path / "course").mkdir()
    assert set_up(tmp_path, monkeypatch) == str(tmp_path / "course")
    work = tmp_path / "course" / "exercises" / "quiz.py"
    assert work.read_text() == "new"
    work.write_text("my answers")
    assert set_up(tmp_path, monkeypatch) == str(tmp_path / "course")
    assert work.read_text() == "my answers"


def test_the_zip_of_a_later_week_is_unpacked_over_the_course_and_keeps_the_work(tmp_path, monkeypatch):
    for week, name in ((1, "course.zip"), (2, "course (1).zip")):
        text = str(week).encode()
        changing = {"exercises/catalog.toml": text, "exercises/one.py": text, "tests/exercises/test_one.py": text}
        (tmp_path / name).write_bytes(zip_of({**changing, f"exercises/new_in_{week}.py": text}))
        os.utime(tmp_path / name, (week, week))
        course = Path(set_up(tmp_path, monkeypatch))
        if week == 1:
            (course / "exercises" / "one.py").write_text("my answers")
    assert (course / "exercises" / "one.py").read_text() == "my answers"
    new = ("exercises/catalog.toml", "exercises/new_in_2.py", "tests/exercises/test_one.py")
    assert [(course / file).read_text() for file in new] == ["2", "2", "2"]


def test_where_pip_cannot_install_the_first_cell_says_why(week, tmp_path, monkeypatch):
    (tmp_path / "course.zip").write_bytes(week["course.zip"])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    (tmp_path / "python").write_text("#!/bin/sh\necho first >&2\necho No module named pip >&2\nexit 1\n")
    (tmp_path / "python").chmod(0o755)
    with pytest.raises(SystemExit, match=r"could not install the course.*\nNo module named pip\n\S+ -m pip install"):
        set_up(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """The folder that `release notebooks` writes."""
    folder = tmp_path_factory.mktemp("release") / "notebooks"
    write_bundle(notebooks_bundle(CATALOG, (), "", student_bundle(CATALOG)), folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("unit", CATALOG.units)
def test_a_right_notebook_passes_every_check(released, unit):
    """In a real kernel, with the solutions in the cells of the functions."""
    notebook = nbformat.read(released / f"{unit}.ipynb", as_version=4)
    cells = by_id(notebook)
    solution = read_source(CATALOG.solution(unit))
    _, functions = split_functions(CATALOG.units[unit], solution)
    for function, text in functions.items():
        cells[f"answer-{function}"].source = text
    # A helper stands below the functions that use it, whose checks run before its cell.
    notebook.cells.insert(1, nbformat.v4.new_code_cell(solution))
    NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(released)}}).execute()
    said = {
        cell.id: "".join(output.get("text", "") for output in cell.outputs)
        for cell in notebook.cells
        if cell.cell_type == "code"
    }
    assert said["setup"].startswith("The course is here: ")
    for function in functions:
        lines = said[f"checks-{function}"].splitlines()
        assert lines[0].startswith(f"{function}: ")
        assert [line for line in lines[1:] if line.startswith("  ") and line[2:4] not in ("+ ", "  ")] == []
        assert any(line.startswith("  + ") for line in lines)
