"""A mark in Markdown: the summary of a job, a comment on a merge request."""

import re

from autograder.results.mark import Mark
from autograder.results.types import CheckResult, Outcome, points_text, storable
from autograder.results.wording import comment_place, explanation, manual_line, score_line


def markdown(mark: Mark) -> str:
    """Return points by unit as a table, then points by hand, then what is wrong: one item for each check."""
    lines = [f"## {_plain(mark.name)}: {score_line(mark)}", ""]
    lines += [f"> {_plain(note)}\n" for note in mark.result.notes]
    lines += ["| unit | points | of |", "|---|---:|---:|"]
    lines += [
        f"| {_plain(u.name)} | {points_text(u.points)} | {points_text(u.max_points)} |" for u in mark.units.values()
    ]
    if mark.manual:
        lines += ["", "Points by hand:", "", *(f"- {_plain(manual_line(line))}" for line in mark.manual)]
    if mark.comments:
        comments = (f"- {_plain(comment_place(each))}: {_plain(each.comment)}" for each in mark.comments)
        lines += ["", "Comments:", "", *comments]
    wrong = [check for check in mark.result.checks if check.outcome not in (Outcome.PASSED, Outcome.BLOCKED)]
    lines += ["", *(_item(check) for check in wrong)] if wrong else ["", "Everything that is shown passes."]
    return storable("\n".join(lines) + "\n")


def _item(check: CheckResult) -> str:
    sentences = "".join(f"  \n  {_plain(line)}" for line in explanation(check).splitlines())
    return f"- **{_plain(check.unit)}, {_plain(check.function)}**: {_plain(check.title)}{sentences}"


def _plain(text: str) -> str:
    """Return text that Markdown and the HTML in it show as it is; a student may have written it."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]()#+!|~$@])", r"\\\1", text)
