"""What an author does who knows only the pages: helper modules of checks, classes that use each other, and mistakes in it."""

import re

import pytest

from autograder.course.catalog import read_catalog
from autograder.course.skeletons import write_skeletons
from autograder.errors import CatalogError
from autograder.grading.grade import Grader, InThisProcess
from autograder.grading.replay import replay
from autograder.grading.spec import GradingSpec, course_hashes
from autograder.grading.verify.authoring import whole_skeleton
from autograder.grading.verify.trials import Bench
from autograder.grading.verify.verification import Verification
from autograder.platforms.bundles import student_bundle
from autograder.platforms.bundles.notebooks import notebooks_bundle
from autograder.results.types import Outcome
from tests.autograder import index_course

FILES = {
    "exercises/catalog.toml": """
[course]
title = "Shop"
preload = []

[[unit]]
name = "shop"
title = "Shop"

[unit.functions.Basket]
points = 2
hints = ["What is in it?", "A list."]

[unit.functions.total]
points = 2
hints = ["Of what?", "`sum`."]

[unit.functions.read]
points = 1
hints = ["From where?", "`open`."]

[unit.functions.note]
points = 1
hints = ["Where to?", "`path.open`."]
""",
    "exercises/lessons/shop.md": "# Shop\n",
    "solutions/shop.py": '''"""Shop."""


class Basket:
    """A basket of prices."""

    def __init__(self):
        # TODO: It is empty.
        ### BEGIN SOLUTION
        self.prices = []
        ### END SOLUTION

    def put(self, price):
        """Put one in."""
        # TODO: Keep it.
        ### BEGIN SOLUTION
        self.prices.append(price)
        ### END SOLUTION

    def __len__(self):
        """Return how many there are."""
        # TODO: Count.
        ### BEGIN SOLUTION
        return len(self.prices)
        ### END SOLUTION


def total(baskets):
    """Return the sum of all prices in a list of baskets."""
    # TODO: Add.
    ### BEGIN SOLUTION
    return sum(price for basket in baskets for price in basket.prices)
    ### END SOLUTION


def read(path):
    """Return the numbers of a file's lines."""
    # TODO: Read.
    ### BEGIN SOLUTION
    with open(path) as file:
        return [int(line) for line in file]
    ### END SOLUTION


def note(basket, path):
    """Add a line with the number of prices."""
    # TODO: Write.
    ### BEGIN SOLUTION
    with path.open("a") as file:
        file.write(f"{len(basket.prices)}\\n")
    ### END SOLUTION
''',
    "solutions/mistakes/shop.py": """from autograder.diagnose import mistake


@mistake("Basket", "A basket holds more than one price.")
class HoldsOne(Basket):
    def put(self, price):
        self.prices = [price]


@mistake("total", "The prices are counted.")
def counts(baskets):
    return sum(map(len, baskets))


@mistake("read", "The first line counts too.")
def skips_the_first(path):
    with open(path) as file:
        return [int(line) for line in file][1:]


@mistake("note", "A note takes the place of the earlier ones.")
def overwrites(basket, path):
    path.write_text(f"{len(basket.prices)}\\n")
""",
    "tests/exercises/conftest.py": "import prices, pytest\n\n\n@pytest.fixture\ndef some():\n    return prices.some()\n",
    "tests/exercises/prices.py": "def some():\n    return [3, 4]\n",
    "tests/exercises/secrets_of_shop.py": "def many(seed):\n    return [seed % 7, 2, 5]\n",
    "tests/exercises/test_shop.py": '''import pytest
from secrets_of_shop import many


@pytest.mark.points("Basket", 1)
def test_put(submission, some):
    """Each price is kept."""
    basket = submission.Basket()
    assert len(basket) == 0
    for price in some:
        basket.put(price)
    assert len(basket) == 2


@pytest.mark.hidden
@pytest.mark.points("Basket", 1)
def test_prices(submission, seed):
    """Prices stay in their order."""
    basket = submission.Basket()
    for price in many(seed):
        basket.put(price)
    assert basket.prices == many(seed)


@pytest.mark.points("total", 2)
def test_total(submission, some):
    """All are added."""
    basket = submission.Basket()
    for price in some:
        basket.put(price)
    assert submission.total([basket, submission.Basket()]) == 7


@pytest.mark.points("read", 1)
def test_read(submission, tmp_path):
    """Lines are read."""
    (tmp_path / "a.txt").write_text("1\\n2\\n")
    assert submission.read(tmp_path / "a.txt") == [1, 2]


@pytest.mark.points("note", 1)
def test_note(submission, tmp_path):
    """Notes are added."""
    for _ in range(2):
        submission.note(submission.Basket(), tmp_path / "notes.txt")
    assert (tmp_path / "notes.txt").read_text() == "0\\n0\\n"
''',
}


@pytest.fixture
def course(tmp_path):
    for name, text in FILES.items():
        (tmp_path / "course" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "course" / name).write_text(text.lstrip())
    catalog = read_catalog(tmp_path / "course")
    write_skeletons(catalog, catalog.select(None))
    return catalog


def graded(course, tmp_path, old="", new="", workers=None):
    folder = tmp_path / "ann"
    folder.mkdir(exist_ok=True)
    text = "".join(line for line in course.solution("shop").read_text().splitlines(True) if "SOLUTION" not in line)
    assert old in text
    (folder / "shop.py").write_text(text.replace(old, new))
    return Grader(GradingSpec(course, require=()), workers or InThisProcess()).grade_path(folder)


def named(result):
    return {check.mistake for check in result.checks} - {None}


def test_checks_import_the_modules_beside_them(course, tmp_path):
    result = graded(course, tmp_path)
    assert [check.message for check in result.checks if not check.points] == []
    (course.root / "tests" / "exercises" / "prices.py").write_text("def some():\n    return [4, 4]\n")
    failed = {check.function for check in graded(course, tmp_path).checks if not check.points}
    assert failed == {"total"}, "a module that has changed is read again"


@pytest.mark.parametrize("name", ["conftest.py", "prices.py"])
def test_what_checks_share_counts_in_the_key_of_a_result(course, name):
    before = course_hashes(course, course.units.values())
    with (course.root / "tests" / "exercises" / name).open("a") as file:
        file.write("# More.\n")
    after = course_hashes(course, course.units.values())
    assert {each for each in before if before[each] != after[each]} == {"checks"}


def test_a_release_has_the_modules_that_its_checks_use(course):
    files = student_bundle(course)
    assert {"tests/exercises/conftest.py", "tests/exercises/prices.py"} <= files.keys()
    assert "tests/exercises/secrets_of_shop.py" not in files
    assert b"secrets_of_shop" not in files["tests/exercises/test_shop.py"]


def test_a_mistake_in_a_class_whose_objects_may_be_empty_is_named(course, tmp_path):
    result = graded(course, tmp_path, "self.prices.append(price)", "self.prices = [price]")
    assert named(result) == {"HoldsOne"}
    messages = {check.id.partition("::")[2]: check.message for check in result.checks}
    assert messages["test_put"] == "len(Basket()) returned 1, which does not hold: assert 1 == 2"


def test_a_mistake_of_a_function_that_takes_objects_is_named(course, tmp_path):
    wrong = "sum(price for basket in baskets for price in basket.prices)"
    assert named(graded(course, tmp_path, wrong, "sum(len(basket.prices) for basket in baskets)")) == {"counts"}


def test_a_mistake_of_a_function_that_reads_a_file_is_named(course, tmp_path):
    """The file is there no longer when all checks have run."""
    assert named(graded(course, tmp_path, "for line in file]", "for line in file][1:]")) == {"skips_the_first"}


@pytest.mark.parametrize("sandboxed", [False, True])
def test_a_mistake_of_a_function_that_writes_a_file_is_named(course, tmp_path, sandboxed, request):
    workers = request.getfixturevalue("sandbox") if sandboxed else None
    assert named(graded(course, tmp_path, 'path.open("a")', 'path.open("w")', workers)) == {"overwrites"}


def test_a_sentence_names_a_file_as_the_check_does_so_that_a_replay_says_the_same(course, tmp_path, sandbox):
    result = graded(course, tmp_path, "for line in file]", "for line in file][::-1]")
    (check,) = [check for check in result.checks if not check.points]
    assert check.message.startswith("read('a.txt') returned [2, 1]")
    assert replay(result, tmp_path / "ann", course, InThisProcess()).differences == ()


def test_a_mistake_that_calls_its_own_function_is_told_what_to_do(course, sandbox):
    text = course.mistakes("shop").read_text().replace("sum(map(len, baskets))", "total(baskets[:1]) + 1")
    course.mistakes("shop").write_text(text)
    verification = Verification(
        course, list(course.units.values()), lambda trials: map(Bench(course, sandbox).run, trials), 1
    )
    (problem,) = verification.mistakes().problems
    assert re.search("counts: is not named: it stands in the place of total and calls that, which is itself", problem)


def test_verify_says_how_a_skeleton_that_is_missing_comes_about(course):
    course.exercise("shop").unlink()
    with pytest.raises(
        CatalogError, match=r"shop\.py is not there; write it from the solution by: autograder release skel"
    ):
        whole_skeleton(course, course.units["shop"])


def test_the_notebook_of_a_unit_of_two_files_has_them_both(tmp_path):
    pytest.importorskip("nbformat")
    files = notebooks_bundle(index_course.make_course(tmp_path / "index"), (), "", {})
    assert b"def postings" in files["index.ipynb"]
    assert b"from postings" not in files["index.ipynb"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, r"postings\.py was not handed in"),
        ("def postings(:\n", r"postings\.py:1 is not valid Python \(invalid syntax\): def postings\(:"),
    ],
)
def test_a_file_that_another_imports_says_why_it_cannot_be_used(tmp_path, text, reason):
    catalog = index_course.make_course(tmp_path / "index")
    folder = index_course.work(catalog, tmp_path)
    (folder / "postings.py").unlink()
    if text is not None:
        (folder / "postings.py").write_text(text)
    result = Grader(GradingSpec(catalog, require=()), InThisProcess()).grade_path(folder)
    messages = {check.function: check.message for check in result.checks if check.outcome is Outcome.FAILED}
    assert re.search(rf"raised ImportError: from postings import postings has failed \({reason}", messages["lookup"])
    assert len(result.notes) <= 3 and "not installed" not in str(result.notes)
