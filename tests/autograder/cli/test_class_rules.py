"""Where `class.toml` counts: in the folder of the results and beside the submissions, never in what a student handed in."""

import zipfile

import pytest

from autograder.submissions.hand_in import entries_of
from tests.autograder.cli.test_class_intake import rows_of
from tests.autograder.small_course import KINDS, RIGHT

LATE = "[deadline]\ndue = 2026-11-20T23:59:00\n[late]\npercent = 10\n"
HALF = "[exempt]\nann = []\n"


@pytest.fixture(autouse=True)
def _folders_are_read_anew():
    entries_of.cache_clear()


def hand_in(folder):
    """Two hand-ins of Blackboard's, a day late."""
    folder.mkdir(parents=True, exist_ok=True)
    for login, text in (("ann", RIGHT), ("bob", f"# bob\n{RIGHT}")):
        (folder / f"Lab_{login}_attempt_2026-11-21-10-00-00_doubling.py").write_text(text)
    return folder


def zip_of(folder, path):
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder))
    return path


def scores(out):
    return {row["submission"]: row["score"] for row in rows_of(out / "grades.csv")}


def reported(autograder, out):
    _, text, _ = autograder("report", out, "--as", "csv")
    return {line.split(",")[0]: line.split(",")[1] for line in text.splitlines()[1:]}


def test_rules_beside_a_zip_count(autograder, course, tmp_path):
    path = zip_of(hand_in(tmp_path / "class"), tmp_path / "lab.zip")
    (tmp_path / "class.toml").write_text(LATE)
    out = tmp_path / "out"
    _, _, err = autograder("grade", path, "-o", out, "--jobs", 1)
    assert scores(out) == {"ann": "2.7", "bob": "2.7"} == reported(autograder, out) and "not read" not in err


def test_rules_in_a_zip_are_named(autograder, course, tmp_path):
    folder = hand_in(tmp_path / "class")
    (folder / "class.toml").write_text(LATE)
    path, out = zip_of(folder, tmp_path / "lab.zip"), tmp_path / "out"
    _, _, err = autograder("grade", path, "-o", out, "--jobs", 1)
    assert f"not read: {path / 'class.toml'}; put it into {tmp_path}, beside the submissions" in err
    assert scores(out) == {"ann": "3", "bob": "3"}


@pytest.mark.parametrize("zipped", [False, True])
def test_rules_in_the_only_folder_of_a_class_count(autograder, course, tmp_path, zipped):
    inner = hand_in(tmp_path / "class" / "inner")
    if zipped:
        zip_of(inner, tmp_path / "class" / "lab.zip")
        for file in inner.iterdir():
            file.unlink()
        inner.rmdir()
        inner = tmp_path / "class"
    (inner / "class.toml").write_text(LATE)
    out = tmp_path / "out"
    _, _, err = autograder("grade", tmp_path / "class", "-o", out, "--jobs", 1)
    assert scores(out) == {"ann": "2.7", "bob": "2.7"} == reported(autograder, out)
    assert (f"the rules are those of {inner / 'class.toml'}" in err) is not zipped


def test_rules_beside_files_that_are_named_one_by_one_count(autograder, course, tmp_path):
    folder = hand_in(tmp_path / "class")
    (folder / "class.toml").write_text('[exempt]\n"Lab_ann_attempt_2026-11-21-10-00-00_doubling" = []\n')
    out = tmp_path / "out"
    autograder("grade", *sorted(folder.iterdir()), "-o", out, "--jobs", 1)
    assert len(scores(out)) == 2 and "" in scores(out).values()


@pytest.mark.parametrize("given", ["class", "each", "one"])
def test_a_student_writes_no_rules(autograder, course, tmp_path, given):
    """A folder of a student's own may hold a file of this name: it is named, and decides nothing."""
    for who, text in (("ann", KINDS["half"][0]), ("bob", f"# bob\n{KINDS['half'][0]}")):
        (tmp_path / "class" / who).mkdir(parents=True)
        (tmp_path / "class" / who / "doubling.py").write_text(text)
    own = tmp_path / "class" / "ann" / "class.toml"
    own.write_text('[units]\nbonus = ["doubling"]\n')
    folders = {"class": ["."], "each": ["ann", "bob"], "one": ["ann"]}[given]
    _, text, err = autograder(
        "grade", *(tmp_path / "class" / each for each in folders), "-o", tmp_path / "out", "--jobs", 1
    )
    assert f"not read: {own}; put it into {tmp_path / 'class'}, beside the submissions" in err
    assert "2 / 3" in text or "2 of 3 points" in text


def test_of_two_files_of_rules_the_one_that_counts_is_named(autograder, course, tmp_path):
    folder, out = hand_in(tmp_path / "class"), tmp_path / "out"
    (folder / "class.toml").write_text(LATE)
    out.mkdir()
    (out / "class.toml").write_text("")
    _, _, err = autograder("grade", folder, "-o", out, "--jobs", 1)
    assert f"not read: {folder / 'class.toml'}; {out / 'class.toml'} counts" in err
    assert scores(out) == {"ann": "3", "bob": "3"}


def test_rules_beside_the_folder_of_a_class_are_named_unless_they_are_a_terms(autograder, course, tmp_path):
    folder, out = hand_in(tmp_path / "class"), tmp_path / "out"
    (tmp_path / "class.toml").write_text("[term]\ndrop = 1\n")
    _, _, err = autograder("grade", folder, "-o", out, "--jobs", 1)
    assert "not read" not in err
    (tmp_path / "class.toml").write_text(LATE)
    _, _, err = autograder("grade", folder, "-o", out, "--jobs", 1)
    assert f"not read: {tmp_path / 'class.toml'}; put it into {folder}, beside the submissions" in err


def test_one_submission_shows_the_mark_that_counts(autograder, course, tmp_path):
    (tmp_path / "ann").mkdir()
    (tmp_path / "ann" / "doubling.py").write_text(RIGHT)
    (tmp_path / "class.toml").write_text(HALF)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "manual.csv").write_text("submission,function,points\nann,halve,0.5\nzed,,1\n")
    _, text, err = autograder("grade", tmp_path / "ann", "--units", "doubling", "-o", tmp_path / "out", "--jobs", 1)
    assert "Mark: exempt" in text, (text, err)
    (tmp_path / "class.toml").unlink()
    _, text, err = autograder("grade", tmp_path / "ann", "--units", "doubling", "-o", tmp_path / "out", "--jobs", 1)
    assert "Mark: 2.5 of 3 points" in text and "zed" not in err


def test_one_submission_shows_points_by_hand_in_each_line(autograder, course, tmp_path):
    """As `grades.csv` has them for a class."""
    (tmp_path / "ann").mkdir()
    (tmp_path / "ann" / "doubling.py").write_text(RIGHT)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "manual.csv").write_text("submission,function,points\nann,halve,0.5\nann,,2\n")
    _, text, _ = autograder("grade", tmp_path / "ann", "--units", "doubling", "-o", tmp_path / "out", "--jobs", 1)
    lines = text.splitlines()
    assert "Mark: 4.5 of 3 points" in lines and "Doubling: 2.5 of 3 points" in lines
    assert "  double: 2 of 2 points" in lines and "  halve: 0.5 of 1 points" in lines


def test_a_class_of_one_has_the_same_mark_in_reports(autograder, course, tmp_path):
    hand_in(tmp_path / "class")
    (tmp_path / "class" / "Lab_bob_attempt_2026-11-21-10-00-00_doubling.py").unlink()
    (tmp_path / "class.toml").write_text(LATE)
    out = tmp_path / "out"
    for _ in range(2):
        _, text, _ = autograder("grade", zip_of(tmp_path / "class", tmp_path / "lab.zip"), "-o", out, "--jobs", 1)
        assert "Mark: 2.7 of 3 points" in text and reported(autograder, out) == {"ann": "2.7"}
    _, text, _ = autograder("regrade", "-o", out, "--jobs", 1)
    assert "No mark changes" in text


def test_another_submission_alone_in_the_same_folder_is_told(autograder, course, tmp_path):
    (tmp_path / "class.toml").write_text(HALF)
    for name in ("ann", "bob"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "doubling.py").write_text(RIGHT)
    out = tmp_path / "out"
    _, text, err = autograder("grade", tmp_path / "ann", "-o", out, "--jobs", 1)
    assert "Mark: exempt" in text and "made for another" not in err
    _, text, err = autograder("grade", tmp_path / "bob", "-o", out, "--jobs", 1)
    assert "Mark: 3 of 3" in text or "3 of 3 points" in text
    assert f"{out} was made for another submission, and `report` goes by that; name another folder with -o" in err
