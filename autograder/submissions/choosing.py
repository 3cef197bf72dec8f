"""Choose the file that counts for each unit: one with work in it, else the newest; never silently one of several.

The text of an untouched skeleton comes from the course as data. Nothing of the student's is executed here.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from autograder.submissions.archives import Entry
from autograder.submissions.entries import printable
from autograder.submissions.files import File, python_pieces, read_file
from autograder.submissions.module import parse_quietly

_SUFFIXES = ("py", "ipynb")
#: So many files of one unit are opened; a submission with more of them is no honest one.
_OPENED = 5
#: A checkout or an unpacking writes all files within seconds, whatever their age is.
_SURELY_NEWER_SECONDS = 60
#: Names that browsers, learning platforms, desktops and notebooks give to copies: `u (1)`, `u-2`, `Copy of u`, `u-Copy1`.
_COPY = re.compile(
    r"(?:copy of |kopie von |copie de |copia de )?(?P<stem>\w+?)"
    r"(?: ?\((?P<download>\d+)\)|-(?P<again>\d+)| - copy| copy(?: \d+)?|-copy\d*)?",
    re.IGNORECASE | re.ASCII,
)

#: Folder that Microsoft Teams makes for each hand-in.
_VERSION = re.compile(r"Version (\d{1,4})")


@dataclass(frozen=True)
class _Candidate:
    entry: Entry
    file: File
    worked: bool

    @property
    def name(self) -> str:
        return printable(self.entry.path)


def unit_of(filename: str, units: Iterable[str]) -> str | None:
    """Return the unit that a file name means, itself or as a copy; None if it means none."""
    stem, dot, suffix = filename.rpartition(".")
    match = _COPY.fullmatch(stem) if dot and suffix in _SUFFIXES else None
    names = set(units)
    if match is None:
        return None
    return stem if stem in names else match["stem"] if match["stem"] in names else None


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
    for unit in units:
        found = [entry for entry in entries if unit_of(entry.path.name, units) == unit]
        if not found and len(entries) == 1:  # a lone file may carry its author's name too
            text = [entry for entry in entries if entry.path.suffix.lower() in ("", ".py", ".ipynb", ".txt")]
            found = [entry for entry in text if re.search(rf"(^|[^a-z]){unit}$", entry.path.stem)]
        if not found:
            found = _renamed(unit, entries, units, untouched.get(unit, ""))
            renamed = [f"{printable(each.path)} was taken as {unit}{each.path.suffix}" for each in found]
            notes += renamed if len(renamed) == 1 else []
        found.sort(key=_rank)
        if len(found) > 1:
            chosen[unit], said = _pick(unit, found[:_OPENED], untouched.get(unit, ""))
            notes += said
        elif found:
            chosen[unit] = found[0]
    return chosen, notes


def bears(filename: str, unit: str) -> bool:
    """Return True if a source file's name holds a unit's name beside other words, such as `jane_quiz-final.py`."""
    stem, _, suffix = filename.rpartition(".")
    words = rf"(?:\w[\w ().-]*[-_ .])?{re.escape(unit)}(?:[-_ .][\w ().-]*)?"
    return suffix in _SUFFIXES and stem != unit and re.fullmatch(words, stem) is not None


def _renamed(unit: str, entries: list[Entry], units: Iterable[str], skeleton: str) -> list[Entry]:
    """Return the files that bear a unit's name beside other words, and a function of the unit."""
    others = [other for other in units if unit in other and other != unit]
    found = [
        entry
        for entry in entries
        if bears(entry.path.name, unit) and not any(bears(entry.path.name, other) for other in others)
    ]
    return [entry for entry in found[:_OPENED] if _has_work(unit, read_file(entry), skeleton)]


def _pick(unit: str, found: list[Entry], skeleton: str) -> tuple[Entry, list[str]]:
    """Return the file that counts among several, in order of their places, and sentences about the others."""
    by_content: dict[bytes, _Candidate] = {}
    for entry in found:
        file = read_file(entry)
        by_content.setdefault(file.data, _Candidate(entry, file, _has_work(unit, file, skeleton)))
    candidates = list(by_content.values())
    worked = [each for each in candidates if each.worked]
    if not worked:
        return candidates[0].entry, []
    notes = [f"{each.name} was left: nothing is written in it" for each in candidates if not each.worked]
    best, reason = _latest(worked)
    for each in worked:
        if each is not best:
            advice = reason or f"which of the two is meant cannot be told; hand in one file for {unit}"
            notes.append(f"{best.name} was taken and {each.name} left: {advice}")
    return best.entry, notes


def _latest(candidates: list[_Candidate]) -> tuple[_Candidate, str]:
    """Return the newest file with the reason; the first, without one, if that cannot be told."""
    for reason, age, step in (
        ("it is older", lambda each: each.entry.modified, _SURELY_NEWER_SECONDS),
        ("by its name it is an earlier copy", _copy_number, 1),
    ):
        ages = sorted(map(age, candidates))
        if ages[0] >= 0 and len(ages) > 1 and ages[-1] - ages[-2] >= step:
            return max(candidates, key=age), reason
    return candidates[0], ""


def _copy_number(candidate: _Candidate) -> int:
    """Return the number that a download or a learning platform has given to a copy; 0 for none."""
    match = _COPY.fullmatch(candidate.entry.path.stem)
    number = int(match["download"] or match["again"] or 0) if match is not None else 0
    versions = (_VERSION.fullmatch(part) for part in candidate.entry.path.parts[:-1])
    return number or next((int(version[1]) for version in versions if version is not None), 0)


def _rank(entry: Entry) -> tuple[object, ...]:
    """Order files by their places: nearest to the top first; at one depth `exercises`, plain names, `.py`."""
    inside = "exercises" not in entry.path.parts
    copy = not entry.path.stem.isidentifier()
    return len(entry.path.parts) - (not inside), inside, copy, entry.path.suffix != ".py", str(entry.path)


def _has_work(unit: str, file: File, skeleton: str) -> bool:
    """Return True if a function of the unit has another body than in the skeleton, or if the file cannot be parsed."""
    expected = dict(_functions(parse_quietly(skeleton)))
    for piece in python_pieces(unit, file):
        try:
            tree = parse_quietly(piece)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return True
        for name, body in _functions(tree):
            if (name in expected or not skeleton) and body not in ("", expected.get(name)):
                return True
        if expected.keys() & set(_assigned_names(tree)):
            return True
    return False


def _assigned_names(tree: ast.Module) -> Iterator[str]:
    """Yield the names that the assignments of a module bind."""
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        yield from (target.id for target in targets if isinstance(target, ast.Name))


def _functions(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the functions of a module with what their bodies do; nothing for one that is not written."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = [each for each in node.body if not _does_nothing(each)]
            yield node.name, "".join(map(ast.dump, body))


def _does_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Raise):
        raised = statement.exc.func if isinstance(statement.exc, ast.Call) else statement.exc
        return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"
    constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return constant or isinstance(statement, ast.Pass)
