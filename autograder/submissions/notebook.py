"""Make one module of a notebook: its definitions, and the statements that they need.

Everything else in its cells (calls, plots, training, pictures that were loaded to be looked at) is left out, because it would
run in every worker; a note says so. A cell that is no Python costs the functions that it defines, and no others, as in a
kernel.
"""

import ast
import builtins
import keyword
import re
import symtable
import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from autograder.course.skeletons import first_line, source_lines
from autograder.submissions.module import Module, parse, parse_quietly
from autograder.submissions.statements import (
    DEFINITIONS,
    alias_of,
    bound_names,
    effects_by_name,
    files_named,
    imported_names,
    names_a_method_may_change,
    names_a_setting_changes,
    names_bound_anew,
    names_own_functions_change,
)

if TYPE_CHECKING:
    from nbformat import NotebookNode

#: Lines that IPython does not read as Python: magics, shell lines, requests for help; also `files = !ls`.
_MAGIC = re.compile(r"(\s*)(?:[%!?]|[\w.,\s]+=\s*[%!]|[\w.]+\?{1,2}\s*$)")
#: A magic that runs one line of Python in its place; inside a function it binds no name there.
_TIME = re.compile(r"%time\s+(?P<code>.+)")
#: A magic that runs a script and takes its names. Inside a function it could not stand for an import of all names.
_RUN = re.compile(r"%run\s+(?:-\w+\s+)*(?:\./)?(?P<path>[^\W\d]\w*(?:/[^\W\d]\w*)*)\.py\s*")
#: Comment that marks the import of a script that `%run` names.
_SCRIPT = "# %run"
#: What opens or closes a text or a bracket, with `\\.` so that no escaped quote counts.
_DELIMITER = re.compile(r"""\\.|'''|\"{3}|['"#()\[\]{}]""")
#: A magic of a whole cell that writes it into a file; into that of the unit, it is the unit.
_WRITEFILE = re.compile(r"%%(?:write)?file\s+(?P<more>(?:-a|--append)\s+)?(?P<path>(?:\S*/)?(?P<stem>\w+)\.py)\s*$")
#: The same magic for any other file.
_WRITE_ANY = re.compile(
    r"%%(?:write)?file\s+(?P<more>(?:-a|--append)\s+)?(?P<path>'[^'{}$]+'|\"[^\"{}$]+\"|[^\s'\"{}$]+)\s*$"
)
#: A magic that sets a variable of the environment; in braces or behind a `$` it would read names of the notebook.
_ENVIRONMENT = re.compile(r"%(?:set_)?env\s+(?:(?P<name>\w+)\s*=|(?P<other>\w+)\s)\s*(?P<value>[^{}$]*?)\s*")
#: A line that keeps what a shell command prints.
_SHELL_OUTPUT = re.compile(r"(?P<target>[\w.]+\s*=)\s*!.*")
#: Functions and methods that make folders or files.
_MAKING = {"makedirs", "mkdir", "touch", "open", "write_text", "write_bytes", "save", "savez", "savetxt"}
_LISTED_CELLS = 8
_GUARDS = ("__name__ == '__main__'", "'__main__' == __name__")
_LOOPS = (ast.For, ast.While, ast.With)
#: The magics of a whole cell that run it as Python, in its place.
_PYTHON_MAGICS = ("%%time", "%%capture", "%%prun", "%%debug", "%%wandb", "%%notify", "%%memit")


@dataclass(frozen=True)
class _Cell:
    """A cell that is Python: its number, its source, and what that says."""

    number: int
    text: str
    tree: ast.Module


def code_cells(data: bytes) -> list[tuple[int, str]]:
    """Return the code cells of a notebook with their numbers, without those that hold nbgrader's checks.

    Raises:
        Exception: of any kind, if it is no notebook.
    """
    import nbformat

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about cells without an id, and other things that are no matter here
        # nbformat has no types.
        notebook = nbformat.reads(data.decode("utf-8-sig"), as_version=4)  # type: ignore[no-untyped-call] # untyped there
    code = enumerate(filter(_is_code, notebook.cells), 1)
    return [(number, str(cell.source)) for number, cell in code if not _is_check(cell)]


def join_cells(empty: Module, cells: list[tuple[int, str]], graded: Collection[str]) -> Module:
    """Return the definitions of all cells, and what they need, as one module that knows the place of each of its lines.

    Args:
        empty: the module without its source.
        cells: numbers and sources.
        graded: names that may also be defined by an assignment.
    """
    read = [_read(empty, number, text) for number, text in cells]
    valid = [cell for cell in read if isinstance(cell, _Cell)]
    problems = [cell for cell in read if isinstance(cell, Module)]
    kept = _needed_statements(valid, graded)
    if problems and not kept:
        return replace(problems[0], text="", cells=())
    defined = {name for cell in valid for node in cell.tree.body if node in kept for name in bound_names(node)}
    # A kernel takes imports of the future anywhere, a module at its top.
    futures = [(cell.number, node) for cell in valid for node in cell.tree.body if node in kept and _is_future(node)]
    lines = [ast.unparse(node) for _, node in futures]
    places = [(number, node.lineno) for number, node in futures]
    for (number, text), cell in zip(cells, read, strict=True):
        own = _lines(cell, kept) if isinstance(cell, _Cell) else _stubs(text, cell.problem, defined)
        lines += own
        places += [(number, line) for line in range(1, len(own) + 1)]
    notes = (
        *(problem.problem for problem in problems),
        *_left_out_by_magics(empty, cells),
        *_left_out(empty, valid, kept),
    )
    return replace(empty, text="\n".join(lines) + "\n", cells=tuple(places), notes=notes)


def _is_code(cell: "NotebookNode") -> bool:
    """Return True if a cell holds code, or did when nbgrader released it."""
    return cell.cell_type == "code" or _facts(cell).get("cell_type") == "code"


def _is_check(cell: "NotebookNode") -> bool:
    """Return True if a cell holds checks that nbgrader has put there."""
    return _facts(cell).get("grade") is True and _facts(cell).get("solution") is not True


def _facts(cell: "NotebookNode") -> dict[str, object]:
    """Return nbgrader's metadata of a cell; none if they are no mapping."""
    facts = cell.metadata.get("nbgrader") if isinstance(cell.metadata, dict) else None
    return facts if isinstance(facts, dict) else {}


def _read(empty: Module, number: int, text: str) -> _Cell | Module:
    """Return the cell, or a module with the sentence about what is wrong with it."""
    here = tuple((number, line) for line in range(1, text.count("\n") + 2))
    plain = without_magics(text, empty.unit)
    for source in (text, plain, _without_indent(plain)):
        # First try the cell as it stands: a line of Python may begin with an operator that looks like a magic.
        module, tree = parse(replace(empty, text=source, cells=here))
        if tree is not None:
            return _as_main(_Cell(number, source, tree))
    return module


def _as_main(cell: _Cell) -> _Cell:
    """Return a cell in which `__name__ == "__main__"` holds, as in a kernel: the module has the name of its unit.

    What stands under such a condition alone becomes statements of the cell itself, so that those which no function needs can
    be left out.
    """
    names = [
        each
        for node in ast.walk(cell.tree)
        if isinstance(node, ast.Compare)
        for each in (node.left, *node.comparators)
        if isinstance(each, ast.Name) and each.id == "__name__"
    ]
    if not names:
        return cell
    lines = _ended_lines(cell.text)
    for name in sorted(names, key=lambda each: (each.lineno, each.col_offset), reverse=True):
        line = lines[name.lineno - 1].encode()  # columns count bytes
        start, end = name.col_offset, name.end_col_offset or name.col_offset
        if line[start:end] == b"__name__":  # in an f-string, Python tells other columns
            lines[name.lineno - 1] = (line[:start] + b"'__main__'" + line[end:]).decode()
    for text in (_without_guards(lines, cell.tree), "\n".join(lines)):
        try:
            return _Cell(cell.number, text, parse_quietly(text))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return cell


def _without_guards(lines: list[str], tree: ast.Module) -> str:
    """Return a text in which what stands under `if __name__ == "__main__":` begins at the margin, each line in its place."""
    lines = list(lines)
    for guard in tree.body:
        if not isinstance(guard, ast.If) or guard.orelse or ast.unparse(guard.test) not in _GUARDS:
            continue
        first, last = first_line(guard.body[0]), guard.end_lineno or guard.lineno
        if first == guard.lineno:  # `if ...: main()`, with more of the line added by the new name
            lines[first - 1] = re.sub(r"^if\b[^:]*:\s*", "", lines[first - 1])
            continue
        indent = re.match(r"[ \t]*", lines[first - 1])
        inside = {
            number
            for node in ast.walk(guard)
            if isinstance(node, ast.Constant | ast.JoinedStr)
            for number in range(node.lineno + 1, (node.end_lineno or node.lineno) + 1)
        }
        lines[guard.lineno - 1 : first - 1] = [""] * (first - guard.lineno)
        for number in range(first, last + 1):
            if indent and number not in inside:
                lines[number - 1] = lines[number - 1].removeprefix(indent[0])
    return "\n".join(lines)


def without_magics(text: str, unit: str) -> str:
    """Return a cell with `pass` in place of its magics and shell lines, so that line numbers stay.

    A cell that `%%writefile` writes into the unit's own file is code; into another Python file, or for another magic, it is
    not. Into any other file, it is a statement that writes it.
    """
    lines = _ended_lines(text)
    start = text.lstrip().partition("\n")[0].strip()
    written = _WRITEFILE.match(start)
    if _is_of_another_magic(start) and not (written and written["stem"] == unit):
        return "" if written else _code_that_writes(text)
    goes_on, statement = False, _Statement()
    for number, line in enumerate(lines):
        match = None if statement.goes_on else _MAGIC.match(line)
        if goes_on or match:
            lines[number] = "" if goes_on or match is None else _code_of_magic(line) or f"{match[1]}pass"
            goes_on = line.rstrip().endswith("\\")  # a shell command may take several lines
        else:
            statement.read(line)
    return "\n".join(lines)


def _is_of_another_magic(start: str) -> bool:
    """Return True for a cell that begins with a magic which does not run it as Python in the kernel."""
    words = start.split()
    runs = words[:1] == ["%%skip"] and words[1:] in (["False"], ["0"])
    return start.startswith("%%") and words[0] not in _PYTHON_MAGICS and not runs


def _code_that_writes(text: str) -> str:
    """Return a statement that does what `%%writefile` does; nothing for a cell of another magic."""
    first, _, rest = text.lstrip().partition("\n")
    found = _WRITE_ANY.match(first.strip())
    if not found:
        return ""
    path = found["path"].strip("'\"")
    folder = path.rpartition("/")[0]
    # The notebook makes its folder by a shell line, which is left out here.
    made = f"__import__('os').makedirs({folder!r}, exist_ok=True)\n" if folder else ""
    mode = "a" if found["more"] else "w"
    content = rest.rstrip("\n") + "\n"
    return f"{made}with open({path!r}, {mode!r}, encoding='utf-8') as _file: _file.write({content!r})"


def _code_of_magic(line: str) -> str:
    """Return what a magic does, as Python; nothing for most of them.

    It is the statement behind `%time`, an import for `%run`, a variable of the environment for `%env`, an empty list for
    what a shell command would print.
    """
    script = _RUN.fullmatch(line)
    if script and not any(map(keyword.iskeyword, script["path"].split("/"))):
        return f"from {script['path'].replace('/', '.')} import *  {_SCRIPT}"
    indent, plain = line[: len(line) - len(line.lstrip())], line.strip()
    shell, variable = _SHELL_OUTPUT.fullmatch(plain), _ENVIRONMENT.fullmatch(plain)
    if shell:
        return f"{indent}{shell['target']} []"
    if variable:
        name = variable["name"] or variable["other"]
        return f"{indent}import os; os.environ[{name!r}] = {variable['value']!r}"
    found = _TIME.fullmatch(line)
    try:
        return found["code"] if found and parse_quietly(found["code"]).body else ""
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""


class _Statement:
    """Lines of Python that are read one after another: a text or brackets in them may be open, valid or not."""

    def __init__(self) -> None:
        self._quote = ""
        self._brackets = 0
        self._joined = False

    @property
    def goes_on(self) -> bool:
        """True if the next line belongs to the same statement."""
        return bool(self._quote or self._brackets or self._joined)

    def read(self, line: str) -> None:
        """Read the next line."""
        comment = False
        for delimiter in _DELIMITER.findall(line):
            if self._quote:
                self._quote = "" if delimiter.startswith(self._quote) else self._quote
            elif delimiter[0] in "'\"":
                self._quote = delimiter
            elif delimiter == "#":
                comment = True
                break
            elif delimiter in "([{":
                self._brackets += 1
            elif delimiter in ")]}":
                self._brackets = max(0, self._brackets - 1)
        self._joined = line.endswith("\\") and not comment
        if len(self._quote) == 1 and not self._joined:
            self._quote = ""  # an ordinary text ends with its line


def _without_indent(text: str) -> str:
    """Return a cell whose lines begin where its first one does, as IPython reads it."""
    indent = re.match(r"[ \t]*", text.lstrip("\n"))
    return "\n".join(line.removeprefix(indent[0]) for line in _ended_lines(text)) if indent else text


def written_texts(cells: list[tuple[int, str]]) -> dict[str, str]:
    """Return what the cells of a notebook write with `%%writefile` into Python files, by path."""
    texts: dict[str, str] = {}
    for _, cell in cells:
        first, _, rest = cell.lstrip().partition("\n")
        written = _WRITEFILE.match(first.strip())
        if written:
            path = written["path"].removeprefix("./")
            texts[path] = texts.get(path, "") * bool(written["more"]) + rest.rstrip("\n") + "\n"
    return texts


def _needed_statements(cells: list[_Cell], graded: Collection[str]) -> set[ast.stmt]:
    """Return the definitions, and the statements that give values to what they need.

    A loop, and a call of a function that changes what it is given, is kept only for what the graded functions need, if there
    are any: other functions may show a training that it runs. So is a call of any method that may change something.
    """
    statements = [node for cell in cells for node in cell.tree.body]
    effects = {name: effect for node in statements for name, effect in effects_by_name(node)}
    imported = dict(pair for node in statements for pair in imported_names(node))
    aliases: dict[str, tuple[str, ast.stmt]] = {}
    binders: dict[str, list[ast.stmt]] = {}
    runs: set[ast.stmt] = {node for node in statements if isinstance(node, (*_LOOPS, ast.Delete))}
    for node in statements:
        names = [*bound_names(node), *names_a_setting_changes(node)]
        if isinstance(node, ast.Delete) and not all(_is_seen_later(target, binders) for target in node.targets):
            continue  # tidied up after the functions had been used, or run after a cell that is gone
        called = [] if isinstance(node, DEFINITIONS) else [*names_a_method_may_change(node, imported, effects)]
        if not set(called) <= set(names):
            runs.add(node)
        names += called
        anew = names_bound_anew(node)
        for name in [name for name in names if name in aliases and name not in anew]:
            while name in aliases:
                name, source = aliases[name]
                binders.setdefault(name, []).extend((source, node))
        aliases = {name: alias for name, alias in aliases.items() if name not in anew}
        alias = alias_of(node)
        if alias is not None and alias[0] != alias[1]:
            aliases[alias[0]] = alias[1], node
        for name in names:
            binders.setdefault(name, []).append(node)
        for name in () if isinstance(node, DEFINITIONS) else names_own_functions_change(node, effects):
            binders.setdefault(name, []).append(node)
            runs.add(node)
        for name in () if isinstance(node, DEFINITIONS) else set(files_named(node)):
            binders.setdefault(name, []).append(node)
            runs |= {node} if isinstance(node, ast.Expr) else set()
    definitions = [node for node in statements if _defines(node)]
    making = _statements_that_make_files(statements)
    kept = {*definitions, *making}
    roots = [*(name for name in graded if name in binders)]
    roots += ["*"] if roots else []
    everything = [*graded, *(name for cell in cells for name in _needed_by_functions(cell)), "*"]
    everything += [name for node in (*definitions, *making) for name in _names(node, inside=False)]
    if roots:
        kept |= _closure(roots, binders) | _closure(everything, binders, without=runs)
    else:
        kept |= _closure(everything, binders)
    read = {*everything, *(name for node in kept for name in _names(node, inside=False))}
    given = {*binders, *dir(builtins), "*"}
    return kept if read - given else kept - _script_imports(cells)  # a script that gives no name may be a training


def _is_seen_later(target: ast.expr, binders: Collection[str]) -> bool:
    """Return True for a `del` of a part of a value, or of a name that hides a builtin one."""
    if isinstance(target, ast.Name):
        return target.id in binders and hasattr(builtins, target.id)
    if isinstance(target, ast.Tuple | ast.List):
        return all(_is_seen_later(part, binders) for part in target.elts)
    return {each.id for each in ast.walk(target) if isinstance(each, ast.Name)} <= {*binders, *dir(builtins)}


def _script_imports(cells: list[_Cell]) -> set[ast.stmt]:
    """Return the imports that stand in the place of `%run`."""
    return {
        node
        for cell in cells
        for node in cell.tree.body
        if isinstance(node, ast.ImportFrom) and _ended_lines(cell.text)[node.lineno - 1].rstrip().endswith(_SCRIPT)
    }


def _statements_that_make_files(statements: list[ast.stmt]) -> list[ast.stmt]:
    """Return those that make folders or files, of nothing that the notebook's own functions or loops have computed."""
    plain, making = set(dir(builtins)), list[ast.stmt]()
    for node in statements:
        bound, names = set(bound_names(node)), set(filter(str.isidentifier, _names(node, inside=True)))
        of_plain = names - bound <= plain
        if of_plain and isinstance(node, ast.Import | ast.ImportFrom | ast.Assign):
            plain |= bound
        else:
            plain -= bound
            calls = [child.func for child in ast.walk(node) if isinstance(child, ast.Call)]
            called = {call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls}
            if of_plain and isinstance(node, ast.Expr | ast.With | ast.For) and called & _MAKING:
                making.append(node)
    return making


def _closure(names: list[str], binders: dict[str, list[ast.stmt]], without: Collection[ast.stmt] = ()) -> set[ast.stmt]:
    """Return the statements that bind these names, and those that bind what they read, and so on; none of `without`."""
    found: set[ast.stmt] = set()
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for node in binders.get(name, ()):
            if node not in found and node not in without:
                found.add(node)
                waiting += _names(node, inside=True)
    return found


def _left_out(module: Module, cells: list[_Cell], kept: set[ast.stmt]) -> Iterator[str]:
    """Yield a sentence about the cells of which something was left out, if there are any."""
    numbers = [
        cell.number for cell in cells if any(_does_something(node) for node in cell.tree.body if node not in kept)
    ]
    if numbers:
        more = ", ..." if len(numbers) > _LISTED_CELLS else ""
        listed = ", ".join(map(str, numbers[:_LISTED_CELLS])) + more
        yield f"{module.label}: statements that no function needs were left out ({_cells(numbers)} {listed})"


def _left_out_by_magics(module: Module, cells: list[tuple[int, str]]) -> Iterator[str]:
    """Yield a sentence about each cell with functions whose magic does not run it in the kernel."""
    for number, text in cells:
        start, _, rest = text.lstrip().partition("\n")
        if (
            not _is_of_another_magic(start.strip())
            or _WRITEFILE.match(start.strip())
            or _WRITE_ANY.match(start.strip())
        ):
            continue
        tree = parse(replace(module, text=without_magics(rest, module.unit)))[1]
        if tree is not None and any(map(_defines, tree.body)):
            yield f"{module.label} cell {number} was left out: it begins with {start.split()[0]}"


def _cells(numbers: list[int]) -> str:
    return "cell" if len(numbers) == 1 else "cells"


def _does_something(node: ast.stmt) -> bool:
    """Return True unless it is an import, a docstring or a `pass` in place of a magic."""
    constant = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return not constant and not isinstance(node, ast.Import | ast.ImportFrom | ast.Pass)


def _defines(node: ast.stmt) -> bool:
    """Return True if a statement defines functions or classes, itself or under a condition."""
    inner = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
    return isinstance(node, DEFINITIONS) or any(isinstance(child, DEFINITIONS) for child in inner)


def _needed_by_functions(cell: _Cell) -> Iterator[str]:
    """Yield the global names that the bodies of functions and classes refer to."""
    try:
        waiting = symtable.symtable(cell.text, "cell", "exec").get_children()
    except (SyntaxError, RecursionError, ValueError):  # what only the compiler finds; it will say so again
        return
    while waiting:
        table = waiting.pop()
        yield from (symbol.get_name() for symbol in table.get_symbols() if symbol.is_global())
        waiting += table.get_children()


def _names(node: ast.AST, *, inside: bool) -> Iterator[str]:
    """Yield the names that a statement reads; with `inside`, also those in the bodies of functions and classes."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, ast.Name):
            yield current.id
        elif isinstance(current, ast.Constant):
            yield from files_named(current)
        outer = isinstance(current, DEFINITIONS) and not inside
        waiting += _head(current) if outer else ast.iter_child_nodes(current)


def _head(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the parts of a definition that are evaluated in its place: decorators, defaults, annotations, bases."""
    for name, value in ast.iter_fields(node):
        if name != "body":
            yield from (
                child for child in (value if isinstance(value, list) else [value]) if isinstance(child, ast.AST)
            )


def _lines(cell: _Cell, kept: set[ast.stmt]) -> list[str]:
    """Return the lines of a cell, blank but for the statements that are kept, and without imports of the future.

    A statement may share a line with others, by a semicolon.
    """
    numbers: set[int] = set()
    for node in cell.tree.body:
        if node in kept:
            first = first_line(node)
            numbers |= set(range(first, (node.end_lineno or first) + 1))
    lines = [line if number in numbers else "" for number, line in enumerate(_ended_lines(cell.text), 1)]
    for node in reversed(cell.tree.body):  # from the back, so that the columns in front of it stay right
        if node not in kept or _is_future(node):
            _blank(lines, node)
    return lines


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _blank(lines: list[str], node: ast.stmt) -> None:
    """Put `pass` in the place of a statement in these lines, or nothing if it stands alone there; no other line moves."""
    first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
    before = lines[first].encode()[: node.col_offset].decode()  # columns count bytes
    behind = lines[last].encode()[node.end_col_offset :].decode()
    lines[first : last + 1] = [""] * (last + 1 - first)
    if first == last:
        lines[first] = f"{before}pass{behind}" if before.strip() or behind.strip() else ""
    else:
        lines[first] = f"{before}pass" if before.strip() else ""
        lines[last] = behind.lstrip().removeprefix(";").lstrip()


def _ended_lines(text: str) -> list[str]:
    """Return the lines of a text without their ends."""
    return [line.rstrip("\r\n") for line in source_lines(text)]


def _stubs(text: str, problem: str, defined: set[str]) -> list[str]:
    """Return a cell that is no Python with a stub for each of its functions that no other cell has; the stub says so."""
    found = [re.match(r"def\s+(\w+)", line) for line in _ended_lines(text)]
    wanted = [match if match and match[1] not in defined else None for match in found]
    return [f"def {match[1]}(*_, **__): raise SyntaxError({problem!r})" if match else "" for match in wanted]
