"""What a newcomer types wrongly ends in one sentence: what happened, to which thing, what to do next."""

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
