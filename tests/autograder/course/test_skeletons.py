import ast
from pathlib import Path

import pytest

from autograder.course.catalog import read_catalog
from autograder.course.skeletons import skeleton, write_skeletons
from autograder.errors import CatalogError

ROOT = Path(__file__).parents[3]
CATALOG = read_catalog(ROOT)
SOLUTION = '''"""Unit."""


def double(x):
    """Twice."""
    # TODO: Double it.
    ### BEGIN SOLUTION
    return helper(x)
    ### END SOLUTION


### BEGIN SOLUTION
def helper(x):
    return 2 * x
### END SOLUTION
'''
SKELETON = '''"""Unit."""


def double(x):
    """Twice."""
    # TODO: Double it.
    raise NotImplementedError("double")
'''


@pytest.mark.parametrize("unit", CATALOG.units)
def test_skeletons_are_in_step_with_the_solutions(unit):
    """If this fails: `autograder release skeletons`."""
    expected = skeleton(CATALOG.solution(unit).read_text(), f"{unit}.py")
    assert CATALOG.exercise(unit).read_text() == expected


@pytest.mark.parametrize("unit", CATALOG.units)
def test_a_skeleton_imports_and_has_one_todo_for_each_function(unit):
    text = CATALOG.exercise(unit).read_text()
    exec(compile(text, unit, "exec"), {"__name__": unit})
    functions = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    assert [node.name for node in functions] == list(CATALOG.units[unit].functions)
    assert text.count("# TODO: ") == len(functions) == text.count("raise NotImplementedError(")
    assert all(ast.get_docstring(node) for node in functions)
    assert "SOLUTION" not in text


def test_regions_become_todos_or_vanish():
    assert skeleton(SOLUTION, "unit.py") == SKELETON


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("    ### END SOLUTION\n", "", "unit.py line 11: ### BEGIN SOLUTION without its partner"),
        ("    ### BEGIN SOLUTION\n", "", "unit.py line 8: ### END SOLUTION without its partner"),
        ("    # TODO: Double it.\n", "", "unit.py line 6: a region needs a `# TODO: ...` line right before it"),
        ("    return 2 * x\n### END SOLUTION\n", "    return 2 * x\n", "is never closed by ### END SOLUTION"),
        ("def double(x)", "class Double", "unit.py line 7: a region stands inside a function or a method"),
    ],
)
def test_a_broken_region_is_named(old, new, words):
    with pytest.raises(CatalogError, match=words.replace("(", "\\(")):
        skeleton(SOLUTION.replace(old, new, 1), "unit.py")


def test_a_solution_that_is_no_python_is_named():
    with pytest.raises(CatalogError, match=r"unit\.py line 1 is no valid Python \("):
        skeleton("def double(x:\n", "unit.py")


def test_a_solution_may_begin_with_a_mark_and_must_be_utf_8(course):
    path = course.solution("unit")
    path.write_text("\ufeff" + SOLUTION, encoding="utf-8")
    assert write_skeletons(course, course.select(None))
    assert course.exercise("unit").read_text(encoding="utf-8") == SKELETON
    assert course.solutions("unit") == {"unit": SOLUTION}
    path.write_text(SOLUTION + "# größer\n", encoding="latin-1")
    with pytest.raises(CatalogError, match=r"unit\.py is no text in UTF-8; save it again as UTF-8"):
        write_skeletons(course, course.select(None))


@pytest.fixture
def course(tmp_path):
    for folder in ("exercises", "solutions"):
        (tmp_path / folder).mkdir()
    (tmp_path / "exercises" / "catalog.toml").write_text(
        '[course]\ntitle = "Small"\n[[unit]]\nname = "unit"\ntitle = "Unit"\n[unit.functions.double]\npoints = 1\n'
    )
    (tmp_path / "solutions" / "unit.py").write_text(SOLUTION)
    return read_catalog(tmp_path)


def test_a_students_file_is_never_lost(course):
    path = course.exercise("unit")
    assert write_skeletons(course, course.select(None)) == [(path, None)]
    assert write_skeletons(course, course.select(None)) == []
    for text, backup in [("mine", "unit.py.bak"), ("mine again", "unit.py.bak.1")]:
        path.write_text(text)
        assert write_skeletons(course, course.select(None)) == [(path, path.with_name(backup))]
        assert path.with_name(backup).read_text() == text
        assert path.read_text() == SKELETON
    assert path.with_name("unit.py.bak").read_text() == "mine"


def test_nothing_is_written_when_one_solution_is_missing(course):
    course.solution("unit").unlink()
    with pytest.raises(CatalogError, match=r"unit\.py cannot be read"):
        write_skeletons(course, course.select(None))
    assert not course.exercise("unit").exists()
