"""Choose the file that counts for each unit: one with work in it, else the newest; never silently one of several.

The text of an untouched skeleton comes from the course as data. Nothing of the student's is executed here.
"""

import ast
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import PurePosixPath

from autograder.results.types import first_and_more
from autograder.submissions.archives import Entry
from autograder.submissions.entries import printable
from autograder.submissions.files import File, python_pieces, read_file
from autograder.submissions.module import parse_quietly, syntax_of, tree_or_none

#: The most files of one unit that are opened: the one at the first place, and the newest of the others.
_OPENED = 5
#: Seconds by which one of two files is surely newer: a checkout or an unpacking writes all files within less.
_SURELY_NEWER_SECONDS = 60
#: A name with its ending, and with what an editor, a mail program or a browser has put behind that: `u.py.txt`.
_ENDING = re.compile(
    r"(?P<stem>.+?)\.(?P<kind>py|ipynb)(?P<again> ?\(\d+\))?(?:\.(?:txt|json|download|py|ipynb))*", re.IGNORECASE
)
#: Words that desktops and notebooks put before the name of a copy.
COPY = "copy_of|kopie_von|copie_de|copia_de|copia_di|kopya_ng|copy|kopie|copie|copia|kopija|kopya|salinan"
#: Words that people and programs put behind the name of a copy or a version.
VERSION_WORDS = (
    rf"(?:{COPY})\d*|final|finished|done|new|newest|latest|fixed|corrected|updated|solved|solution|submission|version"
)
_VERSION = rf"{VERSION_WORDS}|v?\d{{1,3}}"
_NAME_LENGTH = 255
#: A file of checks of the student's own is not the unit.
_TESTS = re.compile(r"tests?_.*|.*_tests?")

#: Folder that Microsoft Teams makes for each hand-in.
_TEAMS = re.compile(r"Version (\d{1,4})")


@dataclass(frozen=True)
class _Candidate:
    """A file that may count for a unit.

    Attributes:
        worked: True if there is work in it.
        is_readable: False if nobody can tell what is in it.
    """

    entry: Entry
    file: File
    worked: bool
    is_readable: bool

    @property
    def name(self) -> str:
        return printable(self.entry.path)


def unit_of(filename: str, units: Iterable[str]) -> str | None:
    """Return the unit that a file name means, itself or as a copy or version of it; None if it means none."""
    found = _match_ending(filename)
    if found is None:
        return None
    names = sorted(units, key=len, reverse=True)
    own = [unit for unit in names if unit == found["stem"]]
    return next(iter(own + [unit for unit in names if _version(unit, found["stem"]) is not None]), None)


def read_unit(entry: Entry) -> File:
    """Read a file's bytes as those of a script or a notebook, whatever stands behind its ending."""
    return read_file(replace(entry, path=entry.path.with_name(_code_name(entry.path.name))))


def _code_name(filename: str) -> str:
    """Return a file name without what stands behind the ending of a script or a notebook."""
    found = _match_ending(filename)
    return filename if found is None else f"{found['stem']}{found['again'] or ''}.{found['kind'].lower()}"


def _match_ending(filename: str) -> re.Match[str] | None:
    return _ENDING.fullmatch(filename) if len(filename) <= _NAME_LENGTH and filename.isprintable() else None


def _version(unit: str, stem: str) -> str | None:
    """Return what stands behind the unit in the name of a copy or version, perhaps nothing; None for any other name."""
    found = re.fullmatch(
        rf"(?:(?:{COPY})_)*{_pattern(unit)}(?P<version>(?:_(?:{_VERSION})|(?<!\d)\d{{1,2}})*)", _plain(stem)
    )
    return found and found["version"]


def _pattern(unit: str) -> str:
    """Return the pattern of a unit's name inside a plain one: `variationloss` means `variation_loss` too."""
    return re.escape(unit.casefold()).replace("_", "_?")


def _plain(stem: str) -> str:
    """Return a name in small letters, with `_` between its words."""
    return re.sub(r"[\W_]+", "_", unicodedata.normalize("NFKC", stem).casefold()).strip("_")


def choose(
    entries: list[Entry], units: tuple[str, ...], untouched: Mapping[str, str]
) -> tuple[dict[str, Entry], list[str]]:
    """Return the file of each unit, and sentences about those that were left for it.

    Args:
        entries: the files of a submission.
        units: names of the units.
        untouched: text that a unit's file begins as, by unit.
    """
    chosen: dict[str, Entry] = {}
    notes: list[str] = []
    helpers = _imported_stems(entries, units)
    free = [
        (entry, unit_of(entry.path.name, units))
        for entry in entries
        if entry.path.stem in units or entry.path.stem not in helpers
    ]
    for unit in units:
        skeleton = untouched.get(unit, "")
        found = [entry for entry, meant in free if meant == unit]
        others = [entry for entry, meant in free if meant is None and _mentions(unit, entry)]
        if not found and len(entries) == 1:
            found = others or _without_ending(unit, entries)
        elif others and not any(_has_work(unit, read_unit(entry), skeleton) for entry in _to_open(unit, found)):
            found += [entry for entry in _to_open(unit, others) if _has_work(unit, read_unit(entry), skeleton)]
        found.sort(key=lambda entry: _rank(unit, entry))
        if len(found) > 1:
            opened = _to_open(unit, found)
            chosen[unit], said = _pick(unit, opened, skeleton)
            notes += said
            unopened = [printable(entry.path) for entry in found if entry not in opened]
            if unopened:
                notes.append(f"of {len(found)} files of {unit}, {first_and_more(unopened)} were not opened")
        elif found:
            (chosen[unit],) = found
            name = found[0].path.name
            expected = f"{unit}.ipynb" if _code_name(name).endswith(".ipynb") else f"{unit}.py"
            notes += [f"{printable(found[0].path)} was taken as {expected}"] if name != expected else []
    return chosen, notes


def _to_open(unit: str, found: Iterable[Entry]) -> list[Entry]:
    """Return the files to open, in order of their places: the first, and as many of the newest others as may be opened.

    Where no file is surely newer than another, the number in its name or folder tells which is.
    """
    placed = sorted(found, key=lambda entry: _rank(unit, entry))
    ages = [entry.modified for entry in placed] or [0.0]
    by_number = min(ages) < 0 or max(ages) - min(ages) < _SURELY_NEWER_SECONDS
    newest = sorted(
        placed[1:], key=lambda entry: _copy_number(unit, entry) if by_number else entry.modified, reverse=True
    )
    opened = [*placed[:1], *newest[: _OPENED - 1]]
    return [entry for entry in placed if entry in opened]


def _without_ending(unit: str, entries: Iterable[Entry]) -> list[Entry]:
    """Return the files whose name ends in the unit's, without the ending of a script or a notebook."""
    texts = [entry for entry in entries if entry.path.suffix.lower() in ("", ".txt")]
    return [entry for entry in texts if re.search(rf"(^|[^a-z]){unit}$", entry.path.stem)]


def bears(filename: str, unit: str) -> bool:
    """Return True if a source file's name holds a unit's name beside other words, such as `jane_quiz-final.py`."""
    stem, _, suffix = filename.rpartition(".")
    words = rf"(?:\w[\w ().-]*[-_ .])?{re.escape(unit)}(?:[-_ .][\w ().-]*)?"
    return suffix in ("py", "ipynb") and stem != unit and re.fullmatch(words, stem) is not None


def _mentions(unit: str, entry: Entry) -> bool:
    """Return True if the name of a script or notebook holds that of the unit, as `alice_variation_loss.py` does."""
    found = _match_ending(entry.path.name)
    stem = _plain(found["stem"]) if found is not None else ""
    return _TESTS.fullmatch(stem) is None and re.search(rf"(?<![^_]){_pattern(unit)}(?![^_\d])", stem) is not None


def _imported_stems(entries: list[Entry], units: tuple[str, ...]) -> set[str]:
    """Return the names of files that may be taken for a unit and that other files of the submission import."""
    stems = {entry.path.stem for entry in entries if any(_mentions(unit, entry) for unit in units)}
    versions = [stem for stem in stems - set(units) if stem.isidentifier()]
    if not versions:
        return set()
    code = [read_unit(entry).data for entry in entries if unit_of(entry.path.name, units)]
    lines = (line for data in code for line in data.splitlines() if b"import" in line)
    words = {word for line in lines for word in re.findall(rb"\w+", line)}
    return {stem for stem in versions if stem.encode() in words}


def _pick(unit: str, found: list[Entry], skeleton: str) -> tuple[Entry, list[str]]:
    """Return the file that counts among several, in order of their places, and sentences about the others."""
    by_content: dict[tuple[bytes, int, str], _Candidate] = {}
    for entry in found:
        file = read_unit(entry)
        is_readable = python_pieces(unit, file) is not None
        candidate = _Candidate(entry, file, _has_work(unit, file, skeleton), is_readable)
        by_content.setdefault((file.data, file.size, file.fault), candidate)
    candidates = list(by_content.values())
    unreadable = [each for each in candidates if not each.is_readable]
    worked = [each for each in candidates if each.worked]
    if unreadable and not worked:
        others = [each for each in candidates if each.is_readable and _differs(unit, each.file, skeleton)]
        worked = others or unreadable
    if not worked:
        return candidates[0].entry, []
    notes = [f"{each.name} was left: it cannot be read" for each in unreadable if each not in worked]
    notes += [
        f"{each.name} was left: nothing is written in it"
        for each in candidates
        if each.is_readable and each not in worked
    ]
    best, reason = _latest(unit, worked)
    for each in worked:
        if each is not best:
            advice = reason or f"which of the two is meant cannot be told; hand in one file for {unit}"
            notes.append(f"{best.name} was taken and {each.name} left: {advice}")
    return best.entry, notes


def _latest(unit: str, candidates: list[_Candidate]) -> tuple[_Candidate, str]:
    """Return the newest file with the reason; the first, without one, if that cannot be told."""
    for reason, age, step in (
        ("it is older", lambda each: each.entry.modified, _SURELY_NEWER_SECONDS),
        ("by its name it is an earlier copy", lambda each: _copy_number(unit, each.entry), 1),
    ):
        ages = sorted(map(age, candidates))
        if ages[0] >= 0 and len(ages) > 1 and ages[-1] - ages[-2] >= step:
            return max(candidates, key=age), reason
    return candidates[0], ""


def _copy_number(unit: str, entry: Entry) -> int:
    """Return the number that a download or its author has given to a file; 0 for none, and for a copy on a desktop."""
    version = _version(unit, PurePosixPath(_code_name(entry.path.name)).stem) or ""
    numbers = re.findall(r"\d+", version)
    number = int(numbers[-1]) if numbers and not re.search(COPY, version) else 0
    folders = (_TEAMS.fullmatch(part) for part in entry.path.parts[:-1])
    return number or next((int(folder[1]) for folder in folders if folder is not None), 0)


def _rank(unit: str, entry: Entry) -> tuple[object, ...]:
    """Order files by their places: nearest to the top first; at one depth `exercises`, plain names, `.py`."""
    inside = "exercises" not in entry.path.parts
    named = entry.path.stem != unit
    return len(entry.path.parts) - (not inside), inside, named, entry.path.suffix != ".py", str(entry.path)


def _has_work(unit: str, file: File, skeleton: str) -> bool:
    """Return True if a function or method has another body than in the skeleton, or if the source cannot be parsed.

    A file that cannot be read, such as a notebook that is no JSON, has no work.
    """
    expected = _skeleton_functions(skeleton)
    for piece in python_pieces(unit, file) or ():
        tree = tree_or_none(piece)
        if tree is None:
            return True
        for name, body in _functions(tree.body):
            if (name in expected or not skeleton) and body not in ("", expected.get(name)):
                return True
        if expected.keys() & set(_assigned_names(tree)):
            return True
    return False


def _differs(unit: str, file: File, skeleton: str) -> bool:
    """Return True if a file that can be read is not the skeleton, but for comments and layout."""
    trees = list(map(tree_or_none, python_pieces(unit, file) or ()))
    return [syntax_of(tree) for tree in trees if tree is not None] != [syntax_of(parse_quietly(skeleton))]


@lru_cache(maxsize=64)
def _skeleton_functions(skeleton: str) -> dict[str, str]:
    return dict(_functions(parse_quietly(skeleton).body))


def _assigned_names(tree: ast.Module) -> Iterator[str]:
    """Yield the names that the assignments of a module bind."""
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        yield from (target.id for target in targets if isinstance(target, ast.Name))


def _functions(body: list[ast.stmt], above: str = "") -> Iterator[tuple[str, str]]:
    """Yield the functions and methods, such as `Net.forward`, with what they do; nothing for one that is not written."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            done = [each for each in node.body if not _does_nothing(each)]
            yield above + node.name, "".join(map(syntax_of, done))
        elif isinstance(node, ast.ClassDef) and not above:
            yield from _functions(node.body, f"{node.name}.")


def _does_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Raise):
        raised = statement.exc.func if isinstance(statement.exc, ast.Call) else statement.exc
        return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"
    constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return constant or isinstance(statement, ast.Pass)
