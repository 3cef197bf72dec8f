"""A gradebook on a real PostgreSQL server, through everything that an instructor does with one."""

import pytest

from autograder.release import write_notebooks

from . import postgresql
from .nbgrader_class import UNIT, Class
from .nbgrader_course import MISTAKES, grade_without_nbgrader, marks, nbgrader

pytest.importorskip("nbgrader")
pytest.importorskip("psycopg")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(postgresql.programs() is None, reason="no PostgreSQL server: apt-get install postgresql"),
]


@pytest.fixture(scope="module")
def course(tmp_path_factory, catalog):
    """A course whose gradebook is on the server, with three hand-ins."""
    folder = tmp_path_factory.mktemp("course")
    write_notebooks(catalog, catalog.chosen([UNIT]), folder)
    with postgresql.server() as url:
        with (folder / "nbgrader_config.py").open("a") as config:
            config.write(f"c.CourseDirectory.db_url = {url!r}\nc.CourseDirectory.course_id = 'idealcat'\n")
        nbgrader(folder, "generate_assignment", UNIT)
        students = Class(folder, MISTAKES)
        students.hand_in("perfect", students.notebook(students.right()))
        students.hand_in("mistaken", students.notebook(next(students.mistaken())[1]))
        students.hand_in("undated", students.notebook({}), timestamp="some day")
        yield folder


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
    assert without["perfect"] == 26 and 0 < without["mistaken"] < 26 and without["undated"] == 0
    swap(course, "perfect", "undated")
    nbgrader(course, "autograde", UNIT)
    assert marks(course) == {**without, "perfect": without["undated"], "undated": without["perfect"]}
    assert not (course / "gradebook.db").exists()
