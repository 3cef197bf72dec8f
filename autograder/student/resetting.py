"""A unit's file, or one function of it, back to the skeleton; what was there is kept as a backup."""

import ast
from pathlib import Path

from autograder.course.catalog import Catalog
from autograder.course.skeletons import read_source, replace_keeping_backup, untouched
from autograder.errors import UsageError
from autograder.student.progress import updated_progress


def reset(catalog: Catalog, name: str) -> str:
    """Resets a unit or a function, and says where the backup is.

    Raises:
        UsageError: the course has neither, or the function cannot be found in the student's file.
        CatalogError: the release holds no skeleton to go back to.
    """
    unit = name if name in catalog.units else catalog.unit_of(name).name
    path = catalog.exercise(unit)
    skeleton = untouched(catalog, unit)
    text = skeleton if name == unit else with_function(_own(path, unit), skeleton, name, path.name)
    written = replace_keeping_backup(path, text, path.parent)
    if written is None:
        return f"{name} is as it was in the beginning; nothing was changed."
    functions = catalog.units[unit].functions if name == unit else [name]
    with updated_progress(catalog.root) as progress:
        for function in functions:
            progress.of(unit, function).passed = ""
    shown = path.relative_to(catalog.root).as_posix()
    backup = written[1]
    kept = f"; what was there is now {backup.relative_to(catalog.root).as_posix()}" if backup is not None else ""
    return f"{name} in {shown} is as it was in the beginning{kept}." if name != unit else f"{shown} is untouched{kept}."


def with_function(text: str, skeleton: str, function: str, filename: str) -> str:
    """A student's text with one function as the skeleton has it; at the end, where the text has none of that name.

    Raises:
        UsageError: the text is not Python, so that nobody knows where the function ends.
    """
    fresh = _lines_of(skeleton, function, filename)
    lines = text.splitlines(keepends=True)
    wanted = skeleton.splitlines(keepends=True)[fresh.start : fresh.stop]
    there = _lines_of(text, function, filename)
    if there:
        return "".join([*lines[: there.start], *wanted, *lines[there.stop :]])
    return text.rstrip("\n") + "\n\n\n" + "".join(wanted)


def _lines_of(text: str, function: str, filename: str) -> range:
    """The lines of a function, counted from 0; none where there is no such function."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        unit = filename.removesuffix(".py")
        reason = f"{filename} is not valid Python ({error}), so that {function} cannot be found in it"
        raise UsageError(f"{reason}; mend it, or reset the whole file: autograder reset {unit}") from error
    for node in reversed(tree.body):  # of two definitions the later one counts
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == function:
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            return range(first - 1, node.end_lineno or node.lineno)
    return range(0)


def _own(path: Path, unit: str) -> str:
    if not path.is_file():
        raise UsageError(f"{path} is not there; get it back with: autograder reset {unit}")
    return read_source(path)
