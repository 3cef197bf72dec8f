"""Read the catalog of a course, `exercises/catalog.toml`: all about its units that is not code.

A course is a folder with `exercises/catalog.toml`, `solutions/` and `tests/exercises/`. Everything that the engine knows of
an exercise it reads here or finds in the checks.
"""

import difflib
import importlib.util
import os
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from autograder.errors import CatalogError, UsageError
from autograder.messages import choose_language, use

#: Variable that names the folder of the course.
COURSE = "IDEALCAT_COURSE"
#: Table of a students' release: by function, the points of the checks that the release lacks.
LATER = "later"


@dataclass(frozen=True)
class Function:
    """A function that a student writes.

    Attributes:
        name: as the student must call it.
        points: those of its checks together.
        hints: from a question to a pointer.
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


@dataclass(frozen=True)
class Catalog:
    """A course.

    Attributes:
        root: the folder that holds `exercises/`, `solutions/` and `tests/exercises/`.
        title: the name of the course.
        preload: modules that every worker has imported before it starts.
        units: by name, in teaching order.
        language: what students read, unless they choose another; empty for the one of their machine.
    """

    root: Path
    title: str
    preload: tuple[str, ...]
    units: dict[str, Unit]
    language: str = ""

    @property
    def modules(self) -> dict[str, str]:
        """Return the unit of each module that students write, by the module's name."""
        return {module: unit.name for unit in self.units.values() for module in unit.modules}

    @property
    def functions(self) -> frozenset[str]:
        """Return the names of all functions that students write."""
        return frozenset(name for unit in self.units.values() for name in unit.functions)

    @property
    def points(self) -> dict[str, float]:
        """Return the points of each function, by its name."""
        return {name: function.points for unit in self.units.values() for name, function in unit.functions.items()}

    @property
    def questions(self) -> dict[str, Question]:
        """Return the questions of all units, by name."""
        return {name: question for unit in self.units.values() for name, question in unit.questions.items()}

    @property
    def places(self) -> dict[str, str]:
        """Return the unit that a function, a question or a unit's own name stands for."""
        named = {name: unit.name for unit in self.units.values() for name in (*unit.functions, *unit.questions)}
        return named | {unit: unit for unit in self.units}

    def exercise(self, module: str) -> Path:
        """Return the student's file of a unit, or of another module of one."""
        return self.root / "exercises" / f"{module}.py"

    def solution(self, module: str) -> Path:
        """Return the file with the solution of a unit, or of another module of one."""
        return self.root / "solutions" / f"{module}.py"

    def solutions(self, unit: str) -> dict[str, str]:
        """Return the text of each solution of a unit, by module; of those that there are."""
        paths = {module: self.solution(module) for module in self.units[unit].modules}
        return {module: path.read_text(encoding="utf-8") for module, path in paths.items() if path.is_file()}

    def data(self, unit: str) -> dict[str, Path]:
        """Return the files that the student's code of a unit reads, by their paths in `exercises/`."""
        return {name: self.root / "exercises" / name for name in self.units[unit].data}

    def mistakes(self, unit: str) -> Path:
        """Return the file with the known wrong variants of a unit."""
        return self.root / "solutions" / "mistakes" / f"{unit}.py"

    def fingerprints(self, unit: str) -> Path:
        """Return the file by which a student release names the known mistakes of a unit, without their code."""
        return self.root / "exercises" / "fingerprints" / f"{unit}.json"

    def shortcuts(self, unit: str) -> Path:
        """Return the path of the unit's known shortcuts, ways to earn without doing; the file may be missing."""
        return self.root / "solutions" / "shortcuts" / f"{unit}.py"

    def alternatives(self, unit: str) -> tuple[Path, ...]:
        """Return the files with other right ways to write a unit, by name; none if the course keeps none."""
        return tuple(sorted((self.root / "tests" / "alternatives" / unit).glob("*.py")))

    def checks(self, unit: str) -> Path:
        """Return the file with the checks of a unit."""
        return self.root / "tests" / "exercises" / f"test_{unit}.py"

    @property
    def translations(self) -> Path:
        """Return the folder with the course's texts in other languages."""
        return self.root / "exercises" / "locale"

    def lesson(self, unit: str, language: str = "") -> Path:
        """Return the file with the lesson before a unit: in a language, if the course has it in that."""
        own = self.root / "exercises" / "lessons" / language / f"{unit}.md"
        return own if language and own.is_file() else self.root / "exercises" / "lessons" / f"{unit}.md"

    def skeleton(self, unit: str) -> Path:
        """Return the file in which a release without solutions keeps a unit's untouched skeleton, to go back to."""
        return self.root / "exercises" / "skeletons" / f"{unit}.txt"

    def picture(self, unit: str) -> Path:
        """Return the file that draws the picture which passing a unit earns."""
        return self.root / "exercises" / "pictures" / f"draw_{unit}.py"

    def unit_of(self, function: str) -> Unit:
        """Return the unit in which a function is taught.

        Raises:
            UsageError: no unit has it.
        """
        for unit in self.units.values():
            if function in unit.functions:
                return unit
        known = [name for unit in self.units.values() for name in unit.functions]
        near = difflib.get_close_matches(function, known, n=1)
        raise UsageError(f"the course has no function {function!r}" + (f"; is it {near[0]}?" if near else ""))

    def only(self, units: Collection[str]) -> "Catalog":
        """Return the course with these units alone."""
        return replace(self, units={name: unit for name, unit in self.units.items() if name in units})

    def select(self, names: list[str] | None) -> tuple[Unit, ...]:
        """Return the units of these names, or all of them, in teaching order.

        Raises:
            CatalogError: the course has no unit of some name.
        """
        unknown = sorted(set(names or ()) - set(self.units))
        if unknown:
            raise CatalogError(f"no unit is called {unknown[0]!r}; the course has {', '.join(self.units)}")
        return tuple(unit for name, unit in self.units.items() if not names or name in names)


def find_course(*starts: Path) -> Path | None:
    """Return the nearest folder that holds a course, at or above the first start that has one."""
    for start in starts:
        for folder in (start, *start.parents):
            if (folder / "exercises" / "catalog.toml").is_file():
                return folder
    return None


def course_root() -> Path:
    """Return the folder of the course: that of `IDEALCAT_COURSE`, of the working directory, or beside this package.

    Raises:
        UsageError: there is none, or `IDEALCAT_COURSE` names a folder without one.
    """
    named = os.environ.get(COURSE)
    root = find_course(Path(named)) if named else find_course(Path.cwd(), Path(__file__).parent)
    if root is None and named:
        raise UsageError(f"{COURSE} is {named}, which has no exercises/catalog.toml; set it to the folder of a course")
    if root is None:
        raise UsageError(f"there is no course here; run this in a folder with exercises/catalog.toml, or set {COURSE}")
    return root


def course_here() -> Catalog:
    """Return the catalog of the course in `course_root()`.

    Raises:
        UsageError: there is no course.
        CatalogError: its catalog is wrong.
    """
    return read_catalog(course_root())


def speak(catalog: Catalog, asked: str = "") -> None:
    """Show everything from now on in the reader's language: as asked for, or as `chosen` finds it.

    Raises:
        UsageError: the course is not there in the language that was asked for.
    """
    use(choose_language(asked, catalog.language, catalog.translations), catalog.translations)


def speak_here(asked: str = "") -> None:
    """Show everything from now on in the reader's language, with or without a course.

    Raises:
        UsageError: there is no such language.
    """
    try:
        catalog = course_here()
    except (UsageError, CatalogError):  # a command that needs the course will say what is wrong
        use(choose_language(asked, ""))
    else:
        speak(catalog, asked)


def read_catalog(root: Path) -> Catalog:
    """Read the catalog of the course in a folder.

    Raises:
        CatalogError: it is missing, is no TOML, or lacks something; the sentence says what.
    """
    root = root.absolute()  # pytest names a check by it
    path = root / "exercises" / "catalog.toml"
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CatalogError(f"{path} cannot be read ({error.strerror}); a course needs one") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CatalogError(f"{path} is not valid TOML: {error}") from error
    reader = _Reader(path)
    course = reader.part(document, "course", dict, "the catalog")
    later = reader.part(document, LATER, dict, "the catalog", {})
    units = [reader.unit(values, i, later) for i, values in enumerate(document.get("unit", []), 1)]
    preload = tuple(course.get("preload", ()))
    _make_importable(root, preload)
    _refuse_same_names(units, path)
    title = reader.part(course, "title", str, "[course]")
    language = reader.part(course, "language", str, "[course]", "")
    return Catalog(root, title, preload, {unit.name: unit for unit in units}, language)


def catalog_text(root: Path, units: Collection[str]) -> str:
    """Return the text of a course's catalog as students may have it: of these units alone, and without rubrics.

    Raises:
        CatalogError: it cannot be read.
    """
    try:
        text = (root / "exercises" / "catalog.toml").read_text(encoding="utf-8")
    except OSError as error:
        raise CatalogError(f"the catalog cannot be read ({error.strerror})") from error
    head, *blocks = re.split(r"^(?=\[\[unit\]\])", text, flags=re.MULTILINE)
    kept = [block for block in blocks if tomllib.loads(block)["unit"][0]["name"] in units]
    public = [
        re.sub(r"^\[unit\.questions\.\w+\.rubric[^\n]*\n(?:(?!\[).*\n?)*", "", block, flags=re.MULTILINE)
        for block in kept
    ]
    for block in public:
        questions = tomllib.loads(block)["unit"][0].get("questions", {})
        if any("rubric" in question for question in questions.values()):
            raise CatalogError("write each rubric as a table, [unit.questions.NAME.rubric]: students do not get it")
    return head + "".join(public)


class _Reader:
    """Reads the values of a catalog, and tells the unit, the key and the line of one that is wrong."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines = path.read_text(encoding="utf-8").splitlines()

    def unit(self, values: object, number: int, later: dict[str, Any]) -> Unit:
        """Return a unit.

        Args:
            values: of its table.
            number: its place in the catalog, from 1.
            later: points of the checks that a release lacks, by function.
        """
        name = self.part(values, "name", str, f"[[unit]] number {number}")
        where = f"unit {name}"
        title = self.part(values, "title", str, where)
        given = self.part(values, "functions", dict, where)
        functions = {each: self._function(facts, each, where, later) for each, facts in given.items()}
        asked = self.part(values, "questions", dict, where, {})
        questions = {each: self._question(facts, each, where) for each, facts in asked.items()}
        seconds = float(self.part(values, "seconds", (int, float), where, 10))
        parts = tuple(self._part_name(each, where) for each in self.part(values, "files", list, where, []))
        data = tuple(self._data_name(each, where) for each in self.part(values, "data", list, where, []))
        return Unit(name, title, seconds, functions, questions, parts, data)

    def _part_name(self, file: object, where: str) -> str:
        path = PurePosixPath(file) if isinstance(file, str) else PurePosixPath()
        if path.name != file or path.suffix != ".py" or not path.stem.isidentifier():
            raise self._error(where, "files", f"holds {file!r}, which is no name of a Python file")
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
        points = float(self.part(facts, "points", (int, float), where))
        hints = self.part(facts, "hints", list, where, [])
        if not all(isinstance(hint, str) for hint in hints):
            raise self._error(where, "hints", "holds something that is no text")
        outcome = bool(self.part(facts, "outcome", bool, where, False))
        examples = float(self.part(facts, "examples", (int, float), where, 0.0))
        return Function(name, points, tuple(hints), outcome, float(later.get(name, 0.0)), examples)

    def _question(self, facts: object, name: str, where: str) -> Question:
        where = f"{where}, question {name}"
        text = self.part(facts, "text", str, where).strip()
        rubric = {
            item: RubricItem(
                float(self.part(each, "points", (int, float), f"{where}, item {item}")),
                self.part(each, "text", str, f"{where}, item {item}"),
            )
            for item, each in self.part(facts, "rubric", dict, where, {}).items()
        }
        return Question(name, text, float(self.part(facts, "points", (int, float), where)), rubric)

    def part(self, values: Any, key: str, kind: type | tuple[type, ...], where: str, default: object = None) -> Any:
        """Return the value of a key.

        Raises:
            CatalogError: it is missing and has no default, or it is of another kind.
        """
        value = values.get(key, default) if isinstance(values, dict) else None
        if value is None:
            raise self._error(where, key, "is missing")
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self._error(where, key, f"is {value!r}, which is no {_WORDS[kind]}")
        return value

    def _error(self, where: str, key: str, problem: str) -> CatalogError:
        return CatalogError(f"{self._path}{self._line(where, key)}: {where}: {key} {problem}")

    def _line(self, where: str, key: str) -> str:
        """Return the line of a key, or of the table that lacks it; nothing if it is written in another way."""
        unit, _, function = where.partition(", function ")
        unit = unit.removeprefix("unit ")
        own = re.compile(rf"\s*name\s*=\s*[\"\']{re.escape(unit)}[\"\']")
        at = next((i for i, line in enumerate(self._lines) if own.match(line)), 0)
        if function:
            table = re.compile(rf"\s*\[unit\.functions\.[\"\']?{re.escape(function)}[\"\']?\]")
            at = next((i for i, line in enumerate(self._lines[at:], at) if table.match(line)), at)
        for i, line in enumerate(self._lines[at:], at):
            if i > at and line.lstrip().startswith("["):
                break
            if re.match(rf"\s*{re.escape(key)}\s*=", line):
                return f", line {i + 1}"
        return f", line {at + 1}" if at else ""


_WORDS: dict[Any, str] = {dict: "table", str: "text", list: "list", bool: "true or false", (int, float): "number"}


def _make_importable(root: Path, preload: tuple[str, ...]) -> None:
    """Let this process import the packages that lie beside `exercises/`, unless they are installed."""
    own = [name for name in preload if (root / name / "__init__.py").is_file() or (root / f"{name}.py").is_file()]
    if own and str(root) not in sys.path and not all(map(importlib.util.find_spec, own)):
        sys.path.append(str(root))


def _refuse_same_names(units: Collection[Unit], path: Path) -> None:
    """Refuse what two things are called.

    A table of points by hand names a question alone, and a submission has one file of a name.
    """
    names = Counter(name for unit in units for name in (*unit.functions, *unit.questions))
    modules = Counter(module for unit in units for module in unit.modules)
    for unit in units:
        for module in unit.parts:
            if modules[module] > 1:
                raise CatalogError(f"{path}: the file {module}.py of {unit.name} is one of another unit too")
        for name, question in unit.questions.items():
            if names[name] > 1 or not name.isidentifier():
                raise CatalogError(f"{path}: the question {name} of {unit.name} needs a name that nothing else has")
            if any(item.points > question.points for item in question.rubric.values()):
                raise CatalogError(
                    f"{path}: an item in the rubric of {name} has more than its {question.points:g} points"
                )
