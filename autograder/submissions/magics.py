"""Read a cell as IPython does: a magic or a shell line becomes the Python that does the same, or `pass`."""

import keyword
import re

from autograder.course.skeletons import bare_lines
from autograder.submissions.module import tree_or_none

#: Lines that IPython does not read as Python: magics, shell lines, requests for help; also `files = !ls`.
_MAGIC = re.compile(r"(\s*)(?:[%!?]|[\w.,\s]+=\s*[%!]|[\w.]+\?{1,2}\s*$)")
#: Magics that IPython knows without their `%` where one is all that a cell has.
_AUTOMATIC = re.compile(
    r"(?:alias|autoreload|bookmark|cat|cd|conda|config|cp|debug|env|hist(?:ory)?|less|load|load_ext|l[dflsx]?|ls|ldir|mamba|"
    r"man|matplotlib|mkdir|more|mv|pdoc|pinfo|pip|popd|precision|prun|psource|pushd|pwd|pycat|pylab|reload_ext|reset|rm|"
    r"rmdir|run|save|set_env|store|sx|system|time|timeit|unload_ext|uv|who|whos|xmode)\s+[^\s=].*"
)
#: A magic that runs one line of Python in its place; inside a function it binds no name there.
_TIME = re.compile(r"%time\s+(?P<code>.+)")
#: A magic that runs a script or a notebook and takes its names. Inside a function no import of all names can stand for it.
_RUN = re.compile(
    r"\s*%run\s+(?:-\w+\s+)*(?P<quote>['\"])?(?:\./)?(?P<path>[^\W\d]\w*(?:/[^\W\d]\w*)*)(?:\.(?:py|ipynb))?"
    r"(?(quote)(?P=quote))\s*(?:#.*)?"
)
#: The same as a call.
_RUN_CALL = re.compile(r"(\s*)get_ipython\(\)\.(?:run_line_)?magic\(\s*(['\"])run(?:\2\s*,\s*\2| )([^'\"]+)\2\s*\)\s*")
#: Comment that marks the import of a script that `%run` names.
_SCRIPT = "# %run"
#: What opens or closes a text or a bracket; `\\.` takes an escaped quote, which does neither.
_DELIMITER = re.compile(r"""\\.|'''|\"{3}|['"#()\[\]{}]""")
#: A magic of a whole cell that writes it into a file; into that of the unit, it is the unit.
_WRITEFILE = re.compile(
    r"%%(?:write)?file\s+(?P<more>(?:-a|--append)\s+)?(?P<quote>['\"])?"
    r"(?P<path>(?:(?(quote)[^'\"]|\S)*/)?(?P<stem>\w+)\.py)(?(quote)(?P=quote))\s*$"
)
#: The same magic for any other file.
_WRITE_ANY = re.compile(
    r"%%(?:write)?file\s+(?P<more>(?:-a|--append)\s+)?(?P<path>'[^'{}$]+'|\"[^\"{}$]+\"|[^\s'\"{}$]+)\s*$"
)
#: A magic that sets a variable of the environment; in braces or behind a `$` it would read names of the notebook.
_ENVIRONMENT = re.compile(r"%(?:set_)?env\s+(?:(?P<name>\w+)\s*=|(?P<other>\w+)\s)\s*(?P<value>[^{}$]*?)\s*")
#: A line that keeps the value of a variable of the environment.
_ENVIRONMENT_VALUE = re.compile(r"(?P<target>[\w.]+\s*=)\s*%env\s+(?P<name>\w+)")
#: A magic that takes the names of NumPy and matplotlib.
_PYLAB = re.compile(r"%pylab\b(?!.*--no-import-all).*")
#: A line that keeps what a shell command prints.
_SHELL_OUTPUT = re.compile(r"(?P<target>[\w.]+\s*=)\s*!.*")
#: The magics of a whole cell that run it as Python, in its place.
_PYTHON_MAGICS = ("%%time", "%%capture", "%%prun", "%%debug", "%%wandb", "%%notify", "%%memit")


def without_magics(text: str, unit: str) -> str:
    """Return a cell with the code of its magics and shell lines, or `pass`, in their places, so that line numbers stay.

    A cell that `%%writefile` writes into the unit's own file is code; one for another Python file, or with another magic for
    whole cells, is left out; one for any other file becomes a statement that writes the file.
    """
    if _AUTOMATIC.fullmatch(text.strip()) and tree_or_none(text.strip()) is None:
        text = f"%{text.strip()}"
    lines = bare_lines(text)
    start = text.lstrip().partition("\n")[0].strip()
    written = _WRITEFILE.match(start)
    if _is_of_another_magic(start) and not (written and written["stem"] == unit):
        return "" if written else _code_that_writes(text)
    in_command, statement = False, _Statement()
    for number, line in enumerate(lines):
        match = None if statement.goes_on else _MAGIC.match(line)
        if not in_command and match is None:
            statement.read(line)
            continue
        code = "" if in_command or match is None else _code_of_magic(line)
        if is_script_import(code) and _is_in_function(lines[: number + 1]):
            code = ""
        lines[number] = "" if in_command or match is None else code or f"{match[1]}pass"
        in_command = line.rstrip().endswith("\\")  # a shell command may take several lines
    return "\n".join(lines)


def with_run_as_magic(text: str) -> str:
    """Return a cell in which `get_ipython().run_line_magic("run", ...)` is written as `%run`."""
    return "\n".join(_RUN_CALL.sub(r"\1%run \3", line) for line in bare_lines(text))


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


def is_left_out(text: str) -> bool:
    """Return True for a cell whose magic neither runs it as Python nor writes it into a file."""
    start = text.lstrip().partition("\n")[0].strip()
    return _is_of_another_magic(start) and not _WRITEFILE.match(start) and not _WRITE_ANY.match(start)


def is_script_import(line: str) -> bool:
    """Return True for an import that stands in the place of `%run`."""
    return line.rstrip().endswith(_SCRIPT)


def runs_not_followed(text: str) -> list[str]:
    """Return the lines of a cell that run a file which cannot be imported, such as `%run my-helpers.py`."""
    lines = [_RUN_CALL.sub(r"\1%run \3", line) for line in bare_lines(text)]
    return [
        line.strip()
        for line in lines
        if line.strip().startswith("%run ") and not is_script_import(_code_of_magic(line))
    ]


def _is_in_function(lines: list[str]) -> bool:
    """Return True if the last of some lines stands in a function or a class, as far as the indents of those above tell."""
    indent = len(lines[-1]) - len(lines[-1].lstrip())
    for line in reversed(lines[:-1]):
        own = len(line) - len(line.lstrip())
        if line.strip() and own < indent:
            if re.match(r"\s*(?:async\s+)?(?:def|class)\b", line):
                return True
            indent = own
    return False


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

    It is the statement behind `%time`, an import for `%run` and `%pylab`, a variable of the environment for `%env`, an empty
    list for what a shell command would print.
    """
    if _PYLAB.fullmatch(line):
        return "from pylab import *"
    script = _RUN.fullmatch(line)
    indent, plain = line[: len(line) - len(line.lstrip())], line.strip()
    if script and not any(map(keyword.iskeyword, script["path"].split("/"))):
        return f"{indent}from {script['path'].replace('/', '.')} import *  {_SCRIPT}"
    shell, variable = _SHELL_OUTPUT.fullmatch(plain), _ENVIRONMENT.fullmatch(plain)
    value = _ENVIRONMENT_VALUE.fullmatch(plain)
    if shell:
        return f"{indent}{shell['target']} []"
    if value:
        return f"{indent}{value['target']} __import__('os').environ.get({value['name']!r}, '')"
    if variable:
        name = variable["name"] or variable["other"]
        return f"{indent}import os; os.environ[{name!r}] = {variable['value']!r}"
    found = _TIME.fullmatch(line)
    tree = tree_or_none(found["code"]) if found else None
    return found["code"] if found and tree is not None and tree.body else ""


class _Statement:
    """Lines of Python that are read one after another: it knows if a text or a bracket is still open, valid or not."""

    def __init__(self) -> None:
        self._quote = ""
        self._brackets = 0
        self._joined = False

    @property
    def goes_on(self) -> bool:
        """Return True if the next line belongs to the same statement."""
        return bool(self._quote or self._brackets or self._joined)

    def read(self, line: str) -> None:
        """Read the next line."""
        is_comment = False
        for delimiter in _DELIMITER.findall(line):
            if self._quote:
                self._quote = "" if delimiter.startswith(self._quote) else self._quote
            elif delimiter[0] in "'\"":
                self._quote = delimiter
            elif delimiter == "#":
                is_comment = True
                break
            elif delimiter in "([{":
                self._brackets += 1
            elif delimiter in ")]}":
                self._brackets = max(0, self._brackets - 1)
        self._joined = line.endswith("\\") and not is_comment
        if len(self._quote) == 1 and not self._joined:
            self._quote = ""  # an ordinary text ends with its line


def without_indent(text: str) -> str:
    """Return a cell whose lines begin where its first one does, as IPython reads it."""
    indent = re.match(r"[ \t]*", text.lstrip("\n"))
    return "\n".join(line.removeprefix(indent[0]) for line in bare_lines(text)) if indent else text
