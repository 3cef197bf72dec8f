"""The class as a table for a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Sequence

from autograder.results.manual import ManualPoints, Mark, mark_of
from autograder.results.types import SubmissionResult, storable

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def grades_csv(results: Iterable[SubmissionResult], units: Sequence[str], by_hand: Sequence[ManualPoints] = ()) -> str:
    """One line for each result: name, score, maximum, points by unit. Without a grade the numbers are empty.

    Where points were given by hand, to anyone, the comments are there too; the scores have them counted in.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["submission", "score", "max_score", *units, *(["by_hand"] if by_hand else [])])
    for result in results:
        mark = mark_of(result, by_hand)
        points = ["" if result.errors else f"{mark.units.get(unit, 0.0):g}" for unit in units]
        score = "" if result.errors else f"{mark.score:g}"
        remarks = [harmless(_given(mark))] if by_hand else []
        writer.writerow([harmless(result.name), score, f"{mark.max_score:g}", *points, *remarks])
    return storable(text.getvalue())


def _given(mark: Mark) -> str:
    return "; ".join(
        f"{each.function or 'added'}: {each.points:g}" + (f" ({each.comment})" if each.comment else "")
        for each in mark.given
    )


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
