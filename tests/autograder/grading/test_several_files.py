"""Whatever runs a unit of several files runs all of them: diagnosis, trials, an oral exam, examples, pictures."""

import functools
import textwrap
from dataclasses import replace

import pytest

from autograder.checks.mistakes import known_mistakes
from autograder.checks.plugin.runs import HOME_SEED
from autograder.course.catalog import read_catalog
from autograder.errors import CatalogError
from autograder.grading.examples import read_examples, try_examples
from autograder.grading.grade import Grader, InThisProcess
from autograder.grading.replay import replay
from autograder.grading.spec import GradingSpec
from autograder.grading.verify import Verification
from autograder.grading.verify.trials import Bench
from autograder.grading.viva import ask, printed_functions
from autograder.platforms.bundles.fingerprints import make_fingerprints
from autograder.results.mark import mark
from autograder.results.publish import unheeded_decisions
from autograder.results.summary import next_check
from autograder.results.types import Outcome, SubmissionResult
from autograder.student.drawing import reward
from autograder.student.standing import place
from autograder.submissions import Module, read_for
from autograder.submissions.hand_in import HandIn
from autograder.submissions.submission import EXAMPLES
from tests.autograder.index_course import make_course, outcomes, work

#: In one of them a name of the solution, in the other an import of the unit's other file.
MISTAKES = """
from postings import postings as right

from autograder.diagnose import mistake


@mistake("lookup", "Lines are counted from 1.")
def one_too_few(word):
    return [number - 1 for number in lookup_in_poem(right, word)]


@mistake("lookup", "The first line alone is given.")
def gives_the_first(word):
    return lookup_in_poem(postings, word)[:1]


def lookup_in_poem(function, word):
    with open("texts/poem.txt") as file:
        return function(file.read()).get(word, [])
"""


@pytest.fixture
def course(tmp_path):
    return make_course(tmp_path / "course")


def test_a_mistake_may_use_what_the_solutions_files_define(course, tmp_path):
    course.mistakes("index").write_text(MISTAKES)
    for change, name in ((".get(word, [])[:1]", "gives_the_first"), (".get(word, [])", None)):
        found = outcomes(course, InThisProcess(), work(course, tmp_path, index=(".get(word, [])", change)))
        assert found["test_lookup"][2] == name
    fewer = "return [n - 1 for n in postings(file.read()).get(word, [])]"
    folder = work(course, tmp_path, index=("return postings(file.read()).get(word, [])", fewer))
    assert outcomes(course, InThisProcess(), folder)["test_lookup"][2] == "one_too_few"


def test_a_solution_may_import_another_unit(course, tmp_path):
    """The right answer of a diagnosis is what it gives with that, not an error of the import."""
    text = course.solution("index").read_text().replace("open(", "opened(")
    course.solution("index").write_text("from files import opened\n" + text)
    (course.root / "solutions" / "files.py").write_text("def opened(path):\n    return open(path)\n")
    catalog = course.root / "exercises" / "catalog.toml"
    catalog.write_text(
        catalog.read_text() + '\n[[unit]]\nname = "files"\ntitle = "Files"\n[unit.functions.opened]\npoints = 1\n'
    )
    folder = tmp_path / "ann"
    folder.mkdir()
    wrong = "def lookup(word):\n    raise KeyError(word)\n"
    (folder / "index.py").write_text(wrong)
    mistakes = 'from autograder.diagnose import mistake\n\n\n@mistake("lookup", "No error.")\ndef raises(word):\n'
    course.mistakes("index").write_text(mistakes + "    raise KeyError(word)\n")
    checks = course.checks("index")
    text = checks.read_text()
    checks.write_text(text.replace(", reference", "").replace("reference.lookup(word)", "[1, 3]"))
    course = read_catalog(course.root)
    spec = GradingSpec(course, units=("index",), require=())
    result = Grader(spec, InThisProcess()).grade_path(folder)
    assert {check.mistake for check in result.checks if check.id.endswith("::test_lookup")} == {"raises"}


def test_mistakes_are_read_and_not_run(tmp_path):
    path = tmp_path / "mistakes.py"
    path.write_text('import nowhere\n\n\n@mistake("f", "A" "b.", varies="so")\nclass C(nowhere.D):\n    pass\n')
    (known,) = known_mistakes(path)
    assert (known.name, known.function, known.sentence, known.varies) == ("C", "f", "Ab.", "so")
    path.write_text("@torch.no_grad()\n@mistake('f', 'A.')\n@once\ndef g():\n    pass\n")
    assert [known.name for known in known_mistakes(path)] == ["g"]
    for text, problem in (
        ("@mistake('f', SENTENCE)\ndef g():\n    pass\n", "line 1: write @mistake"),
        ("def", "line 1"),
    ):
        path.write_text(text + "\n")
        with pytest.raises(CatalogError, match=problem):
            known_mistakes(path)


def test_rules_on_a_file_of_a_unit_decide_nothing_and_are_told(course, tmp_path):
    """Points are those of units: a unit's second file has none of its own."""
    (tmp_path / "out" / "results").mkdir(parents=True)
    (tmp_path / "out" / "results" / "al.json").write_text(SubmissionResult("al").to_json())
    (tmp_path / "out" / "class.toml").write_text('[exempt]\nal = ["postings"]\n[units]\nbonus = ["index"]\n')
    told = list(unheeded_decisions([tmp_path / "out"], [mark(SubmissionResult("al"))], course))
    assert told == ["class.toml: the course has no unit postings"]


def test_fingerprints_are_of_a_mistake_with_all_files(course):
    text = course.checks("index").read_text().replace(", reference", "").replace("reference.lookup(word)", "[1, 3]")
    course.checks("index").write_text(text)
    course.mistakes("index").write_text(MISTAKES)
    ((_, prints),) = make_fingerprints(course, ["index"])
    assert {known.name for known in prints} == {"one_too_few", "gives_the_first"}


def test_the_cause_is_found_in_another_file(course, tmp_path):
    """`lookup` fails as `postings` does, which it uses and which is in another file."""
    found = outcomes(course, InThisProcess(), work(course, tmp_path, postings=("append(number)", "append(0)")))
    assert found["test_lookup"][1].endswith("postings fails, and lookup uses it: mend postings first")


def verification_of(course, sandbox, right=None):
    run_trials = functools.partial(map, Bench(course, sandbox).run)
    return Verification(course, list(course.units.values()), run_trials, 1, right=right)


def test_modules_are_handed_in_with_the_files_beside_them(course, sandbox, tmp_path):
    """In a folder of right ones, and in one of alternatives: their own `postings`, not the solution's."""
    own = {
        "index": "from postings import lines_of\n\npostings = lines_of\n\n\ndef lookup(word):\n"
        "    return lines_of(open('texts/poem.txt').read()).get(word, [])\n\n\ndef main():\n    print(*lookup(input()))\n\n\n"
        "if __name__ == '__main__':\n    main()\n",
        "postings": "def lines_of(text):\n    lines = [line.split() for line in text.splitlines()]\n"
        "    return {w: [n for n, line in enumerate(lines, 1) if w in line] for line in lines for w in line}\n",
    }
    for folder in (course.root / "tests" / "alternatives" / "index" / "other", tmp_path / "right" / "ann"):
        folder.mkdir(parents=True)
        for name, text in own.items():
            (folder / f"{name}.py").write_text(text)
    verification = verification_of(course, sandbox, tmp_path / "right")
    finding = verification.modules()
    assert (finding.problems, finding.summary[:2]) == ((), "2 ")
    (tmp_path / "right" / "ann" / "postings.py").write_text(own["postings"].replace(", 1)", ")"))
    assert "test_lookup" in str(verification.modules().problems)


@pytest.mark.slow
def test_a_survivor_is_told_by_its_file_and_line(course, sandbox):
    path = course.checks("index")
    path.write_text(path.read_text().replace('"a b\\nb") == {"a": [1], "b": [1, 2]}', '"a") == {"a": [1]}'))
    solution = course.solution("postings").read_text()
    text = solution.replace(".append(number)", ".append(number if number < 9 else 9)")
    course.solution("postings").write_text(text)
    verification = verification_of(course, sandbox)
    line = text.splitlines().index("            found[word].append(number if number < 9 else 9)") + 1
    assert f"postings.py:{line} postings: number < 9 -> number <= 9 survives" in verification.mutants().problems


def test_it_is_replayed(course, tmp_path):
    folder = work(course, tmp_path, postings=("append(number)", "append(0)"))
    before = Grader(GradingSpec(course, require=()), InThisProcess()).grade_path(folder)
    again = replay(before, folder, course, InThisProcess())
    assert (again.differences, again.conditions) == ((), ())
    assert Outcome.FAILED in {check.outcome for check in again.result.checks}


@pytest.mark.slow
def test_an_oral_exam_asks_about_every_file(course, sandbox, tmp_path):
    submission = read_for(course, HandIn.alone(work(course, tmp_path)))
    spec = GradingSpec(course, require=(), hidden=False)
    questions = ask(spec, submission, sandbox, seed=3, count=12)
    about = {(each.module, each.function) for each in questions}
    assert about == {("postings", "postings"), ("index", "lookup")}
    rounds = [each for each in questions if each.kind == "rounds"]
    assert rounds, "a loop of the other file is asked about"
    assert all("postings.py:" in each.text for each in rounds)
    labels = {each.filename for each in printed_functions(questions, submission.sources)}
    assert labels == {"postings.py", "index.py"}


def test_examples_are_tried_on_the_students_own_files(course):
    for name in ("index", "postings"):
        course.exercise(name).write_text(course.solution(name).read_text())
        course.solution(name).unlink()
    text = "from postings import postings as p\n\n\ndef test_one():\n    assert p('a') == {'a': [1]}\n"
    examples = read_examples(Module(EXAMPLES, f"{EXAMPLES}.py", text))
    worker = InThisProcess().worker
    found = try_examples(course, "postings", examples, worker, course.exercise("index"))
    assert (found.right, found.wrong) == (("test_one",), {})


def test_a_picture_may_read_the_data(course, tmp_path):
    pytest.importorskip("PIL")
    path = course.picture("index")
    path.parent.mkdir(parents=True)
    drawing = """
    from PIL import Image

    def draw(student):
        return Image.new("L", (len(student.lookup("the")), 1)), "The lines."
    """
    path.write_text(textwrap.dedent(drawing))
    modules = read_for(course, HandIn.alone(work(course, tmp_path))).modules
    with InThisProcess().worker() as worker:
        assert reward(course, "index", modules, worker).caption == "The lines."


def test_the_next_step_names_the_file_of_the_function(course):
    where = place(course, "index", "postings")
    assert where.startswith("exercises/postings.py:")
    assert place(course, "index", "lookup").startswith("exercises/index.py:")
    spec = GradingSpec(course, seed=HOME_SEED, require=())
    checks = Grader(spec, InThisProcess()).grade_path(course.root / "exercises").checks
    (line,) = next_check(course, {"index": [replace(check) for check in checks]})
    assert line == "Next: write postings in postings.py, then run: pytest exercises/postings.py"
