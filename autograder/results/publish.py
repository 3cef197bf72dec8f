"""Read results and write their marks in the form in which others want them. Nothing is graded again."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from autograder.course.catalog import Catalog
from autograder.errors import GraderError, UsageError
from autograder.results import policy
from autograder.results.class_file import find_rules
from autograder.results.foreign_tables import Table, unquote
from autograder.results.formats.formats import FORMATS
from autograder.results.formats.gradebooks import FOR_IMPORT
from autograder.results.formats.pages import class_page, student_page
from autograder.results.manual import read_tables
from autograder.results.mark import Hidden, Mark, Numbers, mark, unheeded_rows, visible_mark, with_numbers
from autograder.results.store import GRADED, read_grading, read_intake_rows, read_moments, write_atomically
from autograder.results.term import Assignment
from autograder.results.types import Picture, SubmissionResult

#: Advice for a path that holds no results.
_RESULTS = "name files of results, or the folder that `autograder grade -o` wrote"


def read_results(paths: Iterable[Path]) -> dict[str, SubmissionResult]:
    """Read the results in some files, and in the folders that `autograder grade` writes; by their files' names.

    In the folder of a class, results of nobody in it and copies are left out; see `left_out_results`.

    Raises:
        UsageError: there are none, a file holds no result, or two have the same name.
    """
    results: dict[str, SubmissionResult] = {}
    given = list(paths)
    for file, result in (each for path in given for each in _read_path(path).items()):
        if file.stem in results:
            raise UsageError(
                f"there are two results called {file.name}; report on one folder at a time, or give --roster"
            )
        results[file.stem] = result
    if not results:
        raise UsageError(f"there are no results in {', '.join(map(str, given))}; {_RESULTS}")
    return results


def left_out_results(paths: Iterable[Path], names: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each result in the folder of a class that `read_results` has left out.

    Args:
        paths: those that were read.
        names: the names of the files that hold the results.
    """
    for file in (file for path in paths for file in _files(path) if file.stem not in names):
        yield (
            f"{file} is left out: it is of nobody in the class that was graded there, or a copy; move it away, or name the"
            " file itself to report on it"
        )


def graded_folders(paths: Iterable[Path]) -> list[Path]:
    """Return the folders into which the results under some paths were graded."""
    return list(dict.fromkeys(map(graded_folder, paths)))


def graded_folder(path: Path) -> Path:
    """Return the folder into which the results under a path were graded."""
    path = path.resolve()
    folder = path if path.is_dir() else path.parent
    return folder.parent if folder.name == "results" else folder


def read_marks(paths: Sequence[Path], catalog: Catalog) -> dict[str, Mark]:
    """Read results, the points by hand beside them and what `class.toml` decides. Return the marks by their files' names.

    Raises:
        UsageError: there are no results, one of the files holds none, or a table of points by hand makes no sense.
    """
    results = read_results(paths)
    marks: dict[str, Mark] = {}
    for folder in graded_folders(paths):
        manual, taken = read_tables(folder, catalog), read_intake_rows(folder)
        decide = policy.decider_by(_rules_of(folder), read_moments(folder))
        numbers = numbers_of(folder)
        own = (file.stem for path in paths if graded_folder(path) == folder for file in _files(path))
        for name in (name for name in own if name in results):
            made = mark(results[name], manual, decide, catalog)
            marks[name] = _with_intake_numbers(made, taken.get(made.name, {}), numbers)
    return {name: marks[name] for name in results}


def _with_intake_numbers(made: Mark, row: Mapping[str, str], numbers: Numbers) -> Mark:
    """Return a mark with the number and login that the table of intake has for its student."""
    return with_numbers(made, unquote(row.get("id") or ""), unquote(row.get("login") or ""), numbers)


def unheeded_decisions(paths: Iterable[Path], marks: Collection[Mark], catalog: Catalog) -> Iterator[str]:
    """Yield a sentence for each decision beside some results that counts for nobody: rows by hand, and rules.

    Raises:
        UsageError: a table of points by hand or a `class.toml` cannot be read.
    """
    for folder in graded_folders(paths):
        # If one result was given alone, the others in its folder have names too.
        names = {each.name for each in marks} | {file.stem for file in _files(folder)}
        yield from unheeded_rows(read_tables(folder, catalog), names, marks)
        rules = _rules_of(folder)
        if rules is not None:
            yield from policy.unheeded_rules(rules, names, catalog.units)


def read_assignment(folder: Path, name: str, catalog: Catalog, students: Mapping[str, str]) -> Assignment:
    """Read the folder of a grading as one assignment of a term.

    Args:
        folder: as `autograder grade -o` wrote it.
        name: the name of the assignment.
        catalog: the catalog of the course.
        students: the name in the folder by the name in the term; the members of a group share one name in the folder.

    Raises:
        UsageError: a file in it cannot be read.
    """
    manual = read_tables(folder, catalog)
    marks = {result.name: mark(result, manual, None, catalog) for result in read_results([folder]).values()}
    moments = read_moments(folder)
    return Assignment(
        name,
        {title: marks[name] for title, name in students.items() if name in marks},
        _rules_of(folder) or policy.Policy(),
        {title: moments[name] for title, name in students.items() if name in moments},
    )


def roster_of(out: Path) -> str:
    """Return the path of the roster that a class was graded with; empty if there was none."""
    return str(read_grading(out).get("roster", ""))


def numbers_of(out: Path) -> Numbers:
    """Return whose numbers the students of a class have that was graded into a folder.

    Raises:
        UsageError: another version of the autograder has written it, with an owner that this one does not know.
    """
    owner = str(read_grading(out).get("numbers", ""))
    try:
        return Numbers(owner)
    except ValueError:
        path = out / GRADED
        raise UsageError(f"{path} has {owner!r} as numbers, which is not known here; grade the class again") from None


def _rules_of(out: Path) -> policy.Policy | None:
    """Return the rules of what was graded into a folder; None without any.

    Raises:
        UsageError: its `class.toml` cannot be read.
    """
    kept = read_grading(out)
    folders = kept.get("rules", kept.get("paths", ()))
    return find_rules([out, *map(Path, folders)] if isinstance(folders, list) else [out])


def render(marks: Sequence[Mark], form: str, hidden: Hidden, catalog: Catalog, title: str) -> str:
    """Return the one text of these marks in a format, a key of `FORMATS`.

    Raises:
        UsageError: the format is for one submission, and these are several.
    """
    chosen = FORMATS[form]
    if chosen.of_class is not None:
        return chosen.of_class(marks, title or catalog.title)
    if len(marks) > 1:
        raise UsageError(f"{form} is for one submission and there are {len(marks)}; give a folder for them with -o")
    assert chosen.of_one is not None
    return chosen.of_one(visible_mark(marks[0], hidden), catalog)


def refuse_exported(path: Path, form: str) -> None:
    """Raise if a table is to be written over a gradebook that a platform exported: it has columns that no table here has.

    Raises:
        UsageError: it would be lost.
    """
    own = FOR_IMPORT.get(form)
    if own is None or not path.exists():
        return
    try:
        heading = Table.read(path).heading
    except UsageError:  # no table, and so no gradebook
        return
    if sum(name not in own for name in heading) > 1:
        raise UsageError(
            f"{path} has more columns than the table that would replace it, as an exported gradebook has; fill it with"
            " --gradebook, or name another folder with -o"
        )


def publish(
    marks: Mapping[str, Mark],
    form: str,
    hidden: Hidden,
    catalog: Catalog,
    folder: Path,
    title: str = "",
    pictures: Callable[[SubmissionResult], Mapping[str, Sequence[Picture]]] = lambda _: {},
) -> list[Path]:
    """Write the files of a format into a folder: one for each mark, or a table; for pages also `index.html`, the class's.

    Args:
        marks: by the name that the file is to have.
        form: a key of `FORMATS`.
        hidden: what is shown of hidden checks.
        catalog: the catalog of the course.
        folder: made if there is none.
        title: what a learning platform calls the assignment.
        pictures: returns the pictures that a page shows besides, by unit.

    Raises:
        UsageError: a gradebook that a platform exported has the name of the table.
    """
    chosen = FORMATS[form]
    if chosen.of_class is not None:
        path = folder / f"{form}{chosen.suffix}"
        refuse_exported(path, form)
        write_atomically(path, render(list(marks.values()), form, hidden, catalog, title))
        return [path]
    if form == "html":
        return _publish_pages(marks, hidden, catalog, folder, pictures)
    paths = [folder / f"{name}{chosen.suffix}" for name in marks]
    for path, each in zip(paths, marks.values(), strict=True):
        write_atomically(path, render([each], form, hidden, catalog, title))
    return paths


def _publish_pages(
    marks: Mapping[str, Mark],
    hidden: Hidden,
    catalog: Catalog,
    folder: Path,
    pictures: Callable[[SubmissionResult], Mapping[str, Sequence[Picture]]],
) -> list[Path]:
    paths = {name: folder / "submissions" / f"{name}.html" for name in marks}
    for name, each in marks.items():
        write_atomically(paths[name], student_page(visible_mark(each, hidden), catalog, pictures(each.result)))
    links = {each.name: quote(f"submissions/{name}.html") for name, each in marks.items()}
    write_atomically(folder / "index.html", class_page(list(marks.values()), catalog, links))
    return [folder / "index.html", *paths.values()]


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        inner = path / "results"
        found = (inner if inner.is_dir() else path).glob("[!.]*.json")  # a name with a dot is macOS's own
        return sorted(found, key=lambda file: (file.stem.casefold(), file))
    if not path.exists():
        raise UsageError(f"{path} does not exist; {_RESULTS}")
    return [path]


def _read_path(path: Path) -> dict[Path, SubmissionResult]:
    """Read a file, or the results in a folder: for the folder of a class, one of each student in its table of intake."""
    found = {file: _read(file) for file in _files(path)}
    folder = graded_folder(path)
    names = read_intake_rows(folder).keys() if path.is_dir() and (folder / GRADED).exists() else frozenset()
    if not any(result.name in names for result in found.values()):
        return found
    kept: dict[str, Path] = {}
    for file in sorted(found, key=lambda file: file.stem != found[file].name):  # a copy is not called as its student
        if found[file].name in names:
            kept.setdefault(found[file].name, file)
    return {file: result for file, result in found.items() if kept.get(result.name) == file}


def _read(path: Path) -> SubmissionResult:
    try:
        return SubmissionResult.from_json(path.read_text(encoding="utf-8"))
    except GraderError as error:
        raise UsageError(f"{path} holds no result of this grader ({error})") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}); {_RESULTS}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} holds no result of this grader; {_RESULTS}") from error
