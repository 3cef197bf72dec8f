"""What a newcomer types wrongly ends in one sentence: what happened, to which thing, what to do next."""

import json

import pytest

from tests.autograder.small_course import RIGHT


@pytest.fixture
def places(course):
    """A class, a file and a folder beside each other, in the course's folder."""
    for name in ("ann", "ben"):
        (course / "class" / name).mkdir(parents=True)
        (course / "class" / name / "doubling.py").write_text(RIGHT)
    (course / "file").touch()
    (course / "folder").mkdir()
    return course


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (("grade", "class", "-o", "file"), "file is a file; name a folder"),
        (("grade", "class", "-o", "file/out"), "file is a file and holds no out; name a folder elsewhere"),
        (("grade", "class", "-o", ""), "it is empty; name a folder"),
        (("grade", "class", "-o", "class/../class"), "is what is graded; name another folder for the results with -o"),
        (("regrade", "-o", "file"), "file is a file; name a folder"),
        (("report", "out", "-o", "file"), "file is a file; name a folder"),
        (("viva", "class/ann", "-o", "folder"), "folder is a folder; name a file in it, such as folder/page.html"),
        (("likeness", "class", "-o", "folder"), "folder is a folder; name a file in it"),
        (("verify", "--json", "folder"), "folder is a folder; name a file in it"),
        (("verify", "--report", "file/page.html"), "file is a file and holds no page.html; name a file elsewhere"),
        (("release", "nbgrader", "file"), "file is a file; name a folder"),
    ],
)
def test_what_cannot_be_written_is_told_before_anything_is_computed(autograder, places, typed, words):
    code, out, err = autograder(*typed)
    assert (code, words in err) == (2, True), out + err
    assert not out and "cannot be written" not in err


def test_a_folder_that_may_not_be_written_is_told_first(autograder, places, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, _: str(path) != "folder")
    code, out, err = autograder("grade", "class", "-o", "folder/out")
    assert (code, out) == (2, "") and "you may not write into folder; name a folder elsewhere" in err


@pytest.fixture
def graded(autograder, places):
    """The same place, after the class has been graded into `out`."""
    assert autograder("grade", "class", "-o", "out", "--jobs", "1")[0] == 0
    return places


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (("nowhere",), "nowhere does not exist; name files of results, or the folder that `autograder grade -o` wrote"),
        (("class",), "there are no results in class; name files of results, or the folder"),
        (("file",), "file holds no result of this grader; name files of results, or the folder"),
        (("out", "--as", "table"), "--as table needs --roster FILE"),
        (("out", "--as", "brightspace"), "--as brightspace needs --gradebook FILE"),
        (("out", "--as", "blackboard"), "--as blackboard needs --gradebook FILE"),
        (("out", "--gradebook", "file"), "--gradebook needs --as, the platform that exported it: canvas, moodle, "),
        (("out", "--pictures", "class"), "--pictures CLASS is for pages alone; give -o FOLDER, and no --as but html"),
        (("out", "--pictures", "class", "--as", "csv", "-o", "csv"), "--pictures CLASS is for pages alone"),
        (("out", "--pictures", "class", "--roster", "file", "-o", "term"), "--pictures CLASS is for pages alone"),
    ],
)
def test_a_report_that_cannot_be_made_says_what_is_missing(autograder, graded, typed, words):
    code, out, err = autograder("report", *typed)
    assert (code, words in err) == (2, True), err
    assert "Expecting value" not in err and not out


@pytest.mark.parametrize(
    ("form", "inside", "given"),
    [
        ("gradescope", ".", "out"),
        ("exercism", "out", "."),
        ("json", "out", "results/ann.json"),
        ("html", ".", "out/results"),
    ],
)
def test_no_report_is_written_over_the_results(autograder, graded, monkeypatch, form, inside, given):
    results = graded / "out" / "results"
    before = {path: path.read_bytes() for path in results.iterdir()}
    monkeypatch.chdir(graded / inside)
    code, out, err = autograder("report", given, "--as", form, "-o", results)
    assert (code, out) == (2, "") and "results holds the results themselves; name another folder with -o" in err
    assert {path: path.read_bytes() for path in results.iterdir()} == before


def test_a_term_and_a_gradebook_need_the_platform_too(autograder, graded):
    (graded / "roster.csv").write_text("Name\nann\nben\n")
    code, _, err = autograder("report", "out", "--roster", "roster.csv", "--gradebook", "roster.csv")
    assert code == 2 and "--gradebook needs --as, the platform that exported it: canvas, moodle, " in err
    code, _, err = autograder("report", "out", "class", "--roster", "roster.csv")
    assert code == 2 and "there are no results in" in err and "class; name files of results" in err


def test_a_table_of_questions_without_a_question_says_so(autograder, graded):
    code, _, err = autograder("report", "out", "--as", "by-hand", "-o", "out")
    assert (code, err) == (0, "no question waits for a person's points, so the table lists none\n")


def test_points_by_hand_are_read_in_utf_16_as_a_spreadsheet_saves_them(autograder, graded):
    rows = "submission\tfunction\tpoints\tcomment\r\nann\t\t2\tgražu\r\n"
    (graded / "out" / "manual.csv").write_bytes(rows.encode("utf-16"))
    code, out, err = autograder("report", "out", "--as", "csv")
    assert (code, err) == (0, "") and "added: 2 (gražu)" in out and "ann,5,3" in out
    (graded / "out" / "manual.csv").write_bytes(rows.encode("latin-1", "replace").replace(b"?", b"\x9e"))
    code, _, err = autograder("report", "out", "--as", "csv")
    assert code == 2 and "manual.csv is no text in UTF-8 or UTF-16; save it as CSV in UTF-8" in err


def test_questions_are_asked_of_one_student(autograder, places):
    code, _, err = autograder("viva", "class")
    assert code == 2 and "class holds 2 submissions; give that of one student, such as ann's" in err
    code, _, err = autograder("viva", "nowhere")
    assert code == 2 and "nowhere does not exist; give a submission" in err
    assert not (places / "viva.html").exists()


def test_nothing_is_asked_about_units_that_were_not_chosen(autograder, places):
    autograder("new-unit", "second")
    code, out, err = autograder("viva", "class/ann", "--units", "second")
    assert (code, out) == (2, "") and "ann has handed in nothing of second; there is nothing to ask about" in err
    assert not (places / "viva.html").exists()


@pytest.mark.parametrize("option", ["--from", "--roster"])
def test_a_class_of_nbgraders_is_read_without_the_options_of_other_classes(autograder, places, option):
    code, out, err = autograder("grade", "--nbgrader", ".", "--assignment", "doubling", option, "folders")
    assert (code, out) == (2, "") and "without PATH, --units, --from and --roster" in err


def test_a_course_without_pictures_says_that_there_is_nothing_to_draw(autograder, places):
    code, out, err = autograder("release", "pictures", "-o", "drawn")
    assert (code, out) == (0, "") and "no unit has a picture; exercises/pictures/draw_doubling.py would draw one" in err
    assert not (places / "drawn").exists()


def test_pictures_go_to_the_docs_of_the_course_wherever_the_command_is_typed(autograder, places, monkeypatch):
    (places / "exercises" / "pictures").mkdir()
    drawing = "from PIL import Image\n\n\ndef draw(student):\n    return Image.new('RGB', (2, 2)), 'Two by two.'\n"
    (places / "exercises" / "pictures" / "draw_doubling.py").write_text(drawing)
    monkeypatch.chdir(places / "folder")
    code, out, _ = autograder("release", "pictures")
    assert code == 0 and out.endswith("doubling.png: Two by two.\n")
    assert (places / "docs" / "pictures" / "doubling.png").is_file() and not any((places / "folder").iterdir())


def test_one_submission_is_not_compared(autograder, places):
    code, out, err = autograder("likeness", "class/ann")
    assert (code, out) == (2, "") and "likeness compares submissions, and class/ann holds 1; give a class" in err


def test_examples_of_an_unknown_function_or_in_a_folder(autograder, places):
    code, _, err = autograder("examples", "duoble")
    assert code == 2 and "the course has no function 'duoble'; is it double?" in err
    code, _, err = autograder("examples", "nosuchthing")
    assert code == 2 and "the course has no function 'nosuchthing'; `autograder list` names them all" in err
    code, _, err = autograder("examples", "double", "folder")
    assert code == 2 and "folder is a folder; name a file with a function test_... that calls double" in err


def test_a_key_that_is_not_there_is_asked_for_by_what_it_is_for(autograder, graded):
    result = graded / "out" / "results" / "ann.json"
    assert json.loads(result.read_text())["score"] == 3
    code, _, err = autograder("replay", result, "--verify", "key.pub")
    assert code == 2 and "give the public key of who signs" in err and "genpkey" not in err


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("file", "file is no notebook; give an .ipynb that Jupyter opens"),
        ("folder", "folder cannot be read (Is a directory); give the file of a notebook"),
        ("nowhere.ipynb", "nowhere.ipynb cannot be read (No such file or directory); give the file of a notebook"),
    ],
)
def test_only_a_notebook_is_added_to_a_release(autograder, places, given, words):
    code, out, err = autograder("release", "student", "for students", "--notebook", given)
    assert (code, out) == (2, "") and words in err
    assert not (places / "for students").exists()


@pytest.fixture
def notebooks(places, monkeypatch):
    """Two notebooks of the same name, and bundles that are made at once."""
    for name in ("ours", "theirs"):
        (places / name).mkdir()
        (places / name / "doubling.ipynb").write_text(
            '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
        )
    monkeypatch.setattr("autograder.platforms.bundles.fingerprint_files", lambda *_: {})
    monkeypatch.setattr("autograder.platforms.bundles.student_bundle", lambda *_: {"notebooks/doubling.ipynb": b""})
    monkeypatch.setattr("autograder.platforms.bundles.notebooks_bundle", lambda *_: {"doubling.ipynb": b""})
    monkeypatch.setattr("autograder.platforms.bundles.try_out", lambda *_: None)


@pytest.mark.parametrize("kind", ["student", "notebooks"])
def test_no_added_notebook_takes_the_place_of_another(autograder, places, notebooks, kind):
    ours, theirs = "ours/doubling.ipynb", "theirs/doubling.ipynb"
    code, out, err = autograder("release", kind, "given", "--notebook", ours, "--notebook", theirs)
    assert (code, out) == (2, "") and f"{ours} and {theirs} have the same name; rename one" in err
    code, out, err = autograder("release", kind, "given", "--notebook", ours)
    assert (code, out) == (2, "") and "doubling.ipynb in it already; rename ours/doubling.ipynb" in err
    assert not (places / "given").exists()
