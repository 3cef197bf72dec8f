"""Help for a student: the hints of a function, one by one; and a teacher's solution, for those who have one already."""

from autograder.course.catalog import Catalog, Unit
from autograder.course.skeletons import BEGIN, END, read_source
from autograder.errors import UsageError
from autograder.student.progress import Progress, fingerprint, updated_progress


def hint_lines(catalog: Catalog, function: str) -> list[str]:
    """The next hint for a function, after those that have been read; and notes that it was read."""
    unit = catalog.unit_of(function)
    hints = unit.functions[function].hints
    if not hints:
        return [f"There is no hint for {function}; its docstring and the lesson say what it is to do."]
    with updated_progress(catalog.root) as progress:
        mine = progress.of(unit.name, function)
        mine.hints = min(mine.hints + 1, len(hints))
        read = mine.hints
    lines = [f"{function}, hint {number} of {len(hints)}: {text}" for number, text in enumerate(hints[:read], 1)]
    return [*lines, "Ask again for the next one." if read < len(hints) else "There are no more hints."]


def solution_text(catalog: Catalog, unit: Unit, progress: Progress) -> str:
    """The solution of a unit, without the markers of what was to be written.

    Raises:
        UsageError: the unit does not pass yet, or this release has no solutions.
    """
    path = catalog.solution(unit.name)
    if not path.is_file():
        raise UsageError(f"this release of the course holds no solution of {unit.name}; ask your instructor for it")
    todo = progress.open_functions(unit)
    if todo:
        file = f"exercises/{unit.name}.py"
        raise UsageError(f"{unit.name} does not pass yet ({todo[0]} is open); judge it: pytest {file}")
    if any(progress.of(unit.name, name).file != fingerprint(catalog.exercise(unit.name)) for name in unit.functions):
        raise UsageError(f"{unit.name}.py has changed since it passed; judge it again: pytest exercises/{unit.name}.py")
    lines = read_source(path).splitlines(keepends=True)
    return "".join(line for line in lines if line.strip() not in (BEGIN, END))
