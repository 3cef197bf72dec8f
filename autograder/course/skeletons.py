"""Make skeletons from solutions, and write files in place of others without losing those.

A region between `### BEGIN SOLUTION` and `### END SOLUTION` (nbgrader's markers) is what the student writes. Inside a
function it becomes `raise NotImplementedError`, below the TODO that stands before it; at the top level it is left out.
"""

import ast
import functools
import io
import itertools
import shutil
import textwrap
from collections.abc import Mapping
from pathlib import Path

from autograder.course.catalog import Catalog
from autograder.course.prose import rewrite_prose
from autograder.course.units import Question, Unit
from autograder.errors import CatalogError, GraderError
from autograder.messages import ENGLISH, speaking, tr

#: Markers round what a student is to write, in the solutions and in nbgrader's source notebooks.
BEGIN = "### BEGIN SOLUTION"
END = "### END SOLUTION"
#: Lines round the answer to a question that people grade; the question's name follows.
ANSWER = "### BEGIN ANSWER"
END_ANSWER = "### END ANSWER"

#: Letters up to which a line of a solution, such as `else:` or `)`, gives nothing away.
_HARMLESS_LENGTH = 8


def skeleton(solution: str, filename: str) -> str:
    """Return the skeleton of a solution.

    Raises:
        CatalogError: it is no valid Python, the regions do not pair up, one is in no function, or a function's region has no
            TODO before it.
    """
    names = _functions_by_line(solution, filename)
    kept: list[str] = []
    opened = 0
    for number, line in enumerate(solution.splitlines(), 1):
        if line.strip() == BEGIN and not opened:
            opened = number
            indent = line[: len(line) - len(line.lstrip())]
            if indent:
                if number not in names:
                    advice = "a region stands inside a function or a method, or at the top level; fields of a class are given"
                    raise CatalogError(f"{filename} line {number}: {advice}")
                _require_todo(kept, filename, number)
                kept.append(f'{indent}raise NotImplementedError("{names[number]}")')
        elif line.strip() == END and opened:
            opened = 0
        elif line.strip() in (BEGIN, END):
            raise CatalogError(f"{filename} line {number}: {line.strip()} without its partner")
        elif not opened:
            kept.append(line)
    if opened:
        raise CatalogError(f"{filename} line {opened}: {BEGIN} is never closed by {END}")
    return "\n".join(kept).rstrip() + "\n"


def translated_solution(catalog: Catalog, module: str, language: str) -> str:
    """Return the source of a module's solution with its docstrings and TODOs in a language."""
    with speaking(language, catalog.translations):
        return rewrite_prose(read_source(catalog.solution(module)), tr)


def whole_solution(catalog: Catalog, unit: str) -> str:
    """Return the solution of a unit as one module, also if it is made of several files.

    Raises:
        CatalogError: a file is missing, or they cannot be joined.
    """
    return join_files({module: read_source(catalog.solution(module)) for module in catalog.units[unit].modules})


def whole_translation(catalog: Catalog, unit: str, language: str) -> str:
    """Return the solution of a unit as one module, with its docstrings and TODOs in a language."""
    modules = catalog.units[unit].modules
    return join_files({module: translated_solution(catalog, module, language) for module in modules})


def join_files(texts: Mapping[str, str]) -> str:
    """Return the files of a unit as one module: the unit's own last, and none imports from another.

    Args:
        texts: by module, the unit's own first; the others in the order in which they need each other. Without any, the
            module is empty.

    Raises:
        CatalogError: one imports another otherwise than by `from module import name`.
    """
    if len(texts) < 2:
        return "".join(texts.values())
    (own, text), *others = texts.items()
    docstring, futures, rest = _body_of(own, text, texts)
    bodies = [_body_of(name, split_at_start(other)[0], texts) for name, other in others]
    first = [docstring, *dict.fromkeys([*futures, *(line for body in bodies for line in body[1])])]
    pieces = ["\n".join(filter(None, first)), *(body[2] for body in bodies), rest]
    return "\n\n\n".join(piece.strip("\n") for piece in pieces if piece.strip()) + "\n"


def _body_of(name: str, text: str, modules: Mapping[str, str]) -> tuple[str, list[str], str]:
    """Return the docstring of a source, its imports of `__future__`, and its other lines without imports of the modules."""
    tree, lines = ast.parse(text), text.splitlines()
    top = (tree.body[0].end_lineno or 0) if ast.get_docstring(tree) is not None else 0
    docstring = "\n".join(lines[:top])
    lines[:top] = [""] * top
    futures = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        whole = isinstance(node, ast.Import) or node.module in (None, "exercises")
        if whole and any(alias.name.rpartition(".")[2] in modules for alias in node.names):
            raise CatalogError(
                f"{name}.py line {node.lineno}: a file of a unit imports another by `from ... import name`"
            )
        if isinstance(node, ast.Import):
            continue
        again = [f"{alias.asname} = {alias.name}" for alias in node.names if alias.asname]
        if node.module == "__future__":
            futures.append(ast.unparse(node))
        elif (node.module or "").rpartition(".")[2] not in modules:
            continue
        last = node.end_lineno or node.lineno
        kept = lines[node.lineno - 1][: node.col_offset] + ("; ".join(again) or ("pass" if node.col_offset else ""))
        lines[node.lineno - 1 : last] = [kept, *[""] * (last - node.lineno)]
    return docstring, futures, "\n".join(lines)


def imported_solutions(catalog: Catalog, *sources: str) -> dict[str, str]:
    """Return the solutions of the course's modules that sources import, directly or by way of others, by module.

    A source that does not parse imports nothing. A solution may be missing.
    """
    found: dict[str, str] = {}
    waiting = list(sources)
    while waiting:
        for name in imported_names(waiting.pop()) & catalog.modules.keys() - found.keys():
            if catalog.solution(name).is_file():
                found[name] = read_source(catalog.solution(name))
                waiting.append(found[name])
    return found


def imported_names(source: str) -> set[str]:
    """Return the names of the modules that a source imports, without their packages; none if it is no Python."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError):
        return set()
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            names |= {node.module or "", *(alias.name for alias in node.names if node.module in (None, "exercises"))}
    return {name.rpartition(".")[2] for name in names}


def question_block(question: Question) -> str:
    """Return the lines of a unit's file in which a student answers a question."""
    worth = "1 point" if question.points == 1 else f"{question.points:g} points"
    asked = textwrap.wrap(f"Question {question.name} ({worth}, read by people): {question.text}", 110)
    lines = [
        *(f"# {line}" for line in asked),
        f"{ANSWER} {question.name}",
        '"""',
        "",
        '"""',
        f"{END_ANSWER} {question.name}",
    ]
    return "\n".join(lines) + "\n"


def with_questions(text: str, unit: Unit) -> str:
    """Return a skeleton with a place for the answer to each question of its unit, at the end."""
    return text + "".join(f"\n\n{question_block(question)}" for question in unit.questions.values())


def first_text(catalog: Catalog, module: str, solution: str) -> str:
    """Return the text that a student's file begins as; that of a unit's own has its questions at the end."""
    text = skeleton(solution, f"{module}.py")
    return with_questions(text, catalog.units[module]) if module in catalog.units else text


def starting_text(catalog: Catalog, module: str) -> str:
    """Return the text that a student's file begins as: made from its solution, or as a release without solutions keeps it.

    Raises:
        CatalogError: the course has neither.
    """
    if catalog.solution(module).is_file():
        return first_text(catalog, module, read_source(catalog.solution(module)))
    return read_source(catalog.skeleton(module))


def untouched_texts(catalog: Catalog) -> dict[str, str]:
    """Return the text that each file of a student begins as; empty if the course has neither a solution nor a skeleton."""
    texts = {}
    for module in catalog.modules:
        source = next((path for path in (catalog.solution(module), catalog.skeleton(module)) if path.is_file()), None)
        text = "" if source is None else _text_from(source, source.stat().st_mtime_ns)
        own = source is not None and source.suffix == ".py" and module in catalog.units
        texts[module] = with_questions(text, catalog.units[module]) if own else text
    return texts


@functools.lru_cache(maxsize=64)
def _text_from(source: Path, _: int) -> str:
    """Return the skeleton that a solution gives or a file holds, once for each state of the file: each submission asks."""
    text = read_source(source)
    return skeleton(text, source.name) if source.suffix == ".py" else text


def solution_lines(solution: str) -> set[str]:
    """Return the lines inside the regions, without those too short to give anything away."""
    lines: set[str] = set()
    inside = False
    for line in solution.splitlines():
        if line.strip() in (BEGIN, END):
            inside = line.strip() == BEGIN
        elif inside and len(line.strip()) > _HARMLESS_LENGTH:
            lines.add(line.strip())
    return lines


def write_skeletons(
    catalog: Catalog, units: tuple[Unit, ...], language: str = ENGLISH
) -> list[tuple[Path, Path | None]]:
    """Write the files of units in `exercises/` from their solutions, in a language; one that differs is kept as a backup.

    Returns:
        The files written, each with its backup, if there was something to keep. Files in step are left alone.
    """
    texts = {
        module: first_text(catalog, module, translated_solution(catalog, module, language))
        for unit in units
        for module in unit.modules
    }
    files = [
        replace_keeping_backup(catalog.exercise(name), text, catalog.exercise(name).parent)
        for name, text in texts.items()
    ]
    return [file for file in files if file is not None]


def replace_keeping_backup(path: Path, text: str, backups: Path) -> tuple[Path, Path | None] | None:
    """Write a file unless it holds that text already. Return its path and that of the backup of an earlier file, if any.

    Raises:
        GraderError: it cannot be written, or no backup can be made.
    """
    try:
        if path.is_file() and path.read_bytes() == text.encode("utf-8"):
            return None
        backup = _back_up(path, backups) if path.is_file() else None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        advice = "make room for it, or mend its folder, and run the same command again"
        raise GraderError(f"{path} cannot be written ({error.strerror}); {advice}") from error
    return path, backup


def read_source(path: Path) -> str:
    """Read a file of the course.

    Raises:
        CatalogError: it cannot be read, or is no text in UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise CatalogError(f"{path} is no text in UTF-8; save it again as UTF-8") from error
    except OSError as error:
        raise CatalogError(f"{path} cannot be read ({error.strerror}); the course needs it") from error


def source_lines(text: str) -> list[str]:
    """Return the lines of a source with their ends, as Python counts them: no form feed or U+2028 ends a line."""
    return list(io.StringIO(text, newline=""))


def bare_lines(text: str) -> list[str]:
    """Return the lines of a source without their ends, counted as Python does."""
    return [line.rstrip("\r\n") for line in source_lines(text)]


def _back_up(path: Path, folder: Path) -> Path:
    """Copy a file to the first free `<name>.bak`, `<name>.bak.1`, ... of a folder."""
    folder.mkdir(exist_ok=True)
    names = itertools.chain([f"{path.name}.bak"], (f"{path.name}.bak.{i}" for i in itertools.count(1)))
    backup = next(folder / name for name in names if not (folder / name).exists())
    shutil.copy2(path, backup)
    return backup


def _functions_by_line(source: str, filename: str) -> dict[int, str]:
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise CatalogError(f"{filename} line {error.lineno} is no valid Python ({error.msg})") from error
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {line: node.name for node in functions for line in range(node.lineno, (node.end_lineno or node.lineno) + 2)}


def _require_todo(kept: list[str], filename: str, number: int) -> None:
    comment = itertools.takewhile(lambda line: line.lstrip().startswith("# "), reversed(kept))
    if not any(line.lstrip().startswith("# TODO: ") for line in comment):
        raise CatalogError(f"{filename} line {number}: a region needs a `# TODO: ...` line right before it")


def first_line(node: ast.stmt) -> int:
    """Return the number of a statement's first line, which is that of its first decorator if it has any."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def split_at_start(source: str) -> tuple[str, str]:
    """Return the part of a source up to `if __name__ == "__main__":`, and the rest; nothing if it has no such statement."""
    starts = [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"
    ]
    lines = source.splitlines(keepends=True)
    at = starts[-1].lineno - 1 if starts else len(lines)
    return "".join(lines[:at]), "".join(lines[at:])
