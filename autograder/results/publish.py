"""Results in the form in which others want them: files for students, instructors and platforms.

What is written is made from results alone, by the pure functions of `reports`; nothing is graded again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote

from autograder.course.catalog import Catalog
from autograder.errors import GraderError, UsageError
from autograder.results.files import write_atomically
from autograder.results.formats.classroom import annotations, classroom
from autograder.results.formats.exercism import exercism
from autograder.results.formats.grades_csv import grades_csv
from autograder.results.formats.gradescope import gradescope
from autograder.results.formats.hidden import Hidden, shown
from autograder.results.formats.junit import junit
from autograder.results.formats.learning_platforms import canvas, moodle
from autograder.results.formats.markdown import markdown
from autograder.results.formats.pages import Picture, class_page, student_page
from autograder.results.types import SubmissionResult

__all__ = ["Format", "Hidden", "publish", "read_results", "rendered"]


class Format(StrEnum):
    """A form of a result, or of the results of a class."""

    HTML = "html"
    JSON = "json"
    MARKDOWN = "markdown"
    JUNIT = "junit"
    GRADESCOPE = "gradescope"
    CLASSROOM = "github-classroom"
    ANNOTATIONS = "github-annotations"
    EXERCISM = "exercism"
    CSV = "csv"
    CANVAS = "canvas"
    MOODLE = "moodle"


_EACH: dict[Format, tuple[str, Callable[[SubmissionResult, Hidden], str]]] = {
    Format.JSON: (".json", lambda result, hidden: shown(result, hidden).to_json()),
    Format.MARKDOWN: (".md", markdown),
    Format.JUNIT: (".xml", junit),
    Format.GRADESCOPE: (".json", gradescope),
    Format.CLASSROOM: (".txt", classroom),
    Format.ANNOTATIONS: (".txt", annotations),
    Format.EXERCISM: (".json", exercism),
}


def read_results(paths: Iterable[Path]) -> dict[str, SubmissionResult]:
    """The results in some files, and in the folders that `autograder grade` writes; by their files' names.

    Raises:
        UsageError: there are none, a file holds no result, or two have the same name.
    """
    results: dict[str, SubmissionResult] = {}
    for file in (file for path in paths for file in _files(path)):
        if file.stem in results:
            raise UsageError(f"there are two results called {file.name}; report on one folder at a time")
        results[file.stem] = _read(file)
    if not results:
        raise UsageError("there are no results here; name files, or the folder that `autograder grade -o` wrote")
    return results


def rendered(results: Sequence[SubmissionResult], form: Format, hidden: Hidden, catalog: Catalog, title: str) -> str:
    """The one text of these results in a format.

    Raises:
        UsageError: the format is for one submission, and these are several.
    """
    tables = {
        Format.CSV: lambda: grades_csv(results, list(catalog.units)),
        Format.CANVAS: lambda: canvas(results, title or catalog.title),
        Format.MOODLE: lambda: moodle(results, title or catalog.title),
    }
    if form in tables:
        return tables[form]()
    if len(results) > 1:
        raise UsageError(f"{form} is for one submission and there are {len(results)}; give a folder for them with -o")
    return student_page(results[0], catalog, hidden) if form is Format.HTML else _EACH[form][1](results[0], hidden)


def publish(
    results: Mapping[str, SubmissionResult],
    form: Format,
    hidden: Hidden,
    catalog: Catalog,
    folder: Path,
    pictures: Callable[[SubmissionResult], Mapping[str, Sequence[Picture]]] = lambda _: {},
) -> list[Path]:
    """Writes a file for each result into a folder; of pages also `index.html`, that of the class.

    Args:
        results: by the name that the file is to have.
        form: one that is for single submissions.
        hidden: what is shown of hidden checks.
        catalog: of the course.
        folder: made if there is none.
        pictures: what a page shows besides, by unit.
    """
    ending = ".html" if form is Format.HTML else _EACH[form][0]
    pages = folder / "submissions" if form is Format.HTML else folder
    pages.mkdir(parents=True, exist_ok=True)
    for name, result in results.items():
        if form is Format.HTML:
            text = student_page(result, catalog, hidden, pictures(result))
        else:
            text = rendered([result], form, hidden, catalog, "")
        write_atomically(pages / f"{name}{ending}", text)
    written = [pages / f"{name}{ending}" for name in results]
    if form is not Format.HTML:
        return written
    links = {each.name: quote(f"{pages.name}/{name}{ending}") for name, each in results.items()}
    write_atomically(folder / "index.html", class_page(list(results.values()), catalog, links))
    return [folder / "index.html", *written]


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        inner = path / "results"
        return sorted((inner if inner.is_dir() else path).glob("*.json"))
    if not path.exists():
        raise UsageError(f"there is no {path}")
    return [path]


def _read(path: Path) -> SubmissionResult:
    try:
        return SubmissionResult.from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError, GraderError) as error:
        raise UsageError(f"{path} holds no result of this grader ({error})") from error
