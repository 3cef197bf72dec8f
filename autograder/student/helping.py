"""Help a student: give hints one by one, show the course's solution once the unit passes, and reset to the skeleton."""

import ast
import difflib
import re
import tokenize
from pathlib import Path

from autograder.course.catalog import Catalog
from autograder.course.prose import rewrite_prose
from autograder.course.skeletons import (
    BEGIN,
    END,
    first_line,
    replace_keeping_backup,
    source_lines,
    starting_text,
    whole_solution,
)
from autograder.course.units import Unit
from autograder.errors import GraderError, UsageError
from autograder.messages import tr
from autograder.student.progress import Progress, checked_functions, fingerprint, update_progress

#: Line that names the encoding of a source (PEP 263), up to the name.
_CODING = re.compile(r"^([ \t\f]*#.*?coding[:=][ \t]*)[-\w.]+", re.MULTILINE)


def hint_lines(catalog: Catalog, function: str) -> list[str]:
    """Return the hints that were read before and the next one. Record that the next one was read."""
    unit = catalog.unit_of(function)
    hints = unit.functions[function].hints
    if not hints:
        return [
            tr(
                "There is no hint for {function}; its docstring and the lesson say what it has to do.",
                function=function,
            )
        ]
    note = ""
    try:
        with update_progress(catalog.root) as progress:
            mine = progress.of(unit.name, function)
            mine.hints = min(mine.hints + 1, len(hints))
            read = mine.hints
    except GraderError as error:
        read, note = (
            len(hints),
            tr("Which hints you have read cannot be stored, so these are all: {error}", error=error),
        )
    lines = [
        tr(
            "{function}, hint {number} of {count}: {text}",
            function=function,
            number=number,
            count=len(hints),
            text=tr(text),
        )
        for number, text in enumerate(hints[:read], 1)
    ]
    if note:
        return [*lines, note]
    return [*lines, tr("Ask again for the next one.") if read < len(hints) else tr("There are no more hints.")]


def solution_text(catalog: Catalog, unit: Unit, progress: Progress) -> str:
    """Return the solution of a unit without the markers of its regions.

    Raises:
        UsageError: the unit does not pass yet, or this release has no solutions.
    """
    if not catalog.solution(unit.name).is_file():
        raise UsageError(
            tr("this release of the course holds no solution of {name}; ask your instructor for it", name=unit.name)
        )
    checked = checked_functions(catalog, unit)
    # Without checks here no function of the unit can pass.
    todo = progress.open_functions(catalog, unit) if checked else list(unit.functions)
    if todo:
        file = f"exercises/{unit.name}.py"
        raise UsageError(
            tr(
                "{name} does not pass yet ({todo} is open); run its checks: pytest {file}",
                name=unit.name,
                todo=todo[0],
                file=file,
            )
        )
    if any(progress.of(unit.name, name).file != fingerprint(catalog, unit.name) for name in checked):
        raise UsageError(
            tr(
                "{name}.py has changed since it passed; run its checks again: pytest exercises/{name}.py",
                name=unit.name,
            )
        )
    lines = source_lines(whole_solution(catalog, unit.name))
    return "".join(line for line in lines if line.strip() not in (BEGIN, END))


def solution_diff(catalog: Catalog, unit: Unit, progress: Progress) -> list[str]:
    """Return the lines in which a student's functions differ from the teacher's; docstrings, comments and layout do not count.

    Raises:
        UsageError: as `solution_text`, or a file of the student's cannot be read.
    """
    teachers = _plain_functions(solution_text(catalog, unit, progress))
    own: dict[str, str] = {}
    for module in unit.modules:
        own |= _plain_functions(_read_own(catalog.exercise(module), unit.name))
    lines: list[str] = []
    for name in unit.functions:
        yours, theirs = own.get(name, "").splitlines(), teachers.get(name, "").splitlines()
        names = tr("{function}, yours", function=name), tr("{function}, the teacher's", function=name)
        lines += difflib.unified_diff(yours, theirs, *names, n=max(len(yours), len(theirs)), lineterm="")
    return [line for line in lines if not line.startswith("@@")] or [tr("You have written it as the teacher did.")]


def _plain_functions(text: str) -> dict[str, str]:
    """Return the functions and classes of a source as Python lays them out, without docstrings and comments."""
    found = {}
    for node in ast.parse(text).body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for part in ast.walk(node):
            documented = isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            if documented and ast.get_docstring(part) is not None:  # type: ignore[arg-type] # it is one of these
                part.body = part.body[1:] or [ast.Pass()]  # type: ignore[attr-defined] # it has a docstring, so a body
        found[node.name] = ast.unparse(node)
    return found


def reset(catalog: Catalog, name: str, *, function_of: str = "") -> str:
    """Reset a unit or a function. Return a sentence that names the backup.

    Args:
        catalog: the course.
        name: the name of a unit or a function; if both have this name, the unit is reset.
        function_of: name of a unit. Reset only the function `name` in it, even if a unit has that name too.

    Raises:
        UsageError: the course has no such unit or function, or the function cannot be found in the student's file.
        CatalogError: the release holds no skeleton to go back to.
        GraderError: the file cannot be written.
    """
    whole = name in catalog.units and not function_of
    unit = function_of or (name if whole else catalog.unit_of(name).name)
    skeletons = {module: rewrite_prose(starting_text(catalog, module), tr) for module in catalog.units[unit].modules}
    if not whole:
        skeletons = _skeleton_with(skeletons, name)
    written, path = None, catalog.exercise(unit)
    for module, skeleton in skeletons.items():
        own = catalog.exercise(module)
        text = skeleton if whole else with_function(_read_own(own, unit), skeleton, name, own.name)
        replaced = replace_keeping_backup(own, text, own.parent)
        if replaced is not None and written is None:
            written, path = replaced, own
    if written is None:
        return tr("{name} is the skeleton already; nothing was changed.", name=name)
    functions = catalog.units[unit].functions if whole else [name]
    with update_progress(catalog.root) as progress:
        for function in functions:
            progress.of(unit, function).passed = ""
    shown = path.relative_to(catalog.root).as_posix()
    backup = written[1]
    kept = (
        tr("; your version is now {file}", file=backup.relative_to(catalog.root).as_posix())
        if backup is not None
        else ""
    )
    return (
        tr("{name} in {shown} is the skeleton again{kept}.", name=name, shown=shown, kept=kept)
        if not whole
        else tr("{shown} is the skeleton again{kept}.", shown=shown, kept=kept)
    )


def _skeleton_with(skeletons: dict[str, str], function: str) -> dict[str, str]:
    """Return the skeleton that defines a function, by its module; the first one if none does."""
    found = [module for module, text in skeletons.items() if _lines_of(text, function, f"{module}.py")]
    module = (found or list(skeletons))[0]
    return {module: skeletons[module]}


def with_function(text: str, skeleton: str, function: str, filename: str) -> str:
    """Return a student's text with one function as in the skeleton; at the end if the text has none of that name.

    Raises:
        UsageError: the text is not Python, so the end of the function cannot be found.
    """
    fresh = _lines_of(skeleton, function, filename)
    lines = source_lines(text)
    wanted = source_lines(skeleton)[fresh.start : fresh.stop]
    there = _lines_of(text, function, filename)
    if there:
        return "".join([*lines[: there.start], *wanted, *lines[there.stop :]])
    return text.rstrip("\n") + "\n\n\n" + "".join(wanted)


def _lines_of(text: str, function: str, filename: str) -> range:
    """Return the lines of a function, counted from 0; an empty range if there is no such function."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        unit = filename.removesuffix(".py")
        reason = tr(
            "{filename} is not valid Python ({error}), so {function} cannot be found in it",
            filename=filename,
            error=error,
            function=function,
        )
        raise UsageError(
            tr("{reason}; correct it, or reset the whole file: autograder reset {unit}", reason=reason, unit=unit)
        ) from error
    for node in reversed(tree.body):  # of two definitions the later one counts
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == function:
            return range(first_line(node) - 1, node.end_lineno or node.lineno)
    return range(0)


def _read_own(path: Path, unit: str) -> str:
    """Return the text of a student's file, to be written as UTF-8: if its first lines name another encoding, they name UTF-8.

    Raises:
        UsageError: there is no such file, or it is no text.
        GraderError: it cannot be read now.
    """
    if not path.is_file():
        raise UsageError(tr("{path} does not exist; restore it with: autograder reset {unit}", path=path, unit=unit))
    try:
        with tokenize.open(path) as file:  # it drops a byte order mark
            text, encoding = file.read(), file.encoding
    except (SyntaxError, ValueError, LookupError) as error:
        raise UsageError(tr("{name} is not UTF-8 text; save it again as UTF-8", name=path.name)) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise GraderError(
            tr("{path} cannot be read now ({reason}); it was left as it is", path=path, reason=reason)
        ) from error
    if encoding in ("utf-8", "utf-8-sig"):
        return text
    return _CODING.sub(r"\1utf-8", text, count=1)
