"""Of several files for one unit the one with work in it counts, or the newest; the student reads which was left."""

import json
import os
import tarfile
import zipfile

import pytest

from autograder.course.catalog import read_catalog
from autograder.course.skeletons import untouched_texts
from autograder.submissions import parse_submission, read_helpers, read_module
from autograder.submissions.intake import take_in
from tests.autograder.handed_in import collect_submission
from tests.autograder.small_course import make_course

UNITS = ("variation_loss", "adversarial_attack")
SKELETON = 'def total_variation(images):\n    """Sum."""\n    scale = 2\n    raise NotImplementedError("x")\n'
DONE = SKELETON.replace('raise NotImplementedError("x")', "return images.sum()")
OTHER = SKELETON.replace('raise NotImplementedError("x")', "return images.mean()")


def notebook(*sources):
    cells = [
        {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "id": f"c{n}", "source": source}
        for n, source in enumerate(sources)
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})


@pytest.fixture
def read(tmp_path):
    """Read a folder with these files; `age` makes a file that many minutes older."""

    def read(files, age=None):
        root = tmp_path / "alice"
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            os.utime(path, (1e9 - 60 * (age or {}).get(name, 0),) * 2)
        return parse_submission(collect_submission(root, UNITS, {"variation_loss": SKELETON}))

    return read


@pytest.mark.parametrize(
    ("finished", "untouched"),
    [
        ("variation_loss.ipynb", "variation_loss.py"),
        ("my_work/variation_loss.py", "exercises/variation_loss.py"),
        ("variation_loss (1).py", "variation_loss.py"),
        ("Copy of variation_loss.ipynb", "variation_loss.ipynb"),
        ("variation_loss-Copy1.ipynb", "variation_loss.ipynb"),
    ],
)
def test_an_untouched_file_is_left_for_finished_work(read, finished, untouched):
    files = {finished: DONE, untouched: f"# mine\n{SKELETON}"}
    found = read({name: notebook(text) if name.endswith("ipynb") else text for name, text in files.items()})
    assert "images.sum()" in found.modules["variation_loss"].text
    assert found.notes[0] == f"{untouched} was left: nothing is written in it"
    assert found.not_taken == (untouched,)


BROKEN = {"torn": "{", "large": " " * (11 * 2**20)}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_notebook_that_cannot_be_read_is_told_and_not_the_skeleton_beside_it(read, broken):
    found = read({"variation_loss.py": SKELETON, "variation_loss.ipynb": BROKEN[broken]})
    assert found.modules["variation_loss"].problem.startswith("variation_loss.ipynb ")
    assert found.notes == ("variation_loss.py was left: nothing is written in it",)


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("name", ["variation_loss.py", "alice_variation_loss.py"])
def test_work_counts_beside_a_newer_notebook_that_cannot_be_read(read, broken, name):
    found = read({name: DONE, "variation_loss.ipynb": BROKEN[broken]}, age={name: 60})
    assert "images.sum()" in found.modules["variation_loss"].text
    assert found.notes[0] == "variation_loss.ipynb was left: it cannot be read"


@pytest.mark.parametrize("broken", BROKEN)
def test_a_program_without_functions_counts_beside_a_notebook_that_cannot_be_read(read, broken):
    found = read({"variation_loss.py": "print(1)\n", "variation_loss.ipynb": BROKEN[broken]})
    assert found.modules["variation_loss"].text == "print(1)\n"
    assert found.notes[0] == "variation_loss.ipynb was left: it cannot be read"


def test_two_large_notebooks_are_no_copies_of_one_another(read):
    found = read({"variation_loss.ipynb": " " * (11 * 2**20), "my/variation_loss.ipynb": " " * (12 * 2**20)})
    assert "my/variation_loss.ipynb" in found.notes[0]


def test_an_untouched_class_is_left_for_a_finished_one(tmp_path):
    skeleton = 'class Net:\n    def forward(self, x):\n        raise NotImplementedError("forward")\n'
    done = skeleton.replace('raise NotImplementedError("forward")', "return x")
    (tmp_path / "variation_loss.py").write_text(skeleton)
    (tmp_path / "variation_loss (1).py").write_text(done)
    found = parse_submission(collect_submission(tmp_path, UNITS, {"variation_loss": skeleton}))
    assert found.modules["variation_loss"].text == done
    assert found.notes[0] == "variation_loss.py was left: nothing is written in it"


def test_the_newest_of_two_finished_files_counts(read):
    found = read({"variation_loss.py": OTHER, "new/variation_loss.py": DONE}, age={"variation_loss.py": 5})
    assert "images.sum()" in found.modules["variation_loss"].text
    assert found.notes == ("new/variation_loss.py was taken and variation_loss.py left: it is older",)


@pytest.mark.parametrize("later", ["variation_loss (1).py", "variation_loss-1.py"])
def test_a_later_copy_of_the_same_time_counts(read, later):
    found = read({"variation_loss.py": OTHER, later: DONE})
    assert "images.sum()" in found.modules["variation_loss"].text
    assert found.notes == (f"{later} was taken and variation_loss.py left: by its name it is an earlier copy",)


def test_what_cannot_be_told_is_said(read):
    found = read({"a/variation_loss.py": OTHER, "b/variation_loss.py": DONE})
    assert "images.mean()" in found.modules["variation_loss"].text
    advice = "which of the two is meant cannot be told; hand in one file for variation_loss"
    assert found.notes == (f"a/variation_loss.py was taken and b/variation_loss.py left: {advice}",)


def test_the_same_file_twice_needs_no_word(read):
    found = read({"variation_loss.py": DONE, "backup/variation_loss.py": DONE})
    assert "images.sum()" in found.modules["variation_loss"].text and found.notes == ()


def test_a_copy_alone_is_the_unit(read, tmp_path):
    assert "images.sum()" in read({"variation_loss-2.py": DONE}).modules["variation_loss"].text
    assert [each.path for each in take_in([tmp_path / "alice"], UNITS).hand_ins.values()] == [tmp_path / "alice"]


@pytest.mark.parametrize(
    "name",
    [
        *("Variation_Loss.py", "VARIATION_LOSS.PY", "variation-loss.py", "variation loss.py", "VariationLoss.py"),
        *(
            "variation_loss copy 2.py",
            "variation_loss - Copy (2).py",
            "variation_loss - Kopie.py",
            "variation_loss_2.py",
        ),
        *("Copy of Copy of variation_loss.py", "variation_loss_final_v2.py", "variation_loss (1) (1).py"),
        *("variation_loss.py.txt", "variation_loss.py (1).txt", "variation_loss.py.py", "variation_loss.ipynb.json"),
        *("alice_variation_loss.py", "Variation loss - Jane Doe.py", "hw1-variation_loss.py", "variation_loss_old.py"),
    ],
)
def test_a_name_of_many_habits_means_the_unit(read, name):
    kind = "ipynb" if "ipynb" in name else "py"
    found = read({name: notebook(DONE) if kind == "ipynb" else DONE, "notes.md": "", "adversarial_attack.py": OTHER})
    assert "images.sum()" in found.modules["variation_loss"].text
    assert found.notes == (f"{name} was taken as variation_loss.{kind}",)


@pytest.mark.parametrize("name", ["variation_loss_alice.py", "variation_loss_old.py", "variation_loss_final.py"])
def test_work_under_another_name_counts_before_an_untouched_file(read, name):
    found = read({"variation_loss.py": SKELETON, name: DONE})
    assert "images.sum()" in found.modules["variation_loss"].text
    assert found.notes == ("variation_loss.py was left: nothing is written in it",)


def test_another_name_is_no_rival_of_finished_work(read):
    found = read({"variation_loss.py": DONE, "variation_loss_old.py": OTHER}, age={"variation_loss.py": 5})
    assert "images.sum()" in found.modules["variation_loss"].text and found.notes == ()


def test_a_final_version_that_is_newer_counts(read):
    found = read({"variation_loss.py": OTHER, "variation_loss_final.py": DONE}, age={"variation_loss.py": 5})
    assert "images.sum()" in found.modules["variation_loss"].text
    assert found.notes == ("variation_loss_final.py was taken and variation_loss.py left: it is older",)


def test_a_version_that_the_unit_imports_is_a_helper(read):
    files = {"variation_loss.py": f"from variation_loss_v2 import *\n{DONE}", "variation_loss_v2.py": OTHER}
    found = read(files, age={"variation_loss.py": 5})
    assert "images.sum()" in found.modules["variation_loss"].text
    assert list(found.helpers) == ["variation_loss_v2"]


def test_a_unit_whose_name_goes_on_is_another(tmp_path):
    (tmp_path / "week_10.py").write_text(DONE)
    (tmp_path / "Week_1_2.py").write_text(DONE)
    found = collect_submission(tmp_path, ("week_1", "week_12"), {})
    assert {unit: file.path.name for unit, file in found.files.items()} == {"week_1": "Week_1_2.py"}


def test_a_file_that_tells_of_macos_beside_an_archive_is_none(tmp_path):
    with zipfile.ZipFile(tmp_path / "inner.zip", "w") as inner:
        inner.writestr("variation_loss.py", DONE)
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as outer:
        outer.write(tmp_path / "inner.zip", "inner.zip")
        outer.writestr("__MACOSX/._inner.zip", "\0\5\x16\7")
    assert list(collect_submission(tmp_path / "outer.zip", UNITS, {}).files) == ["variation_loss"]


def test_an_ending_that_an_editor_has_added_is_read_from_a_tar(tmp_path):
    (tmp_path / "variation_loss.py.txt").write_text(DONE)
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "variation_loss.py.txt", "variation_loss.py.txt")
    assert collect_submission(tmp_path / "a.tar.gz", UNITS, {}).files["variation_loss"].data == DONE.encode()


def test_a_broken_file_is_work(read):
    found = read({"variation_loss.py": "def total_variation(:\n", "old/variation_loss.py": SKELETON})
    assert "is not valid Python" in found.modules["variation_loss"].problem


def test_the_times_of_an_archive_count(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, text, minute in (("a/variation_loss.py", OTHER, 1), ("b/variation_loss.py", DONE, 9)):
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 12, minute, 0)), text)
        archive.writestr(zipfile.ZipInfo("c/variation_loss.py", (2026, 2, 31, 0, 0, 0)), DONE)
    found = collect_submission(tmp_path / "a.zip", UNITS, {"variation_loss": SKELETON})
    assert b"sum" in found.files["variation_loss"].data or "cannot be told" in found.notes[0]


def test_many_files_of_one_unit_are_not_all_opened(read, monkeypatch):
    opened = []
    monkeypatch.setattr(
        "autograder.submissions.choosing._has_work", lambda unit, file, skeleton: opened.append(file) or True
    )
    read({f"d{number}/variation_loss.py": f"{DONE}# {number}\n" for number in range(30)})
    assert len(opened) == 5


def test_the_course_tells_what_its_files_begin_as(tmp_path):
    catalog = read_catalog(make_course(tmp_path))
    (unit,) = catalog.units
    before = untouched_texts(catalog)[unit]
    assert "def double(x)" in before
    path = catalog.solution(unit)
    path.write_text(path.read_text() + "\nMORE = 1\n")
    os.utime(path, (1e9, 1e9))
    assert untouched_texts(catalog)[unit] == before + "\nMORE = 1\n"


# --- modules beside the units


def test_a_module_that_a_unit_imports_is_taken_along(read):
    files = {
        "variation_loss.py": f"import utils\nfrom . import tools\n{DONE}",
        "utils.py": "import deeper\n",
        "deeper.py": "",
        "tools.py": "X = 1\n",
        "scratch.py": "print(1)\n",
        "elsewhere/utils.py": "wrong = 1\n",
    }
    found = read(files)
    assert sorted(found.helpers) == ["deeper", "tools", "utils"] and sorted(found.sources) == [
        "deeper", "tools", "utils", "variation_loss",
    ]  # fmt: skip
    assert found.notes == ("taken along: deeper.py, tools.py, utils.py",)
    assert found.not_taken == ("scratch.py", "elsewhere/utils.py")


@pytest.mark.parametrize("name", ["torch", "json", "data", "autograder", "tests", "solutions", "pytest", "exercises"])
def test_no_file_stands_in_for_a_library_or_for_the_course(read, name):
    found = read({"variation_loss.py": f"import {name}\n{DONE}", f"{name}.py": "X = 1\n"})
    assert found.helpers == {}
    assert found.notes == (f"{name}.py was left: `import {name}` means another module here; rename it",)


def test_a_preloaded_module_of_the_course_is_no_helper(tmp_path):
    (tmp_path / "variation_loss.py").write_text(f"import shades\n{DONE}")
    (tmp_path / "shades.py").write_text("X = 1\n")
    assert parse_submission(collect_submission(tmp_path, UNITS, {}, ["shades"])).helpers == {}


def test_a_students_own_run_has_the_same_helpers(tmp_path):
    for name, text in {"variation_loss": f"import utils\n{DONE}", "utils": "X = 1\n", "other": "1 / 0\n"}.items():
        (tmp_path / f"{name}.py").write_text(text)
    units = {"variation_loss": read_module(tmp_path / "variation_loss.py", "variation_loss")}
    (helper,) = read_helpers(tmp_path, units).values()
    assert (helper.unit, helper.filename, helper.text) == ("utils", str(tmp_path / "utils.py"), "X = 1\n")


def test_another_helper_is_another_submission(read):
    one = read({"variation_loss.py": f"import utils\n{DONE}", "utils.py": "X = 1\n"})
    other = read({"utils.py": "X = 2\n"})
    assert one.digest != other.digest


@pytest.mark.parametrize(
    "name", ["jane_variation_loss.py", "variation_loss_final.py", "20261103_variation_loss (2).py"]
)
def test_a_file_that_bears_the_name_beside_other_words_is_taken(read, name):
    found = read(
        {name: DONE, "adversarial_attack.py": DONE, "variation_loss_helper.py": "def helper():\n    return 1\n"}
    )
    assert set(found.modules) == set(UNITS)
    assert f"{name} was taken as variation_loss.py" in found.notes


def test_the_exact_name_goes_before_others(read):
    found = read({"variation_loss.py": DONE, "variation_loss_old.py": OTHER, "adversarial_attack.py": DONE})
    assert "images.sum()" in found.modules["variation_loss"].text and found.notes == ()


def test_files_with_an_expression_of_many_terms_are_compared(read):
    deep = SKELETON.replace('raise NotImplementedError("x")', f"return {' + '.join(['images'] * 1200)}")
    found = read({"variation_loss.py": SKELETON, "work/variation_loss.py": deep})
    assert "images + images" in found.modules["variation_loss"].text
    found = read(
        {"adversarial_attack.ipynb": notebook(f"{deep}\nif {'0 + ' * 1200}__name__ == '__main__':\n    fgsm = 1")}
    )
    assert "images + images" in found.modules["adversarial_attack"].text


@pytest.mark.parametrize("form", ["variation_loss_v{}.py", "variation_loss ({}).py", "Version {}/variation_loss.py"])
def test_the_last_of_many_versions_counts(read, form):
    found = read({form.format(number): f"{DONE}# number {number}\n" for number in range(1, 10)})
    module = found.modules["variation_loss"]
    assert "# number 9\n" in module.text
    assert any("of 9 files of variation_loss, " in note and "were not opened" in note for note in found.notes)


def test_the_newest_of_many_files_counts(read):
    names = [f"d{number}/variation_loss.py" for number in range(9)]
    found = read({name: f"{DONE}# {name}\n" for name in names}, {name: 9 - age for age, name in enumerate(names)})
    assert "# d8/" in found.modules["variation_loss"].text
