"""Build the bundles with which platforms grade."""

import json
import shlex
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from autograder.course.catalog import Catalog
from autograder.errors import GraderError
from autograder.grading.spec import kept_secret, versions_for_examples
from autograder.platforms.bundles.fingerprints import Files
from autograder.platforms.bundles.student import engine, exercise_data, shared_checks, student_bundle, template

#: Folder of a course that git ignores.
_LOCAL = ".autograder"
#: What Classroom 50 sets up before it runs an autograder: a runner, Python, and packages of Debian's.
_RUNTIME = {"runs-on": "ubuntu-latest", "python": "3.11", "apt": ["libseccomp2"]}


@dataclass(frozen=True)
class Grading:
    """Settings by which a bundle grades.

    Attributes:
        units: the units to grade, separated by commas; all if empty.
        hidden: what students see of hidden checks.
        secret: random inputs are drawn from it, so that the same content has the same inputs whenever it is graded.
    """

    units: str
    hidden: str
    secret: str

    @property
    def quoted(self) -> dict[str, str]:
        """Return the values by name, quoted for a shell script."""
        return {name: shlex.quote(value) for name, value in vars(self).items()}


def release_secret(catalog: Catalog) -> str:
    """Return the secret of this course's bundles, the same for each release.

    It is the variable `IDEALCAT_SECRET` if that is set, else the file `.autograder/release-secret` of the course. The first
    release makes that file, and git ignores it.

    Raises:
        GraderError: the file can neither be read nor be made.
    """
    folder = catalog.root / _LOCAL
    try:
        folder.mkdir(exist_ok=True)
        ignored = folder / ".gitignore"
        if not ignored.exists():
            ignored.write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise GraderError(
            f"{folder} cannot be made ({error.strerror}); set IDEALCAT_SECRET to any long text"
        ) from error
    return kept_secret(folder / "release-secret").decode()


def gradescope_bundle(catalog: Catalog, grading: Grading) -> Files:
    """Return Gradescope's autograder: `setup.sh`, `run_autograder`, and the whole course. For instructors alone."""
    return _below("source", _whole_course(catalog)) | {
        "setup.sh": template("setup.sh"),
        "run_autograder": template("run_autograder", **grading.quoted),
    }


def classroom50_bundle(catalog: Catalog, grading: Grading, fingerprints: Files | None = None) -> Files:
    """Return Classroom 50's autograder with the whole course, the template of students' repositories, and `runtime`."""
    units = [name for name in grading.units.split(",") if name]
    script = Path(__file__).with_name("classroom50.py").read_bytes()
    teacher = _below("bundle", _whole_course(catalog)) | {
        "autograder.py": script,
        "settings.json": json.dumps(vars(grading), indent=1).encode(),
    }
    return {
        **_below("teacher", teacher),
        **_below("template", student_bundle(catalog, units, fingerprints=fingerprints)),
        "runtime.json": json.dumps(_RUNTIME, indent=1).encode(),
        "README.md": template("classroom50.md", title=catalog.title),
    }


def actions_teacher_bundle(catalog: Catalog, grading: Grading) -> Files:
    """Return the teacher's private repository on GitHub: a workflow that grades students' repositories by all checks."""
    return _below("course", _whole_course(catalog)) | {
        ".github/workflows/grade.yml": template("actions-teacher.yml"),
        ".gitignore": b".venv/\nclass/\nout/\npages/\ncommits.csv\n__pycache__/\n*.egg-info/\n",
        "README.md": template("actions-teacher.md", title=catalog.title),
        "students.csv": b"login,repository,due,commit\n",
        "clone.sh": template("clone.sh"),
        "grade.sh": template("grade.sh", **grading.quoted),
        "hand_back.sh": template("hand_back.sh"),
    }


def actions_bundle(
    catalog: Catalog, units: Collection[str] = (), language: str = "", fingerprints: Files | None = None
) -> Files:
    """Return the students' course with a workflow of GitHub's: points, annotations, a summary."""
    files = student_bundle(catalog, units, language, fingerprints)
    return files | {".github/workflows/checks.yml": template("actions.yml")}


def gitlab_bundle(
    catalog: Catalog, units: Collection[str] = (), language: str = "", fingerprints: Files | None = None
) -> Files:
    """Return the students' course with a pipeline of GitLab's, which shows checks and points in a merge request."""
    files = student_bundle(catalog, units, language, fingerprints)
    return files | {".gitlab-ci.yml": template("gitlab-ci.yml")}


def _whole_course(catalog: Catalog) -> Files:
    """Return the engine, the course's translations, and all files that marks depend on: checks, solutions, known mistakes."""
    paths = [catalog.root / "exercises" / "catalog.toml", *sorted(catalog.translations.rglob("*.po"))]
    for name, unit in catalog.units.items():
        paths += [catalog.checks(name), catalog.mistakes(name), *map(catalog.solution, unit.modules)]
        # A version in a folder of its own has the unit's other files beside it.
        paths += [each for path in versions_for_examples(catalog, unit) for each in path.parent.glob("*.py")]
    files = {path.relative_to(catalog.root).as_posix(): path.read_bytes() for path in paths if path.is_file()}
    return engine(catalog) | files | exercise_data(catalog) | shared_checks(catalog, catalog.shared_checks)


def _below(folder: str, files: Files) -> Files:
    return {f"{folder}/{name}": content for name, content in files.items()}
