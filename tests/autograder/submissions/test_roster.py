"""A roster: everyone in it has a row, and a hand-in finds its student by number, login or name, never by guess."""

from pathlib import Path, PurePosixPath

import pytest

from autograder.errors import UsageError
from autograder.submissions.downloads import Student, recognize
from autograder.submissions.hand_in import HandIn, Intake
from autograder.submissions.roster import match, read_roster

CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Lab (7)\n    Points Possible,,,,,26\n"
    '"Doe, Jane",12345,s1,jane,A,\n"Müller, X",12347,s2,xm,A,\n"Smith, Bob",12346,s3,bob,B,\n'
)


def roster_of(tmp_path: Path, text: str, encoding: str = "utf-8"):
    path = tmp_path / "roster.csv"
    path.write_bytes(text.encode(encoding))
    return read_roster(path)


def class_of(*students: Student) -> Intake:
    hand_ins = {
        each.name: HandIn((each,), Path("class"), {PurePosixPath("a.py"): PurePosixPath("b.py")}) for each in students
    }
    return Intake("a class", hand_ins)


def test_a_download_of_canvas_finds_its_gradebook_by_number(tmp_path):
    found = match(class_of(Student("doejane", id="12345"), Student("mullerx", id="12347")), roster_of(tmp_path, CANVAS))
    assert list(found.hand_ins) == ["Jane Doe", "X Müller", "Bob Smith"]
    assert found.hand_ins["Bob Smith"].problem == "nothing was handed in"
    assert found.hand_ins["Jane Doe"].files and found.left_out == []


def test_moodles_participant_is_the_number_of_the_download(tmp_path):
    text = "Identifier,Full name,Email address,Grade\nParticipant 4711,John Smith,j@x.edu,\n"
    found = match(class_of(Student("J. Smith", id="4711")), roster_of(tmp_path, text))
    assert list(found.hand_ins) == ["John Smith"]


def test_blackboards_table_is_in_utf_16_with_tabs(tmp_path):
    text = '"Last Name"\t"First Name"\t"Username"\n"Müller"\t"Zoë"\t"zm1"\n'
    found = match(class_of(Student("zm1", login="zm1")), roster_of(tmp_path, "\ufeff" + text, "utf-16-le"))
    assert list(found.hand_ins) == ["Zoë Müller"]


@pytest.mark.parametrize(
    ("logins", "found"),
    [("s_1 s_2", ["Ann", "Bo"]), ("1 2", ["Ann", "Bo"]), ("1 s_1", []), ("other another", [])],
)
def test_a_roster_tells_where_logins_of_blackboard_begin(tmp_path, logins, found):
    names = [PurePosixPath(f"Lab_3_s_{number}_attempt_2026-11-01-10-00-00_a.py") for number in (1, 2)]
    students = [attempt.students[0] for attempt in recognize(names, lambda _: b"").attempts]
    first, second = logins.split()
    matched = match(class_of(*students), roster_of(tmp_path, f"Name,Login\nAnn,{first}\nBo,{second}\n"))
    assert [name for name in ("Ann", "Bo") if matched.hand_ins[name].files] == found


@pytest.mark.parametrize("name", ["Jane Doe", "doejane", "DOE JANE", "jane", "s1", "12345"])
def test_a_folder_may_bear_a_name_a_login_or_a_number(tmp_path, name):
    found = match(class_of(Student(name)), roster_of(tmp_path, CANVAS))
    assert found.hand_ins["Jane Doe"].files and len(found.hand_ins) == 3


def test_a_name_of_two_students_matches_neither(tmp_path):
    text = "Name,Login\nJane Doe,jd1\nJane Doe,jd2\n"
    found = match(class_of(Student("Jane Doe")), roster_of(tmp_path, text))
    assert list(found.hand_ins) == ["Jane Doe-jd1", "Jane Doe-jd2", "Jane Doe"]
    assert "nobody in the roster" in found.left_out[0].reason


def test_a_stranger_is_graded_and_told(tmp_path):
    found = match(class_of(Student("eve")), roster_of(tmp_path, CANVAS))
    assert found.hand_ins["eve"].files and found.left_out[0].path == "eve"


def test_a_group_is_credited_to_all_its_members(tmp_path):
    text = "Name;Login;Group\nAnn Lee;al;Team 1\nBo Ek;be;Team 1\nCy Fo;cf;Team 2\n"
    found = match(class_of(Student("team1")), roster_of(tmp_path, text))
    assert [bool(found.hand_ins[name].files) for name in ("Ann Lee", "Bo Ek", "Cy Fo")] == [True, True, False]


def test_a_second_hand_in_of_a_student_is_told(tmp_path):
    found = match(class_of(Student("jane"), Student("doejane", id="12345")), roster_of(tmp_path, CANVAS))
    assert found.left_out[0].reason == "a second hand-in of Jane Doe, beside jane"


def test_a_table_without_students_has_a_sentence(tmp_path):
    with pytest.raises(UsageError, match="has no column of students; call one of its columns ID, Login or Name"):
        roster_of(tmp_path, "points,comment\n1,2\n")
