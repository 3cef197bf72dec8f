"""Tables of platforms: single cells change, and every other byte stays."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.errors import UsageError
from autograder.results.foreign_tables import Grade, Table, fill, harmless, kept_comments, kept_grades, maximum_warning

CANVAS = (
    b"\xef\xbb\xbfStudent,ID,SIS User ID,SIS Login ID,Section,Quiz (7),Lab 3 (12),Final Score\r\n"
    b'    Points Possible,,,,,10,26,(read only)\r\n"Doe, Jane",1,s1,jane,A,,,\r\n"O\'Neil, Bo",2,s2,bo,"A, B",5,,x\r\n'
)
MOODLE = (
    b"Identifier,Full name,Email address,Status,Grade,Maximum grade,Feedback comments\n"
    b'Participant 4711,John Smith,j@x.edu,"Submitted for grading, late",,26.00,\n'
)
BLACKBOARD = codecs.BOM_UTF16_LE + (
    '"Last Name"\t"First Name"\t"Username"\t"Student ID"\t"Lab 3 [Total Pts: 26 Score] |981"\n'
    '"Müller"\t"Zoë"\t"zm1"\t"77"\t""\n'
).encode("utf-16-le")
BRIGHTSPACE = b"OrgDefinedId,Username,Lab 3 Points Grade,End-of-Line Indicator\r\n#5,jd,,#\r\n"

FILLED = {
    "canvas": (CANVAS, 2, CANVAS.replace(b"jane,A,,,", b"jane,A,,23.4,")),
    "moodle": (MOODLE, 1, MOODLE.replace(b'late",,26.00,', b'late",23.4,26.00,well done')),
    "blackboard": (BLACKBOARD, 1, BLACKBOARD.replace('""'.encode("utf-16-le"), '"23.4"'.encode("utf-16-le"))),
    "brightspace": (BRIGHTSPACE, 1, BRIGHTSPACE.replace(b"#5,jd,,#", b"#5,jd,23.4,#")),
}


@pytest.mark.parametrize("platform", FILLED)
def test_one_cell_is_filled_and_nothing_else(platform):
    before, row, after = FILLED[platform]
    table = Table(before)
    _, strangers = fill(table, platform, "Lab 3", {"jane": row}, {"jane": Grade("23.4", "26", "well done")})
    assert table.to_bytes() == after and strangers == []


#: The table of each platform that tells a maximum of 26, and how it tells it.
MAXIMA = {
    "canvas": (CANVAS, ",10,26,"),
    "moodle": (MOODLE, ",26.00,"),
    "blackboard": (BLACKBOARD, "Pts: 26 "),
    "brightspace": (BRIGHTSPACE.replace(b"Grade,", b"Grade <Numeric MaxPoints:26 Weight:5>,"), ":26 "),
}


@pytest.mark.parametrize("platform", MAXIMA)
def test_a_column_with_another_maximum_has_a_warning(platform):
    data, _ = MAXIMA[platform]
    row = FILLED[platform][1]
    warned = maximum_warning(Table(data), platform, "Lab 3", {"jane": row}, {"jane": Grade("3", "3")})
    assert "counts up to 26, these marks up to 3, and the points are written as they are" in warned
    assert maximum_warning(Table(data), platform, "Lab 3", {"jane": row}, {"jane": Grade("3", "26")}) == ""


@pytest.mark.parametrize("platform", MAXIMA)
@pytest.mark.parametrize("written", ["Excellent", "", "(read only)", "1.000.00", "1.000"])
def test_a_maximum_that_cannot_be_read_has_no_warning(platform, written):
    data, told = MAXIMA[platform]
    encoding = "utf-16-le" if platform == "blackboard" else "utf-8"
    changed = data.replace(told.encode(encoding), told.replace("26.00", "26").replace("26", written).encode(encoding))
    assert changed != data
    row = FILLED[platform][1]
    assert maximum_warning(Table(changed), platform, "Lab 3", {"jane": row}, {"jane": Grade("3", "3")}) == ""


def test_nothing_is_said_of_a_maximum_if_nobody_has_a_row():
    assert maximum_warning(Table(CANVAS), "canvas", "Lab 3", {}, {"eve": Grade("1", "2")}) == ""


def test_who_has_no_row_is_told():
    assert fill(Table(CANVAS), "canvas", "Lab 3", {}, {"eve": Grade("1", "2")})[1] == ["eve"]


def test_of_two_assignments_with_the_same_title_the_whole_heading_tells_which():
    table = Table(b"Student,ID,Lab (7),Lab (8)\nBo,3,,\n")
    with pytest.raises(UsageError, match=r"give --title one of: Lab \(7\), Lab \(8\)"):
        fill(table, "canvas", "Lab", {"bo": 1}, {"bo": Grade("1", "2")})
    assert fill(table, "canvas", "Lab (8)", {"bo": 1}, {"bo": Grade("1", "2")}) == ("Lab (8)", [])


def test_a_submission_without_a_grade_leaves_its_cell():
    table = Table(CANVAS)
    fill(table, "canvas", "Quiz", {"bo": 3}, {"bo": Grade("", "10")})
    assert table.to_bytes() == CANVAS


def test_an_excused_student_of_canvas_stays_excused():
    excused = CANVAS.replace(b"jane,A,,,", b"jane,A,,EX,")
    table = Table(excused)
    places, grades = {"jane": 2, "bo": 3}, {"jane": Grade("0", "26"), "bo": Grade("9", "26")}
    assert kept_grades(table, "canvas", "Lab 3", places, grades) == ["jane"]
    fill(table, "canvas", "Lab 3", places, grades)
    assert table.to_bytes() == excused.replace(b'"A, B",5,,x', b'"A, B",5,9,x')


LOCKED = (
    b"Identifier,Full name,Grade,Maximum grade,Grade can be changed,Feedback comments\n"
    b"Participant 1,Ann,7.00,26.00,No,\nParticipant 2,Bo,,26.00,Yes,see me\nParticipant 3,Cy,,26.00,Yes,\n"
)


def test_a_locked_grade_of_moodle_and_feedback_of_a_teacher_stay():
    table = Table(LOCKED)
    places, grades = {"ann": 1, "bo": 2, "cy": 3}, dict.fromkeys(("ann", "bo", "cy"), Grade("9", "26", "late"))
    assert kept_grades(table, "moodle", "", places, grades) == ["ann"]
    assert kept_comments(table, "moodle", places, grades) == ["bo"]
    fill(table, "moodle", "", places, grades)
    assert table.to_bytes() == LOCKED.replace(b"Bo,,", b"Bo,9,").replace(b"Cy,,26.00,Yes,", b"Cy,9,26.00,Yes,late")
    assert kept_comments(table, "moodle", places, grades) == ["bo"]


@pytest.mark.parametrize(
    ("title", "sentence"),
    [
        ("", "has several assignments; give --title one of: Quiz, Lab 3"),
        ("Lab 4", "has no assignment 'Lab 4'; give --title one of: Quiz, Lab 3"),
    ],
)
def test_the_assignment_has_to_be_known(title, sentence):
    with pytest.raises(UsageError, match=sentence):
        fill(Table(CANVAS), "canvas", title, {}, {})


def test_a_row_that_ends_early_gets_its_cell():
    short = CANVAS.replace(b"jane,A,,,", b"jane,A")
    table = Table(short)
    fill(table, "canvas", "Lab 3", {"jane": 2}, {"jane": Grade("23.4", "26")})
    assert table.to_bytes() == short.replace(b"jane,A", b"jane,A,,23.4")


@pytest.mark.parametrize("platform", FILLED)
def test_another_platforms_gradebook_is_refused(platform):
    for other, (data, _, _) in FILLED.items():
        if other != platform:
            with pytest.raises(UsageError, match=f"no column of points as {platform} writes them"):
                fill(Table(data), platform, "", {}, {})


def test_a_comment_is_no_formula():
    table = Table(MOODLE)
    fill(table, "moodle", "", {"j": 1}, {"j": Grade("1", "26", "=HYPERLINK(1)")})
    assert b"'=HYPERLINK(1)" in table.to_bytes()


@given(
    st.lists(st.lists(st.text(max_size=8), min_size=2, max_size=4), min_size=1, max_size=5),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_any_table_comes_back_byte_for_byte(rows, delimiter, end):
    quoted = [[f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row] for row in rows]
    text = end.join(delimiter.join(row) for row in [["a", "b"], *quoted])
    try:
        data = text.encode()
    except UnicodeEncodeError:
        return
    table = Table(data)
    assert table.to_bytes() == data and table.rows[1:] == rows


@pytest.mark.parametrize(
    "text",
    [
        "=1",
        "+1",
        "-1",
        "@a",
        "\t=1",
        " =1",
        "\uff1d1",
        "\u00a0=1",
        "\r=1",
        "\uff20a",
        "\ufeff=1",
        "\u200b+1",
        "\ufe66x",
        "\u3000\uff0b1",
        "\ta",
    ],
)
def test_what_a_spreadsheet_takes_for_a_formula_is_quoted(text):
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("text", ["alice", "s20003", "Jane Doe", "a=1", "", "Zoë-Ann"])
def test_a_login_stays_as_it_is(text):
    assert harmless(text) == text


@pytest.mark.parametrize("data", [b"", b"\xff\xfea", b"\x80\x81"])
def test_what_is_no_table_has_a_sentence(data):
    with pytest.raises(UsageError):
        Table(data)


def test_a_translated_gradebook_has_a_sentence():
    with pytest.raises(UsageError, match="only ID, Bewertung; export the grading worksheet again, in English"):
        fill(Table(b"ID,Bewertung\nTeilnehmer/in12,\n"), "moodle", "", {}, {})
