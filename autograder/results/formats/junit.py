"""JUnit's XML, as GitLab, Jenkins and most other CI systems read it."""

from xml.etree import ElementTree

from autograder.messages import is_printable, tr
from autograder.results.manual import LineComment, ManualPoints
from autograder.results.mark import Mark
from autograder.results.types import CheckResult, Outcome, points_text
from autograder.results.wording import WORDS, comment_place, explanation, message, score_line

_SKIPPED = (Outcome.NOT_RUN, Outcome.BLOCKED)


def junit(mark: Mark) -> str:
    """Return a test suite for each unit and a test case for each check, and suites of the points by hand and comments.

    Points are properties of a case; for a check of a function that was marked by hand they are 0 of 0. If a policy decides the
    score, such as by lateness, it is not their sum, and stands in a suite of its own.
    """
    root = ElementTree.Element("testsuites", name=_text(mark.name))
    if mark.trail:
        suite = ElementTree.SubElement(root, "testsuite", name="score", tests="1")
        suite.append(_score(mark))
    root.extend(_suite(mark, unit) for unit in mark.units if mark.checks_of(unit))
    entries = list(mark.manual_entries())
    if entries:
        suite = ElementTree.SubElement(root, "testsuite", name="points by hand", tests=str(len(entries)))
        suite.extend(_by_hand(*entry) for entry in entries)
    if mark.comments:
        suite = ElementTree.SubElement(root, "testsuite", name="comments", tests=str(len(mark.comments)))
        suite.extend(map(_comment, mark.comments))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(mark: Mark, unit: str) -> ElementTree.Element:
    checks = mark.checks_of(unit)
    outcomes = [check.outcome for check in checks]
    facts = {
        "name": unit,
        "tests": len(checks),
        "failures": sum(o not in (Outcome.PASSED, Outcome.ERROR, *_SKIPPED) for o in outcomes),
        "errors": outcomes.count(Outcome.ERROR),
        "skipped": sum(outcome in _SKIPPED for outcome in outcomes),
        "time": f"{sum(check.seconds for check in checks):.3f}",
    }
    suite = ElementTree.Element("testsuite", {name: str(value) for name, value in facts.items()})
    suite.extend(_case(mark, check) for check in checks)
    return suite


def _case(mark: Mark, check: CheckResult) -> ElementTree.Element:
    case = ElementTree.Element(
        "testcase",
        classname=f"{check.unit}.{check.function}",
        name=_text(check.title),
        file=f"{check.unit}.py",
        time=f"{check.seconds:.3f}",
    )
    _add_points(case, *mark.points_of(check))
    if check.outcome is not Outcome.PASSED:
        kind = "error" if check.outcome is Outcome.ERROR else "skipped" if check.outcome in _SKIPPED else "failure"
        ending = ElementTree.SubElement(case, kind, message=_text(message(check) or tr(WORDS[check.outcome])))
        if kind != "skipped":
            ending.set("type", check.outcome.value)
            ending.text = _text(explanation(check))
    if check.output:
        ElementTree.SubElement(case, "system-out").text = _text(check.output)
    return case


def _score(mark: Mark) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname="score", name=_text(score_line(mark)))
    if mark.score is not None:
        _add_properties(case, score=mark.score, max_score=mark.max_score)
    return case


def _by_hand(name: str, line: ManualPoints, possible: float) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname="points by hand", name=_text(name))
    _add_points(case, line.points, possible)
    if line.comment:
        ElementTree.SubElement(case, "system-out").text = _text(line.comment)
    return case


def _comment(comment: LineComment) -> ElementTree.Element:
    facts = {"classname": "comments", "name": comment_place(comment), "file": f"{comment.unit}.py"}
    case = ElementTree.Element("testcase", facts, line=str(comment.line))
    ElementTree.SubElement(case, "system-out").text = _text(comment.comment)
    return case


def _add_points(case: ElementTree.Element, earned: float, possible: float) -> None:
    _add_properties(case, points=earned, max_points=possible)


def _add_properties(case: ElementTree.Element, **numbers: float) -> None:
    properties = ElementTree.SubElement(case, "properties")
    for name, value in numbers.items():
        ElementTree.SubElement(properties, "property", name=name, value=points_text(value))


def _text(text: str) -> str:
    """Return text without the characters that no XML may hold, lone surrogates among them."""
    return "".join(char if is_printable(char) or char in "\n\t" else "?" for char in text)
