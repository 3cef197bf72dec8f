"""A course with a unit of two files whose code reads a file of data."""

from autograder.course.catalog import read_catalog
from autograder.course.skeletons import write_skeletons
from autograder.grading.grade import Grader
from autograder.grading.spec import GradingSpec

CATALOG = """
[course]
title = "Index"
preload = []

[[unit]]
name = "index"
title = "Index: where does a word stand?"
files = ["postings.py"]
data = ["texts/poem.txt"]

[unit.functions.postings]
points = 2
hints = ["Which words has a line?", "`str.split` and a dict of lists."]

[unit.functions.lookup]
points = 3
hints = ["Where is the poem?", "`open` and `postings`."]

[unit.functions.main]
points = 1
hints = ["Where is the word?", "`input`."]
"""
FILES = {
    "exercises/catalog.toml": CATALOG,
    "exercises/texts/poem.txt": "the fox\na dog\nthe dog\n",
    "exercises/lessons/index.md": "# Index\n",
    "solutions/postings.py": '''"""Postings: the lines of each word."""

import collections


def postings(text):
    """Return the numbers of the lines, from 1, in which each word stands."""
    # TODO: Split.
    ### BEGIN SOLUTION
    found = collections.defaultdict(list)
    for number, line in enumerate(text.splitlines(), 1):
        for word in line.split():
            found[word].append(number)
    return dict(found)
    ### END SOLUTION
''',
    "solutions/index.py": '''"""Index: look a word up in the poem, which is in `texts/poem.txt`."""

from postings import postings


def lookup(word):
    """Return the numbers of the poem's lines with a word; none for a word that it lacks."""
    # TODO: Read the poem and look the word up.
    ### BEGIN SOLUTION
    with open("texts/poem.txt") as file:
        return postings(file.read()).get(word, [])
    ### END SOLUTION


def main():
    """Read a word and print its lines."""
    # TODO: Print what lookup gives.
    ### BEGIN SOLUTION
    print(*lookup(input()))
    ### END SOLUTION


if __name__ == "__main__":
    main()
''',
    "solutions/mistakes/index.py": """from autograder.diagnose import mistake


@mistake("postings", "Lines are counted from 1.")
def counts_from_zero(text):
    found = {}
    for number, line in enumerate(text.splitlines()):
        for word in line.split():
            found.setdefault(word, []).append(number)
    return found


@mistake("lookup", "A word that the poem lacks has no lines.")
def fails_for_others(word):
    with open("texts/poem.txt") as file:
        lines = [line.split() for line in file]
    found = [number for number, words in enumerate(lines, 1) if word in words]
    if not found:
        raise KeyError(word)
    return found


@mistake("main", "The numbers are printed, without brackets.")
def prints_a_list():
    print(lookup(input()))
""",
    "tests/exercises/test_index.py": '''import pytest


@pytest.mark.points("postings", 2)
def test_postings(submission):
    """Each word has its lines."""
    assert submission.postings("a b\\\\nb") == {"a": [1], "b": [1, 2]}


@pytest.mark.points("lookup", 2)
def test_lookup(submission, reference):
    """A word of the poem has its lines."""
    for word in ("the", "dog", "fox"):
        assert submission.lookup(word) == reference.lookup(word) != []


@pytest.mark.points("lookup", 1)
@pytest.mark.depends_on("test_lookup")
def test_another_word(submission):
    """A word that the poem lacks has none."""
    assert submission.lookup("the") and submission.lookup("cat") == []


@pytest.mark.points("main", 1)
def test_main(submission):
    """The program prints the lines."""
    assert submission.run(stdin="dog\\\\n").output == "2 3\\\\n"
'''.replace("\\\\", "\\"),
}


def make_course(root):
    """Write the course with its skeletons and return its catalog."""
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text.lstrip("\n"))
    catalog = read_catalog(root)
    write_skeletons(catalog, catalog.select(None))
    return catalog


def outcomes(course, workers, folder):
    result = Grader(GradingSpec(course, require=()), workers).grade_path(folder)
    return {check.id.partition("::")[2]: (check.outcome.value, check.message, check.mistake) for check in result.checks}


def work(course, tmp_path, **changes):
    """Write the solutions as a student's files, with changes: text and what stands in its place, by module."""
    folder = tmp_path / "ann"
    folder.mkdir(exist_ok=True)
    for name in ("index", "postings"):
        text = course.solution(name).read_text().replace("### BEGIN SOLUTION", "").replace("### END SOLUTION", "")
        old, new = changes.get(name, ("", ""))
        assert old in text
        (folder / f"{name}.py").write_text(text.replace(old, new) if old else text)
    return folder
