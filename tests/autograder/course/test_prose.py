"""The prose of a skeleton is found and written in another language; its code stays as it is."""

import ast

import pytest

from autograder.course.prose import passages, rewrite_prose
from autograder.course.skeletons import read_source, skeleton

SOURCE = '''"""Title of the unit.

First paragraph that
runs over two lines.
"""


def f(x):
    """Return something.

    A formula follows:

        y = x + 1

    Part
    ----

    a_1. A question?
        a) One answer
           on two lines.

    Args:
        x: any number, of
            any kind.

    Raises:
        ValueError: it is none.
    """
    # TODO: Add one, and
    # return it.
    raise NotImplementedError("f")
'''


def test_paragraphs_arguments_items_and_todos_are_passages():
    assert [passage.text for passage in passages(SOURCE)] == [
        "Title of the unit.",
        "First paragraph that runs over two lines.",
        "Return something.",
        "A formula follows:",
        "Part",
        "A question?",
        "One answer on two lines.",
        "any number, of any kind.",
        "it is none.",
        "Add one, and return it.",
    ]


def test_a_coroutine_has_passages_too():
    source = 'async def f(x):\n    """Return something, later."""\n    # TODO: Wait.\n'
    assert [passage.text for passage in passages(source)] == ["Return something, later.", "Wait."]


def test_a_skeleton_is_written_in_another_language():
    words = {"Part": "Dalis antra", "any number, of any kind.": "skaičius", "Title of the unit.": "T"}
    text = rewrite_prose(SOURCE, lambda english: words.get(english, english))
    assert '"""T\n' in text
    assert "    Dalis antra\n    -----------\n" in text
    assert "        x: skaičius\n" in text
    assert "y = x + 1" in text
    assert 'raise NotImplementedError("f")' in text


def test_long_paragraphs_are_broken_as_the_course_breaks_them():
    lines = rewrite_prose(SOURCE, lambda text: "žodis " * 60).splitlines()
    assert max(len(line) for line in lines if line.strip(" -")) <= 120


def test_nothing_changes_where_nothing_is_translated(catalog):
    for unit in catalog.units:
        source = read_source(catalog.solution(unit))
        assert rewrite_prose(source, lambda text: text) == source


@pytest.mark.parametrize("mark", ["¿", "ကြောင်"])
def test_the_code_of_a_translated_skeleton_is_the_same(catalog, mark):
    def code(text):
        tree = ast.parse(text)
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
                node.body = node.body[1:] or [ast.Pass()]
        return ast.dump(tree)

    for unit in catalog.units:
        source = read_source(catalog.solution(unit))
        other = rewrite_prose(source, lambda text, mark=mark: f"{mark} {text}")
        assert code(other) == code(source)
        assert skeleton(other, unit).count("TODO") == skeleton(source, unit).count("TODO")
