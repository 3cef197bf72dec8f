"""Turn the bytes of a script or a notebook into the module of a unit, and find the answers in it that people grade."""

import codecs
import io
import json
import re
import tokenize
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePath, PurePosixPath

from autograder.course.skeletons import bare_lines
from autograder.submissions.archives import MAX_FILE_BYTES, Entry
from autograder.submissions.entries import reason
from autograder.submissions.magics import without_magics, written_texts
from autograder.submissions.module import Module, parse_module
from autograder.submissions.notebook import code_cells, join_cells

#: A syntax tree takes up to a thousand times the room of its text.
MAX_SOURCE_BYTES = 256 * 2**10
#: Python reads many more, and some of them take for ever (`punycode`, `idna`). The other ones here are tables of letters.
_ENCODINGS = re.compile(
    r"utf-8(?:-sig)?|ascii|iso8859-\d+|cp\d+|koi8-[ru]|mac-\w+|gbk|gb2312|gb18030|big5|shift_jis|euc_\w+"
)


@dataclass(frozen=True)
class File:
    """A file of a submission, as it was handed in.

    Attributes:
        path: inside the submission.
        size: in bytes; more than `data` holds if it is more than may be handed in.
        data: its bytes.
        fault: why it cannot be read.
    """

    path: PurePosixPath
    size: int
    data: bytes = b""
    fault: str = ""


def read_file(entry: Entry) -> File:
    """Read a file's bytes, as many as may be handed in and one more."""
    limit = _limit(entry.path)
    try:
        data = entry.read(limit + 1) if entry.size <= limit else b""
    except Exception as error:  # whatever a broken archive makes the libraries say
        return File(entry.path, entry.size, fault=reason(error))
    return File(entry.path, max(entry.size, len(data)), data)


def module_from(unit: str, file: File, graded: Collection[str] = (), filename: str = "") -> Module:
    """Return the module of a unit, from a file of a submission; whatever is wrong with the file is its `problem`.

    Args:
        unit: its name.
        file: the file.
        graded: names that a notebook may also define by an assignment.
        filename: by which the student knows it; by default its name, or its path if that is absolute.
    """
    filename = filename or (str(Path(file.path)) if file.path.is_absolute() else file.path.name)
    empty, limit = Module(unit, filename), _limit(file.path)
    if file.fault:
        return empty.with_problem(f"cannot be read ({file.fault}); hand it in again")
    if file.size > limit:
        return empty.with_problem(f"is {_more_than(file.size, limit)}; hand in code without data or output")
    if not file.data.strip():
        return empty.with_problem("is empty; hand in the file that you have worked on")
    if _is_notebook(file):
        return _notebook(replace(empty, filename=str(PurePath(filename).with_suffix(".ipynb"))), file.data, graded)
    return _script(empty, file.data)


def python_pieces(unit: str, file: File) -> list[str] | None:
    """Return the code in a file as Python would be given it: a script as a whole, or the cells of a notebook.

    None for a file that cannot be read.
    """
    if file.fault or file.size > _limit(file.path):
        return None
    if not _is_notebook(file):
        return [file.data.decode("utf-8-sig", "replace")]
    try:
        return [without_magics(text, unit) for _, text in code_cells(file.data)]
    except Exception:  # nbformat raises whatever its schema and migrations raise
        return None


def written_files(file: File) -> list[File]:
    """Return the Python files that the cells of a notebook write, at the paths that they name."""
    if file.fault or file.size > _limit(file.path) or not _is_notebook(file):
        return []
    try:
        texts = written_texts(code_cells(file.data))
    except Exception:  # nbformat raises whatever its schema and migrations raise
        return []
    return [File(PurePosixPath(path), len(text.encode()), text.encode()) for path, text in texts.items()]


def _is_notebook(file: File) -> bool:
    """Return True for a notebook, also for one that was saved under the name of a script."""
    data = file.data.removeprefix(codecs.BOM_UTF8).lstrip()
    return file.path.suffix == ".ipynb" or (data.startswith(b"{") and b'"nbformat"' in data)


def _limit(path: PurePosixPath) -> int:
    return MAX_FILE_BYTES if path.suffix == ".ipynb" else MAX_SOURCE_BYTES


def _more_than(size: int, limit: int) -> str:
    allowed = f"{limit // 2**20} MB" if limit >= 2**20 else f"{limit // 2**10} KB"
    return f"{size / 2**20:.1f} MB, more than the {allowed} allowed"


def _script(empty: Module, data: bytes) -> Module:
    try:
        text = _decode(data)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        return empty.with_problem("is not UTF-8 text; save it again as UTF-8")
    module, tree = parse_module(replace(empty, text=text))
    return module if tree is not None else _read_as_notebook(module, text)


def _decode(data: bytes) -> str:
    """Return the text of a script, in the encoding that it names, with the line ends of Python.

    Raises:
        SyntaxError, UnicodeDecodeError, LookupError: it is in another encoding than it names, or in none that is read here.
    """
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    if not _ENCODINGS.fullmatch(codecs.lookup(encoding).name):
        raise LookupError(encoding)
    return data.decode(encoding).removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _read_as_notebook(refused: Module, text: str) -> Module:
    """Return a script that came out of a notebook with magics and shell lines in it, as a notebook reads them."""
    plain = without_magics(text, refused.unit) + "\n"
    pairs = zip(bare_lines(text), bare_lines(plain), strict=False)
    changed = [(number, old.strip()) for number, (old, new) in enumerate(pairs, 1) if old != new]
    if not plain.strip() or not changed:
        return refused
    (number, line), *_ = changed
    note = (
        f"{refused.place(number)}: read as a notebook reads it, because it has lines that are no Python ({line[:80]})"
    )
    return parse_module(replace(refused, text=plain, problem="", notes=(note,)))[0]


def _notebook(empty: Module, data: bytes, graded: Collection[str]) -> Module:
    try:
        cells = code_cells(data)
    except UnicodeDecodeError:
        return empty.with_problem("is not UTF-8 text; save it again in Jupyter")
    except Exception as error:  # nbformat raises whatever its schema and migrations raise
        return empty.with_problem(f"is not a notebook that can be read ({reason(error)}); save it again in Jupyter")
    size = sum(len(cell) for _, cell in cells)
    if size > MAX_SOURCE_BYTES:
        return empty.with_problem(f"holds code of {_more_than(size, MAX_SOURCE_BYTES)}; hand in code without data")
    return join_cells(empty, cells, graded)


#: The most letters of an answer, which a person reads; a longer one is cut.
_ANSWER_LENGTH = 10_000
#: Cells without an answer.
_NO_ANSWER = {"", "*Your answer*"}


def answers_in(files: Iterable[File], names: Iterable[str]) -> dict[str, str]:
    """Return the answer to each question that has one, by the question's name.

    Args:
        files: that were handed in for units.
        names: the names of the questions.
    """
    wanted, found = list(names), {}
    texts = [text for file in files for text in _texts(file)] if wanted else []
    for name in wanted:
        marked = [(cell, text, _text_between_marks(text, name)) for cell, text in texts]
        # A cell of a unit's notebook has the question too, and the marks around the answer; one of nbgrader's has neither.
        cells = (text for cell, text, answer in marked if cell == f"answer-{name}" and answer is None)
        answers = (answer for *_, answer in marked if answer)
        answer = next((each.strip() for each in (*cells, *answers) if each.strip() not in _NO_ANSWER), "")
        if answer:
            found[name] = answer[:_ANSWER_LENGTH]
    return found


def _text_between_marks(text: str, name: str) -> str | None:
    """Return what stands between the lines that mark an answer, without the quotes or signs of a comment around it.

    Return None if there are no such lines.
    """
    lines = rf"^[ \t]*### BEGIN ANSWER {re.escape(name)}[ \t]*\n(.*?)^[ \t]*### END ANSWER {re.escape(name)}[ \t]*$"
    match = re.search(lines, text, re.MULTILINE | re.DOTALL)
    if match is None:
        return None
    answer = match[1].strip()
    for quotes in ('"""', "'''"):
        answer = answer.removeprefix(quotes).removesuffix(quotes)
    return re.sub(r"^[ \t]*#[ \t]?", "", answer, flags=re.MULTILINE).strip()


def _texts(file: File) -> Iterator[tuple[str, str]]:
    """Yield the id and the text of each cell of a notebook, or the text of a script; nothing if it cannot be read."""
    if not _is_notebook(file):
        try:
            yield "", _decode(file.data)
        except (SyntaxError, UnicodeDecodeError, LookupError):  # an answer can be read, even if the code cannot
            yield "", file.data.decode("utf-8-sig", "replace").replace("\r\n", "\n")
        return
    try:
        cells = json.loads(file.data.decode("utf-8-sig", "replace"))["cells"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    for cell in cells if isinstance(cells, list) else []:
        if isinstance(cell, Mapping):
            source = cell.get("source", "")
            joined = "".join(map(str, source)) if isinstance(source, list) else str(source)
            yield _id(cell), joined


def _id(cell: Mapping[str, object]) -> str:
    metadata = cell.get("metadata")
    facts = metadata.get("nbgrader") if isinstance(metadata, Mapping) else None
    given = facts.get("grade_id") if isinstance(facts, Mapping) else None
    return str(given or cell.get("id", ""))
