"""A result in Markdown: the summary of a job, a comment on a merge request."""

import re

from autograder.results.formats.hidden import Hidden, shown
from autograder.results.formats.wording import by_unit, explanation, score_line
from autograder.results.types import CheckResult, Outcome, SubmissionResult, storable


def markdown(result: SubmissionResult, hidden: Hidden = Hidden.POINTS) -> str:
    """Points by unit as a table, and below it what is wrong, one item for each check."""
    seen = shown(result, hidden)
    lines = [f"## {_plain(result.name)}: {score_line(result)}", ""]
    lines += [f"> {_plain(note)}\n" for note in result.notes]
    lines += ["| unit | points | of |", "|---|---:|---:|"]
    for unit, checks in by_unit(result).items():
        lines.append(f"| {_plain(unit)} | {_sum(checks)} | {sum(check.max_points for check in checks):g} |")
    wrong = [check for check in seen.checks if check.outcome not in (Outcome.PASSED, Outcome.BLOCKED)]
    lines += ["", *(_item(check) for check in wrong)] if wrong else ["", "Everything that is shown passes."]
    return storable("\n".join(lines) + "\n")


def _sum(checks: list[CheckResult]) -> str:
    return f"{sum(check.points for check in checks):g}"


def _item(check: CheckResult) -> str:
    said = "".join(f"  \n  {_plain(line)}" for line in explanation(check).splitlines())
    return f"- **{_plain(check.unit)}, {_plain(check.function)}**: {_plain(check.title)}{said}"


def _plain(text: str) -> str:
    """Text that Markdown and the HTML in it show as it is; a student may have written it."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]()#+!|~$@])", r"\\\1", text)
