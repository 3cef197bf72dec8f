"""A gradebook on a real PostgreSQL server, through everything that an instructor does with one."""

import pytest

from tests.autograder.platforms import postgresql
from tests.autograder.platforms.nbgrader_class import Class
from tests.autograder.platforms.nbgrader_course import grade_without_nbgrader, marks, nbgrader, released_course
from tests.autograder.shades_course import POINTS, UNIT

pytest.importorskip("nbgrader")
pytest.importorskip("psycopg")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(postgresql.programs() is None, reason="no PostgreSQL server: apt-get install postgresql"),
]


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course whose gradebook is on the server, with three hand-ins."""
    with postgresql.server() as url:
        # Without an id for the course nbgrader makes none, and a server that holds it to its foreign keys refuses.
        settings = f"c.CourseDirectory.db_url = {url!r}\nc.CourseDirectory.course_id = 'shades'\n"
        course = released_course(tmp_path_factory.mktemp("postgresql"), settings)
        students = Class(course)
        students.hand_in("perfect", students.notebook(students.right()))
        students.hand_in("mistaken", students.notebook(next(students.mistaken())[1]))
        students.hand_in("undated", students.notebook({}), timestamp="some day")
        yield course


def swap(course, one, other):
    """Each hands in what the other has."""
    folders = [course / "submitted" / student / UNIT / f"{UNIT}.ipynb" for student in (one, other)]
    texts = [path.read_text() for path in folders]
    for path, text in zip(folders, reversed(texts), strict=True):
        path.write_text(text)


def test_both_ways_write_the_same_marks_into_it(course):
    code, text = grade_without_nbgrader(course)
    assert code == 1, text
    assert "undated: " in text and "timestamp.txt holds no date and time; the work counts as handed in on time" in text
    without = marks(course)
    assert without["perfect"] == POINTS and 0 < without["mistaken"] < POINTS and without["undated"] == 0
    swap(course, "perfect", "undated")
    nbgrader(course, "autograde", UNIT)
    assert marks(course) == {**without, "perfect": without["undated"], "undated": without["perfect"]}
    assert not (course / "gradebook.db").exists()
