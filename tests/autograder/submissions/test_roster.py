"""A roster: everyone in it has a row, and a hand-in finds its student by number, login or name, never by guess."""

import time
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from autograder.errors import UsageError
from autograder.submissions.downloads import recognize
from autograder.submissions.hand_in import HandIn, Intake
from autograder.submissions.matching import Finder, match, of_one_class
from autograder.submissions.roster import read_roster
from autograder.submissions.students import Student

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


NUMBERED = "Name,ID,Login\nJane Doe,123456,jane-d\nBo Li,99,\n"


@pytest.mark.parametrize(
    "name",
    [
        "Jane Doe 123456",
        "Jane Doe (123456)",
        "123456 Doe, Jane",
        "123456_Jane Doe",
        "jane-d - Jane Doe",
        "123456-jane-doe",
    ],
)
def test_a_name_beside_a_number_or_login_of_the_same_student_is_found(tmp_path, name):
    assert handed(match(class_of(Student(name)), roster_of(tmp_path, NUMBERED))) == {"Jane Doe"}


@pytest.mark.parametrize("name", ["Bo Li 123456", "Jane 123456", "Jane Doe 7", "123456 99", "Jane Doe Bo Li"])
def test_a_name_beside_the_number_of_another_is_nobody(tmp_path, name):
    assert handed(match(class_of(Student(name)), roster_of(tmp_path, NUMBERED))) == {name}


def test_a_heading_with_as_many_commas_as_tabs_is_split_at_the_tabs(tmp_path):
    text = "Name\tLogin\tNotes, long, or short\nJane Doe\tjane\t\n"
    assert [each.student.login for each in roster_of(tmp_path, text)] == ["jane"]


def test_a_name_of_two_students_matches_neither(tmp_path):
    text = "Name,Login\nJane Doe,jd1\nJane Doe,jd2\n"
    found = match(class_of(Student("Jane Doe")), roster_of(tmp_path, text))
    assert list(found.hand_ins) == ["Jane Doe-jd1", "Jane Doe-jd2", "Jane Doe"]
    assert "several in the roster have this number, login or name" in found.left_out[0].reason


def test_a_rosters_own_numbers_give_nobody_the_work_of_another(tmp_path):
    """Moodle counts its participants, and the instructor counts the students: a 2 is another student's there."""
    students = class_of(Student("Jane Doe", id="2"), Student("Bo Ek", id="1"), Student("Al Fo", id="7"))
    found = match(students, roster_of(tmp_path, "ID,Name\n1,Jane Doe\n2,Bo Ek\n3,Al Fo\n"))
    assert found.hand_ins["Jane Doe"].problem and found.hand_ins["Bo Ek"].problem and found.hand_ins["Al Fo"].files
    assert found.left_out[0].reason == (
        "it is graded, and in the roster its number 2 is Bo Ek's and its name Jane Doe is Jane Doe's; take numbers that"
        " are not the platform's own out of the roster"
    )


def test_a_number_alone_makes_no_student_of_another_name(tmp_path):
    students = class_of(Student("Alexander Roe", id="6"))
    found = match(students, roster_of(tmp_path, "Student number,Name\n6,Bo Lin\n7,Al Roe\n"))
    assert handed(found) == {"Alexander Roe"}
    assert found.left_out[0].reason == (
        "it is graded, and in the roster its number 6 is Bo Lin's, and the names share no word; take numbers that are not"
        " the platform's own out of the roster"
    )


@pytest.mark.parametrize(
    ("own", "row"),
    [
        ("Bob Lin", "Bo Lin"),
        ("Zoe Mueller", "Zoë Müller"),
        ("Joerg Mueller", "Jörg Müller"),
        ("Djordje Djuric", "Đorđe Đurić"),
        ("Isil Yildiz", "I\u015f\u0131l Y\u0131ld\u0131z"),
        ("Jane Roe", "Jane-Ann Poe"),
        ("Wang Min", "王敏"),
        ("bol", "Al"),
        ("J. D.", "Al Eff"),
        ("Participant 6", "Bo Lin"),
    ],
)
def test_a_number_is_enough_for_names_that_may_be_the_same(tmp_path, own, row):
    assert handed(match(class_of(Student(own, id="6")), roster_of(tmp_path, f"ID,Name\n6,{row}\n"))) == {row}


@pytest.mark.parametrize(
    ("first", "second"), [("ကြော်", "ကျော်"), ("มานี", "มาน่า"), ("किरण", "करण")], ids=["Burmese", "Thai", "Hindi"]
)
def test_vowels_that_are_marks_tell_names_apart(tmp_path, first, second):
    alone = match(class_of(Student(second)), roster_of(tmp_path, f"Name\n{first}\n"))
    assert alone.hand_ins[first].problem and handed(alone) == {second}
    both = match(class_of(Student(first), Student(second)), roster_of(tmp_path, f"Name\n{first}\n{second}\n"))
    assert handed(both) == {first, second} and not both.left_out


@pytest.mark.parametrize(
    ("own", "row"), [("مُحَمَّد علي", "محمد علي"), ("İpek Ay", "İpek  Ay"), ("葛\U000e0100城 A", "葛城 A")]
)
def test_marks_that_are_often_left_out_tell_nobody_apart(tmp_path, own, row):
    assert len(match(class_of(Student(own)), roster_of(tmp_path, f"Name\n{row}\n")).hand_ins) == 1


def test_two_whose_names_are_alike_are_told_to_be_several(tmp_path):
    students = class_of(Student("Ali Hassan"), Student("Hassan Ali"))
    found = match(students, roster_of(tmp_path, "Full name,ID\nAli Hassan,1\nHassan Ali,2\n"))
    assert [left.reason for left in found.left_out] == [
        "it is graded, and several in the roster have this number, login or name; call it by what only one of them has"
    ] * 2


def test_a_login_of_one_student_with_the_number_of_another_is_neither(tmp_path):
    roster = roster_of(tmp_path, "ID,Login,Name\n1,jane,Jane Doe\n2,bo,Bo Ek\n")
    found = match(class_of(Student("?", login="jane", id="2")), roster)
    assert (
        not handed(found) - {"?"}
        and "its number 2 is Bo Ek's and its login jane is Jane Doe's" in found.left_out[0].reason
    )


def test_a_stranger_is_graded_and_told(tmp_path):
    found = match(class_of(Student("eve")), roster_of(tmp_path, CANVAS))
    assert found.hand_ins["eve"].files and found.left_out[0].path == "eve"


def test_a_line_break_in_a_cell_is_a_space(tmp_path):
    assert [each.student.name for each in roster_of(tmp_path, 'Name,ID\n"Jane\nDoe",1\n')] == ["Jane Doe"]


def test_many_strangers_take_no_time(tmp_path):
    strangers = class_of(*(Student(f"eve{number}") for number in range(300)))
    start = time.process_time()
    match(strangers, roster_of(tmp_path, CANVAS))
    assert time.process_time() - start < 10


def test_a_group_is_credited_to_all_its_members(tmp_path):
    text = "Name;Login;Group\nAnn Lee;al;Team 1\nBo Ek;be;Team 1\nCy Fo;cf;Team 2\n"
    found = match(class_of(Student("team1")), roster_of(tmp_path, text))
    assert [bool(found.hand_ins[name].files) for name in ("Ann Lee", "Bo Ek", "Cy Fo")] == [True, True, False]


def test_a_second_hand_in_of_a_student_is_told(tmp_path):
    found = match(class_of(Student("jane"), Student("doejane", id="12345")), roster_of(tmp_path, CANVAS))
    assert found.left_out[0].reason == "a second hand-in of Jane Doe, beside jane"


def test_that_the_order_of_two_hand_ins_is_not_known_is_told(tmp_path):
    both = class_of(Student("doejane", id="12345"), Student("jane"))
    (remark,) = match(both, roster_of(tmp_path, CANVAS)).remarks
    assert "the first by name counts: doejane for Jane Doe; take away those that do not count" in remark
    for name, day in (("jane", 20), ("doejane", 21)):
        both.hand_ins[name] = replace(both.hand_ins[name], at=f"2026-11-{day}T10:00:00")
    assert match(both, roster_of(tmp_path, CANVAS)).remarks == []


def test_one_word_that_a_number_alone_matches_is_told(tmp_path):
    (remark,) = match(class_of(Student("roealex", id="6")), roster_of(tmp_path, "ID,Name\n6,Bo Lin\n")).remarks
    assert "by the number alone, as the names share no word: roealex is Bo Lin;" in remark
    assert match(class_of(Student("linbo", id="6")), roster_of(tmp_path, "ID,Name\n6,Bo Lin\n")).remarks == []


def test_a_student_of_several_groups_is_a_member_of_each(tmp_path):
    text = 'Name,Groups\nAnn Lee,"Section A, Team 1"\nBo Ek,"Section A, Team 1"\nCy Fo,"Section A; Lab, Team 2"\n'
    assert handed(match(class_of(Student("Team 1")), roster_of(tmp_path, text))) == {"Ann Lee", "Bo Ek"}
    assert handed(match(class_of(Student("Lab")), roster_of(tmp_path, text))) == {"Cy Fo"}
    assert handed(match(class_of(Student("Team 2-Cy Fo")), roster_of(tmp_path, text))) == {"Cy Fo"}


@pytest.mark.parametrize(
    ("heading", "row"),
    [
        ("Name,Surname", "Jane,Doe"),
        ("First name,Name", "Jane,Doe"),
        ("Given name;Name", "Jane;Doe"),
        ("Name,Surname", "Jane Doe,Doe"),
        ("First name,Full name", 'Jane,"Doe, Jane"'),
        ("Name,First name,Last name", "Jane Doe,Janet,Doe"),
        ("Surname,First name", "Doe,Jane"),
    ],
)
def test_both_halves_of_a_name_are_read(tmp_path, heading, row):
    assert [each.student.name for each in roster_of(tmp_path, f"{heading}\n{row}\n")] == ["Jane Doe"]


def test_numbers_that_a_spreadsheet_has_rounded_make_nobody_of_two_students(tmp_path):
    text = "Name;ID\nJane Doe;1,23E+05\nJane Doe;1,23E+05\nBo Ek;17\n"
    found = match(class_of(Student("Bo Ek")), roster_of(tmp_path, text))
    assert list(found.hand_ins) == ["Jane Doe-line 2", "Jane Doe-line 3", "Bo Ek"]
    assert found.remarks == [
        "a spreadsheet has rounded the number of Jane Doe and 1 more in the roster to 1,23E+05, and these count as none;"
        " export the table again, and save it in no spreadsheet"
    ]


def test_a_table_without_students_has_a_sentence(tmp_path):
    with pytest.raises(UsageError, match="has no column of students; call one of its columns ID, Login or Name"):
        roster_of(tmp_path, "points,comment\n1,2\n")


def handed(found):
    return {name for name, hand_in in found.hand_ins.items() if hand_in.files}


def test_a_delimiter_at_the_end_of_every_row_shifts_nothing(tmp_path):
    assert [each.student.name for each in roster_of(tmp_path, "Name,ID\nBo,2,\nAnn,3,\n")] == ["Bo", "Ann"]


def test_a_student_in_two_sections_is_one(tmp_path):
    text = "Name,ID,Section\nJane Doe,12,A\nJane Doe,12,B\nBo Ek,13,A\n"
    found = match(class_of(Student("doejane", id="12")), roster_of(tmp_path, text))
    assert list(found.hand_ins) == ["Jane Doe", "Bo Ek"] and handed(found) == {"Jane Doe"} and not found.left_out


def test_a_student_in_two_rows_is_a_member_of_both_groups(tmp_path):
    text = "Name,ID,Group\nJane Doe,12,Team 1\nJane Doe,12,Team 2\nBo Ek,13,Team 2\n"
    for group, members in (("Team 1", {"Jane Doe"}), ("Team 2", {"Jane Doe", "Bo Ek"})):
        found = match(class_of(Student(group)), roster_of(tmp_path, text))
        assert list(found.hand_ins) == ["Jane Doe", "Bo Ek"] and handed(found) == members


@pytest.mark.parametrize(
    "line", ["Total,,24", "total: 2,,", "Overall average,,3.5", ",Total,", "Name,ID,Points", "name,id,"]
)
def test_a_total_and_repeated_headings_are_no_students(tmp_path, line):
    everyone = roster_of(tmp_path, f"Name,ID,Points\nJane Doe,12,3\n{line}\nBo Ek,13,4\n")
    assert [each.student.name for each in everyone] == ["Jane Doe", "Bo Ek"]


def test_a_student_may_be_called_as_a_total_is(tmp_path):
    text = "First name,Surname,ID\nSum,Yi,12\nAnn,Total,13\nMedian,,14\n"
    assert [each.student.name for each in roster_of(tmp_path, text)] == ["Sum Yi", "Ann Total", "Median"]


def test_two_of_one_name_and_no_number_have_a_row_each(tmp_path):
    found = match(class_of(Student("Bo")), roster_of(tmp_path, "Name\nJane Doe\nJane Doe\nBo\n"))
    assert list(found.hand_ins) == ["Jane Doe-line 2", "Jane Doe-line 3", "Bo"]


def test_a_stranger_takes_nobodys_row(tmp_path):
    found = match(class_of(Student("Jane Doe-1")), roster_of(tmp_path, "Name,ID\nJane Doe,1\nJane Doe,2\n"))
    assert list(found.hand_ins) == ["Jane Doe-1", "Jane Doe-2", "Jane Doe-1-2"] and handed(found) == {"Jane Doe-1-2"}


def test_the_last_of_two_hand_ins_counts(tmp_path):
    both = class_of(Student("jane"), Student("doejane", id="12345"))
    both.hand_ins["jane"] = replace(both.hand_ins["jane"], at="2026-11-20T10:00:00")
    both.hand_ins["doejane"] = replace(both.hand_ins["doejane"], at="2026-11-21T10:00:00")
    found = match(both, roster_of(tmp_path, CANVAS))
    assert found.left_out[0].reason == "a second hand-in of Jane Doe, beside doejane"


def test_a_groups_hand_in_bears_the_number_of_one_member(tmp_path):
    text = "Name,ID,Group\nAnn Lee,12,Lab Group 1\nBo Ek,13,Lab Group 1\nCy Fo,14,Lab Group 2\n"
    found = match(class_of(Student("labgroup1", id="12")), roster_of(tmp_path, text))
    assert handed(found) == {"Ann Lee", "Bo Ek"}


def test_moodle_writes_the_group_before_the_name(tmp_path):
    text = '"First name",Surname,"ID number",Groups\nJane,Doe,1001,Group A\nMary-Jane,Doe,1002,Group B\n'
    found = match(class_of(Student("Group A-Jane Doe", id="12")), roster_of(tmp_path, text))
    assert list(found.hand_ins) == ["Jane Doe", "Mary-Jane Doe"] and handed(found) == {"Jane Doe"}


@pytest.mark.parametrize(("column", "given"), [("00417", "417"), ("417", "00417"), ("0417", "00417")])
def test_a_number_may_lack_its_first_zeros(tmp_path, column, given):
    found = match(class_of(Student("?", id=given)), roster_of(tmp_path, f"Name,ID\nAnn Lee,{column}\nBo Ek,418\n"))
    assert handed(found) == {"Ann Lee"}


def test_a_number_without_its_first_zeros_is_no_guess_between_two(tmp_path):
    text = "Name,ID\nAnn Lee,00417\nBo Ek,417\n"
    assert handed(match(class_of(Student("?", id="417")), roster_of(tmp_path, text))) == {"Bo Ek"}
    strangers = match(class_of(Student("?", id="0417")), roster_of(tmp_path, text))
    assert not handed(strangers) & {"Ann Lee", "Bo Ek"}


def test_moodle_writes_default_group_before_the_name_of_a_student_without_a_group(tmp_path):
    text = '"First name",Surname,"ID number",Groups\nJane,Doe,1001,\nMary-Jane,Doe,1002,Group B\n'
    found = match(class_of(Student("Default group-Jane Doe", id="12")), roster_of(tmp_path, text))
    assert handed(found) == {"Jane Doe"}


@pytest.mark.parametrize("cell", ["Participant 12", "Teilnehmer/in12", "Dalyvis 12", "12.0", "#12"])
def test_the_number_is_found_in_a_cell(tmp_path, cell):
    found = match(class_of(Student("?", id="12")), roster_of(tmp_path, f"Identifier,Grade\n{cell},\nParticipant 13,\n"))
    assert list(found.hand_ins) == [cell, "Participant 13"] and handed(found) == {cell}


@pytest.mark.parametrize("column", ["Username", "ID number", "SIS User ID"])
def test_a_login_that_ends_in_digits_is_no_number(tmp_path, column):
    found = match(class_of(Student("Bo Ek", id="12")), roster_of(tmp_path, f"{column},Grade\njdoe12,\nbo,\n"))
    assert list(found.hand_ins) == ["jdoe12", "bo", "Bo Ek"] and handed(found) == {"Bo Ek"}


@pytest.mark.parametrize("name", ["jane", "j@x.edu", "j", "a12", "#a12"])
def test_brightspace_writes_a_sign_before_usernames_and_numbers(tmp_path, name):
    text = "OrgDefinedId,Username,Email,Last Name,First Name\n#a12,#jane,#j@x.edu,Doe,Jane\n#a13,#bob,,Ek,Bo\n"
    roster = roster_of(tmp_path, text)
    assert handed(match(class_of(Student(name)), roster)) == {"Jane Doe"}
    assert (roster[0].student.login, roster[0].student.id) == ("jane", "a12")


@pytest.mark.parametrize("cells", [("OrgDefinedId", "#"), ("GitHub", "@"), ("Email", "@")])
def test_a_sign_alone_is_nobodys_number(tmp_path, cells):
    heading, sign = cells
    text = f"Name,{heading}\nJane Doe,{sign}\nBob Smith,12\n"
    found = match(class_of(Student("jane doe"), Student("a stranger")), roster_of(tmp_path, text))
    assert list(found.hand_ins) == ["Jane Doe", "Bob Smith", "a stranger"]
    assert found.hand_ins["Jane Doe"].files


def test_a_handle_is_found_with_and_without_its_sign(tmp_path):
    text = "Name,GitHub\nJane Doe,@octo-jane\nBob Smith,@bob\n"
    found = match(class_of(Student("octo-jane", login="octo-jane")), roster_of(tmp_path, text))
    assert list(found.hand_ins) == ["Jane Doe", "Bob Smith"]
    assert found.hand_ins["Jane Doe"].files


def test_two_hand_ins_of_one_student_are_no_assignment_of_a_term(tmp_path):
    known = {"Jane Doe": Student("Jane Doe"), "jdoe": Student("jdoe"), "bo": Student("bo")}
    roster = roster_of(tmp_path, "Name,Login\nJane Doe,jdoe\nBo Ek,bo\n")
    with pytest.raises(UsageError, match=r"^Jane Doe and jdoe in lab1 are both Jane Doe of the roster; take one"):
        of_one_class(known, Finder(roster), "lab1", own_numbers=False)


@pytest.mark.parametrize("login", ["ann-k", "ann-b"])
def test_a_roster_tells_where_logins_of_github_begin(tmp_path, login):
    names = [PurePosixPath(f"lab-3-{each}/{file}") for each in ("ann-k", "ann-b") for file in (".git/HEAD", "quiz.py")]
    attempts = recognize(names, lambda _: b"").attempts
    found = match(
        class_of(*(each.students[0] for each in attempts)), roster_of(tmp_path, f"github_username\n{login}\n")
    )
    assert login in handed(found) and len(found.hand_ins) == 2


@pytest.mark.parametrize("name", ["lab-{}", "lab-{}-main", "course-lab-{}-master", "lab--{}"])
def test_a_roster_finds_the_logins_in_githubs_folders(tmp_path, name):
    students = class_of(*(Student(name.format(login)) for login in ("ann-k", "bo", "eve")))
    roster = roster_of(tmp_path, "github_username\nann-k\nbo\n")
    assert handed(match(students, roster)) == {"ann-k", "bo", name.format("eve")}


@pytest.mark.parametrize("before", ["sep=;\n", "\n\n", "\r\n", "sep=;\r\n\n"])
def test_lines_before_the_heading_are_no_heading(tmp_path, before):
    assert [each.student.name for each in roster_of(tmp_path, f"{before}Name;Login\nJane Doe;jane\n")] == ["Jane Doe"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("Name,Login\nJane,jane\n".encode("utf-16-le"), "is no text in UTF-8 or UTF-16; save it as CSV"),
        (b'Name,Login\n"Jane,jane\nBob,bob\n', "opens a quote that nothing closes, perhaps in line 2"),
        (b'Name,Login\n"Li\nBo",bo\nDoe, Jane,jane\n', "line 4 of .* has 3 cells, and the heading has 2; put quotes"),
        (b"Name,ID,Login\nBo,2,\nDoe, Jane,1,\n", "line 3 of .* has 4 cells, and the heading has 3; put quotes"),
        (b"Name\tID\nBo\t2\tx\n", "around a cell that holds a tab, or name every column"),
        (b"Nachname;E-Mail-Adresse\nDoe;j@x.de\n", "call one .* not Nachname, E-Mail-Adresse"),
    ],
)
def test_a_table_that_is_written_wrong_has_a_sentence(tmp_path, data, words):
    (tmp_path / "roster.csv").write_bytes(data)
    with pytest.raises(UsageError, match=words):
        read_roster(tmp_path / "roster.csv")


def test_a_group_that_the_roster_names_is_not_matched_by_a_number(tmp_path):
    text = "Name,ID,Group\nAnn Lee,12,Red\nBo Ek,13,Red\n"
    found = match(class_of(Student("red", id="12")), roster_of(tmp_path, text))
    assert handed(found) == {"Ann Lee", "Bo Ek"} and found.remarks == []


@pytest.mark.parametrize(("column", "told"), [("ID", 1), ("Identifier", 0)])
def test_a_hidden_name_that_a_number_alone_matches_is_told(tmp_path, column, told):
    """Numbers of the school's own may be those that Moodle gives to others where it hides names."""
    roster = roster_of(tmp_path, f"{column},Name\n1,Zed Alpha\n2,Bo Lin\n")
    found = match(class_of(Student("Participant 1", id="1")), roster)
    assert handed(found) == {"Zed Alpha"} and len(found.remarks) == told


def test_earlier_hand_ins_of_one_student_are_attempts(tmp_path):
    both = class_of(Student("jane"), Student("doejane", id="12345"))
    both.hand_ins["jane"] = replace(both.hand_ins["jane"], at="2026-11-20T10:00:00")
    both.hand_ins["doejane"] = replace(both.hand_ins["doejane"], at="2026-11-21T10:00:00")
    before = replace(both.hand_ins["jane"], at="2026-11-19T10:00:00")
    both.earlier["jane"] = [before]
    assert match(both, roster_of(tmp_path, CANVAS)).earlier == {"Jane Doe": [before, both.hand_ins["jane"]]}


def test_the_handle_of_github_is_the_login_of_no_other_platform(tmp_path):
    (jane,) = roster_of(tmp_path, "Name,Email,GitHub username\nJane Doe,jane@x.org,jdoe\n")
    assert jane.student.login == "jane@x.org" and "jdoe" in jane.ids
