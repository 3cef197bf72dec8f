"""Name the graded cells of an assignment, as the gradebook knows them, and give their points and text."""

import math
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

from autograder.results.summary import function_lines
from autograder.results.types import CheckResult, storable

_CHECKS = "checks"
_HIDDEN = "hidden"
_WIDTH = 96


@dataclass(frozen=True)
class GradedCell:
    """Cell with the checks of one function: either those that students have, or the hidden ones."""

    function: str
    hidden: bool
    checks: tuple[CheckResult, ...]

    @property
    def id(self) -> str:
        """Return its id, which is unique as no function's name has a dash."""
        return f"{_HIDDEN if self.hidden else _CHECKS}-{self.function}"

    @property
    def points(self) -> float:
        """Return the points earned."""
        return math.fsum(check.points for check in self.checks)

    @property
    def max_points(self) -> float:
        """Return the points that could be earned."""
        return math.fsum(check.max_points for check in self.checks)

    @property
    def pictures(self) -> tuple[tuple[str, str], ...]:
        """Return (title, PNG in base64) of each check with a picture; none for hidden checks."""
        return tuple((check.title, check.picture) for check in self.checks if check.picture and not self.hidden)

    @property
    def text(self) -> str:
        """Return the sentences that the student reads."""
        return storable("\n".join(map(_wrap, function_lines(list(self.checks), set(), verbose=True))))


def _wrap(line: str) -> str:
    """Break a line that pages and notebooks would cut off."""
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.fill(line, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def is_check_id(name: str) -> bool:
    """Return True if a cell of this id was released by the autograder, and is not a test of the instructor's own."""
    return name.startswith((f"{_CHECKS}-", f"{_HIDDEN}-"))


def answer_id(function: str) -> str:
    """Return the id of the cell in which a function is written."""
    return f"answer-{function}"


def graded_cells(checks: Iterable[CheckResult]) -> tuple[GradedCell, ...]:
    """Return the graded cells of a unit, in the order of its functions."""
    groups: dict[tuple[str, bool], list[CheckResult]] = {}
    for check in checks:
        groups.setdefault((check.function, check.hidden), []).append(check)
    return tuple(GradedCell(function, hidden, tuple(own)) for (function, hidden), own in groups.items())
