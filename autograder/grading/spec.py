"""What a submission is graded by: everything besides itself that its mark depends on, and the key made of both.

Imports no torch, so that looking up an earlier result takes no time.
"""

import contextlib
import functools
import hashlib
import hmac
import importlib.util
import json
import os
import platform
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from autograder.course.catalog import Catalog, Unit
from autograder.errors import GraderError
from autograder.sandbox import REQUIRED
from autograder.submissions import RawSubmission

#: Packages whose version stands for their content; others that are preloaded are told by the content itself.
_VERSIONED = ("torch", "torchvision", "numpy", "pillow", "msgpack", "nbformat", "pytest")
#: Where the course's data may lie besides.
_VARIABLES = ("IDEALCAT_WEIGHTS", "OXFORD_PETS")


@dataclass(frozen=True)
class GradingSpec:
    """What submissions are graded by. It is passed whole, from the command to each process that grades.

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
        """The units to grade, in teaching order.

        Raises:
            CatalogError: the course has no unit of some name.
        """
        return self.catalog.chosen(list(self.units))

    @property
    def gpu(self) -> bool:
        """True if the students' code computes on CUDA's devices."""
        return self.device == "cuda"

    @functools.cached_property
    def facts(self) -> dict[str, str]:
        """What two machines must have in common for a mark to be the same on both, by name."""
        return course_facts(self.catalog, [unit.name for unit in self.chosen])

    @functools.cached_property
    def digest(self) -> str:
        """sha256 of all that a result depends on, but for the submission."""
        secret = self.seed or hmac.new(self.secret, b"key", hashlib.sha256).hexdigest()
        units = [unit.name for unit in self.chosen]
        document = [self.facts, units, sorted(self.functions), self.hidden, secret, self.device, self.require]
        return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()

    def key(self, raw: RawSubmission) -> str:
        """Return the key of a submission's result: sha256 of all that it depends on, but for the submission's name."""
        return hashlib.sha256(f"{self.digest}\0{raw.digest}".encode()).hexdigest()

    def seed_for(self, digest: str) -> str:
        """Return the seed of a submission's random inputs.

        It cannot be predicted without the secret, and is the same whenever the same content is graded.
        """
        return self.seed or hmac.new(self.secret, digest.encode(), hashlib.sha256).hexdigest()[:32]


def course_facts(catalog: Catalog, units: Iterable[str]) -> dict[str, str]:
    """The content of the course, of its data and of this program, and the versions below them, as they are here."""
    names = list(units)
    return {
        **course_hashes(catalog, names),
        "autograder": _content("autograder"),
        **{f"version of {name}": _version(name) for name in _VERSIONED},
        "version of Python": platform.python_version(),
        "machine": platform.machine(),
        **{name: os.environ.get(name, "") for name in _VARIABLES},
    }


def _version(package: str) -> str:
    """As it calls itself, which for torch tells the build too."""
    spec = importlib.util.find_spec(package) if package == "torch" else None
    build = Path(spec.origin).with_name("version.py").read_text() if spec is not None and spec.origin else ""
    try:
        return f"{metadata.version(package)} {build}".strip()
    except metadata.PackageNotFoundError:
        return ""


def course_hashes(catalog: Catalog, units: Iterable[str]) -> dict[str, str]:
    """sha256 of the checks, solutions, known mistakes, catalog and data that are graded by."""
    names = list(units)
    return {
        "checks": _sha256(catalog.checks(name) for name in names),
        "solutions": _sha256(catalog.solution(name) for name in names),
        "mistakes": _sha256(catalog.mistakes(name) for name in names),
        "catalog": _sha256([catalog.root / "exercises" / "catalog.toml"]),
        **{name: _content(name) for name in catalog.preload if name not in _VERSIONED},
    }


def _sha256(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0" + (path.read_bytes() if path.is_file() else b"") + b"\0")
    return digest.hexdigest()


@functools.cache
def _content(package: str) -> str:
    """sha256 of a package's files."""
    spec = importlib.util.find_spec(package)
    folders = [Path(place) for place in (spec.submodule_search_locations or ())] if spec is not None else []
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(_files(folder)):
            digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def course_secret() -> bytes:
    """The secret of this grader: `IDEALCAT_SECRET`, or a file in the user's configuration, made at its first use.

    Raises:
        GraderError: the file can neither be read nor be made.
    """
    given = os.environ.get("IDEALCAT_SECRET")
    if given:
        return given.encode()
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    path = home / "idealcat" / "secret"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "wb") as file:
                file.write(secrets.token_hex(32).encode())
        return path.read_bytes()
    except OSError as error:
        reason = f"the secret of this grader, {path}, cannot be made or read ({error.strerror})"
        raise GraderError(f"{reason}; set IDEALCAT_SECRET to any long text") from error
