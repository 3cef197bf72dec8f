"""Give the graded cells of an assignment their ids, as the gradebook knows them, their points and their text."""

import math
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nbformat import NotebookNode

from autograder.messages import tr
from autograder.results.labels import show_picture
from autograder.results.mark import Hidden, visible_check
from autograder.results.summary import function_lines
from autograder.results.types import CheckResult, points_text, storable
from autograder.results.wording import points_line

_CHECKS = "checks"
_HIDDEN = "hidden"
_WIDTH = 96


@dataclass(frozen=True)
class GradedCell:
    """Cell with the checks of one function: either the visible or the hidden ones."""

    function: str
    hidden: bool
    checks: tuple[CheckResult, ...]

    @property
    def id(self) -> str:
        """Return the cell's id. It is unique, because no function's name has a dash."""
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
        checks = [check for check in self.checks if check.picture and not self.hidden]
        return tuple((tr(check.title), show_picture(check.picture)) for check in checks)

    def text(self, shown: Hidden) -> str:
        """Return the sentences that the student reads, with what is shown of hidden checks."""
        if self.hidden and shown is Hidden.NOTHING:
            return f"{self.function}: {points_line(self.points, self.max_points)}"
        checks = [visible_check(check, shown) for check in self.checks]
        return storable("\n".join(map(_wrap, function_lines(checks, set(), verbose=True))))


def _wrap(line: str) -> str:
    """Break a line that pages and notebooks would cut off."""
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.fill(line, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def cell_id(cell: NotebookNode) -> str:
    """Return the id by which nbgrader knows a cell; empty if its metadata have none, which a student may have edited."""
    facts = cell.metadata.get("nbgrader")
    name = facts.get("grade_id") if isinstance(facts, dict) else None
    return name if isinstance(name, str) else ""


def is_check_id(name: str) -> bool:
    """Return True if the id is that of a cell with this course's checks, and not of an instructor's own test."""
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


#: Points earned and possible, by the id of a graded cell.
Earned = Mapping[str, tuple[float, float]]


def earned_points(cells: Iterable[GradedCell]) -> dict[str, tuple[float, float]]:
    """Return the points earned and possible of each cell by its id."""
    return {cell.id: (cell.points, cell.max_points) for cell in cells}


def released_points(earned: Earned, limits: Mapping[str, float]) -> dict[str, float]:
    """Return the points of each released cell. If the course has changed since, a mark keeps its share of the cell's points.

    Args:
        earned: points by the course as it is now, earned and possible.
        limits: points of each cell at its release.

    Returns:
        The points of each cell by its own checks. If checks of a function have moved between its cells since the release, they
        are counted by all checks of the function. A cell of a function that the course no longer has is left out.
    """
    found = {}
    for name, limit in limits.items():
        own = {other for other in earned if _function(other) == _function(name)}
        kept = own == {other for other in limits if _function(other) == _function(name)} and earned[name][1] > 0
        counted = [name] if kept else own
        points, most = (math.fsum(earned[other][part] for other in counted) for part in (0, 1))
        if most > 0:
            found[name] = min(points, limit) if math.isclose(most, limit) else limit * points / most
        elif own:
            found[name] = 0.0
    return found


def release_again(assignment: str, course: str, earned: Earned, limits: Mapping[str, float]) -> str:
    """Return what has changed since an assignment was released, with the commands to release it again; empty for nothing."""
    then, now = dict(limits), {name: most for name, (_, most) in earned.items()}
    changed = [name for name in {**then, **now} if not math.isclose(then.get(name, -1), now.get(name, -1))]
    if not changed:
        return ""
    facts = "; ".join(f"{name}: {_worth(then, name)} then, {_worth(now, name)} now" for name in changed)
    forget = f"`nbgrader db assignment remove {assignment} --force` (which forgets its marks, those by hand too), "
    return (
        f"{assignment} has changed since it was released ({facts}). Marks keep their share of the points of the release."
        f" To give the new points, release it again: `autograder release nbgrader {course} --units {assignment}`, then there "
        f"{forget if then.keys() != now.keys() else ''}`nbgrader generate_assignment {assignment} --force` and"
        f" `nbgrader autograde {assignment} --force`"
    )


def _worth(points: Mapping[str, float], name: str) -> str:
    return f"{points_text(points[name])} points" if name in points else "no such cell"


def _function(name: str) -> str:
    return name.partition("-")[2]
