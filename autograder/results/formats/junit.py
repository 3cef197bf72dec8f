"""JUnit's XML, as GitLab, Jenkins and most other CI systems read it."""

from xml.etree import ElementTree

from autograder.results.formats.hidden import Hidden, shown
from autograder.results.formats.wording import WORDS, by_unit, explanation
from autograder.results.types import CheckResult, Outcome, SubmissionResult

_SKIPPED = (Outcome.NOT_RUN, Outcome.BLOCKED)


def junit(result: SubmissionResult, hidden: Hidden = Hidden.POINTS) -> str:
    """A test suite for each unit and a test case for each check; points are properties of the case."""
    root = ElementTree.Element("testsuites", name=_text(result.name))
    for unit, checks in by_unit(shown(result, hidden)).items():
        root.append(_suite(unit, checks))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(unit: str, checks: list[CheckResult]) -> ElementTree.Element:
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
    suite.extend(map(_case, checks))
    return suite


def _case(check: CheckResult) -> ElementTree.Element:
    case = ElementTree.Element(
        "testcase",
        classname=f"{check.unit}.{check.function}",
        name=_text(check.title),
        file=f"{check.unit}.py",
        time=f"{check.seconds:.3f}",
    )
    properties = ElementTree.SubElement(case, "properties")
    for name, value in (("points", check.points), ("max_points", check.max_points)):
        ElementTree.SubElement(properties, "property", name=name, value=f"{value:g}")
    if check.outcome is not Outcome.PASSED:
        kind = "error" if check.outcome is Outcome.ERROR else "skipped" if check.outcome in _SKIPPED else "failure"
        ending = ElementTree.SubElement(case, kind, message=_text(check.message or WORDS[check.outcome]))
        if kind != "skipped":
            ending.set("type", check.outcome.value)
            ending.text = _text(explanation(check))
    if check.output:
        ElementTree.SubElement(case, "system-out").text = _text(check.output)
    return case


def _text(text: str) -> str:
    """Text without the characters that no XML may hold, lone surrogates among them."""
    return "".join(char if char.isprintable() or char in "\n\t" else "?" for char in text)
