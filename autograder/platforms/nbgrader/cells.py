"""The cells of an assignment, by their ids in the gradebook; and what stands in a graded one."""

import math
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

from autograder.results.summary import function_lines
from autograder.results.types import CheckResult

_CHECKS = "checks"
_HIDDEN = "hidden"
_WIDTH = 96


@dataclass(frozen=True)
class GradedCell:
    """A cell that holds the checks of one function: those that the student has, or the hidden ones."""

    function: str
    hidden: bool
    checks: tuple[CheckResult, ...]

    @property
    def id(self) -> str:
        """Its id; no name of a function has a dash."""
        return f"{_HIDDEN if self.hidden else _CHECKS}-{self.function}"

    @property
    def points(self) -> float:
        """Points earned."""
        return math.fsum(check.points for check in self.checks)

    @property
    def max_points(self) -> float:
        """Points that could be earned."""
        return math.fsum(check.max_points for check in self.checks)

    @property
    def pictures(self) -> tuple[tuple[str, str], ...]:
        """The titles of checks that have pictures, and the pictures: PNGs in base64."""
        return tuple((check.title, check.picture) for check in self.checks if check.picture and not self.hidden)

    @property
    def text(self) -> str:
        """What the student reads."""
        lines = "\n".join(map(_wrapped, function_lines(list(self.checks), set(), verbose=True)))
        return lines.encode("utf-8", "replace").decode("utf-8")  # a student's message may hold what no file can


def _wrapped(line: str) -> str:
    """The line in several, where pages and notebooks would cut it off."""
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.fill(line, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def answer_id(function: str) -> str:
    """The id of the cell in which a function is written."""
    return f"answer-{function}"


def graded_cells(checks: Iterable[CheckResult]) -> tuple[GradedCell, ...]:
    """The graded cells of a unit, in the order of its functions."""
    groups: dict[tuple[str, bool], list[CheckResult]] = {}
    for check in checks:
        groups.setdefault((check.function, check.hidden), []).append(check)
    return tuple(GradedCell(function, hidden, tuple(own)) for (function, hidden), own in groups.items())
