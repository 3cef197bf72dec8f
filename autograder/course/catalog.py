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
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.course.units import Question, Reader, Unit
from autograder.errors import CatalogError, UsageError
from autograder.messages import choose_language, use

#: Variable that names the folder of the course.
COURSE = "IDEALCAT_COURSE"
#: Table of a students' release: by function, the points of the checks that the release lacks.
LATER = "later"


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
        """Return the most points of each function, those for its examples among them, by its name."""
        functions = {name: function for unit in self.units.values() for name, function in unit.functions.items()}
        return {name: function.points + function.examples for name, function in functions.items()}

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
        """Return the text of each solution of a unit, by module, without those that are missing."""
        paths = {module: self.solution(module) for module in self.units[unit].modules}
        return {module: path.read_text(encoding="utf-8-sig") for module, path in paths.items() if path.is_file()}

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
        """Return the files with other right ways to write a unit, by name; none if the course keeps none.

        A way of several files is a folder, in which the unit's file and the others lie.
        """
        folder = self.root / "tests" / "alternatives" / unit
        return tuple(sorted([*folder.glob("*.py"), *folder.glob(f"*/{unit}.py")]))

    def module_of(self, unit: str, function: str) -> str:
        """Return the name of the module in which a student writes a function: the unit's own, unless another defines it."""
        start = re.compile(rf"^((?:async )?def|class) {re.escape(function)}\b", re.MULTILINE)
        paths = {part: self.exercise(part) for part in self.units[unit].parts}
        texts = {part: path.read_text("utf-8", "replace") for part, path in paths.items() if path.is_file()}
        return next((part for part, text in texts.items() if start.search(text)), unit)

    def beside(self, unit: str, path: Path) -> dict[str, str]:
        """Return the text of each other file of a unit beside one that is named like the unit, by module."""
        paths = {part: path.with_name(f"{part}.py") for part in self.units[unit].parts if path.stem == unit}
        return {part: each.read_text(encoding="utf-8-sig") for part, each in paths.items() if each.is_file()}

    def checks(self, unit: str) -> Path:
        """Return the file with the checks of a unit."""
        return self.root / "tests" / "exercises" / f"test_{unit}.py"

    @property
    def shared_checks(self) -> dict[str, Path]:
        """Return the files beside the checks that serve several units, by module: `conftest.py`, and what checks import."""
        paths = sorted((self.root / "tests" / "exercises").glob("*.py"))
        return {path.stem: path for path in paths if not path.name.startswith(("test_", "__"))}

    @property
    def translations(self) -> Path:
        """Return the folder with the course's texts in other languages."""
        return self.root / "exercises" / "locale"

    def lesson(self, unit: str, language: str = "") -> Path:
        """Return the file with the lesson before a unit, in a language if the course has it in that language."""
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
        if function in self.units and self.units[function].functions:
            raise UsageError(
                f"{function} is a unit; name one of its functions: {', '.join(self.units[function].functions)}"
            )
        known = [name for unit in self.units.values() for name in unit.functions]
        near = difflib.get_close_matches(function, known, n=1)
        advice = f"is it {near[0]}?" if near else "`autograder list` names them all"
        raise UsageError(f"the course has no function {function!r}; {advice}")

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
    """Return the folder of the course: the one of `IDEALCAT_COURSE`, at the working directory, or beside this package.

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
    """Show everything from now on in the language that was asked for, or else in the one that `choose_language` finds.

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
    root = root.absolute()  # pytest puts it into the name of each check
    path = root / "exercises" / "catalog.toml"
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # some editors put a mark before the text
    except OSError as error:
        raise CatalogError(f"{path} cannot be read ({error.strerror}); a course needs one") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CatalogError(f"{path} is not valid TOML: {error}") from error
    reader = Reader(path)
    course = reader.value(document, "course", dict, "the catalog")
    later = reader.value(document, LATER, dict, "the catalog", {})
    tables = reader.value(document, "unit", list, "the catalog, which begins each unit by [[unit]]", [])
    units = [reader.unit(values, i, later) for i, values in enumerate(tables, 1)]
    preload = reader.texts(course, "preload", "[course]")
    _make_importable(root, preload)
    _refuse_same_names(units, path)
    title = reader.value(course, "title", str, "[course]")
    language = reader.value(course, "language", str, "[course]", "")
    reader.refuse_other_keys(course, ("title", "preload", "language"), "[course]")
    reader.refuse_other_keys(document, ("course", "unit", LATER), "the catalog")
    return Catalog(root, title, preload, {unit.name: unit for unit in units}, language)


def catalog_text(root: Path, units: Collection[str]) -> str:
    """Return the text of a course's catalog as students may have it: of these units alone, and without rubrics.

    Raises:
        CatalogError: it cannot be read, or a unit, a rubric or `[course]` in it cannot be told from the rest.
    """
    try:
        text = (root / "exercises" / "catalog.toml").read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CatalogError(f"the catalog cannot be read ({error.strerror})") from error
    head, *blocks = re.split(r"^(?=\[\[unit\]\])", text, flags=re.MULTILINE)
    if len(blocks) != len(tomllib.loads(text).get("unit", [])):
        raise CatalogError(
            "begin each unit of the catalog with a line [[unit]], without spaces: a release leaves units out by it"
        )
    if any("course" in tomllib.loads(block) for block in blocks):
        raise CatalogError(
            "write [course] above the first [[unit]] of the catalog: a release leaves out a unit and what follows"
        )
    kept = [block for block in blocks if tomllib.loads(block)["unit"][0]["name"] in units]
    public = [
        re.sub(r"^\[unit\.questions\.\w+\.rubric[^\n]*\n(?:(?!\[).*\n?)*", "", block, flags=re.MULTILINE)
        for block in kept
    ]
    for block in public:
        try:
            questions = tomllib.loads(block)["unit"][0].get("questions", {})
        except tomllib.TOMLDecodeError as error:
            raise CatalogError(
                "a rubric cannot be told from what follows it: let no line of its texts and lists begin with ["
            ) from error
        if any("rubric" in question for question in questions.values()):
            raise CatalogError("write each rubric as a table, [unit.questions.NAME.rubric]: students do not get it")
    return head + "".join(public)


def _make_importable(root: Path, preload: tuple[str, ...]) -> None:
    """Let this process import the packages that lie beside `exercises/`, unless they are installed."""
    own = [name for name in preload if (root / name / "__init__.py").is_file() or (root / f"{name}.py").is_file()]
    if own and str(root) not in sys.path and not all(map(importlib.util.find_spec, own)):
        sys.path.append(str(root))


def _refuse_same_names(units: Collection[Unit], path: Path) -> None:
    """Refuse a name that two units, files or questions have.

    A table of points by hand names questions without their units, and a submission has one file of each name.
    """
    names = Counter(name for unit in units for name in (*unit.functions, *unit.questions))
    modules = Counter(module for unit in units for module in unit.modules)
    for unit in units:
        if sum(other.name == unit.name for other in units) > 1:
            raise CatalogError(f"{path}: two units are called {unit.name}; give one of them another name")
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
