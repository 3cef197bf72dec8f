"""Units of a course, with their functions and questions, and how they are read from the tables of a catalog."""

import difflib
import keyword
import math
import re
import sys
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from autograder.errors import CatalogError


@dataclass(frozen=True)
class Function:
    """A function that a student writes.

    Attributes:
        name: as the student must call it.
        points: the points of its checks together.
        hints: sentences, from a question to a pointer to the solution.
        outcome: True if its checks look at its outcome alone, so that any way that works is right.
        later: points of the checks that a students' release lacks; they run when the function is graded.
        examples: points for the student's own examples of it, besides those of its checks.
    """

    name: str
    points: float
    hints: tuple[str, ...]
    outcome: bool = False
    later: float = 0.0
    examples: float = 0.0

    @property
    def to_come(self) -> float:
        """Return the points that a run at home never gives: of checks that a release lacks, and of examples."""
        return self.later + self.examples


@dataclass(frozen=True)
class RubricItem:
    """One thing that an answer can have: its points, and what it is in words."""

    points: float
    text: str


@dataclass(frozen=True)
class Question:
    """A question that people grade.

    Attributes:
        name: unique in the course, among functions too.
        text: as students read it.
        points: the most that an answer gets.
        rubric: what an answer can have, by a short name.
    """

    name: str
    text: str
    points: float
    rubric: dict[str, RubricItem]


@dataclass(frozen=True)
class Unit:
    """One module of the course.

    Attributes:
        name: the module's name, as in `exercises/<name>.py`.
        title: for people.
        seconds: how long one call of a student's function may take.
        functions: by name, in the order in which they are taught.
        questions: by name; their points come by hand, besides those of `functions`.
        parts: names of the other modules that a student writes for it; the unit's own file imports what checks call.
        data: files in `exercises/` that the student's code reads, by their paths there.
    """

    name: str
    title: str
    seconds: float
    functions: dict[str, Function]
    questions: dict[str, Question] = field(default_factory=dict)
    parts: tuple[str, ...] = ()
    data: tuple[str, ...] = ()

    @property
    def modules(self) -> tuple[str, ...]:
        """Return the names of the modules that a student writes: the unit's own, then the others."""
        return (self.name, *self.parts)

    @property
    def points(self) -> float:
        """Return the points of the unit's checks."""
        return sum(function.points for function in self.functions.values())

    @property
    def later(self) -> float:
        """Return the points of the unit's checks that a students' release lacks; none in the instructor's course."""
        return sum(function.later for function in self.functions.values())

    @property
    def to_come(self) -> float:
        """Return the points that a run at home never gives: of its functions, and of the questions that people grade."""
        asked = (question.points for question in self.questions.values())
        return sum(function.to_come for function in self.functions.values()) + sum(asked)


class Reader:
    """Reader of a catalog's values, which tells the unit, the key and the line of one that is wrong."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines = path.read_text(encoding="utf-8").splitlines()

    def unit(self, values: object, number: int, later: dict[str, Any]) -> Unit:
        """Return a unit.

        Args:
            values: the values of its table.
            number: its place in the catalog, from 1.
            later: points of the checks that a release lacks, by function.

        Raises:
            CatalogError: something in the table is missing or wrong.
        """
        name = self.value(values, "name", str, f"[[unit]] number {number}")
        where = f"unit {name}"
        problem = name_problem(name)
        if problem:
            raise self._error(where, "name", problem)
        title = self.value(values, "title", str, where)
        given = self.value(values, "functions", dict, where)
        functions = {each: self._function(facts, each, where, later) for each, facts in given.items()}
        asked = self.value(values, "questions", dict, where, {})
        questions = {each: self._question(facts, each, where) for each, facts in asked.items()}
        seconds = float(self.value(values, "seconds", (int, float), where, 10))
        parts = tuple(self._part_name(each, where) for each in self.value(values, "files", list, where, []))
        data = tuple(self._data_name(each, where) for each in self.value(values, "data", list, where, []))
        if not seconds:
            raise self._error(where, "seconds", "is 0, and a call takes some time")
        self.refuse_other_keys(values, ("name", "title", "seconds", "functions", "questions", "files", "data"), where)
        return Unit(name, title, seconds, functions, questions, parts, data)

    def _part_name(self, file: object, where: str) -> str:
        path = PurePosixPath(file) if isinstance(file, str) else PurePosixPath()
        if path.name != file or path.suffix != ".py" or not path.stem.isidentifier():
            raise self._error(where, "files", f"holds {file!r}, which is no name of a Python file")
        problem = name_problem(path.stem)
        if problem:
            raise self._error(where, "files", f"holds {file!r}, which {problem}")
        return path.stem

    def _data_name(self, file: object, where: str) -> str:
        path = PurePosixPath(file) if isinstance(file, str) else PurePosixPath()
        if str(path) != file or path.is_absolute() or ".." in path.parts or path.suffix == ".py":
            raise self._error(where, "data", f"holds {file!r}, which is no path of a file of data in exercises/")
        if not (self._path.parent / path).is_file():
            raise self._error(where, "data", f"names exercises/{file}, which is not there")
        return file

    def _function(self, facts: object, name: str, where: str, later: dict[str, Any]) -> Function:
        where = f"{where}, function {name}"
        points = float(self.value(facts, "points", (int, float), where))
        hints = self.texts(facts, "hints", where)
        outcome = bool(self.value(facts, "outcome", bool, where, False))
        examples = float(self.value(facts, "examples", (int, float), where, 0.0))
        if not name.isidentifier() or keyword.iskeyword(name):
            raise self._error(where, name, "is no name of a function")
        self.refuse_other_keys(facts, ("points", "hints", "outcome", "examples"), where)
        left_out = float(self.value(later, name, (int, float), "[later]", 0.0))
        return Function(name, points, hints, outcome, left_out, examples)

    def _question(self, facts: object, name: str, where: str) -> Question:
        where = f"{where}, question {name}"
        text = self.value(facts, "text", str, where).strip()
        rubric = {
            item: RubricItem(
                float(self.value(each, "points", (int, float), f"{where}, item {item}")),
                self.value(each, "text", str, f"{where}, item {item}"),
            )
            for item, each in self.value(facts, "rubric", dict, where, {}).items()
        }
        self.refuse_other_keys(facts, ("text", "points", "rubric"), where)
        return Question(name, text, float(self.value(facts, "points", (int, float), where)), rubric)

    def value(self, values: Any, key: str, kind: type | tuple[type, ...], where: str, default: object = None) -> Any:
        """Return the value of a key.

        Raises:
            CatalogError: it is missing and has no default, or it is of another kind.
        """
        value = values.get(key, default) if isinstance(values, dict) else None
        if value is None:
            raise self._error(where, key, "is missing")
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self._error(where, key, f"is {value!r}, which is no {_WORDS[kind]}")
        if isinstance(value, int | float) and not 0 <= value < math.inf:
            raise self._error(where, key, f"is {value}, expected a number from 0 up")
        return value

    def texts(self, values: Any, key: str, where: str) -> tuple[str, ...]:
        """Return the texts of a list; none if it is missing.

        Raises:
            CatalogError: it is no list, or holds something else.
        """
        found = self.value(values, key, list, where, [])
        if not all(isinstance(each, str) for each in found):
            raise self._error(where, key, "holds something that is no text")
        return tuple(found)

    def refuse_other_keys(self, values: Any, known: Collection[str], where: str) -> None:
        """Refuse a key that nothing reads: it is misspelt, or stands in the wrong table.

        Raises:
            CatalogError: there is one.
        """
        for key in values.keys() - known:
            near = difflib.get_close_matches(key, known, n=1)
            raise self._error(where, key, "is no key of this table" + (f"; is it {near[0]}?" if near else ""))

    def _error(self, where: str, key: str, problem: str) -> CatalogError:
        return CatalogError(f"{self._path}{self._line(where, key)}: {where}: {key} {problem}")

    def _line(self, where: str, key: str) -> str:
        """Return the line of a key, or of the table that lacks it; nothing if it is written in another way."""
        at = 0
        if named := _WHERE.fullmatch(where):
            at = self._first_line(rf"\s*name\s*=\s*[\"\']{re.escape(named['unit'])}[\"\']", at)
            if named["kind"]:
                name = re.escape(named["name"])
                at = self._first_line(rf"\s*\[unit\.{named['kind']}s\.[\"\']?{name}[\"\']?\]", at)
        for i, line in enumerate(self._lines[at:], at):
            if i > at and line.lstrip().startswith("["):
                break
            if re.match(rf"\s*{re.escape(key)}\s*=", line):
                return f", line {i + 1}"
        return f", line {at + 1}" if at else ""

    def _first_line(self, pattern: str, start: int) -> int:
        """Return the index of the first line from `start` on that matches a pattern; `start` if none does."""
        return next((i for i, line in enumerate(self._lines[start:], start) if re.match(pattern, line)), start)


def name_problem(name: str) -> str:
    """Return why a unit or one of its files, which others import, cannot have a name; empty if it can."""
    if keyword.iskeyword(name):
        return "is a keyword of Python"
    if not name.isidentifier():
        return "is no name of a Python module: letters, digits and underscores, the first no digit"
    if name in sys.stdlib_module_names:
        return "is the name of a module of Python's own, which the student's file would hide"
    if name in _IMPORTED:
        return "is the name of a package that the autograder imports, which the student's file would hide"
    return "is one that pytest takes for tests" if name.startswith("test_") or name == "conftest" else ""


#: Packages that checks and workers import, whatever the course is about.
_IMPORTED = frozenset({"autograder", "hypothesis", "msgpack", "numpy", "pytest", "torch", "torchvision"})
#: A place in a catalog, as the sentences about it name it.
_WHERE = re.compile(r"unit (?P<unit>.+?)(?:, (?P<kind>function|question) (?P<name>.+?)(?:, item .+)?)?")
_WORDS: dict[Any, str] = {dict: "table", str: "text", list: "list", bool: "true or false", (int, float): "number"}
