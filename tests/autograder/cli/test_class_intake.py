"""A class from a learning platform, graded and reported by the command: from download to gradebook."""

import csv
import re
import shutil

import pytest

from autograder.course.catalog import read_catalog
from autograder.submissions.hand_in import entries_of
from autograder.submissions.intake import take_in
from tests.autograder.small_course import KINDS, RIGHT

GRADEBOOK = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Doubling (7)\n    Points Possible,,,,,3\n"
    '"Doe, Jane",12345,s1,jane,A,\n"Müller, X",12347,s2,xm,A,\n"Smith, Bob",12346,s3,bob,B,\n'
)


@pytest.fixture
def canvas(tmp_path):
    folder = tmp_path / "class"
    folder.mkdir()
    (folder / "doejane_LATE_12345_67890_doubling-2.py").write_text(RIGHT)
    (folder / "mullerx_12347_67892_doubling.py").write_text(KINDS["half"][0])
    (folder / "notes.txt").write_text("")
    return folder


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_download_of_canvas_comes_back_as_its_gradebook(autograder, course, canvas, tmp_path):
    exported = tmp_path / "gradebook.csv"
    exported.write_text(GRADEBOOK, encoding="utf-8")
    code, out, err = autograder("grade", canvas, "--roster", exported, "-o", tmp_path / "out", "--jobs", 1)
    assert code == 1
    assert "a download of Canvas: 3 students, 1 late" in out
    assert (
        "not graded: notes.txt: Canvas names files otherwise; if a student handed it in, name it as the others" in err
    )
    scores = {row["submission"]: row["score"] for row in rows_of(tmp_path / "out" / "grades.csv")}
    assert scores == {"Jane Doe": "3", "X Müller": "2", "Bob Smith": "0"}
    code, out, _ = autograder(
        "report", tmp_path / "out", "--as", "canvas", "--gradebook", exported, "-o", tmp_path / "up"
    )
    assert code == 0 and "3 grades in the column Doubling (7)" in out
    filled = GRADEBOOK.replace("jane,A,", "jane,A,3").replace("xm,A,", "xm,A,2").replace("bob,B,", "bob,B,0")
    assert (tmp_path / "up" / "gradebook.csv").read_text(encoding="utf-8") == filled


HANDED_IN = {
    "canvas": ("doejane_11_91_doubling.py", "doejane_12_92_doubling.py", "eve_99_93_doubling.py"),
    "moodle": tuple(f"{who}_assignsubmission_file_/doubling.py" for who in ("Jane Doe_11", "Jane Doe_12", "Eve_99")),
    "brightspace": tuple(f"1-1 - {who} - Nov 3, 2026 1159 PM/doubling.py" for who in ("Jane Doe", "Jan Doe", "Eve")),
    "blackboard": tuple(f"Lab_{who}_attempt_2026-11-20-10-00-00_doubling.py" for who in ("j_1", "k_2", "eve")),
}
#: What each platform exports, with `{}` where the two marks belong: of Jane and of a second student; Bob handed in nothing.
EXPORTED = {
    "canvas": (
        "\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,Lab (7),Final Score\r\n    Points Possible,,,,,3,(read only)\r\n"
        '"Doe, Jane",11,,j1,"A, B",{},x\r\n"Doe, Jane",12,,j2,A,{},\r\n"Smith, Bob",13,,bob,A,,\r\n',
        "utf-8",
    ),
    "moodle": (
        "Identifier,Full name,Email address,Status,Grade,Maximum grade,Feedback comments\n"
        'Participant 11,Jane Doe,j@x.edu,"Submitted, late",{},3.00,\nParticipant 12,Jane Doe,k@x.edu,,{},3.00,\n'
        "Participant 13,Bob Smith,b@x.edu,,,3.00,\n",
        "utf-8",
    ),
    "brightspace": (
        "OrgDefinedId,Username,Last Name,First Name,Lab Points Grade <Numeric MaxPoints:3>,End-of-Line Indicator\r\n"
        "#11,#j1,Doe,Jane,{},#\r\n#12,#j2,Doe,Jan,{},#\r\n#13,#bob,Smith,Bob,,#\r\n",
        "utf-8",
    ),
    "blackboard": (
        '\ufeff"Last Name"\t"First Name"\t"Username"\t"Student ID"\t"Lab [Total Pts: 3 Score] |981"\n'
        '"Doe"\t"Jane"\t"j_1"\t"11"\t"{}"\n"Müller"\t"Zoë"\t"k_2"\t"12"\t"{}"\n"Smith"\t"Bob"\t"bob"\t"13"\t""\n',
        "utf-16-le",
    ),
}


@pytest.mark.parametrize("platform", EXPORTED)
def test_a_gradebook_is_filled_by_number_and_login_and_both_sides_are_told(autograder, course, tmp_path, platform):
    """Without a roster, two students of one name have their own marks where the platform tells their numbers."""
    for text, name in zip((RIGHT, KINDS["half"][0], f"#\n{RIGHT}"), HANDED_IN[platform], strict=True):
        path = tmp_path / "class" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    text, encoding = EXPORTED[platform]
    exported = tmp_path / "exported.csv"
    exported.write_bytes(text.replace("{}", "").encode(encoding))
    autograder("grade", tmp_path / "class", "-o", tmp_path / "out", "--jobs", 1)
    code, out, err = autograder(
        "report", tmp_path / "out", "--as", platform, "--gradebook", exported, "-o", tmp_path / "up"
    )
    assert code == 0 and "2 grades in the column" in out
    filled = (tmp_path / "up" / "exported.csv").read_bytes().decode(encoding)
    if platform == "moodle":  # its table has a column for comments too
        filled = re.sub(r"3\.00,.+", "3.00,", filled)
    assert filled == text.format("3", "2")
    assert any(f"exported.csv has no row for {name} alone" in err for name in ("eve", "Eve"))
    assert "without a submission, whose cells stay as they are: Bob Smith" in err


@pytest.mark.parametrize("given", ["results", "results/doejane-11.json"])
def test_results_find_their_rows_in_a_gradebook_as_their_folder_does(autograder, course, tmp_path, given):
    """By number, which the table of intake beside the results tells: two students have the same name."""
    (tmp_path / "class").mkdir()
    for name in HANDED_IN["canvas"]:
        (tmp_path / "class" / name).write_text(RIGHT)
    text, encoding = EXPORTED["canvas"]
    exported = tmp_path / "exported.csv"
    exported.write_bytes(text.replace("{}", "").encode(encoding))
    autograder("grade", tmp_path / "class", "-o", tmp_path / "out", "--jobs", 1)
    autograder("report", tmp_path / "out" / given, "--as", "canvas", "--gradebook", exported, "-o", tmp_path / "up")
    assert b'11,,j1,"A, B",3,' in (tmp_path / "up" / "exported.csv").read_bytes()


def test_the_exported_gradebook_stays_as_it_is_also_in_the_folder_of_the_filled_one(
    autograder, course, canvas, tmp_path
):
    exported = tmp_path / "gradebook.csv"
    exported.write_text(GRADEBOOK, encoding="utf-8")
    autograder("grade", canvas, "-o", tmp_path / "out", "--jobs", 1)
    autograder("report", tmp_path / "out", "--as", "canvas", "--gradebook", exported, "-o", tmp_path)
    assert exported.read_text(encoding="utf-8") == GRADEBOOK
    assert "jane,A,3" in (tmp_path / "filled-gradebook.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("form", ["canvas", "moodle"])
def test_a_table_is_written_over_an_older_one_and_not_over_an_exported_gradebook(
    autograder, course, canvas, tmp_path, form
):
    roster, target = tmp_path / "roster.csv", tmp_path / f"{form}.csv"
    roster.write_text(GRADEBOOK, encoding="utf-8")
    autograder("grade", canvas, "--roster", roster, "-o", tmp_path / "out", "--jobs", 1)
    (tmp_path / "out" / "manual.csv").write_text("submission,function,points,comment\nJane Doe,,1,good\n")
    for command in (("report", tmp_path / "out"), ("report", tmp_path / "out", "--roster", roster)):
        for title in ("Lab (7)", "Lab (8)"):
            assert autograder(*command, "--as", form, "--title", title, "-o", tmp_path)[0] == 0
            assert target.exists()
        exported, encoding = EXPORTED[form]
        target.write_bytes(exported.encode(encoding))
        code, _, err = autograder(*command, "--as", form, "-o", tmp_path)
        assert code == 2 and f"{form}.csv has more columns than the table that would replace it" in err
        assert target.read_bytes() == exported.encode(encoding)
        target.unlink()


def test_a_gradebook_with_another_maximum_is_filled_and_told(autograder, course, canvas, tmp_path):
    exported = tmp_path / "gradebook.csv"
    exported.write_text(GRADEBOOK.replace(",,,,,3\n", ",,,,,100\n"), encoding="utf-8")
    autograder("grade", canvas, "-o", tmp_path / "out", "--jobs", 1)
    code, _, err = autograder(
        "report", tmp_path / "out", "--as", "canvas", "--gradebook", exported, "-o", tmp_path / "up"
    )
    assert code == 0 and "jane,A,3" in (tmp_path / "up" / "gradebook.csv").read_text(encoding="utf-8")
    assert "gradebook.csv: the column Doubling (7) counts up to 100, these marks up to 3," in err


def test_whose_cells_in_a_gradebook_are_kept_is_told(autograder, course, canvas, tmp_path):
    exported = tmp_path / "gradebook.csv"
    exported.write_text(GRADEBOOK.replace("jane,A,", "jane,A,EX"), encoding="utf-8")
    autograder("grade", canvas, "-o", tmp_path / "out", "--jobs", 1)
    code, out, err = autograder(
        "report", tmp_path / "out", "--as", "canvas", "--gradebook", exported, "-o", tmp_path / "up"
    )
    assert code == 0 and "1 grades in the column Doubling (7)" in out
    assert "jane,A,EX\n" in (tmp_path / "up" / "gradebook.csv").read_text(encoding="utf-8")
    assert "gradebook.csv has excused students or locked grades, whose cells stay as they are: doejane" in err


def test_feedback_of_a_teacher_is_kept_and_told(autograder, course, tmp_path):
    path = tmp_path / "class" / "Jane Doe_11_assignsubmission_file_" / "doubling.py"
    path.parent.mkdir(parents=True)
    path.write_text(RIGHT)
    autograder("grade", tmp_path / "class", "-o", tmp_path / "out", "--jobs", 1)
    (tmp_path / "out" / "manual.csv").write_text("submission,function,points,comment\nJane Doe,,1,good\n")
    exported = tmp_path / "exported.csv"
    exported.write_bytes(
        b"Identifier,Full name,Grade,Maximum grade,Grade can be changed,Feedback comments\n"
        b"Participant 11,Jane Doe,,3.00,Yes,see me\n"
    )
    _, _, err = autograder("report", tmp_path / "out", "--as", "moodle", "--gradebook", exported, "-o", tmp_path / "up")
    assert (tmp_path / "up" / "exported.csv").read_bytes().endswith(b"Jane Doe,4,3.00,Yes,see me\n")
    assert "exported.csv has feedback already, which stays as it is: Jane Doe" in err


def test_everything_in_the_folder_is_in_the_intake(autograder, course, canvas, tmp_path):
    autograder("grade", canvas, "-o", tmp_path / "out", "--jobs", 1)
    assert [
        (row["student"], row["path"], row["late"], row["reason"]) for row in rows_of(tmp_path / "out" / "intake.csv")
    ] == [
        ("doejane", "doejane_LATE_12345_67890_doubling-2.py", "yes", ""),
        ("mullerx", "mullerx_12347_67892_doubling.py", "", ""),
        (
            "",
            "notes.txt",
            "",
            "Canvas names files otherwise; if a student handed it in, name it as the others",
        ),
    ]


@pytest.fixture
def blackboard(tmp_path):
    folder = tmp_path / "class"
    folder.mkdir()
    (folder / "Lab_ann_attempt_2026-11-20-10-00-00_doubling.py").write_text(RIGHT)
    (folder / "Lab_bob_attempt_2026-11-21-10-00-00_doubling.py").write_text("# bob\n" + RIGHT)
    (folder / "class.toml").write_text("[deadline]\ndue = 2026-11-20T23:59:00\n[late]\npercent = 10\n")
    return folder


def test_lateness_is_in_every_table_with_its_trail(autograder, course, blackboard, tmp_path):
    autograder("grade", blackboard, "-o", tmp_path / "out", "--jobs", 1)
    rows = {row["submission"]: (row["score"], row["trail"]) for row in rows_of(tmp_path / "out" / "grades.csv")}
    assert rows == {"ann": ("3", ""), "bob": ("2.7", "3, one day late: -10 %")}
    for form in ("csv", "canvas", "moodle"):
        _, out, _ = autograder("report", tmp_path / "out", "--as", form)
        assert "2.7" in out and "one day late" in out


def test_a_regrade_that_only_shows_leaves_the_moments_of_published_marks(autograder, course, blackboard, tmp_path):
    out = tmp_path / "out"
    autograder("grade", blackboard, "-o", out, "--jobs", 1)
    (first,) = blackboard.glob("Lab_ann_*")
    first.rename(blackboard / "Lab_ann_attempt_2026-11-22-10-00-00_doubling.py")
    entries_of.cache_clear()
    kept = (out / "intake.csv").read_bytes()
    _, shown, _ = autograder("regrade", "-o", out, "--jobs", 1)
    assert re.search(r"ann +3 +2\.4 +-0\.6", shown) and "Nothing is published yet" in shown
    assert (out / "intake.csv").read_bytes() == kept
    assert "ann,3," in autograder("report", out, "--as", "csv")[1]
    _, shown, _ = autograder("regrade", "-o", out, "--jobs", 1, "--publish")
    assert re.search(r"ann +3 +2\.4 +-0\.6", shown)
    assert "ann,2.4," in autograder("report", out, "--as", "csv")[1]


def test_results_that_lose_their_signature_are_named(autograder, course, tmp_path):
    signature = pytest.importorskip("tests.autograder.results.test_signature", reason="cryptography is not installed")
    students, out = tmp_path / "class", tmp_path / "out"
    for who in ("ann", "bob"):
        (students / who).mkdir(parents=True)
        (students / who / "doubling.py").write_text(RIGHT)
    key, _ = signature.make_key(tmp_path)
    autograder("grade", students, "-o", out, "--jobs", 1, "--sign", key)
    assert "signed before" not in autograder("grade", students, "-o", out, "--jobs", 1)[2]
    (students / "bob" / "doubling.py").write_text(KINDS["half"][0])
    entries_of.cache_clear()
    told = "signed before, and not as they are now: bob; --sign KEY signs them"
    assert told in autograder("regrade", "-o", out, "--jobs", 1, "--publish")[2]
    assert (out / "results" / "ann.json.sig").exists() and not (out / "results" / "bob.json.sig").exists()
    assert "signed before" not in autograder("regrade", "-o", out, "--jobs", 1, "--publish", "--sign", key)[2]


def test_a_moment_that_a_spreadsheet_has_changed_is_named(autograder, course, blackboard, tmp_path):
    out = tmp_path / "out"
    autograder("grade", blackboard, "-o", out, "--jobs", 1)
    written = (out / "intake.csv").read_text(encoding="utf-8")
    changed = re.sub(r"^(ann,[^,]*,)[^,]*", r"\1 20.11.2026 10:00", written, flags=re.MULTILINE)
    (out / "intake.csv").write_text(changed, encoding="utf-8")
    for command in (("report", out, "--as", "csv"), ("regrade", "-o", out, "--jobs", 1)):
        code, _, err = autograder(*command)
        assert (
            code == 2
            and "intake.csv: ann has ' 20.11.2026 10:00' under submitted, which is no moment; write it as" in err
        )
    (out / "intake.csv").write_text("student\nann\n")
    autograder("grade", blackboard, "-o", out, "--jobs", 1)
    assert (out / "intake.csv").read_text(encoding="utf-8") == written


def test_tables_for_an_import_have_numbers_and_logins(autograder, course, canvas, tmp_path):
    autograder("grade", canvas, "-o", tmp_path / "out", "--jobs", 1)
    _, out, _ = autograder("report", tmp_path / "out", "--as", "canvas", "--title", "Lab (7)")
    assert out.splitlines()[2:] == ["doejane,12345,,doejane,,3", "mullerx,12347,,mullerx,,2"]
    roster = tmp_path / "roster.csv"
    roster.write_text(GRADEBOOK, encoding="utf-8")
    autograder("grade", canvas, "--roster", roster, "-o", tmp_path / "out", "--jobs", 1)
    _, out, _ = autograder("report", tmp_path / "out", "--as", "canvas", "--title", "Lab (7)")
    assert out.splitlines()[2:] == ["Bob Smith,12346,,bob,,0", "Jane Doe,12345,,jane,,3", "X Müller,12347,,xm,,2"]
    roster.write_text("Student ID,Name,Login\n4711,Jane Doe,jane\n4712,X Müller,mullerx\n", encoding="utf-8")
    autograder("grade", canvas, "--roster", roster, "-o", tmp_path / "own", "--jobs", 1)
    for command in (("report", tmp_path / "own"), ("report", tmp_path / "own", "--roster", roster)):
        _, out, _ = autograder(*command, "--as", "canvas", "--title", "Lab (7)")
        rows = [line.split(",") for line in out.splitlines()]
        assert rows[0][:4] == ["Student", "ID", "SIS User ID", "SIS Login ID"]
        assert rows[2][:4] == ["Jane Doe", "", "4711", "jane"] and rows[3][:4] == ["X Müller", "", "4712", "mullerx"]
    _, out, _ = autograder("report", tmp_path / "out", "--as", "moodle")
    assert [line.partition(",")[0] for line in out.splitlines()] == ["username", "bob", "jane", "xm"]


@pytest.mark.parametrize("pack", ["folders", "zips", "zip"])
def test_sections_that_canvas_hands_out_keep_its_numbers(autograder, course, tmp_path, pack):
    root = tmp_path / "class"
    for section, name in (
        ("A", "doejane_11_91_doubling.py"),
        ("A", "roeann_12_92_doubling.py"),
        ("B", "smithbob_13_93_doubling.py"),
        ("B", "poesue_14_94_doubling.py"),
    ):
        (root / section).mkdir(parents=True, exist_ok=True)
        (root / section / name).write_text(RIGHT)
    if pack == "zips":
        for section in ("A", "B"):
            shutil.make_archive(str(root / section), "zip", root / section)
            shutil.rmtree(root / section)
    given = root if pack != "zip" else shutil.make_archive(str(tmp_path / "class"), "zip", root)
    _, said, _ = autograder("grade", given, "-o", tmp_path / "out", "--jobs", 1)
    _, out, _ = autograder("report", tmp_path / "out", "--as", "canvas", "--title", "Lab (7)")
    assert sorted(line.split(",")[1] for line in out.splitlines()[2:]) == ["11", "12", "13", "14"], said


def test_assignments_that_canvas_hands_out_keep_its_numbers(tmp_path):
    for lab in ("one", "two"):
        for name in ("doejane_11", "smithbob_13"):
            path = tmp_path / "class" / f"lab_{lab}" / f"{name}_9{len(lab)}_{lab}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(RIGHT)
    intake = take_in([tmp_path / "class"], ("one", "two"))
    assert intake.form == "folders of assignments" and intake.platforms == {"Canvas"}


def test_numbers_of_another_versions_kind_are_named(autograder, course, canvas, tmp_path):
    autograder("grade", canvas, "-o", tmp_path / "out", "--jobs", 1)
    kept = tmp_path / "out" / "graded.json"
    kept.write_text(kept.read_text().replace('"numbers": "canvas"', '"numbers": "moodle"'))
    code, _, err = autograder("report", tmp_path / "out", "--as", "csv")
    assert code == 2 and "graded.json has 'moodle' as numbers, which is not known here; grade the class again" in err


@pytest.mark.parametrize(
    ("command", "text", "reason"),
    [
        ("grade", '{"paths": [', "Expecting value"),
        ("grade", '{"paths": []}', "it has no 'nbgrader'"),
        ("regrade", '{"paths": [', "Expecting value"),
        ("report", "[]", "it is no table"),
    ],
)
def test_what_is_kept_of_a_class_and_cannot_be_read_is_named(
    autograder, course, canvas, tmp_path, command, text, reason
):
    out = tmp_path / "out"
    autograder("grade", canvas, "-o", out, "--jobs", 1)
    (out / "graded.json").write_text(text)
    arguments = {"grade": (canvas, "-o", out), "regrade": ("-o", out), "report": (out, "--as", "csv")}[command]
    code, _, err = autograder(command, *arguments)
    assert code == 2 and f"{out / 'graded.json'} cannot be read ({reason}" in err
    assert f"delete it and grade the class again with -o {out}" in err


def test_what_a_rule_decides_for_nobody_is_told(autograder, course, canvas, tmp_path):
    rules = (
        '[deadline]\ndue = 2026-11-20T23:59:00\n[extensions]\n"Doejane" = "2 days"\n[exempt]\nmullerx = ["dubling"]\n'
    )
    (canvas / "class.toml").write_text("\ufeff" + rules, encoding="utf-8")
    _, _, err = autograder("grade", canvas, "-o", tmp_path / "out", "--jobs", 1)
    assert (
        "class.toml has a deadline, and 2 of 2 hand-ins tell no moment: these lose no points for lateness, though"
        in err
    )
    assert "though the platform marks 1 of them as late; take their points off by hand" in err
    unheeded = [
        "[extensions] of class.toml: there is no submission Doejane; is it doejane?",
        "class.toml: the course has no unit dubling; is it doubling?",
    ]
    assert all(line in err for line in unheeded)
    _, _, err = autograder("report", tmp_path / "out", "--as", "csv")
    assert all(line in err for line in unheeded)


def test_whoever_left_or_was_renamed_has_no_second_row(autograder, course, tmp_path):
    """A slash in a name stays in the name, and a sign that a spreadsheet takes for a formula does not hide a moment."""
    stem, out = "Lab_{}_attempt_2026-11-2{}-10-00-00", tmp_path / "out"
    folder = tmp_path / "class"
    folder.mkdir()
    for login, name in (("ann", "Ann"), ("bob", "-Bob"), ("cy", "Kumar a/l Raju")):
        (folder / (stem.format(login, 1) + ".txt")).write_text(f"Name: {name} ({login})\n")
        (folder / (stem.format(login, 1) + "_doubling.py")).write_text(RIGHT)
    (folder / "class.toml").write_text("[deadline]\ndue = 2026-11-20T23:59:00\n[late]\npercent = 10\n")
    autograder("grade", folder, "-o", out, "--jobs", 1)
    (folder / (stem.format("ann", 1) + "_doubling.py")).unlink()
    (folder / (stem.format("ann", 1) + ".txt")).unlink()
    entries_of.cache_clear()  # as in another run of the command
    (out / "manual.csv").write_text("submission,function,points\n'-Bob,,1\n")
    _, _, err = autograder("grade", folder, "-o", out, "--jobs", 1)
    assert f"of nobody in this class, put into {out / 'earlier'}: Ann" in err and "there is no submission" not in err
    _, text, _ = autograder("report", out, "--as", "csv")
    assert [line.partition(",one day")[0].rsplit(",", 1)[0][:22] for line in text.splitlines()[1:]] == [
        "'-Bob,3.6,3,3,added: 1"[:22],
        "Kumar a/l Raju,2.7,3,3"[:22],
    ]
    assert text.splitlines()[1:] == (out / "grades.csv").read_text().splitlines()[1:]


def test_an_extension_is_honoured_when_it_comes_later(autograder, course, blackboard, tmp_path):
    autograder("grade", blackboard, "-o", tmp_path / "out", "--jobs", 1)
    with (blackboard / "class.toml").open("a") as file:
        file.write('[extensions]\nbob = "2 days"\n')
    _, out, _ = autograder("report", tmp_path / "out", "--as", "csv")
    assert "bob,3," in out and "late" not in out


@pytest.mark.parametrize(
    ("attempts", "percent", "score", "counts"),
    [("last", 5, "0.9", "22"), ("best", 10, "2.7", "21"), ("best", 50, "2", "20")],
)
def test_the_last_or_the_best_attempt_counts(autograder, course, tmp_path, attempts, percent, score, counts):
    """Half in time, all of it one day late, and two days late a mistake."""
    folder = tmp_path / "class"
    folder.mkdir()
    for day, text in (("20", KINDS["half"][0]), ("21", RIGHT), ("22", KINDS["wrong"][0])):
        (folder / f"Lab_ann_attempt_2026-11-{day}-10-00-00_doubling.py").write_text(text)
    (folder / "Lab_bob_attempt_2026-11-20-10-00-00_doubling.py").write_text("# bob\n" + RIGHT)
    rules = f"[deadline]\ndue = 2026-11-20T23:59:00\n[late]\npercent = {percent}\n"
    (folder / "class.toml").write_text(f'attempts = "{attempts}"\n{rules}')
    _, out, err = autograder("grade", folder, "-o", tmp_path / "out", "--jobs", 1)
    rows = {row["submission"]: row["score"] for row in rows_of(tmp_path / "out" / "grades.csv")}
    assert rows == {"ann": score, "bob": "3"}
    (chosen, *others) = [row for row in rows_of(tmp_path / "out" / "intake.csv") if row["student"] == "ann"]
    assert f"2026-11-{counts}" in chosen["submitted"] and f"2026-11-{counts}" in chosen["path"] and len(others) == 2
    assert "graded before" not in out
    if attempts == "best":
        assert all(
            "another attempt, of 2026-11-" in row["reason"] and "the best counts" in row["reason"] for row in others
        )
        assert "not counted: Lab_ann_attempt_2026-11-22" in err
    _, out, _ = autograder("report", tmp_path / "out", "--as", "csv")
    assert f"ann,{score},3," in out
    _, out, _ = autograder("regrade", "-o", tmp_path / "out", "--jobs", 1)
    assert "No mark changes" in out


def test_two_folders_are_one_submission_if_the_command_is_told(autograder, course, tmp_path):
    for name in ("part1", "part2"):
        (tmp_path / "submission" / name).mkdir(parents=True)
    (tmp_path / "submission" / "part1" / "doubling.py").write_text(RIGHT)
    code, _, _ = autograder("grade", tmp_path / "submission", "--from", "one", "-o", tmp_path / "out", "--jobs", 1)
    assert code == 0 and [path.name for path in (tmp_path / "out" / "results").iterdir()] == ["submission.json"]


OWN = """
def double(x):
    kept = x.clone().to(x.dtype)
    for _ in range(1):
        kept = kept + x.clone().contiguous()
    return kept.reshape(x.shape)


def halve(x):
    parts = x.split(1, dim=0)
    return torch.cat([part.mul(0.25).add(part.mul(0.25)) for part in parts])
"""


def test_pairs_to_look_at_are_listed_and_shown_side_by_side(autograder, course, tmp_path):
    for number in range(8):
        (tmp_path / "class" / f"s{number}").mkdir(parents=True)
        (tmp_path / "class" / f"s{number}" / "doubling.py").write_text(f"# {number}\n{RIGHT}")
    for name, text in (("ann", OWN), ("bob", "# mine\n" + OWN.replace("kept", "mine").replace("part", "piece"))):
        (tmp_path / "class" / name).mkdir()
        (tmp_path / "class" / name / "doubling.py").write_text("import torch\n" + text)
    code, out, _ = autograder("likeness", tmp_path / "class", "-o", tmp_path / "page.html")
    assert code == 0 and "100%  ann and bob: doubling.double, doubling.halve" in out
    assert "1 pair of 10 submissions to look at" in out and "copied" not in out
    page = (tmp_path / "page.html").read_text()
    assert "<mark>    kept = x.clone().to(x.dtype)</mark>" in page and "<mark>    mine = x.clone()" in page


def test_a_folder_that_is_taken_as_one_hand_in_of_several_places_is_told(autograder, course, tmp_path):
    for name in ("doubling.py", "part/ann/doubling.py", "part/bob/doubling.py"):
        (tmp_path / "class" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "class" / name).write_text(RIGHT)
    _, out, err = autograder("grade", tmp_path / "class", "-o", tmp_path / "out", "--jobs", 1)
    assert "one submission: 1 student" in out
    assert "2 files named doubling in class; if these are students, say `--from folders` or `--from sections`" in err


def test_of_two_hand_ins_without_a_moment_the_best_counts_and_the_other_is_told(autograder, course, tmp_path):
    for name, text in (("A/ann_1_2", RIGHT), ("A/bob_3_4", f"#\n{RIGHT}"), ("B/ann_1_5", KINDS["half"][0])):
        (tmp_path / "class" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "class" / f"{name}_doubling.py").write_text(text)
    (tmp_path / "class" / "class.toml").write_text('attempts = "best"\n')
    _, _, err = autograder("grade", tmp_path / "class", "-o", tmp_path / "out", "--jobs", 1)
    assert "not counted: B/ann_1_5_doubling.py: another attempt: 2; the best counts" in err
    scores = {row["submission"]: row["score"] for row in rows_of(tmp_path / "out" / "grades.csv")}
    assert scores == {"ann": "3", "bob": "3"}


REVISED = {
    "schoology": "Doe, {} - {}/Revision {} - On Time/doubling.py",
    "teams": "Submitted files/{} Doe {}/Lab/Version {}/doubling.py",
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("attempts", "score"), [("last", "1"), ("best", "3")])
@pytest.mark.parametrize("platform", REVISED)
def test_of_several_revisions_the_last_or_the_best_counts(
    autograder, course, tmp_path, platform, attempts, score, packed
):
    form, root = REVISED[platform], tmp_path / "class"
    for number, kind in ((2, "half"), (9, "right"), (10, "wrong")):
        path = root / form.format("Jane", 1, number)
        path.parent.mkdir(parents=True)
        path.write_text(KINDS[kind][0])
    path = root / form.format("Bo", 2, 1)
    path.parent.mkdir(parents=True)
    path.write_text(f"#\n{RIGHT}")
    if platform == "teams":
        (root / "Working files").mkdir()
        (root / "Working files" / "notes.py").write_text("")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "class.toml").write_text(f'attempts = "{attempts}"\n')
    given = shutil.make_archive(str(root), "zip", root) if packed else root
    _, out, _ = autograder("grade", given, "-o", tmp_path / "out", "--jobs", 1)
    assert "2 students, 2 earlier attempts" in out
    scores = [row["score"] for row in rows_of(tmp_path / "out" / "grades.csv")]
    assert sorted(scores) == sorted([score, "3"])
    reasons = [row["reason"] for row in rows_of(tmp_path / "out" / "intake.csv") if row["path"].endswith("doubling.py")]
    assert sorted(filter(None, reasons)) == (
        ["an earlier upload of doubling.py"] * 2
        if attempts == "last"
        else ["another attempt: 1; the best counts", "another attempt: 2; the best counts"]
    )


def test_one_submission_leaves_the_tables_of_a_class_as_they_are(autograder, course, canvas, tmp_path):
    out = tmp_path / "out"
    autograder("grade", canvas, "-o", out, "--jobs", 1)
    before = {path: path.read_bytes() for path in (*out.glob("*.*"), *out.rglob("doejane*"))}
    _, _, err = autograder("grade", canvas / "mullerx_12347_67892_doubling.py", "-o", out, "--jobs", 1)
    assert "holds the results of a class; its tables stay as they are until the class is graded again" in err
    assert {path: path.read_bytes() for path in before} == before


def test_a_result_of_nobody_in_the_class_has_no_row(autograder, course, canvas, tmp_path):
    """Of one submission that was graded alone, a copy, and what macOS puts beside a file."""
    out = tmp_path / "out"
    autograder("grade", canvas, "-o", out, "--jobs", 1)
    _, before, _ = autograder("report", out, "--as", "csv")
    autograder("grade", canvas / "mullerx_12347_67892_doubling.py", "-o", out, "--jobs", 1)
    alone = next(path for path in (out / "results").glob("*.json") if path.stem not in ("doejane", "mullerx"))
    shutil.copy(out / "results" / "doejane.json", out / "results" / "doejane (1).json")
    (out / "results" / "._doejane.json").write_bytes(b"\x00\xff")
    for given in (out, out / "results"):
        _, table, err = autograder("report", given, "--as", "csv")
        assert table == before
        assert all(f"{out / 'results' / name} is left out" in err for name in ("doejane (1).json", alone.name))
        assert err.count("is left out") == 2
    _, table, err = autograder("report", alone, "--as", "csv")
    assert table.splitlines()[1].startswith(f"{alone.stem},2") and "left out" not in err


def test_the_results_of_another_class_are_kept_before_new_ones_take_their_places(autograder, course, tmp_path):
    out, kept = tmp_path / "out", tmp_path / "out" / "earlier" / "lab1"
    for lab, kind in (("lab1", "right"), ("lab2", "half")):
        for who in ("ann", "bob"):
            (tmp_path / lab / who).mkdir(parents=True)
            (tmp_path / lab / who / "doubling.py").write_text(f"# {who}\n{KINDS[kind][0]}")
    autograder("grade", tmp_path / "lab1", "-o", out, "--jobs", 1)
    (out / "manual.csv").write_text("submission,function,points\nann,,1\n")
    before = {path.relative_to(out): path.read_bytes() for path in (*out.glob("*.json"), *out.glob("results/*"))}
    _, _, err = autograder("grade", tmp_path / "lab1", "-o", out, "--jobs", 1)
    assert not kept.exists() and "another class" not in err
    _, _, err = autograder("grade", tmp_path / "lab2", "-o", out, "--jobs", 1)
    assert f"{out} held results that were graded from other paths, lab1; a copy of them is in {kept}\n" in err
    assert {path: (kept / path).read_bytes() for path in before} == before
    assert [row["score"] for row in rows_of(kept / "grades.csv")] == ["4", "3"]
    _, text, _ = autograder("report", kept, "--as", "csv")
    assert text.splitlines()[1:] == ["ann,4,3,3,added: 1", "bob,3,3,3,"]
    autograder("grade", tmp_path / "lab1", "-o", out, "--jobs", 1)
    both = tmp_path / "lab2" / "ann", tmp_path / "lab2" / "bob"
    autograder("grade", *both, "-o", out, "--jobs", 1)
    autograder("grade", *both, tmp_path / "lab1" / "bob", "-o", out, "--jobs", 1)  # as `lab2/*` with one more
    assert sorted(path.name for path in (out / "earlier").iterdir()) == ["lab1", "lab1-2", "lab2"]


def test_a_class_of_which_one_student_is_left_has_a_table_of_one(autograder, course, canvas, tmp_path):
    out = tmp_path / "out"
    autograder("grade", canvas, "-o", out, "--jobs", 1)
    (canvas / "mullerx_12347_67892_doubling.py").unlink()
    entries_of.cache_clear()
    autograder("grade", canvas, "-o", out, "--jobs", 1)
    assert [row["submission"] for row in rows_of(out / "grades.csv")] == ["doejane"]


def test_a_student_of_a_roster_and_the_best_attempt_are_found_again(autograder, course, tmp_path):
    """Replay and pictures go by content: the roster calls the student otherwise, and an earlier attempt counts."""
    (course / "pictures").mkdir(exist_ok=True)
    picture = read_catalog(course).picture("doubling")
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_text(
        "from PIL import Image\n\n\ndef draw(student):\n    return Image.new('RGB', (8, 8)), 'A picture of doubling'\n"
    )
    folder, out = tmp_path / "class", tmp_path / "out"
    folder.mkdir()
    for day, text in (("20", RIGHT), ("21", KINDS["half"][0])):
        (folder / f"Lab_ann_attempt_2026-11-{day}-10-00-00_doubling.py").write_text(text)
    (folder / "Lab_bob_attempt_2026-11-20-10-00-00_doubling.py").write_text("# bob\n" + RIGHT)
    (folder / "class.toml").write_text('attempts = "best"\n')
    roster = tmp_path / "roster.csv"
    roster.write_text("Name,Login\nAnn Ross,ann\nBob Li,bob\nCy Oh,cy\n")
    autograder("grade", folder, "--roster", roster, "-o", out, "--jobs", 1)
    _, text, err = autograder("replay", out / "results" / "Ann Ross.json", folder)
    assert "The same outcome again: 3 of 3 points" in text, err
    _, _, err = autograder("report", out, "--pictures", folder, "-o", tmp_path / "pages")
    for name in ("Ann Ross", "Bob Li"):
        assert "A picture of doubling" in (tmp_path / "pages" / "submissions" / f"{name}.html").read_text(), err
    assert "no pictures" not in err


def test_the_best_of_two_hand_ins_of_two_sections_counts(autograder, course, tmp_path):
    """Each section is a zip; the roster says that both are of one student."""
    for section, day, kind in (("A", 20, "right"), ("B", 21, "half")):
        folder = tmp_path / section
        folder.mkdir()
        for number, who in ((7, "Jane Doe"), (8, f"Al {section}")):
            (folder / f"{number}-1 - {who} - Nov {day}, 2026 1000 AM").mkdir()
            path = folder / f"{number}-1 - {who} - Nov {day}, 2026 1000 AM" / "doubling.py"
            path.write_text(f"# {who}\n{KINDS[kind if number == 7 else 'right'][0]}")
        shutil.make_archive(str(tmp_path / "class" / section), "zip", folder)
    roster = tmp_path / "roster.csv"
    roster.write_text("Name\nJane Doe\nAl A\nAl B\n")
    for attempts, score in (("last", "2"), ("best", "3")):
        (tmp_path / "class" / "class.toml").write_text(f'attempts = "{attempts}"\n')
        entries_of.cache_clear()
        out = tmp_path / attempts
        autograder("grade", tmp_path / "class", "--roster", roster, "-o", out, "--jobs", 1)
        scores = {row["submission"]: row["score"] for row in rows_of(out / "grades.csv")}
        assert scores == {"Jane Doe": score, "Al A": "3", "Al B": "3"}
        reasons = [row["reason"] for row in rows_of(out / "intake.csv") if row["reason"]]
        assert len(reasons) == 1 and ("the best counts" in reasons[0]) == (attempts == "best")


def test_rules_and_points_by_hand_of_another_class_are_told(autograder, course, tmp_path):
    for lab in ("lab1", "lab2"):
        for who in ("ann", "bob"):
            (tmp_path / lab / who).mkdir(parents=True)
            (tmp_path / lab / who / "doubling.py").write_text(f"# {who}\n{RIGHT}")
    out = tmp_path / "out"
    autograder("grade", tmp_path / "lab1", "-o", out, "--jobs", 1)
    (out / "manual.csv").write_text("submission,function,points\nann,,-1\n")
    (out / "class.toml").write_text("[exempt]\nbob = []\n")
    _, _, err = autograder("grade", tmp_path / "lab2", "-o", out, "--jobs", 1)
    for name in ("manual.csv", "class.toml"):
        assert (
            f"{out / name} counts for this class too; if it was written for lab1, move it away and grade again" in err
        )
        assert (out / "earlier" / "lab1" / name).exists()
    _, _, err = autograder("grade", tmp_path / "lab2", "-o", out, "--jobs", 1)
    assert "for this class too" not in err
