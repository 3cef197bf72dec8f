"""Extract what students read from the sources of the course and of the engine, in the order in which they meet it."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder.course.catalog import Catalog, read_catalog
from autograder.course.prose import passages
from autograder.course.units import Unit
from autograder.messages import GRADIENT, WITH_INPUT
from autograder.results.labels import LABELS
from autograder.results.wording import WORDS
from tools.translations.sentences import sentences

ROOT = Path(__file__).parents[2]
ENGINE = "engine"
#: The engine's files whose sentences students read.
ENGINE_FILES = (
    "results/summary.py",
    "results/wording.py",
    "results/formats/pages.py",
    "student/commands.py",
    "student/standing.py",
    "student/helping.py",
    "student/screen.py",
    "student/watch.py",
    "student/plugin.py",
    "student/progress.py",
    "student/runner.py",
    "student/drawing.py",
    "student/notebook.py",
    "platforms/bundles/notebooks.py",
    "errors.py",
    "checks/compare.py",
    "checks/difference.py",
    "checks/pictures.py",
    "checks/common_mistakes.py",
    "checks/faults.py",
    "checks/functions.py",
    "checks/objects.py",
    "checks/link.py",
    "checks/remote.py",
    "checks/showing.py",
    "checks/plugin/__init__.py",
    "checks/plugin/fixtures.py",
    "checks/plugin/recorder.py",
    "worker/calls.py",
    "worker/codec/encoding.py",
    "worker/codec/plain.py",
    "worker/faults.py",
    "worker/frameworks.py",
    "worker/modules.py",
    "worker/protocol.py",
    "worker/exchange.py",
    "worker/library_files.py",
    "worker/namespace.py",
    "worker/substitutes.py",
    "sandbox/process.py",
    "submissions/module.py",
)
#: The course's commands, by the unit that they are for: files whose sentences students read.
COMMANDS = {
    "training_tricks": ("data/tricks_lab.py",),
    "pets_lab": ("data/pets_lab.py", "data/course_code.py", "data/pets.py", "data/cache.py", "data/weights.py"),
}
_HELP = "student/commands.py"
#: File with commands of students beside those of instructors, and the mark of the former.
_MIXED, _MARK = "cli/app.py", "StudentCommand"
#: Options that its commands share, by their names there.
_SHARED = "cli/terminal.py"
_TEMPLATES = ("page.html", "student.html", "gallery.html")
_MARKED = re.compile(r'(?<!\w)_\("([^"]+)"')
_COUNTED = re.compile(r'(?<!\w)(?:ngettext|tr_plural)\(\s*"([^"]+)",\s*"([^"]+)"')
_NOT_SHOWN = re.compile(
    r"recipe; make it|this fixture is|worker has no folder|^points\(|^hidden: |^depends_on|the checks draw their|"
    r"where the functions under test|^from \{name\}|^\^def|^no request|^\(\?:|EOF when|^fork server|^its schema is|"
    r"^a message with |^\{kind\} of \{argument\}$|^a (?:tensor|numpy array) of \{dtype\}$|"
    r"^Regex pattern did not match|^DID NOT RAISE|^(?:class|def) \{function\}|^from autograder\.|^iter next len |"
    r"^add sub mul |^any function: |^(?:training mode|gradients switched off)$|^leaf Variable "
)


#: Lines of a file, an error of a call, one that argparse shows in English, and words that the engine's catalog has.
_NO_MESSAGE = re.compile(
    r"^#Image|names no hash$|^must be at least 1$|^(?:Usage:|Arguments|Options|Show this message and exit\.)$"
)
_LABEL = re.compile(r"[a-z -]+")
#: Values of a curve or a bar, in contrast to those of an option.
_COMPUTED = (ast.Name, ast.Subscript, ast.BinOp)


@dataclass(frozen=True)
class Found:
    """One text to translate.

    Attributes:
        part: the unit that it belongs to; "engine" if it is the engine's or of several units.
        kind: "title", "hint", "prose", "mistake", "check", "sentence", "picture", "command", "page", "help".
        text: the text itself; a sentence is a template.
        path: where it stands, from the project's root.
        plural: its plural, if it counts something.
    """

    part: str
    kind: str
    text: str
    path: str
    plural: str = ""


def course_texts(root: Path = ROOT) -> Iterator[Found]:
    """Yield the texts of a course."""
    catalog = read_catalog(root)
    for path in sorted((root / "tests" / "exercises").glob("[!_]*.py")):
        if not path.name.startswith(("test_", "conftest")):  # the checks of several units use it
            for text in dict.fromkeys(text for _, text in sentences(path.read_text(encoding="utf-8"))):
                if not _NOT_SHOWN.search(text):
                    yield Found(ENGINE, "sentence", text, path.relative_to(root).as_posix())
    for unit in catalog.units.values():
        yield from _unit_texts(catalog, unit)
        for name in COMMANDS.get(unit.name, ()):
            source = (root / name).read_text(encoding="utf-8")
            for text in dict.fromkeys(text for _, text in sentences(source)):
                if not _NO_MESSAGE.search(text):
                    yield Found(unit.name, "command", text, name)


def _unit_texts(catalog: Catalog, unit: Unit) -> Iterator[Found]:
    def found(kind: str, text: str, path: Path) -> Found:
        return Found(unit.name, kind, text, path.relative_to(catalog.root).as_posix())

    settings = catalog.root / "exercises" / "catalog.toml"
    yield found("title", unit.title, settings)
    checks, picture = catalog.checks(unit.name), catalog.picture(unit.name)
    for exercise in map(catalog.exercise, unit.modules):
        for passage in passages(exercise.read_text(encoding="utf-8")):
            yield found("prose", passage.text, exercise)
    for function in unit.functions.values():
        for hint in function.hints:
            yield found("hint", hint, settings)
    source = checks.read_text(encoding="utf-8")
    for title in check_titles(source):
        yield found("check", title, checks)
    for sentence in mistake_sentences(catalog.mistakes(unit.name).read_text(encoding="utf-8")):
        yield found("mistake", sentence, catalog.mistakes(unit.name))
    for _, text in sentences(source):
        yield found("sentence", text, checks)
    if picture.is_file():
        drawing = picture.read_text(encoding="utf-8")
        for text in dict.fromkeys([*(text for _, text in sentences(drawing)), *labels(drawing)]):
            yield found("picture", text, picture)


def labels(source: str) -> Iterator[str]:
    """Yield the single words that name an axis, a row or a curve of a picture."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call():
                named: list[ast.expr] = [*_keywords([node], "x_name"), *_keywords([node], "y_name")]
            case ast.Tuple(elts=[name, ast.List() | ast.ListComp() | ast.Call()]):
                named = [name]
            case ast.Dict(keys=keys, values=values) if all(isinstance(each, _COMPUTED) for each in values):
                named = [key for key in keys if key is not None]
            case _:
                named = []
        texts = [each.value for each in named if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        if all(map(_LABEL.fullmatch, filter(None, texts))):  # else they name networks or options
            yield from filter(None, texts)


def check_titles(source: str) -> Iterator[str]:
    """Yield the title of each check of a file: the first line of its docstring."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            docstring = ast.get_docstring(node)
            if docstring:
                yield docstring.partition("\n")[0].rstrip(".")


def mistake_sentences(source: str) -> Iterator[str]:
    """Yield the sentence of each known mistake of a file."""
    for node in ast.parse(source).body:
        for call in getattr(node, "decorator_list", ()):
            match call:
                case ast.Call(func=ast.Name(id="mistake"), args=[_, ast.Constant(value=str(sentence))]):
                    yield sentence


def engine_texts(root: Path = ROOT) -> Iterator[Found]:
    """Yield the texts of the engine that students read."""
    package = root / "autograder"
    for name in ENGINE_FILES:
        source = (package / name).read_text(encoding="utf-8")
        for text in _help_texts(source) if name == _HELP else ():
            yield Found(ENGINE, "help", text, f"autograder/{name}")
        for singular, plural in _COUNTED.findall(source):
            yield Found(ENGINE, "sentence", singular, f"autograder/{name}", plural)
        counted = {text for pair in _COUNTED.findall(source) for text in pair}
        for text in dict.fromkeys([*_MARKED.findall(source), *(text for _, text in sentences(source))]):
            if text not in counted and not _NOT_SHOWN.search(text):
                yield Found(ENGINE, "sentence", text, f"autograder/{name}")
    for text in (GRADIENT, WITH_INPUT):
        yield Found(ENGINE, "sentence", text, "autograder/messages.py")
    for text in LABELS:
        yield Found(ENGINE, "sentence", text, "autograder/results/labels.py")
    for text in WORDS.values():
        yield Found(ENGINE, "sentence", text, "autograder/results/wording.py")
    sources = [(package / name).read_text(encoding="utf-8") for name in (_MIXED, _SHARED)]
    for text in _marked_help(*sources):
        yield Found(ENGINE, "help", text, f"autograder/{_MIXED}")
    for name in _TEMPLATES:
        path = f"autograder/results/formats/templates/{name}"
        source = (root / path).read_text(encoding="utf-8")
        for text in _MARKED.findall(source):
            yield Found(ENGINE, "page", text, path)
        for singular, plural in _COUNTED.findall(source):
            yield Found(ENGINE, "page", singular, path, plural)


def _help_texts(source: str) -> Iterator[str]:
    """Yield what `--help` says of each command: its docstring."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and node.name != "register":
            yield _summary(node)


def _marked_help(source: str, shared: str) -> Iterator[str]:
    """Yield what `--help` says of each command that is marked as a student's, and of its parameters."""
    options = {
        node.targets[0].id: list(_keywords([node], "help"))
        for node in ast.parse(shared).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and _MARK in map(ast.unparse, _keywords(node.decorator_list, "cls")):
            yield _summary(node)
            for argument in node.args.args:
                kind = argument.annotation
                helps = options[kind.id] if isinstance(kind, ast.Name) else _keywords([argument], "help")
                yield from map(ast.literal_eval, helps)


def _keywords(nodes: Iterable[ast.AST], name: str) -> Iterator[ast.expr]:
    """Yield the values that calls in some code give to a keyword."""
    for node in nodes:
        yield from (each.value for each in ast.walk(node) if isinstance(each, ast.keyword) and each.arg == name)


def _summary(node: ast.FunctionDef) -> str:
    return (ast.get_docstring(node) or "").partition("\n\n")[0].replace("\n", " ")
