"""Build the grader as platforms install and run it."""

import secrets
from pathlib import Path

from autograder.course.catalog import Catalog
from autograder.platforms.bundles.student import Files, engine, shared_checks, student_bundle, template


def gradescope_bundle(catalog: Catalog, hidden: str, units: str) -> Files:
    """Return Gradescope's autograder: `setup.sh`, `run_autograder`, and the whole course. For instructors alone.

    Args:
        catalog: the course.
        hidden: what students see of hidden checks.
        units: those to grade, separated by commas; all where empty.
    """
    course = engine(catalog) | _course(catalog)
    # The same content is to get the same inputs whenever it is graded, and nobody is to know which.
    run = template("run_autograder", hidden=hidden, units=units, secret=secrets.token_hex(32))
    return {f"source/{name}": content for name, content in course.items()} | {
        "setup.sh": template("setup.sh"),
        "run_autograder": run,
    }


def classroom_bundle(catalog: Catalog) -> Files:
    """Return the students' course with a workflow of GitHub's: points for Classroom, annotations, a summary."""
    return student_bundle(catalog) | {".github/workflows/classroom.yml": template("classroom.yml")}


def gitlab_bundle(catalog: Catalog) -> Files:
    """Return the students' course with a pipeline of GitLab's, which shows the checks of a merge request."""
    return student_bundle(catalog) | {".gitlab-ci.yml": template("gitlab-ci.yml")}


def _course(catalog: Catalog) -> Files:
    """Return the files that grading takes: the catalog, the checks, the solutions and the known mistakes."""
    paths: list[Path] = [catalog.root / "exercises" / "catalog.toml"]
    for unit in catalog.units:
        paths += [catalog.checks(unit), catalog.solution(unit), catalog.mistakes(unit)]
    files = {path.relative_to(catalog.root).as_posix(): path.read_bytes() for path in paths if path.is_file()}
    return files | shared_checks(catalog)
