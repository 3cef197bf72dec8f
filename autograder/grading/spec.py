"""The spec of a grading: everything besides the submission that a mark depends on, and the key made of both.

Imports no torch, so that looking up an earlier result takes no time.
"""

import functools
import hashlib
import hmac
import json
import os
import platform
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from platformdirs import user_config_path

import autograder
from autograder.course.catalog import Catalog
from autograder.course.units import Unit
from autograder.errors import GraderError
from autograder.sandbox import REQUIRED
from autograder.submissions import RawSubmission

#: The modules of this program that make marks. The others carry submissions to them and results from them, show results,
#: serve students, or verify the course: an edit of those regrades nobody.
_MAKES_MARKS = (
    *("errors.py", "libraries.py", "compare.py", "diagnose.py", "grading/*.py", "results/types.py"),
    *(f"{room}/**/*.py" for room in ("checks", "course", "sandbox", "submissions", "worker")),
)
#: Modules of `grading/` that bring submissions to where they are graded, or compare what was graded: they make no mark.
_MAKES_NO_MARKS = frozenset(
    {
        *("batch.py", "cluster.py", "job.py", "jobs.py", "likeness.py", "replay.py"),
        *("source.py", "term.py", "result_validator.py"),
    }
)
_DOCUMENTATION = (".md", ".rst")
#: Packages whose version stands for their content; of others that are preloaded the content itself is hashed.
_VERSIONED = ("torch", "torchvision", "numpy", "keras", "jax", "pillow", "msgpack", "nbformat", "pytest")
#: By a sandbox's `EXTRAS`: what in a text may use it, `torch.func` and Keras among them.
_USERS = {
    "torch._dynamo": r"dynamo|\bfunc\b|functorch|checkpoint|keras",
    "matplotlib": r"plot|seaborn|pandas|sklearn",
}
#: Variables that name other places for the course's data.
_VARIABLES = ("IDEALCAT_WEIGHTS", "OXFORD_PETS")


@dataclass(frozen=True)
class GradingSpec:
    """Spec of a grading. It is passed whole, from the command to each process that grades.

    Attributes:
        catalog: the course.
        secret: with a submission's content it gives the seed of its random inputs.
        units: names of the units to grade; all of the course if empty.
        functions: names of the functions whose checks run; all if empty.
        hidden: True if hidden checks run too.
        seed: the seed of an earlier result, to replay it; if empty, each submission has its own.
        device: where the students' code computes, `cpu` or `cuda`.
        require: rungs of the isolation ladder that must hold; none for trusted work.
    """

    catalog: Catalog
    secret: bytes = b""
    units: tuple[str, ...] = ()
    functions: frozenset[str] = frozenset()
    hidden: bool = True
    seed: str = ""
    device: str = "cpu"
    require: tuple[str, ...] = REQUIRED

    @functools.cached_property
    def chosen(self) -> tuple[Unit, ...]:
        """Return the units to grade, in teaching order.

        Raises:
            CatalogError: the course has no unit of some name.
        """
        return self.catalog.select(list(self.units))

    @property
    def seconds(self) -> dict[str, float]:
        """Return the limit for a call of each unit's functions, as a result states it."""
        return {f"seconds of {unit.name}": unit.seconds for unit in self.chosen}

    @property
    def gpu(self) -> bool:
        """Return True if the students' code computes on CUDA's devices."""
        return self.device == "cuda"

    @functools.cached_property
    def facts(self) -> dict[str, str]:
        """Return what two machines must have in common for a mark to be the same on both, by name."""
        return course_facts(self.catalog, self.chosen)

    @functools.cached_property
    def digest(self) -> str:
        """Return sha256 of all that a result depends on, but for the submission."""
        secret = self.seed or hmac.new(self.secret, b"key", hashlib.sha256).hexdigest()
        units = [unit.name for unit in self.chosen]
        document = [self.facts, units, sorted(self.functions), self.hidden, secret, self.device, self.require]
        return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()

    def libraries(self, raws: Iterable[RawSubmission]) -> frozenset[str]:
        """Return which modules of `preload`, and of a sandbox's `EXTRAS`, are named in what runs with these submissions.

        What is not named need not be imported before a worker starts: torchvision takes as long as torch, and so does its
        compiler. torch itself and the course's own packages count as named.
        """
        kept = {name for name in self.catalog.preload if name == "torch" or (self.catalog.root / name).exists()}
        words = {**{name: rf"\b{re.escape(name)}\b" for name in self.catalog.preload}, **_USERS}
        texts, handed_in = list[bytes](), set[str]()
        for raw in raws:
            handed_in |= raw.files.keys()
            texts += [file.data for file in (*raw.files.values(), *raw.neighbours.values())]
        for unit in self.chosen:
            paths = (self.catalog.checks(unit.name), *map(self.catalog.solution, unit.modules))
            if not handed_in.isdisjoint(unit.modules):
                texts += [path.read_bytes() for path in paths if path.is_file()]
        named = {name for name, word in words.items() if any(map(re.compile(word.encode()).search, texts))}
        return frozenset(kept | named)

    def key(self, raw: RawSubmission) -> str:
        """Return the key of what a submission's checks give: sha256 of all that they depend on.

        The result has more to tell of a submission, such as files that no check depends on.
        """
        digest = raw.digest_of(module for unit in self.chosen for module in unit.modules)
        return hashlib.sha256(f"{self.digest}\0{digest}".encode()).hexdigest()

    def seed_for(self, digest: str) -> str:
        """Return the seed of a submission's random inputs.

        It cannot be predicted without the secret, and is the same whenever the same content is graded.
        """
        return self.seed or hmac.new(self.secret, digest.encode(), hashlib.sha256).hexdigest()[:32]


def versions() -> dict[str, str]:
    """Return the versions that a mark may depend on, as a result states them; torch's is added by `grade`."""
    libraries = ("torchvision", "numpy", "keras", "jax", "pytest")
    return {
        "idealcat": autograder.__version__,
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in libraries if find_spec(name)},
    }


def course_facts(catalog: Catalog, units: Iterable[Unit]) -> dict[str, str]:
    """Return what makes marks here, by name: the course, its data, the program that grades, and the versions below them."""
    return {
        **course_hashes(catalog, units),
        "program": _program(Path(autograder.__file__).parent),
        **{f"version of {name}": _version(name) for name in _VERSIONED},
        "version of Python": platform.python_version(),
        "machine": platform.machine(),
        **{name: os.environ.get(name, "") for name in _VARIABLES},
    }


def course_hashes(catalog: Catalog, units: Iterable[Unit]) -> dict[str, str]:
    """Return sha256 of what these units are graded by: checks, solutions, known mistakes, catalog, data."""
    chosen = list(units)
    return {
        "checks": _files_hash(
            catalog.root, [*(catalog.checks(unit.name) for unit in chosen), *catalog.shared_checks.values()]
        ),
        "solutions": _files_hash(catalog.root, [catalog.solution(name) for unit in chosen for name in unit.modules]),
        "mistakes": _files_hash(catalog.root, [catalog.mistakes(unit.name) for unit in chosen]),
        "alternatives": _files_hash(
            catalog.root, [path for unit in chosen for path in versions_for_examples(catalog, unit)]
        ),
        "catalog": _catalog_hash(catalog, chosen),
        **_data_hash(catalog, chosen),
        **{name: _package_hash(name) for name in catalog.preload if name not in _VERSIONED},
    }


def versions_for_examples(catalog: Catalog, unit: Unit) -> tuple[Path, ...]:
    """Return the alternative solutions of a unit if students' examples, which are run on them, earn points."""
    return catalog.alternatives(unit.name) if any(each.examples for each in unit.functions.values()) else ()


def _data_hash(catalog: Catalog, units: Iterable[Unit]) -> dict[str, str]:
    """Return sha256 of the files that the students' code of these units reads; nothing if it reads none."""
    paths = [path for unit in units for path in catalog.data(unit.name).values()]
    return {"exercises' data": _files_hash(catalog.root, paths)} if paths else {}


def _catalog_hash(catalog: Catalog, units: Iterable[Unit]) -> str:
    """Hash what the catalog says of these units that makes marks: other units and hints do not."""
    functions = {
        unit.name: [(each.name, each.points, each.outcome, each.examples) for each in unit.functions.values()]
        for unit in units
    }
    questions = [sorted(unit.questions) for unit in units]  # a result holds their answers
    document: list[object] = [catalog.preload, {unit.name: unit.seconds for unit in units}, functions, questions]
    document += [(unit.parts, unit.data) for unit in units if unit.parts or unit.data]
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


@functools.cache
def _program(package: Path) -> str:
    """Hash the modules of this program that make marks."""
    found = {path for place in _MAKES_MARKS for path in package.glob(place)}
    found -= {package / "grading" / name for name in _MAKES_NO_MARKS}
    if not found:
        raise GraderError(f"{package} has no modules to be hashed; install the package with its sources")
    return _files_hash(package, sorted(found))


@functools.cache
def _package_hash(name: str) -> str:
    """Hash a package of the course's: its modules and the data beside them, without documentation."""
    spec = find_spec(name)
    folders = [Path(place) for place in (spec.submodule_search_locations or ())] if spec is not None else []
    if spec is not None and not folders and spec.origin:
        return _files_hash(Path(spec.origin).parent, [Path(spec.origin)])
    digest = hashlib.sha256()
    for folder in folders:
        digest.update(_files_hash(folder, sorted(path for path in folder.rglob("*") if _counts(path))).encode())
    return digest.hexdigest()


def _counts(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts and path.suffix not in _DOCUMENTATION


def _files_hash(root: Path, paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        content = path.read_bytes() if path.is_file() else b""
        digest.update(f"{path.relative_to(root)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _version(package: str) -> str:
    """Return a package's version as it calls itself; for torch this tells the build too."""
    spec = find_spec(package) if package == "torch" else None
    build = Path(spec.origin).with_name("version.py").read_text() if spec is not None and spec.origin else ""
    try:
        return f"{metadata.version(package)} {build}".strip()
    except metadata.PackageNotFoundError:
        return ""


def course_secret() -> bytes:
    """Return this grader's secret: `IDEALCAT_SECRET`, or a file in the user's configuration, made at its first use.

    Raises:
        GraderError: the file can neither be read nor be made.
    """
    return kept_secret(user_config_path("idealcat") / "secret")


def kept_secret(path: Path) -> bytes:
    """Return `IDEALCAT_SECRET`, or the secret in a file that only its owner can read, made at its first use.

    Raises:
        GraderError: the file can neither be read nor be made, or is empty.
    """
    given = os.environ.get("IDEALCAT_SECRET")
    if given:
        return given.encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _make_secret(path)
        kept = path.read_bytes()
    except OSError as error:
        reason = f"the secret of this grader, {path}, cannot be made or read ({error.strerror})"
        raise GraderError(f"{reason}; set IDEALCAT_SECRET to any long text") from error
    if not kept:
        raise GraderError(
            f"the secret of this grader, {path}, is empty, so that all inputs can be foretold; delete it and run again"
        )
    return kept


def _make_secret(path: Path) -> None:
    """Write a new secret, whole at once: whoever starts at the same moment reads the one that came first."""
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_hex(32).encode())
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        except OSError:  # a disk without hard links
            if not path.exists():
                fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
