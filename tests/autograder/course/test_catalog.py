import pytest

from autograder.course.catalog import COURSE, course_here, course_root, find_course, read_catalog
from autograder.errors import CatalogError, UsageError
from tests.autograder.small_course import make_course

GOOD = """
[course]
title = "A course"
[[unit]]
name = "first"
title = "The first"
seconds = 3
[unit.functions.double]
points = 2
hints = ["What?", "So."]
[[unit]]
name = "second"
title = "The second"
[unit.functions.half]
points = 1.5
"""
WHY = '[unit.questions.why]\ntext = "Why?"\n'


@pytest.fixture
def course(tmp_path):
    (tmp_path / "exercises").mkdir()

    def write(text):
        (tmp_path / "exercises" / "catalog.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path

    return write


def test_units_come_in_teaching_order(course):
    catalog = read_catalog(course(GOOD))
    assert list(catalog.units) == ["first", "second"]
    assert catalog.units["first"].functions["double"].hints == ("What?", "So.")
    assert (catalog.units["first"].seconds, catalog.units["second"].seconds) == (3.0, 10.0)
    assert [unit.points for unit in catalog.select(None)] == [2.0, 1.5]


def test_some_units_can_be_chosen(course):
    catalog = read_catalog(course(GOOD))
    assert [unit.name for unit in catalog.select(["second", "first"])] == ["first", "second"]
    with pytest.raises(CatalogError, match="no unit is called 'third'; the course has first, second"):
        catalog.select(["third"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[course", "not valid TOML"),
        (b"\xff\xfe", "not valid TOML"),
        ("[course]\ntitel = 'x'", r"toml: \[course\]: title is missing"),
        (GOOD.replace("points = 2\n", ""), r"toml, line 8: unit first, function double: points is missing"),
        (
            GOOD.replace("points = 2\n", "points = 'many'\n"),
            "line 9: unit first, function double: points is 'many', which is no number",
        ),
        (GOOD.replace("points = 2\n", "points = -2\n"), "line 9: .*: points is -2, expected a number from 0 up"),
        (GOOD.replace("points = 2\n", "points = nan\n"), "line 9: .*: points is nan, expected a number from 0 up"),
        (GOOD.replace("seconds = 3", "secs = 3"), "line 7: unit first: secs is no key of this table"),
        (GOOD.replace("hints", "hint"), r"function double: hint is no key of this table; is it hints\?"),
        (GOOD.replace("[course]", "[course]\npreloads = []"), r"\[course\]: preloads is no key .* is it preload\?"),
        (f"titel = 'x'\n{GOOD}", "the catalog: titel is no key of this table"),
        (GOOD.replace("seconds = 3", "seconds = 0"), "seconds is 0, and a call takes some time"),
        (GOOD.replace("[course]", "[course]\npreload = 'torch'"), r"\[course\]: preload is 'torch', which is no list"),
        (GOOD.replace("[course]", "[course]\npreload = [1]"), "preload holds something that is no text"),
        (GOOD.replace("[[unit]]", "[unit]", 1).partition("[[unit]]")[0], r"begins each unit by \[\[unit\]\]: unit is"),
        (f"{GOOD}{WHY}points = 'many'\n", "line 18: unit second, question why: points is 'many', which is no number"),
        (
            f"{GOOD}{WHY}title = 'Why'\npoints = 1\n",
            "line 18: unit second, question why: title is no key of this table",
        ),
        (f"{GOOD}{WHY}\n", "line 16: unit second, question why: points is missing"),
        (GOOD.replace('"second"', '"first"'), "two units are called first; give one of them another name"),
        (GOOD.replace('"first"', '"my unit"'), "line 5: unit my unit: name is no name of a Python module"),
        (GOOD.replace('"first"', '"../first"'), "name is no name of a Python module"),
        (GOOD.replace('"first"', '"class"'), "name is a keyword of Python"),
        (GOOD.replace('"first"', '"statistics"'), "unit statistics: name is the name of a module of Python's own"),
        (GOOD.replace('"first"', '"numpy"'), "unit numpy: name is the name of a package that the autograder imports"),
        (
            GOOD.replace("seconds = 3", 'files = ["random.py"]'),
            "files holds 'random.py', which is the name of a module of Py",
        ),
        (f"{GOOD}[later]\ndouble = 'one'\n", r"\[later\]: double is 'one', which is no number"),
        (GOOD.replace('"first"', '"test_first"'), "name is one that pytest takes for tests"),
        (GOOD.replace("functions.half", "functions.'a half'"), "function a half: a half is no name of a function"),
    ],
)
def test_a_wrong_catalog_says_what_is_wrong(course, text, words):
    with pytest.raises(CatalogError, match=words):
        read_catalog(course(text))


def test_names_have_letters_of_any_language_and_digits_and_the_text_may_have_a_mark_before_it(course):
    text = GOOD.replace('"first"', '"größe2"').replace("functions.double", "functions.'fläche3'")
    catalog = read_catalog(course("\ufeff" + text))
    assert list(catalog.units["größe2"].functions) == ["fläche3"]


def test_a_missing_catalog_says_so(tmp_path):
    with pytest.raises(CatalogError, match="cannot be read"):
        read_catalog(tmp_path)


def test_a_course_is_found_from_inside_it(course, tmp_path):
    course(GOOD)
    inside = tmp_path / "exercises" / "lessons"
    inside.mkdir()
    assert find_course(inside) == tmp_path
    assert find_course(tmp_path.parent / "nowhere", inside) == tmp_path


def test_the_course_is_that_of_the_variable_then_of_the_folder(tmp_path, monkeypatch):
    one, other = make_course(tmp_path / "one"), make_course(tmp_path / "other")
    monkeypatch.chdir(one / "exercises")
    monkeypatch.delenv(COURSE, raising=False)
    assert course_root() == one
    monkeypatch.setenv(COURSE, str(other))
    assert course_root() == course_here().root == other
    monkeypatch.setenv(COURSE, str(tmp_path))
    with pytest.raises(UsageError, match=f"{COURSE} is .*, which has no exercises/catalog.toml; set it to the folder"):
        course_root()
